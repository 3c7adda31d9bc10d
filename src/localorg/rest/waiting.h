/* waiting.h - requests that wait for something to happen: long polling.
 *
 * A route that finds nothing to answer reserves a place, hands its ticket to
 * whoever will wake it, and returns without an answer. Dispatch puts the call
 * into its place as its last act; when it is woken, when its time is up or when
 * the room closes, `resume` answers it on the room's own thread, or reserves
 * again. Thread-safe. */
#ifndef LOCALORG_REST_WAITING_H
#define LOCALORG_REST_WAITING_H

#include <stdint.h>

struct waiting;

typedef void waiting_fn(void *ctx);

struct waiting *waiting_new(void); /* starts its thread */
void waiting_free(struct waiting *waiting);       /* after waiting_close */
/* Nobody may wait any more; whoever waits is resumed now. Returns when the last
 * one has been. Call it before the server stops. NULL is fine. */
void waiting_close(struct waiting *waiting);

/* A ticket, never used before; 0 when the room is closed: answer now. */
uint64_t waiting_reserve(struct waiting *waiting, int64_t at_most_ms);
/* The call waits from here on: it may be answered and gone before this returns. */
void waiting_enter(struct waiting *waiting, uint64_t ticket, waiting_fn *resume, void *ctx);
/* Also between reserve and enter. Unknown tickets are ignored. */
void waiting_wake(struct waiting *waiting, uint64_t ticket);

#endif
