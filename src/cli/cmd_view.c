/* cmd_view.c - `argil view`: named ways of looking at a table. */
#include "cli/look.h"

#include "base/str.h"

#include <string.h>

static int list(struct cli *cli, struct store *store, struct arena *arena,
                const struct table *table)
{
    static const char *const headings[] = {"view", "changed", "shows"};
    struct err err = {0};
    struct view *views;
    size_t count;
    if (store->does->views->list(store, arena, table->id, &views, &count, &err) != OK)
        return cli_fail(cli, &err);
    struct grid *grid = grid_new(cli, headings, 3);
    for (size_t i = 0; i < count; i++) {
        struct look look;
        const char *shows = look_read(arena, table, views[i].config, &look, &err) == OK
                                ? look_write(arena, table, &look, true)
                                : arena_printf(arena, "broken: %s", err.message);
        grid_row(grid, (const char *[]){views[i].name, when_text(views[i].changed_ms), shows});
    }
    grid_print(grid);
    return EXIT_DONE;
}

static enum status hide(const struct args *args, struct arena *arena, const struct table *table,
                        struct look *look, struct err *err)
{
    const char *names = args_get(args, "hide");
    struct sort *hidden;
    size_t count;
    if (!names)
        return OK;
    if (sorts_read_text(arena, table, names, &hidden, &count, err) != OK)
        return FAIL;
    look->hidden = arena_array(arena, count + 1, sizeof *look->hidden);
    look->hidden_count = count;
    for (size_t i = 0; i < count; i++)
        look->hidden[i] = hidden[i].column_id;
    return OK;
}

static int save(struct cli *cli, const struct args *args, struct store *store, struct arena *arena,
                const struct table *table)
{
    struct err err = {0};
    struct look look;
    if (look_of(args, store, arena, table, &look, &err) != OK ||
        hide(args, arena, table, &look, &err) != OK)
        return cli_fail(cli, &err);
    struct view view = {.table_id = table->id,
                        .name = args->words[2],
                        .config = look_write(arena, table, &look, false)};
    if (store->does->views->put(store, &view, &err) != OK)
        return cli_fail(cli, &err);
    if (!cli->quiet)
        printf("View \"%s\" of \"%s\": %s\n", view.name, table->name,
               look_write(arena, table, &look, true));
    return EXIT_DONE;
}

static int forget(struct cli *cli, const struct args *args, struct store *store,
                  const struct table *table)
{
    struct err err = {0};
    if (store->does->views->forget(store, table->id, args->words[2], &err) != OK)
        return cli_fail(cli, &err);
    if (!cli->quiet)
        printf("View \"%s\" is gone; no row was touched.\n", args->words[2]);
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    struct err err = {0};
    struct table table;
    bool three = args->word_count == 3;
    struct store *store = cli_store_open(cli, !text_eq(verb, "list"));
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    int rc;
    if (store->does->table_get(store, arena, args->words[1], &table, &err) != OK)
        rc = cli_fail(cli, &err);
    else if (text_eq(verb, "list") && !three)
        rc = list(cli, store, arena, &table);
    else if (text_eq(verb, "save") && three)
        rc = save(cli, args, store, arena, &table);
    else if (text_eq(verb, "delete") && three)
        rc = forget(cli, args, store, &table);
    else
        rc = cli_usage(cli, &command_view, "what about the view?");
    arena_free(arena);
    store->does->close(store);
    return rc;
}

static const struct cli_option options[] = {
    LOOK_OPTIONS,
    {"hide", 0, "COLUMNS", "with save: these columns are not shown"},
    {0},
};

const struct command command_view = {
    .name = "view",
    .summary = "named ways of looking at a table",
    .words = "list TABLE | save TABLE NAME | delete TABLE NAME",
    .about =
        "A view has a filter, a sort and hidden columns. `save` makes one, or changes the one\n"
        "of that name; with --view it begins with another one. `rows`, `export` and the web\n"
        "app show tables by view.\n\n"
        "    argil view save accounts Banks --filter 'Industry = Banking' --sort=-Employees \\\n"
        "        --hide 'Phone, Fax'\n"
        "    argil rows accounts --view Banks",
    .min_words = 2,
    .max_words = 3,
    .options = options,
    .run = run,
};
