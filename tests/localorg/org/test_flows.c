/* test_flows.c - flows, assignment rules and validation by formula: what an org
 * does by itself. Guards flows.c, conditions.c and rules.c of src/localorg/org. */
#include "fixture.h"

#include "base/str.h"
#include "localorg/org/events.h"
#include "localorg/soql/soql.h"

#include <string.h>

static void before(void)
{
    given_org();
    org_set_soql(org, soql_compile);
}

EACH_TEST(before, org_gone)

static struct err err;

static const char *refused_rule(const char *rule)
{
    err_clear(&err);
    CHECK(org_put_rule(org, parsed(rule), &err) == FAIL);
    return err.message;
}

TEST(flows, before_save_sets_fields_in_the_same_breath)
{
    CHECK_OK(org_select_member(org, STANDARD_CHANNEL, "AccountChangeEvent", NULL, &err), &err);
    given_rule("{\"name\":\"Shout\",\"object\":\"Account\",\"flow\":\"before_save\",\"formula\":"
               "\"ISBLANK(Site)\",\"set\":{\"Site\":{\"formula\":\"UPPER(Name) & '!'\"},\"Rating\":"
               "\"Hot\",\"AnnualRevenue\":{\"formula\":\"NumberOfEmployees * 2\"}}}");
    const char *id = given("Account", "{\"Name\":\"Acme\",\"NumberOfEmployees\":4}");
    CHECK_STR(stored("Account", id, "Site"), "ACME!");
    CHECK_STR(stored("Account", id, "Rating"), "Hot");
    CHECK_STR(stored("Account", id, "AnnualRevenue"), "8");
    CHECK_INT(counted("SELECT COUNT(*) FROM localorg_event"), 1);
    CHECK_OUTCOME(updated("Account", id, "{\"Rating\":\"Cold\"}"), "done"); /* Site is there now */
    CHECK_STR(stored("Account", id, "Rating"), "Cold");
}

TEST(flows, what_a_flow_sets_has_its_usual_consequences)
{
    given_rule("{\"name\":\"Win\",\"object\":\"Opportunity\",\"flow\":\"before_save\",\"on\":"
               "[\"update\"],\"when\":\"Amount > 100\",\"set\":{\"StageName\":\"Closed Won\"}}");
    const char *id =
        given("Opportunity", "{\"Name\":\"o\",\"StageName\":\"Prospecting\",\"CloseDate"
                             "\":\"2026-12-01\",\"Amount\":500}");
    CHECK_STR(stored("Opportunity", id, "IsWon"), "0"); /* only on update */
    CHECK_OUTCOME(updated("Opportunity", id, "{\"Description\":\"x\"}"), "done");
    CHECK_STR(stored("Opportunity", id, "IsWon"), "1");
    CHECK_STR(stored("Opportunity", id, "Probability"), "100");
    given_rule("{\"name\":\"Bad\",\"object\":\"Contact\",\"flow\":\"before_save\",\"set\":{"
               "\"LastName\":{\"formula\":\"IF(ISBLANK(Phone), '', LastName)\"}}}");
    CHECK_OUTCOME(inserted("Contact", "{\"LastName\":\"Lee\"}"),
                  "REQUIRED_FIELD_MISSING: Required fields are missing: [LastName] [LastName]");
    CHECK_INT(counted("SELECT COUNT(*) FROM Contact"), 0);
}

TEST(flows, after_save_reaches_parents_and_children)
{
    given_rule("{\"name\":\"Up\",\"object\":\"Contact\",\"flow\":\"after_save\",\"target\":"
               "\"Account\",\"set\":{\"Site\":{\"formula\":\"'last: ' & LastName\"}}}");
    given_rule(
        "{\"name\":\"Down\",\"object\":\"Account\",\"flow\":\"after_save\",\"on\":[\"update\"],"
        "\"formula\":\"ISCHANGED(Phone)\",\"target\":\"Contacts\",\"set\":{\"Phone\":{"
        "\"formula\":\"Phone\"}}}");
    const char *account = given("Account", "{\"Name\":\"Acme\",\"Phone\":\"1\"}");
    const char *contact = given(
        "Contact", arena_printf(arena, "{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", account));
    CHECK_STR(stored("Account", account, "Site"), "last: Lee");
    CHECK_STR(stored("Contact", contact, "Phone"), NULL);
    CHECK_OUTCOME(updated("Account", account, "{\"Phone\":\"1\"}"), "done"); /* not changed */
    CHECK_STR(stored("Contact", contact, "Phone"), NULL);
    CHECK_OUTCOME(updated("Account", account, "{\"Phone\":\"42\"}"), "done");
    CHECK_STR(stored("Contact", contact, "Phone"), "42");
}

TEST(flows, one_that_fails_refuses_the_record_that_started_it)
{
    given_rule("{\"name\":\"No long sites\",\"object\":\"Account\",\"when\":\"Site LIKE 'last%'\","
               "\"message\":\"not such a site\"}");
    given_rule("{\"name\":\"Up\",\"object\":\"Contact\",\"flow\":\"after_save\",\"target\":"
               "\"Account\",\"set\":{\"Site\":\"last one\"}}");
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    CHECK_OUTCOME(inserted("Contact", arena_printf(arena,
                                                   "{\"LastName\":\"Lee\",\"AccountId\":"
                                                   "\"%s\"}",
                                                   account)),
                  "CANNOT_EXECUTE_FLOW_TRIGGER: We can't save this record because the "
                  "\xe2\x80\x9cUp\xe2\x80\x9d process failed. Give your Salesforce admin these "
                  "details. not such a site []");
    CHECK_INT(counted("SELECT COUNT(*) FROM Contact"), 0);
    given_rule("{\"name\":\"Loop\",\"object\":\"Lead\",\"flow\":\"after_save\",\"set\":{"
               "\"Description\":{\"formula\":\"Description & 'x'\"}}}");
    CHECK_CONTAINS(outcome(inserted("Lead", "{\"LastName\":\"L\",\"Company\":\"C\"}")),
                   "Maximum stack depth has been reached.");
}

TEST(flows, a_custom_error_refuses_saving_and_deleting)
{
    given_rule("{\"name\":\"Keep\",\"object\":\"Account\",\"flow\":\"before_save\",\"on\":"
               "[\"delete\"],\"when\":\"Rating = 'Hot'\",\"error\":\"Hot accounts stay.\"}");
    given_rule("{\"name\":\"No\",\"object\":\"Account\",\"flow\":\"after_save\",\"on\":"
               "[\"update\"],\"formula\":\"Site = 'moon'\",\"error\":\"No moons.\",\"error_field\":"
               "\"Site\"}");
    const char *hot = given("Account", "{\"Name\":\"Hot\",\"Rating\":\"Hot\"}");
    const char *cold = given("Account", "{\"Name\":\"Cold\",\"Site\":\"moon\"}");
    CHECK_OUTCOME(deleted("Account", hot),
                  "FIELD_CUSTOM_VALIDATION_EXCEPTION: Hot accounts stay. []");
    CHECK_OUTCOME(updated("Account", cold, "{\"Name\":\"x\"}"),
                  "FIELD_CUSTOM_VALIDATION_EXCEPTION: No moons. [Site]");
    CHECK_OUTCOME(deleted("Account", cold), "done");
    CHECK_OUTCOME(updated("Account", hot, "{\"Rating\":\"Cold\"}"), "done");
    CHECK_OUTCOME(deleted("Account", hot), "done");
    CHECK_CONTAINS(refused_rule("{\"name\":\"x\",\"object\":\"Account\",\"flow\":\"before_save\","
                                "\"on\":[\"delete\"],\"set\":{\"Site\":\"y\"}}"),
                   "can refuse with \"error\"");
    CHECK_CONTAINS(refused_rule("{\"name\":\"x\",\"object\":\"Account\",\"flow\":\"before_save\","
                                "\"error\":\"e\",\"set\":{\"Site\":\"y\"}}"),
                   "not both");
}

TEST(flows, validation_by_formula_knows_what_was_before)
{
    given_rule(
        "{\"name\":\"Down\",\"object\":\"Account\",\"formula\":\"ISCHANGED(AnnualRevenue) && "
        "AnnualRevenue < PRIORVALUE(AnnualRevenue)\",\"message\":\"only up\",\"field\":"
        "\"AnnualRevenue\"}");
    given_rule("{\"name\":\"New\",\"object\":\"Account\",\"formula\":\"ISNEW() && ISBLANK(Phone)\","
               "\"message\":\"a phone, please\"}");
    CHECK_OUTCOME(inserted("Account", "{\"Name\":\"A\"}"),
                  "FIELD_CUSTOM_VALIDATION_EXCEPTION: a phone, please []");
    const char *id = given("Account", "{\"Name\":\"A\",\"Phone\":\"1\",\"AnnualRevenue\":10}");
    CHECK_OUTCOME(updated("Account", id, "{\"Phone\":null,\"AnnualRevenue\":20}"), "done");
    CHECK_OUTCOME(updated("Account", id, "{\"AnnualRevenue\":15}"),
                  "FIELD_CUSTOM_VALIDATION_EXCEPTION: only up [AnnualRevenue]");
    CHECK_STR(stored("Account", id, "AnnualRevenue"), "20");
}

TEST(flows, assignment_gives_leads_an_owner_when_asked)
{
    struct org_user bob = {.username = "bob@example.com",
                           .name = "Bob",
                           .email = "b@example.com",
                           .timezone = "GMT",
                           .active = true};
    CHECK(org_write_begin(org) != NULL);
    CHECK_OK(org_next_id(org, object_of("User"), bob.id, &err), &err);
    CHECK_OK(org_write_end(org, true, &err), &err);
    CHECK_OK(org_put_user(org, &bob, &err), &err);
    given_rule(
        "{\"name\":\"Standard\",\"object\":\"Lead\",\"assignment\":[{\"when\":\"State = 'CA'\","
        "\"owner\":\"bob@example.com\"},{\"formula\":\"ISPICKVAL(Rating, 'Hot')\",\"owner\":"
        "\"ann@example.com\"}]}");
    const char *lead = given("Lead", "{\"LastName\":\"L\",\"Company\":\"C\",\"State\":\"CA\"}");
    CHECK_STR(stored("Lead", lead, "OwnerId"), admin); /* nobody asked */
    options.assignment = "";
    lead = given("Lead", "{\"LastName\":\"L\",\"Company\":\"C\",\"State\":\"CA\"}");
    CHECK_STR(stored("Lead", lead, "OwnerId"), bob.id);
    lead = given("Lead", "{\"LastName\":\"L\",\"Company\":\"C\",\"State\":\"NY\"}");
    CHECK_STR(stored("Lead", lead, "OwnerId"), admin);
    options.assignment = "01Q000000000001AAA"; /* another rule */
    lead = given("Lead", "{\"LastName\":\"L\",\"Company\":\"C\",\"State\":\"CA\"}");
    CHECK_STR(stored("Lead", lead, "OwnerId"), admin);
}

TEST(flows, mistakes_are_told_when_the_rule_is_put)
{
    CHECK_CONTAINS(
        refused_rule("{\"name\":\"x\",\"object\":\"Account\",\"flow\":\"sometime\",\"set\":{"
                     "\"Site\":\"y\"}}"),
        "before_save or after_save");
    CHECK_CONTAINS(refused_rule("{\"name\":\"x\",\"object\":\"Account\",\"flow\":\"before_save\"}"),
                   "sets nothing");
    CHECK_CONTAINS(refused_rule("{\"name\":\"x\",\"object\":\"Account\",\"flow\":\"before_save\","
                                "\"set\":{\"Nope\":1}}"),
                   "no field Nope to set");
    CHECK_CONTAINS(refused_rule("{\"name\":\"x\",\"object\":\"Account\",\"flow\":\"before_save\","
                                "\"set\":{\"Site\":{\"formula\":\"NOPE()\"}}}"),
                   "Unknown function NOPE");
    CHECK_CONTAINS(refused_rule("{\"name\":\"x\",\"object\":\"Account\",\"flow\":\"after_save\","
                                "\"target\":\"Nobody\",\"set\":{\"Site\":1}}"),
                   "no relationship Nobody");
    CHECK_CONTAINS(refused_rule("{\"name\":\"x\",\"object\":\"Account\",\"assignment\":[]}"),
                   "for Lead and Case");
    CHECK_CONTAINS(refused_rule("{\"name\":\"x\",\"object\":\"Lead\",\"assignment\":[{\"owner\":"
                                "\"nobody\"}]}"),
                   "nobody is called nobody");
    CHECK_CONTAINS(refused_rule("{\"name\":\"x\",\"object\":\"Account\",\"formula\":\"Name\"}"),
                   "not a Boolean");
}

TEST(flows, loading_starts_none)
{
    given_rule(
        "{\"name\":\"Shout\",\"object\":\"Account\",\"flow\":\"before_save\",\"set\":{\"Site\":"
        "\"x\"}}");
    options.system = true;
    CHECK_STR(stored("Account", given("Account", "{\"Name\":\"Acme\"}"), "Site"), NULL);
}
