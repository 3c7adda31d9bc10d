/* store_versions.h - what a table was: its recipe and switch, at each change.
 *
 * table_apply and table_set_auto_update write a version in their own transaction,
 * when anything differs from the one before. A table that is older than versions gets
 * its first one with its next change. Cells are not in it. */
#ifndef ARGIL_STORE_STORE_VERSIONS_H
#define ARGIL_STORE_STORE_VERSIONS_H

#include "store/store.h"

struct table_version {
    int64_t number; /* of its table, from 1 */
    int64_t at_ms;
    const char *who;    /* table.changed_by, or NULL */
    const char *note;   /* table.change_note, or NULL */
    const char *recipe; /* NULL in a list */
    bool auto_update;
};

struct store_versions {
    /* Newest first, older than `before` (0 = from the newest), at most `limit`; on the arena. */
    enum status (*list)(struct store *, struct arena *, int64_t table_id, int64_t before,
                        size_t limit, struct table_version **out, size_t *count, struct err *err);
    enum status (*get)(struct store *, struct arena *, int64_t table_id, int64_t number,
                       struct table_version *out, struct err *err); /* ERR_NOT_FOUND */
};

#endif
