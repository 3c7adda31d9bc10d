/* http.h - what client and server share: headers. */
#ifndef ARGIL_HTTP_HTTP_H
#define ARGIL_HTTP_HTTP_H

struct http_header {
    const char *name, *value;
    struct http_header *next;
};

/* First value of a header, case of the name ignored, or NULL. */
const char *http_header_get(const struct http_header *headers, const char *name);
/* Adds one at the front of a list on the arena; the texts are lent. */
struct arena;
void http_header_add(struct arena *arena, const struct http_header **headers, const char *name,
                     const char *value);

#endif
