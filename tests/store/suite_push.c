/* suite_push.c - choices among several records, and whose turn it is. */
#include "store/store_choices.h"
#include "store/store_counters.h"
#include "store/store_suite.h"

#define T1     "2026-01-01T10:00:00.000+0000"
#define LEAD_1 "00Q000000000001AAA"
#define LEAD_2 "00Q000000000002AAA"

static void given_two_rows(void)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", NULL}, {"001B", T1, "Bolt", NULL});
}

static const char *choice(const char *key)
{
    int64_t row = row_id_of(key);
    const char *record = NULL;
    CHECK_OK(suite.does->choices->get(suite.store, suite.arena, column_id(LEAD), &row, 1, &record,
                                      &suite.err),
             &suite.err);
    return record;
}

static void choose(const char *key, const char *record)
{
    CHECK_OK(suite.does->choices->put(suite.store, suite.table.id, column_id(LEAD), row_id_of(key),
                                      record, "ann", &suite.err),
             &suite.err);
}

TEST(choices, stay_until_another_is_made)
{
    given_two_rows();
    CHECK(choice("001A") == NULL);
    choose("001A", LEAD_1);
    suite_reopen();
    CHECK_STR(choice("001A"), LEAD_1);
    CHECK(choice("001B") == NULL);
    choose("001A", LEAD_2);
    CHECK_STR(choice("001A"), LEAD_2);
    choose("001A", NULL);
    CHECK(choice("001A") == NULL);
}

TEST(choices, are_in_the_audit)
{
    int64_t before = 0, after = 0;
    given_two_rows();
    CHECK_OK(suite.does->audit_verify(suite.store, &before, &suite.err), &suite.err);
    choose("001A", LEAD_1);
    CHECK_OK(suite.does->audit_verify(suite.store, &after, &suite.err), &suite.err);
    CHECK_INT(after, before + 1);
}

static int64_t take(int64_t column, int64_t count)
{
    int64_t first = -1;
    CHECK_OK(suite.does->counters->next(suite.store, column, count, &first, &suite.err),
             &suite.err);
    return first;
}

TEST(counters, never_give_a_number_twice)
{
    CHECK_INT(take(1, 3), 0);
    CHECK_INT(take(1, 1), 3);
    CHECK_INT(take(2, 1), 0);
    suite_reopen();
    CHECK_INT(take(1, 2), 4);
}

TEST(rows, can_be_found_by_their_key)
{
    struct row *rows;
    size_t count;
    given_two_rows();
    struct row_query query = {.table_id = suite.table.id, .key = "001B"};
    CHECK_OK(suite.does->rows(suite.store, suite.arena, &query, &rows, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(rows->id, row_id_of("001B"));
    query.key = "nobody";
    CHECK_OK(suite.does->rows(suite.store, suite.arena, &query, &rows, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 0);
}
