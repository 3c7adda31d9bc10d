/* engine.c - sessions and secrets: what lies between the vault and a connector.
 *
 * A session gets a keeper: it loads the connection's tokens from the vault and
 * stores renewed ones durably before the connector goes on (a rotated refresh
 * token that is lost is a lost connection). Tokens are one sealed text under
 * the label "token:<connection id>", user secrets one each under
 * "secret:<name>". Also here: crash points and the few settings. */
#include "engine/run_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <signal.h>
#include <string.h>

#define SETTLE_DEFAULT_MS ((int64_t)15 * 60 * 1000)

struct token_keeper {
    struct engine *engine;
    char *connection;
    char label[64];
    struct crm_token_store store; /* what the connector holds */
    struct token_keeper *next;
};

/* ------------------------------------------------------------- settings */

int64_t engine_now(const struct engine *engine)
{
    return engine->world->now_ms(engine->world);
}

bool engine_stopping(const struct engine *engine)
{
    return engine->stop && atomic_load(engine->stop);
}

int64_t engine_settle_ms(const struct engine *engine)
{
    if (engine->settle_ms > 0)
        return engine->settle_ms;
    const char *given = getenv("ARGIL_SETTLE_MS");
    return given && *given ? strtoll(given, NULL, 10) : SETTLE_DEFAULT_MS;
}

/* "K4:2" = the second time K4 is reached. */
static bool crash_wanted(const char *point)
{
    static long reached;
    const char *wanted = getenv("ARGIL_CRASH_AT");
    if (!wanted || !*wanted)
        return false;
    const char *colon = strchr(wanted, ':');
    size_t len = colon ? (size_t)(colon - wanted) : strlen(wanted);
    if (strlen(point) != len || memcmp(point, wanted, len) != 0)
        return false;
    return ++reached == (colon ? strtol(colon + 1, NULL, 10) : 1);
}

void crash_point(struct engine *engine, const char *point)
{
    if (crash_wanted(point))
        raise(SIGKILL);
    if (engine->crash)
        engine->crash(engine->crash_ctx, point);
}

/* --------------------------------------------------------------- tokens */

static enum status seal(struct engine *engine, const char *label, const struct secret *secret,
                        struct err *err)
{
    struct arena *arena = arena_new();
    char *sealed = vault_seal(engine->vault, arena, label, secret);
    enum status rc = sealed ? engine->store->does->sealed_put(engine->store, label, sealed, err)
                            : err_set(err, ERR_IO, "sealing %s failed", label);
    arena_free(arena);
    return rc;
}

static enum status unseal(struct engine *engine, const char *label, struct secret *out,
                          struct err *err)
{
    struct arena *arena = arena_new();
    const char *sealed = NULL;
    enum status rc = engine->store->does->sealed_get(engine->store, arena, label, &sealed, err);
    if (rc == OK)
        rc = vault_unseal(engine->vault, label, sealed, out, err);
    arena_free(arena);
    return rc;
}

static void put_secret(struct jw *w, const char *key, const struct secret *secret)
{
    if (secret_is_set(secret))
        jw_kv_text(w, key, secret_reveal(secret));
}

static enum status tokens_put(struct engine *engine, const char *label,
                              const struct crm_tokens *tokens, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    put_secret(&w, "access", &tokens->access);
    put_secret(&w, "refresh", &tokens->refresh);
    put_secret(&w, "client_secret", &tokens->client_secret);
    put_secret(&w, "private_key", &tokens->private_key);
    if (tokens->grant != CRM_GRANT_CODE)
        jw_kv_int(&w, "grant", tokens->grant);
    if (tokens->instance_url)
        jw_kv_text(&w, "instance_url", tokens->instance_url);
    jw_end_object(&w);
    struct secret secret = {0};
    secret_set(&secret, buf_text(&text), text.len);
    buf_wipe(&text);
    enum status rc = seal(engine, label, &secret, err);
    secret_wipe(&secret);
    return rc;
}

static void take_secret(struct secret *out, const struct json *tokens, const char *key)
{
    const struct json *value = json_get(tokens, key);
    if (json_is(value, JSON_STRING))
        secret_set(out, value->text, value->len);
}

static enum status tokens_get(struct engine *engine, const char *label, struct arena *arena,
                              struct crm_tokens *out, struct err *err)
{
    struct secret secret = {0};
    if (unseal(engine, label, &secret, err) != OK)
        return FAIL;
    const char *text = secret_reveal(&secret);
    const struct json *tokens = json_parse(arena, text, strlen(text), err);
    if (tokens) {
        take_secret(&out->access, tokens, "access");
        take_secret(&out->refresh, tokens, "refresh");
        take_secret(&out->client_secret, tokens, "client_secret");
        take_secret(&out->private_key, tokens, "private_key");
        out->grant = (enum crm_grant)json_get_int(tokens, "grant", CRM_GRANT_CODE);
        out->instance_url = json_get_text(tokens, "instance_url");
    }
    secret_wipe(&secret);
    return tokens ? OK : FAIL;
}

static enum status keeper_load(void *ctx, struct arena *arena, struct crm_tokens *out,
                               struct err *err)
{
    struct token_keeper *keeper = ctx;
    if (tokens_get(keeper->engine, keeper->label, arena, out, err) == OK)
        return OK;
    return err_wrap(err, "tokens of connection \"%s\"", keeper->connection);
}

static enum status keeper_save(void *ctx, const struct crm_tokens *tokens, struct err *err)
{
    struct token_keeper *keeper = ctx;
    crash_point(keeper->engine, "K15");
    if (tokens_put(keeper->engine, keeper->label, tokens, err) == OK)
        return OK;
    return err_wrap(err, "storing the renewed tokens of \"%s\"", keeper->connection);
}

static struct token_keeper *keeper_for(struct engine *engine, const struct connection *connection)
{
    char label[64];
    snprintf(label, sizeof label, "token:%lld", (long long)connection->id);
    for (struct token_keeper *k = engine->keepers; k; k = k->next)
        if (text_eq(k->label, label))
            return k;
    struct token_keeper *keeper = mem_alloc(sizeof *keeper);
    keeper->engine = engine;
    keeper->connection = mem_strdup(connection->name);
    memcpy(keeper->label, label, sizeof label);
    keeper->store = (struct crm_token_store){keeper, keeper_load, keeper_save};
    keeper->next = engine->keepers;
    engine->keepers = keeper;
    return keeper;
}

void engine_release(struct engine *engine)
{
    while (engine->keepers) {
        struct token_keeper *keeper = engine->keepers;
        engine->keepers = keeper->next;
        free(keeper->connection);
        free(keeper);
    }
}

/* -------------------------------------------------------------- sessions */

static const struct connector *connector_named(const struct engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->connector_count; i++)
        if (text_eq(engine->connectors[i]->name, name))
            return engine->connectors[i];
    return NULL;
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
    struct token_keeper *keeper = keeper_for(engine, connection);
    struct crm_session *session = connector->open(engine->world, connection, &keeper->store, err);
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
    struct token_keeper *keeper = keeper_for(engine, &connection);
    connector->doctor(engine->world, arena, &connection, &keeper->store, needs, count, out);
    return OK;
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
        connection->status = "connected";
    if (!connection->connected_ms)
        connection->connected_ms = engine_now(engine);
    if (engine->store->does->connection_put(engine->store, connection, err) != OK)
        return FAIL;
    char label[64];
    snprintf(label, sizeof label, "token:%lld", (long long)connection->id);
    if (tokens_put(engine, label, tokens, err) != OK)
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
    char label[64];
    enum status rc = engine->store->does->connection_get(engine->store, arena, name, &connection, err);
    if (rc == OK)
        rc = check_no_open_operations(engine, &connection, arena, err);
    if (rc != OK)
        goto done;
    snprintf(label, sizeof label, "token:%lld", (long long)connection.id);
    rc = tokens_get(engine, label, arena, &tokens, err);
    if (rc != OK)
        goto done;
    const struct connector *connector = connector_named(engine, connection.connector);
    if (connector && connector->revoke)
        rc = connector->revoke(engine->world, &connection, &tokens, err);
    if (rc == OK)
        rc = engine->store->does->connection_delete(engine->store, name, err);
    if (rc == OK)
        rc = engine->store->does->sealed_delete(engine->store, label, err);
done:
    secret_wipe(&tokens.access);
    secret_wipe(&tokens.refresh);
    secret_wipe(&tokens.client_secret);
    secret_wipe(&tokens.private_key);
    arena_free(arena);
    return rc;
}

enum status engine_secret_put(struct engine *engine, const char *name, const struct secret *value,
                              struct err *err)
{
    char label[300];
    if (strlen(name) > 200)
        return err_set(err, ERR_INVALID, "a secret's name has at most 200 characters");
    snprintf(label, sizeof label, "secret:%s", name);
    return seal(engine, label, value, err);
}

enum status engine_secret_get(struct engine *engine, const char *name, struct secret *out,
                              struct err *err)
{
    char label[300];
    snprintf(label, sizeof label, "secret:%.200s", name);
    if (unseal(engine, label, out, err) == OK)
        return OK;
    if (err_is(err, ERR_NOT_FOUND)) {
        err_set(err, ERR_NOT_FOUND, "there is no secret named \"%s\"", name);
        err_hint(err, "Store it with: argil secret set %s", name);
    }
    return FAIL;
}
