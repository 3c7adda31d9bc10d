/* cmd_schedule.c - `argil schedule`: when sources are synced and columns run, and doing it. */
#include "cli/cli.h"

#include "base/str.h"
#include "store/store_runs.h"
#include "work/scheduler.h"

#include <string.h>
#include <unistd.h>

#define NAP_MS   100
#define LOOK_MS  30000
#define GRACE_MS 20000
#define LANES_OUT                                                                                  \
    "a sync did not stop in time; what it has stored stays, the next one goes on there"

/* ------------------------------------------------------------------- list */

static const char *state_of(const struct scheduled *item, struct arena *arena)
{
    if (item->problem)
        return item->problem;
    if (item->running)
        return item->column ? "running now" : "syncing now";
    if (item->paused)
        return "waits: auto-update of the table is off";
    if (!item->missed && !item->skipped)
        return "";
    return arena_printf(arena, "%lld missed, %lld skipped so far", (long long)item->missed,
                        (long long)item->skipped);
}

static int list(struct cli *cli, const struct args *args)
{
    static const char *const headings[] = {"table", "source", "column", "every",
                                           "next",  "last",   "note"};
    const char *only = args->word_count > 1 ? args->words[1] : NULL;
    struct err err = {0};
    struct scheduled *items;
    size_t count;
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (schedules_list(store, cli->world, arena, &items, &count, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else {
        struct grid *grid = grid_new(cli, headings, 7);
        for (size_t i = 0; i < count; i++) {
            if (only && !text_eq_nocase(only, items[i].table))
                continue;
            const char *next = items[i].next_ms ? when_text(items[i].next_ms) : "when asked";
            next = arena_strdup(arena, next);
            const char *last = items[i].due_ms ? when_text(items[i].due_ms) : "";
            const struct scheduled *one = &items[i];
            grid_row(grid, (const char *[]){one->table, one->column ? "" : one->source_name,
                                            one->column ? one->column : "", one->every, next, last,
                                            state_of(one, arena)});
        }
        grid_print(grid);
    }
    arena_free(arena);
    store->does->close(store);
    return rc;
}

/* ----------------------------------------------------------------- running */

/* Jobs that were started and not told of yet. */
struct runner {
    struct cli *cli;
    struct cli_engine *open;
    struct work *work;
    VEC(int64_t) runs;
    int worst; /* exit code */
};

static enum status start(void *ctx, const struct scheduled *item, int64_t *run_id, struct err *err)
{
    struct runner *r = ctx;
    struct job_order order = scheduled_order(item);
    if (work_order(r->work, &order, run_id, err) != OK)
        return FAIL;
    vec_push(&r->runs, *run_id);
    return OK;
}

/* "Company: 12 computed, 1 with an error, 0 refused" */
static const char *columns_said(struct arena *arena, const struct run *run,
                                const struct json *report, bool *complete)
{
    const struct json *scope = run->scope ? json_parse(arena, run->scope, strlen(run->scope), NULL) : NULL;
    const char *column = json_get_text(scope, "column");
    int64_t errors = json_get_int(report, "cells_error", 0), refused = json_get_int(report, "refused", 0);
    *complete = run->state == RUN_DONE && !errors && !refused && !json_get_bool(report, "paused", false);
    return arena_printf(arena, "%s: %lld computed, %lld with an error, %lld refused",
                        column ? column : "what was due",
                        (long long)json_get_int(report, "cells_computed", 0), (long long)errors,
                        (long long)refused);
}

static void print_run(struct runner *r, const struct run *run, const char *table)
{
    struct arena *arena = arena_new();
    const struct json *report =
        run->report ? json_parse(arena, run->report, strlen(run->report), NULL) : NULL;
    bool complete = json_get_bool(report, "complete", false);
    const char *said = text_eq(run->kind, "run") ? columns_said(arena, run, report, &complete)
                                                 : json_get_text(report, "statement");
    if (run->error)
        said = run->error;
    if (r->cli->json) {
        struct buf out = BUF_INIT;
        struct jw w;
        jw_init(&w, &out);
        jw_object(&w);
        jw_kv_text(&w, "table", table);
        jw_kv_int(&w, "run", run->id);
        jw_kv_text(&w, "state", run_state_name(run->state));
        jw_kv_bool(&w, "complete", complete);
        jw_kv_text(&w, "said", said);
        jw_end_object(&w);
        puts(buf_text(&out));
        buf_free(&out);
    } else {
        printf("%s, run %lld, %s: ", table, (long long)run->id, run_state_name(run->state));
        help_wrapped(stdout, said ? said : "nothing to say", (int)strlen(table) + 20, 2);
    }
    fflush(stdout);
    if (run->state == RUN_FAILED || (text_eq(run->kind, "run") && run->state == RUN_STOPPED))
        r->worst = EXIT_FAILED;
    else if (!complete && !r->worst)
        r->worst = EXIT_ATTENTION;
    arena_free(arena);
}

static const char *table_name(struct store *store, struct arena *arena, int64_t id)
{
    struct err ignored = {0};
    struct table *tables;
    size_t count = 0;
    if (store->does->table_list(store, arena, &tables, &count, &ignored) != OK)
        return "?";
    for (size_t i = 0; i < count; i++)
        if (tables[i].id == id)
            return tables[i].name;
    return "?";
}

/* Prints the runs that have ended; FAIL when the store cannot be asked. */
static enum status collect(struct runner *r, struct err *err)
{
    struct store *store = r->open->engine.store;
    struct arena *arena = arena_new();
    enum status rc = OK;
    for (size_t i = 0; i < r->runs.len && rc == OK;) {
        struct run run;
        rc = store->does->runs->get(store, arena, r->runs.at[i], &run, err);
        if (rc != OK || run.state == RUN_QUEUED || run.state == RUN_RUNNING) {
            i++;
            continue;
        }
        print_run(r, &run, table_name(store, arena, run.table_id));
        r->runs.at[i] = r->runs.at[--r->runs.len];
    }
    arena_free(arena);
    return rc;
}

static bool stopping(const struct runner *r)
{
    return atomic_load(&r->cli->stop);
}

static enum status run_once(struct runner *r, struct err *err)
{
    struct tick tick;
    struct world *world = r->cli->world;
    if (scheduler_tick(r->open->engine.store, world, start, r, &tick, err) != OK)
        return FAIL;
    if (tick.failed)
        r->worst = EXIT_FAILED;
    while (r->runs.len && !stopping(r)) {
        world->sleep_ms(world, NAP_MS);
        if (collect(r, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status run_for_ever(struct runner *r, struct err *err)
{
    struct world *world = r->cli->world;
    int64_t look = 0;
    while (!stopping(r)) {
        int64_t now = world->now_ms(world);
        struct tick tick;
        if (now >= look || look - now > LOOK_MS) {
            if (scheduler_tick(r->open->engine.store, world, start, r, &tick, err) != OK)
                return FAIL;
            look = tick.next_ms && tick.next_ms < now + LOOK_MS ? tick.next_ms : now + LOOK_MS;
        }
        world->sleep_ms(world, NAP_MS);
        if (collect(r, err) != OK)
            return FAIL;
    }
    return OK;
}

static int run_due(struct cli *cli, bool for_ever)
{
    struct err err = {0};
    struct runner r = {.cli = cli, .open = cli_engine_open(cli, true)};
    if (!r.open)
        return cli->failed;
    struct engine *engine = &r.open->engine;
    struct work_options options = {.world = cli->world,
                                   .store = engine->store,
                                   .vault = engine->vault,
                                   .connectors = engine->connectors,
                                   .connector_count = engine->connector_count,
                                   .formula_worker = getenv("ARGIL_FORMULA_WORKER"),
                                   .allow_private_http = engine->allow_private_http};
    r.work = work_open(&options, &err);
    enum status rc = r.work ? (for_ever ? run_for_ever : run_once)(&r, &err) : FAIL;
    if (rc != OK)
        r.worst = cli_fail(cli, &err);
    if (!work_close(r.work, GRACE_MS)) {
        fprintf(stderr, "argil: %s\n", LANES_OUT);
        _exit(EXIT_INTERRUPTED); /* its thread still stands on what would be freed here */
    }
    if (rc == OK && collect(&r, &err) != OK)
        r.worst = cli_fail(cli, &err);
    vec_free(&r.runs);
    cli_engine_close(r.open);
    return stopping(&r) && !for_ever ? EXIT_INTERRUPTED : r.worst;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    if (text_eq(verb, "list"))
        return list(cli, args);
    if (text_eq(verb, "run-due") && args->word_count == 1)
        return run_due(cli, false);
    if (text_eq(verb, "watch") && args->word_count == 1)
        return run_due(cli, true);
    return cli_usage(cli, &command_schedule, "what about schedules?");
}

static const struct cli_option options[] = {{0}};

const struct command command_schedule = {
    .name = "schedule",
    .summary = "when sources are synced and columns run, and doing it",
    .words = "list [TABLE] | run-due | watch",
    .about =
        "A source says in its recipe how often it is synced (every: 24h, 15m, daily at\n"
        "06:00 Europe/Berlin, weekdays at 06:00, cron \"0 6 * * 1-5\"), a column how often it\n"
        "runs by itself (schedule: 7d). `list` shows when each is due next. `run-due` does\n"
        "what is due now, each connection in a lane of its own, and ends: for cron or a\n"
        "systemd timer. `watch` stays and does it on time, as `argil serve` does. A time that\n"
        "was missed is made up for once; one that comes while the sync, or the run of the\n"
        "column, before is still going is skipped and counted. `argil sync` and `argil run`\n"
        "move nothing here.\n\n"
        "    argil schedule list\n"
        "    argil schedule run-due --json",
    .min_words = 1,
    .max_words = 2,
    .options = options,
    .run = run,
};
