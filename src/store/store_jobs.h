/* store_jobs.h - jobs that any process of a workspace may take; reached as
 * store->does->jobs. A job is a run with the text of its order. It waits until some
 * process claims it, and belongs to that process (its epoch) until it is done. When
 * the process is gone, the job waits again, and so does its run.
 *
 * One job a table at a time, and so many of one lane (a connection), over all
 * processes: a claim looks at both in the transaction that takes it. */
#ifndef ARGIL_STORE_STORE_JOBS_H
#define ARGIL_STORE_STORE_JOBS_H

#include "store/store.h"

#define ERR_JOB_TWIN "job.twin" /* the same order of the same table waits already */

struct store_job {
    int64_t run_id, table_id; /* run_id 0 = none */
    const char *lane, *text;
};

/* How long to wait for news of jobs. */
struct store_await {
    int64_t most_ms; /* where they are heard of */
    int64_t deaf_ms; /* where they are not: one process alone, a database that cannot tell */
    int bell;        /* an eventfd that ends the wait, too; -1 = none */
};

struct store_jobs {
    /* Stores the run as QUEUED and its job; sets run->id. */
    enum status (*queue)(struct store *, struct run *run, const char *lane, const char *text,
                         struct err *err);
    /* The oldest that may run now becomes ours. lane "" has no limit. */
    enum status (*claim)(struct store *, struct arena *, int64_t lane_most, struct store_job *out,
                         struct err *err);
    enum status (*done)(struct store *, int64_t run_id, struct err *err);
    /* Ours waits again, with its run: we are leaving. */
    enum status (*give_back)(struct store *, int64_t run_id, struct err *err);
    /* One that waits is over, its run STOPPED; one that runs is asked to stop. ERR_NOT_FOUND
     * when it is neither. */
    enum status (*stop)(struct store *, int64_t run_id, struct err *err);
    /* Those that were asked to stop and are ours, or have a part that is (store_parts.h). */
    enum status (*stops)(struct store *, struct arena *, int64_t **run_ids, size_t *count,
                         struct err *err);
    /* table_id 0 = all. */
    enum status (*count)(struct store *, int64_t table_id, int64_t *waiting, int64_t *held,
                         struct err *err);
    /* We are here. Frees what processes had that are gone: their jobs wait again, cells and
     * leases are free, other runs INTERRUPTED. *freed: how many jobs, runs and operations of
     * theirs there were; operations are ops_recover's. Call it every few seconds. */
    enum status (*beat)(struct store *, int64_t *freed, struct err *err);
    /* Blocks until another handle or process may have made work (a job queued, done, given back,
     * to be stopped; parts cut or given back), or for as long as `wait` says. *look: it did, or
     * nobody can tell. News may be lost, with a connection for one: look now and then in any case. */
    enum status (*await)(struct store *, const struct store_await *wait, bool *look, struct err *err);
};

#endif
