/* org.h - one Salesforce org: its schema, records, people, rules and clock.
 *
 * Records live in SQLite, one SQL table per SObject named exactly like it
 * ("Account"), one column per stored field named exactly like the field, plus
 * nothing else. Every table has `Id TEXT` (18 characters, unique index), and
 * `IsDeleted INTEGER`. How values are stored:
 *   id, reference, strings, picklists   TEXT, NULL for null; "" never stored
 *   boolean                             INTEGER 0 or 1, never NULL
 *   int                                 INTEGER
 *   double, currency, percent           NUMERIC affinity: SQLite keeps decimal text that a
 *                                       double cannot hold as TEXT, so no digit is lost
 *   date                                TEXT yyyy-mm-dd
 *   datetime                            INTEGER ms since 1970 UTC
 *   time                                TEXT hh:mm:ss.SSSZ
 * Text columns use COLLATE NOCASE unless the field is case-sensitive (ids and
 * references are BINARY). Lookups, unique and External ID fields, Name, Email,
 * OwnerId, CreatedDate, SystemModstamp are indexed.
 *
 * Locking: org_write_begin/end serialise writers; readers use their own
 * SQLite connections (org_reader_take) in WAL mode and see a snapshot. The
 * schema changes only under the write lock. */
#ifndef LOCALORG_ORG_ORG_H
#define LOCALORG_ORG_ORG_H

#include "base/world.h"
#include "localorg/org/schema.h"

#include <sqlite3.h>

struct org;

struct org_options {
    const char *path;   /* database file; NULL = a private temporary file, gone at close */
    struct world *world;
    uint64_t seed;
};

struct org *org_open(const struct org_options *options, struct err *err);
void org_close(struct org *org);

struct schema *org_schema(struct org *org);
int64_t org_now_ms(struct org *org);                    /* the org's (virtual) clock */
void org_clock_shift(struct org *org, int64_t shift_ms); /* moves it from here on */
void org_clock_freeze(struct org *org, bool frozen);
const char *org_id18(const struct org *org);            /* 00D... */
const char *org_id15(const struct org *org);
struct world *org_world(struct org *org);

/* --- ids --- */
void id_to_18(const char *id15, char out[19]);
/* 15 or 18 characters, checksum checked; false when malformed. */
bool id_canonical(const char *text, char out[19]);
/* The next id of an object: prefix, pod, base62 number. Under the write lock. */
enum status org_next_id(struct org *org, const struct sobject *object, char out[19], struct err *err);

/* --- people and apps (tables of their own, not SObjects; User rows mirror them) --- */
struct org_user {
    char id[19], profile_id[19];
    char username[128], name[128], email[128], timezone[64];
    bool active, system_administrator;
};
bool org_user_by_id(struct org *org, const char *id18, struct org_user *out);
bool org_user_by_name(struct org *org, const char *username, struct org_user *out);
bool org_user_check_password(struct org *org, const char *username, const char *password);
enum status org_user_set_password(struct org *org, const char *username, const char *password, struct err *err);
/* Object and field access of a user: system administrators see and write all
 * that describe allows; others may have been denied by org_deny. */
enum org_access { ORG_READ = 1, ORG_CREATE = 2, ORG_UPDATE = 4, ORG_DELETE = 8 };
bool org_may_object(struct org *org, const char *user_id, const struct sobject *object, enum org_access access);
bool org_may_field(struct org *org, const char *user_id, const struct field *field, enum org_access access);
enum status org_deny(struct org *org, const char *user_id, const char *object, const char *field /* NULL: the object */,
                     int access_bits, struct err *err); /* access_bits 0 grants all again */

/* --- schema changes that also change tables; take the write lock themselves --- */
enum status org_add_describe(struct org *org, const struct json *describe, struct err *err);
enum status org_add_field(struct org *org, const char *object, const struct json *field, struct err *err);

/* --- database --- */
/* The writer connection; between these two nobody else writes. `begin` opens a
 * transaction, `end` commits it, or rolls it back when !commit. */
sqlite3 *org_write_begin(struct org *org);
enum status org_write_end(struct org *org, bool commit, struct err *err);
/* A read-only connection from a pool, with no transaction open. */
sqlite3 *org_reader_take(struct org *org);
void org_reader_give(struct org *org, sqlite3 *db);

#endif
