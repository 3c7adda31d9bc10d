/* store_people.h - users, sessions, tokens and links, reached as store->does->people.
 *
 * Every change is one transaction with its line in the audit; `who` is the login
 * of the person who did it. Hashes are SHA-256 in hex of what the person holds:
 * the store never sees a password, a cookie, a token or a link.
 *
 * Invariant: a workspace with users has an enabled admin with a password; what
 * would take the last one away is ERR_CONFLICT. */
#ifndef ARGIL_STORE_PEOPLE_H
#define ARGIL_STORE_PEOPLE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/people.h"

#include <stddef.h>

struct store;

#define ERR_PEOPLE_LAST_ADMIN "people.last_admin"
#define ERR_PEOPLE_TAKEN "people.login_taken"
#define ERR_PEOPLE_LINK "people.link" /* used, expired, or never made */

struct store_people {
    /* users; put with id 0 adds and sets id. Disabling a user, a lower role or a new
     * password ends that user's sessions but the one with the hash `keep` (may be
     * NULL); disabling ends the tokens too. ERR_PEOPLE_TAKEN, ERR_PEOPLE_LAST_ADMIN. */
    enum status (*user_put)(struct store *, struct user *user, const char *keep, const char *who, struct err *err);
    enum status (*user_get)(struct store *, struct arena *, int64_t id, struct user *out, struct err *err);
    enum status (*user_by_login)(struct store *, struct arena *, const char *login, struct user *out, struct err *err);
    enum status (*user_list)(struct store *, struct arena *, struct user **out, size_t *count, struct err *err); /* by login */
    enum status (*user_delete)(struct store *, int64_t id, const char *who, struct err *err); /* with sessions, tokens, links */
    /* The first user of a workspace, an admin; ERR_CONFLICT when there is one already. */
    enum status (*user_first)(struct store *, struct user *user, struct err *err);
    enum status (*user_count)(struct store *, int64_t *out, struct err *err);

    /* sessions; a read gives the user as well. ERR_NOT_FOUND. */
    enum status (*session_put)(struct store *, struct session *session, const char *who, struct err *err); /* sets id */
    enum status (*session_get)(struct store *, struct arena *, const char *hash, struct session *out, struct user *user, struct err *err);
    enum status (*session_seen)(struct store *, int64_t id, int64_t seen_ms, int64_t proved_ms /* 0 = unchanged */, struct err *err); /* no audit line */
    enum status (*session_list)(struct store *, struct arena *, int64_t user_id /* 0 = all */, struct session **out, size_t *count, struct err *err); /* newest first */
    enum status (*session_delete)(struct store *, int64_t id, const char *who, struct err *err);
    /* Those of a user (0 = of everyone) but the one with the hash `keep`. */
    enum status (*sessions_delete)(struct store *, int64_t user_id, const char *keep, const char *who, int64_t *ended, struct err *err);
    /* Forgets those last seen before, or made before; no audit line. */
    enum status (*sessions_tidy)(struct store *, int64_t seen_before_ms, int64_t made_before_ms, struct err *err);

    enum status (*token_put)(struct store *, struct api_token *token, const char *who, struct err *err); /* sets id */
    enum status (*token_get)(struct store *, struct arena *, const char *hash, struct api_token *out, struct user *user, struct err *err);
    enum status (*token_used)(struct store *, int64_t id, int64_t used_ms, struct err *err); /* no audit line */
    enum status (*token_list)(struct store *, struct arena *, int64_t user_id /* 0 = all */, struct api_token **out, size_t *count, struct err *err);
    enum status (*token_delete)(struct store *, int64_t id, const char *who, struct err *err);

    /* A new link of a user takes the place of the older ones. */
    enum status (*link_put)(struct store *, const struct link *link, const char *who, struct err *err);
    /* Takes the link and sets the user's password in one step: once, whoever tries. */
    enum status (*link_take)(struct store *, struct arena *, const char *hash, const char *password_hash, int64_t now_ms, struct user *out, struct err *err);
};

#endif
