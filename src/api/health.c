/* health.c - is it up, may it be sent work, and what it counts. Without a sign-in
 * only up or down is told; the counts take a token or session of an admin. */
#include "api/nouns.h"

#include "base/when.h"
#include "store/store_holds.h"
#include "store/store_jobs.h"

static const struct field health_fields[] = {
    {"status", F_TEXT, F_REQUIRED, "\"up\" or \"down\""},
    {0},
};
const struct shape health_shape = {"Health", NULL, health_fields};

static enum status say(struct call *call, bool up)
{
    jw_object(&call->w);
    jw_kv_text(&call->w, "status", up ? "up" : "down");
    jw_end_object(&call->w);
    http_out_header(call->in, call->out, "Content-Type", "application/json");
    call->out->status = up ? 200 : 503;
    return OK;
}

enum status api_health_live(struct call *call, struct err *err)
{
    return say(call, !atomic_load(&call->api->broken));
}

/* Ready: not on its way out, and the store answers. */
enum status api_health_ready(struct call *call, struct err *err)
{
    struct err ignored = {0};
    struct table *tables;
    size_t count;
    return say(call, !atomic_load(&call->api->stopping) && !atomic_load(&call->api->broken) &&
                         call->store->does->table_list(call->store, call->arena, &tables, &count,
                                                       &ignored) == OK);
}

static void metric(struct buf *out, const char *name, const char *type, const char *help,
                   unsigned long long value)
{
    buf_printf(out, "# HELP argil_%s %s\n# TYPE argil_%s %s\nargil_%s %llu\n", name, help, name,
               type, name, value);
}

const int api_took_bounds[API_TOOK_BOUNDS] = {1,   2,   5,    10,   25,   50,
                                              100, 250, 1000, 5000, 30000};

/* A Prometheus histogram: its buckets hold what took at most so long, so each counts the
 * ones below it, too. */
static void time_metrics(struct api *api, struct buf *out)
{
    unsigned long long sum = 0;
    buf_str(out, "# HELP argil_request_seconds How long requests took to answer.\n"
                 "# TYPE argil_request_seconds histogram\n");
    for (size_t i = 0; i < API_TOOK_BOUNDS; i++) {
        sum += atomic_load(&api->took[i]);
        buf_printf(out, "argil_request_seconds_bucket{le=\"%g\"} %llu\n",
                   api_took_bounds[i] / 1000.0, sum);
    }
    sum += atomic_load(&api->took[API_TOOK_BOUNDS]);
    buf_printf(out, "argil_request_seconds_bucket{le=\"+Inf\"} %llu\n", sum);
    buf_printf(out, "argil_request_seconds_sum %g\nargil_request_seconds_count %llu\n",
               (double)atomic_load(&api->took_ms) / 1000.0, sum);
}

static enum status table_metrics(struct call *call, struct buf *out, struct err *err)
{
    struct op_counts ops;
    struct table *tables;
    size_t count;
    int64_t rows = 0;
    if (call->store->does->table_list(call->store, call->arena, &tables, &count, err) != OK ||
        call->store->does->ops_count(call->store, 0, &ops, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        rows += tables[i].row_count;
    metric(out, "tables", "gauge", "Tables.", count);
    metric(out, "rows", "gauge", "Live rows of all tables.", (unsigned long long)rows);
    buf_str(out, "# HELP argil_operations Operations of the journal by state.\n"
                 "# TYPE argil_operations gauge\n");
    for (int state = 0; state <= OP_CANCELLED; state++)
        buf_printf(out, "argil_operations{state=\"%s\"} %lld\n",
                   op_state_name((enum op_state)state), (long long)ops.by_state[state]);
    return OK;
}

/* What the processes of a workspace share, and what a restore holds. */
static enum status shared_metrics(struct call *call, struct buf *out, struct err *err)
{
    struct store *store = call->store;
    struct store_hold *holds;
    size_t count, held = 0;
    int64_t waiting, taken;
    if (store->does->holds->list(store, call->arena, &holds, &count, err) != OK ||
        store->does->jobs->count(store, 0, &waiting, &taken, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        held += !holds[i].released_ms;
    metric(out, "connections_held", "gauge", "Connections that may not write after a restore.", held);
    metric(out, "shared_jobs_waiting", "gauge", "Jobs that no process has taken yet.",
           (unsigned long long)waiting);
    metric(out, "shared_jobs_taken", "gauge", "Jobs that some process works on.",
           (unsigned long long)taken);
    return OK;
}

enum status api_health_metrics(struct call *call, struct err *err)
{
    struct api *api = call->api;
    struct buf *out = &call->out->body;
    struct work_counts work = work_count(api->work);
    metric(out, "requests_total", "counter", "Requests answered.", atomic_load(&api->requests));
    metric(out, "requests_refused_total", "counter", "Requests answered with 4xx.",
           atomic_load(&api->refused));
    metric(out, "requests_failed_total", "counter", "Requests answered with 5xx.",
           atomic_load(&api->failed));
    time_metrics(api, out);
    metric(out, "event_streams", "gauge", "Event streams open.", hub_count(api->hub));
    metric(out, "jobs_waiting", "gauge", "Syncs and runs that wait.", work.jobs_waiting);
    metric(out, "jobs_running", "gauge", "Syncs and runs under way.", work.jobs_running);
    metric(out, "talks_running", "gauge", "Requests that talk to an org.", work.talks_running);
    metric(out, "work_threads", "gauge", "Threads for both.", work.threads);
    metric(out, "uptime_seconds", "gauge", "Since the server started.",
           (unsigned long long)(call_now(call) - api->started_ms) / 1000);
    call->out->status = 200;
    http_out_header(call->in, call->out, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return table_metrics(call, out, err) == OK ? shared_metrics(call, out, err) : FAIL;
}
