/* test_org.c - the org itself: what it keeps when closed, its clock, its
 * people, and transactions within transactions. */
#include "fixture.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

EACH_TEST(given_org, org_gone)

static char *file_made(void)
{
    char *path = arena_strdup(arena, "/tmp/test_org_XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    return path;
}

static void file_gone(const char *path)
{
    unlink(path);
    unlink(arena_printf(arena, "%s-wal", path));
    unlink(arena_printf(arena, "%s-shm", path));
}

TEST(org, comes_back_from_its_file)
{
    struct err err = {0};
    char *path = file_made();
    given_org_file(path);
    char *org_id = arena_strdup(arena, org_id18(org));
    given_object("{\"name\":\"Thing__c\",\"fields\":[{\"name\":\"Key__c\",\"type\":\"string\","
                 "\"externalId\":true}]}");
    given_field("Thing__c", "{\"name\":\"More__c\",\"type\":\"double\"}");
    given_rule("{\"name\":\"R\",\"object\":\"Thing__c\",\"fields\":[\"Key__c\"]}");
    const char *thing = given("Thing__c", "{\"Name\":\"One\",\"Key__c\":\"k\",\"More__c\":2}");
    CHECK_STR(stored("Case", given("Case", "{}"), "CaseNumber"), "00000001");
    CHECK_OK(org_user_set_password(org, "ann@example.com", "pw", &err), &err);
    CHECK_OK(org_deny(org, admin, "Account", "Phone", ORG_READ, &err), &err);
    org_clock_shift(org, 86400000);
    int64_t now = org_now_ms(org);
    size_t objects = schema_count(org_schema(org));

    given_org_file(path);
    CHECK_STR(org_id18(org), org_id);
    CHECK_INT(org_now_ms(org), now);
    CHECK_INT(schema_count(org_schema(org)), objects);
    CHECK_STR(object_of("Thing__c")->key_prefix, "a00");
    CHECK(sobject_field(object_of("Thing__c"), "More__c") != NULL);
    CHECK_STR(stored("Thing__c", thing, "Key__c"), "k");
    CHECK_CONTAINS(outcome(inserted("Thing__c", "{\"Key__c\":\"K\"}")), "DUPLICATES_DETECTED");
    const char *next = given("Thing__c", "{\"Key__c\":\"other\"}");
    CHECK(memcmp(next, thing, 15) > 0);
    CHECK_STR(stored("Case", given("Case", "{}"), "CaseNumber"), "00000002");
    CHECK(org_user_check_password(org, "ann@example.com", "pw"));
    CHECK_CONTAINS(outcome(inserted("Account", "{\"Name\":\"A\",\"Phone\":\"1\"}")),
                   "No such column 'Phone'");
    file_gone(path);
}

TEST(org, has_an_id_made_from_its_seed)
{
    struct err err = {0};
    struct org_options how = {.world = world, .seed = 7};
    struct org *same = org_open(&how, &err);
    how.seed = 8;
    struct org *other = org_open(&how, &err);
    CHECK_STR(org_id18(same), org_id18(org));
    CHECK(strcmp(org_id18(other), org_id18(org)) != 0);
    CHECK_MEM(org_id18(org), 3, "00D", 3);
    CHECK_INT(strlen(org_id15(org)), 15);
    CHECK_MEM(org_id15(org), 15, org_id18(org), 15);
    org_close(same);
    org_close(other);
}

TEST(org, has_a_clock_to_turn)
{
    CHECK_INT(org_now_ms(org), STARTED_MS);
    world_fake_advance(world, 1000);
    CHECK_INT(org_now_ms(org), STARTED_MS + 1000);
    org_clock_freeze(org, true);
    world_fake_advance(world, 1000);
    CHECK_INT(org_now_ms(org), STARTED_MS + 1000);
    org_clock_shift(org, 500);
    CHECK_INT(org_now_ms(org), STARTED_MS + 1500);
    org_clock_freeze(org, false);
    CHECK_INT(org_now_ms(org), STARTED_MS + 2500);
}

TEST(org, leaves_nothing_of_a_temporary_file)
{
    struct err err = {0};
    struct org_options how = {.world = world};
    char *before = getenv("TMPDIR") ? arena_strdup(arena, getenv("TMPDIR")) : NULL;
    char directory[] = "/tmp/test_org_dir_XXXXXX";
    CHECK(mkdtemp(directory) != NULL);
    setenv("TMPDIR", directory, 1);
    struct org *small = org_open(&how, &err);
    CHECK_GOT(small, &err);
    org_reader_give(small, org_reader_take(small));
    org_close(small);
    CHECK_INT(rmdir(directory), 0); /* empty again */
    if (before)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
}

TEST(org, refuses_a_file_that_is_none)
{
    struct err err = {0};
    struct org_options how = {.world = world, .path = "/nowhere/at/all.db"};
    CHECK(org_open(&how, &err) == NULL);
    CHECK(err_is(&err, ERR_IO));
}

TEST(transactions, nest)
{
    struct err err = {0};
    CHECK(org_write_begin(org) != NULL);
    const char *one = given("Account", "{\"Name\":\"One\"}");
    CHECK_STR(stored("Account", one, "Name"), "One"); /* the writer reads its own */
    CHECK(org_write_begin(org) != NULL);
    const char *two = given("Account", "{\"Name\":\"Two\"}");
    CHECK_OK(org_write_end(org, false, &err), &err);
    CHECK_STR(stored("Account", two, "Name"), NULL);
    options.all_or_none = true;
    insert_all("Account", "[{\"Name\":\"Three\"},{}]");
    CHECK_OK(org_write_end(org, true, &err), &err);
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 1);
    CHECK_STR(stored("Account", one, "Name"), "One");
}

TEST(transactions, undo_records_but_never_use_an_id_twice)
{
    struct err err = {0};
    CHECK(org_write_begin(org) != NULL);
    const char *lost = given("Account", "{\"Name\":\"Lost\"}");
    CHECK_OK(org_write_end(org, false, &err), &err);
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 0);
    CHECK(memcmp(given("Account", "{\"Name\":\"Kept\"}"), lost, 15) > 0);
}

TEST(people, go_with_their_transaction)
{
    struct err err = {0};
    struct org_user user = {.id = "005000000000009", .username = "x@example.com", .active = true};
    CHECK(org_write_begin(org) != NULL);
    CHECK_OK(org_put_user(org, &user, &err), &err);
    CHECK_OK(org_write_end(org, false, &err), &err);
    CHECK(!org_user_by_name(org, "x@example.com", NULL));
    CHECK_OK(org_put_user(org, &user, &err), &err);
    CHECK(org_user_by_name(org, "x@example.com", &user));
    CHECK_STR(user.id, "005000000000009AAA");
    CHECK_FAIL(org_user_set_password(org, "nobody", "x", &err), &err, ERR_NOT_FOUND);
    CHECK(!org_user_check_password(org, "x@example.com", "")); /* no password yet */
}

TEST(access, is_what_describe_allows_less_what_was_denied)
{
    struct err err = {0};
    const struct sobject *account = object_of("Account");
    const struct field *phone = sobject_field(account, "Phone");
    CHECK(org_may_object(org, admin, account, ORG_READ));
    CHECK(org_may_field(org, admin, phone, ORG_UPDATE));
    CHECK(!org_may_field(org, admin, sobject_field(account, "CreatedDate"), ORG_UPDATE));
    CHECK_OK(org_deny(org, admin, "account", "phone", ORG_UPDATE, &err), &err);
    CHECK(!org_may_field(org, admin, phone, ORG_UPDATE));
    CHECK(org_may_field(org, admin, phone, ORG_READ));
    CHECK_OK(org_deny(org, admin, "Account", NULL, ORG_READ, &err), &err);
    CHECK(!org_may_object(org, admin, account, ORG_READ));
    CHECK(!org_may_object(org, admin, account, ORG_CREATE)); /* what one cannot see */
    CHECK(org_may_object(org, NULL, account, ORG_CREATE));
    CHECK_OK(org_deny(org, admin, "Account", NULL, 0, &err), &err);
    CHECK(org_may_object(org, admin, account, ORG_CREATE));
    CHECK_FAIL(org_deny(org, admin, "Account", "Nope", 1, &err), &err, ERR_NOT_FOUND);
    CHECK_FAIL(org_deny(org, "005000000000009", "Account", NULL, 1, &err), &err, ERR_NOT_FOUND);
}

TEST(schema, may_grow_under_records)
{
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    CHECK_CONTAINS(outcome(updated("Account", id, "{\"Size__c\":3}")), "No such column 'Size__c'");
    given_field("Account", "{\"name\":\"Size__c\",\"type\":\"double\"}");
    CHECK_OUTCOME(updated("Account", id, "{\"Size__c\":3}"), "done");
    CHECK_STR(stored("Account", id, "Size__c"), "3");
    uint64_t changes = org_changes(org, object_of("Account"));
    CHECK_OUTCOME(updated("Account", id, "{\"Size__c\":4}"), "done");
    CHECK_INT(org_changes(org, object_of("Account")), changes + 1);
}
