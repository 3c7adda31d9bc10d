/* cmd_serve.c - `argil serve`: the workspace as a server, until a signal or a
 * failure of the store ends it. */
#include "cli/cli.h"

#include "api/api.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <sys/resource.h>
#include <unistd.h>

#define GRACE_MS     20000
#define LOOK_EACH_MS 200
#define PEM_MAX      (256 * KIB)

struct serving {
    char *host, *cert;
    struct buf key; /* wiped once the server has it */
    int port;
};

/* "127.0.0.1:8470", "[::1]:0", ":8470" is not taken: say where. */
static enum status read_listen(const char *text, struct serving *serving, struct err *err)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    bool bracket = text[0] == '[';
    if (!colon || colon == text || !colon[1] || *end || port < 0 || port > 65535 ||
        (bracket && colon[-1] != ']')) {
        err_set(err, ERR_INVALID, "--listen wants an address and a port, not `%s`", text);
        err_hint(err, "for example 127.0.0.1:8470, [::1]:8470, or 0.0.0.0:8470 for every network");
        return FAIL;
    }
    serving->host = mem_strndup(text + bracket, (size_t)(colon - text) - 2 * (size_t)bracket);
    serving->port = (int)port;
    return OK;
}

static enum status read_pem(const char *path, struct buf *out, struct err *err)
{
    char piece[4096];
    size_t got;
    FILE *in = fopen(path, "r");
    if (!in)
        return err_set(err, ERR_IO, "cannot read %s: %m", path);
    *out = (struct buf)BUF_UP_TO(PEM_MAX);
    while ((got = fread(piece, 1, sizeof piece, in)) > 0)
        buf_append(out, piece, got);
    fclose(in);
    sodium_memzero(piece, sizeof piece);
    if (out->overflow || !out->len || !strstr(buf_text(out), "-----BEGIN"))
        return err_set(err, ERR_INVALID, "%s is no PEM file", path);
    return OK;
}

static enum status read_tls(const struct args *args, struct serving *serving, struct err *err)
{
    const char *cert = args_get(args, "tls-cert"), *key = args_get(args, "tls-key");
    struct buf text = BUF_INIT;
    if (!cert && !key)
        return OK;
    if (!cert || !key)
        return err_set(err, ERR_INVALID, "--tls-cert and --tls-key go together");
    if (read_pem(cert, &text, err) != OK || read_pem(key, &serving->key, err) != OK) {
        buf_free(&text);
        return FAIL;
    }
    serving->cert = buf_take(&text);
    return OK;
}

static bool is_loopback(const char *host)
{
    return text_starts(host, "127.") || text_eq(host, "::1") || text_eq(host, "localhost");
}

/* Passwords and cookies in clear across a network is not something to slip into. */
static enum status check_exposure(const struct args *args, const struct serving *serving,
                                  struct err *err)
{
    const char *url = args_get(args, "public-url");
    if (is_loopback(serving->host) || serving->cert)
        return OK;
    if (args_has(args, "behind-proxy") && url && text_starts(url, "https://"))
        return OK;
    err_set(err, "serve.exposed", "%s is open to the network, and what is sent is not encrypted",
            serving->host);
    err_hint(err, "give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that ends "
                  "TLS (--behind-proxy --public-url https://...)");
    return FAIL;
}

static void say_ready(struct cli *cli, const struct api *api)
{
    if (cli->json) {
        struct buf out = BUF_INIT;
        struct jw w;
        jw_init(&w, &out);
        jw_object(&w);
        jw_kv_text(&w, "url", api_url(api));
        jw_kv_text(&w, "setup_url", api_setup_url(api));
        jw_kv_int(&w, "port", api_port(api));
        jw_end_object(&w);
        puts(buf_text(&out));
        buf_free(&out);
    } else {
        printf("Argil serves %s\n", api_url(api));
        if (api_setup_url(api))
            printf("Nobody has an account yet. Make the first one, an admin, with this link; it\n"
                   "works until then or until the next start:\n\n  %s\n\n",
                   api_setup_url(api));
    }
    fflush(stdout);
}

static void wait_for_the_end(struct cli *cli, const struct api *api)
{
    while (!atomic_load(&cli->stop) && !api_broken(api))
        cli->world->sleep_ms(cli->world, LOOK_EACH_MS);
}

/* Event streams are connections: as many files as the system lets us have. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int serve(struct cli *cli, const struct args *args, struct serving *serving)
{
    struct err err = {0};
    mem_keep_freed();
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    struct api_options options = {.world = cli->world,
                                  .store = open->engine.store,
                                  .vault = open->engine.vault,
                                  .connectors = open->engine.connectors,
                                  .connector_count = open->engine.connector_count,
                                  .formula_worker = getenv("ARGIL_FORMULA_WORKER"),
                                  .data = cli->data,
                                  .allow_private_http = open->engine.allow_private_http,
                                  .host = serving->host,
                                  .port = serving->port,
                                  .public_url = args_get(args, "public-url"),
                                  .tls_cert = serving->cert,
                                  .tls_key = serving->cert ? buf_text(&serving->key) : NULL,
                                  .behind_proxy = args_has(args, "behind-proxy"),
                                  .shared = cli_shared(open->engine.store),
                                  .takes_jobs = !args_has(args, "no-jobs"),
                                  .lane_most = CLI_LANE_MOST,
                                  .calls_at_once = CLI_CALLS_MOST,
                                  .insecure_host = cli_option_or(args, "insecure-host",
                                                                 "ARGIL_INSECURE_HOST")};
    struct api *api = api_open(&options, &err);
    buf_wipe(&serving->key);
    if (!api) {
        int rc = cli_fail(cli, &err);
        cli_engine_close(open);
        return rc;
    }
    say_ready(cli, api);
    wait_for_the_end(cli, api);
    bool broken = api_broken(api);
    if (!cli->quiet)
        fprintf(stderr, "%s; finishing what is under way\n", broken ? "The store failed" : "Stopping");
    if (!api_close(api, GRACE_MS)) {
        fprintf(stderr, "Some jobs did not end in time; the journal knows how far they came.\n");
        fflush(NULL);
        _exit(broken ? EXIT_FAILED : EXIT_DONE);
    }
    cli_engine_close(open);
    return broken ? EXIT_FAILED : EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    struct serving serving = {0};
    struct err err = {0};
    const char *listen = args_get(args, "listen");
    int rc;
    if (log_get_level() > LOG_INFO && args_has(args, "log-requests"))
        log_set_level(LOG_INFO);
    log_set_json(args_has(args, "log-json"));
    raise_file_limit();
    if (read_listen(listen ? listen : "127.0.0.1:8470", &serving, &err) != OK ||
        read_tls(args, &serving, &err) != OK || check_exposure(args, &serving, &err) != OK) {
        cli_fail(cli, &err);
        rc = EXIT_USAGE;
    } else {
        rc = serve(cli, args, &serving);
    }
    free(serving.host);
    free(serving.cert);
    buf_wipe(&serving.key);
    return rc;
}

static const struct cli_option options[] = {
    {"listen", 0, "HOST:PORT", "where to listen (127.0.0.1:8470); port 0 takes a free one"},
    {"public-url", 0, "URL", "what people type, when it is not where it listens"},
    {"tls-cert", 0, "FILE", "certificate chain (PEM): serve HTTPS"},
    {"tls-key", 0, "FILE", "its key (PEM)"},
    {"behind-proxy", 0, NULL, "a proxy stands in front: trust its X-Forwarded-For"},
    {"insecure-host", 0, "HOST", "allow connecting a localorg on this loopback host (or $ARGIL_INSECURE_HOST)"},
    {"no-jobs", 0, NULL, "with PostgreSQL: leave runs and syncs to workers"},
    {"log-requests", 0, NULL, "a line a request on stderr, without query and headers"},
    {"log-json", 0, NULL, "log lines as JSON"},
    {0},
};

const struct command command_serve = {
    .name = "serve",
    .summary = "serve the workspace: web app, API, events, background jobs",
    .words = NULL,
    .about = "Serves until it gets SIGTERM or SIGINT, then finishes what is under way. It holds\n"
             "the data directory: other commands reach the workspace through it with --url.\n"
             "The first start prints a one-time link that makes the first account.\n\n"
             "  argil serve\n"
             "  argil serve --listen 0.0.0.0:8470 --tls-cert cert.pem --tls-key key.pem\n"
             "  argil serve --behind-proxy --public-url https://argil.example.com\n\n"
             "GET /healthz, /readyz and /metrics are for machines; /api/v1/ is the reference.",
    .min_words = 0,
    .max_words = 0,
    .options = options,
    .run = run,
};
