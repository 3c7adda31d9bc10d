/* sync_priv.h - what sync.c and the source kinds share: one sync of one source.
 *
 * sync.c opens the run, knows the rules of the table (what becomes due, what a
 * deletion does) and writes the statement; the kind (sources/...) knows where the
 * rows are and hands them over with sync_store. */
#ifndef ARGIL_ENGINE_SYNC_PRIV_H
#define ARGIL_ENGINE_SYNC_PRIV_H

#include "engine/run_priv.h"
#include "engine/sources/source_kind.h"

struct sync {
    struct run_job job;
    struct table_plan *table;
    const struct source_kind *kind;
    const struct source *from;
    const struct json *source; /* its settings, as the recipe gave them */
    struct sync_report *report;
    bool full; /* read everything again; suspicious losses are confirmed */
    int64_t rows_before;

    /* The table's columns that this source fills: set by sync_choose_fields. */
    const char **fields; /* paths to read, and the columns and slots they go to */
    const char *const *echo_fields; /* as import_page.fields; NULL = `fields` */
    const struct column **columns;
    int *slots;
    size_t field_count, frozen_count; /* frozen: gone from the source, old values kept */
    const char *frozen;               /* their names */

    /* The rules of the table. */
    bool update_existing, auto_update;
    const char *same_by; /* the column of auto_dedupe, or NULL */
    int64_t merged_now;  /* rows of the table that are merged, after the pull */
    int64_t heard;   /* stored with the next page: the change event that it follows from; 0 = none */
    bool known_only; /* set while only some fields of known rows are read */
    enum when_deleted when_deleted;
    int64_t *due_for_new;
    size_t due_for_new_count;
    struct due_rule *due_for_change;
    size_t due_for_change_count;
    struct bits *seen; /* row ids that this reading met; NULL = nobody asks */
    bool *repeated;    /* with it: which of the rows just stored were met before */

    /* For the statement; all by the kind. */
    const char *subject;       /* "Contact where Email != null"; NULL = nothing was looked at */
    const char *counted_by;    /* "the file has"; NULL = "the count query said" */
    const char *formula_as_of; /* when the values of formula fields were read; NULL = not said */
    struct buf notes;          /* further half-sentences, each with "; " before it */
};

/* For rows that come by themselves: everything but a run and a pull. Close it in any case. */
enum status sync_open(struct sync *sync, struct engine *engine, const char *table,
                      const char *source, struct run_report *unused, struct sync_report *part,
                      struct err *err);
void sync_close(struct sync *sync);

/* The field of this source that fills a column; NULL = none does. */
const char *sync_field_of(const struct sync *sync, const struct column *column);
/* Splits the table's source columns into those that are `there` and frozen ones. */
void sync_choose_fields(struct sync *sync, bool (*there)(void *ctx, const char *field), void *ctx);

/* Stores rows (values in the order of sync->slots) and the place behind them in
 * one transaction. cursor NULL: the place is unchanged. first_load: the table
 * was empty when this sync began and each key comes once, in order. */
enum status sync_store(struct sync *sync, const struct row_in *rows, size_t count,
                       const char *cursor, bool first_load, struct err *err);
/* The stored place; *json NULL = none. On the job's arena. */
enum status sync_cursor_get(struct sync *sync, const char **json, struct err *err);
/* Live rows that the source holds now. */
enum status sync_rows_now(struct sync *sync, int64_t *out, struct err *err);

#endif
