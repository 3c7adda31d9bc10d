/* suite_schedules.c - the next time of each source and column outlives the process. */
#include "store/store_suite.h"

#include "store/store_schedules.h"

static struct schedule_times given(int source, int64_t next_ms)
{
    struct schedule_times times = {.table_id = suite.table.id,
                                   .source = source,
                                   .text = "15m",
                                   .anchor_ms = 1000,
                                   .next_ms = next_ms,
                                   .due_ms = 500,
                                   .run_id = 7,
                                   .missed = 2,
                                   .skipped = 3};
    CHECK_OK(suite.does->schedules->put(suite.store, &times, &suite.err), &suite.err);
    return times;
}

static struct schedule_times *all(size_t wanted)
{
    struct schedule_times *list;
    size_t count;
    CHECK_OK(suite.does->schedules->list(suite.store, suite.arena, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, wanted);
    return list;
}

static void forget(int source, int64_t column_id)
{
    struct schedule_times times = {
        .table_id = suite.table.id, .source = source, .column_id = column_id};
    CHECK_OK(suite.does->schedules->forget(suite.store, &times, &suite.err), &suite.err);
}

static void given_column(int64_t column_id, int64_t next_ms)
{
    struct schedule_times times = {.table_id = suite.table.id,
                                   .column_id = column_id,
                                   .text = "weekdays at 06:00",
                                   .anchor_ms = 2000,
                                   .next_ms = next_ms,
                                   .run_id = 8,
                                   .skipped = 1};
    CHECK_OK(suite.does->schedules->put(suite.store, &times, &suite.err), &suite.err);
}

static int64_t table_next(void)
{
    struct table table;
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &table, &suite.err),
             &suite.err);
    return table.next_sync_ms;
}

TEST(schedules, are_kept_over_a_restart)
{
    given(0, 90000);
    suite_reopen();
    struct schedule_times *t = all(1);
    CHECK(t->table_id == suite.table.id && t->source == 0 && t->next_ms == 90000);
    CHECK_STR(t->text, "15m");
    CHECK(t->anchor_ms == 1000 && t->due_ms == 500 && t->run_id == 7);
    CHECK(t->missed == 2 && t->skipped == 3);
}

TEST(schedules, a_table_is_due_with_the_soonest_of_its_sources)
{
    given(0, 90000);
    CHECK(table_next() == 90000);
    given(1, 80000);
    CHECK(table_next() == 80000);
    given(1, 0); /* never by itself */
    CHECK(table_next() == 90000);
    given(0, 95000); /* takes the place of the old one */
    CHECK(table_next() == 95000);
    all(2);
    forget(0, 0);
    CHECK(table_next() == 0);
    all(1);
    forget(0, 0);
}

TEST(schedules, of_columns_stand_beside_those_of_sources)
{
    given(0, 90000);
    given_column(11, 70000);
    given_column(12, 60000);
    given_column(11, 75000);
    CHECK(table_next() == 90000); /* of syncs alone */
    suite_reopen();
    struct schedule_times *t = all(3), *eleven = NULL;
    for (int i = 0; i < 3; i++)
        eleven = t[i].column_id == 11 ? &t[i] : eleven;
    CHECK(eleven && eleven->table_id == suite.table.id && eleven->next_ms == 75000);
    CHECK_STR(eleven->text, "weekdays at 06:00");
    CHECK(eleven->anchor_ms == 2000 && eleven->run_id == 8 && eleven->skipped == 1);
    forget(0, 12);
    forget(0, 12); /* none is fine */
    all(2);
    CHECK(table_next() == 90000);
}

TEST(schedules, go_with_their_table)
{
    given(0, 90000);
    given_column(11, 70000);
    CHECK_OK(suite.does->table_delete(suite.store, "Accounts", &suite.err), &suite.err);
    all(0);
    struct schedule_times none = {.table_id = 4711, .text = "15m"};
    CHECK_FAIL(suite.does->schedules->put(suite.store, &none, &suite.err), &suite.err,
               ERR_NOT_FOUND);
}
