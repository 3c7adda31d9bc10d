/* object.c - an object and its fields, from describe JSON.
 *
 * The attribute names are Salesforce's, because struct crm_field is; every
 * attribute may be missing (false, 0, none). Scripts of tests use the same. */
#include "connect/connect.h"

#include <stddef.h>

static const char *text_of(struct arena *arena, const struct json *object, const char *key)
{
    return arena_strdup(arena, json_get_text(object, key));
}

static void choices_parse(struct arena *arena, const struct json *list, struct crm_field *field)
{
    if (!json_is(list, JSON_ARRAY) || list->len == 0)
        return;
    field->choices = arena_array(arena, list->len, sizeof *field->choices);
    json_each(choice, list) {
        struct crm_choice *to = &field->choices[field->choice_count++];
        to->value = text_of(arena, choice, "value");
        to->label = text_of(arena, choice, "label");
        to->active = json_get_bool(choice, "active", true);
        to->valid_for = text_of(arena, choice, "validFor");
        if (!to->value)
            to->value = "";
    }
}

static void field_parse(struct arena *arena, const struct json *from, struct crm_field *to)
{
    static const struct {
        const char *key;
        size_t offset;
    } flags[] = {
        {"createable", offsetof(struct crm_field, createable)},
        {"updateable", offsetof(struct crm_field, updateable)},
        {"nillable", offsetof(struct crm_field, nillable)},
        {"defaultedOnCreate", offsetof(struct crm_field, defaulted_on_create)},
        {"unique", offsetof(struct crm_field, unique)},
        {"externalId", offsetof(struct crm_field, external_id)},
        {"idLookup", offsetof(struct crm_field, id_lookup)},
        {"caseSensitive", offsetof(struct crm_field, case_sensitive)},
        {"restrictedPicklist", offsetof(struct crm_field, restricted_picklist)},
        {"filterable", offsetof(struct crm_field, filterable)},
        {"sortable", offsetof(struct crm_field, sortable)},
        {"calculated", offsetof(struct crm_field, calculated)},
        {"custom", offsetof(struct crm_field, custom)},
        {"nameField", offsetof(struct crm_field, name_field)},
        {"permissionable", offsetof(struct crm_field, permissionable)},
    };
    to->name = text_of(arena, from, "name");
    to->label = text_of(arena, from, "label");
    to->type = text_of(arena, from, "type");
    to->relationship_name = text_of(arena, from, "relationshipName");
    to->controller = text_of(arena, from, "controllerName");
    to->compound = text_of(arena, from, "compoundFieldName");
    to->master_detail = json_is(json_get(from, "relationshipOrder"), JSON_NUMBER);
    to->length = (int)json_get_int(from, "length", 0);
    to->precision = (int)json_get_int(from, "precision", 0);
    to->scale = (int)json_get_int(from, "scale", 0);
    to->digits = (int)json_get_int(from, "digits", 0);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        *(bool *)((char *)to + flags[i].offset) = json_get_bool(from, flags[i].key, false);
    choices_parse(arena, json_get(from, "picklistValues"), to);
    const struct json *refs = json_get(from, "referenceTo");
    if (json_is(refs, JSON_ARRAY) && refs->len > 0) {
        to->reference_to = arena_array(arena, refs->len, sizeof *to->reference_to);
        json_each(ref, refs)
            if (json_text(ref))
                to->reference_to[to->reference_count++] = arena_strdup(arena, json_text(ref));
    }
    if (!to->label)
        to->label = to->name;
    if (!to->type)
        to->type = "string";
}

static void record_types_parse(struct arena *arena, const struct json *list, struct crm_object *to)
{
    if (!json_is(list, JSON_ARRAY))
        return;
    to->record_types = arena_array(arena, list->len + 1, sizeof *to->record_types);
    json_each(info, list) {
        if (json_get_bool(info, "master", false)) /* the type of records that have none */
            continue;
        to->record_types[to->record_type_count++] =
            (struct crm_record_type){.id = text_of(arena, info, "recordTypeId"),
                                     .name = text_of(arena, info, "name"),
                                     .developer_name = text_of(arena, info, "developerName"),
                                     .available = json_get_bool(info, "available", false),
                                     .active = json_get_bool(info, "active", true)};
    }
}

struct crm_object *crm_object_parse(struct arena *arena, const struct json *from)
{
    const struct json *fields = json_get(from, "fields");
    struct crm_object *to = arena_alloc(arena, sizeof *to);
    to->name = text_of(arena, from, "name");
    to->label = text_of(arena, from, "label");
    to->key_prefix = text_of(arena, from, "keyPrefix");
    to->queryable = json_get_bool(from, "queryable", false);
    to->createable = json_get_bool(from, "createable", false);
    to->updateable = json_get_bool(from, "updateable", false);
    to->deletable = json_get_bool(from, "deletable", false);
    to->custom = json_get_bool(from, "custom", false);
    if (!to->name || !json_is(fields, JSON_ARRAY))
        return NULL;
    to->fields = arena_array(arena, fields->len + 1, sizeof *to->fields);
    json_each(field, fields)
        if (json_get_text(field, "name"))
            field_parse(arena, field, &to->fields[to->field_count++]);
    record_types_parse(arena, json_get(from, "recordTypeInfos"), to);
    return to;
}
