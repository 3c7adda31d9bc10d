/* suite_tidy.c - rows that auto_delete takes away: which may go, and who stays away. */
#include "store/store_suite.h"

#include "base/bits.h"
#include "store/store_dedupe.h"
#include "store/store_tidy.h"

#define T1 "2026-01-01T10:00:00.000+0000"
#define T2 "2026-01-01T11:00:00.000+0000"

static struct tidied tidy_query(struct tidy_query query)
{
    struct tidied out = {0};
    query.table_id = suite.table.id;
    query.columns = &suite.table.columns[DOMAIN];
    query.column_count = 2; /* Domain and Lead */
    query.who = "test";
    if (!query.made_before_ms)
        query.made_before_ms = suite.world->now_ms(suite.world);
    CHECK_OK(suite.does->tidy->rows(suite.store, &query, &out, &suite.err), &suite.err);
    return out;
}

static struct tidied tidy_row(const char *key)
{
    int64_t id = row_id_of(key);
    return tidy_query((struct tidy_query){.row_ids = &id, .row_count = 1, .finished = true});
}

static void given_finished(const char *key)
{
    put_cell(key, DOMAIN, CELL_OK, "x.example");
    put_cell(key, LEAD, CELL_SKIPPED, NULL);
}

/* The counts of a reading that meets all there is. */
static struct import_counts read_again(struct account *accounts, size_t count)
{
    struct row_in rows[8];
    struct value values[8][2];
    struct import_counts counts = {0};
    struct bits seen = {0};
    int slots[] = {column_slot(NAME), column_slot(INDUSTRY)};
    for (size_t i = 0; i < count; i++) {
        values[i][0] = text_value(accounts[i].name);
        values[i][1] = text_value(accounts[i].industry);
        rows[i] = (struct row_in){
            .key = accounts[i].key, .stamp = accounts[i].stamp, .values = values[i]};
    }
    struct import_page page = {.table_id = suite.table.id, .run_id = suite.run_id, .slots = slots,
                               .slot_count = 2, .rows = rows, .row_count = count,
                               .update_existing = true, .seen = &seen};
    CHECK_OK(suite.does->import_page(suite.store, &page, &counts, &suite.err), &suite.err);
    bits_free(&seen);
    return counts;
}

TEST(tidy, a_finished_row_goes_and_leaves_its_id)
{
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Bolt", "y"});
    given_finished("a");
    int64_t id = row_id_of("a");
    struct tidied dry = tidy_query(
        (struct tidy_query){.row_ids = &id, .row_count = 1, .finished = true, .dry_run = true});
    CHECK_INT(dry.removed, 1);
    CHECK_INT(row_count(), 2);
    CHECK_INT(tidy_row("a").removed, 1);
    CHECK_INT(row_id_of("a"), 0);
    CHECK_INT(row_count(), 1);
    CHECK_INT(tidy_row("b").kept, 1); /* its cells are due */
    CHECK_INT(row_count(), 1);
}

TEST(tidy, an_error_or_a_refusal_is_not_finished)
{
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"});
    given_finished("a");
    static const enum cell_state states[] = {CELL_ERROR, CELL_REFUSED, CELL_IN_DOUBT, CELL_WAITING,
                                             CELL_RETRYING, CELL_DUE};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        put_cell("a", LEAD, states[i], NULL);
        CHECK_INT(tidy_row("a").removed, 0);
    }
    put_cell("a", LEAD, CELL_NO_RESULT, NULL);
    CHECK_INT(tidy_row("a").removed, 1);
}

TEST(tidy, never_with_an_open_operation)
{
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"});
    struct op op = given_op("a", 1, NULL, NULL);
    CHECK_INT(plan_op(&op), PLAN_NEW);
    int64_t id = row_id_of("a");
    given_finished("a"); /* whatever the cells say */
    CHECK_INT(tidy_row("a").removed, 0);
    CHECK_INT(tidy_query((struct tidy_query){.row_ids = &id, .row_count = 1}).removed, 0);
    send_op(&op);
    settle_op(&op, OP_DONE, "00Q000000000001AAA");
    given_finished("a");
    CHECK_INT(tidy_row("a").removed, 1);
}

TEST(tidy, a_young_row_stays)
{
    int64_t before = suite.world->now_ms(suite.world) - 1000;
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"});
    given_finished("a");
    int64_t id = row_id_of("a");
    struct tidy_query young = {
        .row_ids = &id, .row_count = 1, .finished = true, .made_before_ms = before};
    CHECK_INT(tidy_query(young).removed, 0);
    CHECK_INT(tidy_row("a").removed, 1);
}

TEST(tidy, what_is_read_again_stays_away_until_it_changed)
{
    struct account same = {"a", T1, "Acme", "x"}, newer = {"a", T2, "Acme 2", "x"};
    given_accounts(&same, 1);
    given_finished("a");
    tidy_row("a");
    struct import_counts counts = read_again(&same, 1);
    CHECK_INT(counts.unchanged, 1);
    CHECK_INT(counts.revived, 0);
    CHECK_INT(row_count(), 0);
    counts = read_again(&newer, 1);
    CHECK_INT(counts.revived, 1);
    CHECK_STR(cell_text("a", NAME), "Acme 2");
}

TEST(tidy, what_is_delivered_again_is_a_new_arrival)
{
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"});
    int64_t id = row_id_of("a");
    given_finished("a");
    tidy_row("a");
    struct import_counts counts = GIVEN_ACCOUNTS({"a", T1, "Acme", "x"});
    CHECK_INT(counts.revived, 1);
    CHECK_INT(row_id_of("a"), id);
    CHECK_CELL("a", DOMAIN, CELL_DUE);
}

TEST(tidy, what_was_merged_goes_along)
{
    suite.table.rules = "{\"auto_dedupe\":{\"by\":\"Name\",\"keep\":\"oldest\"}}";
    for (size_t i = 0; i < suite.table.column_count; i++)
        suite.table.columns[i].depend_count = 0;
    CHECK_OK(suite.does->table_apply(suite.store, &suite.table, &suite.err), &suite.err);
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &suite.table, &suite.err),
             &suite.err);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "acme", "y"}, {"c", T1, "ACME", "z"});
    CHECK_INT(row_count(), 1);
    given_finished("a");
    struct tidied out = tidy_row("a");
    CHECK_INT(out.removed, 1);
    CHECK_INT(out.merged, 2);
    CHECK_INT(row_count(), 0);
    int64_t merged;
    CHECK_OK(suite.does->dedupe->count(suite.store, suite.table.id, &merged, &suite.err), &suite.err);
    CHECK_INT(merged, 0);
    struct import_counts counts = GIVEN_ACCOUNTS({"d", T1, "Acme", "new"}); /* the key is free */
    CHECK_INT(counts.added, 1);
    CHECK_INT(row_count(), 1);
}

TEST(tidy, the_newest_stay)
{
    int64_t from;
    GIVEN_ACCOUNTS({"a", T1, "A", "x"}, {"b", T1, "B", "y"}, {"c", T1, "C", "z"});
    const struct store_tidy *tidy = suite.does->tidy;
    CHECK_OK(tidy->kept_from(suite.store, suite.table.id, 2, &from, &suite.err), &suite.err);
    CHECK_INT(from, row_id_of("b"));
    CHECK_OK(tidy->kept_from(suite.store, suite.table.id, 4, &from, &suite.err), &suite.err);
    CHECK_INT(from, 0);
    CHECK_OK(tidy->kept_from(suite.store, suite.table.id, 0, &from, &suite.err), &suite.err);
    CHECK(from == INT64_MAX);
}
