/* dice.c - one generator behind one lock. */
#include "localorg/rest/dice.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct dice {
    pthread_mutex_t lock;
    struct rng rng;
    struct world *world;
    bool seeded;
};

struct dice *dice_new(struct world *world, uint64_t seed)
{
    struct dice *dice = mem_alloc(sizeof *dice);
    pthread_mutex_init(&dice->lock, NULL);
    dice->world = world;
    dice->seeded = seed != 0;
    dice->rng.state = seed;
    return dice;
}

void dice_free(struct dice *dice)
{
    if (!dice)
        return;
    pthread_mutex_destroy(&dice->lock);
    free(dice);
}

/* Unseeded, tokens come from the kernel: a busy port of a shared machine
 * should not hand out guessable ones. */
static uint64_t next(struct dice *dice)
{
    uint64_t value;
    if (dice->seeded)
        return rng_next(&dice->rng);
    dice->world->random(dice->world, &value, sizeof value);
    return value;
}

uint64_t dice_below(struct dice *dice, uint64_t bound)
{
    pthread_mutex_lock(&dice->lock);
    uint64_t value = bound ? next(dice) % bound : 0;
    pthread_mutex_unlock(&dice->lock);
    return value;
}

bool dice_chance(struct dice *dice, double probability)
{
    return (double)dice_below(dice, 1000000) < probability * 1e6;
}

void dice_text(struct dice *dice, const char *alphabet, size_t len, char *out)
{
    size_t letters = strlen(alphabet);
    for (size_t i = 0; i < len; i++)
        out[i] = alphabet[dice_below(dice, letters)];
    out[len] = '\0';
}
