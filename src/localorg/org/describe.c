/* describe.c - schema to describe JSON.
 *
 * One table row per key, in the order real answers have them. Object keys that
 * no org we know fills (actionOverrides, namedLayoutInfos, hasSubtypes ...)
 * are written with the constant every recording shows. */
#include "localorg/org/describe.h"

#include "base/mem.h"
#include "base/str.h"
#include "localorg/org/org.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* --- fields --- */

enum kind { FLAG, TEXT, NUMBER, RAW, SPECIAL };

typedef void special_fn(struct jw *w, const struct field *field);

struct attribute {
    const char *key;
    enum kind kind;
    size_t at;
    special_fn *special;
};

static void write_picklist(struct jw *w, const struct field *field)
{
    jw_array(w);
    for (size_t i = 0; i < field->picklist_count; i++) {
        const struct picklist_value *value = &field->picklist[i];
        jw_object(w);
        jw_kv_bool(w, "active", value->active);
        jw_kv_bool(w, "defaultValue", value->is_default);
        jw_kv_text(w, "label", value->label);
        jw_kv_text(w, "validFor", value->valid_for);
        jw_kv_text(w, "value", value->value);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_references(struct jw *w, const struct field *field)
{
    jw_array(w);
    for (size_t i = 0; i < field->reference_count; i++)
        jw_text(w, field->reference_to[i]);
    jw_end_array(w);
}

static void write_order(struct jw *w, const struct field *field)
{
    if (field->relationship_order < 0)
        jw_null(w);
    else
        jw_int(w, field->relationship_order);
}

static void write_soap_type(struct jw *w, const struct field *field)
{
    jw_text(w, field_soap_type(field));
}

static void write_type(struct jw *w, const struct field *field)
{
    jw_text(w, field_type_name(field->type));
}

#define AT(key, kind, member)                                                                      \
    {                                                                                              \
        key, kind, offsetof(struct field, member), NULL                                            \
    }
#define BY(key, function)                                                                          \
    {                                                                                              \
        key, SPECIAL, 0, function                                                                  \
    }

static const struct attribute attributes[] = {
    AT("aggregatable", FLAG, aggregatable),
    AT("aiPredictionField", FLAG, ai_prediction),
    AT("autoNumber", FLAG, auto_number),
    AT("byteLength", NUMBER, byte_length),
    AT("calculated", FLAG, calculated),
    AT("calculatedFormula", TEXT, calculated_formula),
    AT("cascadeDelete", FLAG, cascade_delete),
    AT("caseSensitive", FLAG, case_sensitive),
    AT("compoundFieldName", TEXT, compound_field),
    AT("controllerName", TEXT, controller),
    AT("createable", FLAG, createable),
    AT("custom", FLAG, custom),
    AT("defaultValue", RAW, default_value),
    AT("defaultValueFormula", TEXT, default_formula),
    AT("defaultedOnCreate", FLAG, defaulted_on_create),
    AT("dependentPicklist", FLAG, dependent_picklist),
    AT("deprecatedAndHidden", FLAG, deprecated_hidden),
    AT("digits", NUMBER, digits),
    AT("displayLocationInDecimal", FLAG, display_location_decimal),
    AT("encrypted", FLAG, encrypted),
    AT("externalId", FLAG, external_id),
    AT("extraTypeInfo", TEXT, extra_type),
    AT("filterable", FLAG, filterable),
    AT("filteredLookupInfo", RAW, filtered_lookup),
    AT("formulaTreatNullNumberAsZero", FLAG, formula_null_zero),
    AT("groupable", FLAG, groupable),
    AT("highScaleNumber", FLAG, high_scale),
    AT("htmlFormatted", FLAG, html),
    AT("idLookup", FLAG, id_lookup),
    AT("inlineHelpText", TEXT, inline_help),
    AT("label", TEXT, label),
    AT("length", NUMBER, length),
    AT("mask", TEXT, mask),
    AT("maskType", TEXT, mask_type),
    AT("name", TEXT, name),
    AT("nameField", FLAG, name_field),
    AT("namePointing", FLAG, name_pointing),
    AT("nillable", FLAG, nillable),
    AT("permissionable", FLAG, permissionable),
    BY("picklistValues", write_picklist),
    AT("polymorphicForeignKey", FLAG, polymorphic),
    AT("precision", NUMBER, precision),
    AT("queryByDistance", FLAG, query_by_distance),
    AT("referenceTargetField", TEXT, reference_target_field),
    BY("referenceTo", write_references),
    AT("relationshipName", TEXT, relationship_name),
    BY("relationshipOrder", write_order),
    AT("restrictedDelete", FLAG, restricted_delete),
    AT("restrictedPicklist", FLAG, restricted_picklist),
    AT("scale", NUMBER, scale),
    AT("searchPrefilterable", FLAG, search_prefilterable),
    BY("soapType", write_soap_type),
    AT("sortable", FLAG, sortable),
    BY("type", write_type),
    AT("unique", FLAG, unique),
    AT("updateable", FLAG, updateable),
    AT("writeRequiresMasterRead", FLAG, write_master_read),
};

#undef AT
#undef BY

bool describe_attribute(const char *name)
{
    for (size_t i = 0; i < COUNT(attributes); i++)
        if (text_eq(attributes[i].key, name))
            return true;
    return false;
}

static void write_attribute(struct jw *w, const struct attribute *attribute,
                            const struct field *field)
{
    const char *at = (const char *)field + attribute->at;
    const char *text;
    switch (attribute->kind) {
    case FLAG:
        jw_bool(w, *(const bool *)at);
        break;
    case NUMBER:
        jw_int(w, *(const int *)(const void *)at);
        break;
    case TEXT:
        jw_text(w, *(const char *const *)(const void *)at);
        break;
    case RAW:
        text = *(const char *const *)(const void *)at;
        if (text)
            jw_raw(w, text, strlen(text));
        else
            jw_null(w);
        break;
    case SPECIAL:
        attribute->special(w, field);
        break;
    }
}

void field_describe_json(struct jw *w, const struct field *field,
                         const struct describe_options *options)
{
    struct field seen = *field; /* as this user sees it */
    if (options->field_access) {
        int may = options->field_access(options->ctx, field);
        seen.createable &= (may & ORG_CREATE) != 0;
        seen.updateable &= (may & ORG_UPDATE) != 0;
    }
    jw_object(w);
    for (size_t i = 0; i < COUNT(attributes); i++) {
        jw_key(w, attributes[i].key);
        write_attribute(w, &attributes[i], &seen);
    }
    jw_end_object(w);
}

static void write_fields(struct jw *w, const struct sobject *object,
                         const struct describe_options *options)
{
    jw_array(w);
    for (size_t i = 0; i < object->field_count; i++)
        if (!options->may || options->may(options->ctx, object->fields[i]))
            field_describe_json(w, object->fields[i], options);
    jw_end_array(w);
}

/* --- urls --- */

static bool is_activity(const struct sobject *object)
{
    return text_eq(object->name, "Task") || text_eq(object->name, "Event");
}

/* Objects with a tab of their own: list views and approvals hang there. */
static bool has_tab(const struct sobject *object)
{
    return object->mru && object->layoutable && object->deletable && !is_activity(object);
}

static void write_url(struct jw *w, const struct sobject *object,
                      const struct describe_options *options, const char *key, const char *tail)
{
    struct buf url = BUF_INIT;
    buf_printf(&url, "/services/data/v%s/sobjects/%s%s", options->version, object->name, tail);
    jw_kv_text(w, key, buf_text(&url));
    buf_free(&url);
}

static void write_ui_url(struct jw *w, const struct describe_options *options, const char *key,
                         const char *path)
{
    struct buf url = BUF_INIT;
    buf_printf(&url, "%s%s", options->base_url ? options->base_url : "", path);
    jw_kv_text(w, key, buf_text(&url));
    buf_free(&url);
}

/* The one place where the server's order is not alphabetical. `ui`: the full
 * describe adds addresses of pages. */
static void write_urls(struct jw *w, const struct sobject *object,
                       const struct describe_options *options, bool ui)
{
    jw_key(w, "urls");
    jw_object(w);
    if (object->compact_layoutable)
        write_url(w, object, options, "compactLayouts", "/describe/compactLayouts");
    write_url(w, object, options, "rowTemplate", "/{ID}");
    if (has_tab(object))
        write_url(w, object, options, "approvalLayouts", "/describe/approvalLayouts");
    if (text_eq(object->name, "User")) {
        write_url(w, object, options, "namedLayouts", "/describe/namedLayouts/{LayoutName}");
        write_url(w, object, options, "passwordUtilities", "/{ID}/password");
    }
    if (text_eq(object->name, "Case")) {
        write_url(w, object, options, "caseArticleSuggestions", "/suggestedArticles");
        write_url(w, object, options, "caseRowArticleSuggestions", "/{ID}/suggestedArticles");
    }
    if (ui && object->layoutable) {
        write_ui_url(w, options, "uiDetailTemplate", "/{ID}");
        write_ui_url(w, options, "uiEditTemplate", "/{ID}/e");
    }
    if (has_tab(object))
        write_url(w, object, options, "listviews", "/listviews");
    if (text_eq(object->name, "Event") && ui)
        write_url(w, object, options, "eventSeriesUpdates", "/{ID}/fromThisEventOnwards");
    write_url(w, object, options, "describe", "/describe");
    if (ui && object->layoutable && object->key_prefix) {
        char path[8] = {
            '/', object->key_prefix[0], object->key_prefix[1], object->key_prefix[2], '/', 'e',
            '\0'};
        write_ui_url(w, options, "uiNewRecord", path);
    }
    if (object->layoutable && !text_eq(object->name, "CampaignMember"))
        write_url(w, object, options, "quickActions", "/quickActions");
    if (object->layoutable)
        write_url(w, object, options, "layouts", "/describe/layouts");
    write_url(w, object, options, "sobject", "");
    jw_end_object(w);
}

/* --- objects --- */

static bool allows(const struct sobject *object, const struct describe_options *options, int bit,
                   bool schema_says)
{
    if (!schema_says || !options->object_access)
        return schema_says;
    return (options->object_access(options->ctx, object) & bit) != 0;
}

static int by_child(const void *a, const void *b)
{
    const struct child_relationship *const *left = a, *const *right = b;
    int order = strcmp((*left)->child_sobject, (*right)->child_sobject);
    return order ? order : strcmp((*left)->field, (*right)->field);
}

/* Event's invitees are the only lists of ids that junctions fill. */
static const char *junction_list(const struct child_relationship *child)
{
    static const char *pairs[][2] = {
        {"AcceptedEventRelation", "AcceptedEventInviteeIds"},
        {"DeclinedEventRelation", "DeclinedEventInviteeIds"},
        {"UndecidedEventRelation", "UndecidedEventInviteeIds"},
    };
    for (size_t i = 0; i < COUNT(pairs); i++)
        if (text_eq(child->child_sobject, pairs[i][0]) && text_eq(child->field, "EventId"))
            return pairs[i][1];
    return NULL;
}

static void write_child(struct jw *w, const struct child_relationship *child)
{
    const char *junction = junction_list(child);
    jw_object(w);
    jw_kv_bool(w, "cascadeDelete", child->cascade_delete);
    jw_kv_text(w, "childSObject", child->child_sobject);
    jw_kv_bool(w, "deprecatedAndHidden", child->deprecated_hidden);
    jw_kv_text(w, "field", child->field);
    jw_key(w, "junctionIdListNames");
    jw_array(w);
    if (junction)
        jw_text(w, junction);
    jw_end_array(w);
    jw_key(w, "junctionReferenceTo");
    jw_array(w);
    if (junction) {
        static const char *invitees[] = {"Calendar", "Contact", "Lead", "User"};
        for (size_t i = 0; i < COUNT(invitees); i++)
            jw_text(w, invitees[i]);
    }
    jw_end_array(w);
    jw_kv_text(w, "relationshipName", child->relationship_name);
    jw_kv_bool(w, "restrictedDelete", child->restricted_delete);
    jw_end_object(w);
}

static bool child_shown(const struct child_relationship *child,
                        const struct describe_options *options)
{
    return !options->schema || schema_find(options->schema, child->child_sobject);
}

static void write_children(struct jw *w, const struct sobject *object,
                           const struct describe_options *options)
{
    size_t count = object->child_count;
    const struct child_relationship **sorted = mem_array(count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &object->children[i];
    qsort(sorted, count, sizeof *sorted, by_child);
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        if (child_shown(sorted[i], options))
            write_child(w, sorted[i]);
    jw_end_array(w);
    free(sorted);
}

static void write_record_types(struct jw *w, const struct sobject *object,
                               const struct describe_options *options)
{
    jw_array(w);
    for (size_t i = 0; i < object->record_type_count && object->layoutable; i++) {
        const struct record_type *type = &object->record_types[i];
        char tail[64];
        snprintf(tail, sizeof tail, "/describe/layouts/%s", type->id18);
        jw_object(w);
        jw_kv_bool(w, "active", type->active);
        jw_kv_bool(w, "available", type->available);
        jw_kv_bool(w, "defaultRecordTypeMapping", type->is_default);
        jw_kv_text(w, "developerName", type->developer_name);
        jw_kv_bool(w, "master", type->master);
        jw_kv_text(w, "name", type->name);
        jw_kv_text(w, "recordTypeId", type->id18);
        jw_key(w, "urls");
        jw_object(w);
        write_url(w, object, options, "layout", tail);
        jw_end_object(w);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_scopes(struct jw *w, const struct sobject *object)
{
    jw_array(w);
    for (size_t i = 0; i < object->scope_count; i++) {
        jw_object(w);
        jw_kv_text(w, "label", object->scopes[2 * i + 1]);
        jw_kv_text(w, "name", object->scopes[2 * i]);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void empty_list(struct jw *w, const char *key)
{
    jw_key(w, key);
    jw_array(w);
    jw_end_array(w);
}

/* The keys of an object in order; `full` adds those that only a describe of
 * its own has. */
static void write_object(struct jw *w, const struct sobject *o, const struct describe_options *opt,
                         bool full)
{
    jw_object(w);
    if (full)
        empty_list(w, "actionOverrides");
    jw_kv_bool(w, "activateable", o->activateable);
    jw_kv_text(w, "associateEntityType", o->associate_entity);
    jw_kv_text(w, "associateParentEntity", o->associate_parent);
    if (full) {
        jw_key(w, "childRelationships");
        write_children(w, o, opt);
        jw_kv_bool(w, "compactLayoutable", o->compact_layoutable);
    }
    jw_kv_bool(w, "createable", allows(o, opt, ORG_CREATE, o->createable));
    jw_kv_bool(w, "custom", o->custom);
    jw_kv_bool(w, "customSetting", o->custom_setting);
    jw_kv_bool(w, "deepCloneable", o->deep_cloneable);
    if (full)
        jw_kv_null(w, "defaultImplementation");
    jw_kv_bool(w, "deletable", allows(o, opt, ORG_DELETE, o->deletable));
    jw_kv_bool(w, "deprecatedAndHidden", false);
    if (full) {
        jw_kv_null(w, "extendedBy");
        jw_kv_null(w, "extendsInterfaces");
    }
    jw_kv_bool(w, "feedEnabled", o->feed);
    if (full) {
        jw_key(w, "fields");
        write_fields(w, o, opt);
    }
    jw_kv_bool(w, "hasSubtypes", false);
    if (full) {
        jw_kv_null(w, "implementedBy");
        jw_kv_null(w, "implementsInterfaces");
    }
    jw_kv_bool(w, "isInterface", false);
    jw_kv_bool(w, "isSubtype", false);
    jw_kv_text(w, "keyPrefix", o->key_prefix);
    jw_kv_text(w, "label", o->label);
    jw_kv_text(w, "labelPlural", o->label_plural);
    jw_kv_bool(w, "layoutable", o->layoutable);
    if (full) {
        jw_kv_null(w, "listviewable");
        jw_kv_null(w, "lookupLayoutable");
    }
    jw_kv_bool(w, "mergeable", o->mergeable);
    jw_kv_bool(w, "mruEnabled", o->mru);
    jw_kv_text(w, "name", o->name);
    if (full) {
        empty_list(w, "namedLayoutInfos");
        jw_kv_null(w, "networkScopeFieldName");
    }
    jw_kv_bool(w, "queryable", o->queryable);
    if (full) {
        jw_key(w, "recordTypeInfos");
        write_record_types(w, o, opt);
    }
    jw_kv_bool(w, "replicateable", o->replicateable);
    jw_kv_bool(w, "retrieveable", o->retrieveable);
    if (full)
        jw_kv_bool(w, "searchLayoutable", o->search_layoutable);
    jw_kv_bool(w, "searchable", o->searchable);
    if (full) {
        jw_kv_text(w, "sobjectDescribeOption", "FULL");
        jw_key(w, "supportedScopes");
        write_scopes(w, o);
    }
    jw_kv_bool(w, "triggerable", o->triggerable);
    jw_kv_bool(w, "undeletable", allows(o, opt, ORG_DELETE, o->undeletable));
    jw_kv_bool(w, "updateable", allows(o, opt, ORG_UPDATE, o->updateable));
    write_urls(w, o, opt, full);
    jw_end_object(w);
}

void schema_describe_json(struct jw *w, const struct sobject *object,
                          const struct describe_options *options)
{
    write_object(w, object, options, true);
}

void schema_describe_entry(struct jw *w, const struct sobject *object,
                           const struct describe_options *options)
{
    write_object(w, object, options, false);
}

void schema_describe_global(struct jw *w, const struct schema *schema,
                            const struct describe_options *options)
{
    jw_object(w);
    jw_kv_text(w, "encoding", "UTF-8");
    jw_kv_int(w, "maxBatchSize", 200);
    jw_key(w, "sobjects");
    jw_array(w);
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        if (!options->object_access || (options->object_access(options->ctx, object) & ORG_READ))
            schema_describe_entry(w, object, options);
    }
    jw_end_array(w);
    jw_end_object(w);
}
