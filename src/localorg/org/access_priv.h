/* access_priv.h - what permits.c, access.c, sharing.c and reach.c share.
 *
 *   permits.c   which permissions there are, what profiles grant by themselves,
 *               the rows that say so
 *   access.c    one user's rights, worked out and kept
 *   sharing.c   org-wide defaults and sharing rules
 *   reach.c     the records within a user's reach, as SQL */
#ifndef LOCALORG_ORG_ACCESS_PRIV_H
#define LOCALORG_ORG_ACCESS_PRIV_H

#include "localorg/org/access.h"
#include "localorg/org/org_priv.h"

/* Beside enum org_access, in the same byte. */
enum { ORG_VIEW_ALL = 16, ORG_MODIFY_ALL = 32, ORG_EVERYTHING = 63 };
#define ORG_CRUD (ORG_READ | ORG_CREATE | ORG_UPDATE | ORG_DELETE)

/* --- permits.c --- */
struct permission {
    const char *field; /* of PermissionSet and Profile */
    enum org_permission bit;
};
extern const struct permission permissions[];
extern const size_t permission_count;

/* Who decides about an object. */
enum governed {
    GOVERNED_BY_ROWS,   /* ObjectPermissions of its own */
    GOVERNED_BY_PARENT, /* those of another object */
    GOVERNED_OPEN,      /* everyone */
    GOVERNED_BY_SETUP   /* everyone reads; writing needs a system permission */
};
struct governor {
    enum governed kind;
    const char *parent;
    enum org_permission permission;
};
struct governor permits_governor(const struct sobject *object);

/* What a profile of this name grants while no rows say otherwise. */
struct template
{
    uint8_t objects; /* bits for each object governed by rows */
    bool fields, edit_fields;
};
struct template permits_template(const char *profile_name);

/* The permission set a profile owns; "" when it has none. Made when missing and
 * `make`; its flags follow the profile's. */
enum status permits_of_profile(struct org *org, const char *profile_id, bool make, char set_id[19],
                               struct err *err);
/* The user's assignment to the set of their profile, and to no other profile's. */
enum status permits_assign(struct org *org, const char *user_id, const char *profile_id,
                           struct err *err);
/* Profile and owned set say the same: `changed` is the one that was written. */
enum status permits_mirror(struct org *org, const char *changed_id, bool is_profile,
                           struct err *err);
/* New fields and objects: visible to whom the template lets see, once rows are written. */
enum status permits_schema_grew(struct org *org, const struct sobject *object, struct err *err);

/* --- org-wide defaults --- */
enum sharing_model {
    MODEL_PRIVATE,
    MODEL_READ,
    MODEL_READ_WRITE,
    MODEL_READ_WRITE_TRANSFER,
    MODEL_FULL,
    MODEL_BY_PARENT
};

/* A sharing rule that reaches the user: alias."column" IN (sql). */
struct reach_rule {
    bool edit;
    const char *column, *sql;
};
/* How one object is shared, as far as one user is concerned. */
struct reach {
    enum sharing_model model;
    bool hierarchies;
    struct reach_rule *rules;
    size_t rule_count;
};

/* --- access.c --- */
struct access {
    _Atomic int holders;
    char user[19], role[19], profile[19];
    char profile_name[80], licence[80];
    uint64_t generation;
    int64_t until_ms; /* when an assignment expires; INT64_MAX = never */
    unsigned permissions;
    struct arena *arena;
    uint8_t *objects; /* by ordinal */
    uint8_t **fields; /* by ordinal; NULL = all of the object's; else by field index: ORG_ bits */
    size_t *field_counts;
    struct reach *reach; /* by ordinal */
    size_t object_count;
    VEC(const char *) sets;  /* Ids of permission sets, the profile's own first */
    VEC(const char *) names; /* and Names of those that are no profile's */
    /* lists of quoted ids for IN (...), never empty */
    const char *self;   /* the user and their queues */
    const char *owners; /* and everyone below them in the role hierarchy */
    const char *groups; /* the user and all groups they belong to */
    /* what the user's role gives on account_children of their own accounts: 0 none, 1 read, 2 edit
     */
    uint8_t account_rights[3];
};
/* The user's rights, held for the caller until access_drop; NULL with OK for the system (no
 * user). FAIL with NULL when they could not be read: then nothing is allowed. */
enum status access_hold(struct org *org, const char *user_id, struct access **out, struct err *err);
void access_drop(struct access *access); /* NULL is fine */
void access_forget(struct org *org);     /* after a commit that changed what decides */
void access_free(struct org *org);
/* Does writing records of this object change anyone's rights? */
bool access_depends_on(const char *object_name);

static inline uint8_t access_object(const struct access *access, const struct sobject *object)
{
    if (!access || object->ordinal >= access->object_count)
        return ORG_EVERYTHING;
    return access->objects[object->ordinal];
}

static inline uint8_t access_field(const struct access *access, const struct field *field)
{
    size_t at = field->owner->ordinal;
    if (!access || at >= access->object_count || !access->fields[at] ||
        field->index >= access->field_counts[at])
        return ORG_EVERYTHING;
    return access->fields[at][field->index];
}

/* --- sharing.c --- */
enum status sharing_load(struct org *org, struct err *err);
void sharing_free(struct org *org);
/* Fills access->reach, whose owners and groups are known; reads through db. */
enum status sharing_reach(struct org *org, sqlite3 *db, struct access *access, struct err *err);
/* The share object of an object ("AccountShare", "Thing__Share"), NULL when it has none yet,
 * and the share's fields that name the record and the level. */
const struct sobject *sharing_rows(const struct org *org, const struct sobject *object,
                                   const struct field **record, const struct field **level);

/* --- reach.c --- */
/* Is `field` one by which the object's records follow a parent? */
bool reach_follows(const struct sobject *object, const struct field *field);
#define ACCOUNT_CHILDREN 3
struct account_child {
    const char *object, *role_field;
};
extern const struct account_child account_children[ACCOUNT_CHILDREN];
/* As org_record_rights, on this connection. */
enum status rights_of(struct org *org, sqlite3 *db, const struct access *access,
                      const struct sobject *object, const char *id18, struct record_rights *out,
                      struct err *err);
/* As org_sharing_sql. */
bool reach_sql(const struct org *org, const struct access *access, const struct sobject *object,
               const char *alias, enum sharing_level level, struct buf *out);

#endif
