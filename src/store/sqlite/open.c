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
    char *path = mem_printf("%s/lock", sq->place), command[96], line[160];
    sq->home->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    if (sq->home->lock_fd < 0)
        return err_set(err, ERR_IO, "opening %s/lock: %s", sq->place, strerror(errno));
    if (flock(sq->home->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return refuse_locked(sq->place, sq->home->lock_fd, err);
    own_command(command, sizeof command);
    snprintf(line, sizeof line, "%ld (%s)\n", (long)getpid(), command);
    if (ftruncate(sq->home->lock_fd, 0) != 0 ||
        pwrite(sq->home->lock_fd, line, strlen(line), 0) != (ssize_t)strlen(line))
        return err_set(err, ERR_STORE_BROKEN, "writing %s/lock: %s", sq->place, strerror(errno));
    return OK;
}

static enum status no_workspace(struct sq *sq, struct err *err)
{
    err_set(err, ERR_STORE_NONE, "there is no workspace in %s", sq->place);
    err_hint(err, "Make one with: argil init --data %s", sq->place);
    return FAIL;
}

/* Makes an empty 0600 file, so that SQLite's own default mode does not matter. */
static enum status make_file(struct sq *sq, struct err *err)
{
    int fd = open(sqlite_of(sq)->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, ERR_STORE_BROKEN, "making %s: %s", sqlite_of(sq)->path, strerror(errno));
    int dir = open(sq->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
    return stat(sqlite_of(sq)->path, &st) == 0 && st.st_size > 0;
}

/* -------------------------------------------------------------- database */

static enum status open_database(struct sq *sq, struct err *err)
{
    struct sqlite *s = sqlite_of(sq);
    /* Counting every allocation costs a lock each; refused, and fine, when SQLite runs already. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int flags = (sq->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
        return sqlite_fail(s, err, "opening the workspace");
    if (sqlite_register_functions(s->db) != SQLITE_OK)
        return sqlite_fail(s, err, "preparing the store");
    sqlite3_busy_timeout(s->db, 5000);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (sq_exec(sq, "PRAGMA cache_size=-16384; PRAGMA temp_store=FILE;", err) != OK)
        return FAIL;
    if (sq->read_only)
        return sq_exec(sq, "PRAGMA query_only=ON", err);
    /* 8 KB (of a new file): a fifth less CPU for an import than 4, and small commits stay small */
    return sq_exec(sq,
                   "PRAGMA page_size=8192;"
                   "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                   "PRAGMA wal_autocheckpoint=2000; PRAGMA journal_size_limit=67108864;"
                   "PRAGMA secure_delete=FAST;",
                   err);
}

static enum status check_is_ours(struct sq *sq, struct err *err)
{
    int64_t application, objects;
    struct sq_stmt *stmt = sq_stmt(sq, err, "PRAGMA application_id");
    if (!stmt || sq_one_int(sq, stmt, 0, &application, err) != OK)
        return FAIL;
    if (application == SQLITE_APPLICATION_ID)
        return OK;
    stmt = sq_stmt(sq, err, "SELECT count(*) FROM sqlite_master");
    if (!stmt || sq_one_int(sq, stmt, 0, &objects, err) != OK)
        return FAIL;
    if (objects == 0 && !sq->read_only)
        return OK;
    return err_set(err, ERR_STORE_BROKEN, "%s is not an argil workspace", sqlite_of(sq)->path);
}

/* sq_begin would refuse us as a zombie here: our epoch is about to be made. */
static enum status begin_epoch(struct sq *sq, const struct store_open *options, struct err *err)
{
    if (sq_exec(sq, "BEGIN IMMEDIATE", err) != OK)
        return FAIL;
    enum status rc = sq_next_epoch(sq, options->name, err);
    int64_t before = sq->store.epoch - 1;
    if (rc == OK)
        rc = sq_tidy(sq, err);
    if (rc == OK)
        rc = sqlite_lineage_check(sq, options->seen, before, err);
    return sq_end(sq, rc, err);
}

static enum status set_up(struct sq *sq, const struct store_open *options, struct err *err)
{
    if (open_database(sq, err) != OK || check_is_ours(sq, err) != OK || sq_migrate(sq, err) != OK)
        return FAIL;
    if (!sq->read_only && begin_epoch(sq, options, err) != OK)
        return FAIL;
    if (sq_read_names(sq, err) != OK)
        return FAIL;
    if (!sq->read_only && options->seen)
        sqlite_lineage_mark(sq, options->seen);
    return OK;
}

static enum status prepare_folder(struct sq *sq, const struct store_open *options, struct err *err)
{
    if (options->create && !options->read_only) {
        if (make_folders(sq->place, err) != OK || take_lock(sq, err) != OK)
            return FAIL;
        return file_there(sq) ? OK : make_file(sq, err);
    }
    if (!file_there(sq))
        return no_workspace(sq, err);
    return options->read_only ? OK : take_lock(sq, err);
}

void sqlite_close_store(struct sq *sq)
{
    struct sqlite *s = sqlite_of(sq);
    sqlite_engine.forget(sq);
    map_free(s->statements);
    sqlite3_close(s->db);
    free(s->path);
    sq_close_session(sq);
    free(s);
}

static struct sq *open_session(struct sq_home *home, struct world *world, const char *data,
                               bool read_only)
{
    struct sqlite *s = mem_alloc(sizeof *s);
    sq_open_session(&s->sq, &sq_sqlite_driver, &sqlite_engine, home, world, data, read_only);
    s->path = mem_printf("%s/workspace.db", data);
    s->statements = map_new();
    return &s->sq;
}

enum status sqlite_open_another(struct sq *first, bool read_only, struct store **out,
                                struct err *err)
{
    struct sq *sq = open_session(home_join(first->home), first->world, first->place, read_only);
    sq->store.epoch = first->store.epoch;
    if (open_database(sq, err) != OK || sq_read_names(sq, err) != OK) {
        sqlite_close_store(sq);
        return FAIL;
    }
    *out = &sq->store;
    return OK;
}

enum status sqlite_store_open(const struct store_open *options, struct store **out, struct err *err)
{
    struct sq *sq = open_session(home_new(), options->world, options->data, options->read_only);
    sq->schema = options->schema;
    if (prepare_folder(sq, options, err) != OK || set_up(sq, options, err) != OK) {
        sqlite_close_store(sq);
        *out = NULL;
        return FAIL;
    }
    *out = &sq->store;
    return OK;
}
