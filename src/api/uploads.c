/* uploads.c - files that come in pieces, so that neither their size nor a broken
 * line matters: begin, send pieces in order (each says where it belongs), then hand
 * the whole to a table's source. What is not finished within an hour is forgotten.
 *
 * Pieces are appended to DATA/incoming/<id>, a random name of ours; the name that
 * the person gave is kept beside it and never becomes a path. */
#include "api/nouns.h"

#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_FOR_MS ((int64_t)3600 * 1000)
#define EACH_MOST   8
#define BYTES_MOST  ((int64_t)8 * 1024 * 1024 * 1024)

static const struct field upload_body_fields[] = {
    {"name", F_TEXT, F_REQUIRED, "what people call it: leads.csv", .min = 1, .max = 200},
    {0},
};
const struct shape upload_body = {"UploadStart", NULL, upload_body_fields};
static const struct field upload_fields[] = {
    {"id", F_TEXT, F_REQUIRED, NULL},
    {"name", F_TEXT, F_REQUIRED, NULL},
    {"received", F_INT, F_REQUIRED, "bytes so far: where the next piece belongs"},
    {0},
};
const struct shape upload_shape = {"Upload", "A file on its way in.", upload_fields};
const struct field upload_query[] = {
    {"at", F_INT, F_REQUIRED, "where in the file the piece begins"},
    {0},
};
static const struct field take_fields[] = {
    {"upload", F_TEXT, F_REQUIRED, "its id; the file must be whole", .min = 1, .max = 100},
    {"source", F_TEXT, 0, "which source takes it; without it the only one that takes files", .min = 1, .max = 200},
    {0},
};
const struct shape upload_take_body = {"UploadTake", NULL, take_fields};

struct incoming {
    char *id, *name, *path;
    int64_t user_id, received, touched_ms;
    bool busy; /* a piece is being written */
    struct incoming *next;
};

struct uploads {
    pthread_mutex_t lock;
    char *folder;
    struct incoming *list;
};

static void incoming_free(struct incoming *in, bool with_file)
{
    if (with_file)
        (void)unlink(in->path);
    free(in->id);
    free(in->name);
    free(in->path);
    free(in);
}

/* What an earlier process left there belongs to nobody. */
static void empty_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

struct uploads *uploads_new(const char *data)
{
    struct uploads *uploads = mem_alloc(sizeof *uploads);
    pthread_mutex_init(&uploads->lock, NULL);
    uploads->folder = data ? mem_printf("%s/incoming", data) : NULL;
    if (uploads->folder)
        empty_folder(uploads->folder);
    return uploads;
}

void uploads_free(struct uploads *uploads)
{
    if (!uploads)
        return;
    while (uploads->list) {
        struct incoming *in = uploads->list;
        uploads->list = in->next;
        incoming_free(in, true);
    }
    pthread_mutex_destroy(&uploads->lock);
    free(uploads->folder);
    free(uploads);
}

/* ------------------------------------------------------- with the lock held */

static size_t drop_old(struct uploads *uploads, int64_t user_id, int64_t now)
{
    size_t own = 0;
    for (struct incoming **at = &uploads->list; *at;) {
        struct incoming *in = *at;
        if (in->busy || now - in->touched_ms < KEPT_FOR_MS) {
            own += in->user_id == user_id;
            at = &in->next;
            continue;
        }
        *at = in->next;
        incoming_free(in, true);
    }
    return own;
}

static struct incoming **find(struct uploads *uploads, const char *id, int64_t user_id)
{
    struct incoming **at = &uploads->list;
    while (*at && !(text_eq((*at)->id, id) && (*at)->user_id == user_id))
        at = &(*at)->next;
    return at;
}

static enum status unknown(const char *id, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no upload \"%.100s\" of yours", id);
}

/* --------------------------------------------------------------- handlers */

static enum status write_upload(struct call *call, const char *id, const char *name,
                                int64_t received)
{
    jw_object(&call->w);
    jw_kv_text(&call->w, "id", id);
    jw_kv_text(&call->w, "name", name);
    jw_kv_int(&call->w, "received", received);
    jw_end_object(&call->w);
    return OK;
}

enum status api_upload_begin(struct call *call, struct err *err)
{
    struct uploads *uploads = call->api->uploads;
    if (!uploads->folder)
        return err_set(err, ERR_CONFLICT, "there is no data directory to keep uploads in");
    if (mkdir(uploads->folder, 0700) != 0 && errno != EEXIST)
        return err_set(err, ERR_IO, "making %s: %s", uploads->folder, strerror(errno));
    struct incoming *in = mem_alloc(sizeof *in);
    in->id = mem_strdup(door_random(call->arena));
    in->name = mem_strdup(json_get_text(call->body, "name"));
    in->path = mem_printf("%s/%s", uploads->folder, in->id);
    in->user_id = call->person.user_id;
    in->touched_ms = call_now(call);
    pthread_mutex_lock(&uploads->lock);
    bool room = drop_old(uploads, in->user_id, in->touched_ms) < EACH_MOST;
    if (room) {
        in->next = uploads->list;
        uploads->list = in;
        write_upload(call, in->id, in->name, 0);
    }
    pthread_mutex_unlock(&uploads->lock);
    if (room)
        return OK;
    incoming_free(in, false);
    return err_set(err, ERR_TOO_MANY, "%d uploads of yours are open already", EACH_MOST);
}

/* Says that the piece may be written, and by nobody else meanwhile. */
static enum status claim(struct call *call, struct incoming **out, struct err *err)
{
    struct uploads *uploads = call->api->uploads;
    int64_t at = call_query_int(call, "at", 0), len = (int64_t)call->in->body.len;
    enum status rc = OK;
    pthread_mutex_lock(&uploads->lock);
    struct incoming *in = *find(uploads, call->values[0], call->person.user_id);
    if (!in)
        rc = unknown(call->values[0], err);
    else if (in->busy || in->received != at)
        rc = err_set(err, ERR_CONFLICT, "the next piece belongs at %lld, not at %lld",
                     (long long)in->received, (long long)at);
    else if (in->received + len > BYTES_MOST)
        rc = err_set(err, ERR_TOO_LARGE, "an upload has at most %lld bytes", (long long)BYTES_MOST);
    else
        in->busy = true;
    *out = in;
    pthread_mutex_unlock(&uploads->lock);
    return rc;
}

static enum status append(const struct incoming *in, const struct buf *piece, struct err *err)
{
    int fd = open(in->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    size_t done = 0;
    bool fine = fd >= 0;
    while (fine && done < piece->len) {
        ssize_t n = pwrite(fd, piece->data + done, piece->len - done, in->received + (off_t)done);
        fine = n > 0 || (n < 0 && errno == EINTR);
        done += n > 0 ? (size_t)n : 0;
    }
    int saved = errno;
    if (fd >= 0 && close(fd) != 0)
        fine = false;
    return fine ? OK : err_set(err, ERR_IO, "keeping the upload: %s", strerror(saved));
}

enum status api_upload_piece(struct call *call, struct err *err)
{
    struct uploads *uploads = call->api->uploads;
    struct incoming *in;
    if (claim(call, &in, err) != OK)
        return FAIL;
    enum status rc = append(in, &call->in->body, err);
    pthread_mutex_lock(&uploads->lock);
    if (rc == OK)
        in->received += (int64_t)call->in->body.len;
    in->touched_ms = call_now(call);
    in->busy = false;
    if (rc == OK)
        write_upload(call, in->id, in->name, in->received);
    pthread_mutex_unlock(&uploads->lock);
    return rc;
}

enum status api_upload_show(struct call *call, struct err *err)
{
    struct uploads *uploads = call->api->uploads;
    pthread_mutex_lock(&uploads->lock);
    const struct incoming *in = *find(uploads, call->values[0], call->person.user_id);
    enum status rc = in ? write_upload(call, in->id, in->name, in->received)
                        : unknown(call->values[0], err);
    pthread_mutex_unlock(&uploads->lock);
    return rc;
}

/* Takes it out of the list; NULL with *err set when it is not there or in use. */
static struct incoming *take_out(struct call *call, const char *id, struct err *err)
{
    struct uploads *uploads = call->api->uploads;
    pthread_mutex_lock(&uploads->lock);
    struct incoming **at = find(uploads, id, call->person.user_id), *in = *at;
    if (!in)
        unknown(id, err);
    else if (in->busy)
        err_set(err, ERR_CONFLICT, "a piece of this upload is being written");
    if (in && in->busy)
        in = NULL;
    if (in)
        *at = in->next;
    pthread_mutex_unlock(&uploads->lock);
    return in;
}

enum status api_upload_drop(struct call *call, struct err *err)
{
    struct incoming *in = take_out(call, call->values[0], err);
    if (!in)
        return FAIL;
    incoming_free(in, true);
    return OK;
}

enum status api_upload_take(struct call *call, struct err *err)
{
    struct table table;
    struct job_order job = {.kind = JOB_SYNC, .source = json_get_text(call->body, "source")};
    if (call_table(call, &table, err) != OK)
        return FAIL;
    struct incoming *in = take_out(call, json_get_text(call->body, "upload"), err);
    if (!in)
        return FAIL;
    if (!in->received) {
        err_set(err, ERR_INVALID, "%s is empty: not a byte of it was sent", in->name);
        incoming_free(in, true);
        return FAIL;
    }
    job.table = table.name;
    job.upload_path = in->path;
    job.upload_name = in->name;
    enum status rc = call_order(call, &job, err);
    incoming_free(in, rc != OK); /* the job deletes what it was given */
    return rc;
}
