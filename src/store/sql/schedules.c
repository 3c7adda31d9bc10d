/* schedules.c - one row a source that has a schedule. */
#include "store/sql/sql_priv.h"
#include "store/store_schedules.h"

#include <string.h>

static enum status list(struct store *store, struct arena *arena, struct schedule_times **out,
                        size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct schedule_times) rows = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT table_id,source,text,anchor_ms,next_ms,due_ms,run_id,"
                                 "missed,skipped FROM schedules");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct schedule_times times = {.table_id = sq_col_int(stmt, 0),
                                       .source = (int)sq_col_int(stmt, 1),
                                       .text = sq_col_text(stmt, 2, arena),
                                       .anchor_ms = sq_col_int(stmt, 3),
                                       .next_ms = sq_col_int(stmt, 4),
                                       .due_ms = sq_col_int(stmt, 5),
                                       .run_id = sq_col_int(stmt, 6),
                                       .missed = sq_col_int(stmt, 7),
                                       .skipped = sq_col_int(stmt, 8)};
        vec_push(&rows, times);
    }
    *count = rows.len;
    *out = arena_array(arena, rows.len + 1, sizeof **out);
    if (rows.len)
        memcpy(*out, rows.at, rows.len * sizeof **out);
    vec_free(&rows);
    return rc;
}

static enum status table_next(struct sq *sq, int64_t table_id, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "UPDATE tables SET next_sync_ms=coalesce((SELECT min(next_ms) FROM schedules"
                " WHERE table_id=?1 AND next_ms>0),0) WHERE id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    if (sq_changes(sq) == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no table %lld", (long long)table_id);
    sq_note(sq, NOUN_TABLE, table_id, 0);
    return OK;
}

static enum status put_times(struct sq *sq, const struct schedule_times *times, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "INSERT INTO schedules(table_id,source,text,anchor_ms,next_ms,"
                                 "due_ms,run_id,missed,skipped) VALUES(?,?,?,?,?,?,?,?,?)"
                                 " ON CONFLICT(table_id,source) DO UPDATE SET text=excluded.text,"
                                 "anchor_ms=excluded.anchor_ms,next_ms=excluded.next_ms,"
                                 "due_ms=excluded.due_ms,run_id=excluded.run_id,"
                                 "missed=excluded.missed,skipped=excluded.skipped");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, times->table_id);
    sq_int(stmt, 2, times->source);
    sq_text(stmt, 3, times->text);
    sq_int(stmt, 4, times->anchor_ms);
    sq_int(stmt, 5, times->next_ms);
    sq_int(stmt, 6, times->due_ms);
    sq_int(stmt, 7, times->run_id);
    sq_int(stmt, 8, times->missed);
    sq_int(stmt, 9, times->skipped);
    return sq_done(sq, stmt, err) == OK ? table_next(sq, times->table_id, err) : FAIL;
}

static enum status put(struct store *store, const struct schedule_times *times, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put_times(sq, times, err), err);
}

static enum status forget(struct store *store, int64_t table_id, int source, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, "DELETE FROM schedules WHERE table_id=? AND source=?");
    if (stmt) {
        sq_int(stmt, 1, table_id);
        sq_int(stmt, 2, source);
        rc = sq_done(sq, stmt, err);
        if (rc == OK && sq_changes(sq))
            rc = table_next(sq, table_id, err);
    }
    return sq_end(sq, rc, err);
}

const struct store_schedules sq_schedules = {.list = list, .put = put, .forget = forget};
