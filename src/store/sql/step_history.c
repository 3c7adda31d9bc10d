/* step_history.c - "what did we ever do to this record?" answered by an index. */
#include "store/sql/sql_priv.h"

const char sq_step_history[] =
    "CREATE INDEX ops_result ON ops(result_id) WHERE result_id IS NOT NULL;"
    "CREATE INDEX ops_target_open ON ops(target_id) WHERE target_id IS NOT NULL AND state<6;";
