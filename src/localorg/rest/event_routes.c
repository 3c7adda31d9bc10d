/* event_routes.c - schemas of events, pushes to generic channels, and the
 * control API's switch for change data capture. */
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "base/when.h"
#include "localorg/org/events.h"
#include "localorg/streaming/hub.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* --- schemas --- */

/* The object an event name means; *change says which kind of event. */
static const struct sobject *event_object(struct call *call, const char *name, bool *change)
{
    const struct sobject *object = org_change_event_object(call->site->org, name);
    *change = object != NULL;
    if (!object) {
        object = schema_find(org_schema(call->site->org), name);
        object = object && org_is_platform_event(object) ? object : NULL;
    }
    if (object && org_may_object(call->site->org, call->session.user_id, object, ORG_READ))
        return object;
    return NULL;
}

static void answer_schema(struct call *call, const struct sobject *object, bool change)
{
    struct jw w;
    const char *format = call_param(call, "payloadFormat");
    answer_json(call, 200, &w);
    org_event_schema_json(&w, object, change, !text_eq_nocase(format, "COMPACT"));
}

void event_schema_of(struct call *call)
{
    bool change;
    const struct sobject *object = event_object(call, call->args[0], &change);
    if (object)
        answer_schema(call, object, change);
    else
        answer_not_found(call);
}

void event_schema_by_id(struct call *call)
{
    const struct schema *schema = org_schema(call->site->org);
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        char id[24];
        bool platform = org_is_platform_event(object);
        if (!platform && !org_can_capture(object))
            continue;
        org_event_schema_id(object, !platform, id);
        if (strcmp(id, call->args[0]) == 0) {
            answer_schema(call, object, !platform);
            return;
        }
    }
    answer_not_found(call);
}

/* --- generic streaming --- */

struct push {
    const char *payload, *created;
};

static void push_write(struct jw *w, int64_t replay_id, void *ctx)
{
    const struct push *push = ctx;
    jw_object(w);
    jw_kv_text(w, "payload", push->payload);
    jw_key(w, "event");
    jw_object(w);
    jw_kv_text(w, "createdDate", push->created);
    jw_kv_int(w, "replayId", replay_id);
    jw_end_object(w);
    jw_end_object(w);
}

/* False after answering. */
static bool push_all(struct call *call, const char *channel, const struct json *events)
{
    struct err err = {{0}};
    char created[32];
    enum status status = OK;
    when_iso(call_now(call), created);
    if (!records_begin(call))
        return false;
    json_each(event, events) {
        struct push push = {.payload = json_get_text(event, "payload"), .created = created};
        if (status == OK)
            status = org_event_publish(call->site->org, EVENT_GENERIC, channel, push_write, &push,
                                       &err);
    }
    if (!records_end(call, status == OK))
        return false;
    if (status != OK)
        answer_failed(call, &err);
    return status == OK;
}

/* POST /sobjects/StreamingChannel/ID/push {"pushEvents":[{"payload","userIds":[]}]} */
void channel_push(struct call *call)
{
    static const char *const names[] = {"Name"};
    const char *channel = NULL;
    char id[19];
    const struct json *body = call_json(call);
    if (!body)
        return;
    if (id_canonical(call->args[0], id))
        records_texts(call, "StreamingChannel", id, names, 1, &channel);
    if (!channel) {
        answer_not_found(call);
        return;
    }
    const struct json *events = json_get(body, "pushEvents");
    if (!push_all(call, channel, events))
        return;
    struct jw w;
    answer_json(call, 200, &w);
    jw_array(&w);
    json_each(event, events) {
        jw_object(&w);
        jw_kv_int(&w, "fanoutCount", -1);
        jw_key(&w, "userOnlineStatus");
        jw_object(&w);
        jw_end_object(&w);
        jw_end_object(&w);
    }
    jw_end_array(&w);
}

/* --- the control API --- */

static const struct setting streaming_settings[] = {
    SETTING(hub_limits, timeout_ms, SET_INT, NULL, "a long poll is held so long (110,000)"),
    SETTING(hub_limits, lost_ms, SET_INT, NULL, "a client away for longer is forgotten (40,000)"),
    SETTING(hub_limits, max_clients, SET_INT, NULL, "CometD clients at the same time"),
    SETTING(hub_limits, daily_events, SET_INT, NULL, "events delivered in 24 hours"),
};
#define SETTINGS (sizeof streaming_settings / sizeof *streaming_settings)

void control_events_get(struct call *call)
{
    struct jw w;
    struct err err = {{0}};
    struct hub_limits limits;
    struct hub_counts counts;
    struct org_event_span span = {0};
    struct org_member member;
    hub_limits(call->site->hub, &limits);
    hub_counts(call->site->hub, call_now(call), &counts);
    org_events_span(call->site->org, &span, &err);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "selected");
    jw_array(&w);
    for (size_t i = 0; org_member_at(call->site->org, i, &member); i++) {
        jw_object(&w);
        jw_kv_text(&w, "channel", member.channel);
        jw_kv_text(&w, "event", member.event);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_kv_int(&w, "replay_forgotten", span.forgotten);
    jw_kv_int(&w, "replay_last", span.last);
    jw_kv_int(&w, "delivered", counts.delivered);
    jw_kv_int(&w, "delivered_today", counts.delivered_today);
    settings_write(streaming_settings, SETTINGS, &limits, &w);
    jw_key(&w, "clients");
    hub_write(call->site->hub, &w);
    jw_end_object(&w);
}

/* "Account", or "AccountChangeEvent"; a list of them. */
static enum status select_each(struct call *call, const struct json *names, const char *channel,
                               bool select, struct err *err)
{
    struct org *org = call->site->org;
    json_each(name, names) {
        char event[100];
        const char *text = json_text(name) ? json_text(name) : "";
        const struct sobject *object = schema_find(org_schema(org), text);
        snprintf(event, sizeof event, "%s", text);
        if (object && org_can_capture(object))
            org_change_event_name(object, event);
        if (!org_change_event_object(org, event)) {
            err_set(err, ERR_NOT_FOUND, "%s has no change events", text);
            err_hint(err, "custom objects and most standard ones that hold business data have");
            return FAIL;
        }
        if (select == org_member_selected(org, channel, event))
            continue; /* as it is wanted already */
        if ((select ? org_select_member(org, channel, event, NULL, err)
                    : org_drop_member(org, channel, event, err)) != OK)
            return FAIL;
    }
    return OK;
}

/* {"object":"Account","type":"GAP_UPDATE","ids":["001..."]} */
static enum status send_gap(struct call *call, const struct json *gap, struct err *err)
{
    static const char types[] = "GAP_CREATE GAP_UPDATE GAP_DELETE GAP_UNDELETE GAP_OVERFLOW";
    const struct sobject *object =
        schema_find(org_schema(call->site->org), json_get_text(gap, "object"));
    const char *type = json_get_text(gap, "type");
    const struct json *ids = json_get(gap, "ids");
    if (!object || !org_can_capture(object) || !type || !words_have(types, type)) {
        err_set(err, ERR_INVALID, "a gap wants \"object\" and \"type\"");
        err_hint(err, "type is one of: %s; \"ids\" are the records", types);
        return FAIL;
    }
    const char **list = arena_array(call->arena, ids ? ids->len + 1 : 1, sizeof *list);
    size_t count = 0;
    json_each(id, ids)
        if (json_text(id))
            list[count++] = json_text(id);
    return org_publish_gap(call->site->org, object, type, list, count, err);
}

#define ACTIONS "select deselect channel gap overflow_after forget disconnect"

static enum status do_actions(struct call *call, const struct json *body, struct err *err)
{
    const char *channel = json_get_text(body, "channel");
    struct hub_limits limits;
    channel = channel ? channel : STANDARD_CHANNEL;
    hub_limits(call->site->hub, &limits);
    if (settings_read(streaming_settings, SETTINGS, ACTIONS, &limits, body, err) != OK ||
        select_each(call, json_get(body, "select"), channel, true, err) != OK ||
        select_each(call, json_get(body, "deselect"), channel, false, err) != OK)
        return FAIL;
    hub_set_limits(call->site->hub, &limits);
    if (json_get(body, "overflow_after"))
        org_set_overflow(call->site->org, json_get_int(body, "overflow_after", 0));
    if (json_get(body, "gap") && send_gap(call, json_get(body, "gap"), err) != OK)
        return FAIL;
    if (json_get_bool(body, "forget", false) && org_events_forget(call->site->org, err) != OK)
        return FAIL;
    if (json_get_bool(body, "disconnect", false))
        hub_drop_all(call->site->hub);
    return OK;
}

void control_events(struct call *call)
{
    struct err err = {{0}};
    const struct json *body = json_parse_buf(call->arena, &call->in->body, &err);
    if (body && !json_is(body, JSON_OBJECT))
        err_set(&err, ERR_INVALID, "events wants a JSON object");
    if (!err.code[0] && do_actions(call, body, &err) == OK)
        control_events_get(call);
    else
        answer_refusal(call, err_is(&err, ERR_NOT_FOUND) ? 404 : 400, &err);
}
