/* merged.c - rows that auto_dedupe merged into others: which, into which, and back. */
#include "api/nouns.h"

#include "base/str.h"
#include "store/store_dedupe.h"

#include <string.h>

#define MERGED_MOST  1000
#define MERGED_USUAL 200
#define SAME_SHOWN   20

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

static const char *const keep_names[] = {"oldest", "newest", NULL};

const struct field same_query[] = {
    {"by", F_TEXT, F_REQUIRED, "a column's name", .min = 1, .max = 200},
    {"as", F_WORD, 0, "how values are compared; without it by the column's type", .words = dedupe_as_names},
    {"keep", F_WORD, 0, "which row stays (oldest)", .words = keep_names},
    {0},
};
static const struct field same_fields[] = {
    {"value", F_TEXT, F_REQUIRED, "the normalised value that they have"},
    {"row", F_INT, F_REQUIRED, "id of the row that would stay"},
    {"key", F_TEXT, F_REQUIRED | F_NULL, "its key"},
    {"others", F_INT, F_REQUIRED, "rows that would be merged into it"},
    {0},
};
static const struct shape same_shape = {"SameRows", NULL, same_fields};
static const struct field same_report_fields[] = {
    {"as", F_WORD, F_REQUIRED, "how values were compared", .words = dedupe_as_names},
    {"rows", F_INT, F_REQUIRED, "rows that were looked at"},
    {"blank", F_INT, F_REQUIRED, "without such a value: they stay"},
    {"values", F_INT, F_REQUIRED, "different values: as many rows would stay for them"},
    {"merged", F_INT, F_REQUIRED, "rows that would be merged into others"},
    {"first", F_LIST, F_REQUIRED, "the first values that several rows have", .of = &same_shape},
    {0},
};
const struct shape same_report_shape = {"DedupePreview", "What a rule of auto_dedupe would merge.",
                                        same_report_fields};

static enum status rule_of_query(struct call *call, struct table *table, struct dedupe_rule *rule,
                                 struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_key(&w, "auto_dedupe");
    jw_object(&w);
    for (const struct field *one = same_query; one->name; one++)
        if (call_query(call, one->name))
            jw_kv_text(&w, one->name, call_query(call, one->name));
    jw_end_object(&w);
    jw_end_object(&w);
    table->rules = arena_strdup(call->arena, buf_text(&text));
    buf_free(&text);
    dedupe_rule_read(call->arena, table, rule);
    if (rule->column)
        return OK;
    err_set(err, ERR_INVALID, "table \"%s\" has no column \"%s\"", table->name,
            call_query(call, "by"));
    err_where(err, "by");
    return FAIL;
}

enum status api_same_preview(struct call *call, struct err *err)
{
    struct table table;
    struct dedupe_rule rule;
    struct same_report found;
    if (call_table(call, &table, err) != OK || rule_of_query(call, &table, &rule, err) != OK ||
        call->store->does->dedupe->preview(call->store, call->arena, table.id, &rule, SAME_SHOWN,
                                           &found, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_text(&call->w, "as", dedupe_as_names[rule.as]);
    jw_kv_int(&call->w, "rows", found.rows);
    jw_kv_int(&call->w, "blank", found.blank);
    jw_kv_int(&call->w, "values", found.groups);
    jw_kv_int(&call->w, "merged", found.merged);
    jw_key(&call->w, "first");
    jw_array(&call->w);
    for (size_t i = 0; i < found.count; i++) {
        jw_object(&call->w);
        jw_kv_text(&call->w, "value", found.first[i].value);
        jw_kv_int(&call->w, "row", found.first[i].row_id);
        jw_kv_text(&call->w, "key", found.first[i].row_key);
        jw_kv_int(&call->w, "others", found.first[i].others);
        jw_end_object(&call->w);
    }
    jw_end_array(&call->w);
    jw_end_object(&call->w);
    return OK;
}

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
