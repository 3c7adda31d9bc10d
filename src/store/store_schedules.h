/* store_schedules.h - when each source and each column of a table is due next; reached as
 * store->does->schedules. What a schedule means is the engine's business
 * (engine/schedule.h); here its times are kept, so that they outlive the process
 * and a missed one is found at the next start. */
#ifndef ARGIL_STORE_SCHEDULES_H
#define ARGIL_STORE_SCHEDULES_H

#include "store/store.h"

struct schedule_times {
    int64_t table_id;
    int source;        /* slot */
    int64_t column_id; /* of this column; 0 = of the source */
    const char *text; /* the schedule that these times are of */
    int64_t anchor_ms, next_ms;
    int64_t due_ms, run_id; /* the last start: when it was due, and its run */
    int64_t missed,
        skipped; /* so far: times nobody was there for; times the run before still went */
};

struct store_schedules {
    /* Of all tables, in no order. */
    enum status (*list)(struct store *, struct arena *, struct schedule_times **out, size_t *count,
                        struct err *);
    /* Puts the times in place of those of the same source or column. The table's next_sync_ms
     * becomes the soonest of its sources. */
    enum status (*put)(struct store *, const struct schedule_times *times, struct err *);
    /* Forgets the times of a source, or column, that has no schedule any more: its table_id,
     * source and column_id are looked at. None is fine. */
    enum status (*forget)(struct store *, const struct schedule_times *times, struct err *);
};

#endif
