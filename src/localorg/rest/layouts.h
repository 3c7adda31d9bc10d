/* layouts.h - pieces of page layouts, as other answers contain them. */
#ifndef LOCALORG_REST_LAYOUTS_H
#define LOCALORG_REST_LAYOUTS_H

#include "localorg/rest/call.h"

/* {"collapsed":false,"columns":2,...}: the fields a new record must or should have. */
void layout_short_section(struct call *call, struct jw *w, const struct sobject *object);
/* The fields that a highlight of the object shows, at most `max`. */
size_t layout_highlights(struct call *call, const struct sobject *object, const struct field **out,
                         size_t max);
/* The id of the one page layout of an object. */
const char *layout_id(struct call *call, const struct sobject *object);

#endif
