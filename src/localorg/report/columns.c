/* columns.c - a column's name to a path through the schema, and what is known
 * of the field at its end. */
#include "localorg/report/report_priv.h"

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

static bool may_read(const struct report_context *context, const struct field *field)
{
    return org_may_object(context->org, context->user_id, field->owner, ORG_READ) &&
           org_may_field(context->org, context->user_id, field, ORG_READ);
}

/* What a lookup leads to: of an owner who may be a queue, the user. */
static const struct sobject *target_of(const struct report_context *context,
                                       const struct field *lookup)
{
    const struct schema *schema = org_schema(context->org);
    if (lookup->reference_count == 1)
        return schema_find(schema, lookup->reference_to[0]);
    for (size_t i = 0; i < lookup->reference_count; i++)
        if (text_eq(lookup->reference_to[i], "User"))
            return schema_find(schema, "User");
    return NULL;
}

/* The field at the end of a path. *lookup is the last step's lookup, NULL at the base. */
static const struct field *walk(const struct report_context *context, const struct sobject *object,
                                const char *path, const struct field **lookup)
{
    const char *dot;
    *lookup = NULL;
    for (; (dot = strchr(path, '.')) && object; path = dot + 1) {
        *lookup = sobject_parent(object, path, (size_t)(dot - path));
        if (!*lookup || !may_read(context, *lookup))
            return NULL;
        object = target_of(context, *lookup);
    }
    const struct field *field = object ? sobject_field(object, path) : NULL;
    /* Through a queue's owner only what people and queues share can be read. */
    bool named = !*lookup || (*lookup)->reference_count == 1 || text_eq(path, "Name") ||
                 text_eq(path, "Alias");
    return field && named && is_shown(field) && may_read(context, field) ? field : NULL;
}

/* The path with the schema's spelling. */
static const char *spelled(struct arena *arena, const struct report_context *context,
                           const struct sobject *object, const char *path)
{
    const char *done = "", *dot;
    for (; (dot = strchr(path, '.')); path = dot + 1) {
        const struct field *lookup = sobject_parent(object, path, (size_t)(dot - path));
        done = arena_printf(arena, "%s%s.", done, lookup->relationship_name);
        object = target_of(context, lookup);
    }
    return arena_printf(arena, "%s%s", done, sobject_field(object, path)->name);
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
    const struct field *lookup, *field = walk(context, type->object, path, &lookup);
    if (!field)
        return NULL;
    struct report_column *column = arena_alloc(arena, sizeof *column);
    column->path = spelled(arena, context, type->object, path);
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
