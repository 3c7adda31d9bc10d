/* store_matches.h - finding rows by what is in them, many questions at once: for
 * columns that look rows up in another table. Reached as store->does->matches. */
#ifndef ARGIL_STORE_MATCHES_H
#define ARGIL_STORE_MATCHES_H

#include "store/store.h"

struct match_query {
    int64_t table_id;
    const int *slots; /* physical columns that are compared; all must match */
    size_t slot_count;
    const struct value *wanted; /* count x slot_count: a question after the other; none is null */
    size_t count;
    bool contains;     /* the cell holds the value somewhere in it; false: it is the value, byte by byte */
    bool ignore_case;  /* and accents: as people search (argil_fold) */
    bool last_first;   /* newest rows first; false: oldest first */
    const int *values; /* slots to read of what is found */
    size_t value_count;
    size_t limit; /* rows of one question; at least 1 */
};

struct match_found {
    struct row *rows; /* live ones */
    size_t count;
};

struct store_matches {
    /* Makes equality on this column quick, for good: one index. Nothing when it is there. */
    enum status (*prepare)(struct store *, int64_t table_id, int slot, bool ignore_case,
                           struct err *);
    /* out[i] answers question i; on the arena. Right without `prepare`, and slow then;
     * `contains` reads the whole table for each question. */
    enum status (*find)(struct store *, struct arena *, const struct match_query *query,
                        struct match_found *out, struct err *);
};

#endif
