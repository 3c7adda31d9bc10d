/* suite_audit.c - reading the audit, newest first, page by page. */
#include "store/store_audit.h"
#include "store/store_suite.h"

static void add(const char *who, const char *what)
{
    CHECK_OK(suite.does->audit_add(suite.store, who, what, "{\"x\":1}", &suite.err), &suite.err);
}

TEST(audit, is_read_newest_first_in_pages)
{
    struct audit_line *lines;
    size_t count;
    add("ann", "one");
    add("Bob", "two");
    add("ann", "three");
    struct audit_query query = {.limit = 2};
    CHECK_OK(suite.does->audit->list(suite.store, suite.arena, &query, &lines, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 2);
    CHECK_STR(lines[0].what, "three");
    CHECK_STR(lines[1].what, "two");
    CHECK_STR(lines[1].who, "Bob");
    CHECK_STR(lines[1].detail, "{\"x\":1}");
    CHECK_INT(lines[0].at_ms, suite.world->now_ms(suite.world));
    CHECK_INT(lines[0].id, lines[1].id + 1);
    query.before_id = lines[1].id;
    CHECK_OK(suite.does->audit->list(suite.store, suite.arena, &query, &lines, &count, &suite.err),
             &suite.err);
    CHECK_STR(lines[0].what, "one");
}

TEST(audit, of_one_person)
{
    struct audit_line *lines;
    size_t count;
    add("ann", "one");
    add("bob", "two");
    struct audit_query query = {.who = "ANN"};
    CHECK_OK(suite.does->audit->list(suite.store, suite.arena, &query, &lines, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_STR(lines[0].what, "one");
}
