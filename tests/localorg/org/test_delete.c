/* test_delete.c - into the recycle bin with the family, and back. */
#include "fixture.h"

#include <string.h>

EACH_TEST(given_org, org_gone)

static const char *contact_of(const char *account)
{
    return given("Contact",
                 arena_printf(arena, "{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", account));
}

TEST(delete, keeps_the_row_and_moves_its_stamps)
{
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    org_clock_shift(org, 5000);
    struct dml_result *result = deleted("Account", id);
    CHECK_OUTCOME(result, "done");
    CHECK_STR(result->id, id);
    CHECK_STR(stored("Account", id, "IsDeleted"), "1");
    CHECK_STR(stored("Account", id, "SystemModstamp"), "1795428677000");
    CHECK_OUTCOME(deleted("Account", id), "ENTITY_IS_DELETED: entity is deleted []");
}

TEST(delete, refuses_ids_that_are_none)
{
    CHECK_OUTCOME(deleted("Account", "001xx"), "MALFORMED_ID: malformed id 001xx []");
    CHECK_OUTCOME(deleted("Account", "003D000000IqhSL"),
                  "MALFORMED_ID: malformed id 003D000000IqhSL []");
    CHECK_OUTCOME(deleted("Account", "001D000000IqhSL"),
                  "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id []");
}

TEST(delete, takes_the_family_along_and_brings_it_back)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *branch =
        given("Account", arena_printf(arena, "{\"Name\":\"Branch\",\"ParentId\":\"%s\"}", account));
    const char *contact = contact_of(account);
    const char *task =
        given("Task", arena_printf(arena, "{\"Subject\":\"Call\",\"WhoId\":\"%s\"}", contact));
    CHECK_OUTCOME(deleted("Account", account), "done");
    CHECK_STR(stored("Contact", contact, "IsDeleted"), "1");
    CHECK_STR(stored("Task", task, "IsDeleted"), "1");
    CHECK_STR(stored("Account", branch, "IsDeleted"), "0");
    CHECK_STR(stored("Account", branch, "ParentId"), NULL);
    CHECK_OUTCOME(undeleted("Account", account), "done");
    CHECK_STR(stored("Contact", contact, "IsDeleted"), "0");
    CHECK_STR(stored("Task", task, "IsDeleted"), "0");
    CHECK_STR(stored("Account", branch, "ParentId"), account);
    CHECK_INT(counted("SELECT COUNT(*) FROM localorg_bin"), 0);
}

TEST(delete, undelete_leaves_alone_what_went_before_or_found_a_new_parent)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *other = given("Account", "{\"Name\":\"Other\"}");
    const char *branch =
        given("Account", arena_printf(arena, "{\"Name\":\"Branch\",\"ParentId\":\"%s\"}", account));
    const char *gone = contact_of(account);
    CHECK_OUTCOME(deleted("Contact", gone), "done");
    CHECK_OUTCOME(deleted("Account", account), "done");
    CHECK_OUTCOME(updated("Account", branch, arena_printf(arena, "{\"ParentId\":\"%s\"}", other)),
                  "done");
    CHECK_OUTCOME(undeleted("Account", account), "done");
    CHECK_STR(stored("Contact", gone, "IsDeleted"), "1");
    CHECK_STR(stored("Account", branch, "ParentId"), other);
    CHECK_OUTCOME(undeleted("Account", account),
                  "UNDELETE_FAILED: Entity is not in the recycle bin []");
}

TEST(delete, is_refused_while_cases_hold_on)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *contact = contact_of(account);
    const char *held = given("Case", arena_printf(arena, "{\"AccountId\":\"%s\"}", account));
    CHECK_OUTCOME(deleted("Account", account),
                  "DELETE_FAILED: Your attempt to delete Acme could not be completed because it is "
                  "associated with the following cases.: 00000001 []");
    CHECK_STR(stored("Account", account, "IsDeleted"), "0");
    CHECK_STR(stored("Contact", contact, "IsDeleted"), "0"); /* nothing half done */
    CHECK_OUTCOME(deleted("Case", held), "done");
    CHECK_OUTCOME(deleted("Account", account), "done");
}

TEST(delete, undelete_checks_unique_values)
{
    given_field("Account", "{\"name\":\"Key__c\",\"type\":\"string\",\"unique\":true}");
    const char *first = given("Account", "{\"Name\":\"A\",\"Key__c\":\"1\"}");
    CHECK_OUTCOME(deleted("Account", first), "done");
    const char *second = given("Account", "{\"Name\":\"B\",\"Key__c\":\"1\"}");
    CHECK_OUTCOME(undeleted("Account", first),
                  arena_printf(arena,
                               "DUPLICATE_VALUE: duplicate value found: Key__c duplicates value on "
                               "record with id: %.15s []",
                               second));
}

TEST(delete, all_or_none)
{
    const char *one = given("Account", "{\"Name\":\"A\"}");
    struct dml_row list[] = {{.object = object_of("Account"), .id = one},
                             {.object = object_of("Account"), .id = "001xx"}};
    options.all_or_none = true;
    struct dml_result *results = rows(DML_DELETE, "Account", list, 2);
    CHECK_CONTAINS(outcome(&results[0]), "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    CHECK_STR(stored("Account", one, "IsDeleted"), "0");
    options.all_or_none = false;
    results = rows(DML_DELETE, "Account", list, 2);
    CHECK(results[0].success && !results[1].success);
}
