/* defaults.h - what a new record starts with. */
#ifndef LOCALORG_REST_DEFAULTS_H
#define LOCALORG_REST_DEFAULTS_H

#include "localorg/rest/call.h"

/* Writes the default value of a field for the session's user; null when it has none. */
void default_write(struct call *call, struct jw *w, const struct field *field);
/* Members for the fields named in the list (NULL: for all that have a default), but
 * none for those that are members of `but`. */
void defaults_write(struct call *call, struct jw *w, const struct sobject *object,
                    const char *names, const struct json *but);

#endif
