/* test_control.c - the control API and the home page. */
#include "localorg/rest/fixture.h"

#include "base/str.h"
#include "localorg/seed/seed.h"

#include <string.h>

EACH_REST_TEST

#define V "/services/data/v66.0"

TEST(control, a_token_for_anyone)
{
    struct reply reply =
        ask("POST", "/localorg/token", "{\"username\":\"" SEED_SALES_USERNAME "\"}");
    CHECK_INT(reply.status, 200);
    CHECK_STR(json_get_text(reply.json, "username"), SEED_SALES_USERNAME);
    struct reply info = ask_as(text_f("Bearer %s", json_get_text(reply.json, "access_token")),
                               "GET", "/services/oauth2/userinfo", NULL, NULL, NULL);
    CHECK_STR(json_get_text(info.json, "preferred_username"), SEED_SALES_USERNAME);
    reply = ask("POST", "/localorg/token", "{\"username\":\"nobody\"}");
    CHECK_INT(reply.status, 404);
    CHECK_CONTAINS(reply.text, "GET /localorg/users");
}

TEST(control, other_peoples_pages_stay_outside)
{
    struct reply reply =
        ask_as(NULL, "POST", "/localorg/token", "{}", "Origin", "https://evil.example");
    CHECK_INT(reply.status, 403);
    reply = ask_as(NULL, "POST", "/localorg/token", "{}", "Sec-Fetch-Site", "cross-site");
    CHECK_INT(reply.status, 403);
    reply = ask_as(NULL, "POST", "/localorg/token", "{}", "Host", "evil.example");
    CHECK_INT(reply.status, 403);
}

TEST(control, what_was_asked_is_remembered_without_secrets)
{
    ask("GET", V "/limits?oauth_token=hushhush", NULL);
    struct reply reply = ask("GET", "/localorg/requests?path=/limits", NULL);
    const struct json *entry = json_path(reply.json, "requests[0]");
    CHECK_STR(json_get_text(entry, "method"), "GET");
    CHECK_CONTAINS(json_get_text(entry, "path"), "oauth_token=********");
    CHECK_STR(json_get_text(entry, "user"), SEED_ADMIN_USERNAME);
    CHECK_INT(json_get_int(entry, "status", 0), 200);
    CHECK_INT(json_get_int(entry, "api_calls", 0), 1);
    given("Account", "{\"Name\":\"x\"}");
    reply = ask("GET", "/localorg/stats", NULL);
    CHECK_STR(json_text(json_path(reply.json, "records.created")), "1");
    CHECK_STR(json_text(json_path(reply.json, "api_calls.used")), "2");
    CHECK_CONTAINS(reply.text,
                   "\"endpoint\":\"POST /services/data/:v/sobjects/:object\",\"count\":1");
    ask("DELETE", "/localorg/requests", NULL);
    reply = ask("GET", "/localorg/requests", NULL);
    CHECK_INT(json_get(reply.json, "requests")->len, 0);
}

TEST(control, time_moves_and_stands_still)
{
    struct reply reply =
        ask("POST", "/localorg/clock", "{\"freeze\":true,\"to\":\"2030-01-02T03:04:05Z\"}");
    CHECK_INT(reply.status, 200);
    reply = ask("POST", "/localorg/token", "{}"); /* the old one has expired meanwhile */
    admin_token = json_get_text(reply.json, "access_token");
    given("Account", "{\"Name\":\"x\"}");
    CHECK_STR(soql_one("SELECT CreatedDate FROM Account", "CreatedDate"),
              "2030-01-02T03:04:05.000+0000");
    reply = ask("GET", "/services/data", NULL);
    CHECK_STR(reply_header(&reply, "Date"), "Wed, 02 Jan 2030 03:04:05 GMT");
    reply = ask("POST", "/localorg/clock", "{\"speed\":2}");
    CHECK_INT(reply.status, 400);
}

TEST(control, reset_gives_a_fresh_org)
{
    given("Account", "{\"Name\":\"x\"}");
    struct reply reply = ask("POST", "/localorg/reset", "{\"seed\":\"developer-edition\"}");
    CHECK_INT(reply.status, 200);
    const char *token = text_f("Bearer %s", json_get_text(reply.json, "access_token"));
    reply = ask_as(token, "GET", V "/query?q=SELECT+COUNT()+FROM+Account", NULL, NULL, NULL);
    CHECK_INT(json_get_int(reply.json, "totalSize", 0), 12);
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 401);
    reply = ask("POST", "/localorg/reset", "{\"seed\":\"nope\"}");
    CHECK_INT(reply.status, 400);
}

TEST(control, schema_users_and_policies)
{
    struct reply reply =
        ask("POST", "/localorg/schema",
            "{\"name\":\"Thing__c\",\"label\":\"Thing\",\"labelPlural\":\"Things\",\"fields\":[{"
            "\"name\":\"Size__c\",\"label\":\"Size\",\"type\":\"double\",\"precision\":10,"
            "\"scale\":2}]}");
    CHECK_INT(reply.status, 200);
    given("Thing__c", "{\"Name\":\"t\",\"Size__c\":1.5}");
    CHECK_STR(soql_one("SELECT Size__c FROM Thing__c", "Size__c"), "1.5");
    reply = ask("POST", "/localorg/schema", "{\"object\":\"Nope\",\"fields\":[{\"name\":\"a\"}]}");
    CHECK_INT(reply.status, 404);
    reply = ask("POST", "/localorg/users",
                "{\"username\":\"new@localorg.example\",\"name\":\"New User\",\"profile\":"
                "\"System Administrator\",\"password\":\"secret12\"}");
    CHECK_INT(reply.status, 200);
    reply = ask("GET", "/localorg/users", NULL);
    CHECK_CONTAINS(reply.text, "\"username\":\"new@localorg.example\",\"name\":\"New User\"");
    reply =
        ask("POST", "/localorg/users", "{\"username\":\"new@localorg.example\",\"active\":false}");
    CHECK_INT(reply.status, 200);
    reply = ask("POST", "/localorg/policies", "{\"org\":{\"allow_pasword_flow\":false}}");
    CHECK_INT(reply.status, 400);
    CHECK_CONTAINS(reply.text, "allow_password_flow");
    reply = ask("GET", "/localorg/policies", NULL);
    CHECK(json_is(json_path(reply.json, "org.sandbox"), JSON_FALSE));
}

TEST(control, a_page_for_people)
{
    struct reply reply = browse("/localorg/");
    CHECK_INT(reply.status, 200);
    CHECK_CONTAINS(reply.text, "<h1>localorg</h1>");
    CHECK_CONTAINS(reply.text, "Connected apps");
    CHECK_CONTAINS(reply_header(&reply, "Content-Security-Policy"), "default-src 'none'");
    reply = ask("GET", "/localorg/help", NULL);
    CHECK_CONTAINS(reply.text, "/services/data/:v/query");
}

TEST(control, what_is_not_built_says_so)
{
    struct reply reply = ask("GET", V "/analytics/notifications", NULL);
    CHECK_INT(reply.status, 501);
    CHECK_CONTAINS(reply.text, "docs/localorg/fidelity.md");
    reply = ask("POST", V "/chatter/feed-elements", "{}");
    CHECK_INT(reply.status, 403);
    CHECK_STR(error_code(&reply), "FUNCTIONALITY_NOT_ENABLED");
    CHECK_CONTAINS(reply.text, "[Chatter]");
}
