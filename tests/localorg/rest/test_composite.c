/* test_composite.c - many things in one request. */
#include "localorg/rest/fixture.h"

#include "base/str.h"

#include <string.h>

EACH_REST_TEST

#define V "/services/data/v66.0"

TEST(composite, later_requests_use_earlier_answers)
{
    struct reply reply = ask(
        "POST", V "/composite",
        "{\"allOrNone\":true,\"compositeRequest\":["
        "{\"method\":\"POST\",\"url\":\"" V "/sobjects/Account\",\"referenceId\":\"acc\","
        "\"body\":{\"Name\":\"Sample\"}},"
        "{\"method\":\"POST\",\"url\":\"" V "/sobjects/Contact\",\"referenceId\":\"con\","
        "\"body\":{\"LastName\":\"Doe\",\"AccountId\":\"@{acc.id}\"}},"
        "{\"method\":\"GET\",\"url\":\"" V "/query?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+"
        "AccountId='@{acc.id}'\",\"referenceId\":\"q\"},"
        "{\"method\":\"PATCH\",\"url\":\"" V "/sobjects/Contact/@{q.records[0].Id}\","
        "\"referenceId\":\"upd\",\"body\":{\"Title\":\"@{q.records[0].Account.Name} boss\"}}]}");
    CHECK_INT(reply.status, 200);
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[0].httpStatusCode")), "201");
    CHECK_CONTAINS(json_text(json_path(reply.json, "compositeResponse[0].httpHeaders.Location")),
                   V "/sobjects/Account/001");
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[2].body.totalSize")), "1");
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[3].httpStatusCode")), "204");
    CHECK(json_is(json_path(reply.json, "compositeResponse[3].body"), JSON_NULL));
    CHECK_STR(soql_one("SELECT Title FROM Contact", "Title"), "Sample boss");
    CHECK_STR(reply_header(&reply, "Sforce-Limit-Info"), "api-usage=1/15000");
}

#define BROKEN(all)                                                                                \
    "{\"allOrNone\":" all ",\"compositeRequest\":["                                                \
    "{\"method\":\"POST\",\"url\":\"" V "/sobjects/Account\",\"referenceId\":\"good\","            \
    "\"body\":{\"Name\":\"Good\"}},"                                                               \
    "{\"method\":\"POST\",\"url\":\"" V "/sobjects/Account\",\"referenceId\":\"bad\","             \
    "\"body\":{\"Phone\":\"1\"}},"                                                                 \
    "{\"method\":\"GET\",\"url\":\"" V "/sobjects/Account/@{bad.id}\",\"referenceId\":\"use\"}]}"

TEST(composite, all_or_none_leaves_nothing)
{
    struct reply reply = ask("POST", V "/composite", BROKEN("true"));
    CHECK_INT(reply.status, 200);
    CHECK_CONTAINS(reply.text, "PROCESSING_HALTED");
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[0].httpStatusCode")), "400");
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[1].body[0].errorCode")),
              "REQUIRED_FIELD_MISSING");
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[0].body[0].message")),
              "The transaction was rolled back since another operation in the same transaction "
              "failed.");
    CHECK_INT(soql_count("Account"), 0);
    struct reply stats = ask("GET", "/localorg/stats", NULL);
    CHECK_STR(json_text(json_path(stats.json, "records.created")), "0");
}

TEST(composite, without_it_the_good_ones_stay)
{
    struct reply reply = ask("POST", V "/composite", BROKEN("false"));
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[0].httpStatusCode")), "201");
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[2].body[0].message")),
              "Invalid reference specified. No value for bad.id found in bad.");
    CHECK_INT(soql_count("Account"), 1);
}

TEST(composite, a_failing_row_of_a_collection_fails_the_whole)
{
    const char *body =
        "{\"allOrNone\":true,\"compositeRequest\":["
        "{\"method\":\"POST\",\"url\":\"" V "/sobjects/Account\",\"referenceId\":\"one\","
        "\"body\":{\"Name\":\"one\"}},"
        "{\"method\":\"POST\",\"url\":\"" V "/composite/sobjects\",\"referenceId\":\"many\","
        "\"body\":{\"allOrNone\":false,\"records\":[{\"attributes\":{\"type\":\"Account\"},"
        "\"Name\":\"a\"},{\"attributes\":{\"type\":\"Account\"}}]}}]}";
    struct reply reply = ask("POST", V "/composite", body);
    CHECK_INT(reply.status, 200);
    CHECK_INT(soql_count("Account"), 0);
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[0].body[0].errorCode")),
              "PROCESSING_HALTED");
}

TEST(composite, limits_of_the_request)
{
    struct buf body = BUF_INIT;
    buf_str(&body, "{\"compositeRequest\":[");
    for (int i = 0; i < 26; i++)
        buf_printf(&body, "%s{\"method\":\"GET\",\"url\":\"" V "/limits\",\"referenceId\":\"r%d\"}",
                   i ? "," : "", i);
    buf_str(&body, "]}");
    struct reply reply = ask("POST", V "/composite", buf_text(&body));
    CHECK_CONTAINS(reply.text, "The request can’t contain more than 25 operations.");
    buf_clear(&body);
    buf_str(&body, "{\"compositeRequest\":[");
    for (int i = 0; i < 6; i++)
        buf_printf(&body,
                   "%s{\"method\":\"GET\",\"url\":\"" V
                   "/query?q=SELECT+Id+FROM+Account\",\"referenceId\":\"r%d\"}",
                   i ? "," : "", i);
    buf_str(&body, "]}");
    reply = ask("POST", V "/composite", buf_text(&body));
    CHECK_INT(reply.status, 400);
    buf_free(&body);
    reply = ask("POST", V "/composite",
                "{\"compositeRequest\":[{\"method\":\"GET\",\"url\":\"" V
                "/limits\",\"referenceId\":\"no-dash\"}]}");
    CHECK_INT(reply.status, 400);
}

TEST(composite, describes_in_one_go_with_their_own_dates)
{
    struct reply reply = ask("GET", V "/sobjects/Account/describe", NULL);
    const char *modified = reply_header(&reply, "Last-Modified");
    reply = ask("POST", V "/composite",
                text_f("{\"compositeRequest\":[{\"method\":\"GET\",\"url\":\"" V
                       "/sobjects/Account/describe\",\"referenceId\":\"a\",\"httpHeaders\":{"
                       "\"If-Modified-Since\":\"%s\"}},{\"method\":\"GET\",\"url\":\"" V
                       "/sobjects/Lead/describe\",\"referenceId\":\"b\"}]}",
                       modified));
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[0].httpStatusCode")), "304");
    CHECK(json_is(json_path(reply.json, "compositeResponse[0].body"), JSON_NULL));
    CHECK(json_path(reply.json, "compositeResponse[0].httpHeaders.ETag") != NULL);
    CHECK_STR(json_text(json_path(reply.json, "compositeResponse[1].body.name")), "Lead");
}

TEST(composite, batch_counts_each_part)
{
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    struct reply reply = ask(
        "POST", V "/composite/batch",
        text_f("{\"haltOnError\":true,\"batchRequests\":[{\"method\":\"PATCH\",\"url\":\"v66.0/"
               "sobjects/account/%s\",\"richInput\":{\"Name\":\"New\"}},{\"method\":\"GET\","
               "\"url\":\"v66.0/sobjects/Account/001000000000001AAA\"},{\"method\":\"GET\",\"url\":"
               "\"v66.0/limits\"}]}",
               id));
    CHECK_INT(reply.status, 200);
    CHECK(json_get_bool(reply.json, "hasErrors", false));
    CHECK_STR(json_text(json_path(reply.json, "results[0].statusCode")), "204");
    CHECK_STR(json_text(json_path(reply.json, "results[1].statusCode")), "404");
    CHECK_STR(json_text(json_path(reply.json, "results[2].statusCode")), "412");
    CHECK_STR(reply_header(&reply, "Sforce-Limit-Info"), "api-usage=4/15000");
}

TEST(composite, tree_writes_levels_or_nothing)
{
    const char *tree =
        "{\"records\":[{\"attributes\":{\"type\":\"Account\",\"referenceId\":\"r1\"},\"Name\":"
        "\"A\","
        "\"Contacts\":{\"records\":[{\"attributes\":{\"type\":\"Contact\",\"referenceId\":\"r2\"},"
        "\"LastName\":\"C\",\"Email\":\"%s\"}]}},{\"attributes\":{\"type\":\"Account\","
        "\"referenceId\":\"r3\"},\"Name\":\"B\"}]}";
    char body[600];
    snprintf(body, sizeof body, "%.*s%s%s", (int)(strstr(tree, "%s") - tree), tree, "not-an-email",
             strstr(tree, "%s") + 2);
    struct reply reply = ask("POST", V "/composite/tree/Account", body);
    CHECK_INT(reply.status, 400);
    CHECK(json_get_bool(reply.json, "hasErrors", false));
    CHECK_INT(json_get(reply.json, "results")->len, 1);
    CHECK_STR(json_text(json_path(reply.json, "results[0].referenceId")), "r2");
    CHECK_STR(json_text(json_path(reply.json, "results[0].errors[0].statusCode")),
              "INVALID_EMAIL_ADDRESS");
    CHECK_INT(soql_count("Account"), 0);
    snprintf(body, sizeof body, "%.*s%s%s", (int)(strstr(tree, "%s") - tree), tree, "c@a.example",
             strstr(tree, "%s") + 2);
    reply = ask("POST", V "/composite/tree/Account", body);
    CHECK_INT(reply.status, 201);
    CHECK(!json_get_bool(reply.json, "hasErrors", true));
    CHECK_STR(json_text(json_path(reply.json, "results[1].referenceId")), "r3");
    CHECK_STR(json_text(json_path(reply.json, "results[2].referenceId")), "r2");
    CHECK_STR(soql_one("SELECT Account.Name FROM Contact", "Account.Name"), "A");
}

TEST(composite, graphs_stand_or_fall_alone)
{
    struct reply reply = ask(
        "POST", V "/composite/graph",
        "{\"graphs\":[{\"graphId\":\"g1\",\"compositeRequest\":[{\"method\":\"POST\",\"url\":\"" V
        "/sobjects/Account\",\"referenceId\":\"a\",\"body\":{\"Name\":\"ok\"}}]},{\"graphId\":"
        "\"g2\",\"compositeRequest\":[{\"method\":\"POST\",\"url\":\"" V
        "/sobjects/Account\",\"referenceId\":\"a\",\"body\":{\"Name\":\"x\"}},{\"method\":\"POST\","
        "\"url\":\"" V "/sobjects/Account\",\"referenceId\":\"b\",\"body\":{}}]}]}");
    CHECK_INT(reply.status, 200);
    CHECK(json_is(json_path(reply.json, "graphs[0].isSuccessful"), JSON_TRUE));
    CHECK(json_is(json_path(reply.json, "graphs[1].isSuccessful"), JSON_FALSE));
    CHECK_INT(soql_count("Account"), 1);
}

/* {"method":..,"url":"V/sobjects/URL","referenceId":"rN","body":BODY} */
static const char *node(const char *method, const char *url, int number, const char *body)
{
    return text_f("{\"method\":\"%s\",\"url\":\"" V
                  "/sobjects/%s\",\"referenceId\":\"r%d\",\"body\":%s}",
                  method, url, number, body);
}

static struct reply graph_of(const char *id, const char *nodes)
{
    return ask("POST", V "/composite/graph",
               text_f("{\"graphs\":[{\"graphId\":\"%s\",\"compositeRequest\":[%s]}]}", id, nodes));
}

TEST(composite, graphs_have_names_of_their_own)
{
    static const char *const bad[] = {"", ".a", "a.b", "a234567890123456789012345678901234567890"};
    const char *one = node("POST", "Account", 1, "{\"Name\":\"n\"}");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply = graph_of(bad[i], one);
        CHECK_INT(reply.status, 400);
        CHECK_STR(error_code(&reply), "INVALID_REQUEST");
    }
    struct reply reply = ask("POST", V "/composite/graph",
                             text_f("{\"graphs\":[{\"graphId\":\"a\",\"compositeRequest\":[%s]},"
                                    "{\"graphId\":\"a\",\"compositeRequest\":[%s]}]}",
                                    one, one));
    CHECK_CONTAINS(reply.text, "Duplicate graphId: a");
    CHECK_INT(soql_count("Account"), 0);
}

TEST(composite, graphs_take_records_only)
{
    static const char *const bad[][2] = {{"GET", "Account"},
                                         {"PUT", "Account/001000000000001AAA"},
                                         {"POST", "Account/001000000000001AAA"},
                                         {"GET", "Account/Id/x/Contacts"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply = graph_of("g", node(bad[i][0], bad[i][1], 1, "null"));
        CHECK_INT(reply.status, 200);
        CHECK(json_is(json_path(reply.json, "graphs[0].isSuccessful"), JSON_FALSE));
        CHECK_CONTAINS(reply.text, "A graph holds POST /sobjects/X");
    }
    struct reply reply =
        graph_of("g", text_f("%s,%s", node("POST", "Account", 1, "{\"Name\":\"n\"}"),
                             node("GET", "Account/@{r1.id}", 2, "null")));
    CHECK(json_is(json_path(reply.json, "graphs[0].isSuccessful"), JSON_TRUE));
}

/* Accounts, each the child of the one before. */
static struct reply chain_of(int length)
{
    const char *nodes = node("POST", "Account", 1, "{\"Name\":\"n\"}");
    for (int i = 2; i <= length; i++)
        nodes = text_f("%s,%s", nodes,
                       node("POST", "Account", i,
                            text_f("{\"Name\":\"n\",\"ParentId\":\"@{r%d.id}\"}", i - 1)));
    return graph_of("g", nodes);
}

TEST(composite, graphs_are_fifteen_deep_at_most)
{
    struct reply reply = chain_of(16);
    CHECK(json_is(json_path(reply.json, "graphs[0].isSuccessful"), JSON_FALSE));
    CHECK_CONTAINS(reply.text, "The maximum depth of a graph is 15.");
    CHECK_INT(soql_count("Account"), 0);
    reply = chain_of(15);
    CHECK(json_is(json_path(reply.json, "graphs[0].isSuccessful"), JSON_TRUE));
    CHECK_INT(soql_count("Account"), 15);
}

TEST(composite, graphs_hold_fifteen_kinds_of_nodes_at_most)
{
    static const char *const methods[] = {"GET", "PATCH", "DELETE"};
    static const char *const objects[] = {"Account", "Contact",     "Lead",
                                          "Case",    "Opportunity", "Task"};
    const char *nodes = "";
    for (int i = 0; i < 16; i++) {
        nodes =
            text_f("%s%s%s", nodes, i ? "," : "",
                   node(methods[i % 3], text_f("%s/001000000000001AAA", objects[i / 3]), i, "{}"));
        struct reply reply = graph_of("g", nodes);
        CHECK_INT(reply.status, i < 15 ? 200 : 400);
        if (i == 15)
            CHECK_STR(error_code(&reply), "LIMIT_EXCEEDED");
    }
}

TEST(composite, fifteen_failed_graphs_halt_the_rest)
{
    const char *graphs = "";
    for (int i = 0; i < 17; i++)
        graphs = text_f("%s%s{\"graphId\":\"g%d\",\"compositeRequest\":[%s]}", graphs, i ? "," : "",
                        i, node("POST", "Account", 1, i < 15 ? "{}" : "{\"Name\":\"n\"}"));
    struct reply reply = ask("POST", V "/composite/graph", text_f("{\"graphs\":[%s]}", graphs));
    CHECK_INT(reply.status, 200);
    static const char code[] = "graphResponse.compositeResponse[0].body[0].errorCode";
    CHECK_STR(json_text(json_path(reply.json, text_f("graphs[14].%s", code))),
              "REQUIRED_FIELD_MISSING");
    CHECK_STR(json_text(json_path(reply.json, text_f("graphs[15].%s", code))), "PROCESSING_HALTED");
    CHECK_STR(json_text(json_path(reply.json, text_f("graphs[16].%s", code))), "PROCESSING_HALTED");
    CHECK_INT(soql_count("Account"), 0);
}

TEST(collections, every_row_gets_its_own_answer)
{
    struct reply reply =
        ask("POST", V "/composite/sobjects",
            "{\"allOrNone\":false,\"records\":[{\"attributes\":{\"type\":\"Account\"},\"Name\":"
            "\"a\"},{\"attributes\":{\"type\":\"Account\"}},{\"attributes\":{\"type\":\"Nope\"}},"
            "{\"attributes\":{\"type\":\"Lead\"},\"LastName\":\"l\",\"Company\":\"c\"}]}");
    CHECK_INT(reply.status, 200);
    CHECK_INT(reply.json->len, 4);
    CHECK(json_is(json_path(reply.json, "[0].success"), JSON_TRUE));
    CHECK_STR(json_text(json_path(reply.json, "[1].errors[0].statusCode")),
              "REQUIRED_FIELD_MISSING");
    CHECK(json_path(reply.json, "[1].id") == NULL);
    CHECK_STR(json_text(json_path(reply.json, "[2].errors[0].statusCode")), "INVALID_TYPE");
    CHECK(text_starts(json_text(json_path(reply.json, "[3].id")), "00Q"));
    reply = ask("POST", V "/composite/sobjects",
                "{\"allOrNone\":true,\"records\":[{\"attributes\":{\"type\":\"Account\"},\"Name\":"
                "\"b\"},{\"attributes\":{\"type\":\"Account\"}}]}");
    CHECK_STR(json_text(json_path(reply.json, "[0].errors[0].statusCode")),
              "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    CHECK_INT(soql_count("Account"), 1);
}

TEST(collections, update_upsert_read_delete)
{
    const char *a = given("Account", "{\"Name\":\"a\"}"), *b = given("Account", "{\"Name\":\"b\"}");
    struct reply reply =
        ask("PATCH", V "/composite/sobjects",
            text_f("{\"records\":[{\"id\":\"%s\",\"attributes\":{\"type\":\"Account\"},\"Name\":"
                   "\"x\"},{\"id\":\"001000000000001AAA\",\"attributes\":{\"type\":\"Account\"}},"
                   "{\"attributes\":{\"type\":\"Account\"},\"Name\":\"y\"}]}",
                   a));
    CHECK_INT(reply.status, 200);
    CHECK_STR(reply.text ? json_text(json_path(reply.json, "[0].id")) : "", a);
    CHECK(json_is(json_path(reply.json, "[1].success"), JSON_FALSE));
    CHECK_STR(json_text(json_path(reply.json, "[2].errors[0].statusCode")), "MISSING_ARGUMENT");

    reply = ask("PATCH", V "/composite/sobjects/Account/Id",
                text_f("{\"records\":[{\"attributes\":{\"type\":\"Account\"},\"Id\":\"%s\","
                       "\"Name\":\"up\"},{\"attributes\":{\"type\":\"Account\"},\"Name\":"
                       "\"fresh\"}]}",
                       b));
    CHECK(json_is(json_path(reply.json, "[0].created"), JSON_FALSE));
    CHECK(json_is(json_path(reply.json, "[1].created"), JSON_TRUE));
    const char *fresh = json_text(json_path(reply.json, "[1].id"));

    reply = ask(
        "POST", V "/composite/sobjects/Account",
        text_f("{\"ids\":[\"%s\",\"001000000000001AAA\",\"%s\"],\"fields\":[\"Name\"]}", fresh, a));
    CHECK_INT(reply.json->len, 3);
    CHECK_STR(json_text(json_path(reply.json, "[0].Name")), "fresh");
    CHECK(json_is(json_at(reply.json, 1), JSON_NULL));
    CHECK_STR(json_text(json_path(reply.json, "[2].Name")), "x");
    reply =
        ask("GET", text_f(V "/composite/sobjects/Account?ids=%s,%s&fields=Id,Name", a, b), NULL);
    CHECK_STR(json_text(json_path(reply.json, "[1].Name")), "up");

    reply = ask("DELETE", text_f(V "/composite/sobjects?ids=%s,%s&allOrNone=true", a, b), NULL);
    CHECK_INT(reply.status, 200);
    CHECK(json_is(json_path(reply.json, "[1].success"), JSON_TRUE));
    CHECK_INT(soql_count("Account"), 1);
}

TEST(collections, have_their_ceilings)
{
    struct buf body = BUF_INIT;
    buf_str(&body, "{\"records\":[");
    for (int i = 0; i < 201; i++)
        buf_printf(&body, "%s{\"attributes\":{\"type\":\"Account\"},\"Name\":\"n\"}", i ? "," : "");
    buf_str(&body, "]}");
    struct reply reply = ask("POST", V "/composite/sobjects", buf_text(&body));
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "EXCEEDED_ID_LIMIT");
    buf_clear(&body);
    buf_str(&body, "{\"records\":[");
    for (int i = 0; i < 12; i++)
        buf_printf(&body, "%s{\"attributes\":{\"type\":\"%s\"},\"Name\":\"n\"}", i ? "," : "",
                   i % 2 ? "Account" : "Campaign");
    buf_str(&body, "]}");
    reply = ask("POST", V "/composite/sobjects", buf_text(&body));
    CHECK_CONTAINS(reply.text, "Cannot have more than 10 chunks in a single operation.");
    buf_free(&body);
}
