/* step_live.c - how far a source has heard of changes, and whether it listens. */
#include "store/sql/sql_priv.h"

const char sq_step_live[] = "ALTER TABLE sources ADD COLUMN heard INTEGER;"
                            "ALTER TABLE sources ADD COLUMN live TEXT;";
