/* assets.c - the web app's files, from memory, packed as the browser likes.
 *
 * Files with a hash in their name (below /assets/) never change; the page itself
 * is asked for each time, by its tag. Addresses of the app's own places (/tables/...,
 * as web/src/app/Shell.tsx has them) are the page, too: the app reads the address. Nothing here touches the disk, so
 * no path leads out of it. */
#include "api/assets.h"
#include "api/api_priv.h"

#include "base/str.h"

#include <string.h>

bool assets_built(void)
{
    return web_asset_count > 0;
}

static const struct asset *asset_find(const char *path)
{
    for (size_t i = 0; i < web_asset_count; i++)
        if (text_eq(web_assets[i].path, path))
            return &web_assets[i];
    return NULL;
}

/* A place of the app, not a file. What stands behind the place is the app's to read,
 * a table's name with a dot too; a path that climbs is nobody's. */
static const struct asset *page_for(const char *path)
{
    static const char *const places[] = {"tables",  "runs",     "doubt", "journal",
                                         "welcome", "settings", "setup", "link",
                                         "approvals", "records", "overview"};
    size_t len = strcspn(path + 1, "/");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strlen(places[i]) == len && strncmp(path + 1, places[i], len) == 0)
            return strstr(path, "/..") ? NULL : asset_find("/index.html");
    return NULL;
}

static bool accepts(const struct call *call, const char *coding)
{
    const char *list = http_header_get(call->in->headers, "Accept-Encoding");
    size_t len = strlen(coding);
    while (list && *list) {
        list += strspn(list, ", ");
        size_t n = strcspn(list, ",");
        if (n >= len && strncasecmp(list, coding, len) == 0 && !memmem(list, n, "q=0,", 4) &&
            strcspn(list, ";, ") == len)
            return !(n > len && strstr(list, ";q=0") == list + len);
        list += n;
    }
    return false;
}

static void send_packed(struct call *call, const struct asset *asset)
{
    struct http_out *out = call->out;
    const char *coding = NULL;
    out->lent = asset->plain;
    out->lent_len = asset->plain_len;
    if (asset->brotli && accepts(call, "br")) {
        coding = "br";
        out->lent = asset->brotli;
        out->lent_len = asset->brotli_len;
    } else if (asset->gzip && accepts(call, "gzip")) {
        coding = "gzip";
        out->lent = asset->gzip;
        out->lent_len = asset->gzip_len;
    }
    if (coding)
        http_out_header(call->in, out, "Content-Encoding", coding);
    if (asset->gzip || asset->brotli)
        http_out_header(call->in, out, "Vary", "Accept-Encoding");
}

static void not_built(struct call *call)
{
    call->out->status = 200;
    http_out_header(call->in, call->out, "Content-Type", "text/html; charset=utf-8");
    http_out_header(call->in, call->out, "Cache-Control", "no-store");
    buf_printf(&call->out->body,
               "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Argil</title>"
               "<h1>Argil is running</h1>"
               "<p>This build has no web app in it: it was made without npm. The API is there: "
               "<a href=\"" API_ROOT "/\">its reference</a>.</p>"
               "<p>To have the web app, install node and npm and run ./dev build again.</p>");
}

bool asset_reply(struct call *call)
{
    const char *path = call->in->path, *known = http_header_get(call->in->headers, "If-None-Match");
    const struct asset *asset = asset_find(text_eq(path, "/") ? "/index.html" : path);
    if (!asset)
        asset = page_for(path);
    if (!asset && !assets_built() && text_eq(path, "/")) {
        not_built(call);
        return true;
    }
    if (!asset)
        return false;
    http_out_header(call->in, call->out, "ETag", asset->etag);
    http_out_header(call->in, call->out, "Cache-Control",
                    text_starts(asset->path, "/assets/") ? "public, max-age=31536000, immutable"
                                                         : "no-cache");
    call->out->status = 200;
    if (text_eq(known, asset->etag)) {
        call->out->status = 304;
        return true;
    }
    http_out_header(call->in, call->out, "Content-Type", asset->type);
    send_packed(call, asset);
    return true;
}
