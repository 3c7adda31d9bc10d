/* layouts.c - page, compact and approval layouts of an object.
 *
 * Nobody draws layouts here. Each object has one page layout that shows every
 * field the user may see (compound fields as one item), a section for system
 * fields, and a related list for each child relationship; each record type is
 * mapped to it. No compact layout of one's own (SYSTEM), no approvals. Keys as in
 * the REST and SOAP API guides. */
#include "localorg/rest/layouts.h"

#include "localorg/rest/describes.h"
#include "localorg/rest/quick_actions.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <string.h>

#define HIGHLIGHTS_MAX 5

const char *layout_id(struct call *call, const struct sobject *object)
{
    char id[19];
    const char *id15 = arena_printf(call->arena, "00h000000%06zu", object->ordinal + 1);
    return id_canonical(id15, id) ? arena_strdup(call->arena, id) : id15;
}

/* --- which fields --- */

static bool is_system(const struct field *field)
{
    static const char *const names[] = {"CreatedById", "CreatedDate", "LastModifiedById",
                                        "LastModifiedDate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], field->name) == 0)
            return true;
    return false;
}

/* Is it shown as a part of another one? */
static bool is_part(const struct field *field)
{
    return field->compound_field && strcmp(field->compound_field, field->name) != 0;
}

static bool is_shown(struct call *call, const struct field *field)
{
    static const char *const never[] = {"SystemModstamp",     "IsDeleted",      "LastViewedDate",
                                        "LastReferencedDate", "MasterRecordId", "RecordTypeId"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strcmp(never[i], field->name) == 0)
            return false;
    return field->type != FT_ID && !is_part(field) && call_may_field(call, field, ORG_READ);
}

size_t layout_highlights(struct call *call, const struct sobject *object, const struct field **out,
                         size_t max)
{
    static const char *const wanted[] = {"Phone",     "Title",   "AccountId", "Company",  "Email",
                                         "StageName", "Amount",  "CloseDate", "Priority", "Status",
                                         "Subject",   "OwnerId", "Website"};
    size_t count = 0;
    if (object->name_field && count < max)
        out[count++] = object->name_field;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && count < max; i++) {
        const struct field *field = sobject_field(object, wanted[i]);
        if (field && field != object->name_field && is_shown(call, field))
            out[count++] = field;
    }
    return count;
}

/* --- items --- */

struct page {
    struct call *call;
    struct jw *w;
    struct describe_options options;
    const struct sobject *object;
    int tab_order;
};

static bool may_set(const struct page *page, const struct field *field, enum org_access access)
{
    bool schema_says = access == ORG_CREATE ? field->createable : field->updateable;
    return schema_says && call_may_field(page->call, field, access);
}

/* "Account ID" is labelled "Account". */
static const char *item_label(struct page *page, const struct field *field)
{
    size_t len = strlen(field->label);
    bool id = field->type == FT_REFERENCE && text_ends(field->label, " ID");
    return id ? arena_strndup(page->call->arena, field->label, len - 3) : field->label;
}

static void write_component(struct page *page, const struct field *field)
{
    struct jw *w = page->w;
    bool has_parts = field->type == FT_ADDRESS || (field->name_field && !field->custom);
    jw_object(w);
    jw_key(w, "components");
    jw_array(w);
    for (size_t i = 0; i < page->object->field_count && has_parts; i++) {
        const struct field *part = page->object->fields[i];
        if (is_part(part) && strcmp(part->compound_field, field->name) == 0 &&
            call_may_field(page->call, part, ORG_READ))
            write_component(page, part);
    }
    jw_end_array(w);
    jw_key(w, "details");
    field_describe_json(w, field, &page->options);
    jw_kv_int(w, "displayLines", field->type == FT_TEXTAREA || field->type == FT_ADDRESS ? 4 : 1);
    jw_kv_int(w, "tabOrder", ++page->tab_order);
    jw_kv_text(w, "type", "Field");
    jw_kv_text(w, "value", field->name);
    jw_end_object(w);
}

static void write_item(struct page *page, const struct field *field)
{
    struct jw *w = page->w;
    jw_object(w);
    jw_kv_bool(w, "editableForNew", may_set(page, field, ORG_CREATE));
    jw_kv_bool(w, "editableForUpdate", may_set(page, field, ORG_UPDATE));
    jw_kv_text(w, "label", item_label(page, field));
    jw_key(w, "layoutComponents");
    jw_array(w);
    write_component(page, field);
    jw_end_array(w);
    jw_kv_bool(w, "placeholder", false);
    jw_kv_bool(w, "required", field_required_on_create(field));
    jw_end_object(w);
}

/* --- sections --- */

static void write_section(struct page *page, const char *heading, const struct field **fields,
                          size_t count, bool use_heading)
{
    struct jw *w = page->w;
    jw_object(w);
    jw_kv_bool(w, "collapsed", false);
    jw_kv_int(w, "columns", 2);
    jw_kv_text(w, "heading", heading);
    jw_key(w, "layoutRows");
    jw_array(w);
    for (size_t i = 0; i < count; i += 2) {
        jw_object(w);
        jw_key(w, "layoutItems");
        jw_array(w);
        write_item(page, fields[i]);
        if (i + 1 < count)
            write_item(page, fields[i + 1]);
        jw_end_array(w);
        jw_kv_int(w, "numItems", i + 1 < count ? 2 : 1);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_kv_text(w, "layoutSectionId", NULL);
    jw_kv_text(w, "parentLayoutId", layout_id(page->call, page->object));
    jw_kv_int(w, "rows", (int64_t)(count + 1) / 2);
    jw_kv_text(w, "tabOrder", "LeftToRight");
    jw_kv_bool(w, "useCollapsibleSection", use_heading);
    jw_kv_bool(w, "useHeading", use_heading);
    jw_end_object(w);
}

/* The fields of the page, system fields or the others. */
static const struct field **fields_of(struct page *page, bool system, size_t *count)
{
    const struct sobject *object = page->object;
    const struct field **out = arena_array(page->call->arena, object->field_count + 1, sizeof *out);
    *count = 0;
    for (size_t i = 0; i < object->field_count; i++)
        if (is_shown(page->call, object->fields[i]) && is_system(object->fields[i]) == system)
            out[(*count)++] = object->fields[i];
    return out;
}

static void write_sections(struct page *page, const char *key, bool system_too)
{
    size_t count;
    const struct field **fields = fields_of(page, false, &count);
    jw_key(page->w, key);
    jw_array(page->w);
    page->tab_order = 0;
    write_section(page, arena_printf(page->call->arena, "%s Information", page->object->label),
                  fields, count, true);
    if (system_too) {
        fields = fields_of(page, true, &count);
        write_section(page, "System Information", fields, count, false);
    }
    jw_end_array(page->w);
}

void layout_short_section(struct call *call, struct jw *w, const struct sobject *object)
{
    struct page page = {.call = call, .w = w, .options = describe_options(call), .object = object};
    const struct field **fields = arena_array(call->arena, object->field_count + 1, sizeof *fields);
    size_t count = 0;
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        bool wanted = field == object->name_field || field_required_on_create(field);
        if (wanted && is_shown(call, field))
            fields[count++] = field;
    }
    write_section(&page, NULL, fields, count, false);
}

/* --- the rest of a page --- */

static void empty(struct jw *w, const char *key)
{
    jw_key(w, key);
    jw_array(w);
    jw_end_array(w);
}

static void write_buttons(struct jw *w)
{
    static const char *const buttons[] = {"Edit", "Delete", "Clone"};
    static const char *const off[] = {"menubar",       "overridden",  "resizeable", "scrollbars",
                                      "showsLocation", "showsStatus", "toolbar"};
    static const char *const null[] = {"behavior", "colors",        "content", "contentSource",
                                       "encoding", "height",        "icons",   "url",
                                       "width",    "windowPosition"};
    jw_key(w, "buttonLayoutSection");
    jw_object(w);
    jw_key(w, "detailButtons");
    jw_array(w);
    for (size_t i = 0; i < 3; i++) {
        jw_object(w);
        jw_kv_bool(w, "custom", false);
        jw_kv_text(w, "label", buttons[i]);
        jw_kv_text(w, "name", buttons[i]);
        for (size_t k = 0; k < sizeof off / sizeof *off; k++)
            jw_kv_bool(w, off[k], false);
        for (size_t k = 0; k < sizeof null / sizeof *null; k++)
            jw_kv_text(w, null[k], NULL);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

static void write_list_column(struct page *page, const struct sobject *child,
                              const struct field *field)
{
    struct jw *w = page->w;
    struct arena *arena = page->call->arena;
    jw_object(w);
    jw_kv_text(w, "field", arena_printf(arena, "%s.%s", child->name, field->name));
    jw_kv_text(w, "fieldApiName", field->name);
    jw_kv_text(w, "format",
               field->type == FT_DATE || field->type == FT_DATETIME ? field_type_name(field->type)
                                                                    : NULL);
    jw_kv_text(w, "label", item_label(page, field));
    jw_kv_text(w, "lookupId", field->name_field ? arena_printf(arena, "%s.Id", child->name) : NULL);
    jw_kv_text(w, "name", field->name);
    jw_kv_bool(w, "sortable", field->sortable);
    jw_end_object(w);
}

static void write_related_list(struct page *page, const struct child_relationship *children,
                               const struct sobject *child)
{
    const struct field *fields[HIGHLIGHTS_MAX];
    size_t count = layout_highlights(page->call, child, fields, HIGHLIGHTS_MAX);
    struct jw *w = page->w;
    jw_object(w);
    jw_kv_text(w, "accessLevelRequiredForCreate", NULL);
    empty(w, "buttons");
    jw_key(w, "columns");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        write_list_column(page, child, fields[i]);
    jw_end_array(w);
    jw_kv_bool(w, "custom", child->custom);
    jw_kv_text(w, "field", children->field);
    jw_kv_text(w, "label", child->label_plural);
    jw_kv_int(w, "limitRows", 0);
    jw_kv_text(w, "name", children->relationship_name);
    jw_kv_text(w, "sobject", child->name);
    empty(w, "sort");
    jw_end_object(w);
}

static void write_related_lists(struct page *page)
{
    const struct sobject *object = page->object;
    jw_key(page->w, "relatedLists");
    jw_array(page->w);
    for (size_t i = 0; i < object->child_count; i++) {
        const struct child_relationship *children = &object->children[i];
        const struct sobject *child =
            schema_find(org_schema(page->call->site->org), children->child_sobject);
        if (children->relationship_name && child && child->layoutable && child->name_field &&
            org_may_object(page->call->site->org, page->call->session.user_id, child, ORG_READ))
            write_related_list(page, children, child);
    }
    jw_end_array(page->w);
}

static void write_layout(struct page *page)
{
    struct jw *w = page->w;
    jw_object(w);
    write_buttons(w);
    write_sections(page, "detailLayoutSections", true);
    write_sections(page, "editLayoutSections", false);
    jw_kv_text(w, "feedView", NULL);
    jw_kv_text(w, "highlightsPanelLayoutSection", NULL);
    jw_kv_text(w, "id", layout_id(page->call, page->object));
    empty(w, "multirowEditLayoutSections");
    empty(w, "offlineLinks");
    jw_key(w, "quickActionList");
    quick_action_items(page->call, w, page->object);
    jw_kv_text(w, "relatedContent", NULL);
    write_related_lists(page);
    empty(w, "saveOptions");
    jw_end_object(w);
}

/* --- describe/layouts --- */

static void write_type_picklists(struct jw *w, const struct sobject *object)
{
    jw_array(w);
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (field->type != FT_PICKLIST && field->type != FT_MULTIPICKLIST)
            continue;
        jw_object(w);
        jw_kv_text(w, "picklistName", field->name);
        jw_key(w, "picklistValues");
        jw_array(w);
        for (size_t k = 0; k < field->picklist_count; k++) {
            const struct picklist_value *value = &field->picklist[k];
            jw_object(w);
            jw_kv_bool(w, "active", value->active);
            jw_kv_bool(w, "defaultValue", value->is_default);
            jw_kv_text(w, "label", value->label);
            jw_kv_text(w, "validFor", value->valid_for);
            jw_kv_text(w, "value", value->value);
            jw_end_object(w);
        }
        jw_end_array(w);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_mapping(struct page *page, const struct record_type *type)
{
    struct jw *w = page->w;
    struct call *call = page->call;
    jw_object(w);
    jw_kv_bool(w, "active", type->active);
    jw_kv_bool(w, "available", type->available);
    jw_kv_bool(w, "defaultRecordTypeMapping", type->is_default);
    jw_kv_text(w, "developerName", type->developer_name);
    jw_kv_text(w, "layoutId", layout_id(call, page->object));
    jw_kv_bool(w, "master", type->master);
    jw_kv_text(w, "name", type->name);
    jw_key(w, "picklistsForRecordType");
    write_type_picklists(w, page->object);
    jw_kv_text(w, "recordTypeId", type->id18);
    jw_key(w, "urls");
    jw_object(w);
    jw_kv_text(w, "layout",
               arena_printf(call->arena, "%s/sobjects/%s/describe/layouts/%s", call->base,
                            page->object->name, type->id18));
    jw_end_object(w);
    jw_end_object(w);
}

/* With several record types the layouts are behind the mappings' urls. */
static void write_layouts(struct page *page, bool with_mappings)
{
    struct jw *w = page->w;
    const struct sobject *object = page->object;
    jw_object(w);
    jw_key(w, "layouts");
    if (object->record_type_count > 1 && with_mappings) {
        jw_null(w);
    } else {
        jw_array(w);
        write_layout(page);
        jw_end_array(w);
    }
    jw_key(w, "recordTypeMappings");
    jw_array(w);
    for (size_t i = 0; i < object->record_type_count && with_mappings; i++)
        write_mapping(page, &object->record_types[i]);
    jw_end_array(w);
    jw_key(w, "recordTypeSelectorRequired");
    jw_array(w);
    jw_bool(w, object->record_type_count > 2);
    jw_end_array(w);
    jw_end_object(w);
}

/* The object, if it has layouts at all. NULL after answering. */
static const struct sobject *laid_out(struct call *call, bool compact)
{
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || (compact ? object->compact_layoutable : object->layoutable))
        return object;
    answer_not_found(call);
    return NULL;
}

static struct page page_of(struct call *call, const struct sobject *object, struct jw *w)
{
    return (struct page){.call = call, .w = w, .options = describe_options(call), .object = object};
}

static const struct record_type *record_type(const struct sobject *object, const char *id)
{
    char canonical[19];
    for (size_t i = 0; i < object->record_type_count; i++)
        if (id_canonical(id, canonical) && strcmp(object->record_types[i].id18, canonical) == 0)
            return &object->record_types[i];
    return NULL;
}

/* What every page offers, whatever the object: quick actions only. */
static void answer_global_layout(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "layouts");
    jw_array(&w);
    jw_object(&w);
    jw_kv_text(&w, "buttonLayoutSection", NULL);
    empty(&w, "detailLayoutSections");
    empty(&w, "editLayoutSections");
    jw_kv_text(&w, "feedView", NULL);
    jw_kv_text(&w, "highlightsPanelLayoutSection", NULL);
    jw_kv_text(&w, "id", NULL);
    empty(&w, "multirowEditLayoutSections");
    empty(&w, "offlineLinks");
    jw_key(&w, "quickActionList");
    quick_action_items(call, &w, NULL);
    jw_kv_text(&w, "relatedContent", NULL);
    empty(&w, "relatedLists");
    empty(&w, "saveOptions");
    jw_end_object(&w);
    jw_end_array(&w);
    empty(&w, "recordTypeMappings");
    jw_key(&w, "recordTypeSelectorRequired");
    jw_array(&w);
    jw_bool(&w, false);
    jw_end_array(&w);
    jw_end_object(&w);
}

void layouts_list(struct call *call)
{
    struct jw w;
    if (text_eq_nocase(call->args[0], "Global")) {
        answer_global_layout(call);
        return;
    }
    const struct sobject *object = laid_out(call, false);
    if (!object || describe_unchanged(call, object->modified_ms, "layouts"))
        return;
    answer_json(call, 200, &w);
    struct page page = page_of(call, object, &w);
    write_layouts(&page, true);
}

void layouts_one(struct call *call)
{
    struct jw w;
    const struct sobject *object = laid_out(call, false);
    if (!object || describe_unchanged(call, object->modified_ms, "layout"))
        return;
    if (!record_type(object, call->args[1])) {
        answer_not_found(call);
        return;
    }
    answer_json(call, 200, &w);
    struct page page = page_of(call, object, &w);
    write_layout(&page);
}

void layouts_named(struct call *call)
{
    struct jw w;
    const struct sobject *object = laid_out(call, false);
    if (!object)
        return;
    if (strcmp(object->name, "User") != 0 || !text_eq_nocase(call->args[1], "UserAlt")) {
        answer_not_found(call);
        return;
    }
    answer_json(call, 200, &w);
    struct page page = page_of(call, object, &w);
    write_layouts(&page, false);
}

void layouts_approval(struct call *call)
{
    struct jw w;
    if (!laid_out(call, false))
        return;
    if (call->args[1]) { /* there is no approval process to have one */
        answer_not_found(call);
        return;
    }
    answer_json(call, 200, &w);
    jw_object(&w);
    empty(&w, "approvalLayouts");
    jw_end_object(&w);
}

/* --- compact layouts --- */

static void write_compact(struct page *page)
{
    const struct field *fields[HIGHLIGHTS_MAX];
    size_t count = layout_highlights(page->call, page->object, fields, HIGHLIGHTS_MAX);
    const struct field *photo = sobject_field(page->object, "PhotoUrl");
    struct jw *w = page->w;
    jw_object(w);
    empty(w, "actions");
    jw_key(w, "fieldItems");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        write_item(page, fields[i]);
    jw_end_array(w);
    jw_kv_text(w, "id", NULL);
    jw_key(w, "imageItems");
    jw_array(w);
    if (photo && call_may_field(page->call, photo, ORG_READ))
        write_item(page, photo);
    jw_end_array(w);
    jw_kv_text(w, "label", "System Default");
    jw_kv_text(w, "name", "SYSTEM");
    jw_kv_text(w, "objectType", page->object->name);
    jw_end_object(w);
}

static void write_compact_mapping(struct page *page, const struct record_type *type)
{
    struct jw *w = page->w;
    jw_object(w);
    jw_kv_bool(w, "available", type->available);
    jw_kv_text(w, "compactLayoutId", NULL);
    jw_kv_text(w, "compactLayoutName", "SYSTEM");
    jw_kv_text(w, "recordTypeId", type->id18);
    jw_kv_text(w, "recordTypeName", type->name);
    jw_key(w, "urls");
    jw_object(w);
    jw_kv_text(w, "compactLayout",
               arena_printf(page->call->arena, "%s/sobjects/%s/describe/compactLayouts/%s",
                            page->call->base, page->object->name, type->id18));
    jw_end_object(w);
    jw_end_object(w);
}

void layouts_compact(struct call *call)
{
    struct jw w;
    const struct sobject *object = laid_out(call, true);
    if (!object || describe_unchanged(call, object->modified_ms, "compact"))
        return;
    answer_json(call, 200, &w);
    struct page page = page_of(call, object, &w);
    jw_object(&w);
    jw_key(&w, "compactLayouts");
    jw_array(&w);
    write_compact(&page);
    jw_end_array(&w);
    jw_kv_text(&w, "defaultCompactLayoutId", NULL);
    jw_key(&w, "recordTypeCompactLayoutMappings");
    jw_array(&w);
    for (size_t i = 0; i < object->record_type_count; i++)
        write_compact_mapping(&page, &object->record_types[i]);
    jw_end_array(&w);
    jw_key(&w, "urls");
    jw_object(&w);
    jw_kv_text(&w, "primary",
               arena_printf(call->arena, "%s/sobjects/%s/describe/compactLayouts/primary",
                            call->base, object->name));
    jw_end_object(&w);
    jw_end_object(&w);
}

void layouts_compact_one(struct call *call)
{
    struct jw w;
    const struct sobject *object = laid_out(call, true);
    if (!object)
        return;
    if (!text_eq_nocase(call->args[1], "primary") && !record_type(object, call->args[1])) {
        answer_not_found(call);
        return;
    }
    answer_json(call, 200, &w);
    struct page page = page_of(call, object, &w);
    write_compact(&page);
}

/* /compactLayouts?q=Account,Contact: the primary one of each. */
void layouts_compact_many(struct call *call)
{
    struct jw w;
    size_t len;
    const char *word, *list = call_param(call, "q");
    struct schema *schema = org_schema(call->site->org);
    if (!list || !*list) {
        answer_error(call, 400, "MISSING_ARGUMENT", "Required parameter q is missing");
        return;
    }
    answer_json(call, 200, &w);
    jw_object(&w);
    while ((word = words_next(&list, &len))) {
        const struct sobject *object = schema_find_n(schema, word, len);
        if (!object || !object->layoutable ||
            !org_may_object(call->site->org, call->session.user_id, object, ORG_READ)) {
            answer_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
            return;
        }
        jw_key(&w, object->name);
        struct page page = page_of(call, object, &w);
        write_compact(&page);
    }
    jw_end_object(&w);
}
