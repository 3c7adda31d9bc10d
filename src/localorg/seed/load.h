/* load.h - bringing files of a real org into this one.
 *
 * Understood: describe JSON (bare or {"result":{}}), describe global (noted,
 * not needed), `sf data tree` files and plans, CSV named after its object, and
 * directories of all these. Nothing is dropped without a line in the report. */
#ifndef LOCALORG_SEED_LOAD_H
#define LOCALORG_SEED_LOAD_H

#include "localorg/org/org.h"

#include <stdio.h>

struct load_note {
    const char *file, *text;
    uint64_t count; /* how many times it happened; 1 for a plain note */
};

struct load_object { /* one line per object that rows came for */
    const char *object;
    uint64_t loaded, refused;
};

struct load_report {
    struct arena *arena; /* owns all text below; made by load_path */
    uint64_t files, objects_added, fields_added, loaded, refused, columns_skipped;
    struct load_object *objects;
    size_t object_count;
    struct load_note *refusals; /* one per distinct reason and object */
    size_t refusal_count;
    struct load_note *notes; /* skipped columns, ignored files, objects made up, ... */
    size_t note_count;
};

/* A file or directory. `progress` may be NULL. FAIL when nothing could be read
 * or the org itself failed; refused rows are in the report. */
enum status load_path(struct org *org, const char *path, FILE *progress, struct load_report *report,
                      struct err *err);
/* Several paths as one load: references between them resolve. */
enum status load_paths(struct org *org, const char *const *paths, size_t count, FILE *progress,
                       struct load_report *report, struct err *err);
void load_report_print(FILE *out, const struct load_report *report);
void load_report_json(struct jw *w, const struct load_report *report);
void load_report_free(struct load_report *report);

#endif
