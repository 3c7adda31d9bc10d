/* object.c - CustomObject: a custom object of its own, or what a package adds
 * to an object that is there (fields, validation rules). */
#include "localorg/metadata/metadata_priv.h"

static const char *const known[] = {"fullName",    "label",  "pluralLabel",     "nameField",
                                    "sharingModel", "fields", "validationRules", "deploymentStatus",
                                    "description", "enableSearch", "enableActivities",
                                    "enableReports", "enableHistory", "enableFeeds",
                                    "enableBulkApi", "enableStreamingApi", "enableSharing",
                                    "allowInChatterGroups", "enableLicensing", "gender", "startsWith",
                                    "eventType", "publishBehavior", "externalSharingModel",
                                    "visibility"};

static bool exists(const struct meta *meta, const char *full_name)
{
    return schema_find(org_schema(meta->org), full_name) != NULL;
}

/* --- a new one --- */

static void write_name_field(struct jw *w, const struct json *name_field)
{
    bool number = text_eq(meta_text(name_field, "type"), "AutoNumber");
    jw_object(w);
    jw_kv_text(w, "name", "Name");
    jw_kv_text(w, "label", meta_text(name_field, "label") ? meta_text(name_field, "label") : "Name");
    jw_kv_text(w, "type", "string");
    jw_kv_int(w, "length", 80);
    jw_kv_bool(w, "nameField", true);
    jw_kv_bool(w, "idLookup", true);
    jw_kv_bool(w, "createable", !number);
    jw_kv_bool(w, "updateable", !number);
    jw_kv_bool(w, "nillable", !number);
    jw_kv_bool(w, "autoNumber", number);
    jw_kv_bool(w, "defaultedOnCreate", true);
    jw_kv_bool(w, "filterable", true);
    jw_kv_bool(w, "sortable", true);
    jw_kv_bool(w, "groupable", true);
    jw_kv_bool(w, "aggregatable", true);
    if (number && meta_text(name_field, "displayFormat"))
        jw_kv_text(w, "displayFormat", meta_text(name_field, "displayFormat"));
    jw_end_object(w);
}

static void write_describe(struct jw *w, const struct meta_change *change)
{
    const struct json *c = change->component;
    bool event = text_ends(change->full_name, "__e");
    jw_object(w);
    jw_kv_text(w, "name", change->full_name);
    jw_kv_text(w, "label", meta_text(c, "label"));
    jw_kv_text(w, "labelPlural",
               meta_text(c, "pluralLabel") ? meta_text(c, "pluralLabel") : meta_text(c, "label"));
    jw_key(w, "fields");
    jw_array(w);
    if (!event)
        write_name_field(w, json_get(c, "nameField"));
    jw_end_array(w);
    jw_end_object(w);
}

static bool put_new(struct meta_change *change)
{
    const struct json *c = change->component;
    bool event = text_ends(change->full_name, "__e");
    if (!text_ends(change->full_name, "__c") && !event)
        return meta_refuse(change, "INVALID_CROSS_REFERENCE_KEY",
                           "Entity Of type 'CustomObject' named '%s' cannot be found",
                           change->full_name);
    if (!meta_text(c, "label"))
        return meta_refuse(change, "REQUIRED_FIELD_MISSING", "Required field is missing: label");
    if (!event && !json_get(c, "nameField"))
        return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                           "Must specify a nameField of type Text or AutoNumber");
    if (!event && !meta_text(c, "sharingModel"))
        return meta_refuse(change, "REQUIRED_FIELD_MISSING",
                           "Required field is missing: sharingModel");
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    write_describe(&w, change);
    const struct json *describe = json_parse(change->meta->arena, text.data, text.len, change->err);
    buf_free(&text);
    if (!describe)
        return meta_broke(change);
    if (org_add_describe(change->meta->org, describe, change->err) == OK)
        return true;
    if (err_is(change->err, ERR_IO))
        return meta_broke(change);
    return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION", "%s", change->err->message);
}

/* --- what hangs on it --- */

/* A part of the object's file, as a component of its own. */
static bool put_part(struct meta_change *change, const char *type, const struct json *part)
{
    struct meta_result result;
    const char *name = meta_text(part, "fullName");
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "fullName",
               arena_printf(change->meta->arena, "%s.%s", change->full_name, name ? name : ""));
    json_each(member, part) {
        if (*member->key == '@' || text_eq(member->key, "fullName"))
            continue;
        jw_key(&w, member->key);
        jw_value(&w, member);
    }
    jw_end_object(&w);
    const struct json *component = json_parse(change->meta->arena, text.data, text.len, change->err);
    buf_free(&text);
    if (!component ||
        metadata_put(change->meta, type, component, META_UPSERT, &result, change->err) != OK)
        return meta_broke(change);
    if (!result.success)
        return meta_refuse(change, result.code, "%s: %s", result.full_name, result.message);
    if (result.warning)
        meta_warn(change, result.warning);
    return true;
}

/* A standard field in an object's file says how it is set up, nothing this org keeps. */
static bool put_field_part(struct meta_change *change, const struct json *part)
{
    const char *name = meta_text(part, "fullName");
    if (name && !text_ends(name, "__c")) {
        meta_warn(change, name);
        return true;
    }
    return put_part(change, "CustomField", part);
}

static bool put(struct meta_change *change)
{
    if (!change->exists && !put_new(change))
        return false;
    xml_each(part, change->component, "fields")
        if (!put_field_part(change, part))
            return false;
    xml_each(part, change->component, "validationRules")
        if (!put_part(change, "ValidationRule", part))
            return false;
    meta_warn_unknown(change, known, sizeof known / sizeof *known);
    return true;
}

static bool drop(struct meta_change *change)
{
    if (org_drop_object(change->meta->org, change->full_name, change->err) == OK)
        return true;
    if (err_is(change->err, ERR_INVALID))
        return meta_refuse(change, "INSUFFICIENT_ACCESS_OR_READONLY",
                           "Cannot delete the standard object %s", change->full_name);
    return meta_broke(change);
}

/* --- back --- */

static void write(const struct meta *meta, const char *full_name, struct jw *w)
{
    const struct sobject *object = schema_find(org_schema(meta->org), full_name);
    jw_object(w);
    jw_kv_text(w, "fullName", object->name);
    jw_kv_text(w, "label", object->label);
    jw_kv_text(w, "pluralLabel", object->label_plural);
    jw_kv_text(w, "deploymentStatus", "Deployed");
    jw_kv_text(w, "sharingModel", "ReadWrite");
    if (object->name_field) {
        jw_key(w, "nameField");
        jw_object(w);
        jw_kv_text(w, "label", object->name_field->label);
        jw_kv_text(w, "type", object->name_field->auto_number ? "AutoNumber" : "Text");
        jw_end_object(w);
    }
    jw_key(w, "fields");
    jw_array(w);
    for (size_t i = 0; i < object->field_count; i++) {
        if (!object->fields[i]->custom || !text_ends(object->fields[i]->name, "__c"))
            continue;
        jw_object(w);
        jw_kv_text(w, "fullName", object->fields[i]->name);
        field_write(w, object->fields[i]);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

static void list(const struct meta *meta, const struct meta_type *type, meta_item_fn *fn, void *ctx)
{
    const struct schema *schema = org_schema(meta->org);
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        struct meta_item item = {.type = type};
        if (!object->layoutable && !object->custom)
            continue;
        snprintf(item.full_name, sizeof item.full_name, "%s", object->name);
        if (object->custom)
            org_setup_id(meta->org, type->prefix, object->name, item.id);
        fn(ctx, &item);
    }
}

const struct meta_kind object_kind = {.type = {.name = "CustomObject",
                                               .directory = "objects",
                                               .suffix = "object",
                                               .prefix = "01I"},
                                      .generated = true,
                                      .exists = exists,
                                      .put = put,
                                      .drop = drop,
                                      .write = write,
                                      .list = list};
