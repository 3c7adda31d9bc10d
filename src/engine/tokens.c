/* tokens.c - the sign-ins of connections: sealed, loaded, renewed by one. See tokens.h. */
#include "engine/tokens.h"

#include "base/log.h"
#include "base/str.h"
#include "engine/run_priv.h"
#include "store/store_access.h"
#include "store/store_describes.h"
#include "store/store_holds.h"
#include "store/store_leases.h"

#include <string.h>

/* A renewal asks at most eight times, 30 s each, with pauses between. */
#define LEASE_MS      ((int64_t)5 * 60 * 1000)
#define LEASE_LOOK_MS 50
#define LEASE_MOST_MS 1000

struct token_keeper {
    struct engine *engine;
    struct arena *arena; /* the connection's texts below */
    struct connection connection;
    char owner[37]; /* of the lease: this keeper, in this thread of this process */
    struct crm_token_store store;
    struct crm_kept kept;
    struct token_keeper *next;
};

static const char *label_of(const struct connection *connection, char label[64])
{
    snprintf(label, 64, "token:%lld", (long long)connection->id);
    return label;
}

/* ----------------------------------------------------------------- sealed */

static void put_secret(struct jw *w, const char *key, const struct secret *secret)
{
    if (secret_is_set(secret))
        jw_kv_text(w, key, secret_reveal(secret));
}

static void tokens_write(struct jw *w, const struct connection *connection,
                         const struct crm_tokens *tokens)
{
    jw_object(w);
    put_secret(w, "access", &tokens->access);
    put_secret(w, "refresh", &tokens->refresh);
    put_secret(w, "client_secret", &tokens->client_secret);
    put_secret(w, "private_key", &tokens->private_key);
    if (tokens->grant != CRM_GRANT_CODE)
        jw_kv_int(w, "grant", tokens->grant);
    if (tokens->instance_url)
        jw_kv_text(w, "instance_url", tokens->instance_url);
    if (tokens->renewing_ms)
        jw_kv_int(w, "renewing_ms", tokens->renewing_ms);
    if (tokens->rotates)
        jw_kv_bool(w, "rotates", true);
    if (connection->org_id)
        jw_kv_text(w, "org", connection->org_id);
    jw_end_object(w);
}

enum status tokens_put(struct engine *engine, const struct connection *connection,
                       const struct crm_tokens *tokens, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    char label[64];
    struct secret secret = {0};
    jw_init(&w, &text);
    tokens_write(&w, connection, tokens);
    secret_set(&secret, buf_text(&text), text.len);
    buf_wipe(&text);
    enum status rc = engine_seal(engine, label_of(connection, label), &secret, err);
    secret_wipe(&secret);
    if (rc == OK && !tokens->renewing_ms)
        rc = engine->store->does->holds->signed_in(engine->store, connection->id, err);
    return rc;
}

static void take_secret(struct secret *out, const struct json *tokens, const char *key)
{
    const struct json *value = json_get(tokens, key);
    if (json_is(value, JSON_STRING))
        secret_set(out, value->text, value->len);
}

static enum status tokens_read(const struct json *tokens, const struct connection *connection,
                               struct arena *arena, struct crm_tokens *out, struct err *err)
{
    const char *org = json_get_text(tokens, "org");
    if (org && connection->org_id && !text_eq(org, connection->org_id))
        return err_set(err, ERR_CRM_WRONG_ORG,
                       "the tokens kept for \"%s\" belong to org %s, the connection to %s",
                       connection->name, org, connection->org_id);
    take_secret(&out->access, tokens, "access");
    take_secret(&out->refresh, tokens, "refresh");
    take_secret(&out->client_secret, tokens, "client_secret");
    take_secret(&out->private_key, tokens, "private_key");
    out->grant = (enum crm_grant)json_get_int(tokens, "grant", CRM_GRANT_CODE);
    out->instance_url = arena_strdup(arena, json_get_text(tokens, "instance_url"));
    out->renewing_ms = json_get_int(tokens, "renewing_ms", 0);
    out->rotates = json_get_bool(tokens, "rotates", false);
    return OK;
}

enum status tokens_get(struct engine *engine, const struct connection *connection,
                       struct arena *arena, struct crm_tokens *out, struct err *err)
{
    struct arena *scratch = arena_new();
    struct secret secret = {0};
    char label[64];
    enum status rc = engine_unseal(engine, label_of(connection, label), &secret, err);
    if (rc == OK) {
        const char *text = secret_reveal(&secret);
        const struct json *tokens = json_parse(scratch, text, strlen(text), err);
        rc = tokens ? tokens_read(tokens, connection, arena, out, err) : FAIL;
    }
    secret_wipe(&secret);
    arena_free(scratch);
    return rc == OK ? OK : err_wrap(err, "tokens of connection \"%s\"", connection->name);
}

enum status tokens_forget(struct engine *engine, const struct connection *connection,
                          struct err *err)
{
    char label[64];
    return engine->store->does->sealed_delete(engine->store, label_of(connection, label), err);
}

/* ----------------------------------------------------------------- keeper */

/* A refresh token of a copy that is renewed at each use may be used up; shown again, it would
 * end the sign-in of whoever uses the other copy. */
static enum status keeper_load(void *ctx, struct arena *arena, struct crm_tokens *out,
                               struct err *err)
{
    struct token_keeper *keeper = ctx;
    struct store *store = keeper->engine->store;
    struct store_hold hold;
    if (tokens_get(keeper->engine, &keeper->connection, arena, out, err) != OK ||
        store->does->holds->get(store, arena, keeper->connection.id, &hold, err) != OK)
        return FAIL;
    if (hold.old_sign_in && out->rotates && !out->renewing_ms)
        out->renewing_ms = hold.since_ms;
    return OK;
}

static void status_set(struct token_keeper *keeper, const char *status)
{
    struct store *store = keeper->engine->store;
    struct err err = {0};
    if (text_eq(keeper->connection.status, status))
        return;
    keeper->connection.status = status;
    if (store->does->access->status_set(store, keeper->connection.id, status, &err) != OK)
        log_warn("connection %s is \"%s\", and that could not be stored: %s",
                 keeper->connection.name, status, err.message);
}

static enum status keeper_save(void *ctx, const struct crm_tokens *tokens, struct err *err)
{
    struct token_keeper *keeper = ctx;
    if (!tokens->renewing_ms)
        crash_point(keeper->engine, "K15");
    if (tokens_put(keeper->engine, &keeper->connection, tokens, err) != OK)
        return err_wrap(err, "storing the tokens of \"%s\"", keeper->connection.name);
    return OK;
}

static enum status keeper_may_send(void *ctx, struct err *err)
{
    struct store *store = ((struct token_keeper *)ctx)->engine->store;
    return store->does->sound ? store->does->sound(store, err) : OK;
}

static void keeper_gone(void *ctx, const struct err *why)
{
    struct token_keeper *keeper = ctx;
    struct store *store = keeper->engine->store;
    struct buf detail = BUF_INIT;
    struct err ignored = {0};
    struct jw w;
    jw_init(&w, &detail);
    jw_object(&w);
    jw_kv_text(&w, "connection", keeper->connection.name);
    jw_kv_text(&w, "why", why->message);
    jw_end_object(&w);
    status_set(keeper, STATUS_RECONNECT);
    store->does->audit_add(store, "argil", "connection lost", buf_text(&detail), &ignored);
    log_warn("%s", why->message);
    buf_free(&detail);
}

/* Waits for the holder; it gives back, or its deadline passes. */
static enum status keeper_lock(void *ctx, struct err *err)
{
    struct token_keeper *keeper = ctx;
    struct engine *engine = keeper->engine;
    struct world *world = engine->world;
    struct store_lease holder = {0};
    char name[64];
    int64_t pause = LEASE_LOOK_MS, end = world->monotonic_ms(world) + LEASE_MS + LEASE_MOST_MS;
    bool taken = false;
    snprintf(name, sizeof name, "renew:%lld", (long long)keeper->connection.id);
    for (;;) {
        struct arena *arena = arena_new();
        enum status rc = engine->store->does->leases->take(
            engine->store, arena, name, keeper->owner, LEASE_MS, &taken, &holder, err);
        arena_free(arena);
        if (rc != OK || taken)
            return rc;
        if (engine_stopping(engine) || world->monotonic_ms(world) >= end)
            break;
        world->sleep_ms(world, pause);
        pause = pause * 2 < LEASE_MOST_MS ? pause * 2 : LEASE_MOST_MS;
    }
    return err_set(err, ERR_CRM_UNREACHABLE,
                   "another process is renewing the sign-in of \"%s\" and does not come to an end",
                   keeper->connection.name);
}

static void keeper_unlock(void *ctx)
{
    struct token_keeper *keeper = ctx;
    struct store *store = keeper->engine->store;
    struct err err = {0};
    char name[64];
    snprintf(name, sizeof name, "renew:%lld", (long long)keeper->connection.id);
    if (store->does->leases->give_back(store, name, keeper->owner, &err) != OK)
        log_warn("the lease %s ends at its deadline: %s", name, err.message);
}

/* -------------------------------------------------------------- describes */

static void describe_get(void *ctx, struct arena *arena, const char *name, const char **text,
                         const char **modified, int64_t *kept_ms)
{
    struct token_keeper *keeper = ctx;
    struct store *store = keeper->engine->store;
    struct store_describe kept = {0};
    struct err ignored = {0};
    if (store->does->describes->get(store, arena, keeper->connection.id,
                                    keeper->connection.user_id, name, &kept, &ignored) != OK)
        return;
    *text = kept.body;
    *modified = kept.modified;
    *kept_ms = kept.kept_ms;
}

static void describe_put(void *ctx, const char *name, const char *text, const char *modified)
{
    struct token_keeper *keeper = ctx;
    struct store *store = keeper->engine->store;
    struct err err = {0};
    if (store->does->describes->put(store, keeper->connection.id, keeper->connection.user_id, name,
                                    modified, text, &err) != OK)
        log_debug("what %s is was not kept: %s", name, err.message);
}

/* -------------------------------------------------------------------- both */

static struct token_keeper *keeper_new(struct engine *engine, const struct connection *c)
{
    struct token_keeper *keeper = mem_alloc(sizeof *keeper);
    keeper->engine = engine;
    keeper->arena = arena_new();
    keeper->connection.id = c->id;
    keeper->connection.name = arena_strdup(keeper->arena, c->name);
    keeper->connection.org_id = arena_strdup(keeper->arena, c->org_id);
    keeper->connection.user_id = arena_strdup(keeper->arena, c->user_id);
    keeper->connection.status = arena_strdup(keeper->arena, c->status);
    uuid4(engine->world, keeper->owner);
    keeper->store = (struct crm_token_store){.ctx = keeper,
                                             .load = keeper_load,
                                             .save = keeper_save,
                                             .lock = keeper_lock,
                                             .unlock = keeper_unlock,
                                             .may_send = keeper_may_send,
                                             .gone = keeper_gone};
    keeper->kept = (struct crm_kept){.ctx = keeper, .get = describe_get, .put = describe_put};
    keeper->next = engine->keepers;
    engine->keepers = keeper;
    return keeper;
}

static struct token_keeper *keeper_of(struct engine *engine, const struct connection *c)
{
    for (struct token_keeper *k = engine->keepers; k; k = k->next)
        if (k->connection.id == c->id && text_eq(k->connection.org_id, c->org_id) &&
            text_eq(k->connection.user_id, c->user_id))
            return k;
    return keeper_new(engine, c);
}

const struct crm_token_store *tokens_keeper(struct engine *engine, const struct connection *c)
{
    return &keeper_of(engine, c)->store;
}

const struct crm_kept *describes_keeper(struct engine *engine, const struct connection *c)
{
    return &keeper_of(engine, c)->kept;
}

void engine_release(struct engine *engine)
{
    while (engine->keepers) {
        struct token_keeper *keeper = engine->keepers;
        engine->keepers = keeper->next;
        arena_free(keeper->arena);
        free(keeper);
    }
}
