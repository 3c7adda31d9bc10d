/* test_listviews.c - list views and the queries behind them. */
#include "localorg/rest/fixture.h"

#include "base/str.h"

#include <string.h>
#include <unistd.h>

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
    view_ask(id, "/results");
    reply = view_ask("recent", "");
    CHECK_INT(json_get_int(reply.json, "size", -1), 1);
    CHECK_STR(json_text(json_path(reply.json, "listviews[0].id")), id);
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

/* --- made by hand --- */

static const char *given_view(const char *members)
{
    struct reply reply =
        ask("POST", "/localorg/listviews",
            text_f("{\"object\":\"Account\",\"name\":\"V\",\"developerName\":\"V\",%s}", members));
    if (reply.status != 200)
        printf("%s\n", reply.text);
    CHECK_INT(reply.status, 200);
    return json_text(json_path(reply.json, "ids[0]"));
}

TEST(listviews, made_by_hand_filter_and_sort)
{
    given("Account", "{\"Name\":\"A\",\"Industry\":\"Energy\",\"AnnualRevenue\":5}");
    given("Account", "{\"Name\":\"B\",\"Industry\":\"Banking\",\"AnnualRevenue\":50}");
    given("Account", "{\"Name\":\"C's\",\"Industry\":\"Retail\"}");
    const char *id =
        given_view("\"columns\":[\"Name\",\"Industry\",\"Owner.Profile.Name\"],\"filters\":["
                   "{\"field\":\"Industry\",\"operation\":\"equals\",\"value\":\"Energy,Banking\"},"
                   "{\"field\":\"AnnualRevenue\",\"operation\":\"greaterThan\",\"value\":\"10\"},"
                   "{\"field\":\"Name\",\"operation\":\"contains\",\"value\":[\"'\"]}],"
                   "\"booleanFilter\":\"(1 AND 2) OR "
                   "3\",\"orderBy\":[{\"field\":\"Name\",\"descending\":true}]");
    struct reply reply = view_ask(id, "/describe");
    CHECK_STR(json_get_text(reply.json, "query"),
              "SELECT Name, toLabel(Industry), Owner.Profile.Name, Id, CreatedDate, "
              "LastModifiedDate, SystemModstamp FROM Account WHERE (Industry IN ('Energy', "
              "'Banking') AND AnnualRevenue > 10) OR Name LIKE '%\\'%' ORDER BY Name DESC NULLS "
              "LAST, Id ASC NULLS FIRST");
    CHECK_STR(json_text(json_path(reply.json, "whereCondition.conjunction")), "or");
    CHECK_STR(
        json_text(json_path(reply.json, "whereCondition.conditions[0].conditions[0].operator")),
        "in");
    CHECK_STR(json_text(json_path(reply.json, "orderBy[0].sortDirection")), "descending");
    reply = view_ask(id, "/results");
    CHECK_INT(json_get_int(reply.json, "size", -1), 2);
    CHECK_STR(json_text(json_path(reply.json, "records[0].columns[0].value")), "C's");
    CHECK_STR(json_text(json_path(reply.json, "records[0].columns[2].value")),
              "System Administrator");
    CHECK_INT(json_get_int(view_ask(id, "/results?limit=1&offset=1").json, "size", -1), 1);
    CHECK_STR(soql_one("SELECT Name FROM ListView WHERE DeveloperName = 'V'", "Name"), "V");
    /* the same name again changes it */
    CHECK_STR(given_view("\"scope\":\"mine\",\"filters\":[{\"field\":\"Name\",\"operation\":"
                         "\"notContain\",\"value\":\"B\"}]"),
              id);
    reply = view_ask(id, "/describe");
    CHECK_CONTAINS(json_get_text(reply.json, "query"),
                   "USING SCOPE mine WHERE (NOT Name LIKE '%B%') ORDER BY");
    reply = view_ask(id, "/results");
    CHECK_INT(json_get_int(reply.json, "size", -1), 2);
}

TEST(listviews, that_cannot_be_are_refused)
{
    static const char *const wrong[][2] = {
        {"\"columns\":[\"Nope\"]", "no such column: Nope"},
        {"\"filters\":[{\"field\":\"Nope\",\"operation\":\"equals\",\"value\":\"1\"}]",
         "no such field to filter by: Nope"},
        {"\"filters\":[{\"field\":\"Name\",\"operation\":\"near\",\"value\":\"1\"}]",
         "no such operation: near"},
        {"\"filters\":[{\"field\":\"AnnualRevenue\",\"operation\":\"equals\",\"value\":"
         "\"1 OR Name != null\"}]",
         "not a value of this field: AnnualRevenue"},
        {"\"filters\":[{\"field\":\"Name\",\"operation\":\"lessThan\",\"value\":\"a,b\"}]",
         "this operation takes one value: lessThan"},
        {"\"filters\":[{\"field\":\"Name\",\"operation\":\"equals\",\"value\":\"a\"}],"
         "\"booleanFilter\":\"1 AND 2\"",
         "booleanFilter is not understood: 1 AND 2"},
        {"\"scope\":\"moon\"", "scope is everything or mine, not: moon"},
        {"\"orderBy\":[\"Description\"]", "cannot be sorted by: Description"},
        {"\"filters\":[{\"field\":\"CreatedDate\",\"operation\":\"equals\",\"value\":\"someday\"}]",
         ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct reply reply =
            ask("POST", "/localorg/listviews",
                text_f("{\"object\":\"Account\",\"name\":\"V\",\"developerName\":\"V\",%s}",
                       wrong[i][0]));
        CHECK_INT(reply.status, 400);
        CHECK_CONTAINS(reply.text, wrong[i][1]);
    }
    CHECK_INT(ask("POST", "/localorg/listviews", "{\"object\":\"Nope\"}").status, 400);
    CHECK_INT(soql_count("ListView WHERE DeveloperName = 'V'"), 0);
}

/* --- what was looked at --- */

TEST(recent, each_user_has_their_own)
{
    const char *a = given("Account", "{\"Name\":\"A\"}");
    const char *b = given("Account", "{\"Name\":\"B\"}");
    const char *c = given("Contact", "{\"LastName\":\"C\"}");
    ask("GET", text_f(V "/sobjects/Account/%s", a), NULL);
    struct reply reply = ask("GET", V "/recent?limit=2", NULL);
    CHECK_INT(reply.json->len, 2);
    CHECK_STR(json_text(json_path(reply.json, "[0].Id")), a);
    CHECK_STR(json_text(json_path(reply.json, "[1].Id")), c);
    reply =
        ask("GET",
            V "/query?q=SELECT+Id,Name,Type,LastViewedDate+FROM+RecentlyViewed+WHERE+Type='Account'"
              "+ORDER+BY+LastViewedDate+DESC",
            NULL);
    CHECK_INT(json_get_int(reply.json, "totalSize", -1), 2);
    CHECK_STR(json_text(json_path(reply.json, "records[1].Type")), "Account");
    CHECK_INT(soql_count("Account WHERE LastViewedDate != null"), 2);
    CHECK(*soql_one("SELECT LastViewedDate FROM Account WHERE Name = 'B'", "LastViewedDate"));
    ask("DELETE", text_f(V "/sobjects/Account/%s", b), NULL);
    CHECK_INT(soql_count("RecentlyViewed"), 2);
    reply =
        ask("GET",
            text_f(V "/sobjects/Account/listviews/%s/results", view_id("RecentlyViewedAccounts")),
            NULL);
    CHECK_INT(json_get_int(reply.json, "size", -1), 1);
    reply = ask("POST", "/localorg/token", "{\"username\":\"sales@localorg.example\"}");
    admin_token = json_get_text(reply.json, "access_token");
    CHECK_INT(soql_count("RecentlyViewed"), 0);
    CHECK_STR(soql_one("SELECT LastViewedDate FROM Account WHERE Name = 'A'", "LastViewedDate"),
              "");
}

TEST(recent, for_view_and_for_reference)
{
    given("Account", "{\"Name\":\"A\"}");
    struct reply reply =
        ask("POST", "/localorg/token", "{\"username\":\"sales@localorg.example\"}");
    admin_token = json_get_text(reply.json, "access_token");
    CHECK_INT(soql_count("RecentlyViewed"), 0);
    ask("GET", V "/query?q=SELECT+Id+FROM+Account+FOR+REFERENCE", NULL);
    CHECK_STR(soql_one("SELECT LastViewedDate FROM Account", "LastViewedDate"), "");
    CHECK(*soql_one("SELECT LastReferencedDate FROM Account", "LastReferencedDate"));
    ask("GET", V "/query?q=SELECT+Name+FROM+Account+FOR+VIEW", NULL);
    CHECK(*soql_one("SELECT LastViewedDate FROM Account", "LastViewedDate"));
    CHECK_INT(soql_count("RecentlyViewed WHERE Type IN ('Account') AND LastViewedDate = TODAY"), 1);
    ask_as(text_f("Bearer %s", admin_token), "POST", V "/sobjects/Account", "{\"Name\":\"quiet\"}",
           "Sforce-Mru", "updateMru=false");
    CHECK_INT(soql_count("RecentlyViewed"), 1);
}

TEST(recent, is_kept_in_the_file)
{
    const char *file = text_f("/tmp/localorg-views-%d.db", (int)getpid());
    rest_restart(file);
    const char *id = given("Account", "{\"Name\":\"A\"}");
    rest_restart(file);
    struct reply reply = ask("GET", V "/recent", NULL);
    CHECK_STR(json_text(json_path(reply.json, "[0].Id")), id);
    rest_restart(NULL);
    unlink(file);
}
