/* backup.c - see store_backup.h.
 *
 * Taking one: a reading handle begins a transaction, which fixes the moment (WAL); its
 * pages go into FILE.part through SQLite's backup interface; what makes it a backup is
 * written there; it is checked, synced, hashed, renamed; the manifest comes last, so
 * that a file with a manifest is complete. */
#include "store/sqlite/sqlite_priv.h"
#include "store/store_backup.h"

#include "base/json.h"
#include "base/when.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT        1
#define PAGES_AT_ONCE 1000
#define MANIFEST_MAX  (64 * 1024)

static enum status disk(struct err *err, const char *doing, const char *path)
{
    return err_set(err, ERR_IO, "%s %s: %s", doing, path, strerror(errno));
}

static enum status sync_path(const char *path, int flags, struct err *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    enum status rc = good ? OK : disk(err, "syncing", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

static const char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

static enum status sync_folder(struct arena *arena, const char *path, struct err *err)
{
    return sync_path(folder_of(arena, path), O_RDONLY | O_DIRECTORY, err);
}

static enum status hash_file(const char *path, char out[65], int64_t *bytes, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        disk(err, "reading", path);
        if (fd >= 0)
            close(fd);
        return FAIL;
    }
    size_t len = (size_t)st.st_size;
    void *text = len ? mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (text == MAP_FAILED)
        return disk(err, "reading", path);
    sha256_hex(text ? text : "", len, out);
    if (text)
        munmap(text, len);
    *bytes = st.st_size;
    return OK;
}

/* ---------------------------------------------------------------- manifest */

static enum status manifest_write(const struct store_backup *b, struct arena *arena,
                                  struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    char when[32];
    const char *slash = strrchr(b->file, '/');
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_int(&w, "format", FORMAT);
    jw_kv_text(&w, "argil", b->argil);
    jw_kv_text(&w, "file", slash ? slash + 1 : b->file);
    jw_kv_text(&w, "sha256", b->sha256);
    jw_kv_int(&w, "bytes", b->bytes);
    when_iso(b->taken_ms, when);
    jw_kv_text(&w, "taken", when);
    jw_kv_int(&w, "taken_ms", b->taken_ms);
    jw_kv_text(&w, "workspace_id", b->workspace_id);
    jw_kv_text(&w, "workspace_name", b->workspace_name);
    jw_kv_int(&w, "schema", b->schema);
    jw_kv_int(&w, "epoch", b->epoch);
    jw_kv_int(&w, "tables", b->tables);
    jw_kv_int(&w, "rows", b->rows);
    jw_kv_int(&w, "operations", b->operations);
    jw_kv_int(&w, "open_operations", b->open_operations);
    jw_kv_bool(&w, "key_included", false);
    jw_end_object(&w);
    buf_str(&text, "\n");
    const char *part = arena_printf(arena, "%s.part", b->manifest);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    enum status rc = good ? OK : disk(err, "writing", part);
    if (fd >= 0)
        close(fd);
    buf_free(&text);
    if (rc == OK && rename(part, b->manifest) != 0)
        rc = disk(err, "writing", b->manifest);
    return rc == OK ? sync_folder(arena, b->manifest, err) : FAIL;
}

static enum status damaged(struct err *err, const char *file, const char *how)
{
    err_set(err, ERR_BACKUP_DAMAGED, "%s: %s", file, how);
    err_hint(err, "A backup is two files, FILE and FILE.manifest.json, as `argil store backup` "
                  "wrote them. Take another copy of both.");
    return FAIL;
}

static enum status manifest_read(const char *file, struct arena *arena, struct store_backup *out,
                                 struct err *err)
{
    *out = (struct store_backup){.file = arena_strdup(arena, file),
                                 .manifest = arena_printf(arena, "%s.manifest.json", file)};
    char *text = arena_array(arena, MANIFEST_MAX, 1);
    int fd = open(out->manifest, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, MANIFEST_MAX);
    if (fd >= 0)
        close(fd);
    if (len < 0)
        return damaged(err, out->manifest, "it cannot be read");
    struct err ignored = {0};
    const struct json *json = json_parse(arena, text, (size_t)len, &ignored);
    const char *sha = json_get_text(json, "sha256"), *id = json_get_text(json, "workspace_id");
    if (!json_is(json, JSON_OBJECT) || !sha || strlen(sha) != 64 || !id)
        return damaged(err, out->manifest, "it is no manifest of a backup");
    if (json_get_int(json, "format", 0) > FORMAT)
        return err_set(err, ERR_STORE_NEWER, "%s was written by a newer argil", file);
    memcpy(out->sha256, sha, 65);
    out->workspace_id = id;
    out->workspace_name = json_get_text(json, "workspace_name");
    out->argil = json_get_text(json, "argil");
    out->bytes = json_get_int(json, "bytes", -1);
    out->schema = json_get_int(json, "schema", 0);
    out->epoch = json_get_int(json, "epoch", 0);
    out->taken_ms = json_get_int(json, "taken_ms", 0);
    out->tables = json_get_int(json, "tables", 0);
    out->rows = json_get_int(json, "rows", 0);
    out->operations = json_get_int(json, "operations", 0);
    out->open_operations = json_get_int(json, "open_operations", 0);
    return OK;
}

enum status sqlite_store_backup_check(const char *file, struct arena *arena,
                                      struct store_backup *out, struct err *err)
{
    char sha[65];
    int64_t bytes;
    if (manifest_read(file, arena, out, err) != OK || hash_file(file, sha, &bytes, err) != OK)
        return FAIL;
    if (bytes != out->bytes)
        return damaged(err, file, "its size is not what the manifest says");
    if (strcmp(sha, out->sha256) != 0)
        return damaged(err, file, "its content is not what the manifest says");
    if (out->schema > sq_schema_version()) {
        err_set(err, ERR_STORE_NEWER,
                "%s was written by a newer argil (schema %lld; this one knows %d)", file,
                (long long)out->schema, sq_schema_version());
        err_hint(err, "Use that argil, or a newer one. Nothing was changed.");
        return FAIL;
    }
    return OK;
}

/* ------------------------------------------------------------------- taking */

static enum status copy_pages(struct sq *from, sqlite3 *to, const char *part, struct err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", sqlite_of(from)->db, "main");
    int rc = backup ? SQLITE_OK : sqlite3_errcode(to);
    while (backup && (rc = sqlite3_backup_step(backup, PAGES_AT_ONCE)) == SQLITE_OK)
        ;
    int end = backup ? sqlite3_backup_finish(backup) : rc;
    if (rc == SQLITE_DONE && end == SQLITE_OK)
        return OK;
    return err_set(err, ERR_IO, "copying the workspace to %s: %s", part,
                   sqlite3_errstr(end != SQLITE_OK ? end : rc));
}

static enum status number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt = NULL;
    bool row = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
               sqlite3_step(stmt) == SQLITE_ROW;
    *out = row ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return row ? OK : FAIL;
}

static enum status count_things(sqlite3 *db, struct store_backup *out)
{
    bool good =
        number(db, "PRAGMA user_version", &out->schema) == OK &&
        number(db, "SELECT value FROM meta WHERE name='epoch'", &out->epoch) == OK &&
        number(db, "SELECT count(*) FROM tables", &out->tables) == OK &&
        number(db, "SELECT coalesce(sum(row_count),0) FROM tables", &out->rows) == OK &&
        number(db, "SELECT count(*) FROM ops", &out->operations) == OK &&
        number(db, "SELECT count(*) FROM ops WHERE state<6", &out->open_operations) == OK;
    return good ? OK : FAIL;
}

/* One file that needs no other, sound, and knowing what it is. */
static enum status finish_copy(sqlite3 *db, const char *part, struct store_backup *out,
                               struct err *err)
{
    char sql[200];
    int64_t sound = 0;
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;"
             "INSERT OR REPLACE INTO meta(name,value) VALUES('home','backup %lld');",
             (long long)out->taken_ms);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK || count_things(db, out) != OK)
        return err_set(err, ERR_IO, "finishing %s: %s", part, sqlite3_errmsg(db));
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        sound = !strcmp((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    if (!sound)
        return err_set(err, ERR_STORE_BROKEN,
                       "the workspace is damaged: its copy does not hold together");
    return OK;
}

static enum status copy_to(struct sq *from, const char *part, struct store_backup *out,
                           struct err *err)
{
    sqlite3 *to = NULL;
    int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return disk(err, "making", part);
    close(fd);
    if (sqlite3_open_v2(part, &to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        err_set(err, ERR_IO, "opening %s: %s", part, sqlite3_errmsg(to));
        sqlite3_close(to);
        return FAIL;
    }
    enum status rc = copy_pages(from, to, part, err);
    if (rc == OK)
        rc = finish_copy(to, part, out, err);
    if (sqlite3_close(to) != SQLITE_OK && rc == OK)
        rc = err_set(err, ERR_IO, "closing %s", part);
    return rc == OK ? sync_path(part, O_RDONLY, err) : FAIL;
}

static enum status refuse_there(const char *file, struct err *err)
{
    if (access(file, F_OK) != 0)
        return OK;
    err_set(err, ERR_BACKUP_THERE, "%s is there already", file);
    err_hint(err, "Give another name; a backup never overwrites one.");
    return FAIL;
}

static enum status take(struct sq *from, const char *part, struct arena *arena,
                        struct store_backup *out, struct err *err)
{
    int64_t ignored;
    struct sq_stmt *stmt;
    if (sq_begin_read(from, err) != OK)
        return FAIL;
    stmt = sq_stmt(from, err, "SELECT count(*) FROM meta"); /* from here on it is one moment */
    enum status rc = stmt ? sq_one_int(from, stmt, 0, &ignored, err) : FAIL;
    if (rc == OK)
        rc = copy_to(from, part, out, err);
    struct err end = {0};
    (void)sq_end(from, rc, &end);
    if (rc == OK)
        rc = hash_file(part, out->sha256, &out->bytes, err);
    if (rc == OK && rename(part, out->file) != 0)
        rc = disk(err, "writing", out->file);
    if (rc == OK)
        rc = sync_folder(arena, out->file, err);
    return rc == OK ? manifest_write(out, arena, err) : FAIL;
}

enum status sqlite_store_backup(const char *data, const char *file, struct world *world,
                                struct arena *arena, struct store_backup *out, struct err *err)
{
    struct store *store = NULL;
    struct store_open options = {.data = data, .read_only = true, .world = world};
    *out = (struct store_backup){.file = arena_strdup(arena, file),
                                 .manifest = arena_printf(arena, "%s.manifest.json", file),
                                 .argil = ARGIL_VERSION};
    const char *part = arena_printf(arena, "%s.part", file);
    if (refuse_there(file, err) != OK || refuse_there(out->manifest, err) != OK ||
        sqlite_store_open(&options, &store, err) != OK)
        return FAIL;
    out->workspace_id = arena_strdup(arena, store->workspace_id);
    out->workspace_name = arena_strdup(arena, store->workspace_name);
    out->taken_ms = world->now_ms(world);
    enum status rc = take(sq_of(store), part, arena, out, err);
    if (rc != OK)
        (void)unlink(part);
    store->does->close(store);
    return rc;
}

/* ---------------------------------------------------------------- restoring */

static enum status copy_file(const char *from, const char *to, struct err *err)
{
    char piece[64 * 1024];
    ssize_t len = 0;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = out >= 0;
    while (good && (len = read(in, piece, sizeof piece)) > 0)
        good = write(out, piece, (size_t)len) == len;
    good = good && len == 0 && fsync(out) == 0;
    enum status rc = good ? OK : disk(err, "copying", in < 0 ? from : to);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return rc;
}

static enum status move_aside(const char *data, struct world *world, struct arena *arena,
                              const char **kept, struct err *err)
{
    static const char *const files[] = {"workspace.db", "workspace.db-wal", "workspace.db-shm"};
    const char *folder = arena_printf(arena, "%s/replaced-%lld", data, (long long)world->now_ms(world));
    if (mkdir(folder, 0700) != 0)
        return disk(err, "making", folder);
    for (size_t i = 0; i < 3; i++) {
        const char *from = arena_printf(arena, "%s/%s", data, files[i]);
        if (rename(from, arena_printf(arena, "%s/%s", folder, files[i])) != 0 && errno != ENOENT)
            return disk(err, "moving", from);
    }
    if (kept)
        *kept = folder;
    return OK;
}

static enum status lock_folder(const char *data, int *fd, struct err *err)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/lock", data);
    if (mkdir(data, 0700) != 0 && errno != EEXIST)
        return disk(err, "making folder", data);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return disk(err, "opening", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return OK;
    err_set(err, ERR_STORE_LOCKED, "another argil works on %s", data);
    err_hint(err, "Stop it, then restore.");
    return FAIL;
}

static enum status put_in_place(const char *file, const char *data, bool replace,
                                struct world *world, struct arena *arena, const char **kept,
                                struct err *err)
{
    struct stat st;
    const char *place = arena_printf(arena, "%s/workspace.db", data);
    const char *part = arena_printf(arena, "%s/workspace.db.restoring", data);
    bool there = stat(place, &st) == 0 && st.st_size > 0;
    if (there && !replace) {
        err_set(err, ERR_BACKUP_THERE, "there is a workspace in %s", data);
        err_hint(err, "--replace moves it aside; or restore into another --data DIR.");
        return FAIL;
    }
    if (copy_file(file, part, err) != OK ||
        (there && move_aside(data, world, arena, kept, err) != OK))
        return FAIL;
    if (rename(part, place) != 0)
        return disk(err, "writing", place);
    return sync_folder(arena, place, err);
}

enum status sqlite_store_restore(const char *file, const char *data, bool replace,
                                 struct world *world, struct arena *arena,
                                 struct store_backup *out, const char **kept, struct err *err)
{
    int lock = -1;
    if (kept)
        *kept = NULL;
    if (sqlite_store_backup_check(file, arena, out, err) != OK)
        return FAIL;
    enum status rc = lock_folder(data, &lock, err);
    if (rc == OK)
        rc = put_in_place(file, data, replace, world, arena, kept, err);
    if (lock >= 0)
        close(lock);
    return rc;
}
