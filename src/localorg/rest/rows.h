/* rows.h - what rows by id (rows.c), by key (keys.c) and by way (related.c) share. */
#ifndef LOCALORG_REST_ROWS_H
#define LOCALORG_REST_ROWS_H

#include "localorg/rest/records.h"

/* The body as an object. NULL after answering. */
const struct json *rows_body(struct call *call);
/* True after answering 400: a body may not carry an Id. */
bool rows_has_id(struct call *call, const struct json *body);
/* The 18-character id of a live row. False after answering 404 or 400. */
bool rows_id(struct call *call, const struct sobject *object, const char *text, char id[19]);
void answer_row(struct call *call, const struct sobject *object, const char *id);
void answer_created(struct call *call, const struct sobject *object,
                    const struct dml_result *result, bool upsert);
void answer_written(struct call *call, enum dml_kind kind, const struct sobject *object,
                    const char *id, const struct json *body);

/* related.c: the path goes on from a record of the object, to its parents, its
 * children or its file. True when it does, and has been answered. */
bool related_answer(struct call *call, const struct sobject *object);

#endif
