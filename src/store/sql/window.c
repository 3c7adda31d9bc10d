/* window.c - some rows of a view, from an anchor on.
 *
 * The rows of a view are in the order of (key, rid). Behind an anchor (k, r) come
 * first the rows with the same key and a larger rid, then those with a larger
 * key: two walks, each along the index, none of them counting. A filter is tried
 * row by row on the way; look_at bounds how many rows that may take.
 *
 * Values are read afterwards, by rid, for the few rows of the window only. */
#include "store/sql/views_priv.h"

#include <stdlib.h>
#include <string.h>

struct place {
    struct value key; /* of the sort; unused in the order of arrival */
    int64_t rid;
};

struct walk {
    struct sq *sq;
    struct arena *arena;
    const struct window_query *query;
    const char *expr; /* NULL = order of arrival */
    struct index_info index;
    struct filter_sql filter;
    bool backward;
    size_t limit;
    int64_t skip; /* hits to pass over first */
    bool only_count;
    /* what was found */
    int64_t looked_at, counted;
    bool cut;
    VEC(int64_t) rids;
    struct place first, last; /* of the hits; last is where looking stopped when it was cut */
};

/* ----------------------------------------------------------------- anchors */

static const char *anchor_write(struct arena *arena, const struct walk *walk, struct place place)
{
    const char *key = walk->expr ? base64url_encode(arena, place.key.text, place.key.len) : "";
    return arena_printf(arena, "%s.%lld", key, (long long)place.rid);
}

static enum status anchor_read(struct arena *arena, const char *text, struct place *out,
                               struct err *err)
{
    const char *dot = text ? strrchr(text, '.') : NULL;
    char *end = NULL;
    size_t len = 0;
    if (dot) {
        out->rid = strtoll(dot + 1, &end, 10);
        char *key = base64_decode(arena, text, (size_t)(dot - text), &len);
        out->key = (struct value){key ? key : "", (uint32_t)len};
        if (end > dot + 1 && !*end && (key || dot == text))
            return OK;
    }
    return err_set(err, ERR_INVALID, "\"%.60s\" is not an anchor of a window", text ? text : "");
}

/* -------------------------------------------------------------------- walks */

enum part { PART_ALL, PART_SAME_KEY, PART_OTHER_KEYS, PART_RIDS };

/* Where all have the same key, naming it in the order would have SQLite sort them. */
static void put_order(struct walk *w, enum part part, struct buf *sql)
{
    const char *way = w->backward ? " DESC" : "";
    if (w->expr && part != PART_SAME_KEY)
        buf_printf(sql, " ORDER BY %s%s,t.rid%s", w->expr, way, way);
    else
        buf_printf(sql, " ORDER BY t.rid%s", way);
}

static void put_walk(struct walk *w, enum part part, struct buf *sql)
{
    char more = w->backward ? '<' : '>';
    buf_printf(sql, "SELECT t.rid,%s,", w->expr ? w->expr : "NULL");
    if (w->query->filter)
        buf_printf(sql, "CASE WHEN %s THEN 1 ELSE 0 END", buf_text(&w->filter.sql));
    else
        buf_str(sql, "1");
    buf_printf(sql, " FROM t%lld t", (long long)w->query->table_id);
    if (w->index.id)
        buf_printf(sql, " INDEXED BY v%lld_%lld", (long long)w->query->table_id,
                   (long long)w->index.id);
    buf_str(sql, " WHERE t.deleted=0");
    if (part == PART_SAME_KEY)
        buf_printf(sql, " AND %s=? AND t.rid%c?", w->expr, more);
    else if (part == PART_OTHER_KEYS)
        buf_printf(sql, " AND %s%c?", w->expr, more);
    else if (part == PART_RIDS)
        buf_printf(sql, " AND t.rid%c?", more);
    put_order(w, part, sql);
}

static struct sq_stmt *walk_stmt(struct walk *w, enum part part, const struct place *from,
                               struct err *err)
{
    struct buf sql = BUF_INIT;
    put_walk(w, part, &sql);
    struct sq_stmt *stmt = sq_stmt(w->sq, err, buf_text(&sql));
    buf_free(&sql);
    if (!stmt)
        return NULL;
    int at = w->query->filter ? filter_bind(&w->filter, stmt, 1) : 1;
    if (part == PART_SAME_KEY || part == PART_OTHER_KEYS)
        sq_bytes(stmt, at++, from->key);
    if (part == PART_SAME_KEY || part == PART_RIDS)
        sq_int(stmt, at, from->rid);
    return stmt;
}

static struct place place_at(struct walk *w, struct sq_stmt *stmt)
{
    struct place place = {.rid = sq_col_int(stmt, 0)};
    if (w->expr) {
        uint32_t len = sq_col_len(stmt, 1);
        place.key = (struct value){arena_strndup(w->arena, sq_col_peek(stmt, 1), len), len};
    }
    return place;
}

static bool is_full(const struct walk *w)
{
    return w->cut || (!w->only_count && w->rids.len == w->limit);
}

static void take_hit(struct walk *w, struct sq_stmt *stmt)
{
    if (w->only_count) {
        w->counted++;
    } else if (w->skip > 0) {
        w->skip--;
    } else {
        vec_push(&w->rids, sq_col_int(stmt, 0));
        w->last = place_at(w, stmt);
        if (w->rids.len == 1)
            w->first = w->last;
    }
}

/* One row of the walk. */
static void meet(struct walk *w, struct sq_stmt *stmt)
{
    w->looked_at++;
    if ((int)sq_col_int(stmt, 2))
        take_hit(w, stmt);
    if (w->query->look_at && w->looked_at >= w->query->look_at && !is_full(w)) {
        w->cut = true;
        w->last = place_at(w, stmt);
    }
}

static enum status walk_part(struct walk *w, enum part part, const struct place *from,
                             struct err *err)
{
    bool row = true;
    if (is_full(w))
        return OK;
    struct sq_stmt *stmt = walk_stmt(w, part, from, err);
    if (!stmt)
        return FAIL;
    sq_stream(stmt);
    while (!is_full(w)) {
        if (sq_row(w->sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        meet(w, stmt);
    }
    sq_reset(stmt);
    return OK;
}

static enum status walk_from(struct walk *w, const struct place *from, struct err *err)
{
    if (!from)
        return walk_part(w, PART_ALL, NULL, err);
    if (!w->expr)
        return walk_part(w, PART_RIDS, from, err);
    if (walk_part(w, PART_SAME_KEY, from, err) != OK)
        return FAIL;
    return walk_part(w, PART_OTHER_KEYS, from, err);
}

/* -------------------------------------------------------------- row numbers */

/* The entry `count` behind the first of a part of the index; its rows are not looked at. */
static enum status step_over(struct walk *w, enum part part, const struct place *from,
                             int64_t count, struct place *out, bool *found, struct err *err)
{
    struct buf sql = BUF_INIT;
    int at = 1;
    buf_printf(&sql, "SELECT t.rid,%s FROM t%lld t INDEXED BY v%lld_%lld WHERE t.deleted=0",
               w->expr, (long long)w->query->table_id, (long long)w->query->table_id,
               (long long)w->index.id);
    if (part != PART_ALL)
        buf_printf(&sql, part == PART_SAME_KEY ? " AND %s=? AND t.rid>=?" : " AND %s>?", w->expr);
    put_order(w, part, &sql);
    buf_str(&sql, " LIMIT 1 OFFSET ?");
    struct sq_stmt *stmt = sq_stmt(w->sq, err, buf_text(&sql));
    buf_free(&sql);
    if (!stmt)
        return FAIL;
    if (part != PART_ALL)
        sq_bytes(stmt, at++, from->key);
    if (part == PART_SAME_KEY)
        sq_int(stmt, at++, from->rid);
    sq_int(stmt, at, count);
    if (sq_row(w->sq, stmt, found, err) != OK)
        return FAIL;
    if (*found) {
        *out = place_at(w, stmt);
        sq_reset(stmt);
    }
    return OK;
}

/* How many entries have the same key and stand at or behind a place, up to `most`. */
static enum status count_same_key(struct walk *w, const struct place *from, int64_t most,
                                  int64_t *count, struct err *err)
{
    struct sq_stmt *stmt = sq_stmtf(
        w->sq, err,
        "SELECT count(*) FROM (SELECT 1 FROM t%lld t INDEXED BY v%lld_%lld WHERE t.deleted=0"
        " AND %s=? AND t.rid>=? LIMIT ?) AS same",
        (long long)w->query->table_id, (long long)w->query->table_id, (long long)w->index.id,
        w->expr);
    if (!stmt)
        return FAIL;
    sq_bytes(stmt, 1, from->key);
    sq_int(stmt, 2, from->rid);
    sq_int(stmt, 3, most);
    return sq_one_int(w->sq, stmt, 0, count, err);
}

/* The place of a row number: from the sample before it, a short walk. */
static enum status find_number(struct walk *w, int64_t number, struct place *out, bool *found,
                               struct err *err)
{
    struct index_sample sample;
    int64_t same;
    if (index_sample(w->sq, w->arena, w->index.id, number, &sample, err) != OK)
        return FAIL;
    if (!sample.found)
        return step_over(w, PART_ALL, NULL, number, out, found, err);
    struct place from = {sample.key, sample.rid};
    int64_t left = number - sample.position;
    if (step_over(w, PART_SAME_KEY, &from, left, out, found, err) != OK || *found)
        return *found ? OK : FAIL;
    if (count_same_key(w, &from, left, &same, err) != OK)
        return FAIL;
    return step_over(w, PART_OTHER_KEYS, &from, left - same, out, found, err);
}

/* Without holes the row number is in the row id; else it is near it. */
static struct place arrival_at(const struct sheet_info *sheet, int64_t number, int64_t *error)
{
    int64_t ids = sheet->next_rid - 1, holes = ids - sheet->row_count;
    int64_t rid = holes > 0 && sheet->row_count
                      ? (int64_t)((double)number * (double)ids / (double)sheet->row_count)
                      : number;
    *error = holes > 0 ? holes : 0;
    return (struct place){.rid = rid};
}

static enum status walk_from_number(struct walk *w, const struct sheet_info *sheet,
                                    struct window *out, struct err *err)
{
    int64_t number = w->query->index, moved;
    struct place at;
    bool found = true;
    out->index = number;
    if (w->query->filter || (w->expr && !w->index.id)) {
        w->skip = number;
        return walk_from(w, NULL, err);
    }
    if (!w->expr) {
        at = arrival_at(sheet, number, &out->index_error);
        return walk_from(w, &at, err);
    }
    if (sheet_moved(w->sq, w->query->table_id, &moved, err) != OK ||
        find_number(w, number, &at, &found, err) != OK)
        return FAIL;
    out->index_error = moved - w->index.moved;
    if (!found)
        return OK; /* behind the last row */
    at.rid--;      /* the row itself belongs to the window */
    return walk_from(w, &at, err);
}

/* -------------------------------------------------------------------- windows */

static void turn_around(struct walk *w)
{
    for (size_t i = 0, k = w->rids.len; i + 1 < k; i++) {
        int64_t rid = w->rids.at[i];
        w->rids.at[i] = w->rids.at[--k];
        w->rids.at[k] = rid;
    }
    struct place place = w->first;
    w->first = w->last;
    w->last = place;
}

static enum status walk_open(struct walk *w, struct err *err)
{
    const struct window_query *q = w->query;
    w->expr = sort_expr(w->arena, q->sorts, q->sort_count);
    w->filter = (struct filter_sql){.arena = w->arena, .table_id = q->table_id};
    if (q->filter)
        filter_put(&w->filter, q->filter);
    return w->expr ? index_find(w->sq, q->table_id, w->expr, &w->index, err) : OK;
}

static enum status find_rows(struct walk *w, const struct sheet_info *sheet, struct window *out,
                             struct err *err)
{
    const struct window_query *q = w->query;
    struct place anchor = {0};
    w->backward = q->from == WINDOW_BEFORE;
    switch (q->from) {
    case WINDOW_START:
        out->index = 0;
        return walk_from(w, NULL, err);
    case WINDOW_INDEX:
        return walk_from_number(w, sheet, out, err);
    case WINDOW_AFTER:
    case WINDOW_BEFORE:
        break;
    }
    if (anchor_read(w->arena, q->anchor, &anchor, err) != OK)
        return FAIL;
    return walk_from(w, &anchor, err);
}

static enum status read_values(struct walk *w, struct window *out, struct err *err)
{
    struct row_query rows = {.table_id = w->query->table_id,
                             .slots = w->query->slots,
                             .slot_count = w->query->slot_count,
                             .ids = w->rids.at,
                             .id_count = w->rids.len};
    if (!w->rids.len)
        return OK;
    return sq_read_rows(w->sq, w->arena, &rows, &out->rows, &out->count, err);
}

static enum status make_window(struct walk *w, struct window *out, struct err *err)
{
    struct sheet_info sheet;
    if (sq_sheet_info(w->sq, w->query->table_id, &sheet, err) != OK || walk_open(w, err) != OK ||
        find_rows(w, &sheet, out, err) != OK)
        return FAIL;
    if (w->backward)
        turn_around(w);
    out->indexed = !w->expr || w->index.id;
    out->cut = w->cut;
    out->total = !w->query->filter ? sheet.row_count : -1;
    if (w->query->filter && w->query->from == WINDOW_START && !w->cut && w->rids.len < w->limit)
        out->total = (int64_t)w->rids.len;
    if (w->rids.len || w->cut) {
        out->first = anchor_write(w->arena, w, w->first);
        out->last = anchor_write(w->arena, w, w->last);
    }
    return read_values(w, out, err);
}

enum status sq_window(struct store *store, struct arena *arena, const struct window_query *query,
                      struct window *out, struct err *err)
{
    struct walk w = {.sq = sq_of(store), .arena = arena, .query = query, .limit = query->limit};
    *out = (struct window){.index = -1, .total = -1};
    if (sq_begin_read(w.sq, err) != OK)
        return FAIL;
    enum status rc = sq_end(w.sq, make_window(&w, out, err), err);
    filter_sql_free(&w.filter);
    vec_free(&w.rids);
    return rc;
}

static enum status count_some(struct walk *w, const char **next, struct err *err)
{
    struct place anchor = {0};
    bool on = w->query->from == WINDOW_AFTER;
    if (walk_open(w, err) != OK ||
        (on && anchor_read(w->arena, w->query->anchor, &anchor, err) != OK))
        return FAIL;
    if (walk_from(w, on ? &anchor : NULL, err) != OK)
        return FAIL;
    *next = w->cut ? anchor_write(w->arena, w, w->last) : NULL;
    return OK;
}

enum status sq_window_count(struct store *store, struct arena *arena,
                            const struct window_query *query, int64_t *count, const char **next,
                            struct err *err)
{
    struct window_query unsorted = *query;
    unsorted.sorts = NULL; /* the number is the same, the walk is shorter */
    unsorted.sort_count = 0;
    struct walk w = {.sq = sq_of(store), .arena = arena, .query = &unsorted, .only_count = true};
    *next = NULL;
    if (sq_begin_read(w.sq, err) != OK)
        return FAIL;
    enum status rc = sq_end(w.sq, count_some(&w, next, err), err);
    if (rc == OK)
        *count += w.counted;
    filter_sql_free(&w.filter);
    return rc;
}
