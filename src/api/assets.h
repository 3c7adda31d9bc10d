/* assets.h - the web app's files inside the program; made by tools/embed_web.py. */
#ifndef ARGIL_API_ASSETS_H
#define ARGIL_API_ASSETS_H

#include <stddef.h>

struct asset {
    const char *path; /* "/assets/index-3f2a.js" */
    const char *type; /* Content-Type */
    const char *etag; /* of the plain bytes, in quotes */
    const unsigned char *plain, *gzip, *brotli; /* NULL = not worth it */
    size_t plain_len, gzip_len, brotli_len;
};
extern const struct asset web_assets[]; /* by path */
extern const size_t web_asset_count;    /* 0: the web app was not built */

#endif
