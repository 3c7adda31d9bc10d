/* csv.c - rows from a CSV file: one that is named in the recipe, or one that was
 * uploaded (upload.c).
 *
 * What is odd about a row is told and never dropped without a word:
 *   fewer fields than the heading    the missing ones are null; counted
 *   more, and they hold something    the row is refused: what they mean is unknown
 *   a cell over 10 MiB               the cell is left empty, told
 *   a value that is not its type     likewise
 *   NUL, bytes that are no text      become U+FFFD; counted
 *   nothing but delimiters           no row; counted
 * Without `unique_by` a row is its line's number in that file. */
#include "engine/sources/csv_file.h"
#include "engine/sources/snapshot.h"
#include "engine/sources/upload.h"

#include "base/str.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *const encodings[] = {"auto",    "utf-8",        "utf-16le", "utf-16be",
                                        "latin-1", "windows-1252", NULL};

static const struct kind_option options[] = {
    {"file", OPT_TEXT, false, "path of the file, seen from the recipe",
     "what was uploaded: argil source upload", NULL, 0, 0},
    {"fields", OPT_SOURCE_FIELDS, true, "headings, such as [Email, {Full name: Name}], or all",
     NULL, NULL, 0, 0},
    {"delimiter", OPT_TEXT, false, "sign between fields; tab for a tabulator",
     "found in the heading", NULL, 0, 0},
    {"encoding", OPT_ENUM, false, "of the file", "auto: found by reading all of it", encodings, 0,
     0},
    {"header", OPT_BOOL, false, "the first line names the columns, else they are Column 1, ...",
     "true", NULL, 0, 0},
};

/* --------------------------------------------------------------- checking */

/* A path of the recipe, absolute. NULL when there is no such file. */
static char *resolve(struct source_check *check, const char *file)
{
    const char *slash = check->recipe ? strrchr(check->recipe, '/') : NULL;
    const char *path = *file == '/' || !slash
                           ? file
                           : arena_printf(check->arena, "%.*s/%s", (int)(slash - check->recipe),
                                          check->recipe, file);
    char *real = realpath(path, NULL);
    char *kept = real ? arena_strdup(check->arena, real) : NULL;
    free(real);
    return kept;
}

/* The same options with another `file`. */
static void keep_path(struct source_check *check, const char *path)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    json_each(option, check->config) {
        jw_key(&w, option->key);
        text_eq(option->key, "file") ? jw_text(&w, path) : jw_value(&w, option);
    }
    jw_end_object(&w);
    check->config = json_parse(check->arena, buf_text(&text), text.len, NULL);
    buf_free(&text);
}

static void list_fields(struct source_check *check, const struct csv_file *file)
{
    check->fields = arena_array(check->arena, file->count + 1, sizeof *check->fields);
    check->field_count = file->count;
    for (size_t i = 0; i < file->count; i++)
        check->fields[i] = (struct source_field){file->names[i], NULL, TYPE_TEXT};
}

static void check_file(struct source_check *check, const char *path, const char *name,
                       const char *where)
{
    struct csv_file file;
    struct err err = {0};
    if (csv_file_open(&file, check->arena, path, name, check->config, &err) != OK) {
        source_check_add(check, where, &err);
        return;
    }
    list_fields(check, &file);
    csv_file_close(&file);
}

static void check_csv(struct source_check *check)
{
    const char *file = json_get_text(check->config, "file");
    const char *delimiter = json_get_text(check->config, "delimiter");
    if (delimiter && strlen(delimiter) != 1 && !text_eq(delimiter, "tab") &&
        !text_eq(delimiter, "\\t"))
        err_hint(source_check_fail(check, "delimiter", "recipe.wrong_value",
                                   "`delimiter` must be one sign, not `%s`", delimiter),
                 "\",\", \";\", \"|\" or tab");
    if (!file) {
        const char *path = upload_path(check->engine, check->arena, check->table, check->source);
        check->open = !path;
        if (path)
            check_file(check, path, "what was uploaded", "");
        return;
    }
    if (!check->engine->local_files) {
        err_hint(source_check_fail(check, "file", "recipe.no_local_files",
                                   "a file of the server cannot be named from here"),
                 "leave `file` out and upload it");
        return;
    }
    const char *path = resolve(check, file);
    if (!path) {
        source_check_fail(check, "file", ERR_NOT_FOUND, "there is no file %s", file);
        return;
    }
    keep_path(check, path);
    check_file(check, path, NULL, "file");
}

/* ---------------------------------------------------------------- pulling */

struct csv_pull {
    struct sync *sync;
    struct csv_file file;
    struct snapshot *snap;
    size_t *from;       /* heading's position of each field */
    const char *prefix; /* of line keys: which upload, or "" */
    bool by_line;
    int64_t record, shorter, empty;
};

static bool heading_has(void *ctx, const char *field)
{
    const struct csv_pull *pull = ctx;
    for (size_t i = 0; i < pull->file.count; i++)
        if (text_eq(pull->file.names[i], field))
            return true;
    return false;
}

static void find_positions(struct csv_pull *pull)
{
    struct sync *sync = pull->sync;
    pull->from = arena_array(sync->job.arena, sync->field_count + 1, sizeof *pull->from);
    for (size_t i = 0; i < sync->field_count; i++)
        while (!text_eq(pull->file.names[pull->from[i]], sync->fields[i]))
            pull->from[i]++;
}

static bool nothing_in(const struct str *fields, const bool *quoted, size_t from, size_t count)
{
    for (size_t i = from; i < count; i++)
        if (!fields[i].p || fields[i].n || quoted[i])
            return false;
    return true;
}

static enum status put_cell(struct csv_pull *pull, struct value *values, size_t i, struct str field,
                            bool quoted, uint64_t line, struct err *err)
{
    if (!field.p)
        return snapshot_refuse(pull->snap, (int64_t)line, "csv.large_cell", err,
                               "column %s: %zu bytes, more than the %zu that a cell holds; the "
                               "cell is left empty",
                               pull->sync->columns[i]->name, field.n, CSV_FIELD_MAX);
    if (!field.n && !quoted)
        return OK;
    struct value text = {arena_strndup(snapshot_arena(pull->snap), field.p, field.n),
                         (uint32_t)field.n};
    return snapshot_put_text(pull->snap, values, i, text, (int64_t)line, err);
}

static enum status take_row(void *ctx, const struct str *fields, const bool *quoted, size_t count,
                            uint64_t line, struct err *err)
{
    struct csv_pull *pull = ctx;
    struct sync *sync = pull->sync;
    pull->record++;
    if (nothing_in(fields, quoted, 0, count)) {
        pull->empty++;
        return OK;
    }
    if (count > pull->file.count && !nothing_in(fields, quoted, pull->file.count, count))
        return snapshot_refuse(pull->snap, (int64_t)line, "csv.long_row", err,
                               "%zu fields where the heading has %zu: the row was not taken", count,
                               pull->file.count);
    pull->shorter += count < pull->file.count;
    struct value *values = snapshot_row(pull->snap);
    for (size_t i = 0; i < sync->field_count; i++)
        if (pull->from[i] < count && put_cell(pull, values, i, fields[pull->from[i]],
                                              quoted[pull->from[i]], line, err) != OK)
            return FAIL;
    const char *key = pull->by_line ? arena_printf(snapshot_arena(pull->snap), "%s%lld",
                                                   pull->prefix, (long long)pull->record)
                                    : NULL;
    if (pull->record % 1000 == 0)
        job_tick(&sync->job, "reading the file", pull->record, 0);
    return snapshot_add(pull->snap, values, key, NULL, (int64_t)line, err);
}

static void note(struct csv_pull *pull, uint64_t count, const char *what)
{
    if (count)
        buf_printf(&pull->sync->notes, "; %s: %llu", what, (unsigned long long)count);
}

static void note_oddities(struct csv_pull *pull)
{
    note(pull, (uint64_t)pull->shorter,
         "rows with fewer fields than the heading, whose missing cells are empty");
    note(pull, (uint64_t)pull->empty, "lines with nothing but delimiters, left out");
    note(pull, pull->file.nuls, "NUL characters, now U+FFFD");
    note(pull, pull->file.bad, "bytes that are no text in that encoding, now U+FFFD");
}

static enum status read_file(struct csv_pull *pull, struct err *err)
{
    struct sync *sync = pull->sync;
    sync_choose_fields(sync, heading_has, pull);
    find_positions(pull);
    pull->by_line = !json_get(sync->source, "unique_by");
    pull->snap = snapshot_new(sync, err);
    if (!pull->snap || csv_file_read(&pull->file, take_row, pull, err) != OK)
        return FAIL;
    note_oddities(pull);
    return snapshot_finish(pull->snap, err);
}

static enum status pull_csv(struct sync *sync, struct err *err)
{
    struct csv_pull pull = {.sync = sync, .prefix = ""};
    const char *path = json_get_text(sync->source, "file"), *shown = path;
    if (!path && upload_find(sync, &path, &shown, &pull.prefix, err) != OK)
        return FAIL;
    if (csv_file_open(&pull.file, sync->job.arena, path, shown, sync->source, err) != OK)
        return FAIL;
    sync->subject =
        arena_printf(sync->job.arena, "%s (%s)", shown, csv_file_form(&pull.file, sync->job.arena));
    sync->counted_by = "the file has";
    enum status rc = read_file(&pull, err);
    if (rc != OK)
        err_wrap(err, "%s", shown);
    snapshot_free(pull.snap);
    csv_file_close(&pull.file);
    return rc;
}

const struct source_kind csv_source = {
    .name = "csv",
    .key = "csv",
    .title = "CSV file",
    .help = "Reads a file of the machine, or one that was uploaded. Encoding and delimiter are "
            "found; every column is text unless the recipe gives it a type (argil source propose "
            "FILE suggests some).",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .bare = "file",
    .key_rule = KEY_CHOICE,
    .every = "manual",
    .when_deleted = "keep",
    .check = check_csv,
    .pull = pull_csv,
};
