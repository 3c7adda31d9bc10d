/* org_db.c - the SQLite connections of an org: one writer, a pool of readers.
 *
 * WAL mode: readers see the last commit and never wait for the writer. The
 * writer's lock is ours, not SQLite's, so nobody ever sees SQLITE_BUSY. */
#include "localorg/org/access_priv.h"

#include "base/log.h"
#include "localorg/org/fold.h"
#include "localorg/org/formula_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDLE_READERS 32

enum status db_fail(sqlite3 *db, const char *doing, struct err *err)
{
    return err_set(err, ERR_IO, "%s: %s", doing, db ? sqlite3_errmsg(db) : "no database");
}

enum status db_exec(sqlite3 *db, struct err *err, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(db, sql, err);
    return OK;
}

enum status db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql, struct err *err)
{
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
        return db_fail(db, sql, err);
    return OK;
}

bool db_next(sqlite3_stmt *statement, enum status *status, struct err *err)
{
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        *status = db_fail(sqlite3_db_handle(statement), sqlite3_sql(statement), err);
    return rc == SQLITE_ROW;
}

enum status db_run(sqlite3_stmt *statement, struct err *err)
{
    enum status status = OK;
    while (db_next(statement, &status, err))
        ;
    sqlite3_reset(statement);
    return status;
}

const char *db_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

/* --- opening --- */

static enum status connect_to(struct org *org, bool writer, sqlite3 **out, struct err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX |
                (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(org->path, &db, flags, NULL) != SQLITE_OK) {
        db_fail(db, org->path, err);
        sqlite3_close(db);
        return FAIL;
    }
    sqlite3_busy_timeout(db, 10000);
    enum status status = OK;
    if (writer) /* before WAL is switched on, which syncs */
        status = db_exec(db, err,
                         org->durable ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = OFF");
    /* No mapped memory: it is no faster here, and a big file would count as ours. */
    const char *pragmas = writer ? "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;"
                                   "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -131072;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA recursive_triggers = OFF;"
                                 : "PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;"
                                   "PRAGMA query_only = ON;";
    if (status == OK)
        status = fold_register(db, err);
    if (status == OK)
        status = db_exec(db, err, pragmas);
    if (status == OK)
        status = formula_functions(org, db, err);
    if (status == OK && !views_register(org->views, db))
        status = db_fail(db, "SQL functions", err);
    if (status != OK) {
        sqlite3_close(db);
        return FAIL;
    }
    *out = db;
    return OK;
}

static const char own_tables[] =
    "BEGIN;"
    "CREATE TABLE IF NOT EXISTS localorg_meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS localorg_schema (position INTEGER PRIMARY KEY,"
    " object TEXT COLLATE NOCASE UNIQUE, describe TEXT, modified_ms INTEGER);"
    "CREATE TABLE IF NOT EXISTS localorg_field (position INTEGER PRIMARY KEY,"
    " object TEXT COLLATE NOCASE, field TEXT COLLATE NOCASE, describe TEXT, UNIQUE (object, "
    "field));"
    "CREATE TABLE IF NOT EXISTS localorg_number (object TEXT, field TEXT, next INTEGER,"
    " PRIMARY KEY (object, field)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS localorg_user (id TEXT PRIMARY KEY,"
    " username TEXT COLLATE NOCASE UNIQUE, name TEXT, email TEXT, timezone TEXT, profile_id TEXT,"
    " active INTEGER, admin INTEGER, password TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS localorg_denied (user_id TEXT, object TEXT COLLATE NOCASE,"
    " field TEXT COLLATE NOCASE, bits INTEGER, PRIMARY KEY (user_id, object, field)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS localorg_sharing (object TEXT COLLATE NOCASE PRIMARY KEY, json "
    "TEXT)"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS localorg_rule (name TEXT COLLATE NOCASE PRIMARY KEY, json TEXT)"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS localorg_document (kind TEXT, id TEXT, json TEXT, until_ms INTEGER,"
    " PRIMARY KEY (kind, id)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS localorg_bin (root TEXT, id TEXT, field TEXT,"
    " PRIMARY KEY (root, id, field)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS localorg_component (type TEXT, name TEXT COLLATE NOCASE, json TEXT,"
    " PRIMARY KEY (type, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS localorg_event (replay INTEGER PRIMARY KEY, kind INTEGER,"
    " topic TEXT, keep_until INTEGER, data TEXT);"
    "CREATE INDEX IF NOT EXISTS localorg_event_kept ON localorg_event (keep_until);"
    "CREATE TABLE IF NOT EXISTS localorg_member (channel TEXT, event TEXT, id TEXT UNIQUE,"
    " PRIMARY KEY (channel, event)) WITHOUT ROWID;"
    "COMMIT;";

static char *temporary_directory(struct err *err)
{
    const char *base = getenv("TMPDIR");
    char *path = mem_printf("%s/localorg-XXXXXX", base && *base ? base : "/tmp");
    if (mkdtemp(path))
        return path;
    err_set(err, ERR_IO, "cannot make a directory %s: %s", path, strerror(errno));
    free(path);
    return NULL;
}

/* A file whose indexes were built when only ASCII folded gets them anew. */
static enum status fold_indexes(struct org *org, struct err *err)
{
    char done[8];
    if (meta_get(org, "folding", done, sizeof done, err) != OK)
        return FAIL;
    if (*done)
        return OK;
    if (db_exec(org->db, err, "REINDEX NOCASE") != OK)
        return FAIL;
    return meta_put(org, "folding", "1", err);
}

enum status db_open(struct org *org, struct err *err)
{
    if (!org->path) {
        org->directory = temporary_directory(err);
        if (!org->directory)
            return FAIL;
        org->path = mem_printf("%s/org.db", org->directory);
    } else {
        org->durable = true;
    }
    if (connect_to(org, true, &org->db, err) != OK || db_exec(org->db, err, own_tables) != OK)
        return FAIL;
    return fold_indexes(org, err);
}

static void remove_temporary(struct org *org)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char *file = mem_printf("%s%s", org->path, suffixes[i]);
        unlink(file);
        free(file);
    }
    rmdir(org->directory);
}

void db_close(struct org *org)
{
    for (size_t i = 0; i < org->idle.len; i++)
        sqlite3_close_v2(org->idle.at[i]);
    vec_free(&org->idle);
    if (org->db && sqlite3_close(org->db) != SQLITE_OK)
        log_warn("org database closed with statements open: %s", sqlite3_errmsg(org->db));
    org->db = NULL;
    if (org->directory)
        remove_temporary(org);
}

/* --- small facts --- */

enum status meta_put(struct org *org, const char *key, const char *value, struct err *err)
{
    sqlite3_stmt *put = NULL;
    if (db_prepare(org->db, &put, "INSERT OR REPLACE INTO localorg_meta VALUES (?, ?)", err) != OK)
        return FAIL;
    sqlite3_bind_text(put, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, value, -1, SQLITE_STATIC);
    enum status status = db_run(put, err);
    sqlite3_finalize(put);
    return status;
}

enum status meta_get(struct org *org, const char *key, char *out, size_t size, struct err *err)
{
    sqlite3_stmt *get = NULL;
    *out = 0;
    enum status status =
        db_prepare(org->db, &get, "SELECT value FROM localorg_meta WHERE key = ?", err);
    if (status == OK) {
        sqlite3_bind_text(get, 1, key, -1, SQLITE_STATIC);
        if (db_next(get, &status, err))
            snprintf(out, size, "%s", db_text(get, 0));
    }
    sqlite3_finalize(get);
    return status;
}

/* --- writing --- */

static bool is_writer(struct org *org)
{
    return atomic_load(&org->writer) == (uintptr_t)pthread_self();
}

int org_write_depth(struct org *org)
{
    return is_writer(org) ? org->depth : 0;
}

static void roll_back(struct org *org)
{
    for (int tries = 0; tries < 3 && !sqlite3_get_autocommit(org->db); tries++)
        sqlite3_exec(org->db, "ROLLBACK", NULL, NULL, NULL);
}

sqlite3 *org_write_begin(struct org *org)
{
    if (is_writer(org)) {
        if (sqlite3_exec(org->db, "SAVEPOINT inner_write", NULL, NULL, NULL) != SQLITE_OK) {
            org->poisoned = true;
            return NULL;
        }
        org->depth++;
        vec_push(&org->touched_marks, org->touched.len);
        return org->db;
    }
    pthread_mutex_lock(&org->write_lock);
    if (sqlite3_exec(org->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        log_error("org database: %s", sqlite3_errmsg(org->db));
        roll_back(org); /* it may have begun all the same */
        pthread_mutex_unlock(&org->write_lock);
        return NULL;
    }
    atomic_store(&org->writer, (uintptr_t)pthread_self());
    org->depth = 1;
    return org->db;
}

void org_filling(struct org *org, bool on)
{
    struct err ignored = {0};
    pthread_mutex_lock(&org->pool_lock);
    while (org->idle.len) /* an open reader holds on to the log */
        sqlite3_close_v2(org->idle.at[--org->idle.len]);
    pthread_mutex_unlock(&org->pool_lock);
    pthread_mutex_lock(&org->write_lock);
    db_exec(org->db, &ignored, on ? "PRAGMA journal_mode = DELETE" : "PRAGMA journal_mode = WAL");
    pthread_mutex_unlock(&org->write_lock);
}

static enum status save_clock(struct org *org, struct err *err)
{
    if (!atomic_exchange(&org->clock_dirty, false))
        return OK;
    char shift[32];
    snprintf(shift, sizeof shift, "%lld", (long long)atomic_load(&org->shift_ms));
    return meta_put(org, "shift_ms", shift, err);
}

/* What is kept in memory of the org's own tables, when this transaction changed
 * them. Before the commit, so that a failure is still one of the whole call. */
static enum status memory_load(struct org *org, struct err *err)
{
    enum status status = org->people_dirty ? people_load(org, err) : OK;
    if (status == OK && org->rules_dirty)
        status = rules_load(org, err) == OK ? flows_load(org, err) : FAIL;
    if (status == OK && org->sharing_dirty)
        status = sharing_load(org, err);
    return status;
}

static enum status end_outer(struct org *org, bool commit, struct err *err)
{
    enum status status = OK;
    if (commit && org->poisoned)
        status = err_set(err, ERR_IO, "a step inside this transaction failed");
    else if (commit && (status = capture_commit(org, err)) == OK &&
             (status = events_before_commit(org, err)) == OK &&
             (status = table_save_numbers(org, err)) == OK &&
             (status = save_clock(org, err)) == OK && (status = memory_load(org, err)) == OK)
        status = db_exec(org->db, err, "COMMIT");
    if (!commit || status != OK) {
        roll_back(org);
        if (org->schema_dirty)
            tables_doubt(org);
        schema_revert(org, 0);
        if (status != OK)
            memory_load(org, NULL); /* as it was */
        if (org->members_dirty)
            members_load(org, NULL);
        org->events_new = false;
    }
    capture_clear(org);
    if (status == OK && commit && (org->access_dirty || org->people_dirty))
        atomic_store(&org->access_changed_ms, org_now_ms(org) / 1000 * 1000);
    if (org->access_dirty || org->people_dirty || org->schema_dirty)
        access_forget(org); /* after a rollback too: somebody may have looked meanwhile */
    org->touched.len = 0;
    org->poisoned = org->people_dirty = org->rules_dirty = org->schema_dirty = false;
    org->members_dirty = org->access_dirty = org->sharing_dirty = false;
    return status;
}

enum status org_write_end(struct org *org, bool commit, struct err *err)
{
    if (org->depth > 1) {
        org->depth--;
        enum status status = db_exec(org->db, err,
                                     commit ? "RELEASE inner_write"
                                            : "ROLLBACK TO inner_write; RELEASE inner_write");
        org->poisoned |= status != OK;
        size_t mark = org->touched_marks.at[--org->touched_marks.len];
        if (!commit)
            schema_revert(org, mark);
        return status;
    }
    enum status status = end_outer(org, commit, err);
    bool tell = org->events_new && org->on_events;
    org->events_new = false;
    org->depth = 0;
    atomic_store(&org->writer, 0);
    pthread_mutex_unlock(&org->write_lock);
    if (tell)
        org->on_events(org->on_events_ctx);
    return status;
}

/* --- reading --- */

sqlite3 *org_reader_take(struct org *org)
{
    if (is_writer(org))
        return org->db;
    sqlite3 *db = NULL;
    pthread_mutex_lock(&org->pool_lock);
    if (org->idle.len)
        db = org->idle.at[--org->idle.len];
    pthread_mutex_unlock(&org->pool_lock);
    struct err err = {0};
    if (!db && connect_to(org, false, &db, &err) != OK)
        log_error("%s", err.message);
    return db;
}

void org_reader_give(struct org *org, sqlite3 *db)
{
    if (!db || db == org->db)
        return;
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    pthread_mutex_lock(&org->pool_lock);
    bool keep = org->idle.len < IDLE_READERS;
    if (keep)
        vec_push(&org->idle, db);
    pthread_mutex_unlock(&org->pool_lock);
    if (!keep)
        sqlite3_close_v2(db);
}
