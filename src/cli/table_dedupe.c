/* table_dedupe.c - `argil table dedupe NAME`: rows that auto_dedupe merged, and back. */
#include "cli/table_priv.h"

#include "base/str.h"
#include "base/when.h"
#include "model/dedupe.h"
#include "store/store_dedupe.h"

#include <stdlib.h>

#define PAGE 1000

static int restore(struct cli *cli, struct store *store, const struct table *table, const char *which)
{
    struct err err = {0};
    int64_t restored, row_id = 0;
    char *end = NULL;
    if (!text_eq(which, "all"))
        row_id = strtoll(which, &end, 10);
    if (end && (*end || row_id < 1))
        return cli_usage(cli, &command_table, "--restore takes a row's number, or all");
    if (store->does->dedupe->restore(store, table->id, row_id, cli_account(), &restored, &err) != OK)
        return cli_fail(cli, &err);
    if (cli->json)
        printf("{\"restored\":%lld}\n", (long long)restored);
    else
        printf("%s rows are back. They stand apart as long as their value stays as it is.\n",
               thousands(restored));
    return EXIT_DONE;
}

static void add_row(struct grid *grid, struct arena *arena, const struct merged_row *row)
{
    grid_row(grid,
             (const char *[]){arena_printf(arena, "%lld", (long long)row->row_id), row->row_key,
                              arena_printf(arena, "%lld", (long long)row->into),
                              row->into_key ? row->into_key : "(gone)", row->value,
                              when_text(row->at_ms), row->restored ? "restored" : "merged"});
}

static void say_rule(struct arena *arena, const struct table *table, int64_t merged)
{
    struct dedupe_rule rule;
    dedupe_rule_read(arena, table, &rule);
    if (!rule.column)
        printf("%s has no auto_dedupe; %s rows are merged.\n", table->name, thousands(merged));
    else
        printf("%s: one row for each %s (compared as %s), the %s stays; %s rows are merged.\n",
               table->name, rule.column->name, dedupe_as_names[rule.as],
               rule.keep_newest ? "newest" : "oldest", thousands(merged));
}

int table_dedupe(struct cli *cli, struct store *store, struct arena *arena, const struct args *args)
{
    static const char *const headings[] = {"row", "key", "into", "into key", "same", "when", "now"};
    struct err err = {0};
    struct table table;
    struct merged_row *rows;
    int64_t merged, after = 0;
    size_t count, i;
    const struct store_dedupe *dedupe = store->does->dedupe;
    if (store->does->table_get(store, arena, args->words[1], &table, &err) != OK)
        return cli_fail(cli, &err);
    if (args_has(args, "restore"))
        return restore(cli, store, &table, args_get(args, "restore"));
    if (dedupe->count(store, table.id, &merged, &err) != OK)
        return cli_fail(cli, &err);
    if (!cli->json)
        say_rule(arena, &table, merged);
    struct grid *grid = grid_new(cli, headings, 7);
    do {
        if (dedupe->list(store, arena, table.id, after, PAGE, &rows, &count, &err) != OK)
            return cli_fail(cli, &err);
        for (i = 0; i < count; i++)
            add_row(grid, arena, &rows[i]);
        after = count ? rows[count - 1].row_id : after;
    } while (count == PAGE);
    grid_print(grid);
    return EXIT_DONE;
}
