/* cmd_run.c - `argil run`: compute due cells and write back. */
#include "cli/remote.h"
#include "cli/run_print.h"

#include "base/str.h"
#include "engine/approval.h"

#include <string.h>

/* --plan: what the run would write is kept for a person to approve. */
static int keep_plan(struct cli *cli, struct cli_engine *open, const char *table,
                     const struct run_options *options)
{
    struct err err = {0};
    struct write_plan plan;
    struct run_report report = {0};
    int code = EXIT_DONE;
    if (cli->url)
        return cli_usage(cli, &command_run, "--plan works on the data directory, not through --url");
    enum status rc = plan_make(&open->engine, open->arena, table, options, &plan, &report, &err);
    progress_end(cli);
    if (rc != OK)
        code = cli_fail(cli, &err);
    else if (cli->json)
        printf("{\"plan\":%lld,\"planned\":%lld,\"blocked\":%lld,\"unchanged\":%lld,"
               "\"sent_collections\":%lld,\"sent_bulk\":%lld,\"write_calls\":%lld,"
               "\"api_calls\":%llu}\n",
               (long long)plan.id, (long long)plan.lines[LINE_PLANNED],
               (long long)plan.lines[LINE_BLOCKED], (long long)report.unchanged,
               (long long)report.sent_collections, (long long)report.sent_bulk,
               (long long)report.write_calls, (unsigned long long)report.calls);
    else {
        run_print(cli, table, &report);
        printf("Plan %lld waits: argil plan show %lld\n", (long long)plan.id, (long long)plan.id);
    }
    cli_engine_close(open);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct run_options options = {
        .column = args_get(args, "column"),
        .yes = args_has(args, "yes"),
        .dry_run = args_has(args, "dry-run"),
        .force_new = args_has(args, "force-new"),
        .fresh = args_has(args, "fresh"),
        .scheduled = args_has(args, "scheduled"),
    };
    if (!cli_number(cli, args, "first", &options.limit))
        return EXIT_USAGE;
    if (!run_options_rows(&options, args_get(args, "rows")))
        return cli_usage(cli, &command_run,
                         "--rows takes due, all, errors, refused, empty, skipped, waiting");
    if (options.force_new && !options.yes)
        return cli_usage(cli, &command_run,
                         "--force-new makes new records for rows that already have one; add --yes "
                         "as well if you mean it");
    if (options.scheduled && cli->url)
        return cli_usage(cli, &command_run, "--scheduled is for the data directory; a server has "
                                            "schedules of its own");
    struct cli_engine *open = cli->url ? NULL : cli_engine_open(cli, true);
    if (!open && !cli->url)
        return cli->failed;
    if (args_has(args, "plan"))
        return keep_plan(cli, open, args->words[0], &options);
    struct run_report report = {0};
    int rc;
    enum status status =
        cli->url ? remote_run(cli, args->words[0], &options, args_get(args, "rows"), &report, &err)
                 : run_table(&open->engine, args->words[0], &options, &report, &err);
    progress_end(cli);
    if (status == OK || report.run_id)
        run_print(cli, args->words[0], &report);
    rc = status == OK ? run_exit_code(&report) : cli_fail(cli, &err);
    cli_engine_close(open);
    return rc;
}

static const struct cli_option options[] = {
    {"column", 'c', "NAME", "only this column (and nothing it feeds)"},
    {"rows", 0, "WHICH", "due (default), all, or only: errors, refused, empty, skipped, waiting"},
    {"first", 0, "N", "only the first N rows"},
    {"fresh", 0, NULL, "ask HTTP APIs anew, whatever `cache` has kept"},
    {"dry-run", 'n', NULL, "show what would be written, send nothing"},
    {"plan", 0, NULL, "keep what would be written as a plan that a person approves (argil plan)"},
    {"yes", 'y', NULL, "approve the first write of new write columns"},
    {"scheduled", 0, NULL, "for timers: nobody waits; quiet hours hold it back, people go first"},
    {"force-new", 0, NULL, "create again for rows that already have their record"},
    {0},
};

const struct command command_run = {
    .name = "run",
    .summary = "compute what is due in a table and write back",
    .words = "TABLE",
    .about =
        "Settles first what an earlier run left open, then computes due cells column by\n"
        "column and sends writes in batches. Every write is in the journal before its first\n"
        "byte leaves. The first run of a new write column wants --yes; look first with\n"
        "--dry-run. Exit code 3 when rows were refused, failed or are in doubt.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .run = run,
};
