/* world.c - the machine's clock and dice, and a pair that tests can wind up.
 *
 * The fake world is locked, so that threads under test may share it. Its two
 * clocks move together; its dice are one splitmix64 stream. */
#include "base/world.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* --- the machine --- */

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t real_now(struct world *world)
{
    return clock_ms(CLOCK_REALTIME);
}

static int64_t real_monotonic(struct world *world)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static void real_random(struct world *world, void *out, size_t len)
{
    char *to = out;
    while (len > 0) {
        ssize_t got = getrandom(to, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort(); /* no randomness, no secrets: going on would be worse */
        to += got;
        len -= (size_t)got;
    }
}

static void real_sleep(struct world *world, int64_t ms)
{
    if (ms <= 0)
        return;
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

struct world *world_real(void)
{
    static struct world real = {.now_ms = real_now,
                                .monotonic_ms = real_monotonic,
                                .random = real_random,
                                .sleep_ms = real_sleep};
    return &real;
}

/* --- the fake --- */

struct fake {
    struct world world; /* first: a struct fake is a struct world */
    pthread_mutex_t lock;
    int64_t now;
    int64_t since_start;
    struct rng rng;
};

static int64_t fake_read(struct world *world, int64_t *clock)
{
    struct fake *fake = (struct fake *)world;
    pthread_mutex_lock(&fake->lock);
    int64_t value = *clock;
    pthread_mutex_unlock(&fake->lock);
    return value;
}

static int64_t fake_now(struct world *world)
{
    return fake_read(world, &((struct fake *)world)->now);
}

static int64_t fake_monotonic(struct world *world)
{
    return fake_read(world, &((struct fake *)world)->since_start);
}

static void fake_random(struct world *world, void *out, size_t len)
{
    struct fake *fake = (struct fake *)world;
    pthread_mutex_lock(&fake->lock);
    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        uint64_t dice = rng_next(&fake->rng);
        memcpy((char *)out + at, &dice, len - at < sizeof dice ? len - at : sizeof dice);
    }
    pthread_mutex_unlock(&fake->lock);
}

void world_fake_advance(struct world *world, int64_t ms)
{
    struct fake *fake = (struct fake *)world;
    pthread_mutex_lock(&fake->lock);
    fake->now += ms;
    if (ms > 0)
        fake->since_start += ms;
    pthread_mutex_unlock(&fake->lock);
}

static void fake_sleep(struct world *world, int64_t ms)
{
    if (ms > 0)
        world_fake_advance(world, ms);
}

struct world *world_fake(int64_t now_ms, uint64_t seed)
{
    struct fake *fake = mem_alloc(sizeof *fake);
    fake->world = (struct world){.now_ms = fake_now,
                                 .monotonic_ms = fake_monotonic,
                                 .random = fake_random,
                                 .sleep_ms = fake_sleep};
    pthread_mutex_init(&fake->lock, NULL);
    fake->now = now_ms;
    fake->since_start = 1000; /* not 0: zero so often means "never" */
    fake->rng.state = seed;
    return &fake->world;
}

/* --- dice --- */

uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    if (bound < 2)
        return 0;
    uint64_t unfair = -bound % bound; /* values below this would favour small results */
    uint64_t dice;
    do
        dice = rng_next(rng);
    while (dice < unfair);
    return dice % bound;
}

void uuid4(struct world *world, char out[37])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[16];
    world->random(world, bytes, sizeof bytes);
    bytes[6] = (unsigned char)(0x40 | (bytes[6] & 0x0F));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3F));
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = hex[bytes[i] >> 4];
        *out++ = hex[bytes[i] & 15];
    }
    *out = '\0';
}
