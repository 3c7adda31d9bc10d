/* store_choices.h - which of several records a person chose for a cell.
 *
 * A choice stays until another is made or the column goes. Reached as
 * store->does->choices. */
#ifndef ARGIL_STORE_CHOICES_H
#define ARGIL_STORE_CHOICES_H

#include "store/store.h"

struct store_choices {
    /* record_id NULL forgets the choice. `who` goes to the audit with it. */
    enum status (*put)(struct store *, int64_t table_id, int64_t column_id, int64_t row_id, const char *record_id, const char *who, struct err *);
    /* out[i] = the record chosen for row_ids[i], or NULL. */
    enum status (*get)(struct store *, struct arena *, int64_t column_id, const int64_t *row_ids, size_t count, const char **out, struct err *);
};

#endif
