/* load_priv.h - one load, taken apart.
 *
 * load.c finds the files and tells what happened; load_read.c turns a file into
 * rows; load_schema.c makes the org fit for them; load_rows.c writes them. Every
 * row is in memory before the first is written, so that references may point
 * forwards, across files and in circles. */
#ifndef LOCALORG_SEED_LOAD_PRIV_H
#define LOCALORG_SEED_LOAD_PRIV_H

#include "localorg/seed/load.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

struct bucket;

struct load_row {
    struct bucket *bucket;   /* of its object */
    const struct json *body; /* as the file has it */
    const char *file;
    const char *folder;       /* short ids ("17") mean something within one folder */
    const char *scope;        /* "@ref" names mean something within one plan or file */
    struct load_row *parent;  /* the record it is nested in, or NULL */
    const char *relationship; /* under which name */
    char id[19];              /* once it is in the org */
    bool done, refused, deleted;
    bool untyped; /* from CSV: "12" may be a number */
};

struct column; /* where a key of the file goes; load_rows.c */

struct bucket { /* all rows of one object */
    const char *name;
    struct sobject *object; /* NULL until found or made */
    VEC(struct load_row *) rows;
    struct map *columns; /* key as in the files -> struct column */
    bool written;
    uint64_t loaded, refused;
};

struct skipped {
    const char *file, *object, *why;
    struct map *keys;
    struct buf names;
    uint64_t values;
};

struct loader {
    struct org *org;
    FILE *progress;
    struct arena *arena; /* the report's: everything kept */
    struct load_report *report;
    struct map *planned;   /* paths that a plan loads */
    struct map *seen;      /* paths read already */
    VEC(const char *) csv; /* read after the describes: a file name alone tells the object */
    VEC(struct bucket *) buckets;
    struct map *bucket_by_name; /* case ignored */
    VEC(const struct json *) describes;
    VEC(const char *) describe_files;
    struct map *by_ref;                  /* "scope@name" -> row */
    struct map *by_id;                   /* "001..." or "folder|object|17" -> row */
    struct map *record_types;            /* old id -> new id (char *) */
    VEC(const char *) record_type_files; /* object, id, developer name, three by three */
    struct map *note_index, *refusal_index;
    VEC(struct load_note) notes, refusals;
    VEC(struct skipped *) skips;
};

/* --- load.c: the report --- */
void load_note(struct loader *l, const char *file, uint64_t count, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* `key` tells reasons apart; the text is the first one's. */
void load_refuse(struct loader *l, struct load_row *row, const char *key, const char *text);
/* A value with no field to go to; one note per file and reason names them all. */
void load_skip(struct loader *l, const struct load_row *row, const char *key, const char *why);
void load_say(struct loader *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- load_read.c --- */
/* Reads one file whatever it is, CSV kept for load_read_csv_files; what it
 * cannot use becomes a note. */
void load_read_file(struct loader *l, const char *path);
void load_read_csv_files(struct loader *l);
struct bucket *load_bucket(struct loader *l, const char *object);
bool load_is_custom_name(const char *name); /* ends in __c */
const char *load_file_name(const char *path);
const char *load_real_path(struct loader *l, const char *path); /* one name per file */
/* A canonical id if `text` is one, else a key for the folder. NULL for nothing. */
const char *load_id_key(struct loader *l, const char *folder, const char *object, const char *text);
struct load_row *load_find_ref(struct loader *l, const struct load_row *from, const char *name);

/* --- load_schema.c --- */
enum status load_schema(struct loader *l, struct err *err);
/* Objects and custom fields that rows need and nobody described. */
enum status load_infer(struct loader *l, struct err *err);
enum status load_record_types(struct loader *l, struct err *err);
/* The field a key of a file means: API name, or snake_case of one. NULL when none. */
const struct field *load_field(const struct sobject *object, const char *key);

/* --- load_rows.c --- */
enum status load_rows(struct loader *l, struct err *err);
void load_columns_free(struct bucket *bucket);

#endif
