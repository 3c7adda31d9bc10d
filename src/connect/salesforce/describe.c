/* describe.c - what the connected user can see: objects, fields, choices.
 *
 * Each object is asked for once a session and kept until it closes; between
 * sessions it may be kept, too (crm_kept), and is then asked for only if it has
 * changed since. Salesforce counts changes of permissions and profiles as changes
 * (REST API guide, Describe Global, If-Modified-Since); a day is trusted at most.
 * What describe leaves out is hidden from this user or does not exist: the two
 * cannot be told apart, so the hint speaks of both. */
#include "connect/salesforce/load_priv.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

static const char *text_of(struct arena *arena, const struct json *object, const char *key)
{
    return arena_strdup(arena, json_get_text(object, key));
}

/* -------------------------------------------------------------- what is kept */

#define KEPT_MOST_MS ((int64_t)24 * 3600 * 1000)
#define SETTLED_MS   2000

/* Last-Modified has seconds: a change in the same second would go unnoticed. */
static bool settled(const struct sf *sf, const char *modified)
{
    int64_t at;
    return modified && when_parse_http(modified, &at) && sf->crm.server_date_ms - at >= SETTLED_MS;
}

static const struct json *kept_take(struct sf *sf, struct arena *arena, const char *name,
                                    const char **modified)
{
    const char *text = NULL;
    int64_t kept_ms = 0;
    struct err ignored = {0};
    *modified = NULL;
    if (!sf->crm.kept)
        return NULL;
    sf->crm.kept->get(sf->crm.kept->ctx, arena, name, &text, modified, &kept_ms);
    if (!text || !*modified || sf->world->now_ms(sf->world) - kept_ms > KEPT_MOST_MS)
        return NULL;
    return json_parse(arena, text, strlen(text), &ignored); /* damaged: asked for anew */
}

/* A describe, as it is now. */
static enum status kept_read(struct sf *sf, struct sf_call *call, const char *name,
                             struct arena *arena, const struct json **body, struct err *err)
{
    const char *modified;
    const struct json *kept = kept_take(sf, arena, name, &modified);
    struct sf_conditional conditional = {0};
    struct http_header since = {"If-Modified-Since", modified, NULL};
    call->conditional = &conditional;
    call->headers = kept ? &since : NULL;
    if (sf_read(sf, call, arena, body, err) != OK)
        return FAIL;
    if (conditional.unchanged)
        *body = kept;
    else if (sf->crm.kept && settled(sf, conditional.modified))
        sf->crm.kept->put(sf->crm.kept->ctx, name, conditional.text, conditional.modified);
    return OK;
}

/* ---------------------------------------------------------- all objects */

static enum status names_load(struct sf *sf, struct err *err)
{
    struct sf_call call = {.path = "/sobjects/", .what = "listing the objects"};
    struct arena *arena;
    const struct json *body = NULL;
    if (sf->named)
        return OK;
    arena = arena_new();
    enum status rc = kept_read(sf, &call, "", arena, &body, err);
    const struct json *list = json_get(body, "sobjects");
    if (rc == OK && !json_is(list, JSON_ARRAY))
        rc = err_set(err, ERR_CRM_UNREACHABLE,
                     "listing the objects: Salesforce sent something else");
    if (rc == OK) {
        sf->crm.calls_one_each++;
        sf->names = arena_array(sf->arena, list->len + 1, sizeof *sf->names);
        sf->prefixes = arena_array(sf->arena, list->len + 1, sizeof *sf->prefixes);
        json_each(object, list) {
            if (!json_get_text(object, "name"))
                continue;
            sf->names[sf->name_count] = text_of(sf->arena, object, "name");
            sf->prefixes[sf->name_count++] = text_of(sf->arena, object, "keyPrefix");
        }
        sf->named = true;
    }
    arena_free(arena);
    return rc;
}

enum status sf_objects(struct crm_session *session, const char *const **names, size_t *count,
                       struct err *err)
{
    struct sf *sf = sf_of(session);
    if (names_load(sf, err) != OK)
        return FAIL;
    *names = (const char *const *)sf->names;
    *count = sf->name_count;
    return OK;
}

const char *sf_object_of_prefix(struct sf *sf, const char *id)
{
    struct err ignored = {0};
    if (names_load(sf, &ignored) != OK)
        return NULL;
    for (size_t i = 0; i < sf->name_count; i++)
        if (sf->prefixes[i] && strncmp(sf->prefixes[i], id, 3) == 0)
            return sf->names[i];
    return NULL;
}

/* ----------------------------------------------------------- one object */

static void not_found(struct sf *sf, const char *object, struct err *err)
{
    struct err ignored = {0};
    const char *near = NULL;
    if (names_load(sf, &ignored) == OK)
        near = text_nearest(object, (const char *const *)sf->names, sf->name_count);
    err_set(err, ERR_NOT_FOUND, "there is no object %s that %s can see", object,
            sf->connection.username ? sf->connection.username : "the connected user");
    err_cause(err, "It does not exist, is spelled differently, or the user lacks Read on it.");
    if (near)
        err_hint(
            err,
            "Did you mean %s? If %s exists: Setup, Permission Sets, a set assigned to the user, "
            "Object Settings, %s: tick Read.",
            near, object, object);
    else
        err_hint(
            err,
            "If it exists: Setup, Permission Sets, a set assigned to the user, Object Settings, "
            "%s: tick Read. Custom objects end in __c.",
            object);
}

const struct crm_object *sf_describe(struct crm_session *session, const char *object,
                                     struct err *err)
{
    struct sf *sf = sf_of(session);
    struct err local = {0};
    const struct json *body = NULL;
    struct crm_object *described = map_get(sf->objects, object ? object : "");

    err = err ? err : &local;
    if (described)
        return described;
    if (soql_name(object, err) != OK || strchr(object, '.')) {
        not_found(sf, object ? object : "", err);
        return NULL;
    }
    struct arena *arena = arena_new();
    struct sf_call call = {.path = arena_printf(arena, "/sobjects/%s/describe", object),
                           .object = object,
                           .what = arena_printf(arena, "describing %s", object)};
    if (kept_read(sf, &call, object, arena, &body, err) != OK) {
        if (err_is(err, "sf.NOT_FOUND") || err_is(err, "sf.INVALID_TYPE"))
            not_found(sf, object, err);
    } else if ((described = crm_object_parse(sf->arena, body)) != NULL) {
        sf->crm.calls_one_each++;
        described->ticketed = load_can(described);
        map_put(sf->objects, object, described);
        map_put(sf->objects, described->name, described);
    } else {
        err_set(err, ERR_CRM_UNREACHABLE, "describing %s: Salesforce sent something else", object);
    }
    arena_free(arena);
    return described;
}

/* ---------------------------------------------------------- field paths */

static const struct crm_field *field_of_relation(const struct crm_object *object, const char *name,
                                                 size_t len)
{
    for (size_t i = 0; i < object->field_count; i++) {
        const char *relation = object->fields[i].relationship_name;
        if (relation && strlen(relation) == len && strncasecmp(relation, name, len) == 0)
            return &object->fields[i];
    }
    return NULL;
}

/* Of several kinds of parent (an owner is a user or a queue) the user, else the first. */
static const char *parent_of(const struct crm_field *link)
{
    for (size_t i = 0; i < link->reference_count; i++)
        if (text_eq(link->reference_to[i], "User"))
            return "User";
    return link->reference_to[0];
}

void sf_field_missing(struct sf *sf, const struct crm_object *object, const char *name,
                      struct err *err)
{
    struct arena *arena = arena_new();
    const char **names = arena_array(arena, object->field_count + 1, sizeof *names);
    for (size_t i = 0; i < object->field_count; i++)
        names[i] = object->fields[i].name;
    const char *near = text_nearest(name, names, object->field_count);
    err_set(err, ERR_NOT_FOUND, "%s has no field %s that %s can see", object->name, name,
            sf->connection.username ? sf->connection.username : "the connected user");
    err_where(err, "%s.%s", object->name, name);
    err_cause(err, "It does not exist, is spelled differently, or field-level security hides it.");
    err_hint(err,
             "%s%s%sSetup, Permission Sets, a set assigned to the user, Object Settings, %s, Field "
             "Permissions, %s: tick Read Access.",
             near ? "Did you mean " : "", near ? near : "", near ? "? If not: " : "", object->name,
             name);
    arena_free(arena);
}

const struct crm_field *sf_field_at(struct sf *sf, const struct crm_object *object,
                                    const char *path, struct err *err)
{
    const char *dot;
    while ((dot = strchr(path, '.')) != NULL) {
        const struct crm_field *link = field_of_relation(object, path, (size_t)(dot - path));
        if (!link || link->reference_count == 0) {
            err_set(err, ERR_NOT_FOUND, "%s has no relationship %.*s", object->name,
                    (int)(dot - path), path);
            err_hint(
                err,
                "A parent is named by its relationship: Owner.Name, Account.Name, Parent__r.Name.");
            return NULL;
        }
        object = sf_describe(&sf->crm, parent_of(link), err);
        if (!object)
            return NULL;
        path = dot + 1;
    }
    const struct crm_field *field = crm_object_field(object, path);
    if (!field)
        sf_field_missing(sf, object, path, err);
    return field;
}
