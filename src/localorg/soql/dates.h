/* dates.h - what TODAY and its relatives mean. */
#ifndef LOCALORG_SOQL_DATES_H
#define LOCALORG_SOQL_DATES_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Half-open, in days since 1970-01-01 in the user's time zone. `until_now`:
 * against a datetime the range ends with the current second. */
struct date_range {
    int64_t start, end;
    bool until_now;
};

bool date_literal_known(struct str name, bool with_n);
/* n < 0: the literal has no ":n". False when unknown or out of the calendar. */
bool date_literal_range(struct str name, int64_t n, int64_t today, struct date_range *out);
/* The same where the fiscal year starts in this month (1 = January). */
bool date_literal_range_fiscal(struct str name, int64_t n, int64_t today, int fiscal_start,
                               struct date_range *out);

#endif
