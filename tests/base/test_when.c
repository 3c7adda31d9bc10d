/* test_when.c - the calendar against known days, and the worlds' clocks and
 * dice. Guards src/base/{when,world}.c. */
#include "base/when.h"
#include "base/world.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

TEST(date, takes_only_real_days)
{
    static const char *const good[] = {"2026-11-23", "2024-02-29", "2000-02-29", "0001-01-01",
                                       "9999-12-31"};
    static const char *const bad[] = {"2023-02-29", "1900-02-29", "2026-13-01",  "2026-00-10",
                                      "2026-04-31", "2026-1-01",  "2026-01-1",   "2026-01-001",
                                      "2026/01/01", "20260101",   " 2026-01-01", "2026-01-01 ",
                                      "2026-01-00", "",           "-026-01-01"};
    struct date date;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(date_parse(good[i], &date));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (date_parse(bad[i], &date))
            CHECK_STR(bad[i], "refused");
    CHECK(!date_parse(NULL, &date));
}

TEST(date, days_count_without_a_gap_for_eight_centuries)
{
    int64_t first = date_to_days((struct date){1600, 1, 1}),
            last = date_to_days((struct date){2400, 1, 1});
    struct date before = date_from_days(first - 1);
    for (int64_t day = first; day <= last; day++) {
        struct date date = date_from_days(day);
        CHECK(date_valid(date) && date_to_days(date) == day);
        bool next_day =
            date.year == before.year && date.month == before.month && date.day == before.day + 1;
        bool next_month =
            date.day == 1 && !date_valid((struct date){before.year, before.month, before.day + 1});
        CHECK(next_day || next_month);
        before = date;
    }
    CHECK_INT(last - first, 292194); /* 800 years with 194 leap days */
    CHECK_INT(date_to_days((struct date){1970, 1, 1}), 0);
    CHECK_INT(date_to_days((struct date){1969, 12, 31}), -1);
    CHECK_INT(date_weekday((struct date){1970, 1, 1}), 4);
    CHECK_INT(date_weekday((struct date){2026, 11, 23}), 1);
    CHECK_INT(date_weekday((struct date){1900, 1, 1}), 1);
}

TEST(when, agrees_with_the_c_library)
{
    struct rng rng = {1};
    for (int i = 0; i < 20000; i++) {
        int64_t seconds = (int64_t)rng_below(&rng, 8000000000u) - 4000000000;
        time_t t = (time_t)seconds;
        struct tm tm;
        char wanted[64], got[32];
        gmtime_r(&t, &tm);
        strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &tm);
        when_iso_seconds(seconds * 1000, got);
        CHECK_STR(got, wanted);
        strftime(wanted, sizeof wanted, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        when_http(seconds * 1000, got);
        CHECK_STR(got, wanted);
        int64_t back;
        CHECK(when_parse_http(got, &back) && back == seconds * 1000);
    }
}

static int64_t parsed(const char *text)
{
    int64_t ms = INT64_MIN;
    if (!when_parse(text, &ms))
        CHECK_STR(text, "an instant");
    return ms;
}

TEST(when, reads_zones_and_fractions)
{
    int64_t base = 1795428672000; /* 2026-11-23T10:11:12Z */
    CHECK_INT(parsed("2026-11-23T10:11:12Z"), base);
    CHECK_INT(parsed("2026-11-23T10:11:12.5Z"), base + 500);
    CHECK_INT(parsed("2026-11-23T10:11:12.123456789Z"), base + 123);
    CHECK_INT(parsed("2026-11-23T10:11:12.000+0000"), base);
    CHECK_INT(parsed("2026-11-23T12:11:12+02:00"), base);
    CHECK_INT(parsed("2026-11-23T04:41:12-0530"), base);
    CHECK_INT(parsed("1969-12-31T23:59:59.999Z"), -1);
    static const char *const bad[] = {
        "2026-11-23T10:11:12",       "2026-11-23 10:11:12Z",  "2026-11-23T24:00:00Z",
        "2026-11-23T10:60:00Z",      "2026-11-23T10:11:61Z",  "2026-11-23T10:11:12.Z",
        "2026-11-23T10:11Z",         "2026-11-23T10:11:12Zx", "2026-11-23T10:11:12+2",
        "2026-11-23T10:11:12+25:00", "2026-02-30T10:11:12Z",  "now"};
    int64_t ms;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (when_parse(bad[i], &ms))
            CHECK_STR(bad[i], "refused");
    CHECK(!when_parse(NULL, &ms));
}

TEST(when, prints_what_it_reads)
{
    char text[32];
    when_iso(1795428672345, text);
    CHECK_STR(text, "2026-11-23T10:11:12.345Z");
    CHECK_INT(parsed(text), 1795428672345);
    when_salesforce(1795428672345, text);
    CHECK_STR(text, "2026-11-23T10:11:12.345+0000");
    CHECK_INT(parsed(text), 1795428672345);
    when_iso(-1, text);
    CHECK_STR(text, "1969-12-31T23:59:59.999Z");
    when_http(784111777000, text);
    CHECK_STR(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    when_iso(INT64_MAX, text);
    CHECK_STR(text, "9999-12-31T23:59:59.999Z");
    when_iso(INT64_MIN, text);
    CHECK_STR(text, "0000-01-01T00:00:00.000Z");
}

TEST(when, refuses_other_http_dates)
{
    int64_t ms;
    CHECK(!when_parse_http("Sunday, 06-Nov-94 08:49:37 GMT", &ms));
    CHECK(!when_parse_http("Sun Nov  6 08:49:37 1994", &ms));
    CHECK(!when_parse_http("Sun, 06 Nov 1994 08:49:37 CET", &ms));
    CHECK(!when_parse_http("Sun, 31 Feb 1994 08:49:37 GMT", &ms));
    CHECK(!when_parse_http("", &ms) && !when_parse_http(NULL, &ms));
}

TEST(when, splits_an_instant_before_1970)
{
    int rest;
    struct date date = when_date(-1, &rest);
    CHECK(date.year == 1969 && date.month == 12 && date.day == 31 && rest == 86399999);
    date = when_date(0, NULL);
    CHECK(date.year == 1970 && date.month == 1 && date.day == 1);
}

/* --- worlds --- */

TEST(world, a_fake_one_sleeps_without_waiting)
{
    struct world *world = world_fake(1000000, 42);
    int64_t started = world->monotonic_ms(world);
    world->sleep_ms(world, 3600000);
    CHECK_INT(world->now_ms(world), 4600000);
    CHECK_INT(world->monotonic_ms(world) - started, 3600000);
    world_fake_advance(world, -86400000); /* somebody set the wall clock back */
    CHECK_INT(world->now_ms(world), 4600000 - 86400000);
    CHECK_INT(world->monotonic_ms(world) - started, 3600000);
    free(world);
}

TEST(world, the_same_seed_throws_the_same_dice)
{
    struct world *a = world_fake(0, 9), *b = world_fake(0, 9), *c = world_fake(0, 10);
    char x[37], y[37], z[37];
    uuid4(a, x);
    uuid4(b, y);
    uuid4(c, z);
    CHECK_STR(x, y);
    CHECK(strcmp(x, z) != 0);
    CHECK(strlen(x) == 36 && x[14] == '4' && strchr("89ab", x[19]) && x[8] == '-' && x[23] == '-');
    free(a);
    free(b);
    free(c);
}

TEST(world, dice_below_a_bound_are_fair_enough)
{
    struct rng rng = {77};
    int hits[6] = {0};
    for (int i = 0; i < 60000; i++)
        hits[rng_below(&rng, 6)]++;
    for (int i = 0; i < 6; i++)
        CHECK(hits[i] > 9500 && hits[i] < 10500);
    CHECK_INT(rng_below(&rng, 0), 0);
    CHECK_INT(rng_below(&rng, 1), 0);
}

TEST(world, the_machine_moves_forward_and_surprises)
{
    struct world *world = world_real();
    int64_t started = world->monotonic_ms(world);
    world->sleep_ms(world, 5);
    CHECK(world->monotonic_ms(world) >= started + 4);
    CHECK(world->now_ms(world) > 1700000000000);
    char a[37], b[37];
    uuid4(world, a);
    uuid4(world, b);
    CHECK(strcmp(a, b) != 0);
}
