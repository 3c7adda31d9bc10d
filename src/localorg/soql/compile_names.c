/* compile_names.c - from a path in the query to a column of a joined table.
 *
 * A path starts at an alias, at the main object, or at the main object's own
 * name, and walks up lookups. Each lookup walked becomes one LEFT JOIN, once,
 * however often it is used. A lookup that may point to several objects leads to
 * Name, Salesforce's pseudo-object: its columns are a CASE over the id's
 * prefix, so that only the right table is read and no join is spent.
 *
 * What the user may not read does not exist: same errors as a wrong name. */
#include "localorg/soql/compile_priv.h"

#include "localorg/org/formula.h"

#include <string.h>
#include <strings.h>

#define NOT_A_RELATIONSHIP                                                                         \
    "If you are attempting to use a custom relationship, be sure to append the '__r' after the "   \
    "custom relationship name. Please reference your WSDL or the describe call for the "           \
    "appropriate names."
#define NOT_A_FIELD                                                                                \
    "If you are attempting to use a custom field, be sure to append the '__c' after the custom "   \
    "field name. Please reference your WSDL or the describe call for the appropriate names."

bool field_readable(const struct compiler *c, const struct field *field)
{
    const char *user = c->context->user_id;
    return !user || org_may_field(c->context->org, user, field, ORG_READ);
}

bool object_readable(const struct compiler *c, const struct sobject *object)
{
    const char *user = c->context->user_id;
    return !user || org_may_object(c->context->org, user, object, ORG_READ);
}

enum status no_such_column(struct compiler *c, size_t at, size_t len, struct str field,
                           const char *entity)
{
    return fail_at(c, SOQL_INVALID_FIELD, at, len,
                   "No such column '" STR_FMT "' on entity '%s'. %s", STR_ARG(field), entity,
                   NOT_A_FIELD);
}

struct source *source_root(struct compiler *c, const struct sobject *object)
{
    struct source *root = arena_alloc(c->arena, sizeof *root);
    root->object = object;
    root->number = c->tables++;
    root->in_where = true;
    return root;
}

/* --- walking up --- */

static void source_used(struct compiler *c, struct source *source)
{
    for (; c->in_where && source; source = source->parent)
        source->in_where = true;
}

static struct source *source_child(struct compiler *c, struct source *from, const struct field *via)
{
    for (struct source *known = from->first; known; known = known->next)
        if (known->via == via)
            return known;
    struct source *source = arena_alloc(c->arena, sizeof *source), **tail = &from->first;
    source->via = via;
    source->parent = from;
    source->level = from->level + 1;
    source->number = c->tables++;
    if (via->reference_count == 1)
        source->object = schema_find(c->schema, via->reference_to[0]);
    source->key_sql =
        from->object ? column_sql(c, from, via->name) : name_column_sql(c, from, via->name);
    source->reach = source_reach(c, source);
    while (*tail)
        tail = &(*tail)->next;
    *tail = source;
    return source;
}

/* The lookup behind a relationship name, where the user may follow it. */
static const struct field *relationship_field(struct compiler *c, const struct source *from,
                                              struct str name)
{
    const struct sobject *object = from->object;
    if (!object) { /* Name knows two relationships: those of User */
        if (!str_eq_nocase(name, STR("Profile")) && !str_eq_nocase(name, STR("UserRole")))
            return NULL;
        object = schema_find(c->schema, "User");
    }
    const struct field *via = object ? sobject_parent(object, name.p, name.n) : NULL;
    if (!via || !via->stored || via->reference_count == 0 || !field_readable(c, via))
        return NULL;
    if (via->reference_count > 1)
        return via;
    const struct sobject *target = schema_find(c->schema, via->reference_to[0]);
    return target && object_readable(c, target) ? via : NULL;
}

struct source *source_step(struct compiler *c, struct source *from, const struct ast_expr *path,
                           struct str relationship)
{
    const struct field *via = relationship_field(c, from, relationship);
    if (!via) {
        fail_at(c, SOQL_INVALID_FIELD, path->at, path->len,
                "Didn't understand relationship '" STR_FMT "' in field path. %s",
                STR_ARG(relationship), NOT_A_RELATIONSHIP);
        return NULL;
    }
    if (from->level == SOQL_MAX_LEVELS) {
        fail_at(c, SOQL_MALFORMED, path->at, path->len,
                "Relationship paths cannot have more than %d levels", SOQL_MAX_LEVELS);
        return NULL;
    }
    int before = c->tables;
    struct source *source = source_child(c, from, via);
    if (c->tables > before && ++c->scope->parents > SOQL_MAX_PARENTS) {
        fail_at(c, SOQL_MALFORMED, path->at, path->len,
                "A query cannot use more than %d parent relationships", SOQL_MAX_PARENTS);
        return NULL;
    }
    source_used(c, source);
    return source;
}

struct source *path_start(struct compiler *c, const struct ast_expr *path, size_t *part)
{
    struct source *root = c->scope->root;
    *part = 0;
    if (path->part_count < 2)
        return root;
    for (const struct alias *alias = c->scope->aliases; alias; alias = alias->next) {
        if (str_eq_nocase(alias->name, path->parts[0])) {
            *part = 1;
            source_used(c, alias->source);
            return alias->source;
        }
    }
    if (str_eq_nocase(path->parts[0], str_of(root->object->name)) &&
        !sobject_parent(root->object, path->parts[0].p, path->parts[0].n))
        *part = 1;
    return root;
}

/* --- columns --- */

/* When the asking user looked at the record: no two users share it. */
static const char *viewed_sql(struct compiler *c, struct source *source, const char *column)
{
    bool seen = strcmp(column, "LastViewedDate") == 0;
    const char *user = c->context->user_id;
    if (source->table_sql || (!seen && strcmp(column, "LastReferencedDate") != 0))
        return NULL;
    return arena_printf(c->arena, "localorg_viewed(%s, %s, %d)", column_sql(c, source, "Id"),
                        user ? sql_quote(c->arena, user) : "NULL", seen ? 0 : 1);
}

const char *column_sql(struct compiler *c, struct source *source, const char *column)
{
    const char *viewed = viewed_sql(c, source, column);
    if (viewed)
        return viewed;
    if (c->scalar_parents && source->parent)
        return arena_printf(c->arena, "(SELECT t%d.\"%s\" FROM \"%s\" t%d WHERE t%d.\"Id\" = %s)",
                            source->number, column, source->object->name, source->number,
                            source->number, source->key_sql);
    return arena_printf(c->arena, "t%d.\"%s\"", source->number, column);
}

void joins_sql(const struct source *source, bool only_where, struct buf *out)
{
    for (const struct source *child = source->first; child; child = child->next) {
        if (only_where && !child->in_where)
            continue;
        if (child->object)
            buf_printf(out, " LEFT JOIN \"%s\" t%d ON t%d.\"Id\" = %s%s", child->object->name,
                       child->number, child->number, child->key_sql,
                       child->reach ? child->reach : "");
        joins_sql(child, only_where, out);
    }
}

/* --- Name, whom a polymorphic lookup points to --- */

static const struct {
    const char *name;
    enum field_type type;
} name_fields[] = {{"Id", FT_ID},
                   {"Name", FT_STRING},
                   {"FirstName", FT_STRING},
                   {"LastName", FT_STRING},
                   {"Type", FT_STRING},
                   {"Email", FT_EMAIL},
                   {"Phone", FT_PHONE},
                   {"Title", FT_STRING},
                   {"UserRoleId", FT_REFERENCE},
                   {"ProfileId", FT_REFERENCE},
                   {"Username", FT_STRING},
                   {"IsActive", FT_BOOLEAN},
                   {"Alias", FT_STRING}};

/* What a target object answers for a field of Name; NULL when it has none. */
static const char *name_target_sql(struct compiler *c, const struct source *source,
                                   const struct sobject *target, const char *column)
{
    if (strcasecmp(column, "Type") == 0)
        return sql_quote(c->arena, strcmp(target->name, "Group") == 0 ? "Queue" : target->name);
    const struct field *field = strcasecmp(column, "Name") == 0 && target->name_field
                                    ? target->name_field
                                    : sobject_field(target, column);
    if (!field || !field->stored || !field_readable(c, field))
        return NULL;
    return arena_printf(c->arena, "(SELECT n.\"%s\" FROM \"%s\" n WHERE n.\"Id\" = %s)",
                        field->name, target->name, source->key_sql);
}

const char *name_column_sql(struct compiler *c, const struct source *source, const char *column)
{
    struct buf sql = BUF_INIT;
    size_t branches = 0;
    if (strcasecmp(column, "Id") == 0)
        return source->key_sql;
    buf_printf(&sql, "CASE substr(%s, 1, 3)", source->key_sql);
    for (size_t i = 0; i < source->via->reference_count; i++) {
        const struct sobject *target = schema_find(c->schema, source->via->reference_to[i]);
        if (!target || !target->key_prefix || !object_readable(c, target))
            continue;
        const char *value = name_target_sql(c, source, target, column);
        if (!value)
            continue;
        buf_printf(&sql, " WHEN %s THEN %s", sql_quote(c->arena, target->key_prefix), value);
        branches++;
    }
    buf_str(&sql, " END");
    const char *text = buf_to_arena(c->arena, &sql);
    return branches ? text : "NULL";
}

static enum status resolve_name_field(struct compiler *c, struct source *source,
                                      const struct ast_expr *path, struct str name,
                                      struct resolved *out)
{
    for (size_t i = 0; i < sizeof name_fields / sizeof *name_fields; i++) {
        if (!str_eq_nocase(name, str_of(name_fields[i].name)))
            continue;
        *out = (struct resolved){.source = source,
                                 .name = name_fields[i].name,
                                 .type = name_fields[i].type,
                                 .sql = name_column_sql(c, source, name_fields[i].name)};
        return OK;
    }
    return no_such_column(c, path->at, path->len, name, "Name");
}

/* --- paths --- */

/* A formula field or roll-up, worked out from the row; NULL for any other field. */
static const char *computed_sql(struct compiler *c, struct source *source,
                                const struct field *field)
{
    if (!field->calculated || source->table_sql)
        return NULL;
    const char *alias = arena_printf(c->arena, "t%d", source->number);
    const char *sql = field_computed_sql(c->arena, c->context->org, field, alias);
    if (!sql || !(c->scalar_parents && source->parent))
        return sql;
    return arena_printf(c->arena, "(SELECT %s FROM \"%s\" %s WHERE %s.\"Id\" = %s)", sql,
                        source->object->name, alias, alias, source->key_sql);
}

enum status resolve_in(struct compiler *c, struct source *source, const struct ast_expr *path,
                       struct str name, struct resolved *out)
{
    if (!source->object)
        return resolve_name_field(c, source, path, name, out);
    const struct field *field = sobject_field_n(source->object, name.p, name.n);
    if (!field || !field_readable(c, field))
        return no_such_column(c, path->at, path->len, name, source->object->name);
    const char *computed = computed_sql(c, source, field);
    *out = (struct resolved){.source = source,
                             .field = field,
                             .type = field->type,
                             .name = field->name,
                             .plain = field->stored && !computed &&
                                      !(c->scalar_parents && source->parent),
                             .sql = computed        ? computed
                                    : field->stored ? column_sql(c, source, field->name)
                                                    : "NULL"};
    return OK;
}

enum status resolve_path(struct compiler *c, const struct ast_expr *path, struct resolved *out)
{
    size_t part = 0;
    struct source *source = path_start(c, path, &part);
    for (; part + 1 < path->part_count; part++)
        if (!(source = source_step(c, source, path, path->parts[part])))
            return FAIL;
    return resolve_in(c, source, path, path->parts[part], out);
}
