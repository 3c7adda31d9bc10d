/* turnstile.c - wrong passwords in a row, and sign-ins in an hour, per user.
 * In memory only: a restart forgives, as nothing promises otherwise. */
#include "localorg/rest/turnstile.h"

#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

struct visitor {
    int64_t wrong, last_wrong_ms;
    int64_t hour, logins; /* of the hour numbered so */
};

struct turnstile {
    pthread_mutex_t lock;
    struct map *visitors; /* user id -> struct visitor */
};

struct turnstile *turnstile_new(void)
{
    struct turnstile *turnstile = mem_alloc(sizeof *turnstile);
    pthread_mutex_init(&turnstile->lock, NULL);
    turnstile->visitors = map_new();
    return turnstile;
}

void turnstile_free(struct turnstile *turnstile)
{
    size_t at = 0;
    void *visitor;
    if (!turnstile)
        return;
    while (map_next(turnstile->visitors, &at, &(const char *){NULL}, &visitor))
        free(visitor);
    map_free(turnstile->visitors);
    pthread_mutex_destroy(&turnstile->lock);
    free(turnstile);
}

static struct visitor *visitor_of(struct turnstile *turnstile, const char *user_id)
{
    struct visitor *visitor = map_get(turnstile->visitors, user_id);
    if (!visitor) {
        visitor = mem_alloc(sizeof *visitor);
        map_put(turnstile->visitors, user_id, visitor);
    }
    return visitor;
}

void turnstile_wrong(struct turnstile *turnstile, const char *user_id, int64_t now_ms)
{
    pthread_mutex_lock(&turnstile->lock);
    struct visitor *visitor = visitor_of(turnstile, user_id);
    visitor->wrong++;
    visitor->last_wrong_ms = now_ms;
    pthread_mutex_unlock(&turnstile->lock);
}

void turnstile_pass(struct turnstile *turnstile, const char *user_id, int64_t now_ms,
                    bool with_password)
{
    pthread_mutex_lock(&turnstile->lock);
    struct visitor *visitor = visitor_of(turnstile, user_id);
    int64_t hour = now_ms / 3600000;
    if (visitor->hour != hour)
        visitor->logins = 0;
    visitor->hour = hour;
    visitor->logins++;
    if (with_password)
        visitor->wrong = 0;
    pthread_mutex_unlock(&turnstile->lock);
}

bool turnstile_locked(struct turnstile *turnstile, const char *user_id, int64_t now_ms,
                      int64_t attempts, int64_t lockout_s)
{
    pthread_mutex_lock(&turnstile->lock);
    struct visitor *visitor = visitor_of(turnstile, user_id);
    bool locked = attempts > 0 && visitor->wrong >= attempts;
    if (locked && now_ms - visitor->last_wrong_ms > lockout_s * 1000) {
        visitor->wrong = 0;
        locked = false;
    }
    pthread_mutex_unlock(&turnstile->lock);
    return locked;
}

bool turnstile_busy(struct turnstile *turnstile, const char *user_id, int64_t now_ms, int64_t most)
{
    pthread_mutex_lock(&turnstile->lock);
    const struct visitor *visitor = visitor_of(turnstile, user_id);
    bool busy = visitor->hour == now_ms / 3600000 && visitor->logins >= most;
    pthread_mutex_unlock(&turnstile->lock);
    return busy;
}
