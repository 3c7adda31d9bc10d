/* levers.c - see levers.h. */
#include "engine/levers.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "store/store_shares.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool path_of(const char *data, char *out, size_t size)
{
    return data && (size_t)snprintf(out, size, "%s/" STOP_SENDING, data) < size;
}

static enum status disk_failed(const char *file, struct err *err)
{
    return err_set(err, "sending.disk", "%s: %s", file, strerror(errno));
}

enum status lever_stop(const char *data, const char *reason, struct err *err)
{
    char file[4200];
    if (!path_of(data, file, sizeof file))
        return err_set(err, ERR_INVALID, "there is no data directory to keep the switch in");
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t len = reason ? strlen(reason) : 0;
    if (fd < 0)
        return disk_failed(file, err);
    bool good = write(fd, reason ? reason : "", len) == (ssize_t)len && fsync(fd) == 0;
    if (close(fd) != 0 || !good)
        return disk_failed(file, err);
    return OK;
}

enum status lever_resume(const char *data, struct err *err)
{
    char file[4200];
    if (!path_of(data, file, sizeof file))
        return OK;
    return unlink(file) == 0 || errno == ENOENT ? OK : disk_failed(file, err);
}

bool lever_stopped(const char *data, struct arena *arena, const char **reason)
{
    char file[4200], text[1000];
    if (reason)
        *reason = NULL;
    if (!path_of(data, file, sizeof file) || access(file, F_OK) != 0)
        return false;
    FILE *in = reason ? fopen(file, "re") : NULL;
    if (!in)
        return true;
    size_t len = fread(text, 1, sizeof text, in);
    fclose(in);
    if (len)
        *reason = arena_strndup(arena, text, len);
    return true;
}

bool lever_stopped_anywhere(const char *data, struct store *store, struct arena *arena,
                            const char **reason)
{
    bool stopped = true;
    struct err err = {0};
    if (lever_stopped(data, arena, reason))
        return true;
    if (store->does->shares->sending_stopped(store, arena, &stopped, reason, &err) != OK)
        log_warn("sending: whether it is stopped cannot be read: %s", err.message);
    return stopped;
}

enum status lever_note(struct store *store, const char *who, bool stopped, const char *reason,
                       struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "reason", reason);
    jw_end_object(&w);
    enum status rc = store->does->audit_add(
        store, who, stopped ? "sending stopped" : "sending resumed", buf_text(&text), err);
    buf_free(&text);
    return rc;
}
