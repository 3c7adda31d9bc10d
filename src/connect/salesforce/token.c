/* token.c - a new access token for an old one.
 *
 * Call order: sf_refresh after a 401. Inside: take the connection's lock, look
 * whether somebody else already stored a newer token, ask Salesforce, save,
 * then use. Invariants: one refresh of a connection in flight in this process;
 * a token that Salesforce gave is on disk before any request carries it, since
 * with rotation the old one is dead by then; a refused grant is never asked
 * for again and again. The lock is held by a call, not by a flag: it cannot be
 * left behind (F-06). */
#include "connect/salesforce/sf_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "base/uri.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define REFRESH_ATTEMPTS 4
#define LOCKS            16

static pthread_mutex_t locks[LOCKS] = {[0 ... LOCKS - 1] = PTHREAD_MUTEX_INITIALIZER};

static pthread_mutex_t *lock_of(const struct sf *sf)
{
    const char *org = sf->connection.org_id ? sf->connection.org_id : sf->connection.name;
    const char *user = sf->connection.user_id ? sf->connection.user_id : "";
    return &locks[(text_hash(org, strlen(org)) ^ text_hash(user, strlen(user))) % LOCKS];
}

/* ------------------------------------------------------- token endpoint */

enum status sf_token_post(struct world *world, struct http_client *http, const char *login_url,
                          const struct buf *form, struct arena *arena, const struct json **out,
                          const char **oauth_error, struct err *err)
{
    struct http_header accept = {"Accept", "application/json", NULL};
    struct http_header type = {"Content-Type", "application/x-www-form-urlencoded", &accept};
    struct http_response response;
    struct err parse = {0};
    enum status rc = FAIL;
    char *origin = sf_host_origin(arena, login_url, err);

    *out = NULL;
    if (oauth_error)
        *oauth_error = NULL;
    if (!origin)
        return FAIL;
    struct http_request request = {
        .method = "POST",
        .url = arena_printf(arena, "%s/services/oauth2/token", origin),
        .headers = &type,
        .body = form->data,
        .body_len = form->len,
        .timeout_ms = 60000,
        .max_body = MIB,
        .fresh_connection = true, /* a hidden second request would reuse a one-time token */
        .secret_hint = "token request",
    };
    memset(&response, 0, sizeof response);
    if (http_send(http, &request, &response, err) != OK) {
        struct err why = *err;
        err_set(err, ERR_CRM_UNREACHABLE, "signing in at %s: %s", origin, why.message);
        goto done;
    }
    const struct json *body = json_parse_buf(arena, &response.body, &parse);
    const char *code = json_get_text(body, "error");
    const char *description = json_get_text(body, "error_description");
    if (response.status == 200 && json_get_text(body, "access_token")) {
        *out = body;
        rc = OK;
    } else if (code) {
        char ours[80];
        snprintf(ours, sizeof ours, "sf.%s", code);
        err_set(err, ours, "Salesforce refused the sign-in: %s", description ? description : code);
        sf_explain_oauth(err, code, description);
        if (oauth_error)
            *oauth_error = code;
    } else {
        err_set(err, ERR_CRM_UNREACHABLE, "%s answered a sign-in with %d and no explanation",
                origin, response.status);
    }
done:
    buf_wipe(&response.body);
    http_response_free(&response);
    return rc;
}

/* -------------------------------------------------------------- refresh */

static void tokens_wipe(struct crm_tokens *tokens)
{
    secret_wipe(&tokens->access);
    secret_wipe(&tokens->refresh);
    secret_wipe(&tokens->client_secret);
    secret_wipe(&tokens->private_key);
}

/* True when the store holds an access token other than the one that failed. */
static bool adopt_stored(struct sf *sf, const struct secret *stale, struct err *err)
{
    struct arena *arena = arena_new();
    struct crm_tokens stored = {0};
    bool adopted = false;
    if (sf->store.load && sf->store.load(sf->store.ctx, arena, &stored, err) == OK) {
        if (secret_is_set(&stored.refresh))
            secret_copy(&sf->refresh, &stored.refresh);
        adopted = secret_is_set(&stored.access) && !secret_equal(&stored.access, stale) &&
                  sf_use_tokens(sf, &stored, err) == OK;
    }
    tokens_wipe(&stored);
    arena_free(arena);
    return adopted;
}

static bool same_org(struct sf *sf, const char *identity, struct err *err)
{
    const char *at = identity ? strstr(identity, "/id/") : NULL;
    char given[19], ours[19];
    if (!at || !sf->connection.org_id || strlen(at) < 4 + 15)
        return true; /* nothing to compare */
    size_t len = strcspn(at + 4, "/");
    if (!sf_id(at + 4, len, given) ||
        !sf_id(sf->connection.org_id, strlen(sf->connection.org_id), ours) ||
        strcmp(given, ours) == 0)
        return true;
    err_set(err, ERR_CRM_WRONG_ORG, "connection %s now leads to org %s instead of %s",
            sf->connection.name, given, ours);
    err_cause(err, "The sandbox was refreshed, or the login host belongs to another org.");
    err_hint(err, "Connect again; the tables of the old org are kept as they are.");
    return false;
}

static enum status take_answer(struct sf *sf, const struct json *body, struct err *err)
{
    const char *access = json_get_text(body, "access_token");
    const char *refresh = json_get_text(body, "refresh_token");
    struct crm_tokens tokens = {.instance_url = json_get_text(body, "instance_url")};
    enum status rc = FAIL;

    if (!same_org(sf, json_get_text(body, "id"), err))
        return FAIL;
    if (!tokens.instance_url)
        tokens.instance_url = sf->instance;
    if (sf_host_check(tokens.instance_url, err) == SF_NOWHERE)
        return err_wrap(err, "refreshing connection %s", sf->connection.name);
    secret_set(&tokens.access, access, strlen(access));
    if (refresh)
        secret_set(&tokens.refresh, refresh, strlen(refresh));
    else
        secret_copy(&tokens.refresh, &sf->refresh);
    secret_copy(&tokens.client_secret, &sf->client_secret);
    secret_copy(&tokens.private_key, &sf->private_key);
    tokens.grant = sf->grant;
    if (sf->store.save && sf->store.save(sf->store.ctx, &tokens, err) != OK) {
        err_wrap(err, "keeping the new token of connection %s", sf->connection.name);
        goto done;
    }
    rc = sf_use_tokens(sf, &tokens, err);
    log_info("connection %s: token renewed, %s", sf->connection.name, secret_hint(&sf->access));
done:
    tokens_wipe(&tokens);
    return rc;
}

/* Key, secret and assertion make a token of their own: nothing is used up. */
static bool mints(const struct sf *sf)
{
    return sf->grant == CRM_GRANT_CLIENT_CREDENTIALS || sf->grant == CRM_GRANT_JWT;
}

/* The request for a new access token, by the way this connection came in. */
static enum status form_make(struct sf *sf, struct arena *arena, struct buf *form, struct err *err)
{
    struct crm_signin with = {.grant = mints(sf) ? sf->grant : CRM_GRANT_REFRESH,
                              .login_url = sf->connection.login_url ? sf->connection.login_url
                                                                    : sf->instance,
                              .client_id = sf->connection.client_id,
                              .username = sf->connection.username,
                              .client_secret = sf->client_secret,
                              .private_key = sf->private_key,
                              .refresh = sf->refresh}; /* lent: not wiped here */
    return sf_grant_form(sf->world, arena, &with, form, err);
}

static enum status ask_once(struct sf *sf, bool *again, struct err *err)
{
    struct arena *arena = arena_new();
    struct buf form = BUF_INIT;
    const struct json *body = NULL;
    const char *code = NULL;
    enum status rc = FAIL;

    const char *login = sf->connection.login_url ? sf->connection.login_url : sf->instance;
    rc = form_make(sf, arena, &form, err);
    if (rc == OK)
        rc = sf_token_post(sf->world, sf->http, login, &form, arena, &body, &code, err);
    if (rc == OK) {
        rc = take_answer(sf, body, err);
        *again = false;
    } else {
        /* Two refreshers met (until 2024 worded as an expired code), or a passing fault. */
        *again = err_is(err, ERR_CRM_UNREACHABLE) || text_eq(code, "unknown_error") ||
                 text_eq(code, "server_error") || text_eq(code, "service_unavailable") ||
                 strstr(err->message, "already being processed") ||
                 strstr(err->message, "expired authorization code");
    }
    buf_wipe(&form);
    arena_free(arena);
    return rc;
}

static enum status refresh_locked(struct sf *sf, const struct secret *stale, struct err *err)
{
    if (adopt_stored(sf, stale, err))
        return OK;
    for (int attempt = 0; attempt < REFRESH_ATTEMPTS; attempt++) {
        bool again = false;
        err_clear(err);
        if (!secret_is_set(&sf->refresh) && !mints(sf)) {
            err_set(err, ERR_CRM_RECONNECT,
                    "the session of connection %s ended and it has no refresh token",
                    sf->connection.name);
            err_hint(
                err,
                "Connect again. For a connection that lasts, the app needs the scope \"Perform "
                "requests at any time (refresh_token)\".");
            return FAIL;
        }
        if (ask_once(sf, &again, err) == OK)
            return OK;
        if (!again && !err_is(err, "sf.invalid_grant"))
            return FAIL;
        struct err why = *err;
        if (again)
            sf_backoff(sf->world, attempt, 500);
        if (adopt_stored(sf, stale, err)) /* another process was first */
            return OK;
        *err = why;
        if (!again)
            break;
    }
    if (err_is(err, "sf.invalid_grant")) {
        struct err why = *err;
        err_set(err, ERR_CRM_RECONNECT, "connection %s must be connected again: %s",
                sf->connection.name, why.message);
        err_cause(err, "%s", why.cause);
        err_hint(err, "%s", why.hint);
    }
    return FAIL;
}

enum status sf_refresh(struct sf *sf, struct err *err)
{
    struct err local = {0};
    struct secret stale = {0};
    pthread_mutex_t *lock = lock_of(sf);

    err = err ? err : &local;
    secret_copy(&stale, &sf->access);
    pthread_mutex_lock(lock);
    enum status rc = sf->store.lock ? sf->store.lock(sf->store.ctx, err) : OK;
    if (rc == OK) {
        rc = refresh_locked(sf, &stale, err);
        if (sf->store.unlock)
            sf->store.unlock(sf->store.ctx);
    }
    pthread_mutex_unlock(lock);
    secret_wipe(&stale);
    return rc;
}
