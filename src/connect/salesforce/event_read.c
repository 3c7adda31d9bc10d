/* event_read.c - the messages of a CometD answer as change events.
 *
 * Bytes of somebody else's: whatever a message says, the records that it names are 18
 * characters each, or it names none and the object must be synced. tests/fuzz/fuzz_events.c
 * guards it. */
#include "connect/connect_events.h"
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

#include <string.h>

/* Account: /data/AccountChangeEvent; Invoice__c: /data/Invoice__ChangeEvent. */
const char *sf_event_channel(struct arena *arena, const char *object)
{
    size_t len = strlen(object);
    if (len > 3 && text_eq_nocase(object + len - 3, "__c"))
        return arena_printf(arena, "/data/%.*sChangeEvent", (int)len - 1, object);
    return arena_printf(arena, "/data/%sChangeEvent", object);
}

static struct crm_topic *topic_of(struct crm_topic *topics, size_t count, struct arena *arena,
                                  const char *channel)
{
    for (size_t i = 0; i < count; i++)
        if (text_eq(sf_event_channel(arena, topics[i].object), channel))
            return &topics[i];
    return NULL;
}

static enum crm_event_kind kind_of(const char *change, const struct json *ids)
{
    bool named = json_is(ids, JSON_ARRAY) && ids->len;
    json_each(id, ids)
        named &= json_text(id) && strlen(json_text(id)) == 18 && !strchr(json_text(id), '*');
    if (!named || text_eq(change, "GAP_OVERFLOW"))
        return CRM_EVENT_TOO_MANY;
    return text_eq(change, "DELETE") || text_eq(change, "GAP_DELETE") ? CRM_EVENT_GONE
                                                                       : CRM_EVENT_CHANGED;
}

static void read_event(const struct json *data, struct crm_topic *topic, struct arena *arena,
                       struct crm_event *out)
{
    const struct json *header = json_get(json_get(data, "payload"), "ChangeEventHeader");
    const struct json *ids = json_get(header, "recordIds");
    const char **names = arena_array(arena, (ids ? ids->len : 0) + 1, sizeof *names);
    size_t count = 0;
    json_each(id, ids)
        names[count++] = json_text(id);
    topic->position = json_get_int(json_get(data, "event"), "replayId", topic->position);
    *out = (struct crm_event){.kind = kind_of(json_get_text(header, "changeType"), ids),
                              .object = topic->object,
                              .ids = names,
                              .id_count = count,
                              .position = topic->position,
                              .commit_ms = json_get_int(header, "commitTimestamp", 0)};
}

void sf_events_read(const struct json *messages, struct crm_topic *topics, size_t topic_count,
                    struct arena *arena, struct crm_event **out, size_t *count)
{
    *out = arena_array(arena, messages->len + 1, sizeof **out);
    *count = 0;
    json_each(message, messages) {
        const char *channel = json_get_text(message, "channel");
        const struct json *data = json_get(message, "data");
        struct crm_topic *topic = channel && data ? topic_of(topics, topic_count, arena, channel) : NULL;
        if (topic)
            read_event(data, topic, arena, &(*out)[(*count)++]);
    }
}
