/* step_open_ops.c - "is it open?" gets a column of its own.
 *
 * An index whose condition reads `state` is rewritten whenever the state moves, and most moves
 * leave an operation open. `is_open` changes once in its life, when it is settled for good, so
 * that marking a thousand operations as sent touches no index at all. And of a business key the value comes first: it
 * tells two keys apart where org, object and field are all alike. */
#include "store/sql/sql_priv.h"

const char sq_step_open_ops[] =
    "ALTER TABLE ops ADD COLUMN is_open INTEGER NOT NULL DEFAULT 1;"
    "UPDATE ops SET is_open=0 WHERE state>=6;"
    "DROP INDEX ops_cell_flight;"
    "DROP INDEX ops_key_flight;"
    "DROP INDEX ops_record_flight;"
    "DROP INDEX ops_target_open;"
    "DROP INDEX ops_open;"
    "DROP INDEX ops_table;"
    "DROP INDEX ops_key_done;"
    "CREATE UNIQUE INDEX ops_cell_flight ON ops(row_id, column_id) WHERE " SQ_OPEN_OPS ";"
    "CREATE UNIQUE INDEX ops_key_flight ON ops(key_value, org_id, object, key_field)"
    " WHERE key_value IS NOT NULL AND " SQ_OPEN_OPS ";"
    "CREATE UNIQUE INDEX ops_record_flight ON ops(org_id, target_id)"
    " WHERE target_id IS NOT NULL AND " SQ_OPEN_OPS ";"
    "CREATE INDEX ops_target_open ON ops(target_id)"
    " WHERE target_id IS NOT NULL AND " SQ_OPEN_OPS ";"
    "CREATE INDEX ops_open ON ops(table_id, id) WHERE " SQ_OPEN_OPS ";"
    "CREATE INDEX ops_key_done ON ops(key_value, org_id, object, key_field, done_ms)"
    " WHERE key_value IS NOT NULL AND state=6;"
    "CREATE INDEX ops_settled ON ops(table_id, state) WHERE " SQ_SETTLED_OPS ";";
