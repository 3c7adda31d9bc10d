/* cmd_vault.c - `argil vault`: the key that seals every stored secret. */
#include "cli/cli.h"

#include "base/str.h"

static int rotate(struct cli *cli)
{
    struct err err = {0};
    size_t count = 0;
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    int rc = EXIT_DONE;
    if (engine_rotate(&open->engine, &count, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else if (cli->json) {
        printf("{\"sealed\":%zu}\n", count);
    } else {
        printf("New key in %s; %zu secret%s sealed under it.\n", vault_key_path(open->engine.vault),
               count, count == 1 ? "" : "s");
        puts("Keep a copy of the new key file apart from the data. Copies of the data made before\n"
             "still open with the old key: destroy that copy of the key when you destroy them.");
    }
    cli_engine_close(open);
    return rc;
}

static int where(struct cli *cli)
{
    struct err err = {0};
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct vault *vault = vault_open(store->workspace_id, false, &err);
    int rc = vault ? EXIT_DONE : cli_fail(cli, &err);
    if (vault)
        puts(vault_key_path(vault));
    vault_close(vault);
    store->does->close(store);
    return rc;
}

static int run(struct cli *cli, const struct args *args)
{
    if (text_eq(args->words[0], "rotate"))
        return rotate(cli);
    if (text_eq(args->words[0], "where"))
        return where(cli);
    return cli_usage(cli, &command_vault, "rotate or where");
}

const struct command command_vault = {
    .name = "vault",
    .summary = "change the key that seals stored sign-ins and secrets",
    .words = "rotate | where",
    .about = "`rotate` makes a new key, seals everything stored under it, and puts it in the old\n"
             "one's place; an interruption at any point loses nothing: run it again.\n"
             "`where` prints the place of the key file.",
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
