/* store_access.h - who may build with a connection, and which one is usual.
 *
 * A connection without a list is open to every user of the workspace. Names are
 * what people are called where they act: a user's e-mail, or the name of the
 * account that runs the command line; letter case does not matter. Removing a
 * connection removes its list, and its being the default. Reached as
 * store->does->access. */
#ifndef ARGIL_STORE_STORE_ACCESS_H
#define ARGIL_STORE_STORE_ACCESS_H

#include "store/store.h"

struct store_access {
    /* The whole list at once; count 0 = open to all. Repeats are kept once. */
    enum status (*builders_set)(struct store *, int64_t connection_id, const char *const *names,
                                size_t count, struct err *);
    enum status (*builders_get)(struct store *, struct arena *, int64_t connection_id,
                                const char ***names, size_t *count, struct err *); /* by name */
    enum status (*default_set)(struct store *, int64_t connection_id, struct err *); /* 0 = none */
    enum status (*default_get)(struct store *, int64_t *connection_id, struct err *); /* 0 = none */
    enum status (*status_set)(struct store *, int64_t connection_id, const char *status,
                              struct err *);
    /* last_used_ms of the connection becomes now. */
    enum status (*used)(struct store *, int64_t connection_id, struct err *);
};

#endif
