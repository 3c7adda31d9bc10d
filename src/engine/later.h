/* later.h - what a run leaves for later, and when it is tried again.
 *
 * A run waits for what is soon; the rest is kept in the store (store_laters.h), where a server
 * finds it when its time has come. What does not get on is tried again after 1 s, 2 s, 4 s and
 * so on, up to 5 minutes. */
#ifndef ARGIL_ENGINE_LATER_H
#define ARGIL_ENGINE_LATER_H

#include "engine/engine.h"
#include "store/store_laters.h"

struct run_job;

/* How long to wait before the attempt after this many. */
int64_t later_back_off(int attempts);

/* At the end of a run, which failed with *why unless rc is OK: its cells. */
enum status later_keep_cells(struct run_job *job, enum status rc, const struct err *why,
                             struct err *err);
/* Cells of the table may run at once, by the next that serves the workspace. */
enum status later_cells_now(struct store *store, int64_t table_id, struct err *err);

/* One more try begins now: the next is put off further, whatever becomes of this one. */
enum status later_trying(struct store *store, const struct later *later, int64_t now_ms,
                         struct err *err);
/* Operations of a table that are neither over nor in doubt. */
enum status later_open(struct store *store, int64_t table_id, int64_t *open, struct err *err);
/* After operations were worked on, of which so many were open before; *open: now. */
enum status later_keep_operations(struct store *store, int64_t table_id, int64_t before,
                                  int64_t now_ms, int64_t *open, struct err *err);

#endif
