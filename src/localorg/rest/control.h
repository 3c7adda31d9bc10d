/* control.h - what control requests that make things share. */
#ifndef LOCALORG_REST_CONTROL_H
#define LOCALORG_REST_CONTROL_H

#include "localorg/rest/call.h"

/* A control request has no session: it acts for ?username=, or for the seeded
 * administrator, at the newest API version. False after answering 404. */
bool control_on_behalf(struct call *call);
/* {"ok":true,"ids":[..]}; `ids` is a finished JSON array. */
void control_answer_ids(struct call *call, const struct buf *ids);

#endif
