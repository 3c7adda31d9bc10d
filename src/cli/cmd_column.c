/* cmd_column.c - `argil column`: what a column can do, what it promises, and a
 * person's choice where several records match. */
#include "cli/cli.h"
#include "engine/columns/column_kind.h"
#include "store/store_choices.h"

#include "base/str.h"

#include <string.h>

/* -------------------------------------------------------------------- kinds */

static int list_kinds(struct cli *cli)
{
    static const char *const headings[] = {"kind", "what it does"};
    struct grid *grid = grid_new(cli, headings, 2);
    for (size_t i = 0; column_kinds[i]; i++)
        grid_row(grid, (const char *[]){column_kinds[i]->name, column_kinds[i]->help});
    grid_print(grid);
    return EXIT_DONE;
}

static const char *allowed_words(struct arena *arena, const struct kind_option *option)
{
    const char *all = "";
    for (size_t i = 0; option->allowed && option->allowed[i]; i++)
        all = arena_printf(arena, "%s%s%s", all, i ? " | " : "", option->allowed[i]);
    return all;
}

static int show_kind(struct cli *cli, const char *name)
{
    static const char *const headings[] = {"option", "takes", "default", "meaning"};
    const struct column_kind *kind = column_kind_find(name);
    if (!kind) {
        struct err err = {0};
        size_t count;
        const char *const *names = column_kind_names(&count);
        const char *near = text_nearest(name, names, count);
        err_set(&err, ERR_NOT_FOUND, "there is no kind of column called \"%s\"", name);
        err_hint(&err, near ? "did you mean %s?" : "argil column kinds lists them%s",
                 near ? near : "");
        return cli_fail(cli, &err);
    }
    struct arena *arena = arena_new();
    if (!cli->json)
        printf("%s: %s\n%s\n\n", kind->name, kind->title, kind->help);
    struct grid *grid = grid_new(cli, headings, 4);
    for (size_t i = 0; i < kind->option_count; i++) {
        const struct kind_option *option = &kind->options[i];
        const char *takes = option->allowed ? allowed_words(arena, option)
                                            : option_type_name(option->type);
        grid_row(grid, (const char *[]){option->name, takes,
                                        option->required  ? "(needed)"
                                        : option->fallback ? option->fallback
                                                           : "",
                                        option->help});
    }
    grid_print(grid);
    arena_free(arena);
    return EXIT_DONE;
}

/* --------------------------------------------------------------------- show */

static const char *state_summary(struct store *store, struct arena *arena,
                                 const struct table *table, const struct column *column)
{
    int64_t by_state[CELL_STATES] = {0};
    struct err ignored = {0};
    const char *all = "";
    if (store->does->cells_count(store, table->id, column->id, by_state, &ignored) != OK)
        return "?";
    for (int s = 0; s < CELL_STATES; s++)
        if (by_state[s])
            all = arena_printf(arena, "%s%s%s %s", all, *all ? ", " : "", thousands(by_state[s]),
                               cell_state_name((enum cell_state)s));
    return *all ? all : "no rows";
}

static int show_column(struct cli *cli, struct cli_engine *open, const char *table_name,
                       const char *name)
{
    static const char *const headings[] = {"what", "value"};
    struct err err = {0};
    struct table table;
    struct column_promise promise;
    struct store *store = open->engine.store;
    if (store->does->table_get(store, open->arena, table_name, &table, &err) != OK ||
        engine_column_promise(&open->engine, open->arena, table_name, name, &promise, &err) != OK)
        return cli_fail(cli, &err);
    const struct column *column = table_column(&table, name);
    const char *const rows[][2] = {
        {"column", column->name},
        {"kind", column->kind},
        {"type", value_type_name(column->type)},
        {"options", column->config},
        {"only_run_if", column->only_run_if},
        {"cells", state_summary(store, open->arena, &table, column)},
        {"writes to", promise.object},
        {"on", promise.connection},
        {"approved", !promise.writes            ? NULL
                     : column->approved_ms      ? when_text(column->approved_ms)
                                                : "not yet: the first run wants --yes"},
        {"mode", promise.writes ? write_mode_name(promise.mode) : NULL},
        {"promise", promise.writes ? write_mode_promise(promise.mode) : NULL},
        {"guarded by", promise.key},
        {"mode when approved", promise.dropped ? write_mode_name(promise.approved_mode) : NULL},
        {"to have a better one", promise.advice},
    };
    progress_end(cli);
    struct grid *grid = grid_new(cli, headings, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i][1])
            grid_row(grid, rows[i]);
    grid_print(grid);
    return promise.dropped ? EXIT_ATTENTION : EXIT_DONE;
}

static int show(struct cli *cli, const struct args *args)
{
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    int rc = show_column(cli, open, args->words[1], args->words[2]);
    cli_engine_close(open);
    return rc;
}

/* ------------------------------------------------------------------- choose */

static enum status choose_in(struct store *store, struct arena *arena, const struct args *args,
                             struct err *err)
{
    const char *record = args->words[4];
    struct table table;
    struct row *rows = NULL;
    size_t count = 0;
    int64_t made = 0;
    if (store->does->table_get(store, arena, args->words[1], &table, err) != OK)
        return FAIL;
    const struct column *column = table_column(&table, args->words[2]);
    if (!column)
        return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no column \"%s\"", table.name,
                       args->words[2]);
    struct row_query query = {.table_id = table.id, .key = args->words[3], .limit = 1};
    if (store->does->rows(store, arena, &query, &rows, &count, err) != OK)
        return FAIL;
    if (!count)
        return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no row \"%s\"", table.name,
                       args->words[3]);
    if (!text_eq(record, "none") && strlen(record) != 18) {
        err_set(err, ERR_INVALID, "\"%s\" is not the 18-character Id of a record", record);
        err_hint(err, "Copy it from the message of the refused row; `none` takes a choice back.");
        return FAIL;
    }
    if (store->does->choices->put(store, table.id, column->id, rows[0].id,
                                  text_eq(record, "none") ? NULL : record, cli_account(), err) != OK)
        return FAIL;
    return store->does->cells_make_due(store, table.id, column->id, 0, &rows[0].id, 1, &made, err);
}

static int choose(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct store *store = cli_store_open(cli, true);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (choose_in(store, arena, args, &err) != OK)
        rc = cli_fail(cli, &err);
    else if (!cli->json)
        printf("Kept. The row runs again with the next `argil run %s`.\n", args->words[1]);
    arena_free(arena);
    store->does->close(store);
    return rc;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    if (text_eq(verb, "kinds") && args->word_count == 1)
        return list_kinds(cli);
    if (text_eq(verb, "kinds") && args->word_count == 2)
        return show_kind(cli, args->words[1]);
    if (text_eq(verb, "show") && args->word_count == 3)
        return show(cli, args);
    if (text_eq(verb, "choose") && args->word_count == 5)
        return choose(cli, args);
    return cli_usage(cli, &command_column,
                     "kinds [KIND], show TABLE COLUMN, choose TABLE COLUMN ROW RECORD");
}

static const struct cli_option options[] = {{0}};

const struct command command_column = {
    .name = "column",
    .summary = "kinds of columns, what one promises, and choices for its rows",
    .words = "kinds [KIND] | show TABLE COLUMN | choose TABLE COLUMN ROW RECORD",
    .about = "`show` asks the org and tells the write mode: what keeps a row from making a second\n"
             "record. Where several records match a row, `choose` says which one is meant; ROW is\n"
             "the row's key. `none` as RECORD takes a choice back.\n\n"
             "  argil column show people \"New lead\"",
    .min_words = 1,
    .max_words = 5,
    .options = options,
    .run = run,
};
