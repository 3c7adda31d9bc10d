/* soql_shape.c - what a query of the user's own will give, from its text.
 *
 * Only the SELECT list is read: which keys the records will have. Everything else
 * is Salesforce's to judge. Keys are as the API names them: a path nests, an alias
 * or expr0, expr1 ... stands for what is computed, a child query has the name of
 * its relationship. */
#include "connect/salesforce/views_priv.h"

#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ------------------------------------------------------------- finding */

static bool name_sign(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

/* Behind a quoted text that begins at p. */
static const char *behind_quote(const char *p)
{
    for (p++; *p && *p != '\''; p++)
        p += *p == '\\' && p[1];
    return *p ? p + 1 : p;
}

/* The next place at bracket level 0 where the word stands, or NULL. */
static const char *find_word(const char *p, const char *word)
{
    size_t len = strlen(word);
    int level = 0;
    for (bool at_start = true; *p;) {
        if (*p == '\'') {
            p = behind_quote(p);
            at_start = true;
            continue;
        }
        if (level == 0 && at_start && strncasecmp(p, word, len) == 0 && !name_sign(p[len]))
            return p;
        level += (*p == '(') - (*p == ')');
        at_start = !name_sign(*p);
        p++;
    }
    return NULL;
}

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n\f\v");
}

static struct str word_at(const char *p)
{
    size_t n = 0;
    while (name_sign(p[n]))
        n++;
    return (struct str){p, n};
}

const char *soql_where_of(struct arena *arena, const char *soql)
{
    static const char *const ends[] = {"WITH",   "GROUP", "ORDER", "LIMIT",
                                       "OFFSET", "FOR",   "UPDATE"};
    const char *from = find_word(soql, "FROM");
    const char *where = from ? find_word(from, "WHERE") : NULL;
    if (!where)
        return NULL;
    where += 5;
    const char *end = where + strlen(where);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const char *at = find_word(where, ends[i]);
        if (at && at < end)
            end = at;
    }
    return str_dup(arena, str_trim((struct str){where, (size_t)(end - where)}));
}

/* ---------------------------------------------------------------- items */

struct shaping {
    struct arena *arena;
    struct crm_query_shape *out;
    VEC(struct crm_view_column) columns;
    int unnamed; /* exprN so far */
};

static bool is_word(struct str s, const char *word)
{
    return str_eq_nocase(s, str_of(word));
}

static bool is_aggregate(struct str function)
{
    static const char *const names[] = {"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_word(function, names[i]))
            return true;
    return false;
}

/* toLabel(Status) is called Status where nothing else is said. */
static bool keeps_name(struct str function)
{
    return is_word(function, "TOLABEL") || is_word(function, "CONVERTCURRENCY") ||
           is_word(function, "FORMAT");
}

static void put(struct shaping *s, const char *name, const char *type, const char *field)
{
    struct crm_view_column column = {.name = name, .type = type, .field = field};
    vec_push(&s->columns, column);
}

static enum status child_query(struct shaping *s, struct str item, struct err *err)
{
    char *inner = arena_strndup(s->arena, item.p + 1, item.n - (item.n > 1 ? 2 : 1));
    const char *from = find_word(inner, "FROM");
    struct str name = from ? word_at(skip_space(from + 4)) : (struct str){0};
    if (!name.n)
        return err_set(err, ERR_INVALID, "the inner query has no FROM: %.80s", inner);
    put(s, str_dup(s->arena, name), "json", NULL);
    return OK;
}

static enum status computed(struct shaping *s, struct str function, struct str rest,
                            struct err *err)
{
    const char *close = rest.n ? memrchr(rest.p, ')', rest.n) : NULL;
    if (!close)
        return err_set(err, ERR_INVALID, "a bracket is not closed in the SELECT list");
    struct str inside = str_trim((struct str){rest.p + 1, (size_t)(close - rest.p) - 1});
    struct str alias = str_trim((struct str){close + 1, rest.n - (size_t)(close + 1 - rest.p)});
    if (is_word(function, "FIELDS")) {
        err_set(err, ERR_INVALID, "FIELDS() does not say which columns the table will have");
        err_hint(err, "name the fields");
        return FAIL;
    }
    if (is_word(function, "COUNT") && !inside.n) {
        err_set(err, ERR_INVALID, "COUNT() gives no rows");
        err_hint(err, "COUNT(Id) gives one row with the number, or one a group");
        return FAIL;
    }
    bool counted = is_word(function, "COUNT") || is_word(function, "COUNT_DISTINCT") ||
                   is_word(function, "SUM") || is_word(function, "AVG");
    s->out->aggregate = s->out->aggregate || is_aggregate(function);
    const char *field = counted || !is_aggregate(function) ? NULL : str_dup(s->arena, inside);
    if (alias.n)
        put(s, str_dup(s->arena, alias), counted ? "double" : NULL, field);
    else if (keeps_name(function))
        put(s, str_dup(s->arena, inside), "string", NULL);
    else
        put(s, arena_printf(s->arena, "expr%d", s->unnamed++), counted ? "double" : NULL, field);
    return OK;
}

static enum status add_item(struct shaping *s, struct str item, struct err *err)
{
    item = str_trim(item);
    if (!item.n)
        return err_set(err, ERR_INVALID, "the SELECT list has an empty place");
    if (*item.p == '(')
        return child_query(s, item, err);
    struct str word = word_at(item.p);
    if (word.n > item.n || !word.n)
        return err_set(err, ERR_INVALID, "the SELECT list holds \"%.*s\", which is no field",
                       (int)(item.n < 60 ? item.n : 60), item.p);
    struct str rest = str_trim((struct str){item.p + word.n, item.n - word.n});
    if (rest.n && *rest.p == '(')
        return computed(s, word, rest, err);
    if (is_word(word, "TYPEOF")) {
        put(s, str_dup(s->arena, word_at(rest.p)), "json", NULL);
        return OK;
    }
    const char *path = str_dup(s->arena, word);
    put(s, rest.n ? str_dup(s->arena, rest) : path, NULL, path);
    return OK;
}

static enum status add_items(struct shaping *s, const char *p, const char *end, struct err *err)
{
    const char *start = p;
    int level = 0;
    for (; p <= end; p++) {
        if (p < end && *p == '\'') {
            p = behind_quote(p) - 1;
            continue;
        }
        if (p < end && *p != ',') {
            level += (*p == '(') - (*p == ')');
            continue;
        }
        if (p < end && level)
            continue;
        if (add_item(s, (struct str){start, (size_t)(p - start)}, err) != OK)
            return FAIL;
        start = p + 1;
    }
    return OK;
}

static enum status check_twice(struct shaping *s, struct err *err)
{
    for (size_t i = 0; i < s->columns.len; i++)
        for (size_t j = 0; j < i; j++)
            if (text_eq_nocase(s->columns.at[i].name, s->columns.at[j].name))
                return err_set(err, ERR_INVALID, "the SELECT list names `%s` twice",
                               s->columns.at[i].name);
    return OK;
}

static enum status shape(struct shaping *s, const char *soql, struct err *err)
{
    const char *select = skip_space(soql);
    const char *from = find_word(select, "FROM");
    if (strncasecmp(select, "SELECT", 6) != 0 || name_sign(select[6]) || !from)
        return err_set(err, ERR_INVALID, "a query is SELECT fields FROM object");
    if (strchr(soql, '*') && memchr(select, '*', (size_t)(from - select))) {
        err_set(err, ERR_INVALID, "SOQL has no *");
        err_hint(err, "name the fields; a source from `object` takes fields: all");
        return FAIL;
    }
    s->out->object = str_dup(s->arena, word_at(skip_space(from + 4)));
    s->out->aggregate = find_word(from, "GROUP") != NULL;
    if (!*s->out->object)
        return err_set(err, ERR_INVALID, "the query names no object after FROM");
    if (add_items(s, select + 6, from, err) != OK)
        return FAIL;
    return check_twice(s, err);
}

/* A grouped path without an alias is called by its last step. */
static void name_groups(struct shaping *s)
{
    for (size_t i = 0; i < s->columns.len && s->out->aggregate; i++) {
        const char *dot = strrchr(s->columns.at[i].name, '.');
        if (dot)
            s->columns.at[i].name = dot + 1;
    }
}

enum status sf_query_shape(struct arena *arena, const char *soql, struct crm_query_shape *out,
                           struct err *err)
{
    struct shaping s = {.arena = arena, .out = out};
    *out = (struct crm_query_shape){0};
    enum status rc = shape(&s, soql, err);
    name_groups(&s);
    out->columns = arena_array(arena, s.columns.len + 1, sizeof *out->columns);
    if (s.columns.len)
        memcpy(out->columns, s.columns.at, s.columns.len * sizeof *out->columns);
    out->column_count = s.columns.len;
    vec_free(&s.columns);
    return rc;
}
