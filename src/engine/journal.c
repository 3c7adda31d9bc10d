/* journal.c - planning, sending and settling operations.
 *
 * A write is SENDING on disk before its first byte leaves (W1). What comes back
 * is classed by the connector and becomes, in one transaction, the operation's
 * state, its cell, the cells that depend on it and an audit line (W6). Nothing
 * here guesses: what is not proved executed or not executed is UNKNOWN and goes
 * to reconcile.c. journal_settle is the one door for state changes. */
#include "engine/journal.h"

#include "base/log.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define SEND_TIMEOUT_MS ((int64_t)150 * 1000)
#define LOCK_FIRST_MS   1000
#define PAUSE_MS        ((int64_t)60 * 1000)

/* ----------------------------------------------------------- settlements */

void settlement_begin(struct settlement *s, struct op *op, enum op_state to)
{
    *s = (struct settlement){
        .settle = {.id = op->id, .epoch = op->epoch, .from = op->state, .to = to}, .op = op};
}

void settlement_cell(struct settlement *s, const struct op_target *target, enum cell_state state,
                     const char *code, const char *message)
{
    if (!target->plan)
        return;
    s->settle.cell = (struct cell_result){.row_id = s->op->row_id,
                                          .column_id = target->plan->column->id,
                                          .slot = target->plan->column->slot,
                                          .state = state,
                                          .code = code,
                                          .message = message,
                                          .op_id = state == CELL_OK ? 0 : s->op->id,
                                          .attempt = s->op->attempt,
                                          .not_before_ms = s->settle.not_before_ms};
}

void settlement_cell_value(struct settlement *s, const struct op_target *target, const char *json)
{
    settlement_cell(s, target, CELL_OK, NULL, NULL);
    s->settle.cell.set_value = true;
    s->settle.cell.value = value_of(json);
    s->settle.cell.attempt = 0;
}

static void count_done(struct run_report *report, const struct op *op, bool adopted)
{
    if (adopted && op->kind == OP_CREATE)
        report->adopted++;
    else if (op->kind == OP_CREATE)
        report->created++;
    else if (op->kind == OP_UPDATE)
        report->updated++;
    else if (op->kind == OP_DELETE)
        report->deleted++;
    else if (op->kind == OP_CONVERT)
        report->converted++;
    else
        report->upserted++;
}

static void count_settled(struct run_job *job, const struct settlement *s)
{
    struct run_report *report = job->report;
    switch (s->settle.to) {
    case OP_DONE:
        count_done(report, s->op, s->settle.adopted);
        job->write_outcomes++;
        break;
    case OP_REJECTED:
        report->rejected++;
        report_refusal(report, s->settle.error_code, s->settle.error_message);
        job->write_outcomes++;
        job->write_failures++;
        break;
    case OP_IN_DOUBT:
        report->in_doubt++;
        report_refusal(report, s->settle.error_code ? s->settle.error_code : "journal.in_doubt",
                       s->settle.error_message);
        job->write_outcomes++;
        job->write_failures++;
        break;
    default:
        break;
    }
}

static enum status check_moves(const struct settlement *settlements, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct op_settle *settle = &settlements[i].settle;
        if (!op_move_allowed(settle->from, settle->to))
            return err_set(err, ERR_CONFLICT, "operation %lld cannot go from %s to %s",
                           (long long)settle->id, op_state_name(settle->from),
                           op_state_name(settle->to));
    }
    return OK;
}

static void remember(struct op *op, const struct op_settle *settle)
{
    op->state = settle->to;
    op->not_before_ms = settle->not_before_ms;
    op->error_code = settle->error_code;
    op->error_message = settle->error_message;
    op->adopted = settle->adopted;
    if (settle->result_id)
        op->result_id = settle->result_id;
}

enum status journal_settle(struct run_job *job, const struct op_target *target,
                           struct settlement *settlements, size_t count, struct err *err)
{
    struct store *store = job->engine->store;
    if (!count)
        return OK;
    if (check_moves(settlements, count, err) != OK)
        return FAIL;
    struct op_settle *list = mem_array(count, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = settlements[i].settle;
    struct dependents dependents = {0};
    if (target->plan)
        dependents = (struct dependents){target->plan->column->id, target->plan->dependents,
                                         target->plan->dependent_count};
    size_t fenced = 0;
    enum status rc = store->does->ops_settle(store, list, count, &dependents, target->plan ? 1 : 0,
                                             &fenced, err);
    free(list);
    if (rc != OK)
        return err_wrap(err, "settling %zu operations", count);
    if (fenced)
        log_warn("journal: %zu outcomes came too late and went to evidence only", fenced);
    for (size_t i = 0; i < count; i++) {
        remember(settlements[i].op, &settlements[i].settle);
        count_settled(job, &settlements[i]);
    }
    return OK;
}

/* ---------------------------------------------------------------- outcome */

const char *write_cell(struct arena *arena, const struct op *op, const char *id, bool created)
{
    switch (op->kind) {
    case OP_CREATE:
        return arena_printf(arena, "{\"id\":\"%s\",\"created\":%s}", id,
                            created ? "true" : "false");
    case OP_DELETE:
        return arena_printf(arena, "{\"id\":\"%s\",\"deleted\":true}", id);
    case OP_UPDATE:
    case OP_UPSERT:
    case OP_CONVERT:
        break;
    }
    return arena_printf(arena, "{\"id\":\"%s\"}", id);
}

static int64_t lock_back_off(const struct op *op)
{
    int64_t wait = LOCK_FIRST_MS;
    for (int i = 1; i < op->attempt && wait < 5 * 60 * 1000; i++)
        wait *= 2;
    return wait;
}

static void settle_unknown(struct run_job *job, struct settlement *s,
                           const struct op_target *target, const struct crm_outcome *outcome)
{
    s->settle.to = OP_UNKNOWN;
    s->settle.error_code = outcome->code ? outcome->code : "outcome.unknown";
    s->settle.error_message =
        outcome->message ? outcome->message : "the answer was lost: it may have been executed";
    struct op later = *s->op; /* the exchange is over: W counts from now */
    later.error_code = s->settle.error_code;
    later.deadline_ms = engine_now(job->engine);
    later.not_before_ms = 0;
    s->settle.not_before_ms = reconcile_ready_at(job, &later);
    settlement_cell(s, target, CELL_QUEUED, "outcome.unknown",
                    "sent, but the answer was lost; looking for what became of it");
}

static void settle_not_executed(struct run_job *job, struct settlement *s,
                                const struct op_target *target, const struct crm_outcome *outcome)
{
    int64_t now = engine_now(job->engine);
    bool pause = outcome->class == CRM_PAUSE;
    bool given_up = s->op->attempt >= ATTEMPTS_MAX || now - s->op->created_ms > ATTEMPTS_FOR_MS;
    if (given_up && !pause) {
        struct crm_outcome gave_up = *outcome;
        gave_up.code = "journal.gave_up";
        settle_unknown(job, s, target, &gave_up);
        return;
    }
    s->settle.to = OP_RETRY_SAFE;
    s->settle.not_before_ms = now + (pause ? PAUSE_MS : lock_back_off(s->op));
    s->settle.error_code = outcome->code;
    s->settle.error_message = outcome->message;
    settlement_cell(s, target, CELL_RETRYING, outcome->code,
                    outcome->message ? outcome->message : "not executed; it is sent again");
    if (pause)
        job->report->paused = job->stop_writing = true;
}

static const char *rejection(struct arena *arena, const struct crm_outcome *outcome)
{
    return arena_printf(arena, "%s%s%s%s%s", outcome->message ? outcome->message : "refused",
                        outcome->fields ? " Fields: " : "", outcome->fields ? outcome->fields : "",
                        outcome->other_id ? " Record: " : "",
                        outcome->other_id ? outcome->other_id : "");
}

static void settle_rejected(struct arena *arena, struct settlement *s,
                            const struct op_target *target, const struct crm_outcome *outcome)
{
    s->settle.to = OP_REJECTED;
    s->settle.error_code = outcome->code ? outcome->code : "refused";
    s->settle.error_message = rejection(arena, outcome);
    settlement_cell(s, target, CELL_REFUSED, s->settle.error_code, s->settle.error_message);
}

/* A duplicate rule looks before the key does: it may have met the record that this very
 * operation made, by a request that arrived late or twice. The key tells. */
static bool may_be_our_own(const struct op *op, const struct crm_outcome *outcome)
{
    return op->kind == OP_CREATE && (op->mode == MODE_SEALED || op->mode == MODE_KEYED) &&
           text_eq(outcome->code, CODE_DUPLICATE_RULE);
}

static void settle_executed(struct run_job *job, struct arena *arena, struct settlement *s,
                            const struct op_target *target, const struct crm_outcome *outcome)
{
    const char *id = outcome->id ? outcome->id : s->op->target_id;
    if (!id) { /* executed, but the answer was cut before the id: find it */
        struct crm_outcome cut = *outcome;
        cut.code = "answer.cut";
        settle_unknown(job, s, target, &cut);
        return;
    }
    s->settle.to = OP_DONE;
    s->settle.result_id = id;
    settlement_cell_value(s, target, write_cell(arena, s->op, id, true));
}

static void settle_outcome(struct run_job *job, struct arena *arena, struct settlement *s,
                           const struct op_target *target, const struct crm_outcome *outcome)
{
    s->settle.evidence = outcome->evidence;
    switch (outcome->class) {
    case CRM_EXECUTED:
        settle_executed(job, arena, s, target, outcome);
        break;
    case CRM_NOT_EXECUTED:
    case CRM_PAUSE:
        settle_not_executed(job, s, target, outcome);
        break;
    case CRM_SEVERAL:
        job->stop_writing = true;
        settle_rejected(arena, s, target, outcome);
        break;
    case CRM_REJECTED:
        if (may_be_our_own(s->op, outcome)) {
            struct crm_outcome duplicate = *outcome;
            duplicate.message = rejection(arena, outcome);
            settle_unknown(job, s, target, &duplicate);
        } else
            settle_rejected(arena, s, target, outcome);
        break;
    case CRM_EXISTS: {
        struct crm_outcome exists = *outcome;
        exists.code = "DUPLICATE_VALUE";
        settle_unknown(job, s, target, &exists);
        break;
    }
    case CRM_UNKNOWN:
        settle_unknown(job, s, target, outcome);
        break;
    }
    s->settle.audit = arena_printf(arena, "%s %s %s: %s", op_kind_name(s->op->kind), s->op->object,
                                   s->settle.result_id ? s->settle.result_id : s->op->key,
                                   op_state_name(s->settle.to));
}

/* ------------------------------------------------------------------- plan */

enum status journal_plan(struct column_batch *batch, struct op *ops,
                         const struct cell_result *cells, const int64_t *looked, size_t count,
                         enum plan_result *results, struct err *err)
{
    struct store *store = batch->job->engine->store;
    crash_point(batch->job->engine, "K0");
    if (store->does->ops_plan(store, ops, count, results, cells, looked, err) != OK)
        return err_wrap(err, "planning %zu operations", count);
    crash_point(batch->job->engine, "K2");
    return OK;
}

/* ------------------------------------------------------------------- send */

static bool harmless(const struct op *op)
{
    return op->kind != OP_CREATE || op->mode == MODE_SEALED || op->mode == MODE_KEYED;
}

static void fill_write(const struct crm_object *object, const struct op *op,
                       struct crm_write *write)
{
    const struct crm_field *seal =
        op->mode == MODE_SEALED && object ? mode_seal_field(object) : NULL;
    *write = (struct crm_write){.kind = op->kind,
                                .object = op->object,
                                .id = op->target_id && op->kind != OP_UPSERT ? op->target_id : NULL,
                                .payload = op->payload};
    if (seal) {
        write->key_field = seal->name;
        write->key_value = op->key;
    } else if (op->kind == OP_UPSERT || op->mode == MODE_KEYED) {
        bool by_id = op->kind != OP_UPSERT && op->target_id;
        write->key_field = by_id ? NULL : op->key_field;
        write->key_value = by_id ? NULL : op->key_value;
    }
}

/* The seal must still be unique: without it a resend could make a second record. */
static bool seal_lost(const struct op *op, const struct crm_object *object)
{
    return op->mode == MODE_SEALED && object && !mode_seal_field(object);
}

static size_t keep_sending(struct op **ops, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (ops[i]->state == OP_SENDING)
            ops[kept++] = ops[i];
    return kept;
}

/* Marks ops SENDING on disk; *ops keeps those that are ours to send. */
static enum status mark_sending(struct run_job *job, struct arena *arena, struct op **ops,
                                size_t *count, struct err *err)
{
    struct store *store = job->engine->store;
    struct op *copies = arena_array(arena, *count, sizeof *copies);
    for (size_t i = 0; i < *count; i++)
        copies[i] = *ops[i];
    int64_t deadline = engine_now(job->engine) + SEND_TIMEOUT_MS;
    crash_point(job->engine, "K3");
    if (store->does->ops_sending(store, copies, *count, deadline, err) != OK)
        return err_wrap(err, "storing %zu operations before sending", *count);
    for (size_t i = 0; i < *count; i++)
        *ops[i] = copies[i];
    *count = keep_sending(ops, *count);
    crash_point(job->engine, "K4");
    return OK;
}

static const struct json *settings_of(struct arena *arena, const struct op *op)
{
    struct err ignored = {0};
    return op->settings ? json_parse(arena, op->settings, strlen(op->settings), &ignored) : NULL;
}

/* One exchange with the remote: W1, write, W6. */
static enum status send_chunk(struct run_job *job, const struct op_target *target, struct op **ops,
                              size_t count, const struct crm_object *object, struct err *err)
{
    struct arena *arena = arena_new();
    struct crm_session *session = target->on->session;
    enum status rc = mark_sending(job, arena, ops, &count, err);
    if (rc == OK && count) {
        struct crm_write *writes = arena_array(arena, count, sizeof *writes);
        struct crm_outcome *outcomes = arena_array(arena, count, sizeof *outcomes);
        struct settlement *settlements = arena_array(arena, count, sizeof *settlements);
        const struct json *settings = settings_of(arena, ops[0]);
        struct crm_write_options options = {
            .duplicate_override = json_get_bool(settings, "duplicate_override", false),
            .auto_assign = json_get_text(settings, "auto_assign"),
            .resend_harmless = harmless(ops[0]),
            .timeout_ms = SEND_TIMEOUT_MS};
        for (size_t i = 0; i < count; i++)
            fill_write(object, ops[i], &writes[i]);
        session->does->write(session, writes, count, &options, arena, outcomes);
        crash_point(job->engine, "K9");
        job->writes_sent += (int64_t)count;
        for (size_t i = 0; i < count; i++) {
            settlement_begin(&settlements[i], ops[i], OP_UNKNOWN);
            settle_outcome(job, arena, &settlements[i], target, &outcomes[i]);
        }
        rc = journal_settle(job, target, settlements, count, err);
        for (size_t i = 0; i < count; i++) { /* lent to the arena of this chunk */
            ops[i]->result_id = arena_strdup(job->arena, ops[i]->result_id);
            ops[i]->error_code = arena_strdup(job->arena, ops[i]->error_code);
            ops[i]->error_message = arena_strdup(job->arena, ops[i]->error_message);
        }
        crash_point(job->engine, "K11");
    }
    arena_free(arena);
    return rc;
}

static bool same_chunk(const struct op *a, const struct op *b)
{
    return a->kind == b->kind && text_eq(a->object, b->object) && harmless(a) == harmless(b) &&
           text_eq(a->settings, b->settings) &&
           text_eq(a->kind == OP_UPSERT ? a->key_field : NULL,
                   b->kind == OP_UPSERT ? b->key_field : NULL);
}

static size_t chunk_limit(const struct op *op, const struct connector *connector)
{
    if (op->mode == MODE_BLIND && op->kind == OP_CREATE)
        return 1; /* a lost answer must leave one row in doubt, not a thousand */
    size_t most = connector->write_batch ? connector->write_batch : 1;
    const char *given =
        getenv("ARGIL_WRITE_BATCH"); /* smaller exchanges, for careful people and tests */
    long wanted = given ? strtol(given, NULL, 10) : 0;
    return wanted > 0 && (size_t)wanted < most ? (size_t)wanted : most;
}

static bool may_go_on(struct run_job *job, const struct op_target *target)
{
    if (engine_stopping(job->engine) || job->stop_writing || job->stop_column)
        return false;
    if (job_over_budget(job, target->on))
        return false;
    return !(target->table && guard_error_rate(job, &target->table->table));
}

enum status journal_send(struct run_job *job, const struct op_target *target, struct op *ops,
                         size_t count, struct err *err)
{
    struct op **chunk = mem_array(count + 1, sizeof *chunk);
    enum status rc = OK;
    for (size_t at = 0; at < count && rc == OK && may_go_on(job, target);) {
        struct op *first = &ops[at];
        size_t limit = chunk_limit(first, target->on->session->does), n = 0;
        while (at < count && n < limit && same_chunk(first, &ops[at]))
            chunk[n++] = &ops[at++];
        const struct crm_object *object = job_describe(target->on, first->object, job->engine, err);
        if (!object || seal_lost(first, object)) {
            rc = object
                     ? err_set(err, "mode.seal_lost",
                               "%s lost its unique Argil key field: writing stopped", first->object)
                     : FAIL;
            break;
        }
        rc = send_chunk(job, target, chunk, n, object, err);
        job_tick(job, "writing", (int64_t)at, (int64_t)count);
    }
    free(chunk);
    return rc;
}
