/* journal_send_priv.h - operations on their way, between journal_send.c (requests of
 * collections and of single records) and journal_bulk.c (Bulk jobs). */
#ifndef ARGIL_ENGINE_JOURNAL_SEND_PRIV_H
#define ARGIL_ENGINE_JOURNAL_SEND_PRIV_H

#include "connect/connect_bulk.h"
#include "engine/journal.h"

/* Operations that travel together. */
struct chunk {
    struct op **ops;
    size_t count;
    bool alone;
    const char *ticket; /* of the job they travel in; NULL = in none */
    const struct crm_object *object;
    struct arena *arena;
};

struct sending {
    struct run_job *job;
    const struct op_target *target;
    struct chunk *chunks;
    struct crm_exchange *list;
    size_t count, under_way;
    enum status rc;
    struct err *err;
};

/* False: stopped, paused, out of calls, too many refusals. */
bool sending_may_go_on(struct sending *s);
/* Marks the chunk's operations SENDING on disk; it keeps those that are ours to send. */
enum status sending_mark(struct sending *s, struct chunk *chunk);
/* Settles what came back for the chunk, and counts it. */
enum status sending_settle(struct sending *s, struct chunk *chunk,
                           const struct crm_outcome *outcomes);
/* Its describe; NULL with s->err when it cannot be had or the seal is lost. */
const struct crm_object *sending_object(struct sending *s, const struct op *op);
struct crm_write_options sending_options(struct arena *arena, const struct op *op);
void op_to_write(const struct crm_object *object, const struct op *op, struct crm_write *write);

/* journal_bulk.c: should `count` such operations go as Bulk jobs? Ticketed ones always do. */
bool bulk_wanted(struct sending *s, const struct op *first, size_t count);
/* An operation that must not, or had better not, go by another job. */
bool bulk_may(const struct op *op);
/* Sends them. left[i]: operation i is still to be sent, in another way. */
enum status bulk_send(struct sending *s, struct chunk *chunk, bool *left);

/* reconcile_bulk.c: UNKNOWN operations with a ticket: what the job says of them. left[i]:
 * it says nothing of operation i, which is looked for in the way of its mode. */
enum status bulk_reconcile(struct run_job *job, const struct op_target *target, struct op *ops,
                           size_t count, bool *left, struct err *err);

#endif
