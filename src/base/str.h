/* str.h - slices of UTF-8 text, and the few text questions everyone asks. */
#ifndef ARGIL_BASE_STR_H
#define ARGIL_BASE_STR_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *p; /* not NUL-terminated in general */
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_FMT      "%.*s"
#define STR_ARG(s)   (int)(s).n, (s).p

struct str str_of(const char *text); /* NULL gives an empty slice */
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters fold; bytes otherwise */
bool text_eq(const char *a, const char *b);     /* NULL equals only NULL */
bool text_eq_nocase(const char *a, const char *b);
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
bool text_blank(const char *text); /* NULL, empty, or white space only */
struct str str_trim(struct str s); /* ASCII white space */
char *str_dup(struct arena *arena, struct str s);
char *text_lower(struct arena *arena, const char *text); /* ASCII */
char *text_trim(struct arena *arena, const char *text);

bool utf8_valid(const char *text, size_t len);    /* RFC 3629: no overlong forms, no surrogates */
size_t utf8_length(const char *text, size_t len); /* code points; invalid bytes count as one each */
size_t utf16_length(const char *text, size_t len); /* what Salesforce counts as characters */
/* The largest length <= max that does not cut a code point. */
size_t utf8_cut(const char *text, size_t len, size_t max);

/* The candidate nearest to `given` by edit distance, case ignored, or NULL
 * when none is near enough to suggest ("did you mean"). Lent from the list. */
const char *text_nearest(const char *given, const char *const *candidates, size_t count);

/* FNV-1a, for hash tables only. */
uint64_t text_hash(const char *text, size_t len);
/* SHA-256 as 64 lower-case hex digits and a NUL. */
void sha256_hex(const void *bytes, size_t len, char out[65]);
/* A quicker one, of 160 bits, where nobody else computes it: BLAKE2b. */
void digest_hex(const void *bytes, size_t len, char out[41]);

char *base64_encode(struct arena *arena, const void *bytes, size_t len);
char *base64url_encode(struct arena *arena, const void *bytes, size_t len); /* no padding */
/* Accepts both alphabets, padded or not. NULL when malformed. */
void *base64_decode(struct arena *arena, const char *text, size_t len, size_t *out_len);

#endif
