/* dml_people.c - rows that decide what people may do: permission sets and what
 * they grant, assignments, profiles, roles. Checked as Setup checks them; texts
 * that no source gives are marked "chosen" in docs/localorg/fidelity.md. */
#include "localorg/org/dml_priv.h"

#include "localorg/org/access_priv.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* --- small steps --- */

static bool value_of(struct work *work, struct draft *draft, const char *name, struct cell *out)
{
    out->kind = CELL_NULL;
    const struct field *field = sobject_field(draft->object, name);
    return field ? draft_value(work, draft, field, out) : true;
}

static bool flag_of(struct work *work, struct draft *draft, const char *name, bool *out)
{
    struct cell cell;
    if (!value_of(work, draft, name, &cell))
        return false;
    *out = cell.kind == CELL_INT && cell.integer != 0;
    return true;
}

static const char *text_of(struct work *work, struct draft *draft, const char *name)
{
    struct cell cell;
    if (!value_of(work, draft, name, &cell))
        return NULL;
    return cell_string(work, &cell);
}

static void fill(struct draft *draft, const char *name, const char *text, int64_t number)
{
    const struct field *field = sobject_field(draft->object, name);
    if (!field || !field->stored)
        return;
    if (text)
        cell_text(draft_cell(draft, field), text);
    else
        cell_int(draft_cell(draft, field), number);
}

static bool bad_value(struct work *work, struct draft *draft, const char *name, const char *value)
{
    const struct field *field = sobject_field(draft->object, name);
    return field_error(work, draft, field, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                       "%s: bad value for restricted picklist field: %s", field->label, value);
}

/* Another live row with the same two values? */
static bool is_double(struct work *work, struct draft *draft, const char *first, const char *second,
                      const char *code_text)
{
    sqlite3_stmt *find = NULL;
    const char *a = text_of(work, draft, first), *b = text_of(work, draft, second);
    if (!a || !b || !draft->insert)
        return false;
    if (db_prepare(work->org->db, &find,
                   arena_printf(work->scratch,
                                "SELECT \"Id\" FROM \"%s\" WHERE \"%s\" = ? AND \"%s\" = ? AND"
                                " \"IsDeleted\" = 0",
                                draft->object->name, first, second),
                   work->err) != OK) {
        work_broke(work);
        return true;
    }
    sqlite3_bind_text(find, 1, a, -1, SQLITE_STATIC);
    sqlite3_bind_text(find, 2, b, -1, SQLITE_STATIC);
    bool found = next_row(work, find);
    if (found && code_text)
        row_error(work, draft->result, "DUPLICATE_VALUE", NULL, 0, code_text, a, b);
    else if (found)
        row_error(work, draft->result, "DUPLICATE_VALUE", NULL, 0,
                  "duplicate value found: %s duplicates value on record with id: %.15s", second,
                  db_text(find, 0));
    sqlite3_finalize(find);
    return found || work->broken;
}

/* --- ObjectPermissions, FieldPermissions --- */

struct dependency {
    const char *field, *name, *needs, *needs_name;
};

static bool depends(struct work *work, struct draft *draft, const struct dependency *rows,
                    size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        bool on, needed;
        if (!flag_of(work, draft, rows[i].field, &on) ||
            !flag_of(work, draft, rows[i].needs, &needed))
            return false;
        if (on && !needed)
            return row_error(work, draft->result, "FIELD_INTEGRITY_EXCEPTION", NULL, 0,
                             "Permission %s %s depends on permission(s): %s %s", rows[i].name, what,
                             rows[i].needs_name, what);
    }
    return true;
}

static bool object_permissions(struct work *work, struct draft *draft)
{
    static const struct dependency rows[] = {
        {"PermissionsCreate", "Create", "PermissionsRead", "Read"},
        {"PermissionsEdit", "Edit", "PermissionsRead", "Read"},
        {"PermissionsDelete", "Delete", "PermissionsEdit", "Edit"},
        {"PermissionsViewAllRecords", "View All", "PermissionsRead", "Read"},
        {"PermissionsModifyAllRecords", "Modify All", "PermissionsDelete", "Delete"},
        {"PermissionsModifyAllRecords", "Modify All", "PermissionsViewAllRecords", "View All"},
    };
    const char *type = text_of(work, draft, "SobjectType");
    const struct sobject *object = schema_find(work->org->schema, type);
    if (work->broken)
        return false;
    if (type && (!object || permits_governor(object).kind != GOVERNED_BY_ROWS))
        return bad_value(work, draft, "SobjectType", type);
    return !is_double(work, draft, "ParentId", "SobjectType", NULL) &&
           depends(work, draft, rows, COUNT(rows), type ? type : "");
}

static bool field_permissions(struct work *work, struct draft *draft)
{
    static const struct dependency rows[] = {
        {"PermissionsEdit", "Edit", "PermissionsRead", "Read"}};
    const char *name = text_of(work, draft, "Field"), *type = text_of(work, draft, "SobjectType");
    const char *dot = name ? strchr(name, '.') : NULL;
    const struct sobject *object =
        dot ? schema_find_n(work->org->schema, name, (size_t)(dot - name)) : NULL;
    const struct field *field = object ? sobject_field(object, dot + 1) : NULL;
    if (work->broken)
        return false;
    if (name && (!field || !field->permissionable || !text_eq_nocase(object->name, type)))
        return bad_value(work, draft, "Field", name);
    return !is_double(work, draft, "ParentId", "Field", NULL) &&
           depends(work, draft, rows, 1, name ? name : "");
}

/* --- PermissionSetAssignment --- */

/* The licence a set is bound to must be the one the user's profile has. */
static bool licence_fits(struct work *work, struct draft *draft, const char *set, const char *user)
{
    struct cell licence, label;
    struct org_user person;
    struct cell theirs = {.kind = CELL_NULL};
    const struct sobject *sets = schema_find(work->org->schema, "PermissionSet");
    if (!stored_value(work, sets, "LicenseId", set, &licence) ||
        !stored_value(work, sets, "Label", set, &label))
        return false;
    if (licence.kind != CELL_TEXT || !org_user_by_id(work->org, user, &person))
        return true;
    if (!stored_value(work, schema_find(work->org->schema, "Profile"), "UserLicenseId",
                      person.profile_id, &theirs))
        return false;
    if (theirs.kind != CELL_TEXT || cell_is(&licence, cell_string(work, &theirs)))
        return true;
    return row_error(work, draft->result, "FIELD_INTEGRITY_EXCEPTION", NULL, 0,
                     "Can't assign permission set %s to user %s. The user license doesn't allow "
                     "the permission set.",
                     label.kind == CELL_TEXT ? cell_string(work, &label) : set, person.name);
}

static bool assignment(struct work *work, struct draft *draft)
{
    const char *set = text_of(work, draft, "PermissionSetId");
    const char *user = text_of(work, draft, "AssigneeId");
    struct cell owned = {.kind = CELL_NULL};
    if (work->broken || !set || !user)
        return !work->broken; /* required: told later */
    fill(draft, "IsActive", NULL, 1);
    if (!stored_value(work, schema_find(work->org->schema, "PermissionSet"), "IsOwnedByProfile",
                      set, &owned))
        return false;
    if (owned.kind == CELL_INT && owned.integer)
        return row_error(work, draft->result, "FIELD_INTEGRITY_EXCEPTION", NULL, 0,
                         "A permission set that is owned by a profile can't be assigned");
    return !is_double(work, draft, "PermissionSetId", "AssigneeId",
                      "Duplicate PermissionSetAssignment. Permission Set: %s; Assignee: %s") &&
           licence_fits(work, draft, set, user);
}

/* --- before and after --- */

bool people_before(struct work *work, struct draft *draft)
{
    switch (draft->table->standard) {
    case STANDARD_OBJECT_PERMISSIONS:
    case STANDARD_FIELD_PERMISSIONS:
        if (draft->insert && org_permissions_write(work->org, work->err) != OK)
            return work_broke(work);
        if (work->options->system)
            return true;
        return draft->table->standard == STANDARD_OBJECT_PERMISSIONS
                   ? object_permissions(work, draft)
                   : field_permissions(work, draft);
    case STANDARD_ASSIGNMENT:
        return work->options->system || assignment(work, draft);
    case STANDARD_PERMISSION_SET:
        if (draft->insert && !work->options->system) {
            fill(draft, "Type", "Regular", 0);
            fill(draft, "IsCustom", NULL, 1);
            fill(draft, "IsOwnedByProfile", NULL, 0);
        }
        return true;
    default:
        return true;
    }
}

/* Each role has groups that stand for its people. */
static bool role_groups(struct work *work)
{
    return people_role_groups(work->org, work->err) == OK || work_broke(work);
}

bool people_after(struct work *work, struct draft *draft)
{
    char set[19];
    enum status status = OK;
    switch (draft->table->standard) {
    case STANDARD_PROFILE:
        status = permits_of_profile(work->org, draft->id, true, set, work->err);
        if (status == OK)
            status = permits_mirror(work->org, draft->id, true, work->err);
        break;
    case STANDARD_PERMISSION_SET:
        status = permits_mirror(work->org, draft->id, false, work->err);
        break;
    case STANDARD_ROLE:
        return role_groups(work);
    default:
        break;
    }
    return status == OK || work_broke(work);
}
