/* columns.c - a column's name to a path through the schema, and what is known
 * of the field at its end. */
#include "localorg/report/report_priv.h"

#include "localorg/org/paths.h"

#include <string.h>

static const char *const type_names[] = {
    "string",   "textarea", "picklist", "multipicklist", "boolean", "int",   "double",
    "currency", "percent",  "date",     "datetime",      "time",    "phone", "email",
    "url",      "id",       "html"};

const char *column_type_name(enum column_type type)
{
    return type_names[type];
}

bool column_type_is_number(enum column_type type)
{
    return type == COLUMN_INT || type == COLUMN_DOUBLE || type == COLUMN_CURRENCY ||
           type == COLUMN_PERCENT;
}

bool column_type_is_date(enum column_type type)
{
    return type == COLUMN_DATE || type == COLUMN_DATETIME;
}

static enum column_type type_of(const struct field *field)
{
    switch (field->type) {
    case FT_ID:
    case FT_REFERENCE:
        return COLUMN_ID;
    case FT_TEXTAREA:
        return field->html ? COLUMN_HTML : COLUMN_TEXTAREA;
    case FT_PICKLIST:
    case FT_COMBOBOX:
        return COLUMN_PICKLIST;
    case FT_MULTIPICKLIST:
        return COLUMN_MULTIPICKLIST;
    case FT_BOOLEAN:
        return COLUMN_BOOLEAN;
    case FT_INT:
        return COLUMN_INT;
    case FT_DOUBLE:
        return COLUMN_DOUBLE;
    case FT_CURRENCY:
        return COLUMN_CURRENCY;
    case FT_PERCENT:
        return COLUMN_PERCENT;
    case FT_DATE:
        return COLUMN_DATE;
    case FT_DATETIME:
        return COLUMN_DATETIME;
    case FT_TIME:
        return COLUMN_TIME;
    case FT_PHONE:
        return COLUMN_PHONE;
    case FT_EMAIL:
        return COLUMN_EMAIL;
    case FT_URL:
        return COLUMN_URL;
    default:
        return COLUMN_STRING;
    }
}

/* A field that a report can show. */
static bool is_shown(const struct field *field)
{
    return field->stored && field->type != FT_BASE64 && field->type != FT_ENCRYPTEDSTRING &&
           !field->deprecated_hidden;
}

/* "Account.Owner.Name" has its id in "Account.OwnerId", "Name" in "Id". */
static const char *id_path(struct arena *arena, const char *path, const struct field *lookup)
{
    if (!lookup)
        return "Id";
    const char *last = strrchr(path, '.'), *before = last;
    while (before > path && before[-1] != '.')
        before--;
    return arena_printf(arena, "%.*s%s", (int)(before - path), path, lookup->name);
}

static const char *label_of(struct arena *arena, const struct report_type *type,
                            const struct field *field, const struct field *lookup)
{
    if (!lookup)
        return field->type == FT_ID ? arena_printf(arena, "%s ID", type->object->label)
                                    : field->label;
    size_t len = strlen(lookup->label);
    if (text_ends(lookup->label, " ID"))
        len -= 3;
    if (field->name_field)
        return arena_printf(arena, "%.*s", (int)len, lookup->label);
    return arena_printf(arena, "%.*s: %s", (int)len, lookup->label, field->label);
}

static const struct report_column *column_at(struct arena *arena,
                                             const struct report_context *context,
                                             const struct report_type *type, const char *path,
                                             const struct old_column *old)
{
    struct path way;
    if (!path_walk(arena, context->org, context->user_id, type->object, path, &way) ||
        !is_shown(way.field))
        return NULL;
    const struct field *field = way.field, *lookup = way.lookup;
    struct report_column *column = arena_alloc(arena, sizeof *column);
    column->path = way.text;
    column->name = old      ? old->name
                   : lookup ? column->path
                            : arena_printf(arena, "%s.%s", type->object->name, column->path);
    column->field = field;
    column->date_only = old && old->date_only;
    column->type = column->date_only ? COLUMN_DATE : type_of(field);
    column->label = old && old->label ? old->label : label_of(arena, type, field, lookup);
    column->lookup = lookup && field->name_field;
    if (field->name_field)
        column->id_path = id_path(arena, column->path, lookup);
    return column;
}

static bool of_type(const struct old_column *old, const struct report_type *type)
{
    return type->object->custom ? text_eq(old->type, "CustomEntity")
                                : text_eq(old->type, type->name);
}

const struct report_column *column_find(struct arena *arena, const struct report_context *context,
                                        const struct report_type *type, const char *name)
{
    size_t len = strlen(type->object->name);
    for (size_t i = 0; i < old_column_count; i++)
        if (of_type(&old_columns[i], type) && text_eq_nocase(old_columns[i].name, name))
            return column_at(arena, context, type, old_columns[i].path, &old_columns[i]);
    if (strncasecmp(name, type->object->name, len) == 0 && name[len] == '.') {
        const struct report_column *own = column_at(arena, context, type, name + len + 1, NULL);
        if (own)
            return own;
    }
    return strchr(name, '.') ? column_at(arena, context, type, name, NULL) : NULL;
}

const struct report_column *column_of_path(struct arena *arena,
                                           const struct report_context *context,
                                           const struct report_type *type, const char *path)
{
    for (size_t i = 0; i < old_column_count; i++)
        if (of_type(&old_columns[i], type) && text_eq(old_columns[i].path, path))
            return column_at(arena, context, type, path, &old_columns[i]);
    return column_at(arena, context, type, path, NULL);
}
