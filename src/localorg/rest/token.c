/* token.c - POST /services/oauth2/token, revoke, introspect.
 *
 * One function a grant type. Every refusal is HTTP 400 with Salesforce's
 * literal words (salesforce-auth 2.2); nothing here answers 401. */
#include "localorg/rest/oauth.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define CODE_MS (15 * 60 * 1000)
#define SKEW_S  180

static void refuse(struct call *call, const char *description)
{
    answer_oauth_error(call, "invalid_grant", description);
}

static void answer_tokens(struct call *call, const struct token_wish *wish)
{
    struct token_pair pairs[TOKEN_PAIRS];
    size_t count = oauth_issue(call, wish, pairs);
    answer_pairs(call, 200, pairs, count);
    if (wish->refresh)
        site_save(call->site);
}

/* The last look at the person; answers and notes what keeps them out. */
static bool let_in(struct call *call, const struct person *person, const struct app *app,
                   enum door door)
{
    struct bar bar = gate_bar(call, person, app, door);
    if (!bar.status)
        return true;
    gate_note(call, &person->user, app, door, bar.status);
    answer_oauth_error(call, bar.error ? bar.error : "invalid_grant", bar.description);
    return false;
}

static void admit(struct call *call, const struct token_wish *wish, enum door door)
{
    gate_note(call, &wish->person->user, wish->app, door, "Success");
    answer_tokens(call, wish);
}

/* A refusal that LoginHistory knows by name. */
static void refuse_noted(struct call *call, const struct org_user *user, const struct app *app,
                         enum door door, const char *status, const char *error,
                         const char *description)
{
    gate_note(call, user, app, door, status);
    answer_oauth_error(call, error, description);
}

static bool person_of(struct call *call, const char *user_id, struct person *person)
{
    struct org_user user;
    if (!org_user_by_id(call->site->org, user_id, &user))
        return false;
    gate_person(call->site, &user, person);
    return true;
}

static bool person_named(struct call *call, const char *username, struct person *person)
{
    struct org_user user;
    if (!username || !org_user_by_name(call->site->org, username, &user))
        return false;
    gate_person(call->site, &user, person);
    return true;
}

/* --- authorization_code --- */

#define NOT_APPROVED "user is not admin approved to access this app"

static bool verifier_ok(struct call *call, const struct code *code, const struct person *person,
                        const struct app *app)
{
    static const char status[] = "Failed: Invalid Code Verifier";
    const char *verifier = form_get(call, "code_verifier");
    if (!code->asked.challenge[0]) {
        if (verifier)
            refuse_noted(call, &person->user, app, DOOR_CODE, status, "invalid_request",
                         "unexpected code verifier");
        return !verifier;
    }
    if (!verifier) {
        refuse_noted(call, &person->user, app, DOOR_CODE, status, "invalid_grant",
                     "invalid code verifier");
        return false;
    }
    if (strcmp(sign_challenge(call->arena, verifier), code->asked.challenge) != 0) {
        refuse_noted(call, &person->user, app, DOOR_CODE, status, "invalid_request",
                     "invalid code verifier");
        return false;
    }
    return true;
}

static void exchange(struct call *call, const struct client *client, const struct code *code,
                     bool used)
{
    struct person person;
    const char *redirect = form_get(call, "redirect_uri");
    if (!person_of(call, code->user_id, &person))
        refuse(call, "inactive user");
    else if (used)
        refuse_noted(call, &person.user, &client->app, DOOR_CODE,
                     "Failed: Get Access Token Limit Exceeded", "invalid_grant",
                     "expired authorization code");
    else if (call_now(call) - code->created_ms > CODE_MS)
        refuse(call, "expired authorization code");
    else if (!redirect || strcmp(redirect, code->asked.redirect_uri) != 0)
        refuse_noted(call, &person.user, &client->app, DOOR_CODE, "Failed: Invalid Callback URL",
                     "redirect_uri_mismatch", "redirect_uri must match configuration");
    else if (verifier_ok(call, code, &person, &client->app) &&
             let_in(call, &person, &client->app, DOOR_CODE))
        admit(call,
              &(struct token_wish){.app = &client->app,
                                   .person = &person,
                                   .scopes = code->asked.scopes,
                                   .nonce = code->asked.nonce,
                                   .refresh = true},
              DOOR_CODE);
}

static void grant_code(struct call *call)
{
    struct client client;
    struct code code;
    const char *text = form_get(call, "code");
    if (!oauth_client(call, &client))
        return;
    if (client.app.require_secret_web && client.app.client_secret[0] && !client.proved) {
        answer_oauth_error(call, "invalid_client", "invalid client credentials");
        return;
    }
    enum code_found found = text ? grants_take_code(call->site->grants, text, &code) : CODE_UNKNOWN;
    if (found == CODE_UNKNOWN || strcmp(code.asked.client_id, client.app.client_id) != 0)
        refuse(call, "invalid authorization code");
    else
        exchange(call, &client, &code, found == CODE_USED);
}

/* --- refresh_token --- */

static bool refresh_expired(const struct app *app, const struct refresh *refresh, int64_t now_ms)
{
    int64_t most = app->refresh_policy_s * 1000;
    if (strcmp(app->refresh_policy, "zero") == 0)
        return true;
    if (strcmp(app->refresh_policy, "inactivity") == 0)
        return now_ms - refresh->used_ms > most;
    return strcmp(app->refresh_policy, "lifetime") == 0 && now_ms - refresh->created_ms > most;
}

/* People who are not permitted any more lose what they hold. */
static bool refresh_person_ok(struct call *call, const struct client *client,
                              const struct refresh *refresh, struct person *person)
{
    if (!person_of(call, refresh->user_id, person)) {
        refuse(call, "expired access/refresh token");
        return false;
    }
    if (!gate_permits(call, &client->app, person)) {
        refuse_noted(call, &person->user, &client->app, DOOR_REFRESH, "Failed: Invalid Token",
                     "invalid_grant", "expired access/refresh token");
        return false;
    }
    return let_in(call, person, &client->app, DOOR_REFRESH);
}

static void note_refresh(struct call *call, const struct client *client, const char *user_id,
                         const char *status)
{
    struct org_user user;
    if (org_user_by_id(call->site->org, user_id, &user))
        gate_note(call, &user, &client->app, DOOR_REFRESH, status);
}

static void grant_refresh(struct call *call)
{
    struct client client;
    struct refresh refresh = {0};
    struct person person;
    struct site *site = call->site;
    const char *token = form_get(call, "refresh_token"), *fresh = NULL;
    if (!oauth_client(call, &client))
        return;
    if (client.app.require_secret_refresh && client.app.client_secret[0] && !client.proved) {
        answer_oauth_error(call, "invalid_client", "invalid client credentials");
        return;
    }
    enum refresh_found found = token ? grants_refresh(site->grants, token, call_now(call),
                                                      site->world->monotonic_ms(site->world),
                                                      client.app.refresh_busy_ms, &refresh)
                                     : REFRESH_UNKNOWN;
    if (found == REFRESH_BUSY) {
        note_refresh(call, &client, refresh.user_id,
                     "Failed: Token request is already being processed");
        refuse(call, "token request is already being processed");
        return;
    }
    if (found != REFRESH_OK || strcmp(refresh.client_id, client.app.client_id) != 0 ||
        refresh_expired(&client.app, &refresh, call_now(call))) {
        note_refresh(call, &client, refresh.user_id, "Failed: Invalid Token");
        refuse(call, "expired access/refresh token");
        return;
    }
    if (!refresh_person_ok(call, &client, &refresh, &person))
        return;
    if (client.app.rotation) {
        grants_rotate(site->grants, &refresh);
        fresh = arena_strdup(call->arena, refresh.token);
        site_save(site);
    }
    admit(call,
          &(struct token_wish){.app = &client.app,
                               .person = &person,
                               .scopes = refresh.scopes,
                               .grant = refresh.grant,
                               .new_refresh_token = fresh},
          DOOR_REFRESH);
}

/* --- client_credentials --- */

/* full, web and refresh_token are never granted to a machine. */
static const char *machine_scopes(struct arena *arena, const char *scopes)
{
    struct buf out = BUF_INIT;
    size_t len;
    const char *word;
    while ((word = words_next(&scopes, &len))) {
        if (words_have_n("full web refresh_token offline_access", word, len))
            continue;
        if (out.len)
            buf_char(&out, ' ');
        buf_append(&out, word, len);
    }
    const char *kept = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return kept;
}

static void grant_client_credentials(struct call *call)
{
    struct client client;
    struct person person;
    struct org_policy org;
    policies_org(call->site->policies, &org);
    if (!oauth_client(call, &client))
        return;
    const char *scopes = machine_scopes(call->arena, client.app.scopes);
    if (call_at_generic_host(call, &org))
        refuse(call, "request not supported on this domain");
    else if (!client.proved)
        answer_oauth_error(call, "invalid_client", "invalid client credentials");
    else if (!client.app.client_credentials)
        refuse(call, "client credentials flow not enabled");
    else if (!person_named(call, client.app.run_as, &person) || !person.user.active)
        refuse(call, "no client credentials user enabled");
    else if (!*scopes)
        refuse(call, "no valid scopes defined");
    else if (!gate_permits(call, &client.app, &person))
        answer_oauth_error(call, "invalid_app_access", NOT_APPROVED);
    else if (let_in(call, &person, &client.app, DOOR_MACHINE))
        admit(call, &(struct token_wish){.app = &client.app, .person = &person, .scopes = scopes},
              DOOR_MACHINE);
}

/* --- password --- */

static bool password_right(struct call *call, const struct person *person, const struct app *app,
                           const char *password)
{
    if (org_user_check_password(call->site->org, person->user.username, password))
        return true;
    gate_failed(call, &person->user);
    gate_note(call, &person->user, app, DOOR_PASSWORD, "Invalid Password");
    refuse(call, "authentication failure");
    return false;
}

static void grant_password(struct call *call)
{
    struct client client;
    struct person person;
    struct org_policy org;
    const char *username = form_get(call, "username"), *password = form_get(call, "password");
    if (!oauth_client(call, &client))
        return;
    policies_org(call->site->policies, &org);
    if (client.app.external)
        answer_oauth_error(call, "unsupported_grant_type", "grant type not supported");
    else if (client.app.client_secret[0] && !client.proved)
        answer_oauth_error(call, "invalid_client", "invalid client credentials");
    else if (!password || !person_named(call, username, &person))
        refuse(call, "authentication failure");
    else if (!org.allow_password_flow)
        refuse_noted(call, &person.user, &client.app, DOOR_PASSWORD,
                     "Username-Password Flow Disabled", "invalid_grant", "authentication failure");
    else if (let_in(call, &person, &client.app, DOOR_PASSWORD) &&
             password_right(call, &person, &client.app, password))
        admit(call,
              &(struct token_wish){.app = &client.app,
                                   .person = &person,
                                   .scopes = machine_scopes(call->arena, client.app.scopes)},
              DOOR_PASSWORD);
}

/* --- JWT bearer --- */

static bool same_url(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    n -= n && a[n - 1] == '/';
    m -= m && b[m - 1] == '/';
    return n == m && memcmp(a, b, n) == 0;
}

static bool audience_ok(struct call *call, const char *aud)
{
    struct org_policy org;
    if (!aud)
        return false;
    policies_org(call->site->policies, &org);
    const char *generic =
        org.sandbox ? "https://test.salesforce.com" : "https://login.salesforce.com";
    return same_url(aud, call->origin) || same_url(aud, call->site->url) ||
           same_url(aud, generic) || text_starts(aud, "http://localhost:") ||
           text_starts(aud, "http://127.0.0.1:");
}

static bool generic_audience(const char *aud)
{
    return aud && (same_url(aud, "https://login.salesforce.com") ||
                   same_url(aud, "https://test.salesforce.com"));
}

/* Seconds as a number, as a text, or milliseconds: all three are in use and
 * accepted (salesforce-auth 1.4). */
static bool still_valid(struct call *call, const struct json *exp)
{
    int64_t at = json_int(exp, 0), now_ms = call->site->world->now_ms(call->site->world);
    if (at > 100000000000LL)
        at /= 1000;
    return at + SKEW_S >= now_ms / 1000;
}

/* Is the assertion one this app could have made? Answers when not. */
static bool assertion_ok(struct call *call, const struct jwt *jwt, struct app *app)
{
    const char *aud = json_get_text(jwt->payload, "aud");
    struct org_policy org;
    policies_org(call->site->policies, &org);
    if (!gate_find_app(call, json_get_text(jwt->payload, "iss"), app)) {
        answer_oauth_error(call, "invalid_client_id", "client identifier invalid");
        return false;
    }
    if (app->blocked) {
        answer_oauth_error(call, "app_blocked", "this app is blocked by admin");
        return false;
    }
    /* External Client Apps want the org's own domain, in host and audience. */
    bool generic = call_at_generic_host(call, &org) || generic_audience(aud);
    if (app->external && (!app->installed || generic)) {
        answer_oauth_error(call, "app_not_found",
                           "External client app is not installed in this org");
        return false;
    }
    if (!audience_ok(call, aud)) {
        refuse(call, "audience is invalid");
        return false;
    }
    if (!still_valid(call, json_get(jwt->payload, "exp")) ||
        !(app->accept_any_key || (app->certificate[0] && jwt_verify(jwt, app->certificate)))) {
        refuse(call, "invalid assertion");
        return false;
    }
    return true;
}

static void grant_jwt(struct call *call)
{
    struct jwt jwt;
    struct app app;
    struct person person;
    const char *assertion = form_get(call, "assertion"), *subject;
    if (!assertion || !jwt_parse(call->arena, assertion, &jwt)) {
        refuse(call, "invalid assertion");
        return;
    }
    if (!assertion_ok(call, &jwt, &app))
        return;
    subject = json_get_text(jwt.payload, "prn");
    if (!subject)
        subject = json_get_text(jwt.payload, "sub");
    bool admin = strcmp(app.permitted_users, "admin") == 0;
    if (!person_named(call, subject, &person))
        refuse(call, "user hasn't approved this consumer");
    else if (!gate_permits(call, &app, &person))
        answer_oauth_error(call, "invalid_app_access", NOT_APPROVED);
    else if (!admin && !app.accept_any_key &&
             !grants_approved(call->site->grants, person.user.id, app.client_id, ""))
        refuse(call, "user hasn't approved this consumer");
    else if (let_in(call, &person, &app, DOOR_JWT))
        admit(call, &(struct token_wish){.app = &app, .person = &person, .scopes = app.scopes},
              DOOR_JWT);
}

static const struct {
    const char *name;
    route_fn *run;
} grant_types[] = {
    {"authorization_code", grant_code},
    {"refresh_token", grant_refresh},
    {"client_credentials", grant_client_credentials},
    {"password", grant_password},
    {"urn:ietf:params:oauth:grant-type:jwt-bearer", grant_jwt},
};

void oauth_token(struct call *call)
{
    const char *name = form_get(call, "grant_type");
    for (size_t i = 0; name && i < sizeof grant_types / sizeof *grant_types; i++)
        if (strcmp(grant_types[i].name, name) == 0) {
            grant_types[i].run(call);
            return;
        }
    answer_oauth_error(call, "unsupported_grant_type", "grant type not supported");
}

/* --- the end of a token, and what is known of one --- */

void oauth_revoke(struct call *call)
{
    const char *token = form_get(call, "token");
    if (token && (grants_close_session(call->site->grants, token) ||
                  grants_revoke_refresh(call->site->grants, token))) {
        answer_empty(call, 200);
        site_save(call->site);
    } else if (token && text_starts(token, "5Aep")) {
        answer_oauth_plain(call, "invalid_token", "invalid token");
    } else {
        answer_oauth_plain(call, "unsupported_token_type", "this token type is not supported");
    }
}

/* What is told of a live token of either kind (help page of the endpoint: "an OAuth
 * 2.0 access or refresh token"); asking uses neither. */
struct introspected {
    const char *type, *scopes, *username, *user_id;
    int64_t issued_ms, expires_ms; /* expires 0 = by policy, not by time */
};

static bool introspect_access(struct call *call, const char *token, const struct app *app,
                              struct introspected *out)
{
    struct session session;
    if (!grants_session(call->site->grants, token, call_now(call), false, &session) ||
        strcmp(session.client_id, app->client_id) != 0)
        return false;
    *out = (struct introspected){.type = "access_token",
                                 .scopes = arena_strdup(call->arena, session.scopes),
                                 .username = arena_strdup(call->arena, session.username),
                                 .user_id = arena_strdup(call->arena, session.user_id),
                                 .issued_ms = session.created_ms,
                                 .expires_ms = session.used_ms + session.timeout_ms};
    return true;
}

static bool introspect_refresh(struct call *call, const char *token, const struct app *app,
                               struct introspected *out)
{
    struct refresh refresh;
    if (!grants_refresh_look(call->site->grants, token, &refresh) ||
        strcmp(refresh.client_id, app->client_id) != 0 ||
        refresh_expired(app, &refresh, call_now(call)))
        return false;
    *out = (struct introspected){.type = "refresh_token",
                                 .scopes = arena_strdup(call->arena, refresh.scopes),
                                 .username = arena_strdup(call->arena, refresh.username),
                                 .user_id = arena_strdup(call->arena, refresh.user_id),
                                 .issued_ms = refresh.created_ms};
    return true;
}

void oauth_introspect(struct call *call)
{
    struct client client;
    struct introspected told;
    struct jw w;
    const char *token = form_get(call, "token");
    if (!oauth_client(call, &client))
        return;
    if (!client.proved && client.app.client_secret[0]) {
        answer_oauth_error(call, "invalid_client", "invalid client credentials");
        return;
    }
    bool active = token && (introspect_access(call, token, &client.app, &told) ||
                            introspect_refresh(call, token, &client.app, &told));
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_bool(&w, "active", active);
    if (active) {
        jw_kv_text(&w, "scope", told.scopes);
        jw_kv_text(&w, "client_id", client.app.client_id);
        jw_kv_text(&w, "username", told.username);
        jw_kv_text(&w, "sub",
                   arena_printf(call->arena, "%s/id/%s/%s", call->origin, org_id18(call->site->org),
                                told.user_id));
        jw_kv_text(&w, "token_type", told.type);
        if (told.expires_ms)
            jw_kv_int(&w, "exp", told.expires_ms / 1000);
        jw_kv_int(&w, "iat", told.issued_ms / 1000);
        jw_kv_int(&w, "nbf", told.issued_ms / 1000);
    }
    jw_end_object(&w);
    answer_header(call, "Cache-Control", "no-store");
}
