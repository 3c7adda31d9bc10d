/* lineage.c - is this file the one that was open here last, or a copy, or older?
 *
 * Two things tell. In the file: where it lies, as the machine's id and the file's number
 * and birth. A copy, be it on another machine or beside the first, lies elsewhere.
 * Outside of the data directory: a mark with the epoch and a number drawn at each open.
 * A file with a lower epoch than the mark, or the same epoch and another number, is not
 * the one that was open last.
 *
 * The mark is written after the epoch is committed. Killed in between, the mark is one
 * behind the file, which is no sign of anything; so is a mark that another account's
 * home does not have.
 *
 * What this cannot see: a machine that is put back as a whole, disk and mark together;
 * and the first of two copies does not hear of the second. The guide says so. */
#include "store/sqlite/sqlite_priv.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A machine without that file goes by its host name. False: it is there and cannot be read at
 * this moment (no descriptors are left, ...), which says nothing of the machine. */
static bool machine_id(char out[65])
{
    int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT && errno != EACCES)
        return false;
    ssize_t len = fd < 0 ? 0 : read(fd, out, 64);
    if (fd >= 0)
        close(fd);
    out[len > 0 ? len : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (!*out && gethostname(out, 64) != 0)
        memcpy(out, "?", 2);
    out[64] = '\0';
    return true;
}

/* "MACHINE INODE BIRTH"; a file system without birth times gives 0. */
static enum status home_of(struct sq *sq, char *out, size_t size, struct err *err)
{
    char machine[65];
    struct statx at;
    if (!machine_id(machine))
        return err_set(err, ERR_STORE_BROKEN, "reading /etc/machine-id: %s", strerror(errno));
    if (statx(AT_FDCWD, sqlite_of(sq)->path, 0, STATX_INO | STATX_BTIME, &at) != 0)
        return err_set(err, ERR_STORE_BROKEN, "looking at %s: %s", sqlite_of(sq)->path, strerror(errno));
    bool birth = at.stx_mask & STATX_BTIME;
    snprintf(out, size, "%s %llu %lld.%09u", machine, (unsigned long long)at.stx_ino,
             birth ? (long long)at.stx_btime.tv_sec : 0LL, birth ? at.stx_btime.tv_nsec : 0U);
    return OK;
}

/* ------------------------------------------------------------------- mark */

struct mark {
    int64_t epoch;
    char number[37]; /* "" = there is no mark */
};

static char *mark_path(struct sq *sq, const char *folder, const char *workspace_id)
{
    return arena_printf(sq->scratch, "%s/%s.seen", folder, workspace_id);
}

/* A mark that cannot be read or understood says nothing. */
static struct mark mark_read(struct sq *sq, const char *folder, const char *workspace_id)
{
    struct mark mark = {0};
    char text[128] = {0};
    long long epoch;
    int fd = open(mark_path(sq, folder, workspace_id), O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (len > 0 && sscanf(text, "%lld %36s", &epoch, mark.number) == 2)
        mark.epoch = epoch;
    else
        mark.number[0] = '\0';
    return mark;
}

static bool make_folder(const char *folder)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/", folder) >= sizeof path)
        return false;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return true;
}

static bool mark_write(struct sq *sq, const char *folder, const struct mark *mark)
{
    char text[128];
    char *path = mark_path(sq, folder, sq->id), *fresh = arena_printf(sq->scratch, "%s.new", path);
    int len = snprintf(text, sizeof text, "%lld %s\n", (long long)mark->epoch, mark->number);
    if (!make_folder(folder))
        return false;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool good = write(fd, text, (size_t)len) == len && fsync(fd) == 0;
    return close(fd) == 0 && good && rename(fresh, path) == 0;
}

/* -------------------------------------------------------------- the check */

static const char *meta_text(struct sq *sq, const char *name, struct err *err)
{
    bool row;
    const char *text = NULL;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT value FROM meta WHERE name=?");
    if (!stmt)
        return NULL;
    sq_text(stmt, 1, name);
    if (sq_row(sq, stmt, &row, err) != OK)
        return NULL;
    if (row) {
        text = sq_col_text(stmt, 0, sq->scratch);
        sq_reset(stmt);
    }
    return text ? text : "";
}

static enum status meta_set(struct sq *sq, const char *name, const char *value, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "INSERT OR REPLACE INTO meta(name,value) VALUES(?,?)");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    sq_text(stmt, 2, value);
    return sq_done(sq, stmt, err);
}

#define BACKUP "backup " /* home of a file that backup.c wrote; the time it was taken follows */

static const char *judge(const char *home, const char *home_now, const char *number,
                         int64_t epoch_before, const struct mark *mark)
{
    size_t machine = strcspn(home, " ");
    if (*home && strncmp(home, home_now, machine + 1) != 0)
        return "this workspace was last open on another machine: here is a copy of it";
    if (mark->number[0] && mark->epoch > epoch_before)
        return "this workspace is older than it was when it was open here last: it was put back "
               "from a copy";
    if (mark->number[0] && mark->epoch == epoch_before && strcmp(mark->number, number) != 0)
        return "this workspace is not the one that was open here last, but another copy of it";
    if (*home && strcmp(home, home_now) != 0)
        return "this workspace's file is not the one that was open last, but a copy of it";
    return NULL;
}

static enum status hold(struct sq *sq, const char *why, int64_t from_ms, struct err *err)
{
    sq->store.found_copy = why;
    sq->writing = true; /* the audit's line is stored with it */
    return sq_hold_all(sq, "argil", why, from_ms, NULL, err);
}

/* Inside the transaction that makes the epoch; epoch_before: as the file had it. folder NULL:
 * only a backup is known as what it is. */
enum status sqlite_lineage_check(struct sq *sq, const char *folder, int64_t epoch_before,
                                 struct err *err)
{
    char home_now[160], number[37];
    const char *home = meta_text(sq, "home", err), *last = meta_text(sq, "open_number", err),
               *id = meta_text(sq, "workspace_id", err), *why = NULL;
    if (!home || !last || !id || home_of(sq, home_now, sizeof home_now, err) != OK)
        return FAIL;
    bool backup = text_starts(home, BACKUP);
    int64_t taken_ms = backup ? strtoll(home + strlen(BACKUP), NULL, 10) : 0;
    if (!folder && !backup)
        return OK;
    if (folder && !backup) {
        struct mark mark = mark_read(sq, folder, id);
        why = judge(home, home_now, last, epoch_before, &mark);
    }
    uuid4(sq->world, number);
    if (meta_set(sq, "home", folder ? home_now : "", err) != OK ||
        meta_set(sq, "open_number", number, err) != OK)
        return FAIL;
    if (backup)
        return hold(sq, "this workspace was restored from a backup", taken_ms, err);
    return why ? hold(sq, why, 0, err) : OK;
}

/* After the commit. A mark that cannot be written is not needed to go on. */
void sqlite_lineage_mark(struct sq *sq, const char *folder)
{
    struct err ignored = {0};
    struct mark mark = {.epoch = sq->store.epoch};
    const char *number = meta_text(sq, "open_number", &ignored);
    if (!number || strlen(number) != 36)
        return;
    memcpy(mark.number, number, 37);
    (void)mark_write(sq, folder, &mark);
}
