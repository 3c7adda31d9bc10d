/* cmd_connection.c - `argil connection`: list, show and remove connections. */
#include "cli/cli.h"

#include "base/str.h"

static int list(struct cli *cli, struct store *store)
{
    struct err err = {0};
    struct arena *arena = arena_new();
    struct connection *all = NULL;
    size_t count = 0;
    int rc = EXIT_DONE;
    static const char *const headings[] = {"name", "environment", "organization", "user", "status",
                                           "last used"};
    if (store->does->connection_list(store, arena, &all, &count, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else if (!count && !cli->json) {
        puts("No connection yet. Make one: argil connect NAME --client-id KEY");
    } else {
        struct grid *grid = grid_new(cli, headings, 6);
        for (size_t i = 0; i < count; i++)
            grid_row(grid, (const char *[]){all[i].name, all[i].environment,
                                            all[i].org_name ? all[i].org_name : all[i].org_id,
                                            all[i].username, all[i].status,
                                            ago(cli, all[i].last_used_ms)});
        grid_print(grid);
    }
    arena_free(arena);
    return rc;
}

static int show(struct cli *cli, struct store *store, const char *name)
{
    struct err err = {0};
    struct arena *arena = arena_new();
    struct connection c;
    int rc = EXIT_DONE;
    if (store->does->connection_get(store, arena, name, &c, &err) != OK) {
        rc = cli_fail(cli, &err);
        goto done;
    }
    static const char *const headings[] = {"what", "value"};
    struct grid *grid = grid_new(cli, headings, 2);
    const char *const rows[][2] = {
        {"name", c.name},           {"environment", c.environment},
        {"organization", c.org_id}, {"organization name", c.org_name},
        {"OAuth user", c.username}, {"instance", c.instance_url},
        {"login host", c.login_url}, {"scopes", c.scopes},
        {"status", c.status},       {"connected", when_text(c.connected_ms)},
        {"last used", when_text(c.last_used_ms)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        grid_row(grid, rows[i]);
    grid_print(grid);
done:
    arena_free(arena);
    return rc;
}

/* Revokes at Salesforce first; removing the local copy alone would leave the
 * grant alive. */
static int remove_connection(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    struct store *store = open->engine.store;
    struct connection c;
    int rc = EXIT_FAILED;
    if (store->does->connection_get(store, open->arena, args->words[1], &c, &err) != OK)
        goto failed;
    if (!args_has(args, "yes")) {
        err_set(&err, ERR_APPROVAL, "removing \"%s\" revokes its sign-in at Salesforce", c.name);
        err_hint(&err, "add --yes to do it");
        goto failed;
    }
    if (engine_disconnect(&open->engine, c.name, &err) != OK)
        goto failed;
    printf("Removed \"%s\" and revoked its sign-in.\n", c.name);
    rc = EXIT_DONE;
    goto done;
failed:
    rc = cli_fail(cli, &err);
done:
    cli_engine_close(open);
    return rc;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    if (text_eq(verb, "remove") && args->word_count == 2)
        return remove_connection(cli, args);
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    int rc;
    if (text_eq(verb, "list") && args->word_count == 1)
        rc = list(cli, store);
    else if (text_eq(verb, "show") && args->word_count == 2)
        rc = show(cli, store, args->words[1]);
    else
        rc = cli_usage(cli, &command_connection, "list, show NAME or remove NAME");
    store->does->close(store);
    return rc;
}

static const struct cli_option options[] = {
    {"yes", 'y', NULL, "really remove"},
    {0},
};

const struct command command_connection = {
    .name = "connection",
    .summary = "list, show or remove connections",
    .words = "list | show NAME | remove NAME",
    .about = "Removing revokes the grant at Salesforce and is refused while operations of the\n"
             "connection are open.",
    .min_words = 1,
    .max_words = 2,
    .options = options,
    .run = run,
};
