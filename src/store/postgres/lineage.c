/* lineage.c - is this database the one that was open last, or put back from a dump?
 *
 * The workspace remembers where it lies: the cluster's number, the database's, and that of a
 * table of ours. None of them is in a dump. So what pg_restore made, be it over the former
 * tables, in a database beside it or on another server, lies elsewhere, and holds every
 * connection like any copy (store_holds.h). So does what pg_upgrade took along: the cluster is
 * a new one, and nobody can tell that nothing was written meanwhile.
 *
 * What this cannot see: a cluster that is put back as a whole, from its files or to a point in
 * time, or a standby that took over and lacks the last commits. `argil store hold` is for those. */
#include "store/postgres/postgres_priv.h"

#include <string.h>

/* "CLUSTER DATABASE TABLE"; a server that does not tell its cluster's number has 0 there. */
static enum status home_of(struct postgres *pg, const char **out, struct err *err)
{
    const char *may;
    if (pg_ask(pg,
               "SELECT coalesce(has_function_privilege(to_regprocedure("
               "'pg_catalog.pg_control_system()')::oid,'execute'),false)::int",
               &may, err) != OK)
        return FAIL;
    char *sql = arena_printf(pg->sq.scratch,
                             "SELECT (%s)||' '||(SELECT oid FROM pg_database WHERE"
                             " datname=current_database())||' '||'argil_members'::regclass::oid",
                             may && *may == '1' ? "SELECT system_identifier FROM pg_control_system()" : "0");
    return pg_ask(pg, sql, out, err);
}

static enum status home_set(struct sq *sq, const char *home, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "INSERT INTO meta(name,value) VALUES('home',?1) ON CONFLICT(name)"
                                   " DO UPDATE SET value=excluded.value");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, home);
    return sq_done(sq, stmt, err);
}

static enum status home_get(struct sq *sq, const char **out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT value FROM meta WHERE name='home'");
    *out = NULL;
    if (!stmt || sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    *out = sq_col_text(stmt, 0, sq->scratch);
    sq_reset(stmt);
    return OK;
}

enum status pg_lineage_check(struct postgres *pg, struct err *err)
{
    struct sq *sq = &pg->sq;
    const char *now, *last;
    if (home_of(pg, &now, err) != OK || home_get(sq, &last, err) != OK)
        return FAIL;
    if (last && strcmp(last, now) == 0)
        return OK;
    if (home_set(sq, now, err) != OK)
        return FAIL;
    if (!last)
        return OK;
    sq->store.found_copy = "this workspace's tables are not those that were open last: they were put "
                           "back from a dump, or came with pg_upgrade";
    sq->writing = true; /* the audit's line is stored with it */
    return sq_hold_all(sq, "argil", sq->store.found_copy, 0, NULL, err);
}
