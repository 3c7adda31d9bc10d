/* stamps.h - dates the org itself puts on a record without changing it:
 * LastViewedDate, LastReferencedDate, LastRunDate. SystemModstamp and
 * LastModifiedDate stay; rules, triggers and replication see nothing. */
#ifndef LOCALORG_ORG_STAMPS_H
#define LOCALORG_ORG_STAMPS_H

#include "localorg/org/org.h"

/* Sets the datetime field of live records; an object without the field is left
 * alone. One transaction, the caller's when there is one. */
enum status org_stamp(struct org *org, const struct sobject *object, const char *field,
                      const char (*ids)[19], size_t count, int64_t ms, struct err *err);

#endif
