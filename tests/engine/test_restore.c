/* test_restore.c - an old copy of the workspace is put back after more was written
 * (reliability K21, matrix 16). Guards engine/restore.c, its part of reconcile.c, and
 * store/sqlite's backup, holds and lineage together. */
#include "engine/given.h"
#include "engine/journal.h"
#include "engine/restore.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

EACH_TEST(given_begin, given_end)

#define SET                                                                                        \
    "\"connection\":\"prod\",\"object\":\"Lead\",\"set\":{\"LastName\":\"{{LastName}}\","          \
    "\"Company\":\"{{Company}}\",\"Email\":\"{{Email}}\"}"
#define CREATE "{" SET "}"
#define KEYED                                                                                      \
    "{\"connection\":\"prod\",\"object\":\"Lead\",\"set\":{\"LastName\":\"{{LastName}}\","         \
    "\"Company\":\"{{Company}}\",\"Email\":\"{{Email}}\",\"Key__c\":\"{{Email}}\"},"               \
    "\"unless_found\":{\"Key__c\":\"{{Email}}\"}}"
#define TEXT_FIELD(name, more)                                                                     \
    ",{\"name\":\"" name "\",\"type\":\"string\",\"length\":80,\"createable\":true,"               \
    "\"updateable\":true,\"nillable\":true,\"filterable\":true" more "}"
#define SEAL                                                                                       \
    TEXT_FIELD("Argil_Key__c", ",\"unique\":true,\"externalId\":true,\"caseSensitive\":true")
#define KEY TEXT_FIELD("Key__c", ",\"unique\":true,\"externalId\":true")

static void given(const char *kind, const char *config, const char *extra, int contacts)
{
    struct given_column column = {"Lead", kind, config, NULL, TYPE_JSON};
    given_org(extra, contacts);
    given_table(&column, 1, NULL);
    given_synced();
}

static void advance(void)
{
    world_fake_advance(g.world, 60 * 1000);
}

static void run_first(int rows)
{
    g.options.limit = rows;
    run_ok();
    g.options.limit = 0;
    advance();
}

static void recover(void)
{
    memset(&g.report, 0, sizeof g.report);
    CHECK_OK(journal_recover(&g.engine, &g.report, &g.err), &g.err);
}

static struct store_hold hold_now(void)
{
    struct store_hold *list;
    size_t count;
    CHECK_OK(g.store->does->holds->list(g.store, g.arena, &list, &count, &g.err), &g.err);
    CHECK_INT(count, 1);
    return list[0];
}

static void release(void)
{
    CHECK_OK(g.store->does->holds->release(g.store, hold_now().connection_id, "ann", false, &g.err),
             &g.err);
    advance();
}

/* Nothing leaves while it is held, however often somebody tries. */
static void try_while_held(void)
{
    int before = g.exchanges;
    size_t there = leads();
    CHECK(hold_now().released_ms == 0);
    for (int i = 0; i < 2; i++) {
        run_ok();
        world_fake_advance(g.world, 60 * 60 * 1000);
    }
    CHECK_INT(g.exchanges, before);
    CHECK_INT(leads(), there);
}

static void check_one_lead_each(int contacts)
{
    char email[32];
    CHECK_INT(leads(), contacts);
    for (int i = 1; i <= contacts; i++) {
        snprintf(email, sizeof email, "p%d@x.org", i);
        CHECK(lead_with(email) != NULL);
    }
}

/* Three are written, a backup; three more are written; the backup is put back. */
static void lose_three_of_six(const char *kind, const char *config, const char *extra)
{
    given(kind, config, extra, 6);
    run_first(3);
    given_backup("old");
    advance();
    run_ok();
    CHECK_INT(leads(), 6);
    advance();
    given_restored("old");
    CHECK(g.store->found_copy != NULL);
    CHECK_INT(ops().total, 3); /* what this copy knows */
    try_while_held();
    recover();
    release();
    run_ok();
    world_fake_advance(g.world, 60 * 60 * 1000);
    run_ok();
    check_one_lead_each(6);
}

TEST(restore, sealed_writes_of_the_lost_time_are_adopted)
{
    lose_three_of_six("salesforce_create", CREATE, SEAL);
    CHECK_INT(ops().by_state[OP_DONE], 6);
    CHECK(op_of("Lead", 5).adopted);
    CHECK(!op_of("Lead", 2).adopted);
}

TEST(restore, keyed_writes_of_the_lost_time_are_adopted)
{
    lose_three_of_six("salesforce_create", KEYED, KEY);
    CHECK_CONTAINS(cell_value("Lead", 5), lead_with("p5@x.org")); /* found, so not made */
}

TEST(restore, upserts_of_the_lost_time_make_nothing_new)
{
    lose_three_of_six("salesforce_upsert",
                      "{\"connection\":\"prod\",\"object\":\"Lead\",\"external_id\":\"Key__c\","
                      "\"set\":{\"Key__c\":\"{{Email}}\",\"Email\":\"{{Email}}\"}}",
                      KEY);
}

/* No key guards these: they are looked for among what the user made in the lost time. */
TEST(restore, findable_writes_of_the_lost_time_are_found_by_their_values)
{
    lose_three_of_six("salesforce_create", CREATE, "");
    CHECK_INT(op_of("Lead", 5).mode, MODE_FINDABLE);
    CHECK(op_of("Lead", 5).adopted);
}

TEST(restore, what_the_lost_time_did_not_make_is_made_once)
{
    given("salesforce_create", CREATE, "", 4);
    run_first(2);
    given_backup("old");
    advance();
    given_restored("old");
    recover();
    release();
    run_ok(); /* looked for first, once a late request can no longer be under way */
    world_fake_advance(g.world, 60 * 60 * 1000);
    run_ok();
    check_one_lead_each(4);
    CHECK_INT(ops().by_state[OP_DONE], 4);
}

/* Planned and not sent when the backup was taken; sent afterwards. */
static void planned_then_sent(const char *extra)
{
    given("salesforce_create", CREATE, extra, 4);
    die_at("K2", 1);
    CHECK_FAIL(run(), &g.err, ERR_STORE_BROKEN);
    given_reborn();
    CHECK_INT(ops().by_state[OP_PLANNED], 4);
    given_backup("old");
    advance();
    run_ok();
    check_one_lead_each(4);
    given_restored("old");
    CHECK_INT(ops().by_state[OP_UNKNOWN], 4);
    try_while_held();
    CHECK_INT(ops().by_state[OP_DONE], 4); /* found while held: that only reads */
    release();
    run_ok();
    check_one_lead_each(4);
}

TEST(restore, what_was_planned_is_looked_for_before_it_is_sent)
{
    planned_then_sent(SEAL);
}

TEST(restore, what_was_planned_without_a_key_is_found_by_its_values)
{
    planned_then_sent("");
}

TEST(restore, what_was_planned_and_never_sent_is_sent_after_the_release)
{
    given("salesforce_create", CREATE, SEAL, 3);
    die_at("K2", 1);
    CHECK_FAIL(run(), &g.err, ERR_STORE_BROKEN);
    given_reborn();
    given_backup("old");
    given_restored("old");
    try_while_held();
    CHECK_INT(leads(), 0);
    CHECK(g.report.paused);
    CHECK_STR(g.report.refusals[0].code, "sending.held");
    CHECK_INT(ops().by_state[OP_RETRY_SAFE], 3);
    release();
    run_ok();
    check_one_lead_each(3);
}

TEST(restore, what_was_under_way_is_looked_for)
{
    given("salesforce_create", CREATE, SEAL, 3);
    die_at("K4", 1);
    CHECK_FAIL(run(), &g.err, ERR_STORE_BROKEN);
    given_reborn();
    CHECK_INT(ops().by_state[OP_SENDING], 3);
    given_backup("old");
    run_ok();
    check_one_lead_each(3);
    given_restored("old");
    recover();
    CHECK_INT(ops().by_state[OP_DONE], 3);
}

/* ----------------------------------------------------------------- updates */

#define UPDATE                                                                                     \
    "{\"connection\":\"prod\",\"object\":\"Contact\",\"id\":\"{{Ref}}\","                          \
    "\"set\":{\"Company\":\"new {{LastName}}\"},\"if_changed\":\"ours\"}"

static void given_planned_update(void)
{
    struct given_column columns[] = {
        {"Ref", "salesforce_lookup",
         "{\"connection\":\"prod\",\"object\":\"Contact\",\"match\":{\"Email\":\"{{Email}}\"}}",
         NULL, TYPE_TEXT},
        {"Back", "salesforce_update", UPDATE, NULL, TYPE_JSON},
    };
    given_org("", 1);
    given_table(columns, 2, NULL);
    given_synced();
    die_at("K2", 1);
    CHECK_FAIL(run(), &g.err, ERR_STORE_BROKEN);
    given_reborn();
    given_backup("old");
    advance();
}

static void company(const char *json)
{
    scripted_set(g.org, "Contact", "003000000000001AAA", "Company", json);
}

static const char *company_now(void)
{
    return scripted_field(g.org, "Contact", "003000000000001AAA", "Company");
}

TEST(restore, an_update_that_was_made_is_adopted)
{
    given_planned_update();
    run_ok();
    given_restored("old");
    recover();
    CHECK_INT(op_of("Back", 1).state, OP_DONE);
    CHECK(op_of("Back", 1).adopted);
}

TEST(restore, an_old_update_never_wins_over_newer_values)
{
    given_planned_update();
    run_ok();
    company("\"newer still\"");
    given_restored("old");
    recover();
    release();
    run_ok();
    CHECK_INT(op_of("Back", 1).state, OP_IN_DOUBT); /* though the column says ours wins */
    CHECK_STR(op_of("Back", 1).error_code, OP_UNSURE);
    CHECK_STR(company_now(), "\"newer still\"");
}

/* The old value is there again, but the record was touched: written and taken back. */
TEST(restore, a_write_that_was_taken_back_is_not_repeated)
{
    given_planned_update();
    run_ok();
    company("\"Firm 1\"");
    given_restored("old");
    recover();
    release();
    run_ok();
    CHECK_INT(op_of("Back", 1).state, OP_IN_DOUBT);
    CHECK_STR(company_now(), "\"Firm 1\"");
}

/* -------------------------------------------------------------------- holds */

TEST(restore, a_connection_stays_held_until_the_org_was_asked)
{
    given("salesforce_create", CREATE, SEAL, 2);
    die_at("K2", 1);
    CHECK_FAIL(run(), &g.err, ERR_STORE_BROKEN);
    given_reborn();
    given_backup("old");
    given_restored("old");
    CHECK_FAIL(g.store->does->holds->release(g.store, hold_now().connection_id, "ann", false, &g.err),
               &g.err, ERR_CONFLICT);
    recover();
    release();
    struct restore_report sum;
    struct store_hold hold = hold_now();
    CHECK_OK(restore_counts(g.store, &hold, &sum, &g.err), &g.err);
    CHECK_INT(sum.operations, 2);
    CHECK_INT(sum.to_send, 2);
    CHECK_STR(hold.released_by, "ann");
}

TEST(restore, twice_is_no_worse_than_once)
{
    given("salesforce_create", CREATE, "", 6);
    run_first(2);
    given_backup("old");
    run_first(4);
    given_backup("newer");
    run_ok();
    given_restored("newer");
    recover();
    release();
    run_ok();
    given_restored("old");
    CHECK(hold_now().released_ms == 0);
    recover();
    release();
    run_ok();
    world_fake_advance(g.world, 60 * 60 * 1000);
    run_ok();
    check_one_lead_each(6);
}
