/* failing_vfs.c - every file is SQLite's own, behind a door that counts. */
#include "store/failing_vfs.h"

#include <sqlite3.h>
#include <string.h>

struct door {
    sqlite3_file base;
    sqlite3_file *inner;
};

static sqlite3_vfs *real, ours;
static int calls_left, syncs; /* calls_left 0 = never */
static bool failed;
static enum disk_failure failure;

static int spend(void)
{
    if (!failed && calls_left > 0 && --calls_left == 0)
        failed = true;
    if (!failed)
        return SQLITE_OK;
    return failure == DISK_FULL ? SQLITE_FULL : SQLITE_IOERR;
}

static sqlite3_file *inner(sqlite3_file *file)
{
    return ((struct door *)file)->inner;
}

static int door_close(sqlite3_file *file)
{
    return inner(file)->pMethods->xClose(inner(file));
}

static int door_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
    return inner(file)->pMethods->xRead(inner(file), to, len, at);
}

static int door_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
    int rc = spend();
    return rc ? rc : inner(file)->pMethods->xWrite(inner(file), from, len, at);
}

static int door_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = spend();
    return rc ? rc : inner(file)->pMethods->xTruncate(inner(file), size);
}

static int door_sync(sqlite3_file *file, int flags)
{
    int rc = spend();
    if (rc)
        return rc;
    syncs++;
    return inner(file)->pMethods->xSync(inner(file), flags);
}

static int door_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return inner(file)->pMethods->xFileSize(inner(file), size);
}

static int door_lock(sqlite3_file *file, int how)
{
    return inner(file)->pMethods->xLock(inner(file), how);
}

static int door_unlock(sqlite3_file *file, int how)
{
    return inner(file)->pMethods->xUnlock(inner(file), how);
}

static int door_reserved(sqlite3_file *file, int *out)
{
    return inner(file)->pMethods->xCheckReservedLock(inner(file), out);
}

static int door_control(sqlite3_file *file, int what, void *arg)
{
    return inner(file)->pMethods->xFileControl(inner(file), what, arg);
}

static int door_sector(sqlite3_file *file)
{
    return inner(file)->pMethods->xSectorSize(inner(file));
}

static int door_traits(sqlite3_file *file)
{
    return inner(file)->pMethods->xDeviceCharacteristics(inner(file));
}

static int door_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return inner(file)->pMethods->xShmMap(inner(file), page, size, extend, out);
}

static int door_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return inner(file)->pMethods->xShmLock(inner(file), offset, n, flags);
}

static void door_shm_barrier(sqlite3_file *file)
{
    inner(file)->pMethods->xShmBarrier(inner(file));
}

static int door_shm_unmap(sqlite3_file *file, int remove)
{
    return inner(file)->pMethods->xShmUnmap(inner(file), remove);
}

static const sqlite3_io_methods doors = {
    .iVersion = 2,
    .xClose = door_close,
    .xRead = door_read,
    .xWrite = door_write,
    .xTruncate = door_truncate,
    .xSync = door_sync,
    .xFileSize = door_size,
    .xLock = door_lock,
    .xUnlock = door_unlock,
    .xCheckReservedLock = door_reserved,
    .xFileControl = door_control,
    .xSectorSize = door_sector,
    .xDeviceCharacteristics = door_traits,
    .xShmMap = door_shm_map,
    .xShmLock = door_shm_lock,
    .xShmBarrier = door_shm_barrier,
    .xShmUnmap = door_shm_unmap,
};

static int door_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct door *door = (struct door *)file;
    door->inner = (sqlite3_file *)(door + 1);
    memset(door->inner, 0, (size_t)real->szOsFile);
    int rc = real->xOpen(real, name, door->inner, flags, out);
    door->base.pMethods = rc == SQLITE_OK ? &doors : NULL;
    return rc;
}

void failing_vfs_install(void)
{
    if (real)
        return;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
    real = sqlite3_vfs_find(NULL);
    ours = *real;
    ours.zName = "failing";
    ours.pNext = NULL;
    ours.szOsFile = (int)sizeof(struct door) + real->szOsFile;
    ours.xOpen = door_open;
    sqlite3_vfs_register(&ours, 1);
}

void failing_vfs_fail_at(int call, enum disk_failure how)
{
    calls_left = call;
    failure = how;
    failed = false;
}

bool failing_vfs_failed(void)
{
    return failed;
}

void failing_vfs_heal(void)
{
    calls_left = 0;
    failed = false;
}

int failing_vfs_syncs(void)
{
    return syncs;
}
