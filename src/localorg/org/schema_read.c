/* schema_read.c - describe JSON to struct field and struct sobject.
 *
 * One table row per attribute: the JSON key and where it goes. Real describes
 * carry all 57 attributes of a field; hand-written ones for a custom field
 * often only name, type and length, and then get what Setup would give a new
 * field (writable, nillable, filterable, ...). */
#include "localorg/org/schema_priv.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

struct attribute {
    const char *key;
    size_t at;
};

#define FLAG(key, member)                                                                          \
    {                                                                                              \
        key, offsetof(struct field, member)                                                        \
    }

static const struct attribute field_flags[] = {
    FLAG("aggregatable", aggregatable),
    FLAG("aiPredictionField", ai_prediction),
    FLAG("autoNumber", auto_number),
    FLAG("calculated", calculated),
    FLAG("cascadeDelete", cascade_delete),
    FLAG("caseSensitive", case_sensitive),
    FLAG("createable", createable),
    FLAG("custom", custom),
    FLAG("customIndex", custom_index),
    FLAG("defaultedOnCreate", defaulted_on_create),
    FLAG("dependentPicklist", dependent_picklist),
    FLAG("deprecatedAndHidden", deprecated_hidden),
    FLAG("displayLocationInDecimal", display_location_decimal),
    FLAG("encrypted", encrypted),
    FLAG("externalId", external_id),
    FLAG("filterable", filterable),
    FLAG("formulaTreatNullNumberAsZero", formula_null_zero),
    FLAG("groupable", groupable),
    FLAG("highScaleNumber", high_scale),
    FLAG("htmlFormatted", html),
    FLAG("idLookup", id_lookup),
    FLAG("nameField", name_field),
    FLAG("namePointing", name_pointing),
    FLAG("nillable", nillable),
    FLAG("permissionable", permissionable),
    FLAG("polymorphicForeignKey", polymorphic),
    FLAG("queryByDistance", query_by_distance),
    FLAG("restrictedDelete", restricted_delete),
    FLAG("restrictedPicklist", restricted_picklist),
    FLAG("searchPrefilterable", search_prefilterable),
    FLAG("sortable", sortable),
    FLAG("unique", unique),
    FLAG("updateable", updateable),
    FLAG("writeRequiresMasterRead", write_master_read),
};

static const struct attribute field_texts[] = {
    FLAG("label", label),
    FLAG("soapType", soap_type),
    FLAG("calculatedFormula", calculated_formula),
    FLAG("compoundFieldName", compound_field),
    FLAG("controllerName", controller),
    FLAG("defaultValueFormula", default_formula),
    FLAG("extraTypeInfo", extra_type),
    FLAG("inlineHelpText", inline_help),
    FLAG("mask", mask),
    FLAG("maskType", mask_type),
    FLAG("referenceTargetField", reference_target_field),
    FLAG("relationshipName", relationship_name),
    FLAG("displayFormat", display_format),
    FLAG("childRelationshipName", child_relationship_name),
};

static const struct attribute field_numbers[] = {
    FLAG("length", length), FLAG("byteLength", byte_length),
    FLAG("digits", digits), FLAG("precision", precision),
    FLAG("scale", scale),
};

#undef FLAG
#define FLAG(key, member)                                                                          \
    {                                                                                              \
        key, offsetof(struct sobject, member)                                                      \
    }

static const struct attribute object_flags[] = {
    FLAG("custom", custom),
    FLAG("customSetting", custom_setting),
    FLAG("createable", createable),
    FLAG("updateable", updateable),
    FLAG("deletable", deletable),
    FLAG("undeletable", undeletable),
    FLAG("queryable", queryable),
    FLAG("retrieveable", retrieveable),
    FLAG("searchable", searchable),
    FLAG("replicateable", replicateable),
    FLAG("triggerable", triggerable),
    FLAG("mergeable", mergeable),
    FLAG("layoutable", layoutable),
    FLAG("mruEnabled", mru),
    FLAG("feedEnabled", feed),
    FLAG("activateable", activateable),
    FLAG("searchLayoutable", search_layoutable),
    FLAG("compactLayoutable", compact_layoutable),
    FLAG("deepCloneable", deep_cloneable),
};

#undef FLAG
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static bool *flag_at(void *base, size_t at)
{
    return (bool *)((char *)base + at);
}

static const char **text_at(void *base, size_t at)
{
    return (const char **)(void *)((char *)base + at);
}

static int *number_at(void *base, size_t at)
{
    return (int *)(void *)((char *)base + at);
}

static const char *keep(struct schema *schema, const struct json *value)
{
    return arena_strdup(schema->arena, json_text(value));
}

static const char *keep_json(struct schema *schema, const struct json *value)
{
    if (json_is_null(value))
        return NULL;
    struct buf buf = BUF_INIT;
    struct jw w;
    jw_init(&w, &buf);
    jw_value(&w, value);
    const char *text = arena_strdup(schema->arena, buf_text(&buf));
    buf_free(&buf);
    return text;
}

static size_t count_of(const struct json *array)
{
    size_t count = 0;
    json_each(item, array)
        count++;
    return count;
}

/* "Line_Item__c" reads "Line Item". */
static const char *label_from(struct schema *schema, const char *name)
{
    size_t len = strlen(name);
    if (text_ends(name, "__c"))
        len -= 3;
    char *label = arena_strndup(schema->arena, name, len);
    for (char *c = label; *c; c++)
        if (*c == '_')
            *c = ' ';
    return label;
}

static bool is_number(enum field_type type)
{
    return type == FT_DOUBLE || type == FT_CURRENCY || type == FT_PERCENT;
}

static int usual_length(const struct field *field)
{
    switch (field->type) {
    case FT_STRING:
    case FT_URL:
    case FT_PICKLIST:
    case FT_COMBOBOX:
    case FT_TEXTAREA:
        return 255;
    case FT_MULTIPICKLIST:
        return 4099;
    case FT_EMAIL:
        return 80;
    case FT_PHONE:
        return 40;
    case FT_ENCRYPTEDSTRING:
        return 175;
    case FT_ID:
    case FT_REFERENCE:
        return 18;
    default:
        return 0;
    }
}

/* What Setup gives a new custom field where the entry is silent. */
static void custom_defaults(struct schema *schema, const struct json *json, struct field *field)
{
    bool compound = field->type == FT_LOCATION || field->type == FT_ADDRESS;
    bool writable = !field->calculated && !field->auto_number && !compound;
    bool short_text = field->type != FT_MULTIPICKLIST && field->length <= 255;
    field->custom = json_get_bool(json, "custom", true);
    field->createable = json_get_bool(json, "createable", writable);
    field->updateable = json_get_bool(json, "updateable", writable);
    field->nillable = json_get_bool(json, "nillable", field->type != FT_BOOLEAN);
    field->defaulted_on_create =
        json_get_bool(json, "defaultedOnCreate", field->type == FT_BOOLEAN || field->auto_number);
    field->permissionable = json_get_bool(json, "permissionable", field->nillable);
    field->filterable = json_get_bool(json, "filterable", !compound && field->length <= 255);
    field->sortable = json_get_bool(json, "sortable", short_text && !compound);
    field->groupable = json_get_bool(json, "groupable",
                                     short_text && !compound && !is_number(field->type) &&
                                         field->type != FT_DATETIME && field->type != FT_TIME);
    field->aggregatable =
        json_get_bool(json, "aggregatable", short_text && !compound && field->type != FT_BOOLEAN);
    field->id_lookup = json_get_bool(json, "idLookup", field->external_id);
    if (!json_get(json, "precision") && is_number(field->type)) {
        field->precision = 18;
        if (!json_get(json, "scale"))
            field->scale = field->type == FT_DOUBLE ? 0 : 2;
    }
    if (field->type == FT_REFERENCE && !field->relationship_name && text_ends(field->name, "__c"))
        field->relationship_name =
            arena_printf(schema->arena, "%.*s__r", (int)strlen(field->name) - 3, field->name);
}

static void read_picklist(struct schema *schema, const struct json *json, struct field *field)
{
    const struct json *values = json_get(json, "picklistValues");
    field->picklist_count = count_of(values);
    field->picklist =
        arena_array(schema->arena, field->picklist_count + 1, sizeof *field->picklist);
    size_t i = 0;
    json_each(item, values) {
        struct picklist_value *value = &field->picklist[i++];
        const struct json *text = json_is(item, JSON_STRING) ? item : json_get(item, "value");
        value->value = text ? keep(schema, text) : "";
        value->label =
            json_get_text(item, "label") ? keep(schema, json_get(item, "label")) : value->value;
        value->active = json_get_bool(item, "active", true);
        value->is_default = json_get_bool(item, "defaultValue", false);
        value->valid_for = keep(schema, json_get(item, "validFor"));
    }
}

enum status schema_read_field(struct schema *schema, const struct sobject *object,
                              const struct json *json, struct field *out, struct err *err)
{
    const char *name = json_get_text(json, "name");
    if (text_blank(name))
        return err_set(err, ERR_INVALID, "a field of %s has no name", object->name);
    struct field field = {.owner = (struct sobject *)(uintptr_t)object, .relationship_order = -1};
    field.name = arena_strdup(schema->arena, name);
    const char *type = json_get_text(json, "type");
    if (!type || !field_type_parse(type, &field.type))
        field.type = FT_STRING;
    for (size_t i = 0; i < COUNT(field_flags); i++)
        *flag_at(&field, field_flags[i].at) = json_get_bool(json, field_flags[i].key, false);
    for (size_t i = 0; i < COUNT(field_texts); i++)
        *text_at(&field, field_texts[i].at) = keep(schema, json_get(json, field_texts[i].key));
    for (size_t i = 0; i < COUNT(field_numbers); i++)
        *number_at(&field, field_numbers[i].at) = (int)json_get_int(json, field_numbers[i].key, 0);
    field.relationship_order = (int)json_get_int(json, "relationshipOrder", -1);
    if (!field.label)
        field.label = label_from(schema, field.name);
    if (!json_get(json, "length"))
        field.length = usual_length(&field);
    field.default_value = keep_json(schema, json_get(json, "defaultValue"));
    field.filtered_lookup = keep_json(schema, json_get(json, "filteredLookupInfo"));
    field.rollup = keep_json(schema, json_get(json, "rollup"));

    const struct json *targets = json_get(json, "referenceTo");
    size_t given = json_is(targets, JSON_STRING) ? 1 : count_of(targets);
    field.reference_to = arena_array(schema->arena, given + 1, sizeof *field.reference_to);
    if (json_is(targets, JSON_STRING))
        field.reference_to[field.reference_count++] = keep(schema, targets);
    json_each(target, targets) {
        if (json_is(target, JSON_STRING))
            field.reference_to[field.reference_count++] = keep(schema, target);
    }
    read_picklist(schema, json, &field);
    if (text_ends(field.name, "__c") || text_ends(field.name, "__pc"))
        custom_defaults(schema, json, &field);
    if (!json_get(json, "byteLength"))
        field.byte_length =
            field.type == FT_ID || field.type == FT_REFERENCE ? 18 : field.length * 3;
    field.stored = field.type != FT_ADDRESS && field.type != FT_LOCATION;
    *out = field;
    return OK;
}

/* --- objects --- */

static void read_record_types(struct schema *schema, const struct json *json,
                              struct sobject *object)
{
    const struct json *infos = json_get(json, "recordTypeInfos");
    size_t count = count_of(infos);
    struct record_type *types = arena_array(schema->arena, count + 1, sizeof *types);
    size_t n = 0;
    bool master = false, some_default = false;
    json_each(info, infos) {
        const char *id = json_get_text(info, "recordTypeId");
        const char *name = json_get_text(info, "name");
        if (!id)
            continue;
        struct record_type *type = &types[n++];
        type->id18 = arena_strdup(schema->arena, id);
        type->name = arena_strdup(schema->arena, name ? name : "");
        type->developer_name = keep(schema, json_get(info, "developerName"));
        if (!type->developer_name)
            type->developer_name = type->name;
        type->active = json_get_bool(info, "active", true);
        type->available = json_get_bool(info, "available", true);
        type->is_default = json_get_bool(info, "defaultRecordTypeMapping", false);
        type->master = json_get_bool(info, "master", false) || text_eq(id, MASTER_RECORD_TYPE);
        master |= type->master;
        some_default |= type->is_default;
    }
    if (!master)
        types[n++] = (struct record_type){.id18 = MASTER_RECORD_TYPE,
                                          .name = "Master",
                                          .developer_name = "Master",
                                          .active = true,
                                          .available = true,
                                          .is_default = !some_default,
                                          .master = true};
    object->record_types = types;
    object->record_type_count = n;
}

static void read_children(struct schema *schema, const struct json *json, struct object_box *box)
{
    const struct json *list = json_get(json, "childRelationships");
    struct child_relationship *children =
        arena_array(schema->arena, count_of(list) + 1, sizeof *children);
    size_t n = 0;
    json_each(item, list) {
        const char *child = json_get_text(item, "childSObject");
        const char *field = json_get_text(item, "field");
        if (!child || !field)
            continue;
        children[n++] = (struct child_relationship){
            .child_sobject = arena_strdup(schema->arena, child),
            .field = arena_strdup(schema->arena, field),
            .relationship_name = keep(schema, json_get(item, "relationshipName")),
            .cascade_delete = json_get_bool(item, "cascadeDelete", false),
            .restricted_delete = json_get_bool(item, "restrictedDelete", false),
            .deprecated_hidden = json_get_bool(item, "deprecatedAndHidden", false),
        };
    }
    box->listed = children;
    box->listed_count = n;
}

static void read_scopes(struct schema *schema, const struct json *json, struct sobject *object)
{
    const struct json *list = json_get(json, "supportedScopes");
    const char **scopes = arena_array(schema->arena, count_of(list) * 2 + 2, sizeof *scopes);
    size_t n = 0;
    json_each(item, list) {
        const char *name = json_get_text(item, "name");
        const char *label = json_get_text(item, "label");
        if (!name)
            continue;
        scopes[n * 2] = arena_strdup(schema->arena, name);
        scopes[n * 2 + 1] = arena_strdup(schema->arena, label ? label : name);
        n++;
    }
    object->scopes = scopes;
    object->scope_count = n;
}

enum status schema_read_object(struct schema *schema, const struct json *json,
                               struct object_box *out, struct err *err)
{
    struct sobject *object = &out->object;
    bool custom = text_ends(object->name, "__c");
    bool event = text_ends(object->name, "__e"); /* a platform event: published, never read */
    for (size_t i = 0; i < COUNT(object_flags); i++) {
        const char *key = object_flags[i].key;
        bool usual = custom && !text_eq(key, "customSetting") && !text_eq(key, "mergeable") &&
                     !text_eq(key, "feedEnabled") && !text_eq(key, "deepCloneable");
        usual |= event && (text_eq(key, "custom") || text_eq(key, "createable"));
        *flag_at(object, object_flags[i].at) = json_get_bool(json, key, usual);
    }
    object->label = keep(schema, json_get(json, "label"));
    if (!object->label)
        object->label = label_from(schema, object->name);
    object->label_plural = keep(schema, json_get(json, "labelPlural"));
    if (!object->label_plural)
        object->label_plural = arena_printf(schema->arena, "%ss", object->label);
    const char *prefix = json_get_text(json, "keyPrefix");
    if (prefix && strlen(prefix) != 3)
        return err_set(err, ERR_INVALID, "%s: key prefix %s is not three characters", object->name,
                       prefix);
    if (prefix)
        object->key_prefix = arena_strdup(schema->arena, prefix);
    object->associate_entity = keep(schema, json_get(json, "associateEntityType"));
    object->associate_parent = keep(schema, json_get(json, "associateParentEntity"));
    read_record_types(schema, json, object);
    read_children(schema, json, out);
    read_scopes(schema, json, object);
    return OK;
}

static const char *user_only[] = {"User"};
static const char *owners[] = {"Group", "User"};

#define SYSTEM_FIELD                                                                               \
    .defaulted_on_create = true, .filterable = true, .sortable = true, .stored = true,             \
    .relationship_order = -1

static const struct field system_fields[] = {
    {.name = "Id",
     .label = "Record ID",
     .type = FT_ID,
     .length = 18,
     .byte_length = 18,
     .aggregatable = true,
     .groupable = true,
     .id_lookup = true,
     SYSTEM_FIELD},
    {.name = "IsDeleted",
     .label = "Deleted",
     .type = FT_BOOLEAN,
     .groupable = true,
     .default_value = "false",
     SYSTEM_FIELD},
    {.name = "CreatedDate",
     .label = "Created Date",
     .type = FT_DATETIME,
     .aggregatable = true,
     SYSTEM_FIELD},
    {.name = "CreatedById",
     .label = "Created By ID",
     .type = FT_REFERENCE,
     .length = 18,
     .byte_length = 18,
     .aggregatable = true,
     .groupable = true,
     .reference_to = user_only,
     .reference_count = 1,
     .relationship_name = "CreatedBy",
     SYSTEM_FIELD},
    {.name = "LastModifiedDate",
     .label = "Last Modified Date",
     .type = FT_DATETIME,
     .aggregatable = true,
     SYSTEM_FIELD},
    {.name = "LastModifiedById",
     .label = "Last Modified By ID",
     .type = FT_REFERENCE,
     .length = 18,
     .byte_length = 18,
     .aggregatable = true,
     .groupable = true,
     .reference_to = user_only,
     .reference_count = 1,
     .relationship_name = "LastModifiedBy",
     SYSTEM_FIELD},
    {.name = "SystemModstamp",
     .label = "System Modstamp",
     .type = FT_DATETIME,
     .aggregatable = true,
     SYSTEM_FIELD},
    /* from here on only for custom objects */
    {.name = "Name",
     .label = "Name",
     .type = FT_STRING,
     .length = 80,
     .byte_length = 240,
     .aggregatable = true,
     .groupable = true,
     .createable = true,
     .updateable = true,
     .id_lookup = true,
     .name_field = true,
     .nillable = true,
     SYSTEM_FIELD},
    {.name = "OwnerId",
     .label = "Owner ID",
     .type = FT_REFERENCE,
     .length = 18,
     .byte_length = 18,
     .aggregatable = true,
     .groupable = true,
     .createable = true,
     .updateable = true,
     .polymorphic = true,
     .name_pointing = true,
     .reference_to = owners,
     .reference_count = 2,
     .relationship_name = "Owner",
     SYSTEM_FIELD},
};

/* Platform events have audit fields of their creation, and these. */
static const struct field event_fields[] = {
    {.name = "ReplayId",
     .label = "Replay ID",
     .type = FT_STRING,
     .length = 1000,
     .byte_length = 3000,
     .nillable = true,
     .stored = true,
     .relationship_order = -1},
    {.name = "EventUuid",
     .label = "Event UUID",
     .type = FT_STRING,
     .length = 36,
     .byte_length = 108,
     .nillable = true,
     .stored = true,
     .relationship_order = -1},
};

const struct field *schema_event_field(size_t i)
{
    static const size_t audit[] = {2, 3}; /* CreatedDate, CreatedById */
    if (i < COUNT(audit))
        return &system_fields[audit[i]];
    i -= COUNT(audit);
    return i < COUNT(event_fields) ? &event_fields[i] : NULL;
}

const struct field *schema_system_field(size_t i, bool custom_object)
{
    size_t count = COUNT(system_fields) - (custom_object ? 0 : 2);
    return i < count ? &system_fields[i] : NULL;
}
