/* test_faults.c - failures on order, and what they leave behind. */
#include "localorg/rest/fixture.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

EACH_REST_TEST

#define V    "/services/data/v66.0"
#define ACME "{\"Name\":\"Acme\"}"

static void fault(const char *json)
{
    struct reply reply = ask("POST", "/localorg/faults", json);
    if (reply.status != 200)
        fprintf(stderr, "%s\n", reply.text);
    CHECK_INT(reply.status, 200);
}

TEST(faults, dropped_before_leaves_nothing_dropped_after_leaves_the_record)
{
    fault("{\"path\":\"/sobjects/Account\",\"method\":\"POST\",\"effect\":\"drop_before\","
          "\"times\":1}");
    struct reply reply = ask("POST", V "/sobjects/Account", ACME);
    CHECK_INT(reply.status, 0);
    CHECK_INT(soql_count("Account"), 0);
    fault("{\"path\":\"/sobjects/Account\",\"effect\":\"drop_after\",\"times\":1}");
    reply = ask("POST", V "/sobjects/Account", ACME);
    CHECK_INT(reply.status, 0);
    CHECK_INT(soql_count("Account"), 1);
    reply = ask("POST", V "/sobjects/Account", "{\"Name\":\"again\"}");
    CHECK_INT(reply.status, 201);
}

TEST(faults, cut_in_the_middle)
{
    given("Account", ACME);
    fault("{\"path\":\"/query\",\"effect\":\"cut\",\"times\":1}");
    struct reply reply = ask("GET", V "/query?q=SELECT+Id+FROM+Account", NULL);
    CHECK_INT(reply.status, 0);
    CHECK(reply.cut);
    reply = ask("GET", V "/query?q=SELECT+Id+FROM+Account", NULL);
    CHECK_INT(reply.status, 200);
}

TEST(faults, statuses_pages_and_errors)
{
    fault("[{\"path\":\"/limits\",\"effect\":\"html\",\"status\":502,\"nth\":1},"
          "{\"path\":\"/limits\",\"effect\":\"error\",\"status\":503,\"nth\":2,\"body\":"
          "\"SERVER_UNAVAILABLE: server unavailable\"},"
          "{\"path\":\"/limits\",\"effect\":\"status\",\"status\":420,\"nth\":3,\"body\":\"\"}]");
    struct reply reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 502);
    CHECK_CONTAINS(reply.text, "<html>");
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 503);
    CHECK_STR(error_code(&reply), "SERVER_UNAVAILABLE");
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 420);
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 200);
}

TEST(faults, an_answer_thrown_away_after_the_commit)
{
    fault("{\"path\":\"/sobjects/Account\",\"method\":\"POST\",\"effect\":\"html\",\"status\":503,"
          "\"processed\":true,\"times\":1}");
    struct reply reply = ask("POST", V "/sobjects/Account", ACME);
    CHECK_INT(reply.status, 503);
    CHECK_INT(soql_count("Account"), 1);
}

TEST(faults, tokens_limits_locks_and_pages)
{
    fault("{\"path\":\"/limits\",\"effect\":\"limit_exceeded\",\"times\":1}");
    struct reply reply = ask("GET", V "/limits", NULL);
    CHECK_STR(error_code(&reply), "REQUEST_LIMIT_EXCEEDED");

    const char *a = given("Account", ACME), *b = given("Account", ACME);
    fault(text_f("{\"effect\":\"lock_rows\",\"ids\":[\"%s\"],\"name\":\"lock\"}", a));
    reply = ask("PATCH", V "/composite/sobjects",
                text_f("{\"records\":[{\"id\":\"%s\",\"attributes\":{\"type\":\"Account\"},"
                       "\"Phone\":\"1\"},{\"id\":\"%s\",\"attributes\":{\"type\":\"Account\"},"
                       "\"Phone\":\"1\"}]}",
                       a, b));
    CHECK_STR(json_text(json_path(reply.json, "[0].errors[0].statusCode")), "UNABLE_TO_LOCK_ROW");
    CHECK(json_is(json_path(reply.json, "[1].success"), JSON_TRUE));
    reply = ask("PATCH", text_f(V "/sobjects/Account/%s", a), "{\"Phone\":\"2\"}");
    CHECK_STR(error_code(&reply), "UNABLE_TO_LOCK_ROW");
    reply = ask("DELETE", "/localorg/faults?name=lock", NULL);
    CHECK_STR(reply.text, "{\"ok\":true,\"removed\":1}");

    fault("{\"path\":\"/query\",\"effect\":\"small_pages\",\"page_size\":1,\"times\":1}");
    reply = ask("GET", V "/query?q=SELECT+Id+FROM+Account", NULL);
    CHECK_INT(json_get(reply.json, "records")->len, 1);
    CHECK(json_get_text(reply.json, "nextRecordsUrl") != NULL);

    fault("{\"path\":\"/limits\",\"effect\":\"expire_token\",\"times\":1}");
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 401);
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 401);
}

TEST(faults, order_and_dice)
{
    fault("{\"path\":\"/limits\",\"effect\":\"html\",\"after\":2,\"every\":2,\"name\":\"e\"}");
    int pattern = 0;
    for (int i = 0; i < 6; i++)
        pattern = pattern * 2 + (ask("GET", V "/limits", NULL).status == 503);
    CHECK_INT(pattern, 5); /* 000101 */
    struct reply reply = ask("GET", "/localorg/faults", NULL);
    CHECK_STR(json_text(json_path(reply.json, "[0].matched")), "6");
    CHECK_STR(json_text(json_path(reply.json, "[0].hits")), "2");
    ask("DELETE", "/localorg/faults", NULL);
    fault("{\"path_regex\":\"/limits$\",\"effect\":\"html\",\"probability\":0.5}");
    int hits = 0;
    for (int i = 0; i < 40; i++)
        hits += ask("GET", V "/limits", NULL).status == 503;
    CHECK(hits > 8 && hits < 32);
}

TEST(faults, mistakes_teach)
{
    struct reply reply = ask("POST", "/localorg/faults", "{\"effekt\":\"drop_before\"}");
    CHECK_INT(reply.status, 400);
    CHECK_CONTAINS(reply.text, "did you mean \\\"effect\\\"?");
    reply = ask("POST", "/localorg/faults", "{\"path\":\"/x\"}");
    CHECK_CONTAINS(reply.text, "drop_before");
    reply = ask("POST", "/localorg/faults", "{\"effect\":\"explode\"}");
    CHECK_CONTAINS(reply.text, "it is one of:");
}

/* --- delivery --- */

TEST(faults, a_lost_request_commits_late)
{
    fault("{\"path\":\"/sobjects/Account\",\"method\":\"POST\",\"effect\":\"late_commit\","
          "\"delay_ms\":60000,\"times\":1}");
    struct reply reply = ask("POST", V "/sobjects/Account", ACME);
    CHECK_INT(reply.status, 0);
    CHECK_INT(soql_count("Account"), 0);
    ask("POST", "/localorg/clock", "{\"shift_s\":59}");
    CHECK_INT(soql_count("Account"), 0);
    ask("POST", "/localorg/clock", "{\"shift_s\":3600}");
    CHECK_INT(soql_count("Account"), 1);
    /* stamped when it was due, an hour ago, whoever looks when */
    CHECK_INT(soql_count("Account WHERE CreatedDate < LAST_N_DAYS:0 OR CreatedDate = TODAY"), 1);
    reply = ask("GET", "/localorg/clock", NULL);
    int64_t now = json_get_int(reply.json, "now_ms", 0), created = 0;
    CHECK(when_parse(soql_one("SELECT CreatedDate FROM Account", "CreatedDate"), &created));
    CHECK(now - created > 3000000 && now - created < 3700000);
}

TEST(faults, a_request_delivered_twice)
{
    fault("{\"path\":\"/sobjects/"
          "Account\",\"method\":\"POST\",\"effect\":\"duplicate\",\"times\":1}");
    struct reply reply = ask("POST", V "/sobjects/Account", ACME);
    CHECK_INT(reply.status, 201);
    CHECK_INT(soql_count("Account"), 2);
    CHECK_STR(soql_one("SELECT Id FROM Account ORDER BY Id LIMIT 1", "Id"),
              json_get_text(reply.json, "id"));
}

static const char *five_accounts(bool all_or_none)
{
    return text_f("{\"allOrNone\":%s,\"records\":["
                  "{\"attributes\":{\"type\":\"Account\"},\"Name\":\"1\"},"
                  "{\"attributes\":{\"type\":\"Account\"},\"Name\":\"2\"},"
                  "{\"attributes\":{\"type\":\"Account\"},\"Name\":\"3\"},"
                  "{\"attributes\":{\"type\":\"Account\"},\"Name\":\"4\"},"
                  "{\"attributes\":{\"type\":\"Account\"},\"Name\":\"5\"}]}",
                  all_or_none ? "true" : "false");
}

TEST(faults, a_batch_dies_in_its_middle)
{
    fault("{\"path\":\"/composite/sobjects\",\"effect\":\"partial\",\"rows\":2,\"times\":2}");
    struct reply reply = ask("POST", V "/composite/sobjects", five_accounts(false));
    CHECK_INT(reply.status, 0);
    CHECK_INT(soql_count("Account"), 2);
    reply = ask("POST", V "/composite/sobjects", five_accounts(true));
    CHECK_INT(reply.status, 0);
    CHECK_INT(soql_count("Account"), 2); /* all or none: none */
    reply = ask("POST", V "/composite/sobjects", five_accounts(false));
    CHECK_INT(reply.status, 200);
    CHECK_INT(soql_count("Account"), 7);
}

TEST(faults, a_composite_dies_between_its_parts)
{
    fault("{\"path\":\"/composite\",\"effect\":\"partial\",\"rows\":1}");
    const char *part = "{\"method\":\"POST\",\"url\":\"" V "/sobjects/Account\",\"referenceId\":"
                       "\"r%d\",\"body\":{\"Name\":\"A\"}}";
    struct reply reply =
        ask("POST", V "/composite",
            text_f("{\"compositeRequest\":[%s,%s]}", text_f(part, 1), text_f(part, 2)));
    CHECK_INT(reply.status, 0);
    CHECK_INT(soql_count("Account"), 1);
}

/* --- bytes --- */

TEST(faults, bytes_can_be_wrong_missing_slow_or_in_chunks)
{
    given("Account", ACME);
    const char *path = V "/query?q=SELECT+Id,Name+FROM+Account";
    struct reply whole = ask("GET", path, NULL);
    fault("{\"path\":\"/query\",\"effect\":\"truncate\",\"times\":1}");
    struct reply reply = ask("GET", path, NULL);
    CHECK_INT(reply.status, 200);
    CHECK(!reply.cut);
    CHECK(reply.json == NULL);
    CHECK_INT(strlen(reply.text), strlen(whole.text) / 2);
    fault("{\"path\":\"/query\",\"effect\":\"garble\",\"bytes\":3,\"times\":1}");
    reply = ask("GET", path, NULL);
    CHECK_INT(reply.status, 200);
    CHECK(strcmp(reply.text, whole.text) != 0);
    fault("{\"path\":\"/query\",\"effect\":\"chunked\",\"times\":1}");
    reply = ask("GET", path, NULL);
    CHECK_STR(reply.text, whole.text);
    CHECK_STR(reply_header(&reply, "Content-Length"), "");
    fault("{\"path\":\"/query\",\"effect\":\"slow\",\"bytes_per_s\":2000,\"times\":1}");
    reply = ask("GET", path, NULL);
    CHECK_STR(reply.text, whole.text);
    fault("{\"path\":\"/query\",\"effect\":\"date_skew\",\"skew_ms\":-86400000,\"times\":1}");
    reply = ask("GET", path, NULL);
    int64_t date = 0;
    CHECK(when_parse_http(reply_header(&reply, "Date"), &date));
    CHECK(org_now_ms(site->org) - date > 86000000);
}

TEST(faults, stamps_may_come_before_the_commit)
{
    fault("{\"path\":\"/sobjects/Account\",\"method\":\"POST\",\"effect\":\"stamp_lag\",\"lag_ms\":"
          "120000,\"times\":1}");
    given("Account", "{\"Name\":\"late to show\"}");
    given("Account", "{\"Name\":\"usual\"}");
    int64_t lagging = 0, usual = 0;
    CHECK(when_parse(
        soql_one("SELECT SystemModstamp FROM Account WHERE Name LIKE 'late%'", "SystemModstamp"),
        &lagging));
    CHECK(when_parse(
        soql_one("SELECT SystemModstamp FROM Account WHERE Name = 'usual'", "SystemModstamp"),
        &usual));
    CHECK(usual - lagging >= 119000);
}

TEST(faults, order_and_locators_are_no_promise)
{
    for (int i = 0; i < 300; i++)
        given("Account", text_f("{\"Name\":\"A%03d\"}", i));
    const char *path = V "/query?q=SELECT+Name+FROM+Account";
    struct reply plain = ask("GET", path, NULL);
    fault("{\"path\":\"SELECT+Name\",\"effect\":\"shuffle\",\"times\":1}");
    struct reply other = ask("GET", path, NULL);
    CHECK_INT(json_get_int(other.json, "totalSize", 0), 300);
    CHECK(strcmp(plain.text, other.text) != 0);
    plain = ask_as(text_f("Bearer %s", admin_token), "GET", path, NULL, "Sforce-Query-Options",
                   "batchSize=200");
    const char *next = json_get_text(plain.json, "nextRecordsUrl");
    fault("{\"path\":\"/query/\",\"effect\":\"forget_cursors\",\"times\":1}");
    other = ask("GET", next, NULL);
    CHECK_INT(other.status, 400);
    CHECK_STR(error_code(&other), "INVALID_QUERY_LOCATOR");
}

/* --- what happens in the middle of a run --- */

TEST(faults, the_org_changes_at_a_certain_request)
{
    given("Account", "{\"Name\":\"Acme\",\"Phone\":\"1\"}");
    fault("{\"path\":\"/query\",\"nth\":2,\"effect\":\"control\",\"control\":["
          "{\"path\":\"/localorg/users\",\"body\":{\"username\":\"admin@localorg.example\","
          "\"deny\":[{\"object\":\"Account\",\"field\":\"Phone\"}]}},"
          "{\"path\":\"/localorg/clock\",\"body\":{\"shift_s\":60}}]}");
    const char *path = V "/query?q=SELECT+Phone+FROM+Account";
    struct reply reply = ask("GET", path, NULL);
    CHECK_INT(reply.status, 200);
    reply = ask("GET", path, NULL);
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
}

TEST(faults, the_instance_moves)
{
    ask("POST", "/localorg/policies", "{\"org\":{\"instance_host\":\"na2.localorg.example\"}}");
    struct reply reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 420);
    reply =
        post_form("/services/oauth2/token", "grant_type=password&client_id=" DEMO_CLIENT_ID
                                            "&client_secret=" DEMO_CLIENT_SECRET
                                            "&username=admin@localorg.example&password=localorg1");
    CHECK_STR(json_get_text(reply.json, "instance_url"), "http://na2.localorg.example");
    call_host("na2.localorg.example");
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 200);
    call_host("");
    ask("POST", "/localorg/policies", "{\"org\":{\"moved_answer\":\"401\"}}");
    reply = ask("GET", V "/limits", NULL);
    CHECK_STR(error_code(&reply), "INVALID_SESSION_ID");
    ask("POST", "/localorg/policies", "{\"org\":{\"moved_answer\":\"redirect\"}}");
    reply = ask("GET", V "/limits?x=1", NULL);
    CHECK_STR(reply_header(&reply, "Location"), "http://na2.localorg.example" V "/limits?x=1");
}

TEST(faults, a_sandbox_is_refreshed)
{
    const char *before = text_f("%s", org_id18(site->org)), *account = given("Account", ACME);
    struct reply reply = ask("POST", "/localorg/sandbox-refresh", "{}");
    CHECK_INT(reply.status, 200);
    const char *after = json_get_text(reply.json, "organization_id");
    CHECK(strcmp(before, after) != 0);
    const char *fresh = json_get_text(reply.json, "access_token");
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 401); /* tokens are not copied */
    admin_token = fresh;
    CHECK_STR(soql_one("SELECT Id FROM Organization", "Id"), after);
    CHECK_STR(soql_one("SELECT Id FROM Account", "Id"), account);
    CHECK_CONTAINS(soql_one("SELECT Email FROM User LIMIT 1", "Email"), ".invalid");
}

/* --- scenarios --- */

TEST(scenario, a_file_says_what_the_org_is_like_and_what_happens)
{
    struct reply reply = ask(
        "POST", "/localorg/scenario",
        "{\"description\":\"a bad day\","
        "\"users\":[{\"username\":\"r@localorg.example\",\"profile\":\"Read Only\"}],"
        "\"records\":{\"Account\":[{\"Name\":\"One\"},{\"Name\":\"Two\"}]},"
        "\"schema\":{\"object\":\"Account\",\"fields\":[{\"name\":\"K__c\",\"type\":\"string\","
        "\"length\":9}]},"
        "\"policies\":{\"org\":{\"require_pkce\":true}},"
        "\"faults\":[{\"path\":\"/limits\",\"effect\":\"html\",\"nth\":1}],"
        "\"limits\":{\"daily_max\":77},"
        "\"then\":[{\"path\":\"/localorg/clock\",\"body\":{\"to\":\"2030-01-01T00:00:00Z\"}}]}");
    CHECK_STR(reply.status == 200 ? "" : reply.text, "");
    reply = ask("POST", "/localorg/token", "{}");
    admin_token = json_get_text(reply.json, "access_token");
    CHECK_INT(soql_count("Account WHERE K__c = null"), 2);
    CHECK_INT(soql_count("User WHERE Username = 'r@localorg.example'"), 1);
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 503);
    reply = ask("GET", V "/limits", NULL);
    CHECK_CONTAINS(reply_header(&reply, "Sforce-Limit-Info"), "/77");
    CHECK_CONTAINS(reply_header(&reply, "Date"), "2030");
}

TEST(scenario, mistakes_teach)
{
    static const char *const bad[][2] = {
        {"{\"falts\":[]}", "did you mean \\\"faults\\\"?"},
        {"{\"faults\":[{\"effect\":\"explode\"}]}", "one of"},
        {"{\"records\":{\"Nope\":[]}}", "no object"},
        {"{\"records\":{\"Account\":[{\"Nope\":1}]}}", "INVALID_FIELD"},
        {"{\"then\":[{\"path\":\"/localorg/nothing\"}]}", "no such control route"},
        {"[]", "JSON object"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply = ask("POST", "/localorg/scenario", bad[i][0]);
        CHECK(reply.status >= 400);
        CHECK_CONTAINS(reply.text, bad[i][1]);
    }
}
