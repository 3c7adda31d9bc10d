/* sheet.c - one prepared INSERT per object.
 *
 * Invariant: between two sheet_add every parameter beyond the fixed ones is
 * bound to null (or false), so a row never inherits a value from the row before. */
#include "localorg/seed/sheet.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum extra {
    EXTRA_CREATED,
    EXTRA_CREATOR,
    EXTRA_MODIFIED,
    EXTRA_MODIFIER,
    EXTRA_STAMP,
    EXTRA_OWNER
};

static const char *const extra_names[] = {"CreatedDate",      "CreatedById",    "LastModifiedDate",
                                          "LastModifiedById", "SystemModstamp", "OwnerId"};
#define EXTRAS 6

struct sheet {
    struct org *org;
    const struct sobject *object;
    sqlite3_stmt *insert;
    size_t columns;
    bool *is_flag;        /* booleans are never null: 0 instead */
    int extra_at[EXTRAS]; /* parameter number, 0 = the object has no such field */
    char id[19], creator[19], owner[19];
    char (*dates)[11]; /* one per column, lent to SQLite */
};

static enum status sql_fail(sqlite3 *db, const char *doing, struct err *err)
{
    return err_set(err, ERR_IO, "%s: %s", doing, sqlite3_errmsg(db));
}

static void quote(struct buf *sql, const char *name)
{
    buf_printf(sql, "\"%s\"", name);
}

static bool named(const char *const *columns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_eq_nocase(columns[i], name))
            return true;
    for (size_t i = 0; i < EXTRAS; i++)
        if (text_eq_nocase(extra_names[i], name))
            return true;
    return text_eq(name, "Id") || text_eq(name, "IsDeleted");
}

/* Default picklist values and true booleans of the columns nobody names, as literals. */
static void add_defaults(struct buf *names, struct buf *values, const struct sobject *object,
                         const char *const *columns, size_t count)
{
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (!field->stored || field->type != FT_PICKLIST || named(columns, count, field->name))
            continue;
        for (size_t v = 0; v < field->picklist_count; v++) {
            if (!field->picklist[v].is_default)
                continue;
            buf_char(names, ',');
            quote(names, field->name);
            char *literal = sqlite3_mprintf(",%Q", field->picklist[v].value);
            buf_str(values, literal);
            sqlite3_free(literal);
            break;
        }
    }
}

static enum status prepare(struct sheet *sheet, sqlite3 *db, const char *const *columns,
                           struct err *err)
{
    const struct sobject *object = sheet->object;
    struct buf names = BUF_INIT, values = BUF_INIT, sql = BUF_INIT;
    buf_str(&names, "\"Id\",\"IsDeleted\"");
    buf_str(&values, "?1,0");
    int next = 2;
    enum status rc = OK;
    for (size_t i = 0; i < sheet->columns; i++) {
        const struct field *field = sobject_field(object, columns[i]);
        if (!field || !field->stored)
            rc = err_set(err, ERR_INVALID, "%s has no field %s", object->name, columns[i]);
        sheet->is_flag[i] = field && field->type == FT_BOOLEAN;
        buf_char(&names, ',');
        quote(&names, columns[i]);
        buf_printf(&values, ",?%d", next++);
    }
    for (size_t i = 0; i < EXTRAS; i++) {
        const struct field *field = sobject_field(object, extra_names[i]);
        bool given = false;
        for (size_t c = 0; c < sheet->columns; c++)
            given |= text_eq_nocase(columns[c], extra_names[i]);
        if (!field || !field->stored || given)
            continue;
        buf_char(&names, ',');
        quote(&names, extra_names[i]);
        buf_printf(&values, ",?%d", next);
        sheet->extra_at[i] = next++;
    }
    add_defaults(&names, &values, object, columns, sheet->columns);
    buf_printf(&sql, "INSERT INTO \"%s\" (%s) VALUES (%s)", object->name, buf_text(&names),
               buf_text(&values));
    if (rc == OK && sqlite3_prepare_v3(db, buf_text(&sql), -1, SQLITE_PREPARE_PERSISTENT,
                                       &sheet->insert, NULL) != SQLITE_OK)
        rc = sql_fail(db, buf_text(&sql), err);
    buf_free(&names);
    buf_free(&values);
    buf_free(&sql);
    return rc;
}

static int parameter(size_t column)
{
    return (int)column + 2; /* ?1 is the id */
}

static void clear(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->columns; i++) {
        if (sheet->is_flag[i])
            sqlite3_bind_int(sheet->insert, parameter(i), 0);
        else
            sqlite3_bind_null(sheet->insert, parameter(i));
    }
}

struct sheet *sheet_open(struct org *org, sqlite3 *db, const char *object,
                         const char *const *columns, size_t count, struct err *err)
{
    const struct sobject *found = schema_find(org_schema(org), object);
    if (!found) {
        err_set(err, ERR_NOT_FOUND, "no object %s", object);
        return NULL;
    }
    struct sheet *sheet = mem_alloc(sizeof *sheet);
    sheet->org = org;
    sheet->object = found;
    sheet->columns = count;
    sheet->dates = mem_array(count + 1, sizeof *sheet->dates);
    sheet->is_flag = mem_array(count + 1, sizeof *sheet->is_flag);
    if (prepare(sheet, db, columns, err) != OK) {
        sheet_close(sheet);
        return NULL;
    }
    clear(sheet);
    return sheet;
}

void sheet_close(struct sheet *sheet)
{
    if (!sheet)
        return;
    sqlite3_finalize(sheet->insert);
    free(sheet->dates);
    free(sheet->is_flag);
    free(sheet);
}

void sheet_text(struct sheet *sheet, size_t column, const char *text)
{
    if (text && *text)
        sqlite3_bind_text(sheet->insert, parameter(column), text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(sheet->insert, parameter(column));
}

void sheet_int(struct sheet *sheet, size_t column, int64_t value)
{
    sqlite3_bind_int64(sheet->insert, parameter(column), value);
}

void sheet_real(struct sheet *sheet, size_t column, double value)
{
    sqlite3_bind_double(sheet->insert, parameter(column), value);
}

void sheet_date(struct sheet *sheet, size_t column, int64_t days)
{
    struct date date = date_from_days(days);
    char *text = sheet->dates[column];
    snprintf(text, sizeof sheet->dates[column], "%04u-%02u-%02u", (unsigned)date.year % 10000,
             (unsigned)date.month % 100, (unsigned)date.day % 100);
    sheet_text(sheet, column, text);
}

void sheet_people(struct sheet *sheet, const char *creator, const char *owner)
{
    snprintf(sheet->creator, sizeof sheet->creator, "%s", creator);
    snprintf(sheet->owner, sizeof sheet->owner, "%s", owner ? owner : creator);
}

void sheet_id(struct sheet *sheet, const char *id18)
{
    snprintf(sheet->id, sizeof sheet->id, "%s", id18);
}

static void bind_extras(struct sheet *sheet, struct sheet_times times)
{
    const int *at = sheet->extra_at;
    sqlite3_stmt *insert = sheet->insert;
    int64_t created = times.created_ms / 1000 * 1000, modified = times.modified_ms / 1000 * 1000;
    if (modified < created)
        modified = created;
    if (at[EXTRA_CREATED])
        sqlite3_bind_int64(insert, at[EXTRA_CREATED], created);
    if (at[EXTRA_CREATOR])
        sqlite3_bind_text(insert, at[EXTRA_CREATOR], sheet->creator, -1, SQLITE_STATIC);
    if (at[EXTRA_MODIFIED])
        sqlite3_bind_int64(insert, at[EXTRA_MODIFIED], modified);
    if (at[EXTRA_MODIFIER])
        sqlite3_bind_text(insert, at[EXTRA_MODIFIER], sheet->creator, -1, SQLITE_STATIC);
    if (at[EXTRA_STAMP])
        sqlite3_bind_int64(insert, at[EXTRA_STAMP], modified);
    if (at[EXTRA_OWNER])
        sqlite3_bind_text(insert, at[EXTRA_OWNER], sheet->owner, -1, SQLITE_STATIC);
}

enum status sheet_add(struct sheet *sheet, struct sheet_times times, char id[19], struct err *err)
{
    if (!*sheet->id && org_next_id(sheet->org, sheet->object, sheet->id, err) != OK)
        return FAIL;
    sqlite3_stmt *insert = sheet->insert;
    sqlite3_bind_text(insert, 1, sheet->id, 18, SQLITE_STATIC);
    bind_extras(sheet, times);
    int rc = sqlite3_step(insert);
    sqlite3_reset(insert);
    clear(sheet);
    memcpy(id, sheet->id, 19);
    *sheet->id = '\0';
    if (rc != SQLITE_DONE)
        return sql_fail(sqlite3_db_handle(insert), sheet->object->name, err);
    return OK;
}

/* --- indexes --- */

/* Enough for the tables of --scale 200 to be written once, at commit; spilled
 * earlier, their pages would go through the write-ahead log several times. */
#define BULK_CACHE "PRAGMA cache_size = -1500000; PRAGMA threads = 2"

struct bulk {
    VEC(char *) create;
    int64_t cache; /* as it was */
};

static enum status run(sqlite3 *db, const char *sql, struct err *err)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK)
        return OK;
    err_set(err, ERR_IO, "%s: %s", sql, message ? message : "failed");
    sqlite3_free(message);
    return FAIL;
}

static int64_t cache_size(sqlite3 *db)
{
    sqlite3_stmt *get = NULL;
    int64_t size = -131072;
    if (sqlite3_prepare_v2(db, "PRAGMA cache_size", -1, &get, NULL) == SQLITE_OK &&
        sqlite3_step(get) == SQLITE_ROW)
        size = sqlite3_column_int64(get, 0);
    sqlite3_finalize(get);
    return size;
}

/* Only those whose keys come in no order: creation dates and references grow
 * with the ids, and a partial index of an empty column costs nothing. */
static enum status drop_indexes(sqlite3 *db, struct bulk *bulk, const char *object, struct err *err)
{
    sqlite3_stmt *list = NULL;
    VEC(char *) names = {0};
    if (sqlite3_prepare_v2(db,
                           "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND"
                           " tbl_name = ? AND sql IS NOT NULL AND (sql LIKE '%Name\")%' OR"
                           " sql LIKE '%(\"Email\"%' OR sql LIKE '%(\"SystemModstamp\"%')",
                           -1, &list, NULL) != SQLITE_OK)
        return sql_fail(db, "listing indexes", err);
    sqlite3_bind_text(list, 1, object, -1, SQLITE_STATIC);
    while (sqlite3_step(list) == SQLITE_ROW) {
        vec_push(&names, mem_strdup((const char *)sqlite3_column_text(list, 0)));
        vec_push(&bulk->create, mem_strdup((const char *)sqlite3_column_text(list, 1)));
    }
    sqlite3_finalize(list);
    enum status rc = OK;
    for (size_t i = 0; i < names.len; i++) {
        char *sql = mem_printf("DROP INDEX \"%s\"", names.at[i]);
        if (rc == OK)
            rc = run(db, sql, err);
        free(sql);
        free(names.at[i]);
    }
    vec_free(&names);
    return rc;
}

struct bulk *bulk_begin(sqlite3 *db, const char *const *objects, size_t count, struct err *err)
{
    struct bulk *bulk = mem_alloc(sizeof *bulk);
    bulk->cache = cache_size(db);
    run(db, BULK_CACHE, NULL);
    for (size_t i = 0; i < count; i++) {
        if (drop_indexes(db, bulk, objects[i], err) != OK) {
            bulk_end(db, bulk, NULL);
            return NULL;
        }
    }
    return bulk;
}

enum status bulk_end(sqlite3 *db, struct bulk *bulk, struct err *err)
{
    if (!bulk)
        return OK;
    enum status rc = OK;
    for (size_t i = 0; i < bulk->create.len; i++) {
        if (rc == OK)
            rc = run(db, bulk->create.at[i], err);
        free(bulk->create.at[i]);
    }
    char *sql = mem_printf("PRAGMA threads = 0; PRAGMA cache_size = %lld", (long long)bulk->cache);
    run(db, sql, NULL);
    free(sql);
    vec_free(&bulk->create);
    free(bulk);
    return rc;
}
