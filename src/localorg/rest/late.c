/* late.c - the list of requests on their long way; see late.h. */
#include "localorg/rest/late.h"

#include "base/vec.h"
#include "localorg/rest/routes.h"
#include "localorg/rest/waiting.h"

#include <pthread.h>
#include <string.h>

struct letter {
    struct arena *arena;
    struct http_in in;
    int64_t due_ms;
};

struct late {
    pthread_mutex_t lock;
    VEC(struct letter *) letters; /* in order of arrival */
};

struct late *late_new(void)
{
    struct late *late = mem_alloc(sizeof *late);
    pthread_mutex_init(&late->lock, NULL);
    return late;
}

static void letter_free(struct letter *letter)
{
    struct arena *arena = letter->arena;
    buf_free(&letter->in.body);
    arena_free(arena); /* the letter lives on it */
}

void late_clear(struct late *late)
{
    pthread_mutex_lock(&late->lock);
    for (size_t i = 0; i < late->letters.len; i++)
        letter_free(late->letters.at[i]);
    late->letters.len = 0;
    pthread_mutex_unlock(&late->lock);
}

void late_free(struct late *late)
{
    if (!late)
        return;
    late_clear(late);
    vec_free(&late->letters);
    pthread_mutex_destroy(&late->lock);
    free(late);
}

static const struct http_header *headers_copy(struct arena *arena, const struct http_header *from)
{
    struct http_header *first = NULL, **last = &first;
    for (; from; from = from->next) {
        *last = arena_alloc(arena, sizeof **last);
        (*last)->name = arena_strdup(arena, from->name);
        (*last)->value = arena_strdup(arena, from->value);
        (*last)->next = NULL;
        last = &(*last)->next;
    }
    return first;
}

static void wake(void *ctx)
{
    late_run(ctx);
}

void late_add(struct site *site, const struct http_in *in, int64_t delay_ms)
{
    struct arena *arena = arena_new();
    struct letter *letter = arena_alloc(arena, sizeof *letter);
    *letter = (struct letter){.arena = arena,
                              .due_ms = org_now_ms(site->org) + delay_ms,
                              .in = {.method = arena_strdup(arena, in->method),
                                     .path = arena_strdup(arena, in->path),
                                     .query = arena_strdup(arena, in->query),
                                     .headers = headers_copy(arena, in->headers),
                                     .peer = arena_strdup(arena, in->peer),
                                     .arena = arena}};
    buf_append(&letter->in.body, buf_text(&in->body), in->body.len);
    pthread_mutex_lock(&site->late->lock);
    vec_push(&site->late->letters, letter);
    pthread_mutex_unlock(&site->late->lock);
    uint64_t ticket = site->server ? waiting_reserve(site->waiting, delay_ms + 1) : 0;
    if (ticket)
        waiting_enter(site->waiting, ticket, wake, site);
}

/* The one that is due first, out of the list; NULL. */
static struct letter *take_due(struct late *late, int64_t now_ms)
{
    struct letter *due = NULL;
    size_t at = 0;
    pthread_mutex_lock(&late->lock);
    for (size_t i = 0; i < late->letters.len; i++) {
        struct letter *letter = late->letters.at[i];
        if (letter->due_ms <= now_ms && (!due || letter->due_ms < due->due_ms)) {
            due = letter;
            at = i;
        }
    }
    if (due) {
        late->letters.len--;
        memmove(&late->letters.at[at], &late->letters.at[at + 1],
                (late->letters.len - at) * sizeof *late->letters.at);
    }
    pthread_mutex_unlock(&late->lock);
    return due;
}

void late_run(struct site *site)
{
    struct letter *letter;
    while (late_count(site->late) && (letter = take_due(site->late, org_now_ms(site->org)))) {
        org_clock_pretend(letter->due_ms);
        routes_deliver(site, &letter->in);
        org_clock_pretend(0);
        letter_free(letter);
    }
}

size_t late_count(struct late *late)
{
    pthread_mutex_lock(&late->lock);
    size_t count = late->letters.len;
    pthread_mutex_unlock(&late->lock);
    return count;
}
