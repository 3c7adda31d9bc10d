/* facts.c - who the connection is and what it may use.
 *
 * Each fact is asked for on its own: a user who may not read permission set
 * assignments still learns the profile. What is not told stays NULL. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

#include <string.h>

enum status sf_access(struct crm_session *session, struct arena *arena, struct crm_access **list,
                      size_t *count, struct err *err)
{
    struct sf_call call = {.path = "/sobjects/", .what = "listing the objects"};
    const struct json *body = NULL;
    *count = 0;
    if (sf_read(sf_of(session), &call, arena, &body, err) != OK)
        return FAIL;
    const struct json *objects = json_get(body, "sobjects");
    if (!json_is(objects, JSON_ARRAY))
        return err_set(err, ERR_CRM_UNREACHABLE,
                       "listing the objects: Salesforce sent something else");
    *list = arena_array(arena, objects->len + 1, sizeof **list);
    json_each(object, objects) {
        if (!json_get_text(object, "name"))
            continue;
        (*list)[(*count)++] =
            (struct crm_access){.name = json_get_text(object, "name"),
                                .label = json_get_text(object, "label"),
                                .queryable = json_get_bool(object, "queryable", false),
                                .createable = json_get_bool(object, "createable", false),
                                .updateable = json_get_bool(object, "updateable", false),
                                .deletable = json_get_bool(object, "deletable", false),
                                .custom = json_get_bool(object, "custom", false)};
    }
    return OK;
}

/* The first record of a query, or NULL when it is refused or empty. */
static const struct json *ask(struct sf *sf, struct arena *arena, const char *soql,
                              struct sf_rows *rows)
{
    struct sf_query query = {.soql = soql};
    struct err ignored = {0};
    memset(rows, 0, sizeof *rows);
    return sf_query(sf, &query, "User", arena, rows, &ignored) == OK ? json_at(rows->records, 0)
                                                                     : NULL;
}

static void ask_user(struct sf *sf, struct arena *arena, struct crm_identity *out)
{
    struct sf_rows rows;
    const char *id = sf->connection.user_id ? sf->connection.user_id : "";
    const struct json *user =
        ask(sf, arena,
            arena_printf(arena,
                         "SELECT Username, Name, Email, IsActive, Profile.Name, "
                         "Profile.UserLicense.Name FROM User WHERE Id = '%s'",
                         id),
            &rows);
    if (!user) /* some users may not see the licence */
        user = ask(sf, arena,
                   arena_printf(arena,
                                "SELECT Username, Name, Email, IsActive, Profile.Name FROM User "
                                "WHERE Id = '%s'",
                                id),
                   &rows);
    out->username = json_get_text(user, "Username");
    out->display_name = json_get_text(user, "Name");
    out->email = json_get_text(user, "Email");
    out->active = json_get_bool(user, "IsActive", true);
    out->profile = json_text(json_path(user, "Profile.Name"));
    out->licence = json_text(json_path(user, "Profile.UserLicense.Name"));
}

static void ask_permission_sets(struct sf *sf, struct arena *arena, struct crm_identity *out)
{
    struct sf_rows rows;
    const char *soql = arena_printf(
        arena,
        "SELECT PermissionSet.Label FROM PermissionSetAssignment WHERE AssigneeId = '%s' AND "
        "PermissionSet.IsOwnedByProfile = false ORDER BY PermissionSet.Label",
        sf->connection.user_id ? sf->connection.user_id : "");
    ask(sf, arena, soql, &rows);
    out->permission_sets_known = json_is(rows.records, JSON_ARRAY);
    if (!out->permission_sets_known)
        return;
    const char **names = arena_array(arena, rows.records->len + 1, sizeof *names);
    json_each(row, rows.records) {
        const char *label = json_text(json_path(row, "PermissionSet.Label"));
        if (label)
            names[out->permission_set_count++] = label;
    }
    out->permission_sets = names;
}

static enum status ask_org(struct sf *sf, struct arena *arena, struct crm_identity *out,
                           struct err *err)
{
    struct sf_query query = {
        .soql = "SELECT Id, Name, IsSandbox, OrganizationType FROM Organization LIMIT 1"};
    struct sf_rows rows;
    if (sf_query(sf, &query, "Organization", arena, &rows, err) != OK)
        return FAIL;
    const struct json *org = json_at(rows.records, 0);
    out->org_id = sf_id_dup(arena, json_get_text(org, "Id"));
    out->org_name = json_get_text(org, "Name");
    out->edition = json_get_text(org, "OrganizationType");
    out->sandbox = json_get_bool(org, "IsSandbox", false);
    return OK;
}

static void ask_userinfo(struct sf *sf, struct arena *arena, struct crm_identity *out)
{
    struct sf_call call = {.path = "/services/oauth2/userinfo", .uncounted = true};
    const struct json *info = NULL;
    struct err ignored = {0};
    if (sf_read(sf, &call, arena, &info, &ignored) != OK)
        return;
    out->integration_user = json_get_bool(info, "is_salesforce_integration_user", false);
    out->app_installed = json_get_bool(info, "is_app_installed", false);
    if (!out->username)
        out->username = json_get_text(info, "preferred_username");
}

enum status sf_identity(struct crm_session *session, struct arena *arena, struct crm_identity *out,
                        struct err *err)
{
    struct sf *sf = sf_of(session);
    *out = (struct crm_identity){.active = true};
    if (ask_org(sf, arena, out, err) != OK)
        return FAIL;
    ask_user(sf, arena, out);
    ask_permission_sets(sf, arena, out);
    ask_userinfo(sf, arena, out);
    out->scopes_asked = sf_signin_scopes(sf->grant);
    out->scopes_missing = sf_signin_missing(arena, sf->grant, sf->connection.scopes);
    return OK;
}
