/* cmd_undo.c - `argil undo`: takes back what a run wrote. */
#include "cli/cli.h"

#include "base/str.h"
#include "engine/undo.h"

#include <stdlib.h>

struct telling {
    struct cli *cli;
    struct grid *grid;
    int64_t told;
};

#define LINES_MOST 200 /* on a terminal; --json gives all */

static void tell(void *ctx, const struct undo_line *line)
{
    struct telling *t = ctx;
    if (!t->cli->json && t->told++ >= LINES_MOST)
        return;
    grid_row(t->grid, (const char *[]){undo_verdict_name(line->verdict), line->object,
                                       line->record_id, line->field, line->before, line->written,
                                       line->now, line->reason});
}

static void count_line(const char *what, int64_t count)
{
    if (count)
        printf("  %-22s %s\n", what, thousands(count));
}

static void print_report(const struct undo_report *r, bool dry_run)
{
    printf("%s records of %s operations\n", thousands(r->records), thousands(r->operations));
    for (int v = 0; v < UNDO_VERDICTS; v++)
        count_line(undo_verdict_name((enum undo_verdict)v), r->by_verdict[v]);
    if (dry_run) {
        puts("Nothing was written. Without --dry-run what stands under restore and delete is.");
        return;
    }
    printf("Run %lld: %s records restored, %s deleted\n", (long long)r->run_id,
           thousands(r->run.updated), thousands(r->run.deleted));
    count_line("rejected by the org", r->run.rejected);
    count_line("IN DOUBT", r->run.in_doubt);
    for (size_t i = 0; i < r->run.refusal_count; i++)
        printf("    %6s x %s\n", thousands(r->run.refusals[i].count), r->run.refusals[i].message);
    printf("  %llu API calls, %s\n", (unsigned long long)r->run.calls, took(r->run.took_ms));
}

static bool needs_a_person(const struct undo_report *r)
{
    return r->by_verdict[UNDO_CHANGED] || r->by_verdict[UNDO_CANNOT] || r->by_verdict[UNDO_GONE] ||
           r->run.rejected || r->run.in_doubt;
}

static int run(struct cli *cli, const struct args *args)
{
    static const char *const headings[] = {"what",    "object", "record", "field",
                                           "before", "written", "now", "why"};
    struct err err = {0};
    char *end;
    struct undo_report report;
    struct telling telling = {.cli = cli};
    struct undo_options options = {.dry_run = args_has(args, "dry-run"),
                                   .delete_created = args_has(args, "delete-created"),
                                   .line = tell,
                                   .ctx = &telling};
    int64_t run_id = strtoll(args->words[0], &end, 10);
    if (*end || run_id <= 0)
        return cli_usage(cli, &command_undo, "RUN is a run's number: argil runs");
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    telling.grid = grid_new(cli, headings, 8);
    enum status rc = engine_undo(&open->engine, run_id, &options, &report, &err);
    progress_end(cli);
    if (rc == OK || report.records)
        grid_print(telling.grid);
    if (telling.told > LINES_MOST)
        printf("... and %s more; --json shows all.\n", thousands(telling.told - LINES_MOST));
    if (rc == OK && !cli->json)
        print_report(&report, options.dry_run);
    int code = rc != OK                ? cli_fail(cli, &err)
               : report.run.paused     ? EXIT_LATER
               : needs_a_person(&report) ? EXIT_ATTENTION
                                         : EXIT_DONE;
    cli_engine_close(open);
    return code;
}

static const struct cli_option options[] = {
    {"dry-run", 'n', NULL, "show field by field what would be taken back; write nothing"},
    {"delete-created", 0, NULL, "also delete records that the run created and nobody else touched"},
    {0},
};

const struct command command_undo = {
    .name = "undo",
    .summary = "take back what a run wrote",
    .words = "RUN",
    .about =
        "Each field that still holds what the run wrote gets back what it held before. A field\n"
        "that somebody changed since is left alone and shown. The undo is a run of its own,\n"
        "in the journal like any other, and can be undone.\n\n"
        "  argil runs accounts\n"
        "  argil undo 12 --dry-run\n"
        "  argil undo 12\n\n"
        "Exit code 3 when something could not be taken back. Automations that ran in Salesforce\n"
        "when the run wrote (e-mails, flows) are not taken back.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .run = run,
};
