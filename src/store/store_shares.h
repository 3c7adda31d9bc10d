/* store_shares.h - what all processes of a workspace share towards the orgs: how many
 * exchanges a connection bears at once, how many calls it may use in a day, and the switch
 * that stops all sending. Reached as store->does->shares.
 *
 * A holder is one who sends over a connection: a thread of a process. What holders of
 * processes that are gone had is free again (jobs->beat, or the next open). */
#ifndef ARGIL_STORE_STORE_SHARES_H
#define ARGIL_STORE_STORE_SHARES_H

#include "store/store.h"

#define CALLS_WITHOUT_END INT64_MAX

struct store_shares {
    /* Asks for `wanted` places of the connection's `most`, `busy` of which are in use and stay.
     * *granted: at least `busy`; with those of the others never more than `most`; no more than a
     * fair share when others ask, too. 0: none is free now, ask again. Ask now and then, so that
     * a newcomer gets his. */
    enum status (*places)(struct store *, int64_t connection_id, const char *holder, int64_t wanted,
                          int64_t busy, int64_t most, int64_t *granted, struct err *err);
    enum status (*places_back)(struct store *, int64_t connection_id, const char *holder,
                               struct err *err);
    /* Takes up to `wanted` calls of the connection's `budget` of a day (days since 1970, UTC;
     * CALLS_WITHOUT_END: all of them, they were made already). Days before are forgotten. */
    enum status (*calls)(struct store *, int64_t connection_id, int64_t day, int64_t wanted,
                         int64_t budget, int64_t *granted, struct err *err);
    enum status (*calls_back)(struct store *, int64_t connection_id, int64_t day, int64_t count,
                              struct err *err);
    /* The switch: while it is on, ops_sending lets nothing go. reason NULL = none given. */
    enum status (*stop_sending)(struct store *, bool stop, const char *reason, struct err *err);
    enum status (*sending_stopped)(struct store *, struct arena *, bool *stopped,
                                   const char **reason, struct err *err);
};

#endif
