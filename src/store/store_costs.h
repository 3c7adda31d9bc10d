/* store_costs.h - what the last computing of a cell cost; reached as store->does->costs.
 *
 * Written with the cell's result (struct cell_result, cost), for columns that ask somebody:
 * what is computed here costs nothing worth keeping. */
#ifndef ARGIL_STORE_STORE_COSTS_H
#define ARGIL_STORE_STORE_COSTS_H

#include "store/store.h"

struct store_costs {
    /* out->run_id 0: nothing is kept. */
    enum status (*get)(struct store *, int64_t table_id, int64_t column_id, int64_t row_id,
                       struct cell_cost *out, struct err *err);
};

#endif
