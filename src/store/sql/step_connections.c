/* step_connections.c - schema: leases, who may build with a connection, what an
 * org said of its objects. */
#include "store/sql/sql_priv.h"

const char sq_step_connections[] =
    "CREATE TABLE leases(name TEXT PRIMARY KEY, owner TEXT NOT NULL, until_ms INTEGER NOT NULL)"
    " WITHOUT ROWID;"

    "CREATE TABLE builders(connection_id INTEGER NOT NULL, name TEXT NOT NULL COLLATE NOCASE,"
    " PRIMARY KEY(connection_id, name)) WITHOUT ROWID;"

    "CREATE TABLE describes(connection_id INTEGER NOT NULL, user_id TEXT NOT NULL,"
    " name TEXT NOT NULL COLLATE NOCASE, modified TEXT, body TEXT NOT NULL,"
    " checked_ms INTEGER NOT NULL, PRIMARY KEY(connection_id, user_id, name));";
