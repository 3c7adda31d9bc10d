/* live.h - sources that hear of changes as they happen (every: live).
 *
 * One listener a connection. An event names records; they are read again with the
 * source's own fields and filter and stored, and behind them the event's position: a
 * kill costs nothing, the next listener hears again what was not finished. A record that the filter no
 * longer finds leaves the source, as with a sweep. Where events were missed (a gap, a
 * position that the org no longer has, the first time) the source is synced, and until
 * such a sync has ended no position is stored.
 *
 * The ordinary sync stays on its schedule of a day: it finds what events do not tell. */
#ifndef ARGIL_ENGINE_LIVE_H
#define ARGIL_ENGINE_LIVE_H

#include "engine/engine.h"

#include <stdatomic.h>

/* Does this source listen, by its recipe? */
bool live_wanted(const struct source *source);

struct live_watch {
    void *ctx;
    /* Events were missed: sync this source now. Called again, now and then, until a sync has
     * ended. */
    void (*catch_up)(void *ctx, const char *table, const char *source);
    void (*made_due)(void *ctx, const char *table); /* cells of it are due now */
};

/* Listens for every live source of a connection until engine->stop, which is OK; or FAIL: the
 * caller waits and calls again. How it goes is kept with each source (struct source, live). */
enum status live_listen(struct engine *engine, const char *connection,
                        const struct live_watch *watch, struct err *err);

#endif
