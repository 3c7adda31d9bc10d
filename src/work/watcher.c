/* watcher.c - see watcher.h; auto_delete is its second office. Looks when a run may have ended, and at least every LOOK_MS. */
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

struct watcher {
    struct engine engine;
    struct store *store;
    const char *url;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping, woken;
    int64_t tidy_next_ms;
};

static void look(struct watcher *w)
{
    struct alerts_looked looked;
    struct alerts_delivered delivered;
    struct err err = {0};
    if (alerts_look(&w->engine, &looked, &err) != OK ||
        alerts_deliver(&w->engine, w->url, &delivered, &err) != OK)
        log_error("alerts: %s", err.message);
}

/* Rows that have waited long enough. Looking takes no more than a twentieth of the time. */
static void tidy(struct watcher *w)
{
    struct world *world = w->engine.world;
    int64_t began = world->monotonic_ms(world), removed = 0;
    struct err err = {0};
    if (began < w->tidy_next_ms)
        return;
    if (tidy_all(&w->engine, &removed, &err) != OK)
        log_error("auto_delete: %s", err.message);
    int64_t ended = world->monotonic_ms(world);
    w->tidy_next_ms = ended + LOOK_MS / 2 + 20 * (ended - began);
}

/* With the lock held: for so long, or until woken when `wakes`, or stopping. */
static void rest(struct watcher *w, int64_t ms, bool wakes)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!w->stopping && !(wakes && w->woken) && rc == 0)
        rc = pthread_cond_timedwait(&w->changed, &w->lock, &until);
}

static void *thread_main(void *ctx)
{
    struct watcher *w = ctx;
    pthread_mutex_lock(&w->lock);
    while (!w->stopping) {
        w->woken = false;
        pthread_mutex_unlock(&w->lock);
        look(w);
        tidy(w);
        pthread_mutex_lock(&w->lock);
        rest(w, PAUSE_MS, false);
        rest(w, LOOK_MS, true);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct watcher *watcher_start(const struct work_options *options, const char *url, struct err *err)
{
    struct watcher *w = mem_alloc(sizeof *w);
    pthread_condattr_t monotonic;
    if (options->store->does->open_another(options->store, false, &w->store, err) != OK) {
        free(w);
        return NULL;
    }
    w->url = url;
    w->engine = (struct engine){.world = options->world,
                                .store = w->store,
                                .vault = options->vault,
                                .http = http_client_new(options->world, "argil"),
                                .actor = "alerts"};
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&w->thread, NULL, thread_main, w)) {
        err_set(err, ERR_IO, "a thread for alerts could not be started");
        w->stopping = true;
        w->store->does->close(w->store);
        http_client_free(w->engine.http);
        free(w);
        return NULL;
    }
    return w;
}

void watcher_wake(struct watcher *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->woken = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

void watcher_stop(struct watcher *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    w->store->does->close(w->store);
    http_client_free(w->engine.http);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
