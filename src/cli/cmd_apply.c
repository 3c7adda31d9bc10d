/* cmd_apply.c - `argil apply`: make or change a table from a recipe. */
#include "cli/remote.h"
#include "cli/table_priv.h"

#include "base/str.h"

void apply_print(struct cli *cli, const struct apply_plan *plan, bool dry_run)
{
    if (cli->json) {
        struct buf out = BUF_INIT;
        struct jw w;
        jw_init(&w, &out);
        jw_object(&w);
        jw_kv_text(&w, "table", plan->table_name);
        jw_kv_bool(&w, "created", plan->creates && !dry_run);
        jw_kv_bool(&w, "changed", plan->changes && !dry_run);
        jw_key(&w, "plan");
        jw_array(&w);
        for (size_t i = 0; i < plan->lines.len; i++)
            jw_text(&w, plan->lines.at[i]);
        jw_end_array(&w);
        jw_end_object(&w);
        puts(buf_text(&out));
        buf_free(&out);
        return;
    }
    for (size_t i = 0; i < plan->lines.len; i++)
        printf("  %s\n", plan->lines.at[i]);
    if (!plan->creates && !plan->changes)
        printf("Table \"%s\" is as the recipe says; nothing to do.\n", plan->table_name);
    else if (dry_run)
        printf("Dry run: table \"%s\" was not touched.\n", plan->table_name);
    else
        printf("Table \"%s\" %s.\nNext: argil sync %s\n", plan->table_name,
               plan->creates ? "is made" : "is changed", plan->table_name);
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct cli_engine *open = cli->url ? NULL : cli_engine_open(cli, true);
    if (!open && !cli->url)
        return cli->failed;
    int rc = EXIT_DONE;
    for (size_t i = 0; i < args->word_count && rc == EXIT_DONE; i++) {
        struct apply_plan plan = {0};
        err_list errors = {0};
        bool dry_run = args_has(args, "dry-run");
        enum status done =
            cli->url ? remote_apply(cli, args->words[i], dry_run, &plan, &errors, &err)
                     : recipe_apply(&open->engine, args->words[i], dry_run, &plan, &errors, &err);
        if (done == OK) {
            progress_end(cli);
            apply_print(cli, &plan, dry_run);
        } else {
            progress_end(cli);
            for (size_t e = 0; e < errors.len; e++)
                err_print(stderr, &errors.at[e], cli->colour_err);
            rc = cli_fail(cli, &err);
        }
        vec_free(&errors);
        apply_plan_free(&plan);
    }
    cli_engine_close(open);
    return rc;
}

static const struct cli_option options[] = {
    {"dry-run", 'n', NULL, "check the recipe and show the plan, change nothing"},
    {0},
};

const struct command command_apply = {
    .name = "apply",
    .summary = "make or change a table from a recipe (YAML)",
    .words = "RECIPE...",
    .about = "Checks the whole recipe against the live org first: every unknown key, object or\n"
             "field is reported with its line and the nearest right name, and then nothing is\n"
             "changed. Applying the same recipe twice changes nothing.\n\n"
             "  argil apply accounts.yaml --dry-run",
    .min_words = 1,
    .max_words = 32,
    .options = options,
    .run = run,
};
