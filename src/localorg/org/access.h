/* access.h - what a user may do, and which records they reach.
 *
 * Three questions, in Salesforce's order: system permissions (API Enabled, View
 * All Data ...), object and field permissions, record access (sharing). The
 * first two come from the user's profile and permission sets, the third from
 * ownership, the role hierarchy, share rows, sharing rules and parents. All of
 * them are rows: Profile, PermissionSet, PermissionSetAssignment,
 * ObjectPermissions, FieldPermissions, UserRole, Group, GroupMember, AccountShare
 * and the like; org-wide defaults and sharing rules are set with
 * org_sharing_put. What org_deny took away stays away whatever they grant.
 *
 * A user's rights are worked out once and kept until a commit changes one of
 * those rows. A user whose profile has no permission set of its own (an org
 * without people in it, a unit test) may do everything describe allows.
 *
 * Source: Salesforce Security Guide, Object Reference (PermissionSet,
 * ObjectPermissions, FieldPermissions, UserRecordAccess, AccountShare). */
#ifndef LOCALORG_ORG_ACCESS_H
#define LOCALORG_ORG_ACCESS_H

#include "localorg/org/org.h"

/* --- system permissions: boolean fields "Permissions..." of PermissionSet and Profile --- */
enum org_permission {
    PERMIT_API = 1 << 0,
    PERMIT_VIEW_ALL_DATA = 1 << 1,
    PERMIT_MODIFY_ALL_DATA = 1 << 2,
    PERMIT_VIEW_SETUP = 1 << 3,
    PERMIT_MANAGE_USERS = 1 << 4,
    PERMIT_ASSIGN_SETS = 1 << 5,
    PERMIT_MANAGE_SETS = 1 << 6,
    PERMIT_CUSTOMIZE = 1 << 7,
    PERMIT_API_ONLY = 1 << 8,
    PERMIT_SSO = 1 << 9,
    PERMIT_ANY_CLIENT = 1 << 10,
    PERMIT_UNINSTALLED_APPS = 1 << 11,
    PERMIT_HARD_DELETE = 1 << 12,
    PERMIT_TRANSFER = 1 << 13,
    PERMIT_RUN_REPORTS = 1 << 14,
    PERMIT_EXPORT_REPORTS = 1 << 15
};
/* All that the user has; NULL, the system, has all. */
unsigned org_permissions(struct org *org, const char *user_id);
static inline bool org_permitted(struct org *org, const char *user_id, enum org_permission one)
{
    return (org_permissions(org, user_id) & (unsigned)one) != 0;
}
/* Name of the licence the user's profile belongs to ("Salesforce"); "" when unknown. */
void org_user_licence(struct org *org, const char *user_id, char out[80]);
/* Name of the user's profile; "" when unknown. */
void org_user_profile(struct org *org, const char *user_id, char out[80]);
/* Does the user hold a permission set of this Name (not one owned by a profile)? */
bool org_user_has_set(struct org *org, const char *user_id, const char *name);

/* --- records --- */
enum sharing_level {
    SHARING_READ,
    SHARING_EDIT,
    SHARING_FULL /* delete and transfer: the owner, whoever stands above, Modify All */
};
/* Appends a condition over the object's table, called `alias` in the statement,
 * that holds for the records within the user's reach at this level. False, and
 * nothing appended, when that is every record: administrators pay nothing. */
bool org_sharing_sql(struct org *org, const char *user_id, const struct sobject *object,
                     const char *alias, enum sharing_level level, struct buf *out);

struct record_rights {
    bool read, edit, remove, transfer, all;
};
/* Sharing and object permissions together, as UserRecordAccess answers it. A
 * record that is not there: all false. FAIL only when the org itself failed. */
enum status org_record_rights(struct org *org, const char *user_id, const struct sobject *object,
                              const char *id18, struct record_rights *out, struct err *err);

/* Appends the user's id and those of their queues: a list for OwnerId IN (..). */
void org_owners_sql(struct org *org, const char *user_id, struct buf *out);

/* --- org-wide defaults and sharing rules ---
 * {"object":"Account","default":"Private","hierarchies":true,"rules":[{"name","from":{..},
 *  "where":"<SOQL condition>","to":{..},"access":"Read"|"Edit"}]}; docs/localorg/control.md has
 * the forms of from and to. Members not given stay. Replaces rules as a whole. */
enum status org_sharing_put(struct org *org, const struct json *sharing, struct err *err);
/* An array: every object whose default is not an open one, or that has rules. */
void org_sharing_json(struct org *org, struct jw *w);

/* Writes down, as rows of ObjectPermissions and FieldPermissions, what profiles
 * grant by themselves; before somebody reads or changes those rows. Cheap when
 * it was done already. */
enum status org_permissions_write(struct org *org, struct err *err);

#endif
