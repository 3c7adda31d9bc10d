/* field.c - CustomField: the Metadata API's words for a field to those of
 * describe, which the schema understands, and back.
 *
 * One row a field type says what describe calls it and what has to be given.
 * A formula may stand on most of them; Summary is a roll-up. */
#include "localorg/metadata/metadata_priv.h"
#include "localorg/org/formula.h"

enum wants { /* "Must specify 'length' for a CustomField of type Text" */
    WANTS_LENGTH = 1,
    WANTS_PRECISION = 2,
    WANTS_LINES = 4,
    WANTS_TARGET = 8,
    WANTS_VALUES = 16,
    WANTS_DEFAULT = 32
};

static const struct field_form {
    const char *metadata, *describe;
    unsigned wants;
    int64_t longest, length; /* of `length`: the largest, and what it is when not asked for */
    const char *extra;       /* extraTypeInfo */
} forms[] = {
    {"Text", "string", WANTS_LENGTH, 255, 0, NULL},
    {"AutoNumber", "string", 0, 0, 30, NULL},
    {"Checkbox", "boolean", WANTS_DEFAULT, 0, 0, NULL},
    {"Currency", "currency", WANTS_PRECISION, 0, 0, NULL},
    {"Number", "double", WANTS_PRECISION, 0, 0, NULL},
    {"Percent", "percent", WANTS_PRECISION, 0, 0, NULL},
    {"Date", "date", 0, 0, 0, NULL},
    {"DateTime", "datetime", 0, 0, 0, NULL},
    {"Time", "time", 0, 0, 0, NULL},
    {"Email", "email", 0, 0, 80, NULL},
    {"Phone", "phone", 0, 0, 40, NULL},
    {"Url", "url", 0, 0, 255, NULL},
    {"TextArea", "textarea", 0, 0, 255, "plaintextarea"},
    {"LongTextArea", "textarea", WANTS_LENGTH | WANTS_LINES, 131072, 0, "plaintextarea"},
    {"Html", "textarea", WANTS_LENGTH | WANTS_LINES, 131072, 0, "richtextarea"},
    {"EncryptedText", "encryptedstring", WANTS_LENGTH, 175, 0, NULL},
    {"Picklist", "picklist", WANTS_VALUES, 0, 255, NULL},
    {"MultiselectPicklist", "multipicklist", WANTS_VALUES | WANTS_LINES, 0, 4099, NULL},
    {"Lookup", "reference", WANTS_TARGET, 0, 18, NULL},
    {"MasterDetail", "reference", WANTS_TARGET, 0, 18, NULL},
    {"Location", "location", 0, 0, 0, NULL},
    {"Summary", "double", 0, 0, 0, NULL},
};
#define FORMS (sizeof forms / sizeof *forms)

static const struct field_form *form_find(const char *type)
{
    for (size_t i = 0; i < FORMS; i++)
        if (text_eq(forms[i].metadata, type))
            return &forms[i];
    return NULL;
}

/* What this org makes use of; the rest is kept and named in a warning. */
static const char *const known[] = {
    "fullName",       "label",          "type",           "length",           "precision",
    "scale",          "required",       "unique",         "externalId",       "caseSensitive",
    "defaultValue",   "inlineHelpText", "description",    "referenceTo",      "relationshipName",
    "relationshipLabel", "relationshipOrder", "deleteConstraint", "valueSet", "picklist",
    "visibleLines",   "formula",        "formulaTreatBlanksAs", "displayFormat", "startingNumber",
    "summarizedField", "summaryForeignKey", "summaryOperation", "summaryFilterItems",
    "writeRequiresMasterRead", "reparentableMasterDetail", "displayLocationInDecimal",
    "trackHistory",   "trackTrending",  "trackFeedHistory", "externalDeveloperName", "maskChar",
    "maskType"};

/* --- what has to be said --- */

static bool name_ok(struct meta_change *change, const char *name)
{
    size_t len = strlen(name);
    if (!text_ends(name, "__c"))
        return meta_refuse(change, "INVALID_FIELD",
                           "Invalid fullName, must end in Custom suffix (e.g. __c)");
    bool good = len > 3 && len <= 43 &&
                ((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z')) &&
                name[len - 4] != '_';
    for (size_t i = 0; i < len - 3 && good; i++)
        good = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", name[i]) &&
               !(i && name[i] == '_' && name[i - 1] == '_');
    if (good)
        return true;
    return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                       "The Field Name can only contain alphanumeric characters, must begin with a "
                       "letter, cannot end with an underscore or contain two consecutive "
                       "underscore characters, and must be unique across all %s fields",
                       "custom");
}

static bool must_say(struct meta_change *change, const char *what, const char *type)
{
    return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                       "Must specify '%s' for a CustomField of type %s", what, type);
}

static bool enough_said(struct meta_change *change, const struct field_form *form, bool formula)
{
    const struct json *c = change->component;
    if (!meta_text(c, "label"))
        return meta_refuse(change, "REQUIRED_FIELD_MISSING", "Required field is missing: label");
    if (formula)
        return true;
    if ((form->wants & WANTS_LENGTH) && meta_int(c, "length", 0) < 1)
        return must_say(change, "length", form->metadata);
    if ((form->wants & WANTS_LENGTH) && meta_int(c, "length", 0) > form->longest)
        return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                           "A field of type %s holds at most %lld characters", form->metadata,
                           (long long)form->longest);
    if ((form->wants & WANTS_PRECISION) && meta_int(c, "precision", 0) < 1)
        return must_say(change, "precision", form->metadata);
    if ((form->wants & WANTS_PRECISION) && !meta_text(c, "scale"))
        return must_say(change, "scale", form->metadata);
    if ((form->wants & WANTS_PRECISION) && (meta_int(c, "precision", 0) > 18 ||
                                            meta_int(c, "scale", 0) > meta_int(c, "precision", 0)))
        return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                           "precision is at most 18 and not less than scale");
    if ((form->wants & WANTS_LINES) && meta_int(c, "visibleLines", 0) < 1)
        return must_say(change, "visibleLines", form->metadata);
    if ((form->wants & WANTS_TARGET) && !meta_text(c, "referenceTo"))
        return must_say(change, "referenceTo", form->metadata);
    if ((form->wants & WANTS_VALUES) && !json_get(c, "valueSet") && !json_get(c, "picklist"))
        return must_say(change, "valueSet", form->metadata);
    if ((form->wants & WANTS_DEFAULT) && !meta_text(c, "defaultValue"))
        return must_say(change, "defaultValue", form->metadata);
    if (text_eq(form->metadata, "Checkbox") && meta_truth(c, "required", false))
        return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                           "Can not specify 'required' for a CustomField of type Checkbox");
    return true;
}

static bool target_there(struct meta_change *change)
{
    const char *target = meta_text(change->component, "referenceTo");
    if (!target || schema_find(org_schema(change->meta->org), target))
        return true;
    return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                       "referenceTo value of '%s' does not resolve to a valid sObject type",
                       target);
}

/* --- to describe --- */

static void write_value(struct jw *w, const struct json *value)
{
    const char *name = meta_text(value, "fullName"), *label = meta_text(value, "label");
    jw_object(w);
    jw_kv_text(w, "value", name ? name : "");
    jw_kv_text(w, "label", label ? label : name);
    jw_kv_bool(w, "active", meta_truth(value, "isActive", true));
    jw_kv_bool(w, "defaultValue", meta_truth(value, "default", false));
    jw_end_object(w);
}

static void write_values(struct jw *w, const struct json *component)
{
    const struct json *set = json_get(component, "valueSet");
    const struct json *definition = json_get(set, "valueSetDefinition");
    const struct json *old = json_get(component, "picklist"); /* before API 38 */
    jw_key(w, "picklistValues");
    jw_array(w);
    xml_each(value, definition, "value")
        write_value(w, value);
    xml_each(value, old, "picklistValues")
        write_value(w, value);
    jw_end_array(w);
    jw_kv_bool(w, "restrictedPicklist",
               meta_truth(set, "restricted", meta_truth(old, "restrictedPicklist", false)));
}

static void write_reference(struct jw *w, const struct json *c, bool detail, struct arena *arena)
{
    const char *child = meta_text(c, "relationshipName");
    const char *constraint = meta_text(c, "deleteConstraint");
    jw_key(w, "referenceTo");
    jw_array(w);
    jw_text(w, meta_text(c, "referenceTo"));
    jw_end_array(w);
    if (child)
        jw_kv_text(w, "childRelationshipName", arena_printf(arena, "%s__r", child));
    jw_kv_bool(w, "cascadeDelete", detail || text_eq(constraint, "Cascade"));
    jw_kv_bool(w, "restrictedDelete", text_eq(constraint, "Restrict"));
    if (detail) {
        jw_kv_int(w, "relationshipOrder", meta_int(c, "relationshipOrder", 0));
        jw_kv_bool(w, "writeRequiresMasterRead", meta_truth(c, "writeRequiresMasterRead", false));
        jw_kv_bool(w, "nillable", false);
        jw_kv_bool(w, "updateable", meta_truth(c, "reparentableMasterDetail", false));
    }
}

static void write_formula(struct jw *w, const struct json *c)
{
    jw_kv_bool(w, "calculated", true);
    jw_kv_text(w, "calculatedFormula", meta_text(c, "formula"));
    jw_kv_bool(w, "formulaTreatNullNumberAsZero",
               text_eq(meta_text(c, "formulaTreatBlanksAs"), "BlankAsZero"));
}

/* The roll-up is kept beside the attributes of describe, which has no place for it. */
static void write_summary(struct jw *w, const struct json *c)
{
    static const char *const parts[] = {"summarizedField", "summaryForeignKey", "summaryOperation"};
    jw_kv_bool(w, "calculated", true);
    jw_key(w, "rollup");
    jw_object(w);
    for (size_t i = 0; i < 3; i++)
        if (meta_text(c, parts[i]))
            jw_kv_text(w, parts[i], meta_text(c, parts[i]));
    jw_key(w, "summaryFilterItems");
    jw_array(w);
    xml_each(item, c, "summaryFilterItems")
        jw_value(w, item);
    jw_end_array(w);
    jw_end_object(w);
}

static void write_numbers(struct jw *w, const struct json *c, const struct field_form *form)
{
    int64_t length = meta_int(c, "length", form->length);
    if (length)
        jw_kv_int(w, "length", length);
    if (form->wants & WANTS_PRECISION) {
        jw_kv_int(w, "precision", meta_int(c, "precision", 18));
        jw_kv_int(w, "scale", meta_int(c, "scale", 0));
    }
}

static void write_flags(struct jw *w, const struct json *c)
{
    static const struct {
        const char *metadata, *describe;
    } same[] = {{"unique", "unique"},
                {"externalId", "externalId"},
                {"caseSensitive", "caseSensitive"},
                {"displayLocationInDecimal", "displayLocationInDecimal"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (json_get(c, same[i].metadata))
            jw_kv_bool(w, same[i].describe, meta_truth(c, same[i].metadata, false));
    if (meta_truth(c, "required", false)) {
        jw_kv_bool(w, "nillable", false);
        jw_kv_bool(w, "permissionable", false);
    }
    if (meta_text(c, "inlineHelpText"))
        jw_kv_text(w, "inlineHelpText", meta_text(c, "inlineHelpText"));
}

static void write_default(struct jw *w, const struct json *c, bool checkbox)
{
    const char *value = meta_text(c, "defaultValue");
    if (!value)
        return;
    if (checkbox) {
        jw_key(w, "defaultValue");
        jw_bool(w, text_eq_nocase(value, "true"));
    } else {
        jw_kv_text(w, "defaultValueFormula", value);
    }
}

/* A sum, minimum or maximum is of the type of what it adds up; a count is a number. */
static const char *describe_type(const struct meta_change *change, const struct field_form *form)
{
    const char *summarized = meta_text(change->component, "summarizedField"), *name = NULL;
    if (!text_eq(form->metadata, "Summary") || !summarized)
        return form->describe;
    const struct sobject *child = meta_parent(change->meta, summarized, &name);
    const struct field *field = child ? sobject_field(child, name) : NULL;
    return field && field->type != FT_INT ? field_type_name(field->type) : form->describe;
}

/* The describe entry for the component. */
static void write_describe(struct jw *w, struct meta_change *change, const struct field_form *form,
                           const char *name)
{
    const struct json *c = change->component;
    bool formula = meta_text(c, "formula") != NULL;
    jw_object(w);
    jw_kv_text(w, "name", name);
    jw_kv_text(w, "label", meta_text(c, "label"));
    jw_kv_text(w, "type", describe_type(change, form));
    jw_kv_bool(w, "custom", true);
    if (form->extra)
        jw_kv_text(w, "extraTypeInfo", form->extra);
    if (text_eq(form->metadata, "Html"))
        jw_kv_bool(w, "htmlFormatted", true);
    if (!formula)
        write_numbers(w, c, form);
    write_flags(w, c);
    if (form->wants & WANTS_VALUES)
        write_values(w, c);
    if (form->wants & WANTS_TARGET)
        write_reference(w, c, text_eq(form->metadata, "MasterDetail"), change->meta->arena);
    if (text_eq(form->metadata, "AutoNumber")) {
        jw_kv_bool(w, "autoNumber", true);
        if (meta_text(c, "displayFormat"))
            jw_kv_text(w, "displayFormat", meta_text(c, "displayFormat"));
    }
    if (formula)
        write_formula(w, c);
    if (text_eq(form->metadata, "Summary"))
        write_summary(w, c);
    write_default(w, c, text_eq(form->metadata, "Checkbox") && !formula);
    jw_end_object(w);
}

/* The two numbers a location is made of. */
static enum status add_coordinates(struct meta_change *change, const struct sobject *object,
                                   const char *name)
{
    static const char *const parts[] = {"Latitude", "Longitude"};
    struct arena *arena = change->meta->arena;
    for (size_t i = 0; i < 2; i++) {
        const char *text = arena_printf(
            arena,
            "{\"name\":\"%.*s__%s__s\",\"label\":\"%s (%s)\",\"type\":\"double\",\"custom\":true,"
            "\"precision\":18,\"scale\":15,\"createable\":true,\"updateable\":true,\"nillable\":"
            "true,\"filterable\":true,\"sortable\":true,\"compoundFieldName\":\"%s\"}",
            (int)strlen(name) - 3, name, parts[i], name, parts[i], name);
        const struct json *field = json_parse(arena, text, strlen(text), change->err);
        if (!field || org_add_field(change->meta->org, object->name, field, change->err) != OK)
            return FAIL;
    }
    return OK;
}

/* A field keeps its kind of values for good: what is stored would not fit. */
static bool same_storage(struct meta_change *change, const struct field *old, const char *type)
{
    enum field_type wanted;
    if (!old || !field_type_parse(type, &wanted) || wanted == old->type)
        return true;
    bool text_before = old->type <= FT_ENCRYPTEDSTRING && old->type != FT_REFERENCE;
    bool text_after = wanted <= FT_ENCRYPTEDSTRING && wanted != FT_REFERENCE;
    bool number_before = old->type >= FT_INT && old->type <= FT_PERCENT;
    bool number_after = wanted >= FT_INT && wanted <= FT_PERCENT;
    if ((text_before && text_after) || (number_before && number_after))
        return true;
    return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                       "Cannot update a field from %s to %s", field_type_name(old->type), type);
}

bool field_put(struct meta_change *change, struct sobject *object, const char *name)
{
    const struct json *c = change->component;
    const char *type = meta_text(c, "type");
    const struct field_form *form = form_find(type);
    if (!name_ok(change, name))
        return false;
    if (!form)
        return type ? meta_refuse(change, "INVALID_TYPE", "Unsupported CustomField type: %s", type)
                    : meta_refuse(change, "REQUIRED_FIELD_MISSING",
                                  "Required field is missing: type");
    if (!enough_said(change, form, meta_text(c, "formula") != NULL) || !target_there(change) ||
        !same_storage(change, sobject_field(object, name), describe_type(change, form)))
        return false;
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    write_describe(&w, change, form, name);
    const struct json *field = json_parse(change->meta->arena, text.data, text.len, change->err);
    buf_free(&text);
    if (!field)
        return meta_broke(change);
    if (org_add_field(change->meta->org, object->name, field, change->err) != OK) {
        if (err_is(change->err, ERR_IO))
            return meta_broke(change);
        return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION", "%s", change->err->message);
    }
    const struct field *made = sobject_field(object, name);
    if (made->calculated && field_computed_check(change->meta->org, made, change->err) != OK)
        return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION", "%s", change->err->message);
    if (text_eq(form->metadata, "Location") && add_coordinates(change, object, name) != OK)
        return meta_broke(change);
    meta_warn_unknown(change, known, sizeof known / sizeof *known);
    return true;
}

/* --- the type --- */

static bool exists(const struct meta *meta, const char *full_name)
{
    const char *name;
    const struct sobject *object = meta_parent(meta, full_name, &name);
    return object && sobject_field(object, name) != NULL;
}

static bool put(struct meta_change *change)
{
    const char *name;
    struct sobject *object = meta_parent(change->meta, change->full_name, &name);
    if (!object) {
        const char *dot = strchr(change->full_name, '.');
        return meta_refuse(change, "INVALID_CROSS_REFERENCE_KEY",
                           "Entity Of type 'CustomObject' named '%.*s' cannot be found",
                           dot ? (int)(dot - change->full_name) : (int)strlen(change->full_name),
                           change->full_name);
    }
    const struct field *there = sobject_field(object, name);
    if (there && !there->custom)
        return meta_refuse(change, "INSUFFICIENT_ACCESS_OR_READONLY",
                           "localorg does not change the standard field %s", change->full_name);
    return field_put(change, object, name);
}

static bool drop(struct meta_change *change)
{
    const char *name;
    struct sobject *object = meta_parent(change->meta, change->full_name, &name);
    if (org_drop_field(change->meta->org, object->name, name, change->err) == OK)
        return true;
    if (err_is(change->err, ERR_INVALID))
        return meta_refuse(change, "INSUFFICIENT_ACCESS_OR_READONLY",
                           "Cannot delete the standard field %s", change->full_name);
    return meta_broke(change);
}

/* --- back --- */

static const char *metadata_type(const struct field *field)
{
    if (field->rollup)
        return "Summary";
    if (field->auto_number)
        return "AutoNumber";
    if (field->type == FT_REFERENCE)
        return field->relationship_order >= 0 ? "MasterDetail" : "Lookup";
    if (field->type == FT_TEXTAREA && field->html)
        return "Html";
    if (field->type == FT_TEXTAREA && field->length > 255)
        return "LongTextArea";
    for (size_t i = 0; i < FORMS; i++)
        if (text_eq(forms[i].describe, field_type_name(field->type)))
            return forms[i].metadata;
    return field->type == FT_INT ? "Number" : "Text";
}

static void write_back_values(struct jw *w, const struct field *field)
{
    jw_key(w, "valueSet");
    jw_object(w);
    jw_kv_bool(w, "restricted", field->restricted_picklist);
    jw_key(w, "valueSetDefinition");
    jw_object(w);
    jw_kv_bool(w, "sorted", false);
    jw_key(w, "value");
    jw_array(w);
    for (size_t i = 0; i < field->picklist_count; i++) {
        jw_object(w);
        jw_kv_text(w, "fullName", field->picklist[i].value);
        jw_kv_bool(w, "default", field->picklist[i].is_default);
        jw_kv_text(w, "label", field->picklist[i].label);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
    jw_end_object(w);
}

static bool has_length(const struct field *field)
{
    return field->type == FT_STRING || field->type == FT_ENCRYPTEDSTRING ||
           (field->type == FT_TEXTAREA && field->length > 255);
}

/* Members without fullName; used for fields that came by describe. */
void field_write(struct jw *w, const struct field *field)
{
    bool number = field->type == FT_DOUBLE || field->type == FT_CURRENCY ||
                  field->type == FT_PERCENT || field->type == FT_INT;
    jw_kv_text(w, "label", field->label);
    jw_kv_text(w, "type", metadata_type(field));
    jw_kv_bool(w, "externalId", field->external_id);
    jw_kv_bool(w, "required", !field->nillable && field->type != FT_BOOLEAN);
    jw_kv_bool(w, "unique", field->unique);
    if (field->unique || field->external_id)
        jw_kv_bool(w, "caseSensitive", field->case_sensitive);
    if (has_length(field))
        jw_kv_int(w, "length", field->length);
    if (number) {
        jw_kv_int(w, "precision", field->type == FT_INT ? field->digits : field->precision);
        jw_kv_int(w, "scale", field->scale);
    }
    if (field->type == FT_PICKLIST || field->type == FT_MULTIPICKLIST)
        write_back_values(w, field);
    if (field->type == FT_REFERENCE && field->reference_count)
        jw_kv_text(w, "referenceTo", field->reference_to[0]);
    if (field->calculated_formula)
        jw_kv_text(w, "formula", field->calculated_formula);
    if (field->inline_help)
        jw_kv_text(w, "inlineHelpText", field->inline_help);
    if (field->default_formula)
        jw_kv_text(w, "defaultValue", field->default_formula);
}

static void write(const struct meta *meta, const char *full_name, struct jw *w)
{
    const char *name;
    const struct sobject *object = meta_parent(meta, full_name, &name);
    jw_object(w);
    jw_kv_text(w, "fullName", full_name);
    field_write(w, sobject_field(object, name));
    jw_end_object(w);
}

static void list(const struct meta *meta, const struct meta_type *type, meta_item_fn *fn, void *ctx)
{
    const struct schema *schema = org_schema(meta->org);
    for (size_t o = 0; o < schema_count(schema); o++) {
        const struct sobject *object = schema_at(schema, o);
        for (size_t i = 0; i < object->field_count; i++) {
            struct meta_item item = {.type = type};
            const struct field *field = object->fields[i];
            if (!field->custom || !text_ends(field->name, "__c"))
                continue;
            snprintf(item.full_name, sizeof item.full_name, "%s.%s", object->name, field->name);
            org_setup_id(meta->org, type->prefix, item.full_name, item.id);
            fn(ctx, &item);
        }
    }
}

const struct meta_kind field_kind = {.type = {.name = "CustomField",
                                              .directory = "objects",
                                              .suffix = "object",
                                              .prefix = "00N",
                                              .child_of = "CustomObject",
                                              .tag = "fields"},
                                     .exists = exists,
                                     .put = put,
                                     .drop = drop,
                                     .write = write,
                                     .list = list};
