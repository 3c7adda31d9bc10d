/* when.h - instants and dates. An instant is milliseconds since 1970 UTC; a
 * date is three integers and never an instant. */
#ifndef ARGIL_BASE_WHEN_H
#define ARGIL_BASE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

struct date {
    int year, month, day; /* proleptic Gregorian, month and day from 1 */
};

bool date_parse(const char *text, struct date *out); /* yyyy-mm-dd exactly, a real day */
bool date_valid(struct date date);
int64_t date_to_days(struct date date); /* days since 1970-01-01 */
struct date date_from_days(int64_t days);
int date_weekday(struct date date); /* 0 = Sunday */

/* yyyy-mm-ddThh:mm:ss[.fraction](Z|+hh:mm|+hhmm). A missing zone is refused. */
bool when_parse(const char *text, int64_t *ms);
/* An HTTP date, RFC 9110 5.6.7 (IMF-fixdate). */
bool when_parse_http(const char *text, int64_t *ms);
void when_http(int64_t ms, char out[32]);        /* Sun, 06 Nov 1994 08:49:37 GMT */
void when_iso(int64_t ms, char out[32]);         /* 2026-11-23T10:11:12.345Z */
void when_iso_seconds(int64_t ms, char out[32]); /* 2026-11-23T10:11:12Z */
void when_salesforce(int64_t ms,
                     char out[32]); /* 2026-11-23T10:11:12.000+0000, as REST prints it */
struct date when_date(int64_t ms, int *ms_of_day); /* UTC; ms_of_day may be NULL */

#endif
