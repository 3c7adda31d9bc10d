/* test_query.c - pages, locators, limits. */
#include "localorg/rest/fixture.h"

#include "base/str.h"

#include <string.h>

EACH_REST_TEST

#define V   "/services/data/v66.0"
#define ALL V "/query?q=SELECT+Id,Name+FROM+Account+ORDER+BY+Name"

static void given_accounts(int count)
{
    struct buf body = BUF_INIT;
    for (int done = 0; done < count;) {
        buf_clear(&body);
        buf_str(&body, "{\"records\":[");
        for (int i = 0; i < 200 && done < count; i++, done++)
            buf_printf(&body, "%s{\"attributes\":{\"type\":\"Account\"},\"Name\":\"A%05d\"}",
                       i ? "," : "", done);
        buf_str(&body, "]}");
        struct reply reply = ask("POST", V "/composite/sobjects", buf_text(&body));
        CHECK_INT(reply.status, 200);
        CHECK_LACKS(reply.text, "\"success\":false");
    }
    buf_free(&body);
}

static struct reply page(const char *path, const char *options)
{
    return ask_as(text_f("Bearer %s", admin_token), "GET", path, NULL,
                  options ? "Sforce-Query-Options" : NULL, options);
}

TEST(query, pages_agree_and_may_be_read_again)
{
    given_accounts(450);
    struct reply first = page(ALL, "batchSize=200");
    CHECK_INT(json_get_int(first.json, "totalSize", 0), 450);
    CHECK(!json_get_bool(first.json, "done", true));
    const char *next = json_get_text(first.json, "nextRecordsUrl");
    CHECK(text_starts(next, V "/query/0r8"));
    CHECK(text_ends(next, "-200"));
    CHECK_INT(strlen(strrchr(next, '/') + 1), 18 + 4);

    given_accounts(5); /* the snapshot does not see them */
    struct reply second = page(next, NULL), again = page(next, NULL);
    CHECK_STR(again.text, second.text);
    CHECK_STR(json_text(json_path(second.json, "records[0].Name")), "A00200");
    const char *last = json_get_text(second.json, "nextRecordsUrl");
    CHECK(text_ends(last, "-400"));
    struct reply third = page(last, NULL);
    CHECK(json_get_bool(third.json, "done", false));
    CHECK_INT(json_get(third.json, "records")->len, 50);
    CHECK(json_get(third.json, "nextRecordsUrl") == NULL);
    struct reply back = page(next, NULL);
    CHECK_STR(back.text, second.text);
    struct reply tail = page(last, NULL);
    CHECK_STR(tail.text, third.text);
}

TEST(query, locators_expire_and_belong_to_somebody)
{
    given_accounts(210);
    struct reply first = page(ALL, "batchSize=200");
    const char *next = json_get_text(first.json, "nextRecordsUrl");
    struct reply token =
        ask("POST", "/localorg/token", "{\"username\":\"sales@localorg.example\"}");
    struct reply theirs = ask_as(text_f("Bearer %s", json_get_text(token.json, "access_token")),
                                 "GET", next, NULL, NULL, NULL);
    CHECK_INT(theirs.status, 400);
    struct reply bad = page(V "/query/0r8000000000000AAA-200", NULL);
    CHECK_STR(error_code(&bad), "INVALID_QUERY_LOCATOR");
    bad = page(V "/query/rubbish", NULL);
    CHECK_STR(error_code(&bad), "INVALID_QUERY_LOCATOR");
    ask("POST", "/localorg/limits", "{\"open_cursors\":1}");
    page(ALL, "batchSize=200"); /* pushes the first one out */
    bad = page(next, NULL);
    CHECK_STR(error_code(&bad), "INVALID_QUERY_LOCATOR");
}

TEST(query, the_org_may_serve_smaller_pages)
{
    given_accounts(7);
    ask("POST", "/localorg/limits", "{\"page_size\":3}");
    struct reply reply = page(ALL, NULL);
    CHECK_INT(json_get(reply.json, "records")->len, 3);
    CHECK_INT(json_get_int(reply.json, "totalSize", 0), 7);
    int64_t seen = 3;
    while (!json_get_bool(reply.json, "done", true)) {
        reply = page(json_get_text(reply.json, "nextRecordsUrl"), NULL);
        seen += json_get(reply.json, "records")->len;
    }
    CHECK_INT(seen, 7);
}

TEST(query, counts_aggregates_and_columns)
{
    given_accounts(3);
    struct reply reply = page(V "/query?q=SELECT+COUNT()+FROM+Account", NULL);
    CHECK_STR(reply.text, "{\"totalSize\":3,\"done\":true,\"records\":[]}");
    reply = page(V "/query/?q=SELECT+COUNT(Id)+FROM+Account", NULL);
    CHECK_STR(reply.text, "{\"totalSize\":1,\"done\":true,\"records\":[{\"attributes\":{\"type\":"
                          "\"AggregateResult\"},\"expr0\":3}]}");
    reply = page(ALL "&columns=true", NULL);
    CHECK_STR(json_text(json_path(reply.json, "columnMetadata[0].columnName")), "Id");
    CHECK_STR(json_text(json_path(reply.json, "entityName")), "Account");
}

TEST(query, mistakes_are_pointed_at)
{
    struct reply reply = page(V "/query?q=SELECT+Id+FROM+ScratchOrgInfo+limit+1", NULL);
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "INVALID_TYPE");
    CHECK_CONTAINS(reply.text, "sObject type 'ScratchOrgInfo' is not supported.");
    reply = page(V "/query?q=SELECT+Nope+FROM+Account", NULL);
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
    CHECK_CONTAINS(reply.text, "ERROR at Row:1:Column:8");
    reply = page(V "/query?q=SELEC", NULL);
    CHECK_STR(error_code(&reply), "MALFORMED_QUERY");
    reply = page(V "/query", NULL);
    CHECK_INT(reply.status, 400);
    reply = page(V "/tooling/query?q=SELECT+Id+FROM+ApexClass", NULL);
    CHECK_INT(json_get_int(reply.json, "totalSize", -1), 0);
    reply = page(V "/tooling/query?q=SELECT+Id+FROM+SandboxProcess", NULL);
    CHECK_STR(error_code(&reply), "INVALID_TYPE");
}

TEST(query, deleted_rows_only_in_query_all)
{
    const char *id = given("Account", "{\"Name\":\"gone\"}");
    ask("DELETE", text_f(V "/sobjects/Account/%s", id), NULL);
    struct reply reply = page(V "/query?q=SELECT+Id+FROM+Account", NULL);
    CHECK_INT(json_get_int(reply.json, "totalSize", -1), 0);
    reply = page(V "/queryAll?q=SELECT+Id,IsDeleted+FROM+Account", NULL);
    CHECK_INT(json_get_int(reply.json, "totalSize", -1), 1);
    CHECK(json_is(json_path(reply.json, "records[0].IsDeleted"), JSON_TRUE));
}

TEST(query, calls_are_counted_and_run_out)
{
    struct reply reply = ask("POST", "/localorg/limits", "{\"daily_max\":100,\"daily_used\":97}");
    CHECK_INT(reply.status, 200);
    reply = ask("GET", V "/limits", NULL);
    CHECK_STR(reply_header(&reply, "Sforce-Limit-Info"), "api-usage=98/100");
    CHECK_STR(json_text(json_path(reply.json, "DailyApiRequests.Remaining")), "2");
    ask("GET", V "/limits", NULL);
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 200);
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 403);
    CHECK_STR(reply.text, "[{\"message\":\"TotalRequests Limit exceeded.\",\"errorCode\":"
                          "\"REQUEST_LIMIT_EXCEEDED\"}]");
    ask("POST", "/localorg/clock", "{\"shift_s\":90000}"); /* a day and an hour later */
    reply = ask("POST", "/localorg/token", "{}");
    reply = ask_as(text_f("Bearer %s", json_get_text(reply.json, "access_token")), "GET",
                   V "/limits", NULL, NULL, NULL);
    CHECK_INT(reply.status, 200);
}

TEST(query, pretty_print_is_jacksons)
{
    given_accounts(1);
    struct reply reply = ask_as(text_f("Bearer %s", admin_token), "GET",
                                V "/query?q=SELECT+Name+FROM+Account", NULL, "X-PrettyPrint", "1");
    CHECK_CONTAINS(reply.text, "{\n  \"totalSize\" : 1,\n  \"done\" : true,\n  \"records\" : [ {\n"
                               "    \"attributes\" : {\n      \"type\" : \"Account\",\n");
    CHECK(text_ends(reply.text, "    \"Name\" : \"A00000\"\n  } ]\n}"));
}
