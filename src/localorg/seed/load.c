/* load.c - finding files, the order of a load, and its report. */
#include "localorg/seed/load_priv.h"

#include "base/json.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- report --- */

static void count_note(struct map *index, struct load_note **at, size_t *len, size_t *cap,
                       const char *key, struct load_note note)
{
    size_t known = (size_t)(uintptr_t)map_get(index, key);
    if (known) {
        (*at)[known - 1].count += note.count;
        return;
    }
    if (*len == *cap) {
        *cap = *cap ? *cap * 2 : 16;
        *at = mem_resize_array(*at, *cap, sizeof **at);
    }
    (*at)[(*len)++] = note;
    map_put(index, key, (void *)(uintptr_t)*len);
}

void load_note(struct loader *l, const char *file, uint64_t count, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprintf(l->arena, fmt, args);
    va_end(args);
    const char *key = arena_printf(l->arena, "%s|%s", file ? file : "", text);
    count_note(l->note_index, &l->notes.at, &l->notes.len, &l->notes.cap, key,
               (struct load_note){file, text, count});
}

void load_refuse(struct loader *l, struct load_row *row, const char *key, const char *text)
{
    const char *whole = arena_printf(l->arena, "%s|%s|%s", row->file, row->bucket->name, key);
    row->refused = true;
    row->bucket->refused++;
    count_note(l->refusal_index, &l->refusals.at, &l->refusals.len, &l->refusals.cap, whole,
               (struct load_note){row->file,
                                  arena_printf(l->arena, "%s: %s", row->bucket->name, text), 1});
}

void load_skip(struct loader *l, const struct load_row *row, const char *key, const char *why)
{
    struct skipped *skipped = NULL;
    for (size_t i = 0; i < l->skips.len; i++) {
        struct skipped *one = l->skips.at[i];
        if (one->file == row->file && one->why == why && text_eq(one->object, row->bucket->name))
            skipped = one;
    }
    if (!skipped) {
        skipped = mem_alloc(sizeof *skipped);
        *skipped = (struct skipped){row->file, row->bucket->name, why, map_new(), BUF_INIT, 0};
        vec_push(&l->skips, skipped);
    }
    skipped->values++;
    if (map_has(skipped->keys, key))
        return;
    map_put(skipped->keys, key, skipped);
    buf_printf(&skipped->names, "%s%s", skipped->names.len ? ", " : "", key);
}

void load_say(struct loader *l, const char *fmt, ...)
{
    if (!l->progress)
        return;
    va_list args;
    va_start(args, fmt);
    vfprintf(l->progress, fmt, args);
    va_end(args);
    fputc('\n', l->progress);
}

static void print_notes(FILE *out, const char *heading, const struct load_note *notes, size_t count)
{
    if (count)
        fprintf(out, "%s\n", heading);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  ");
        if (notes[i].count > 1)
            fprintf(out, "%llu x ", (unsigned long long)notes[i].count);
        fprintf(out, "%s", notes[i].text);
        if (notes[i].file && *notes[i].file)
            fprintf(out, "  (%s)", load_file_name(notes[i].file));
        fputc('\n', out);
    }
}

void load_report_print(FILE *out, const struct load_report *r)
{
    fprintf(out, "%llu files, %llu objects and %llu fields added, %llu records loaded",
            (unsigned long long)r->files, (unsigned long long)r->objects_added,
            (unsigned long long)r->fields_added, (unsigned long long)r->loaded);
    if (r->refused)
        fprintf(out, ", %llu refused", (unsigned long long)r->refused);
    if (r->columns_skipped)
        fprintf(out, ", %llu columns left out", (unsigned long long)r->columns_skipped);
    fputc('\n', out);
    for (size_t i = 0; i < r->object_count; i++) {
        const struct load_object *o = &r->objects[i];
        fprintf(out, "  %-32s %10llu loaded", o->object, (unsigned long long)o->loaded);
        if (o->refused)
            fprintf(out, " %10llu refused", (unsigned long long)o->refused);
        fputc('\n', out);
    }
    print_notes(out, "Refused:", r->refusals, r->refusal_count);
    print_notes(out, "Notes:", r->notes, r->note_count);
}

static void write_notes(struct jw *w, const char *key, const struct load_note *notes, size_t count)
{
    jw_key(w, key);
    jw_array(w);
    for (size_t i = 0; i < count; i++) {
        jw_object(w);
        jw_kv_text(w, "file", notes[i].file);
        jw_kv_text(w, "text", notes[i].text);
        jw_kv_int(w, "count", (int64_t)notes[i].count);
        jw_end_object(w);
    }
    jw_end_array(w);
}

void load_report_json(struct jw *w, const struct load_report *r)
{
    jw_object(w);
    jw_kv_int(w, "files", (int64_t)r->files);
    jw_kv_int(w, "objects_added", (int64_t)r->objects_added);
    jw_kv_int(w, "fields_added", (int64_t)r->fields_added);
    jw_kv_int(w, "loaded", (int64_t)r->loaded);
    jw_kv_int(w, "refused", (int64_t)r->refused);
    jw_kv_int(w, "columns_skipped", (int64_t)r->columns_skipped);
    jw_key(w, "objects");
    jw_array(w);
    for (size_t i = 0; i < r->object_count; i++) {
        jw_object(w);
        jw_kv_text(w, "object", r->objects[i].object);
        jw_kv_int(w, "loaded", (int64_t)r->objects[i].loaded);
        jw_kv_int(w, "refused", (int64_t)r->objects[i].refused);
        jw_end_object(w);
    }
    jw_end_array(w);
    write_notes(w, "refusals", r->refusals, r->refusal_count);
    write_notes(w, "notes", r->notes, r->note_count);
    jw_end_object(w);
}

void load_report_free(struct load_report *report)
{
    arena_free(report->arena);
    *report = (struct load_report){0};
}

static void finish_skips(struct loader *l)
{
    for (size_t i = 0; i < l->skips.len; i++) {
        struct skipped *s = l->skips.at[i];
        load_note(l, s->file, s->values, "%s, values left out, %s: %s", s->object, s->why,
                  buf_text(&s->names));
        map_free(s->keys);
        buf_free(&s->names);
        free(s);
    }
    vec_free(&l->skips);
}

/* What the loader gathered, moved to the report's arena. */
static void report_finish(struct loader *l)
{
    struct load_report *r = l->report;
    finish_skips(l);
    r->objects = arena_array(l->arena, l->buckets.len + 1, sizeof *r->objects);
    for (size_t i = 0; i < l->buckets.len; i++) {
        const struct bucket *b = l->buckets.at[i];
        if (!b->rows.len)
            continue;
        r->objects[r->object_count++] =
            (struct load_object){b->object ? b->object->name : b->name, b->loaded, b->refused};
        r->loaded += b->loaded;
        r->refused += b->refused;
    }
    r->notes = arena_array(l->arena, l->notes.len + 1, sizeof *r->notes);
    r->refusals = arena_array(l->arena, l->refusals.len + 1, sizeof *r->refusals);
    if (l->notes.len)
        memcpy(r->notes, l->notes.at, l->notes.len * sizeof *r->notes);
    if (l->refusals.len)
        memcpy(r->refusals, l->refusals.at, l->refusals.len * sizeof *r->refusals);
    r->note_count = l->notes.len;
    r->refusal_count = l->refusals.len;
}

/* --- files --- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Plans first, so that the files they name are read in their scope. */
static bool is_plan(const char *name)
{
    return text_ends(name, "plan.json");
}

static void read_folder(struct loader *l, const char *path);

static void read_entry(struct loader *l, const char *path)
{
    struct stat is;
    if (stat(path, &is) != 0)
        load_note(l, path, 1, "cannot be read: %s", strerror(errno));
    else if (S_ISDIR(is.st_mode))
        read_folder(l, path);
    else
        load_read_file(l, path);
}

static void read_folder(struct loader *l, const char *path)
{
    const char *real = load_real_path(l, path);
    if (map_has(l->seen, real))
        return; /* a link leads back here */
    map_put(l->seen, real, l);
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, not_hidden, by_name);
    if (count < 0) {
        load_note(l, path, 1, "cannot be read: %s", strerror(errno));
        return;
    }
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < count; i++) {
            if (is_plan(entries[i]->d_name) != (pass == 0))
                continue;
            read_entry(l, arena_printf(l->arena, "%s/%s", path, entries[i]->d_name));
        }
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

static enum status read_all(struct loader *l, const char *const *paths, size_t count,
                            struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct stat is;
        size_t len = strlen(paths[i]);
        while (len > 1 && paths[i][len - 1] == '/')
            len--;
        char *path = arena_strndup(l->arena, paths[i], len);
        if (stat(path, &is) != 0)
            return err_set(err, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
        read_entry(l, path);
    }
    if (!l->report->files && !l->csv.len)
        return err_set(err, ERR_INVALID, "nothing to load: no describe, record file or CSV in %s",
                       paths[0]);
    return OK;
}

/* --- a load --- */

static void loader_init(struct loader *l, struct org *org, FILE *progress,
                        struct load_report *report)
{
    *report = (struct load_report){.arena = arena_new()};
    *l =
        (struct loader){.org = org, .progress = progress, .report = report, .arena = report->arena};
    l->planned = map_new();
    l->seen = map_new();
    l->bucket_by_name = map_new_nocase();
    l->by_ref = map_new();
    l->by_id = map_new();
    l->record_types = map_new();
    l->note_index = map_new();
    l->refusal_index = map_new();
}

static void loader_free(struct loader *l)
{
    for (size_t i = 0; i < l->buckets.len; i++) {
        load_columns_free(l->buckets.at[i]);
        vec_free(&l->buckets.at[i]->rows);
        free(l->buckets.at[i]);
    }
    vec_free(&l->buckets);
    vec_free(&l->csv);
    vec_free(&l->describes);
    vec_free(&l->describe_files);
    vec_free(&l->record_type_files);
    vec_free(&l->notes);
    vec_free(&l->refusals);
    map_free(l->planned);
    map_free(l->seen);
    map_free(l->bucket_by_name);
    map_free(l->by_ref);
    map_free(l->by_id);
    map_free(l->record_types);
    map_free(l->note_index);
    map_free(l->refusal_index);
}

static enum status load_in_order(struct loader *l, struct err *err)
{
    if (load_schema(l, err) != OK)
        return FAIL;
    load_read_csv_files(l);
    if (load_infer(l, err) != OK || load_record_types(l, err) != OK)
        return FAIL;
    return load_rows(l, err);
}

enum status load_paths(struct org *org, const char *const *paths, size_t count, FILE *progress,
                       struct load_report *report, struct err *err)
{
    struct loader l;
    loader_init(&l, org, progress, report);
    enum status rc = read_all(&l, paths, count, err);
    if (rc == OK && !org_write_begin(org)) {
        rc = err_set(err, ERR_IO, "cannot write to the org");
    } else if (rc == OK) {
        rc = load_in_order(&l, err);
        enum status ended = org_write_end(org, rc == OK, rc == OK ? err : NULL);
        rc = rc == OK ? ended : rc;
    }
    report_finish(&l);
    loader_free(&l);
    return rc == OK ? OK : err_wrap(err, "loading %s", count ? paths[0] : "nothing");
}

enum status load_path(struct org *org, const char *path, FILE *progress, struct load_report *report,
                      struct err *err)
{
    return load_paths(org, &path, 1, progress, report, err);
}
