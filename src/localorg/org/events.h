/* events.h - what an org tells those who listen: change events, platform
 * events, PushTopic and generic messages.
 *
 * An event is written in the transaction of the change it tells of, gets its
 * replay id there, and is kept for its retention by the org's clock. Replay ids
 * only grow, with gaps. Source of shapes, retention and limits: Salesforce
 * change_data_capture and api_streaming guides. */
#ifndef LOCALORG_ORG_EVENTS_H
#define LOCALORG_ORG_EVENTS_H

#include "base/json.h"
#include "localorg/org/org.h"

enum org_event_kind {
    EVENT_CHANGE,   /* topic "AccountChangeEvent"; kept 72 hours */
    EVENT_PLATFORM, /* topic "Order_Event__e"; 72 hours */
    EVENT_TOPIC,    /* topic "/topic/Name", of a PushTopic; 24 hours */
    EVENT_GENERIC   /* topic "/u/Name"; 24 hours */
};

struct org_event {
    int64_t replay_id;
    enum org_event_kind kind;
    const char *topic;
    const char *data; /* JSON: `data` of a CometD message, its replay id included */
};

/* --- publishing and reading --- */

/* Writes the event's data, one JSON value. */
typedef void org_event_writer(struct jw *w, int64_t replay_id, void *ctx);
/* Between org_write_begin and _end. */
enum status org_event_publish(struct org *org, enum org_event_kind kind, const char *topic,
                              org_event_writer *write, void *ctx, struct err *err);

struct org_event_span {
    int64_t forgotten; /* ids up to here are no longer kept */
    int64_t last;      /* the newest id; equal to `forgotten` when nothing is kept */
};
enum status org_events_span(struct org *org, struct org_event_span *out, struct err *err);
/* Calls back for what is kept after `after`, oldest first, at most `max` events;
 * false stops. The event is lent. */
typedef bool org_event_fn(void *ctx, const struct org_event *event);
enum status org_events_read(struct org *org, int64_t after, size_t max, org_event_fn *fn, void *ctx,
                            struct err *err);
/* Drops everything kept, as if its retention were over. */
enum status org_events_forget(struct org *org, struct err *err);

/* Called after each commit that published something, outside every lock. */
void org_on_events(struct org *org, void (*fn)(void *ctx), void *ctx);

/* --- change data capture: which objects --- */

#define STANDARD_CHANNEL "ChangeEvents"

/* One selection: PlatformEventChannelMember. */
struct org_member {
    char id[19];
    char channel[84]; /* "ChangeEvents", or a custom channel "Sales__chn" */
    char event[100];  /* "AccountChangeEvent" */
};
bool org_can_capture(const struct sobject *object);
/* "AccountChangeEvent", "Invoice__ChangeEvent". */
void org_change_event_name(const struct sobject *object, char out[100]);
/* The object an event of this name tells of. NULL: none. */
struct sobject *org_change_event_object(struct org *org, const char *event);
/* A custom channel need not be made first here. Selecting twice is ERR_CONFLICT,
 * dropping what is not selected ERR_NOT_FOUND. id may be NULL. */
enum status org_select_member(struct org *org, const char *channel, const char *event, char id[19],
                              struct err *err);
enum status org_drop_member(struct org *org, const char *channel, const char *event,
                            struct err *err);
/* Copies; index past the end: false. */
bool org_member_at(struct org *org, size_t index, struct org_member *out);
bool org_member_selected(struct org *org, const char *channel, const char *event);

/* Header-only events, as Salesforce sends them when it cannot tell the change:
 * kind "GAP_UPDATE" ..., or GAP_OVERFLOW without ids. Takes the write lock. */
enum status org_publish_gap(struct org *org, const struct sobject *object, const char *kind,
                            const char *const *ids, size_t count, struct err *err);
/* More changes than this in one transaction become one GAP_OVERFLOW an object: 100,000. */
void org_set_overflow(struct org *org, int64_t changes);

/* --- every kept change of watched objects, for PushTopics --- */

struct org_change {
    const struct sobject *object;
    const char *id18;
    enum { CHANGE_CREATE, CHANGE_UPDATE, CHANGE_DELETE, CHANGE_UNDELETE } kind;
    const bool *changed; /* by field index */
    bool cascaded;       /* deleted along with its parent */
    bool bulk;           /* by a Bulk API */
};
/* Called inside the transaction, just before it is committed: it may read what
 * was written, and publish. FAIL with err set undoes the transaction. */
typedef enum status org_change_fn(void *ctx, const struct org_change *change, struct err *err);
void org_on_change(struct org *org, org_change_fn *fn, void *ctx);
/* Names of the objects to watch, words; NULL or "" for none. Takes the write lock. */
enum status org_watch(struct org *org, const char *objects, struct err *err);

/* --- schemas of events --- */

/* Avro, as eventSchema answers it; `expanded` describes the CometD form. */
void org_event_schema_json(struct jw *w, const struct sobject *object, bool change, bool expanded);
/* 22 characters, the same for the same fields. */
void org_event_schema_id(const struct sobject *object, bool change, char out[24]);
bool org_is_platform_event(const struct sobject *object); /* Order_Event__e */
/* Is this field in the payload of the object's change events? */
bool org_event_field(const struct field *field);
/* The data of a change event without the fields this user may not see. */
void org_event_write_visible(struct jw *w, struct org *org, const char *user_id,
                             const struct sobject *object, const char *data);

#endif
