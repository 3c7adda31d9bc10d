/* world.h - the clock, the dice and the network, passed in and never reached for.
 *
 * world_real() is the machine. Tests and the simulation make their own. The disk
 * is SQLite's: whoever wants another one registers another VFS. */
#ifndef ARGIL_BASE_WORLD_H
#define ARGIL_BASE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world {
    int64_t (*now_ms)(struct world *);       /* wall clock, ms since 1970 UTC */
    int64_t (*monotonic_ms)(struct world *); /* never goes back */
    void (*random)(struct world *, void *out, size_t len);
    void (*sleep_ms)(struct world *, int64_t ms);
    void *net;  /* a struct http_net of http/client.h in place of the machine's; NULL = the machine's */
    bool alone; /* everything happens in one thread, in an order that can be repeated: who would
                   start a thread to be quicker does the work in line instead */
};

struct world *world_real(void); /* lent, one per process; randomness from the kernel */

/* A world for tests: starts at `now`, sleeping moves the clock, same seed same
 * dice. Yours to free. */
struct world *world_fake(int64_t now_ms, uint64_t seed);
void world_fake_advance(struct world *world, int64_t ms);

/* A small deterministic generator (splitmix64) for seeds and jitter. */
struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound); /* uniform in [0, bound) */

/* A random UUID version 4, lower case, 36 characters and a NUL. */
void uuid4(struct world *world, char out[37]);

#endif
