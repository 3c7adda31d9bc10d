/* schema_priv.h - what schema.c, schema_read.c and names.c share.
 *
 * Only one thread changes a schema (it holds the org's write lock) while any
 * number read it without a lock: nothing is ever freed or moved before
 * schema_free, tables of names only gain entries, and lists are published
 * whole. A list and its count are two words: a reader may see one old and one
 * new, and every list is kept long enough for that (schema.c, fields_publish).
 * A thread checker reports these reads; they are meant. */
#ifndef LOCALORG_ORG_SCHEMA_PRIV_H
#define LOCALORG_ORG_SCHEMA_PRIV_H

#include "localorg/org/schema.h"

#include <stdatomic.h>
#include <stdint.h>

/* --- names.c: names to pointers; one writer, many readers --- */

struct name_table;
struct names {
    struct arena *arena;
    _Atomic(struct name_table *) table;
    bool nocase;
};
void names_init(struct names *names, struct arena *arena, bool nocase);
void names_put(struct names *names, const char *name,
               void *value); /* replaces; name is not copied */
void *names_get(const struct names *names, const char *name, size_t len);
/* Forget everything and start anew with room for `count`; readers see the old table until
 * names_publish. */
struct name_table *names_draft(struct names *names, size_t count);
void names_draft_put(struct names *names, struct name_table *draft, const char *name, void *value);
void names_publish(struct names *names, struct name_table *draft);

/* --- the private half of an object --- */

struct object_box {
    struct sobject object; /* first: a struct sobject * is a struct object_box * */
    struct names fields, parents, children;
    size_t field_cap;
    struct child_relationship *listed; /* as its describe said */
    size_t listed_count;
};

struct schema {
    struct arena *arena;
    struct names by_name, by_prefix;
    _Atomic(struct sobject **) sorted;
    _Atomic size_t count;
    size_t next_ordinal;
};

static inline struct object_box *box_of(const struct sobject *object)
{
    return (struct object_box *)(uintptr_t)object;
}

/* --- schema_read.c: describe JSON to structs --- */

/* Fills one field from a describe `fields[]` entry. Custom fields given by a few
 * attributes only get the defaults a new field has in Setup. */
enum status schema_read_field(struct schema *schema, const struct sobject *object,
                              const struct json *json, struct field *out, struct err *err);
/* Everything of the object but its fields. */
enum status schema_read_object(struct schema *schema, const struct json *json,
                               struct object_box *out, struct err *err);
/* The system fields and, for custom objects, Name and OwnerId: entry `i`, or NULL past the end. */
const struct field *schema_system_field(size_t i, bool custom_object);
/* The same for a platform event, whose name ends in __e. */
const struct field *schema_event_field(size_t i);

#endif
