/* store_schedules.h - when each source of a table is due next; reached as
 * store->does->schedules. What a schedule means is the engine's business
 * (engine/schedule.h); here its times are kept, so that they outlive the process
 * and a missed one is found at the next start. */
#ifndef ARGIL_STORE_SCHEDULES_H
#define ARGIL_STORE_SCHEDULES_H

#include "store/store.h"

struct schedule_times {
    int64_t table_id;
    int source;       /* slot */
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
    /* Puts the times in place of those of the same source. The table's next_sync_ms becomes the
     * soonest of its sources. */
    enum status (*put)(struct store *, const struct schedule_times *times, struct err *);
    /* Forgets the times of a source that has no schedule any more. */
    enum status (*forget)(struct store *, int64_t table_id, int source, struct err *);
};

#endif
