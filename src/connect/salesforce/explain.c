/* explain.c - what Salesforce's error codes mean, and who must click where.
 *
 * One row a code: its class when it answers a write (reliability B.7: a code
 * that is not here is UNKNOWN), what it means, what to do. {object}, {field}
 * and {user} are filled in from the message and the session. Never matched on
 * message text where a code will do: messages are translated. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

#define FLS_READ                                                                                   \
    "Setup, Permission Sets, a set assigned to {user}, Object Settings, {object}, Field "          \
    "Permissions, {field}: tick Read Access. Or take the field out of the recipe."
#define FLS_EDIT                                                                                   \
    "Setup, Permission Sets, a set assigned to {user}, Object Settings, {object}, Field "          \
    "Permissions, {field}: tick Edit Access. Or take the field out of the recipe."

static const struct sf_code codes[] = {
    /* --- names and access */
    {"INVALID_FIELD", CRM_REJECTED,
     "{object} has no field {field} that {user} can see: it does not exist, is spelled "
     "differently, "
     "or field-level security hides it.",
     FLS_READ},
    {"INVALID_TYPE", CRM_REJECTED, "There is no object {object} that {user} can see.",
     "Check the spelling (custom objects end in __c). If it exists: Setup, Permission Sets, a set "
     "assigned to {user}, Object Settings, {object}: tick Read."},
    {"INVALID_FIELD_FOR_INSERT_UPDATE", CRM_REJECTED, "{user} may not write {field} on {object}.",
     FLS_EDIT},
    {"INSUFFICIENT_ACCESS_OR_READONLY", CRM_REJECTED,
     "{user} may not change this record: sharing, a read-only object permission, or a locked "
     "record.",
     "Give {user} Edit on {object} in a permission set, and access to the record by owner, role or "
     "sharing rule."},
    {"INSUFFICIENT_ACCESS", CRM_REJECTED, "{user} lacks access to this record or field.",
     "Give {user} Edit on {object} in a permission set, and access to the record by sharing."},
    {"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", CRM_REJECTED,
     "The record that this one points to is not accessible to {user}.",
     "Share the parent record (the id in the message) with {user}, or point to another one."},
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", CRM_REJECTED,
     "A trigger or flow in the org stopped the write; nothing was saved.",
     "Show the message to whoever maintains the automation of {object}."},
    {"TRANSFER_REQUIRES_READ", CRM_REJECTED, "The new owner may not read {object}.",
     "Choose another owner, or give that user Read on {object}."},
    {"FUNCTIONALITY_NOT_ENABLED", CRM_REJECTED, "A feature this needs is switched off in the org.",
     "An administrator must enable it in Setup, or the licence does not include it."},
    {"NOT_FOUND", CRM_REJECTED,
     "The record, field or address does not exist, or {user} cannot see it.",
     "Look whether the record was deleted or is hidden from {user} by sharing. For an upsert: the "
     "key field must be an External ID that {user} can read."},
    {"ENTITY_IS_DELETED", CRM_REJECTED, "The record was deleted in Salesforce.",
     "Restore it from the Recycle Bin, or run the row again to create a new record."},

    /* --- values */
    {"REQUIRED_FIELD_MISSING", CRM_REJECTED, "{object} cannot be saved without {field}.",
     "Set the field in the column's mapping, or give it a value in every row."},
    {"STRING_TOO_LONG", CRM_REJECTED, "The text is longer than the field holds.",
     "Shorten it with a formula, or ask an administrator to lengthen {field}."},
    {"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", CRM_REJECTED,
     "{field} accepts only the values of its picklist.",
     "Use one of its API values, or add the value in Setup, Object Manager, {object}, Fields, "
     "{field}."},
    {"INVALID_EMAIL_ADDRESS", CRM_REJECTED, "Salesforce does not accept this e-mail address.",
     "Correct the address in the row; leave it blank if there is none."},
    {"NUMBER_OUTSIDE_VALID_RANGE", CRM_REJECTED, "The number has more digits than {field} holds.",
     "Check the unit and the decimal sign of the value."},
    {"JSON_PARSER_ERROR", CRM_REJECTED, "A value has the wrong type for its field.",
     "Check dates (2026-11-23), datetimes (ending in Z) and numbers in the row."},
    {"INVALID_TYPE_ON_FIELD_IN_RECORD", CRM_REJECTED, "A value has the wrong type for its field.",
     "Check dates, numbers and booleans in the row."},
    {"MALFORMED_ID", CRM_REJECTED, "A value is not a Salesforce id of the right object.",
     "Ids have 15 or 18 characters and keep their capitals; check the column that holds it."},
    {"INVALID_ID_FIELD", CRM_REJECTED, "A value is not a Salesforce id.",
     "Ids have 15 or 18 characters and keep their capitals."},
    {"INVALID_CROSS_REFERENCE_KEY", CRM_REJECTED, "The id points to no record that {user} can use.",
     "Check the id in the row: the record may be deleted, hidden, or of another object."},
    {"FIELD_CUSTOM_VALIDATION_EXCEPTION", CRM_REJECTED,
     "A validation rule, flow or trigger of {object} refused the record; the message is its own.",
     "Change the values as the message asks, or ask an administrator about the rule."},
    {"CANNOT_EXECUTE_FLOW_TRIGGER", CRM_REJECTED,
     "A flow of the org that runs when {object} is saved failed; nothing was saved.",
     "Show the message, which names the flow, to whoever maintains the flows of {object}."},
    {"FIELD_FILTER_VALIDATION_EXCEPTION", CRM_REJECTED, "A lookup filter refused the value.",
     "Point to a record that matches the filter of {field}."},
    {"FIELD_INTEGRITY_EXCEPTION", CRM_REJECTED, "Salesforce finds values that do not fit together.",
     "The message names the field; correct the row."},
    {"INACTIVE_OWNER_OR_USER", CRM_REJECTED, "The owner is an inactive user.",
     "Choose an active owner, or activate the user."},
    {"INVALID_STATUS", CRM_REJECTED, "The status value is not allowed here.",
     "Use one of the statuses that Setup lists for {object}."},
    {"INVALID_CURRENCY_ISO", CRM_REJECTED, "The currency code is not active in the org.",
     "Use a currency listed in Setup, Manage Currencies."},
    {"INVALID_CURRENCY_CORP", CRM_REJECTED, "The corporate currency is not usable here.", ""},
    {"TOO_MANY_ENUM_VALUE", CRM_REJECTED, "Too many values for a multi-select picklist.",
     "A multi-select picklist holds at most 100 values."},
    {"TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", CRM_REJECTED,
     "The text holds characters Salesforce cannot store.",
     "Remove the unusual characters with a formula."},
    {"MISSING_ARGUMENT", CRM_REJECTED, "Salesforce misses a value it needs, usually the id.",
     "Check that the row has an id."},
    {"INVALID_ARGUMENT_TYPE", CRM_REJECTED, "A value has the wrong type.", "Correct the row."},
    {"CANNOT_UPDATE_CONVERTED_LEAD", CRM_REJECTED, "The lead was converted and is now read-only.",
     "Update the contact or account it became."},
    {"ENTITY_IS_LOCKED", CRM_REJECTED, "The record is locked by an approval process.",
     "Wait for the approval, or have it unlocked."},
    {"SELF_REFERENCE_FROM_TRIGGER", CRM_REJECTED,
     "A trigger of the org tried to change its own record.",
     "Show the message to whoever maintains the automation of {object}."},
    {"CIRCULAR_DEPENDENCY", CRM_REJECTED, "The record would become its own ancestor.",
     "Correct the parent."},
    {"DEPENDENCY_EXISTS", CRM_REJECTED, "Something else depends on the record.", ""},
    {"DELETE_FAILED", CRM_REJECTED, "Other records depend on this one.", "The message names them."},
    {"MIXED_DML_OPERATION", CRM_REJECTED,
     "Setup objects and other records cannot be saved together.", ""},
    {"STORAGE_LIMIT_EXCEEDED", CRM_REJECTED, "The org's data storage is full.",
     "Setup, Storage Usage: delete data or buy storage, then run the rows again."},
    {"LICENSE_LIMIT_EXCEEDED", CRM_REJECTED, "The org has no free licence for this.",
     "Setup, Company Information, User Licenses."},

    /* --- keys and duplicates */
    {"DUPLICATE_VALUE", CRM_REJECTED, "Another record already holds this value in a unique field.",
     "The message names the other record: update that one, or change the value."},
    {"DUPLICATES_DETECTED", CRM_REJECTED,
     "A duplicate rule of the org found a record that looks the same; nothing was saved.",
     "Use the existing record, or switch on Duplicate Rule Override for this column."},
    {"DUPLICATE_EXTERNAL_ID", CRM_SEVERAL,
     "Several records hold this key, so Salesforce does not know which to change; nothing was "
     "saved.",
     "Merge the records, or make the key field unique."},
    {"INVALID_EXTERNAL_ID_FIELD_NAME", CRM_REJECTED, "The key field is not an External ID.",
     "Setup, Object Manager, {object}, Fields: tick External ID on the key field."},
    {"INVALID_ENTITY_FOR_UPSERT", CRM_REJECTED, "{object} cannot be upserted.",
     "Use create or update instead."},

    /* --- the moment */
    {"UNABLE_TO_LOCK_ROW", CRM_NOT_EXECUTED,
     "Another process was changing the same record or its parent; nothing was saved.",
     "It is tried again by itself."},
    {"REQUEST_LIMIT_EXCEEDED", CRM_PAUSE,
     "The org has used up its API calls, or too many long ones run at once.",
     "It goes on by itself when calls are free again (the limit is per rolling 24 hours). Setup, "
     "Company Information shows the use."},
    {"EXCEEDED_ID_LIMIT", CRM_REJECTED, "Too many records in one call.",
     "This is a fault of Argil: please report it."},
    {"LIMIT_EXCEEDED", CRM_REJECTED, "The request is larger than Salesforce accepts.",
     "This is a fault of Argil: please report it."},
    {"TXN_SECURITY_NO_ACCESS", CRM_REJECTED, "A transaction security policy of the org blocked it.",
     "An administrator must change the policy, or exempt {user} from it."},
    {"SERVER_UNAVAILABLE", CRM_UNKNOWN, "Salesforce was busy or in maintenance.",
     "See status.salesforce.com; it is tried again by itself."},
    {"UNKNOWN_EXCEPTION", CRM_UNKNOWN,
     "Salesforce failed inside and does not say whether it saved.",
     "The outcome is looked up before anything is sent again."},
    {"INTERNAL_ERROR", CRM_UNKNOWN, "Salesforce failed inside.", "It is tried again by itself."},
    {"INVALID_SESSION_ID", CRM_NOT_EXECUTED, "The session ended; nothing was done.",
     "Argil signs in again by itself."},
    {"INVALID_AUTH_HEADER", CRM_NOT_EXECUTED,
     "The access token was not accepted; nothing was done.", "Argil signs in again by itself."},

    /* --- queries */
    {"MALFORMED_QUERY", CRM_REJECTED, "Salesforce does not understand the query.",
     "Check the condition (where) of the recipe; the message points at the place."},
    {"INVALID_QUERY_FILTER_OPERATOR", CRM_REJECTED, "A field cannot be compared like that.",
     "Check the condition: long text cannot be filtered, ids need 15 or 18 characters."},
    {"INVALID_QUERY_LOCATOR", CRM_REJECTED, "The cursor of the query has expired.",
     "The read goes on from the last record by itself."},
    {"QUERY_TIMEOUT", CRM_REJECTED, "The query ran too long.",
     "Filter on an indexed field (CreatedDate, SystemModstamp, an External ID), or read fewer "
     "fields."},
    {"QUERY_TOO_COMPLICATED", CRM_REJECTED, "The query holds too many formula fields.",
     "Read fewer formula fields."},
    {"OPERATION_TOO_LARGE", CRM_REJECTED, "The result is too large for one query.",
     "Narrow the condition, for example by date."},

    /* --- the org or the user may not use the API at all */
    {"API_DISABLED_FOR_ORG", CRM_PAUSE, "The REST API is not available to {user} in this org.",
     "Setup, Permission Sets or Profile of {user}: tick API Enabled. Editions below Enterprise "
     "need "
     "the API add-on. A new app may need ten minutes."},
    {"API_CURRENTLY_DISABLED", CRM_PAUSE, "{user} lacks the permission API Enabled.",
     "Setup, Permission Sets, a set assigned to {user}, System Permissions: tick API Enabled."},
    {"ORG_LOCKED", CRM_PAUSE, "The org is locked.", "Ask Salesforce Support."},
    {"TRIAL_EXPIRED", CRM_PAUSE, "The org's trial has ended.", "Ask Salesforce about a licence."},
    {"UNSUPPORTED_API_VERSION", CRM_REJECTED, "The org does not serve this API version.", ""},
};

size_t sf_code_count(void)
{
    return sizeof codes / sizeof *codes;
}

const struct sf_code *sf_code_at(size_t index)
{
    return index < sf_code_count() ? &codes[index] : NULL;
}

const struct sf_code *sf_code_find(const char *code)
{
    for (size_t i = 0; code && i < sf_code_count(); i++)
        if (text_eq(codes[i].code, code))
            return &codes[i];
    return NULL;
}

/* The first name in 'quotes' or after "fields: " / "[", as Salesforce writes it. */
static void field_in(const char *message, char out[64])
{
    static const char *const before[] = {"No such column '", "fields are missing: [",
                                         "fields: ", "Name: ", NULL};
    out[0] = 0;
    for (size_t i = 0; message && before[i]; i++) {
        const char *at = strstr(message, before[i]);
        if (!at)
            continue;
        at += strlen(before[i]);
        size_t n = 0;
        while (n < 63 && (isalnum((unsigned char)at[n]) || at[n] == '_' || at[n] == '.'))
            n++;
        while (n > 0 && at[n - 1] == '.') /* the end of the sentence */
            n--;
        memcpy(out, at, n);
        out[n] = 0;
        if (n)
            return;
    }
}

static void fill(char *out, size_t size, const char *pattern, const char *object, const char *field,
                 const char *user)
{
    size_t at = 0;
    while (*pattern && at + 1 < size) {
        const char *value = NULL;
        size_t skip = 1;
        if (strncmp(pattern, "{object}", 8) == 0)
            value = object && *object ? object : "the object", skip = 8;
        else if (strncmp(pattern, "{field}", 7) == 0)
            value = field && *field ? field : "the field", skip = 7;
        else if (strncmp(pattern, "{user}", 6) == 0)
            value = user && *user ? user : "the connected user", skip = 6;
        if (!value) {
            out[at++] = *pattern++;
            continue;
        }
        size_t n = strlen(value) < size - 1 - at ? strlen(value) : size - 1 - at;
        memcpy(out + at, value, n);
        at += n;
        pattern += skip;
    }
    out[at] = 0;
}

void sf_explain(struct err *err, const char *code, const char *message, const char *object,
                const char *user)
{
    const struct sf_code *row = sf_code_find(code);
    char field[64], text[512];
    if (!row || !err)
        return;
    field_in(message, field);
    fill(text, sizeof text, row->cause, object, field, user);
    err_cause(err, "%s", text);
    fill(text, sizeof text, row->hint, object, field, user);
    if (*text)
        err_hint(err, "%s", text);
}

/* --------------------------------------------------- errors of the sign-in */

static const struct oauth {
    const char *code, *description; /* part of the description, NULL = any */
    const char *cause, *hint;
} oauths[] = {
    {"invalid_client", "must be installed",
     "The app is not installed in this org, and the user lacks \"Approve Uninstalled Connected "
     "Apps\".",
     "A System Administrator: Setup, Connected Apps OAuth Usage, Install beside the app. If it is "
     "not "
     "listed, let an administrator sign in once, or grant the user \"Approve Uninstalled Connected "
     "Apps\"."},
    {"invalid_client", NULL, "The consumer secret is wrong, was rotated, or is missing.",
     "Setup, App Manager, the app, Manage Consumer Details: copy key and secret again, without "
     "spaces."},
    {"invalid_client_credentials", NULL, "The consumer secret is wrong or was rotated.",
     "Setup, App Manager, the app, Manage Consumer Details: copy the secret again."},
    {"invalid_client_id", NULL,
     "Salesforce does not know the consumer key: mistyped, deleted, made less than ten minutes "
     "ago, or "
     "of another environment.",
     "Setup, App Manager, the app, Manage Consumer Details: copy the key. Wait ten minutes after "
     "making an app. For a sandbox sign in through test.salesforce.com or its My Domain."},
    {"invalid_scope", NULL, "The app does not allow a permission that Argil asks for.",
     "Setup, App Manager, the app, Edit, Selected OAuth Scopes: add \"Manage user data via APIs "
     "(api)\", \"Perform requests at any time (refresh_token)\" and \"Access the identity URL "
     "service "
     "(id, profile, email, address, phone)\", \"Access unique user identifiers (openid)\"."},
    {"redirect_uri_mismatch", NULL,
     "The callback address differs from the one the app has: every character counts, also "
     "localhost "
     "and 127.0.0.1.",
     "Setup, App Manager, the app, Edit, Callback URL: paste exactly the address shown by Argil; "
     "wait "
     "ten minutes."},
    {"redirect_uri_missing", NULL, "No callback address was sent.", "Give a callback address."},
    {"OAUTH_APP_BLOCKED", NULL, "An administrator blocked the app, or API Access Control is on.",
     "Setup, Connected Apps OAuth Usage: Unblock or Install the app."},
    {"app_blocked", NULL, "An administrator blocked the app.",
     "Setup, Connected Apps OAuth Usage: Unblock the app."},
    {"OAUTH_APP_ACCESS_DENIED", NULL,
     "The app admits only users approved by an administrator, and this user is not one.",
     "Setup, Manage Connected Apps, the app: add a profile or permission set of the user, or set "
     "Permitted Users to \"All users may self-authorize\"."},
    {"invalid_app_access", NULL,
     "The app admits only users approved by an administrator, and this user is not one.",
     "Setup, Manage Connected Apps, the app: add a profile or permission set of the user."},
    {"OAUTH_EC_APP_NOT_FOUND", NULL,
     "The External Client App is not installed in the org you signed in to; perhaps the browser is "
     "signed in to another org.",
     "Use the org's My Domain address and a private window, or install the app's package."},
    {"app_not_found", NULL, "The External Client App is not installed in this org.",
     "Use the org's My Domain address as login URL, or install the app's package."},
    {"OAUTH_AUTHORIZATION_BLOCKED", NULL,
     "The External Client App is local to another org, or the browser is signed in to another org.",
     "Use the org's My Domain address and a private window; make one app in each org."},
    {"OAUTH_APPROVAL_ERROR_GENERIC", NULL,
     "Salesforce shows this for several reasons: an integration user or API-only licence cannot "
     "use "
     "the browser sign-in; the app is not approved; single sign-on or an IP or login-hours rule.",
     "Sign in as a full-licence user with API Enabled. Setup, Connected Apps OAuth Usage: Install "
     "the "
     "app. Setup, Login History of that user shows which rule refused."},
    {"access_denied", NULL, "The person pressed Deny, or the sign-in page was left too long.",
     "Start again and press Allow."},
    {"invalid_request", "code challenge", "The app requires PKCE and the request had none.",
     "This is a fault of Argil: please report it."},
    {"invalid_request", "verifier",
     "The sign-in was started in another window or before a restart.",
     "Start the sign-in again and finish it in the same window."},
    {"invalid_grant", "expired authorization code",
     "The code was used twice, is older than 15 minutes, or belongs to another login host.",
     "Start the sign-in again."},
    {"invalid_grant", "invalid authorization code", "The code was damaged on its way.",
     "Start the sign-in again."},
    {"invalid_grant", "expired access/refresh token",
     "Salesforce no longer accepts the grant: revoked, expired by the app's Refresh Token Policy, "
     "pushed out by a sixth approval, a changed password, or a refreshed sandbox.",
     "Connect again. If it happens often: Setup, Manage Connected Apps, the app, Refresh Token "
     "Policy: "
     "\"valid until revoked\"."},
    {"invalid_grant", "already being processed", "Two programs renew the same grant at once.",
     "Give each program its own connected app; then try again."},
    {"invalid_grant", "inactive user", "The connected user was deactivated or frozen.",
     "Setup, Users, the user: Activate or Unfreeze; or connect as another one."},
    {"invalid_grant", "inactive organization", "The org is locked or expired.",
     "Ask Salesforce Support."},
    {"invalid_grant", "login hours",
     "The profile's Login IP Ranges or Login Hours refuse this server.",
     "Setup, Profiles, the user's profile: add this server's address to Login IP Ranges and check "
     "Login "
     "Hours, or set the app's IP Relaxation to \"Relax IP restrictions\"."},
    {"invalid_grant", "ip restricted",
     "The profile's Login IP Ranges do not hold this server's address.",
     "Setup, Manage Connected Apps, the app, IP Relaxation: \"Relax IP restrictions\"; or add the "
     "address to the profile's Login IP Ranges."},
    {"invalid_grant", "hasn't approved",
     "The user never approved the app in this org and is not pre-authorized; or the username or "
     "host "
     "belongs to another org.",
     "Setup, Manage Connected Apps, the app, Edit Policies, Permitted Users: \"Admin approved "
     "users "
     "are pre-authorized\", and add a profile or permission set of the user. Or connect once "
     "through "
     "the browser."},
    {"invalid_grant", "authentication failure", "User name or password were not accepted here.",
     "Check that the login URL is the right one: login, test, or the org's My Domain."},
    {"invalid_grant", "not supported on this domain",
     "Client credentials work only at the org's own My Domain, not at login or "
     "test.salesforce.com.",
     "Use the address under Setup, My Domain, \"Current My Domain URL\" as --url."},
    {"invalid_grant", "no client credentials user",
     "The app has no Run As user, or that user is inactive or not known here.",
     "Setup, Manage Connected Apps (or External Client App Manager, Policies), the app, Edit "
     "Policies, Client Credentials Flow, Run As: choose an active user by username."},
    {"invalid_grant", "client credentials flow not enabled",
     "The app does not have the client credentials flow switched on.",
     "Setup, App Manager, the app, Edit: tick \"Enable Client Credentials Flow\"; then set its Run "
     "As "
     "user under Edit Policies."},
    {"invalid_grant", "no valid scopes",
     "The app has no scope that a machine may have: full, web and refresh_token do not count.",
     "Setup, App Manager, the app, Edit, Selected OAuth Scopes: add \"Manage user data via APIs "
     "(api)\"."},
    {"invalid_grant", "audience",
     "The assertion was made for another host than the one it was sent to, or for the wrong kind "
     "of "
     "org.",
     "Use the org's My Domain as --url: Setup, My Domain, \"Current My Domain URL\"."},
    {"invalid_grant", "invalid assertion",
     "The certificate of the app does not belong to this private key, has expired, or this "
     "machine's "
     "clock is wrong.",
     "Setup, App Manager, the app, Edit, Use digital signatures: upload the certificate made with "
     "this key. Check the clock: argil doctor URL."},
    {"invalid_grant", "verifier", "The sign-in was started in another window or before a restart.",
     "Start the sign-in again and finish it in the same window."},
    {"invalid_grant", "login rate exceeded",
     "Too many sign-ins of this user: 3,600 an hour are allowed.", "Wait an hour."},
    {"invalid_grant", NULL, "Salesforce no longer accepts the grant.", "Connect again."},
    {"oauth_flow_disabled", NULL, "The org switched this kind of sign-in off.",
     "Setup, OAuth and OpenID Connect Settings."},
    {"unsupported_grant_type", NULL, "The app does not allow this kind of sign-in.",
     "Setup, App Manager, the app, Edit, Flow Enablement: enable the flow in use (authorization "
     "code, "
     "client credentials or JWT bearer)."},
    {"unsupported_response_type", NULL, "The app does not allow this kind of sign-in.",
     "Setup, App Manager, the app, Edit: enable the authorization code flow."},
    {"invalid_session_level", NULL, "The app asks for a high-assurance session.",
     "Setup, Manage Connected Apps, the app, Session Policies; or sign in with multi-factor."},
    {"immediate_unsuccessful", NULL, "Nobody is signed in, or the app was not approved before.",
     "Start the sign-in again."},
    {"rate_limit_exceeded", NULL, "Too many sign-ins of this user: 3,600 an hour are allowed.",
     "Wait an hour."},
    {"inactive_user", NULL, "The user is inactive.", "Activate the user, or use another one."},
    {"inactive_org", NULL, "The org is locked, closed or suspended.", "Ask Salesforce Support."},
    {"server_error", NULL, "Salesforce failed inside.", "Try again; see status.salesforce.com."},
    {"service_unavailable", NULL, "Salesforce is busy or in maintenance.",
     "Try again; see status.salesforce.com."},
    {"system_down", NULL, "Salesforce is down.", "See status.salesforce.com."},
    {"unknown_error", NULL, "Salesforce failed inside.", "Try again."},
    {"LOGIN_RATE_EXCEEDED", NULL, "Too many sign-ins of this user: 3,600 an hour are allowed.",
     "Wait an hour; a connection that keeps its session needs one sign-in in two hours."},
    {"fail_close_app_blocked", NULL, "The app is blocked, or its policy could not be read.",
     "Setup, Connected Apps OAuth Usage: Unblock or Install the app."},
    {"oauth_policy_not_found", NULL, "The app has no OAuth policy in this org.",
     "Setup, Manage Connected Apps, the app, Edit Policies: save them once."},
    {"ecapp_policy_not_found", NULL, "The External Client App has no policy in this org.",
     "Setup, External Client App Manager, the app, Policies: save them once."},
    {"installation_error", NULL, "The app could not be installed in this org.",
     "Setup, Connected Apps OAuth Usage: Install the app, or install its package."},
    {"invalid_distribution_state", NULL, "The External Client App is local to another org.",
     "Make an app in this org, or package that one and install it."},
    {"invalid_basic_auth_header", NULL, "Key and secret reached Salesforce damaged.",
     "This is a fault of Argil or of a proxy: please report it."},
    {"invalid_assertion_type", NULL, "Salesforce did not accept the kind of assertion.",
     "This is a fault of Argil: please report it."},
    {"bad_jti_claim", NULL, "An assertion was used twice.", "Try again."},
    {"login_error", NULL, "The sign-in failed for a reason that Salesforce keeps to itself.",
     "Setup, Login History of the user shows the reason in the column Status."},
    {"otp_error", NULL, "The verification code was not accepted.", "Start the sign-in again."},
    {"invalid_otp", NULL, "The verification code was not accepted.", "Start the sign-in again."},
    {"invalid_token", NULL, "The token is no longer valid: expired or revoked.", "Connect again."},
    {"unsupported_token_type", NULL, "The token is not one that can be revoked.",
     "Setup, Connected Apps OAuth Usage, the app: Revoke."},
    {"authorization_pending", NULL, "Nobody has approved the device yet.",
     "Finish the sign-in in the browser."},
    {"slow_down", NULL, "Salesforce was asked too often.", "Wait a minute and try again."},
    {"use_dpop_nonce", NULL,
     "The app demands proof-of-possession tokens (DPoP), which Argil lacks.",
     "Setup, External Client App Manager, the app, Edit: untick Require DPoP."},
    {"invalid_dpop_proof", NULL,
     "The app demands proof-of-possession tokens (DPoP), which Argil lacks.",
     "Setup, External Client App Manager, the app, Edit: untick Require DPoP."},
    {"exceeded_registration_limit", NULL, "The org has 100 dynamically registered apps already.",
     "Setup, App Manager: delete apps that nobody uses."},
    {"Bad_OAuth_Token", NULL, "The token expired, was revoked, or belongs to another org.",
     "Connect again."},
    {"Missing_OAuth_Token", NULL, "The token did not arrive.",
     "A proxy that strips the Authorization header is the usual cause: ask the network's "
     "administrator."},
    {"Wrong_Org", NULL, "The token belongs to another org than the address.", "Connect again."},
};

size_t sf_oauth_count(void)
{
    return sizeof oauths / sizeof *oauths;
}

const char *sf_oauth_code_at(size_t index)
{
    return index < sf_oauth_count() ? oauths[index].code : NULL;
}

void sf_explain_oauth(struct err *err, const char *code, const char *description)
{
    for (size_t i = 0; code && i < sf_oauth_count(); i++) {
        const struct oauth *row = &oauths[i];
        if (!text_eq(row->code, code))
            continue;
        if (row->description && !(description && strcasestr(description, row->description)))
            continue;
        err_cause(err, "%s", row->cause);
        err_hint(err, "%s", row->hint);
        return;
    }
}
