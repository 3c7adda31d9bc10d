/* store_copy.h - a workspace from one store into another, whatever databases they are. */
#ifndef ARGIL_STORE_STORE_COPY_H
#define ARGIL_STORE_STORE_COPY_H

#include "store/store.h"

#include <stdatomic.h>

struct store_copy {
    /* going in; may be NULL. Called for each table when it is there and held to its digest. */
    void (*table_done)(void *ctx, const char *table, int64_t rows);
    void *ctx;
    const atomic_bool *stop; /* asked between pages */
    /* coming out */
    int64_t tables, rows, kept; /* kept: tables that an earlier, interrupted copy had brought */
};

#define ERR_COPY_DIFFERS "copy.differs" /* what arrived is not what was sent */

/* Both are open to write, and nobody else writes to them. `to` must be empty, or hold what an
 * interrupted copy of the same workspace left: that one is gone on with, table by table. The
 * copy has the workspace's id (and so its vault key) only once every table's number of rows
 * and digest are the same on both sides. `from` is not changed. Indexes over sorts and leases
 * are not copied: they are made again. */
enum status store_copy(struct store *from, struct store *to, struct store_copy *copy,
                       struct err *err);

#endif
