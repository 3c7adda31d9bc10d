/* people.c - who may sign in, and what was taken from them.
 *
 * The rows are in localorg_user and localorg_denied; all of them are also kept
 * in memory, so that a token or a query costs no SQL. Memory is refreshed from
 * the tables when a transaction that touched them ends, either way. Passwords
 * are kept as libsodium hashes with the least cost: this is a test org. */
#include "localorg/org/access_priv.h"

#include "base/str.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

_Static_assert(sizeof(((struct person *)0)->password) >= crypto_pwhash_STRBYTES, "password hash");

/* --- loading --- */

#define COPY(to, from) snprintf((to), sizeof(to), "%s", (from))

static void person_read(sqlite3_stmt *row, struct person *person)
{
    memset(person, 0, sizeof *person);
    COPY(person->user.id, db_text(row, 0));
    COPY(person->user.username, db_text(row, 1));
    COPY(person->user.name, db_text(row, 2));
    COPY(person->user.email, db_text(row, 3));
    COPY(person->user.timezone, db_text(row, 4));
    COPY(person->user.profile_id, db_text(row, 5));
    person->user.active = sqlite3_column_int(row, 6);
    person->user.system_administrator = sqlite3_column_int(row, 7);
    COPY(person->password, db_text(row, 8));
}

static void people_swap(struct org *org, person_list *people, denial_list *denials)
{
    pthread_rwlock_wrlock(&org->people_lock);
    person_list old_people = org->people;
    denial_list old_denials = org->denials;
    org->people = *people;
    org->denials = *denials;
    pthread_rwlock_unlock(&org->people_lock);
    *people = old_people;
    *denials = old_denials;
}

enum status people_load(struct org *org, struct err *err)
{
    sqlite3_stmt *users = NULL, *denied = NULL;
    if (db_prepare(org->db, &users,
                   "SELECT id, username, name, email, timezone, profile_id, active, admin, password"
                   " FROM localorg_user ORDER BY id",
                   err) != OK)
        return FAIL;
    if (db_prepare(org->db, &denied, "SELECT user_id, object, field, bits FROM localorg_denied",
                   err) != OK) {
        sqlite3_finalize(users);
        return FAIL;
    }
    enum status status = OK;
    person_list people = {0};
    denial_list denials = {0};
    while (db_next(users, &status, err)) {
        struct person person;
        person_read(users, &person);
        vec_push(&people, person);
    }
    while (db_next(denied, &status, err)) {
        struct denial denial = {.bits = sqlite3_column_int(denied, 3)};
        COPY(denial.user, db_text(denied, 0));
        COPY(denial.object, db_text(denied, 1));
        COPY(denial.field, db_text(denied, 2));
        vec_push(&denials, denial);
    }
    sqlite3_finalize(users);
    sqlite3_finalize(denied);
    if (status == OK)
        people_swap(org, &people, &denials);
    vec_free(&people);
    vec_free(&denials);
    return status;
}

void people_free(struct org *org)
{
    vec_free(&org->people);
    vec_free(&org->denials);
}

/* --- asking --- */

/* Under people_lock. People are sorted by id. */
static struct person *person_by_id(struct org *org, const char *id)
{
    size_t low = 0, high = org->people.len;
    while (id && low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(org->people.at[middle].user.id, id);
        if (order == 0)
            return &org->people.at[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct person *person_by_name(struct org *org, const char *username)
{
    for (size_t i = 0; username && i < org->people.len; i++)
        if (strcasecmp(org->people.at[i].user.username, username) == 0)
            return &org->people.at[i];
    return NULL;
}

bool org_user_by_id(struct org *org, const char *id18, struct org_user *out)
{
    pthread_rwlock_rdlock(&org->people_lock);
    struct person *person = person_by_id(org, id18);
    if (person && out)
        *out = person->user;
    pthread_rwlock_unlock(&org->people_lock);
    return person != NULL;
}

bool org_user_by_name(struct org *org, const char *username, struct org_user *out)
{
    pthread_rwlock_rdlock(&org->people_lock);
    struct person *person = person_by_name(org, username);
    if (person && out)
        *out = person->user;
    pthread_rwlock_unlock(&org->people_lock);
    return person != NULL;
}

bool org_user_check_password(struct org *org, const char *username, const char *password)
{
    char hash[sizeof(((struct person *)0)->password)] = "";
    pthread_rwlock_rdlock(&org->people_lock);
    struct person *person = person_by_name(org, username);
    if (person)
        COPY(hash, person->password);
    pthread_rwlock_unlock(&org->people_lock);
    return *hash && password && crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

void people_default_user(struct org *org, char out[19])
{
    pthread_rwlock_rdlock(&org->people_lock);
    const struct org_user *best = NULL;
    for (size_t i = 0; i < org->people.len; i++) {
        const struct org_user *user = &org->people.at[i].user;
        if (user->active && (!best || (user->system_administrator && !best->system_administrator)))
            best = user;
    }
    if (best)
        memcpy(out, best->id, 19);
    else
        id_make("005", org->pod, 1, out);
    pthread_rwlock_unlock(&org->people_lock);
}

/* --- changing --- */

static enum status user_store(struct org *org, const struct org_user *user, struct err *err)
{
    sqlite3_stmt *put = NULL;
    if (db_prepare(org->db, &put,
                   "INSERT INTO localorg_user (id, username, name, email, timezone, profile_id,"
                   " active, admin) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT (id) DO UPDATE SET username = excluded.username,"
                   " name = excluded.name, email = excluded.email, timezone = excluded.timezone,"
                   " profile_id = excluded.profile_id, active = excluded.active,"
                   " admin = excluded.admin",
                   err) != OK)
        return FAIL;
    const char *texts[] = {user->id,    user->username, user->name,
                           user->email, user->timezone, user->profile_id};
    for (int i = 0; i < 6; i++)
        sqlite3_bind_text(put, i + 1, texts[i], -1, SQLITE_STATIC);
    sqlite3_bind_int(put, 7, user->active);
    sqlite3_bind_int(put, 8, user->system_administrator);
    enum status status = db_run(put, err);
    sqlite3_finalize(put);
    org->people_dirty = true;
    return status == OK ? permits_assign(org, user->id, user->profile_id, err) : status;
}

enum status org_put_user(struct org *org, const struct org_user *user, struct err *err)
{
    struct org_user given = *user;
    if (!id_canonical(user->id, given.id) || !*user->username)
        return err_set(err, ERR_INVALID, "a user needs an id and a username");
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    enum status status = user_store(org, &given, err);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

enum status org_user_set_password(struct org *org, const char *username, const char *password,
                                  struct err *err)
{
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_MIN,
                          crypto_pwhash_MEMLIMIT_MIN) != 0)
        return err_set(err, ERR_IO, "cannot hash a password");
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    sqlite3_stmt *put = NULL;
    enum status status =
        db_prepare(org->db, &put, "UPDATE localorg_user SET password = ? WHERE username = ?", err);
    if (status == OK) {
        sqlite3_bind_text(put, 1, hash, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, username, -1, SQLITE_STATIC);
        status = db_run(put, err);
        if (status == OK && sqlite3_changes(org->db) == 0)
            status = err_set(err, ERR_NOT_FOUND, "no user %s", username);
    }
    sqlite3_finalize(put);
    org->people_dirty = true;
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

/* --- roles --- */

enum status people_role_groups(struct org *org, struct err *err)
{
    static const char *const types[] = {"Role", "RoleAndSubordinates"};
    const struct sobject *group = schema_find(org->schema, "Group");
    struct table *table;
    enum status status = OK;
    if (!group || !sobject_field(group, "RelatedId") || !schema_find(org->schema, "UserRole"))
        return OK;
    if (table_ready(org, group, &table, err) != OK)
        return FAIL;
    for (size_t i = 0; i < 2 && status == OK; i++) {
        sqlite3_stmt *roles = NULL, *put = NULL;
        char id[19];
        status = db_prepare(org->db, &roles,
                            "SELECT \"Id\", \"DeveloperName\" FROM \"UserRole\" WHERE \"Id\" NOT IN"
                            " (SELECT \"RelatedId\" FROM \"Group\" WHERE \"Type\" = ? AND"
                            " \"RelatedId\" IS NOT NULL) ORDER BY 1",
                            err);
        if (status == OK)
            status =
                db_prepare(org->db, &put,
                           "INSERT INTO \"Group\" (\"Id\", \"IsDeleted\", \"DeveloperName\","
                           " \"RelatedId\", \"Type\", \"OwnerId\", \"CreatedDate\","
                           " \"LastModifiedDate\", \"SystemModstamp\") VALUES (?1, 0, ?2, ?3, ?4,"
                           " ?5, ?6, ?6, ?6)",
                           err);
        sqlite3_bind_text(roles, 1, types[i], -1, SQLITE_STATIC);
        while (status == OK && db_next(roles, &status, err)) {
            if ((status = org_next_id(org, group, id, err)) != OK)
                break;
            sqlite3_bind_text(put, 1, id, -1, SQLITE_STATIC);
            sqlite3_bind_text(put, 2, db_text(roles, 1), -1, SQLITE_TRANSIENT);
            sqlite3_bind_text(put, 3, db_text(roles, 0), -1, SQLITE_TRANSIENT);
            sqlite3_bind_text(put, 4, types[i], -1, SQLITE_STATIC);
            sqlite3_bind_text(put, 5, org->id, -1, SQLITE_STATIC);
            sqlite3_bind_int64(put, 6, org_now_ms(org));
            status = db_run(put, err);
        }
        sqlite3_finalize(roles);
        sqlite3_finalize(put);
    }
    org->access_dirty = true;
    return status;
}

/* --- User records --- */

static enum status profile_is_admin(struct org *org, const char *profile_id, bool *admin,
                                    struct err *err)
{
    struct sobject *profile = schema_find(org->schema, "Profile");
    struct table *table;
    *admin = false;
    if (!profile)
        return OK;
    if (table_ready(org, profile, &table, err) != OK)
        return FAIL;
    sqlite3_stmt *get = NULL;
    enum status status =
        db_prepare(org->db, &get, "SELECT \"Name\" FROM \"Profile\" WHERE \"Id\" = ?", err);
    if (status == OK) {
        sqlite3_bind_text(get, 1, profile_id, -1, SQLITE_STATIC);
        *admin = db_next(get, &status, err) && text_eq(db_text(get, 0), "System Administrator");
    }
    sqlite3_finalize(get);
    return status;
}

/* The columns of User that matter here; a schema without one reads NULL. */
static const char *const user_columns[] = {"Username",       "Name",      "Email",
                                           "TimeZoneSidKey", "ProfileId", "IsActive"};

enum status people_from_record(struct org *org, const char *id18, struct err *err)
{
    struct sobject *object = schema_find(org->schema, "User");
    struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT ");
    for (size_t i = 0; i < sizeof user_columns / sizeof *user_columns; i++) {
        if (sobject_field(object, user_columns[i]))
            quote_name(&sql, user_columns[i]);
        else
            buf_str(&sql, "NULL");
        buf_str(&sql, ", ");
    }
    buf_str(&sql, "\"IsDeleted\" FROM \"User\" WHERE \"Id\" = ?");
    sqlite3_stmt *get = NULL;
    enum status status = db_prepare(org->db, &get, buf_text(&sql), err);
    buf_free(&sql);
    if (status != OK)
        return FAIL;
    sqlite3_bind_text(get, 1, id18, -1, SQLITE_STATIC);
    if (db_next(get, &status, err) && *db_text(get, 0)) {
        struct org_user user = {0};
        COPY(user.id, id18);
        COPY(user.username, db_text(get, 0));
        COPY(user.name, db_text(get, 1));
        COPY(user.email, db_text(get, 2));
        COPY(user.timezone, db_text(get, 3));
        COPY(user.profile_id, db_text(get, 4));
        user.active = sqlite3_column_int(get, 5) && !sqlite3_column_int(get, 6);
        status = profile_is_admin(org, user.profile_id, &user.system_administrator, err);
        if (status == OK)
            status = user_store(org, &user, err);
    }
    sqlite3_finalize(get);
    return status;
}

/* --- access --- */

enum status org_deny(struct org *org, const char *user_id, const char *object, const char *field,
                     int access_bits, struct err *err)
{
    char id[19];
    struct sobject *found = schema_find(org->schema, object);
    if (!id_canonical(user_id, id) || !org_user_by_id(org, id, NULL))
        return err_set(err, ERR_NOT_FOUND, "no user %s", user_id ? user_id : "");
    if (!found || (field && !sobject_field(found, field)))
        return err_set(err, ERR_NOT_FOUND, "no field %s of %s", field ? field : "",
                       object ? object : "");
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    sqlite3_stmt *put = NULL;
    enum status status =
        db_prepare(org->db, &put,
                   access_bits ? "INSERT OR REPLACE INTO localorg_denied VALUES (?1, ?2, ?3, ?4)"
                               : "DELETE FROM localorg_denied WHERE user_id = ?1 AND object = ?2"
                                 " AND field = ?3 AND ?4 = 0",
                   err);
    if (status == OK) {
        sqlite3_bind_text(put, 1, id, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, found->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 3, field ? field : "", -1, SQLITE_STATIC);
        sqlite3_bind_int(put, 4, access_bits);
        status = db_run(put, err);
    }
    sqlite3_finalize(put);
    org->people_dirty = true;
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}
