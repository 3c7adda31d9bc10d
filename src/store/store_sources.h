/* store_sources.h - which rows a source holds, and what became of them.
 *
 * A table has up to SOURCE_SLOTS sources, each with a slot that it keeps for
 * life (table_apply). A row knows the slots of the sources that hold it now:
 * import_page adds one, a deletion takes it away, and only a row that no source
 * holds any more is deleted. Rows of a source that left the recipe keep its slot
 * and stay as they are. */
#ifndef ARGIL_STORE_SOURCES_H
#define ARGIL_STORE_SOURCES_H

#include "base/bits.h"
#include "store/store.h"

struct gone_query {
    int64_t table_id;
    int source;              /* slot */
    const struct bits *seen; /* row ids that a whole reading of the source has met */
    enum when_deleted how;   /* KEEP: nothing is done */
    int64_t after;           /* row id to go on behind; 0 = from the start */
    size_t limit;            /* rows to delete at most in this call */
};

/* A row of a source that could not be taken, or only in part. */
struct reject {
    int64_t at;          /* its number or line there */
    const char *code;    /* "csv.long_row" */
    const char *message; /* one sentence */
};
#define REJECTS_KEPT 10000 /* of one source; further ones are only counted */

struct store_sources {
    /* Row ids of the live rows with these keys that the source holds are put in `seen`; the
     * positions of the other keys go to unknown[0 .. *unknown_count). Reads only. */
    enum status (*met)(struct store *, int64_t table_id, int source, const char *const *keys,
                       size_t count, struct bits *seen, size_t *unknown, size_t *unknown_count,
                       struct err *);
    /* Takes rows from the source that it holds and that are not in `seen`, in
     * one transaction. *next = where to go on, 0 = the end was reached; *gone is
     * added to. */
    enum status (*gone)(struct store *, const struct gone_query *query, int64_t *next,
                        int64_t *gone, struct err *);
    /* What differs from what the recipe was made for (struct source, drift); NULL forgets it. */
    enum status (*drift_put)(struct store *, int64_t table_id, int source, const char *json,
                             struct err *);
    /* How listening to changes goes, as JSON for people (struct source, live; NULL: nobody
     * listens), and how far it has come: 0 = unchanged, SOURCE_HEARD_NOTHING forgets it. */
    enum status (*live_put)(struct store *, int64_t table_id, int source, const char *json,
                            int64_t heard, struct err *);
    /* What a reading could not take: `fresh` forgets those of the one before. *kept = how many
     * are stored now; those beyond REJECTS_KEPT are not. */
    enum status (*rejects_add)(struct store *, int64_t table_id, int source, bool fresh,
                               const struct reject *rejects, size_t count, int64_t *kept,
                               struct err *);
    /* In the order in which they came; on the arena. */
    enum status (*rejects_list)(struct store *, struct arena *, int64_t table_id, int source,
                                struct reject **out, size_t *count, struct err *);
};

#endif
