/* test_model.c - names read back, and operations move only as the journal says. */
#include "model/model.h"

#include "support/check.h"

#include <string.h>

TEST(model, every_name_reads_back)
{
    for (size_t i = 0; i < value_type_count(); i++) {
        enum value_type type;
        CHECK(value_type_parse(value_type_name((enum value_type)i), &type));
        CHECK_INT(type, i);
    }
    for (int i = 0; i < CELL_STATES; i++) {
        enum cell_state state;
        CHECK(cell_state_parse(cell_state_name((enum cell_state)i), &state));
        CHECK_INT(state, i);
    }
    for (int i = 0; i <= OP_CANCELLED; i++) {
        enum op_state state;
        CHECK(op_state_parse(op_state_name((enum op_state)i), &state));
        CHECK_INT(state, i);
    }
}

TEST(model, names_may_be_written_as_options)
{
    enum cell_state cell;
    enum op_state op;
    CHECK(cell_state_parse("in_doubt", &cell));
    CHECK_INT(cell, CELL_IN_DOUBT);
    CHECK(cell_state_parse("No-Result", &cell));
    CHECK_INT(cell, CELL_NO_RESULT);
    CHECK(op_state_parse("RETRY_SAFE", &op));
    CHECK_INT(op, OP_RETRY_SAFE);
    CHECK(!op_state_parse("retry", &op));
    CHECK(!op_state_parse("", &op));
    CHECK(!op_state_parse(NULL, &op));
    CHECK(!op_state_parse("plannedx", &op));
}

TEST(model, what_has_no_name_says_so)
{
    CHECK_STR(cell_state_name((enum cell_state)99), "?");
    CHECK_STR(write_mode_promise((enum write_mode)99), "?");
    CHECK_STR(run_state_name(RUN_INTERRUPTED), "interrupted");
    CHECK_STR(op_kind_name(OP_UPSERT), "upsert");
    CHECK_STR(write_mode_name(MODE_BLIND), "blind");
    for (int i = 0; i <= MODE_BLIND; i++)
        CHECK(strlen(write_mode_promise((enum write_mode)i)) > 30);
}

/* reliability B.4, word for word. */
TEST(model, operations_move_only_as_the_journal_says)
{
    static const enum op_state allowed[][2] = {
        {OP_PLANNED, OP_SENDING},      {OP_SENDING, OP_DONE},
        {OP_SENDING, OP_REJECTED},     {OP_SENDING, OP_RETRY_SAFE},
        {OP_SENDING, OP_UNKNOWN},      {OP_RETRY_SAFE, OP_SENDING},
        {OP_UNKNOWN, OP_RECONCILING},  {OP_RECONCILING, OP_DONE},
        {OP_RECONCILING, OP_REJECTED}, {OP_RECONCILING, OP_RETRY_SAFE},
        {OP_RECONCILING, OP_IN_DOUBT}, {OP_IN_DOUBT, OP_DONE},
        {OP_IN_DOUBT, OP_PLANNED},     {OP_IN_DOUBT, OP_CANCELLED},
        {OP_PLANNED, OP_UNKNOWN},      {OP_RETRY_SAFE, OP_UNKNOWN}, /* K21: after a restore */
    };
    int count = 0;
    for (int from = 0; from <= OP_CANCELLED; from++)
        for (int to = 0; to <= OP_CANCELLED; to++)
            count += op_move_allowed((enum op_state)from, (enum op_state)to);
    CHECK_INT(count, sizeof allowed / sizeof *allowed);
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        CHECK(op_move_allowed(allowed[i][0], allowed[i][1]));
    CHECK(!op_move_allowed(OP_SENDING, OP_PLANNED)); /* W4, the one that makes duplicates */
    CHECK(!op_move_allowed((enum op_state)77, OP_DONE));
    CHECK(op_state_final(OP_DONE) && op_state_final(OP_REJECTED) && op_state_final(OP_CANCELLED));
    CHECK(!op_state_final(OP_IN_DOUBT));
}

TEST(model, null_equals_only_null)
{
    struct value blank = {"", 0}, a = {"ab", 1}, b = {"ac", 1}, c = {"ab", 2};
    CHECK(value_equal(VALUE_NULL, VALUE_NULL));
    CHECK(!value_equal(VALUE_NULL, blank));
    CHECK(!value_equal(blank, VALUE_NULL));
    CHECK(value_equal(blank, blank));
    CHECK(value_equal(a, b));
    CHECK(!value_equal(a, c));
}

TEST(model, columns_are_found_exactly_first)
{
    struct column columns[] = {{.id = 1, .name = "email"}, {.id = 2, .name = "Email"}};
    struct table table = {.columns = columns, .column_count = 2};
    CHECK_INT(table_column(&table, "Email")->id, 2);
    CHECK_INT(table_column(&table, "EMAIL")->id, 1);
    CHECK(table_column(&table, "Phone") == NULL);
    CHECK(table_column(&table, NULL) == NULL);
    CHECK_STR(table_column_by_id(&table, 2)->name, "Email");
    CHECK(table_column_by_id(&table, 3) == NULL);
}
