/* cmd_worker.c - `argil worker`: a process that takes runs and syncs of a shared store,
 * until a signal or a failure of the store ends it. */
#include "cli/cli.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "work/live.h"
#include "work/scheduler.h"

#include <stdio.h>
#include <unistd.h>

#define GRACE_MS     60000
#define LOOK_EACH_MS 200
#define STATE_EACH_MS 2000
#define JOBS_DEFAULT 4

struct working {
    struct cli *cli;
    const char *name, *state_file;
    struct work *work;
    struct scheduler *scheduler;
    struct live *live;
    int64_t epoch, since_ms, told_ms;
};

static enum status refuse_alone(struct err *err)
{
    err_set(err, "worker.alone", "a worker needs a store that several processes share");
    err_cause(err, "The workspace is a data directory (SQLite). Its lock lets one process in, and "
                   "that is `argil serve`, which runs and syncs by itself.");
    err_hint(err, "Move it with `argil store copy`, then give every server and worker "
                  "--store postgresql://... (docs/guides/operate.md).");
    return FAIL;
}

/* What a monitor reads: written beside, then put in place, so that it is never half. */
static void tell_state(struct working *w, const char *state)
{
    struct work_counts counts = work_count(w->work);
    char part[4200];
    if (!w->state_file || (size_t)snprintf(part, sizeof part, "%s.part", w->state_file) >= sizeof part)
        return;
    struct buf out = BUF_INIT;
    struct jw jw;
    jw_init(&jw, &out);
    jw_object(&jw);
    jw_kv_text(&jw, "name", w->name);
    jw_kv_text(&jw, "state", state);
    jw_kv_int(&jw, "pid", getpid());
    jw_kv_int(&jw, "epoch", w->epoch);
    jw_kv_int(&jw, "since_ms", w->since_ms);
    jw_kv_int(&jw, "at_ms", w->cli->world->now_ms(w->cli->world));
    jw_kv_int(&jw, "jobs_running", (int64_t)counts.jobs_running);
    jw_kv_int(&jw, "jobs_waiting", (int64_t)counts.jobs_waiting);
    jw_end_object(&jw);
    buf_str(&out, "\n");
    FILE *file = fopen(part, "we");
    bool good = file && fwrite(out.data, 1, out.len, file) == out.len;
    good = file && fclose(file) == 0 && good;
    if (!good || rename(part, w->state_file) != 0)
        log_warn("worker: %s cannot be written", w->state_file);
    buf_free(&out);
}

static void tell_now_and_then(struct working *w)
{
    int64_t now = w->cli->world->monotonic_ms(w->cli->world);
    if (w->told_ms && now - w->told_ms < STATE_EACH_MS)
        return;
    w->told_ms = now;
    tell_state(w, "working");
}

static void say_ready(struct working *w)
{
    if (w->cli->json)
        printf("{\"worker\":\"%s\",\"epoch\":%lld}\n", w->name, (long long)w->epoch);
    else if (!w->cli->quiet)
        printf("Worker %s takes jobs (epoch %lld)\n", w->name, (long long)w->epoch);
    fflush(stdout);
}

static enum status start(struct working *w, struct cli_engine *open, const struct args *args,
                         struct err *err)
{
    int64_t jobs = JOBS_DEFAULT, lane = CLI_LANE_MOST, calls = CLI_CALLS_MOST;
    if (!cli_number(w->cli, args, "jobs", &jobs) ||
        !cli_number(w->cli, args, "per-connection", &lane) ||
        !cli_number(w->cli, args, "calls-at-once", &calls))
        return err_set(err, ERR_INVALID, "worker: options");
    struct work_options options = {.world = w->cli->world,
                                   .store = open->engine.store,
                                   .vault = open->engine.vault,
                                   .connectors = open->engine.connectors,
                                   .connector_count = open->engine.connector_count,
                                   .formula_worker = getenv("ARGIL_FORMULA_WORKER"),
                                   .data = w->cli->data,
                                   .allow_private_http = open->engine.allow_private_http,
                                   .shared = true,
                                   .takes_jobs = true,
                                   .jobs_most = (int)jobs,
                                   .lane_most = lane,
                                   .calls_at_once = calls};
    w->work = work_open(&options, err);
    if (!w->work)
        return FAIL;
    w->scheduler = scheduler_start(w->work, options.store, options.world, err);
    if (!w->scheduler)
        return FAIL;
    w->live = live_start(w->work, options.store, options.world, err);
    return w->live ? OK : FAIL;
}

static int work_until_told(struct working *w)
{
    while (!atomic_load(&w->cli->stop) && !work_lost(w->work)) {
        tell_now_and_then(w);
        w->cli->world->sleep_ms(w->cli->world, LOOK_EACH_MS);
    }
    bool lost = work_lost(w->work);
    if (!w->cli->quiet)
        fprintf(stderr, "%s\n", lost ? "The store, or our place in it, is lost; leaving"
                                     : "Draining: what is under way gets a minute");
    tell_state(w, "draining");
    return lost ? EXIT_FAILED : EXIT_DONE;
}

static bool stop(struct working *w)
{
    live_stop(w->live);
    scheduler_stop(w->scheduler);
    return work_close(w->work, GRACE_MS);
}

static int run(struct cli *cli, const struct args *args)
{
    char host[65] = "worker";
    struct err err = {0};
    (void)gethostname(host, sizeof host - 1);
    mem_keep_freed();
    log_set_json(args_has(args, "log-json"));
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    struct working w = {.cli = cli,
                        .name = args_get(args, "name") ? args_get(args, "name") : host,
                        .state_file = args_get(args, "state"),
                        .epoch = open->engine.store->epoch,
                        .since_ms = cli->world->now_ms(cli->world)};
    int rc;
    if ((cli_shared(open->engine.store) ? start(&w, open, args, &err) : refuse_alone(&err)) != OK) {
        rc = cli_fail(cli, &err);
    } else {
        say_ready(&w);
        rc = work_until_told(&w);
    }
    if (!stop(&w)) {
        fprintf(stderr, "Some jobs did not end in time; another worker takes them over.\n");
        fflush(NULL);
        _exit(rc);
    }
    if (w.state_file)
        (void)unlink(w.state_file);
    cli_engine_close(open);
    return rc;
}

static const struct cli_option options[] = {
    {"name", 0, "NAME", "in logs and the state file (default: this host)"},
    {"jobs", 0, "N", "at once in this process (4)"},
    {"per-connection", 0, "N", "at once of one connection over all workers (8): give each the same"},
    {"calls-at-once", 0, "N", "exchanges of one connection under way over all workers (25): the same"},
    {"state", 0, "FILE", "what it does, as JSON, every two seconds; gone when it left"},
    {"log-json", 0, NULL, "log lines as JSON"},
    {0},
};

const struct command command_worker = {
    .name = "worker",
    .summary = "take runs and syncs of a workspace that several processes share",
    .about = "For a workspace in PostgreSQL. Any number of workers may run, on any host that reaches\n"
             "the database and has the workspace's key (ARGIL_KEY_FILE). They share out runs and\n"
             "syncs, one a table at a time, and do a long run together, each some of its rows; one\n"
             "of them keeps the schedules, one listens for live sources. A worker that dies is noticed within seconds: its jobs go to others, and what\n"
             "it was sending is looked for in the org before anything is sent again.\n\n"
             "  argil worker --store postgresql://argil@db/argil --jobs 4\n"
             "  argil serve --store postgresql://argil@db/argil --no-jobs\n\n"
             "SIGTERM drains: nothing new is taken, what is under way gets a minute, and what does\n"
             "not end waits for another worker.",
    .options = options,
    .run = run,
};
