/* fixture.c - see fixture.h. */
#include "fixture.h"

#include "base/mem.h"
#include "base/str.h"
#include "localorg/org/standard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct org *org;
struct arena *arena;
struct world *world;
struct dml_options options;
char admin[19];

static enum status add(void *ctx, const struct json *describe, struct err *err)
{
    return org_add_describe(ctx, describe, err);
}

static void open_org(const char *path)
{
    struct err err = {0};
    struct org_options how = {.path = path, .world = world, .seed = 7};
    org = org_open(&how, &err);
    CHECK_GOT(org, &err);
    if (schema_count(org_schema(org)) == 0) {
        CHECK(org_write_begin(org) != NULL);
        CHECK_OK(standard_each(NULL, add, org, &err), &err);
        CHECK_OK(org_write_end(org, true, &err), &err);
    }
}

static void reset(void)
{
    arena = arena_new();
    world = world_fake(STARTED_MS, 1);
    options = (struct dml_options){.api_version = 66.0};
}

static void given_admin(void)
{
    struct err err = {0};
    struct org_user user = {.username = "ann@example.com",
                            .name = "Ann Admin",
                            .email = "ann@example.com",
                            .timezone = "America/Los_Angeles",
                            .active = true,
                            .system_administrator = true};
    CHECK(org_write_begin(org) != NULL);
    CHECK_OK(org_next_id(org, object_of("User"), user.id, &err), &err);
    CHECK_OK(org_write_end(org, true, &err), &err);
    CHECK_OK(org_put_user(org, &user, &err), &err);
    memcpy(admin, user.id, sizeof admin);
    options.user_id = admin;
}

void given_org(void)
{
    reset();
    open_org(NULL);
    given_admin();
}

void given_org_file(const char *path)
{
    org_close(org);
    open_org(path);
    if (!org_user_by_id(org, admin, NULL))
        given_admin();
}

void org_gone(void)
{
    org_close(org);
    arena_free(arena);
    free(world);
    org = NULL;
}

const struct json *parsed(const char *text)
{
    struct err err = {0};
    const struct json *json = json_parse(arena, text, strlen(text), &err);
    CHECK_GOT(json, &err);
    return json;
}

void given_object(const char *describe)
{
    struct err err = {0};
    CHECK_OK(org_add_describe(org, parsed(describe), &err), &err);
}

void given_field(const char *object, const char *field)
{
    struct err err = {0};
    CHECK_OK(org_add_field(org, object, parsed(field), &err), &err);
}

void given_rule(const char *rule)
{
    struct err err = {0};
    CHECK_OK(org_put_rule(org, parsed(rule), &err), &err);
}

struct sobject *object_of(const char *name)
{
    struct sobject *object = schema_find(org_schema(org), name);
    CHECK(object != NULL);
    return object;
}

struct dml_result *rows(enum dml_kind kind, const char *object, const struct dml_row *given_rows,
                        size_t count)
{
    struct err err = {0};
    struct dml_result *results = arena_array(arena, count + 1, sizeof *results);
    CHECK(object_of(object) != NULL);
    CHECK_OK(org_dml(org, kind, &options, given_rows, count, results, arena, &err), &err);
    return results;
}

static struct dml_result *all(enum dml_kind kind, const char *object, const struct field *key,
                              const char *json_array)
{
    struct dml_row *list = arena_array(arena, 1000, sizeof *list);
    size_t count = 0;
    json_each(body, parsed(json_array)) {
        list[count++] =
            (struct dml_row){.object = object_of(object),
                             .body = body,
                             .id = kind == DML_UPDATE ? json_get_text(body, "Id") : NULL,
                             .key = key};
    }
    return rows(kind, object, list, count);
}

struct dml_result *insert_all(const char *object, const char *json_array)
{
    return all(DML_INSERT, object, NULL, json_array);
}

struct dml_result *update_all(const char *object, const char *json_array)
{
    return all(DML_UPDATE, object, NULL, json_array);
}

struct dml_result *upsert_all(const char *object, const char *key, const char *json_array)
{
    return all(DML_UPSERT, object, sobject_field(object_of(object), key), json_array);
}

struct dml_result *inserted(const char *object, const char *body)
{
    struct dml_row row = {.object = object_of(object), .body = parsed(body)};
    return rows(DML_INSERT, object, &row, 1);
}

struct dml_result *updated(const char *object, const char *id, const char *body)
{
    struct dml_row row = {.object = object_of(object), .body = parsed(body), .id = id};
    return rows(DML_UPDATE, object, &row, 1);
}

struct dml_result *upserted(const char *object, const char *key, const char *value,
                            const char *body)
{
    struct dml_row row = {.object = object_of(object),
                          .body = parsed(body),
                          .key = sobject_field(object_of(object), key),
                          .key_value = value};
    return rows(DML_UPSERT, object, &row, 1);
}

struct dml_result *deleted(const char *object, const char *id)
{
    struct dml_row row = {.object = object_of(object), .id = id};
    return rows(DML_DELETE, object, &row, 1);
}

struct dml_result *undeleted(const char *object, const char *id)
{
    struct dml_row row = {.object = object_of(object), .id = id};
    return rows(DML_UNDELETE, object, &row, 1);
}

const char *given(const char *object, const char *body)
{
    struct dml_result *result = inserted(object, body);
    CHECK_OUTCOME(result, "done");
    return result->id;
}

const char *outcome(const struct dml_result *result)
{
    if (result->success)
        return "done";
    struct buf text = BUF_INIT;
    for (const struct dml_error *error = result->errors; error; error = error->next) {
        buf_printf(&text, "%s%s: %s [", text.len ? " / " : "", error->status_code, error->message);
        for (size_t i = 0; i < error->field_count; i++)
            buf_printf(&text, "%s%s", i ? "," : "", error->fields[i]);
        buf_char(&text, ']');
    }
    const char *kept = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return kept;
}

const char *stored(const char *object, const char *id, const char *column)
{
    sqlite3 *db = org_reader_take(org);
    sqlite3_stmt *get = NULL;
    char *sql = mem_printf("SELECT \"%s\" FROM \"%s\" WHERE \"Id\" = '%s'", column, object, id);
    const char *text = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &get, NULL) != SQLITE_OK)
        text = arena_strdup(arena, sqlite3_errmsg(db));
    else if (sqlite3_step(get) == SQLITE_ROW)
        text = arena_strdup(arena, (const char *)sqlite3_column_text(get, 0));
    sqlite3_finalize(get);
    org_reader_give(org, db);
    free(sql);
    return text;
}

int64_t counted(const char *sql)
{
    sqlite3 *db = org_reader_take(org);
    sqlite3_stmt *get = NULL;
    CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &get, NULL), SQLITE_OK);
    int64_t count = sqlite3_step(get) == SQLITE_ROW ? sqlite3_column_int64(get, 0) : -1;
    sqlite3_finalize(get);
    org_reader_give(org, db);
    return count;
}
