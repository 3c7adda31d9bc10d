/* hub.c - the clients of an org, and waking those who wait. */
#include "localorg/streaming/hub_priv.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS (24 * 3600 * (int64_t)1000)

struct hub *hub_new(struct world *world, uint64_t seed, void (*wake)(void *ctx, uint64_t ticket),
                    void *ctx)
{
    struct hub *hub = mem_alloc(sizeof *hub);
    hub->world = world;
    hub->wake = wake;
    hub->wake_ctx = ctx;
    hub->rng.state = seed;
    if (!seed)
        world->random(world, &hub->rng.state, sizeof hub->rng.state);
    hub->limits = (struct hub_limits){110000, 40000, 2000, 50000};
    pthread_mutex_init(&hub->lock, NULL);
    return hub;
}

static void client_free(struct client *client)
{
    vec_free(&client->subscriptions);
    free(client);
}

void hub_free(struct hub *hub)
{
    if (!hub)
        return;
    for (size_t i = 0; i < hub->clients.len; i++)
        client_free(hub->clients.at[i]);
    vec_free(&hub->clients);
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

void hub_limits(struct hub *hub, struct hub_limits *out)
{
    pthread_mutex_lock(&hub->lock);
    *out = hub->limits;
    pthread_mutex_unlock(&hub->lock);
}

void hub_set_limits(struct hub *hub, const struct hub_limits *limits)
{
    pthread_mutex_lock(&hub->lock);
    hub->limits = *limits;
    pthread_mutex_unlock(&hub->lock);
}

void hub_release(struct hub *hub, struct client *client)
{
    uint64_t ticket = client->ticket;
    client->ticket = 0;
    if (ticket)
        hub->wake(hub->wake_ctx, ticket);
}

void hub_drop_all(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    while (hub->clients.len)
        hub_client_drop(hub, hub->clients.at[hub->clients.len - 1]);
    hub->delivered = hub->delivered_today = hub->day_began_ms = 0;
    pthread_mutex_unlock(&hub->lock);
}

void hub_published(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < hub->clients.len; i++)
        if (hub->clients.at[i]->ticket)
            hub->wake(hub->wake_ctx, hub->clients.at[i]->ticket);
    pthread_mutex_unlock(&hub->lock);
}

/* --- clients --- */

struct client *hub_client(struct hub *hub, const char *id, const char *user_id)
{
    for (size_t i = 0; id && i < hub->clients.len; i++) {
        struct client *client = hub->clients.at[i];
        if (strcmp(client->id, id) == 0)
            return strcmp(client->user_id, user_id) == 0 ? client : NULL;
    }
    return NULL;
}

struct client *hub_client_new(struct hub *hub, const struct hub_visit *visit)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    if ((int64_t)hub->clients.len >= hub->limits.max_clients)
        return NULL;
    struct client *client = mem_alloc(sizeof *client);
    for (size_t i = 0; i < 27; i++)
        client->id[i] = letters[rng_below(&hub->rng, 36)];
    snprintf(client->user_id, sizeof client->user_id, "%s", visit->who.user_id);
    snprintf(client->browser, sizeof client->browser, "%s", visit->browser);
    client->seen_ms = hub->world->monotonic_ms(hub->world);
    vec_push(&hub->clients, client);
    return client;
}

void hub_client_drop(struct hub *hub, struct client *client)
{
    size_t kept = 0;
    for (size_t i = 0; i < hub->clients.len; i++)
        if (hub->clients.at[i] != client)
            hub->clients.at[kept++] = hub->clients.at[i];
    hub->clients.len = kept;
    hub_release(hub, client);
    client_free(client);
}

void hub_sweep(struct hub *hub)
{
    int64_t now_ms = hub->world->monotonic_ms(hub->world);
    for (size_t i = hub->clients.len; i-- > 0;) {
        struct client *client = hub->clients.at[i];
        if (!client->ticket && now_ms - client->seen_ms > hub->limits.lost_ms)
            hub_client_drop(hub, client);
    }
}

bool hub_shared_browser(const struct hub *hub, const struct client *client)
{
    for (size_t i = 0; *client->browser && i < hub->clients.len; i++) {
        const struct client *other = hub->clients.at[i];
        if (other != client && other->ticket && strcmp(other->browser, client->browser) == 0)
            return true;
    }
    return false;
}

/* --- counting --- */

bool hub_may_deliver(struct hub *hub, int64_t now_ms, int64_t count)
{
    if (now_ms - hub->day_began_ms >= DAY_MS || now_ms < hub->day_began_ms) {
        hub->day_began_ms = now_ms;
        hub->delivered_today = 0;
    }
    return hub->delivered_today + count <= hub->limits.daily_events;
}

void hub_deliver(struct hub *hub, int64_t count)
{
    hub->delivered += count;
    hub->delivered_today += count;
}

void hub_counts(struct hub *hub, int64_t now_ms, struct hub_counts *out)
{
    *out = (struct hub_counts){0};
    pthread_mutex_lock(&hub->lock);
    hub_sweep(hub);
    hub_may_deliver(hub, now_ms, 0);
    out->clients = hub->clients.len;
    for (size_t i = 0; i < hub->clients.len; i++) {
        out->subscriptions += hub->clients.at[i]->subscriptions.len;
        out->waiting += hub->clients.at[i]->ticket != 0;
    }
    out->delivered = hub->delivered;
    out->delivered_today = hub->delivered_today;
    pthread_mutex_unlock(&hub->lock);
}

void hub_write(struct hub *hub, struct jw *w)
{
    pthread_mutex_lock(&hub->lock);
    hub_sweep(hub);
    jw_array(w);
    for (size_t i = 0; i < hub->clients.len; i++) {
        const struct client *client = hub->clients.at[i];
        jw_object(w);
        jw_kv_text(w, "client", client->id);
        jw_kv_text(w, "user", client->user_id);
        jw_kv_bool(w, "waiting", client->ticket != 0);
        jw_key(w, "subscriptions");
        jw_array(w);
        for (size_t j = 0; j < client->subscriptions.len; j++) {
            jw_object(w);
            jw_kv_text(w, "channel", client->subscriptions.at[j].channel.name);
            jw_kv_int(w, "replay", client->subscriptions.at[j].position);
            jw_end_object(w);
        }
        jw_end_array(w);
        jw_end_object(w);
    }
    jw_end_array(w);
    pthread_mutex_unlock(&hub->lock);
}
