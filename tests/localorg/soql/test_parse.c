/* What the parser takes and refuses, and the block that points at the word. */
#include "support/check.h"

#include "localorg/soql/parse.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct err err;

static void before(void)
{
    arena = arena_new();
    err_clear(&err);
}

static void after(void)
{
    arena_free(arena);
}

EACH_TEST(before, after)

static const struct ast_query *parsed(const char *text)
{
    const struct ast_query *query = soql_parse(arena, str_of(text), &err);
    CHECK_GOT(query, &err);
    return query;
}

static const char *refused(const char *text)
{
    CHECK(soql_parse(arena, str_of(text), &err) == NULL);
    CHECK_STR(err.code, "MALFORMED_QUERY");
    return err.message;
}

TEST(parse, every_clause_in_its_place)
{
    const struct ast_query *query = parsed(
        "select Id, Account.Name from Contact c, c.Account a using scope mine where Name = 'x' "
        "group by rollup(Name, Email) having count(Id) > 1 order by Name desc nulls last, Id "
        "limit 10 offset 5 for view for reference update tracking");
    CHECK_INT(query->items->next->expr->part_count, 2);
    CHECK(str_eq(query->from->next->alias, STR("a")));
    CHECK(str_eq(query->scope, STR("mine")));
    CHECK(query->where && query->having);
    CHECK_INT(query->group_kind, AST_G_ROLLUP);
    CHECK(query->order->desc && query->order->nulls_last && !query->order->next->desc);
    CHECK_INT(query->limit, 10);
    CHECK_INT(query->offset, 5);
}

TEST(parse, and_and_or_lists_are_flat)
{
    const struct ast_cond *where =
        parsed("SELECT Id FROM A WHERE a = 1 AND (b = 2 OR c = 3 OR d = 4) AND NOT e = 5")->where;
    CHECK_INT(where->kind, AST_AND);
    CHECK_INT(where->first->kind, AST_COMPARE);
    CHECK_INT(where->first->next->kind, AST_OR);
    CHECK_INT(where->first->next->next->kind, AST_NOT);
    CHECK(where->first->next->next->next == NULL);
}

TEST(parse, values_by_shape)
{
    static const struct {
        const char *text;
        enum ast_value_kind kind;
    } cases[] = {{"'x'", AST_V_STRING},
                 {"-1.5", AST_V_NUMBER},
                 {"1e3", AST_V_NUMBER},
                 {"TRUE", AST_V_BOOLEAN},
                 {"null", AST_V_NULL},
                 {"2026-02-28", AST_V_DATE},
                 {"2026-02-28T01:02:03Z", AST_V_DATETIME},
                 {"2026-02-28T01:02:03.123+01:00", AST_V_DATETIME},
                 {"2026-02-28T01:02:03-0800", AST_V_DATETIME},
                 {"10:00:00Z", AST_V_TIME},
                 {"TODAY", AST_V_RANGE},
                 {"LAST_N_DAYS:30", AST_V_RANGE},
                 {"USD12.50", AST_V_CURRENCY}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ast_cond *cond =
            soql_parse_condition(arena, str_of(arena_printf(arena, "a = %s", cases[i].text)), &err);
        CHECK_GOT(cond, &err);
        CHECK_INT(cond->values->kind, cases[i].kind);
    }
}

TEST(parse, offsets_are_applied)
{
    struct ast_cond *cond = soql_parse_condition(arena, STR("a > 1970-01-02T01:00:00+02:00"), &err);
    CHECK_GOT(cond, &err);
    CHECK_INT(cond->values->ms, 23 * 3600000);
}

TEST(parse, escapes_of_a_string)
{
    struct ast_cond *cond = soql_parse_condition(
        arena, STR("a = 'O\\'Dell \\\\ \\N\\t\\\" \\u00e9\\uD83D\\uDE00'"), &err);
    CHECK_GOT(cond, &err);
    CHECK_STR(cond->values->text, "O'Dell \\ \n\t\" \xc3\xa9\xf0\x9f\x98\x80");
    cond = soql_parse_condition(arena, STR("a LIKE '100\\%\\_\\\\x%_'"), &err);
    CHECK_GOT(cond, &err);
    CHECK_STR(cond->values->text, "100\\%\\_\\\\x%_");
}

TEST(parse, wrong_escapes)
{
    refused("SELECT Id FROM A WHERE a = '\\x'");
    refused("SELECT Id FROM A WHERE a = '\\%'"); /* only LIKE knows it */
    refused("SELECT Id FROM A WHERE a = '\\u12'");
    refused("SELECT Id FROM A WHERE a = '\\ud800x'");
    refused("SELECT Id FROM A WHERE a = 'open");
    refused("SELECT Id FROM A WHERE a = 'open\\'");
}

TEST(parse, the_caret_stands_under_the_word)
{
    CHECK_STR(refused("SELECT Id FROM Account WHERE Name = Acme"),
              "\nSELECT Id FROM Account WHERE Name = Acme\n"
              "                                    ^\n"
              "ERROR at Row:1:Column:37\nunexpected token: 'Acme'");
    CHECK_STR(refused("SELECT Id,\n  FROM Account"),
              "\n  FROM Account\n  ^\nERROR at Row:2:Column:3\nunexpected token: 'FROM'");
    CHECK_STR(refused("SELECT Id FROM Account WHERE"),
              "\nSELECT Id FROM Account WHERE\n                            ^\n"
              "ERROR at Row:1:Column:29\nunexpected token: '<EOF>'");
}

/* The window of an error a real org printed. */
TEST(parse, long_queries_show_a_window)
{
    const char *text = "SELECT LastActivityDate, LastViewedDate, LastReferencedDate, Jigsaw, "
                       "JigsawCompanyId, CleanStatus, AccountSource, DunsNumber, Tradestyle FROM A";
    size_t at = (size_t)(strstr(text, "CleanStatus") - text);
    CHECK_FAIL(lex_fail(&err, SOQL_INVALID_FIELD, str_of(text), at, 11, "No such column"), &err,
               "INVALID_FIELD");
    CHECK_STR(
        err.message,
        "\nLastReferencedDate, Jigsaw, JigsawCompanyId, CleanStatus, AccountSource, DunsNumber\n"
        "                                             ^\n"
        "ERROR at Row:1:Column:87\nNo such column");
}

TEST(parse, the_column_counts_characters)
{
    CHECK_CONTAINS(refused("SELECT Id FROM A WHERE a = '\xc3\xa9\xc3\xa9' x"), "Column:33\n");
}

TEST(parse, mixing_and_with_or_needs_parentheses)
{
    CHECK_CONTAINS(refused("SELECT Id FROM A WHERE a = 1 AND b = 2 OR c = 3"),
                   "unexpected token: 'OR'");
    parsed("SELECT Id FROM A WHERE (a = 1 AND b = 2) OR c = 3");
    parsed("SELECT Id FROM A WHERE ((((a = 1))))");
}

TEST(parse, what_belongs_to_apex)
{
    CHECK_CONTAINS(refused("SELECT Id FROM A WITH SECURITY_ENFORCED"),
                   "SECURITY_ENFORCED not allowed in this context");
    CHECK_CONTAINS(refused("SELECT Id FROM A ALL ROWS"), "ALL ROWS not allowed in this context");
    CHECK_CONTAINS(refused("SELECT Id FROM A WHERE b = :c"),
                   "Bind variables only allowed in Apex code");
    CHECK_CONTAINS(refused("SELECT Id FROM A LIMIT 1 FOR UPDATE"),
                   "FOR UPDATE not allowed in this context");
    parsed("SELECT Id FROM A LIMIT 1 FOR VIEW UPDATE VIEWSTAT");
}

TEST(parse, broken_texts)
{
    static const char *const broken[] = {"SELECT",
                                         "SELECT FROM A",
                                         "SELECT Id A",
                                         "SELECT Id FROM",
                                         "SELECT Id FROM A WHERE",
                                         "SELECT Id FROM A WHERE a",
                                         "SELECT Id FROM A WHERE a =",
                                         "SELECT Id FROM A WHERE a = 1 AND",
                                         "SELECT Id FROM A WHERE a IN ()",
                                         "SELECT Id FROM A WHERE a IN 1",
                                         "SELECT Id, FROM A",
                                         "SELECT Id FROM A LIMIT",
                                         "SELECT Id FROM A LIMIT -1",
                                         "SELECT Id FROM A LIMIT 1.5",
                                         "SELECT Id FROM A ORDER Name",
                                         "SELECT Id FROM A ORDER BY Name NULLS",
                                         "SELECT Id FROM A; DROP TABLE A",
                                         "SELECT Id FROM A -- x",
                                         "UPDATE A SET b = 1",
                                         "SELECT (SELECT Id FROM B FROM A",
                                         "SELECT Id FROM A WHERE (a = 1",
                                         "SELECT a..b FROM A",
                                         "SELECT Id FROM A WHERE a = 2026-02-30",
                                         "SELECT Id FROM A WHERE a = 2026-01-01T25:00:00Z",
                                         "SELECT Id FROM A WHERE a = LAST_N_DAYS:x",
                                         "SELECT Id FROM A WHERE a = LAST_N_DAYS",
                                         "SELECT TYPEOF What WHEN A THEN b FROM C",
                                         "SELECT FIELDS(SOME) FROM A",
                                         "SELECT * FROM A"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        refused(broken[i]);
    CHECK_CONTAINS(refused("  "), "cannot be empty");
}

TEST(parse, ceilings)
{
    size_t len = 100001;
    char *text = malloc(len + 1);
    memset(text, ' ', len);
    memcpy(text, "SELECT Id FROM A", 16);
    text[len] = '\0';
    refused(text);
    text[len - 1] = '\0';
    parsed(text);
    memset(text, '(', 5000);
    memcpy(text, "SELECT Id FROM A WHERE ", 23);
    CHECK(soql_parse(arena, str_of(text), &err) == NULL);
    CHECK_STR(err.code, "QUERY_TOO_COMPLICATED");
    memcpy(text, "SELECT Id FROM A WHERE a = '", 28);
    memset(text + 28, 'x', 4001);
    strcpy(text + 28 + 4001, "'");
    CHECK_CONTAINS(refused(text), "4000");
    free(text);
}
