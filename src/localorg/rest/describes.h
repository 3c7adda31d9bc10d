/* describes.h - what all answers about objects and their layouts share. */
#ifndef LOCALORG_REST_DESCRIBES_H
#define LOCALORG_REST_DESCRIBES_H

#include "localorg/org/describe.h"
#include "localorg/rest/call.h"

/* As the session's user sees the schema. */
struct describe_options describe_options(struct call *call);
/* Sets Last-Modified and ETag; a change of permissions counts as one, too (REST API
 * guide, Describe Global). True after answering 304. */
bool describe_unchanged(struct call *call, int64_t modified_ms, const char *what);

#endif
