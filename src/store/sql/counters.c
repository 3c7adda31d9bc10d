/* counters.c - numbers that only grow, one a column. */
#include "store/sql/sql_priv.h"
#include "store/store_counters.h"

const char sq_step_counters[] =
    "CREATE TABLE counters(column_id INTEGER PRIMARY KEY, next INTEGER NOT NULL);";

static enum status take(struct sq *sq, int64_t column_id, int64_t count, int64_t *first,
                        struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "INSERT INTO counters AS x(column_id,next) VALUES(?1,?2)"
                                 " ON CONFLICT(column_id) DO UPDATE SET next=x.next+?2");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, column_id);
    sq_int(stmt, 2, count);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    stmt = sq_stmt(sq, err, "SELECT next-?2 FROM counters WHERE column_id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, column_id);
    sq_int(stmt, 2, count);
    return sq_one_int(sq, stmt, 0, first, err);
}

static enum status counters_next(struct store *store, int64_t column_id, int64_t count,
                                 int64_t *first, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, take(sq, column_id, count, first, err), err);
}

const struct store_counters sq_counters = {.next = counters_next};
