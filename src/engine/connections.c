/* connections.c - sessions on connections, and how a connection comes and goes.
 *
 * A name stays with its org. Replacing a sign-in stores the new tokens before
 * the old ones are forgotten; disconnecting revokes at the remote first, since
 * forgetting alone would leave the grant alive. */
#include "engine/run_priv.h"
#include "engine/tokens.h"

#include "base/log.h"
#include "base/str.h"
#include "base/uri.h"
#include "store/store_access.h"
#include "store/store_describes.h"

#include <string.h>

#define OPEN_LISTED 100 /* operations that a refused disconnect names */

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
    else
        session->kept = describes_keeper(engine, connection);
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

/* ------------------------------------------------------ connect, reconnect */

enum status engine_signin_recall(struct engine *engine, struct arena *arena, const char *name,
                                 struct crm_signin *wish, bool *known, struct err *err)
{
    struct connection c = {0};
    struct crm_tokens tokens = {0};
    struct err none = {0};
    *known = engine->store->does->connection_get(engine->store, arena, name, &c, &none) == OK;
    if (!*known)
        return err_is(&none, ERR_NOT_FOUND) ? OK : (*err = none, FAIL);
    if (tokens_get(engine, &c, arena, &tokens, &none) != OK)
        log_warn("connection %s: what is sealed does not open: %s", name, none.message);
    bool same_place = !wish->login_url;
    struct uri uri;
    if (same_place)
        wish->login_url = c.login_url;
    if (same_place && uri_parse(arena, c.login_url, &uri) && text_eq(uri.scheme, "http"))
        wish->insecure_host = uri.host; /* it was named when the connection was made */
    bool same_app = !wish->client_id || text_eq(wish->client_id, c.client_id);
    wish->client_id = wish->client_id ? wish->client_id : c.client_id;
    wish->username = wish->username ? wish->username : c.username;
    wish->sandbox = wish->sandbox || text_eq(c.environment, "sandbox");
    if (wish->grant == CRM_GRANT_CODE && same_place && crm_grant_mints(tokens.grant))
        wish->grant = tokens.grant;
    if (same_app && !secret_is_set(&wish->client_secret))
        secret_copy(&wish->client_secret, &tokens.client_secret);
    if (same_app && wish->grant == CRM_GRANT_JWT && !secret_is_set(&wish->private_key))
        secret_copy(&wish->private_key, &tokens.private_key);
    crm_tokens_wipe(&tokens);
    return OK;
}

/* A name stays with its org: tables and operations were made for that org. */
static enum status check_same_org(const struct connection *old, const struct connection *new,
                                  struct err *err)
{
    if (text_blank(old->org_id) || text_eq(old->org_id, new->org_id))
        return OK;
    err_set(err, ERR_CRM_WRONG_ORG,
            "connection \"%s\" belongs to org %s (%s), you signed in to %s (%s)", new->name,
            old->org_id, old->org_name ? old->org_name : "?", new->org_id ? new->org_id : "?",
            new->org_name ? new->org_name : "?");
    err_cause(err, "Tables and operations were made for the first org. A browser that is signed in "
                   "to another org leads there.");
    err_hint(err, "Sign in to the first org (a private window helps), or connect the other one "
                  "under another name.");
    return FAIL;
}

void engine_give_back(struct engine *engine, const struct connection *connection,
                      const struct crm_tokens *tokens)
{
    const struct connector *connector = connector_named(engine, connection->connector);
    struct err err = {0};
    /* other ways in use what somebody else may use as well: sf's own grant, a key */
    if (tokens->grant != CRM_GRANT_CODE || !connector || !connector->revoke)
        return;
    if (connector->revoke(engine->world, connection, tokens, &err) != OK)
        log_warn("connection %s: a grant that is not used could not be given back: %s",
                 connection->name, err.message);
}

/* Salesforce keeps five grants a user and app: the one that was replaced goes. */
static void end_replaced(struct engine *engine, const struct connection *old,
                         const struct crm_tokens *was, const struct crm_tokens *now)
{
    if (secret_is_set(&was->refresh) && !secret_equal(&was->refresh, &now->refresh))
        engine_give_back(engine, old, was);
}

static enum status connect_stored(struct engine *engine, struct connection *connection,
                                  const struct crm_tokens *tokens, struct err *err)
{
    struct store *store = engine->store;
    if (store->does->connection_put(store, connection, err) != OK ||
        tokens_put(engine, connection, tokens, err) != OK)
        return FAIL;
    return store->does->describes->forget(store, connection->id, err);
}

/* Who signed in or gave up, and as whom. */
static enum status note_sign_in(struct engine *engine, const char *what,
                                const struct connection *connection, const char *user_was,
                                struct err *err)
{
    struct buf detail = BUF_INIT;
    struct jw w;
    jw_init(&w, &detail);
    jw_object(&w);
    jw_kv_int(&w, "connection", connection->id);
    jw_kv_text(&w, "name", connection->name);
    jw_kv_text(&w, "user", connection->username);
    if (user_was && !text_eq(user_was, connection->username))
        jw_kv_text(&w, "user_was", user_was);
    jw_end_object(&w);
    enum status rc = engine->store->does->audit_add(engine->store, engine_actor(engine), what,
                                                    buf_text(&detail), err);
    buf_free(&detail);
    return rc;
}

enum status engine_connect(struct engine *engine, struct connection *connection,
                           const struct crm_tokens *tokens, struct err *err)
{
    struct store *store = engine->store;
    struct arena *arena = arena_new();
    struct connection old = {0};
    struct crm_tokens was = {0};
    struct err none = {0};
    enum status rc = OK;
    bool known = store->does->connection_get(store, arena, connection->name, &old, &none) == OK;
    if (!known && !err_is(&none, ERR_NOT_FOUND)) {
        *err = none;
        rc = FAIL;
    } else if (known) {
        rc = check_same_org(&old, connection, err);
        tokens_get(engine, &old, arena, &was, &none);
        connection->last_used_ms = old.last_used_ms;
        connection->daily_call_budget = old.daily_call_budget;
    }
    if (text_blank(connection->status))
        connection->status = STATUS_CONNECTED;
    if (!connection->connected_ms)
        connection->connected_ms = engine_now(engine);
    if (rc == OK)
        rc = connect_stored(engine, connection, tokens, err);
    if (rc == OK)
        rc = note_sign_in(engine, known ? "reconnected" : "connected", connection, old.username,
                          err);
    if (rc != OK) {
        engine_give_back(engine, connection, tokens);
    } else {
        end_replaced(engine, &old, &was, tokens);
        log_info("connection %s: tokens stored, %s", connection->name,
                 secret_hint(&tokens->access));
    }
    crm_tokens_wipe(&was);
    arena_free(arena);
    return rc;
}

/* ---------------------------------------------------------- another user */

/* Tokens that are not stored yet, for a session to look around with. */
static enum status lent_load(void *ctx, struct arena *arena, struct crm_tokens *out,
                             struct err *err)
{
    crm_tokens_copy(out, ctx);
    return OK;
}

static enum status lent_save(void *ctx, const struct crm_tokens *tokens, struct err *err)
{
    crm_tokens_copy(ctx, tokens);
    return OK;
}

static enum status look_around(struct engine *engine, struct arena *arena,
                               const struct connection *connection,
                               const struct crm_tokens *tokens, struct crm_findings *out,
                               struct err *err)
{
    const struct connector *connector = connector_named(engine, connection->connector);
    struct crm_tokens lent = {0};
    struct crm_token_store store = {.ctx = &lent, .load = lent_load, .save = lent_save};
    struct crm_need *needs = NULL;
    const char *of = connection->name;
    size_t count = 0;
    struct err ignored = {0};
    enum status rc = OK;
    if (!connector || !connector->check_needs ||
        engine_needs(engine, arena, NULL, 0, false, &of, &needs, &count, &ignored) != OK || !count)
        return OK; /* no table: nothing is needed */
    crm_tokens_copy(&lent, tokens);
    struct crm_session *session = connector->open(engine->world, connection, &store, err);
    if (session)
        connector->check_needs(session, arena, needs, count, out);
    else
        rc = FAIL;
    connector->close(session);
    crm_tokens_wipe(&lent);
    return rc;
}

enum status engine_user_change(struct engine *engine, struct arena *arena,
                               const struct connection *connection, const struct crm_tokens *tokens,
                               struct user_change *out, struct err *err)
{
    struct connection old = {0};
    struct err none = {0};
    struct crm_findings found = {0};
    *out = (struct user_change){0};
    if (engine->store->does->connection_get(engine->store, arena, connection->name, &old, &none) !=
        OK)
        return err_is(&none, ERR_NOT_FOUND) ? OK : (*err = none, FAIL);
    if (check_same_org(&old, connection, err) != OK)
        return FAIL;
    if (text_blank(old.user_id) || text_eq(old.user_id, connection->user_id))
        return OK;
    out->user_was = old.username ? old.username : old.user_id;
    if (look_around(engine, arena, connection, tokens, &found, err) != OK)
        return FAIL;
    out->lacks.items = arena_array(arena, found.count + 1, sizeof *found.items);
    for (size_t i = 0; i < found.count; i++)
        if (found.items[i].verdict != CRM_PASS)
            out->lacks.items[out->lacks.count++] = found.items[i];
    return OK;
}

/* -------------------------------------------------------------- disconnect */

/* An operation as one line of why not. */
static void add_open(err_list *open, const struct op *op)
{
    struct err e = {0};
    err_set(&e, ERR_CONFLICT, "operation %lld is %s: %s %s%s%s", (long long)op->id,
            op_state_name(op->state), op_kind_name(op->kind), op->object,
            op->target_id ? " " : "", op->target_id ? op->target_id : "");
    vec_push(open, e);
}

/* Open operations still need the sign-in: their outcome could not be found out. */
static enum status check_no_open_operations(struct engine *engine, const struct connection *c,
                                            struct arena *arena, err_list *open, struct err *err)
{
    struct op_query query = {.limit = 1000};
    size_t found = 0, count;
    struct op *ops;
    for (int state = 0; state <= OP_CANCELLED; state++)
        if (!op_state_final((enum op_state)state))
            query.states |= 1u << state;
    do {
        if (engine->store->does->ops_list(engine->store, arena, &query, &ops, &count, err) != OK)
            return FAIL;
        for (size_t i = 0; i < count; i++)
            if (ops[i].connection_id == c->id && ++found <= OPEN_LISTED)
                add_open(open, &ops[i]);
        query.after_id = count ? ops[count - 1].id : 0;
    } while (count == query.limit);
    if (!found)
        return OK;
    err_set(err, ERR_CONFLICT, "\"%s\" has %zu open operation%s%s", c->name, found,
            found == 1 ? "" : "s", found > OPEN_LISTED ? "; the first are listed" : "");
    err_cause(err, "What became of them could not be found out without this sign-in.");
    err_hint(err, "Settle them first: argil journal list, argil journal recover; then remove it.");
    return FAIL;
}

enum status engine_disconnect(struct engine *engine, const char *name, err_list *open,
                              struct err *err)
{
    struct arena *arena = arena_new();
    struct connection connection;
    struct crm_tokens tokens = {0};
    enum status rc = engine->store->does->connection_get(engine->store, arena, name, &connection, err);
    if (rc == OK)
        rc = check_no_open_operations(engine, &connection, arena, open, err);
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
    if (rc == OK)
        rc = note_sign_in(engine, "disconnected", &connection, NULL, err);
done:
    crm_tokens_wipe(&tokens);
    arena_free(arena);
    return rc;
}
