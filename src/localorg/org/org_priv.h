/* org_priv.h - the inside of an org, for the files of this room.
 *
 * Who guards what:
 *   write lock   the writer connection, tables, numbers, rules, schema changes
 *   pool_lock    idle reader connections
 *   people_lock  users, denials, rights and sharing kept in memory
 *   faults_lock  forced row locks
 *   counts_lock  numbers of rows, for storage
 *   atomics      the clock */
#ifndef LOCALORG_ORG_ORG_PRIV_H
#define LOCALORG_ORG_ORG_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "localorg/org/dml.h"
#include "localorg/org/events.h"
#include "localorg/org/org.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* A statement kept for one object and one list of fields. */
struct shape {
    uint64_t hash;
    uint16_t count;
    uint16_t *fields;
    sqlite3_stmt *statement;
};

struct default_cell {
    uint16_t field;
    enum { DEFAULT_TEXT, DEFAULT_INT, DEFAULT_REAL, DEFAULT_TODAY, DEFAULT_NOW } kind;
    const char *text;
    int64_t integer;
    double real;
};

struct auto_number { /* an auto-number field and its next number */
    uint16_t field;
    const char *name;
    int64_t next;
};

#define NO_FIELD UINT16_MAX

struct touched;
struct views;

/* One object's SQL table, as the writer sees it. */
struct table {
    const struct sobject *object;
    bool exists;          /* in the database, all columns there */
    uint64_t next_number; /* of the next record id */
    bool numbers_loaded, numbers_dirty;
    _Atomic uint64_t changes;

    /* what every write of the object needs to know; rebuilt when the schema
     * changes (table_plan) */
    uint64_t plan_generation;
    struct arena *arena;
    uint16_t created_date, created_by, modified_date, modified_by, modstamp, owner, name;
    uint16_t first_name, middle_name, last_name, suffix; /* NO_FIELD unless Name is made of them */
    struct default_cell *defaults;
    size_t default_count;
    uint16_t *required;
    size_t required_count;
    uint16_t *uniques;
    size_t unique_count;
    enum standard_kind {
        STANDARD_NONE,
        STANDARD_LEAD,
        STANDARD_OPPORTUNITY,
        STANDARD_CASE,
        STANDARD_TASK,
        STANDARD_CAMPAIGN_MEMBER,
        STANDARD_USER,
        STANDARD_PUSH_TOPIC,
        STANDARD_ATTACHMENT, /* dml_files.c */
        STANDARD_DOCUMENT,
        STANDARD_CONTENT_VERSION,
        STANDARD_PROFILE, /* and below: dml_people.c */
        STANDARD_PERMISSION_SET,
        STANDARD_ASSIGNMENT,
        STANDARD_OBJECT_PERMISSIONS,
        STANDARD_FIELD_PERMISSIONS,
        STANDARD_ROLE
    } standard;
    bool decides_access; /* its rows say what people may do */
    struct auto_number *autos;
    size_t auto_count;

    VEC(struct shape) inserts;
    VEC(struct shape) updates;
    VEC(struct shape) finders; /* SELECT Id, IsDeleted WHERE field = ? */
    VEC(struct shape) readers; /* SELECT field WHERE Id = ? */
    sqlite3_stmt *locate;      /* IsDeleted by Id */
    sqlite3_stmt *mark;        /* set IsDeleted */
    sqlite3_stmt *snapshot;    /* the whole record ?1 */

    struct touched *touched; /* touched.h; NULL: nobody asks */
    bool captured, watched;  /* its changes become events; PushTopics ask about them */
    char schema_id[24];      /* of its change events */
};

struct person {
    struct org_user user;
    char password[128]; /* crypto_pwhash_str; "" = cannot log in */
};

struct denial {
    char user[19];
    char object[81], field[81]; /* field "" = the object */
    int bits;
};

typedef VEC(struct person) person_list;
typedef VEC(struct denial) denial_list;

struct counted { /* live rows of an object as of so many changes */
    bool known;
    uint64_t changes;
    int64_t rows;
};

struct made_rows { /* org_set_rows */
    const char *object;
    org_rows_fn *fn;
    void *ctx;
};

struct rule;

struct org {
    struct world *world;
    uint64_t seed;
    char id[19], id_short[16], pod[3];
    char *path, *directory; /* directory: made for a private temporary file */
    bool durable;

    struct schema *schema;
    uint64_t generation; /* moves with every schema change */
    VEC(struct sobject *) touched; /* by this transaction: org_schema.c */
    VEC(size_t) touched_marks;     /* where each inner step began */
    struct table **tables;
    size_t table_count;
    VEC(struct table **) old_tables; /* lists that were outgrown */
    sqlite3_stmt *save_number;

    pthread_mutex_t write_lock;
    _Atomic uintptr_t writer; /* the thread inside org_write_begin, or 0 */
    int depth;
    bool poisoned; /* an inner begin or end failed: the outer one cannot commit */
    sqlite3 *db;
    bool people_dirty, rules_dirty, schema_dirty; /* by this transaction */
    bool access_dirty, sharing_dirty;
    _Atomic int64_t access_changed_ms; /* when it last committed what users may do */

    struct views *views;

    pthread_mutex_t pool_lock;
    VEC(sqlite3 *) idle;

    _Atomic int64_t shift_ms, frozen_at; /* frozen_at INT64_MIN: running */
    _Atomic bool clock_dirty;

    pthread_rwlock_t people_lock;
    person_list people; /* sorted by id */
    denial_list denials;
    struct map *access;  /* user id -> struct access (access_priv.h) */
    struct map *sharing; /* object -> its JSON, on sharing_arena */
    struct arena *sharing_arena;
    _Atomic uint64_t access_generation; /* rights worked out before are stale */
    _Atomic bool permissions_written;
    pthread_mutex_t counts_lock;
    VEC(struct counted) counts;                        /* storage.c, by ordinal */
    _Atomic int64_t storage_limit_kb, storage_used_kb; /* limit 0: none */

    struct arena *rule_arena;
    struct rule *rules;
    struct arena *flow_arena;
    struct flow *flows;
    int flow_depth; /* flows that write inside flows that write */
    org_soql_fn *soql;

    /* events.c, capture.c; the members are guarded by people_lock */
    int64_t replay_last, purge_at_ms, overflow_after;
    _Atomic int64_t replay_forgotten;
    sqlite3_stmt *put_event;
    bool events_new, members_dirty; /* by this transaction */
    VEC(struct org_member) members;
    char watched[4096]; /* " Account Lead " */
    struct capture *capture;
    void (*on_events)(void *ctx);
    void *on_events_ctx;
    org_change_fn *on_change;
    void *on_change_ctx;
    VEC(struct made_rows) made_rows;

    pthread_mutex_t faults_lock;
    VEC(struct org_row_lock) row_locks;
    _Atomic int64_t stamp_lag_ms;
    uint64_t stamps_drawn; /* under the write lock */
    _Atomic size_t row_lock_count;
};

/* --- org.c --- */
bool row_lock_hits(struct org *org, const char *id18); /* counts it down */
int64_t org_stamp_now(struct org *org); /* what a write stamps, whole seconds; under the write lock */

/* --- ids.c --- */
void id_make(const char *prefix, const char *pod, uint64_t number, char out[19]);
bool id_number(const char *id, const char *pod, uint64_t *number); /* false: not of this pod */
uint64_t id_first_number(const struct org *org, const struct sobject *object);

/* --- org_db.c: connections --- */
enum status db_open(struct org *org, struct err *err);
void db_close(struct org *org);
enum status db_exec(sqlite3 *db, struct err *err, const char *sql);
enum status db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *sql, struct err *err);
enum status db_fail(sqlite3 *db, const char *doing, struct err *err); /* returns FAIL */
/* One more row? On an error false, with *status FAIL and err set. */
bool db_next(sqlite3_stmt *statement, enum status *status, struct err *err);
/* Steps to the end and resets; for statements that return no rows. */
enum status db_run(sqlite3_stmt *statement, struct err *err);
const char *db_text(sqlite3_stmt *row, int column); /* "" for NULL; lent until the next step */
enum status meta_put(struct org *org, const char *key, const char *value, struct err *err);
/* Into out (size bytes), "" when absent. */
enum status meta_get(struct org *org, const char *key, char *out, size_t size, struct err *err);

/* --- org_schema.c --- */
/* The schema has changed; the object (NULL: none) is made anew on a rollback. */
void schema_touched(struct org *org, struct sobject *object);
/* After a rollback: the objects touched since `mark` as the database has them. */
void schema_revert(struct org *org, size_t mark);

/* --- tables.c: SQL tables of SObjects --- */
/* Closes every kept statement: before a table is dropped. */
void tables_forget_statements(struct org *org);
/* Creates the table or adds what its object has gained. */
enum status table_ensure(struct org *org, const struct sobject *object, struct err *err);
/* The table with its plan current and its numbers loaded. */
enum status table_ready(struct org *org, const struct sobject *object, struct table **out,
                        struct err *err);
/* After a rollback that took tables or columns with it: looked at again when next used. */
void tables_doubt(struct org *org);
enum status table_save_numbers(struct org *org, struct err *err);
void tables_free(struct org *org);
void quote_name(struct buf *out, const char *name); /* "Order", quotes doubled */

/* --- views.c --- */
struct views *views_new(void);
void views_free(struct views *views);                   /* NULL is fine */
bool views_register(struct views *views, sqlite3 *db); /* the SQL function */
enum status views_save(struct org *org, struct err *err);
enum status views_load(struct org *org, struct err *err);

/* --- touched.c --- */
void touched_add(struct org *org, struct table *table, const char *id18);
void touched_free(struct touched *touched);

/* --- storage.c --- */
bool storage_has_room(struct org *org, const struct sobject *object);
void storage_moved(struct org *org, const struct sobject *object, int records);

/* --- people.c --- */
enum status people_load(struct org *org, struct err *err);
void people_free(struct org *org);
/* Copies a User record into localorg_user, after it was written. */
enum status people_from_record(struct org *org, const char *id18, struct err *err);
/* Gives every role without them its two groups (Role, RoleAndSubordinates). */
enum status people_role_groups(struct org *org, struct err *err);
/* Whom a write without a user is put down to. */
void people_default_user(struct org *org, char out[19]);

/* --- events.c, capture.c: changes to events --- */
enum status events_load(struct org *org, struct err *err);
enum status members_load(struct org *org, struct err *err);
void events_free(struct org *org);
/* Is the object selected in a channel? *watched: somebody else asks about its changes. */
bool events_want(struct org *org, const struct sobject *object, bool *watched);
/* Turns what the transaction changed into events; then what must be kept of them. */
enum status capture_commit(struct org *org, struct err *err);
enum status events_before_commit(struct org *org, struct err *err);
void capture_clear(struct org *org); /* the transaction is over */
void capture_free(struct capture *capture);

/* --- rules.c --- */
enum status rules_load(struct org *org, struct err *err);
/* Keeps the JSON under its name. */
enum status rule_store(struct org *org, const char *name, const struct json *json, struct err *err);
/* rule_rows.c: a duplicate rule as rows of DuplicateRule, MatchingRule and MatchingRuleItem,
 * within the open transaction; dropping one that was never put is fine. */
struct rule_rows {
    const char *name, *object, *matching_rule, *engine, *match_object;
    const char *const *match_fields;
    size_t field_count;
    bool active;
};
enum status rule_rows_put(struct org *org, const struct rule_rows *rows, struct err *err);
enum status rule_rows_drop(struct org *org, const char *name, struct err *err);


/* --- flows.c --- */
bool flow_is(const struct json *json); /* a flow or an assignment rule */
enum status flow_put(struct org *org, const struct json *json, struct err *err);
enum status flows_load(struct org *org, struct err *err);
/* Binds a plan's values from ?1 on; rules and sharing cannot reach soql's own. */
bool plan_bind(sqlite3_stmt *statement, const struct soql_plan *plan);

#endif
