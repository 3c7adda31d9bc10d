/* site.h - one running localorg: the org, its policies, and what it remembers
 * about the requests it has answered.
 *
 * Every request holds `org_lock` for reading; a reset, a load or a change of the
 * schema (ROUTE_ALONE) takes it for writing. So a request sees one org and one
 * schema from its first to its last byte. */
#ifndef LOCALORG_REST_SITE_H
#define LOCALORG_REST_SITE_H

#include "localorg/org/org.h"
#include "localorg/rest/cursors.h"
#include "localorg/rest/dice.h"
#include "localorg/rest/faults.h"
#include "localorg/rest/grants.h"
#include "localorg/rest/meter.h"
#include "localorg/rest/policies.h"
#include "localorg/rest/requests.h"
#include "localorg/rest/sign.h"
#include "localorg/rest/waiting.h"

#include <pthread.h>

struct bulk;
struct deploys;
struct hub;
struct setup;
struct topics;
struct http_server;
struct report_runs;
struct turnstile;
struct late;
struct search_index;

struct site_options {
    const char *host; /* "127.0.0.1" */
    int port;         /* 0 = any */
    const char *data; /* database file; NULL = a private temporary one */
    const char *seed; /* demo, developer-edition, empty */
    int scale;
    const char *const *without; /* standard objects that this org does not have, up to a NULL;
                                   NULL = it has all */
    int64_t latency_ms; /* added to every answer of Salesforce's surface */
    uint64_t rng_seed;  /* 0 = from the machine */
    int threads;        /* 0 = chosen from the machine and the latency */
    bool no_gzip;
    const char *scenario; /* a file applied to a new or reset org; NULL = none */
    struct world *world;  /* NULL = the machine's */
    bool no_server;       /* nobody listens: requests come through routes_handle alone, as in the
                             simulation; the host and port name what is asked */
};

struct site {
    struct site_options options;
    struct world *world;
    struct org *org;
    pthread_rwlock_t org_lock;
    struct http_server *server;
    char url[160]; /* "http://127.0.0.1:8460", without a slash at the end */
    _Atomic int64_t latency_ms;
    int64_t started_ms;
    struct dice *dice;
    struct policies *policies;
    struct grants *grants;
    struct signer *signer;
    struct meter *meter;
    struct faults *faults;
    struct requests *requests;
    struct cursors *cursors;
    struct turnstile *turnstile;
    struct late *late;
    bool fresh; /* the org was made by this run */
    struct bulk *bulk;
    struct waiting *waiting; /* requests of long polling */
    struct hub *hub;         /* CometD clients */
    struct topics *topics;   /* PushTopics */
    struct report_runs *report_runs;
    struct deploys *deploys;
    struct setup *setup;     /* what the Tooling API queries */
    struct search_index *search;
};

/* Opens or seeds the org and starts answering. NULL with *err set on failure. */
struct site *site_start(const struct site_options *options, struct err *err);
/* Answers what is in flight, then closes. NULL is fine. */
void site_stop(struct site *site);
/* A fresh org in place of this one. With `seed` NULL the same seed and scale.
 * The caller holds org_lock for writing. */
enum status site_reset(struct site *site, const char *seed, int scale, struct err *err);
/* Keeps policies, refresh tokens and approvals in the database file. */
void site_save(struct site *site);
/* A session as if this user had signed in through the demo app. False: no such user. */
bool site_token(struct site *site, const char *username, struct session *out);

#endif
