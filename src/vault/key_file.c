/* key_file.c - finding, checking and making the key file.
 *
 * Order of places: ARGIL_KEY_FILE; $CREDENTIALS_DIRECTORY/argil.key when it is
 * there (systemd made and guards it, so its mode is not ours to judge);
 * $XDG_CONFIG_HOME/argil/keys/<workspace>.key. The file holds 64 hex digits, or
 * 32 raw bytes.
 *
 * Making one: write and sync a temporary file beside it, link(2) it to its name
 * (fails when somebody was quicker: theirs counts), sync the folder. */
#include "vault/key_file.h"

#include "base/mem.h"
#include "base/str.h"
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_BYTES (2 * KEY_BYTES)

static bool id_is_safe(const char *id)
{
    size_t len = id ? strlen(id) : 0;
    return len > 0 && len <= 64 && strspn(id, "0123456789abcdefABCDEF-") == len;
}

static char *config_home(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME");
    if (xdg && xdg[0] == '/')
        return mem_strdup(xdg);
    const char *home = getenv("HOME");
    if (!home || home[0] != '/') {
        const struct passwd *me = getpwuid(geteuid());
        home = me ? me->pw_dir : "/";
    }
    return mem_printf("%s/.config", home);
}

/* *guarded: systemd looks after the file's mode. */
static char *find_path(const char *workspace_id, bool *guarded)
{
    const char *given = getenv("ARGIL_KEY_FILE");
    *guarded = false;
    if (given && *given)
        return mem_strdup(given);
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    if (credentials && *credentials) {
        char *path = mem_printf("%s/argil.key", credentials);
        if (access(path, R_OK) == 0) {
            *guarded = true;
            return path;
        }
        free(path);
    }
    char *config = config_home();
    char *path = mem_printf("%s/argil/keys/%s.key", config, workspace_id);
    free(config);
    return path;
}

static enum status fail_errno(struct err *err, const char *doing, const char *path)
{
    return err_set(err, ERR_VAULT_KEY, "%s %s: %s", doing, path, strerror(errno));
}

/* Makes the folders above `path`, 0700 where they were missing. */
static enum status make_parents(const char *path, struct err *err)
{
    char *copy = mem_strdup(path);
    enum status rc = OK;
    for (char *slash = strchr(copy + 1, '/'); slash && rc == OK; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            rc = fail_errno(err, "making folder", copy);
        *slash = '/';
    }
    free(copy);
    return rc;
}

static enum status check_mode(int fd, const char *path, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(err, "looking at key file", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_VAULT_KEY, "key file %s is not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        err_set(err, ERR_VAULT_KEY, "key file %s belongs to somebody else", path);
        err_hint(err, "chown %u %s", (unsigned)geteuid(), path);
        return FAIL;
    }
    if (st.st_mode & 077) {
        err_set(err, ERR_VAULT_KEY, "key file %s can be read by others (mode %04o)", path,
                (unsigned)(st.st_mode & 07777));
        err_hint(err, "chmod 600 %s", path);
        return FAIL;
    }
    return OK;
}

static enum status decode(const char *path, char *text, size_t len, unsigned char key[KEY_BYTES],
                          struct err *err)
{
    if (len == KEY_BYTES) {
        memcpy(key, text, KEY_BYTES);
        return OK;
    }
    while (len > 0 && strchr(" \r\n\t", text[len - 1]))
        len--;
    size_t got = 0;
    if (len == HEX_BYTES && sodium_hex2bin(key, KEY_BYTES, text, len, NULL, &got, NULL) == 0 &&
        got == KEY_BYTES)
        return OK;
    return err_set(err, ERR_VAULT_KEY, "key file %s does not hold a key: 64 hex digits expected",
                   path);
}

static enum status read_key(int fd, const char *path, unsigned char key[KEY_BYTES], struct err *err)
{
    char text[HEX_BYTES + 64];
    size_t len = 0;
    ssize_t got = 0;
    while (len < sizeof text && (got = read(fd, text + len, sizeof text - len)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        len += (size_t)got;
    }
    enum status rc =
        got < 0 ? fail_errno(err, "reading key file", path) : decode(path, text, len, key, err);
    sodium_memzero(text, sizeof text);
    return rc;
}

static enum status write_key(const char *temp, struct err *err)
{
    unsigned char key[KEY_BYTES];
    char text[HEX_BYTES + 2];
    randombytes_buf(key, sizeof key);
    sodium_bin2hex(text, HEX_BYTES + 1, key, sizeof key);
    text[HEX_BYTES] = '\n';
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum status rc = OK;
    if (fd < 0 || write(fd, text, HEX_BYTES + 1) != HEX_BYTES + 1 || fsync(fd) != 0)
        rc = fail_errno(err, "writing key file", temp);
    if (fd >= 0)
        close(fd);
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
    return rc;
}

static void sync_folder_of(const char *path)
{
    char *copy = mem_strdup(path);
    char *slash = strrchr(copy, '/');
    if (slash)
        *slash = '\0';
    int fd = open(slash ? (*copy ? copy : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(copy);
}

/* Makes the file unless somebody was quicker. */
static enum status make_key(const char *path, struct err *err)
{
    if (make_parents(path, err) != OK)
        return FAIL;
    char *temp = mem_printf("%s.%ld.new", path, (long)getpid());
    enum status rc = write_key(temp, err);
    if (rc == OK && link(temp, path) != 0 && errno != EEXIST)
        rc = fail_errno(err, "making key file", path);
    unlink(temp);
    if (rc == OK)
        sync_folder_of(path);
    free(temp);
    return rc;
}

static enum status no_key(const char *path, struct err *err)
{
    if (errno != ENOENT && errno != ENOTDIR)
        return fail_errno(err, "opening key file", path);
    err_set(err, ERR_VAULT_KEY, "the workspace's key file is not there: %s", path);
    err_hint(err, "Bring it back from where you keep it, or name it with ARGIL_KEY_FILE. Without "
                  "it, stored sign-ins cannot be opened.");
    return FAIL;
}

enum status key_file_load(const char *workspace_id, bool create, char **path,
                          unsigned char key[KEY_BYTES], struct err *err)
{
    bool guarded;
    *path = NULL;
    if (!id_is_safe(workspace_id))
        return err_set(err, ERR_VAULT_KEY, "not a workspace id: \"%s\"",
                       workspace_id ? workspace_id : "");
    *path = find_path(workspace_id, &guarded);
    int fd = open(*path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && create && !guarded) {
        if (make_key(*path, err) != OK)
            return FAIL;
        fd = open(*path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0)
        return no_key(*path, err);
    enum status rc = guarded ? OK : check_mode(fd, *path, err);
    if (rc == OK)
        rc = read_key(fd, *path, key, err);
    close(fd);
    return rc;
}

static enum status copy_bytes(const char *from, const char *to, struct err *err)
{
    char text[512];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t len = in < 0 ? -1 : read(in, text, sizeof text);
    if (in >= 0)
        close(in);
    if (len < 0)
        return fail_errno(err, "reading key file", from);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = out >= 0 && write(out, text, (size_t)len) == len && fsync(out) == 0;
    enum status rc = good ? OK : fail_errno(err, "writing", to);
    if (out >= 0)
        close(out);
    sodium_memzero(text, sizeof text);
    if (rc == OK)
        sync_folder_of(to);
    return rc;
}

enum status key_file_copy(const char *workspace_id, const char *to, struct err *err)
{
    unsigned char key[KEY_BYTES];
    char *path = NULL;
    enum status rc = key_file_load(workspace_id, false, &path, key, err);
    sodium_memzero(key, sizeof key);
    if (rc == OK)
        rc = copy_bytes(path, to, err);
    free(path);
    return rc;
}

/* ------------------------------------------------------------- a new key */

static enum status load_at(const char *path, unsigned char key[KEY_BYTES], struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "there is no %s", path);
    if (fd < 0)
        return fail_errno(err, "opening key file", path);
    enum status rc = check_mode(fd, path, err);
    if (rc == OK)
        rc = read_key(fd, path, key, err);
    close(fd);
    return rc;
}

enum status key_file_next(const char *path, bool create, unsigned char key[KEY_BYTES],
                          struct err *err)
{
    char *next = mem_printf("%s.next", path);
    enum status rc = OK;
    if (create && access(next, F_OK) != 0)
        rc = make_key(next, err);
    if (rc == OK)
        rc = load_at(next, key, err);
    free(next);
    return rc;
}

enum status key_file_replace(const char *path, struct err *err)
{
    char *next = mem_printf("%s.next", path);
    enum status rc = OK;
    if (rename(next, path) != 0)
        rc = fail_errno(err, "putting the new key in place of", path);
    else
        sync_folder_of(path);
    free(next);
    return rc;
}
