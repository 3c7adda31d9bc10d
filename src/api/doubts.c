/* doubts.c - an operation in doubt as a person must see it: the facts, and with `look`
 * what the org has that may be it. The answer to it is journal.c's verdict. */
#include "api/nouns.h"

const struct field doubt_query[] = {
    {"look", F_BOOL, 0, "ask the org for records that may be it (takes the role runner)"},
    {0},
};

static const struct field candidate_fields[] = {
    {"id", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"url", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"record", F_ANY, F_REQUIRED | F_NULL, "the fields we meant to write, as they are there"},
    {"deleted", F_BOOL, F_REQUIRED, NULL},
    {0},
};
static const struct shape candidate_shape = {"DoubtCandidate", NULL, candidate_fields};
static const struct field doubt_fields[] = {
    {"operation", F_OBJECT, F_REQUIRED, NULL, .of = &operation_shape},
    {"table", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"column", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"row_key", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"connection", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"how_far", F_TEXT, F_REQUIRED, "how far the last exchange got, in words"},
    {"status", F_INT, F_REQUIRED | F_NULL, "of the org's answer; null: no status line came"},
    {"overdue", F_BOOL, F_REQUIRED, "nobody looked for a day"},
    {"looked", F_TIME, F_REQUIRED | F_NULL, "when the org was asked for candidates"},
    {"candidates", F_LIST, F_REQUIRED, NULL, .of = &candidate_shape},
    {"more_candidates", F_BOOL, F_REQUIRED, NULL},
    {0},
};
const struct shape doubt_shape = {"Doubt", "An operation in doubt, with all that is known of it.",
                                  doubt_fields};

static void candidate_write(struct jw *w, const struct doubt_candidate *candidate)
{
    jw_object(w);
    jw_kv_text(w, "id", candidate->id);
    jw_kv_text(w, "url", candidate->url);
    jw_kv_json(w, "record", candidate->record);
    jw_kv_bool(w, "deleted", candidate->deleted);
    jw_end_object(w);
}

static void card_write(struct jw *w, const struct doubt_card *card)
{
    jw_object(w);
    jw_key(w, "operation");
    operation_write(w, &card->op);
    jw_kv_text(w, "table", card->table);
    jw_kv_text(w, "column", card->column);
    jw_kv_text(w, "row_key", card->row_key);
    jw_kv_text(w, "connection", card->connection);
    jw_kv_text(w, "how_far", card->how_far);
    if (card->status)
        jw_kv_int(w, "status", card->status);
    else
        jw_kv_null(w, "status");
    jw_kv_bool(w, "overdue", card->overdue);
    jw_kv_time(w, "looked", card->looked_ms);
    jw_key(w, "candidates");
    jw_array(w);
    for (size_t i = 0; i < card->candidate_count; i++)
        candidate_write(w, &card->candidates[i]);
    jw_end_array(w);
    jw_kv_bool(w, "more_candidates", card->more_candidates);
    jw_end_object(w);
}

enum status api_doubt_card(struct call *call, struct err *err)
{
    bool look = call_query_bool(call, "look", false);
    struct doubt_card card;
    int64_t id;
    if ((look && call_needs(call, ROLE_RUNNER, "asking the org", err) != OK) ||
        call_id(call, 0, &id, err) != OK ||
        journal_card(call->engine, call->arena, id, look, &card, err) != OK)
        return FAIL;
    card_write(&call->w, &card);
    return OK;
}
