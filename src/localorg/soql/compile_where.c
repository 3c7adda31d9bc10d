/* compile_where.c - conditions and the values they compare with.
 *
 * A plain column is never wrapped in a function, so that SQLite can use its
 * index; case is the business of the column's collation. SOQL knows only true
 * and false: `!=` and NOT IN hold for null, and NOT turns "unknown" into true,
 * hence IS NOT and IS NOT TRUE. Long AND and OR lists are written as balanced
 * trees: SQLite refuses expressions a thousand levels deep. */
#include "localorg/soql/compile_priv.h"

#include "base/when.h"
#include "localorg/soql/dates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- binding --- */

static int bind_add(struct compiler *c, struct soql_bind bind)
{
    vec_push(&c->binds, bind);
    return c->first_bind + (int)c->binds.len - 1;
}

int bind_text(struct compiler *c, const char *text)
{
    return bind_add(c, (struct soql_bind){.kind = SOQL_TEXT, .text = text});
}

int bind_int(struct compiler *c, int64_t value)
{
    return bind_add(c, (struct soql_bind){.kind = SOQL_INT, .integer = value});
}

static int bind_number(struct compiler *c, const char *digits)
{
    char *end = NULL;
    errno = 0;
    long long integer = strtoll(digits, &end, 10);
    if (!*end && errno == 0)
        return bind_int(c, integer);
    return bind_add(c, (struct soql_bind){.kind = SOQL_REAL, .real = strtod(digits, NULL)});
}

/* --- what a type compares with --- */

enum value_class { C_TEXT, C_ID, C_NUMBER, C_BOOLEAN, C_DATE, C_DATETIME, C_TIME, C_MULTI, C_NONE };

static enum value_class class_of(enum field_type type)
{
    switch (type) {
    case FT_ID:
    case FT_REFERENCE:
        return C_ID;
    case FT_BOOLEAN:
        return C_BOOLEAN;
    case FT_INT:
    case FT_DOUBLE:
    case FT_CURRENCY:
    case FT_PERCENT:
        return C_NUMBER;
    case FT_DATE:
        return C_DATE;
    case FT_DATETIME:
        return C_DATETIME;
    case FT_TIME:
        return C_TIME;
    case FT_MULTIPICKLIST:
        return C_MULTI;
    case FT_ADDRESS:
    case FT_LOCATION:
    case FT_BASE64:
        return C_NONE;
    default:
        return C_TEXT;
    }
}

/* The type's name as the error says it. */
static const char *class_name(enum value_class class, enum field_type type)
{
    switch (class) {
    case C_ID:
        return "ID";
    case C_BOOLEAN:
        return "boolean";
    case C_NUMBER:
        return type == FT_INT ? "int" : "double";
    case C_DATE:
        return "date";
    case C_DATETIME:
        return "dateTime";
    case C_TIME:
        return "time";
    default:
        return "string";
    }
}

struct comparison {
    struct compiler *c;
    const struct ast_cond *cond;
    struct resolved left;
    enum value_class class;
    struct buf *out;
};

static enum status wrong_type(const struct comparison *cmp)
{
    bool quoted = cmp->class == C_TEXT || cmp->class == C_ID || cmp->class == C_MULTI;
    return fail_at(cmp->c, SOQL_INVALID_FIELD, cmp->cond->left->at, cmp->cond->left->len,
                   "value of filter criterion for field '%s' must be of type %s and should %sbe "
                   "enclosed in quotes",
                   cmp->left.name, class_name(cmp->class, cmp->left.type), quoted ? "" : "not ");
}

static enum status wrong_operator(const struct comparison *cmp)
{
    const char *type = cmp->class == C_ID ? "id" : field_type_name(cmp->left.type);
    return fail_at(cmp->c, SOQL_INVALID_OPERATOR, cmp->cond->left->at, cmp->cond->left->len,
                   "invalid operator on %s field", type);
}

/* Null, and what counts as null: '' everywhere it can stand. */
static bool is_null(const struct comparison *cmp, const struct ast_value *value)
{
    if (value->kind == AST_V_NULL)
        return true;
    return value->kind == AST_V_STRING && !*value->text && cmp->class != C_NUMBER &&
           (cmp->class == C_TEXT || cmp->class == C_ID || cmp->class == C_MULTI);
}

static enum status bind_id(const struct comparison *cmp, const struct ast_value *value, int *bind)
{
    char id[19];
    if (!id_canonical(value->text, id))
        return fail_at(cmp->c, SOQL_INVALID_OPERATOR, cmp->cond->left->at, cmp->cond->left->len,
                       "invalid ID field: %s", value->text);
    *bind = bind_text(cmp->c, arena_strdup(cmp->c->arena, id));
    return OK;
}

/* Binds a value as the column stores it, or says what is wrong with it. */
static enum status bind_value(const struct comparison *cmp, const struct ast_value *value,
                              int *bind)
{
    struct compiler *c = cmp->c;
    static const struct {
        enum value_class class;
        enum ast_value_kind kind;
    } fits[] = {{C_TEXT, AST_V_STRING},   {C_MULTI, AST_V_STRING},      {C_ID, AST_V_STRING},
                {C_NUMBER, AST_V_NUMBER}, {C_NUMBER, AST_V_CURRENCY},   {C_BOOLEAN, AST_V_BOOLEAN},
                {C_DATE, AST_V_DATE},     {C_DATETIME, AST_V_DATETIME}, {C_TIME, AST_V_TIME}};
    bool fit = false;
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++)
        fit = fit || (fits[i].class == cmp->class && fits[i].kind == value->kind);
    if (!fit)
        return wrong_type(cmp);
    switch (cmp->class) {
    case C_ID:
        return bind_id(cmp, value, bind);
    case C_NUMBER:
        *bind = bind_number(c, value->text);
        return OK;
    case C_BOOLEAN:
        *bind = bind_int(c, value->truth);
        return OK;
    case C_DATETIME:
        *bind = bind_int(c, value->ms);
        return OK;
    default:
        *bind = bind_text(c, value->text);
        return OK;
    }
}

/* --- one comparison --- */

/* The left side; text without a collation of its own gets one. */
static const char *left_sql(const struct comparison *cmp)
{
    const struct resolved *left = &cmp->left;
    if (cmp->class == C_BOOLEAN && left->source && left->source->parent)
        return arena_printf(cmp->c->arena, "coalesce(%s, 0)", left->sql);
    if (!left->plain && (cmp->class == C_TEXT || cmp->class == C_MULTI) &&
        !(left->field && left->field->case_sensitive))
        return arena_printf(cmp->c->arena, "%s COLLATE NOCASE", left->sql);
    return left->sql;
}

static const char *const operator_sql[] = {
    [AST_EQ] = "=", [AST_NE] = "IS NOT", [AST_LT] = "<",     [AST_LE] = "<=",
    [AST_GT] = ">", [AST_GE] = ">=",     [AST_LIKE] = "LIKE"};

static enum status null_sql(const struct comparison *cmp)
{
    const char *left = left_sql(cmp);
    if (cmp->cond->op == AST_EQ)
        buf_printf(cmp->out, cmp->class == C_BOOLEAN ? "%s = 0" : "%s IS NULL", left);
    else if (cmp->cond->op == AST_NE)
        buf_printf(cmp->out, cmp->class == C_BOOLEAN ? "%s <> 0" : "%s IS NOT NULL", left);
    else
        buf_str(cmp->out, "0");
    return OK;
}

/* A pattern that starts with letters is a range of the index, too: "(a >= 'Ac' AND a < 'Ac\xF4.."
 * up to the last character there is. */
static bool like_bounds(const struct comparison *cmp, const char *pattern)
{
    struct compiler *c = cmp->c;
    size_t len = strcspn(pattern, "%_\\");
    if (!len || !cmp->left.plain || (cmp->left.field && cmp->left.field->case_sensitive))
        return false;
    const char *from = arena_strndup(c->arena, pattern, len);
    const char *until = arena_printf(c->arena, "%s\xF4\x8F\xBF\xBF", from);
    int first = bind_text(c, from);
    buf_printf(cmp->out, "(%s >= ?%d AND %s < ?%d AND ", cmp->left.sql, first, cmp->left.sql,
               bind_text(c, until));
    return true;
}

static enum status like_sql(const struct comparison *cmp)
{
    const struct ast_value *value = cmp->cond->values;
    if (cmp->class != C_TEXT)
        return wrong_operator(cmp);
    if (value->kind != AST_V_STRING)
        return wrong_type(cmp);
    bool bounded = like_bounds(cmp, value->text);
    buf_printf(cmp->out, "%s LIKE ?%d", cmp->left.sql, bind_text(cmp->c, value->text));
    if (strchr(value->text, '\\'))
        buf_str(cmp->out, " ESCAPE '\\'");
    buf_str(cmp->out, bounded ? ")" : "");
    return OK;
}

/* The two ends of a date literal, as the column stores them. */
static enum status bind_range(const struct comparison *cmp, const struct ast_value *value,
                              int ends[2])
{
    struct compiler *c = cmp->c;
    const struct zone *zone = user_zone(c);
    int64_t now = c->context->now_ms;
    struct date_range range;
    if (!date_literal_range_fiscal(value->range, value->range_n, zone_day(zone, now),
                                   org_fiscal(c)->start_month, &range))
        return fail_at(c, SOQL_MALFORMED, value->at, value->len, "Invalid date range");
    int64_t days[2] = {range.start, range.end};
    for (int i = 0; i < 2; i++) {
        if (cmp->class == C_DATE) {
            struct date date = date_from_days(days[i]);
            ends[i] = bind_text(
                c, arena_printf(c->arena, "%04d-%02d-%02d", date.year, date.month, date.day));
        } else {
            int64_t ms = zone_day_start(zone, days[i]);
            ends[i] = bind_int(c, i == 1 && range.until_now && ms > now ? now + 1 : ms);
        }
    }
    return OK;
}

static enum status range_sql(const struct comparison *cmp, const struct ast_value *value,
                             enum ast_op op)
{
    int ends[2];
    const char *left = left_sql(cmp);
    if (cmp->class != C_DATE && cmp->class != C_DATETIME)
        return wrong_type(cmp);
    if (bind_range(cmp, value, ends) != OK)
        return FAIL;
    switch (op) {
    case AST_EQ:
        buf_printf(cmp->out, "(%s >= ?%d AND %s < ?%d)", left, ends[0], left, ends[1]);
        return OK;
    case AST_NE:
        buf_printf(cmp->out, "(%s IS NULL OR %s < ?%d OR %s >= ?%d)", left, left, ends[0], left,
                   ends[1]);
        return OK;
    case AST_LT:
    case AST_GE:
        buf_printf(cmp->out, "%s %s ?%d", left, operator_sql[op], ends[0]);
        return OK;
    case AST_LE:
        buf_printf(cmp->out, "%s < ?%d", left, ends[1]);
        return OK;
    case AST_GT:
        buf_printf(cmp->out, "%s >= ?%d", left, ends[1]);
        return OK;
    default:
        return wrong_operator(cmp);
    }
}

/* A few people own everything, so an owner's index leads to a good part of the table: SQLite,
 * which has no statistics here, is told, and takes any better index there is. */
static bool names_a_person(const struct comparison *cmp)
{
    const struct field *field = cmp->left.field;
    bool person = false;
    if (cmp->cond->op != AST_EQ || cmp->class != C_ID || !cmp->left.plain || !field)
        return false;
    for (size_t i = 0; i < field->reference_count; i++)
        person = person || text_eq(field->reference_to[i], "User");
    return person;
}

static enum status simple_sql(const struct comparison *cmp)
{
    const struct ast_value *value = cmp->cond->values;
    enum ast_op op = cmp->cond->op;
    bool ordered = op != AST_EQ && op != AST_NE;
    int bind = 0;
    if (op == AST_LIKE && !is_null(cmp, value))
        return like_sql(cmp);
    if (ordered && (cmp->class == C_BOOLEAN || cmp->class == C_MULTI))
        return wrong_operator(cmp);
    if (is_null(cmp, value))
        return null_sql(cmp);
    if (value->kind == AST_V_RANGE)
        return range_sql(cmp, value, op);
    if (bind_value(cmp, value, &bind) != OK)
        return FAIL;
    buf_printf(cmp->out, names_a_person(cmp) ? "likelihood(%s %s ?%d, 0.1)" : "%s %s ?%d",
               left_sql(cmp), operator_sql[op], bind);
    return OK;
}

/* --- lists --- */

/* Thousands of values become one placeholder holding a JSON array. */
static void json_list(const struct comparison *cmp, size_t first_bind)
{
    struct buf json = BUF_INIT;
    struct jw w;
    struct compiler *c = cmp->c;
    jw_init(&w, &json);
    jw_array(&w);
    for (size_t i = first_bind; i < c->binds.len; i++) {
        const struct soql_bind *bind = &c->binds.at[i];
        if (bind->kind == SOQL_TEXT)
            jw_text(&w, bind->text);
        else if (bind->kind == SOQL_INT)
            jw_int(&w, bind->integer);
        else
            jw_double(&w, bind->real);
    }
    jw_end_array(&w);
    c->binds.len = first_bind;
    buf_printf(cmp->out, "(SELECT value FROM json_each(?%d))",
               bind_text(c, buf_to_arena(c->arena, &json)));
}

static void bind_list(const struct comparison *cmp, size_t first_bind)
{
    enum { MANY = 500 };
    struct compiler *c = cmp->c;
    if (c->binds.len - first_bind > MANY) {
        json_list(cmp, first_bind);
        return;
    }
    for (size_t i = first_bind; i < c->binds.len; i++)
        buf_printf(cmp->out, "%s?%d", i == first_bind ? "(" : ",", c->first_bind + (int)i);
    buf_char(cmp->out, ')');
}

/* IN with a date literal among its values: one OR'd range each. */
static enum status ranges_sql(const struct comparison *cmp)
{
    struct ast_cond one = *cmp->cond;
    struct comparison part = *cmp;
    part.cond = &one;
    one.op = AST_EQ;
    buf_char(cmp->out, '(');
    for (const struct ast_value *value = cmp->cond->values; value; value = value->next) {
        struct ast_value alone = *value;
        alone.next = NULL;
        one.values = &alone;
        if (value != cmp->cond->values)
            buf_str(cmp->out, " OR ");
        if (simple_sql(&part) != OK)
            return FAIL;
    }
    buf_str(cmp->out, cmp->cond->op == AST_NOT_IN ? ") IS NOT TRUE" : ")");
    return OK;
}

static enum status list_sql(const struct comparison *cmp)
{
    bool not_in = cmp->cond->op == AST_NOT_IN, null = false;
    size_t first = cmp->c->binds.len;
    const char *left = left_sql(cmp);
    for (const struct ast_value *value = cmp->cond->values; value; value = value->next)
        if (value->kind == AST_V_RANGE)
            return ranges_sql(cmp);
    for (const struct ast_value *value = cmp->cond->values; value; value = value->next) {
        int bind = 0;
        if (is_null(cmp, value))
            null = true;
        else if (bind_value(cmp, value, &bind) != OK)
            return FAIL;
    }
    if (null && cmp->class == C_BOOLEAN) {
        bind_int(cmp->c, 0);
        null = false;
    }
    if (cmp->c->binds.len == first) {
        buf_printf(cmp->out, "%s IS %sNULL", left, not_in ? "NOT " : "");
        return OK;
    }
    buf_printf(cmp->out, "(%s %sIN ", left, not_in ? "NOT " : "");
    bind_list(cmp, first);
    if (null != not_in) /* IN (.., null) and NOT IN (..) hold for null */
        buf_printf(cmp->out, " OR %s IS NULL", left);
    buf_char(cmp->out, ')');
    return OK;
}

/* --- INCLUDES --- */

/* One 'A;B' of INCLUDES: every part must be there. */
static void includes_all(const struct comparison *cmp, const char *text)
{
    struct compiler *c = cmp->c;
    for (const char *part = text; *part;) {
        size_t len = strcspn(part, ";");
        struct buf pattern = BUF_INIT;
        buf_str(&pattern, "%;");
        for (size_t i = 0; i < len; i++) {
            if (strchr("%_\\", part[i]))
                buf_char(&pattern, '\\');
            buf_char(&pattern, part[i]);
        }
        buf_str(&pattern, ";%");
        buf_printf(cmp->out, "%s';' || %s || ';' LIKE ?%d ESCAPE '\\'", part == text ? "" : " AND ",
                   cmp->left.sql, bind_text(c, buf_to_arena(c->arena, &pattern)));
        part += len + (part[len] == ';');
    }
    if (!*text)
        buf_printf(cmp->out, "%s IS NULL", cmp->left.sql);
}

static enum status includes_sql(const struct comparison *cmp)
{
    if (cmp->class != C_MULTI)
        return fail_at(cmp->c, SOQL_INVALID_OPERATOR, cmp->cond->left->at, cmp->cond->left->len,
                       "includes or excludes operator only valid on multipicklist field");
    buf_char(cmp->out, '(');
    for (const struct ast_value *value = cmp->cond->values; value; value = value->next) {
        if (value->kind != AST_V_STRING && value->kind != AST_V_NULL)
            return wrong_type(cmp);
        buf_str(cmp->out, value == cmp->cond->values ? "(" : " OR (");
        includes_all(cmp, value->kind == AST_V_NULL ? "" : value->text);
        buf_char(cmp->out, ')');
    }
    buf_str(cmp->out, cmp->cond->op == AST_EXCLUDES ? ") IS NOT TRUE" : ")");
    return OK;
}

/* --- semi-joins --- */

static enum status semi_fail(struct compiler *c, const struct ast_cond *cond, const char *sentence)
{
    return fail_at(c, SOQL_MALFORMED, cond->at, cond->len, "%s", sentence);
}

/* What Salesforce says of a semi-join by its shape alone. */
static enum status semi_shape(struct compiler *c, const struct ast_cond *cond)
{
    const struct ast_query *inner = cond->query;
    if (++c->semi_joins > 2)
        return semi_fail(c, cond, "Maximum 2 semi join sub-selects are allowed.");
    if (cond->left->kind != AST_PATH)
        return semi_fail(c, cond, "The left operand of a semi join must be a field");
    if (!inner->items || inner->items->next || inner->items->kind != AST_I_EXPR ||
        inner->items->expr->kind != AST_PATH || inner->from->next)
        return semi_fail(c, cond, "Semi join sub-selects can only query one field");
    if (inner->items->expr->part_count > 1 &&
        !str_eq_nocase(inner->items->expr->parts[0],
                       inner->from->alias.n ? inner->from->alias : inner->from->path->text))
        return semi_fail(c, cond,
                         "Semi join sub-selects cannot query a field of a relationship");
    if (inner->order || inner->limit >= 0 || inner->offset >= 0 || inner->group)
        return semi_fail(c, cond,
                         "Semi join sub-selects do not support ORDER BY, LIMIT or GROUP BY");
    return OK;
}

static bool semi_refused(const struct sobject *object)
{
    static const char *const refused[] = {"ActivityHistory", "OpenActivity", "Attachment",
                                          "Event",           "Note",         "Task"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (text_eq_nocase(object->name, refused[i]))
            return true;
    return false;
}

/* Which object an id field means; NULL when it may be several. */
static const char *points_to(const struct resolved *value)
{
    if (value->type == FT_ID && value->source)
        return value->source->object ? value->source->object->name : NULL;
    return value->field && value->field->reference_count == 1 ? value->field->reference_to[0]
                                                              : NULL;
}

static enum status semi_types(const struct comparison *cmp, const struct resolved *inner)
{
    const struct ast_expr *selected = cmp->cond->query->items->expr;
    const char *left = points_to(&cmp->left), *right = points_to(inner);
    if (inner->type != FT_ID && inner->type != FT_REFERENCE)
        return fail_at(cmp->c, SOQL_MALFORMED, selected->at, selected->len,
                       "The inner select field '" STR_FMT "' must be an id or reference field",
                       STR_ARG(selected->text));
    if (left && right && !text_eq_nocase(left, right))
        return fail_at(cmp->c, SOQL_MALFORMED, cmp->cond->left->at, cmp->cond->left->len,
                       "The selected field '%s' in the subquery and the left operand field in the "
                       "where expression in the outer query '%s' should point to the same object "
                       "type",
                       inner->name, cmp->left.name);
    return OK;
}

static enum status semi_from(const struct comparison *cmp)
{
    struct compiler *c = cmp->c;
    const struct sobject *outer = cmp->left.source->object;
    if (compile_from(c, cmp->cond->query) != OK)
        return FAIL;
    const struct sobject *object = c->scope->root->object;
    if (object == outer)
        return semi_fail(c, cmp->cond,
                         "The inner and outer selects should not be on the same object type");
    if (semi_refused(object))
        return fail_at(c, SOQL_MALFORMED, cmp->cond->at, cmp->cond->len,
                       "Entity '%s' is not supported for semi join inner selects", object->name);
    return OK;
}

static enum status semi_inner(const struct comparison *cmp, struct buf *where,
                              struct resolved *selected)
{
    struct compiler *c = cmp->c;
    const struct ast_query *query = cmp->cond->query;
    if (semi_from(cmp) != OK || resolve_expr(c, query->items->expr, selected) != OK ||
        semi_types(cmp, selected) != OK)
        return FAIL;
    buf_printf(where, " WHERE %s IS NOT NULL", selected->sql);
    if (!c->context->all_rows)
        buf_printf(where, " AND t%d.\"IsDeleted\" = 0", c->scope->root->number);
    buf_str(where, source_reach(c, c->scope->root));
    if (!query->where)
        return OK;
    buf_str(where, " AND (");
    if (where_sql(c, query->where, where) != OK)
        return FAIL;
    buf_char(where, ')');
    return OK;
}

static enum status semi_sql(const struct comparison *cmp)
{
    struct compiler *c = cmp->c;
    struct scope inner = {0}, *outer = c->scope;
    struct buf where = BUF_INIT;
    struct resolved selected;
    bool not_in = cmp->cond->op == AST_NOT_IN;
    if (cmp->left.source != outer->root || cmp->class != C_ID)
        return fail_at(c, SOQL_MALFORMED, cmp->cond->left->at, cmp->cond->left->len,
                       "The left operand field in the where expression for outer query should be "
                       "an id field, cannot use: '" STR_FMT "'",
                       STR_ARG(cmp->cond->left->text));
    if (semi_shape(c, cmp->cond) != OK)
        return FAIL;
    c->scope = &inner;
    enum status rc = semi_inner(cmp, &where, &selected);
    if (rc == OK) {
        buf_printf(cmp->out,
                   not_in ? "(%s IS NULL OR %s NOT IN (SELECT %s FROM %s"
                          : "(%s%.0s IN (SELECT %s FROM %s",
                   cmp->left.sql, cmp->left.sql, selected.sql, source_table(c, inner.root));
        joins_sql(inner.root, false, cmp->out);
        buf_append(cmp->out, where.data, where.len);
        buf_str(cmp->out, "))");
    }
    c->scope = outer;
    buf_free(&where);
    return rc;
}

/* --- the tree --- */

static enum status may_filter(const struct comparison *cmp)
{
    const struct field *field = cmp->left.field;
    if (!cmp->c->context->user_id || cmp->left.function || !field || field->filterable)
        return OK; /* rules, who have no user, may look at everything */
    return fail_at(cmp->c, SOQL_INVALID_FIELD, cmp->cond->left->at, cmp->cond->left->len,
                   "field '%s' can not be filtered in a query call", field->name);
}

static enum status comparison_sql(struct compiler *c, const struct ast_cond *cond, struct buf *out)
{
    struct comparison cmp = {.c = c, .cond = cond, .out = out};
    if (resolve_expr(c, cond->left, &cmp.left) != OK)
        return FAIL;
    cmp.class = class_of(cmp.left.type);
    if (cmp.class == C_ID && cmp.left.field && cmp.left.field->reference_target_field)
        cmp.class = C_TEXT; /* its values are not ids */
    if (may_filter(&cmp) != OK)
        return FAIL;
    if (cmp.class == C_NONE)
        return wrong_operator(&cmp);
    if (cond->query && c->in_having)
        return semi_fail(c, cond, "Semi join sub-selects are not allowed in the HAVING clause");
    if (cond->query)
        return semi_sql(&cmp);
    if (cmp.left.date_part && cond->values && cond->values->kind == AST_V_RANGE)
        return fail_at(c, SOQL_MALFORMED, cond->values->at, cond->values->len,
                       "date functions cannot be compared with date literals");
    if (cmp.left.distance && cond->op != AST_LT && cond->op != AST_GT && cond->op != AST_LE &&
        cond->op != AST_GE)
        return fail_at(c, SOQL_MALFORMED, cond->op_at, cond->op_len,
                       "DISTANCE can only be compared with < and >");
    if (cond->op == AST_INCLUDES || cond->op == AST_EXCLUDES)
        return includes_sql(&cmp);
    if (cond->op == AST_IN || cond->op == AST_NOT_IN)
        return list_sql(&cmp);
    return simple_sql(&cmp);
}

/* --- bounds of an OR --- */

static bool same_value(const struct ast_value *a, const struct ast_value *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == AST_V_DATETIME ? a->ms == b->ms : a->text && text_eq(a->text, b->text);
}

/* Does this comparison bound the field of `key` by its value, in its direction? */
static bool bounds_same(const struct ast_cond *cond, const struct ast_cond *key, bool lower)
{
    if (cond->kind != AST_COMPARE || cond->query || cond->left->kind != AST_PATH ||
        !str_eq_nocase(cond->left->text, key->left->text))
        return false;
    bool strict = cond->op == (lower ? AST_GT : AST_LT),
         loose = cond->op == (lower ? AST_GE : AST_LE);
    return (cond->op == AST_EQ || strict || loose) && same_value(cond->values, key->values);
}

static bool branch_bounds(const struct ast_cond *branch, const struct ast_cond *key, bool lower)
{
    if (branch->kind != AST_AND)
        return bounds_same(branch, key, lower);
    for (const struct ast_cond *one = branch->first; one; one = one->next)
        if (bounds_same(one, key, lower))
            return true;
    return false;
}

/* (a = x AND b > y) OR a > x implies a >= x. Said aloud, it turns a walk over
 * the whole index, or a sort, into a range. The one comparison that is such a
 * bound in every branch, or NULL. */
static const struct ast_cond *common_bound(const struct ast_cond * or)
{
    for (const struct ast_cond *key = or->first; key; key = key->next) {
        bool lower = key->kind == AST_COMPARE && (key->op == AST_GT || key->op == AST_GE);
        bool upper = key->kind == AST_COMPARE && (key->op == AST_LT || key->op == AST_LE);
        bool all = (lower || upper) && key->left->kind == AST_PATH &&
                   (key->values->kind == AST_V_DATETIME || key->values->kind == AST_V_DATE ||
                    key->values->kind == AST_V_STRING || key->values->kind == AST_V_NUMBER) &&
                   !(key->values->text && !*key->values->text);
        for (const struct ast_cond *branch = or->first; branch && all; branch = branch->next)
            all = branch_bounds(branch, key, lower);
        if (all)
            return key;
    }
    return NULL;
}

enum place { AT_TOP, IN_OR, BELOW }; /* where semi-joins may stand: only at the top */

static enum status cond_sql(struct compiler *c, const struct ast_cond *cond, enum place place,
                            struct buf *out);

/* a op (b op c): halves of halves. */
static enum status balanced_sql(struct compiler *c, const struct ast_cond **list, size_t count,
                                const char *word, enum place place, struct buf *out)
{
    if (count == 1)
        return cond_sql(c, list[0], place, out);
    buf_char(out, '(');
    if (balanced_sql(c, list, count / 2, word, place, out) != OK)
        return FAIL;
    buf_printf(out, " %s ", word);
    if (balanced_sql(c, list + count / 2, count - count / 2, word, place, out) != OK)
        return FAIL;
    buf_char(out, ')');
    return OK;
}

/* "(a >= x AND " */
static enum status bound_sql(struct compiler *c, const struct ast_cond *bound, struct buf *out)
{
    struct ast_cond loose = *bound;
    if (bound->op == AST_GT)
        loose.op = AST_GE;
    if (bound->op == AST_LT)
        loose.op = AST_LE;
    buf_char(out, '(');
    if (comparison_sql(c, &loose, out) != OK)
        return FAIL;
    buf_str(out, " AND ");
    return OK;
}

static enum status list_cond_sql(struct compiler *c, const struct ast_cond *cond, enum place place,
                                 struct buf *out)
{
    VEC(const struct ast_cond *) list = {0};
    for (const struct ast_cond *one = cond->first; one; one = one->next)
        vec_push(&list, one);
    bool and = cond->kind == AST_AND;
    if (!and)
        place = place == AT_TOP ? IN_OR : BELOW;
    else if (place != AT_TOP)
        place = BELOW;
    const struct ast_cond *bound = and? NULL : common_bound(cond);
    enum status rc = bound ? bound_sql(c, bound, out) : OK;
    if (rc == OK)
        rc = balanced_sql(c, list.at, list.len, and? "AND" : "OR", place, out);
    if (bound)
        buf_char(out, ')');
    vec_free(&list);
    return rc;
}

static enum status cond_sql(struct compiler *c, const struct ast_cond *cond, enum place place,
                            struct buf *out)
{
    if (cond->kind == AST_COMPARE) {
        if (cond->query && place == IN_OR)
            return semi_fail(c, cond,
                             "Semi join sub-selects are not allowed with the 'OR' operator");
        if (cond->query && place == BELOW)
            return semi_fail(c, cond,
                             "Semi join sub-selects are only allowed at the top level WHERE "
                             "expressions and not in nested WHERE expressions.");
        return comparison_sql(c, cond, out);
    }
    if (cond->kind != AST_NOT)
        return list_cond_sql(c, cond, place, out);
    buf_str(out, "((");
    if (cond_sql(c, cond->first, BELOW, out) != OK)
        return FAIL;
    buf_str(out, ") IS NOT TRUE)");
    return OK;
}

enum status where_sql(struct compiler *c, const struct ast_cond *cond, struct buf *out)
{
    bool before = c->in_where;
    bool nested = c->scope->root && c->scope->root->number != 0;
    c->in_where = true;
    enum status rc = cond_sql(c, cond, nested ? BELOW : AT_TOP, out);
    c->in_where = before;
    return rc;
}
