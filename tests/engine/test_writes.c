/* test_writes.c - a row makes its record once, says why not otherwise, and a
 * second run does nothing. Guards engine/run.c, columns/org_*.c, journal.c. */
#include "engine/given.h"

#include "base/str.h"

#include <string.h>

EACH_TEST(given_begin, given_end)

#define SET                                                                                        \
    "\"connection\":\"prod\",\"object\":\"Lead\",\"set\":{\"LastName\":\"{{LastName}}\","          \
    "\"Company\":\"{{Company}}\",\"Email\":\"{{Email}}\"}"
#define PLAIN_CREATE "{" SET "}"
#define SAFE_CREATE  "{" SET ",\"unless_found\":{\"Email\":\"{{Email}}\"}}"
#define LOOKUP                                                                                     \
    "{\"connection\":\"prod\",\"object\":\"Lead\",\"match\":{\"Email\":\"{{Email}}\"},"            \
    "\"return\":[\"Id\",\"Company\"]}"

static void given_create(const char *config, int contacts)
{
    struct given_column column = {"New lead", "salesforce_create", config, NULL, TYPE_JSON};
    given_org("", contacts);
    given_table(&column, 1, NULL);
    given_synced();
}

TEST(create, makes_one_record_a_row)
{
    given_create(SAFE_CREATE, 20);
    run_ok();
    CHECK_INT(g.report.created, 20);
    CHECK_INT(leads(), 20);
    CHECK_INT(cell_state("New lead", 1), CELL_OK);
    CHECK_CONTAINS(cell_value("New lead", 1), lead_with("p1@x.org"));
    CHECK_CONTAINS(cell_value("New lead", 1), "\"created\":true");
    CHECK_INT(ops().by_state[OP_DONE], 20);
    CHECK_INT(g.exchanges, 1);
}

TEST(create, does_nothing_the_second_time)
{
    given_create(SAFE_CREATE, 5);
    run_ok();
    const char *first = cell_value("New lead", 3);
    run_ok();
    g.options.all = true;
    run_ok();
    CHECK_INT(leads(), 5);
    CHECK_INT(ops().total, 5);
    CHECK_INT(g.report.unchanged, 5);
    CHECK_STR(cell_value("New lead", 3), first);
}

TEST(create, does_not_repeat_without_a_key_either)
{
    given_create(PLAIN_CREATE, 5);
    run_ok();
    g.options.all = true;
    run_ok();
    CHECK_INT(leads(), 5);
}

TEST(create, again_only_when_forced)
{
    given_create(PLAIN_CREATE, 2);
    run_ok();
    g.options.all = g.options.force_new = true;
    run_ok();
    CHECK_INT(leads(), 4);
    CHECK_INT(op_of("New lead", 1).generation, 2);
}

TEST(create, takes_what_is_there)
{
    given_create(SAFE_CREATE, 3);
    CHECK_OK(scripted_add(
                 g.org,
                 "{\"objects\":{\"Lead\":{\"keyPrefix\":\"00Q\",\"fields\":["
                 "{\"name\":\"Id\",\"type\":\"id\",\"filterable\":true},"
                 "{\"name\":\"LastName\",\"type\":\"string\",\"createable\":true},"
                 "{\"name\":\"Company\",\"type\":\"string\",\"createable\":true},"
                 "{\"name\":\"Email\",\"type\":\"email\",\"createable\":true,\"filterable\":true}],"
                 "\"records\":[{\"Id\":\"00Q000000000777AAA\",\"Email\":\"P2@X.org\"}]}}}",
                 &g.err),
             &g.err);
    run_ok();
    CHECK_INT(g.report.created, 2);
    CHECK_INT(g.report.adopted, 1);
    CHECK_CONTAINS(cell_value("New lead", 2), "00Q000000000777AAA");
    CHECK_CONTAINS(cell_value("New lead", 2), "\"created\":false");
    CHECK_INT(ops().total, 2);
}

TEST(create, folds_rows_with_the_same_key)
{
    given_create(SAFE_CREATE, 4);
    scripted_set(g.org, "Contact", "003000000000002AAA", "Email", "\"P1@x.org\"");
    scripted_set(g.org, "Contact", "003000000000003AAA", "Email", "\" p1@x.org \"");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_INT(leads(), 2);
    CHECK_STR(lead_with("p1@x.org"), op_of("New lead", 1).result_id);
    CHECK_CONTAINS(cell_value("New lead", 2), lead_with("p1@x.org"));
    CHECK_CONTAINS(cell_value("New lead", 3), lead_with("p1@x.org"));
    CHECK_INT(g.report.created, 2);
    CHECK_INT(g.report.adopted, 2);
}

TEST(create, refuses_what_the_org_would_refuse)
{
    given_create(SAFE_CREATE, 2);
    char longer[120];
    memset(longer, 'x', sizeof longer);
    longer[0] = longer[100] = '"';
    longer[101] = 0;
    scripted_set(g.org, "Contact", "003000000000001AAA", "LastName", longer);
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_INT(cell_state("New lead", 1), CELL_REFUSED);
    CHECK_STR(cell_code("New lead", 1), "refused.too_long");
    CHECK_INT(leads(), 1);
    CHECK_INT(ops().total, 1);
    CHECK_INT(g.report.refused, 1);
    CHECK_STR(g.report.refusals[0].code, "refused.too_long");
}

TEST(create, refuses_a_blank_key)
{
    given_create(SAFE_CREATE, 2);
    scripted_set(g.org, "Contact", "003000000000001AAA", "Email", "null");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_STR(cell_code("New lead", 1), "refused.blank_key");
    CHECK_INT(leads(), 1);
}

TEST(create, shows_why_the_org_refused)
{
    given_create(SAFE_CREATE, 2);
    CHECK_OK(
        scripted_add(g.org,
                     "{\"outcomes\":[{\"class\":\"rejected\",\"code\":\"FIELD_CUSTOM_VALIDATION_"
                     "EXCEPTION\",\"message\":\"not on Mondays\"}]}",
                     &g.err),
        &g.err);
    run_ok();
    CHECK_INT(g.report.rejected, 1);
    CHECK_INT(cell_state("New lead", 1), CELL_REFUSED);
    CHECK_INT(ops().by_state[OP_REJECTED], 1);
    run_ok(); /* endless retry would waste quota: it waits for a person */
    CHECK_INT(g.exchanges, 1);
    g.options.states = 1u << CELL_REFUSED;
    run_ok();
    CHECK_INT(leads(), 2);
    CHECK_INT(op_of("New lead", 1).generation, 2);
}

TEST(create, wants_approval_first)
{
    given_create(SAFE_CREATE, 3);
    g.options.yes = false;
    CHECK_FAIL(run(), &g.err, ERR_APPROVAL);
    CHECK_INT(leads(), 0);
    CHECK_INT(ops().total, 0);
    CHECK_INT(cell_state("New lead", 1), CELL_DUE);
    g.options.yes = true;
    run_ok();
    g.options.yes = false;
    scripted_set(g.org, "Contact", "003000000000001AAA", "Email", "\"new@x.org\"");
    given_synced();
    run_ok(); /* approved once */
    CHECK_INT(leads(), 3);
}

static int planned_count;
static void note_planned(void *ctx, const struct planned_write *write)
{
    planned_count++;
    CHECK_CONTAINS(write->payload, "LastName");
    CHECK_STR(write->object, "Lead");
}

TEST(dry_run, plans_and_sends_nothing)
{
    given_create(SAFE_CREATE, 3);
    planned_count = 0;
    g.options = (struct run_options){.dry_run = true, .planned = note_planned};
    run_ok();
    CHECK_INT(g.report.planned, 3);
    CHECK_INT(planned_count, 3);
    CHECK_INT(leads(), 0);
    CHECK_INT(ops().total, 0);
    CHECK_INT(cell_state("New lead", 1), CELL_DUE);
}

TEST(guard, keeps_the_number_of_writes)
{
    struct given_column column = {"New lead", "salesforce_create", SAFE_CREATE, NULL, TYPE_JSON};
    given_org("", 5);
    given_table(&column, 1, "{\"max_writes_per_run\":2}");
    given_synced();
    run_ok();
    CHECK_INT(leads(), 2);
    CHECK(g.report.paused);
    CHECK_INT(cell_state("New lead", 5), CELL_DUE);
    run_ok();
    run_ok();
    CHECK_INT(leads(), 5);
    CHECK(!g.report.paused);
}

TEST(guard, keeps_to_its_fields)
{
    struct given_column column = {"New lead", "salesforce_create", SAFE_CREATE, NULL, TYPE_JSON};
    given_org("", 2);
    given_table(&column, 1, "{\"may_write\":[\"Lead.LastName\",\"Lead.Email\"]}");
    given_synced();
    CHECK_FAIL(run(), &g.err, "guard.may_write");
    CHECK_CONTAINS(g.err.message, "Lead.Company");
    CHECK_INT(leads(), 0);
}

TEST(guard, stops_when_too_much_is_refused)
{
    struct given_column column = {"New lead", "salesforce_create", SAFE_CREATE, NULL, TYPE_JSON};
    given_org("", 60);
    given_table(&column, 1, "{\"stop_at_error_rate\":\"5%\"}");
    given_synced();
    setenv("ARGIL_WRITE_BATCH", "10", 1);
    for (int i = 0; i < 60; i++)
        CHECK_OK(
            scripted_add(g.org, "{\"outcomes\":[{\"class\":\"rejected\",\"code\":\"X\"}]}", &g.err),
            &g.err);
    run_ok();
    unsetenv("ARGIL_WRITE_BATCH");
    CHECK_INT(g.exchanges, 2); /* judged after twenty outcomes */
    CHECK_INT(g.report.rejected, 20);
    CHECK_INT(g.report.retrying, 40); /* planned, and still there for the next run */
    CHECK_INT(ops().by_state[OP_PLANNED], 40);
}

TEST(budget, pauses_the_run)
{
    given_create(SAFE_CREATE, 5);
    struct connection connection;
    CHECK_OK(g.store->does->connection_get(g.store, g.arena, "prod", &connection, &g.err), &g.err);
    connection.daily_call_budget = 1;
    CHECK_OK(g.store->does->connection_put(g.store, &connection, &g.err), &g.err);
    run_ok();
    CHECK(g.report.paused);
    CHECK_INT(g.exchanges, 0);
    CHECK_STR(g.report.refusals[0].code, "budget");
    connection.daily_call_budget = 100;
    CHECK_OK(g.store->does->connection_put(g.store, &connection, &g.err), &g.err);
    run_ok();
    CHECK_INT(leads(), 5);
}

/* ------------------------------------------------------------------ update */

#define UPDATE(more)                                                                               \
    "{\"connection\":\"prod\",\"object\":\"Lead\",\"id\":\"{{Lead.id}}\","                         \
    "\"set\":{\"Industry\":\"{{Company}}\"}" more "}"

static void given_update(const char *config, int contacts)
{
    struct given_column columns[] = {
        {"Lead", "salesforce_create", SAFE_CREATE, NULL, TYPE_JSON},
        {"Back", "salesforce_update", config, NULL, TYPE_JSON},
    };
    given_org("", contacts);
    given_table(columns, 2, NULL);
    given_synced();
}

TEST(update, follows_the_create_in_the_same_run)
{
    given_update(UPDATE(""), 3);
    run_ok();
    CHECK_INT(g.report.created, 3);
    CHECK_INT(g.report.updated, 3);
    CHECK_STR(scripted_field(g.org, "Lead", lead_with("p2@x.org"), "Industry"), "\"Firm 2\"");
    CHECK_CONTAINS(op_of("Back", 2).before, "\"Industry\":null");
}

TEST(update, leaves_equal_values_alone)
{
    given_update(UPDATE(""), 3);
    run_ok();
    g.options.all = true;
    run_ok();
    CHECK_INT(g.report.updated, 0);
    CHECK_INT(g.report.unchanged, 6);
    CHECK_INT(ops().total, 6);
}

TEST(update, repairs_what_somebody_changed)
{
    given_update(UPDATE(""), 2);
    run_ok();
    scripted_set(g.org, "Lead", lead_with("p1@x.org"), "Industry", "\"theirs\"");
    g.options.all = true;
    run_ok();
    CHECK_INT(g.report.updated, 1);
    CHECK_CONTAINS(op_of("Back", 1).before, "theirs");
}

TEST(update, respects_if_blank)
{
    given_update(UPDATE(",\"overwrite\":{\"Industry\":\"if_blank\"}"), 2);
    g.options.column = "Lead";
    run_ok();
    scripted_set(g.org, "Lead", lead_with("p1@x.org"), "Industry", "\"theirs\"");
    g.options.column = NULL;
    run_ok();
    CHECK_STR(scripted_field(g.org, "Lead", lead_with("p1@x.org"), "Industry"), "\"theirs\"");
    CHECK_STR(scripted_field(g.org, "Lead", lead_with("p2@x.org"), "Industry"), "\"Firm 2\"");
    CHECK_INT(g.report.unchanged, 1);
}

TEST(update, never_clears_by_accident)
{
    given_update(UPDATE(""), 1);
    run_ok();
    scripted_set(g.org, "Contact", "003000000000001AAA", "Company", "null");
    given_synced();
    run_ok();
    CHECK_STR(scripted_field(g.org, "Lead", lead_with("p1@x.org"), "Industry"), "\"Firm 1\"");
}

TEST(update, clears_when_asked)
{
    given_update(UPDATE(",\"ignore_blank_values\":false"), 1);
    run_ok();
    scripted_set(g.org, "Contact", "003000000000001AAA", "Company", "null");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_STR(scripted_field(g.org, "Lead", lead_with("p1@x.org"), "Industry"), "null");
}

TEST(update, waits_while_its_input_is_not_there)
{
    given_update(UPDATE(""), 1);
    CHECK_OK(
        scripted_add(g.org, "{\"outcomes\":[{\"class\":\"rejected\",\"code\":\"X\"}]}", &g.err),
        &g.err);
    run_ok();
    CHECK_INT(cell_state("Back", 1), CELL_WAITING);
    g.options.states = 1u << CELL_REFUSED;
    run_ok();
    CHECK_INT(cell_state("Back", 1), CELL_OK);
    CHECK_INT(g.report.updated, 1);
}

TEST(update, of_one_record_by_two_rows_takes_turns)
{
    given_update(UPDATE(""), 2);
    scripted_set(g.org, "Contact", "003000000000002AAA", "Email", "\"p1@x.org\"");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_INT(leads(), 1);
    CHECK_INT(cell_state("Back", 1), CELL_OK);
    CHECK_INT(cell_state("Back", 2), CELL_OK);
    CHECK_STR(scripted_field(g.org, "Lead", lead_with("p1@x.org"), "Industry"), "\"Firm 2\"");
}

/* ------------------------------------------------------------------ upsert */

#define KEY_FIELD                                                                                  \
    ",{\"name\":\"Key__c\",\"type\":\"string\",\"length\":80,\"createable\":true,"                 \
    "\"updateable\":true,\"nillable\":true,\"filterable\":true,\"unique\":true,"                   \
    "\"externalId\":true}"
#define UPSERT                                                                                     \
    "{\"connection\":\"prod\",\"object\":\"Lead\",\"external_id\":\"Key__c\",\"set\":{"            \
    "\"Key__c\":\"{{Email}}\",\"Email\":\"{{Email}}\",\"Company\":\"{{Company}}\"}}"

TEST(upsert, creates_then_changes_then_rests)
{
    struct given_column column = {"Lead", "salesforce_upsert", UPSERT, NULL, TYPE_JSON};
    given_org(KEY_FIELD, 3);
    given_table(&column, 1, NULL);
    given_synced();
    run_ok();
    CHECK_INT(g.report.upserted, 3);
    CHECK_INT(leads(), 3);
    CHECK_INT(op_of("Lead", 1).mode, MODE_KEYED);
    scripted_set(g.org, "Lead", lead_with("p1@x.org"), "Company", "\"theirs\"");
    g.options.all = true;
    run_ok();
    CHECK_INT(g.report.upserted, 1);
    CHECK_INT(g.report.unchanged, 2);
    run_ok();
    CHECK_INT(g.report.upserted, 0);
    CHECK_INT(leads(), 3);
}

TEST(pause, is_not_a_failure)
{
    given_create(SAFE_CREATE, 3);
    CHECK_OK(
        scripted_add(g.org,
                     "{\"outcomes\":[{\"class\":\"pause\",\"code\":\"REQUEST_LIMIT_EXCEEDED\"},"
                     "{\"class\":\"pause\"},{\"class\":\"pause\"}]}",
                     &g.err),
        &g.err);
    run_ok();
    CHECK(g.report.paused);
    CHECK_INT(ops().by_state[OP_RETRY_SAFE], 3);
    world_fake_advance(g.world, 120000);
    run_ok();
    CHECK_INT(leads(), 3);
    CHECK_INT(ops().by_state[OP_DONE], 3);
    CHECK_INT(ops().total, 3);
}

TEST(stop, keeps_what_is_done)
{
    given_create(SAFE_CREATE, 3);
    atomic_store(&g.stop, true);
    CHECK_FAIL(run(), &g.err, ERR_STOPPED);
    atomic_store(&g.stop, false);
    run_ok();
    CHECK_INT(leads(), 3);
}

TEST(lookup, finds_and_says_when_there_is_none)
{
    struct given_column columns[] = {
        {"Lead", "salesforce_create", SAFE_CREATE, NULL, TYPE_JSON},
        {"Found", "salesforce_lookup", LOOKUP, NULL, TYPE_JSON},
    };
    given_org("", 2);
    given_table(columns, 2, NULL);
    given_synced();
    g.options.column = "Found";
    run_ok();
    CHECK_INT(cell_state("Found", 1), CELL_NO_RESULT);
    g.options.column = "Lead";
    run_ok();
    g.options = (struct run_options){.column = "Found", .all = true};
    run_ok();
    CHECK_CONTAINS(cell_value("Found", 1), "\"Company\":\"Firm 1\"");
    CHECK_CONTAINS(cell_value("Found", 1), lead_with("p1@x.org"));
}

TEST(lookup, that_fails_is_never_nothing)
{
    struct given_column column = {"Found", "salesforce_lookup", LOOKUP, NULL, TYPE_JSON};
    given_org("", 2);
    given_table(&column, 1, NULL);
    given_synced();
    CHECK_OK(scripted_add(g.org, "{\"fail\":[{\"call\":\"lookup\",\"code\":\"sf.INVALID_FIELD\"}]}",
                          &g.err),
             &g.err);
    run_ok();
    CHECK_INT(cell_state("Found", 1), CELL_ERROR);
    CHECK_OK(scripted_add(g.org, "{\"fail\":[{\"call\":\"lookup\"}]}", &g.err), &g.err);
    g.options.states = 1u << CELL_ERROR;
    run_ok(); /* unreachable once: tried again in the same run */
    CHECK_INT(cell_state("Found", 1), CELL_NO_RESULT);
}

/* In the middle of a call (a token is renewed, say) the database was lost: no cell is to blame. */
TEST(lookup, that_the_store_fails_leaves_cells_due)
{
    static const char *const codes[] = {ERR_STORE_LOST, ERR_STORE_LOCKED};
    struct given_column column = {"Found", "salesforce_lookup", LOOKUP, NULL, TYPE_JSON};
    given_org("", 2);
    given_table(&column, 1, NULL);
    given_synced();
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        CHECK_OK(scripted_add(g.org,
                              arena_printf(g.arena, "{\"fail\":[{\"call\":\"lookup\",\"code\":\"%s\"}]}",
                                           codes[i]),
                              &g.err),
                 &g.err);
        CHECK_FAIL(run(), &g.err, codes[i]);
        CHECK_INT(cell_state("Found", 1), CELL_DUE);
        g.err = (struct err){0};
    }
    run_ok();
    CHECK_INT(cell_state("Found", 1), CELL_NO_RESULT);
}
