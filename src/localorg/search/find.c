/* find.c - what stands between the braces of FIND: words and "phrases", AND, OR,
 * AND NOT, parentheses, the wildcards * and ?, and backslashes that make a
 * character mean itself. Words beside each other mean AND. OR binds least. */
#include "localorg/search/search_priv.h"

#include <ctype.h>
#include <string.h>

enum { DEPTH_MAX = 40, TERMS_MAX = 400 };

struct finder {
    struct arena *arena;
    const char *at, *end;
    int depth, terms;
    bool operators;
    struct err *err;
};

static enum status unexpected(struct finder *f)
{
    if (f->at >= f->end)
        return err_set(f->err, SEARCH_MALFORMED, "unexpected token: <EOF>");
    size_t len = utf8_cut(f->at, (size_t)(f->end - f->at), 20);
    return err_set(f->err, SEARCH_MALFORMED, "unexpected token: %.*s", (int)len, f->at);
}

static void skip_space(struct finder *f)
{
    while (f->at < f->end && isspace((unsigned char)*f->at))
        f->at++;
}

static bool at_word_end(const char *p, const char *end)
{
    return p >= end || isspace((unsigned char)*p) || strchr("()\"", *p);
}

/* Is the operator next? Taken when it is. */
static bool operator_next(struct finder *f, const char *name)
{
    size_t len = strlen(name);
    skip_space(f);
    if (!f->operators || (size_t)(f->end - f->at) < len || strncasecmp(f->at, name, len) != 0 ||
        !at_word_end(f->at + len, f->end))
        return false;
    f->at += len;
    return true;
}

static struct find *node(struct finder *f, enum find_kind kind, struct find *left,
                         struct find *right)
{
    struct find *find = arena_alloc(f->arena, sizeof *find);
    *find = (struct find){.kind = kind, .left = left, .right = right};
    return find;
}

/* Up to `stop` (a quote), or to the end of a word: wildcards are marked with a
 * backslash, backslashes of the text are gone. */
static const char *read_text(struct finder *f, bool quoted)
{
    char *text = arena_alloc(f->arena, 2 * (size_t)(f->end - f->at) + 1);
    size_t n = 0;
    while (f->at < f->end && (quoted ? *f->at != '"' : !at_word_end(f->at, f->end))) {
        char c = *f->at++;
        if (c == '\\' && f->at < f->end) {
            c = *f->at++;
            text[n++] = c == '*' || c == '?' || c == '\\' ? ' ' : c;
        } else if (c == '*' || c == '?') {
            text[n++] = '\\';
            text[n++] = c;
        } else {
            text[n++] = c == '\\' ? ' ' : c;
        }
    }
    text[n] = '\0';
    return text;
}

static enum status find_any(struct finder *f, struct find **out);

static enum status find_one(struct finder *f, struct find **out)
{
    skip_space(f);
    if (f->at >= f->end || *f->at == ')')
        return unexpected(f);
    if (++f->terms > TERMS_MAX)
        return err_set(f->err, SEARCH_MALFORMED, "the search has more than %d terms", TERMS_MAX);
    if (*f->at == '(') {
        f->at++;
        if (++f->depth > DEPTH_MAX)
            return err_set(f->err, SEARCH_MALFORMED, "the search is nested too deeply");
        if (find_any(f, out) != OK)
            return FAIL;
        f->depth--;
        skip_space(f);
        if (f->at >= f->end || *f->at != ')')
            return unexpected(f);
        f->at++;
        return OK;
    }
    bool quoted = *f->at == '"';
    f->at += quoted;
    *out = node(f, quoted ? FIND_PHRASE : FIND_WORD, NULL, NULL);
    (*out)->text = read_text(f, quoted);
    f->at += quoted && f->at < f->end;
    return OK;
}

/* Is there one more operand, with or without AND before it? */
static bool and_next(struct finder *f, bool *negated)
{
    *negated = false;
    if (operator_next(f, "AND")) {
        *negated = operator_next(f, "NOT");
        return true;
    }
    const char *back = f->at;
    bool or_follows = operator_next(f, "OR");
    f->at = back;
    skip_space(f);
    return !or_follows && f->at < f->end && *f->at != ')';
}

static enum status find_all(struct finder *f, struct find **out)
{
    struct find *right = NULL;
    bool negated;
    if (find_one(f, out) != OK)
        return FAIL;
    while (and_next(f, &negated)) {
        if (find_one(f, &right) != OK)
            return FAIL;
        *out = node(f, negated ? FIND_NOT : FIND_AND, *out, right);
    }
    return OK;
}

static enum status find_any(struct finder *f, struct find **out)
{
    struct find *right = NULL;
    if (find_all(f, out) != OK)
        return FAIL;
    while (operator_next(f, "OR")) {
        if (find_all(f, &right) != OK)
            return FAIL;
        *out = node(f, FIND_OR, *out, right);
    }
    return OK;
}

/* Letters and digits that are searched for; operators are none. */
static size_t characters(const struct find *find)
{
    size_t count = 0;
    if (find->kind != FIND_WORD && find->kind != FIND_PHRASE) {
        size_t left = characters(find->left), right = characters(find->right);
        return left > right ? left : right;
    }
    for (const char *p = find->text; *p; p++)
        count += isalnum((unsigned char)*p) || (unsigned char)*p >= 0xc0;
    return count;
}

static bool has_wildcard(const struct find *find)
{
    if (find->kind != FIND_WORD && find->kind != FIND_PHRASE)
        return has_wildcard(find->left) || has_wildcard(find->right);
    return strchr(find->text, '\\') != NULL;
}

enum status search_parse_find(struct arena *arena, const char *text, struct search *out,
                              struct err *err)
{
    size_t len = strlen(text);
    struct finder f = {.arena = arena,
                       .at = text,
                       .end = text + len,
                       .operators = len <= SEARCH_OPERATORS_MAX,
                       .err = err};
    struct find *find = NULL;
    if (text_blank(text))
        return err_set(err, SEARCH_MALFORMED, "%s", SEARCH_NO_TERM);
    out->given = text;
    if (len > SEARCH_TEXT_MAX) {
        out->find = NULL;
        return OK;
    }
    if (find_any(&f, &find) != OK)
        return FAIL;
    skip_space(&f);
    if (f.at < f.end)
        return unexpected(&f);
    size_t letters = characters(find);
    if (letters < 2 && !(letters && has_wildcard(find)))
        return err_set(err, SEARCH_MALFORMED, "search term must be longer than one character: %s",
                       text);
    out->find = find;
    return OK;
}
