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

#include "model/dedupe.h"
#include "store/store.h"

struct merged_row {
    int64_t row_id, into;
    const char *row_key, *into_key; /* as in struct row; into_key NULL = that row is gone */
    const char *value;              /* the key that both have */
    int64_t at_ms;
    bool restored; /* by a person: it stands apart as long as its key is this one */
};

/* Rows that would be one by a rule, before it holds. */
struct same_rows {
    const char *value; /* the key that they have */
    int64_t row_id;    /* the one that would stay */
    const char *row_key;
    int64_t others; /* that would be merged into it */
};
struct same_report {
    int64_t rows, blank, groups, merged; /* blank: without a key; merged: rows that would go */
    struct same_rows *first;             /* the first groups, by the row that stays */
    size_t count;
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
    /* What a rule (by->slot, as, keep_newest) would do to the rows that are live or merged now;
     * at most `limit` groups by name. Reads every row of the table. On the arena. */
    enum status (*preview)(struct store *, struct arena *, int64_t table_id,
                           const struct dedupe_rule *rule, size_t limit, struct same_report *out,
                           struct err *err);
};

#endif
