/* store_alerts.h - what people are told by themselves: alerts, and where they go.
 * Reached as store->does->alerts.
 *
 * An alert is of a kind and about a table or a connection. The store is the one
 * who knows whether the same was said lately: by it, a restart repeats nothing. */
#ifndef ARGIL_STORE_ALERTS_H
#define ARGIL_STORE_ALERTS_H

#include "store/store.h"

/* Stored as numbers: add at the end. */
enum alert_kind {
    ALERT_FAILURE_RATE, /* of a run's cells */
    ALERT_ROWS,         /* the table has more than it was to have */
    ALERT_INACTIVE,     /* nothing has run for too long */
    ALERT_BUDGET,       /* a run was paused by the call budget or a limit */
    ALERT_RECONNECT,    /* somebody must sign in again */
    ALERT_IN_DOUBT,     /* writes that a person must settle */
    ALERT_TEST          /* somebody asked for one */
};
#define ALERT_KINDS (ALERT_TEST + 1)

enum alert_way { WAY_EMAIL, WAY_WEBHOOK };
#define ALERT_WAYS 2

/* Of one way of one alert. Stored as numbers. */
enum told_state { TOLD_NOT_ASKED /* that way is not set up */, TOLD_WAITING, TOLD_DONE, TOLD_FAILED };

struct told {
    enum told_state state;
    int tries;
    int64_t next_ms;   /* TOLD_WAITING: not before */
    const char *error; /* of the last try, or NULL */
};

struct alert {
    int64_t id;
    enum alert_kind kind;
    int64_t table_id, connection_id, run_id; /* 0 = none */
    int64_t at_ms, last_ms;                  /* first and newest time it was said */
    int64_t times;                           /* how often it would have been said */
    int64_t number;                          /* what it is about: operations in doubt, rows, percent */
    const char *subject, *message;           /* one line; some sentences */
    int64_t seen_ms;                         /* a person has seen it; 0 = not yet */
    const char *seen_by;
    struct told told[ALERT_WAYS];
};

struct alert_query {
    int64_t id;        /* this one; 0 = any */
    int64_t before_id; /* older than this; 0 = from the newest */
    int64_t table_id;  /* 0 = any */
    bool unseen;       /* only those nobody has seen */
    int64_t waiting_ms; /* only those with a way that waits and may be tried at this time; 0 = all */
    size_t limit;       /* 0 = all */
};

struct store_alerts {
    /* Says it, unless the same kind was said of the same table and connection within quiet_ms:
     * then that one's last_ms, times and number are brought up to date, and *fresh is false. Sets
     * alert->id and times. */
    enum status (*raise)(struct store *, struct alert *alert, int64_t quiet_ms, bool *fresh,
                         struct err *err);
    enum status (*find)(struct store *, struct arena *, const struct alert_query *query,
                        struct alert **out, size_t *count, struct err *err); /* newest first */
    /* Before a way is tried and after: what is known of it now. */
    enum status (*told)(struct store *, int64_t id, enum alert_way way, const struct told *told,
                        struct err *err);
    enum status (*see)(struct store *, int64_t id /* 0 = all */, const char *who, struct err *err);
    /* How alerts are sent, and how far runs were looked at: JSON text; NULL = never put. */
    enum status (*settings_get)(struct store *, struct arena *, const char *name, const char **json,
                                struct err *err);
    enum status (*settings_put)(struct store *, const char *name, const char *json, struct err *err);
};

#endif
