/* test_usage.c - who is in, what apps hold, what is used up: sessions, tokens and
 * apps as rows; allowances of the org, of one app, of long requests, of storage. */
#include "localorg/rest/fixture.h"

#include "base/str.h"
#include "base/uri.h"
#include "localorg/seed/seed.h"

#include <string.h>

EACH_REST_TEST

#define V "/services/data/v66.0"

static const char *session_of(const char *username)
{
    struct reply reply = ask("POST", "/localorg/token", text_f("{\"username\":\"%s\"}", username));
    return text_f("Bearer %s", json_get_text(reply.json, "access_token"));
}

static struct reply query_as(const char *session, const char *soql)
{
    struct arena *arena = arena_new();
    const char *path = text_f(V "/query?q=%s", uri_encoded(arena, soql));
    arena_free(arena);
    return ask_as(session, "GET", path, NULL, NULL, NULL);
}

static void given_limits(const char *json)
{
    struct reply reply = ask("POST", "/localorg/limits", json);
    CHECK_STR(reply.status == 200 ? "" : reply.text, "");
}

/* A refresh token by the password flow would be none: the code flow, cut short. */
static const char *given_grant(void)
{
    struct refresh refresh = {.client_id = DEMO_CLIENT_ID,
                              .scopes = "api refresh_token",
                              .created_ms = org_now_ms(site->org),
                              .used_ms = org_now_ms(site->org)};
    struct org_user user;
    CHECK(org_user_by_name(site->org, SEED_SALES_USERNAME, &user));
    memcpy(refresh.user_id, user.id, sizeof refresh.user_id);
    memcpy(refresh.username, user.username, sizeof refresh.username);
    grants_open_refresh(site->grants, &refresh, 5);
    return text_f("%s", refresh.token);
}

TEST(usage, a_session_is_a_row_and_deleting_it_signs_out)
{
    const char *sales = session_of(SEED_SALES_USERNAME);
    struct reply reply = query_as(sales, "SELECT Id, SessionSecurityLevel, NumSecondsValid, "
                                         "Users.Username FROM AuthSession");
    CHECK_INT(json_get_int(reply.json, "totalSize", -1), 1); /* the others are not theirs */
    const struct json *row = json_at(json_get(reply.json, "records"), 0);
    CHECK_STR(json_get_text(row, "SessionSecurityLevel"), "STANDARD");
    CHECK_INT(json_get_int(row, "NumSecondsValid", 0), 7200);
    CHECK(soql_count("AuthSession") >= 2); /* an administrator sees all */
    reply = ask("DELETE", text_f(V "/sobjects/AuthSession/%s", json_get_text(row, "Id")), NULL);
    CHECK_INT(reply.status, 204);
    reply = query_as(sales, "SELECT Id FROM Account");
    CHECK_INT(reply.status, 401);
    reply = ask("DELETE", text_f(V "/sobjects/AuthSession/%s", json_get_text(row, "Id")), NULL);
    CHECK_INT(reply.status, 404);
}

TEST(usage, nobody_ends_sessions_of_others_without_the_permission)
{
    const char *sales = session_of(SEED_SALES_USERNAME);
    const char *admins = soql_one(
        "SELECT Id FROM AuthSession WHERE Users.Username = '" SEED_ADMIN_USERNAME "'", "Id");
    struct reply reply =
        ask_as(sales, "DELETE", text_f(V "/sobjects/AuthSession/%s", admins), NULL, NULL, NULL);
    CHECK_INT(reply.status, 403);
    CHECK_STR(error_code(&reply), "INSUFFICIENT_ACCESS_OR_READONLY");
    reply = ask("PATCH", text_f(V "/sobjects/AuthSession/%s", admins), "{\"SourceIp\":\"1\"}");
    CHECK(reply.status >= 400);
}

TEST(usage, an_app_shows_once_somebody_has_authorized_it)
{
    CHECK_INT(soql_count("OauthToken"), 0);
    const char *token = given_grant();
    CHECK_STR(soql_one("SELECT AppName FROM OauthToken", "AppName"), "Demo app");
    CHECK_INT(strlen(soql_one("SELECT AppMenuItemId FROM OauthToken", "AppMenuItemId")), 18);
    CHECK_INT(soql_count("ConnectedApplication WHERE Name = 'Demo app'"), 1);
    ask("POST", "/localorg/policies",
        "{\"app\":{\"client_id\":\"" DEMO_CLIENT_ID "\",\"installed\":false,"
        "\"permitted_users\":\"admin\",\"assigned\":[\"" SEED_SALES_USERNAME "\"]}}");
    CHECK_STR(soql_one("SELECT AppMenuItemId FROM OauthToken", "AppMenuItemId"), "");
    CHECK_INT(soql_count("ConnectedApplication WHERE Name = 'Demo app'"), 0);
    struct reply reply = post_form("/services/oauth2/token",
                                   text_f("grant_type=refresh_token&client_id=" DEMO_CLIENT_ID
                                          "&client_secret=" DEMO_CLIENT_SECRET "&refresh_token=%s",
                                          token));
    CHECK_INT(reply.status, 200);
    CHECK_STR(soql_one("SELECT UseCount FROM OauthToken", "UseCount"), "1");
    const char *word = soql_one("SELECT DeleteToken FROM OauthToken", "DeleteToken");
    CHECK(text_starts(word, "dt"));
    reply = post_form("/services/oauth2/revoke", text_f("token=%s", word));
    CHECK_INT(reply.status, 200);
    CHECK_INT(soql_count("OauthToken"), 0);
}

TEST(usage, login_history_is_ones_own)
{
    post_form("/services/oauth2/token",
              "grant_type=password&client_id=" DEMO_CLIENT_ID "&client_secret=" DEMO_CLIENT_SECRET
              "&username=" SEED_ADMIN_USERNAME "&password=" SEED_PASSWORD);
    post_form("/services/oauth2/token",
              "grant_type=password&client_id=" DEMO_CLIENT_ID "&client_secret=" DEMO_CLIENT_SECRET
              "&username=" SEED_SALES_USERNAME "&password=no");
    CHECK_INT(soql_count("LoginHistory"), 2);
    const char *sales = session_of(SEED_SALES_USERNAME);
    struct reply reply =
        query_as(sales, "SELECT Status, LoginSubType, Application, LoginTime FROM LoginHistory");
    CHECK_INT(json_get_int(reply.json, "totalSize", -1), 1);
    CHECK_CONTAINS(reply.text, "\"Status\":\"Invalid Password\",\"LoginSubType\":"
                               "\"OauthUsernamePassword\",\"Application\":\"Demo app\"");
    reply = query_as(sales, "SELECT Id FROM LoginHistory WHERE Status = 'Success'");
    CHECK_STR(error_code(&reply), "INVALID_FIELD"); /* Status cannot be filtered */
    CHECK(*soql_one("SELECT LastLoginDate FROM User WHERE Username = '" SEED_ADMIN_USERNAME "'",
                    "LastLoginDate"));
}

TEST(usage, an_app_may_have_an_allowance_of_its_own)
{
    ask("POST", "/localorg/policies",
        "{\"app\":{\"client_id\":\"" DEMO_CLIENT_ID "\",\"api_limit\":2}}");
    struct reply reply = ask("GET", V "/sobjects", NULL);
    CHECK_CONTAINS(reply_header(&reply, "Sforce-Limit-Info"),
                   "; per-app-api-usage=1/2(appName=Demo app)");
    reply = ask("GET", V "/sobjects", NULL);
    CHECK_INT(reply.status, 200);
    reply = ask("GET", V "/sobjects", NULL);
    CHECK_INT(reply.status, 403);
    CHECK_STR(error_code(&reply), "REQUEST_LIMIT_EXCEEDED");
    ask("POST", "/localorg/clock", "{\"shift_s\":93600}");
    reply = ask_as(session_of(SEED_ADMIN_USERNAME), "GET", V "/sobjects", NULL, NULL, NULL);
    CHECK_INT(reply.status, 200); /* 24 hours roll on */
}

TEST(usage, long_requests_are_limited_in_number)
{
    struct site *s = site;
    given_limits("{\"concurrent_long_requests\":1,\"long_request_ms\":20}");
    int slot = meter_begin(s->meter, s->world->monotonic_ms(s->world) - 50);
    CHECK(slot >= 0);
    struct reply reply = ask("GET", V "/sobjects", NULL);
    CHECK_INT(reply.status, 403);
    CHECK_STR(reply.text, "[{\"message\":\"ConcurrentPerOrgLongTxn Limit exceeded.\",\"errorCode\":"
                          "\"REQUEST_LIMIT_EXCEEDED\"}]");
    meter_end(s->meter, slot);
    reply = ask("GET", V "/sobjects", NULL);
    CHECK_INT(reply.status, 200);
}

TEST(usage, storage_fills_up)
{
    given("Account", "{\"Name\":\"One\"}");
    given_limits("{\"data_storage_mb\":1}");
    struct reply reply = ask("GET", V "/limits", NULL);
    CHECK_INT(json_int(json_path(reply.json, "DataStorageMB.Max"), 0), 1);
    /* 511 more fit: 2 KB each */
    struct buf rows = BUF_INIT;
    buf_str(&rows, "{\"records\":[");
    for (int i = 0; i < 200; i++)
        buf_printf(&rows, "%s{\"attributes\":{\"type\":\"Account\"},\"Name\":\"A%d\"}",
                   i ? "," : "", i);
    buf_str(&rows, "]}");
    const char *body = text_f("%s", buf_text(&rows));
    buf_free(&rows);
    for (int i = 0; i < 2; i++)
        ask("POST", V "/composite/sobjects", body);
    reply = ask("POST", V "/composite/sobjects", body);
    CHECK_CONTAINS(reply.text, "\"statusCode\":\"STORAGE_LIMIT_EXCEEDED\",\"message\":\"storage "
                               "limit exceeded\"");
    CHECK_INT(soql_count("Account"), 511); /* and the standard price book */
    reply = ask("POST", V "/sobjects/Account", "{\"Name\":\"Late\"}");
    CHECK_INT(reply.status, 403);
    CHECK_STR(error_code(&reply), "STORAGE_LIMIT_EXCEEDED");
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(json_int(json_path(reply.json, "DataStorageMB.Remaining"), -1), 0);
    const char *one = soql_one("SELECT Id FROM Account LIMIT 1", "Id");
    ask("DELETE", text_f(V "/sobjects/Account/%s", one), NULL);
    given("Account", "{\"Name\":\"Room again\"}");
}

TEST(usage, browsers_get_a_name)
{
    struct reply reply = ask("GET", V, NULL);
    int named = 0;
    for (const struct http_header *h = reply.headers; h; h = h->next)
        named += text_eq_nocase(h->name, "Set-Cookie") && text_starts(h->value, "BrowserId=");
    CHECK_INT(named, 1);
    reply = ask_as(text_f("Bearer %s", admin_token), "GET", V, NULL, "Cookie", "BrowserId=known");
    for (const struct http_header *h = reply.headers; h; h = h->next)
        CHECK(!text_starts(h->value, "BrowserId="));
}
