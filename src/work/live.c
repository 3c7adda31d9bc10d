/* live.c - see live.h. */
#include "work/live.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "engine/live.h"
#include "work/work_priv.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define LOOK_MS        2000
#define REST_FIRST_MS  ((int64_t)2000)
#define REST_LONGEST_MS ((int64_t)5 * 60 * 1000)

/* One connection's thread. */
struct listener {
    struct live *live;
    char *connection;
    char hash[65];     /* of the sources that it was started for */
    pthread_t thread;
    atomic_bool stop, ended;
    int64_t rest_ms;   /* before it is started again */
    int64_t ended_ms;  /* monotonic */
    bool running, wanted;
};

struct live {
    struct work *work;
    struct store *store;
    struct world *world;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping, woken;
    VEC(struct listener *) listeners;
    char owner[37]; /* of the office, where processes share the work */
};

/* --------------------------------------------------------------- listening */

static void order_sync(void *ctx, const char *table, const char *source)
{
    struct live *live = ctx;
    struct err err = {0};
    int64_t run_id;
    struct job_order order = {
        .kind = JOB_SYNC, .table = table, .source = source, .who = "live", .cause = "schedule"};
    if (work_order(live->work, &order, &run_id, &err) != OK && !err_is(&err, ERR_WORK_UNDER_WAY))
        log_warn("live: a sync of %s: %s", table, err.message);
}

static void order_run(void *ctx, const char *table)
{
    struct live *live = ctx;
    work_run_due(live->work, table);
}

static void *listener_main(void *ctx)
{
    struct listener *l = ctx;
    struct live *live = l->live;
    struct err err = {0};
    struct live_watch watch = {live, order_sync, order_run};
    struct seat *seat = seat_get(live->work, &err);
    enum status rc = FAIL;
    if (seat) {
        seat->engine.stop = &l->stop;
        seat->engine.actor = "live";
        rc = live_listen(&seat->engine, l->connection, &watch, &err);
        seat_give(live->work, seat);
    }
    if (rc != OK)
        log_warn("live: connection %s: %s; again in %lld s", l->connection, err.message,
                 (long long)l->rest_ms / 1000);
    l->ended_ms = live->world->monotonic_ms(live->world);
    atomic_store(&l->ended, true);
    live_wake(live);
    return NULL;
}

static void listener_begin(struct listener *l)
{
    atomic_store(&l->stop, false);
    atomic_store(&l->ended, false);
    int rc = pthread_create(&l->thread, NULL, listener_main, l);
    l->running = rc == 0;
    if (rc)
        log_error("live: starting a listener: %s", strerror(rc));
}

/* Waits until it has left: within a second, unless the org hangs in a read. */
static void listener_end(struct listener *l)
{
    if (!l->running)
        return;
    atomic_store(&l->stop, true);
    pthread_join(l->thread, NULL);
    l->running = false;
}

static void listener_free(struct listener *l)
{
    listener_end(l);
    free(l->connection);
    free(l);
}

/* ----------------------------------------------------------------- looking */

static struct listener *listener_of(struct live *live, const char *connection)
{
    for (size_t i = 0; i < live->listeners.len; i++)
        if (text_eq(live->listeners.at[i]->connection, connection))
            return live->listeners.at[i];
    struct listener *l = mem_alloc(sizeof *l);
    l->live = live;
    l->connection = mem_strdup(connection);
    l->rest_ms = REST_FIRST_MS;
    vec_push(&live->listeners, l);
    return l;
}

/* One that has ended rests, longer each time, up to five minutes; another recipe begins anew. */
static void keep_going(struct live *live, struct listener *l, const char *hash)
{
    bool changed = !text_eq(l->hash, hash);
    int64_t now = live->world->monotonic_ms(live->world);
    l->wanted = true;
    if (l->running && (changed || atomic_load(&l->ended))) {
        bool failed = atomic_load(&l->ended);
        listener_end(l);
        if (failed)
            l->rest_ms = l->rest_ms * 2 < REST_LONGEST_MS ? l->rest_ms * 2 : REST_LONGEST_MS;
    }
    if (changed) {
        l->rest_ms = REST_FIRST_MS;
        l->ended_ms = 0;
        snprintf(l->hash, sizeof l->hash, "%s", hash);
    }
    if (!l->running && (!l->ended_ms || now - l->ended_ms >= l->rest_ms))
        listener_begin(l);
}

/* What a connection's listener must know of: another text, another listener. */
static void describe(struct buf *out, const struct table *table, const struct source *source)
{
    buf_printf(out, "%lld %d %lld %s\n", (long long)table->id, source->slot,
               (long long)table->changed_ms, source->config);
}

static void look_at(struct live *live, const struct table *tables, size_t count,
                    const char *connection)
{
    struct buf text = BUF_INIT;
    char hash[65];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < tables[i].source_count; k++) {
            const struct source *s = &tables[i].sources[k];
            if (text_eq(s->connection, connection) && live_wanted(s))
                describe(&text, &tables[i], s);
        }
    sha256_hex(buf_text(&text), text.len, hash);
    buf_free(&text);
    keep_going(live, listener_of(live, connection), hash);
}

static void drop_unwanted(struct live *live)
{
    for (size_t i = 0; i < live->listeners.len;) {
        if (live->listeners.at[i]->wanted) {
            i++;
            continue;
        }
        listener_free(live->listeners.at[i]);
        live->listeners.at[i] = live->listeners.at[--live->listeners.len];
    }
}

static void look(struct live *live)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    struct table *tables;
    size_t count;
    for (size_t i = 0; i < live->listeners.len; i++)
        live->listeners.at[i]->wanted = false;
    if (!work_elected(live->work, live->store, "live", live->owner)) {
        arena_free(arena);
        drop_unwanted(live);
        return;
    }
    if (live->store->does->table_list(live->store, arena, &tables, &count, &err) != OK) {
        log_error("live: %s", err.message);
        arena_free(arena);
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < tables[i].source_count; k++) {
            const struct source *s = &tables[i].sources[k];
            if (s->connection && live_wanted(s) && !listener_of(live, s->connection)->wanted)
                look_at(live, tables, count, s->connection);
        }
    arena_free(arena);
    drop_unwanted(live);
}

static void *thread_main(void *ctx)
{
    struct live *live = ctx;
    pthread_mutex_lock(&live->lock);
    while (!live->stopping) {
        struct timespec until;
        int rc = 0;
        pthread_mutex_unlock(&live->lock);
        look(live);
        pthread_mutex_lock(&live->lock);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_MS / 1000;
        while (!live->stopping && !live->woken && rc != ETIMEDOUT)
            rc = pthread_cond_timedwait(&live->changed, &live->lock, &until);
        live->woken = false;
    }
    pthread_mutex_unlock(&live->lock);
    return NULL;
}

/* ----------------------------------------------------------- start and stop */

struct live *live_start(struct work *work, struct store *store, struct world *world,
                        struct err *err)
{
    struct live *live = mem_alloc(sizeof *live);
    pthread_condattr_t monotonic;
    live->work = work;
    live->world = world;
    uuid4(world, live->owner);
    if (store->does->open_another(store, !work->options.shared, &live->store, err) != OK) {
        free(live);
        return NULL;
    }
    pthread_mutex_init(&live->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&live->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = pthread_create(&live->thread, NULL, thread_main, live);
    if (rc == 0)
        return live;
    err_set(err, ERR_IO, "starting to listen: %s", strerror(rc));
    live->store->does->close(live->store);
    free(live);
    return NULL;
}

static void poke(struct live *live, bool *what)
{
    pthread_mutex_lock(&live->lock);
    *what = true;
    pthread_cond_broadcast(&live->changed);
    pthread_mutex_unlock(&live->lock);
}

void live_wake(struct live *live)
{
    if (live)
        poke(live, &live->woken);
}

void live_stop(struct live *live)
{
    if (!live)
        return;
    poke(live, &live->stopping);
    pthread_join(live->thread, NULL);
    for (size_t i = 0; i < live->listeners.len; i++)
        atomic_store(&live->listeners.at[i]->stop, true);
    for (size_t i = 0; i < live->listeners.len; i++)
        listener_free(live->listeners.at[i]);
    vec_free(&live->listeners);
    live->store->does->close(live->store);
    pthread_mutex_destroy(&live->lock);
    pthread_cond_destroy(&live->changed);
    free(live);
}
