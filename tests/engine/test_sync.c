/* test_sync.c - a sync is complete or says that it is not. Guards engine/sync*.c. */
#include "engine/given.h"

#include "base/str.h"

#include <stdio.h>
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

/* An org on this machine is read into the second that runs: a record may still get its stamp. */
TEST(next, claims_no_second_that_is_not_over)
{
    given(3);
    given_synced();
    world_fake_advance(g.world, 60 * 1000);
    scripted_set(g.org, "Contact", "003000000000001AAA", "Email", "\"new@x.org\"");
    given_synced();
    CHECK_INT(g.sync.counts.changed, 1);
    CHECK(g.sync.as_of_ms <= g.world->now_ms(g.world) / 1000 * 1000);
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
    given_synced(); /* all Ids were compared a week ago and more */
    given_synced();
    int64_t table_calls = (int64_t)g.sync.calls;
    scripted_delete(g.org, "Contact", "003000000000002AAA"); /* stamp lies days back by now */
    given_synced();
    CHECK(g.sync.complete);
    CHECK_INT(g.sync.rows_now, 11);
    CHECK_INT(g.sync.counts.deleted, 1);
    CHECK((int64_t)g.sync.calls > table_calls);
}

#define DAY ((int64_t)24 * 3600 * 1000)

static const char *contact(int i)
{
    return arena_printf(g.arena, "003%012dAAA", i);
}

/* As many hidden as new: the counts agree, and both are wrong. */
TEST(sweep, row_95_now_and_then_although_the_counts_agree)
{
    given(30);
    given_synced();
    world_fake_advance(g.world, 2 * DAY);
    scripted_hide(g.org, "Contact", contact(3), true);
    given_synced();
    CHECK(!g.sync.complete || g.sync.rows_now == 29); /* one less: compared at once */
    scripted_hide(g.org, "Contact", contact(3), false);
    given_synced();
    CHECK_INT(g.sync.rows_now, 30);
    CHECK_STR(cell_value("Email", 3), "p3@x.org");
    world_fake_advance(g.world, 8 * DAY);
    given_synced();
    CHECK_CONTAINS(g.sync.statement, "all Ids were compared");
    given_synced();
    CHECK(!strstr(g.sync.statement, "all Ids were compared"));
}

TEST(sweep, row_97_a_record_deleted_while_the_load_ran_leaves_no_ghost)
{
    given(20);
    die_at("K16", 3); /* two pages of seven are in */
    CHECK_FAIL(sync_full(false), &g.err, ERR_STORE_BROKEN);
    given_reborn();
    scripted_delete(g.org, "Contact", contact(2)); /* was read before the kill */
    given_synced();
    CHECK(g.sync.complete);
    CHECK_INT(g.sync.rows_now, 19);
}

TEST(sweep, row_98_a_sharing_rule_that_hides_a_third_deletes_nothing_unasked)
{
    given(40);
    given_synced();
    for (int i = 1; i <= 24; i++)
        scripted_hide(g.org, "Contact", contact(i), true);
    CHECK_FAIL(sync_full(false), &g.err, "sync.too_many_gone");
    CHECK_INT(g.sync.counts.deleted, 0);
    for (int i = 1; i <= 24; i++)
        scripted_hide(g.org, "Contact", contact(i), false);
    given_synced();
    CHECK(g.sync.complete);
    CHECK_INT(g.sync.rows_now, 40);
}

TEST(sweep, row_100_a_read_that_was_short_is_not_believed)
{
    given(30);
    scripted_short(g.org, 2); /* the first load loses two records without an error */
    given_synced();
    CHECK(g.sync.complete); /* they were fetched: the Ids told */
    CHECK_INT(g.sync.rows_now, 30);
    CHECK_CONTAINS(g.sync.statement, "announced 2 records more than it gave");
    CHECK_CONTAINS(g.sync.statement, "all Ids were compared");
}

/* The Ids themselves are short: what is not among them is not gone. */
TEST(sweep, row_100_short_ids_delete_nothing)
{
    given(30);
    given_synced();
    world_fake_advance(g.world, 8 * DAY);
    given_synced();
    world_fake_advance(g.world, 8 * DAY);
    /* window, gone, then the Ids: the third read is the short one */
    scripted_delete(g.org, "Contact", contact(30));
    given_synced();
    CHECK_INT(g.sync.rows_now, 29);
    world_fake_advance(g.world, 8 * DAY);
    scripted_short(g.org, 2); /* nothing changed: only the reading of Ids has two to lose */
    given_synced();
    CHECK_INT(g.sync.counts.deleted, 0);
    CHECK_INT(g.sync.rows_now, 29);
    CHECK_CONTAINS(g.sync.statement, "nothing was marked as deleted");
}

TEST(sweep, row_51_another_user_of_the_org_deletes_nothing_the_first_time)
{
    struct connection connection;
    given(30);
    given_synced();
    CHECK_OK(g.store->does->connection_get(g.store, g.arena, "prod", &connection, &g.err), &g.err);
    connection.user_id = "005000000000077AAA";
    CHECK_OK(g.store->does->connection_put(g.store, &connection, &g.err), &g.err);
    scripted_hide(g.org, "Contact", contact(7), true);
    given_synced();
    CHECK(!g.sync.complete);
    CHECK_CONTAINS(g.sync.statement, "the connected user changed");
    CHECK_INT(g.sync.counts.deleted, 0);
    given_synced(); /* who is connected now is known */
    CHECK_INT(g.sync.counts.deleted, 1);
    CHECK(g.sync.complete);
}

TEST(sweep, K17_killed_before_it_deletes_it_begins_again)
{
    given(12);
    given_synced();
    scripted_hide(g.org, "Contact", contact(5), true);
    die_at("K17", 1);
    CHECK_FAIL(sync_full(false), &g.err, ERR_STORE_BROKEN);
    given_reborn();
    CHECK_STR(cell_value("Email", 5), "p5@x.org");
    given_synced();
    CHECK_INT(g.sync.counts.deleted, 1);
    CHECK_INT(g.sync.rows_now, 11);
    CHECK(g.sync.complete);
}

TEST(deleted, merged_records_are_told)
{
    given(12);
    given_synced();
    scripted_set(g.org, "Contact", contact(4), "MasterRecordId", "\"003000000000001AAA\"");
    scripted_delete(g.org, "Contact", contact(4));
    scripted_delete(g.org, "Contact", contact(5));
    given_synced();
    CHECK_INT(g.sync.counts.deleted, 2);
    CHECK_CONTAINS(g.sync.statement, "1 of the deleted were merged into other records");
}

/* --------------------------------------------------------------- formulas */

static void make_formula(const char *object, const char *field)
{
    struct connection connection = {0};
    struct crm_session *session = scripted_connector.open(g.world, &connection, NULL, &g.err);
    const struct crm_object *described = scripted_connector.describe(session, object, &g.err);
    ((struct crm_field *)crm_object_field(described, field))->calculated = true;
    scripted_connector.close(session);
}

TEST(formulas, row_105_are_read_again_on_their_own_schedule)
{
    given(12);
    make_formula("Contact", "Company");
    given_synced();
    scripted_move(g.org, "Contact", contact(3), "Company", "\"As of today\"");
    scripted_move(g.org, "Contact", contact(4), "LastName", "\"No formula\"");
    world_fake_advance(g.world, 2 * DAY);
    given_synced(); /* no window shows it */
    CHECK_INT(g.sync.counts.changed, 0);
    CHECK_CONTAINS(g.sync.statement, "formula fields as of 2026-11-2");
    world_fake_advance(g.world, 6 * DAY);
    given_synced();
    CHECK_INT(g.sync.counts.changed, 1);
    CHECK_CONTAINS(g.sync.statement, "1 rows had changed without a new time stamp");
    CHECK_CONTAINS(g.sync.statement, "formula fields as of 2026-12-01");
    CHECK_STR(cell_value("Company", 3), "As of today");
    CHECK_STR(cell_value("LastName", 4), "Person 4"); /* not a formula: not read */
    CHECK(!g.sync.full);
    given_synced();
    CHECK(!strstr(g.sync.statement, "without a new time stamp"));
}

TEST(formulas, a_refresh_that_was_killed_goes_on)
{
    given(30);
    make_formula("Contact", "Company");
    given_synced();
    for (int i = 1; i <= 30; i++)
        scripted_move(g.org, "Contact", contact(i), "Company", "\"moved\"");
    world_fake_advance(g.world, 8 * DAY);
    /* phases of the window are three, the refresh begins with one, then its pages */
    die_at("K16", 6);
    CHECK_FAIL(sync_full(false), &g.err, ERR_STORE_BROKEN);
    given_reborn();
    CHECK_STR(cell_value("Company", 1), "moved");
    CHECK_STR(cell_value("Company", 30), "Firm 30");
    given_synced();
    CHECK_STR(cell_value("Company", 30), "moved");
    CHECK(g.sync.complete);
}

/* A record made after the window is not half there because of the refresh. */
TEST(formulas, of_records_that_are_not_there_are_left_alone)
{
    given(12);
    make_formula("Contact", "Company");
    given_synced();
    scripted_delete(g.org, "Contact", contact(6));
    given_synced();
    world_fake_advance(g.world, 8 * DAY);
    given_synced();
    CHECK_INT(g.sync.rows_now, 11);
    CHECK_INT(g.sync.counts.added, 0);
    CHECK(g.sync.complete);
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

static void given_answering_org(void)
{
    struct given_column columns[] = {
        {"Ref", "salesforce_lookup",
         "{\"connection\":\"prod\",\"object\":\"Contact\",\"match\":{\"Email\":\"{{Email}}\"}}",
         NULL, TYPE_TEXT},
        {"Back", "salesforce_update",
         "{\"connection\":\"prod\",\"object\":\"Contact\",\"id\":\"{{Ref}}\","
         "\"set\":{\"Company\":\"New {{LastName}}\"}}",
         NULL, TYPE_JSON},
    };
    given_org("", 2);
    given_table(columns, 2, NULL);
    given_synced();
    run_ok();
}

/* As a flow would that changes the name whenever the company changes. */
static void org_answers(int i)
{
    char name[20];
    snprintf(name, sizeof name, "\"N%d\"", i);
    scripted_set(g.org, "Contact", contact(1), "LastName", name);
    world_fake_advance(g.world, 20 * 1000);
    CHECK_OK(sync_full(i > 7), &g.err); /* the scripted org's clock stands: a window would pass */
}

TEST(loop, columns_that_feed_each_other_are_cut_and_named)
{
    given_answering_org();
    int written = g.exchanges;
    for (int i = 1; i <= 10; i++) {
        org_answers(i);
        run_ok();
    }
    CHECK_INT(g.exchanges - written, 5); /* the sixth answer was one too many */
    CHECK_INT(cell_state("Back", 1), CELL_REFUSED);
    CHECK_STR(cell_code("Back", 1), "loop.broken");
    CHECK_INT(cell_state("Back", 2), CELL_OK);
    struct cell cell;
    int64_t row = 1;
    CHECK_OK(g.store->does->cells(g.store, g.arena, 1, column_id("Back"), &row, 1, &cell, &g.err),
             &g.err);
    CHECK_CONTAINS(cell.message, "`LastName` and `Back` feed each other");
    CHECK_STR(cell_value("LastName", 1), "N10"); /* what comes in still comes in */
}

TEST(loop, that_has_rested_goes_on)
{
    given_answering_org();
    for (int i = 1; i <= 7; i++) {
        org_answers(i);
        run_ok();
    }
    CHECK_INT(cell_state("Back", 1), CELL_REFUSED);
    world_fake_advance(g.world, (int64_t)3 * 3600 * 1000);
    org_answers(8); /* by a person: nothing of ours came before */
    CHECK_INT(cell_state("Back", 1), CELL_DUE);
}
