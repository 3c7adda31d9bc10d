/* schema.h - what an org knows of its objects: the source of describe, of the
 * SQL tables underneath, of SOQL's name checks and of every write check.
 *
 * A schema is built once from the standard objects (text files in standard/),
 * then grows by describe JSON, object files or the control API. Readers hold
 * the org's lock (org.h); a field or object never moves or goes away while the
 * org is open, so pointers stay good. Attribute names and meanings follow the
 * REST describe resource (Salesforce REST API guide, sObject Describe). */
#ifndef LOCALORG_ORG_SCHEMA_H
#define LOCALORG_ORG_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

enum field_type {
    FT_ID, FT_REFERENCE, FT_STRING, FT_TEXTAREA, FT_PHONE, FT_URL, FT_EMAIL, FT_PICKLIST,
    FT_MULTIPICKLIST, FT_COMBOBOX, FT_ENCRYPTEDSTRING, FT_BOOLEAN, FT_INT, FT_DOUBLE,
    FT_CURRENCY, FT_PERCENT, FT_DATE, FT_DATETIME, FT_TIME, FT_BASE64, FT_ADDRESS,
    FT_LOCATION, FT_ANYTYPE
};

struct picklist_value {
    const char *value, *label;
    bool active, is_default;
    const char *valid_for; /* base64 bitmap or NULL */
};

/* One field; the 57 attributes of describe. Text attributes are NULL when null. */
struct field {
    const char *name, *label;
    enum field_type type;
    const char *soap_type; /* NULL: derived from type */
    int length, byte_length, digits, precision, scale;
    bool aggregatable, ai_prediction, auto_number, calculated, cascade_delete, case_sensitive,
        createable, custom, defaulted_on_create, dependent_picklist, deprecated_hidden,
        display_location_decimal, encrypted, external_id, filterable, formula_null_zero, groupable,
        high_scale, html, id_lookup, name_field, name_pointing, nillable, permissionable,
        polymorphic, query_by_distance, restricted_delete, restricted_picklist, search_prefilterable,
        sortable, unique, updateable, write_master_read;
    const char *calculated_formula, *compound_field, *controller, *default_formula, *extra_type,
        *inline_help, *mask, *mask_type, *reference_target_field, *relationship_name;
    const char *default_value;      /* JSON text of describe's defaultValue, or NULL */
    const char *filtered_lookup;    /* JSON text or NULL */
    int relationship_order;         /* -1 = null */
    /* Not in describe, but accepted beside its attributes: */
    bool custom_index;                   /* an index of its own, "customIndex" */
    const char *display_format;          /* auto-number format, "INV-{0000}"; NULL = {00000000} */
    const char *child_relationship_name; /* of a lookup, where the target does not list it */
    const char *rollup; /* of a roll-up summary: JSON of its Metadata API parts, or NULL */
    const char **reference_to;      /* names; reference_count of them */
    size_t reference_count;
    struct picklist_value *picklist;
    size_t picklist_count;

    struct sobject *owner;
    size_t index;     /* position in owner->fields */
    bool stored;      /* has a column in the object's table (false for compound fields) */
};

struct child_relationship {
    const char *child_sobject, *field, *relationship_name; /* relationship_name may be NULL */
    bool cascade_delete, restricted_delete, deprecated_hidden;
};

struct record_type {
    const char *id18, *name, *developer_name;
    bool active, available, is_default, master;
};

struct sobject {
    const char *name, *label, *label_plural;
    const char *key_prefix; /* 3 characters, or NULL */
    bool custom, custom_setting, createable, updateable, deletable, undeletable, queryable,
        retrieveable, searchable, replicateable, triggerable, mergeable, layoutable, mru, feed,
        activateable, search_layoutable, compact_layoutable, deep_cloneable;
    const char *associate_entity, *associate_parent; /* e.g. "ChangeEvent", "Account"; or NULL */
    struct field **fields;
    size_t field_count;
    struct child_relationship *children;
    size_t child_count;
    struct record_type *record_types; /* the Master row is always there */
    size_t record_type_count;
    const char **scopes; /* supportedScopes: name, label, name, label, ... */
    size_t scope_count;  /* pairs */
    int64_t modified_ms; /* Last-Modified of its describe */
    size_t ordinal;      /* 0, 1, 2 ... in order of creation: for tables beside the schema */
    struct field *name_field; /* may be NULL (Task has none but Subject) */
};

struct schema;

#define MASTER_RECORD_TYPE "012000000000000AAA"

/* An empty schema, or one with the built-in standard objects. */
struct schema *schema_new(void);
enum status schema_add_standard(struct schema *schema, struct err *err);
void schema_free(struct schema *schema);

/* Adds or replaces an object from describe JSON (any subset of the attributes,
 * missing = false/null/0/[]). Unless the describe is a whole one (it has both
 * Id and SystemModstamp), fills what is missing of the system fields (Id,
 * IsDeleted, CreatedDate, CreatedById, LastModifiedDate, LastModifiedById,
 * SystemModstamp; Name and OwnerId too for custom objects). Custom objects and
 * fields get what Setup gives a new one where the JSON is silent (createable,
 * nillable, key prefix ...). Replacing keeps the struct of every field that is
 * still there. On success *out is the object (out may be NULL). */
enum status schema_add_describe(struct schema *schema, const struct json *describe,
                                struct sobject **out, struct err *err);
/* Adds or replaces one field, given as one describe `fields[]` entry. out may be NULL. */
enum status schema_add_field(struct schema *schema, struct sobject *object,
                             const struct json *field, struct field **out, struct err *err);

/* Takes an object out of the schema; its struct stays where it is, unnamed. */
void schema_drop_object(struct schema *schema, struct sobject *object);
void schema_restore_object(struct schema *schema, struct sobject *object); /* and back in */
/* Takes a field off its object's list; its struct stays where it is. */
void schema_drop_field(struct schema *schema, struct field *field);

/* Names are compared without case, as Salesforce does. NULL when unknown. */
struct sobject *schema_find(const struct schema *schema, const char *name);
struct sobject *schema_find_n(const struct schema *schema, const char *name, size_t len);
struct sobject *schema_by_prefix(const struct schema *schema, const char *id_or_prefix);
size_t schema_count(const struct schema *schema);
struct sobject *schema_at(const struct schema *schema, size_t index); /* alphabetical by name */

struct field *sobject_field(const struct sobject *object, const char *name);
struct field *sobject_field_n(const struct sobject *object, const char *name, size_t len);
/* The lookup field whose relationshipName is `name` ("Account", "Owner", "Parent__r"). */
struct field *sobject_parent(const struct sobject *object, const char *name, size_t len);
const struct child_relationship *sobject_child(const struct sobject *object, const char *name,
                                               size_t len);
const char *field_type_name(enum field_type type); /* "id", "reference", ... */
bool field_type_parse(const char *name, enum field_type *out);
const char *field_soap_type(const struct field *field);
bool field_required_on_create(const struct field *field); /* !nillable, createable, !defaulted */

#endif
