/* dates.c - date literals to ranges of days.
 *
 * A literal is a unit and a stretch of units counted from the one that holds
 * today: THIS_WEEK is weeks 0 to 1, LAST_N_MONTHS:3 is months -3 to 0,
 * N_YEARS_AGO:2 is years -2 to -1. One table row each. Weeks start on Sunday
 * (en_US); the fiscal year starts in the month the org says. */
#include "localorg/soql/dates.h"

#include "base/when.h"

enum unit { DAY, WEEK, MONTH, QUARTER, YEAR, FISCAL_QUARTER, FISCAL_YEAR };

struct literal {
    const char *name;
    bool with_n;
    enum unit unit;
    int from, from_n, to, to_n; /* units: from + from_n * n, half-open */
    bool until_now;
};

static const struct literal literals[] = {
    {"YESTERDAY", false, DAY, -1, 0, 0, 0, false},
    {"TODAY", false, DAY, 0, 0, 1, 0, false},
    {"TOMORROW", false, DAY, 1, 0, 2, 0, false},
    {"LAST_WEEK", false, WEEK, -1, 0, 0, 0, false},
    {"THIS_WEEK", false, WEEK, 0, 0, 1, 0, false},
    {"NEXT_WEEK", false, WEEK, 1, 0, 2, 0, false},
    {"LAST_MONTH", false, MONTH, -1, 0, 0, 0, false},
    {"THIS_MONTH", false, MONTH, 0, 0, 1, 0, false},
    {"NEXT_MONTH", false, MONTH, 1, 0, 2, 0, false},
    {"LAST_90_DAYS", false, DAY, -90, 0, 1, 0, false},
    {"NEXT_90_DAYS", false, DAY, 1, 0, 91, 0, false},
    {"LAST_QUARTER", false, QUARTER, -1, 0, 0, 0, false},
    {"THIS_QUARTER", false, QUARTER, 0, 0, 1, 0, false},
    {"NEXT_QUARTER", false, QUARTER, 1, 0, 2, 0, false},
    {"LAST_YEAR", false, YEAR, -1, 0, 0, 0, false},
    {"THIS_YEAR", false, YEAR, 0, 0, 1, 0, false},
    {"NEXT_YEAR", false, YEAR, 1, 0, 2, 0, false},
    {"LAST_FISCAL_QUARTER", false, FISCAL_QUARTER, -1, 0, 0, 0, false},
    {"THIS_FISCAL_QUARTER", false, FISCAL_QUARTER, 0, 0, 1, 0, false},
    {"NEXT_FISCAL_QUARTER", false, FISCAL_QUARTER, 1, 0, 2, 0, false},
    {"LAST_FISCAL_YEAR", false, FISCAL_YEAR, -1, 0, 0, 0, false},
    {"THIS_FISCAL_YEAR", false, FISCAL_YEAR, 0, 0, 1, 0, false},
    {"NEXT_FISCAL_YEAR", false, FISCAL_YEAR, 1, 0, 2, 0, false},
    {"LAST_N_DAYS", true, DAY, 0, -1, 1, 0, true},
    {"NEXT_N_DAYS", true, DAY, 1, 0, 1, 1, false},
    {"N_DAYS_AGO", true, DAY, 0, -1, 1, -1, false},
    {"LAST_N_WEEKS", true, WEEK, 0, -1, 0, 0, false},
    {"NEXT_N_WEEKS", true, WEEK, 1, 0, 1, 1, false},
    {"N_WEEKS_AGO", true, WEEK, 0, -1, 1, -1, false},
    {"LAST_N_MONTHS", true, MONTH, 0, -1, 0, 0, false},
    {"NEXT_N_MONTHS", true, MONTH, 1, 0, 1, 1, false},
    {"N_MONTHS_AGO", true, MONTH, 0, -1, 1, -1, false},
    {"LAST_N_QUARTERS", true, QUARTER, 0, -1, 0, 0, false},
    {"NEXT_N_QUARTERS", true, QUARTER, 1, 0, 1, 1, false},
    {"N_QUARTERS_AGO", true, QUARTER, 0, -1, 1, -1, false},
    {"LAST_N_YEARS", true, YEAR, 0, -1, 0, 0, false},
    {"NEXT_N_YEARS", true, YEAR, 1, 0, 1, 1, false},
    {"N_YEARS_AGO", true, YEAR, 0, -1, 1, -1, false},
    {"LAST_N_FISCAL_QUARTERS", true, FISCAL_QUARTER, 0, -1, 0, 0, false},
    {"NEXT_N_FISCAL_QUARTERS", true, FISCAL_QUARTER, 1, 0, 1, 1, false},
    {"N_FISCAL_QUARTERS_AGO", true, FISCAL_QUARTER, 0, -1, 1, -1, false},
    {"LAST_N_FISCAL_YEARS", true, FISCAL_YEAR, 0, -1, 0, 0, false},
    {"NEXT_N_FISCAL_YEARS", true, FISCAL_YEAR, 1, 0, 1, 1, false},
    {"N_FISCAL_YEARS_AGO", true, FISCAL_YEAR, 0, -1, 1, -1, false},
};

static const struct literal *literal_find(struct str name, bool with_n)
{
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++)
        if (literals[i].with_n == with_n && str_eq_nocase(name, str_of(literals[i].name)))
            return &literals[i];
    return NULL;
}

bool date_literal_known(struct str name, bool with_n)
{
    return literal_find(name, with_n) != NULL;
}

/* The first day of the month `months` after January of year 0. */
static int64_t month_start(int64_t months)
{
    int64_t year = months / 12, month = months % 12;
    return date_to_days((struct date){(int)year, (int)month + 1, 1});
}

/* The first day of the unit `shift` units after the one that holds today. */
static int64_t unit_start(enum unit unit, int64_t today, int64_t shift, int fiscal_start)
{
    int64_t skip = fiscal_start - 1;
    struct date date = date_from_days(today);
    int64_t month = (int64_t)date.year * 12 + date.month - 1;
    switch (unit) {
    case DAY:
        return today + shift;
    case WEEK:
        return today - date_weekday(date) + 7 * shift;
    case MONTH:
        return month_start(month + shift);
    case QUARTER:
        return month_start(month - month % 3 + 3 * shift);
    case YEAR:
        return month_start(month - month % 12 + 12 * shift);
    case FISCAL_QUARTER:
        return month_start(month - (month - skip) % 3 + 3 * shift);
    case FISCAL_YEAR:
        return month_start(month - (month - skip) % 12 + 12 * shift);
    }
    return today;
}

bool date_literal_range(struct str name, int64_t n, int64_t today, struct date_range *out)
{
    return date_literal_range_fiscal(name, n, today, 1, out);
}

bool date_literal_range_fiscal(struct str name, int64_t n, int64_t today, int fiscal_start,
                               struct date_range *out)
{
    const struct literal *literal = literal_find(name, n >= 0);
    static const int64_t most[] = {
        [DAY] = 700000, [WEEK] = 100000, [MONTH] = 23000, [QUARTER] = 7700, [YEAR] = 1900,
        [FISCAL_QUARTER] = 7700, [FISCAL_YEAR] = 1900};
    if (!literal || n > most[literal->unit])
        return false;
    if (n < 0)
        n = 0;
    out->start = unit_start(literal->unit, today, literal->from + literal->from_n * n, fiscal_start);
    out->end = unit_start(literal->unit, today, literal->to + literal->to_n * n, fiscal_start);
    out->until_now = literal->until_now;
    return true;
}
