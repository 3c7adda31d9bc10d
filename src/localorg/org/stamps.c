/* stamps.c - one UPDATE past all rules. */
#include "localorg/org/stamps.h"

#include "localorg/org/org_priv.h"

static enum status stamp_each(sqlite3_stmt *statement, const char (*ids)[19], size_t count,
                              int64_t ms, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; i < count && status == OK; i++) {
        sqlite3_bind_int64(statement, 1, ms);
        sqlite3_bind_text(statement, 2, ids[i], 18, SQLITE_STATIC);
        status = db_run(statement, err);
    }
    return status;
}

enum status org_stamp(struct org *org, const struct sobject *object, const char *name,
                      const char (*ids)[19], size_t count, int64_t ms, struct err *err)
{
    const struct field *field = sobject_field(object, name);
    sqlite3_stmt *statement = NULL;
    struct buf sql = BUF_INIT;
    if (!field || !field->stored || !count)
        return OK;
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    buf_str(&sql, "UPDATE ");
    quote_name(&sql, object->name);
    buf_str(&sql, " SET ");
    quote_name(&sql, field->name);
    buf_str(&sql, " = ?1 WHERE \"Id\" = ?2 AND \"IsDeleted\" = 0");
    enum status status = db_prepare(org->db, &statement, buf_text(&sql), err);
    if (status == OK)
        status = stamp_each(statement, ids, count, ms, err);
    sqlite3_finalize(statement);
    buf_free(&sql);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}
