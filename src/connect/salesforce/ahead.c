/* ahead.c - the next page of a query, fetched and parsed while this one is stored.
 *
 * Call order: start with the next page's locator, take (waits) or drop. The
 * thread owns a side session of its own, with its own HTTP client; the reader's
 * session is touched only by the caller's thread, before the thread starts and
 * after it was joined. It tries once: whatever goes wrong is thrown away and
 * the page is asked for again in the usual way, which knows about retries,
 * ended sessions and lost cursors. The price is one API call when a read is
 * given up half-way.
 *
 * Two arenas take turns: the caller works on the page taken last while the
 * thread fills the other one. */
#include "connect/salesforce/sf_priv.h"

#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct sf_ahead {
    struct sf *side;
    char *path;
    pthread_t thread;
    bool running;
    bool in_line; /* no thread: the world has only one */
    struct arena *arenas[2];
    int filling; /* which of them the thread has */
    bool good;
    struct sf_rows rows;
};

struct sf_ahead *sf_ahead_new(struct sf *sf)
{
    struct err ignored = {0};
    struct sf *side = sf_side_new(sf, &ignored);
    if (!side)
        return NULL;
    struct sf_ahead *ahead = mem_alloc(sizeof *ahead);
    ahead->side = side;
    ahead->arenas[0] = arena_new();
    ahead->arenas[1] = arena_new();
    return ahead;
}

static void *fetch(void *arg)
{
    struct sf_ahead *ahead = arg;
    struct err ignored = {0};
    struct http_response response;
    struct arena *arena = ahead->arenas[ahead->filling];
    struct sf_call call = {.path = ahead->path};
    ahead->good = false;
    if (sf_send(ahead->side, &call, &response, &ignored) == OK && response.status == 200) {
        const struct json *body = json_parse_buf(arena, &response.body, &ignored);
        ahead->good = body && sf_rows_take(body, arena, &ahead->rows, &ignored) == OK;
    }
    http_response_free(&response);
    return NULL;
}

void sf_ahead_start(struct sf_ahead *ahead, struct sf *sf, const char *locator)
{
    sigset_t all, before;

    sf_side_ready(ahead->side, sf);
    ahead->filling = !ahead->filling;
    arena_reset(ahead->arenas[ahead->filling]);
    ahead->path = mem_printf("/query/%s", locator);
    ahead->running = true;
    ahead->in_line = sf->world->alone;
    if (ahead->in_line) {
        fetch(ahead);
        return;
    }
    sigfillset(&all); /* signals are the main thread's business */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    ahead->running = pthread_create(&ahead->thread, NULL, fetch, ahead) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void join(struct sf_ahead *ahead, struct sf *sf)
{
    if (!ahead->in_line)
        pthread_join(ahead->thread, NULL);
    ahead->running = false;
    sf_side_done(ahead->side, sf);
}

bool sf_ahead_take(struct sf_ahead *ahead, struct sf *sf, struct sf_rows *rows)
{
    bool came = ahead->running;
    if (came)
        join(ahead, sf);
    free(ahead->path);
    ahead->path = NULL;
    *rows = ahead->rows;
    return came && ahead->good;
}

void sf_ahead_free(struct sf_ahead *ahead, struct sf *sf)
{
    if (!ahead)
        return;
    if (ahead->running)
        join(ahead, sf);
    free(ahead->path);
    arena_free(ahead->arenas[0]);
    arena_free(ahead->arenas[1]);
    sf_free(ahead->side);
    free(ahead);
}
