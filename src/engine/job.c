/* job.c - one call of the engine: its sessions, its tables, its report.
 *
 * Sessions are opened at first use and shared by all columns of the job. How many
 * calls a session may use is budget.c's. */
#include "engine/access.h"
#include "engine/run_priv.h"

#include "base/str.h"
#include "engine/columns/http_cache.h"
#include "store/store_runs.h"

#include <stddef.h>
#include <string.h>

enum status run_job_open(struct run_job *job, struct engine *engine, struct run_report *report,
                         const struct run_options *options, struct err *err)
{
    static const struct run_options defaults;
    memset(job, 0, sizeof *job);
    job->engine = engine;
    job->arena = arena_new();
    job->report = report;
    job->options = options ? options : &defaults;
    job->started_ms = engine->world->monotonic_ms(engine->world);
    job->opened_ms = engine_now(engine);
    job->http_cache = http_cache_new();
    job->names = map_new();
    return OK;
}

void run_job_close(struct run_job *job)
{
    for (struct job_session *s = job->sessions; s; s = s->next) {
        if (!s->session)
            continue;
        job_settle_budget(job, s);
        s->session->does->close(s->session);
    }
    map_free(job->names);
    http_cache_free(job->http_cache);
    arena_free(job->arena);
}

const char *engine_actor(const struct engine *engine)
{
    return engine->actor ? engine->actor : "cli";
}

enum status job_begin_run(struct run_job *job, int64_t table_id, const char *kind, struct err *err)
{
    struct engine *engine = job->engine;
    struct store *store = engine->store;
    job->use = job->options->dry_run ? "plan" : kind;
    job->use_table = table_id;
    if (engine->queued_run) {
        job->run_id = engine->queued_run;
        job->queued = true;
        engine->queued_run = 0;
        struct run was;
        if (store->does->runs->get(store, job->arena, job->run_id, &was, err) != OK)
            return FAIL;
        job->taken_over = was.started_ms != 0;
        return store->does->runs->start(store, job->run_id, err);
    }
    struct run run = {.table_id = table_id,
                      .kind = kind,
                      .cause = "person",
                      .who = engine_actor(engine),
                      .started_ms = engine_now(engine)};
    enum status rc = store->does->run_begin(store, &run, err);
    job->run_id = run.id;
    return rc;
}

/* -------------------------------------------------------------- sessions */

/* Each connection that a job uses, once; where no run began, somebody tries a column
 * or an earlier run's operations are settled. */
static enum status note_use(struct run_job *job, const struct connection *connection,
                            struct err *err)
{
    struct connection_use use = {.what = job->use    ? job->use
                                         : job->show ? "preview"
                                                     : "settling",
                                 .table_id = job->use_table,
                                 .run_id = job->run_id};
    return access_note_use(job->engine, connection->id, &use, err);
}

static struct job_session *session_add(struct run_job *job, const struct connection *connection,
                                       struct err *err)
{
    struct crm_session *session = engine_session(job->engine, connection->name, err);
    if (session && note_use(job, connection, err) != OK) {
        session->does->close(session);
        return NULL;
    }
    if (!session)
        return NULL;
    struct job_session *on = arena_alloc(job->arena, sizeof *on);
    on->name = connection->name;
    on->connection_id = connection->id;
    on->connection = *connection;
    on->session = session;
    on->next = job->sessions;
    job->sessions = on;
    return on;
}

struct job_session *job_session(struct run_job *job, const char *name, struct err *err)
{
    for (struct job_session *s = job->sessions; s; s = s->next)
        if (text_eq(s->name, name))
            return s;
    struct connection connection = {0};
    struct store *store = job->engine->store;
    if (store->does->connection_get(store, job->arena, name, &connection, err) != OK)
        return NULL;
    return session_add(job, &connection, err);
}

struct job_session *job_session_by_id(struct run_job *job, int64_t connection_id, struct err *err)
{
    for (struct job_session *s = job->sessions; s; s = s->next)
        if (s->connection_id == connection_id)
            return s;
    struct connection *list = NULL;
    size_t count = 0;
    struct store *store = job->engine->store;
    if (store->does->connection_list(store, job->arena, &list, &count, err) != OK)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (list[i].id == connection_id)
            return session_add(job, &list[i], err);
    err_set(err, ERR_NOT_FOUND, "connection %lld is gone", (long long)connection_id);
    return NULL;
}

const struct crm_object *job_describe(struct job_session *on, const char *object,
                                      struct engine *engine, struct err *err)
{
    int64_t before = on->session->server_date_ms;
    const struct crm_object *found = on->session->does->describe(on->session, object, err);
    if (found && !on->skew_known && on->session->server_date_ms &&
        on->session->server_date_ms != before) {
        on->skew_ms = on->session->server_date_ms - engine_now(engine);
        on->skew_known = true;
    }
    return found;
}

enum status job_contract(struct run_job *job, struct job_session *on, struct contract **out,
                         struct err *err)
{
    if (!on->contract_known &&
        contract_load(job->engine, job->arena, on->connection_id, &on->contract, err) != OK)
        return FAIL;
    on->contract_known = true;
    *out = on->contract;
    return OK;
}

void job_sum_calls(struct run_job *job)
{
    uint64_t calls = 0, one_each = 0;
    for (struct job_session *s = job->sessions; s; s = s->next) {
        calls += s->session->calls;
        one_each += s->session->calls_one_each;
    }
    job->report->calls = calls + job->calls_elsewhere;
    job->report->calls_one_each = one_each + job->one_each_elsewhere;
}

/* ---------------------------------------------------------------- tables */

static struct table_plan *table_add(struct run_job *job, struct table_plan *plan, struct err *err)
{
    if (table_plan_make(job->arena, plan, err) != OK)
        return NULL;
    plan->next = job->tables;
    job->tables = plan;
    return plan;
}

struct table_plan *job_table(struct run_job *job, const char *name, struct err *err)
{
    for (struct table_plan *t = job->tables; t; t = t->next)
        if (text_eq(t->table.name, name))
            return t;
    struct table_plan *plan = arena_alloc(job->arena, sizeof *plan);
    struct store *store = job->engine->store;
    if (store->does->table_get(store, job->arena, name, &plan->table, err) != OK)
        return NULL;
    return table_add(job, plan, err);
}

struct table_plan *job_table_by_id(struct run_job *job, int64_t table_id, struct err *err)
{
    for (struct table_plan *t = job->tables; t; t = t->next)
        if (t->table.id == table_id)
            return t;
    struct table *list = NULL;
    size_t count = 0;
    struct store *store = job->engine->store;
    if (store->does->table_list(store, job->arena, &list, &count, err) != OK)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (list[i].id == table_id)
            return job_table(job, list[i].name, err);
    err_set(err, ERR_NOT_FOUND, "table %lld is gone", (long long)table_id);
    return NULL;
}

/* ---------------------------------------------------------------- report */

void job_tick(struct run_job *job, const char *what, int64_t done, int64_t total)
{
    const struct progress *progress = &job->engine->progress;
    if (!progress->tick)
        return;
    job_sum_calls(job);
    progress->tick(progress->ctx, what, done, total, job->report->calls);
}

bool job_sleep(struct run_job *job, int64_t ms)
{
    struct world *world = job->engine->world;
    while (ms > 0 && !engine_stopping(job->engine)) {
        int64_t step = ms < 200 ? ms : 200;
        world->sleep_ms(world, step);
        ms -= step;
    }
    return !engine_stopping(job->engine);
}

static void add_refusals(struct run_report *report, const char *code, const char *message,
                         int64_t count)
{
    struct refusal *slot = NULL;
    for (size_t i = 0; i < report->refusal_count && !slot; i++)
        if (strncmp(report->refusals[i].code, code, sizeof slot->code - 1) == 0)
            slot = &report->refusals[i];
    if (!slot && report->refusal_count < sizeof report->refusals / sizeof *report->refusals) {
        slot = &report->refusals[report->refusal_count++];
        snprintf(slot->code, sizeof slot->code, "%s", code ? code : "");
        const char *text = message ? message : "";
        size_t len = utf8_cut(text, strlen(text), sizeof slot->message - 1);
        memcpy(slot->message, text, len);
    }
    if (slot)
        slot->count += count;
    for (; slot && slot > report->refusals && slot[-1].count < slot->count; slot--) {
        struct refusal swap = slot[-1];
        slot[-1] = *slot;
        *slot = swap;
    }
}

void report_refusal(struct run_report *report, const char *code, const char *message)
{
    add_refusals(report, code, message, 1);
}

static void copy_cut(char *out, size_t size, const char *text, size_t len)
{
    size_t cut = utf8_cut(text, len, size - 1);
    memcpy(out, text, cut);
    out[cut] = 0;
}

void report_repair(struct run_report *report, const char *object, const char *field,
                   struct value given, const char *written)
{
    struct repair *slot = NULL;
    char name[128];
    snprintf(name, sizeof name, "%s.%s", object, field);
    report->repaired++;
    for (size_t i = 0; i < report->repair_count && !slot; i++)
        if (text_eq(report->repairs[i].field, name))
            slot = &report->repairs[i];
    if (!slot && report->repair_count < sizeof report->repairs / sizeof *report->repairs) {
        slot = &report->repairs[report->repair_count++];
        snprintf(slot->field, sizeof slot->field, "%s", name);
        copy_cut(slot->given, sizeof slot->given, given.text ? given.text : "", given.len);
        copy_cut(slot->written, sizeof slot->written, written, strlen(written));
    }
    if (slot)
        slot->count++;
}

void report_cell(struct run_report *report, enum cell_state state)
{
    switch (state) {
    case CELL_OK:
        report->cells_computed++;
        break;
    case CELL_NO_RESULT:
        report->cells_no_result++;
        break;
    case CELL_SKIPPED:
        report->cells_skipped++;
        break;
    case CELL_WAITING:
    case CELL_DUE:
        report->cells_waiting++;
        break;
    case CELL_RETRYING:
        report->retrying++;
        break;
    case CELL_ERROR:
        report->cells_error++;
        break;
    case CELL_REFUSED:
        report->refused++;
        break;
    case CELL_IN_DOUBT:
        report->in_doubt++;
        break;
    case CELL_OUTDATED:
    case CELL_EMPTY:
    case CELL_QUEUED:
    case CELL_RUNNING:
        break;
    }
}

/* A report as text, and back. */
static const struct {
    const char *name;
    size_t at; /* an int64_t or uint64_t of struct run_report */
} counts[] = {
#define COUNT(name, member) {name, offsetof(struct run_report, member)}
    COUNT("computed", cells_computed),
    COUNT("skipped", cells_skipped),
    COUNT("no_result", cells_no_result),
    COUNT("waiting", cells_waiting),
    COUNT("error", cells_error),
    COUNT("looked_up", looked_up),
    COUNT("created", created),
    COUNT("adopted", adopted),
    COUNT("updated", updated),
    COUNT("upserted", upserted),
    COUNT("unchanged", unchanged),
    COUNT("refused", refused),
    COUNT("rejected", rejected),
    COUNT("in_doubt", in_doubt),
    COUNT("retrying", retrying),
    COUNT("planned", planned),
    COUNT("calls", calls),
    COUNT("calls_one_each", calls_one_each),
    COUNT("took_ms", took_ms),
    COUNT("repaired", repaired),
    COUNT("deleted", deleted),
    COUNT("converted", converted),
    COUNT("sent_single", sent_single),
    COUNT("sent_collections", sent_collections),
    COUNT("sent_bulk", sent_bulk),
    COUNT("bulk_jobs", bulk_jobs),
    COUNT("write_calls", write_calls),
    COUNT("http_requests", http_requests),
    COUNT("rows_sent", rows_sent),
    COUNT("rows_tidied", rows_tidied),
    COUNT("delayed", cells_delayed),
#undef COUNT
};
#define COUNTS (sizeof counts / sizeof *counts)

static int64_t count_get(const struct run_report *report, size_t i)
{
    int64_t value;
    memcpy(&value, (const char *)report + counts[i].at, sizeof value);
    return value;
}

static void count_add(struct run_report *report, size_t i, int64_t more)
{
    int64_t value = count_get(report, i) + more;
    memcpy((char *)report + counts[i].at, &value, sizeof value);
}

const char *run_report_json(struct arena *arena, const struct run_report *r)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    for (size_t i = 0; i < COUNTS; i++)
        jw_kv_int(&w, counts[i].name, count_get(r, i));
    jw_kv_bool(&w, "paused", r->paused);
    jw_key(&w, "reasons");
    jw_array(&w);
    for (size_t i = 0; i < r->refusal_count; i++) {
        jw_object(&w);
        jw_kv_text(&w, "code", r->refusals[i].code);
        jw_kv_text(&w, "message", r->refusals[i].message);
        jw_kv_int(&w, "count", r->refusals[i].count);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    const char *json = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return json;
}

void run_report_add(struct run_report *report, struct arena *arena, const char *text)
{
    struct err ignored = {0};
    const struct json *json = text ? json_parse(arena, text, strlen(text), &ignored) : NULL;
    for (size_t i = 0; i < COUNTS; i++)
        count_add(report, i, json_get_int(json, counts[i].name, 0));
    report->paused = report->paused || json_get_bool(json, "paused", false);
    json_each(reason, json_get(json, "reasons"))
        add_refusals(report, json_get_text(reason, "code"), json_get_text(reason, "message"),
                     json_get_int(reason, "count", 0));
}
