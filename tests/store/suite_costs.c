/* suite_costs.c - what a cell cost is kept with its result, and gone with its table. */
#include "store/store_costs.h"
#include "store/store_suite.h"

static struct cell_cost cost_of(const char *key)
{
    struct cell_cost cost;
    CHECK_OK(suite.does->costs->get(suite.store, suite.table.id, column_id(DOMAIN), row_id_of(key),
                                    &cost, &suite.err),
             &suite.err);
    return cost;
}

static void put(const char *key, struct cell_cost cost)
{
    struct cell_result result = {.row_id = row_id_of(key),
                                 .column_id = column_id(DOMAIN),
                                 .slot = column_slot(DOMAIN),
                                 .state = CELL_OK,
                                 .value = text_value("x"),
                                 .set_value = true,
                                 .cost = cost};
    CHECK_OK(suite.does->cells_put(suite.store, suite.table.id, &result, 1, NULL, 0, &suite.err),
             &suite.err);
}

TEST(costs, are_those_of_the_last_result)
{
    GIVEN_ACCOUNTS({"a", "2026-01-01T00:00:00Z", "Ann", NULL}, {"b", "2026-01-01T00:00:00Z", "Bo", NULL});
    CHECK_INT(cost_of("a").run_id, 0);
    put("a", (struct cell_cost){.run_id = 7, .took_us = 1500, .calls_milli = 250, .attempts = 2});
    put("b", (struct cell_cost){0}); /* told nothing: nothing is kept */
    CHECK_INT(cost_of("b").run_id, 0);
    suite_reopen();
    struct cell_cost cost = cost_of("a");
    CHECK_INT(cost.run_id, 7);
    CHECK_INT(cost.took_us, 1500);
    CHECK_INT(cost.calls_milli, 250);
    CHECK_INT(cost.attempts, 2);
    CHECK_INT(cost.at_ms, suite.world->now_ms(suite.world));
    put("a", (struct cell_cost){.run_id = 8, .took_us = 10, .attempts = 1});
    CHECK_INT(cost_of("a").run_id, 8);
    CHECK_INT(cost_of("a").calls_milli, 0);
}

TEST(costs, go_with_their_table)
{
    GIVEN_ACCOUNTS({"a", "2026-01-01T00:00:00Z", "Ann", NULL});
    int64_t row = row_id_of("a"), column = column_id(DOMAIN);
    struct cell_cost cost;
    put("a", (struct cell_cost){.run_id = 7, .took_us = 1500, .attempts = 1});
    CHECK_OK(suite.does->table_delete(suite.store, "Accounts", &suite.err), &suite.err);
    CHECK_OK(suite.does->costs->get(suite.store, suite.table.id, column, row, &cost, &suite.err),
             &suite.err);
    CHECK_INT(cost.run_id, 0);
}
