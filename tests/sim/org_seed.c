/* org_seed.c - see sim.h. A file of its own: the org and the engine each have a `struct table`. */
#include "localorg/org/org_priv.h"

void org_seed(struct org *org, uint64_t seed); /* sim.h brings the other one */

void org_seed(struct org *org, uint64_t seed)
{
    org->seed = seed;
}
