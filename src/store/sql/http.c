/* http.c - see store_http.h. */
#include "store/sql/sql_priv.h"
#include "store/store_http.h"

#include <string.h>

#define CLOCKS_DIFFER_MS 60000 /* of two processes, at most; more is a clock that was put back */

const char sq_step_http[] =
    "CREATE TABLE http_answers("
    " key TEXT NOT NULL PRIMARY KEY, json TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " until_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX http_answers_until ON http_answers(until_ms);"
    "CREATE TABLE http_turns("
    " host TEXT NOT NULL PRIMARY KEY, next_us INTEGER NOT NULL, at_ms INTEGER NOT NULL)"
    " WITHOUT ROWID;";

/* Keys are made with a secret now: what was kept under the old ones is not found again. */
const char sq_step_http_bound[] =
    "DELETE FROM http_answers;"
    "ALTER TABLE http_answers ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX http_answers_at ON http_answers(at_ms, bytes);";

/* ------------------------------------------------------------------ answers */

static enum status one_answer(struct sq *sq, struct arena *arena, int64_t after_ms,
                              struct kept_answer *answer, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "SELECT json FROM http_answers WHERE key=?1 AND at_ms>?2 AND until_ms>?3");
    answer->json = NULL;
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, answer->key);
    sq_int(stmt, 2, after_ms);
    sq_int(stmt, 3, sq_now(sq));
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    answer->json = sq_col_text(stmt, 0, arena);
    sq_reset(stmt);
    return OK;
}

static enum status http_answers(struct store *store, struct arena *arena, int64_t age_ms,
                                struct kept_answer *answers, size_t count, struct err *err)
{
    struct sq *sq = sq_of(store);
    enum status rc = OK;
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count && rc == OK; i++)
        rc = one_answer(sq, arena, sq_now(sq) - age_ms, &answers[i], err);
    return sq_end(sq, rc, err);
}

static enum status forget_old(struct sq *sq, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "DELETE FROM http_answers WHERE until_ms<=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, sq_now(sq));
    return sq_done(sq, stmt, err);
}

static enum status keep_one(struct sq *sq, int64_t keep_ms, const struct kept_answer *answer,
                            struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO http_answers(key,json,at_ms,until_ms,bytes) VALUES(?1,?2,?3,?4,?5)"
                " ON CONFLICT(key) DO UPDATE SET"
                " json=excluded.json,at_ms=excluded.at_ms,until_ms=excluded.until_ms,"
                " bytes=excluded.bytes");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, answer->key);
    sq_text(stmt, 2, answer->json);
    sq_int(stmt, 3, sq_now(sq));
    sq_int(stmt, 4, sq_now(sq) + keep_ms);
    sq_int(stmt, 5, (int64_t)strlen(answer->json));
    return sq_done(sq, stmt, err);
}

/* *tenth: of what is kept; 0 = there is room. */
static enum status see_room(struct sq *sq, const struct kept_bound *bound, int64_t *tenth,
                            struct err *err)
{
    bool row;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT count(*),coalesce(sum(bytes),0) FROM http_answers");
    if (!stmt || sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    int64_t count = sq_col_int(stmt, 0);
    bool full = count > bound->most || sq_col_int(stmt, 1) > bound->bytes;
    *tenth = full ? count / 10 + 1 : 0;
    sq_reset(stmt);
    return OK;
}

/* A tenth at once, so that it is rare. */
static enum status forget_oldest(struct sq *sq, const struct kept_bound *bound, struct err *err)
{
    int64_t tenth;
    for (;;) {
        if (see_room(sq, bound, &tenth, err) != OK)
            return FAIL;
        if (!tenth)
            return OK;
        struct sq_stmt *stmt =
            sq_stmt(sq, err,
                    "DELETE FROM http_answers WHERE key IN"
                    " (SELECT key FROM http_answers ORDER BY at_ms,bytes LIMIT ?1)");
        if (!stmt)
            return FAIL;
        sq_int(stmt, 1, tenth);
        if (sq_done(sq, stmt, err) != OK)
            return FAIL;
    }
}

static enum status http_keep(struct store *store, int64_t keep_ms, const struct kept_bound *bound,
                             const struct kept_answer *answers, size_t count, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = forget_old(sq, err);
    for (size_t i = 0; i < count && rc == OK; i++)
        rc = keep_one(sq, keep_ms, &answers[i], err);
    if (rc == OK)
        rc = forget_oldest(sq, bound, err);
    return sq_end(sq, rc, err);
}

/* -------------------------------------------------------------------- turns */

static enum status next_turn(struct sq *sq, const char *host, int64_t now_ms, int64_t *next_us,
                             struct err *err)
{
    bool row;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT next_us,at_ms FROM http_turns WHERE host=?1");
    *next_us = now_ms * 1000;
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, host);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    int64_t next = sq_col_int(stmt, 0), at_ms = sq_col_int(stmt, 1);
    if (next > *next_us && at_ms <= now_ms + CLOCKS_DIFFER_MS)
        *next_us = next;
    sq_reset(stmt);
    return OK;
}

static enum status take_turns(struct sq *sq, const char *host, int64_t now_ms, int64_t next_us,
                              struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO http_turns(host,next_us,at_ms) VALUES(?1,?2,?3)"
                " ON CONFLICT(host) DO UPDATE SET next_us=excluded.next_us,at_ms=excluded.at_ms");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, host);
    sq_int(stmt, 2, next_us);
    sq_int(stmt, 3, now_ms);
    return sq_done(sq, stmt, err);
}

static enum status http_turns(struct store *store, const char *host, int64_t count, int64_t each_us,
                              int64_t *wait_ms, struct err *err)
{
    struct sq *sq = sq_of(store);
    int64_t next_us = 0;
    *wait_ms = 0;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    int64_t now_ms = sq_now(sq);
    enum status rc = next_turn(sq, host, now_ms, &next_us, err);
    if (rc == OK)
        rc = take_turns(sq, host, now_ms, next_us + count * each_us, err);
    rc = sq_end(sq, rc, err);
    if (rc == OK)
        *wait_ms = (next_us - now_ms * 1000 + 999) / 1000;
    return rc;
}

const struct store_http sq_http = {
    .answers = http_answers, .keep = http_keep, .turns = http_turns};
