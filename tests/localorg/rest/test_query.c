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

/* --- child lists --- */

static void given_children(const char *account, int count)
{
    for (int first = 0; first < count; first += 200) {
        struct buf rows = BUF_INIT;
        buf_str(&rows, "{\"records\":[");
        for (int i = first; i < count && i < first + 200; i++)
            buf_printf(&rows,
                       "%s{\"attributes\":{\"type\":\"Contact\"},\"LastName\":\"C%04d\","
                       "\"AccountId\":\"%s\"}",
                       i > first ? "," : "", i, account);
        buf_str(&rows, "]}");
        const char *body = text_f("%s", buf_text(&rows));
        buf_free(&rows);
        struct reply reply = ask("POST", V "/composite/sobjects", body);
        CHECK_INT(reply.status, 200);
    }
}

TEST(query, a_long_child_list_goes_on_behind_a_locator_of_its_own)
{
    const char *big = given("Account", "{\"Name\":\"Big\"}");
    given("Account", "{\"Name\":\"Small\"}");
    given_children(big, 450);
    const char *path = V "/query?q=SELECT+Name,(SELECT+LastName+FROM+Contacts+ORDER+BY+LastName)"
                         "+FROM+Account+ORDER+BY+Name";
    struct reply reply = ask_as(text_f("Bearer %s", admin_token), "GET", path, NULL,
                                "Sforce-Query-Options", "batchSize=200");
    CHECK_INT(reply.status, 200);
    /* children count as rows: the small account is on the next page */
    CHECK(!json_get_bool(reply.json, "done", true));
    CHECK_INT(json_get_int(reply.json, "totalSize", 0), 2);
    const struct json *records = json_get(reply.json, "records");
    CHECK_INT(records->len, 1);
    const struct json *list = json_get(json_at(records, 0), "Contacts");
    CHECK_INT(json_get_int(list, "totalSize", 0), 450);
    CHECK(!json_get_bool(list, "done", true));
    CHECK_INT(json_get(list, "records")->len, 200);
    const char *next = json_get_text(list, "nextRecordsUrl");
    CHECK_CONTAINS(next, V "/query/0r8");
    CHECK_CONTAINS(next, "-200");
    struct reply page = ask("GET", next, NULL);
    CHECK_INT(json_get_int(page.json, "totalSize", 0), 450);
    CHECK_INT(json_get(page.json, "records")->len, 200);
    CHECK_STR(json_get_text(json_at(json_get(page.json, "records"), 0), "LastName"), "C0200");
    page = ask("GET", json_get_text(page.json, "nextRecordsUrl"), NULL);
    CHECK_INT(json_get(page.json, "records")->len, 50);
    CHECK(json_get_bool(page.json, "done", false));
    page = ask("GET", json_get_text(reply.json, "nextRecordsUrl"), NULL);
    CHECK_INT(json_get(page.json, "records")->len, 1);
    CHECK_CONTAINS(page.text, "\"Contacts\":null");
    CHECK(json_get_bool(page.json, "done", false));
}

TEST(query, two_long_texts_make_small_pages)
{
    ask("POST", "/localorg/schema",
        "{\"object\":\"Account\",\"fields\":[{\"name\":\"Long__c\",\"type\":\"textarea\",\"length\":"
        "5000}]}");
    for (int i = 0; i < 3; i++) {
        struct buf rows = BUF_INIT;
        buf_str(&rows, "{\"records\":[");
        for (int r = 0; r < 100; r++)
            buf_printf(&rows, "%s{\"attributes\":{\"type\":\"Account\"},\"Name\":\"A\"}",
                       r ? "," : "");
        buf_str(&rows, "]}");
        ask("POST", V "/composite/sobjects", text_f("%s", buf_text(&rows)));
        buf_free(&rows);
    }
    struct reply reply = ask("GET", V "/query?q=SELECT+Description,Long__c+FROM+Account", NULL);
    CHECK_INT(json_get(reply.json, "records")->len, 200);
    reply = ask("GET", V "/query?q=SELECT+Description+FROM+Account", NULL);
    CHECK_INT(json_get(reply.json, "records")->len, 300);
}

TEST(query, the_fiscal_year_starts_when_the_org_says)
{
    ask("POST", "/localorg/clock", "{\"to\":\"2027-03-15T12:00:00Z\"}");
    struct reply reply = ask("POST", "/localorg/token", "{}");
    admin_token = json_get_text(reply.json, "access_token");
    given("Account", "{\"Name\":\"A\"}");
    reply = ask("PATCH", text_f(V "/sobjects/Organization/%s", org_id18(site->org)),
                "{\"FiscalYearStartMonth\":\"4\"}");
    sqlite3 *db = org_write_begin(site->org);
    CHECK_INT(sqlite3_exec(db, "UPDATE \"Organization\" SET \"FiscalYearStartMonth\" = '4'", NULL,
                           NULL, NULL),
              SQLITE_OK);
    struct err err = {{0}};
    CHECK_OK(org_write_end(site->org, true, &err), &err);
    /* fiscal 2027 runs from April 2026 to March 2027, named after its end */
    reply = ask("GET",
                V "/query?q=SELECT+FISCAL_YEAR(CreatedDate)+y,FISCAL_QUARTER(CreatedDate)+q,"
                  "FISCAL_MONTH(CreatedDate)+m,COUNT(Id)+n+FROM+Account+GROUP+BY+FISCAL_YEAR("
                  "CreatedDate),FISCAL_QUARTER(CreatedDate),FISCAL_MONTH(CreatedDate)",
                NULL);
    CHECK_CONTAINS(reply.text, "\"y\":2027,\"q\":4,\"m\":12,\"n\":1");
    CHECK_INT(soql_count("Account WHERE CreatedDate = THIS_FISCAL_YEAR"), 1);
    ask("POST", "/localorg/clock", "{\"to\":\"2027-04-02T12:00:00Z\"}");
    reply = ask("POST", "/localorg/token", "{}");
    admin_token = json_get_text(reply.json, "access_token");
    CHECK_INT(soql_count("Account WHERE CreatedDate = LAST_FISCAL_YEAR"), 1);
    CHECK_INT(soql_count("Account WHERE CreatedDate = LAST_FISCAL_QUARTER"), 1);
    CHECK_INT(soql_count("Account WHERE CreatedDate = THIS_FISCAL_YEAR"), 0);
}

/* --- explain --- */

static struct reply explained(const char *soql)
{
    return ask("GET", text_f(V "/query?explain=%s", soql), NULL);
}

TEST(query, explain_tells_the_cheapest_plan_first)
{
    given_accounts(300);
    struct reply reply = explained("SELECT+Id+FROM+Account+WHERE+(Name='A00001')+AND+Industry='x'");
    CHECK_INT(reply.status, 200);
    const struct json *plans = json_get(reply.json, "plans");
    CHECK_INT(plans->len, 2);
    CHECK_STR(json_text(json_path(plans, "[0].leadingOperationType")), "Index");
    CHECK_STR(json_text(json_path(plans, "[0].fields[0]")), "Name");
    CHECK_INT(json_get_int(json_at(plans, 0), "cardinality", -1), 1);
    CHECK_INT(json_get_int(json_at(plans, 0), "sobjectCardinality", -1), 300);
    CHECK_STR(json_text(json_path(plans, "[0].notes[0].fields[0]")), "IsDeleted");
    CHECK_STR(json_text(json_path(plans, "[0].notes[1].fields[0]")), "Industry");
    CHECK_CONTAINS(json_text(json_path(plans, "[0].notes[1].description")), "unindexed");
    CHECK_STR(json_text(json_path(plans, "[1].leadingOperationType")), "TableScan");
    CHECK(json_double(json_get(json_at(plans, 0), "relativeCost"), 9) < 1);
    CHECK(json_double(json_get(json_at(plans, 1), "relativeCost"), 0) > 1);

    reply = explained("SELECT+Id+FROM+Account+WHERE+Name+LIKE+'A%25'"); /* leaves all of them */
    CHECK_STR(json_text(json_path(reply.json, "plans[0].leadingOperationType")), "TableScan");
    CHECK_INT(json_get(reply.json, "plans")->len, 2);
    reply = explained("SELECT+Id+FROM+Account+WHERE+Name+LIKE+'%25A'");
    CHECK_INT(json_get(reply.json, "plans")->len, 1);
    reply = explained("SELECT+Id+FROM+Nothing__c");
    CHECK_STR(error_code(&reply), "INVALID_TYPE");
}

TEST(query, explain_knows_an_index_that_was_asked_for)
{
    ask("POST", "/localorg/schema",
        "{\"object\":\"Account\",\"fields\":[{\"name\":\"Deal__c\",\"label\":\"Deal\","
        "\"type\":\"string\",\"length\":20,\"customIndex\":true}]}");
    given_accounts(40);
    struct reply reply = explained("SELECT+Id+FROM+Account+WHERE+Deal__c='none'");
    CHECK_STR(json_text(json_path(reply.json, "plans[0].fields[0]")), "Deal__c");
    CHECK_STR(json_text(json_path(reply.json, "plans[0].leadingOperationType")), "Index");
}
