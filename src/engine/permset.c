/* permset.c - the smallest permission set for a list of needs, as metadata XML.
 *
 * Deployable by `sf project deploy`, so it keeps the Metadata API's rules:
 * Edit needs Read; fields without field-level security (Id, required and system
 * fields) must not be named, describe's `permissionable` says which; an address
 * is named as a whole; an object with a parent of record needs the parent's
 * Read; objects without object permissions (User, Profile, ...) are left out. */
#include "engine/run_priv.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* Objects that no permission set can name: they follow other settings. */
static const char *const unnamed[] = {
    "User",        "Group",      "Profile",       "Organization",        "UserRole",
    "UserLicense", "RecordType", "PermissionSet", "OpportunityLineItem", "QuoteLineItem",
    "Event",       "Task",       "Name",          "CampaignMember",      NULL};
/* Read on the left needs Read on the right (Salesforce refuses the set else). */
static const char *const parents[][2] = {
    {"Contact", "Account"},   {"Opportunity", "Account"}, {"Case", "Account"},
    {"Case", "Contact"},      {"Contract", "Account"},    {"Order", "Account"},
    {"Order", "Contract"},    {"Asset", "Account"},       {"Asset", "Contact"},
    {"Quote", "Opportunity"}, {"Quote", "Account"}};

struct object_permission {
    const char *name;
    bool create, edit, remove;
};
struct field_permission {
    const char *name; /* "Lead.Title" */
    bool edit;
};

struct permset {
    struct arena *arena;
    struct crm_session *session;
    VEC(struct object_permission) objects;
    VEC(struct field_permission) fields;
};

static bool nameable(const char *object)
{
    for (size_t i = 0; unnamed[i]; i++)
        if (text_eq_nocase(unnamed[i], object))
            return false;
    return true;
}

static void put_object(struct permset *set, const char *name, bool create, bool edit,
                       bool remove)
{
    if (!nameable(name))
        return;
    for (size_t i = 0; i < set->objects.len; i++)
        if (text_eq_nocase(set->objects.at[i].name, name)) {
            set->objects.at[i].create |= create;
            set->objects.at[i].edit |= edit;
            set->objects.at[i].remove |= remove;
            return;
        }
    struct object_permission new = {name, create, edit, remove};
    vec_push(&set->objects, new);
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++)
        if (text_eq_nocase(parents[i][0], name))
            put_object(set, parents[i][1], false, false, false);
}

static void put_field(struct permset *set, const char *object, const char *field, bool edit)
{
    const char *name = arena_printf(set->arena, "%s.%s", object, field);
    for (size_t i = 0; i < set->fields.len; i++)
        if (text_eq(set->fields.at[i].name, name)) {
            set->fields.at[i].edit |= edit;
            return;
        }
    struct field_permission new = {name, edit};
    vec_push(&set->fields, new);
}

static void take_field(struct permset *set, const struct crm_object *object,
                       const struct crm_need_field *need)
{
    const struct crm_field *field = crm_object_field(object, need->name);
    if (!field) { /* hidden from this very user: the set is to show it */
        put_field(set, object->name, need->name, need->edit);
        return;
    }
    if (!field->permissionable)
        return;
    bool address = field->compound && text_ends(field->compound, "Address");
    bool writable = need->edit && !field->calculated;
    put_field(set, object->name, address ? field->compound : field->name, writable);
}

static void take_need(struct permset *set, const struct crm_need *need)
{
    struct err ignored = {0};
    const struct crm_object *object =
        set->session ? set->session->does->describe(set->session, need->object, &ignored) : NULL;
    put_object(set, object ? object->name : need->object, need->create,
               need->update || need->remove, need->remove); /* Delete asks for Edit */
    for (size_t i = 0; i < need->field_count; i++) {
        if (object)
            take_field(set, object, &need->fields[i]);
        else if (text_ends(need->fields[i].name, "__c"))
            put_field(set, need->object, need->fields[i].name, need->fields[i].edit);
    }
    for (size_t i = 0; object && i < object->field_count; i++) {
        const struct crm_field *field = &object->fields[i];
        if (field->master_detail && field->reference_count)
            put_object(set, field->reference_to[0], false, false, false);
    }
}

static int by_object(const void *a, const void *b)
{
    return strcmp(((const struct object_permission *)a)->name,
                  ((const struct object_permission *)b)->name);
}

static int by_field(const void *a, const void *b)
{
    return strcmp(((const struct field_permission *)a)->name,
                  ((const struct field_permission *)b)->name);
}

/* ------------------------------------------------------------------- XML */

static void xml_text(struct buf *out, int indent, const char *tag, const char *text)
{
    buf_printf(out, "%*s<%s>", indent, "", tag);
    for (const char *p = text; *p; p++) {
        if (*p == '&')
            buf_str(out, "&amp;");
        else if (*p == '<')
            buf_str(out, "&lt;");
        else if (*p == '>')
            buf_str(out, "&gt;");
        else if ((unsigned char)*p >= ' ')
            buf_char(out, *p);
    }
    buf_printf(out, "</%s>\n", tag);
}

static void xml_flag(struct buf *out, const char *tag, bool value)
{
    xml_text(out, 8, tag, value ? "true" : "false");
}

static void xml_field(struct buf *out, const struct field_permission *field)
{
    buf_str(out, "    <fieldPermissions>\n");
    xml_flag(out, "editable", field->edit);
    xml_text(out, 8, "field", field->name);
    xml_flag(out, "readable", true);
    buf_str(out, "    </fieldPermissions>\n");
}

static void xml_object(struct buf *out, const struct object_permission *object)
{
    buf_str(out, "    <objectPermissions>\n");
    xml_flag(out, "allowCreate", object->create);
    xml_flag(out, "allowDelete", object->remove);
    xml_flag(out, "allowEdit", object->edit);
    xml_flag(out, "allowRead", true);
    xml_flag(out, "modifyAllRecords", false);
    xml_text(out, 8, "object", object->name);
    xml_flag(out, "viewAllRecords", false);
    buf_str(out, "    </objectPermissions>\n");
}

const char *permset_xml(struct arena *arena, const char *label, const char *description,
                        struct crm_session *session, const struct crm_need *needs, size_t count)
{
    struct permset set = {.arena = arena, .session = session};
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        take_need(&set, &needs[i]);
    if (set.objects.len)
        qsort(set.objects.at, set.objects.len, sizeof *set.objects.at, by_object);
    if (set.fields.len)
        qsort(set.fields.at, set.fields.len, sizeof *set.fields.at, by_field);
    buf_str(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<PermissionSet xmlns=\"http://soap.sforce.com/2006/04/metadata\">\n");
    xml_text(&out, 4, "description", description);
    for (size_t i = 0; i < set.fields.len; i++)
        xml_field(&out, &set.fields.at[i]);
    xml_text(&out, 4, "hasActivationRequired", "false");
    xml_text(&out, 4, "label", label);
    for (size_t i = 0; i < set.objects.len; i++)
        xml_object(&out, &set.objects.at[i]);
    buf_str(&out, "    <userPermissions>\n");
    xml_flag(&out, "enabled", true);
    xml_text(&out, 8, "name", "ApiEnabled");
    buf_str(&out, "    </userPermissions>\n</PermissionSet>\n");
    vec_free(&set.objects);
    vec_free(&set.fields);
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}
