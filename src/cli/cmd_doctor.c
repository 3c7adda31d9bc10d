/* cmd_doctor.c - `argil doctor`: what is wrong with a connection, an address or
 * an error, and who must click where. */
#include "cli/remote.h"

#include "base/str.h"
#include "engine/access.h"

#include <string.h>

static void print_json(const struct crm_findings *findings)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_array(&w);
    for (size_t i = 0; i < findings->count; i++) {
        const struct crm_finding *f = &findings->items[i];
        jw_object(&w);
        jw_kv_text(&w, "check", f->check);
        jw_kv_text(&w, "verdict", crm_verdict_name(f->verdict));
        jw_kv_text(&w, "evidence", f->evidence);
        jw_kv_text(&w, "cause", f->cause);
        jw_kv_text(&w, "fix", f->fix);
        jw_kv_text(&w, "who", f->who);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

static const char *colour_of(const struct cli *cli, enum crm_verdict verdict)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m", "\033[2m"};
    return cli->colour_out ? colours[verdict] : "";
}

static void print_one(const struct cli *cli, const struct crm_finding *f)
{
    printf("%s%-8s%s %-16s %s\n", colour_of(cli, f->verdict), crm_verdict_name(f->verdict),
           cli->colour_out ? "\033[0m" : "", f->check, f->evidence);
    if (f->cause)
        printf("         means: %s\n", f->cause);
    if (f->fix)
        printf("         fix:   %s\n", f->fix);
    if (f->who)
        printf("         who:   %s\n", f->who);
}

static int report(struct cli *cli, const struct crm_findings *findings)
{
    size_t counts[4] = {0};
    for (size_t i = 0; i < findings->count; i++)
        counts[findings->items[i].verdict]++;
    if (cli->json) {
        print_json(findings);
    } else {
        for (size_t i = 0; i < findings->count; i++)
            print_one(cli, &findings->items[i]);
        printf("\n%zu passed, %zu failed, %zu to look at, %zu unknown\n", counts[CRM_PASS],
               counts[CRM_FAILED], counts[CRM_WARN], counts[CRM_UNSURE]);
    }
    return counts[CRM_FAILED] ? EXIT_ATTENTION : EXIT_DONE;
}

/* ------------------------------------------------------------ three ways */

static int explain(struct cli *cli, const char *text)
{
    struct arena *arena = arena_new();
    struct crm_findings findings = {0};
    struct err err = {0};
    int rc = EXIT_DONE;
    salesforce_connector.doctor_text(arena, text, &findings);
    if (findings.count && cli->json) {
        print_json(&findings);
    } else if (findings.count) {
        printf("%s\n", findings.items[0].evidence);
        for (size_t i = 0; i < findings.count; i++) {
            const struct crm_finding *f = &findings.items[i];
            printf("\n%zu. %s\n   fix: %s\n", i + 1, f->cause, f->fix ? f->fix : "-");
            if (f->who)
                printf("   who: %s\n", f->who);
        }
    } else {
        err_set(&err, ERR_NOT_FOUND, "no known error is in that text");
        err_hint(&err, "Paste the error code, the JSON of the answer, or the whole address of "
                       "Salesforce's error page (it holds error= and error_description=).");
        rc = cli_fail(cli, &err);
    }
    arena_free(arena);
    return rc;
}

static int of_address(struct cli *cli, const struct args *args)
{
    struct arena *arena = arena_new();
    struct crm_findings findings = {0};
    struct connection connection = {.name = "doctor",
                                    .connector = "salesforce",
                                    .login_url = args->words[0],
                                    .client_id = args_get(args, "client-id")};
    salesforce_connector.doctor(cli->world, arena, &connection, NULL, NULL, 0, &findings);
    int rc = report(cli, &findings);
    arena_free(arena);
    return rc;
}

static int of_far_connection(struct cli *cli, const char *name)
{
    struct err err = {0};
    struct crm_findings findings = {0};
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    enum status rc = name ? OK : access_default(store, arena, &name, &err);
    if (rc == OK)
        rc = remote_doctor(cli, arena, name, &findings, &err);
    int code = rc == OK ? report(cli, &findings) : cli_fail(cli, &err);
    arena_free(arena);
    store->does->close(store);
    return code;
}

/* name NULL = the default one. */
static int of_connection(struct cli *cli, const char *name)
{
    struct err err = {0};
    struct crm_findings findings = {0};
    if (cli->url)
        return of_far_connection(cli, name);
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    enum status rc = name ? OK : access_default(open->engine.store, open->arena, &name, &err);
    if (rc == OK)
        rc = engine_doctor(&open->engine, open->arena, name, &findings, &err);
    progress_end(cli);
    int code = rc == OK ? report(cli, &findings) : cli_fail(cli, &err);
    cli_engine_close(open);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *text = args_get(args, "error"), *what = args->word_count ? args->words[0] : NULL;
    if (text && !what)
        return explain(cli, text);
    if (text)
        return cli_usage(cli, &command_doctor, "a connection, an address, or --error TEXT");
    if (!what)
        return of_connection(cli, NULL);
    if (strstr(what, "error=") || strstr(what, "RemoteAccessErrorPage"))
        return explain(cli, what);
    return strstr(what, "://") ? of_address(cli, args) : of_connection(cli, what);
}

static const struct cli_option options[] = {
    {"error", 0, "TEXT", "explain a pasted error, a code, or the address of an error page"},
    {"client-id", 0, "KEY", "with an address: does this org know the consumer key?"},
    {0},
};

const struct command command_doctor = {
    .name = "doctor",
    .summary = "find out why a connection fails, and who must click where",
    .words = "[NAME | URL | --error TEXT]",
    .about =
        "Checks the address, network, clock, app, token, user, scopes, API, limits, session\n"
        "policy, sign-in history, and the objects and fields that the tables need. Each line\n"
        "says what was seen; a failure adds what it means, the Setup page and whose job it is.\n"
        "Without words it looks at the default connection.\n\n"
        "  argil doctor prod\n"
        "  argil doctor https://acme.my.salesforce.com --client-id 3MVG9...\n"
        "  argil doctor --error 'https://.../RemoteAccessErrorPage.apexp?error=...'",
    .max_words = 1,
    .options = options,
    .far = true,
    .run = run,
};
