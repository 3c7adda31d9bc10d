/* scenario.c - a scenario is a list of control requests in disguise: whatever the
 * control API refuses, a scenario refuses in the same words. */
#include "localorg/rest/scenario.h"

#include "base/str.h"
#include "localorg/org/dml.h"
#include "localorg/rest/routes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define FILE_MAX    (64 * MIB)

/* Members in the order they are applied, whatever order the file has. */
static const struct {
    const char *member, *path;
} members[] = {
    {"clock", "/localorg/clock"},
    {"schema", "/localorg/schema"},
    {"load", NULL},
    {"users", "/localorg/users"},
    {"records", NULL},
    {"sharing", "/localorg/sharing"},
    {"rules", "/localorg/rules"},
    {"policies", "/localorg/policies"},
    {"reports", "/localorg/reports"},
    {"limits", "/localorg/limits"},
    {"latency", "/localorg/latency"},
    {"faults", "/localorg/faults"},
    {"then", NULL},
};

static const char *text_of(struct arena *arena, const struct json *value)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, value);
    const char *kept = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return kept;
}

/* One control request; its refusal, in the control API's words. */
static enum status post(struct site *site, struct arena *arena, const char *method,
                        const char *path, const char *body, struct err *err)
{
    struct buf answer = BUF_INIT;
    int status = routes_control(site, arena, method, path, body, &answer);
    if (status >= 400) {
        const struct json *json = json_parse(arena, buf_text(&answer), answer.len, NULL);
        const struct json *error = json_get(json, "error");
        const char *message = json_get_text(error, "message"), *hint = json_get_text(error, "hint");
        err_set(err, ERR_INVALID, "%s %s: %s", method, path,
                message         ? message
                : status == 404 ? "there is no such control route"
                                : "refused");
        if (hint)
            err_hint(err, "%s", hint);
    }
    buf_free(&answer);
    return status >= 400 ? FAIL : OK;
}

enum status scenario_steps(struct site *site, struct arena *arena, const struct json *steps,
                           struct err *err)
{
    json_each(step, steps) {
        struct err local = {{0}};
        const char *method = json_get_text(step, "method"), *path = json_get_text(step, "path");
        const struct json *body = json_get(step, "body");
        if (!path)
            err_set(&local, ERR_INVALID, "a step is {\"method\", \"path\", \"body\"}");
        else
            post(site, arena, method ? method : "POST", path, body ? text_of(arena, body) : NULL,
                 &local);
        if (local.code[0] && err) {
            *err = local;
            return FAIL;
        }
    }
    return OK;
}

static enum status load_paths(struct site *site, struct arena *arena, const struct json *paths,
                              struct err *err)
{
    const struct json *first = json_is(paths, JSON_ARRAY) ? paths->first : paths;
    for (const struct json *path = first; path;
         path = json_is(paths, JSON_ARRAY) ? path->next : NULL) {
        const char *text = json_text(path);
        if (!text)
            return err_set(err, ERR_INVALID, "load holds paths");
        if (post(site, arena, "POST",
                 arena_printf(arena, "/localorg/load?path=%s", uri_encoded(arena, text)), NULL,
                 err) != OK)
            return FAIL;
    }
    return OK;
}

/* {"Account":[{..}]}: written by the system, ids and audit fields allowed. */
static enum status write_records(struct site *site, struct arena *arena, const struct json *records,
                                 struct err *err)
{
    struct dml_options options = {.system = true, .all_or_none = true, .api_version = 66.0};
    json_each(list, records) {
        const struct sobject *object = schema_find(org_schema(site->org), list->key);
        if (!object || !json_is(list, JSON_ARRAY))
            return err_set(err, ERR_INVALID,
                           "records holds lists of records by object; \"%s\" is %s", list->key,
                           object ? "no list" : "no object");
        struct dml_row *rows = arena_array(arena, list->len + 1, sizeof *rows);
        struct dml_result *results = arena_array(arena, list->len + 1, sizeof *results);
        size_t count = 0;
        json_each(record, list)
            rows[count++] = (struct dml_row){.object = object, .body = record};
        if (org_dml(site->org, DML_INSERT, &options, rows, count, results, arena, err) != OK)
            return FAIL;
        for (size_t i = 0; i < count; i++)
            if (!results[i].success && results[i].errors &&
                !text_eq(results[i].errors->status_code, "ALL_OR_NONE_OPERATION_ROLLED_BACK"))
                return err_set(err, ERR_INVALID, "records: %s %zu: %s: %s", object->name, i + 1,
                               results[i].errors->status_code, results[i].errors->message);
    }
    return OK;
}

static enum status check_members(const struct json *scenario, struct err *err)
{
    const char *names[COUNT(members)];
    if (!json_is(scenario, JSON_OBJECT))
        return err_set(err, ERR_INVALID, "a scenario is a JSON object");
    for (size_t i = 0; i < COUNT(members); i++)
        names[i] = members[i].member;
    json_each(member, scenario) {
        bool known = text_eq(member->key, "description");
        for (size_t i = 0; i < COUNT(members); i++)
            known |= text_eq(member->key, names[i]);
        if (known)
            continue;
        err_set(err, ERR_INVALID, "a scenario knows no \"%s\"", member->key);
        const char *near = text_nearest(member->key, names, COUNT(members));
        if (near)
            err_hint(err, "did you mean \"%s\"?", near);
        else
            err_hint(err, "clock, schema, load, users, records, sharing, rules, policies, reports, "
                          "limits, latency, faults, then");
        return FAIL;
    }
    return OK;
}

enum status scenario_apply(struct site *site, struct arena *arena, const struct json *scenario,
                           bool rows, struct err *err)
{
    if (check_members(scenario, err) != OK)
        return FAIL;
    for (size_t i = 0; i < COUNT(members); i++) {
        const struct json *value = json_get(scenario, members[i].member);
        enum status status = OK;
        bool brings_rows =
            text_eq(members[i].member, "load") || text_eq(members[i].member, "records");
        if (!value || (brings_rows && !rows))
            continue;
        if (members[i].path)
            status = post(site, arena, "POST", members[i].path, text_of(arena, value), err);
        else if (text_eq(members[i].member, "load"))
            status = load_paths(site, arena, value, err);
        else if (text_eq(members[i].member, "records"))
            status = write_records(site, arena, value, err);
        else
            status = scenario_steps(site, arena, value, err);
        if (status != OK)
            return err_wrap(err, "scenario");
    }
    return OK;
}

enum status scenario_file(struct site *site, const char *path, bool rows, struct err *err)
{
    struct arena *arena = arena_new();
    struct buf text = BUF_UP_TO(FILE_MAX);
    char piece[8192];
    size_t got;
    FILE *file = fopen(path, "rb");
    if (!file) {
        arena_free(arena);
        return err_set(err, ERR_NOT_FOUND, "cannot read the scenario %s: %s", path,
                       strerror(errno));
    }
    while ((got = fread(piece, 1, sizeof piece, file)) > 0)
        buf_append(&text, piece, got);
    fclose(file);
    const struct json *scenario =
        text.overflow ? NULL : json_parse(arena, buf_text(&text), text.len, err);
    enum status status = text.overflow ? err_set(err, ERR_TOO_LARGE, "%s is too large", path)
                         : scenario    ? scenario_apply(site, arena, scenario, rows, err)
                                       : FAIL;
    buf_free(&text);
    arena_free(arena);
    return status == OK ? OK : err_wrap(err, "%s", path);
}
