/* api_priv.h - the server's parts, shared by the files of this room.
 *
 *   handles   store handles for the threads that answer
 *   doors     who comes in: cookies, tokens, passwords, how often one may try
 *   hub       events: what changed, told to every open stream
 *   signins   sign-ins at an org that have begun
 *   work      jobs and talks (work/work.h) */
#ifndef ARGIL_API_API_PRIV_H
#define ARGIL_API_API_PRIV_H

#include "api/api.h"
#include "api/route.h"
#include "base/map.h"
#include "work/scheduler.h"
#include "work/watcher.h"
#include "work/work.h"

#include <pthread.h>

#define API_ROOT "/api/v1"
#define BODY_USUAL (1 * MIB)
#define BODY_LARGE (8 * MIB)
#define PROVED_FOR_MS ((int64_t)15 * 60 * 1000) /* a password given lately enough */

#define ERR_AUTH_NEEDED  "auth.needed"  /* 401 */
#define ERR_AUTH_WRONG   "auth.wrong"   /* 401: login or password */
#define ERR_AUTH_FORGED  "auth.forged"  /* 403: no or a wrong CSRF token, another origin */
#define ERR_AUTH_ROLE    "auth.role"    /* 403 */
#define ERR_AUTH_PERSON  "auth.session" /* 403: not for tokens */
#define ERR_AUTH_PROVE   "auth.prove"   /* 403: give the password again */
#define ERR_AUTH_SLOW    "auth.slow"    /* 429 */
#define ERR_REQUEST      "request"      /* 400 */
#define ERR_REQUEST_TYPE "request.type" /* 415 */
#define ERR_TOO_MANY     "too_many"     /* 429 */

struct handles;
struct doors;
struct hub;
struct signins;
struct uploads;

#define API_TOOK_BOUNDS 11
extern const int api_took_bounds[API_TOOK_BOUNDS]; /* ms, ascending (health.c) */

struct api {
    struct api_options options;
    char *url;         /* public address */
    char *setup_code;  /* NULL when there are users */
    char *setup_url;
    bool secure; /* the public address is https */
    struct handles *handles;
    struct doors *doors;
    struct hub *hub;
    struct signins *signins;
    struct uploads *uploads;
    struct webhook_gate *hooks;
    struct work *work;
    struct scheduler *scheduler;
    struct live *live;
    struct watcher *watcher;
    struct store_watch pages; /* the hub's ear for what the store changes */
    struct http_server *server;
    atomic_bool stopping, broken;
    int64_t started_ms;
    /* for /metrics */
    atomic_ullong requests, refused, failed;
    /* requests that took at most api_took_bounds[i] ms and more than the bound below */
    atomic_ullong took[API_TOOK_BOUNDS + 1], took_ms;
};

/* ---- dispatch.c */
http_handler_fn api_handle;
/* Writes an error as the answer: status by code, message, cause, hint, id. */
void reply_error(struct call *call, const struct err *err);
int status_of_error(const struct err *err);

/* ---- handles.c */
struct handles *handles_new(struct store *first);
void handles_free(struct handles *handles); /* all must be given back */
struct store *handle_get(struct handles *handles, bool writes, struct err *err);
void handle_give(struct handles *handles, struct store *store, bool writes);

/* ---- doors.c */
struct doors *doors_new(struct world *world);
void doors_free(struct doors *doors);
/* Fills call->person from its cookie or token; OK with nobody when there is none.
 * FAIL with ERR_AUTH_NEEDED for one that is not valid (any more). */
enum status door_who(struct call *call, struct err *err);
/* A request that changes something and came with a cookie was made by our own page. */
enum status door_not_forged(struct call *call, struct err *err);
bool door_host_known(const struct api *api, const struct http_header *headers);
/* A new session for a user: sets the cookie, fills call->person. */
enum status door_enter(struct call *call, const struct user *user, struct err *err);
void door_leave(struct call *call); /* clears the cookie */
/* Passwords: both take a while and wait for a place; ERR_TOO_MANY when too many wait. */
enum status door_hash(struct call *call, const char *password, const char **hash, struct err *err);
enum status door_check(struct call *call, const char *hash, const char *password, struct err *err);
/* May this peer try this login now? ERR_AUTH_SLOW says when. Then tell how it went. */
enum status door_may_try(struct call *call, const char *login, struct err *err);
void door_tried(struct call *call, const char *login, bool well);
/* A person may begin a request: not too many at once. */
bool door_begin(struct doors *doors, int64_t user_id);
void door_end(struct doors *doors, int64_t user_id);
/* 256 random bits as text, and what is kept of it. */
const char *door_random(struct arena *arena);
void door_digest(const char *text, char out[65]);
bool door_same(const char *a, const char *b); /* in constant time */

/* ---- hub.c */
struct hub *hub_new(struct world *world, struct err *err);
void hub_watch(struct hub *hub, struct store_watch *watch); /* what to give to the store */
void hub_progress(void *ctx, int64_t run_id, int64_t table_id, const struct work_progress *at);
/* Opens the stream of a call; last_id may be NULL. */
enum status hub_join(struct hub *hub, struct call *call, const char *last_id, struct err *err);
/* Ends the streams of a user, or of one session (0 = of any). */
void hub_part(struct hub *hub, int64_t user_id, int64_t session_id);
size_t hub_count(struct hub *hub);
/* Where the events stand now: what a stream that begins here is given as its last_id. */
#define HUB_PLACE_ROOM 64
void hub_place(struct hub *hub, char out[HUB_PLACE_ROOM]);
void hub_close(struct hub *hub); /* farewell, ends all streams and its thread */
void hub_free(struct hub *hub);  /* when nobody reports changes any more */

/* ---- signin.c */
struct signins *signins_new(void);
void signins_free(struct signins *signins);
const char *signin_lane(struct call *call); /* of a callback: the connection its state is about */

/* ---- uploads.c */
struct uploads *uploads_new(const char *data); /* empties what an earlier process left */
void uploads_free(struct uploads *uploads);

/* ---- assets.c */
/* The web app: false when the path is none of its files. */
bool asset_reply(struct call *call);
bool assets_built(void);

/* ---- openapi.c */
void openapi_write(struct jw *w, const char *url);

#endif
