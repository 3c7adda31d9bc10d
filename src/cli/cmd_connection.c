/* cmd_connection.c - `argil connection`: its verbs; listing and removing. What one can
 * see is in connection_show.c, who may use it in connection_access.c. */
#include "cli/connection_priv.h"
#include "cli/remote.h"

#include "base/str.h"

static int list(struct cli *cli, struct store *store)
{
    struct err err = {0};
    struct arena *arena = arena_new();
    struct connection *all = NULL;
    size_t count = 0;
    int rc = EXIT_DONE;
    static const char *const headings[] = {"name", "environment", "organization",
                                           "user", "status",      "last used"};
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

/* ---------------------------------------------------------------- removing */

static enum status remove_far(struct cli *cli, const char *name, err_list *waiting,
                              struct err *err)
{
    struct arena *arena = arena_new();
    struct remote *remote = remote_open(cli, err);
    enum status rc =
        remote ? remote_call(remote, arena, "DELETE", remote_path(arena, "connections", name, NULL),
                             NULL, NULL, waiting, err)
               : FAIL;
    remote_close(remote);
    arena_free(arena);
    return rc;
}

static enum status remove_here(struct cli *cli, const char *name, err_list *waiting,
                               struct err *err)
{
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return FAIL; /* printed already */
    enum status rc = engine_disconnect(&open->engine, name, waiting, err);
    cli_engine_close(open);
    return rc;
}

/* Revokes at Salesforce first; removing the local copy alone would leave the
 * grant alive. */
static int remove_connection(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    const char *name = args->words[1];
    err_list waiting = {0};
    if (!args_has(args, "yes")) {
        err_set(&err, ERR_APPROVAL, "removing \"%s\" revokes its sign-in at Salesforce", name);
        err_hint(&err, "add --yes to do it");
        return cli_fail(cli, &err);
    }
    enum status rc = cli->url ? remove_far(cli, name, &waiting, &err)
                              : remove_here(cli, name, &waiting, &err);
    for (size_t i = 0; i < waiting.len; i++)
        fprintf(stderr, "  %s\n", waiting.at[i].message);
    vec_free(&waiting);
    if (rc != OK)
        return err.code[0] ? cli_fail(cli, &err) : cli->failed;
    printf("Removed \"%s\" and revoked its sign-in.\n", name);
    return EXIT_DONE;
}

/* ------------------------------------------------------------------- verbs */

static int wrong_words(struct cli *cli)
{
    return cli_usage(cli, &command_connection,
                     "list, show [NAME], default [NAME], access NAME, callback-url, "
                     "seal NAME OBJECT or remove NAME");
}

/* Those that need the store alone. */
static int run_stored(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    bool changes = args_has(args, "allow") || args_has(args, "deny") ||
                   args_has(args, "everyone") || args_has(args, "none") ||
                   (text_eq(verb, "default") && args->word_count == 2);
    struct store *store = cli_store_open(cli, changes);
    if (!store)
        return cli->failed;
    int rc;
    if (text_eq(verb, "list") && args->word_count == 1)
        rc = list(cli, store);
    else if (text_eq(verb, "default"))
        rc = connection_default(cli, store, args);
    else if (text_eq(verb, "access") && args->word_count == 2)
        rc = connection_access(cli, store, args);
    else
        rc = wrong_words(cli);
    store->does->close(store);
    return rc;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    if (text_eq(verb, "remove") && args->word_count == 2)
        return remove_connection(cli, args);
    if (text_eq(verb, "seal") && args->word_count == 3)
        return connection_seal(cli, args);
    if (text_eq(verb, "show") && args->word_count < 3)
        return connection_show(cli, args);
    if (text_eq(verb, "callback-url") && args->word_count == 1)
        return connection_callback_url(cli, args);
    return run_stored(cli, args);
}

static const struct cli_option options[] = {
    {"objects", 0, NULL, "with show: every object and what the user may do with it"},
    {"fields", 0, "OBJECT", "with show: the object's fields that the user sees"},
    {"offline", 0, NULL, "with show: only what is stored here"},
    {"allow", 0, "WHO", "with access: may build with it (a user's login, or an account of this machine)"},
    {"deny", 0, "WHO", "with access: takes WHO off the list"},
    {"everyone", 0, NULL, "with access: no list, open to everybody who may build"},
    {"none", 0, NULL, "with default: no connection is the default"},
    {"port", 0, "PORT", "with callback-url: of the listener (default 8461)"},
    {"dry-run", 'n', NULL, "with seal: only say what it would make"},
    {"yes", 'y', NULL, "really remove"},
    {0},
};

const struct command command_connection = {
    .name = "connection",
    .summary = "list and show connections, say who builds with them",
    .words = "list | show [NAME] | default [NAME] | access NAME | callback-url | seal NAME OBJECT | remove NAME",
    .about =
        "`show` asks the org: user, profile, licence, permission sets, scopes granted and asked,\n"
        "and what can be read, created and updated.\n\n"
        "`default` is the one that is meant where a recipe or a command names none; what is\n"
        "built keeps the one it was built with. `access` says who may build tables with it:\n"
        "an empty list is everybody. What is built runs for everybody.\n\n"
        "`callback-url` prints the exact address to list in the connected app.\n\n"
        "`seal` gives an object a unique key field (Argil_Key__c) and the permission to write\n"
        "it, so that a record is never made twice; what the user may not do is printed as\n"
        "clicks for an admin (exit code 3).\n\n"
        "Removing revokes the grant at Salesforce and is refused while operations of the\n"
        "connection are open: they are listed.\n\n"
        "  argil connection access prod --allow ann@acme.com --allow bob@acme.com",
    .min_words = 1,
    .max_words = 3,
    .options = options,
    .far = true,
    .run = run,
};
