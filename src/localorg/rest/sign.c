/* sign.c - digests, HMAC and RS256 by GnuTLS.
 *
 * The key that signs id_tokens is made on first use: most runs never ask for
 * one, and 2048-bit RSA takes a noticeable part of a second. */
#include "localorg/rest/sign.h"

#include "base/mem.h"
#include "base/str.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEY_ID "268" /* Salesforce's key ids are short numbers */

struct signer {
    pthread_mutex_t lock;
    gnutls_privkey_t key;
};

struct signer *signer_new(void)
{
    struct signer *signer = mem_alloc(sizeof *signer);
    pthread_mutex_init(&signer->lock, NULL);
    return signer;
}

void signer_free(struct signer *signer)
{
    if (!signer)
        return;
    if (signer->key)
        gnutls_privkey_deinit(signer->key);
    pthread_mutex_destroy(&signer->lock);
    free(signer);
}

static enum status signer_ready(struct signer *signer, struct err *err)
{
    int rc = 0;
    pthread_mutex_lock(&signer->lock);
    if (!signer->key) {
        rc = gnutls_privkey_init(&signer->key);
        if (rc == 0)
            rc = gnutls_privkey_generate(signer->key, GNUTLS_PK_RSA, 2048, 0);
        if (rc != 0 && signer->key) {
            gnutls_privkey_deinit(signer->key);
            signer->key = NULL;
        }
    }
    pthread_mutex_unlock(&signer->lock);
    return rc == 0
               ? OK
               : err_set(err, "localorg.key", "making an RSA key failed: %s", gnutls_strerror(rc));
}

char *signer_jwt(struct signer *signer, struct arena *arena, const char *payload, struct err *err)
{
    static const char header[] = "{\"kid\":\"" KEY_ID "\",\"typ\":\"JWT\",\"alg\":\"RS256\"}";
    if (signer_ready(signer, err) != OK)
        return NULL;
    char *text = arena_printf(arena, "%s.%s", base64url_encode(arena, header, sizeof header - 1),
                              base64url_encode(arena, payload, strlen(payload)));
    gnutls_datum_t data = {(unsigned char *)text, (unsigned)strlen(text)}, signature = {0};
    pthread_mutex_lock(&signer->lock);
    int rc = gnutls_privkey_sign_data(signer->key, GNUTLS_DIG_SHA256, 0, &data, &signature);
    pthread_mutex_unlock(&signer->lock);
    if (rc != 0) {
        err_set(err, "localorg.key", "signing failed: %s", gnutls_strerror(rc));
        return NULL;
    }
    char *jwt =
        arena_printf(arena, "%s.%s", text, base64url_encode(arena, signature.data, signature.size));
    gnutls_free(signature.data);
    return jwt;
}

/* Big numbers come with a leading zero byte when the top bit is set; JWK has none. */
static char *number64(struct arena *arena, const gnutls_datum_t *number)
{
    const unsigned char *p = number->data;
    size_t len = number->size;
    while (len > 1 && *p == 0)
        p++, len--;
    return base64url_encode(arena, p, len);
}

enum status signer_keys(struct signer *signer, struct arena *arena, struct jw *w, struct err *err)
{
    if (signer_ready(signer, err) != OK)
        return FAIL;
    gnutls_datum_t m = {0}, e = {0};
    int rc = gnutls_privkey_export_rsa_raw(signer->key, &m, &e, NULL, NULL, NULL, NULL, NULL, NULL);
    if (rc != 0)
        return err_set(err, "localorg.key", "reading the public key failed: %s",
                       gnutls_strerror(rc));
    jw_object(w);
    jw_key(w, "keys");
    jw_array(w);
    jw_object(w);
    jw_kv_text(w, "kty", "RSA");
    jw_kv_text(w, "n", number64(arena, &m));
    jw_kv_text(w, "e", number64(arena, &e));
    jw_kv_text(w, "alg", "RS256");
    jw_kv_text(w, "use", "sig");
    jw_kv_text(w, "kid", KEY_ID);
    jw_end_object(w);
    jw_end_array(w);
    jw_end_object(w);
    gnutls_free(m.data);
    gnutls_free(e.data);
    return OK;
}

char *sign_identity(struct arena *arena, const char *secret, const char *id, const char *issued_at)
{
    unsigned char mac[32];
    const char *message = arena_printf(arena, "%s%s", id, issued_at);
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret, strlen(secret), message, strlen(message),
                         mac) != 0)
        return arena_strdup(arena, "");
    return base64_encode(arena, mac, sizeof mac);
}

char *sign_challenge(struct arena *arena, const char *verifier)
{
    unsigned char digest[32];
    gnutls_hash_fast(GNUTLS_DIG_SHA256, verifier, strlen(verifier), digest);
    return base64url_encode(arena, digest, sizeof digest);
}

char *sign_at_hash(struct arena *arena, const char *token)
{
    unsigned char digest[32];
    gnutls_hash_fast(GNUTLS_DIG_SHA256, token, strlen(token), digest);
    return base64url_encode(arena, digest, sizeof digest / 2);
}

bool jwt_parse(struct arena *arena, const char *text, struct jwt *out)
{
    const char *first = text ? strchr(text, '.') : NULL;
    const char *second = first ? strchr(first + 1, '.') : NULL;
    size_t header_len, payload_len;
    if (!second || strchr(second + 1, '.'))
        return false;
    char *header = base64_decode(arena, text, (size_t)(first - text), &header_len);
    char *payload = base64_decode(arena, first + 1, (size_t)(second - first - 1), &payload_len);
    out->signature = base64_decode(arena, second + 1, strlen(second + 1), &out->signature_len);
    if (!header || !payload || !out->signature)
        return false;
    out->header = json_parse(arena, header, header_len, NULL);
    out->payload = json_parse(arena, payload, payload_len, NULL);
    out->signed_text = text;
    out->signed_len = (size_t)(second - text);
    return json_is(out->header, JSON_OBJECT) && json_is(out->payload, JSON_OBJECT);
}

static bool import_key(gnutls_pubkey_t key, const char *pem)
{
    gnutls_datum_t data = {(unsigned char *)pem, (unsigned)strlen(pem)};
    if (!strstr(pem, "CERTIFICATE"))
        return gnutls_pubkey_import(key, &data, GNUTLS_X509_FMT_PEM) == 0;
    gnutls_x509_crt_t certificate;
    if (gnutls_x509_crt_init(&certificate) != 0)
        return false;
    bool ok = gnutls_x509_crt_import(certificate, &data, GNUTLS_X509_FMT_PEM) == 0 &&
              gnutls_pubkey_import_x509(key, certificate, 0) == 0;
    gnutls_x509_crt_deinit(certificate);
    return ok;
}

bool jwt_verify(const struct jwt *jwt, const char *pem)
{
    gnutls_pubkey_t key;
    gnutls_datum_t data = {(unsigned char *)jwt->signed_text, (unsigned)jwt->signed_len};
    gnutls_datum_t signature = {(unsigned char *)jwt->signature, (unsigned)jwt->signature_len};
    if (!text_eq(json_get_text(jwt->header, "alg"), "RS256") || gnutls_pubkey_init(&key) != 0)
        return false;
    bool ok = import_key(key, pem) &&
              gnutls_pubkey_verify_data2(key, GNUTLS_SIGN_RSA_SHA256, 0, &data, &signature) == 0;
    gnutls_pubkey_deinit(key);
    return ok;
}
