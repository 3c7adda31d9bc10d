/* work_priv.h - what pool.c (threads, lanes, seats) and jobs.c (syncs and runs)
 * share. */
#ifndef ARGIL_WORK_WORK_PRIV_H
#define ARGIL_WORK_WORK_PRIV_H

#include "work/work.h"

#include <pthread.h>

#define JOBS_AT_ONCE  2 /* of one connection */
#define TALKS_AT_ONCE 3
#define TALKS_WAITING 32  /* of one connection */
#define JOBS_WAITING  1000
#define THREADS_MAX   256

enum task_kind { TASK_JOB, TASK_TALK };

/* One thing to do. Linked from work->first (waiting) or work->running. */
struct task {
    enum task_kind kind;
    char *lane; /* connection's name; "" = none */
    char *who;
    atomic_bool stop;
    struct task *next;
    /* talks */
    work_talk_fn *talk;
    void *ctx;
    /* jobs */
    struct arena *arena; /* holds the order's texts */
    struct job_order order;
    int64_t run_id, table_id;
    struct work_progress progress;
    bool shared; /* claimed in the store: shared.c */
};

/* An engine with what it stands on; one thread at a time. */
struct seat {
    struct engine engine;
    struct store *store;
    struct seat *next;
};

struct work {
    struct work_options options;
    struct store *store; /* for the ends of jobs that never began, under store_lock */
    pthread_mutex_t store_lock;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t more;  /* something may run now, or closing */
    pthread_cond_t less;  /* a thread left */
    struct task *waiting, **last, *running;
    struct seat *idle_seats;
    void (*ended)(void *ctx); /* a job ended: the scheduler looks what it left; or NULL */
    void *ended_ctx;
    size_t threads, idle_threads, idle_seat_count;
    bool closing;
    struct shared *shared; /* NULL: nothing is shared out */
    int bell;              /* an eventfd: rung when there is room here for a shared job; or -1 */
};

/* ---- pool.c */
struct task *task_new(enum task_kind kind, const char *lane, const char *who);
void task_free(struct task *task);
/* Queues it; with the lock held. FAIL when closing or when there are too many: the
 * task is still the caller's. */
enum status pool_add(struct work *work, struct task *task, struct err *err);

/* An engine for this thread; NULL with *err set. */
struct seat *seat_get(struct work *work, struct err *err);
void seat_give(struct work *work, struct seat *seat);

/* Rings the bell: the thread of shared.c looks. */
void work_ring(struct work *work);

/* ---- shared.c */
bool shared_takes(const struct work *work, const struct job_order *order);
enum status shared_order(struct store *store, const struct table *table,
                         const struct job_order *order, int64_t *run_id, struct err *err);
/* The task of a claimed job is over: done, or given back when we are leaving. */
void shared_end(struct work *work, struct task *task, struct store *store);
/* True when the store was lost in the middle: what this process was sending is only found
 * by others, once it is gone; so it must leave. */
bool shared_is_over(struct work *work, const struct err *err);
enum status shared_stop(struct work *work, int64_t run_id, struct err *err);
bool shared_busy(struct work *work, int64_t table_id);
struct shared *shared_start(struct work *work, struct err *err);
void shared_stop_thread(struct shared *shared); /* NULL is fine */

/* ---- jobs.c */
void job_keep_order(struct task *task, const struct job_order *order);
/* Forgets what was uploaded for it, whatever became of it. */
void job_drop_upload(const struct task *task);
void job_run(struct work *work, struct task *task, struct engine *engine);
/* The run did not come to running: says so in the store. */
void job_give_up(struct work *work, struct task *task, enum run_state state, const char *why);

#endif
