/* What a record looks like in JSON: order, nesting, nulls, numbers, dates. */
#include "fixture.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static struct fixture *f;

static void before(void)
{
    f = fixture_new();
}

static void after(void)
{
    fixture_free(f);
}

EACH_TEST(before, after)

#define ACCOUNT(id) "{\"attributes\":{\"type\":\"Account\",\"url\":\"/v/sobjects/Account/" id "\"}"
#define CONTACT(id) "{\"attributes\":{\"type\":\"Contact\",\"url\":\"/v/sobjects/Contact/" id "\"}"
#define USER(id)    "{\"attributes\":{\"type\":\"User\",\"url\":\"/v/sobjects/User/" id "\"}"

TEST(rows, values_by_type)
{
    CHECK_STR(
        answer(f, "select id, NAME, annualrevenue, NumberOfEmployees, Active__c, Founded__c, "
                  "Opens__c, Rating__c, Description, Topics__c, CreatedDate FROM Account "
                  "WHERE Name = 'acme'"),
        ACCOUNT(
            ACME) ",\"Id\":\"" ACME "\",\"Name\":\"Acme\",\"AnnualRevenue\":1250.5,"
                  "\"NumberOfEmployees\":10,\"Active__c\":true,\"Founded__c\":\"2020-02-29\","
                  "\"Opens__c\":\"09:30:00.000Z\",\"Rating__c\":1.125,\"Description\":\"says "
                  "\\\"hi\\\"\","
                  "\"Topics__c\":\"red;blue\",\"CreatedDate\":\"2026-11-25T10:00:00.000+0000\"}");
    CHECK_STR(
        answer(f,
               "SELECT AnnualRevenue, NumberOfEmployees, Rating__c FROM Account WHERE Id = '" GLOBEX
               "'"),
        ACCOUNT(GLOBEX) ",\"AnnualRevenue\":139000000.0,\"NumberOfEmployees\":null,"
                        "\"Rating__c\":null}");
}

TEST(rows, parents_stand_where_they_were_first_named)
{
    CHECK_STR(answer(f,
                     "SELECT Account.Name, Email, Account.Owner.Name, Account.OwnerId FROM Contact "
                     "WHERE LastName = 'Stone'"),
              CONTACT("003000000000001AAA") ",\"Account\":" ACCOUNT(
                  ACME) ",\"Name\":\"Acme\",\"Owner\":" USER(ANN) ",\"Name\":\"Ann "
                                                                  "Adams\"},\"OwnerId\":\"" ANN
                                                                  "\"},\"Email\":"
                                                                  "\"jo@acme.test\"}");
    CHECK_STR(answer(f, "SELECT Account.Name, Account.Owner.Name FROM Contact WHERE LastName = "
                        "'Nobody'"),
              CONTACT("003000000000004AAA") ",\"Account\":null}");
}

TEST(rows, aliases_of_from)
{
    CHECK_STR(answer(f,
                     "SELECT c.LastName, a.Name FROM Contact c, c.Account a WHERE a.Name = 'Acme' "
                     "AND c.LastName = 'Wood'"),
              CONTACT("003000000000002AAA") ",\"LastName\":\"Wood\",\"Account\":" ACCOUNT(
                  ACME) ",\"Name\":\"Acme\"}}");
    CHECK_STR(values(f, "SELECT Contact.LastName FROM Contact WHERE Contact.LastName = 'Wood'"),
              "Wood");
}

TEST(rows, children_with_their_own_envelope)
{
    CHECK_STR(
        answer(f, "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName DESC) FROM "
                  "Account WHERE Name IN ('acme', 'initech 100%') ORDER BY Id"),
        ACCOUNT(
            ACME) ",\"Name\":\"Acme\",\"Contacts\":{\"totalSize\":2,\"done\":true,"
                  "\"records\":[" CONTACT("003000000000002AAA") ",\"LastName\":\"Wood\"}," CONTACT(
                      "003000000000001AAA") ",\"LastName\":\"Stone\"}]}}," ACCOUNT(INITECH) ",\"Nam"
                                                                                            "e\":"
                                                                                            "\"Init"
                                                                                            "ech "
                                                                                            "100%"
                                                                                            "\","
                                                                                            "\"Cont"
                                                                                            "acts\""
                                                                                            ":null"
                                                                                            "}");
    CHECK_STR(
        answer(f, "SELECT (SELECT a.LastName FROM x.Contacts a WHERE a.Account.Name = 'Acme' LIMIT "
                  "1) FROM Account x WHERE Id = '" ACME "'"),
        ACCOUNT(ACME) ",\"Contacts\":{\"totalSize\":1,\"done\":true,\"records\":[" CONTACT(
            "003000000000001AAA") ",\"LastName\":\"Stone\"}]}}");
}

TEST(rows, children_of_children)
{
    CHECK_CONTAINS(
        answer(f, "SELECT (SELECT LastName, (SELECT Subject FROM Tasks) FROM Contacts) FROM "
                  "Account WHERE Name = 'Acme'"),
        "\"Tasks\":{\"totalSize\":1,\"done\":true,\"records\":[");
    f->context.api_version = 57;
    CHECK_CONTAINS(
        answer(f, "SELECT (SELECT (SELECT Subject FROM Tasks) FROM Contacts) FROM Account"),
        "MALFORMED_QUERY");
}

TEST(rows, addresses)
{
    CHECK_STR(answer(f, "SELECT BillingAddress, BillingCity FROM Account WHERE Name = 'Acme'"),
              ACCOUNT(ACME) ",\"BillingAddress\":{\"city\":\"Paris\",\"country\":null,"
                            "\"geocodeAccuracy\":null,\"latitude\":48.85,\"longitude\":2.35,"
                            "\"postalCode\":null,"
                            "\"state\":null,\"street\":null},\"BillingCity\":\"Paris\"}");
    CHECK_STR(answer(f, "SELECT BillingAddress FROM Account WHERE Id = '" INITECH "'"),
              ACCOUNT(INITECH) ",\"BillingAddress\":null}");
}

TEST(rows, names_of_polymorphic_lookups)
{
    CHECK_STR(answer(f, "SELECT Who.Name, Who.Type, What.Name FROM Task WHERE Subject = 'Call'"),
              "{\"attributes\":{\"type\":\"Task\",\"url\":\"/v/sobjects/Task/00T000000000001AAA\"},"
              "\"Who\":{\"attributes\":{\"type\":\"Name\",\"url\":\"/v/sobjects/Contact/"
              "003000000000001AAA\"},\"Name\":\"Jo Stone\",\"Type\":\"Contact\"},\"What\":{"
              "\"attributes\":{\"type\":\"Name\",\"url\":\"/v/sobjects/Account/" ACME "\"},"
              "\"Name\":\"Acme\"}}");
    CHECK_STR(answer(f, "SELECT Who.Name FROM Task WHERE Subject = 'Rest'"),
              "{\"attributes\":{\"type\":\"Task\",\"url\":\"/v/sobjects/Task/00T000000000003AAA\"},"
              "\"Who\":null}");
    CHECK_STR(values(f, "SELECT Subject FROM Task WHERE What.Type = 'Account'"), "Call");
    CHECK_STR(values(f, "SELECT Subject FROM Task WHERE What.Name LIKE 'O%'"), "Mail");
    CHECK_STR(values(f, "SELECT Subject FROM Task WHERE Owner.Type = 'queue'"), "Mail");
    CHECK_STR(values(f, "SELECT Subject FROM Task WHERE Owner.Profile.Name = 'admin'"), "Call");
    CHECK_STR(values(f, "SELECT Subject FROM Task ORDER BY Owner.Name"), "Call Rest Mail");
}

TEST(rows, typeof)
{
    CHECK_STR(answer(f,
                     "SELECT TYPEOF What WHEN Account THEN Industry, Owner.Name WHEN Opportunity "
                     "THEN Amount, StageName ELSE Name END FROM Task ORDER BY Id"),
              "{\"attributes\":{\"type\":\"Task\",\"url\":\"/v/sobjects/Task/00T000000000001AAA\"},"
              "\"What\":" ACCOUNT(ACME) ",\"Industry\":\"Banking\",\"Owner\":" USER(
                  ANN) ",\"Name\":\"Ann Adams\"}}},"
                       "{\"attributes\":{\"type\":\"Task\",\"url\":\"/v/sobjects/Task/"
                       "00T000000000002AAA\"},"
                       "\"What\":{\"attributes\":{\"type\":\"Opportunity\",\"url\":\"/v/sobjects/"
                       "Opportunity/"
                       "006000000000001AAA\"},\"Amount\":100.0,\"StageName\":\"Won\"}},"
                       "{\"attributes\":{\"type\":\"Task\",\"url\":\"/v/sobjects/Task/"
                       "00T000000000003AAA\"},"
                       "\"What\":null}");
    CHECK_CONTAINS(answer(f,
                          "SELECT TYPEOF Who WHEN Contact THEN Email ELSE Name END FROM Task WHERE "
                          "Subject = 'Mail'"),
                   "\"Who\":{\"attributes\":{\"type\":\"User\",\"url\":\"/v/sobjects/User/" BOB
                   "\"},\"Name\":\"Bob Brown\"}");
    CHECK_CONTAINS(answer(f, "SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact"),
                   "MALFORMED_QUERY");
}

TEST(rows, fields_of_an_object)
{
    CHECK_CONTAINS(answer(f, "SELECT FIELDS(ALL) FROM Contact LIMIT 1"),
                   "\"LastName\":\"Stone\",\"FirstName\":\"Jo\",\"Email\":\"jo@acme.test\"");
    CHECK_STR(
        answer(f, "SELECT FIELDS(CUSTOM) FROM Account WHERE Id = '" ACME "'"),
        ACCOUNT(
            ACME) ",\"Active__c\":true,\"Founded__c\":\"2020-02-29\",\"Opens__c\":"
                  "\"09:30:00.000Z\",\"Rating__c\":1.125,\"Secret__c\":\"s1\",\"Code__c\":\"Ab\","
                  "\"Topics__c\":\"red;blue\"}");
    CHECK_LACKS(answer(f, "SELECT FIELDS(STANDARD) FROM Account"), "__c");
    CHECK_CONTAINS(answer(f, "SELECT FIELDS(ALL) FROM Account"),
                   "MALFORMED_QUERY: The SOQL FIELDS function must have a LIMIT of at most 200");
    CHECK_CONTAINS(answer(f, "SELECT FIELDS(ALL) FROM Account LIMIT 201"), "at most 200");
    CHECK_CONTAINS(answer(f, "SELECT Id, FIELDS(STANDARD) FROM Account"),
                   "duplicate field selected: Id");
    CHECK_CONTAINS(answer(f, "SELECT FIELDS(CUSTOM) FROM Contact LIMIT 1"), "MALFORMED_QUERY");
}

TEST(rows, labels_and_formats)
{
    CHECK_STR(values(f, "SELECT toLabel(Industry) FROM Account ORDER BY Id"), "Banks Power null");
    CHECK_CONTAINS(
        answer(f, "SELECT toLabel(Industry) nice, Industry FROM Account WHERE Id = '" ACME "'"),
        "\"nice\":\"Banks\",\"Industry\":\"Banking\"");
    CHECK_STR(values(f, "SELECT FORMAT(AnnualRevenue) FROM Account WHERE Id IN ('" ACME
                        "', '" GLOBEX "') ORDER BY Id"),
              "$1,250.50 $139,000,000.00");
    CHECK_STR(values(f, "SELECT FORMAT(CreatedDate) FROM Account WHERE Id = '" ACME "'"),
              "11/25/2026 10:00 AM");
    CHECK_STR(values(f, "SELECT convertCurrency(AnnualRevenue) FROM Account WHERE Id = '" ACME "'"),
              "1250.5");
    CHECK_STR(values(f, "SELECT Name FROM Account WHERE toLabel(Industry) = 'power'"), "globex");
}

TEST(rows, distance)
{
    CHECK_STR(
        values(f, "SELECT Name FROM Account WHERE DISTANCE(BillingAddress, GEOLOCATION(48.8, 2.3),"
                  " 'km') < 20"),
        "Acme");
    CHECK_STR(values(f, "SELECT Name FROM Account WHERE BillingCity != null ORDER BY "
                        "DISTANCE(BillingAddress, GEOLOCATION(51.5, 0), 'mi')"),
              "globex Acme");
}

TEST(rows, order_puts_nulls_first_and_picklists_in_setup_order)
{
    CHECK_STR(values(f, "SELECT Name FROM Account ORDER BY Industry"), "Initech 100% globex Acme");
    CHECK_STR(values(f, "SELECT Name FROM Account ORDER BY Industry DESC"),
              "Initech 100% Acme globex");
    CHECK_STR(values(f, "SELECT Name FROM Account ORDER BY Industry NULLS LAST"),
              "globex Acme Initech 100%");
    CHECK_STR(values(f, "SELECT Name FROM Account ORDER BY AnnualRevenue DESC NULLS LAST"),
              "globex Acme Initech 100%");
    CHECK_STR(values(f, "SELECT Name FROM Account ORDER BY Name DESC"), "Initech 100% globex Acme");
    CHECK_STR(values(f, "SELECT LastName FROM Contact ORDER BY Account.Name, LastName DESC"),
              "Nobody Wood Stone O'Dell");
}

TEST(rows, limit_offset_and_totals)
{
    CHECK_STR(values(f, "SELECT Name FROM Account ORDER BY Id LIMIT 1 OFFSET 1"), "globex");
    CHECK_STR(values(f, "SELECT Name FROM Account ORDER BY Id OFFSET 2"), "Initech 100%");
    CHECK_STR(values(f, "SELECT Name FROM Account LIMIT 0"), "");
    CHECK_INT(total(f, "SELECT COUNT() FROM Contact WHERE Account.Name = 'Acme'"), 2);
    CHECK_INT(total(f, "SELECT count() FROM Contact LIMIT 3"), 3);
    CHECK_INT(total(f, "SELECT Id FROM Contact LIMIT 3 OFFSET 2"), 2);
    CHECK_STR(answer(f, "SELECT COUNT() FROM Contact"), "");
}

TEST(rows, scope_mine)
{
    CHECK_STR(values(f, "SELECT Name FROM Account USING SCOPE mine ORDER BY Id"),
              "Acme Initech 100%");
    CHECK_STR(values(f, "SELECT Name FROM Account USING SCOPE everything ORDER BY Id"),
              "Acme globex Initech 100%");
}

TEST(rows, pages_of_one_snapshot)
{
    size_t written = 0;
    struct buf out = BUF_INIT;
    struct soql_plan *plan =
        soql_compile(f->arena, &f->context, "SELECT Name FROM Account ORDER BY Id", &f->err);
    struct soql_cursor *cursor = soql_open(f->org, plan, &f->err);
    CHECK_GOT(cursor, &f->err);
    CHECK_OK(soql_write_json(cursor, "/v", 2, &out, &written, &f->err), &f->err);
    CHECK_INT(written, 2);
    sql_run(f, "DELETE FROM Account WHERE Name = 'Initech 100%'; UPDATE Account SET Name = 'new'");
    buf_clear(&out);
    CHECK_OK(soql_write_json(cursor, "/w", 2, &out, &written, &f->err), &f->err);
    CHECK_INT(written, 1);
    CHECK_STR(buf_text(&out),
              "{\"attributes\":{\"type\":\"Account\",\"url\":\"/w/sobjects/Account/" INITECH
              "\"},\"Name\":\"Initech 100%\"}");
    CHECK_OK(soql_write_json(cursor, "/w", 2, &out, &written, &f->err), &f->err);
    CHECK_INT(written, 0);
    CHECK_OK(soql_rewind(cursor, &f->err), &f->err);
    CHECK_OK(soql_skip(cursor, 1, &f->err), &f->err);
    buf_clear(&out);
    CHECK_OK(soql_write_json(cursor, "/v", 1, &out, &written, &f->err), &f->err);
    CHECK_CONTAINS(buf_text(&out), "\"Name\":\"globex\"");
    CHECK_INT(soql_total(cursor, &f->err), 3);
    soql_close(cursor);
    buf_free(&out);
}

TEST(rows, a_full_buffer_is_an_error)
{
    size_t written = 0;
    struct buf out = BUF_UP_TO(150);
    struct soql_plan *plan = soql_compile(
        f->arena, &f->context, "SELECT Name, (SELECT Id FROM Contacts) FROM Account", &f->err);
    struct soql_cursor *cursor = soql_open(f->org, plan, &f->err);
    CHECK_FAIL(soql_write_json(cursor, "/v", 10, &out, &written, &f->err), &f->err, ERR_TOO_LARGE);
    soql_close(cursor);
    buf_free(&out);
}

TEST(rows, text_is_escaped)
{
    sql_run(f, "UPDATE Account SET Name = 'a\"b\\c' || char(10) || char(1) || char(233) || "
               "'0123456789abcdef\"' || char(9) WHERE Id = '" ACME "'");
    CHECK_CONTAINS(answer(f, "SELECT Name FROM Account WHERE Id = '" ACME "'"),
                   "\"Name\":\"a\\\"b\\\\c\\n\\u0001\xc3\xa9"
                   "0123456789abcdef\\\"\\t\"}");
}

TEST(rows, numbers_keep_their_value)
{
    static const struct {
        const char *stored, *printed;
    } cases[] = {{"130", "130.0"},
                 {"0.1", "0.1"},
                 {"-0.01", "-0.01"},
                 {"1234567.89", "1234567.89"},
                 {"0.333333333333333", "0.333333333333333"},
                 {"1e15", "1000000000000000.0"},
                 {"1e20", "1.0E20"},
                 {"1.5e-7", "1.5E-7"},
                 {"-3", "-3.0"},
                 {"1e100", "1.0E100"},
                 {"99999999999999.99", "99999999999999.98"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sql_run(f, arena_printf(f->arena, "UPDATE Account SET Rating__c = %s WHERE Id = '" ACME "'",
                                cases[i].stored));
        if (i + 1 < sizeof cases / sizeof *cases)
            CHECK_STR(values(f, "SELECT Rating__c FROM Account WHERE Id = '" ACME "'"),
                      cases[i].printed);
    }
}

TEST(rows, columns_of_a_query)
{
    struct buf out = BUF_INIT;
    struct soql_plan *plan = soql_compile(
        f->arena, &f->context,
        "SELECT Id, Owner.Name, (SELECT LastName FROM Contacts) FROM Account", &f->err);
    CHECK_GOT(plan, &f->err);
    soql_write_columns(plan, &out);
    CHECK_STR(
        buf_text(&out),
        "{\"columnMetadata\":[{\"aggregate\":false,\"apexType\":\"Id\",\"booleanType\":false,"
        "\"columnName\":\"Id\",\"custom\":false,\"displayName\":\"Id\",\"foreignKeyName\":null,"
        "\"insertable\":true,\"joinColumns\":[],\"numberType\":false,\"textType\":false,"
        "\"updatable\":true},{\"aggregate\":false,\"apexType\":null,\"booleanType\":false,"
        "\"columnName\":\"Owner\",\"custom\":false,\"displayName\":\"Owner\",\"foreignKeyName\":"
        "\"OwnerId\",\"insertable\":false,\"joinColumns\":[{\"aggregate\":false,\"apexType\":"
        "\"String\",\"booleanType\":false,\"columnName\":\"Name\",\"custom\":false,"
        "\"displayName\":\"Name\",\"foreignKeyName\":null,\"insertable\":true,\"joinColumns\":[],"
        "\"numberType\":false,\"textType\":true,\"updatable\":true}],\"numberType\":false,"
        "\"textType\":false,\"updatable\":false},{\"aggregate\":true,\"apexType\":null,"
        "\"booleanType\":false,\"columnName\":\"Contacts\",\"custom\":false,\"displayName\":"
        "\"Contacts\",\"foreignKeyName\":null,\"insertable\":false,\"joinColumns\":[{"
        "\"aggregate\":false,\"apexType\":\"String\",\"booleanType\":false,\"columnName\":"
        "\"LastName\",\"custom\":false,\"displayName\":\"LastName\",\"foreignKeyName\":null,"
        "\"insertable\":true,\"joinColumns\":[],\"numberType\":false,\"textType\":true,"
        "\"updatable\":true}],\"numberType\":false,\"textType\":false,\"updatable\":false}],"
        "\"entityName\":\"Account\",\"groupBy\":false,\"idSelected\":true,\"keyPrefix\":\"001\"}");
    buf_clear(&out);
    plan =
        soql_compile(f->arena, &f->context,
                     "SELECT StageName, AVG(Amount) FROM Opportunity GROUP BY StageName", &f->err);
    soql_write_columns(plan, &out);
    CHECK_CONTAINS(buf_text(&out), "{\"aggregate\":true,\"apexType\":null,\"booleanType\":false,"
                                   "\"columnName\":\"expr0\",\"custom\":false,\"displayName\":"
                                   "\"avg(Amount)\"");
    CHECK_CONTAINS(buf_text(&out), "\"joinColumns\":[],\"numberType\":true");
    buf_free(&out);
}
