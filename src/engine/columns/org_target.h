/* org_target.h - the live record that a row changes or deletes: by `id`, or by
 * `match`, fields that it must hold. */
#ifndef ARGIL_ENGINE_COLUMNS_ORG_TARGET_H
#define ARGIL_ENGINE_COLUMNS_ORG_TARGET_H

#include "engine/columns/org_write.h"

#define TARGET_ID                                                                                  \
    {"id", OPT_TEMPLATE, false, "Id of the record", NULL, NULL, 0, 0}
#define TARGET_MATCH                                                                               \
    {"match", OPT_FIELD_MAP, false,                                                                \
     "instead of id: fields and the values the record must hold; it is never created", NULL, NULL, \
     0, 0}

/* One of id and match is there, and right. */
void target_check(struct kind_check *check, const struct crm_object *object);

struct targets {
    const char *const *fields; /* what to read of each record */
    size_t field_count;
    const struct crm_match **records; /* out: one a row; NULL = none, and the row has its result */
};
/* Rows without a record are refused with the reason. */
enum status targets_find(struct write_column *w, struct targets *targets, struct err *err);

#endif
