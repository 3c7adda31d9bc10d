/* connections.c - sessions on connections, and how a connection comes and goes.
 *
 * A name stays with its org. Replacing a sign-in stores the new tokens before
 * the old ones are forgotten; disconnecting revokes at the remote first, since
 * forgetting alone would leave the grant alive. */
#include "engine/run_priv.h"
#include "engine/tokens.h"

#include "base/log.h"
#include "base/str.h"
#include "store/store_access.h"

static const struct connector *connector_named(const struct engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->connector_count; i++)
        if (text_eq(engine->connectors[i]->name, name))
            return engine->connectors[i];
    return NULL;
}

/* A grant that is gone is not asked for again by every run; argil doctor asks. */
static enum status check_not_gone(struct engine *engine, const struct connection *connection,
                                  struct err *err)
{
    struct crm_tokens tokens = {0};
    if (!text_eq(connection->status, STATUS_RECONNECT))
        return OK;
    struct arena *arena = arena_new();
    enum status rc = tokens_get(engine, connection, arena, &tokens, err);
    bool minted = crm_grant_mints(tokens.grant);
    crm_tokens_wipe(&tokens);
    arena_free(arena);
    if (rc != OK || minted)
        return rc;
    err_set(err, ERR_CRM_RECONNECT, "connection \"%s\" must be connected again",
            connection->name);
    err_cause(err, "Salesforce no longer accepts its grant. What was queued is kept.");
    err_hint(err, "argil connect %s; or argil doctor %s, which says why and tries once more.",
             connection->name, connection->name);
    return FAIL;
}

static struct crm_session *session_open(struct engine *engine, const struct connection *connection,
                                        struct err *err)
{
    const struct connector *connector = connector_named(engine, connection->connector);
    if (!connector) {
        err_set(err, ERR_NOT_BUILT, "connection \"%s\" needs the connector \"%s\"",
                connection->name, connection->connector);
        return NULL;
    }
    if (check_not_gone(engine, connection, err) != OK)
        return NULL;
    struct crm_session *session =
        connector->open(engine->world, connection, tokens_keeper(engine, connection), err);
    if (!session)
        err_wrap(err, "connection \"%s\"", connection->name);
    return session;
}

struct crm_session *engine_session(struct engine *engine, const char *name, struct err *err)
{
    struct arena *arena = arena_new();
    struct connection connection = {0};
    struct crm_session *session = NULL;
    if (engine->store->does->connection_get(engine->store, arena, name, &connection, err) == OK)
        session = session_open(engine, &connection, err);
    arena_free(arena);
    return session;
}

/* A connection that was given up and works again is one again. */
static enum status note_recovery(struct engine *engine, const struct connection *connection,
                                 const struct crm_findings *found, struct err *err)
{
    const struct store_access *access = engine->store->does->access;
    for (size_t i = 0; i < found->count; i++)
        if (text_eq(found->items[i].check, "token") && found->items[i].verdict == CRM_PASS &&
            text_eq(connection->status, STATUS_RECONNECT))
            return access->status_set(engine->store, connection->id, STATUS_CONNECTED, err);
    return OK;
}

enum status engine_doctor(struct engine *engine, struct arena *arena, const char *name,
                          struct crm_findings *out, struct err *err)
{
    struct connection connection = {0};
    struct crm_need *needs = NULL;
    struct err ignored = {0};
    const char *of = name;
    size_t count = 0;
    if (engine->store->does->connection_get(engine->store, arena, name, &connection, err) != OK)
        return FAIL;
    const struct connector *connector = connector_named(engine, connection.connector);
    if (!connector || !connector->doctor)
        return err_set(err, ERR_NOT_BUILT, "the connector \"%s\" has no doctor",
                       connection.connector);
    if (engine_needs(engine, arena, NULL, 0, false, &of, &needs, &count, &ignored) != OK)
        count = 0; /* the tables cannot be read: the connection still can be looked at */
    connector->doctor(engine->world, arena, &connection, tokens_keeper(engine, &connection), needs,
                      count, out);
    return note_recovery(engine, &connection, out, err);
}

/* A name stays with its org: tables and operations were made for that org. */
static enum status check_same_org(struct engine *engine, const struct connection *connection,
                                  struct err *err)
{
    struct arena *arena = arena_new();
    struct connection old = {0};
    struct err ignored = {0};
    enum status rc = OK;
    if (engine->store->does->connection_get(engine->store, arena, connection->name, &old,
                                            &ignored) == OK &&
        old.org_id && *old.org_id && !text_eq(old.org_id, connection->org_id)) {
        rc = err_set(err, ERR_CRM_WRONG_ORG,
                     "connection \"%s\" belongs to org %s (%s), you signed in to %s (%s)",
                     connection->name, old.org_id, old.org_name ? old.org_name : "?",
                     connection->org_id ? connection->org_id : "?",
                     connection->org_name ? connection->org_name : "?");
        err_hint(err, "Sign in to the first org, or connect the other one under another name.");
    }
    arena_free(arena);
    return rc;
}

enum status engine_connect(struct engine *engine, struct connection *connection,
                           const struct crm_tokens *tokens, struct err *err)
{
    if (check_same_org(engine, connection, err) != OK)
        return FAIL;
    if (!connection->status || !*connection->status)
        connection->status = STATUS_CONNECTED;
    if (!connection->connected_ms)
        connection->connected_ms = engine_now(engine);
    if (engine->store->does->connection_put(engine->store, connection, err) != OK)
        return FAIL;
    if (tokens_put(engine, connection, tokens, err) != OK)
        return FAIL;
    log_info("connection %s: tokens stored, %s", connection->name, secret_hint(&tokens->access));
    return OK;
}

/* Open operations still need the sign-in: their outcome could not be found out. */
static enum status check_no_open_operations(struct engine *engine, const struct connection *c,
                                            struct arena *arena, struct err *err)
{
    struct op_query query = {.limit = 1000};
    for (int state = 0; state <= OP_CANCELLED; state++)
        if (!op_state_final((enum op_state)state))
            query.states |= 1u << state;
    for (;;) {
        struct op *ops = NULL;
        size_t count = 0;
        if (engine->store->does->ops_list(engine->store, arena, &query, &ops, &count, err) != OK)
            return FAIL;
        for (size_t i = 0; i < count; i++) {
            if (ops[i].connection_id != c->id)
                continue;
            err_set(err, ERR_CONFLICT, "\"%s\" has open operations, the first is %lld (%s)", c->name,
                    (long long)ops[i].id, op_state_name(ops[i].state));
            err_hint(err, "settle them first: argil journal list, argil journal recover");
            return FAIL;
        }
        if (count < query.limit)
            return OK;
        query.after_id = ops[count - 1].id;
    }
}

enum status engine_disconnect(struct engine *engine, const char *name, struct err *err)
{
    struct arena *arena = arena_new();
    struct connection connection;
    struct crm_tokens tokens = {0};
    enum status rc = engine->store->does->connection_get(engine->store, arena, name, &connection, err);
    if (rc == OK)
        rc = check_no_open_operations(engine, &connection, arena, err);
    if (rc != OK)
        goto done;
    rc = tokens_get(engine, &connection, arena, &tokens, err);
    if (rc != OK)
        goto done;
    const struct connector *connector = connector_named(engine, connection.connector);
    if (connector && connector->revoke)
        rc = connector->revoke(engine->world, &connection, &tokens, err);
    if (rc == OK)
        rc = engine->store->does->connection_delete(engine->store, name, err);
    if (rc == OK)
        rc = tokens_forget(engine, &connection, err);
done:
    crm_tokens_wipe(&tokens);
    arena_free(arena);
    return rc;
}
