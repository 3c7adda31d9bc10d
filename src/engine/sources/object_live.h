/* object_live.h - change events of an object become rows of one source. */
#ifndef ARGIL_ENGINE_SOURCES_OBJECT_LIVE_H
#define ARGIL_ENGINE_SOURCES_OBJECT_LIVE_H

#include "connect/connect_events.h"
#include "engine/sync_priv.h"

struct object_live;
/* Over a sync that sync_open has opened, and that outlives it. Asks the org what fields there
 * are. NULL with *err set. */
struct object_live *object_live_open(struct sync *sync, struct err *err);
/* Reads the records again that the events of this object name, and stores what they are now;
 * with keep_position the last event's position after that. */
enum status object_live_apply(struct object_live *live, const struct crm_event *events,
                              size_t count, bool keep_position, struct err *err);
void object_live_close(struct object_live *live); /* NULL is fine */

#endif
