/* org.h - one Salesforce org: its schema, records, people, rules and clock.
 *
 * Records live in SQLite, one SQL table per SObject named exactly like it
 * ("Account"), one column per stored field named exactly like the field, plus
 * nothing else. Every table has `Id TEXT` (18 characters, unique index), and
 * `IsDeleted INTEGER`, also where the object itself has no such field (User).
 * How values are stored:
 *   id, reference, strings, picklists   TEXT, NULL for null; "" never stored
 *   boolean                             INTEGER 0 or 1, never NULL
 *   int                                 INTEGER
 *   double, currency, percent           NUMERIC: INTEGER when whole, else a double, which is
 *                                       what Salesforce's own xsd:double carries
 *   date                                TEXT yyyy-mm-dd
 *   datetime                            INTEGER ms since 1970 UTC
 *   time                                TEXT hh:mm:ss.SSSZ
 *   base64                              TEXT, the base64 as it came
 * Text columns use COLLATE NOCASE unless the field is case-sensitive (ids and
 * references are BINARY). Lookups, unique and External ID fields, Name, Email,
 * OwnerId, CreatedDate, SystemModstamp are indexed.
 *
 * Locking: org_write_begin/end serialise writers; readers use their own
 * SQLite connections (org_reader_take) in WAL mode and see a snapshot. The
 * schema changes only under the write lock; reading it needs no lock at all.
 *
 * Tables of the org's own start with "localorg_". */
#ifndef LOCALORG_ORG_ORG_H
#define LOCALORG_ORG_ORG_H

#include "base/buf.h"
#include "base/world.h"
#include "localorg/org/schema.h"

#include <sqlite3.h>

struct org;

struct org_options {
    const char *path; /* database file; NULL = a private temporary file, gone at close */
    struct world *world;
    uint64_t seed;
};

/* Opens or makes the database. A new org has no objects: org_add_describe, or
 * org_add_standard of seed/seed.h, bring them; an existing file has its own.
 * NULL with *err set on failure. */
struct org *org_open(const struct org_options *options, struct err *err);
void org_close(struct org *org); /* NULL is fine */

struct schema *org_schema(struct org *org);
int64_t org_now_ms(struct org *org);                     /* the org's (virtual) clock */
void org_clock_shift(struct org *org, int64_t shift_ms); /* moves it from here on */
void org_clock_freeze(struct org *org, bool frozen);
/* For the calling thread alone the clock of every org stands at this instant; 0: no more. */
void org_clock_pretend(int64_t ms);
const char *org_id18(const struct org *org); /* 00D... */
const char *org_id15(const struct org *org);
struct world *org_world(struct org *org);

/* As a sandbox refresh leaves it: another organization id, no login history, e-mail addresses
 * that end in .invalid. Records keep their ids. With nobody else in the org. */
enum status org_renew(struct org *org, struct err *err);

/* --- ids --- */
void id_to_18(const char *id15, char out[19]);
/* 15 or 18 characters, checksum checked; false when malformed. */
bool id_canonical(const char *text, char out[19]);
/* The id of a piece of setup by its name ("00N", "Lead.Key__c"): always the same. */
void org_setup_id(const struct org *org, const char *prefix, const char *name, char out[19]);
/* The next id of an object: prefix, pod, base62 number. Under the write lock. */
enum status org_next_id(struct org *org, const struct sobject *object, char out[19],
                        struct err *err);

/* --- people and apps (tables of their own, not SObjects; User rows mirror them) --- */
struct org_user {
    char id[19], profile_id[19];
    char username[128], name[128], email[128], timezone[64];
    bool active, system_administrator;
};
bool org_user_by_id(struct org *org, const char *id18, struct org_user *out);
bool org_user_by_name(struct org *org, const char *username, struct org_user *out);
/* Adds or replaces a user outside DML. Writing a User record does the same:
 * its ProfileId makes it a system administrator when that Profile's Name is
 * "System Administrator". */
enum status org_put_user(struct org *org, const struct org_user *user, struct err *err);
bool org_user_check_password(struct org *org, const char *username, const char *password);
enum status org_user_set_password(struct org *org, const char *username, const char *password,
                                  struct err *err);
/* When profiles, permission sets, users or their assignments last changed (or the
 * org was opened): whoever keeps a describe must ask again. No lock needed. */
int64_t org_access_changed_ms(struct org *org);
/* What Organization.IsSandbox says. Takes the write lock. */
enum status org_set_sandbox(struct org *org, bool sandbox, struct err *err);
/* Object and field access of a user: what describe allows, the user's profile and
 * permission sets grant (access.h), and org_deny did not take. user_id NULL is the system. */
enum org_access { ORG_READ = 1, ORG_CREATE = 2, ORG_UPDATE = 4, ORG_DELETE = 8 };
bool org_may_object(struct org *org, const char *user_id, const struct sobject *object,
                    enum org_access access);
bool org_may_field(struct org *org, const char *user_id, const struct field *field,
                   enum org_access access);
enum status org_deny(struct org *org, const char *user_id, const char *object,
                     const char *field /* NULL: the object */, int access_bits,
                     struct err *err); /* access_bits 0 grants all again */

/* Profiles, users and roles written past DML (seeds, loads): gives profiles their permission
 * sets, users their assignments, roles their groups. Under the write lock. */
enum status org_people_settle(struct org *org, struct err *err);

/* --- schema changes that also change tables; take the write lock themselves ---
 * Many in one go: put them between org_write_begin and org_write_end. They are
 * kept in the database and are there again when it is opened. */
enum status org_add_describe(struct org *org, const struct json *describe, struct err *err);
enum status org_add_field(struct org *org, const char *object, const struct json *field,
                          struct err *err);
/* A custom field goes, its values with it. ERR_NOT_FOUND; ERR_INVALID for a standard one. */
enum status org_drop_field(struct org *org, const char *object, const char *field, struct err *err);
/* A custom object goes, its records with it. The same errors. */
enum status org_drop_object(struct org *org, const char *object, struct err *err);
/* Moves with every change of the schema; no lock needed. */
uint64_t org_schema_version(struct org *org);

/* --- database --- */
/* The writer connection; between these two nobody else writes. `begin` opens a
 * transaction, `end` commits it, or rolls it back when !commit. The same thread
 * may nest them: inner pairs are savepoints, so several org_dml calls between
 * one begin and end stand or fall together. NULL when SQLite refuses (disk). */
sqlite3 *org_write_begin(struct org *org);
enum status org_write_end(struct org *org, bool commit, struct err *err);
/* Before and after much goes into a new org: meanwhile pages go straight into the file, once,
 * and a transaction of any size is undone by a short journal. Outside of transactions; readers
 * that are at work keep it from happening, which only costs time. */
void org_filling(struct org *org, bool on);
/* How many org_write_begin of this thread are open; 0 when it is not the writer. */
int org_write_depth(struct org *org);
/* A read-only connection from a pool, with no transaction open. A thread that is
 * between org_write_begin and _end gets the writer connection instead, so that
 * it sees its own writes: look at sqlite3_get_autocommit before BEGIN. */
sqlite3 *org_reader_take(struct org *org);
void org_reader_give(struct org *org, sqlite3 *db);
/* Does the field have an index, as a real org keeps them: Id, Name, OwnerId, CreatedDate,
 * SystemModstamp, RecordTypeId, lookups, unique and External ID fields, and those with
 * "customIndex" in their JSON (which Support sets up in a real org)? */
bool field_has_index(const struct field *field);
/* How many writes the object has seen since the org was opened; no lock needed. */
uint64_t org_changes(struct org *org, const struct sobject *object);

/* --- objects whose rows are made when asked for (AuthSession) ---
 * fn appends a JSON array of records: members are fields, booleans and numbers as
 * they are, datetimes ms. user_id is who asks; NULL for the system. Register after
 * org_open; the object must be in the schema, its own table stays empty. */
typedef void org_rows_fn(void *ctx, const char *user_id, struct buf *json);
void org_set_rows(struct org *org, const char *object, org_rows_fn *fn, void *ctx);
/* False when the object has a table like the others. */
bool org_rows(struct org *org, const struct sobject *object, const char *user_id, struct buf *json);
bool org_has_rows(const struct org *org, const struct sobject *object);

/* --- validation rules speak SOQL; its compiler is passed in, as soql includes org ---
 * Give it soql_compile once after org_open; without it, validation rules are refused. */
struct soql_plan;
struct soql_context;
typedef struct soql_plan *org_soql_fn(struct arena *arena, const struct soql_context *context,
                                      const char *text, struct err *err);
void org_set_soql(struct org *org, org_soql_fn *compile);

/* --- data storage: 2 KB a record --- */
int64_t org_storage_used_kb(struct org *org); /* counts */
/* From here on creating records is refused with STORAGE_LIMIT_EXCEEDED when it is used up;
 * 0 takes the limit away. */
void org_storage_limit(struct org *org, int64_t megabytes);

/* --- faults for tests --- */
/* The next `times` writes that touch this record, or one that points at it, fail
 * with UNABLE_TO_LOCK_ROW; with until_ms, all of them until the org's clock is
 * there. Both 0 free it; id "" stands for any record. */
struct org_row_lock {
    char id[19];
    int times;
    int64_t until_ms;
};
void org_lock_row(struct org *org, const struct org_row_lock *lock);

/* Every lock there is, as a JSON array. */
void org_locks_json(struct org *org, struct jw *w);
/* Records are stamped up to so long before they are committed, as on a busy org:
 * whole seconds, drawn anew for each call. 0: as they are committed. */
void org_set_stamp_lag(struct org *org, int64_t max_ms);
int64_t org_stamp_lag(struct org *org);

#endif
