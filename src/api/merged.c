/* merged.c - rows that auto_dedupe merged into others: which, into which, and back. */
#include "api/nouns.h"

#include "base/str.h"
#include "store/store_dedupe.h"

#include <string.h>

#define MERGED_MOST  1000
#define MERGED_USUAL 200

const struct field merged_list_query[] = {
    {"after", F_INT, 0, "rows behind this row id"},
    {"limit", F_INT, 0, "rows at most (200)", .min = 1, .max = MERGED_MOST},
    {0},
};
static const struct field merged_fields[] = {
    {"row", F_INT, F_REQUIRED, "id of the merged row"},
    {"key", F_TEXT, F_REQUIRED | F_NULL, "its key"},
    {"into", F_INT, F_REQUIRED, "id of the row that stands for both"},
    {"into_key", F_TEXT, F_REQUIRED | F_NULL, "null: that row is gone"},
    {"same", F_TEXT, F_REQUIRED, "the normalised value that both have"},
    {"at", F_TIME, F_REQUIRED, NULL},
    {"restored", F_BOOL, F_REQUIRED, "a person took it apart: it is live"},
    {0},
};
static const struct shape merged_shape = {"MergedRow", NULL, merged_fields};
static const struct field merged_list_fields[] = {
    {"merged", F_INT, F_REQUIRED, "how many rows are merged now"},
    {"rows", F_LIST, F_REQUIRED, "by row id; restored ones, too", .of = &merged_shape},
    {"next", F_INT, F_REQUIRED | F_NULL, "ask with after = next for more; null = the end"},
    {0},
};
const struct shape merged_list_shape = {"MergedRows", "Rows that auto_dedupe merged into others.",
                                        merged_list_fields};
static const struct field merged_restored_fields[] = {
    {"restored", F_INT, F_REQUIRED, "rows that are live again"},
    {0},
};
const struct shape merged_restored_shape = {"MergedRestored", NULL, merged_restored_fields};

static void write_merged(struct jw *w, const struct merged_row *row)
{
    jw_object(w);
    jw_kv_int(w, "row", row->row_id);
    jw_kv_text(w, "key", row->row_key);
    jw_kv_int(w, "into", row->into);
    jw_kv_text(w, "into_key", row->into_key);
    jw_kv_text(w, "same", row->value);
    jw_kv_time(w, "at", row->at_ms);
    jw_kv_bool(w, "restored", row->restored);
    jw_end_object(w);
}

enum status api_merged_list(struct call *call, struct err *err)
{
    struct table table;
    struct merged_row *rows;
    size_t count;
    int64_t merged, limit = call_query_int(call, "limit", MERGED_USUAL);
    const struct store_dedupe *dedupe = call->store->does->dedupe;
    if (call_table(call, &table, err) != OK ||
        dedupe->count(call->store, table.id, &merged, err) != OK ||
        dedupe->list(call->store, call->arena, table.id, call_query_int(call, "after", 0),
                     (size_t)limit, &rows, &count, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_int(&call->w, "merged", merged);
    jw_key(&call->w, "rows");
    jw_array(&call->w);
    for (size_t i = 0; i < count; i++)
        write_merged(&call->w, &rows[i]);
    jw_end_array(&call->w);
    jw_kv_next(&call->w, count == (size_t)limit ? rows[count - 1].row_id : 0);
    jw_end_object(&call->w);
    return OK;
}

static enum status answer_restored(struct call *call, int64_t row_id, struct err *err)
{
    struct table table;
    int64_t restored;
    if (call_table(call, &table, err) != OK ||
        call->store->does->dedupe->restore(call->store, table.id, row_id, call_who(call), &restored,
                                           err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_int(&call->w, "restored", restored);
    jw_end_object(&call->w);
    return OK;
}

enum status api_merged_restore(struct call *call, struct err *err)
{
    int64_t row_id;
    return call_id(call, 1, &row_id, err) == OK ? answer_restored(call, row_id, err) : FAIL;
}

enum status api_merged_restore_all(struct call *call, struct err *err)
{
    return answer_restored(call, 0, err);
}
