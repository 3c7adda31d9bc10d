/* zone.h - the time zones a Salesforce user can have. */
#ifndef LOCALORG_SOQL_ZONE_H
#define LOCALORG_SOQL_ZONE_H

#include "base/arena.h"

#include <stdint.h>

struct zone;

const struct zone *zone_find(const char *name);        /* UTC when NULL or unknown; lent for ever */
int zone_offset(const struct zone *zone, int64_t ms);  /* minutes east of UTC at that instant */
int64_t zone_day(const struct zone *zone, int64_t ms); /* days since 1970-01-01, there */
int64_t zone_day_start(const struct zone *zone, int64_t day); /* ms UTC of its midnight */
/* An SQL expression: the wall clock there, as if its ms were UTC. */
const char *zone_local_sql(struct arena *arena, const struct zone *zone, const char *ms_sql);

#endif
