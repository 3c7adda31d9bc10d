/* canned.h - an org of canned answers, and a session on it, for each test.
 *
 *     can("GET /services/data/v66.0/query", 200, "{...}");
 *     can_usual();                            what every org answers, last
 *     ... use `session` ...
 *     CHECK_INT(seen_with("/query"), 1);
 *
 * The first answer whose path is a prefix of "METHOD /path?query" is given. */
#ifndef ARGIL_TESTS_CONNECT_CANNED_H
#define ARGIL_TESTS_CONNECT_CANNED_H

#include "connect/salesforce/sf_priv.h"
#include "http/server.h"
#include "support/check.h"

struct canned {
    const char *path; /* prefix of "METHOD /path?query" */
    int status;
    const char *body;
    const char *type; /* NULL = JSON */
    enum http_break broken;
    int times;        /* 0 = for ever */
    const char *auth; /* only with this Authorization; NULL = any */
    const char *records, *locator; /* Sforce-NumberOfRecords and Sforce-Locator of a Bulk result */
};

extern struct canned cans[32];
extern const struct crm_token_store store;
void can(const char *path, int status, const char *body);
void can_times(const char *path, int status, const char *body, int times);
/* A page of a Bulk result. */
void can_csv(const char *path, const char *csv, const char *records, const char *locator);
struct canned *can_last(void); /* to say more of the can just put */
void cans_clear(void);
void can_usual(void);
extern const char lead_describe[]; /* as JSON */

/* Requests that came: "METHOD /path?query", Authorization, duplicate rule header,
 * If-Unmodified-Since, body. */
int seen_with(const char *part);
const char *seen_nth(const char *part, int nth);

extern struct http_server *server;
extern char base_url[64];
extern struct world world; /* sleeping only counts */
extern int sleeps;
extern int saves; /* of a new access token */
extern int gone;  /* times the connection was given up */
extern int held;  /* locks not given back */
extern struct arena *arena;
extern struct err err __asm__("test_err"); /* libc has an err of its own */
extern struct crm_session *session;
extern struct crm_tokens vault;

#define STALE "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"Session expired or invalid\"}]"
/* What the token endpoint answers; refresh may be NULL. */
const char *grant(const char *access, const char *refresh);

#endif
