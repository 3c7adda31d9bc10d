/* disk.c - see sim.h. A VFS over the one in memory (ram.c): what is written to the followed
 * folder since its file's last sync is remembered with what stood there before.
 *
 * A kill leaves every write in place (the page cache outlives the process). A
 * power loss takes back a drawn part of them, newest first, some only in part: the
 * sectors of a write may reach the platter in any order until a sync says they did. */
#include "sim/sim.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512

struct undo { /* one unsynced write or truncation */
    char *before;
    int64_t at;
    int64_t len;      /* bytes of `before` */
    int64_t size;     /* of the file before */
};

struct followed { /* a file of the followed folder, by name: it outlives its handles */
    char *path;
    VEC(struct undo) undo;
};

struct door {
    sqlite3_file base;
    sqlite3_file *inner;
    struct followed *file; /* NULL = not followed */
};

static sqlite3_vfs *real, ours;
static struct sim *current;
static char prefix[256];
static VEC(struct followed *) files;

static sqlite3_file *inner(sqlite3_file *file)
{
    return ((struct door *)file)->inner;
}

static struct followed *followed_named(const char *path)
{
    if (!path || !prefix[0] || strncmp(path, prefix, strlen(prefix)) != 0)
        return NULL;
    const char *dash = strrchr(path, '-');
    if (dash && strcmp(dash, "-shm") == 0)
        return NULL;
    for (size_t i = 0; i < files.len; i++)
        if (strcmp(files.at[i]->path, path) == 0)
            return files.at[i];
    struct followed *file = calloc(1, sizeof *file);
    file->path = strdup(path);
    vec_push(&files, file);
    return file;
}

static void forget(struct followed *file)
{
    for (size_t i = 0; i < file->undo.len; i++)
        free(file->undo.at[i].before);
    vec_clear(&file->undo);
}

/* Keeps what stands in [at, at + len) and the size. */
static void remember(struct door *door, int64_t at, int64_t len)
{
    sqlite3_int64 size = 0;
    door->inner->pMethods->xFileSize(door->inner, &size);
    struct undo undo = {.at = at, .size = size};
    undo.len = at >= size ? 0 : at + len > size ? size - at : len;
    undo.before = malloc((size_t)undo.len + 1);
    if (undo.len)
        door->inner->pMethods->xRead(door->inner, undo.before, (int)undo.len, at);
    vec_push(&door->file->undo, undo);
}

static int door_close(sqlite3_file *file)
{
    return inner(file)->pMethods->xClose(inner(file));
}

static int door_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
    return inner(file)->pMethods->xRead(inner(file), to, len, at);
}

/* SQLITE_OK, or how this write ends. */
static int broken(struct door *door, const char *what, int64_t detail, int error)
{
    return door->file ? sim_disk_event(current, what, detail, error) : SQLITE_OK;
}

static int door_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
    struct door *door = (struct door *)file;
    int rc = broken(door, "write", at, SQLITE_IOERR_WRITE);
    if (rc != SQLITE_OK)
        return rc;
    if (door->file)
        remember(door, at, len);
    return door->inner->pMethods->xWrite(door->inner, from, len, at);
}

static int door_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct door *door = (struct door *)file;
    sqlite3_int64 now = 0;
    int rc = broken(door, "truncate", size, SQLITE_IOERR_TRUNCATE);
    if (rc != SQLITE_OK)
        return rc;
    door->inner->pMethods->xFileSize(door->inner, &now);
    if (door->file && now > size)
        remember(door, size, now - size);
    return door->inner->pMethods->xTruncate(door->inner, size);
}

static int door_sync(sqlite3_file *file, int flags)
{
    struct door *door = (struct door *)file;
    int rc = broken(door, "sync", 0, SQLITE_IOERR_FSYNC);
    if (rc != SQLITE_OK)
        return rc;
    if (door->file) {
        forget(door->file);
        clock_pass(current, 1);
    }
    return SQLITE_OK; /* memory: nothing to wait for */
}

static int door_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return inner(file)->pMethods->xFileSize(inner(file), size);
}
static int door_lock(sqlite3_file *file, int level)
{
    return inner(file)->pMethods->xLock(inner(file), level);
}
static int door_unlock(sqlite3_file *file, int level)
{
    return inner(file)->pMethods->xUnlock(inner(file), level);
}
static int door_check(sqlite3_file *file, int *out)
{
    return inner(file)->pMethods->xCheckReservedLock(inner(file), out);
}
static int door_control(sqlite3_file *file, int op, void *arg)
{
    return inner(file)->pMethods->xFileControl(inner(file), op, arg);
}
static int door_sector(sqlite3_file *file)
{
    return SECTOR;
}
static int door_traits(sqlite3_file *file)
{
    return 0; /* nothing is atomic, nothing keeps its order */
}
static int door_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return inner(file)->pMethods->xShmMap(inner(file), page, size, extend, out);
}
static int door_shm_lock(sqlite3_file *file, int at, int n, int flags)
{
    return inner(file)->pMethods->xShmLock(inner(file), at, n, flags);
}
static void door_shm_barrier(sqlite3_file *file)
{
    inner(file)->pMethods->xShmBarrier(inner(file));
}
static int door_shm_unmap(sqlite3_file *file, int remove)
{
    return inner(file)->pMethods->xShmUnmap(inner(file), remove);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = door_close,
                                           .xRead = door_read,
                                           .xWrite = door_write,
                                           .xTruncate = door_truncate,
                                           .xSync = door_sync,
                                           .xFileSize = door_size,
                                           .xLock = door_lock,
                                           .xUnlock = door_unlock,
                                           .xCheckReservedLock = door_check,
                                           .xFileControl = door_control,
                                           .xSectorSize = door_sector,
                                           .xDeviceCharacteristics = door_traits,
                                           .xShmMap = door_shm_map,
                                           .xShmLock = door_shm_lock,
                                           .xShmBarrier = door_shm_barrier,
                                           .xShmUnmap = door_shm_unmap};

static int ours_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct door *door = (struct door *)file;
    door->inner = (sqlite3_file *)(void *)(door + 1);
    door->file = followed_named(name);
    int rc = real->xOpen(real, name, door->inner, flags, out);
    file->pMethods = rc == SQLITE_OK ? &methods : NULL;
    return rc;
}

static int ours_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    struct followed *file = followed_named(name);
    if (file && sim_event(current, "delete", 0))
        return SQLITE_IOERR_DELETE;
    if (file)
        forget(file);
    return real->xDelete(real, name, sync_dir);
}

void disk_begin(void)
{
    /* One thread, and nobody asks how much memory there is: a tenth of a story's time. */
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    real = ram_vfs();
    ours = *real;
    ours.zName = "sim";
    ours.szOsFile = (int)sizeof(struct door) + real->szOsFile;
    ours.xOpen = ours_open;
    ours.xDelete = ours_delete;
    sqlite3_vfs_register(&ours, 1);
}

void disk_follow(struct sim *sim, const char *folder)
{
    disk_end();
    current = sim;
    snprintf(prefix, sizeof prefix, "%s/", folder);
}

void disk_end(void)
{
    for (size_t i = 0; i < files.len; i++) {
        forget(files.at[i]);
        vec_free(&files.at[i]->undo);
        free(files.at[i]->path);
        free(files.at[i]);
    }
    vec_clear(&files);
    prefix[0] = '\0';
}

/* Takes a write back, or only some of its sectors. */
static void take_back(struct sim *sim, const char *path, const struct undo *undo)
{
    for (int64_t at = 0; at < undo->len; at += SECTOR) {
        int64_t len = undo->len - at < SECTOR ? undo->len - at : SECTOR;
        if (sim_chance(sim, 850))
            ram_put(path, undo->before + at, len, undo->at + at);
    }
}

static void lose_power(struct sim *sim, struct followed *file)
{
    if (!ram_exists(file->path))
        return;
    int64_t size = -1;
    for (size_t i = file->undo.len; i-- > 0;) {
        const struct undo *undo = &file->undo.at[i];
        if (!sim_chance(sim, 700))
            continue; /* this one reached the platter */
        take_back(sim, file->path, undo);
        size = undo->size;
    }
    if (size >= 0)
        ram_truncate(file->path, size);
}

void disk_restart(struct sim *sim)
{
    for (size_t i = 0; i < files.len; i++) {
        if (sim->power_loss)
            lose_power(sim, files.at[i]);
        forget(files.at[i]);
    }
    sim->power_loss = false;
}
