/* store_backup.h - a copy of a workspace in one file, and putting it back.
 *
 * SQLite: FILE is a database of its own, taken from one moment while others go on
 * writing; FILE.manifest.json beside it says what it is and has its SHA-256. The key of
 * the vault is not in it: without the key its sign-ins and secrets stay closed, and
 * tables and journal are readable to who has the file.
 *
 * A backup that is put in place holds every connection at its first writing open, by
 * whatever way it came there (store_holds.h): the file knows that it is a backup.
 * PostgreSQL has tools of its own for this (docs/guides/operate.md). */
#ifndef ARGIL_STORE_STORE_BACKUP_H
#define ARGIL_STORE_STORE_BACKUP_H

#include "store/store.h"

#define ERR_BACKUP_DAMAGED "backup.damaged" /* not what the manifest says, or no manifest */
#define ERR_BACKUP_THERE "backup.there"     /* something is there already */

struct store_backup {
    const char *file, *manifest; /* paths */
    const char *workspace_id, *workspace_name, *argil;
    char sha256[65];
    int64_t bytes, schema, epoch, taken_ms;
    int64_t tables, rows, operations, open_operations;
};

/* Writes `file` and its manifest, 0600, both complete or not there. Never blocks writers.
 * Texts of *out on `arena`. */
enum status sqlite_store_backup(const char *data, const char *file, struct world *world,
                                struct arena *arena, struct store_backup *out, struct err *err);
/* Reads the manifest and holds the file to it, byte for byte. */
enum status sqlite_store_backup_check(const char *file, struct arena *arena,
                                      struct store_backup *out, struct err *err);
/* Checks, then puts the file into `data` as its workspace. What is there already is refused,
 * or with `replace` moved into a folder replaced-... in `data`; *kept (may be NULL) is that
 * folder. Takes the data directory's lock while it works. Opening comes after. */
enum status sqlite_store_restore(const char *file, const char *data, bool replace,
                                 struct world *world, struct arena *arena,
                                 struct store_backup *out, const char **kept, struct err *err);

#endif
