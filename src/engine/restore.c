/* restore.c - see restore.h. */
#include "engine/restore.h"

#include "base/str.h"

#define PAGE 1000

bool restore_unsure(const struct op *op)
{
    return text_eq(op->error_code, OP_UNSURE);
}

bool restore_planned_since(const struct job_session *on, const struct op *op)
{
    return !op->sent_ms && op->created_ms > on->hold.since_ms;
}

int64_t restore_first_sent(const struct op *op)
{
    return op->sent_ms || !restore_unsure(op) ? op->sent_ms : op->created_ms;
}

bool restore_untouched(const struct op *op, const char *stamp)
{
    return !restore_unsure(op) || (op->base_stamp && text_eq(op->base_stamp, stamp));
}

int64_t restore_ready_at(const struct run_job *job, const struct op *op)
{
    bool by_values = (op->mode == MODE_FINDABLE || op->mode == MODE_TICKETED) &&
                     (op->kind == OP_CREATE || op->kind == OP_UPSERT);
    int64_t late = op->deadline_ms ? op->deadline_ms + engine_settle_ms(job->engine) : 0;
    return by_values && late > op->not_before_ms ? late : op->not_before_ms;
}

enum status restore_hold_read(struct run_job *job, struct job_session *on, struct err *err)
{
    struct store *store = job->engine->store;
    return store->does->holds->get(store, job->arena, on->connection_id, &on->hold, err);
}

static void refuse_held(struct run_job *job, const struct job_session *on)
{
    report_refusal(job->report, "sending.held",
                   arena_printf(job->arena,
                                "connection \"%s\" is held: %s. Nothing is sent until somebody "
                                "releases it (argil store release %s)",
                                on->name, on->hold.why, on->name));
    job->report->paused = job->stop_writing = true;
}

/* A record without a key that the org guards, which nobody has looked for yet. */
static bool wants_a_look(const struct job_session *on, const struct op *op)
{
    return on->hold.from_ms && op->state == OP_PLANNED && op->kind == OP_CREATE &&
           op->mode != MODE_SEALED && op->mode != MODE_KEYED && !op->attempt && !op->evidence && restore_planned_since(on, op);
}

/* PLANNED -> UNKNOWN: reconcile.c looks for them as for those whose answer was lost. */
static enum status look_first(struct run_job *job, const struct op_target *target, struct op *ops,
                              size_t count, bool *held, struct err *err)
{
    struct settlement *list = arena_array(job->arena, count + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (held[i] || !wants_a_look(target->on, &ops[i]))
            continue;
        struct settlement *s = &list[n++];
        held[i] = true;
        settlement_begin(s, &ops[i], OP_UNKNOWN);
        s->settle.error_code = OP_UNSURE;
        s->settle.error_message = "looked for among the records of the lost time";
        s->settle.not_before_ms = target->on->hold.since_ms + engine_settle_ms(job->engine);
        settlement_cell(s, target, CELL_QUEUED, OP_UNSURE, s->settle.error_message);
    }
    return journal_settle(job, target, list, n, err);
}

enum status restore_gate(struct run_job *job, const struct op_target *target, struct op *ops,
                         size_t count, bool *held, struct err *err)
{
    if (restore_hold_read(job, target->on, err) != OK)
        return FAIL;
    if (!target->on->hold.connection_id)
        return OK;
    if (target->on->hold.released_ms)
        return look_first(job, target, ops, count, held, err);
    for (size_t i = 0; i < count; i++)
        held[i] = true;
    if (count)
        refuse_held(job, target->on);
    return OK;
}

/* ------------------------------------------------------------------ counts */

static void count_op(const struct op *op, const struct store_hold *hold,
                     struct restore_report *out)
{
    bool open = !op_state_final(op->state);
    if (op->created_ms > hold->since_ms || (!open && op->done_ms < hold->since_ms))
        return;
    out->operations++;
    out->adopted += op->state == OP_DONE;
    out->rejected += op->state == OP_REJECTED || op->state == OP_CANCELLED;
    out->in_doubt += op->state == OP_IN_DOUBT;
    out->unsure += op->state == OP_UNKNOWN || op->state == OP_RECONCILING;
    out->to_send += op->state == OP_PLANNED || op->state == OP_RETRY_SAFE;
}

static enum status count_of(struct store *store, struct op_query query,
                            const struct store_hold *hold, struct restore_report *out,
                            struct err *err)
{
    enum status rc = OK;
    query.limit = PAGE;
    for (bool more = true; more && rc == OK;) {
        struct arena *arena = arena_new();
        struct op *ops = NULL;
        size_t count = 0;
        rc = store->does->ops_list(store, arena, &query, &ops, &count, err);
        for (size_t i = 0; i < count && rc == OK; i++)
            if (ops[i].connection_id == hold->connection_id)
                count_op(&ops[i], hold, out);
        more = rc == OK && count == PAGE;
        if (count)
            query.after_id = ops[count - 1].id;
        arena_free(arena);
    }
    return rc;
}

enum status restore_counts(struct store *store, const struct store_hold *hold,
                           struct restore_report *out, struct err *err)
{
    struct op_query open = {.states = BIT(OP_PLANNED) | BIT(OP_RETRY_SAFE) | BIT(OP_SENDING) |
                                      BIT(OP_UNKNOWN) | BIT(OP_RECONCILING) | BIT(OP_IN_DOUBT)};
    struct op_query ended = {.states = BIT(OP_DONE) | BIT(OP_REJECTED) | BIT(OP_CANCELLED),
                             .done_since_ms = hold->since_ms};
    *out = (struct restore_report){0};
    if (count_of(store, open, hold, out, err) != OK)
        return FAIL;
    return count_of(store, ended, hold, out, err);
}
