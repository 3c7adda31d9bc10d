/* leases.c - one owner a name, until a deadline. */
#include "store/sql/sql_priv.h"

static enum status holder_of(struct sq *sq, const char *name, struct arena *arena,
                             struct store_lease *holder, struct err *err)
{
    bool row;
    *holder = (struct store_lease){0};
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT owner,until_ms FROM leases WHERE name=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (row) {
        holder->owner = sq_col_text(stmt, 0, arena);
        holder->until_ms = sq_col_int(stmt, 1);
        sq_reset(stmt);
    }
    return OK;
}

static enum status take(struct sq *sq, struct arena *arena, const char *name, const char *owner,
                        int64_t ttl_ms, bool *taken, struct store_lease *holder, struct err *err)
{
    if (holder_of(sq, name, arena, holder, err) != OK)
        return FAIL;
    if (holder->owner && !text_eq(holder->owner, owner) && holder->until_ms > sq_now(sq))
        return OK;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "INSERT INTO leases(name,owner,until_ms,epoch) VALUES(?,?,?,?) ON CONFLICT(name) DO"
                " UPDATE SET owner=excluded.owner,until_ms=excluded.until_ms,epoch=excluded.epoch");
    if (!stmt)
        return FAIL;
    *holder = (struct store_lease){.owner = owner, .until_ms = sq_now(sq) + ttl_ms};
    sq_text(stmt, 1, name);
    sq_text(stmt, 2, owner);
    sq_int(stmt, 3, holder->until_ms);
    sq_int(stmt, 4, sq->store.epoch);
    *taken = sq_done(sq, stmt, err) == OK;
    return *taken ? OK : FAIL;
}

/* Who finds that another has it need not wait for a turn at writing to be told so. */
static enum status others_have(struct sq *sq, struct arena *arena, const char *name,
                               const char *owner, bool *theirs, struct store_lease *holder,
                               struct err *err)
{
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    enum status rc = sq_end(sq, holder_of(sq, name, arena, holder, err), err);
    *theirs = rc == OK && holder->owner && !text_eq(holder->owner, owner) &&
              holder->until_ms > sq_now(sq);
    return rc;
}

static enum status sq_lease_take(struct store *store, struct arena *arena, const char *name,
                                 const char *owner, int64_t ttl_ms, bool *taken,
                                 struct store_lease *holder, struct err *err)
{
    struct sq *sq = sq_of(store);
    bool theirs;
    *taken = false;
    if (others_have(sq, arena, name, owner, &theirs, holder, err) != OK)
        return FAIL;
    if (theirs)
        return OK;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = sq_end(sq, take(sq, arena, name, owner, ttl_ms, taken, holder, err), err);
    *taken = *taken && rc == OK;
    return rc;
}

static enum status sq_lease_give_back(struct store *store, const char *name, const char *owner,
                                      struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, "DELETE FROM leases WHERE name=? AND owner=?");
    enum status rc = FAIL;
    if (stmt) {
        sq_text(stmt, 1, name);
        sq_text(stmt, 2, owner);
        rc = sq_done(sq, stmt, err);
    }
    return sq_end(sq, rc, err);
}

const struct store_leases sq_leases = {.take = sq_lease_take, .give_back = sq_lease_give_back};
