/* later.c - see later.h. */
#include "engine/later.h"
#include "engine/run_priv.h"

#define FIRST_MS   1000
#define LONGEST_MS ((int64_t)5 * 60 * 1000)

int64_t later_back_off(int attempts)
{
    int64_t wait = FIRST_MS;
    for (int i = 1; i < attempts && wait < LONGEST_MS; i++)
        wait *= 2;
    return wait < LONGEST_MS ? wait : LONGEST_MS;
}

static bool earlier(const struct later *a, const struct later *b)
{
    return a->at_ms && (!b->at_ms || a->at_ms < b->at_ms);
}

/* ------------------------------------------------------------------- cells */

/* The org may be back, or the day's budget, before anything else makes this table run. */
static bool comes_back(const struct run_job *job, enum status rc, const struct err *why)
{
    return (job->options->auto_update || job->options->scheduled) &&
           (rc == OK ? job->report->paused : err_is(why, ERR_CRM_UNREACHABLE) || err_is(why, ERR_CRM_LIMIT));
}

enum status later_keep_cells(struct run_job *job, enum status rc, const struct err *why,
                             struct err *err)
{
    const struct store_laters *laters = job->engine->store->does->laters;
    struct later kept, later = {.table_id = job->table->table.id,
                                .what = LATER_CELLS,
                                .at_ms = job->report->again_ms};
    if (job->options->dry_run)
        return OK;
    if (laters->get(job->engine->store, later.table_id, LATER_CELLS, &kept, err) != OK)
        return FAIL;
    if (comes_back(job, rc, why)) {
        later.tries = kept.tries + 1;
        later.at_ms = engine_now(job->engine) + later_back_off(later.tries);
        return laters->put(job->engine->store, &later, err);
    }
    bool all = job->options->auto_update && rc == OK; /* it has seen every cell that is due */
    if (earlier(&later, &kept) || (all && later.at_ms))
        return laters->put(job->engine->store, &later, err);
    return all ? laters->forget(job->engine->store, later.table_id, LATER_CELLS, err) : OK;
}

enum status later_cells_now(struct store *store, int64_t table_id, struct err *err)
{
    struct later later = {.table_id = table_id, .what = LATER_CELLS, .at_ms = 1};
    return store->does->laters->put(store, &later, err);
}

enum status later_trying(struct store *store, const struct later *later, int64_t now_ms,
                         struct err *err)
{
    struct later next = *later;
    next.tries++;
    next.at_ms = now_ms + later_back_off(next.tries);
    return store->does->laters->put(store, &next, err);
}

/* -------------------------------------------------------------- operations */

enum status later_open(struct store *store, int64_t table_id, int64_t *open, struct err *err)
{
    struct op_counts counts = {0};
    if (store->does->ops_count(store, table_id, &counts, err) != OK)
        return FAIL;
    *open = 0;
    for (int state = 0; state <= OP_CANCELLED; state++)
        if (!op_state_final((enum op_state)state) && state != OP_IN_DOUBT)
            *open += counts.by_state[state];
    return OK;
}

enum status later_keep_operations(struct store *store, int64_t table_id, int64_t before,
                                  int64_t now_ms, int64_t *open, struct err *err)
{
    const struct store_laters *laters = store->does->laters;
    struct later later;
    if (later_open(store, table_id, open, err) != OK)
        return FAIL;
    if (!*open)
        return laters->forget(store, table_id, LATER_OPERATIONS, err);
    if (laters->get(store, table_id, LATER_OPERATIONS, &later, err) != OK)
        return FAIL;
    later.tries = *open < before || !later.tries ? 1 : later.tries;
    later.at_ms = now_ms + later_back_off(later.tries);
    return laters->put(store, &later, err);
}
