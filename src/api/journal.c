/* journal.c - operations as JSON: what was written, or refused, or is in doubt. */
#include "api/nouns.h"

#include "base/str.h"

#include <string.h>

static const char *const state_words[] = {"planned",     "sending",  "retry safe",
                                          "unknown",     "reconciling", "in doubt",
                                          "done",        "rejected", "cancelled", NULL};
static const char *const verdicts[] = {"this_is_it", "send_again", "give_up", "ask_later", NULL};
#define LATER_USUAL_MIN (4 * 60)

const struct field journal_query[] = {
    {"table", F_TEXT, 0, "a table's name", .min = 1, .max = 200},
    {"column_id", F_INT, 0, NULL},
    {"run_id", F_INT, 0, NULL},
    {"state", F_WORD, 0, NULL, .words = state_words},
    {"row_id", F_INT, 0, NULL},
    {"before", F_INT, 0, "newest first, older than this id; the usual order"},
    {"after", F_INT, 0, "oldest first, after this id; 0 = from the first"},
    {"limit", F_INT, 0, "operations at most (100)", .min = 1, .max = 1000},
    {0},
};

static const struct field operation_fields[] = {
    {"id", F_INT, F_REQUIRED, NULL},
    {"key", F_TEXT, F_REQUIRED, "its UUID, fixed when it was planned"},
    {"state", F_WORD, F_REQUIRED, NULL, .words = state_words},
    {"kind", F_TEXT, F_REQUIRED, "create, update, upsert, ..."},
    {"mode", F_TEXT, F_REQUIRED, "how a second record is kept from being made"},
    {"object", F_TEXT, F_REQUIRED, NULL},
    {"table_id", F_INT, F_REQUIRED, NULL},
    {"column_id", F_INT, F_REQUIRED, NULL},
    {"row_id", F_INT, F_REQUIRED, NULL},
    {"run_id", F_INT, F_REQUIRED, NULL},
    {"connection_id", F_INT, F_REQUIRED, NULL},
    {"target_id", F_TEXT, F_REQUIRED | F_NULL, "the record that is to be changed; null for a create"},
    {"key_field", F_TEXT, F_REQUIRED | F_NULL, "the field that keeps a second record from being made"},
    {"record_id", F_TEXT, F_REQUIRED | F_NULL, "the record that was written or found; null until then"},
    {"values", F_ANY, F_REQUIRED | F_NULL, "field to value, as sent"},
    {"before", F_ANY, F_REQUIRED | F_NULL, "what the fields held when it was planned"},
    {"evidence", F_ANY, F_REQUIRED | F_NULL, "what was seen of its sending"},
    {"adopted", F_BOOL, F_REQUIRED, "the record was found, not made"},
    {"attempt", F_INT, F_REQUIRED, NULL},
    {"code", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"message", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"created", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"sent", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"done", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"not_before", F_TIME, F_REQUIRED | F_NULL, NULL},
    {0},
};
const struct shape operation_shape = {"Operation", "One intended write, in the journal.",
                                      operation_fields};

static const struct field journal_list_fields[] = {
    {"operations", F_LIST, F_REQUIRED, "newest first unless `after` was given", .of = &operation_shape},
    {"next", F_INT, F_REQUIRED | F_NULL, "ask with before (or after) = next for more; null = the end"},
    {0},
};
const struct shape journal_list_shape = {"Operations", NULL, journal_list_fields};

static const struct field counts_fields[] = {
    {"states", F_MAP, F_REQUIRED, "operations in each state", .item = F_INT},
    {"total", F_INT, F_REQUIRED, "their sum"},
    {0},
};
const struct shape journal_counts_shape = {"OperationCounts", NULL, counts_fields};

static const struct field verdict_fields[] = {
    {"verdict", F_WORD, F_REQUIRED, "what became of it", .words = verdicts},
    {"record_id", F_TEXT, 0, "with this_is_it: the record", .min = 15, .max = 18},
    {"minutes", F_INT, 0, "with ask_later: until then (240)", .min = 1, .max = 30 * 24 * 60},
    {"reason", F_TEXT, 0, "for the audit", .min = 1, .max = 1000},
    {0},
};
const struct shape verdict_body = {"Verdict", "A person settles an operation in doubt.",
                                   verdict_fields};

void operation_write(struct jw *w, const struct op *op)
{
    jw_object(w);
    jw_kv_int(w, "id", op->id);
    jw_kv_text(w, "key", op->key);
    jw_kv_text(w, "state", state_words[op->state]);
    jw_kv_text(w, "kind", op_kind_name(op->kind));
    jw_kv_text(w, "mode", write_mode_name(op->mode));
    jw_kv_text(w, "object", op->object);
    jw_kv_int(w, "table_id", op->table_id);
    jw_kv_int(w, "column_id", op->column_id);
    jw_kv_int(w, "row_id", op->row_id);
    jw_kv_int(w, "run_id", op->run_id);
    jw_kv_int(w, "connection_id", op->connection_id);
    jw_kv_text(w, "target_id", op->target_id);
    jw_kv_text(w, "key_field", op->key_field);
    jw_kv_text(w, "record_id", op->result_id);
    jw_kv_json(w, "values", op->payload);
    jw_kv_json(w, "before", op->before);
    jw_kv_json(w, "evidence", op->evidence);
    jw_kv_bool(w, "adopted", op->adopted);
    jw_kv_int(w, "attempt", op->attempt);
    jw_kv_text(w, "code", op->error_code);
    jw_kv_text(w, "message", op->error_message);
    jw_kv_time(w, "created", op->created_ms);
    jw_kv_time(w, "sent", op->sent_ms);
    jw_kv_time(w, "done", op->done_ms);
    jw_kv_time(w, "not_before", op->not_before_ms);
    jw_end_object(w);
}

static enum status fill_query(struct call *call, struct op_query *query, struct err *err)
{
    const char *state = call_query(call, "state");
    query->column_id = call_query_int(call, "column_id", 0);
    query->run_id = call_query_int(call, "run_id", 0);
    query->row_id = call_query_int(call, "row_id", 0);
    query->after_id = call_query_int(call, "after", 0);
    if (!call_query(call, "after"))
        query->before_id = call_query_int(call, "before", INT64_MAX);
    for (int i = 0; state && state_words[i]; i++)
        if (text_eq(state, state_words[i]))
            query->states = 1u << i;
    return call_query_table(call, &query->table_id, err);
}

enum status api_journal_list(struct call *call, struct err *err)
{
    struct op_query query = {0};
    struct op *ops;
    size_t count, limit = (size_t)call_query_int(call, "limit", 100);
    struct jw *w = &call->w;
    query.limit = limit + 1;
    if (fill_query(call, &query, err) != OK ||
        call->store->does->ops_list(call->store, call->arena, &query, &ops, &count, err) != OK)
        return FAIL;
    bool more = count > limit;
    if (more)
        count = limit;
    jw_object(w);
    jw_key(w, "operations");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        operation_write(w, &ops[i]);
    jw_end_array(w);
    jw_kv_next(w, more ? ops[count - 1].id : 0);
    jw_end_object(w);
    return OK;
}

enum status call_operation(struct call *call, struct op *out, struct err *err)
{
    struct op_query query = {.limit = 1};
    struct op *ops;
    size_t count;
    int64_t id;
    if (call_id(call, 0, &id, err) != OK)
        return FAIL;
    query.after_id = id - 1;
    if (call->store->does->ops_list(call->store, call->arena, &query, &ops, &count, err) != OK)
        return FAIL;
    if (!count || ops[0].id != id)
        return err_set(err, ERR_NOT_FOUND, "there is no operation %lld", (long long)id);
    *out = ops[0];
    return OK;
}

enum status api_journal_show(struct call *call, struct err *err)
{
    struct op op;
    if (call_operation(call, &op, err) != OK)
        return FAIL;
    operation_write(&call->w, &op);
    return OK;
}

enum status api_journal_counts(struct call *call, struct err *err)
{
    struct op_counts counts;
    struct jw *w = &call->w;
    if (call->store->does->ops_count(call->store, 0, &counts, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "states");
    jw_object(w);
    for (int state = 0; state <= OP_CANCELLED; state++)
        if (counts.by_state[state])
            jw_kv_int(w, state_words[state], counts.by_state[state]);
    jw_end_object(w);
    jw_kv_int(w, "total", counts.total);
    jw_end_object(w);
    return OK;
}

/* The last of the verdicts settles nothing: the card comes back later. */
static enum status give_verdict(struct call *call, const struct op *op, size_t at, struct err *err)
{
    static const enum journal_verdict says[] = {VERDICT_THIS_IS_IT, VERDICT_SEND_AGAIN,
                                                VERDICT_GIVE_UP};
    const char *record = json_get_text(call->body, "record_id");
    if (at == sizeof says / sizeof *says)
        return journal_ask_later(
            call->engine, op->id,
            call_now(call) + json_get_int(call->body, "minutes", LATER_USUAL_MIN) * 60000, err);
    if (says[at] == VERDICT_THIS_IS_IT && !record) {
        err_set(err, ERR_INVALID, "which record is it?");
        err_where(err, "record_id");
        return FAIL;
    }
    return journal_resolve(call->engine, op->id, says[at], record, err);
}

static const char *verdict_detail(struct call *call, const struct op *op)
{
    struct buf detail = BUF_INIT;
    struct jw w;
    jw_init(&w, &detail);
    jw_object(&w);
    jw_kv_int(&w, "operation", op->id);
    jw_kv_text(&w, "verdict", json_get_text(call->body, "verdict"));
    jw_kv_text(&w, "reason", json_get_text(call->body, "reason"));
    jw_end_object(&w);
    const char *copy = arena_strdup(call->arena, buf_text(&detail));
    buf_free(&detail);
    return copy;
}

enum status api_journal_settle(struct call *call, struct err *err)
{
    struct op op;
    size_t at = 0;
    while (!text_eq(verdicts[at], json_get_text(call->body, "verdict")))
        at++;
    if (call_operation(call, &op, err) != OK || give_verdict(call, &op, at, err) != OK ||
        call_audit(call, "doubt settled", verdict_detail(call, &op), err) != OK ||
        call_operation(call, &op, err) != OK)
        return FAIL;
    operation_write(&call->w, &op);
    return OK;
}
