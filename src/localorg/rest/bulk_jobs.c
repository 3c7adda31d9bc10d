/* bulk_jobs.c - the list of Bulk jobs, their files, and the thread that works.
 *
 * Life of a job: bulk_job_new, bulk_add, bulk_start, then the worker's
 * bulk_load_run or bulk_export_run, then bulk_delete or a week of rest.
 * The worker holds the org lock for reading only while it touches the org, and
 * asks bulk_stopped each time it has got it, so that a reset never waits long
 * and never pulls the org away under it.
 *
 * A site without a server has no worker either: there a job is done by whoever asks
 * after it, in one thread, so that the same questions always find the same answers.
 *
 * Invariant: only the worker writes a job's result files, and `busy` or
 * `queued` is set from the start until it has closed them. */
#include "localorg/rest/bulk.h"

#include "base/csv.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEPT_MS      (7ll * 24 * 3600 * 1000)
#define DAY_MS       (24ll * 3600 * 1000)
#define JOBS_MAX     10000
#define POLL_WAIT_MS 40   /* a poll waits this long for a job that is nearly done */
#define SETTLE_MS    5000 /* results wait this long for the worker to close them */

struct bulk {
    struct site *site;
    char dir[300];
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    pthread_t worker;
    bool quitting, alone; /* alone: no worker */
    VEC(struct bulk_job *) jobs;  /* oldest first; each holds a reference */
    VEC(struct bulk_job *) queue; /* those to be worked on; each holds a reference */
};

static const char *const file_names[BULK_FILES] = {
    [BULK_DATA] = "data",
    [BULK_SENT] = "sent",
    [BULK_SUCCESSFUL] = "successful",
    [BULK_FAILED_ROWS] = "failed",
    [BULK_UNPROCESSED] = "unprocessed",
    [BULK_ORDERED] = "ordered",
    [BULK_ROWS] = "rows",
};

/* --- files --- */

static void file_path(const struct bulk *bulk, const struct bulk_job *job, enum bulk_file which,
                      char out[400])
{
    snprintf(out, 400, "%s/%s.%s", bulk->dir, job->id, file_names[which]);
}

FILE *bulk_open(struct bulk *bulk, const struct bulk_job *job, enum bulk_file which,
                const char *mode)
{
    char path[400];
    file_path(bulk, job, which, path);
    return fopen(path, mode);
}

enum status bulk_read(struct bulk *bulk, const struct bulk_job *job, enum bulk_file which,
                      int64_t from, int64_t to, struct buf *out, struct err *err)
{
    enum status rc = OK;
    FILE *file = bulk_open(bulk, job, which, "rbe");
    if (!file)
        return errno == ENOENT ? OK : err_set(err, ERR_IO, "a job's file: %s", strerror(errno));
    if (to < 0 && fseeko(file, 0, SEEK_END) == 0)
        to = ftello(file);
    char *room = to > from ? buf_room(out, (size_t)(to - from)) : NULL;
    if (room) {
        if (fseeko(file, from, SEEK_SET) == 0 &&
            fread(room, 1, (size_t)(to - from), file) == (size_t)(to - from))
            buf_added(out, (size_t)(to - from));
        else
            rc = err_set(err, ERR_IO, "a job's file could not be read");
    }
    fclose(file);
    return rc;
}

static void remove_files(const struct bulk *bulk, const struct bulk_job *job)
{
    char path[400];
    for (int i = 0; i < BULK_FILES; i++) {
        file_path(bulk, job, (enum bulk_file)i, path);
        unlink(path);
    }
}

static void make_dir(struct bulk *bulk)
{
    const char *base = getenv("TMPDIR");
    snprintf(bulk->dir, sizeof bulk->dir, "%.200s/localorg-bulk-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(bulk->dir))
        log_warn("no directory for Bulk jobs in %s: %s", base ? base : "/tmp", strerror(errno));
}

/* --- jobs --- */

static void job_unref(struct bulk_job *job)
{
    if (--job->refs)
        return;
    vec_free(&job->places);
    free(job->soql);
    free(job->lock_ids);
    free(job);
}

struct bulk_job *bulk_job_new(struct bulk *bulk, enum bulk_kind kind)
{
    struct bulk_job *job = mem_alloc(sizeof *job);
    char id15[16];
    snprintf(id15, sizeof id15, "%s", kind == BULK_BATCH ? "751Ld00000" : "750Ld00000");
    dice_text(bulk->site->dice, DICE_BASE62, 5, id15 + 10);
    id_to_18(id15, job->id);
    job->kind = kind;
    job->delimiter = ',';
    job->refs = 1;
    job->faults.names = "";
    return job;
}

/* Jobs live a week; the oldest ones that rest go when there are too many. */
static void forget_old(struct bulk *bulk, int64_t now_ms)
{
    size_t kept = 0, extra = bulk->jobs.len > JOBS_MAX ? bulk->jobs.len - JOBS_MAX : 0;
    for (size_t i = 0; i < bulk->jobs.len; i++) {
        struct bulk_job *job = bulk->jobs.at[i];
        bool resting = !job->queued && !job->busy;
        if (resting && (job->created_ms < now_ms - KEPT_MS || (extra && extra--))) {
            remove_files(bulk, job);
            job->deleted = true;
            job_unref(job);
        } else {
            bulk->jobs.at[kept++] = job;
        }
    }
    bulk->jobs.len = kept;
}

void bulk_add(struct bulk *bulk, struct bulk_job *job, int64_t now_ms)
{
    pthread_mutex_lock(&bulk->lock);
    forget_old(bulk, now_ms);
    job->created_ms = job->changed_ms = now_ms;
    job->refs++;
    vec_push(&bulk->jobs, job);
    pthread_mutex_unlock(&bulk->lock);
}

struct bulk_job *bulk_take(struct bulk *bulk, const char *id, enum bulk_kind kind)
{
    struct bulk_job *found = NULL;
    size_t len = strlen(id);
    pthread_mutex_lock(&bulk->lock);
    for (size_t i = bulk->jobs.len; i-- > 0 && !found;) {
        struct bulk_job *job = bulk->jobs.at[i];
        if (!job->deleted && job->kind == kind && (len == 15 || len == 18) &&
            strncmp(job->id, id, len) == 0) {
            found = job;
            found->refs++;
        }
    }
    pthread_mutex_unlock(&bulk->lock);
    return found;
}

void bulk_give(struct bulk *bulk, struct bulk_job *job)
{
    pthread_mutex_lock(&bulk->lock);
    job_unref(job);
    pthread_mutex_unlock(&bulk->lock);
}

size_t bulk_list(struct bulk *bulk, struct arena *arena, enum bulk_kind kind, const char *parent,
                 struct bulk_job ***out)
{
    size_t count = 0;
    pthread_mutex_lock(&bulk->lock);
    *out = arena_array(arena, bulk->jobs.len + 1, sizeof **out);
    for (size_t i = 0; i < bulk->jobs.len; i++) {
        struct bulk_job *job = bulk->jobs.at[i];
        if (job->deleted || job->kind != kind || (parent && strcmp(job->parent, parent) != 0))
            continue;
        job->refs++;
        (*out)[count++] = job;
    }
    pthread_mutex_unlock(&bulk->lock);
    return count;
}

void bulk_lock(struct bulk *bulk)
{
    pthread_mutex_lock(&bulk->lock);
}

void bulk_unlock(struct bulk *bulk)
{
    pthread_mutex_unlock(&bulk->lock);
}

/* Deleted jobs count too: deleting one gives nothing back. */
static void used(const struct bulk *bulk, int64_t now_ms, int64_t *batches, int64_t *query_jobs)
{
    *batches = *query_jobs = 0;
    for (size_t i = 0; i < bulk->jobs.len; i++) {
        const struct bulk_job *job = bulk->jobs.at[i];
        if (job->created_ms <= now_ms - DAY_MS)
            continue;
        *batches += job->batches;
        *query_jobs += job->kind == BULK_QUERY;
    }
}

void bulk_used(struct bulk *bulk, int64_t now_ms, int64_t *batches, int64_t *query_jobs)
{
    pthread_mutex_lock(&bulk->lock);
    used(bulk, now_ms, batches, query_jobs);
    pthread_mutex_unlock(&bulk->lock);
}

bool bulk_count_batches(struct bulk *bulk, struct bulk_job *job, int64_t batches)
{
    struct limits limits;
    int64_t so_far, query_jobs, now_ms = org_now_ms(bulk->site->org);
    meter_limits(bulk->site->meter, now_ms, &limits);
    pthread_mutex_lock(&bulk->lock);
    used(bulk, now_ms, &so_far, &query_jobs);
    bool ok = so_far + batches <= limits.bulk_daily_batches;
    if (ok)
        job->batches += batches;
    pthread_mutex_unlock(&bulk->lock);
    return ok;
}

/* --- from state to state --- */

static const bool may_move[6][6] = {
    [BULK_OPEN] = {[BULK_UPLOADED] = true, [BULK_ABORTED] = true},
    [BULK_UPLOADED] = {[BULK_RUNNING] = true, [BULK_ABORTED] = true, [BULK_FAILED] = true},
    [BULK_RUNNING] = {[BULK_DONE] = true, [BULK_FAILED] = true, [BULK_ABORTED] = true},
};

static bool move(struct bulk_job *job, enum bulk_state to, int64_t now_ms)
{
    if (!may_move[job->state][to])
        return false;
    job->state = to;
    job->changed_ms = now_ms;
    return true;
}

static void enqueue(struct bulk *bulk, struct bulk_job *job)
{
    if (job->queued || job->busy)
        return;
    job->queued = true;
    job->refs++;
    vec_push(&bulk->queue, job);
    pthread_cond_signal(&bulk->work);
}

void bulk_start(struct bulk *bulk, struct bulk_job *job, int64_t now_ms)
{
    pthread_mutex_lock(&bulk->lock);
    if (move(job, BULK_UPLOADED, now_ms) && job->hold_polls == 0)
        enqueue(bulk, job);
    pthread_mutex_unlock(&bulk->lock);
}

void bulk_close(struct bulk *bulk, struct bulk_job *folder, int64_t now_ms)
{
    pthread_mutex_lock(&bulk->lock);
    move(folder, BULK_UPLOADED, now_ms);
    pthread_mutex_unlock(&bulk->lock);
}

static struct timespec in_ms(int64_t ms)
{
    struct timespec at; /* how long a thread waits is not the world's time */
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static void work_off(struct bulk *bulk);

/* Until the worker has let go of the job, or the time is over. Under the lock. */
static bool wait_for(struct bulk *bulk, struct bulk_job *job, int64_t ms)
{
    struct timespec until = in_ms(ms);
    if (bulk->alone)
        work_off(bulk);
    while (job->queued || job->busy)
        if (pthread_cond_timedwait(&bulk->done, &bulk->lock, &until) != 0)
            return false;
    return true;
}

void bulk_poll(struct bulk *bulk, struct bulk_job *job, int64_t now_ms)
{
    pthread_mutex_lock(&bulk->lock);
    bool held = job->state == BULK_UPLOADED && job->hold_polls > 0;
    if (held && ++job->polls > job->hold_polls)
        enqueue(bulk, job);
    if (job->state == BULK_UPLOADED || job->state == BULK_RUNNING)
        wait_for(bulk, job, POLL_WAIT_MS);
    pthread_mutex_unlock(&bulk->lock);
}

void bulk_abort(struct bulk *bulk, struct bulk_job *job, int64_t now_ms)
{
    pthread_mutex_lock(&bulk->lock);
    if (move(job, BULK_ABORTED, now_ms) && job->uploaded)
        enqueue(bulk, job); /* its rows have to become unprocessed records */
    pthread_mutex_unlock(&bulk->lock);
}

void bulk_delete(struct bulk *bulk, struct bulk_job *job)
{
    pthread_mutex_lock(&bulk->lock);
    job->deleted = true;
    if (!job->busy && !job->queued)
        remove_files(bulk, job);
    pthread_mutex_unlock(&bulk->lock);
}

bool bulk_settled(struct bulk *bulk, struct bulk_job *job)
{
    pthread_mutex_lock(&bulk->lock);
    bool settled = wait_for(bulk, job, SETTLE_MS);
    pthread_mutex_unlock(&bulk->lock);
    return settled;
}

/* --- the worker --- */

struct site *bulk_site(struct bulk *bulk)
{
    return bulk->site;
}

bool bulk_stopped(struct bulk *bulk, struct bulk_job *job)
{
    pthread_mutex_lock(&bulk->lock);
    bool stopped = bulk->quitting || job->deleted || job->state != BULK_RUNNING;
    pthread_mutex_unlock(&bulk->lock);
    return stopped;
}

void bulk_progress(struct bulk *bulk, struct bulk_job *job, int64_t processed, int64_t failed)
{
    pthread_mutex_lock(&bulk->lock);
    job->processed += processed;
    job->failed += failed;
    pthread_mutex_unlock(&bulk->lock);
}

/* The org's clock, unless a reset is at it. */
static int64_t now_of(struct bulk *bulk)
{
    pthread_rwlock_rdlock(&bulk->site->org_lock);
    int64_t now_ms = org_now_ms(bulk->site->org);
    pthread_rwlock_unlock(&bulk->site->org_lock);
    return now_ms;
}

static void run_job(struct bulk *bulk, struct bulk_job *job)
{
    struct err err = {{0}};
    struct world *world = bulk->site->world;
    int64_t began = world->monotonic_ms(world);
    bool query = job->operation == BULK_READ || job->operation == BULK_READ_ALL;
    bool ok = query ? bulk_export_run(bulk, job, &err) : bulk_load_run(bulk, job, &err);
    int64_t now_ms = now_of(bulk);
    pthread_mutex_lock(&bulk->lock);
    job->took_ms = world->monotonic_ms(world) - began;
    if (move(job, ok ? BULK_DONE : BULK_FAILED, now_ms) && !ok)
        snprintf(job->error, sizeof job->error, "%s : %.500s", err.code, err.message);
    pthread_mutex_unlock(&bulk->lock);
}

/* The next job of the queue, made busy; NULL when the process ends. Under the lock. */
static struct bulk_job *next_job(struct bulk *bulk)
{
    while (!bulk->quitting && !bulk->alone && bulk->queue.len == 0)
        pthread_cond_wait(&bulk->work, &bulk->lock);
    if (bulk->quitting || bulk->queue.len == 0)
        return NULL;
    struct bulk_job *job = bulk->queue.at[0];
    memmove(bulk->queue.at, bulk->queue.at + 1, --bulk->queue.len * sizeof *bulk->queue.at);
    job->queued = false;
    job->busy = true;
    return job;
}

/* All jobs that wait, and with a worker those to come, until the process ends. Under the lock. */
static void work_off(struct bulk *bulk)
{
    struct bulk_job *job;
    while ((job = next_job(bulk))) {
        bool run = !job->deleted && move(job, BULK_RUNNING, job->changed_ms);
        bool leave = !job->deleted && !run && job->state == BULK_ABORTED;
        pthread_mutex_unlock(&bulk->lock);
        if (run)
            run_job(bulk, job);
        else if (leave)
            bulk_load_nothing(bulk, job);
        pthread_mutex_lock(&bulk->lock);
        job->busy = false;
        if (job->deleted)
            remove_files(bulk, job);
        job_unref(job);
        pthread_cond_broadcast(&bulk->done);
    }
}

static void *work(void *ctx)
{
    struct bulk *bulk = ctx;
    pthread_mutex_lock(&bulk->lock);
    work_off(bulk);
    pthread_mutex_unlock(&bulk->lock);
    return NULL;
}

/* --- beginning and end --- */

struct bulk *bulk_new(struct site *site)
{
    struct bulk *bulk = mem_alloc(sizeof *bulk);
    pthread_condattr_t attributes;
    bulk->site = site;
    make_dir(bulk);
    pthread_mutex_init(&bulk->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&bulk->work, &attributes);
    pthread_cond_init(&bulk->done, &attributes);
    pthread_condattr_destroy(&attributes);
    bulk->alone = site->options.no_server;
    if (!bulk->alone)
        pthread_create(&bulk->worker, NULL, work, bulk);
    return bulk;
}

static void forget_all(struct bulk *bulk)
{
    for (size_t i = 0; i < bulk->jobs.len; i++) {
        struct bulk_job *job = bulk->jobs.at[i];
        job->deleted = true;
        if (!job->busy && !job->queued)
            remove_files(bulk, job);
        job_unref(job);
    }
    bulk->jobs.len = 0;
}

void bulk_clear(struct bulk *bulk)
{
    pthread_mutex_lock(&bulk->lock);
    forget_all(bulk);
    pthread_mutex_unlock(&bulk->lock);
}

static void remove_dir(const struct bulk *bulk)
{
    struct dirent *entry;
    DIR *dir = opendir(bulk->dir);
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(bulk->dir);
}

void bulk_free(struct bulk *bulk)
{
    if (!bulk)
        return;
    pthread_mutex_lock(&bulk->lock);
    bulk->quitting = true;
    pthread_cond_signal(&bulk->work);
    pthread_mutex_unlock(&bulk->lock);
    if (!bulk->alone)
        pthread_join(bulk->worker, NULL);
    forget_all(bulk);
    for (size_t i = 0; i < bulk->queue.len; i++)
        job_unref(bulk->queue.at[i]);
    remove_dir(bulk);
    vec_free(&bulk->jobs);
    vec_free(&bulk->queue);
    pthread_cond_destroy(&bulk->work);
    pthread_cond_destroy(&bulk->done);
    pthread_mutex_destroy(&bulk->lock);
    free(bulk);
}

/* --- names --- */

const char *bulk_state_name(const struct bulk_job *job)
{
    static const char *const names[] = {
        [BULK_OPEN] = "Open",          [BULK_UPLOADED] = "UploadComplete",
        [BULK_RUNNING] = "InProgress", [BULK_DONE] = "JobComplete",
        [BULK_FAILED] = "Failed",      [BULK_ABORTED] = "Aborted",
    };
    if (job->state == BULK_UPLOADED && job->polls > 1)
        return "InProgress"; /* held for polls: it must look alive */
    return names[job->state];
}

static const char *const operations[] = {
    [BULK_INSERT] = "insert",     [BULK_UPDATE] = "update",          [BULK_UPSERT] = "upsert",
    [BULK_DELETE] = "delete",     [BULK_HARD_DELETE] = "hardDelete", [BULK_READ] = "query",
    [BULK_READ_ALL] = "queryAll",
};

const char *bulk_operation_name(enum bulk_operation operation)
{
    return operations[operation];
}

bool bulk_operation_parse(const char *name, bool query, enum bulk_operation *out)
{
    for (int i = query ? BULK_READ : BULK_INSERT; i <= (query ? BULK_READ_ALL : BULK_HARD_DELETE);
         i++)
        if (name && strcmp(operations[i], name) == 0) {
            *out = (enum bulk_operation)i;
            return true;
        }
    return false;
}

const char *bulk_delimiter_name(char delimiter)
{
    switch (delimiter) {
    case '`':
        return "BACKQUOTE";
    case '^':
        return "CARET";
    case '|':
        return "PIPE";
    case ';':
        return "SEMICOLON";
    case '\t':
        return "TAB";
    default:
        return "COMMA";
    }
}

void bulk_cell(struct buf *out, const struct bulk_job *job, const char *text, size_t len,
               bool first)
{
    if (!first)
        buf_char(out, job->delimiter);
    csv_field(out, text ? text : "", len, true, true);
}

void bulk_line_end(struct buf *out, const struct bulk_job *job)
{
    buf_str(out, job->crlf ? "\r\n" : "\n");
}
