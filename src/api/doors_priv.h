/* doors_priv.h - what doors.c (who comes in) and tries.c (how often one may try,
 * how many at once) share. */
#ifndef ARGIL_API_DOORS_PRIV_H
#define ARGIL_API_DOORS_PRIV_H

#include "api/api_priv.h"

bool door_host_known_text(const struct api *api, const char *origin);

#endif
