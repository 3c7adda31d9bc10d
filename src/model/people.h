/* people.h - who uses a workspace: users, what their role lets them do, how they
 * come in. Structs and names; no I/O. Text members are lent by the arena that the
 * object came from. Timestamps are ms since 1970 UTC, 0 = never. */
#ifndef ARGIL_MODEL_PEOPLE_H
#define ARGIL_MODEL_PEOPLE_H

#include <stdbool.h>
#include <stdint.h>

/* Each may do what the ones before it may. NOBODY is a request without a person. */
enum role {
    ROLE_NOBODY,
    ROLE_VIEWER,  /* reads tables, runs and the journal */
    ROLE_RUNNER,  /* starts and stops runs and syncs, edits cells, settles doubts */
    ROLE_BUILDER, /* makes and changes tables and columns, secrets */
    ROLE_ADMIN    /* connections, users, settings, the audit */
};
const char *role_name(enum role role); /* "viewer", ... */
bool role_parse(const char *name, enum role *out); /* one of the four */

struct user {
    int64_t id;
    const char *login;         /* e-mail address or name, unique without regard to case */
    const char *name;          /* as shown */
    const char *zone;          /* IANA time zone, "Europe/Berlin" */
    const char *password_hash; /* argon2id text; NULL = invited, has not come yet */
    enum role role;
    bool disabled;
    int64_t created_ms, seen_ms /* last sign-in */, password_ms;
};

/* A browser that is signed in. The cookie holds 32 random bytes; only their hash is kept. */
struct session {
    int64_t id; /* names it in lists */
    char hash[65];
    int64_t user_id;
    const char *peer, *agent; /* address and browser as seen at sign-in */
    int64_t created_ms, seen_ms;
    int64_t proved_ms; /* when the password was last given */
};

/* For programs. The text is shown once; only its hash is kept. */
struct api_token {
    int64_t id;
    char hash[65];
    int64_t user_id;
    const char *name;
    const char *hint;  /* its first characters, to tell it from others */
    enum role scope;   /* the most it may do, whatever its user may */
    int64_t created_ms, used_ms, expires_ms; /* expires 0 = never */
};

/* A link that works once: an invitation, or a new password. */
struct link {
    char hash[65];
    int64_t user_id;
    int64_t created_ms, expires_ms;
};

#endif
