/* step_people.c - the migration that brings users, sessions, tokens and links. */
#include "store/sql/sql_priv.h"

const char sq_step_people[] =
    "CREATE TABLE users("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, login TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT,"
    " zone TEXT, password_hash TEXT, role INTEGER NOT NULL, disabled INTEGER NOT NULL DEFAULT 0,"
    " created_ms INTEGER, seen_ms INTEGER NOT NULL DEFAULT 0,"
    " password_ms INTEGER NOT NULL DEFAULT 0);"

    "CREATE TABLE sessions("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, user_id INTEGER NOT NULL,"
    " peer TEXT, agent TEXT, created_ms INTEGER, seen_ms INTEGER, proved_ms INTEGER);"
    "CREATE INDEX sessions_user ON sessions(user_id);"

    "CREATE TABLE api_tokens("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, user_id INTEGER NOT NULL,"
    " name TEXT, hint TEXT, scope INTEGER NOT NULL, created_ms INTEGER,"
    " used_ms INTEGER NOT NULL DEFAULT 0, expires_ms INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX api_tokens_user ON api_tokens(user_id);"

    "CREATE TABLE links("
    " hash TEXT PRIMARY KEY, user_id INTEGER NOT NULL, created_ms INTEGER, expires_ms INTEGER)"
    " WITHOUT ROWID;";
