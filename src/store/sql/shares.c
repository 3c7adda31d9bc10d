/* shares.c - see store_shares.h. Nothing here needs a turn at writing but the switch: who asks
 * for places or calls of a connection waits only for others who ask for that connection's. */
#include "store/sql/sql_priv.h"
#include "store/store_shares.h"

#define SWITCH "sending stopped" /* in meta: the reason, maybe empty */

const char sq_step_shares[] =
    "CREATE TABLE places("
    " connection_id INTEGER NOT NULL, holder TEXT NOT NULL, epoch INTEGER NOT NULL,"
    " held INTEGER NOT NULL, PRIMARY KEY(connection_id, holder)) WITHOUT ROWID;"
    "CREATE TABLE calls("
    " connection_id INTEGER NOT NULL, day INTEGER NOT NULL, used INTEGER NOT NULL,"
    " PRIMARY KEY(connection_id, day)) WITHOUT ROWID;";

/* ------------------------------------------------------------------- places */

static enum status others_hold(struct sq *sq, int64_t connection_id, const char *holder,
                               int64_t *held, int64_t *holders, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "SELECT sum(held),count(*) FROM places WHERE connection_id=?1 AND holder<>?2");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    sq_text(stmt, 2, holder);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    *held = row ? sq_col_int(stmt, 0) : 0;
    *holders = row ? sq_col_int(stmt, 1) : 0;
    sq_reset(stmt);
    return OK;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of what is left, up to a fair share; what is busy is ours in any case. */
static int64_t share_of(int64_t wanted, int64_t busy, int64_t most, int64_t held, int64_t holders)
{
    int64_t fair = most / (holders + 1);
    int64_t share = smaller(smaller(wanted, most - held), fair > 0 ? fair : 1);
    return share > busy ? share : busy;
}

static enum status hold_places(struct sq *sq, int64_t connection_id, const char *holder,
                               int64_t count, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        "INSERT INTO places(connection_id,holder,epoch,held) VALUES(?1,?2,?3,?4)"
        " ON CONFLICT(connection_id,holder) DO UPDATE SET epoch=excluded.epoch,held=excluded.held");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    sq_text(stmt, 2, holder);
    sq_int(stmt, 3, sq->store.epoch);
    sq_int(stmt, 4, count);
    return sq_done(sq, stmt, err);
}

/* What one holds already; -1: nothing, or it was another process's of the same name. */
static enum status own_hold(struct sq *sq, int64_t connection_id, const char *holder, int64_t *held,
                            struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "SELECT held FROM places WHERE connection_id=?1 AND holder=?2 AND epoch=?3");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    sq_text(stmt, 2, holder);
    sq_int(stmt, 3, sq->store.epoch);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    *held = row ? sq_col_int(stmt, 0) : -1;
    sq_reset(stmt);
    return OK;
}

/* Most often one has its share already, and need not wait for a turn at writing to keep it. */
static enum status has_share(struct sq *sq, int64_t connection_id, const char *holder,
                             int64_t wanted, int64_t busy, int64_t most, int64_t *share,
                             struct err *err)
{
    int64_t held = 0, holders = 0, own = -1;
    *share = 0;
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    enum status rc = own_hold(sq, connection_id, holder, &own, err);
    if (rc == OK && own > 0)
        rc = others_hold(sq, connection_id, holder, &held, &holders, err);
    if (rc == OK && own > 0 && share_of(wanted, busy, most, held, holders) == own)
        *share = own;
    return sq_end(sq, rc, err);
}

static enum status shares_places(struct store *store, int64_t connection_id, const char *holder,
                                 int64_t wanted, int64_t busy, int64_t most, int64_t *granted,
                                 struct err *err)
{
    struct sq *sq = sq_of(store);
    int64_t held, holders, share = 0;
    *granted = 0;
    if (has_share(sq, connection_id, holder, wanted, busy, most, granted, err) != OK)
        return FAIL;
    if (*granted)
        return OK;
    if (sq_begin_in_line(sq, connection_id, err) != OK)
        return FAIL;
    enum status rc = others_hold(sq, connection_id, holder, &held, &holders, err);
    if (rc == OK) {
        share = share_of(wanted, busy, most, held, holders);
        rc = hold_places(sq, connection_id, holder, share > 0 ? share : 0, err);
    }
    rc = sq_end(sq, rc, err);
    if (rc == OK)
        *granted = share > 0 ? share : 0;
    return rc;
}

static enum status let_go(struct sq *sq, int64_t connection_id, const char *holder, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "DELETE FROM places WHERE connection_id=?1 AND holder=?2");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    sq_text(stmt, 2, holder);
    return sq_done(sq, stmt, err);
}

static enum status shares_places_back(struct store *store, int64_t connection_id,
                                      const char *holder, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_beside(sq, err) != OK)
        return FAIL;
    return sq_end(sq, let_go(sq, connection_id, holder, err), err);
}

/* -------------------------------------------------------------------- calls */

static enum status used_on(struct sq *sq, int64_t connection_id, int64_t day, int64_t *used,
                           struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT used FROM calls WHERE connection_id=?1 AND day=?2");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    sq_int(stmt, 2, day);
    return sq_one_int(sq, stmt, 0, used, err);
}

static enum status forget_days(struct sq *sq, int64_t connection_id, int64_t day, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "DELETE FROM calls WHERE connection_id=?1 AND day<?2");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    sq_int(stmt, 2, day);
    return sq_done(sq, stmt, err);
}

static enum status add_calls(struct sq *sq, int64_t connection_id, int64_t day, int64_t more,
                             struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "INSERT INTO calls AS c(connection_id,day,used) VALUES(?1,?2,?3)"
                                   " ON CONFLICT(connection_id,day) DO UPDATE SET"
                                   " used=max(c.used+?3,0)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    sq_int(stmt, 2, day);
    sq_int(stmt, 3, more);
    return sq_done(sq, stmt, err);
}

static enum status take_calls(struct sq *sq, int64_t connection_id, int64_t day, int64_t wanted,
                              int64_t budget, int64_t *granted, struct err *err)
{
    int64_t used;
    if (used_on(sq, connection_id, day, &used, err) != OK)
        return FAIL;
    *granted = smaller(wanted, budget > used ? budget - used : 0);
    if (!*granted)
        return OK;
    if (!used && forget_days(sq, connection_id, day, err) != OK)
        return FAIL;
    return add_calls(sq, connection_id, day, *granted, err);
}

static enum status shares_calls(struct store *store, int64_t connection_id, int64_t day,
                                int64_t wanted, int64_t budget, int64_t *granted, struct err *err)
{
    struct sq *sq = sq_of(store);
    int64_t taken = 0;
    *granted = 0;
    if (sq_begin_in_line(sq, connection_id, err) != OK)
        return FAIL;
    enum status rc =
        sq_end(sq, take_calls(sq, connection_id, day, wanted, budget, &taken, err), err);
    if (rc == OK)
        *granted = taken;
    return rc;
}

static enum status shares_calls_back(struct store *store, int64_t connection_id, int64_t day,
                                     int64_t count, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_in_line(sq, connection_id, err) != OK)
        return FAIL;
    return sq_end(sq, add_calls(sq, connection_id, day, -count, err), err);
}

/* ------------------------------------------------------------------- switch */

static enum status read_switch(struct sq *sq, struct arena *arena, bool *stopped,
                               const char **reason, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT value FROM meta WHERE name='" SWITCH "'");
    if (!stmt || sq_row(sq, stmt, stopped, err) != OK)
        return FAIL;
    if (!*stopped)
        return OK;
    const char *text = reason ? sq_col_text(stmt, 0, arena) : NULL;
    sq_reset(stmt);
    if (reason)
        *reason = text && *text ? text : NULL;
    return OK;
}

enum status sq_sending_stopped(struct sq *sq, bool *stopped, struct err *err)
{
    return read_switch(sq, NULL, stopped, NULL, err);
}

static enum status throw_switch(struct sq *sq, bool stop, const char *reason, struct err *err)
{
    struct sq_stmt *stmt =
        stop ? sq_stmt(sq, err,
                       "INSERT INTO meta(name,value) VALUES('" SWITCH "',?1)"
                       " ON CONFLICT(name) DO UPDATE SET value=excluded.value")
             : sq_stmt(sq, err, "DELETE FROM meta WHERE name='" SWITCH "'");
    if (!stmt)
        return FAIL;
    if (sq->engine->alone && sq->engine->alone(sq, err) != OK)
        return FAIL; /* who lets operations go has seen the switch as it was, and is done */
    if (stop)
        sq_text(stmt, 1, reason ? reason : "");
    return sq_done(sq, stmt, err);
}

static enum status shares_stop_sending(struct store *store, bool stop, const char *reason,
                                       struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, throw_switch(sq, stop, reason, err), err);
}

static enum status shares_sending_stopped(struct store *store, struct arena *arena, bool *stopped,
                                          const char **reason, struct err *err)
{
    if (reason)
        *reason = NULL;
    return read_switch(sq_of(store), arena, stopped, reason, err);
}

const struct store_shares sq_shares = {.places = shares_places,
                                       .places_back = shares_places_back,
                                       .calls = shares_calls,
                                       .calls_back = shares_calls_back,
                                       .stop_sending = shares_stop_sending,
                                       .sending_stopped = shares_sending_stopped};
