/* run_parts.c - one run done by several processes.
 *
 * The process that has the run's job leads it: it makes cells due, cuts the table's rows into
 * parts (store_parts.h), and does parts as any other until none waits. Others help: they do
 * parts of runs that they do not lead. Every part is the whole run over its own rows, columns
 * in their order. When all parts are done, the leader adds their reports up and goes over the
 * table once more: what two parts had in each other's way, and what came meanwhile.
 *
 * A part whose process is gone waits again, and so does the run when its leader is gone: who
 * takes it over finds it cut. Rows never belong to two parts, an operation that two send is
 * sent once (the journal), so nothing here can make a write happen twice.
 *
 * Not cut: what counts over the whole run in one place (a limit, a canary, a number of writes
 * that needs approval), and column kinds that say so (`whole_run`). */
#include "engine/journal.h"

#include "base/log.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define PART_ROWS_LEAST 1000
#define PART_ROWS      5000
#define PART_ROWS_BULK 50000 /* as many as fit into one Bulk job: smaller parts would cost calls */
#define LOOK_MS        100

/* ------------------------------------------------------------------ whether */

static bool is_run(const struct run_job *job, const struct column_plan *plan)
{
    return !job->options->column || text_eq_nocase(job->options->column, plan->column->name);
}

/* The contract wants to see a person above a number of writes of the whole run. */
static enum status wants_approval(struct run_job *job, const struct column_plan *plan, bool *wants,
                                  struct err *err)
{
    struct store *store = job->engine->store;
    struct connection connection = {0};
    struct contract *contract = NULL;
    const char *name = json_get_text(plan->config, "connection");
    if (!name)
        return OK;
    if (store->does->connection_get(store, job->arena, name, &connection, err) != OK ||
        contract_load(job->engine, job->arena, connection.id, &contract, err) != OK)
        return FAIL;
    *wants = *wants || (contract && contract->approve_above >= 0);
    return OK;
}

static enum status columns_allow(struct run_job *job, bool *may, int64_t *writers, struct err *err)
{
    bool wants = false;
    for (size_t i = 0; *may && i < job->table->column_count; i++) {
        const struct column_plan *plan = &job->table->columns[i];
        if (!is_run(job, plan))
            continue;
        *may = !plan->kind->whole_run;
        *writers += plan->kind->writes;
        if (plan->kind->writes && wants_approval(job, plan, &wants, err) != OK)
            return FAIL;
    }
    *may = *may && !wants;
    return OK;
}

static enum status may_be_cut(struct run_job *job, bool *may, struct err *err)
{
    const struct run_options *o = job->options;
    int64_t writers = 0;
    *may = job->engine->calls_at_once && job->queued && !o->dry_run && !o->limit && !o->rows &&
           !o->plan_id && !guard_has_canary(&job->table->table);
    if (columns_allow(job, may, &writers, err) != OK)
        return FAIL;
    int64_t left = guard_writes_left(job, &job->table->table);
    *may = *may && (left == INT64_MAX || left / (writers + 1) > job->table->table.row_count);
    return OK;
}

/* For tests: parts of so many rows, whatever they cost. */
static int64_t rows_asked_for(void)
{
    const char *given = getenv("ARGIL_PART_ROWS");
    long rows = given ? strtol(given, NULL, 10) : 0;
    return rows > 0 ? rows : 0;
}

static void rows_of_part(const struct run_job *job, int64_t *least, int64_t *most)
{
    int64_t asked = rows_asked_for();
    *least = asked ? asked : PART_ROWS_LEAST;
    *most = asked ? asked : PART_ROWS;
    for (size_t i = 0; !asked && i < job->table->column_count; i++)
        if (is_run(job, &job->table->columns[i]) && bulk_may_pay(&job->table->columns[i]))
            *least = *most = PART_ROWS_BULK;
}

/* ------------------------------------------------------------------ a part */

static void begin_part(struct run_job *job, const struct store_part *part, struct run_report *report)
{
    memset(report, 0, sizeof *report);
    job->report = report;
    job->part = *part;
    job->stop_column = job->stop_writing = job->guard_full = job->holding = false;
    job->holds = NULL;
    job->writes_held = job->writes_sent = 0;
    job->write_outcomes = job->write_failures = job->told_outcomes = job->told_failures = 0;
    job->calls_elsewhere = job->one_each_elsewhere = 0;
}

/* FAIL: this process must not go on with parts. */
static enum status tell_end(struct run_job *job, struct run_report *report, enum status rc,
                            struct err *err)
{
    struct store *store = job->engine->store;
    struct err late = {0};
    bool stopped = rc != OK && err_is(err, ERR_STOPPED);
    if (rc != OK && store_failed(err))
        return FAIL; /* it is freed when we are given up */
    struct part_end end = {run_report_json(job->arena, report), rc == OK ? NULL : err->message};
    enum status told = stopped ? store->does->parts->give_back(store, &job->part, &late)
                               : store->does->parts->done(store, &job->part, &end, &late);
    if (told == OK)
        return stopped ? FAIL : OK;
    *err = late;
    return FAIL;
}

static enum status do_part(struct run_job *job, const struct store_part *part, struct err *err)
{
    struct run_report *whole = job->report, mine;
    struct err failed = {0};
    job_sum_calls(job);
    uint64_t calls = whole->calls - job->calls_elsewhere;
    uint64_t one_each = whole->calls_one_each - job->one_each_elsewhere;
    begin_part(job, part, &mine);
    log_debug("run %lld: part %lld", (long long)part->run_id, (long long)part->number);
    enum status rc = run_columns(job, &failed);
    job_sum_calls(job);
    mine.calls -= calls;
    mine.calls_one_each -= one_each;
    rc = tell_end(job, &mine, rc, &failed);
    if (rc == OK) {
        job->part_calls += mine.calls;
        job->part_one_each += mine.calls_one_each;
    } else
        *err = failed;
    job->report = whole;
    job->part = (struct store_part){0};
    return rc;
}

/* Until no part of the run waits. */
static enum status do_parts(struct run_job *job, struct err *err)
{
    struct store *store = job->engine->store;
    struct store_part part;
    for (;;) {
        if (engine_stopping(job->engine))
            return err_set(err, ERR_STOPPED, "stopped; everything done so far is stored");
        if (store->does->parts->claim(store, job->run_id, &part, err) != OK)
            return FAIL;
        if (!part.number)
            return OK;
        if (do_part(job, &part, err) != OK)
            return FAIL;
    }
}

enum status run_help(struct engine *engine, const char *table, const struct run_options *options,
                     int64_t run_id, struct err *err)
{
    struct run_job job;
    struct run_report report = {0};
    if (run_job_open(&job, engine, &report, options, err) != OK)
        return FAIL;
    job.run_id = run_id;
    job.use = "run";
    job.table = job_table(&job, table, err);
    job.use_table = job.table ? job.table->table.id : 0;
    enum status rc = job.table ? do_parts(&job, err) : FAIL;
    run_job_close(&job);
    return rc;
}

/* ---------------------------------------------------------------- the leader */

enum status run_is_cut(struct run_job *job, bool *cut, struct err *err)
{
    struct parts_count count = {0};
    struct store *store = job->engine->store;
    if (job->engine->calls_at_once && job->queued &&
        store->does->parts->count(store, job->run_id, &count, err) != OK)
        return FAIL;
    *cut = count.waiting + count.held + count.done > 0;
    return OK;
}

static enum status cut(struct run_job *job, bool *is_cut, struct err *err)
{
    bool may = false;
    int64_t count = 0, least, most;
    struct store *store = job->engine->store;
    if (may_be_cut(job, &may, err) != OK)
        return FAIL;
    rows_of_part(job, &least, &most);
    if (may && store->does->parts->cut(store, job->run_id, job->table->table.id, least, most, &count,
                                       err) != OK)
        return FAIL;
    *is_cut = count > 0;
    if (count)
        log_info("run %lld of %s is cut into %lld parts", (long long)job->run_id,
                 job->table->table.name, (long long)count);
    return OK;
}

static enum status see_all_done(struct run_job *job, struct err *err)
{
    struct store *store = job->engine->store;
    struct parts_count count;
    for (;;) {
        if (do_parts(job, err) != OK || store->does->parts->count(store, job->run_id, &count, err) != OK)
            return FAIL;
        if (!count.waiting && !count.held)
            return OK;
        if (!count.waiting)
            job_sleep(job, LOOK_MS);
    }
}

/* The first part that failed is the run's error. */
static enum status add_up(struct run_job *job, struct err *err)
{
    struct store *store = job->engine->store;
    struct run_report sum = {0};
    struct part_end *ends;
    size_t count;
    enum status rc = OK;
    if (store->does->parts->ends(store, job->arena, job->run_id, &ends, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        run_report_add(&sum, job->arena, ends[i].report);
        run_report_add(job->report, job->arena, ends[i].report);
        if (ends[i].error && rc == OK)
            rc = err_set(err, "run.part", "%s", ends[i].error);
    }
    job->report->cells_waiting = job->report->retrying = 0; /* the last round tells those */
    job->calls_elsewhere = sum.calls - job->part_calls;
    job->one_each_elsewhere = sum.calls_one_each - job->part_one_each;
    return rc;
}

enum status run_in_parts(struct run_job *job, bool *is_cut, struct err *err)
{
    if (!*is_cut && cut(job, is_cut, err) != OK)
        return FAIL;
    if (!*is_cut)
        return OK;
    if (see_all_done(job, err) != OK || add_up(job, err) != OK)
        return FAIL;
    job->stop_column = job->stop_writing = job->guard_full = job->holding = false;
    job->holds = NULL;
    return run_columns(job, err);
}
