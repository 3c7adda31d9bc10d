/* gates.c - see gates.h. */
#include "engine/gates.h"
#include "engine/access.h"

#include "base/str.h"

#include <string.h>

#define CANARY        "canary"
#define LOCK          "lock"
#define CANARY_ROWS   5
#define CANARY_ABOVE  100

static const struct json *guard_of(const struct table *table, struct arena *arena)
{
    struct err ignored = {0};
    return table->guard && *table->guard
               ? json_parse(arena, table->guard, strlen(table->guard), &ignored)
               : NULL;
}

static enum status note(struct engine *engine, const char *what, const char *table,
                        const char *of, struct err *err)
{
    struct buf detail = BUF_INIT;
    struct jw w;
    jw_init(&w, &detail);
    jw_object(&w);
    jw_kv_text(&w, "table", table);
    jw_kv_text(&w, "of", of);
    jw_end_object(&w);
    enum status rc = engine->store->does->audit_add(engine->store, engine_actor(engine), what,
                                                    buf_text(&detail), err);
    buf_free(&detail);
    return rc;
}

/* --------------------------------------------------------------------- lock */

static enum status is_test(struct engine *engine, struct arena *arena, const char *name, bool *test,
                           struct err *err)
{
    struct connection connection = {0};
    if (!name)
        return OK;
    if (engine->store->does->connection_get(engine->store, arena, name, &connection, err) != OK)
        return FAIL;
    *test = *test || text_eq(connection.environment, "sandbox");
    return OK;
}

enum status gate_note_test(struct engine *engine, struct arena *arena, const struct table *table,
                           struct err *err)
{
    struct store *store = engine->store;
    struct gate gate;
    bool test = false, found = false;
    struct err ignored = {0};
    for (size_t i = 0; i < table->source_count; i++)
        if (is_test(engine, arena, table->sources[i].connection, &test, err) != OK)
            return FAIL;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        const struct json *config =
            column->config ? json_parse(arena, column->config, strlen(column->config), &ignored)
                           : NULL;
        if (is_test(engine, arena, json_get_text(config, "connection"), &test, err) != OK)
            return FAIL;
    }
    if (!test)
        return OK;
    if (store->does->gates->get(store, arena, table->id, 0, LOCK, &gate, &found, err) != OK)
        return FAIL;
    if (found)
        return OK;
    gate = (struct gate){.table_id = table->id, .kind = LOCK, .state = "test",
                         .who = engine_actor(engine), .at_ms = engine_now(engine)};
    return store->does->gates->put(store, &gate, err);
}

enum status gate_lock_open(struct run_job *job, const struct table *table,
                           const struct job_session *on, struct err *err)
{
    struct store *store = job->engine->store;
    struct gate gate;
    bool found = false;
    if (text_eq(on->connection.environment, "sandbox") || job->options->dry_run)
        return OK;
    if (store->does->gates->get(store, job->arena, table->id, 0, LOCK, &gate, &found, err) != OK)
        return FAIL;
    if (!found || (text_eq(gate.state, "unlocked") && text_eq_nocase(gate.detail, on->name)))
        return OK;
    err_set(err, ERR_LOCKED, "table \"%s\" was built on a Test Env and may not write to \"%s\" yet",
            table->name, on->name);
    err_cause(err, "What was tried out in a sandbox would now change %s.",
              on->connection.org_name ? on->connection.org_name : "another org");
    err_hint(err, "Look with --dry-run, then: argil gate unlock %s %s. Nothing was sent.",
             table->name, on->name);
    return FAIL;
}

enum status gate_unlock(struct engine *engine, const char *table, const char *connection,
                        struct err *err)
{
    struct store *store = engine->store;
    struct arena *arena = arena_new();
    struct table found = {0};
    struct connection to = {0};
    struct gate gate;
    bool locked = false;
    enum status rc = store->does->table_get(store, arena, table, &found, err);
    if (rc == OK)
        rc = store->does->connection_get(store, arena, connection, &to, err);
    if (rc == OK)
        rc = access_may_build(engine, to.name, err);
    if (rc == OK)
        rc = store->does->gates->get(store, arena, found.id, 0, LOCK, &gate, &locked, err);
    if (rc == OK && !locked)
        rc = err_set(err, ERR_CONFLICT, "table \"%s\" has no lock: it was not built on a Test Env",
                     found.name);
    if (rc == OK) {
        gate.state = "unlocked";
        gate.detail = to.name;
        gate.who = engine_actor(engine);
        gate.at_ms = engine_now(engine);
        rc = store->does->gates->put(store, &gate, err);
    }
    if (rc == OK)
        rc = note(engine, "table unlocked", found.name, to.name, err);
    arena_free(arena);
    return rc;
}

/* ------------------------------------------------------------------- canary */

/* guard.canary: a number, or {rows, above}. rows 0 = there is none. */
static void canary_of(const struct table *table, struct arena *arena, int64_t *rows, int64_t *above)
{
    const struct json *canary = json_get(guard_of(table, arena), "canary");
    *rows = json_is(canary, JSON_OBJECT) ? json_get_int(canary, "rows", CANARY_ROWS)
                                         : json_int(canary, 0);
    *above = json_get_int(canary, "above", CANARY_ABOVE);
}

static enum status rows_due(struct run_job *job, const struct table_plan *table,
                            const struct column_plan *plan, int64_t *due, struct err *err)
{
    struct store *store = job->engine->store;
    int64_t by_state[CELL_STATES] = {0};
    if (store->does->cells_count(store, table->table.id, plan->column->id, by_state, err) != OK)
        return FAIL;
    *due = by_state[CELL_DUE] + by_state[CELL_WAITING] + by_state[CELL_RETRYING];
    return OK;
}

static enum status begin_canary(struct run_job *job, const struct table_plan *table,
                                const struct column_plan *plan, int64_t rows, int64_t due,
                                struct err *err)
{
    struct store *store = job->engine->store;
    struct gate gate = {.table_id = table->table.id,
                        .column_id = plan->column->id,
                        .kind = CANARY,
                        .state = "waiting",
                        .run_id = job->run_id,
                        .detail = arena_printf(job->arena, "{\"rows\":%lld,\"due\":%lld}",
                                               (long long)rows, (long long)due),
                        .who = engine_actor(job->engine),
                        .at_ms = engine_now(job->engine)};
    return store->does->gates->put(store, &gate, err);
}

enum status gate_canary_left(struct run_job *job, const struct table_plan *table,
                             const struct column_plan *plan, int64_t *left, struct err *err)
{
    struct store *store = job->engine->store;
    struct gate gate;
    int64_t rows, above, due = 0;
    bool found = false;
    *left = INT64_MAX;
    canary_of(&table->table, job->arena, &rows, &above);
    if (rows <= 0 || job->options->plan_id) /* a plan was looked at by a person, row by row */
        return OK;
    if (job->canary_of == plan) {
        *left = job->canary_left;
        return OK;
    }
    if (store->does->gates->get(store, job->arena, table->table.id, plan->column->id, CANARY, &gate,
                                &found, err) != OK)
        return FAIL;
    if (found) {
        *left = text_eq(gate.state, "approved") ? INT64_MAX : 0;
    } else {
        if (rows_due(job, table, plan, &due, err) != OK)
            return FAIL;
        if (due > above && due > rows) {
            *left = rows;
            if (begin_canary(job, table, plan, rows, due, err) != OK)
                return FAIL;
        }
    }
    job->canary_of = plan;
    job->canary_left = *left;
    return OK;
}

void gate_canary_tell(struct run_job *job, const struct column_plan *plan)
{
    const char *table = job->table->table.name, *column = plan->column->name;
    report_refusal(job->report, "canary.waiting",
                   arena_printf(job->arena,
                                "\"%s\": the first records are written, the rest waits until a "
                                "person has looked: argil gate approve %s \"%s\", or gate stop",
                                column, table, column));
    job->report->paused = job->stop_column = true;
}

enum status gate_canary_end(struct run_job *job, const struct table_plan *table,
                            const struct column_plan *plan, struct err *err)
{
    struct store *store = job->engine->store;
    struct gate gate;
    int64_t rows, above, due = 0;
    bool found = false;
    canary_of(&table->table, job->arena, &rows, &above);
    if (rows <= 0 || job->options->dry_run)
        return OK;
    if (store->does->gates->get(store, job->arena, table->table.id, plan->column->id, CANARY, &gate,
                                &found, err) != OK ||
        rows_due(job, table, plan, &due, err) != OK)
        return FAIL;
    if (!found || !text_eq(gate.state, "approved") || due)
        return OK;
    return store->does->gates->remove(store, table->table.id, plan->column->id, CANARY, err);
}

static enum status decide(struct engine *engine, const char *table, const char *column,
                          const char *state, const char *what, struct err *err)
{
    struct store *store = engine->store;
    struct arena *arena = arena_new();
    struct table of = {0};
    struct gate gate;
    bool found = false;
    enum status rc = store->does->table_get(store, arena, table, &of, err);
    const struct column *named = rc == OK ? table_column(&of, column) : NULL;
    if (rc == OK && !named)
        rc = err_set(err, ERR_NOT_FOUND, "table \"%s\" has no column \"%s\"", table, column);
    if (rc == OK)
        rc = store->does->gates->get(store, arena, of.id, named->id, CANARY, &gate, &found, err);
    if (rc == OK && !found)
        rc = err_set(err, ERR_CONFLICT, "no canary batch of \"%s\" waits", named->name);
    if (rc == OK) {
        gate.state = state;
        gate.who = engine_actor(engine);
        gate.at_ms = engine_now(engine);
        rc = store->does->gates->put(store, &gate, err);
    }
    if (rc == OK)
        rc = note(engine, what, of.name, named->name, err);
    arena_free(arena);
    return rc;
}

enum status gate_approve(struct engine *engine, const char *table, const char *column,
                         struct err *err)
{
    return decide(engine, table, column, "approved", "canary approved", err);
}

enum status gate_stop(struct engine *engine, const char *table, const char *column,
                      struct err *err)
{
    return decide(engine, table, column, "stopped", "canary stopped", err);
}

/* --------------------------------------------------------------- quiet hours */

bool gate_quiet(struct run_job *job, const struct table *table)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    int64_t until = 0;
    bool quiet = false, automatic = job->options->scheduled || job->options->auto_update;
    const struct json *window = json_get(guard_of(table, arena), "quiet_hours");
    const char *zone = json_get_text(window, "zone");
    if (window && quiet_now(window, engine_now(job->engine), &quiet, &until, &err) != OK) {
        report_refusal(job->report, err.code, err.message);
        quiet = true; /* a zone that is not on this machine must not mean "send" */
    }
    if (quiet && automatic) {
        report_refusal(job->report, "quiet_hours",
                       arena_printf(arena, "quiet hours until %s (%s): nothing is sent by itself",
                                    json_get_text(window, "to"), zone ? zone : "UTC"));
        job->report->paused = job->stop_writing = true;
    } else if (quiet && !job->told_quiet) {
        job->told_quiet = true;
        report_refusal(job->report, "quiet_hours.person",
                       arena_printf(arena, "these are quiet hours (until %s, %s); sent because a "
                                           "person asked",
                                    json_get_text(window, "to"), zone ? zone : "UTC"));
    }
    arena_free(arena);
    return quiet && automatic;
}
