/* step_views.c - kept views; indexes over sorts, with samples of them. */
#include "store/sql/sql_priv.h"

const char sq_step_views[] =
    "CREATE TABLE views("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, table_id INTEGER NOT NULL,"
    " name TEXT NOT NULL COLLATE NOCASE, config TEXT NOT NULL, position INTEGER NOT NULL DEFAULT 0,"
    " changed_ms INTEGER NOT NULL, UNIQUE(table_id, name));"
    /* expr: the key of the sort; moved: of the sheet when the samples were taken */
    "CREATE TABLE view_indexes("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, table_id INTEGER NOT NULL, expr TEXT NOT NULL,"
    " made_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL, moved INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(table_id, expr));"
    "CREATE TABLE view_samples("
    " index_id INTEGER NOT NULL, position INTEGER NOT NULL, key BLOB NOT NULL, rid INTEGER NOT NULL,"
    " PRIMARY KEY(index_id, position)) WITHOUT ROWID;"
    /* changes of rows of a sheet that has an index: how far samples are from the truth */
    "CREATE TABLE moves(table_id INTEGER PRIMARY KEY, moved INTEGER NOT NULL DEFAULT 0);";
