/* id_token.c - is the token that says who signed in really ours?
 *
 * OpenID Connect Core 3.1.3.7, for a code flow: issuer, audience, expiry, the
 * nonce of this sign-in, the access token it came with (at_hash), and the
 * signature by a key that the org publishes at /id/keys. Salesforce signs RS256
 * only, for two minutes unless the app says otherwise (salesforce-auth 1.5); the
 * expiry is read with patience for clocks, the nonce is what stops a replay. When
 * the keys cannot be had, TLS to the token endpoint vouches (3.1.3.7, point 6). */
#include "connect/salesforce/sf_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "base/uri.h"

#include <gnutls/abstract.h>
#include <sodium.h>
#include <string.h>

#define CLOCK_PATIENCE_S 600

struct id_token {
    const struct json *header, *claims;
    const char *text; /* the signed part: header.claims */
    size_t text_len;
    void *signature;
    size_t signature_len;
};

static enum status refuse(struct err *err, const char *why)
{
    err_set(err, "connect.id_token", "the id_token does not belong to this sign-in: %s", why);
    err_cause(err, "The answer was meant for another sign-in or another app, or was made by "
                   "somebody else than the org.");
    err_hint(err, "Start the sign-in again. If it stays: argil doctor, and look for a proxy between "
                  "this server and Salesforce.");
    return FAIL;
}

/* ------------------------------------------------------------- taking apart */

static const struct json *part_json(struct arena *arena, const char *text, size_t len)
{
    struct err ignored = {0};
    size_t n = 0;
    char *json = base64_decode(arena, text, len, &n);
    return json ? json_parse(arena, json, n, &ignored) : NULL;
}

static bool take_apart(struct arena *arena, const char *token, struct id_token *out)
{
    const char *first = strchr(token, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    if (!second || strchr(second + 1, '.'))
        return false;
    out->header = part_json(arena, token, (size_t)(first - token));
    out->claims = part_json(arena, first + 1, (size_t)(second - first - 1));
    out->text = token;
    out->text_len = (size_t)(second - token);
    out->signature = base64_decode(arena, second + 1, strlen(second + 1), &out->signature_len);
    return json_is(out->header, JSON_OBJECT) && json_is(out->claims, JSON_OBJECT) &&
           out->signature;
}

/* ---------------------------------------------------------------- signature */

static const struct json *key_named(const struct json *keys, const char *kid)
{
    json_each(key, json_get(keys, "keys"))
        if (text_eq(json_get_text(key, "kid"), kid) && text_eq(json_get_text(key, "kty"), "RSA"))
            return key;
    return NULL;
}

static gnutls_datum_t number_of(struct arena *arena, const struct json *key, const char *name)
{
    const char *text = json_get_text(key, name);
    size_t len = 0;
    void *bytes = text ? base64_decode(arena, text, strlen(text), &len) : NULL;
    return (gnutls_datum_t){bytes, bytes ? (unsigned)len : 0};
}

static bool signed_by(struct arena *arena, const struct json *key, const struct id_token *token)
{
    gnutls_datum_t n = number_of(arena, key, "n"), e = number_of(arena, key, "e");
    gnutls_datum_t text = {(unsigned char *)(uintptr_t)token->text, (unsigned)token->text_len};
    gnutls_datum_t signature = {token->signature, (unsigned)token->signature_len};
    gnutls_pubkey_t public = NULL;
    if (!n.size || !e.size || gnutls_pubkey_init(&public) < 0)
        return false;
    bool good =
        gnutls_pubkey_import_rsa_raw(public, &n, &e) >= 0 &&
        gnutls_pubkey_verify_data2(public, GNUTLS_SIGN_RSA_SHA256, 0, &text, &signature) >= 0;
    gnutls_pubkey_deinit(public);
    return good;
}

static enum status check_signature(struct sf *sf, struct arena *arena, const char *login_url,
                                   const struct id_token *token, struct err *err)
{
    struct err unreachable = {0};
    const struct json *keys = NULL;
    if (!text_eq(json_get_text(token->header, "alg"), "RS256"))
        return refuse(err, "it is not signed the way Salesforce signs (RS256)");
    char *origin = sf_host_origin(arena, login_url, err);
    if (!origin)
        return FAIL;
    if (sf_public_read(sf, arena, arena_printf(arena, "%s/id/keys", origin), &keys,
                       &unreachable) != OK) {
        log_warn("id_token: the org's keys cannot be had (%s); TLS vouches for it",
                 unreachable.message);
        return OK;
    }
    const struct json *key = key_named(keys, json_get_text(token->header, "kid"));
    if (!key)
        return refuse(err, "its key is none of the org's");
    return signed_by(arena, key, token) ? OK : refuse(err, "its signature is wrong");
}

/* ------------------------------------------------------------------- claims */

static bool audience_has(const struct json *aud, const char *client_id)
{
    json_each(one, aud)
        if (text_eq(json_text(one), client_id))
            return true;
    return text_eq(json_text(aud), client_id);
}

/* base64url of the left half of SHA-256. */
static const char *hash_of(struct arena *arena, const char *access_token)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)access_token, strlen(access_token));
    return base64url_encode(arena, digest, sizeof digest / 2);
}

static bool same_constant_time(const char *a, const char *b)
{
    return a && b && strlen(a) == strlen(b) && sodium_memcmp(a, b, strlen(a)) == 0;
}

/* https://login.salesforce.com/id/ORG/USER and the My Domain's are the same person. */
static const char *person_of(const char *url)
{
    const char *at = url ? strstr(url, "/id/") : NULL;
    return at;
}

static enum status check_claims(struct sf *sf, struct arena *arena,
                                const struct crm_signin *signin, const struct json *claims,
                                const struct json *body, struct err *err)
{
    const char *at_hash = json_get_text(claims, "at_hash");
    const char *issuer = json_get_text(claims, "iss");
    if (!issuer || sf_host_check(issuer, NULL) != sf_host_check(signin->login_url, NULL))
        return refuse(err, "its issuer is not the org");
    if (!audience_has(json_get(claims, "aud"), signin->client_id))
        return refuse(err, "it is for another app");
    if (!same_constant_time(json_get_text(claims, "nonce"), signin->nonce))
        return refuse(err, "its nonce is not ours");
    if (json_get_int(claims, "exp", 0) + CLOCK_PATIENCE_S < sf->world->now_ms(sf->world) / 1000)
        return refuse(err, "it has expired");
    if (!person_of(json_get_text(claims, "sub")) ||
        !text_eq(person_of(json_get_text(claims, "sub")), person_of(json_get_text(body, "id"))))
        return refuse(err, "it speaks of another user than the answer");
    if (at_hash && !text_eq(at_hash, hash_of(arena, json_get_text(body, "access_token"))))
        return refuse(err, "it came with another access token");
    return OK;
}

enum status sf_id_token_check(struct sf *sf, struct arena *arena, const struct crm_signin *signin,
                              const struct json *body, struct err *err)
{
    struct id_token token = {0};
    const char *text = json_get_text(body, "id_token");
    if (!signin->nonce)
        return OK; /* not a browser sign-in: nothing was sent that could come back */
    if (!text) {
        log_warn("no id_token came back (scope openid was not granted); state and PKCE hold");
        return OK;
    }
    if (!take_apart(arena, text, &token))
        return refuse(err, "it is damaged");
    if (check_claims(sf, arena, signin, token.claims, body, err) != OK)
        return FAIL;
    return check_signature(sf, arena, signin->login_url, &token, err);
}
