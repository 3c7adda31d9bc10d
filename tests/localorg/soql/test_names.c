/* Names: what does not exist, or what the user may not see. */
#include "fixture.h"
#include "support/check.h"

#include <stdlib.h>

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

TEST(names, unknown_object)
{
    CHECK_STR(
        answer(f, "select count() from XYZZY"),
        "INVALID_TYPE: \nselect count() from XYZZY\n                    ^\n"
        "ERROR at Row:1:Column:21\nsObject type 'XYZZY' is not supported. If you are attempting to "
        "use a custom object, be sure to append the '__c' after the entity name. Please reference "
        "your WSDL or the describe call for the appropriate names.");
}

TEST(names, unknown_field)
{
    CHECK_STR(
        answer(f, "SELECT Id, Nope__c FROM Account"),
        "INVALID_FIELD: \nSELECT Id, Nope__c FROM Account\n           ^\n"
        "ERROR at Row:1:Column:12\nNo such column 'Nope__c' on entity 'Account'. If you are "
        "attempting to use a custom field, be sure to append the '__c' after the custom field "
        "name. Please reference your WSDL or the describe call for the appropriate names.");
    CHECK_CONTAINS(answer(f, "SELECT Id FROM Contact WHERE Account.Nope = 1"),
                   "No such column 'Nope' on entity 'Account'");
    CHECK_CONTAINS(answer(f, "SELECT Id FROM Contact ORDER BY Nope"), "No such column 'Nope'");
    CHECK_CONTAINS(answer(f, "SELECT Account FROM Contact"),
                   "No such column 'Account' on entity 'Contact'");
    CHECK_CONTAINS(answer(f, "SELECT Who.Website FROM Task"),
                   "No such column 'Website' on entity 'Name'");
}

TEST(names, unknown_relationship)
{
    CHECK_CONTAINS(
        answer(f, "SELECT Nope.Name FROM Contact"),
        "INVALID_FIELD: \nSELECT Nope.Name FROM Contact\n       ^\nERROR at Row:1:Column:8\n"
        "Didn't understand relationship 'Nope' in field path. If you are attempting to use "
        "a custom relationship, be sure to append the '__r'");
    CHECK_CONTAINS(answer(f, "SELECT (SELECT Id FROM Nopes) FROM Account"),
                   "Didn't understand relationship 'Nopes' in FROM part of query call.");
    CHECK_STR(f->err.code, "INVALID_TYPE");
}

TEST(names, selected_twice)
{
    CHECK_CONTAINS(answer(f, "SELECT Id, Name, id FROM Account"), "duplicate field selected: Id");
    CHECK_STR(f->err.code, "INVALID_FIELD");
    CHECK_CONTAINS(answer(f, "SELECT Account.Name, Account.Name FROM Contact"),
                   "duplicate field selected");
}

TEST(names, at_most_five_levels)
{
    CHECK_LACKS(
        answer(f, "SELECT ReportsTo.ReportsTo.ReportsTo.ReportsTo.ReportsTo.Name FROM Contact"),
        "MALFORMED_QUERY");
    CHECK_CONTAINS(
        answer(
            f,
            "SELECT ReportsTo.ReportsTo.ReportsTo.ReportsTo.ReportsTo.ReportsTo.Name FROM Contact"),
        "MALFORMED_QUERY");
}

TEST(names, offset_has_a_ceiling)
{
    CHECK_STR(answer(f, "SELECT Id FROM Account LIMIT 1 OFFSET 2001"),
              "NUMBER_OUTSIDE_VALID_RANGE: Maximum SOQL offset allowed is 2000");
}

TEST(names, what_a_user_may_not_read_does_not_exist)
{
    CHECK_OK(org_deny(f->org, BOB, "Account", "Secret__c", ORG_READ, &f->err), &f->err);
    f->context.user_id = BOB;
    CHECK_CONTAINS(answer(f, "SELECT Secret__c FROM Account"),
                   "No such column 'Secret__c' on entity 'Account'");
    CHECK_CONTAINS(answer(f, "SELECT Id FROM Account WHERE Secret__c = 's1'"), "No such column");
    CHECK_CONTAINS(answer(f, "SELECT Account.Secret__c FROM Contact"), "No such column");
    CHECK_CONTAINS(answer(f, "SELECT Id FROM Account ORDER BY Secret__c"), "No such column");
    CHECK_LACKS(answer(f, "SELECT FIELDS(ALL) FROM Account LIMIT 1"), "Secret__c");
    f->context.user_id = ANN;
    CHECK_STR(values(f, "SELECT Secret__c FROM Account ORDER BY Id LIMIT 1"), "s1");
    CHECK_OK(org_deny(f->org, BOB, "Account", NULL, ORG_READ, &f->err), &f->err);
    f->context.user_id = BOB;
    CHECK_CONTAINS(answer(f, "SELECT Id FROM Account"), "sObject type 'Account' is not supported");
    CHECK_CONTAINS(answer(f, "SELECT Account.Name FROM Contact"), "Didn't understand relationship");
}

TEST(names, no_text_of_the_query_reaches_sql)
{
    CHECK_STR(values(f, "SELECT Name FROM Account WHERE Name = 'x\\' OR 1=1 --'"), "");
    CHECK_STR(values(f, "SELECT Name FROM Account WHERE Name = 'x\" OR \"\"=\"'"), "");
    CHECK_CONTAINS(answer(f, "SELECT Name FROM Account WHERE Name = 'a'; DROP TABLE Account"),
                   "MALFORMED_QUERY");
}

TEST(names, objects_named_like_keywords)
{
    CHECK_STR(values(f, "SELECT Name FROM Group ORDER BY Name"), "Line");
    CHECK_STR(values(f, "SELECT g.Name FROM Group g GROUP BY g.Name"), "Line");
}

TEST(names, joins_have_a_ceiling)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "SELECT TYPEOF What ");
    for (int i = 0; i < 60; i++)
        buf_str(&text, "WHEN Account THEN Name ");
    buf_str(&text, "END FROM Task");
    CHECK_CONTAINS(answer(f, buf_text(&text)), "more than 55 parent relationships");
    buf_free(&text);
}
