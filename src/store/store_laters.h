/* store_laters.h - what of a table is left for later, so that any process that serves the
 * workspace goes on with it, also after a restart; reached as store->does->laters.
 *
 * Two things may be left: cells (a delay, a retry whose time has not come, a run that lost
 * its org) and operations (planned, or proved not executed, and nobody is sending them). For
 * cells the time is told by who leaves them; that operations are left the store sees itself,
 * and the time only says when to try next. */
#ifndef ARGIL_STORE_STORE_LATERS_H
#define ARGIL_STORE_STORE_LATERS_H

#include "store/store.h"

enum later_what { LATER_CELLS, LATER_OPERATIONS }; /* stored as numbers */

struct later {
    int64_t table_id;
    enum later_what what;
    int64_t at_ms;     /* not before; 0 = at once */
    int tries;         /* so far, without getting on */
    const char *table; /* its name; of list */
};

struct store_laters {
    /* at_ms 0 and tries 0 where nothing is kept. */
    enum status (*get)(struct store *, int64_t table_id, enum later_what what, struct later *out,
                       struct err *err);
    /* In place of what was kept. */
    enum status (*put)(struct store *, const struct later *later, struct err *err);
    /* Nothing kept: OK. */
    enum status (*forget)(struct store *, int64_t table_id, enum later_what what, struct err *err);
    /* Cells of tables with auto-update, operations of any, in no order. */
    enum status (*list)(struct store *, struct arena *, struct later **out, size_t *count,
                        struct err *err);
};

#endif
