/* step_pull.c - what a table does with what comes in.
 *
 * sources.drift: what of a source differs from what its recipe was made for.
 * tables.rules: keep_results and the like, as in struct table.
 * loops: how often a source's value changed right after we wrote the record. */
#include "store/sql/sql_priv.h"

const char sq_step_pull[] =
    "ALTER TABLE sources ADD COLUMN drift TEXT;"
    "ALTER TABLE tables ADD COLUMN rules TEXT;"
    "CREATE TABLE loops(table_id INTEGER NOT NULL, row_id INTEGER NOT NULL, slot INTEGER NOT NULL,"
    " count INTEGER NOT NULL, last_ms INTEGER NOT NULL, op_id INTEGER NOT NULL,"
    " PRIMARY KEY(table_id, row_id, slot)) WITHOUT ROWID;";
