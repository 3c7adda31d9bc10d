/* journal_drain.c - working the journal off: what an earlier process left, and
 * what this run could not finish in one go.
 *
 * Rounds: reconcile what is UNKNOWN and ready, send what is PLANNED or proved
 * not executed and ready, until a round does nothing; short waits are waited
 * for, long ones are left to the next run. Also the conservation check; what a
 * person decides is doubt.c's. */
#include "engine/journal.h"

#include "base/log.h"
#include "base/str.h"

#include <string.h>

#define PAGE        50000 /* what fits into one Bulk job is sent, and found out about, together */
#define OPEN_STATES (BIT(OP_PLANNED) | BIT(OP_RETRY_SAFE) | BIT(OP_UNKNOWN) | BIT(OP_RECONCILING))

/* ---------------------------------------------------------------- target */

enum status journal_target(struct run_job *job, const struct op *op, struct op_target *out,
                           struct err *err)
{
    struct err gone = {0};
    memset(out, 0, sizeof *out);
    out->table = job_table_by_id(job, op->table_id, &gone);
    if (!out->table && store_failed(&gone)) {
        *err = gone;
        return FAIL;
    }
    if (out->table)
        out->plan = table_plan_column(out->table, op->column_id);
    out->on = job_session_by_id(job, op->connection_id, err);
    if (!out->on)
        return FAIL;
    if (op->org_id && out->on->connection.org_id &&
        !text_eq(op->org_id, out->on->connection.org_id))
        return err_set(err, ERR_CRM_WRONG_ORG,
                       "operations for org %s are held: connection \"%s\" is now org %s",
                       op->org_id, out->on->name, out->on->connection.org_id);
    return OK;
}

/* ----------------------------------------------------------------- rounds */

struct drain {
    struct run_job *job;
    int64_t table_id;
    bool can_reconcile, can_send; /* false after a failure that would repeat itself */
    int64_t moved;                /* in this round */
    int64_t soonest_ms;           /* when the next operation becomes ready; 0 = none */
};

static bool is_open_unknown(const struct op *op)
{
    return op->state == OP_UNKNOWN || op->state == OP_RECONCILING;
}

static int64_t ready_at(const struct run_job *job, const struct op *op)
{
    return is_open_unknown(op) ? reconcile_ready_at(job, op) : op->not_before_ms;
}

static bool wanted(struct drain *drain, const struct op *op)
{
    int64_t at = ready_at(drain->job, op);
    bool can = is_open_unknown(op) ? drain->can_reconcile : drain->can_send;
    if (!can)
        return false;
    if (at <= engine_now(drain->job->engine))
        return true;
    if (!drain->soonest_ms || at < drain->soonest_ms)
        drain->soonest_ms = at;
    return false;
}

static bool together(const struct op *a, const struct op *b)
{
    return a->table_id == b->table_id && a->column_id == b->column_id &&
           a->connection_id == b->connection_id && a->priority == b->priority && text_eq(a->org_id, b->org_id) &&
           is_open_unknown(a) == is_open_unknown(b);
}

/* Failures of the remote leave operations where they are; ours end the drain. */
static enum status tolerate(struct drain *drain, bool unknown, struct err *err)
{
    if (store_failed(err) || err_is(err, ERR_CONFLICT))
        return FAIL;
    log_warn("journal: %s", err->message);
    report_refusal(drain->job->report, err->code, err->message);
    if (err_is(err, ERR_CRM_LIMIT))
        drain->job->report->paused = true;
    if (unknown)
        drain->can_reconcile = false;
    else
        drain->can_send = false;
    err_clear(err);
    return OK;
}

static int64_t states_sum(const struct op *ops, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (int64_t)ops[i].state * 1000 + ops[i].attempt;
    return sum;
}

static enum status work_group(struct drain *drain, struct op *ops, size_t count, struct err *err)
{
    struct op_target target;
    bool unknown = is_open_unknown(&ops[0]);
    int64_t before = states_sum(ops, count);
    enum status rc = journal_target(drain->job, &ops[0], &target, err);
    if (rc == OK)
        rc = unknown ? journal_reconcile(drain->job, &target, ops, count, err)
                     : journal_send(drain->job, &target, ops, count, err);
    drain->moved += states_sum(ops, count) != before;
    return rc == OK ? OK : tolerate(drain, unknown, err);
}

/* The ops of a page, group by group. */
static enum status work_priority(struct drain *drain, struct arena *arena, struct op *ops,
                                 size_t count, int priority, struct err *err)
{
    struct op *group = arena_array(arena, count, sizeof *group);
    bool *done = arena_array(arena, count, sizeof *done);
    for (size_t i = 0; i < count; i++) {
        size_t n = 0;
        if (done[i] || ops[i].priority != priority || !wanted(drain, &ops[i]))
            continue;
        for (size_t j = i; j < count; j++)
            if (!done[j] && together(&ops[i], &ops[j]) && wanted(drain, &ops[j])) {
                group[n++] = ops[j];
                done[j] = true;
            }
        if (n && work_group(drain, group, n, err) != OK)
            return FAIL;
    }
    return OK;
}

/* What a person waits for goes before what a schedule asked. */
static enum status work_page(struct drain *drain, struct arena *arena, struct op *ops,
                             size_t count, struct err *err)
{
    for (int priority = 0; priority <= 1; priority++)
        if (work_priority(drain, arena, ops, count, priority, err) != OK)
            return FAIL;
    return OK;
}

static enum status work_round(struct drain *drain, struct err *err)
{
    struct store *store = drain->job->engine->store;
    const struct store_part *part = &drain->job->part; /* the rest is others' to send */
    struct op_query query = {.table_id = drain->table_id, .states = OPEN_STATES, .limit = PAGE,
                             .after_row = part->after_row, .last_row = part->last_row};
    enum status rc = OK;
    drain->moved = drain->soonest_ms = 0;
    for (bool more = true; more && rc == OK && !engine_stopping(drain->job->engine);) {
        struct arena *arena = arena_new();
        struct op *ops = NULL;
        size_t count = 0;
        rc = store->does->ops_list(store, arena, &query, &ops, &count, err);
        if (rc == OK && count) {
            query.after_id = ops[count - 1].id;
            rc = work_page(drain, arena, ops, count, err);
        }
        more = count == PAGE;
        arena_free(arena);
    }
    return rc;
}

enum status journal_drain(struct run_job *job, int64_t table_id, int64_t patience_ms,
                          struct err *err)
{
    struct drain drain = {
        .job = job, .table_id = table_id, .can_reconcile = true, .can_send = true};
    bool stopped_column = job->stop_column;
    job->stop_column = false;
    enum status rc = OK;
    while (rc == OK && !engine_stopping(job->engine)) {
        rc = work_round(&drain, err);
        if (rc != OK || drain.moved)
            continue;
        int64_t wait = drain.soonest_ms - engine_now(job->engine);
        if (!drain.soonest_ms || wait > patience_ms || job->report->paused)
            break;
        patience_ms -= wait > 1 ? wait : 1;
        job_sleep(job, wait > 0 ? wait : 0);
    }
    job->stop_column = job->stop_column || stopped_column;
    return rc;
}

/* --------------------------------------------------------------- recovery */

enum status journal_recover_job(struct run_job *job, int64_t table_id, struct err *err)
{
    struct store *store = job->engine->store;
    int64_t moved = 0;
    if (store->does->ops_recover(store, &moved, err) != OK)
        return err_wrap(err, "recovering the journal");
    if (moved)
        log_warn("journal: %lld operations were under way when argil last ended", (long long)moved);
    return journal_drain(job, table_id, 0, err);
}

enum status journal_recover(struct engine *engine, struct run_report *report, struct err *err)
{
    return journal_recover_table(engine, 0, report, err);
}

enum status journal_recover_table(struct engine *engine, int64_t table_id,
                                  struct run_report *report, struct err *err)
{
    struct run_job job;
    struct err ignored = {0};
    struct run_options options = {0};
    err = err ? err : &ignored;
    if (run_job_open(&job, engine, report, &options, err) != OK)
        return FAIL;
    enum status rc = journal_recover_job(&job, table_id, err);
    job_sum_calls(&job);
    run_job_close(&job);
    return rc;
}

/* ------------------------------------------------------------------- check */

enum status journal_check(struct engine *engine, int64_t table_id, struct op_counts *counts,
                          struct err *err)
{
    struct store *store = engine->store;
    memset(counts, 0, sizeof *counts);
    if (store->does->ops_count(store, table_id, counts, err) != OK)
        return FAIL;
    int64_t sum = 0;
    for (int state = 0; state <= OP_CANCELLED; state++)
        sum += counts->by_state[state];
    if (sum == counts->total)
        return OK;
    return err_set(err, ERR_CONFLICT, "the journal holds %lld operations but %lld are in a state",
                   (long long)counts->total, (long long)sum);
}
