/* test_formula.c - formulas: values, blanks, dates, parents, mistakes. Guards
 * src/localorg/org/formula*.c. */
#include "fixture.h"

#include "base/buf.h"
#include "base/str.h"
#include "localorg/org/formula.h"

#include <string.h>

static const char *account, *contact;

static void before(void)
{
    given_org();
    account = given("Account", "{\"Name\":\"Acme\",\"Phone\":\"+41 44\",\"AnnualRevenue\":1000,"
                               "\"NumberOfEmployees\":7,\"Rating\":\"Hot\",\"Industry\":\"Energy\"}");
    contact = given("Contact", arena_printf(arena, "{\"FirstName\":\"Ann\",\"LastName\":\"O'Neill\","
                                                   "\"AccountId\":\"%s\"}", account));
}

EACH_TEST(before, org_gone)

static struct err err;
static struct formula_options how;

/* The value of the formula for the record, as SQLite prints it; "null"; "! message". */
static const char *value_for(const char *object, const char *id, const char *formula)
{
    struct formula_sql compiled;
    struct buf sql = BUF_INIT;
    sqlite3_stmt *row = NULL;
    err_clear(&err);
    if (formula_compile(arena, org, object_of(object), formula, &how, "t0", &compiled, &err) != OK)
        return arena_printf(arena, "! %s", err.message);
    buf_printf(&sql, "SELECT %s FROM \"%s\" t0 WHERE t0.\"Id\" = '%s'", compiled.sql, object, id);
    sqlite3 *db = org_reader_take(org);
    if (sqlite3_prepare_v2(db, buf_text(&sql), -1, &row, NULL) != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", buf_text(&sql), sqlite3_errmsg(db));
    CHECK(row != NULL);
    CHECK_INT(sqlite3_step(row), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(row, 0);
    text = text ? arena_strdup(arena, text) : "null";
    sqlite3_finalize(row);
    org_reader_give(org, db);
    buf_free(&sql);
    return text;
}

static const char *value(const char *formula)
{
    return value_for("Account", account, formula);
}

TEST(formula, arithmetic_and_its_order)
{
    CHECK_STR(value("1 + 2 * 3"), "7");
    CHECK_STR(value("(1 + 2) * 3 - 4 / 8"), "8.5");
    CHECK_STR(value("7 / 2"), "3.5");
    CHECK_STR(value("2 ^ 10"), "1024");
    CHECK_STR(value("-2 + AnnualRevenue / 4"), "248.0");
    CHECK_STR(value("1 / 0"), "null");
    CHECK_STR(value("ROUND(2.345, 2)"), "2.35");
    CHECK_STR(value("ROUND(-2.5, 0)"), "-3");
    CHECK_STR(value("CEILING(-1.2) & ''"), "! Incorrect parameter type for operator '&'. Expected "
                                           "Text, received Number");
    CHECK_STR(value("CEILING(1.2) + FLOOR(1.8) + MOD(7, 3)"), "4");
    CHECK_STR(value("MAX(1, 5, 3) - MIN(4, 2)"), "3");
    CHECK_STR(value("VALUE(' 12.50 ') + VALUE('x')"), "null");
    CHECK_STR(value("/* a comment */ 4"), "4");
}

TEST(formula, blanks_as_zero_or_as_blank)
{
    CHECK_STR(value("IF(ISBLANK(Site), 'none', Site)"), "none");
    CHECK_STR(value("BLANKVALUE(Website, 'no site')"), "no site");
    const char *bare = given("Account", "{\"Name\":\"Bare\"}");
    CHECK_STR(value_for("Account", bare, "AnnualRevenue + 1"), "null");
    CHECK_STR(value_for("Account", bare, "IF(AnnualRevenue < 5, 'small', 'else')"), "else");
    how.blank_as_zero = true;
    CHECK_STR(value_for("Account", bare, "AnnualRevenue + 1"), "1");
    CHECK_STR(value_for("Account", bare, "IF(AnnualRevenue < 5, 'small', 'else')"), "small");
    CHECK_STR(value_for("Account", bare, "ISBLANK(AnnualRevenue)"), "1");
    how.blank_as_zero = false;
    CHECK_STR(value_for("Account", bare, "Phone & '|' & Name"), "|Bare");
    CHECK_STR(value_for("Account", bare, "Phone = ''"), "1");
}

TEST(formula, text)
{
    CHECK_STR(value("UPPER(Name) & \"-\" & LOWER(Name)"), "ACME-acme");
    CHECK_STR(value("LEFT(Name, 2) & RIGHT(Name, 1) & MID(Name, 2, 2)"), "Acecm");
    CHECK_STR(value("RIGHT(Name, 99)"), "Acme");
    CHECK_STR(value("LEN(Name) + FIND('m', Name) + FIND('c', Name, 3)"), "7");
    CHECK_STR(value("SUBSTITUTE(Phone, ' ', '')"), "+4144");
    CHECK_STR(value("LPAD('7', 3, '0') & RPAD('abc', 2)"), "007ab");
    CHECK_STR(value("IF(CONTAINS(Name, 'cm') && BEGINS(Name, 'Ac'), 1, 0)"), "1");
    CHECK_STR(value("IF(Name = 'acme', 1, 0)"), "0"); /* case counts */
    CHECK_STR(value("REGEX(Phone, '\\\\+\\\\d{2} \\\\d+')"), "1");
    CHECK_STR(value("REGEX('x12', '\\\\d+')"), "0");
    CHECK_STR(value("TEXT(1.5) & TEXT(NumberOfEmployees)"), "1.57");
    CHECK_STR(value("HYPERLINK('https://x.example', Name)"),
              "<a href=\"https://x.example\" target=\"_blank\">Acme</a>");
    CHECK_STR(value_for("Contact", contact, "LastName & ', ' & FirstName"), "O'Neill, Ann");
}

TEST(formula, picklists_and_cases)
{
    CHECK_STR(value("ISPICKVAL(Rating, 'Hot')"), "1");
    CHECK_STR(value("CASE(Rating, 'Hot', 3, 'Warm', 2, 1)"), "3");
    CHECK_STR(value("TEXT(Industry) & '!'"), "Energy!");
    CHECK_CONTAINS(value("Rating = 'Hot'"), "Picklist fields are only supported in certain");
    CHECK_STR(value("CASE(1, 1, 'a')"), "! Incorrect number of parameters for function 'CASE()'. "
                                        "Expected 4, received 3");
    CHECK_STR(value("AND(true, NOT(false), OR(false, 1 = 1))"), "1");
    CHECK_STR(value("!(1 > 2) || 1 <> 1"), "1");
}

TEST(formula, dates_by_the_orgs_clock)
{
    CHECK_STR(value("TODAY()"), "2026-11-23");
    CHECK_STR(value("TODAY() - DATE(2026, 11, 1)"), "22");
    CHECK_STR(value("DATE(2024, 2, 28) + 2"), "2024-03-01");
    CHECK_STR(value("ADDMONTHS(DATE(2026, 1, 31), 1)"), "2026-02-28");
    CHECK_STR(value("YEAR(TODAY()) * 100 + MONTH(TODAY()) + DAY(TODAY()) + WEEKDAY(TODAY())"),
              "202636"); /* a Monday: 2 */
    CHECK_STR(value("DATEVALUE(CreatedDate)"), "2026-11-23");
    CHECK_STR(value("ROUND((NOW() - CreatedDate) * 24, 1)"), "0");
    world_fake_advance(world, 90 * 60 * 1000);
    CHECK_STR(value("ROUND((NOW() - CreatedDate) * 24, 1)"), "1.5");
    CHECK_STR(value("DATEVALUE('2026-02-30')"), "null");
    CHECK_STR(value("TEXT(DATETIMEVALUE('2026-01-02 03:04:05'))"), "2026-01-02 03:04:05Z");
    CHECK_CONTAINS(value("TODAY() + TODAY()"), "Incorrect parameter type for operator '+'");
}

TEST(formula, parents_are_followed)
{
    CHECK_STR(value_for("Contact", contact, "Account.Name & '/' & TEXT(Account.Rating)"), "Acme/Hot");
    CHECK_STR(value_for("Contact", contact, "Account.AnnualRevenue * 2"), "2000");
    CHECK_STR(value("Parent.Name"), "null");
    CHECK_STR(value_for("Contact", contact, "Account.Nope__c"),
              "! Field Account.Nope__c does not exist. Check spelling.");
}

TEST(formula, mistakes_are_named)
{
    CHECK_STR(value("Nope__c + 1"), "! Field Nope__c does not exist. Check spelling.");
    CHECK_STR(value("NOPE(1)"), "! Unknown function NOPE. Check spelling.");
    CHECK_STR(value("IF(1 = 1, 2)"),
              "! Incorrect number of parameters for function 'IF()'. Expected 3, received 2");
    CHECK_STR(value("(1 + 2"), "! Syntax error. Missing ')'");
    CHECK_STR(value("1 + 2)"), "! Syntax error. Extra ')'");
    CHECK_STR(value("1 +"), "! Syntax error. Found end of formula");
    CHECK_STR(value("'open"), "! Syntax error. Missing \"'\"");
    CHECK_STR(value("Name + 1"), "! Incorrect parameter type for operator '&'. Expected Text, "
                                 "received Number");
    CHECK_STR(value("IF(Name, 1, 2)"), "! Incorrect parameter type for function 'IF()'. Expected "
                                       "Boolean, received Text");
    CHECK_STR(value("$User.Id"), "! localorg does not evaluate $User.Id");
    CHECK_STR(value("ISNEW()"), "! Function ISNEW may not be used in this type of formula");
    struct buf deep = BUF_INIT;
    for (int i = 0; i < 200; i++)
        buf_char(&deep, '(');
    CHECK_STR(value(buf_text(&deep)), "! The formula is nested too deeply");
    buf_free(&deep);
}

static const char *computed(const char *object, const char *name, const char *id)
{
    const char *sql = field_computed_sql(arena, org, sobject_field(object_of(object), name), "t0");
    if (!sql)
        return "(stored)";
    sqlite3_stmt *row = NULL;
    sqlite3 *db = org_reader_take(org);
    const char *query = arena_printf(arena, "SELECT %s FROM \"%s\" t0 WHERE t0.\"Id\" = '%s'", sql,
                                     object, id);
    CHECK_INT(sqlite3_prepare_v2(db, query, -1, &row, NULL), SQLITE_OK);
    CHECK_INT(sqlite3_step(row), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(row, 0);
    text = text ? arena_strdup(arena, text) : "null";
    sqlite3_finalize(row);
    org_reader_give(org, db);
    return text;
}

TEST(formula, fields_stand_on_fields)
{
    given_field("Account", "{\"name\":\"Double__c\",\"type\":\"double\",\"precision\":18,\"scale\":1,"
                           "\"calculated\":true,\"calculatedFormula\":\"AnnualRevenue * 2\"}");
    given_field("Account", "{\"name\":\"Share__c\",\"type\":\"percent\",\"precision\":18,\"scale\":2,"
                           "\"calculated\":true,\"calculatedFormula\":\"Double__c / 8000\"}");
    given_field("Account", "{\"name\":\"Again__c\",\"type\":\"string\",\"length\":99,\"calculated\":"
                           "true,\"calculatedFormula\":\"IF(Share__c > 0.2, 'much', 'little')\"}");
    CHECK_STR(computed("Account", "Double__c", account), "2000");
    CHECK_STR(computed("Account", "Share__c", account), "25");
    CHECK_STR(computed("Account", "Again__c", account), "much");
    given_field("Account", "{\"name\":\"Loop__c\",\"type\":\"double\",\"calculated\":true,"
                           "\"calculatedFormula\":\"Loop__c + 1\"}");
    CHECK_STR(computed("Account", "Loop__c", account), "(stored)");
    CHECK_FAIL(field_computed_check(org, sobject_field(object_of("Account"), "Loop__c"), &err), &err,
               ERR_FORMULA);
    given_field("Account", "{\"name\":\"Odd__c\",\"type\":\"double\",\"calculated\":true,"
                           "\"calculatedFormula\":\"'text'\"}");
    CHECK_FAIL(field_computed_check(org, sobject_field(object_of("Account"), "Odd__c"), &err), &err,
               ERR_FORMULA);
    CHECK_STR(err.message, "Formula result is data type (Text), incompatible with expected data "
                           "type (Number).");
}

TEST(formula, roll_ups_add_up_their_children)
{
    static const char *const rollup =
        "{\"name\":\"%s\",\"type\":\"currency\",\"precision\":18,\"scale\":2,\"calculated\":true,"
        "\"rollup\":{\"summaryForeignKey\":\"Opportunity.AccountId\",\"summaryOperation\":\"%s\","
        "\"summarizedField\":\"Opportunity.Amount\",\"summaryFilterItems\":[%s]}}";
    static const char *const won = "{\"field\":\"Opportunity.IsWon\",\"operation\":\"equals\","
                                   "\"value\":\"True\"}";
    given_field("Account", arena_printf(arena, rollup, "Sum__c", "sum", ""));
    given_field("Account", arena_printf(arena, rollup, "Won__c", "sum", won));
    given_field("Account", arena_printf(arena, rollup, "Count__c", "count", ""));
    given_field("Account", arena_printf(arena, rollup, "Max__c", "max", ""));
    CHECK_STR(computed("Account", "Sum__c", account), "0");
    CHECK_STR(computed("Account", "Max__c", account), "null");
    const char *open = given("Opportunity", arena_printf(arena, "{\"Name\":\"o\",\"StageName\":"
        "\"Prospecting\",\"CloseDate\":\"2026-12-01\",\"Amount\":10,\"AccountId\":\"%s\"}", account));
    given("Opportunity", arena_printf(arena, "{\"Name\":\"w\",\"StageName\":\"Closed Won\","
        "\"CloseDate\":\"2026-12-01\",\"Amount\":32.5,\"AccountId\":\"%s\"}", account));
    CHECK_STR(computed("Account", "Sum__c", account), "42.5");
    CHECK_STR(computed("Account", "Won__c", account), "32.5");
    CHECK_STR(computed("Account", "Count__c", account), "2");
    CHECK_STR(computed("Account", "Max__c", account), "32.5");
    const char *stamp = stored("Account", account, "SystemModstamp");
    world_fake_advance(world, 5000);
    CHECK_OUTCOME(deleted("Opportunity", open), "done");
    CHECK_STR(computed("Account", "Count__c", account), "1");
    CHECK_STR(stored("Account", account, "SystemModstamp"), stamp); /* nobody wrote the account */
}
