/* step_epochs.c - which process (by its epoch) has a run, a lease, a running cell: what
 * is to be freed when that one is gone and others are not. */
#include "store/sql/sql_priv.h"

enum status sq_step_epochs(struct sq *sq, struct err *err)
{
    if (sq_exec(sq,
                "ALTER TABLE runs ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;"
                "ALTER TABLE leases ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;",
                err) != OK)
        return FAIL;
    return sq_each_sheet(sq, "ALTER TABLE s@ ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;", err);
}
