/* setup.h - the org's setup as records: what the Tooling API queries.
 *
 * A second, private org holds one table an object of the Tooling API
 * (one text file each in tooling/) with a row an object, field, rule and selection of the real
 * one, so that every SOQL works over them. It is filled anew when the schema
 * has moved. Thread-safe. */
#ifndef LOCALORG_METADATA_SETUP_H
#define LOCALORG_METADATA_SETUP_H

#include "localorg/metadata/metadata.h"

struct setup;

struct setup *setup_new(void);
void setup_free(struct setup *setup); /* NULL is fine */
/* An org of the Tooling API's objects, filled with what `org` has now; lent until
 * setup_free. NULL with *err set. */
struct org *setup_records(struct setup *setup, struct org *org, struct err *err);
/* Something changed that the schema's version does not tell. */
void setup_stale(struct setup *setup);

#endif
