/* Date literals: which days they mean on Wednesday 2026-11-25. */
#include "support/check.h"

#include "base/when.h"
#include "localorg/soql/dates.h"
#include "localorg/soql/zone.h"

#include <stdio.h>

static const char *range(const char *name, int n)
{
    static char text[64];
    struct date_range range;
    int64_t today = date_to_days((struct date){2026, 11, 25});
    if (!date_literal_range(str_of(name), n, today, &range))
        return "unknown";
    struct date start = date_from_days(range.start), last = date_from_days(range.end - 1);
    snprintf(text, sizeof text, "%04d-%02d-%02d..%04d-%02d-%02d", start.year, start.month,
             start.day, last.year, last.month, last.day);
    return text;
}

TEST(dates, single_days)
{
    CHECK_STR(range("TODAY", -1), "2026-11-25..2026-11-25");
    CHECK_STR(range("yesterday", -1), "2026-11-24..2026-11-24");
    CHECK_STR(range("Tomorrow", -1), "2026-11-26..2026-11-26");
    CHECK_STR(range("N_DAYS_AGO", 3), "2026-11-22..2026-11-22");
    CHECK_STR(range("N_DAYS_AGO", 0), "2026-11-25..2026-11-25");
}

TEST(dates, counted_days_include_today_backwards_and_exclude_it_forwards)
{
    CHECK_STR(range("LAST_N_DAYS", 3), "2026-11-22..2026-11-25");
    CHECK_STR(range("NEXT_N_DAYS", 3), "2026-11-26..2026-11-28");
    CHECK_STR(range("LAST_90_DAYS", -1), "2026-08-27..2026-11-25");
    CHECK_STR(range("NEXT_90_DAYS", -1), "2026-11-26..2027-02-23");
}

TEST(dates, weeks_start_on_sunday)
{
    CHECK_STR(range("THIS_WEEK", -1), "2026-11-22..2026-11-28");
    CHECK_STR(range("LAST_WEEK", -1), "2026-11-15..2026-11-21");
    CHECK_STR(range("NEXT_WEEK", -1), "2026-11-29..2026-12-05");
    CHECK_STR(range("LAST_N_WEEKS", 2), "2026-11-08..2026-11-21");
    CHECK_STR(range("NEXT_N_WEEKS", 2), "2026-11-29..2026-12-12");
    CHECK_STR(range("N_WEEKS_AGO", 2), "2026-11-08..2026-11-14");
}

TEST(dates, months_quarters_and_years)
{
    CHECK_STR(range("THIS_MONTH", -1), "2026-11-01..2026-11-30");
    CHECK_STR(range("LAST_MONTH", -1), "2026-10-01..2026-10-31");
    CHECK_STR(range("NEXT_MONTH", -1), "2026-12-01..2026-12-31");
    CHECK_STR(range("LAST_N_MONTHS", 11), "2025-12-01..2026-10-31");
    CHECK_STR(range("NEXT_N_MONTHS", 2), "2026-12-01..2027-01-31");
    CHECK_STR(range("N_MONTHS_AGO", 12), "2025-11-01..2025-11-30");
    CHECK_STR(range("THIS_QUARTER", -1), "2026-10-01..2026-12-31");
    CHECK_STR(range("LAST_QUARTER", -1), "2026-07-01..2026-09-30");
    CHECK_STR(range("NEXT_QUARTER", -1), "2027-01-01..2027-03-31");
    CHECK_STR(range("LAST_N_QUARTERS", 2), "2026-04-01..2026-09-30");
    CHECK_STR(range("N_QUARTERS_AGO", 4), "2025-10-01..2025-12-31");
    CHECK_STR(range("THIS_YEAR", -1), "2026-01-01..2026-12-31");
    CHECK_STR(range("LAST_N_YEARS", 2), "2024-01-01..2025-12-31");
    CHECK_STR(range("NEXT_N_YEARS", 2), "2027-01-01..2028-12-31");
    CHECK_STR(range("N_YEARS_AGO", 2), "2024-01-01..2024-12-31");
}

TEST(dates, fiscal_is_calendar)
{
    CHECK_STR(range("THIS_FISCAL_QUARTER", -1), "2026-10-01..2026-12-31");
    CHECK_STR(range("LAST_FISCAL_YEAR", -1), "2025-01-01..2025-12-31");
    CHECK_STR(range("NEXT_N_FISCAL_QUARTERS", 1), "2027-01-01..2027-03-31");
    CHECK_STR(range("N_FISCAL_YEARS_AGO", 1), "2025-01-01..2025-12-31");
    CHECK_STR(range("LAST_N_FISCAL_YEARS", 1), "2025-01-01..2025-12-31");
}

TEST(dates, unknown_and_absurd_are_refused)
{
    CHECK_STR(range("TODAY", 3), "unknown");
    CHECK_STR(range("LAST_N_DAYS", -1), "unknown");
    CHECK_STR(range("SOMEDAY", -1), "unknown");
    CHECK_STR(range("LAST_N_YEARS", 2000000000), "unknown");
}

static int64_t ms(const char *text)
{
    int64_t value = -1;
    CHECK(when_parse(text, &value));
    return value;
}

TEST(zones, follow_summer_time)
{
    static const struct {
        const char *zone, *before, *after; /* one second either side of a change */
        int offset_before, offset_after;
    } cases[] = {
        {"America/Los_Angeles", "2026-03-08T09:59:59Z", "2026-03-08T10:00:00Z", -480, -420},
        {"America/Los_Angeles", "2026-11-01T08:59:59Z", "2026-11-01T09:00:00Z", -420, -480},
        {"America/St_Johns", "2026-03-08T05:29:59Z", "2026-03-08T05:30:00Z", -210, -150},
        {"Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", 60, 120},
        {"Europe/London", "2026-10-25T00:59:59Z", "2026-10-25T01:00:00Z", 60, 0},
        {"Australia/Sydney", "2026-04-04T15:59:59Z", "2026-04-04T16:00:00Z", 660, 600},
        {"Australia/Sydney", "2026-10-03T15:59:59Z", "2026-10-03T16:00:00Z", 600, 660},
        {"Australia/Lord_Howe", "2026-04-04T14:59:59Z", "2026-04-04T15:00:00Z", 660, 630},
        {"Pacific/Auckland", "2026-09-26T13:59:59Z", "2026-09-26T14:00:00Z", 720, 780},
        {"America/Santiago", "2026-09-06T03:59:59Z", "2026-09-06T04:00:00Z", -240, -180},
        {"Africa/Cairo", "2026-04-23T21:59:59Z", "2026-04-23T22:00:00Z", 120, 180},
        {"Africa/Cairo", "2026-10-29T20:59:59Z", "2026-10-29T21:00:00Z", 180, 120},
        {"Asia/Jerusalem", "2026-03-26T23:59:59Z", "2026-03-27T00:00:00Z", 120, 180},
        {"Asia/Beirut", "2026-10-24T20:59:59Z", "2026-10-24T21:00:00Z", 180, 120},
        {"Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z", 330, 330},
        {"Nowhere/Land", "2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct zone *zone = zone_find(cases[i].zone);
        CHECK_INT(zone_offset(zone, ms(cases[i].before)), cases[i].offset_before);
        CHECK_INT(zone_offset(zone, ms(cases[i].after)), cases[i].offset_after);
    }
}

TEST(zones, days_start_at_their_own_midnight)
{
    const struct zone *zone = zone_find("America/Los_Angeles");
    int64_t day = date_to_days((struct date){2026, 3, 8});
    CHECK_INT(zone_day_start(zone, day), ms("2026-03-08T08:00:00Z"));
    CHECK_INT(zone_day_start(zone, day + 1), ms("2026-03-09T07:00:00Z"));
    CHECK_INT(zone_day(zone, ms("2026-03-09T06:59:59Z")), day);
    CHECK_INT(zone_day(zone, ms("2026-03-09T07:00:00Z")), day + 1);
}
