/* shared.c - jobs that the processes of a workspace share out among themselves.
 *
 * Where several processes have the store open (PostgreSQL), an order is a job in the
 * store (store_jobs.h), and one thread of each process that takes jobs claims what may
 * run: when it hears that there may be some, or something ended here, and every second in any
 * case. The same thread says every few seconds that its process is here; what a process
 * left that is gone it frees, and has the operations settled that were under way there.
 *
 * Dry runs and uploads stay where they were ordered: their results and files are here. */
#include "work/work_priv.h"

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "store/store_jobs.h"
#include "store/store_parts.h"
#include "store/store_leases.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS  1000 /* whether news came or not */
#define DEAF_MS  100  /* where no news can come */
#define BEAT_MS  2000
#define STOPS_MS 500

struct shared {
    struct work *work;
    struct store *store; /* of the thread */
    pthread_t thread;
    bool running;
    atomic_bool stopping, lost;
    int64_t beat_ms, stops_ms, look_ms; /* monotonic: when last */
};

bool shared_takes(const struct work *work, const struct job_order *order)
{
    return work->options.shared && order->kind != JOB_SETTLE && !order->upload_path &&
           !order->run.dry_run;
}

/* ------------------------------------------------------------ orders as text */

static const char *order_text(struct arena *arena, const struct job_order *o)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_int(&w, "kind", o->kind);
    jw_kv_text(&w, "table", o->table);
    jw_kv_text(&w, "source", o->source);
    jw_kv_text(&w, "who", o->who);
    jw_kv_text(&w, "cause", o->cause);
    jw_kv_text(&w, "scope", o->scope);
    jw_kv_bool(&w, "full", o->full);
    jw_kv_text(&w, "column", o->run.column);
    jw_kv_int(&w, "states", o->run.states);
    jw_kv_bool(&w, "all", o->run.all);
    jw_kv_int(&w, "limit", o->run.limit);
    jw_kv_bool(&w, "yes", o->run.yes);
    jw_kv_bool(&w, "scheduled", o->run.scheduled);
    jw_kv_bool(&w, "auto_update", o->run.auto_update);
    jw_kv_bool(&w, "force_new", o->run.force_new);
    jw_kv_bool(&w, "fresh", o->run.fresh);
    jw_kv_int(&w, "plan", o->run.plan_id);
    if (o->run.rows) {
        jw_key(&w, "rows");
        jw_array(&w);
        for (size_t i = 0; i < o->run.row_count; i++)
            jw_int(&w, o->run.rows[i]);
        jw_end_array(&w);
    }
    jw_end_object(&w);
    const char *out = arena_strndup(arena, text.data, text.len);
    buf_free(&text);
    return out;
}

static void read_rows(struct arena *arena, const struct json *list, struct run_options *run)
{
    if (!json_is(list, JSON_ARRAY))
        return;
    int64_t *rows = arena_array(arena, list->len + 1, sizeof *rows);
    json_each(item, list)
        rows[run->row_count++] = json_int(item, 0);
    run->rows = rows;
}

static enum status order_read(struct arena *arena, const char *text, struct job_order *out,
                              struct err *err)
{
    const struct json *json = json_parse(arena, text, strlen(text), err);
    if (!json || !json_get_text(json, "table"))
        return err_set(err, ERR_INVALID, "a job that this argil does not understand");
    *out = (struct job_order){
        .kind = (enum job_kind)json_get_int(json, "kind", JOB_RUN),
        .table = json_get_text(json, "table"),
        .source = json_get_text(json, "source"),
        .who = json_get_text(json, "who"),
        .cause = json_get_text(json, "cause"),
        .scope = json_get_text(json, "scope"),
        .full = json_get_bool(json, "full", false),
        .run = {.column = json_get_text(json, "column"),
                .states = (uint32_t)json_get_int(json, "states", 0),
                .all = json_get_bool(json, "all", false),
                .limit = json_get_int(json, "limit", 0),
                .yes = json_get_bool(json, "yes", false),
                .scheduled = json_get_bool(json, "scheduled", false),
                .auto_update = json_get_bool(json, "auto_update", false),
                .force_new = json_get_bool(json, "force_new", false),
                .fresh = json_get_bool(json, "fresh", false),
                .plan_id = json_get_int(json, "plan", 0)}};
    read_rows(arena, json_get(json, "rows"), &out->run);
    return OK;
}

enum status shared_order(struct store *store, const struct table *table,
                         const struct job_order *order, int64_t *run_id, struct err *err)
{
    struct arena *arena = arena_new();
    struct run run = {.table_id = table->id,
                      .kind = order->kind == JOB_SYNC ? "sync" : "run",
                      .cause = order->cause ? order->cause : "person",
                      .who = order->who,
                      .scope = order->scope};
    enum status rc = store->does->jobs->queue(store, &run, table->connection,
                                              order_text(arena, order), err);
    if (rc != OK && err_is(err, ERR_JOB_TWIN))
        snprintf(err->code, sizeof err->code, "%s", ERR_WORK_UNDER_WAY);
    *run_id = run.id;
    arena_free(arena);
    return rc;
}

/* ------------------------------------------------------------------ claiming */

/* As many as there may be, when we are leaving. */
static size_t jobs_here(struct work *work)
{
    pthread_mutex_lock(&work->lock);
    size_t count = work->closing ? (size_t)work->options.jobs_most : 0;
    for (const struct task *t = work->waiting; t; t = t->next)
        count += t->shared;
    for (const struct task *t = work->running; t; t = t->next)
        count += t->shared;
    pthread_mutex_unlock(&work->lock);
    return count;
}

/* FAIL: it is not ours any more. `help`: it is another's, and parts of it wait. */
static enum status begin(struct shared *s, const struct store_job *job, bool help, struct err *err)
{
    struct job_order order;
    struct arena *arena = arena_new();
    enum status rc = order_read(arena, job->text, &order, err);
    if (rc == OK) {
        order.kind = help ? JOB_PART : order.kind;
        struct task *task = task_new(TASK_JOB, job->lane, order.who);
        task->run_id = job->run_id;
        task->table_id = job->table_id;
        task->shared = true;
        job_keep_order(task, &order);
        pthread_mutex_lock(&s->work->lock);
        rc = pool_add(s->work, task, err);
        pthread_mutex_unlock(&s->work->lock);
        if (rc != OK)
            task_free(task);
    }
    arena_free(arena);
    return rc;
}

static void claim(struct shared *s)
{
    const struct work_options *o = &s->work->options;
    struct err err = {0};
    bool more = o->takes_jobs;
    while (more && jobs_here(s->work) < (size_t)o->jobs_most) {
        struct arena *arena = arena_new();
        struct store_job job;
        more = s->store->does->jobs->claim(s->store, arena, o->lane_most, &job, &err) == OK &&
               job.run_id;
        if (more && begin(s, &job, false, &err) != OK) {
            struct err ignored = {0};
            more = false;
            s->store->does->jobs->give_back(s->store, job.run_id, &ignored);
        }
        arena_free(arena);
    }
    if (err.code[0])
        log_warn("jobs: %s", err.message);
}

/* A process does one thing of a table at a time, so it does not help itself. */
static bool table_is_ours(struct work *work, int64_t table_id)
{
    bool ours = false;
    pthread_mutex_lock(&work->lock);
    for (const struct task *t = work->waiting; t; t = t->next)
        ours |= t->kind == TASK_JOB && t->table_id == table_id;
    for (const struct task *t = work->running; t; t = t->next)
        ours |= t->kind == TASK_JOB && t->table_id == table_id;
    pthread_mutex_unlock(&work->lock);
    return ours;
}

/* With runs of others, when there is no job to claim. */
static void help(struct shared *s)
{
    const struct work_options *o = &s->work->options;
    struct arena *arena = arena_new();
    struct parts_wanted *wanted;
    struct err err = {0};
    size_t count = 0;
    if (o->takes_jobs && jobs_here(s->work) < (size_t)o->jobs_most &&
        s->store->does->parts->wanted(s->store, arena, &wanted, &count, &err) != OK)
        log_warn("jobs: %s", err.message);
    for (size_t i = 0; i < count && jobs_here(s->work) < (size_t)o->jobs_most; i++) {
        struct store_job job = {wanted[i].run_id, wanted[i].table_id, wanted[i].lane, wanted[i].text};
        if (!table_is_ours(s->work, job.table_id) && begin(s, &job, true, &err) != OK)
            log_warn("helping with run %lld: %s", (long long)job.run_id, err.message);
    }
    arena_free(arena);
}

/* ------------------------------------------------------------------- ending */

void shared_end(struct work *work, struct task *task, struct store *store)
{
    struct err err = {0};
    pthread_mutex_lock(&work->lock);
    bool leaving = work->closing && atomic_load(&task->stop);
    pthread_mutex_unlock(&work->lock);
    enum status rc = leaving ? store->does->jobs->give_back(store, task->run_id, &err)
                             : store->does->jobs->done(store, task->run_id, &err);
    if (rc != OK)
        log_warn("job of run %lld: %s", (long long)task->run_id, err.message);
}

bool shared_is_over(struct work *work, const struct err *err)
{
    bool over = store_failed(err);
    if (over)
        atomic_store(&work->shared->lost, true);
    return over;
}

enum status shared_stop(struct work *work, int64_t run_id, struct err *err)
{
    pthread_mutex_lock(&work->store_lock);
    enum status rc = work->store->does->jobs->stop(work->store, run_id, err);
    pthread_mutex_unlock(&work->store_lock);
    return rc;
}

bool shared_busy(struct work *work, int64_t table_id)
{
    int64_t waiting = 0, held = 0;
    struct err ignored = {0};
    pthread_mutex_lock(&work->store_lock);
    work->store->does->jobs->count(work->store, table_id, &waiting, &held, &ignored);
    pthread_mutex_unlock(&work->store_lock);
    return waiting + held > 0;
}

static void stop_asked(struct shared *s)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    int64_t *ids;
    size_t count = 0;
    if (s->store->does->jobs->stops(s->store, arena, &ids, &count, &err) != OK)
        log_warn("jobs: %s", err.message);
    pthread_mutex_lock(&s->work->lock);
    for (size_t i = 0; i < count; i++)
        for (struct task *t = s->work->running; t; t = t->next)
            if (t->shared && t->run_id == ids[i])
                atomic_store(&t->stop, true);
    pthread_mutex_unlock(&s->work->lock);
    arena_free(arena);
}

/* ------------------------------------------------------------------- beating */

static void settle_all(struct shared *s)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    struct table *tables;
    size_t count = 0;
    int64_t none;
    if (s->store->does->table_list(s->store, arena, &tables, &count, &err) != OK)
        log_warn("jobs: %s", err.message);
    for (size_t i = 0; i < count; i++) {
        struct job_order order = {.kind = JOB_SETTLE, .table = tables[i].name, .cause = "recovery"};
        if (work_order(s->work, &order, &none, &err) != OK && !err_is(&err, ERR_WORK_UNDER_WAY))
            log_warn("settling %s: %s", tables[i].name, err.message);
    }
    arena_free(arena);
}

static void beat(struct shared *s)
{
    struct err err = {0};
    int64_t freed;
    if (s->store->does->jobs->beat(s->store, &freed, &err) != OK) {
        log_warn("jobs: %s", err.message);
        if (err_is(&err, ERR_STORE_LOCKED) || err_is(&err, ERR_STORE_BROKEN))
            atomic_store(&s->lost, true);
        return;
    }
    if (!freed)
        return;
    log_warn("jobs: a process is gone; %lld jobs, runs and operations of it are taken over",
             (long long)freed);
    settle_all(s);
}

static bool is_time(struct shared *s, int64_t *last, int64_t each)
{
    struct world *world = s->work->options.world;
    int64_t now = world->monotonic_ms(world);
    if (*last && now - *last < each)
        return false;
    *last = now;
    return true;
}

static int64_t look_each_ms(void)
{
    const char *given = getenv("ARGIL_LOOK_MS");
    char *end = NULL;
    long long ms = given ? strtoll(given, &end, 10) : 0;
    return given && !*end && ms >= 100 && ms <= 3600000 ? ms : LOOK_MS;
}

/* True when it is worth a look. */
static bool rest(struct shared *s)
{
    struct store_await wait = {.most_ms = STOPS_MS, .deaf_ms = DEAF_MS, .bell = s->work->bell};
    struct world *world = s->work->options.world;
    struct err err = {0};
    bool look = true;
    if (s->store->does->jobs->await(s->store, &wait, &look, &err) == OK)
        return look;
    log_warn("jobs: %s", err.message);
    world->sleep_ms(world, DEAF_MS);
    return true;
}

static void *thread_main(void *ctx)
{
    struct shared *s = ctx;
    int64_t each = look_each_ms();
    bool news = true;
    while (!atomic_load(&s->stopping) && !atomic_load(&s->lost)) {
        if (is_time(s, &s->beat_ms, BEAT_MS))
            beat(s);
        if (is_time(s, &s->stops_ms, STOPS_MS) || news)
            stop_asked(s);
        if (is_time(s, &s->look_ms, each) || news) {
            claim(s);
            help(s);
        }
        news = rest(s);
    }
    return NULL;
}

struct shared *shared_start(struct work *work, struct err *err)
{
    struct store *first = work->options.store;
    struct shared *s = mem_alloc(sizeof *s);
    s->work = work;
    if (first->does->open_another(first, false, &s->store, err) == OK) {
        int rc = pthread_create(&s->thread, NULL, thread_main, s);
        s->running = rc == 0;
        if (s->running)
            return s;
        err_set(err, ERR_IO, "starting to take jobs: %s", strerror(rc));
        s->store->does->close(s->store);
    }
    free(s);
    return NULL;
}

void shared_stop_thread(struct shared *s)
{
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    work_ring(s->work);
    pthread_join(s->thread, NULL);
    s->store->does->close(s->store);
    free(s);
}

bool work_lost(struct work *work)
{
    return work && work->shared && atomic_load(&work->shared->lost);
}

bool work_elected(struct work *work, struct store *store, const char *office, const char *owner)
{
    struct arena *arena = arena_new();
    struct store_lease holder;
    struct err err = {0};
    bool taken = !work->options.shared;
    if (!taken &&
        store->does->leases->take(store, arena, office, owner, ELECTED_MS, &taken, &holder, &err) != OK)
        log_warn("%s: %s", office, err.message);
    arena_free(arena);
    return taken;
}
