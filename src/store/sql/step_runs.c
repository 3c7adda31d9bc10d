/* step_runs.c - who asked for a run, for which cells, and since when it waits. */
#include "store/sql/sql_priv.h"

const char sq_step_runs[] = "ALTER TABLE runs ADD COLUMN who TEXT;"
                            "ALTER TABLE runs ADD COLUMN scope TEXT;"
                            "ALTER TABLE runs ADD COLUMN queued_ms INTEGER NOT NULL DEFAULT 0;"
                            "DROP INDEX runs_running;"
                            "CREATE INDEX runs_open ON runs(id) WHERE state IN (0,5);";
