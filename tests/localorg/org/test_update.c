/* test_update.c - changing records: which one is meant, what may change, what
 * moves by itself. */
#include "fixture.h"

#include <string.h>

EACH_TEST(given_org, org_gone)

TEST(update, changes_what_was_sent_and_nothing_else)
{
    const char *id =
        given("Account", "{\"Name\":\"Acme\",\"Phone\":\"1\",\"Website\":\"a.example\"}");
    CHECK_OUTCOME(updated("Account", id, "{\"phone\":\"2\",\"Website\":\"\"}"), "done");
    CHECK_STR(stored("Account", id, "Name"), "Acme");
    CHECK_STR(stored("Account", id, "Phone"), "2");
    CHECK_STR(stored("Account", id, "Website"), NULL);
}

TEST(update, moves_its_stamps_even_when_nothing_changed)
{
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    org_clock_shift(org, 60000);
    CHECK_OUTCOME(updated("Account", id, "{\"Name\":\"Acme\"}"), "done");
    CHECK_STR(stored("Account", id, "CreatedDate"), "1795428672000");
    CHECK_STR(stored("Account", id, "LastModifiedDate"), "1795428732000");
    CHECK_STR(stored("Account", id, "SystemModstamp"), "1795428732000");
}

TEST(update, takes_short_ids_and_its_own_id_in_the_body)
{
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    char shorter[16] = "";
    memcpy(shorter, id, 15);
    struct dml_result *result = updated("Account", shorter, "{\"Name\":\"Acme 2\"}");
    CHECK_OUTCOME(result, "done");
    CHECK_STR(result->id, id);
    CHECK(!result->created);
    const char *body = arena_printf(arena,
                                    "[{\"attributes\":{\"type\":\"Account\"},\"Id\":\"%s\","
                                    "\"Name\":\"Acme 3\"}]",
                                    id);
    CHECK_OUTCOME(&update_all("Account", body)[0], "done");
    CHECK_STR(stored("Account", id, "Name"), "Acme 3");
    CHECK_OUTCOME(updated("Account", id, "{\"Id\":\"001000000000001\"}"),
                  "INVALID_FIELD: The Id field should not be specified in the sobject data. []");
}

TEST(update, refuses_ids_of_something_else)
{
    const char *contact = given("Contact", "{\"LastName\":\"Lee\"}");
    CHECK_OUTCOME(updated("Account", "001D000000IqhSLXXX", "{}"),
                  "MALFORMED_ID: Account ID: id value of incorrect type: 001D000000IqhSLXXX [Id]");
    CHECK_OUTCOME(updated("Account", contact, "{}"),
                  arena_printf(arena,
                               "MALFORMED_ID: Account ID: id value of incorrect type: %s [Id]",
                               contact));
    CHECK_OUTCOME(updated("Account", "001D000000IqhSL", "{}"),
                  "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id []");
    CHECK_OUTCOME(&update_all("Account", "[{\"Name\":\"A\"}]")[0],
                  "MISSING_ARGUMENT: Id not specified in an update call [Id]");
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    CHECK_OUTCOME(deleted("Account", account), "done");
    CHECK_OUTCOME(updated("Account", account, "{\"Name\":\"A\"}"),
                  "ENTITY_IS_DELETED: entity is deleted []");
}

TEST(update, refuses_to_empty_what_is_required)
{
    const char *id = given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"Acme\"}");
    CHECK_OUTCOME(updated("Lead", id, "{\"Company\":\"\"}"),
                  "REQUIRED_FIELD_MISSING: Required fields are missing: [Company] [Company]");
    CHECK_STR(stored("Lead", id, "Company"), "Acme");
}

TEST(update, composes_the_name_anew)
{
    const char *id = given("Contact", "{\"FirstName\":\"Ann\",\"LastName\":\"Lee\"}");
    CHECK_OUTCOME(updated("Contact", id, "{\"LastName\":\"Ray\"}"), "done");
    CHECK_STR(stored("Contact", id, "Name"), "Ann Ray");
    CHECK_OUTCOME(updated("Contact", id, "{\"FirstName\":null}"), "done");
    CHECK_STR(stored("Contact", id, "Name"), "Ray");
}

TEST(update, refuses_converted_leads)
{
    options.system = true;
    const char *id =
        given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"Acme\",\"IsConverted\":true}");
    options.system = false;
    CHECK_OUTCOME(updated("Lead", id, "{\"Title\":\"x\"}"),
                  "CANNOT_UPDATE_CONVERTED_LEAD: cannot reference converted lead []");
}

TEST(update, keeps_its_own_unique_value)
{
    given_field("Account", "{\"name\":\"Key__c\",\"type\":\"string\",\"unique\":true}");
    const char *one = given("Account", "{\"Name\":\"A\",\"Key__c\":\"1\"}");
    const char *two = given("Account", "{\"Name\":\"B\",\"Key__c\":\"2\"}");
    CHECK_OUTCOME(updated("Account", one, "{\"Key__c\":\"1\"}"), "done");
    CHECK_OUTCOME(updated("Account", two, "{\"Key__c\":\"1\"}"),
                  arena_printf(arena,
                               "DUPLICATE_VALUE: duplicate value found: Key__c duplicates value on "
                               "record with id: %.15s []",
                               one));
}

TEST(update, rolls_back_and_says_whose_row_it_was)
{
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    options.all_or_none = true;
    struct dml_result *results =
        update_all("Account", arena_printf(arena,
                                           "[{\"Id\":\"%s\",\"Name\":\"New\"},"
                                           "{\"Id\":\"001D000000IqhSL\",\"Name\":\"X\"}]",
                                           id));
    CHECK_CONTAINS(outcome(&results[0]), "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    CHECK_STR(results[0].id, id); /* a rolled back update keeps its id */
    CHECK_CONTAINS(outcome(&results[1]), "INVALID_CROSS_REFERENCE_KEY");
    CHECK_STR(stored("Account", id, "Name"), "Acme");
}

TEST(update, meets_locked_rows_as_often_as_told)
{
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    struct org_row_lock lock = {.times = 2};
    memcpy(lock.id, id, 19);
    org_lock_row(org, &lock);
    const char *other = given("Account", "{\"Name\":\"Not locked\"}");
    CHECK_OUTCOME(updated("Account", other, "{\"Name\":\"Still not\"}"), "done");
    const char *locked = arena_printf(arena,
                                      "UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to "
                                      "this record or 1 records: %.15s []",
                                      id);
    CHECK_OUTCOME(updated("Account", id, "{\"Name\":\"B\"}"), locked);
    /* A child needs the parent's row too. */
    CHECK_OUTCOME(
        inserted("Contact", arena_printf(arena, "{\"LastName\":\"L\",\"AccountId\":\"%s\"}", id)),
        locked);
    CHECK_OUTCOME(updated("Account", id, "{\"Name\":\"C\"}"), "done");
}

TEST(update, needs_access)
{
    struct err err = {0};
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    CHECK_OK(org_deny(org, admin, "Account", NULL, ORG_UPDATE | ORG_DELETE, &err), &err);
    CHECK_OUTCOME(updated("Account", id, "{\"Name\":\"B\"}"),
                  "INSUFFICIENT_ACCESS_OR_READONLY: insufficient access rights on object id []");
    CHECK_OUTCOME(deleted("Account", id),
                  "INSUFFICIENT_ACCESS_OR_READONLY: insufficient access rights on object id []");
}

TEST(update, of_one_record_twice_in_a_call_is_done_in_order)
{
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    struct dml_result *results = update_all(
        "Account",
        arena_printf(arena, "[{\"Id\":\"%s\",\"Name\":\"B\"},{\"Id\":\"%s\",\"Name\":\"C\"}]", id,
                     id));
    CHECK(results[0].success && results[1].success);
    CHECK_STR(stored("Account", id, "Name"), "C");
}
