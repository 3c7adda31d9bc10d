/* store_runs.h - runs that wait for a worker, and finding runs again; reached as
 * store->does->runs. What every run does is in store.h: run_begin, run_report,
 * run_end. A run that is queued or running when its process dies is INTERRUPTED. */
#ifndef ARGIL_STORE_STORE_RUNS_H
#define ARGIL_STORE_STORE_RUNS_H

#include "store/store.h"

struct run_query {
    int64_t table_id;  /* 0 = any */
    const char *kind;  /* "sync", "run"; NULL = any */
    uint32_t states;   /* bits 1 << enum run_state; 0 = any */
    int64_t before_id; /* older than this run; 0 = from the newest */
    size_t limit;      /* 0 = all */
};

struct store_runs {
    /* Stores it as QUEUED, sets id and queued_ms. */
    enum status (*queue)(struct store *, struct run *run, struct err *);
    /* QUEUED -> RUNNING; ERR_CONFLICT when it is not queued any more. */
    enum status (*start)(struct store *, int64_t run_id, struct err *);
    enum status (*get)(struct store *, struct arena *, int64_t run_id, struct run *out, struct err *);
    /* Newest first. */
    enum status (*find)(struct store *, struct arena *, const struct run_query *query,
                        struct run **out, size_t *count, struct err *);
};

#endif
