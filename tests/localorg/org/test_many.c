/* test_many.c - many rows, many shapes, many threads. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

EACH_TEST(given_org, org_gone)

#define THREADS 4
#define EACH 200

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
    static const char *const fields[] = {"Phone", "Fax", "Website", "Site", "Industry", "Description",
                                         "TickerSymbol", "BillingCity"};
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
            .body = parsed(arena_printf(arena, "{\"FirstName\":\"F%d\",\"LastName\":\"L%d\"}", i, i))};
    struct dml_result *results = rows(DML_INSERT, "Contact", list, COUNT);
    for (int i = 0; i < COUNT; i++)
        CHECK(results[i].success);
    CHECK_INT(counted("SELECT COUNT(*) FROM Contact WHERE Name LIKE 'F% L%'"), COUNT);
}
