/* describe.h - what `GET /sobjects/` and `GET /sobjects/X/describe` answer.
 *
 * Key sets and their order are those of recorded answers (API v48 to v59):
 * alphabetical everywhere but inside `urls`. Every field carries all 57
 * attributes, every null is written out. No HTTP here: the caller owns
 * ETag, Last-Modified (sobject->modified_ms) and 304. */
#ifndef LOCALORG_ORG_DESCRIBE_H
#define LOCALORG_ORG_DESCRIBE_H

#include "localorg/org/schema.h"

struct describe_options {
    const char *version; /* "67.0": goes into every url */
    const char
        *base_url; /* "https://acme.my.salesforce.com"; NULL = "" (ui urls become relative) */
    /* Field access of the asking user: fields it refuses are left out, as
     * field-level security does. NULL shows everything. */
    bool (*may)(void *ctx, const struct field *field);
    /* Whether the user may create or update at all: both NULL-safe. Bits as
     * enum org_access; what is refused turns createable, updateable, deletable off. */
    int (*object_access)(void *ctx, const struct sobject *object);
    /* What a visible field allows: bits ORG_CREATE, ORG_UPDATE. NULL = what the schema says. */
    int (*field_access)(void *ctx, const struct field *field);
    void *ctx;
    /* Child relationships to objects this schema lacks are left out. NULL keeps all. */
    const struct schema *schema;
};

/* One JSON object each; nothing is said about objects the user may not see. */
void schema_describe_json(struct jw *w, const struct sobject *object,
                          const struct describe_options *options);
/* {"encoding","maxBatchSize","sobjects":[...]}, alphabetical by name. */
void schema_describe_global(struct jw *w, const struct schema *schema,
                            const struct describe_options *options);
/* One entry of describe global: also `objectDescribe` of GET /sobjects/X. */
void schema_describe_entry(struct jw *w, const struct sobject *object,
                           const struct describe_options *options);
/* One entry of `fields`, for the tooling that wants a single field. */
void field_describe_json(struct jw *w, const struct field *field,
                         const struct describe_options *options);

/* Is this one of the 57 attributes of a field? */
bool describe_attribute(const char *name);

#endif
