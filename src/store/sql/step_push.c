/* step_push.c - what the journal needs beyond its first shape: the stamp a change
 * was compared against, how an operation is sent, who goes first, the remote's
 * ticket; and an index that answers "was this business key written just now?". */
#include "store/sql/sql_priv.h"

const char sq_step_push[] =
    "ALTER TABLE ops ADD COLUMN base_stamp TEXT;"
    "ALTER TABLE ops ADD COLUMN settings TEXT;"
    "ALTER TABLE ops ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE ops ADD COLUMN ticket TEXT;"
    "CREATE INDEX ops_ticket ON ops(ticket) WHERE ticket IS NOT NULL;"
    "CREATE INDEX ops_key_done ON ops(org_id, object, key_field, key_value, done_ms)"
    " WHERE key_value IS NOT NULL AND state=6;";
