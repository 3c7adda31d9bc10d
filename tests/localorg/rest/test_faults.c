/* test_faults.c - failures on order, and what they leave behind. */
#include "localorg/rest/fixture.h"

#include "base/str.h"

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
