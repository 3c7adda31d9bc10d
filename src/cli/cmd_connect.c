/* cmd_connect.c - `argil connect`: sign in to an org.
 *
 * In the browser unless another way was asked for (connect_machine.c). A loopback listener waits for the answer; state is compared in constant
 * time, the code is exchanged with its PKCE verifier, and the tokens are
 * sealed before they touch the disk. */
#include "cli/connect_priv.h"

#include "base/str.h"
#include "base/uri.h"
#include "http/server.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS (10 * 60 * 1000)

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t came;
    const char *state; /* expected */
    char code[1024];
    char error[128], description[512]; /* what the org said instead of a code */
    bool done;
};

static bool same_text(const char *a, const char *b)
{
    size_t len = strlen(a);
    return b && strlen(b) == len && !sodium_memcmp(a, b, len);
}

static void page(struct http_out *out, int status, const char *title, const char *text)
{
    out->status = status;
    buf_printf(&out->body,
               "<!doctype html><meta charset=utf-8><title>Argil</title>"
               "<body style=\"font:16px system-ui;margin:4em auto;max-width:32em\">"
               "<h1>%s</h1><p>%s</p>",
               title, text);
}

static void on_request(void *ctx, struct http_in *in, struct http_out *out)
{
    struct waiting *waiting = ctx;
    http_out_header(in, out, "Content-Type", "text/html; charset=utf-8");
    http_out_header(in, out, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    if (!text_eq(in->path, "/callback")) {
        page(out, 404, "Nothing here", "This address only waits for a Salesforce sign-in.");
        return;
    }
    struct uri_pair *pairs = uri_pairs(in->arena, in->query, in->query ? strlen(in->query) : 0);
    const char *code = uri_pair_get(pairs, "code");
    const char *error = uri_pair_get(pairs, "error");
    const char *description = uri_pair_get(pairs, "error_description");

    if (!same_text(waiting->state, uri_pair_get(pairs, "state"))) {
        page(out, 400, "Not ours",
             "This answer does not belong to the sign-in that Argil started. Nothing was stored.");
        return;
    }
    pthread_mutex_lock(&waiting->lock);
    snprintf(waiting->code, sizeof waiting->code, "%s", code ? code : "");
    snprintf(waiting->error, sizeof waiting->error, "%s", error ? error : "no code");
    snprintf(waiting->description, sizeof waiting->description, "%s",
             description ? description : "");
    waiting->done = true;
    pthread_cond_signal(&waiting->came);
    pthread_mutex_unlock(&waiting->lock);
    if (code)
        page(out, 200, "Signed in", "You can close this page and go back to the terminal.");
    else
        page(out, 200, "Salesforce refused", "The terminal explains why and what to do.");
}

/* Hands the URL to $BROWSER or xdg-open; false when neither works. */
static bool open_browser(const char *url)
{
    const char *browser = getenv("BROWSER");
    if (!browser || !*browser) {
        if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))
            return false;
        browser = "xdg-open";
    }
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            execlp(browser, browser, url, (char *)NULL);
            _exit(127);
        }
        _exit(0);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
    return child > 0;
}

static enum status wait_for_code(struct cli *cli, struct waiting *waiting, struct err *err)
{
    int64_t end = cli->world->monotonic_ms(cli->world) + WAIT_MS;
    pthread_mutex_lock(&waiting->lock);
    while (!waiting->done && !atomic_load(&cli->stop) &&
           cli->world->monotonic_ms(cli->world) < end) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 200 * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&waiting->came, &waiting->lock, &until);
    }
    bool done = waiting->done;
    pthread_mutex_unlock(&waiting->lock);
    if (atomic_load(&cli->stop))
        return err_set(err, ERR_STOPPED, "sign-in was interrupted; nothing was stored");
    if (!done) {
        err_set(err, ERR_TIMEOUT, "nobody finished the sign-in within ten minutes");
        err_cause(err, "The page was left open too long, or it showed an error of Salesforce's own "
                       "(OAUTH_APPROVAL_ERROR_GENERIC), which never comes back here.");
        err_hint(err, "If the page showed an error, copy the address of that page and run: argil "
                      "doctor --error 'ADDRESS'. Else run argil connect again.");
        return FAIL;
    }
    if (!waiting->code[0]) {
        err_set(err, "connect.signin_refused", "Salesforce refused the sign-in: %s%s%s",
                waiting->error, waiting->description[0] ? ": " : "", waiting->description);
        err_cause(err, "The org answered the sign-in page with an error instead of a code.");
        salesforce_connector.signin_explain(err, waiting->error, waiting->description);
        return FAIL;
    }
    return OK;
}

/* The browser part: a listener, a URL, a code. */
static enum status sign_in(struct cli *cli, struct cli_engine *open, struct crm_signin *signin,
                           int port, bool browser, struct connection *connection,
                           struct crm_tokens *tokens, struct err *err)
{
    const struct connector *crm = &salesforce_connector;
    struct waiting waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};
    struct http_server_options options = {
        .host = "127.0.0.1", .port = port, .threads = 1, .handler = on_request, .ctx = &waiting};
    enum status rc = FAIL;

    struct http_server *server = http_server_start(&options, err);
    if (!server) {
        err_hint(err, "another program uses port %d; choose one with --port", port);
        return FAIL;
    }
    signin->redirect_uri =
        arena_printf(open->arena, "http://127.0.0.1:%d/callback", http_server_port(server));
    if (crm->signin_begin(cli->world, open->arena, signin, err) != OK)
        goto done;
    waiting.state = signin->state;
    fprintf(stderr, "Callback URL (must be listed in the connected app): %s\n",
            signin->redirect_uri);
    if (!browser || !open_browser(signin->url))
        fprintf(stderr, "Open this page and sign in:\n\n  %s\n\n", signin->url);
    else
        fprintf(stderr, "Waiting for the sign-in in your browser...\n");
    if (wait_for_code(cli, &waiting, err) != OK)
        goto done;
    rc = crm->signin_finish(cli->world, open->arena, signin, waiting.code, connection, tokens, err);
done:
    http_server_stop(server, 1000);
    return rc;
}

static void say_connected(struct cli *cli, const struct connection *c)
{
    if (cli->json) {
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
        jw_end_object(&w);
        puts(buf_text(&out));
        buf_free(&out);
        return;
    }
    printf("Connected \"%s\" to %s (%s)\n", c->name, c->org_name ? c->org_name : c->org_id,
           c->environment);
    printf("  organization  %s\n  OAuth user    %s\n  instance      %s\n  scopes        %s\n",
           c->org_id, c->username, c->instance_url, c->scopes ? c->scopes : "");
    puts("Everyone who uses this workspace reads and writes as this user.\n"
         "Next: argil apply RECIPE.yaml");
}

/* Wrong words, before anything is opened; fills client id and login URL. */
static int words_check(struct cli *cli, const struct args *args, struct crm_signin *signin)
{
    enum crm_grant way = connect_way(args);
    bool by_token = args_has(args, "access-token-file");
    const char *url = args_get(args, "url");
    int rc = connect_machine_check(cli, args, way);
    if (rc != EXIT_DONE)
        return rc;
    signin->client_id = args_get(args, "client-id");
    if (!signin->client_id)
        signin->client_id = getenv("ARGIL_CLIENT_ID");
    signin->login_url = url ? url : "https://login.salesforce.com";
    if (!by_token && way != CRM_GRANT_REFRESH && !signin->client_id)
        return cli_usage(cli, &command_connect,
                         "--client-id is missing: the consumer key of your connected app "
                         "(Setup > App Manager > your app > Manage Consumer Details)");
    if (by_token && !url)
        return cli_usage(cli, &command_connect,
                         "--access-token-file wants --url, the instance URL");
    if (!url && args_has(args, "sandbox") && way != CRM_GRANT_REFRESH)
        return cli_usage(cli, &command_connect,
                         "--sandbox wants --url, the sandbox's My Domain "
                         "(https://NAME--SANDBOX.sandbox.my.salesforce.com)");
    return EXIT_DONE;
}

/* The way in that was asked for. */
static enum status come_in(struct cli *cli, const struct args *args, struct cli_engine *open,
                           struct crm_signin *signin, int port, struct connection *connection,
                           struct crm_tokens *tokens, struct err *err)
{
    enum crm_grant way = connect_way(args);
    struct secret access = {0};
    if (args_has(args, "access-token-file")) {
        enum status rc = connect_secret(args_get(args, "access-token-file"), "ARGIL_ACCESS_TOKEN",
                                        &access, err);
        if (rc == OK)
            rc = salesforce_connector.signin_token(cli->world, open->arena, signin->login_url,
                                                   &access, connection, tokens, err);
        secret_wipe(&access);
        return rc;
    }
    if (connect_secret(args_get(args, "client-secret-file"),
                       way == CRM_GRANT_REFRESH ? NULL : "ARGIL_CLIENT_SECRET",
                       &signin->client_secret, err) != OK ||
        connect_machine_fill(args, way, open->arena, signin, err) != OK)
        return FAIL;
    if (way != CRM_GRANT_CODE)
        return salesforce_connector.signin_machine(cli->world, open->arena, signin, connection,
                                                   tokens, err);
    return sign_in(cli, open, signin, port, !args_has(args, "no-browser"), connection, tokens, err);
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct connection connection = {.name = args->words[0], .connector = "salesforce"};
    struct crm_tokens tokens = {0};
    struct crm_signin signin = {0};
    int64_t port = 0;

    if (!cli_number(cli, args, "port", &port))
        return EXIT_USAGE;
    int rc = words_check(cli, args, &signin);
    if (rc != EXIT_DONE)
        return rc;
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    enum status status =
        come_in(cli, args, open, &signin, (int)port, &connection, &tokens, &err);
    connection.name = args->words[0];
    connection.connector = "salesforce";
    if (status == OK && args_has(args, "sandbox") &&
        text_eq(connection.environment, "production")) {
        status = err_set(&err, "connect.wrong_environment",
                         "%s says it is a production org, and --sandbox was asked for",
                         connection.org_id);
        err_hint(&err, "leave --sandbox out, or sign in to the sandbox's own My Domain");
    }
    if (status == OK)
        status = engine_connect(&open->engine, &connection, &tokens, &err);
    if (status == OK)
        say_connected(cli, &connection);
    else
        rc = cli_fail(cli, &err);
    connect_signin_wipe(&signin);
    crm_tokens_wipe(&tokens);
    cli_engine_close(open);
    return rc;
}

static const struct cli_option options[] = {
    {"client-id", 0, "KEY", "consumer key of your connected app (or $ARGIL_CLIENT_ID)"},
    {"client-secret-file", 0, "FILE", "its secret, - for stdin (or $ARGIL_CLIENT_SECRET)"},
    {"url", 0, "URL", "login host: My Domain, or a localorg (default login.salesforce.com)"},
    {"sandbox", 0, NULL, "insist that the org is a sandbox (Test Env)"},
    {"port", 0, "PORT", "port of the callback URL (default: any free one)"},
    {"no-browser", 0, NULL, "print the page's address instead of opening a browser"},
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
        "workspace's key. Repeating it reconnects in place; another org is refused.\n\n"
        "  argil connect prod --client-id 3MVG9...\n"
        "  argil connect test --sandbox --url https://acme--uat.sandbox.my.salesforce.com\n"
        "  argil connect demo --url http://127.0.0.1:8460 --client-id ... (localorg)\n\n"
        "Integration users and servers come in without a browser, and stay:\n\n"
        "  argil connect prod --client-credentials --url https://acme.my.salesforce.com \\\n"
        "      --client-id 3MVG9... --client-secret-file secret\n"
        "  argil connect prod --jwt-key-file argil.key --username bot@acme.com \\\n"
        "      --url https://acme.my.salesforce.com --client-id 3MVG9...\n\n"
        "The connected app needs the callback URL http://127.0.0.1:PORT/callback; fix the\n"
        "port with --port and list that exact URL in the app.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .run = run,
};
