/* cursors.c - the list of open query locators.
 *
 * Two locks: the list's, held for moments, and each cursor's, held while a
 * page is written. A cursor that is closed while a page is being written goes
 * away when its last holder gives it back. */
#include "localorg/rest/cursors.h"

#include "base/mem.h"
#include "base/vec.h"
#include "localorg/rest/dice.h"

#include <stdio.h>
#include <string.h>

#define FINISHED_KEPT_MS (60 * 1000)
#define CHILD_LISTS_MAX  2000 /* a user's */

struct cursors {
    pthread_mutex_t lock;
    struct dice *dice;
    VEC(struct cursor *) open; /* oldest first */
};

struct cursors *cursors_new(struct dice *dice)
{
    struct cursors *cursors = mem_alloc(sizeof *cursors);
    pthread_mutex_init(&cursors->lock, NULL);
    cursors->dice = dice;
    return cursors;
}

static void cursor_free(struct cursor *cursor)
{
    soql_close(cursor->rows);
    arena_free(cursor->arena);
    pthread_mutex_destroy(&cursor->lock);
    free(cursor);
}

/* Under the list's lock. */
static void close_at(struct cursors *cursors, size_t i)
{
    struct cursor *cursor = cursors->open.at[i];
    memmove(&cursors->open.at[i], &cursors->open.at[i + 1],
            (cursors->open.len - i - 1) * sizeof *cursors->open.at);
    cursors->open.len--;
    cursor->gone = true;
    if (cursor->holders == 0)
        cursor_free(cursor);
}

void cursors_clear(struct cursors *cursors)
{
    pthread_mutex_lock(&cursors->lock);
    while (cursors->open.len)
        close_at(cursors, cursors->open.len - 1);
    pthread_mutex_unlock(&cursors->lock);
}

void cursors_free(struct cursors *cursors)
{
    if (!cursors)
        return;
    cursors_clear(cursors);
    vec_free(&cursors->open);
    pthread_mutex_destroy(&cursors->lock);
    free(cursors);
}

/* One that was read to its end is kept for a minute: its last page may have
 * been lost on the way and be asked for again. */
static void sweep(struct cursors *cursors, int64_t now_ms)
{
    for (size_t i = cursors->open.len; i-- > 0;) {
        const struct cursor *cursor = cursors->open.at[i];
        if (cursor->finished_ms && now_ms - cursor->used_ms > FINISHED_KEPT_MS)
            close_at(cursors, i);
    }
}

/* Cursors of one user that are counted together: queries, or cut child lists. */
static bool same_kind(const struct cursor *a, const struct cursor *b)
{
    return strcmp(a->user_id, b->user_id) == 0 && !a->child == !b->child;
}

void cursors_keep(struct cursors *cursors, struct cursor *fresh, int64_t now_ms, int64_t most,
                  char locator[19])
{
    struct cursor *cursor = mem_alloc(sizeof *cursor);
    char number[10], id15[32];
    *cursor = *fresh;
    pthread_mutex_init(&cursor->lock, NULL);
    dice_text(cursors->dice, DICE_BASE62, 9, number);
    snprintf(id15, sizeof id15, "0r8xx0%s", number);
    id_to_18(id15, cursor->locator);
    cursor->made_ms = cursor->used_ms = now_ms;
    memcpy(locator, cursor->locator, 19);
    pthread_mutex_lock(&cursors->lock);
    sweep(cursors, now_ms);
    int64_t held = 0;
    if (cursor->child)
        most = CHILD_LISTS_MAX;
    for (size_t i = 0; i < cursors->open.len; i++)
        held += same_kind(cursors->open.at[i], cursor);
    for (size_t i = 0; held >= most && i < cursors->open.len;) {
        if (same_kind(cursors->open.at[i], cursor)) {
            close_at(cursors, i);
            held--;
        } else {
            i++;
        }
    }
    vec_push(&cursors->open, cursor);
    pthread_mutex_unlock(&cursors->lock);
}

struct cursor *cursors_take(struct cursors *cursors, const char *locator, const char *user_id,
                            int64_t now_ms, int64_t lifetime_ms, bool *theirs)
{
    struct cursor *found = NULL;
    *theirs = false;
    pthread_mutex_lock(&cursors->lock);
    for (size_t i = 0; i < cursors->open.len && !found; i++) {
        struct cursor *cursor = cursors->open.at[i];
        if (strncmp(cursor->locator, locator, 15) != 0)
            continue;
        if (strcmp(cursor->user_id, user_id) != 0) {
            *theirs = true;
            break;
        }
        if (now_ms - cursor->made_ms > lifetime_ms) {
            close_at(cursors, i);
            break;
        }
        found = cursor;
        found->holders++;
    }
    pthread_mutex_unlock(&cursors->lock);
    if (found)
        pthread_mutex_lock(&found->lock);
    return found;
}

void cursors_give(struct cursors *cursors, struct cursor *cursor, int64_t now_ms)
{
    bool done = cursor->at >= cursor->total;
    pthread_mutex_unlock(&cursor->lock);
    pthread_mutex_lock(&cursors->lock);
    cursor->used_ms = now_ms;
    cursor->finished_ms = done ? now_ms : 0;
    if (--cursor->holders == 0 && cursor->gone)
        cursor_free(cursor);
    pthread_mutex_unlock(&cursors->lock);
}

size_t cursors_count(struct cursors *cursors)
{
    pthread_mutex_lock(&cursors->lock);
    size_t count = cursors->open.len;
    pthread_mutex_unlock(&cursors->lock);
    return count;
}
