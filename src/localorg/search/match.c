/* match.c - what is looked for, as FTS5 says it.
 *
 * A word that ends in * is a prefix. A wildcard elsewhere cannot be asked of
 * the index: the words that fit are looked up first and named. The index holds
 * words in lower case without accents; a letter beyond ASCII stands for any
 * one character in such a pattern. */
#include "localorg/search/search_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 1000 };

struct matcher {
    struct arena *arena;
    struct org *org;
    const struct sobject *object;
    struct buf *out;
    struct err *err;
};

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* "text" with its wildcards left out; *star says that it ends in one. */
static bool put_phrase(struct buf *out, const char *text)
{
    size_t start = out->len;
    bool any = false, star = false;
    buf_char(out, '"');
    for (; *text; text++) {
        if (*text == '\\') {
            text++;
            star = *text == '*';
            continue;
        }
        any |= is_letter(*text);
        star &= !is_letter(*text) && !isspace((unsigned char)*text);
        buf_char(out, *text == '"' ? ' ' : *text);
    }
    buf_str(out, star ? "\"*" : "\"");
    if (!any)
        out->len = start;
    return any;
}

/* Is there a wildcard that is not the last character? */
static bool has_inner_wildcard(const char *text)
{
    for (const char *p = strchr(text, '\\'); p; p = strchr(p + 2, '\\'))
        if (p[1] == '?' || p[2])
            return true;
    return false;
}

/* One word with wildcards as a GLOB pattern; *prefix gets its literal start. */
static const char *pattern_of(struct matcher *m, const char *text, size_t len, const char **prefix)
{
    char *pattern = arena_alloc(m->arena, len + 1);
    size_t n = 0, literal = 0;
    bool open = false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\\') {
            pattern[n++] = text[++i];
            open = true;
        } else if (c >= 0x80) {
            if (c >= 0xc0)
                pattern[n++] = '?';
            open = true;
        } else {
            pattern[n++] = (char)tolower(c);
            literal += !open;
        }
    }
    *prefix = arena_strndup(m->arena, pattern, literal);
    return pattern;
}

/* ("acme" OR "acne"): the indexed words that fit. False: none does. */
static bool put_words(struct matcher *m, const char *pattern, const char *prefix)
{
    sqlite3_stmt *row = NULL;
    size_t count = 0, start = m->out->len;
    char *sql = arena_printf(m->arena,
                             "SELECT term FROM \"%s_words\" WHERE term >= ?1 AND term < ?2 AND "
                             "term GLOB ?3 LIMIT %d",
                             index_table(m->arena, m->object), WORDS_MAX + 1);
    sqlite3 *db = org_reader_take(m->org);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, prefix, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 2, arena_printf(m->arena, "%s\xff", prefix), -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 3, pattern, -1, SQLITE_STATIC);
        while (sqlite3_step(row) == SQLITE_ROW)
            buf_printf(m->out, "%s\"%s\"", count++ ? " OR " : "(",
                       (const char *)sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
    org_reader_give(m->org, db);
    buf_char(m->out, ')');
    if (!count)
        m->out->len = start;
    if (count > WORDS_MAX)
        err_set(m->err, SEARCH_MALFORMED, "the pattern %s stands for more than %d words", pattern,
                WORDS_MAX);
    return count > 0;
}

enum outcome { NOTHING, EVERYTHING, SOME }; /* NOTHING matches; EVERYTHING: no condition */

/* The words of one term that has wildcards inside: all must be there. */
static enum outcome put_patterns(struct matcher *m, const char *text)
{
    enum outcome outcome = EVERYTHING;
    while (*text) {
        size_t len = 0;
        while (text[len] && (is_letter(text[len]) || text[len] == '\\'))
            len += text[len] == '\\' ? 2 : 1;
        if (!len) {
            text++;
            continue;
        }
        const char *prefix, *pattern = pattern_of(m, text, len, &prefix);
        while (*pattern == '*' || *pattern == '?') /* leading ones mean nothing */
            pattern++;
        if (*pattern) {
            if (outcome == SOME)
                buf_str(m->out, " AND ");
            if (!put_words(m, pattern, prefix))
                return NOTHING;
            outcome = SOME;
        }
        text += len;
    }
    return outcome;
}

static enum outcome put_find(struct matcher *m, const struct find *find);

static enum outcome put_term(struct matcher *m, const struct find *find)
{
    size_t letters = 0;
    for (const char *p = find->text; *p; p++)
        letters += is_letter(*p);
    bool wild = strchr(find->text, '\\') != NULL;
    if (letters < 2 && !wild && find->kind == FIND_WORD)
        return EVERYTHING; /* a single character is not looked for */
    if (find->kind == FIND_WORD && has_inner_wildcard(find->text))
        return put_patterns(m, find->text);
    return put_phrase(m->out, find->text) ? SOME : EVERYTHING;
}

/* (left OP right), where a side may say nothing. */
static enum outcome put_both(struct matcher *m, const struct find *find)
{
    size_t start = m->out->len;
    buf_char(m->out, '(');
    enum outcome left = put_find(m, find->left);
    size_t middle = m->out->len;
    buf_str(m->out, find->kind == FIND_AND ? " AND " : find->kind == FIND_OR ? " OR " : " NOT ");
    enum outcome right = put_find(m, find->right);
    if (left == SOME && right == SOME) {
        buf_char(m->out, ')');
        return SOME;
    }
    bool neither = find->kind == FIND_AND  ? left == NOTHING || right == NOTHING
                   : find->kind == FIND_OR ? left != SOME && right != SOME
                                           : left == NOTHING;
    if (neither || (left != SOME && right != SOME)) {
        m->out->len = start;
        return neither ? NOTHING : EVERYTHING;
    }
    if (left == SOME) { /* the right side adds nothing */
        m->out->len = middle;
        buf_char(m->out, ')');
        return SOME;
    }
    if (find->kind == FIND_NOT) { /* all but those: FTS5 cannot say it */
        m->out->len = start;
        return NOTHING;
    }
    m->out->len = start;
    return put_find(m, find->right);
}

static enum outcome put_find(struct matcher *m, const struct find *find)
{
    return find->kind == FIND_WORD || find->kind == FIND_PHRASE ? put_term(m, find)
                                                                : put_both(m, find);
}

const char *match_expression(struct arena *arena, struct org *org, const struct sobject *object,
                             const struct find *find, const char *const *columns, size_t count,
                             struct err *err)
{
    struct buf out = BUF_INIT;
    struct matcher m = {.arena = arena, .org = org, .object = object, .out = &out, .err = err};
    if (!find || !count)
        return NULL;
    buf_char(&out, '{');
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s\"%s\"", i ? " " : "", columns[i]);
    buf_str(&out, "} : (");
    enum outcome outcome = put_find(&m, find);
    buf_char(&out, ')');
    const char *text =
        outcome == SOME && !err->code[0] ? arena_strdup(arena, buf_text(&out)) : NULL;
    buf_free(&out);
    return text;
}
