/* runs.c - one row a run: when it began, how it ended, what it counted. */
#include "store/sqlite/sqlite_priv.h"

static enum status begin_run(struct sq *sq, struct run *run, struct err *err)
{
    sqlite3_stmt *stmt = sq_stmt(sq, err,
                                 "INSERT INTO runs(table_id,kind,cause,state,started_ms,report)"
                                 " VALUES(?,?,?,?,?,?) RETURNING id");
    if (!stmt)
        return FAIL;
    if (!run->started_ms)
        run->started_ms = sq_now(sq);
    run->state = RUN_RUNNING;
    sq_int(stmt, 1, run->table_id);
    sq_text(stmt, 2, run->kind);
    sq_text(stmt, 3, run->cause);
    sq_int(stmt, 4, run->state);
    sq_int(stmt, 5, run->started_ms);
    sq_text(stmt, 6, run->report);
    if (sq_one_int(sq, stmt, 0, &run->id, err) != OK)
        return FAIL;
    sq_note(sq, NOUN_RUN, run->table_id, run->id);
    return OK;
}

enum status sq_run_begin(struct store *store, struct run *run, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, begin_run(sq, run, err), err);
}

static enum status note_run(struct sq *sq, int64_t run_id, struct err *err)
{
    int64_t table_id;
    sqlite3_stmt *stmt = sq_stmt(sq, err, "SELECT table_id FROM runs WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    if (sq_one_int(sq, stmt, 0, &table_id, err) != OK)
        return FAIL;
    sq_note(sq, NOUN_RUN, table_id, run_id);
    return OK;
}

static enum status report(struct sq *sq, int64_t run_id, const char *text, struct err *err)
{
    sqlite3_stmt *stmt = sq_stmt(sq, err, "UPDATE runs SET report=? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, text);
    sq_int(stmt, 2, run_id);
    return sq_done(sq, stmt, err) == OK ? note_run(sq, run_id, err) : FAIL;
}

enum status sq_run_report(struct store *store, int64_t run_id, const char *text, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, report(sq, run_id, text, err), err);
}

/* NULL keeps the report that is there. */
static enum status end_run(struct sq *sq, int64_t run_id, enum run_state state, const char *text,
                           const char *error, struct err *err)
{
    sqlite3_stmt *stmt = sq_stmt(sq, err,
                                 "UPDATE runs SET state=?,ended_ms=?,report=coalesce(?,report),"
                                 "error=? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, state);
    sq_int(stmt, 2, sq_now(sq));
    sq_text(stmt, 3, text);
    sq_text(stmt, 4, error);
    sq_int(stmt, 5, run_id);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    if (!sq_changes(sq))
        return err_set(err, ERR_NOT_FOUND, "there is no run %lld", (long long)run_id);
    return note_run(sq, run_id, err);
}

enum status sq_run_end(struct store *store, int64_t run_id, enum run_state state, const char *text,
                       const char *error, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, end_run(sq, run_id, state, text, error, err), err);
}

static void read_run(sqlite3_stmt *stmt, struct arena *arena, struct run *run)
{
    *run = (struct run){.id = sqlite3_column_int64(stmt, 0),
                        .table_id = sqlite3_column_int64(stmt, 1),
                        .kind = sq_col_text(stmt, 2, arena),
                        .cause = sq_col_text(stmt, 3, arena),
                        .state = (enum run_state)sqlite3_column_int(stmt, 4),
                        .started_ms = sqlite3_column_int64(stmt, 5),
                        .ended_ms = sqlite3_column_int64(stmt, 6),
                        .report = sq_col_text(stmt, 7, arena),
                        .error = sq_col_text(stmt, 8, arena)};
}

enum status sq_run_list(struct store *store, struct arena *arena, int64_t table_id, size_t limit,
                        struct run **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct run) list = {0};
    enum status rc = FAIL;
    bool row = true;
    sqlite3_stmt *stmt =
        sq_stmtf(sq, err,
                 "SELECT id,table_id,kind,cause,state,started_ms,ended_ms,report,error FROM runs"
                 "%s ORDER BY id DESC LIMIT ?2",
                 table_id ? " WHERE table_id=?1" : "");
    if (stmt) {
        if (table_id)
            sq_int(stmt, 1, table_id);
        sq_int(stmt, 2, limit ? (int64_t)limit : -1);
    }
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct run run;
        read_run(stmt, arena, &run);
        vec_push(&list, run);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    vec_free(&list);
    return rc;
}
