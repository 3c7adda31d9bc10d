/* runs.c - one row a run: who asked, when it began, how it ended, what it counted. */
#include "store/store_runs.h"
#include "store/sql/sql_priv.h"

enum status sq_insert_run(struct sq *sq, struct run *run, enum run_state state, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "INSERT INTO runs(table_id,kind,cause,state,started_ms,report,"
                                 "who,scope,queued_ms,epoch) VALUES(?,?,?,?,?,?,?,?,?,?) RETURNING id");
    if (!stmt)
        return FAIL;
    run->state = state;
    sq_int(stmt, 1, run->table_id);
    sq_text(stmt, 2, run->kind);
    sq_text(stmt, 3, run->cause);
    sq_int(stmt, 4, run->state);
    sq_int(stmt, 5, run->started_ms);
    sq_text(stmt, 6, run->report);
    sq_text(stmt, 7, run->who);
    sq_text(stmt, 8, run->scope);
    sq_int(stmt, 9, run->queued_ms);
    sq_int(stmt, 10, sq->store.epoch);
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
    if (!run->started_ms)
        run->started_ms = sq_now(sq);
    return sq_end(sq, sq_insert_run(sq, run, RUN_RUNNING, err), err);
}

static enum status queue(struct store *store, struct run *run, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    run->queued_ms = sq_now(sq);
    return sq_end(sq, sq_insert_run(sq, run, RUN_QUEUED, err), err);
}

static enum status note_run(struct sq *sq, int64_t run_id, struct err *err)
{
    int64_t table_id;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT table_id FROM runs WHERE id=?");
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
    struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE runs SET report=? WHERE id=?");
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
    struct sq_stmt *stmt = sq_stmt(sq, err,
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

static enum status start_run(struct sq *sq, int64_t run_id, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "UPDATE runs SET state=?1,started_ms=?2,epoch=?5 WHERE id=?3 AND state=?4");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, RUN_RUNNING);
    sq_int(stmt, 2, sq_now(sq));
    sq_int(stmt, 3, run_id);
    sq_int(stmt, 4, RUN_QUEUED);
    sq_int(stmt, 5, sq->store.epoch);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    if (!sq_changes(sq))
        return err_set(err, ERR_CONFLICT, "run %lld is not queued any more", (long long)run_id);
    return note_run(sq, run_id, err);
}

static enum status start(struct store *store, int64_t run_id, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, start_run(sq, run_id, err), err);
}

/* ---------------------------------------------------------------- finding */

#define RUN_COLUMNS                                                                                    "id,table_id,kind,cause,state,started_ms,ended_ms,report,error,who,scope,queued_ms"

static void read_run(struct sq_stmt *stmt, struct arena *arena, struct run *run)
{
    *run = (struct run){.id = sq_col_int(stmt, 0),
                        .table_id = sq_col_int(stmt, 1),
                        .kind = sq_col_text(stmt, 2, arena),
                        .cause = sq_col_text(stmt, 3, arena),
                        .state = (enum run_state)(int)sq_col_int(stmt, 4),
                        .started_ms = sq_col_int(stmt, 5),
                        .ended_ms = sq_col_int(stmt, 6),
                        .report = sq_col_text(stmt, 7, arena),
                        .error = sq_col_text(stmt, 8, arena),
                        .who = sq_col_text(stmt, 9, arena),
                        .scope = sq_col_text(stmt, 10, arena),
                        .queued_ms = sq_col_int(stmt, 11)};
}

static enum status get(struct store *store, struct arena *arena, int64_t run_id, struct run *out,
                       struct err *err)
{
    struct sq *sq = sq_of(store);
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT " RUN_COLUMNS " FROM runs WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "there is no run %lld", (long long)run_id);
    read_run(stmt, arena, out);
    sq_reset(stmt);
    return OK;
}

static struct sq_stmt *find_stmt(struct sq *sq, const struct run_query *q, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmtf(sq, err, "SELECT " RUN_COLUMNS " FROM runs WHERE 1%s%s%s%s ORDER BY id DESC LIMIT ?5",
                 q->table_id ? " AND table_id=?1" : "", q->kind ? " AND kind=?2" : "",
                 q->states ? " AND ((1<<CAST(state AS INT))&?3)<>0" : "", q->before_id ? " AND id<?4" : "");
    if (!stmt)
        return NULL;
    sq_int(stmt, 1, q->table_id);
    sq_text(stmt, 2, q->kind);
    sq_int(stmt, 3, q->states);
    sq_int(stmt, 4, q->before_id);
    sq_int(stmt, 5, q->limit ? (int64_t)q->limit : -1);
    return stmt;
}

static enum status find(struct store *store, struct arena *arena, const struct run_query *query,
                        struct run **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct run) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = find_stmt(sq, query, err);
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

enum status sq_run_list(struct store *store, struct arena *arena, int64_t table_id, size_t limit,
                        struct run **out, size_t *count, struct err *err)
{
    struct run_query query = {.table_id = table_id, .limit = limit};
    return find(store, arena, &query, out, count, err);
}

const struct store_runs sq_runs = {.queue = queue, .start = start, .get = get, .find = find};
