/* test_check.c - what would be refused is refused here, what is meant is repaired. */
#include "base/str.h"
#include "connect/salesforce/sf_priv.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct sf *sf;
static struct err err;
static struct crm_choice colours[] = {{"Red", "Rouge", true},
                                      {"Green", "Vert", true},
                                      {"Old", "Old", false},
                                      {"a", "A1", true},
                                      {"A", "A2", true}};
static const char *accounts[] = {"Account"};
static struct crm_object object = {.name = "Lead", .label = "Lead", .key_prefix = "00Q"};

static void start(void)
{
    struct connection connection = {
        .name = "prod", .username = "ann@acme.com", .login_url = "https://login.salesforce.com"};
    arena = arena_new();
    err_clear(&err);
    sf = sf_new(world_real(), &connection, NULL, &err);
    sf->named = true;
    sf->names = arena_array(sf->arena, 2, sizeof *sf->names);
    sf->prefixes = arena_array(sf->arena, 2, sizeof *sf->prefixes);
    sf->names[0] = "Account";
    sf->prefixes[0] = "001";
    sf->names[1] = "Contact";
    sf->prefixes[1] = "003";
    sf->name_count = 2;
}

static void stop(void)
{
    sf_free(sf);
    arena_free(arena);
}
EACH_TEST(start, stop)

/* "ok TEXT", "repaired TEXT" or "refused CODE". */
static const char *checked(struct crm_field field, enum op_kind kind, const char *text)
{
    const char *out = NULL;
    struct value value = {text, text ? (uint32_t)strlen(text) : 0};
    field.name = field.name ? field.name : "F__c";
    field.label = field.label ? field.label : "Field";
    field.createable = field.updateable = true;
    switch (sf_check(&sf->crm, &object, &field, kind, value, arena, &out, &err)) {
    case CRM_CHECK_OK:
        return arena_printf(arena, "ok %s", out);
    case CRM_CHECK_REPAIRED:
        return arena_printf(arena, "repaired %s", out);
    case CRM_CHECK_REFUSED:
        return err.code;
    }
    return "?";
}

struct expect {
    const char *text, *wanted;
};

static void expect_all(struct crm_field field, const struct expect *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK_STR(checked(field, OP_UPDATE, list[i].text), list[i].wanted);
}
#define EXPECT_ALL(field, ...)                                                                     \
    expect_all(field, (struct expect[]){__VA_ARGS__},                                              \
               sizeof((struct expect[]){__VA_ARGS__}) / sizeof(struct expect))

TEST(check, text_is_counted_as_salesforce_counts)
{
    struct crm_field f = {.type = "string", .length = 5, .nillable = true};
    EXPECT_ALL(
        f, {"hello", "ok \"hello\""}, {"hello!", "refused.too_long"},
        {"\xF0\x9F\x98\x80\xF0\x9F\x98\x80", "ok \"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\""},
        {"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80", "refused.too_long"}, /* six units */
        {"a\"b", "ok \"a\\\"b\""}, {"\xC0\x80", "refused.bad_text"}, {NULL, "ok null"},
        {"", "repaired null"}, {"   ", "repaired null"});
    checked(f, OP_UPDATE, "hello world");
    CHECK_CONTAINS(err.message, "Field has 11 characters, the field holds 5: \"hello world\"");
    CHECK_STR(err.where, "Lead.F__c");
    CHECK(err.hint[0] != 0);
}

TEST(check, nothing_for_a_required_field_is_refused)
{
    struct crm_field f = {.type = "string", .length = 80};
    CHECK_STR(checked(f, OP_CREATE, NULL), "refused.required");
    CHECK_STR(checked(f, OP_UPDATE, " "), "refused.required");
    f.defaulted_on_create = true;
    CHECK_STR(checked(f, OP_CREATE, NULL), "ok null");
    CHECK_STR(checked(f, OP_UPDATE, NULL), "refused.required");
}

TEST(check, numbers_that_can_be_read_in_two_ways_are_refused)
{
    struct crm_field f = {.type = "double", .precision = 18, .scale = 2, .nillable = true};
    EXPECT_ALL(
        f, {"1234.56", "ok 1234.56"}, {"-1", "ok -1"}, {"0.10", "ok 0.10"}, {"+5", "repaired 5"},
        {"1,234.56", "repaired 1234.56"}, {"1.234,56", "repaired 1234.56"},
        {"1,234", "refused.bad_number"}, {"1.234", "ok 1.234"}, {"12,5", "repaired 12.5"},
        {"1,234,567", "repaired 1234567"}, {"1.234.567", "repaired 1234567"},
        {"1,23,456", "refused.bad_number"}, {"0,123", "repaired 0.123"}, {"1 234", "repaired 1234"},
        {"12 34", "refused.bad_number"}, {"1e3", "repaired 1000"}, {"1e400", "refused.bad_number"},
        {"NaN", "refused.bad_number"}, {"abc", "refused.bad_number"}, {"00123", "repaired 123"},
        {"\xC2\xA0"
         "12",
         "repaired 12"},
        {"1'234'567.89", "repaired 1234567.89"}, {"99999999999999999", "refused.bad_number"},
        {"9999999999999999", "ok 9999999999999999"}, {"12%", "refused.bad_number"},
        {"-", "refused.bad_number"}, {"1,", "repaired 1"});
}

TEST(check, whole_numbers_money_and_percent)
{
    struct crm_field whole = {.type = "int", .digits = 8, .nillable = true};
    EXPECT_ALL(whole, {"12", "ok 12"}, {"5.0", "repaired 5"}, {"1.5", "refused.bad_number"},
               {"123456789", "refused.bad_number"}, {"-12345678", "ok -12345678"});
    struct crm_field money = {.type = "currency", .precision = 18, .scale = 2, .nillable = true};
    EXPECT_ALL(money, {"$1,000.00", "repaired 1000"}, {"\xE2\x82\xAC 1.234,50", "repaired 1234.5"},
               {"$$5", "refused.bad_number"}, {"5 EUR", "refused.bad_number"});
    struct crm_field percent = {.type = "percent", .precision = 5, .scale = 2, .nillable = true};
    EXPECT_ALL(percent, {"50%", "repaired 50"}, {"0.5", "ok 0.5"}, {"1000", "refused.bad_number"});
}

TEST(check, dates_are_days_and_never_moments)
{
    struct crm_field f = {.type = "date", .nillable = true};
    EXPECT_ALL(f, {"2026-11-23", "ok \"2026-11-23\""}, {"2026/11/23", "repaired \"2026-11-23\""},
               {"2026-1-5", "repaired \"2026-01-05\""}, {"2026-02-29", "refused.bad_date"},
               {"23/11/2026", "refused.bad_date"}, {"11/23/2026", "refused.bad_date"},
               {"2026-11-23T00:00:00Z", "repaired \"2026-11-23\""},
               {"2026-11-23T00:00:00.000+0000", "repaired \"2026-11-23\""},
               {"2026-11-23T23:30:00Z", "refused.bad_date"}, {"1699-12-31", "refused.bad_date"},
               {"1700-01-01", "ok \"1700-01-01\""}, {"4000-12-31", "ok \"4000-12-31\""},
               {"4001-01-01", "refused.bad_date"}, {"0000-00-00", "refused.bad_date"},
               {"45000", "refused.bad_date"}, {"today", "refused.bad_date"});
}

TEST(check, moments_need_their_zone)
{
    struct crm_field f = {.type = "datetime", .nillable = true};
    EXPECT_ALL(f, {"2026-11-23T10:11:12Z", "ok \"2026-11-23T10:11:12Z\""},
               {"2026-11-23T10:11:12.000+0000", "repaired \"2026-11-23T10:11:12.000Z\""},
               {"2026-11-23T10:11:12+01:00", "repaired \"2026-11-23T09:11:12.000Z\""},
               {"2026-11-23 10:11:12Z", "repaired \"2026-11-23T10:11:12.000Z\""},
               {"2026-11-23T10:11:12", "refused.bad_date"}, {"2026-11-23", "refused.bad_date"},
               {"2026-11-23T24:00:00Z", "refused.bad_date"}, {"1764000000", "refused.bad_date"});
    checked(f, OP_UPDATE, "2026-11-23T10:11:12");
    CHECK_CONTAINS(err.message, "does not say its time zone");
    struct crm_field time = {.type = "time", .nillable = true};
    EXPECT_ALL(time, {"18:30:00.000Z", "ok \"18:30:00.000Z\""},
               {"18:30", "repaired \"18:30:00.000Z\""}, {"25:00", "refused.bad_date"},
               {"18:30x", "refused.bad_date"});
}

TEST(check, checkboxes)
{
    struct crm_field f = {.type = "boolean"};
    EXPECT_ALL(f, {"true", "ok true"}, {"FALSE", "repaired false"}, {"yes", "repaired true"},
               {"0", "repaired false"}, {"maybe", "refused.bad_boolean"},
               {NULL, "refused.bad_boolean"}, {"", "refused.bad_boolean"});
}

TEST(check, choices_by_value_or_label)
{
    struct crm_field f = {.type = "picklist",
                          .length = 255,
                          .nillable = true,
                          .restricted_picklist = true,
                          .choices = colours,
                          .choice_count = 5};
    EXPECT_ALL(f, {"Red", "ok \"Red\""}, {"red", "repaired \"Red\""}, {"Rouge", "repaired \"Red\""},
               {" green ", "repaired \"Green\""}, {"Blue", "refused.bad_picklist"},
               {"Old", "refused.bad_picklist"}, {"a", "ok \"a\""}, {"A", "ok \"A\""},
               {"a1", "repaired \"a\""});
    checked(f, OP_UPDATE, "Gren");
    CHECK_CONTAINS(err.hint, "Did you mean \"Green\"?");
    CHECK_CONTAINS(err.hint, "Red, Green");
    f.restricted_picklist = false;
    EXPECT_ALL(f, {"Blue", "ok \"Blue\""}, {"rouge", "repaired \"Red\""});
}

TEST(check, several_choices)
{
    struct crm_field f = {.type = "multipicklist",
                          .length = 4099,
                          .nillable = true,
                          .restricted_picklist = true,
                          .choices = colours,
                          .choice_count = 5};
    EXPECT_ALL(f, {"Red;Green", "ok \"Red;Green\""}, {"Red; green", "repaired \"Red;Green\""},
               {"Red,Green", "repaired \"Red;Green\""},
               {"[\"Vert\",\"Red\"]", "repaired \"Green;Red\""}, {"Red;Red", "repaired \"Red\""},
               {"Red;Blue", "refused.bad_picklist"}, {"Red;", "repaired \"Red\""});
}

TEST(check, ids_have_a_checksum_and_point_to_the_right_object)
{
    struct crm_field f = {
        .type = "reference", .nillable = true, .reference_to = accounts, .reference_count = 1};
    EXPECT_ALL(f, {"001D000000IqhSLIAZ", "ok \"001D000000IqhSLIAZ\""},
               {"001D000000IqhSL", "repaired \"001D000000IqhSLIAZ\""},
               {"001d000000iqhsliaz", "repaired \"001D000000IqhSLIAZ\""},
               {"001D000000IqhSLIAA", "refused.bad_id"}, {"Acme", "refused.bad_id"},
               {"0034S000005YIzLQAW", "refused.bad_id"}, {"2026-11-23", "refused.bad_id"});
    checked(f, OP_UPDATE, "0034S000005YIzLQAW");
    CHECK_CONTAINS(err.message, "is not the id of a record of Account");
}

TEST(check, addresses_of_mail_and_web)
{
    struct crm_field f = {.type = "email", .length = 80, .nillable = true};
    EXPECT_ALL(f, {"a@b.co", "ok \"a@b.co\""}, {" a@b.co ", "repaired \"a@b.co\""},
               {"o'dell+x@b-c.example", "ok \"o'dell+x@b-c.example\""},
               {"badone", "refused.bad_email"}, {"a@b", "refused.bad_email"},
               {"a@@b.co", "refused.bad_email"}, {"a b@c.de", "refused.bad_email"},
               {"a@b..co", "refused.bad_email"}, {".a@b.co", "refused.bad_email"},
               {"a@b.co,c@d.ef", "refused.bad_email"}, {"@b.co", "refused.bad_email"},
               {"a@", "refused.bad_email"});
    struct crm_field phone = {.type = "phone", .length = 40, .nillable = true};
    CHECK_STR(checked(phone, OP_UPDATE, "+49 (0) 89 123"), "ok \"+49 (0) 89 123\"");
    struct crm_field url = {.type = "url", .length = 255, .nillable = true};
    CHECK_STR(checked(url, OP_UPDATE, " https://a.example/x "), "repaired \"https://a.example/x\"");
}

TEST(check, what_may_not_be_written_says_which_permission_is_missing)
{
    struct crm_field f = {.name = "Rating", .label = "Rating", .type = "string", .length = 10};
    const char *out;
    CHECK_INT(sf_check(&sf->crm, &object, &f, OP_UPDATE, VALUE_NULL, arena, &out, &err),
              CRM_CHECK_REFUSED);
    CHECK_STR(err.code, "refused.not_writable");
    CHECK_CONTAINS(err.hint, "ann@acme.com");
    CHECK_CONTAINS(err.hint, "Rating: tick Edit Access");
    f.calculated = true;
    sf_check(&sf->crm, &object, &f, OP_CREATE, VALUE_NULL, arena, &out, &err);
    CHECK_CONTAINS(err.cause, "formula");
}
