/* connections.c - connections as JSON: who they are, who may build with them, what
 * they may spend, and the doctor. What their org lets us see is in describe.c, how
 * they come to be in signin.c. */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/access.h"
#include "store/store_access.h"

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
    {"is_default", F_BOOL, F_REQUIRED, "meant where no connection is named"},
    {"may_build", F_BOOL, F_REQUIRED, "whether the one who asks may make tables and columns with it"},
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
const struct shape finding_shape = {"Finding", NULL, finding_fields};
static const struct field findings_fields[] = {
    {"findings", F_LIST, F_REQUIRED, "in the order they were checked", .of = &finding_shape},
    {0},
};
const struct shape findings_shape = {"Findings", "What the doctor found.", findings_fields};

/* ---------------------------------------------------------------- writing */

static enum status connection_write(struct call *call, const struct connection *c,
                                    int64_t default_id, struct err *err)
{
    struct jw *w = &call->w;
    bool may = false;
    if (access_is_builder(call->store, c->id, call_who(call), &may, err) != OK)
        return FAIL;
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
    jw_kv_bool(w, "is_default", c->id == default_id);
    jw_kv_bool(w, "may_build", may && call->person.role >= ROLE_BUILDER);
    jw_end_object(w);
    return OK;
}

void findings_write(struct jw *w, const struct crm_findings *found)
{
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
}

/* --------------------------------------------------------------- handlers */

enum status api_connection_list(struct call *call, struct err *err)
{
    struct connection *list;
    size_t count;
    struct jw *w = &call->w;
    int64_t usual;
    if (call->store->does->connection_list(call->store, call->arena, &list, &count, err) != OK ||
        call->store->does->access->default_get(call->store, &usual, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "connections");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        if (connection_write(call, &list[i], usual, err) != OK)
            return FAIL;
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

enum status call_connection(struct call *call, struct connection *out, struct err *err)
{
    return call->store->does->connection_get(call->store, call->arena, call->values[0], out, err);
}

enum status api_connection_show(struct call *call, struct err *err)
{
    struct connection connection;
    int64_t usual;
    if (call_connection(call, &connection, err) != OK ||
        call->store->does->access->default_get(call->store, &usual, err) != OK)
        return FAIL;
    return connection_write(call, &connection, usual, err);
}

enum status api_connection_doctor(struct call *call, struct err *err)
{
    struct crm_findings found = {0};
    struct connection connection;
    if (call_connection(call, &connection, err) != OK ||
        engine_doctor(call->engine, call->arena, connection.name, &found, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_key(&call->w, "findings");
    findings_write(&call->w, &found);
    jw_end_object(&call->w);
    return OK;
}

enum status api_connection_delete(struct call *call, struct err *err)
{
    struct connection connection;
    err_list open = {0};
    if (call_connection(call, &connection, err) != OK)
        return FAIL;
    enum status rc = engine_disconnect(call->engine, connection.name, &open, err);
    call_keep_errors(call, &open);
    vec_free(&open);
    return rc;
}

/* ------------------------------------------------- who may, and how much */

static const struct field access_fields[] = {
    {"builders", F_LIST, F_REQUIRED, "logins that may build with it; empty: everybody who may build", .item = F_TEXT, .max = 1000},
    {0},
};
const struct shape access_shape = {"ConnectionAccess", "Who may build tables with a connection.",
                                   access_fields};

static const struct field connection_change_fields[] = {
    {"daily_call_budget", F_INT, F_NULL, "API calls a day; null: half of what the org has left", .min = 1, .max = 100000000},
    {"is_default", F_BOOL, 0, "the one that recipes mean when they name none"},
    {0},
};
const struct shape connection_change_body = {"ConnectionChange", NULL, connection_change_fields};

enum status api_access_show(struct call *call, struct err *err)
{
    struct connection connection;
    const char **names;
    size_t count;
    struct jw *w = &call->w;
    if (call_connection(call, &connection, err) != OK ||
        call->store->does->access->builders_get(call->store, call->arena, connection.id, &names,
                                                &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "builders");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        jw_text(w, names[i]);
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

enum status api_access_put(struct call *call, struct err *err)
{
    struct connection connection;
    const struct json *list = json_get(call->body, "builders");
    const char **names = arena_array(call->arena, list->len + 1, sizeof *names);
    size_t count = 0;
    if (call_connection(call, &connection, err) != OK)
        return FAIL;
    json_each(name, list) names[count++] = name->text;
    if (call->store->does->access->builders_set(call->store, connection.id, names, count, err) !=
            OK ||
        call_audit(call, "access changed",
                   arena_printf(call->arena, "{\"connection\":%lld,\"builders\":%zu}",
                                (long long)connection.id, count),
                   err) != OK)
        return FAIL;
    return api_access_show(call, err);
}

static enum status change_budget(struct call *call, struct connection *connection, struct err *err)
{
    if (!json_get(call->body, "daily_call_budget"))
        return OK;
    connection->daily_call_budget = json_get_int(call->body, "daily_call_budget", 0);
    return call->store->does->connection_put(call->store, connection, err);
}

static enum status change_default(struct call *call, const struct connection *connection,
                                  struct err *err)
{
    const struct store_access *access = call->store->does->access;
    const struct json *wanted = json_get(call->body, "is_default");
    int64_t now;
    if (!wanted)
        return OK;
    if (access->default_get(call->store, &now, err) != OK)
        return FAIL;
    if (json_truth(wanted, false))
        return access->default_set(call->store, connection->id, err);
    return now == connection->id ? access->default_set(call->store, 0, err) : OK;
}

enum status api_connection_change(struct call *call, struct err *err)
{
    struct connection connection;
    if (call_connection(call, &connection, err) != OK ||
        change_budget(call, &connection, err) != OK ||
        change_default(call, &connection, err) != OK ||
        call_audit(call, "connection changed",
                   arena_printf(call->arena, "{\"connection\":%lld}", (long long)connection.id),
                   err) != OK)
        return FAIL;
    return api_connection_show(call, err);
}
