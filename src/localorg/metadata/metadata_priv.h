/* metadata_priv.h - what metadata.c and the files of the types share. */
#ifndef LOCALORG_METADATA_METADATA_PRIV_H
#define LOCALORG_METADATA_METADATA_PRIV_H

#include "base/str.h"
#include "localorg/metadata/metadata.h"
#include "localorg/org/dml.h"
#include "localorg/xml/xml.h"

#include <stdio.h>
#include <string.h>

struct meta_change { /* one metadata_put or metadata_drop on its way */
    const struct meta *meta;
    const struct meta_type *type;
    const struct json *component; /* NULL when dropping */
    const char *full_name;
    enum meta_op op;
    bool exists;
    struct meta_result *result;
    struct err *err;
    bool broken; /* the org itself failed; err is set */
};

/* One per type. put and drop return false after meta_refuse, or with broken set.
 * write makes the component from what the org has, when nothing was kept of it. */
struct meta_kind {
    struct meta_type type;
    bool generated; /* nothing is kept: the org itself knows all of it */
    bool (*exists)(const struct meta *meta, const char *full_name);
    bool (*put)(struct meta_change *change);
    bool (*drop)(struct meta_change *change); /* NULL: cannot be deleted here */
    void (*write)(const struct meta *meta, const char *full_name, struct jw *w);
    void (*list)(const struct meta *meta, const struct meta_type *type, meta_item_fn *fn, void *ctx);
};
extern const struct meta_kind object_kind, field_kind, permset_kind, member_kind, rule_kind;

bool meta_refuse(struct meta_change *change, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool meta_broke(struct meta_change *change);
/* Names what has no effect here; several are joined. */
void meta_warn(struct meta_change *change, const char *what);
void meta_warn_unknown(struct meta_change *change, const char *const *known, size_t count);

/* The component as it was put, JSON text; NULL. */
const char *meta_kept(const struct meta *meta, const char *type, const char *name);

/* Text of a member, whatever its JSON type; NULL when absent or null. */
const char *meta_text(const struct json *object, const char *key);
bool meta_truth(const struct json *object, const char *key, bool otherwise);
int64_t meta_int(const struct json *object, const char *key, int64_t otherwise);

/* "Account.Key__c" -> the object and "Key__c"; NULL: no dot, or no such object. */
struct sobject *meta_parent(const struct meta *meta, const char *full_name, const char **rest);

/* field.c: one custom field, by itself or inside its object's file */
bool field_put(struct meta_change *change, struct sobject *object, const char *name);
void field_write(struct jw *w, const struct field *field);

#endif
