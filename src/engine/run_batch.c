/* run_batch.c - one batch of one column: choose rows, see if they are ready,
 * ask only_run_if, let the kind compute, store.
 *
 * Order: read rows -> readiness of inputs -> only_run_if -> execute -> cells_put.
 * Invariant: a cell leaves DUE only together with its result, so a process may
 * die anywhere and the next one repeats at most one batch; writes are kept from
 * repeating by the journal, not by this. */
#include "engine/later.h"
#include "engine/run_priv.h"

#include "base/str.h"

#include <stdarg.h>
#include <string.h>

/* -------------------------------------------------------- setting results */

void batch_value(struct column_batch *batch, size_t i, struct value value)
{
    struct cell_result *result = &batch->results[i];
    result->state = value.text ? CELL_OK : CELL_NO_RESULT;
    result->value = value;
    result->set_value = true;
    result->code = result->message = NULL;
    result->attempt = 0;
    result->not_before_ms = 0;
}

void batch_no_result(struct column_batch *batch, size_t i)
{
    batch_value(batch, i, VALUE_NULL);
}

void batch_fail(struct column_batch *batch, size_t i, enum cell_state state, const char *code,
                const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct cell_result *result = &batch->results[i];
    result->state = state;
    result->set_value = false;
    result->code = arena_strdup(batch->arena, code);
    result->message = arena_vprintf(batch->arena, fmt, args);
    va_end(args);
    if (state == CELL_REFUSED || state == CELL_ERROR)
        report_refusal(batch->job->report, result->code, result->message);
}

void batch_error(struct column_batch *batch, size_t i, enum cell_state state, const struct err *err)
{
    bool cause = *err->cause, hint = *err->hint;
    batch_fail(batch, i, state, err->code, "%s%s%s%s%s%s%s", *err->where ? err->where : "",
               *err->where ? ": " : "", err->message, cause ? " " : "", err->cause, hint ? " " : "",
               err->hint);
}

void batch_retry(struct column_batch *batch, size_t i, int64_t wait_ms, int attempts,
                 const struct err *err)
{
    struct run_job *job = batch->job;
    int attempt = batch->cells[i].attempt + 1;
    if (attempt >= attempts) {
        batch_error(batch, i, CELL_ERROR, err);
        batch->results[i].attempt = 0;
        return;
    }
    int64_t wait = later_back_off(attempt);
    batch_error(batch, i, CELL_RETRYING, err);
    batch->results[i].attempt = attempt;
    batch->results[i].not_before_ms = engine_now(job->engine) + (wait > wait_ms ? wait : wait_ms);
    if (!job->retry_soonest_ms || batch->results[i].not_before_ms < job->retry_soonest_ms)
        job->retry_soonest_ms = batch->results[i].not_before_ms;
}

enum status batch_call_failed(struct column_batch *batch, struct err *err)
{
    struct run_job *job = batch->job;
    if (err_is(err, ERR_CRM_RECONNECT) || err_is(err, ERR_CRM_WRONG_ORG) ||
        err_is(err, ERR_CRM_NOT_ADMITTED) || store_failed(err))
        return FAIL;
    if (err_is(err, ERR_CRM_LIMIT)) {
        job->report->paused = true;
        job->stop_column = true;
        for (size_t i = 0; i < batch->count; i++)
            if (batch->results[i].state == CELL_DUE)
                batch->stored[i] = true; /* stays as it is: due */
        report_refusal(job->report, err->code, err->message);
        err_clear(err);
        return OK;
    }
    bool for_now = err_is(err, ERR_CRM_UNREACHABLE);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->stored[i] || batch->results[i].state != CELL_DUE)
            continue;
        if (for_now)
            batch_retry(batch, i, 0, 6, err);
        else
            batch_error(batch, i, CELL_ERROR, err);
    }
    job->stop_column = true; /* the next batch would fail alike */
    err_clear(err);
    return OK;
}

void batch_json(struct column_batch *batch, size_t i, const struct json *json)
{
    struct value value;
    struct err err = {0};
    if (value_from_json(batch->arena, batch->plan->column->type, json, &value, &err) == OK)
        batch_value(batch, i, value);
    else
        batch_error(batch, i, CELL_ERROR, &err);
}

/* -------------------------------------------------------------- readiness */

static bool blocks(enum cell_state state)
{
    return state != CELL_OK && state != CELL_NO_RESULT && state != CELL_SKIPPED &&
           state != CELL_OUTDATED;
}

/* Marks rows whose input in this column is not settled as waiting. */
static enum status wait_for_input(struct column_batch *batch, const struct column *input,
                                  struct err *err)
{
    struct store *store = batch->job->engine->store;
    int64_t *ids = arena_array(batch->arena, batch->count, sizeof *ids);
    struct cell *cells = arena_array(batch->arena, batch->count, sizeof *cells);
    for (size_t i = 0; i < batch->count; i++)
        ids[i] = batch->rows[i].id;
    if (store->does->cells(store, batch->arena, batch->table->id, input->id, ids, batch->count,
                           cells, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (blocks(cells[i].state) && batch->results[i].state != CELL_WAITING)
            batch_fail(batch, i, CELL_WAITING, "input.not_ready", "waits for \"%s\" (%s)",
                       input->name, cell_state_name(cells[i].state));
    return OK;
}

static enum status check_ready(struct column_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->plan->input_count; i++) {
        const struct column *input = batch->plan->inputs[i];
        if (column_is_computed(input) && wait_for_input(batch, input, err) != OK)
            return FAIL;
    }
    return OK;
}

/* Rows that lack what the column requires wait for it. */
static void check_required(struct column_batch *batch)
{
    const struct column_plan *plan = batch->plan;
    for (size_t i = 0; i < batch->count; i++)
        for (size_t k = 0; k < plan->required_count; k++) {
            struct value value = batch->rows[i].values[plan->required[k]];
            bool blank = !value.text || !str_trim((struct str){value.text, value.len}).n;
            if (blank && batch->results[i].state == CELL_DUE)
                batch_fail(batch, i, CELL_WAITING, "input.missing", "needs \"%s\", which is blank",
                           plan->inputs[plan->required[k]]->name);
        }
}

/* Rows whose time has not come yet stay as they are. */
static void check_delay(struct column_batch *batch)
{
    struct run_job *job = batch->job;
    int64_t now = engine_now(job->engine);
    size_t kept = 0;
    if (!batch->plan->delay_ms || job->show)
        return;
    for (size_t i = 0; i < batch->count; i++) {
        int64_t at = batch->rows[i].cell_ms + batch->plan->delay_ms;
        bool due = batch->cells[i].state == CELL_DUE;
        if (due && at > now) {
            job->report->cells_delayed++;
            if (!job->delayed_soonest_ms || at < job->delayed_soonest_ms)
                job->delayed_soonest_ms = at;
            continue;
        }
        batch->rows[kept] = batch->rows[i];
        batch->cells[kept++] = batch->cells[i];
    }
    batch->count = kept;
}

/* ------------------------------------------------------------ only_run_if */

static void judge_condition(struct column_batch *batch, size_t i, const struct formula_result *r)
{
    switch (r->state) {
    case FORMULA_OK:
        if (json_text_true(r->json))
            return;
        break;
    case FORMULA_NULL:
        break;
    case FORMULA_ERROR:
        batch_fail(batch, i, CELL_ERROR, "condition.error", "only_run_if: %s",
                   r->message ? r->message : "failed");
        return;
    case FORMULA_TIMEOUT:
        batch_fail(batch, i, CELL_ERROR, "condition.timeout", "only_run_if took too long");
        return;
    }
    batch_fail(batch, i, CELL_SKIPPED, "condition.false", "only_run_if was not true");
    /* a write's cell keeps its record: the condition often turns false because of it */
    batch->results[i].value = VALUE_NULL;
    batch->results[i].set_value = !batch->plan->kind->writes;
}

static enum status check_condition(struct column_batch *batch, struct err *err)
{
    const char *condition = batch->plan->column->only_run_if;
    if (text_blank(condition) || !batch->count)
        return OK;
    struct formula_result *results = arena_array(batch->arena, batch->count, sizeof *results);
    if (formula_eval(batch->job->engine->formula, condition, batch_formula_names(batch),
                     batch->plan->input_count, batch_formula_rows(batch), batch->count,
                     batch->arena, results, err) != OK)
        return err_wrap(err, "only_run_if of \"%s\"", batch->plan->column->name);
    for (size_t i = 0; i < batch->count; i++)
        judge_condition(batch, i, &results[i]);
    return OK;
}

/* ----------------------------------------------------------------- storing */

static bool is_news(const struct cell *was, const struct cell_result *now)
{
    return now->state != was->state || now->state != CELL_WAITING ||
           !text_eq(was->message, now->message);
}

static void show_results(const struct column_batch *batch)
{
    const struct run_job *job = batch->job;
    for (size_t i = 0; i < batch->count; i++)
        if (!batch->stored[i])
            job->show(job->show_ctx, &batch->results[i]);
}

static enum status store_results(struct column_batch *batch, struct err *err)
{
    if (batch->job->show) {
        show_results(batch);
        return OK;
    }
    struct store *store = batch->job->engine->store;
    struct cell_result *put = arena_array(batch->arena, batch->count + 1, sizeof *put);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->stored[i])
            continue;
        report_cell(batch->job->report, batch->results[i].state);
        if (is_news(&batch->cells[i], &batch->results[i]))
            put[count++] = batch->results[i];
    }
    struct dependents dependents = table_plan_dependents(batch->job->table, batch->plan);
    if (!count)
        return OK;
    return store->does->cells_put(store, batch->table->id, put, count, &dependents, 1, err);
}

/* Keeps the rows that are still undecided; stores the others. */
static enum status settle_decided(struct column_batch *batch, struct err *err)
{
    struct column_batch decided = *batch, open = *batch;
    decided.trees = open.trees = NULL;
    decided.count = open.count = 0;
    size_t n = batch->count + 1;
    decided.cells = arena_array(batch->arena, n, sizeof *decided.cells);
    decided.results = arena_array(batch->arena, n, sizeof *decided.results);
    open.rows = arena_array(batch->arena, n, sizeof *open.rows);
    open.cells = arena_array(batch->arena, n, sizeof *open.cells);
    open.results = arena_array(batch->arena, n, sizeof *open.results);
    for (size_t i = 0; i < batch->count; i++) {
        bool undecided = batch->results[i].state == CELL_DUE;
        struct column_batch *to = undecided ? &open : &decided;
        if (undecided)
            to->rows[to->count] = batch->rows[i];
        to->cells[to->count] = batch->cells[i];
        to->results[to->count++] = batch->results[i];
    }
    enum status rc = store_results(&decided, err);
    *batch = open;
    return rc;
}

/* ------------------------------------------------------------------ batch */

/* Rows of operations that are under way are the journal's business. */
static void drop_journal_rows(struct column_batch *batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->cells[i].state == CELL_RETRYING && batch->cells[i].op_id)
            continue;
        batch->rows[kept] = batch->rows[i];
        batch->cells[kept++] = batch->cells[i];
    }
    batch->count = kept;
}

/* The next of the rows that were asked for by id, behind `after`. */
static void choose_rows(const struct column_batch *batch, struct row_query *query, bool *more)
{
    const struct run_options *options = batch->job->options;
    size_t from = 0, most = batch->plan->kind->batch_rows;
    for (size_t high = options->row_count; from < high;) {
        size_t middle = from + (high - from) / 2;
        if (options->rows[middle] <= query->after)
            from = middle + 1;
        else
            high = middle;
    }
    query->ids = options->rows + from;
    query->id_count = options->row_count - from < most ? options->row_count - from : most;
    *more = from + query->id_count < options->row_count;
}

/* The last row of this run, or of the part of it that is being done; 0 = to the end. */
static int64_t last_row(const struct run_job *job)
{
    return job->part.number ? job->part.last_row : job->max_row_id;
}

static enum status read_rows(struct column_batch *batch, uint32_t states, int64_t *after,
                             bool *more, struct err *err)
{
    struct run_job *job = batch->job;
    struct store *store = job->engine->store;
    const struct column_plan *plan = batch->plan;
    int *slots = arena_array(batch->arena, plan->input_count + 1, sizeof *slots);
    for (size_t i = 0; i < plan->input_count; i++)
        slots[i] = plan->inputs[i]->slot;
    struct row_query query = {.table_id = batch->table->id,
                              .slots = slots,
                              .slot_count = plan->input_count,
                              .after = *after,
                              .last = last_row(job),
                              .limit = plan->kind->batch_rows,
                              .column_id = plan->column->id,
                              .states = states,
                              .with_cells = true,
                              .due_before_ms = engine_now(job->engine)};
    if (job->options->rows)
        choose_rows(batch, &query, more);
    if (store->does->rows(store, batch->arena, &query, &batch->rows, &batch->count, err) != OK)
        return FAIL;
    if (job->options->rows) {
        *after = query.id_count ? query.ids[query.id_count - 1] : *after;
        return OK;
    }
    *more = batch->count == query.limit;
    if (batch->count)
        *after = batch->rows[batch->count - 1].id;
    return OK;
}

static void take_cells(struct column_batch *batch)
{
    batch->cells = arena_array(batch->arena, batch->count, sizeof *batch->cells);
    for (size_t i = 0; i < batch->count; i++)
        batch->cells[i] = *batch->rows[i].cell;
}

static void begin_results(struct column_batch *batch)
{
    batch->results = arena_array(batch->arena, batch->count + 1, sizeof *batch->results);
    batch->stored = arena_array(batch->arena, batch->count + 1, sizeof *batch->stored);
    for (size_t i = 0; i < batch->count; i++)
        batch->results[i] = (struct cell_result){.row_id = batch->rows[i].id,
                                                 .column_id = batch->plan->column->id,
                                                 .slot = batch->plan->column->slot,
                                                 .state = CELL_DUE,
                                                 .read_ms = batch->rows[i].cell_ms};
}

static int64_t calls_so_far(struct run_job *job)
{
    job_sum_calls(job);
    return (int64_t)job->report->calls + job->report->http_requests;
}

/* What the kind has not told itself, a batch's rows share. */
static void share_costs(struct column_batch *batch, int64_t took_us, int64_t calls)
{
    struct run_job *job = batch->job;
    bool told = false;
    for (size_t i = 0; i < batch->count; i++)
        told |= batch->results[i].cost.calls_milli != 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct cell_cost *cost = &batch->results[i].cost;
        cost->run_id = job->run_id;
        cost->attempts = batch->cells[i].attempt + 1;
        if (told)
            continue;
        cost->took_us = took_us / (int64_t)batch->count;
        cost->calls_milli = calls * 1000 / (int64_t)batch->count;
    }
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    const struct column_kind *kind = batch->plan->kind;
    struct world *world = batch->job->engine->world;
    int64_t calls = kind->costs ? calls_so_far(batch->job) : 0, began = world->monotonic_ms(world);
    if (kind->execute(batch, err) != OK)
        return FAIL;
    if (kind->costs)
        share_costs(batch, (world->monotonic_ms(world) - began) * 1000,
                    calls_so_far(batch->job) - calls);
    return OK;
}

static enum status compute(struct column_batch *batch, struct err *err)
{
    begin_results(batch);
    if (check_ready(batch, err) != OK)
        return FAIL;
    check_required(batch);
    if (settle_decided(batch, err) != OK)
        return FAIL;
    if (check_condition(batch, err) != OK || settle_decided(batch, err) != OK)
        return FAIL;
    if (!batch->count)
        return OK;
    if (execute(batch, err) != OK)
        return FAIL;
    return store_results(batch, err);
}

/* Of rows that were asked for by their ids. */
static void cut_at_limit(struct column_batch *batch, bool *more)
{
    int64_t limit = last_row(batch->job);
    while (limit && batch->count && batch->rows[batch->count - 1].id > limit) {
        batch->count--;
        *more = false;
    }
}

enum status run_batch(struct run_job *job, struct table_plan *table, struct column_plan *plan,
                      uint32_t states, int64_t *after, bool *more, struct err *err)
{
    struct column_batch batch = {.job = job,
                                 .table = &table->table,
                                 .plan = plan,
                                 .config = plan->config,
                                 .arena = arena_new()};
    *more = false;
    enum status rc = read_rows(&batch, states, after, more, err);
    if (rc == OK)
        cut_at_limit(&batch, more);
    if (rc == OK && batch.count) {
        take_cells(&batch);
        drop_journal_rows(&batch);
        check_delay(&batch);
        job->pass.rows = (int64_t)batch.count;
        job->pass.landed = 0;
        job->pass.last = !*more;
        rc = compute(&batch, err);
    }
    arena_free(batch.arena);
    return rc;
}

enum status run_batch_shown(struct run_job *job, struct table_plan *table,
                            struct column_plan *plan, const int64_t *rows, size_t count,
                            struct err *err)
{
    struct column_batch batch = {.job = job,
                                 .table = &table->table,
                                 .plan = plan,
                                 .config = plan->config,
                                 .arena = arena_new()};
    struct store *store = job->engine->store;
    int *slots = arena_array(batch.arena, plan->input_count + 1, sizeof *slots);
    for (size_t i = 0; i < plan->input_count; i++)
        slots[i] = plan->inputs[i]->slot;
    struct row_query query = {.table_id = table->table.id,
                              .slots = slots,
                              .slot_count = plan->input_count,
                              .ids = rows,
                              .id_count = count};
    enum status rc = store->does->rows(store, batch.arena, &query, &batch.rows, &batch.count, err);
    batch.cells = arena_array(batch.arena, batch.count + 1, sizeof *batch.cells);
    if (rc == OK)
        rc = compute(&batch, err);
    arena_free(batch.arena);
    return rc;
}
