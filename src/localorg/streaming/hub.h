/* hub.h - CometD sessions: who listens to what, from which event on.
 *
 * A client shakes hands, subscribes, and asks again and again (/meta/connect)
 * for what has happened. A connect that finds nothing is held back: its caller
 * parks the request and the hub wakes it when something was published, when its
 * time is up, or when the client goes away. A client that does not come back in
 * time is forgotten (403::Unknown client). Thread-safe.
 *
 * Invariant: what a subscription has been sent lies at or before its position;
 * events are looked at in the order of their replay ids. */
#ifndef LOCALORG_STREAMING_HUB_H
#define LOCALORG_STREAMING_HUB_H

#include "localorg/streaming/channel.h"

struct hub;

struct hub_limits {
    int64_t timeout_ms;    /* a connect is held so long: 110,000 */
    int64_t lost_ms;       /* a client away for longer is forgotten: 40,000 */
    int64_t max_clients;   /* 20 in a Developer Edition, 2,000 at most */
    int64_t daily_events;  /* delivered in 24 hours, all clients: 10,000 and more */
};

/* wake(ctx, ticket) lets a parked request go on. */
struct hub *hub_new(struct world *world, uint64_t seed, void (*wake)(void *ctx, uint64_t ticket),
                    void *ctx);
void hub_free(struct hub *hub);
void hub_limits(struct hub *hub, struct hub_limits *out);
void hub_set_limits(struct hub *hub, const struct hub_limits *limits);
/* Forgets every client; those parked are woken and told so. */
void hub_drop_all(struct hub *hub);
/* Something was published: whoever waits looks again. */
void hub_published(struct hub *hub);

struct hub_counts {
    size_t clients, subscriptions, waiting;
    int64_t delivered, delivered_today;
};
void hub_counts(struct hub *hub, int64_t now_ms, struct hub_counts *out);
/* One object a client: {"client","user","waiting","subscriptions":[{"channel","replay"}]}. */
void hub_write(struct hub *hub, struct jw *w);

/* --- one request --- */

struct hub_visit {
    struct listener who;  /* user_id NULL: not admitted */
    const char *denied;   /* then: "401::Authentication invalid" */
    const char *browser;  /* the cookie BAYEUX_BROWSER; "" for none */
    struct arena *arena;  /* of the request */
    /* Parks the request; 0 when it cannot be parked. */
    uint64_t (*park)(void *ctx, int64_t at_most_ms);
    void *park_ctx;
};

struct hub_wait { /* a connect held back; fill nothing */
    char client[33];
    const char *id; /* of the message */
    int64_t until_ms;
    uint64_t ticket;
};

enum hub_outcome { HUB_ANSWERED, HUB_PARKED };
/* Answers the messages of one request: an array of replies into `out`. After
 * HUB_PARKED nothing was written; hub_resume goes on when the request wakes. */
enum hub_outcome hub_handle(struct hub *hub, const struct hub_visit *visit,
                            const struct json *messages, struct hub_wait *wait, struct buf *out);
enum hub_outcome hub_resume(struct hub *hub, const struct hub_visit *visit, struct hub_wait *wait,
                            struct buf *out);

#endif
