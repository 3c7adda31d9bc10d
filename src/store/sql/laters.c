/* laters.c - see store_laters.h. Times are kept one a table and kind; whether a table has
 * operations to send is asked of the journal, of so many of them at most. */
#include "store/sql/sql_priv.h"
#include "store/store_laters.h"

#define LOOK_AT "1000" /* operations of a table: the soonest of so many */

const char sq_step_laters[] =
    "CREATE TABLE laters(table_id INTEGER NOT NULL, what INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, tries INTEGER NOT NULL, PRIMARY KEY(table_id, what)) WITHOUT ROWID;";

static enum status get(struct sq *sq, struct later *out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT at_ms,tries FROM laters WHERE table_id=?1 AND what=?2");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, out->table_id);
    sq_int(stmt, 2, out->what);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    out->at_ms = sq_col_int(stmt, 0);
    out->tries = (int)sq_col_int(stmt, 1);
    sq_reset(stmt);
    return OK;
}

static enum status laters_get(struct store *store, int64_t table_id, enum later_what what,
                              struct later *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    *out = (struct later){.table_id = table_id, .what = what};
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, get(sq, out, err), err);
}

static enum status put(struct sq *sq, const struct later *later, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO laters(table_id,what,at_ms,tries) VALUES(?1,?2,?3,?4)"
                " ON CONFLICT(table_id,what) DO UPDATE SET at_ms=excluded.at_ms,tries=excluded.tries");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, later->table_id);
    sq_int(stmt, 2, later->what);
    sq_int(stmt, 3, later->at_ms);
    sq_int(stmt, 4, later->tries);
    return sq_done(sq, stmt, err);
}

static enum status laters_put(struct store *store, const struct later *later, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put(sq, later, err), err);
}

static enum status forget(struct sq *sq, int64_t table_id, enum later_what what, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "DELETE FROM laters WHERE table_id=?1 AND what=?2");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, what);
    return sq_done(sq, stmt, err);
}

static enum status laters_forget(struct store *store, int64_t table_id, enum later_what what,
                                 struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, forget(sq, table_id, what, err), err);
}

/* ------------------------------------------------------------------ listing */

typedef VEC(struct later) later_vec;

static enum status take_all(struct sq *sq, struct sq_stmt *stmt, struct arena *arena,
                            enum later_what what, later_vec *list, struct err *err)
{
    bool row = true;
    if (!stmt)
        return FAIL;
    for (;;) {
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        struct later later = {.table_id = sq_col_int(stmt, 0),
                              .what = what,
                              .table = sq_col_text(stmt, 1, arena),
                              .at_ms = sq_col_int(stmt, 2),
                              .tries = (int)sq_col_int(stmt, 3)};
        int64_t ready = sq_col_int(stmt, 4);
        if (ready > later.at_ms)
            later.at_ms = ready;
        vec_push(list, later);
    }
}

static enum status list_all(struct sq *sq, struct arena *arena, later_vec *list, struct err *err)
{
    struct sq_stmt *cells =
        sq_stmtf(sq, err,
                 "SELECT t.id,t.name,l.at_ms,l.tries,0 FROM laters l JOIN tables t ON t.id=l.table_id"
                 " WHERE l.what=%d AND t.auto_update<>0",
                 LATER_CELLS);
    if (take_all(sq, cells, arena, LATER_CELLS, list, err) != OK)
        return FAIL;
    struct sq_stmt *ops = sq_stmtf(
        sq, err,
        "SELECT x.id,x.name,coalesce(l.at_ms,0),coalesce(l.tries,0),x.ready FROM"
        " (SELECT t.id AS id,t.name AS name,(SELECT min(o.ready) FROM"
        "  (SELECT not_before_ms AS ready FROM ops WHERE table_id=t.id AND state IN (%d,%d,%d,%d)"
        "   AND " SQ_OPEN_OPS " LIMIT " LOOK_AT ") AS o) AS ready FROM tables t) AS x"
        " LEFT JOIN laters l ON l.table_id=x.id AND l.what=%d WHERE x.ready IS NOT NULL",
        OP_PLANNED, OP_RETRY_SAFE, OP_UNKNOWN, OP_RECONCILING, LATER_OPERATIONS);
    return take_all(sq, ops, arena, LATER_OPERATIONS, list, err);
}

static enum status laters_list(struct store *store, struct arena *arena, struct later **out,
                               size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    later_vec list = {0};
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    enum status rc = sq_end(sq, list_all(sq, arena, &list, err), err);
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    *count = list.len;
    vec_free(&list);
    return rc;
}

const struct store_laters sq_laters = {
    .get = laters_get, .put = laters_put, .forget = laters_forget, .list = laters_list};
