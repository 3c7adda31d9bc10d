/* connections.c - connections as JSON, what their org lets us see, and the doctor. */
#include "api/nouns.h"

#include "base/str.h"

#include <string.h>

static const struct field connection_fields[] = {
    {"id", F_INT, F_REQUIRED, "events name connections by it"},
    {"name", F_TEXT, F_REQUIRED, "unique; in paths"},
    {"connector", F_TEXT, F_REQUIRED | F_NULL, "\"salesforce\""},
    {"environment", F_TEXT, F_REQUIRED | F_NULL, "\"production\", \"sandbox\", \"local\""},
    {"status", F_TEXT, F_REQUIRED | F_NULL, "\"connected\", \"reconnect needed\""},
    {"username", F_TEXT, F_REQUIRED | F_NULL, "the OAuth user"},
    {"org_id", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"org_name", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"login_url", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"instance_url", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"client_id", F_TEXT, F_REQUIRED | F_NULL, "consumer key of the connected app"},
    {"scopes", F_TEXT, F_REQUIRED | F_NULL, "as granted"},
    {"connected", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"last_used", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"daily_call_budget", F_INT, F_REQUIRED | F_NULL, "null = half of what the org has left"},
    {0},
};
const struct shape connection_shape = {"Connection", "A sign-in to an org, shared by the workspace.",
                                       connection_fields};
static const struct field connection_list_fields[] = {
    {"connections", F_LIST, F_REQUIRED, "by name", .of = &connection_shape},
    {0},
};
const struct shape connection_list_shape = {"Connections", NULL, connection_list_fields};

static const struct field finding_fields[] = {
    {"check", F_TEXT, F_REQUIRED, "\"network\", \"token\", ..."},
    {"verdict", F_TEXT, F_REQUIRED, "\"pass\", \"warning\", \"fail\", \"unknown\""},
    {"evidence", F_TEXT, F_REQUIRED | F_NULL, "what was seen"},
    {"cause", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"fix", F_TEXT, F_REQUIRED | F_NULL, "where to click"},
    {"who", F_TEXT, F_REQUIRED | F_NULL, "who may"},
    {0},
};
static const struct shape finding_shape = {"Finding", NULL, finding_fields};
static const struct field findings_fields[] = {
    {"findings", F_LIST, F_REQUIRED, "in the order they were checked", .of = &finding_shape},
    {0},
};
const struct shape findings_shape = {"Findings", "What the doctor found.", findings_fields};

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

/* ---------------------------------------------------------------- writing */

static void connection_write(struct jw *w, const struct connection *c)
{
    jw_object(w);
    jw_kv_int(w, "id", c->id);
    jw_kv_text(w, "name", c->name);
    jw_kv_text(w, "connector", c->connector);
    jw_kv_text(w, "environment", c->environment);
    jw_kv_text(w, "status", c->status);
    jw_kv_text(w, "username", c->username);
    jw_kv_text(w, "org_id", c->org_id);
    jw_kv_text(w, "org_name", c->org_name);
    jw_kv_text(w, "login_url", c->login_url);
    jw_kv_text(w, "instance_url", c->instance_url);
    jw_kv_text(w, "client_id", c->client_id);
    jw_kv_text(w, "scopes", c->scopes);
    jw_kv_time(w, "connected", c->connected_ms);
    jw_kv_time(w, "last_used", c->last_used_ms);
    if (c->daily_call_budget > 0)
        jw_kv_int(w, "daily_call_budget", c->daily_call_budget);
    else
        jw_kv_null(w, "daily_call_budget");
    jw_end_object(w);
}

static void write_findings(struct jw *w, const struct crm_findings *found)
{
    jw_object(w);
    jw_key(w, "findings");
    jw_array(w);
    for (size_t i = 0; i < found->count; i++) {
        const struct crm_finding *f = &found->items[i];
        jw_object(w);
        jw_kv_text(w, "check", f->check);
        jw_kv_text(w, "verdict", crm_verdict_name(f->verdict));
        jw_kv_text(w, "evidence", f->evidence);
        jw_kv_text(w, "cause", f->cause);
        jw_kv_text(w, "fix", f->fix);
        jw_kv_text(w, "who", f->who);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

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

/* --------------------------------------------------------------- handlers */

enum status api_connection_list(struct call *call, struct err *err)
{
    struct connection *list;
    size_t count;
    struct jw *w = &call->w;
    if (call->store->does->connection_list(call->store, call->arena, &list, &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "connections");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        connection_write(w, &list[i]);
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

static enum status read_connection(struct call *call, struct connection *out, struct err *err)
{
    return call->store->does->connection_get(call->store, call->arena, call->values[0], out, err);
}

enum status api_connection_show(struct call *call, struct err *err)
{
    struct connection connection;
    if (read_connection(call, &connection, err) != OK)
        return FAIL;
    connection_write(&call->w, &connection);
    return OK;
}

enum status api_connection_doctor(struct call *call, struct err *err)
{
    struct crm_findings found = {0};
    struct connection connection;
    if (read_connection(call, &connection, err) != OK ||
        engine_doctor(call->engine, call->arena, connection.name, &found, err) != OK)
        return FAIL;
    write_findings(&call->w, &found);
    return OK;
}

static struct crm_session *open_session(struct call *call, struct err *err)
{
    struct connection connection;
    if (read_connection(call, &connection, err) != OK)
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

enum status api_connection_delete(struct call *call, struct err *err)
{
    struct connection connection;
    if (read_connection(call, &connection, err) != OK ||
        engine_disconnect(call->engine, connection.name, err) != OK)
        return FAIL;
    return call_audit(call, "disconnected",
                      arena_printf(call->arena, "{\"connection\":%lld}", (long long)connection.id),
                      err);
}
