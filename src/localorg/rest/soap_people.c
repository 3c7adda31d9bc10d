/* soap_people.c - SOAP sign-in and who is signed in.
 *
 * login() is gone at API version 65 and later, and can be switched off for the
 * whole org (policy allow_soap_login), as it is in new orgs since Summer '26. */
#include "localorg/rest/gate.h"
#include "localorg/rest/records.h"
#include "localorg/rest/soap.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

#define LOGIN_GONE_FROM 65

static void login_refused(struct soap *soap)
{
    soap_fault(soap, "INVALID_LOGIN",
               "Invalid username, password, security token; or user locked out.");
}

/* One text of the Organization record; "" when it has none. */
static const char *organization_text(struct soap *soap, const char *field)
{
    const char *text = NULL;
    records_texts(soap->call, "Organization", org_id18(soap->call->site->org), &field, 1, &text);
    return text ? text : "";
}

static void write_user_info(struct soap *soap, const char *element, const struct org_user *user)
{
    static const char *const names[] = {"UserRoleId", "LanguageLocaleKey", "LocaleSidKey",
                                        "UserType", "ProfileId"};
    const char *texts[5] = {NULL};
    struct buf *out = soap->out;
    records_texts(soap->call, "User", user->id, names, 5, texts);
    xml_open(out, element);
    xml_bool(out, "accessibilityMode", false);
    xml_bool(out, "chatterExternal", false);
    xml_text(out, "currencySymbol", "$");
    xml_int(out, "orgAttachmentFileSizeLimit", 26214400);
    xml_text(out, "orgDefaultCurrencyIsoCode", "USD");
    xml_text(out, "orgDefaultCurrencyLocale", "en_US");
    xml_bool(out, "orgDisallowHtmlAttachments", false);
    xml_bool(out, "orgHasPersonAccounts", false);
    xml_text(out, "organizationId", org_id18(soap->call->site->org));
    xml_bool(out, "organizationMultiCurrency", false);
    xml_text(out, "organizationName", organization_text(soap, "Name"));
    xml_text(out, "profileId", texts[4] ? texts[4] : user->profile_id);
    if (texts[0])
        xml_text(out, "roleId", texts[0]);
    else
        xml_nil(out, "roleId");
    xml_int(out, "sessionSecondsValid", soap->call->session.timeout_ms / 1000);
    xml_nil(out, "userDefaultCurrencyIsoCode");
    xml_text(out, "userEmail", user->email);
    xml_text(out, "userFullName", user->name);
    xml_text(out, "userId", user->id);
    xml_text(out, "userLanguage", texts[1] ? texts[1] : "en_US");
    xml_text(out, "userLocale", texts[2] ? texts[2] : "en_US");
    xml_text(out, "userName", user->username);
    xml_text(out, "userTimeZone", user->timezone);
    xml_text(out, "userType", texts[3] ? texts[3] : "Standard");
    xml_text(out, "userUiSkin", "Theme3");
    xml_close(out, element);
}

/* Opens a session as the SOAP API does: no app, everything allowed. */
static void open_session(struct soap *soap, const struct person *person)
{
    struct call *call = soap->call;
    call->session = (struct session){.created_ms = call_now(call),
                                     .used_ms = call_now(call),
                                     .timeout_ms = gate_timeout_s(call, person, NULL) * 1000};
    snprintf(call->session.user_id, sizeof call->session.user_id, "%s", person->user.id);
    snprintf(call->session.username, sizeof call->session.username, "%s", person->user.username);
    snprintf(call->session.scopes, sizeof call->session.scopes, "full");
    snprintf(call->session.peer, sizeof call->session.peer, "%s", call_peer(call));
    grants_open_session(call->site->grants, org_id15(call->site->org), &call->session);
}

static const char *server_url(struct soap *soap, char letter)
{
    return arena_printf(soap->call->arena, "%s/services/Soap/%c/%s/%s", soap->call->origin, letter,
                        soap->call->version, org_id15(soap->call->site->org));
}

/* What keeps the person out, in the words of login(). */
static void refuse_bar(struct soap *soap, const char *status)
{
    static const char *const codes[][3] = {
        {"Restricted IP", "LOGIN_DURING_RESTRICTED_DOMAIN", "cannot log in from current domain"},
        {"Restricted time", "LOGIN_DURING_RESTRICTED_TIME", "cannot log in during restricted time"},
        {"Password lockout", "PASSWORD_LOCKOUT", "password lockout"},
        {"Login rate exceeded", "LOGIN_RATE_EXCEEDED", "Login rate limit exceeded"},
        {"Organization locked", "ORG_LOCKED", "organization is locked"}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i][0], status) == 0) {
            soap_fault(soap, codes[i][1], "%s", codes[i][2]);
            return;
        }
    login_refused(soap);
}

/* May this person come in with this password? Every try leaves a LoginHistory row. */
static bool let_in(struct soap *soap, const struct person *person, const char *password)
{
    struct call *call = soap->call;
    struct bar bar = gate_bar(call, person, NULL, DOOR_SOAP);
    if (bar.status) {
        gate_note(call, &person->user, NULL, DOOR_SOAP, bar.status);
        refuse_bar(soap, bar.status);
        return false;
    }
    if (!org_user_check_password(call->site->org, person->user.username, password)) {
        gate_failed(call, &person->user);
        gate_note(call, &person->user, NULL, DOOR_SOAP, "Invalid Password");
        login_refused(soap);
        return false;
    }
    gate_note(call, &person->user, NULL, DOOR_SOAP, "Success");
    return true;
}

void soap_login(struct soap *soap)
{
    struct org_user user;
    struct org_policy org;
    struct person person;
    struct call *call = soap->call;
    const char *username = soap_text(soap, "username"), *password = soap_text(soap, "password");
    policies_org(call->site->policies, &org);
    if (call->api_version >= LOGIN_GONE_FROM || !org.allow_soap_login) {
        soap_fault(soap, "INVALID_OPERATION",
                   "The SOAP login() call is not available %s. Use OAuth instead.",
                   org.allow_soap_login ? "in API version 65.0 and later" : "in this org");
        return;
    }
    if (!username || !password || !org_user_by_name(call->site->org, username, &user)) {
        login_refused(soap);
        return;
    }
    gate_person(call->site, &user, &person);
    if (!let_in(soap, &person, password))
        return;
    open_session(soap, &person);
    xml_open(soap->out, "result");
    xml_text(soap->out, "metadataServerUrl", server_url(soap, 'm'));
    xml_bool(soap->out, "passwordExpired", false);
    xml_bool(soap->out, "sandbox", org.sandbox);
    xml_text(soap->out, "serverUrl", server_url(soap, text_ends(soap->api->namespace,
                                                                "enterprise.soap.sforce.com")
                                                          ? 'c'
                                                          : 'u'));
    xml_text(soap->out, "sessionId", call->session.token);
    xml_text(soap->out, "userId", user.id);
    write_user_info(soap, "userInfo", &user);
    xml_close(soap->out, "result");
}

void soap_logout(struct soap *soap)
{
    grants_close_session(soap->call->site->grants, soap->call->session.token);
}

void soap_user_info(struct soap *soap)
{
    struct org_user user;
    if (org_user_by_id(soap->call->site->org, soap->call->session.user_id, &user))
        write_user_info(soap, "result", &user);
}

void soap_timestamp(struct soap *soap)
{
    char now[32];
    when_iso(call_now(soap->call), now);
    xml_open(soap->out, "result");
    xml_text(soap->out, "timestamp", now);
    xml_close(soap->out, "result");
}

void soap_set_password(struct soap *soap)
{
    struct err err = {{0}};
    struct org_user self, user;
    char id[19];
    struct org *org = soap->call->site->org;
    const char *password = soap_text(soap, "password");
    bool known = id_canonical(soap_text(soap, "userId"), id) && org_user_by_id(org, id, &user);
    if (!known || !password) {
        soap_fault(soap, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
        return;
    }
    org_user_by_id(org, soap->call->session.user_id, &self);
    if (!self.system_administrator && strcmp(self.id, user.id) != 0) {
        soap_fault(soap, "INSUFFICIENT_ACCESS", "insufficient access rights on object id");
        return;
    }
    if (strlen(password) < 8) {
        soap_fault(soap, "INVALID_NEW_PASSWORD", "Your password must be at least 8 characters long.");
        return;
    }
    if (org_user_set_password(org, user.username, password, &err) != OK) {
        soap_fault(soap, "UNKNOWN_EXCEPTION", "%s", err.message);
        return;
    }
    grants_expire_sessions(soap->call->site->grants, user.username);
    buf_str(soap->out, "<result/>");
}
