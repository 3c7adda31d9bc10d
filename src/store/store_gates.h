/* store_gates.h - what holds a table's or a column's writes back until a person says so.
 *
 * At most one gate of each kind a column (column_id 0: a table). Reached as
 * store->does->gates. */
#ifndef ARGIL_STORE_GATES_H
#define ARGIL_STORE_GATES_H

#include "store/store.h"

struct gate {
    int64_t table_id, column_id; /* column 0 = the whole table */
    const char *kind;            /* "canary", "lock" */
    const char *state;           /* the kind's own word */
    int64_t run_id;              /* that set it; 0 = none */
    const char *detail;          /* JSON object, or NULL */
    const char *who;
    int64_t at_ms;
};

struct store_gates {
    /* Sets it, whatever it was. */
    enum status (*put)(struct store *, const struct gate *gate, struct err *);
    enum status (*remove)(struct store *, int64_t table_id, int64_t column_id, const char *kind, struct err *); /* none: OK */
    enum status (*get)(struct store *, struct arena *, int64_t table_id, int64_t column_id, const char *kind, struct gate *out, bool *found, struct err *);
    /* table_id 0 = of every table; oldest first. */
    enum status (*list)(struct store *, struct arena *, int64_t table_id, struct gate **out, size_t *count, struct err *);
};

#endif
