/* signin.c - from a login URL to a connection.
 *
 * Call order: begin makes the page to open (PKCE S256, 256 bits of state);
 * the caller opens it, waits at the redirect URI, compares the state; finish
 * exchanges the code once, checks that the id_token is for this very sign-in, reads
 * who signed in where, and asks the org itself whether it is a sandbox. No bearer
 * token leaves for a host that host.c does not know, and login, instance and
 * identity must be of the same kind. A sign-in that is refused at the end gives its
 * grant back: Salesforce keeps five a user and app, and the next one would push
 * out a working one. */
#include "connect/salesforce/sf_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "base/uri.h"

#include <stdio.h>
#include <string.h>

/* ----------------------------------------------------------------- begin */

static char *random_text(struct world *world, struct arena *arena)
{
    unsigned char bytes[32];
    world->random(world, bytes, sizeof bytes);
    char *text = base64url_encode(arena, bytes, sizeof bytes);
    memset(bytes, 0, sizeof bytes);
    return text;
}

static char *challenge_of(struct arena *arena, const char *verifier)
{
    char hex[65];
    unsigned char digest[32];
    sha256_hex(verifier, strlen(verifier), hex);
    for (int i = 0; i < 32; i++) {
        unsigned byte = 0;
        sscanf(hex + 2 * i, "%2x", &byte);
        digest[i] = (unsigned char)byte;
    }
    return base64url_encode(arena, digest, sizeof digest);
}

enum status sf_signin_begin(struct world *world, struct arena *arena, struct crm_signin *signin,
                            struct err *err)
{
    struct buf query = BUF_INIT;
    if (sf_signin_host(signin, err) != OK)
        return FAIL;
    char *origin = sf_host_origin(arena, signin->login_url, err);
    if (text_blank(signin->client_id)) {
        err_set(err, ERR_INVALID, "the consumer key of the app is missing");
        err_hint(err,
                 "Setup, App Manager, the app, Manage Consumer Details: copy the Consumer Key.");
        return FAIL;
    }
    char *verifier = random_text(world, arena);
    secret_set(&signin->verifier, verifier, strlen(verifier));
    signin->state = random_text(world, arena);
    signin->nonce = random_text(world, arena);
    uri_pair_add(&query, "response_type", "code");
    uri_pair_add(&query, "client_id", signin->client_id);
    uri_pair_add(&query, "redirect_uri", signin->redirect_uri);
    uri_pair_add(&query, "scope", SF_SCOPES);
    uri_pair_add(&query, "state", signin->state);
    uri_pair_add(&query, "nonce", signin->nonce);
    uri_pair_add(&query, "code_challenge", challenge_of(arena, verifier));
    uri_pair_add(&query, "code_challenge_method", "S256");
    if (!text_blank(signin->prompt))
        uri_pair_add(&query, "prompt", signin->prompt);
    signin->url = arena_printf(arena, "%s/services/oauth2/authorize?%s", origin, buf_text(&query));
    memset(verifier, 0, strlen(verifier));
    buf_free(&query);
    return OK;
}

/* ---------------------------------------------------------------- scopes */

static bool has_scope(const char *granted, const char *scope)
{
    size_t len = strlen(scope);
    for (const char *at = granted; at && *at;) {
        size_t n = strcspn(at, " ,");
        if (n == len && strncmp(at, scope, n) == 0)
            return true;
        at += n + strspn(at + n, " ,");
    }
    return false;
}

static bool covered(const char *granted, const char *scope)
{
    if (has_scope(granted, scope))
        return true;
    if (text_eq(scope, "refresh_token"))
        return has_scope(granted, "offline_access");
    if (text_eq(scope, "profile")) /* id stands for profile, email, address and phone */
        return has_scope(granted, "id") || has_scope(granted, "full");
    return has_scope(granted, "full");
}

const char *sf_scopes_missing(struct arena *arena, const char *asked, const char *granted)
{
    char *missing = NULL;
    for (const char *at = asked; *at;) {
        size_t n = strcspn(at, " ");
        char *scope = arena_strndup(arena, at, n);
        if (n && !covered(granted, scope))
            missing = missing ? arena_printf(arena, "%s %s", missing, scope) : scope;
        at += n + strspn(at + n, " ");
    }
    return missing;
}

const char *sf_signin_scopes(enum crm_grant grant)
{
    return crm_grant_mints(grant) ? "api" : SF_SCOPES;
}

const char *sf_signin_missing(struct arena *arena, enum crm_grant grant, const char *granted)
{
    return granted ? sf_scopes_missing(arena, sf_signin_scopes(grant), granted) : NULL;
}

static enum status scopes_check(struct arena *arena, const char *asked, const char *granted,
                                struct err *err)
{
    const char *missing = sf_scopes_missing(arena, asked, granted ? granted : "");
    if (!missing)
        return OK;
    if (!has_scope(missing, "api") && !has_scope(missing, "refresh_token")) {
        log_warn("salesforce granted \"%s\": %s was asked for too", granted, missing);
        return OK;
    }
    err_set(err, ERR_CRM_REFUSED, "Salesforce did not grant the permission %s", missing);
    err_cause(err, "The app's Selected OAuth Scopes do not include it; granted was \"%s\".",
              granted ? granted : "");
    err_hint(err,
             "Setup, App Manager, the app, Edit, Selected OAuth Scopes: add \"Manage user data via "
             "APIs (api)\" and \"Perform requests at any time (refresh_token, offline_access)\"; "
             "wait ten minutes and connect again.");
    return FAIL;
}

/* --------------------------------------------------- who and where we are */

/* Reads a JSON document with the bearer token from a URL whose host is checked
 * here and must be of the same kind as the instance. */
static const struct json *identity_read(struct sf *sf, struct arena *arena, const char *url,
                                        struct err *err)
{
    struct http_header accept = {"Accept", "application/json", NULL};
    struct http_header auth = {"Authorization", NULL, &accept};
    struct http_response response;
    struct buf bearer = BUF_INIT;
    const struct json *body = NULL;

    if (sf_host_check(url, err) == SF_NOWHERE)
        return err_wrap(err, "identity URL"), NULL;
    if (sf_host_check(url, NULL) != sf_host_check(sf->instance, NULL)) {
        err_set(err, ERR_CRM_WRONG_ORG, "the identity URL is not on the org's own kind of host");
        return NULL;
    }
    buf_printf(&bearer, "Bearer %s", secret_reveal(&sf->access));
    auth.value = buf_text(&bearer);
    struct http_request request = {.url = url,
                                   .headers = &auth,
                                   .max_body = 4 * MIB,
                                   .secret_hint = secret_hint(&sf->access),
                                   .timeout_ms = 60000};
    memset(&response, 0, sizeof response);
    if (http_send(sf->http, &request, &response, err) != OK) {
        struct err why = *err;
        err_set(err, ERR_CRM_UNREACHABLE, "asking Salesforce who signed in: %s", why.message);
    } else if (response.status != 200) {
        err_set(err, ERR_CRM_REFUSED, "asking Salesforce who signed in: it answered %d %.100s",
                response.status, buf_text(&response.body));
    } else if ((body = json_parse_buf(arena, &response.body, err)) == NULL) {
        err_wrap(err, "asking Salesforce who signed in");
    }
    http_response_free(&response);
    buf_wipe(&bearer);
    return body;
}

enum status sf_public_read(struct sf *sf, struct arena *arena, const char *url,
                           const struct json **out, struct err *err)
{
    struct http_header accept = {"Accept", "application/json", NULL};
    struct http_request request = {
        .url = url, .headers = &accept, .max_body = MIB, .timeout_ms = 20000};
    struct http_response response;
    enum status rc = FAIL;
    memset(&response, 0, sizeof response);
    if (http_send(sf->http, &request, &response, err) != OK)
        rc = FAIL;
    else if (response.status != 200)
        err_set(err, ERR_CRM_UNREACHABLE, "%s answered %d", url, response.status);
    else if ((*out = json_parse_buf(arena, &response.body, err)) != NULL)
        rc = OK;
    http_response_free(&response);
    return rc;
}

/* The ids at the end of https://login.salesforce.com/id/00D.../005... */
static bool ids_of(const char *url, char org[19], char user[19])
{
    const char *at = url ? strstr(url, "/id/") : NULL;
    if (!at)
        return false;
    at += 4;
    size_t n = strcspn(at, "/");
    if (!sf_id(at, n, org) || at[n] != '/')
        return false;
    at += n + 1;
    return sf_id(at, strcspn(at, "/?#"), user);
}

static enum status organization_read(struct sf *sf, struct arena *arena, struct connection *c,
                                     struct err *err)
{
    struct sf_query query = {.soql = "SELECT Id, Name, IsSandbox FROM Organization LIMIT 1"};
    struct sf_rows rows;
    if (sf_query(sf, &query, "Organization", arena, &rows, err) != OK)
        return err_wrap(err, "asking whether the org is a sandbox");
    const struct json *org = json_at(rows.records, 0);
    const char *id = sf_id_dup(arena, json_get_text(org, "Id"));
    const struct json *sandbox = json_get(org, "IsSandbox");
    if (!id || !(json_is(sandbox, JSON_TRUE) || json_is(sandbox, JSON_FALSE)))
        return err_set(err, ERR_CRM_REFUSED,
                       "Salesforce does not say whether the org is a sandbox");
    if (!text_eq(id, c->org_id))
        return err_set(err, ERR_CRM_WRONG_ORG,
                       "signed in to org %s, but the instance serves org %s", c->org_id, id);
    c->org_name = arena_strdup(arena, json_get_text(org, "Name"));
    c->environment = json_is(sandbox, JSON_TRUE)                     ? "sandbox"
                     : sf_host_check(sf->instance, NULL) == SF_LOCAL ? "local"
                                                                     : "production";
    return OK;
}

/* A connection is for the environment that was asked for, or is not made. */
static enum status environment_check(const struct crm_signin *signin, const struct connection *c,
                                     struct err *err)
{
    bool sandbox = text_eq(c->environment, "sandbox");
    if (sandbox == signin->sandbox)
        return OK;
    err_set(err, "connect.wrong_environment",
            sandbox ? "%s (%s) is a sandbox, and Test Env was not asked for"
                    : "%s (%s) says it is no sandbox, and Test Env was asked for",
            c->org_name ? c->org_name : "the org", c->org_id);
    err_cause(err, "Salesforce's Organization.IsSandbox is %s. Production and test are never mixed "
                   "up by accident: a connection is one or the other for good.",
              sandbox ? "true" : "false");
    if (sandbox)
        err_hint(err, "Add --sandbox (Test Env), or sign in to the production org.");
    else
        err_hint(err, "Sign in at the sandbox's own My Domain "
                      "(https://NAME--SANDBOX.sandbox.my.salesforce.com) in a private window, or "
                      "leave --sandbox out.");
    return FAIL;
}

static enum status username_read(struct sf *sf, struct arena *arena, struct connection *c,
                                 struct err *err)
{
    struct sf_query query = {
        .soql = arena_printf(arena, "SELECT Username FROM User WHERE Id = '%s'", c->user_id)};
    struct sf_rows rows;
    if (sf_query(sf, &query, "User", arena, &rows, err) != OK)
        return FAIL;
    c->username = arena_strdup(arena, json_get_text(json_at(rows.records, 0), "Username"));
    return OK;
}

/* Fills user, org and environment of a connection whose tokens are in `sf`. */
static enum status connection_fill(struct sf *sf, struct arena *arena, const struct json *identity,
                                   struct connection *c, struct err *err)
{
    c->org_id = sf_id_dup(arena, json_get_text(identity, "organization_id"));
    c->user_id = sf_id_dup(arena, json_get_text(identity, "user_id"));
    const char *username = json_get_text(identity, "username");
    if (!username)
        username = json_get_text(identity, "preferred_username");
    c->username = arena_strdup(arena, username);
    if (!c->org_id || !c->user_id)
        return err_set(err, ERR_CRM_REFUSED, "Salesforce does not say who signed in");
    if (!c->username && username_read(sf, arena, c, err) != OK)
        return FAIL;
    return organization_read(sf, arena, c, err);
}

static void connection_done(struct sf *sf, struct arena *arena, struct connection *c,
                            struct crm_tokens *tokens)
{
    c->connector = salesforce_connector.name;
    c->instance_url = arena_strdup(arena, sf->instance);
    c->status = "connected";
    c->connected_ms = sf->world->now_ms(sf->world);
    secret_copy(&tokens->access, &sf->access);
    secret_copy(&tokens->refresh, &sf->refresh);
    secret_copy(&tokens->client_secret, &sf->client_secret);
    secret_copy(&tokens->private_key, &sf->private_key);
    tokens->grant = sf->grant;
    tokens->instance_url = c->instance_url;
    tokens->renewing_ms = 0;
    tokens->rotates = false;
}

static enum status tokens_take(struct sf *sf, const struct json *body,
                               const struct crm_tokens *given, struct err *err)
{
    struct crm_tokens tokens = {.instance_url = json_get_text(body, "instance_url"),
                                .grant = given->grant,
                                .client_secret = given->client_secret,
                                .private_key = given->private_key}; /* lent */
    const char *access = json_get_text(body, "access_token");
    const char *refresh = json_get_text(body, "refresh_token");
    secret_set(&tokens.access, access, strlen(access));
    if (refresh)
        secret_set(&tokens.refresh, refresh, strlen(refresh));
    else
        secret_copy(&tokens.refresh, &given->refresh);
    enum status rc = sf_use_tokens(sf, &tokens, err);
    secret_wipe(&tokens.access);
    secret_wipe(&tokens.refresh);
    return rc;
}

enum status sf_signin_settle(struct sf *sf, struct arena *arena, const struct crm_signin *signin,
                             const struct json *body, const struct crm_tokens *given,
                             struct connection *connection, struct crm_tokens *tokens,
                             struct err *err)
{
    connection->scopes = arena_strdup(arena, json_get_text(body, "scope"));
    if (sf_id_token_check(sf, arena, signin, body, err) != OK ||
        scopes_check(arena, sf_signin_scopes(given->grant), connection->scopes, err) != OK ||
        tokens_take(sf, body, given, err) != OK)
        return FAIL;
    const struct json *identity = identity_read(sf, arena, json_get_text(body, "id"), err);
    if (!identity || connection_fill(sf, arena, identity, connection, err) != OK ||
        environment_check(signin, connection, err) != OK)
        return FAIL;
    connection_done(sf, arena, connection, tokens);
    return OK;
}

/* ---------------------------------------------------------------- finish */

static enum status exchange(struct sf *sf, struct arena *arena,
                            const struct crm_signin *signin, const char *code,
                            const struct json **out, struct err *err)
{
    struct buf form = BUF_INIT;
    uri_pair_add(&form, "grant_type", "authorization_code");
    uri_pair_add(&form, "code", code);
    uri_pair_add(&form, "client_id", signin->client_id);
    if (secret_is_set(&signin->client_secret))
        uri_pair_add(&form, "client_secret", secret_reveal(&signin->client_secret));
    uri_pair_add(&form, "redirect_uri", signin->redirect_uri);
    uri_pair_add(&form, "code_verifier", secret_reveal(&signin->verifier));
    struct sf_token_call call = {.login_url = signin->login_url, .form = &form};
    enum status rc = sf_token_post(sf->http, &call, arena, err);
    *out = call.answer;
    buf_wipe(&form);
    return rc;
}

/* The grant that a refused sign-in got all the same; it is nobody's. */
static void give_back(struct world *world, const struct connection *plain,
                      const struct json *answer)
{
    struct crm_tokens tokens = {0};
    struct err err = {0};
    const char *access = json_get_text(answer, "access_token");
    const char *refresh = json_get_text(answer, "refresh_token");
    if (access)
        secret_set(&tokens.access, access, strlen(access));
    if (refresh)
        secret_set(&tokens.refresh, refresh, strlen(refresh));
    if (sf_revoke(world, plain, &tokens, &err) != OK)
        log_warn("the grant of a refused sign-in could not be given back: %s", err.message);
    crm_tokens_wipe(&tokens);
}

enum status sf_signin_finish(struct world *world, struct arena *arena,
                             const struct crm_signin *signin, const char *code,
                             struct connection *connection, struct crm_tokens *tokens,
                             struct err *err)
{
    const struct json *body = NULL;
    enum status rc = FAIL;

    if (sf_signin_host(signin, err) != OK)
        return FAIL;
    connection->login_url = sf_host_origin(arena, signin->login_url, err);
    connection->client_id = arena_strdup(arena, signin->client_id);
    struct connection plain = {.login_url = connection->login_url,
                               .client_id = connection->client_id,
                               .name = connection->name};
    struct sf *sf = sf_new(world, &plain, NULL, err);
    if (!sf)
        return FAIL;
    struct crm_tokens given = {.client_secret = signin->client_secret}; /* lent */
    if (exchange(sf, arena, signin, code, &body, err) == OK) {
        rc = sf_signin_settle(sf, arena, signin, body, &given, connection, tokens, err);
        if (rc != OK)
            give_back(world, &plain, body);
    }
    sf_free(sf);
    return rc;
}

/* ------------------------------------------------------- a token in hand */

/* userinfo where the token may read it; else the ids in the API root's identity URL. */
static enum status identity_of_token(struct sf *sf, struct arena *arena, struct connection *c,
                                     struct err *err)
{
    struct err first = {0};
    const struct json *root = NULL;
    char org[19], user[19];
    const struct json *who = identity_read(
        sf, arena, arena_printf(arena, "%s/services/oauth2/userinfo", sf->instance), &first);
    if (who && json_get_text(who, "organization_id"))
        return connection_fill(sf, arena, who, c, err);

    struct sf_call call = {.path = "/", .what = "asking Salesforce who signed in"};
    if (sf_read(sf, &call, arena, &root, err) != OK)
        return FAIL;
    if (!ids_of(json_get_text(root, "identity"), org, user)) {
        *err = first;
        return err_set(err, ERR_CRM_REFUSED, "Salesforce does not say who signed in");
    }
    c->org_id = arena_strdup(arena, org);
    c->user_id = arena_strdup(arena, user);
    if (username_read(sf, arena, c, err) != OK)
        return FAIL;
    return organization_read(sf, arena, c, err);
}

enum status sf_signin_token(struct world *world, struct arena *arena,
                            const struct crm_signin *signin, const struct secret *access_token,
                            struct connection *connection, struct crm_tokens *tokens,
                            struct err *err)
{
    struct connection plain = {.name = connection->name};
    struct crm_tokens given = {0};
    struct err local = {0};
    enum status rc = FAIL;

    err = err ? err : &local;
    if (sf_signin_host(signin, err) != OK)
        return FAIL;
    plain.login_url = sf_host_origin(arena, signin->login_url, err);
    struct sf *sf = sf_new(world, &plain, NULL, err);
    if (!sf)
        return FAIL;
    given.instance_url = plain.login_url;
    secret_copy(&given.access, access_token);
    if (sf_use_tokens(sf, &given, err) != OK ||
        identity_of_token(sf, arena, connection, err) != OK ||
        environment_check(signin, connection, err) != OK)
        goto done;
    connection->login_url = plain.login_url;
    connection_done(sf, arena, connection, tokens);
    rc = OK;
done:
    secret_wipe(&given.access);
    sf_free(sf);
    if (rc != OK && err_is(err, ERR_CRM_RECONNECT)) {
        err_set(err, "sf.INVALID_SESSION_ID", "Salesforce does not accept the access token");
        err_cause(err, "It expired, was revoked, or belongs to another org.");
        err_hint(err, "Get a new one, for example: sf org display --json");
    }
    return rc;
}

/* ---------------------------------------------------------------- revoke */

enum status sf_revoke(struct world *world, const struct connection *connection,
                      const struct crm_tokens *tokens, struct err *err)
{
    struct arena *arena = arena_new();
    struct http_client *http = NULL;
    struct http_header type = {"Content-Type", "application/x-www-form-urlencoded", NULL};
    struct http_response response = {0};
    struct buf form = BUF_INIT;
    enum status rc = FAIL;
    const struct secret *token =
        secret_is_set(&tokens->refresh) ? &tokens->refresh : &tokens->access;
    const char *url = connection->login_url ? connection->login_url : connection->instance_url;
    char *origin = sf_host_origin(arena, url, err);

    if (!secret_is_set(token)) {
        rc = OK; /* nothing to take back */
        goto done;
    }
    if (!origin)
        goto done;
    uri_pair_add(&form, "token", secret_reveal(token));
    struct http_request request = {.method = "POST",
                                   .url = arena_printf(arena, "%s/services/oauth2/revoke", origin),
                                   .headers = &type,
                                   .body = form.data,
                                   .body_len = form.len,
                                   .timeout_ms = 30000,
                                   .max_body = MIB,
                                   .secret_hint = secret_hint(token)};
    http = http_client_new(world, "argil/" ARGIL_VERSION);
    if (http_send(http, &request, &response, err) != OK) {
        err_wrap(err, "revoking the grant at %s", origin);
    } else if (response.status == 200 || response.status == 400) {
        rc = OK; /* 400 invalid_token: it was gone already */
    } else {
        err_set(err, ERR_CRM_REFUSED, "revoking the grant: Salesforce answered %d",
                response.status);
        err_hint(err, "Setup, Connected Apps OAuth Usage, the app: Revoke.");
    }
done:
    http_response_free(&response);
    http_client_free(http);
    buf_wipe(&form);
    arena_free(arena);
    return rc;
}
