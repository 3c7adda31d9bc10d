/* doctor_text.c - a pasted error, code or address of an error page, explained.
 *
 * The address of Salesforce's own error page holds the true reason that the
 * page itself hides behind OAUTH_APPROVAL_ERROR_GENERIC. Order of looking: the
 * pair error and error_description; the decision table of salesforce-auth 4.6
 * by its symptom; any code that the two tables of explain.c know. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"
#include "base/uri.h"

#include <ctype.h>
#include <string.h>

#define CAUSES 5

#define CONNECT_AGAIN "Connect again."
#define MY_DOMAIN                                                                                  \
    "Connect again with --url and the org's My Domain: Setup, My Domain, \"Current My Domain "     \
    "URL\"."

/* One row a symptom; needles are alternatives, causes come most likely first. */
static const struct symptom {
    const char *needles;
    struct {
        const char *cause, *fix;
    } ranked[CAUSES];
} symptoms[] = {
    {"OAUTH_APPROVAL_ERROR_GENERIC",
     {{"The app is not installed in the org, and the user may not approve uninstalled apps.",
       "A System Administrator signs in once, then Setup, Connected Apps OAuth Usage: Install "
       "beside "
       "the app. Or grant the user \"Approve Uninstalled Connected Apps\"."},
      {"The user has an integration or API-only licence, which cannot finish a browser sign-in.",
       "Connect with --client-credentials or --jwt-key-file; or as a full-licence user with API "
       "Enabled: Setup, Users."},
      {"The app lacks a scope that Argil asks for.",
       "Setup, App Manager, the app, Edit, Selected OAuth Scopes: api, refresh_token, id, openid, "
       "profile."},
      {"An IP range, login hours or a transaction security policy refuses the sign-in.",
       "Setup, Login History of the user: the column Status names the rule."},
      {"Single sign-on is enforced and the login page led elsewhere.",
       "Use the My Domain address, or a user without \"Is Single Sign-On Enabled\": Setup, "
       "Users."}}},
    {"OAUTH_APP_BLOCKED|app_blocked|blocked by admin",
     {{"An administrator pressed Block.", "Setup, Connected Apps OAuth Usage: Unblock the app."},
      {"API Access Control is on and the app is not on its list.",
       "Setup, Connected Apps OAuth Usage: Install the app; or give the user \"Use Any API "
       "Client\"."}}},
    {"OAUTH_APP_ACCESS_DENIED|invalid_app_access|not admin approved",
     {{"The app admits only users approved by an administrator, and this one is not.",
       "Setup, Manage Connected Apps, the app, Manage Profiles or Manage Permission Sets: add one "
       "of "
       "the user's; or Edit Policies, Permitted Users: \"All users may self-authorize\"."}}},
    {"OAUTH_EC_APP_NOT_FOUND|app_not_found|OAUTH_AUTHORIZATION_BLOCKED|Cross-org",
     {{"The External Client App is not in the org you signed in to: the browser is signed in to "
       "another org, or the address is the generic one.",
       MY_DOMAIN " Use a private window."},
      {"The app's package is not installed.", "Setup, Installed Packages: install it."}}},
    {"invalid_client_id|client identifier invalid",
     {{"The consumer key is mistyped, or the app was deleted.",
       "Setup, App Manager, the app, Manage Consumer Details: copy the Consumer Key."},
      {"The app is less than ten minutes old.", "Wait ten minutes."},
      {"The key is of another environment.", MY_DOMAIN}}},
    {"redirect_uri_mismatch|must match configuration",
     {{"The callback address differs from the app's in some character: localhost or 127.0.0.1, "
       "port, "
       "slash, http or https.",
       "Setup, App Manager, the app, Edit, Callback URL: paste exactly what argil "
       "connection callback-url prints (or the server's connect page shows); wait ten minutes."}}},
    {"code challenge|code verifier",
     {{"Two sign-ins were mixed: two windows, or a restart in between.",
       "Start the sign-in again and finish it in the same window."},
      {"The app requires PKCE and a program sends none.",
       "Argil sends it; look for an older program with the same key."}}},
    {"expired authorization code|invalid authorization code",
     {{"The code was used twice or is older than 15 minutes.", "Start the sign-in again."},
      {"The code belongs to another login host.", MY_DOMAIN}}},
    {"invalid_client|invalid client credentials",
     {{"The consumer secret is wrong or was rotated.",
       "Setup, App Manager, the app, Manage Consumer Details: copy the secret again, without "
       "spaces."}}},
    {"works until|after two hours|after the session|session timeout",
     {{"The app's Refresh Token Policy expires the grant at once.",
       "Setup, Manage Connected Apps, the app, Edit Policies, Refresh Token Policy: \"valid until "
       "revoked\". Connect again."},
      {"A rotated refresh token was used twice, by a copy of the workspace.",
       "Keep one copy of a workspace running. Connect again."}}},
    {"already being processed|intermittent",
     {{"Two programs renew the same grant at once.",
       "Give each program and each copy of the workspace its own app or its own connection."},
      {"More than five approvals of one user for one app: the sixth ends the oldest.",
       "Setup, Connected Apps OAuth Usage, the app: see the user's tokens; use fewer "
       "environments."}}},
    {"expired access/refresh token",
     {{"The grant was revoked, or expired by the app's Refresh Token Policy.",
       "Connect again. Setup, Manage Connected Apps, the app, Refresh Token Policy: \"valid until "
       "revoked\"."},
      {"The user was frozen, or its password changed.", "Setup, Users: unfreeze. Connect again."},
      {"The sandbox was refreshed, or the login host is the wrong one.", MY_DOMAIN},
      {"A sixth approval pushed this one out.",
       "Use one app for each environment. Connect again."}}},
    {"sudden|everything fails|cannot log in|can't log in|frozen",
     {{"Salesforce froze the user: a sign-in came from an anonymizing or high-risk address.",
       "Setup, Users, the user: Unfreeze; keep this server off VPN and proxy addresses; connect "
       "again. Administrators got a mail \"Salesforce Security notification\"."},
      {"The user was deactivated.", "Setup, Users: activate, or connect as another user."}}},
    {"ip restricted|Restricted IP|LOGIN_DURING_RESTRICTED_DOMAIN",
     {{"The profile's Login IP Ranges do not hold this server's address (IPv6 counts, too).",
       "Setup, Profiles, the user's profile, Login IP Ranges: add the address; or Setup, Manage "
       "Connected Apps, the app, IP Relaxation: \"Relax IP restrictions\" (JWT ignores that)."},
      {"Login Hours are over.", "Setup, Profiles, the user's profile, Login Hours."}}},
    {"authentication failure|INVALID_LOGIN|Invalid Password",
     {{"The login host is the wrong one: login for production, My Domain for a sandbox.",
       MY_DOMAIN},
      {"The user must sign in through single sign-on, or is locked out.",
       "Setup, Login History of the user: the column Status."}}},
    {"hasn't approved|hasnt approved|has not approved",
     {{"The user never approved the app and is not pre-authorized.",
       "Setup, Manage Connected Apps, the app, Edit Policies, Permitted Users: \"Admin approved "
       "users "
       "are pre-authorized\", and add a profile or permission set of the user."},
      {"The username or the host is of another org.", MY_DOMAIN}}},
    {"invalid assertion",
     {{"The app's certificate does not belong to the key, or has expired.",
       "Setup, App Manager, the app, Edit, Use digital signatures: upload the certificate again."},
      {"The assertion names another host than the org's.", MY_DOMAIN},
      {"This machine's clock is wrong.", "Set the clock; argil doctor URL shows the difference."}}},
    {"audience is invalid|Audience validation",
     {{"The assertion names another host than the org's.", MY_DOMAIN},
      {"The app's certificate does not belong to the key, or has expired.",
       "Setup, App Manager, the app, Edit, Use digital signatures: upload the certificate again."},
      {"This machine's clock is wrong.", "Set the clock; argil doctor URL shows the difference."}}},
    {"not supported on this domain",
     {{"Client credentials work only at the org's own My Domain.", MY_DOMAIN}}},
    {"no client credentials user",
     {{"The app has no Run As user.", "Setup, Manage Connected Apps, the app, Edit Policies, "
                                      "Client Credentials Flow, Run As: choose "
                                      "a user by username."}}},
    {"not valid for use with the REST API",
     {{"The token lacks the scope api.",
       "Setup, App Manager, the app, Edit, Selected OAuth Scopes: add api; connect again."},
      {"The profile demands a high-assurance session.",
       "Setup, Profiles, the user's profile, Session Settings: \"Session Security Level Required "
       "at "
       "Login\": none."},
      {"API Access Control is on and the app is not on its list.",
       "Setup, Connected Apps OAuth Usage: Install the app."}}},
    {"Session expired or invalid|INVALID_SESSION_ID",
     {{"The session ended: Argil renews it by itself; if it comes back at once, sessions are "
       "locked to "
       "an IP address and this server's changes.",
       "Setup, Session Settings: untick \"Lock sessions to the IP address from which they "
       "originated\"."},
      {"The sandbox was refreshed or the instance moved.", CONNECT_AGAIN}}},
    {"INVALID_AUTH_HEADER|INVALID_HEADER_TYPE",
     {{"The token did not arrive whole: a proxy, or a fault of Argil.",
       "Check proxies between this server and Salesforce; else please report it."}}},
    {"API_DISABLED_FOR_ORG|API_CURRENTLY_DISABLED|API is disabled|API is not enabled",
     {{"The user lacks the permission API Enabled.",
       "Setup, Permission Sets, a set of the user, System Permissions: API Enabled."},
      {"The edition has no API (below Enterprise, without the add-on).",
       "Ask Salesforce for the API add-on."}}},
    {"REQUEST_LIMIT_EXCEEDED|TotalRequests Limit",
     {{"The calls of the rolling 24 hours are used up, by all programs of the org together.",
       "Wait; Setup, Company Information, API Requests shows the use. More can be bought."}}},
    {"Bad_OAuth_Token", {{"The token expired: Argil renews it by itself.", CONNECT_AGAIN}}},
    {"ENOTFOUND|NXDOMAIN|could not resolve|maintenance|SERVER_UNAVAILABLE|HTTP 420|HTTP 502|HTTP "
     "503",
     {{"Maintenance, or the org was moved, renamed or removed.",
       "See status.salesforce.com; then check Setup, My Domain for the present address."}}},
    {"missing from connected apps|not listed under connected apps|app is missing|not in connected "
     "apps",
     {{"An app shows there only after one successful sign-in, and nobody has had one.",
       "A System Administrator signs in once with argil connect; then Setup, Connected Apps OAuth "
       "Usage: Install."},
      {"Nobody may approve it: \"Approve Uninstalled Connected Apps\" is missing.",
       "Setup, Permission Sets: grant \"Approve Uninstalled Connected Apps\"."}}},
    {"integration user|API-only|API only",
     {{"Integration and API-only users cannot sign in through the browser.",
       "Connect with --client-credentials (the user as Run As) or --jwt-key-file; Setup, Manage "
       "Connected Apps, the app, Client Credentials Flow."}}},
    {"no refresh token|no new refresh",
     {{"The app lacks the scope refresh_token.",
       "Setup, App Manager, the app, Edit, Selected OAuth Scopes: \"Perform requests at any time "
       "(refresh_token, offline_access)\"; connect again."},
      {"Client credentials and JWT have none by design, and need none.", "Nothing to do."}}},
    {"LOGIN_RATE_EXCEEDED|login rate exceeded|rate_limit_exceeded",
     {{"One user signed in more than 3,600 times in an hour, renewals included.",
       "Wait an hour; Setup, Login History shows which program does it."}}},
};

static bool holds(const char *text, const char *needles)
{
    char needle[128];
    for (const char *at = needles; *at;) {
        size_t n = strcspn(at, "|");
        snprintf(needle, sizeof needle, "%.*s", (int)n, at);
        if (strcasestr(text, needle))
            return true;
        at += n + (at[n] == '|');
    }
    return false;
}

static void add_ranked(struct arena *arena, struct crm_findings *out, const struct symptom *row,
                       const char *seen)
{
    for (size_t i = 0; i < CAUSES && row->ranked[i].cause; i++) {
        struct crm_finding *f = sf_finding(arena, out, i ? "else" : "likely",
                                           i ? CRM_UNSURE : CRM_FAILED, NULL, "%s", seen);
        f->cause = row->ranked[i].cause;
        f->fix = row->ranked[i].fix;
        f->who = sf_fixer(f->fix);
    }
}

/* error and error_description of an address, a form body or JSON. */
static void pair_find(struct arena *arena, const char *text, const char **code,
                      const char **description)
{
    struct err ignored = {0};
    if (*text == '{' || *text == '[') {
        const struct json *body = json_parse(arena, text, strlen(text), &ignored);
        const struct json *first = json_is(body, JSON_ARRAY) ? json_at(body, 0) : body;
        *code = json_get_text(first, "error");
        *description = json_get_text(first, "error_description");
        if (!*code) {
            *code = json_get_text(first, "errorCode");
            *description = json_get_text(first, "message");
        }
        return;
    }
    const char *query = strchr(text, '?');
    if (!query)
        query = strchr(text, '#');
    query = query ? query + 1 : text;
    if (!strstr(query, "error="))
        return;
    struct uri_pair *pairs = uri_pairs(arena, query, strlen(query));
    *code = uri_pair_get(pairs, "error");
    *description = uri_pair_get(pairs, "error_description");
}

/* A code of explain.c's tables that stands in the text as a word. */
static const char *code_in(const char *text)
{
    const char *best = NULL;
    size_t count = sf_oauth_count() + sf_code_count();
    for (size_t i = 0; i < count; i++) {
        const char *code =
            i < sf_oauth_count() ? sf_oauth_code_at(i) : sf_code_at(i - sf_oauth_count())->code;
        const char *at = strstr(text, code);
        size_t n = strlen(code);
        if (at && (at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '_')) &&
            !isalnum((unsigned char)at[n]) && at[n] != '_' && (!best || n > strlen(best)))
            best = code;
    }
    return best;
}

static void add_explained(struct arena *arena, struct crm_findings *out, const char *code,
                          const char *description, const char *seen)
{
    struct err err = {0};
    err_set(&err, code, "%s", code);
    sf_explain_oauth(&err, code, description);
    if (!err.cause[0])
        sf_explain(&err, code, description, NULL, NULL);
    if (err.cause[0])
        sf_finding(arena, out, "likely", CRM_FAILED, &err, "%s", seen);
}

void sf_doctor_text(struct arena *arena, const char *text, struct crm_findings *out)
{
    const char *code = NULL, *description = NULL, *seen;
    *out = (struct crm_findings){0};
    pair_find(arena, text, &code, &description);
    seen = code ? arena_printf(arena, "%s%s%s", code, description ? ": " : "",
                               description ? description : "")
                : NULL;
    if (code && !text_eq(code, "OAUTH_APPROVAL_ERROR_GENERIC")) /* more exact than any symptom */
        add_explained(arena, out, code, description, seen);
    const char *in = seen ? seen : text;
    for (size_t i = 0; i < sizeof symptoms / sizeof *symptoms && !out->count; i++)
        if (holds(in, symptoms[i].needles)) {
            const char *known = code_in(in);
            add_ranked(arena, out, &symptoms[i], seen ? seen : known ? known : "as described");
        }
    if (!out->count && (code = code_in(in)) != NULL)
        add_explained(arena, out, code, in, code); /* what else was pasted is not repeated */
}
