/* scheduler.c - see scheduler.h. */
#include "work/scheduler.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/columns/column_kind.h"
#include "engine/schedule.h"
#include "store/store_runs.h"
#include "store/store_schedules.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define LOOK_MS ((int64_t)30000) /* at least so often: recipes change, clocks are set */

/* ---------------------------------------------------------------- looking */

struct view {
    struct store *store;
    struct arena *arena;
    struct schedule_times *times;
    size_t time_count;
    struct run *runs; /* that are queued or running */
    size_t run_count;
    int64_t now_ms;
};

static enum status view_open(struct view *view, struct store *store, struct world *world,
                             struct arena *arena, struct err *err)
{
    struct run_query open = {.states = 1u << RUN_QUEUED | 1u << RUN_RUNNING};
    *view = (struct view){.store = store, .arena = arena, .now_ms = world->now_ms(world)};
    if (store->does->schedules->list(store, arena, &view->times, &view->time_count, err) != OK)
        return FAIL;
    return store->does->runs->find(store, arena, &open, &view->runs, &view->run_count, err);
}

static bool is_of(const struct schedule_times *times, const struct scheduled *item)
{
    return times->table_id == item->table_id && times->source == item->source &&
           times->column_id == item->column_id;
}

static const struct schedule_times *times_of(const struct view *view, const struct scheduled *item)
{
    for (size_t i = 0; i < view->time_count; i++)
        if (is_of(&view->times[i], item))
            return &view->times[i];
    return NULL;
}

/* The run that a further start would overlap; 0 = none. */
static int64_t open_run(const struct view *view, const struct scheduled *item)
{
    for (size_t i = 0; i < view->run_count; i++) {
        const struct run *run = &view->runs[i];
        if (item->column_id ? run->id == item->run_id
                            : run->table_id == item->table_id && text_eq(run->kind, "sync"))
            return run->id;
    }
    return 0;
}

static const char *every_of(struct arena *arena, const struct source *source)
{
    struct err ignored = {0};
    const char *text = source->config ? source->config : "{}";
    const char *every = json_get_text(json_parse(arena, text, strlen(text), &ignored), "every");
    return every ? every : "manual";
}

/* `live` hears of changes by itself; a sync a day finds what events do not tell. */
static enum status understand(const char *every, struct schedule *out, struct err *err)
{
    if (schedule_parse(every, out, err) != OK)
        return FAIL;
    if (out->kind == SCHEDULE_LIVE)
        *out = (struct schedule){.kind = SCHEDULE_EVERY, .period_ms = (int64_t)24 * 3600 * 1000};
    return OK;
}

/* Fills in what is stored of it. */
static struct scheduled with_times(const struct view *view, struct scheduled item)
{
    const struct schedule_times *times = times_of(view, &item);
    struct schedule schedule;
    struct err err = {0};
    if (times) {
        item.due_ms = times->due_ms;
        item.run_id = times->run_id;
        item.missed = times->missed;
        item.skipped = times->skipped;
    }
    item.running = open_run(view, &item) != 0;
    if (understand(item.every, &schedule, &err) != OK)
        item.problem = arena_strdup(view->arena, err.message);
    else if (times && text_eq(times->text, item.every))
        item.next_ms = times->next_ms;
    else if (schedule_next(&schedule, view->now_ms, view->now_ms, &item.next_ms, &err) != OK)
        item.problem = arena_strdup(view->arena, err.message);
    return item;
}

static struct scheduled source_item(const struct view *view, const struct table *table,
                                    const struct source *source)
{
    return with_times(view, (struct scheduled){.table_id = table->id,
                                               .source = source->slot,
                                               .table = table->name,
                                               .source_name = source->name,
                                               .kind = source->kind,
                                               .connection = source->connection,
                                               .every = every_of(view->arena, source)});
}

static const char *scope_of(struct arena *arena, const char *column, const char *rows)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "column", column);
    jw_kv_text(&w, "rows", rows);
    jw_end_object(&w);
    const char *scope = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return scope;
}

/* False: the column has no schedule. */
static bool column_item(const struct view *view, const struct table *table,
                        const struct column *column, struct scheduled *out)
{
    struct err ignored = {0};
    const char *text = column->rules;
    const struct json *schedule =
        text ? json_get(json_parse(view->arena, text, strlen(text), &ignored), "schedule") : NULL;
    const char *every = json_get_text(schedule, "every"), *rows = json_get_text(schedule, "rows");
    if (!every || !column_is_computed(column))
        return false;
    *out = with_times(view, (struct scheduled){.table_id = table->id,
                                               .column_id = column->id,
                                               .table = table->name,
                                               .column = column->name,
                                               .rows = rows,
                                               .scope = scope_of(view->arena, column->name, rows),
                                               .kind = column->kind,
                                               .every = every,
                                               .paused = !table->auto_update});
    return true;
}

static enum status list_items(const struct view *view, struct scheduled **out, size_t *count,
                              struct err *err)
{
    struct table *tables;
    size_t table_count, room = 1;
    if (view->store->does->table_list(view->store, view->arena, &tables, &table_count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < table_count; i++)
        room += tables[i].source_count + tables[i].column_count;
    *out = arena_array(view->arena, room, sizeof **out);
    *count = 0;
    for (size_t i = 0; i < table_count; i++) {
        for (size_t k = 0; k < tables[i].source_count; k++)
            (*out)[(*count)++] = source_item(view, &tables[i], &tables[i].sources[k]);
        for (size_t k = 0; k < tables[i].column_count; k++)
            *count += column_item(view, &tables[i], &tables[i].columns[k], &(*out)[*count]);
    }
    return OK;
}

enum status schedules_list(struct store *store, struct world *world, struct arena *arena,
                           struct scheduled **out, size_t *count, struct err *err)
{
    struct view view;
    if (view_open(&view, store, world, arena, err) != OK)
        return FAIL;
    return list_items(&view, out, count, err);
}

/* ---------------------------------------------------------------- ticking */

static void tell_skipped(struct store *store, const struct scheduled *item, int64_t run_id)
{
    struct err err = {0};
    struct buf detail = BUF_INIT;
    struct jw w;
    jw_init(&w, &detail);
    jw_object(&w);
    jw_kv_text(&w, "table", item->table);
    if (item->column)
        jw_kv_text(&w, "column", item->column);
    else
        jw_kv_text(&w, "source", item->source_name);
    jw_kv_int(&w, "due_ms", item->next_ms);
    jw_kv_int(&w, "still_going", run_id);
    jw_end_object(&w);
    log_warn("%s of %s: the one before is still going; this time is skipped",
             item->column ? item->column : "sync", item->table);
    if (store->does->audit_add(store, "schedule", "schedule.skipped", buf_text(&detail), &err) !=
        OK)
        log_error("audit: %s", err.message);
    buf_free(&detail);
}

struct ticking {
    struct view view;
    schedule_start_fn *start;
    void *ctx;
    struct tick *out;
};

/* FAIL: it stays due, and what is stored stays as it is. */
static enum status start_one(struct ticking *t, const struct scheduled *item,
                             struct schedule_times *times, struct err *err)
{
    int64_t run_id = 0;
    if (t->start(t->ctx, item, &run_id, err) == OK) {
        times->run_id = run_id;
        times->due_ms = item->next_ms;
        t->out->started++;
        return OK;
    }
    if (!err_is(err, ERR_WORK_UNDER_WAY))
        return FAIL;
    err_clear(err);
    times->skipped++;
    t->out->skipped++;
    tell_skipped(t->view.store, item, 0);
    return OK;
}

static enum status step_one(struct ticking *t, const struct scheduled *item, struct err *err)
{
    struct store *store = t->view.store;
    struct schedule schedule;
    struct due_step step;
    const struct schedule_times *stored = times_of(&t->view, item);
    struct schedule_times times = {.table_id = item->table_id,
                                   .source = item->source,
                                   .column_id = item->column_id,
                                   .anchor_ms = t->view.now_ms};
    if (stored)
        times = *stored;
    if (understand(item->every, &schedule, err) != OK)
        return FAIL;
    if (schedule.kind == SCHEDULE_MANUAL)
        return stored ? store->does->schedules->forget(store, stored, err) : OK;
    if (!stored || !text_eq(stored->text, item->every)) {
        times.anchor_ms = t->view.now_ms;
        times.next_ms = 0;
    }
    if (schedule_step(&schedule, times.anchor_ms, times.next_ms, t->view.now_ms, item->running,
                      &step, err) != OK)
        return FAIL;
    if (item->paused)
        step = (struct due_step){.next_ms = step.next_ms};
    if (step.what == DUE_RUN && start_one(t, item, &times, err) != OK)
        return FAIL;
    if (step.what == DUE_SKIP) {
        times.skipped++;
        t->out->skipped++;
        tell_skipped(store, item, open_run(&t->view, item));
    }
    bool moved = !stored || step.next_ms != stored->next_ms || step.what != DUE_NOT ||
                 !text_eq(stored->text, item->every);
    times.text = item->every;
    times.missed += step.missed;
    times.next_ms = step.next_ms;
    if (t->out->next_ms == 0 || step.next_ms < t->out->next_ms)
        t->out->next_ms = step.next_ms;
    return moved ? store->does->schedules->put(store, &times, err) : OK;
}

/* Times of sources and columns that have no schedule any more, or are gone. */
static enum status forget_gone(const struct view *view, const struct scheduled *items, size_t count,
                               struct err *err)
{
    for (size_t i = 0; i < view->time_count; i++) {
        bool found = false;
        for (size_t k = 0; k < count && !found; k++)
            found = is_of(&view->times[i], &items[k]);
        if (!found && view->store->does->schedules->forget(view->store, &view->times[i], err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status tick_all(struct ticking *t, struct err *err)
{
    struct scheduled *items;
    size_t count;
    if (list_items(&t->view, &items, &count, err) != OK ||
        forget_gone(&t->view, items, count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        struct err one = {0};
        if (step_one(t, &items[i], &one) == OK)
            continue;
        if (store_failed(&one)) {
            *err = one;
            return FAIL;
        }
        t->out->failed++;
        log_error("schedule of %s/%s: %s", items[i].table,
                  items[i].column ? items[i].column : items[i].source_name, one.message);
    }
    return OK;
}

enum status scheduler_tick(struct store *store, struct world *world, schedule_start_fn *start,
                           void *ctx, struct tick *out, struct err *err)
{
    struct arena *arena = arena_new();
    struct ticking t = {.start = start, .ctx = ctx, .out = out};
    *out = (struct tick){0};
    enum status rc = view_open(&t.view, store, world, arena, err);
    if (rc == OK)
        rc = tick_all(&t, err);
    arena_free(arena);
    return rc;
}

struct job_order scheduled_order(const struct scheduled *item)
{
    struct job_order order = {.kind = JOB_SYNC,
                              .table = item->table,
                              .source = item->source_name,
                              .who = "schedule",
                              .cause = "schedule"};
    if (item->column_id) {
        order.kind = JOB_RUN;
        order.scope = item->scope;
        order.run = (struct run_options){.column = item->column, .scheduled = true};
        (void)run_options_rows(&order.run, item->rows); /* the recipe was checked */
    }
    return order;
}

/* ------------------------------------------------------------- the thread */

struct scheduler {
    struct work *work;
    struct store *store;
    struct world *world;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping, woken;
    char owner[37]; /* of the office, where processes share the work */
};

static enum status order(void *ctx, const struct scheduled *item, int64_t *run_id, struct err *err)
{
    struct scheduler *s = ctx;
    struct job_order order = scheduled_order(item);
    return work_order(s->work, &order, run_id, err);
}

/* With the lock held: until then, or woken, or stopping. */
static void wait_until(struct scheduler *s, int64_t next_ms)
{
    int64_t now = s->world->now_ms(s->world), wait = LOOK_MS;
    struct timespec until;
    if (next_ms && next_ms - now < wait)
        wait = next_ms > now ? next_ms - now : 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait / 1000;
    until.tv_nsec += wait % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int rc = 0;
    while (!s->stopping && !s->woken && rc == 0)
        rc = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    s->woken = false;
}

static void *thread_main(void *ctx)
{
    struct scheduler *s = ctx;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        struct tick tick;
        struct err err = {0};
        pthread_mutex_unlock(&s->lock);
        bool ours = work_elected(s->work, s->store, "scheduler", s->owner);
        enum status rc = FAIL;
        if (ours)
            rc = scheduler_tick(s->store, s->world, order, s, &tick, &err);
        if (ours && rc != OK)
            log_error("schedules: %s", err.message);
        int64_t later = 0;
        if (ours && work_run_later(s->work, s->store, s->world->now_ms(s->world), &later, &err) != OK)
            log_error("what was left for later: %s", err.message);
        int64_t next = rc == OK && !tick.failed ? tick.next_ms : 0;
        pthread_mutex_lock(&s->lock);
        wait_until(s, later && (!next || later < next) ? later : next);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void poke(struct scheduler *s, bool *what)
{
    pthread_mutex_lock(&s->lock);
    *what = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void wake(void *ctx)
{
    scheduler_wake(ctx);
}

struct scheduler *scheduler_start(struct work *work, struct store *store, struct world *world,
                                  struct err *err)
{
    struct scheduler *s = mem_alloc(sizeof *s);
    pthread_condattr_t monotonic;
    s->work = work;
    s->world = world;
    uuid4(world, s->owner);
    if (store->does->open_another(store, false, &s->store, err) != OK) {
        free(s);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = pthread_create(&s->thread, NULL, thread_main, s);
    if (rc == 0) {
        work_on_ended(work, wake, s);
        return s;
    }
    err_set(err, ERR_IO, "starting the scheduler: %s", strerror(rc));
    s->store->does->close(s->store);
    free(s);
    return NULL;
}

void scheduler_wake(struct scheduler *scheduler)
{
    if (scheduler)
        poke(scheduler, &scheduler->woken);
}

void scheduler_stop(struct scheduler *scheduler)
{
    if (!scheduler)
        return;
    work_on_ended(scheduler->work, NULL, NULL);
    poke(scheduler, &scheduler->stopping);
    pthread_join(scheduler->thread, NULL);
    scheduler->store->does->close(scheduler->store);
    pthread_mutex_destroy(&scheduler->lock);
    pthread_cond_destroy(&scheduler->changed);
    free(scheduler);
}
