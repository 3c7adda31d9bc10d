/* open.c - the data directory: its lock, its file, its epoch.
 *
 * Order of a writing open: lock, open or make workspace.db, check and migrate
 * the schema, epoch + 1, tidy what a dead process left (runs that "run", cells
 * that are "running"). A reading open takes no lock and changes nothing.
 *
 * The lock is flock(2) on DIR/lock, which the kernel lets go when the process
 * dies, however it dies. The file names its holder by process id, program and
 * command word only: further arguments may hold secrets.
 *
 * Further handles for other threads of the process (open_another) share all that
 * through home.c and only open the file. */
#include "store/sqlite/sqlite_priv.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct store_driver sqlite_driver;

/* ------------------------------------------------------------- directory */

static enum status make_folders(const char *path, struct err *err)
{
    char *copy = mem_printf("%s/", path);
    enum status rc = OK;
    for (char *slash = strchr(copy + 1, '/'); slash && rc == OK; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            rc = err_set(err, ERR_IO, "making folder %s: %s", copy, strerror(errno));
        *slash = '/';
    }
    free(copy);
    return rc;
}

static void own_command(char *out, size_t size)
{
    char raw[512] = {0};
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, raw, sizeof raw - 2);
    if (fd >= 0)
        close(fd);
    const char *program = len > 0 ? raw : "?", *base = strrchr(program, '/');
    const char *word = len > 0 ? program + strlen(program) + 1 : "";
    program = base ? base + 1 : program;
    bool plain = *word && strspn(word, "abcdefghijklmnopqrstuvwxyz") == strlen(word);
    snprintf(out, size, "%.60s%s%.20s", program, plain ? " " : "", plain ? word : "");
}

static enum status refuse_locked(const char *data, int fd, struct err *err)
{
    char holder[160] = {0};
    ssize_t len = pread(fd, holder, sizeof holder - 1, 0);
    holder[len > 0 ? strcspn(holder, "\n") : 0] = '\0';
    err_set(err, ERR_STORE_LOCKED, "another argil works on %s: process %s", data,
            *holder ? holder : "unknown");
    err_hint(err, "Wait for it, stop it, or talk to it with --url if it is a server.");
    return FAIL;
}

static enum status take_lock(struct sq *sq, struct err *err)
{
    char *path = mem_printf("%s/lock", sq->data), command[96], line[160];
    sq->home->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    if (sq->home->lock_fd < 0)
        return err_set(err, ERR_IO, "opening %s/lock: %s", sq->data, strerror(errno));
    if (flock(sq->home->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return refuse_locked(sq->data, sq->home->lock_fd, err);
    own_command(command, sizeof command);
    snprintf(line, sizeof line, "%ld (%s)\n", (long)getpid(), command);
    if (ftruncate(sq->home->lock_fd, 0) != 0 ||
        pwrite(sq->home->lock_fd, line, strlen(line), 0) != (ssize_t)strlen(line))
        return err_set(err, ERR_STORE_BROKEN, "writing %s/lock: %s", sq->data, strerror(errno));
    return OK;
}

static enum status no_workspace(struct sq *sq, struct err *err)
{
    err_set(err, ERR_STORE_NONE, "there is no workspace in %s", sq->data);
    err_hint(err, "Make one with: argil init --data %s", sq->data);
    return FAIL;
}

/* Makes an empty 0600 file, so that SQLite's own default mode does not matter. */
static enum status make_file(struct sq *sq, struct err *err)
{
    int fd = open(sq->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, ERR_STORE_BROKEN, "making %s: %s", sq->path, strerror(errno));
    int dir = open(sq->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        (void)fsync(dir);
        close(dir);
    }
    close(fd);
    return OK;
}

/* A file of no bytes is an init that was killed: not a workspace yet. */
static bool file_there(struct sq *sq)
{
    struct stat st;
    return stat(sq->path, &st) == 0 && st.st_size > 0;
}

/* -------------------------------------------------------------- database */

static enum status open_database(struct sq *sq, struct err *err)
{
    /* Counting every allocation costs a lock each; refused, and fine, when SQLite runs already. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int flags = (sq->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(sq->path, &sq->db, flags, NULL) != SQLITE_OK)
        return sq_fail(sq, err, "opening the workspace");
    if (sq_register_functions(sq->db) != SQLITE_OK)
        return sq_fail(sq, err, "preparing the store");
    sqlite3_busy_timeout(sq->db, 5000);
    sqlite3_db_config(sq->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sq->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (sq_exec(sq, "PRAGMA cache_size=-16384; PRAGMA temp_store=FILE;", err) != OK)
        return FAIL;
    if (sq->read_only)
        return sq_exec(sq, "PRAGMA query_only=ON", err);
    return sq_exec(sq,
                   "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                   "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864;"
                   "PRAGMA secure_delete=FAST;",
                   err);
}

static enum status check_is_ours(struct sq *sq, struct err *err)
{
    int64_t application, objects;
    sqlite3_stmt *stmt = sq_stmt(sq, err, "PRAGMA application_id");
    if (!stmt || sq_one_int(sq, stmt, 0, &application, err) != OK)
        return FAIL;
    if (application == SQ_APPLICATION_ID)
        return OK;
    stmt = sq_stmt(sq, err, "SELECT count(*) FROM sqlite_master");
    if (!stmt || sq_one_int(sq, stmt, 0, &objects, err) != OK)
        return FAIL;
    if (objects == 0 && !sq->read_only)
        return OK;
    return err_set(err, ERR_STORE_BROKEN, "%s is not an argil workspace", sq->path);
}

static enum status meta_put(struct sq *sq, const char *name, const char *value, struct err *err)
{
    sqlite3_stmt *stmt = sq_stmt(sq, err,
                                 "INSERT INTO meta(name,value) VALUES(?,?)"
                                 " ON CONFLICT(name) DO NOTHING");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    sq_text(stmt, 2, value);
    return sq_done(sq, stmt, err);
}

static enum status meta_get(struct sq *sq, const char *name, char **out, struct err *err)
{
    bool row;
    sqlite3_stmt *stmt = sq_stmt(sq, err, "SELECT value FROM meta WHERE name=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    *out = mem_strdup(row ? (const char *)sqlite3_column_text(stmt, 0) : "");
    sqlite3_reset(stmt);
    return OK;
}

static enum status next_epoch(struct sq *sq, const char *name, struct err *err)
{
    char id[37];
    uuid4(sq->world, id);
    if (meta_put(sq, "workspace_id", id, err) != OK ||
        meta_put(sq, "workspace_name", name && *name ? name : "workspace", err) != OK)
        return FAIL;
    return sq_exec(sq,
                   "INSERT INTO meta(name,value) VALUES('epoch',1)"
                   " ON CONFLICT(name) DO UPDATE SET value=value+1",
                   err);
}

/* Cells that were "running" in a process that is gone are due again. */
static enum status wake_cells(struct sq *sq, struct err *err)
{
    VEC(int64_t) ids = {0};
    enum status rc = FAIL;
    bool row = true;
    sqlite3_stmt *stmt = sq_stmt(sq, err, "SELECT id FROM tables");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row)
        vec_push(&ids, sqlite3_column_int64(stmt, 0));
    for (size_t i = 0; rc == OK && i < ids.len; i++) {
        char *sql = arena_printf(sq->scratch,
                                 "UPDATE s%lld SET state=%d, again=0 WHERE state=%d AND op_id=0",
                                 (long long)ids.at[i], CELL_DUE, CELL_RUNNING);
        rc = sq_exec(sq, sql, err);
    }
    vec_free(&ids);
    return rc;
}

/* We hold the data directory's lock: whoever had a lease is gone. */
static enum status tidy(struct sq *sq, struct err *err)
{
    if (sq_exec(sq, "DELETE FROM leases", err) != OK)
        return FAIL;
    char *sql = arena_printf(sq->scratch, "UPDATE runs SET state=%d, ended_ms=%lld WHERE state IN (%d,%d)",
                             RUN_INTERRUPTED, (long long)sq_now(sq), RUN_RUNNING, RUN_QUEUED);
    if (sq_exec(sq, sql, err) != OK)
        return FAIL;
    return wake_cells(sq, err);
}

static enum status read_epoch(struct sq *sq, struct err *err)
{
    sqlite3_stmt *stmt = sq_stmt(sq, err, "SELECT value FROM meta WHERE name='epoch'");
    return stmt ? sq_one_int(sq, stmt, 0, &sq->store.epoch, err) : FAIL;
}

/* sq_begin would refuse us as a zombie here: our epoch is about to be made. */
static enum status begin_epoch(struct sq *sq, const char *name, struct err *err)
{
    if (sq_exec(sq, "BEGIN IMMEDIATE", err) != OK)
        return FAIL;
    enum status rc = next_epoch(sq, name, err);
    if (rc == OK)
        rc = tidy(sq, err);
    if (rc == OK)
        rc = read_epoch(sq, err);
    return sq_end(sq, rc, err);
}

static enum status read_names(struct sq *sq, struct err *err)
{
    if (meta_get(sq, "workspace_id", &sq->id, err) != OK ||
        meta_get(sq, "workspace_name", &sq->name, err) != OK)
        return FAIL;
    sq->store.workspace_id = sq->id;
    sq->store.workspace_name = sq->name;
    return OK;
}

static enum status set_up(struct sq *sq, const struct store_open *options, struct err *err)
{
    if (open_database(sq, err) != OK || check_is_ours(sq, err) != OK || sq_migrate(sq, err) != OK)
        return FAIL;
    if (!sq->read_only && begin_epoch(sq, options->name, err) != OK)
        return FAIL;
    return read_names(sq, err);
}

static enum status prepare_folder(struct sq *sq, const struct store_open *options, struct err *err)
{
    if (options->create && !options->read_only) {
        if (make_folders(sq->data, err) != OK || take_lock(sq, err) != OK)
            return FAIL;
        return file_there(sq) ? OK : make_file(sq, err);
    }
    if (!file_there(sq))
        return no_workspace(sq, err);
    return options->read_only ? OK : take_lock(sq, err);
}

static void sq_close(struct store *store)
{
    if (!store)
        return;
    struct sq *sq = sq_of(store);
    sq_forget_statements(sq);
    map_free(sq->statements);
    sqlite3_close(sq->db);
    home_leave(sq->home);
    sq_drop_notes(sq);
    vec_free(&sq->notes);
    vec_free(&sq->moves);
    arena_free(sq->scratch);
    arena_free(sq->payload);
    free(sq->data);
    free(sq->path);
    free(sq->id);
    free(sq->name);
    free(sq);
}

static struct sq *sq_new(struct sq_home *home, struct world *world, const char *data,
                         bool read_only)
{
    struct sq *sq = mem_alloc(sizeof *sq);
    sq->store.does = &sqlite_driver;
    sq->home = home;
    sq->world = world;
    sq->read_only = read_only;
    sq->data = mem_strdup(data);
    sq->path = mem_printf("%s/workspace.db", data);
    sq->scratch = arena_new();
    sq->payload = arena_new();
    sq->statements = map_new();
    return sq;
}

static enum status sq_open_another(struct store *store, bool read_only, struct store **out,
                                   struct err *err)
{
    struct sq *first = sq_of(store);
    *out = NULL;
    if (first->read_only && !read_only)
        return err_set(err, ERR_INVALID, "the workspace is open for reading only");
    struct sq *sq = sq_new(home_join(first->home), first->world, first->data, read_only);
    sq->store.epoch = first->store.epoch;
    if (open_database(sq, err) != OK || read_names(sq, err) != OK) {
        sq_close(&sq->store);
        return FAIL;
    }
    *out = &sq->store;
    return OK;
}

enum status sqlite_store_open(const struct store_open *options, struct store **out, struct err *err)
{
    struct sq *sq = sq_new(home_new(), options->world, options->data, options->read_only);
    if (prepare_folder(sq, options, err) != OK || set_up(sq, options, err) != OK) {
        sq_close(&sq->store);
        *out = NULL;
        return FAIL;
    }
    *out = &sq->store;
    return OK;
}

static const struct store_driver sqlite_driver = {
    .name = "sqlite",
    .choices = &sq_choices,
    .counters = &sq_counters,
    .modes = &sq_modes,
    .contracts = &sq_contracts,
    .plans = &sq_plans,
    .close = sq_close,
    .open_another = sq_open_another,
    .watch = sq_watch,
    .leases = &sq_leases,
    .access = &sq_access,
    .describes = &sq_describes,
    .people = &sq_people,
    .runs = &sq_runs,
    .audit = &sq_audit,
    .connection_put = sq_connection_put,
    .connection_get = sq_connection_get,
    .connection_list = sq_connection_list,
    .connection_delete = sq_connection_delete,
    .sealed_put = sq_sealed_put,
    .sealed_get = sq_sealed_get,
    .sealed_delete = sq_sealed_delete,
    .sealed_replace = sq_sealed_replace,
    .sealed_list = sq_sealed_list,
    .table_apply = sq_table_apply,
    .table_get = sq_table_get,
    .table_list = sq_table_list,
    .table_set_auto_update = sq_table_set_auto_update,
    .table_set_next_sync = sq_table_set_next_sync,
    .column_approve = sq_column_approve,
    .table_delete = sq_table_delete,
    .import_page = sq_import_page,
    .import_finish = sq_import_finish,
    .sources = &sq_sources,
    .schedules = &sq_schedules,
    .views = &sq_views,
    .cursor_get = sq_cursor_get,
    .keys_list = sq_keys_list,
    .rows_delete = sq_rows_delete,
    .rows = sq_rows,
    .cells = sq_cells,
    .cells_put = sq_cells_put,
    .cells_make_due = sq_cells_make_due,
    .cells_count = sq_cells_count,
    .ops_plan = sq_ops_plan,
    .ops_sending = sq_ops_sending,
    .ops_settle = sq_ops_settle,
    .ops_put_off = sq_ops_put_off,
    .ops_list = sq_ops_list,
    .ops_last = sq_ops_last,
    .ops_count = sq_ops_count,
    .ops_recover = sq_ops_recover,
    .written_get = sq_written_get,
    .run_begin = sq_run_begin,
    .run_report = sq_run_report,
    .run_end = sq_run_end,
    .run_list = sq_run_list,
    .audit_add = sq_audit_add,
    .audit_verify = sq_audit_verify,
};
