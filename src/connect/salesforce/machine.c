/* machine.c - ways in without a browser: client credentials, JWT bearer, and a
 * refresh token that somebody already has (an sfdx-auth-url).
 *
 * One function makes the token request of each grant; sign-in posts it once,
 * token.c posts it again whenever a session ends. The first two have no refresh
 * token: key and secret, or the signed assertion, make the next token. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"
#include "base/uri.h"

#include <inttypes.h>
#include <string.h>

#define ASSERTION_S 180 /* Salesforce allows about three minutes */

/* `aud` names the environment on the generic hosts, else the org's own address. */
static const char *assertion_of(struct world *world, struct arena *arena,
                                const struct crm_signin *with, struct err *err)
{
    struct buf payload = BUF_INIT;
    struct jw w;
    const char *audience = sf_host_origin(arena, with->login_url, err);
    if (!audience)
        return NULL;
    jw_init(&w, &payload);
    jw_object(&w);
    jw_kv_text(&w, "iss", with->client_id);
    jw_kv_text(&w, "sub", with->username);
    jw_kv_text(&w, "aud", audience);
    jw_kv_int(&w, "exp", world->now_ms(world) / 1000 + ASSERTION_S);
    jw_end_object(&w);
    const char *token = sf_jwt_sign(arena, &with->private_key, buf_text(&payload), err);
    buf_free(&payload);
    return token;
}

static void client_add(struct buf *form, const struct crm_signin *with)
{
    uri_pair_add(form, "client_id", with->client_id ? with->client_id : "");
    if (secret_is_set(&with->client_secret))
        uri_pair_add(form, "client_secret", secret_reveal(&with->client_secret));
}

enum status sf_grant_form(struct world *world, struct arena *arena, const struct crm_signin *with,
                          struct buf *form, struct err *err)
{
    const char *assertion;
    switch (with->grant) {
    case CRM_GRANT_CLIENT_CREDENTIALS:
        uri_pair_add(form, "grant_type", "client_credentials");
        client_add(form, with);
        return OK;
    case CRM_GRANT_JWT:
        if (!(assertion = assertion_of(world, arena, with, err)))
            return FAIL;
        uri_pair_add(form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        uri_pair_add(form, "assertion", assertion);
        return OK;
    case CRM_GRANT_REFRESH:
        uri_pair_add(form, "grant_type", "refresh_token");
        client_add(form, with);
        uri_pair_add(form, "refresh_token", secret_reveal(&with->refresh));
        return OK;
    case CRM_GRANT_CODE:
        break;
    }
    return err_set(err, ERR_INVALID, "the browser sign-in has no request of its own");
}

/* Refused here with a reason, before the org refuses it with less of one. */
static enum status wish_check(const struct crm_signin *signin, const char *origin, struct err *err)
{
    if (text_blank(signin->client_id)) {
        err_set(err, ERR_INVALID, "the consumer key of the app is missing");
        err_hint(err,
                 "Setup, App Manager, the app, Manage Consumer Details: copy the Consumer Key.");
        return FAIL;
    }
    if (signin->grant == CRM_GRANT_JWT && text_blank(signin->username))
        return err_set(err, ERR_INVALID, "the username that the app acts as is missing");
    if (signin->grant != CRM_GRANT_CLIENT_CREDENTIALS)
        return OK;
    if (!secret_is_set(&signin->client_secret)) {
        err_set(err, ERR_INVALID, "client credentials need the consumer secret");
        err_hint(err, "Setup, App Manager, the app, Manage Consumer Details: copy it to a file.");
        return FAIL;
    }
    if (text_ends(origin, "://login.salesforce.com") ||
        text_ends(origin, "://test.salesforce.com")) {
        err_set(err, "sf.invalid_grant", "client credentials do not work at %s", origin);
        sf_explain_oauth(err, "invalid_grant", "request not supported on this domain");
        return FAIL;
    }
    return OK;
}

enum status sf_signin_machine(struct world *world, struct arena *arena,
                              const struct crm_signin *signin, struct connection *connection,
                              struct crm_tokens *tokens, struct err *err)
{
    struct buf form = BUF_INIT;
    struct sf_token_call call = {.login_url = signin->login_url, .form = &form};
    enum status rc = FAIL;

    if (sf_signin_host(signin, err) != OK)
        return FAIL;
    connection->login_url = sf_host_origin(arena, signin->login_url, err);
    if (wish_check(signin, connection->login_url, err) != OK)
        return FAIL;
    connection->client_id = arena_strdup(arena, signin->client_id);
    struct connection plain = {.login_url = connection->login_url,
                               .client_id = connection->client_id,
                               .name = connection->name};
    struct crm_tokens given = {.grant = signin->grant,
                               .client_secret = signin->client_secret,
                               .private_key = signin->private_key,
                               .refresh = signin->refresh}; /* lent */
    struct sf *sf = sf_new(world, &plain, NULL, err);
    if (!sf)
        return FAIL;
    if (sf_grant_form(world, arena, signin, &form, err) == OK &&
        sf_token_post(sf->http, &call, arena, err) == OK)
        rc = sf_signin_settle(sf, arena, signin, call.answer, &given, connection, tokens, err);
    buf_wipe(&form);
    sf_free(sf);
    return rc;
}
