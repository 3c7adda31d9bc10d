/* events.c - change data capture over CometD (Bayeux by long polling, the Streaming
 * API's guide; change events' fields: the Change Data Capture guide).
 *
 *   handshake -> subscribe each topic with its replay id -> connect, connect, ...
 *
 * A connect returns when there are events or after 110 seconds; within 40 seconds the
 * next one must come, or the server forgets the client ("403::Unknown client"): then all
 * three steps are made again, behind the last event. These requests are not metered [M].
 *
 * An answer is judged message by message: each has `successful`, and `error` in the
 * form "403::Unknown client". */
#include "connect/connect_events.h"
#include "connect/salesforce/sf_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MS    130000 /* the server holds a connect for 110 s */
#define CONNECT    "/meta/connect"
#define HANDSHAKE  "/meta/handshake"
#define SUBSCRIBE  "/meta/subscribe"
#define REPLAY_OLD "400::The replayId"

struct crm_listener {
    struct sf *sf;
    struct crm_topic *topics; /* ours, positions move on */
    size_t count;
    const atomic_bool *stop;
    char *client, *cookies;
    int sent; /* number of messages so far: their ids */
};

/* -------------------------------------------------------------- one request */

static void keep_cookies(struct crm_listener *l, const struct http_response *response)
{
    struct buf all = BUF_INIT;
    for (const struct http_header *h = response->headers; h; h = h->next)
        if (text_eq_nocase(h->name, "Set-Cookie"))
            buf_printf(&all, "%s%.*s", all.len ? "; " : "", (int)strcspn(h->value, ";"), h->value);
    if (all.len) {
        free(l->cookies);
        l->cookies = mem_strdup(buf_text(&all));
    }
    buf_wipe(&all);
}

static enum status take_answer(struct crm_listener *l, struct http_response *response,
                               struct arena *arena, const struct json **out, struct err *err)
{
    if (response->status != 200)
        return err_set(err, response->status == 401 ? ERR_CRM_RECONNECT : ERR_CRM_UNREACHABLE,
                       "the event channel answered %d", response->status);
    keep_cookies(l, response);
    *out = json_parse_buf(arena, &response->body, err);
    if (!*out)
        return err_set(err, ERR_CRM_UNREACHABLE, "the event channel answered with damaged data");
    return json_is(*out, JSON_ARRAY)
               ? OK
               : err_set(err, ERR_CRM_UNREACHABLE, "the event channel answered without a list");
}

static enum status post(struct crm_listener *l, const char *body, struct arena *arena,
                        const struct json **out, struct err *err)
{
    struct sf *sf = l->sf;
    struct http_header cookie = {"Cookie", l->cookies, NULL};
    struct sf_call call = {.method = "POST",
                           .path = arena_printf(arena, "/cometd/%s", sf->version + 1),
                           .body = body,
                           .body_len = strlen(body),
                           .headers = l->cookies ? &cookie : NULL,
                           .uncounted = true,
                           .timeout_ms = WAIT_MS,
                           .cancel = l->stop,
                           .what = "listening to changes"};
    struct http_response response;
    enum status rc = sf_send(sf, &call, &response, err);
    if (rc == OK)
        rc = take_answer(l, &response, arena, out, err);
    else if (!err_is(err, ERR_HTTP_CANCELLED)) {
        struct err why = *err;
        err_set(err, ERR_CRM_UNREACHABLE, "%s", why.message);
    }
    http_response_free(&response);
    return rc;
}

/* The reply on a channel; NULL when there is none. */
static const struct json *reply_on(const struct json *messages, const char *channel)
{
    json_each(message, messages)
        if (text_eq(json_get_text(message, "channel"), channel))
            return message;
    return NULL;
}

static void message_begin(struct crm_listener *l, struct jw *w, struct buf *text,
                          const char *channel)
{
    jw_init(w, text);
    jw_array(w);
    jw_object(w);
    jw_kv_text(w, "channel", channel);
    if (l->client)
        jw_kv_text(w, "clientId", l->client);
    char id[24];
    snprintf(id, sizeof id, "%d", ++l->sent);
    jw_kv_text(w, "id", id);
}

static enum status message_post(struct crm_listener *l, struct jw *w, struct buf *text,
                                struct arena *arena, const struct json **out, struct err *err)
{
    jw_end_object(w);
    jw_end_array(w);
    enum status rc = post(l, buf_text(text), arena, out, err);
    buf_free(text);
    return rc;
}

/* --------------------------------------------------- handshake and subscribe */

static enum status refused(const char *what, const char *error, struct err *err)
{
    bool token = text_starts(error, "401::");
    bool busy = text_starts(error, "503::") || (error && strstr(error, "limit exceeded"));
    err_set(err, token ? ERR_CRM_RECONNECT : busy ? ERR_CRM_LIMIT : ERR_CRM_UNREACHABLE,
            "%s: %s", what, error ? error : "refused without a reason");
    return FAIL;
}

static enum status handshake(struct crm_listener *l, struct arena *arena, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    const struct json *answer = NULL;
    free(l->client);
    l->client = NULL;
    message_begin(l, &w, &text, HANDSHAKE);
    jw_kv_text(&w, "version", "1.0");
    jw_kv_text(&w, "minimumVersion", "1.0");
    jw_key(&w, "supportedConnectionTypes");
    jw_raw(&w, "[\"long-polling\"]", strlen("[\"long-polling\"]"));
    jw_key(&w, "ext");
    jw_raw(&w, "{\"replay\":true,\"payload.format\":true}",
           strlen("{\"replay\":true,\"payload.format\":true}"));
    if (message_post(l, &w, &text, arena, &answer, err) != OK)
        return FAIL;
    const struct json *reply = reply_on(answer, HANDSHAKE);
    const char *client = json_get_text(reply, "clientId");
    if (!json_get_bool(reply, "successful", false) || !client)
        return refused("the event channel", json_get_text(reply, "error"), err);
    l->client = mem_strdup(client);
    return OK;
}

static enum status events_off(const char *object, const char *error, struct err *err)
{
    err_set(err, ERR_CRM_EVENTS_OFF, "the org does not tell of changes of %s: %s", object, error);
    err_cause(err, "Change data capture is switched on object by object, and a user needs View All "
                   "Data, or View All on the object, to listen.");
    err_hint(err,
             "Setup > Integrations > Change Data Capture: move %s to the selected entities. Or use "
             "a schedule such as 15m instead of live.",
             object);
    return FAIL;
}

static enum status subscribe_once(struct crm_listener *l, const struct crm_topic *topic,
                                  struct arena *arena, const char **error, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    const struct json *answer = NULL;
    const char *channel = sf_event_channel(arena, topic->object);
    message_begin(l, &w, &text, SUBSCRIBE);
    jw_kv_text(&w, "subscription", channel);
    jw_key(&w, "ext");
    jw_object(&w);
    jw_key(&w, "replay");
    jw_object(&w);
    jw_kv_int(&w, channel, topic->position);
    jw_end_object(&w);
    jw_end_object(&w);
    if (message_post(l, &w, &text, arena, &answer, err) != OK)
        return FAIL;
    const struct json *reply = reply_on(answer, SUBSCRIBE);
    *error = NULL;
    if (json_get_bool(reply, "successful", false))
        return OK;
    *error = json_get_text(reply, "error");
    *error = *error ? *error : "refused without a reason";
    return OK;
}

static enum status subscribe(struct crm_listener *l, struct crm_topic *topic, struct arena *arena,
                             struct err *err)
{
    const char *error = NULL;
    if (subscribe_once(l, topic, arena, &error, err) != OK)
        return FAIL;
    if (error && text_starts(error, REPLAY_OLD) && topic->position != CRM_POSITION_NEW) {
        log_warn("changes of %s: %s", topic->object, error);
        topic->position = CRM_POSITION_NEW;
        topic->lost = true;
        if (subscribe_once(l, topic, arena, &error, err) != OK)
            return FAIL;
    }
    if (!error)
        return OK;
    if (text_starts(error, "401::") || text_starts(error, "503::") ||
        strstr(error, "limit exceeded") || strstr(error, "Unknown client"))
        return refused(topic->object, error, err);
    return events_off(topic->object, error, err);
}

/* A channel can be subscribed to although nothing is published on it: which objects are
 * selected is in the Tooling API. A user who may not look there is not refused for it. */
static enum status check_selected(struct crm_listener *l, struct arena *arena, struct err *err)
{
    struct sf_call call = {.path = "/tooling/query/?q=SELECT+SelectedEntity+FROM+"
                                   "PlatformEventChannelMember",
                           .what = "looking which objects tell of changes"};
    const struct json *answer = NULL;
    struct err ignored = {0};
    if (sf_read(l->sf, &call, arena, &answer, &ignored) != OK)
        return OK;
    for (size_t i = 0; i < l->count; i++) {
        const char *event = strrchr(sf_event_channel(arena, l->topics[i].object), '/') + 1;
        bool selected = false;
        json_each(record, json_get(answer, "records"))
            selected |= text_eq_nocase(json_get_text(record, "SelectedEntity"), event);
        if (!selected)
            return events_off(l->topics[i].object, "it is not selected for change data capture",
                              err);
    }
    return OK;
}

static enum status begin(struct crm_listener *l, struct arena *arena, struct err *err)
{
    if (handshake(l, arena, err) != OK)
        return FAIL;
    for (size_t i = 0; i < l->count; i++)
        if (subscribe(l, &l->topics[i], arena, err) != OK)
            return FAIL;
    return OK;
}

/* Once more with a fresh token when the one in hand has run out. */
static enum status begin_again(struct crm_listener *l, struct arena *arena, struct err *err)
{
    if (sf_ready(l->sf, err) != OK)
        return FAIL;
    if (begin(l, arena, err) == OK)
        return OK;
    if (!err_is(err, ERR_CRM_RECONNECT))
        return FAIL;
    err_clear(err);
    return sf_refresh(l->sf, err) == OK ? begin(l, arena, err) : FAIL;
}

static void events_close(struct crm_listener *l)
{
    if (!l)
        return;
    free(l->client);
    free(l->cookies);
    free(l->topics);
    free(l);
}

static struct crm_listener *events_open(struct crm_session *session, struct crm_topic *topics,
                                        size_t count, const atomic_bool *stop, struct err *err)
{
    struct crm_listener *l = mem_alloc(sizeof *l);
    struct arena *arena = arena_new();
    l->sf = sf_of(session);
    l->topics = mem_array(count + 1, sizeof *l->topics);
    l->count = count;
    l->stop = stop;
    memcpy(l->topics, topics, count * sizeof *topics);
    enum status rc = begin_again(l, arena, err);
    if (rc == OK)
        rc = check_selected(l, arena, err);
    arena_free(arena);
    for (size_t i = 0; i < count; i++) {
        topics[i].lost = l->topics[i].lost;
        l->topics[i].lost = false;
    }
    if (rc == OK)
        return l;
    events_close(l);
    return NULL;
}

/* ------------------------------------------------------------------- events */

/* The server has dropped us: again from the handshake. What it cannot replay is told. */
static enum status come_back(struct crm_listener *l, struct arena *arena, struct crm_event **out,
                             size_t *count, struct err *err)
{
    *out = arena_array(arena, l->count + 1, sizeof **out);
    *count = 0;
    if (begin_again(l, arena, err) != OK)
        return FAIL;
    for (size_t i = 0; i < l->count; i++) {
        struct crm_topic *topic = &l->topics[i];
        if (topic->lost || topic->position == CRM_POSITION_NEW) /* nothing to go on behind */
            (*out)[(*count)++] = (struct crm_event){.kind = CRM_EVENT_TOO_MANY,
                                                    .object = topic->object,
                                                    .position = CRM_POSITION_NEW};
        topic->lost = false;
    }
    return OK;
}

static enum status events_next(struct crm_listener *l, struct arena *arena, struct crm_event **out,
                               size_t *count, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    const struct json *answer = NULL;
    *count = 0;
    message_begin(l, &w, &text, CONNECT);
    jw_kv_text(&w, "connectionType", "long-polling");
    enum status rc = message_post(l, &w, &text, arena, &answer, err);
    if (rc != OK) {
        if (!err_is(err, ERR_CRM_RECONNECT))
            return FAIL;
        err_clear(err);
        return come_back(l, arena, out, count, err);
    }
    sf_events_read(answer, l->topics, l->count, arena, out, count);
    const struct json *reply = reply_on(answer, CONNECT);
    if (*count || json_get_bool(reply, "successful", false))
        return OK;
    log_debug("listening to changes: %s", json_get_text(reply, "error"));
    return come_back(l, arena, out, count, err);
}

const struct crm_events salesforce_events = {
    .open = events_open,
    .next = events_next,
    .close = events_close,
};
