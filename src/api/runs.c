/* runs.c - runs and syncs: starting with a scope, watching, stopping. What becomes of
 * a plan is in plans.c. */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/columns/column_kind.h"
#include "store/store_runs.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 10000

static const char *const kinds[] = {"sync", "run", "undo", NULL};
static const char *const states[] = {"queued",  "running", "done",       "failed",
                                     "stopped", "interrupted", NULL};
static const char *const which[] = {"due", "empty", "errors", "refused", "skipped", "waiting", "all",
                                    NULL};

const struct field run_list_query[] = {
    {"table", F_TEXT, 0, "a table's name", .min = 1, .max = 200},
    {"kind", F_WORD, 0, NULL, .words = kinds},
    {"state", F_WORD, 0, NULL, .words = states},
    {"before", F_INT, 0, "runs older than this run id"},
    {"limit", F_INT, 0, "runs at most (50)", .min = 1, .max = 500},
    {0},
};

static const struct field progress_fields[] = {
    {"what", F_TEXT, F_REQUIRED, "what is happening: a column's name, \"importing Account\""},
    {"done", F_INT, F_REQUIRED, "rows so far"},
    {"total", F_INT, F_REQUIRED | F_NULL, "rows in all; null = not known"},
    {"calls", F_INT, F_REQUIRED, "API calls so far"},
    {"began", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"rate", F_NUMBER, F_REQUIRED | F_NULL, "rows a second of what is happening; null = too early to say"},
    {"left_ms", F_INT, F_REQUIRED | F_NULL, "of what is happening, at this rate"},
    {0},
};
static const struct shape progress_shape = {"Progress", NULL, progress_fields};

static const struct field run_fields[] = {
    {"id", F_INT, F_REQUIRED, NULL},
    {"table_id", F_INT, F_REQUIRED, NULL},
    {"kind", F_WORD, F_REQUIRED, NULL, .words = kinds},
    {"cause", F_TEXT, F_REQUIRED | F_NULL, "\"person\", \"schedule\", \"recovery\""},
    {"who", F_TEXT, F_REQUIRED | F_NULL, "login of who asked"},
    {"scope", F_ANY, F_REQUIRED | F_NULL, "what it was asked to do"},
    {"state", F_WORD, F_REQUIRED, NULL, .words = states},
    {"queued", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"started", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"ended", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"report", F_ANY, F_REQUIRED | F_NULL, "the counts; of a sync also its statement"},
    {"error", F_TEXT, F_REQUIRED | F_NULL, "why it failed or stopped"},
    {"progress", F_OBJECT, F_REQUIRED | F_NULL, "while it runs", .of = &progress_shape},
    {0},
};
const struct shape run_shape = {"Run", "A run of columns, or a sync of sources.", run_fields};

static const struct field run_list_fields[] = {
    {"runs", F_LIST, F_REQUIRED, "newest first", .of = &run_shape},
    {"next", F_INT, F_REQUIRED | F_NULL, "ask with before = next for more; null = the end"},
    {0},
};
const struct shape run_list_shape = {"Runs", NULL, run_list_fields};

static const struct field run_body_fields[] = {
    {"column", F_TEXT, 0, "only this column, by name", .min = 1, .max = 200},
    {"rows", F_WORD, 0, "which cells (due): errors are those that failed and no others; all computes everything again", .words = which},
    {"row_ids", F_LIST, 0, "only these rows", .item = F_INT, .max = ROWS_MAX},
    {"first", F_INT, 0, "only the first so many rows", .min = 1, .max = 1000000000},
    {"approve", F_BOOL, 0, "approve the first write of write columns"},
    {"force_new", F_BOOL, 0, "create again for rows that have their record already"},
    {"fresh", F_BOOL, 0, "ask HTTP APIs anew, whatever `cache` has kept"},
    {0},
};
const struct shape run_body = {"RunOrder", NULL, run_body_fields};

static const struct field plan_body_fields[] = {
    {"column", F_TEXT, 0, "only this column, by name", .min = 1, .max = 200},
    {"rows", F_WORD, 0, "which cells (due)", .words = which},
    {"row_ids", F_LIST, 0, "only these rows", .item = F_INT, .max = ROWS_MAX},
    {"first", F_INT, 0, "only the first so many rows", .min = 1, .max = 1000000000},
    {0},
};
const struct shape plan_body = {"PlanOrder", NULL, plan_body_fields};

static const struct field sync_body_fields[] = {
    {"source", F_TEXT, 0, "only this source of the table", .min = 1, .max = 200},
    {"full", F_BOOL, 0, "read everything again instead of what changed"},
    {0},
};
const struct shape sync_body = {"SyncOrder", NULL, sync_body_fields};

/* ---------------------------------------------------------------- writing */

static void write_rate(struct jw *w, const struct work_progress *at)
{
    int64_t took = at->at_ms - at->step_ms;
    if (took < 200 || at->done <= 0) {
        jw_kv_null(w, "rate");
        jw_kv_null(w, "left_ms");
        return;
    }
    double rate = (double)at->done * 1000 / (double)took;
    jw_key(w, "rate");
    jw_double(w, rate);
    if (at->total > 0)
        jw_kv_int(w, "left_ms", (int64_t)((double)(at->total - at->done) * 1000 / rate));
    else
        jw_kv_null(w, "left_ms");
}

void progress_write(struct jw *w, const struct work_progress *at)
{
    jw_object(w);
    jw_kv_text(w, "what", at->what);
    jw_kv_int(w, "done", at->done);
    if (at->total > 0)
        jw_kv_int(w, "total", at->total);
    else
        jw_kv_null(w, "total");
    jw_kv_int(w, "calls", (int64_t)at->calls);
    jw_kv_time(w, "began", at->began_ms);
    write_rate(w, at);
    jw_end_object(w);
}

static void run_write(struct call *call, const struct run *run)
{
    struct jw *w = &call->w;
    struct work_progress at;
    jw_object(w);
    jw_kv_int(w, "id", run->id);
    jw_kv_int(w, "table_id", run->table_id);
    jw_kv_text(w, "kind", run->kind);
    jw_kv_text(w, "cause", run->cause);
    jw_kv_text(w, "who", run->who);
    jw_kv_json(w, "scope", run->scope);
    jw_kv_text(w, "state", run_state_name(run->state));
    jw_kv_time(w, "queued", run->queued_ms);
    jw_kv_time(w, "started", run->started_ms);
    jw_kv_time(w, "ended", run->ended_ms);
    jw_kv_json(w, "report", run->report);
    jw_kv_text(w, "error", run->error);
    jw_key(w, "progress");
    if (run->state == RUN_RUNNING && work_progress_of(call->api->work, run->id, &at))
        progress_write(w, &at);
    else
        jw_null(w);
    jw_end_object(w);
}

static enum status write_run(struct call *call, int64_t id, struct err *err)
{
    struct run run;
    if (call->store->does->runs->get(call->store, call->arena, id, &run, err) != OK)
        return FAIL;
    run_write(call, &run);
    return OK;
}

/* --------------------------------------------------------------- handlers */

static enum status fill_query(struct call *call, struct run_query *query, struct err *err)
{
    const char *state = call_query(call, "state");
    enum run_state wanted;
    query->kind = call_query(call, "kind");
    query->before_id = call_query_int(call, "before", 0);
    if (state && run_state_parse(state, &wanted))
        query->states = 1u << wanted;
    return call_query_table(call, &query->table_id, err);
}

enum status api_run_list(struct call *call, struct err *err)
{
    struct run_query query = {0};
    struct run *runs;
    size_t count, limit = (size_t)call_query_int(call, "limit", 50);
    struct jw *w = &call->w;
    query.limit = limit + 1;
    if (fill_query(call, &query, err) != OK ||
        call->store->does->runs->find(call->store, call->arena, &query, &runs, &count, err) != OK)
        return FAIL;
    bool more = count > limit;
    if (more)
        count = limit;
    jw_object(w);
    jw_key(w, "runs");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        run_write(call, &runs[i]);
    jw_end_array(w);
    jw_kv_next(w, more ? runs[count - 1].id : 0);
    jw_end_object(w);
    return OK;
}

enum status api_run_show(struct call *call, struct err *err)
{
    int64_t id;
    if (call_id(call, 0, &id, err) != OK)
        return FAIL;
    return write_run(call, id, err);
}

enum status api_run_stop(struct call *call, struct err *err)
{
    int64_t id;
    struct run run;
    if (call_id(call, 0, &id, err) != OK ||
        call->store->does->runs->get(call->store, call->arena, id, &run, err) != OK)
        return FAIL;
    if (work_stop(call->api->work, id, err) != OK) {
        if (err_is(err, ERR_NOT_FOUND))
            err_set(err, ERR_CONFLICT, "run %lld has ended already", (long long)id);
        return FAIL;
    }
    if (call_audit(call, "run stopped", arena_printf(call->arena, "{\"run\":%lld}", (long long)id),
                   err) != OK)
        return FAIL;
    return write_run(call, id, err);
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void choose_rows(struct call *call, struct run_options *options)
{
    const struct json *list = json_get(call->body, "row_ids");
    if (!list)
        return;
    int64_t *rows = arena_array(call->arena, list->len + 1, sizeof *rows);
    size_t n = 0;
    json_each(id, list) rows[n++] = json_int(id, 0);
    qsort(rows, n, sizeof *rows, by_number);
    options->rows = rows;
    options->row_count = n;
}

/* The column must be there before a run is promised. */
static enum status check_column(const struct table *table, const char *column, struct err *err)
{
    const struct column *found = column ? table_column(table, column) : NULL;
    if (!column || (found && column_is_computed(found)))
        return OK;
    return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no computed column \"%s\"", table->name,
                   column);
}

/* The body, as the run's scope; of a plan it says so. */
static const char *scope_of(struct call *call, const struct job_order *job)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    json_each(member, call->body) {
        jw_key(&w, member->key);
        jw_value(&w, member);
    }
    if (job->run.dry_run)
        jw_kv_bool(&w, "plan", true);
    jw_end_object(&w);
    const char *copy = arena_strdup(call->arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

enum status call_order(struct call *call, struct job_order *job, struct err *err)
{
    int64_t id;
    job->who = call_who(call);
    job->cause = "person";
    if (!job->scope)
        job->scope = scope_of(call, job);
    if (work_order(call->api->work, job, &id, err) != OK)
        return FAIL;
    return write_run(call, id, err);
}

enum status api_run_start(struct call *call, struct err *err)
{
    struct table table;
    const char *rows = json_get_text(call->body, "rows");
    struct job_order job = {.kind = JOB_RUN,
                            .run = {.column = json_get_text(call->body, "column"),
                                    .limit = json_get_int(call->body, "first", 0),
                                    .yes = json_get_bool(call->body, "approve", false),
                                    .force_new = json_get_bool(call->body, "force_new", false),
                                    .fresh = json_get_bool(call->body, "fresh", false)}};
    if ((job.run.yes && call_needs(call, ROLE_BUILDER, "approving a first write", err) != OK) ||
        (job.run.force_new && call_needs(call, ROLE_BUILDER, "creating again", err) != OK) ||
        call_table(call, &table, err) != OK || check_column(&table, job.run.column, err) != OK)
        return FAIL;
    job.table = table.name;
    (void)run_options_rows(&job.run, rows); /* the body was checked */
    choose_rows(call, &job.run);
    return call_order(call, &job, err);
}

enum status api_plan_start(struct call *call, struct err *err)
{
    struct table table;
    const char *rows = json_get_text(call->body, "rows");
    struct job_order job = {.kind = JOB_RUN,
                            .run = {.column = json_get_text(call->body, "column"),
                                    .limit = json_get_int(call->body, "first", 0),
                                    .dry_run = true}};
    if (call_table(call, &table, err) != OK || check_column(&table, job.run.column, err) != OK)
        return FAIL;
    job.table = table.name;
    (void)run_options_rows(&job.run, rows); /* the body was checked */
    choose_rows(call, &job.run);
    return call_order(call, &job, err);
}

enum status api_sync_start(struct call *call, struct err *err)
{
    struct table table;
    if (call_table(call, &table, err) != OK)
        return FAIL;
    struct job_order job = {.kind = JOB_SYNC,
                            .table = table.name,
                            .source = json_get_text(call->body, "source"),
                            .full = json_get_bool(call->body, "full", false)};
    if (job.source && !table_source(&table, job.source))
        return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no source \"%s\"", table.name,
                       job.source);
    return call_order(call, &job, err);
}
