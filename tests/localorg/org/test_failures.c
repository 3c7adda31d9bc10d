/* test_failures.c - SQLite gives up in the middle: every call is interrupted
 * after 1, 2, 3 ... steps of its virtual machine until one goes through.
 *
 * Whatever the step, the call fails as a whole, leaves no trace, and the same
 * call works afterwards. */
#include "fixture.h"

#include "base/str.h"
#include "localorg/soql/soql.h"

#include <stdio.h>
#include <string.h>

EACH_TEST(given_org, org_gone)

static long left; /* steps until SQLite is told to stop; below 0: never */

static int tick(void *ctx)
{
    return left >= 0 && left-- == 0;
}

static void interrupt_after(long steps)
{
    sqlite3 *db = org_write_begin(org);
    CHECK(db != NULL);
    struct err err = {0};
    left = -1;
    sqlite3_progress_handler(db, steps < 0 ? 0 : 1, steps < 0 ? NULL : tick, NULL);
    CHECK_OK(org_write_end(org, true, &err), &err);
    left = steps;
}

/* All rows of some tables, as one text. */
static const char *everything(void)
{
    static const char *const tables[] = {"Account",       "Contact",       "Case",
                                         "User",          "Task",          "localorg_bin",
                                         "localorg_user", "localorg_rule", "localorg_field"};
    struct buf text = BUF_INIT;
    sqlite3 *db = org_reader_take(org);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        sqlite3_stmt *get = NULL;
        char *sql = arena_printf(arena, "SELECT * FROM \"%s\" ORDER BY 1, 2", tables[i]);
        CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &get, NULL), SQLITE_OK);
        while (sqlite3_step(get) == SQLITE_ROW)
            for (int column = 0; column < sqlite3_column_count(get); column++) {
                const char *value = (const char *)sqlite3_column_text(get, column);
                buf_printf(&text, "%s|", value ? value : "");
            }
        sqlite3_finalize(get);
    }
    org_reader_give(org, db);
    const char *kept = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return kept;
}

typedef enum status call_fn(struct err *err);

/* Steps grow by a seventh: every early step, then fewer. */
static void rehearse(call_fn *call)
{
    const char *before = everything();
    size_t failures = 0;
    for (long steps = 0;; steps += 1 + steps / 7) {
        struct err err = {0};
        interrupt_after(steps);
        enum status status = call(&err);
        bool interrupted = left < 0; /* the handler has struck */
        left = -1;
        interrupt_after(-1);
        if (status == OK && !interrupted)
            break;
        CHECK_INT(status, FAIL);
        CHECK_STR(err.code, ERR_IO);
        CHECK_STR(everything(), before);
        failures++;
        CHECK(steps < 2000000);
    }
    CHECK(failures > 10);
    CHECK(!text_eq(everything(), before));
}

static struct dml_row row;
static enum dml_kind kind;

static enum status write_row(struct err *err)
{
    struct dml_result result;
    enum status status = org_dml(org, kind, &options, &row, 1, &result, arena, err);
    if (status == OK)
        CHECK_STR(outcome(&result), "done");
    return status;
}

TEST(interrupted, insert)
{
    given_field("Contact", "{\"name\":\"Key__c\",\"type\":\"string\",\"unique\":true,"
                           "\"externalId\":true}");
    given_rule("{\"name\":\"R\",\"object\":\"Contact\",\"fields\":[\"Email\"]}");
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    given("Contact", "{\"LastName\":\"Lee\",\"Email\":\"other@b.co\",\"Key__c\":\"1\"}");
    kind = DML_INSERT;
    row = (struct dml_row){
        .object = object_of("Contact"),
        .body = parsed(arena_printf(arena,
                                    "{\"LastName\":\"Ray\",\"Email\":\"a@b.co\",\"Key__c\":\"2\","
                                    "\"AccountId\":\"%s\",\"ReportsTo\":{\"Key__c\":\"1\"}}",
                                    account))};
    rehearse(write_row);
}

TEST(interrupted, first_insert_of_all)
{
    kind = DML_INSERT;
    row = (struct dml_row){.object = object_of("Case"), .body = parsed("{\"Status\":\"Closed\"}")};
    rehearse(write_row);
    CHECK_STR(stored("Case", given("Case", "{}"), "IsClosed"), "0");
}

TEST(interrupted, upsert_and_update)
{
    given_field("Contact", "{\"name\":\"Key__c\",\"type\":\"string\",\"externalId\":true}");
    given("Contact", "{\"FirstName\":\"Ann\",\"LastName\":\"Lee\",\"Key__c\":\"1\"}");
    kind = DML_UPSERT;
    row = (struct dml_row){.object = object_of("Contact"),
                           .key = sobject_field(object_of("Contact"), "Key__c"),
                           .body = parsed("{\"Key__c\":\"1\",\"LastName\":\"Ray\"}")};
    org_clock_shift(org, 1000);
    rehearse(write_row);
}

TEST(interrupted, delete_and_undelete_of_a_family)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *contact =
        given("Contact", arena_printf(arena, "{\"LastName\":\"L\",\"AccountId\":\"%s\"}", account));
    given("Task", arena_printf(arena, "{\"Subject\":\"x\",\"WhoId\":\"%s\"}", contact));
    given("Account", arena_printf(arena, "{\"Name\":\"Branch\",\"ParentId\":\"%s\"}", account));
    row = (struct dml_row){.object = object_of("Account"), .id = account};
    kind = DML_DELETE;
    rehearse(write_row);
    kind = DML_UNDELETE;
    rehearse(write_row);
    CHECK_STR(stored("Contact", contact, "IsDeleted"), "0");
}

TEST(interrupted, user)
{
    kind = DML_INSERT;
    options.system = true;
    const char *license = given("UserLicense", "{\"Name\":\"S\",\"LicenseDefinitionKey\":\"S\","
                                               "\"MasterLabel\":\"S\",\"Status\":\"Active\"}");
    const char *profile =
        given("Profile",
              arena_printf(arena, "{\"Name\":\"System Administrator\",\"UserLicenseId\":\"%s\"}",
                           license));
    row = (struct dml_row){
        .object = object_of("User"),
        .body = parsed(arena_printf(
            arena,
            "{\"Username\":\"bob@example.com\",\"LastName\":\"Ray\",\"Email\":\"bob@example.com\","
            "\"Alias\":\"bob\",\"CommunityNickname\":\"bob\",\"TimeZoneSidKey\":\"Europe/Berlin\","
            "\"LocaleSidKey\":\"en_US\",\"EmailEncodingKey\":\"UTF-8\","
            "\"LanguageLocaleKey\":\"en_US\",\"ProfileId\":\"%s\"}",
            profile))};
    rehearse(write_row);
    CHECK(org_user_by_name(org, "bob@example.com", NULL));
}

static enum status add_field(struct err *err)
{
    return org_add_field(org, "Account",
                         parsed("{\"name\":\"New__c\",\"type\":\"double\","
                                "\"externalId\":true}"),
                         err);
}

TEST(interrupted, new_field)
{
    rehearse(add_field);
    CHECK_STR(stored("Account", given("Account", "{\"Name\":\"A\",\"New__c\":1}"), "New__c"), "1");
}

static enum status put_rule(struct err *err)
{
    return org_put_rule(
        org, parsed("{\"name\":\"R\",\"object\":\"Account\",\"fields\":[\"Name\"]}"), err);
}

TEST(interrupted, rule)
{
    given("Account", "{\"Name\":\"A\"}");
    rehearse(put_rule);
    CHECK_CONTAINS(outcome(inserted("Account", "{\"Name\":\"a\"}")), "DUPLICATES_DETECTED");
}
