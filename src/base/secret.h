/* secret.h - text that must not slip into a log.
 *
 * There is no way to print one with %s: take it apart on purpose with
 * secret_reveal, print secret_hint everywhere else. */
#ifndef ARGIL_BASE_SECRET_H
#define ARGIL_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret {
    char *hidden_text; /* do not touch: secret_reveal */
    size_t hidden_len;
};

void secret_set(struct secret *secret, const char *text, size_t len); /* copies, wipes the old */
void secret_copy(struct secret *to, const struct secret *from);
bool secret_is_set(const struct secret *secret);
const char *secret_reveal(const struct secret *secret); /* "" when unset; lent */
/* "<secret:1a2b3c4d>" (first 8 hex digits of SHA-256) or "<secret:none>"; a
 * buffer of the calling thread, good until its fourth next call. */
const char *secret_hint(const struct secret *secret);
bool secret_equal(const struct secret *a, const struct secret *b); /* constant time */
void secret_wipe(struct secret *secret);

#endif
