/* recents.c - one ring of ids per user. */
#include "localorg/rest/recents.h"

#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct ring {
    size_t count;
    char ids[RECENTS_KEPT][19]; /* newest first */
};

struct recents {
    pthread_mutex_t lock;
    struct map *users; /* user id -> struct ring */
};

struct recents *recents_new(void)
{
    struct recents *recents = mem_alloc(sizeof *recents);
    pthread_mutex_init(&recents->lock, NULL);
    recents->users = map_new();
    return recents;
}

static void drop(struct recents *recents)
{
    size_t at = 0;
    const char *key;
    void *ring;
    while (map_next(recents->users, &at, &key, &ring))
        free(ring);
    map_free(recents->users);
}

void recents_free(struct recents *recents)
{
    if (!recents)
        return;
    drop(recents);
    pthread_mutex_destroy(&recents->lock);
    free(recents);
}

void recents_clear(struct recents *recents)
{
    pthread_mutex_lock(&recents->lock);
    drop(recents);
    recents->users = map_new();
    pthread_mutex_unlock(&recents->lock);
}

void recents_touch(struct recents *recents, const char *user_id, const char *record_id)
{
    size_t at;
    pthread_mutex_lock(&recents->lock);
    struct ring *ring = map_get(recents->users, user_id);
    if (!ring) {
        ring = mem_alloc(sizeof *ring);
        map_put(recents->users, user_id, ring);
    }
    for (at = 0; at < ring->count && strcmp(ring->ids[at], record_id) != 0; at++)
        ;
    if (at == ring->count && ring->count < RECENTS_KEPT)
        ring->count++;
    else if (at == ring->count)
        at = ring->count - 1;
    memmove(ring->ids[1], ring->ids[0], at * sizeof ring->ids[0]);
    memcpy(ring->ids[0], record_id, 18);
    ring->ids[0][18] = '\0';
    pthread_mutex_unlock(&recents->lock);
}

size_t recents_list(struct recents *recents, const char *user_id, char (*ids)[19], size_t max)
{
    pthread_mutex_lock(&recents->lock);
    const struct ring *ring = map_get(recents->users, user_id);
    size_t count = ring ? ring->count : 0;
    if (count > max)
        count = max;
    if (count)
        memcpy(ids, ring->ids, count * sizeof *ids);
    pthread_mutex_unlock(&recents->lock);
    return count;
}
