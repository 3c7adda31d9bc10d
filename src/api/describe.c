/* describe.c - what a connection's org lets its OAuth user see and do: the user,
 * objects, fields, limits; and the permission set that would allow what the tables
 * need. Everything here asks the org. */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/access.h"

#include <string.h>

static const struct field object_fields[] = {
    {"name", F_TEXT, F_REQUIRED, "API name"},
    {"label", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"queryable", F_BOOL, F_REQUIRED, NULL},
    {"createable", F_BOOL, F_REQUIRED, "by the OAuth user"},
    {"updateable", F_BOOL, F_REQUIRED, NULL},
    {"deletable", F_BOOL, F_REQUIRED, NULL},
    {"custom", F_BOOL, F_REQUIRED, NULL},
    {0},
};
static const struct shape object_shape = {"Object", NULL, object_fields};
static const struct field objects_fields[] = {
    {"objects", F_LIST, F_REQUIRED, "that the OAuth user can see", .of = &object_shape},
    {0},
};
const struct shape objects_shape = {"Objects", NULL, objects_fields};

static const struct field choice_fields[] = {
    {"value", F_TEXT, F_REQUIRED, NULL},
    {"label", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"active", F_BOOL, F_REQUIRED, NULL},
    {0},
};
static const struct shape choice_shape = {"Choice", NULL, choice_fields};
static const struct field field_fields[] = {
    {"name", F_TEXT, F_REQUIRED, "API name"},
    {"label", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"type", F_TEXT, F_REQUIRED, "Salesforce's: string, picklist, reference, ..."},
    {"length", F_INT, F_REQUIRED, "characters; 0 = has none"},
    {"required", F_BOOL, F_REQUIRED, "a create without it is refused"},
    {"createable", F_BOOL, F_REQUIRED, "by the OAuth user"},
    {"updateable", F_BOOL, F_REQUIRED, NULL},
    {"unique", F_BOOL, F_REQUIRED, NULL},
    {"external_id", F_BOOL, F_REQUIRED, NULL},
    {"calculated", F_BOOL, F_REQUIRED, "a formula"},
    {"custom", F_BOOL, F_REQUIRED, NULL},
    {"restricted", F_BOOL, F_REQUIRED, "only its choices are taken"},
    {"choices", F_LIST, F_REQUIRED, "of a picklist", .of = &choice_shape},
    {"refers_to", F_LIST, F_REQUIRED, "objects of a reference", .item = F_TEXT},
    {"relationship", F_TEXT, F_REQUIRED | F_NULL, "for paths such as Owner.Name"},
    {0},
};
static const struct shape field_shape = {"Field", NULL, field_fields};
static const struct field fields_fields[] = {
    {"object", F_TEXT, F_REQUIRED, "API name"},
    {"label", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"fields", F_LIST, F_REQUIRED, "that the OAuth user can see", .of = &field_shape},
    {0},
};
const struct shape fields_shape = {"Fields", NULL, fields_fields};

static const struct field identity_fields[] = {
    {"username", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"display_name", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"email", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"profile", F_TEXT, F_REQUIRED | F_NULL, "null: not told to this user"},
    {"licence", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"permission_sets", F_LIST, F_REQUIRED | F_NULL, "null: not told to this user", .item = F_TEXT},
    {"org_id", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"org_name", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"edition", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"sandbox", F_BOOL, F_REQUIRED, NULL},
    {"active", F_BOOL, F_REQUIRED, NULL},
    {"integration_user", F_BOOL, F_REQUIRED, "its licence cannot approve apps"},
    {"app_installed", F_BOOL, F_REQUIRED, NULL},
    {"scopes_asked", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"scopes_missing", F_TEXT, F_REQUIRED | F_NULL, "asked and not granted"},
    {"limit_used", F_INT, F_REQUIRED | F_NULL, "API calls of the org in 24 hours; null: not told"},
    {"limit_max", F_INT, F_REQUIRED | F_NULL, NULL},
    {0},
};
const struct shape identity_shape = {"Identity", "The OAuth user as the org tells of it.",
                                     identity_fields};

static const struct field permset_fields[] = {
    {"label", F_TEXT, F_REQUIRED, NULL},
    {"xml", F_TEXT, F_REQUIRED, "metadata: NAME.permissionset-meta.xml"},
    {0},
};
const struct shape permset_shape = {"PermissionSet", "The smallest that the tables need.",
                                    permset_fields};
const struct field permset_query[] = {
    {"table", F_TEXT, 0, "of this table only", .min = 1, .max = 200},
    {0},
};

/* ---------------------------------------------------------------- writing */

/* A create without it is refused: no value, no default, and we may give one. */
static bool is_required(const struct crm_field *f)
{
    return f->createable && !f->nillable && !f->defaulted_on_create &&
           !text_eq(f->type, "boolean");
}

static void write_field(struct jw *w, const struct crm_field *f)
{
    jw_object(w);
    jw_kv_text(w, "name", f->name);
    jw_kv_text(w, "label", f->label);
    jw_kv_text(w, "type", f->type);
    jw_kv_int(w, "length", f->length);
    jw_kv_bool(w, "required", is_required(f));
    jw_kv_bool(w, "createable", f->createable);
    jw_kv_bool(w, "updateable", f->updateable);
    jw_kv_bool(w, "unique", f->unique);
    jw_kv_bool(w, "external_id", f->external_id);
    jw_kv_bool(w, "calculated", f->calculated);
    jw_kv_bool(w, "custom", f->custom);
    jw_kv_bool(w, "restricted", f->restricted_picklist);
    jw_key(w, "choices");
    jw_array(w);
    for (size_t i = 0; i < f->choice_count; i++) {
        jw_object(w);
        jw_kv_text(w, "value", f->choices[i].value);
        jw_kv_text(w, "label", f->choices[i].label);
        jw_kv_bool(w, "active", f->choices[i].active);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_key(w, "refers_to");
    jw_array(w);
    for (size_t i = 0; i < f->reference_count; i++)
        jw_text(w, f->reference_to[i]);
    jw_end_array(w);
    jw_kv_text(w, "relationship", f->relationship_name);
    jw_end_object(w);
}

static void write_count(struct jw *w, const char *key, int64_t count)
{
    if (count >= 0)
        jw_kv_int(w, key, count);
    else
        jw_kv_null(w, key);
}

static void write_identity(struct jw *w, const struct crm_identity *who,
                           const struct crm_session *session)
{
    jw_object(w);
    jw_kv_text(w, "username", who->username);
    jw_kv_text(w, "display_name", who->display_name);
    jw_kv_text(w, "email", who->email);
    jw_kv_text(w, "profile", who->profile);
    jw_kv_text(w, "licence", who->licence);
    jw_key(w, "permission_sets");
    if (who->permission_sets_known) {
        jw_array(w);
        for (size_t i = 0; i < who->permission_set_count; i++)
            jw_text(w, who->permission_sets[i]);
        jw_end_array(w);
    } else {
        jw_null(w);
    }
    jw_kv_text(w, "org_id", who->org_id);
    jw_kv_text(w, "org_name", who->org_name);
    jw_kv_text(w, "edition", who->edition);
    jw_kv_bool(w, "sandbox", who->sandbox);
    jw_kv_bool(w, "active", who->active);
    jw_kv_bool(w, "integration_user", who->integration_user);
    jw_kv_bool(w, "app_installed", who->app_installed);
    jw_kv_text(w, "scopes_asked", who->scopes_asked);
    jw_kv_text(w, "scopes_missing", who->scopes_missing);
    write_count(w, "limit_used", session->limit_used);
    write_count(w, "limit_max", session->limit_max > 0 ? session->limit_max : -1);
    jw_end_object(w);
}

/* --------------------------------------------------------------- handlers */

static struct crm_session *open_session(struct call *call, struct err *err)
{
    struct connection connection;
    struct connection_use use = {.what = "looking"};
    if (call_connection(call, &connection, err) != OK ||
        access_note_use(call->engine, connection.id, &use, err) != OK)
        return NULL;
    return engine_session(call->engine, connection.name, err);
}

enum status api_connection_objects(struct call *call, struct err *err)
{
    struct crm_access *list = NULL;
    size_t count = 0;
    struct jw *w = &call->w;
    struct crm_session *session = open_session(call, err);
    if (!session)
        return FAIL;
    enum status rc = session->does->access(session, call->arena, &list, &count, err);
    if (rc == OK) {
        jw_object(w);
        jw_key(w, "objects");
        jw_array(w);
        for (size_t i = 0; i < count; i++) {
            jw_object(w);
            jw_kv_text(w, "name", list[i].name);
            jw_kv_text(w, "label", list[i].label);
            jw_kv_bool(w, "queryable", list[i].queryable);
            jw_kv_bool(w, "createable", list[i].createable);
            jw_kv_bool(w, "updateable", list[i].updateable);
            jw_kv_bool(w, "deletable", list[i].deletable);
            jw_kv_bool(w, "custom", list[i].custom);
            jw_end_object(w);
        }
        jw_end_array(w);
        jw_end_object(w);
    }
    session->does->close(session);
    return rc;
}

enum status api_connection_fields_list(struct call *call, struct err *err)
{
    struct jw *w = &call->w;
    struct crm_session *session = open_session(call, err);
    if (!session)
        return FAIL;
    const struct crm_object *object = session->does->describe(session, call->values[1], err);
    if (object) {
        jw_object(w);
        jw_kv_text(w, "object", object->name);
        jw_kv_text(w, "label", object->label);
        jw_key(w, "fields");
        jw_array(w);
        for (size_t i = 0; i < object->field_count; i++)
            write_field(w, &object->fields[i]);
        jw_end_array(w);
        jw_end_object(w);
    }
    session->does->close(session);
    return object ? OK : FAIL;
}

enum status api_connection_identity(struct call *call, struct err *err)
{
    struct crm_identity who = {0};
    struct crm_session *session = open_session(call, err);
    if (!session)
        return FAIL;
    enum status rc = session->does->identity(session, call->arena, &who, err);
    if (rc == OK)
        write_identity(&call->w, &who, session);
    session->does->close(session);
    return rc;
}

/* An org that does not answer is an error; an object it does not have is left out. */
static enum status describe_needs(struct crm_session *session, const struct crm_need *needs,
                                  size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!session->does->describe(session, needs[i].object, err) && !err_is(err, ERR_NOT_FOUND))
            return FAIL;
    return OK;
}

enum status api_connection_permset(struct call *call, struct err *err)
{
    const char *table = call_query(call, "table"), *connection = call->values[0];
    struct crm_need *needs = NULL;
    size_t count = 0;
    if (engine_needs(call->engine, call->arena, table ? &table : NULL, table != NULL, true,
                     &connection, &needs, &count, err) != OK)
        return FAIL;
    const char *label = arena_printf(call->arena, "Argil %s", table ? table : connection);
    struct crm_session *session = open_session(call, err);
    if (!session)
        return FAIL;
    enum status rc = describe_needs(session, needs, count, err);
    if (rc == OK) {
        jw_object(&call->w);
        jw_kv_text(&call->w, "label", label);
        jw_kv_text(&call->w, "xml",
                   permset_xml(call->arena, label,
                               "What Argil's tables read and write, and nothing else.", session,
                               needs, count));
        jw_end_object(&call->w);
    }
    session->does->close(session);
    return rc;
}
