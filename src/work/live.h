/* live.h - threads that listen to orgs for sources that are live: one a connection.
 *
 * A thread of its own looks which sources are live, starts and stops listeners as
 * recipes come and go, and starts one that failed again after a while. Rows are stored
 * by the listener (engine/live.h); what becomes due is ordered as a run. */
#ifndef ARGIL_WORK_LIVE_H
#define ARGIL_WORK_LIVE_H

#include "work/work.h"

struct live;
struct live *live_start(struct work *work, struct store *store, struct world *world,
                        struct err *err);
/* Recipes or connections may have changed: look now. */
void live_wake(struct live *live);
void live_stop(struct live *live); /* NULL is fine; before work_close */

#endif
