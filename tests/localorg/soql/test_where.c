/* Conditions: which records they find. */
#include "fixture.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

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

/* The Names of the accounts a condition finds, in Id order. */
static const char *accounts(const char *condition)
{
    return values(
        f, arena_printf(f->arena, "SELECT Name FROM Account WHERE %s ORDER BY Id", condition));
}

static const char *contacts(const char *condition)
{
    return values(
        f, arena_printf(f->arena, "SELECT LastName FROM Contact WHERE %s ORDER BY Id", condition));
}

static const char *deals(const char *condition)
{
    return values(
        f, arena_printf(f->arena, "SELECT Name FROM Opportunity WHERE %s ORDER BY Id", condition));
}

TEST(where, text_ignores_case_unless_the_field_says_otherwise)
{
    CHECK_STR(accounts("Name = 'ACME'"), "Acme");
    CHECK_STR(accounts("name = 'acme' and industry = 'banking'"), "Acme");
    CHECK_STR(accounts("Code__c = 'ab'"), "");
    CHECK_STR(accounts("Code__c = 'aB'"), "globex");
    CHECK_STR(contacts("LastName = 'o\\'dell'"), "O'Dell");
}

TEST(where, not_equal_holds_for_null)
{
    CHECK_STR(accounts("Industry != 'Banking'"), "globex Initech 100%");
    CHECK_STR(accounts("Industry <> 'Banking' AND Industry != null"), "globex");
    CHECK_STR(accounts("Industry NOT IN ('Banking')"), "globex Initech 100%");
    CHECK_STR(accounts("Industry NOT IN ('Banking', null)"), "globex");
    CHECK_STR(accounts("Industry IN ('Banking', null)"), "Acme Initech 100%");
    CHECK_STR(accounts("NOT Industry = 'Banking'"), "globex Initech 100%");
    CHECK_STR(accounts("NOT (Industry = 'Banking' OR Name LIKE 'g%')"), "Initech 100%");
    CHECK_STR(accounts("(NOT Industry LIKE 'B%')"), "globex Initech 100%");
}

TEST(where, empty_text_is_null)
{
    CHECK_STR(accounts("Industry = ''"), "Initech 100%");
    CHECK_STR(accounts("Industry = null"), "Initech 100%");
    CHECK_STR(accounts("Industry != ''"), "Acme globex");
}

TEST(where, like)
{
    CHECK_STR(accounts("Name LIKE 'a%'"), "Acme");
    CHECK_STR(accounts("Name LIKE '_cme'"), "Acme");
    CHECK_STR(accounts("Name LIKE '%100\\%'"), "Initech 100%");
    CHECK_STR(accounts("Code__c LIKE 'c\\_d'"), "Initech 100%");
    CHECK_STR(accounts("Name LIKE 'acme\\_'"), "");
    CHECK_STR(accounts("Name LIKE 'globex'"), "globex");
}

TEST(where, numbers)
{
    CHECK_STR(accounts("AnnualRevenue > 1250"), "Acme globex");
    CHECK_STR(accounts("AnnualRevenue = 1250.50"), "Acme");
    CHECK_STR(accounts("AnnualRevenue = USD1250.5"), "Acme");
    CHECK_STR(accounts("AnnualRevenue = null"), "Initech 100%");
    CHECK_STR(accounts("NumberOfEmployees IN (10, 11)"), "Acme");
    CHECK_STR(accounts("NumberOfEmployees < 1e3 AND NumberOfEmployees >= +250"), "Initech 100%");
    CHECK_STR(accounts("Rating__c <= 1.125"), "Acme");
}

TEST(where, booleans_know_no_null)
{
    CHECK_STR(accounts("Active__c = true"), "Acme");
    CHECK_STR(accounts("Active__c != TRUE"), "globex Initech 100%");
    CHECK_STR(accounts("Active__c = null"), "globex Initech 100%");
    CHECK_STR(accounts("Active__c != null"), "Acme");
    CHECK_STR(accounts("Active__c IN (false)"), "globex Initech 100%");
}

TEST(where, a_missing_parent_reads_as_null_and_false)
{
    CHECK_STR(contacts("Account.Name = null"), "Nobody");
    CHECK_STR(contacts("Account.Active__c = false"), "O'Dell Nobody");
    CHECK_STR(contacts("Account.Name != 'Acme'"), "O'Dell Nobody");
    CHECK_STR(contacts("Account.Industry = 'energy'"), "O'Dell");
    CHECK_STR(contacts("Account.Parent.Owner.Name = 'ann adams'"), "O'Dell");
    CHECK_STR(contacts("ReportsTo.ReportsTo.LastName = 'Stone'"), "O'Dell");
}

TEST(where, ids_of_both_lengths)
{
    CHECK_STR(accounts("Id = '001000000000001'"), "Acme");
    CHECK_STR(accounts("Id = '" ACME "'"), "Acme");
    CHECK_STR(accounts("Id IN ('001000000000001', '" GLOBEX "')"), "Acme globex");
    CHECK_STR(accounts("OwnerId != '005000000000001'"), "globex");
    CHECK_STR(accounts("Id > '" ACME "'"), "globex Initech 100%");
    CHECK_STR(accounts("ParentId = null"), "Acme");
    CHECK_STR(
        accounts("Id = 'nonsense'"),
        "INVALID_QUERY_FILTER_OPERATOR: \nSELECT Name FROM Account WHERE Id = 'nonsense' ORDER "
        "BY Id\n                               ^\nERROR at Row:1:Column:32\n"
        "invalid ID field: nonsense");
}

TEST(where, dates_and_times)
{
    CHECK_STR(accounts("Founded__c = 2020-02-29"), "Acme");
    CHECK_STR(accounts("Founded__c > 2020-02-29"), "globex");
    CHECK_STR(accounts("Founded__c = null"), "Initech 100%");
    CHECK_STR(accounts("Opens__c = 09:30:00Z"), "Acme");
    CHECK_STR(accounts("Opens__c < 09:30:00.001Z"), "Acme");
    CHECK_STR(accounts("CreatedDate = 2026-11-25T11:00:00+01:00"), "Acme");
    CHECK_STR(accounts("CreatedDate >= 2026-11-25T02:00:00-08:00"), "Acme");
    CHECK_STR(accounts("CreatedDate < 2026-11-25T10:00:00.000Z"), "globex Initech 100%");
}

TEST(where, date_literals_on_dates_and_datetimes)
{
    CHECK_STR(accounts("CreatedDate = TODAY"), "Acme");
    CHECK_STR(accounts("CreatedDate = YESTERDAY"), "globex");
    CHECK_STR(accounts("CreatedDate = LAST_N_DAYS:1"), "Acme globex");
    CHECK_STR(accounts("CreatedDate < TODAY"), "globex Initech 100%");
    CHECK_STR(accounts("CreatedDate <= YESTERDAY"), "globex Initech 100%");
    CHECK_STR(accounts("CreatedDate > YESTERDAY"), "Acme");
    CHECK_STR(accounts("CreatedDate >= YESTERDAY"), "Acme globex");
    CHECK_STR(accounts("CreatedDate != TODAY"), "globex Initech 100%");
    CHECK_STR(accounts("CreatedDate IN (TODAY, YESTERDAY)"), "Acme globex");
    CHECK_STR(accounts("CreatedDate NOT IN (TODAY, YESTERDAY)"), "Initech 100%");
    CHECK_STR(accounts("Founded__c = YESTERDAY"), "globex");
    CHECK_STR(accounts("Founded__c != LAST_N_DAYS:5"), "Acme Initech 100%");
    CHECK_STR(deals("CloseDate = THIS_YEAR"), "One Two");
    CHECK_STR(deals("CloseDate = LAST_YEAR"), "Three");
    CHECK_STR(deals("CALENDAR_MONTH(CloseDate) = 1"), "One");
    CHECK_STR(accounts("DAY_ONLY(CreatedDate) = 2026-11-24"), "globex");
}

TEST(where, until_now_ends_with_now)
{
    sql_run(f, "UPDATE Account SET CreatedDate = 1795600800001 WHERE Id = '" ACME "'");
    CHECK_STR(accounts("CreatedDate = LAST_N_DAYS:0"), "");
    CHECK_STR(accounts("CreatedDate = TODAY"), "Acme");
}

/* At 10:00 UTC it is 02:00 in Los Angeles: today began at 08:00 UTC. */
TEST(where, days_are_the_users_days)
{
    struct org_user bob;
    CHECK(org_user_by_id(f->org, BOB, &bob));
    strcpy(bob.timezone, "America/Los_Angeles");
    CHECK_OK(org_put_user(f->org, &bob, &f->err), &f->err);
    sql_run(f,
            "UPDATE Account SET CreatedDate = 1795593599000 WHERE Id = '" ACME "'"); /* 07:59:59Z */
    CHECK_STR(accounts("CreatedDate = TODAY"), "Acme");
    CHECK_STR(accounts("HOUR_IN_DAY(convertTimezone(CreatedDate)) = 7"), "Acme");
    f->context.user_id = BOB;
    CHECK_STR(accounts("CreatedDate = TODAY"), "");
    CHECK_STR(accounts("CreatedDate = YESTERDAY"), "Acme globex");
    CHECK_STR(accounts("HOUR_IN_DAY(CreatedDate) = 7"), "Acme");
    CHECK_STR(accounts("HOUR_IN_DAY(convertTimezone(CreatedDate)) = 23"), "Acme");
    CHECK_STR(accounts("DAY_ONLY(convertTimezone(CreatedDate)) = 2026-11-24"), "Acme globex");
}

TEST(where, multipicklists)
{
    CHECK_STR(accounts("Topics__c INCLUDES ('red')"), "Acme");
    CHECK_STR(accounts("Topics__c INCLUDES ('BLUE')"), "Acme globex");
    CHECK_STR(accounts("Topics__c INCLUDES ('red;blue')"), "Acme");
    CHECK_STR(accounts("Topics__c INCLUDES ('red;green', 'blue')"), "Acme globex");
    CHECK_STR(accounts("Topics__c INCLUDES ('re')"), "");
    CHECK_STR(accounts("Topics__c EXCLUDES ('red')"), "globex Initech 100%");
    CHECK_STR(accounts("Topics__c = 'red;blue'"), "Acme");
}

TEST(where, semi_and_anti_joins)
{
    CHECK_STR(accounts("Id IN (SELECT AccountId FROM Opportunity WHERE IsWon = true)"),
              "Acme globex");
    CHECK_STR(accounts("Id NOT IN (SELECT AccountId FROM Opportunity)"), "Initech 100%");
    CHECK_STR(contacts("AccountId IN (SELECT Id FROM Account WHERE Owner.Name = 'Ann Adams')"),
              "Stone Wood");
    CHECK_STR(
        accounts("Id IN (SELECT AccountId FROM Contact WHERE Email LIKE '%@acme.test') AND Id "
                 "IN (SELECT AccountId FROM Opportunity)"),
        "Acme");
}

TEST(where, deleted_rows_are_hidden_unless_asked_for)
{
    CHECK_STR(accounts("Name = 'Hooli'"), "");
    CHECK_STR(accounts("IsDeleted = true"), "");
    f->context.all_rows = true;
    CHECK_STR(accounts("IsDeleted = true"), "Hooli");
    CHECK_STR(accounts("Name = 'Hooli' OR Name = 'Acme'"), "Acme Hooli");
}

TEST(where, thousands_of_conditions)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "SELECT Name FROM Account WHERE ");
    for (int i = 0; i < 3000; i++)
        buf_printf(&text, "%sNumberOfEmployees=%d", i ? " OR " : "", i + 10);
    buf_str(&text, " ORDER BY Id");
    CHECK_STR(values(f, buf_text(&text)), "Acme Initech 100%");
    buf_clear(&text);
    buf_str(&text, "SELECT Name FROM Account WHERE Name IN ('ACME'");
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, ",'x\"%d'", i);
    buf_str(&text, ") AND NumberOfEmployees IN (10");
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, ",%d", i + 1000);
    buf_str(&text, ")");
    CHECK_STR(values(f, buf_text(&text)), "Acme");
    buf_free(&text);
}

TEST(where, wrong_types_are_named)
{
    static const struct {
        const char *condition, *message;
    } cases[] = {
        {"Name = 5", "'Name' must be of type string and should be enclosed in quotes"},
        {"Name = true", "'Name' must be of type string and should be enclosed in quotes"},
        {"AnnualRevenue = '5'",
         "'AnnualRevenue' must be of type double and should not be enclosed"},
        {"NumberOfEmployees IN ('5')", "'NumberOfEmployees' must be of type int and should not be"},
        {"Active__c = 'true'", "'Active__c' must be of type boolean and should not be enclosed"},
        {"Founded__c = '2020-01-01'", "'Founded__c' must be of type date and should not be"},
        {"Founded__c = 2020-01-01T00:00:00Z", "'Founded__c' must be of type date and should not"},
        {"CreatedDate > 2020-01-01", "'CreatedDate' must be of type dateTime and should not be"},
        {"CreatedDate > ''", "'CreatedDate' must be of type dateTime and should not be"},
        {"Name = TODAY", "'Name' must be of type string and should be enclosed in quotes"},
        {"Id = 5", "'Id' must be of type ID and should be enclosed in quotes"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_CONTAINS(accounts(cases[i].condition), cases[i].message);
        CHECK_STR(f->err.code, "INVALID_FIELD");
        CHECK_CONTAINS(f->err.message, "^\nERROR at Row:1:Column:32\nvalue of filter criterion");
    }
}

TEST(where, wrong_operators)
{
    CHECK_CONTAINS(accounts("Id LIKE '001%'"), "invalid operator on id field");
    CHECK_STR(f->err.code, "INVALID_QUERY_FILTER_OPERATOR");
    CHECK_CONTAINS(accounts("Active__c > true"), "invalid operator on boolean field");
    CHECK_CONTAINS(accounts("Topics__c LIKE 'r%'"), "invalid operator on multipicklist field");
    CHECK_CONTAINS(accounts("Name INCLUDES ('a')"), "only valid on multipicklist field");
    CHECK_CONTAINS(accounts("Description = 'x'"),
                   "field 'Description' can not be filtered in a query call");
    CHECK_STR(f->err.code, "INVALID_FIELD");
}

TEST(where, semi_joins_as_salesforce_restricts_them)
{
    CHECK_CONTAINS(accounts("Name = 'x' OR Id IN (SELECT AccountId FROM Contact)"),
                   "Semi join sub-selects are not allowed with the 'OR' operator");
    CHECK_CONTAINS(accounts("Name = 'x' AND (Name = 'y' OR (Name = 'z' AND Id IN (SELECT AccountId "
                            "FROM Contact)))"),
                   "only allowed at the top level WHERE");
    CHECK_CONTAINS(
        accounts("Id IN (SELECT Id FROM Contact)"),
        "The selected field 'Id' in the subquery and the left operand field in the where "
        "expression in the outer query 'Id' should point to the same object type");
    CHECK_CONTAINS(accounts("ParentId IN (SELECT Id FROM Account)"), "same object type");
    CHECK_CONTAINS(accounts("Id IN (SELECT WhatId FROM Task)"), "Entity 'Task' is not supported");
    CHECK_CONTAINS(accounts("Name IN (SELECT AccountId FROM Contact)"), "cannot use: 'Name'");
    CHECK_CONTAINS(
        accounts("Id IN (SELECT AccountId FROM Contact) AND Id IN (SELECT AccountId FROM "
                 "Contact) AND Id IN (SELECT AccountId FROM Contact)"),
        "Maximum 2 semi join sub-selects are allowed");
    CHECK_CONTAINS(accounts("Id IN (SELECT AccountId FROM Contact LIMIT 1)"), "LIMIT");
    CHECK_CONTAINS(accounts("Id IN (SELECT AccountId FROM Contact WHERE AccountId IN (SELECT "
                            "AccountId FROM Opportunity))"),
                   "ested");
}

TEST(where, a_condition_alone_for_rules)
{
    struct buf sql = BUF_INIT;
    struct soql_bind *binds = NULL;
    size_t count = 0;
    struct sobject *contact = schema_find(org_schema(f->org), "Contact");
    CHECK_OK(soql_condition_sql(f->arena, f->org, contact,
                                "Account.Owner.Name = 'ann adams' AND Email LIKE 'jo%'", 2, &sql,
                                &binds, &count, &f->err),
             &f->err);
    CHECK_INT(count, 4); /* a pattern with a known start is a range, too */
    char *text = arena_printf(
        f->arena, "SELECT t0.LastName FROM Contact t0 WHERE t0.Id = ?1 AND (%s)", buf_text(&sql));
    sqlite3 *db = org_reader_take(f->org);
    sqlite3_stmt *stmt = NULL;
    CHECK_INT(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
    sqlite3_bind_text(stmt, 1, "003000000000001AAA", -1, SQLITE_STATIC);
    soql_bind_all(stmt, binds, count, 2);
    CHECK_INT(sqlite3_step(stmt), SQLITE_ROW);
    CHECK_STR((const char *)sqlite3_column_text(stmt, 0), "Stone");
    sqlite3_finalize(stmt);
    org_reader_give(f->org, db);
    buf_free(&sql);
    CHECK_FAIL(
        soql_condition_sql(f->arena, f->org, contact, "Nope = 1", 1, &sql, &binds, &count, &f->err),
        &f->err, "INVALID_FIELD");
    buf_free(&sql);
}

TEST(where, case_is_ignored_beyond_ascii)
{
    sql_run(f, "UPDATE \"Account\" SET Name = 'Ärger & Söhne' WHERE Id = '" ACME "'");
    CHECK_STR(values(f, "SELECT Id FROM Account WHERE Name = 'ÄRGER & SÖHNE'"), ACME);
    CHECK_STR(values(f, "SELECT Id FROM Account WHERE Name LIKE 'är%söh_e'"), ACME);
    CHECK_STR(values(f, "SELECT Id FROM Account WHERE Name IN ('ärger & SÖHNE', 'x')"), ACME);
    CHECK_STR(values(f, "SELECT Id FROM Account WHERE Name LIKE 'är_er%'"), ACME);
    sql_run(f, "UPDATE \"Account\" SET Name = 'Ωmega Ελλάς' WHERE Id = '" ACME "'");
    CHECK_STR(values(f, "SELECT Id FROM Account WHERE Name = 'ωΜΕΓΑ ελλάς'"), "");
    CHECK_STR(values(f, "SELECT Id FROM Account WHERE Name = 'ωMEGA ΕΛΛΆΣ'"), "");
    CHECK_STR(values(f, "SELECT Id FROM Account WHERE Name LIKE 'ωmega ελλά%'"), ACME);
    CHECK_STR(values(f, "SELECT Id FROM Account WHERE Name < 'ωMEGA' AND Name LIKE 'ω%'"), "");
}

TEST(where, semi_joins_stay_simple)
{
    CHECK_CONTAINS(accounts("Id IN (SELECT Account.ParentId FROM Contact)"), "relationship");
    CHECK_CONTAINS(answer(f, "SELECT AccountId FROM Contact GROUP BY AccountId HAVING AccountId IN "
                             "(SELECT Id FROM Account)"),
                   "HAVING");
    CHECK_CONTAINS(accounts("DAY_ONLY(CreatedDate) = TODAY"), "date literals");
    CHECK_CONTAINS(answer(f, "SELECT GROUPING(StageName) FROM Opportunity GROUP BY StageName"),
                   "ROLLUP");
    CHECK_CONTAINS(answer(f, "SELECT Id, (SELECT Id FROM Contacts LIMIT 1 OFFSET 1) FROM Account"),
                   "LIMIT 1");
    CHECK_LACKS(answer(f, "SELECT Id, (SELECT Id FROM Contacts LIMIT 1 OFFSET 1) FROM Account "
                          "LIMIT 1"),
                "MALFORMED");
}
