/* fuzz_events.c - any bytes as the answer of an event channel: whatever the messages say,
 * every event names a topic we asked for and records of 18 characters, or none. */
#include "connect/connect_events.h"
#include "connect/salesforce/sf_priv.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct crm_event *event, const struct crm_topic *topics)
{
    if (event->object != topics[0].object && event->object != topics[1].object)
        abort();
    if (event->kind == CRM_EVENT_TOO_MANY)
        return;
    if (!event->id_count)
        abort();
    for (size_t i = 0; i < event->id_count; i++)
        if (!event->ids[i] || strlen(event->ids[i]) != 18)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct crm_topic topics[] = {{"Account", CRM_POSITION_NEW, false}, {"Invoice__c", 7, false}};
    const struct json *messages = json_parse(arena, (const char *)data, size, NULL);
    if (json_is(messages, JSON_ARRAY)) {
        struct crm_event *events;
        size_t count;
        sf_events_read(messages, topics, 2, arena, &events, &count);
        if (count > messages->len)
            abort();
        for (size_t i = 0; i < count; i++)
            check(&events[i], topics);
    }
    arena_free(arena);
    return 0;
}
