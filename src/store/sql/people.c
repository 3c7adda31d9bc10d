/* people.c - users: who they are, and the rule that one admin always remains.
 *
 * Sessions, tokens and links are in people_keys.c. */
#include "store/sql/people_priv.h"

#define USER_COLUMNS                                                                               \
    "id,login,name,zone,password_hash,role,disabled,created_ms,seen_ms,password_ms"

void people_read_user(struct sq_stmt *stmt, int at, struct arena *arena, struct user *out)
{
    *out = (struct user){.id = sq_col_int(stmt, at),
                         .login = sq_col_text(stmt, at + 1, arena),
                         .name = sq_col_text(stmt, at + 2, arena),
                         .zone = sq_col_text(stmt, at + 3, arena),
                         .password_hash = sq_col_text(stmt, at + 4, arena),
                         .role = (enum role)(int)sq_col_int(stmt, at + 5),
                         .disabled = (int)sq_col_int(stmt, at + 6) != 0,
                         .created_ms = sq_col_int(stmt, at + 7),
                         .seen_ms = sq_col_int(stmt, at + 8),
                         .password_ms = sq_col_int(stmt, at + 9)};
}

enum status people_audit(struct sq *sq, const char *who, const char *what, int64_t user_id,
                         struct err *err)
{
    char *detail = arena_printf(sq->scratch, "{\"user\":%lld}", (long long)user_id);
    return audit_append(sq, who, what, detail, err);
}

/* ---------------------------------------------------------------- reading */

static enum status no_user(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no such user");
}

static enum status take_user(struct sq *sq, struct sq_stmt *stmt, struct arena *arena,
                             struct user *out, struct err *err)
{
    bool row;
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return no_user(err);
    people_read_user(stmt, 0, arena, out);
    sq_reset(stmt);
    return OK;
}

static enum status find_user(struct sq *sq, struct arena *arena, int64_t id, struct user *out,
                             struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT " USER_COLUMNS " FROM users WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, id);
    return take_user(sq, stmt, arena, out, err);
}

static enum status user_get(struct store *store, struct arena *arena, int64_t id, struct user *out,
                            struct err *err)
{
    return find_user(sq_of(store), arena, id, out, err);
}

static enum status user_by_login(struct store *store, struct arena *arena, const char *login,
                                 struct user *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT " USER_COLUMNS " FROM users WHERE login=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, login);
    return take_user(sq, stmt, arena, out, err);
}

static enum status user_list(struct store *store, struct arena *arena, struct user **out,
                             size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct user) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT " USER_COLUMNS " FROM users ORDER BY login");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct user user;
        people_read_user(stmt, 0, arena, &user);
        vec_push(&list, user);
    }
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    *count = list.len;
    vec_free(&list);
    return rc;
}

static enum status count_users(struct sq *sq, int64_t *out, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT count(*) FROM users");
    return stmt ? sq_one_int(sq, stmt, 0, out, err) : FAIL;
}

static enum status user_count(struct store *store, int64_t *out, struct err *err)
{
    return count_users(sq_of(store), out, err);
}

/* ---------------------------------------------------------------- writing */

static enum status login_taken(struct sq *sq, const struct user *user, struct err *err)
{
    int64_t other;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT id FROM users WHERE login=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, user->login);
    if (sq_one_int(sq, stmt, 0, &other, err) != OK)
        return FAIL;
    if (other && other != user->id)
        return err_set(err, ERR_PEOPLE_TAKEN, "there is a user \"%s\" already", user->login);
    return OK;
}

/* After a change: somebody can still open the door. */
static enum status an_admin_remains(struct sq *sq, struct err *err)
{
    int64_t admins, all;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT count(*) FROM users WHERE role=4 AND disabled=0"
                                 " AND password_hash IS NOT NULL");
    if (!stmt || sq_one_int(sq, stmt, 0, &admins, err) != OK || count_users(sq, &all, err) != OK)
        return FAIL;
    if (admins || !all)
        return OK;
    err_set(err, ERR_PEOPLE_LAST_ADMIN, "this is the last admin who can sign in");
    err_hint(err, "Make another user an admin first.");
    return FAIL;
}

static enum status insert_user(struct sq *sq, struct user *user, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO users(login,name,zone,password_hash,role,disabled,created_ms,"
                "password_ms) VALUES(?,?,?,?,?,?,?,?) RETURNING id");
    if (!stmt)
        return FAIL;
    if (!user->created_ms)
        user->created_ms = sq_now(sq);
    sq_text(stmt, 1, user->login);
    sq_text(stmt, 2, user->name);
    sq_text(stmt, 3, user->zone);
    sq_text(stmt, 4, user->password_hash);
    sq_int(stmt, 5, user->role);
    sq_int(stmt, 6, user->disabled);
    sq_int(stmt, 7, user->created_ms);
    sq_int(stmt, 8, user->password_ms);
    return sq_one_int(sq, stmt, 0, &user->id, err);
}

static enum status update_user(struct sq *sq, const struct user *user, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "UPDATE users SET login=?,name=?,zone=?,password_hash=?,role=?,"
                                 "disabled=?,password_ms=? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, user->login);
    sq_text(stmt, 2, user->name);
    sq_text(stmt, 3, user->zone);
    sq_text(stmt, 4, user->password_hash);
    sq_int(stmt, 5, user->role);
    sq_int(stmt, 6, user->disabled);
    sq_int(stmt, 7, user->password_ms);
    sq_int(stmt, 8, user->id);
    return sq_done(sq, stmt, err);
}

/* What a user held that no longer fits what the user is. */
static enum status end_keys(struct sq *sq, const struct user *was, const struct user *is,
                            const char *keep, struct err *err)
{
    int64_t ended;
    if (is->disabled && people_drop(sq, "DELETE FROM api_tokens WHERE user_id=?", is->id, err) != OK)
        return FAIL;
    if (!is->disabled && is->role >= was->role && text_eq(is->password_hash, was->password_hash))
        return OK;
    return people_end_sessions(sq, is->id, is->disabled ? NULL : keep, &ended, err);
}

static enum status put_user(struct sq *sq, struct user *user, const char *keep, const char *who,
                            struct err *err)
{
    struct user was = {0};
    bool known = user->id != 0;
    if (login_taken(sq, user, err) != OK ||
        (known && find_user(sq, sq->scratch, user->id, &was, err) != OK))
        return FAIL;
    if ((known ? update_user(sq, user, err) : insert_user(sq, user, err)) != OK ||
        an_admin_remains(sq, err) != OK || (known && end_keys(sq, &was, user, keep, err) != OK))
        return FAIL;
    return people_audit(sq, who, known ? "user changed" : "user added", user->id, err);
}

static enum status user_put(struct store *store, struct user *user, const char *keep,
                            const char *who, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put_user(sq, user, keep, who, err), err);
}

static enum status first_user(struct sq *sq, struct user *user, struct err *err)
{
    int64_t count;
    if (count_users(sq, &count, err) != OK)
        return FAIL;
    if (count)
        return err_set(err, ERR_CONFLICT, "this workspace has users already");
    user->role = ROLE_ADMIN;
    if (insert_user(sq, user, err) != OK || an_admin_remains(sq, err) != OK)
        return FAIL;
    return people_audit(sq, user->login, "first user added", user->id, err);
}

static enum status user_first(struct store *store, struct user *user, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, first_user(sq, user, err), err);
}

static enum status delete_user(struct sq *sq, int64_t id, const char *who, struct err *err)
{
    struct user user;
    static const char *const sql[] = {
        "DELETE FROM sessions WHERE user_id=?", "DELETE FROM api_tokens WHERE user_id=?",
        "DELETE FROM links WHERE user_id=?", "DELETE FROM users WHERE id=?"};
    if (find_user(sq, sq->scratch, id, &user, err) != OK)
        return FAIL;
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++)
        if (people_drop(sq, sql[i], id, err) != OK)
            return FAIL;
    if (an_admin_remains(sq, err) != OK)
        return FAIL;
    sq_note(sq, NOUN_ACCESS, 0, id);
    return people_audit(sq, who, "user deleted", id, err);
}

static enum status user_delete(struct store *store, int64_t id, const char *who, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, delete_user(sq, id, who, err), err);
}

const struct store_people sq_people = {
    .user_put = user_put,
    .user_get = user_get,
    .user_by_login = user_by_login,
    .user_list = user_list,
    .user_delete = user_delete,
    .user_first = user_first,
    .user_count = user_count,
    .session_put = sq_session_put,
    .session_get = sq_session_get,
    .session_seen = sq_session_seen,
    .session_list = sq_session_list,
    .session_delete = sq_session_delete,
    .sessions_delete = sq_sessions_delete,
    .sessions_tidy = sq_sessions_tidy,
    .token_put = sq_token_put,
    .token_get = sq_token_get,
    .token_used = sq_token_used,
    .token_list = sq_token_list,
    .token_delete = sq_token_delete,
    .link_put = sq_link_put,
    .link_take = sq_link_take,
};
