/* dedupe_preview.c - what a rule of auto_dedupe would do, without doing it.
 *
 * Reads every row's value, makes the keys as dedupe.c would (model/dedupe.h), and puts
 * the rows in the order of their keys: those with one key stand together. */
#include "store/sql/sql_priv.h"

#include "model/dedupe.h"

#include <stdlib.h>
#include <string.h>

struct keyed {
    const char *key;
    int64_t row_id;
};
typedef VEC(struct keyed) keyed_list;

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->row_id > y->row_id) - (x->row_id < y->row_id);
}

static int by_row(const void *a, const void *b)
{
    const struct same_rows *x = a, *y = b;
    return (x->row_id > y->row_id) - (x->row_id < y->row_id);
}

/* The keys of all rows that are live or merged, on `arena`. */
static enum status read_keys(struct sq *sq, struct arena *arena, int64_t table_id,
                             const struct dedupe_rule *rule, keyed_list *list,
                             struct same_report *out, struct err *err)
{
    bool row = true;
    enum status rc = FAIL;
    struct arena *scratch = arena_new();
    struct sq_stmt *stmt =
        sq_stmtf(sq, err, "SELECT rid,c%d FROM t%lld WHERE deleted IN (0,%d)", rule->column->slot,
                 (long long)table_id, SQ_MERGED);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        arena_reset(scratch);
        const char *key = dedupe_key(scratch, rule->as, sq_col_value(stmt, 1, scratch));
        struct keyed one = {key ? arena_strdup(arena, key) : NULL, sq_col_int(stmt, 0)};
        out->rows++;
        out->blank += !key;
        if (key)
            vec_push(list, one);
    }
    arena_free(scratch);
    return rc;
}

/* Where the rows of the key at `at` end. */
static size_t end_of(const keyed_list *list, size_t at)
{
    size_t end = at + 1;
    while (end < list->len && strcmp(list->at[end].key, list->at[at].key) == 0)
        end++;
    return end;
}

/* Counts groups of several rows; out->first gets all of them, the first `limit` stay. */
static void group(const keyed_list *list, struct arena *arena, bool newest, size_t limit,
                  struct same_report *out)
{
    VEC(struct same_rows) groups = {0};
    for (size_t at = 0, end; at < list->len; at = end) {
        end = end_of(list, at);
        out->groups++;
        out->merged += (int64_t)(end - at - 1);
        struct same_rows same = {.value = list->at[at].key,
                                 .row_id = list->at[newest ? end - 1 : at].row_id,
                                 .others = (int64_t)(end - at - 1)};
        if (same.others)
            vec_push(&groups, same);
    }
    if (groups.len)
        qsort(groups.at, groups.len, sizeof *groups.at, by_row);
    out->count = groups.len < limit ? groups.len : limit;
    out->first = arena_array(arena, out->count + 1, sizeof *out->first);
    if (out->count)
        memcpy(out->first, groups.at, out->count * sizeof *out->first);
    vec_free(&groups);
}

static enum status name_rows(struct sq *sq, struct arena *arena, int64_t table_id,
                             struct same_report *out, struct err *err)
{
    for (size_t i = 0; i < out->count; i++) {
        bool row;
        struct sq_stmt *stmt =
            sq_stmtf(sq, err, "SELECT key FROM t%lld WHERE rid=?", (long long)table_id);
        if (!stmt)
            return FAIL;
        sq_int(stmt, 1, out->first[i].row_id);
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (row) {
            out->first[i].row_key = sq_col_text(stmt, 0, arena);
            sq_reset(stmt);
        }
    }
    return OK;
}

enum status sq_dedupe_preview(struct store *store, struct arena *arena, int64_t table_id,
                              const struct dedupe_rule *rule, size_t limit,
                              struct same_report *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    keyed_list list = {0};
    *out = (struct same_report){0};
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    enum status rc = read_keys(sq, arena, table_id, rule, &list, out, err);
    if (rc == OK && list.len)
        qsort(list.at, list.len, sizeof *list.at, by_key);
    if (rc == OK) {
        group(&list, arena, rule->keep_newest, limit, out);
        rc = name_rows(sq, arena, table_id, out, err);
    }
    vec_free(&list);
    return sq_end(sq, rc, err);
}
