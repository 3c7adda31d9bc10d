/* job.c - one call of the engine: its sessions, its tables, its report.
 *
 * Sessions are opened at first use and shared by all columns of the job. A
 * session knows how many calls it may use: the connection's daily budget, or
 * half of what the org had left when the session began. Reaching it pauses the
 * job; it never fails it. */
#include "engine/access.h"
#include "engine/run_priv.h"

#include "base/str.h"
#include "engine/columns/http_cache.h"
#include "store/store_runs.h"

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
    for (struct job_session *s = job->sessions; s; s = s->next)
        if (s->session)
            s->session->does->close(s->session);
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
        engine->queued_run = 0;
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

static void set_budget(struct job_session *on)
{
    struct crm_session *session = on->session;
    if (on->budget)
        return;
    if (on->connection.daily_call_budget > 0)
        on->budget = (uint64_t)on->connection.daily_call_budget;
    else if (session->limit_max > 0 && session->limit_used >= 0)
        on->budget = (uint64_t)(session->limit_max - session->limit_used) / 2 + session->calls + 1;
}

bool job_over_budget(struct run_job *job, struct job_session *on, size_t under_way)
{
    set_budget(on);
    if (!on->budget || on->session->calls + under_way < on->budget)
        return false;
    job->report->paused = true;
    job->stop_writing = true;
    report_refusal(job->report, "budget",
                   "the connection's call budget is used up; the rest waits for the next run");
    return true;
}

void job_sum_calls(struct run_job *job)
{
    uint64_t calls = 0, one_each = 0;
    for (struct job_session *s = job->sessions; s; s = s->next) {
        calls += s->session->calls;
        one_each += s->session->calls_one_each;
    }
    job->report->calls = calls;
    job->report->calls_one_each = one_each;
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

void report_refusal(struct run_report *report, const char *code, const char *message)
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
        slot->count++;
    for (; slot && slot > report->refusals && slot[-1].count < slot->count; slot--) {
        struct refusal swap = slot[-1];
        slot[-1] = *slot;
        *slot = swap;
    }
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

const char *run_report_json(struct arena *arena, const struct run_report *r)
{
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {
        {"computed", r->cells_computed},   {"skipped", r->cells_skipped},
        {"no_result", r->cells_no_result}, {"waiting", r->cells_waiting},
        {"error", r->cells_error},         {"looked_up", r->looked_up},
        {"created", r->created},           {"adopted", r->adopted},
        {"updated", r->updated},           {"upserted", r->upserted},
        {"unchanged", r->unchanged},       {"refused", r->refused},
        {"rejected", r->rejected},         {"in_doubt", r->in_doubt},
        {"retrying", r->retrying},         {"planned", r->planned},
        {"calls", (int64_t)r->calls},      {"calls_one_each", (int64_t)r->calls_one_each},
        {"took_ms", r->took_ms},           {"repaired", r->repaired},
        {"deleted", r->deleted},           {"converted", r->converted},
        {"sent_single", r->sent_single},   {"sent_collections", r->sent_collections},
        {"sent_bulk", r->sent_bulk},       {"bulk_jobs", r->bulk_jobs},
        {"write_calls", r->write_calls},
        {"http_requests", r->http_requests}, {"rows_sent", r->rows_sent},
        {"rows_tidied", r->rows_tidied},
        {"delayed", r->cells_delayed},
    };
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        jw_kv_int(&w, counts[i].name, counts[i].value);
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
