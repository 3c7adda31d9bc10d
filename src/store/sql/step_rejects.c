/* step_rejects.c - rows of a source that could not be taken, in the order they came. */
#include "store/sql/sql_priv.h"

const char sq_step_rejects[] =
    "CREATE TABLE rejects(table_id INTEGER NOT NULL, slot INTEGER NOT NULL, number INTEGER NOT NULL,"
    " at INTEGER NOT NULL, code TEXT, message TEXT, PRIMARY KEY(table_id, slot, number))"
    " WITHOUT ROWID;";
