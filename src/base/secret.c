/* secret.c - text that is copied once, compared blindly and wiped.
 *
 * The bytes live in one heap block of their own; it is overwritten before it
 * is given back. The hint is a digest of the text, so two log lines can be
 * seen to mean the same token without showing it. */
#include "base/secret.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HINTS_AT_ONCE 4

void secret_set(struct secret *secret, const char *text, size_t len)
{
    char *copy = text ? mem_strndup(text, len) : NULL; /* before the wipe: text may be our own */
    secret_wipe(secret);
    secret->hidden_text = copy;
    secret->hidden_len = copy ? len : 0;
}

void secret_copy(struct secret *to, const struct secret *from)
{
    secret_set(to, from->hidden_text, from->hidden_len);
}

bool secret_is_set(const struct secret *secret)
{
    return secret && secret->hidden_text;
}

const char *secret_reveal(const struct secret *secret)
{
    return secret_is_set(secret) ? secret->hidden_text : "";
}

const char *secret_hint(const struct secret *secret)
{
    static _Thread_local char hints[HINTS_AT_ONCE][24];
    static _Thread_local unsigned turn;
    if (!secret_is_set(secret))
        return "<secret:none>";
    char digest[65];
    sha256_hex(secret->hidden_text, secret->hidden_len, digest);
    char *hint = hints[turn++ % HINTS_AT_ONCE];
    snprintf(hint, sizeof hints[0], "<secret:%.8s>", digest);
    return hint;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (secret_is_set(a) != secret_is_set(b) || a->hidden_len != b->hidden_len)
        return false;
    unsigned char differs = 0;
    for (size_t i = 0; i < a->hidden_len; i++)
        differs |= (unsigned char)(a->hidden_text[i] ^ b->hidden_text[i]);
    return differs == 0;
}

void secret_wipe(struct secret *secret)
{
    if (secret->hidden_text)
        explicit_bzero(secret->hidden_text, secret->hidden_len);
    free(secret->hidden_text);
    *secret = (struct secret){0};
}
