/* store_history.h - what became of rows and cells, for as long as a table's rules say.
 *
 * rules: {"history_ms": N}; without it nothing is kept, and taking it away forgets what
 * was. Each change of a live row's value is a line with the value before and after,
 * written in the transaction that makes the change; so are a row's coming, going and
 * coming back. Lines older than the time are out of sight at once and deleted with the
 * next changes. A removed row (DELETED_REMOVE) takes its lines along. */
#ifndef ARGIL_STORE_STORE_HISTORY_H
#define ARGIL_STORE_STORE_HISTORY_H

#include "store/store.h"

enum history_what { HISTORY_ADDED, HISTORY_CHANGED, HISTORY_DELETED, HISTORY_RETURNED };
#define HISTORY_WHAT_NAMES {"added", "changed", "deleted", "returned", NULL} /* by the enum */
enum history_by { HISTORY_BY_IMPORT, HISTORY_BY_RESULT, HISTORY_BY_PERSON };
#define HISTORY_BY_NAMES {"import", "result", "person", NULL}

struct history_line {
    int64_t id, row_id, at_ms;
    enum history_what what;
    enum history_by by;
    int64_t column_id; /* CHANGED: whose value; else 0 */
    int64_t run_id;    /* of an import; 0 = not told */
    struct value old, new;
};

struct history_query {
    int64_t table_id, row_id;
    int64_t column_id; /* one cell's; 0 = the whole row's */
    int64_t before; /* older than this line; 0 = from the newest */
    size_t limit;
};

struct store_history {
    /* Newest first; on the arena. None when the table keeps none. */
    enum status (*list)(struct store *, struct arena *, const struct history_query *query,
                        struct history_line **out, size_t *count, struct err *err);
};

#endif
