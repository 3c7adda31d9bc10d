/* suite_cells.c - reading rows, and cells through their states. */
#include "store/store_suite.h"

#include <stdio.h>
#include <string.h>

#define T1         "2026-01-01T10:00:00.000+0000"
#define T2         "2026-01-01T10:00:01.000+0000"
#define BIT(state) (1u << (state))

static void given_rows(int count)
{
    struct account rows[100] = {0};
    char keys[100][8];
    for (int i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "001%03d", i);
        rows[i] = (struct account){keys[i], T1, "Acme", i % 2 ? "Steel" : NULL};
    }
    given_accounts(rows, (size_t)count);
}

static size_t ask(struct row_query query, struct row **rows)
{
    size_t count;
    query.table_id = suite.table.id;
    CHECK_OK(suite.does->rows(suite.store, suite.arena, &query, rows, &count, &suite.err),
             &suite.err);
    return count;
}

static void set_state(const char *key, int position, enum cell_state state, int64_t not_before)
{
    struct cell_result result = {.row_id = row_id_of(key),
                                 .column_id = column_id(position),
                                 .slot = column_slot(position),
                                 .state = state,
                                 .code = "http.503",
                                 .message = "later",
                                 .attempt = 2,
                                 .not_before_ms = not_before};
    CHECK_OK(suite.does->cells_put(suite.store, suite.table.id, &result, 1, NULL, 0, &suite.err),
             &suite.err);
}

TEST(rows, come_in_pages_by_keyset)
{
    struct row *rows;
    int slots[] = {column_slot(INDUSTRY), column_slot(NAME)};
    given_rows(25);
    int64_t after = 0;
    size_t seen = 0, count;
    while ((count = ask(
                (struct row_query){.slots = slots, .slot_count = 2, .after = after, .limit = 10},
                &rows)) > 0) {
        CHECK(rows[0].id > after);
        CHECK_MEM(rows[0].values[1].text, rows[0].values[1].len, "Acme", 4);
        after = rows[count - 1].id;
        seen += count;
    }
    CHECK_INT(seen, 25);
}

TEST(rows, are_found_by_id_in_the_order_asked)
{
    struct row *rows;
    given_rows(5);
    int64_t ids[] = {row_id_of("001003"), 999, row_id_of("001001")};
    CHECK_INT(ask((struct row_query){.ids = ids, .id_count = 3}, &rows), 2);
    CHECK_STR(rows[0].key, "001003");
    CHECK_STR(rows[1].key, "001001");
}

TEST(rows, are_found_by_the_state_of_a_cell)
{
    struct row *rows;
    struct row_query query = {.column_id = column_id(DOMAIN), .states = BIT(CELL_DUE)};
    given_rows(4);
    put_cell("001001", DOMAIN, CELL_OK, "a.example");
    set_state("001002", DOMAIN, CELL_ERROR, 0);
    set_state("001003", DOMAIN, CELL_OK, 0); /* no value: reads as empty */
    CHECK_INT(ask(query, &rows), 1);
    CHECK_STR(rows[0].key, "001000");
    query.states = BIT(CELL_OK) | BIT(CELL_ERROR);
    CHECK_INT(ask(query, &rows), 2);
    query.states = BIT(CELL_EMPTY);
    CHECK_INT(ask(query, &rows), 1);
    CHECK_STR(rows[0].key, "001003");
    query.states = 0;
    CHECK_INT(ask(query, &rows), 4);
    int64_t id = row_id_of("001002");
    query = (struct row_query){
        .column_id = column_id(DOMAIN), .states = BIT(CELL_ERROR), .ids = &id, .id_count = 1};
    CHECK_INT(ask(query, &rows), 1);
    query.states = BIT(CELL_DUE);
    CHECK_INT(ask(query, &rows), 0);
}

TEST(rows, that_retry_wait_for_their_time)
{
    struct row *rows;
    struct row_query query = {.column_id = column_id(DOMAIN),
                              .states = BIT(CELL_DUE) | BIT(CELL_RETRYING),
                              .due_before_ms = 1000};
    given_rows(3);
    set_state("001000", DOMAIN, CELL_RETRYING, 1000);
    set_state("001001", DOMAIN, CELL_RETRYING, 1001);
    CHECK_INT(ask(query, &rows), 2);
    CHECK_STR(rows[0].key, "001000");
    CHECK_STR(rows[1].key, "001002");
    query.due_before_ms = 0;
    CHECK_INT(ask(query, &rows), 3);
}

TEST(rows, that_are_deleted_show_only_when_asked)
{
    struct row *rows;
    const char *gone[] = {"001001"};
    given_rows(3);
    CHECK_OK(
        suite.does->rows_delete(suite.store, suite.table.id, 0, gone, 1, DELETED_MARK, &suite.err),
        &suite.err);
    CHECK_INT(ask((struct row_query){0}, &rows), 2);
    CHECK_INT(ask((struct row_query){.deleted_too = true}, &rows), 3);
    CHECK(rows[1].deleted);
    CHECK_OK(
        suite.does->rows_delete(suite.store, suite.table.id, 0, gone, 1, DELETED_REMOVE, &suite.err),
        &suite.err);
    CHECK_INT(ask((struct row_query){.deleted_too = true}, &rows), 2);
    CHECK_INT(row_count(), 2);
}

TEST(rows, hold_bytes_not_c_strings)
{
    struct row *rows;
    int slots[] = {column_slot(NAME)};
    struct value values[] = {{"a\0b", 3}};
    struct row_in row = {"001A", T1, false, values};
    struct import_page page = {
        .table_id = suite.table.id, .slots = slots, .slot_count = 1, .rows = &row, .row_count = 1};
    CHECK_OK(suite.does->import_page(suite.store, &page, NULL, &suite.err), &suite.err);
    CHECK_INT(ask((struct row_query){.slots = slots, .slot_count = 1}, &rows), 1);
    CHECK_MEM(rows[0].values[0].text, rows[0].values[0].len, "a\0b", 3);
}

TEST(cells, tell_their_state_and_reason)
{
    given_rows(1);
    set_state("001000", DOMAIN, CELL_RETRYING, 5000);
    struct cell cell = cell_of("001000", DOMAIN);
    CHECK_INT(cell.state, CELL_RETRYING);
    CHECK_STR(cell.code, "http.503");
    CHECK_STR(cell.message, "later");
    CHECK_INT(cell.attempt, 2);
    CHECK_INT(cell.not_before_ms, 5000);
    CHECK(cell.changed_ms > 0);
}

TEST(cells, a_changed_value_makes_its_readers_due_and_an_equal_one_does_not)
{
    given_rows(1);
    put_cell("001000", DOMAIN, CELL_OK, "a.example");
    put_cell("001000", LEAD, CELL_OK, "00Q1");
    put_cell("001000", DOMAIN, CELL_OK, "a.example");
    CHECK_CELL("001000", LEAD, CELL_OK);
    put_cell("001000", DOMAIN, CELL_OK, "b.example");
    CHECK_CELL("001000", LEAD, CELL_DUE);
    put_cell("001000", LEAD, CELL_OK, "00Q1");
    put_cell("001000", DOMAIN, CELL_NO_RESULT, NULL); /* to null is a change */
    CHECK_CELL("001000", LEAD, CELL_DUE);
}

TEST(cells, one_that_waited_is_due_when_its_input_is_ready)
{
    given_rows(1);
    put_cell("001000", DOMAIN, CELL_OK, "a.example");
    set_state("001000", LEAD, CELL_WAITING, 0);
    put_cell("001000", DOMAIN, CELL_ERROR, "a.example");
    CHECK_CELL("001000", LEAD, CELL_WAITING);
    put_cell("001000", DOMAIN, CELL_OK, "a.example");
    CHECK_CELL("001000", LEAD, CELL_DUE);
}

static int64_t make_due(uint32_t states, const int64_t *ids, size_t count)
{
    int64_t made;
    CHECK_OK(suite.does->cells_make_due(suite.store, suite.table.id, column_id(DOMAIN), states, ids,
                                        count, &made, &suite.err),
             &suite.err);
    return made;
}

TEST(cells, are_made_due_by_state)
{
    given_rows(5);
    put_cell("001000", DOMAIN, CELL_OK, "a.example");
    put_cell("001001", DOMAIN, CELL_EMPTY, NULL);
    set_state("001002", DOMAIN, CELL_ERROR, 0);
    set_state("001003", DOMAIN, CELL_SKIPPED, 0);
    CHECK_INT(make_due(BIT(CELL_ERROR), NULL, 0), 1);
    CHECK_CELL("001002", DOMAIN, CELL_DUE);
    CHECK_INT(make_due(BIT(CELL_EMPTY), NULL, 0), 1);
    CHECK_CELL("001001", DOMAIN, CELL_DUE);
    CHECK_CELL("001000", DOMAIN, CELL_OK);
    CHECK_INT(make_due(BIT(CELL_OK) | BIT(CELL_SKIPPED), NULL, 0), 2);
    CHECK_INT(count_due(DOMAIN), 5);
    put_cell("001000", DOMAIN, CELL_OK, "a.example");
    CHECK_INT(make_due(0, NULL, 0), 1);
    struct cell cell = cell_of("001002", DOMAIN);
    CHECK(cell.code == NULL);
    CHECK_INT(cell.attempt, 0);
}

TEST(cells, are_made_due_by_row)
{
    given_rows(4);
    for (int i = 0; i < 4; i++)
        put_cell((const char *[]){"001000", "001001", "001002", "001003"}[i], DOMAIN, CELL_OK,
                 "a.example");
    int64_t ids[] = {row_id_of("001001"), row_id_of("001003"), 999};
    CHECK_INT(make_due(0, ids, 3), 2);
    CHECK_INT(count_due(DOMAIN), 2);
    CHECK_INT(make_due(BIT(CELL_ERROR), ids, 3), 0);
    CHECK_INT(make_due(BIT(CELL_OK), ids, 0), 0); /* a list of no rows is no row */
}

TEST(cells, of_deleted_rows_are_not_made_due)
{
    const char *gone[] = {"001000"};
    given_rows(2);
    put_cell("001000", DOMAIN, CELL_OK, "a.example");
    put_cell("001001", DOMAIN, CELL_OK, "a.example");
    int64_t id = row_id_of("001000");
    CHECK_OK(
        suite.does->rows_delete(suite.store, suite.table.id, 0, gone, 1, DELETED_MARK, &suite.err),
        &suite.err);
    CHECK_INT(make_due(0, NULL, 0), 1);
    CHECK_INT(make_due(0, &id, 1), 0);
    CHECK_INT(count_due(DOMAIN), 1);
}

TEST(cells, are_counted_by_state_and_the_counts_are_all_rows)
{
    int64_t n[CELL_STATES], sum = 0;
    given_rows(6);
    put_cell("001000", DOMAIN, CELL_OK, "a.example");
    put_cell("001001", DOMAIN, CELL_EMPTY, NULL);
    set_state("001002", DOMAIN, CELL_ERROR, 0);
    CHECK_OK(suite.does->cells_count(suite.store, suite.table.id, column_id(DOMAIN), n, &suite.err),
             &suite.err);
    for (int i = 0; i < CELL_STATES; i++)
        sum += n[i];
    CHECK_INT(sum, 6);
    CHECK_INT(n[CELL_OK], 1);
    CHECK_INT(n[CELL_EMPTY], 1);
    CHECK_INT(n[CELL_ERROR], 1);
    CHECK_INT(n[CELL_DUE], 3);
}

TEST(cells, a_running_one_keeps_running_and_is_due_when_it_ends)
{
    given_rows(1);
    set_state("001000", DOMAIN, CELL_RUNNING, 0);
    CHECK_INT(make_due(0, NULL, 0), 1);
    CHECK_CELL("001000", DOMAIN, CELL_RUNNING);
    put_cell("001000", DOMAIN, CELL_OK, "stale.example");
    CHECK_CELL("001000", DOMAIN, CELL_DUE);
    put_cell("001000", DOMAIN, CELL_OK, "fresh.example");
    CHECK_CELL("001000", DOMAIN, CELL_OK);
}

TEST(cells, that_ran_in_a_process_that_died_are_due)
{
    given_rows(1);
    set_state("001000", DOMAIN, CELL_RUNNING, 0);
    suite_reopen();
    CHECK_CELL("001000", DOMAIN, CELL_DUE);
}

TEST(cells, in_some_states_are_counted_without_the_plain_ones)
{
    int64_t count;
    given_rows(5);
    CHECK_OK(suite.does->cells_in(suite.store, suite.table.id, column_id(DOMAIN), BIT(CELL_DUE) | BIT(CELL_RETRYING),
                                  &count, &suite.err), &suite.err);
    CHECK_INT(count, 5);
    put_cell("001000", DOMAIN, CELL_OK, "x");
    set_state("001001", DOMAIN, CELL_RETRYING, 1);
    set_state("001002", DOMAIN, CELL_ERROR, 0);
    CHECK_OK(suite.does->cells_in(suite.store, suite.table.id, column_id(DOMAIN), BIT(CELL_DUE) | BIT(CELL_RETRYING),
                                  &count, &suite.err), &suite.err);
    CHECK_INT(count, 3);
}
