/* scheduler.h - which sources and columns are due, and starting them on time.
 *
 * The next time of each is in the store (store_schedules.h). A tick looks at all
 * of them once: what is due is started and gets its next time; what was missed
 * while nobody was there is started once; where the sync, or the column's
 * scheduled run, before is still going, the time is skipped, counted and put into
 * the audit. "Run now" is an order of its own and moves nothing here. The times of
 * a column pass by while the auto-update of its table is off.
 *
 * A start is stored after it was ordered: killed in between, the order is an
 * INTERRUPTED run and the source, or column, is still due. */
#ifndef ARGIL_WORK_SCHEDULER_H
#define ARGIL_WORK_SCHEDULER_H

#include "work/work.h"

struct scheduled {
    int64_t table_id;
    int source;        /* slot */
    int64_t column_id; /* it is a column; 0 = a source */
    const char *table, *source_name, *kind, *connection /* NULL = none */, *every;
    const char *column, *rows; /* of a column: name, and which cells (run_options_rows) */
    const char *scope;         /* of a column: what its run says that it was asked to do, JSON */
    bool paused;               /* a column: the auto-update of its table is off */
    int64_t next_ms;        /* 0 = never by itself */
    int64_t due_ms, run_id; /* the last start by schedule */
    int64_t missed, skipped;
    bool running;        /* a sync of its table, or its own scheduled run, is queued or running */
    const char *problem; /* why `every` cannot be understood, or NULL */
};

/* Every source and every column with a schedule of every table; stores nothing. */
enum status schedules_list(struct store *store, struct world *world, struct arena *arena,
                           struct scheduled **out, size_t *count, struct err *err);

/* The job that a start is: a sync of this one source, or a run of this one column. */
struct job_order scheduled_order(const struct scheduled *item);
/* Starts it; sets *run_id. ERR_WORK_UNDER_WAY counts as
 * skipped, any other failure leaves it due. */
typedef enum status schedule_start_fn(void *ctx, const struct scheduled *item, int64_t *run_id,
                                      struct err *err);
struct tick {
    size_t started, skipped, failed;
    int64_t next_ms; /* the soonest time to look again; 0 = nothing has one */
};
enum status scheduler_tick(struct store *store, struct world *world, schedule_start_fn *start,
                           void *ctx, struct tick *out, struct err *err);

/* A thread that ticks and orders from `work`, on a further handle of `store`. */
struct scheduler;
struct scheduler *scheduler_start(struct work *work, struct store *store, struct world *world,
                                  struct err *err);
/* The schedules may have changed: look now. */
void scheduler_wake(struct scheduler *scheduler);
void scheduler_stop(struct scheduler *scheduler); /* NULL is fine; before work_close */

#endif
