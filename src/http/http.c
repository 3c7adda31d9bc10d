/* http.c - the little that client and server share. */
#include "http/http.h"

#include "base/arena.h"
#include "base/str.h"

#include <stddef.h>

const char *http_header_get(const struct http_header *headers, const char *name)
{
    for (; headers; headers = headers->next)
        if (text_eq_nocase(headers->name, name))
            return headers->value;
    return NULL;
}

void http_header_add(struct arena *arena, const struct http_header **headers, const char *name,
                     const char *value)
{
    struct http_header *header = arena_alloc(arena, sizeof *header);
    *header = (struct http_header){name, value, (struct http_header *)*headers};
    *headers = header;
}
