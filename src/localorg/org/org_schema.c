/* org_schema.c - taking objects and fields away again: on order, and when the
 * transaction that brought them is rolled back.
 *
 * The schema in memory changes at once, its rows in the database with the
 * transaction. Every object touched is noted; a rollback, also of an inner step,
 * makes those objects again from the rows that are left, or takes them away. */
#include "localorg/org/org_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <string.h>

uint64_t org_schema_version(struct org *org)
{
    return org->generation;
}

/* --- rollback --- */

void schema_touched(struct org *org, struct sobject *object)
{
    org->generation++;
    org->schema_dirty = true;
    if (object)
        vec_push(&org->touched, object);
}

/* The fields added one by one since the object's describe. */
static enum status fields_again(struct org *org, struct sobject *object, struct arena *arena,
                                struct err *err)
{
    sqlite3_stmt *rows = NULL;
    enum status status = db_prepare(
        org->db, &rows, "SELECT describe FROM localorg_field WHERE object = ? ORDER BY position",
        err);
    if (status == OK)
        sqlite3_bind_text(rows, 1, object->name, -1, SQLITE_STATIC);
    while (status == OK && db_next(rows, &status, err)) {
        const char *text = db_text(rows, 0);
        const struct json *json = json_parse(arena, text, strlen(text), err);
        status = json ? schema_add_field(org->schema, object, json, NULL, err) : FAIL;
    }
    sqlite3_finalize(rows);
    return status;
}

static enum status object_again(struct org *org, struct sobject *object, struct err *err)
{
    sqlite3_stmt *row = NULL;
    struct arena *arena = arena_new();
    enum status status = db_prepare(
        org->db, &row, "SELECT describe, modified_ms FROM localorg_schema WHERE object = ?", err);
    if (status == OK)
        sqlite3_bind_text(row, 1, object->name, -1, SQLITE_STATIC);
    if (status == OK && db_next(row, &status, err)) {
        const char *text = db_text(row, 0);
        const struct json *json = json_parse(arena, text, strlen(text), err);
        if (!schema_find(org->schema, object->name))
            schema_restore_object(org->schema, object);
        status = json ? schema_add_describe(org->schema, json, NULL, err) : FAIL;
        object->modified_ms = sqlite3_column_int64(row, 1);
        if (status == OK)
            status = fields_again(org, object, arena, err);
    } else if (status == OK && schema_find(org->schema, object->name)) {
        schema_drop_object(org->schema, object);
    }
    sqlite3_finalize(row);
    arena_free(arena);
    return status;
}

void schema_revert(struct org *org, size_t mark)
{
    struct err err = {{0}};
    if (org->touched.len == mark)
        return;
    for (size_t i = mark; i < org->touched.len; i++) {
        struct sobject *object = org->touched.at[i];
        struct sobject *named = schema_find(org->schema, object->name);
        bool superseded = named && named != object;
        if (!superseded && object_again(org, object, &err) != OK)
            log_error("the schema of %s could not be taken back: %s", object->name, err.message);
    }
    org->touched.len = mark;
    org->generation++;
    tables_doubt(org);
}

/* --- on order --- */

/* The kept describe of the object without this field. */
static enum status schema_forget_field(struct org *org, const struct sobject *object,
                                       const struct field *field, struct err *err)
{
    static const char *const sql[] = {
        "DELETE FROM localorg_field WHERE object = ?1 AND field = ?2",
        "UPDATE localorg_schema SET describe = json_set(describe, '$.fields',"
        " json((SELECT json_group_array(json(value)) FROM json_each(describe, '$.fields')"
        "  WHERE json_extract(value, '$.name') <> ?2 COLLATE NOCASE))) WHERE object = ?1"};
    enum status status = OK;
    for (size_t i = 0; i < 2 && status == OK; i++) {
        sqlite3_stmt *run = NULL;
        status = db_prepare(org->db, &run, sql[i], err);
        if (status == OK) {
            sqlite3_bind_text(run, 1, object->name, -1, SQLITE_STATIC);
            sqlite3_bind_text(run, 2, field->name, -1, SQLITE_STATIC);
            status = db_run(run, err);
        }
        sqlite3_finalize(run);
    }
    return status;
}

static enum status values_forget(struct org *org, const struct field *field, struct err *err)
{
    struct buf sql = BUF_INIT;
    if (!field->stored || table_ensure(org, field->owner, err) != OK)
        return field->stored ? FAIL : OK;
    buf_str(&sql, "UPDATE ");
    quote_name(&sql, field->owner->name);
    buf_str(&sql, " SET ");
    quote_name(&sql, field->name);
    buf_str(&sql, field->type == FT_BOOLEAN ? " = 0" : " = NULL");
    enum status status = db_exec(org->db, err, buf_text(&sql));
    buf_free(&sql);
    return status;
}

enum status org_drop_field(struct org *org, const char *object_name, const char *name,
                           struct err *err)
{
    struct sobject *object = schema_find(org->schema, object_name);
    struct field *field = object ? sobject_field(object, name) : NULL;
    if (!field)
        return err_set(err, ERR_NOT_FOUND, "no field %s on %s", name, object_name);
    if (!field->custom)
        return err_set(err, ERR_INVALID, "%s.%s is a standard field", object->name, field->name);
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    enum status status = values_forget(org, field, err);
    if (status == OK)
        status = schema_forget_field(org, object, field, err);
    if (status == OK) {
        schema_drop_field(org->schema, field);
        object->modified_ms = org_now_ms(org) / 1000 * 1000;
        schema_touched(org, object);
    }
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

enum status org_drop_object(struct org *org, const char *name, struct err *err)
{
    static const char *const rows[] = {"DELETE FROM localorg_schema WHERE object = ?",
                                       "DELETE FROM localorg_field WHERE object = ?"};
    struct sobject *object = schema_find(org->schema, name);
    if (!object)
        return err_set(err, ERR_NOT_FOUND, "no object %s", name);
    if (!object->custom)
        return err_set(err, ERR_INVALID, "%s is a standard object", object->name);
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    struct buf sql = BUF_INIT;
    buf_str(&sql, "DROP TABLE IF EXISTS ");
    quote_name(&sql, object->name);
    tables_forget_statements(org);
    enum status status = db_exec(org->db, err, buf_text(&sql));
    buf_free(&sql);
    for (size_t i = 0; i < 2 && status == OK; i++) {
        sqlite3_stmt *run = NULL;
        status = db_prepare(org->db, &run, rows[i], err);
        if (status == OK) {
            sqlite3_bind_text(run, 1, object->name, -1, SQLITE_STATIC);
            status = db_run(run, err);
        }
        sqlite3_finalize(run);
    }
    if (status == OK) {
        schema_drop_object(org->schema, object);
        schema_touched(org, object);
        tables_doubt(org);
    }
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}
