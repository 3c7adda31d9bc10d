/* history.c - what became of a row and of one cell, where the table keeps it. */
#include "api/nouns.h"

#include "base/str.h"
#include "store/store_history.h"

#include <string.h>

static const char *const what_names[] = HISTORY_WHAT_NAMES;
static const char *const by_names[] = HISTORY_BY_NAMES;

#define LINES_MOST  1000
#define LINES_USUAL 100

const struct field row_history_query[] = {
    {"column", F_INT, 0, "only this column's values: its id"},
    {"before", F_INT, 0, "lines older than this one"},
    {"limit", F_INT, 0, "lines at most (100)", .min = 1, .max = LINES_MOST},
    {0},
};
static const struct field line_fields[] = {
    {"id", F_INT, F_REQUIRED, NULL},
    {"at", F_TIME, F_REQUIRED, NULL},
    {"what", F_WORD, F_REQUIRED, NULL, .words = what_names},
    {"by", F_WORD, F_REQUIRED, "import: a source; result: a column's run; person: typed",
     .words = by_names},
    {"column_id", F_INT, F_REQUIRED | F_NULL, "whose value changed; null: the row itself"},
    {"run_id", F_INT, F_REQUIRED | F_NULL, "of an import"},
    {"old", F_TEXT, F_REQUIRED | F_NULL, "the value before"},
    {"new", F_TEXT, F_REQUIRED | F_NULL, "the value after"},
    {0},
};
static const struct shape line_shape = {"HistoryLine", NULL, line_fields};
static const struct field history_fields[] = {
    {"kept_ms", F_INT, F_REQUIRED, "how long the table keeps its history; 0 = it keeps none"},
    {"lines", F_LIST, F_REQUIRED, "newest first", .of = &line_shape},
    {"next", F_INT, F_REQUIRED | F_NULL, "ask with before = next for more; null = the end"},
    {0},
};
const struct shape row_history_shape = {"RowHistory", "What became of a row.", history_fields};

static void kv_value(struct jw *w, const char *key, struct value value)
{
    jw_key(w, key);
    if (value.text)
        jw_text_n(w, value.text, value.len);
    else
        jw_null(w);
}

static void kv_id(struct jw *w, const char *key, int64_t id)
{
    if (id)
        jw_kv_int(w, key, id);
    else
        jw_kv_null(w, key);
}

static void write_line(struct jw *w, const struct history_line *line)
{
    jw_object(w);
    jw_kv_int(w, "id", line->id);
    jw_kv_time(w, "at", line->at_ms);
    jw_kv_text(w, "what", what_names[line->what]);
    jw_kv_text(w, "by", by_names[line->by]);
    kv_id(w, "column_id", line->column_id);
    kv_id(w, "run_id", line->run_id);
    kv_value(w, "old", line->old);
    kv_value(w, "new", line->new);
    jw_end_object(w);
}

static int64_t kept_ms(struct call *call, const struct table *table)
{
    struct err ignored = {0};
    const char *rules = table->rules ? table->rules : "{}";
    return json_get_int(json_parse(call->arena, rules, strlen(rules), &ignored), "history_ms", 0);
}

static enum status check_column(const struct table *table, int64_t id, struct err *err)
{
    return id && !table_column_by_id(table, id)
               ? err_set(err, ERR_NOT_FOUND, "table \"%s\" has no column %lld", table->name,
                         (long long)id)
               : OK;
}

enum status api_row_history(struct call *call, struct err *err)
{
    struct table table;
    struct history_line *lines;
    size_t count;
    struct history_query query = {.column_id = call_query_int(call, "column", 0),
                                  .before = call_query_int(call, "before", 0),
                                  .limit = (size_t)call_query_int(call, "limit", LINES_USUAL)};
    if (call_table(call, &table, err) != OK || call_id(call, 1, &query.row_id, err) != OK ||
        check_column(&table, query.column_id, err) != OK)
        return FAIL;
    query.table_id = table.id;
    if (call->store->does->history->list(call->store, call->arena, &query, &lines, &count, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_int(&call->w, "kept_ms", kept_ms(call, &table));
    jw_key(&call->w, "lines");
    jw_array(&call->w);
    for (size_t i = 0; i < count; i++)
        write_line(&call->w, &lines[i]);
    jw_end_array(&call->w);
    jw_kv_next(&call->w, count == query.limit ? lines[count - 1].id : 0);
    jw_end_object(&call->w);
    return OK;
}
