/* tokens.c - see tokens.h. Comments and quoted names do not occur in our SQL. */
#include "store/postgres/tokens.h"

#include "base/vec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static size_t quoted_len(const char *p)
{
    size_t len = 1;
    while (p[len] && !(p[len] == '\'' && p[len + 1] != '\''))
        len += p[len] == '\'' ? 2 : 1;
    return p[len] ? len + 1 : len;
}

static size_t run_of(const char *p, bool (*holds)(char))
{
    size_t len = 0;
    while (holds(p[len]))
        len++;
    return len;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t mark_len(const char *p)
{
    static const char *const two[] = {"<>", "<=", ">=", "||", "<<", ">>", "!="};
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (p[0] == two[i][0] && p[1] == two[i][1])
            return 2;
    return 1;
}

static struct token take_token(const char *p, int *params)
{
    struct token token = {.at = p};
    if ((*p == 'x' || *p == 'X') && p[1] == '\'') {
        token.kind = TOKEN_BYTES;
        token.len = 1 + quoted_len(p + 1);
    } else if (*p == '\'') {
        token.kind = TOKEN_TEXT;
        token.len = quoted_len(p);
    } else if (*p == '?') {
        token.kind = TOKEN_PARAM;
        token.len = 1 + run_of(p + 1, is_digit);
        token.param = token.len > 1 ? (int)strtol(p + 1, NULL, 10) : *params + 1;
        if (token.param > *params)
            *params = token.param;
    } else if (is_digit(*p)) {
        token.kind = TOKEN_NUMBER;
        token.len = run_of(p, in_word);
    } else if (in_word(*p)) {
        token.kind = TOKEN_WORD;
        token.len = run_of(p, in_word);
    } else {
        token.kind = TOKEN_MARK;
        token.len = mark_len(p);
    }
    return token;
}

struct token *tokens_of(struct arena *arena, const char **sql, size_t *count, int *params)
{
    VEC(struct token) list = {0};
    const char *p = *sql;
    *params = 0;
    for (;;) {
        while (isspace((unsigned char)*p))
            p++;
        if (!*p || *p == ';')
            break;
        struct token token = take_token(p, params);
        vec_push(&list, token);
        p += token.len;
    }
    *sql = *p ? p + 1 : p;
    *count = list.len;
    struct token *out = arena_array(arena, list.len + 1, sizeof *out);
    if (list.len)
        memcpy(out, list.at, list.len * sizeof *out);
    out[list.len] = (struct token){.kind = TOKEN_END, .at = ""};
    vec_free(&list);
    return out;
}

bool token_is(const struct token *token, const char *text)
{
    return (token->kind == TOKEN_WORD || token->kind == TOKEN_MARK) &&
           strlen(text) == token->len && strncasecmp(token->at, text, token->len) == 0;
}

size_t tokens_closing(const struct token *tokens, size_t open)
{
    size_t depth = 0, i = open;
    for (; tokens[i].kind != TOKEN_END; i++) {
        depth += token_is(&tokens[i], "(");
        if (token_is(&tokens[i], ")") && --depth == 0)
            return i;
    }
    return i;
}

void token_put(struct buf *out, const struct token *token)
{
    buf_append(out, token->at, token->len);
}
