/* main.c - the localorg program: read the options, start, say so, wait.
 *
 * Exit codes: 0 done, 1 it failed (the reason is on stderr), 2 the command
 * line was wrong. */
#include "localorg/rest/site.h"

#include "base/log.h"
#include "base/str.h"
#include "localorg/seed/load.h"
#include "localorg/seed/seed.h"
#include "localorg/soql/soql.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define PATHS_MAX  256

struct options {
    struct site_options site;
    char host[128];
    bool json, quiet, help;
    const char *paths[PATHS_MAX];
    size_t path_count;
};

static const char usage[] =
    "localorg - a Salesforce org on this machine\n"
    "\n"
    "  localorg serve [options]           start an org and answer until Ctrl-C\n"
    "  localorg load PATH... --data FILE  bring describe JSON, sf data tree files, CSV\n"
    "  localorg help [serve|load]         this text, or the options of a command\n"
    "  localorg version\n"
    "\n"
    "Start one now:  localorg serve\n"
    "Then look at:   http://127.0.0.1:8460/localorg/\n";

static const char serve_usage[] =
    "localorg serve - start an org and answer Salesforce's REST API until Ctrl-C\n"
    "\n"
    "  --listen HOST:PORT   where to answer (127.0.0.1:8460; port 0 picks a free one)\n"
    "  --data FILE          keep the org in this file; without it the org is gone at the end\n"
    "  --seed WHAT          what a new org holds: demo (1,000 accounts and more),\n"
    "                       accounts (the demo's accounts alone), developer-edition (the\n"
    "                       rows of a new Developer Edition), empty\n"
    "  --scale N            demo, accounts: so many times more (1)\n"
    "  --scenario FILE      users, policies, records, faults ... of a new org, as JSON\n"
    "  --latency MS         wait this long before every answer (0)\n"
    "  --rng-seed N         make tokens, ids and faults repeatable\n"
    "  --threads N          requests answered at the same time (16)\n"
    "  --no-gzip            never compress answers\n"
    "  --json               print one JSON line when ready: url, username, password,\n"
    "                       client_id, client_secret, access_token, organization_id\n"
    "  --quiet              print nothing but errors\n"
    "  --verbose            log to stderr\n"
    "\n"
    "Examples:\n"
    "  localorg serve --data org.db                        an org that stays\n"
    "  localorg serve --listen 127.0.0.1:0 --json          for a test: any port, one JSON line\n"
    "  SF_ACCESS_TOKEN=... sf org login access-token --instance-url http://127.0.0.1:8460\n";

static const char load_usage[] =
    "localorg load PATH... --data FILE - bring files of a real org into a local one\n"
    "\n"
    "  PATH   a describe (sf sobject describe --json), a tree file or plan (sf data export\n"
    "         tree), a CSV named after its object, or a directory of these\n"
    "  --data FILE   the org's file; made when there is none\n"
    "  --json        the report as JSON\n"
    "\n"
    "While localorg serve runs on that file, use instead:\n"
    "  curl -X POST 'http://127.0.0.1:8460/localorg/load?path=/some/dir'\n";

/* --- the command line --- */

static enum status wrong(struct err *err, const char *fmt, const char *what)
{
    return err_set(err, "usage", fmt, what);
}

static enum status read_number(const char *name, const char *text, long long min, long long max,
                               long long *out, struct err *err)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (!*text || *end || errno || *out < min || *out > max)
        return err_set(err, "usage", "%s wants a number from %lld to %lld, not \"%s\"", name, min,
                       max, text);
    return OK;
}

static enum status read_listen(struct options *o, const char *text, struct err *err)
{
    long long port;
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text)
        return wrong(err, "--listen wants HOST:PORT, such as 127.0.0.1:8460, not \"%s\"", text);
    size_t len = (size_t)(colon - text);
    if (text[0] == '[' && text[len - 1] == ']')
        text++, len -= 2;
    if (len >= sizeof o->host)
        return wrong(err, "the host of --listen is too long: %s", text);
    memcpy(o->host, text, len);
    o->host[len] = '\0';
    if (read_number("the port of --listen", colon + 1, 0, 65535, &port, err) != OK)
        return FAIL;
    o->site.host = o->host;
    o->site.port = (int)port;
    return OK;
}

static enum status read_value(struct options *o, const char *name, const char *value,
                              struct err *err)
{
    long long n;
    if (strcmp(name, "--listen") == 0)
        return read_listen(o, value, err);
    if (strcmp(name, "--data") == 0) {
        o->site.data = value;
    } else if (strcmp(name, "--scenario") == 0) {
        o->site.scenario = value;
    } else if (strcmp(name, "--seed") == 0) {
        o->site.seed = value;
    } else if (strcmp(name, "--scale") == 0) {
        if (read_number(name, value, 1, 10000, &n, err) != OK)
            return FAIL;
        o->site.scale = (int)n;
    } else if (strcmp(name, "--latency") == 0) {
        if (read_number(name, value, 0, 600000, &n, err) != OK)
            return FAIL;
        o->site.latency_ms = n;
    } else if (strcmp(name, "--threads") == 0) {
        if (read_number(name, value, 1, 512, &n, err) != OK)
            return FAIL;
        o->site.threads = (int)n;
    } else if (strcmp(name, "--rng-seed") == 0) {
        if (read_number(name, value, 0, INT64_MAX, &n, err) != OK)
            return FAIL;
        o->site.rng_seed = (uint64_t)n;
    }
    return OK;
}

static const char *const valued[] = {"--listen",   "--data",    "--seed",     "--scale",
                                     "--scenario", "--latency", "--rng-seed", "--threads"};
static const char *const flags[] = {"--json", "--quiet", "--verbose", "--help", "-h", "--no-gzip"};
#define COUNT(list) (sizeof(list) / sizeof *(list))

static bool listed(const char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

static void set_flag(struct options *o, const char *name)
{
    if (strcmp(name, "--json") == 0)
        o->json = true;
    else if (strcmp(name, "--quiet") == 0)
        o->quiet = true;
    else if (strcmp(name, "--no-gzip") == 0)
        o->site.no_gzip = true;
    else if (strcmp(name, "--verbose") == 0)
        log_set_level(LOG_INFO);
    else
        o->help = true;
}

static enum status unknown_option(const char *name, struct err *err)
{
    const char *all[COUNT(valued) + COUNT(flags)];
    memcpy(all, valued, sizeof valued);
    memcpy(all + COUNT(valued), flags, sizeof flags);
    err_set(err, "usage", "there is no option %s", name);
    const char *near = text_nearest(name, all, COUNT(all));
    if (near)
        err_hint(err, "did you mean %s?", near);
    return FAIL;
}

/* Options may be written --name value or --name=value, in any place. */
static enum status read_options(int argc, char **argv, struct options *o, struct err *err)
{
    for (int i = 0; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        const char *value = NULL;
        if (text_starts(argv[i], "--") && equals) {
            *equals = '\0';
            value = equals + 1;
        }
        if (argv[i][0] != '-') {
            if (o->path_count == PATHS_MAX)
                return wrong(err, "more than 256 paths: give a directory instead%s", "");
            o->paths[o->path_count++] = argv[i];
        } else if (listed(flags, COUNT(flags), argv[i])) {
            set_flag(o, argv[i]);
        } else if (!listed(valued, COUNT(valued), argv[i])) {
            return unknown_option(argv[i], err);
        } else if (!value && ++i == argc) {
            return wrong(err, "%s wants a value", argv[i - 1]);
        } else if (read_value(o, value ? argv[i] : argv[i - 1], value ? value : argv[i], err) !=
                   OK) {
            return FAIL;
        }
    }
    return OK;
}

/* --- serve --- */

static void print_ready_json(struct site *site, const struct session *admin)
{
    struct buf out = BUF_INIT;
    struct jw w;
    struct arena *arena = arena_new();
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "url", site->url);
    jw_kv_text(&w, "username", SEED_ADMIN_USERNAME);
    jw_kv_text(&w, "password", SEED_PASSWORD);
    jw_kv_text(&w, "client_id", DEMO_CLIENT_ID);
    jw_kv_text(&w, "client_secret", DEMO_CLIENT_SECRET);
    jw_kv_text(&w, "access_token", admin->token);
    jw_kv_text(&w, "organization_id", org_id18(site->org));
    jw_kv_text(&w, "enrichment_url",
               arena_printf(arena, "%s/localorg/enrich/companies", site->url));
    jw_end_object(&w);
    printf("%s\n", buf_text(&out));
    fflush(stdout);
    arena_free(arena);
    buf_free(&out);
}

static void print_ready(struct site *site, const struct session *admin)
{
    printf("localorg answers at %s (org %s, seed %s%s%s)\n"
           "\n"
           "  look at it       %s/localorg/\n"
           "  sign in as       %s, password %s\n"
           "  connected app    %s\n"
           "  its secret       %s\n"
           "  a token          %s\n"
           "\n"
           "Ctrl-C stops it.\n",
           site->url, org_id18(site->org), site->options.seed,
           site->options.data ? ", kept in " : "", site->options.data ? site->options.data : "",
           site->url, SEED_ADMIN_USERNAME, SEED_PASSWORD, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET,
           admin->token);
    fflush(stdout);
}

static int serve(struct options *o, struct err *err)
{
    sigset_t stop;
    struct session admin = {0};
    int signal_number;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before threads: they inherit it */
    signal(SIGPIPE, SIG_IGN);
    struct site *site = site_start(&o->site, err);
    if (!site)
        return EXIT_FAILURE;
    site_token(site, SEED_ADMIN_USERNAME, &admin);
    if (o->json)
        print_ready_json(site, &admin);
    else if (!o->quiet)
        print_ready(site, &admin);
    sigwait(&stop, &signal_number);
    site_stop(site);
    return EXIT_SUCCESS;
}

/* --- load --- */

static enum status open_for_load(const struct options *o, struct org **org, struct err *err)
{
    struct org_user admin;
    *org = org_open(&(struct org_options){.path = o->site.data, .world = world_real(), .seed = 1},
                    err);
    if (!*org)
        return FAIL;
    org_set_soql(*org, soql_compile);
    if (org_add_standard(*org, NULL, err) != OK)
        return FAIL;
    if (org_user_by_name(*org, SEED_ADMIN_USERNAME, &admin))
        return OK;
    return seed_org(*org, "empty", 1, 1, err);
}

static int load(struct options *o, struct err *err)
{
    struct org *org = NULL;
    struct load_report report = {0};
    if (!o->site.data || o->path_count == 0) {
        err_set(err, "usage",
                o->path_count ? "load needs --data FILE, the org to load into"
                              : "load needs at least one file or directory");
        err_hint(err, "localorg load describes/ data/ --data org.db");
        return EXIT_USAGE;
    }
    enum status rc = open_for_load(o, &org, err);
    if (rc == OK)
        rc = load_paths(org, o->paths, o->path_count, o->quiet || o->json ? NULL : stderr, &report,
                        err);
    if (rc == OK && o->json) {
        struct buf out = BUF_INIT;
        struct jw w;
        jw_init(&w, &out);
        load_report_json(&w, &report);
        printf("%s\n", buf_text(&out));
        buf_free(&out);
    } else if (rc == OK) {
        load_report_print(stdout, &report);
    }
    load_report_free(&report);
    org_close(org);
    return rc == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- the door --- */

static int complain(const struct err *err, const char *command, int code)
{
    err_print(stderr, err, isatty(STDERR_FILENO));
    if (strcmp(err->code, "usage") == 0) {
        fprintf(stderr, "Try: localorg help%s%s\n", command ? " " : "", command ? command : "");
        return EXIT_USAGE;
    }
    return code;
}

static int help_on(const char *topic)
{
    if (topic && strcmp(topic, "serve") == 0)
        fputs(serve_usage, stdout);
    else if (topic && strcmp(topic, "load") == 0)
        fputs(load_usage, stdout);
    else
        fputs(usage, stdout);
    return EXIT_SUCCESS;
}

static int run(const char *command, struct options *o, struct err *err)
{
    if (strcmp(command, "serve") == 0) {
        if (o->path_count == 0)
            return serve(o, err);
        wrong(err, "serve takes options only, not \"%s\"", o->paths[0]);
        err_hint(err, "to load files: localorg load %s --data FILE", o->paths[0]);
        return EXIT_USAGE;
    }
    if (strcmp(command, "load") == 0)
        return load(o, err);
    static const char *const commands[] = {"serve", "load", "help", "version"};
    const char *near = text_nearest(command, commands, COUNT(commands));
    wrong(err, "there is no command \"%s\"", command);
    if (near)
        err_hint(err, "did you mean localorg %s?", near);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct err err = {{0}};
    struct options o = {.site = {.host = "127.0.0.1", .port = 8460, .seed = "demo", .scale = 1}};
    const char *command = argc > 1 ? argv[1] : "help";
    if (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0 ||
        strcmp(command, "-h") == 0)
        return help_on(argc > 2 ? argv[2] : NULL);
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        printf("localorg %s\n", ARGIL_VERSION);
        return EXIT_SUCCESS;
    }
    if (read_options(argc - 2, argv + 2, &o, &err) != OK)
        return complain(&err, command, EXIT_USAGE);
    if (o.help)
        return help_on(command);
    int code = run(command, &o, &err);
    return code == EXIT_SUCCESS ? code : complain(&err, NULL, code);
}
