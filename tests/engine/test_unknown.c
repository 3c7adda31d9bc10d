/* test_unknown.c - an answer is lost: each mode does what it promised
 * (reliability B.3, B.6, B.10). Guards engine/reconcile.c, journal_drain.c, mode.c. */
#include "engine/given.h"
#include "engine/journal.h"

#include "base/str.h"

#include <string.h>

EACH_TEST(given_begin, given_end)

#define SET                                                                                        \
    "\"connection\":\"prod\",\"object\":\"Lead\",\"set\":{\"LastName\":\"{{LastName}}\","          \
    "\"Company\":\"{{Company}}\",\"Email\":\"{{Email}}\"}"
#define CREATE(more) "{" SET more "}"
#define TEXT_FIELD(name, more)                                                                     \
    ",{\"name\":\"" name "\",\"type\":\"string\",\"length\":80,\"createable\":true,"               \
    "\"updateable\":true,\"nillable\":true,\"filterable\":true" more "}"
#define SEAL                                                                                       \
    TEXT_FIELD("Argil_Key__c", ",\"unique\":true,\"externalId\":true,\"caseSensitive\":true")
#define KEY TEXT_FIELD("Key__c", ",\"unique\":true,\"externalId\":true")

#define LOST_AFTER  "{\"class\":\"unknown\",\"executed\":true}"
#define LOST_BEFORE "{\"class\":\"unknown\"}"

static void given(const char *kind, const char *config, const char *extra, int contacts)
{
    struct given_column column = {"Lead", kind, config, NULL, TYPE_JSON};
    given_org(extra, contacts);
    given_table(&column, 1, NULL);
    given_synced();
}

static void outcomes(const char *list)
{
    char script[1000];
    snprintf(script, sizeof script, "{\"outcomes\":[%s]}", list);
    CHECK_OK(scripted_add(g.org, script, &g.err), &g.err);
}

static void wait_and_run(void)
{
    world_fake_advance(g.world, 60 * 60 * 1000);
    run_ok();
}

/* ------------------------------------------------------------------ sealed */

TEST(sealed, ends_by_itself_whether_it_was_executed_or_not)
{
    given("salesforce_create", CREATE(""), SEAL, 4);
    outcomes(LOST_AFTER "," LOST_BEFORE "," LOST_AFTER "," LOST_BEFORE);
    run_ok();
    CHECK_INT(leads(), 4);
    CHECK_INT(ops().by_state[OP_DONE], 4);
    CHECK_INT(op_of("Lead", 1).mode, MODE_SEALED);
    CHECK(op_of("Lead", 1).adopted);
    CHECK(!op_of("Lead", 2).adopted);
    CHECK_CONTAINS(cell_value("Lead", 1), lead_with("p1@x.org"));
    CHECK_STR(scripted_field(g.org, "Lead", lead_with("p2@x.org"), "Argil_Key__c") + 1,
              arena_printf(g.arena, "%s\"", op_of("Lead", 2).key));
}

TEST(sealed, sends_the_same_bytes_again)
{
    given("salesforce_create", CREATE(""), SEAL, 1);
    outcomes(LOST_BEFORE);
    run_ok();
    const struct json *writes =
        json_parse(g.arena, scripted_writes(g.org), strlen(scripted_writes(g.org)), &g.err);
    CHECK_INT(writes->len, 2);
    CHECK_STR(json_as_text(g.arena, json_get(json_at(writes, 0), "payload")).text,
              json_as_text(g.arena, json_get(json_at(writes, 1), "payload")).text);
}

TEST(sealed, does_not_recreate_what_was_deleted)
{
    given("salesforce_create", CREATE(""), SEAL, 1);
    outcomes(LOST_AFTER);
    g.fail_lookups = 1;
    run_ok();
    CHECK_INT(ops().by_state[OP_RECONCILING], 1);
    scripted_delete(g.org, "Lead", lead_with("p1@x.org"));
    given_reborn();
    run_ok();
    CHECK_INT(ops().by_state[OP_IN_DOUBT], 1);
    CHECK_STR(cell_code("Lead", 1), "outcome.deleted");
    CHECK_INT(leads(), 0);
}

/* Matrix 64: the unique flag is taken off between two runs. */
TEST(sealed, a_seal_that_is_lost_stops_the_next_run)
{
    struct column_promise promise;
    given("salesforce_create", CREATE(""), SEAL, 2);
    run_ok();
    CHECK_OK(engine_column_promise(&g.engine, g.arena, "people", "Lead", &promise, &g.err), &g.err);
    CHECK_INT(promise.mode, MODE_SEALED);
    CHECK_STR(promise.key, "Argil_Key__c");
    CHECK(!promise.dropped);
    given_org(TEXT_FIELD("Argil_Key__c", ",\"externalId\":true,\"caseSensitive\":true"), 3);
    given_synced();
    g.options.yes = false;
    CHECK_FAIL(run(), &g.err, ERR_APPROVAL);
    CHECK_CONTAINS(g.err.message, "findable now");
    CHECK_CONTAINS(g.err.message, "sealed when it was approved");
    CHECK_INT(leads(), 0);
    CHECK_OK(engine_column_promise(&g.engine, g.arena, "people", "Lead", &promise, &g.err), &g.err);
    CHECK(promise.dropped);
    CHECK_CONTAINS(promise.advice, "connection seal prod Lead");
    g.options.yes = true;
    run_ok(); /* somebody agreed */
    CHECK_INT(leads(), 1);
    CHECK_INT(op_of("Lead", 3).mode, MODE_FINDABLE);
}

TEST(sealed, what_never_arrives_is_parked_in_the_end)
{
    given("salesforce_create", CREATE(""), SEAL, 1);
    for (int i = 0; i < 40; i++)
        outcomes(LOST_BEFORE);
    for (int i = 0; i < 15; i++)
        wait_and_run();
    CHECK_INT(ops().by_state[OP_IN_DOUBT], 1);
    CHECK_STR(cell_code("Lead", 1), "journal.gave_up");
    CHECK(g.exchanges <= ATTEMPTS_MAX);
    CHECK_INT(leads(), 0);
}

/* ------------------------------------------------------------------- keyed */

#define KEYED_CREATE                                                                               \
    "{\"connection\":\"prod\",\"object\":\"Lead\",\"set\":{\"LastName\":\"{{LastName}}\","         \
    "\"Email\":\"{{Email}}\",\"Key__c\":\"{{Email}}\"}}"

TEST(keyed, ends_by_itself)
{
    given("salesforce_create", KEYED_CREATE, KEY, 3);
    outcomes(LOST_AFTER "," LOST_BEFORE);
    run_ok();
    CHECK_INT(leads(), 3);
    CHECK_INT(ops().by_state[OP_DONE], 3);
    CHECK_INT(op_of("Lead", 1).mode, MODE_KEYED);
}

TEST(keyed, adopts_the_record_that_holds_the_key)
{
    given("salesforce_create", KEYED_CREATE, KEY, 2);
    run_ok();
    g.options.all = g.options.force_new = true;
    run_ok(); /* DUPLICATE_VALUE on the key: the record is there */
    CHECK_INT(leads(), 2);
    CHECK_INT(g.report.adopted, 2);
}

/* ---------------------------------------------------------------- findable */

TEST(keyed, a_record_that_exists_and_is_not_seen_is_not_made_again)
{
    given("salesforce_create", KEYED_CREATE, KEY, 1);
    outcomes("{\"class\":\"exists\",\"code\":\"DUPLICATE_VALUE\"}");
    run_ok();
    CHECK_INT(ops().by_state[OP_IN_DOUBT], 1);
    CHECK_STR(cell_code("Lead", 1), "outcome.hidden");
    CHECK_INT(g.exchanges, 1);
}

/* The field says that it is unique, and two records hold the value. */
TEST(keyed, two_records_with_our_key_stop_the_writing)
{
    given("salesforce_create", KEYED_CREATE, KEY, 2);
    run_ok();
    CHECK_INT(leads(), 2);
    const char *ids[] = {lead_with("p1@x.org"), lead_with("p2@x.org")};
    g.options.all = g.options.force_new = true;
    for (size_t i = 0; i < 2; i++)
        scripted_set(g.org, "Lead", ids[i], "Key__c", "\"p1@x.org\"");
    outcomes(LOST_BEFORE "," LOST_BEFORE);
    run_ok();
    CHECK_STR(cell_code("Lead", 1), "outcome.several");
    CHECK_INT(op_of("Lead", 1).state, OP_IN_DOUBT);
}

TEST(findable, waits_then_finds_it_by_its_values)
{
    given("salesforce_create", CREATE(""), "", 2);
    outcomes(LOST_AFTER);
    run_ok(); /* the settle time of the tests is short: it is waited for */
    CHECK_INT(leads(), 2);
    CHECK_INT(ops().by_state[OP_DONE], 2);
    CHECK(op_of("Lead", 1).adopted);
    CHECK_INT(op_of("Lead", 1).mode, MODE_FINDABLE);
    CHECK_CONTAINS(cell_value("Lead", 1), lead_with("p1@x.org"));
}

TEST(findable, asks_when_nothing_is_found)
{
    given("salesforce_create", CREATE(""), "", 2);
    outcomes(LOST_BEFORE);
    run_ok();
    CHECK_INT(leads(), 1);
    CHECK_INT(ops().by_state[OP_IN_DOUBT], 1);
    CHECK_INT(cell_state("Lead", 1), CELL_IN_DOUBT);
    CHECK_INT(g.report.in_doubt, 1);
    g.options.all = true;
    wait_and_run(); /* never by itself */
    CHECK_INT(leads(), 1);
    CHECK_INT(cell_state("Lead", 1), CELL_IN_DOUBT);
}

TEST(findable, resends_when_completeness_is_preferred)
{
    given("salesforce_create", CREATE(",\"prefer_completeness\":true"), "", 1);
    outcomes(LOST_BEFORE);
    run_ok();
    CHECK_INT(leads(), 1);
    CHECK_INT(ops().by_state[OP_DONE], 1);
    CHECK_INT(op_of("Lead", 1).attempt, 2);
}

TEST(findable, does_not_look_before_it_can_be_sure)
{
    given("salesforce_create", CREATE(""), "", 1);
    g.engine.settle_ms = 15 * 60 * 1000;
    outcomes(LOST_BEFORE);
    run_ok();
    CHECK_INT(ops().by_state[OP_UNKNOWN], 1);
    CHECK_INT(cell_state("Lead", 1), CELL_QUEUED);
    CHECK_INT(g.report.retrying, 1);
    world_fake_advance(g.world, 5 * 60 * 1000);
    run_ok();
    CHECK_INT(ops().by_state[OP_UNKNOWN], 1);
    world_fake_advance(g.world, 11 * 60 * 1000);
    run_ok();
    CHECK_INT(ops().by_state[OP_IN_DOUBT], 1);
}

TEST(findable, cannot_tell_two_alike_apart)
{
    given("salesforce_create", CREATE(""), "", 2);
    scripted_set(g.org, "Contact", "003000000000002AAA", "Email", "\"p1@x.org\"");
    scripted_set(g.org, "Contact", "003000000000002AAA", "LastName", "\"Person 1\"");
    scripted_set(g.org, "Contact", "003000000000002AAA", "Company", "\"Firm 1\"");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    outcomes(LOST_AFTER "," LOST_BEFORE);
    run_ok(); /* one record, two rows that may have made it */
    CHECK_INT(leads(), 1);
    CHECK_INT(ops().by_state[OP_IN_DOUBT], 2);
}

/* ------------------------------------------------------------------- blind */

TEST(blind, sends_once_and_asks)
{
    struct given_column column = {
        "Lead", "salesforce_create",
        "{\"connection\":\"prod\",\"object\":\"Log__c\",\"set\":{\"Name\":\"{{LastName}}\"}}", NULL,
        TYPE_JSON};
    given_org("", 3);
    CHECK_OK(scripted_add(g.org,
                          "{\"objects\":{\"Log__c\":{\"keyPrefix\":\"a01\",\"fields\":[{\"name\":"
                          "\"Name\",\"type\":\"string\",\"createable\":true}]}}}",
                          &g.err),
             &g.err);
    given_table(&column, 1, NULL);
    given_synced();
    outcomes(LOST_AFTER);
    run_ok();
    CHECK_INT(op_of("Lead", 1).mode, MODE_BLIND);
    CHECK_INT(g.exchanges, 3); /* one record a request: one row in doubt, not three */
    CHECK_INT(ops().by_state[OP_IN_DOUBT], 1);
    CHECK_INT(ops().by_state[OP_DONE], 2);
    wait_and_run();
    CHECK_INT(g.exchanges, 3);
}

/* ------------------------------------------------------------------ update */

#define UPDATE                                                                                     \
    "{\"connection\":\"prod\",\"object\":\"Contact\",\"id\":\"{{Ref}}\","                          \
    "\"set\":{\"Company\":\"new {{LastName}}\"}}"

static void given_update(void)
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
}

TEST(update, is_adopted_when_the_record_holds_it)
{
    given_update();
    outcomes(LOST_AFTER);
    run_ok();
    CHECK_INT(ops().by_state[OP_DONE], 1);
    CHECK(op_of("Back", 1).adopted);
    CHECK_INT(g.exchanges, 1);
}

TEST(update, is_sent_again_when_the_old_values_are_there)
{
    given_update();
    outcomes(LOST_BEFORE);
    run_ok();
    CHECK_INT(ops().by_state[OP_DONE], 1);
    CHECK_INT(g.exchanges, 2);
    CHECK_STR(scripted_field(g.org, "Contact", "003000000000001AAA", "Company"),
              "\"new Person 1\"");
}

static void meddle(void *ctx, const char *point)
{
    if (text_eq(point, "K9"))
        scripted_set(g.org, "Contact", "003000000000001AAA", "Company", "\"theirs\"");
}

TEST(update, asks_when_somebody_else_wrote)
{
    given_update();
    outcomes(LOST_BEFORE);
    g.engine.crash = meddle;
    run_ok();
    CHECK_INT(ops().by_state[OP_IN_DOUBT], 1);
    CHECK_STR(cell_code("Back", 1), "outcome.conflict");
    CHECK_STR(scripted_field(g.org, "Contact", "003000000000001AAA", "Company"), "\"theirs\"");
}

/* ------------------------------------------ changed between reading and writing */

static const char *meddled_field, *meddled_value;
static int meddle_times;
static void meddle_before_sending(void *ctx, const char *point)
{
    if (text_eq(point, "K3") && meddle_times-- > 0)
        scripted_set(g.org, "Contact", "003000000000001AAA", meddled_field, meddled_value);
}

static void given_meddled_update(const char *config, const char *field, const char *value)
{
    struct given_column columns[] = {
        {"Ref", "salesforce_lookup",
         "{\"connection\":\"prod\",\"object\":\"Contact\",\"match\":{\"Email\":\"{{Email}}\"}}",
         NULL, TYPE_TEXT},
        {"Back", "salesforce_update", config, NULL, TYPE_JSON},
    };
    given_org("", 1);
    given_table(columns, 2, NULL);
    given_synced();
    meddled_field = field;
    meddled_value = value;
    meddle_times = 1;
    g.engine.crash = meddle_before_sending;
}

#define UPDATE_WITH(more)                                                                          \
    "{\"connection\":\"prod\",\"object\":\"Contact\",\"id\":\"{{Ref}}\","                          \
    "\"set\":{\"Company\":\"new {{LastName}}\"}" more "}"

TEST(changed, the_same_field_is_a_conflict_that_shows_both_values)
{
    given_meddled_update(UPDATE, "Company", "\"theirs\"");
    run_ok();
    CHECK_STR(cell_code("Back", 1), "outcome.conflict");
    struct op op = op_of("Back", 1);
    CHECK_INT(op.state, OP_IN_DOUBT);
    CHECK_CONTAINS(op.error_message, "\"theirs\" now");
    CHECK_CONTAINS(op.error_message, "was \"Firm 1\"");
    CHECK_CONTAINS(op.error_message, "ours is \"new Person 1\"");
    CHECK_CONTAINS(op.evidence, "\"candidates\":[{\"id\":\"003000000000001AAA\"");
    CHECK_STR(scripted_field(g.org, "Contact", "003000000000001AAA", "Company"), "\"theirs\"");
}

TEST(changed, another_field_is_no_conflict)
{
    given_meddled_update(UPDATE, "LastName", "\"Renamed\"");
    run_ok();
    CHECK_INT(ops().by_state[OP_DONE], 1);
    CHECK_INT(op_of("Back", 1).attempt, 2);
    CHECK_STR(scripted_field(g.org, "Contact", "003000000000001AAA", "Company"),
              "\"new Person 1\"");
    CHECK_STR(scripted_field(g.org, "Contact", "003000000000001AAA", "LastName"), "\"Renamed\"");
}

TEST(changed, ours_or_theirs_wins_where_the_column_says_so)
{
    given_meddled_update(UPDATE_WITH(",\"if_changed\":\"ours\""), "Company", "\"theirs\"");
    run_ok();
    CHECK_INT(ops().by_state[OP_DONE], 1);
    CHECK_STR(scripted_field(g.org, "Contact", "003000000000001AAA", "Company"),
              "\"new Person 1\"");
    given_end();
    given_begin();
    given_meddled_update(UPDATE_WITH(",\"if_changed\":\"theirs\""), "Company", "\"theirs\"");
    run_ok();
    CHECK_STR(cell_code("Back", 1), "conflict.theirs");
    CHECK_STR(scripted_field(g.org, "Contact", "003000000000001AAA", "Company"), "\"theirs\"");
}

TEST(upsert, with_a_unique_key_ends_by_itself)
{
    given("salesforce_upsert",
          "{\"connection\":\"prod\",\"object\":\"Lead\",\"external_id\":\"Key__c\",\"set\":{"
          "\"Key__c\":\"{{Email}}\",\"Email\":\"{{Email}}\"}}",
          KEY, 3);
    outcomes(LOST_AFTER "," LOST_BEFORE "," LOST_AFTER);
    run_ok();
    CHECK_INT(leads(), 3);
    CHECK_INT(ops().by_state[OP_DONE], 3);
}

/* ------------------------------------------------------- locks and limits */

TEST(lock, is_retried_with_patience)
{
    given("salesforce_create", CREATE(""), "", 2);
    outcomes("{\"class\":\"not_executed\",\"code\":\"UNABLE_TO_LOCK_ROW\"},{\"class\":\"executed\","
             "\"executed\":true},"
             "{\"class\":\"not_executed\",\"code\":\"UNABLE_TO_LOCK_ROW\"}");
    run_ok();
    CHECK_INT(leads(), 2);
    CHECK_INT(op_of("Lead", 1).attempt, 3);
    CHECK_INT(ops().by_state[OP_DONE], 2);
}

TEST(lock, that_never_ends_is_parked)
{
    given("salesforce_create", CREATE(""), "", 1);
    for (int i = 0; i < 40; i++)
        outcomes("{\"class\":\"not_executed\",\"code\":\"UNABLE_TO_LOCK_ROW\"}");
    for (int i = 0; i < 12; i++)
        wait_and_run();
    CHECK_INT(ops().by_state[OP_IN_DOUBT], 1);
    CHECK_STR(cell_code("Lead", 1), "journal.gave_up");
    CHECK(g.exchanges <= ATTEMPTS_MAX);
}

#define WHOLE "{\"class\":\"rejected\",\"code\":\"JSON_PARSER_ERROR\",\"whole\":true}"

TEST(whole, a_batch_refused_for_one_row_costs_the_others_nothing)
{
    given("salesforce_create", CREATE(""), "", 3);
    outcomes(WHOLE "," WHOLE "," WHOLE ",{\"class\":\"executed\",\"executed\":true},"
                   "{\"class\":\"rejected\",\"code\":\"JSON_PARSER_ERROR\"}");
    run_ok();
    CHECK_INT(g.exchanges, 4); /* all together, then one by one */
    CHECK_INT(leads(), 2);
    CHECK_INT(cell_state("Lead", 1), CELL_OK);
    CHECK_STR(cell_code("Lead", 2), "JSON_PARSER_ERROR");
    CHECK_INT(cell_state("Lead", 3), CELL_OK);
}

#define DUPLICATE "{\"class\":\"rejected\",\"code\":\"DUPLICATES_DETECTED\""

TEST(duplicates, are_asked_for_alone_to_hear_which_record_it_is)
{
    given("salesforce_create", CREATE(""), "", 2);
    outcomes(DUPLICATE "},{\"class\":\"executed\",\"executed\":true}," DUPLICATE
                       ",\"other_id\":\"00Q000000000777AAA\"}");
    run_ok();
    CHECK_INT(g.exchanges, 2);
    CHECK_INT(leads(), 1);
    CHECK_INT(cell_state("Lead", 1), CELL_REFUSED);
    CHECK_CONTAINS(op_of("Lead", 1).error_message, "00Q000000000777AAA");
}

TEST(unknown, older_than_the_recycle_bin_is_parked)
{
    given("salesforce_create", CREATE(""), SEAL, 1);
    outcomes(LOST_BEFORE);
    g.fail_lookups = 1;
    run_ok();
    world_fake_advance(g.world, (int64_t)20 * 24 * 3600 * 1000);
    given_reborn();
    run_ok();
    CHECK_INT(ops().by_state[OP_IN_DOUBT], 1);
    CHECK_STR(cell_code("Lead", 1), "journal.too_old");
    CHECK_INT(leads(), 0);
}

/* --------------------------------------------------------------- verdicts */

static int64_t given_doubt(void)
{
    given("salesforce_create", CREATE(""), "", 1);
    outcomes(LOST_BEFORE);
    run_ok();
    CHECK_INT(cell_state("Lead", 1), CELL_IN_DOUBT);
    return op_of("Lead", 1).id;
}

static void given_lead(const char *id)
{
    char script[1200];
    snprintf(script, sizeof script,
             "{\"objects\":{\"Lead\":{\"keyPrefix\":\"00Q\",\"fields\":[{\"name\":\"Id\",\"type\":\"id\","
             "\"filterable\":true}" TEXT_FIELD("LastName", "") TEXT_FIELD("Email", "") TEXT_FIELD(
                 "Company", "") "],\"records\":[{\"Id\":\"%s\",\"Email\":\"p1@x.org\"}]}}}",
             id);
    CHECK_OK(scripted_add(g.org, script, &g.err), &g.err);
}

TEST(verdict, ask_later_hides_the_card_until_then)
{
    struct op *ops;
    size_t count;
    int64_t id = given_doubt(), now = g.world->now_ms(g.world);
    CHECK_OK(journal_ask_later(&g.engine, id, now + 1000, &g.err), &g.err);
    CHECK_OK(journal_doubts(&g.engine, g.arena, 0, &ops, &count, &g.err), &g.err);
    CHECK_INT(count, 0);
    CHECK_INT(cell_state("Lead", 1), CELL_IN_DOUBT);
    world_fake_advance(g.world, 1000);
    CHECK_OK(journal_doubts(&g.engine, g.arena, 0, &ops, &count, &g.err), &g.err);
    CHECK_INT(count, 1);
}

TEST(card, shows_what_is_known_and_what_may_be_meant)
{
    struct doubt_card card;
    int64_t id = given_doubt();
    CHECK_OK(journal_card(&g.engine, g.arena, id, false, &card, &g.err), &g.err);
    CHECK_STR(card.table, "people");
    CHECK_STR(card.column, "Lead");
    CHECK_STR(card.row_key, "003000000000001AAA");
    CHECK_STR(card.connection, "prod");
    CHECK_CONTAINS(card.op.payload, "p1@x.org");
    CHECK(card.looked_ms > 0); /* reconciling looked, and found none */
    CHECK_INT(card.candidate_count, 0);
    CHECK(!card.overdue);
    given_lead("00Q000000000042AAA");
    scripted_set(g.org, "Lead", "00Q000000000042AAA", "LastName", "\"Person 1\"");
    scripted_set(g.org, "Lead", "00Q000000000042AAA", "Company", "\"Firm 1\"");
    world_fake_advance(g.world, (int64_t)25 * 3600 * 1000);
    CHECK_OK(journal_card(&g.engine, g.arena, id, true, &card, &g.err), &g.err);
    CHECK_INT(card.candidate_count, 1);
    CHECK_STR(card.candidates[0].id, "00Q000000000042AAA");
    CHECK_CONTAINS(card.candidates[0].url, "/00Q000000000042AAA");
    CHECK(card.overdue);
}

TEST(verdict, this_is_it)
{
    int64_t id = given_doubt();
    CHECK_FAIL(journal_resolve(&g.engine, id, VERDICT_THIS_IS_IT, "00Q000000000041AAA", &g.err),
               &g.err, ERR_NOT_FOUND); /* a typing error links nothing */
    given_lead("00Q000000000042AAA");
    CHECK_OK(journal_resolve(&g.engine, id, VERDICT_THIS_IS_IT, "00Q000000000042AAA", &g.err),
             &g.err);
    CHECK_INT(cell_state("Lead", 1), CELL_OK);
    CHECK_CONTAINS(cell_value("Lead", 1), "00Q000000000042AAA");
    CHECK_FAIL(journal_resolve(&g.engine, id, VERDICT_GIVE_UP, NULL, &g.err), &g.err, ERR_CONFLICT);
}

TEST(verdict, send_again)
{
    int64_t id = given_doubt();
    CHECK_OK(journal_resolve(&g.engine, id, VERDICT_SEND_AGAIN, NULL, &g.err), &g.err);
    run_ok();
    CHECK_INT(leads(), 1);
    CHECK_INT(ops().by_state[OP_DONE], 1);
    CHECK_INT(cell_state("Lead", 1), CELL_OK);
}

TEST(verdict, give_up)
{
    int64_t id = given_doubt();
    CHECK_OK(journal_resolve(&g.engine, id, VERDICT_GIVE_UP, NULL, &g.err), &g.err);
    run_ok();
    CHECK_INT(leads(), 0);
    CHECK_INT(ops().by_state[OP_CANCELLED], 1);
    CHECK_INT(cell_state("Lead", 1), CELL_REFUSED);
}

TEST(dependents, never_see_an_unknown_as_empty)
{
    struct given_column columns[] = {
        {"Lead", "salesforce_create", CREATE(""), NULL, TYPE_JSON},
        {"Found", "salesforce_lookup",
         "{\"connection\":\"prod\",\"object\":\"Lead\",\"match\":{\"Id\":\"{{Lead.id}}\"}}", NULL,
         TYPE_JSON},
    };
    given_org("", 1);
    given_table(columns, 2, NULL);
    given_synced();
    g.engine.settle_ms = 15 * 60 * 1000;
    outcomes(LOST_AFTER);
    run_ok();
    CHECK_INT(cell_state("Found", 1), CELL_WAITING);
    wait_and_run();
    CHECK_INT(cell_state("Lead", 1), CELL_OK);
    CHECK_INT(cell_state("Found", 1), CELL_OK);
}
