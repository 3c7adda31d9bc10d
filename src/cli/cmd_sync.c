/* cmd_sync.c - `argil sync`: bring a table's records up to date. */
#include "cli/remote.h"

static void print_report(struct cli *cli, const char *table, const struct sync_report *r)
{
    if (cli->json) {
        struct buf out = BUF_INIT;
        struct jw w;
        jw_init(&w, &out);
        jw_object(&w);
        jw_kv_text(&w, "table", table);
        jw_kv_int(&w, "run", r->run_id);
        jw_kv_bool(&w, "complete", r->complete);
        jw_kv_bool(&w, "full", r->full);
        jw_kv_int(&w, "rows_read", r->rows_read);
        jw_kv_int(&w, "rows", r->rows_now);
        jw_kv_int(&w, "remote_count", r->remote_count);
        jw_kv_int(&w, "added", r->counts.added);
        jw_kv_int(&w, "changed", r->counts.changed);
        jw_kv_int(&w, "unchanged", r->counts.unchanged);
        jw_kv_int(&w, "deleted", r->counts.deleted);
        jw_kv_int(&w, "merged", r->counts.merged);
        jw_kv_int(&w, "echoes", r->counts.echoes);
        jw_kv_int(&w, "repeats", r->counts.repeats);
        jw_kv_int(&w, "problems", r->refused);
        jw_kv_int(&w, "cells_made_due", r->counts.made_due);
        jw_kv_int(&w, "api_calls", (int64_t)r->calls);
        jw_kv_int(&w, "as_of_ms", r->as_of_ms);
        jw_kv_int(&w, "took_ms", r->took_ms);
        jw_kv_text(&w, "statement", r->statement);
        jw_end_object(&w);
        puts(buf_text(&out));
        buf_free(&out);
        return;
    }
    printf("%s: %s added, %s changed, %s unchanged, %s deleted\n", table,
           thousands(r->counts.added), thousands(r->counts.changed),
           thousands(r->counts.unchanged), thousands(r->counts.deleted));
    if (r->counts.echoes)
        printf("  %s of our own writes came back and triggered nothing\n",
               thousands(r->counts.echoes));
    printf("  %s rows now, %s cells due, %llu API calls, %s\n", thousands(r->rows_now),
           thousands(r->counts.made_due), (unsigned long long)r->calls, took(r->took_ms));
    printf("  %s\n", r->statement);
}

int sync_print(struct cli *cli, const char *table, const struct sync_report *report)
{
    progress_end(cli);
    print_report(cli, table, report);
    return report->complete ? EXIT_DONE : EXIT_ATTENTION;
}

static int run_far(struct cli *cli, const struct args *args)
{
    int rc = EXIT_DONE;
    for (size_t i = 0; i < args->word_count && rc == EXIT_DONE; i++) {
        struct sync_report report = {0};
        struct err err = {0};
        rc = remote_sync(cli, args->words[i], args_get(args, "source"), args_has(args, "full"),
                         &report, &err) == OK
                 ? sync_print(cli, args->words[i], &report)
                 : cli_fail(cli, &err);
    }
    return rc;
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    if (cli->url)
        return run_far(cli, args);
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    int rc = EXIT_DONE;
    for (size_t i = 0; i < args->word_count && rc == EXIT_DONE; i++) {
        struct sync_report report = {0};
        if (sync_source(&open->engine, args->words[i], args_get(args, "source"),
                        args_has(args, "full"), &report, &err) != OK) {
            rc = cli_fail(cli, &err);
        } else {
            rc = sync_print(cli, args->words[i], &report);
        }
    }
    cli_engine_close(open);
    return rc;
}

static const struct cli_option options[] = {
    {"full", 0, NULL, "read everything again, not only what changed"},
    {"source", 0, "NAME", "only this source of the table"},
    {0},
};

const struct command command_sync = {
    .name = "sync",
    .summary = "import new and changed records into a table",
    .words = "TABLE...",
    .about = "The first sync reads every record of the source; later ones read what changed\n"
             "since, and what was deleted. It resumes where it stopped, and ends with a\n"
             "statement of what it covers. Exit code 3 when that statement is not \"complete\".",
    .min_words = 1,
    .max_words = 32,
    .options = options,
    .run = run,
};
