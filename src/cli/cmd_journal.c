/* cmd_journal.c - `argil journal`: every write, what became of it, and the
 * check that none is missing. */
#include "cli/cli.h"
#include "cli/journal_priv.h"

#include "base/str.h"

#include <string.h>

static uint32_t state_bits(const char *names)
{
    uint32_t bits = 0;
    while (names && *names) {
        char word[32];
        size_t len = strcspn(names, ",");
        enum op_state state;
        snprintf(word, sizeof word, "%.*s", (int)len, names);
        for (char *c = word; *c; c++)
            *c = *c == '-' || *c == '_' ? ' ' : *c;
        if (!op_state_parse(word, &state))
            return 0;
        bits |= 1u << state;
        names += len + (names[len] == ',');
    }
    return bits;
}

static int list(struct cli *cli, struct store *store, struct arena *arena, const struct args *args)
{
    struct err err = {0};
    struct op *ops = NULL;
    size_t count = 0;
    int64_t limit = 50;
    struct op_query query = {0};
    static const char *const headings[] = {"op",   "state",  "kind",    "object", "record",
                                           "mode", "tries",  "planned", "why"};
    if (!cli_number(cli, args, "limit", &limit))
        return EXIT_USAGE;
    query.limit = (size_t)limit;
    if (args_get(args, "state") && !(query.states = state_bits(args_get(args, "state"))))
        return cli_usage(cli, &command_journal,
                         "--state takes planned, sending, retry-safe, unknown, reconciling, "
                         "in-doubt, done, rejected, cancelled");
    if (args_get(args, "table")) {
        struct table table;
        if (store->does->table_get(store, arena, args_get(args, "table"), &table, &err) != OK)
            return cli_fail(cli, &err);
        query.table_id = table.id;
    }
    if (store->does->ops_list(store, arena, &query, &ops, &count, &err) != OK)
        return cli_fail(cli, &err);
    struct grid *grid = grid_new(cli, headings, 9);
    for (size_t i = 0; i < count; i++) {
        char id[32], attempt[16];
        snprintf(id, sizeof id, "%lld", (long long)ops[i].id);
        snprintf(attempt, sizeof attempt, "%d", ops[i].attempt);
        grid_row(grid, (const char *[]){id, op_state_name(ops[i].state), op_kind_name(ops[i].kind),
                                        ops[i].object,
                                        ops[i].result_id ? ops[i].result_id : ops[i].target_id,
                                        write_mode_name(ops[i].mode), attempt,
                                        when_text(ops[i].created_ms), ops[i].error_message});
    }
    grid_print(grid);
    if (count == (size_t)limit && !cli->json)
        printf("Only the first %s are shown; --limit shows more.\n", thousands(limit));
    return EXIT_DONE;
}

/* Conservation: every operation ever accepted is in exactly one state. */
static int check(struct cli *cli, struct store *store)
{
    struct err err = {0};
    struct op_counts counts = {0};
    int64_t sum = 0, lines = 0;
    static const char *const headings[] = {"state", "operations"};
    if (store->does->ops_count(store, 0, &counts, &err) != OK ||
        store->does->audit_verify(store, &lines, &err) != OK)
        return cli_fail(cli, &err);
    struct grid *grid = grid_new(cli, headings, 2);
    for (int s = 0; s <= OP_CANCELLED; s++) {
        char number[32];
        sum += counts.by_state[s];
        snprintf(number, sizeof number, "%lld", (long long)counts.by_state[s]);
        grid_row(grid, (const char *[]){op_state_name((enum op_state)s), number});
    }
    char total[32];
    snprintf(total, sizeof total, "%lld", (long long)counts.total);
    grid_row(grid, (const char *[]){"total accepted", total});
    grid_print(grid);
    if (sum != counts.total) {
        err_set(&err, "journal.not_conserved", "%lld operations were accepted, %lld are accounted for",
                (long long)counts.total, (long long)sum);
        return cli_fail(cli, &err);
    }
    if (!cli->json)
        printf("Every accepted operation is accounted for; the audit chain of %s lines holds.\n",
               thousands(lines));
    return counts.by_state[OP_IN_DOUBT] ? EXIT_ATTENTION : EXIT_DONE;
}

static int recover(struct cli *cli)
{
    struct err err = {0};
    struct run_report report = {0};
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    int rc = EXIT_DONE;
    if (journal_recover(&open->engine, &report, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else {
        progress_end(cli);
        printf("Recovered: %s created, %s adopted, %s updated, %s rejected, %s in doubt, "
               "%s to be sent again\n",
               thousands(report.created), thousands(report.adopted), thousands(report.updated),
               thousands(report.rejected), thousands(report.in_doubt), thousands(report.retrying));
        rc = report.in_doubt ? EXIT_ATTENTION : report.retrying ? EXIT_LATER : EXIT_DONE;
    }
    cli_engine_close(open);
    return rc;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    if (text_eq(verb, "recover"))
        return recover(cli);
    if (text_eq(verb, "show") && args->word_count == 2)
        return journal_show(cli, args);
    if (text_eq(verb, "doubts") && args->word_count == 1)
        return journal_doubts_list(cli, args);
    if (text_eq(verb, "resolve"))
        return journal_resolve_ops(cli, args);
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    int rc;
    if (text_eq(verb, "list"))
        rc = list(cli, store, arena, args);
    else if (text_eq(verb, "check"))
        rc = check(cli, store);
    else
        rc = cli_usage(cli, &command_journal,
                       "list, show OP, doubts, resolve OP, check or recover");
    arena_free(arena);
    store->does->close(store);
    return rc;
}

static const struct cli_option options[] = {
    {"state", 0, "STATES", "with list: only these, by comma: in-doubt,unknown,..."},
    {"table", 0, "NAME", "only of this table"},
    {"limit", 0, "N", "with list: how many (default 50)"},
    {"look", 0, NULL, "with show: ask the org now which records may be meant"},
    {"this-is", 0, "RECORD", "with resolve: this record is what was made"},
    {"send-again", 0, NULL, "with resolve: it does not exist, send it again"},
    {"give-up", 0, NULL, "with resolve: never mind"},
    {"later", 0, "TIME", "with resolve: ask me again in 30m, 4h, 2d"},
    {"all", 0, NULL, "with resolve: every operation in doubt; say how many with --count"},
    {"count", 0, "N", "with --all: how many you mean; another number changes nothing"},
    {"yes", 'y', NULL, "with --send-again: also where a record was found that may be it"},
    {0},
};

const struct command command_journal = {
    .name = "journal",
    .summary = "every write to Salesforce and what became of it",
    .words = "list | show OP | doubts | resolve OP | check | recover",
    .about = "A write whose answer was lost and that nothing can tell about is in doubt: `doubts` lists\n"
             "them, `show` is the card of one with its evidence and the records that may be meant,\n"
             "`resolve` is your answer:\n\n"
             "  argil journal resolve 17 --this-is 00Q5e000001abcdEAA\n\n"
             "`check` proves that every accepted operation is in exactly one state and that the\n"
             "audit chain is whole. `recover` settles what an earlier process left open.",
    .min_words = 1,
    .max_words = 2,
    .options = options,
    .far = true,
    .run = run,
};
