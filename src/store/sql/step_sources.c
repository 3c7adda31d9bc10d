/* step_sources.c - from one source in the table's row to a list beside it.
 *
 * Every sheet gets `src`: live rows are held by the one source there was. */
#include "store/sql/sql_priv.h"

static const char sources[] =
    "CREATE TABLE sources("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, table_id INTEGER NOT NULL, slot INTEGER NOT NULL,"
    " name TEXT NOT NULL COLLATE NOCASE, kind TEXT, connection TEXT, object TEXT, config TEXT,"
    " cursor TEXT, row_count INTEGER NOT NULL DEFAULT 0, position INTEGER,"
    " hidden INTEGER NOT NULL DEFAULT 0, UNIQUE(table_id, slot), UNIQUE(table_id, name));"
    "INSERT INTO "
    "sources(table_id,slot,name,kind,connection,object,config,cursor,row_count,position)"
    " SELECT id,0,'source','salesforce_object',connection,object,source,cursor,row_count,0"
    " FROM tables;"
    "ALTER TABLE tables DROP COLUMN cursor;"
    "ALTER TABLE tables DROP COLUMN source;"
    "ALTER TABLE tables DROP COLUMN connection;"
    "ALTER TABLE tables DROP COLUMN object;";

enum status sq_step_sources(struct sq *sq, struct err *err)
{
    if (sq_exec(sq, sources, err) != OK)
        return FAIL;
    return sq_each_sheet(sq,
                         "ALTER TABLE t@ ADD COLUMN src INTEGER NOT NULL DEFAULT 1;"
                         "UPDATE t@ SET src=0 WHERE deleted>0;",
                         err);
}
