/* access.c - who may build with a connection, the default one, its status. */
#include "store/sql/sql_priv.h"

/* One statement about a connection, in a transaction of its own. */
static enum status change(struct store *store, const char *sql, const char *text, int64_t number,
                          int64_t connection_id, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, sql);
    if (stmt) {
        if (text)
            sq_text(stmt, 1, text);
        else
            sq_int(stmt, 1, number);
        sq_int(stmt, 2, connection_id);
        rc = sq_done(sq, stmt, err);
    }
    if (rc == OK)
        sq_note(sq, NOUN_CONNECTION, 0, connection_id);
    return sq_end(sq, rc, err);
}

static enum status sq_status_set(struct store *store, int64_t connection_id, const char *status,
                                 struct err *err)
{
    return change(store, "UPDATE connections SET status=? WHERE id=?", status, 0, connection_id,
                  err);
}

static enum status sq_used(struct store *store, int64_t connection_id, struct err *err)
{
    return change(store, "UPDATE connections SET last_used_ms=? WHERE id=?", NULL,
                  sq_now(sq_of(store)), connection_id, err);
}

/* --------------------------------------------------------------- builders */

static enum status put_builders(struct sq *sq, int64_t connection_id, const char *const *names,
                                size_t count, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "DELETE FROM builders WHERE connection_id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        stmt = sq_stmt(sq, err, "INSERT INTO builders(connection_id,name) VALUES(?,?)"
                       " ON CONFLICT DO NOTHING");
        if (!stmt)
            return FAIL;
        sq_int(stmt, 1, connection_id);
        sq_text(stmt, 2, names[i]);
        if (sq_done(sq, stmt, err) != OK)
            return FAIL;
    }
    sq_note(sq, NOUN_CONNECTION, 0, connection_id);
    return OK;
}

static enum status sq_builders_set(struct store *store, int64_t connection_id,
                                   const char *const *names, size_t count, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put_builders(sq, connection_id, names, count, err), err);
}

static enum status sq_builders_get(struct store *store, struct arena *arena,
                                   int64_t connection_id, const char ***names, size_t *count,
                                   struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(const char *) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT name FROM builders WHERE connection_id=? ORDER BY name");
    if (stmt)
        sq_int(stmt, 1, connection_id);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row)
        vec_push(&list, sq_col_text(stmt, 0, arena));
    *names = arena_array(arena, list.len + 1, sizeof **names);
    for (size_t i = 0; i < list.len; i++)
        (*names)[i] = list.at[i];
    *count = list.len;
    vec_free(&list);
    return rc;
}

/* ---------------------------------------------------------------- default */

static enum status sq_default_set(struct store *store, int64_t connection_id, struct err *err)
{
    return change(store,
                  "INSERT INTO meta(name,value) VALUES(?1,CAST(?2 AS TEXT))"
                  " ON CONFLICT(name) DO UPDATE SET value=excluded.value",
                  "default_connection", 0, connection_id, err);
}

static enum status sq_default_get(struct store *store, int64_t *connection_id, struct err *err)
{
    struct sq *sq = sq_of(store);
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT c.id FROM meta m JOIN connections c"
                                 " ON CAST(c.id AS TEXT)=CAST(m.value AS TEXT)"
                                 " WHERE m.name='default_connection'");
    return stmt ? sq_one_int(sq, stmt, 0, connection_id, err) : FAIL;
}

const struct store_access sq_access = {
    .builders_set = sq_builders_set,
    .builders_get = sq_builders_get,
    .default_set = sq_default_set,
    .default_get = sq_default_get,
    .status_set = sq_status_set,
    .used = sq_used,
};
