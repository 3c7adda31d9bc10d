/* Aggregates and groups. */
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

#define ROW "{\"attributes\":{\"type\":\"AggregateResult\"},"

TEST(group, overall)
{
    CHECK_STR(
        answer(f, "SELECT COUNT(Id), COUNT(Amount), SUM(Amount) total, AVG(Amount), MIN(Amount), "
                  "MAX(CloseDate), COUNT_DISTINCT(StageName) FROM Opportunity"),
        ROW "\"expr0\":4,\"expr1\":3,\"total\":160.25,\"expr2\":53.416666666666664,\"expr3\":"
            "10.0,\"expr4\":\"2026-04-01\",\"expr5\":3}");
}

TEST(group, by_field_and_parent)
{
    CHECK_STR(answer(f,
                     "SELECT StageName, COUNT(Id) n FROM Opportunity GROUP BY StageName ORDER BY "
                     "COUNT(Id) DESC, StageName"),
              ROW "\"StageName\":\"Won\",\"n\":2}," ROW "\"StageName\":\"Lost\",\"n\":1}," ROW
                  "\"StageName\":\"Prospecting\",\"n\":1}");
    CHECK_STR(
        answer(f, "SELECT Account.Name, SUM(Amount) FROM Opportunity GROUP BY Account.Name ORDER "
                  "BY Account.Name"),
        ROW "\"Name\":null,\"expr0\":10.0}," ROW "\"Name\":\"Acme\",\"expr0\":150.25}," ROW
            "\"Name\":\"globex\",\"expr0\":null}");
}

TEST(group, having)
{
    CHECK_STR(
        answer(f, "SELECT AccountId FROM Opportunity GROUP BY AccountId HAVING COUNT(Id) > 1"),
        ROW "\"AccountId\":\"" ACME "\"}");
    CHECK_STR(
        values(f, "SELECT StageName FROM Opportunity GROUP BY StageName HAVING SUM(Amount) >= 50 "
                  "AND StageName LIKE 'P%'"),
        "Prospecting");
}

TEST(group, dates_by_part)
{
    CHECK_STR(
        answer(f, "SELECT CALENDAR_YEAR(CloseDate) y, CALENDAR_QUARTER(CloseDate), COUNT(Id) FROM "
                  "Opportunity WHERE CloseDate != null GROUP BY CALENDAR_YEAR(CloseDate), "
                  "CALENDAR_QUARTER(CloseDate) ORDER BY CALENDAR_YEAR(CloseDate), "
                  "CALENDAR_QUARTER(CloseDate)"),
        ROW "\"y\":2025,\"expr0\":4,\"expr1\":1}," ROW "\"y\":2026,\"expr0\":1,\"expr1\":1}," ROW
            "\"y\":2026,\"expr0\":2,\"expr1\":1}");
    CHECK_STR(answer(f,
                     "SELECT HOUR_IN_DAY(convertTimezone(CreatedDate)) h, DAY_ONLY(CreatedDate) d, "
                     "DAY_IN_WEEK(CreatedDate) w, WEEK_IN_YEAR(CreatedDate) k, COUNT(Id) FROM "
                     "Opportunity GROUP BY HOUR_IN_DAY(convertTimezone(CreatedDate)), "
                     "DAY_ONLY(CreatedDate), DAY_IN_WEEK(CreatedDate), WEEK_IN_YEAR(CreatedDate)"),
              ROW "\"h\":10,\"d\":\"2026-11-25\",\"w\":4,\"k\":47,\"expr0\":4}");
}

TEST(group, rollup)
{
    CHECK_STR(answer(f,
                     "SELECT IsWon, StageName, GROUPING(StageName) g, COUNT(Id) n FROM Opportunity "
                     "GROUP BY ROLLUP(IsWon, StageName)"),
              ROW "\"IsWon\":false,\"StageName\":\"Lost\",\"g\":0,\"n\":1}," ROW
                  "\"IsWon\":false,\"StageName\":\"Prospecting\",\"g\":0,\"n\":1}," ROW
                  "\"IsWon\":false,\"StageName\":null,\"g\":1,\"n\":2}," ROW
                  "\"IsWon\":true,\"StageName\":\"Won\",\"g\":0,\"n\":2}," ROW
                  "\"IsWon\":true,\"StageName\":null,\"g\":1,\"n\":2}," ROW
                  "\"IsWon\":null,\"StageName\":null,\"g\":1,\"n\":4}");
}

TEST(group, cube)
{
    CHECK_INT(total(f, "SELECT IsWon, StageName, COUNT(Id) FROM Opportunity GROUP BY CUBE(IsWon, "
                       "StageName)"),
              3 + 2 + 3 + 1);
    CHECK_STR(
        answer(f, "SELECT COUNT(Id) n FROM Opportunity GROUP BY CUBE(IsWon) HAVING COUNT(Id) > 2 "
                  "ORDER BY COUNT(Id)"),
        ROW "\"n\":4}");
}

TEST(group, smallest_picklist_value_is_the_first_in_setup)
{
    CHECK_STR(answer(f, "SELECT MIN(StageName), MAX(StageName) FROM Opportunity"),
              ROW "\"expr0\":\"Prospecting\",\"expr1\":\"Lost\"}");
}

TEST(group, refused)
{
    static const struct {
        const char *soql, *message;
    } cases[] = {
        {"SELECT Name, COUNT(Id) FROM Account", "Field must be grouped or aggregated: Name"},
        {"SELECT Name, Industry FROM Account GROUP BY Name",
         "Field must be grouped or aggregated: Industry"},
        {"SELECT COUNT(Id) FROM Account LIMIT 1",
         "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"},
        {"SELECT COUNT(Id) FROM Account GROUP BY Description",
         "can not be grouped in a query call"},
        {"SELECT SUM(Name) FROM Account", "field Name does not support aggregate operator SUM"},
        {"SELECT MAX(Active__c) FROM Account",
         "field Active__c does not support aggregate operator"},
        {"SELECT Name n FROM Account", "only aggregate expressions use field aliasing"},
        {"SELECT COUNT() FROM Account ORDER BY Name",
         "Ordered field must be grouped or aggregated"},
        {"SELECT Name FROM Account GROUP BY Name ORDER BY Industry",
         "Ordered field must be grouped or aggregated: Industry"},
        {"SELECT COUNT(Id) a, SUM(AnnualRevenue) a FROM Account", "duplicate alias: a"},
        {"SELECT COUNT(Id), (SELECT Id FROM Contacts) FROM Account", "MALFORMED_QUERY"},
        {"SELECT (SELECT COUNT(Id) FROM Contacts) FROM Account",
         "only root queries support aggregate expressions"},
        {"SELECT Name FROM Account GROUP BY COUNT(Id)", "Grouped field should not be aggregated"},
        {"SELECT FOO(Name) FROM Account", "MALFORMED_QUERY"},
        {"SELECT CALENDAR_YEAR(Name) FROM Account GROUP BY CALENDAR_YEAR(Name)", "MALFORMED_QUERY"},
        {"SELECT COUNT(), Name FROM Account", "MALFORMED_QUERY"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_CONTAINS(answer(f, cases[i].soql), cases[i].message);
}
