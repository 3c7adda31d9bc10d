/* compile.c - from the parsed query to a plan: one SQL statement, its values,
 * the statement that counts, and the shape of a row.
 *
 * Order of work: FROM, GROUP BY, SELECT, WHERE, HAVING, ORDER BY. All of it
 * fills one struct compiler; only the finished plan outlives it, on the
 * caller's arena. */
#include "localorg/soql/compile_priv.h"

#include "localorg/org/access.h"
#include "localorg/soql/parse.h"

#include <string.h>

const char *buf_to_arena(struct arena *arena, struct buf *buf)
{
    const char *text = arena_strndup(arena, buf_text(buf), buf->len);
    buf_free(buf);
    return text;
}

const struct zone *user_zone(struct compiler *c)
{
    const char *user = c->context->user_id;
    struct org_user known;
    if (!c->zone)
        c->zone = zone_find(user && org_user_by_id(c->context->org, user, &known) ? known.timezone
                                                                                  : NULL);
    return c->zone;
}

const struct fiscal *org_fiscal(struct compiler *c)
{
    const struct sobject *object = schema_find(c->schema, "Organization");
    sqlite3_stmt *row = NULL;
    if (c->fiscal.start_month)
        return &c->fiscal;
    c->fiscal.start_month = 1;
    if (!object || !sobject_field(object, "FiscalYearStartMonth"))
        return &c->fiscal;
    bool named = sobject_field(object, "UsesStartDateAsFiscalYearName") != NULL;
    const char *sql = arena_printf(c->arena, "SELECT \"FiscalYearStartMonth\", %s FROM \"Organization\"",
                                   named ? "\"UsesStartDateAsFiscalYearName\"" : "0");
    sqlite3 *db = org_reader_take(c->context->org);
    if (db && sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW && sqlite3_column_int(row, 0) >= 1 &&
        sqlite3_column_int(row, 0) <= 12) {
        c->fiscal.start_month = sqlite3_column_int(row, 0);
        c->fiscal.named_by_start = sqlite3_column_int(row, 1);
    }
    sqlite3_finalize(row);
    org_reader_give(c->context->org, db);
    return &c->fiscal;
}

void compiler_free(struct compiler *c)
{
    vec_free(&c->binds);
    vec_free(&c->columns);
    vec_free(&c->groups);
}

/* --- FROM --- */

static void add_alias(struct compiler *c, struct str name, struct source *source)
{
    struct alias *alias = arena_alloc(c->arena, sizeof *alias);
    *alias = (struct alias){.name = name, .source = source, .next = c->scope->aliases};
    c->scope->aliases = alias;
}

static enum status not_an_object(struct compiler *c, const struct ast_expr *path)
{
    return fail_at(c, SOQL_INVALID_TYPE, path->at, path->len,
                   "sObject type '" STR_FMT "' is not supported. If you are attempting to use a "
                   "custom object, be sure to append the '__c' after the entity name. Please "
                   "reference your WSDL or the describe call for the appropriate names.",
                   STR_ARG(path->text));
}

/* What profiles grant becomes rows when somebody asks for the rows. */
static enum status permissions_written(struct compiler *c, const struct sobject *object)
{
    bool asked = strcmp(object->name, "ObjectPermissions") == 0 ||
                 strcmp(object->name, "FieldPermissions") == 0;
    return asked ? org_permissions_write(c->context->org, c->err) : OK;
}

const char *source_table(struct compiler *c, const struct source *source)
{
    if (source->table_sql)
        return arena_printf(c->arena, "%s t%d", source->table_sql, source->number);
    return arena_printf(c->arena, "\"%s\" t%d", source->object->name, source->number);
}

static enum status add_root(struct compiler *c, const struct ast_query *query)
{
    const struct ast_from *from = query->from;
    const struct sobject *object = schema_find_n(c->schema, from->path->text.p, from->path->text.n);
    if (!object || !object_readable(c, object))
        return not_an_object(c, from->path);
    if (!object->queryable)
        return err_set(c->err, "INVALID_TYPE_FOR_OPERATION",
                       "entity type %s does not support query", object->name);
    c->scope->root = source_root(c, object);
    if (compile_rows(c, query, c->scope->root) != OK)
        return FAIL;
    return permissions_written(c, object);
}

/* FROM Contact c, c.Account a: what follows the first names parents. */
static enum status add_parents(struct compiler *c, const struct ast_from *from)
{
    for (; from; from = from->next) {
        size_t part = 0;
        struct source *source = path_start(c, from->path, &part);
        for (; part < from->path->part_count; part++)
            if (!(source = source_step(c, source, from->path, from->path->parts[part])))
                return FAIL;
        if (from->alias.n)
            add_alias(c, from->alias, source);
    }
    return OK;
}

static enum status add_aliases(struct compiler *c, const struct ast_query *query)
{
    if (query->from->alias.n)
        add_alias(c, query->from->alias, c->scope->root);
    return add_parents(c, query->from->next);
}

enum status compile_from(struct compiler *c, const struct ast_query *query)
{
    if (add_root(c, query) != OK)
        return FAIL;
    return add_aliases(c, query);
}

/* --- the pieces of the statement --- */

/* Whose records a scope means. Teams and territories are not modelled: nobody has any. */
enum scope_kind { SCOPE_ALL, SCOPE_MINE, SCOPE_GROUPS, SCOPE_DELEGATED, SCOPE_NONE };

static const struct {
    const char *name;
    enum scope_kind kind;
} scopes[] = {{"everything", SCOPE_ALL},      {"scopingRule", SCOPE_ALL},
              {"mine", SCOPE_MINE},           {"mine_and_my_groups", SCOPE_GROUPS},
              {"delegated", SCOPE_DELEGATED}, {"team", SCOPE_NONE},
              {"my_territory", SCOPE_NONE},   {"my_team_territory", SCOPE_NONE}};

static enum status scope_sql(struct compiler *c, const struct ast_query *query, struct buf *out)
{
    size_t which = 0, count = sizeof scopes / sizeof *scopes;
    if (!query->scope.n)
        return OK;
    while (which < count && !str_eq_nocase(query->scope, str_of(scopes[which].name)))
        which++;
    if (which == count)
        return fail_at(c, SOQL_MALFORMED, query->scope_at, query->scope.n,
                       "Invalid scope '" STR_FMT "'", STR_ARG(query->scope));
    const struct sobject *object = c->scope->root->object;
    if (scopes[which].kind == SCOPE_ALL || !sobject_field(object, "OwnerId"))
        return OK;
    const char *owner = column_sql(c, c->scope->root, "OwnerId");
    const char *me = c->context->user_id ? c->context->user_id : "";
    switch (scopes[which].kind) {
    case SCOPE_MINE:
        buf_printf(out, " AND %s = ?%d", owner, bind_text(c, me));
        break;
    case SCOPE_GROUPS:
        buf_printf(out, " AND %s IN (", owner);
        org_owners_sql(c->context->org, me, out);
        buf_char(out, ')');
        break;
    case SCOPE_DELEGATED:
        buf_printf(out, " AND %s <> ?%d AND %s = ?%d", owner, bind_text(c, me),
                   column_sql(c, c->scope->root, "CreatedById"), bind_text(c, me));
        break;
    default:
        buf_str(out, " AND 0");
    }
    return OK;
}

const char *source_reach(struct compiler *c, const struct source *source)
{
    char alias[16];
    struct buf reach = BUF_INIT;
    if (!source->object || !c->context->user_id)
        return "";
    snprintf(alias, sizeof alias, "t%d", source->number);
    buf_str(&reach, " AND ");
    if (org_sharing_sql(c->context->org, c->context->user_id, source->object, alias, SHARING_READ,
                        &reach))
        return buf_to_arena(c->arena, &reach);
    buf_free(&reach);
    return "";
}

/* " WHERE ...": hidden rows, scope, the parent of a child query, the condition. */
static enum status conditions_sql(struct compiler *c, const struct ast_query *query,
                                  const struct field *child_of, struct buf *out)
{
    buf_str(out, " WHERE ");
    if (child_of)
        buf_printf(out, "%s = ?1 AND ", column_sql(c, c->scope->root, child_of->name));
    buf_str(out, c->context->all_rows ? "1" : column_sql(c, c->scope->root, "IsDeleted"));
    buf_str(out, c->context->all_rows ? "" : " = 0");
    buf_str(out, source_reach(c, c->scope->root));
    if (c->context->search_table && !child_of)
        buf_printf(out, " AND t%d.rowid IN (SELECT rowid FROM \"%s\" WHERE \"%s\" MATCH ?%d)",
                   c->scope->root->number, c->context->search_table, c->context->search_table,
                   bind_text(c, c->context->search_match));
    if (scope_sql(c, query, out) != OK)
        return FAIL;
    if (!query->where)
        return OK;
    buf_str(out, " AND (");
    if (where_sql(c, query->where, out) != OK)
        return FAIL;
    buf_char(out, ')');
    return OK;
}

static const char *from_sql(struct compiler *c, bool only_where)
{
    struct buf sql = BUF_INIT;
    const struct source *root = c->scope->root;
    buf_printf(&sql, " FROM %s", source_table(c, root));
    joins_sql(root, only_where, &sql);
    return buf_to_arena(c->arena, &sql);
}

static void limit_sql(const struct ast_query *query, struct buf *out)
{
    if (query->limit >= 0 || query->offset >= 0)
        buf_printf(out, " LIMIT %lld", (long long)query->limit);
    if (query->offset >= 0)
        buf_printf(out, " OFFSET %lld", (long long)query->offset);
}

static void columns_sql(const struct compiler *c, struct buf *out)
{
    for (size_t i = 0; i < c->columns.len; i++)
        buf_printf(out, "%s%s", i ? ", " : "", c->columns.at[i]);
}

static enum status select_sql(struct compiler *c, const struct ast_query *query, const char *where,
                              struct buf *sql)
{
    struct buf order = BUF_INIT;
    if (c->aggregate) {
        const char *from_where = arena_printf(c->arena, "%s%s", from_sql(c, false), where);
        if (grouped_sql(c, query, from_where, sql) != OK)
            return FAIL;
    } else {
        if (order_sql(c, query, &order) != OK) { /* may add joins: before FROM is written */
            buf_free(&order);
            return FAIL;
        }
        buf_str(sql, "SELECT ");
        columns_sql(c, sql);
        buf_printf(sql, "%s%s%s", from_sql(c, false), where, buf_text(&order));
        if (c->context->shuffle && !query->order)
            buf_printf(sql, " ORDER BY substr(t%d.\"Id\", 15, 1) DESC, t%d.\"Id\" DESC",
                       c->scope->root->number, c->scope->root->number);
        buf_free(&order);
    }
    limit_sql(query, sql);
    return OK;
}

static const char *count_sql(struct compiler *c, const struct ast_query *query, const char *where)
{
    struct buf sql = BUF_INIT;
    if (c->aggregate) {
        buf_printf(&sql, "SELECT count(*) FROM (%s)", c->plan->sql);
    } else if (query->limit >= 0 || query->offset >= 0) {
        buf_printf(&sql, "SELECT count(*) FROM (SELECT 1%s%s", from_sql(c, true), where);
        limit_sql(query, &sql);
        buf_char(&sql, ')');
    } else {
        buf_printf(&sql, "SELECT count(*)%s%s", from_sql(c, true), where);
    }
    return buf_to_arena(c->arena, &sql);
}

/* --- the plan --- */

static enum status check_limits(struct compiler *c, const struct ast_query *query)
{
    if (query->offset > SOQL_MAX_OFFSET)
        return err_set(c->err, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is %d",
                       SOQL_MAX_OFFSET);
    if (!query->count_only)
        return OK;
    if (query->order)
        return err_set(c->err, SOQL_MALFORMED,
                       "Ordered field must be grouped or aggregated: " STR_FMT,
                       STR_ARG(query->order->expr->text));
    if (query->group)
        return err_set(c->err, SOQL_MALFORMED, "Grouped queries cannot use COUNT()");
    return OK;
}

static void keep_binds(struct compiler *c)
{
    struct soql_plan *plan = c->plan;
    plan->bind_count = c->binds.len;
    plan->binds = arena_array(c->arena, c->binds.len ? c->binds.len : 1, sizeof *plan->binds);
    if (c->binds.len)
        memcpy(plan->binds, c->binds.at, c->binds.len * sizeof *plan->binds);
}

static enum status compile_statement(struct compiler *c, const struct ast_query *query,
                                     const struct field *child_of)
{
    struct buf where = BUF_INIT, sql = BUF_INIT;
    struct soql_plan *plan = c->plan;
    enum status rc = FAIL;
    plan->object = c->scope->root->object;
    plan->limit = query->limit;
    plan->offset = query->offset;
    plan->count_only = query->count_only;
    plan->for_view = query->for_view;
    plan->for_reference = query->for_reference;
    plan->id_column = -1;
    if (check_limits(c, query) != OK)
        return FAIL;
    if (!query->count_only && (compile_groups(c, query) != OK || compile_items(c, query) != OK))
        return FAIL;
    if (conditions_sql(c, query, child_of, &where) != OK)
        goto done;
    if (!query->count_only && select_sql(c, query, buf_text(&where), &sql) != OK)
        goto done;
    plan->sql = buf_to_arena(c->arena, &sql);
    plan->count_sql = count_sql(c, query, buf_text(&where));
    if (query->count_only)
        plan->sql = plan->count_sql;
    keep_binds(c);
    rc = OK;
done:
    buf_free(&where);
    buf_free(&sql);
    return rc;
}

struct soql_plan *soql_compile(struct arena *arena, const struct soql_context *context,
                               const char *text, struct err *err)
{
    struct scope scope = {0};
    int children = 0;
    struct compiler c = {.arena = arena,
                         .context = context,
                         .err = err,
                         .scope = &scope,
                         .first_bind = 1,
                         .children = &children,
                         .schema = org_schema(context->org)};
    c.text = str_of(arena_strdup(arena, text));
    const struct ast_query *query = soql_parse(arena, c.text, err);
    if (!query)
        return NULL;
    c.plan = arena_alloc(arena, sizeof *c.plan);
    enum status rc = compile_from(&c, query);
    if (rc == OK)
        rc = compile_statement(&c, query, NULL);
    compiler_free(&c);
    return rc == OK ? c.plan : NULL;
}

/* --- child queries --- */

/* FROM Contacts, FROM Account.Contacts, FROM a.Contacts: the relationship's name. */
static struct str child_name(const struct compiler *outer, const struct ast_expr *path)
{
    if (path->part_count != 2)
        return path->text;
    bool mine = str_eq_nocase(path->parts[0], str_of(outer->scope->root->object->name));
    for (const struct alias *alias = outer->scope->aliases; alias; alias = alias->next)
        mine = mine ||
               (alias->source == outer->scope->root && str_eq_nocase(alias->name, path->parts[0]));
    return mine ? path->parts[1] : path->text;
}

static const struct field *child_field(struct compiler *c, const struct compiler *outer,
                                       const struct ast_expr *path, const char **name)
{
    struct str given = child_name(outer, path);
    const struct child_relationship *child =
        sobject_child(outer->scope->root->object, given.p, given.n);
    const struct sobject *object = child ? schema_find(c->schema, child->child_sobject) : NULL;
    const struct field *field = object ? sobject_field(object, child->field) : NULL;
    if (!field || !field->stored || !object_readable(c, object) || !field_readable(c, field)) {
        fail_at(c, SOQL_INVALID_TYPE, path->at, path->len,
                "Didn't understand relationship '" STR_FMT "' in FROM part of query call. If you "
                "are attempting to use a custom relationship, be sure to append the '__r' after "
                "the custom relationship name. Please reference your WSDL or the describe call for "
                "the appropriate names.",
                STR_ARG(given));
        return NULL;
    }
    *name = child->relationship_name;
    return field;
}

static enum status check_child(struct compiler *c, const struct compiler *outer,
                               const struct ast_query *query)
{
    int most = c->context->api_version >= 58 ? SOQL_MAX_LEVELS - 1 : 1;
    if (c->levels > most)
        return fail_at(c, SOQL_MALFORMED, query->at, 6, "Nested query levels are limited to %d",
                       most);
    if (query->count_only || query->group)
        return fail_at(c, SOQL_MALFORMED, query->at, 6,
                       "only root queries support aggregate expressions");
    if (query->offset >= 0 && outer->plan->limit != 1)
        return fail_at(c, SOQL_MALFORMED, query->offset_at, 1,
                       "OFFSET in a subquery is only allowed when the parent query has LIMIT 1");
    return OK;
}

enum status compile_children(struct compiler *outer, const struct ast_query *query,
                             struct soql_node *node)
{
    struct scope scope = {0};
    struct compiler c = {.arena = outer->arena,
                         .context = outer->context,
                         .err = outer->err,
                         .scope = &scope,
                         .first_bind = 2,
                         .schema = outer->schema,
                         .text = outer->text,
                         .levels = outer->levels + 1,
                         .children = outer->children};
    const struct field *field = child_field(&c, outer, query->from->path, &node->name);
    enum status rc = field ? check_child(&c, outer, query) : FAIL;
    if (rc != OK)
        goto done;
    c.plan = arena_alloc(c.arena, sizeof *c.plan);
    scope.root = source_root(&c, field->owner);
    node->object = field->owner;
    node->child = c.plan;
    rc = permissions_written(&c, field->owner);
    if (rc == OK)
        rc = add_aliases(&c, query);
    if (rc == OK)
        rc = compile_statement(&c, query, field);
    if (rc == OK && c.aggregate)
        rc = fail_at(&c, SOQL_MALFORMED, query->at, 6,
                     "only root queries support aggregate expressions");
done:
    compiler_free(&c);
    return rc;
}

/* --- conditions for rules --- */

enum status soql_condition_sql(struct arena *arena, struct org *org, const struct sobject *object,
                               const char *condition, int first, struct buf *out,
                               struct soql_bind **binds, size_t *bind_count, struct err *err)
{
    struct scope scope = {0};
    struct soql_context context = {.org = org, .now_ms = org_now_ms(org)};
    struct soql_plan plan = {0};
    struct compiler c = {.arena = arena,
                         .context = &context,
                         .err = err,
                         .scope = &scope,
                         .plan = &plan,
                         .first_bind = first,
                         .schema = org_schema(org),
                         .scalar_parents = true};
    c.text = str_of(arena_strdup(arena, condition));
    const struct ast_cond *cond = soql_parse_condition(arena, c.text, err);
    if (!cond)
        return FAIL;
    scope.root = source_root(&c, object);
    enum status rc = where_sql(&c, cond, out);
    keep_binds(&c);
    *binds = plan.binds;
    *bind_count = plan.bind_count;
    compiler_free(&c);
    return rc;
}
