/* suite_import.c - pages of remote rows: what is written, what becomes due. */
#include "store/store_suite.h"

#include <stdio.h>
#include <string.h>

#define T1     "2026-01-01T10:00:00.000+0000"
#define T2     "2026-01-01T10:00:01.000+0000"
#define T3     "2026-01-01T10:00:02.000Z"
#define LEAD_1 "00Q000000000001AAA"

TEST(import, new_rows_make_their_columns_due)
{
    struct import_counts n =
        GIVEN_ACCOUNTS({"001B", T1, "Bolt", "Steel"}, {"001A", T1, "Acme", NULL});
    CHECK_INT(n.added, 2);
    CHECK_INT(n.made_due, 4);
    CHECK_INT(count_due(DOMAIN), 2);
    CHECK_STR(cell_text("001A", NAME), "Acme");
    CHECK(cell_text("001A", INDUSTRY) == NULL);
    CHECK_INT(row_count(), 2);
}

TEST(import, blank_null_and_absent_are_different)
{
    GIVEN_ACCOUNTS({"001A", T1, "", NULL});
    CHECK_STR(cell_text("001A", NAME), "");
    CHECK(cell_text("001A", INDUSTRY) == NULL);
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T2, NULL, NULL});
    CHECK_INT(n.changed, 1);
    CHECK(cell_text("001A", NAME) == NULL);
}

TEST(import, an_unchanged_row_makes_nothing_due)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"});
    put_cell("001A", DOMAIN, CELL_OK, "acme.example");
    put_cell("001A", LEAD, CELL_OK, LEAD_1);
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T2, "Acme", "Steel"});
    CHECK_INT(n.unchanged, 1);
    CHECK_INT(n.made_due, 0);
    CHECK_CELL("001A", DOMAIN, CELL_OK);
}

TEST(import, only_readers_of_changed_slots_become_due)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"});
    put_cell("001A", DOMAIN, CELL_OK, "acme.example");
    put_cell("001A", LEAD, CELL_OK, LEAD_1);
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T2, "Acme", "Food"});
    CHECK_INT(n.changed, 1);
    CHECK_INT(n.made_due, 1);
    CHECK_CELL("001A", DOMAIN, CELL_OK);
    CHECK_CELL("001A", LEAD, CELL_DUE);
}

TEST(import, what_is_older_than_we_hold_is_stale)
{
    GIVEN_ACCOUNTS({"001A", T2, "Acme", "Steel"});
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T1, "Old", "Old"});
    CHECK_INT(n.stale, 1);
    CHECK_STR(cell_text("001A", NAME), "Acme");
    n = GIVEN_ACCOUNTS({"001A", T3, "New", "Steel"}); /* Bulk spells the zone otherwise */
    CHECK_INT(n.changed, 1);
    n = GIVEN_ACCOUNTS({"001A", T3, "Newer", "Steel"}); /* formulas move without the stamp */
    CHECK_INT(n.changed, 1);
    n = GIVEN_ACCOUNTS({"001A", T2, "Old", "Old"});
    CHECK_INT(n.stale, 1);
}

TEST(import, a_stamp_moves_on_although_nothing_we_hold_changed)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"});
    GIVEN_ACCOUNTS({"001A", T3, "Acme", "Steel"});
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T2, "Between", "Steel"});
    CHECK_INT(n.stale, 1);
}

TEST(import, a_marked_row_leaves_and_returns)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"}, {"001B", T1, "Bolt", "Steel"});
    put_cell("001A", DOMAIN, CELL_OK, "acme.example");
    put_cell("001A", LEAD, CELL_OK, LEAD_1);
    int64_t id = row_id_of("001A");
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T2, NULL, NULL, true});
    CHECK_INT(n.deleted, 1);
    CHECK_INT(row_count(), 1);
    CHECK_STR(cell_text("001A", NAME), "Acme"); /* marked, not lost */
    n = GIVEN_ACCOUNTS({"001A", T2, NULL, NULL, true});
    CHECK_INT(n.deleted, 0);
    n = GIVEN_ACCOUNTS({"001A", T3, "Acme", "Steel"});
    CHECK_INT(n.revived, 1);
    CHECK_INT(n.made_due, 0); /* the same record with the same values */
    CHECK_INT(row_id_of("001A"), id);
    CHECK_INT(row_count(), 2);
}

TEST(import, a_removed_row_returns_under_its_old_id)
{
    struct account row = {"001A", T1, "Acme", "Steel"}, gone = {"001A", T2, NULL, NULL, true};
    given_accounts(&row, 1);
    int64_t id = row_id_of("001A");
    put_cell("001A", LEAD, CELL_OK, LEAD_1);
    struct import_counts n = given_page(&gone, 1, false, NULL, DELETED_REMOVE);
    CHECK_INT(n.deleted, 1);
    CHECK_INT(row_id_of("001A"), 0);
    CHECK_INT(row_count(), 0);
    row.stamp = T3;
    n = given_page(&row, 1, false, NULL, DELETED_REMOVE);
    CHECK_INT(n.revived, 1);
    CHECK_INT(row_id_of("001A"), id); /* what was done for it is still known */
    CHECK(cell_text("001A", LEAD) == NULL);
    CHECK_INT(n.made_due, 2);
}

TEST(import, a_kept_row_does_not_notice)
{
    struct account row = {"001A", T1, "Acme", "Steel"}, gone = {"001A", T2, NULL, NULL, true};
    given_accounts(&row, 1);
    struct import_counts n = given_page(&gone, 1, false, NULL, DELETED_KEEP);
    CHECK_INT(n.deleted, 0);
    CHECK_INT(n.unchanged, 1);
    CHECK_INT(row_count(), 1);
}

TEST(import, a_deletion_of_what_we_never_had_is_nothing)
{
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T1, NULL, NULL, true});
    CHECK_INT(n.unchanged, 1);
    CHECK_INT(row_count(), 0);
}

TEST(import, a_sweep_marks_rows_and_seeing_them_again_revives_them)
{
    const char *gone[] = {"001A", "001X"};
    GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"}, {"001B", T1, "Bolt", "Steel"});
    CHECK_OK(
        suite.does->rows_delete(suite.store, suite.table.id, 0, gone, 2, DELETED_MARK, &suite.err),
        &suite.err);
    CHECK_INT(row_count(), 1);
    const char **keys;
    size_t count;
    CHECK_OK(suite.does->keys_list(suite.store, suite.arena, suite.table.id, 0, NULL, 10, &keys,
                                   &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_STR(keys[0], "001B");
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"}); /* the same stamp */
    CHECK_INT(n.revived, 1);
    CHECK_INT(row_count(), 2);
}

TEST(import, a_page_and_its_cursor_are_one)
{
    struct account row = {"001A", T1, "Acme", "Steel"};
    const char *cursor;
    given_page(&row, 1, false, "{\"id\":\"001A\"}", DELETED_MARK);
    suite_reopen();
    CHECK_OK(suite.does->cursor_get(suite.store, suite.arena, suite.table.id, 0, &cursor, &suite.err),
             &suite.err);
    CHECK_STR(cursor, "{\"id\":\"001A\"}");
    CHECK_STR(cell_text("001A", NAME), "Acme");
}

TEST(import, update_existing_off_leaves_known_rows_alone)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"});
    int slots[] = {column_slot(NAME)};
    struct value values[] = {text_value("Other")};
    struct row_in rows[] = {{"001A", T2, false, values}, {"001B", T2, false, values}};
    struct import_page page = {
        .table_id = suite.table.id, .slots = slots, .slot_count = 1, .rows = rows, .row_count = 2};
    struct import_counts n = {.added = 10};
    CHECK_OK(suite.does->import_page(suite.store, &page, &n, &suite.err), &suite.err);
    CHECK_INT(n.added, 11); /* counts are added to */
    CHECK_INT(n.unchanged, 1);
    CHECK_STR(cell_text("001A", NAME), "Acme");
    CHECK_STR(cell_text("001B", NAME), "Other");
}

TEST(import, one_key_twice_in_a_page_is_one_row_and_the_later_wins)
{
    struct import_counts n =
        GIVEN_ACCOUNTS({"001B", T1, "B1", NULL}, {"001A", T1, "A", NULL}, {"001B", T2, "B2", NULL});
    CHECK_INT(n.added, 2);
    CHECK_INT(n.changed, 1);
    CHECK_STR(cell_text("001B", NAME), "B2");
    CHECK_INT(row_count(), 2);
}

/* ------------------------------------------------------------- first load */

TEST(import, a_first_load_ends_keyed_and_goes_on_as_usual)
{
    struct account page1[] = {{"001A", T1, "Acme", NULL}, {"001B", T1, "Bolt", NULL}};
    struct account page2[] = {{"001C", T1, "Corn", NULL}, {"001D", T1, NULL, NULL, true}};
    struct import_counts n = given_page(page1, 2, true, "{\"p\":1}", DELETED_MARK);
    CHECK_INT(n.added, 2);
    CHECK_INT(n.made_due, 4);
    n = given_page(page2, 2, true, "{\"p\":2}", DELETED_MARK);
    CHECK_INT(n.added, 1);
    CHECK_INT(n.unchanged, 1);
    CHECK_OK(suite.does->import_finish(suite.store, suite.table.id, &suite.err), &suite.err);
    CHECK_OK(suite.does->import_finish(suite.store, suite.table.id, &suite.err), &suite.err);
    n = GIVEN_ACCOUNTS({"001A", T2, "Acme2", NULL}, {"001E", T2, "Eel", NULL});
    CHECK_INT(n.changed, 1);
    CHECK_INT(n.added, 1);
    CHECK_INT(row_count(), 4);
}

TEST(import, a_key_that_came_twice_in_a_first_load_is_one_row)
{
    struct account page1[] = {{"001A", T1, "Old", NULL}, {"001B", T1, "Bolt", NULL}};
    struct account page2[] = {{"001A", T2, "New", NULL}};
    given_page(page1, 2, true, NULL, DELETED_MARK);
    given_page(page2, 1, true, NULL, DELETED_MARK);
    CHECK_OK(suite.does->import_finish(suite.store, suite.table.id, &suite.err), &suite.err);
    CHECK_INT(row_count(), 2);
    CHECK_STR(cell_text("001A", NAME), "New");
    CHECK_INT(count_due(DOMAIN), 2);
}

TEST(import, a_first_load_that_was_cut_goes_on_without_doubling)
{
    struct account page1[] = {{"001A", T1, "Acme", NULL}, {"001B", T1, "Bolt", NULL}};
    given_page(page1, 2, true, NULL, DELETED_MARK);
    suite_reopen();
    struct import_counts n = given_page(page1, 2, false, NULL, DELETED_MARK);
    CHECK_INT(n.unchanged, 2);
    CHECK_INT(row_count(), 2);
}

/* ----------------------------------------------------------------- echoes */

/* The table's own record 001A was written: Industry, by us. */
static void given_written(const char *payload)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", NULL});
    done_op("001A", 1, payload, "001A");
    put_cell("001A", DOMAIN, CELL_OK, "acme.example");
    put_cell("001A", LEAD, CELL_OK, "001A");
}

TEST(import, our_own_write_coming_back_makes_nothing_due)
{
    given_written("{\"Industry\":\"Steel\"}");
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T2, "Acme", "Steel"});
    CHECK_INT(n.changed, 1);
    CHECK_INT(n.echoes, 1);
    CHECK_INT(n.made_due, 0);
    CHECK_STR(cell_text("001A", INDUSTRY), "Steel");
}

TEST(import, an_echo_beside_a_real_change_hides_only_itself)
{
    given_written("{\"Industry\":\"Steel\"}");
    put_cell("001A", LEAD, CELL_OK, LEAD_1);
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T2, "Acme Inc", "Steel"});
    CHECK_INT(n.echoes, 0);
    CHECK_INT(n.made_due, 1);
    CHECK_CELL("001A", DOMAIN, CELL_DUE);
    CHECK_CELL("001A", LEAD, CELL_OK);
}

TEST(import, somebody_elses_value_is_no_echo)
{
    given_written("{\"Industry\":\"Steel\"}");
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T2, "Acme", "Food"});
    CHECK_INT(n.echoes, 0);
    CHECK_INT(n.made_due, 1);
}

TEST(import, a_value_comes_back_once)
{
    given_written("{\"Industry\":\"Steel\"}");
    GIVEN_ACCOUNTS({"001A", T2, "Acme", "Steel"});
    GIVEN_ACCOUNTS({"001A", T2, "Acme", "Food"});
    put_cell("001A", LEAD, CELL_OK, LEAD_1);
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T3, "Acme", "Steel"}); /* a person's choice */
    CHECK_INT(n.echoes, 0);
    CHECK_INT(n.made_due, 1);
}

TEST(import, the_org_may_spell_our_value_its_own_way)
{
    static const struct {
        const char *payload, *back;
    } spelled[] = {
        {"{\"industry\":12.50}", "12.5"},
        {"{\"Industry\":-0}", "0.0"},
        {"{\"Industry\":true}", "true"},
        {"{\"Industry\":\"  Steel \"}", "Steel"},
        {"{\"Industry\":\"2026-01-02T03:04:05Z\"}", "2026-01-02T03:04:05.000+0000"},
    };
    for (size_t i = 0; i < sizeof spelled / sizeof *spelled; i++) {
        char key[8];
        snprintf(key, sizeof key, "00%zu", i);
        GIVEN_ACCOUNTS({key, T1, "Acme", NULL});
        done_op(key, 1, spelled[i].payload, key);
        struct import_counts n = GIVEN_ACCOUNTS({key, T2, "Acme", spelled[i].back});
        CHECK_INT(n.echoes, 1);
    }
}

TEST(import, digits_in_a_text_are_text)
{
    given_written("{\"Industry\":\"00123\"}");
    struct import_counts n = GIVEN_ACCOUNTS({"001A", T2, "Acme", "123"});
    CHECK_INT(n.echoes, 0);
}

TEST(import, a_record_we_made_from_this_table_starts_no_second_round)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", NULL});
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    send_op(&op);
    settle_op(&op, OP_DONE, "001Z");
    struct import_counts n = GIVEN_ACCOUNTS({"001Z", T2, "Ng", NULL});
    CHECK_INT(n.added, 1);
    CHECK_INT(n.echoes, 1);
    CHECK_INT(n.made_due, 0);
}

TEST(import, a_row_that_changes_while_its_write_is_under_way_is_due_afterwards)
{
    GIVEN_ACCOUNTS({"001A", T1, "Acme", "Steel"});
    struct op op = given_op("001A", 1, NULL, NULL);
    plan_op(&op);
    send_op(&op);
    CHECK_CELL("001A", LEAD, CELL_QUEUED);
    GIVEN_ACCOUNTS({"001A", T2, "Acme", "Food"});
    CHECK_CELL("001A", LEAD, CELL_QUEUED); /* never written twice at once */
    settle_op(&op, OP_DONE, LEAD_1);
    CHECK_CELL("001A", LEAD, CELL_DUE); /* and never forgotten */
    CHECK_STR(cell_text("001A", LEAD), LEAD_1);
}

TEST(import, counts_add_up_to_the_rows)
{
    GIVEN_ACCOUNTS({"001A", T2, "A", NULL}, {"001B", T2, "B", NULL}, {"001C", T2, "C", NULL},
                   {"001D", T2, "D", NULL});
    GIVEN_ACCOUNTS({"001D", T2, NULL, NULL, true});
    struct import_counts n =
        GIVEN_ACCOUNTS({"001A", T1, "old", NULL}, {"001B", T2, "B", NULL}, {"001C", T3, "C2", NULL},
                       {"001D", T3, "D", NULL}, {"001E", T3, "E", NULL},
                       {"001F", T3, NULL, NULL, true}, {"001B", T3, NULL, NULL, true});
    CHECK_INT(n.added + n.changed + n.unchanged + n.deleted + n.revived + n.stale, 7);
    CHECK_INT(n.stale, 1);
    CHECK_INT(n.deleted, 1);
    CHECK_INT(n.revived, 1);
    CHECK_INT(row_count(), 4);
}
