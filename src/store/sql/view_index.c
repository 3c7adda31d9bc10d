/* view_index.c - indexes over sorts, made when people look and dropped when
 * nobody does, and samples that lead from a row number to a place in one.
 *
 * An index is v<TABLE>_<ID> over the key of the sort (sort_sql.c), of live rows
 * only. SQLite cannot say which row is the n-th of an index, so every SAMPLE_EVERY-th
 * row is noted when the index is made: from there it is a short walk. Rows come and
 * go meanwhile; `moves` counts how many did, which bounds how far a number is off. */
#include "store/sql/views_priv.h"

#include <string.h>

#define SAMPLE_EVERY  4096
#define USED_AGAIN_MS ((int64_t)3600 * 1000) /* noting each use would be a write a window */
#define DRIFT_LEAST   1000

enum status index_find(struct sq *sq, int64_t table_id, const char *expr, struct index_info *out,
                       struct err *err)
{
    bool row;
    *out = (struct index_info){0};
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT id,moved,used_ms FROM view_indexes WHERE table_id=? AND expr=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_text(stmt, 2, expr);
    if (sq_row(sq, stmt, &row, err) != OK || !row)
        return row ? FAIL : OK;
    *out = (struct index_info){.id = sq_col_int(stmt, 0),
                               .moved = sq_col_int(stmt, 1),
                               .used_ms = sq_col_int(stmt, 2)};
    sq_reset(stmt);
    return OK;
}

enum status sheet_moved(struct sq *sq, int64_t table_id, int64_t *moved, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT moved FROM moves WHERE table_id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    return sq_one_int(sq, stmt, 0, moved, err);
}

void sq_moved(struct sq *sq, int64_t table_id, int64_t count)
{
    for (size_t i = 0; i < sq->moves.len; i++)
        if (sq->moves.at[i].table_id == table_id) {
            sq->moves.at[i].count += count;
            return;
        }
    if (count)
        vec_push(&sq->moves, ((struct sq_move){table_id, count}));
}

/* Nothing is written for a sheet that has no index: it has no row in moves. */
enum status sq_store_moves(struct sq *sq, struct err *err)
{
    for (size_t i = 0; i < sq->moves.len; i++) {
        struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE moves SET moved=moved+? WHERE table_id=?");
        if (!stmt)
            return FAIL;
        sq_int(stmt, 1, sq->moves.at[i].count);
        sq_int(stmt, 2, sq->moves.at[i].table_id);
        if (sq_done(sq, stmt, err) != OK)
            return FAIL;
    }
    return OK;
}

/* ----------------------------------------------------------------- samples */

static enum status put_sample(struct sq *sq, int64_t index_id, int64_t position, struct sq_stmt *from,
                              struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "INSERT INTO view_samples(index_id,position,key,rid) VALUES(?,?,?,?)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, index_id);
    sq_int(stmt, 2, position);
    sq_bytes(stmt, 3, (struct value){sq_col_peek(from, 0), sq_col_len(from, 0)});
    sq_int(stmt, 4, sq_col_int(from, 1));
    return sq_done(sq, stmt, err);
}

static enum status take_samples(struct sq *sq, int64_t table_id, const char *expr, int64_t index_id,
                                struct err *err)
{
    bool row = true;
    struct sq_stmt *walk =
        sq_stmtf(sq, err,
                 "SELECT %s,rid FROM t%lld INDEXED BY v%lld_%lld WHERE deleted=0"
                 " ORDER BY %s,rid",
                 expr, (long long)table_id, (long long)table_id, (long long)index_id, expr);
    if (!walk)
        return FAIL;
    sq_stream(walk);
    for (int64_t position = 0;; position++) {
        if (sq_row(sq, walk, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        if (position % SAMPLE_EVERY == 0 && put_sample(sq, index_id, position, walk, err) != OK)
            return FAIL;
    }
}

static enum status sample_anew(struct sq *sq, int64_t table_id, const char *expr, int64_t index_id,
                               struct err *err)
{
    int64_t moved;
    char *clear = arena_printf(sq->scratch,
                               "DELETE FROM view_samples WHERE index_id=%lld;"
                               "INSERT INTO moves(table_id) VALUES(%lld) ON CONFLICT DO NOTHING",
                               (long long)index_id, (long long)table_id);
    if (sq_exec(sq, clear, err) != OK || sheet_moved(sq, table_id, &moved, err) != OK ||
        take_samples(sq, table_id, expr, index_id, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE view_indexes SET moved=? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, moved);
    sq_int(stmt, 2, index_id);
    return sq_done(sq, stmt, err);
}

enum status index_sample(struct sq *sq, struct arena *arena, int64_t index_id, int64_t row_number,
                         struct index_sample *out, struct err *err)
{
    bool row;
    *out = (struct index_sample){0};
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT position,key,rid FROM view_samples WHERE index_id=?"
                                 " AND position<=? ORDER BY position DESC LIMIT 1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, index_id);
    sq_int(stmt, 2, row_number);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    uint32_t len = sq_col_len(stmt, 1);
    out->found = true;
    out->position = sq_col_int(stmt, 0);
    out->key = (struct value){arena_strndup(arena, sq_col_peek(stmt, 1), len), len};
    out->rid = sq_col_int(stmt, 2);
    sq_reset(stmt);
    return OK;
}

/* ------------------------------------------------------------------ making */

static enum status make_new(struct sq *sq, int64_t table_id, const char *expr, int64_t *id,
                            struct err *err)
{
    struct sheet_info info;
    if (sq_sheet_info(sq, table_id, &info, err) != OK) /* that the table is there */
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "INSERT INTO view_indexes(table_id,expr,made_ms,used_ms)"
                                 " VALUES(?1,?2,?3,?3) RETURNING id");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_text(stmt, 2, expr);
    sq_int(stmt, 3, sq_now(sq));
    if (sq_one_int(sq, stmt, 0, id, err) != OK)
        return FAIL;
    return sq_exec(sq,
                   arena_printf(sq->scratch, "CREATE INDEX v%lld_%lld ON t%lld(%s) WHERE deleted=0",
                                (long long)table_id, (long long)*id, (long long)table_id, expr),
                   err);
}

static enum status note_use(struct sq *sq, int64_t id, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE view_indexes SET used_ms=? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, sq_now(sq));
    sq_int(stmt, 2, id);
    return sq_done(sq, stmt, err);
}

enum status index_make(struct sq *sq, int64_t table_id, const char *expr, bool *made,
                       struct err *err)
{
    struct index_info info;
    struct sheet_info sheet;
    int64_t moved;
    *made = false;
    if (index_find(sq, table_id, expr, &info, err) != OK)
        return FAIL;
    if (!info.id) {
        *made = true;
        return make_new(sq, table_id, expr, &info.id, err) == OK
                   ? sample_anew(sq, table_id, expr, info.id, err)
                   : FAIL;
    }
    if (sq_now(sq) - info.used_ms > USED_AGAIN_MS && note_use(sq, info.id, err) != OK)
        return FAIL;
    if (sheet_moved(sq, table_id, &moved, err) != OK ||
        sq_sheet_info(sq, table_id, &sheet, err) != OK)
        return FAIL;
    int64_t bearable = sheet.row_count / 100 > DRIFT_LEAST ? sheet.row_count / 100 : DRIFT_LEAST;
    return moved - info.moved > bearable ? sample_anew(sq, table_id, expr, info.id, err) : OK;
}

enum status sq_view_index_make(struct store *store, int64_t table_id, const struct sort *sorts,
                               size_t sort_count, bool *made, struct err *err)
{
    struct sq *sq = sq_of(store);
    *made = false;
    if (!sort_count) /* the order of arrival is there */
        return OK;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    const char *expr = sort_expr(sq->scratch, sorts, sort_count);
    return sq_end(sq, index_make(sq, table_id, expr, made, err), err);
}

/* ---------------------------------------------------------- list and drop */

enum status sq_view_index_list(struct store *store, struct arena *arena, struct view_index **out,
                               size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct view_index) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT i.table_id,i.expr,i.made_ms,i.used_ms,m.moved-i.moved"
                                 " FROM view_indexes i LEFT JOIN moves m USING(table_id)"
                                 " ORDER BY i.id");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct view_index index = {.table_id = sq_col_int(stmt, 0),
                                   .what = sq_col_text(stmt, 1, arena),
                                   .made_ms = sq_col_int(stmt, 2),
                                   .used_ms = sq_col_int(stmt, 3),
                                   .drift = sq_col_int(stmt, 4)};
        vec_push(&list, index);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    if (list.len)
        memcpy(*out, list.at, list.len * sizeof **out);
    vec_free(&list);
    return rc;
}

struct unused {
    int64_t id, table_id;
};

static enum status drop_one(struct sq *sq, const struct unused *index, struct err *err)
{
    char *sql = arena_printf(sq->scratch,
                             "DROP INDEX v%lld_%lld; DELETE FROM view_samples WHERE index_id=%lld;"
                             "DELETE FROM view_indexes WHERE id=%lld;"
                             "DELETE FROM moves WHERE table_id NOT IN"
                             " (SELECT table_id FROM view_indexes)",
                             (long long)index->table_id, (long long)index->id, (long long)index->id,
                             (long long)index->id);
    return sq_exec(sq, sql, err);
}

static enum status drop_unused(struct sq *sq, int64_t since_ms, size_t *dropped, struct err *err)
{
    VEC(struct unused) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT id,table_id FROM view_indexes WHERE used_ms<?");
    if (stmt)
        sq_int(stmt, 1, since_ms);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct unused one = {sq_col_int(stmt, 0), sq_col_int(stmt, 1)};
        vec_push(&list, one);
    }
    for (size_t i = 0; rc == OK && i < list.len; i++)
        rc = drop_one(sq, &list.at[i], err);
    *dropped = rc == OK ? list.len : 0;
    vec_free(&list);
    return rc;
}

enum status sq_view_index_drop(struct store *store, int64_t since_ms, size_t *dropped,
                               struct err *err)
{
    struct sq *sq = sq_of(store);
    *dropped = 0;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, drop_unused(sq, since_ms, dropped, err), err);
}
