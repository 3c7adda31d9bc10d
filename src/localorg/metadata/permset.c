/* permset.c - PermissionSet: a component to rows of PermissionSet,
 * ObjectPermissions and FieldPermissions, and back.
 *
 * Deploying a set replaces what it grants (API 40 and later). The rules are
 * those a deployment is refused for: unknown objects and fields, fields without
 * field-level security, Edit without Read, children without their parent. */
#include "localorg/metadata/metadata_priv.h"

static const char *const known[] = {"fullName",          "label",           "description",
                                    "objectPermissions", "fieldPermissions", "userPermissions",
                                    "license",           "hasActivationRequired"};

/* --- rows --- */

/* One text of one row, "" when there is none; id first. */
static const char *find_text(const struct meta *meta, const char *sql, const char *a, const char *b)
{
    const char *found = "";
    sqlite3_stmt *row = NULL;
    sqlite3 *db = org_reader_take(meta->org);
    if (db && sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, a, -1, SQLITE_STATIC);
        if (b)
            sqlite3_bind_text(row, 2, b, -1, SQLITE_STATIC);
        if (sqlite3_step(row) == SQLITE_ROW && sqlite3_column_text(row, 0))
            found = arena_strdup(meta->arena, (const char *)sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
    org_reader_give(meta->org, db);
    return found;
}

static const char *set_id(const struct meta *meta, const char *name)
{
    return find_text(meta,
                     "SELECT \"Id\" FROM \"PermissionSet\" WHERE \"Name\" = ?1 AND"
                     " \"IsDeleted\" = 0 AND NOT COALESCE(\"IsOwnedByProfile\", 0)",
                     name, NULL);
}

static bool exists(const struct meta *meta, const char *full_name)
{
    return *set_id(meta, full_name) != '\0';
}

/* Writes one row; its id into `id`. */
static bool write_row(struct meta_change *change, enum dml_kind kind, const char *object_name,
                      const struct json *body, char id[19])
{
    const struct meta *meta = change->meta;
    struct dml_options options = {.user_id = meta->user_id, .system = true, .api_version = 66.0};
    struct dml_row row = {.object = schema_find(org_schema(meta->org), object_name),
                          .body = body,
                          .id = kind == DML_INSERT ? NULL : id};
    struct dml_result result;
    if (!row.object)
        return meta_refuse(change, "INVALID_TYPE", "this org has no %s", object_name);
    if (org_dml(meta->org, kind, &options, &row, 1, &result, meta->arena, change->err) != OK)
        return meta_broke(change);
    if (!result.success)
        return meta_refuse(change, result.errors->status_code, "%s", result.errors->message);
    memcpy(id, result.id, 19);
    return true;
}

static const struct json *body_of(struct meta_change *change, struct buf *text)
{
    const struct json *body = json_parse(change->meta->arena, text->data, text->len, change->err);
    buf_free(text);
    return body;
}

static bool drop_children(struct meta_change *change, const char *object_name, const char *id)
{
    if (!schema_find(org_schema(change->meta->org), object_name))
        return true;
    struct buf ids = BUF_INIT;
    sqlite3_stmt *rows = NULL;
    const char *sql = arena_printf(change->meta->arena,
                                   "SELECT \"Id\" FROM \"%s\" WHERE \"ParentId\" = ?1 AND"
                                   " \"IsDeleted\" = 0",
                                   object_name);
    sqlite3 *db = org_reader_take(change->meta->org);
    if (db && sqlite3_prepare_v2(db, sql, -1, &rows, NULL) == SQLITE_OK) {
        sqlite3_bind_text(rows, 1, id, -1, SQLITE_STATIC);
        while (sqlite3_step(rows) == SQLITE_ROW)
            buf_printf(&ids, "%s ", (const char *)sqlite3_column_text(rows, 0));
    }
    sqlite3_finalize(rows);
    org_reader_give(change->meta->org, db);
    bool good = true;
    for (const char *at = buf_text(&ids); good && *at; at += 19) {
        char one[19];
        snprintf(one, sizeof one, "%.18s", at);
        good = write_row(change, DML_DELETE, object_name, NULL, one);
    }
    buf_free(&ids);
    return good;
}

/* --- the set itself --- */

static void write_user_permissions(struct meta_change *change, struct jw *w)
{
    const struct sobject *object = schema_find(org_schema(change->meta->org), "PermissionSet");
    xml_each(permission, change->component, "userPermissions") {
        const char *name = meta_text(permission, "name");
        const char *field = arena_printf(change->meta->arena, "Permissions%s", name ? name : "");
        if (!sobject_field(object, field)) {
            meta_warn(change, name ? name : "userPermissions");
            continue;
        }
        jw_key(w, field);
        jw_bool(w, meta_truth(permission, "enabled", false));
    }
}

static bool put_set(struct meta_change *change, char id[19])
{
    struct buf text = BUF_INIT;
    struct jw w;
    const char *label = meta_text(change->component, "label");
    if (!label)
        return meta_refuse(change, "REQUIRED_FIELD_MISSING", "Required field is missing: label");
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "Name", change->full_name);
    jw_kv_text(&w, "Label", label);
    jw_kv_text(&w, "Description", meta_text(change->component, "description"));
    jw_kv_bool(&w, "IsCustom", true);
    write_user_permissions(change, &w);
    jw_end_object(&w);
    const struct json *body = body_of(change, &text);
    snprintf(id, 19, "%s", set_id(change->meta, change->full_name));
    return write_row(change, *id ? DML_UPDATE : DML_INSERT, "PermissionSet", body, id) &&
           drop_children(change, "ObjectPermissions", id) &&
           drop_children(change, "FieldPermissions", id);
}

/* --- object permissions --- */

static const struct {
    const char *metadata, *field, *word;
    unsigned needs; /* bits of this table */
} rights[] = {
    {"allowRead", "PermissionsRead", "Read", 0},
    {"allowCreate", "PermissionsCreate", "Create", 1},
    {"allowEdit", "PermissionsEdit", "Edit", 1},
    {"allowDelete", "PermissionsDelete", "Delete", 1 | 4},
    {"viewAllRecords", "PermissionsViewAllRecords", "View All", 1},
    {"modifyAllRecords", "PermissionsModifyAllRecords", "Modify All", 1 | 4 | 8 | 16},
};
#define RIGHTS (sizeof rights / sizeof *rights)

static unsigned rights_of(const struct json *permission)
{
    unsigned bits = 0;
    for (size_t i = 0; i < RIGHTS; i++)
        if (meta_truth(permission, rights[i].metadata, false))
            bits |= 1u << i;
    return bits;
}

/* Read on the left needs Read on the right. */
static const char *const parents[][2] = {
    {"Contact", "Account"},   {"Opportunity", "Account"}, {"Case", "Account"},
    {"Case", "Contact"},      {"Contract", "Account"},    {"Order", "Account"},
    {"Order", "Contract"},    {"Asset", "Account"},       {"Asset", "Contact"}};

static unsigned granted(const struct json *component, const char *object)
{
    xml_each(permission, component, "objectPermissions")
        if (text_eq_nocase(meta_text(permission, "object"), object))
            return rights_of(permission);
    return 0;
}

static bool rights_complete(struct meta_change *change, const char *object, unsigned bits)
{
    for (size_t i = 0; i < RIGHTS; i++)
        for (size_t j = 0; j < RIGHTS; j++)
            if ((bits & (1u << i)) && (rights[i].needs & (1u << j)) && !(bits & (1u << j)))
                return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                                   "Permission %s %s depends on permission(s): %s %s",
                                   rights[i].word, object, rights[j].word, object);
    for (size_t i = 0; i < sizeof parents / sizeof *parents; i++)
        if ((bits & 1) && text_eq(object, parents[i][0]) &&
            !(granted(change->component, parents[i][1]) & 1))
            return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                               "Permission Read %s depends on permission(s): Read %s", object,
                               parents[i][1]);
    return true;
}

static bool put_object_permission(struct meta_change *change, const struct json *permission,
                                  const char *id)
{
    const char *name = meta_text(permission, "object");
    const struct sobject *object = schema_find(org_schema(change->meta->org), name);
    unsigned bits = rights_of(permission);
    if (!object)
        return meta_refuse(change, "INVALID_CROSS_REFERENCE_KEY",
                           "In field: field - no CustomObject named %s found", name ? name : "");
    if (!bits)
        return true;
    if (!rights_complete(change, object->name, bits))
        return false;
    struct buf text = BUF_INIT;
    struct jw w;
    char row[19] = "";
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "ParentId", id);
    jw_kv_text(&w, "SobjectType", object->name);
    for (size_t i = 0; i < RIGHTS; i++)
        jw_kv_bool(&w, rights[i].field, bits & (1u << i));
    jw_end_object(&w);
    return write_row(change, DML_INSERT, "ObjectPermissions", body_of(change, &text), row);
}

/* --- field permissions --- */

/* Field-level security is on a compound as a whole, and named so. */
static bool has_security(const struct sobject *object, const struct field *field)
{
    if (field->permissionable)
        return true;
    for (size_t i = 0; i < object->field_count; i++)
        if (text_eq(object->fields[i]->compound_field, field->name) &&
            object->fields[i]->permissionable)
            return true;
    return false;
}

static bool put_field_row(struct meta_change *change, const struct field *field, const char *id,
                          bool readable, bool editable)
{
    struct buf text = BUF_INIT;
    struct jw w;
    char row[19] = "";
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "ParentId", id);
    jw_kv_text(&w, "SobjectType", field->owner->name);
    jw_kv_text(&w, "Field",
               arena_printf(change->meta->arena, "%s.%s", field->owner->name, field->name));
    jw_kv_bool(&w, "PermissionsRead", readable);
    jw_kv_bool(&w, "PermissionsEdit", editable);
    jw_end_object(&w);
    return write_row(change, DML_INSERT, "FieldPermissions", body_of(change, &text), row);
}

static bool put_field_permission(struct meta_change *change, const struct json *permission,
                                 const char *id)
{
    const char *full = meta_text(permission, "field"), *name = NULL;
    const struct sobject *object = meta_parent(change->meta, full ? full : "", &name);
    const struct field *field = object ? sobject_field(object, name) : NULL;
    bool readable = meta_truth(permission, "readable", false);
    bool editable = meta_truth(permission, "editable", false);
    if (!field)
        return meta_refuse(change, "INVALID_CROSS_REFERENCE_KEY",
                           "In field: field - no CustomField named %s found", full ? full : "");
    if (!has_security(object, field))
        return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                           "You cannot deploy to a required field: %s.%s", object->name,
                           field->name);
    if (editable && !readable)
        return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                           "Permission Edit %s depends on permission(s): Read %s", full, full);
    if (editable && field->calculated)
        return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                           "You cannot make %s editable: it is a formula", full);
    return !readable || put_field_row(change, field, id, readable, editable);
}

static bool put(struct meta_change *change)
{
    char id[19];
    if (!put_set(change, id))
        return false;
    memcpy(change->result->id, id, sizeof id);
    xml_each(permission, change->component, "objectPermissions")
        if (!put_object_permission(change, permission, id))
            return false;
    xml_each(permission, change->component, "fieldPermissions")
        if (!put_field_permission(change, permission, id))
            return false;
    meta_warn_unknown(change, known, sizeof known / sizeof *known);
    return true;
}

static bool drop(struct meta_change *change)
{
    char id[19];
    snprintf(id, sizeof id, "%s", set_id(change->meta, change->full_name));
    memcpy(change->result->id, id, sizeof id);
    return drop_children(change, "ObjectPermissions", id) &&
           drop_children(change, "FieldPermissions", id) &&
           write_row(change, DML_DELETE, "PermissionSet", NULL, id);
}

/* --- back --- */

struct row_writer {
    const struct meta *meta;
    struct jw *w;
};

static void write_object_rows(struct row_writer *out, const char *id)
{
    sqlite3_stmt *rows = NULL;
    sqlite3 *db = org_reader_take(out->meta->org);
    jw_key(out->w, "objectPermissions");
    jw_array(out->w);
    if (db && sqlite3_prepare_v2(db,
                                 "SELECT \"SobjectType\", \"PermissionsRead\","
                                 " \"PermissionsCreate\", \"PermissionsEdit\","
                                 " \"PermissionsDelete\", \"PermissionsViewAllRecords\","
                                 " \"PermissionsModifyAllRecords\" FROM \"ObjectPermissions\""
                                 " WHERE \"ParentId\" = ?1 AND \"IsDeleted\" = 0 ORDER BY 1",
                                 -1, &rows, NULL) == SQLITE_OK) {
        sqlite3_bind_text(rows, 1, id, -1, SQLITE_STATIC);
        while (sqlite3_step(rows) == SQLITE_ROW) {
            jw_object(out->w);
            for (size_t i = 0; i < RIGHTS; i++)
                jw_kv_bool(out->w, rights[i].metadata, sqlite3_column_int(rows, (int)i + 1));
            jw_kv_text(out->w, "object", (const char *)sqlite3_column_text(rows, 0));
            jw_end_object(out->w);
        }
    }
    jw_end_array(out->w);
    sqlite3_finalize(rows);
    org_reader_give(out->meta->org, db);
}

static void write_field_rows(struct row_writer *out, const char *id)
{
    sqlite3_stmt *rows = NULL;
    sqlite3 *db = org_reader_take(out->meta->org);
    jw_key(out->w, "fieldPermissions");
    jw_array(out->w);
    if (db && sqlite3_prepare_v2(db,
                                 "SELECT \"Field\", \"PermissionsRead\", \"PermissionsEdit\" FROM"
                                 " \"FieldPermissions\" WHERE \"ParentId\" = ?1 AND"
                                 " \"IsDeleted\" = 0 ORDER BY 1",
                                 -1, &rows, NULL) == SQLITE_OK) {
        sqlite3_bind_text(rows, 1, id, -1, SQLITE_STATIC);
        while (sqlite3_step(rows) == SQLITE_ROW) {
            jw_object(out->w);
            jw_kv_bool(out->w, "editable", sqlite3_column_int(rows, 2));
            jw_kv_text(out->w, "field", (const char *)sqlite3_column_text(rows, 0));
            jw_kv_bool(out->w, "readable", sqlite3_column_int(rows, 1));
            jw_end_object(out->w);
        }
    }
    jw_end_array(out->w);
    sqlite3_finalize(rows);
    org_reader_give(out->meta->org, db);
}

static void write(const struct meta *meta, const char *full_name, struct jw *w)
{
    struct row_writer out = {meta, w};
    const char *id = set_id(meta, full_name);
    jw_object(w);
    jw_kv_text(w, "fullName", full_name);
    jw_kv_text(w, "label",
               find_text(meta, "SELECT \"Label\" FROM \"PermissionSet\" WHERE \"Id\" = ?1", id,
                         NULL));
    jw_kv_bool(w, "hasActivationRequired", false);
    write_field_rows(&out, id);
    write_object_rows(&out, id);
    jw_end_object(w);
}

static void list(const struct meta *meta, const struct meta_type *type, meta_item_fn *fn, void *ctx)
{
    sqlite3_stmt *rows = NULL;
    sqlite3 *db = org_reader_take(meta->org);
    if (db && sqlite3_prepare_v2(db,
                                 "SELECT \"Name\", \"Id\" FROM \"PermissionSet\" WHERE"
                                 " \"IsDeleted\" = 0 AND NOT COALESCE(\"IsOwnedByProfile\", 0)",
                                 -1, &rows, NULL) == SQLITE_OK)
        while (sqlite3_step(rows) == SQLITE_ROW) {
            struct meta_item item = {.type = type};
            snprintf(item.full_name, sizeof item.full_name, "%s",
                     (const char *)sqlite3_column_text(rows, 0));
            snprintf(item.id, sizeof item.id, "%s", (const char *)sqlite3_column_text(rows, 1));
            fn(ctx, &item);
        }
    sqlite3_finalize(rows);
    org_reader_give(meta->org, db);
}

const struct meta_kind permset_kind = {.type = {.name = "PermissionSet",
                                                .directory = "permissionsets",
                                                .suffix = "permissionset",
                                                .prefix = "0PS"},
                                       .generated = true,
                                       .exists = exists,
                                       .put = put,
                                       .drop = drop,
                                       .write = write,
                                       .list = list};
