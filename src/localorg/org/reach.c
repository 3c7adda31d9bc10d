/* reach.c - the records within a user's reach, as an SQL condition.
 *
 * A condition is an OR of ways to a record: being its owner (or standing above
 * the owner in the role hierarchy, or in the owning queue), a share row, a
 * sharing rule, an account of one's own above it, a record of one's own below
 * it, or its parent. Where every record is within reach there is no condition at
 * all: that is decided first. Ids in lists are the org's own and need no binding. */
#include "localorg/org/access_priv.h"

#include "base/str.h"

#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define DEPTH_MAX   4

struct way { /* one walk */
    const struct org *org;
    const struct access *access;
    int aliases; /* given out */
};

static bool walk(struct way *way, const struct sobject *object, const char *alias,
                 enum sharing_level level, int depth, struct buf *out);

/* --- open objects --- */

/* Rows that belong to one user each, whatever sharing says. */
static const struct {
    const char *object, *column;
    unsigned reads, writes; /* permissions that lift it; 0: none does */
} personal[] = {
    {"LoginHistory", "UserId", PERMIT_MANAGE_USERS | PERMIT_VIEW_SETUP, 0},
    {"AuthSession", "UsersId", PERMIT_MANAGE_USERS, PERMIT_MANAGE_USERS},
    {"OauthToken", "UserId", PERMIT_MANAGE_USERS | PERMIT_VIEW_SETUP, PERMIT_MANAGE_USERS},
    {"User", "Id", ~0u, PERMIT_MANAGE_USERS},
};

static const char *personal_column(const struct access *access, const struct sobject *object,
                                   enum sharing_level level)
{
    for (size_t i = 0; i < COUNT(personal); i++) {
        if (!text_eq(object->name, personal[i].object))
            continue;
        unsigned lifted = level == SHARING_READ ? personal[i].reads : personal[i].writes;
        return access->permissions & lifted ? NULL : personal[i].column;
    }
    return NULL;
}

static bool model_opens(enum sharing_model model, enum sharing_level level)
{
    switch (model) {
    case MODEL_PRIVATE:
    case MODEL_BY_PARENT:
        return false;
    case MODEL_READ:
        return level == SHARING_READ;
    case MODEL_READ_WRITE:
    case MODEL_READ_WRITE_TRANSFER:
        return level != SHARING_FULL;
    case MODEL_FULL:
        return true;
    }
    return true;
}

static bool is_open(const struct access *access, const struct sobject *object,
                    enum sharing_level level)
{
    uint8_t bits = access_object(access, object);
    if (!access || object->ordinal >= access->object_count || (bits & ORG_MODIFY_ALL) ||
        (level == SHARING_READ && (bits & ORG_VIEW_ALL)))
        return true;
    return model_opens(access->reach[object->ordinal].model, level);
}

/* --- ways of one's own --- */

static void either(struct buf *out, size_t start)
{
    if (out->len > start)
        buf_str(out, " OR ");
}

static void by_owner(const struct access *access, const struct sobject *object, const char *alias,
                     struct buf *out)
{
    const struct reach *reach = &access->reach[object->ordinal];
    if (sobject_field(object, "OwnerId"))
        buf_printf(out, "%s.\"OwnerId\" IN (%s)", alias,
                   reach->hierarchies ? access->owners : access->self);
}

static void by_share(struct way *way, const struct sobject *object, const char *alias,
                     enum sharing_level level, size_t start, struct buf *out)
{
    const struct field *record, *rank;
    const struct sobject *share = sharing_rows(way->org, object, &record, &rank);
    if (!share)
        return;
    either(out, start);
    buf_printf(out,
               "%s.\"Id\" IN (SELECT \"%s\" FROM \"%s\" WHERE \"IsDeleted\" = 0 AND"
               " \"UserOrGroupId\" IN (%s,%s)",
               alias, record->name, share->name, way->access->groups, way->access->owners);
    if (level != SHARING_READ)
        buf_printf(out, " AND \"%s\" %s", rank->name,
                   level == SHARING_EDIT ? "IN ('Edit', 'All')" : "= 'All'");
    buf_char(out, ')');
}

static void by_rules(const struct access *access, const struct sobject *object, const char *alias,
                     enum sharing_level level, size_t start, struct buf *out)
{
    const struct reach *reach = &access->reach[object->ordinal];
    for (size_t i = 0; i < reach->rule_count; i++) {
        const struct reach_rule *rule = &reach->rules[i];
        if (level == SHARING_FULL || (level == SHARING_EDIT && !rule->edit))
            continue;
        either(out, start);
        buf_printf(out, "%s.\"%s\" IN (%s)", alias, rule->column, rule->sql);
    }
}

static void own_ways(struct way *way, const struct sobject *object, const char *alias,
                     enum sharing_level level, struct buf *out)
{
    size_t start = out->len;
    by_owner(way->access, object, alias, out);
    by_share(way, object, alias, level, start, out);
    by_rules(way->access, object, alias, level, start, out);
}

/* --- accounts and what hangs on them --- */

const struct account_child account_children[ACCOUNT_CHILDREN] = {
    {"Contact", "ContactAccessForAccountOwner"},
    {"Opportunity", "OpportunityAccessForAccountOwner"},
    {"Case", "CaseAccessForAccountOwner"}};

/* Whoever owns the account sees its opportunities, cases and contacts, as far as their
 * role says (OpportunityAccessForAccountOwner ...). */
static void by_account(struct way *way, const struct sobject *object, const char *alias,
                       enum sharing_level level, size_t start, struct buf *out)
{
    for (size_t i = 0; i < ACCOUNT_CHILDREN; i++) {
        if (!text_eq(object->name, account_children[i].object) ||
            !schema_find(way->org->schema, "Account") ||
            way->access->account_rights[i] < (level == SHARING_READ ? 1 : 2) ||
            level == SHARING_FULL)
            continue;
        either(out, start);
        buf_printf(out,
                   "%s.\"AccountId\" IN (SELECT \"Id\" FROM \"Account\" WHERE \"OwnerId\" IN (%s))",
                   alias, way->access->owners);
    }
}

/* Whoever reaches a child by a way of their own may read the account above it. */
static void by_children(struct way *way, const struct sobject *object, const char *alias,
                        enum sharing_level level, size_t start, struct buf *out)
{
    if (level != SHARING_READ || !text_eq(object->name, "Account"))
        return;
    for (size_t i = 0; i < ACCOUNT_CHILDREN; i++) {
        const struct sobject *child = schema_find(way->org->schema, account_children[i].object);
        char name[16];
        if (!child || !sobject_field(child, "AccountId") ||
            way->access->reach[child->ordinal].model == MODEL_BY_PARENT)
            continue;
        snprintf(name, sizeof name, "s%d", way->aliases++);
        either(out, start);
        buf_printf(out,
                   "%s.\"Id\" IN (SELECT %s.\"AccountId\" FROM \"%s\" %s WHERE %s.\"IsDeleted\" = 0"
                   " AND (",
                   alias, name, child->name, name, name);
        own_ways(way, child, name, SHARING_READ, out);
        buf_str(out, "))");
    }
}

/* --- parents --- */

static const struct {
    const char *object, *fields[2];
} parents[] = {
    {"Contact", {"AccountId"}},
    {"Asset", {"AccountId"}},
    {"OpportunityLineItem", {"OpportunityId"}},
    {"OpportunityContactRole", {"OpportunityId"}},
    {"OpportunityHistory", {"OpportunityId"}},
    {"AccountContactRole", {"AccountId"}},
    {"AccountContactRelation", {"AccountId"}},
    {"CaseComment", {"ParentId"}},
    {"CampaignMember", {"CampaignId"}},
    {"OrderItem", {"OrderId"}},
    {"Attachment", {"ParentId"}},
    {"Note", {"ParentId"}},
    {"Task", {"WhatId", "WhoId"}},
    {"Event", {"WhatId", "WhoId"}},
};

static size_t parent_fields(const struct sobject *object, const struct field *out[2])
{
    size_t count = 0;
    for (size_t i = 0; i < COUNT(parents); i++)
        for (size_t f = 0; f < 2 && text_eq(object->name, parents[i].object); f++)
            if (parents[i].fields[f] && (out[count] = sobject_field(object, parents[i].fields[f])))
                count++;
    for (size_t i = 0; i < object->field_count && count == 0 && object->custom; i++)
        if (object->fields[i]->type == FT_REFERENCE && object->fields[i]->cascade_delete)
            out[count++] = object->fields[i];
    return count;
}

bool reach_follows(const struct sobject *object, const struct field *field)
{
    const struct field *fields[2];
    size_t count = parent_fields(object, fields);
    for (size_t i = 0; i < count; i++)
        if (fields[i] == field)
            return true;
    return false;
}

/* "alias.Field leads to a record within reach", for one target object. */
static void by_target(struct way *way, const struct field *field, const struct sobject *target,
                      const char *alias, enum sharing_level level, int depth, size_t start,
                      struct buf *out)
{
    struct buf inner = BUF_INIT;
    char name[16];
    bool several = field->reference_count > 1;
    snprintf(name, sizeof name, "s%d", way->aliases++);
    bool bounded = walk(way, target, name, level, depth + 1, &inner);
    either(out, start);
    if (several)
        buf_printf(out, "(substr(%s.\"%s\", 1, 3) = '%s' AND ", alias, field->name,
                   target->key_prefix);
    if (bounded)
        buf_printf(out, "%s.\"%s\" IN (SELECT %s.\"Id\" FROM \"%s\" %s WHERE %s)", alias,
                   field->name, name, target->name, name, buf_text(&inner));
    else
        buf_printf(out, "%s.\"%s\" IS NOT NULL", alias, field->name);
    if (several)
        buf_char(out, ')');
    buf_free(&inner);
}

/* Is every object the field may lead to within reach as a whole? */
static bool targets_open(struct way *way, const struct field *field, enum sharing_level level,
                         int depth)
{
    for (size_t i = 0; i < field->reference_count; i++) {
        const struct sobject *target = schema_find(way->org->schema, field->reference_to[i]);
        struct buf inner = BUF_INIT;
        bool bounded = target && walk(way, target, "t", level, depth + 1, &inner);
        buf_free(&inner);
        if (bounded)
            return false;
    }
    return true;
}

static void by_field(struct way *way, const struct field *field, const char *alias,
                     enum sharing_level level, int depth, size_t start, struct buf *out)
{
    if (targets_open(way, field, level, depth)) {
        either(out, start);
        buf_printf(out, "%s.\"%s\" IS NOT NULL", alias, field->name);
        return;
    }
    for (size_t i = 0; i < field->reference_count; i++) {
        const struct sobject *target = schema_find(way->org->schema, field->reference_to[i]);
        if (target && target->key_prefix)
            by_target(way, field, target, alias, level, depth, start, out);
    }
}

/* Records that follow their parent. Those with an owner and no parent are the
 * owner's; those with neither are everybody's. */
static bool by_parents(struct way *way, const struct sobject *object, const char *alias,
                       enum sharing_level level, int depth, struct buf *out)
{
    const struct field *fields[2];
    size_t count = parent_fields(object, fields), start = out->len;
    bool owned = sobject_field(object, "OwnerId") != NULL, open = !owned;
    enum sharing_level above = level == SHARING_READ ? SHARING_READ : SHARING_EDIT;
    if (count == 0)
        return false;
    for (size_t i = 0; i < count && open; i++)
        open = targets_open(way, fields[i], above, depth);
    if (open)
        return false;
    by_owner(way->access, object, alias, out);
    for (size_t i = 0; i < count; i++)
        by_field(way, fields[i], alias, above, depth, start, out);
    if (!owned) {
        either(out, start);
        buf_char(out, '(');
        for (size_t i = 0; i < count; i++)
            buf_printf(out, "%s%s.\"%s\" IS NULL", i ? " AND " : "", alias, fields[i]->name);
        buf_char(out, ')');
    }
    return true;
}

/* --- all ways --- */

static bool walk(struct way *way, const struct sobject *object, const char *alias,
                 enum sharing_level level, int depth, struct buf *out)
{
    const struct access *access = way->access;
    const char *mine = personal_column(access, object, level);
    if (mine) {
        buf_printf(out, "%s.\"%s\" = '%s'", alias, mine, access->user);
        return true;
    }
    if (is_open(access, object, level) || depth > DEPTH_MAX)
        return false;
    if (access->reach[object->ordinal].model == MODEL_BY_PARENT)
        return by_parents(way, object, alias, level, depth, out);
    size_t start = out->len;
    own_ways(way, object, alias, level, out);
    by_account(way, object, alias, level, start, out);
    by_children(way, object, alias, level, start, out);
    if (out->len == start) /* no owner, no way */
        buf_char(out, '0');
    return true;
}

bool reach_sql(const struct org *org, const struct access *access, const struct sobject *object,
               const char *alias, enum sharing_level level, struct buf *out)
{
    struct way way = {.org = org, .access = access};
    struct buf inner = BUF_INIT;
    bool bounded = access && object->ordinal < access->object_count &&
                   walk(&way, object, alias, level, 0, &inner);
    if (bounded)
        buf_printf(out, "(%s)", buf_text(&inner));
    buf_free(&inner);
    return bounded;
}

bool org_sharing_sql(struct org *org, const char *user_id, const struct sobject *object,
                     const char *alias, enum sharing_level level, struct buf *out)
{
    struct access *access;
    if (access_hold(org, user_id, &access, NULL) != OK) {
        buf_char(out, '0');
        return true;
    }
    bool bounded = reach_sql(org, access, object, alias, level, out);
    access_drop(access);
    return bounded;
}

void org_owners_sql(struct org *org, const char *user_id, struct buf *out)
{
    struct access *access;
    access_hold(org, user_id, &access, NULL);
    buf_str(out, access ? access->self : "''");
    access_drop(access);
}

/* --- one record --- */

static void one_level(struct org *org, const struct access *access, const struct sobject *object,
                      enum sharing_level level, struct buf *sql)
{
    buf_str(sql, level == SHARING_READ ? "SELECT " : ", ");
    if (!reach_sql(org, access, object, "t", level, sql))
        buf_char(sql, '1');
}

enum status rights_of(struct org *org, sqlite3 *db, const struct access *access,
                      const struct sobject *object, const char *id18, struct record_rights *out,
                      struct err *err)
{
    struct buf sql = BUF_INIT;
    sqlite3_stmt *row = NULL;
    *out = (struct record_rights){0};
    for (int level = SHARING_READ; level <= SHARING_FULL; level++)
        one_level(org, access, object, (enum sharing_level)level, &sql);
    buf_printf(&sql, " FROM \"%s\" t WHERE t.\"Id\" = ?", object->name);
    enum status status = db_prepare(db, &row, buf_text(&sql), err);
    buf_free(&sql);
    if (status == OK)
        sqlite3_bind_text(row, 1, id18, -1, SQLITE_STATIC);
    if (status == OK && db_next(row, &status, err)) {
        uint8_t bits = access_object(access, object);
        bool edit = sqlite3_column_int(row, 1), full = sqlite3_column_int(row, 2);
        out->read = (bits & ORG_READ) && sqlite3_column_int(row, 0);
        out->edit = out->read && (bits & ORG_UPDATE) && edit;
        out->remove = out->read && (bits & ORG_DELETE) && full;
        out->all = out->edit && full;
        enum sharing_model model = access ? access->reach[object->ordinal].model : MODEL_FULL;
        out->transfer = out->all || (out->edit && (model == MODEL_READ_WRITE_TRANSFER ||
                                                   (access->permissions & PERMIT_TRANSFER)));
    }
    sqlite3_finalize(row);
    return status;
}

enum status org_record_rights(struct org *org, const char *user_id, const struct sobject *object,
                              const char *id18, struct record_rights *out, struct err *err)
{
    struct access *access;
    if (access_hold(org, user_id, &access, err) != OK)
        return FAIL;
    sqlite3 *db = org_reader_take(org);
    enum status status = db ? rights_of(org, db, access, object, id18, out, err)
                            : err_set(err, ERR_IO, "no database connection");
    org_reader_give(org, db);
    access_drop(access);
    return status;
}
