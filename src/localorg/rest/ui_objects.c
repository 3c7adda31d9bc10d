/* ui_objects.c - /ui-api/object-info: a describe in the form pages want, and the
 * values of picklists. Keys as in the User Interface API guide. */
#include "localorg/rest/ui_objects.h"

#include "localorg/rest/resources.h"
#include "localorg/rest/ui_fields.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 100

/* --- fields --- */

static const char *data_type(const struct field *field)
{
    static const char *const names[] = {[FT_ID] = "Reference",
                                        [FT_REFERENCE] = "Reference",
                                        [FT_STRING] = "String",
                                        [FT_TEXTAREA] = "TextArea",
                                        [FT_PHONE] = "Phone",
                                        [FT_URL] = "Url",
                                        [FT_EMAIL] = "Email",
                                        [FT_PICKLIST] = "Picklist",
                                        [FT_MULTIPICKLIST] = "MultiPicklist",
                                        [FT_COMBOBOX] = "ComboBox",
                                        [FT_ENCRYPTEDSTRING] = "EncryptedString",
                                        [FT_BOOLEAN] = "Boolean",
                                        [FT_INT] = "Int",
                                        [FT_DOUBLE] = "Double",
                                        [FT_CURRENCY] = "Currency",
                                        [FT_PERCENT] = "Percent",
                                        [FT_DATE] = "Date",
                                        [FT_DATETIME] = "DateTime",
                                        [FT_TIME] = "Time",
                                        [FT_BASE64] = "Base64",
                                        [FT_ADDRESS] = "Address",
                                        [FT_LOCATION] = "Location",
                                        [FT_ANYTYPE] = "AnyType"};
    return names[field->type];
}

static void write_references(struct call *call, struct jw *w, const struct field *field)
{
    const struct schema *schema = org_schema(call->site->org);
    jw_key(w, "referenceToInfos");
    jw_array(w);
    for (size_t i = 0; i < field->reference_count; i++) {
        const struct sobject *target = schema_find(schema, field->reference_to[i]);
        jw_object(w);
        jw_kv_text(w, "apiName", field->reference_to[i]);
        jw_key(w, "nameFields");
        jw_array(w);
        if (target && target->name_field)
            jw_text(w, target->name_field->name);
        jw_end_array(w);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static bool may(struct call *call, const struct field *field, enum org_access access)
{
    bool schema_says = access == ORG_CREATE ? field->createable : field->updateable;
    return schema_says && call_may_field(call, field, access);
}

static void write_field(struct call *call, struct jw *w, const struct field *field)
{
    bool compound = field->type == FT_ADDRESS || field->type == FT_LOCATION;
    bool part = field->compound_field && strcmp(field->compound_field, field->name) != 0;
    jw_object(w);
    jw_kv_text(w, "apiName", field->name);
    jw_kv_bool(w, "calculated", field->calculated);
    jw_kv_bool(w, "compound", compound);
    jw_kv_text(w, "compoundComponentName", part ? field->name : NULL);
    jw_kv_text(w, "compoundFieldName", part ? field->compound_field : NULL);
    jw_kv_text(w, "controllerName", field->controller);
    jw_key(w, "controllingFields");
    jw_array(w);
    if (field->controller)
        jw_text(w, field->controller);
    jw_end_array(w);
    jw_kv_bool(w, "createable", may(call, field, ORG_CREATE));
    jw_kv_bool(w, "custom", field->custom);
    jw_kv_text(w, "dataType", data_type(field));
    jw_kv_bool(w, "externalId", field->external_id);
    jw_kv_text(w, "extraTypeInfo", field->extra_type);
    jw_kv_bool(w, "filterable", field->filterable);
    jw_kv_text(w, "filteredLookupInfo", NULL);
    jw_kv_bool(w, "highScaleNumber", field->high_scale);
    jw_kv_bool(w, "htmlFormatted", field->html);
    jw_kv_text(w, "inlineHelpText", field->inline_help);
    jw_kv_text(w, "label", field->label);
    jw_kv_int(w, "length", field->length);
    jw_kv_bool(w, "nameField", field->name_field);
    jw_kv_bool(w, "polymorphicForeignKey", field->polymorphic);
    jw_kv_int(w, "precision", field->precision);
    jw_kv_bool(w, "reference", field->type == FT_REFERENCE);
    jw_kv_text(w, "referenceTargetField", field->reference_target_field);
    write_references(call, w, field);
    jw_kv_text(w, "relationshipName", field->relationship_name);
    jw_kv_bool(w, "required", field_required_on_create(field));
    jw_kv_int(w, "scale", field->scale);
    jw_kv_bool(w, "searchPrefilterable", field->search_prefilterable);
    jw_kv_bool(w, "sortable", field->sortable);
    jw_kv_bool(w, "unique", field->unique);
    jw_kv_bool(w, "updateable", may(call, field, ORG_UPDATE));
    jw_end_object(w);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct field *const *)a)->name, (*(const struct field *const *)b)->name);
}

static void write_fields(struct call *call, struct jw *w, const struct sobject *object)
{
    const struct field **fields = arena_array(call->arena, object->field_count + 1, sizeof *fields);
    memcpy(fields, object->fields, object->field_count * sizeof *fields);
    qsort(fields, object->field_count, sizeof *fields, by_name);
    jw_key(w, "fields");
    jw_object(w);
    for (size_t i = 0; i < object->field_count; i++)
        if (call_may_field(call, fields[i], ORG_READ)) {
            jw_key(w, fields[i]->name);
            write_field(call, w, fields[i]);
        }
    jw_end_object(w);
}

/* --- objects --- */

static void write_children(struct call *call, struct jw *w, const struct sobject *object)
{
    const struct schema *schema = org_schema(call->site->org);
    jw_key(w, "childRelationships");
    jw_array(w);
    for (size_t i = 0; i < object->child_count; i++) {
        const struct child_relationship *child = &object->children[i];
        if (!child->relationship_name || !schema_find(schema, child->child_sobject))
            continue;
        jw_object(w);
        jw_kv_text(w, "childObjectApiName", child->child_sobject);
        jw_kv_text(w, "fieldName", child->field);
        jw_key(w, "junctionIdListNames");
        jw_array(w);
        jw_end_array(w);
        jw_key(w, "junctionReferenceTo");
        jw_array(w);
        jw_end_array(w);
        jw_kv_text(w, "relationshipName", child->relationship_name);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_types(struct jw *w, const struct sobject *object)
{
    jw_key(w, "recordTypeInfos");
    jw_object(w);
    for (size_t i = 0; i < object->record_type_count; i++) {
        const struct record_type *type = &object->record_types[i];
        jw_key(w, type->id18);
        jw_object(w);
        jw_kv_bool(w, "available", type->available);
        jw_kv_bool(w, "defaultRecordTypeMapping", type->is_default);
        jw_kv_bool(w, "master", type->master);
        jw_kv_text(w, "name", type->name);
        jw_kv_text(w, "recordTypeId", type->id18);
        jw_end_object(w);
    }
    jw_end_object(w);
}

static const char *default_type(const struct sobject *object)
{
    for (size_t i = 0; i < object->record_type_count; i++)
        if (object->record_types[i].is_default)
            return object->record_types[i].id18;
    return MASTER_RECORD_TYPE;
}

static bool allowed(struct call *call, const struct sobject *object, enum org_access access,
                    bool schema_says)
{
    return schema_says && org_may_object(call->site->org, call->session.user_id, object, access);
}

void ui_object_write(struct call *call, struct jw *w, const struct sobject *object)
{
    const char *key = arena_printf(call->arena, "%s %lld %s", object->name,
                                   (long long)object->modified_ms, call->session.user_id);
    jw_object(w);
    jw_kv_text(w, "apiName", object->name);
    jw_kv_text(w, "associateEntityType", object->associate_entity);
    jw_kv_text(w, "associateParentEntity", object->associate_parent);
    write_children(call, w, object);
    jw_kv_bool(w, "compactLayoutable", object->compact_layoutable);
    jw_kv_bool(w, "createable", allowed(call, object, ORG_CREATE, object->createable));
    jw_kv_bool(w, "custom", object->custom);
    jw_kv_text(w, "defaultRecordTypeId", default_type(object));
    jw_kv_bool(w, "deletable", allowed(call, object, ORG_DELETE, object->deletable));
    jw_key(w, "dependentFields");
    jw_object(w);
    jw_end_object(w);
    jw_kv_text(w, "eTag", ui_etag(call, key, strlen(key)));
    jw_kv_bool(w, "feedEnabled", object->feed);
    write_fields(call, w, object);
    jw_kv_text(w, "keyPrefix", object->key_prefix);
    jw_kv_text(w, "label", object->label);
    jw_kv_text(w, "labelPlural", object->label_plural);
    jw_kv_bool(w, "layoutable", object->layoutable);
    jw_kv_bool(w, "mruEnabled", object->mru);
    jw_key(w, "nameFields");
    jw_array(w);
    if (object->name_field)
        jw_text(w, object->name_field->name);
    jw_end_array(w);
    jw_kv_bool(w, "queryable", object->queryable);
    write_types(w, object);
    jw_kv_bool(w, "searchLayoutable", object->search_layoutable);
    jw_kv_bool(w, "searchable", object->searchable);
    jw_kv_text(w, "themeInfo", NULL);
    jw_kv_bool(w, "updateable", allowed(call, object, ORG_UPDATE, object->updateable));
    jw_end_object(w);
}

/* Does the object have pages at all? */
static bool shown(struct call *call, const struct sobject *object)
{
    return object && object->layoutable &&
           org_may_object(call->site->org, call->session.user_id, object, ORG_READ);
}

void ui_objects_list(struct call *call)
{
    struct jw w;
    const struct schema *schema = org_schema(call->site->org);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "objects");
    jw_object(&w);
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        if (!shown(call, object))
            continue;
        jw_key(&w, object->name);
        jw_object(&w);
        jw_kv_text(&w, "apiName", object->name);
        jw_kv_text(&w, "keyPrefix", object->key_prefix);
        jw_kv_text(&w, "label", object->label);
        jw_kv_text(&w, "labelPlural", object->label_plural);
        jw_key(&w, "nameFields");
        jw_array(&w);
        if (object->name_field)
            jw_text(&w, object->name_field->name);
        jw_end_array(&w);
        jw_kv_text(&w, "objectInfoUrl",
                   arena_printf(call->arena, "%s/ui-api/object-info/%s", call->base, object->name));
        jw_end_object(&w);
    }
    jw_end_object(&w);
    jw_end_object(&w);
}

static const struct sobject *asked(struct call *call)
{
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || object->layoutable)
        return object;
    answer_error(call, 400, "INVALID_TYPE", "Object %s is not supported in UI API", object->name);
    return NULL;
}

void ui_object_get(struct call *call)
{
    struct jw w;
    const char *known = call_header(call, "If-None-Match");
    const struct sobject *object = asked(call);
    if (!object)
        return;
    answer_json(call, 200, &w);
    ui_object_write(call, &w, object);
    const char *etag = arena_printf(call->arena, "\"%s\"",
                                    ui_etag(call, buf_text(&call->out->body), call->out->body.len));
    answer_header(call, "ETag", etag);
    if (known && strstr(known, etag))
        answer_empty(call, 304);
}

void ui_objects_batch(struct call *call)
{
    struct jw w;
    size_t len, count = 0;
    const char *word, *list = call->args[0];
    const struct schema *schema = org_schema(call->site->org);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "results");
    jw_array(&w);
    while ((word = words_next(&list, &len)) && count++ < BATCH_MAX) {
        const struct sobject *object = schema_find_n(schema, word, len);
        bool good = shown(call, object);
        jw_object(&w);
        jw_key(&w, "result");
        if (good) {
            ui_object_write(call, &w, object);
        } else {
            jw_array(&w);
            jw_object(&w);
            jw_kv_text(&w, "errorCode", "INVALID_TYPE");
            jw_kv_text(&w, "message",
                       arena_printf(call->arena, "Object %.*s is not supported in UI API", (int)len,
                                    word));
            jw_end_object(&w);
            jw_end_array(&w);
        }
        jw_kv_int(&w, "statusCode", good ? 200 : 400);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
}

/* --- picklists --- */

static void write_value(struct jw *w, const struct picklist_value *value)
{
    jw_object(w);
    jw_kv_text(w, "attributes", NULL);
    jw_kv_text(w, "label", value->label);
    jw_key(w, "validFor");
    jw_array(w);
    jw_end_array(w);
    jw_kv_text(w, "value", value->value);
    jw_end_object(w);
}

static void write_picklist(struct call *call, struct jw *w, const struct field *field)
{
    const struct picklist_value *chosen = NULL;
    const char *url = arena_printf(call->arena, "%s/ui-api/object-info/%s/picklist-values/%s/%s",
                                   call->base, field->owner->name, call->args[1], field->name);
    for (size_t i = 0; i < field->picklist_count; i++)
        if (field->picklist[i].is_default && field->picklist[i].active)
            chosen = &field->picklist[i];
    jw_object(w);
    jw_key(w, "controllerValues");
    jw_object(w);
    jw_end_object(w);
    jw_key(w, "defaultValue");
    if (chosen)
        write_value(w, chosen);
    else
        jw_null(w);
    jw_kv_text(w, "eTag", ui_etag(call, url, strlen(url)));
    jw_kv_text(w, "url", url);
    jw_key(w, "values");
    jw_array(w);
    for (size_t i = 0; i < field->picklist_count; i++)
        if (field->picklist[i].active)
            write_value(w, &field->picklist[i]);
    jw_end_array(w);
    jw_end_object(w);
}

static bool is_picklist(struct call *call, const struct field *field)
{
    return field && (field->type == FT_PICKLIST || field->type == FT_MULTIPICKLIST) &&
           call_may_field(call, field, ORG_READ);
}

static bool has_type(const struct sobject *object, const char *text)
{
    char id[19];
    for (size_t i = 0; i < object->record_type_count; i++)
        if (id_canonical(text, id) && strcmp(object->record_types[i].id18, id) == 0)
            return true;
    return false;
}

/* Of all picklists of an object, or of one (args: object, record type, field). */
void ui_picklists(struct call *call)
{
    struct jw w;
    const struct sobject *object = asked(call);
    const struct field *field =
        object && call->args[2] ? sobject_field(object, call->args[2]) : NULL;
    if (!object)
        return;
    if (!has_type(object, call->args[1]) || (call->args[2] && !is_picklist(call, field))) {
        answer_not_found(call);
        return;
    }
    answer_json(call, 200, &w);
    if (field) {
        write_picklist(call, &w, field);
        return;
    }
    jw_object(&w);
    jw_key(&w, "picklistFieldValues");
    jw_object(&w);
    for (size_t i = 0; i < object->field_count; i++)
        if (is_picklist(call, object->fields[i])) {
            jw_key(&w, object->fields[i]->name);
            write_picklist(call, &w, object->fields[i]);
        }
    jw_end_object(&w);
    jw_end_object(&w);
}
