/* channel.h - names of CometD channels and the events they carry.
 *
 *   /data/ChangeEvents          every object selected in the standard channel
 *   /data/AccountChangeEvent    one of them
 *   /data/Sales__chn            what is selected in a custom channel
 *   /event/Order__e             a platform event
 *   /topic/Name                 a PushTopic
 *   /u/Name                     a StreamingChannel (generic streaming)
 *
 * Names are case-sensitive. Sources: api_streaming and change_data_capture guides. */
#ifndef LOCALORG_STREAMING_CHANNEL_H
#define LOCALORG_STREAMING_CHANNEL_H

#include "localorg/org/events.h"

#define CHANNEL_MAX 128 /* bytes of a name, and its NUL */

enum channel_kind {
    CHANNEL_CHANGES,
    CHANNEL_OBJECT,
    CHANNEL_CUSTOM,
    CHANNEL_PLATFORM,
    CHANNEL_TOPIC,
    CHANNEL_GENERIC
};

struct channel {
    enum channel_kind kind;
    char name[CHANNEL_MAX]; /* as subscribed */
};

struct listener { /* on whose behalf */
    struct org *org;
    const char *user_id;
    bool view_all; /* View All Data */
};

/* NULL when the listener may subscribe to this name; else why not, as CometD's
 * `error` ("400::..."), on the arena. */
const char *channel_open(const struct listener *listener, struct arena *arena, const char *name,
                         struct channel *out);
/* Does the channel carry this event, now? */
bool channel_carries(const struct channel *channel, struct org *org, const struct org_event *event);

#endif
