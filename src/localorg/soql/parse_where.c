/* parse_where.c - conditions: AND, OR, NOT, comparisons and their values.
 *
 * AND and OR of one level become one flat node; mixing them without
 * parentheses is refused, as Salesforce does. */
#include "localorg/soql/parse_priv.h"

#include "base/when.h"
#include "localorg/soql/dates.h"

#include <stdlib.h>
#include <string.h>

static struct ast_value *new_value(struct parser *p, enum ast_value_kind kind)
{
    struct ast_value *value = arena_alloc(p->arena, sizeof *value);
    value->kind = kind;
    value->at = p->token.at;
    value->len = p->token.len;
    value->range_n = -1;
    return value;
}

static struct ast_value *parse_string(struct parser *p, bool like)
{
    struct ast_value *value = new_value(p, AST_V_STRING);
    size_t bad = 0;
    value->text = lex_unescape(p->arena, p->token.text, like, &bad);
    if (!value->text) {
        lex_fail(p->err, SOQL_MALFORMED, p->text, p->token.at + bad, 2,
                 "Invalid string literal '" STR_FMT "'. Illegal character sequence '" STR_FMT
                 "' in string literal.",
                 STR_ARG(p->token.text), 2, p->token.text.p + bad);
        return NULL;
    }
    if (utf16_length(value->text, strlen(value->text)) > SOQL_MAX_STRING) {
        lex_fail(p->err, SOQL_MALFORMED, p->text, value->at, 1,
                 "String literals may not be longer than %d characters", SOQL_MAX_STRING);
        return NULL;
    }
    parser_step(p);
    return value;
}

static struct ast_value *parse_date(struct parser *p)
{
    struct ast_value *value = new_value(p, AST_V_DATE);
    struct date date;
    value->text = str_dup(p->arena, p->token.text);
    if (!date_parse(value->text, &date)) {
        lex_fail(p->err, SOQL_MALFORMED, p->text, value->at, value->len, "Invalid date: %s",
                 value->text);
        return NULL;
    }
    parser_step(p);
    return value;
}

static struct ast_value *parse_datetime(struct parser *p)
{
    struct ast_value *value = new_value(p, AST_V_DATETIME);
    char *text = str_dup(p->arena, p->token.text);
    for (char *c = text; *c; c++)
        if (*c == 't' || *c == 'z')
            *c = (char)(*c - 32);
    value->text = text;
    if (!when_parse(text, &value->ms)) {
        lex_fail(p->err, SOQL_MALFORMED, p->text, value->at, value->len, "Invalid datetime: %s",
                 text);
        return NULL;
    }
    parser_step(p);
    return value;
}

/* 10:00:00Z as 10:00:00.000Z; offsets are accepted and not applied. */
static struct ast_value *parse_time(struct parser *p)
{
    struct ast_value *value = new_value(p, AST_V_TIME);
    struct str text = p->token.text;
    char fraction[4] = "000";
    for (size_t i = 0; i < 3 && text.n > 9 + i && text.p[8] == '.'; i++) {
        if (text.p[9 + i] < '0' || text.p[9 + i] > '9')
            break;
        fraction[i] = text.p[9 + i];
    }
    if (text.p[0] > '2' || (text.p[0] == '2' && text.p[1] > '3') || text.p[3] > '5' ||
        text.p[6] > '5') {
        parser_unexpected(p);
        return NULL;
    }
    value->text = arena_printf(p->arena, "%.8s.%sZ", text.p, fraction);
    parser_step(p);
    return value;
}

/* LAST_N_DAYS:3, or TODAY. */
static struct ast_value *parse_range(struct parser *p)
{
    struct token colon = parser_peek(p);
    bool with_n = token_is(&colon, ":");
    if (!date_literal_known(p->token.text, with_n))
        return NULL;
    struct ast_value *value = new_value(p, AST_V_RANGE);
    value->range = p->token.text;
    parser_step(p);
    if (!with_n)
        return value;
    parser_step(p);
    if (p->token.kind != TOKEN_NUMBER || p->token.len > 9 || p->token.text.p[0] < '0' ||
        memchr(p->token.text.p, '.', p->token.len) || memchr(p->token.text.p, 'e', p->token.len)) {
        parser_unexpected(p);
        return NULL;
    }
    value->range_n = strtoll(str_dup(p->arena, p->token.text), NULL, 10);
    value->len = p->token.at + p->token.len - value->at;
    parser_step(p);
    return value;
}

/* USD123: three letters, then digits; the lexer stops before a '.'. */
static bool is_currency(struct str word)
{
    if (word.n < 4)
        return false;
    for (size_t i = 0; i < word.n; i++) {
        char c = word.p[i];
        bool digit = c >= '0' && c <= '9';
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (i < 3 ? !letter : !digit)
            return false;
    }
    return true;
}

static struct ast_value *parse_currency(struct parser *p)
{
    struct ast_value *value = new_value(p, AST_V_CURRENCY);
    size_t start = p->token.at + 3, end = p->token.at + p->token.len;
    if (end + 1 < p->text.n && p->text.p[end] == '.' && p->text.p[end + 1] >= '0' &&
        p->text.p[end + 1] <= '9') {
        end++;
        while (end < p->text.n && p->text.p[end] >= '0' && p->text.p[end] <= '9')
            end++;
    }
    value->text = arena_strndup(p->arena, p->text.p + start, end - start);
    value->len = end - value->at;
    p->token = lex_next(p->text, end);
    return value;
}

static struct ast_value *parse_word(struct parser *p)
{
    struct ast_value *value = NULL;
    if (parser_at(p, "TRUE") || parser_at(p, "FALSE")) {
        value = new_value(p, AST_V_BOOLEAN);
        value->truth = parser_at(p, "TRUE");
        parser_step(p);
    } else if (parser_at(p, "NULL")) {
        value = new_value(p, AST_V_NULL);
        parser_step(p);
    } else if (is_currency(p->token.text)) {
        value = parse_currency(p);
    } else {
        struct token before = p->token;
        value = parse_range(p);
        if (!value && p->token.at == before.at)
            parser_unexpected(p);
    }
    return value;
}

static struct ast_value *parse_value(struct parser *p, bool like)
{
    struct ast_value *value = NULL;
    switch (p->token.kind) {
    case TOKEN_STRING:
        return parse_string(p, like);
    case TOKEN_DATE:
        return parse_date(p);
    case TOKEN_DATETIME:
        return parse_datetime(p);
    case TOKEN_TIME:
        return parse_time(p);
    case TOKEN_NAME:
        return parse_word(p);
    case TOKEN_NUMBER:
        value = new_value(p, AST_V_NUMBER);
        value->text = str_dup(p->arena, p->token.text);
        parser_step(p);
        return value;
    case TOKEN_END:
    case TOKEN_SIGN:
    case TOKEN_BROKEN:
        break;
    }
    parser_unexpected(p);
    return NULL;
}

/* After IN: a list of values, or a query. */
static enum status parse_list(struct parser *p, struct ast_cond *cond, bool may_query)
{
    struct ast_value **tail = &cond->values;
    if (parser_need(p, "(") != OK)
        return FAIL;
    if (may_query && parser_at(p, "SELECT")) {
        if (parser_deeper(p) != OK || !(cond->query = parse_query(p)))
            return FAIL;
        p->depth--;
        return parser_need(p, ")");
    }
    do {
        struct ast_value *value = parse_value(p, false);
        if (!value)
            return FAIL;
        *tail = value;
        tail = &value->next;
    } while (parser_take(p, ","));
    return parser_need(p, ")");
}

static bool take_operator(struct parser *p, enum ast_op *op)
{
    static const struct {
        const char *text;
        enum ast_op op;
    } operators[] = {{"=", AST_EQ},
                     {"!=", AST_NE},
                     {"<>", AST_NE},
                     {"<", AST_LT},
                     {"<=", AST_LE},
                     {">", AST_GT},
                     {">=", AST_GE},
                     {"LIKE", AST_LIKE},
                     {"IN", AST_IN},
                     {"INCLUDES", AST_INCLUDES},
                     {"EXCLUDES", AST_EXCLUDES}};
    struct token after = parser_peek(p);
    if (parser_at(p, "NOT") && token_is(&after, "IN")) {
        parser_step(p);
        parser_step(p);
        *op = AST_NOT_IN;
        return true;
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (parser_take(p, operators[i].text)) {
            *op = operators[i].op;
            return true;
        }
    }
    return false;
}

static struct ast_cond *parse_comparison(struct parser *p)
{
    struct ast_cond *cond = arena_alloc(p->arena, sizeof *cond);
    enum status rc = OK;
    cond->kind = AST_COMPARE;
    cond->at = p->token.at;
    if (!(cond->left = parse_expr(p)))
        return NULL;
    cond->op_at = p->token.at;
    cond->op_len = p->token.len;
    if (!take_operator(p, &cond->op)) {
        parser_unexpected(p);
        return NULL;
    }
    if (cond->op >= AST_IN)
        rc = parse_list(p, cond, cond->op == AST_IN || cond->op == AST_NOT_IN);
    else
        rc = (cond->values = parse_value(p, cond->op == AST_LIKE)) ? OK : FAIL;
    cond->len = p->token.at - cond->at;
    return rc == OK ? cond : NULL;
}

static struct ast_cond *parse_unary(struct parser *p)
{
    if (parser_at(p, "NOT")) {
        struct ast_cond *not = arena_alloc(p->arena, sizeof *not );
        not ->kind = AST_NOT;
        not ->at = p->token.at;
        parser_step(p);
        if (parser_deeper(p) != OK || !(not ->first = parse_unary(p)))
            return NULL;
        p->depth--;
        not ->len = p->token.at - not ->at;
        return not ;
    }
    if (!parser_at(p, "("))
        return parse_comparison(p);
    if (parser_deeper(p) != OK)
        return NULL;
    parser_step(p);
    struct ast_cond *inner = parse_cond(p);
    p->depth--;
    return inner && parser_need(p, ")") == OK ? inner : NULL;
}

struct ast_cond *parse_cond(struct parser *p)
{
    struct ast_cond *first = parse_unary(p);
    if (!first || (!parser_at(p, "AND") && !parser_at(p, "OR")))
        return first;
    struct ast_cond *all = arena_alloc(p->arena, sizeof *all);
    const char *word = parser_at(p, "AND") ? "AND" : "OR";
    /* A node of the other kind comes from parentheses: keep it whole. */
    struct ast_cond **tail = &all->first;
    all->kind = parser_at(p, "AND") ? AST_AND : AST_OR;
    all->at = first->at;
    *tail = first;
    tail = &first->next;
    while (parser_take(p, word)) {
        struct ast_cond *next = parse_unary(p);
        if (!next)
            return NULL;
        *tail = next;
        tail = &next->next;
    }
    if (parser_at(p, "AND") || parser_at(p, "OR")) { /* mixed without parentheses */
        parser_unexpected(p);
        return NULL;
    }
    all->len = p->token.at - all->at;
    return all;
}
