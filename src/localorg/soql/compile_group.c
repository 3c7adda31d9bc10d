/* compile_group.c - GROUP BY, its totals, HAVING and ORDER BY.
 *
 * SQLite has no ROLLUP or CUBE: each set of groups becomes one SELECT of a
 * UNION ALL, with NULL for the columns outside the set and GROUPING() spelled
 * out as 0 or 1. Sort keys become columns of their own there, since a compound
 * SELECT can only be ordered by its columns.
 *
 * Nulls come first unless NULLS LAST is given, in both directions. */
#include "localorg/soql/compile_priv.h"

#include <string.h>

bool is_grouped(const struct compiler *c, const char *sql)
{
    for (size_t i = 0; i < c->groups.len; i++)
        if (strcmp(c->groups.at[i], sql) == 0)
            return true;
    return false;
}

static bool items_aggregate(const struct ast_query *query)
{
    for (const struct ast_item *item = query->items; item; item = item->next)
        if (item->kind == AST_I_EXPR && is_grouping_call(item->expr))
            return true;
    return false;
}

static enum status compile_group(struct compiler *c, const struct ast_expr *expr)
{
    struct resolved value;
    if (resolve_expr(c, expr, &value) != OK)
        return FAIL;
    if (value.aggregate)
        return fail_at(c, SOQL_MALFORMED, expr->at, expr->len,
                       "Grouped field should not be aggregated: " STR_FMT, STR_ARG(expr->text));
    if (!value.function && value.field && !value.field->groupable)
        return fail_at(c, SOQL_MALFORMED, expr->at, expr->len,
                       "field '%s' can not be grouped in a query call", value.name);
    vec_push(&c->groups, value.sql);
    return OK;
}

enum status compile_groups(struct compiler *c, const struct ast_query *query)
{
    c->aggregate = query->group || query->having || items_aggregate(query);
    c->plan->aggregate = c->aggregate;
    for (const struct ast_expr *expr = query->group; expr; expr = expr->next)
        if (compile_group(c, expr) != OK)
            return FAIL;
    if (query->having && !query->group)
        return err_set(c->err, SOQL_MALFORMED, "HAVING requires a GROUP BY clause");
    if (query->group_kind != AST_G_PLAIN && c->groups.len > SOQL_MAX_GROUPINGS)
        return fail_at(c, SOQL_MALFORMED, query->group->at, query->group->len,
                       "ROLLUP and CUBE allow at most %d fields", SOQL_MAX_GROUPINGS);
    c->totals = query->group_kind != AST_G_PLAIN;
    if (c->aggregate && !query->group && query->limit >= 0)
        return fail_at(c, SOQL_MALFORMED, query->limit_at, 1,
                       "Non-grouped query that uses overall aggregate functions cannot also use "
                       "LIMIT");
    return OK;
}

/* --- ORDER BY --- */

static enum status check_order(struct compiler *c, const struct ast_expr *expr,
                               const struct resolved *value)
{
    if (c->aggregate && !value->aggregate && !is_grouped(c, value->sql))
        return err_set(c->err, SOQL_MALFORMED, "Ordered field must be grouped or aggregated: %s",
                       value->name);
    if (!c->aggregate && value->aggregate)
        return fail_at(c, SOQL_MALFORMED, expr->at, expr->len,
                       "Field must be grouped or aggregated: " STR_FMT, STR_ARG(expr->text));
    if (!value->function && value->field && !value->field->sortable)
        return fail_at(c, SOQL_INVALID_FIELD, expr->at, expr->len,
                       "field '%s' can not be sorted in a query call", value->name);
    return OK;
}

static bool is_text(enum field_type type)
{
    switch (type) {
    case FT_STRING:
    case FT_TEXTAREA:
    case FT_PHONE:
    case FT_URL:
    case FT_EMAIL:
    case FT_PICKLIST:
    case FT_COMBOBOX:
        return true;
    default:
        return false;
    }
}

/* What to sort by. */
static const char *order_key(struct compiler *c, const struct resolved *value)
{
    const char *ranked = c->aggregate ? NULL : picklist_order_sql(c, value);
    if (ranked)
        return ranked;
    if (is_text(value->type) && !value->plain && !value->aggregate)
        return arena_printf(c->arena, "%s COLLATE NOCASE", value->sql);
    return value->sql;
}

static const char *order_direction(const struct ast_order *order, const struct resolved *value)
{
    bool never_null = value->plain && value->field && !value->field->nillable && value->source &&
                      !value->source->parent;
    bool last = order->nulls_last && value->type != FT_REFERENCE;
    if (order->desc) /* SQLite puts nulls last here by itself */
        return never_null || last ? " DESC" : " DESC NULLS FIRST";
    return !never_null && last ? " ASC NULLS LAST" : "";
}

static enum status one_order_sql(struct compiler *c, const struct ast_order *order, bool ordinal,
                                 struct buf *out)
{
    struct resolved value;
    if (resolve_expr(c, order->expr, &value) != OK || check_order(c, order->expr, &value) != OK)
        return FAIL;
    if (ordinal)
        buf_printf(out, "%d%s", add_column(c, value.sql) + 1, order_direction(order, &value));
    else
        buf_printf(out, "%s%s", order_key(c, &value), order_direction(order, &value));
    return OK;
}

static enum status order_list_sql(struct compiler *c, const struct ast_query *query, bool ordinal,
                                  struct buf *out)
{
    for (const struct ast_order *order = query->order; order; order = order->next) {
        buf_str(out, order == query->order ? " ORDER BY " : ", ");
        if (one_order_sql(c, order, ordinal, out) != OK)
            return FAIL;
    }
    return OK;
}

enum status order_sql(struct compiler *c, const struct ast_query *query, struct buf *out)
{
    return order_list_sql(c, query, false, out);
}

/* --- one SELECT of a set of groups --- */

#define GROUPING_MARK "GROUPING "

static bool in_set(const struct compiler *c, const char *sql, unsigned set)
{
    for (size_t i = 0; i < c->groups.len; i++)
        if (strcmp(c->groups.at[i], sql) == 0)
            return set >> i & 1;
    return true;
}

static void set_columns(const struct compiler *c, unsigned set, struct buf *out)
{
    size_t mark = strlen(GROUPING_MARK);
    for (size_t i = 0; i < c->columns.len; i++) {
        const char *sql = c->columns.at[i];
        if (i)
            buf_str(out, ", ");
        if (text_starts(sql, GROUPING_MARK))
            buf_char(out, in_set(c, sql + mark, set) ? '0' : '1');
        else
            buf_str(out, in_set(c, sql, set) ? sql : "NULL");
    }
}

static void set_sql(const struct compiler *c, unsigned set, const char *from_where,
                    const char *having, struct buf *out)
{
    bool first = true;
    buf_str(out, "SELECT ");
    set_columns(c, set, out);
    buf_str(out, from_where);
    for (size_t i = 0; i < c->groups.len; i++) {
        if (!(set >> i & 1))
            continue;
        buf_printf(out, "%s%s", first ? " GROUP BY " : ", ", c->groups.at[i]);
        first = false;
    }
    if (*having)
        buf_printf(out, " HAVING %s", having);
}

/* Subtotals after their parts, the grand total last. */
static void default_order(struct compiler *c, struct buf *out)
{
    for (size_t i = 0; i < c->groups.len; i++) {
        const char *mark = arena_printf(c->arena, GROUPING_MARK "%s", c->groups.at[i]);
        buf_printf(out, "%s%d, %d", i ? ", " : " ORDER BY ", add_column(c, mark) + 1,
                   add_column(c, c->groups.at[i]) + 1);
    }
}

static void totals_sql(struct compiler *c, const struct ast_query *query, const char *from_where,
                       const char *having, struct buf *out)
{
    unsigned all = (1u << c->groups.len) - 1;
    const char *separator = "";
    for (unsigned set = all;; set--) {
        bool prefix = (set & (set + 1)) == 0; /* ROLLUP: the first fields only */
        if (query->group_kind == AST_G_CUBE || prefix) {
            buf_str(out, separator);
            set_sql(c, set, from_where, having, out);
            separator = " UNION ALL ";
        }
        if (set == 0)
            break;
    }
}

static enum status having_sql(struct compiler *c, const struct ast_query *query, struct buf *out)
{
    if (!query->having)
        return OK;
    c->in_having = true;
    enum status rc = where_sql(c, query->having, out);
    c->in_having = false;
    return rc;
}

enum status grouped_sql(struct compiler *c, const struct ast_query *query, const char *from_where,
                        struct buf *out)
{
    bool totals = query->group_kind != AST_G_PLAIN;
    struct buf having = BUF_INIT, order = BUF_INIT;
    enum status rc = having_sql(c, query, &having);
    if (rc != OK || (rc = order_list_sql(c, query, totals, &order)) != OK)
        goto done;
    if (totals) {
        if (!query->order)
            default_order(c, &order);
        totals_sql(c, query, from_where, buf_text(&having), out);
    } else {
        set_sql(c, ~0u, from_where, buf_text(&having), out);
    }
    buf_str(out, buf_text(&order));
done:
    buf_free(&having);
    buf_free(&order);
    return rc;
}
