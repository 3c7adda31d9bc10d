/* watcher.c - see watcher.h. Two offices, a thread and a handle of the store each: alerts,
 * which looks when a run may have ended, and auto_delete; both at least every LOOK_MS. A mail
 * server that hangs keeps rows from going no more than it keeps anything else. */
#include "work/watcher.h"

#include "base/log.h"
#include "base/mem.h"
#include "engine/alerts.h"
#include "engine/tidy.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_MS   30000
#define PAUSE_MS  1000 /* between two looks: runs end by the dozen */

struct office {
    struct watcher *watcher;
    void (*look)(struct office *);
    struct engine engine;
    pthread_t thread;
    bool running, woken;
    int64_t next_ms; /* auto_delete: not before */
};

struct watcher {
    const char *url;
    pthread_mutex_t lock; /* `stopping`, and `woken` of each */
    pthread_cond_t changed;
    bool stopping;
    struct office alerts, tidying;
};

static void look_for_alerts(struct office *o)
{
    struct alerts_looked looked;
    struct alerts_delivered delivered;
    struct err err = {0};
    if (alerts_look(&o->engine, &looked, &err) != OK ||
        alerts_deliver(&o->engine, o->watcher->url, &delivered, &err) != OK)
        log_error("alerts: %s", err.message);
}

/* Rows that have waited long enough. Looking takes no more than a twentieth of the time. */
static void tidy(struct office *o)
{
    struct world *world = o->engine.world;
    int64_t began = world->monotonic_ms(world), removed = 0;
    struct err err = {0};
    if (began < o->next_ms)
        return;
    if (tidy_all(&o->engine, &removed, &err) != OK)
        log_error("auto_delete: %s", err.message);
    int64_t ended = world->monotonic_ms(world);
    o->next_ms = ended + LOOK_MS / 2 + 20 * (ended - began);
}

/* With the lock held: for so long, or until woken when `wakes`, or stopping. */
static void rest(struct office *o, int64_t ms, bool wakes)
{
    struct watcher *w = o->watcher;
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!w->stopping && !(wakes && o->woken) && rc == 0)
        rc = pthread_cond_timedwait(&w->changed, &w->lock, &until);
}

static void *thread_main(void *ctx)
{
    struct office *o = ctx;
    struct watcher *w = o->watcher;
    pthread_mutex_lock(&w->lock);
    while (!w->stopping) {
        o->woken = false;
        pthread_mutex_unlock(&w->lock);
        o->look(o);
        pthread_mutex_lock(&w->lock);
        rest(o, PAUSE_MS, false);
        rest(o, LOOK_MS, true);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static enum status office_open(struct office *o, const struct work_options *options, struct err *err)
{
    struct store *store;
    if (options->store->does->open_another(options->store, false, &store, err) != OK)
        return FAIL;
    o->engine = (struct engine){.world = options->world,
                                .store = store,
                                .vault = options->vault,
                                .http = http_client_new(options->world, "argil"),
                                .actor = "alerts"};
    o->running = pthread_create(&o->thread, NULL, thread_main, o) == 0;
    return o->running ? OK : err_set(err, ERR_IO, "a thread for alerts could not be started");
}

static void office_close(struct office *o)
{
    if (o->running)
        pthread_join(o->thread, NULL);
    if (!o->engine.store)
        return;
    o->engine.store->does->close(o->engine.store);
    http_client_free(o->engine.http);
}

struct watcher *watcher_start(const struct work_options *options, const char *url, struct err *err)
{
    struct watcher *w = mem_alloc(sizeof *w);
    pthread_condattr_t monotonic;
    *w = (struct watcher){.url = url,
                          .alerts = {.watcher = w, .look = look_for_alerts},
                          .tidying = {.watcher = w, .look = tidy}};
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (office_open(&w->alerts, options, err) == OK && office_open(&w->tidying, options, err) == OK)
        return w;
    watcher_stop(w);
    return NULL;
}

void watcher_wake(struct watcher *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->alerts.woken = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

void watcher_stop(struct watcher *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    office_close(&w->alerts);
    office_close(&w->tidying);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
