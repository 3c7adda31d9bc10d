/* deliver.c - events to messages: what a client has not been sent yet, in the
 * order of replay ids, each field-level secret of its user left out. */
#include "localorg/streaming/hub_priv.h"

#include <string.h>

#define MESSAGES_MAX 1000        /* one answer holds at most so many, */
#define BYTES_MAX    (1 * MIB)   /* or about so much; the next connect brings the rest */

struct delivery {
    struct hub *hub;
    const struct hub_visit *visit;
    struct client *client;
    struct jw *w;
    size_t count;
    int64_t reached; /* looked at up to here */
    int64_t now_ms;
};

/* May the user see every field of this object? Then the text goes out as it is. */
static bool sees_all(const struct listener *who, const struct sobject *object)
{
    for (size_t i = 0; i < object->field_count; i++)
        if (!org_may_field(who->org, who->user_id, object->fields[i], ORG_READ))
            return false;
    return true;
}

static void write_data(const struct delivery *d, const struct org_event *event)
{
    const struct listener *who = &d->visit->who;
    struct sobject *object =
        event->kind == EVENT_CHANGE ? org_change_event_object(who->org, event->topic) : NULL;
    if (!object || sees_all(who, object))
        jw_raw(d->w, event->data, strlen(event->data));
    else
        org_event_write_visible(d->w, who->org, who->user_id, object, event->data);
}

static void write_message(struct delivery *d, const struct org_event *event, const char *channel)
{
    jw_object(d->w);
    jw_key(d->w, "data");
    write_data(d, event);
    jw_kv_text(d->w, "channel", channel);
    jw_end_object(d->w);
    d->count++;
}

static bool may_see(const struct listener *who, const struct org_event *event)
{
    if (event->kind != EVENT_CHANGE)
        return true;
    const struct sobject *object = org_change_event_object(who->org, event->topic);
    return object && org_may_object(who->org, who->user_id, object, ORG_READ);
}

static bool deliver_one(void *ctx, const struct org_event *event)
{
    struct delivery *d = ctx;
    if (!hub_may_deliver(d->hub, d->now_ms, (int64_t)d->count + 1))
        return false;
    for (size_t i = 0; i < d->client->subscriptions.len; i++) {
        const struct subscription *subscription = &d->client->subscriptions.at[i];
        if (event->replay_id > subscription->position &&
            channel_carries(&subscription->channel, d->visit->who.org, event) &&
            may_see(&d->visit->who, event))
            write_message(d, event, subscription->channel.name);
    }
    d->reached = event->replay_id;
    return d->count < MESSAGES_MAX && d->w->out->len < BYTES_MAX;
}

enum status bayeux_deliver(struct hub *hub, const struct hub_visit *visit, struct client *client,
                           struct jw *w, size_t *count, struct err *err)
{
    struct delivery d = {.hub = hub,
                         .visit = visit,
                         .client = client,
                         .w = w,
                         .now_ms = org_now_ms(visit->who.org)};
    int64_t after = INT64_MAX;
    for (size_t i = 0; i < client->subscriptions.len; i++)
        if (client->subscriptions.at[i].position < after)
            after = client->subscriptions.at[i].position;
    *count = 0;
    if (!client->subscriptions.len)
        return OK;
    if (org_events_read(visit->who.org, after, SIZE_MAX, deliver_one, &d, err) != OK)
        return FAIL;
    for (size_t i = 0; i < client->subscriptions.len; i++)
        if (client->subscriptions.at[i].position < d.reached)
            client->subscriptions.at[i].position = d.reached;
    hub_deliver(hub, (int64_t)d.count);
    *count = d.count;
    return OK;
}
