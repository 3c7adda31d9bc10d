/* quick_actions.h - New Account, Log a Call: buttons as a resource. */
#ifndef LOCALORG_REST_QUICK_ACTIONS_H
#define LOCALORG_REST_QUICK_ACTIONS_H

#include "localorg/rest/call.h"

/* {"quickActionListItems":[...]} of a page of the object; NULL: of any page. */
void quick_action_items(struct call *call, struct jw *w, const struct sobject *object);

#endif
