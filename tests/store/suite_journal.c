/* suite_journal.c - the rules of reliability B.4, one test a rule. */
#include "store/store_suite.h"

#include <stdio.h>
#include <string.h>

#define T1     "2026-01-01T10:00:00.000+0000"
#define LEAD_1 "00Q000000000001AAA"
#define LEAD_2 "00Q000000000002AAA"

static void given_two_rows(void)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", NULL}, {"001B", T1, "Bolt", NULL});
}

static int64_t total(void)
{
    struct op_counts counts;
    int64_t sum = 0;
    CHECK_OK(suite.does->ops_count(suite.store, suite.table.id, &counts, &suite.err), &suite.err);
    for (int i = 0; i <= OP_CANCELLED; i++)
        sum += counts.by_state[i];
    CHECK_INT(sum, counts.total); /* conservation */
    return sum;
}

TEST(journal, a_planned_operation_is_complete)
{
    given_two_rows();
    struct op op = given_op("001A", 1, "x-1", NULL);
    op.before = "{\"a\":null}";
    CHECK_INT(plan_op(&op), PLAN_NEW);
    CHECK_INT(strlen(op.key), 36);
    suite_reopen();
    struct op now = op_now(op.id);
    CHECK_STR(now.key, op.key);
    CHECK_STR(now.payload, "{\"LastName\":\"Ng\"}");
    CHECK_INT(strlen(now.payload_sha256), 64);
    CHECK_STR(now.before, "{\"a\":null}");
    CHECK_STR(now.org_id, ORG);
    CHECK_STR(now.key_value, "x-1");
    CHECK(now.target_id == NULL);
    CHECK_INT(now.state, OP_PLANNED);
    CHECK_INT(now.mode, MODE_SEALED);
    CHECK_INT(now.run_id, suite.run_id);
    CHECK_CELL("001A", LEAD, CELL_QUEUED);
    CHECK_INT(cell_of("001A", LEAD).op_id, op.id);
}

TEST(journal, the_same_generation_is_planned_once)
{
    given_two_rows();
    struct op first = given_op("001A", 1, NULL, NULL), again = given_op("001A", 1, NULL, NULL);
    CHECK_INT(plan_op(&first), PLAN_NEW);
    CHECK_INT(plan_op(&again), PLAN_SAME); /* a double click */
    CHECK_INT(again.id, first.id);
    send_op(&first);
    settle_op(&first, OP_DONE, LEAD_1);
    CHECK_INT(plan_op(&again), PLAN_SAME); /* also when it is long done */
    CHECK_INT(total(), 1);
}

TEST(journal, a_business_key_is_in_flight_once)
{
    given_two_rows();
    struct op first = given_op("001A", 1, "ann@acme.example", NULL);
    struct op rival = given_op("001B", 1, "ann@acme.example", NULL);
    struct op other = given_op("001B", 1, "bob@acme.example", NULL);
    CHECK_INT(plan_op(&first), PLAN_NEW);
    CHECK_INT(plan_op(&rival), PLAN_BUSY);
    CHECK_INT(rival.id, first.id);
    CHECK_CELL("001B", LEAD, CELL_DUE); /* nothing was queued for it */
    CHECK_INT(plan_op(&other), PLAN_NEW);
    send_op(&first);
    settle_op(&first, OP_DONE, LEAD_1);
    rival = given_op("001B", 2, "ann@acme.example", NULL);
    send_op(&other);
    settle_op(&other, OP_REJECTED, NULL);
    CHECK_INT(plan_op(&rival), PLAN_NEW);
}

TEST(journal, a_record_is_in_flight_once_also_while_in_doubt)
{
    given_two_rows();
    struct op first = given_op("001A", 1, NULL, LEAD_1), rival = given_op("001B", 1, NULL, LEAD_1);
    CHECK_INT(plan_op(&first), PLAN_NEW);
    CHECK_INT(plan_op(&rival), PLAN_BUSY);
    CHECK_INT(rival.id, first.id);
    send_op(&first);
    settle_op(&first, OP_UNKNOWN, NULL);
    CHECK_INT(plan_op(&rival), PLAN_BUSY);
    settle_op(&first, OP_RECONCILING, NULL);
    settle_op(&first, OP_IN_DOUBT, NULL);
    CHECK_INT(plan_op(&rival), PLAN_BUSY);
    settle_op(&first, OP_CANCELLED, NULL);
    CHECK_INT(plan_op(&rival), PLAN_NEW);
}

TEST(journal, a_cell_is_in_flight_once)
{
    given_two_rows();
    struct op first = given_op("001A", 1, NULL, NULL), next = given_op("001A", 2, NULL, NULL);
    CHECK_INT(plan_op(&first), PLAN_NEW);
    CHECK_INT(plan_op(&next), PLAN_BUSY);
    CHECK_INT(next.id, first.id);
}

TEST(journal, a_batch_collapses_within_itself)
{
    given_two_rows();
    enum plan_result results[3];
    struct op ops[3] = {given_op("001A", 1, "k", NULL), given_op("001A", 1, "k", NULL),
                        given_op("001B", 1, "k", NULL)};
    CHECK_OK(suite.does->ops_plan(suite.store, ops, 3, results, NULL, NULL, &suite.err), &suite.err);
    CHECK_INT(results[0], PLAN_NEW);
    CHECK_INT(results[1], PLAN_SAME);
    CHECK_INT(results[2], PLAN_BUSY);
    CHECK_INT(total(), 1);
}

static size_t of_record(const char *record, int64_t done_since)
{
    struct op *found = NULL;
    size_t count = 0;
    struct op_query query = {.record = record, .done_since_ms = done_since};
    CHECK_OK(suite.does->ops_list(suite.store, suite.arena, &query, &found, &count, &suite.err),
             &suite.err);
    return count;
}

TEST(journal, answers_what_was_done_to_a_record)
{
    given_two_rows();
    struct op made = given_op("001A", 1, NULL, NULL), planned = given_op("001B", 1, NULL, LEAD_2);
    plan_op(&made);
    plan_op(&planned);
    CHECK_INT(of_record(LEAD_1, 0), 0);
    send_op(&made);
    settle_op(&made, OP_DONE, LEAD_1);
    CHECK_INT(of_record(LEAD_1, 0), 1);
    CHECK_INT(of_record("00Q000000000001", 0), 1); /* 15 characters, as in the address */
    CHECK_INT(of_record(LEAD_2, 0), 1);            /* about to be written */
    CHECK_INT(of_record(NULL, 1), 1);              /* the one that ended */
    CHECK_INT(of_record(LEAD_1, op_now(made.id).done_ms + 1), 0);
}

TEST(journal, sending_is_on_disk_before_it_is_told)
{
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    send_op(&op);
    CHECK_INT(op.state, OP_SENDING);
    CHECK_INT(op.attempt, 1);
    CHECK(op.deadline_ms > op.sent_ms);
    struct op now = op_now(op.id);
    CHECK_INT(now.state, OP_SENDING);
    CHECK_INT(now.attempt, 1);
    CHECK_INT(now.epoch, suite.store->epoch);
    CHECK_INT(now.deadline_ms, op.deadline_ms);
}

TEST(journal, two_senders_and_one_is_told_to_send)
{
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    struct op twin = op;
    send_op(&op);
    send_op(&twin);
    CHECK_INT(op.state, OP_SENDING);
    CHECK_INT(twin.state, OP_PLANNED); /* unchanged: not yours */
    settle_op(&op, OP_RETRY_SAFE, NULL);
    twin = op;
    send_op(&op);
    settle_op(&op, OP_RETRY_SAFE, NULL);
    send_op(&twin); /* the attempt moved on */
    CHECK_INT(twin.state, OP_RETRY_SAFE);
    CHECK_INT(op_now(op.id).attempt, 2);
}

TEST(journal, a_retry_sends_the_same_bytes)
{
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL), before;
    plan_op(&op);
    before = op_now(op.id);
    send_op(&op);
    settle_op(&op, OP_RETRY_SAFE, NULL);
    send_op(&op);
    struct op after = op_now(op.id);
    CHECK_STR(after.key, before.key);
    CHECK_STR(after.payload, before.payload);
    CHECK_STR(after.payload_sha256, before.payload_sha256);
}

TEST(journal, the_outcome_the_cell_and_the_audit_are_one)
{
    int64_t before, after;
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    send_op(&op);
    CHECK_OK(suite.does->audit_verify(suite.store, &before, &suite.err), &suite.err);
    settle_op(&op, OP_DONE, LEAD_1);
    suite_reopen();
    struct op now = op_now(op.id);
    CHECK_INT(now.state, OP_DONE);
    CHECK_STR(now.result_id, LEAD_1);
    CHECK(now.done_ms > 0);
    CHECK_STR(now.evidence, "{\"status\":201}");
    CHECK_CELL("001A", LEAD, CELL_OK);
    CHECK_STR(cell_text("001A", LEAD), LEAD_1);
    CHECK_OK(suite.does->audit_verify(suite.store, &after, &suite.err), &suite.err);
    CHECK_INT(after, before + 1);
}

TEST(journal, a_batch_with_one_forbidden_move_moves_nothing)
{
    given_two_rows();
    struct op a = given_op("001A", 1, NULL, NULL), b = given_op("001B", 1, NULL, NULL);
    plan_op(&a);
    plan_op(&b);
    send_op(&a);
    struct op_settle settles[] = {settle_of(&a, OP_DONE), settle_of(&b, OP_DONE)};
    settles[0].result_id = LEAD_1;
    settles[0].cell = (struct cell_result){.row_id = a.row_id,
                                           .column_id = a.column_id,
                                           .slot = column_slot(LEAD),
                                           .value = text_value(LEAD_1),
                                           .set_value = true,
                                           .state = CELL_OK};
    size_t fenced;
    CHECK_FAIL(suite.does->ops_settle(suite.store, settles, 2, NULL, 0, &fenced, &suite.err),
               &suite.err, ERR_INVALID);
    CHECK_INT(op_now(a.id).state, OP_SENDING);
    CHECK_CELL("001A", LEAD, CELL_QUEUED);
    CHECK(cell_text("001A", LEAD) == NULL);
}

TEST(journal, settling_never_sends)
{
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    struct op_settle settle = settle_of(&op, OP_SENDING);
    CHECK_FAIL(suite.does->ops_settle(suite.store, &settle, 1, NULL, 0, NULL, &suite.err),
               &suite.err, ERR_INVALID);
}

TEST(journal, what_a_dead_process_was_sending_is_unknown)
{
    int64_t moved;
    given_two_rows();
    struct op a = given_op("001A", 1, NULL, NULL), b = given_op("001B", 1, NULL, NULL);
    plan_op(&a);
    plan_op(&b);
    send_op(&a);
    CHECK_OK(suite.does->ops_recover(suite.store, &moved, &suite.err), &suite.err);
    CHECK_INT(moved, 0); /* our own */
    suite_reopen();
    CHECK_OK(suite.does->ops_recover(suite.store, &moved, &suite.err), &suite.err);
    CHECK_INT(moved, 1);
    CHECK_INT(op_now(a.id).state, OP_UNKNOWN); /* W4: never to be sent again unasked */
    CHECK_INT(op_now(a.id).epoch, suite.store->epoch);
    CHECK_INT(op_now(b.id).state, OP_PLANNED);
    send_op(&b); /* a plan of an earlier process is ours to send */
    CHECK_INT(b.state, OP_SENDING);
}

/* What a process believes to be sending that was replaced meanwhile. */
static struct op given_zombie(void)
{
    int64_t moved;
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    send_op(&op);
    suite_reopen();
    CHECK_OK(suite.does->ops_recover(suite.store, &moved, &suite.err), &suite.err);
    return op;
}

TEST(journal, a_zombie_changes_nothing_and_its_news_is_kept)
{
    struct op zombie = given_zombie();
    CHECK_INT(settle_op(&zombie, OP_DONE, LEAD_2), 1);
    struct op now = op_now(zombie.id);
    CHECK_INT(now.state, OP_UNKNOWN);
    CHECK(now.result_id == NULL);
    CHECK_CONTAINS(now.evidence, LEAD_2);
    CHECK(cell_text("001A", LEAD) == NULL);
    settle_op(&now, OP_RECONCILING, NULL); /* later outcomes do not lose it */
    settle_op(&now, OP_DONE, LEAD_1);
    now = op_now(zombie.id);
    CHECK_CONTAINS(now.evidence, LEAD_2);
    CHECK_CONTAINS(now.evidence, "201");
    CHECK_INT(settle_op(&zombie, OP_DONE, LEAD_2), 1);
    CHECK_STR(op_now(zombie.id).result_id, LEAD_1);
}

/* W7: the state alone would let it: the successor is sending, too. */
TEST(journal, of_one_that_is_sent_again_the_former_sender_settles_nothing)
{
    struct op zombie = given_zombie();
    struct op now = op_now(zombie.id);
    settle_op(&now, OP_RECONCILING, NULL);
    now = op_now(zombie.id);
    settle_op(&now, OP_RETRY_SAFE, NULL);
    now = op_now(zombie.id);
    send_op(&now);
    CHECK_INT(now.state, OP_SENDING);
    settle_op(&zombie, OP_DONE, LEAD_2);
    now = op_now(zombie.id);
    CHECK_INT(now.state, OP_SENDING);
    CHECK(now.result_id == NULL);
}

TEST(journal, an_outcome_told_twice_counts_once)
{
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    send_op(&op);
    struct op twin = op;
    CHECK_INT(settle_op(&op, OP_DONE, LEAD_1), 0);
    CHECK_INT(settle_op(&twin, OP_DONE, LEAD_2), 1);
    CHECK_STR(cell_text("001A", LEAD), LEAD_1);
}

TEST(journal, a_person_may_send_again_link_or_give_up)
{
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    send_op(&op);
    settle_op(&op, OP_UNKNOWN, NULL);
    settle_op(&op, OP_RECONCILING, NULL);
    settle_op(&op, OP_IN_DOUBT, NULL);
    settle_op(&op, OP_PLANNED, NULL);
    op = op_now(op.id);
    send_op(&op);
    CHECK_INT(op.attempt, 2);
    settle_op(&op, OP_REJECTED, NULL);
    CHECK_INT(total(), 1);
}

TEST(journal, lists_by_state_table_and_time)
{
    struct op *ops;
    size_t count;
    given_two_rows();
    struct op a = given_op("001A", 1, NULL, NULL), b = given_op("001B", 1, NULL, NULL);
    plan_op(&a);
    plan_op(&b);
    send_op(&a);
    struct op_settle later = settle_of(&a, OP_RETRY_SAFE);
    later.not_before_ms = 5000;
    CHECK_OK(suite.does->ops_settle(suite.store, &later, 1, NULL, 0, NULL, &suite.err), &suite.err);
    struct op_query query = {.table_id = suite.table.id,
                             .states = 1u << OP_PLANNED | 1u << OP_RETRY_SAFE};
    CHECK_OK(suite.does->ops_list(suite.store, suite.arena, &query, &ops, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 2);
    query.ready_at_ms = 4999;
    CHECK_OK(suite.does->ops_list(suite.store, suite.arena, &query, &ops, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(ops[0].id, b.id);
    query = (struct op_query){.column_id = column_id(DOMAIN)};
    CHECK_OK(suite.does->ops_list(suite.store, suite.arena, &query, &ops, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 0);
}

TEST(journal, knows_the_newest_operation_of_a_cell)
{
    struct op last[3];
    given_two_rows();
    done_op("001A", 1, "{}", LEAD_1);
    struct op newest = done_op("001A", 2, "{}", LEAD_1);
    int64_t ids[] = {row_id_of("001A"), row_id_of("001B"), 999};
    CHECK_OK(suite.does->ops_last(suite.store, suite.arena, suite.table.id, column_id(LEAD), ids, 3,
                                  last, &suite.err),
             &suite.err);
    CHECK_INT(last[0].id, newest.id);
    CHECK_INT(last[1].id, 0);
    CHECK_INT(last[2].id, 0);
}

static bool written(const char *record, const char *field, const char **out)
{
    struct value value;
    bool found;
    CHECK_OK(suite.does->written_get(suite.store, suite.arena, ORG, record, field, &value, &found,
                                     &suite.err),
             &suite.err);
    *out = value.text;
    return found;
}

TEST(journal, remembers_what_it_wrote)
{
    const char *text;
    given_two_rows();
    done_op("001A", 1,
            "{\"LastName\":\"Ng\",\"Amount\":12.50,\"Active\":true,\"Phone\":null,"
            "\"Place\":{\"city\":\"Ulm\"}}",
            LEAD_1);
    CHECK(written(LEAD_1, "LastName", &text));
    CHECK_STR(text, "Ng");
    CHECK(written(LEAD_1, "Amount", &text));
    CHECK_STR(text, "12.50");
    CHECK(written(LEAD_1, "active", &text));
    CHECK_STR(text, "true");
    CHECK(written(LEAD_1, "Phone", &text));
    CHECK(text == NULL);
    CHECK(written(LEAD_1, "Place", &text));
    CHECK_STR(text, "{\"city\":\"Ulm\"}");
    CHECK(!written(LEAD_1, "Email", &text));
    CHECK(!written(LEAD_2, "LastName", &text));
}

TEST(journal, a_record_that_was_found_was_not_written)
{
    const char *text;
    given_two_rows();
    struct op found = given_op("001A", 1, NULL, NULL), late = given_op("001B", 1, NULL, NULL);
    plan_op(&found);
    send_op(&found);
    struct op_settle settle = settle_of(&found, OP_DONE);
    settle.result_id = LEAD_1;
    settle.adopted = true;
    CHECK_OK(suite.does->ops_settle(suite.store, &settle, 1, NULL, 0, NULL, &suite.err),
             &suite.err);
    CHECK(!written(LEAD_1, "LastName", &text));
    CHECK(op_now(found.id).adopted);
    plan_op(&late);
    send_op(&late);
    settle_op(&late, OP_UNKNOWN, NULL);
    settle_op(&late, OP_RECONCILING, NULL);
    settle = settle_of(&late, OP_DONE);
    settle.result_id = LEAD_2;
    settle.adopted = true; /* an earlier attempt of ours made it */
    CHECK_OK(suite.does->ops_settle(suite.store, &settle, 1, NULL, 0, NULL, &suite.err),
             &suite.err);
    CHECK(written(LEAD_2, "LastName", &text));
}

TEST(journal, a_value_from_an_operation_makes_its_readers_due)
{
    given_two_rows();
    put_cell("001A", DOMAIN, CELL_OK, "a.example");
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    send_op(&op);
    struct op_settle settle = settle_of(&op, OP_DONE);
    settle.result_id = LEAD_1;
    settle.cell = (struct cell_result){.row_id = op.row_id,
                                       .column_id = op.column_id,
                                       .slot = column_slot(LEAD),
                                       .value = text_value(LEAD_1),
                                       .set_value = true,
                                       .state = CELL_OK};
    int64_t due[] = {column_id(DOMAIN)};
    struct dependents dependents = {column_id(LEAD), due, 1};
    CHECK_OK(suite.does->ops_settle(suite.store, &settle, 1, &dependents, 1, NULL, &suite.err),
             &suite.err);
    CHECK_CELL("001A", DOMAIN, CELL_DUE);
}

TEST(journal, is_read_newest_first_for_people)
{
    struct op *list;
    size_t count;
    given_accounts((struct account[]){{"a", "1", "N", "R", false}, {"b", "1", "C", "R", false}}, 2);
    struct op first = given_op("a", 1, NULL, NULL), second = given_op("b", 1, NULL, NULL);
    plan_op(&first);
    plan_op(&second);
    struct op_query query = {.before_id = INT64_MAX, .limit = 1};
    CHECK_OK(suite.does->ops_list(suite.store, suite.arena, &query, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(list[0].id, second.id);
    query.before_id = second.id;
    CHECK_OK(suite.does->ops_list(suite.store, suite.arena, &query, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(list[0].id, first.id);
    query = (struct op_query){.row_id = row_id_of("b"), .table_id = suite.table.id};
    CHECK_OK(suite.does->ops_list(suite.store, suite.arena, &query, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(list[0].id, second.id);
}

TEST(journal, conserves_every_operation_through_random_lives)
{
    struct rng dice = {20261123};
    struct op ops[60];
    char key[8];
    for (int i = 0; i < 60; i++) {
        snprintf(key, sizeof key, "001%03d", i);
        GIVEN_ACCOUNTS({key, T1, "Acme", NULL});
        ops[i] = given_op(key, 1, NULL, NULL);
        CHECK_INT(plan_op(&ops[i]), PLAN_NEW);
    }
    for (int step = 0; step < 1500; step++) {
        struct op *op = &ops[rng_below(&dice, 60)];
        enum op_state to = (enum op_state)rng_below(&dice, OP_CANCELLED + 1);
        int64_t moved;
        if (step % 100 == 99) {
            suite_reopen();
            CHECK_OK(suite.does->ops_recover(suite.store, &moved, &suite.err), &suite.err);
            for (int i = 0; i < 60; i++)
                ops[i] = op_now(ops[i].id);
        } else if (to == OP_SENDING) {
            send_op(op);
        } else if (op_move_allowed(op->state, to)) {
            settle_op(op, to, to == OP_DONE ? LEAD_1 : NULL);
        }
    }
    CHECK_INT(total(), 60);
    for (int i = 0; i < 60; i++)
        CHECK_INT(op_now(ops[i].id).state, ops[i].state);
}

/* --------------------------------------------------------- push's additions */

TEST(journal, a_key_that_was_done_since_the_look_up_is_busy)
{
    given_two_rows();
    struct op first = given_op("001A", 1, "ann@acme.example", NULL);
    CHECK_INT(plan_op(&first), PLAN_NEW);
    int64_t looked = suite.world->now_ms(suite.world); /* the record is not there yet */
    world_fake_advance(suite.world, 5);
    send_op(&first);
    settle_op(&first, OP_DONE, LEAD_1);
    enum plan_result result;
    struct op late = given_op("001B", 1, "ann@acme.example", NULL);
    CHECK_OK(suite.does->ops_plan(suite.store, &late, 1, &result, NULL, &looked, &suite.err),
             &suite.err);
    CHECK_INT(result, PLAN_BUSY);
    CHECK_INT(late.id, first.id);
    looked = suite.world->now_ms(suite.world); /* looked again: whoever plans now knows */
    late = given_op("001B", 1, "ann@acme.example", NULL);
    CHECK_OK(suite.does->ops_plan(suite.store, &late, 1, &result, NULL, &looked, &suite.err),
             &suite.err);
    CHECK_INT(result, PLAN_NEW);
}

TEST(journal, how_it_is_sent_is_kept_with_it)
{
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL);
    op.base_stamp = T1;
    op.settings = "{\"duplicate_override\":true}";
    op.priority = 1;
    plan_op(&op);
    suite_reopen();
    struct op now = op_now(op.id);
    CHECK_STR(now.base_stamp, T1);
    CHECK_STR(now.settings, "{\"duplicate_override\":true}");
    CHECK_INT(now.priority, 1);
    CHECK(now.ticket == NULL);
}

TEST(journal, a_ticket_belongs_to_its_attempt)
{
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL), *found = NULL;
    size_t count;
    plan_op(&op);
    op.ticket = "750000000000001AAA";
    send_op(&op);
    struct op_query query = {.ticket = "750000000000001AAA"};
    CHECK_OK(suite.does->ops_list(suite.store, suite.arena, &query, &found, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(found->id, op.id);
    settle_op(&op, OP_RETRY_SAFE, NULL);
    op.ticket = NULL;
    send_op(&op);
    CHECK(op_now(op.id).ticket == NULL);
}

TEST(journal, what_a_person_waits_for_can_be_asked_for_alone)
{
    given_two_rows();
    struct op night = given_op("001A", 1, NULL, NULL), click = given_op("001B", 1, NULL, NULL);
    struct op *found = NULL;
    size_t count;
    night.priority = 1;
    plan_op(&night);
    plan_op(&click);
    struct op_query query = {.most_priority = 1};
    CHECK_OK(suite.does->ops_list(suite.store, suite.arena, &query, &found, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(found->id, click.id);
}

TEST(journal, putting_off_changes_only_the_time)
{
    given_two_rows();
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    CHECK_OK(suite.does->ops_put_off(suite.store, &op.id, 1, 12345, &suite.err), &suite.err);
    struct op now = op_now(op.id);
    CHECK_INT(now.not_before_ms, 12345);
    CHECK_INT(now.state, OP_PLANNED);
}
