/* suite_edits.c - what people type: stored with its history, and what reads it due. */
#include "store/store_edits.h"
#include "store/store_suite.h"

/* The store does not ask what kind a column is: Domain is typed here, Lead reads it. */
static struct cell_edit typed(int64_t row, const char *text)
{
    return (struct cell_edit){.row_id = row,
                              .column_id = column_id(DOMAIN),
                              .slot = column_slot(DOMAIN),
                              .value = text_value(text)};
}

static size_t history(int64_t row, struct edit_line **lines)
{
    size_t count = 0;
    CHECK_OK(suite.does->edits->of_cell(suite.store, suite.arena, column_id(DOMAIN), row, 0, lines, &count,
                                        &suite.err),
             &suite.err);
    return count;
}

static enum status put(const char *who, struct cell_edit *edits, size_t count, int64_t *due)
{
    int64_t reader = column_id(LEAD);
    struct dependents dependents = {.column_id = column_id(DOMAIN), .due = &reader, .due_count = 1};
    return suite.does->edits->put(suite.store, suite.arena, suite.table.id, who, edits, count,
                                  &dependents, 1, due, &suite.err);
}

TEST(edits, keep_who_when_and_what_was_there)
{
    struct edit_line *lines;
    int64_t due;
    GIVEN_ACCOUNTS({"a", "1", "A", "x", false});
    int64_t row = row_id_of("a");
    struct cell_edit first = typed(row, "one"), second = typed(row, "two"), third = typed(row, "two");
    CHECK_OK(put("ann", &first, 1, &due), &suite.err);
    CHECK(!first.last_by && !first.same);
    CHECK_OK(put("bob", &second, 1, &due), &suite.err);
    CHECK_STR(second.last_by, "ann");
    CHECK(second.last_ms > 0 && value_equal(second.old, first.value));
    CHECK_OK(put("ann", &third, 1, &due), &suite.err);
    CHECK(third.same);
    suite_reopen();
    CHECK_INT(history(row, &lines), 2);
    CHECK_STR(lines[0].who, "bob");
    CHECK(value_equal(lines[0].old, first.value) && value_equal(lines[0].new, second.value));
    CHECK_STR(lines[1].who, "ann");
}

TEST(edits, are_all_stored_or_none)
{
    struct edit_line *lines;
    int64_t due;
    GIVEN_ACCOUNTS({"a", "1", "A", "x", false});
    int64_t row = row_id_of("a");
    struct cell_edit edits[] = {typed(row, "new"), typed(99, "nowhere")};
    CHECK_FAIL(put("ann", edits, 2, &due), &suite.err, ERR_NOT_FOUND);
    CHECK_INT(history(row, &lines), 0);
    CHECK(!cell_text("a", DOMAIN));
}

TEST(edits, empty_a_cell)
{
    int64_t due;
    GIVEN_ACCOUNTS({"a", "1", "A", "x", false});
    struct cell_edit some = typed(row_id_of("a"), "x"), none = typed(row_id_of("a"), NULL);
    CHECK_OK(put("ann", &some, 1, &due), &suite.err);
    CHECK_STR(cell_text("a", DOMAIN), "x");
    CHECK_CELL("a", LEAD, CELL_DUE);
    CHECK_OK(put("ann", &none, 1, &due), &suite.err);
    CHECK(!cell_text("a", DOMAIN));
}
