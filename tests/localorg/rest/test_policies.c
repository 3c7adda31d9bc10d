/* test_policies.c - one row a policy: what the administrator set, how somebody
 * tried to come in, and the exact answer, as salesforce-auth 2 and 3 have it. */
#include "localorg/rest/fixture.h"

#include "base/str.h"
#include "base/uri.h"
#include "localorg/seed/seed.h"

#include <string.h>

EACH_REST_TEST

#define V        "/services/data/v66.0"
#define CALLBACK "http://127.0.0.1:5555/callback"
#define CONSENT  "/setup/secur/RemoteAccessAuthorizationPage.apexp"
#define ERRORS   "/setup/secur/RemoteAccessErrorPage.apexp"
#define GENERIC                                                                                    \
    ERRORS "?error=OAUTH_APPROVAL_ERROR_GENERIC&error_description=An+unexpected+error+has+"        \
           "occured+during+authentication.+Please+try+again."

/* --- steps --- */

static void given_policies(const char *json)
{
    come_from("");
    call_host("");
    struct reply reply = ask("POST", "/localorg/policies", json);
    CHECK_STR(reply.status == 200 ? "" : reply.text, "");
}

static void given_app(const char *members)
{
    given_policies(text_f("{\"app\":{\"client_id\":\"" DEMO_CLIENT_ID "\",%s}}", members));
}

static const char *escaped(const char *text)
{
    struct arena *arena = arena_new();
    const char *kept = text_f("%s", uri_encoded(arena, text));
    arena_free(arena);
    return kept;
}

static struct reply authorize(const char *more)
{
    return browse(text_f("/services/oauth2/authorize?response_type=code&client_id=" DEMO_CLIENT_ID
                         "&redirect_uri=%s&state=s+1%s",
                         escaped(CALLBACK), more));
}

static const char *parameter(const char *url, const char *name)
{
    struct arena *arena = arena_new();
    const char *mark = strpbrk(url, "?#");
    const char *value =
        mark ? uri_pair_get(uri_pairs(arena, mark + 1, strlen(mark + 1)), name) : NULL;
    value = text_f("%s", value ? value : "");
    arena_free(arena);
    return value;
}

/* Through the login form to whatever comes then. */
static struct reply sign_in(const char *username, const char *password)
{
    struct reply reply = authorize("&prompt=login");
    const char *start = parameter(reply_header(&reply, "Location"), "startURL");
    reply =
        post_form("/", text_f("username=%s&pw=%s&startURL=%s", username, password, escaped(start)));
    while (reply.status == 302 && text_starts(reply_header(&reply, "Location"), CONSENT))
        reply = browse(reply_header(&reply, "Location"));
    return reply;
}

static const char *code_of(const char *username)
{
    struct reply page = sign_in(username, SEED_PASSWORD);
    if (page.status == 302)
        return parameter(reply_header(&page, "Location"), "code");
    const char *at = strstr(page.text, "CAAAA");
    CHECK(at != NULL);
    struct reply reply =
        post_form(CONSENT, text_f("source=%.*s&save=Allow", (int)strcspn(at, "\""), at));
    return parameter(reply_header(&reply, "Location"), "code");
}

#define CLIENT "&client_id=" DEMO_CLIENT_ID "&client_secret=" DEMO_CLIENT_SECRET

static struct reply exchange(const char *code)
{
    return post_form("/services/oauth2/token",
                     text_f("grant_type=authorization_code" CLIENT "&redirect_uri=%s&code=%s",
                            escaped(CALLBACK), escaped(code)));
}

static struct reply refresh(const char *token)
{
    return post_form("/services/oauth2/token",
                     text_f("grant_type=refresh_token" CLIENT "&refresh_token=%s", token));
}

static const char *refresh_token_of(const char *username)
{
    struct reply reply = exchange(code_of(username));
    CHECK_INT(reply.status, 200);
    return json_get_text(reply.json, "refresh_token");
}

static struct reply password(const char *username, const char *secret)
{
    return post_form(
        "/services/oauth2/token",
        text_f("grant_type=password" CLIENT "&username=%s&password=%s", username, secret));
}

static struct reply machine(void)
{
    return post_form("/services/oauth2/token", "grant_type=client_credentials" CLIENT);
}

static struct reply assertion(const char *client_id, const char *username, const char *audience)
{
    struct arena *arena = arena_new();
    struct err err = {{0}};
    const char *jwt = signer_jwt(
        site->signer, arena,
        text_f("{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"exp\":\"%lld\"}", client_id,
               username, audience, (long long)site->world->now_ms(site->world) / 1000 + 180),
        &err);
    CHECK_GOT(jwt, &err);
    struct reply reply =
        post_form("/services/oauth2/token",
                  text_f("grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Ajwt-bearer&"
                         "assertion=%s",
                         jwt));
    arena_free(arena);
    return reply;
}

static const char *session_of(const char *username)
{
    struct reply reply = ask("POST", "/localorg/token", text_f("{\"username\":\"%s\"}", username));
    return text_f("Bearer %s", json_get_text(reply.json, "access_token"));
}

static struct reply api(const char *authorization)
{
    return ask_as(authorization, "GET", V "/limits", NULL, NULL, NULL);
}

/* The newest LoginHistory of the user, "Status|LoginSubType|SourceIp": read past the API, which
 * the policy at hand may have closed. */
static const char *last_login(const char *username)
{
    static const char sql[] =
        "SELECT h.\"Status\" || '|' || coalesce(h.\"LoginSubType\", '') || '|' || h.\"SourceIp\""
        " FROM \"LoginHistory\" h JOIN \"User\" u ON u.\"Id\" = h.\"UserId\" WHERE u.\"Username\""
        " = ? ORDER BY h.\"Id\" DESC LIMIT 1";
    sqlite3_stmt *row = NULL;
    sqlite3 *db = org_reader_take(site->org);
    CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    sqlite3_bind_text(row, 1, username, -1, SQLITE_STATIC);
    CHECK_INT(sqlite3_step(row), SQLITE_ROW);
    const char *found = text_f("%s", (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    org_reader_give(site->org, db);
    return found;
}

/* --- what authorize refuses on the spot: 400, no redirect, %20 --- */

TEST(policies, authorize_refuses_on_the_spot)
{
    static const struct {
        const char *policies, *url, *body;
    } rows[] = {
        {"{}", "response_type=code&client_id=3MVG9nobody&redirect_uri=x",
         "error=invalid_client_id&error_description=client%20identifier%20invalid"},
        {"{}", "response_type=code&client_id=" DEMO_CLIENT_ID,
         "error=redirect_uri_missing&error_description=redirect_uri%20not%20provided"},
        {"{}", "response_type=code&client_id=" DEMO_CLIENT_ID "&redirect_uri=https%3A%2F%2Fx%2F",
         "error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20"
         "configuration"},
        {"{}",
         "response_type=code&client_id=" DEMO_CLIENT_ID
         "&redirect_uri=urn%3Aietf%3Awg%3Aoauth%3A2.0%3Aoob",
         "error=invalid_request&error_description=out-of-band%20not%20supported"},
        {"{}", "response_type=magic&client_id=" DEMO_CLIENT_ID "&redirect_uri=x",
         "error=unsupported_response_type&error_description=response%20type%20is%20not%20"
         "supported"},
        {"{\"org\":{\"allow_user_agent_flow\":false}}",
         "response_type=token&client_id=" DEMO_CLIENT_ID "&redirect_uri=x",
         "error=unsupported_response_type&error_description=response%20type%20is%20not%20"
         "supported"},
        {"{\"org\":{\"require_pkce\":true}}",
         "response_type=code&client_id=" DEMO_CLIENT_ID
         "&redirect_uri=http%3A%2F%2F127.0.0.1%3A5555%2Fcallback",
         "error=invalid_request&error_description=missing%20required%20code%20challenge"},
        {"{\"org\":{\"require_pkce\":false},\"app\":{\"client_id\":\"" DEMO_CLIENT_ID
         "\",\"pkce_required\":true}}",
         "response_type=code&client_id=" DEMO_CLIENT_ID
         "&redirect_uri=http%3A%2F%2F127.0.0.1%3A5555%2Fcallback",
         "error=invalid_request&error_description=missing%20required%20code%20challenge"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        given_policies(rows[i].policies);
        struct reply reply = browse(text_f("/services/oauth2/authorize?%s", rows[i].url));
        CHECK_INT(reply.status, 400);
        CHECK_STR(reply.text, rows[i].body);
        CHECK_STR(reply_header(&reply, "Location"), "");
    }
}

TEST(policies, a_new_app_takes_its_time_to_go_round)
{
    given_policies("{\"org\":{\"app_propagation_s\":300},\"app\":{\"client_id\":\"3MVG9new\","
                   "\"loopback_callbacks\":true}}");
    const char *url = "/services/oauth2/authorize?response_type=code&client_id=3MVG9new&"
                      "redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb";
    struct reply reply = browse(url);
    CHECK_STR(reply.text,
              "error=invalid_client_id&error_description=client%20identifier%20invalid");
    reply = post_form("/services/oauth2/token",
                      "grant_type=client_credentials&client_id=3MVG9new&client_secret=x");
    CHECK_STR(json_get_text(reply.json, "error"), "invalid_client_id");
    ask("POST", "/localorg/clock", "{\"shift_s\":301}");
    reply = browse(url);
    CHECK_INT(reply.status, 302);
}

/* --- after the person is known: to the callback (Q) or to Salesforce's page (P), + --- */

static const struct browser_row {
    const char *policies, *username, *location, *history;
} browser_rows[] = {
    {"\"app\":{\"blocked\":true}", SEED_SALES_USERNAME,
     CALLBACK "?error=OAUTH_APP_BLOCKED&error_description=this+app+is+blocked+by+admin&state=s+1",
     "Success||127.0.0.1"},
    {"\"app\":{\"installed\":false},\"org\":{\"api_access_control\":true}", SEED_SALES_USERNAME,
     CALLBACK "?error=OAUTH_APP_BLOCKED&error_description=this+app+is+blocked+by+admin&state=s+1",
     "Success||127.0.0.1"},
    {"\"app\":{\"installed\":false}", SEED_SALES_USERNAME,
     ERRORS "?error=invalid_client&error_description=app+must+be+installed+into+org&state=s+1",
     "Package for this consumer is not installed in your organization|OauthWebServer|127.0.0.1"},
    {"\"app\":{\"permitted_users\":\"admin\"}", SEED_SALES_USERNAME,
     CALLBACK "?error=OAUTH_APP_ACCESS_DENIED&error_description=user+is+not+admin+approved+to+"
              "access+this+app&state=s+1",
     "Success||127.0.0.1"},
    {"\"app\":{\"external\":true,\"installed\":false}", SEED_SALES_USERNAME,
     CALLBACK "?error=OAUTH_EC_APP_NOT_FOUND&error_description=External+client+app+is+not+"
              "installed+in+this+org&state=s+1",
     "Success||127.0.0.1"},
    {"\"app\":{\"external\":true,\"foreign\":true}", SEED_SALES_USERNAME,
     CALLBACK "?error=OAUTH_AUTHORIZATION_BLOCKED&error_description=Cross-org+OAuth+flows+are+not+"
              "supported+for+this+external+client+app&state=s+1",
     "Success||127.0.0.1"},
    {"\"app\":{\"external\":true,\"foreign\":true,\"distribution\":\"packaged\"}",
     SEED_SALES_USERNAME, "", "Success||127.0.0.1"},
    {"\"app\":{\"high_assurance\":\"block\"}", SEED_SALES_USERNAME,
     ERRORS "?error=invalid_session_level&error_description=invalid+session+level&state=s+1",
     "Success||127.0.0.1"},
    {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"api_only\":true}", SEED_SALES_USERNAME,
     GENERIC, "Failed: API-only user||127.0.0.1"},
    {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"integration_licence\":true}",
     SEED_SALES_USERNAME, GENERIC, "Failed: API-only user||127.0.0.1"},
    {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"single_sign_on\":true}",
     SEED_SALES_USERNAME, GENERIC, "Invalid Password||127.0.0.1"},
    {"\"org\":{\"disable_password_login\":true}", SEED_SALES_USERNAME, GENERIC,
     "Invalid Password||127.0.0.1"},
    {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"frozen\":true}", SEED_SALES_USERNAME,
     GENERIC, "User is frozen||127.0.0.1"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]}",
     SEED_SALES_USERNAME, GENERIC, "Restricted IP||127.0.0.1"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"127.0.0.0/8\"]}",
     SEED_SALES_USERNAME, "", "Success||127.0.0.1"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]},"
     "\"app\":{\"ip_relaxation\":\"relax\"}",
     SEED_SALES_USERNAME, "", "Success||127.0.0.1"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_hours\":[\"mon-sun/00:00-00:01\"]}",
     SEED_SALES_USERNAME, GENERIC, "Restricted time||127.0.0.1"},
    {"\"org\":{\"device_activation\":true}", SEED_SALES_USERNAME, GENERIC,
     "Failed: Computer activation required||127.0.0.1"},
    {"\"org\":{\"device_activation\":true,\"trusted_ip_ranges\":[\"127.0.0.1\"]}",
     SEED_SALES_USERNAME, "", "Success||127.0.0.1"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_flow\":true}", SEED_SALES_USERNAME,
     GENERIC "&state=s+1", "Success||127.0.0.1"},
    {"\"org\":{\"transaction_security\":\"block\"}", SEED_SALES_USERNAME, GENERIC "&state=s+1",
     "Success||127.0.0.1"},
};

/* Adds the demo app's client id to "app":{. */
static const char *policies_of(const char *members)
{
    const char *app = strstr(members, "\"app\":{");
    if (!app)
        return text_f("{%s}", members);
    size_t before = (size_t)(app - members) + 7;
    return text_f("{%.*s\"client_id\":\"" DEMO_CLIENT_ID "\",%s}", (int)before, members,
                  members + before);
}

/* A new org's policies, nobody signed in, noon on a Wednesday. */
static void start_over(void)
{
    come_from("");
    call_host("");
    forget_cookies();
    ask("DELETE", "/localorg/policies", NULL);
    ask("POST", "/localorg/clock", "{\"to\":\"2027-03-03T20:00:00Z\"}");
    struct reply reply = ask("POST", "/localorg/token", "{}"); /* the old one is idle by now */
    admin_token = json_get_text(reply.json, "access_token");
    given_policies("{\"org\":{\"trust_forwarded_for\":true}}");
}

TEST(policies, the_browser_ends_where_salesforce_sends_it)
{
    for (size_t i = 0; i < sizeof browser_rows / sizeof *browser_rows; i++) {
        const struct browser_row *row = &browser_rows[i];
        start_over();
        given_policies(policies_of(row->policies));
        struct reply reply = sign_in(row->username, SEED_PASSWORD);
        const char *location = reply_header(&reply, "Location");
        if (!*row->location) { /* let in: the consent page */
            CHECK_INT(reply.status, 200);
            CHECK_CONTAINS(reply.text, "id=\"oaapprove\"");
        } else {
            CHECK_INT(reply.status, 302);
            CHECK_STR(location, row->location);
        }
        CHECK_STR(last_login(row->username), row->history);
    }
}

TEST(policies, what_the_client_did_goes_to_the_callback)
{
    struct reply reply = authorize("&immediate=true");
    CHECK_STR(reply_header(&reply, "Location"),
              CALLBACK "?error=immediate_unsuccessful&error_description=immediate+unsuccessful&"
                       "state=s+1");
    reply = authorize("&scope=nonsense");
    CHECK_STR(reply_header(&reply, "Location"),
              CALLBACK "?error=invalid_scope&error_description=requested+scope+is+invalid%2C+"
                       "unknown%2C+or+malformed&state=s+1");
    given_app("\"scopes\":[\"id\"]");
    reply = sign_in(SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_INT(reply.status, 200);
    reply = authorize("&scope=api");
    reply = browse(reply_header(&reply, "Location"));
    CHECK_STR(reply_header(&reply, "Location"),
              ERRORS "?error=invalid_scope&error_description=the+requested+scope+is+not+allowed&"
                     "state=s+1");
}

TEST(policies, a_locked_org_and_a_deactivated_user_end_at_the_callback)
{
    struct reply reply = sign_in(SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_INT(reply.status, 200);
    given_policies("{\"org\":{\"status\":\"locked\"}}");
    reply = authorize("");
    reply = browse(reply_header(&reply, "Location"));
    CHECK_STR(reply_header(&reply, "Location"),
              CALLBACK "?error=inactive_org&error_description=org+is+locked%2C+closed%2C+or+"
                       "suspended&state=s+1");
    given_policies("{\"org\":{\"status\":\"active\"}}");
    ask("POST", "/localorg/users", "{\"username\":\"" SEED_SALES_USERNAME "\",\"active\":false}");
    reply = authorize("");
    reply = browse(reply_header(&reply, "Location"));
    CHECK_STR(reply_header(&reply, "Location"),
              CALLBACK "?error=inactive_user&error_description=user+is+inactive&state=s+1");
    /* and the login form says no more than for a wrong password */
    forget_cookies();
    reply = sign_in(SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_CONTAINS(reply.text, "Please check your username and password");
    CHECK_STR(last_login(SEED_SALES_USERNAME), "User is inactive||127.0.0.1");
}

TEST(policies, permitted_users_come_by_name_profile_or_permission_set)
{
    given_app("\"permitted_users\":\"admin\",\"profiles\":[\"Sales User\"]");
    struct reply reply = sign_in(SEED_SALES_USERNAME, SEED_PASSWORD);
    /* pre-authorized: no consent page */
    CHECK(text_starts(reply_header(&reply, "Location"), CALLBACK "?code="));
    forget_cookies();
    reply = sign_in(SEED_STANDARD_USERNAME, SEED_PASSWORD);
    CHECK_CONTAINS(reply_header(&reply, "Location"), "OAUTH_APP_ACCESS_DENIED");
    given_app("\"permission_sets\":[\"App_Access\"]");
    const char *set = given("PermissionSet", "{\"Name\":\"App_Access\",\"Label\":\"App Access\"}");
    given("PermissionSetAssignment",
          text_f(
              "{\"PermissionSetId\":\"%s\",\"AssigneeId\":\"%s\"}", set,
              soql_one("SELECT Id FROM User WHERE Username = '" SEED_STANDARD_USERNAME "'", "Id")));
    forget_cookies();
    reply = sign_in(SEED_STANDARD_USERNAME, SEED_PASSWORD);
    CHECK(text_starts(reply_header(&reply, "Location"), CALLBACK "?code="));
    forget_cookies();
    given_app("\"assigned\":[\"" SEED_ADMIN_USERNAME "\"]");
    reply = sign_in(SEED_ADMIN_USERNAME, SEED_PASSWORD);
    CHECK(text_starts(reply_header(&reply, "Location"), CALLBACK "?code="));
}

TEST(policies, approve_uninstalled_is_a_permission)
{
    given_app("\"installed\":false");
    struct reply reply = sign_in(SEED_ADMIN_USERNAME, SEED_PASSWORD); /* has it by profile */
    CHECK_INT(reply.status, 200);
    forget_cookies();
    const char *set = given("PermissionSet", "{\"Name\":\"Approve\",\"Label\":\"Approve\","
                                             "\"PermissionsCanApproveUninstalledApps\":true}");
    reply = sign_in(SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_CONTAINS(reply_header(&reply, "Location"), "error=invalid_client");
    given("PermissionSetAssignment",
          text_f("{\"PermissionSetId\":\"%s\",\"AssigneeId\":\"%s\"}", set,
                 soql_one("SELECT Id FROM User WHERE Username = '" SEED_SALES_USERNAME "'", "Id")));
    forget_cookies();
    reply = sign_in(SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_INT(reply.status, 200);
    given_policies("{\"org\":{\"block_uninstalled_apps\":false}}");
    forget_cookies();
    reply = sign_in(SEED_STANDARD_USERNAME, SEED_PASSWORD);
    CHECK_INT(reply.status, 200);
}

TEST(policies, ten_wrong_passwords_lock_for_a_quarter_of_an_hour)
{
    for (int i = 0; i < 10; i++) {
        struct reply reply = password(SEED_SALES_USERNAME, "wrong");
        CHECK_STR(json_get_text(reply.json, "error_description"), "authentication failure");
    }
    CHECK_STR(last_login(SEED_SALES_USERNAME), "Invalid Password|OauthUsernamePassword|127.0.0.1");
    struct reply reply = password(SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_INT(reply.status, 400);
    CHECK_STR(last_login(SEED_SALES_USERNAME), "Password lockout|OauthUsernamePassword|127.0.0.1");
    reply = sign_in(SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_CONTAINS(reply.text, "Please check your username and password");
    ask("POST", "/localorg/clock", "{\"shift_s\":901}");
    reply = password(SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_INT(reply.status, 200);
}

TEST(policies, two_known_users_choose)
{
    sign_in(SEED_ADMIN_USERNAME, SEED_PASSWORD);
    struct reply reply = authorize("&prompt=select_account");
    CHECK_INT(reply.status, 302); /* one hint: straight on */
    sign_in(SEED_SALES_USERNAME, SEED_PASSWORD);
    reply = authorize("&prompt=select_account");
    CHECK_INT(reply.status, 200);
    CHECK_CONTAINS(reply.text, "id=\"idlist\"");
    CHECK_CONTAINS(reply.text, SEED_ADMIN_USERNAME);
    CHECK_CONTAINS(reply.text, SEED_SALES_USERNAME);
    CHECK_CONTAINS(reply.text, "id=\"use_new_identity\"");
    const char *at = strstr(reply.text, "class=\"hint\" href=\"");
    CHECK(at != NULL);
    at += strlen("class=\"hint\" href=\"");
    const char *link = text_f("%.*s", (int)strcspn(at, "\""), at);
    for (char *amp; (amp = strstr(link, "&amp;"));)
        memmove(amp + 1, amp + 5, strlen(amp + 5) + 1);
    reply = browse(link);
    CHECK_CONTAINS(reply.text, "value=\"" SEED_SALES_USERNAME "\"");
}

/* --- the token endpoint: 400, JSON --- */

static void check_refused(const struct reply *reply, const char *error, const char *words)
{
    CHECK_INT(reply->status, 400);
    CHECK_STR(json_get_text(reply->json, "error"), error);
    if (words)
        CHECK_STR(json_get_text(reply->json, "error_description"), words);
    else
        CHECK(json_get(reply->json, "error_description") == NULL);
    CHECK_STR(reply_header(reply, "Cache-Control"), "no-store");
}

/* What an administrator does to a user who holds a refresh token, and what the
 * next refresh says. error "" = it works. */
static const struct refresh_row {
    const char *policies, *from, *error, *words, *history;
} refresh_rows[] = {
    {"", "", "", "", "Success|OauthRefreshToken|127.0.0.1"},
    {"\"app\":{\"refresh_policy\":\"zero\"}", "", "invalid_grant", "expired access/refresh token",
     "Failed: Invalid Token|OauthRefreshToken|127.0.0.1"},
    {"\"app\":{\"permitted_users\":\"admin\"}", "", "invalid_grant", "expired access/refresh token",
     "Failed: Invalid Token|OauthRefreshToken|127.0.0.1"},
    {"\"app\":{\"blocked\":true}", "", "app_blocked", "this app is blocked by admin", NULL},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]}", "192.0.2.7",
     "invalid_grant", "ip restricted", "Restricted IP|OauthRefreshToken|192.0.2.7"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]}", "10.1.2.3",
     "", "", "Success|OauthRefreshToken|10.1.2.3"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]},"
     "\"app\":{\"ip_relaxation\":\"enforce_relax_refresh\"}",
     "192.0.2.7", "", "", "Success|OauthRefreshToken|192.0.2.7"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]},"
     "\"app\":{\"ip_relaxation\":\"relax_activated\"}",
     "192.0.2.7", "invalid_grant", "ip restricted", "Restricted IP|OauthRefreshToken|192.0.2.7"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]},"
     "\"app\":{\"ip_relaxation\":\"relax_activated\",\"trusted_ip_ranges\":[\"192.0.2.0/24\"]}",
     "192.0.2.7", "", "", "Success|OauthRefreshToken|192.0.2.7"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]},"
     "\"app\":{\"ip_relaxation\":\"relax_activated\"},"
     "\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"device_activated\":true}",
     "192.0.2.7", "", "", "Success|OauthRefreshToken|192.0.2.7"},
    {"\"app\":{\"refresh_ip_ranges\":[\"198.51.100.0/24\"]}", "192.0.2.7", "invalid_grant",
     "ip restricted", "Failed: IP Address Not Allowed|OauthRefreshToken|192.0.2.7"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_hours\":[\"sat-sun/00:00-24:00\"]}", "",
     "invalid_grant", "ip restricted or invalid login hours",
     "Restricted time|OauthRefreshToken|127.0.0.1"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_hours\":[\"wed/11:00-13:00\"]}", "", "", "",
     "Success|OauthRefreshToken|127.0.0.1"},
    {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"ip_restricted\":true}", "",
     "invalid_grant", "ip restricted", "Restricted IP|OauthRefreshToken|127.0.0.1"},
    {"\"app\":{\"high_assurance\":\"block\"}", "", "invalid_session_level", NULL,
     "Two-factor required|OauthRefreshToken|127.0.0.1"},
    {"\"app\":{\"high_assurance\":\"block\"},"
     "\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"second_factor\":true}",
     "", "", "", "Success|OauthRefreshToken|127.0.0.1"},
    {"\"org\":{\"status\":\"locked\"}", "", "invalid_grant", "inactive organization",
     "Organization locked|OauthRefreshToken|127.0.0.1"},
    {"\"org\":{\"logins_per_hour\":0}", "", "invalid_grant", "login rate exceeded",
     "Login rate exceeded|OauthRefreshToken|127.0.0.1"},
};

TEST(policies, each_answers_a_refresh_in_its_own_words)
{
    for (size_t i = 0; i < sizeof refresh_rows / sizeof *refresh_rows; i++) {
        const struct refresh_row *row = &refresh_rows[i];
        start_over();
        const char *token = refresh_token_of(SEED_SALES_USERNAME);
        if (*row->policies)
            given_policies(policies_of(row->policies));
        come_from(row->from);
        struct reply reply = refresh(token);
        come_from("");
        if (!*row->error)
            CHECK_INT(reply.status, 200);
        else
            check_refused(&reply, row->error, row->words);
        if (row->history)
            CHECK_STR(last_login(SEED_SALES_USERNAME), row->history);
    }
}

TEST(policies, refresh_tokens_end_by_their_policy)
{
    start_over();
    const char *token = refresh_token_of(SEED_SALES_USERNAME);
    given_app("\"refresh_policy\":\"inactivity\",\"refresh_policy_s\":3600");
    ask("POST", "/localorg/clock", "{\"shift_s\":3000}");
    struct reply reply = refresh(token);
    CHECK_INT(reply.status, 200); /* use resets it */
    ask("POST", "/localorg/clock", "{\"shift_s\":3000}");
    reply = refresh(token);
    CHECK_INT(reply.status, 200);
    ask("POST", "/localorg/clock", "{\"shift_s\":3700}");
    reply = refresh(token);
    check_refused(&reply, "invalid_grant", "expired access/refresh token");
    forget_cookies();
    token = refresh_token_of(SEED_SALES_USERNAME);
    given_app("\"refresh_policy\":\"lifetime\",\"refresh_policy_s\":3600");
    ask("POST", "/localorg/clock", "{\"shift_s\":3500}");
    reply = refresh(token);
    CHECK_INT(reply.status, 200); /* use does not reset it */
    ask("POST", "/localorg/clock", "{\"shift_s\":200}");
    reply = refresh(token);
    check_refused(&reply, "invalid_grant", "expired access/refresh token");
}

TEST(policies, a_frozen_or_deactivated_user_loses_everything)
{
    start_over();
    const char *token = refresh_token_of(SEED_SALES_USERNAME);
    const char *session = session_of(SEED_SALES_USERNAME);
    given_policies("{\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"frozen\":true}}");
    struct reply reply = refresh(token);
    check_refused(&reply, "invalid_grant", "expired access/refresh token");
    reply = api(session);
    CHECK_INT(reply.status, 401);
    start_over();
    token = refresh_token_of(SEED_STANDARD_USERNAME);
    session = session_of(SEED_STANDARD_USERNAME);
    reply = ask(
        "PATCH",
        text_f(V "/sobjects/User/%s",
               soql_one("SELECT Id FROM User WHERE Username = '" SEED_STANDARD_USERNAME "'", "Id")),
        "{\"IsActive\":false}");
    CHECK_INT(reply.status, 204);
    reply = refresh(token);
    check_refused(&reply, "invalid_grant", "inactive user");
    reply = api(session);
    CHECK_STR(error_code(&reply), "INVALID_SESSION_ID");
}

TEST(policies, codes_meet_addresses_too)
{
    start_over();
    const char *code = code_of(SEED_SALES_USERNAME);
    given_policies(
        "{\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]}}");
    come_from("192.0.2.7");
    struct reply reply = exchange(code);
    check_refused(&reply, "invalid_grant", "ip restricted");
    CHECK_STR(last_login(SEED_SALES_USERNAME), "Restricted IP|OauthWebServer|192.0.2.7");
    given_app("\"ip_relaxation\":\"relax\"");
    forget_cookies();
    code = code_of(SEED_SALES_USERNAME);
    come_from("192.0.2.7");
    reply = exchange(code);
    CHECK_INT(reply.status, 200);
}

TEST(policies, the_machine_flow_wants_my_domain)
{
    static const struct {
        const char *policies, *host, *error, *words;
    } rows[] = {
        {"", "", "", ""},
        {"\"org\":{\"my_domain\":[\"acme.my.localorg.example\"]}", "login.localorg.example",
         "invalid_grant", "request not supported on this domain"},
        {"\"org\":{\"my_domain\":[\"acme.my.localorg.example\"]}", "acme.my.localorg.example:8460",
         "", ""},
        {"\"app\":{\"client_credentials\":false}", "", "invalid_grant",
         "client credentials flow not enabled"},
        {"\"app\":{\"run_as\":\"\"}", "", "invalid_grant", "no client credentials user enabled"},
        {"\"app\":{\"scopes\":[\"full\",\"web\",\"refresh_token\"]}", "", "invalid_grant",
         "no valid scopes defined"},
        {"\"app\":{\"permitted_users\":\"admin\"}", "", "invalid_app_access",
         "user is not admin approved to access this app"},
        {"\"app\":{\"external\":true,\"installed\":false}", "", "app_not_found",
         "External client app is not installed in this org"},
        {"\"app\":{\"blocked\":true}", "", "app_blocked", "this app is blocked by admin"},
        /* what these licences are for */
        {"\"app\":{\"run_as\":\"" SEED_SALES_USERNAME "\"},"
         "\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"api_only\":true}",
         "", "", ""},
        {"\"app\":{\"run_as\":\"" SEED_SALES_USERNAME "\"},"
         "\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"integration_licence\":true}",
         "", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start_over();
        if (*rows[i].policies)
            given_policies(policies_of(rows[i].policies));
        call_host(rows[i].host);
        struct reply reply = machine();
        if (!*rows[i].error)
            CHECK_INT(reply.status, 200);
        else
            check_refused(&reply, rows[i].error, rows[i].words);
    }
    call_host("");
}

TEST(policies, passwords_are_the_flow_most_orgs_have_off)
{
    static const struct {
        const char *policies, *error, *words, *history;
    } rows[] = {
        {"", "", "", "Success|OauthUsernamePassword|127.0.0.1"},
        {"\"org\":{\"allow_password_flow\":false}", "invalid_grant", "authentication failure",
         "Username-Password Flow Disabled|OauthUsernamePassword|127.0.0.1"},
        {"\"app\":{\"external\":true}", "unsupported_grant_type", "grant type not supported", NULL},
        {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"single_sign_on\":true}",
         "invalid_grant", "authentication failure",
         "Invalid Password|OauthUsernamePassword|127.0.0.1"},
        {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"frozen\":true}", "invalid_grant",
         "authentication failure", "User is frozen|OauthUsernamePassword|127.0.0.1"},
        {"\"org\":{\"my_domain\":[\"acme.example\"],\"prevent_generic_login\":true}",
         "invalid_grant", "authentication failure",
         "Restricted domain|OauthUsernamePassword|127.0.0.1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start_over();
        if (*rows[i].policies)
            given_policies(policies_of(rows[i].policies));
        struct reply reply = password(SEED_SALES_USERNAME, SEED_PASSWORD);
        if (!*rows[i].error)
            CHECK_INT(reply.status, 200);
        else
            check_refused(&reply, rows[i].error, rows[i].words);
        if (rows[i].history)
            CHECK_STR(last_login(SEED_SALES_USERNAME), rows[i].history);
    }
}

TEST(policies, a_secret_is_asked_for_where_the_app_says)
{
    static const struct {
        const char *policies;
        bool web, refresh; /* let in without a secret */
    } rows[] = {
        {"\"app\":{\"require_secret_web\":true,\"require_secret_refresh\":true}", false, false},
        {"\"app\":{\"require_secret_web\":false,\"require_secret_refresh\":true}", true, false},
        {"\"app\":{\"require_secret_web\":true,\"require_secret_refresh\":false}", false, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start_over();
        const char *token = refresh_token_of(SEED_SALES_USERNAME);
        given_policies(policies_of(rows[i].policies));
        struct reply reply = post_form("/services/oauth2/token",
                                       text_f("grant_type=refresh_token&client_id=" DEMO_CLIENT_ID
                                              "&refresh_token=%s",
                                              token));
        if (rows[i].refresh)
            CHECK_INT(reply.status, 200);
        else
            check_refused(&reply, "invalid_client", "invalid client credentials");
        reply = post_form("/services/oauth2/token",
                          text_f("grant_type=authorization_code&client_id=" DEMO_CLIENT_ID
                                 "&redirect_uri=%s&code=%s",
                                 escaped(CALLBACK), escaped(code_of(SEED_SALES_USERNAME))));
        if (rows[i].web)
            CHECK_INT(reply.status, 200);
        else
            check_refused(&reply, "invalid_client", "invalid client credentials");
    }
}

TEST(policies, assertions_are_held_to_everything)
{
    static const struct {
        const char *policies, *client, *audience, *from, *error, *words;
    } rows[] = {
        {"", CLI_CLIENT_ID, NULL, "", "", ""},
        {"", "3MVG9nobody", NULL, "", "invalid_client_id", "client identifier invalid"},
        {"", CLI_CLIENT_ID, "https://elsewhere.example", "", "invalid_grant",
         "audience is invalid"},
        {"\"org\":{\"sandbox\":true}", CLI_CLIENT_ID, "https://login.salesforce.com", "",
         "invalid_grant", "audience is invalid"},
        {"\"org\":{\"sandbox\":true}", CLI_CLIENT_ID, "https://test.salesforce.com", "", "", ""},
        {"\"apps\":[{\"client_id\":\"" CLI_CLIENT_ID "\",\"external\":true}]", CLI_CLIENT_ID,
         "https://login.salesforce.com", "", "app_not_found",
         "External client app is not installed in this org"},
        {"\"apps\":[{\"client_id\":\"" CLI_CLIENT_ID "\",\"accept_any_key\":false}]", CLI_CLIENT_ID,
         NULL, "", "invalid_grant", "invalid assertion"},
        {"\"apps\":[{\"client_id\":\"" CLI_CLIENT_ID "\",\"permitted_users\":\"admin\"}]",
         CLI_CLIENT_ID, NULL, "", "invalid_app_access",
         "user is not admin approved to access this app"},
        {"\"apps\":[{\"client_id\":\"" CLI_CLIENT_ID "\",\"blocked\":true}]", CLI_CLIENT_ID, NULL,
         "", "app_blocked", "this app is blocked by admin"},
        {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"api_only\":true}", CLI_CLIENT_ID,
         NULL, "", "", ""},
        {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"integration_licence\":true}",
         CLI_CLIENT_ID, NULL, "", "", ""},
        {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"single_sign_on\":true}",
         CLI_CLIENT_ID, NULL, "", "", ""},
        {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"frozen\":true}", CLI_CLIENT_ID, NULL,
         "", "invalid_grant", "inactive user"}, /* chosen */
        /* the ranges count whatever the app's IP relaxation says */
        {"\"apps\":[{\"client_id\":\"" CLI_CLIENT_ID "\",\"ip_relaxation\":\"relax\"}],"
         "\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]}",
         CLI_CLIENT_ID, NULL, "192.0.2.7", "invalid_grant", "ip restricted"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start_over();
        if (*rows[i].policies)
            given_policies(text_f("{%s}", rows[i].policies));
        come_from(rows[i].from);
        struct reply reply = assertion(rows[i].client, SEED_SALES_USERNAME,
                                       rows[i].audience ? rows[i].audience : site->url);
        if (!*rows[i].error)
            CHECK_INT(reply.status, 200);
        else
            check_refused(&reply, rows[i].error, rows[i].words);
    }
    start_over();
    struct reply reply = assertion(CLI_CLIENT_ID, "nobody@x.example", site->url);
    check_refused(&reply, "invalid_grant", "user hasn't approved this consumer");
}

/* --- sessions at the API --- */

static const struct api_row {
    const char *policies, *from, *host;
    int status;
    const char *body;
} api_rows[] = {
    {"", "", "", 200, NULL},
    {"\"org\":{\"lock_sessions_to_ip\":true}", "192.0.2.7", "", 401,
     "[{\"message\":\"Session expired or invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]"},
    {"\"org\":{\"lock_sessions_to_domain\":true}", "", "other.localorg.example", 401,
     "[{\"message\":\"Session expired or invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]"},
    {"\"org\":{\"enforce_ip_every_request\":true},"
     "\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]}",
     "192.0.2.7", "", 401,
     "[{\"message\":\"Session expired or invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]"},
    {"\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/8\"]}", "192.0.2.7",
     "", 200, NULL},
    {"\"profile\":{\"profile\":\"Sales User\",\"high_assurance\":true}", "", "", 401,
     "[{\"message\":\"This session is not valid for use with the REST API\",\"errorCode\":"
     "\"INVALID_SESSION_ID\"}]"},
    {"\"app\":{\"installed\":false},\"org\":{\"api_access_control\":true}", "", "", 401,
     "[{\"message\":\"This session is not valid for use with the REST API\",\"errorCode\":"
     "\"INVALID_SESSION_ID\"}]"},
    {"\"app\":{\"installed\":false},\"org\":{\"api_access_control\":true},"
     "\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"use_any_api_client\":true}",
     "", "", 200, NULL},
    {"\"user\":{\"username\":\"" SEED_SALES_USERNAME "\",\"api_enabled\":false}", "", "", 403,
     "[{\"message\":\"API is disabled for this User\",\"errorCode\":\"API_CURRENTLY_DISABLED\"}]"},
    {"\"org\":{\"api_enabled\":false}", "", "", 403,
     "[{\"message\":\"The REST API is not enabled for this Organization.\",\"errorCode\":"
     "\"API_DISABLED_FOR_ORG\"}]"},
    {"\"org\":{\"status\":\"locked\"}", "", "", 403,
     "[{\"message\":\"The organization has been locked.\",\"errorCode\":\"ORG_LOCKED\"}]"},
    {"\"org\":{\"transaction_security\":\"metering\"}", "", "", 403,
     "[{\"message\":\"We can't complete the action because enabled transaction security policies "
     "took too long to complete.\",\"errorCode\":\"TXN_SECURITY_METERING_ERROR\"}]"},
};

TEST(policies, each_answers_a_session_in_its_own_words)
{
    for (size_t i = 0; i < sizeof api_rows / sizeof *api_rows; i++) {
        const struct api_row *row = &api_rows[i];
        start_over();
        struct reply first = exchange(code_of(SEED_SALES_USERNAME));
        const char *session = text_f("Bearer %s", json_get_text(first.json, "access_token"));
        if (*row->policies)
            given_policies(policies_of(row->policies));
        come_from(row->from);
        call_host(row->host);
        struct reply reply = ask_as(session, "GET", V "/sobjects", NULL, NULL, NULL);
        CHECK_INT(reply.status, row->status);
        if (row->body)
            CHECK_STR(reply.text, row->body);
    }
    start_over();
}

TEST(policies, a_session_lives_as_long_as_app_profile_or_org_say)
{
    start_over();
    given_policies("{\"org\":{\"session_timeout_s\":900},"
                   "\"profile\":{\"profile\":\"Sales User\",\"session_timeout_s\":1800}}");
    struct reply reply = exchange(code_of(SEED_SALES_USERNAME));
    const char *by_profile = text_f("Bearer %s", json_get_text(reply.json, "access_token"));
    given_app("\"session_timeout_s\":3600");
    reply = exchange(code_of(SEED_SALES_USERNAME));
    const char *by_app = text_f("Bearer %s", json_get_text(reply.json, "access_token"));
    ask("POST", "/localorg/clock", "{\"shift_s\":1900}");
    reply = ask_as(by_profile, "GET", V, NULL, NULL, NULL);
    CHECK_INT(reply.status, 401);
    reply = ask_as(by_app, "GET", V, NULL, NULL, NULL);
    CHECK_INT(reply.status, 200);
}

TEST(policies, what_is_not_understood_is_refused)
{
    static const char *const bad[] = {
        "{\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.0/33\"]}}",
        "{\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"10.0.0.9-10.0.0.1\"]}}",
        "{\"profile\":{\"profile\":\"Sales User\",\"login_ip_ranges\":[\"office\"]}}",
        "{\"profile\":{\"profile\":\"Sales User\",\"login_hours\":[\"mon/8-17\"]}}",
        "{\"profile\":{\"profile\":\"Sales User\",\"login_hours\":[\"mon/17:00-08:00\"]}}",
        "{\"profile\":{\"profile\":\"Nobody\",\"login_flow\":true}}",
        "{\"app\":{\"client_id\":\"x\",\"ip_relaxation\":\"sometimes\"}}",
        "{\"org\":{\"magic\":1}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply = ask("POST", "/localorg/policies", bad[i]);
        CHECK(reply.status == 400 || reply.status == 404);
        CHECK(json_get(reply.json, "error") != NULL);
    }
}
