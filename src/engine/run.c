/* run.c - one pass over a table's columns.
 *
 * Order: recover the journal -> make cells due as asked -> every column, inputs
 * first: batches until no row is left, then its operations are drained so that
 * columns behind it see settled cells. Cells that failed for now are tried
 * again while the wait is short; what is left keeps its not_before for the next
 * run. One column's failure does not stop columns that do not need it. */
#include "engine/gates.h"
#include "engine/journal.h"
#include "engine/later.h"
#include "engine/run_priv.h"
#include "engine/tidy.h"

#include "base/log.h"
#include "base/str.h"
#include "store/store_plans.h"

#include <string.h>

#define RETRY_PATIENCE_MS 20000
#define TELL_MS           100
#define BUSY_ROUNDS       20 /* rows that write to the same record take turns */
#define STATES_TO_RUN     (BIT(CELL_DUE) | BIT(CELL_WAITING) | BIT(CELL_RETRYING))
#define STATES_OF_JOURNAL (BIT(CELL_QUEUED) | BIT(CELL_RUNNING) | BIT(CELL_IN_DOUBT))
#define STATES_ALL        (BIT(CELL_STATES) - 1)

static bool fatal(const struct err *err)
{
    return store_failed(err) || err_is(err, ERR_STOPPED);
}

bool run_selects(const struct run_job *job, const struct column_plan *plan)
{
    if (job->options->auto_update && plan->kind->writes && !plan->column->approved_ms)
        return false;
    return !job->options->column || text_eq_nocase(job->options->column, plan->column->name);
}

/* -------------------------------------------------------------- make due */

/* --limit: the last of the first N rows. */
static enum status find_limit(struct run_job *job, struct err *err)
{
    struct store *store = job->engine->store;
    struct row_query query = {.table_id = job->table->table.id,
                              .limit = (size_t)job->options->limit};
    struct row *rows = NULL;
    size_t count = 0;
    if (job->options->limit <= 0 || job->options->rows || job->options->auto_update)
        return OK;
    if (store->does->rows(store, job->arena, &query, &rows, &count, err) != OK)
        return FAIL;
    job->limit_ids = arena_array(job->arena, count + 1, sizeof *job->limit_ids);
    for (size_t i = 0; i < count; i++)
        job->limit_ids[i] = rows[i].id;
    job->limit_count = count;
    job->max_row_id = count ? rows[count - 1].id : -1;
    return OK;
}

static uint32_t states_to_make_due(const struct run_job *job, const struct column_plan *plan)
{
    uint32_t asked = job->options->states;
    uint32_t states = job->options->all ? STATES_ALL
                      : asked           ? asked
                                        : BIT(CELL_EMPTY) | BIT(CELL_OUTDATED);
    /* an operation under way is finished by the journal, never by a second one */
    if (plan->kind->writes)
        states &= ~STATES_OF_JOURNAL;
    return states & ~BIT(CELL_DUE);
}

static enum status make_due(struct run_job *job, struct err *err)
{
    const struct run_options *o = job->options;
    struct store *store = job->engine->store;
    const int64_t *ids = o->rows ? o->rows : job->limit_ids;
    size_t count = o->rows ? o->row_count : job->limit_count;
    if (o->auto_update || (ids && !count))
        return OK;
    if (job->by_states) /* in one statement */
        ids = NULL;
    for (size_t i = 0; i < job->table->column_count; i++) {
        const struct column_plan *plan = &job->table->columns[i];
        int64_t made = 0;
        uint32_t states = states_to_make_due(job, plan);
        if (!run_selects(job, plan) || !states)
            continue;
        if (store->does->cells_make_due(store, job->table->table.id, plan->column->id, states, ids,
                                        count, &made, err) != OK)
            return FAIL;
        log_debug("column %s: %lld cells made due", plan->column->name, (long long)made);
    }
    return OK;
}

/* --------------------------------------------------------------- columns */

/* How many rows a pass still has to look at, about, for whoever watches; 0 = not known. */
static int64_t rows_left(const struct run_job *job, const struct column_plan *plan,
                         uint32_t states, int64_t done)
{
    struct store *store = job->engine->store;
    int64_t left = 0, most = job->options->limit;
    struct err ignored = {0};
    if (job->options->rows)
        return (int64_t)job->options->row_count - done;
    if (!job->engine->progress.tick || store->does->cells_in(store, job->table->table.id, plan->column->id,
                                                            states, &left, &ignored) != OK)
        return 0;
    return most > 0 && most - done < left ? most - done : left;
}

void run_landed(struct run_job *job, int64_t rows)
{
    struct world *world = job->engine->world;
    if (!job->engine->progress.tick || !job->pass.plan)
        return;
    int64_t now = world->monotonic_ms(world);
    job->pass.landed += rows;
    if (now - job->pass.told_ms < TELL_MS)
        return;
    job->pass.told_ms = now;
    if (!job->pass.total)
        job->pass.total = job->pass.done + (job->pass.last ? job->pass.rows
                                                           : rows_left(job, job->pass.plan, job->pass.states,
                                                                       job->pass.done));
    int64_t landed = job->pass.landed < job->pass.rows ? job->pass.landed : job->pass.rows;
    job_tick(job, job->pass.plan->column->name, job->pass.done + landed, job->pass.total);
}

/* A batch is over. */
static void pass_on(struct run_job *job, bool more)
{
    job->pass.done += (int64_t)job->pass.plan->kind->batch_rows;
    int64_t done = job->pass.done, *total = &job->pass.total;
    if (more && !*total)
        *total = done + rows_left(job, job->pass.plan, job->pass.states, done);
    job_tick(job, job->pass.plan->column->name, *total && (done > *total || !more) ? *total : done,
             *total);
}

static enum status run_pass(struct run_job *job, struct column_plan *plan, uint32_t states,
                            struct err *err)
{
    int64_t after = job->part.after_row, delayed;
    bool more = true;
    memset(&job->pass, 0, sizeof job->pass);
    job->pass.plan = plan;
    job->pass.states = states;
    job->retry_soonest_ms = job->delayed_soonest_ms = 0;
    job->report->cells_delayed -= job->delayed_now;
    delayed = job->report->cells_delayed;
    job_tick(job, plan->column->name, 0, 0);
    while (more && !job->stop_column) {
        if (engine_stopping(job->engine))
            return err_set(err, ERR_STOPPED, "stopped; everything done so far is stored");
        if (run_batch(job, job->table, plan, states, &after, &more, err) != OK)
            return FAIL;
        pass_on(job, more);
    }
    job->delayed_now = job->report->cells_delayed - delayed;
    return OK;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* Drains the column's operations; rows that waited for one of them get their turn. */
static enum status finish_writes(struct run_job *job, struct column_plan *plan, int64_t patience,
                                 struct err *err)
{
    for (int round = 0; round < BUSY_ROUNDS; round++) {
        if (journal_drain(job, job->table->table.id, patience, err) != OK)
            return FAIL;
        int64_t busy = job->busy_rows;
        job->busy_rows = 0;
        if (!busy || job->stop_writing || job->stop_column)
            return OK;
        if (run_pass(job, plan, BIT(CELL_WAITING), err) != OK)
            return FAIL;
        if (job->busy_rows >= busy)
            return OK;
    }
    return OK;
}

static enum status run_column(struct run_job *job, struct column_plan *plan, struct err *err)
{
    int64_t patience = RETRY_PATIENCE_MS;
    job->stop_column = false;
    job->busy_rows = 0;
    job->delayed_now = 0;
    if (plan->kind->writes && job->stop_writing)
        return OK;
    int64_t planned = job->report->planned;
    if (run_pass(job, plan, STATES_TO_RUN, err) != OK)
        return FAIL;
    if (plan->kind->writes && job->report->planned > planned)
        bulk_expect(job, job->planned_on, plan, job->planned_kind, job->planned_mode,
                    job->report->planned - planned);
    for (int64_t at; (at = sooner(job->retry_soonest_ms, job->delayed_soonest_ms)) &&
                     !job->report->paused;) {
        int64_t wait = at - engine_now(job->engine);
        if (wait > patience) {
            job->report->again_ms = sooner(job->report->again_ms, at);
            break;
        }
        patience -= wait > 0 ? wait : 0;
        if (!job_sleep(job, wait))
            return err_set(err, ERR_STOPPED, "stopped; everything done so far is stored");
        job->stop_column = false;
        uint32_t delayed = plan->delay_ms ? BIT(CELL_DUE) : 0;
        if (run_pass(job, plan, BIT(CELL_RETRYING) | delayed, err) != OK)
            return FAIL;
    }
    if (!plan->kind->writes || job->options->dry_run)
        return OK;
    if (finish_writes(job, plan, patience, err) != OK)
        return FAIL;
    return gate_canary_end(job, job->table, plan, err);
}

/* The first error is the run's error; columns that can still run do. */
enum status run_columns(struct run_job *job, struct err *err)
{
    enum status rc = OK;
    for (size_t i = 0; i < job->table->column_count; i++) {
        struct column_plan *plan = &job->table->columns[i];
        struct err mine = {0};
        if (!run_selects(job, plan) || run_column(job, plan, &mine) == OK)
            continue;
        if (rc == OK || fatal(&mine)) {
            *err = mine;
            err_where(err, "%s.%s", job->table->table.name, plan->column->name);
        }
        rc = FAIL;
        if (fatal(&mine))
            break;
        log_warn("column %s: %s", plan->column->name, mine.message);
    }
    if (rc == OK && engine_stopping(job->engine)) /* the journal may hold what it planned */
        rc = err_set(err, ERR_STOPPED, "stopped; everything done so far is stored");
    return rc;
}

/* ------------------------------------------------------------------- run */

static enum status check_column_name(const struct run_job *job, struct err *err)
{
    const char *names[512];
    size_t count = 0;
    if (!job->options->column)
        return OK;
    for (size_t i = 0; i < job->table->column_count; i++) {
        if (run_selects(job, &job->table->columns[i]))
            return OK;
        if (count < 512)
            names[count++] = job->table->columns[i].column->name;
    }
    err_set(err, ERR_NOT_FOUND, "table \"%s\" has no computed column \"%s\"",
            job->table->table.name, job->options->column);
    const char *nearest = text_nearest(job->options->column, names, count);
    if (nearest)
        err_hint(err, "did you mean \"%s\"?", nearest);
    return FAIL;
}

static enum status begin(struct run_job *job, struct err *err)
{
    if (job_begin_run(job, job->table->table.id, "run", err) != OK)
        return FAIL;
    job->report->run_id = job->run_id;
    return OK;
}

/* The plan that is applied knows its run. */
static enum status tell_plan(struct run_job *job, struct err *err)
{
    struct store *store = job->engine->store;
    if (!job->options->plan_id || job->options->dry_run)
        return OK;
    return store->does->plans->applied_by(store, job->options->plan_id, job->run_id, err);
}

/* Operations that are still under way when the run ends. */
static void count_open(struct run_job *job)
{
    struct store *store = job->engine->store;
    struct op_counts counts = {0};
    struct err ignored = {0};
    if (job->options->dry_run ||
        store->does->ops_count(store, job->table->table.id, &counts, &ignored) != OK)
        return;
    job->report->retrying += counts.by_state[OP_PLANNED] + counts.by_state[OP_RETRY_SAFE] +
                             counts.by_state[OP_UNKNOWN] + counts.by_state[OP_RECONCILING];
}

/* Rows that this run finished may go; what fails here is tried again with the next run. */
static void tidy_after(struct run_job *job)
{
    struct tidied out;
    struct err err = {0};
    if (job->options->dry_run)
        return;
    if (tidy_table(job->engine, &job->table->table, false, &out, &err) == OK)
        job->report->rows_tidied += out.removed;
    else
        log_warn("auto_delete of %s: %s", job->table->table.name, err.message);
}

static enum status end(struct run_job *job, enum status rc, struct err *err)
{
    struct store *store = job->engine->store;
    struct world *world = job->engine->world;
    job->report->took_ms = world->monotonic_ms(world) - job->started_ms;
    job_sum_calls(job);
    count_open(job);
    if (rc == OK)
        tidy_after(job);
    enum run_state state = RUN_DONE;
    if (rc != OK)
        state = err_is(err, ERR_STOPPED) || err_is(err, ERR_APPROVAL) ? RUN_STOPPED : RUN_FAILED;
    struct err late = {0};
    if (later_keep_cells(job, rc, err, &late) == OK &&
        store->does->run_end(store, job->run_id, state, run_report_json(job->arena, job->report),
                             rc == OK ? NULL : err->message, &late) == OK)
        return rc;
    if (rc == OK)
        *err = late;
    return FAIL;
}

enum status run_table(struct engine *engine, const char *table, const struct run_options *options,
                      struct run_report *report, struct err *err)
{
    struct run_job job;
    struct err ignored = {0};
    err = err ? err : &ignored;
    memset(report, 0, sizeof *report);
    if (run_job_open(&job, engine, report, options, err) != OK)
        return FAIL;
    enum status rc = FAIL;
    job.table = job_table(&job, table, err);
    if (job.table && check_column_name(&job, err) == OK && begin(&job, err) == OK) {
        int64_t whose = engine->beside_others ? job.table->table.id : 0;
        bool cut = false; /* by who led it before us */
        rc = tell_plan(&job, err);
        if (rc == OK && !job.options->dry_run)
            rc = journal_recover_job(&job, whose, err);
        if (rc == OK)
            rc = run_is_cut(&job, &cut, err);
        if (rc == OK && !cut)
            rc = find_limit(&job, err);
        if (rc == OK && !cut)
            rc = run_choose_rows(&job, err);
        if (rc == OK && !cut)
            rc = make_due(&job, err);
        if (rc == OK)
            rc = run_in_parts(&job, &cut, err);
        if (rc == OK && !cut)
            rc = run_columns(&job, err);
        rc = end(&job, rc, err);
    }
    run_job_close(&job);
    return rc;
}
