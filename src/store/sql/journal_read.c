/* journal_read.c - asking the journal: lists, the newest of each cell, counts. */
#include "store/sql/sql_priv.h"

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

void sq_read_op(struct sq_stmt *s, struct arena *arena, struct op *op)
{
    *op = (struct op){.id = sq_col_int(s, 0),
                      .org_id = sq_col_text(s, 2, arena),
                      .connection_id = sq_col_int(s, 3),
                      .table_id = sq_col_int(s, 4),
                      .row_id = sq_col_int(s, 5),
                      .column_id = sq_col_int(s, 6),
                      .run_id = sq_col_int(s, 7),
                      .generation = sq_col_int(s, 8),
                      .kind = (enum op_kind)(int)sq_col_int(s, 9),
                      .object = sq_col_text(s, 10, arena),
                      .key_field = sq_col_text(s, 11, arena),
                      .key_value = sq_col_text(s, 12, arena),
                      .target_id = sq_col_text(s, 13, arena),
                      .payload = sq_col_text(s, 14, arena),
                      .before = sq_col_text(s, 16, arena),
                      .mode = (enum write_mode)(int)sq_col_int(s, 17),
                      .state = (enum op_state)(int)sq_col_int(s, 18),
                      .attempt = (int)sq_col_int(s, 19),
                      .epoch = sq_col_int(s, 20),
                      .sent_ms = sq_col_int(s, 21),
                      .deadline_ms = sq_col_int(s, 22),
                      .not_before_ms = sq_col_int(s, 23),
                      .evidence = sq_col_text(s, 24, arena),
                      .result_id = sq_col_text(s, 25, arena),
                      .result_stamp = sq_col_text(s, 26, arena),
                      .adopted = (int)sq_col_int(s, 27) != 0,
                      .error_code = sq_col_text(s, 28, arena),
                      .error_message = sq_col_text(s, 29, arena),
                      .created_ms = sq_col_int(s, 30),
                      .done_ms = sq_col_int(s, 31),
                      .base_stamp = sq_col_text(s, 32, arena),
                      .settings = sq_col_text(s, 33, arena),
                      .priority = (int)sq_col_int(s, 34),
                      .ticket = sq_col_text(s, 35, arena)};
    copy_text(op->key, sizeof op->key, sq_col_peek(s, 1));
    copy_text(op->payload_sha256, sizeof op->payload_sha256,
              sq_col_peek(s, 15));
}

/* The states as "state IN (0,2)", which the indexes of open and of settled operations understand. */
static void put_states(struct buf *sql, uint32_t states)
{
    bool first = true, settled = !(states & ((1u << OP_DONE) - 1));
    buf_str(sql, settled ? " AND outcome IN (" : " AND state IN (");
    for (int i = 0; i <= OP_CANCELLED; i++) {
        if (!(states & (1u << i)))
            continue;
        buf_printf(sql, "%s%d", first ? "" : ",", i);
        first = false;
    }
    buf_str(sql, ")");
    if (!(states >> OP_DONE))
        buf_str(sql, " AND " SQ_OPEN_OPS);
    else if (settled)
        buf_str(sql, " AND " SQ_SETTLED_OPS);
}

static struct sq_stmt *list_stmt(struct sq *sq, const struct op_query *q, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_printf(&sql, "SELECT " SQ_OP_COLUMNS " FROM ops WHERE id%s?1", q->before_id ? "<" : ">");
    if (q->table_id)
        buf_str(&sql, " AND table_id=?2");
    if (q->column_id)
        buf_str(&sql, " AND column_id=?3");
    if (q->run_id)
        buf_str(&sql, " AND run_id=?4");
    if (q->ready_at_ms)
        buf_str(&sql, " AND not_before_ms<=?5");
    if (q->most_priority)
        buf_str(&sql, " AND priority<?7");
    if (q->ticket)
        buf_str(&sql, " AND ticket=?8");
    if (q->row_id)
        buf_str(&sql, " AND row_id=?9");
    if (q->record) /* each half by its own index; 15 characters begin the 18 */
        buf_str(&sql, " AND id IN (SELECT id FROM ops WHERE result_id>=?10 AND result_id<?10||'~'"
                      " UNION SELECT id FROM ops WHERE target_id>=?10 AND target_id<?10||'~' AND "
                      SQ_OPEN_OPS ")");
    if (q->done_since_ms)
        buf_str(&sql, " AND done_ms>=?11");
    if (q->last_row)
        buf_str(&sql, " AND row_id>?12 AND row_id<=?13");
    if (q->states)
        put_states(&sql, q->states);
    buf_printf(&sql, " ORDER BY id%s LIMIT ?6", q->before_id ? " DESC" : "");
    struct sq_stmt *stmt = sq_stmt(sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

enum status sq_ops_list(struct store *store, struct arena *arena, const struct op_query *q,
                        struct op **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct op) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = list_stmt(sq, q, err);
    if (stmt) {
        int64_t values[] = {q->before_id ? q->before_id : q->after_id, q->table_id,    q->column_id,
                            q->run_id,   q->ready_at_ms, q->limit ? (int64_t)q->limit : -1,
                            q->most_priority};
        for (int i = 0; i < 7; i++)
            sq_int(stmt, i + 1, values[i]);
        sq_text(stmt, 8, q->ticket);
        sq_int(stmt, 9, q->row_id);
        sq_text(stmt, 10, q->record);
        sq_int(stmt, 11, q->done_since_ms);
        sq_int(stmt, 12, q->after_row);
        sq_int(stmt, 13, q->last_row);
    }
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct op op;
        sq_read_op(stmt, arena, &op);
        vec_push(&list, op);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    vec_free(&list);
    return rc;
}

static enum status last_ops(struct sq *sq, struct arena *arena, int64_t column_id,
                            const int64_t *row_ids, size_t count, struct op *out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT " SQ_OP_COLUMNS " FROM ops WHERE row_id=? AND column_id=?"
                                 " ORDER BY generation DESC LIMIT 1");
    if (!stmt)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        sq_int(stmt, 1, row_ids[i]);
        sq_int(stmt, 2, column_id);
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        out[i] = (struct op){0};
        if (!row)
            continue;
        sq_read_op(stmt, arena, &out[i]);
        sq_reset(stmt);
    }
    return OK;
}

/* The newest operation of each cell: its id, or 0. */
static enum status last_ids(struct sq *sq, int64_t column_id, const int64_t *row_ids, size_t count,
                            int64_t *ids, struct err *err)
{
    bool row = true;
    enum status rc;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT l.key,(SELECT o.id FROM ops o WHERE o.row_id=CAST(l.value AS INTEGER)"
                " AND o.column_id=?2 ORDER BY o.generation DESC LIMIT 1) FROM json_each(?1) l");
    if (!stmt)
        return FAIL;
    sq_list(stmt, 1, sq->scratch, row_ids, count);
    sq_int(stmt, 2, column_id);
    while ((rc = sq_row(sq, stmt, &row, err)) == OK && row)
        ids[sq_col_int(stmt, 0)] = sq_col_peek(stmt, 1) ? sq_col_int(stmt, 1) : 0;
    return rc;
}

/* The same in two questions, the second for those that there are. */
static enum status last_ops_together(struct sq *sq, struct arena *arena, int64_t column_id,
                                     const int64_t *row_ids, size_t count, struct op *out,
                                     struct err *err)
{
    bool row = true;
    enum status rc;
    int64_t *ids = arena_array(arena, count + 1, sizeof *ids), *known = ids;
    size_t *at = arena_array(arena, count + 1, sizeof *at), found = 0;
    if (last_ids(sq, column_id, row_ids, count, ids, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct op){0};
        if (!ids[i])
            continue;
        at[found] = i;
        known[found++] = ids[i];
    }
    if (!found)
        return OK;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT " SQ_OP_COLUMNS ",l.key FROM json_each(?1) l CROSS JOIN ops o"
                " ON o.id=CAST(l.value AS INTEGER)");
    if (!stmt)
        return FAIL;
    sq_list(stmt, 1, sq->scratch, known, found);
    while ((rc = sq_row(sq, stmt, &row, err)) == OK && row)
        sq_read_op(stmt, arena, &out[at[sq_col_int(stmt, SQ_OP_COLUMN_COUNT)]]);
    return rc;
}

enum status sq_ops_last(struct store *store, struct arena *arena, int64_t table_id,
                        int64_t column_id, const int64_t *row_ids, size_t count, struct op *out,
                        struct err *err)
{
    struct sq *sq = sq_of(store);
    (void)table_id; /* a column id names its table */
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    enum status rc = sq->engine->far && count > 1
                         ? last_ops_together(sq, arena, column_id, row_ids, count, out, err)
                         : last_ops(sq, arena, column_id, row_ids, count, out, err);
    return sq_end(sq, rc, err);
}

enum status sq_ops_count(struct store *store, int64_t table_id, struct op_counts *out,
                         struct err *err)
{
    struct sq *sq = sq_of(store);
    bool row = true;
    *out = (struct op_counts){0};
    struct sq_stmt *stmt = sq_stmtf(sq, err, "SELECT state,count(*) FROM ops%s GROUP BY state",
                                  table_id ? " WHERE table_id=?1" : "");
    if (!stmt)
        return FAIL;
    if (table_id)
        sq_int(stmt, 1, table_id);
    for (;;) {
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        int state = (int)sq_col_int(stmt, 0);
        int64_t count = sq_col_int(stmt, 1);
        out->total += count;
        if (state >= 0 && state <= OP_CANCELLED)
            out->by_state[state] = count;
    }
}
