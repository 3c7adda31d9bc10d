/* tables.c - the SQL table behind each SObject, and what the writer must know
 * of it.
 *
 * A column is never dropped: an object may lose a field, its values stay. The
 * indexes are those Salesforce keeps: lookups, unique and External ID fields,
 * Name, Email, OwnerId, CreatedDate, SystemModstamp. Fields that are mostly
 * null get a partial index, which costs nothing for rows without a value. */
#include "localorg/org/access_priv.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

void quote_name(struct buf *out, const char *name)
{
    buf_char(out, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_char(out, '"');
        buf_char(out, *name);
    }
    buf_char(out, '"');
}

/* --- SQL of a table --- */

static const char *column_type(const struct field *field)
{
    switch (field->type) {
    case FT_ID:
        return "TEXT PRIMARY KEY NOT NULL";
    case FT_REFERENCE:
    case FT_DATE:
    case FT_TIME:
    case FT_BASE64:
        return "TEXT";
    case FT_BOOLEAN:
        return "INTEGER NOT NULL DEFAULT 0";
    case FT_INT:
    case FT_DATETIME:
        return "INTEGER";
    case FT_DOUBLE:
    case FT_CURRENCY:
    case FT_PERCENT:
        return "NUMERIC";
    default:
        return field->case_sensitive ? "TEXT" : "TEXT COLLATE NOCASE";
    }
}

enum index_kind { INDEX_NONE, INDEX_WHOLE, INDEX_PARTIAL, INDEX_WITH_ID };

static enum index_kind index_of(const struct field *field)
{
    const char *name = field->name;
    if (field->type == FT_ID || !field->stored)
        return INDEX_NONE;
    if (text_eq(name, "SystemModstamp"))
        return INDEX_WITH_ID;
    if (text_eq(name, "CreatedById") || text_eq(name, "LastModifiedById"))
        return INDEX_NONE;
    if (text_eq(name, "Name") || text_eq(name, "OwnerId") || text_eq(name, "CreatedDate") ||
        field->name_field)
        return INDEX_WHOLE;
    if (field->custom_index)
        return INDEX_WHOLE;
    if (field->unique || field->external_id || field->type == FT_REFERENCE ||
        text_eq(name, "Email"))
        return INDEX_PARTIAL;
    return INDEX_NONE;
}

bool field_has_index(const struct field *field)
{
    return field->type == FT_ID || index_of(field) != INDEX_NONE;
}

static void add_index(struct buf *sql, const struct sobject *object, const struct field *field)
{
    enum index_kind kind = index_of(field);
    if (kind == INDEX_NONE)
        return;
    char *name = mem_printf("ix_%s_%s", object->name, field->name);
    buf_str(sql, "CREATE INDEX IF NOT EXISTS ");
    quote_name(sql, name);
    buf_str(sql, " ON ");
    quote_name(sql, object->name);
    buf_char(sql, '(');
    quote_name(sql, field->name);
    buf_str(sql, kind == INDEX_WITH_ID ? ", \"Id\")" : ")");
    if (kind == INDEX_PARTIAL) {
        buf_str(sql, " WHERE ");
        quote_name(sql, field->name);
        buf_str(sql, " IS NOT NULL");
    }
    buf_str(sql, ";\n");
    free(name);
}

static void create_table(struct buf *sql, const struct sobject *object)
{
    buf_str(sql, "CREATE TABLE ");
    quote_name(sql, object->name);
    buf_str(sql, " (\"Id\" TEXT PRIMARY KEY NOT NULL, \"IsDeleted\" INTEGER NOT NULL DEFAULT 0");
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (!field->stored || text_eq_nocase(field->name, "Id") ||
            text_eq_nocase(field->name, "IsDeleted"))
            continue;
        buf_str(sql, ",\n ");
        quote_name(sql, field->name);
        buf_char(sql, ' ');
        buf_str(sql, column_type(field));
    }
    buf_str(sql, ");\n");
    for (size_t i = 0; i < object->field_count; i++)
        add_index(sql, object, object->fields[i]);
}

static void alter_table(struct buf *sql, const struct sobject *object, const struct map *columns)
{
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (!field->stored)
            continue;
        if (!map_has(columns, field->name)) {
            buf_str(sql, "ALTER TABLE ");
            quote_name(sql, object->name);
            buf_str(sql, " ADD COLUMN ");
            quote_name(sql, field->name);
            buf_char(sql, ' ');
            buf_str(sql, column_type(field));
            buf_str(sql, ";\n");
        }
        add_index(sql, object, field);
    }
}

static struct map *columns_of(struct org *org, const struct sobject *object, struct err *err)
{
    sqlite3_stmt *info = NULL;
    if (db_prepare(org->db, &info, "SELECT name FROM pragma_table_info(?)", err) != OK)
        return NULL;
    sqlite3_bind_text(info, 1, object->name, -1, SQLITE_STATIC);
    struct map *columns = map_new_nocase();
    enum status status = OK;
    while (db_next(info, &status, err))
        map_put(columns, db_text(info, 0), (void *)columns);
    sqlite3_finalize(info);
    if (status == OK)
        return columns;
    map_free(columns);
    return NULL;
}

/* --- the tables beside the schema --- */

static struct table *table_slot(struct org *org, const struct sobject *object)
{
    if (object->ordinal >= org->table_count) {
        size_t count = object->ordinal + 64;
        struct table **tables = mem_array(count, sizeof *tables);
        if (org->table_count)
            memcpy(tables, org->tables, org->table_count * sizeof *tables);
        /* The old list stays: org_changes may be reading it. */
        vec_push(&org->old_tables, org->tables);
        org->tables = tables;
        atomic_thread_fence(memory_order_release);
        org->table_count = count;
    }
    if (!org->tables[object->ordinal]) {
        struct table *table = mem_alloc(sizeof *table);
        table->object = object;
        table->arena = arena_new();
        org->tables[object->ordinal] = table;
    }
    return org->tables[object->ordinal];
}

enum status table_ensure(struct org *org, const struct sobject *object, struct err *err)
{
    struct table *table = table_slot(org, object);
    struct map *columns = columns_of(org, object, err);
    if (!columns)
        return FAIL;
    struct buf sql = BUF_INIT;
    if (map_count(columns) == 0)
        create_table(&sql, object);
    else
        alter_table(&sql, object, columns);
    enum status status = db_exec(org->db, err, buf_text(&sql));
    table->exists = status == OK;
    map_free(columns);
    buf_free(&sql);
    return status == OK ? OK : err_wrap(err, "table of %s", object->name);
}

uint64_t org_changes(struct org *org, const struct sobject *object)
{
    size_t count = org->table_count;
    atomic_thread_fence(memory_order_acquire);
    struct table *table = object->ordinal < count ? org->tables[object->ordinal] : NULL;
    return table ? atomic_load(&table->changes) : 0;
}

/* --- numbers --- */

/* Leaves *next alone when there is none yet. */
static enum status number_load(struct org *org, const struct table *table, const char *field,
                               int64_t *next, struct err *err)
{
    sqlite3_stmt *get = NULL;
    enum status status = db_prepare(
        org->db, &get, "SELECT next FROM localorg_number WHERE object = ? AND field = ?", err);
    if (status == OK) {
        sqlite3_bind_text(get, 1, table->object->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(get, 2, field, -1, SQLITE_STATIC);
        if (db_next(get, &status, err))
            *next = sqlite3_column_int64(get, 0);
    }
    sqlite3_finalize(get);
    return status;
}

static enum status number_save(sqlite3_stmt *put, const struct table *table, const char *field,
                               int64_t next, struct err *err)
{
    sqlite3_bind_text(put, 1, table->object->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, field, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 3, next);
    return db_run(put, err);
}

static enum status table_save(sqlite3_stmt *put, struct table *table, struct err *err)
{
    if (number_save(put, table, "Id", (int64_t)table->next_number, err) != OK)
        return FAIL;
    for (size_t i = 0; i < table->auto_count; i++) {
        const struct auto_number *number = &table->autos[i];
        if (number_save(put, table, number->name, number->next, err) != OK)
            return FAIL;
    }
    table->numbers_dirty = false;
    return OK;
}

enum status table_save_numbers(struct org *org, struct err *err)
{
    enum status status = OK;
    for (size_t i = 0; i < org->table_count && status == OK; i++) {
        struct table *table = org->tables[i];
        if (!table || !table->numbers_dirty)
            continue;
        if (!org->save_number)
            status = db_prepare(org->db, &org->save_number,
                                "INSERT OR REPLACE INTO localorg_number VALUES (?, ?, ?)", err);
        if (status == OK)
            status = table_save(org->save_number, table, err);
    }
    return status;
}

void tables_doubt(struct org *org)
{
    for (size_t i = 0; i < org->table_count; i++)
        if (org->tables[i])
            org->tables[i]->exists = false;
}

/* --- the plan --- */

static uint16_t index_named(const struct sobject *object, const char *name)
{
    const struct field *field = sobject_field(object, name);
    return field && field->stored ? (uint16_t)field->index : NO_FIELD;
}

/* "TODAY()", "NOW()", "'text'", "12", "TRUE": what a default formula usually is. */
static bool formula_default(struct arena *arena, const char *formula, struct default_cell *cell)
{
    size_t len = strlen(formula);
    char *end = NULL;
    double number = strtod(formula, &end);
    if (text_eq_nocase(formula, "TODAY()"))
        cell->kind = DEFAULT_TODAY;
    else if (text_eq_nocase(formula, "NOW()"))
        cell->kind = DEFAULT_NOW;
    else if (text_eq_nocase(formula, "TRUE") || text_eq_nocase(formula, "FALSE")) {
        cell->kind = DEFAULT_INT;
        cell->integer = text_eq_nocase(formula, "TRUE");
    } else if (len >= 2 && (*formula == '"' || *formula == '\'') && formula[len - 1] == *formula) {
        cell->kind = DEFAULT_TEXT;
        cell->text = arena_strndup(arena, formula + 1, len - 2);
    } else if (end && end != formula && !*end) {
        cell->kind = DEFAULT_REAL;
        cell->real = number;
    } else {
        return false;
    }
    return true;
}

static bool value_default(struct arena *arena, const struct field *field, struct default_cell *cell)
{
    if (!field->default_value)
        return false;
    struct err err;
    const struct json *value =
        json_parse(arena, field->default_value, strlen(field->default_value), &err);
    const struct json *inner = json_get(value, "value"); /* {"value":false} in old describes */
    value = inner ? inner : value;
    const char *text = json_text(value);
    if (json_is_null(value))
        return false;
    if (field->type == FT_BOOLEAN) {
        cell->kind = DEFAULT_INT;
        cell->integer = json_truth(value, text_eq_nocase(text, "true"));
        return cell->integer != 0; /* 0 is the column's own default */
    }
    if (field->type == FT_INT || field->type == FT_DOUBLE || field->type == FT_CURRENCY ||
        field->type == FT_PERCENT) {
        cell->kind = field->type == FT_INT ? DEFAULT_INT : DEFAULT_REAL;
        cell->integer = json_int(value, 0);
        cell->real = text ? strtod(text, NULL) : 0;
        return text != NULL;
    }
    cell->kind = DEFAULT_TEXT;
    cell->text = text;
    return text && *text;
}

static bool default_of(struct arena *arena, const struct field *field, struct default_cell *cell)
{
    if (!field->stored || field->calculated || field->auto_number || field->type == FT_REFERENCE)
        return false;
    cell->field = (uint16_t)field->index;
    if (value_default(arena, field, cell))
        return true;
    bool number = field->type == FT_INT || field->type == FT_DOUBLE || field->type == FT_CURRENCY ||
                  field->type == FT_PERCENT;
    if (number && !field->nillable && !field->createable) { /* counts that start at 0 */
        cell->kind = DEFAULT_INT;
        cell->integer = 0;
        return true;
    }
    if (field->default_formula && formula_default(arena, field->default_formula, cell))
        return true;
    if (field->type != FT_PICKLIST && field->type != FT_MULTIPICKLIST && field->type != FT_COMBOBOX)
        return false;
    for (size_t i = 0; i < field->picklist_count; i++)
        if (field->picklist[i].is_default && field->picklist[i].active) {
            cell->kind = DEFAULT_TEXT;
            cell->text = field->picklist[i].value;
            return true;
        }
    return false;
}

/* Name is made of its parts for Contact, Lead and User: objects with a
 * LastName and a Name nobody can write. */
static void plan_name(struct table *table)
{
    const struct sobject *object = table->object;
    const struct field *name = sobject_field(object, "Name");
    bool made = name && sobject_field(object, "LastName") && !name->createable;
    table->name = name ? (uint16_t)name->index : NO_FIELD;
    table->first_name = made ? index_named(object, "FirstName") : NO_FIELD;
    table->middle_name = made ? index_named(object, "MiddleName") : NO_FIELD;
    table->last_name = made ? index_named(object, "LastName") : NO_FIELD;
    table->suffix = made ? index_named(object, "Suffix") : NO_FIELD;
}

static enum status plan_fields(struct org *org, struct table *table, struct err *err)
{
    enum status status = OK;
    const struct sobject *object = table->object;
    struct default_cell *defaults =
        arena_array(table->arena, object->field_count, sizeof *defaults);
    uint16_t *required = arena_array(table->arena, object->field_count, sizeof *required);
    uint16_t *uniques = arena_array(table->arena, object->field_count, sizeof *uniques);
    struct auto_number *autos = arena_array(table->arena, object->field_count, sizeof *autos);
    table->default_count = table->required_count = table->unique_count = table->auto_count = 0;
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (default_of(table->arena, field, &defaults[table->default_count]))
            table->default_count++;
        if (field_required_on_create(field))
            required[table->required_count++] = (uint16_t)i;
        if (field->unique && field->stored)
            uniques[table->unique_count++] = (uint16_t)i;
        if (field->auto_number && field->stored) {
            struct auto_number *number = &autos[table->auto_count++];
            number->field = (uint16_t)i;
            number->name = field->name;
            number->next = 1;
            if (status == OK)
                status = number_load(org, table, field->name, &number->next, err);
        }
    }
    table->defaults = defaults;
    table->required = required;
    table->uniques = uniques;
    table->autos = autos;
    return status;
}

static enum standard_kind standard_of(const char *name)
{
    static const struct {
        const char *name;
        enum standard_kind kind;
    } known[] = {
        {"Lead", STANDARD_LEAD},
        {"Opportunity", STANDARD_OPPORTUNITY},
        {"Case", STANDARD_CASE},
        {"Task", STANDARD_TASK},
        {"User", STANDARD_USER},
        {"CampaignMember", STANDARD_CAMPAIGN_MEMBER},
        {"PushTopic", STANDARD_PUSH_TOPIC},
        {"Attachment", STANDARD_ATTACHMENT},
        {"Document", STANDARD_DOCUMENT},
        {"ContentVersion", STANDARD_CONTENT_VERSION},
        {"Profile", STANDARD_PROFILE},
        {"PermissionSet", STANDARD_PERMISSION_SET},
        {"PermissionSetAssignment", STANDARD_ASSIGNMENT},
        {"ObjectPermissions", STANDARD_OBJECT_PERMISSIONS},
        {"FieldPermissions", STANDARD_FIELD_PERMISSIONS},
        {"UserRole", STANDARD_ROLE},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_eq(name, known[i].name))
            return known[i].kind;
    return STANDARD_NONE;
}

static void shapes_free(struct shape *shapes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sqlite3_finalize(shapes[i].statement);
        free(shapes[i].fields);
    }
}

static void statements_free(struct table *table)
{
    shapes_free(table->inserts.at, table->inserts.len);
    shapes_free(table->updates.at, table->updates.len);
    shapes_free(table->finders.at, table->finders.len);
    shapes_free(table->readers.at, table->readers.len);
    vec_free(&table->inserts);
    vec_free(&table->updates);
    vec_free(&table->finders);
    vec_free(&table->readers);
    sqlite3_finalize(table->locate);
    sqlite3_finalize(table->mark);
    sqlite3_finalize(table->snapshot);
    table->locate = table->mark = table->snapshot = NULL;
}

void tables_forget_statements(struct org *org)
{
    for (size_t i = 0; i < org->table_count; i++)
        if (org->tables[i]) {
            statements_free(org->tables[i]);
            org->tables[i]->plan_generation = 0;
        }
}

static enum status table_plan(struct org *org, struct table *table, struct err *err)
{
    const struct sobject *object = table->object;
    /* Numbers of auto-number fields live in the old plan until they are saved. */
    if (table->numbers_dirty && table_save_numbers(org, err) != OK)
        return FAIL;
    statements_free(table);
    arena_reset(table->arena);
    table->created_date = index_named(object, "CreatedDate");
    table->created_by = index_named(object, "CreatedById");
    table->modified_date = index_named(object, "LastModifiedDate");
    table->modified_by = index_named(object, "LastModifiedById");
    table->modstamp = index_named(object, "SystemModstamp");
    table->owner = index_named(object, "OwnerId");
    plan_name(table);
    table->standard = standard_of(object->name);
    table->decides_access = access_depends_on(object->name);
    if (plan_fields(org, table, err) != OK)
        return FAIL;
    table->captured = events_want(org, object, &table->watched);
    if (table->captured)
        org_event_schema_id(object, true, table->schema_id);
    table->plan_generation = org->generation;
    return OK;
}

enum status table_ready(struct org *org, const struct sobject *object, struct table **out,
                        struct err *err)
{
    struct table *table = table_slot(org, object);
    if (!table->exists && table_ensure(org, object, err) != OK)
        return FAIL;
    if (!table->numbers_loaded) {
        int64_t next = (int64_t)id_first_number(org, object);
        if (number_load(org, table, "Id", &next, err) != OK)
            return FAIL;
        table->next_number = (uint64_t)next;
        table->numbers_loaded = true;
    }
    if (table->plan_generation != org->generation && table_plan(org, table, err) != OK)
        return FAIL;
    *out = table;
    return OK;
}

void tables_free(struct org *org)
{
    for (size_t i = 0; i < org->table_count; i++) {
        struct table *table = org->tables[i];
        if (!table)
            continue;
        statements_free(table);
        arena_free(table->arena);
        touched_free(table->touched);
        free(table);
    }
    for (size_t i = 0; i < org->old_tables.len; i++)
        free(org->old_tables.at[i]);
    vec_free(&org->old_tables);
    free(org->tables);
    sqlite3_finalize(org->save_number);
}
