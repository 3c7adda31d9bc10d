/* test_soql.c - what leaves as SOQL text is what was meant. */
#include "base/str.h"
#include "connect/salesforce/sf_priv.h"
#include "support/check.h"

#include <string.h>

static struct arena *arena;

static void start(void)
{
    arena = arena_new();
}
static void stop(void)
{
    arena_free(arena);
}
EACH_TEST(start, stop)

static const char *quoted(const char *text, size_t len)
{
    struct buf out = BUF_INIT;
    soql_quote(&out, text, len);
    const char *copy = arena_strndup(arena, buf_text(&out), out.len);
    buf_free(&out);
    return copy;
}

/* Reads a literal as SOQL's grammar does; the length read, or -1 when it does
 * not end exactly at the last character. */
static long unquoted(const char *literal, char *out)
{
    long n = 0;
    size_t len = strlen(literal), i = 1;
    if (len < 2 || literal[0] != '\'')
        return -1;
    for (; i < len && literal[i] != '\''; i++) {
        if (literal[i] != '\\') {
            out[n++] = literal[i];
            continue;
        }
        unsigned code = 0;
        switch (literal[++i]) {
        case 'n':
            out[n++] = '\n';
            break;
        case 'r':
            out[n++] = '\r';
            break;
        case 't':
            out[n++] = '\t';
            break;
        case 'b':
            out[n++] = '\b';
            break;
        case 'f':
            out[n++] = '\f';
            break;
        case '\\':
        case '\'':
        case '"':
            out[n++] = literal[i];
            break;
        case 'u':
            if (sscanf(literal + i + 1, "%4x", &code) != 1 || code > 127)
                return -1;
            out[n++] = (char)code;
            i += 4;
            break;
        default:
            return -1; /* any other backslash is an error in SOQL */
        }
    }
    return i == len - 1 ? n : -1;
}

TEST(soql, quotes_so_that_an_apostrophe_stays_inside)
{
    CHECK_STR(quoted("O'Dell", 6), "'O\\'Dell'");
    CHECK_STR(quoted("\\", 1), "'\\\\'");
    CHECK_STR(quoted("\\'", 2), "'\\\\\\''");
    CHECK_STR(quoted("' OR Name != '", 14), "'\\' OR Name != \\''");
    CHECK_STR(quoted("a\nb", 3), "'a\\nb'");
}

TEST(soql, any_text_reads_back_the_same)
{
    struct rng rng = {42};
    for (int round = 0; round < 20000; round++) {
        char text[64], back[256];
        size_t len = rng_below(&rng, sizeof text);
        static const char nasty[] = "'\\\n\r\t\b\f\"%_:nu-";
        for (size_t i = 0; i < len; i++)
            text[i] = rng_below(&rng, 2) ? nasty[rng_below(&rng, sizeof nasty - 1)]
                                         : (char)(1 + rng_below(&rng, 255));
        const char *literal = quoted(text, len);
        long n = unquoted(literal, back);
        CHECK_MEM(back, (size_t)(n < 0 ? 0 : n), text, len);
        if (round % 1000 == 0)
            arena_reset(arena);
    }
}

TEST(soql, contains_escapes_its_wildcards)
{
    struct buf out = BUF_INIT;
    soql_contains(&out, "50%_a'b", 7);
    CHECK_STR(buf_text(&out), "'%50\\%\\_a\\'b%'");
    buf_free(&out);
}

static const char *literal(const char *type, const char *text)
{
    struct crm_field field = {
        .name = "F", .type = type, .length = text_eq(type, "string") ? 40 : 0};
    struct buf out = BUF_INIT;
    bool good = soql_literal(&out, arena, &field, (struct value){text, (uint32_t)strlen(text)});
    const char *copy = good ? arena_strndup(arena, buf_text(&out), out.len) : "(none)";
    buf_free(&out);
    return copy;
}

TEST(soql, the_type_of_a_literal_comes_from_describe)
{
    CHECK_STR(literal("string", "2020-01-01"), "'2020-01-01'");
    CHECK_STR(literal("date", "2020-01-01"), "2020-01-01");
    CHECK_STR(literal("date", "01/02/2020"), "(none)");
    CHECK_STR(literal("double", "1.50"), "1.5");
    CHECK_STR(literal("double", "1.6E3"), "1600");
    CHECK_STR(literal("double", "1 OR 1=1"), "(none)");
    CHECK_STR(literal("boolean", "Yes"), "true");
    CHECK_STR(literal("datetime", "2011-07-07T00:37:00.000+0000"), "2011-07-07T00:37:00.000Z");
    CHECK_STR(literal("reference", "001D000000IqhSL"), "'001D000000IqhSLIAZ'");
    CHECK_STR(literal("reference", "nobody"), "(none)");
    CHECK_STR(literal("time", "18:30"), "18:30:00.000Z");
    CHECK_STR(literal("string", "  padded  "), "'padded'");
    CHECK_STR(literal("string", "longer than forty characters can never be in it"), "(none)");
}

TEST(soql, values_compare_as_salesforce_compares_them)
{
    struct crm_field text = {.name = "F", .type = "string"};
    struct crm_field exact = {.name = "F", .type = "string", .case_sensitive = true};
    struct value upper = {"M\xC3\x9CLLER", 7}, lower = {"m\xC3\xBCller", 7};
    CHECK_STR(soql_comparable(arena, &text, upper), soql_comparable(arena, &text, lower));
    CHECK(strcmp(soql_comparable(arena, &exact, upper), soql_comparable(arena, &exact, lower)) !=
          0);
    struct value cyrillic = {"\xD0\x96", 2}, small = {"\xD0\xB6", 2};
    CHECK_STR(soql_comparable(arena, &text, cyrillic), soql_comparable(arena, &text, small));
    CHECK(soql_comparable(arena, &text, VALUE_NULL) == NULL);
    CHECK(soql_comparable(arena, &text, (struct value){"  ", 2}) == NULL);
    CHECK(soql_comparable(arena, &text, (struct value){"a\xC0\x80", 3}) == NULL);
}

TEST(soql, decimals_are_canonical_text)
{
    static const char *const pairs[][2] = {
        {"1", "1"},
        {"+1.50", "1.5"},
        {"-0", "0"},
        {"007", "7"},
        {".5", "0.5"},
        {"5.", "5"},
        {"1e3", "1000"},
        {"1.5e-3", "0.0015"},
        {"999999999999999999", "999999999999999999"},
        {"0.0001200", "0.00012"},
        {"1.6147805824397E13", "16147805824397"},
        {"-12.340", "-12.34"},
        {"100", "100"},
        {"0e5", "0"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        CHECK_STR(sf_decimal(arena, pairs[i][0], strlen(pairs[i][0])), pairs[i][1]);
    static const char *const bad[] = {"",     "-",   ".",      "1e",  "1.2.3", "NaN",
                                      "0x10", "1,5", "1e9999", "--1", " 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(sf_decimal(arena, bad[i], strlen(bad[i])) == NULL);
}

TEST(soql, a_condition_cannot_leave_its_brackets)
{
    struct err err;
    CHECK_OK(soql_condition("Name = 'a)b' AND (X = 1)", &err), &err);
    CHECK_OK(soql_condition("Name = 'it\\'s ('", &err), &err);
    CHECK_FAIL(soql_condition("1 = 1) OR (1 = 1", &err), &err, ERR_INVALID);
    CHECK_FAIL(soql_condition("(Name = 'a'", &err), &err, ERR_INVALID);
    CHECK_FAIL(soql_condition("Name = 'a", &err), &err, ERR_INVALID);
    CHECK_FAIL(soql_condition("  ", &err), &err, ERR_INVALID);
    CHECK_OK(soql_name("Owner.Name", &err), &err);
    CHECK_FAIL(soql_name("Name FROM User", &err), &err, ERR_INVALID);
    CHECK_FAIL(soql_name("", &err), &err, ERR_INVALID);
}

TEST(soql, ids_are_eighteen_characters)
{
    static const char *const pairs[][2] = {
        {"001D000000IqhSL", "001D000000IqhSLIAZ"},
        {"0034S000005YIzL", "0034S000005YIzLQAW"},
        {"00D000000000062", "00D000000000062EAA"},
        {"005B0000005V71X", "005B0000005V71XIAS"},
    };
    char id[19];
    for (size_t i = 0; i < 4; i++) {
        CHECK(sf_id(pairs[i][0], 15, id));
        CHECK_STR(id, pairs[i][1]);
        CHECK(sf_id(pairs[i][1], 18, id));
        char lower[19];
        for (int k = 0; k < 19; k++)
            lower[k] = (char)(pairs[i][1][k] >= 'A' && pairs[i][1][k] <= 'Z' ? pairs[i][1][k] + 32
                                                                             : pairs[i][1][k]);
        CHECK(sf_id_unfold(lower, 18, id));
        CHECK_STR(id, pairs[i][1]);
    }
    CHECK(!sf_id("001D000000IqhSLIAA", 18, id)); /* wrong check letters */
    CHECK(!sf_id("001D000000Iqh-L", 15, id));
    CHECK(!sf_id("001D000000IqhSLI", 16, id));
    CHECK(!sf_id_unfold("001D000000IqhSLIAA", 18,
                        id)); /* mixed case: a typing error, not a folded id */
}
