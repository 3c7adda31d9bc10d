/* tries.c - passwords, how often one may try, how many requests at once.
 *
 * Argon2id takes 64 MiB and a tenth of a second: two at a time, a few may wait,
 * the rest are turned away. Failed sign-ins are counted for the pair of login and
 * peer, for the peer, and for the login; past a limit each further failure
 * doubles the wait. A login that does not exist costs the same time and gets the
 * same answer as a wrong password. Counts live in memory: a restart forgets them. */
#include "api/doors_priv.h"

#include "base/mem.h"
#include "base/str.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define HASHES_AT_ONCE   2
#define HASHES_WAITING   4
#define REQUESTS_AT_ONCE 10 /* of one person */
#define TRIES_KEPT       20000
#define FIRST_WAIT_MS    1000
#define LONGEST_WAIT_MS  ((int64_t)15 * 60 * 1000)
#define FORGET_MS        ((int64_t)24 * 3600 * 1000)

enum { OF_PAIR, OF_PEER, OF_LOGIN, COUNTERS };
static const int free_tries[COUNTERS] = {[OF_PAIR] = 5, [OF_PEER] = 25, [OF_LOGIN] = 100};

struct tries {
    int failed;
    int64_t until_ms, last_ms; /* monotonic */
};

struct doors {
    struct world *world;
    pthread_mutex_t lock;
    pthread_cond_t free_place;
    int hashing, waiting;
    struct map *tries; /* "pair login peer" -> struct tries */
    struct map *busy;  /* user id -> count, as pointer */
};

struct doors *doors_new(struct world *world)
{
    struct doors *doors = mem_alloc(sizeof *doors);
    doors->world = world;
    pthread_mutex_init(&doors->lock, NULL);
    pthread_cond_init(&doors->free_place, NULL);
    doors->tries = map_new();
    doors->busy = map_new();
    return doors;
}

static void forget_tries(struct doors *doors)
{
    size_t at = 0;
    const char *key;
    void *tries;
    while (map_next(doors->tries, &at, &key, &tries))
        free(tries);
    map_free(doors->tries);
    doors->tries = map_new();
}

void doors_free(struct doors *doors)
{
    if (!doors)
        return;
    forget_tries(doors);
    map_free(doors->tries);
    map_free(doors->busy);
    pthread_mutex_destroy(&doors->lock);
    pthread_cond_destroy(&doors->free_place);
    free(doors);
}

/* -------------------------------------------------------------- passwords */

static enum status take_place(struct doors *doors, struct err *err)
{
    pthread_mutex_lock(&doors->lock);
    bool full = doors->waiting >= HASHES_WAITING;
    doors->waiting += !full;
    while (!full && doors->hashing >= HASHES_AT_ONCE)
        pthread_cond_wait(&doors->free_place, &doors->lock);
    doors->waiting -= !full;
    doors->hashing += !full;
    pthread_mutex_unlock(&doors->lock);
    return full ? err_set(err, ERR_TOO_MANY, "too many people sign in at this moment") : OK;
}

static void leave_place(struct doors *doors)
{
    pthread_mutex_lock(&doors->lock);
    doors->hashing--;
    pthread_cond_signal(&doors->free_place);
    pthread_mutex_unlock(&doors->lock);
}

enum status door_hash(struct call *call, const char *password, const char **hash, struct err *err)
{
    char *out = arena_alloc(call->arena, crypto_pwhash_STRBYTES);
    if (take_place(call->api->doors, err) != OK)
        return FAIL;
    int rc = crypto_pwhash_str(out, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                               crypto_pwhash_MEMLIMIT_INTERACTIVE);
    leave_place(call->api->doors);
    *hash = out;
    return rc == 0 ? OK : err_set(err, "password.memory", "no memory to protect a password");
}

/* Of 32 random bytes that nobody kept: a login that is not there costs the time of one that is.
 * Made once, with the numbers that passwords are hashed with; they must stay the same. */
static const char nobodys_hash[crypto_pwhash_STRBYTES] =
    "$argon2id$v=19$m=65536,t=2,p=1$"
    "dra1O5su5yvyy3nh0G3KLA$iZYKtuls/jG5AdSqFvXgbBnK0rHws/m43Y3gZY85QQk";
_Static_assert(crypto_pwhash_OPSLIMIT_INTERACTIVE == 2U &&
                   crypto_pwhash_MEMLIMIT_INTERACTIVE == 67108864U,
               "nobodys_hash has other costs than a password's hash");

enum status door_check(struct call *call, const char *hash, const char *password, struct err *err)
{
    struct doors *doors = call->api->doors;
    if (take_place(doors, err) != OK)
        return FAIL;
    int rc = crypto_pwhash_str_verify(hash ? hash : nobodys_hash, password, strlen(password));
    leave_place(doors);
    if (rc == 0 && hash)
        return OK;
    return err_set(err, ERR_AUTH_WRONG, "login or password is wrong");
}

/* ------------------------------------------------------------------ tries */

static const char *key_of(struct call *call, int of, const char *login)
{
    const char *lower = text_lower(call->arena, login);
    switch (of) {
    case OF_PAIR:
        return arena_printf(call->arena, "pair %s %s", call->peer, lower);
    case OF_PEER:
        return arena_printf(call->arena, "peer %s", call->peer);
    default:
        return arena_printf(call->arena, "login %s", lower);
    }
}

enum status door_may_try(struct call *call, const char *login, struct err *err)
{
    struct doors *doors = call->api->doors;
    int64_t now = doors->world->monotonic_ms(doors->world), wait = 0;
    pthread_mutex_lock(&doors->lock);
    for (int of = 0; of < COUNTERS; of++) {
        const struct tries *tries = map_get(doors->tries, key_of(call, of, login));
        if (tries && tries->until_ms - now > wait)
            wait = tries->until_ms - now;
    }
    pthread_mutex_unlock(&doors->lock);
    if (!wait)
        return OK;
    int64_t seconds = (wait + 999) / 1000;
    http_out_header(call->in, call->out, "Retry-After",
                    arena_printf(call->arena, "%lld", (long long)seconds));
    return err_set(err, ERR_AUTH_SLOW, "too many failed sign-ins; try again in %lld s",
                   (long long)seconds);
}

static void count_failure(struct doors *doors, const char *key, int allowed, int64_t now)
{
    struct tries *tries = map_get(doors->tries, key);
    if (!tries) {
        if (map_count(doors->tries) >= TRIES_KEPT)
            forget_tries(doors);
        tries = mem_alloc(sizeof *tries);
        map_put(doors->tries, key, tries);
    }
    if (now - tries->last_ms > FORGET_MS)
        tries->failed = 0;
    tries->last_ms = now;
    tries->failed++;
    int64_t wait = FIRST_WAIT_MS;
    for (int i = allowed; i < tries->failed && wait < LONGEST_WAIT_MS; i++)
        wait *= 2;
    if (tries->failed >= allowed)
        tries->until_ms = now + (wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS);
}

void door_tried(struct call *call, const char *login, bool well)
{
    struct doors *doors = call->api->doors;
    int64_t now = doors->world->monotonic_ms(doors->world);
    pthread_mutex_lock(&doors->lock);
    for (int of = 0; of < COUNTERS; of++) {
        const char *key = key_of(call, of, login);
        if (!well)
            count_failure(doors, key, free_tries[of], now);
        else if (of == OF_PAIR)
            free(map_remove(doors->tries, key));
    }
    pthread_mutex_unlock(&doors->lock);
}

/* ---------------------------------------------------------------- at once */

static void busy_key(int64_t user_id, char out[32])
{
    snprintf(out, 32, "%lld", (long long)user_id);
}

bool door_begin(struct doors *doors, int64_t user_id)
{
    char key[32];
    busy_key(user_id, key);
    pthread_mutex_lock(&doors->lock);
    uintptr_t count = (uintptr_t)map_get(doors->busy, key);
    /* nobody is everybody who is not signed in: counted together, allowed more */
    bool may = count < (uintptr_t)(user_id ? REQUESTS_AT_ONCE : 4 * REQUESTS_AT_ONCE);
    if (may)
        map_put(doors->busy, key, (void *)(count + 1));
    pthread_mutex_unlock(&doors->lock);
    return may;
}

void door_end(struct doors *doors, int64_t user_id)
{
    char key[32];
    busy_key(user_id, key);
    pthread_mutex_lock(&doors->lock);
    uintptr_t count = (uintptr_t)map_get(doors->busy, key);
    if (count > 1)
        map_put(doors->busy, key, (void *)(count - 1));
    else
        map_remove(doors->busy, key);
    pthread_mutex_unlock(&doors->lock);
}
