/* connect_events.h - hearing of changes as they happen.
 *
 * A connector that cannot leaves connector.events NULL. An event names records, not
 * their values: who hears it reads the records again, and so gets formula fields,
 * fields of parents and the filter right, whatever the event left out.
 *
 * Positions are opaque and grow; the remote keeps events for some days. */
#ifndef ARGIL_CONNECT_EVENTS_H
#define ARGIL_CONNECT_EVENTS_H

#include "connect/connect.h"

#include <stdatomic.h>

#define ERR_CRM_EVENTS_OFF "crm.events_off" /* the remote does not tell of this object, or not this user */

#define CRM_POSITION_NEW (-1) /* only what happens from now on */

struct crm_topic {
    const char *object; /* lent until close */
    int64_t position;   /* behind this event */
    bool lost;          /* out of open: the remote no longer has that position; it tells of what is
                           new, what was in between is not told */
};

enum crm_event_kind {
    CRM_EVENT_CHANGED,  /* made, changed or brought back: read these again */
    CRM_EVENT_GONE,     /* deleted */
    CRM_EVENT_TOO_MANY  /* records that are not named: the object must be synced */
};

struct crm_event {
    enum crm_event_kind kind;
    const char *object;
    const char *const *ids; /* 18 characters each */
    size_t id_count;
    int64_t position;
    int64_t commit_ms; /* when it happened, by the remote's clock; 0 = not told */
};

struct crm_listener;
struct crm_events {
    /* Subscribes to all topics; the session is the listener's alone until close. `stop` ends a
     * wait within a second (ERR_CANCELLED). NULL with *err set: ERR_CRM_EVENTS_OFF names the object. */
    struct crm_listener *(*open)(struct crm_session *session, struct crm_topic *topics,
                                 size_t count, const atomic_bool *stop, struct err *err);
    /* Waits for events, up to about two minutes; none is fine. When the remote has dropped the
     * listener it subscribes again behind the last event; a topic that is lost then is TOO_MANY.
     * Events are on the arena, in the order in which they happened. */
    enum status (*next)(struct crm_listener *listener, struct arena *arena,
                        struct crm_event **events, size_t *count, struct err *err);
    void (*close)(struct crm_listener *listener); /* NULL is fine */
};

#endif
