/* workspace.c - names and number of a workspace, and what a process that is gone left. */
#include "store/sql/sql_priv.h"

#include "base/mem.h"

#include <stdlib.h>

static enum status meta_put(struct sq *sq, const char *name, const char *value, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "INSERT INTO meta(name,value) VALUES(?,?)"
                                   " ON CONFLICT(name) DO NOTHING");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    sq_text(stmt, 2, value);
    return sq_done(sq, stmt, err);
}

static enum status meta_get(struct sq *sq, const char *name, char **out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT value FROM meta WHERE name=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    free(*out);
    *out = mem_strdup(row ? sq_col_peek(stmt, 0) : "");
    sq_reset(stmt);
    return OK;
}

enum status sq_read_names(struct sq *sq, struct err *err)
{
    if (meta_get(sq, "workspace_id", &sq->id, err) != OK ||
        meta_get(sq, "workspace_name", &sq->name, err) != OK)
        return FAIL;
    sq->store.workspace_id = sq->id;
    sq->store.workspace_name = sq->name;
    return OK;
}

enum status sq_next_epoch(struct sq *sq, const char *name, struct err *err)
{
    char id[37];
    uuid4(sq->world, id);
    if (meta_put(sq, "workspace_id", id, err) != OK ||
        meta_put(sq, "workspace_name", name && *name ? name : "workspace", err) != OK ||
        meta_put(sq, "epoch", "0", err) != OK ||
        sq_exec(sq,
                "UPDATE meta SET value=CAST(CAST(value AS INTEGER)+1 AS TEXT) WHERE name='epoch'",
                err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT value FROM meta WHERE name='epoch'");
    return stmt ? sq_one_int(sq, stmt, 0, &sq->store.epoch, err) : FAIL;
}

enum status sq_tidy(struct sq *sq, struct err *err)
{
    const char *live;
    if (sq->schema) /* an earlier one: it may not have what is freed here */
        return OK;
    if (sq->engine->live_epochs(sq, &live, err) != OK)
        return FAIL;
    char *sql = arena_printf(sq->scratch,
                             "DELETE FROM leases WHERE epoch NOT IN (%s);"
                             "DELETE FROM places WHERE epoch NOT IN (%s);"
                             "UPDATE parts SET epoch=0 WHERE done=0 AND epoch NOT IN (0,%s);"
                             "UPDATE runs SET state=%d, ended_ms=%lld WHERE state IN (%d,%d)"
                             " AND epoch NOT IN (%s) AND id NOT IN (SELECT run_id FROM jobs);",
                             live, live, live, RUN_INTERRUPTED, (long long)sq_now(sq), RUN_RUNNING, RUN_QUEUED,
                             live);
    if (sq_exec(sq, sql, err) != OK)
        return FAIL;
    return sq_each_sheet(sq,
                         arena_printf(sq->scratch,
                                      "UPDATE s@ SET state=%d, again=0 WHERE state=%d AND op_id=0"
                                      " AND epoch NOT IN (%s);",
                                      CELL_DUE, CELL_RUNNING, live),
                         err);
}
