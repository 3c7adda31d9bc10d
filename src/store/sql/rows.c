/* rows.c - reading rows by keyset, listing keys, deleting rows.
 *
 * Never by OFFSET: a page starts after the row id the last one ended with. Which
 * table leads depends on the question: cells with a stored state are found by
 * walking the (small) state table, plain ones by walking the rows.
 *
 * A removed row (deleted = 2) keeps its id and key and loses its values: see
 * migrations.c for why. */
#include "store/sql/sql_priv.h"

#define BIT(state) (1u << (state))
#define PLAIN      (BIT(CELL_OK) | BIT(CELL_EMPTY))

/* ------------------------------------------------------------------ query */

struct reading {
    struct sq *sq;
    struct arena *arena;
    const struct row_query *query;
    struct sq_stmt *stmt;
    VEC(struct row) rows;
};

static void put_state(struct buf *sql, bool plain_too, int slot)
{
    if (plain_too)
        buf_printf(sql, "coalesce(s.state,CASE WHEN t.c%d IS NULL THEN 0 ELSE 4 END)", slot);
    else
        buf_str(sql, "s.state");
}

static void put_filter(struct buf *sql, const struct row_query *q, int slot)
{
    if (q->column_id && q->states) {
        buf_printf(sql, " AND ((1<<CAST(");
        put_state(sql, q->states & PLAIN, slot);
        buf_printf(sql, " AS INT))&%u)<>0", q->states);
    }
    if (q->column_id && q->due_before_ms)
        buf_printf(sql, " AND (s.state IS NOT %d OR s.not_before<=?3)", CELL_RETRYING);
    buf_str(sql, q->deleted_too ? " AND t.deleted<2" : " AND t.deleted=0");
}

static void put_query(struct buf *sql, const struct row_query *q, int slot)
{
    long long id = q->table_id;
    bool by_state = q->column_id && q->states && !(q->states & PLAIN) && !q->ids;
    buf_str(sql, "SELECT t.rid,t.key,t.deleted,t.src");
    for (size_t i = 0; i < q->slot_count; i++)
        buf_printf(sql, ",t.c%d", q->slots[i]);
    buf_str(sql, q->column_id ? ",s.changed" : "");
    if (q->column_id && q->with_cells) {
        buf_char(sql, ',');
        put_state(sql, !by_state, slot);
        buf_str(sql, ",s.op_id,s.attempt,s.not_before,s.code,s.message");
    }
    if (by_state)
        buf_printf(sql, " FROM s%lld s CROSS JOIN t%lld t ON t.rid=s.rid WHERE s.cid=?2 AND s.rid",
                   id, id);
    else if (q->ids && q->column_id)
        buf_printf(sql,
                   " FROM json_each(?1) l CROSS JOIN t%lld t ON t.rid=CAST(l.value AS INTEGER)"
                   " LEFT JOIN s%lld s ON s.cid=?2 AND s.rid=t.rid",
                   id, id);
    else if (q->ids)
        buf_printf(sql, " FROM json_each(?1) l CROSS JOIN t%lld t ON t.rid=CAST(l.value AS INTEGER)",
                   id);
    else if (q->column_id)
        buf_printf(sql, " FROM t%lld t LEFT JOIN s%lld s ON s.cid=?2 AND s.rid=t.rid WHERE t.rid",
                   id, id);
    else
        buf_printf(sql, " FROM t%lld t WHERE t.rid", id);
    buf_str(sql, q->ids ? " WHERE 1=1" : ">?1");
    if (q->key)
        buf_str(sql, " AND t.key=?5");
    if (q->last && !q->ids)
        buf_printf(sql, " AND %s<=?6", by_state ? "s.rid" : "t.rid");
    put_filter(sql, q, slot);
    buf_printf(sql, " ORDER BY %s LIMIT ?4", q->ids ? "l.key" : by_state ? "s.rid" : "t.rid");
}

static enum status prepare(struct reading *r, struct err *err)
{
    const struct row_query *q = r->query;
    struct buf sql = BUF_INIT;
    int slot = 0;
    if (q->column_id && sq_column_slot(r->sq, q->column_id, &slot, err) != OK)
        return FAIL;
    put_query(&sql, q, slot);
    r->stmt = sq_stmt(r->sq, err, buf_text(&sql));
    buf_free(&sql);
    if (!r->stmt)
        return FAIL;
    sq_int(r->stmt, 2, q->column_id);
    sq_int(r->stmt, 3, q->due_before_ms);
    sq_int(r->stmt, 4, q->limit ? (int64_t)q->limit : -1);
    if (q->key)
        sq_text(r->stmt, 5, q->key);
    if (q->last && !q->ids)
        sq_int(r->stmt, 6, q->last);
    return OK;
}

static struct cell *take_cell(struct reading *r, const struct row *row, int at)
{
    struct cell *cell = arena_alloc(r->arena, sizeof *cell);
    *cell = (struct cell){.row_id = row->id,
                          .column_id = r->query->column_id,
                          .state = (enum cell_state)(int)sq_col_int(r->stmt, at),
                          .op_id = sq_col_int(r->stmt, at + 1),
                          .attempt = (int)sq_col_int(r->stmt, at + 2),
                          .not_before_ms = sq_col_int(r->stmt, at + 3),
                          .changed_ms = row->cell_ms,
                          .code = sq_col_text(r->stmt, at + 4, r->arena),
                          .message = sq_col_text(r->stmt, at + 5, r->arena)};
    return cell;
}

static void take_row(struct reading *r)
{
    size_t count = r->query->slot_count;
    struct row row = {.id = sq_col_int(r->stmt, 0),
                      .key = sq_col_text(r->stmt, 1, r->arena),
                      .deleted = (int)sq_col_int(r->stmt, 2) != 0,
                      .sources = (uint64_t)sq_col_int(r->stmt, 3)};
    row.values = arena_array(r->arena, count + 1, sizeof *row.values);
    for (size_t i = 0; i < count; i++)
        row.values[i] = sq_col_value(r->stmt, (int)i + 4, r->arena);
    if (r->query->column_id)
        row.cell_ms = sq_col_int(r->stmt, (int)count + 4);
    if (r->query->column_id && r->query->with_cells)
        row.cell = take_cell(r, &row, (int)count + 5);
    vec_push(&r->rows, row);
}

static enum status read_rows(struct reading *r, struct err *err)
{
    const struct row_query *q = r->query;
    bool row = true;
    if (prepare(r, err) != OK)
        return FAIL;
    if (q->ids)
        sq_list(r->stmt, 1, r->arena, q->ids, q->id_count);
    else
        sq_int(r->stmt, 1, q->after);
    for (;;) {
        if (sq_row(r->sq, r->stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        take_row(r);
    }
}

enum status sq_read_rows(struct sq *sq, struct arena *arena, const struct row_query *query,
                         struct row **out, size_t *count, struct err *err)
{
    struct reading r = {.sq = sq, .arena = arena, .query = query};
    *count = 0;
    *out = NULL;
    enum status rc = read_rows(&r, err);
    if (rc == OK) {
        *out = arena_array(arena, r.rows.len + 1, sizeof **out);
        for (size_t i = 0; i < r.rows.len; i++)
            (*out)[i] = r.rows.at[i];
        *count = r.rows.len;
    }
    vec_free(&r.rows);
    return rc;
}

enum status sq_rows(struct store *store, struct arena *arena, const struct row_query *query,
                    struct row **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, sq_read_rows(sq, arena, query, out, count, err), err);
}

enum status sq_keys_list(struct store *store, struct arena *arena, int64_t table_id, int source,
                         const char *after, size_t limit, const char ***keys, size_t *count,
                         struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(const char *) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmtf(sq, err,
                                  "SELECT key FROM t%lld WHERE key>?1 AND deleted IN " SQ_HOLDS
                                  " AND (src&%lld)<>0 ORDER BY key LIMIT ?2",
                                  (long long)table_id, SQ_SOURCE_BIT(source));
    if (stmt) {
        sq_text(stmt, 1, after ? after : "");
        sq_int(stmt, 2, limit ? (int64_t)limit : -1);
    }
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row)
        vec_push(&list, sq_col_text(stmt, 0, arena));
    *keys = arena_array(arena, list.len + 1, sizeof **keys);
    for (size_t i = 0; i < list.len; i++)
        (*keys)[i] = list.at[i];
    *count = list.len;
    vec_free(&list);
    return rc;
}

/* --------------------------------------------------------------- deletion */

static enum status load_columns(struct row_remover *r, struct buf *sql, struct err *err)
{
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(r->sq, err, "SELECT id,slot FROM columns WHERE table_id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, r->table_id);
    for (;;) {
        if (sq_row(r->sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        vec_push(&r->columns, sq_col_int(stmt, 0));
        buf_printf(sql, ",c%d=NULL", (int)sq_col_int(stmt, 1));
    }
}

enum status row_remover_open(struct row_remover *r, struct sq *sq, int64_t table_id,
                             struct err *err)
{
    struct buf sql = BUF_INIT;
    *r = (struct row_remover){.sq = sq, .table_id = table_id};
    buf_printf(&sql, "UPDATE t%lld SET deleted=2", (long long)table_id);
    if (load_columns(r, &sql, err) == OK) {
        buf_str(&sql, " WHERE rid=?1");
        r->blank = sq_stmt(sq, err, buf_text(&sql));
        r->forget =
            sq_stmtf(sq, err, "DELETE FROM s%lld WHERE cid=?1 AND rid=?2", (long long)table_id);
    }
    buf_free(&sql);
    return r->blank && r->forget ? OK : FAIL;
}

void row_remover_close(struct row_remover *r)
{
    vec_free(&r->columns);
}

enum status row_remove(struct row_remover *r, int64_t row_id, struct err *err)
{
    sq_int(r->blank, 1, row_id);
    if (sq_done(r->sq, r->blank, err) != OK)
        return FAIL;
    for (size_t i = 0; i < r->columns.len; i++) {
        sq_int(r->forget, 1, r->columns.at[i]);
        sq_int(r->forget, 2, row_id);
        if (sq_done(r->sq, r->forget, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status leave_keys(struct row_leaver *leaver, const char *const *keys, size_t count,
                              struct err *err)
{
    bool row, left;
    struct sq_stmt *find =
        sq_stmtf(leaver->sq, err, "SELECT rid,deleted,src FROM t%lld WHERE key=? AND deleted<>2",
                 (long long)leaver->table_id);
    if (!find)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        sq_text(find, 1, keys[i]);
        if (sq_row(leaver->sq, find, &row, err) != OK)
            return FAIL;
        if (!row)
            continue;
        int64_t id = sq_col_int(find, 0), src = sq_col_int(find, 2);
        int deleted = (int)sq_col_int(find, 1);
        sq_reset(find);
        if (row_leave(leaver, id, deleted, src, NULL, &left, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status delete_rows(struct sq *sq, int64_t table_id, int source, const char *const *keys,
                               size_t count, enum when_deleted how, struct err *err)
{
    struct sheet_info info;
    struct row_leaver leaver;
    if (sq_sheet_info(sq, table_id, &info, err) != OK)
        return FAIL;
    if (!info.keyed && sq_make_key_index(sq, table_id, err) != OK)
        return FAIL;
    if (row_leaver_open(&leaver, sq, table_id, source, how, err) != OK)
        return FAIL;
    enum status rc = leave_keys(&leaver, keys, count, err);
    row_leaver_close(&leaver);
    sq_note_many(sq, table_id);
    if (rc != OK || sq_count_rows(sq, table_id, leaver.live, err) != OK)
        return FAIL;
    return sq_source_note(sq, table_id, source, leaver.held, NULL, 0, err);
}

enum status sq_rows_delete(struct store *store, int64_t table_id, int source,
                           const char *const *keys, size_t count, enum when_deleted how,
                           struct err *err)
{
    struct sq *sq = sq_of(store);
    if (how == DELETED_KEEP)
        return OK;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, delete_rows(sq, table_id, source, keys, count, how, err), err);
}
