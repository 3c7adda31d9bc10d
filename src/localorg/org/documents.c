/* documents.c - JSON beside the records, in one table. */
#include "localorg/org/documents.h"

#include "localorg/org/org_priv.h"

static bool bind_key(sqlite3_stmt *statement, const char *kind, const char *id)
{
    return sqlite3_bind_text(statement, 1, kind, -1, SQLITE_STATIC) == SQLITE_OK &&
           (!id || sqlite3_bind_text(statement, 2, id, -1, SQLITE_STATIC) == SQLITE_OK);
}

/* Runs one statement that returns nothing, in the caller's transaction or its own. */
static enum status change(struct org *org, const char *sql, const char *kind, const char *id,
                          const struct buf *json, int64_t until_ms, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    enum status status = db_prepare(org->db, &statement, sql, err);
    if (status == OK) {
        bind_key(statement, kind, id);
        if (json)
            sqlite3_bind_text64(statement, 3, buf_text(json), json->len, SQLITE_STATIC,
                                SQLITE_UTF8);
        if (until_ms)
            sqlite3_bind_int64(statement, 4, until_ms);
        status = db_run(statement, err);
    }
    sqlite3_finalize(statement);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

enum status org_document_put(struct org *org, const char *kind, const char *id,
                             const struct buf *json, int64_t until_ms, struct err *err)
{
    return change(org, "INSERT OR REPLACE INTO localorg_document VALUES (?1, ?2, ?3, ?4)", kind, id,
                  json, until_ms, err);
}

enum status org_document_drop(struct org *org, const char *kind, const char *id, struct err *err)
{
    return change(org, "DELETE FROM localorg_document WHERE kind = ?1 AND id = ?2", kind, id, NULL,
                  0, err);
}

enum status org_document_expire(struct org *org, const char *kind, struct err *err)
{
    return change(org, "DELETE FROM localorg_document WHERE kind = ?1 AND until_ms <= ?4", kind,
                  NULL, NULL, org_now_ms(org), err);
}

static const struct json *parsed(struct arena *arena, sqlite3_stmt *row, int column,
                                 struct err *err)
{
    return json_parse(arena, db_text(row, column), (size_t)sqlite3_column_bytes(row, column), err);
}

const struct json *org_document_get(struct org *org, const char *kind, const char *id,
                                    struct arena *arena, struct err *err)
{
    const struct json *json = NULL;
    sqlite3_stmt *row = NULL;
    enum status status = OK;
    sqlite3 *db = org_reader_take(org);
    if (db && db_prepare(db, &row,
                         "SELECT json FROM localorg_document WHERE kind = ?1 AND id = ?2"
                         " AND (until_ms IS NULL OR until_ms > ?3)",
                         err) == OK) {
        bind_key(row, kind, id);
        sqlite3_bind_int64(row, 3, org_now_ms(org));
        if (db_next(row, &status, err))
            json = parsed(arena, row, 0, err);
    }
    sqlite3_finalize(row);
    org_reader_give(org, db);
    return json;
}

enum status org_document_each(struct org *org, const char *kind, struct arena *arena,
                              org_document_fn *fn, void *ctx, struct err *err)
{
    sqlite3_stmt *row = NULL;
    sqlite3 *db = org_reader_take(org);
    enum status status = db ? db_prepare(db, &row,
                                         "SELECT id, json FROM localorg_document WHERE kind = ?1"
                                         " AND (until_ms IS NULL OR until_ms > ?2) ORDER BY id",
                                         err)
                            : err_set(err, ERR_IO, "no reader connection");
    if (status == OK) {
        bind_key(row, kind, NULL);
        sqlite3_bind_int64(row, 2, org_now_ms(org));
    }
    while (status == OK && db_next(row, &status, err)) {
        const struct json *json = parsed(arena, row, 1, err);
        if (!json)
            status = FAIL;
        else if (!fn(ctx, arena_strdup(arena, db_text(row, 0)), json))
            break;
    }
    sqlite3_finalize(row);
    org_reader_give(org, db);
    return status;
}
