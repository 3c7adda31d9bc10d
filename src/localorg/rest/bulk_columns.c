/* bulk_columns.c - header names to fields, cells to JSON values.
 *
 * A cell is text, so its type is the field's: 1 and true are both true, an
 * empty cell says nothing, #N/A says null. Owner.Ext__c names a parent by a key
 * of its own; Lead:Who.Email says which object a lookup to several means. */
#include "localorg/rest/bulk_columns.h"

#include "base/when.h"
#include "localorg/rest/records.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NULL_CELL "#N/A"

/* --- the header --- */

static enum status no_such_field(struct err *err, const char *name)
{
    return err_set(err, "InvalidBatch", "Field name not found : %s", name);
}

static bool points_to(const struct field *field, const char *object)
{
    for (size_t i = 0; i < field->reference_count; i++)
        if (text_eq_nocase(field->reference_to[i], object))
            return true;
    return false;
}

/* The object a relationship column means: said, or the only one there is. A
 * lookup to users and queues means a user. */
static const char *parent_type(const struct field *lookup, const char *said)
{
    if (said)
        return lookup->reference_count > 1 && points_to(lookup, said) ? said : NULL;
    if (lookup->reference_count == 1)
        return lookup->reference_to[0];
    return points_to(lookup, "User") ? "User" : NULL;
}

/* "Owner.Ext__c" or "Lead:Who.Email" */
static enum status read_relationship(struct arena *arena, struct org *org,
                                     const struct sobject *object, struct bulk_column *column,
                                     struct err *err)
{
    const char *colon = strchr(column->name, ':');
    const char *path = colon ? colon + 1 : column->name, *dot = strchr(path, '.');
    const char *said =
        colon ? arena_strndup(arena, column->name, (size_t)(colon - column->name)) : NULL;
    if (!dot)
        return no_such_field(err, column->name);
    column->field = sobject_parent(object, path, (size_t)(dot - path));
    column->parent_type = column->field ? parent_type(column->field, said) : NULL;
    const struct sobject *parent =
        column->parent_type ? schema_find(org_schema(org), column->parent_type) : NULL;
    column->parent_key = parent ? sobject_field(parent, dot + 1) : NULL;
    if (!column->parent_key || !(column->parent_key->external_id || column->parent_key->id_lookup ||
                                 column->parent_key->type == FT_ID))
        return no_such_field(err, column->name);
    column->parent_type = parent->name;
    column->relationship = column->field->relationship_name;
    return OK;
}

static enum status read_column(struct arena *arena, struct org *org, const struct bulk_job *job,
                               const struct bulk_columns *columns, struct bulk_column *column,
                               struct err *err)
{
    if (strpbrk(column->name, ".:"))
        return read_relationship(arena, org, columns->object, column, err);
    column->field = sobject_field(columns->object, column->name);
    if (!column->field || !org_may_field(org, job->session.user_id, column->field, ORG_READ))
        return no_such_field(err, column->name);
    return OK;
}

static bool deletes(const struct bulk_job *job)
{
    return job->operation == BULK_DELETE || job->operation == BULK_HARD_DELETE;
}

struct bulk_columns *bulk_columns_read(struct arena *arena, struct org *org,
                                       const struct bulk_job *job, const struct str *names,
                                       size_t count, struct err *err)
{
    struct bulk_columns *columns = arena_alloc(arena, sizeof *columns);
    columns->at = arena_array(arena, count + 1, sizeof *columns->at);
    columns->id = -1;
    columns->object = schema_find(org_schema(org), job->object);
    if (!columns->object) {
        err_set(err, "InvalidBatch", "the object %s is gone", job->object);
        return NULL;
    }
    columns->key = job->key[0] ? sobject_field(columns->object, job->key) : NULL;
    for (size_t i = 0; i < count; i++) {
        struct bulk_column *column = &columns->at[columns->count++];
        column->name = str_dup(arena, names[i]);
        if (read_column(arena, org, job, columns, column, err) != OK)
            return NULL;
        for (size_t j = 0; j < i; j++)
            if (text_eq_nocase(columns->at[j].name, column->name)) {
                err_set(err, "InvalidBatch", "Duplicate field name found : %s", column->name);
                return NULL;
            }
        if (column->field->type == FT_ID && !column->relationship)
            columns->id = (int)i;
        else if (deletes(job)) {
            no_such_field(err, column->name);
            return NULL;
        }
    }
    return columns;
}

/* --- a cell as a value --- */

static struct json *new_value(struct arena *arena, enum json_type type, struct str text)
{
    struct json *value = arena_alloc(arena, sizeof *value);
    value->type = type;
    if (type == JSON_STRING) {
        value->text = str_dup(arena, text);
        value->len = (uint32_t)text.n;
    }
    return value;
}

static void add_member(struct json *object, const char *key, struct json *value)
{
    struct json **last = &object->first;
    while (*last)
        last = (struct json **)&(*last)->next;
    *last = value;
    value->key = key;
    value->key_len = (uint32_t)strlen(key);
    object->len++;
}

static struct json *boolean_value(struct arena *arena, struct str cell)
{
    if (str_eq(cell, STR("1")) || str_eq_nocase(cell, STR("true")))
        return new_value(arena, JSON_TRUE, cell);
    if (str_eq(cell, STR("0")) || str_eq_nocase(cell, STR("false")))
        return new_value(arena, JSON_FALSE, cell);
    return NULL;
}

static bool is_number(const char *text)
{
    char *end;
    if (strspn(text, "0123456789.+-eE") != strlen(text))
        return false;
    strtod(text, &end);
    return end != text && !*end;
}

/* A date field takes a datetime's day; a datetime field takes a day. */
static struct json *date_value(struct arena *arena, const struct field *field, const char *text)
{
    struct date date;
    int64_t ms;
    size_t len = strlen(text);
    if (field->type == FT_DATE && len > 10 && when_parse(text, &ms))
        len = 10;
    char *day = arena_strndup(arena, text, len);
    if (!date_parse(day, &date) && (field->type == FT_DATE || !when_parse(text, &ms)))
        return NULL;
    if (field->type == FT_DATETIME && len > 10) { /* one form, whatever zone was written */
        char iso[32];
        when_iso(ms, iso);
        day = arena_strdup(arena, iso);
    }
    return new_value(arena, JSON_STRING, str_of(day));
}

/* NULL when the text is no value of the field's type. */
static struct json *cell_value(struct arena *arena, const struct field *field, struct str cell)
{
    const char *text;
    switch (field->type) {
    case FT_BOOLEAN:
        return boolean_value(arena, str_trim(cell));
    case FT_INT:
    case FT_DOUBLE:
    case FT_CURRENCY:
    case FT_PERCENT:
        text = str_dup(arena, str_trim(cell));
        return is_number(text) ? new_value(arena, JSON_STRING, str_of(text)) : NULL;
    case FT_DATE:
    case FT_DATETIME:
        return date_value(arena, field, str_dup(arena, str_trim(cell)));
    default:
        return new_value(arena, JSON_STRING, cell);
    }
}

static struct json *parent_value(struct arena *arena, const struct bulk_column *column,
                                 struct str cell)
{
    struct json *parent = new_value(arena, JSON_OBJECT, cell);
    struct json *attributes = new_value(arena, JSON_OBJECT, cell);
    struct json *key = cell_value(arena, column->parent_key, cell);
    if (!key)
        return NULL;
    add_member(attributes, "type", new_value(arena, JSON_STRING, str_of(column->parent_type)));
    add_member(parent, "attributes", attributes);
    add_member(parent, column->parent_key->name, key);
    return parent;
}

static bool refuse_cell(struct arena *arena, const struct bulk_column *column, struct str cell,
                        struct dml_result *result)
{
    result_refuse(arena, result, "INVALID_TYPE_ON_FIELD_IN_RECORD",
                  arena_printf(arena, "%s: value not of required type: " STR_FMT,
                               column->field->label, STR_ARG(cell)),
                  column->field->name);
    return false;
}

/* --- a row as a record --- */

/* The Id of a row is the record to change, never a value, but for an upsert by Id. */
static bool read_id(struct arena *arena, const struct bulk_columns *columns,
                    const struct bulk_job *job, struct str cell, struct json *body,
                    struct dml_row *row, struct dml_result *result)
{
    cell = str_trim(cell);
    if (cell.n == 0)
        return true;
    if (job->operation == BULK_INSERT) {
        result_refuse(arena, result, "INVALID_FIELD_FOR_INSERT_UPDATE",
                      "cannot specify Id in an insert call", "Id");
        return false;
    }
    if (job->operation == BULK_UPSERT)
        add_member(body, "Id", new_value(arena, JSON_STRING, cell));
    else
        row->id = str_dup(arena, cell);
    return true;
}

static bool missing_id(const struct bulk_job *job, const struct dml_row *row)
{
    return !row->id && job->operation != BULK_INSERT && job->operation != BULK_UPSERT;
}

bool bulk_columns_row(struct arena *arena, const struct bulk_columns *columns,
                      const struct bulk_job *job, const struct str *cells, size_t count,
                      struct dml_row *row, struct dml_result *result)
{
    struct json *body = new_value(arena, JSON_OBJECT, (struct str){0});
    *row = (struct dml_row){.object = columns->object, .body = body, .key = columns->key};
    for (size_t i = 0; i < count && i < columns->count; i++) {
        const struct bulk_column *column = &columns->at[i];
        struct json *value;
        if ((int)i == columns->id) {
            if (!read_id(arena, columns, job, cells[i], body, row, result))
                return false;
            continue;
        }
        if (cells[i].n == 0)
            continue;
        if (str_eq(cells[i], STR(NULL_CELL)))
            value = new_value(arena, JSON_NULL, cells[i]);
        else if (column->relationship)
            value = parent_value(arena, column, cells[i]);
        else
            value = cell_value(arena, column->field, cells[i]);
        if (!value)
            return refuse_cell(arena, column, cells[i], result);
        add_member(body, column->relationship ? column->relationship : column->field->name, value);
    }
    if (!missing_id(job, row))
        return true;
    result_refuse(arena, result, "MISSING_ARGUMENT",
                  job->operation == BULK_UPDATE ? "Id not specified in an update call"
                                                : "Id not specified in a delete call",
                  NULL);
    return false;
}
