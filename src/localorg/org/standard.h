/* standard.h - objects written down as text: the built-in standard objects,
 * and any file in the same form (see standard.c for the form). */
#ifndef LOCALORG_ORG_STANDARD_H
#define LOCALORG_ORG_STANDARD_H

#include "localorg/org/schema.h"

/* Called with one object's describe JSON; the tree lives until it returns. */
typedef enum status standard_fn(void *ctx, const struct json *describe, struct err *err);

/* Which objects are asked for, by name: those that are not are not even read. */
typedef bool standard_wanted_fn(void *ctx, const char *object);

/* Every built-in object that is wanted (NULL: all of them), one call each. */
enum status standard_each(standard_wanted_fn *wanted, standard_fn *fn, void *ctx, struct err *err);

/* One text in that form (a .sobject file), which may use the built-in value
 * lists and groups. `name` is for error messages. */
enum status standard_read(const char *name, const char *text, size_t len, standard_fn *fn,
                          void *ctx, struct err *err);

#endif
