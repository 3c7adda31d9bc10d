/* clock.c - see sim.h. Time passes only when somebody waits: in an exchange, in a
 * sleep, in a sync of the disk, between two steps of the story. */
#include "sim/sim.h"

#include <string.h>

static struct sim *of_argil(struct world *world)
{
    return (struct sim *)(void *)((char *)world - offsetof(struct sim, world));
}

static struct sim *of_org(struct world *world)
{
    return (struct sim *)(void *)((char *)world - offsetof(struct sim, org_world));
}

static int64_t argil_now(struct world *world)
{
    return of_argil(world)->now_ms + of_argil(world)->skew_ms;
}

static int64_t org_now(struct world *world)
{
    return of_org(world)->now_ms;
}

static int64_t argil_monotonic(struct world *world)
{
    return of_argil(world)->mono_ms;
}

static int64_t org_monotonic(struct world *world)
{
    return of_org(world)->mono_ms;
}

static void roll(struct rng *from, void *out, size_t len)
{
    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        uint64_t dice = rng_next(from);
        memcpy((char *)out + at, &dice, len - at < sizeof dice ? len - at : sizeof dice);
    }
}

static void argil_random(struct world *world, void *out, size_t len)
{
    roll(&of_argil(world)->dice, out, len);
}

static void org_random(struct world *world, void *out, size_t len)
{
    roll(&of_org(world)->org_dice, out, len);
}

void clock_pass(struct sim *sim, int64_t ms)
{
    sim->now_ms += ms;
    sim->mono_ms += ms;
    net_time(sim);
}

static void argil_sleep(struct world *world, int64_t ms)
{
    struct sim *sim = of_argil(world);
    clock_pass(sim, ms > 0 ? ms : 0);
    if (sim->dead) /* a dead process waits for nothing: let it unwind */
        atomic_store(&sim->stop, true);
}

static void org_sleep(struct world *world, int64_t ms)
{
    struct sim *sim = of_org(world);
    sim->now_ms += ms > 0 ? ms : 0;
    sim->mono_ms += ms > 0 ? ms : 0;
}

void clock_begin(struct sim *sim)
{
    sim->now_ms = 1795392600000; /* 2026-11-23 */
    sim->mono_ms = 1000;
    sim->skew_ms = sim_below(sim, 600000) - 300000; /* up to five minutes off */
    sim->org_world = (struct world){.now_ms = org_now,
                                    .monotonic_ms = org_monotonic,
                                    .random = org_random,
                                    .sleep_ms = org_sleep};
    sim->world = (struct world){.now_ms = argil_now,
                                .monotonic_ms = argil_monotonic,
                                .random = argil_random,
                                .sleep_ms = argil_sleep,
                                .net = &sim->net,
                                .alone = true};
}
