/* cmd_table.c - `argil table`: list, show, graph, export a recipe, switch
 * auto-update, delete. */
#include "cli/remote.h"
#include "cli/run_print.h"
#include "cli/table_priv.h"
#include "engine/columns/column_kind.h"
#include "engine/graph.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

static int list(struct cli *cli, struct store *store, struct arena *arena)
{
    struct err err = {0};
    struct table *all = NULL;
    size_t count = 0;
    static const char *const headings[] = {"name", "object", "connection", "rows", "columns",
                                           "auto-update"};
    if (store->does->table_list(store, arena, &all, &count, &err) != OK)
        return cli_fail(cli, &err);
    if (!count && !cli->json) {
        puts("No table yet. Make one: argil apply RECIPE.yaml");
        return EXIT_DONE;
    }
    struct grid *grid = grid_new(cli, headings, 6);
    for (size_t i = 0; i < count; i++) {
        char columns[32];
        snprintf(columns, sizeof columns, "%zu", all[i].column_count);
        grid_row(grid, (const char *[]){all[i].name, all[i].object, all[i].connection,
                                        thousands(all[i].row_count), columns,
                                        all[i].auto_update ? "on" : "off"});
    }
    grid_print(grid);
    return EXIT_DONE;
}

/* "1,000 ok, 12 refused" */
static const char *state_summary(struct store *store, struct arena *arena, const struct table *table,
                                 const struct column *column)
{
    int64_t counts[CELL_STATES] = {0};
    struct buf out = BUF_INIT;
    if (store->does->cells_count(store, table->id, column->id, counts, NULL) != OK)
        return "?";
    static const enum cell_state order[] = {CELL_OK,      CELL_DUE,     CELL_QUEUED,
                                            CELL_RUNNING, CELL_SKIPPED, CELL_NO_RESULT,
                                            CELL_WAITING, CELL_RETRYING, CELL_ERROR,
                                            CELL_REFUSED, CELL_IN_DOUBT, CELL_OUTDATED, CELL_EMPTY};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (counts[order[i]])
            buf_printf(&out, "%s%s %s", out.len ? ", " : "", thousands(counts[order[i]]),
                       cell_state_name(order[i]));
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}

/* The mode that its writes were approved with; `argil column show` asks the org for today's. */
static const char *writes_how(const struct column *column)
{
    const struct column_kind *kind = column_kind_find(column->kind);
    if (!kind || !kind->writes)
        return "";
    return column->approved_mode < 0 ? "not approved yet"
                                     : write_mode_name((enum write_mode)column->approved_mode);
}

static int show(struct cli *cli, struct store *store, struct arena *arena, const char *name)
{
    struct err err = {0};
    struct table table;
    static const char *const headings[] = {"column", "type", "kind", "writes", "cells"};
    if (store->does->table_get(store, arena, name, &table, &err) != OK)
        return cli_fail(cli, &err);
    if (!cli->json)
        printf("%s: %s rows of %s from \"%s\", auto-update %s\n\n", table.name,
               thousands(table.row_count), table.object ? table.object : "?",
               table.connection ? table.connection : "?", table.auto_update ? "on" : "off");
    struct grid *grid = grid_new(cli, headings, 5);
    for (size_t i = 0; i < table.column_count; i++) {
        const struct column *c = &table.columns[i];
        grid_row(grid, (const char *[]){c->name, value_type_name(c->type), c->kind, writes_how(c),
                                        state_summary(store, arena, &table, c)});
    }
    grid_print(grid);
    return EXIT_DONE;
}

static int recipe(struct cli *cli, struct store *store, struct arena *arena, const char *name)
{
    struct err err = {0};
    struct table table;
    if (store->does->table_get(store, arena, name, &table, &err) != OK)
        return cli_fail(cli, &err);
    fputs(table.recipe, stdout);
    return EXIT_DONE;
}

/* By level: what is computed first stands first. */
static void print_graph(const struct graph *graph)
{
    size_t wide = 0;
    for (size_t i = 0; i < graph->count; i++) {
        size_t len = strlen(graph->nodes[i].column->name);
        wide = len > wide && len <= 30 ? len : wide;
    }
    printf("%s\n", graph->table->name);
    for (size_t i = 0; i < graph->count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        printf("  %zu  %-*s  %s", node->level, (int)wide, node->column->name, node->column->kind);
        for (size_t k = 0; k < node->read_count; k++)
            printf("%s%s", k ? ", " : "  <- ", node->reads[k]->name);
        if (node->other)
            printf("  %s table %s", node->feeds ? "=>" : "<=", node->other);
        printf("%s\n", node->column->auto_update ? "" : "  (auto-update off)");
    }
}

static int show_graph(struct cli *cli, struct store *store, struct arena *arena, const char *name,
                      bool dot)
{
    struct err err = {0};
    struct table table;
    struct graph graph;
    if (store->does->table_get(store, arena, name, &table, &err) != OK)
        return cli_fail(cli, &err);
    graph_make(arena, &table, &graph);
    if (dot) {
        fputs(graph_dot(arena, &graph), stdout);
    } else if (cli->json) {
        struct buf out = BUF_INIT;
        struct jw w;
        jw_init(&w, &out);
        graph_write(&w, &graph);
        puts(buf_text(&out));
        buf_free(&out);
    } else {
        print_graph(&graph);
    }
    return EXIT_DONE;
}

/* What has come meanwhile and waits, a line a column. True when there is something. */
static bool list_waiting(struct cli *cli, struct store *store, const struct table *table)
{
    int64_t all = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        int64_t counts[CELL_STATES] = {0};
        const struct column *c = &table->columns[i];
        if (text_eq(c->kind, "source") ||
            store->does->cells_count(store, table->id, c->id, counts, NULL) != OK)
            continue;
        int64_t waiting = counts[CELL_DUE] + counts[CELL_EMPTY] + counts[CELL_OUTDATED] +
                          counts[CELL_WAITING] + counts[CELL_RETRYING];
        if (waiting && !all && !cli->json)
            puts("What has come meanwhile waits:");
        if (waiting && !cli->json)
            printf("  %-30s %s cells, of them %s out of date\n", c->name, thousands(waiting),
                   thousands(counts[CELL_OUTDATED]));
        all += waiting;
    }
    return all > 0;
}

/* Run what is waiting, or leave it? By option, by a person at a terminal, else it is left. */
static bool wants_run(struct cli *cli, const struct args *args)
{
    char answer[16] = "";
    if (args_has(args, "run-waiting") || args_has(args, "leave"))
        return args_has(args, "run-waiting");
    if (cli->json || cli->quiet || !cli->terminal_err || !isatty(STDIN_FILENO))
        return false;
    fputs("Run it now, or leave it? [run/LEAVE] ", stderr);
    return fgets(answer, sizeof answer, stdin) && tolower((unsigned char)*answer) == 'r';
}

static int run_waiting(struct cli *cli, const char *table)
{
    struct err err = {0};
    struct run_report report = {0};
    struct run_options options = {0};
    struct cli_engine *open = cli->url ? NULL : cli_engine_open(cli, true);
    if (!cli->url && !open)
        return cli->failed;
    enum status rc = cli->url ? remote_run(cli, table, &options, NULL, &report, &err)
                              : run_table(&open->engine, table, &options, &report, &err);
    progress_end(cli);
    int code = rc == OK ? run_exit_code(&report) : cli_fail(cli, &err);
    if (rc == OK)
        run_print(cli, table, &report);
    if (open)
        cli_engine_close(open);
    return code;
}

/* *run: what waits is to be run, once the store is closed. */
static int set_auto_update(struct cli *cli, struct store *store, struct arena *arena,
                           const struct args *args, bool *run)
{
    struct err err = {0};
    struct table table;
    const char *name = args->words[1];
    bool on = text_eq(args->words[2], "on");
    if (store->does->table_get(store, arena, name, &table, &err) != OK ||
        store->does->table_set_auto_update(store, table.id, on, &err) != OK)
        return cli_fail(cli, &err);
    if (!cli->json)
        printf("Auto-update of \"%s\" is %s.\n", name, on ? "on" : "off");
    if (!on || !list_waiting(cli, store, &table))
        return EXIT_DONE;
    *run = wants_run(cli, args);
    if (!*run && !cli->json)
        printf("It is left as it is. To run it: argil run %s\n", name);
    return EXIT_DONE;
}

static int remove_table(struct cli *cli, struct store *store, const struct args *args)
{
    struct err err = {0};
    if (!args_has(args, "yes")) {
        err_set(&err, ERR_APPROVAL, "deleting \"%s\" deletes its rows here (nothing in Salesforce)",
                args->words[1]);
        err_hint(&err, "add --yes to do it");
        return cli_fail(cli, &err);
    }
    if (store->does->table_delete(store, args->words[1], &err) != OK)
        return cli_fail(cli, &err);
    printf("Deleted table \"%s\".\n", args->words[1]);
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    bool two = args->word_count == 2;
    if (text_eq(verb, "restore") && args->word_count == 3)
        return table_restore(cli, args);
    bool writes = text_eq(verb, "auto-update") || text_eq(verb, "delete") ||
                  text_eq(verb, "tidy") || args_has(args, "restore");
    struct store *store = cli_store_open(cli, writes);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    bool waiting = false;
    int rc;
    if (text_eq(verb, "list") && args->word_count == 1)
        rc = list(cli, store, arena);
    else if (text_eq(verb, "show") && two)
        rc = show(cli, store, arena, args->words[1]);
    else if (text_eq(verb, "export") && two)
        rc = recipe(cli, store, arena, args->words[1]);
    else if (text_eq(verb, "delete") && two)
        rc = remove_table(cli, store, args);
    else if (text_eq(verb, "dedupe") && two)
        rc = table_dedupe(cli, store, arena, args);
    else if (text_eq(verb, "tidy") && two)
        rc = table_tidy(cli, store, arena, args);
    else if (text_eq(verb, "history") && args->word_count == 3)
        rc = table_history(cli, store, arena, args);
    else if (text_eq(verb, "versions") && args->word_count > 1)
        rc = table_versions(cli, store, arena, args);
    else if (text_eq(verb, "auto-update") && args->word_count == 3 &&
             (text_eq(args->words[2], "on") || text_eq(args->words[2], "off")))
        rc = set_auto_update(cli, store, arena, args, &waiting);
    else if (text_eq(verb, "graph") && two)
        rc = show_graph(cli, store, arena, args->words[1], args_has(args, "dot"));
    else
        rc = cli_usage(cli, &command_table, "what about the table?");
    arena_free(arena);
    store->does->close(store);
    return waiting && rc == EXIT_DONE ? run_waiting(cli, args->words[1]) : rc;
}

static const struct cli_option options[] = {
    {"recipe", 0, NULL, "with export: as a recipe (the only form so far)"},
    {"yes", 'y', NULL, "really delete"},
    {"dot", 0, NULL, "with graph: for Graphviz"},
    {"run-waiting", 0, NULL, "with auto-update on: run what has come meanwhile"},
    {"leave", 0, NULL, "with auto-update on: leave it (what is done when nobody says)"},
    {"column", 0, "NAME", "with history: of this column's cell alone"},
    {"dry-run", 'n', NULL, "with restore and tidy: only show what would change"},
    {"restore", 0, "ROW|all", "with dedupe: a merged row (its number) is live again"},
    {0},
};

const struct command command_table = {
    .name = "table",
    .summary = "list, show, export, switch or delete tables",
    .words = "list | show NAME | graph NAME | export NAME | auto-update NAME on|off | delete NAME |"
             " dedupe NAME | tidy NAME | history NAME ROW | versions NAME [NUMBER] |"
             " restore NAME NUMBER",
    .about = "`export` prints the recipe as it was applied. `graph` says who reads whom, what is\n"
             "computed first first; --dot for Graphviz.\n\n"
             "  argil table graph accounts --dot | dot -Tsvg > accounts.svg\n\n"
             "With auto-update off, new and changed rows are still imported and their columns wait;\n"
             "switching it on lists what waits and asks whether to run it.\n\n"
             "`dedupe` lists the rows that the recipe's auto_dedupe merged into others; one comes back\n"
             "by its number. `tidy` takes away, now, the rows that auto_delete means; it also does so when\n"
             "a run ends. `history` says what became of a row (its number or key), where the recipe\n"
             "keeps history. `versions` lists what the table was at each change, `restore` makes it\n"
             "that again:\n\n"
             "  argil table dedupe accounts --restore 17\n"
             "  argil table restore accounts 3 --dry-run",
    .min_words = 1,
    .max_words = 3,
    .options = options,
    .far = true,
    .run = run,
};
