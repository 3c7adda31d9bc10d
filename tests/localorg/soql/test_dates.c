/* Date literals: which days they mean on Wednesday 2026-11-25. */
#include "support/check.h"

#include "base/when.h"
#include "localorg/soql/dates.h"

#include <stdio.h>

static const char *range(const char *name, int n)
{
    static char text[64];
    struct date_range range;
    int64_t today = date_to_days((struct date){2026, 11, 25});
    if (!date_literal_range(str_of(name), n, today, &range))
        return "unknown";
    struct date start = date_from_days(range.start), last = date_from_days(range.end - 1);
    snprintf(text, sizeof text, "%04d-%02d-%02d..%04d-%02d-%02d", start.year, start.month, start.day,
             last.year, last.month, last.day);
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
