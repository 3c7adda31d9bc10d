/* formula_parse.c - the text of a formula to a tree.
 *
 * Loosest first: || ; && ; = == <> != ; < > <= >= ; + - & ; * / ; ^ ; - + ! . Text
 * stands in double or single quotes with backslash escapes; comments are C's. */
#include "localorg/org/formula_priv.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_MAX 60

struct parser {
    struct arena *arena;
    const char *at;
    struct err *err;
    int depth;
};

static struct formula_node *fail(struct parser *p, const char *fmt, const char *what)
{
    if (p->err && !p->err->code[0])
        err_set(p->err, ERR_FORMULA, fmt, what);
    return NULL;
}

static void skip_blanks(struct parser *p)
{
    for (;;) {
        while (isspace((unsigned char)*p->at))
            p->at++;
        const char *end = strncmp(p->at, "/*", 2) == 0 ? strstr(p->at + 2, "*/") : NULL;
        if (!end)
            return;
        p->at = end + 2;
    }
}

static struct formula_node *node_new(struct parser *p, enum formula_kind kind, const char *text)
{
    struct formula_node *node = arena_alloc(p->arena, sizeof *node);
    node->kind = kind;
    node->text = text;
    return node;
}

static void node_add(struct formula_node *node, struct formula_node *child)
{
    struct formula_node **last = &node->first;
    while (*last)
        last = &(*last)->next;
    *last = child;
    node->count++;
}

/* --- what stands by itself --- */

static struct formula_node *read_text(struct parser *p, char quote)
{
    struct buf text = BUF_INIT;
    for (p->at++; *p->at && *p->at != quote; p->at++) {
        if (*p->at == '\\' && p->at[1]) {
            p->at++;
            buf_char(&text, *p->at == 'n' ? '\n' : *p->at == 't' ? '\t' : *p->at);
            if (!strchr("nt\\\"'", *p->at)) /* a regular expression's own backslash */
                text.data[text.len - 1] = '\\', buf_char(&text, *p->at);
        } else {
            buf_char(&text, *p->at);
        }
    }
    struct formula_node *node = node_new(p, F_TEXT, arena_strdup(p->arena, buf_text(&text)));
    buf_free(&text);
    if (!*p->at)
        return fail(p, "Syntax error. Missing %s", quote == '"' ? "'\"'" : "\"'\"");
    p->at++;
    return node;
}

static struct formula_node *read_number(struct parser *p)
{
    const char *from = p->at;
    while (isdigit((unsigned char)*p->at) || *p->at == '.')
        p->at++;
    return node_new(p, F_NUMBER, arena_strndup(p->arena, from, (size_t)(p->at - from)));
}

static struct formula_node *parse_expression(struct parser *p);

static struct formula_node *read_arguments(struct parser *p, struct formula_node *call)
{
    p->at++;
    skip_blanks(p);
    if (*p->at == ')') {
        p->at++;
        return call;
    }
    for (;;) {
        struct formula_node *argument = parse_expression(p);
        if (!argument)
            return NULL;
        node_add(call, argument);
        skip_blanks(p);
        if (*p->at == ')') {
            p->at++;
            return call;
        }
        if (*p->at != ',')
            return fail(p, "Syntax error. Missing %s", "')'");
        p->at++;
    }
}

static struct formula_node *read_name(struct parser *p)
{
    const char *from = p->at;
    while (isalnum((unsigned char)*p->at) || strchr("_.$:", *p->at) ? *p->at != '\0' : false)
        p->at++;
    const char *name = arena_strndup(p->arena, from, (size_t)(p->at - from));
    skip_blanks(p);
    if (*p->at == '(')
        return read_arguments(p, node_new(p, F_CALL, name));
    if (text_eq_nocase(name, "true") || text_eq_nocase(name, "false"))
        return node_new(p, F_TRUTH, text_eq_nocase(name, "true") ? "1" : "0");
    if (text_eq_nocase(name, "null"))
        return node_new(p, F_NULL, name);
    return node_new(p, F_FIELD, name);
}

static struct formula_node *parse_atom(struct parser *p)
{
    skip_blanks(p);
    char c = *p->at;
    if (c == '(') {
        p->at++;
        struct formula_node *inside = parse_expression(p);
        skip_blanks(p);
        if (inside && *p->at != ')')
            return fail(p, "Syntax error. Missing %s", "')'");
        p->at += inside != NULL;
        return inside;
    }
    if (c == '"' || c == '\'')
        return read_text(p, c);
    if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)p->at[1])))
        return read_number(p);
    if (isalpha((unsigned char)c) || c == '_' || c == '$')
        return read_name(p);
    char found[2] = {c, 0};
    return c ? fail(p, "Syntax error. Found '%s'", found)
             : fail(p, "%s", "Syntax error. Found end of formula");
}

/* --- operators --- */

static struct formula_node *parse_level(struct parser *p, int level);

static struct formula_node *parse_unary(struct parser *p)
{
    skip_blanks(p);
    if (*p->at != '-' && *p->at != '+' && *p->at != '!')
        return parse_atom(p);
    const char *sign = *p->at == '-' ? "neg" : *p->at == '!' ? "!" : "pos";
    p->at++;
    if (++p->depth > DEPTH_MAX)
        return fail(p, "%s", "The formula is nested too deeply");
    struct formula_node *operand = parse_unary(p), *node;
    p->depth--;
    if (!operand)
        return NULL;
    node = node_new(p, F_OPERATOR, sign);
    node_add(node, operand);
    return node;
}

/* Longer ones first where they begin alike. */
static const char *const levels[][5] = {
    {"||", NULL}, {"&&", NULL},          {"==", "<>", "!=", "=", NULL}, {"<=", ">=", "<", ">", NULL},
    {"+", "-", "&", NULL}, {"*", "/", NULL}, {"^", NULL}};
#define LEVELS (int)(sizeof levels / sizeof *levels)

static const char *operator_at(struct parser *p, int level)
{
    skip_blanks(p);
    for (int i = 0; levels[level][i]; i++) {
        const char *word = levels[level][i];
        size_t len = strlen(word);
        if (strncmp(p->at, word, len) != 0)
            continue;
        if (len == 1 && ((*word == '&' && p->at[1] == '&') || (*word == '<' && p->at[1] == '>')))
            continue;
        p->at += len;
        return word;
    }
    return NULL;
}

static struct formula_node *parse_level(struct parser *p, int level)
{
    if (level == LEVELS)
        return parse_unary(p);
    struct formula_node *left = parse_level(p, level + 1);
    const char *word;
    while (left && (word = operator_at(p, level))) {
        struct formula_node *right = parse_level(p, level + 1);
        if (!right)
            return NULL;
        struct formula_node *node = node_new(p, F_OPERATOR, word);
        node_add(node, left);
        node_add(node, right);
        left = node;
    }
    return left;
}

static struct formula_node *parse_expression(struct parser *p)
{
    if (++p->depth > DEPTH_MAX)
        return fail(p, "%s", "The formula is nested too deeply");
    struct formula_node *node = parse_level(p, 0);
    p->depth--;
    return node;
}

struct formula_node *formula_parse(struct arena *arena, const char *text, struct err *err)
{
    struct err local = {{0}};
    struct parser p = {.arena = arena, .at = text, .err = err ? err : &local};
    err_clear(p.err);
    struct formula_node *node = parse_expression(&p);
    skip_blanks(&p);
    if (node && *p.at) {
        char found[2] = {*p.at, 0};
        return fail(&p, *p.at == ')' ? "Syntax error. Extra '%s'" : "Syntax error. Found '%s'",
                    found);
    }
    return node;
}
