/* gzip.c - zlib at level 1: a page of records shrinks to an eighth, and the
 * next level up costs twice the time for a tenth of that. */
#include "http/gzip.h"
#include "base/str.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define GZIP_LEVEL  1
#define GZIP_WINDOW (15 + 16) /* + 16: a gzip header, not a zlib one */
#define GZIP_MEMORY 8
#define ANY_WINDOW  (15 + 32) /* + 32: zlib looks which of the two it is */
#define UNPACK_STEP (64 * KIB)

/* ";q=0", ";q=0.0": named, but not wanted. */
static bool refused_by_weight(struct str parameters)
{
    for (size_t i = 0; i + 1 < parameters.n; i++) {
        if ((parameters.p[i] != 'q' && parameters.p[i] != 'Q') || parameters.p[i + 1] != '=')
            continue;
        for (i += 2; i < parameters.n; i++)
            if (parameters.p[i] >= '1' && parameters.p[i] <= '9')
                return false;
        return true;
    }
    return false;
}

bool gzip_accepted(const char *accept_encoding)
{
    const char *p = accept_encoding ? accept_encoding : "";
    while (*p) {
        struct str item = {p, strcspn(p, ",")};
        p += item.n + (p[item.n] == ',');
        const char *semicolon = item.n ? memchr(item.p, ';', item.n) : NULL;
        struct str name = item, parameters = {p, 0};
        if (semicolon) {
            name.n = (size_t)(semicolon - item.p);
            parameters = (struct str){semicolon, item.n - name.n};
        }
        name = str_trim(name);
        if (str_eq_nocase(name, STR("gzip")) || str_eq_nocase(name, STR("x-gzip")) ||
            str_eq(name, STR("*")))
            return !refused_by_weight(parameters);
    }
    return false;
}

bool gzip_pack(const struct buf *plain, struct buf *packed)
{
    z_stream z = {0};
    if (plain->len > UINT_MAX || deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                                              Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    uLong bound = deflateBound(&z, plain->len);
    char *to = bound <= UINT_MAX ? buf_room(packed, bound) : NULL;
    int rc = Z_BUF_ERROR;
    if (to) {
        z.next_in = (Bytef *)plain->data;
        z.avail_in = (uInt)plain->len;
        z.next_out = (Bytef *)to;
        z.avail_out = (uInt)bound;
        rc = deflate(&z, Z_FINISH);
        buf_added(packed, z.total_out);
    }
    deflateEnd(&z);
    return rc == Z_STREAM_END && packed->len < plain->len;
}

/* One member. Its end is Z_STREAM_END. */
static int unpack_member(z_stream *z, struct buf *plain)
{
    int rc = Z_OK;
    while (rc == Z_OK) {
        char *to = buf_room(plain, UNPACK_STEP);
        if (!to)
            return Z_BUF_ERROR;
        z->next_out = (Bytef *)to;
        z->avail_out = UNPACK_STEP;
        rc = inflate(z, Z_NO_FLUSH);
        buf_added(plain, UNPACK_STEP - z->avail_out);
    }
    return rc;
}

bool gzip_unpack(const struct buf *packed, struct buf *plain)
{
    z_stream z = {.next_in = (Bytef *)packed->data};
    if (packed->len > UINT_MAX || inflateInit2(&z, ANY_WINDOW) != Z_OK)
        return false;
    z.avail_in = (uInt)packed->len;
    int rc;
    do
        rc = unpack_member(&z, plain);
    while (rc == Z_STREAM_END && z.avail_in > 0 && inflateReset(&z) == Z_OK);
    inflateEnd(&z);
    return rc == Z_STREAM_END;
}
