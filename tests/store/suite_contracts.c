/* suite_contracts.c - versions of a field contract: each stays, the newest holds. */
#include "store/store_contracts.h"
#include "store/store_suite.h"

static int64_t put(int64_t connection, const char *text, const char *ticket)
{
    struct contract_version version = {.who = "ann", .ticket = ticket, .text = text};
    CHECK_OK(suite.does->contracts->put(suite.store, connection, &version, &suite.err), &suite.err);
    CHECK(version.at_ms > 0);
    return version.version;
}

static struct contract_version get(int64_t connection, int64_t number)
{
    struct contract_version version = {0};
    CHECK_OK(suite.does->contracts->get(suite.store, suite.arena, connection, number, &version,
                                        &suite.err),
             &suite.err);
    return version;
}

TEST(contracts, each_version_stays_and_the_newest_holds)
{
    struct contract_version none, *list;
    size_t count;
    CHECK_FAIL(suite.does->contracts->get(suite.store, suite.arena, 1, 0, &none, &suite.err),
               &suite.err, ERR_NOT_FOUND);
    CHECK_INT(put(1, "first", "OPS-1"), 1);
    CHECK_INT(put(1, "second", NULL), 2);
    CHECK_INT(put(2, "another", NULL), 1);
    suite_reopen();
    CHECK_STR(get(1, 0).text, "second");
    CHECK_STR(get(1, 1).text, "first");
    CHECK_STR(get(1, 1).ticket, "OPS-1");
    CHECK_STR(get(2, 0).text, "another");
    CHECK_FAIL(suite.does->contracts->get(suite.store, suite.arena, 1, 3, &none, &suite.err),
               &suite.err, ERR_NOT_FOUND);
    CHECK_OK(suite.does->contracts->list(suite.store, suite.arena, 1, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 2);
    CHECK_INT(list[0].version, 2);
    CHECK(list[0].text == NULL);
}

TEST(contracts, are_in_the_audit)
{
    int64_t before = 0, after = 0;
    CHECK_OK(suite.does->audit_verify(suite.store, &before, &suite.err), &suite.err);
    put(1, "text", "OPS-9");
    CHECK_OK(suite.does->audit_verify(suite.store, &after, &suite.err), &suite.err);
    CHECK_INT(after, before + 1);
}
