/* undo.h - taking back what a run wrote, three-way.
 *
 * For each record that the run changed: a field that still holds what we wrote gets
 * back what it held before; a field that holds that already is left alone; a field
 * that somebody has changed since is theirs, and is named instead of overwritten.
 * Records that the run created are deleted only when asked to, when nobody else
 * touched them. An undo is a run of its own: planned, journalled, undoable. */
#ifndef ARGIL_ENGINE_UNDO_H
#define ARGIL_ENGINE_UNDO_H

#include "engine/engine.h"

enum undo_verdict {
    UNDO_RESTORE, /* gets its old value back */
    UNDO_DELETE,  /* the run made the record, and it goes to the recycle bin */
    UNDO_ALREADY, /* holds the old value */
    UNDO_CHANGED, /* somebody changed it since: left alone */
    UNDO_KEPT,    /* made by the run, and deleting was not asked for */
    UNDO_GONE,    /* the record is deleted, or out of sight */
    UNDO_CANNOT,  /* nothing can take this back; the reason says why */
    UNDO_VERDICTS /* how many there are */
};
const char *undo_verdict_name(enum undo_verdict verdict); /* "restore", "already so", ... */

/* What becomes of one field, or (field NULL) of one record. Lent for the call. */
struct undo_line {
    enum undo_verdict verdict;
    const char *object, *record_id, *field;
    const char *before, *written, *now; /* JSON texts; NULL = not known */
    const char *reason;                 /* NULL where the verdict says it all */
};
struct undo_options {
    bool dry_run;        /* look and tell, write nothing */
    bool delete_created; /* records that the run created go, too */
    void (*line)(void *ctx, const struct undo_line *line); /* may be NULL */
    void *ctx;
};
struct undo_report {
    int64_t run_id;                 /* of the undo; 0 for a dry run */
    int64_t operations;             /* of the run that were looked at */
    int64_t records;                /* that they touched */
    int64_t by_verdict[UNDO_VERDICTS]; /* fields and records, as told to `line` */
    int64_t planned;                /* operations to send */
    struct run_report run;          /* what came of them */
};
/* Undoes run `run_id`. ERR_NOT_FOUND: no such run; ERR_INVALID: it wrote nothing.
 * Asks the org for every record first; blocks until all is sent or put off. What
 * could not be sent stays in the journal and goes with the next run. */
enum status engine_undo(struct engine *engine, int64_t run_id, const struct undo_options *options,
                        struct undo_report *report, struct err *err);

#endif
