/* access.c - one user's rights, worked out from rows and kept.
 *
 * A struct access is immutable once built and counted by its holders; a commit
 * that touched a deciding row moves org->access_generation, and the next
 * question builds a new one. What is asked while a transaction is open is
 * answered by the rights before it, as Salesforce does. */
#include "localorg/org/access_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <string.h>

#define COPY(to, from) snprintf((to), sizeof(to), "%s", (from))

bool access_depends_on(const char *name)
{
    static const char *const deciding[] = {
        "User",  "UserRole",    "Profile",           "PermissionSet",   "PermissionSetAssignment",
        "Group", "GroupMember", "ObjectPermissions", "FieldPermissions"};
    for (size_t i = 0; i < sizeof deciding / sizeof *deciding; i++)
        if (text_eq(name, deciding[i]))
            return true;
    return false;
}

/* --- reading while building --- */

struct builder {
    struct org *org;
    sqlite3 *db;
    struct access *access;
    bool written; /* ObjectPermissions and FieldPermissions hold what profiles grant */
    struct err err;
    enum status status;
};

/* A statement with up to two texts bound; NULL when an object of it is missing here. */
static sqlite3_stmt *ask(struct builder *b, const char *sql, const char *first, const char *second)
{
    sqlite3_stmt *rows = NULL;
    int rc = b->status == OK ? sqlite3_prepare_v2(b->db, sql, -1, &rows, NULL) : SQLITE_ERROR;
    if (rc != SQLITE_OK && rc != SQLITE_ERROR)
        b->status = db_fail(b->db, sql, &b->err);
    if (rc != SQLITE_OK)
        return NULL; /* a schema without these objects decides nothing */
    sqlite3_bind_text(rows, 1, first, -1, SQLITE_STATIC);
    if (second)
        sqlite3_bind_text(rows, 2, second, -1, SQLITE_STATIC);
    return rows;
}

static bool next(struct builder *b, sqlite3_stmt *rows)
{
    return rows && db_next(rows, &b->status, &b->err);
}

static bool has_field(struct builder *b, const char *object, const char *field)
{
    const struct sobject *found = schema_find(b->org->schema, object);
    return found && sobject_field(found, field);
}

static const char *keep(struct builder *b, const char *text)
{
    return arena_strdup(b->access->arena, text);
}

/* --- profile and permission sets --- */

/* The permissions among columns `first` and on, as has_field found them. */
static unsigned permission_bits(struct builder *b, sqlite3_stmt *row, const char *object, int first)
{
    unsigned bits = 0;
    for (size_t i = 0; i < permission_count; i++)
        if (has_field(b, object, permissions[i].field) && sqlite3_column_int(row, first++))
            bits |= permissions[i].bit;
    return bits;
}

static void permission_columns(struct builder *b, const char *object, struct buf *sql)
{
    for (size_t i = 0; i < permission_count; i++)
        if (has_field(b, object, permissions[i].field))
            buf_printf(sql, ", t.\"%s\"", permissions[i].field);
}

static void read_user(struct builder *b)
{
    struct access *access = b->access;
    struct org_user user;
    if (org_user_by_id(b->org, access->user, &user))
        COPY(access->profile, user.profile_id);
    sqlite3_stmt *row =
        has_field(b, "User", "UserRoleId")
            ? ask(b, "SELECT \"UserRoleId\" FROM \"User\" WHERE \"Id\" = ?", access->user, NULL)
            : NULL;
    if (next(b, row))
        COPY(access->role, db_text(row, 0));
    sqlite3_finalize(row);
}

/* What the role gives its people on the contacts, opportunities and cases of their accounts. */
static void read_role(struct builder *b)
{
    for (size_t i = 0; i < ACCOUNT_CHILDREN && *b->access->role; i++) {
        const char *field = account_children[i].role_field;
        char sql[160];
        if (!has_field(b, "UserRole", field))
            continue;
        snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"UserRole\" WHERE \"Id\" = ?", field);
        sqlite3_stmt *row = ask(b, sql, b->access->role, NULL);
        if (next(b, row))
            b->access->account_rights[i] = text_eq(db_text(row, 0), "Edit")   ? 2
                                           : text_eq(db_text(row, 0), "Read") ? 1
                                                                              : 0;
        sqlite3_finalize(row);
    }
}

static void read_profile(struct builder *b)
{
    struct buf sql = BUF_INIT;
    bool licence = has_field(b, "UserLicense", "Name") && has_field(b, "Profile", "UserLicenseId");
    buf_printf(&sql, "SELECT t.\"Name\", %s",
               licence ? "(SELECT l.\"Name\" FROM \"UserLicense\" l WHERE l.\"Id\" ="
                         " t.\"UserLicenseId\")"
                       : "NULL");
    permission_columns(b, "Profile", &sql);
    buf_str(&sql, " FROM \"Profile\" t WHERE t.\"Id\" = ?");
    sqlite3_stmt *row = ask(b, buf_text(&sql), b->access->profile, NULL);
    if (next(b, row)) {
        COPY(b->access->profile_name, db_text(row, 0));
        COPY(b->access->licence, db_text(row, 1));
        b->access->permissions |= permission_bits(b, row, "Profile", 2);
    }
    sqlite3_finalize(row);
    buf_free(&sql);
}

static void read_owned_set(struct builder *b)
{
    sqlite3_stmt *row = ask(b,
                            "SELECT \"Id\" FROM \"PermissionSet\" WHERE \"ProfileId\" = ? AND"
                            " \"IsOwnedByProfile\" = 1 AND \"IsDeleted\" = 0",
                            b->access->profile, NULL);
    if (next(b, row))
        vec_push(&b->access->sets, keep(b, db_text(row, 0)));
    sqlite3_finalize(row);
}

static void read_assigned_sets(struct builder *b)
{
    struct buf sql = BUF_INIT;
    int64_t now = org_now_ms(b->org);
    buf_str(&sql, "SELECT t.\"Id\", t.\"Name\", max(coalesce(a.\"ExpirationDate\", 0))");
    permission_columns(b, "PermissionSet", &sql);
    buf_str(&sql, " FROM \"PermissionSetAssignment\" a JOIN \"PermissionSet\" t ON t.\"Id\" ="
                  " a.\"PermissionSetId\" WHERE a.\"AssigneeId\" = ? AND a.\"IsDeleted\" = 0 AND"
                  " t.\"IsDeleted\" = 0 AND t.\"IsOwnedByProfile\" = 0 AND"
                  " (a.\"ExpirationDate\" IS NULL OR a.\"ExpirationDate\" > ");
    buf_printf(&sql, "%lld) GROUP BY 1 ORDER BY 1", (long long)now);
    sqlite3_stmt *row = ask(b, buf_text(&sql), b->access->user, NULL);
    while (next(b, row)) {
        int64_t until = sqlite3_column_int64(row, 2);
        if (until && until < b->access->until_ms)
            b->access->until_ms = until;
        vec_push(&b->access->sets, keep(b, db_text(row, 0)));
        vec_push(&b->access->names, keep(b, db_text(row, 1)));
        b->access->permissions |= permission_bits(b, row, "PermissionSet", 3);
    }
    sqlite3_finalize(row);
    buf_free(&sql);
}

/* --- objects and fields --- */

static uint8_t *fields_of(struct builder *b, const struct sobject *object)
{
    struct access *access = b->access;
    size_t at = object->ordinal;
    if (!access->fields[at]) {
        access->fields[at] = arena_alloc(access->arena, object->field_count + 1);
        access->field_counts[at] = object->field_count;
        for (size_t i = 0; i < object->field_count; i++) /* others cannot be hidden */
            access->fields[at][i] = object->fields[i]->permissionable ? 0 : ORG_EVERYTHING;
    }
    return access->fields[at];
}

static void apply_template(struct builder *b, struct template template)
{
    for (size_t i = 0; i < schema_count(b->org->schema); i++) {
        const struct sobject *object = schema_at(b->org->schema, i);
        b->access->objects[object->ordinal] |= template.objects;
        if (template.fields && template.edit_fields)
            continue; /* no list: everything */
        uint8_t *fields = fields_of(b, object);
        for (size_t f = 0; f < object->field_count; f++)
            if (template.fields)
                fields[f] |= ORG_READ;
    }
}

static void read_object_rows(struct builder *b, const char *set_id)
{
    static const uint8_t bits[] = {ORG_READ,   ORG_CREATE,   ORG_UPDATE,
                                   ORG_DELETE, ORG_VIEW_ALL, ORG_MODIFY_ALL};
    sqlite3_stmt *row =
        ask(b,
            "SELECT \"SobjectType\", \"PermissionsRead\", \"PermissionsCreate\","
            " \"PermissionsEdit\", \"PermissionsDelete\", \"PermissionsViewAllRecords\","
            " \"PermissionsModifyAllRecords\" FROM \"ObjectPermissions\" WHERE \"ParentId\" = ?"
            " AND \"IsDeleted\" = 0",
            set_id, NULL);
    while (next(b, row)) {
        const struct sobject *object = schema_find(b->org->schema, db_text(row, 0));
        for (int i = 0; object && i < 6; i++)
            if (sqlite3_column_int(row, i + 1))
                b->access->objects[object->ordinal] |= bits[i];
    }
    sqlite3_finalize(row);
}

static void read_field_rows(struct builder *b, const char *set_id)
{
    sqlite3_stmt *row =
        ask(b,
            "SELECT \"Field\", \"PermissionsRead\", \"PermissionsEdit\" FROM \"FieldPermissions\""
            " WHERE \"ParentId\" = ? AND \"IsDeleted\" = 0",
            set_id, NULL);
    while (next(b, row)) {
        const char *name = db_text(row, 0), *dot = strchr(name, '.');
        const struct sobject *object =
            dot ? schema_find_n(b->org->schema, name, (size_t)(dot - name)) : NULL;
        const struct field *field = object ? sobject_field(object, dot + 1) : NULL;
        if (!field || !b->access->fields[object->ordinal])
            continue;
        uint8_t *fields = fields_of(b, object);
        if (sqlite3_column_int(row, 1))
            fields[field->index] |= ORG_READ;
        if (sqlite3_column_int(row, 2))
            fields[field->index] |= ORG_READ | ORG_CREATE | ORG_UPDATE;
    }
    sqlite3_finalize(row);
}

/* What the profile's and the other sets' rows grant. With rows written, every
 * field starts hidden; before, the template says what the profile gives. */
static void read_grants(struct builder *b)
{
    struct access *access = b->access;
    if (b->written) {
        for (size_t i = 0; i < schema_count(b->org->schema); i++)
            fields_of(b, schema_at(b->org->schema, i));
    } else {
        apply_template(b, permits_template(access->profile_name));
    }
    for (size_t i = b->written ? 0 : 1; i < access->sets.len; i++) {
        read_object_rows(b, access->sets.at[i]);
        read_field_rows(b, access->sets.at[i]);
    }
}

/* Objects that others decide about. After rows and system permissions. */
static void apply_governors(struct builder *b)
{
    struct access *access = b->access;
    const struct schema *schema = b->org->schema;
    uint8_t everywhere = 0;
    if (access->permissions & PERMIT_VIEW_ALL_DATA)
        everywhere = ORG_READ | ORG_VIEW_ALL;
    if (access->permissions & PERMIT_MODIFY_ALL_DATA)
        everywhere = ORG_EVERYTHING;
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        uint8_t *bits = &access->objects[object->ordinal];
        struct governor governor = permits_governor(object);
        if (governor.kind == GOVERNED_OPEN)
            *bits = ORG_CRUD | (everywhere & (ORG_VIEW_ALL | ORG_MODIFY_ALL));
        else if (governor.kind == GOVERNED_BY_SETUP)
            *bits = access->permissions & (unsigned)governor.permission ? ORG_EVERYTHING : ORG_READ;
        else if (governor.kind == GOVERNED_BY_ROWS)
            *bits |= everywhere;
    }
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        struct governor governor = permits_governor(object);
        const struct sobject *parent = schema_find(schema, governor.parent);
        if (governor.kind == GOVERNED_BY_PARENT && parent)
            access->objects[object->ordinal] = access->objects[parent->ordinal];
    }
    const struct sobject *user = schema_find(schema, "User");
    if (user) /* everyone may change their own record: sharing keeps them off the others */
        access->objects[user->ordinal] |= ORG_UPDATE;
}

/* --- what org_deny took away --- */

static void apply_denials(struct builder *b)
{
    struct org *org = b->org;
    pthread_rwlock_rdlock(&org->people_lock);
    for (size_t i = 0; i < org->denials.len; i++) {
        const struct denial *denial = &org->denials.at[i];
        const struct sobject *object = schema_find(org->schema, denial->object);
        if (!object || strcmp(denial->user, b->access->user) != 0)
            continue;
        int bits = denial->bits & ORG_READ ? ORG_EVERYTHING : denial->bits;
        const struct field *field = *denial->field ? sobject_field(object, denial->field) : NULL;
        if (!*denial->field) {
            b->access->objects[object->ordinal] &= (uint8_t)~bits;
            continue;
        }
        if (!field)
            continue;
        if (!b->access->fields[object->ordinal]) {
            uint8_t *fields = fields_of(b, object);
            memset(fields, ORG_EVERYTHING, object->field_count);
        }
        b->access->fields[object->ordinal][field->index] &= (uint8_t)~bits;
    }
    pthread_rwlock_unlock(&org->people_lock);
}

/* --- whose records count as the user's --- */

static void add_id(struct buf *list, const char *id)
{
    buf_printf(list, "%s'%.18s'", list->len ? "," : "", id);
}

/* Groups the user is in: directly, through groups in groups, and through their role. */
static void read_groups(struct builder *b)
{
    struct buf list = BUF_INIT;
    add_id(&list, b->access->user);
    sqlite3_stmt *row = ask(
        b,
        "WITH RECURSIVE roles(id) AS (SELECT ?2 UNION SELECT r.\"ParentRoleId\" FROM"
        " \"UserRole\" r JOIN roles ON r.\"Id\" = roles.id WHERE r.\"ParentRoleId\" IS NOT NULL),"
        " mine(id) AS (SELECT ?1 UNION SELECT g.\"Id\" FROM \"Group\" g WHERE"
        " (g.\"Type\" = 'Role' AND g.\"RelatedId\" = ?2) OR"
        " (g.\"Type\" IN ('RoleAndSubordinates', 'RoleAndSubordinatesInternal') AND"
        " g.\"RelatedId\" IN (SELECT id FROM roles)) OR g.\"Type\" = 'Organization'"
        " UNION SELECT m.\"GroupId\" FROM \"GroupMember\" m JOIN mine ON"
        " m.\"UserOrGroupId\" = mine.id WHERE m.\"IsDeleted\" = 0)"
        " SELECT id FROM mine WHERE id <> ?1 ORDER BY id",
        b->access->user, b->access->role);
    while (next(b, row))
        add_id(&list, db_text(row, 0));
    sqlite3_finalize(row);
    b->access->groups = keep(b, buf_text(&list));
    buf_free(&list);
}

static void read_owners(struct builder *b)
{
    struct access *access = b->access;
    struct buf list = BUF_INIT, sql = BUF_INIT;
    add_id(&list, access->user);
    buf_printf(&sql,
               "SELECT \"Id\" FROM \"Group\" WHERE \"Type\" = 'Queue' AND \"Id\" IN (%s) AND"
               " ?1 IS NOT NULL ORDER BY 1",
               access->groups);
    sqlite3_stmt *row = ask(b, buf_text(&sql), access->user, NULL);
    while (next(b, row))
        add_id(&list, db_text(row, 0));
    sqlite3_finalize(row);
    buf_free(&sql);
    access->self = keep(b, buf_text(&list));
    row = *access->role
              ? ask(b,
                    "WITH RECURSIVE below(id) AS (SELECT \"Id\" FROM \"UserRole\" WHERE"
                    " \"ParentRoleId\" = ?1 UNION SELECT r.\"Id\" FROM \"UserRole\" r JOIN below"
                    " ON r.\"ParentRoleId\" = below.id) SELECT \"Id\" FROM \"User\" WHERE"
                    " \"UserRoleId\" IN (SELECT id FROM below) ORDER BY 1",
                    access->role, NULL)
              : NULL;
    while (next(b, row))
        add_id(&list, db_text(row, 0));
    sqlite3_finalize(row);
    access->owners = keep(b, buf_text(&list));
    buf_free(&list);
}

/* --- building --- */

static bool read_written(struct builder *b)
{
    sqlite3_stmt *row = ask(b, "SELECT 1 FROM localorg_meta WHERE key = ? AND value = '1'",
                            "permissions_written", NULL);
    bool there = next(b, row);
    sqlite3_finalize(row);
    return there;
}

static struct access *access_new(struct org *org, const char *user_id)
{
    struct access *access = mem_alloc(sizeof *access);
    atomic_store(&access->holders, 1);
    COPY(access->user, user_id);
    access->arena = arena_new();
    access->until_ms = INT64_MAX;
    access->object_count = schema_count(org->schema);
    access->objects = arena_alloc(access->arena, access->object_count + 1);
    access->fields = arena_array(access->arena, access->object_count + 1, sizeof *access->fields);
    access->field_counts =
        arena_array(access->arena, access->object_count + 1, sizeof *access->field_counts);
    access->reach = arena_array(access->arena, access->object_count + 1, sizeof *access->reach);
    return access;
}

static void access_unbind(struct access *access)
{
    /* No profile decides here: everything is allowed but what was denied. */
    memset(access->objects, ORG_EVERYTHING, access->object_count);
    access->permissions = ~0u & ~(unsigned)(PERMIT_API_ONLY | PERMIT_SSO);
}

static enum status access_read(struct builder *b)
{
    read_user(b);
    read_role(b);
    read_owned_set(b);
    b->written = read_written(b);
    if (b->access->sets.len) {
        read_profile(b);
        read_assigned_sets(b);
        read_grants(b);
        apply_governors(b);
    } else {
        access_unbind(b->access);
    }
    read_groups(b);
    read_owners(b);
    apply_denials(b);
    return b->status == OK ? sharing_reach(b->org, b->db, b->access, &b->err) : FAIL;
}

static enum status access_build(struct org *org, const char *user_id, uint64_t generation,
                                struct access **out, struct err *err)
{
    struct builder b = {.org = org, .access = access_new(org, user_id)};
    b.access->generation = generation;
    b.db = org_reader_take(org);
    enum status status = b.db ? access_read(&b) : err_set(&b.err, ERR_IO, "no database connection");
    org_reader_give(org, b.db);
    *out = b.access;
    if (status == OK)
        return OK;
    log_error("rights of %s: %s", user_id, b.err.message);
    access_drop(b.access);
    *out = NULL;
    if (err)
        *err = b.err;
    return FAIL;
}

/* --- keeping --- */

void access_drop(struct access *access)
{
    if (!access || atomic_fetch_sub(&access->holders, 1) != 1)
        return;
    vec_free(&access->sets);
    vec_free(&access->names);
    arena_free(access->arena);
    free(access);
}

/* The kept one when it still holds; one holder more. Under people_lock. */
static struct access *kept(struct org *org, const char *user_id)
{
    struct access *access = org->access ? map_get(org->access, user_id) : NULL;
    if (!access || access->generation != atomic_load(&org->access_generation) ||
        org_now_ms(org) >= access->until_ms)
        return NULL;
    atomic_fetch_add(&access->holders, 1);
    return access;
}

enum status access_hold(struct org *org, const char *user_id, struct access **out, struct err *err)
{
    *out = NULL;
    if (!user_id)
        return OK;
    pthread_rwlock_rdlock(&org->people_lock);
    struct access *access = kept(org, user_id);
    pthread_rwlock_unlock(&org->people_lock);
    *out = access;
    if (access)
        return OK;
    if (access_build(org, user_id, atomic_load(&org->access_generation), &access, err) != OK)
        return FAIL;
    atomic_fetch_add(&access->holders, 1);
    pthread_rwlock_wrlock(&org->people_lock);
    if (!org->access)
        org->access = map_new();
    struct access *old = map_remove(org->access, user_id);
    map_put(org->access, user_id, access);
    pthread_rwlock_unlock(&org->people_lock);
    access_drop(old);
    *out = access;
    return OK;
}

void access_forget(struct org *org)
{
    atomic_fetch_add(&org->access_generation, 1);
}

void access_free(struct org *org)
{
    size_t at = 0;
    const char *key;
    void *value;
    while (org->access && map_next(org->access, &at, &key, &value))
        access_drop(value);
    map_free(org->access);
}

/* --- questions --- */

/* Rights that could not be read allow nothing. */
unsigned org_permissions(struct org *org, const char *user_id)
{
    struct access *access;
    if (access_hold(org, user_id, &access, NULL) != OK)
        return 0;
    unsigned bits = access ? access->permissions : ~0u;
    access_drop(access);
    return bits;
}

void org_user_licence(struct org *org, const char *user_id, char out[80])
{
    struct access *access;
    access_hold(org, user_id, &access, NULL);
    snprintf(out, 80, "%s", access ? access->licence : "");
    access_drop(access);
}

void org_user_profile(struct org *org, const char *user_id, char out[80])
{
    struct access *access;
    access_hold(org, user_id, &access, NULL);
    snprintf(out, 80, "%s", access ? access->profile_name : "");
    access_drop(access);
}

bool org_user_has_set(struct org *org, const char *user_id, const char *name)
{
    struct access *access;
    bool has = false;
    access_hold(org, user_id, &access, NULL);
    for (size_t i = 0; access && i < access->names.len; i++)
        has |= text_eq_nocase(access->names.at[i], name);
    access_drop(access);
    return has;
}

/* Without read access there is no other. */
static bool bits_allow(uint8_t bits, enum org_access access)
{
    return (bits & ORG_READ) && (bits & (int)access) == (int)access;
}

bool org_may_object(struct org *org, const char *user_id, const struct sobject *object,
                    enum org_access access)
{
    struct access *held;
    if (user_id && (((access & ORG_CREATE) && !object->createable) ||
                    ((access & ORG_UPDATE) && !object->updateable) ||
                    ((access & ORG_DELETE) && !object->deletable)))
        return false;
    if (access_hold(org, user_id, &held, NULL) != OK)
        return false;
    uint8_t bits = access_object(held, object);
    access_drop(held);
    return bits_allow(bits, access);
}

bool org_may_field(struct org *org, const char *user_id, const struct field *field,
                   enum org_access access)
{
    struct access *held;
    if (user_id && (((access & ORG_CREATE) && !field->createable) ||
                    ((access & ORG_UPDATE) && !field->updateable)))
        return false;
    if (access_hold(org, user_id, &held, NULL) != OK)
        return false;
    uint8_t bits = access_field(held, field);
    access_drop(held);
    return bits_allow(bits, access);
}
