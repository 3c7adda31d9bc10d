/* real_org.h - localorg, the real program, for tests written in C.
 *
 * One localorg serves all tests of a program; LOCALORG names it (set by meson).
 * org_start and org_connect are called at the start of each test and do their
 * work once. `vault` holds what the connector stores. */
#ifndef ARGIL_TESTS_CONNECT_REAL_ORG_H
#define ARGIL_TESTS_CONNECT_REAL_ORG_H

#include "connect/salesforce/sf_priv.h"
#include "support/check.h"

extern const struct json *org_ready; /* its first line */
extern struct arena *org_keep;       /* until the program ends */
extern struct arena *arena;          /* of the running test; the test's to make and free */
extern struct err err __asm__("test_err"); /* libc has an err of its own */
extern struct crm_tokens vault;
extern struct connection connection;
extern const struct crm_token_store org_store; /* vault, without locks */
extern struct world world;                     /* the test's to set */
extern int sleeps;

void org_no_sleep(struct world *world, int64_t ms); /* counts sleeps instead */
void org_start(void);
/* Signs in as the administrator through the login and consent pages. */
void org_connect(void);
const char *org_url(const char *path);
const struct json *org_control(const char *method, const char *path, const char *body);
void org_fault(const char *json);
void org_faults_end(void);

#endif
