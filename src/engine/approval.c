/* approval.c - see approval.h. What keeps a run to its plan is in columns/org_plan.c. */
#include "engine/approval.h"

#include "engine/run_priv.h"

#include "base/str.h"

#include <string.h>

static const char *const plan_names[] = {"being made", "waiting", "approved", "rejected", "applied"};
static const char *const line_names[] = {"planned", "rejected", "edited", "blocked"};

const char *plan_state_name(enum plan_state state)
{
    return plan_names[state];
}

const char *plan_line_state_name(enum plan_line_state state)
{
    return line_names[state];
}

/* ------------------------------------------------------------------- making */

struct making {
    struct engine *engine;
    int64_t plan_id;
    enum status rc; /* of storing: a callback cannot fail */
    struct err *err;
};

static void keep(struct making *m, const struct plan_line *line)
{
    struct store *store = m->engine->store;
    if (m->rc == OK)
        m->rc = store->does->plans->add(store, m->plan_id, line, 1, m->err);
}

static void planned(void *ctx, const struct planned_write *write)
{
    struct plan_line line = {.column_id = write->column_id,
                             .row_id = write->row_id,
                             .state = LINE_PLANNED,
                             .kind = write->kind,
                             .row_key = write->row_key,
                             .object = write->object,
                             .target_id = write->target_id,
                             .payload = write->payload,
                             .before = write->before};
    keep(ctx, &line);
}

static void blocked(void *ctx, const struct planned_write *write, const char *code,
                    const char *message)
{
    struct plan_line line = {.column_id = write->column_id,
                             .row_id = write->row_id,
                             .state = LINE_BLOCKED,
                             .kind = write->kind,
                             .row_key = write->row_key,
                             .object = write->object,
                             .reason = message ? message : code};
    keep(ctx, &line);
}

static const char *scope_of(struct arena *arena, const struct run_options *options)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "column", options->column);
    jw_kv_int(&w, "states", options->states);
    jw_kv_bool(&w, "all", options->all);
    jw_kv_int(&w, "limit", options->limit);
    jw_key(&w, "rows");
    jw_array(&w);
    for (size_t i = 0; i < options->row_count; i++)
        jw_int(&w, options->rows[i]);
    jw_end_array(&w);
    jw_end_object(&w);
    const char *copy = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

enum status plan_make(struct engine *engine, struct arena *arena, const char *table,
                      const struct run_options *options, struct write_plan *out,
                      struct run_report *report, struct err *err)
{
    struct store *store = engine->store;
    struct table found;
    struct making making = {.engine = engine, .err = err};
    struct run_options dry = *options;
    if (store->does->table_get(store, arena, table, &found, err) != OK)
        return FAIL;
    *out = (struct write_plan){.table_id = found.id,
                               .run_id = engine->queued_run,
                               .who = engine_actor(engine),
                               .scope = scope_of(arena, options)};
    if (store->does->plans->begin(store, out, err) != OK)
        return FAIL;
    making.plan_id = out->id;
    dry.dry_run = true;
    dry.planned = planned;
    dry.blocked = blocked;
    dry.planned_ctx = &making;
    if (run_table(engine, table, &dry, report, err) != OK || making.rc != OK)
        return FAIL;
    if (store->does->plans->ready(store, out->id, report->run_id, run_report_json(arena, report),
                                  err) != OK)
        return FAIL;
    return store->does->plans->get(store, arena, out->id, out, err);
}

/* ----------------------------------------------------------------- deciding */

struct editing {
    struct run_job job;
    struct run_report report;
    struct run_options options;
    const struct table *table;
    const struct plan_line *line;
};

static struct crm_session *session_of(struct editing *e, struct err *err)
{
    struct err ignored = {0};
    const struct column *column = table_column_by_id(e->table, e->line->column_id);
    const struct json *config =
        column ? json_parse(e->job.arena, column->config, strlen(column->config), &ignored) : NULL;
    const char *name = json_get_text(config, "connection");
    if (!name) {
        err_set(err, ERR_NOT_FOUND, "the plan's column is gone");
        return NULL;
    }
    struct job_session *on = job_session(&e->job, name, err);
    return on ? on->session : NULL;
}

/* The edited value, checked as a row's value is; NULL with *err. */
static const char *checked(struct editing *e, struct crm_session *session,
                           const struct crm_object *object, const struct json *member,
                           struct err *err)
{
    const struct crm_field *field = crm_object_field(object, member->key);
    const char *out = NULL;
    if (!field || json_is(member, JSON_OBJECT) || json_is(member, JSON_ARRAY)) {
        err_set(err, ERR_INVALID, "%s cannot be edited in a plan", member->key);
        return NULL;
    }
    struct value value = json_as_text(e->job.arena, member);
    if (session->does->check(session, object, field, e->line->kind, value, e->job.arena, &out,
                             err) == CRM_CHECK_REFUSED)
        return NULL;
    return out;
}

/* The planned payload with the edited values in place of its own. */
static const char *merge(struct editing *e, const struct json *set, struct err *err)
{
    struct crm_session *session = session_of(e, err);
    const struct crm_object *object =
        session ? session->does->describe(session, e->line->object, err) : NULL;
    const struct json *payload =
        object ? json_parse(e->job.arena, e->line->payload, strlen(e->line->payload), err) : NULL;
    if (!payload)
        return NULL;
    json_each(member, set)
        if (!json_get_nocase(payload, member->key)) {
            err_set(err, ERR_INVALID, "the planned write does not write %s", member->key);
            err_hint(err, "An edit changes values, not which fields are written.");
            return NULL;
        }
    struct buf text = BUF_INIT;
    struct jw w;
    const char *out = NULL;
    jw_init(&w, &text);
    jw_object(&w);
    json_each(member, payload) {
        const struct json *edit = json_get_nocase(set, member->key);
        const char *value = edit ? checked(e, session, object, edit, err) : NULL;
        if (edit && !value)
            goto done;
        jw_key(&w, member->key);
        if (value)
            jw_raw(&w, value, strlen(value));
        else
            jw_value(&w, member);
    }
    jw_end_object(&w);
    out = arena_strdup(e->job.arena, buf_text(&text));
done:
    buf_free(&text);
    return out;
}

static enum status edit(struct editing *e, const char *set, struct plan_line *line, struct err *err)
{
    const struct json *tree = json_parse(e->job.arena, set, strlen(set), err);
    if (!tree)
        return FAIL;
    if (!json_is(tree, JSON_OBJECT) || !tree->first)
        return err_set(err, ERR_INVALID, "an edit is a JSON object: {\"Title\": \"CFO\"}");
    line->state = LINE_EDITED;
    line->edited = merge(e, tree, err);
    return line->edited ? OK : FAIL;
}

enum status plan_decide_line(struct engine *engine, int64_t plan_id, int64_t column_id,
                             int64_t row_id, const char *set, const char *reason,
                             struct err *err)
{
    struct store *store = engine->store;
    struct editing e = {0};
    struct write_plan plan;
    struct plan_line line;
    if (!set && text_blank(reason))
        return err_set(err, ERR_INVALID, "why is it rejected? Give a reason.");
    if (run_job_open(&e.job, engine, &e.report, &e.options, err) != OK)
        return FAIL;
    enum status rc = store->does->plans->get(store, e.job.arena, plan_id, &plan, err);
    if (rc == OK)
        rc = store->does->plans->lines_of(store, e.job.arena, plan_id, column_id, &row_id, 1, &line,
                                          err);
    if (rc == OK && !line.row_id)
        rc = err_set(err, ERR_NOT_FOUND, "plan %lld has no write for this row and column",
                     (long long)plan_id);
    struct table_plan *table = rc == OK ? job_table_by_id(&e.job, plan.table_id, err) : NULL;
    if (rc == OK && table) {
        e.table = &table->table;
        e.line = &line;
        struct plan_line decided = {.column_id = column_id,
                                    .row_id = row_id,
                                    .state = LINE_REJECTED,
                                    .reason = reason,
                                    .decided_by = engine_actor(engine)};
        rc = set ? edit(&e, set, &decided, err) : OK;
        if (rc == OK)
            rc = store->does->plans->decide_line(store, plan_id, &decided, err);
    } else {
        rc = FAIL;
    }
    run_job_close(&e.job);
    return rc;
}

enum status plan_decide(struct engine *engine, int64_t plan_id, bool approve, const char *reason,
                        struct err *err)
{
    struct store *store = engine->store;
    if (!approve && text_blank(reason))
        return err_set(err, ERR_INVALID, "why is the plan rejected? Give a reason.");
    return store->does->plans->decide(store, plan_id, approve ? PLAN_APPROVED : PLAN_REJECTED,
                                      engine_actor(engine), reason, 0, err);
}

/* ----------------------------------------------------------------- applying */

static void read_scope(struct arena *arena, const struct write_plan *plan,
                       struct run_options *options)
{
    struct err ignored = {0};
    const struct json *scope =
        plan->scope ? json_parse(arena, plan->scope, strlen(plan->scope), &ignored) : NULL;
    const struct json *rows = json_get(scope, "rows");
    *options = (struct run_options){.column = json_get_text(scope, "column"),
                                    .states = (uint32_t)json_get_int(scope, "states", 0),
                                    .all = json_get_bool(scope, "all", false),
                                    .limit = json_get_int(scope, "limit", 0),
                                    .plan_id = plan->id,
                                    .yes = true}; /* a named person approved it */
    if (!rows || !rows->len)
        return;
    int64_t *ids = arena_array(arena, rows->len, sizeof *ids);
    json_each(row, rows)
        ids[options->row_count++] = json_int(row, 0);
    options->rows = ids;
}

enum status plan_apply(struct engine *engine, int64_t plan_id, struct run_report *report,
                       struct err *err)
{
    struct store *store = engine->store;
    struct arena *arena = arena_new();
    struct write_plan plan;
    struct run_options options;
    struct table *tables = NULL;
    const char *name = NULL;
    size_t count = 0;
    memset(report, 0, sizeof *report);
    enum status rc = store->does->plans->get(store, arena, plan_id, &plan, err);
    if (rc == OK)
        rc = store->does->table_list(store, arena, &tables, &count, err);
    for (size_t i = 0; rc == OK && i < count; i++)
        if (tables[i].id == plan.table_id)
            name = tables[i].name;
    if (rc == OK && !name)
        rc = err_set(err, ERR_NOT_FOUND, "the table of plan %lld is gone", (long long)plan_id);
    /* At most once: taken before the run, so that a second one cannot begin beside it. */
    if (rc == OK)
        rc = store->does->plans->decide(store, plan_id, PLAN_APPLIED, engine_actor(engine), NULL,
                                        engine->queued_run, err);
    if (rc == OK) {
        read_scope(arena, &plan, &options);
        rc = run_table(engine, name, &options, report, err);
    }
    arena_free(arena);
    return rc;
}
