/* policies.c - the apps, the org's switches and the users' switches.
 *
 * One table of settings a struct; the control API, GET /localorg/policies and
 * the documentation all read the tables. */
#include "localorg/rest/policies.h"

#include "localorg/rest/ranges.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/uri.h"
#include "base/vec.h"
#include "localorg/seed/seed.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define RANGE_FORM "a list such as [\"10.0.0.0/8\", \"192.0.2.1-192.0.2.9\", \"2001:db8::/32\"]"

const struct setting app_settings[] = {
    SETTING(app, client_id, SET_TEXT, NULL, "consumer key"),
    SETTING(app, name, SET_TEXT, NULL, "label shown on the consent page"),
    SETTING(app, client_secret, SET_TEXT, NULL, "consumer secret; empty = a public client"),
    SETTING(app, callbacks, SET_LIST, NULL, "callback URLs, compared as exact strings"),
    SETTING(app, loopback_callbacks, SET_BOOL, NULL,
            "also allow http://127.0.0.1, localhost and [::1] on any port and path"),
    SETTING(app, scopes, SET_LIST, NULL, "selected OAuth scopes"),
    SETTING(app, external, SET_BOOL, NULL, "an External Client App instead of a connected app"),
    SETTING(app, distribution, SET_WORD, "local packaged",
            "of an External Client App: local works in its own org only"),
    SETTING(app, foreign, SET_BOOL, NULL, "it was made in another org"),
    SETTING(app, installed, SET_BOOL, NULL, "installed in this org"),
    SETTING(app, created_ms, SET_INT, NULL, "when it was made; app_propagation_s counts from here"),
    SETTING(app, blocked, SET_BOOL, NULL, "blocked by the administrator"),
    SETTING(app, permitted_users, SET_WORD, "all admin",
            "all: users may self-authorize; admin: only assigned users, pre-authorized"),
    SETTING(app, assigned, SET_LIST, NULL, "usernames that are admin-approved"),
    SETTING(app, profiles, SET_NAMES, NULL, "profiles that are admin-approved"),
    SETTING(app, permission_sets, SET_NAMES, NULL, "permission sets that are admin-approved"),
    SETTING(app, ip_relaxation, SET_WORD, "enforce enforce_relax_refresh relax_activated relax",
            "whether the profile's login IP ranges count: always; not when refreshing; not from "
            "the app's trusted ranges or for activated users; never"),
    SETTING_OF(app, trusted_ip_ranges, range_known, RANGE_FORM,
               "addresses of the app's own servers, for relax_activated"),
    SETTING_OF(app, refresh_ip_ranges, range_known, RANGE_FORM,
               "addresses that may refresh; empty = any"),
    SETTING(app, refresh_policy, SET_WORD, "infinite zero inactivity lifetime",
            "refresh tokens: until revoked, at once, after N s unused, after N s"),
    SETTING(app, refresh_policy_s, SET_INT, NULL, "the N of refresh_policy, in seconds"),
    SETTING(app, rotation, SET_BOOL, NULL, "refresh token rotation"),
    SETTING(app, refresh_busy_ms, SET_INT, NULL,
            "a second refresh within so many ms fails: token request is already being processed"),
    SETTING(app, require_secret_web, SET_BOOL, NULL, "require the secret in the web server flow"),
    SETTING(app, require_secret_refresh, SET_BOOL, NULL, "require the secret when refreshing"),
    SETTING(app, pkce_required, SET_BOOL, NULL, "require a code challenge"),
    SETTING(app, client_credentials, SET_BOOL, NULL, "enable the client credentials flow"),
    SETTING(app, run_as, SET_TEXT, NULL, "username the client credentials flow runs as"),
    SETTING(app, certificate, SET_TEXT, NULL, "PEM certificate for the JWT bearer flow"),
    SETTING(app, accept_any_key, SET_BOOL, NULL,
            "accept JWT assertions signed with any key (tests; a real org never does)"),
    SETTING(app, high_assurance, SET_WORD, "off block raise",
            "High assurance session required: block standard sessions, or raise them"),
    SETTING(app, session_timeout_s, SET_INT, NULL,
            "session timeout in seconds; 0 = the profile's, then the org's"),
    SETTING(app, id_token_s, SET_INT, NULL, "lifetime of an id_token in seconds"),
    SETTING(app, api_limit, SET_INT, NULL,
            "calls the app may make in 24 hours; 0 = no limit of its own"),
};
const size_t app_setting_count = sizeof app_settings / sizeof *app_settings;

const struct setting org_settings[] = {
    SETTING(org_policy, sandbox, SET_BOOL, NULL, "this org is a sandbox (Organization.IsSandbox)"),
    SETTING(org_policy, api_access_control, SET_BOOL, NULL,
            "API Access Control: only installed apps, or users with Use Any API Client"),
    SETTING(org_policy, block_uninstalled_apps, SET_BOOL, NULL,
            "uninstalled connected apps need Approve Uninstalled Connected Apps (since Sep 2025)"),
    SETTING(org_policy, allow_password_flow, SET_BOOL, NULL, "Allow OAuth Username-Password Flows"),
    SETTING(org_policy, allow_user_agent_flow, SET_BOOL, NULL, "Allow OAuth User-Agent Flows"),
    SETTING(org_policy, require_pkce, SET_BOOL, NULL, "require PKCE for every app"),
    SETTING(org_policy, lock_sessions_to_ip, SET_BOOL, NULL,
            "lock sessions to the IP address from which they originated"),
    SETTING(org_policy, lock_sessions_to_domain, SET_BOOL, NULL,
            "lock sessions to the domain in which they were first used"),
    SETTING(org_policy, enforce_ip_every_request, SET_BOOL, NULL,
            "enforce login IP ranges on every request"),
    SETTING_OF(org_policy, trusted_ip_ranges, range_known, RANGE_FORM,
               "Network Access: no device activation from here"),
    SETTING(org_policy, device_activation, SET_BOOL, NULL,
            "a browser sign-in from outside trusted_ip_ranges needs an activated device"),
    SETTING(org_policy, disable_password_login, SET_BOOL, NULL,
            "Disable login with Salesforce credentials: single sign-on for everyone"),
    SETTING(org_policy, my_domain, SET_LIST, NULL,
            "hosts that are the org's My Domain; others are generic hosts then. Empty = all are"),
    SETTING(
        org_policy, instance_host, SET_TEXT, NULL,
        "host:port the org has moved to: instance_url of new tokens; empty = where it is asked"),
    SETTING(org_policy, moved_answer, SET_WORD, "420 401 redirect serve",
            "what the API answers at other hosts then"),
    SETTING(org_policy, prevent_generic_login, SET_BOOL, NULL,
            "Prevent login from the generic host"),
    SETTING(org_policy, api_enabled, SET_BOOL, NULL, "the edition has the API"),
    SETTING(org_policy, status, SET_WORD, "active locked", "locked: nobody comes in"),
    SETTING(org_policy, transaction_security, SET_WORD, "off block metering",
            "a transaction security policy blocks API logins, or takes too long"),
    SETTING(org_policy, app_propagation_s, SET_INT, NULL,
            "a new app is unknown for so many seconds (2 to 10 minutes in a real org)"),
    SETTING(org_policy, logins_per_hour, SET_INT, NULL, "sign-ins a user may make in an hour"),
    SETTING(org_policy, lockout_attempts, SET_INT, NULL,
            "wrong passwords in a row until lockout; 0 = no limit"),
    SETTING(org_policy, lockout_s, SET_INT, NULL, "how long a lockout lasts"),
    SETTING(org_policy, trust_forwarded_for, SET_BOOL, NULL,
            "the client's address is what X-Forwarded-For says (tests)"),
    SETTING(org_policy, session_timeout_s, SET_INT, NULL, "session timeout in seconds (idle)"),
    SETTING(org_policy, approvals_per_user, SET_INT, NULL,
            "refresh tokens a user may hold per app; one more revokes the oldest"),
    SETTING(org_policy, allow_soap_login, SET_BOOL, NULL,
            "SOAP login() up to API 64.0 (off in orgs made since Summer '26)"),
    SETTING(org_policy, duplicate_key, SET_WORD, "duplicateResut duplicateResult",
            "key of the duplicate rule error above v56 (real captures differ)"),
    SETTING(org_policy, bulk_polls, SET_INT, NULL,
            "polls a Bulk job answers before its work starts; 0 = at once"),
    SETTING(org_policy, bulk_fail_after, SET_INT, NULL,
            "an ingest job fails after so many records, the rest is unprocessed; 0 = never"),
    SETTING(org_policy, report_polls, SET_INT, NULL,
            "polls that see an asynchronous report run unfinished"),
    SETTING(org_policy, search_lag_s, SET_INT, NULL,
            "seconds until a search finds what was written"),
};
const size_t org_setting_count = sizeof org_settings / sizeof *org_settings;

const struct setting profile_settings[] = {
    SETTING_OF(profile_policy, login_ip_ranges, range_known, RANGE_FORM,
               "Login IP Ranges; empty = from anywhere"),
    SETTING_OF(profile_policy, login_hours, hours_known,
               "a list such as [\"mon-fri/08:00-18:00\", \"sat/09:00-12:00\"]",
               "Login Hours, in the user's time zone; empty = always"),
    SETTING(profile_policy, session_timeout_s, SET_INT, NULL,
            "session timeout in seconds; 0 = the org's"),
    SETTING(profile_policy, high_assurance, SET_BOOL, NULL,
            "Session Security Level Required at Login: High Assurance"),
    SETTING(profile_policy, login_flow, SET_BOOL, NULL, "a login flow stands in the way"),
};
const size_t profile_setting_count = sizeof profile_settings / sizeof *profile_settings;

const struct setting user_settings[] = {
    SETTING(user_policy, frozen, SET_BOOL, NULL, "frozen: no new sessions"),
    SETTING(user_policy, api_only, SET_BOOL, NULL,
            "API Only User: cannot finish a browser sign-in"),
    SETTING(user_policy, api_enabled, SET_BOOL, NULL, "API Enabled"),
    SETTING(user_policy, single_sign_on, SET_BOOL, NULL,
            "Is Single Sign-On Enabled: no password sign-in"),
    SETTING(user_policy, integration_licence, SET_BOOL, NULL,
            "Salesforce Integration licence; implies api_only behaviour"),
    SETTING(user_policy, ip_restricted, SET_BOOL, NULL,
            "the profile's login IP ranges exclude us: ip restricted"),
    SETTING(user_policy, login_hours_closed, SET_BOOL, NULL, "outside the profile's login hours"),
    SETTING(user_policy, approve_uninstalled, SET_BOOL, NULL, "Approve Uninstalled Connected Apps"),
    SETTING(user_policy, use_any_api_client, SET_BOOL, NULL, "Use Any API Client"),
    SETTING(user_policy, high_assurance, SET_BOOL, NULL,
            "profile wants High Assurance sessions: REST refuses standard ones"),
    SETTING(user_policy, second_factor, SET_BOOL, NULL,
            "signs in with a second factor: sessions have high assurance"),
    SETTING(user_policy, device_activated, SET_BOOL, NULL, "has passed device activation"),
};
const size_t user_setting_count = sizeof user_settings / sizeof *user_settings;

struct policies {
    pthread_mutex_t lock;
    VEC(struct app *) apps;
    struct org_policy org;
    struct map *profiles; /* name -> struct profile_policy, yours */
    struct map *users;    /* username -> struct set_user, yours */
};

struct set_user { /* only what was set; the rest is the profile's and permission sets' */
    struct user_policy policy;
    uint64_t given;
};

static const char all_scopes[] =
    "api web full id openid profile email address phone refresh_token offline_access chatter_api "
    "custom_permissions visualforce lightning content wave_api eclair_api pardot_api cdp_api "
    "cdp_query_api cdp_profile_api cdp_ingest_api sfap_api einstein_gpt_api chatbot_api "
    "user_registration_api forgot_password mcp_api interaction_api";

bool scope_known(const char *word, size_t len)
{
    return words_have_n(all_scopes, word, len);
}

bool scope_covers(const char *granted, const char *word)
{
    if (words_have(granted, word))
        return true;
    if (strcmp(word, "offline_access") == 0)
        return words_have(granted, "refresh_token");
    if (strcmp(word, "refresh_token") == 0)
        return words_have(granted, "offline_access");
    if (words_have("profile email address phone", word) && words_have(granted, "id"))
        return true;
    if (strcmp(word, "id") == 0 && words_have(granted, "profile"))
        return true;
    if (strcmp(word, "visualforce") == 0 && words_have(granted, "web"))
        return true;
    return words_have(granted, "full");
}

static void put(char *place, size_t size, const char *text)
{
    snprintf(place, size, "%s", text);
}

static struct app *add_app(struct policies *policies, const char *client_id, const char *name)
{
    struct app *app = mem_alloc(sizeof *app);
    put(app->client_id, sizeof app->client_id, client_id);
    put(app->name, sizeof app->name, name);
    put(app->scopes, sizeof app->scopes, "api id openid profile email address phone refresh_token");
    put(app->permitted_users, sizeof app->permitted_users, "all");
    put(app->refresh_policy, sizeof app->refresh_policy, "infinite");
    put(app->ip_relaxation, sizeof app->ip_relaxation, "enforce");
    put(app->distribution, sizeof app->distribution, "local");
    put(app->high_assurance, sizeof app->high_assurance, "off");
    app->installed = true;
    app->require_secret_web = app->require_secret_refresh = true;
    app->id_token_s = 120;
    vec_push(&policies->apps, app);
    return app;
}

static void add_builtin_apps(struct policies *policies)
{
    struct app *cli = add_app(policies, CLI_CLIENT_ID, "Salesforce CLI");
    put(cli->callbacks, sizeof cli->callbacks, "http://localhost:1717/OauthRedirect");
    put(cli->scopes, sizeof cli->scopes,
        "api web id openid profile email address phone refresh_token full");
    cli->require_secret_web = cli->require_secret_refresh = false;
    cli->accept_any_key = true;
    struct app *demo = add_app(policies, DEMO_CLIENT_ID, "Demo app");
    put(demo->client_secret, sizeof demo->client_secret, DEMO_CLIENT_SECRET);
    put(demo->scopes, sizeof demo->scopes,
        "api web id openid profile email address phone refresh_token full");
    demo->loopback_callbacks = true;
    demo->client_credentials = true;
    put(demo->run_as, sizeof demo->run_as, SEED_ADMIN_USERNAME);
}

static void begin(struct policies *policies)
{
    policies->users = map_new_nocase();
    policies->profiles = map_new_nocase();
    policies->org = (struct org_policy){.block_uninstalled_apps = true,
                                        .allow_password_flow = true,
                                        .allow_user_agent_flow = true,
                                        .allow_soap_login = true,
                                        .api_enabled = true,
                                        .status = "active",
                                        .transaction_security = "off",
                                        .moved_answer = "420",
                                        .logins_per_hour = 3600,
                                        .lockout_attempts = 10,
                                        .lockout_s = 900,
                                        .session_timeout_s = 7200,
                                        .approvals_per_user = 5,
                                        .duplicate_key = "duplicateResut"};
    add_builtin_apps(policies);
}

static void end(struct policies *policies)
{
    for (size_t i = 0; i < policies->apps.len; i++)
        free(policies->apps.at[i]);
    vec_free(&policies->apps);
    struct map *maps[] = {policies->users, policies->profiles};
    for (size_t i = 0; i < 2; i++) {
        size_t at = 0;
        void *value;
        while (map_next(maps[i], &at, &(const char *){NULL}, &value))
            free(value);
        map_free(maps[i]);
    }
}

struct policies *policies_new(void)
{
    struct policies *policies = mem_alloc(sizeof *policies);
    pthread_mutex_init(&policies->lock, NULL);
    begin(policies);
    return policies;
}

void policies_reset(struct policies *policies)
{
    pthread_mutex_lock(&policies->lock);
    end(policies);
    begin(policies);
    pthread_mutex_unlock(&policies->lock);
}

void policies_free(struct policies *policies)
{
    if (!policies)
        return;
    end(policies);
    pthread_mutex_destroy(&policies->lock);
    free(policies);
}

static struct app *find_app(struct policies *policies, const char *client_id)
{
    for (size_t i = 0; client_id && i < policies->apps.len; i++)
        if (strcmp(policies->apps.at[i]->client_id, client_id) == 0)
            return policies->apps.at[i];
    return NULL;
}

bool policies_app(struct policies *policies, const char *client_id, struct app *out)
{
    pthread_mutex_lock(&policies->lock);
    struct app *app = find_app(policies, client_id);
    if (app)
        *out = *app;
    pthread_mutex_unlock(&policies->lock);
    return app != NULL;
}

size_t policies_app_count(struct policies *policies)
{
    pthread_mutex_lock(&policies->lock);
    size_t count = policies->apps.len;
    pthread_mutex_unlock(&policies->lock);
    return count;
}

bool policies_app_at(struct policies *policies, size_t index, struct app *out)
{
    pthread_mutex_lock(&policies->lock);
    bool there = index < policies->apps.len;
    if (there)
        *out = *policies->apps.at[index];
    pthread_mutex_unlock(&policies->lock);
    return there;
}

void policies_org(struct policies *policies, struct org_policy *out)
{
    pthread_mutex_lock(&policies->lock);
    *out = policies->org;
    pthread_mutex_unlock(&policies->lock);
}

void policies_user(struct policies *policies, const char *username, struct user_policy *user)
{
    pthread_mutex_lock(&policies->lock);
    const struct set_user *set = map_get(policies->users, username);
    if (set)
        settings_apply(user_settings, user_setting_count, set->given, &set->policy, user);
    pthread_mutex_unlock(&policies->lock);
}

void policies_profile(struct policies *policies, const char *profile_name,
                      struct profile_policy *out)
{
    pthread_mutex_lock(&policies->lock);
    const struct profile_policy *set = map_get(policies->profiles, profile_name);
    *out = set ? *set : (struct profile_policy){0};
    pthread_mutex_unlock(&policies->lock);
}

enum status policies_set_app(struct policies *policies, const struct json *settings, int64_t now_ms,
                             struct app *out, struct err *err)
{
    const char *client_id = json_get_text(settings, "client_id");
    if (text_blank(client_id))
        return err_set(err, "localorg.setting", "an app is named by its \"client_id\"");
    pthread_mutex_lock(&policies->lock);
    struct app *app = find_app(policies, client_id);
    bool added = !app;
    if (added)
        app = add_app(policies, client_id, client_id);
    struct app changed = *app;
    if (added)
        changed.created_ms = now_ms;
    enum status rc = settings_read(app_settings, app_setting_count, NULL, &changed, settings, err);
    if (rc == OK) {
        *app = changed;
        if (out)
            *out = changed;
    } else if (added) {
        free(app);
        policies->apps.len--;
    }
    pthread_mutex_unlock(&policies->lock);
    return rc;
}

enum status policies_set_org(struct policies *policies, const struct json *settings,
                             struct err *err)
{
    pthread_mutex_lock(&policies->lock);
    enum status rc =
        settings_read(org_settings, org_setting_count, NULL, &policies->org, settings, err);
    pthread_mutex_unlock(&policies->lock);
    return rc;
}

enum status policies_set_profile(struct policies *policies, const char *profile_name,
                                 const struct json *settings, struct err *err)
{
    pthread_mutex_lock(&policies->lock);
    struct profile_policy *set = map_get(policies->profiles, profile_name);
    struct profile_policy changed = set ? *set : (struct profile_policy){0};
    enum status rc =
        settings_read(profile_settings, profile_setting_count, "profile", &changed, settings, err);
    if (rc == OK && !set) {
        set = mem_alloc(sizeof *set);
        map_put(policies->profiles, profile_name, set);
    }
    if (rc == OK)
        *set = changed;
    pthread_mutex_unlock(&policies->lock);
    return rc;
}

enum status policies_set_user(struct policies *policies, const char *username,
                              const struct json *settings, struct err *err)
{
    pthread_mutex_lock(&policies->lock);
    struct set_user *set = map_get(policies->users, username);
    struct set_user changed = set ? *set : (struct set_user){0};
    enum status rc = settings_read_given(user_settings, user_setting_count, "username",
                                         &changed.policy, &changed.given, settings, err);
    if (rc == OK && !set) {
        set = mem_alloc(sizeof *set);
        map_put(policies->users, username, set);
    }
    if (rc == OK)
        *set = changed;
    pthread_mutex_unlock(&policies->lock);
    return rc;
}

void policies_write(struct policies *policies, struct jw *w)
{
    size_t at = 0;
    const char *name;
    void *value;
    pthread_mutex_lock(&policies->lock);
    jw_object(w);
    jw_key(w, "org");
    jw_object(w);
    settings_write(org_settings, org_setting_count, &policies->org, w);
    jw_end_object(w);
    jw_key(w, "apps");
    jw_array(w);
    for (size_t i = 0; i < policies->apps.len; i++) {
        jw_object(w);
        settings_write(app_settings, app_setting_count, policies->apps.at[i], w);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_key(w, "profiles");
    jw_object(w);
    while (map_next(policies->profiles, &at, &name, &value)) {
        jw_key(w, name);
        jw_object(w);
        settings_write(profile_settings, profile_setting_count, value, w);
        jw_end_object(w);
    }
    jw_end_object(w);
    jw_key(w, "users");
    jw_object(w);
    at = 0;
    while (map_next(policies->users, &at, &name, &value)) {
        const struct set_user *set = value;
        jw_key(w, name);
        jw_object(w);
        settings_write_given(user_settings, user_setting_count, set->given, &set->policy, w);
        jw_end_object(w);
    }
    jw_end_object(w);
    jw_end_object(w);
    pthread_mutex_unlock(&policies->lock);
}

static bool loopback_host(const char *host)
{
    return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0 ||
           strcmp(host, "::1") == 0;
}

bool app_callback_ok(const struct app *app, const char *redirect_uri)
{
    if (words_have(app->callbacks, redirect_uri))
        return true;
    if (!app->loopback_callbacks)
        return false;
    struct arena *arena = arena_new();
    struct uri uri = {0};
    bool ok = uri_parse(arena, redirect_uri, &uri) && strcmp(uri.scheme, "http") == 0 &&
              loopback_host(uri.host) && !uri.userinfo && !uri.fragment;
    arena_free(arena);
    return ok;
}
