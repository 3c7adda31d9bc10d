/* snapshot.h - a source that can only be read as a whole: a file, a report, a
 * query, an API. Private to sources.
 *
 *     struct snapshot *snap = snapshot_new(sync, err);    fields are chosen before
 *     ... snapshot_row, snapshot_add, snapshot_refuse ...
 *     rc = snapshot_finish(snap, err);
 *     snapshot_free(snap);
 *
 * Rows go to the store a page at a time; each has a key, so a reading that was cut
 * may begin again: what is there already is known, nothing is doubled. New rows keep
 * the order in which they came. Only a
 * reading that met everything tells what is gone. Memory is one page and a bit a
 * row. */
#ifndef ARGIL_ENGINE_SOURCES_SNAPSHOT_H
#define ARGIL_ENGINE_SOURCES_SNAPSHOT_H

#include "engine/sync_priv.h"

struct snapshot;

/* NULL with *err: `unique_by` names a column that the source no longer fills. */
struct snapshot *snapshot_new(struct sync *sync, struct err *err);
void snapshot_free(struct snapshot *snap); /* NULL is fine */

/* Nothing is a value of `unique_by`, too: queries group by it. Otherwise such a row is refused. */
void snapshot_allow_null_keys(struct snapshot *snap);

/* Where the values of the present page live. */
struct arena *snapshot_arena(struct snapshot *snap);
/* sync->field_count nulls on that arena, to be filled. */
struct value *snapshot_row(struct snapshot *snap);
/* Sets field i of a row as its column's type; a value that does not fit becomes null and is
 * told. `at`: the row's number or line, for messages. The text lives as long as the page. */
enum status snapshot_put_text(struct snapshot *snap, struct value *values, size_t i,
                              struct value text, int64_t at, struct err *err);
enum status snapshot_put_json(struct snapshot *snap, struct value *values, size_t i,
                              const struct json *json, int64_t at, struct err *err);
/* One row. key NULL: by `unique_by`. record: the Id of the record it shows, or NULL. */
enum status snapshot_add(struct snapshot *snap, struct value *values, const char *key,
                         const char *record, int64_t at, struct err *err);
/* A row, or a part of it, that cannot be taken. */
enum status snapshot_refuse(struct snapshot *snap, int64_t at, const char *code, struct err *err,
                            const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The source did not give all it has: nothing is held to be gone, and the sync is not
 * complete. `why` goes into the statement. */
void snapshot_cut(struct snapshot *snap, const char *why);
/* Stores the rest, finds out what is gone, fills the report. */
enum status snapshot_finish(struct snapshot *snap, struct err *err);

/* Where the columns of `unique_by` are among the chosen fields. */
enum status source_key_columns(struct sync *sync, size_t **columns, size_t *count, struct err *err);
/* The key of a row by the columns of `unique_by`: the value itself, or a JSON list of several
 * (or of nothing); a hash when that is long. NULL = one of them is blank and may not be. */
const char *source_key(struct arena *arena, const struct value *values, const size_t *columns,
                       size_t count, bool null_keys);

#endif
