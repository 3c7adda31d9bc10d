/* cmd_connect.c - `argil connect`: sign in to an org, or sign in again.
 *
 * In the browser (connect_browser.c) unless another way was asked for
 * (connect_machine.c). A name that is there already is reconnected in place: what
 * the words leave open comes from the stored connection, the org must be the same,
 * another user is told of before it takes over. */
#include "cli/connect_pages.h"
#include "cli/connect_priv.h"

#include "base/str.h"

#include <string.h>

#define WAIT_MOST_S 600

const char *connect_callback(struct arena *arena, int port)
{
    return arena_printf(arena, "http://127.0.0.1:%d/callback", port);
}

/* ------------------------------------------------------------------- output */

static void print_json(const struct connection *c, const char *scopes_missing,
                       const struct user_change *change)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "connection", c->name);
    jw_kv_text(&w, "environment", c->environment);
    jw_kv_text(&w, "organization_id", c->org_id);
    jw_kv_text(&w, "organization", c->org_name);
    jw_kv_text(&w, "username", c->username);
    jw_kv_text(&w, "instance_url", c->instance_url);
    jw_kv_text(&w, "scopes", c->scopes);
    jw_kv_text(&w, "scopes_not_granted", scopes_missing);
    if (change->user_was)
        jw_kv_text(&w, "username_was", change->user_was);
    jw_end_object(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

static void say_connected(struct cli *cli, const struct connection *c, const char *scopes_asked,
                          const char *scopes_missing, const struct user_change *change)
{
    if (cli->json) {
        print_json(c, scopes_missing, change);
        return;
    }
    printf("Connected \"%s\" to %s, %s\n", c->name, c->org_name ? c->org_name : c->org_id,
           environment_text(cli, c->environment));
    printf("  organization  %s\n  OAuth user    %s\n  instance      %s\n  granted       %s\n"
           "  asked for     %s\n",
           c->org_id, c->username, c->instance_url, c->scopes ? c->scopes : "not told",
           scopes_asked);
    if (scopes_missing)
        printf("  not granted   %s (Setup, App Manager, the app, Edit, Selected OAuth Scopes)\n",
               scopes_missing);
    puts("Everyone who uses this workspace reads and writes as this user.\n"
         "Next: argil apply RECIPE.yaml");
}

/* What another user may change: told before, and after. */
static void say_change(const struct user_change *change, const struct connection *c)
{
    fprintf(stderr,
            "The OAuth user changes from %s to %s.\n"
            "  Other records may be visible: sharing decides for each user. The next full sync\n"
            "  shows which.\n",
            change->user_was, c->username);
    for (size_t i = 0; i < change->lacks.count; i++)
        fprintf(stderr, "  %s\n      %s\n", change->lacks.items[i].evidence,
                change->lacks.items[i].fix ? change->lacks.items[i].fix : "");
    if (!change->lacks.count)
        fprintf(stderr, "  What the tables need, this user may read and write.\n");
}

/* --------------------------------------------------------------------- words */

/* Wrong words, before anything is opened. */
static int words_check(struct cli *cli, const struct args *args)
{
    if (args_has(args, "access-token-file") && !args_get(args, "url"))
        return cli_usage(cli, &command_connect,
                         "--access-token-file wants --url, the instance URL");
    return connect_machine_check(cli, args, connect_way(args));
}

/* What is still missing when words, environment and the stored connection are read. */
static int wish_check(struct cli *cli, const struct args *args, const struct crm_signin *signin,
                      bool given_url)
{
    if (!args_has(args, "access-token-file") && signin->grant != CRM_GRANT_REFRESH &&
        !signin->client_id)
        return cli_usage(cli, &command_connect,
                         "--client-id is missing: the consumer key of your connected app "
                         "(Setup > App Manager > your app > Manage Consumer Details)");
    if (!given_url && args_has(args, "sandbox") && signin->grant != CRM_GRANT_REFRESH)
        return cli_usage(cli, &command_connect,
                         "--sandbox (Test Env) wants --url, the sandbox's My Domain "
                         "(https://NAME--SANDBOX.sandbox.my.salesforce.com): the generic "
                         "test.salesforce.com is refused for External Client Apps");
    return EXIT_DONE;
}

static enum status wish_fill(const struct args *args, struct cli_engine *open,
                             struct crm_signin *signin, bool *known, bool *given_url,
                             struct err *err)
{
    enum crm_grant way = connect_way(args);
    signin->grant = way;
    signin->client_id = cli_option_or(args, "client-id", "ARGIL_CLIENT_ID");
    signin->login_url = args_get(args, "url");
    signin->insecure_host = cli_option_or(args, "insecure-host", "ARGIL_INSECURE_HOST");
    signin->sandbox = args_has(args, "sandbox");
    if (!args_has(args, "access-token-file") &&
        (connect_secret(args_get(args, "client-secret-file"),
                        way == CRM_GRANT_REFRESH ? NULL : "ARGIL_CLIENT_SECRET",
                        &signin->client_secret, err) != OK ||
         connect_machine_fill(args, way, open->arena, signin, err) != OK))
        return FAIL;
    *known = false;
    if (engine_signin_recall(&open->engine, open->arena, args->words[0], signin, known, err) != OK)
        return FAIL;
    *given_url = signin->login_url != NULL;
    if (!signin->login_url)
        signin->login_url = "https://login.salesforce.com";
    return OK;
}

/* ----------------------------------------------------------------- ways in */

/* One call of the command. */
struct request {
    struct cli *cli;
    const struct args *args;
    struct cli_engine *open;
    struct crm_signin signin;
    int64_t port, wait_s; /* port -1 = not given */
    bool known;     /* the name is there already */
    bool given_url; /* by words or by what is stored */
    struct connect_browser *browser;
};

static enum status by_token(struct request *r, struct connection *connection,
                            struct crm_tokens *tokens, struct err *err)
{
    struct secret access = {0};
    enum status rc =
        connect_secret(args_get(r->args, "access-token-file"), "ARGIL_ACCESS_TOKEN", &access, err);
    if (rc == OK)
        rc = salesforce_connector.signin_token(r->cli->world, r->open->arena, &r->signin, &access,
                                               connection, tokens, err);
    secret_wipe(&access);
    return rc;
}

static bool is_local(const struct crm_signin *signin)
{
    return signin->insecure_host && text_starts(signin->login_url, "http://");
}

/* A localorg's app takes any loopback callback; a real one only what it lists. */
static int port_of(const struct request *r)
{
    if (r->port >= 0)
        return (int)r->port;
    return is_local(&r->signin) ? 0 : CONNECT_PORT;
}

static enum status by_browser(struct request *r, struct connection *connection,
                              struct crm_tokens *tokens, struct err *err)
{
    struct crm_signin *signin = &r->signin;
    struct connect_wish wish = {.name = r->args->words[0],
                                .host = signin->login_url,
                                .environment = signin->sandbox         ? "sandbox"
                                               : is_local(signin) ? "local" : "production",
                                .scopes = salesforce_connector.signin_scopes(CRM_GRANT_CODE),
                                .again = r->known};
    r->browser = connect_browser_start(r->cli, signin, &wish, port_of(r), err);
    if (!r->browser)
        return FAIL;
    connect_browser_invite(r->browser, !args_has(r->args, "no-browser"));
    return connect_browser_wait(r->browser, r->wait_s * 1000, r->open->arena, connection, tokens,
                                err);
}

static enum status come_in(struct request *r, struct connection *connection,
                           struct crm_tokens *tokens, struct err *err)
{
    if (args_has(r->args, "access-token-file"))
        return by_token(r, connection, tokens, err);
    if (r->signin.grant != CRM_GRANT_CODE)
        return salesforce_connector.signin_machine(r->cli->world, r->open->arena, &r->signin,
                                                   connection, tokens, err);
    return by_browser(r, connection, tokens, err);
}

/* ------------------------------------------------------------------ the whole */

/* Another user takes over only when somebody says so who knows what changes. */
static enum status accept_user(struct request *r, const struct connection *connection,
                               const struct crm_tokens *tokens, struct user_change *change,
                               struct err *err)
{
    struct engine *engine = &r->open->engine;
    enum status rc = engine_user_change(engine, r->open->arena, connection, tokens, change, err);
    if (rc == OK && change->user_was) {
        say_change(change, connection);
        if (!args_has(r->args, "yes")) {
            rc = err_set(err, ERR_APPROVAL, "\"%s\" is connected as %s; you signed in as %s",
                         connection->name, change->user_was, connection->username);
            err_hint(err, "Nothing was changed. Add --yes to let the new user take over, or sign in "
                          "as %s.", change->user_was);
        }
    }
    if (rc != OK)
        engine_give_back(engine, connection, tokens);
    return rc;
}

static int finish(struct request *r)
{
    struct err err = {0};
    struct connection connection = {0};
    struct crm_tokens tokens = {0};
    struct user_change change = {0};
    int rc = EXIT_DONE;
    enum status status = come_in(r, &connection, &tokens, &err);
    connection.name = r->args->words[0];
    connection.connector = "salesforce";
    if (status == OK)
        status = accept_user(r, &connection, &tokens, &change, &err);
    if (status == OK)
        status = engine_connect(&r->open->engine, &connection, &tokens, &err);
    const char *missing =
        salesforce_connector.signin_missing(r->open->arena, tokens.grant, connection.scopes);
    connect_browser_end(r->browser, &err, &connection, missing);
    if (status == OK)
        say_connected(r->cli, &connection, salesforce_connector.signin_scopes(tokens.grant),
                      missing, &change);
    else
        rc = cli_fail(r->cli, &err);
    crm_tokens_wipe(&tokens);
    return rc;
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct request r = {.cli = cli, .args = args, .port = -1, .wait_s = WAIT_MOST_S};
    if (!cli_number(cli, args, "port", &r.port) || !cli_number(cli, args, "wait", &r.wait_s))
        return EXIT_USAGE;
    if (r.port > 65535)
        return cli_usage(cli, &command_connect, "a port is 1 to 65535; 0 = any free one");
    if (r.wait_s > WAIT_MOST_S)
        return cli_usage(cli, &command_connect, "a sign-in is good for 600 seconds at most");
    int rc = words_check(cli, args);
    if (rc != EXIT_DONE)
        return rc;
    r.open = cli_engine_open(cli, true);
    if (!r.open)
        return cli->failed;
    if (wish_fill(args, r.open, &r.signin, &r.known, &r.given_url, &err) != OK)
        rc = cli_fail(cli, &err);
    else if ((rc = wish_check(cli, args, &r.signin, r.given_url)) == EXIT_DONE)
        rc = finish(&r);
    connect_signin_wipe(&r.signin);
    cli_engine_close(r.open);
    return rc;
}

static const struct cli_option options[] = {
    {"client-id", 0, "KEY", "consumer key of your connected app (or $ARGIL_CLIENT_ID)"},
    {"client-secret-file", 0, "FILE", "its secret, - for stdin (or $ARGIL_CLIENT_SECRET)"},
    {"url", 0, "URL", "the org's My Domain (default https://login.salesforce.com)"},
    {"sandbox", 0, NULL, "Test Env: the org must say that it is a sandbox"},
    {"insecure-host", 0, "HOST", "allow a localorg on 127.0.0.1, localhost or ::1 (or $ARGIL_INSECURE_HOST)"},
    {"port", 0, "PORT", "port of the callback URL (default 8461; any free one for a localorg)"},
    {"wait", 0, "SECONDS", "give up the browser sign-in after so long (default 600, the most)"},
    {"no-browser", 0, NULL, "print the page's address instead of opening a browser"},
    {"yes", 'y', NULL, "reconnect: let another user of the same org take over"},
    {"client-credentials", 0, NULL, "no browser: key and secret, as the app's Run As user"},
    {"jwt-key-file", 0, "FILE", "no browser: JWT bearer with this private key (PEM)"},
    {"username", 0, "USER", "with --jwt-key-file: the user to act as"},
    {"sfdx-auth-url-file", 0, "FILE", "no browser: the sfdx-auth-url of the sf program"},
    {"access-token-file", 0, "FILE", "use an access token that you have, - for stdin"},
    {0},
};

const struct command command_connect = {
    .name = "connect",
    .summary = "sign in to a Salesforce org and keep the sign-in, sealed",
    .words = "NAME",
    .about =
        "Opens the org's sign-in page (OAuth 2.0 web-server flow with PKCE, scopes\n"
        "`api refresh_token id openid profile`) and stores the tokens, sealed with the\n"
        "workspace's key. Production is expected unless --sandbox (Test Env) is given, and the\n"
        "org is asked which it is. With a name that is there already it reconnects in place:\n"
        "`argil connect prod` is enough. Another org is refused, another user shown first.\n\n"
        "  argil connect prod --client-id 3MVG9...\n"
        "  argil connect test --sandbox --url https://acme--uat.sandbox.my.salesforce.com \\\n"
        "      --client-id 3MVG9...\n"
        "  argil connect demo --url http://127.0.0.1:8460 --insecure-host 127.0.0.1 \\\n"
        "      --client-id ... (localorg)\n\n"
        "Integration users and servers come in without a browser, and stay:\n\n"
        "  argil connect prod --client-credentials --url https://acme.my.salesforce.com \\\n"
        "      --client-id 3MVG9... --client-secret-file secret\n"
        "  argil connect prod --jwt-key-file argil.key --username bot@acme.com \\\n"
        "      --url https://acme.my.salesforce.com --client-id 3MVG9...\n\n"
        "The app must list the exact callback URL that `argil connection callback-url` prints.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .run = run,
};
