/* cells.c - states of cells: reading, counting, making due; results come in by
 * cell_writer.c.
 *
 * Making a whole column due never reads the state table it writes to (SQLite
 * would first copy the answer aside, ten million row ids of it): stored states
 * are updated in place, plain cells are inserted where nothing is in the way. */
#include "store/sql/sql_priv.h"

#define MANY_CELLS 1000

#define BIT(state)         (1u << (state))
#define PLAIN              (BIT(CELL_OK) | BIT(CELL_EMPTY))
#define STATE_OF(slot_fmt) "coalesce(s.state,CASE WHEN t.c" slot_fmt " IS NULL THEN 0 ELSE 4 END)"

enum status sq_cells_put(struct store *store, int64_t table_id, const struct cell_result *results,
                         size_t count, const struct dependents *dependents, size_t dependent_count,
                         struct err *err)
{
    struct sq *sq = sq_of(store);
    struct cell_writer w;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = cell_writer_open(&w, sq, table_id, dependents, dependent_count, err);
    if (rc == OK)
        rc = cell_writer_put_many(&w, results, count, err);
    if (rc == OK)
        rc = cell_writer_finish(&w, err);
    cell_writer_close(&w);
    return sq_end(sq, rc, err);
}

/* ---------------------------------------------------------------- reading */

static struct sq_stmt *cell_stmt(struct sq *sq, int64_t table_id, int slot, struct err *err)
{
    return sq_stmtf(sq, err,
                    "SELECT " STATE_OF(
                        "%d") ",s.op_id,s.attempt,s.not_before,s.changed,s.code,"
                              "s.message,t.deleted FROM t%lld t LEFT JOIN s%lld s ON s.cid=?1 AND"
                              " s.rid=t.rid WHERE t.rid=?2",
                    slot, (long long)table_id, (long long)table_id);
}

static void take_cell(struct sq_stmt *stmt, struct arena *arena, struct cell *out)
{
    out->state = (enum cell_state)(int)sq_col_int(stmt, 0);
    out->op_id = sq_col_int(stmt, 1);
    out->attempt = (int)sq_col_int(stmt, 2);
    out->not_before_ms = sq_col_int(stmt, 3);
    out->changed_ms = sq_col_int(stmt, 4);
    out->code = sq_col_text(stmt, 5, arena);
    out->message = sq_col_text(stmt, 6, arena);
}

static enum status read_cell(struct sq *sq, struct sq_stmt *stmt, struct arena *arena,
                             int64_t column_id, int64_t row_id, struct cell *out, bool *live,
                             struct err *err)
{
    bool row;
    sq_int(stmt, 1, column_id);
    sq_int(stmt, 2, row_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    *out = (struct cell){.row_id = row_id, .column_id = column_id, .state = CELL_EMPTY};
    *live = row && (int)sq_col_int(stmt, 7) == 0;
    if (row) {
        take_cell(stmt, arena, out);
        sq_reset(stmt);
    }
    return OK;
}

/* All by one question. */
static enum status read_together(struct sq *sq, struct arena *arena, int64_t table_id,
                                 int64_t column_id, int slot, const int64_t *row_ids, size_t count,
                                 struct cell *out, struct err *err)
{
    bool row = true;
    struct sq_stmt *stmt =
        sq_stmtf(sq, err,
                 "SELECT " STATE_OF("%d") ",s.op_id,s.attempt,s.not_before,s.changed,s.code,"
                                          "s.message,l.key FROM json_each(?1) l CROSS JOIN t%lld t"
                                          " ON t.rid=CAST(l.value AS INTEGER) LEFT JOIN s%lld s"
                                          " ON s.cid=?2 AND s.rid=t.rid",
                 slot, (long long)table_id, (long long)table_id);
    if (!stmt)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct cell){.row_id = row_ids[i], .column_id = column_id, .state = CELL_EMPTY};
    sq_list(stmt, 1, arena, row_ids, count);
    sq_int(stmt, 2, column_id);
    for (;;) {
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        take_cell(stmt, arena, &out[sq_col_int(stmt, 7)]);
    }
}

static enum status read_cells(struct sq *sq, struct arena *arena, int64_t table_id,
                              int64_t column_id, const int64_t *row_ids, size_t count,
                              struct cell *out, struct err *err)
{
    int slot;
    bool live;
    if (sq_column_slot(sq, column_id, &slot, err) != OK)
        return FAIL;
    if (sq->engine->far && count > 1)
        return read_together(sq, arena, table_id, column_id, slot, row_ids, count, out, err);
    struct sq_stmt *stmt = cell_stmt(sq, table_id, slot, err);
    if (!stmt)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        if (read_cell(sq, stmt, arena, column_id, row_ids[i], &out[i], &live, err) != OK)
            return FAIL;
    return OK;
}

enum status sq_cells(struct store *store, struct arena *arena, int64_t table_id, int64_t column_id,
                     const int64_t *row_ids, size_t count, struct cell *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, read_cells(sq, arena, table_id, column_id, row_ids, count, out, err), err);
}

/* -------------------------------------------------------------- making due */

static enum status due_rows(struct sq *sq, int64_t table_id, int64_t column_id, uint32_t states,
                            const int64_t *row_ids, size_t count, int64_t *made, struct err *err)
{
    struct cell_writer w;
    struct cell cell;
    int slot;
    bool live;
    enum status rc = cell_writer_open(&w, sq, table_id, NULL, 0, err);
    if (rc == OK)
        rc = sq_column_slot(sq, column_id, &slot, err);
    struct sq_stmt *stmt = rc == OK ? cell_stmt(sq, table_id, slot, err) : NULL;
    if (!stmt)
        rc = FAIL;
    for (size_t i = 0; rc == OK && i < count; i++) {
        rc = read_cell(sq, stmt, sq->scratch, column_id, row_ids[i], &cell, &live, err);
        if (rc == OK && live && (!states || states & BIT(cell.state)))
            rc = cell_writer_due(&w, column_id, row_ids[i], err);
    }
    *made = w.made_due;
    cell_writer_close(&w);
    return rc;
}

static enum status run_due(struct sq *sq, struct sq_stmt *stmt, int64_t column_id, int64_t *made,
                           struct err *err)
{
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, column_id);
    sq_int(stmt, 3, sq_now(sq));
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    *made += sq_changes(sq);
    return OK;
}

static enum status due_everywhere(struct sq *sq, int64_t table_id, int64_t column_id, int64_t *made,
                                  struct err *err)
{
    return run_due(sq,
                   sq_stmtf(sq, err,
                            "INSERT INTO s%lld AS x(cid,rid,state,changed) SELECT ?1,rid,1,?3 FROM"
                            " t%lld WHERE deleted=0 ON CONFLICT(cid,rid) DO UPDATE SET " SQ_SET_DUE
                            " WHERE " SQ_NOT_DUE_YET,
                            (long long)table_id, (long long)table_id),
                   column_id, made, err);
}

static enum status due_in_states(struct sq *sq, int64_t table_id, int64_t column_id,
                                 uint32_t states, int64_t *made, struct err *err)
{
    long long id = table_id;
    int slot;
    enum status rc =
        run_due(sq,
                sq_stmtf(sq, err,
                         "UPDATE s%lld AS x SET " SQ_SET_DUE
                         " WHERE cid=?1 AND ((1<<CAST(state AS INT))&%u)<>0 AND " SQ_NOT_DUE_YET
                         " AND EXISTS(SELECT 1 FROM t%lld t WHERE t.rid=x.rid AND t.deleted=0)",
                         id, states, id),
                column_id, made, err);
    if (rc != OK || !(states & PLAIN))
        return rc;
    if (sq_column_slot(sq, column_id, &slot, err) != OK)
        return FAIL;
    uint32_t plain = states & PLAIN;
    const char *which = plain == PLAIN ? "" : plain == BIT(CELL_OK) ? "NOT NULL" : "NULL";
    char *value = *which ? arena_printf(sq->scratch, " AND c%d IS %s", slot, which) : "";
    return run_due(sq,
                   sq_stmtf(sq, err,
                            "INSERT INTO s%lld(cid,rid,state,changed) SELECT ?1,rid,1,?3 FROM"
                            " t%lld WHERE deleted=0%s ON CONFLICT(cid,rid) DO NOTHING",
                            id, id, value),
                   column_id, made, err);
}

enum status sq_cells_make_due(struct store *store, int64_t table_id, int64_t column_id,
                              uint32_t states, const int64_t *row_ids, size_t row_count,
                              int64_t *made, struct err *err)
{
    struct sq *sq = sq_of(store);
    enum status rc;
    int64_t count = 0;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    if (row_ids)
        rc = due_rows(sq, table_id, column_id, states, row_ids, row_count, &count, err);
    else if (!states)
        rc = due_everywhere(sq, table_id, column_id, &count, err);
    else
        rc = due_in_states(sq, table_id, column_id, states, &count, err);
    if (count && !row_ids)
        sq_note_many(sq, table_id);
    if (rc == OK && count >= MANY_CELLS && sq->engine->sheet_grew)
        rc = sq->engine->sheet_grew(sq, table_id, err);
    rc = sq_end(sq, rc, err);
    if (made)
        *made = rc == OK ? count : 0;
    return rc;
}

/* --------------------------------------------------------------- counting */

static enum status count_cells(struct sq *sq, int64_t table_id, int64_t column_id,
                               int64_t by_state[CELL_STATES], struct err *err)
{
    int slot;
    bool row = true;
    if (sq_column_slot(sq, column_id, &slot, err) != OK)
        return FAIL;
    struct sq_stmt *stmt =
        sq_stmtf(sq, err,
                 "SELECT " STATE_OF("%d") " AS state,count(*) FROM t%lld t"
                                          " LEFT JOIN s%lld s ON s.cid=?1 AND s.rid=t.rid"
                                          " WHERE t.deleted=0 GROUP BY 1",
                 slot, (long long)table_id, (long long)table_id);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, column_id);
    for (;;) {
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        int state = (int)sq_col_int(stmt, 0);
        if (state >= 0 && state < CELL_STATES)
            by_state[state] = sq_col_int(stmt, 1);
    }
}

enum status sq_cells_count(struct store *store, int64_t table_id, int64_t column_id,
                           int64_t by_state[CELL_STATES], struct err *err)
{
    struct sq *sq = sq_of(store);
    for (int i = 0; i < CELL_STATES; i++)
        by_state[i] = 0;
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, count_cells(sq, table_id, column_id, by_state, err), err);
}

static enum status count_in(struct sq *sq, int64_t table_id, int64_t column_id, uint32_t states,
                            int64_t *count, struct err *err)
{
    struct sq_stmt *stmt = sq_stmtf(
        sq, err, "SELECT count(*) FROM s%lld WHERE cid=?1 AND ((1<<CAST(state AS INT))&%u)<>0",
        (long long)table_id, states);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, column_id);
    return sq_one_int(sq, stmt, 0, count, err);
}

enum status sq_cells_in(struct store *store, int64_t table_id, int64_t column_id, uint32_t states,
                        int64_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, count_in(sq, table_id, column_id, states, count, err), err);
}
