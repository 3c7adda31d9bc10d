/* schedules.c - one row a source, and one a column, that has a schedule. */
#include "store/sql/sql_priv.h"
#include "store/store_schedules.h"

#include <string.h>

const char sq_step_column_schedules[] =
    "CREATE TABLE column_schedules("
    " table_id INTEGER NOT NULL, column_id INTEGER NOT NULL, text TEXT NOT NULL,"
    " anchor_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL DEFAULT 0,"
    " run_id INTEGER NOT NULL DEFAULT 0, missed INTEGER NOT NULL DEFAULT 0,"
    " skipped INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(table_id, column_id)) WITHOUT ROWID;";

#define TIMES "text,anchor_ms,next_ms,due_ms,run_id,missed,skipped"

static enum status list(struct store *store, struct arena *arena, struct schedule_times **out,
                        size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct schedule_times) rows = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "SELECT table_id,source,0," TIMES " FROM schedules UNION ALL"
                                   " SELECT table_id,0,column_id," TIMES " FROM column_schedules");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct schedule_times times = {.table_id = sq_col_int(stmt, 0),
                                       .source = (int)sq_col_int(stmt, 1),
                                       .column_id = sq_col_int(stmt, 2),
                                       .text = sq_col_text(stmt, 3, arena),
                                       .anchor_ms = sq_col_int(stmt, 4),
                                       .next_ms = sq_col_int(stmt, 5),
                                       .due_ms = sq_col_int(stmt, 6),
                                       .run_id = sq_col_int(stmt, 7),
                                       .missed = sq_col_int(stmt, 8),
                                       .skipped = sq_col_int(stmt, 9)};
        vec_push(&rows, times);
    }
    *count = rows.len;
    *out = arena_array(arena, rows.len + 1, sizeof **out);
    if (rows.len)
        memcpy(*out, rows.at, rows.len * sizeof **out);
    vec_free(&rows);
    return rc;
}

/* A column's times leave it as it is; then it only says whether the table is there. */
static enum status table_next(struct sq *sq, const struct schedule_times *times, struct err *err)
{
    struct sq_stmt *stmt =
        times->column_id
            ? sq_stmt(sq, err, "UPDATE tables SET next_sync_ms=next_sync_ms WHERE id=?1")
            : sq_stmt(sq, err,
                      "UPDATE tables SET next_sync_ms=coalesce((SELECT min(next_ms) FROM schedules"
                      " WHERE table_id=?1 AND next_ms>0),0) WHERE id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, times->table_id);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    if (sq_changes(sq) == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no table %lld", (long long)times->table_id);
    sq_note(sq, NOUN_TABLE, times->table_id, 0);
    return OK;
}

#define PUT(table, key)                                                                            \
    "INSERT INTO " table "(table_id," key "," TIMES ") VALUES(?,?,?,?,?,?,?,?,?)"                  \
    " ON CONFLICT(table_id," key ") DO UPDATE SET text=excluded.text,"                             \
    "anchor_ms=excluded.anchor_ms,next_ms=excluded.next_ms,due_ms=excluded.due_ms,"                \
    "run_id=excluded.run_id,missed=excluded.missed,skipped=excluded.skipped"

static enum status put_times(struct sq *sq, const struct schedule_times *times, struct err *err)
{
    struct sq_stmt *stmt = times->column_id ? sq_stmt(sq, err, PUT("column_schedules", "column_id"))
                                            : sq_stmt(sq, err, PUT("schedules", "source"));
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, times->table_id);
    sq_int(stmt, 2, times->column_id ? times->column_id : times->source);
    sq_text(stmt, 3, times->text);
    sq_int(stmt, 4, times->anchor_ms);
    sq_int(stmt, 5, times->next_ms);
    sq_int(stmt, 6, times->due_ms);
    sq_int(stmt, 7, times->run_id);
    sq_int(stmt, 8, times->missed);
    sq_int(stmt, 9, times->skipped);
    return sq_done(sq, stmt, err) == OK ? table_next(sq, times, err) : FAIL;
}

static enum status put(struct store *store, const struct schedule_times *times, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put_times(sq, times, err), err);
}

static enum status forget_times(struct sq *sq, const struct schedule_times *times, struct err *err)
{
    struct sq_stmt *stmt =
        times->column_id
            ? sq_stmt(sq, err, "DELETE FROM column_schedules WHERE table_id=? AND column_id=?")
            : sq_stmt(sq, err, "DELETE FROM schedules WHERE table_id=? AND source=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, times->table_id);
    sq_int(stmt, 2, times->column_id ? times->column_id : times->source);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    return sq_changes(sq) ? table_next(sq, times, err) : OK;
}

static enum status forget(struct store *store, const struct schedule_times *times, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, forget_times(sq, times, err), err);
}

const struct store_schedules sq_schedules = {.list = list, .put = put, .forget = forget};
