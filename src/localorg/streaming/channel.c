/* channel.c - which channels there are, who may listen, what they carry. */
#include "localorg/streaming/channel.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* Is there a live record with this text in this field? Exact case. */
static bool record_named(struct org *org, const char *object_name, const char *field_name,
                         const char *value, const char *condition)
{
    const struct sobject *object = schema_find(org_schema(org), object_name);
    const struct field *field = object ? sobject_field(object, field_name) : NULL;
    sqlite3_stmt *row = NULL;
    char sql[400];
    bool found = false;
    if (!field)
        return false;
    snprintf(sql, sizeof sql,
             "SELECT 1 FROM \"%s\" WHERE \"%s\" = ?1 COLLATE BINARY AND \"IsDeleted\" = 0%s",
             object->name, field->name, condition);
    sqlite3 *db = org_reader_take(org);
    if (db && sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, value, -1, SQLITE_STATIC);
        found = sqlite3_step(row) == SQLITE_ROW;
    }
    sqlite3_finalize(row);
    org_reader_give(org, db);
    return found;
}

static bool custom_channel(struct org *org, const char *name)
{
    struct org_member member;
    for (size_t i = 0; org_member_at(org, i, &member); i++)
        if (strcmp(member.channel, name) == 0)
            return true;
    return false;
}

static const char *open_data(const struct listener *listener, const char *name,
                             enum channel_kind *kind)
{
    static const char view_all[] =
        "403::User not allowed to subscribe CDC without View All Data permissions";
    bool all = strcmp(name, STANDARD_CHANNEL) == 0;
    if (all || text_ends(name, "__chn")) {
        *kind = all ? CHANNEL_CHANGES : CHANNEL_CUSTOM;
        if (!all && !custom_channel(listener->org, name))
            return "";
        return listener->view_all ? NULL : view_all;
    }
    const struct sobject *object = org_change_event_object(listener->org, name);
    *kind = CHANNEL_OBJECT;
    if (!object)
        return "";
    return org_may_object(listener->org, listener->user_id, object, ORG_READ) ? NULL : view_all;
}

static bool open_event(const struct listener *listener, const char *name)
{
    const struct sobject *object = schema_find(org_schema(listener->org), name);
    return object && org_is_platform_event(object) && strcmp(object->name, name) == 0 &&
           org_may_object(listener->org, listener->user_id, object, ORG_READ);
}

const char *channel_open(const struct listener *listener, struct arena *arena, const char *name,
                         struct channel *out)
{
    const char *why = "";
    if (strlen(name) < sizeof out->name) {
        if (text_starts(name, "/data/")) {
            why = open_data(listener, name + 6, &out->kind);
        } else if (text_starts(name, "/event/")) {
            out->kind = CHANNEL_PLATFORM;
            why = open_event(listener, name + 7) ? NULL : "";
        } else if (text_starts(name, "/topic/")) {
            out->kind = CHANNEL_TOPIC;
            why = record_named(listener->org, "PushTopic", "Name", name + 7, " AND \"IsActive\" = 1")
                      ? NULL
                      : "";
        } else if (text_starts(name, "/u/")) {
            out->kind = CHANNEL_GENERIC;
            why = record_named(listener->org, "StreamingChannel", "Name", name, "") ? NULL : "";
        }
    }
    if (!why) {
        snprintf(out->name, sizeof out->name, "%s", name);
        return NULL;
    }
    if (*why)
        return why;
    return arena_printf(arena, "400::The channel you requested to subscribe to doesn't exist {%s}",
                        name);
}

bool channel_carries(const struct channel *channel, struct org *org, const struct org_event *event)
{
    switch (channel->kind) {
    case CHANNEL_CHANGES:
        return event->kind == EVENT_CHANGE &&
               org_member_selected(org, STANDARD_CHANNEL, event->topic);
    case CHANNEL_OBJECT:
        return event->kind == EVENT_CHANGE && strcmp(channel->name + 6, event->topic) == 0 &&
               org_member_selected(org, STANDARD_CHANNEL, event->topic);
    case CHANNEL_CUSTOM:
        return event->kind == EVENT_CHANGE &&
               org_member_selected(org, channel->name + 6, event->topic);
    case CHANNEL_PLATFORM:
        return event->kind == EVENT_PLATFORM && strcmp(channel->name + 7, event->topic) == 0;
    case CHANNEL_TOPIC:
    case CHANNEL_GENERIC:
        return strcmp(channel->name, event->topic) == 0;
    }
    return false;
}
