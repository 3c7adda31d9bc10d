/* suite_versions.c - a table's recipe and switch at each change. */
#include "store/store_suite.h"

#include "store/store_versions.h"

static void apply(const char *recipe, const char *who, const char *note)
{
    suite.table.recipe = recipe;
    suite.table.changed_by = who;
    suite.table.change_note = note;
    for (size_t i = 0; i < suite.table.column_count; i++)
        suite.table.columns[i].depend_count = 0;
    CHECK_OK(suite.does->table_apply(suite.store, &suite.table, &suite.err), &suite.err);
}

static struct table_version *listed(int64_t before, size_t limit, size_t *count)
{
    struct table_version *list;
    CHECK_OK(suite.does->versions->list(suite.store, suite.arena, suite.table.id, before, limit,
                                        &list, count, &suite.err),
             &suite.err);
    return list;
}

TEST(versions, each_change_is_one_and_no_change_is_none)
{
    size_t count;
    struct table_version one;
    listed(0, 100, &count);
    CHECK_INT(count, 1); /* the table was made */
    apply("two", "ann", NULL);
    apply("two", "bob", NULL);
    apply("three", "bob", "version 1 restored");
    struct table_version *list = listed(0, 100, &count);
    CHECK_INT(count, 3);
    CHECK_INT(list[0].number, 3);
    CHECK_STR(list[0].who, "bob");
    CHECK_STR(list[0].note, "version 1 restored");
    CHECK_STR(list[0].recipe, NULL);
    CHECK_STR(list[1].who, "ann");
    list = listed(3, 1, &count);
    CHECK_INT(count, 1);
    CHECK_INT(list[0].number, 2);
    CHECK_OK(suite.does->versions->get(suite.store, suite.arena, suite.table.id, 2, &one, &suite.err),
             &suite.err);
    CHECK_STR(one.recipe, "two");
    CHECK(one.auto_update == suite.table.auto_update);
    CHECK_FAIL(
        suite.does->versions->get(suite.store, suite.arena, suite.table.id, 9, &one, &suite.err),
        &suite.err, ERR_NOT_FOUND);
}

TEST(versions, the_switch_is_a_change)
{
    size_t count;
    bool on = suite.table.auto_update;
    CHECK_OK(suite.does->table_set_auto_update(suite.store, suite.table.id, !on, &suite.err),
             &suite.err);
    CHECK_OK(suite.does->table_set_auto_update(suite.store, suite.table.id, !on, &suite.err),
             &suite.err);
    struct table_version *list = listed(0, 100, &count);
    CHECK_INT(count, 2);
    CHECK(list[0].auto_update == !on);
    CHECK(list[1].auto_update == on);
}

/* As a table was that is older than versions. */
TEST(versions, a_table_without_any_gets_what_it_was_first)
{
    size_t count;
    struct table_version one;
    apply("old", NULL, NULL);
    store_factory.damage("DELETE FROM table_versions");
    suite_reopen();
    apply("new", "ann", NULL);
    struct table_version *list = listed(0, 100, &count);
    CHECK_INT(count, 2);
    CHECK_STR(list[0].who, "ann");
    CHECK_STR(list[1].who, NULL);
    CHECK_OK(suite.does->versions->get(suite.store, suite.arena, suite.table.id, 1, &one, &suite.err),
             &suite.err);
    CHECK_STR(one.recipe, "old");
}

TEST(versions, go_with_their_table)
{
    size_t count;
    apply("two", NULL, NULL);
    CHECK_OK(suite.does->table_delete(suite.store, "Accounts", &suite.err), &suite.err);
    suite.table.id = 0;
    apply("one", NULL, NULL);
    listed(0, 100, &count);
    CHECK_INT(count, 1);
}
