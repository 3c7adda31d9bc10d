/* loops.c - two columns that feed each other are told from people's work.
 *
 * A column writes a record, the org (a flow, a trigger, another table's column)
 * answers by changing a value that the column is computed from, which makes it due
 * again, and so on. The change is not our own value coming back, so it is no echo.
 * Each time a value of a record changes within LOOP_MS after we wrote that record
 * is counted; one write counts once. At LOOP_TIMES in a row the loop is cut: what
 * reads the value is refused with both columns' names. When the value is changed
 * without a write of ours before it, or a person runs the cells, it goes on. */
#include "store/sql/sql_priv.h"

#define LOOP_TIMES 6
#define LOOP_MS    ((int64_t)2 * 3600 * 1000)

struct last_write {
    int64_t op_id, column_id, done_ms;
};

static enum status find_write(struct loop_guard *g, const char *record_id, struct last_write *out,
                              struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(g->sq, err,
                                 "SELECT id,column_id,done_ms FROM ops WHERE id=(SELECT max(op_id)"
                                 " FROM written WHERE org_id=?1 AND record_id=?2)");
    *out = (struct last_write){0};
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, g->org_id);
    sq_text(stmt, 2, record_id);
    if (sq_row(g->sq, stmt, &row, err) != OK)
        return FAIL;
    if (row) {
        *out = (struct last_write){sq_col_int(stmt, 0), sq_col_int(stmt, 1),
                                   sq_col_int(stmt, 2)};
        sq_reset(stmt);
    }
    return OK;
}

static enum status forget(struct loop_guard *g, int64_t row_id, int slot, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(g->sq, err, "DELETE FROM loops WHERE table_id=?1 AND row_id=?2 AND slot=?3");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, g->table_id);
    sq_int(stmt, 2, row_id);
    sq_int(stmt, 3, slot);
    return sq_done(g->sq, stmt, err);
}

static enum status count(struct loop_guard *g, int64_t row_id, int slot,
                         const struct last_write *write, int64_t *times, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        g->sq, err,
        "INSERT INTO loops AS x(table_id,row_id,slot,count,last_ms,op_id)"
        " VALUES(?1,?2,?3,1,?4,?5)"
        " ON CONFLICT(table_id,row_id,slot) DO UPDATE SET"
        " count=CASE WHEN x.last_ms<?6 THEN 1 WHEN x.op_id=?5 THEN x.count ELSE x.count+1 END,"
        "last_ms=?4,op_id=?5"
        " RETURNING count");
    if (!stmt)
        return FAIL;
    int64_t now = sq_now(g->sq);
    sq_int(stmt, 1, g->table_id);
    sq_int(stmt, 2, row_id);
    sq_int(stmt, 3, slot);
    sq_int(stmt, 4, now);
    sq_int(stmt, 5, write->op_id);
    sq_int(stmt, 6, now - LOOP_MS);
    return sq_one_int(g->sq, stmt, 0, times, err);
}

static enum status name_of(struct loop_guard *g, const char *sql, int64_t a, int64_t b,
                           const char **out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(g->sq, err, sql);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, a);
    sq_int(stmt, 2, b);
    if (sq_row(g->sq, stmt, &row, err) != OK)
        return FAIL;
    *out = row ? sq_col_text(stmt, 0, g->sq->scratch) : "?";
    if (row)
        sq_reset(stmt);
    return OK;
}

static enum status explain(struct loop_guard *g, int slot, const struct last_write *write,
                           struct err *err)
{
    const char *value, *writer;
    if (name_of(g, "SELECT name FROM columns WHERE table_id=?1 AND slot=?2", g->table_id, slot,
                &value, err) != OK ||
        name_of(g,
                "SELECT CASE WHEN c.table_id=?2 THEN c.name ELSE t.name||'.'||c.name END"
                " FROM columns c JOIN tables t ON t.id=c.table_id WHERE c.id=?1",
                write->column_id, g->table_id, &writer, err) != OK)
        return FAIL;
    g->message = arena_printf(
        g->sq->scratch,
        "`%s` and `%s` feed each other: `%s` changed %d times, each time soon after `%s` had "
        "written the record. Nothing more is computed for this row from it. Give `%s` a condition "
        "(only_run_if), look for a flow or trigger that answers its writes, then run the row.",
        value, writer, value, LOOP_TIMES, writer, writer);
    return OK;
}

enum status loop_guard_look(struct loop_guard *g, int64_t row_id, int slot, const char *record_id,
                            bool *broken, struct err *err)
{
    struct last_write write;
    int64_t times;
    *broken = false;
    if (!g->org_id)
        return OK;
    if (find_write(g, record_id, &write, err) != OK)
        return FAIL;
    if (!write.op_id || write.done_ms < sq_now(g->sq) - LOOP_MS)
        return forget(g, row_id, slot, err);
    if (count(g, row_id, slot, &write, &times, err) != OK)
        return FAIL;
    *broken = times >= LOOP_TIMES;
    return *broken ? explain(g, slot, &write, err) : OK;
}
