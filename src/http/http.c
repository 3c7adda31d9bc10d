/* http.c - the little that client and server share. */
#include "http/http.h"
#include "base/str.h"

#include <stddef.h>

const char *http_header_get(const struct http_header *headers, const char *name)
{
    for (; headers; headers = headers->next)
        if (text_eq_nocase(headers->name, name))
            return headers->value;
    return NULL;
}
