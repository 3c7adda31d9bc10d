/* waiting.c - a list of places and one thread that looks whose turn it is. */
#include "localorg/rest/waiting.h"

#include "base/vec.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

struct place {
    uint64_t ticket;
    int64_t until_ms; /* monotonic, of the machine */
    bool woken;
    waiting_fn *resume; /* NULL: reserved only */
    void *ctx;
};

struct waiting {
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t changed;
    VEC(struct place) places;
    uint64_t last;
    bool closing;
};

static int64_t monotonic_ms(void)
{
    struct timespec t; /* what pthread_cond_timedwait goes by */
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Under the lock: takes one whose turn it is out of the list. */
static bool take_due(struct waiting *waiting, struct place *out)
{
    int64_t now_ms = monotonic_ms();
    for (size_t i = 0; i < waiting->places.len; i++) {
        struct place *place = &waiting->places.at[i];
        if (!place->resume || !(place->woken || waiting->closing || place->until_ms <= now_ms))
            continue;
        *out = *place;
        *place = waiting->places.at[--waiting->places.len];
        return true;
    }
    return false;
}

/* Under the lock: sleeps until something changes or somebody's time is up. */
static void sleep_some(struct waiting *waiting)
{
    int64_t first_ms = INT64_MAX;
    for (size_t i = 0; i < waiting->places.len; i++)
        if (waiting->places.at[i].resume && waiting->places.at[i].until_ms < first_ms)
            first_ms = waiting->places.at[i].until_ms;
    if (first_ms == INT64_MAX) {
        pthread_cond_wait(&waiting->changed, &waiting->lock);
        return;
    }
    struct timespec until = {.tv_sec = first_ms / 1000, .tv_nsec = first_ms % 1000 * 1000000};
    pthread_cond_timedwait(&waiting->changed, &waiting->lock, &until);
}

static void *room_main(void *ctx)
{
    struct waiting *waiting = ctx;
    struct place place;
    pthread_mutex_lock(&waiting->lock);
    for (;;) {
        if (take_due(waiting, &place)) {
            pthread_mutex_unlock(&waiting->lock);
            place.resume(place.ctx);
            pthread_mutex_lock(&waiting->lock);
        } else if (waiting->closing && !waiting->places.len) {
            break;
        } else {
            sleep_some(waiting);
        }
    }
    pthread_mutex_unlock(&waiting->lock);
    return NULL;
}

struct waiting *waiting_new(void)
{
    struct waiting *waiting = mem_alloc(sizeof *waiting);
    pthread_condattr_t monotonic;
    pthread_mutex_init(&waiting->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&waiting->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    waiting->running = pthread_create(&waiting->thread, NULL, room_main, waiting) == 0;
    waiting->closing = !waiting->running;
    return waiting;
}

void waiting_close(struct waiting *waiting)
{
    if (!waiting || !waiting->running)
        return;
    pthread_mutex_lock(&waiting->lock);
    waiting->closing = true;
    pthread_cond_broadcast(&waiting->changed);
    pthread_mutex_unlock(&waiting->lock);
    pthread_join(waiting->thread, NULL);
    waiting->running = false;
}

void waiting_free(struct waiting *waiting)
{
    if (!waiting)
        return;
    waiting_close(waiting);
    vec_free(&waiting->places);
    pthread_mutex_destroy(&waiting->lock);
    pthread_cond_destroy(&waiting->changed);
    free(waiting);
}

uint64_t waiting_reserve(struct waiting *waiting, int64_t at_most_ms)
{
    struct place place = {.until_ms = monotonic_ms() + (at_most_ms > 0 ? at_most_ms : 0)};
    pthread_mutex_lock(&waiting->lock);
    if (!waiting->closing) {
        place.ticket = ++waiting->last;
        vec_push(&waiting->places, place);
    }
    pthread_mutex_unlock(&waiting->lock);
    return place.ticket;
}

static struct place *place_of(struct waiting *waiting, uint64_t ticket)
{
    for (size_t i = 0; i < waiting->places.len; i++)
        if (waiting->places.at[i].ticket == ticket)
            return &waiting->places.at[i];
    return NULL;
}

void waiting_enter(struct waiting *waiting, uint64_t ticket, waiting_fn *resume, void *ctx)
{
    pthread_mutex_lock(&waiting->lock);
    struct place *place = place_of(waiting, ticket);
    if (place) {
        place->resume = resume;
        place->ctx = ctx;
        pthread_cond_broadcast(&waiting->changed);
    }
    pthread_mutex_unlock(&waiting->lock);
}

void waiting_wake(struct waiting *waiting, uint64_t ticket)
{
    pthread_mutex_lock(&waiting->lock);
    struct place *place = ticket ? place_of(waiting, ticket) : NULL;
    if (place) {
        place->woken = true;
        pthread_cond_broadcast(&waiting->changed);
    }
    pthread_mutex_unlock(&waiting->lock);
}
