/* cmd_gate.c - `argil gate`: what holds writes back until a person says so. */
#include "cli/cli.h"

#include "base/str.h"
#include "engine/gates.h"

struct gating {
    struct cli *cli;
    const struct args *args;
    struct cli_engine *open;
};

static const char *table_name(const struct table *tables, size_t count, const struct gate *gate,
                              const char **column)
{
    *column = NULL;
    for (size_t i = 0; i < count; i++) {
        if (tables[i].id != gate->table_id)
            continue;
        const struct column *of = table_column_by_id(&tables[i], gate->column_id);
        *column = of ? of->name : NULL;
        return tables[i].name;
    }
    return NULL; /* deleted since */
}

static int list(struct gating *g)
{
    static const char *const headings[] = {"table", "column", "kind", "state",
                                           "run",   "detail", "who",  "when"};
    struct store *store = g->open->engine.store;
    struct arena *arena = g->open->arena;
    struct err err = {0};
    struct gate *gates;
    struct table *tables;
    size_t count, table_count;
    if (store->does->gates->list(store, arena, 0, &gates, &count, &err) != OK ||
        store->does->table_list(store, arena, &tables, &table_count, &err) != OK)
        return cli_fail(g->cli, &err);
    if (!count && !g->cli->json) {
        puts("Nothing holds writes back.");
        return EXIT_DONE;
    }
    struct grid *grid = grid_new(g->cli, headings, 8);
    for (size_t i = 0; i < count; i++) {
        const char *column, *table = table_name(tables, table_count, &gates[i], &column);
        const char *run = gates[i].run_id
                              ? arena_printf(arena, "%lld", (long long)gates[i].run_id)
                              : NULL;
        if (table)
            grid_row(grid, (const char *[]){table, column, gates[i].kind, gates[i].state,
                                            run, gates[i].detail, gates[i].who,
                                            when_text(gates[i].at_ms)});
    }
    grid_print(grid);
    return EXIT_DONE;
}

typedef enum status decide_fn(struct engine *engine, const char *table, const char *of,
                              struct err *err);

static const struct {
    const char *name;
    decide_fn *decide;
    const char *done; /* with table and column or connection */
} verbs[] = {
    {"approve", gate_approve, "The rest of \"%s\".\"%s\" goes with its next run.\n"},
    {"stop", gate_stop, "\"%s\".\"%s\" writes nothing more until it is approved.\n"},
    {"unlock", gate_unlock, "\"%s\" may write to \"%s\".\n"},
};

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    const char *verb = args->words[0];
    size_t v = 0;
    while (v < sizeof verbs / sizeof *verbs && !text_eq(verbs[v].name, verb))
        v++;
    bool lists = text_eq(verb, "list") && args->word_count == 1;
    if (!lists && (v == sizeof verbs / sizeof *verbs || args->word_count != 3))
        return cli_usage(cli, &command_gate,
                         "list, approve TABLE COLUMN, stop TABLE COLUMN or unlock TABLE CONNECTION");
    struct cli_engine *open = cli_engine_open(cli, !lists);
    if (!open)
        return cli->failed;
    struct gating g = {cli, args, open};
    int rc = EXIT_DONE;
    if (lists)
        rc = list(&g);
    else if (verbs[v].decide(&open->engine, args->words[1], args->words[2], &err) != OK)
        rc = cli_fail(cli, &err);
    else if (cli->json)
        printf("{\"done\":\"%s\"}\n", verb);
    else
        printf(verbs[v].done, args->words[1], args->words[2]);
    cli_engine_close(open);
    return rc;
}

static const struct cli_option options[] = {{0}};

const struct command command_gate = {
    .name = "gate",
    .summary = "what holds writes back: canary batches, locks of tables built on a Test Env",
    .words = "list | approve TABLE COLUMN | stop TABLE COLUMN | unlock TABLE CONNECTION",
    .about =
        "With `guard: canary: 5` in its recipe a column writes the first 5 records of a large\n"
        "run and waits: look at them in Salesforce, then approve (the rest goes with the next\n"
        "run) or stop.\n\n"
        "A table that was built on a Test Env writes to no other org until it is unlocked,\n"
        "by its name and the connection's.\n\n"
        "  argil gate approve accounts \"Write back\"\n"
        "  argil gate unlock accounts prod",
    .min_words = 1,
    .max_words = 3,
    .options = options,
    .run = run,
};
