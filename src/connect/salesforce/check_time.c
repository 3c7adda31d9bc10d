/* check_time.c - dates, datetimes and times of day.
 *
 * A date is three integers and never an instant, so a datetime becomes a date
 * only at midnight; an instant without a zone is refused, because guessing one
 * moves records by a day (F-57). Offsets like +0000 are repaired to Z. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"
#include "base/when.h"

#include <stdio.h>
#include <string.h>

#define DATE_HINT     "Write it as year-month-day: 2026-11-23"
#define DATETIME_HINT "Write it with its zone: 2026-11-23T10:11:12Z or 2026-11-23T10:11:12+01:00"

static bool in_range(struct date date)
{
    return date.year >= 1700 && date.year <= 4000;
}

static enum crm_check date_out(const struct sf_checking *c, struct date date, bool repaired,
                               const char **out)
{
    if (!in_range(date))
        return sf_refuse(c, "refused.bad_date", "is outside 1700-01-01 to 4000-12-31", DATE_HINT);
    *out = arena_printf(c->arena, "\"%04d-%02d-%02d\"", date.year, date.month, date.day);
    return repaired ? CRM_CHECK_REPAIRED : CRM_CHECK_OK;
}

/* "T00:00:00", with any fraction of zeros and UTC or no zone. */
static bool midnight(const char *rest)
{
    static const char *const zones[] = {"", "Z", "+0000", "+00:00"};
    if (*rest != 'T' && *rest != ' ')
        return false;
    rest++;
    size_t n = strspn(rest, "0:.");
    for (size_t i = 0; i < 4; i++)
        if (text_eq(rest + n, zones[i]))
            return n >= 5;
    return false;
}

enum crm_check sf_check_date(const struct sf_checking *c, const char **out)
{
    struct date date;
    char day[11];
    int y, m, d, used = 0;

    if (date_parse(c->text, &date))
        return date_out(c, date, false, out);
    if (c->len > 10) {
        memcpy(day, c->text, 10);
        day[10] = 0;
        if (date_parse(day, &date) && midnight(c->text + 10))
            return date_out(c, date, true, out);
        if (date_parse(day, &date))
            return sf_refuse(
                c, "refused.bad_date", "is a moment, the field holds a day",
                "Which day it is depends on the time zone: choose it with a formula. " DATE_HINT);
    }
    /* 2026/11/23 and 2026-1-5: the year comes first, so the rest is plain */
    if (sscanf(c->text, "%4d%*1[/-]%2d%*1[/-]%2d%n", &y, &m, &d, &used) == 3 &&
        c->text[used] == 0 && strspn(c->text, "0123456789") == 4) {
        date = (struct date){y, m, d};
        if (date_valid(date))
            return date_out(c, date, true, out);
        return sf_refuse(c, "refused.bad_date", "is not a day of the calendar", DATE_HINT);
    }
    return sf_refuse(c, "refused.bad_date", "is not a date", DATE_HINT);
}

enum crm_check sf_check_datetime(const struct sf_checking *c, const char **out)
{
    char *text = arena_strndup(c->arena, c->text, c->len);
    struct date date;
    char iso[32];
    int64_t ms;

    if (c->len > 10 && text[10] == ' ')
        text[10] = 'T';
    if (!when_parse(text, &ms)) {
        char *zoned = arena_printf(c->arena, "%sZ", text);
        bool lacks_zone = when_parse(zoned, &ms) || date_parse(text, &date);
        return sf_refuse(c, "refused.bad_date",
                         lacks_zone ? "does not say its time zone" : "is not a date and time",
                         DATETIME_HINT);
    }
    if (!in_range(when_date(ms, NULL)))
        return sf_refuse(c, "refused.bad_date", "is outside the years 1700 to 4000", DATETIME_HINT);
    if (c->text[c->len - 1] == 'Z' && text_eq(text, c->text)) {
        *out = sf_json_text(c->arena, c->text, c->len);
        return CRM_CHECK_OK;
    }
    when_iso(ms, iso);
    *out = arena_printf(c->arena, "\"%s\"", iso);
    return CRM_CHECK_REPAIRED;
}

enum crm_check sf_check_time(const struct sf_checking *c, const char **out)
{
    struct value value = {c->text, (uint32_t)c->len};
    const char *time = soql_comparable(c->arena, c->field, value);
    if (!time)
        return sf_refuse(c, "refused.bad_date", "is not a time of day",
                         "Write it as 18:30:00.000Z");
    *out = arena_printf(c->arena, "\"%s\"", time);
    return text_eq(time, c->text) ? CRM_CHECK_OK : CRM_CHECK_REPAIRED;
}
