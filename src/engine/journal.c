/* journal.c - planning and settling operations.
 *
 * What comes back for a write is classed by the connector and becomes, in one
 * transaction, the operation's state, its cell, the cells that depend on it and
 * an audit line (W6). Nothing here guesses: what is not proved executed or not
 * executed is UNKNOWN and goes to reconcile.c. journal_settle is the one door
 * for state changes. Sending is journal_send.c's. */
#include "engine/journal.h"

#include "base/log.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define LOCK_FIRST_MS   1000
#define PAUSE_MS        ((int64_t)60 * 1000)
#define DUPLICATES_ASKED_MOST 100

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

/* A write that was taken back leaves a cell that says so, and not a record's Id. */
static bool takes_back(const struct op *op)
{
    return op->settings && strstr(op->settings, "\"undo\":");
}

void settlement_cell_value(struct settlement *s, const struct op_target *target, const char *json)
{
    if (takes_back(s->op)) {
        settlement_cell(s, target, CELL_SKIPPED, "undo.undone",
                        "taken back: what was written here is undone");
        s->settle.cell.op_id = 0;
        s->settle.cell.set_value = true;
        s->settle.cell.value = VALUE_NULL;
        return;
    }
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
        dependents = table_plan_dependents(target->table, target->plan);
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

const char *convert_cell(struct arena *arena, const char *lead, const struct json *of)
{
    static const char *const names[][2] = {{"contactId", "ConvertedContactId"},
                                           {"accountId", "ConvertedAccountId"},
                                           {"opportunityId", "ConvertedOpportunityId"}};
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "id", lead);
    for (size_t i = 0; i < 3; i++) {
        const char *id = json_get_text(of, names[i][0]);
        id = id ? id : json_get_text(of, names[i][1]);
        if (id)
            jw_kv_text(&w, names[i][0], id);
    }
    jw_end_object(&w);
    const char *out = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return out;
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

/* What a smaller exchange, or a fresh token, may cure needs no waiting. */
static int64_t wait_of(const struct op *op, const struct crm_outcome *outcome)
{
    bool at_once = outcome->whole || text_eq(outcome->code, "INVALID_SESSION_ID") ||
                   text_eq(outcome->code, "connect.same_key") ||
                   text_eq(outcome->code, "connect.other_batch") ||
                   text_eq(outcome->code, "DUPLICATES_DETECTED");
    return at_once && op->attempt < 8 ? 0 : lock_back_off(op);
}

bool journal_gives_up(const struct run_job *job, const struct op *op)
{
    return op->attempt >= ATTEMPTS_MAX ||
           engine_now(job->engine) - op->created_ms > ATTEMPTS_FOR_MS;
}

static void settle_not_executed(struct run_job *job, struct settlement *s,
                                const struct op_target *target, const struct crm_outcome *outcome)
{
    int64_t now = engine_now(job->engine);
    bool pause = outcome->class == CRM_PAUSE;
    if (journal_gives_up(job, s->op) && !pause) {
        struct crm_outcome gave_up = *outcome;
        gave_up.code = "journal.gave_up";
        settle_unknown(job, s, target, &gave_up);
        return;
    }
    s->settle.to = OP_RETRY_SAFE;
    s->settle.not_before_ms = now + (pause ? PAUSE_MS : wait_of(s->op, outcome));
    s->settle.error_code = outcome->code;
    s->settle.error_message = outcome->message;
    settlement_cell(s, target, CELL_RETRYING, outcome->code,
                    outcome->message ? outcome->message : "not executed; it is sent again");
    if (pause)
        job->report->paused = job->stop_writing = true;
}

/* What the org said, at which field, by which rule, and what to do. */
static const char *rejection(struct arena *arena, const struct crm_outcome *outcome)
{
    const char *told = arena_printf(
        arena, "%s%s%s%s%s", outcome->message ? outcome->message : "refused",
        outcome->fields ? " Fields: " : "", outcome->fields ? outcome->fields : "",
        outcome->other_id ? " Record: " : "", outcome->other_id ? outcome->other_id : "");
    size_t len = strlen(told);
    bool ends = len && strchr(".!?", told[len - 1]);
    return arena_printf(arena, "%s%s%s%s%s%s", told, ends || !outcome->cause ? "" : ".",
                        outcome->cause ? " " : "", outcome->cause ? outcome->cause : "",
                        outcome->hint ? " " : "", outcome->hint ? outcome->hint : "");
}

/* The exchange was refused as a whole for what may be one row's fault: smaller ones will tell. */
static bool may_be_anothers_fault(const struct crm_outcome *outcome)
{
    return outcome->class == CRM_REJECTED && outcome->whole;
}

/* A duplicate rule names the records it found only to a row that was alone: asked once, for
 * the first rows of a run. */
static bool wants_the_records(struct run_job *job, const struct settlement *s,
                              const struct crm_outcome *outcome)
{
    return outcome->class == CRM_REJECTED && text_eq(outcome->code, "DUPLICATES_DETECTED") &&
           !outcome->other_id && !text_eq(s->op->error_code, "DUPLICATES_DETECTED") &&
           s->op->kind != OP_UPSERT && s->op->kind != OP_CONVERT &&
           s->op->mode != MODE_TICKETED && job->duplicates_asked++ < DUPLICATES_ASKED_MOST;
}

static void send_differently(struct run_job *job, struct settlement *s,
                             const struct op_target *target, const struct crm_outcome *outcome)
{
    struct crm_outcome again = *outcome;
    if (outcome->whole)
        again.code = WHOLE_REFUSED;
    again.class = CRM_NOT_EXECUTED;
    settle_not_executed(job, s, target, &again);
}

/* Somebody changed the record since it was read: what they changed decides (reconcile.c). */
static void settle_changed(struct run_job *job, struct settlement *s,
                           const struct op_target *target, const struct crm_outcome *outcome)
{
    settle_unknown(job, s, target, outcome);
    s->settle.error_code = OUTCOME_CHANGED;
    s->settle.error_message = "the record was changed since it was read; nothing was written";
    s->settle.not_before_ms = 0;
    settlement_cell(s, target, CELL_QUEUED, OUTCOME_CHANGED, s->settle.error_message);
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
    struct err ignored = {0};
    const struct json *made =
        outcome->made ? json_parse(arena, outcome->made, strlen(outcome->made), &ignored) : NULL;
    settlement_cell_value(s, target,
                          made ? convert_cell(arena, id, made) : write_cell(arena, s->op, id, true));
}

void settle_outcome(struct run_job *job, struct arena *arena, struct settlement *s,
                    const struct op_target *target, const struct crm_outcome *outcome)
{
    s->settle.evidence = outcome->evidence;
    if (may_be_anothers_fault(outcome) || wants_the_records(job, s, outcome))
        send_differently(job, s, target, outcome);
    else
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
    case CRM_CHANGED:
        settle_changed(job, s, target, outcome);
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
