/* idempotency.h - writes with an Idempotency-Key: done once, answered again.
 *
 *     if (!idempotency_enter(call, &once))
 *         return;   // answered: from memory, or refused
 *     ... write, answer ...
 *     idempotency_leave(call, &once);
 *
 * Between the two no other write happens, and what was written and what was
 * answered are kept together or not at all. A request without the header passes
 * through. */
#ifndef LOCALORG_REST_IDEMPOTENCY_H
#define LOCALORG_REST_IDEMPOTENCY_H

#include "localorg/rest/call.h"

struct idempotency {
    const char *key, *request; /* key NULL: none given */
};

bool idempotency_enter(struct call *call, struct idempotency *once);
void idempotency_leave(struct call *call, const struct idempotency *once);

#endif
