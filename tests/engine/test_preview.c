/* test_preview.c - a column that is not there yet, over a few rows: shown, never
 * stored, never sent. Guards engine/preview.c. */
#include "engine/given.h"

#include "base/str.h"

#include <string.h>

static void begin(void)
{
    given_begin();
    g.engine.formula = formula_engine_new(world_real(), WORKER);
}
EACH_TEST(begin, given_end)

static struct preview seen;
static err_list errors;

static enum status preview(const char *kind, const char *config, const char *only_run_if,
                           size_t rows)
{
    static const int64_t ids[] = {1, 2, 3, 4, 5};
    struct column draft = {
        .name = "Draft", .kind = kind, .config = config, .only_run_if = only_run_if};
    vec_clear(&errors);
    return column_preview(&g.engine, g.arena, "people", &draft, ids, rows, &seen, &errors, &g.err);
}

static void given_people(void)
{
    struct given_column column = {"One", "formula", "{\"formula\":\"1\"}", NULL, TYPE_NUMBER};
    given_org("", 5);
    given_table(&column, 1, NULL);
    given_synced();
}

TEST(preview, shows_what_a_formula_gives_and_stores_nothing)
{
    given_people();
    CHECK_OK(preview("formula", "{\"formula\":\"{{LastName}}.toUpperCase()\"}", NULL, 3), &g.err);
    CHECK_INT(seen.count, 3);
    CHECK_INT(seen.rows[0].row_id, 1);
    CHECK_INT(seen.rows[0].state, CELL_OK);
    char *upper = arena_strdup(g.arena, cell_value("LastName", 1));
    for (char *c = upper; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    CHECK_STR(seen.rows[0].value.text, upper);
    CHECK_INT(cell_state("One", 1), CELL_DUE);
    CHECK_INT(seen.calls, 0);
    vec_free(&errors);
}

TEST(preview, shows_rows_that_fail_wait_or_are_left_out)
{
    given_people();
    CHECK_OK(preview("formula", "{\"formula\":\"{{Email}}.nothing.here\"}", NULL, 1), &g.err);
    CHECK_INT(seen.rows[0].state, CELL_ERROR);
    CHECK_CONTAINS(seen.rows[0].message, "TypeError");
    CHECK_OK(preview("formula", "{\"formula\":\"{{One}} + 1\"}", NULL, 1), &g.err);
    CHECK_INT(seen.rows[0].state, CELL_WAITING);
    CHECK_OK(preview("formula", "{\"formula\":\"1\"}", "false", 1), &g.err);
    CHECK_INT(seen.rows[0].state, CELL_SKIPPED);
    vec_free(&errors);
}

TEST(preview, of_a_write_tells_it_and_sends_nothing)
{
    given_people();
    CHECK_OK(preview("salesforce_create",
                     "{\"connection\":\"prod\",\"object\":\"Lead\",\"set\":{\"LastName\":"
                     "\"{{LastName}}\",\"Company\":\"{{Company}}\",\"Email\":\"{{Email}}\"}}",
                     NULL, 2),
             &g.err);
    CHECK_INT(seen.rows[0].state, CELL_QUEUED);
    CHECK_CONTAINS(seen.rows[0].write, "\"kind\":\"create\"");
    CHECK_CONTAINS(seen.rows[0].write, "\"object\":\"Lead\"");
    CHECK_CONTAINS(seen.rows[1].write, "LastName");
    CHECK_INT(g.exchanges, 0);
    CHECK_INT(leads(), 0);
    CHECK_INT(ops().total, 0);
    vec_free(&errors);
}

TEST(preview, of_a_column_that_cannot_be_says_what_and_where)
{
    given_people();
    CHECK_FAIL(preview("formula", "{}", NULL, 1), &g.err, ERR_RECIPE);
    CHECK_INT(errors.len, 1);
    CHECK_FAIL(preview("salesforce_create",
                       "{\"connection\":\"prod\",\"object\":\"Lead\",\"set\":{\"LastNam\":\"x\"}}",
                       NULL, 1),
               &g.err, ERR_RECIPE);
    CHECK_STR(errors.at[0].where, "set/LastNam");
    CHECK_FAIL(preview("formla", "{}", NULL, 1), &g.err, ERR_INVALID);
    CHECK_CONTAINS(g.err.hint, "formula");
    CHECK_FAIL(preview("formula", "{\"formula\":\"{{Nope}}\"}", NULL, 1), &g.err, ERR_INVALID);
    CHECK_FAIL(preview("formula", "{\"formula\":\"1 +\"}", NULL, 1), &g.err, ERR_RECIPE);
    vec_free(&errors);
}

TEST(preview, of_rows_that_are_gone_is_of_those_that_are_there)
{
    int64_t ids[] = {2, 999};
    struct column draft = {.name = "D", .kind = "formula", .config = "{\"formula\":\"1\"}"};
    given_people();
    CHECK_OK(column_preview(&g.engine, g.arena, "people", &draft, ids, 2, &seen, &errors, &g.err),
             &g.err);
    CHECK_INT(seen.count, 1);
    CHECK_INT(seen.rows[0].row_id, 2);
    CHECK_FAIL(column_preview(&g.engine, g.arena, "nope", &draft, ids, 2, &seen, &errors, &g.err),
               &g.err, ERR_NOT_FOUND);
}
