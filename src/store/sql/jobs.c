/* jobs.c - see store_jobs.h. */
#include "store/sql/sql_priv.h"
#include "store/store_jobs.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

const char sq_step_jobs[] =
    "CREATE TABLE jobs("
    " run_id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, lane TEXT NOT NULL,"
    " text TEXT NOT NULL, epoch INTEGER NOT NULL DEFAULT 0, stop INTEGER NOT NULL DEFAULT 0);";

/* ---------------------------------------------------------------- queueing */

static enum status check_twin(struct sq *sq, int64_t table_id, const char *text, struct err *err)
{
    int64_t twin;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT run_id FROM jobs WHERE table_id=?1 AND text=?2 AND epoch=0 LIMIT 1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_text(stmt, 2, text);
    if (sq_one_int(sq, stmt, 0, &twin, err) != OK)
        return FAIL;
    return twin ? err_set(err, ERR_JOB_TWIN, "run %lld does the same and waits already",
                          (long long)twin)
                : OK;
}

static enum status add(struct sq *sq, struct run *run, const char *lane, const char *text,
                       struct err *err)
{
    if (check_twin(sq, run->table_id, text, err) != OK)
        return FAIL;
    run->queued_ms = sq_now(sq);
    if (sq_insert_run(sq, run, RUN_QUEUED, err) != OK)
        return FAIL;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "INSERT INTO jobs(run_id,table_id,lane,text) VALUES(?1,?2,?3,?4)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run->id);
    sq_int(stmt, 2, run->table_id);
    sq_text(stmt, 3, lane ? lane : "");
    sq_text(stmt, 4, text);
    return sq_done(sq, stmt, err);
}

static enum status jobs_queue(struct store *store, struct run *run, const char *lane,
                              const char *text, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    sq->wakes = true;
    return sq_end(sq, add(sq, run, lane, text, err), err);
}

/* ----------------------------------------------------------------- claiming */

static enum status any_waits(struct sq *sq, int64_t *waits, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT count(*) FROM jobs WHERE epoch=0");
    return stmt ? sq_one_int(sq, stmt, 0, waits, err) : FAIL;
}

static enum status oldest(struct sq *sq, struct arena *arena, int64_t lane_most,
                          struct store_job *out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        "SELECT j.run_id,j.table_id,j.lane,j.text FROM jobs j WHERE j.epoch=0"
        " AND NOT EXISTS(SELECT 1 FROM jobs h WHERE h.epoch<>0 AND h.table_id=j.table_id)"
        " AND (j.lane='' OR (SELECT count(*) FROM jobs h WHERE h.epoch<>0 AND h.lane=j.lane)<?1)"
        " ORDER BY j.run_id LIMIT 1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, lane_most);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    *out = (struct store_job){.run_id = sq_col_int(stmt, 0),
                              .table_id = sq_col_int(stmt, 1),
                              .lane = sq_col_text(stmt, 2, arena),
                              .text = sq_col_text(stmt, 3, arena)};
    sq_reset(stmt);
    return OK;
}

static enum status hold(struct sq *sq, int64_t run_id, int64_t epoch, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE jobs SET epoch=?2 WHERE run_id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    sq_int(stmt, 2, epoch);
    return sq_done(sq, stmt, err);
}

static enum status jobs_claim(struct store *store, struct arena *arena, int64_t lane_most,
                              struct store_job *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    int64_t waits;
    *out = (struct store_job){0};
    if (any_waits(sq, &waits, err) != OK) /* most looks find nothing: they write nothing */
        return FAIL;
    if (!waits)
        return OK;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = oldest(sq, arena, lane_most, out, err);
    if (rc == OK && out->run_id)
        rc = hold(sq, out->run_id, sq->store.epoch, err);
    rc = sq_end(sq, rc, err);
    if (rc != OK)
        out->run_id = 0;
    return rc;
}

/* ------------------------------------------------------------------- ending */

static enum status forget(struct sq *sq, int64_t run_id, struct err *err)
{
    static const char *const from[] = {"jobs", "parts"};
    for (size_t i = 0; i < 2; i++) {
        struct sq_stmt *stmt = sq_stmtf(sq, err, "DELETE FROM %s WHERE run_id=?1", from[i]);
        if (!stmt)
            return FAIL;
        sq_int(stmt, 1, run_id);
        if (sq_done(sq, stmt, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status jobs_done(struct store *store, int64_t run_id, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    sq->wakes = true;
    return sq_end(sq, forget(sq, run_id, err), err);
}

static enum status queue_run_again(struct sq *sq, int64_t run_id, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "UPDATE runs SET state=?2,ended_ms=0,error=NULL WHERE id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    sq_int(stmt, 2, RUN_QUEUED);
    return sq_done(sq, stmt, err);
}

static enum status back(struct sq *sq, int64_t run_id, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "UPDATE jobs SET epoch=0,stop=0 WHERE run_id=?1 AND epoch=?2");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    sq_int(stmt, 2, sq->store.epoch);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    return sq_changes(sq) ? queue_run_again(sq, run_id, err) : OK;
}

static enum status jobs_give_back(struct store *store, int64_t run_id, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    sq->wakes = true;
    return sq_end(sq, back(sq, run_id, err), err);
}

static enum status end_waiting(struct sq *sq, int64_t run_id, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "UPDATE runs SET state=?2,ended_ms=?3,error=?4 WHERE id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    sq_int(stmt, 2, RUN_STOPPED);
    sq_int(stmt, 3, sq_now(sq));
    sq_text(stmt, 4, "stopped before it began");
    return sq_done(sq, stmt, err) == OK ? forget(sq, run_id, err) : FAIL;
}

static enum status ask_to_stop(struct sq *sq, int64_t run_id, struct err *err)
{
    int64_t epoch;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT epoch FROM jobs WHERE run_id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    if (sq_one_int(sq, stmt, -1, &epoch, err) != OK)
        return FAIL;
    if (epoch < 0)
        return err_set(err, ERR_NOT_FOUND, "run %lld is not under way", (long long)run_id);
    if (!epoch)
        return end_waiting(sq, run_id, err);
    stmt = sq_stmt(sq, err, "UPDATE jobs SET stop=1 WHERE run_id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    return sq_done(sq, stmt, err);
}

static enum status jobs_stop(struct store *store, int64_t run_id, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    sq->wakes = true;
    return sq_end(sq, ask_to_stop(sq, run_id, err), err);
}

static enum status jobs_stops(struct store *store, struct arena *arena, int64_t **run_ids,
                              size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(int64_t) list = {0};
    bool row = true;
    enum status rc = FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT run_id FROM jobs WHERE stop=1 AND (epoch=?1 OR run_id IN"
                                   " (SELECT run_id FROM parts WHERE epoch=?1 AND done=0))");
    if (stmt)
        sq_int(stmt, 1, store->epoch);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row)
        vec_push(&list, sq_col_int(stmt, 0));
    *count = rc == OK ? list.len : 0;
    *run_ids = arena_array(arena, list.len + 1, sizeof **run_ids);
    for (size_t i = 0; i < *count; i++)
        (*run_ids)[i] = list.at[i];
    vec_free(&list);
    return rc;
}

static enum status count_where(struct sq *sq, const char *where, int64_t table_id, int64_t *out,
                               struct err *err)
{
    struct sq_stmt *stmt = sq_stmtf(
        sq, err, "SELECT count(*) FROM jobs WHERE %s AND (?1=0 OR table_id=?1)", where);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    return sq_one_int(sq, stmt, 0, out, err);
}

static enum status jobs_count(struct store *store, int64_t table_id, int64_t *waiting,
                              int64_t *held, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (count_where(sq, "epoch=0", table_id, waiting, err) != OK)
        return FAIL;
    return count_where(sq, "epoch<>0", table_id, held, err);
}

/* ------------------------------------------------------------------ beating */

static enum status count_left(struct sq *sq, const char *live, int64_t *left, struct err *err)
{
    const char *const what[] = {"jobs WHERE epoch<>0", "runs WHERE state=0",
                                "ops WHERE state IN (1,4) AND " SQ_OPEN_OPS,
                                "parts WHERE epoch<>0 AND done=0",
                                "places WHERE epoch<>0"};
    *left = 0;
    for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
        int64_t found;
        struct sq_stmt *stmt =
            sq_stmtf(sq, err, "SELECT count(*) FROM %s AND epoch NOT IN (%s)", what[i], live);
        if (!stmt || sq_one_int(sq, stmt, 0, &found, err) != OK)
            return FAIL;
        *left += found;
    }
    return OK;
}

static enum status free_left(struct sq *sq, const char *live, struct err *err)
{
    char *sql = arena_printf(sq->scratch,
                             "UPDATE runs SET state=%d,ended_ms=0,error=NULL WHERE id IN"
                             " (SELECT run_id FROM jobs WHERE epoch NOT IN (0,%s));"
                             "UPDATE jobs SET epoch=0,stop=0 WHERE epoch NOT IN (0,%s);",
                             RUN_QUEUED, live, live);
    return sq_exec(sq, sql, err) == OK ? sq_tidy(sq, err) : FAIL;
}

#define LOOK_AGAIN_MS 10000

/* What the dead leave is found when one of them is missed, and now and then it is looked for all the
 * same; nobody need wait for a turn at writing to find nothing. */
static bool nothing_left(struct sq *sq)
{
    int64_t ago = sq_now(sq) - sq->looked.at_ms, left = 0;
    struct err ignored = {0};
    if (!sq->looked.live || !sq->engine->same_members || sq_begin_read(sq, NULL) != OK)
        return false;
    bool none = sq->engine->same_members(sq, sq->looked.live);
    bool soon = ago >= 0 && ago < LOOK_AGAIN_MS;
    if (none && !soon)
        none = count_left(sq, sq->looked.live, &left, &ignored) == OK && !left;
    if (sq_end(sq, OK, NULL) != OK || !none)
        return false;
    if (!soon)
        sq->looked.at_ms = sq_now(sq);
    return true;
}

static void note_look(struct sq *sq, const char *live)
{
    free(sq->looked.live);
    sq->looked.live = mem_strdup(live);
    sq->looked.at_ms = sq_now(sq);
}

static enum status look(struct sq *sq, int64_t *freed, struct err *err)
{
    const char *live;
    if (sq->engine->live_epochs(sq, &live, err) != OK || count_left(sq, live, freed, err) != OK)
        return FAIL;
    if (!*freed)
        note_look(sq, live);
    sq->wakes = *freed > 0;
    return *freed ? free_left(sq, live, err) : OK;
}

static enum status jobs_beat(struct store *store, int64_t *freed, struct err *err)
{
    struct sq *sq = sq_of(store);
    *freed = 0;
    if (nothing_left(sq))
        return OK;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, look(sq, freed, err), err);
}

static enum status jobs_await(struct store *store, const struct store_await *wait, bool *look,
                              struct err *err)
{
    struct sq *sq = sq_of(store);
    *look = true;
    if (sq->engine->await)
        return sq->engine->await(sq, wait, look, err);
    sq->world->sleep_ms(sq->world, wait->deaf_ms);
    return OK;
}

const struct store_jobs sq_jobs = {.queue = jobs_queue,
                                   .claim = jobs_claim,
                                   .done = jobs_done,
                                   .give_back = jobs_give_back,
                                   .stop = jobs_stop,
                                   .stops = jobs_stops,
                                   .count = jobs_count,
                                   .beat = jobs_beat,
                                   .await = jobs_await};
