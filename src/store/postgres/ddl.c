/* ddl.c - the schema: `ws` in front of every key and index, types by their name here.
 *
 * INTEGER is bigint, BLOB is bytea, TEXT compares by its bytes, and with COLLATE
 * NOCASE by letters without their case (argil_nocase, made when the store is). */
#include "store/postgres/dialect_priv.h"

#include <ctype.h>
#include <string.h>

static const struct token *at(const struct rewriting *r, size_t ahead)
{
    return &r->t[r->i + ahead];
}

static void put_text(struct rewriting *r, const char *text)
{
    buf_char(&r->out->sql, ' ');
    buf_str(&r->out->sql, text);
}

static void put_name(struct rewriting *r)
{
    put_text(r, dialect_name(r->d, &r->t[r->i++]));
}

/* ---------------------------------------------------------------- columns */

/* Keys of a table, written when its columns are. */
struct keys {
    struct buf sql;
};

static void put_type(struct rewriting *r, size_t end)
{
    bool nocase = false;
    for (size_t i = r->i; i < end; i++)
        nocase |= token_is(&r->t[i], "NOCASE");
    if (token_is(at(r, 0), "INTEGER")) {
        put_text(r, "bigint");
    } else if (token_is(at(r, 0), "BLOB")) {
        put_text(r, "bytea");
    } else {
        put_text(r, nocase ? "text COLLATE argil_nocase" : "text COLLATE \"C\"");
        if (!token_is(at(r, 0), "TEXT"))
            return; /* a column of any type: text */
    }
    r->i++;
}

/* name type [NOT NULL] [DEFAULT n] [PRIMARY KEY [AUTOINCREMENT]] [UNIQUE] [COLLATE x] */
static void put_column(struct rewriting *r, size_t end, struct keys *keys, bool *counts)
{
    const struct token *name = at(r, 0);
    put_name(r);
    put_type(r, end);
    while (r->i < end) {
        if (token_is(at(r, 0), "PRIMARY")) {
            buf_printf(&keys->sql, ",PRIMARY KEY(ws,%.*s)", (int)name->len, name->at);
            r->i += 2;
        } else if (token_is(at(r, 0), "UNIQUE")) {
            buf_printf(&keys->sql, ",UNIQUE(ws,%.*s)", (int)name->len, name->at);
            r->i++;
        } else if (token_is(at(r, 0), "COLLATE")) {
            r->i += 2;
        } else if (token_is(at(r, 0), "AUTOINCREMENT")) {
            *counts = true;
            r->i++;
        } else {
            dialect_put(r, r->i + 1);
        }
    }
}

static size_t item_end(const struct rewriting *r, size_t end)
{
    for (size_t i = r->i; i < end; i++) {
        if (token_is(&r->t[i], "("))
            i = tokens_closing(r->t, i);
        else if (token_is(&r->t[i], ","))
            return i;
    }
    return end;
}

/* PRIMARY KEY(a,b) or UNIQUE(a,b) of the whole table. */
static void put_table_key(struct rewriting *r, size_t end, struct keys *keys)
{
    bool primary = token_is(at(r, 0), "PRIMARY");
    buf_str(&keys->sql, primary ? ",PRIMARY KEY(ws" : ",UNIQUE(ws");
    for (r->i += primary ? 3 : 2; r->i < end; r->i++) {
        if (token_is(at(r, 0), ",") || token_is(at(r, 0), ")"))
            continue;
        buf_char(&keys->sql, ',');
        token_put(&keys->sql, at(r, 0));
    }
    buf_char(&keys->sql, ')');
}

static void create_table(struct rewriting *r)
{
    struct keys keys = {0};
    bool counts = false;
    r->i += 2;
    const char *table = dialect_name(r->d, at(r, 0));
    put_text(r, "CREATE TABLE");
    put_name(r);
    size_t close = tokens_closing(r->t, r->i++);
    put_text(r, "(ws bigint NOT NULL");
    while (r->i < close) {
        size_t end = item_end(r, close);
        if (token_is(at(r, 0), "PRIMARY") || token_is(at(r, 0), "UNIQUE")) {
            put_table_key(r, end, &keys);
        } else {
            buf_char(&r->out->sql, ',');
            put_column(r, end, &keys, &counts);
        }
        r->i = end + (end < close);
    }
    buf_str(&r->out->sql, buf_text(&keys.sql));
    buf_char(&r->out->sql, ')');
    if (strcmp(table, "ops") == 0) /* an operation that is sent stays in its page: no index changes */
        put_text(r, "WITH (fillfactor=50)");
    buf_free(&keys.sql);
    if (counts)
        r->out->made_counting = table;
    /* WITHOUT ROWID is left out */
}

/* ----------------------------------------------------------------- others */

static void create_index(struct rewriting *r, size_t end)
{
    bool unique = token_is(at(r, 1), "UNIQUE");
    r->i += unique ? 3 : 2;
    bool sorts = at(r, 0)->at[0] == 'v' && isdigit((unsigned char)at(r, 0)->at[1]);
    put_text(r, unique ? "CREATE UNIQUE INDEX" : "CREATE INDEX");
    put_name(r);
    r->i++; /* ON */
    put_text(r, "ON");
    put_name(r);
    size_t close = tokens_closing(r->t, r->i++);
    put_text(r, "(ws,");
    dialect_put(r, close);
    put_text(r, sorts ? ",rid" : ""); /* SQLite has it at the end of every index */
    dialect_put(r, end);
}

static void alter_table(struct rewriting *r, size_t end)
{
    struct keys none = {0};
    bool counts = false;
    r->i += 2;
    put_text(r, "ALTER TABLE");
    put_name(r);
    if (token_is(at(r, 0), "ADD")) {
        r->i += 2;
        put_text(r, "ADD COLUMN");
        put_column(r, end, &none, &counts);
        buf_free(&none.sql);
    } else {
        dialect_put(r, end);
    }
}

void dialect_put_ddl(struct rewriting *r, size_t end)
{
    if (token_is(at(r, 0), "CREATE") && token_is(at(r, 1), "TABLE"))
        create_table(r);
    else if (token_is(at(r, 0), "CREATE"))
        create_index(r, end);
    else if (token_is(at(r, 0), "ALTER"))
        alter_table(r, end);
    else
        dialect_put(r, end); /* DROP */
}
