/* upload.c - takes a file for a CSV source, durably, then reads it as a sync does.
 *
 *   DATA/uploads/<source id>-<number>.csv      mode 0600
 *
 * Order: the bytes go to a file of another name, are synced, get their name; what is
 * no CSV at all is refused here, the former file stays; then the source's cursor says
 * so; then the former file goes; then a sync reads it.
 * Killed anywhere: before the cursor nothing has happened, behind it the next sync
 * reads the file. The newest upload is kept, so that a column that is added later
 * can be filled. */
#include "engine/sources/upload.h"

#include "engine/sources/csv_file.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)64 << 10)

/* What the cursor of an uploaded source says. */
struct kept {
    int64_t number; /* 0 = nothing was uploaded */
    const char *name;
};

static enum status read_kept(struct engine *engine, struct arena *arena, int64_t table_id, int slot,
                             struct kept *kept, struct err *err)
{
    const char *text = NULL;
    *kept = (struct kept){.name = "the upload"};
    if (engine->store->does->cursor_get(engine->store, arena, table_id, slot, &text, err) != OK)
        return FAIL;
    const struct json *cursor = text ? json_parse(arena, text, strlen(text), err) : NULL;
    if (text && !cursor)
        return err_wrap(err, "reading what was uploaded");
    kept->number = json_get_int(cursor, "upload", 0);
    if (json_get_text(cursor, "name"))
        kept->name = json_get_text(cursor, "name");
    return OK;
}

static char *place(struct engine *engine, struct arena *arena, int64_t source_id, int64_t number,
                   const char *end)
{
    return arena_printf(arena, "%s/uploads/%lld-%lld.%s", engine->data, (long long)source_id,
                        (long long)number, end);
}

enum status upload_find(struct sync *sync, const char **path, const char **name,
                        const char **prefix, struct err *err)
{
    struct engine *engine = sync->job.engine;
    struct arena *arena = sync->job.arena;
    struct kept kept;
    if (read_kept(engine, arena, sync->table->table.id, sync->from->slot, &kept, err) != OK)
        return FAIL;
    if (!kept.number || !engine->data) {
        err_set(err, ERR_NOT_FOUND, "nothing was uploaded yet for source \"%s\"", sync->from->name);
        err_hint(err, "argil source upload %s FILE.csv", sync->table->table.name);
        return FAIL;
    }
    *path = place(engine, arena, sync->from->id, kept.number, "csv");
    *name = kept.name;
    *prefix = arena_printf(arena, "%lld:", (long long)kept.number);
    return OK;
}

const char *upload_path(struct engine *engine, struct arena *arena, const char *table,
                        const char *source)
{
    struct table found;
    struct kept kept;
    struct store *store = engine->store;
    if (!engine->data || store->does->table_get(store, arena, table, &found, NULL) != OK)
        return NULL;
    const struct source *from = table_source(&found, source);
    if (!from || !text_eq(from->kind, "csv") ||
        read_kept(engine, arena, found.id, from->slot, &kept, NULL) != OK || !kept.number)
        return NULL;
    return place(engine, arena, from->id, kept.number, "csv");
}

/* ---------------------------------------------------------------- taking */

static enum status disk_failed(const char *path, struct err *err)
{
    return err_set(err, ERR_INVALID, "cannot write %s: %s", path, strerror(errno));
}

static enum status write_all(int fd, const char *path, const char *bytes, size_t len,
                             struct err *err)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return disk_failed(path, err);
        bytes += n;
        len -= (size_t)n;
    }
    return OK;
}

static enum status copy_to(int fd, const char *path, const struct upload *upload, struct err *err)
{
    char *piece = mem_alloc(PIECE);
    enum status rc = OK;
    for (;;) {
        ssize_t n = upload->read(upload->ctx, piece, PIECE, err);
        if (n <= 0) {
            rc = n < 0 ? FAIL : OK;
            break;
        }
        if ((rc = write_all(fd, path, piece, (size_t)n, err)) != OK)
            break;
    }
    free(piece);
    return rc == OK && fsync(fd) != 0 ? disk_failed(path, err) : rc;
}

static enum status sync_directory(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    if (fd >= 0)
        close(fd);
    return rc == 0 ? OK : disk_failed(path, err);
}

static enum status keep_file(struct engine *engine, struct arena *arena, const char *part,
                             const char *whole, const struct upload *upload, struct err *err)
{
    const char *directory = arena_printf(arena, "%s/uploads", engine->data);
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return disk_failed(directory, err);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return disk_failed(part, err);
    enum status rc = copy_to(fd, part, upload, err);
    close(fd);
    if (rc == OK && rename(part, whole) != 0)
        rc = disk_failed(whole, err);
    if (rc != OK)
        unlink(part);
    return rc == OK ? sync_directory(directory, err) : FAIL;
}

static enum status note_kept(struct engine *engine, struct arena *arena, const struct table *table,
                             const struct source *from, const struct kept *kept, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_int(&w, "upload", kept->number);
    jw_kv_text(&w, "name", kept->name);
    jw_end_object(&w);
    struct import_page page = {.table_id = table->id,
                               .source = from->slot,
                               .cursor = arena_strdup(arena, buf_text(&text))};
    buf_free(&text);
    return engine->store->does->import_page(engine->store, &page, NULL, err);
}

static bool takes_uploads(struct arena *arena, const struct source *source)
{
    const struct json *config = json_parse(arena, source->config, strlen(source->config), NULL);
    return text_eq(source->kind, "csv") && !json_get(config, "file");
}

/* The named source, or the only one that is uploaded to. */
static const struct source *uploaded(struct arena *arena, const struct table *table,
                                     const char *name, struct err *err)
{
    const struct source *found = NULL;
    for (size_t i = 0; i < table->source_count; i++) {
        const struct source *s = &table->sources[i];
        bool meant = !name || text_eq_nocase(s->name, name);
        if (!meant || !takes_uploads(arena, s))
            continue;
        if (found) {
            err_set(err, ERR_CONFLICT, "table \"%s\" has several sources to upload to",
                    table->name);
            err_hint(err, "choose one with --source");
            return NULL;
        }
        found = s;
    }
    if (!found) {
        err_set(err, ERR_NOT_FOUND, "table \"%s\" has no%s%s source to upload to", table->name,
                name ? " " : "", name ? name : "");
        err_hint(err, "A source that takes uploads is csv without `file`: see `argil source kinds "
                      "csv`.");
    }
    return found;
}

/* Is there a heading to be read in it? */
static enum status look_into(struct arena *arena, const struct source *from, const char *path,
                             const char *name, struct err *err)
{
    struct csv_file file;
    const struct json *config = json_parse(arena, from->config, strlen(from->config), NULL);
    enum status rc = csv_file_open(&file, arena, path, name, config, err);
    if (rc == OK)
        csv_file_close(&file);
    else
        unlink(path);
    return rc;
}

static enum status upload_into(struct engine *engine, struct arena *arena,
                               const struct table *table, const struct source *from,
                               const struct upload *upload, struct err *err)
{
    struct kept kept;
    if (read_kept(engine, arena, table->id, from->slot, &kept, err) != OK)
        return FAIL;
    int64_t former = kept.number;
    kept.number++;
    kept.name = upload->name ? upload->name : "the upload";
    const char *whole = place(engine, arena, from->id, kept.number, "csv");
    if (keep_file(engine, arena, place(engine, arena, from->id, kept.number, "part"), whole, upload,
                  err) != OK ||
        look_into(arena, from, whole, kept.name, err) != OK)
        return FAIL;
    crash_point(engine, "U1");
    if (note_kept(engine, arena, table, from, &kept, err) != OK)
        return FAIL;
    if (former)
        unlink(place(engine, arena, from->id, former, "csv"));
    return OK;
}

enum status source_upload(struct engine *engine, const char *table, const char *source,
                          const struct upload *upload, struct sync_report *report, struct err *err)
{
    struct arena *arena = arena_new();
    struct table found;
    const struct source *from = NULL;
    struct store *store = engine->store;
    enum status rc = FAIL;
    if (!engine->data)
        err_set(err, ERR_INVALID, "there is no data directory to keep uploads in");
    else if (store->does->table_get(store, arena, table, &found, err) == OK &&
             (from = uploaded(arena, &found, source, err)) != NULL)
        rc = upload_into(engine, arena, &found, from, upload, err);
    if (rc == OK && report)
        rc = sync_source(engine, table, from->name, false, report, err);
    arena_free(arena);
    return rc;
}
