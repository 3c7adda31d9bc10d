/* policies.h - connected apps, and what the org and its users allow.
 *
 * Everything an administrator of a real org can set that decides whether a
 * sign-in works (salesforce-auth 1.11-1.13, 4, 7). Structs are handed out as
 * copies: a policy may change while a request is on its way. Thread-safe. */
#ifndef LOCALORG_REST_POLICIES_H
#define LOCALORG_REST_POLICIES_H

#include "localorg/rest/settings.h"

#include <stdint.h>

struct app {
    char client_id[260], name[84], client_secret[132];
    char callbacks[2004];    /* exact strings */
    bool loopback_callbacks; /* also http://127.0.0.1, localhost or [::1], any port and path */
    char scopes[600];
    bool external;         /* an External Client App, else a connected app */
    char distribution[12]; /* local packaged; of an External Client App */
    bool foreign;          /* it was made in another org */
    bool installed, blocked;
    int64_t created_ms;        /* the org's clock; propagation counts from here */
    char permitted_users[8];   /* all, admin */
    char assigned[1024];       /* usernames, when permitted_users is admin ... */
    char profiles[512];        /* ... and names of profiles ... */
    char permission_sets[512]; /* ... and Names of permission sets */
    char ip_relaxation[24];    /* enforce enforce_relax_refresh relax_activated relax */
    char trusted_ip_ranges[1024], refresh_ip_ranges[1024];
    char refresh_policy[12]; /* infinite zero inactivity lifetime */
    int64_t refresh_policy_s;
    bool rotation;
    int64_t refresh_busy_ms; /* a second refresh this soon: "already being processed" */
    bool require_secret_web, require_secret_refresh, pkce_required;
    bool client_credentials;
    char run_as[128];
    char certificate[8192];
    bool accept_any_key;
    char high_assurance[8];    /* off block raise */
    int64_t session_timeout_s; /* 0: the profile's, then the org's */
    int64_t id_token_s;
    int64_t api_limit; /* calls in 24 hours; 0: none of its own */
};

struct org_policy {
    bool sandbox, api_access_control, block_uninstalled_apps;
    bool allow_password_flow, allow_user_agent_flow, require_pkce, lock_sessions_to_ip,
        lock_sessions_to_domain, enforce_ip_every_request, device_activation,
        disable_password_login, prevent_generic_login, api_enabled, trust_forwarded_for;
    char status[8];                /* active locked */
    char transaction_security[12]; /* off block metering */
    char instance_host[160];       /* the org has moved here; empty = it is everywhere */
    char moved_answer[10];         /* at other hosts: 420 401 redirect serve */
    char my_domain[512];           /* hosts; empty = every host is one */
    char trusted_ip_ranges[1024];
    int64_t session_timeout_s;
    int64_t approvals_per_user;
    int64_t app_propagation_s;
    int64_t logins_per_hour, lockout_attempts, lockout_s;
    bool allow_soap_login;
    char duplicate_key[20]; /* duplicateResut or duplicateResult */
    int64_t bulk_polls, bulk_fail_after;
    int64_t report_polls, search_lag_s;
};

/* Of everyone with the profile. */
struct profile_policy {
    char login_ip_ranges[2048]; /* empty = from anywhere */
    char login_hours[512];      /* empty = always */
    int64_t session_timeout_s;  /* 0 = the org's */
    bool high_assurance, login_flow;
};

struct user_policy {
    bool frozen, api_only, api_enabled, single_sign_on, integration_licence, ip_restricted,
        login_hours_closed, approve_uninstalled, use_any_api_client, high_assurance, second_factor,
        device_activated;
};

extern const struct setting app_settings[], org_settings[], profile_settings[], user_settings[];
extern const size_t app_setting_count, org_setting_count, profile_setting_count, user_setting_count;

#define CLI_CLIENT_ID "PlatformCLI"
#define DEMO_CLIENT_ID                                                                             \
    "3MVG9localorg.demo.app.rK8vQ2mXw0.hT4nC7uLzJ1dYpB5sGfE6aRkWqVtN3oPxIiMyZcDg9"
#define DEMO_CLIENT_SECRET "7A1F0C3E5B9D2468ACE013579BDF02468ACE13579BDF02468ACE013579BDF024"

struct policies;

struct policies *policies_new(void); /* with the two built-in apps */
void policies_free(struct policies *policies);
void policies_reset(struct policies *policies); /* as policies_new made them */

bool policies_app(struct policies *policies, const char *client_id, struct app *out);
size_t policies_app_count(struct policies *policies);
bool policies_app_at(struct policies *policies, size_t index, struct app *out);
void policies_org(struct policies *policies, struct org_policy *out);
void policies_profile(struct policies *policies, const char *profile_name,
                      struct profile_policy *out);
/* Overwrites in *user what was set for this user; the rest, what profile and permission
 * sets say, stays (gate.h gives the whole). */
void policies_user(struct policies *policies, const char *username, struct user_policy *user);

/* Creates or changes; "client_id" names the app. A new one is as old as `now_ms`. */
enum status policies_set_app(struct policies *policies, const struct json *settings, int64_t now_ms,
                             struct app *out, struct err *err);
enum status policies_set_org(struct policies *policies, const struct json *settings,
                             struct err *err);
enum status policies_set_profile(struct policies *policies, const char *profile_name,
                                 const struct json *settings, struct err *err);
enum status policies_set_user(struct policies *policies, const char *username,
                              const struct json *settings, struct err *err);
/* {"org":{},"apps":[],"profiles":{},"users":{}}; of users what was set for them. */
void policies_write(struct policies *policies, struct jw *w);

/* May the app be called back here? Exact match, or loopback when allowed. */
bool app_callback_ok(const struct app *app, const char *redirect_uri);
/* Every scope name Salesforce knows. */
bool scope_known(const char *word, size_t len);
/* Is `word` covered by `granted`? full covers all but refresh_token; id covers profile ... */
bool scope_covers(const char *granted, const char *word);

#endif
