/* due.h - does a cell become due when a value that it reads has changed?
 *
 * The one place that decides it, in this order:
 *   1. a new row, or a known one whose source may update it (update_existing)?
 *   2. is the table's auto-update on?
 *   3. does the table keep results that are there (keep_results)?
 *   4. is the column's auto-update on?
 * Then the run asks 5., whether `only_run_if` is true, over the values of that
 * moment. Whoever says no at 2 to 4 leaves the cell's result, marked out of date. */
#ifndef ARGIL_MODEL_DUE_H
#define ARGIL_MODEL_DUE_H

#include "model/model.h"

struct due_case {
    bool new_row;         /* it just came; false: a value of it really changed */
    bool update_existing; /* of the source that brings the change; true for other columns' values */
    bool table_auto;
    bool keep_results;
    bool column_auto;
    enum cell_state state; /* of the cell, before */
};

enum due_verdict {
    DUE_LEFT, /* nothing changes for the cell */
    DUE_MARK, /* its result is out of date now; it waits for a person */
    DUE_RUN   /* it becomes due */
};

enum due_verdict due_decide(const struct due_case *c);

#endif
