/* store_dedupe.h - rows of a table that are the same by a column's normalised value.
 *
 * A table whose rules say auto_dedupe (model/dedupe.h) has each key once among its live
 * rows: a unique key in the store, taken in the transaction that writes the value,
 * whoever writes it (a page, a delivery, a result). Of two rows with one key the oldest
 * or the newest stays, by row id; the other is merged into it: out of sight, counted
 * among what its source holds, its values kept up to date. When the row that stays
 * leaves, or its value changes, the next of those merged into it takes its place.
 *
 * table_apply makes the keys anew when the rule changes; when the rule is taken away,
 * what is merged stays so until it is restored. */
#ifndef ARGIL_STORE_STORE_DEDUPE_H
#define ARGIL_STORE_STORE_DEDUPE_H

#include "store/store.h"

struct merged_row {
    int64_t row_id, into;
    const char *row_key, *into_key; /* as in struct row; into_key NULL = that row is gone */
    const char *value;              /* the key that both have */
    int64_t at_ms;
    bool restored; /* by a person: it stands apart as long as its key is this one */
};

struct store_dedupe {
    /* By row id, behind `after`, at most `limit`; on the arena. */
    enum status (*list)(struct store *, struct arena *, int64_t table_id, int64_t after,
                        size_t limit, struct merged_row **out, size_t *count, struct err *err);
    /* Rows that are merged now. */
    enum status (*count)(struct store *, int64_t table_id, int64_t *merged, struct err *err);
    /* A merged row is live again, beside the one it was merged into. ERR_NOT_FOUND when it is
     * not merged; row_id 0 = all of them. *restored = how many. */
    enum status (*restore)(struct store *, int64_t table_id, int64_t row_id, const char *who,
                           int64_t *restored, struct err *err);
};

#endif
