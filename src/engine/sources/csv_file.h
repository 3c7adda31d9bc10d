/* csv_file.h - a CSV file as people have them: any encoding, any delimiter, any
 * heading. Private to the CSV source and to whoever proposes a recipe for one. */
#ifndef ARGIL_ENGINE_SOURCES_CSV_FILE_H
#define ARGIL_ENGINE_SOURCES_CSV_FILE_H

#include "base/charset.h"
#include "base/csv.h"
#include "base/json.h"

#define CSV_FIELD_MAX                                                                              \
    ((size_t)10 << 20) /* bytes of one cell; larger ones are told and left out                     \
                        */

struct csv_file {
    int fd;
    const char *path, *name; /* where it lies; what it is called in errors */
    uint64_t size;
    int64_t changed_ms; /* the file's own time */
    enum charset charset;
    char delimiter;
    bool header; /* the first record names the columns */
    const char **names;
    size_t count;
    /* after csv_file_read */
    uint64_t nuls, bad;
};

/* Opens, looks at all of the file once for its encoding, reads the heading. `config`: the
 * source's options `encoding`, `delimiter`, `header`; may be NULL. Names are trimmed; a missing
 * one is "Column 3", one that is there already gets " (2)". `name` is what people call the file;
 * NULL: its path. Texts live on the arena. */
enum status csv_file_open(struct csv_file *file, struct arena *arena, const char *path,
                          const char *name, const struct json *config, struct err *err);
void csv_file_close(struct csv_file *file);
/* Every record behind the heading. Fields over CSV_FIELD_MAX come as {NULL, length}. The
 * error of an unclosed quote says where it began. */
enum status csv_file_read(struct csv_file *file, csv_record_fn *fn, void *ctx, struct err *err);
/* "UTF-8, comma" */
const char *csv_file_form(const struct csv_file *file, struct arena *arena);

#endif
