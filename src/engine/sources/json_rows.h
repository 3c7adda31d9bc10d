/* json_rows.h - JSON objects to rows of a table: for webhooks and APIs. Private to sources. */
#ifndef ARGIL_ENGINE_SOURCES_JSON_ROWS_H
#define ARGIL_ENGINE_SOURCES_JSON_ROWS_H

#include "engine/sync_priv.h"

struct json_rows {
    struct sync *sync;
    size_t *key_at; /* positions of unique_by in the fields */
    size_t key_count;
};
/* Chooses the fields: any path may be in an object, so none is ever gone. */
enum status json_rows_open(struct json_rows *rows, struct sync *sync, struct err *err);
/* The part of an object that a field names: a member of exactly that name, else a path
 * ("company.name", "tags[0]"); "$" is all of it. NULL = it is not there. */
const struct json *json_rows_at(const struct json *object, const char *field);
/* Typed values of an object, sync->field_count of them, on the job's arena. FAIL: one does not fit.
 */
enum status json_rows_values(struct json_rows *rows, const struct json *object,
                             struct value *values, struct err *err);
/* The key by unique_by; NULL = a part of it is blank. */
const char *json_rows_key(const struct json_rows *rows, const struct value *values);

#endif
