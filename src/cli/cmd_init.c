/* cmd_init.c - `argil init`: an empty workspace and its key. */
#include "cli/open_store.h"

/* --store was given: the data directory will name it, but not its password. */
static enum status check_address(struct cli *cli, struct err *err)
{
    if (!cli->store || !cli_store_has_password(cli->store))
        return OK;
    err_set(err, ERR_INVALID, "the address of the store holds a password, and would be kept in a file");
    err_hint(err, "Leave it out and give it by ~/.pgpass, PGPASSWORD or a service file of libpq.");
    return FAIL;
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct store *store = NULL;
    const char *name = args_get(args, "name") ? args_get(args, "name") : "workspace";
    if (check_address(cli, &err) != OK ||
        cli_workspace_open(cli, true, true, name, &store, &err) != OK)
        return cli_fail(cli, &err);
    if (cli->store && cli_store_keep_address(cli->data, cli->store, &err) != OK) {
        store->does->close(store);
        return cli_fail(cli, &err);
    }
    struct vault *vault = vault_open(store->workspace_id, true, &err);
    if (!vault) {
        store->does->close(store);
        return cli_fail(cli, &err);
    }
    if (cli->json)
        printf("{\"workspace\":\"%s\",\"data\":\"%s\",\"key\":\"%s\"}\n", store->workspace_id,
               cli->data, vault_key_path(vault));
    else if (!cli->quiet)
        printf("Workspace \"%s\" is ready in %s\n"
               "Its key is %s\n"
               "  Keep a copy of the key apart from backups of the data: without it the\n"
               "  stored sign-ins cannot be opened.\n"
               "Next: argil connect NAME --client-id KEY\n",
               store->workspace_name, cli->data, vault_key_path(vault));
    vault_close(vault);
    store->does->close(store);
    return EXIT_DONE;
}

static const struct cli_option options[] = {
    {"name", 0, "NAME", "what the workspace is called (default: workspace)"},
    {0},
};

const struct command command_init = {
    .name = "init",
    .summary = "make a workspace: its data directory and its key",
    .about = "Makes the data directory (only you can read it), an empty database in it, and\n"
             "the key that seals sign-ins, which is kept outside of it. Safe to repeat.\n"
             "With --store the workspace is in a PostgreSQL database, and the data directory\n"
             "names it: argil init --store postgresql://argil@db.acme.com/argil",
    .options = options,
    .run = run,
};
