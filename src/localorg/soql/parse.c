/* parse.c - the clauses of a SOQL query, in the order they must come.
 *
 * Recursive descent, one token under the hand. Conditions are in
 * parse_where.c. Lists keep the order of the text. Nothing here asks whether a
 * name exists; what Salesforce refuses by shape alone is refused here. */
#include "localorg/soql/parse_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void parser_start(struct parser *p, struct arena *arena, struct str text, struct err *err)
{
    *p = (struct parser){.arena = arena, .text = text, .err = err};
    p->token = lex_next(text, 0);
}

void parser_step(struct parser *p)
{
    p->token = lex_next(p->text, p->token.at + p->token.len);
}

struct token parser_peek(const struct parser *p)
{
    return lex_next(p->text, p->token.at + p->token.len);
}

bool parser_at(const struct parser *p, const char *word)
{
    return token_is(&p->token, word);
}

bool parser_take(struct parser *p, const char *word)
{
    if (!parser_at(p, word))
        return false;
    parser_step(p);
    return true;
}

enum status parser_unexpected(struct parser *p)
{
    const struct token *t = &p->token;
    if (t->kind == TOKEN_END)
        return lex_fail(p->err, SOQL_MALFORMED, p->text, t->at, 0, "unexpected token: '<EOF>'");
    if (token_is(t, ":"))
        return lex_fail(p->err, SOQL_MALFORMED, p->text, t->at, t->len,
                        "Bind variables only allowed in Apex code");
    return lex_fail(p->err, SOQL_MALFORMED, p->text, t->at, t->len,
                    "unexpected token: '" STR_FMT "'", STR_ARG(t->text));
}

enum status parser_need(struct parser *p, const char *word)
{
    if (parser_take(p, word))
        return OK;
    return parser_unexpected(p);
}

enum status parser_name(struct parser *p, struct str *out)
{
    if (p->token.kind != TOKEN_NAME)
        return parser_unexpected(p);
    *out = p->token.text;
    parser_step(p);
    return OK;
}

enum status parser_deeper(struct parser *p)
{
    if (++p->depth > PARSE_MAX_DEPTH)
        return err_set(p->err, "QUERY_TOO_COMPLICATED", "Query is too complicated");
    return OK;
}

/* --- words that end a list and can be no alias --- */

static bool is_reserved(struct str word)
{
    static const char *const reserved[] = {
        "AND",      "ASC",   "DESC", "EXCLUDES", "FIRST",  "FROM", "GROUP", "HAVING", "IN",
        "INCLUDES", "LAST",  "LIKE", "LIMIT",    "NOT",    "NULL", "NULLS", "OR",     "SELECT",
        "USING",    "WHERE", "WITH", "ORDER",    "OFFSET", "FOR",  "UPDATE"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (str_eq_nocase(word, str_of(reserved[i])))
            return true;
    return false;
}

static bool at_alias(const struct parser *p)
{
    if (p->token.kind != TOKEN_NAME || is_reserved(p->token.text))
        return false;
    struct token after = parser_peek(p);
    return !(parser_at(p, "ALL") && token_is(&after, "ROWS"));
}

static void take_alias(struct parser *p, struct str *alias)
{
    if (!at_alias(p))
        return;
    *alias = p->token.text;
    parser_step(p);
}

/* --- expressions --- */

struct ast_expr *parse_path(struct parser *p)
{
    struct ast_expr *path = arena_alloc(p->arena, sizeof *path);
    struct str parts[64];
    path->kind = AST_PATH;
    path->at = p->token.at;
    size_t end = path->at;
    do {
        if (path->part_count == sizeof parts / sizeof *parts) {
            parser_unexpected(p);
            return NULL;
        }
        end = p->token.at + p->token.len;
        if (parser_name(p, &parts[path->part_count++]) != OK)
            return NULL;
    } while (parser_take(p, "."));
    path->len = end - path->at;
    path->text = (struct str){p->text.p + path->at, path->len};
    path->parts = arena_array(p->arena, path->part_count, sizeof *path->parts);
    memcpy(path->parts, parts, path->part_count * sizeof *parts);
    return path;
}

static struct ast_expr *parse_constant(struct parser *p)
{
    struct ast_expr *constant = arena_alloc(p->arena, sizeof *constant);
    size_t bad = 0;
    constant->at = p->token.at;
    constant->len = p->token.len;
    constant->text = p->token.text;
    if (p->token.kind == TOKEN_NUMBER) {
        constant->kind = AST_NUMBER;
        constant->number = strtod(str_dup(p->arena, p->token.text), NULL);
    } else {
        constant->kind = AST_TEXT;
        constant->string = lex_unescape(p->arena, p->token.text, false, &bad);
        if (!constant->string) {
            parser_unexpected(p);
            return NULL;
        }
    }
    parser_step(p);
    return constant;
}

static enum status parse_arguments(struct parser *p, struct ast_expr *call)
{
    struct ast_expr **tail = &call->first;
    if (parser_at(p, ")"))
        return OK;
    do {
        bool constant = p->token.kind == TOKEN_NUMBER || p->token.kind == TOKEN_STRING;
        struct ast_expr *argument = constant ? parse_constant(p) : parse_expr(p);
        if (!argument)
            return FAIL;
        *tail = argument;
        tail = &argument->next;
    } while (parser_take(p, ","));
    return OK;
}

struct ast_expr *parse_expr(struct parser *p)
{
    struct token name = p->token, after = parser_peek(p);
    if (name.kind != TOKEN_NAME || !token_is(&after, "("))
        return parse_path(p);
    struct ast_expr *call = arena_alloc(p->arena, sizeof *call);
    call->kind = AST_CALL;
    call->at = name.at;
    call->name = name.text;
    if (parser_deeper(p) != OK)
        return NULL;
    parser_step(p);
    parser_step(p);
    if (parse_arguments(p, call) != OK)
        return NULL;
    call->len = p->token.at + p->token.len - call->at;
    call->text = (struct str){p->text.p + call->at, call->len};
    p->depth--;
    return parser_need(p, ")") == OK ? call : NULL;
}

static enum status parse_expr_list(struct parser *p, struct ast_expr **list)
{
    do {
        struct ast_expr *expr = parse_expr(p);
        if (!expr)
            return FAIL;
        *list = expr;
        list = &expr->next;
    } while (parser_take(p, ","));
    return OK;
}

/* --- SELECT --- */

static enum status parse_typeof(struct parser *p, struct ast_item *item)
{
    struct ast_when **tail = &item->when;
    item->kind = AST_I_TYPEOF;
    parser_step(p);
    if (!(item->expr = parse_path(p)))
        return FAIL;
    if (!parser_at(p, "WHEN"))
        return parser_unexpected(p);
    while (parser_at(p, "WHEN") || parser_at(p, "ELSE")) {
        struct ast_when *when = arena_alloc(p->arena, sizeof *when);
        bool otherwise = parser_at(p, "ELSE");
        parser_step(p);
        when->at = p->token.at;
        if (!otherwise && (parser_name(p, &when->type) != OK || parser_need(p, "THEN") != OK))
            return FAIL;
        if (parse_expr_list(p, &when->fields) != OK)
            return FAIL;
        *tail = when;
        tail = &when->next;
        if (otherwise)
            break;
    }
    return parser_need(p, "END");
}

static enum status parse_fields(struct parser *p, struct ast_item *item)
{
    item->kind = AST_I_FIELDS;
    parser_step(p);
    parser_step(p);
    if (!parser_at(p, "ALL") && !parser_at(p, "STANDARD") && !parser_at(p, "CUSTOM"))
        return parser_unexpected(p);
    item->group = p->token.text;
    parser_step(p);
    return parser_need(p, ")");
}

static enum status parse_children(struct parser *p, struct ast_item *item)
{
    item->kind = AST_I_CHILDREN;
    if (parser_deeper(p) != OK)
        return FAIL;
    parser_step(p);
    item->query = parse_query(p);
    p->depth--;
    return item->query ? parser_need(p, ")") : FAIL;
}

static struct ast_item *parse_item(struct parser *p)
{
    struct ast_item *item = arena_alloc(p->arena, sizeof *item);
    struct token after = parser_peek(p);
    enum status rc = OK;
    item->at = p->token.at;
    if (parser_at(p, "(")) {
        rc = parse_children(p, item);
    } else if (parser_at(p, "TYPEOF") && after.kind == TOKEN_NAME && !token_is(&after, "FROM")) {
        rc = parse_typeof(p, item);
    } else if (parser_at(p, "FIELDS") && token_is(&after, "(")) {
        rc = parse_fields(p, item);
    } else if (parser_at(p, "FROM")) {
        rc = parser_unexpected(p);
    } else {
        item->expr = parse_expr(p);
        rc = item->expr ? OK : FAIL;
        if (rc == OK)
            take_alias(p, &item->alias);
    }
    item->len = p->token.at - item->at;
    return rc == OK ? item : NULL;
}

static bool is_count_star(const struct ast_query *query)
{
    const struct ast_item *item = query->items;
    return item && !item->next && item->kind == AST_I_EXPR && item->alias.n == 0 &&
           item->expr->kind == AST_CALL && !item->expr->first &&
           str_eq_nocase(item->expr->name, STR("COUNT"));
}

static enum status parse_select(struct parser *p, struct ast_query *query)
{
    struct ast_item **tail = &query->items;
    if (parser_need(p, "SELECT") != OK)
        return FAIL;
    do {
        struct ast_item *item = parse_item(p);
        if (!item)
            return FAIL;
        *tail = item;
        tail = &item->next;
    } while (parser_take(p, ","));
    query->count_only = is_count_star(query);
    return OK;
}

/* --- FROM and what follows --- */

static enum status parse_from(struct parser *p, struct ast_query *query)
{
    struct ast_from **tail = &query->from;
    if (parser_need(p, "FROM") != OK)
        return FAIL;
    do {
        struct ast_from *from = arena_alloc(p->arena, sizeof *from);
        if (p->token.kind == TOKEN_NAME && is_reserved(p->token.text) &&
            !token_is(&p->token, "GROUP") && !token_is(&p->token, "ORDER"))
            return parser_unexpected(p);
        if (!(from->path = parse_path(p)))
            return FAIL;
        parser_take(p, "AS");
        take_alias(p, &from->alias);
        *tail = from;
        tail = &from->next;
    } while (parser_take(p, ","));
    return OK;
}

static enum status parse_scope(struct parser *p, struct ast_query *query)
{
    if (!parser_take(p, "USING"))
        return OK;
    if (parser_need(p, "SCOPE") != OK)
        return FAIL;
    query->scope_at = p->token.at;
    return parser_name(p, &query->scope);
}

/* Everything WITH can say belongs to Apex or to Knowledge: refused. */
static enum status refuse_with(struct parser *p)
{
    if (!parser_take(p, "WITH"))
        return OK;
    if (parser_at(p, "SECURITY_ENFORCED") || parser_at(p, "USER_MODE") ||
        parser_at(p, "SYSTEM_MODE"))
        return lex_fail(p->err, SOQL_MALFORMED, p->text, p->token.at, p->token.len,
                        STR_FMT " not allowed in this context", STR_ARG(p->token.text));
    return parser_unexpected(p);
}

static enum status parse_group(struct parser *p, struct ast_query *query)
{
    if (!parser_take(p, "GROUP"))
        return OK;
    if (parser_need(p, "BY") != OK)
        return FAIL;
    struct token after = parser_peek(p);
    bool rollup = parser_at(p, "ROLLUP"), cube = parser_at(p, "CUBE");
    if ((rollup || cube) && token_is(&after, "(")) {
        query->group_kind = rollup ? AST_G_ROLLUP : AST_G_CUBE;
        parser_step(p);
        parser_step(p);
        if (parse_expr_list(p, &query->group) != OK)
            return FAIL;
        return parser_need(p, ")");
    }
    return parse_expr_list(p, &query->group);
}

static enum status parse_nulls(struct parser *p, struct ast_order *order)
{
    if (!parser_take(p, "NULLS"))
        return OK;
    order->nulls_given = true;
    if (parser_take(p, "FIRST"))
        return OK;
    order->nulls_last = true;
    return parser_need(p, "LAST");
}

static enum status parse_order(struct parser *p, struct ast_query *query)
{
    struct ast_order **tail = &query->order;
    query->order_at = p->token.at;
    if (!parser_take(p, "ORDER"))
        return OK;
    if (parser_need(p, "BY") != OK)
        return FAIL;
    do {
        struct ast_order *order = arena_alloc(p->arena, sizeof *order);
        if (!(order->expr = parse_expr(p)))
            return FAIL;
        order->desc = parser_take(p, "DESC");
        if (!order->desc)
            parser_take(p, "ASC");
        if (parse_nulls(p, order) != OK)
            return FAIL;
        *tail = order;
        tail = &order->next;
    } while (parser_take(p, ","));
    return OK;
}

static enum status parse_count(struct parser *p, const char *word, int64_t *out, size_t *at)
{
    if (!parser_take(p, word))
        return OK;
    *at = p->token.at;
    if (p->token.kind != TOKEN_NUMBER || p->token.len > 18)
        return parser_unexpected(p);
    char *digits = str_dup(p->arena, p->token.text), *end = NULL;
    long long value = strtoll(digits, &end, 10);
    if (*end || value < 0)
        return parser_unexpected(p);
    *out = value;
    parser_step(p);
    return OK;
}

static enum status parse_endings(struct parser *p, struct ast_query *query)
{
    for (;;) {
        struct token after = parser_peek(p);
        if (parser_take(p, "FOR")) {
            if (parser_take(p, "VIEW"))
                query->for_view = true;
            else if (parser_take(p, "REFERENCE"))
                query->for_reference = true;
            else if (parser_at(p, "UPDATE"))
                return lex_fail(p->err, SOQL_MALFORMED, p->text, p->token.at, p->token.len,
                                "FOR UPDATE not allowed in this context");
            else
                return parser_unexpected(p);
        } else if (parser_take(p, "UPDATE")) {
            if (!parser_take(p, "TRACKING") && !parser_take(p, "VIEWSTAT"))
                return parser_unexpected(p);
        } else if (parser_at(p, "ALL") && token_is(&after, "ROWS")) {
            return lex_fail(p->err, SOQL_MALFORMED, p->text, p->token.at, 8,
                            "ALL ROWS not allowed in this context");
        } else {
            return OK;
        }
    }
}

struct ast_query *parse_query(struct parser *p)
{
    struct ast_query *query = arena_alloc(p->arena, sizeof *query);
    query->at = p->token.at;
    query->limit = query->offset = -1;
    if (parse_select(p, query) != OK || parse_from(p, query) != OK || parse_scope(p, query) != OK)
        return NULL;
    if (parser_take(p, "WHERE") && !(query->where = parse_cond(p)))
        return NULL;
    if (refuse_with(p) != OK || parse_group(p, query) != OK)
        return NULL;
    if (parser_take(p, "HAVING") && !(query->having = parse_cond(p)))
        return NULL;
    if (parse_order(p, query) != OK ||
        parse_count(p, "LIMIT", &query->limit, &query->limit_at) != OK ||
        parse_count(p, "OFFSET", &query->offset, &query->offset_at) != OK ||
        parse_endings(p, query) != OK)
        return NULL;
    return query;
}

static enum status check_length(struct str text, struct err *err)
{
    if (utf16_length(text.p, text.n) > SOQL_MAX_CHARS)
        return err_set(err, SOQL_MALFORMED,
                       "SOQL statements cannot be longer than 100000 characters.");
    if (str_trim(text).n == 0)
        return err_set(err, SOQL_MALFORMED, "SOQL statements cannot be empty or null");
    return OK;
}

struct ast_query *soql_parse(struct arena *arena, struct str text, struct err *err)
{
    struct parser p;
    if (check_length(text, err) != OK)
        return NULL;
    parser_start(&p, arena, text, err);
    struct ast_query *query = parse_query(&p);
    if (query && p.token.kind != TOKEN_END) {
        parser_unexpected(&p);
        return NULL;
    }
    return query;
}

struct ast_cond *soql_parse_condition(struct arena *arena, struct str text, struct err *err)
{
    struct parser p;
    if (check_length(text, err) != OK)
        return NULL;
    parser_start(&p, arena, text, err);
    struct ast_cond *cond = parse_cond(&p);
    if (cond && p.token.kind != TOKEN_END) {
        parser_unexpected(&p);
        return NULL;
    }
    return cond;
}
