/* test_source_table.c - rows from another table, and from several places at once.
 * Guards engine/sources/table.c and the sources of engine/sync.c. */
#include "engine/given_source.h"

#include "base/str.h"
#include "formula/formula.h"

#include <string.h>

static void begin(void)
{
    given_begin();
    g.engine.formula = formula_engine_new(world_real(), WORKER);
}
EACH_TEST(begin, given_end)

static void given_other(void)
{
    const char *path =
        GIVEN_FILE("other.csv", "Firm,Size,People\n"
                                "Acme,10,\"[{\"\"n\"\":\"\"Ann\"\"},{\"\"n\"\":\"\"Bo\"\"}]\"\n"
                                "Bolt,200,[]\nCorn,30,\"[{\"\"n\"\":\"\"Cy\"\"}]\"\n");
    given_recipe("table: firms\nsource:\n  csv:\n    file: %s\n    fields: [Firm, {Size: {type: "
                 "number}}, {People: {type: json}}]\n  unique_by: Firm\n",
                 path);
    CHECK_OK(sync_table(&g.engine, "firms", false, &g.sync, &g.err), &g.err);
}

TEST(table, has_the_other_ones_rows)
{
    given_other();
    given_recipe(
        "table: people\nsource:\n  table: { table: firms, fields: [Firm, {Size: Staff}] }\n");
    sync_fine();
    CHECK_STR(rows_now(), "Acme: Acme | 10\nBolt: Bolt | 200\nCorn: Corn | 30\n");
    CHECK_CONTAINS(g.sync.statement, "for table \"firms\", 2 fields");
    sync_fine();
    CHECK_INT(g.sync.counts.unchanged, 3);
}

TEST(table, bare_text_means_all_of_it)
{
    given_other();
    given_recipe("table: people\nsource:\n  table: firms\n");
    sync_fine();
    CHECK_STR(cell_value("People", 3), "[{\"n\":\"Cy\"}]");
}

TEST(table, a_formula_lets_rows_through)
{
    given_other();
    given_recipe("table: people\nsource:\n  table: { table: firms, fields: [Firm], only_if: "
                 "\"{{Size}} > 20\" }\n");
    sync_fine();
    CHECK_STR(rows_now(), "Bolt: Bolt\nCorn: Corn\n");
    GIVEN_FILE("other.csv", "Firm,Size,People\nAcme,10,[]\nBolt,2,[]\nCorn,30,[]\n");
    CHECK_OK(sync_table(&g.engine, "firms", false, &g.sync, &g.err), &g.err);
    sync_fine();
    CHECK_STR(rows_now(), "Corn: Corn\n"); /* it no longer is let through */
    CHECK_INT(g.sync.counts.deleted, 1);
}

TEST(table, a_list_gives_a_row_an_item)
{
    given_other();
    given_recipe("table: people\nsource:\n  table: { table: firms, list: People, fields: "
                 "[{item.n: Name}, Firm] }\n");
    sync_fine();
    CHECK_STR(rows_now(), "Acme#1: Ann | Acme\nAcme#2: Bo | Acme\nCorn#1: Cy | Corn\n");
}

TEST(table, circles_are_refused_by_name)
{
    given_other();
    given_recipe("table: people\nsource:\n  table: firms\n");
    CHECK_CONTAINS(refused_recipe("table: firms\nsource:\n  table: people\n"),
                   "recipe.cycle the tables `firms` and `people` would feed each other");
    CHECK_CONTAINS(refused_recipe("table: self\nsource:\n  table: self\n"), "there is no table");
    CHECK_CONTAINS(
        refused_recipe("table: people\nsource:\n  table: { table: firms, fields: [Frim] }\n"),
        "has no column `Frim`");
    CHECK_CONTAINS(refused_recipe("table: people\nsource:\n  table: { table: firms, only_if: "
                                  "\"{{Sise}} > 1\" }\n"),
                   "has no column `Sise`");
}

TEST(table, a_kill_loses_and_doubles_nothing)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "Firm\n");
    for (int i = 0; i < 2500; i++)
        buf_printf(&text, "F%d\n", i);
    const char *path = given_file("other.csv", text.data, text.len);
    buf_free(&text);
    given_recipe("table: firms\nsource:\n  csv: { file: %s, fields: all }\n  unique_by: Firm\n",
                 path);
    CHECK_OK(sync_table(&g.engine, "firms", false, &g.sync, &g.err), &g.err);
    given_recipe("table: people\nsource:\n  table: firms\n");
    for (int at = 1; at <= 3; at++) {
        die_at("K16", at);
        CHECK(sync_people(false) != OK);
        given_reborn();
    }
    sync_fine();
    CHECK_INT(people_now().row_count, 2500);
}

/* ---------------------------------------------------------- several sources */

#define TWO                                                                                        \
    "table: people\nsources:\n"                                                                    \
    "  - name: crm\n    csv: { file: %s, fields: [Email, {Full name: Name}] }\n"                   \
    "    unique_by: Email\n    when_deleted: mark\n"                                               \
    "  - name: list\n    csv: { file: %s, fields: [{Mail: Email}, Phone] }\n"                      \
    "    unique_by: Mail\n    when_deleted: mark\n"

static const char *crm, *list;

static void given_two(void)
{
    crm = GIVEN_FILE("crm.csv", "Email,Full name\na@x,Ann\nb@x,Bo\n");
    list = GIVEN_FILE("list.csv", "Mail,Phone\nb@x,2\nc@x,3\n");
    given_recipe(TWO, crm, list);
    sync_fine();
}

TEST(sources, feed_one_table_and_meet_by_unique_by)
{
    given_two();
    CHECK_STR(rows_now(), "a@x: a@x | Ann | -\nb@x: b@x | Bo | 2\nc@x: c@x | - | 3\n");
    CHECK_CONTAINS(g.sync.statement, "crm: complete as of");
    CHECK_CONTAINS(g.sync.statement, "\nlist: complete as of");
    CHECK_INT(people_now().source_count, 2);
    CHECK_INT(people_now().sources[0].row_count, 2);
    CHECK_INT(people_now().sources[1].row_count, 2);
}

TEST(sources, a_row_goes_when_the_last_one_lost_it)
{
    given_two();
    GIVEN_FILE("crm.csv", "Email,Full name\na@x,Ann\n");
    sync_fine();
    CHECK_STR(rows_now(), "a@x: a@x | Ann | -\nb@x: b@x | Bo | 2\nc@x: c@x | - | 3\n");
    GIVEN_FILE("list.csv", "Mail,Phone\nc@x,3\n");
    sync_fine();
    CHECK_STR(rows_now(), "a@x: a@x | Ann | -\nc@x: c@x | - | 3\n");
}

TEST(sources, one_alone_can_be_asked)
{
    given_two();
    GIVEN_FILE("crm.csv", "Email,Full name\na@x,Anna\nb@x,Bo\n");
    GIVEN_FILE("list.csv", "Mail,Phone\nb@x,22\nc@x,3\n");
    CHECK_OK(sync_source(&g.engine, "people", "list", false, &g.sync, &g.err), &g.err);
    CHECK_STR(rows_now(), "a@x: a@x | Ann | -\nb@x: b@x | Bo | 22\nc@x: c@x | - | 3\n");
    CHECK_FAIL(sync_source(&g.engine, "people", "lst", false, &g.sync, &g.err), &g.err,
               ERR_NOT_FOUND);
}

TEST(sources, one_that_fails_does_not_hold_back_the_next)
{
    given_two();
    GIVEN_FILE("crm.csv", "PK\x03\x04");
    GIVEN_FILE("list.csv", "Mail,Phone\nb@x,22\nc@x,3\n");
    CHECK_FAIL(sync_people(false), &g.err, "csv.not_text");
    CHECK_CONTAINS(g.err.message, "source \"crm\"");
    CHECK(!g.sync.complete);
    CHECK_STR(cell_value("Phone", 2), "22");
}

TEST(sources, one_that_leaves_the_recipe_leaves_its_rows)
{
    given_two();
    given_recipe("table: people\nsource:\n  csv: { file: %s, fields: [{Mail: Email}, Phone] }\n"
                 "  name: list\n  unique_by: Mail\n  when_deleted: mark\n",
                 list);
    sync_fine();
    CHECK_INT(people_now().row_count, 3);
    given_recipe(TWO, crm, list); /* and has them when it returns */
    CHECK_INT(people_now().sources[0].row_count, 2);
}

TEST(sources, are_told_apart_by_their_names)
{
    const char *said =
        refused_recipe("table: people\nsources:\n  - csv: { fields: [a] }\n  - csv: { "
                       "fields: [a] }\n");
    CHECK_CONTAINS(said,
                   "people.yaml:4:5 recipe.duplicate_source there are two sources named `csv`");
    CHECK_CONTAINS(refused_recipe("table: people\nsource:\n  csv: { fields: [a] }\nsources: []\n"),
                   "a recipe has either `source` or `sources`");
    CHECK_CONTAINS(refused_recipe("table: people\nsource:\n  cvs: { fields: [a] }\n"),
                   "people.yaml:3:3 recipe.unknown_key unknown key `cvs` in source | did you mean "
                   "`csv`?");
    CHECK_CONTAINS(refused_recipe("table: people\nsource:\n  csv: { fields: [a] }\n  http: {}\n"),
                   "a source is either `csv` or `http`");
}
