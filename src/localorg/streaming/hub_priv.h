/* hub_priv.h - what hub.c (sessions) and bayeux.c (messages) share. */
#ifndef LOCALORG_STREAMING_HUB_PRIV_H
#define LOCALORG_STREAMING_HUB_PRIV_H

#include "base/str.h"
#include "base/vec.h"
#include "localorg/streaming/hub.h"

#include <pthread.h>

struct subscription {
    struct channel channel;
    int64_t position; /* sent up to here */
};

struct client {
    char id[33];
    char user_id[19];
    char browser[64];
    bool replay;  /* its handshake offered the extension */
    bool advised; /* has had its first connect */
    int64_t seen_ms; /* monotonic: last request ended, or began */
    uint64_t ticket; /* of the connect that waits; 0 = none */
    VEC(struct subscription) subscriptions;
};

struct hub {
    struct world *world;
    void (*wake)(void *ctx, uint64_t ticket);
    void *wake_ctx;
    pthread_mutex_t lock; /* everything below */
    struct hub_limits limits;
    struct rng rng;
    VEC(struct client *) clients;
    int64_t delivered, day_began_ms, delivered_today;
};

/* All under the lock. */
struct client *hub_client(struct hub *hub, const char *id, const char *user_id);
struct client *hub_client_new(struct hub *hub, const struct hub_visit *visit);
void hub_client_drop(struct hub *hub, struct client *client);
void hub_sweep(struct hub *hub); /* forgets those who stayed away */
bool hub_shared_browser(const struct hub *hub, const struct client *client);
/* Lets the connect that waits go on: it will find itself replaced or gone. */
void hub_release(struct hub *hub, struct client *client);
/* Is there room for `count` more deliveries today? */
bool hub_may_deliver(struct hub *hub, int64_t now_ms, int64_t count);
void hub_deliver(struct hub *hub, int64_t count);

/* deliver.c: writes what the client has not been sent yet, as members of
 * an open array; how many messages. FAIL with err set when the org cannot be read. */
enum status bayeux_deliver(struct hub *hub, const struct hub_visit *visit, struct client *client,
                           struct jw *w, size_t *count, struct err *err);

#endif
