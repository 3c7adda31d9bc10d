/* test_due.c - every combination of the decision order, against the order told in
 * words. Guards model/due.c. */
#include "model/due.h"

#include "support/check.h"

#include <stdio.h>
#include <string.h>

static const char *const verdicts[] = {[DUE_LEFT] = "left", [DUE_MARK] = "mark", [DUE_RUN] = "run"};

/* Who says no first, and what that means; the states by their first letters:
 * empty due queued running ok no-result skipped waiting retrying error refused doubt outdated. */
static const struct {
    const char *new_row, *update_existing, *table, *keep, *column; /* "y", "n" or "*" */
    const char *states;                                            /* one letter each state */
} rules[] = {
    /* 1: the source may not update known rows: nothing came in */
    {"n", "n", "*", "*", "*", "lllllllllllll"},
    /* 2: the table is off: results are marked, what has none waits */
    {"y", "*", "n", "*", "*", "llmmmmmllllmm"},
    {"n", "y", "n", "*", "*", "llmmmmmllllmm"},
    /* 3: results are kept: only what has none runs, if its column may */
    {"y", "*", "y", "y", "y", "rrmmmmmrrrrmm"},
    {"n", "y", "y", "y", "y", "rrmmmmmrrrrmm"},
    {"y", "*", "y", "y", "n", "llmmmmmllllmm"},
    {"n", "y", "y", "y", "n", "llmmmmmllllmm"},
    /* 4: the column is off */
    {"y", "*", "y", "n", "n", "llmmmmmllllmm"},
    {"n", "y", "y", "n", "n", "llmmmmmllllmm"},
    /* nobody said no */
    {"y", "*", "y", "n", "y", "rrrrrrrrrrrrr"},
    {"n", "y", "y", "n", "y", "rrrrrrrrrrrrr"},
};

static bool fits(const char *wanted, bool is)
{
    return *wanted == '*' || (*wanted == 'y') == is;
}

TEST(due, every_combination_has_one_rule_and_follows_it)
{
    int checked = 0;
    for (int bits = 0; bits < 32; bits++) {
        struct due_case c = {.new_row = bits & 1,
                             .update_existing = bits & 2,
                             .table_auto = bits & 4,
                             .keep_results = bits & 8,
                             .column_auto = bits & 16};
        const char *states = NULL;
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
            if (!fits(rules[i].new_row, c.new_row) ||
                !fits(rules[i].update_existing, c.update_existing) ||
                !fits(rules[i].table, c.table_auto) || !fits(rules[i].keep, c.keep_results) ||
                !fits(rules[i].column, c.column_auto))
                continue;
            CHECK(!states); /* two rules would contradict each other */
            states = rules[i].states;
        }
        CHECK(states != NULL);
        CHECK_INT(strlen(states), CELL_STATES);
        for (int state = 0; state < CELL_STATES; state++) {
            c.state = (enum cell_state)state;
            const char *verdict = verdicts[due_decide(&c)];
            if (verdict[0] != states[state])
                printf("case %d, %s: %s\n", bits, cell_state_name(c.state), verdict);
            CHECK(verdict[0] == states[state]);
            checked++;
        }
    }
    CHECK_INT(checked, 32 * CELL_STATES);
}
