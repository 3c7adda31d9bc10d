/* test_takeback.c - objects and fields that go away, and those a rollback takes
 * back. Guards src/localorg/org/org_schema.c. */
#include "fixture.h"

#include "base/str.h"

#include <string.h>

EACH_TEST(given_org, org_gone)

static struct err err;

static bool has_field(const char *object, const char *field)
{
    const struct sobject *found = schema_find(org_schema(org), object);
    return found && sobject_field(found, field);
}

static bool has_child(const char *object, const char *child)
{
    const struct sobject *found = object_of(object);
    for (size_t i = 0; i < found->child_count; i++)
        if (text_eq(found->children[i].child_sobject, child))
            return true;
    return false;
}

#define GADGET                                                                                     \
    "{\"name\":\"Gadget__c\",\"fields\":[{\"name\":\"Owner__c\",\"type\":\"reference\","           \
    "\"referenceTo\":[\"Contact\"]}]}"

TEST(takeback, a_dropped_field_is_gone_with_its_values)
{
    given_field("Account", "{\"name\":\"Key__c\",\"type\":\"string\",\"length\":20}");
    given_field("Account", "{\"name\":\"Boss__c\",\"type\":\"reference\",\"referenceTo\":"
                           "[\"Contact\"]}");
    const char *id = given("Account", "{\"Name\":\"Acme\",\"Key__c\":\"k\"}");
    CHECK_OK(org_drop_field(org, "Account", "Key__c", &err), &err);
    CHECK(!has_field("Account", "Key__c") && has_field("Account", "Boss__c"));
    CHECK_OUTCOME(updated("Account", id, "{\"Key__c\":\"x\"}"),
                  "INVALID_FIELD: No such column 'Key__c' on sobject of type Account []");
    given_field("Account", "{\"name\":\"Key__c\",\"type\":\"string\",\"length\":20}");
    CHECK_STR(stored("Account", id, "Key__c"), NULL);
    CHECK_OK(org_drop_field(org, "Account", "Boss__c", &err), &err);
    CHECK_FAIL(org_drop_field(org, "Account", "Boss__c", &err), &err, ERR_NOT_FOUND);
    CHECK_FAIL(org_drop_field(org, "Account", "Phone", &err), &err, ERR_INVALID);
    CHECK_OUTCOME(updated("Account", id, "{\"Phone\":\"1\"}"), "done");
}

TEST(takeback, an_object_goes_with_its_records_and_may_come_again)
{
    given_object(GADGET);
    CHECK(has_child("Contact", "Gadget__c"));
    const char *old = given("Gadget__c", "{\"Name\":\"g\"}");
    CHECK_OK(org_drop_object(org, "Gadget__c", &err), &err);
    CHECK(schema_find(org_schema(org), "Gadget__c") == NULL);
    CHECK(schema_by_prefix(org_schema(org), old) == NULL);
    CHECK(!has_child("Contact", "Gadget__c"));
    CHECK_FAIL(org_drop_object(org, "Gadget__c", &err), &err, ERR_NOT_FOUND);
    CHECK_FAIL(org_drop_object(org, "Account", &err), &err, ERR_INVALID);
    given("Contact", "{\"LastName\":\"Lee\"}");
    given_object(GADGET);
    given_object("{\"name\":\"Widget__c\"}");
    given("Gadget__c", "{\"Name\":\"again\"}");
    given("Widget__c", "{\"Name\":\"w\"}");
    CHECK_INT(counted("SELECT COUNT(*) FROM Gadget__c"), 1);
}

TEST(takeback, a_rollback_takes_new_objects_and_fields_back)
{
    CHECK(org_write_begin(org) != NULL);
    given_object(GADGET);
    given_field("Account", "{\"name\":\"Key__c\",\"type\":\"string\",\"length\":20}");
    given_field("Contact", "{\"name\":\"Phone\",\"type\":\"string\",\"length\":1}");
    given("Gadget__c", "{\"Name\":\"g\"}");
    CHECK_OK(org_write_end(org, false, &err), &err);
    CHECK(schema_find(org_schema(org), "Gadget__c") == NULL);
    CHECK(!has_field("Account", "Key__c"));
    CHECK(!has_child("Contact", "Gadget__c"));
    CHECK_INT(sobject_field(object_of("Contact"), "Phone")->length, 40);
    given("Account", "{\"Name\":\"Acme\"}");
    CHECK_INT(counted("SELECT COUNT(*) FROM pragma_table_info('Account') WHERE name = 'Key__c'"), 0);
}

TEST(takeback, an_inner_step_that_fails_leaves_the_outer_ones)
{
    CHECK(org_write_begin(org) != NULL);
    given_field("Account", "{\"name\":\"Kept__c\",\"type\":\"string\",\"length\":20}");
    CHECK(org_write_begin(org) != NULL);
    given_field("Account", "{\"name\":\"Lost__c\",\"type\":\"string\",\"length\":20}");
    given_object(GADGET);
    CHECK_OK(org_write_end(org, false, &err), &err);
    CHECK(has_field("Account", "Kept__c") && !has_field("Account", "Lost__c"));
    CHECK_OK(org_write_end(org, true, &err), &err);
    CHECK(has_field("Account", "Kept__c") && !has_field("Account", "Lost__c"));
    CHECK_OUTCOME(inserted("Account", "{\"Name\":\"Acme\",\"Kept__c\":\"k\"}"), "done");
}

TEST(takeback, what_was_dropped_comes_back_with_a_rollback)
{
    given_object(GADGET);
    given_field("Account", "{\"name\":\"Key__c\",\"type\":\"string\",\"length\":20}");
    const char *gadget = given("Gadget__c", "{\"Name\":\"g\"}");
    const char *account = given("Account", "{\"Name\":\"Acme\",\"Key__c\":\"k\"}");
    CHECK(org_write_begin(org) != NULL);
    CHECK_OK(org_drop_object(org, "Gadget__c", &err), &err);
    CHECK_OK(org_drop_field(org, "Account", "Key__c", &err), &err);
    CHECK_OK(org_write_end(org, false, &err), &err);
    CHECK_STR(stored("Account", account, "Key__c"), "k");
    CHECK(has_field("Account", "Key__c") && has_child("Contact", "Gadget__c"));
    CHECK_OUTCOME(updated("Gadget__c", gadget, "{\"Name\":\"still there\"}"), "done");
}
