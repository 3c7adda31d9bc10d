/* approval.h - plan, approve, apply: a run that first says exactly what it would write,
 * waits for a person, and then writes exactly that.
 *
 * A plan is a dry run against the live org whose writes are kept, with the reasons of
 * what is blocked. A person rejects or edits single writes, then approves or rejects the
 * whole. Applying runs the columns again: a write that is the one in the plan goes; one
 * that differs (the record, the row or a rule changed since) is held back and named, as is
 * what the plan does not know. A plan is applied at most once. */
#ifndef ARGIL_ENGINE_APPROVAL_H
#define ARGIL_ENGINE_APPROVAL_H

#include "engine/engine.h"
#include "store/store_plans.h"

const char *plan_state_name(enum plan_state state); /* "waiting", ... */
const char *plan_line_state_name(enum plan_line_state state);

/* Dry run of `options` (dry_run is set here), kept as a plan that waits. Texts of *out on
 * `arena`. Nothing is sent that changes anything. */
enum status plan_make(struct engine *engine, struct arena *arena, const char *table,
                      const struct run_options *options, struct write_plan *out,
                      struct run_report *report, struct err *err);

/* One write of a waiting plan: `set` is a JSON object of some of its fields with the values to
 * write instead, checked like any value that a row gives; NULL = it is rejected, for `reason`
 * (which must be given). */
enum status plan_decide_line(struct engine *engine, int64_t plan_id, int64_t column_id,
                             int64_t row_id, const char *set, const char *reason,
                             struct err *err);
/* approve false: rejected, for `reason` (must be given). */
enum status plan_decide(struct engine *engine, int64_t plan_id, bool approve, const char *reason,
                        struct err *err);
/* Runs an approved plan's table. ERR_CONFLICT: it is not approved, or was applied before. */
enum status plan_apply(struct engine *engine, int64_t plan_id, struct run_report *report,
                       struct err *err);

#endif
