/* Conditions reach the indexes: what a sync asks must not scan. */
#include "fixture.h"
#include "support/check.h"

#include <stdlib.h>

static struct fixture *f;

static void before(void)
{
    f = fixture_new();
}

static void after(void)
{
    fixture_free(f);
}

EACH_TEST(before, after)

static const char *plan_of(const char *condition, const char *order)
{
    return query_plan(
        f, arena_printf(f->arena, "SELECT Id, Name FROM Account WHERE %s %s", condition, order));
}

TEST(index, equality_and_lists)
{
    CHECK_CONTAINS(plan_of("Id = '" ACME "'", ""), "USING INDEX");
    CHECK_CONTAINS(plan_of("Name = 'acme'", ""), "USING INDEX");
    CHECK_CONTAINS(plan_of("OwnerId = '" ANN "'", ""), "USING INDEX");
    CHECK_CONTAINS(plan_of("Id IN ('" ACME "', '" GLOBEX "')", ""), "USING INDEX");
    CHECK_CONTAINS(plan_of("Name IN ('a', 'b')", ""), "USING INDEX");
    CHECK_CONTAINS(plan_of("Code__c = 'Ab'", ""), "USING INDEX");
}

TEST(index, an_owner_finds_too_many_to_go_by)
{
    CHECK_CONTAINS(plan_of("OwnerId = '" ANN "' AND Name LIKE 'Glo%'", ""), "ix_Account_Name");
    CHECK_CONTAINS(plan_of("OwnerId = '" ANN "' AND Name = 'Globex'", ""), "ix_Account_Name");
    CHECK_CONTAINS(plan_of("OwnerId = '" ANN "' AND CreatedDate = TODAY", ""),
                   "ix_Account_CreatedDate");
    CHECK_CONTAINS(plan_of("OwnerId = '" ANN "' AND Id = '" ACME "'", ""), "autoindex");
}

TEST(index, ranges)
{
    CHECK_CONTAINS(plan_of("SystemModstamp > 2026-01-01T00:00:00Z", ""), "SEARCH t0 USING INDEX");
    CHECK_CONTAINS(plan_of("CreatedDate = TODAY", ""), "SEARCH t0 USING INDEX");
    CHECK_CONTAINS(plan_of("Id > '" ACME "'", "ORDER BY Id"), "SEARCH t0 USING INDEX");
    CHECK_LACKS(plan_of("Id > '" ACME "'", "ORDER BY Id"), "TEMP B-TREE");
}

TEST(index, keyset_paging_neither_scans_nor_sorts_everything)
{
    const char *plan =
        plan_of("(SystemModstamp = 2026-01-01T00:00:00Z AND Id > '" ACME "') OR SystemModstamp > "
                "2026-01-01T00:00:00Z",
                "ORDER BY SystemModstamp, Id");
    CHECK_CONTAINS(plan, "SEARCH t0 USING INDEX");
    CHECK_LACKS(plan, "MULTI-INDEX OR");
    CHECK_LACKS(plan, "USE TEMP B-TREE FOR ORDER BY");
}

TEST(index, joins_only_where_used)
{
    CHECK_LACKS(query_plan(f, "SELECT AccountId FROM Contact"), "t1");
    CHECK_CONTAINS(query_plan(f, "SELECT Account.Name FROM Contact"), "SEARCH t1 USING INDEX");
    CHECK_CONTAINS(query_plan(f, "SELECT (SELECT Id FROM Contacts) FROM Account"), "t0");
}

TEST(index, patterns_with_a_known_start)
{
    CHECK_CONTAINS(plan_of("Name LIKE 'Ac%'", ""), "SEARCH t0 USING INDEX");
    CHECK_CONTAINS(plan_of("Name LIKE '%me'", ""), "SCAN t0");
}
