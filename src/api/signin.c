/* signin.c - signing in to an org through the browser (OAuth web-server flow with
 * PKCE) and without one.
 *
 * Starting gives an address at the org and keeps the verifier and a random state
 * here, for ten minutes, bound to the session that asked. What comes back to
 * /oauth/callback must carry that state, once, in that same session: a link that
 * somebody else prepared does nothing (reliability T1). How the last attempt for a
 * connection's name ended is kept for the page to ask. */
#include "api/nouns.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/tokens.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_FOR_MS ((int64_t)10 * 60 * 1000)
#define KEPT_MOST   200

static const char *const environments[] = {"production", "sandbox", "local", NULL};
static const char *const outcomes[] = {"none", "waiting", "connected", "failed", NULL};
static const char *const grants[] = {"client_credentials", "jwt", "refresh_token", NULL};

/* ----------------------------------------------------------------- shapes */

static const struct field signin_body_fields[] = {
    {"environment", F_WORD, F_REQUIRED, "what the org must be: a test environment is not a production org", .words = environments},
    {"login_url", F_TEXT, 0, "My Domain, or a localorg (argil serve --insecure-host); a sandbox wants its own, production has login.salesforce.com", .min = 1, .max = 500},
    {"client_id", F_TEXT, 0, "consumer key of the connected app; reconnecting takes the one that is there", .min = 1, .max = 500},
    {"client_secret", F_TEXT, F_SECRET, "its secret, when it has one", .min = 1, .max = 500},
    {"another_user", F_BOOL, 0, "reconnecting: another user of the same org may take over"},
    {0},
};
const struct shape signin_body = {"SignInStart", NULL, signin_body_fields};

static const struct field signin_started_fields[] = {
    {"url", F_TEXT, F_REQUIRED, "the org's page: send the browser there"},
    {"callback_url", F_TEXT, F_REQUIRED, "must be listed in the connected app"},
    {"expires", F_TIME, F_REQUIRED, NULL},
    {0},
};
const struct shape signin_started_shape = {"SignInStarted", NULL, signin_started_fields};

static const struct field problem_fields[] = {
    {"code", F_TEXT, F_REQUIRED, NULL},
    {"message", F_TEXT, F_REQUIRED, NULL},
    {"cause", F_TEXT, F_REQUIRED | F_NULL, "in Salesforce's terms"},
    {"hint", F_TEXT, F_REQUIRED | F_NULL, "who must do what"},
    {0},
};
static const struct shape problem_shape = {"SignInProblem", NULL, problem_fields};
static const struct field signin_state_fields[] = {
    {"state", F_WORD, F_REQUIRED, "of the last sign-in for this name", .words = outcomes},
    {"since", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"problem", F_OBJECT, F_REQUIRED | F_NULL, "when it failed", .of = &problem_shape},
    {"lacks", F_LIST, F_REQUIRED, "another user signed in: what the tables need and this one may not", .of = &finding_shape},
    {0},
};
const struct shape signin_state_shape = {"SignInState", NULL, signin_state_fields};

static const struct field callback_url_fields[] = {
    {"callback_url", F_TEXT, F_REQUIRED, "for the connected app"},
    {"scopes", F_TEXT, F_REQUIRED, "what is asked for"},
    {0},
};
const struct shape callback_url_shape = {"CallbackUrl", NULL, callback_url_fields};

const struct field callback_query[] = {
    {"code", F_TEXT, 0, NULL},  {"state", F_TEXT, 0, NULL},
    {"error", F_TEXT, 0, NULL}, {"error_description", F_TEXT, 0, NULL}, {0},
};

static const struct field machine_fields[] = {
    {"grant", F_WORD, F_REQUIRED, "how the app comes in", .words = grants},
    {"environment", F_WORD, F_REQUIRED, NULL, .words = environments},
    {"login_url", F_TEXT, F_REQUIRED, "My Domain, or a localorg", .min = 1, .max = 500},
    {"client_id", F_TEXT, F_REQUIRED, "consumer key", .min = 1, .max = 500},
    {"client_secret", F_TEXT, F_SECRET, NULL, .min = 1, .max = 500},
    {"private_key", F_TEXT, F_SECRET, "jwt: PEM", .min = 1, .max = 20000},
    {"username", F_TEXT, 0, "jwt: whom the app acts as", .min = 1, .max = 200},
    {"refresh_token", F_TEXT, F_SECRET, NULL, .min = 1, .max = 1000},
    {"another_user", F_BOOL, 0, "reconnecting: another user of the same org may take over"},
    {0},
};
const struct shape machine_body = {"MachineSignIn", "Without a browser: for servers and integration users.",
                                   machine_fields};

/* ------------------------------------------------------------------ state */

struct attempt {
    char *name; /* of the connection to be */
    char *state;
    char *environment;
    bool another_user;            /* may take over */
    int64_t session_id, began_ms; /* wall clock */
    struct arena *arena;          /* holds signin's texts */
    struct crm_signin signin;
    struct attempt *next;
};
struct outcome {
    bool waiting, well;
    int64_t at_ms;
    struct err problem;
    char *lacks; /* JSON: findings */
};

struct signins {
    pthread_mutex_t lock;
    struct attempt *attempts;
    size_t count;
    struct map *outcomes; /* connection's name -> struct outcome */
};

static void attempt_free(struct attempt *a)
{
    if (!a)
        return;
    secret_wipe(&a->signin.client_secret);
    secret_wipe(&a->signin.verifier);
    secret_wipe(&a->signin.private_key);
    secret_wipe(&a->signin.refresh);
    arena_free(a->arena);
    free(a->name);
    free(a->state);
    free(a->environment);
    free(a);
}

struct signins *signins_new(void)
{
    struct signins *signins = mem_alloc(sizeof *signins);
    pthread_mutex_init(&signins->lock, NULL);
    signins->outcomes = map_new_nocase();
    return signins;
}

void signins_free(struct signins *signins)
{
    size_t at = 0;
    const char *name;
    void *outcome;
    if (!signins)
        return;
    while (signins->attempts) {
        struct attempt *a = signins->attempts;
        signins->attempts = a->next;
        attempt_free(a);
    }
    while (map_next(signins->outcomes, &at, &name, &outcome)) {
        free(((struct outcome *)outcome)->lacks);
        free(outcome);
    }
    map_free(signins->outcomes);
    pthread_mutex_destroy(&signins->lock);
    free(signins);
}

/* `lacks`: what another user may not, as JSON, or NULL. */
static void remember(struct api *api, const char *name, bool waiting, const struct err *problem,
                     const char *lacks, int64_t now)
{
    struct signins *s = api->signins;
    pthread_mutex_lock(&s->lock);
    struct outcome *outcome = map_get(s->outcomes, name);
    if (!outcome && map_count(s->outcomes) < KEPT_MOST) {
        outcome = mem_alloc(sizeof *outcome);
        map_put(s->outcomes, name, outcome);
    }
    if (outcome) {
        free(outcome->lacks);
        *outcome = (struct outcome){.waiting = waiting,
                                    .well = !problem,
                                    .at_ms = now,
                                    .lacks = mem_strdup(lacks)};
        if (problem)
            outcome->problem = *problem;
    }
    pthread_mutex_unlock(&s->lock);
}

/* Drops what is too old; an attempt of the same session for the same name ends. */
static void drop_old(struct signins *s, const char *name, int64_t session_id, int64_t now)
{
    for (struct attempt **at = &s->attempts; *at;) {
        struct attempt *a = *at;
        if (now - a->began_ms < KEPT_FOR_MS &&
            !(a->session_id == session_id && text_eq(a->name, name))) {
            at = &a->next;
            continue;
        }
        *at = a->next;
        s->count--;
        attempt_free(a);
    }
}

static enum status keep(struct api *api, struct attempt *a, struct err *err)
{
    struct signins *s = api->signins;
    pthread_mutex_lock(&s->lock);
    drop_old(s, a->name, a->session_id, a->began_ms);
    bool room = s->count < KEPT_MOST;
    if (room) {
        a->next = s->attempts;
        s->attempts = a;
        s->count++;
    }
    pthread_mutex_unlock(&s->lock);
    return room ? OK : err_set(err, ERR_TOO_MANY, "too many sign-ins have begun");
}

/* The attempt that a state belongs to, once; NULL when there is none for this session. */
static struct attempt *take(struct call *call, const char *state)
{
    struct signins *s = call->api->signins;
    struct attempt *found = NULL;
    pthread_mutex_lock(&s->lock);
    struct attempt **at = &s->attempts;
    while (*at && !(door_same((*at)->state, state) &&
                    (*at)->session_id == call->person.session_id &&
                    call_now(call) - (*at)->began_ms < KEPT_FOR_MS))
        at = &(*at)->next;
    if (*at) {
        found = *at;
        *at = found->next;
        s->count--;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

/* --------------------------------------------------------------- starting */

static const struct connector *crm(const struct api *api)
{
    return api->options.connectors[0];
}

static const char *callback_of(struct call *call)
{
    return arena_printf(call->arena, "%s/oauth/callback", call->api->url);
}

static enum status name_is_fine(const char *name, struct err *err)
{
    size_t len = strlen(name);
    if (len <= 100 && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_-.") == len)
        return OK;
    return err_set(err, ERR_INVALID,
                   "a connection's name has letters, digits, - _ and ., at most 100");
}

static void take_secret(struct secret *out, const struct json *body, const char *name)
{
    const struct json *text = json_get(body, name);
    if (text)
        secret_set(out, text->text, text->len);
}

/* The app of the connection that is there, for reconnecting in place. */
static enum status take_known_app(struct call *call, struct attempt *a, struct err *err)
{
    struct connection connection = {0};
    struct crm_tokens tokens = {0};
    struct err none = {0};
    struct engine engine = {.world = call->api->options.world,
                            .store = call->store,
                            .vault = call->api->options.vault};
    if (call->store->does->connection_get(call->store, a->arena, a->name, &connection, &none) != OK)
        return err_is(&none, ERR_NOT_FOUND)
                   ? err_set(err, ERR_INVALID, "client_id is missing: the consumer key of the "
                                               "connected app")
                   : (*err = none, FAIL);
    a->signin.client_id = connection.client_id;
    if (!a->signin.login_url)
        a->signin.login_url = connection.login_url;
    if (!secret_is_set(&a->signin.client_secret) &&
        tokens_get(&engine, &connection, a->arena, &tokens, &none) == OK)
        secret_copy(&a->signin.client_secret, &tokens.client_secret);
    crm_tokens_wipe(&tokens);
    engine_release(&engine);
    return OK;
}

static enum status fill(struct call *call, struct attempt *a, struct err *err)
{
    const struct json *body = call->body;
    struct crm_signin *signin = &a->signin;
    a->arena = arena_new();
    a->name = mem_strdup(call->values[0]);
    a->environment = mem_strdup(json_get_text(body, "environment"));
    a->another_user = json_get_bool(body, "another_user", false);
    a->session_id = call->person.session_id;
    a->began_ms = call_now(call);
    signin->login_url = arena_strdup(a->arena, json_get_text(body, "login_url"));
    signin->client_id = arena_strdup(a->arena, json_get_text(body, "client_id"));
    signin->redirect_uri = arena_strdup(a->arena, callback_of(call));
    signin->insecure_host = call->api->options.insecure_host;
    signin->sandbox = text_eq(a->environment, "sandbox");
    take_secret(&signin->client_secret, body, "client_secret");
    if (!signin->client_id && take_known_app(call, a, err) != OK)
        return FAIL;
    if (!signin->login_url)
        signin->login_url = text_eq(a->environment, "sandbox") ? "https://test.salesforce.com"
                                                                : "https://login.salesforce.com";
    if (crm(call->api)->signin_begin(call->api->options.world, a->arena, signin, err) != OK)
        return FAIL;
    a->state = mem_strdup(signin->state);
    return OK;
}

enum status api_signin_start(struct call *call, struct err *err)
{
    struct attempt *a = mem_alloc(sizeof *a);
    struct jw *w = &call->w;
    if (name_is_fine(call->values[0], err) != OK || fill(call, a, err) != OK) {
        attempt_free(a);
        return FAIL;
    }
    const char *url = arena_strdup(call->arena, a->signin.url);
    int64_t expires = a->began_ms + KEPT_FOR_MS;
    if (keep(call->api, a, err) != OK) {
        attempt_free(a);
        return FAIL;
    }
    remember(call->api, call->values[0], true, NULL, NULL, call_now(call));
    jw_object(w);
    jw_kv_text(w, "url", url);
    jw_kv_text(w, "callback_url", callback_of(call));
    jw_kv_time(w, "expires", expires);
    jw_end_object(w);
    return OK;
}

enum status api_signin_show(struct call *call, struct err *err)
{
    struct signins *s = call->api->signins;
    struct jw *w = &call->w;
    struct outcome outcome = {0};
    pthread_mutex_lock(&s->lock);
    const struct outcome *kept = map_get(s->outcomes, call->values[0]);
    if (kept)
        outcome = *kept;
    const char *lacks = arena_strdup(call->arena, outcome.lacks ? outcome.lacks : "[]");
    pthread_mutex_unlock(&s->lock);
    if (outcome.waiting && call_now(call) - outcome.at_ms >= KEPT_FOR_MS)
        kept = NULL;
    jw_object(w);
    jw_kv_text(w, "state", !kept ? "none" : outcome.waiting ? "waiting" : outcome.well ? "connected" : "failed");
    jw_kv_time(w, "since", kept ? outcome.at_ms : 0);
    jw_key(w, "problem");
    if (kept && !outcome.waiting && !outcome.well) {
        jw_object(w);
        jw_kv_text(w, "code", outcome.problem.code);
        jw_kv_text(w, "message", outcome.problem.message);
        jw_kv_text(w, "cause", *outcome.problem.cause ? outcome.problem.cause : NULL);
        jw_kv_text(w, "hint", *outcome.problem.hint ? outcome.problem.hint : NULL);
        jw_end_object(w);
    } else {
        jw_null(w);
    }
    jw_key(w, "lacks");
    jw_raw(w, lacks, strlen(lacks));
    jw_end_object(w);
    return OK;
}

enum status api_callback_url(struct call *call, struct err *err)
{
    jw_object(&call->w);
    jw_kv_text(&call->w, "callback_url", callback_of(call));
    jw_kv_text(&call->w, "scopes", "api refresh_token id openid profile");
    jw_end_object(&call->w);
    return OK;
}

/* --------------------------------------------------------------- finishing */

static enum status check_environment(const char *wanted, const struct connection *c,
                                     struct err *err)
{
    bool is_production = text_eq(c->environment, "production");
    if (is_production == text_eq(wanted, "production"))
        return OK;
    err_set(err, "connect.wrong_environment", "%s is a %s org, and a %s org was asked for",
            c->org_name ? c->org_name : c->org_id, c->environment, wanted);
    err_hint(err, "Nothing was stored. Sign in to the other org, or connect this one under the "
                  "other card.");
    return FAIL;
}

/* Another user takes over only when that was asked for: other records may be visible,
 * and what the tables need may be out of reach. */
static enum status accept_user(struct call *call, const struct connection *connection,
                               const struct crm_tokens *tokens, bool another_user,
                               struct crm_findings *lacks, struct err *err)
{
    struct user_change change;
    if (engine_user_change(call->engine, call->arena, connection, tokens, &change, err) != OK)
        return FAIL;
    *lacks = change.lacks;
    if (!change.user_was || another_user)
        return OK;
    err_set(err, ERR_APPROVAL, "\"%s\" is connected as %s; you signed in as %s", connection->name,
            change.user_was, connection->username);
    err_cause(err, "Other records may be visible to another user: sharing decides for each. %s",
              lacks->count ? "It lacks what the tables need: see the list."
                           : "What the tables need, it may read and write.");
    err_hint(err, "Nothing was stored. Sign in as %s, or say that another user may take over.",
             change.user_was);
    return FAIL;
}

static enum status store_connection(struct call *call, const char *name, const char *environment,
                                    bool another_user, struct connection *connection,
                                    struct crm_tokens *tokens, struct crm_findings *lacks,
                                    struct err *err)
{
    connection->name = name;
    connection->connector = crm(call->api)->name;
    if (check_environment(environment, connection, err) == OK &&
        accept_user(call, connection, tokens, another_user, lacks, err) == OK)
        return engine_connect(call->engine, connection, tokens, err);
    engine_give_back(call->engine, connection, tokens);
    return FAIL;
}

static enum status finish(struct call *call, const struct attempt *a, struct crm_findings *lacks,
                          struct err *err)
{
    const char *code = call_query(call, "code"), *error = call_query(call, "error");
    const char *description = call_query(call, "error_description");
    struct connection connection = {0};
    struct crm_tokens tokens = {0};
    if (!code) {
        err_set(err, "connect.signin_refused", "Salesforce refused the sign-in: %s%s%s",
                error ? error : "no code", description ? ": " : "", description ? description : "");
        crm(call->api)->signin_explain(err, error ? error : "", description ? description : "");
        return FAIL;
    }
    enum status rc = crm(call->api)->signin_finish(call->api->options.world, call->arena, &a->signin,
                                                   code, &connection, &tokens, err);
    if (rc == OK)
        rc = store_connection(call, a->name, a->environment, a->another_user, &connection, &tokens,
                              lacks, err);
    crm_tokens_wipe(&tokens);
    return rc;
}

static void page(struct call *call, int status, const char *title, const char *text)
{
    call->out->status = status;
    http_out_header(call->in, call->out, "Content-Type", "text/html; charset=utf-8");
    buf_printf(&call->out->body,
               "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Argil</title>"
               "<h1>%s</h1><p>%s</p>",
               title, text);
}

/* To the app's own page when there is one, which asks how it ended. */
static void go_back(struct call *call, const char *name, bool well)
{
    if (!assets_built()) {
        page(call, 200, well ? "Signed in" : "Not connected",
             well ? "You can close this page." : "GET " API_ROOT "/connections/NAME/signin says why.");
        return;
    }
    call->out->status = 303;
    http_out_header(call->in, call->out, "Location",
                    arena_printf(call->arena, "/settings/connections/%s?signin=%s", name,
                                 well ? "connected" : "failed"));
}

const char *signin_lane(struct call *call)
{
    struct signins *s = call->api->signins;
    const char *state = call_query(call, "state"), *lane = "";
    pthread_mutex_lock(&s->lock);
    for (const struct attempt *a = s->attempts; a && state; a = a->next)
        if (door_same(a->state, state))
            lane = arena_strdup(call->arena, a->name);
    pthread_mutex_unlock(&s->lock);
    return lane;
}

static const char *findings_json(struct call *call, const struct crm_findings *lacks)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    findings_write(&w, lacks);
    const char *json = arena_strdup(call->arena, buf_text(&text));
    buf_free(&text);
    return json;
}

enum status api_signin_callback(struct call *call, struct err *err)
{
    struct attempt *a = call->person.session_id ? take(call, call_query(call, "state")) : NULL;
    struct err problem = {0};
    if (!a || call->person.role < ROLE_ADMIN) {
        attempt_free(a);
        page(call, 400, "Not ours",
             "This answer does not belong to a sign-in that you started in this browser in the "
             "last ten minutes. Nothing was stored.");
        return OK;
    }
    struct crm_findings lacks = {0};
    bool well = finish(call, a, &lacks, &problem) == OK;
    remember(call->api, a->name, false, well ? NULL : &problem, findings_json(call, &lacks),
             call_now(call));
    go_back(call, a->name, well);
    attempt_free(a);
    return OK;
}

/* --------------------------------------------------------- without browser */

/* What another user may not, beside the error that says who it is. */
static void keep_lacks(struct call *call, const struct crm_findings *lacks)
{
    err_list errors = {0};
    for (size_t i = 0; i < lacks->count; i++) {
        struct err e = {0};
        err_set(&e, ERR_APPROVAL, "%s", lacks->items[i].evidence);
        if (lacks->items[i].fix)
            err_hint(&e, "%s", lacks->items[i].fix);
        vec_push(&errors, e);
    }
    call_keep_errors(call, &errors);
    vec_free(&errors);
}

enum status api_signin_machine(struct call *call, struct err *err)
{
    static const enum crm_grant kinds[] = {CRM_GRANT_CLIENT_CREDENTIALS, CRM_GRANT_JWT,
                                           CRM_GRANT_REFRESH};
    const struct json *body = call->body;
    struct connection connection = {0};
    struct crm_tokens tokens = {0};
    struct crm_findings lacks = {0};
    struct crm_signin signin = {.login_url = json_get_text(body, "login_url"),
                                .client_id = json_get_text(body, "client_id"),
                                .insecure_host = call->api->options.insecure_host,
                                .sandbox = text_eq(json_get_text(body, "environment"), "sandbox"),
                                .username = json_get_text(body, "username")};
    size_t at = 0;
    if (name_is_fine(call->values[0], err) != OK)
        return FAIL;
    while (!text_eq(grants[at], json_get_text(body, "grant")))
        at++;
    signin.grant = kinds[at];
    take_secret(&signin.client_secret, body, "client_secret");
    take_secret(&signin.private_key, body, "private_key");
    take_secret(&signin.refresh, body, "refresh_token");
    enum status rc = crm(call->api)->signin_machine(call->api->options.world, call->arena, &signin,
                                                    &connection, &tokens, err);
    if (rc == OK)
        rc = store_connection(call, call->values[0], json_get_text(body, "environment"),
                              json_get_bool(body, "another_user", false), &connection, &tokens,
                              &lacks, err);
    keep_lacks(call, &lacks);
    secret_wipe(&signin.client_secret);
    secret_wipe(&signin.private_key);
    secret_wipe(&signin.refresh);
    crm_tokens_wipe(&tokens);
    return rc == OK ? api_connection_show(call, err) : FAIL;
}
