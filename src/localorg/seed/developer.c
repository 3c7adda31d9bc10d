/* developer.c - the rows a new Developer Edition org comes with: names and
 * amounts, as facts, from developer-edition.json. Descriptions are left out. */
#include "localorg/seed/seed_priv.h"

#include "base/map.h"
#include "base/str.h"
#include "developer_files.h"
#include "localorg/org/dml.h"

#include <string.h>

static const struct json *read_data(struct arena *arena, struct err *err)
{
    const struct embedded_file *file = &developer_files[0];
    return json_parse(arena, file->text, file->len, err);
}

enum status seed_developer_fields(struct org *org, struct err *err)
{
    struct arena *arena = arena_new();
    const struct json *data = read_data(arena, err);
    enum status rc = data ? OK : FAIL;
    json_each(object, json_get(data, "fields")) {
        json_each(field, object) {
            if (rc == OK)
                rc = org_add_field(org, object->key, field, err);
        }
    }
    arena_free(arena);
    return rc;
}

/* --- rows --- */

struct rows {
    struct seeding *s;
    struct arena *arena;
    struct map *ids; /* "a01" -> id */
};

/* Copies a record for DML: "@a01" becomes an id; "ref" and Email stay behind. Two of
 * the real org's addresses are ones the API refuses, so Email goes in below it. */
static const struct json *body_of(struct rows *r, const struct json *record)
{
    struct json *body = arena_alloc(r->arena, sizeof *body), **next = &body->first;
    body->type = JSON_OBJECT;
    json_each(member, record) {
        if (text_eq(member->key, "ref") || text_eq(member->key, "Email"))
            continue;
        struct json *copy = arena_alloc(r->arena, sizeof *copy);
        *copy = *member;
        copy->next = NULL;
        if (member->type == JSON_STRING && *member->text == '@') {
            copy->text = map_get(r->ids, member->text + 1);
            copy->len = 18;
        }
        *next = copy;
        next = &copy->next;
        body->len++;
    }
    return body;
}

static enum status put_email(struct rows *r, const char *object, const char *id, const char *email,
                             struct err *err)
{
    sqlite3_stmt *put = NULL;
    char *sql = sqlite3_mprintf("UPDATE \"%w\" SET Email = ? WHERE Id = ?", object);
    int rc = sqlite3_prepare_v2(r->s->db, sql, -1, &put, NULL);
    sqlite3_free(sql);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(put, 1, email, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, id, -1, SQLITE_STATIC);
        rc = sqlite3_step(put);
    }
    sqlite3_finalize(put);
    return rc == SQLITE_DONE
               ? OK
               : err_set(err, ERR_IO, "e-mail of %s: %s", object, sqlite3_errmsg(r->s->db));
}

static enum status add_record(struct rows *r, const char *object, const struct json *record,
                              struct err *err)
{
    struct dml_options options = {
        .user_id = r->s->people[PERSON_ADMIN], .system = true, .api_version = 60.0};
    struct dml_row row = {.object = schema_find(org_schema(r->s->org), object),
                          .body = body_of(r, record)};
    struct dml_result result = {0};
    if (org_dml(r->s->org, DML_INSERT, &options, &row, 1, &result, r->arena, err) != OK)
        return FAIL;
    if (!result.success)
        return err_set(err, ERR_INVALID, "%s of the Developer Edition rows: %s", object,
                       result.errors ? result.errors->message : "refused");
    const char *ref = json_get_text(record, "ref"), *email = json_get_text(record, "Email");
    if (ref)
        map_put(r->ids, ref, arena_strdup(r->arena, result.id));
    return email ? put_email(r, object, result.id, email, err) : OK;
}

enum status seed_developer(struct seeding *s, struct err *err)
{
    struct rows r = {.s = s, .arena = arena_new(), .ids = map_new()};
    const struct json *data = read_data(r.arena, err);
    enum status rc = data ? OK : FAIL;
    json_each(object, json_get(data, "records")) {
        json_each(record, object) {
            if (rc == OK)
                rc = add_record(&r, object->key, record, err);
        }
    }
    map_free(r.ids);
    arena_free(r.arena);
    return rc;
}
