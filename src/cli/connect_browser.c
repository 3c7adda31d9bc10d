/* connect_browser.c - `argil connect` in the browser: a listener on this machine,
 * a page that starts the sign-in and waits, and the answer.
 *
 *   /          the start page; sets the cookie of this sign-in
 *   /go        on to Salesforce, for the browser that has the cookie
 *   /callback  what Salesforce sends back; answered when the outcome is known
 *   /status    has it come? asked by the start page
 *   /result    the outcome, for the start page's own window
 *   /explain   what a pasted error means
 *
 * Only requests to exactly this host and port are heard, so that no other site
 * can name this address; a request with a foreign Origin is refused. */
#include "cli/connect_pages.h"
#include "cli/connect_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "base/uri.h"
#include "engine/signin.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct connect_browser {
    struct cli *cli;
    struct http_server *server;
    struct signin_flow *flow;
    struct connect_wish wish;
    char host[32];       /* "127.0.0.1:8461" */
    char origin[48];     /* "http://127.0.0.1:8461" */
    char cookie[32];     /* its name: cookies do not know ports */
    struct arena *arena; /* until the end */
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool answered;         /* the flow has an answer, or a refusal */
    struct http_in *held;  /* the callback request, to be answered at the end */
    struct http_out *held_out;
    bool over;             /* the outcome is known */
    struct err err;        /* "" = connected */
    struct crm_findings causes;
    struct connection connection; /* connected: texts on `arena` */
    const char *scopes_missing;
    bool watched, told; /* the start page asks for the outcome; it has seen it */
};

/* ------------------------------------------------------------------ replies */

static const char *cookie_of(const struct connect_browser *b, struct http_in *in)
{
    size_t len = strlen(b->cookie);
    const char *at = http_header_get(in->headers, "Cookie");
    while (at && *at) {
        at += strspn(at, "; ");
        size_t n = strcspn(at, ";");
        if (n > len && at[len] == '=' && strncmp(at, b->cookie, len) == 0)
            return arena_strndup(in->arena, at + len + 1, n - len - 1);
        at += n;
    }
    return NULL;
}

static void redirect(struct http_in *in, struct http_out *out, const char *to)
{
    out->status = 302;
    http_out_header(in, out, "Location", to);
    http_out_header(in, out, "Cache-Control", "no-store");
    http_out_header(in, out, "Referrer-Policy", "no-referrer");
}

static void refuse(struct connect_browser *b, struct http_in *in, struct http_out *out, int status,
                   const char *message, const char *hint)
{
    struct err err = {0};
    err_set(&err, "connect.callback", "%s", message);
    err_hint(&err, "%s", hint);
    log_warn("sign-in: refused a request: %s", message);
    page_refused(in, out, status, &err, NULL, b->wish.environment);
}

static void outcome_page(struct connect_browser *b, struct http_in *in, struct http_out *out)
{
    if (b->err.code[0])
        page_refused(in, out, 200, &b->err, &b->causes, b->wish.environment);
    else
        page_connected(in, out, &b->connection, b->scopes_missing);
}

/* ------------------------------------------------------------------- routes */

static void at_start(struct connect_browser *b, struct http_in *in, struct http_out *out)
{
    struct crm_findings generic = {0};
    unsigned char bytes[16];
    b->cli->world->random(b->cli->world, bytes, sizeof bytes);
    salesforce_connector.doctor_text(in->arena, "OAUTH_APPROVAL_ERROR_GENERIC", &generic);
    page_start(in, out, &b->wish, &generic, base64url_encode(in->arena, bytes, sizeof bytes));
    http_out_header(in, out, "Set-Cookie",
                    arena_printf(in->arena, "%s=%s; HttpOnly; SameSite=Lax; Path=/; Max-Age=600",
                                 b->cookie, signin_flow_cookie(b->flow)));
}

static void at_go(struct connect_browser *b, struct http_in *in, struct http_out *out)
{
    bool known = signin_flow_knows(b->flow, cookie_of(b, in));
    redirect(in, out, known ? signin_flow_url(b->flow) : "/");
}

static void causes_of(struct arena *arena, const struct uri_pair *query, struct crm_findings *out)
{
    struct buf text = BUF_INIT;
    const char *description = uri_pair_get(query, "error_description");
    if (!text_blank(uri_pair_get(query, "error"))) {
        uri_pair_add(&text, "error", uri_pair_get(query, "error"));
        uri_pair_add(&text, "error_description", description ? description : "");
        salesforce_connector.doctor_text(arena, buf_text(&text), out);
    }
    buf_free(&text);
}

/* Ours: the thread that waits goes on, and answers this request at the end. */
static void hold(struct connect_browser *b, struct http_in *in, struct http_out *out,
                 const struct err *err, const struct uri_pair *query)
{
    pthread_mutex_lock(&b->lock);
    b->held = in;
    b->held_out = out;
    b->answered = true;
    if (err) {
        b->err = *err;
        causes_of(b->arena, query, &b->causes);
    }
    http_later(in);
    pthread_cond_signal(&b->came);
    pthread_mutex_unlock(&b->lock);
}

static void at_callback(struct connect_browser *b, struct http_in *in, struct http_out *out)
{
    static const int statuses[] = {[SIGNIN_NOT_OURS] = 400,
                                   [SIGNIN_OTHER_BROWSER] = 403,
                                   [SIGNIN_USED] = 409,
                                   [SIGNIN_LATE] = 410,
                                   [SIGNIN_MALFORMED] = 400};
    struct err err = {0};
    struct uri_pair *query = uri_pairs(in->arena, in->query ? in->query : "",
                                       in->query ? strlen(in->query) : 0);
    enum signin_answer verdict = signin_flow_answer(b->flow, cookie_of(b, in), query, &err);
    if (verdict == SIGNIN_CODE)
        hold(b, in, out, NULL, query);
    else if (verdict == SIGNIN_REFUSED)
        hold(b, in, out, &err, query);
    else
        page_refused(in, out, statuses[verdict], &err, NULL, b->wish.environment);
}

static void at_status(struct connect_browser *b, struct http_in *in, struct http_out *out)
{
    pthread_mutex_lock(&b->lock);
    bool over = b->over;
    b->watched = true;
    pthread_mutex_unlock(&b->lock);
    out->status = 200;
    http_out_header(in, out, "Content-Type", "application/json");
    http_out_header(in, out, "Cache-Control", "no-store");
    buf_printf(&out->body, "{\"done\":%s}", over ? "true" : "false");
}

static void at_result(struct connect_browser *b, struct http_in *in, struct http_out *out)
{
    pthread_mutex_lock(&b->lock);
    bool over = b->over;
    b->told = b->told || over;
    pthread_cond_signal(&b->came);
    pthread_mutex_unlock(&b->lock);
    if (over)
        outcome_page(b, in, out);
    else
        redirect(in, out, "/");
}

static void at_explain(struct connect_browser *b, struct http_in *in, struct http_out *out)
{
    struct crm_findings causes = {0};
    struct uri_pair *form = uri_pairs(in->arena, buf_text(&in->body), in->body.len);
    const char *text = uri_pair_get(form, "text");
    salesforce_connector.doctor_text(in->arena, text ? text : "", &causes);
    page_explained(in, out, &causes, b->wish.environment);
}

static const struct {
    const char *method, *path;
    void (*run)(struct connect_browser *b, struct http_in *in, struct http_out *out);
} routes[] = {
    {"GET", "/", at_start},          {"GET", "/go", at_go},
    {"GET", "/callback", at_callback}, {"GET", "/status", at_status},
    {"GET", "/result", at_result},   {"POST", "/explain", at_explain},
};

/* Another site must not speak to this listener, nor under another name to it. */
static bool is_ours(struct connect_browser *b, struct http_in *in, struct http_out *out)
{
    const char *host = http_header_get(in->headers, "Host");
    const char *origin = http_header_get(in->headers, "Origin");
    if (!text_eq(host, b->host)) {
        refuse(b, in, out, 421, "this address answers to its own name only",
               "Open the address that argil connect prints.");
        return false;
    }
    if (origin && !text_eq(origin, b->origin)) {
        refuse(b, in, out, 403, "another site sent this request",
               "Open the address that argil connect prints, and sign in from there.");
        return false;
    }
    return true;
}

static void on_request(void *ctx, struct http_in *in, struct http_out *out)
{
    struct connect_browser *b = ctx;
    bool known = false;
    pthread_mutex_lock(&b->lock); /* start has filled in everything */
    pthread_mutex_unlock(&b->lock);
    if (!is_ours(b, in, out))
        return;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!text_eq(routes[i].path, in->path))
            continue;
        known = true;
        if (!text_eq(routes[i].method, in->method))
            continue;
        routes[i].run(b, in, out);
        return;
    }
    refuse(b, in, out, known ? 405 : 404, "this address only waits for a Salesforce sign-in",
           "Open the address that argil connect prints.");
}

/* ------------------------------------------------------------------- opening */

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

static void free_parts(struct connect_browser *b)
{
    signin_flow_free(b->flow);
    arena_free(b->arena);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->came);
    free(b);
}

struct connect_browser *connect_browser_start(struct cli *cli, const struct crm_signin *signin,
                                              const struct connect_wish *wish, int port,
                                              struct err *err)
{
    struct connect_browser *b = mem_alloc(sizeof *b);
    struct http_server_options options = {.host = "127.0.0.1",
                                          .port = port,
                                          .threads = 2,
                                          .max_body = 64 * KIB,
                                          .max_head = 32 * KIB,
                                          .handler = on_request,
                                          .ctx = b};
    struct crm_signin with = *signin; /* secrets lent */
    b->cli = cli;
    b->arena = arena_new();
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->came, NULL);
    b->wish = *wish;
    /* Requests wait for the lock until everything they read is there. */
    pthread_mutex_lock(&b->lock);
    b->server = http_server_start(&options, err);
    if (!b->server) {
        err_hint(err, "Another program uses port %d; choose one with --port, and list that callback "
                      "URL in the app.", port);
    } else {
        port = http_server_port(b->server);
        snprintf(b->host, sizeof b->host, "127.0.0.1:%d", port);
        snprintf(b->origin, sizeof b->origin, "http://%s", b->host);
        snprintf(b->cookie, sizeof b->cookie, "argil_signin_%d", port);
        b->wish.callback = with.redirect_uri = connect_callback(b->arena, port);
        b->flow = signin_flow_new(cli->world, &salesforce_connector, &with, err);
    }
    pthread_mutex_unlock(&b->lock);
    if (b->flow)
        return b;
    http_server_stop(b->server, 0);
    free_parts(b);
    return NULL;
}

void connect_browser_invite(struct connect_browser *b, bool open)
{
    fprintf(stderr, "Callback URL, exactly as the app must list it: %s\n", b->wish.callback);
    if (open && open_browser(b->origin))
        fprintf(stderr, "Waiting for the sign-in in your browser...\n");
    else
        fprintf(stderr, "Open this page in a browser on this machine and sign in:\n\n  %s/\n\n",
                b->origin);
}

/* ------------------------------------------------------------------- waiting */

/* Waits until *what, at most so long; holding the lock. */
static void wait_until(struct connect_browser *b, const bool *what, int64_t wait_ms)
{
    struct world *world = b->cli->world;
    int64_t end = world->monotonic_ms(world) + wait_ms;
    while (!*what && !atomic_load(&b->cli->stop) && world->monotonic_ms(world) < end) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 200 * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&b->came, &b->lock, &until);
    }
}

enum status connect_browser_wait(struct connect_browser *b, int64_t wait_ms, struct arena *arena,
                                 struct connection *connection, struct crm_tokens *tokens,
                                 struct err *err)
{
    pthread_mutex_lock(&b->lock);
    wait_until(b, &b->answered, wait_ms);
    bool answered = b->answered;
    pthread_mutex_unlock(&b->lock);
    if (atomic_load(&b->cli->stop))
        return err_set(err, ERR_STOPPED, "the sign-in was interrupted; nothing was stored");
    if (!answered) {
        err_set(err, ERR_TIMEOUT, "nobody finished the sign-in within %s", took(wait_ms));
        err_cause(err, "The page was left open too long, or it ended on an error page of "
                       "Salesforce's own (OAUTH_APPROVAL_ERROR_GENERIC), which never comes back "
                       "here.");
        err_hint(err, "If the page showed an error, copy the address of that page and run: argil "
                      "doctor --error 'ADDRESS'. Else run argil connect again.");
        return FAIL;
    }
    if (b->err.code[0]) {
        *err = b->err;
        return FAIL;
    }
    return signin_flow_finish(b->flow, arena, connection, tokens, err);
}

void connect_browser_end(struct connect_browser *b, const struct err *err,
                         const struct connection *connection, const char *scopes_missing)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    if (err && err->code[0]) {
        b->err = *err;
    } else {
        b->connection = *connection;
        b->scopes_missing = scopes_missing;
    }
    b->over = true;
    struct http_in *in = b->held;
    struct http_out *out = b->held_out;
    pthread_mutex_unlock(&b->lock);
    if (in) {
        outcome_page(b, in, out);
        http_reply(in);
    }
    pthread_mutex_lock(&b->lock);
    if (b->watched) /* the start page asks once a second, then shows the outcome */
        wait_until(b, &b->told, 3000);
    pthread_mutex_unlock(&b->lock);
    http_server_stop(b->server, 1000);
    free_parts(b);
}
