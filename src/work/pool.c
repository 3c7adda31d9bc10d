/* pool.c - threads, lanes and seats.
 *
 * A task waits in one list. A thread takes the first that may run (its lane has
 * room, its table no other job), what a person asked for before what a schedule did. A thread that finds none waits a while and then
 * leaves; a new task wakes one or makes one. Seats (engines) are kept a few at
 * a time, because opening a store handle and starting a formula worker costs
 * more than a short talk.
 *
 * Invariant: a task is in exactly one of `waiting`, `running`, or a thread's
 * hands on the way between them under the lock. */
#include "work/work_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define SEATS_KEPT      4
#define IDLE_THREAD_MS  10000
#define STACK_BYTES     (1024 * 1024)

/* ------------------------------------------------------------------ tasks */

struct task *task_new(enum task_kind kind, const char *lane, const char *who)
{
    struct task *task = mem_alloc(sizeof *task);
    task->kind = kind;
    task->lane = mem_strdup(lane ? lane : "");
    task->who = mem_strdup(who ? who : "argil");
    return task;
}

void task_free(struct task *task)
{
    if (!task)
        return;
    job_drop_upload(task);
    arena_free(task->arena);
    free(task->lane);
    free(task->who);
    free(task);
}

static size_t count_in(const struct task *list, enum task_kind kind, const char *lane)
{
    size_t count = 0;
    for (const struct task *t = list; t; t = t->next)
        count += t->kind == kind && (!lane || text_eq_nocase(t->lane, lane));
    return count;
}

static bool may_run(const struct work *work, const struct task *task)
{
    if (task->kind == TASK_TALK)
        return count_in(work->running, TASK_TALK, task->lane) < TALKS_AT_ONCE;
    for (const struct task *t = work->running; t; t = t->next)
        if (t->kind == TASK_JOB && t->table_id == task->table_id)
            return false;
    return task->shared || !*task->lane || count_in(work->running, TASK_JOB, task->lane) < JOBS_AT_ONCE;
}

static bool nobody_waits(const struct task *task)
{
    return task->kind == TASK_JOB && !text_eq(task->order.cause, "person");
}

/* Takes the first task that may run over to `running`; NULL = none. */
static struct task *take_one(struct work *work, bool scheduled)
{
    for (struct task **at = &work->waiting; *at; at = &(*at)->next) {
        struct task *task = *at;
        if (nobody_waits(task) != scheduled || !may_run(work, task))
            continue;
        *at = task->next;
        if (!*at)
            work->last = at;
        task->next = work->running;
        work->running = task;
        return task;
    }
    return NULL;
}

/* A person's click goes before a nightly run. */
static struct task *take(struct work *work)
{
    struct task *task = take_one(work, false);
    return task ? task : take_one(work, true);
}

void work_ring(struct work *work)
{
    uint64_t one = 1;
    if (work->bell >= 0 && write(work->bell, &one, sizeof one) < 0)
        return; /* it is rung already, as often as it can be */
}

static void put_away(struct work *work, struct task *task)
{
    struct task **at = &work->running;
    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
    if (task->kind == TASK_JOB && work->ended)
        work->ended(work->ended_ctx);
    if (task->shared)
        work_ring(work);
    task_free(task);
}

/* ------------------------------------------------------------------ seats */

static void seat_free(struct seat *seat)
{
    if (!seat)
        return;
    engine_release(&seat->engine);
    formula_engine_free(seat->engine.formula);
    http_client_free(seat->engine.http);
    if (seat->store)
        seat->store->does->close(seat->store);
    free(seat);
}

static struct seat *seat_new(struct work *work, struct err *err)
{
    const struct work_options *o = &work->options;
    struct seat *seat = mem_alloc(sizeof *seat);
    if (o->store->does->open_another(o->store, false, &seat->store, err) != OK) {
        free(seat);
        return NULL;
    }
    seat->engine = (struct engine){
        .world = o->world,
        .store = seat->store,
        .vault = o->vault,
        .http = http_client_new(o->world, "argil/" ARGIL_VERSION),
        .formula = formula_engine_new(o->world, o->formula_worker),
        .connectors = o->connectors,
        .connector_count = o->connector_count,
        .beside_others = true,
        .calls_at_once = o->shared ? o->calls_at_once : 0,
        .data = o->data,
        .allow_private_http = o->allow_private_http,
    };
    return seat;
}

struct seat *seat_get(struct work *work, struct err *err)
{
    pthread_mutex_lock(&work->lock);
    struct seat *seat = work->idle_seats;
    if (seat) {
        work->idle_seats = seat->next;
        work->idle_seat_count--;
    }
    pthread_mutex_unlock(&work->lock);
    return seat ? seat : seat_new(work, err);
}

void seat_give(struct work *work, struct seat *seat)
{
    seat->engine.stop = NULL;
    seat->engine.actor = NULL;
    seat->engine.queued_run = 0;
    seat->engine.progress = (struct progress){0};
    pthread_mutex_lock(&work->lock);
    bool keep = work->idle_seat_count < SEATS_KEPT && !work->closing;
    if (keep) {
        seat->next = work->idle_seats;
        work->idle_seats = seat;
        work->idle_seat_count++;
    }
    pthread_mutex_unlock(&work->lock);
    if (!keep)
        seat_free(seat);
}

/* ---------------------------------------------------------------- threads */

static void without_seat(struct work *work, struct task *task, const struct err *err)
{
    log_error("work: %s", err->message);
    if (task->kind == TASK_TALK)
        task->talk(task->ctx, NULL, err);
    else
        job_give_up(work, task, RUN_FAILED, err->message);
}

static void do_task(struct work *work, struct task *task)
{
    struct err err = {0};
    struct seat *seat = seat_get(work, &err);
    if (!seat) {
        without_seat(work, task, &err);
        return;
    }
    seat->engine.stop = &task->stop;
    seat->engine.actor = task->who;
    if (task->kind == TASK_TALK)
        task->talk(task->ctx, &seat->engine, NULL);
    else
        job_run(work, task, &seat->engine);
    seat_give(work, seat);
}

static bool wait_for_more(struct work *work)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_THREAD_MS / 1000;
    work->idle_threads++;
    int rc = pthread_cond_timedwait(&work->more, &work->lock, &until);
    work->idle_threads--;
    return rc == 0;
}

static void *thread_main(void *ctx)
{
    struct work *work = ctx;
    struct task *task;
    bool stay = true;
    pthread_mutex_lock(&work->lock);
    while (stay) {
        if (!work->closing && (task = take(work))) {
            pthread_mutex_unlock(&work->lock);
            do_task(work, task);
            pthread_mutex_lock(&work->lock);
            put_away(work, task);
            pthread_cond_broadcast(&work->more); /* its lane has room again */
        } else {
            stay = !work->closing && wait_for_more(work);
        }
    }
    work->threads--;
    pthread_cond_broadcast(&work->less);
    pthread_mutex_unlock(&work->lock);
    return NULL;
}

static bool thread_start(struct work *work)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    bool started = pthread_create(&thread, &attr, thread_main, work) == 0;
    pthread_attr_destroy(&attr);
    work->threads += started;
    return started;
}

/* More could run than there are threads that wait for something to do. */
static bool too_few_threads(const struct work *work, const struct task *task)
{
    size_t could = may_run(work, task);
    for (const struct task *t = work->waiting; t; t = t->next)
        could += may_run(work, t);
    return could > work->idle_threads && work->threads < THREADS_MAX;
}

enum status pool_add(struct work *work, struct task *task, struct err *err)
{
    bool job = task->kind == TASK_JOB;
    if (work->closing)
        return err_set(err, ERR_WORK_CLOSED, "the server is stopping");
    if (count_in(work->waiting, task->kind, job ? NULL : task->lane) >=
        (job ? JOBS_WAITING : TALKS_WAITING)) {
        err_set(err, ERR_WORK_BUSY, job ? "%d jobs wait already"
                                        : "%d requests wait for this connection already",
                job ? JOBS_WAITING : TALKS_WAITING);
        err_hint(err, "Try again when some of them are done.");
        return FAIL;
    }
    if (too_few_threads(work, task) && !thread_start(work) && !work->threads)
        return err_set(err, ERR_WORK_BUSY, "no thread can be started");
    *work->last = task;
    work->last = &task->next;
    pthread_cond_broadcast(&work->more);
    return OK;
}

/* --------------------------------------------------------- opening, closing */

struct work *work_open(const struct work_options *options, struct err *err)
{
    struct work *work = mem_alloc(sizeof *work);
    pthread_condattr_t monotonic;
    if (options->store->does->open_another(options->store, false, &work->store, err) != OK) {
        free(work);
        return NULL;
    }
    work->options = *options;
    work->bell = options->shared ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    pthread_mutex_init(&work->store_lock, NULL);
    work->last = &work->waiting;
    pthread_mutex_init(&work->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&work->more, &monotonic);
    pthread_cond_init(&work->less, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (options->shared && !(work->shared = shared_start(work, err))) {
        work_close(work, 0);
        return NULL;
    }
    return work;
}

static void give_up_waiting(struct work *work, struct task *list)
{
    struct err err = {0};
    err_set(&err, ERR_WORK_CLOSED, "the server is stopping");
    while (list) {
        struct task *task = list;
        list = task->next;
        if (task->kind == TASK_TALK)
            task->talk(task->ctx, NULL, &err);
        else
            job_give_up(work, task, RUN_STOPPED, err.message);
        task_free(task);
    }
}

static bool wait_for_threads(struct work *work, int64_t grace_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += grace_ms / 1000;
    until.tv_nsec += grace_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (work->threads > 0)
        if (pthread_cond_timedwait(&work->less, &work->lock, &until) != 0)
            return work->threads == 0;
    return true;
}

bool work_close(struct work *work, int64_t grace_ms)
{
    if (!work)
        return true;
    pthread_mutex_lock(&work->lock);
    work->closing = true;
    struct task *list = work->waiting;
    work->waiting = NULL;
    work->last = &work->waiting;
    for (struct task *t = work->running; t; t = t->next)
        atomic_store(&t->stop, true);
    pthread_cond_broadcast(&work->more);
    pthread_mutex_unlock(&work->lock);
    give_up_waiting(work, list);
    pthread_mutex_lock(&work->lock);
    bool quiet = wait_for_threads(work, grace_ms);
    pthread_mutex_unlock(&work->lock);
    if (!quiet)
        return false;
    shared_stop_thread(work->shared);
    while (work->idle_seats) {
        struct seat *seat = work->idle_seats;
        work->idle_seats = seat->next;
        seat_free(seat);
    }
    if (work->bell >= 0)
        close(work->bell);
    work->store->does->close(work->store);
    pthread_mutex_destroy(&work->store_lock);
    pthread_mutex_destroy(&work->lock);
    pthread_cond_destroy(&work->more);
    pthread_cond_destroy(&work->less);
    free(work);
    return true;
}

/* ------------------------------------------------------------------ talks */

enum status work_talk(struct work *work, const char *lane, const char *actor, work_talk_fn *fn,
                      void *ctx, struct err *err)
{
    struct task *task = task_new(TASK_TALK, lane, actor);
    task->talk = fn;
    task->ctx = ctx;
    pthread_mutex_lock(&work->lock);
    enum status rc = pool_add(work, task, err);
    pthread_mutex_unlock(&work->lock);
    if (rc != OK)
        task_free(task);
    return rc;
}

struct work_counts work_count(struct work *work)
{
    struct work_counts counts;
    pthread_mutex_lock(&work->lock);
    counts = (struct work_counts){.jobs_waiting = count_in(work->waiting, TASK_JOB, NULL),
                                  .jobs_running = count_in(work->running, TASK_JOB, NULL),
                                  .talks_waiting = count_in(work->waiting, TASK_TALK, NULL),
                                  .talks_running = count_in(work->running, TASK_TALK, NULL),
                                  .threads = work->threads};
    pthread_mutex_unlock(&work->lock);
    return counts;
}
