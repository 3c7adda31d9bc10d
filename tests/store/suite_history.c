/* suite_history.c - what became of rows and cells, for as long as the table says. */
#include "store/store_suite.h"

#include "store/store_history.h"

#include <string.h>

#define T1  "2026-01-01T10:00:00.000+0000"
#define T2  "2026-01-01T11:00:00.000+0000"
#define T3  "2026-01-01T12:00:00.000+0000"
#define DAY ((int64_t)24 * 3600 * 1000)

static void given_rule(const char *rules)
{
    suite.table.rules = rules;
    for (size_t i = 0; i < suite.table.column_count; i++)
        suite.table.columns[i].depend_count = 0;
    CHECK_OK(suite.does->table_apply(suite.store, &suite.table, &suite.err), &suite.err);
}

#define TEN_DAYS "{\"history_ms\":864000000}"

/* "changed Acme>Bolt import; added import", newest first. */
static const char *told(int64_t row, int64_t column, size_t limit)
{
    static const char *const what[] = HISTORY_WHAT_NAMES, *const by[] = HISTORY_BY_NAMES;
    struct history_query query = {
        .table_id = suite.table.id, .row_id = row, .column_id = column, .limit = limit};
    struct history_line *lines;
    size_t count;
    char *text = "";
    CHECK_OK(suite.does->history->list(suite.store, suite.arena, &query, &lines, &count, &suite.err),
             &suite.err);
    for (size_t i = 0; i < count; i++) {
        text = arena_printf(suite.arena, "%s%s%s", text, i ? "; " : "", what[lines[i].what]);
        if (lines[i].column_id)
            text = arena_printf(suite.arena, "%s %.*s>%.*s", text, (int)lines[i].old.len,
                                lines[i].old.text ? lines[i].old.text : "", (int)lines[i].new.len,
                                lines[i].new.text ? lines[i].new.text : "");
        text = arena_printf(suite.arena, "%s %s", text, by[lines[i].by]);
    }
    return text;
}

TEST(history, of_a_row_and_of_a_cell)
{
    given_rule(TEN_DAYS);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Bolt", "x"});
    GIVEN_ACCOUNTS({"a", T2, "Acme Inc", "x"});
    GIVEN_ACCOUNTS({"a", T2, "Acme Inc", "x"}); /* nothing changed: no line */
    put_cell("a", DOMAIN, CELL_OK, "acme.com");
    put_cell("a", DOMAIN, CELL_OK, "acme.com");
    int64_t a = row_id_of("a");
    CHECK_STR(told(a, 0, 100), "changed >acme.com result; changed Acme>Acme Inc import; added import");
    CHECK_STR(told(a, column_id(NAME), 100), "changed Acme>Acme Inc import");
    CHECK_STR(told(a, 0, 1), "changed >acme.com result");
    CHECK_STR(told(row_id_of("b"), 0, 100), "added import");
}

TEST(history, rows_that_go_and_come_back)
{
    given_rule(TEN_DAYS);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"});
    GIVEN_ACCOUNTS({"a", T2, "Acme", "x", true});
    GIVEN_ACCOUNTS({"a", T3, "Bolt", "x"});
    CHECK_STR(told(row_id_of("a"), 0, 100),
              "changed Acme>Bolt import; returned import; deleted import; added import");
}

TEST(history, a_removed_row_takes_its_lines_along)
{
    given_rule(TEN_DAYS);
    struct account gone = {"a", T2, "Acme", "x", true};
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"});
    int64_t a = row_id_of("a");
    given_page(&gone, 1, false, NULL, DELETED_REMOVE);
    CHECK_STR(told(a, 0, 100), "");
}

TEST(history, is_kept_as_long_as_the_table_says_and_no_longer)
{
    given_rule(TEN_DAYS);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"});
    int64_t a = row_id_of("a");
    world_fake_advance(suite.world, 9 * DAY);
    CHECK_STR(told(a, 0, 100), "added import");
    world_fake_advance(suite.world, 2 * DAY);
    CHECK_STR(told(a, 0, 100), "");
    GIVEN_ACCOUNTS({"a", T2, "Bolt", "x"}); /* the next change deletes what is too old */
    CHECK_STR(told(a, 0, 100), "changed Acme>Bolt import");
    given_rule("{\"history_ms\":31536000000}");
    CHECK_STR(told(a, 0, 100), "changed Acme>Bolt import"); /* and it does not come back */
    given_rule("{}");
    given_rule(TEN_DAYS);
    CHECK_STR(told(a, 0, 100), "");
}

TEST(history, off_keeps_nothing)
{
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"});
    GIVEN_ACCOUNTS({"a", T2, "Bolt", "x"});
    given_rule(TEN_DAYS);
    CHECK_STR(told(row_id_of("a"), 0, 100), "");
}
