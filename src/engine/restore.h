/* restore.h - what the engine does about connections that are held (store_holds.h).
 *
 * While a connection is held nothing is sent through it; the org is asked, which only
 * reads, what became of every open operation. Once it is released, a new record that no
 * key guards is looked for among the records of the lost time before it is sent: the lost
 * history may have made it. */
#ifndef ARGIL_ENGINE_RESTORE_H
#define ARGIL_ENGINE_RESTORE_H

#include "engine/journal.h"
#include "store/store_holds.h"

/* Reads the connection's hold anew into target->on->hold. */
enum status restore_hold_read(struct run_job *job, struct job_session *on, struct err *err);
/* Before anything leaves: sets held[i] for what may not, and says why in the report. */
enum status restore_gate(struct run_job *job, const struct op_target *target, struct op *ops,
                         size_t count, bool *held, struct err *err);
/* Of an operation that the lost history may have sent. */
bool restore_unsure(const struct op *op);
/* When it may have been sent first: an unsure one as soon as it was planned. 0 = never. */
int64_t restore_first_sent(const struct op *op);
/* Old values alone do not tell that an unsure update was not made and taken back: the stamp
 * of the record as it is now does. True of all others. */
bool restore_untouched(const struct op *op, const char *stamp);
/* When an unsure operation may be looked for. */
int64_t restore_ready_at(const struct run_job *job, const struct op *op);
/* Planned after the hold began: the lost history cannot have sent this very operation. */
bool restore_planned_since(const struct job_session *on, const struct op *op);

struct restore_report {
    int64_t operations, adopted, to_send, in_doubt, unsure, rejected; /* of this connection */
};
/* What became of the operations that were unsure when the hold began. */
enum status restore_counts(struct store *store, const struct store_hold *hold,
                           struct restore_report *out, struct err *err);

#endif
