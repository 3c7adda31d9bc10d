/* test_rules_soql.c - validation rules in SOQL, compiled for real. */
#include "fixture.h"

#include "localorg/soql/soql.h"

static void before(void)
{
    given_org();
    org_set_soql(org, soql_compile);
}

EACH_TEST(before, org_gone)

TEST(validation, speaks_soql)
{
    given_rule(
        "{\"name\":\"Past\",\"object\":\"Opportunity\",\"when\":\"CloseDate < TODAY AND "
        "IsClosed = false\",\"message\":\"The close date is over.\",\"field\":\"CloseDate\"}");
    const char *late =
        "{\"Name\":\"A\",\"StageName\":\"Prospecting\",\"CloseDate\":\"2026-11-01\"}";
    CHECK_OUTCOME(inserted("Opportunity", late),
                  "FIELD_CUSTOM_VALIDATION_EXCEPTION: The close date is over. [CloseDate]");
    given("Opportunity",
          "{\"Name\":\"A\",\"StageName\":\"Closed Won\",\"CloseDate\":\"2026-11-01\"}");
    given("Opportunity",
          "{\"Name\":\"A\",\"StageName\":\"Prospecting\",\"CloseDate\":\"2026-12-01\"}");
    org_clock_shift(org, -60 * 86400000ll); /* what was past is to come */
    given("Opportunity", late);
}

TEST(validation, looks_through_lookups)
{
    given_rule("{\"name\":\"Frozen\",\"object\":\"Contact\",\"when\":\"Account.Name = 'Frozen' OR "
               "(Title = null AND Email != null)\",\"message\":\"no\"}");
    const char *frozen = given("Account", "{\"Name\":\"FROZEN\"}");
    CHECK_OUTCOME(
        inserted("Contact",
                 arena_printf(arena, "{\"LastName\":\"L\",\"AccountId\":\"%s\"}", frozen)),
        "FIELD_CUSTOM_VALIDATION_EXCEPTION: no []");
    CHECK(!inserted("Contact", "{\"LastName\":\"L\",\"Email\":\"a@b.co\"}")->success);
    given("Contact", "{\"LastName\":\"L\"}");
}
