/* blobs.h - the bytes behind a base64 field. */
#ifndef LOCALORG_REST_BLOBS_H
#define LOCALORG_REST_BLOBS_H

#include "localorg/rest/call.h"

/* Answers with the field's bytes, of a live record. */
void blobs_answer(struct call *call, const struct field *field, const char *id18);
/* True after answering: a file in a JSON body is larger than such a body may hold. */
bool blobs_too_large(struct call *call, const struct sobject *object, const struct json *body);

#endif
