/* test_schema.c - describe JSON to a schema, and what it works out itself. */
#include "base/str.h"
#include "localorg/org/schema.h"
#include "support/check.h"

#include <string.h>

static struct schema *schema;
static struct arena *arena;

static void before(void)
{
    schema = schema_new();
    arena = arena_new();
}

static void after(void)
{
    schema_free(schema);
    arena_free(arena);
}

EACH_TEST(before, after)

static struct sobject *added(const char *describe)
{
    struct err err = {0};
    struct sobject *object = NULL;
    const struct json *json = json_parse(arena, describe, strlen(describe), &err);
    CHECK_GOT(json, &err);
    CHECK_OK(schema_add_describe(schema, json, &object, &err), &err);
    return object;
}

TEST(schema, keeps_what_a_describe_says)
{
    struct sobject *object = added(
        "{\"name\":\"Account\",\"label\":\"Account\",\"keyPrefix\":\"001\",\"createable\":true,"
        "\"fields\":[{\"name\":\"Name\",\"type\":\"string\",\"length\":255,\"label\":\"Account "
        "Name\","
        "\"createable\":true,\"updateable\":true,\"nameField\":true,\"sortable\":true},"
        "{\"name\":\"Rating\",\"type\":\"picklist\",\"nillable\":true,\"picklistValues\":["
        "{\"value\":\"Hot\",\"label\":\"Very hot\",\"active\":true,\"defaultValue\":true},"
        "{\"value\":\"Cold\",\"active\":false}]},"
        "{\"name\":\"Revenue\",\"type\":\"currency\",\"precision\":18,\"scale\":2}]}");
    struct field *name = sobject_field(object, "name");
    CHECK_STR(name->label, "Account Name");
    CHECK_INT(name->length, 255);
    CHECK_INT(name->byte_length, 765);
    CHECK(name == object->name_field);
    CHECK(field_required_on_create(name));
    struct field *rating = sobject_field(object, "RATING");
    CHECK_INT(rating->picklist_count, 2);
    CHECK_STR(rating->picklist[0].label, "Very hot");
    CHECK(rating->picklist[0].is_default && !rating->picklist[1].active);
    CHECK_STR(rating->picklist[1].label, "Cold");
    CHECK(!rating->createable); /* silence means false on standard fields */
    CHECK_INT(sobject_field(object, "Revenue")->scale, 2);
    CHECK_STR(field_soap_type(sobject_field(object, "Revenue")), "xsd:double");
    CHECK(schema_by_prefix(schema, "001xx0000000001") == object);
    CHECK(schema_find(schema, "aCCOUNT") == object);
    CHECK(schema_by_prefix(schema, "00") == NULL);
}

TEST(schema, fills_system_fields_unless_the_describe_is_whole)
{
    struct sobject *part = added("{\"name\":\"Thing\",\"fields\":[]}");
    const char *names[] = {"Id",
                           "IsDeleted",
                           "CreatedDate",
                           "CreatedById",
                           "SystemModstamp",
                           "LastModifiedDate",
                           "LastModifiedById"};
    CHECK_INT(part->field_count, 7);
    for (size_t i = 0; i < 7; i++)
        CHECK(sobject_field(part, names[i]) != NULL);
    CHECK(sobject_parent(part, "createdby", 9) == sobject_field(part, "CreatedById"));
    CHECK_STR(sobject_field(part, "Id")->label, "Thing ID");
    CHECK_STR(sobject_field(part, "IsDeleted")->label, "Deleted");
    CHECK(sobject_field(part, "Id")->id_lookup && !sobject_field(part, "CreatedById")->id_lookup);
    for (size_t i = 0; i < 7; i++)
        CHECK(!part->fields[i]->createable && !part->fields[i]->updateable);
    /* User has no IsDeleted, and says so by being complete. */
    struct sobject *whole =
        added("{\"name\":\"User\",\"fields\":[{\"name\":\"Id\",\"type\":\"id\"},"
              "{\"name\":\"SystemModstamp\",\"type\":\"datetime\"}]}");
    CHECK_INT(whole->field_count, 2);
    CHECK(sobject_field(whole, "IsDeleted") == NULL);
}

TEST(schema, gives_custom_objects_what_setup_gives)
{
    struct sobject *one = added("{\"name\":\"Line_Item__c\",\"fields\":["
                                "{\"name\":\"Weight__c\",\"type\":\"double\"},"
                                "{\"name\":\"Account__c\",\"type\":\"reference\","
                                "\"referenceTo\":[\"Account\"]},"
                                "{\"name\":\"Sum__c\",\"type\":\"double\",\"calculated\":true}]}");
    struct sobject *two = added("{\"name\":\"Other__c\"}");
    CHECK_STR(one->label, "Line Item");
    CHECK_STR(one->key_prefix, "a00");
    CHECK_STR(two->key_prefix, "a01");
    CHECK(one->createable && one->deletable && one->custom && !one->custom_setting);
    CHECK(sobject_field(one, "Name")->createable);
    CHECK(sobject_field(one, "OwnerId")->defaulted_on_create);
    struct field *weight = sobject_field(one, "Weight__c");
    CHECK(weight->createable && weight->nillable && weight->filterable && !weight->groupable);
    CHECK_INT(weight->precision, 18);
    CHECK(!sobject_field(one, "Sum__c")->createable);
    CHECK_STR(sobject_field(one, "Account__c")->relationship_name, "Account__r");
    CHECK(sobject_parent(one, "account__R", 10) == sobject_field(one, "Account__c"));
}

TEST(schema, keeps_compound_fields_out_of_the_table)
{
    struct sobject *object =
        added("{\"name\":\"Place__c\",\"fields\":[{\"name\":\"Where__c\",\"type\":\"location\"},"
              "{\"name\":\"Street__c\",\"type\":\"address\"},"
              "{\"name\":\"Notes__c\",\"type\":\"textarea\",\"length\":32768},"
              "{\"name\":\"Number__c\",\"type\":\"string\",\"autoNumber\":true},"
              "{\"name\":\"On__c\",\"type\":\"boolean\"}]}");
    const struct field *where = sobject_field(object, "Where__c");
    CHECK(!where->stored && !where->createable && !where->updateable && !where->sortable);
    CHECK(!sobject_field(object, "Street__c")->stored);
    const struct field *notes = sobject_field(object, "Notes__c");
    CHECK(notes->stored && notes->createable && !notes->filterable && !notes->groupable);
    CHECK(!sobject_field(object, "Number__c")->createable);
    const struct field *on = sobject_field(object, "On__c");
    CHECK(!on->nillable && on->defaulted_on_create && !on->aggregatable &&
          !field_required_on_create(on));
}

TEST(schema, knows_children_listed_or_not)
{
    /* The child comes first; the parent lists one relationship, the rest follow from lookups. */
    added("{\"name\":\"Line_Item__c\",\"labelPlural\":\"Line Items\",\"fields\":["
          "{\"name\":\"Account__c\",\"type\":\"reference\",\"referenceTo\":[\"Account\"],"
          "\"cascadeDelete\":true}]}");
    struct sobject *account = added(
        "{\"name\":\"Account\",\"childRelationships\":[{\"childSObject\":\"Contact\","
        "\"field\":\"AccountId\",\"relationshipName\":\"Contacts\",\"cascadeDelete\":true}]}");
    const struct child_relationship *lines = sobject_child(account, "line_items__r", 13);
    CHECK(lines != NULL && lines->cascade_delete);
    CHECK_STR(lines->field, "Account__c");
    added("{\"name\":\"Contact\",\"fields\":[{\"name\":\"AccountId\",\"type\":\"reference\","
          "\"referenceTo\":[\"Account\"],\"relationshipName\":\"Account\"}]}");
    CHECK(sobject_child(account, "Contacts", 8)->cascade_delete); /* not derived a second time */
    size_t contacts = 0;
    for (size_t i = 0; i < account->child_count; i++)
        contacts += text_eq(account->children[i].child_sobject, "Contact");
    CHECK_INT(contacts, 1);
}

TEST(schema, always_has_the_master_record_type)
{
    struct sobject *plain = added("{\"name\":\"Account\"}");
    CHECK_INT(plain->record_type_count, 1);
    CHECK_STR(plain->record_types[0].id18, "012000000000000AAA");
    CHECK(plain->record_types[0].is_default && plain->record_types[0].master);
    struct sobject *typed =
        added("{\"name\":\"Case\",\"recordTypeInfos\":[{\"recordTypeId\":\"012xx0000000001AAA\","
              "\"name\":\"Bug\",\"defaultRecordTypeMapping\":true}]}");
    CHECK_INT(typed->record_type_count, 2);
    CHECK(typed->record_types[0].is_default && !typed->record_types[1].is_default);
}

TEST(schema, replaces_without_moving)
{
    struct sobject *object =
        added("{\"name\":\"Thing__c\",\"fields\":[{\"name\":\"A__c\","
              "\"type\":\"string\"},{\"name\":\"B__c\",\"type\":\"string\"}]}");
    struct field *a = sobject_field(object, "A__c"), *b = sobject_field(object, "B__c");
    struct sobject *again = added("{\"name\":\"Thing__c\",\"fields\":[{\"name\":\"C__c\","
                                  "\"type\":\"string\"},{\"name\":\"B__c\",\"type\":\"email\"}]}");
    CHECK(again == object);
    CHECK_STR(object->key_prefix, "a00");
    CHECK(sobject_field(object, "A__c") == NULL);
    CHECK(sobject_field(object, "B__c") == b);
    CHECK_INT(b->type, FT_EMAIL);
    CHECK_STR(a->name, "A__c"); /* whoever still holds it may read it */
    for (size_t i = 0; i < object->field_count; i++)
        CHECK_INT(object->fields[i]->index, i);
}

TEST(schema, grows_by_many_fields)
{
    struct sobject *object = added("{\"name\":\"Wide__c\"}");
    for (int i = 0; i < 500; i++) {
        struct err err = {0};
        char *text = arena_printf(arena, "{\"name\":\"F%d__c\",\"type\":\"string\"}", i);
        CHECK_OK(schema_add_field(schema, object, json_parse(arena, text, strlen(text), &err), NULL,
                                  &err),
                 &err);
    }
    for (int i = 0; i < 500; i++)
        CHECK(sobject_field(object, arena_printf(arena, "f%d__C", i)) != NULL);
    for (size_t i = 0; i < object->field_count; i++)
        CHECK(object->fields[i]->owner == object && object->fields[i]->index == i);
}

TEST(schema, lists_objects_in_order)
{
    added("{\"name\":\"Lead\"}");
    added("{\"name\":\"account\"}");
    added("{\"name\":\"Zebra__c\"}");
    CHECK_INT(schema_count(schema), 3);
    CHECK_STR(schema_at(schema, 0)->name, "account");
    CHECK_STR(schema_at(schema, 1)->name, "Lead");
    CHECK_STR(schema_at(schema, 2)->name, "Zebra__c");
    CHECK(schema_at(schema, 3) == NULL);
}

TEST(schema, refuses_nonsense)
{
    struct err err = {0};
    const char *bad[] = {"{}", "{\"name\":\"\"}", "{\"name\":\"a b\"}",
                         "{\"name\":\"X\",\"keyPrefix\":\"0\"}",
                         "{\"name\":\"X\",\"fields\":[{\"type\":\"string\"}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_FAIL(schema_add_describe(schema, json_parse(arena, bad[i], strlen(bad[i]), &err),
                                       NULL, &err),
                   &err, ERR_INVALID);
    added("{\"name\":\"One\",\"keyPrefix\":\"001\"}");
    const char *taken = "{\"name\":\"Two\",\"keyPrefix\":\"001\"}";
    CHECK_FAIL(
        schema_add_describe(schema, json_parse(arena, taken, strlen(taken), &err), NULL, &err),
        &err, ERR_CONFLICT);
}
