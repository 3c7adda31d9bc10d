/* cmd_contract.c - `argil contract`: what may be written to an org, field by field. */
#include "cli/cli.h"

#include "base/str.h"
#include "engine/contract.h"

#include <errno.h>
#include <string.h>

#define FILE_MOST (4 * 1024 * 1024)

struct contracting {
    struct cli *cli;
    const struct args *args;
    struct cli_engine *open;
    struct arena *arena;
};

static enum status read_text(struct contracting *c, const char *path, const char **out, size_t *len,
                             struct err *err)
{
    FILE *file = fopen(path, "re");
    char *text = arena_alloc(c->arena, FILE_MOST + 1);
    *out = "";
    *len = 0;
    if (!file)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    *len = fread(text, 1, FILE_MOST + 1, file);
    bool good = !ferror(file);
    fclose(file);
    if (!good || *len > FILE_MOST)
        return err_set(err, ERR_IO, "%s: %s", path, good ? "larger than 4 MB" : "cannot be read");
    if (memchr(text, 0, *len))
        return err_set(err, ERR_INVALID, "%s holds NUL bytes: it is no text", path);
    text[*len] = 0;
    *out = text;
    return OK;
}

static enum status find(struct contracting *c, const char *name, struct connection *connection,
                        struct contract_version *version, struct err *err)
{
    int64_t number = 0;
    struct store *store = c->open->engine.store;
    const char *given = args_get(c->args, "version");
    if (given)
        number = strtoll(given, NULL, 10);
    if (store->does->connection_get(store, c->arena, name, connection, err) != OK ||
        store->does->contracts->get(store, c->arena, connection->id, number, version, err) != OK) {
        if (err_is(err, ERR_NOT_FOUND))
            err_hint(err, "argil contract apply FILE makes one; without a contract the guards of the "
                          "tables' recipes rule alone.");
        return FAIL;
    }
    return OK;
}

/* -------------------------------------------------------------------- apply */

static void print_plan(struct cli *cli, const struct contract_plan *plan, bool dry_run)
{
    static const char *const headings[] = {"field", "was", "is"};
    struct grid *grid = grid_new(cli, headings, 3);
    for (size_t i = 0; i < plan->change_count; i++)
        grid_row(grid, (const char *[]){plan->changes[i].field, plan->changes[i].was,
                                        plan->changes[i].is});
    grid_print(grid);
    if (cli->json)
        return;
    if (dry_run)
        puts("Dry run: nothing was stored.");
    else if (plan->version)
        printf("Version %lld of the contract of \"%s\" holds from now on.\n",
               (long long)plan->version, plan->contract.connection);
    else
        printf("The contract of \"%s\" is as the file says; nothing to do.\n",
               plan->contract.connection);
}

static enum status apply_text(struct contracting *c, const char *path, const char *text,
                              struct err *err)
{
    struct contract_plan plan;
    err_list errors = {0};
    bool dry_run = args_has(c->args, "dry-run");
    enum status rc = contract_apply(&c->open->engine, c->arena, path, text,
                                    args_get(c->args, "ticket"), args_get(c->args, "note"),
                                    !args_has(c->args, "offline"), dry_run, &plan, &errors, err);
    progress_end(c->cli);
    if (rc == OK)
        print_plan(c->cli, &plan, dry_run);
    for (size_t i = 0; i < errors.len; i++)
        err_print(stderr, &errors.at[i], c->cli->colour_err);
    vec_free(&errors);
    return rc;
}

static enum status apply(struct contracting *c, struct err *err)
{
    const char *text;
    size_t len;
    return read_text(c, c->args->words[1], &text, &len, err) == OK
               ? apply_text(c, c->args->words[1], text, err)
               : FAIL;
}

/* contract import CONNECTION FILE.csv: the fields of a sheet in place of the contract's. */
static enum status import(struct contracting *c, struct err *err)
{
    const char *name = c->args->words[1], *path = c->args->words[2], *csv, *yaml;
    struct contract old = {.connection = name, .approve_above = -1};
    struct contract *stored = NULL;
    struct connection connection = {0};
    struct store *store = c->open->engine.store;
    size_t len;
    if (store->does->connection_get(store, c->arena, name, &connection, err) != OK ||
        contract_load(&c->open->engine, c->arena, connection.id, &stored, err) != OK ||
        read_text(c, path, &csv, &len, err) != OK ||
        contract_from_csv(c->arena, path, csv, len, stored ? stored : &old, &yaml, err) != OK)
        return FAIL;
    return apply_text(c, path, yaml, err);
}

/* ------------------------------------------------------------------ looking */

static enum status show(struct contracting *c, struct err *err)
{
    struct connection connection = {0};
    struct contract_version version;
    if (find(c, c->args->words[1], &connection, &version, err) != OK)
        return FAIL;
    if (!c->cli->json && !c->cli->quiet)
        fprintf(stderr, "version %lld, %s, by %s%s%s\n", (long long)version.version,
                when_text(version.at_ms), version.who, version.ticket ? ", ticket " : "",
                version.ticket ? version.ticket : "");
    fputs(version.text, stdout);
    return OK;
}

static enum status export(struct contracting *c, struct err *err)
{
    struct connection connection = {0};
    struct contract_version version;
    struct contract contract;
    err_list errors = {0};
    if (find(c, c->args->words[1], &connection, &version, err) != OK)
        return FAIL;
    enum status rc = contract_parse(c->arena, "contract", version.text, &contract, &errors, err);
    if (rc == OK)
        fputs(contract_csv(c->arena, &contract), stdout);
    vec_free(&errors);
    return rc;
}

static enum status history(struct contracting *c, struct err *err)
{
    static const char *const headings[] = {"version", "when", "who", "ticket", "note"};
    struct connection connection = {0};
    struct contract_version *versions = NULL;
    size_t count = 0;
    struct store *store = c->open->engine.store;
    if (store->does->connection_get(store, c->arena, c->args->words[1], &connection, err) != OK ||
        store->does->contracts->list(store, c->arena, connection.id, &versions, &count, err) != OK)
        return FAIL;
    struct grid *grid = grid_new(c->cli, headings, 5);
    for (size_t i = 0; i < count; i++)
        grid_row(grid, (const char *[]){
                           arena_printf(c->arena, "%lld", (long long)versions[i].version),
                           when_text(versions[i].at_ms), versions[i].who, versions[i].ticket,
                           versions[i].note});
    grid_print(grid);
    if (!count && !c->cli->json)
        puts("The connection has no contract: the guards of the tables' recipes rule alone.");
    return OK;
}

static enum status report(struct contracting *c, struct err *err)
{
    static const char *const headings[] = {"field",  "verdict", "direction", "status", "rule",
                                           "when",   "ticket",  "sensitivity", "written by"};
    struct connection connection = {0};
    struct contract *contract = NULL;
    struct contract_use *uses = NULL;
    size_t count = 0;
    struct store *store = c->open->engine.store;
    if (store->does->connection_get(store, c->arena, c->args->words[1], &connection, err) != OK ||
        contract_load(&c->open->engine, c->arena, connection.id, &contract, err) != OK ||
        contract_report(&c->open->engine, c->arena, connection.name, contract, &uses, &count, err) != OK)
        return FAIL;
    struct grid *grid = grid_new(c->cli, headings, 9);
    for (size_t i = 0; i < count; i++) {
        const struct contract_field *e = uses[i].entry;
        grid_row(grid, (const char *[]){
                           arena_printf(c->arena, "%s.%s", uses[i].object, uses[i].field),
                           uses[i].verdict,
                           !e ? NULL : e->reads && e->writes ? "both" : e->reads ? "read" : "write",
                           !e ? NULL : e->active ? "active" : "pending",
                           e ? contract_rule_name(e->rule) : NULL, e ? e->when : NULL,
                           e ? e->ticket : NULL, e ? e->sensitivity : NULL, uses[i].writers});
    }
    grid_print(grid);
    return OK;
}

/* --------------------------------------------------------------------- verbs */

static const struct {
    const char *name;
    size_t words;
    bool writes;
    enum status (*run)(struct contracting *, struct err *);
} verbs[] = {
    {"apply", 2, true, apply},     {"import", 3, true, import}, {"show", 2, false, show},
    {"export", 2, false, export},  {"history", 2, false, history}, {"report", 2, false, report},
};

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (!text_eq(verbs[i].name, args->words[0]) || verbs[i].words != args->word_count)
            continue;
        struct cli_engine *open = cli_engine_open(cli, verbs[i].writes);
        if (!open)
            return cli->failed;
        struct contracting c = {cli, args, open, open->arena};
        int code = verbs[i].run(&c, &err) == OK ? EXIT_DONE : cli_fail(cli, &err);
        cli_engine_close(open);
        return code;
    }
    return cli_usage(cli, &command_contract,
                     "apply FILE, import CONNECTION FILE.csv, or show, export, history or report "
                     "CONNECTION");
}

static const struct cli_option options[] = {
    {"dry-run", 'n', NULL, "with apply and import: check and show what changes, store nothing"},
    {"ticket", 0, "TEXT", "with apply and import: kept with the version"},
    {"note", 0, "TEXT", "with apply and import: why, kept with the version"},
    {"offline", 0, NULL, "with apply and import: do not ask the org whether objects and fields exist"},
    {"version", 0, "N", "with show and export: an older version"},
    {0},
};

const struct command command_contract = {
    .name = "contract",
    .summary = "what may be written to an org, field by field",
    .words = "apply FILE | import CONNECTION CSV | show|export|history|report CONNECTION",
    .about =
        "The field contract of a connection. With one, what it does not list is not written: by\n"
        "no table, column, run or undo. Rules: always, if_blank, if_ours, set_once, never; a\n"
        "field may be pending, and may ask for a condition of the record (a guard).\n\n"
        "  connection: prod\n"
        "  fields:\n"
        "    - { field: Account.Industry, rule: if_blank, ticket: OPS-112 }\n"
        "    - { field: Lead.Phone, status: pending, when: contactable }\n"
        "  guards: { contactable: \"HasOptedOutOfEmail = false\" }\n\n"
        "  argil contract apply prod.yaml --ticket OPS-112\n"
        "  argil contract export prod > prod.csv      # edit it as a sheet, then import it\n"
        "  argil contract report prod                 # for the auditor: who writes what",
    .min_words = 2,
    .max_words = 3,
    .options = options,
    .run = run,
};
