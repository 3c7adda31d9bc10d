/* sosl.c - a SOSL statement: clauses in their order, each at most once. What
 * stands in the brackets of an object goes to SOQL as it is. */
#include "localorg/search/search_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct arena *arena;
    const char *at;
    struct search *search;
    struct err *err;
};

static void skip_space(struct reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The next word as it stands; "" at the end or before a sign. */
static const char *peek(struct reader *r)
{
    size_t len = 0;
    skip_space(r);
    while (is_name(r->at[len]))
        len++;
    return arena_strndup(r->arena, r->at, len);
}

static bool take(struct reader *r, const char *word)
{
    if (!text_eq_nocase(peek(r), word))
        return false;
    r->at += strlen(word);
    return true;
}

static bool take_sign(struct reader *r, char sign)
{
    skip_space(r);
    if (*r->at != sign)
        return false;
    r->at++;
    return true;
}

static enum status unexpected(struct reader *r)
{
    const char *word = peek(r);
    if (!*word)
        word = *r->at ? arena_strndup(r->arena, r->at, 1) : "<EOF>";
    return err_set(r->err, SEARCH_MALFORMED, "unexpected token: %s", word);
}

static enum status read_number(struct reader *r, int64_t max, int64_t *out)
{
    char *end = NULL;
    skip_space(r);
    long long n = isdigit((unsigned char)*r->at) ? strtoll(r->at, &end, 10) : -1;
    if (n < 0)
        return unexpected(r);
    r->at = end;
    *out = n < max ? n : max;
    return OK;
}

/* --- FIND --- */

static enum status read_find(struct reader *r)
{
    if (!take(r, "FIND") || !take_sign(r, '{'))
        return err_set(r->err, SEARCH_MALFORMED, "%s", SEARCH_NO_TERM);
    const char *stop = r->at;
    while (*stop && *stop != '}')
        stop += *stop == '\\' && stop[1] ? 2 : 1;
    if (!*stop)
        return err_set(r->err, SEARCH_MALFORMED, "%s", SEARCH_NO_TERM);
    const char *text = arena_strndup(r->arena, r->at, (size_t)(stop - r->at));
    r->at = stop + 1;
    return search_parse_find(r->arena, text, r->search, r->err);
}

bool search_scope_parse(const char *name, enum search_scope *out)
{
    static const char *const names[] = {"ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_eq_nocase(names[i], name)) {
            *out = (enum search_scope)i;
            return true;
        }
    return false;
}

static enum status read_scope(struct reader *r)
{
    if (!take(r, "IN"))
        return OK;
    const char *word = peek(r);
    if (!search_scope_parse(word, &r->search->scope))
        return unexpected(r);
    r->at += strlen(word);
    return take(r, "FIELDS") ? OK : unexpected(r);
}

/* --- RETURNING --- */

/* Past the clause that starts here: to one of the words, outside brackets and
 * quotes, or to the bracket that closes the object. */
static const char *clause_end(const char *p, const char *const *words, size_t count)
{
    int depth = 0;
    bool start = true;
    for (; *p; p++) {
        if (*p == '\'') {
            for (p++; *p && *p != '\''; p++)
                if (*p == '\\' && p[1])
                    p++;
            if (!*p)
                return p;
        }
        depth += *p == '(';
        if (*p == ')' && depth-- == 0)
            return p;
        for (size_t i = 0; i < count && start && depth == 0; i++) {
            size_t len = strlen(words[i]);
            if (strncasecmp(p, words[i], len) == 0 && !is_name(p[len]))
                return p;
        }
        start = !is_name(*p);
    }
    return p;
}

static const char *clause(struct reader *r, const char *const *words, size_t count)
{
    const char *stop = clause_end(r->at, words, count);
    const char *text = text_trim(r->arena, arena_strndup(r->arena, r->at, (size_t)(stop - r->at)));
    r->at = stop;
    return text;
}

/* fields [USING ListView=..] [WHERE ..] [ORDER BY ..] [LIMIT n] [OFFSET n] ) */
static enum status read_inside(struct reader *r, struct search_target *target)
{
    static const char *const words[] = {"USING", "WHERE", "ORDER", "LIMIT", "OFFSET"};
    const char *fields = clause(r, words, 5);
    if (*fields)
        target->fields = fields;
    if (take(r, "USING"))
        return err_set(r->err, SEARCH_MALFORMED, "localorg has not built USING ListView in SOSL");
    if (take(r, "WHERE")) {
        target->where = clause(r, words + 2, 3);
        if (!*target->where)
            return unexpected(r);
    }
    if (take(r, "ORDER")) {
        if (!take(r, "BY"))
            return unexpected(r);
        target->order = clause(r, words + 3, 2);
        if (!*target->order)
            return unexpected(r);
    }
    if (take(r, "LIMIT") && read_number(r, INT32_MAX, &target->limit) != OK)
        return FAIL;
    if (take(r, "OFFSET") && read_number(r, INT32_MAX, &target->offset) != OK)
        return FAIL;
    return take_sign(r, ')') ? OK : unexpected(r);
}

static enum status read_targets(struct reader *r)
{
    struct search *search = r->search;
    if (!take(r, "RETURNING"))
        return OK;
    do {
        struct search_target target = {.fields = "Id", .limit = -1, .offset = -1};
        target.object = peek(r);
        if (!*target.object)
            return unexpected(r);
        r->at += strlen(target.object);
        if (take_sign(r, '(') && read_inside(r, &target) != OK)
            return FAIL;
        if (search->target_count == SEARCH_TARGETS_MAX)
            return err_set(r->err, SEARCH_MALFORMED, "a search can return at most %d objects",
                           SEARCH_TARGETS_MAX);
        search->targets[search->target_count++] = target;
    } while (take_sign(r, ','));
    for (size_t i = 0; i < search->target_count; i++) {
        if (search->targets[i].offset > SEARCH_OFFSET_MAX)
            return err_set(r->err, "NUMBER_OUTSIDE_VALID_RANGE",
                           "SOSL offset should be between 0 to %d", SEARCH_OFFSET_MAX);
        if (search->targets[i].offset >= 0 && search->target_count > 1)
            return err_set(r->err, SEARCH_MALFORMED,
                           "OFFSET is only supported for queries on a single object");
    }
    return OK;
}

/* --- WITH, LIMIT, UPDATE --- */

/* = 'text' or = true; *value is what was said. */
static enum status read_value(struct reader *r, const char **value)
{
    if (!take_sign(r, '='))
        return unexpected(r);
    skip_space(r);
    if (*r->at == '\'') {
        const char *stop = strchr(r->at + 1, '\'');
        if (!stop)
            return unexpected(r);
        *value = arena_strndup(r->arena, r->at + 1, (size_t)(stop - r->at) - 1);
        r->at = stop + 1;
        return OK;
    }
    *value = peek(r);
    r->at += strlen(*value);
    return **value ? OK : unexpected(r);
}

static enum status read_with(struct reader *r)
{
    const char *value;
    if (take(r, "METADATA")) {
        if (read_value(r, &value) != OK)
            return FAIL;
        r->search->labels = text_eq_nocase(value, "LABELS");
        return r->search->labels ? OK
                                 : err_set(r->err, SEARCH_MALFORMED, "unexpected token: %s", value);
    }
    if (take(r, "SPELL_CORRECTION")) /* there is none to switch off */
        return read_value(r, &value);
    return err_set(r->err, SEARCH_MALFORMED,
                   "localorg has not built WITH %s; METADATA and SPELL_CORRECTION are known",
                   peek(r));
}

static enum status read_rest(struct reader *r)
{
    while (take(r, "WITH"))
        if (read_with(r) != OK)
            return FAIL;
    if (take(r, "LIMIT")) {
        if (read_number(r, INT32_MAX, &r->search->limit) != OK)
            return FAIL;
        if (r->search->limit > SEARCH_ROWS_MAX)
            return err_set(r->err, SEARCH_MALFORMED, "The LIMIT of a search is at most %d",
                           SEARCH_ROWS_MAX);
    }
    if (take(r, "UPDATE")) { /* of articles, which are none here */
        if (!take(r, "TRACKING") && !take(r, "VIEWSTAT"))
            return unexpected(r);
    }
    skip_space(r);
    return *r->at ? unexpected(r) : OK;
}

struct search *search_parse(struct arena *arena, const char *sosl, struct err *err)
{
    struct search *search = arena_alloc(arena, sizeof *search);
    struct reader r = {.arena = arena, .at = sosl, .search = search, .err = err};
    search->limit = SEARCH_ROWS_MAX;
    if (read_find(&r) != OK || read_scope(&r) != OK || read_targets(&r) != OK ||
        read_rest(&r) != OK)
        return NULL;
    return search;
}
