/* jwt.c - a signed assertion: RS256 with a private key in PEM.
 *
 * Salesforce takes no other algorithm. The key comes from the vault, lives in
 * this file for one signature and is wiped by GnuTLS with the handle. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

#include <gnutls/abstract.h>
#include <string.h>

#define BITS_LEAST 2048

static void key_refused(struct err *err, const char *why)
{
    err_set(err, ERR_INVALID, "the private key cannot be used: %s", why);
    err_hint(err, "An RSA key of 2,048 bits or more, PEM, without a passphrase: openssl req -x509 "
                  "-newkey rsa:2048 -nodes -days 730 -keyout argil.key -out argil.crt. Upload "
                  "argil.crt: Setup, App Manager, the app, Edit, Use digital signatures.");
}

static gnutls_privkey_t key_open(const struct secret *pem, struct err *err)
{
    gnutls_datum_t data = {(unsigned char *)secret_reveal(pem), 0};
    gnutls_privkey_t key = NULL;
    unsigned bits = 0;

    data.size = (unsigned)strlen(secret_reveal(pem));
    int rc = gnutls_privkey_init(&key);
    if (rc == 0)
        rc = gnutls_privkey_import_x509_raw(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc < 0)
        key_refused(err, gnutls_strerror(rc));
    else if (gnutls_privkey_get_pk_algorithm(key, &bits) != GNUTLS_PK_RSA)
        key_refused(err, "it is not an RSA key");
    else if (bits < BITS_LEAST)
        key_refused(err, "it is shorter than 2,048 bits");
    else
        return key;
    if (key)
        gnutls_privkey_deinit(key);
    return NULL;
}

char *sf_jwt_sign(struct arena *arena, const struct secret *pem, const char *payload,
                  struct err *err)
{
    static const char header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
    gnutls_datum_t signature = {NULL, 0};
    gnutls_privkey_t key = key_open(pem, err);
    char *token = NULL;

    if (!key)
        return NULL;
    char *text = arena_printf(arena, "%s.%s", base64url_encode(arena, header, strlen(header)),
                              base64url_encode(arena, payload, strlen(payload)));
    gnutls_datum_t data = {(unsigned char *)text, (unsigned)strlen(text)};
    int rc = gnutls_privkey_sign_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, &data, &signature);
    if (rc < 0)
        key_refused(err, gnutls_strerror(rc));
    else
        token = arena_printf(arena, "%s.%s", text,
                             base64url_encode(arena, signature.data, signature.size));
    gnutls_free(signature.data);
    gnutls_privkey_deinit(key);
    return token;
}
