/* open.c - from a data directory to a working engine, and from an error to an
 * exit code. */
#include "cli/open_store.h"
#include "cli/remote.h"

#include "base/str.h"

#include <pwd.h>
#include <unistd.h>

static const struct connector *const connectors[] = {&salesforce_connector};

int cli_fail(struct cli *cli, const struct err *err)
{
    static const struct {
        const char *code;
        int exit;
    } codes[] = {
        {ERR_RECIPE, EXIT_USAGE},           {"recipe.yaml", EXIT_USAGE},
        {ERR_CRM_LIMIT, EXIT_LATER},
        {ERR_CRM_UNREACHABLE, EXIT_LATER},  {ERR_STORE_LOCKED, EXIT_LATER},
        {ERR_STORE_LOST, EXIT_LATER},
        {ERR_CRM_RECONNECT, EXIT_SIGN_IN},  {ERR_CRM_NOT_ADMITTED, EXIT_SIGN_IN},
        {ERR_APPROVAL, EXIT_SIGN_IN},
        {ERR_STOPPED, EXIT_INTERRUPTED},
        {ERR_SERVER_GONE, EXIT_LATER},      {"work.busy", EXIT_LATER},
        {"work.closed", EXIT_LATER},        {"auth.needed", EXIT_SIGN_IN},
    };
    progress_end(cli);
    if (err->code[0] || err->message[0])
        err_print(stderr, err, cli->colour_err);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (err_is(err, codes[i].code))
            return cli->failed = codes[i].exit;
    return cli->failed = EXIT_FAILED;
}

const char *cli_account(void)
{
    const struct passwd *account = getpwuid(geteuid());
    return account && account->pw_name && *account->pw_name ? account->pw_name : "cli";
}

static void refuse_far(struct cli *cli)
{
    fprintf(stderr,
            "argil: `%s` works on the data directory, and %s is a server.\n"
            "  Run it on the server's machine while argil serve is stopped, or leave --url and\n"
            "  ARGIL_URL out.\n",
            cli->command->name, cli->url);
    cli->failed = EXIT_USAGE;
}

/* Beside the keys, so apart from the data directory. */
static char *seen_folder(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0] == '/')
        return mem_printf("%s/argil/seen", xdg);
    return home && home[0] == '/' ? mem_printf("%s/.config/argil/seen", home) : NULL;
}

enum status cli_workspace_open(struct cli *cli, bool write, bool create, const char *name,
                               struct store **out, struct err *err)
{
    char *seen = seen_folder();
    struct store_open options = {.data = cli->data,
                                 .name = name,
                                 .create = create,
                                 .read_only = !write,
                                 .seen = seen,
                                 .world = cli->world};
    enum status rc = cli_store_at(cli_store_address(cli), &options, out, err);
    free(seen);
    if (rc == OK && (*out)->found_copy)
        fprintf(stderr,
                "Note: %s.\n  Every connection is held: nothing is sent before it is known what\n"
                "  another copy has sent. See `argil store status`.\n",
                (*out)->found_copy);
    return rc;
}

bool cli_shared(const struct store *store)
{
    return !text_eq(store->does->name, "sqlite");
}

struct store *cli_store_open(struct cli *cli, bool write)
{
    struct store *store = NULL;
    struct err err = {0};
    if (cli->url && !cli->command->far) {
        refuse_far(cli);
        return NULL;
    }
    if (cli->url) {
        store = remote_store_open(cli, &err);
        if (!store)
            cli_fail(cli, &err);
        return store;
    }
    if (cli_workspace_open(cli, write, false, NULL, &store, &err) != OK) {
        cli_fail(cli, &err);
        return NULL;
    }
    return store;
}

struct cli_engine *cli_engine_open(struct cli *cli, bool write)
{
    struct err err = {0};
    if (cli->url) {
        refuse_far(cli);
        return NULL;
    }
    struct store *store = cli_store_open(cli, write);
    if (!store)
        return NULL;
    struct vault *vault = vault_open(store->workspace_id, false, &err);
    if (!vault) {
        cli_fail(cli, &err);
        store->does->close(store);
        return NULL;
    }
    struct cli_engine *open = mem_alloc(sizeof *open);
    open->arena = arena_new();
    open->engine = (struct engine){
        .world = cli->world,
        .store = store,
        .vault = vault,
        .http = http_client_new(cli->world, "argil/" ARGIL_VERSION),
        .formula = formula_engine_new(cli->world, getenv("ARGIL_FORMULA_WORKER")),
        .connectors = connectors,
        .connector_count = sizeof connectors / sizeof *connectors,
        .stop = &cli->stop,
        .actor = cli_account(),
        .data = cli->data,
        .local_files = true,
        .allow_private_http = getenv("ARGIL_ALLOW_PRIVATE_HTTP") != NULL,
    };
    progress_begin(cli, &open->engine.progress);
    return open;
}

void cli_engine_close(struct cli_engine *open)
{
    if (!open)
        return;
    engine_release(&open->engine);
    formula_engine_free(open->engine.formula);
    http_client_free(open->engine.http);
    vault_close(open->engine.vault);
    if (open->engine.store)
        open->engine.store->does->close(open->engine.store);
    arena_free(open->arena);
    free(open);
}
