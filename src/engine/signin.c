/* signin.c - one sign-in in a browser. See signin.h. */
#include "engine/signin.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETER_MAX 2000

struct signin_flow {
    struct world *world;
    const struct connector *connector;
    struct arena *arena;
    struct crm_signin wish;
    const char *cookie;
    int64_t started_ms; /* monotonic */
    pthread_mutex_t lock;
    bool answered;
    struct secret code;
};

static char *random_text(struct world *world, struct arena *arena)
{
    unsigned char bytes[32];
    world->random(world, bytes, sizeof bytes);
    char *text = base64url_encode(arena, bytes, sizeof bytes);
    sodium_memzero(bytes, sizeof bytes);
    return text;
}

static bool same_text(const char *ours, const char *given)
{
    size_t len = strlen(ours);
    return given && strlen(given) == len && sodium_memcmp(ours, given, len) == 0;
}

struct signin_flow *signin_flow_new(struct world *world, const struct connector *connector,
                                    const struct crm_signin *wish, struct err *err)
{
    struct signin_flow *flow = mem_alloc(sizeof *flow);
    flow->world = world;
    flow->connector = connector;
    flow->arena = arena_new();
    pthread_mutex_init(&flow->lock, NULL);
    struct crm_signin *w = &flow->wish;
    w->login_url = arena_strdup(flow->arena, wish->login_url);
    w->client_id = arena_strdup(flow->arena, wish->client_id);
    w->redirect_uri = arena_strdup(flow->arena, wish->redirect_uri);
    w->insecure_host = arena_strdup(flow->arena, wish->insecure_host);
    w->prompt = arena_strdup(flow->arena, wish->prompt);
    w->sandbox = wish->sandbox;
    secret_copy(&w->client_secret, &wish->client_secret);
    if (connector->signin_begin(world, flow->arena, w, err) != OK) {
        signin_flow_free(flow);
        return NULL;
    }
    flow->cookie = random_text(world, flow->arena);
    flow->started_ms = world->monotonic_ms(world);
    return flow;
}

void signin_flow_free(struct signin_flow *flow)
{
    if (!flow)
        return;
    secret_wipe(&flow->wish.client_secret);
    secret_wipe(&flow->wish.verifier);
    secret_wipe(&flow->code);
    pthread_mutex_destroy(&flow->lock);
    arena_free(flow->arena);
    free(flow);
}

const char *signin_flow_url(const struct signin_flow *flow)
{
    return flow->wish.url;
}

const char *signin_flow_cookie(const struct signin_flow *flow)
{
    return flow->cookie;
}

bool signin_flow_knows(const struct signin_flow *flow, const char *cookie)
{
    return same_text(flow->cookie, cookie);
}

/* ----------------------------------------------------------------- answers */

static enum signin_answer not_taken(enum signin_answer verdict, struct err *err)
{
    static const struct {
        const char *message, *cause, *hint;
    } words[] = {
        [SIGNIN_NOT_OURS] = {"this answer does not belong to the sign-in that Argil started",
                             "Its state is missing, or is that of another sign-in.",
                             "Start the sign-in from Argil and finish it in the same window."},
        [SIGNIN_OTHER_BROWSER] = {"this browser did not start the sign-in",
                                  "The answer came without the session that the start page made: "
                                  "another browser, a private window, or cookies are blocked.",
                                  "Open the start page and sign in in this very browser."},
        [SIGNIN_USED] = {"this sign-in has been answered already",
                         "The page was loaded again, or its address was used a second time.",
                         "Nothing is wrong if the first answer was yours; else start again."},
        [SIGNIN_LATE] = {"this sign-in is more than ten minutes old",
                         "A sign-in is good for ten minutes, so that a forgotten window cannot be "
                         "used later.",
                         "Start it again."},
        [SIGNIN_MALFORMED] = {"this answer is not one that Salesforce gives",
                              "A parameter is there twice, or is far too long.",
                              "Start the sign-in again; look for a proxy or an extension that "
                              "changes addresses."},
    };
    err_set(err, "connect.callback", "%s; nothing was stored", words[verdict].message);
    err_cause(err, "%s", words[verdict].cause);
    err_hint(err, "%s", words[verdict].hint);
    log_warn("sign-in: an answer was not taken: %s", words[verdict].message);
    return verdict;
}

static bool well_formed(const struct uri_pair *query)
{
    static const char *const once[] = {"state", "code", "error", "error_description"};
    for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
        int count = 0;
        for (const struct uri_pair *p = query; p; p = p->next)
            count += text_eq(p->name, once[i]);
        if (count > 1)
            return false;
    }
    for (const struct uri_pair *p = query; p; p = p->next)
        if (strlen(p->value) > PARAMETER_MAX)
            return false;
    return true;
}

static enum signin_answer verdict_of(struct signin_flow *flow, const char *cookie,
                                     const struct uri_pair *query)
{
    if (!well_formed(query))
        return SIGNIN_MALFORMED;
    if (!same_text(flow->wish.state, uri_pair_get(query, "state")))
        return SIGNIN_NOT_OURS;
    if (!signin_flow_knows(flow, cookie))
        return SIGNIN_OTHER_BROWSER;
    if (flow->answered)
        return SIGNIN_USED;
    if (flow->world->monotonic_ms(flow->world) - flow->started_ms > SIGNIN_MS)
        return SIGNIN_LATE;
    return text_blank(uri_pair_get(query, "code")) ? SIGNIN_REFUSED : SIGNIN_CODE;
}

static void explain_refusal(const struct connector *connector, const struct uri_pair *query,
                            struct err *err)
{
    const char *code = uri_pair_get(query, "error");
    const char *description = uri_pair_get(query, "error_description");
    code = text_blank(code) ? "no code" : code;
    err_set(err, "connect.signin_refused", "Salesforce refused the sign-in: %s%s%s", code,
            text_blank(description) ? "" : ": ", description ? description : "");
    err_cause(err, "The org answered the sign-in page with an error instead of a code.");
    connector->signin_explain(err, code, description);
}

enum signin_answer signin_flow_answer(struct signin_flow *flow, const char *cookie,
                                      const struct uri_pair *query, struct err *err)
{
    pthread_mutex_lock(&flow->lock);
    enum signin_answer verdict = verdict_of(flow, cookie, query);
    if (verdict == SIGNIN_CODE || verdict == SIGNIN_REFUSED)
        flow->answered = true;
    if (verdict == SIGNIN_CODE) {
        const char *code = uri_pair_get(query, "code");
        secret_set(&flow->code, code, strlen(code));
    }
    pthread_mutex_unlock(&flow->lock);
    if (verdict == SIGNIN_CODE)
        return verdict;
    if (verdict != SIGNIN_REFUSED)
        return not_taken(verdict, err);
    explain_refusal(flow->connector, query, err);
    return verdict;
}

enum status signin_flow_finish(struct signin_flow *flow, struct arena *arena,
                               struct connection *connection, struct crm_tokens *tokens,
                               struct err *err)
{
    struct secret code = {0};
    pthread_mutex_lock(&flow->lock);
    secret_copy(&code, &flow->code);
    secret_wipe(&flow->code); /* a code is exchanged once */
    pthread_mutex_unlock(&flow->lock);
    if (!secret_is_set(&code))
        return err_set(err, ERR_INVALID, "there is no answer to finish");
    enum status rc = flow->connector->signin_finish(flow->world, arena, &flow->wish,
                                                    secret_reveal(&code), connection, tokens, err);
    secret_wipe(&code);
    return rc;
}
