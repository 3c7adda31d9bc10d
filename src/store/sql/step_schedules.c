/* step_schedules.c - the next time of each source. */
#include "store/sql/sql_priv.h"

const char sq_step_schedules[] =
    "CREATE TABLE schedules("
    " table_id INTEGER NOT NULL, source INTEGER NOT NULL, text TEXT NOT NULL,"
    " anchor_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL DEFAULT 0,"
    " run_id INTEGER NOT NULL DEFAULT 0, missed INTEGER NOT NULL DEFAULT 0,"
    " skipped INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(table_id, source)) WITHOUT ROWID;";
