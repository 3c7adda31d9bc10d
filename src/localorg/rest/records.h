/* records.h - what rows, collections, trees and composite share: finding
 * records, writing them, and saying how it went. */
#ifndef LOCALORG_REST_RECORDS_H
#define LOCALORG_REST_RECORDS_H

#include "localorg/org/dml.h"
#include "localorg/org/views.h"
#include "localorg/rest/call.h"

/* --- reading --- */
/* Text columns of one row; out[i] is NULL where null or unknown. */
void records_texts(struct call *call, const char *object, const char *id18,
                   const char *const *names, size_t count, const char **out);

/* " AND ..." over the object's table called t, where sharing keeps records from the
 * session's user; "" where it does not. Every SQL of a route that is no SOQL needs it. */
const char *records_reach(struct call *call, const struct sobject *object);

enum record_state { RECORD_MISSING, RECORD_DELETED, RECORD_LIVE };
/* modified_ms may be NULL. */
enum record_state records_state(struct call *call, const struct sobject *object, const char *id18,
                                int64_t *modified_ms);
/* Ids of live rows whose field has this value, at most `max`. */
size_t records_find(struct call *call, const struct sobject *object, const struct field *field,
                    const char *value, char (*ids)[19], size_t max);
/* Appends one record as JSON by SOQL "SELECT fields FROM object WHERE Id = id".
 * False with *err set (err.code is Salesforce's) or when there is no such row
 * (err.code ""). */
bool records_json(struct call *call, const struct sobject *object, const char *fields,
                  const char *id18, struct buf *out, struct err *err);
/* Names of all fields the user may read, joined with commas. */
const char *records_fields(struct call *call, const struct sobject *object);

/* The session's user looked at the record, unless Sforce-Mru says otherwise. */
void records_touch(struct call *call, const char *id18, enum view_kind kind);

/* --- writing --- */
/* Header options of this call. */
struct dml_options write_options(struct call *call, bool all_or_none);
/* Runs org_dml after the fault rules had their say. False after answering 500. */
bool records_write(struct call *call, enum dml_kind kind, const struct dml_options *options,
                   const struct dml_row *rows, size_t count, struct dml_result *results);
/* Everything between these two happens with no other write in between, is seen
 * by reads of this call, and stands or falls together. They nest. False after
 * answering 500: then nothing was opened, or nothing was kept. */
bool records_begin(struct call *call);
bool records_end(struct call *call, bool commit);
/* Adds to the statistics, one number per enum record_count. */
void records_count(struct call *call, const uint64_t counts[5]);

/* --- saying how it went --- */
/* {"id","success","errors":[]} as collections print it. */
void result_json(struct jw *w, const struct dml_result *result, bool upsert);
/* The error body of a single row: an array, with duplicateResut where due. */
void answer_refused(struct call *call, const struct sobject *object,
                    const struct dml_result *result);
/* A refusal made here, as if org_dml had said it. */
void result_refuse(struct arena *arena, struct dml_result *result, const char *code,
                   const char *message, const char *field);

#endif
