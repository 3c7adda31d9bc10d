/* table_versions.c - `argil table versions NAME [NUMBER]` and `argil table restore NAME NUMBER`. */
#include "cli/remote.h"
#include "cli/table_priv.h"

#include "base/str.h"
#include "store/store_versions.h"

#include <stdlib.h>

#define PAGE 200

/* 0 = none; prints the usage error. */
static int64_t number_of(struct cli *cli, const char *text)
{
    char *end;
    long long number = strtoll(text, &end, 10);
    if (*end || number < 1)
        cli_usage(cli, &command_table, "a version is a number, not `%s`", text);
    return *end || number < 1 ? 0 : number;
}

static int show(struct cli *cli, struct store *store, struct arena *arena, const struct table *table,
                const char *which)
{
    struct err err = {0};
    struct table_version version;
    int64_t number = number_of(cli, which);
    if (!number)
        return EXIT_USAGE;
    if (store->does->versions->get(store, arena, table->id, number, &version, &err) != OK)
        return cli_fail(cli, &err);
    fputs(version.recipe, stdout);
    return EXIT_DONE;
}

static void add_row(struct grid *grid, struct arena *arena, const struct table_version *v)
{
    grid_row(grid, (const char *[]){arena_printf(arena, "%lld", (long long)v->number),
                                    v->at_ms ? when_text(v->at_ms) : "", v->who ? v->who : "",
                                    v->auto_update ? "on" : "off", v->note ? v->note : ""});
}

int table_versions(struct cli *cli, struct store *store, struct arena *arena,
                   const struct args *args)
{
    static const char *const headings[] = {"version", "when", "who", "auto-update", "what"};
    struct err err = {0};
    struct table table;
    struct table_version *list;
    int64_t before = 0;
    size_t count, i;
    if (store->does->table_get(store, arena, args->words[1], &table, &err) != OK)
        return cli_fail(cli, &err);
    if (args->word_count == 3)
        return show(cli, store, arena, &table, args->words[2]);
    struct grid *grid = grid_new(cli, headings, 5);
    do {
        if (store->does->versions->list(store, arena, table.id, before, PAGE, &list, &count, &err) !=
            OK)
            return cli_fail(cli, &err);
        for (i = 0; i < count; i++)
            add_row(grid, arena, &list[i]);
        before = count ? list[count - 1].number : before;
    } while (count == PAGE);
    grid_print(grid);
    return EXIT_DONE;
}

static enum status restore(struct cli *cli, const char *table, int64_t number, bool dry_run,
                           struct apply_plan *plan, err_list *errors, struct err *err)
{
    if (cli->url)
        return remote_restore(cli, table, number, dry_run, plan, errors, err);
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open) {
        err_clear(err); /* it was told */
        return FAIL;
    }
    enum status rc = recipe_restore(&open->engine, table, number, dry_run, plan, errors, err);
    cli_engine_close(open);
    return rc;
}

int table_restore(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct apply_plan plan = {0};
    err_list errors = {0};
    bool dry_run = args_has(args, "dry-run");
    int64_t number = number_of(cli, args->words[2]);
    int rc = number ? EXIT_DONE : EXIT_USAGE;
    if (number && restore(cli, args->words[1], number, dry_run, &plan, &errors, &err) == OK)
        apply_print(cli, &plan, dry_run);
    else if (number) {
        for (size_t i = 0; i < errors.len; i++)
            err_print(stderr, &errors.at[i], cli->colour_err);
        rc = *err.code ? cli_fail(cli, &err) : cli->failed;
    }
    vec_free(&errors);
    apply_plan_free(&plan);
    return rc;
}
