/* test_load.c - files of real orgs on their way into this one. */
#include "base/json.h"
#include "base/str.h"
#include "base/world.h"
#include "localorg/seed/load.h"
#include "localorg/seed/seed.h"
#include "support/check.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct world *world;
static struct org *org;
static struct err err;
static struct load_report report;
static char folder[64];

static void open_org(void)
{
    err_clear(&err);
    world = world_fake(1795478400000, 1);
    struct org_options options = {.world = world, .seed = 3};
    org = org_open(&options, &err);
    CHECK_GOT(org, &err);
    CHECK_OK(org_add_standard(org, NULL, &err), &err);
    CHECK_OK(seed_org(org, "empty", 1, 3, &err), &err);
    snprintf(folder, sizeof folder, "/tmp/argil-load-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
}

static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char name[512];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(name) != 0)
            remove_folder(name);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static void close_org(void)
{
    load_report_free(&report);
    org_close(org);
    free(world);
    remove_folder(folder);
}

EACH_TEST(open_org, close_org)

static void given_bytes(const char *name, const void *bytes, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    fwrite(bytes, 1, len, file);
    fclose(file);
}

static void given_file(const char *name, const char *text)
{
    given_bytes(name, text, strlen(text));
}

static void load_it(void)
{
    load_report_free(&report);
    CHECK_OK(load_path(org, folder, NULL, &report, &err), &err);
}

static int64_t number(const char *sql)
{
    sqlite3 *db = org_reader_take(org);
    sqlite3_stmt *get = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &get, NULL) != SQLITE_OK)
        printf("%s\n", sqlite3_errmsg(db));
    else if (sqlite3_step(get) == SQLITE_ROW)
        value = sqlite3_column_int64(get, 0);
    sqlite3_finalize(get);
    org_reader_give(org, db);
    return value;
}

static bool said(const struct load_note *notes, size_t count, const char *part)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(notes[i].text, part))
            return true;
    for (size_t i = 0; i < count; i++)
        printf("  said: %s\n", notes[i].text);
    return false;
}

#define NOTED(part)   said(report.notes, report.note_count, part)
#define REFUSED(part) said(report.refusals, report.refusal_count, part)

static const struct field *field_of(const char *object, const char *field)
{
    const struct sobject *found = schema_find(org_schema(org), object);
    return found ? sobject_field(found, field) : NULL;
}

/* --- records --- */

TEST(load, a_tree_brings_parents_and_children)
{
    given_file("tree.json",
               "\xEF\xBB\xBF{\"records\":[{\"attributes\":{\"type\":\"Account\",\"referenceId\":"
               "\"A\"},\"name\":\"Acme\",\"numberOfEmployees\":\"100\",\"Contacts\":{\"records\":["
               "{\"attributes\":{\"type\":\"Contact\",\"referenceId\":\"C\"},\"lastname\":"
               "\"Smith\"}]}}]}");
    load_it();
    CHECK_INT(report.loaded, 2);
    CHECK_INT(number("SELECT NumberOfEmployees FROM Account WHERE Name = 'Acme'"), 100);
    CHECK_INT(number("SELECT count(*) FROM Contact c JOIN Account a ON a.Id = c.AccountId WHERE"
                     " c.LastName = 'Smith'"),
              1);
}

TEST(load, a_plan_resolves_references_in_any_order_and_in_circles)
{
    given_file("my-plan.json",
               "[{\"sobject\":\"Contact\",\"saveRefs\":false,\"resolveRefs\":true,\"files\":"
               "[{\"file\":\"people.json\",\"resolveRefs\":true}]},{\"sobject\":\"Account\","
               "\"saveRefs\":true,\"files\":[\"firms.json\"]}]");
    given_file("people.json", "{\"records\":[{\"attributes\":{\"type\":\"Contact\",\"referenceId\":"
                              "\"c1\"},\"LastName\":\"One\",\"AccountId\":\"@a2\"}]}");
    given_file("firms.json",
               "{\"records\":[{\"attributes\":{\"type\":\"Account\",\"referenceId\":\"a1\"},"
               "\"Name\":\"First\",\"ParentId\":\"@a2\"},{\"attributes\":{\"type\":\"Account\","
               "\"referenceId\":\"a2\"},\"Name\":\"Second\",\"ParentId\":\"@a1\"}]}");
    load_it();
    CHECK_INT(report.loaded, 3);
    CHECK_INT(report.files, 3);
    CHECK_INT(number("SELECT count(*) FROM Account a JOIN Account b ON b.Id = a.ParentId AND a.Id ="
                     " b.ParentId"),
              2);
    CHECK_INT(number("SELECT count(*) FROM Contact c JOIN Account a ON a.Id = c.AccountId WHERE"
                     " a.Name = 'Second'"),
              1);
}

TEST(load, a_reference_nobody_has_refuses_its_row_only)
{
    given_file("Account.json",
               "{\"records\":[{\"attributes\":{\"type\":\"Account\",\"referenceId\":\"a1\"},"
               "\"Name\":\"Fine\"},{\"attributes\":{\"type\":\"Account\",\"referenceId\":\"a2\"},"
               "\"Name\":\"Lost\",\"ParentId\":\"@nobody\"}]}");
    load_it();
    CHECK_INT(report.loaded, 1);
    CHECK_INT(report.refused, 1);
    CHECK(REFUSED("@nobody"));
    CHECK_INT(number("SELECT count(*) FROM Account WHERE Name = 'Lost'"), 0);
}

TEST(load, csv_files_find_each_other_by_their_old_numbers)
{
    given_file("Account.csv", "id,Name,ParentId\n1,Acme,2\n2,Umbrella,\n");
    given_file("Contact.csv", "id,last_name,account_id,EMAIL\n7,O'Dell,2,o@x.example\n");
    given_file("CampaignMember.csv", "id,status,contact_id,campaign_id\n1,Sent,7,3\n");
    given_file("Campaign.csv", "id,name\n3,Fair\n");
    load_it();
    CHECK_INT(report.loaded, 5);
    CHECK_INT(report.refused, 0);
    CHECK_INT(number("SELECT count(*) FROM Account a JOIN Account b ON b.Id = a.ParentId WHERE"
                     " b.Name = 'Umbrella'"),
              1);
    CHECK_INT(number("SELECT count(*) FROM CampaignMember m JOIN Contact c ON c.Id = m.ContactId"
                     " JOIN Account a ON a.Id = c.AccountId WHERE a.Name = 'Umbrella'"),
              1);
}

TEST(load, old_ids_stay_where_they_can)
{
    given_file("Account.csv", "Id,Name\n001D000000IqhSLIAZ,Kept\n001D000000IqhSL,Twice\n");
    given_file("Contact.csv", "Id,LastName,AccountId\n0034S000005YIzLQAW,Kept,001D000000IqhSL\n");
    load_it();
    CHECK_INT(number("SELECT count(*) FROM Account WHERE Id = '001D000000IqhSLIAZ'"), 1);
    CHECK_INT(number("SELECT count(*) FROM Contact WHERE AccountId = '001D000000IqhSLIAZ'"), 1);
    CHECK_INT(report.refused, 1); /* one id, two records */
    CHECK(REFUSED("DUPLICATE_VALUE"));
}

TEST(load, columns_are_made_or_named_never_dropped_in_silence)
{
    given_file("Account.csv", "Name,Score__c,Since__c,Key__c,Nonsense\n"
                              "Acme,12.5,2020-02-29,0012,x\nUmbrella,7,2021-01-01,0013,y\n");
    load_it();
    CHECK_INT(report.loaded, 2);
    CHECK_INT(report.columns_skipped, 1);
    CHECK_INT(report.fields_added, 3);
    CHECK(NOTED("Nonsense"));
    CHECK(NOTED("Account.Score__c made up"));
    CHECK(field_of("Account", "Score__c")->type == FT_DOUBLE);
    CHECK_INT(field_of("Account", "Score__c")->scale, 1);
    CHECK(field_of("Account", "Since__c")->type == FT_DATE);
    CHECK(field_of("Account", "Key__c")->type == FT_STRING);
    CHECK_INT(number("SELECT count(*) FROM Account WHERE Score__c = 12.5 AND Key__c = '0012'"), 1);
}

TEST(load, an_object_nobody_described_is_made_from_its_records)
{
    given_file("Shop__cs.json",
               "{\"records\":[{\"attributes\":{\"type\":\"Shop__c\",\"referenceId\":\"s1\"},"
               "\"Name\":\"Corner\",\"Open__c\":true,\"Place__Latitude__s\":42.35,"
               "\"Place__Longitude__s\":-71.1,\"Mail__c\":\"a@b.example\"}]}");
    given_file("Visit__c.csv", "Name,Shop__c\nfirst,@s1\n");
    load_it();
    CHECK_INT(report.objects_added, 2);
    CHECK_INT(report.loaded, 2);
    CHECK(field_of("Shop__c", "Open__c")->type == FT_BOOLEAN);
    CHECK(field_of("Shop__c", "Mail__c")->type == FT_EMAIL);
    CHECK(field_of("Shop__c", "Place__c")->type == FT_LOCATION);
    CHECK(field_of("Visit__c", "Shop__c")->type == FT_REFERENCE);
    CHECK(NOTED("Shop__c made up from its records"));
    CHECK_INT(number("SELECT count(*) FROM Visit__c v JOIN Shop__c s ON s.Id = v.Shop__c"), 1);
}

TEST(load, an_unknown_standard_object_is_refused_with_its_rows_counted)
{
    given_file("Quote.json", "{\"records\":[{\"attributes\":{\"type\":\"Quote\"},\"Name\":\"q\"},"
                             "{\"attributes\":{\"type\":\"Quote\"},\"Name\":\"r\"}]}");
    load_it();
    CHECK_INT(report.refused, 2);
    CHECK(REFUSED("load its describe first"));
}

TEST(load, sf_wraps_its_answers_and_exports_have_spaces_in_dates)
{
    given_file("query.json",
               "{\"status\":0,\"result\":{\"records\":[{\"attributes\":{\"type\":\"Lead\",\"url\":"
               "\"/x\"},\"Id\":\"00QD000000A1B2CMAV\",\"LastName\":\"L\",\"Company\":\"C\","
               "\"CreatedDate\":\"2019-11-11T17:23:34.000+0000\",\"IsDeleted\":false}],"
               "\"totalSize\":1,\"done\":true}}");
    given_file("sf_opportunity_data.csv",
               "name,stage_name,close_date,created_date,is_deleted\n"
               "Deal,Closed Won,2018-12-19 00:00:00,2018-12-19 19:51:13,TRUE\n");
    load_it();
    CHECK_INT(report.refused, 0);
    CHECK_INT(number("SELECT CreatedDate FROM Lead"), 1573493014000);
    CHECK_INT(number("SELECT CreatedDate FROM Opportunity"), 1545249073000);
    CHECK_INT(number("SELECT count(*) FROM Opportunity WHERE IsDeleted"), 1);
    CHECK_INT(number("SELECT count(*) FROM Opportunity WHERE IsWon"), 1);
}

TEST(load, other_encodings_and_delimiters_are_read)
{
    static const char utf16[] = "\xFF\xFEN\0a\0m\0e\0;\0F\0a\0x\0\n\0Z\0\xFC\0r\0i\0;\0"
                                "1\0\n\0";
    given_bytes("Account.csv", utf16, sizeof utf16 - 1);
    load_it();
    CHECK_INT(number("SELECT count(*) FROM Account WHERE Name = 'Züri' AND Fax = '1'"), 1);
}

TEST(load, what_excel_saves_is_read)
{
    given_file("Account.csv", "Name;Fax\r\nCaf\xE9 \x80;1\r\n");
    load_it();
    CHECK(NOTED("Windows-1252"));
    CHECK_INT(number("SELECT count(*) FROM Account WHERE Name = 'Café €'"), 1);
}

TEST(load, a_plan_that_names_itself_ends)
{
    given_file("a-plan.json", "[{\"sobject\":\"Account\",\"files\":[\"a-plan.json\",\"x.json\"]}]");
    given_file("x.json", "{\"records\":[{\"attributes\":{\"type\":\"Account\"},\"Name\":\"X\"}]}");
    load_it();
    CHECK_INT(report.loaded, 1);
    CHECK(NOTED("neither describe, plan nor records"));
}

TEST(load, a_folder_linked_into_itself_ends)
{
    char link[128];
    snprintf(link, sizeof link, "%s/loop", folder);
    CHECK_INT(symlink(folder, link), 0);
    given_file("Account.csv", "Name\nOnce\n");
    load_it();
    CHECK_INT(report.loaded, 1);
    unlink(link);
}

/* --- schema --- */

TEST(load, a_describe_wins_field_by_field)
{
    given_file(
        "describe.json",
        "{\"status\":0,\"result\":{\"name\":\"Account\",\"label\":\"Firm\",\"fields\":["
        "{\"name\":\"Industry\",\"type\":\"picklist\",\"length\":40,\"picklistValues\":["
        "{\"active\":true,\"defaultValue\":false,\"label\":\"Robots\",\"value\":\"Robots\"}]},"
        "{\"name\":\"Tier__c\",\"type\":\"string\",\"length\":8,\"custom\":true}]}}");
    load_it();
    CHECK_INT(report.fields_added, 1);
    CHECK_STR(schema_find(org_schema(org), "Account")->label, "Firm");
    const struct field *industry = field_of("Account", "Industry");
    CHECK_INT(industry->picklist_count, 1);
    CHECK_STR(industry->picklist[0].value, "Robots");
    CHECK(industry->createable && industry->filterable); /* it did not say otherwise */
    CHECK_INT(field_of("Account", "Tier__c")->length, 8);
    CHECK(field_of("Account", "Website") != NULL);
    CHECK_STR(schema_find(org_schema(org), "Account")->key_prefix, "001");
}

TEST(load, record_types_of_a_mapping_file_arrive)
{
    given_file("Account.csv", "id,Name,RecordTypeId\n1,Home,0122a000000PCxAAAW\n");
    given_file("Account_rt_mapping.csv", "record_type_id,developer_name\n"
                                         "0122a000000PCxAAAW,Household\n");
    load_it();
    CHECK_INT(report.loaded, 1);
    CHECK_INT(number("SELECT count(*) FROM Account a JOIN RecordType t ON t.Id = a.RecordTypeId"
                     " WHERE t.DeveloperName = 'Household' AND t.SobjectType = 'Account'"),
              1);
}

TEST(load, a_text_description_is_a_describe_too)
{
    given_file("Gadget__c.sobject", "object Gadget__c\nlabel Gadget\nplural Gadgets\n\n"
                                    "Colour__c picklist(40) \"Colour\"\n    | Red | Green\n");
    load_it();
    CHECK_INT(field_of("Gadget__c", "Colour__c")->picklist_count, 2);
}

/* --- what cannot be used --- */

TEST(load, useless_files_are_named)
{
    given_file("readme.txt", "hello");
    given_file("broken.json", "{\"records\":[");
    given_file("what.json", "{\"a\":1}");
    given_file("Mystery.csv", "a,b\n1,2\n");
    given_file("Account.csv", "Name\nAcme\n\"open");
    given_file("all.json", "{\"encoding\":\"UTF-8\",\"sobjects\":[]}");
    load_it();
    CHECK(NOTED("not .json, .csv or .sobject"));
    CHECK(NOTED("neither describe, plan nor records"));
    CHECK(NOTED("tells no object"));
    CHECK(NOTED("read only in part"));
    CHECK(NOTED("a describe of all objects"));
    CHECK_INT(report.loaded, 1);
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    load_report_json(&w, &report);
    CHECK_CONTAINS(buf_text(&text), "broken.json");
    buf_free(&text);
}

TEST(load, a_path_that_is_not_there_is_an_error)
{
    CHECK_FAIL(load_path(org, "/nowhere/at/all", NULL, &report, &err), &err, ERR_NOT_FOUND);
    load_report_free(&report);
    CHECK_FAIL(load_path(org, folder, NULL, &report, &err), &err, ERR_INVALID);
}

/* --- real files, when they are at hand --- */

static const char no_recordings[] = "no sample data (ARGIL_FIXTURES or ../shared/fixtures)";

static bool load_fixture(const char *name)
{
    const char *root = getenv("ARGIL_FIXTURES"), *beside = getenv("ARGIL_FIXTURES_BESIDE");
    char path[1024];
    struct stat is;
    snprintf(path, sizeof path, "%s/%s",
             root     ? root
             : beside ? beside
                      : "../shared/fixtures",
             name);
    if (stat(path, &is) != 0)
        return false;
    load_report_free(&report);
    CHECK_OK(load_path(org, path, NULL, &report, &err), &err);
    return true;
}

TEST(fixtures, describes_of_other_orgs_add_their_fields)
{
    if (!load_fixture("grouparoo"))
        SKIP(no_recordings);
    CHECK(field_of("Account", "CustomerPriority__c") != NULL);
    CHECK(field_of("Contact", "Custom_External_ID__c")->external_id);
    CHECK_INT(report.fields_added, 30);
    CHECK(load_fixture("cumulusci"));
    CHECK(field_of("Custom__c", "Name") != NULL);
    CHECK(field_of("Account", "IsPersonAccount") != NULL);
    CHECK_INT(number("SELECT count(*) FROM Organization"), 1);
    CHECK_INT(report.refused, 0);
}

TEST(fixtures, sample_apps_load_whole)
{
    if (!load_fixture("trailheadapps-dreamhouse"))
        SKIP(no_recordings);
    CHECK_INT(report.loaded, 25);
    CHECK_INT(report.refused, 0);
    CHECK_INT(number("SELECT count(*) FROM Property__c WHERE Broker__c IN (SELECT Id FROM"
                     " Broker__c)"),
              12);
    CHECK(load_fixture("trailheadapps-ebikes"));
    CHECK_INT(report.loaded, 23);
    CHECK_INT(report.refused, 0);
}

TEST(fixtures, plans_of_the_sf_project_load)
{
    if (!load_fixture("plugin-data"))
        SKIP(no_recordings);
    CHECK_INT(report.refused, 2); /* the two that name @AccountRef2000 */
    CHECK_INT(number("SELECT count(*) FROM AccountContactRelation r JOIN Contact c ON c.Id ="
                     " r.ContactId JOIN Account a ON a.Id = r.AccountId"),
              3);
}

TEST(fixtures, a_thousand_row_data_set_keeps_its_references)
{
    if (!load_fixture("npsp/1k"))
        SKIP(no_recordings);
    CHECK_INT(report.loaded, 17283);
    CHECK_INT(report.refused, 0);
    CHECK_INT(report.columns_skipped, 1);
    CHECK_INT(number("SELECT count(*) FROM OpportunityContactRole r JOIN Contact c ON c.Id ="
                     " r.ContactId JOIN Opportunity o ON o.Id = r.OpportunityId"),
              3499);
    CHECK_INT(number("SELECT count(*) FROM Address__c d JOIN Account a ON a.Id ="
                     " d.household_account__c"),
              1424);
}

TEST(fixtures, the_developer_edition_plan_loads)
{
    if (!load_fixture("developer-edition"))
        SKIP(no_recordings);
    CHECK_INT(number("SELECT count(*) FROM Account"), 12);
    CHECK_INT(number("SELECT count(*) FROM Opportunity"), 31);
    CHECK_INT(report.refused, 2); /* addresses no org takes through its API */
}
