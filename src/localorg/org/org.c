/* org.c - opening an org, its identity, its clock, and how its schema grows.
 *
 * Call order: org_open, org_set_soql, then schema (org_add_describe), people
 * and records in any order, org_close. */
#include "localorg/org/access_priv.h"

#include "base/str.h"
#include "base/when.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* --- identity --- */

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* A new org's id and pod come from its seed alone. */
static enum status identity_make(struct org *org, struct err *err)
{
    struct rng rng = {org->seed ^ 0x6f7267ull};
    org->pod[0] = base62[10 + rng_below(&rng, 52)]; /* a letter, as on real pods */
    org->pod[1] = base62[10 + rng_below(&rng, 52)];
    id_make("00D", org->pod, 1000000 + rng_below(&rng, 1000000000), org->id);
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)org->seed);
    if (meta_put(org, "id", org->id, err) != OK || meta_put(org, "pod", org->pod, err) != OK)
        return FAIL;
    return meta_put(org, "seed", seed, err);
}

static enum status identity_load(struct org *org, struct err *err)
{
    char seed[32], shift[32];
    if (meta_get(org, "id", org->id, sizeof org->id, err) != OK ||
        meta_get(org, "pod", org->pod, sizeof org->pod, err) != OK ||
        meta_get(org, "seed", seed, sizeof seed, err) != OK ||
        meta_get(org, "shift_ms", shift, sizeof shift, err) != OK)
        return FAIL;
    if (!*org->id && identity_make(org, err) != OK)
        return FAIL;
    if (*seed)
        org->seed = strtoull(seed, NULL, 10);
    if (*shift)
        atomic_store(&org->shift_ms, strtoll(shift, NULL, 10));
    memcpy(org->id_short, org->id, 15);
    return OK;
}

static enum status renew_rows(struct org *org, const char *before, struct err *err)
{
    struct schema *schema = org->schema;
    char *sql = sqlite3_mprintf("UPDATE \"Organization\" SET \"Id\" = %Q WHERE \"Id\" = %Q",
                                org->id, before);
    enum status status = schema_find(schema, "Organization") ? db_exec(org->db, err, sql) : OK;
    sqlite3_free(sql);
    if (status == OK && schema_find(schema, "LoginHistory"))
        status = db_exec(org->db, err, "DELETE FROM \"LoginHistory\"");
    if (status == OK && schema_find(schema, "User"))
        status = db_exec(org->db, err,
                         "UPDATE \"User\" SET \"Email\" = \"Email\" || '.invalid' WHERE \"Email\""
                         " NOT LIKE '%.invalid'");
    return status;
}

enum status org_renew(struct org *org, struct err *err)
{
    char before[19];
    uint64_t number;
    memcpy(before, org->id, sizeof before);
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    if (!id_number(before, org->pod, &number))
        number = 1;
    id_make("00D", org->pod, number + 1, org->id);
    enum status status = meta_put(org, "id", org->id, err);
    if (status == OK)
        status = renew_rows(org, before, err);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    if (status != OK || ended != OK)
        memcpy(org->id, before, sizeof before);
    memcpy(org->id_short, org->id, 15);
    return status == OK ? ended : status;
}

/* --- the schema, kept and brought back --- */

static enum status schema_restore(struct org *org, const char *sql, bool fields, struct err *err)
{
    sqlite3_stmt *rows = NULL;
    if (db_prepare(org->db, &rows, sql, err) != OK)
        return FAIL;
    enum status status = OK;
    struct arena *arena = arena_new();
    while (status == OK && db_next(rows, &status, err)) {
        const char *text = db_text(rows, 1);
        const struct json *json = json_parse(arena, text, strlen(text), err);
        struct sobject *object = schema_find(org->schema, db_text(rows, 0));
        if (!json || (fields && !object)) {
            status = json ? OK : FAIL;
        } else if (fields) {
            status = schema_add_field(org->schema, object, json, NULL, err);
        } else {
            status = schema_add_describe(org->schema, json, &object, err);
            if (status == OK)
                object->modified_ms = sqlite3_column_int64(rows, 2);
        }
        arena_reset(arena);
    }
    arena_free(arena);
    sqlite3_finalize(rows);
    return status;
}

static enum status schema_load(struct org *org, struct err *err)
{
    if (schema_restore(org,
                       "SELECT object, describe, modified_ms FROM localorg_schema"
                       " ORDER BY position",
                       false, err) != OK)
        return err_wrap(err, "reading the schema");
    if (schema_restore(org, "SELECT object, describe, 0 FROM localorg_field ORDER BY position",
                       true, err) != OK)
        return err_wrap(err, "reading the schema");
    org->generation++;
    return OK;
}

/* The describe as it came, with the key prefix the object got written into it. */
static enum status schema_keep(struct org *org, const struct sobject *object,
                               const struct json *describe, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    json_each(member, describe) {
        if (text_eq(member->key, "keyPrefix"))
            continue;
        jw_key(&w, member->key);
        jw_value(&w, member);
    }
    jw_kv_text(&w, "keyPrefix", object->key_prefix);
    jw_end_object(&w);

    sqlite3_stmt *put = NULL;
    enum status status =
        db_prepare(org->db, &put,
                   "INSERT INTO localorg_schema (object, describe, modified_ms) VALUES (?, ?, ?)"
                   " ON CONFLICT (object) DO UPDATE SET describe = excluded.describe,"
                   " modified_ms = excluded.modified_ms",
                   err);
    if (status == OK) {
        sqlite3_bind_text(put, 1, object->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, buf_text(&text), (int)text.len, SQLITE_STATIC);
        sqlite3_bind_int64(put, 3, object->modified_ms);
        status = db_run(put, err);
    }
    sqlite3_finalize(put);
    buf_free(&text);
    put = NULL;
    if (status == OK)
        status = db_prepare(org->db, &put, "DELETE FROM localorg_field WHERE object = ?", err);
    if (status == OK) {
        sqlite3_bind_text(put, 1, object->name, -1, SQLITE_STATIC);
        status = db_run(put, err);
    }
    sqlite3_finalize(put);
    return status;
}

static enum status field_keep(struct org *org, const struct sobject *object,
                              const struct field *field, const struct json *json, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, json);
    sqlite3_stmt *put = NULL;
    enum status status = db_prepare(
        org->db, &put,
        "INSERT OR REPLACE INTO localorg_field (object, field, describe) VALUES (?, ?, ?)", err);
    if (status == OK) {
        sqlite3_bind_text(put, 1, object->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, field->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 3, buf_text(&text), (int)text.len, SQLITE_STATIC);
        status = db_run(put, err);
    }
    sqlite3_finalize(put);
    buf_free(&text);
    return status;
}

enum status org_add_describe(struct org *org, const struct json *describe, struct err *err)
{
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    struct sobject *object = NULL;
    enum status status = schema_add_describe(org->schema, describe, &object, err);
    schema_touched(org, status == OK ? object : NULL);
    if (status == OK) {
        object->modified_ms = org_now_ms(org) / 1000 * 1000;
        status = schema_keep(org, object, describe, err);
    }
    if (status == OK)
        status = table_ensure(org, object, err);
    if (status == OK)
        status = permits_schema_grew(org, object, err);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

enum status org_add_field(struct org *org, const char *object_name, const struct json *json,
                          struct err *err)
{
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    struct sobject *object = schema_find(org->schema, object_name);
    struct field *field = NULL;
    enum status status =
        object ? OK : err_set(err, ERR_NOT_FOUND, "no object %s", object_name ? object_name : "");
    if (status == OK)
        status = schema_add_field(org->schema, object, json, &field, err);
    schema_touched(org, object);
    if (status == OK) {
        object->modified_ms = org_now_ms(org) / 1000 * 1000;
        status = field_keep(org, object, field, json, err);
    }
    if (status == OK)
        status = table_ensure(org, object, err);
    if (status == OK)
        status = permits_schema_grew(org, object, err);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

/* --- open and close --- */

static enum status org_load(struct org *org, struct err *err)
{
    if (db_open(org, err) != OK || identity_load(org, err) != OK || schema_load(org, err) != OK ||
        people_load(org, err) != OK || events_load(org, err) != OK || sharing_load(org, err) != OK)
        return FAIL;
    return rules_load(org, err) == OK && flows_load(org, err) == OK ? views_load(org, err) : FAIL;
}

struct org *org_open(const struct org_options *options, struct err *err)
{
    if (sodium_init() < 0) {
        err_set(err, ERR_IO, "libsodium cannot start");
        return NULL;
    }
    struct org *org = mem_alloc(sizeof *org);
    org->world = options->world ? options->world : world_real();
    org->seed = options->seed;
    org->path = mem_strdup(options->path);
    org->schema = schema_new();
    org->rule_arena = arena_new();
    org->flow_arena = arena_new();
    org->views = views_new();
    pthread_mutex_init(&org->write_lock, NULL);
    pthread_mutex_init(&org->pool_lock, NULL);
    pthread_mutex_init(&org->faults_lock, NULL);
    pthread_mutex_init(&org->counts_lock, NULL);
    pthread_rwlock_init(&org->people_lock, NULL);
    atomic_store(&org->frozen_at, INT64_MIN);
    atomic_store(&org->access_changed_ms, org_now_ms(org) / 1000 * 1000);
    org_set_overflow(org, 0);
    if (org_load(org, err) == OK)
        return org;
    err_wrap(err, "opening org %s", options->path ? options->path : "(temporary)");
    org_close(org);
    return NULL;
}

void org_close(struct org *org)
{
    if (!org)
        return;
    if (org->db && atomic_load(&org->clock_dirty) && org_write_begin(org))
        org_write_end(org, true, NULL);
    if (org->db && org->durable)
        views_save(org, NULL);
    tables_free(org);
    events_free(org);
    db_close(org);
    views_free(org->views);
    people_free(org);
    access_free(org);
    sharing_free(org);
    vec_free(&org->touched);
    vec_free(&org->touched_marks);
    vec_free(&org->row_locks);
    vec_free(&org->made_rows);
    vec_free(&org->counts);
    arena_free(org->rule_arena);
    arena_free(org->flow_arena);
    schema_free(org->schema);
    pthread_mutex_destroy(&org->write_lock);
    pthread_mutex_destroy(&org->pool_lock);
    pthread_mutex_destroy(&org->faults_lock);
    pthread_mutex_destroy(&org->counts_lock);
    pthread_rwlock_destroy(&org->people_lock);
    free(org->path);
    free(org->directory);
    free(org);
}

struct schema *org_schema(struct org *org)
{
    return org->schema;
}

const char *org_id18(const struct org *org)
{
    return org->id;
}

const char *org_id15(const struct org *org)
{
    return org->id_short;
}

struct world *org_world(struct org *org)
{
    return org->world;
}

void org_set_soql(struct org *org, org_soql_fn *compile)
{
    org->soql = compile;
}

/* --- rows that are made --- */

void org_set_rows(struct org *org, const char *object, org_rows_fn *fn, void *ctx)
{
    vec_push(&org->made_rows, ((struct made_rows){object, fn, ctx}));
}

static const struct made_rows *made_rows(const struct org *org, const struct sobject *object)
{
    for (size_t i = 0; i < org->made_rows.len; i++)
        if (text_eq(org->made_rows.at[i].object, object->name))
            return &org->made_rows.at[i];
    return NULL;
}

bool org_has_rows(const struct org *org, const struct sobject *object)
{
    return made_rows(org, object) != NULL;
}

bool org_rows(struct org *org, const struct sobject *object, const char *user_id, struct buf *json)
{
    const struct made_rows *made = made_rows(org, object);
    if (made)
        made->fn(made->ctx, user_id, json);
    return made != NULL;
}

/* --- the clock --- */

static _Thread_local int64_t pretended_ms;

void org_clock_pretend(int64_t ms)
{
    pretended_ms = ms;
}

int64_t org_now_ms(struct org *org)
{
    if (pretended_ms)
        return pretended_ms;
    int64_t frozen = atomic_load(&org->frozen_at);
    int64_t base = frozen != INT64_MIN ? frozen : org->world->now_ms(org->world);
    return base + atomic_load(&org->shift_ms);
}

void org_clock_shift(struct org *org, int64_t shift_ms)
{
    atomic_fetch_add(&org->shift_ms, shift_ms);
    atomic_store(&org->clock_dirty, true);
}

void org_clock_freeze(struct org *org, bool frozen)
{
    int64_t running = INT64_MIN;
    if (!frozen)
        atomic_store(&org->frozen_at, INT64_MIN);
    else
        atomic_compare_exchange_strong(&org->frozen_at, &running, org->world->now_ms(org->world));
}

/* --- forced row locks --- */

void org_lock_row(struct org *org, const struct org_row_lock *lock)
{
    struct org_row_lock given = *lock;
    if (*given.id)
        id_canonical(lock->id, given.id);
    pthread_mutex_lock(&org->faults_lock);
    size_t kept = 0;
    for (size_t i = 0; i < org->row_locks.len; i++)
        if (strcmp(org->row_locks.at[i].id, given.id) != 0)
            org->row_locks.at[kept++] = org->row_locks.at[i];
    org->row_locks.len = kept;
    if (given.times > 0 || given.until_ms > 0)
        vec_push(&org->row_locks, given);
    atomic_store(&org->row_lock_count, org->row_locks.len);
    pthread_mutex_unlock(&org->faults_lock);
}

bool row_lock_hits(struct org *org, const char *id18)
{
    if (atomic_load(&org->row_lock_count) == 0)
        return false;
    bool hit = false;
    pthread_mutex_lock(&org->faults_lock);
    for (size_t i = 0; i < org->row_locks.len && !hit; i++) {
        struct org_row_lock *lock = &org->row_locks.at[i];
        if (*lock->id && strcmp(lock->id, id18) != 0)
            continue;
        if (lock->until_ms) {
            hit = org_now_ms(org) < lock->until_ms;
            if (!hit)
                org->row_locks.at[i--] = org->row_locks.at[--org->row_locks.len];
            continue;
        }
        hit = true;
        if (--lock->times <= 0)
            org->row_locks.at[i] = org->row_locks.at[--org->row_locks.len];
    }
    atomic_store(&org->row_lock_count, org->row_locks.len);
    pthread_mutex_unlock(&org->faults_lock);
    return hit;
}

static enum status say_sandbox(struct org *org, bool sandbox, struct err *err)
{
    const struct sobject *organization = schema_find(org->schema, "Organization");
    struct table *table;
    if (!organization || !sobject_field(organization, "IsSandbox"))
        return OK;
    if (table_ready(org, organization, &table, err) != OK)
        return FAIL;
    return db_exec(org->db, err,
                   sandbox ? "UPDATE \"Organization\" SET \"IsSandbox\" = 1"
                           : "UPDATE \"Organization\" SET \"IsSandbox\" = 0");
}

enum status org_set_sandbox(struct org *org, bool sandbox, struct err *err)
{
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "the org's database cannot be written");
    enum status rc = say_sandbox(org, sandbox, err);
    enum status ended = org_write_end(org, rc == OK, rc == OK ? err : NULL);
    return rc == OK ? ended : rc;
}

void org_locks_json(struct org *org, struct jw *w)
{
    char until[32];
    jw_array(w);
    pthread_mutex_lock(&org->faults_lock);
    for (size_t i = 0; i < org->row_locks.len; i++) {
        const struct org_row_lock *lock = &org->row_locks.at[i];
        jw_object(w);
        jw_kv_text(w, "id", lock->id);
        if (lock->until_ms) {
            when_iso(lock->until_ms, until);
            jw_kv_text(w, "until", until);
        } else {
            jw_kv_int(w, "times", lock->times);
        }
        jw_end_object(w);
    }
    pthread_mutex_unlock(&org->faults_lock);
    jw_end_array(w);
}

/* --- stamps before the commit --- */

void org_set_stamp_lag(struct org *org, int64_t max_ms)
{
    atomic_store(&org->stamp_lag_ms, max_ms > 0 ? max_ms : 0);
}

int64_t org_stamp_lag(struct org *org)
{
    return atomic_load(&org->stamp_lag_ms);
}

int64_t org_stamp_now(struct org *org)
{
    int64_t lag_ms = atomic_load(&org->stamp_lag_ms), now_ms = org_now_ms(org);
    struct rng rng = {org->seed ^ ++org->stamps_drawn};
    if (lag_ms)
        now_ms -= (int64_t)rng_below(&rng, (uint64_t)lag_ms + 1);
    return now_ms / 1000 * 1000;
}

int64_t org_access_changed_ms(struct org *org)
{
    return atomic_load(&org->access_changed_ms);
}
