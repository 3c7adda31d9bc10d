/* plans.c - writes that wait for a person: looked at, edited, rejected, approved, applied.
 *
 * POST /tables/{table}/plans (runs.c) makes one. What is applied is exactly what the plan
 * holds then (engine/approval.h). */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/approval.h"
#include "store/store_plans.h"

#include <stdlib.h>
#include <string.h>

#define WRITES_USUAL 500

static const char *const states[] = {"being made", "waiting", "approved", "rejected", "applied", NULL};
static const char *const line_states[] = {"planned", "rejected", "edited", "blocked", NULL};
static const char *const deeds[] = {"reject", "edit", "restore", NULL};

const struct field plan_list_query[] = {
    {"table", F_TEXT, 0, "a table's name", .min = 1, .max = 200},
    {"state", F_WORD, 0, NULL, .words = states},
    {"limit", F_INT, 0, "plans at most (50)", .min = 1, .max = 500},
    {0},
};
const struct field plan_writes_query[] = {
    {"after", F_TEXT, 0, "as `next` of the answer before", .min = 1, .max = 50},
    {"limit", F_INT, 0, "writes at most (500)", .min = 1, .max = 5000},
    {0},
};

static const struct field plan_fields[] = {
    {"id", F_INT, F_REQUIRED, NULL},
    {"table_id", F_INT, F_REQUIRED, NULL},
    {"run_id", F_INT, F_REQUIRED | F_NULL, "the dry run that made it"},
    {"state", F_WORD, F_REQUIRED, NULL, .words = states},
    {"made", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"who", F_TEXT, F_REQUIRED | F_NULL, "login of who asked for it"},
    {"scope", F_ANY, F_REQUIRED | F_NULL, "what the run was asked to do"},
    {"report", F_ANY, F_REQUIRED | F_NULL, "the dry run's counts"},
    {"writes", F_INT, F_REQUIRED, "that would be made: planned and edited ones"},
    {"edited", F_INT, F_REQUIRED, "of them, with values of a person"},
    {"rejected", F_INT, F_REQUIRED, "taken out by a person"},
    {"blocked", F_INT, F_REQUIRED, "that a rule or a missing right forbids"},
    {"decided", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"decided_by", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"reason", F_TEXT, F_REQUIRED | F_NULL, "of a rejection"},
    {"applied_run", F_INT, F_REQUIRED | F_NULL, "the run that wrote it"},
    {0},
};
const struct shape plan_shape = {"Plan", "What a run would write, kept until a person decides.",
                                 plan_fields};

static const struct field plan_list_fields[] = {
    {"plans", F_LIST, F_REQUIRED, "newest first", .of = &plan_shape},
    {"more", F_BOOL, F_REQUIRED, "older ones are left out: ask with a higher limit"},
    {0},
};
const struct shape plan_list_shape = {"Plans", NULL, plan_list_fields};

static const struct field write_fields[] = {
    {"column_id", F_INT, F_REQUIRED, NULL},
    {"column", F_TEXT, F_REQUIRED | F_NULL, "its name; null when it is gone"},
    {"row_id", F_INT, F_REQUIRED, NULL},
    {"row_key", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"state", F_WORD, F_REQUIRED, NULL, .words = line_states},
    {"kind", F_TEXT, F_REQUIRED, "create, update, ..."},
    {"object", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"target", F_TEXT, F_REQUIRED | F_NULL, "the record; null for a create"},
    {"set", F_ANY, F_REQUIRED | F_NULL, "field to new value, with a person's edits"},
    {"before", F_ANY, F_REQUIRED | F_NULL, "field to present value"},
    {"reason", F_TEXT, F_REQUIRED | F_NULL, "why it is blocked or was rejected"},
    {"decided_by", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {0},
};
static const struct shape write_shape = {"PlannedWrite", NULL, write_fields};
static const struct field writes_fields[] = {
    {"writes", F_LIST, F_REQUIRED, "by column and row", .of = &write_shape},
    {"next", F_TEXT, F_REQUIRED | F_NULL, "ask with after = next for more; null = the end"},
    {0},
};
const struct shape plan_writes_shape = {"PlannedWrites", NULL, writes_fields};

static const struct field decide_write_fields[] = {
    {"deed", F_WORD, F_REQUIRED, NULL, .words = deeds},
    {"set", F_MAP, 0, "with edit: some of its fields, with the values to write instead", .item = F_ANY},
    {"reason", F_TEXT, 0, "with reject: why", .min = 1, .max = 1000},
    {0},
};
const struct shape plan_write_body = {"PlannedWriteDecision", NULL, decide_write_fields};

static const struct field decision_fields[] = {
    {"approve", F_BOOL, F_REQUIRED, "false: rejected"},
    {"reason", F_TEXT, 0, "why; must be given with a rejection", .min = 1, .max = 1000},
    {0},
};
const struct shape plan_decision_body = {"PlanDecision", NULL, decision_fields};

/* ---------------------------------------------------------------- writing */

static void jw_kv_id(struct jw *w, const char *key, int64_t id)
{
    if (id)
        jw_kv_int(w, key, id);
    else
        jw_kv_null(w, key);
}

static void plan_write(struct jw *w, const struct write_plan *plan)
{
    jw_object(w);
    jw_kv_int(w, "id", plan->id);
    jw_kv_int(w, "table_id", plan->table_id);
    jw_kv_id(w, "run_id", plan->run_id);
    jw_kv_text(w, "state", plan_state_name(plan->state));
    jw_kv_time(w, "made", plan->at_ms);
    jw_kv_text(w, "who", plan->who);
    jw_kv_json(w, "scope", plan->scope);
    jw_kv_json(w, "report", plan->report);
    jw_kv_int(w, "writes", plan->lines[LINE_PLANNED] + plan->lines[LINE_EDITED]);
    jw_kv_int(w, "edited", plan->lines[LINE_EDITED]);
    jw_kv_int(w, "rejected", plan->lines[LINE_REJECTED]);
    jw_kv_int(w, "blocked", plan->lines[LINE_BLOCKED]);
    jw_kv_time(w, "decided", plan->decided_ms);
    jw_kv_text(w, "decided_by", plan->decided_by);
    jw_kv_text(w, "reason", plan->reason);
    jw_kv_id(w, "applied_run", plan->applied_run);
    jw_end_object(w);
}

static void line_write(struct jw *w, const struct table *table, const struct plan_line *line)
{
    const struct column *column = table ? table_column_by_id(table, line->column_id) : NULL;
    jw_object(w);
    jw_kv_int(w, "column_id", line->column_id);
    jw_kv_text(w, "column", column ? column->name : NULL);
    jw_kv_int(w, "row_id", line->row_id);
    jw_kv_text(w, "row_key", line->row_key);
    jw_kv_text(w, "state", plan_line_state_name(line->state));
    jw_kv_text(w, "kind", op_kind_name(line->kind));
    jw_kv_text(w, "object", line->object);
    jw_kv_text(w, "target", line->target_id);
    jw_kv_json(w, "set", line->edited ? line->edited : line->payload);
    jw_kv_json(w, "before", line->before);
    jw_kv_text(w, "reason", line->reason);
    jw_kv_text(w, "decided_by", line->decided_by);
    jw_end_object(w);
}

/* ---------------------------------------------------------------- looking */

static enum status read_plan(struct call *call, struct write_plan *out, struct err *err)
{
    int64_t id;
    if (call_id(call, 0, &id, err) != OK)
        return FAIL;
    return call->store->does->plans->get(call->store, call->arena, id, out, err);
}

static enum status write_plan_again(struct call *call, struct err *err)
{
    struct write_plan plan;
    if (read_plan(call, &plan, err) != OK)
        return FAIL;
    plan_write(&call->w, &plan);
    return OK;
}

enum status api_plan_list(struct call *call, struct err *err)
{
    size_t limit = (size_t)call_query_int(call, "limit", 50), count;
    const char *state = call_query(call, "state");
    struct write_plan *plans;
    struct jw *w = &call->w;
    int64_t table_id;
    uint32_t wanted = 0;
    for (int i = 0; state && states[i]; i++)
        if (text_eq(state, states[i]))
            wanted = 1u << i;
    if (call_query_table(call, &table_id, err) != OK ||
        call->store->does->plans->list(call->store, call->arena, table_id, wanted, limit + 1, &plans,
                                       &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "plans");
    jw_array(w);
    for (size_t i = 0; i < count && i < limit; i++)
        plan_write(w, &plans[i]);
    jw_end_array(w);
    jw_kv_bool(w, "more", count > limit);
    jw_end_object(w);
    return OK;
}

enum status api_plan_show(struct call *call, struct err *err)
{
    return write_plan_again(call, err);
}

enum status api_plan_of_run(struct call *call, struct err *err)
{
    struct write_plan plan;
    int64_t id;
    if (call_id(call, 0, &id, err) != OK)
        return FAIL;
    if (call->store->does->plans->of_run(call->store, call->arena, id, &plan, err) != OK) {
        err_hint(err, "Plans are made by POST .../plans.");
        return FAIL;
    }
    plan_write(&call->w, &plan);
    return OK;
}

/* The plan's table with its columns; NULL when it is gone. */
static const struct table *table_of(struct call *call, const struct write_plan *plan)
{
    struct err ignored = {0};
    struct table *tables = NULL;
    size_t count = 0;
    struct store *store = call->store;
    if (store->does->table_list(store, call->arena, &tables, &count, &ignored) != OK)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (tables[i].id == plan->table_id)
            return &tables[i];
    return NULL;
}

/* "7:31": behind that column and row. */
static enum status parse_after(const char *text, int64_t *column, int64_t *row, struct err *err)
{
    char *end;
    *column = *row = 0;
    if (!text)
        return OK;
    *column = strtoll(text, &end, 10);
    if (*end == ':' && end[1])
        *row = strtoll(end + 1, &end, 10);
    if (!*end)
        return OK;
    err_set(err, ERR_INVALID, "`after` is the `next` of an answer, such as 7:31");
    err_where(err, "after");
    return FAIL;
}

enum status api_plan_writes(struct call *call, struct err *err)
{
    size_t limit = (size_t)call_query_int(call, "limit", WRITES_USUAL), count;
    struct write_plan plan;
    struct plan_line *lines;
    struct jw *w = &call->w;
    int64_t column, row;
    if (read_plan(call, &plan, err) != OK ||
        parse_after(call_query(call, "after"), &column, &row, err) != OK ||
        call->store->does->plans->lines(call->store, call->arena, plan.id, column, row, limit + 1,
                                        &lines, &count, err) != OK)
        return FAIL;
    const struct table *table = table_of(call, &plan);
    bool more = count > limit;
    if (more)
        count = limit;
    jw_object(w);
    jw_key(w, "writes");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        line_write(w, table, &lines[i]);
    jw_end_array(w);
    jw_kv_text(w, "next",
               more ? arena_printf(call->arena, "%lld:%lld", (long long)lines[count - 1].column_id,
                                   (long long)lines[count - 1].row_id)
                    : NULL);
    jw_end_object(w);
    return OK;
}

/* --------------------------------------------------------------- deciding */

static const char *as_text(struct call *call, const struct json *value)
{
    struct buf text = BUF_INIT;
    struct jw w;
    if (!value)
        return NULL;
    jw_init(&w, &text);
    jw_value(&w, value);
    const char *copy = arena_strdup(call->arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

static enum status decide_write(struct call *call, int64_t plan, int64_t column, int64_t row,
                                struct err *err)
{
    const char *deed = json_get_text(call->body, "deed");
    const char *set = as_text(call, json_get(call->body, "set"));
    if (text_eq(deed, "edit") != (set != NULL)) {
        err_set(err, ERR_INVALID, set ? "only an edit sets values" : "which values are to be written?");
        err_where(err, "set");
        return FAIL;
    }
    if (text_eq(deed, "restore")) {
        struct plan_line line = {.column_id = column,
                                 .row_id = row,
                                 .state = LINE_PLANNED,
                                 .decided_by = call_who(call)};
        return call->store->does->plans->decide_line(call->store, plan, &line, err);
    }
    return plan_decide_line(call->engine, plan, column, row, set,
                            json_get_text(call->body, "reason"), err);
}

enum status api_plan_decide_write(struct call *call, struct err *err)
{
    int64_t plan, column, row;
    if (call_id(call, 0, &plan, err) != OK || call_id(call, 1, &column, err) != OK ||
        call_id(call, 2, &row, err) != OK || decide_write(call, plan, column, row, err) != OK)
        return FAIL;
    return write_plan_again(call, err);
}

enum status api_plan_decide(struct call *call, struct err *err)
{
    struct engine engine = {.world = call->api->options.world,
                            .store = call->store,
                            .actor = call_who(call)};
    int64_t id;
    if (call_id(call, 0, &id, err) != OK)
        return FAIL;
    if (plan_decide(&engine, id, json_get_bool(call->body, "approve", false),
                    json_get_text(call->body, "reason"), err) != OK)
        return FAIL;
    return write_plan_again(call, err);
}

enum status api_plan_apply(struct call *call, struct err *err)
{
    struct write_plan plan;
    struct job_order job = {.kind = JOB_RUN};
    if (read_plan(call, &plan, err) != OK)
        return FAIL;
    const struct table *table = table_of(call, &plan);
    if (!table)
        return err_set(err, ERR_NOT_FOUND, "the table of plan %lld is gone", (long long)plan.id);
    if (plan.state != PLAN_APPROVED) {
        err_set(err, ERR_CONFLICT, "plan %lld is %s, not approved", (long long)plan.id,
                plan_state_name(plan.state));
        err_hint(err, "A plan is applied once, after POST .../decision with approve: true.");
        return FAIL;
    }
    job.table = table->name;
    job.run.plan_id = plan.id;
    job.scope = arena_printf(call->arena, "{\"plan_id\":%lld}", (long long)plan.id);
    return call_order(call, &job, err);
}
