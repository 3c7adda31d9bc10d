/* tables.c - tables as JSON: what they are made of, their switch, their recipe. */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/columns/column_kind.h"

#include <string.h>

static const struct field column_fields[] = {
    {"id", F_INT, F_REQUIRED, "for life; never used twice"},
    {"name", F_TEXT, F_REQUIRED, "unique in its table"},
    {"type", F_TEXT, F_REQUIRED, "of its values: text, number, date, ..."},
    {"kind", F_TEXT, F_REQUIRED, "\"source\", or a column kind's name (GET /column-kinds)"},
    {"title", F_TEXT, F_REQUIRED | F_NULL, "of the kind, for people"},
    {"writes", F_BOOL, F_REQUIRED, "writes to the org: its first run wants approval"},
    {"typed", F_BOOL, F_REQUIRED, "people type it: PUT .../cells"},
    {"config", F_ANY, F_REQUIRED | F_NULL, "values of the kind's options"},
    {"only_run_if", F_TEXT, F_REQUIRED | F_NULL, "formula that must be true for a row"},
    {"source_field", F_TEXT, F_REQUIRED | F_NULL, "field path, for kind source"},
    {"auto_update", F_BOOL, F_REQUIRED, "runs by itself when due"},
    {"rules", F_ANY, F_REQUIRED | F_NULL, "when it computes: required, delay_ms, schedule {every, rows}"},
    {"approved", F_TIME, F_REQUIRED | F_NULL, "when its first write was approved"},
    {"approved_mode", F_TEXT, F_REQUIRED | F_NULL, "write mode that was promised then: \"keyed\", ..."},
    {"depends", F_LIST, F_REQUIRED, "ids of the columns it reads", .item = F_INT},
    {0},
};
static const struct shape column_shape = {"Column", NULL, column_fields};

static const struct field source_fields[] = {
    {"id", F_INT, F_REQUIRED, "for life"},
    {"name", F_TEXT, F_REQUIRED, "unique in its table"},
    {"kind", F_TEXT, F_REQUIRED, "\"salesforce_object\", ..."},
    {"connection", F_TEXT, F_REQUIRED | F_NULL, "its name"},
    {"object", F_TEXT, F_REQUIRED | F_NULL, "API name of the object its rows are records of"},
    {"config", F_ANY, F_REQUIRED | F_NULL, "as in the recipe"},
    {"row_count", F_INT, F_REQUIRED, "live rows that it holds"},
    {"live", F_ANY, F_REQUIRED | F_NULL, "how listening to changes goes: state (listening, failed), since_ms, error, hint"},
    {"drift", F_ANY, F_REQUIRED | F_NULL, "fields that are gone, of another type, or new since the recipe"},
    {0},
};
static const struct shape source_shape = {"Source", NULL, source_fields};

static const struct field table_fields[] = {
    {"id", F_INT, F_REQUIRED, "for life; events name tables by it"},
    {"name", F_TEXT, F_REQUIRED, "unique; in paths"},
    {"connection", F_TEXT, F_REQUIRED | F_NULL, "of the first source"},
    {"object", F_TEXT, F_REQUIRED | F_NULL, "of the first source"},
    {"auto_update", F_BOOL, F_REQUIRED, "the table's master switch"},
    {"row_count", F_INT, F_REQUIRED, "live rows"},
    {"created", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"changed", F_TIME, F_REQUIRED | F_NULL, "its definition, not its rows"},
    {"next_sync", F_TIME, F_REQUIRED | F_NULL, "when the schedule comes next"},
    {"guard", F_ANY, F_REQUIRED | F_NULL, "limits of its writes, as in the recipe"},
    {"rules", F_ANY, F_REQUIRED | F_NULL, "what it does with what comes in: keep_results, auto_dedupe, ..."},
    {"sources", F_LIST, F_REQUIRED, "where its rows come from", .of = &source_shape},
    {"columns", F_LIST, F_REQUIRED, "in order", .of = &column_shape},
    {0},
};
const struct shape table_shape = {"Table", "A table with its sources and columns.", table_fields};

static const struct field table_list_fields[] = {
    {"tables", F_LIST, F_REQUIRED, "by name", .of = &table_shape},
    {0},
};
const struct shape table_list_shape = {"Tables", NULL, table_list_fields};

static const struct field state_fields[] = {
    {"column_id", F_INT, F_REQUIRED, NULL},
    {"states", F_MAP, F_REQUIRED, "how many cells are in each state", .item = F_INT},
    {0},
};
static const struct shape column_states_shape = {"ColumnStates", NULL, state_fields};
static const struct field states_fields[] = {
    {"columns", F_LIST, F_REQUIRED, "computed columns, or all", .of = &column_states_shape},
    {"waiting", F_INT, F_REQUIRED, "rows that wait for a run: the most of any column"},
    {0},
};
const struct field table_states_query[] = {
    {"all", F_BOOL, 0, "columns of the source, too"},
    {0},
};
const struct shape table_states_shape = {"TableStates", NULL, states_fields};

static const struct field auto_update_fields[] = {
    {"on", F_BOOL, F_REQUIRED, "the switch"},
    {"run_waiting", F_BOOL, 0, "switching on: run what is waiting now (else from the next change)"},
    {0},
};
const struct shape auto_update_body = {"AutoUpdate", NULL, auto_update_fields};

/* ---------------------------------------------------------------- writing */

static void write_column(struct jw *w, const struct column *c)
{
    const struct column_kind *kind = column_kind_find(c->kind);
    jw_object(w);
    jw_kv_int(w, "id", c->id);
    jw_kv_text(w, "name", c->name);
    jw_kv_text(w, "type", value_type_name(c->type));
    jw_kv_text(w, "kind", c->kind);
    jw_kv_text(w, "title", kind ? kind->title : NULL);
    jw_kv_bool(w, "writes", kind && kind->writes);
    jw_kv_bool(w, "typed", kind && kind->typed);
    jw_kv_json(w, "config", c->config);
    jw_kv_text(w, "only_run_if", c->only_run_if);
    jw_kv_text(w, "source_field", c->source_field);
    jw_kv_bool(w, "auto_update", c->auto_update);
    jw_kv_json(w, "rules", c->rules);
    jw_kv_time(w, "approved", c->approved_ms);
    jw_kv_text(w, "approved_mode",
               c->approved_mode < 0 ? NULL : write_mode_name((enum write_mode)c->approved_mode));
    jw_key(w, "depends");
    jw_array(w);
    for (size_t i = 0; i < c->depend_count; i++)
        jw_int(w, c->depends[i]);
    jw_end_array(w);
    jw_end_object(w);
}

static void write_source(struct jw *w, const struct source *s)
{
    jw_object(w);
    jw_kv_int(w, "id", s->id);
    jw_kv_text(w, "name", s->name);
    jw_kv_text(w, "kind", s->kind);
    jw_kv_text(w, "connection", s->connection);
    jw_kv_text(w, "object", s->object);
    jw_kv_json(w, "config", s->config);
    jw_kv_int(w, "row_count", s->row_count);
    jw_kv_json(w, "live", s->live);
    jw_kv_json(w, "drift", s->drift);
    jw_end_object(w);
}

void table_write(struct jw *w, const struct table *t)
{
    jw_object(w);
    jw_kv_int(w, "id", t->id);
    jw_kv_text(w, "name", t->name);
    jw_kv_text(w, "connection", t->connection);
    jw_kv_text(w, "object", t->object);
    jw_kv_bool(w, "auto_update", t->auto_update);
    jw_kv_int(w, "row_count", t->row_count);
    jw_kv_time(w, "created", t->created_ms);
    jw_kv_time(w, "changed", t->changed_ms);
    jw_kv_time(w, "next_sync", t->next_sync_ms);
    jw_kv_json(w, "guard", t->guard);
    jw_kv_json(w, "rules", t->rules);
    jw_key(w, "sources");
    jw_array(w);
    for (size_t i = 0; i < t->source_count; i++)
        write_source(w, &t->sources[i]);
    jw_end_array(w);
    jw_key(w, "columns");
    jw_array(w);
    for (size_t i = 0; i < t->column_count; i++)
        write_column(w, &t->columns[i]);
    jw_end_array(w);
    jw_end_object(w);
}

/* --------------------------------------------------------------- handlers */

enum status call_table(struct call *call, struct table *out, struct err *err)
{
    return call->store->does->table_get(call->store, call->arena, call->values[0], out, err);
}

enum status api_table_list(struct call *call, struct err *err)
{
    struct table *list;
    size_t count;
    if (call->store->does->table_list(call->store, call->arena, &list, &count, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_key(&call->w, "tables");
    jw_array(&call->w);
    for (size_t i = 0; i < count; i++)
        table_write(&call->w, &list[i]);
    jw_end_array(&call->w);
    jw_end_object(&call->w);
    return OK;
}

enum status api_table_show(struct call *call, struct err *err)
{
    struct table table;
    if (call_table(call, &table, err) != OK)
        return FAIL;
    table_write(&call->w, &table);
    return OK;
}

static enum status write_states(struct call *call, const struct table *table,
                                const struct column *column, int64_t *waiting, struct err *err)
{
    int64_t by_state[CELL_STATES];
    struct jw *w = &call->w;
    if (call->store->does->cells_count(call->store, table->id, column->id, by_state, err) != OK)
        return FAIL;
    jw_object(w);
    jw_kv_int(w, "column_id", column->id);
    jw_key(w, "states");
    jw_object(w);
    for (int state = 0; state < CELL_STATES; state++)
        if (by_state[state])
            jw_kv_int(w, cell_state_name((enum cell_state)state), by_state[state]);
    jw_end_object(w);
    jw_end_object(w);
    if (by_state[CELL_DUE] > *waiting)
        *waiting = by_state[CELL_DUE];
    return OK;
}

enum status api_table_states(struct call *call, struct err *err)
{
    struct table table;
    int64_t waiting = 0;
    struct jw *w = &call->w;
    if (call_table(call, &table, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "columns");
    jw_array(w);
    bool all = call_query_bool(call, "all", false);
    for (size_t i = 0; i < table.column_count; i++)
        if ((all || column_is_computed(&table.columns[i])) &&
            write_states(call, &table, &table.columns[i], &waiting, err) != OK)
            return FAIL;
    jw_end_array(w);
    jw_kv_int(w, "waiting", waiting);
    jw_end_object(w);
    return OK;
}

static enum status not_while_busy(struct call *call, const struct table *table, struct err *err)
{
    if (!work_table_busy(call->api->work, table->id))
        return OK;
    err_set(err, ERR_CONFLICT, "a run or sync of \"%s\" is under way", table->name);
    err_hint(err, "Stop it first, or wait for its end.");
    return FAIL;
}

enum status api_table_delete(struct call *call, struct err *err)
{
    struct table table;
    if (call_table(call, &table, err) != OK || not_while_busy(call, &table, err) != OK ||
        call->store->does->table_delete(call->store, table.name, err) != OK)
        return FAIL;
    return call_audit(call, "table deleted",
                      arena_printf(call->arena, "{\"table\":%lld}", (long long)table.id), err);
}

static enum status run_what_waits(struct call *call, const struct table *table, struct err *err)
{
    int64_t run_id;
    struct job_order order = {.kind = JOB_RUN,
                              .table = table->name,
                              .who = call_who(call),
                              .scope = "{\"rows\":\"due\"}"};
    if (work_order(call->api->work, &order, &run_id, err) == OK || err_is(err, ERR_WORK_UNDER_WAY))
        return OK;
    return FAIL;
}

/* Switched on without running what waits: that would wait for ever, so it is said
 * in the answer of the states route, and the person was asked. */
enum status api_table_auto_update(struct call *call, struct err *err)
{
    struct table table;
    bool on = json_get_bool(call->body, "on", false);
    if (call_table(call, &table, err) != OK ||
        call->store->does->table_set_auto_update(call->store, table.id, on, err) != OK ||
        call_audit(call, on ? "auto-update on" : "auto-update off",
                   arena_printf(call->arena, "{\"table\":%lld}", (long long)table.id), err) != OK)
        return FAIL;
    if (on && json_get_bool(call->body, "run_waiting", false) &&
        run_what_waits(call, &table, err) != OK)
        return FAIL;
    if (call_table(call, &table, err) != OK)
        return FAIL;
    table_write(&call->w, &table);
    return OK;
}
