/* alerts.c - what people were told, when, and by which way. */
#include "store/sql/sql_priv.h"
#include "store/store_alerts.h"

_Static_assert(ALERT_TEST == 6 && TOLD_FAILED == 3, "these numbers are in the file");

const char sq_step_alerts[] =
    "CREATE TABLE alerts("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, table_id INTEGER NOT NULL,"
    " connection_id INTEGER NOT NULL, run_id INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " last_ms INTEGER NOT NULL, times INTEGER NOT NULL, number INTEGER NOT NULL, subject TEXT,"
    " message TEXT, seen_ms INTEGER NOT NULL DEFAULT 0, seen_by TEXT,"
    " mail INTEGER NOT NULL, mail_tries INTEGER NOT NULL DEFAULT 0, mail_next INTEGER NOT NULL"
    " DEFAULT 0, mail_error TEXT, hook INTEGER NOT NULL, hook_tries INTEGER NOT NULL DEFAULT 0,"
    " hook_next INTEGER NOT NULL DEFAULT 0, hook_error TEXT);"
    "CREATE INDEX alerts_kind ON alerts(kind, table_id, connection_id, id);"
    "CREATE TABLE settings(name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;";

#define ALERT_COLUMNS                                                                              \
    "id,kind,table_id,connection_id,run_id,at_ms,last_ms,times,number,subject,message,seen_ms,"    \
    "seen_by,mail,mail_tries,mail_next,mail_error,hook,hook_tries,hook_next,hook_error"

/* ----------------------------------------------------------------- raising */

static enum status said_lately(struct sq *sq, const struct alert *a, int64_t since, int64_t *id,
                               struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "SELECT id FROM alerts WHERE kind=? AND table_id=? AND"
                                   " connection_id=? AND at_ms>? ORDER BY id DESC LIMIT 1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, a->kind);
    sq_int(stmt, 2, a->table_id);
    sq_int(stmt, 3, a->connection_id);
    sq_int(stmt, 4, since);
    return sq_one_int(sq, stmt, 0, id, err);
}

static enum status say_again(struct sq *sq, struct alert *a, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "UPDATE alerts SET last_ms=?,number=?,times=times+1"
                                   " WHERE id=? RETURNING times");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, sq_now(sq));
    sq_int(stmt, 2, a->number);
    sq_int(stmt, 3, a->id);
    return sq_one_int(sq, stmt, 0, &a->times, err);
}

static enum status say(struct sq *sq, struct alert *a, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO alerts(kind,table_id,connection_id,run_id,at_ms,last_ms,times,number,"
                "subject,message,mail,hook) VALUES(?,?,?,?,?,?,1,?,?,?,?,?) RETURNING id");
    if (!stmt)
        return FAIL;
    a->at_ms = a->last_ms = sq_now(sq);
    a->times = 1;
    sq_int(stmt, 1, a->kind);
    sq_int(stmt, 2, a->table_id);
    sq_int(stmt, 3, a->connection_id);
    sq_int(stmt, 4, a->run_id);
    sq_int(stmt, 5, a->at_ms);
    sq_int(stmt, 6, a->last_ms);
    sq_int(stmt, 7, a->number);
    sq_text(stmt, 8, a->subject);
    sq_text(stmt, 9, a->message);
    sq_int(stmt, 10, a->told[WAY_EMAIL].state);
    sq_int(stmt, 11, a->told[WAY_WEBHOOK].state);
    return sq_one_int(sq, stmt, 0, &a->id, err);
}

static enum status raise(struct sq *sq, struct alert *a, int64_t quiet_ms, bool *fresh,
                         struct err *err)
{
    int64_t lately = 0;
    if (quiet_ms && said_lately(sq, a, sq_now(sq) - quiet_ms, &lately, err) != OK)
        return FAIL;
    *fresh = lately == 0;
    a->id = lately;
    if ((lately ? say_again(sq, a, err) : say(sq, a, err)) != OK)
        return FAIL;
    sq_note(sq, NOUN_ALERT, a->table_id, a->id);
    return OK;
}

static enum status alerts_raise(struct store *store, struct alert *a, int64_t quiet_ms, bool *fresh,
                                struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, raise(sq, a, quiet_ms, fresh, err), err);
}

/* ----------------------------------------------------------------- reading */

static struct told read_told(struct sq_stmt *stmt, int at, struct arena *arena)
{
    return (struct told){.state = (enum told_state)sq_col_int(stmt, at),
                         .tries = (int)sq_col_int(stmt, at + 1),
                         .next_ms = sq_col_int(stmt, at + 2),
                         .error = sq_col_text(stmt, at + 3, arena)};
}

static struct alert read_alert(struct sq_stmt *stmt, struct arena *arena)
{
    struct alert a = {.id = sq_col_int(stmt, 0),
                      .kind = (enum alert_kind)sq_col_int(stmt, 1),
                      .table_id = sq_col_int(stmt, 2),
                      .connection_id = sq_col_int(stmt, 3),
                      .run_id = sq_col_int(stmt, 4),
                      .at_ms = sq_col_int(stmt, 5),
                      .last_ms = sq_col_int(stmt, 6),
                      .times = sq_col_int(stmt, 7),
                      .number = sq_col_int(stmt, 8),
                      .subject = sq_col_text(stmt, 9, arena),
                      .message = sq_col_text(stmt, 10, arena),
                      .seen_ms = sq_col_int(stmt, 11),
                      .seen_by = sq_col_text(stmt, 12, arena)};
    a.told[WAY_EMAIL] = read_told(stmt, 13, arena);
    a.told[WAY_WEBHOOK] = read_told(stmt, 17, arena);
    return a;
}

static struct sq_stmt *find_stmt(struct sq *sq, const struct alert_query *q, struct err *err)
{
    return sq_stmtf(
        sq, err, "SELECT " ALERT_COLUMNS " FROM alerts WHERE id<?1%s%s%s%s ORDER BY id DESC LIMIT ?2",
        q->id ? " AND id=?3" : "", q->table_id ? " AND table_id=?4" : "",
        q->unseen ? " AND seen_ms=0" : "",
        q->waiting_ms ? " AND ((mail=1 AND mail_next<=?5) OR (hook=1 AND hook_next<=?5))" : "");
}

static enum status find(struct sq *sq, struct arena *arena, const struct alert_query *q,
                        struct alert **out, size_t *count, struct err *err)
{
    VEC(struct alert) found = {0};
    bool row = true;
    struct sq_stmt *stmt = find_stmt(sq, q, err);
    enum status rc = stmt ? OK : FAIL;
    if (stmt) {
        sq_int(stmt, 1, q->before_id ? q->before_id : INT64_MAX);
        sq_int(stmt, 2, q->limit ? (int64_t)q->limit : INT64_MAX);
        if (q->id)
            sq_int(stmt, 3, q->id);
        if (q->table_id)
            sq_int(stmt, 4, q->table_id);
        if (q->waiting_ms)
            sq_int(stmt, 5, q->waiting_ms);
    }
    while (rc == OK && row) {
        rc = sq_row(sq, stmt, &row, err);
        if (rc == OK && row)
            vec_push(&found, read_alert(stmt, arena));
    }
    *count = found.len;
    *out = arena_array(arena, found.len + 1, sizeof **out);
    for (size_t i = 0; i < found.len; i++)
        (*out)[i] = found.at[i];
    vec_free(&found);
    return rc;
}

static enum status alerts_find(struct store *store, struct arena *arena,
                               const struct alert_query *query, struct alert **out, size_t *count,
                               struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, find(sq, arena, query, out, count, err), err);
}

/* ------------------------------------------------------------ being told */

static enum status told(struct sq *sq, int64_t id, enum alert_way way, const struct told *t,
                        struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        way == WAY_EMAIL
            ? "UPDATE alerts SET mail=?,mail_tries=?,mail_next=?,mail_error=? WHERE id=?"
            : "UPDATE alerts SET hook=?,hook_tries=?,hook_next=?,hook_error=? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, t->state);
    sq_int(stmt, 2, t->tries);
    sq_int(stmt, 3, t->next_ms);
    sq_text(stmt, 4, t->error);
    sq_int(stmt, 5, id);
    sq_note(sq, NOUN_ALERT, 0, id);
    return sq_done(sq, stmt, err);
}

static enum status alerts_told(struct store *store, int64_t id, enum alert_way way,
                               const struct told *t, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, told(sq, id, way, t, err), err);
}

static enum status see(struct sq *sq, int64_t id, const char *who, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                id ? "UPDATE alerts SET seen_ms=?1,seen_by=?2 WHERE seen_ms=0 AND id=?3"
                   : "UPDATE alerts SET seen_ms=?1,seen_by=?2 WHERE seen_ms=0");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, sq_now(sq));
    sq_text(stmt, 2, who);
    if (id)
        sq_int(stmt, 3, id);
    sq_note(sq, NOUN_ALERT, 0, id);
    return sq_done(sq, stmt, err);
}

static enum status alerts_see(struct store *store, int64_t id, const char *who, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, see(sq, id, who, err), err);
}

/* ---------------------------------------------------------------- settings */

static enum status get(struct sq *sq, struct arena *arena, const char *name, const char **json,
                       struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT body FROM settings WHERE name=?");
    *json = NULL;
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (row) {
        *json = sq_col_text(stmt, 0, arena);
        sq_reset(stmt);
    }
    return OK;
}

static enum status settings_get(struct store *store, struct arena *arena, const char *name,
                                const char **json, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, get(sq, arena, name, json, err), err);
}

static enum status put(struct sq *sq, const char *name, const char *json, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "INSERT INTO settings AS x(name,body) VALUES(?,?) ON"
                                   " CONFLICT(name) DO UPDATE SET body=excluded.body");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    sq_text(stmt, 2, json);
    return sq_done(sq, stmt, err);
}

static enum status settings_put(struct store *store, const char *name, const char *json,
                                struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put(sq, name, json, err), err);
}

const struct store_alerts sq_alerts = {.raise = alerts_raise,
                                       .find = alerts_find,
                                       .told = alerts_told,
                                       .see = alerts_see,
                                       .settings_get = settings_get,
                                       .settings_put = settings_put};
