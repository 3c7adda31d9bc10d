/* touched.h - which records were written since somebody began to ask: for those
 * who keep an index of their own beside the records.
 *
 * Noting costs a write nothing until org_touched_start. A write that is rolled
 * back may be noted all the same; one that is kept always is. Deleting is not
 * noted. All calls are made between org_write_begin and org_write_end. */
#ifndef LOCALORG_ORG_TOUCHED_H
#define LOCALORG_ORG_TOUCHED_H

#include "localorg/org/org.h"

enum { TOUCHED_MAX = 500000 }; /* more are not told apart any more */

struct touched_record {
    char id[19];
    int64_t at_ms; /* by the org's clock */
};

/* From here on; what was noted before is forgotten. */
enum status org_touched_start(struct org *org, const struct sobject *object, struct err *err);
/* The records noted, oldest first; lent until the next write. *lost says that
 * there were too many, and nothing is known. */
const struct touched_record *org_touched(struct org *org, const struct sobject *object,
                                         size_t *count, bool *lost);
/* As if the record had been written at that time. */
void org_touched_note(struct org *org, const struct sobject *object, const char *id18,
                      int64_t at_ms);
/* Forgets the oldest `count`. */
void org_touched_done(struct org *org, const struct sobject *object, size_t count);

#endif
