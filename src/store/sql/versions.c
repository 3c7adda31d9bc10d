/* versions.c - a table's recipe and switch at each change. */
#include "store/sql/sql_priv.h"

#include <string.h>

const char sq_step_versions[] =
    "CREATE TABLE table_versions(table_id INTEGER NOT NULL, number INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, who TEXT, note TEXT, recipe TEXT, auto_update INTEGER NOT NULL,"
    " PRIMARY KEY(table_id, number)) WITHOUT ROWID;";

static enum status newest(struct sq *sq, int64_t table_id, int64_t *number, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT coalesce(max(number),0) FROM table_versions WHERE table_id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    return sq_one_int(sq, stmt, 0, number, err);
}

/* The table's row as it stands, unless it is what the newest version says. */
static enum status add(struct sq *sq, int64_t table_id, int64_t at_ms, const char *who,
                       const char *note, struct err *err)
{
    int64_t number;
    if (newest(sq, table_id, &number, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        "INSERT INTO table_versions(table_id,number,at_ms,who,note,recipe,auto_update)"
        " SELECT t.id,?2+1,?3,?4,?5,t.recipe,t.auto_update FROM tables t WHERE t.id=?1"
        " AND NOT EXISTS(SELECT 1 FROM table_versions v WHERE v.table_id=?1 AND v.number=?2"
        " AND v.recipe=t.recipe AND v.auto_update=t.auto_update)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, number);
    sq_int(stmt, 3, at_ms);
    sq_text(stmt, 4, who);
    sq_text(stmt, 5, note);
    return sq_done(sq, stmt, err);
}

enum status sq_first_version(struct sq *sq, int64_t table_id, struct err *err)
{
    int64_t number, changed_ms;
    if (newest(sq, table_id, &number, err) != OK)
        return FAIL;
    if (number)
        return OK;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT coalesce(changed_ms,0) FROM tables WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    return sq_one_int(sq, stmt, 0, &changed_ms, err) == OK
               ? add(sq, table_id, changed_ms, NULL, NULL, err)
               : FAIL;
}

enum status sq_add_version(struct sq *sq, int64_t table_id, const char *who, const char *note,
                           struct err *err)
{
    return add(sq, table_id, sq_now(sq), who, note, err);
}

/* ---------------------------------------------------------------- reading */

static void read_version(struct sq_stmt *stmt, struct arena *arena, struct table_version *out)
{
    *out = (struct table_version){.number = sq_col_int(stmt, 0),
                                  .at_ms = sq_col_int(stmt, 1),
                                  .who = sq_col_text(stmt, 2, arena),
                                  .note = sq_col_text(stmt, 3, arena),
                                  .auto_update = sq_col_int(stmt, 4) != 0,
                                  .recipe = sq_col_text(stmt, 5, arena)};
}

static enum status list(struct sq *sq, struct arena *arena, int64_t table_id, int64_t before,
                        size_t limit, struct table_version **out, size_t *count, struct err *err)
{
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "SELECT number,at_ms,who,note,auto_update,NULL FROM table_versions"
                                   " WHERE table_id=? AND number<? ORDER BY number DESC LIMIT ?");
    *out = arena_array(arena, limit + 1, sizeof **out);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, before ? before : INT64_MAX);
    sq_int(stmt, 3, (int64_t)limit);
    for (;;) {
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        read_version(stmt, arena, &(*out)[(*count)++]);
    }
}

static enum status sq_version_list(struct store *store, struct arena *arena, int64_t table_id,
                                   int64_t before, size_t limit, struct table_version **out,
                                   size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    *count = 0;
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, list(sq, arena, table_id, before, limit, out, count, err), err);
}

static enum status get(struct sq *sq, struct arena *arena, int64_t table_id, int64_t number,
                       struct table_version *out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "SELECT number,at_ms,who,note,auto_update,recipe"
                                   " FROM table_versions WHERE table_id=? AND number=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, number);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "the table has no version %lld", (long long)number);
    read_version(stmt, arena, out);
    sq_reset(stmt);
    return OK;
}

static enum status sq_version_get(struct store *store, struct arena *arena, int64_t table_id,
                                  int64_t number, struct table_version *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, get(sq, arena, table_id, number, out, err), err);
}

const struct store_versions sq_versions = {.list = sq_version_list, .get = sq_version_get};
