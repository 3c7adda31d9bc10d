/* step_settled.c - an operation's last state gets a column of its own.
 *
 * PostgreSQL rewrites every index of a row whose change touches a column that any of them reads,
 * and the state was read by two. `outcome` is the state once it is the last one, and nothing
 * before, so that an operation goes to the org without a change to any index. And one index of
 * the open operations' records does for two. */
#include "store/sql/sql_priv.h"

const char sq_step_settled[] =
    "ALTER TABLE ops ADD COLUMN outcome INTEGER;"
    "UPDATE ops SET outcome=state WHERE " SQ_SETTLED_OPS ";"
    "DROP INDEX ops_key_done;"
    "DROP INDEX ops_settled;"
    "DROP INDEX ops_record_flight;"
    "DROP INDEX ops_target_open;"
    "CREATE UNIQUE INDEX ops_record_flight ON ops(target_id, org_id)"
    " WHERE target_id IS NOT NULL AND " SQ_OPEN_OPS ";"
    "CREATE INDEX ops_key_done ON ops(key_value, org_id, object, key_field, done_ms)"
    " WHERE key_value IS NOT NULL AND " SQ_SETTLED_OPS ";"
    "CREATE INDEX ops_settled ON ops(table_id, outcome) WHERE " SQ_SETTLED_OPS ";";
