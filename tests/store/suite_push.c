/* suite_push.c - choices among several records, whose turn it is, what holds writes back. */
#include "store/store_choices.h"
#include "store/store_counters.h"
#include "store/store_gates.h"
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

/* -------------------------------------------------------------------- gates */

static struct gate gate_of(int64_t column, const char *kind, bool *found)
{
    struct gate gate = {0};
    CHECK_OK(suite.does->gates->get(suite.store, suite.arena, suite.table.id, column, kind, &gate,
                                    found, &suite.err),
             &suite.err);
    return gate;
}

static void put_gate(int64_t column, const char *kind, const char *state, int64_t at_ms)
{
    struct gate gate = {.table_id = suite.table.id, .column_id = column, .kind = kind,
                        .state = state, .run_id = 7, .detail = "{\"written\":5}", .who = "ann",
                        .at_ms = at_ms};
    CHECK_OK(suite.does->gates->put(suite.store, &gate, &suite.err), &suite.err);
}

TEST(gates, are_one_a_kind_and_column)
{
    bool found;
    struct gate *list;
    size_t count;
    given_two_rows();
    gate_of(0, "lock", &found);
    CHECK(!found);
    put_gate(3, "canary", "waiting", 20);
    put_gate(0, "lock", "test", 10);
    put_gate(3, "canary", "approved", 30);
    struct gate gate = gate_of(3, "canary", &found);
    CHECK(found);
    CHECK_STR(gate.state, "approved");
    CHECK_STR(gate.detail, "{\"written\":5}");
    CHECK_STR(gate.who, "ann");
    CHECK_INT(gate.run_id, 7);
    CHECK_OK(suite.does->gates->list(suite.store, suite.arena, 0, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 2);
    CHECK_STR(list[0].kind, "lock");
    CHECK_OK(suite.does->gates->remove(suite.store, suite.table.id, 3, "canary", &suite.err),
             &suite.err);
    CHECK_OK(suite.does->gates->remove(suite.store, suite.table.id, 3, "canary", &suite.err),
             &suite.err);
    CHECK_OK(suite.does->gates->list(suite.store, suite.arena, suite.table.id, &list, &count,
                                     &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
}
