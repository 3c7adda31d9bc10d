/* people_keys.c - what users hold: sessions, tokens, links. All by hash. */
#include "store/sql/people_priv.h"

#include <string.h>

#define SESSION_FIELDS "s.id,s.hash,s.user_id,s.peer,s.agent,s.created_ms,s.seen_ms,s.proved_ms"
#define TOKEN_FIELDS                                                                               \
    "t.id,t.hash,t.user_id,t.name,t.hint,t.scope,t.created_ms,t.used_ms,t.expires_ms"
#define SESSION_WIDTH 8
#define TOKEN_WIDTH   9

enum status people_drop(struct sq *sq, const char *sql, int64_t id, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, sql);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, id);
    return sq_done(sq, stmt, err);
}

static void read_hash(struct sq_stmt *stmt, int at, char out[65])
{
    snprintf(out, 65, "%s", sq_col_peek(stmt, at));
}

/* A row by its hash: OK with the statement on it. */
static enum status by_hash(struct sq *sq, struct sq_stmt *stmt, const char *hash, const char *what,
                           struct err *err)
{
    bool row;
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, hash);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    return row ? OK : err_set(err, ERR_NOT_FOUND, "there is no such %s", what);
}

/* Runs one statement over (a, b) and perhaps c as a transaction of its own. */
static enum status set_numbers(struct store *store, const char *sql, int64_t a, int64_t b,
                               int64_t c, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, sql);
    enum status rc = FAIL;
    if (stmt) {
        sq_int(stmt, 1, a);
        sq_int(stmt, 2, b);
        sq_int(stmt, 3, c); /* nothing when there is no ?3 */
        rc = sq_done(sq, stmt, err);
    }
    return sq_end(sq, rc, err);
}

/* Deletes one thing by id and says so in the audit. */
static enum status delete_one(struct sq *sq, const char *sql, int64_t id, const char *what,
                              const char *who, const char *done, struct err *err)
{
    int64_t user_id;
    struct sq_stmt *stmt = sq_stmt(sq, err, sql);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, id);
    if (sq_one_int(sq, stmt, 0, &user_id, err) != OK)
        return FAIL;
    if (!user_id)
        return err_set(err, ERR_NOT_FOUND, "there is no %s %lld", what, (long long)id);
    sq_note(sq, NOUN_ACCESS, text_eq(what, "session") ? id : 0, user_id);
    return people_audit(sq, who, done, user_id, err);
}

/* --------------------------------------------------------------- sessions */

static void read_session(struct sq_stmt *stmt, struct arena *arena, struct session *out)
{
    *out = (struct session){.id = sq_col_int(stmt, 0),
                            .user_id = sq_col_int(stmt, 2),
                            .peer = sq_col_text(stmt, 3, arena),
                            .agent = sq_col_text(stmt, 4, arena),
                            .created_ms = sq_col_int(stmt, 5),
                            .seen_ms = sq_col_int(stmt, 6),
                            .proved_ms = sq_col_int(stmt, 7)};
    read_hash(stmt, 1, out->hash);
}

static enum status put_session(struct sq *sq, struct session *s, const char *who, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO sessions(hash,user_id,peer,agent,created_ms,seen_ms,proved_ms)"
                " VALUES(?,?,?,?,?,?,?) RETURNING id");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, s->hash);
    sq_int(stmt, 2, s->user_id);
    sq_text(stmt, 3, s->peer);
    sq_text(stmt, 4, s->agent);
    sq_int(stmt, 5, s->created_ms);
    sq_int(stmt, 6, s->seen_ms);
    sq_int(stmt, 7, s->proved_ms);
    if (sq_one_int(sq, stmt, 0, &s->id, err) != OK)
        return FAIL;
    stmt = sq_stmt(sq, err, "UPDATE users SET seen_ms=? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, s->created_ms);
    sq_int(stmt, 2, s->user_id);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    return people_audit(sq, who, "signed in", s->user_id, err);
}

enum status sq_session_put(struct store *store, struct session *session, const char *who,
                           struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put_session(sq, session, who, err), err);
}

enum status sq_session_get(struct store *store, struct arena *arena, const char *hash,
                           struct session *out, struct user *user, struct err *err)
{
    struct sq *sq = sq_of(store);
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT " SESSION_FIELDS "," USER_FIELDS " FROM sessions s"
                                 " JOIN users u ON u.id=s.user_id WHERE s.hash=?");
    if (by_hash(sq, stmt, hash, "session", err) != OK)
        return FAIL;
    read_session(stmt, arena, out);
    people_read_user(stmt, SESSION_WIDTH, arena, user);
    sq_reset(stmt);
    return OK;
}

enum status sq_session_seen(struct store *store, int64_t id, int64_t seen_ms, int64_t proved_ms,
                            struct err *err)
{
    return set_numbers(store,
                       "UPDATE sessions SET seen_ms=max(seen_ms,?1),"
                       "proved_ms=max(proved_ms,?2) WHERE id=?3",
                       seen_ms, proved_ms, id, err);
}

enum status sq_session_list(struct store *store, struct arena *arena, int64_t user_id,
                            struct session **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct session) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT " SESSION_FIELDS " FROM sessions s"
                                 " WHERE ?1=0 OR s.user_id=?1 ORDER BY s.id DESC");
    if (stmt)
        sq_int(stmt, 1, user_id);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct session session;
        read_session(stmt, arena, &session);
        vec_push(&list, session);
    }
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    *count = list.len;
    vec_free(&list);
    return rc;
}

enum status sq_session_delete(struct store *store, int64_t id, const char *who, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq,
                  delete_one(sq, "DELETE FROM sessions WHERE id=? RETURNING user_id", id,
                             "session", who, "session ended", err),
                  err);
}

enum status people_end_sessions(struct sq *sq, int64_t user_id, const char *keep, int64_t *ended,
                                struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "DELETE FROM sessions WHERE (?1=0 OR user_id=?1)"
                                 " AND hash IS NOT ?2");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, user_id);
    sq_text(stmt, 2, keep);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    *ended = sq_changes(sq);
    sq_note(sq, NOUN_ACCESS, 0, user_id);
    return OK;
}

enum status sq_sessions_delete(struct store *store, int64_t user_id, const char *keep,
                               const char *who, int64_t *ended, struct err *err)
{
    struct sq *sq = sq_of(store);
    int64_t count = 0;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = people_end_sessions(sq, user_id, keep, &count, err);
    if (rc == OK)
        rc = people_audit(sq, who, "sessions ended", user_id, err);
    rc = sq_end(sq, rc, err);
    if (ended)
        *ended = rc == OK ? count : 0;
    return rc;
}

enum status sq_sessions_tidy(struct store *store, int64_t seen_before_ms, int64_t made_before_ms,
                             struct err *err)
{
    return set_numbers(store, "DELETE FROM sessions WHERE seen_ms<?1 OR created_ms<?2",
                       seen_before_ms, made_before_ms, 0, err);
}

/* ----------------------------------------------------------------- tokens */

static void read_token(struct sq_stmt *stmt, struct arena *arena, struct api_token *out)
{
    *out = (struct api_token){.id = sq_col_int(stmt, 0),
                              .user_id = sq_col_int(stmt, 2),
                              .name = sq_col_text(stmt, 3, arena),
                              .hint = sq_col_text(stmt, 4, arena),
                              .scope = (enum role)(int)sq_col_int(stmt, 5),
                              .created_ms = sq_col_int(stmt, 6),
                              .used_ms = sq_col_int(stmt, 7),
                              .expires_ms = sq_col_int(stmt, 8)};
    read_hash(stmt, 1, out->hash);
}

static enum status put_token(struct sq *sq, struct api_token *t, const char *who, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO api_tokens(hash,user_id,name,hint,scope,created_ms,expires_ms)"
                " VALUES(?,?,?,?,?,?,?) RETURNING id");
    if (!stmt)
        return FAIL;
    if (!t->created_ms)
        t->created_ms = sq_now(sq);
    sq_text(stmt, 1, t->hash);
    sq_int(stmt, 2, t->user_id);
    sq_text(stmt, 3, t->name);
    sq_text(stmt, 4, t->hint);
    sq_int(stmt, 5, t->scope);
    sq_int(stmt, 6, t->created_ms);
    sq_int(stmt, 7, t->expires_ms);
    if (sq_one_int(sq, stmt, 0, &t->id, err) != OK)
        return FAIL;
    return people_audit(sq, who, "token made", t->user_id, err);
}

enum status sq_token_put(struct store *store, struct api_token *token, const char *who,
                         struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put_token(sq, token, who, err), err);
}

enum status sq_token_get(struct store *store, struct arena *arena, const char *hash,
                         struct api_token *out, struct user *user, struct err *err)
{
    struct sq *sq = sq_of(store);
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT " TOKEN_FIELDS "," USER_FIELDS " FROM api_tokens t"
                                 " JOIN users u ON u.id=t.user_id WHERE t.hash=?");
    if (by_hash(sq, stmt, hash, "token", err) != OK)
        return FAIL;
    read_token(stmt, arena, out);
    people_read_user(stmt, TOKEN_WIDTH, arena, user);
    sq_reset(stmt);
    return OK;
}

enum status sq_token_used(struct store *store, int64_t id, int64_t used_ms, struct err *err)
{
    return set_numbers(store, "UPDATE api_tokens SET used_ms=max(used_ms,?1) WHERE id=?2",
                       used_ms, id, 0, err);
}

enum status sq_token_list(struct store *store, struct arena *arena, int64_t user_id,
                          struct api_token **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct api_token) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT " TOKEN_FIELDS " FROM api_tokens t"
                                 " WHERE ?1=0 OR t.user_id=?1 ORDER BY t.id DESC");
    if (stmt)
        sq_int(stmt, 1, user_id);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct api_token token;
        read_token(stmt, arena, &token);
        vec_push(&list, token);
    }
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    *count = list.len;
    vec_free(&list);
    return rc;
}

enum status sq_token_delete(struct store *store, int64_t id, const char *who, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq,
                  delete_one(sq, "DELETE FROM api_tokens WHERE id=? RETURNING user_id", id,
                             "token", who, "token deleted", err),
                  err);
}

/* ------------------------------------------------------------------ links */

static enum status put_link(struct sq *sq, const struct link *link, const char *who,
                            struct err *err)
{
    if (people_drop(sq, "DELETE FROM links WHERE user_id=?", link->user_id, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "INSERT INTO links(hash,user_id,created_ms,expires_ms) VALUES(?,?,?,?)");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, link->hash);
    sq_int(stmt, 2, link->user_id);
    sq_int(stmt, 3, link->created_ms);
    sq_int(stmt, 4, link->expires_ms);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    return people_audit(sq, who, "link made", link->user_id, err);
}

enum status sq_link_put(struct store *store, const struct link *link, const char *who,
                        struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put_link(sq, link, who, err), err);
}

static enum status set_password(struct sq *sq, int64_t user_id, const char *password_hash,
                                int64_t now_ms, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "UPDATE users SET password_hash=?,password_ms=? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, password_hash);
    sq_int(stmt, 2, now_ms);
    sq_int(stmt, 3, user_id);
    return sq_done(sq, stmt, err);
}

static enum status take_link(struct sq *sq, struct arena *arena, const char *hash,
                             const char *password_hash, int64_t now_ms, struct user *out,
                             struct err *err)
{
    struct err none = {0};
    int64_t ended, expires_ms;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT l.expires_ms," USER_FIELDS " FROM links l"
                                 " JOIN users u ON u.id=l.user_id WHERE l.hash=?");
    if (by_hash(sq, stmt, hash, "link", &none) != OK && !err_is(&none, ERR_NOT_FOUND)) {
        *err = none;
        return FAIL;
    }
    if (none.code[0])
        return err_set(err, ERR_PEOPLE_LINK, "this link was used already, or is not one of ours");
    expires_ms = sq_col_int(stmt, 0);
    people_read_user(stmt, 1, arena, out);
    sq_reset(stmt);
    if (expires_ms <= now_ms || out->disabled)
        return err_set(err, ERR_PEOPLE_LINK, "this link does not work any more");
    if (people_drop(sq, "DELETE FROM links WHERE user_id=?", out->id, err) != OK ||
        set_password(sq, out->id, password_hash, now_ms, err) != OK ||
        people_end_sessions(sq, out->id, NULL, &ended, err) != OK)
        return FAIL;
    return people_audit(sq, out->login, "password set by link", out->id, err);
}

enum status sq_link_take(struct store *store, struct arena *arena, const char *hash,
                         const char *password_hash, int64_t now_ms, struct user *out,
                         struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, take_link(sq, arena, hash, password_hash, now_ms, out, err), err);
}
