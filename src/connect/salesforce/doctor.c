/* doctor.c - why a connection does not work, or that it does.
 *
 * Checks run from cheap to costly (salesforce-auth 4.6): address, network, the
 * clock, the sign-in service, the app, then token, user, scopes, API, limits,
 * session, org, sign-in history, and at last the objects and fields that the
 * tables need. A check that cannot be made says "unknown" and why; one that
 * fails says what was seen, what it means, which Setup page and whose job. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"
#include "base/uri.h"
#include "base/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKEW_MOST_MS    (120 * 1000)
#define SESSION_LEAST_S (15 * 60)

/* ------------------------------------------------------------- findings */

const char *sf_fixer(const char *fix)
{
    if (text_blank(fix))
        return NULL;
    if (strstr(fix, "Salesforce Support"))
        return "Salesforce Support, asked by an administrator of the org";
    if (strstr(fix, "Setup"))
        return "a Salesforce administrator of the org";
    if (strcasestr(fix, "connect again") || strstr(fix, "sign-in again"))
        return "the OAuth user, with argil connect";
    return "whoever runs Argil";
}

struct crm_finding *sf_finding(struct arena *arena, struct crm_findings *out, const char *check,
                               enum crm_verdict verdict, const struct err *why, const char *fmt,
                               ...)
{
    va_list args;
    if (out->count % 16 == 0) {
        struct crm_finding *bigger = arena_array(arena, out->count + 16, sizeof *bigger);
        if (out->count)
            memcpy(bigger, out->items, out->count * sizeof *bigger);
        out->items = bigger;
    }
    struct crm_finding *new = &out->items[out->count++];
    va_start(args, fmt);
    *new = (struct crm_finding){
        .check = check, .verdict = verdict, .evidence = arena_vprintf(arena, fmt, args)};
    va_end(args);
    if (why && why->cause[0])
        new->cause = arena_strdup(arena, why->cause);
    if (why && why->hint[0])
        new->fix = arena_strdup(arena, why->hint);
    new->who = sf_fixer(new->fix);
    return new;
}

struct doctor {
    struct world *world;
    struct arena *arena;
    const struct connection *connection;
    struct crm_findings *out;
    struct sf *sf;
    const char *origin; /* where people and programs sign in */
    bool stop;          /* what follows could not succeed */
};

#define FOUND(d, check, verdict, why, ...)                                                         \
    sf_finding((d)->arena, (d)->out, check, verdict, why, __VA_ARGS__)

static void failed(struct doctor *d, const char *check, const struct err *err)
{
    FOUND(d, check, CRM_FAILED, err, "%s", err->message);
}

static void advise(struct doctor *d, struct crm_finding *finding, const char *cause,
                   const char *fix)
{
    (void)d;
    finding->cause = cause;
    finding->fix = fix;
    finding->who = sf_fixer(fix);
}

/* A GET without a token. OK with any status. */
static enum status get(struct doctor *d, const char *path, struct http_response *response,
                       struct err *err)
{
    struct http_header accept = {"Accept", "application/json", NULL};
    struct http_request request = {.url = arena_printf(d->arena, "%s%s", d->origin, path),
                                   .headers = &accept,
                                   .timeout_ms = 20000,
                                   .max_body = MIB};
    memset(response, 0, sizeof *response);
    return http_send(d->sf->http, &request, response, err);
}

/* ------------------------------------------------ address, network, clock */

static void check_address(struct doctor *d)
{
    const char *url = d->connection->login_url;
    struct err err = {0};
    d->origin = sf_host_origin(d->arena, url, &err);
    if (!d->origin) {
        failed(d, "address", &err);
        d->stop = true;
        return;
    }
    if (sf_host_check(url, NULL) == SF_LOCAL) {
        FOUND(d, "address", CRM_PASS, NULL, "%s is on this machine (localorg)", d->origin);
    } else if (text_ends(d->origin, "//login.salesforce.com") ||
               text_ends(d->origin, "//test.salesforce.com")) {
        advise(d,
               FOUND(d, "address", CRM_WARN, NULL, "%s serves every %s", d->origin,
                     strstr(d->origin, "//test.") ? "sandbox" : "production org"),
               "The org is the one of whoever signs in: a browser signed in elsewhere leads there, "
               "External Client Apps and client credentials are refused, and a My Domain policy "
               "may forbid it.",
               "Connect again with --url and the org's My Domain: Setup, My Domain, \"Current My "
               "Domain URL\".");
    } else {
        FOUND(d, "address", CRM_PASS, NULL, "%s is a host of Salesforce's (%s)", d->origin,
              strstr(d->origin, ".sandbox.my.") || strstr(d->origin, "--") ? "sandbox My Domain"
                                                                           : "My Domain");
    }
}

static void network_failed(struct doctor *d, const struct err *err)
{
    struct crm_finding *f = FOUND(d, "network", CRM_FAILED, NULL, "%s", err->message);
    d->stop = true;
    if (err_is(err, ERR_HTTP_RESOLVE))
        advise(d, f,
               "The host name is not known: mistyped, a My Domain that was renamed, or a "
               "sandbox that was deleted or refreshed; or this server has no DNS.",
               "Check the address in a browser: Setup, My Domain shows the present one. Then this "
               "server's DNS.");
    else if (err_is(err, ERR_HTTP_TLS))
        advise(d, f,
               "The certificate was not accepted: a proxy opens TLS, or this server's "
               "certificates or clock are old.",
               "Let traffic to *.salesforce.com pass the proxy unopened; update ca-certificates; "
               "check the clock.");
    else
        advise(d, f, "A firewall or proxy, or Salesforce is not reachable.",
               "Allow https (443) from this server to *.salesforce.com and *.force.com; see "
               "status.salesforce.com.");
}

static void check_clock(struct doctor *d, const struct http_response *response)
{
    const char *date = http_header_get(response->headers, "Date");
    int64_t theirs;
    if (!date || !when_parse_http(date, &theirs)) {
        FOUND(d, "clock", CRM_UNSURE, NULL, "the server sent no Date");
        return;
    }
    int64_t skew = d->world->now_ms(d->world) - theirs;
    if ((skew < 0 ? -skew : skew) <= SKEW_MOST_MS)
        FOUND(d, "clock", CRM_PASS, NULL, "within %" PRId64 " s of the server's",
              ((skew < 0 ? -skew : skew) + 999) / 1000);
    else
        advise(d,
               FOUND(d, "clock", CRM_FAILED, NULL, "this machine is %" PRId64 " s %s",
                     (skew < 0 ? -skew : skew) / 1000, skew > 0 ? "ahead" : "behind"),
               "Signed assertions and codes are valid for minutes: a wrong clock spoils them.",
               "Set the clock, for example with systemd-timesyncd or chrony.");
}

static void check_network(struct doctor *d)
{
    struct http_response response;
    struct err err = {0};
    if (get(d, "/services/data/", &response, &err) != OK) {
        network_failed(d, &err);
    } else if (response.status == 200 && buf_text(&response.body)[0] == '[') {
        FOUND(d, "network", CRM_PASS, NULL, "DNS, TLS and HTTP work, %" PRId64 " ms",
              response.took_ms);
        check_clock(d, &response);
    } else {
        struct crm_finding *f =
            FOUND(d, "network", CRM_FAILED, NULL, "%s answered %d instead of its API versions",
                  d->origin, response.status);
        d->stop = true;
        if (response.status == 420)
            advise(d, f,
                   "Salesforce has no route to this host: the org is new, was moved or renamed.",
                   "Wait some minutes; then check Setup, My Domain for the present address.");
        else if (response.status >= 500)
            advise(d, f, "Maintenance or overload.", "Try again; see status.salesforce.com.");
        else
            advise(d, f, "A proxy answered instead, or the address serves pages and no API.",
                   "Use the My Domain address: Setup, My Domain, \"Current My Domain URL\".");
    }
    http_response_free(&response);
}

static void check_service(struct doctor *d)
{
    struct http_response response;
    struct err err = {0};
    bool ok = get(d, "/.well-known/openid-configuration", &response, &err) == OK;
    const struct json *body = ok ? json_parse_buf(d->arena, &response.body, &err) : NULL;
    const char *issuer = json_get_text(body, "issuer");
    if (ok && response.status == 200 && issuer)
        FOUND(d, "sign-in service", CRM_PASS, NULL, "issuer %s", issuer);
    else
        FOUND(d, "sign-in service", CRM_UNSURE, NULL, "no OpenID configuration (%d)",
              response.status);
    http_response_free(&response);
}

/* The sign-in page refuses a wrong key at once, before anybody signs in. */
static void check_app(struct doctor *d)
{
    struct http_response response;
    struct err err = {0};
    struct buf path = BUF_INIT;
    if (text_blank(d->connection->client_id))
        return;
    buf_str(&path, "/services/oauth2/authorize?");
    struct buf query = BUF_INIT;
    uri_pair_add(&query, "response_type", "code");
    uri_pair_add(&query, "client_id", d->connection->client_id);
    uri_pair_add(&query, "redirect_uri", "http://127.0.0.1:1/callback");
    uri_pair_add(&query, "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    buf_str(&path, buf_text(&query));
    bool sent = get(d, buf_text(&path), &response, &err) == OK;
    struct uri_pair *pairs =
        sent ? uri_pairs(d->arena, response.body.data ? response.body.data : "", response.body.len)
             : NULL;
    const char *code = response.status == 400 ? uri_pair_get(pairs, "error") : NULL;
    if (!sent)
        FOUND(d, "app", CRM_UNSURE, NULL, "the sign-in page did not answer: %s", err.message);
    else if (text_eq(code, "invalid_client_id") || text_eq(code, "invalid_client")) {
        err_set(&err, code, "the org does not know the consumer key");
        sf_explain_oauth(&err, code, uri_pair_get(pairs, "error_description"));
        failed(d, "app", &err);
    } else {
        FOUND(d, "app", CRM_PASS, NULL, "the org knows the consumer key");
    }
    buf_free(&path);
    buf_free(&query);
    http_response_free(&response);
}

/* ------------------------------------------------------ token, user, scopes */

/* userinfo with the token in hand; *status 0 when nothing came back. */
static const struct json *userinfo(struct doctor *d, int *status, struct err *err)
{
    struct sf_call call = {.path = "/services/oauth2/userinfo", .uncounted = true};
    struct http_response response;
    const struct json *body = NULL;
    struct err ignored = {0};
    *status = 0;
    if (sf_send(d->sf, &call, &response, err) == OK) {
        *status = response.status;
        if (response.status == 200)
            body = json_parse_buf(d->arena, &response.body, &ignored);
    }
    http_response_free(&response);
    return body;
}

static const struct json *check_token(struct doctor *d)
{
    struct err err = {0};
    int status = 401;
    const struct json *info = secret_is_set(&d->sf->access) ? userinfo(d, &status, &err) : NULL;
    if (info) {
        FOUND(d, "token", CRM_PASS, NULL, "accepted");
        return info;
    }
    if (status == 0 || (status != 401 && status != 403)) {
        FOUND(d, "token", CRM_UNSURE, &err, "userinfo answered %d", status);
        return NULL;
    }
    err_clear(&err);
    if (sf_refresh(d->sf, &err) != OK) {
        d->stop = true;
        failed(d, "token", &err);
        return NULL;
    }
    info = userinfo(d, &status, &err);
    if (info) {
        FOUND(d, "token", CRM_PASS, NULL, "had expired and was renewed");
        return info;
    }
    struct crm_finding *f =
        FOUND(d, "token", CRM_FAILED, NULL, "a token renewed just now was refused (%d)", status);
    advise(d, f,
           "Sessions are locked to the IP address they began at and this server's changes; or the "
           "sandbox was refreshed; or the instance moved.",
           "Setup, Session Settings: untick \"Lock sessions to the IP address from which they "
           "originated\".");
    return NULL;
}

static void check_user(struct doctor *d, const struct json *info)
{
    const char *name = json_get_text(info, "preferred_username");
    const char *org = sf_id_dup(d->arena, json_get_text(info, "organization_id"));
    bool machine = crm_grant_mints(d->sf->grant);
    if (!info)
        return;
    if (!json_get_bool(info, "active", true))
        advise(d, FOUND(d, "user", CRM_FAILED, NULL, "%s is not active", name),
               "The user was deactivated.",
               "Setup, Users: activate the user, or connect as another.");
    else if (json_get_bool(info, "is_salesforce_integration_user", false) && !machine)
        advise(d, FOUND(d, "user", CRM_WARN, NULL, "%s has an integration licence", name),
               "API-only users cannot finish a browser sign-in: reconnecting will fail with "
               "OAUTH_APPROVAL_ERROR_GENERIC.",
               "Connect again with --client-credentials or --jwt-key-file.");
    else
        FOUND(d, "user", CRM_PASS, NULL, "%s, active", name ? name : d->connection->username);
    if (org && d->connection->org_id && !text_eq(org, d->connection->org_id))
        advise(d,
               FOUND(d, "org", CRM_FAILED, NULL, "the token is of org %s, the connection of %s",
                     org, d->connection->org_id),
               "The sandbox was refreshed, or the login host belongs to another org.",
               "Connect again.");
    if (!json_get_bool(info, "is_app_installed", true))
        advise(d, FOUND(d, "app installed", CRM_WARN, NULL, "the app is not installed in the org"),
               "It works for users who approved it or may approve uninstalled apps; others get "
               "OAUTH_APPROVAL_ERROR_GENERIC.",
               "Setup, Connected Apps OAuth Usage: Install beside the app.");
    else
        FOUND(d, "app installed", CRM_PASS, NULL, "installed in the org");
}

static void check_scopes(struct doctor *d)
{
    const char *granted = d->connection->scopes;
    const char *asked = sf_signin_scopes(d->sf->grant);
    if (text_blank(granted)) {
        FOUND(d, "scopes", CRM_UNSURE, NULL, "not told: an access token was given");
    } else {
        const char *missing = sf_scopes_missing(d->arena, asked, granted);
        if (!missing)
            FOUND(d, "scopes", CRM_PASS, NULL, "asked %s; granted %s", asked, granted);
        else
            advise(d,
                   FOUND(d, "scopes", strstr(missing, "api") ? CRM_FAILED : CRM_WARN, NULL,
                         "not granted: %s", missing),
                   "The app's Selected OAuth Scopes do not include it.",
                   "Setup, App Manager, the app, Edit, Selected OAuth Scopes: add it, wait ten "
                   "minutes, connect again.");
    }
    if (crm_grant_mints(d->sf->grant) || secret_is_set(&d->sf->refresh))
        FOUND(d, "renewal", CRM_PASS, NULL, "renews itself: %s", crm_grant_name(d->sf->grant));
    else
        advise(d, FOUND(d, "renewal", CRM_WARN, NULL, "no refresh token: ends with the session"),
               "An access token was given, or the app lacks the scope refresh_token.",
               "Connect again through the browser, with --client-credentials or --jwt-key-file.");
}

/* --------------------------------------------------- API, limits, session */

static void check_limits(struct doctor *d, const struct json *body)
{
    const struct json *daily = json_get(body, "DailyApiRequests");
    int64_t most = json_get_int(daily, "Max", 0), left = json_get_int(daily, "Remaining", 0);
    if (most <= 0)
        FOUND(d, "daily calls", CRM_UNSURE, NULL, "the org does not tell its limit");
    else if (left * 5 >= most)
        FOUND(d, "daily calls", CRM_PASS, NULL, "%" PRId64 " of %" PRId64 " left", left, most);
    else
        advise(d,
               FOUND(d, "daily calls", left > 0 ? CRM_WARN : CRM_FAILED, NULL,
                     "%" PRId64 " of %" PRId64 " left", left, most),
               "All programs of the org share the calls of a rolling 24 hours.",
               "Wait, or ask who uses them: Setup, Company Information, API Requests. More can be "
               "bought.");
}

static bool check_api(struct doctor *d)
{
    struct sf_call call = {.path = "/limits"};
    const struct json *body = NULL;
    struct err err = {0};
    if (sf_read(d->sf, &call, d->arena, &body, &err) == OK) {
        FOUND(d, "REST API", CRM_PASS, NULL, "answers as %s", d->sf->version);
        check_limits(d, body);
        return true;
    }
    if (strstr(err.message, "limits resource is not enabled")) {
        FOUND(d, "daily calls", CRM_UNSURE, NULL,
              "the user may not see limits (View Setup and Configuration)");
        return true;
    }
    bool limit = err_is(&err, ERR_CRM_LIMIT);
    if (err_is(&err, ERR_CRM_NOT_ADMITTED) && !err.cause[0])
        sf_explain(&err, "INVALID_SESSION_ID", err.message, NULL, NULL);
    failed(d, limit ? "daily calls" : "REST API", &err);
    return false;
}

/* Only the app itself may ask, with its key and secret. */
static void check_session(struct doctor *d)
{
    struct http_header type = {"Content-Type", "application/x-www-form-urlencoded", NULL};
    struct http_response response = {0};
    struct err err = {0};
    struct buf form = BUF_INIT;
    if (!secret_is_set(&d->sf->client_secret)) {
        FOUND(d, "session policy", CRM_UNSURE, NULL,
              "only an app with a consumer secret may ask for the session's length");
        return;
    }
    uri_pair_add(&form, "token", secret_reveal(&d->sf->access));
    uri_pair_add(&form, "token_type_hint", "access_token");
    uri_pair_add(&form, "client_id", d->connection->client_id ? d->connection->client_id : "");
    uri_pair_add(&form, "client_secret", secret_reveal(&d->sf->client_secret));
    struct http_request request = {
        .method = "POST",
        .url = arena_printf(d->arena, "%s/services/oauth2/introspect", d->origin),
        .headers = &type,
        .body = form.data,
        .body_len = form.len,
        .timeout_ms = 20000,
        .max_body = MIB,
        .secret_hint = secret_hint(&d->sf->access)};
    const struct json *body = NULL;
    if (http_send(d->sf->http, &request, &response, &err) == OK && response.status == 200)
        body = json_parse_buf(d->arena, &response.body, &err);
    int64_t left = json_get_int(body, "exp", 0) - d->world->now_ms(d->world) / 1000;
    if (!json_get_bool(body, "active", false))
        FOUND(d, "session policy", CRM_UNSURE, NULL, "the org does not tell");
    else if (left >= SESSION_LEAST_S - 60)
        FOUND(d, "session policy", CRM_PASS, NULL,
              "the session lasts %" PRId64 " minutes when idle", (left + 59) / 60);
    else
        advise(d,
               FOUND(d, "session policy", CRM_WARN, NULL, "the session lasts only %" PRId64 " s",
                     left),
               "A very short timeout means many sign-ins; 3,600 an hour are allowed.",
               "Setup, Session Settings, Timeout Value, or the app's Session Policies: two hours.");
    buf_wipe(&form);
    http_response_free(&response);
}

/* ------------------------------------------- environment, licence, history */

static void check_environment(struct doctor *d)
{
    struct crm_identity who;
    struct err err = {0};
    if (sf_identity(&d->sf->crm, d->arena, &who, &err) != OK) {
        FOUND(d, "environment", CRM_UNSURE, &err, "%s", err.message);
        return;
    }
    const char *now = d->sf->local ? "local" : who.sandbox ? "sandbox" : "production";
    const char *then = d->connection->environment;
    if (text_blank(then) || text_eq(now, then))
        FOUND(d, "environment", CRM_PASS, NULL, "%s: %s, %s", now,
              who.org_name ? who.org_name : "?", who.edition ? who.edition : "edition not told");
    else
        advise(d, FOUND(d, "environment", CRM_FAILED, NULL, "was %s, is %s", then, now),
               "The org behind the address has changed.", "Connect again under another name.");
    if (who.profile)
        FOUND(d, "licence", CRM_PASS, NULL, "profile %s, licence %s", who.profile,
              who.licence ? who.licence : "not told");
    else
        FOUND(d, "licence", CRM_UNSURE, NULL, "the user may not read its profile");
}

static const struct {
    const char *status, *cause, *fix;
} logins[] = {
    {"Restricted IP", "The profile's Login IP Ranges do not hold the address it came from.",
     "Setup, Profiles, the user's profile, Login IP Ranges: add it; or the app's IP Relaxation: "
     "Relax "
     "IP restrictions."},
    {"Restricted time", "The profile's Login Hours were over.",
     "Setup, Profiles, the user's profile, Login Hours."},
    {"Restricted domain", "The org lets people in only at its My Domain.",
     "Connect again with --url and the My Domain: Setup, My Domain."},
    {"frozen", "The user is frozen.", "Setup, Users, the user: Unfreeze."},
    {"inactive", "The user is inactive.", "Setup, Users: activate the user."},
    {"API-only", "API-only users cannot sign in through the browser.",
     "Connect again with --client-credentials or --jwt-key-file."},
    {"lockout", "Too many wrong passwords.", "Setup, Users, the user: Unlock."},
    {"rate exceeded", "More than 3,600 sign-ins in an hour.", "Wait an hour."},
    {"not installed", "The app's package is not installed in the org.",
     "Setup, Connected Apps OAuth Usage: Install beside the app."},
};

static void check_history(struct doctor *d)
{
    struct sf_query query = {
        .soql =
            arena_printf(d->arena,
                         "SELECT LoginTime, Status, SourceIp, Application FROM LoginHistory WHERE "
                         "UserId = '%s' ORDER BY LoginTime DESC LIMIT 10",
                         d->connection->user_id ? d->connection->user_id : "")};
    struct sf_rows rows;
    struct err err = {0};
    if (sf_query(d->sf, &query, "LoginHistory", d->arena, &rows, &err) != OK) {
        FOUND(d, "sign-in history", CRM_UNSURE, NULL,
              "IP ranges and login hours show in Login History, which this user may not read");
        return;
    }
    json_each(row, rows.records) {
        const char *status = json_get_text(row, "Status");
        if (!status || text_eq(status, "Success"))
            continue;
        struct crm_finding *f =
            FOUND(d, "sign-in history", CRM_WARN, NULL, "%s: %s from %s",
                  json_get_text(row, "LoginTime"), status, json_get_text(row, "SourceIp"));
        for (size_t i = 0; i < sizeof logins / sizeof *logins; i++)
            if (strcasestr(status, logins[i].status))
                advise(d, f, logins[i].cause, logins[i].fix);
        return;
    }
    FOUND(d, "sign-in history", CRM_PASS, NULL, "the last %u sign-ins succeeded",
          rows.records ? rows.records->len : 0);
}

/* ------------------------------------------------------- what tables need */

static void check_duplicates(struct doctor *d, const struct crm_need *needs, size_t count)
{
    struct sf_query query = {.soql = "SELECT SobjectType, MasterLabel FROM DuplicateRule WHERE "
                                     "IsActive = true ORDER BY SobjectType"};
    struct sf_rows rows;
    struct err err = {0};
    if (!count)
        return;
    if (sf_query(d->sf, &query, "DuplicateRule", d->arena, &rows, &err) != OK) {
        FOUND(d, "duplicate rules", CRM_UNSURE, NULL, "the user may not read them");
        return;
    }
    json_each(row, rows.records)
        for (size_t i = 0; i < count; i++)
            if (needs[i].create &&
                text_eq_nocase(needs[i].object, json_get_text(row, "SobjectType")))
                advise(d,
                       FOUND(d, "duplicate rules", CRM_WARN, NULL, "\"%s\" is active on %s",
                             json_get_text(row, "MasterLabel"), needs[i].object),
                       "Creates that look like a duplicate may be refused.",
                       "Wanted in most cases; duplicate_rule_override: true on the column saves "
                       "anyway.");
}

/* ------------------------------------------------------------------ all */

static void check_signed_in(struct doctor *d, const struct crm_need *needs, size_t count)
{
    const struct json *info = check_token(d);
    if (d->stop)
        return;
    check_user(d, info);
    check_scopes(d);
    if (!check_api(d))
        return;
    check_session(d);
    check_environment(d);
    check_history(d);
    sf_check_needs(&d->sf->crm, d->arena, needs, count, d->out);
    check_duplicates(d, needs, count);
}

static bool tokens_ready(struct doctor *d, const struct crm_token_store *store)
{
    struct crm_tokens tokens = {0};
    struct err err = {0};
    bool ok = store->load(store->ctx, d->arena, &tokens, &err) == OK &&
              sf_use_tokens(d->sf, &tokens, &err) == OK;
    crm_tokens_wipe(&tokens);
    if (!ok)
        failed(d, "vault", &err);
    return ok;
}

void sf_doctor(struct world *world, struct arena *arena, const struct connection *connection,
               const struct crm_token_store *tokens, const struct crm_need *needs,
               size_t need_count, struct crm_findings *out)
{
    struct doctor d = {.world = world, .arena = arena, .connection = connection, .out = out};
    struct err err = {0};
    *out = (struct crm_findings){0};
    check_address(&d);
    if (d.stop)
        return;
    d.sf = sf_new(world, connection, tokens, &err);
    if (!d.sf) {
        failed(&d, "address", &err);
        return;
    }
    check_network(&d);
    if (!d.stop)
        check_service(&d);
    if (!d.stop)
        check_app(&d);
    if (!d.stop && tokens && tokens_ready(&d, tokens))
        check_signed_in(&d, needs, need_count);
    sf_free(d.sf);
}
