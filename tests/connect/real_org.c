/* real_org.c - the real localorg, and a sign-in through its pages. See real_org.h. */
#include "connect/real_org.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/uri.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;
const struct json *org_ready;
struct arena *org_keep, *arena;
static struct http_client *http;
struct err err;
struct crm_tokens vault;
struct connection connection;
struct world world;
int sleeps;

void org_no_sleep(struct world *w, int64_t ms)
{
    sleeps++;
}

/* ------------------------------------------------------------- localorg */

static void org_stop(void)
{
    if (child > 0) {
        kill(child, SIGTERM);
        waitpid(child, NULL, 0);
    }
    crm_tokens_wipe(&vault);
    http_client_free(http);
    arena_free(org_keep);
}

void org_start(void)
{
    int out[2];
    char line[8192];
    const char *program = getenv("LOCALORG");
    if (child)
        return;
    CHECK(program && pipe(out) == 0);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], 1);
        close(out[0]);
        execl(program, program, "serve", "--listen", "127.0.0.1:0", "--json", "--rng-seed", "7",
              (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *from = fdopen(out[0], "r");
    CHECK(fgets(line, sizeof line, from) != NULL);
    org_keep = arena_new();
    org_ready = json_parse(org_keep, line, strlen(line), &err);
    CHECK_GOT(org_ready, &err);
    http = http_client_new(world_real(), "test");
    atexit(org_stop);
}

const char *org_url(const char *path)
{
    return arena_printf(arena, "%s%s", json_get_text(org_ready, "url"), path);
}

const struct json *org_control(const char *method, const char *path, const char *body)
{
    struct http_header type = {"Content-Type", "application/json", NULL};
    struct http_request request = {.method = method,
                                   .url = org_url(path),
                                   .headers = &type,
                                   .body = body,
                                   .body_len = body ? strlen(body) : 0};
    struct http_response response;
    CHECK_OK(http_send(http, &request, &response, &err), &err);
    if (response.status != 200)
        fprintf(stderr, "%s %s: %d %s\n", method, path, response.status, buf_text(&response.body));
    CHECK_INT(response.status, 200);
    const struct json *out = json_parse_buf(arena, &response.body, &err);
    http_response_free(&response);
    return out;
}

void org_fault(const char *json)
{
    org_control("POST", "/localorg/faults", json);
}
void org_faults_end(void)
{
    org_control("DELETE", "/localorg/faults", NULL);
}

/* --------------------------------------------------------- the connection */

static enum status load(void *ctx, struct arena *a, struct crm_tokens *out, struct err *e)
{
    crm_tokens_copy(out, &vault);
    out->instance_url = connection.instance_url;
    return OK;
}
static enum status save(void *ctx, const struct crm_tokens *tokens, struct err *e)
{
    crm_tokens_copy(&vault, tokens);
    return OK;
}
const struct crm_token_store org_store = {.load = load, .save = save};

/* A browser with one cookie jar: follows what the pages say. */
struct browser {
    char cookies[2048];
    struct http_response page;
    const char *location;
};

static void cookies_take(struct browser *b)
{
    for (const struct http_header *h = b->page.headers; h; h = h->next) {
        if (!text_eq_nocase(h->name, "Set-Cookie"))
            continue;
        size_t n = strcspn(h->value, ";"), at = strlen(b->cookies);
        snprintf(b->cookies + at, sizeof b->cookies - at, "%s%.*s", at ? "; " : "", (int)n,
                 h->value);
    }
}

static void visit(struct browser *b, const char *method, const char *url, const char *form)
{
    struct http_header type = {"Content-Type", "application/x-www-form-urlencoded", NULL};
    struct http_header cookie = {"Cookie", b->cookies, form ? &type : NULL};
    struct http_request request = {.method = method,
                                   .url = url,
                                   .headers = &cookie,
                                   .body = form,
                                   .body_len = form ? strlen(form) : 0};
    http_response_free(&b->page);
    CHECK_OK(http_send(http, &request, &b->page, &err), &err);
    cookies_take(b);
    const char *to = http_header_get(b->page.headers, "Location");
    b->location = to ? (text_starts(to, "/") ? org_url(to) : arena_strdup(arena, to)) : NULL;
}

/* The value of a hidden input, HTML entities of URLs undone. */
static const char *hidden(struct browser *b, const char *name)
{
    const char *at =
        strstr(buf_text(&b->page.body), arena_printf(arena, "name=\"%s\" value=\"", name));
    CHECK(at != NULL);
    at = strstr(at, "value=\"") + 7;
    char *out = arena_strndup(arena, at, strcspn(at, "\"")), *to = out;
    for (const char *from = out; *from;) {
        if (text_starts(from, "&amp;"))
            *to++ = '&', from += 5;
        else
            *to++ = *from++;
    }
    *to = 0;
    return out;
}

static const char *form_of(const char *const *pairs)
{
    struct buf form = BUF_INIT;
    for (; pairs[0]; pairs += 2)
        uri_pair_add(&form, pairs[0], pairs[1]);
    const char *out = arena_strndup(arena, form.data, form.len);
    buf_free(&form);
    return out;
}

/* Logs in and presses Allow; the URL of the callback with what it carries. */
static const char *sign_in_as(const char *url, const char *callback)
{
    struct browser b = {0};
    visit(&b, "GET", url, NULL);
    for (int hops = 0; hops < 12; hops++) {
        if (b.location && text_starts(b.location, callback))
            break;
        if (b.location) {
            visit(&b, "GET", b.location, NULL);
        } else if (strstr(buf_text(&b.page.body), "id=\"login_form\"")) {
            const char *pairs[] = {"startURL", hidden(&b, "startURL"),
                                   "username", json_get_text(org_ready, "username"),
                                   "pw",       json_get_text(org_ready, "password"),
                                   NULL};
            visit(&b, "POST", org_url("/"), form_of(pairs));
        } else if (strstr(buf_text(&b.page.body), "id=\"oaapprove\"")) {
            const char *pairs[] = {"source", hidden(&b, "source"), "save", "Allow", NULL};
            visit(&b, "POST", org_url("/setup/secur/RemoteAccessAuthorizationPage.apexp"),
                  form_of(pairs));
        } else {
            break;
        }
    }
    const char *out = b.location;
    http_response_free(&b.page);
    return out;
}

void org_connect(void)
{
    struct crm_signin signin = {.login_url = json_get_text(org_ready, "url"),
                                .client_id = json_get_text(org_ready, "client_id"),
                                .insecure_host = "127.0.0.1",
                                .redirect_uri = "http://localhost:1717/OauthRedirect"};
    const char *secret = json_get_text(org_ready, "client_secret");
    secret_set(&signin.client_secret, secret, strlen(secret));
    CHECK_OK(salesforce_connector.signin_begin(world_real(), org_keep, &signin, &err), &err);
    const char *back = sign_in_as(signin.url, signin.redirect_uri);
    CHECK(back && strchr(back, '?'));
    const char *query = strchr(back, '?') + 1;
    struct uri_pair *pairs = uri_pairs(arena, query, strlen(query));
    CHECK_STR(uri_pair_get(pairs, "state"), signin.state);
    const char *code = uri_pair_get(pairs, "code");
    CHECK(code != NULL);
    connection = (struct connection){.name = "local"};
    CHECK_OK(salesforce_connector.signin_finish(world_real(), org_keep, &signin, code, &connection,
                                                &vault, &err),
             &err);
    secret_wipe(&signin.client_secret);
    secret_wipe(&signin.verifier);
}
