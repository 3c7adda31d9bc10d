/* people_priv.h - what people.c (users) and people_keys.c (what they hold) share. */
#ifndef ARGIL_STORE_SQL_PEOPLE_PRIV_H
#define ARGIL_STORE_SQL_PEOPLE_PRIV_H

#include "base/str.h"
#include "store/sql/sql_priv.h"
#include "store/store_people.h"

/* ---- people.c */
#define USER_FIELDS                                                                                \
    "u.id,u.login,u.name,u.zone,u.password_hash,u.role,u.disabled,u.created_ms,u.seen_ms,"         \
    "u.password_ms"
void people_read_user(struct sq_stmt *stmt, int at, struct arena *arena, struct user *out);
enum status people_audit(struct sq *sq, const char *who, const char *what, int64_t user_id,
                         struct err *err);

/* ---- people_keys.c; inside a transaction */
enum status people_drop(struct sq *sq, const char *sql, int64_t id, struct err *err);
enum status people_end_sessions(struct sq *sq, int64_t user_id, const char *keep, int64_t *ended,
                                struct err *err);

enum status sq_session_put(struct store *, struct session *, const char *, struct err *);
enum status sq_session_get(struct store *, struct arena *, const char *, struct session *,
                           struct user *, struct err *);
enum status sq_session_seen(struct store *, int64_t, int64_t, int64_t, struct err *);
enum status sq_session_list(struct store *, struct arena *, int64_t, struct session **, size_t *,
                            struct err *);
enum status sq_session_delete(struct store *, int64_t, const char *, struct err *);
enum status sq_sessions_delete(struct store *, int64_t, const char *, const char *, int64_t *,
                               struct err *);
enum status sq_sessions_tidy(struct store *, int64_t, int64_t, struct err *);
enum status sq_token_put(struct store *, struct api_token *, const char *, struct err *);
enum status sq_token_get(struct store *, struct arena *, const char *, struct api_token *,
                         struct user *, struct err *);
enum status sq_token_used(struct store *, int64_t, int64_t, struct err *);
enum status sq_token_list(struct store *, struct arena *, int64_t, struct api_token **, size_t *,
                          struct err *);
enum status sq_token_delete(struct store *, int64_t, const char *, struct err *);
enum status sq_link_put(struct store *, const struct link *, const char *, struct err *);
enum status sq_link_take(struct store *, struct arena *, const char *, const char *, int64_t,
                         struct user *, struct err *);

#endif
