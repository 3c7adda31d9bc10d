/* suite_holds.c - connections that may not write, because the org may know more than we do. */
#include "store/store_holds.h"
#include "store/store_suite.h"

#include <string.h>

#define T1 "2026-01-01T10:00:00.000+0000"

static struct store_hold hold_now(void)
{
    struct store_hold hold;
    CHECK_OK(suite.does->holds->get(suite.store, suite.arena, suite.connection.id, &hold, &suite.err),
             &suite.err);
    return hold;
}

static int64_t hold_all(int64_t from_ms)
{
    int64_t ops = -1;
    CHECK_OK(suite.does->holds->hold_all(suite.store, "ann", "a test says so", from_ms, &ops, &suite.err),
             &suite.err);
    return ops;
}

static enum status release(bool forget)
{
    return suite.does->holds->release(suite.store, suite.connection.id, "bob", forget, &suite.err);
}

/* One operation in each open state but SENDING, then one that is SENDING. */
static void given_ops(struct op ops[3])
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", NULL}, {"001B", T1, "Bolt", NULL}, {"001C", T1, "Core", NULL});
    const char *const keys[] = {"001A", "001B", "001C"};
    for (int i = 0; i < 3; i++) {
        ops[i] = given_op(keys[i], 1, NULL, NULL);
        CHECK_INT(plan_op(&ops[i]), PLAN_NEW);
    }
    send_op(&ops[1]);
    send_op(&ops[2]);
    settle_op(&ops[2], OP_RETRY_SAFE, NULL);
}

TEST(holds, nobody_is_held_without_a_reason)
{
    CHECK_INT(hold_now().connection_id, 0);
    CHECK_FAIL(release(false), &suite.err, ERR_NOT_FOUND);
}

TEST(holds, every_open_operation_becomes_unsure)
{
    struct op ops[3];
    int64_t epoch = suite.store->epoch;
    given_ops(ops);
    CHECK_INT(hold_all(5), 3);
    CHECK(suite.store->epoch > epoch + 1000);
    for (int i = 0; i < 3; i++) {
        struct op now = op_now(ops[i].id);
        CHECK_INT(now.state, OP_UNKNOWN);
        CHECK_STR(now.error_code, OP_UNSURE);
        CHECK(now.deadline_ms >= suite.world->now_ms(suite.world));
        CHECK_INT(now.epoch, suite.store->epoch);
    }
    struct store_hold hold = hold_now();
    CHECK_INT(hold.from_ms, 5);
    CHECK_STR(hold.why, "a test says so");
    CHECK(hold.old_sign_in);
    /* what a process of the lost history still believes counts for nothing */
    CHECK_INT(settle_op(&ops[1], OP_DONE, "00Q000000000001AAA"), 1);
}

TEST(holds, nothing_becomes_sending_while_held)
{
    struct op ops[3];
    given_ops(ops);
    hold_all(5);
    GIVEN_ACCOUNTS({"001D", T1, "Dune", NULL});
    struct op fresh = given_op("001D", 1, NULL, NULL);
    CHECK_INT(plan_op(&fresh), PLAN_NEW);
    CHECK_OK(suite.does->ops_sending(suite.store, &fresh, 1, 1, &suite.err), &suite.err);
    CHECK_INT(fresh.state, OP_PLANNED);
    CHECK_INT(op_now(fresh.id).state, OP_PLANNED);
}

TEST(holds, are_released_when_nothing_is_unsure_any_more)
{
    struct op ops[3], now;
    given_ops(ops);
    hold_all(5);
    CHECK_FAIL(release(false), &suite.err, ERR_CONFLICT);
    CHECK_CONTAINS(suite.err.message, "3 operations");
    for (int i = 0; i < 3; i++) {
        now = op_now(ops[i].id);
        settle_op(&now, OP_RECONCILING, NULL);
        settle_op(&now, OP_RETRY_SAFE, NULL);
    }
    CHECK_OK(release(false), &suite.err);
    suite_reopen();
    struct store_hold hold = hold_now();
    CHECK_STR(hold.released_by, "bob");
    CHECK(hold.released_ms > 0);
    CHECK_INT(hold.from_ms, 5); /* new records are still looked for */
    now = op_now(ops[0].id);
    send_op(&now);
    CHECK_INT(op_now(ops[0].id).state, OP_SENDING);
    CHECK_FAIL(release(false), &suite.err, ERR_NOT_FOUND);
}

TEST(holds, the_earlier_beginning_of_the_lost_time_stays)
{
    hold_all(50);
    CHECK_OK(release(false), &suite.err);
    hold_all(90);
    CHECK_INT(hold_now().from_ms, 50);
    CHECK_INT(hold_now().released_ms, 0);
    CHECK_OK(release(true), &suite.err);
    CHECK_INT(hold_now().from_ms, 0);
    hold_all(0); /* since anything was stored last */
    CHECK(hold_now().from_ms > 1000);
}

TEST(holds, know_whose_sign_in_is_old)
{
    hold_all(5);
    CHECK_OK(suite.does->holds->signed_in(suite.store, suite.connection.id, &suite.err), &suite.err);
    CHECK(!hold_now().old_sign_in);
    struct store_hold *list;
    size_t count;
    CHECK_OK(suite.does->holds->list(suite.store, suite.arena, &list, &count, &suite.err), &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(list[0].connection_id, suite.connection.id);
}

/* A column that is made now never has the id of one that the lost history made. */
TEST(holds, skip_ids_that_the_lost_history_may_have_given)
{
    struct connection other = {.name = "later", .connector = "salesforce", .status = "connected"};
    hold_all(5);
    CHECK_OK(suite.does->connection_put(suite.store, &other, &suite.err), &suite.err);
    CHECK(other.id > suite.connection.id + 500);
    struct store_hold hold;
    CHECK_OK(suite.does->holds->get(suite.store, suite.arena, other.id, &hold, &suite.err), &suite.err);
    CHECK_INT(hold.connection_id, 0); /* it is new: nothing of it is lost */
}
