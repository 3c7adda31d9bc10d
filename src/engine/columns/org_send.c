/* org_send.c - from intents to operations.
 *
 * Order: fold rows with the same key -> dry run ends here -> approval of the
 * column's first write -> guard -> plan (stored with the cell QUEUED) -> send.
 * Invariant: nothing is sent that is not in the journal, and a row has at most
 * one operation under way. */
#include "engine/columns/org_write.h"
#include "engine/gates.h"

#include "base/map.h"
#include "base/str.h"
#include "store/store_counters.h"
#include "store/store_modes.h"

#include <string.h>

/* -------------------------------------------------------------------- fold */

void write_fold(struct write_column *w)
{
    struct map *first = map_new();
    for (size_t i = 0; i < w->batch->count; i++) {
        struct write_intent *intent = &w->intents[i];
        if (!intent->wanted || !intent->key_value)
            continue;
        struct write_intent *earlier = map_get(first, intent->key_value);
        if (earlier) {
            intent->same_as = (size_t)(earlier - w->intents);
            intent->wanted = false;
        } else {
            map_put(first, intent->key_value, intent);
        }
    }
    map_free(first);
}

/* Changes by Id cannot make a record: only what is created has a mode to speak of. */
static enum write_mode intent_mode(const struct write_column *w, const struct write_intent *intent)
{
    return intent->kind == OP_CREATE || intent->kind == OP_UPSERT ? w->mode.mode : MODE_KEYED;
}

/* ---------------------------------------------------------------- dry run */

static struct planned_write as_told(const struct write_column *w, size_t i)
{
    const struct write_intent *intent = &w->intents[i];
    return (struct planned_write){.column = w->batch->plan->column->name,
                                  .column_id = w->batch->plan->column->id,
                                  .row_key = w->batch->rows[i].key,
                                  .row_id = w->batch->rows[i].id,
                                  .kind = intent->kind,
                                  .mode = intent_mode(w, intent),
                                  .object = w->object->name,
                                  .target_id = intent->target_id,
                                  .payload = intent->payload,
                                  .before = intent->before};
}

static void report_planned(struct write_column *w)
{
    struct run_job *job = w->batch->job;
    for (size_t i = 0; i < w->batch->count; i++) {
        const struct cell_result *result = &w->batch->results[i];
        bool undecided = write_undecided(w, i);
        struct planned_write write = as_told(w, i);
        job->report->refused += result->state == CELL_REFUSED;
        if (result->state == CELL_REFUSED && job->options->blocked)
            job->options->blocked(job->options->planned_ctx, &write, result->code, result->message);
        w->batch->stored[i] = true; /* a dry run keeps nothing of a write column */
        if (!undecided || !w->intents[i].wanted)
            continue;
        job->report->planned++;
        job->planned_kind = w->intents[i].kind;
        job->planned_mode = write.mode;
        job->planned_on = w->on;
        if (job->options->planned)
            job->options->planned(job->options->planned_ctx, &write);
    }
}

/* --------------------------------------------------------------- approval */

static size_t count_wanted(const struct write_column *w)
{
    size_t count = 0;
    for (size_t i = 0; i < w->batch->count; i++)
        count += w->intents[i].wanted;
    return count;
}

static enum status keep_mode(struct write_column *w, struct column *column, struct err *err)
{
    struct store *store = w->batch->job->engine->store;
    if (store->does->modes->put(store, column->id, w->mode.mode, err) != OK)
        return FAIL;
    column->approved_mode = (int)w->mode.mode;
    return OK;
}

/* The org took away what made its writes sure: nothing more is sent until somebody agrees. */
static enum status mode_dropped(const struct write_column *w, const struct column *column,
                                struct err *err)
{
    err_set(err, ERR_APPROVAL,
            "the writes of column \"%s\" are %s now; they were %s when it was approved",
            column->name, write_mode_name(w->mode.mode),
            write_mode_name((enum write_mode)column->approved_mode));
    err_cause(err, "A field of %s lost Unique or Edit access, or was deleted. Now: %s",
              w->object->name, write_mode_promise(w->mode.mode));
    err_hint(err,
             "Give the field back what it had (argil column show), or agree with --yes. Nothing "
             "was sent.");
    return FAIL;
}

static enum status approve(struct write_column *w, size_t wanted, struct err *err)
{
    struct run_job *job = w->batch->job;
    struct column *column = (struct column *)w->batch->plan->column; /* the job's own copy */
    struct store *store = job->engine->store;
    int approved = column->approved_mode;
    bool dropped = column->approved_ms && approved >= 0 && (int)w->mode.mode > approved;
    if (column->approved_ms && !dropped)
        return (int)w->mode.mode == approved ? OK : keep_mode(w, column, err);
    if (dropped && !job->options->yes)
        return mode_dropped(w, column, err);
    if (!job->options->yes) {
        err_set(err, ERR_APPROVAL,
                "column \"%s\" would %s %zu%s %s records on \"%s\" for the first time",
                column->name, op_kind_name(w->kind), wanted,
                wanted == w->batch->count ? " or more" : "", w->object->name, w->on->name);
        err_cause(err, "Its writes are %s: %s", write_mode_name(w->mode.mode),
                  write_mode_promise(w->mode.mode));
        err_hint(err, "Look at them with --dry-run, then run again with --yes.");
        return FAIL;
    }
    int64_t now = engine_now(job->engine);
    if (store->does->column_approve(store, column->id, now, err) != OK)
        return FAIL;
    column->approved_ms = now;
    return keep_mode(w, column, err);
}

/* More writes than the contract lets go without a person wait for a plan that one approves. */
static enum status check_threshold(const struct write_column *w, size_t wanted, struct err *err)
{
    struct run_job *job = w->batch->job;
    int64_t most = w->contract ? w->contract->approve_above : -1;
    job->writes_wanted += (int64_t)wanted;
    if (most < 0 || job->options->plan_id || job->writes_wanted <= most)
        return OK;
    err_set(err, ERR_APPROVAL,
            "this run writes more than %lld records on \"%s\": its contract wants a plan that a person "
            "approves",
            (long long)most, w->on->name);
    err_hint(err, "argil run %s --plan, then argil plan show, approve and apply.", w->batch->table->name);
    return FAIL;
}

/* What the guard does not allow stays due. */
static void keep_within_guard(struct write_column *w)
{
    struct run_job *job = w->batch->job;
    int64_t left = guard_writes_left(job, w->batch->table);
    bool cut = false;
    for (size_t i = 0; i < w->batch->count; i++) {
        if (!w->intents[i].wanted || left-- > 0)
            continue;
        w->intents[i].wanted = false;
        w->batch->stored[i] = cut = true;
    }
    if (!cut)
        return;
    job->guard_full = job->report->paused = true;
    report_refusal(job->report, "guard.max_writes_per_run",
                   "the guard's number of writes for one run is reached; the rest waits");
}

/* The first records of a large run go, the rest stays due until a person has looked. */
static enum status keep_to_canary(struct write_column *w, struct err *err)
{
    struct run_job *job = w->batch->job;
    int64_t left = INT64_MAX;
    bool cut = false;
    if (!count_wanted(w))
        return OK;
    if (gate_canary_left(job, job->table, w->batch->plan, &left, err) != OK)
        return FAIL;
    if (left == INT64_MAX)
        return OK;
    for (size_t i = 0; i < w->batch->count; i++) {
        if (!w->intents[i].wanted || left-- > 0)
            continue;
        w->intents[i].wanted = false;
        w->batch->stored[i] = cut = true;
    }
    job->canary_left = left > 0 ? left : 0;
    if (cut)
        gate_canary_tell(job, w->batch->plan);
    return OK;
}

/* ------------------------------------------------------------------ owners */

/* New records without an owner of their own get the next one in turn. */
static enum status take_turns(struct write_column *w, struct err *err)
{
    struct column_batch *batch = w->batch;
    struct store *store = batch->job->engine->store;
    int64_t turn = 0, wanted = 0;
    for (size_t i = 0; i < batch->count; i++)
        wanted += w->intents[i].wanted && w->intents[i].kind != OP_UPDATE;
    if (!w->rotation_count || !wanted)
        return OK;
    if (store->does->counters->next(store, batch->plan->column->id, wanted, &turn, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++) {
        struct write_intent *intent = &w->intents[i];
        if (!intent->wanted || intent->kind == OP_UPDATE)
            continue;
        const char *owner = w->rotation[(size_t)(turn++) % w->rotation_count];
        size_t len = strlen(intent->payload) - 1; /* without the closing brace */
        intent->payload =
            arena_printf(batch->arena, "%.*s%s\"OwnerId\":\"%s\"}", (int)len, intent->payload,
                         len > 1 ? "," : "", owner);
    }
    return OK;
}

/* -------------------------------------------------------------------- plan */

static void fill_op(struct write_column *w, size_t i, struct op *op)
{
    struct column_batch *batch = w->batch;
    const struct write_intent *intent = &w->intents[i];
    *op = (struct op){.org_id = w->on->connection.org_id,
                      .connection_id = w->on->connection_id,
                      .table_id = batch->table->id,
                      .row_id = batch->rows[i].id,
                      .column_id = batch->plan->column->id,
                      .run_id = batch->job->run_id,
                      .generation = intent->last.id ? intent->last.generation + 1 : 1,
                      .kind = intent->kind,
                      .object = w->object->name,
                      .key_field = !intent->key_value   ? NULL
                                   : intent->key_field ? intent->key_field
                                                       : w->key_field,
                      .key_value = intent->key_value,
                      .target_id = intent->target_id,
                      .payload = intent->payload,
                      .before = intent->before,
                      .base_stamp = intent->base_stamp,
                      .settings = w->settings,
                      .priority = batch->job->options->scheduled ? 1 : 0,
                      .mode = intent_mode(w, intent),
                      .state = OP_PLANNED,
                      .created_ms = engine_now(batch->job->engine)};
    memcpy(op->key, intent->op_key, sizeof op->key);
    sha256_hex(op->payload, strlen(op->payload), op->payload_sha256);
}

static void fill_cell(const struct write_column *w, size_t i, struct cell_result *cell)
{
    *cell = w->batch->results[i];
    cell->state = CELL_QUEUED;
    cell->set_value = false;
}

static void wait_for_other(struct write_column *w, size_t i, int64_t op_id)
{
    batch_fail(w->batch, i, CELL_WAITING, "write.busy",
               "waits for another write to the same record (operation %lld)", (long long)op_id);
    w->batch->job->busy_rows++;
}

struct planned {
    struct op *ops; /* `count` are ours to send, of `sent` of them it was tried */
    size_t *rows;   /* of the batch */
    size_t count, sent;
    size_t next; /* row of the batch that is not planned */
};

static void begin_plan(struct write_column *w, struct planned *planned)
{
    size_t wanted = count_wanted(w);
    *planned = (struct planned){
        .ops = arena_array(w->batch->arena, wanted + 1, sizeof *planned->ops),
        .rows = arena_array(w->batch->arena, wanted + 1, sizeof *planned->rows)};
}

/* Of the next `n` rows, planned behind the others, keeps what is ours to send. */
static void keep_new(struct write_column *w, struct planned *planned, size_t n,
                     const enum plan_result *results)
{
    const struct op *ops = planned->ops + planned->count;
    const size_t *rows = planned->rows + planned->count;
    for (size_t j = 0; j < n; j++) {
        size_t i = rows[j];
        if (results[j] == PLAN_BUSY) {
            wait_for_other(w, i, ops[j].id);
            continue;
        }
        w->batch->stored[i] = true;
        if (results[j] != PLAN_NEW)
            continue;
        planned->ops[planned->count] = ops[j];
        planned->rows[planned->count++] = i;
    }
}

/* The next rows, up to `most` operations. */
static enum status plan(struct write_column *w, struct planned *planned, size_t most,
                        struct err *err)
{
    struct arena *arena = w->batch->arena;
    size_t room = most < w->batch->count ? most : w->batch->count, n = 0;
    struct op *ops = planned->ops + planned->count;
    struct cell_result *cells = arena_array(arena, room + 1, sizeof *cells);
    enum plan_result *results = arena_array(arena, room + 1, sizeof *results);
    int64_t *looked = arena_array(arena, room + 1, sizeof *looked);
    for (; planned->next < w->batch->count && n < most; planned->next++) {
        size_t i = planned->next;
        if (!w->intents[i].wanted)
            continue;
        fill_op(w, i, &ops[n]);
        fill_cell(w, i, &cells[n]);
        looked[n] = w->intents[i].looked_ms;
        planned->rows[planned->count + n++] = i;
    }
    if (n && journal_plan(w->batch, ops, cells, looked, n, results, err) != OK)
        return FAIL;
    keep_new(w, planned, n, results);
    return OK;
}

/* ------------------------------------------------------------------- after */

/* The row whose key an earlier row had gets that row's record; an upsert has its own values
 * to write to it, and goes when that row is done. */
static void follow(struct write_column *w, size_t i, const struct op *of)
{
    if (w->kind == OP_UPSERT) {
        batch_fail(w->batch, i, CELL_WAITING, "write.same_key",
                   "waits for a row above with the same key");
        w->batch->job->busy_rows++;
    } else if (of && of->state == OP_DONE && of->result_id) {
        write_settled(w, i, of->result_id, false);
        w->batch->job->report->adopted++;
    } else {
        batch_fail(w->batch, i, CELL_WAITING, "write.same_key",
                   "waits for a row above with the same key");
        w->batch->job->busy_rows += of && !op_state_final(of->state);
    }
}

static void follow_all(struct write_column *w, const struct planned *planned)
{
    for (size_t i = 0; i < w->batch->count; i++) {
        const struct op *of = NULL;
        if (w->intents[i].same_as == i || !write_undecided(w, i))
            continue;
        for (size_t j = 0; j < planned->count && !of; j++)
            if (planned->rows[j] == w->intents[i].same_as)
                of = &planned->ops[j];
        follow(w, i, of);
    }
}

/* Several processes plan one behind the other, and none of them sends before it has planned: so
 * no more at once than can be under way. */
static enum status plan_and_send(struct write_column *w, struct planned *planned, struct err *err)
{
    struct run_job *job = w->batch->job;
    struct op_target target = {
        .table = job->table, .plan = (struct column_plan *)w->batch->plan, .on = w->on};
    bool alone = !job->part.number || bulk_may_pay(w->batch->plan);
    if (plan(w, planned, alone ? SIZE_MAX : journal_send_most(job, &target), err) != OK)
        return FAIL;
    struct op *ops = planned->ops + planned->sent;
    size_t count = planned->count - planned->sent;
    planned->sent = planned->count;
    if (count && bulk_hold(job, &target, w->kind, w->mode.mode)) {
        job->writes_held += (int64_t)count; /* run.c sends them at the column's end */
        return OK;
    }
    return count ? journal_send(job, &target, ops, count, err) : OK;
}

enum status write_intents(struct write_column *w, struct err *err)
{
    struct run_job *job = w->batch->job;
    struct planned planned;
    if (write_contract_guards(w, err) != OK)
        return batch_call_failed(w->batch, err);
    if (job->options->dry_run) {
        report_planned(w);
        return OK;
    }
    if (write_keep_to_plan(w, err) != OK)
        return FAIL;
    size_t wanted = count_wanted(w);
    if (wanted && (check_threshold(w, wanted, err) != OK || approve(w, wanted, err) != OK))
        return FAIL;
    keep_within_guard(w);
    if (keep_to_canary(w, err) != OK || take_turns(w, err) != OK)
        return FAIL;
    begin_plan(w, &planned);
    do {
        if (plan_and_send(w, &planned, err) != OK)
            return FAIL;
    } while (planned.next < w->batch->count);
    follow_all(w, &planned);
    return OK;
}
