/* listviews.h - list views as queries. */
#ifndef LOCALORG_REST_LISTVIEWS_H
#define LOCALORG_REST_LISTVIEWS_H

#include "localorg/rest/call.h"

/* The SOQL of the list view with this id; the text itself when it is none. */
const char *listviews_soql(struct call *call, const char *id_or_soql);

#endif
