/* cmd_connection.c - `argil connection`: list connections, show what one can see,
 * remove one. */
#include "cli/cli.h"

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

static void show_stored(struct grid *grid, const struct connection *c)
{
    const char *const rows[][2] = {
        {"name", c->name},
        {"environment", c->environment},
        {"organization", c->org_id},
        {"organization name", c->org_name},
        {"OAuth user", c->username},
        {"instance", c->instance_url},
        {"login host", c->login_url},
        {"scopes", c->scopes},
        {"status", c->status},
        {"connected", when_text(c->connected_ms)},
        {"last used", when_text(c->last_used_ms)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        grid_row(grid, rows[i]);
}

static const char *joined(struct arena *arena, const struct crm_identity *who)
{
    const char *all = NULL;
    if (!who->permission_sets_known)
        return "not told to this user";
    for (size_t i = 0; i < who->permission_set_count; i++)
        all = all ? arena_printf(arena, "%s, %s", all, who->permission_sets[i])
                  : who->permission_sets[i];
    return all ? all : "none";
}

static void show_identity(struct grid *grid, struct arena *arena, const struct crm_identity *who)
{
    const char *const rows[][2] = {
        {"display name", who->display_name},
        {"e-mail", who->email},
        {"user active", who->active ? "yes" : "no"},
        {"profile", who->profile ? who->profile : "not told to this user"},
        {"licence", who->licence ? who->licence : "not told to this user"},
        {"integration user", who->integration_user ? "yes" : "no"},
        {"permission sets", joined(arena, who)},
        {"sandbox", who->sandbox ? "yes" : "no"},
        {"edition", who->edition},
        {"app installed", who->app_installed ? "yes" : "no"},
        {"scopes asked", who->scopes_asked},
        {"scopes not granted", who->scopes_missing ? who->scopes_missing : "none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        grid_row(grid, rows[i]);
}

static enum status show_counts(struct grid *grid, struct arena *arena, struct crm_session *session,
                               struct err *err)
{
    struct crm_access *all = NULL;
    size_t count = 0, readable = 0, creatable = 0, updatable = 0;
    if (session->does->access(session, arena, &all, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        readable += all[i].queryable;
        creatable += all[i].createable;
        updatable += all[i].updateable;
    }
    grid_row(grid, (const char *[]){"objects readable", arena_printf(arena, "%zu", readable)});
    grid_row(grid, (const char *[]){"objects creatable", arena_printf(arena, "%zu", creatable)});
    grid_row(grid, (const char *[]){"objects updatable", arena_printf(arena, "%zu", updatable)});
    return OK;
}

static enum status show_objects(struct cli *cli, struct arena *arena, struct crm_session *session,
                                struct err *err)
{
    static const char *const headings[] = {"object",    "label",     "readable",
                                           "creatable", "updatable", "deletable"};
    struct crm_access *all = NULL;
    size_t count = 0;
    if (session->does->access(session, arena, &all, &count, err) != OK)
        return FAIL;
    struct grid *grid = grid_new(cli, headings, 6);
    for (size_t i = 0; i < count; i++)
        grid_row(grid, (const char *[]){all[i].name, all[i].label, all[i].queryable ? "yes" : "no",
                                        all[i].createable ? "yes" : "no",
                                        all[i].updateable ? "yes" : "no",
                                        all[i].deletable ? "yes" : "no"});
    grid_print(grid);
    return OK;
}

static enum status show_fields(struct cli *cli, struct crm_session *session, const char *name,
                               struct err *err)
{
    static const char *const headings[] = {"field",     "label",     "type",
                                           "creatable", "updatable", "needed"};
    const struct crm_object *object = session->does->describe(session, name, err);
    if (!object)
        return FAIL;
    struct grid *grid = grid_new(cli, headings, 6);
    for (size_t i = 0; i < object->field_count; i++) {
        const struct crm_field *f = &object->fields[i];
        bool needed = f->createable && !f->nillable && !f->defaulted_on_create;
        grid_row(grid, (const char *[]){f->name, f->label, f->type, f->createable ? "yes" : "no",
                                        f->updateable ? "yes" : "no", needed ? "yes" : "no"});
    }
    grid_print(grid);
    return OK;
}

/* Stored facts, then what the org says now. A session may renew its token, so
 * it needs the workspace's lock. */
static enum status show_live(struct cli *cli, const struct args *args, struct cli_engine *open,
                             const struct connection *c, struct err *err)
{
    static const char *const headings[] = {"what", "value"};
    struct crm_identity who;
    struct crm_session *session = engine_session(&open->engine, c->name, err);
    enum status rc = FAIL;
    if (!session)
        return FAIL;
    if (args_has(args, "fields")) {
        rc = show_fields(cli, session, args_get(args, "fields"), err);
    } else if (args_has(args, "objects")) {
        rc = show_objects(cli, open->arena, session, err);
    } else {
        struct grid *grid = grid_new(cli, headings, 2);
        show_stored(grid, c);
        rc = session->does->identity(session, open->arena, &who, err);
        if (rc == OK) {
            show_identity(grid, open->arena, &who);
            rc = show_counts(grid, open->arena, session, err);
        }
        progress_end(cli);
        grid_print(grid);
    }
    session->does->close(session);
    return rc;
}

static int show(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct connection c;
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    int rc = EXIT_DONE;
    if (open->engine.store->does->connection_get(open->engine.store, open->arena, args->words[1],
                                                 &c, &err) != OK ||
        show_live(cli, args, open, &c, &err) != OK)
        rc = cli_fail(cli, &err);
    cli_engine_close(open);
    return rc;
}

/* Without the org and without the lock. */
static int show_offline(struct cli *cli, struct store *store, const char *name)
{
    static const char *const headings[] = {"what", "value"};
    struct err err = {0};
    struct connection c;
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (store->does->connection_get(store, arena, name, &c, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else {
        struct grid *grid = grid_new(cli, headings, 2);
        show_stored(grid, &c);
        grid_print(grid);
    }
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
    if (text_eq(verb, "show") && args->word_count == 2 && !args_has(args, "offline") && !cli->url)
        return show(cli, args);
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    int rc;
    if (text_eq(verb, "list") && args->word_count == 1)
        rc = list(cli, store);
    else if (text_eq(verb, "show") && args->word_count == 2)
        rc = show_offline(cli, store, args->words[1]);
    else
        rc = cli_usage(cli, &command_connection, "list, show NAME or remove NAME");
    store->does->close(store);
    return rc;
}

static const struct cli_option options[] = {
    {"objects", 0, NULL, "with show: every object and what the user may do with it"},
    {"fields", 0, "OBJECT", "with show: the object's fields that the user sees"},
    {"offline", 0, NULL, "with show: only what is stored here"},
    {"yes", 'y', NULL, "really remove"},
    {0},
};

const struct command command_connection = {
    .name = "connection",
    .summary = "list, show or remove connections",
    .words = "list | show NAME | remove NAME",
    .about =
        "`show` asks the org: user, profile, licence, permission sets, scopes granted and asked,\n"
        "and how many objects can be read, created and updated.\n\nRemoving revokes the grant at "
        "Salesforce and is refused while operations of the\n"
        "connection are open.",
    .min_words = 1,
    .max_words = 2,
    .options = options,
    .far = true,
    .run = run,
};
