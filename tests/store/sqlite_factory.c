/* sqlite_factory.c - the suite on SQLite: one directory under TMPDIR. */
#include "store/store_suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char data[256];

static void clean(void)
{
    static const char *const files[] = {"workspace.db", "workspace.db-wal", "workspace.db-shm",
                                        "lock"};
    char path[320];
    const char *temp = getenv("TMPDIR");
    snprintf(data, sizeof data, "%s/argil-suite-%ld", temp ? temp : "/tmp", (long)getpid());
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", data, files[i]);
        unlink(path);
    }
    rmdir(data);
}

static enum status open_sqlite(struct world *world, bool read_only, struct store **out,
                               struct err *err)
{
    struct store_open options = {
        .data = data, .name = "Acme", .create = !read_only, .read_only = read_only, .world = world};
    return sqlite_store_open(&options, out, err);
}

static void damage(const char *sql)
{
    char path[320];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/workspace.db", data);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

const struct store_factory store_factory = {"sqlite", clean, open_sqlite, damage, false};
