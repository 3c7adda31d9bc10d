/* compile_select.c - the SELECT list: SQL columns, and the tree JSON follows.
 *
 * Fields of one parent share one node, at the place where the parent was first
 * named. The record's own Id is always column 0, selected or not: attributes
 * need it for their url. */
#include "localorg/soql/compile_priv.h"

#include <string.h>

int add_column(struct compiler *c, const char *sql)
{
    for (size_t i = 0; i < c->columns.len; i++)
        if (strcmp(c->columns.at[i], sql) == 0)
            return (int)i;
    vec_push(&c->columns, sql);
    return (int)c->columns.len - 1;
}

/* --- nodes --- */

static struct soql_node *node_add(struct compiler *c, struct soql_node **list,
                                  enum soql_node_kind kind, const char *name)
{
    struct soql_node *node = arena_alloc(c->arena, sizeof *node);
    node->kind = kind;
    node->name = name;
    node->column = -1;
    while (*list)
        list = &(*list)->next;
    *list = node;
    return node;
}

static struct soql_node **nodes_of(struct compiler *c, struct source *source)
{
    if (!source->parent)
        return &c->plan->nodes;
    if (!source->node) {
        struct soql_node **list = nodes_of(c, source->parent);
        source->node = node_add(c, list, SOQL_PARENT, source->via->relationship_name);
        source->node->object = source->object;
        source->node->field = source->via;
        source->node->type = FT_REFERENCE;
        source->node->column =
            add_column(c, source->object ? column_sql(c, source, "Id") : source->key_sql);
    }
    return &source->node->first;
}

static enum status duplicate_field(struct compiler *c, const struct ast_item *item,
                                   const char *name)
{
    return fail_at(c, SOQL_INVALID_FIELD, item->at, item->len, "duplicate field selected: %s",
                   name);
}

static enum status check_new(struct compiler *c, const struct ast_item *item,
                             const struct soql_node *list, const char *name)
{
    for (; list; list = list->next)
        if (list->kind != SOQL_PARENT && list->kind != SOQL_TYPEOF &&
            text_eq_nocase(list->name, name))
            return duplicate_field(c, item, name);
    return OK;
}

/* The keys of an address, alphabetical as REST prints them, and of a location. */
static const struct {
    const char *key, *suffix;
    bool optional; /* only where the org has it */
} address_parts[] = {{"city", "City", false},
                     {"country", "Country", false},
                     {"countryCode", "CountryCode", true},
                     {"geocodeAccuracy", "GeocodeAccuracy", false},
                     {"latitude", "Latitude", false},
                     {"longitude", "Longitude", false},
                     {"postalCode", "PostalCode", false},
                     {"state", "State", false},
                     {"stateCode", "StateCode", true},
                     {"street", "Street", false}};

static void add_compound(struct compiler *c, struct soql_node *node, const struct resolved *value)
{
    node->kind = SOQL_COMPOUND;
    for (size_t i = 0; i < sizeof address_parts / sizeof *address_parts; i++) {
        const char *suffix = address_parts[i].suffix;
        const struct field *part = compound_part(value->field, suffix);
        bool place = suffix[0] == 'L';
        if (value->type == FT_LOCATION && !place)
            continue;
        if (part && !field_readable(c, part))
            part = NULL;
        if (!part && address_parts[i].optional)
            continue;
        struct soql_node *child = node_add(c, &node->first, SOQL_FIELD, address_parts[i].key);
        child->field = part;
        child->type = part ? part->type : FT_STRING;
        child->column = add_column(c, part ? column_sql(c, value->source, part->name) : "NULL");
    }
}

static const char *value_sql(struct compiler *c, const struct resolved *value)
{
    if (value->type != FT_BASE64 || !value->plain) /* a blob prints as a url made of the id */
        return value->sql;
    return arena_printf(c->arena, "CASE WHEN %s IS NOT NULL THEN %s END", value->sql,
                        column_sql(c, value->source, "Id"));
}

static struct soql_node *add_value(struct compiler *c, struct soql_node **list,
                                   const struct resolved *value, const char *name)
{
    struct soql_node *node = node_add(c, list, SOQL_FIELD, name);
    node->field = value->field;
    node->type = value->type;
    node->formatted = value->formatted;
    if ((value->type == FT_ADDRESS || value->type == FT_LOCATION) && value->field)
        add_compound(c, node, value);
    else
        node->column = add_column(c, value_sql(c, value));
    return node;
}

/* --- items --- */

static const char *expr_name(struct compiler *c)
{
    return arena_printf(c->arena, "expr%d", c->next_expr++);
}

static enum status grouped_item(struct compiler *c, const struct ast_item *item,
                                const struct resolved *value)
{
    const char *name = value->name;
    if (!value->aggregate && !is_grouped(c, value->sql))
        return fail_at(c, SOQL_MALFORMED, item->expr->at, item->expr->len,
                       "Field must be grouped or aggregated: %s", value->name);
    if (item->alias.n)
        name = str_dup(c->arena, item->alias);
    else if (value->function)
        name = expr_name(c);
    for (const struct soql_node *node = c->plan->nodes; node; node = node->next)
        if (text_eq_nocase(node->name, name))
            return fail_at(c, SOQL_MALFORMED, item->at, item->len, "duplicate alias: %s", name);
    struct soql_node *node = add_value(c, &c->plan->nodes, value, name);
    if (value->function) {
        node->kind = SOQL_AGGREGATE;
        node->display =
            arena_printf(c->arena, "%s(%s)",
                         text_lower(c->arena, str_dup(c->arena, item->expr->name)), value->name);
    }
    return OK;
}

static enum status expr_item(struct compiler *c, const struct ast_item *item)
{
    struct resolved value;
    if (resolve_expr(c, item->expr, &value) != OK)
        return FAIL;
    if (c->aggregate)
        return grouped_item(c, item, &value);
    if (item->alias.n && item->expr->kind == AST_PATH)
        return err_set(c->err, SOQL_MALFORMED, "only aggregate expressions use field aliasing");
    const char *name = value.name;
    struct soql_node **list = nodes_of(c, value.source);
    if (item->alias.n || value.function) {
        name = item->alias.n ? str_dup(c->arena, item->alias) : expr_name(c);
        list = &c->plan->nodes;
    }
    if (check_new(c, item, *list, name) != OK)
        return FAIL;
    add_value(c, list, &value, name);
    return OK;
}

/* --- FIELDS() --- */

/* WHERE Id = x, or Id IN a list of at most 200, is as good as a LIMIT. */
static bool few_ids(const struct ast_cond *cond)
{
    size_t count = 0;
    if (!cond)
        return false;
    if (cond->kind == AST_AND) {
        for (const struct ast_cond *one = cond->first; one; one = one->next)
            if (few_ids(one))
                return true;
        return false;
    }
    if (cond->kind != AST_COMPARE || cond->query || cond->left->kind != AST_PATH ||
        (cond->op != AST_EQ && cond->op != AST_IN) || cond->left->part_count != 1 ||
        !str_eq_nocase(cond->left->parts[0], STR("Id")))
        return false;
    for (const struct ast_value *value = cond->values; value; value = value->next)
        count++;
    return count <= SOQL_MAX_FIELDS_LIMIT;
}

static enum status fields_item(struct compiler *c, const struct ast_query *query,
                               const struct ast_item *item)
{
    struct source *root = c->scope->root;
    bool custom_only = str_eq_nocase(item->group, STR("CUSTOM"));
    bool standard_only = str_eq_nocase(item->group, STR("STANDARD"));
    size_t found = 0;
    if (c->context->api_version > 0 && c->context->api_version < 51)
        return fail_at(c, SOQL_MALFORMED, item->at, item->len,
                       "The SOQL FIELDS function is not supported in this API version");
    if (!standard_only && (query->limit < 0 || query->limit > SOQL_MAX_FIELDS_LIMIT) &&
        !few_ids(query->where))
        return err_set(c->err, SOQL_MALFORMED,
                       "The SOQL FIELDS function must have a LIMIT of at most 200");
    if (c->aggregate)
        return fail_at(c, SOQL_MALFORMED, item->at, item->len,
                       "Field must be grouped or aggregated: " STR_FMT, STR_ARG(item->group));
    for (size_t i = 0; i < root->object->field_count; i++) {
        const struct field *field = root->object->fields[i];
        struct ast_expr path = {.kind = AST_PATH, .at = item->at, .len = item->len};
        struct resolved value;
        if ((custom_only && !field->custom) || (standard_only && field->custom) ||
            !field_readable(c, field))
            continue;
        if (resolve_in(c, root, &path, str_of(field->name), &value) != OK ||
            check_new(c, item, c->plan->nodes, field->name) != OK)
            return FAIL;
        add_value(c, &c->plan->nodes, &value, field->name);
        found++;
    }
    if (!found)
        return fail_at(c, SOQL_MALFORMED, item->at, item->len,
                       "The SOQL FIELDS function found no fields on entity '%s'",
                       root->object->name);
    return OK;
}

/* --- TYPEOF --- */

static const struct sobject *when_object(struct compiler *c, const struct source *name,
                                         const struct ast_when *when)
{
    const struct sobject *object = schema_find_n(c->schema, when->type.p, when->type.n);
    for (size_t i = 0; object && i < name->via->reference_count; i++)
        if (text_eq_nocase(name->via->reference_to[i], object->name) && object_readable(c, object))
            return object;
    fail_at(c, SOQL_INVALID_TYPE, when->at, when->type.n,
            "sObject type '" STR_FMT "' is not supported in the TYPEOF of %s", STR_ARG(when->type),
            name->via->relationship_name);
    return NULL;
}

/* A source of its own for one WHEN, joined on the lookup's id. */
static struct source *when_source(struct compiler *c, struct source *name,
                                  const struct sobject *object)
{
    struct source *source = arena_alloc(c->arena, sizeof *source), **tail = &name->first;
    *source = (struct source){.object = object,
                              .via = name->via,
                              .parent = name,
                              .key_sql = name->key_sql,
                              .number = c->tables++,
                              .level = name->level};
    source->reach = source_reach(c, source);
    c->scope->parents++;
    while (*tail)
        tail = &(*tail)->next;
    *tail = source;
    return source;
}

static enum status when_fields(struct compiler *c, const struct ast_item *item,
                               const struct ast_when *when, struct source *source)
{
    for (const struct ast_expr *path = when->fields; path; path = path->next) {
        struct source *at = source;
        struct resolved value;
        if (path->kind != AST_PATH)
            return fail_at(c, SOQL_MALFORMED, path->at, path->len,
                           "unexpected token: '" STR_FMT "'", STR_ARG(path->text));
        for (size_t part = 0; part + 1 < path->part_count; part++)
            if (!(at = source_step(c, at, path, path->parts[part])))
                return FAIL;
        if (resolve_in(c, at, path, path->parts[path->part_count - 1], &value) != OK)
            return FAIL;
        struct soql_node **list = nodes_of(c, at);
        if (check_new(c, item, *list, value.name) != OK)
            return FAIL;
        add_value(c, list, &value, value.name);
    }
    return OK;
}

static enum status when_item(struct compiler *c, const struct ast_item *item,
                             const struct ast_when *when, struct source *name,
                             struct soql_node *node)
{
    struct source *source = name;
    const struct sobject *object = NULL;
    if (when->type.n) {
        if (!(object = when_object(c, name, when)))
            return FAIL;
        source = when_source(c, name, object);
        if (c->scope->parents > SOQL_MAX_PARENTS)
            return fail_at(c, SOQL_MALFORMED, when->at, when->type.n,
                           "A query cannot use more than %d parent relationships",
                           SOQL_MAX_PARENTS);
    }
    source->node = node_add(c, &node->first, SOQL_PARENT, node->name);
    source->node->object = object;
    source->node->field = name->via;
    source->node->column = node->column;
    return when_fields(c, item, when, source);
}

static enum status typeof_item(struct compiler *c, const struct ast_item *item)
{
    const struct ast_expr *path = item->expr;
    size_t part = 0;
    if (c->context->api_version > 0 && c->context->api_version < 46)
        return fail_at(c, SOQL_MALFORMED, item->at, item->len,
                       "TYPEOF is not supported in this API version");
    if (c->aggregate)
        return fail_at(c, SOQL_MALFORMED, item->at, item->len,
                       "TYPEOF is not allowed in an aggregate query");
    struct source *name = path_start(c, path, &part);
    for (; part < path->part_count; part++)
        if (!(name = source_step(c, name, path, path->parts[part])))
            return FAIL;
    if (name->object || !name->parent)
        return fail_at(c, SOQL_MALFORMED, path->at, path->len,
                       "TYPEOF is only allowed on polymorphic relationships");
    struct soql_node **list = nodes_of(c, name->parent);
    struct soql_node *node = node_add(c, list, SOQL_TYPEOF, name->via->relationship_name);
    node->field = name->via;
    node->column = add_column(c, name->key_sql);
    for (const struct ast_when *when = item->when; when; when = when->next)
        if (when_item(c, item, when, name, node) != OK)
            return FAIL;
    return OK;
}

/* --- child queries --- */

static enum status children_item(struct compiler *c, const struct ast_item *item)
{
    size_t children = 0;
    if (c->aggregate)
        return fail_at(c, SOQL_MALFORMED, item->at, item->len,
                       "Nested queries are not allowed in an aggregate query");
    for (const struct soql_node *node = c->plan->nodes; node; node = node->next)
        children += node->kind == SOQL_CHILDREN;
    if (children == SOQL_MAX_CHILDREN)
        return fail_at(c, SOQL_MALFORMED, item->at, item->len,
                       "Only %d child relationships are allowed in a query", SOQL_MAX_CHILDREN);
    struct soql_node *node = arena_alloc(c->arena, sizeof *node);
    node->kind = SOQL_CHILDREN;
    node->column = 0;
    node->ordinal = ++*c->children;
    if (compile_children(c, item->query, node) != OK ||
        check_new(c, item, c->plan->nodes, node->name) != OK)
        return FAIL;
    struct soql_node **tail = &c->plan->nodes;
    while (*tail)
        tail = &(*tail)->next;
    *tail = node;
    return OK;
}

enum status compile_items(struct compiler *c, const struct ast_query *query)
{
    c->plan->id_column = -1;
    if (!c->aggregate)
        c->plan->id_column = add_column(c, column_sql(c, c->scope->root, "Id"));
    for (const struct ast_item *item = query->items; item; item = item->next) {
        enum status rc = FAIL;
        switch (item->kind) {
        case AST_I_EXPR:
            rc = expr_item(c, item);
            break;
        case AST_I_CHILDREN:
            rc = children_item(c, item);
            break;
        case AST_I_TYPEOF:
            rc = typeof_item(c, item);
            break;
        case AST_I_FIELDS:
            rc = fields_item(c, query, item);
            break;
        }
        if (rc != OK)
            return FAIL;
    }
    return OK;
}
