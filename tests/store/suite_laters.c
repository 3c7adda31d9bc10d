/* suite_laters.c - what is left for later: cells by what was told, operations by what the
 * journal holds. */
#include "store/store_laters.h"
#include "store/store_suite.h"

#include "base/str.h"

static struct later kept(enum later_what what)
{
    struct later later;
    CHECK_OK(suite.does->laters->get(suite.store, suite.table.id, what, &later, &suite.err), &suite.err);
    return later;
}

static void put(enum later_what what, int64_t at_ms, int tries)
{
    struct later later = {.table_id = suite.table.id, .what = what, .at_ms = at_ms, .tries = tries};
    CHECK_OK(suite.does->laters->put(suite.store, &later, &suite.err), &suite.err);
}

/* The listed one of this kind; table NULL: there is none. */
static struct later listed(enum later_what what)
{
    struct later *list, found = {0};
    size_t count;
    CHECK_OK(suite.does->laters->list(suite.store, suite.arena, &list, &count, &suite.err), &suite.err);
    for (size_t i = 0; i < count; i++)
        if (list[i].what == what)
            found = list[i];
    return found;
}

TEST(laters, are_one_a_table_and_kind_and_outlive_the_process)
{
    CHECK_INT(kept(LATER_CELLS).at_ms, 0);
    put(LATER_CELLS, 5000, 1);
    put(LATER_CELLS, 7000, 2);
    suite_reopen();
    CHECK_INT(kept(LATER_CELLS).at_ms, 7000);
    CHECK_INT(kept(LATER_CELLS).tries, 2);
    CHECK_INT(kept(LATER_OPERATIONS).at_ms, 0);
    CHECK_STR(listed(LATER_CELLS).table, "Accounts");
    CHECK_INT(listed(LATER_CELLS).at_ms, 7000);
    CHECK_OK(suite.does->laters->forget(suite.store, suite.table.id, LATER_CELLS, &suite.err), &suite.err);
    CHECK(!listed(LATER_CELLS).table);
    CHECK_OK(suite.does->laters->forget(suite.store, suite.table.id, LATER_CELLS, &suite.err), &suite.err);
}

TEST(laters, of_cells_are_not_listed_while_auto_update_is_off)
{
    put(LATER_CELLS, 5000, 0);
    CHECK_OK(suite.does->table_set_auto_update(suite.store, suite.table.id, false, &suite.err), &suite.err);
    CHECK(!listed(LATER_CELLS).table);
    CHECK_OK(suite.does->table_set_auto_update(suite.store, suite.table.id, true, &suite.err), &suite.err);
    CHECK_INT(listed(LATER_CELLS).at_ms, 5000);
}

TEST(laters, of_operations_are_those_that_nobody_sends)
{
    GIVEN_ACCOUNTS({"a", "2026-01-01T00:00:00Z", "Ann", NULL});
    CHECK(!listed(LATER_OPERATIONS).table);
    put(LATER_OPERATIONS, 9000, 3); /* of nothing */
    CHECK(!listed(LATER_OPERATIONS).table);
    CHECK_OK(suite.does->laters->forget(suite.store, suite.table.id, LATER_OPERATIONS, &suite.err), &suite.err);
    struct op op = given_op("a", 1, NULL, NULL);
    CHECK(plan_op(&op) == PLAN_NEW);
    CHECK_INT(listed(LATER_OPERATIONS).at_ms, 0);
    CHECK_OK(suite.does->ops_put_off(suite.store, &op.id, 1, 8000, &suite.err), &suite.err);
    CHECK_INT(listed(LATER_OPERATIONS).at_ms, 8000);
    put(LATER_OPERATIONS, 9000, 3);
    CHECK_INT(listed(LATER_OPERATIONS).at_ms, 9000);
    CHECK_INT(listed(LATER_OPERATIONS).tries, 3);
    send_op(&op);
    CHECK(!listed(LATER_OPERATIONS).table); /* somebody is at it */
}

TEST(laters, go_with_their_table)
{
    put(LATER_CELLS, 5000, 1);
    CHECK_OK(suite.does->table_delete(suite.store, "Accounts", &suite.err), &suite.err);
    CHECK_INT(kept(LATER_CELLS).at_ms, 0);
}
