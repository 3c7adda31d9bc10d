/* cmd_alert.c - `argil alert`: what argil had to tell, and where it tells it. */
#include "cli/cli.h"

#include "base/str.h"
#include "engine/alerts.h"

#include <string.h>

static int list(struct cli *cli, const struct args *args)
{
    static const char *const headings[] = {"id", "when", "kind", "times", "e-mail", "webhook",
                                           "seen", "what"};
    struct err err = {0};
    struct alert *alerts;
    size_t count;
    struct alert_query query = {.unseen = args_has(args, "unseen"), .limit = 200};
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (store->does->alerts->find(store, arena, &query, &alerts, &count, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else {
        struct grid *grid = grid_new(cli, headings, 8);
        for (size_t i = 0; i < count; i++)
            grid_row(grid, (const char *[]){arena_printf(arena, "%lld", (long long)alerts[i].id),
                                            arena_strdup(arena, when_text(alerts[i].at_ms)),
                                            alert_kind_name(alerts[i].kind),
                                            arena_printf(arena, "%lld", (long long)alerts[i].times),
                                            told_state_name(alerts[i].told[WAY_EMAIL].state),
                                            told_state_name(alerts[i].told[WAY_WEBHOOK].state),
                                            alerts[i].seen_ms ? "yes" : "no", alerts[i].subject});
        grid_print(grid);
    }
    arena_free(arena);
    store->does->close(store);
    return rc;
}

static int see(struct cli *cli, const char *word)
{
    struct err err = {0};
    char *end = NULL;
    long long id = strtoll(word, &end, 10);
    bool all = text_eq(word, "all");
    if (!all && (id < 1 || *end))
        return cli_usage(cli, &command_alert, "`seen` wants an alert's number, or all");
    struct store *store = cli_store_open(cli, true);
    if (!store)
        return cli->failed;
    enum status rc = store->does->alerts->see(store, all ? 0 : id, cli_account(), &err);
    store->does->close(store);
    return rc == OK ? EXIT_DONE : cli_fail(cli, &err);
}

/* ---------------------------------------------------------------- settings */

static int print_settings(const struct alert_settings *s)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    w.pretty = true;
    alert_settings_write(&w, s);
    puts(buf_text(&out));
    buf_free(&out);
    return EXIT_DONE;
}

/* "none" takes a setting away. */
static void take(const struct args *args, const char *name, const char **to)
{
    const char *given = args_get(args, name);
    if (given)
        *to = text_eq(given, "none") ? NULL : given;
}

static void take_emails(const struct args *args, struct arena *arena, struct alert_settings *s)
{
    bool fresh = true;
    for (size_t i = 0; i < args->set_count; i++) {
        if (!text_eq(args->set[i]->name, "email"))
            continue;
        if (fresh) {
            s->email = arena_array(arena, args->set_count + 1, sizeof *s->email);
            s->email_count = 0;
            fresh = false;
        }
        if (!text_eq(args->values[i], "none"))
            s->email[s->email_count++] = args->values[i];
    }
}

/* Who changes where alerts go proves who it is, in the web app or where the data is. */
static struct store *refuse(struct cli *cli)
{
    struct err err = {0};
    err_set(&err, ERR_INVALID, "`alert set` works on the data directory, and %s is a server", cli->url);
    err_hint(&err, "Change it in the web app, or run it on the server's machine.");
    cli_fail(cli, &err);
    cli->failed = EXIT_USAGE;
    return NULL;
}

static int settings(struct cli *cli, const struct args *args, bool change)
{
    struct err err = {0};
    struct alert_settings s;
    struct store *store = change && cli->url ? refuse(cli) : cli_store_open(cli, change);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (alert_settings_load(store, arena, &s, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else if (change) {
        take_emails(args, arena, &s);
        take(args, "from", &s.from);
        take(args, "server", &s.server);
        take(args, "user", &s.user);
        take(args, "password-secret", &s.password_secret);
        take(args, "ca-file", &s.ca_file);
        take(args, "webhook", &s.webhook);
        take(args, "authorization", &s.authorization);
        s.webhook_private = s.webhook && (s.webhook_private || args_has(args, "webhook-private"));
        if (!cli_number(cli, args, "failure-rate", &s.failure_rate))
            rc = EXIT_USAGE;
        else if (alert_settings_store(store, &s, &err) != OK ||
                 store->does->audit_add(store, cli_account(), "alert settings changed", NULL,
                                        &err) != OK)
            rc = cli_fail(cli, &err);
    }
    if (rc == EXIT_DONE && (!change || !cli->quiet))
        print_settings(&s);
    arena_free(arena);
    store->does->close(store);
    return rc;
}

/* ----------------------------------------------------------------- sending */

static int print_sent(struct cli *cli, const struct alerts_looked *looked,
                      const struct alerts_delivered *sent)
{
    if (cli->json)
        printf("{\"raised\":%lld,\"repeated\":%lld,\"sent\":%lld,\"waiting\":%lld,"
               "\"failed\":%lld}\n",
               (long long)looked->raised, (long long)looked->repeated, (long long)sent->sent,
               (long long)sent->waiting, (long long)sent->failed);
    else
        printf("%lld new alert%s; %lld sent, %lld will be tried again, %lld failed.\n",
               (long long)looked->raised, looked->raised == 1 ? "" : "s", (long long)sent->sent,
               (long long)sent->waiting, (long long)sent->failed);
    return sent->failed ? EXIT_FAILED : sent->waiting ? EXIT_LATER : EXIT_DONE;
}

/* A look and what waits; with `test` a test alert instead of the look. */
static int check(struct cli *cli, bool test)
{
    struct err err = {0};
    struct alerts_looked looked = {0};
    struct alerts_delivered sent;
    struct alert alert;
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    enum status rc = test ? alerts_test(&open->engine, &alert, &err)
                          : alerts_look(&open->engine, &looked, &err);
    looked.raised += test;
    if (rc == OK)
        rc = alerts_deliver(&open->engine, NULL, &sent, &err);
    int code = rc == OK ? print_sent(cli, &looked, &sent) : cli_fail(cli, &err);
    cli_engine_close(open);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    if (text_eq(verb, "seen") && args->word_count == 2)
        return see(cli, args->words[1]);
    if (args->word_count != 1)
        return cli_usage(cli, &command_alert, "`%s` takes no further word", verb);
    if (text_eq(verb, "list"))
        return list(cli, args);
    if (text_eq(verb, "settings") || text_eq(verb, "set"))
        return settings(cli, args, text_eq(verb, "set"));
    if (text_eq(verb, "check") || text_eq(verb, "test"))
        return check(cli, text_eq(verb, "test"));
    return cli_usage(cli, &command_alert, "list, seen, settings, set, test or check");
}

static const struct cli_option options[] = {
    {"unseen", 0, NULL, "with list: those that nobody has seen"},
    {"email", 0, "ADDRESS", "with set: who gets e-mail; may be given several times"},
    {"from", 0, "ADDRESS", "with set: the sender"},
    {"server", 0, "URL", "with set: smtp://HOST:587 (STARTTLS) or smtps://HOST"},
    {"user", 0, "NAME", "with set: of the mail server"},
    {"password-secret", 0, "NAME", "with set: the secret that holds its password"},
    {"ca-file", 0, "FILE", "with set: certificates to trust beside the system's"},
    {"webhook", 0, "URL", "with set: gets each alert as JSON"},
    {"authorization", 0, "TEXT", "with set: its header, such as Bearer {{secret:hook}}"},
    {"webhook-private", 0, NULL, "with set: it may be a private address and http://"},
    {"failure-rate", 0, "PERCENT", "with set: where a recipe names none; 0 = never"},
    {0},
};

const struct command command_alert = {
    .name = "alert",
    .summary = "what argil had to tell, and where it tells it",
    .words = "list | seen ID|all | settings | set | test | check",
    .about =
        "Alerts tell of runs that fail, tables that grow or stand still, a call budget that is\n"
        "used up, a connection that wants a sign-in, writes in doubt; each kind and table at\n"
        "most once in 30 minutes. `argil serve` looks and sends by itself; `check` does it once,\n"
        "for timers. A table's own limits are in its recipe, under `alerts`.\n\n"
        "  argil secret set mail\n"
        "  argil alert set --email ann@example.com --from argil@example.com \\\n"
        "    --server smtp://mail.example.com:587 --user argil --password-secret mail\n"
        "  argil alert test\n\n"
        "`none` takes a setting away.",
    .min_words = 1,
    .max_words = 2,
    .options = options,
    .far = true,
    .run = run,
};
