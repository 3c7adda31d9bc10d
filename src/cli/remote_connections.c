/* remote_connections.c - connections of a server: who may build with them, which one
 * is the default, and what their OAuth user sees. */
#include "cli/remote.h"

#include "base/str.h"

#include <string.h>

/* ------------------------------------------------------------ access lists */

static enum status list_all(struct store *store, struct arena *arena, const struct json **list,
                            struct err *err)
{
    const struct json *answer;
    if (remote_call(remote_of(store), arena, "GET", "/connections", NULL, &answer, NULL, err) != OK)
        return FAIL;
    *list = json_get(answer, "connections");
    return OK;
}

/* The address of a connection that is known by its id. */
static const char *path_of(struct store *store, struct arena *arena, int64_t id, const char *part,
                           struct err *err)
{
    const struct json *list;
    if (list_all(store, arena, &list, err) != OK)
        return NULL;
    json_each(c, list) {
        if (json_get_int(c, "id", 0) == id)
            return remote_path(arena, "connections", json_get_text(c, "name"), part, NULL);
    }
    err_set(err, ERR_NOT_FOUND, "there is no connection %lld", (long long)id);
    return NULL;
}

static enum status far_builders_set(struct store *store, int64_t id, const char *const *names,
                                    size_t count, struct err *err)
{
    struct arena *arena = arena_new();
    struct buf body = BUF_INIT;
    struct jw w;
    jw_init(&w, &body);
    jw_object(&w);
    jw_key(&w, "builders");
    jw_array(&w);
    for (size_t i = 0; i < count; i++)
        jw_text(&w, names[i]);
    jw_end_array(&w);
    jw_end_object(&w);
    const char *path = path_of(store, arena, id, "access", err);
    enum status rc = path ? remote_call(remote_of(store), arena, "PUT", path, buf_text(&body), NULL,
                                        NULL, err)
                          : FAIL;
    buf_free(&body);
    arena_free(arena);
    return rc;
}

static enum status far_builders_get(struct store *store, struct arena *arena, int64_t id,
                                    const char ***names, size_t *count, struct err *err)
{
    const struct json *answer;
    const char *path = path_of(store, arena, id, "access", err);
    if (!path ||
        remote_call(remote_of(store), arena, "GET", path, NULL, &answer, NULL, err) != OK)
        return FAIL;
    const struct json *list = json_get(answer, "builders");
    *names = arena_array(arena, (list ? list->len : 0) + 1, sizeof **names);
    *count = 0;
    json_each(name, list) (*names)[(*count)++] = json_text(name);
    return OK;
}

static enum status far_default_get(struct store *store, int64_t *id, struct err *err)
{
    struct arena *arena = arena_new();
    const struct json *list = NULL;
    enum status rc = list_all(store, arena, &list, err);
    *id = 0;
    json_each(c, list) {
        if (json_get_bool(c, "is_default", false))
            *id = json_get_int(c, "id", 0);
    }
    arena_free(arena);
    return rc;
}

static enum status far_default_set(struct store *store, int64_t id, struct err *err)
{
    struct arena *arena = arena_new();
    const char *body = id ? "{\"is_default\":true}" : "{\"is_default\":false}";
    int64_t now = id;
    enum status rc = id ? OK : far_default_get(store, &now, err);
    if (rc == OK && now) {
        const char *path = path_of(store, arena, now, NULL, err);
        rc = path ? remote_call(remote_of(store), arena, "PATCH", path, body, NULL, NULL, err)
                  : FAIL;
    }
    arena_free(arena);
    return rc;
}

const struct store_access far_access = {
    .builders_set = far_builders_set,
    .builders_get = far_builders_get,
    .default_set = far_default_set,
    .default_get = far_default_get,
};

/* ------------------------------------------------------------ what it sees */

static void read_permission_sets(struct arena *arena, const struct json *list,
                                 struct crm_identity *out)
{
    const char **names = arena_array(arena, (list ? list->len : 0) + 1, sizeof *names);
    json_each(name, list) names[out->permission_set_count++] = json_text(name);
    out->permission_sets = names;
    out->permission_sets_known = json_is(list, JSON_ARRAY);
}

enum status remote_identity(struct remote *remote, struct arena *arena, const char *connection,
                            struct crm_identity *out, struct err *err)
{
    const struct json *who;
    *out = (struct crm_identity){0};
    if (remote_call(remote, arena, "GET",
                    remote_path(arena, "connections", connection, "identity", NULL), NULL, &who,
                    NULL, err) != OK)
        return FAIL;
    *out = (struct crm_identity){
        .username = json_get_text(who, "username"),
        .display_name = json_get_text(who, "display_name"),
        .email = json_get_text(who, "email"),
        .profile = json_get_text(who, "profile"),
        .licence = json_get_text(who, "licence"),
        .org_id = json_get_text(who, "org_id"),
        .org_name = json_get_text(who, "org_name"),
        .edition = json_get_text(who, "edition"),
        .sandbox = json_get_bool(who, "sandbox", false),
        .active = json_get_bool(who, "active", false),
        .integration_user = json_get_bool(who, "integration_user", false),
        .app_installed = json_get_bool(who, "app_installed", false),
        .scopes_asked = json_get_text(who, "scopes_asked"),
        .scopes_missing = json_get_text(who, "scopes_missing"),
    };
    read_permission_sets(arena, json_get(who, "permission_sets"), out);
    return OK;
}

enum status remote_objects(struct remote *remote, struct arena *arena, const char *connection,
                           struct crm_access **out, size_t *count, struct err *err)
{
    const struct json *answer;
    if (remote_call(remote, arena, "GET",
                    remote_path(arena, "connections", connection, "objects", NULL), NULL, &answer,
                    NULL, err) != OK)
        return FAIL;
    const struct json *list = json_get(answer, "objects");
    *out = arena_array(arena, (list ? list->len : 0) + 1, sizeof **out);
    *count = 0;
    json_each(o, list)
        (*out)[(*count)++] = (struct crm_access){
            .name = json_get_text(o, "name"),
            .label = json_get_text(o, "label"),
            .queryable = json_get_bool(o, "queryable", false),
            .createable = json_get_bool(o, "createable", false),
            .updateable = json_get_bool(o, "updateable", false),
            .deletable = json_get_bool(o, "deletable", false),
            .custom = json_get_bool(o, "custom", false)};
    return OK;
}

enum status remote_fields(struct remote *remote, struct arena *arena, const char *connection,
                          const char *object, struct crm_field **out, size_t *count,
                          struct err *err)
{
    const struct json *answer;
    if (remote_call(remote, arena, "GET",
                    remote_path(arena, "connections", connection, "objects", object, "fields",
                                NULL),
                    NULL, &answer, NULL, err) != OK)
        return FAIL;
    const struct json *list = json_get(answer, "fields");
    *out = arena_array(arena, (list ? list->len : 0) + 1, sizeof **out);
    *count = 0;
    json_each(f, list)
        (*out)[(*count)++] = (struct crm_field){
            .name = json_get_text(f, "name"),
            .label = json_get_text(f, "label"),
            .type = json_get_text(f, "type"),
            .createable = json_get_bool(f, "createable", false),
            .updateable = json_get_bool(f, "updateable", false),
            .nillable = !json_get_bool(f, "required", false)};
    return OK;
}
