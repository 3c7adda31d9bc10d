/* open_store.c - which store a command works on: SQLite in the data directory, or
 * a PostgreSQL database.
 *
 * Named by --store, else ARGIL_STORE, else DATA/store.url, which `argil init
 * --store` leaves there; without any of them the store is DATA/workspace.db. A
 * password is never written down here: PGPASSWORD, ~/.pgpass or a service file
 * (PGSERVICEFILE) give it, as for every program on libpq. */
#include "cli/open_store.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_postgres(const char *address)
{
    return strncmp(address, "postgresql://", 13) == 0 || strncmp(address, "postgres://", 11) == 0;
}

/* The first line of DATA/store.url, or NULL. */
static const char *kept_address(const char *data)
{
    static char line[2048];
    char *path = mem_printf("%s/store.url", data);
    FILE *file = fopen(path, "re");
    free(path);
    if (!file)
        return NULL;
    if (!fgets(line, sizeof line, file))
        line[0] = '\0';
    fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    return *line ? line : NULL;
}

const char *cli_store_address(const struct cli *cli)
{
    return cli->store ? cli->store : kept_address(cli->data);
}

enum status cli_store_at(const char *address, const struct store_open *options, struct store **out,
                         struct err *err)
{
    if (!address)
        return sqlite_store_open(options, out, err);
    if (is_postgres(address))
        return postgres_store_open(address, options, out, err);
    *out = NULL;
    err_set(err, ERR_INVALID, "a store is named by a URL that begins with postgresql://");
    err_hint(err, "Leave --store and ARGIL_STORE out for the SQLite file in the data directory.");
    return FAIL;
}

bool cli_store_has_password(const char *address)
{
    const char *user = strstr(address, "://"), *at = user ? strchr(user, '@') : NULL;
    const char *colon = user ? strchr(user + 3, ':') : NULL, *slash = user ? strchr(user + 3, '/') : NULL;
    bool in_user = at && colon && colon < at && (!slash || at < slash);
    return in_user || strstr(address, "password=") != NULL;
}

static enum status make_folder(const char *data, struct err *err)
{
    char *path = mem_printf("%s/", data);
    enum status rc = OK;
    for (char *slash = strchr(path + 1, '/'); slash && rc == OK; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            rc = err_set(err, ERR_IO, "making folder %s: %s", path, strerror(errno));
        *slash = '/';
    }
    free(path);
    return rc;
}

enum status cli_store_keep_address(const char *data, const char *address, struct err *err)
{
    if (make_folder(data, err) != OK)
        return FAIL;
    char *path = mem_printf("%s/store.url", data);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = fd >= 0 && dprintf(fd, "%s\n", address) > 0 && fsync(fd) == 0;
    enum status rc = done ? OK : err_set(err, ERR_IO, "writing %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}
