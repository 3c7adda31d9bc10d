/* permits.c - which permissions there are, and the rows that grant them.
 *
 * A profile grants by its name what profiles of a new org grant, until somebody
 * reads or changes ObjectPermissions or FieldPermissions: then everything is
 * written down, a few thousand rows, and rows alone decide from there on
 * (org_permissions_write). An org nobody asks so does not pay for them. Every
 * profile owns a permission set, and every user is assigned to it, as in a real
 * org (Object Reference, PermissionSet). */
#include "localorg/org/access_priv.h"

#include "base/str.h"

#include <string.h>

#define COUNT(list)   (sizeof(list) / sizeof *(list))
#define WRITTEN_KEY   "permissions_written"
#define ADMINISTRATOR "System Administrator"

const struct permission permissions[] = {
    {"PermissionsApiEnabled", PERMIT_API},
    {"PermissionsViewAllData", PERMIT_VIEW_ALL_DATA},
    {"PermissionsModifyAllData", PERMIT_MODIFY_ALL_DATA},
    {"PermissionsViewSetup", PERMIT_VIEW_SETUP},
    {"PermissionsManageUsers", PERMIT_MANAGE_USERS},
    {"PermissionsAssignPermissionSets", PERMIT_ASSIGN_SETS},
    {"PermissionsManageProfilesPermissionsets", PERMIT_MANAGE_SETS},
    {"PermissionsCustomizeApplication", PERMIT_CUSTOMIZE},
    {"PermissionsApiUserOnly", PERMIT_API_ONLY},
    {"PermissionsIsSsoEnabled", PERMIT_SSO},
    {"PermissionsUseAnyApiClient", PERMIT_ANY_CLIENT},
    {"PermissionsCanApproveUninstalledApps", PERMIT_UNINSTALLED_APPS},
    {"PermissionsBulkApiHardDelete", PERMIT_HARD_DELETE},
    {"PermissionsTransferAnyEntity", PERMIT_TRANSFER},
    {"PermissionsRunReports", PERMIT_RUN_REPORTS},
    {"PermissionsExportReport", PERMIT_EXPORT_REPORTS},
};
const size_t permission_count = COUNT(permissions);

/* --- who decides about an object --- */

static const struct {
    const char *object;
    struct governor governor;
} governors[] = {
    {"OpportunityLineItem", {GOVERNED_BY_PARENT, "Opportunity", 0}},
    {"OpportunityContactRole", {GOVERNED_BY_PARENT, "Opportunity", 0}},
    {"OpportunityHistory", {GOVERNED_BY_PARENT, "Opportunity", 0}},
    {"AccountContactRole", {GOVERNED_BY_PARENT, "Account", 0}},
    {"AccountContactRelation", {GOVERNED_BY_PARENT, "Account", 0}},
    {"CaseComment", {GOVERNED_BY_PARENT, "Case", 0}},
    {"CampaignMember", {GOVERNED_BY_PARENT, "Campaign", 0}},
    {"CampaignMemberStatus", {GOVERNED_BY_PARENT, "Campaign", 0}},
    {"PricebookEntry", {GOVERNED_BY_PARENT, "Pricebook2", 0}},
    {"OrderItem", {GOVERNED_BY_PARENT, "Order", 0}},
    {"User", {GOVERNED_BY_SETUP, NULL, PERMIT_MANAGE_USERS}},
    {"UserRole", {GOVERNED_BY_SETUP, NULL, PERMIT_MANAGE_USERS}},
    {"Group", {GOVERNED_BY_SETUP, NULL, PERMIT_MANAGE_USERS}},
    {"GroupMember", {GOVERNED_BY_SETUP, NULL, PERMIT_MANAGE_USERS}},
    {"Profile", {GOVERNED_BY_SETUP, NULL, PERMIT_MANAGE_SETS}},
    {"PermissionSet", {GOVERNED_BY_SETUP, NULL, PERMIT_MANAGE_SETS}},
    {"ObjectPermissions", {GOVERNED_BY_SETUP, NULL, PERMIT_MANAGE_SETS}},
    {"FieldPermissions", {GOVERNED_BY_SETUP, NULL, PERMIT_MANAGE_SETS}},
    {"PermissionSetAssignment", {GOVERNED_BY_SETUP, NULL, PERMIT_ASSIGN_SETS}},
    {"Organization", {GOVERNED_BY_SETUP, NULL, PERMIT_CUSTOMIZE}},
    {"BusinessHours", {GOVERNED_BY_SETUP, NULL, PERMIT_CUSTOMIZE}},
    {"RecordType", {GOVERNED_BY_SETUP, NULL, PERMIT_CUSTOMIZE}},
};

/* Standard objects with permissions of their own; the others are open. */
static const char *const own_permissions[] = {
    "Account", "Asset", "Campaign", "Case",     "Contact",  "Contract",   "Individual",
    "Lead",    "Order", "Product2", "Solution", "Document", "Pricebook2", "Opportunity"};

struct governor permits_governor(const struct sobject *object)
{
    for (size_t i = 0; i < COUNT(governors); i++)
        if (text_eq(object->name, governors[i].object))
            return governors[i].governor;
    bool rows = object->custom && !object->custom_setting && !object->associate_entity &&
                text_ends(object->name, "__c");
    for (size_t i = 0; i < COUNT(own_permissions) && !rows; i++)
        rows = text_eq(object->name, own_permissions[i]);
    return (struct governor){rows ? GOVERNED_BY_ROWS : GOVERNED_OPEN, NULL, 0};
}

/* --- what profiles grant by themselves --- */

struct template permits_template(const char *profile_name)
{
    static const struct {
        const char *name;
        struct template template;
    } known[] = {
        {ADMINISTRATOR, {ORG_EVERYTHING, true, true}},
        {"Read Only", {ORG_READ, true, false}},
        {"Minimum Access - Salesforce", {0, false, false}},
        {"Minimum Access - API Only Integrations", {0, false, false}},
        {"Salesforce API Only System Integrations", {0, false, false}},
    };
    for (size_t i = 0; i < COUNT(known); i++)
        if (text_eq_nocase(profile_name, known[i].name))
            return known[i].template;
    return (struct template){ORG_CRUD, true, true};
}

/* --- small statements --- */

/* The first column of the first row; "" when there is none. */
static enum status one_text(struct org *org, const char *sql, const char *value, char *out,
                            size_t size, struct err *err)
{
    sqlite3_stmt *get = NULL;
    *out = 0;
    enum status status = db_prepare(org->db, &get, sql, err);
    if (status == OK) {
        sqlite3_bind_text(get, 1, value, -1, SQLITE_STATIC);
        if (db_next(get, &status, err))
            snprintf(out, size, "%s", db_text(get, 0));
    }
    sqlite3_finalize(get);
    return status;
}

static bool has_objects(struct org *org, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!schema_find(org->schema, names[i]))
            return false;
    return true;
}

static bool ready(struct org *org, const char *name, struct err *err)
{
    struct table *table;
    return table_ready(org, schema_find(org->schema, name), &table, err) == OK;
}

/* --- the permission set a profile owns --- */

static enum status set_insert(struct org *org, const char *id, const char *profile_id,
                              struct err *err)
{
    sqlite3_stmt *put = NULL;
    char user[19];
    people_default_user(org, user);
    enum status status = db_prepare(
        org->db, &put,
        "INSERT INTO \"PermissionSet\" (\"Id\", \"IsDeleted\", \"Name\", \"Label\", \"ProfileId\","
        " \"IsOwnedByProfile\", \"IsCustom\", \"Type\", \"CreatedDate\", \"CreatedById\","
        " \"LastModifiedDate\", \"LastModifiedById\", \"SystemModstamp\")"
        " VALUES (?1, 0, 'X' || ?1, ?1, ?2, 1, 0, 'Profile', ?3, ?4, ?3, ?4, ?3)",
        err);
    if (status == OK) {
        sqlite3_bind_text(put, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, profile_id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(put, 3, org_now_ms(org));
        sqlite3_bind_text(put, 4, user, -1, SQLITE_STATIC);
        status = db_run(put, err);
    }
    sqlite3_finalize(put);
    return status;
}

enum status permits_of_profile(struct org *org, const char *profile_id, bool make, char set_id[19],
                               struct err *err)
{
    static const char *const needed[] = {"Profile", "PermissionSet"};
    *set_id = 0;
    if (!has_objects(org, needed, 2) || !*profile_id)
        return OK;
    if (!ready(org, "PermissionSet", err) ||
        one_text(org,
                 "SELECT \"Id\" FROM \"PermissionSet\" WHERE \"ProfileId\" = ? AND"
                 " \"IsOwnedByProfile\" = 1 AND \"IsDeleted\" = 0",
                 profile_id, set_id, 19, err) != OK)
        return FAIL;
    if (*set_id || !make)
        return OK;
    if (org_next_id(org, schema_find(org->schema, "PermissionSet"), set_id, err) != OK ||
        set_insert(org, set_id, profile_id, err) != OK)
        return FAIL;
    return permits_mirror(org, profile_id, true, err);
}

enum status permits_mirror(struct org *org, const char *changed_id, bool is_profile,
                           struct err *err)
{
    const struct sobject *profile = schema_find(org->schema, "Profile");
    const struct sobject *set = schema_find(org->schema, "PermissionSet");
    struct buf sql = BUF_INIT;
    size_t columns = 0;
    if (!profile || !set)
        return OK;
    buf_printf(&sql, "UPDATE \"%s\" AS t SET ", is_profile ? "PermissionSet" : "Profile");
    for (size_t i = 0; i < permission_count; i++) {
        const char *field = permissions[i].field;
        if (!sobject_field(profile, field) || !sobject_field(set, field))
            continue;
        buf_printf(&sql, "%s\"%s\" = o.\"%s\"", columns++ ? ", " : "", field, field);
    }
    buf_str(&sql, is_profile ? " FROM \"Profile\" AS o WHERE o.\"Id\" = ?1 AND"
                               " t.\"ProfileId\" = o.\"Id\" AND t.\"IsOwnedByProfile\" = 1"
                             : " FROM \"PermissionSet\" AS o WHERE o.\"Id\" = ?1 AND"
                               " o.\"IsOwnedByProfile\" = 1 AND t.\"Id\" = o.\"ProfileId\"");
    sqlite3_stmt *update = NULL;
    enum status status = columns ? db_prepare(org->db, &update, buf_text(&sql), err) : OK;
    if (update) {
        sqlite3_bind_text(update, 1, changed_id, -1, SQLITE_STATIC);
        status = db_run(update, err);
    }
    sqlite3_finalize(update);
    buf_free(&sql);
    org->access_dirty = true;
    return status;
}

/* --- a user's assignment to it --- */

static enum status assignment_insert(struct org *org, const char *set_id, const char *user_id,
                                     struct err *err)
{
    char id[19];
    sqlite3_stmt *put = NULL;
    if (org_next_id(org, schema_find(org->schema, "PermissionSetAssignment"), id, err) != OK)
        return FAIL;
    enum status status = db_prepare(
        org->db, &put,
        "INSERT INTO \"PermissionSetAssignment\" (\"Id\", \"IsDeleted\", \"PermissionSetId\","
        " \"AssigneeId\", \"SystemModstamp\", \"IsActive\") VALUES (?1, 0, ?2, ?3, ?4, 1)",
        err);
    if (status == OK) {
        sqlite3_bind_text(put, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, set_id, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 3, user_id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(put, 4, org_now_ms(org));
        status = db_run(put, err);
    }
    sqlite3_finalize(put);
    return status;
}

/* Drops the assignments to sets of other profiles; says whether the right one is there. */
static enum status assignment_tidy(struct org *org, const char *set_id, const char *user_id,
                                   bool *there, struct err *err)
{
    sqlite3_stmt *drop = NULL, *find = NULL;
    *there = false;
    enum status status =
        db_prepare(org->db, &drop,
                   "DELETE FROM \"PermissionSetAssignment\" WHERE \"AssigneeId\" = ?1 AND"
                   " \"PermissionSetId\" <> ?2 AND \"PermissionSetId\" IN (SELECT \"Id\" FROM"
                   " \"PermissionSet\" WHERE \"IsOwnedByProfile\" = 1)",
                   err);
    if (status == OK)
        status = db_prepare(org->db, &find,
                            "SELECT 1 FROM \"PermissionSetAssignment\" WHERE \"AssigneeId\" = ?1"
                            " AND \"PermissionSetId\" = ?2 AND \"IsDeleted\" = 0",
                            err);
    sqlite3_stmt *both[] = {drop, find};
    for (size_t i = 0; i < 2 && status == OK; i++) {
        sqlite3_bind_text(both[i], 1, user_id, -1, SQLITE_STATIC);
        sqlite3_bind_text(both[i], 2, set_id, -1, SQLITE_STATIC);
    }
    if (status == OK && (status = db_run(drop, err)) == OK)
        *there = db_next(find, &status, err);
    sqlite3_finalize(drop);
    sqlite3_finalize(find);
    return status;
}

enum status permits_assign(struct org *org, const char *user_id, const char *profile_id,
                           struct err *err)
{
    static const char *const needed[] = {"PermissionSet", "PermissionSetAssignment"};
    char set_id[19];
    bool there;
    if (!has_objects(org, needed, 2))
        return OK;
    if (!ready(org, "PermissionSetAssignment", err) ||
        permits_of_profile(org, profile_id, false, set_id, err) != OK)
        return FAIL;
    org->access_dirty = true;
    if (!*set_id)
        return OK;
    if (assignment_tidy(org, set_id, user_id, &there, err) != OK)
        return FAIL;
    return there ? OK : assignment_insert(org, set_id, user_id, err);
}

/* --- writing down what profiles grant --- */

struct scribe {
    struct org *org;
    sqlite3_stmt *object, *field;
    char user[19];
    int64_t now_ms;
    struct err *err;
};

static enum status scribe_open(struct scribe *scribe)
{
    struct org *org = scribe->org;
    people_default_user(org, scribe->user);
    scribe->now_ms = org_now_ms(org);
    if (!ready(org, "ObjectPermissions", scribe->err) ||
        !ready(org, "FieldPermissions", scribe->err))
        return FAIL;
    if (db_prepare(
            org->db, &scribe->object,
            "INSERT INTO \"ObjectPermissions\" (\"Id\", \"IsDeleted\", \"ParentId\","
            " \"SobjectType\", \"PermissionsRead\", \"PermissionsCreate\", \"PermissionsEdit\","
            " \"PermissionsDelete\", \"PermissionsViewAllRecords\","
            " \"PermissionsModifyAllRecords\", \"CreatedDate\", \"CreatedById\","
            " \"LastModifiedDate\", \"LastModifiedById\", \"SystemModstamp\")"
            " VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?10, ?11, ?10)",
            scribe->err) != OK)
        return FAIL;
    return db_prepare(org->db, &scribe->field,
                      "INSERT INTO \"FieldPermissions\" (\"Id\", \"IsDeleted\", \"ParentId\","
                      " \"SobjectType\", \"Field\", \"PermissionsRead\", \"PermissionsEdit\","
                      " \"SystemModstamp\") VALUES (?1, 0, ?2, ?3, ?4, 1, ?5, ?6)",
                      scribe->err);
}

static void scribe_close(struct scribe *scribe)
{
    sqlite3_finalize(scribe->object);
    sqlite3_finalize(scribe->field);
}

static enum status write_object(struct scribe *scribe, const char *set_id,
                                const struct sobject *object, struct template template)
{
    static const uint8_t bits[] = {ORG_READ,   ORG_CREATE,   ORG_UPDATE,
                                   ORG_DELETE, ORG_VIEW_ALL, ORG_MODIFY_ALL};
    char id[19];
    struct org *org = scribe->org;
    if (permits_governor(object).kind != GOVERNED_BY_ROWS)
        return OK;
    if (org_next_id(org, schema_find(org->schema, "ObjectPermissions"), id, scribe->err) != OK)
        return FAIL;
    sqlite3_stmt *put = scribe->object;
    sqlite3_bind_text(put, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, set_id, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 3, object->name, -1, SQLITE_STATIC);
    for (int i = 0; i < 6; i++)
        sqlite3_bind_int(put, 4 + i, (template.objects & bits[i]) != 0);
    sqlite3_bind_int64(put, 10, scribe->now_ms);
    sqlite3_bind_text(put, 11, scribe->user, -1, SQLITE_STATIC);
    return db_run(put, scribe->err);
}

static enum status write_field(struct scribe *scribe, const char *set_id, const struct field *field,
                               struct template template)
{
    char id[19], name[200];
    struct org *org = scribe->org;
    if (!field->permissionable)
        return OK;
    if (org_next_id(org, schema_find(org->schema, "FieldPermissions"), id, scribe->err) != OK)
        return FAIL;
    snprintf(name, sizeof name, "%s.%s", field->owner->name, field->name);
    sqlite3_stmt *put = scribe->field;
    sqlite3_bind_text(put, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, set_id, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 3, field->owner->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 4, name, -1, SQLITE_STATIC);
    sqlite3_bind_int(put, 5, template.edit_fields && (field->updateable || field->createable));
    sqlite3_bind_int64(put, 6, scribe->now_ms);
    return db_run(put, scribe->err);
}

/* Sets owned by profiles, and the profiles' names: id, name, id, name ... */
typedef VEC(char *) text_list;

static enum status owned_sets(struct org *org, text_list *out, struct err *err)
{
    sqlite3_stmt *rows = NULL;
    enum status status =
        db_prepare(org->db, &rows,
                   "SELECT s.\"Id\", p.\"Name\" FROM \"PermissionSet\" s JOIN \"Profile\" p ON"
                   " p.\"Id\" = s.\"ProfileId\" WHERE s.\"IsOwnedByProfile\" = 1 ORDER BY 1",
                   err);
    while (status == OK && db_next(rows, &status, err)) {
        vec_push(out, mem_strdup(db_text(rows, 0)));
        vec_push(out, mem_strdup(db_text(rows, 1)));
    }
    sqlite3_finalize(rows);
    return status;
}

static void text_list_free(text_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        free(list->at[i]);
    vec_free(list);
}

/* One object for one set: its own row, and its fields'. `only_new` leaves out
 * what some profile's set has a row for already. */
static enum status write_grants(struct scribe *scribe, const char *set_id,
                                const struct sobject *object, struct template template,
                                const struct map *known)
{
    char name[200];
    if (!template.objects)
        return OK;
    if (!known || !map_has(known, object->name))
        if (write_object(scribe, set_id, object, template) != OK)
            return FAIL;
    for (size_t i = 0; i < object->field_count && template.fields; i++) {
        const struct field *field = object->fields[i];
        snprintf(name, sizeof name, "%s.%s", object->name, field->name);
        if ((!known || !map_has(known, name)) && write_field(scribe, set_id, field, template) != OK)
            return FAIL;
    }
    return OK;
}

static enum status write_all(struct org *org, struct err *err)
{
    struct scribe scribe = {.org = org, .err = err};
    text_list sets = {0};
    enum status status = scribe_open(&scribe);
    if (status == OK)
        status = owned_sets(org, &sets, err);
    for (size_t s = 0; s + 1 < sets.len && status == OK; s += 2) {
        struct template template = permits_template(sets.at[s + 1]);
        for (size_t i = 0; i < schema_count(org->schema) && status == OK; i++)
            status = write_grants(&scribe, sets.at[s], schema_at(org->schema, i), template, NULL);
    }
    text_list_free(&sets);
    scribe_close(&scribe);
    if (status == OK)
        status = meta_put(org, WRITTEN_KEY, "1", err);
    return status;
}

static bool written(struct org *org)
{
    char value[4];
    if (atomic_load(&org->permissions_written))
        return true;
    return meta_get(org, WRITTEN_KEY, value, sizeof value, NULL) == OK && *value == '1';
}

enum status org_permissions_write(struct org *org, struct err *err)
{
    static const char *const needed[] = {"Profile", "PermissionSet", "ObjectPermissions",
                                         "FieldPermissions"};
    if (atomic_load(&org->permissions_written) || !has_objects(org, needed, COUNT(needed)))
        return OK;
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    enum status status = written(org) ? OK : write_all(org, err);
    org->access_dirty = true;
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    if (status == OK && ended == OK && org->depth == 0)
        atomic_store(&org->permissions_written, true);
    return status == OK ? ended : status;
}

/* --- new fields and objects --- */

/* What some profile's set has a row for: "Account", "Account.Phone". */
static enum status known_grants(struct org *org, const struct sobject *object, struct map *known,
                                struct err *err)
{
    static const char *const queries[] = {
        "SELECT DISTINCT \"SobjectType\" FROM \"ObjectPermissions\" WHERE \"SobjectType\" = ?",
        "SELECT DISTINCT \"Field\" FROM \"FieldPermissions\" WHERE \"SobjectType\" = ?"};
    enum status status = OK;
    for (size_t i = 0; i < 2 && status == OK; i++) {
        sqlite3_stmt *rows = NULL;
        status = db_prepare(org->db, &rows, queries[i], err);
        sqlite3_bind_text(rows, 1, object->name, -1, SQLITE_STATIC);
        while (status == OK && db_next(rows, &status, err))
            map_put(known, db_text(rows, 0), known);
        sqlite3_finalize(rows);
    }
    return status;
}

enum status permits_schema_grew(struct org *org, const struct sobject *object, struct err *err)
{
    org->access_dirty = true;
    if (!schema_find(org->schema, "FieldPermissions") || !written(org))
        return OK;
    struct scribe scribe = {.org = org, .err = err};
    struct map *known = map_new_nocase();
    text_list sets = {0};
    enum status status = scribe_open(&scribe);
    if (status == OK && (status = known_grants(org, object, known, err)) == OK)
        status = owned_sets(org, &sets, err);
    for (size_t s = 0; s + 1 < sets.len && status == OK; s += 2)
        status = write_grants(&scribe, sets.at[s], object, permits_template(sets.at[s + 1]), known);
    text_list_free(&sets);
    map_free(known);
    scribe_close(&scribe);
    return status;
}

/* --- people written past DML --- */

static enum status each_pair(struct org *org, const char *sql, text_list *out, struct err *err)
{
    sqlite3_stmt *rows = NULL;
    enum status status = db_prepare(org->db, &rows, sql, err);
    while (status == OK && db_next(rows, &status, err)) {
        vec_push(out, mem_strdup(db_text(rows, 0)));
        vec_push(out, mem_strdup(db_text(rows, 1)));
    }
    sqlite3_finalize(rows);
    return status;
}

enum status org_people_settle(struct org *org, struct err *err)
{
    static const char *const needed[] = {"Profile", "PermissionSet", "PermissionSetAssignment",
                                         "User"};
    text_list profiles = {0}, users = {0};
    enum status status = OK;
    if (!has_objects(org, needed, COUNT(needed)))
        return OK;
    for (size_t i = 0; i < COUNT(needed); i++)
        if (!ready(org, needed[i], err))
            return FAIL;
    status = each_pair(org, "SELECT \"Id\", '' FROM \"Profile\" ORDER BY 1", &profiles, err);
    for (size_t i = 0; i < profiles.len && status == OK; i += 2) {
        char set[19];
        status = permits_of_profile(org, profiles.at[i], true, set, err);
    }
    if (status == OK)
        status = each_pair(org, "SELECT id, profile_id FROM localorg_user ORDER BY 1", &users, err);
    for (size_t i = 0; i < users.len && status == OK; i += 2)
        status = permits_assign(org, users.at[i], users.at[i + 1], err);
    text_list_free(&profiles);
    text_list_free(&users);
    return status == OK ? people_role_groups(org, err) : status;
}
