/* uri.h - taking URLs apart and putting them together (RFC 3986). */
#ifndef ARGIL_BASE_URI_H
#define ARGIL_BASE_URI_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct uri {
    char *scheme;   /* lower case */
    char *userinfo; /* NULL when absent */
    char *host;     /* lower case, no brackets */
    int port;       /* given, or the scheme's default, or 0 */
    char *path;     /* as given, at least "/" */
    char *query;    /* without '?'; NULL when absent */
    char *fragment;
};

/* An absolute URL with a host. False when it is not one. */
bool uri_parse(struct arena *arena, const char *text, struct uri *out);
/* Everything but unreserved characters is percent-encoded; space is %20. */
void uri_encode(struct buf *out, const char *text, size_t len);
char *uri_encoded(struct arena *arena, const char *text);
/* Decodes %XX, and '+' as space when `form`. NULL when malformed. */
char *uri_decode(struct arena *arena, const char *text, size_t len, bool form, size_t *out_len);

/* name=value pairs of a query string or form body, in order. */
struct uri_pair {
    char *name, *value; /* decoded, NUL-terminated */
    struct uri_pair *next;
};
/* NULL for an empty text; malformed escapes are kept as they are. */
struct uri_pair *uri_pairs(struct arena *arena, const char *text, size_t len);
const char *uri_pair_get(const struct uri_pair *pairs, const char *name); /* first, or NULL */
/* Appends name=value, with '&' before it when the buffer is not empty. */
void uri_pair_add(struct buf *out, const char *name, const char *value);

#endif
