/* test_listviews.c - list views and the queries behind them. */
#include "localorg/rest/fixture.h"

#include "base/str.h"

#include <string.h>

EACH_REST_TEST

#define V     "/services/data/v66.0"
#define VIEWS V "/sobjects/account/listviews"

static const char *view_id(const char *developer_name)
{
    struct reply reply = ask("GET", VIEWS, NULL);
    json_each(view, json_get(reply.json, "listviews"))
        if (strcmp(json_get_text(view, "developerName"), developer_name) == 0)
            return json_get_text(view, "id");
    return "";
}

static struct reply view_ask(const char *id, const char *tail)
{
    return ask("GET", text_f(VIEWS "/%s%s", id, tail), NULL);
}

TEST(listviews, are_listed_with_their_urls)
{
    struct reply reply = ask("GET", VIEWS, NULL);
    const char *id = view_id("AllAccounts");
    CHECK(text_starts(reply.text, "{\"done\":true,\"listviews\":[{\"describeUrl\":\"" V
                                  "/sobjects/Account/listviews/00B"));
    CHECK_CONTAINS(reply.text,
                   text_f("\"id\":\"%s\",\"label\":\"All Accounts\",\"resultsUrl\":\"" V
                          "/sobjects/Account/listviews/%s/results\",\"soqlCompatible\":true",
                          id, id));
    CHECK(
        text_ends(reply.text, "],\"nextRecordsUrl\":null,\"size\":3,\"sobjectType\":\"Account\"}"));
    reply = view_ask(id, "");
    CHECK_STR(json_get_text(reply.json, "developerName"), "AllAccounts");
    reply = view_ask("recent", "");
    CHECK_INT(json_get_int(reply.json, "size", -1), 0);
    reply = view_ask("00B000000000001AAA", "/describe");
    CHECK_INT(reply.status, 404);
}

TEST(listviews, describe_gives_the_query)
{
    struct reply reply = view_ask(view_id("AllAccounts"), "/describe");
    CHECK_STR(
        json_get_text(reply.json, "query"),
        "SELECT Name, Site, BillingState, Phone, toLabel(Type), Owner.Alias, Id, CreatedDate, "
        "LastModifiedDate, SystemModstamp FROM Account ORDER BY Name ASC NULLS FIRST, Id ASC "
        "NULLS FIRST");
    CHECK(text_starts(reply.text,
                      "{\"columns\":[{\"ascendingLabel\":\"Z-A\",\"descendingLabel\":\"A-Z\","
                      "\"fieldNameOrPath\":\"Name\",\"hidden\":false,\"label\":\"Account Name\","
                      "\"selectListItem\":\"Name\",\"sortDirection\":\"ascending\",\"sortIndex\":0,"
                      "\"sortable\":true,\"type\":\"string\"},"));
    CHECK_INT(strlen(json_get_text(reply.json, "id")), 15);
    CHECK_CONTAINS(reply.text,
                   "\"scope\":null,\"sobjectType\":\"Account\",\"whereCondition\":null}");
    reply = view_ask(view_id("MyAccounts"), "/describe");
    CHECK_STR(json_get_text(reply.json, "scope"), "mine");
    CHECK_CONTAINS(json_get_text(reply.json, "query"), "FROM Account USING SCOPE mine ORDER BY");
    reply = view_ask(view_id("RecentlyViewedAccounts"), "/describe");
    CHECK_STR(json_text(json_path(reply.json, "whereCondition.field")), "LastViewedDate");
}

TEST(listviews, results_are_rows_of_text)
{
    given("Account", "{\"Name\":\"B\",\"Phone\":\"2\"}");
    given("Account", "{\"Name\":\"A\"}");
    const char *id = view_id("AllAccounts");
    struct reply reply = view_ask(id, "/results?limit=1");
    CHECK_INT(json_get_int(reply.json, "size", -1), 1);
    CHECK(!json_get_bool(reply.json, "done", true));
    CHECK_STR(json_text(json_path(reply.json, "records[0].columns[0].value")), "A");
    CHECK(json_is_null(json_path(reply.json, "records[0].columns[3].value")));
    CHECK_CONTAINS(json_text(json_path(reply.json, "records[0].columns[7].value")), " GMT 20");
    reply = view_ask(id, "/results?limit=25&offset=1");
    CHECK_STR(json_text(json_path(reply.json, "records[0].columns[3].value")), "2");
    CHECK(json_get_bool(reply.json, "done", false));
    reply = view_ask(id, "/results?limit=0");
    CHECK_INT(reply.status, 400);
    reply = view_ask(view_id("MyAccounts"), "/results");
    CHECK_INT(json_get_int(reply.json, "size", -1), 2);
}

TEST(listviews, can_be_explained)
{
    struct reply reply = ask("GET", text_f(V "/query/?explain=%s", view_id("AllAccounts")), NULL);
    CHECK_INT(reply.status, 200);
    CHECK_CONTAINS(json_get_text(reply.json, "sourceQuery"), "FROM Account ORDER BY Name");
}
