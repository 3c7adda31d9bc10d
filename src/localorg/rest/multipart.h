/* multipart.h - bodies of several parts: JSON first, then files. */
#ifndef LOCALORG_REST_MULTIPART_H
#define LOCALORG_REST_MULTIPART_H

#include "localorg/rest/call.h"

struct multipart_part {
    const char *name, *filename, *type; /* NULL when its header does not say */
    const char *data;                   /* lent from the body */
    size_t len;
};

bool multipart_is(const struct call *call); /* Content-Type: multipart/...; boundary=... */
/* The next part; start with *at NULL. CRLF and LF both pass. False at the end. */
bool multipart_next(struct call *call, const char **at, struct multipart_part *out);
/* The part whose Content-Disposition has name="name". */
bool multipart_part(struct call *call, const char *name, struct multipart_part *out);

/* The JSON of the first part with the files put in, as base64 texts: a part goes
 * where its name says, or, in a collection, into the record whose attributes
 * name it (binaryPartName, binaryPartNameAlias). NULL after answering 400. */
const struct json *multipart_json(struct call *call);

#endif
