/* ui_objects.h - objects in the User Interface API. */
#ifndef LOCALORG_REST_UI_OBJECTS_H
#define LOCALORG_REST_UI_OBJECTS_H

#include "localorg/rest/call.h"

/* The Object Info of an object as the session's user sees it. */
void ui_object_write(struct call *call, struct jw *w, const struct sobject *object);

#endif
