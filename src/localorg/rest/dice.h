/* dice.h - random text and chances; the same --rng-seed gives the same run.
 * Thread-safe. */
#ifndef LOCALORG_REST_DICE_H
#define LOCALORG_REST_DICE_H

#include "base/world.h"

#include <stdbool.h>

struct dice;

struct dice *dice_new(struct world *world, uint64_t seed); /* seed 0: from the machine */
void dice_free(struct dice *dice);
uint64_t dice_below(struct dice *dice, uint64_t bound);
bool dice_chance(struct dice *dice, double probability);
/* Writes `len` characters of `alphabet` and a NUL. */
void dice_text(struct dice *dice, const char *alphabet, size_t len, char *out);

#define DICE_BASE62 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#endif
