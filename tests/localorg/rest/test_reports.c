/* test_reports.c - reports: what they say, how they are filtered, cut and kept. */
#include "localorg/rest/fixture.h"

#include "base/str.h"

#include <string.h>

EACH_REST_TEST

#define V       "/services/data/v66.0"
#define REPORTS V "/analytics/reports"

/* --- helpers --- */

static const char *given_report(const char *metadata)
{
    struct reply reply =
        ask("POST", REPORTS, text_f("{\"reportMetadata\":{\"name\":\"R\",%s}}", metadata));
    if (reply.status != 200)
        printf("%s\n", reply.text);
    CHECK_INT(reply.status, 200);
    return json_text(json_path(reply.json, "reportMetadata.id"));
}

static struct reply run(const char *id, const char *tail)
{
    return ask("GET", text_f(REPORTS "/%s%s", id, tail), NULL);
}

static struct reply run_with(const char *id, const char *changes)
{
    return ask("POST", text_f(REPORTS "/%s?includeDetails=true", id),
               text_f("{\"reportMetadata\":{%s}}", changes));
}

static const struct json *fact(const struct reply *reply, const char *key)
{
    return json_get(json_get(reply->json, "factMap"), key);
}

static int64_t rows_of(const struct reply *reply, const char *key)
{
    const struct json *rows = json_get(fact(reply, key), "rows");
    return rows ? (int64_t)rows->len : -1;
}

static const char *label(const struct reply *reply, const char *key, int row, int cell)
{
    return json_text(
        json_path(fact(reply, key), text_f("rows[%d].dataCells[%d].label", row, cell)));
}

static const struct json *value(const struct reply *reply, const char *key, int row, int cell)
{
    return json_path(fact(reply, key), text_f("rows[%d].dataCells[%d].value", row, cell));
}

static const char *sum(const struct reply *reply, const char *key, int i)
{
    return json_text(json_path(fact(reply, key), text_f("aggregates[%d].label", i)));
}

static const char *message(const struct reply *reply)
{
    const char *text = json_text(json_path(reply->json, "[0].message"));
    return text ? text : "";
}

#define ACCOUNTS                                                                                   \
    "\"reportType\":{\"type\":\"AccountList\"},\"reportFormat\":\"TABULAR\","                      \
    "\"detailColumns\":[\"ACCOUNT.NAME\",\"ACCOUNT_ID\",\"SALES\",\"TYPE\",\"USERS.NAME\"],"       \
    "\"sortBy\":[{\"sortColumn\":\"ACCOUNT.NAME\",\"sortOrder\":\"Asc\"}]"

static void three_accounts(void)
{
    given("Account", "{\"Name\":\"Beta\",\"AnnualRevenue\":250000.75,\"Type\":\"Prospect\"}");
    given("Account", "{\"Name\":\"Alpha <1>\",\"AnnualRevenue\":1000,\"Type\":\"Other\"}");
    given("Account", "{\"Name\":\"Gamma, Inc\"}");
}

/* How many accounts a filter lets through. */
static int64_t filtered(const char *id, const char *column, const char *operator,
                        const char * filter_value)
{
    struct reply reply = run_with(
        id, text_f("\"reportFilters\":[{\"column\":\"%s\",\"operator\":\"%s\",\"value\":\"%s\"}]",
                   column, operator, filter_value));
    if (reply.status != 200)
        printf("%s %s %s: %s\n", column, operator, filter_value, reply.text);
    return rows_of(&reply, "T!T");
}

/* --- tabular --- */

TEST(reports, a_list_has_cells_with_label_and_value)
{
    three_accounts();
    const char *id = given_report(ACCOUNTS);
    struct reply reply = run(id, "?includeDetails=true");
    CHECK_INT(reply.status, 200);
    CHECK_INT(rows_of(&reply, "T!T"), 3);
    CHECK(json_get_bool(reply.json, "allData", false));
    CHECK(json_get_bool(reply.json, "hasDetailRows", false));
    CHECK_STR(label(&reply, "T!T", 0, 0), "Alpha <1>");
    const char *account = json_text(value(&reply, "T!T", 0, 0));
    CHECK_STR(account, soql_one("SELECT Id FROM Account WHERE Name = 'Alpha <1>'", "Id"));
    CHECK_STR(label(&reply, "T!T", 0, 1), text_f("%.15s", account));
    CHECK_STR(label(&reply, "T!T", 1, 2), "$250,001");
    CHECK_STR(json_text(json_get(value(&reply, "T!T", 1, 2), "amount")), "250000.75");
    CHECK_STR(label(&reply, "T!T", 2, 3), "-");
    CHECK(json_is_null(value(&reply, "T!T", 2, 3)));
    CHECK(text_starts(json_text(value(&reply, "T!T", 0, 4)), "005"));
    CHECK_STR(sum(&reply, "T!T", 0), "3");
    CHECK_STR(json_text(json_path(reply.json, "attributes.reportId")), id);
    CHECK_STR(soql_one("SELECT Format FROM Report", "Format"), "Tabular");
    CHECK(*soql_one("SELECT LastRunDate FROM Report", "LastRunDate"));
}

TEST(reports, without_details_there_are_no_rows)
{
    three_accounts();
    const char *id = given_report(ACCOUNTS);
    struct reply reply = run(id, "");
    CHECK(json_get(fact(&reply, "T!T"), "rows") == NULL);
    CHECK_STR(sum(&reply, "T!T", 0), "3");
    CHECK(!json_get_bool(reply.json, "hasDetailRows", true));
}

TEST(reports, two_thousand_rows_and_no_more)
{
    struct buf body = BUF_INIT;
    for (int call = 0; call < 11; call++) {
        buf_clear(&body);
        buf_str(&body, "{\"records\":[");
        for (int i = 0; i < 200; i++)
            buf_printf(&body, "%s{\"attributes\":{\"type\":\"Account\"},\"Name\":\"A%04d\"}",
                       i ? "," : "", call * 200 + i);
        buf_str(&body, "]}");
        CHECK_INT(ask("POST", V "/composite/sobjects", buf_text(&body)).status, 200);
    }
    buf_free(&body);
    const char *id = given_report(ACCOUNTS);
    struct reply reply = run(id, "?includeDetails=true");
    CHECK_INT(rows_of(&reply, "T!T"), 2000);
    CHECK(!json_get_bool(reply.json, "allData", true));
    CHECK_STR(sum(&reply, "T!T", 0), "2,200");
    CHECK_STR(label(&reply, "T!T", 1999, 0), "A1999");
    /* the rest, by a filter on the sort column */
    CHECK_INT(filtered(id, "ACCOUNT.NAME", "greaterThan", "A1999"), 200);
    const char *last = json_text(value(&reply, "T!T", 1999, 0));
    reply =
        run_with(id, text_f("\"sortBy\":[{\"sortColumn\":\"ACCOUNT_ID\",\"sortOrder\":\"Asc\"}],"
                            "\"reportFilters\":[{\"column\":\"ACCOUNT_ID\",\"operator\":"
                            "\"greaterThan\",\"value\":\"%s\"}]",
                            last));
    CHECK_INT(rows_of(&reply, "T!T"), 200);
    CHECK(json_get_bool(reply.json, "allData", false));
    reply = run_with(id, "\"topRows\":{\"rowLimit\":5,\"direction\":\"Asc\"}");
    CHECK_INT(rows_of(&reply, "T!T"), 5);
}

/* --- filters --- */

TEST(reports, filters_compare_as_the_builder_does)
{
    three_accounts();
    const char *id = given_report(ACCOUNTS);
    CHECK_INT(filtered(id, "ACCOUNT.NAME", "equals", "beta"), 1);
    CHECK_INT(filtered(id, "ACCOUNT.NAME", "equals", "Beta,\\\"Gamma, Inc\\\""), 2);
    CHECK_INT(filtered(id, "ACCOUNT.NAME", "notEqual", "Beta,Alpha <1>"), 1);
    CHECK_INT(filtered(id, "ACCOUNT.NAME", "contains", "a"), 3);
    CHECK_INT(filtered(id, "ACCOUNT.NAME", "notContain", "mm,et"), 1);
    CHECK_INT(filtered(id, "ACCOUNT.NAME", "startsWith", "Al,Ga"), 2);
    CHECK_INT(filtered(id, "ACCOUNT.NAME", "lessOrEqual", "beta"), 2);
    CHECK_INT(filtered(id, "ACCOUNT.NAME", "contains", "100%"), 0);
    CHECK_INT(filtered(id, "TYPE", "equals", ""), 1);
    CHECK_INT(filtered(id, "TYPE", "notEqual", ""), 2);
    CHECK_INT(filtered(id, "TYPE", "notEqual", "Other"), 2);
    CHECK_INT(filtered(id, "SALES", "greaterThan", "100K"), 1);
    CHECK_INT(filtered(id, "SALES", "lessThan", "\\\"2,000\\\""), 1);
    CHECK_INT(filtered(id, "SALES", "equals", "1000,5"), 1);
    CHECK_INT(filtered(id, "CREATED_DATE", "equals", "TODAY"), 3);
    CHECK_INT(filtered(id, "CREATED_DATE", "greaterOrEqual", "LAST 7 DAYS"), 3);
    CHECK_INT(filtered(id, "CREATED_DATE", "equals", "LAST_N_DAYS:2"), 3);
    CHECK_INT(filtered(id, "CREATED_DATE", "lessThan", "2 DAYS AGO"), 0);
    CHECK_INT(filtered(id, "Account.CreatedDate", "greaterThan", "2000-01-01T00:00:00Z"), 3);
    CHECK_INT(filtered(id, "Account.CreatedDate", "lessThan", "1/31/2001"), 0);
    CHECK_INT(filtered(id, "Owner.Alias", "notEqual", "nobody"), 3);
    CHECK_INT(filtered(id, "Account.IsDeleted", "equals", "False"), 3);
}

TEST(reports, filter_logic_joins_them)
{
    three_accounts();
    const char *id = given_report(ACCOUNTS);
    const char *three = "\"reportFilters\":["
                        "{\"column\":\"ACCOUNT.NAME\",\"operator\":\"equals\",\"value\":\"Beta\"},"
                        "{\"column\":\"ACCOUNT.NAME\",\"operator\":\"startsWith\",\"value\":\"G\"},"
                        "{\"column\":\"SALES\",\"operator\":\"greaterThan\",\"value\":\"1\"}]";
    struct reply reply = run_with(id, three);
    CHECK_INT(rows_of(&reply, "T!T"), 0);
    reply = run_with(id, text_f("%s,\"reportBooleanFilter\":\"(1 OR 2) AND 3\"", three));
    CHECK_INT(rows_of(&reply, "T!T"), 1);
    reply = run_with(id, text_f("%s,\"reportBooleanFilter\":\"1 or 2 or 3\"", three));
    CHECK_INT(rows_of(&reply, "T!T"), 3);
    reply = run_with(id, text_f("%s,\"reportBooleanFilter\":\"2 OR 1 AND 3\"", three));
    CHECK_INT(rows_of(&reply, "T!T"), 2);
    static const char *const wrong[] = {"1 AND 2",
                                        "1 AND 2 AND 4",
                                        "(1 AND 2 AND 3",
                                        "1 AND 2 3",
                                        "1 XOR 2 AND 3",
                                        "",
                                        "((((((((((((((((((((((1))))))"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        reply = run_with(id, text_f("%s,\"reportBooleanFilter\":\"%s\"", three, wrong[i]));
        CHECK_INT(reply.status, *wrong[i] ? 400 : 200);
    }
}

TEST(reports, the_standard_date_filter_counts_days)
{
    given("Opportunity",
          "{\"Name\":\"Old\",\"StageName\":\"Closed Won\",\"CloseDate\":\"2020-03-01\","
          "\"Amount\":10}");
    given("Opportunity",
          "{\"Name\":\"New\",\"StageName\":\"Prospecting\",\"CloseDate\":\"2020-03-31\","
          "\"Amount\":20}");
    const char *id =
        given_report("\"reportType\":{\"type\":\"Opportunity\"},\"detailColumns\":["
                     "\"OPPORTUNITY_NAME\",\"AMOUNT\",\"CLOSE_DATE\",\"PROBABILITY\"]");
    const char *shape = "\"standardDateFilter\":{\"column\":\"CLOSE_DATE\",\"durationValue\":"
                        "\"CUSTOM\",\"startDate\":%s,\"endDate\":%s}";
    struct reply reply = run_with(id, text_f(shape, "\"2020-03-01\"", "\"2020-03-30\""));
    CHECK_INT(rows_of(&reply, "T!T"), 1);
    CHECK_STR(label(&reply, "T!T", 0, 2), "3/1/2020");
    CHECK_STR(json_text(value(&reply, "T!T", 0, 2)), "2020-03-01");
    CHECK_STR(label(&reply, "T!T", 0, 3), "100%");
    reply = run_with(id, text_f(shape, "null", "\"2020-03-31\""));
    CHECK_INT(rows_of(&reply, "T!T"), 2);
    reply = run_with(id, "\"standardDateFilter\":{\"column\":\"CREATED_DATE\",\"durationValue\":"
                         "\"LAST_N_DAYS:7\"}");
    CHECK_INT(rows_of(&reply, "T!T"), 2);
    CHECK(json_text(json_path(reply.json, "reportMetadata.standardDateFilter.startDate")) != NULL);
    reply = run_with(id, "\"standardFilters\":[{\"name\":\"open\",\"value\":\"open\"},"
                         "{\"name\":\"probability\",\"value\":\">0\"}]");
    CHECK_INT(rows_of(&reply, "T!T"), 1);
    reply = run_with(id, text_f(shape, "\"soon\"", "null"));
    CHECK_STR(message(&reply), "The specified start date of CLOSE_DATE specified for the standard "
                               "date filter is invalid.");
    reply = run_with(id, "\"standardDateFilter\":{\"column\":\"AMOUNT\"}");
    CHECK_STR(message(&reply), "The column AMOUNT cannot be a standard date filter because it is "
                               "not a date column.");
    reply = run_with(id, "\"standardDateFilter\":{\"column\":\"CLOSE_DATE\",\"durationValue\":"
                         "\"SOMETIME\"}");
    CHECK_STR(message(&reply),
              "The duration SOMETIME specified for the standard date filter is invalid.");
}

/* --- summary and matrix --- */

static void four_deals(void)
{
    const char *acme = given("Account", "{\"Name\":\"Acme\"}");
    static const char *const deals[][4] = {{"A", "Prospecting", "2026-01-15", "100"},
                                           {"B", "Prospecting", "2026-02-15", "300"},
                                           {"C", "Closed Won", "2026-02-20", "50"},
                                           {"D", "Closed Won", "2026-04-01", "7"}};
    for (size_t i = 0; i < 4; i++)
        given("Opportunity",
              text_f(
                  "{\"Name\":\"%s\",\"StageName\":\"%s\",\"CloseDate\":\"%s\",\"Amount\":%s%s%s%s}",
                  deals[i][0], deals[i][1], deals[i][2], deals[i][3], i ? ",\"AccountId\":\"" : "",
                  i ? acme : "", i ? "\"" : ""));
}

TEST(reports, a_summary_sums_its_groups)
{
    four_deals();
    const char *id = given_report(
        "\"reportType\":{\"type\":\"Opportunity\"},\"reportFormat\":\"SUMMARY\",\"detailColumns\":["
        "\"OPPORTUNITY_NAME\",\"AMOUNT\"],\"aggregates\":[\"s!AMOUNT\",\"a!AMOUNT\",\"m!AMOUNT\","
        "\"x!AMOUNT\",\"u!TYPE\",\"RowCount\"],\"groupingsDown\":[{\"name\":\"STAGE_NAME\","
        "\"sortOrder\":\"Asc\"},{\"name\":\"ACCOUNT_NAME\",\"sortOrder\":\"Asc\"}]");
    struct reply reply = run(id, "?includeDetails=true");
    CHECK_INT(reply.status, 200);
    CHECK_STR(sum(&reply, "T!T", 0), "$457.00");
    CHECK_STR(sum(&reply, "T!T", 1), "$114.25");
    CHECK_STR(sum(&reply, "0!T", 0), "$400.00");
    CHECK_STR(sum(&reply, "0!T", 2), "$100.00");
    CHECK_STR(sum(&reply, "0!T", 3), "$300.00");
    CHECK_STR(sum(&reply, "0!T", 4), "0");
    CHECK_STR(sum(&reply, "1!T", 5), "2");
    CHECK_STR(sum(&reply, "0_0!T", 0), "$100.00");
    CHECK_INT(rows_of(&reply, "0_0!T"), 1);
    CHECK_INT(rows_of(&reply, "1_0!T"), 2);
    CHECK_INT(rows_of(&reply, "0!T"), 0);
    const struct json *stage = json_path(reply.json, "groupingsDown.groupings[0]");
    CHECK_STR(json_get_text(stage, "label"), "Prospecting");
    CHECK_STR(json_get_text(stage, "key"), "0");
    CHECK_STR(json_text(json_path(stage, "groupings[0].label")), "-");
    CHECK(json_is_null(json_path(stage, "groupings[0].value")));
    CHECK_STR(json_text(json_path(stage, "groupings[1].label")), "Acme");
    CHECK(text_starts(json_text(json_path(stage, "groupings[1].value")), "001"));
    CHECK_INT(json_get_int(json_path(reply.json, "reportExtendedMetadata.groupingColumnInfo."
                                                 "ACCOUNT_NAME"),
                           "groupingLevel", -1),
              1);
    reply = run_with(id, "\"groupingsDown\":[{\"name\":\"STAGE_NAME\",\"sortOrder\":\"Asc\","
                         "\"sortAggregate\":\"s!AMOUNT\"}]");
    CHECK_STR(json_text(json_path(reply.json, "groupingsDown.groupings[0].label")), "Closed Won");
    CHECK_STR(soql_one("SELECT Format FROM Report", "Format"), "Summary");
}

TEST(reports, a_matrix_has_a_fact_for_every_meeting)
{
    four_deals();
    const char *id = given_report(
        "\"reportType\":{\"type\":\"Opportunity\"},\"reportFormat\":\"MATRIX\",\"detailColumns\":["
        "\"OPPORTUNITY_NAME\"],\"aggregates\":[\"s!AMOUNT\",\"RowCount\"],\"groupingsDown\":[{"
        "\"name\":\"STAGE_NAME\"}],\"groupingsAcross\":[{\"name\":\"CLOSE_DATE\","
        "\"dateGranularity\":\"Calendar Month\",\"sortOrder\":\"Desc\"}]");
    struct reply reply = run(id, "?includeDetails=true");
    CHECK_INT(reply.status, 200);
    const struct json *across = json_path(reply.json, "groupingsAcross.groupings");
    CHECK_INT(across->len, 3);
    CHECK_STR(json_get_text(json_at(across, 0), "label"), "April 2026");
    CHECK_STR(json_get_text(json_at(across, 0), "value"), "2026-04-01");
    CHECK_STR(sum(&reply, "T!1", 0), "$350.00");
    CHECK_STR(sum(&reply, "0!1", 0), "$300.00");
    CHECK_STR(sum(&reply, "1!T", 0), "$57.00");
    CHECK_STR(sum(&reply, "0!0", 1), "0");
    CHECK_INT(rows_of(&reply, "0!0"), 0);
    CHECK_INT(rows_of(&reply, "1!0"), 1);
    static const char *const named[][2] = {{"Quarter", "CQ1-2026"},
                                           {"FiscalQuarter", "Q1-2026"},
                                           {"Year", "CY2026"},
                                           {"FiscalYear", "FY 2026"},
                                           {"Week", "1/11/2026 - 1/17/2026"},
                                           {"Day", "1/15/2026"},
                                           {"MonthInYear", "January"},
                                           {"DayInMonth", "1"}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        reply = run_with(id, text_f("\"groupingsAcross\":[{\"name\":\"CLOSE_DATE\","
                                    "\"dateGranularity\":\"%s\"}]",
                                    named[i][0]));
        CHECK_STR(json_text(json_path(reply.json, "groupingsAcross.groupings[0].label")),
                  named[i][1]);
    }
}

/* --- access --- */

TEST(reports, a_user_sees_what_they_may)
{
    three_accounts();
    const char *id = given_report(ACCOUNTS);
    struct reply token = ask(
        "POST", "/localorg/users",
        "{\"username\":\"few@x.example\",\"name\":\"Few\",\"email\":\"f@x.example\",\"password\":"
        "\"pw123456\",\"profile\":\"Standard User\",\"deny\":[{\"object\":\"Account\",\"field\":"
        "\"AnnualRevenue\"}]}");
    CHECK_INT(token.status, 200);
    token = ask("POST", "/localorg/token", "{\"username\":\"few@x.example\"}");
    const char *bearer = text_f("Bearer %s", json_get_text(token.json, "access_token"));
    struct reply reply =
        ask_as(bearer, "GET", text_f(REPORTS "/%s?includeDetails=true", id), NULL, NULL, NULL);
    CHECK_INT(reply.status, 200);
    CHECK_INT(json_path(reply.json, "reportMetadata.detailColumns")->len, 4);
    CHECK_LACKS(reply.text, "250000");
    reply = ask_as(bearer, "POST", text_f(REPORTS "/%s", id),
                   "{\"reportMetadata\":{\"reportFilters\":[{\"column\":\"SALES\",\"operator\":"
                   "\"greaterThan\",\"value\":\"1\"}]}}",
                   NULL, NULL);
    CHECK_STR(message(&reply), "Specify a valid filterable column because SALES is invalid.");
    ask("POST", "/localorg/users",
        "{\"username\":\"few@x.example\",\"deny\":[{\"object\":\"Account\"}]}");
    reply = ask_as(bearer, "GET", text_f(REPORTS "/%s", id), NULL, NULL, NULL);
    CHECK_INT(reply.status, 403);
    CHECK_STR(error_code(&reply), "FORBIDDEN");
}

/* --- describe --- */

TEST(reports, describe_names_columns_operators_and_durations)
{
    const char *id = given_report(ACCOUNTS);
    struct reply reply = run(id, "/describe");
    CHECK_INT(reply.status, 200);
    const struct json *type = json_get(reply.json, "reportTypeMetadata");
    const struct json *columns = json_path(type, "categories[0].columns");
    CHECK_STR(json_text(json_path(json_get(columns, "ACCOUNT.NAME"), "entityColumnName")),
              "Account.Name");
    CHECK_STR(json_text(json_path(json_get(columns, "SALES"), "dataType")), "currency");
    CHECK(json_get(columns, "Account.Fax") != NULL);
    static const struct {
        const char *type;
        uint32_t operators;
    } recorded[] = {{"date", 6},     {"string", 9},   {"double", 6},  {"picklist", 9},
                    {"textarea", 9}, {"datetime", 6}, {"boolean", 2}, {"phone", 9},
                    {"html", 9},     {"currency", 6}};
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++)
        CHECK_INT(json_get(json_get(type, "dataTypeFilterOperatorMap"), recorded[i].type)->len,
                  recorded[i].operators);
    CHECK_CONTAINS(reply.text, "\"label\":\"Last 7 Days\"");
    CHECK_STR(json_text(json_path(type, "scopeInfo.values[0].value")), "user");
    reply = ask("GET", V "/analytics/reportTypes", NULL);
    CHECK_CONTAINS(reply.text, "\"type\":\"ContactList\"");
    reply = ask("GET", V "/analytics/report-types/CaseList", NULL);
    CHECK_STR(json_text(json_path(reply.json, "reportMetadata.reportType.type")), "CaseList");
    reply = ask("GET", V "/analytics/reportTypes/Nope", NULL);
    CHECK_INT(reply.status, 404);
}

/* --- saving --- */

TEST(reports, are_created_cloned_changed_and_deleted)
{
    const char *id = given_report(ACCOUNTS);
    CHECK_STR(soql_one("SELECT FolderName FROM Report", "FolderName"),
              "My Personal Custom Reports");
    struct reply reply = ask("POST", text_f(REPORTS "?cloneId=%s", id),
                             "{\"reportMetadata\":{\"name\":\"Copy of R\"}}");
    CHECK_INT(reply.status, 200);
    const char *copy = json_text(json_path(reply.json, "reportMetadata.id"));
    CHECK(strcmp(copy, id) != 0);
    CHECK_STR(json_text(json_path(reply.json, "reportMetadata.developerName")), "Copy_of_R");
    reply = ask("PATCH", text_f(REPORTS "/%s", copy),
                "{\"reportMetadata\":{\"name\":\"Renamed\",\"scope\":\"user\"}}");
    CHECK_INT(reply.status, 200);
    CHECK_STR(json_text(json_path(reply.json, "reportMetadata.scope")), "user");
    CHECK_STR(soql_one(text_f("SELECT Name FROM Report WHERE Id = '%s'", copy), "Name"), "Renamed");
    reply = ask("GET", REPORTS, NULL);
    CHECK_INT(reply.json->len, 2);
    CHECK(text_starts(reply.text, "[{\"describeUrl\":\"" REPORTS "/00O"));
    CHECK_INT(ask("DELETE", text_f(REPORTS "/%s", copy), NULL).status, 204);
    reply = run(copy, "");
    CHECK_INT(reply.status, 404);
    CHECK_STR(error_code(&reply), "NOT_FOUND");
    CHECK_INT(soql_count("Report"), 1);
    const char *twin = given_report(ACCOUNTS);
    CHECK_STR(
        soql_one(text_f("SELECT DeveloperName FROM Report WHERE Id = '%s'", twin), "DeveloperName"),
        "R_1");
}

TEST(reports, the_control_api_makes_many)
{
    struct reply reply = ask("POST", "/localorg/reports",
                             "[{\"name\":\"One\",\"reportType\":\"LeadList\",\"detailColumns\":["
                             "\"LAST_NAME\"]},{\"reportMetadata\":{\"name\":\"Two\",\"reportType\":"
                             "{\"type\":\"CampaignMember\"},\"detailColumns\":[\"Campaign.Name\","
                             "\"CampaignMember.Status\"]}}]");
    CHECK_INT(reply.status, 200);
    CHECK_INT(json_get(reply.json, "ids")->len, 2);
    reply = run(json_text(json_path(reply.json, "ids[1]")), "?includeDetails=true");
    CHECK_INT(reply.status, 200);
    reply = ask("POST", "/localorg/reports",
                "[{\"name\":\"Good\",\"reportType\":\"LeadList\"},"
                "{\"name\":\"Bad\",\"reportType\":\"Nope\"}]");
    CHECK_INT(reply.status, 400);
    CHECK_CONTAINS(reply.text, "Specify a valid report type because Nope is invalid.");
    CHECK_INT(soql_count("Report"), 2);
}

TEST(reports, of_the_demo_all_run)
{
    struct reply reply = ask("POST", "/localorg/reset", "{\"seed\":\"demo\",\"scale\":2}");
    admin_token = json_get_text(reply.json, "access_token");
    reply = ask("GET", V "/query?q=SELECT+Id,Name,FolderName+FROM+Report+ORDER+BY+Name", NULL);
    CHECK_INT(json_get_int(reply.json, "totalSize", 0), 5);
    json_each(record, json_get(reply.json, "records")) {
        const char *id = json_get_text(record, "Id"), *name = json_get_text(record, "Name");
        CHECK_STR(json_get_text(record, "FolderName"), "Sales Reports");
        struct reply answer = run(id, "?includeDetails=true");
        CHECK_INT(answer.status, 200);
        bool all = json_get_bool(answer.json, "allData", false);
        CHECK(all == (strcmp(name, "All Contacts") != 0));
        CHECK_INT(run(id, "/describe").status, 200);
    }
}

/* --- on the side --- */

TEST(reports, asynchronous_runs_are_kept_for_a_day)
{
    three_accounts();
    const char *id = given_report(ACCOUNTS);
    ask("POST", "/localorg/policies", "{\"org\":{\"report_polls\":1}}");
    struct reply reply = ask("POST", text_f(REPORTS "/%s/instances?includeDetails=true", id), NULL);
    CHECK_INT(reply.status, 200);
    CHECK_STR(json_get_text(reply.json, "status"), "New");
    CHECK(json_is_null(json_get(reply.json, "completionDate")));
    const char *instance = json_get_text(reply.json, "id");
    CHECK(text_starts(instance, "0LG"));
    given("Account", "{\"Name\":\"Later\"}");
    reply = run(id, text_f("/instances/%s", instance));
    CHECK_STR(json_text(json_path(reply.json, "attributes.status")), "Running");
    CHECK(json_is_null(json_get(reply.json, "factMap")));
    reply = run(id, text_f("/instances/%s", instance));
    CHECK_STR(json_text(json_path(reply.json, "attributes.status")), "Success");
    CHECK_STR(json_text(json_path(reply.json, "attributes.type")), "ReportInstance");
    CHECK_INT(rows_of(&reply, "T!T"), 3);
    reply = run(id, "/instances");
    CHECK_INT(reply.json->len, 1);
    CHECK_STR(json_text(json_path(reply.json, "[0].status")), "Success");
    ask("POST", "/localorg/clock", "{\"shift_s\":86401}"); /* the session is over, too */
    admin_token = json_get_text(ask("POST", "/localorg/token", NULL).json, "access_token");
    reply = run(id, "/instances");
    CHECK_INT(reply.json->len, 0);
    CHECK_INT(run(id, text_f("/instances/%s", instance)).status, 404);
    ask("POST", "/localorg/policies", "{\"org\":{\"report_polls\":0}}");
    reply = ask("POST", text_f(REPORTS "/%s/instances", id), NULL);
    instance = json_get_text(reply.json, "id");
    CHECK_INT(ask("DELETE", text_f(REPORTS "/%s/instances/%s", id, instance), NULL).status, 204);
    CHECK_INT(run(id, text_f("/instances/%s", instance)).status, 404);
}

TEST(reports, runs_are_limited_by_the_hour)
{
    const char *id = given_report(ACCOUNTS);
    ask("POST", "/localorg/limits", "{\"hourly_sync_reports\":2,\"hourly_async_reports\":1}");
    CHECK_INT(run(id, "").status, 200);
    CHECK_INT(run(id, "").status, 200);
    struct reply reply = run(id, "");
    CHECK_INT(reply.status, 403);
    CHECK_STR(message(&reply), "You can’t run more than 2 reports synchronously every 60 minutes. "
                               "Try again later.");
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(json_get_int(json_get(reply.json, "HourlySyncReportRuns"), "Remaining", -1), 0);
    CHECK_INT(ask("POST", text_f(REPORTS "/%s/instances", id), NULL).status, 200);
    CHECK_INT(ask("POST", text_f(REPORTS "/%s/instances", id), NULL).status, 403);
    ask("POST", "/localorg/clock", "{\"shift_s\":3600}");
    CHECK_INT(run(id, "").status, 200);
    ask("POST", "/localorg/limits", "{\"concurrent_sync_reports\":0}");
    reply = run(id, "");
    CHECK_CONTAINS(message(&reply), "can accept only as many as 0 requests at a time");
}

/* --- mistakes --- */

TEST(reports, mistakes_are_told_in_the_apis_words)
{
    static const char *const mistakes[][2] = {
        {"\"reportFormat\":\"MULTI_BLOCK\"",
         "You’re requesting data for an unsupported report format."},
        {"\"detailColumns\":[\"NOPE\"]", "Specify a valid column because NOPE is invalid."},
        {"\"reportFilters\":[{\"column\":\"TYPE\",\"operator\":\"near\",\"value\":\"x\"}]",
         "Specify a valid condition because near is invalid."},
        {"\"reportFilters\":[{\"column\":\"SALES\",\"operator\":\"contains\",\"value\":\"x\"}]",
         "Specify a valid condition because contains is invalid."},
        {"\"reportFilters\":[{\"column\":\"SALES\",\"operator\":\"equals\",\"value\":\"much\"}]",
         "The filter value much for SALES is invalid."},
        {"\"reportFilters\":[{\"column\":\"ACCOUNT_ID\",\"operator\":\"equals\",\"value\":\"7\"}]",
         "The filter value for ID 7 is incorrect. Specify an ID that is 15 or 18 characters long, "
         "such as 006D000000CrRLw or 005U0000000Rg2CIAS."},
        {"\"reportFilters\":[{\"column\":\"CREATED_DATE\",\"operator\":\"equals\",\"value\":\"x\"}"
         "]",
         "Filter the date in the correct format. Accepted formats are yyyy-MM-dd'T'HH:mm:ss'Z' and "
         "yyyy-MM-dd."},
        {"\"reportFilters\":[{\"column\":\"Account.Description\",\"operator\":\"contains\","
         "\"value\":\"x\"}]",
         "Some fields, including description and long text area fields, can't be included in "
         "filter logic."},
        {"\"reportFilters\":null", "The request is invalid because there are no filters. Specify "
                                   "filters or set filters as an empty array to omit them."},
        {"\"sortBy\":[{\"sortColumn\":\"RATING\",\"sortOrder\":\"Asc\"}]",
         "The sort column name must be from a selected column."},
        {"\"sortBy\":[{\"sortColumn\":\"TYPE\"},{\"sortColumn\":\"SALES\"}]",
         "A report can only be sorted by one column."},
        {"\"groupingsDown\":[{\"name\":\"RATING\"}]",
         "Groupings are not supported on a tabular report."},
        {"\"historicalSnapshotDates\":[\"TODAY\"]",
         "The request is invalid because reports that are not historical trending reports cannot "
         "have historical snapshot dates."},
        {"\"aggregates\":[\"s!TYPE\"]", "Specify a valid aggregate because s!TYPE is invalid."},
        {"\"scope\":\"moon\"", "Specify a valid scope because moon is invalid."},
        {"\"detailColumns\":[]",
         "Can’t run the report because it doesn’t have any columns selected. Be sure to add fields "
         "as columns to the report through the user interface."},
    };
    const char *id = given_report(ACCOUNTS);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        const char *extra = strstr(mistakes[i][0], "detailColumns\":[]") ? ",\"sortBy\":[]" : "";
        struct reply reply = run_with(id, text_f("%s%s", mistakes[i][0], extra));
        CHECK_STR(message(&reply), mistakes[i][1]);
        CHECK(reply.status == 400 || reply.status == 501);
    }
    struct reply reply = ask("POST", text_f(REPORTS "/%s", id), "{}");
    CHECK_STR(message(&reply), "The request is invalid because there is no metadata. Specify "
                               "metadata in the request body.");
    reply = ask_as(text_f("Bearer %s", admin_token), "POST", text_f(REPORTS "/%s", id), "a=b",
                   "Content-Type", "application/x-www-form-urlencoded");
    CHECK_INT(reply.status, 415);
    reply = ask("POST", REPORTS "?cloneId=zzz", "{\"reportMetadata\":{\"name\":\"x\"}}");
    CHECK_STR(message(&reply), "The clone request must contain a valid cloneId parameter.");
    reply = ask("POST", REPORTS, "{\"reportMetadata\":{" ACCOUNTS "}}");
    CHECK_STR(message(&reply), "The report name can’t be null.");
    reply = ask("POST", REPORTS,
                "{\"reportMetadata\":{\"name\":\"x\",\"folderId\":\"00l000000000001AAA\"," ACCOUNTS
                "}}");
    CHECK_STR(message(&reply), "The report folder ID must be a valid folder ID.");
    reply = ask("POST", REPORTS "/query", "{\"reportMetadata\":{" ACCOUNTS "}}");
    CHECK_INT(reply.status, 200);
    CHECK(json_is_null(json_path(reply.json, "attributes.reportId")));
}
