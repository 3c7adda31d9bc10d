/* when.c - the calendar, by arithmetic alone.
 *
 * No time zone database, no locale, no libc time functions: an instant is UTC
 * and a date is a date. Days are counted with the civil-from-days algorithm
 * (eras of 400 years starting in March, so a leap day comes last in its year). */
#include "base/when.h"

#include <stddef.h>
#include <string.h>

#define MS_PER_DAY  INT64_C(86400000)
#define FIRST_MS    INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define LAST_MS     INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define EPOCH_SHIFT 719468                   /* days from 0000-03-01 to 1970-01-01 */

static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static bool leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool date_valid(struct date date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    int last = days[date.month - 1] + (date.month == 2 && leap_year(date.year));
    return date.day <= last;
}

int64_t date_to_days(struct date date)
{
    int64_t year = date.month <= 2 ? (int64_t)date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - EPOCH_SHIFT;
}

struct date date_from_days(int64_t days)
{
    int64_t shifted = days + EPOCH_SHIFT;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    return (struct date){
        .year = (int)(year_of_era + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
}

int date_weekday(struct date date)
{
    int64_t days = date_to_days(date) + 4; /* 1970-01-01 was a Thursday */
    return (int)((days % 7 + 7) % 7);
}

struct date when_date(int64_t ms, int *ms_of_day)
{
    int64_t days = ms / MS_PER_DAY, rest = ms % MS_PER_DAY;
    if (rest < 0) {
        rest += MS_PER_DAY;
        days--;
    }
    if (ms_of_day)
        *ms_of_day = (int)rest;
    return date_from_days(days);
}

/* --- reading --- */

/* Takes exactly `count` digits from *p. */
static bool take_digits(const char **p, int count, int *out)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*p)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *p += count;
    *out = value;
    return true;
}

static bool take_char(const char **p, char wanted)
{
    if (**p != wanted)
        return false;
    (*p)++;
    return true;
}

static bool take_date(const char **p, struct date *out)
{
    return take_digits(p, 4, &out->year) && take_char(p, '-') && take_digits(p, 2, &out->month) &&
           take_char(p, '-') && take_digits(p, 2, &out->day) && date_valid(*out);
}

/* hh:mm:ss, as seconds of the day. */
static bool take_time(const char **p, int *seconds)
{
    int hour, minute, second;
    if (!take_digits(p, 2, &hour) || !take_char(p, ':') || !take_digits(p, 2, &minute) ||
        !take_char(p, ':') || !take_digits(p, 2, &second))
        return false;
    *seconds = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

/* ".5" is 500 ms; digits after the third are dropped. No fraction is fine. */
static bool take_fraction(const char **p, int *ms)
{
    *ms = 0;
    if (!take_char(p, '.'))
        return true;
    int weight = 100, digits = 0;
    for (; **p >= '0' && **p <= '9'; (*p)++, digits++) {
        *ms += (**p - '0') * weight;
        weight /= 10;
    }
    return digits > 0;
}

static bool take_zone(const char **p, int *minutes)
{
    *minutes = 0;
    if (take_char(p, 'Z'))
        return true;
    int sign = **p == '+' ? 1 : **p == '-' ? -1 : 0, hour, minute;
    if (!sign)
        return false;
    (*p)++;
    if (!take_digits(p, 2, &hour))
        return false;
    take_char(p, ':');
    if (!take_digits(p, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *minutes = sign * (hour * 60 + minute);
    return true;
}

bool date_parse(const char *text, struct date *out)
{
    struct date date;
    if (!text || !take_date(&text, &date) || *text)
        return false;
    *out = date;
    return true;
}

bool when_parse(const char *text, int64_t *ms)
{
    struct date date;
    int seconds, fraction, zone;
    if (!text || !take_date(&text, &date) || !take_char(&text, 'T') ||
        !take_time(&text, &seconds) || !take_fraction(&text, &fraction) ||
        !take_zone(&text, &zone) || *text)
        return false;
    *ms = date_to_days(date) * MS_PER_DAY + (seconds - zone * INT64_C(60)) * 1000 + fraction;
    return true;
}

static bool take_name(const char **p, const char *const *names, int count, int *out)
{
    for (int i = 0; i < count; i++) {
        if (strncmp(*p, names[i], 3) == 0) {
            *p += 3;
            *out = i;
            return true;
        }
    }
    return false;
}

bool when_parse_http(const char *text, int64_t *ms)
{
    struct date date;
    int weekday, month, seconds;
    if (!text || !take_name(&text, weekdays, 7, &weekday) || !take_char(&text, ',') ||
        !take_char(&text, ' ') || !take_digits(&text, 2, &date.day) || !take_char(&text, ' ') ||
        !take_name(&text, months, 12, &month) || !take_char(&text, ' ') ||
        !take_digits(&text, 4, &date.year) || !take_char(&text, ' ') || !take_time(&text, &seconds))
        return false;
    date.month = month + 1;
    if (strcmp(text, " GMT") != 0 || !date_valid(date))
        return false;
    *ms = date_to_days(date) * MS_PER_DAY + seconds * INT64_C(1000);
    return true;
}

/* --- printing: years 0000 to 9999, what lies outside is held at the border --- */

struct instant {
    struct date date;
    int hour, minute, second, ms;
};

static struct instant instant_of(int64_t ms)
{
    int rest;
    ms = ms < FIRST_MS ? FIRST_MS : ms > LAST_MS ? LAST_MS : ms;
    struct instant at = {.date = when_date(ms, &rest)};
    at.hour = rest / 3600000;
    at.minute = rest / 60000 % 60;
    at.second = rest / 1000 % 60;
    at.ms = rest % 1000;
    return at;
}

static char *put_digits(char *to, int count, int value)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + count;
}

static char *put_text(char *to, const char *text)
{
    size_t len = strlen(text);
    memcpy(to, text, len);
    return to + len;
}

static char *put_time(char *to, struct instant at)
{
    to = put_digits(to, 2, at.hour);
    *to++ = ':';
    to = put_digits(to, 2, at.minute);
    *to++ = ':';
    return put_digits(to, 2, at.second);
}

static char *put_seconds(char *to, struct instant at)
{
    to = put_digits(to, 4, at.date.year);
    *to++ = '-';
    to = put_digits(to, 2, at.date.month);
    *to++ = '-';
    to = put_digits(to, 2, at.date.day);
    *to++ = 'T';
    return put_time(to, at);
}

static void put_ms_and_zone(int64_t ms, const char *zone, char *to)
{
    struct instant at = instant_of(ms);
    to = put_seconds(to, at);
    *to++ = '.';
    to = put_digits(to, 3, at.ms);
    *put_text(to, zone) = '\0';
}

void when_iso(int64_t ms, char out[32])
{
    put_ms_and_zone(ms, "Z", out);
}

void when_salesforce(int64_t ms, char out[32])
{
    put_ms_and_zone(ms, "+0000", out);
}

void when_iso_seconds(int64_t ms, char out[32])
{
    *put_text(put_seconds(out, instant_of(ms)), "Z") = '\0';
}

void when_http(int64_t ms, char out[32])
{
    struct instant at = instant_of(ms);
    char *to = put_text(out, weekdays[date_weekday(at.date)]);
    to = put_text(to, ", ");
    to = put_digits(to, 2, at.date.day);
    *to++ = ' ';
    to = put_text(to, months[at.date.month - 1]);
    *to++ = ' ';
    to = put_digits(to, 4, at.date.year);
    *to++ = ' ';
    *put_text(put_time(to, at), " GMT") = '\0';
}
