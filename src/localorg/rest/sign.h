/* sign.h - the cryptography of sign-in: digests, HMAC, RS256 tokens (GnuTLS). */
#ifndef LOCALORG_REST_SIGN_H
#define LOCALORG_REST_SIGN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

struct signer; /* an RSA key, made when first needed */

struct signer *signer_new(void);
void signer_free(struct signer *signer); /* NULL is fine */
/* Header and payload become a signed compact JWT; NULL with *err set. */
char *signer_jwt(struct signer *signer, struct arena *arena, const char *payload, struct err *err);
/* {"keys":[...]} as /id/keys serves it. */
enum status signer_keys(struct signer *signer, struct arena *arena, struct jw *w, struct err *err);

/* base64(HMAC-SHA256(key, id + issued_at)): "signature" of a token answer. */
char *sign_identity(struct arena *arena, const char *secret, const char *id, const char *issued_at);
/* base64url(SHA-256(text)): the S256 PKCE challenge of a verifier. */
char *sign_challenge(struct arena *arena, const char *verifier);
/* base64url(left half of SHA-256(token)): at_hash of an id_token. */
char *sign_at_hash(struct arena *arena, const char *token);

struct jwt {
    const struct json *header, *payload;
    const char *signed_text; /* "header.payload" */
    size_t signed_len;
    const void *signature;
    size_t signature_len;
};
/* Takes a compact JWT apart; false when it is not one. Proves nothing. */
bool jwt_parse(struct arena *arena, const char *text, struct jwt *out);
/* Was it signed (RS256) with the key of this PEM certificate or public key? */
bool jwt_verify(const struct jwt *jwt, const char *pem);

#endif
