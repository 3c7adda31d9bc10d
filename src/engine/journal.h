/* journal.h - the outbox as the engine uses it (reliability B.4 to B.8).
 *
 * Every write is an operation: planned (stored with its cell), sent (SENDING is
 * on disk before the first byte leaves), settled (outcome, cell, dependents and
 * audit line in one transaction). The doors:
 *
 *   journal_plan     new operations -> PLANNED
 *   journal_send     PLANNED, RETRY_SAFE -> SENDING -> DONE | REJECTED | RETRY_SAFE | UNKNOWN
 *   journal_reconcile UNKNOWN -> RECONCILING -> DONE | RETRY_SAFE | IN_DOUBT
 *   journal_drain    repeats the last two until nothing can be done now
 *
 * journal_settle is the only place that changes a state. */
#ifndef ARGIL_ENGINE_JOURNAL_H
#define ARGIL_ENGINE_JOURNAL_H

#include "engine/run_priv.h"

#define ATTEMPTS_MAX    10
#define ATTEMPTS_FOR_MS ((int64_t)24 * 3600 * 1000)
#define CODE_DUPLICATE_RULE "DUPLICATES_DETECTED" /* a duplicate rule refused the record */
#define UNKNOWN_KEPT_MS ((int64_t)14 * 24 * 3600 * 1000)
#define SEND_TIMEOUT_MS ((int64_t)150 * 1000)

/* Codes of ours in op.error_code that say how to go on. */
#define WHOLE_REFUSED   "connect.whole_batch" /* smaller exchanges will tell whose fault it is */
#define OUTCOME_CHANGED "outcome.changed"     /* the record was changed since it was read */

/* Where an operation's result goes. plan NULL: the column is gone, only the journal is kept. */
struct op_target {
    struct table_plan *table;
    struct column_plan *plan;
    struct job_session *on;
};
enum status journal_target(struct run_job *job, const struct op *op, struct op_target *out,
                           struct err *err);

/* One change of state to come. Fills settle from op; the caller adds what it knows. */
struct settlement {
    struct op_settle settle;
    struct op *op;
};
void settlement_begin(struct settlement *s, struct op *op, enum op_state to);
/* The cell that goes with it. message may be NULL. */
void settlement_cell(struct settlement *s, const struct op_target *target, enum cell_state state,
                     const char *code, const char *message);
void settlement_cell_value(struct settlement *s, const struct op_target *target, const char *json);
/* Checks the moves, stores them, updates the ops in memory and the report. */
enum status journal_settle(struct run_job *job, const struct op_target *target,
                           struct settlement *settlements, size_t count, struct err *err);

/* Tried often enough, or for a day: what was not executed is looked for and then parked. */
bool journal_gives_up(const struct run_job *job, const struct op *op);
/* What an outcome means for its operation; the caller stores it with journal_settle. Texts live
 * on `arena`. */
void settle_outcome(struct run_job *job, struct arena *arena, struct settlement *s,
                    const struct op_target *target, const struct crm_outcome *outcome);

/* looked[i]: when the org was asked for ops[i]'s business key; 0 = nobody looked. */
enum status journal_plan(struct column_batch *batch, struct op *ops,
                         const struct cell_result *cells, const int64_t *looked, size_t count,
                         enum plan_result *results, struct err *err);
/* All ops of one target; kind and object may differ. States in ops are updated. */
enum status journal_send(struct run_job *job, const struct op_target *target, struct op *ops,
                         size_t count, struct err *err);
/* How many operations can be under way over the target's connection at once; full exchanges. */
size_t journal_send_most(const struct run_job *job, const struct op_target *target);
/* journal_bulk.c. hold: are the column's writes planned first and sent at its end, because they
 * will fill a Bulk job? expect: counts in the report how so many planned writes would travel. */
/* May its writes go as Bulk jobs, if there are enough of them? */
bool bulk_may_pay(const struct column_plan *plan);
bool bulk_hold(struct run_job *job, const struct op_target *target, enum op_kind kind,
               enum write_mode mode);
void bulk_expect(struct run_job *job, struct job_session *on, const struct column_plan *plan,
                 enum op_kind kind, enum write_mode mode, int64_t writes);
/* UNKNOWN ops of one target, all ready. */
enum status journal_reconcile(struct run_job *job, const struct op_target *target, struct op *ops,
                              size_t count, struct err *err);
/* doubt.c: what was known of the exchange, and the records that may be meant: JSON for a person. */
const char *doubt_evidence(struct arena *arena, int64_t now_ms, const struct op *op,
                           const struct crm_match *matches);
enum status reconcile_look(struct run_job *job, const struct op_target *target, struct op *op,
                           struct arena *arena, const struct crm_match **out, struct err *err);
/* table_id 0 = every table. Waits at most patience_ms for what becomes ready. */
enum status journal_drain(struct run_job *job, int64_t table_id, int64_t patience_ms,
                          struct err *err);
/* table_id 0 = every table. */
enum status journal_recover_job(struct run_job *job, int64_t table_id, struct err *err);

/* When an UNKNOWN operation may be looked for. */
int64_t reconcile_ready_at(const struct run_job *job, const struct op *op);
/* What the cell of a written record shows. */
const char *write_cell(struct arena *arena, const struct op *op, const char *id, bool created);
/* The same of a converted lead; `of`: the lead's Converted... fields, or contactId, accountId,
 * opportunityId. */
const char *convert_cell(struct arena *arena, const char *lead, const struct json *of);

/* mode.c */
const struct crm_field *mode_seal_field(const struct crm_object *object);
struct mode mode_choose(const struct crm_object *object, enum op_kind kind, const char *key_field,
                        const struct json *config);
/* Of kinds that only change what is there by its Id. */
struct mode mode_by_id(const struct crm_object *object, const struct json *config);
/* The one field of `match` when it is unique and `set` writes the same to it: the org guards it. */
const char *mode_unique_match(const struct crm_object *object, const struct json *match,
                              const struct json *set);
/* Fields of a payload that a fingerprint query can compare. */
bool mode_comparable(const struct crm_field *field);
/* The value under which a business key is the same key: lower case unless the field tells cases
 * apart. */
const char *mode_key_norm(struct arena *arena, const struct crm_field *field, struct value value);

/* compare.c: does the record hold these values? Both JSON objects; every member of `wanted` counts.
 */
bool record_holds(const struct crm_object *object, const struct json *wanted,
                  const struct json *record);
bool field_same(const struct crm_field *field, const struct json *a, const struct json *b);

/* guard.c */
enum status guard_may_write(const struct table *table, const char *object, const char *field,
                            struct err *err);
bool guard_may_delete(const struct table *table, const char *object);
/* How many more writes this run may make; INT64_MAX without a limit. */
bool guard_has_canary(const struct table *table);
int64_t guard_writes_left(const struct run_job *job, const struct table *table);
/* Counts outcomes; true when the error rate is above the limit. */
bool guard_error_rate(struct run_job *job, const struct table *table);

#endif
