/* paths.h - dotted paths over lookups: "Account.Owner.Name". */
#ifndef LOCALORG_ORG_PATHS_H
#define LOCALORG_ORG_PATHS_H

#include "localorg/org/org.h"

struct path {
    const struct field *field;  /* at its end */
    const struct field *lookup; /* the last step; NULL: the field is the object's own */
    const char *text;           /* in the schema's spelling, on the arena */
};

/* Follows the path as far as the user (NULL: the system) may read. A lookup with
 * several targets leads to User when that is one of them, and then only to Name
 * and Alias, which queues have, too. False when there is no such way. */
bool path_walk(struct arena *arena, struct org *org, const char *user_id,
               const struct sobject *object, const char *text, struct path *out);

#endif
