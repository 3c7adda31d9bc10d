/* fault_wire.h - how a fault changes the bytes of an answer. */
#ifndef LOCALORG_REST_FAULT_WIRE_H
#define LOCALORG_REST_FAULT_WIRE_H

#include "localorg/rest/call.h"

/* Garbles, shortens, chunks, slows down, breaks off; by call->plan, as the last act
 * before the answer goes out. */
void fault_wire(struct call *call);

#endif
