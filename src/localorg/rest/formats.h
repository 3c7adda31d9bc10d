/* formats.h - the two languages of the REST API: JSON, and XML for who asks for it. */
#ifndef LOCALORG_REST_FORMATS_H
#define LOCALORG_REST_FORMATS_H

#include "localorg/rest/call.h"

/* Takes ".json" or ".xml" off the path and settles what the answer is to be. */
void formats_open(struct call *call);
/* An XML body as the JSON it stands for. NULL after answering 400. */
const struct json *formats_body(struct call *call);
/* A JSON answer becomes XML where that was asked for. */
void formats_close(struct call *call);

#endif
