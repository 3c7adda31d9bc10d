/* gates.h - what holds writes back until a person says so.
 *
 *   canary   the first rows of a large run were written; the rest of the column waits
 *            (guard.canary): waiting, approved (until the column has nothing due),
 *            stopped
 *   lock     the table was built on a Test Env and writes to another org nothing until
 *            it is unlocked by name: test, unlocked
 *
 * Quiet hours (guard.quiet_hours) hold back what nobody waits for; a person's run goes
 * and is told. */
#ifndef ARGIL_ENGINE_GATES_H
#define ARGIL_ENGINE_GATES_H

#include "engine/run_priv.h"
#include "store/store_gates.h"

#define ERR_LOCKED "guard.production_lock"

/* Notes that an applied table uses a Test Env; does nothing for others. */
enum status gate_note_test(struct engine *engine, struct arena *arena, const struct table *table,
                           struct err *err);
/* FAIL ERR_LOCKED: this connection is no Test Env, and the table is not unlocked. */
enum status gate_lock_open(struct run_job *job, const struct table *table,
                           const struct job_session *on, struct err *err);

/* How many more records the column may write now; INT64_MAX without a canary. A run that
 * begins a canary stores it first. */
enum status gate_canary_left(struct run_job *job, const struct table_plan *table,
                             const struct column_plan *plan, int64_t *left, struct err *err);
/* The column cannot go on: says so in the report. */
void gate_canary_tell(struct run_job *job, const struct column_plan *plan);
/* The column has been run: an approval is over when nothing is due any more. */
enum status gate_canary_end(struct run_job *job, const struct table_plan *table,
                            const struct column_plan *plan, struct err *err);

/* True while automatic sending must wait; the report then says so. Of a person's run it
 * says, once, that it sends in quiet hours. */
bool gate_quiet(struct run_job *job, const struct table *table);
/* Is `now` in the window of a guard (JSON)? *until: when it ends. FAIL: it makes no sense. */
enum status quiet_now(const struct json *window, int64_t now_ms, bool *quiet, int64_t *until_ms,
                      struct err *err);

/* A person's word; each goes to the audit. ERR_CONFLICT when there is nothing to say it to. */
enum status gate_approve(struct engine *engine, const char *table, const char *column,
                         struct err *err);
enum status gate_stop(struct engine *engine, const char *table, const char *column,
                      struct err *err);
/* `connection` is the one that the table is to write to, typed by whoever unlocks. */
enum status gate_unlock(struct engine *engine, const char *table, const char *connection,
                        struct err *err);

#endif
