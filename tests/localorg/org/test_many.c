/* test_many.c - many rows, many shapes, many threads. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

EACH_TEST(given_org, org_gone)

#define THREADS 4
#define EACH    200

static atomic_int won, lost;

/* Every thread tries to create the same keys; each key may exist once. */
static void *racer(void *arg)
{
    struct arena *own = arena_new();
    struct sobject *account = schema_find(org_schema(org), "Account");
    for (int i = 0; i < EACH; i++) {
        struct err err = {0};
        char *text = arena_printf(own, "{\"Name\":\"A\",\"Key__c\":\"k%d\"}", i);
        struct dml_row row = {.object = account, .body = json_parse(own, text, strlen(text), &err)};
        struct dml_result result;
        if (org_dml(org, DML_INSERT, &options, &row, 1, &result, own, &err) != OK)
            continue;
        if (result.success)
            atomic_fetch_add(&won, 1);
        else if (strcmp(result.errors->status_code, "DUPLICATE_VALUE") == 0)
            atomic_fetch_add(&lost, 1);
        sqlite3 *db = org_reader_take(org); /* readers in between */
        sqlite3_exec(db, "SELECT COUNT(*) FROM Account", NULL, NULL, NULL);
        org_reader_give(org, db);
        arena_reset(own);
    }
    arena_free(own);
    return arg;
}

TEST(many, threads_race_for_a_unique_value_and_one_wins)
{
    given_field("Account", "{\"name\":\"Key__c\",\"type\":\"string\",\"unique\":true}");
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, racer, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&won), EACH);
    CHECK_INT(atomic_load(&lost), EACH * (THREADS - 1));
    CHECK_INT(counted("SELECT COUNT(DISTINCT Key__c) FROM Account"), EACH);
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), EACH);
}

static _Atomic bool growing;

/* Reads the schema while it grows, as requests do. */
static void *reader(void *arg)
{
    size_t *bad = arg;
    while (atomic_load(&growing)) {
        const struct sobject *account = schema_find(org_schema(org), "account");
        for (size_t i = 0; i < account->field_count; i++)
            *bad += sobject_field(account, account->fields[i]->name) == NULL;
        *bad += schema_by_prefix(org_schema(org), "001") != account;
    }
    return NULL;
}

TEST(many, readers_need_no_lock_while_the_schema_grows)
{
    size_t bad[2] = {0};
    pthread_t threads[2];
    atomic_store(&growing, true);
    for (size_t i = 0; i < 2; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, reader, &bad[i]), 0);
    struct err err = {0};
    enum status status = OK;
    for (int i = 0; i < 60 && status == OK; i++) {
        char *text = arena_printf(arena, "{\"name\":\"F%d__c\",\"type\":\"string\"}", i);
        status = org_add_field(org, "Account", json_parse(arena, text, strlen(text), &err), &err);
    }
    atomic_store(&growing, false);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK_OK(status, &err);
    CHECK_INT(bad[0] + bad[1], 0);
}

TEST(many, shapes_of_rows_are_all_written_right)
{
    static const char *const fields[] = {"Phone",    "Fax",         "Website",      "Site",
                                         "Industry", "Description", "TickerSymbol", "BillingCity"};
    for (unsigned mask = 0; mask < 256; mask++) {
        struct buf body = BUF_INIT;
        buf_printf(&body, "{\"Name\":\"N%u\"", mask);
        for (unsigned bit = 0; bit < 8; bit++)
            if (mask & (1u << bit))
                buf_printf(&body, ",\"%s\":\"v%u\"", fields[bit], bit);
        buf_char(&body, '}');
        const char *id = given("Account", buf_text(&body));
        buf_free(&body);
        for (unsigned bit = 0; bit < 8; bit++) {
            char wanted[8];
            snprintf(wanted, sizeof wanted, "v%u", bit);
            CHECK_STR(stored("Account", id, fields[bit]), mask & (1u << bit) ? wanted : NULL);
        }
    }
}

TEST(many, rows_in_one_call)
{
    enum { COUNT = 5000 };
    struct dml_row *list = arena_array(arena, COUNT, sizeof *list);
    for (int i = 0; i < COUNT; i++)
        list[i] = (struct dml_row){
            .object = object_of("Contact"),
            .body =
                parsed(arena_printf(arena, "{\"FirstName\":\"F%d\",\"LastName\":\"L%d\"}", i, i))};
    struct dml_result *results = rows(DML_INSERT, "Contact", list, COUNT);
    for (int i = 0; i < COUNT; i++)
        CHECK(results[i].success);
    CHECK_INT(counted("SELECT COUNT(*) FROM Contact WHERE Name LIKE 'F% L%'"), COUNT);
}

/* Every writable field of some objects is offered every odd value: each row is
 * answered, none breaks the org. */
TEST(many, odd_values_are_all_answered)
{
    static const char *const objects[] = {"Account", "Contact", "Lead",           "Opportunity",
                                          "Task",    "Case",    "CampaignMember", "User"};
    static const char *const odd[] = {"null",
                                      "true",
                                      "false",
                                      "0",
                                      "-1",
                                      "1e400",
                                      "-0.0",
                                      "123456789012345678901234567890",
                                      "1.5",
                                      "\"\"",
                                      "\" \"",
                                      "\"x\"",
                                      "\"true\"",
                                      "\"1e\"",
                                      "\".\"",
                                      "\"NaN\"",
                                      "\"0x10\"",
                                      "\"inf\"",
                                      "\"2026-02-30\"",
                                      "\"2026-02-28\"",
                                      "\"9999-12-31T23:59:59Z\"",
                                      "\"T\"",
                                      "\"12:60:00Z\"",
                                      "\"-1:-1:-1\"",
                                      "\"001\"",
                                      "\"001000000000000AAA\"",
                                      "\"005000000000000AAA\"",
                                      "\";;;\"",
                                      "\"@\"",
                                      "\"a@b.c\"",
                                      "\"\\u0000x\"",
                                      "\"\xf0\x9f\x98\x80\"",
                                      "[]",
                                      "{}",
                                      "[null]",
                                      "{\"Id\":1}",
                                      "{\"attributes\":{\"type\":\"Nope\"},\"Id\":\"x\"}",
                                      "{\"a\":1,\"b\":2}"};
    size_t answered = 0, done = 0;
    for (size_t o = 0; o < sizeof objects / sizeof *objects; o++) {
        struct sobject *object = object_of(objects[o]);
        for (size_t f = 0; f < object->field_count; f++) {
            const struct field *field = object->fields[f];
            struct dml_row list[2 * sizeof odd / sizeof *odd];
            size_t count = 0;
            for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
                const char *body =
                    arena_printf(arena, "{\"LastName\":\"L\",\"%s\":%s}", field->name, odd[i]);
                if (strcmp(objects[o], "Account") == 0 || field->relationship_name)
                    list[count++] = (struct dml_row){
                        .object = object,
                        .body = parsed(arena_printf(
                            arena, "{\"%s\":%s}",
                            field->relationship_name ? field->relationship_name : field->name,
                            odd[i]))};
                list[count++] = (struct dml_row){.object = object, .body = parsed(body)};
            }
            struct dml_result *results = rows(DML_INSERT, objects[o], list, count);
            for (size_t i = 0; i < count; i++) {
                CHECK(results[i].success != (results[i].errors != NULL));
                answered++;
                done += results[i].success;
            }
        }
    }
    CHECK(answered > 10000 && done > 100);
}

/* A full disk in the middle of a call: the call fails, nothing of it stays,
 * and the org goes on when there is room again. */
TEST(many, a_full_disk_leaves_nothing_half_done)
{
    struct err err = {0};
    given("Account", "{\"Name\":\"Before\"}");
    sqlite3 *db = org_write_begin(org);
    CHECK(db != NULL);
    int64_t pages = counted("SELECT page_count FROM pragma_page_count");
    char *limit = arena_printf(arena, "PRAGMA max_page_count = %lld", (long long)pages + 4);
    CHECK_INT(sqlite3_exec(db, limit, NULL, NULL, NULL), SQLITE_OK);
    CHECK_OK(org_write_end(org, true, &err), &err);

    enum { COUNT = 2000 };
    struct dml_row *list = arena_array(arena, COUNT, sizeof *list);
    struct dml_result *results = arena_array(arena, COUNT, sizeof *results);
    for (int i = 0; i < COUNT; i++)
        list[i] = (struct dml_row){.object = object_of("Account"),
                                   .body = parsed(arena_printf(arena, "{\"Name\":\"A%d\"}", i))};
    CHECK_FAIL(org_dml(org, DML_INSERT, &options, list, COUNT, results, arena, &err), &err, ERR_IO);
    CHECK_CONTAINS(err.message, "full");
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 1);

    db = org_write_begin(org);
    CHECK_INT(sqlite3_exec(db, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL), SQLITE_OK);
    CHECK_OK(org_write_end(org, true, &err), &err);
    CHECK_OK(org_dml(org, DML_INSERT, &options, list, COUNT, results, arena, &err), &err);
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), COUNT + 1);
}
