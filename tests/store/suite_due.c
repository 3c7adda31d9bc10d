/* suite_due.c - what becomes due, and what is only marked out of date. The order itself
 * is tests/model/test_due.c's; here is that a driver follows it, and what it remembers. */
#include "store/store_suite.h"

#define T1 "2026-01-01T10:00:00.000Z"
#define T2 "2026-01-01T10:00:01.000Z"
#define T3 "2026-01-01T10:00:02.000Z"

static void given_computed(void)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"}, {"001B", T1, "Bolt", "Steel"});
    put_cell("001A", DOMAIN, CELL_OK, "acme.example");
    put_cell("001B", DOMAIN, CELL_ERROR, NULL);
}

static void given_both_change(void)
{
    GIVEN_ACCOUNTS({"001A", T2, "Acme 2", "Steel"}, {"001B", T2, "Bolt 2", "Steel"});
}

TEST(due, a_table_that_is_off_marks_results_and_leaves_the_rest)
{
    given_computed();
    suite.table_off = true;
    given_both_change();
    CHECK_CELL("001A", DOMAIN, CELL_OUTDATED);
    CHECK_STR(cell_text("001A", DOMAIN), "acme.example");
    CHECK_CELL("001B", DOMAIN, CELL_ERROR);
}

TEST(due, a_column_that_is_off_is_marked)
{
    given_computed();
    suite.column_off = true;
    given_both_change();
    CHECK_CELL("001A", DOMAIN, CELL_OUTDATED);
    suite.column_off = false;
    GIVEN_ACCOUNTS({"001A", T3, "Acme 3", "Steel"});
    CHECK_CELL("001A", DOMAIN, CELL_DUE);
}

TEST(due, kept_results_are_marked_and_failed_ones_run)
{
    given_computed();
    suite.keep_results = true;
    given_both_change();
    CHECK_CELL("001A", DOMAIN, CELL_OUTDATED);
    CHECK_CELL("001B", DOMAIN, CELL_DUE);
}

TEST(due, a_mark_goes_with_the_next_result)
{
    given_computed();
    suite.table_off = true;
    given_both_change();
    put_cell("001A", DOMAIN, CELL_OK, "acme2.example");
    CHECK_CELL("001A", DOMAIN, CELL_OK);
}

TEST(due, a_held_cell_is_marked_when_the_hold_ends)
{
    given_computed();
    put_cell("001A", DOMAIN, CELL_RUNNING, NULL);
    suite.table_off = true;
    given_both_change();
    CHECK_CELL("001A", DOMAIN, CELL_RUNNING);
    put_cell("001A", DOMAIN, CELL_OK, "acme.example");
    CHECK_CELL("001A", DOMAIN, CELL_OUTDATED);
    put_cell("001A", DOMAIN, CELL_RUNNING, NULL);
    suite.table_off = false;
    GIVEN_ACCOUNTS({"001A", T3, "Acme 3", "Steel"});
    put_cell("001A", DOMAIN, CELL_NO_RESULT, NULL);
    CHECK_CELL("001A", DOMAIN, CELL_DUE);
}

TEST(due, readers_of_a_computed_cell_follow_the_same_order)
{
    given_computed();
    put_cell("001A", LEAD, CELL_OK, "00Q000000000001AAA");
    const int64_t readers[] = {column_id(LEAD)};
    const bool off[] = {true};
    struct dependents dependents = {
        .column_id = column_id(DOMAIN), .due = readers, .due_count = 1, .off = off};
    struct cell_result result = {.row_id = row_id_of("001A"),
                                 .column_id = column_id(DOMAIN),
                                 .slot = column_slot(DOMAIN),
                                 .state = CELL_OK,
                                 .value = text_value("new.example"),
                                 .set_value = true};
    CHECK_OK(suite.does->cells_put(suite.store, suite.table.id, &result, 1, &dependents, 1,
                                   &suite.err),
             &suite.err);
    CHECK_CELL("001A", LEAD, CELL_OUTDATED);
    dependents.off = NULL;
    result.value = text_value("newer.example");
    CHECK_OK(suite.does->cells_put(suite.store, suite.table.id, &result, 1, &dependents, 1,
                                   &suite.err),
             &suite.err);
    CHECK_CELL("001A", LEAD, CELL_DUE);
}

TEST(due, rules_of_a_table_are_kept)
{
    suite.table.rules = "{\"keep_results\":true}";
    struct table table = suite.table, back;
    for (size_t i = 0; i < table.column_count; i++)
        table.columns[i].depend_count = 0;
    CHECK_OK(suite.does->table_apply(suite.store, &table, &suite.err), &suite.err);
    suite_reopen();
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, table.name, &back, &suite.err),
             &suite.err);
    CHECK_STR(back.rules, "{\"keep_results\":true}");
}

static int64_t read_ms_of(const char *key)
{
    struct row *rows;
    size_t count;
    int64_t id = row_id_of(key);
    struct row_query query = {
        .table_id = suite.table.id, .column_id = column_id(DOMAIN), .ids = &id, .id_count = 1};
    CHECK_OK(suite.does->rows(suite.store, suite.arena, &query, &rows, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    return rows[0].cell_ms;
}

static void put_read_at(const char *key, enum cell_state state, int64_t read_ms)
{
    struct cell_result result = {.row_id = row_id_of(key),
                                 .column_id = column_id(DOMAIN),
                                 .slot = column_slot(DOMAIN),
                                 .state = state,
                                 .value = text_value("old.example"),
                                 .set_value = state == CELL_OK,
                                 .read_ms = read_ms};
    CHECK_OK(suite.does->cells_put(suite.store, suite.table.id, &result, 1, NULL, 0, &suite.err),
             &suite.err);
}

TEST(due, a_result_from_old_inputs_leaves_the_cell_due)
{
    static const enum cell_state states[] = {CELL_OK, CELL_NO_RESULT, CELL_SKIPPED};
    const char *stamps[] = {"2026-01-02T10:00:00.000Z", "2026-01-03T10:00:00.000Z",
                            "2026-01-04T10:00:00.000Z"};
    GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"});
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        int64_t read = read_ms_of("001A");
        struct import_counts n = GIVEN_ACCOUNTS({"001A", stamps[i], i % 2 ? "Acme" : "Bolt", "Steel"});
        CHECK_INT(n.made_due, 0);
        CHECK_INT(n.due_again, 1);
        put_read_at("001A", states[i], read);
        CHECK_CELL("001A", DOMAIN, CELL_DUE);
    }
    put_read_at("001A", CELL_OK, read_ms_of("001A"));
    CHECK_CELL("001A", DOMAIN, CELL_OK);
}

TEST(due, a_write_planned_from_old_inputs_is_followed_by_another)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"});
    int64_t read = read_ms_of("001A");
    GIVEN_ACCOUNTS({"001A", T2, "Bolt", "Steel"});
    put_read_at("001A", CELL_QUEUED, read);
    CHECK_CELL("001A", DOMAIN, CELL_QUEUED);
    put_cell("001A", DOMAIN, CELL_OK, "old.example");
    CHECK_CELL("001A", DOMAIN, CELL_DUE);
}
