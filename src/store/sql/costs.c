/* costs.c - see store_costs.h. */
#include "store/sql/sql_priv.h"
#include "store/store_costs.h"

const char sq_step_costs[] =
    "CREATE TABLE cell_costs(table_id INTEGER NOT NULL, column_id INTEGER NOT NULL,"
    " row_id INTEGER NOT NULL, run_id INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " took_us INTEGER NOT NULL, calls INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " PRIMARY KEY(table_id, column_id, row_id)) WITHOUT ROWID;";

struct sq_stmt *sq_cost_stmt(struct sq *sq, struct err *err)
{
    return sq_stmt(
        sq, err,
        "INSERT INTO cell_costs(table_id,column_id,row_id,run_id,at_ms,took_us,calls,attempts)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(table_id,column_id,row_id) DO UPDATE SET"
        " run_id=excluded.run_id,at_ms=excluded.at_ms,took_us=excluded.took_us,"
        "calls=excluded.calls,attempts=excluded.attempts");
}

enum status sq_keep_cost(struct sq *sq, struct sq_stmt *stmt, int64_t table_id,
                         const struct cell_result *r, struct err *err)
{
    const struct cell_cost *cost = &r->cost;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, r->column_id);
    sq_int(stmt, 3, r->row_id);
    sq_int(stmt, 4, cost->run_id);
    sq_int(stmt, 5, sq_now(sq));
    sq_int(stmt, 6, cost->took_us);
    sq_int(stmt, 7, cost->calls_milli);
    sq_int(stmt, 8, cost->attempts);
    return sq_add(sq, stmt, NULL, err);
}

static enum status get(struct sq *sq, int64_t table_id, int64_t column_id, int64_t row_id,
                       struct cell_cost *out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "SELECT run_id,at_ms,took_us,calls,attempts FROM cell_costs"
                                   " WHERE table_id=?1 AND column_id=?2 AND row_id=?3");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, column_id);
    sq_int(stmt, 3, row_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    *out = (struct cell_cost){.run_id = sq_col_int(stmt, 0),
                              .at_ms = sq_col_int(stmt, 1),
                              .took_us = sq_col_int(stmt, 2),
                              .calls_milli = sq_col_int(stmt, 3),
                              .attempts = (int)sq_col_int(stmt, 4)};
    sq_reset(stmt);
    return OK;
}

static enum status costs_get(struct store *store, int64_t table_id, int64_t column_id,
                             int64_t row_id, struct cell_cost *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    *out = (struct cell_cost){0};
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, get(sq, table_id, column_id, row_id, out, err), err);
}

const struct store_costs sq_costs = {.get = costs_get};
