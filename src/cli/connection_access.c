/* connection_access.c - who may build with a connection, which one is the default,
 * and the callback URL that its app must list. */
#include "cli/connect_priv.h"
#include "cli/connection_priv.h"
#include "cli/remote.h"

#include "base/str.h"
#include "base/vec.h"

/* On a server the server writes the audit, with the name of the token's owner. */
static enum status note(struct cli *cli, struct store *store, struct arena *arena,
                        const char *what, int64_t connection_id, size_t builders, struct err *err)
{
    if (cli->url)
        return OK;
    return store->does->audit_add(store, cli_account(), what,
                                  arena_printf(arena, "{\"connection\":%lld,\"builders\":%zu}",
                                               (long long)connection_id, builders),
                                  err);
}

/* ---------------------------------------------------------------- default */

static enum status say_default(struct cli *cli, struct store *store, struct arena *arena,
                               struct err *err)
{
    static const char *const headings[] = {"default"};
    struct connection *all = NULL;
    size_t count = 0;
    int64_t usual;
    const char *name = NULL;
    if (store->does->access->default_get(store, &usual, err) != OK ||
        store->does->connection_list(store, arena, &all, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        if (all[i].id == usual)
            name = all[i].name;
    if (!name && !cli->json) {
        puts(count == 1 ? "None is set; the only connection is meant where none is named."
                        : "None is set. Set one: argil connection default NAME");
        return OK;
    }
    struct grid *grid = grid_new(cli, headings, 1);
    if (name)
        grid_row(grid, &name);
    grid_print(grid);
    return OK;
}

static enum status set_default(struct cli *cli, struct store *store, struct arena *arena,
                               const char *name, struct err *err)
{
    struct connection c = {0};
    if (name && store->does->connection_get(store, arena, name, &c, err) != OK)
        return FAIL;
    if (store->does->access->default_set(store, c.id, err) != OK ||
        (!cli->url &&
         store->does->audit_add(store, cli_account(), "default connection",
                                arena_printf(arena, "{\"connection\":%lld}", (long long)c.id),
                                err) != OK))
        return FAIL;
    if (!cli->quiet)
        fprintf(stderr, name ? "\"%s\" is the default now. What is built keeps its own.\n"
                             : "No connection is the default now.%s\n",
                name ? c.name : "");
    return OK;
}

int connection_default(struct cli *cli, struct store *store, const struct args *args)
{
    struct err err = {0};
    struct arena *arena = arena_new();
    const char *name = args->word_count > 1 ? args->words[1] : NULL;
    enum status rc = name || args_has(args, "none") ? set_default(cli, store, arena, name, &err)
                                                    : say_default(cli, store, arena, &err);
    int code = rc == OK ? EXIT_DONE : cli_fail(cli, &err);
    arena_free(arena);
    return code;
}

/* ------------------------------------------------------------------ access */

typedef VEC(const char *) name_list;

static void drop(name_list *names, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < names->len; i++)
        if (!text_eq_nocase(names->at[i], name))
            names->at[kept++] = names->at[i];
    names->len = kept;
}

/* The list after --everyone, --allow and --deny, in the order they were given. */
static void change(const struct args *args, name_list *names)
{
    for (size_t i = 0; i < args->set_count; i++) {
        const char *option = args->set[i]->name;
        if (text_eq(option, "everyone"))
            names->len = 0;
        if (text_eq(option, "allow") || text_eq(option, "deny"))
            drop(names, args->values[i]);
        if (text_eq(option, "allow"))
            vec_push(names, args->values[i]);
    }
}

/* Denying the last one would open it to everybody: that must be said. */
static enum status check_opening(const struct args *args, size_t before, size_t after,
                                 struct err *err)
{
    if (after || !before || args_has(args, "everyone"))
        return OK;
    err_set(err, ERR_INVALID, "that leaves nobody on the list, and an empty list is open to all");
    err_hint(err, "--allow somebody else as well, or say --everyone");
    return FAIL;
}

static enum status access_run(struct cli *cli, struct store *store, struct arena *arena,
                              const struct args *args, name_list *names, struct err *err)
{
    static const char *const headings[] = {"may build"};
    const struct store_access *access = store->does->access;
    struct connection c;
    const char **now;
    size_t count;
    if (store->does->connection_get(store, arena, args->words[1], &c, err) != OK ||
        access->builders_get(store, arena, c.id, &now, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        vec_push(names, now[i]);
    if (args_has(args, "allow") || args_has(args, "deny") || args_has(args, "everyone")) {
        change(args, names);
        if (check_opening(args, count, names->len, err) != OK ||
            access->builders_set(store, c.id, names->at, names->len, err) != OK ||
            note(cli, store, arena, "access changed", c.id, names->len, err) != OK)
            return FAIL;
    }
    if (!names->len && !cli->json) {
        printf("Everybody who may build can build with \"%s\".\n", c.name);
        return OK;
    }
    struct grid *grid = grid_new(cli, headings, 1);
    for (size_t i = 0; i < names->len; i++)
        grid_row(grid, &names->at[i]);
    grid_print(grid);
    return OK;
}

int connection_access(struct cli *cli, struct store *store, const struct args *args)
{
    struct err err = {0};
    struct arena *arena = arena_new();
    name_list names = {0};
    enum status rc = access_run(cli, store, arena, args, &names, &err);
    int code = rc == OK ? EXIT_DONE : cli_fail(cli, &err);
    vec_free(&names);
    arena_free(arena);
    return code;
}

/* ------------------------------------------------------------ callback URL */

static enum status server_callback(struct cli *cli, struct arena *arena, const char **url,
                                   struct err *err)
{
    struct remote *remote = remote_open(cli, err);
    const struct json *answer = NULL;
    enum status rc =
        remote ? remote_call(remote, arena, "GET", "/callback-url", NULL, &answer, NULL, err) : FAIL;
    *url = json_get_text(answer, "callback_url");
    remote_close(remote);
    return rc;
}

int connection_callback_url(struct cli *cli, const struct args *args)
{
    static const char *const headings[] = {"callback_url", "scopes"};
    struct err err = {0};
    int64_t port = CONNECT_PORT;
    const char *url;
    if (!cli_number(cli, args, "port", &port))
        return EXIT_USAGE;
    if (port < 1 || port > 65535)
        return cli_usage(cli, cli->command, "a port is 1 to 65535");
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (cli->url && server_callback(cli, arena, &url, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else {
        if (!cli->url)
            url = connect_callback(arena, (int)port);
        if (cli->json) {
            struct grid *grid = grid_new(cli, headings, 2);
            grid_row(grid, (const char *[]){url,
                                            salesforce_connector.signin_scopes(CRM_GRANT_CODE)});
            grid_print(grid);
        } else {
            puts(url);
        }
    }
    arena_free(arena);
    return rc;
}
