/* sql.c - statements, transactions, and what SQLite's result codes mean to us.
 *
 * One transaction at a time: sq_begin, work, sq_end. After an I/O error, a full
 * disk or a damaged file nothing more is attempted (`broken`): what SQLite says
 * after a failed sync cannot be trusted, the journal can (W8). */
#include "store/sqlite/sqlite_priv.h"

#include <string.h>

#define STATEMENTS_MAX 400

static const char *hint_for(int code)
{
    switch (code) {
    case SQLITE_FULL:
        return "The disk is full. Make room, then start argil again: nothing accepted is lost.";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "The database file is damaged. Keep a copy of the data directory and restore a "
               "backup.";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return "Check that this user may read and write the data directory.";
    case SQLITE_NOMEM:
        return "The machine is out of memory.";
    default:
        return "Check the disk (dmesg, free space, quotas), then start argil again: it picks up "
               "from the journal.";
    }
}

enum status sq_fail(struct sq *sq, struct err *err, const char *doing)
{
    int extended = sqlite3_extended_errcode(sq->db), code = extended & 0xff;
    const char *text = sqlite3_errmsg(sq->db);
    if (code == SQLITE_CONSTRAINT)
        return err_set(err, ERR_CONFLICT, "%s: %s", doing, text);
    if (code == SQLITE_TOOBIG)
        return err_set(err, ERR_TOO_LARGE, "%s: a value is too large", doing);
    if (code == SQLITE_ERROR && strncmp(text, "no such table: ", 15) == 0)
        return err_set(err, ERR_NOT_FOUND, "%s: the table was deleted meanwhile", doing);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        err_set(err, ERR_STORE_LOCKED, "%s: another program is using %s", doing, sq->path);
        err_hint(err, "Close what has the database file open (a SQLite shell, a backup tool).");
        return FAIL;
    }
    atomic_store(&sq->home->broken, true);
    err_set(err, ERR_STORE_BROKEN, "%s: %s (SQLite %d) in %s", doing, text, extended, sq->path);
    err_hint(err, "%s", hint_for(code));
    return FAIL;
}

enum status sq_exec(struct sq *sq, const char *sql, struct err *err)
{
    if (sqlite3_exec(sq->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sq_fail(sq, err, "preparing the store");
    return OK;
}

void sq_forget_statements(struct sq *sq)
{
    size_t at = 0;
    const char *sql;
    void *stmt;
    while (sq->statements && map_next(sq->statements, &at, &sql, &stmt))
        sqlite3_finalize(stmt);
    map_free(sq->statements);
    sq->statements = map_new();
}

sqlite3_stmt *sq_stmt(struct sq *sq, struct err *err, const char *sql)
{
    sqlite3_stmt *stmt = map_get(sq->statements, sql);
    if (stmt) {
        sqlite3_reset(stmt);
        sqlite3_clear_bindings(stmt);
        return stmt;
    }
    if (sqlite3_prepare_v3(sq->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
        sq_fail(sq, err, "asking the store");
        return NULL;
    }
    map_put(sq->statements, sql, stmt);
    return stmt;
}

sqlite3_stmt *sq_stmtf(struct sq *sq, struct err *err, const char *fmt, ...)
{
    struct buf sql = BUF_INIT;
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&sql, fmt, args);
    va_end(args);
    sqlite3_stmt *stmt = sq_stmt(sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

void sq_int(sqlite3_stmt *stmt, int at, int64_t value)
{
    sqlite3_bind_int64(stmt, at, value);
}

void sq_text(sqlite3_stmt *stmt, int at, const char *text)
{
    if (text)
        sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(stmt, at);
}

void sq_value(sqlite3_stmt *stmt, int at, struct value value)
{
    if (value.text)
        sqlite3_bind_text(stmt, at, value.text, (int)value.len, SQLITE_STATIC);
    else
        sqlite3_bind_null(stmt, at);
}

enum status sq_done(struct sq *sq, sqlite3_stmt *stmt, struct err *err)
{
    int rc = sqlite3_step(stmt);
    enum status status =
        rc == SQLITE_DONE || rc == SQLITE_ROW ? OK : sq_fail(sq, err, "writing to the store");
    sqlite3_reset(stmt);
    return status;
}

enum status sq_row(struct sq *sq, sqlite3_stmt *stmt, bool *row, struct err *err)
{
    int rc = sqlite3_step(stmt);
    *row = rc == SQLITE_ROW;
    if (*row)
        return OK;
    enum status status = rc == SQLITE_DONE ? OK : sq_fail(sq, err, "reading from the store");
    sqlite3_reset(stmt);
    return status;
}

enum status sq_one_int(struct sq *sq, sqlite3_stmt *stmt, int64_t otherwise, int64_t *out,
                       struct err *err)
{
    bool row;
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    *out = row ? sqlite3_column_int64(stmt, 0) : otherwise;
    sqlite3_reset(stmt);
    return OK;
}

struct value sq_col_value(sqlite3_stmt *stmt, int at, struct arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    if (!text)
        return VALUE_NULL;
    uint32_t len = (uint32_t)sqlite3_column_bytes(stmt, at);
    char *copy = arena_alloc(arena, (size_t)len + 1);
    memcpy(copy, text, len);
    return (struct value){copy, len};
}

const char *sq_col_text(sqlite3_stmt *stmt, int at, struct arena *arena)
{
    return sq_col_value(stmt, at, arena).text;
}

int64_t sq_changes(struct sq *sq)
{
    return sqlite3_changes64(sq->db);
}

int64_t sq_now(struct sq *sq)
{
    return sq->world->now_ms(sq->world);
}

/* Only between transactions: nobody holds a statement then. */
static void trim_statements(struct sq *sq)
{
    if (map_count(sq->statements) > STATEMENTS_MAX)
        sq_forget_statements(sq);
}

static enum status refuse_broken(struct err *err)
{
    err_set(err, ERR_STORE_BROKEN, "an earlier write to the store failed: nothing more is written");
    err_hint(err, "Start argil again: it picks up from the journal.");
    return FAIL;
}

/* Another process opened the workspace since: this one must not write (W7). */
static enum status check_epoch(struct sq *sq, struct err *err)
{
    int64_t epoch;
    sqlite3_stmt *stmt = sq_stmt(sq, err, "SELECT value FROM meta WHERE name='epoch'");
    if (!stmt || sq_one_int(sq, stmt, 0, &epoch, err) != OK)
        return FAIL;
    if (epoch == sq->store.epoch)
        return OK;
    return err_set(err, ERR_STORE_LOCKED,
                   "another argil took over this workspace (epoch %lld, ours is %lld)",
                   (long long)epoch, (long long)sq->store.epoch);
}

enum status sq_begin(struct sq *sq, struct err *err)
{
    if (sq->read_only)
        return err_set(err, ERR_INVALID, "the workspace is open for reading only");
    if (atomic_load(&sq->home->broken))
        return refuse_broken(err);
    arena_reset(sq->scratch);
    trim_statements(sq);
    home_take_turn(sq->home);
    sq->has_turn = true;
    sqlite3_stmt *begin = sq_stmt(sq, err, "BEGIN IMMEDIATE");
    if (!begin || sq_done(sq, begin, err) != OK || check_epoch(sq, err) != OK)
        return sq_end(sq, FAIL, NULL);
    return OK;
}

enum status sq_begin_read(struct sq *sq, struct err *err)
{
    if (atomic_load(&sq->home->broken))
        return refuse_broken(err);
    trim_statements(sq);
    sqlite3_stmt *begin = sq_stmt(sq, err, "BEGIN");
    return begin ? sq_done(sq, begin, err) : FAIL;
}

static enum status commit(struct sq *sq, struct err *err)
{
    sqlite3_stmt *stmt = sq_stmt(sq, err, "COMMIT");
    return stmt ? sq_done(sq, stmt, err) : FAIL;
}

enum status sq_end(struct sq *sq, enum status rc, struct err *err)
{
    if (rc == OK && sq->has_turn)
        rc = sq_store_moves(sq, err);
    if (rc == OK)
        rc = commit(sq, err);
    vec_clear(&sq->moves);
    if (!sqlite3_get_autocommit(sq->db))
        sqlite3_exec(sq->db, "ROLLBACK", NULL, NULL, NULL);
    if (sq->has_turn)
        home_end_turn(sq->home);
    sq->has_turn = false;
    if (rc == OK)
        sq_tell_notes(sq);
    else
        sq_drop_notes(sq);
    return rc;
}
