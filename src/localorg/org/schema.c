/* schema.c - the objects of an org and how they point at each other.
 *
 * Call order: schema_new, schema_add_standard, then schema_add_describe and
 * schema_add_field as the org grows, schema_free. See schema_priv.h for how
 * one writer and many readers share it. */
#include "localorg/org/schema_priv.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    enum field_type type;
    const char *name, *soap;
} types[] = {
    {FT_ID, "id", "tns:ID"},
    {FT_REFERENCE, "reference", "tns:ID"},
    {FT_STRING, "string", "xsd:string"},
    {FT_TEXTAREA, "textarea", "xsd:string"},
    {FT_PHONE, "phone", "xsd:string"},
    {FT_URL, "url", "xsd:string"},
    {FT_EMAIL, "email", "xsd:string"},
    {FT_PICKLIST, "picklist", "xsd:string"},
    {FT_MULTIPICKLIST, "multipicklist", "xsd:string"},
    {FT_COMBOBOX, "combobox", "xsd:string"},
    {FT_ENCRYPTEDSTRING, "encryptedstring", "xsd:string"},
    {FT_BOOLEAN, "boolean", "xsd:boolean"},
    {FT_INT, "int", "xsd:int"},
    {FT_DOUBLE, "double", "xsd:double"},
    {FT_CURRENCY, "currency", "xsd:double"},
    {FT_PERCENT, "percent", "xsd:double"},
    {FT_DATE, "date", "xsd:date"},
    {FT_DATETIME, "datetime", "xsd:dateTime"},
    {FT_TIME, "time", "xsd:time"},
    {FT_BASE64, "base64", "xsd:base64Binary"},
    {FT_ADDRESS, "address", "urn:address"},
    {FT_LOCATION, "location", "urn:location"},
    {FT_ANYTYPE, "anyType", "xsd:anyType"},
};

const char *field_type_name(enum field_type type)
{
    return types[type].name;
}

bool field_type_parse(const char *name, enum field_type *out)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (text_eq_nocase(name, types[i].name)) {
            *out = types[i].type;
            return true;
        }
    return false;
}

const char *field_soap_type(const struct field *field)
{
    return field->soap_type ? field->soap_type : types[field->type].soap;
}

bool field_required_on_create(const struct field *field)
{
    return !field->nillable && field->createable && !field->defaulted_on_create &&
           field->type != FT_BOOLEAN && field->stored;
}

struct schema *schema_new(void)
{
    struct schema *schema = mem_alloc(sizeof *schema);
    schema->arena = arena_new();
    names_init(&schema->by_name, schema->arena, true);
    names_init(&schema->by_prefix, schema->arena, false);
    return schema;
}

void schema_free(struct schema *schema)
{
    if (!schema)
        return;
    arena_free(schema->arena);
    free(schema);
}

/* --- looking up --- */

struct sobject *schema_find_n(const struct schema *schema, const char *name, size_t len)
{
    return name ? names_get(&schema->by_name, name, len) : NULL;
}

struct sobject *schema_find(const struct schema *schema, const char *name)
{
    return name ? schema_find_n(schema, name, strlen(name)) : NULL;
}

struct sobject *schema_by_prefix(const struct schema *schema, const char *id_or_prefix)
{
    if (!id_or_prefix || strnlen(id_or_prefix, 3) < 3)
        return NULL;
    return names_get(&schema->by_prefix, id_or_prefix, 3);
}

size_t schema_count(const struct schema *schema)
{
    return atomic_load(&schema->count);
}

struct sobject *schema_at(const struct schema *schema, size_t index)
{
    return index < schema_count(schema) ? atomic_load(&schema->sorted)[index] : NULL;
}

struct field *sobject_field_n(const struct sobject *object, const char *name, size_t len)
{
    return name ? names_get(&box_of(object)->fields, name, len) : NULL;
}

struct field *sobject_field(const struct sobject *object, const char *name)
{
    return name ? sobject_field_n(object, name, strlen(name)) : NULL;
}

struct field *sobject_parent(const struct sobject *object, const char *name, size_t len)
{
    return name ? names_get(&box_of(object)->parents, name, len) : NULL;
}

const struct child_relationship *sobject_child(const struct sobject *object, const char *name,
                                               size_t len)
{
    return name ? names_get(&box_of(object)->children, name, len) : NULL;
}

/* --- child relationships, listed and derived --- */

/* What a new lookup's child relationship is called when nobody said: the
 * plural label of the child, as Setup suggests. */
static const char *child_name_for(struct schema *schema, const struct field *field)
{
    if (field->child_relationship_name)
        return field->child_relationship_name;
    if (!text_ends(field->name, "__c"))
        return NULL;
    char *name = arena_printf(schema->arena, "%s__r", field->owner->label_plural);
    for (char *c = name; *c; c++)
        if (*c == ' ' || *c == '-')
            *c = '_';
    return name;
}

static bool child_known(const struct child_relationship *list, size_t count,
                        const struct field *field)
{
    for (size_t i = 0; i < count; i++)
        if (text_eq_nocase(list[i].child_sobject, field->owner->name) &&
            text_eq_nocase(list[i].field, field->name))
            return true;
    return false;
}

static void children_publish(struct object_box *box, struct child_relationship *list, size_t count)
{
    struct name_table *draft = names_draft(&box->children, count);
    for (size_t i = 0; i < count; i++)
        if (list[i].relationship_name)
            names_draft_put(&box->children, draft, list[i].relationship_name, &list[i]);
    box->object.children = list;
    box->object.child_count = count;
    names_publish(&box->children, draft);
}

/* Adds what `field` makes of the objects it points to; used when they are there already. */
static void children_of_field(struct schema *schema, const struct field *field)
{
    for (size_t i = 0; i < field->reference_count; i++) {
        struct sobject *target = schema_find(schema, field->reference_to[i]);
        if (!target || child_known(target->children, target->child_count, field))
            continue;
        size_t count = target->child_count;
        struct child_relationship *list = arena_array(schema->arena, count + 1, sizeof *list);
        if (count)
            memcpy(list, target->children, count * sizeof *list);
        const char *name = child_name_for(schema, field);
        if (name && sobject_child(target, name, strlen(name)))
            name = arena_printf(schema->arena, "%.*s1__r", (int)strlen(name) - 3, name);
        list[count++] = (struct child_relationship){.child_sobject = field->owner->name,
                                                    .field = field->name,
                                                    .relationship_name = name,
                                                    .cascade_delete = field->cascade_delete,
                                                    .restricted_delete = field->restricted_delete};
        children_publish(box_of(target), list, count);
    }
}

static bool points_at(const struct field *field, const char *name)
{
    for (size_t i = 0; i < field->reference_count; i++)
        if (strcasecmp(field->reference_to[i], name) == 0)
            return true;
    return false;
}

/* All children of one object: those its describe lists, then every lookup known so far. */
static void children_rebuild(struct schema *schema, struct object_box *box)
{
    size_t cap = box->listed_count + 8, count = box->listed_count;
    struct child_relationship *list = arena_array(schema->arena, cap, sizeof *list);
    if (count)
        memcpy(list, box->listed, count * sizeof *list);
    for (size_t o = 0; o < schema_count(schema); o++) {
        const struct sobject *other = schema_at(schema, o);
        for (size_t f = 0; f < other->field_count; f++) {
            const struct field *field = other->fields[f];
            if (!points_at(field, box->object.name) || child_known(list, box->listed_count, field))
                continue;
            if (count == cap) {
                struct child_relationship *more = arena_array(schema->arena, cap * 2, sizeof *more);
                memcpy(more, list, count * sizeof *more);
                list = more;
                cap *= 2;
            }
            list[count++] = (struct child_relationship){
                .child_sobject = other->name,
                .field = field->name,
                .relationship_name = child_name_for(schema, field),
                .cascade_delete = field->cascade_delete,
                .restricted_delete = field->restricted_delete,
            };
        }
    }
    children_publish(box, list, count);
}

/* --- fields --- */

/* Appends in place while there is room. One slot beyond the capacity is always
 * there and filled before a bigger list is published, so that a reader holding
 * the old list with the new count still reads a field. */
static void field_append(struct schema *schema, struct object_box *box, struct field *field)
{
    struct sobject *object = &box->object;
    field->owner = object;
    field->index = object->field_count;
    if (object->field_count < box->field_cap) {
        object->fields[object->field_count] = field;
    } else {
        size_t cap = box->field_cap ? box->field_cap * 2 : 64;
        struct field **bigger = arena_array(schema->arena, cap + 1, sizeof *bigger);
        if (object->field_count) {
            memcpy(bigger, object->fields, object->field_count * sizeof *bigger);
            object->fields[object->field_count] = field;
        }
        bigger[object->field_count] = field;
        atomic_thread_fence(memory_order_release);
        object->fields = bigger;
        box->field_cap = cap;
    }
    atomic_thread_fence(memory_order_release);
    object->field_count++;
}

static void field_index(struct object_box *box, struct field *field)
{
    names_put(&box->fields, field->name, field);
    if (field->relationship_name && field->type == FT_REFERENCE)
        names_put(&box->parents, field->relationship_name, field);
}

static void find_name_field(struct sobject *object)
{
    struct field *named = NULL;
    for (size_t i = 0; i < object->field_count; i++)
        if (object->fields[i]->name_field)
            named = object->fields[i];
    if (!named)
        named = sobject_field(object, "Name");
    object->name_field = named;
}

enum status schema_add_field(struct schema *schema, struct sobject *object, const struct json *json,
                             struct field **out, struct err *err)
{
    struct field read;
    if (schema_read_field(schema, object, json, &read, err) != OK)
        return FAIL;
    struct object_box *box = box_of(object);
    struct field *field = sobject_field(object, read.name);
    if (field) {
        read.index = field->index;
        *field = read;
    } else {
        field = arena_alloc(schema->arena, sizeof *field);
        *field = read;
        field->index = object->field_count;
        field_index(box, field); /* first: a listed field can be found by name */
        field_append(schema, box, field);
    }
    field_index(box, field);
    find_name_field(object);
    children_of_field(schema, field);
    if (out)
        *out = field;
    return OK;
}

/* --- objects --- */

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const char *free_prefix(struct schema *schema, char first)
{
    for (size_t n = 0; n < 62 * 62; n++) {
        char prefix[4] = {first, base62[n / 62], base62[n % 62], 0};
        if (!schema_by_prefix(schema, prefix))
            return arena_strdup(schema->arena, prefix);
    }
    return NULL;
}

static int by_object_name(const void *a, const void *b)
{
    const struct sobject *const *left = a, *const *right = b;
    return strcasecmp((*left)->name, (*right)->name);
}

static void object_publish(struct schema *schema, struct sobject *object)
{
    size_t count = schema_count(schema);
    struct sobject **list = arena_array(schema->arena, count + 2, sizeof *list);
    struct sobject **old = atomic_load(&schema->sorted);
    if (count)
        memcpy(list, old, count * sizeof *list);
    list[count] = object;
    qsort(list, count + 1, sizeof *list, by_object_name);
    atomic_store(&schema->sorted, list);
    atomic_store(&schema->count, count + 1);
    names_put(&schema->by_name, object->name, object);
}

static struct object_box *box_new(struct schema *schema, const char *name)
{
    struct object_box *box = arena_alloc(schema->arena, sizeof *box);
    box->object.name = arena_strdup(schema->arena, name);
    box->object.ordinal = schema->next_ordinal++;
    names_init(&box->fields, schema->arena, true);
    names_init(&box->parents, schema->arena, true);
    names_init(&box->children, schema->arena, true);
    return box;
}

/* Puts a new list in place. A reader may hold the old list with the new count
 * or the other way round, so each is filled up to what the other has. */
static void fields_publish(struct schema *schema, struct object_box *box,
                           const struct object_box *fresh)
{
    struct sobject *object = &box->object;
    struct field **list = fresh->object.fields;
    size_t count = fresh->object.field_count, cap = fresh->field_cap;
    if (object->field_count > cap) {
        cap = object->field_count;
        list = arena_array(schema->arena, cap + 1, sizeof *list);
        memcpy(list, fresh->object.fields, count * sizeof *list);
    }
    for (size_t i = count; i <= cap; i++)
        list[i] = list[0];
    for (size_t i = object->field_count; i < count && i < box->field_cap; i++)
        object->fields[i] = list[i];
    atomic_thread_fence(memory_order_release);
    object->fields = list;
    atomic_thread_fence(memory_order_release);
    object->field_count = count;
    box->field_cap = cap;
}

/* The list of fields as the describe gives it, system fields added where it is
 * not a whole one: with both Id and SystemModstamp there it is, and an object
 * that truly lacks IsDeleted (User) stays without. */
static enum status fields_replace(struct schema *schema, struct object_box *box,
                                  const struct json *describe, struct err *err)
{
    struct sobject *object = &box->object;
    const struct json *entries = json_get(describe, "fields");
    struct object_box fresh = {.object = *object};
    fresh.object.fields = NULL;
    fresh.object.field_count = 0;
    names_init(&fresh.fields, schema->arena, true);
    names_init(&fresh.parents, schema->arena, true);

    struct field *first = NULL;
    json_each(entry, entries) {
        struct field read;
        if (schema_read_field(schema, object, entry, &read, err) != OK)
            return FAIL;
        struct field *twice = names_get(&fresh.fields, read.name, strlen(read.name));
        struct field *field = twice ? twice : sobject_field(object, read.name);
        if (!field)
            field = arena_alloc(schema->arena, sizeof *field);
        read.index = twice ? twice->index : 0;
        *field = read;
        if (!twice)
            field_append(schema, &fresh, field);
        field_index(&fresh, field);
        first = first ? first : field;
    }
    bool whole =
        sobject_field(&fresh.object, "Id") && sobject_field(&fresh.object, "SystemModstamp");
    bool detail = false; /* a master-detail child has no owner of its own */
    for (size_t i = 0; i < fresh.object.field_count; i++)
        detail |= fresh.object.fields[i]->relationship_order >= 0;
    const struct field *system;
    bool event = text_ends(object->name, "__e");
    for (size_t i = 0;
         !whole && (system = event ? schema_event_field(i) : schema_system_field(i, object->custom));
         i++) {
        if (sobject_field(&fresh.object, system->name))
            continue;
        if (detail && text_eq(system->name, "OwnerId"))
            continue;
        struct field *field = sobject_field(object, system->name);
        if (!field)
            field = arena_alloc(schema->arena, sizeof *field);
        *field = *system;
        if (field->type == FT_ID)
            field->label =
                arena_printf(schema->arena, "%s ID", object->custom ? "Record" : object->label);
        field_append(schema, &fresh, field);
        field_index(&fresh, field);
    }
    for (size_t i = 0; i < fresh.object.field_count; i++)
        fresh.object.fields[i]->owner = object;
    names_publish(&box->fields, atomic_load(&fresh.fields.table));
    names_publish(&box->parents, atomic_load(&fresh.parents.table));
    fields_publish(schema, box, &fresh);
    return OK;
}

/* Lookups of what is gone leave the lists of children. */
static void targets_rebuild(struct schema *schema, const struct field *field)
{
    for (size_t i = 0; i < field->reference_count; i++) {
        struct sobject *target = schema_find(schema, field->reference_to[i]);
        if (target)
            children_rebuild(schema, box_of(target));
    }
}

void schema_drop_object(struct schema *schema, struct sobject *object)
{
    size_t count = schema_count(schema), kept = 0;
    struct sobject **list = arena_array(schema->arena, count + 2, sizeof *list);
    struct sobject **old = atomic_load(&schema->sorted);
    for (size_t i = 0; i < count; i++)
        if (old[i] != object)
            list[kept++] = old[i];
    atomic_store(&schema->count, kept);
    atomic_store(&schema->sorted, list);
    names_put(&schema->by_name, object->name, NULL);
    if (object->key_prefix)
        names_put(&schema->by_prefix, object->key_prefix, NULL);
    for (size_t i = 0; i < object->field_count; i++)
        targets_rebuild(schema, object->fields[i]);
}

void schema_restore_object(struct schema *schema, struct sobject *object)
{
    object_publish(schema, object);
    if (object->key_prefix)
        names_put(&schema->by_prefix, object->key_prefix, object);
    for (size_t i = 0; i < object->field_count; i++)
        targets_rebuild(schema, object->fields[i]);
}

void schema_drop_field(struct schema *schema, struct field *field)
{
    struct object_box *box = box_of(field->owner);
    struct sobject *object = &box->object;
    struct object_box fresh = {.object = *object};
    fresh.object.fields = NULL;
    fresh.object.field_count = 0;
    names_init(&fresh.fields, schema->arena, true);
    names_init(&fresh.parents, schema->arena, true);
    for (size_t i = 0; i < object->field_count; i++) {
        struct field *kept = object->fields[i];
        if (kept == field)
            continue;
        field_append(schema, &fresh, kept);
        field_index(&fresh, kept);
        kept->owner = object;
    }
    names_publish(&box->fields, atomic_load(&fresh.fields.table));
    names_publish(&box->parents, atomic_load(&fresh.parents.table));
    fields_publish(schema, box, &fresh);
    find_name_field(object);
    targets_rebuild(schema, field);
}

enum status schema_add_describe(struct schema *schema, const struct json *describe,
                                struct sobject **out, struct err *err)
{
    const char *name = json_get_text(describe, "name");
    if (text_blank(name) || strlen(name) > 80)
        return err_set(err, ERR_INVALID, "a describe needs the object's name");
    for (const char *c = name; *c; c++)
        if (!strchr(base62, *c) && *c != '_')
            return err_set(err, ERR_INVALID, "%s is not an object name", name);
    struct sobject *known = schema_find(schema, name);
    struct object_box *box = known ? box_of(known) : box_new(schema, name);
    struct sobject *object = &box->object;
    if (schema_read_object(schema, describe, box, err) != OK ||
        fields_replace(schema, box, describe, err) != OK)
        return FAIL;
    struct sobject *holder = schema_by_prefix(schema, object->key_prefix);
    if (holder && holder != object)
        return err_set(err, ERR_CONFLICT, "key prefix %s of %s belongs to %s", object->key_prefix,
                       object->name, holder->name);
    if (!object->key_prefix && object->custom &&
        (text_ends(object->name, "__c") || text_ends(object->name, "__e")))
        object->key_prefix = free_prefix(schema, text_ends(object->name, "__c") ? 'a' : 'e');
    find_name_field(object);
    if (!known)
        object_publish(schema, object);
    if (object->key_prefix)
        names_put(&schema->by_prefix, object->key_prefix, object);
    children_rebuild(schema, box);
    for (size_t i = 0; i < object->field_count; i++)
        if (object->fields[i]->reference_count)
            children_of_field(schema, object->fields[i]);
    if (out)
        *out = object;
    return OK;
}
