/* grants.h - what sign-in hands out: browser sessions, pending authorizations,
 * codes, refresh tokens and access tokens.
 *
 * All in memory, all looked up by their text, all handed out as copies.
 * Thread-safe. Time is the org's clock, so that shifting it expires things. */
#ifndef LOCALORG_REST_GRANTS_H
#define LOCALORG_REST_GRANTS_H

#include "base/json.h"
#include "localorg/rest/policies.h"

struct grants;
struct dice;

struct grants *grants_new(struct dice *dice);
void grants_free(struct grants *grants);
void grants_clear(struct grants *grants); /* reset: nobody is signed in */

/* --- an access token is a session --- */
struct session {
    char token[128];
    char user_id[19], username[128];
    char client_id[260];
    char scopes[600];
    char peer[64], host[160]; /* whence, and where to, it was opened */
    int64_t created_ms, used_ms, timeout_ms;
    uint64_t grant;  /* refresh grant it came from; 0 = none */
    uint64_t number; /* 1, 2, 3 ... : AuthSession's Id is made of it */
    bool high_assurance;
};
void grants_open_session(struct grants *grants, const char *org_id15, struct session *session);
/* False when unknown or idle for longer than its timeout. `touch` counts as use. */
bool grants_session(struct grants *grants, const char *token, int64_t now_ms, bool touch,
                    struct session *out);
bool grants_close_session(struct grants *grants, const char *token);
/* Ends every session and refresh token of a user (NULL: any) with an app (NULL: any). */
size_t grants_revoke(struct grants *grants, const char *username, const char *client_id);
/* Calls back for each session that is not idle, under the lock. */
void grants_each_session(struct grants *grants, int64_t now_ms,
                         void (*each)(void *ctx, const struct session *session), void *ctx);
/* Ends the session of this number; only when it is the user's (NULL: anybody's). *owner is
 * whose it is, "" when there is none. */
bool grants_end_session(struct grants *grants, uint64_t number, const char *user_id,
                        char owner[19]);
/* Makes every access token expire now; refresh tokens stay. */
size_t grants_expire_sessions(struct grants *grants, const char *username);

/* --- refresh tokens --- */
struct refresh {
    uint64_t grant;
    char token[128];
    char user_id[19], username[128], client_id[260], scopes[600];
    int64_t created_ms, used_ms;
    int64_t busy_until_ms; /* monotonic */
    int64_t uses;          /* refreshes so far */
};
enum refresh_found {
    REFRESH_OK,
    REFRESH_UNKNOWN, /* never existed or revoked */
    REFRESH_ROTATED, /* an old one: the whole grant has just been revoked */
    REFRESH_BUSY
};
/* Revokes the oldest when the user then holds more than `keep` of this app. */
void grants_open_refresh(struct grants *grants, struct refresh *refresh, int64_t keep);
enum refresh_found grants_refresh(struct grants *grants, const char *token, int64_t now_ms,
                                  int64_t monotonic_ms, int64_t busy_ms, struct refresh *out);
/* Looks at one without using it; false when it is unknown, revoked or spent. */
bool grants_refresh_look(struct grants *grants, const char *token, struct refresh *out);
/* A new token for the grant; the old one stays known as spent. */
void grants_rotate(struct grants *grants, struct refresh *refresh);
/* Takes the refresh token itself, or its delete word (OauthToken.DeleteToken). */
bool grants_revoke_refresh(struct grants *grants, const char *token);
void refresh_delete_word(const struct refresh *refresh, char out[67]);
void grants_each_refresh(struct grants *grants,
                         void (*each)(void *ctx, const struct refresh *refresh), void *ctx);
/* As grants_end_session, for a grant: its refresh token and all its sessions. */
bool grants_end_grant(struct grants *grants, uint64_t grant, const char *user_id, char owner[19]);
/* Has the user approved this app before with at least these scopes? */
bool grants_approved(struct grants *grants, const char *user_id, const char *client_id,
                     const char *scopes);
void grants_approve(struct grants *grants, const char *user_id, const char *client_id,
                    const char *scopes);

/* --- the browser's side --- */
struct pending { /* an authorize request waiting for a person */
    char source[96];
    char client_id[260], redirect_uri[2048], scopes[600], state[2048], nonce[256];
    char challenge[256], response_type[24], login_hint[128];
    bool force_consent;
    int64_t created_ms;
};
void grants_open_pending(struct grants *grants, struct pending *pending);
bool grants_pending(struct grants *grants, const char *source, struct pending *out);
void grants_close_pending(struct grants *grants, const char *source);

struct code {
    char code[160];
    struct pending asked;
    char user_id[19], username[128];
    int64_t created_ms;
};
void grants_open_code(struct grants *grants, struct code *code);
enum code_found { CODE_OK, CODE_UNKNOWN, CODE_USED };
/* Takes it: a second call with the same text says CODE_USED. */
enum code_found grants_take_code(struct grants *grants, const char *text, struct code *out);

/* A browser that has signed in. */
void grants_open_browser(struct grants *grants, const char *username, int64_t now_ms,
                         char cookie[128], const char *org_id15);
bool grants_browser(struct grants *grants, const char *cookie, int64_t now_ms, char username[128]);
void grants_close_browser(struct grants *grants, const char *cookie);

struct grants_count {
    size_t sessions, refresh_tokens, codes;
};
void grants_counts(struct grants *grants, struct grants_count *out);

/* Refresh tokens and approvals survive a restart with --data. */
void grants_save(struct grants *grants, struct jw *w);
void grants_load(struct grants *grants, const struct json *saved);

#endif
