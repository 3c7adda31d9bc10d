/* promise.c - what a column's writes promise: its mode, from the org's describe. */
#include "api/nouns.h"

static const struct field promise_fields[] = {
    {"writes", F_BOOL, F_REQUIRED, "false: it writes nothing, and the rest is null"},
    {"mode", F_TEXT, F_REQUIRED | F_NULL, "sealed, keyed, ticketed, findable, blind"},
    {"promise", F_TEXT, F_REQUIRED | F_NULL, "what that means"},
    {"object", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"key", F_TEXT, F_REQUIRED | F_NULL, "the unique field that guards it"},
    {"approved_mode", F_TEXT, F_REQUIRED | F_NULL, "when it was approved, where that was surer: the next run stops and asks"},
    {"advice", F_TEXT, F_REQUIRED | F_NULL, "the command that would make it surer"},
    {0},
};
const struct shape promise_shape = {"Promise", "How a column keeps second records from being made.",
                                    promise_fields};

enum status api_column_promise(struct call *call, struct err *err)
{
    struct table table;
    struct column_promise promise = {0};
    int64_t id;
    if (call_table(call, &table, err) != OK || call_id(call, 1, &id, err) != OK)
        return FAIL;
    const struct column *column = table_column_by_id(&table, id);
    if (!column)
        return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no column %lld", table.name, (long long)id);
    if (engine_column_promise(call->engine, call->arena, table.name, column->name, &promise, err) != OK)
        return FAIL;
    bool writes = promise.writes;
    jw_object(&call->w);
    jw_kv_bool(&call->w, "writes", writes);
    jw_kv_text(&call->w, "mode", writes ? write_mode_name(promise.mode) : NULL);
    jw_kv_text(&call->w, "promise", writes ? write_mode_promise(promise.mode) : NULL);
    jw_kv_text(&call->w, "object", writes ? promise.object : NULL);
    jw_kv_text(&call->w, "key", writes ? promise.key : NULL);
    jw_kv_text(&call->w, "approved_mode",
               writes && promise.dropped ? write_mode_name(promise.approved_mode) : NULL);
    jw_kv_text(&call->w, "advice", writes ? promise.advice : NULL);
    jw_end_object(&call->w);
    return OK;
}
