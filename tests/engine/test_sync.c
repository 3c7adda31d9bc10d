/* test_sync.c - a sync is complete or says that it is not. Guards engine/sync*.c. */
#include "engine/given.h"

#include "base/str.h"

#include <string.h>

EACH_TEST(given_begin, given_end)

#define LOOKUP "{\"connection\":\"prod\",\"object\":\"Lead\",\"match\":{\"Email\":\"{{Email}}\"}}"

static void given(int contacts)
{
    struct given_column column = {"Found", "salesforce_lookup", LOOKUP, NULL, TYPE_JSON};
    given_org("", contacts);
    given_table(&column, 1, NULL);
}

static enum status sync_full(bool full)
{
    err_clear(&g.err);
    return sync_table(&g.engine, "people", full, &g.sync, &g.err);
}

TEST(first, takes_everything_and_says_so)
{
    given(30);
    given_synced();
    CHECK(g.sync.complete);
    CHECK(g.sync.full);
    CHECK_INT(g.sync.counts.added, 30);
    CHECK_INT(g.sync.remote_count, 30);
    CHECK_CONTAINS(g.sync.statement, "complete as of 2026-11-2");
    CHECK_CONTAINS(g.sync.statement, "for Contact, 3 fields; 30 rows, the count query said 30");
    CHECK_STR(cell_value("Email", 30), "p30@x.org");
    CHECK_INT(cell_state("Found", 30), CELL_DUE);
}

TEST(next, takes_only_what_changed)
{
    given(30);
    given_synced();
    run_ok();
    scripted_set(g.org, "Contact", "003000000000004AAA", "Email", "\"new@x.org\"");
    given_synced();
    CHECK(!g.sync.full);
    CHECK(g.sync.complete);
    CHECK_INT(g.sync.counts.changed, 1);
    CHECK_INT(cell_state("Found", 4), CELL_DUE);
    CHECK(cell_state("Found", 5) != CELL_DUE);
    CHECK_STR(cell_value("Email", 4), "new@x.org");
}

TEST(next, change_of_a_field_nobody_reads_makes_nothing_due)
{
    given(3);
    given_synced();
    run_ok();
    scripted_set(g.org, "Contact", "003000000000001AAA", "Company", "\"other\"");
    given_synced();
    CHECK_INT(g.sync.counts.changed, 1);
    CHECK_INT(g.sync.counts.made_due, 0);
}

TEST(deleted, rows_are_marked)
{
    given(12);
    given_synced();
    scripted_delete(g.org, "Contact", "003000000000005AAA");
    given_synced();
    CHECK_INT(g.sync.counts.deleted, 1);
    CHECK_INT(g.sync.rows_now, 11);
    CHECK(g.sync.complete);
}

/* Records that appear with an old stamp (sharing, restored backups) are no window's business. */
TEST(sweep, finds_what_no_window_shows)
{
    given(12);
    given_synced();
    world_fake_advance(g.world, (int64_t)10 * 24 * 3600 * 1000);
    given_synced();
    CHECK_OK(scripted_add(g.org, "{}", &g.err), &g.err);
    int64_t table_calls = (int64_t)g.sync.calls;
    scripted_delete(g.org, "Contact", "003000000000002AAA"); /* stamp lies days back by now */
    given_synced();
    CHECK(g.sync.complete);
    CHECK_INT(g.sync.rows_now, 11);
    CHECK_INT(g.sync.counts.deleted, 1);
    CHECK((int64_t)g.sync.calls > table_calls);
}

TEST(sweep, wants_a_confirmation_for_many)
{
    given(40);
    given_synced();
    world_fake_advance(g.world, (int64_t)10 * 24 * 3600 * 1000);
    given_synced();
    for (int i = 1; i <= 30; i++) {
        char id[19];
        snprintf(id, sizeof id, "003%012dAAA", i);
        scripted_delete(g.org, "Contact", id);
    }
    CHECK_FAIL(sync_full(false), &g.err, "sync.too_many_gone");
    CHECK(!g.sync.complete);
    CHECK_CONTAINS(g.sync.statement, "NOT complete");
    CHECK_OK(sync_full(true), &g.err);
    CHECK_INT(g.sync.rows_now, 10);
}

TEST(empty, is_an_error_until_confirmed)
{
    given(20);
    given_synced();
    for (int i = 1; i <= 20; i++) {
        char id[19];
        snprintf(id, sizeof id, "003%012dAAA", i);
        scripted_delete(g.org, "Contact", id);
    }
    CHECK_FAIL(sync_full(false), &g.err, "sync.empty");
    CHECK_STR(cell_value("Email", 20), "p20@x.org");
    CHECK_OK(sync_full(true), &g.err);
    CHECK_INT(g.sync.rows_now, 0);
    CHECK(g.sync.complete);
}

TEST(network, failure_keeps_the_pages_that_came)
{
    given(40);
    CHECK_OK(scripted_add(g.org, "{\"fail\":[{\"call\":\"read\"}]}", &g.err), &g.err);
    CHECK_FAIL(sync_full(false), &g.err, ERR_CRM_UNREACHABLE);
    CHECK(!g.sync.complete);
    given_synced();
    CHECK_INT(g.sync.rows_now, 40);
    CHECK(g.sync.complete);
}

TEST(org, that_changed_is_refused)
{
    given(3);
    given_synced();
    struct connection connection;
    CHECK_OK(g.store->does->connection_get(g.store, g.arena, "prod", &connection, &g.err), &g.err);
    connection.org_id = "00D000000000099EAA";
    struct crm_tokens tokens = {0};
    CHECK_FAIL(engine_connect(&g.engine, &connection, &tokens, &g.err), &g.err, ERR_CRM_WRONG_ORG);
    CHECK_OK(g.store->does->connection_put(g.store, &connection, &g.err), &g.err);
    CHECK_FAIL(sync_full(false), &g.err, ERR_CRM_WRONG_ORG);
}

/* As describe shows it after an administrator renamed the field. */
static void rename_field(const char *object, const char *field, const char *to)
{
    struct connection connection = {0};
    struct crm_session *session = scripted_connector.open(g.world, &connection, NULL, &g.err);
    const struct crm_object *described = scripted_connector.describe(session, object, &g.err);
    ((struct crm_field *)crm_object_field(described, field))->name = to;
    scripted_connector.close(session);
}

TEST(field, that_is_gone_keeps_its_values)
{
    given(3);
    given_synced();
    rename_field("Contact", "Company", "Firm__c");
    scripted_set(g.org, "Contact", "003000000000002AAA", "LastName", "\"B\"");
    scripted_set(g.org, "Contact", "003000000000002AAA", "Company", "null");
    given_synced();
    CHECK(g.sync.complete);
    CHECK_CONTAINS(g.sync.statement, "no longer readable, values kept as they were: Company");
    CHECK_STR(cell_value("LastName", 2), "B");
    CHECK_STR(cell_value("Company", 2), "Firm 2");
}

TEST(auto_update, off_makes_nothing_due_but_says_what_waits)
{
    given(3);
    struct table table;
    CHECK_OK(g.store->does->table_get(g.store, g.arena, "people", &table, &g.err), &g.err);
    CHECK_OK(g.store->does->table_set_auto_update(g.store, table.id, false, &g.err), &g.err);
    given_synced();
    CHECK_INT(g.sync.counts.made_due, 0);
    CHECK_CONTAINS(g.sync.statement, "auto-update is off: 3 rows wait");
    run_ok(); /* a person's run computes what is empty */
    CHECK_INT(cell_state("Found", 1), CELL_NO_RESULT);
}

TEST(our_write, coming_back_triggers_nothing)
{
    struct given_column columns[] = {
        {"Ref", "salesforce_lookup",
         "{\"connection\":\"prod\",\"object\":\"Contact\",\"match\":{\"Email\":\"{{Email}}\"}}",
         NULL, TYPE_TEXT},
        {"Back", "salesforce_update",
         "{\"connection\":\"prod\",\"object\":\"Contact\",\"id\":\"{{Ref}}\","
         "\"set\":{\"Company\":\"New {{LastName}}\"}}",
         NULL, TYPE_JSON},
        {"Other", "salesforce_lookup",
         "{\"connection\":\"prod\",\"object\":\"Lead\",\"match\":{\"Company\":\"{{Company}}\"}}",
         NULL, TYPE_JSON},
    };
    given_org("", 3);
    given_table(columns, 3, NULL);
    given_synced();
    run_ok();
    CHECK_INT(g.report.updated, 3);
    given_synced();
    CHECK_INT(g.sync.counts.echoes, 3);
    CHECK_INT(g.sync.counts.made_due, 0);
    CHECK_STR(cell_value("Company", 1), "New Person 1");
    int exchanges = g.exchanges;
    run_ok();
    CHECK_INT(g.exchanges, exchanges);
}
