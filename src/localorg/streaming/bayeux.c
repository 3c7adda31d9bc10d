/* bayeux.c - the messages of one request and their replies (Bayeux protocol as
 * Salesforce's Streaming API speaks it, api_streaming guide).
 *
 * A connect waits only when it is the only message of its request: replies to
 * the others are not held back for it. */
#include "localorg/streaming/hub_priv.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_INTERVAL_MS 2000

struct turn {
    struct hub *hub;
    const struct hub_visit *visit;
    struct jw *w;
    bool may_wait;
    struct hub_wait *wait;
};

/* --- pieces of a reply --- */

static void reply_begin(struct turn *turn, const struct json *message, const char *client)
{
    jw_object(turn->w);
    if (client)
        jw_kv_text(turn->w, "clientId", client);
    jw_kv_text(turn->w, "channel", json_get_text(message, "channel"));
    const struct json *id = json_get(message, "id");
    if (id) {
        jw_key(turn->w, "id");
        jw_value(turn->w, id);
    }
}

static void reply_end(struct turn *turn, const char *error)
{
    if (error)
        jw_kv_text(turn->w, "error", error);
    jw_kv_bool(turn->w, "successful", error == NULL);
    jw_end_object(turn->w);
}

static void write_advice(struct jw *w, const char *reconnect, int64_t interval_ms)
{
    jw_key(w, "advice");
    jw_object(w);
    if (interval_ms >= 0)
        jw_kv_int(w, "interval", interval_ms);
    jw_kv_text(w, "reconnect", reconnect);
    jw_end_object(w);
}

static void refuse(struct turn *turn, const struct json *message, const char *error)
{
    reply_begin(turn, message, json_get_text(message, "clientId"));
    const char *subscription = json_get_text(message, "subscription");
    if (subscription)
        jw_kv_text(turn->w, "subscription", subscription);
    reply_end(turn, error);
}

static void refuse_unknown(struct turn *turn, const struct json *message)
{
    reply_begin(turn, message, NULL);
    write_advice(turn->w, "handshake", 0);
    reply_end(turn, "403::Unknown client");
}

/* Whoever is not signed in (any more) shall not come back by itself. */
static void refuse_session(struct turn *turn, const struct json *message)
{
    reply_begin(turn, message, NULL);
    write_advice(turn->w, "none", -1);
    reply_end(turn, turn->visit->denied);
}

/* --- handshake --- */

static void write_extensions(struct turn *turn, const struct json *message, const char *reason)
{
    const struct json *asked = json_get(message, "ext");
    jw_key(turn->w, "ext");
    jw_object(turn->w);
    if (reason) {
        jw_key(turn->w, "sfdc");
        jw_object(turn->w);
        jw_kv_text(turn->w, "failureReason", reason);
        jw_end_object(turn->w);
    }
    jw_kv_bool(turn->w, "replay", true);
    if (json_get(asked, "payload.format"))
        jw_kv_bool(turn->w, "payload.format", true);
    jw_end_object(turn->w);
}

static void handshake_denied(struct turn *turn, const struct json *message, const char *reason)
{
    reply_begin(turn, message, NULL);
    write_extensions(turn, message, reason);
    write_advice(turn->w, "none", -1);
    reply_end(turn, "403::Handshake denied");
}

static bool offers_long_polling(const struct json *message)
{
    json_each(type, json_get(message, "supportedConnectionTypes"))
        if (text_eq(json_text(type), "long-polling"))
            return true;
    return false;
}

static void handshake(struct turn *turn, const struct json *message)
{
    if (!turn->visit->who.user_id) {
        handshake_denied(turn, message, turn->visit->denied);
        return;
    }
    if (!offers_long_polling(message)) {
        handshake_denied(turn, message, "400::Only long-polling is supported");
        return;
    }
    hub_sweep(turn->hub);
    struct client *client = hub_client_new(turn->hub, turn->visit);
    if (!client) {
        handshake_denied(turn, message, "403::Organization concurrent user limit exceeded");
        return;
    }
    client->replay = true;
    jw_object(turn->w);
    write_extensions(turn, message, NULL);
    jw_kv_text(turn->w, "minimumVersion", "1.0");
    jw_kv_text(turn->w, "clientId", client->id);
    jw_key(turn->w, "supportedConnectionTypes");
    jw_array(turn->w);
    jw_text(turn->w, "long-polling");
    jw_end_array(turn->w);
    jw_kv_text(turn->w, "channel", "/meta/handshake");
    if (json_get(message, "id")) {
        jw_key(turn->w, "id");
        jw_value(turn->w, json_get(message, "id"));
    }
    jw_kv_text(turn->w, "version", "1.0");
    reply_end(turn, NULL);
}

/* --- subscribe --- */

/* ext.replay is a map from channel to replay id; the name may carry "?..." filters. */
static const struct json *asked_replay(const struct json *message, const char *channel)
{
    const struct json *replay = json_path(message, "ext.replay");
    const struct json *id = json_get(replay, channel);
    return id ? id : json_is(replay, JSON_NUMBER) ? replay : NULL;
}

/* The position to start from. NULL when fine, else the error. */
static const char *start_position(struct turn *turn, const struct json *asked, int64_t *position)
{
    struct org_event_span span;
    struct err err = {{0}};
    if (org_events_span(turn->visit->who.org, &span, &err) != OK)
        return "503::Server is too busy. Please try your request again later.";
    int64_t id = asked ? json_int(asked, INT64_MIN) : -1;
    if (id == -1)
        *position = span.last;
    else if (id == -2)
        *position = span.forgotten;
    else
        *position = id;
    if (id < -2 || (id >= 0 && (id <= span.forgotten || id > span.last)))
        return arena_printf(turn->visit->arena,
                            "400::The replayId {%s} you provided was invalid. Please provide a "
                            "valid ID, -2 to replay all events, or -1 to replay only new events.",
                            json_text(asked) ? json_text(asked) : "null");
    return NULL;
}

static void subscribe_to(struct turn *turn, struct client *client, const struct json *message,
                         const char *name)
{
    struct subscription fresh;
    const char *error = NULL;
    if (!hub_may_deliver(turn->hub, org_now_ms(turn->visit->who.org), 1))
        error = "403::Organization total events daily limit exceeded";
    if (!error)
        error = channel_open(&turn->visit->who, turn->visit->arena, name, &fresh.channel);
    if (!error)
        error = start_position(turn, asked_replay(message, name), &fresh.position);
    reply_begin(turn, message, client->id);
    jw_kv_text(turn->w, "subscription", name);
    reply_end(turn, error);
    if (error)
        return;
    for (size_t i = 0; i < client->subscriptions.len; i++)
        if (strcmp(client->subscriptions.at[i].channel.name, name) == 0) {
            client->subscriptions.at[i] = fresh;
            return;
        }
    vec_push(&client->subscriptions, fresh);
}

static void unsubscribe_from(struct turn *turn, struct client *client, const struct json *message,
                             const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < client->subscriptions.len; i++)
        if (strcmp(client->subscriptions.at[i].channel.name, name) != 0)
            client->subscriptions.at[kept++] = client->subscriptions.at[i];
    client->subscriptions.len = kept;
    reply_begin(turn, message, client->id);
    jw_kv_text(turn->w, "subscription", name);
    reply_end(turn, NULL);
}

typedef void subscription_fn(struct turn *, struct client *, const struct json *, const char *);

/* `subscription` is one name or several. */
static void each_subscription(struct turn *turn, struct client *client, const struct json *message,
                              subscription_fn *fn)
{
    const struct json *names = json_get(message, "subscription");
    if (json_is(names, JSON_STRING)) {
        fn(turn, client, message, names->text);
    } else if (json_is(names, JSON_ARRAY) && names->first) {
        json_each(name, names)
            fn(turn, client, message, json_text(name) ? json_text(name) : "");
    } else {
        refuse(turn, message, "400::Subscription missing");
    }
}

/* --- connect --- */

static void write_connect_advice(struct turn *turn, struct client *client)
{
    bool shared = hub_shared_browser(turn->hub, client);
    if (client->advised && !shared)
        return;
    client->advised = true;
    jw_key(turn->w, "advice");
    jw_object(turn->w);
    jw_kv_int(turn->w, "interval", shared ? FIRST_INTERVAL_MS : 0);
    if (shared)
        jw_kv_bool(turn->w, "multiple-clients", true);
    jw_kv_text(turn->w, "reconnect", "retry");
    jw_kv_int(turn->w, "timeout", turn->hub->limits.timeout_ms);
    jw_end_object(turn->w);
}

static void connect_done(struct turn *turn, struct client *client, const struct json *message,
                         const char *error)
{
    reply_begin(turn, message, client->id);
    write_connect_advice(turn, client);
    reply_end(turn, error);
    client->seen_ms = turn->hub->world->monotonic_ms(turn->hub->world);
}

/* What there is to send; how many messages. */
static size_t send_events(struct turn *turn, struct client *client, const char **error)
{
    struct err err = {{0}};
    size_t count = 0;
    if (bayeux_deliver(turn->hub, turn->visit, client, turn->w, &count, &err) != OK)
        *error = "503::Server is too busy. Please try your request again later.";
    return count;
}

static int64_t asked_timeout(const struct hub *hub, const struct json *message)
{
    int64_t ms = json_int(json_path(message, "advice.timeout"), hub->limits.timeout_ms);
    return ms < 0 ? 0 : ms < hub->limits.timeout_ms ? ms : hub->limits.timeout_ms;
}

/* Holds the connect back. False when it has to be answered now. */
static bool hold(struct turn *turn, struct client *client, int64_t for_ms)
{
    if (!turn->may_wait || for_ms <= 0 || hub_shared_browser(turn->hub, client))
        return false;
    uint64_t ticket = turn->visit->park(turn->visit->park_ctx, for_ms);
    if (!ticket)
        return false;
    client->ticket = turn->wait->ticket = ticket;
    return true;
}

/* False: parked. */
static bool connect_client(struct turn *turn, const struct json *message)
{
    struct hub *hub = turn->hub;
    hub_sweep(hub);
    struct client *client =
        hub_client(hub, json_get_text(message, "clientId"), turn->visit->who.user_id);
    if (!client) {
        refuse_unknown(turn, message);
        return true;
    }
    if (!text_eq(json_get_text(message, "connectionType"), "long-polling")) {
        connect_done(turn, client, message, "400::Only long-polling is supported");
        return true;
    }
    hub_release(hub, client); /* an older connect of this client is answered first */
    const char *error = NULL;
    int64_t for_ms = asked_timeout(hub, message);
    if (send_events(turn, client, &error) == 0 && !error) {
        snprintf(turn->wait->client, sizeof turn->wait->client, "%s", client->id);
        turn->wait->until_ms = hub->world->monotonic_ms(hub->world) + for_ms;
        if (client->advised && hold(turn, client, for_ms))
            return false;
    }
    connect_done(turn, client, message, error);
    return true;
}

/* --- the others --- */

static void disconnect(struct turn *turn, struct client *client, const struct json *message)
{
    reply_begin(turn, message, client->id);
    reply_end(turn, NULL);
    hub_client_drop(turn->hub, client);
}

static void with_client(struct turn *turn, const struct json *message, const char *channel)
{
    struct client *client =
        hub_client(turn->hub, json_get_text(message, "clientId"), turn->visit->who.user_id);
    if (!client) {
        refuse_unknown(turn, message);
        return;
    }
    client->seen_ms = turn->hub->world->monotonic_ms(turn->hub->world);
    if (text_eq(channel, "/meta/subscribe"))
        each_subscription(turn, client, message, subscribe_to);
    else if (text_eq(channel, "/meta/unsubscribe"))
        each_subscription(turn, client, message, unsubscribe_from);
    else if (text_eq(channel, "/meta/disconnect"))
        disconnect(turn, client, message);
    else if (text_starts(channel, "/meta/"))
        refuse(turn, message, "404::Unknown meta channel");
    else
        refuse(turn, message, "403::Publish denied");
}

/* False: parked. */
static bool answer_message(struct turn *turn, const struct json *message)
{
    const char *channel = json_get_text(message, "channel");
    if (!channel) {
        refuse(turn, message, "400::Channel missing");
        return true;
    }
    if (strcmp(channel, "/meta/handshake") == 0) {
        handshake(turn, message);
        return true;
    }
    if (!turn->visit->who.user_id) {
        refuse_session(turn, message);
        return true;
    }
    if (strcmp(channel, "/meta/connect") == 0)
        return connect_client(turn, message);
    with_client(turn, message, channel);
    return true;
}

enum hub_outcome hub_handle(struct hub *hub, const struct hub_visit *visit,
                            const struct json *messages, struct hub_wait *wait, struct buf *out)
{
    struct jw w;
    const struct json *first = json_is(messages, JSON_ARRAY) ? messages->first : messages;
    struct turn turn = {.hub = hub, .visit = visit, .w = &w, .wait = wait};
    turn.may_wait = first && !first->next;
    wait->id = arena_strdup(visit->arena, json_get_text(first, "id"));
    jw_init(&w, out);
    jw_array(&w);
    bool answered = true;
    pthread_mutex_lock(&hub->lock);
    for (const struct json *message = first; message && answered; message = message->next)
        answered = answer_message(&turn, message);
    pthread_mutex_unlock(&hub->lock);
    if (!answered) {
        buf_clear(out);
        return HUB_PARKED;
    }
    jw_end_array(&w);
    return HUB_ANSWERED;
}

/* --- going on --- */

/* The connect as it came, as far as its reply needs it. */
static const struct json *connect_message(const struct hub_visit *visit, const struct hub_wait *wait)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "channel", "/meta/connect");
    if (wait->id)
        jw_kv_text(&w, "id", wait->id);
    jw_end_object(&w);
    const struct json *message = json_parse(visit->arena, text.data, text.len, NULL);
    buf_free(&text);
    return message;
}

/* False: parked again. */
static bool resume_client(struct turn *turn, struct client *client, const struct json *message)
{
    struct hub *hub = turn->hub;
    const char *error = NULL;
    if (client->ticket != turn->wait->ticket) { /* a newer connect has taken its place */
        connect_done(turn, client, message, NULL);
        return true;
    }
    client->ticket = 0;
    int64_t left_ms = turn->wait->until_ms - hub->world->monotonic_ms(hub->world);
    if (send_events(turn, client, &error) == 0 && !error && hold(turn, client, left_ms))
        return false;
    connect_done(turn, client, message, error);
    return true;
}

enum hub_outcome hub_resume(struct hub *hub, const struct hub_visit *visit, struct hub_wait *wait,
                            struct buf *out)
{
    struct jw w;
    struct turn turn = {.hub = hub, .visit = visit, .w = &w, .wait = wait, .may_wait = true};
    const struct json *message = connect_message(visit, wait);
    bool answered = true;
    jw_init(&w, out);
    jw_array(&w);
    pthread_mutex_lock(&hub->lock);
    struct client *client =
        visit->who.user_id ? hub_client(hub, wait->client, visit->who.user_id) : NULL;
    if (!visit->who.user_id)
        refuse_session(&turn, message);
    else if (!client)
        refuse_unknown(&turn, message);
    else
        answered = resume_client(&turn, client, message);
    pthread_mutex_unlock(&hub->lock);
    if (!answered) {
        buf_clear(out);
        return HUB_PARKED;
    }
    jw_end_array(&w);
    return HUB_ANSWERED;
}
