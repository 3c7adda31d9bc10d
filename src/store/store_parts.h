/* store_parts.h - a run that several processes do at once; reached as store->does->parts.
 *
 * A run that is a job (store_jobs.h) may be cut into parts: ranges of rows, one behind the
 * other, which together are the whole table. Whoever has nothing to do claims one; it is that
 * process's (its epoch) until it is done or given back. When the process is gone, the part
 * waits again: jobs->beat sees to that, and an end that a dead process tells is not taken.
 * Claims of several processes do not wait for each other, nor for who writes just now.
 * All parts of a run go with its job. */
#ifndef ARGIL_STORE_STORE_PARTS_H
#define ARGIL_STORE_STORE_PARTS_H

#include "store/store.h"

struct store_part {
    int64_t run_id, table_id, number; /* number 0 = none; 1, 2, ... in row order */
    int64_t after_row, last_row;      /* after_row < row id <= last_row */
};

/* A run that wants help. */
struct parts_wanted {
    int64_t run_id, table_id;
    const char *lane, *text; /* of its job */
};

struct parts_count {
    int64_t waiting, held, done;
};

/* How a part ended. */
struct part_end {
    const char *report; /* JSON */
    const char *error;  /* NULL = none */
};

struct store_parts {
    /* Cuts a run into parts, some for everybody: of `least` to `most` rows each that have a cell
     * to do, smaller towards the end, the last one open at its end. *count = how many; 0: there is
     * less to do than for two parts, and nothing was stored. ERR_CONFLICT when the run is cut
     * already. */
    enum status (*cut)(struct store *, int64_t run_id, int64_t table_id, int64_t least,
                       int64_t most, int64_t *count, struct err *err);
    /* The next part of a run that waits becomes ours; number 0 = none waits. */
    enum status (*claim)(struct store *, int64_t run_id, struct store_part *out, struct err *err);
    /* Nothing happens when it is not ours any more. */
    enum status (*done)(struct store *, const struct store_part *part, const struct part_end *end,
                        struct err *err);
    enum status (*give_back)(struct store *, const struct store_part *part, struct err *err);
    enum status (*count)(struct store *, int64_t run_id, struct parts_count *out, struct err *err);
    /* Runs with parts that wait, and were not asked to stop; oldest first. */
    enum status (*wanted)(struct store *, struct arena *, struct parts_wanted **out, size_t *count,
                          struct err *err);
    /* Of the parts that are done, in row order. */
    enum status (*ends)(struct store *, struct arena *, int64_t run_id, struct part_end **out,
                        size_t *count, struct err *err);
    /* Adds to what the writes of a part that is ours came to; tells the sums over all parts of
     * its run. */
    enum status (*tally)(struct store *, const struct store_part *part, int64_t outcomes,
                         int64_t failures, int64_t *all_outcomes, int64_t *all_failures,
                         struct err *err);
};

#endif
