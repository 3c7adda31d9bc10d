/* store_modes.h - the write mode that a column was approved with: should the org
 * take away what made it sure, the next run sees the difference. Read back as
 * column.approved_mode. Reached as store->does->modes. */
#ifndef ARGIL_STORE_MODES_H
#define ARGIL_STORE_MODES_H

#include "store/store.h"

struct store_modes {
    enum status (*put)(struct store *, int64_t column_id, enum write_mode mode, struct err *err);
};

#endif
