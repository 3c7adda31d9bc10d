/* jobs.c - syncs and runs: ordered, run by the engine, stopped.
 *
 * An order becomes a QUEUED run before it is put in line, so that whoever asked
 * has its number and can watch it. The engine takes the queued run over; where
 * it fails before that, or the job is given up, the run is ended here. */
#include "work/work_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/approval.h"
#include "engine/columns/column_kind.h"
#include "engine/later.h"
#include "engine/undo.h"
#include "store/store_jobs.h"
#include "store/store_runs.h"

#include <string.h>
#include <unistd.h>

void job_keep_order(struct task *task, const struct job_order *order)
{
    struct arena *arena = task->arena = arena_new();
    const struct run_options *run = &order->run;
    task->order = *order;
    task->order.table = arena_strdup(arena, order->table);
    task->order.source = arena_strdup(arena, order->source);
    task->order.who = task->who;
    task->order.cause = arena_strdup(arena, order->cause ? order->cause : "person");
    task->order.scope = arena_strdup(arena, order->scope);
    task->order.run.column = arena_strdup(arena, run->column);
    task->order.run.planned = NULL;
    task->order.upload_path = arena_strdup(arena, order->upload_path);
    task->order.upload_name = arena_strdup(arena, order->upload_name);
    if (run->rows) {
        int64_t *rows = arena_array(arena, run->row_count + 1, sizeof *rows);
        memcpy(rows, run->rows, run->row_count * sizeof *rows);
        task->order.run.rows = rows;
    }
}

/* The same thing of the same table, not begun yet: a second one adds nothing. */
static const struct task *twin_of(const struct work *work, const struct task *task)
{
    for (const struct task *t = work->waiting; t; t = t->next)
        if (t->kind == TASK_JOB && t->table_id == task->table_id &&
            t->order.kind == task->order.kind && t->order.full == task->order.full &&
            text_eq(t->order.scope, task->order.scope) &&
            text_eq(t->order.source, task->order.source))
            return t;
    return NULL;
}

static enum status queue_run(struct store *store, struct task *task, struct err *err)
{
    if (task->order.kind == JOB_SETTLE)
        return OK;
    static const char *const kinds[] = {[JOB_SYNC] = "sync", [JOB_RUN] = "run", [JOB_UNDO] = "undo"};
    struct run run = {.table_id = task->table_id,
                      .kind = kinds[task->order.kind],
                      .cause = task->order.cause,
                      .who = task->who,
                      .scope = task->order.scope};
    enum status rc = store->does->runs->queue(store, &run, err);
    task->run_id = run.id;
    return rc;
}

static enum status put_in_line(struct work *work, struct store *store, struct task *task,
                               struct err *err)
{
    pthread_mutex_lock(&work->lock);
    const struct task *twin = twin_of(work, task);
    enum status rc = OK;
    if (twin)
        rc = err_set(err, ERR_WORK_UNDER_WAY, "run %lld does the same and waits already",
                     (long long)twin->run_id);
    pthread_mutex_unlock(&work->lock);
    if (rc != OK || queue_run(store, task, err) != OK)
        return FAIL;
    pthread_mutex_lock(&work->lock);
    rc = pool_add(work, task, err);
    pthread_mutex_unlock(&work->lock);
    if (rc != OK)
        job_give_up(work, task, RUN_STOPPED, err->message);
    return rc;
}

enum status work_order(struct work *work, const struct job_order *order, int64_t *run_id,
                       struct err *err)
{
    struct store *store = NULL, *first = work->options.store;
    struct arena *arena = arena_new();
    struct table table = {0};
    struct task *task = NULL;
    enum status rc = first->does->open_another(first, false, &store, err);
    if (rc == OK)
        rc = store->does->table_get(store, arena, order->table, &table, err);
    bool shared = rc == OK && shared_takes(work, order);
    if (shared)
        rc = shared_order(store, &table, order, run_id, err);
    else if (rc == OK) {
        task = task_new(TASK_JOB, table.connection, order->who);
        task->table_id = table.id;
        job_keep_order(task, order);
        rc = put_in_line(work, store, task, err);
    }
    if (rc != OK)
        task_free(task);
    else if (!shared)
        *run_id = task->run_id;
    if (store)
        store->does->close(store);
    arena_free(arena);
    return rc;
}

void work_run_due(struct work *work, const char *table)
{
    struct err err = {0};
    int64_t run_id;
    struct job_order order = {
        .kind = JOB_RUN, .table = table, .who = "auto-update", .cause = "auto-update",
        .run = {.auto_update = true, .scheduled = true}};
    if (work_order(work, &order, &run_id, &err) != OK && !err_is(&err, ERR_WORK_UNDER_WAY))
        log_warn("auto-update of %s: %s", table, err.message);
}

/* A run that nobody asked for and that ends because we are leaving: whoever serves the workspace
 * next goes on with what is due. */
static void keep_for_next(struct work *work, const struct task *task, struct store *store)
{
    struct err err = {0};
    pthread_mutex_lock(&work->lock);
    bool leaving = work->closing;
    pthread_mutex_unlock(&work->lock);
    const struct run_options *run = &task->order.run;
    if (leaving && !task->shared && task->order.kind == JOB_RUN &&
        (run->auto_update || run->scheduled) &&
        later_cells_now(store, task->table_id, &err) != OK)
        log_warn("auto-update of %s: %s", task->order.table, err.message);
}

void job_give_up(struct work *work, struct task *task, enum run_state state, const char *why)
{
    struct err err = {0};
    if (!task->run_id || task->order.kind == JOB_PART)
        return;
    if (task->shared) { /* another process may have more luck */
        pthread_mutex_lock(&work->store_lock);
        (void)work->store->does->jobs->give_back(work->store, task->run_id, &err);
        pthread_mutex_unlock(&work->store_lock);
        return;
    }
    pthread_mutex_lock(&work->store_lock);
    keep_for_next(work, task, work->store);
    if (work->store->does->run_end(work->store, task->run_id, state, NULL, why, &err) != OK)
        log_error("run %lld: %s", (long long)task->run_id, err.message);
    pthread_mutex_unlock(&work->store_lock);
}

/* ---------------------------------------------------------------- running */

struct reporter {
    struct work *work;
    struct task *task;
};

static void on_tick(void *ctx, const char *what, int64_t done, int64_t total, uint64_t calls)
{
    struct reporter *reporter = ctx;
    struct work *work = reporter->work;
    struct task *task = reporter->task;
    struct work_progress at;
    int64_t now = work->options.world->now_ms(work->options.world);
    pthread_mutex_lock(&work->lock);
    struct work_progress *p = &task->progress;
    p->at_ms = now;
    if (!text_eq(p->what, what) || done < p->done)
        p->step_ms = now;
    size_t len = utf8_cut(what, strlen(what), sizeof p->what - 1);
    memcpy(p->what, what, len);
    p->what[len] = '\0';
    p->done = done;
    p->total = total;
    p->calls = calls;
    at = *p;
    pthread_mutex_unlock(&work->lock);
    if (work->options.progressed)
        work->options.progressed(work->options.ctx, task->run_id, task->table_id, &at);
}

/* ---- uploads */

void job_drop_upload(const struct task *task)
{
    if (task->order.upload_path)
        (void)unlink(task->order.upload_path);
}

static ssize_t read_upload(void *ctx, char *bytes, size_t room, struct err *err)
{
    FILE *in = ctx;
    size_t got = fread(bytes, 1, room, in);
    if (got == 0 && ferror(in)) {
        err_set(err, ERR_IO, "what was uploaded cannot be read again");
        return -1;
    }
    return (ssize_t)got;
}

static enum status take_upload(const struct job_order *order, struct engine *engine,
                               struct sync_report *report, struct err *err)
{
    FILE *in = fopen(order->upload_path, "re");
    if (!in)
        return err_set(err, ERR_IO, "what was uploaded is not there any more");
    struct upload upload = {.name = order->upload_name, .read = read_upload, .ctx = in};
    enum status rc = source_upload(engine, order->table, order->source, &upload, report, err);
    fclose(in);
    return rc;
}

/* What it made due runs, also when not all of it came in. */
static enum status sync_order(struct work *work, const struct job_order *order,
                              struct engine *engine, struct err *err)
{
    struct sync_report report = {0};
    enum status rc =
        order->upload_path
            ? take_upload(order, engine, &report, err)
            : sync_source(engine, order->table, order->source, order->full, &report, err);
    if (report.counts.made_due || report.counts.due_again)
        work_run_due(work, order->table);
    return rc;
}

static enum status plan_order(const struct job_order *order, struct engine *engine, struct err *err)
{
    struct run_report report = {0};
    struct write_plan plan;
    struct arena *arena = arena_new();
    enum status rc = plan_make(engine, arena, order->table, &order->run, &plan, &report, err);
    arena_free(arena);
    return rc;
}

static enum status undo_order(const struct job_order *order, struct engine *engine, struct err *err)
{
    struct undo_report report;
    struct undo_options options = {.delete_created = order->delete_created};
    return engine_undo(engine, order->undo_run, &options, &report, err);
}

static bool has_auto_update(struct store *store, const char *name)
{
    struct arena *arena = arena_new();
    struct err ignored = {0};
    struct table table = {0};
    bool on = store->does->table_get(store, arena, name, &table, &ignored) == OK && table.auto_update;
    arena_free(arena);
    return on;
}

/* What waited for operations that are over may run. */
static enum status settle_order(struct work *work, const struct task *task, struct engine *engine,
                                struct err *err)
{
    struct run_report report = {0};
    struct store *store = engine->store;
    struct err late = {0};
    int64_t before = 0, open = 0;
    if (later_open(store, task->table_id, &before, err) != OK)
        return FAIL;
    enum status rc = journal_recover_table(engine, task->table_id, &report, err);
    int64_t now = engine->world->now_ms(engine->world);
    if (later_keep_operations(store, task->table_id, before, now, &open, &late) != OK)
        log_warn("operations of %s: %s", task->order.table, late.message);
    else if (open < before && has_auto_update(store, task->order.table))
        work_run_due(work, task->order.table);
    return rc;
}

/* True when a column that runs by itself, other than `but`, has cells that are due. */
static bool others_due(struct store *store, const struct table *table, const char *but)
{
    struct err ignored = {0};
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        int64_t due = 0;
        if (column_is_computed(column) && column->auto_update && !text_eq(column->name, but) &&
            store->does->cells_in(store, table->id, column->id, 1u << CELL_DUE, &due, &ignored) == OK && due)
            return true;
    }
    return false;
}

/* A column that ran on its schedule may have made others due. */
static void run_readers(struct work *work, const struct job_order *order, struct store *store)
{
    struct arena *arena = arena_new();
    struct err ignored = {0};
    struct table table;
    if (store->does->table_get(store, arena, order->table, &table, &ignored) == OK &&
        table.auto_update && others_due(store, &table, order->run.column))
        work_run_due(work, order->table);
    arena_free(arena);
}

static enum status run_order(struct work *work, struct task *task, struct engine *engine,
                             struct err *err)
{
    const struct job_order *order = &task->order;
    struct run_report report = {0};
    if (order->kind == JOB_SYNC)
        return sync_order(work, order, engine, err);
    if (order->kind == JOB_SETTLE)
        return settle_order(work, task, engine, err);
    if (order->kind == JOB_UNDO)
        return undo_order(order, engine, err);
    if (order->run.dry_run)
        return plan_order(order, engine, err);
    enum status rc = order->run.plan_id
                         ? plan_apply(engine, order->run.plan_id, &report, err)
                         : run_table(engine, order->table, &order->run, &report, err);
    for (size_t i = 0; i < report.sent_to_count; i++) /* tables that were sent rows */
        work_run_due(work, report.sent_to[i]);
    if (order->run.scheduled && order->run.column)
        run_readers(work, order, engine->store);
    return rc;
}

/* A run that failed before the engine took it over still waits in the store. */
static void end_if_queued(struct work *work, struct task *task, struct store *store,
                          const struct err *why)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    struct run run;
    if (task->run_id && store->does->runs->get(store, arena, task->run_id, &run, &err) == OK &&
        (run.state == RUN_QUEUED || run.state == RUN_RUNNING))
        job_give_up(work, task, RUN_FAILED, why->message);
    arena_free(arena);
}

/* What it did is in the store; what it had to leave, too. */
static void help(struct work *work, struct task *task, struct engine *engine)
{
    struct err err = {0};
    if (run_help(engine, task->order.table, &task->order.run, task->run_id, &err) == OK)
        return;
    if (!err_is(&err, ERR_STOPPED))
        log_warn("helping with run %lld: %s", (long long)task->run_id, err.message);
    (void)shared_is_over(work, &err);
}

void job_run(struct work *work, struct task *task, struct engine *engine)
{
    struct reporter reporter = {work, task};
    struct err err = {0};
    task->progress.began_ms = engine->world->now_ms(engine->world);
    if (task->order.kind == JOB_PART) {
        help(work, task, engine);
        return;
    }
    engine->queued_run = task->run_id;
    engine->progress = (struct progress){&reporter, on_tick};
    if (run_order(work, task, engine, &err) != OK) {
        log_warn("run %lld: %s", (long long)task->run_id, err.message);
        end_if_queued(work, task, engine->store, &err);
        if (err_is(&err, ERR_STOPPED))
            keep_for_next(work, task, engine->store);
    }
    if (err.code[0] && work->shared && shared_is_over(work, &err))
        return; /* what it was sending, and its job, are others' to take over */
    if (task->shared)
        shared_end(work, task, engine->store);
}

/* --------------------------------------------------------------- stopping */

static struct task *unlink_waiting(struct work *work, int64_t run_id)
{
    for (struct task **at = &work->waiting; *at; at = &(*at)->next) {
        struct task *task = *at;
        if (task->kind != TASK_JOB || task->run_id != run_id || task->order.kind == JOB_PART)
            continue;
        *at = task->next;
        if (!*at)
            work->last = at;
        return task;
    }
    return NULL;
}

/* Not one that helps: its leader knows more. */
static struct task *running_job(struct work *work, int64_t run_id)
{
    for (struct task *t = work->running; t; t = t->next)
        if (t->kind == TASK_JOB && t->run_id == run_id && t->order.kind != JOB_PART)
            return t;
    return NULL;
}

enum status work_stop(struct work *work, int64_t run_id, struct err *err)
{
    pthread_mutex_lock(&work->lock);
    struct task *running = running_job(work, run_id);
    struct task *waiting = running ? NULL : unlink_waiting(work, run_id);
    if (running)
        atomic_store(&running->stop, true);
    pthread_mutex_unlock(&work->lock);
    if (waiting)
        job_give_up(work, waiting, RUN_STOPPED, "stopped before it began");
    bool found = running || waiting;
    task_free(waiting);
    if (found)
        return OK;
    if (work->shared)
        return shared_stop(work, run_id, err);
    return err_set(err, ERR_NOT_FOUND, "run %lld is not under way", (long long)run_id);
}

void work_stop_all(struct work *work)
{
    pthread_mutex_lock(&work->lock);
    for (struct task *t = work->running; t; t = t->next)
        if (t->kind == TASK_JOB)
            atomic_store(&t->stop, true);
    pthread_mutex_unlock(&work->lock);
}

bool work_progress_of(struct work *work, int64_t run_id, struct work_progress *out)
{
    pthread_mutex_lock(&work->lock);
    const struct task *task = running_job(work, run_id);
    if (task)
        *out = task->progress;
    pthread_mutex_unlock(&work->lock);
    return task != NULL;
}

bool work_table_busy(struct work *work, int64_t table_id)
{
    bool busy = false;
    pthread_mutex_lock(&work->lock);
    for (const struct task *t = work->running; t; t = t->next)
        busy |= t->kind == TASK_JOB && t->table_id == table_id;
    for (const struct task *t = work->waiting; t; t = t->next)
        busy |= t->kind == TASK_JOB && t->table_id == table_id;
    pthread_mutex_unlock(&work->lock);
    return busy || (work->shared && shared_busy(work, table_id));
}
