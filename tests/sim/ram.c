/* ram.c - see sim.h. A disk in memory for SQLite: files by name, one process, one
 * thread. It costs no system calls, and a forked child has the files as they stood,
 * for itself. Under disk.c, which lets it forget what was not synced.
 *
 * Locks are counted as the database and the WAL index want them, so several
 * connections of the process see each other; shared memory goes with the last handle,
 * as it would with the last process. */
#include "sim/sim.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define NLOCK 8 /* SQLITE_SHM_NLOCK */
#define CHUNK 32768

struct ram_file {
    char *name; /* NULL = of no name: gone with its handle */
    VEC(char *) chunks;
    int64_t size;
    int handles;
    bool deleted; /* its name is gone; it goes with its last handle */

    int readers; /* handles that hold SHARED or more */
    const void *writer; /* the handle that holds RESERVED or more */

    VEC(void *) shm;
    int shm_mapped;
    int shm_readers[NLOCK];
    const void *shm_writer[NLOCK];
};

struct ram {
    sqlite3_file base;
    struct ram_file *file;
    int level;
    bool mapped, goes;     /* goes: deleted at close */
    unsigned shared, owned; /* WAL index locks held, by bit */
};

static sqlite3_vfs *machine, disk;
static VEC(struct ram_file *) files;

/* ----------------------------------------------------------------- files */

static struct ram_file *named(const char *name)
{
    for (size_t i = 0; name && i < files.len; i++)
        if (strcmp(files.at[i]->name, name) == 0)
            return files.at[i];
    return NULL;
}

static struct ram_file *make(const char *name)
{
    struct ram_file *file = calloc(1, sizeof *file);
    if (name) {
        file->name = strdup(name);
        vec_push(&files, file);
    }
    return file;
}

static void forget_shm(struct ram_file *file)
{
    for (size_t i = 0; i < file->shm.len; i++)
        free(file->shm.at[i]);
    vec_free(&file->shm);
}

static void drop(struct ram_file *file)
{
    forget_shm(file);
    for (size_t i = 0; i < file->chunks.len; i++)
        free(file->chunks.at[i]);
    vec_free(&file->chunks);
    free(file->name);
    free(file);
}

/* What stands from `at` on, and in *len how much of `len` lies together there. */
static char *chunk_at(struct ram_file *file, int64_t at, int64_t *len)
{
    int64_t within = at % CHUNK;
    if (*len > CHUNK - within)
        *len = CHUNK - within;
    return file->chunks.at[at / CHUNK] + within;
}

static void put(struct ram_file *file, const void *from, int64_t len, int64_t at)
{
    while (at + len > (int64_t)file->chunks.len * CHUNK)
        vec_push(&file->chunks, calloc(1, CHUNK));
    for (int64_t done = 0, part; done < len; done += part) {
        part = len - done;
        char *to = chunk_at(file, at + done, &part);
        memcpy(to, (const char *)from + done, (size_t)part);
    }
    if (at + len > file->size)
        file->size = at + len;
}

static void get(struct ram_file *file, void *to, int64_t len, int64_t at)
{
    for (int64_t done = 0, part; done < len; done += part) {
        part = len - done;
        const char *from = chunk_at(file, at + done, &part);
        memcpy((char *)to + done, from, (size_t)part);
    }
}

/* What is past the end reads as zeros, should the file grow again. */
static void cut(struct ram_file *file, int64_t size)
{
    for (int64_t at = size, part; at < file->size; at += part) {
        part = file->size - at;
        char *gone = chunk_at(file, at, &part);
        memset(gone, 0, (size_t)part);
    }
    if (size < file->size)
        file->size = size;
}

bool ram_delete(const char *name)
{
    struct ram_file *file = named(name);
    if (!file)
        return false;
    for (size_t i = 0; i < files.len; i++)
        if (files.at[i] == file) {
            files.at[i] = files.at[--files.len];
            break;
        }
    file->deleted = true;
    if (!file->handles)
        drop(file);
    return true;
}

bool ram_exists(const char *name)
{
    return named(name) != NULL;
}

bool ram_copy(const char *from, const char *to)
{
    struct ram_file *source = named(from);
    if (!source)
        return false;
    ram_delete(to);
    struct ram_file *copy = make(to);
    for (int64_t at = 0, part; at < source->size; at += part) {
        part = source->size - at;
        const char *bytes = chunk_at(source, at, &part);
        put(copy, bytes, part, at);
    }
    return true;
}

void ram_put(const char *name, const void *from, int64_t len, int64_t at)
{
    put(named(name), from, len, at);
}

void ram_truncate(const char *name, int64_t size)
{
    struct ram_file *file = named(name);
    if (file)
        cut(file, size);
}

/* --------------------------------------------------------------- handles */

static struct ram_file *of(sqlite3_file *handle)
{
    return ((struct ram *)handle)->file;
}

static int ram_unlock(sqlite3_file *handle, int level)
{
    struct ram *ram = (struct ram *)handle;
    if (ram->level > SQLITE_LOCK_SHARED && ram->file->writer == ram)
        ram->file->writer = NULL;
    if (ram->level > SQLITE_LOCK_NONE && level == SQLITE_LOCK_NONE)
        ram->file->readers--;
    if (level < ram->level)
        ram->level = level;
    return SQLITE_OK;
}

static int ram_shm_unmap(sqlite3_file *handle, int remove)
{
    struct ram *ram = (struct ram *)handle;
    for (int i = 0; i < NLOCK; i++) {
        ram->file->shm_readers[i] -= (int)(ram->shared >> i & 1);
        if (ram->owned >> i & 1)
            ram->file->shm_writer[i] = NULL;
    }
    ram->shared = ram->owned = 0;
    if (ram->mapped && --ram->file->shm_mapped == 0)
        forget_shm(ram->file);
    ram->mapped = false;
    return SQLITE_OK;
}

static int ram_close(sqlite3_file *handle)
{
    struct ram_file *file = of(handle);
    ram_shm_unmap(handle, 0);
    ram_unlock(handle, SQLITE_LOCK_NONE);
    file->handles--;
    if (((struct ram *)handle)->goes && file->name && !file->deleted)
        ram_delete(file->name);
    else if (!file->handles && (file->deleted || !file->name))
        drop(file);
    return SQLITE_OK;
}

static int ram_read(sqlite3_file *handle, void *to, int len, sqlite3_int64 at)
{
    struct ram_file *file = of(handle);
    int64_t have = at >= file->size ? 0 : file->size - at;
    get(file, to, have < len ? have : len, at);
    if (have >= len)
        return SQLITE_OK;
    memset((char *)to + have, 0, (size_t)(len - have));
    return SQLITE_IOERR_SHORT_READ;
}

static int ram_write(sqlite3_file *handle, const void *from, int len, sqlite3_int64 at)
{
    put(of(handle), from, len, at);
    return SQLITE_OK;
}

static int ram_cut(sqlite3_file *handle, sqlite3_int64 size)
{
    cut(of(handle), size);
    return SQLITE_OK;
}

static int ram_sync(sqlite3_file *handle, int flags)
{
    return SQLITE_OK;
}

static int ram_file_size(sqlite3_file *handle, sqlite3_int64 *size)
{
    *size = of(handle)->size;
    return SQLITE_OK;
}

static int ram_lock(sqlite3_file *handle, int level)
{
    struct ram *ram = (struct ram *)handle;
    struct ram_file *file = ram->file;
    if (ram->level >= level)
        return SQLITE_OK;
    if (file->writer && file->writer != ram && level > SQLITE_LOCK_SHARED)
        return SQLITE_BUSY;
    if (level == SQLITE_LOCK_SHARED) {
        if (file->writer && ((const struct ram *)file->writer)->level >= SQLITE_LOCK_PENDING)
            return SQLITE_BUSY;
        file->readers++;
    } else {
        file->writer = ram;
        if (level == SQLITE_LOCK_EXCLUSIVE && file->readers > 1) {
            ram->level = SQLITE_LOCK_PENDING;
            return SQLITE_BUSY;
        }
    }
    ram->level = level;
    return SQLITE_OK;
}

static int ram_reserved(sqlite3_file *handle, int *out)
{
    *out = of(handle)->writer != NULL;
    return SQLITE_OK;
}

static int ram_control(sqlite3_file *handle, int op, void *arg)
{
    return SQLITE_NOTFOUND;
}

static int ram_zero(sqlite3_file *handle)
{
    return 0; /* of sector and traits: disk.c answers for them */
}

/* ------------------------------------------------------------- WAL index */

static int ram_shm_map(sqlite3_file *handle, int page, int size, int extend, void volatile **out)
{
    struct ram *ram = (struct ram *)handle;
    *out = NULL;
    if (!ram->mapped) {
        ram->mapped = true;
        ram->file->shm_mapped++;
    }
    if (!extend && (size_t)page >= ram->file->shm.len)
        return SQLITE_OK;
    while ((size_t)page >= ram->file->shm.len)
        vec_push(&ram->file->shm, calloc(1, (size_t)size));
    *out = ram->file->shm.at[page];
    return SQLITE_OK;
}

/* May it have these locks of the index? */
static bool free_for(const struct ram *ram, unsigned mask, bool owned)
{
    for (int i = 0; i < NLOCK; i++) {
        if (!(mask >> i & 1))
            continue;
        const void *writer = ram->file->shm_writer[i];
        int others = ram->file->shm_readers[i] - (int)(ram->shared >> i & 1);
        if ((writer && writer != ram) || (owned && others))
            return false;
    }
    return true;
}

static int ram_shm_lock(sqlite3_file *handle, int at, int n, int flags)
{
    struct ram *ram = (struct ram *)handle;
    unsigned mask = ((1u << n) - 1) << at;
    bool owned = flags & SQLITE_SHM_EXCLUSIVE, lock = flags & SQLITE_SHM_LOCK;
    if (lock && !free_for(ram, mask, owned))
        return SQLITE_BUSY;
    for (int i = at; i < at + n; i++) {
        unsigned bit = 1u << i;
        if (owned) {
            if (lock || ram->file->shm_writer[i] == ram)
                ram->file->shm_writer[i] = lock ? ram : NULL;
            ram->owned = lock ? ram->owned | bit : ram->owned & ~bit;
        } else if (lock != ((ram->shared & bit) != 0)) {
            ram->file->shm_readers[i] += lock ? 1 : -1;
            ram->shared ^= bit;
        }
    }
    return SQLITE_OK;
}

static void ram_shm_barrier(sqlite3_file *handle)
{
    __sync_synchronize();
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = ram_close,
                                           .xRead = ram_read,
                                           .xWrite = ram_write,
                                           .xTruncate = ram_cut,
                                           .xSync = ram_sync,
                                           .xFileSize = ram_file_size,
                                           .xLock = ram_lock,
                                           .xUnlock = ram_unlock,
                                           .xCheckReservedLock = ram_reserved,
                                           .xFileControl = ram_control,
                                           .xSectorSize = ram_zero,
                                           .xDeviceCharacteristics = ram_zero,
                                           .xShmMap = ram_shm_map,
                                           .xShmLock = ram_shm_lock,
                                           .xShmBarrier = ram_shm_barrier,
                                           .xShmUnmap = ram_shm_unmap};

/* ------------------------------------------------------------------- VFS */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *handle, int flags, int *out)
{
    struct ram *ram = (struct ram *)handle;
    memset(ram, 0, sizeof *ram);
    ram->file = named(name);
    if (!ram->file && name && !(flags & SQLITE_OPEN_CREATE) &&
        !(flags & SQLITE_OPEN_MAIN_DB)) /* the program makes an empty one of its own */
        return SQLITE_CANTOPEN;
    if (!ram->file)
        ram->file = make(name);
    ram->file->handles++;
    ram->goes = flags & SQLITE_OPEN_DELETEONCLOSE;
    ram->base.pMethods = &methods;
    if (out)
        *out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    return ram_delete(name) ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    const struct ram_file *file = named(name);
    *out = file && (flags != SQLITE_ACCESS_EXISTS || file->size > 0);
    return SQLITE_OK;
}

static int vfs_full(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    return machine->xFullPathname(machine, name, room, out);
}

sqlite3_vfs *ram_vfs(void)
{
    machine = sqlite3_vfs_find(NULL);
    disk = *machine;
    disk.iVersion = 1;
    disk.pNext = NULL;
    disk.zName = "ram";
    disk.szOsFile = (int)sizeof(struct ram);
    disk.xOpen = vfs_open;
    disk.xDelete = vfs_delete;
    disk.xAccess = vfs_access;
    disk.xFullPathname = vfs_full;
    return &disk;
}
