/* later.c - what runs left for later, ordered when its time has come (engine/later.h).
 *
 * The one process that keeps the schedules looks; how often a thing was tried is in the store,
 * so that a restart, or another process, goes on where this one was. */
#include "work/work_priv.h"

#include "base/log.h"
#include "engine/later.h"

void work_on_ended(struct work *work, void (*ended)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&work->lock);
    work->ended = ended;
    work->ended_ctx = ctx;
    pthread_mutex_unlock(&work->lock);
}

static void order_one(struct work *work, const struct later *later)
{
    struct err err = {0};
    int64_t none;
    struct job_order order = {.kind = JOB_SETTLE, .table = later->table, .cause = "recovery"};
    if (later->what == LATER_CELLS)
        work_run_due(work, later->table);
    else if (work_order(work, &order, &none, &err) != OK && !err_is(&err, ERR_WORK_UNDER_WAY))
        log_warn("settling %s: %s", later->table, err.message);
}

/* What a table's job leaves is looked at when it has ended: until then it is not left. */
enum status work_run_later(struct work *work, struct store *store, int64_t now_ms,
                           int64_t *next_ms, struct err *err)
{
    struct arena *arena = arena_new();
    struct later *laters;
    size_t count = 0;
    enum status rc = store->does->laters->list(store, arena, &laters, &count, err);
    *next_ms = 0;
    for (size_t i = 0; rc == OK && i < count; i++) {
        if (laters[i].at_ms > now_ms) {
            if (!*next_ms || laters[i].at_ms < *next_ms)
                *next_ms = laters[i].at_ms;
        } else if (!work_table_busy(work, laters[i].table_id)) {
            rc = later_trying(store, &laters[i], now_ms, err);
            if (rc == OK)
                order_one(work, &laters[i]);
        }
    }
    arena_free(arena);
    return rc;
}
