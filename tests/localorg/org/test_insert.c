/* test_insert.c - what a new record must look like, refusal by refusal. Texts
 * are Salesforce's own, to the letter. */
#include "fixture.h"

#include "base/str.h"

#include <string.h>

EACH_TEST(given_org, org_gone)

static const char *refused(const char *object, const char *body)
{
    return outcome(inserted(object, body));
}

TEST(insert, stores_what_was_sent)
{
    const char *id = given("Account", "{\"attributes\":{\"type\":\"Account\"},\"Name\":\"  Acme \","
                                      "\"website\":\"\",\"NumberOfEmployees\":120,"
                                      "\"AnnualRevenue\":\"1250000.5\"}");
    CHECK_STR(stored("Account", id, "Name"), "Acme");
    CHECK_STR(stored("Account", id, "Website"), NULL);
    CHECK_STR(stored("Account", id, "NumberOfEmployees"), "120");
    CHECK_STR(stored("Account", id, "AnnualRevenue"), "1250000.5");
    CHECK_STR(stored("Account", id, "IsDeleted"), "0");
    CHECK_INT(strlen(id), 18);
    CHECK_MEM(id, 3, "001", 3);
}

TEST(insert, fills_owner_and_audit_fields)
{
    const char *id = given("Contact", "{\"FirstName\":\"Ann\",\"LastName\":\"Lee\"}");
    CHECK_STR(stored("Contact", id, "Name"), "Ann Lee");
    CHECK_STR(stored("Contact", id, "OwnerId"), admin);
    CHECK_STR(stored("Contact", id, "CreatedById"), admin);
    CHECK_STR(stored("Contact", id, "LastModifiedById"), admin);
    CHECK_STR(stored("Contact", id, "CreatedDate"), "1795428672000"); /* whole seconds */
    CHECK_STR(stored("Contact", id, "SystemModstamp"), "1795428672000");
}

TEST(insert, applies_defaults)
{
    const char *lead = given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"Acme\"}");
    CHECK_STR(stored("Lead", lead, "Status"), "Open - Not Contacted");
    CHECK_STR(stored("Lead", lead, "IsConverted"), "0");
    given_field("Account", "{\"name\":\"Tier__c\",\"type\":\"picklist\",\"picklistValues\":["
                           "{\"value\":\"A\"},{\"value\":\"B\",\"defaultValue\":true}]}");
    given_field("Account",
                "{\"name\":\"Score__c\",\"type\":\"double\",\"defaultValueFormula\":\"7\"}");
    given_field("Account", "{\"name\":\"Since__c\",\"type\":\"date\","
                           "\"defaultValueFormula\":\"TODAY()\"}");
    given_field("Account", "{\"name\":\"Vip__c\",\"type\":\"boolean\",\"defaultValue\":true}");
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    CHECK_STR(stored("Account", id, "Tier__c"), "B");
    CHECK_STR(stored("Account", id, "Score__c"), "7");
    CHECK_STR(stored("Account", id, "Since__c"), "2026-11-23");
    CHECK_STR(stored("Account", id, "Vip__c"), "1");
    id = given("Account", "{\"Name\":\"Acme\",\"Tier__c\":null,\"Vip__c\":false}");
    CHECK_STR(stored("Account", id, "Tier__c"), NULL);
    CHECK_STR(stored("Account", id, "Vip__c"), "0");
}

TEST(insert, numbers_what_numbers_itself)
{
    const char *one = given("Case", "{\"Subject\":\"Broken\"}");
    const char *two = given("Case", "{\"Subject\":\"Broken again\"}");
    CHECK_STR(stored("Case", one, "CaseNumber"), "00000001");
    CHECK_STR(stored("Case", two, "CaseNumber"), "00000002");
    given_object("{\"name\":\"Invoice__c\",\"fields\":[{\"name\":\"Name\",\"type\":\"string\","
                 "\"autoNumber\":true,\"displayFormat\":\"INV-{0000}\",\"nameField\":true}]}");
    CHECK_STR(stored("Invoice__c", given("Invoice__c", "{}"), "Name"), "INV-0001");
    CHECK_STR(stored("Case", given("Case", "{}"), "CaseNumber"), "00000003");
}

TEST(insert, refuses_unknown_fields)
{
    CHECK_STR(refused("Account", "{\"Name\":\"A\",\"Nope__c\":1}"),
              "INVALID_FIELD: No such column 'Nope__c' on sobject of type Account []");
    CHECK_STR(refused("Account", "{\"Name\":\"A\",\"Id\":\"001000000000001\"}"),
              "INVALID_FIELD: The Id field should not be specified in the sobject data. []");
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 0);
}

TEST(insert, refuses_fields_nobody_may_write)
{
    CHECK_STR(refused("Account", "{\"Name\":\"A\",\"CreatedDate\":\"2020-01-01T00:00:00Z\"}"),
              "INVALID_FIELD_FOR_INSERT_UPDATE: Unable to create/update fields: CreatedDate. "
              "Please check the security settings of this field and verify that it is read/write "
              "for your profile or permission set. [CreatedDate]");
    CHECK_STR(refused("Contact", "{\"Name\":\"A\",\"MailingAddress\":{\"city\":\"Bonn\"}}"),
              "INVALID_FIELD_FOR_INSERT_UPDATE: Unable to create/update fields: Name, "
              "MailingAddress. Please check the security settings of this field and verify that "
              "it is read/write for your profile or permission set. [Name,MailingAddress]");
}

TEST(insert, refuses_what_is_missing)
{
    CHECK_STR(refused("Contact", "{\"FirstName\":\"Ann\"}"),
              "REQUIRED_FIELD_MISSING: Required fields are missing: [LastName] [LastName]");
    CHECK_STR(refused("Lead", "{\"Email\":\"a@b.co\"}"),
              "REQUIRED_FIELD_MISSING: Required fields are missing: [LastName, Company] "
              "[LastName,Company]");
    CHECK_STR(refused("Account", "{\"Name\":\"  \"}"),
              "REQUIRED_FIELD_MISSING: Required fields are missing: [Name] [Name]");
    CHECK_STR(refused("Account", "{\"Name\":null}"),
              "REQUIRED_FIELD_MISSING: Required fields are missing: [Name] [Name]");
}

TEST(insert, refuses_text_that_is_too_long)
{
    CHECK_STR(refused("Contact", "{\"LastName\":\"L\",\"FirstName\":"
                                 "\"12345678901234567890123456789012345678901\"}"),
              "STRING_TOO_LONG: First Name: data value too large: "
              "12345678901234567890123456789012345678901 (max length=40) [FirstName]");
    /* 40 letters of two bytes fit; 21 emoji are 42 UTF-16 units and do not. */
    CHECK_STR(refused("Contact", "{\"LastName\":\"L\",\"FirstName\":\"öööööööööö"
                                 "öööööööööööööööööööööööööööööö\"}"),
              "done");
    CHECK_CONTAINS(refused("Contact", "{\"LastName\":\"L\",\"FirstName\":"
                                      "\"😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀\"}"),
                   "STRING_TOO_LONG: First Name: data value too large: ");
}

TEST(insert, refuses_values_no_restricted_picklist_has)
{
    given_field("Contact", "{\"name\":\"Race__c\",\"label\":\"Race\",\"type\":\"picklist\","
                           "\"restrictedPicklist\":true,\"picklistValues\":[{\"value\":\"Elf\"},"
                           "{\"value\":\"Orc\",\"active\":false}]}");
    given_field("Contact",
                "{\"name\":\"Skills__c\",\"label\":\"Skills\",\"type\":\"multipicklist\","
                "\"restrictedPicklist\":true,\"picklistValues\":[{\"value\":\"Bow\"},"
                "{\"value\":\"Axe\"}]}");
    CHECK_STR(refused("Contact", "{\"LastName\":\"L\",\"Race__c\":\"Dwarf\"}"),
              "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Race: bad value for restricted picklist "
              "field: Dwarf [Race__c]");
    CHECK_STR(refused("Contact", "{\"LastName\":\"L\",\"Race__c\":\"Orc\"}"),
              "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Race: bad value for restricted picklist "
              "field: Orc [Race__c]");
    CHECK_STR(refused("Contact", "{\"LastName\":\"L\",\"Skills__c\":\"Bow;Pen\"}"),
              "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Skills: bad value for restricted picklist "
              "field: Pen [Skills__c]");
    const char *id = given("Contact", "{\"LastName\":\"L\",\"Race__c\":\"elf\","
                                      "\"Skills__c\":\"axe;Bow;axe\"}");
    CHECK_STR(stored("Contact", id, "Race__c"), "Elf");
    CHECK_STR(stored("Contact", id, "Skills__c"), "Bow;Axe");
}

TEST(insert, takes_unknown_values_of_free_picklists)
{
    const char *id = given("Account", "{\"Name\":\"A\",\"Industry\":\"Basket weaving\"}");
    CHECK_STR(stored("Account", id, "Industry"), "Basket weaving");
}

TEST(insert, refuses_bad_email_addresses)
{
    const char *bad[] = {"badone",   "a@b",     "@b.co",     "a@",
                         "a b@c.de", "a@@b.co", "a..b@c.de", "a@b.c."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STR(refused("Contact",
                          arena_printf(arena, "{\"LastName\":\"L\",\"Email\":\"%s\"}", bad[i])),
                  arena_printf(arena,
                               "INVALID_EMAIL_ADDRESS: Email: invalid email address: %s [Email]",
                               bad[i]));
    given("Contact", "{\"LastName\":\"L\",\"Email\":\"o'neil+x@mail.example.co.uk\"}");
}

TEST(insert, refuses_numbers_out_of_range)
{
    given_field("Account", "{\"name\":\"Share__c\",\"label\":\"Share\",\"type\":\"percent\","
                           "\"precision\":5,\"scale\":2}");
    CHECK_STR(refused("Account", "{\"Name\":\"A\",\"Share__c\":1000}"),
              "NUMBER_OUTSIDE_VALID_RANGE: Share: value outside of valid range on numeric field: "
              "1000.0 [Share__c]");
    CHECK_STR(refused("Account", "{\"Name\":\"A\",\"Share__c\":-1.5e20}"),
              "NUMBER_OUTSIDE_VALID_RANGE: Share: value outside of valid range on numeric field: "
              "-1.5E20 [Share__c]");
    CHECK_STR(refused("Account", "{\"Name\":\"A\",\"NumberOfEmployees\":1431655766}"),
              "NUMBER_OUTSIDE_VALID_RANGE: Employees: value outside of valid range on numeric "
              "field: 1431655766 [NumberOfEmployees]");
    given("Account", "{\"Name\":\"A\",\"Share__c\":999.99,\"NumberOfEmployees\":1431655765}");
}

TEST(insert, refuses_json_of_the_wrong_type)
{
    static const struct {
        const char *member, *wanted;
    } wrong[] = {
        {"\"HasOptedOutOfEmail\":\"1\"", "boolean from VALUE_STRING value 1"},
        {"\"HasOptedOutOfEmail\":0", "boolean from VALUE_NUMBER_INT value 0"},
        {"\"Birthdate\":\"2015-07-23T09:38:33+02:00\"",
         "date from VALUE_STRING value 2015-07-23T09:38:33+02:00"},
        {"\"Birthdate\":\"23.07.2015\"", "date from VALUE_STRING value 23.07.2015"},
        {"\"Birthdate\":{}", "date from START_OBJECT value {"},
        {"\"When__c\":\"2017-10-17 00:00:00\"",
         "datetime from VALUE_STRING value 2017-10-17 00:00:00"},
        {"\"When__c\":\"2017-10-17T00:00:00.000+0000\"",
         "datetime from VALUE_STRING value 2017-10-17T00:00:00.000+0000"},
        {"\"When__c\":\"2017-10-17T00:00:00\"",
         "datetime from VALUE_STRING value 2017-10-17T00:00:00"},
        {"\"Size__c\":\"big\"", "double from VALUE_STRING value big"},
        {"\"Size__c\":true", "double from VALUE_TRUE value true"},
        {"\"Title\":[1]", "string from START_ARRAY value ["},
    };
    given_field("Contact", "{\"name\":\"When__c\",\"type\":\"datetime\"}");
    given_field("Contact", "{\"name\":\"Size__c\",\"type\":\"double\"}");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t column = strlen("{\"LastName\":\"L\",") +
                        (size_t)(strchr(wrong[i].member, ':') - wrong[i].member) + 2;
        CHECK_STR(
            refused("Contact", arena_printf(arena, "{\"LastName\":\"L\",%s}", wrong[i].member)),
            arena_printf(arena,
                         "JSON_PARSER_ERROR: Cannot deserialize instance of %s or request may be "
                         "missing a required field at [line:1, column:%zu] []",
                         wrong[i].wanted, column));
    }
}

TEST(insert, reads_dates_and_times)
{
    given_field("Contact", "{\"name\":\"When__c\",\"type\":\"datetime\"}");
    given_field("Contact", "{\"name\":\"At__c\",\"type\":\"time\"}");
    const char *id =
        given("Contact", "{\"LastName\":\"L\",\"Birthdate\":\"1970-01-31\","
                         "\"When__c\":\"1970-01-01T01:00:01.987+01:00\",\"At__c\":\"18:30:00\"}");
    CHECK_STR(stored("Contact", id, "Birthdate"), "1970-01-31");
    CHECK_STR(stored("Contact", id, "When__c"), "1000");
    CHECK_STR(stored("Contact", id, "At__c"), "18:30:00.000Z");
    id = given("Contact", "{\"LastName\":\"L\",\"When__c\":\"1969-12-31T23:59:59.500Z\"}");
    CHECK_STR(stored("Contact", id, "When__c"), "-1000");
    CHECK_STR(refused("Contact", "{\"LastName\":\"L\",\"Birthdate\":\"0015-01-01\"}"),
              "NUMBER_OUTSIDE_VALID_RANGE: Birthdate: invalid date: Thu Jan 01 00:00:00 GMT 15 "
              "[Birthdate]");
}

TEST(insert, refuses_references_that_lead_nowhere)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *contact = given("Contact", "{\"LastName\":\"Lee\"}");
    const char *form = "{\"LastName\":\"L\",\"AccountId\":\"%s\"}";
    CHECK_STR(refused("Contact", arena_printf(arena, form, "nonsense")),
              "MALFORMED_ID: Account ID: id value of incorrect type: nonsense [AccountId]");
    CHECK_STR(refused("Contact", arena_printf(arena, form, contact)),
              arena_printf(arena,
                           "FIELD_INTEGRITY_EXCEPTION: Account ID: id value of incorrect type: %s "
                           "[AccountId]",
                           contact));
    CHECK_STR(refused("Contact", arena_printf(arena, form, "001000000000001")),
              "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id []");
    CHECK_STR(refused("Contact", arena_printf(arena, form, "zzz000000000001")),
              "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id []");
    char short_id[16] = "";
    memcpy(short_id, account, 15);
    const char *id = given("Contact", arena_printf(arena, form, short_id));
    CHECK_STR(stored("Contact", id, "AccountId"), account);
    CHECK_OUTCOME(deleted("Account", account), "done");
    CHECK_STR(refused("Contact", arena_printf(arena, form, account)),
              "ENTITY_IS_DELETED: entity is deleted []");
    CHECK_STR(refused("Account", "{\"Name\":\"A\",\"RecordTypeId\":\"012000000000001\"}"),
              "INVALID_CROSS_REFERENCE_KEY: Record Type ID: this ID value isn't valid for the "
              "user: 012000000000001AAA [RecordTypeId]");
    given("Account", "{\"Name\":\"A\",\"RecordTypeId\":\"012000000000000AAA\"}");
}

TEST(insert, takes_any_record_where_describe_names_no_target)
{
    given_field("Account", "{\"name\":\"Any__c\",\"type\":\"reference\"}");
    const char *lead = given("Lead", "{\"LastName\":\"L\",\"Company\":\"C\"}");
    const char *id =
        given("Account", arena_printf(arena, "{\"Name\":\"A\",\"Any__c\":\"%s\"}", lead));
    CHECK_STR(stored("Account", id, "Any__c"), lead);
}

TEST(insert, refuses_owners_who_left)
{
    struct err err = {0};
    struct org_user bob = {.username = "bob@example.com", .active = false};
    CHECK(org_write_begin(org) != NULL);
    CHECK_OK(org_next_id(org, object_of("User"), bob.id, &err), &err);
    CHECK_OK(org_write_end(org, true, &err), &err);
    CHECK_OK(org_put_user(org, &bob, &err), &err);
    CHECK_STR(
        refused("Account", arena_printf(arena, "{\"Name\":\"A\",\"OwnerId\":\"%s\"}", bob.id)),
        arena_printf(arena,
                     "INACTIVE_OWNER_OR_USER: operation performed with inactive user [%.15s] "
                     "as owner of account [OwnerId]",
                     bob.id));
}

TEST(insert, finds_parents_by_external_id)
{
    given_field("Account", "{\"name\":\"Key__c\",\"type\":\"string\",\"externalId\":true,"
                           "\"unique\":true}");
    const char *account = given("Account", "{\"Name\":\"Acme\",\"Key__c\":\"acme\"}");
    const char *id = given("Contact", "{\"LastName\":\"L\",\"Account\":{\"Key__c\":\"ACME\"}}");
    CHECK_STR(stored("Contact", id, "AccountId"), account);
    CHECK_STR(refused("Contact", "{\"LastName\":\"L\",\"Account\":{\"Key__c\":\"0116\"}}"),
              "INVALID_FIELD: Foreign key external ID: 0116 not found for field Key__c in entity "
              "Account []");
    CHECK_STR(refused("Contact", "{\"LastName\":\"L\",\"Account\":{\"Website\":\"x\"}}"),
              "INVALID_FIELD: Field name provided, Website does not match an External ID, "
              "Salesforce Id, or indexed field for Account []");
    CHECK_STR(
        stored("Contact", given("Contact", "{\"LastName\":\"L\",\"Account\":null}"), "AccountId"),
        NULL);
}

TEST(insert, refuses_a_value_someone_has)
{
    given_field("Account", "{\"name\":\"Key__c\",\"type\":\"string\",\"externalId\":true,"
                           "\"unique\":true}");
    given_field("Account", "{\"name\":\"Exact__c\",\"type\":\"string\",\"unique\":true,"
                           "\"caseSensitive\":true}");
    const char *first = given("Account", "{\"Name\":\"A\",\"Key__c\":\"k1\",\"Exact__c\":\"x\"}");
    CHECK_STR(refused("Account", "{\"Name\":\"B\",\"Key__c\":\"K1\"}"),
              arena_printf(arena,
                           "DUPLICATE_VALUE: duplicate value found: Key__c duplicates value on "
                           "record with id: %.15s []",
                           first));
    given("Account", "{\"Name\":\"C\",\"Exact__c\":\"X\"}");
    CHECK_CONTAINS(refused("Account", "{\"Name\":\"D\",\"Exact__c\":\"X\"}"), "DUPLICATE_VALUE");
    /* Also between two rows of one call; the first wins. */
    struct dml_result *results = insert_all(
        "Account", "[{\"Name\":\"E\",\"Key__c\":\"k2\"},{\"Name\":\"F\",\"Key__c\":\"k2\"}]");
    CHECK_OUTCOME(&results[0], "done");
    CHECK_CONTAINS(outcome(&results[1]), results[0].id[0] ? "DUPLICATE_VALUE" : "?");
    /* A record in the bin gives its value back. */
    CHECK_OUTCOME(deleted("Account", first), "done");
    given("Account", "{\"Name\":\"B\",\"Key__c\":\"K1\"}");
}

TEST(insert, respects_what_a_user_was_denied)
{
    struct err err = {0};
    CHECK_OK(org_deny(org, admin, "Account", "Website", ORG_UPDATE | ORG_CREATE, &err), &err);
    CHECK_OK(org_deny(org, admin, "Account", "Phone", ORG_READ, &err), &err);
    CHECK_OK(org_deny(org, admin, "Lead", NULL, ORG_CREATE, &err), &err);
    CHECK_CONTAINS(refused("Account", "{\"Name\":\"A\",\"Website\":\"x\"}"),
                   "INVALID_FIELD_FOR_INSERT_UPDATE: Unable to create/update fields: Website.");
    CHECK_STR(refused("Account", "{\"Name\":\"A\",\"Phone\":\"1\"}"),
              "INVALID_FIELD: No such column 'Phone' on sobject of type Account []");
    CHECK_STR(refused("Lead", "{\"LastName\":\"L\",\"Company\":\"C\"}"),
              "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: entity type cannot be inserted: Lead []");
    options.system = true;
    given("Account", "{\"Name\":\"A\",\"Phone\":\"1\"}");
    options.system = false;
    CHECK_OK(org_deny(org, admin, "Account", "Phone", 0, &err), &err);
    given("Account", "{\"Name\":\"A\",\"Phone\":\"1\"}");
}

TEST(insert, refuses_objects_without_ids_of_their_own)
{
    given_object("{\"name\":\"AccountShare\",\"label\":\"Account Share\",\"createable\":true}");
    CHECK_STR(refused("AccountShare", "{}"),
              "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: entity type cannot be inserted: Account Share "
              "[]");
}

TEST(insert, keeps_good_rows_or_none)
{
    const char *mixed = "[{\"Name\":\"A\"},{\"Phone\":\"1\"},{\"Name\":\"B\"}]";
    struct dml_result *results = insert_all("Account", mixed);
    CHECK_OUTCOME(&results[0], "done");
    CHECK(results[0].created);
    CHECK_CONTAINS(outcome(&results[1]), "REQUIRED_FIELD_MISSING");
    CHECK_OUTCOME(&results[2], "done");
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 2);
    options.all_or_none = true;
    results = insert_all("Account", mixed);
    const char *rolled_back =
        "ALL_OR_NONE_OPERATION_ROLLED_BACK: Record rolled back because not all records were valid "
        "and the request was using AllOrNone header []";
    CHECK_OUTCOME(&results[0], rolled_back);
    CHECK_STR(results[0].id, "");
    CHECK(!results[0].success && !results[0].created);
    CHECK_CONTAINS(outcome(&results[1]), "REQUIRED_FIELD_MISSING");
    CHECK_OUTCOME(&results[2], rolled_back);
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 2);
}

TEST(insert, loads_keep_their_ids_and_dates)
{
    options.system = true;
    const char *id = given("Account", "{\"Id\":\"001D000000IqhSL\",\"Name\":\"Acme\","
                                      "\"CreatedDate\":\"2019-01-02T03:04:05Z\"}");
    CHECK_STR(id, "001D000000IqhSLIAZ");
    CHECK_STR(stored("Account", id, "CreatedDate"), "1546398245000");
    CHECK_STR(stored("Account", id, "LastModifiedDate"), "1546398245000");
    CHECK_CONTAINS(refused("Account", "{\"Id\":\"001D000000IqhSL\",\"Name\":\"Acme\"}"),
                   "DUPLICATE_VALUE");
    CHECK_MEM(given("Account", "{\"Id\":\"\",\"Name\":\"Acme\"}"), 3, "001", 3);
    CHECK_STR(refused("Account", "{\"Id\":\"x1\",\"Name\":\"Acme\"}"),
              "MALFORMED_ID: malformed id x1 []");
}

TEST(insert, is_refused_while_a_row_is_locked)
{
    org_lock_row(org, &(struct org_row_lock){.id = "", .times = 1});
    CHECK_CONTAINS(refused("Account", "{\"Name\":\"A\"}"), "UNABLE_TO_LOCK_ROW");
    given("Account", "{\"Name\":\"A\"}");
}
