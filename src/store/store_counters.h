/* store_counters.h - numbers that only grow, one a column: whose turn it is.
 * Reached as store->does->counters. */
#ifndef ARGIL_STORE_COUNTERS_H
#define ARGIL_STORE_COUNTERS_H

#include "store/store.h"

struct store_counters {
    /* Takes `count` numbers; *first is the first of them (from 0). Numbers that were taken and
     * not used are lost: a turn may be skipped after a crash, never given twice. */
    enum status (*next)(struct store *, int64_t column_id, int64_t count, int64_t *first, struct err *err);
};

#endif
