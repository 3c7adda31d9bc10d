/* enrich.h - the company facts service of the demo: a made-up third party.
 *
 * The answer depends on the domain alone. About one domain in eight is
 * unknown, and a few known ones answer with values a careful writer must
 * refuse (an industry no picklist has, text too long for its field). */
#ifndef LOCALORG_SEED_ENRICH_H
#define LOCALORG_SEED_ENRICH_H

#include "base/buf.h"

/* Appends one JSON object; false (and nothing appended) for an unknown
 * domain: answer 404. Case and a leading "www." make no difference. */
bool enrich_company(const char *domain, struct buf *json_out);

#endif
