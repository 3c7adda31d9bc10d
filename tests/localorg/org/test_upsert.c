/* test_upsert.c - one call that creates or changes, by key. */
#include "fixture.h"

#include <string.h>

static void before(void)
{
    given_org();
    given_field("Account", "{\"name\":\"Key__c\",\"label\":\"The Key\",\"type\":\"string\","
                           "\"externalId\":true,\"unique\":true}");
    given_field("Account", "{\"name\":\"Loose__c\",\"label\":\"Loose Key\",\"type\":\"string\","
                           "\"externalId\":true}");
    given_field("Account", "{\"name\":\"Number__c\",\"type\":\"double\",\"externalId\":true}");
}

EACH_TEST(before, org_gone)

TEST(upsert, creates_then_changes)
{
    struct dml_result *first = upserted("Account", "Key__c", "k1", "{\"Name\":\"A\"}");
    CHECK_OUTCOME(first, "done");
    CHECK(first->created);
    CHECK_STR(stored("Account", first->id, "Key__c"), "k1");
    struct dml_result *second = upserted("Account", "Key__c", "K1", "{\"Name\":\"B\"}");
    CHECK_OUTCOME(second, "done");
    CHECK(!second->created);
    CHECK_STR(second->id, first->id);
    CHECK_STR(stored("Account", first->id, "Name"), "B");
    CHECK_STR(stored("Account", first->id, "Key__c"), "k1");
    CHECK_OUTCOME(upserted("Account", "Key__c", "k2", "{\"Phone\":\"1\"}"),
                  "REQUIRED_FIELD_MISSING: Required fields are missing: [Name] [Name]");
}

TEST(upsert, reads_the_key_from_the_body)
{
    struct dml_result *results =
        upsert_all("Account", "Key__c",
                   "[{\"Name\":\"A\",\"Key__c\":\"a\"},{\"Name\":\"B\",\"key__C\":\"b\"},"
                   "{\"Name\":\"C\"}]");
    CHECK(results[0].created && results[1].created);
    CHECK_OUTCOME(&results[2], "MISSING_ARGUMENT: Key__c not specified [Key__c]");
    CHECK_OUTCOME(
        upserted("Account", "Key__c", "a", "{\"Key__c\":\"a\",\"Name\":\"X\"}"),
        "INVALID_FIELD: The Key__c field should not be specified in the sobject data. []");
}

TEST(upsert, tells_the_records_it_cannot_choose_from)
{
    const char *one = given("Account", "{\"Name\":\"A\",\"Loose__c\":\"x\"}");
    const char *two = given("Account", "{\"Name\":\"B\",\"Loose__c\":\"X\"}");
    struct dml_result *result = upserted("Account", "Loose__c", "x", "{\"Name\":\"C\"}");
    CHECK_OUTCOME(result, arena_printf(arena,
                                       "DUPLICATE_EXTERNAL_ID: Loose Key: more than one record "
                                       "found for external id field: [%.15s, %.15s] [Loose__c]",
                                       one, two));
    CHECK_INT(result->several_count, 2);
    CHECK_STR(result->several[0], one);
    CHECK_STR(result->several[1], two);
    /* One of them in the bin is one no more. */
    CHECK_OUTCOME(deleted("Account", two), "done");
    CHECK_STR(upserted("Account", "Loose__c", "x", "{\"Name\":\"C\"}")->id, one);
}

TEST(upsert, refuses_rows_that_share_a_key)
{
    struct dml_result *results =
        upsert_all("Account", "Key__c",
                   "[{\"Name\":\"A\",\"Key__c\":\"a\"},{\"Name\":\"B\",\"Key__c\":\"b\"},"
                   "{\"Name\":\"C\",\"Key__c\":\"A\"}]");
    CHECK_OUTCOME(&results[0], "DUPLICATE_VALUE: Duplicate external id specified: a [Key__c]");
    CHECK_OUTCOME(&results[1], "done");
    CHECK_OUTCOME(&results[2], "DUPLICATE_VALUE: Duplicate external id specified: A [Key__c]");
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 1);
}

TEST(upsert, by_id_creates_without_one)
{
    struct dml_result *results = upsert_all("Account", "Id",
                                            "[{\"Name\":\"A\"},{\"Id\":\"\","
                                            "\"Name\":\"B\"}]");
    CHECK(results[0].created && results[1].created);
    const char *id = results[0].id;
    results = upsert_all("Account", "Id",
                         arena_printf(arena,
                                      "[{\"Id\":\"%s\",\"Name\":\"C\"},"
                                      "{\"Id\":\"nope\",\"Name\":\"D\"}]",
                                      id));
    CHECK_OUTCOME(&results[0], "done");
    CHECK(!results[0].created);
    CHECK_STR(stored("Account", id, "Name"), "C");
    CHECK_OUTCOME(&results[1], "MALFORMED_ID: Account ID: id value of incorrect type: nope [Id]");
}

TEST(upsert, finds_numbers_and_emails)
{
    struct dml_result *first = upserted("Account", "Number__c", "0116", "{\"Name\":\"A\"}");
    CHECK(first->created);
    CHECK_STR(upserted("Account", "Number__c", "116.0", "{\"Name\":\"B\"}")->id, first->id);
    const char *lead = given("Lead", "{\"LastName\":\"L\",\"Company\":\"C\",\"Email\":\"a@b.co\"}");
    CHECK_STR(upserted("Lead", "Email", "A@B.co", "{\"Title\":\"x\"}")->id, lead);
}

TEST(upsert, may_name_a_key_the_user_cannot_write)
{
    struct err err = {0};
    const char *id = given("Account", "{\"Name\":\"A\",\"Key__c\":\"k\"}");
    CHECK_OK(org_deny(org, admin, "Account", "Key__c", ORG_UPDATE, &err), &err);
    struct dml_result *results =
        upsert_all("Account", "Key__c", "[{\"Key__c\":\"k\",\"Name\":\"B\"}]");
    CHECK_OUTCOME(&results[0], "done");
    CHECK_STR(stored("Account", id, "Name"), "B");
}

TEST(upsert, needs_a_usable_key_and_may_be_told_not_to_create)
{
    CHECK_OUTCOME(upserted("Account", "Website", "x", "{\"Name\":\"A\"}"),
                  "INVALID_FIELD: Field name provided, Website does not match an External ID, "
                  "Salesforce Id, or indexed field for Account []");
    options.update_only = true;
    CHECK_OUTCOME(upserted("Account", "Key__c", "k9", "{\"Name\":\"A\"}"),
                  "NOT_FOUND: The requested resource does not exist []");
}
