/* test_filter.c - what people and programs write becomes the tree that is meant,
 * or is refused with the place. Guards engine/filter.c. */
#include "engine/filter.h"

#include "base/str.h"
#include "support/check.h"

#include <string.h>

static struct arena *arena;
static struct err err;
static struct table table;
static struct column columns[] = {
    {.id = 11, .name = "Name", .type = TYPE_TEXT, .slot = 1},
    {.id = 12, .name = "Name of owner", .type = TYPE_TEXT, .slot = 2},
    {.id = 13, .name = "Employees", .type = TYPE_NUMBER, .slot = 3},
    {.id = 14, .name = "Created", .type = TYPE_DATETIME, .slot = 4},
    {.id = 15, .name = "Active", .type = TYPE_CHECKBOX, .slot = 5},
    {.id = 16, .name = "-odd", .type = TYPE_TEXT, .slot = 6},
    {.id = 17, .name = "Lead", .type = TYPE_JSON, .slot = 7},
};

static void before(void)
{
    arena = arena_new();
    table = (struct table){.name = "accounts", .columns = columns, .column_count = 7};
    err_clear(&err);
}

static void after(void)
{
    arena_free(arena);
}

EACH_TEST(before, after)

/* The tree as JSON with names. */
static const char *tree(const char *text)
{
    struct filter filter;
    struct buf out = BUF_INIT;
    struct jw w;
    CHECK_OK(filter_read_text(arena, &table, text, &filter, &err), &err);
    jw_init(&w, &out);
    filter_write(&w, &table, &filter, true);
    const char *json = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return json;
}

TEST(text, short_forms)
{
    CHECK_STR(tree("Name = Acme"), "{\"column\":\"Name\",\"is\":\"is\",\"value\":\"Acme\"}");
    CHECK_STR(tree("name~acme ltd"),
              "{\"column\":\"Name\",\"is\":\"contains\",\"value\":\"acme ltd\"}");
    CHECK_STR(tree("Name of owner is \"Ann, B.\""),
              "{\"column\":\"Name of owner\",\"is\":\"is\",\"value\":\"Ann, B.\"}");
    CHECK_STR(tree("Employees >= 1e3"),
              "{\"column\":\"Employees\",\"is\":\"at least\",\"value\":\"1e3\"}");
    CHECK_STR(tree("Employees is at least 5"),
              "{\"column\":\"Employees\",\"is\":\"at least\",\"value\":\"5\"}");
    CHECK_STR(tree("Employees between -1.5 and 10"),
              "{\"column\":\"Employees\",\"is\":\"between\",\"value\":[\"-1.5\",\"10\"]}");
    CHECK_STR(tree("Name is empty"), "{\"column\":\"Name\",\"is\":\"empty\"}");
    CHECK_STR(tree("Name is not empty"), "{\"not\":{\"column\":\"Name\",\"is\":\"empty\"}}");
    CHECK_STR(tree("Name != x"), "{\"not\":{\"column\":\"Name\",\"is\":\"is\",\"value\":\"x\"}}");
    CHECK_STR(tree("Name starts with A"),
              "{\"column\":\"Name\",\"is\":\"starts with\",\"value\":\"A\"}");
    CHECK_STR(tree("Name one of a, b ,c"),
              "{\"column\":\"Name\",\"is\":\"one of\",\"value\":[\"a\",\"b\",\"c\"]}");
    CHECK_STR(tree("Name none of a"),
              "{\"not\":{\"column\":\"Name\",\"is\":\"one of\",\"value\":[\"a\"]}}");
    CHECK_STR(tree("Lead state refused, in doubt"),
              "{\"column\":\"Lead\",\"state\":[\"refused\",\"in doubt\"]}");
    CHECK_STR(tree("Active = true"), "{\"column\":\"Active\",\"is\":\"is\",\"value\":\"true\"}");
    CHECK_STR(tree("Name is island"), "{\"column\":\"Name\",\"is\":\"is\",\"value\":\"island\"}");
}

TEST(text, that_is_no_filter_is_refused_with_a_hint)
{
    static const char *const bad[][2] = {{"Nope = 1", "does not begin with a column"},
                                         {"Name", "does not say how"},
                                         {"Name resembles x", "does not say how"},
                                         {"Employees > many", "is no number"},
                                         {"Employees =", "needs one value"},
                                         {"Employees between 1", "needs two values"},
                                         {"Name is empty x", "takes no value"},
                                         {"Created < tomorrow", "is no date"},
                                         {"Active = yes", "is no checkbox"},
                                         {"Lead state lost", "no state \"lost\""},
                                         {"", "does not begin"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct filter filter;
        err_clear(&err);
        if (filter_read_text(arena, &table, bad[i][0], &filter, &err) == OK)
            CHECK_STR(bad[i][0], "refused");
        CHECK_STR(err.code, ERR_FILTER);
        CHECK_CONTAINS(err.message, bad[i][1]);
    }
}

/* A day is a day, also where the column has instants. */
TEST(days, against_instants)
{
    CHECK_STR(
        tree("Created = 2026-11-23"),
        "{\"all\":[{\"column\":\"Created\",\"is\":\"at "
        "least\",\"value\":\"2026-11-23T00:00:00.000Z\"},"
        "{\"column\":\"Created\",\"is\":\"less than\",\"value\":\"2026-11-24T00:00:00.000Z\"}]}");
    CHECK_STR(
        tree("Created between 2026-12-30 and 2026-12-31"),
        "{\"all\":[{\"column\":\"Created\",\"is\":\"at "
        "least\",\"value\":\"2026-12-30T00:00:00.000Z\"},"
        "{\"column\":\"Created\",\"is\":\"less than\",\"value\":\"2027-01-01T00:00:00.000Z\"}]}");
    CHECK_STR(
        tree("Created after 2026-11-23"),
        "{\"column\":\"Created\",\"is\":\"at least\",\"value\":\"2026-11-24T00:00:00.000Z\"}");
    CHECK_STR(tree("Created before 2026-11-23"),
              "{\"column\":\"Created\",\"is\":\"less than\",\"value\":\"2026-11-23\"}");
    CHECK_STR(tree("Created >= 2026-11-23T10:00:00Z"),
              "{\"column\":\"Created\",\"is\":\"at least\",\"value\":\"2026-11-23T10:00:00Z\"}");
}

TEST(json, trees_read_and_write_the_same)
{
    static const char *const same[] = {
        "{\"all\":[]}",
        "{\"any\":[{\"column\":\"Name\",\"is\":\"ends "
        "with\",\"value\":\"x\"},{\"not\":{\"search\":\"acme\"}}]}",
        "{\"column\":\"Lead\",\"state\":[\"error\"]}",
        "{\"column\":\"Employees\",\"is\":\"one of\",\"value\":[\"1\",\"2\"]}",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        CHECK_STR(tree(same[i]), same[i]);
    CHECK_STR(
        tree("{\"column\":13,\"is\":\"more than\",\"value\":99999999999999999999.5}"),
        "{\"column\":\"Employees\",\"is\":\"more than\",\"value\":\"99999999999999999999.5\"}");
    CHECK_STR(tree("{\"column\":\"Active\",\"is\":\"is\",\"value\":true}"),
              "{\"column\":\"Active\",\"is\":\"is\",\"value\":\"true\"}");
    CHECK_STR(tree("{\"column\":\"Lead\",\"state\":\"due\"}"),
              "{\"column\":\"Lead\",\"state\":[\"due\"]}");
}

TEST(json, mistakes_are_named_with_their_place)
{
    static const char *const bad[][3] = {
        {"{\"all\":[{\"column\":\"Name\",\"is\":\"is\",\"value\":\"x\"},{\"column\":\"Nam\",\"is\":"
         "\"is\"}]}",
         "all/1/column", "no column \"Nam\""},
        {"{\"any\":[{\"not\":{\"column\":\"Employees\",\"is\":\"less than\",\"value\":\"a\"}}]}",
         "any/0/not/value", "is no number"},
        {"{\"all\":{}}", "all", "list"},
        {"{\"column\":\"Name\",\"is\":\"like\"}", "/is", "says how"},
        {"{\"column\":\"Name\",\"is\":\"is\",\"value\":{}}", "/value", "a value is"},
        {"{\"column\":999,\"is\":\"empty\"}", "/column", "no such"},
        {"{\"column\":\"Lead\",\"state\":[\"odd\"]}", "/state", "no state"},
        {"{\"search\":\" \"}", "", "text to look for"},
        {"{}", "/column", "name or its id"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct filter filter;
        err_clear(&err);
        CHECK_FAIL(filter_read_text(arena, &table, bad[i][0], &filter, &err), &err, ERR_FILTER);
        CHECK_STR(err.where, bad[i][1]);
        CHECK_CONTAINS(err.message, bad[i][2]);
    }
    struct buf deep = BUF_INIT;
    for (int i = 0; i < 30; i++)
        buf_str(&deep, "{\"not\":");
    buf_str(&deep, "{\"search\":\"x\"}");
    for (int i = 0; i < 30; i++)
        buf_char(&deep, '}');
    struct filter filter;
    CHECK_FAIL(filter_read_text(arena, &table, buf_text(&deep), &filter, &err), &err, ERR_FILTER);
    buf_free(&deep);
}

TEST(sorts, by_name_and_minus)
{
    struct sort *sorts;
    size_t count;
    CHECK_OK(sorts_read_text(arena, &table, "Name, -Employees , -odd", &sorts, &count, &err), &err);
    CHECK_INT(count, 3);
    CHECK(sorts[0].column_id == 11 && !sorts[0].descending);
    CHECK(sorts[1].column_id == 13 && sorts[1].descending && sorts[1].type == TYPE_NUMBER);
    CHECK(sorts[2].column_id == 16 && !sorts[2].descending); /* that is its name */
    CHECK_OK(sorts_read_text(arena, &table, "[{\"column\":14,\"descending\":true}]", &sorts, &count,
                             &err),
             &err);
    CHECK(count == 1 && sorts[0].descending);
    CHECK_FAIL(sorts_read_text(arena, &table, "Name,name", &sorts, &count, &err), &err, ERR_FILTER);
    CHECK_FAIL(sorts_read_text(arena, &table, "Nme", &sorts, &count, &err), &err, ERR_FILTER);
    CHECK_CONTAINS(err.hint, "Name");
}

TEST(look, is_kept_with_ids_so_that_columns_may_be_renamed)
{
    struct look look;
    CHECK_OK(look_read(arena, &table,
                       "{\"filter\":{\"column\":\"Name\",\"is\":\"empty\"},\"sorts\":[{\"column\":"
                       "\"Employees\",\"descending\":true}],\"hidden\":[\"Lead\"]}",
                       &look, &err),
             &err);
    const char *kept = look_write(arena, &table, &look, false);
    CHECK_STR(kept, "{\"filter\":{\"column\":11,\"is\":\"empty\"},\"sorts\":[{\"column\":13,"
                    "\"descending\":true}],\"hidden\":[17]}");
    columns[0].name = "Firm";
    CHECK_OK(look_read(arena, &table, kept, &look, &err), &err);
    CHECK_CONTAINS(look_write(arena, &table, &look, true), "\"column\":\"Firm\"");
    columns[0].name = "Name";
    table.column_count = 6; /* the hidden column is gone */
    CHECK_FAIL(look_read(arena, &table, kept, &look, &err), &err, ERR_FILTER);
    CHECK_OK(look_read(arena, &table, "{}", &look, &err), &err);
    CHECK(!look.filter && !look.sort_count && !look.hidden_count);
}
