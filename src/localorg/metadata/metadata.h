/* metadata.h - the org's setup as Metadata API components: custom objects and
 * fields, permission sets, validation rules, members of event channels.
 *
 * A component is a tree of base/json.h with the names of the Metadata API's
 * types, whether it came as XML (SOAP, a deployed file) or as JSON (Tooling API);
 * read its repeated parts with xml_each. What a component says that this org has
 * no use for is kept and given back, and named in the result's warning.
 *
 * Changing the schema wants nobody else to read it: callers of metadata_put and
 * metadata_drop hold the site's lock for writing. Sources: Metadata API guide,
 * Tooling API guide; texts marked "chosen" are not from there. */
#ifndef LOCALORG_METADATA_METADATA_H
#define LOCALORG_METADATA_METADATA_H

#include "localorg/org/org.h"

struct meta { /* on whose behalf */
    struct org *org;
    const char *user_id;
    struct arena *arena; /* results live here */
    double api_version;
};

/* One row a type: where its files are, and what can be done with it. */
struct meta_type {
    const char *name;      /* "CustomField" */
    const char *directory; /* "objects", in a deployed package */
    const char *suffix;    /* "object"; its file's ending */
    const char *prefix;    /* of its ids */
    const char *child_of;  /* "CustomObject": described inside that one's file as `tag` */
    const char *tag;       /* "fields" */
};
const struct meta_type *meta_type_find(const char *name); /* NULL: unknown here */
const struct meta_type *meta_type_at(size_t index);       /* NULL past the end */
/* A name the Metadata API knows although this org does not keep such components. */
bool meta_type_elsewhere(const char *name);

enum meta_op { META_CREATE, META_UPDATE, META_UPSERT };

struct meta_result {
    bool success, created, changed;
    const char *full_name;
    char id[19];
    const char *code, *message; /* when refused: "DUPLICATE_DEVELOPER_NAME" */
    const char *warning;        /* what was kept but has no effect here; NULL = nothing */
};

/* `component` has fullName. FAIL only when the org itself failed; a refused
 * component is a result and leaves nothing behind. One transaction each; nest
 * them in org_write_begin and _end to make several stand or fall together. */
enum status metadata_put(const struct meta *meta, const char *type, const struct json *component,
                     enum meta_op op, struct meta_result *out, struct err *err);
enum status metadata_drop(const struct meta *meta, const char *type, const char *full_name,
                      struct meta_result *out, struct err *err);

/* The component as an object with fullName; false: there is none, nothing written. */
bool metadata_read(const struct meta *meta, const char *type, const char *full_name, struct jw *w);

struct meta_item {
    const struct meta_type *type;
    char full_name[200], id[19];
};
typedef void meta_item_fn(void *ctx, const struct meta_item *item);
/* Every component of the type, custom ones only. Lent. */
void metadata_list(const struct meta *meta, const char *type, meta_item_fn *fn, void *ctx);

#endif
