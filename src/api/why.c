/* why.c - why does a record hold what it holds: every write of ours to it, and with
 * `ask` what the org says of it now. */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/why.h"

#include <string.h>

static const char *const nows[] = {"not asked", "ours", "changed", "never ours", "gone", NULL};

const struct field why_query[] = {
    {"field", F_TEXT, 0, "of one field; else of all", .min = 1, .max = 200},
    {"ask", F_BOOL, 0, "ask the org what it holds now (takes the role runner)"},
    {"connection", F_TEXT, 0, "which one to ask (the one that wrote)", .min = 1, .max = 200},
    {0},
};

static const struct field write_fields[] = {
    {"operation_id", F_INT, F_REQUIRED, NULL},
    {"state", F_TEXT, F_REQUIRED, "as in the journal"},
    {"kind", F_TEXT, F_REQUIRED, "create, update, ..."},
    {"at", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"field", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"before", F_ANY, F_REQUIRED | F_NULL, NULL},
    {"wrote", F_ANY, F_REQUIRED | F_NULL, NULL},
    {"table", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"column", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"row_id", F_INT, F_REQUIRED, NULL},
    {"row_key", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"connection", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"run_id", F_INT, F_REQUIRED, NULL},
    {"run_kind", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"who", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"cause", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"undoes", F_INT, F_REQUIRED | F_NULL, "the operation that it took back"},
    {0},
};
static const struct shape write_shape = {"WhyWrite", NULL, write_fields};
static const struct field why_fields[] = {
    {"record_id", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"object", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"writes", F_LIST, F_REQUIRED, "newest first", .of = &write_shape},
    {"more", F_BOOL, F_REQUIRED, "older ones are left out: name a field"},
    {"verdict", F_WORD, F_REQUIRED, "of the field as it is now", .words = nows},
    {"now", F_ANY, F_REQUIRED | F_NULL, NULL},
    {"modified", F_TEXT, F_REQUIRED | F_NULL, "as the org says"},
    {"modified_by", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {0},
};
const struct shape why_shape = {"Why", "Why a record holds what it holds.", why_fields};

static void write_of(struct jw *w, const struct why_write *write)
{
    const struct op *op = &write->op;
    jw_object(w);
    jw_kv_int(w, "operation_id", op->id);
    jw_kv_text(w, "state", op_state_name(op->state));
    jw_kv_text(w, "kind", op_kind_name(op->kind));
    jw_kv_time(w, "at", op->done_ms ? op->done_ms : op->created_ms);
    jw_kv_text(w, "field", write->field);
    jw_kv_json(w, "before", write->before);
    jw_kv_json(w, "wrote", write->wrote);
    jw_kv_text(w, "table", write->table);
    jw_kv_text(w, "column", write->column);
    jw_kv_int(w, "row_id", op->row_id);
    jw_kv_text(w, "row_key", write->row_key);
    jw_kv_text(w, "connection", write->connection);
    jw_kv_int(w, "run_id", op->run_id);
    jw_kv_text(w, "run_kind", write->run_kind);
    jw_kv_text(w, "who", write->who);
    jw_kv_text(w, "cause", write->cause);
    if (write->undoes)
        jw_kv_int(w, "undoes", write->undoes);
    else
        jw_kv_null(w, "undoes");
    jw_end_object(w);
}

enum status api_why(struct call *call, struct err *err)
{
    struct jw *w = &call->w;
    struct why why;
    bool ask = call_query_bool(call, "ask", false);
    if ((ask && call_needs(call, ROLE_RUNNER, "asking the org", err) != OK) ||
        engine_why(call->engine, call->arena, call->values[0], call_query(call, "field"),
                   call_query(call, "connection"), ask, &why, err) != OK)
        return FAIL;
    jw_object(w);
    jw_kv_text(w, "record_id", why.record_id);
    jw_kv_text(w, "object", why.object);
    jw_key(w, "writes");
    jw_array(w);
    for (size_t i = 0; i < why.count; i++)
        write_of(w, &why.writes[i]);
    jw_end_array(w);
    jw_kv_bool(w, "more", why.more);
    jw_kv_text(w, "verdict", nows[why.verdict]);
    jw_kv_json(w, "now", why.now);
    jw_kv_text(w, "modified", why.modified);
    jw_kv_text(w, "modified_by", why.modified_by);
    jw_end_object(w);
    return OK;
}
