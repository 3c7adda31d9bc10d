/* store_leases.h - what only one may do at a time, across threads and processes.
 *
 * A lease has a name ("renew:3"), an owner (one thread of one process) and a
 * deadline. It ends when its owner gives it back, when its deadline passes, or
 * when the driver knows that the owner's process is gone (SQLite: any writing
 * open, since the data directory's lock lets one process in). Reached as
 * store->does->leases. */
#ifndef ARGIL_STORE_STORE_LEASES_H
#define ARGIL_STORE_STORE_LEASES_H

#include "store/store.h"

struct store_lease {
    const char *owner;
    int64_t until_ms; /* by the clock of the store's world */
};

struct store_leases {
    /* *taken: the lease is `owner`'s until `ttl_ms` from now (an owner that has it
     * already prolongs it). Otherwise *holder says whose it is; never waits. */
    enum status (*take)(struct store *, struct arena *, const char *name, const char *owner,
                        int64_t ttl_ms, bool *taken, struct store_lease *holder, struct err *);
    /* Does nothing when the lease is another's by now. */
    enum status (*give_back)(struct store *, const char *name, const char *owner, struct err *);
};

#endif
