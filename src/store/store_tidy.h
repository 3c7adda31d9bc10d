/* store_tidy.h - rows that auto_delete takes away because their work is done.
 *
 * A tidied row is removed (its values and states go, its id and key stay), and so are
 * the rows that auto_dedupe merged into it. Its sources still hold it: a reading that
 * meets it again leaves it away, unless the source says that the record was changed
 * since. What is delivered again (webhook, send rows) is a new arrival. */
#ifndef ARGIL_STORE_STORE_TIDY_H
#define ARGIL_STORE_STORE_TIDY_H

#include "store/store.h"

struct tidy_query {
    int64_t table_id;
    const int64_t *row_ids;
    size_t row_count;
    const struct column *columns; /* the computed ones */
    size_t column_count;
    bool finished;          /* each of them must be ok, no result or skipped */
    int64_t made_before_ms; /* rows that came later stay */
    bool dry_run;           /* nothing is removed, only counted */
    const char *who;        /* for the audit */
};

struct tidied {
    int64_t removed; /* rows, without those that were merged into them */
    int64_t merged;
    int64_t kept; /* not finished, too young, with an open operation or a cell under way */
};

struct store_tidy {
    /* Removes those of the rows that may go, in one transaction that looks at each once more:
     * never one with an open operation or a cell under way. *out is added to. */
    enum status (*rows)(struct store *, const struct tidy_query *query, struct tidied *out,
                        struct err *err);
    /* *row_id: of the `keep`th newest live row, which stays with all that came later; 0 when
     * there are fewer, INT64_MAX when keep is 0. Reads only. */
    enum status (*kept_from)(struct store *, int64_t table_id, int64_t keep, int64_t *row_id,
                             struct err *err);
};

#endif
