/* gate.c - the order in which people, addresses, hours and apps are looked at.
 * See gate.h; texts are Salesforce's own (salesforce-auth 2), those no source gives
 * are marked in docs/localorg/fidelity.md. */
#include "localorg/rest/gate.h"

#include "localorg/org/access.h"
#include "localorg/rest/logins.h"
#include "localorg/rest/oauth.h"
#include "localorg/rest/ranges.h"
#include "localorg/rest/turnstile.h"
#include "localorg/soql/zone.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define EXPIRED "expired access/refresh token"
#define FAILURE "authentication failure"

/* --- who --- */

void gate_person(struct site *site, const struct org_user *user, struct person *out)
{
    char licence[80];
    unsigned permissions = org_permissions(site->org, user->id);
    org_user_licence(site->org, user->id, licence);
    memset(out, 0, sizeof *out);
    out->user = *user;
    out->policy = (struct user_policy){
        .api_enabled = permissions & PERMIT_API,
        .api_only = permissions & PERMIT_API_ONLY,
        .single_sign_on = permissions & PERMIT_SSO,
        .use_any_api_client = permissions & PERMIT_ANY_CLIENT,
        .approve_uninstalled = permissions & PERMIT_UNINSTALLED_APPS,
        .integration_licence = strcmp(licence, "Salesforce Integration") == 0,
    };
    policies_user(site->policies, user->username, &out->policy);
    org_user_profile(site->org, user->id, out->profile_name);
    policies_profile(site->policies, out->profile_name, &out->profile);
}

/* --- where --- */

const char *call_peer(const struct call *call)
{
    const char *peer = call->in->peer ? call->in->peer : "";
    const char *forwarded = call_header(call, "X-Forwarded-For");
    struct org_policy org;
    if (!forwarded)
        return peer;
    policies_org(call->site->policies, &org);
    if (!org.trust_forwarded_for)
        return peer;
    forwarded += strspn(forwarded, " ");
    return arena_strndup(call->arena, forwarded, strcspn(forwarded, ", "));
}

static const char *host_of(const struct call *call)
{
    const char *host = call_header(call, "Host");
    return host ? host : "";
}

bool call_at_generic_host(const struct call *call, const struct org_policy *org)
{
    const char *host = host_of(call);
    size_t name = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    return org->my_domain[0] && !words_have(org->my_domain, host) &&
           !words_have_n(org->my_domain, host, name);
}

const char *call_instance(struct call *call)
{
    struct org_policy org;
    policies_org(call->site->policies, &org);
    const char *scheme = text_starts(call->origin, "https:") ? "https" : "http";
    return org.instance_host[0] ? arena_printf(call->arena, "%s://%s", scheme, org.instance_host)
                                : call->origin;
}

bool gate_moved(struct call *call)
{
    struct org_policy org;
    policies_org(call->site->policies, &org);
    if (!org.instance_host[0] || strcasecmp(org.instance_host, host_of(call)) == 0 ||
        strcmp(org.moved_answer, "serve") == 0)
        return false;
    if (strcmp(org.moved_answer, "401") == 0)
        answer_error(call, 401, "INVALID_SESSION_ID", "Session expired or invalid");
    else if (strcmp(org.moved_answer, "redirect") == 0)
        answer_redirect(call, arena_printf(call->arena, "%s%s%s%s", call_instance(call),
                                           call->in->path, call->in->query ? "?" : "",
                                           call->in->query ? call->in->query : ""));
    else
        answer_text(call, 420, "text/html;charset=UTF-8",
                    "<html><body><h1>420</h1><p>No route to this host.</p></body></html>");
    return true;
}

/* --- address and hour --- */

/* Do the profile's ranges keep this address out, as far as the app lets them? */
static bool address_barred(struct call *call, const struct person *person, const struct app *app,
                           enum door door)
{
    const char *peer = call_peer(call), *relaxation = app ? app->ip_relaxation : "enforce";
    bool out =
        person->policy.ip_restricted ||
        (person->profile.login_ip_ranges[0] && !ranges_have(person->profile.login_ip_ranges, peer));
    if (!out || door == DOOR_JWT) /* assertions are always held to the ranges */
        return out;
    if (strcmp(relaxation, "relax") == 0 ||
        (strcmp(relaxation, "enforce_relax_refresh") == 0 && door == DOOR_REFRESH))
        return false;
    bool web = door == DOOR_BROWSER || door == DOOR_CODE || door == DOOR_REFRESH;
    return !(
        strcmp(relaxation, "relax_activated") == 0 &&
        (person->policy.device_activated || (web && ranges_have(app->trusted_ip_ranges, peer))));
}

static bool hour_barred(struct call *call, const struct person *person)
{
    if (person->policy.login_hours_closed)
        return true;
    if (!person->profile.login_hours[0])
        return false;
    int64_t now = call_now(call);
    int64_t local = now + (int64_t)zone_offset(zone_find(person->user.timezone), now) * 60000;
    int64_t day = local / 86400000;
    int weekday = (int)((day + 4) % 7); /* 1970-01-01 was a Thursday */
    return !hours_have(person->profile.login_hours, weekday, (int)(local % 86400000 / 60000));
}

static bool needs_activation(struct call *call, const struct person *person,
                             const struct org_policy *org)
{
    return org->device_activation && !person->policy.device_activated &&
           !ranges_have(org->trusted_ip_ranges, call_peer(call));
}

/* --- the person --- */

#define BAR(login_status, code, words)                                                             \
    ((struct bar){.status = (login_status), .error = (code), .description = (words)})

static struct bar user_bar(struct call *call, const struct person *person,
                           const struct org_policy *org, enum door door)
{
    struct turnstile *turnstile = call->site->turnstile;
    const char *id = person->user.id;
    bool password = door == DOOR_BROWSER || door == DOOR_PASSWORD || door == DOOR_SOAP;
    if (strcmp(org->status, "locked") == 0)
        return BAR("Organization locked", NULL, "inactive organization");
    if (!person->user.active)
        return BAR("User is inactive", NULL, door == DOOR_PASSWORD ? FAILURE : "inactive user");
    if (person->policy.frozen)
        return BAR("User is frozen", NULL,
                   door == DOOR_REFRESH    ? EXPIRED
                   : door == DOOR_PASSWORD ? FAILURE
                                           : "inactive user");
    if (password &&
        turnstile_locked(turnstile, id, call_now(call), org->lockout_attempts, org->lockout_s))
        return BAR("Password lockout", NULL, FAILURE);
    if (turnstile_busy(turnstile, id, call_now(call), org->logins_per_hour))
        return BAR("Login rate exceeded", NULL, "login rate exceeded");
    if (org->prevent_generic_login && call_at_generic_host(call, org))
        return BAR("Restricted domain", NULL, FAILURE);
    if (password && (person->policy.single_sign_on || org->disable_password_login))
        return BAR("Invalid Password", NULL, FAILURE);
    if ((door == DOOR_BROWSER || door == DOOR_USER_AGENT) &&
        (person->policy.api_only || person->policy.integration_licence))
        return BAR("Failed: API-only user", NULL, FAILURE);
    return (struct bar){0};
}

struct bar gate_bar(struct call *call, const struct person *person, const struct app *app,
                    enum door door)
{
    struct org_policy org;
    policies_org(call->site->policies, &org);
    struct bar bar = user_bar(call, person, &org, door);
    if (bar.status)
        return bar;
    if (door == DOOR_REFRESH && app && app->refresh_ip_ranges[0] &&
        !ranges_have(app->refresh_ip_ranges, call_peer(call)))
        return BAR("Failed: IP Address Not Allowed", NULL, "ip restricted");
    if (address_barred(call, person, app, door))
        return BAR("Restricted IP", NULL, "ip restricted");
    if (hour_barred(call, person))
        return BAR("Restricted time", NULL, "ip restricted or invalid login hours");
    if (door == DOOR_BROWSER && needs_activation(call, person, &org))
        return BAR("Failed: Computer activation required", NULL, FAILURE);
    if (app && door != DOOR_BROWSER && strcmp(app->high_assurance, "block") == 0 &&
        !person->policy.second_factor)
        return BAR("Two-factor required", "invalid_session_level", NULL);
    return (struct bar){0};
}

/* --- the app --- */

bool gate_permits(struct call *call, const struct app *app, const struct person *person)
{
    if (strcmp(app->permitted_users, "admin") != 0 ||
        words_have(app->assigned, person->user.username) ||
        names_have(app->profiles, person->profile_name))
        return true;
    for (const char *name = app->permission_sets; *name;) {
        size_t len = strcspn(name, "\n");
        if (org_user_has_set(call->site->org, person->user.id,
                             arena_strndup(call->arena, name, len)))
            return true;
        name += len + (name[len] == '\n');
    }
    return false;
}

bool gate_find_app(struct call *call, const char *client_id, struct app *out)
{
    struct org_policy org;
    if (!policies_app(call->site->policies, client_id, out))
        return false;
    policies_org(call->site->policies, &org);
    return call_now(call) - out->created_ms >= org.app_propagation_s * 1000;
}

#define REFUSE(how, code, words) ((struct refusal){(code), (words), (how)})
#define SORRY                                                                                      \
    REFUSE('P', "OAUTH_APPROVAL_ERROR_GENERIC",                                                    \
           "An unexpected error has occured during authentication. Please try again.")

/* Is it known in this org, and installed where it must be? */
static struct refusal place_refused(const struct person *person, const struct app *app,
                                    const struct org_policy *org, bool approved_before)
{
    bool control = org->api_access_control && !person->policy.use_any_api_client;
    if (app->blocked || (control && !app->installed && !app->external))
        return REFUSE('Q', "OAUTH_APP_BLOCKED", "this app is blocked by admin");
    if (app->external && app->foreign && strcmp(app->distribution, "local") == 0)
        return REFUSE('Q', "OAUTH_AUTHORIZATION_BLOCKED",
                      "Cross-org OAuth flows are not supported for this external client app");
    if (app->external && !app->installed)
        return REFUSE('Q', "OAUTH_EC_APP_NOT_FOUND",
                      "External client app is not installed in this org");
    if (!app->installed && org->block_uninstalled_apps && !approved_before &&
        !person->policy.approve_uninstalled && !person->policy.use_any_api_client)
        return REFUSE('P', "invalid_client", "app must be installed into org");
    return (struct refusal){0};
}

struct refusal gate_app(struct call *call, const struct person *person, const struct app *app,
                        const char *scopes, bool approved_before)
{
    struct org_policy org;
    const char *unknown;
    policies_org(call->site->policies, &org);
    if (strcmp(org.status, "locked") == 0)
        return REFUSE('Q', "inactive_org", "org is locked, closed, or suspended");
    if (!person->user.active)
        return REFUSE('Q', "inactive_user", "user is inactive");
    if (gate_bar(call, person, app, DOOR_BROWSER).status || person->profile.login_flow ||
        strcmp(org.transaction_security, "block") == 0)
        return SORRY;
    struct refusal refusal = place_refused(person, app, &org, approved_before);
    if (refusal.error)
        return refusal;
    if (!gate_permits(call, app, person))
        return REFUSE('Q', "OAUTH_APP_ACCESS_DENIED",
                      "user is not admin approved to access this app");
    if (strcmp(app->high_assurance, "block") == 0 && !person->policy.second_factor)
        return REFUSE('P', "invalid_session_level", "invalid session level");
    if (!oauth_scopes_ok(call->arena, app, scopes, &unknown))
        return REFUSE('P', "invalid_scope", "the requested scope is not allowed");
    return (struct refusal){0};
}

/* --- notes --- */

void gate_failed(struct call *call, const struct org_user *user)
{
    turnstile_wrong(call->site->turnstile, user->id, call_now(call));
}

void gate_note(struct call *call, const struct org_user *user, const struct app *app,
               enum door door, const char *status)
{
    static const char *const sub_types[] = {
        [DOOR_BROWSER] = NULL,
        [DOOR_CODE] = "OauthWebServer",
        [DOOR_USER_AGENT] = "OauthUserAgent",
        [DOOR_REFRESH] = "OauthRefreshToken",
        [DOOR_JWT] = "OauthJwtBearer",
        [DOOR_PASSWORD] = "OauthUsernamePassword",
        [DOOR_MACHINE] = "OauthClientCredentials",
        [DOOR_SOAP] = NULL,
    };
    const char *agent = call_header(call, "User-Agent");
    struct login login = {.user_id = user->id,
                          .at_ms = call_now(call),
                          .type = door == DOOR_BROWSER ? "Application"
                                  : door == DOOR_SOAP ? "Other Apex API"
                                                      : "Remote Access 2.0",
                          .sub_type = sub_types[door],
                          .url = host_of(call),
                          .source_ip = call_peer(call),
                          .status = status,
                          .application = app ? app->name : "Browser",
                          .browser = agent ? agent : "Unknown"};
    if (strcmp(status, "Success") == 0)
        turnstile_pass(call->site->turnstile, user->id, login.at_ms,
                       door == DOOR_BROWSER || door == DOOR_PASSWORD || door == DOOR_SOAP);
    logins_add(call->site->org, &login);
}

/* --- sessions --- */

int64_t gate_timeout_s(struct call *call, const struct person *person, const struct app *app)
{
    struct org_policy org;
    policies_org(call->site->policies, &org);
    if (app && app->session_timeout_s)
        return app->session_timeout_s;
    return person->profile.session_timeout_s ? person->profile.session_timeout_s
                                             : org.session_timeout_s;
}

static bool refuse_session(struct call *call, const char *message)
{
    answer_header(call, "WWW-Authenticate", "Token");
    answer_error(call, 401, "INVALID_SESSION_ID", "%s", message);
    return false;
}

/* Does the session belong to where it is used, and to somebody who still may? */
static bool session_holds(struct call *call, const struct org_policy *org,
                          const struct person *person)
{
    const struct session *session = &call->session;
    if (!person->user.active || person->policy.frozen)
        return false;
    if (org->lock_sessions_to_ip && strcmp(session->peer, call_peer(call)) != 0)
        return false;
    if (org->lock_sessions_to_domain && session->host[0] &&
        strcasecmp(session->host, host_of(call)) != 0)
        return false;
    return !(org->enforce_ip_every_request && person->profile.login_ip_ranges[0] &&
             !ranges_have(person->profile.login_ip_ranges, call_peer(call)));
}

static bool org_admits(struct call *call, const struct org_policy *org)
{
    if (strcmp(org->status, "locked") == 0)
        answer_error(call, 403, "ORG_LOCKED", "The organization has been locked.");
    else if (!org->api_enabled)
        answer_error(call, 403, "API_DISABLED_FOR_ORG",
                     "The REST API is not enabled for this Organization.");
    else if (strcmp(org->transaction_security, "block") == 0)
        answer_error(call, 403, "TXN_SECURITY_NO_ACCESS",
                     "The operation you requested was blocked by a security policy.");
    else if (strcmp(org->transaction_security, "metering") == 0)
        answer_error(call, 403, "TXN_SECURITY_METERING_ERROR",
                     "We can't complete the action because enabled transaction security policies "
                     "took too long to complete.");
    else
        return true;
    return false;
}

bool gate_session(struct call *call)
{
    struct org_policy org;
    struct org_user user;
    struct person person;
    struct app app = {{0}};
    const struct session *session = &call->session;
    if (!session->token[0] || !org_user_by_id(call->site->org, session->user_id, &user))
        return refuse_session(call, "Session expired or invalid");
    policies_org(call->site->policies, &org);
    gate_person(call->site, &user, &person);
    if (!session_holds(call, &org, &person))
        return refuse_session(call, "Session expired or invalid");
    if (!org_admits(call, &org))
        return false;
    bool known = policies_app(call->site->policies, session->client_id, &app);
    bool access_control = org.api_access_control && !person.policy.use_any_api_client &&
                          !(known && app.installed && !app.blocked);
    bool level = person.policy.high_assurance || person.profile.high_assurance;
    if (!scope_covers(session->scopes, "api") || (level && !session->high_assurance) ||
        access_control)
        return refuse_session(call, "This session is not valid for use with the REST API");
    if (!person.policy.api_enabled) {
        answer_error(call, 403, "API_CURRENTLY_DISABLED", "API is disabled for this User");
        return false;
    }
    return true;
}
