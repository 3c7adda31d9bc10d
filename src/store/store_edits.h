/* store_edits.h - cells that people type, with the history of each; reached as
 * store->does->edits. A cell's new value, what becomes due of it, and the line of its
 * history are one transaction. */
#ifndef ARGIL_STORE_STORE_EDITS_H
#define ARGIL_STORE_STORE_EDITS_H

#include "store/store.h"

struct cell_edit {
    int64_t row_id, column_id;
    int slot;
    struct value value;
    /* Told back, texts on the arena: */
    bool same;          /* it held that already: nothing was changed, no history */
    struct value old;   /* what it held before */
    const char *last_by; /* who changed it last before this; NULL = nobody */
    int64_t last_ms;
};

struct edit_line {
    int64_t id, at_ms;
    const char *who;
    struct value old, new;
};

struct store_edits {
    /* All of them, in order, or none. ERR_NOT_FOUND: a row is not there, or deleted. *made_due:
     * cells that became due. */
    enum status (*put)(struct store *, struct arena *, int64_t table_id, const char *who,
                       struct cell_edit *edits, size_t count, const struct dependents *dependents,
                       size_t dependent_count, int64_t *made_due, struct err *);
    /* Of one cell, newest first. */
    enum status (*of_cell)(struct store *, struct arena *, int64_t column_id, int64_t row_id,
                           size_t limit, struct edit_line **out, size_t *count, struct err *);
};

#endif
