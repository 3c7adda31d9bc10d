/* history.c - lines of what became of rows and cells, and forgetting them in time.
 *
 * How long is kept beside the table's rules, so that writers need not take JSON apart.
 * Each transaction that adds lines deletes some that are too old: at least as many as
 * it adds, so that a table's history does not grow with its age. */
#include "store/sql/sql_priv.h"

#include "base/json.h"

#include <string.h>

const char sq_step_kept_history[] =
    "CREATE TABLE history_rules(table_id INTEGER PRIMARY KEY, keep_ms INTEGER NOT NULL);"
    "CREATE TABLE history(id INTEGER PRIMARY KEY AUTOINCREMENT, table_id INTEGER NOT NULL,"
    " row_id INTEGER NOT NULL, at_ms INTEGER NOT NULL, what INTEGER NOT NULL,"
    " by_whom INTEGER NOT NULL, slot INTEGER NOT NULL, run_id INTEGER NOT NULL, old TEXT, new TEXT);"
    "CREATE INDEX history_row ON history(table_id, row_id, id);"
    "CREATE INDEX history_age ON history(table_id, at_ms);";

static enum status keep_ms(struct sq *sq, int64_t table_id, int64_t *out, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT keep_ms FROM history_rules WHERE table_id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    return sq_one_int(sq, stmt, 0, out, err);
}

enum status historian_open(struct historian *h, struct sq *sq, int64_t table_id,
                           enum history_by by, int64_t run_id, struct err *err)
{
    *h = (struct historian){.sq = sq, .table_id = table_id, .by = by, .run_id = run_id};
    return keep_ms(sq, table_id, &h->keep_ms, err);
}

static enum status add_line(struct historian *h, int64_t row_id, enum history_what what, int slot,
                            struct value old, struct value new, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(h->sq, err,
                "INSERT INTO history(table_id,row_id,at_ms,what,by_whom,slot,run_id,old,new)"
                " VALUES(?,?,?,?,?,?,?,?,?)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, h->table_id);
    sq_int(stmt, 2, row_id);
    sq_int(stmt, 3, sq_now(h->sq));
    sq_int(stmt, 4, what);
    sq_int(stmt, 5, h->by);
    sq_int(stmt, 6, slot);
    sq_int(stmt, 7, h->run_id);
    sq_value(stmt, 8, old);
    sq_value(stmt, 9, new);
    h->lines++;
    return sq_done(h->sq, stmt, err);
}

enum status historian_row(struct historian *h, int64_t row_id, enum history_what what,
                          struct err *err)
{
    return h->keep_ms ? add_line(h, row_id, what, 0, VALUE_NULL, VALUE_NULL, err) : OK;
}

enum status historian_cell(struct historian *h, int64_t row_id, int slot, struct value new,
                           struct err *err)
{
    bool row;
    if (!h->keep_ms)
        return OK;
    struct sq_stmt *stmt = sq_stmtf(h->sq, err, "SELECT c%d FROM t%lld WHERE rid=? AND deleted NOT IN (2,4)", slot,
                                    (long long)h->table_id);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, row_id);
    if (sq_row(h->sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    struct value old = sq_col_value(stmt, 0, h->sq->scratch);
    sq_reset(stmt);
    return value_equal(old, new) ? OK : add_line(h, row_id, HISTORY_CHANGED, slot, old, new, err);
}

enum status historian_forget(struct historian *h, int64_t row_id, struct err *err)
{
    struct sq_stmt *stmt =
        h->keep_ms ? sq_stmt(h->sq, err, "DELETE FROM history WHERE table_id=? AND row_id=?") : NULL;
    if (!stmt)
        return h->keep_ms ? FAIL : OK;
    sq_int(stmt, 1, h->table_id);
    sq_int(stmt, 2, row_id);
    return sq_done(h->sq, stmt, err);
}

#define PRUNE_MORE 100 /* lines beyond as many as were added */

enum status historian_finish(struct historian *h, struct err *err)
{
    if (!h->lines)
        return OK;
    struct sq_stmt *stmt =
        sq_stmt(h->sq, err,
                "DELETE FROM history WHERE id IN (SELECT id FROM history WHERE table_id=?1"
                " AND at_ms<?2 ORDER BY at_ms LIMIT ?3)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, h->table_id);
    sq_int(stmt, 2, sq_now(h->sq) - h->keep_ms);
    sq_int(stmt, 3, h->lines + PRUNE_MORE);
    return sq_done(h->sq, stmt, err);
}

/* ---------------------------------------------------------------- the rule */

static int64_t wanted_ms(struct sq *sq, const struct table *table)
{
    struct err ignored = {0};
    if (!table->rules || !strstr(table->rules, "history_ms"))
        return 0;
    return json_get_int(json_parse(sq->scratch, table->rules, strlen(table->rules), &ignored),
                        "history_ms", 0);
}

enum status sq_place_history(struct sq *sq, const struct table *table, struct err *err)
{
    int64_t now, wanted = wanted_ms(sq, table);
    long long id = table->id;
    if (keep_ms(sq, table->id, &now, err) != OK)
        return FAIL;
    if (now == wanted)
        return OK;
    if (!wanted)
        return sq_exec(sq,
                       arena_printf(sq->scratch,
                                    "DELETE FROM history WHERE table_id=%lld;"
                                    "DELETE FROM history_rules WHERE table_id=%lld;",
                                    id, id),
                       err);
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO history_rules(table_id,keep_ms) VALUES(?1,?2)"
                " ON CONFLICT(table_id) DO UPDATE SET keep_ms=excluded.keep_ms");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table->id);
    sq_int(stmt, 2, wanted);
    return sq_done(sq, stmt, err);
}

/* ---------------------------------------------------------------- reading */

static enum status list(struct sq *sq, struct arena *arena, const struct history_query *q,
                        struct history_line *out, size_t *count, struct err *err)
{
    int64_t keep;
    bool row = true;
    if (keep_ms(sq, q->table_id, &keep, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        "SELECT h.id,h.row_id,h.at_ms,h.what,h.by_whom,coalesce(c.id,0),h.run_id,h.old,h.new"
        " FROM history h LEFT JOIN columns c ON c.table_id=h.table_id AND c.slot=h.slot"
        " WHERE h.table_id=?1 AND h.row_id=?2 AND h.id<?3 AND h.at_ms>=?4"
        " AND (?5=0 OR c.id=?5) ORDER BY h.id DESC LIMIT ?6");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, q->table_id);
    sq_int(stmt, 2, q->row_id);
    sq_int(stmt, 3, q->before ? q->before : INT64_MAX);
    sq_int(stmt, 4, sq_now(sq) - keep);
    sq_int(stmt, 5, q->column_id);
    sq_int(stmt, 6, (int64_t)q->limit);
    for (;;) {
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        out[(*count)++] = (struct history_line){.id = sq_col_int(stmt, 0),
                                                .row_id = sq_col_int(stmt, 1),
                                                .at_ms = sq_col_int(stmt, 2),
                                                .what = (enum history_what)sq_col_int(stmt, 3),
                                                .by = (enum history_by)sq_col_int(stmt, 4),
                                                .column_id = sq_col_int(stmt, 5),
                                                .run_id = sq_col_int(stmt, 6),
                                                .old = sq_col_value(stmt, 7, arena),
                                                .new = sq_col_value(stmt, 8, arena)};
    }
}

static enum status sq_history_list(struct store *store, struct arena *arena,
                                   const struct history_query *query, struct history_line **out,
                                   size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    *count = 0;
    *out = arena_array(arena, query->limit + 1, sizeof **out);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, list(sq, arena, query, *out, count, err), err);
}

const struct store_history sq_history = {.list = sq_history_list};
