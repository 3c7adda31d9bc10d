/* engine.c - statements and transactions on SQLite, and what its result codes mean to us. */
#include "store/sqlite/sqlite_priv.h"

#include "base/mem.h"

#include <stdlib.h>
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

enum status sqlite_fail(struct sqlite *s, struct err *err, const char *doing)
{
    int extended = sqlite3_extended_errcode(s->db), code = extended & 0xff;
    const char *text = sqlite3_errmsg(s->db);
    if (code == SQLITE_CONSTRAINT)
        return err_set(err, ERR_CONFLICT, "%s: %s", doing, text);
    if (code == SQLITE_TOOBIG)
        return err_set(err, ERR_TOO_LARGE, "%s: a value is too large", doing);
    if (code == SQLITE_ERROR && strncmp(text, "no such table: ", 15) == 0)
        return err_set(err, ERR_NOT_FOUND, "%s: the table was deleted meanwhile", doing);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        err_set(err, ERR_STORE_LOCKED, "%s: another program is using %s", doing, s->path);
        err_hint(err, "Close what has the database file open (a SQLite shell, a backup tool).");
        return FAIL;
    }
    atomic_store(&s->sq.home->broken, true);
    err_set(err, ERR_STORE_BROKEN, "%s: %s (SQLite %d) in %s", doing, text, extended, s->path);
    err_hint(err, "%s", hint_for(code));
    return FAIL;
}

struct statement {
    struct sq_stmt stmt; /* first: a struct sq_stmt * of ours is a struct statement * */
    sqlite3_stmt *db;
};

static sqlite3_stmt *of(struct sq_stmt *stmt)
{
    return ((struct statement *)stmt)->db;
}

static enum status exec(struct sq *sq, const char *sql, struct err *err)
{
    struct sqlite *s = sqlite_of(sq);
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_fail(s, err, "preparing the store");
    return OK;
}

/* ------------------------------------------------------------- statements */

static void forget(struct sq *sq)
{
    struct sqlite *s = sqlite_of(sq);
    size_t at = 0;
    const char *sql;
    void *found;
    while (s->statements && map_next(s->statements, &at, &sql, &found)) {
        struct statement *statement = found;
        sqlite3_finalize(statement->db);
        free(statement);
    }
    map_free(s->statements);
    s->statements = map_new();
}

static void trim(struct sq *sq)
{
    if (map_count(sqlite_of(sq)->statements) > STATEMENTS_MAX)
        forget(sq);
}

static struct sq_stmt *stmt(struct sq *sq, const char *sql, struct err *err)
{
    struct sqlite *s = sqlite_of(sq);
    struct statement *known = map_get(s->statements, sql);
    sqlite3_stmt *made;
    if (known) {
        sqlite3_reset(known->db);
        sqlite3_clear_bindings(known->db);
        return &known->stmt;
    }
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL) != SQLITE_OK) {
        sqlite_fail(s, err, "asking the store");
        return NULL;
    }
    known = mem_alloc(sizeof *known);
    *known = (struct statement){{&sqlite_engine}, made};
    map_put(s->statements, sql, known);
    return &known->stmt;
}

static void bind_int(struct sq_stmt *stmt, int at, int64_t value)
{
    sqlite3_bind_int64(of(stmt), at, value);
}

static void bind_text(struct sq_stmt *stmt, int at, const char *text, size_t len)
{
    if (text)
        sqlite3_bind_text(of(stmt), at, text, (int)len, SQLITE_STATIC);
    else
        sqlite3_bind_null(of(stmt), at);
}

static void bind_bytes(struct sq_stmt *stmt, int at, const char *bytes, size_t len)
{
    sqlite3_bind_blob(of(stmt), at, bytes, (int)len, SQLITE_STATIC);
}

static enum status done(struct sq *sq, struct sq_stmt *stmt, struct err *err)
{
    int rc = sqlite3_step(of(stmt));
    enum status status = rc == SQLITE_DONE || rc == SQLITE_ROW
                             ? OK
                             : sqlite_fail(sqlite_of(sq), err, "writing to the store");
    sqlite3_reset(of(stmt));
    return status;
}

static enum status row(struct sq *sq, struct sq_stmt *stmt, bool *row, struct err *err)
{
    int rc = sqlite3_step(of(stmt));
    *row = rc == SQLITE_ROW;
    if (*row)
        return OK;
    enum status status =
        rc == SQLITE_DONE ? OK : sqlite_fail(sqlite_of(sq), err, "reading from the store");
    sqlite3_reset(of(stmt));
    return status;
}

static void stream(struct sq_stmt *stmt)
{
    (void)stmt; /* rows come one by one anyway */
}

static void reset(struct sq_stmt *stmt)
{
    sqlite3_reset(of(stmt));
}

static int64_t col_int(struct sq_stmt *stmt, int at)
{
    return sqlite3_column_int64(of(stmt), at);
}

/* A BLOB's bytes come as they are; texts end in 0. */
static const char *col_peek(struct sq_stmt *stmt, int at)
{
    if (sqlite3_column_type(of(stmt), at) == SQLITE_BLOB)
        return sqlite3_column_blob(of(stmt), at);
    return (const char *)sqlite3_column_text(of(stmt), at);
}

static uint32_t col_len(struct sq_stmt *stmt, int at)
{
    return (uint32_t)sqlite3_column_bytes(of(stmt), at);
}

static int64_t changes(struct sq *sq)
{
    return sqlite3_changes64(sqlite_of(sq)->db);
}

static int64_t last_id(struct sq *sq)
{
    return sqlite3_last_insert_rowid(sqlite_of(sq)->db);
}

/* ----------------------------------------------------------- transactions */

/* Another process opened the workspace since: this one must not write (W7). */
static enum status check_epoch(struct sq *sq, struct err *err)
{
    int64_t epoch;
    struct sq_stmt *get = sq_stmt(sq, err, "SELECT value FROM meta WHERE name='epoch'");
    if (!get || sq_one_int(sq, get, 0, &epoch, err) != OK)
        return FAIL;
    if (epoch == sq->store.epoch)
        return OK;
    return err_set(err, ERR_STORE_LOCKED,
                   "another argil took over this workspace (epoch %lld, ours is %lld)",
                   (long long)epoch, (long long)sq->store.epoch);
}

static enum status begin(struct sq *sq, bool write, struct err *err)
{
    if (write) {
        home_take_turn(sq->home);
        sqlite_of(sq)->has_turn = true;
    }
    struct sq_stmt *begin = sq_stmt(sq, err, write ? "BEGIN IMMEDIATE" : "BEGIN");
    if (!begin || done(sq, begin, err) != OK)
        return FAIL;
    return write ? check_epoch(sq, err) : OK;
}

static enum status commit(struct sq *sq, struct err *err)
{
    struct sq_stmt *commit = sq_stmt(sq, err, "COMMIT");
    return commit ? done(sq, commit, err) : FAIL;
}

static void rollback(struct sq *sq)
{
    struct sqlite *s = sqlite_of(sq);
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    if (s->has_turn)
        home_end_turn(sq->home);
    s->has_turn = false;
}

/* The data directory's lock lets one process in. */
static enum status live_epochs(struct sq *sq, const char **out, struct err *err)
{
    (void)err;
    *out = arena_printf(sq->scratch, "%lld", (long long)sq->store.epoch);
    return OK;
}

/* secure_delete=ON overwrites what is deleted; the log holds the old pages as well. */
static enum status scrub(struct sq *sq, bool on, bool log_too, struct err *err)
{
    sqlite3 *db = sqlite_of(sq)->db;
    if (on)
        return exec(sq, "PRAGMA secure_delete=ON", err);
    sqlite3_exec(db, "PRAGMA secure_delete=FAST", NULL, NULL, NULL);
    if (log_too)
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return OK;
}

static enum status new_line(struct sq *sq, struct err *err)
{
    sq->store.epoch += SQ_NEW_LINE;
    return exec(sq,
                arena_printf(sq->scratch,
                             "UPDATE meta SET value=%lld WHERE name='epoch';"
                             "INSERT INTO sqlite_sequence(name,seq) SELECT name,0 FROM sqlite_master"
                             " WHERE type='table' AND sql LIKE '%%AUTOINCREMENT%%'"
                             " AND name NOT IN (SELECT name FROM sqlite_sequence);"
                             "UPDATE sqlite_sequence SET seq=seq+1000",
                             (long long)sq->store.epoch),
                err);
}

/* ------------------------------------------------------------------- copy */

static enum status list_tables(struct sq *sq, struct arena *arena, const char ***out,
                               size_t *count, struct err *err)
{
    VEC(const char *) list = {0};
    enum status rc = FAIL;
    bool more = true;
    struct sq_stmt *get = sq_stmt(sq, err,
                                  "SELECT name FROM sqlite_master WHERE type='table'"
                                  " AND name NOT LIKE 'sqlite_%' ORDER BY name");
    while (get && (rc = sq_row(sq, get, &more, err)) == OK && more)
        vec_push(&list, sq_col_text(get, 0, arena));
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    if (list.len)
        memcpy(*out, list.at, list.len * sizeof **out);
    vec_free(&list);
    return rc;
}

static enum status list_columns(struct sq *sq, struct arena *arena, const char *table,
                                struct sq_column **out, size_t *count, struct err *err)
{
    VEC(struct sq_column) list = {0};
    enum status rc = FAIL;
    bool more = true;
    struct sq_stmt *get =
        sq_stmt(sq, err, "SELECT name,type FROM pragma_table_info(?) ORDER BY name");
    if (get)
        sq_text(get, 1, table);
    while (get && (rc = sq_row(sq, get, &more, err)) == OK && more) {
        struct sq_column column = {sq_col_text(get, 0, arena),
                                   strcmp(sq_col_peek(get, 1), "INTEGER") == 0};
        vec_push(&list, column);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    if (list.len)
        memcpy(*out, list.at, list.len * sizeof **out);
    vec_free(&list);
    return rc;
}

static enum status next_id(struct sq *sq, const char *table, int64_t *next, struct err *err)
{
    struct sq_stmt *get = sq_stmt(sq, err, "SELECT seq+1 FROM sqlite_sequence WHERE name=?");
    if (!get)
        return FAIL;
    sq_text(get, 1, table);
    return sq_one_int(sq, get, 0, next, err);
}

static enum status raise_id(struct sq *sq, const char *table, int64_t next, struct err *err)
{
    static const char *const sql[] = {
        "INSERT INTO sqlite_sequence(name,seq) SELECT ?1,0 WHERE ?2>0 AND NOT EXISTS"
        "(SELECT 1 FROM sqlite_sequence WHERE name=?1)",
        "UPDATE sqlite_sequence SET seq=max(seq,?2-1) WHERE name=?1"};
    for (int i = 0; i < 2; i++) {
        struct sq_stmt *set = sq_stmt(sq, err, sql[i]);
        if (!set)
            return FAIL;
        sq_text(set, 1, table);
        sq_int(set, 2, next);
        if (sq_done(sq, set, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status rename_workspace(struct sq *sq, const char *id, const char *name,
                                    struct err *err)
{
    (void)sq, (void)id, (void)name, (void)err; /* its names are in meta only */
    return OK;
}

/* ----------------------------------------------------------------- schema */

static enum status each_workspace(struct sq *sq,
                                  enum status (*run)(struct sq *, const char *, struct err *),
                                  const char *sql, struct err *err)
{
    return run(sq, sql, err);
}

static void tell_late(struct sq *sq, struct err *err)
{
    (void)sq, (void)err; /* failures are told when they happen */
}

static enum status begin_schema(struct sq *sq, struct err *err)
{
    return exec(sq, "BEGIN IMMEDIATE", err);
}

static enum status get_version(struct sq *sq, int64_t *version, struct err *err)
{
    struct sq_stmt *get = sq_stmt(sq, err, "PRAGMA user_version");
    return get ? sq_one_int(sq, get, 0, version, err) : FAIL;
}

static enum status set_version(struct sq *sq, int64_t version, struct err *err)
{
    char *pragma = arena_printf(sq->scratch, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
                                SQLITE_APPLICATION_ID, (int)version);
    return exec(sq, pragma, err);
}

const struct sq_engine sqlite_engine = {
    .close = sqlite_close_store,
    .open_another = sqlite_open_another,
    .stmt = stmt,
    .trim = trim,
    .forget = forget,
    .bind_int = bind_int,
    .bind_text = bind_text,
    .bind_bytes = bind_bytes,
    .done = done,
    .row = row,
    .stream = stream,
    .reset = reset,
    .col_int = col_int,
    .col_peek = col_peek,
    .col_len = col_len,
    .changes = changes,
    .last_id = last_id,
    .exec = exec,
    .begin = begin,
    .skip_locked = "",
    .commit = commit,
    .rollback = rollback,
    .live_epochs = live_epochs,
    .scrub = scrub,
    .new_line = new_line,
    .list_tables = list_tables,
    .list_columns = list_columns,
    .next_id = next_id,
    .raise_id = raise_id,
    .rename = rename_workspace,
    .each_workspace = each_workspace,
    .tell_late = tell_late,
    .begin_schema = begin_schema,
    .get_version = get_version,
    .set_version = set_version,
};
