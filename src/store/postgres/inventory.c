/* inventory.c - the tables of a workspace, their columns and ids: what a copy asks. */
#include "store/postgres/postgres_priv.h"

#include <stdlib.h>
#include <string.h>

void pg_quote(struct buf *sql, const char *text)
{
    buf_char(sql, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_char(sql, '\'');
        buf_char(sql, *text);
    }
    buf_char(sql, '\'');
}

/* Ours by name: t7_12 of workspace 7 is t12, of another one NULL. */
static const char *our_name(struct postgres *pg, struct arena *arena, const char *name)
{
    char *end;
    if (!strchr("ts", name[0]) || name[1] < '0' || name[1] > '9')
        return arena_strdup(arena, name);
    if (strtoll(name + 1, &end, 10) != pg->ws || *end != '_')
        return NULL;
    return arena_printf(arena, "%c%s", name[0], end + 1);
}

static enum status ask_rows(struct postgres *pg, const char *sql, PGresult **out, struct err *err)
{
    if (pg_drain(pg, NULL, "asking the store", err) != OK || pg_send(pg, sql, err) != OK)
        return FAIL;
    return pg_drain(pg, out, "asking the store", err);
}

enum status pg_list_tables(struct sq *sq, struct arena *arena, const char ***out, size_t *count,
                           struct err *err)
{
    struct postgres *pg = pg_of(sq);
    PGresult *result = NULL;
    if (ask_rows(pg,
                 "SELECT tablename FROM pg_tables WHERE schemaname='argil'"
                 " AND tablename NOT LIKE 'argil%' ORDER BY tablename COLLATE \"C\"",
                 &result, err) != OK)
        return FAIL;
    *count = 0;
    *out = arena_array(arena, (size_t)PQntuples(result) + 1, sizeof **out);
    for (int i = 0; i < PQntuples(result); i++) {
        const char *name = our_name(pg, arena, PQgetvalue(result, i, 0));
        if (name)
            (*out)[(*count)++] = name;
    }
    PQclear(result);
    return OK;
}

enum status pg_list_columns(struct sq *sq, struct arena *arena, const char *table,
                            struct sq_column **out, size_t *count, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    PGresult *result = NULL;
    struct buf sql = BUF_INIT;
    bool sheet = strchr("ts", table[0]) && table[1] >= '0' && table[1] <= '9';
    /* information_schema would say the same, many times slower */
    buf_str(&sql, "SELECT attname,atttypid='bigint'::regtype FROM pg_attribute WHERE attnum>0"
                  " AND NOT attisdropped AND attname<>'ws' AND attrelid=to_regclass(");
    pg_quote(&sql, sheet ? arena_printf(arena, "argil.%c%lld_%s", table[0], (long long)pg->ws, table + 1)
                         : arena_printf(arena, "argil.%s", table));
    buf_str(&sql, ") ORDER BY attname COLLATE \"C\"");
    enum status rc = ask_rows(pg, buf_text(&sql), &result, err);
    buf_free(&sql);
    if (rc != OK)
        return FAIL;
    *count = (size_t)PQntuples(result);
    *out = arena_array(arena, *count + 1, sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = (struct sq_column){arena_strdup(arena, PQgetvalue(result, (int)i, 0)),
                                       *PQgetvalue(result, (int)i, 1) == 't'};
    PQclear(result);
    return OK;
}

enum status pg_id_of(struct sq *sq, const char *table, int64_t *next, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    char sql[200];
    const char *text = NULL;
    *next = 0;
    if (!map_has(pg->ids, table))
        return OK;
    snprintf(sql, sizeof sql, "SELECT next FROM argil_ids WHERE ws=%lld AND noun='%s'",
             (long long)pg->ws, table);
    if (pg_drain(pg, NULL, "asking the store", err) != OK || pg_ask(pg, sql, &text, err) != OK)
        return FAIL;
    *next = text ? strtoll(text, NULL, 10) : 0;
    return OK;
}

enum status pg_raise_id(struct sq *sq, const char *table, int64_t next, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    char sql[300];
    if (!next || !map_has(pg->ids, table))
        return OK;
    snprintf(sql, sizeof sql,
             "INSERT INTO argil_ids AS x(ws,noun,next) VALUES(%lld,'%s',%lld)"
             " ON CONFLICT(ws,noun) DO UPDATE SET next=greatest(x.next,excluded.next)",
             (long long)pg->ws, table, (long long)next);
    return pg_send(pg, sql, err);
}

enum status pg_rename(struct sq *sq, const char *id, const char *name, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    struct buf sql = BUF_INIT;
    buf_str(&sql, "UPDATE argil_workspaces SET id=");
    pg_quote(&sql, id);
    if (!pg->link->workspace) { /* else it is called as it was asked for */
        buf_str(&sql, ",name=");
        pg_quote(&sql, name);
    }
    buf_printf(&sql, " WHERE ws=%lld", (long long)pg->ws);
    enum status rc = pg_send(pg, buf_text(&sql), err);
    buf_free(&sql);
    return rc;
}
