/* gates.c - what holds writes back until a person says so. */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/gates.h"

#include <string.h>

static const char *const kinds[] = {"canary", "lock", NULL};
static const char *const states[] = {"waiting", "approved", "stopped", "test", "unlocked", NULL};
static const char *const verdicts[] = {"approve", "stop", "unlock", NULL};

static const struct field gate_fields[] = {
    {"kind", F_WORD, F_REQUIRED, "canary: the first records of a large run; lock: built on a Test Env", .words = kinds},
    {"state", F_WORD, F_REQUIRED, NULL, .words = states},
    {"column", F_TEXT, F_NULL, "of a canary"},
    {"run", F_INT, F_NULL, "that set it"},
    {"rows", F_INT, F_NULL, "of a canary: records that were written"},
    {"due", F_INT, F_NULL, "of a canary: rows that were due when it began"},
    {"who", F_TEXT, F_NULL, "whose word it is"},
    {"at", F_TIME, F_REQUIRED, NULL},
    {0},
};
static const struct shape gate_shape = {"Gate", "What holds writes back until a person says so.",
                                        gate_fields};
static const struct field list_fields[] = {
    {"gates", F_LIST, F_REQUIRED, NULL, .of = &gate_shape},
    {0},
};
const struct shape gate_list_shape = {"Gates", NULL, list_fields};

static const struct field verdict_fields[] = {
    {"verdict", F_WORD, F_REQUIRED, NULL, .words = verdicts},
    {"column", F_TEXT, 0, "with approve and stop", .min = 1, .max = 200},
    {"connection", F_TEXT, 0, "with unlock: the one that the table is to write to", .min = 1, .max = 200},
    {0},
};
const struct shape gate_body = {"GateVerdict", NULL, verdict_fields};

static void int_or_null(struct jw *w, const char *name, int64_t value)
{
    if (value)
        jw_kv_int(w, name, value);
    else
        jw_kv_null(w, name);
}

static void write_gate(struct call *call, const struct table *table, const struct gate *gate)
{
    struct jw *w = &call->w;
    struct err ignored = {0};
    const struct column *column = table_column_by_id(table, gate->column_id);
    bool canary = text_eq(gate->kind, "canary");
    const struct json *detail =
        canary && gate->detail
            ? json_parse(call->arena, gate->detail, strlen(gate->detail), &ignored)
            : NULL;
    jw_object(w);
    jw_kv_text(w, "kind", gate->kind);
    jw_kv_text(w, "state", gate->state);
    jw_kv_text(w, "column", column ? column->name : NULL);
    int_or_null(w, "run", gate->run_id);
    int_or_null(w, "rows", json_get_int(detail, "rows", 0));
    int_or_null(w, "due", json_get_int(detail, "due", 0));
    jw_kv_text(w, "who", gate->who);
    jw_kv_time(w, "at", gate->at_ms);
    jw_end_object(w);
}

enum status api_gate_list(struct call *call, struct err *err)
{
    struct table table;
    struct gate *gates;
    size_t count;
    if (call_table(call, &table, err) != OK ||
        call->store->does->gates->list(call->store, call->arena, table.id, &gates, &count, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_key(&call->w, "gates");
    jw_array(&call->w);
    for (size_t i = 0; i < count; i++)
        write_gate(call, &table, &gates[i]);
    jw_end_array(&call->w);
    jw_end_object(&call->w);
    return OK;
}

enum status api_gate_decide(struct call *call, struct err *err)
{
    const char *verdict = json_get_text(call->body, "verdict");
    const char *column = json_get_text(call->body, "column");
    const char *connection = json_get_text(call->body, "connection");
    bool unlock = text_eq(verdict, "unlock");
    struct engine *engine = call->engine;
    const char *table = call->values[0];
    if (unlock ? !connection : !column)
        return err_set(err, ERR_INVALID, "%s wants %s", verdict, unlock ? "connection" : "column");
    enum status rc = unlock                        ? gate_unlock(engine, table, connection, err)
                     : text_eq(verdict, "approve") ? gate_approve(engine, table, column, err)
                                                   : gate_stop(engine, table, column, err);
    return rc == OK ? api_gate_list(call, err) : FAIL;
}
