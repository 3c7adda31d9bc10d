/* describes.c - what an org said of its objects, a text by connection, user, name. */
#include "store/sql/sql_priv.h"

static void bind_key(struct sq_stmt *stmt, int64_t connection_id, const char *user_id,
                     const char *name)
{
    sq_int(stmt, 1, connection_id);
    sq_text(stmt, 2, user_id ? user_id : "");
    sq_text(stmt, 3, name);
}

static enum status sq_describe_get(struct store *store, struct arena *arena, int64_t connection_id,
                                   const char *user_id, const char *name,
                                   struct store_describe *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT modified,body,kept_ms FROM describes"
                                 " WHERE connection_id=? AND user_id=? AND name=?");
    if (!stmt)
        return FAIL;
    bind_key(stmt, connection_id, user_id, name);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "nothing is kept of \"%s\"", name);
    out->modified = sq_col_text(stmt, 0, arena);
    out->body = sq_col_text(stmt, 1, arena);
    out->kept_ms = sq_col_int(stmt, 2);
    sq_reset(stmt);
    return OK;
}

static enum status sq_describe_put(struct store *store, int64_t connection_id, const char *user_id,
                                   const char *name, const char *modified, const char *body,
                                   struct err *err)
{
    struct sq *sq = sq_of(store);
    enum status rc = FAIL;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "INSERT INTO describes(connection_id,user_id,name,modified,body,"
                                 "kept_ms) VALUES(?,?,?,?,?,?)"
                                 " ON CONFLICT(connection_id,user_id,name) DO UPDATE SET"
                                 " name=excluded.name,modified=excluded.modified,"
                                 "body=excluded.body,kept_ms=excluded.kept_ms");
    if (stmt) {
        bind_key(stmt, connection_id, user_id, name);
        sq_text(stmt, 4, modified);
        sq_text(stmt, 5, body);
        sq_int(stmt, 6, sq_now(sq));
        rc = sq_done(sq, stmt, err);
    }
    return sq_end(sq, rc, err);
}

static enum status sq_describe_forget(struct store *store, int64_t connection_id, struct err *err)
{
    struct sq *sq = sq_of(store);
    enum status rc = FAIL;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, "DELETE FROM describes WHERE connection_id=?");
    if (stmt) {
        sq_int(stmt, 1, connection_id);
        rc = sq_done(sq, stmt, err);
    }
    return sq_end(sq, rc, err);
}

const struct store_describes sq_describes = {
    .get = sq_describe_get,
    .put = sq_describe_put,
    .forget = sq_describe_forget,
};
