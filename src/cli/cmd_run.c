/* cmd_run.c - `argil run`: compute due cells and write back. */
#include "cli/remote.h"

#include "base/str.h"

#include <string.h>

static void json_repairs(struct jw *w, const struct run_report *r)
{
    jw_key(w, "repairs");
    jw_array(w);
    for (size_t i = 0; i < r->repair_count; i++) {
        jw_object(w);
        jw_kv_text(w, "field", r->repairs[i].field);
        jw_kv_int(w, "count", r->repairs[i].count);
        jw_kv_text(w, "given", r->repairs[i].given);
        jw_kv_text(w, "written", r->repairs[i].written);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void json_report(const char *table, const struct run_report *r)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "table", table);
    jw_kv_int(&w, "run", r->run_id);
    jw_kv_int(&w, "cells_computed", r->cells_computed);
    jw_kv_int(&w, "cells_skipped", r->cells_skipped);
    jw_kv_int(&w, "cells_no_result", r->cells_no_result);
    jw_kv_int(&w, "cells_waiting", r->cells_waiting);
    jw_kv_int(&w, "cells_error", r->cells_error);
    jw_kv_int(&w, "looked_up", r->looked_up);
    jw_kv_int(&w, "created", r->created);
    jw_kv_int(&w, "adopted", r->adopted);
    jw_kv_int(&w, "updated", r->updated);
    jw_kv_int(&w, "upserted", r->upserted);
    jw_kv_int(&w, "deleted", r->deleted);
    jw_kv_int(&w, "converted", r->converted);
    jw_kv_int(&w, "unchanged", r->unchanged);
    jw_kv_int(&w, "repaired", r->repaired);
    jw_kv_int(&w, "refused", r->refused);
    jw_kv_int(&w, "rejected", r->rejected);
    jw_kv_int(&w, "in_doubt", r->in_doubt);
    jw_kv_int(&w, "retrying", r->retrying);
    jw_kv_int(&w, "planned", r->planned);
    jw_kv_bool(&w, "paused", r->paused);
    jw_kv_int(&w, "api_calls", (int64_t)r->calls);
    jw_kv_int(&w, "api_calls_one_each", (int64_t)r->calls_one_each);
    jw_kv_int(&w, "took_ms", r->took_ms);
    jw_key(&w, "refusals");
    jw_array(&w);
    for (size_t i = 0; i < r->refusal_count; i++) {
        jw_object(&w);
        jw_kv_text(&w, "code", r->refusals[i].code);
        jw_kv_text(&w, "message", r->refusals[i].message);
        jw_kv_int(&w, "count", r->refusals[i].count);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    json_repairs(&w, r);
    jw_end_object(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

static void count_line(const char *what, int64_t count)
{
    if (count)
        printf("  %-22s %s\n", what, thousands(count));
}

static void text_report(const char *table, const struct run_report *r)
{
    int64_t writes = r->created + r->adopted + r->updated + r->upserted + r->deleted + r->converted;
    if (!r->cells_computed && !writes && !r->cells_error && !r->refused && !r->planned &&
        !r->in_doubt && !r->retrying)
        printf("%s: nothing was due.\n", table);
    else
        printf("%s: %s cells computed\n", table, thousands(r->cells_computed));
    count_line("looked up", r->looked_up);
    count_line("would be written", r->planned);
    count_line("created", r->created);
    count_line("found, not created", r->adopted);
    count_line("updated", r->updated);
    count_line("upserted", r->upserted);
    count_line("deleted", r->deleted);
    count_line("converted", r->converted);
    count_line("already so", r->unchanged);
    count_line("skipped: condition", r->cells_skipped);
    count_line("no result", r->cells_no_result);
    count_line("waiting for input", r->cells_waiting);
    count_line("errors", r->cells_error);
    count_line("refused locally", r->refused);
    count_line("rejected by the org", r->rejected);
    count_line("retrying later", r->retrying);
    count_line("IN DOUBT", r->in_doubt);
    count_line("values made fit", r->repaired);
    for (size_t i = 0; i < r->repair_count; i++)
        printf("    %6s x %s, such as \"%s\" to %s\n", thousands(r->repairs[i].count),
               r->repairs[i].field, r->repairs[i].given, r->repairs[i].written);
    if (r->refusal_count)
        puts("  Why:");
    for (size_t i = 0; i < r->refusal_count; i++)
        printf("    %6s x %s\n", thousands(r->refusals[i].count), r->refusals[i].message);
    printf("  %llu API calls (one call a record: %llu), %s\n", (unsigned long long)r->calls,
           (unsigned long long)r->calls_one_each, took(r->took_ms));
    if (r->paused)
        puts("  Paused: the API call budget or a limit is reached. Everything is kept; run again later.");
    if (r->in_doubt)
        printf("  See `argil journal list --state in-doubt`.\n");
}

/* --rows due|all|errors|refused|empty|waiting, several by comma. */
static bool take_rows(const char *text, struct run_options *options)
{
    static const struct {
        const char *word;
        uint32_t states;
    } words[] = {
        {"due", 0},
        {"errors", 1u << CELL_ERROR | 1u << CELL_RETRYING},
        {"refused", 1u << CELL_REFUSED},
        {"empty", 1u << CELL_EMPTY | 1u << CELL_NO_RESULT},
        {"skipped", 1u << CELL_SKIPPED},
        {"waiting", 1u << CELL_WAITING},
    };
    while (text && *text) {
        size_t len = strcspn(text, ",");
        bool known = len == 3 && !strncmp(text, "all", 3);
        options->all |= known;
        for (size_t i = 0; i < sizeof words / sizeof *words && !known; i++) {
            if (strlen(words[i].word) == len && !strncmp(text, words[i].word, len)) {
                options->states |= words[i].states;
                known = true;
            }
        }
        if (!known)
            return false;
        text += len + (text[len] == ',');
    }
    return true;
}

static int exit_code(const struct run_report *r)
{
    if (r->paused || r->retrying)
        return EXIT_LATER;
    if (r->in_doubt || r->refused || r->rejected || r->cells_error)
        return EXIT_ATTENTION;
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct run_options options = {
        .column = args_get(args, "column"),
        .yes = args_has(args, "yes"),
        .dry_run = args_has(args, "dry-run"),
        .force_new = args_has(args, "force-new"),
    };
    if (!cli_number(cli, args, "first", &options.limit))
        return EXIT_USAGE;
    if (!take_rows(args_get(args, "rows"), &options))
        return cli_usage(cli, &command_run,
                         "--rows takes due, all, errors, refused, empty, skipped, waiting");
    if (options.force_new && !options.yes)
        return cli_usage(cli, &command_run,
                         "--force-new makes new records for rows that already have one; add --yes "
                         "as well if you mean it");
    struct cli_engine *open = cli->url ? NULL : cli_engine_open(cli, true);
    if (!open && !cli->url)
        return cli->failed;
    struct run_report report = {0};
    int rc;
    enum status status =
        cli->url ? remote_run(cli, args->words[0], &options, args_get(args, "rows"), &report, &err)
                 : run_table(&open->engine, args->words[0], &options, &report, &err);
    progress_end(cli);
    if (status == OK || report.run_id) {
        if (cli->json)
            json_report(args->words[0], &report);
        else
            text_report(args->words[0], &report);
    }
    rc = status == OK ? exit_code(&report) : cli_fail(cli, &err);
    cli_engine_close(open);
    return rc;
}

static const struct cli_option options[] = {
    {"column", 'c', "NAME", "only this column (and nothing it feeds)"},
    {"rows", 0, "WHICH", "due (default), all, errors, refused, empty, skipped, waiting"},
    {"first", 0, "N", "only the first N rows"},
    {"dry-run", 'n', NULL, "show what would be written, send nothing"},
    {"yes", 'y', NULL, "approve the first write of new write columns"},
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
