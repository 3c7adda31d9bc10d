/* dialect.c - see dialect.h: queries and changes; ddl.c does the schema. */
#include "store/postgres/dialect_priv.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

#define TOGETHER_PARAMS 62 /* and an id: bits of `common` */

static bool is(const struct rewriting *r, const char *word)
{
    return token_is(&r->t[r->i], word);
}

static bool next_is(const struct rewriting *r, const char *word)
{
    return r->t[r->i].kind != TOKEN_END && token_is(&r->t[r->i + 1], word);
}

/* Words stand apart; marks need no space, and `=-1` would become one mark. */
static void space(struct rewriting *r)
{
    if (r->out->sql.len)
        buf_char(&r->out->sql, ' ');
}

static void put(struct rewriting *r, const char *text)
{
    space(r);
    buf_str(&r->out->sql, text);
}

/* ------------------------------------------------------------------ names */

/* t12, s12, v12, m12 and what begins with them and `_`. */
static size_t sheet_digits(const struct token *token)
{
    size_t i = 1;
    if (token->len < 2 || !strchr("tsvm", token->at[0]))
        return 0;
    while (i < token->len && isdigit((unsigned char)token->at[i]))
        i++;
    return i > 1 && (i == token->len || token->at[i] == '_') ? i : 0;
}

const char *dialect_name(const struct dialect *d, const struct token *token)
{
    if (sheet_digits(token))
        return arena_printf(d->arena, "%c%lld_%.*s", token->at[0], (long long)d->ws,
                            (int)token->len - 1, token->at + 1);
    return arena_strndup(d->arena, token->at, token->len);
}

static bool is_name(const struct token *token)
{
    static const char *const never[] = {"WHERE", "ORDER", "GROUP", "LIMIT", "JOIN",  "LEFT",
                                        "CROSS", "INNER", "ON",    "USING", "UNION", "INDEXED",
                                        "SET",   "VALUES", "RETURNING", "HAVING", "SELECT", "DEFAULT"};
    if (token->kind != TOKEN_WORD)
        return false;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (token_is(token, never[i]))
            return false;
    return true;
}

/* At a name: takes it and an alias behind it. What other tokens call the table by. */
static const char *take_alias(struct rewriting *r)
{
    const char *name = dialect_name(r->d, &r->t[r->i++]);
    if (is(r, "AS"))
        r->i++;
    else if (!is_name(&r->t[r->i]))
        return name;
    r->i++;
    return arena_strndup(r->d->arena, r->t[r->i - 1].at, r->t[r->i - 1].len);
}

/* The rows of a statement that is for many. */
static void put_rows(struct rewriting *r, const char *word)
{
    struct buf names = BUF_INIT;
    int count = r->out->params + (r->out->id_of != NULL);
    put(r, word);
    buf_str(&r->out->sql, " unnest(");
    for (int i = 1; i <= count; i++) {
        if (r->out->common >> (i - 1) & 1)
            continue;
        buf_printf(&r->out->sql, "%s$%d", names.len ? "," : "", i);
        buf_printf(&names, "p%d,", i);
    }
    buf_printf(&r->out->sql, ") WITH ORDINALITY AS argil_b(%sn)", buf_text(&names));
    buf_free(&names);
}

/* json_each(?1) l: the items of a list, each with its position. */
static void put_list(struct rewriting *r)
{
    int param = r->t[r->i + 2].param;
    r->out->together = false;
    r->out->lists = true;
    r->i += 4; /* json_each ( ? ) */
    space(r);
    buf_printf(&r->out->sql,
               "(SELECT value COLLATE \"C\" AS value,ordinality-1 AS key FROM json_array_elements_text($%d::json)"
               " WITH ORDINALITY) AS %.*s",
               param, (int)r->t[r->i].len, r->t[r->i].at);
    r->i++;
}

/* Behind FROM or JOIN. */
static void put_table(struct rewriting *r)
{
    if (is(r, "json_each")) {
        put_list(r);
        return;
    }
    if (!is_name(&r->t[r->i]) || next_is(r, "("))
        return;
    const char *name = dialect_name(r->d, &r->t[r->i]), *alias = take_alias(r);
    space(r);
    buf_printf(&r->out->sql, "(SELECT * FROM %s WHERE ws=%lld) AS %s", name, (long long)r->d->ws,
               alias);
    if (is(r, "INDEXED"))
        r->i += 3; /* INDEXED BY name */
}

/* ------------------------------------------------------------ expressions */

/* `IS` of any two values is IS NOT DISTINCT FROM. */
static void put_is(struct rewriting *r)
{
    bool not = next_is(r, "NOT");
    const struct token *what = &r->t[r->i + 1 + not];
    bool plain = token_is(what, "NULL") || token_is(what, "DISTINCT");
    r->i += 1 + not;
    if (plain)
        put(r, not ? "IS NOT" : "IS");
    else
        put(r, not ? "IS DISTINCT FROM" : "IS NOT DISTINCT FROM");
}

static bool has_comma(const struct rewriting *r, size_t open)
{
    size_t end = tokens_closing(r->t, open), depth = 0;
    for (size_t i = open + 1; i < end; i++) {
        depth += token_is(&r->t[i], "(");
        depth -= token_is(&r->t[i], ")");
        if (!depth && token_is(&r->t[i], ","))
            return true;
    }
    return false;
}

/* Functions of another name; false: it is none of them. */
static bool put_function(struct rewriting *r)
{
    static const struct {
        const char *ours, *theirs;
        bool of_two;
    } names[] = {{"max", "greatest", true}, {"min", "least", true}, {"instr", "strpos", false}};
    if (!next_is(r, "("))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(r, names[i].ours) && (!names[i].of_two || has_comma(r, r->i + 1))) {
            put(r, names[i].theirs);
            r->i++;
            return true;
        }
    return false;
}

static void put_param(struct rewriting *r)
{
    int param = r->t[r->i++].param;
    bool column = r->d->together && !(r->out->common >> (param - 1) & 1);
    space(r);
    buf_printf(&r->out->sql, column ? "argil_b.p%d" : "$%d", param);
}

static void put_word(struct rewriting *r)
{
    if (is(r, "IS")) {
        put_is(r);
    } else if (is(r, "LIMIT") && r->t[r->i + 1].kind == TOKEN_PARAM) {
        put(r, "LIMIT nullif("); /* -1: all */
        r->i++;
        put_param(r);
        buf_str(&r->out->sql, ",-1)");
    } else if (is(r, "CROSS") && next_is(r, "JOIN")) {
        r->i++; /* an order for SQLite's planner; it comes with ON */
    } else if (is(r, "INTEGER")) {
        put(r, "bigint");
        r->i++;
    } else if (is(r, "NOCASE")) {
        put(r, "argil_nocase");
        r->i++;
    } else if (!put_function(r)) {
        bool table = is(r, "FROM") || is(r, "JOIN"), where = is(r, "WHERE");
        put(r, dialect_name(r->d, &r->t[r->i++]));
        if (table)
            put_table(r);
        else if (where && r->t[r->i].len == 1 && r->t[r->i].at[0] == '1' &&
                 r->t[r->i + 1].kind != TOKEN_MARK)
            put(r, "true"), r->i++;
    }
}

/* Behind << or >>: a column is a bigint, and only an int can be shifted by. */
static void put_shift(struct rewriting *r)
{
    if (r->t[r->i].kind != TOKEN_WORD || next_is(r, "("))
        return;
    size_t end = r->i + (next_is(r, ".") ? 3 : 1);
    put(r, "(");
    dialect_put(r, end);
    buf_str(&r->out->sql, ")::int");
}

static void put_token(struct rewriting *r)
{
    const struct token *token = &r->t[r->i];
    switch (token->kind) {
    case TOKEN_WORD:
        put_word(r);
        return;
    case TOKEN_PARAM:
        put_param(r);
        return;
    case TOKEN_BYTES:
        space(r);
        buf_printf(&r->out->sql, "'\\x%.*s'::bytea", (int)token->len - 3, token->at + 2);
        break;
    default:
        if (!token_is(token, ".") && !(r->i && token_is(&r->t[r->i - 1], ".")))
            space(r);
        token_put(&r->out->sql, token);
    }
    r->i++;
    if (token_is(token, "<<") || token_is(token, ">>"))
        put_shift(r);
}

void dialect_put(struct rewriting *r, size_t end)
{
    while (r->i < end)
        put_token(r);
}

/* ---------------------------------------------------------------- changes */

/* Position of a word outside of parentheses, or `end`. */
static size_t find_word(const struct rewriting *r, size_t from, size_t end, const char *word)
{
    for (size_t i = from; i < end; i++) {
        if (token_is(&r->t[i], "("))
            i = tokens_closing(r->t, i);
        else if (token_is(&r->t[i], word))
            return i;
    }
    return end;
}

/* WHERE and what follows, for the rows of this workspace; `from`: the word before those of many. */
static void put_where(struct rewriting *r, const char *alias, const char *from, size_t end)
{
    size_t returning = find_word(r, r->i, end, "RETURNING");
    size_t where = find_word(r, r->i, returning, "WHERE");
    dialect_put(r, where);
    if (r->d->together)
        put_rows(r, from);
    space(r);
    buf_printf(&r->out->sql, "WHERE %s.ws=%lld", alias, (long long)r->d->ws);
    if (where < returning) {
        r->i++;
        put(r, "AND (");
        dialect_put(r, returning);
        put(r, ")");
    }
    dialect_put(r, end);
    if (r->d->together)
        put(r, "RETURNING argil_b.n");
    r->out->tells = r->d->together;
}

static void put_update(struct rewriting *r, size_t end)
{
    r->i++;
    const char *name = dialect_name(r->d, &r->t[r->i]), *alias = take_alias(r);
    space(r);
    buf_printf(&r->out->sql, "UPDATE %s AS %s", name, alias);
    put_where(r, alias, "FROM", end);
}

static void put_delete(struct rewriting *r, size_t end)
{
    r->i += 2; /* DELETE FROM */
    const char *name = dialect_name(r->d, &r->t[r->i]), *alias = take_alias(r);
    space(r);
    buf_printf(&r->out->sql, "DELETE FROM %s AS %s", name, alias);
    put_where(r, alias, "USING", end);
}

/* What ws and the counted id are in the row. */
static void put_first_values(struct rewriting *r)
{
    buf_printf(&r->out->sql, "%lld,", (long long)r->d->ws);
    if (r->out->id_of)
        buf_printf(&r->out->sql, r->d->together ? "argil_b.p%d," : "$%d,", r->out->params + 1);
}

/* One row of values, as a query of many. */
static void put_many_values(struct rewriting *r)
{
    size_t close = tokens_closing(r->t, ++r->i);
    put(r, "SELECT ");
    r->i++;
    put_first_values(r);
    dialect_put(r, close);
    put_rows(r, "FROM");
    r->i++;
    r->out->together &= !is(r, ",");
}

static void put_values(struct rewriting *r, size_t end)
{
    put(r, "VALUES");
    r->i++;
    while (r->i < end && is(r, "(")) {
        size_t close = tokens_closing(r->t, r->i++);
        put(r, "(");
        put_first_values(r);
        dialect_put(r, close + 1);
        if (is(r, ","))
            put_token(r);
    }
}

/* INSERT .. SELECT: the ids behind those that are there. */
static void put_select(struct rewriting *r, const char *name)
{
    put(r, "SELECT");
    r->i++;
    space(r);
    buf_printf(&r->out->sql, "%lld,", (long long)r->d->ws);
    if (r->out->id_of)
        buf_printf(&r->out->sql,
                   "(SELECT coalesce(max(id),0) FROM %s WHERE ws=%lld)+row_number() OVER (),", name,
                   (long long)r->d->ws);
    r->out->id_of = NULL;
}

static void put_conflict(struct rewriting *r, size_t end)
{
    put(r, "ON CONFLICT");
    r->i += 2;
    if (is(r, "(")) {
        put(r, "( ws,");
        r->i++;
    }
    dialect_put(r, end);
}

static bool names_id(const struct rewriting *r, size_t open)
{
    for (size_t i = open; i < tokens_closing(r->t, open); i++)
        if (token_is(&r->t[i], "id"))
            return true;
    return false;
}

static void put_insert(struct rewriting *r, size_t end)
{
    bool ignore = next_is(r, "OR"); /* OR IGNORE; there is no other here */
    r->i += ignore ? 4 : 2;
    const char *table = arena_strndup(r->d->arena, r->t[r->i].at, r->t[r->i].len);
    const char *name = dialect_name(r->d, &r->t[r->i]), *alias = take_alias(r);
    space(r);
    buf_printf(&r->out->sql, "INSERT INTO %s AS %s", name, alias);
    r->out->into = name;
    if (is(r, "(")) {
        if (r->d->counts_ids(r->d->ctx, table) && !names_id(r, r->i))
            r->out->id_of = table;
        buf_str(&r->out->sql, r->out->id_of ? "(ws,id," : "(ws,");
        size_t close = tokens_closing(r->t, r->i++);
        dialect_put(r, close + 1);
    }
    bool values = is(r, "VALUES");
    r->out->together &= values;
    if (values && r->d->together)
        put_many_values(r);
    else if (values)
        put_values(r, end);
    else
        put_select(r, name);
    size_t conflict = find_word(r, r->i, end, "CONFLICT");
    if (conflict < end) {
        dialect_put(r, conflict - 1);
        put_conflict(r, end);
    } else if (ignore) {
        dialect_put(r, end);
        put(r, "ON CONFLICT DO NOTHING");
    }
    dialect_put(r, end);
    r->out->tells = r->d->together && r->out->id_of;
    if (r->out->tells)
        put(r, "RETURNING id");
}

/* ------------------------------------------------------------- statements */

/* What is said of a conflict cannot name the row that met it. */
static uint64_t common_params(const struct rewriting *r, size_t end)
{
    uint64_t common = 0;
    for (size_t i = find_word(r, 0, end, "CONFLICT"); i < end; i++)
        if (r->t[i].kind == TOKEN_PARAM && r->t[i].param <= TOGETHER_PARAMS)
            common |= UINT64_C(1) << (r->t[i].param - 1);
    return common;
}

static void put_statement(struct rewriting *r, size_t end)
{
    r->out->common = common_params(r, end);
    r->out->together = r->d->together && r->out->params > 0 && r->out->params <= TOGETHER_PARAMS &&
                       find_word(r, 0, end, "RETURNING") == end &&
                       (is(r, "UPDATE") || is(r, "DELETE") || is(r, "INSERT"));
    r->out->reads = is(r, "SELECT");
    if (is(r, "UPDATE")) {
        put_update(r, end);
    } else if (is(r, "DELETE")) {
        put_delete(r, end);
    } else if (is(r, "INSERT")) {
        put_insert(r, end);
    } else if (is(r, "CREATE") || is(r, "ALTER") || is(r, "DROP")) {
        r->out->ddl = true;
        dialect_put_ddl(r, end);
    } else {
        dialect_put(r, end);
    }
}

bool dialect_next(const struct dialect *d, const char **sql, struct dialect_out *out)
{
    size_t count;
    *out = (struct dialect_out){0};
    struct rewriting r = {.d = d, .out = out};
    do
        r.t = tokens_of(d->arena, sql, &count, &out->params);
    while (!count && **sql);
    if (count)
        put_statement(&r, count);
    return count > 0;
}
