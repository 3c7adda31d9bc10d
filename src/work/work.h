/* work.h - threads for what takes long: syncs and runs of tables (jobs), and
 * short talks with an org that a person waits for.
 *
 * Every thread has an engine of its own, on a further handle of the store. What
 * may run at once: one job a table; JOBS_AT_ONCE jobs and TALKS_AT_ONCE talks a
 * connection. Threads are made as they are needed, so an org that hangs holds
 * its own lane and no other. Jobs that wait are runs in the state QUEUED.
 *
 * Any thread may call anything here. Nothing blocks but work_close. */
#ifndef ARGIL_WORK_WORK_H
#define ARGIL_WORK_WORK_H

#include "engine/engine.h"

#define ERR_WORK_BUSY "work.busy"       /* the lane's queue is full: try again later */
#define ERR_WORK_CLOSED "work.closed"   /* the server is stopping */
#define ELECTED_MS ((int64_t)45000)
#define ERR_WORK_UNDER_WAY "work.under_way" /* the same job of this table waits already */

struct work;

struct work_progress {
    char what[128];      /* "importing Account", a column's name */
    int64_t done, total; /* rows; total 0 = unknown */
    uint64_t calls;
    int64_t began_ms;    /* wall clock */
    int64_t step_ms, at_ms; /* when this `what` began, and when `done` was so many */
};

struct work_options {
    struct world *world;
    struct store *store; /* a writing handle; further ones are opened from it */
    struct vault *vault;
    const struct connector *const *connectors;
    size_t connector_count;
    const char *formula_worker; /* program; NULL = this one */
    const char *data;           /* data directory, for uploads; NULL = none are taken */
    bool allow_private_http;
    /* Several processes have the store open: runs and syncs are jobs that they share out
     * (store_jobs.h). */
    bool shared;
    bool takes_jobs;     /* shared: this process does such jobs, too */
    int jobs_most;       /* shared: at once, in this process */
    int64_t lane_most;   /* shared: at once of one connection, over all processes */
    int64_t calls_at_once; /* shared: exchanges under way of one connection, over all processes */
    /* A job went on, or ended (then the store has told of it, too). From its thread. */
    void (*progressed)(void *ctx, int64_t run_id, int64_t table_id, const struct work_progress *at);
    void *ctx;
};

/* Lends the options' store, vault and connectors until closed. */
struct work *work_open(const struct work_options *options, struct err *err);
/* Nothing new begins; jobs are asked to stop at their next batch, what waits is
 * given up (talks get a NULL engine). False when some did not end within grace_ms:
 * then nothing was freed, and the process should leave; the journal knows. */
bool work_close(struct work *work, int64_t grace_ms);

/* ---------------------------------------------------------------- talks */

/* Called once, on some thread; engine NULL = given up, *err says why. */
typedef void work_talk_fn(void *ctx, struct engine *engine, const struct err *err);
/* `lane`: the connection it is about. FAIL: fn is not called. */
enum status work_talk(struct work *work, const char *lane, const char *actor, work_talk_fn *fn,
                      void *ctx, struct err *err);

/* ----------------------------------------------------------------- jobs */

enum job_kind {
    JOB_SYNC,
    JOB_RUN, /* run.dry_run: kept as a plan (engine/approval.h); run.plan_id: applies that one */
    JOB_UNDO,
    JOB_PART,  /* helps with a run that another process leads: its run_id, and its order */
    JOB_SETTLE /* what an earlier process left of a table's operations; not a run: run_id 0 */
};

struct job_order {
    enum job_kind kind;
    const char *table;  /* name */
    const char *source; /* JOB_SYNC: only this one of its sources; NULL = all */
    const char *who;    /* login */
    const char *cause;  /* "person", "schedule" */
    const char *scope;  /* JSON, kept with the run; or NULL */
    bool full;          /* JOB_SYNC */
    struct run_options run; /* JOB_RUN; texts and rows are copied, planned is not used */
    int64_t undo_run;    /* JOB_UNDO: the run to take back */
    bool delete_created; /* JOB_UNDO: records that it created go, too */
    /* JOB_SYNC of a source that takes files: the bytes to take, deleted when the job ends,
     * and what people call them. */
    const char *upload_path, *upload_name;
};
/* Stores the run as QUEUED and sets *run_id. */
enum status work_order(struct work *work, const struct job_order *order, int64_t *run_id,
                       struct err *err);
/* Orders a run of what is due in a table, as auto-update does, unless one waits already. */
void work_run_due(struct work *work, const char *table);
/* Orders what of each table was left for later and whose time has come: runs of cells, and the
 * sending of operations. *next_ms = the soonest time to look again; 0 = none waits. */
enum status work_run_later(struct work *work, struct store *store, int64_t now_ms,
                           int64_t *next_ms, struct err *err);
/* Who hears, from any thread, that a job ended; NULL = nobody. It must not call work. */
void work_on_ended(struct work *work, void (*ended)(void *ctx), void *ctx);
/* One that waits is given up at once; one that runs stops at its next batch.
 * ERR_NOT_FOUND when the run is neither. */
enum status work_stop(struct work *work, int64_t run_id, struct err *err);
void work_stop_all(struct work *work);
/* False when the run is not running now. */
bool work_progress_of(struct work *work, int64_t run_id, struct work_progress *out);
bool work_table_busy(struct work *work, int64_t table_id);
/* shared: the others gave this process up, or the store failed: it must leave. */
bool work_lost(struct work *work);
/* Is `owner` the one process that holds this office ("scheduler") now, and for a while? Not
 * shared: there is no other. */
bool work_elected(struct work *work, struct store *store, const char *office, const char *owner);

struct work_counts {
    size_t jobs_waiting, jobs_running, talks_waiting, talks_running, threads;
};
struct work_counts work_count(struct work *work);

#endif
