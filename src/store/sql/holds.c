/* holds.c - see store_holds.h. */
#include "store/sql/sql_priv.h"
#include "store/store_holds.h"

#include "base/json.h"

const char sq_step_holds[] =
    "CREATE TABLE holds("
    " connection_id INTEGER PRIMARY KEY, why TEXT NOT NULL, since_ms INTEGER NOT NULL,"
    " from_ms INTEGER NOT NULL, released_ms INTEGER NOT NULL DEFAULT 0, released_by TEXT,"
    " old_sign_in INTEGER NOT NULL DEFAULT 0);";

static enum status newest(struct sq *sq, const char *sql, int64_t *ms, struct err *err)
{
    int64_t found;
    struct sq_stmt *stmt = sq_stmt(sq, err, sql);
    if (!stmt || sq_one_int(sq, stmt, 0, &found, err) != OK)
        return FAIL;
    if (found > *ms)
        *ms = found;
    return OK;
}

static enum status last_stored(struct sq *sq, int64_t *ms, struct err *err)
{
    static const char *const newest_of[] = {
        "SELECT max(at_ms) FROM audit",     "SELECT max(created_ms) FROM ops",
        "SELECT max(sent_ms) FROM ops",     "SELECT max(done_ms) FROM ops",
        "SELECT max(started_ms) FROM runs", "SELECT max(changed_ms) FROM sealed"};
    *ms = 0;
    for (size_t i = 0; i < sizeof newest_of / sizeof *newest_of; i++)
        if (newest(sq, newest_of[i], ms, err) != OK)
            return FAIL;
    return OK;
}

static enum status hold_connections(struct sq *sq, const char *why, int64_t from_ms,
                                    struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        "INSERT INTO holds AS h(connection_id,why,since_ms,from_ms,old_sign_in)"
        " SELECT id,?1,?2,?3,1 FROM connections WHERE 1=1"
        " ON CONFLICT(connection_id) DO UPDATE SET why=excluded.why,since_ms=excluded.since_ms,"
        "from_ms=CASE WHEN h.from_ms>0 AND h.from_ms<excluded.from_ms THEN h.from_ms"
        " ELSE excluded.from_ms END,released_ms=0,released_by=NULL,old_sign_in=1");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, why);
    sq_int(stmt, 2, sq_now(sq));
    sq_int(stmt, 3, from_ms);
    return sq_done(sq, stmt, err);
}

static enum status doubt_operations(struct sq *sq, int64_t *moved, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "UPDATE ops SET state=3,epoch=?1,error_code='" OP_UNSURE "',error_message="
                "'it may have been sent by a history that is lost; the org is asked',"
                "deadline_ms=CASE WHEN deadline_ms>?2 THEN deadline_ms ELSE ?2 END,not_before_ms=0"
                " WHERE state IN (0,1,2,3,4) AND " SQ_OPEN_OPS);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, sq->store.epoch);
    sq_int(stmt, 2, sq_now(sq));
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    *moved = sq_changes(sq);
    stmt = sq_stmt(sq, err, "UPDATE ops SET epoch=?1 WHERE state=5 AND " SQ_OPEN_OPS);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, sq->store.epoch);
    sq_note(sq, NOUN_OPERATION, 0, 0);
    return sq_done(sq, stmt, err);
}

static enum status note(struct sq *sq, const char *who, const char *what, const char *why,
                        int64_t id, int64_t number, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    if (id)
        jw_kv_int(&w, "connection_id", id);
    jw_kv_text(&w, "why", why);
    jw_kv_int(&w, id ? "from_ms" : "operations", number);
    jw_end_object(&w);
    enum status rc = audit_append(sq, who, what, buf_text(&text), err);
    buf_free(&text);
    return rc;
}

enum status sq_hold_all(struct sq *sq, const char *who, const char *why, int64_t from_ms,
                        int64_t *ops, struct err *err)
{
    int64_t moved = 0;
    if (!from_ms && last_stored(sq, &from_ms, err) != OK)
        return FAIL;
    if (sq->engine->new_line(sq, err) != OK ||
        hold_connections(sq, why, from_ms > 0 ? from_ms : 1, err) != OK ||
        doubt_operations(sq, &moved, err) != OK)
        return FAIL;
    sq_note(sq, NOUN_CONNECTION, 0, 0);
    if (ops)
        *ops = moved;
    return note(sq, who, "connections held", why, 0, moved, err);
}

static enum status holds_hold_all(struct store *store, const char *who, const char *why,
                                  int64_t from_ms, int64_t *ops, struct err *err)
{
    struct sq *sq = sq_of(store);
    int64_t epoch = store->epoch;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = sq_end(sq, sq_hold_all(sq, who, why, from_ms, ops, err), err);
    if (rc != OK)
        store->epoch = epoch;
    return rc;
}

/* ---------------------------------------------------------------- reading */

#define HOLD_COLUMNS "connection_id,why,since_ms,from_ms,released_ms,released_by,old_sign_in"

static struct store_hold read_hold(struct sq_stmt *stmt, struct arena *arena)
{
    return (struct store_hold){.connection_id = sq_col_int(stmt, 0),
                               .why = sq_col_text(stmt, 1, arena),
                               .since_ms = sq_col_int(stmt, 2),
                               .from_ms = sq_col_int(stmt, 3),
                               .released_ms = sq_col_int(stmt, 4),
                               .released_by = sq_col_text(stmt, 5, arena),
                               .old_sign_in = sq_col_int(stmt, 6) != 0};
}

static enum status holds_get(struct store *store, struct arena *arena, int64_t connection_id,
                             struct store_hold *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    bool row;
    *out = (struct store_hold){0};
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT " HOLD_COLUMNS " FROM holds WHERE connection_id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (row) {
        *out = read_hold(stmt, arena);
        sq_reset(stmt);
    }
    return OK;
}

static enum status holds_list(struct store *store, struct arena *arena, struct store_hold **out,
                              size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct store_hold) list = {0};
    bool row = true;
    enum status rc = FAIL;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT " HOLD_COLUMNS " FROM holds ORDER BY connection_id");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row)
        vec_push(&list, read_hold(stmt, arena));
    *count = rc == OK ? list.len : 0;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = list.at[i];
    vec_free(&list);
    return rc;
}

/* --------------------------------------------------------------- releasing */

static enum status check_found_out(struct sq *sq, int64_t connection_id, struct err *err)
{
    int64_t unsure;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT count(*) FROM ops WHERE connection_id=? AND state IN (3,4)"
                                 " AND error_code='" OP_UNSURE "' AND " SQ_OPEN_OPS);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    if (sq_one_int(sq, stmt, 0, &unsure, err) != OK)
        return FAIL;
    if (!unsure)
        return OK;
    err_set(err, ERR_CONFLICT,
            "nobody knows yet what became of %lld operation%s of this connection",
            (long long)unsure, unsure == 1 ? "" : "s");
    err_hint(err, "`argil journal recover` asks the org; then release it.");
    return FAIL;
}

static enum status release(struct sq *sq, int64_t connection_id, const char *who, bool forget,
                           struct err *err)
{
    int64_t from_ms;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT from_ms FROM holds WHERE connection_id=? AND released_ms=0");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    if (sq_one_int(sq, stmt, -1, &from_ms, err) != OK)
        return FAIL;
    if (from_ms < 0)
        return err_set(err, ERR_NOT_FOUND, "this connection is not held");
    if (check_found_out(sq, connection_id, err) != OK)
        return FAIL;
    stmt = sq_stmt(sq, err,
                   "UPDATE holds SET released_ms=?2,released_by=?3,"
                   "from_ms=CASE WHEN ?4<>0 THEN 0 ELSE from_ms END WHERE connection_id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    sq_int(stmt, 2, sq_now(sq));
    sq_text(stmt, 3, who);
    sq_int(stmt, 4, forget);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    sq_note(sq, NOUN_CONNECTION, 0, connection_id);
    return note(sq, who, "connection released",
                forget ? "new records are not looked for in the lost time" : NULL, connection_id,
                forget ? 0 : from_ms, err);
}

static enum status holds_release(struct store *store, int64_t connection_id, const char *who,
                                 bool forget, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, release(sq, connection_id, who, forget, err), err);
}

static enum status holds_signed_in(struct store *store, int64_t connection_id, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "UPDATE holds SET old_sign_in=0 WHERE connection_id=?");
    enum status rc = FAIL;
    if (stmt) {
        sq_int(stmt, 1, connection_id);
        rc = sq_done(sq, stmt, err);
    }
    return sq_end(sq, rc, err);
}

const struct store_holds sq_holds = {.hold_all = holds_hold_all,
                                     .get = holds_get,
                                     .list = holds_list,
                                     .release = holds_release,
                                     .signed_in = holds_signed_in};
