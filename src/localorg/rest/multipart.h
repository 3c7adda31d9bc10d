/* multipart.h - parts of a multipart request body, by their name. */
#ifndef LOCALORG_REST_MULTIPART_H
#define LOCALORG_REST_MULTIPART_H

#include "localorg/rest/call.h"

struct multipart_part {
    const char *data; /* lent from the body */
    size_t len;
    const char *head; /* its header lines */
    size_t head_len;
};

bool multipart_is(struct call *call); /* Content-Type: multipart/...; boundary=... */
/* The part whose Content-Disposition has name="name". CRLF and LF both pass. */
bool multipart_part(struct call *call, const char *name, struct multipart_part *out);

#endif
