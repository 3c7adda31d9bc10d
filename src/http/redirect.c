/* redirect.c - the request that follows a redirect. Addresses are put together by libcurl. */
#include "http/redirect.h"

#include "base/str.h"
#include "base/uri.h"

#include <curl/curl.h>
#include <string.h>

static bool redirects(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* `link` as seen from `base` (RFC 3986 5). NULL = it cannot be read. */
static const char *resolve(struct arena *arena, const char *base, const char *link)
{
    CURLU *url = curl_url();
    char *whole = NULL;
    const char *out = NULL;
    if (url && curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_URL, link, CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK)
        out = arena_strdup(arena, whole);
    curl_free(whole);
    curl_url_cleanup(url);
    return out;
}

const char *http_redirect_target(struct arena *arena, const struct http_request *request,
                                 const struct http_response *response)
{
    const char *link = http_header_get(response->headers, "Location");
    if (!redirects(response->status) || !link || !*link)
        return NULL;
    const char *whole = resolve(arena, request->url, link);
    return whole ? whole : link;
}

bool http_redirect_allowed(const struct http_request *request)
{
    const char *method = request->method;
    return !request->body_len && (!method || text_eq(method, "GET") || text_eq(method, "HEAD"));
}

static bool same_origin(const struct uri *a, const struct uri *b)
{
    return text_eq(a->scheme, b->scheme) && text_eq(a->host, b->host) && a->port == b->port;
}

enum status http_redirect_follow(struct arena *arena, struct http_request *request,
                                 const char *target, struct err *err)
{
    struct uri from = {0}, to = {0};
    if (!uri_parse(arena, request->url, &from) || !uri_parse(arena, target, &to) ||
        (!text_eq(to.scheme, "http") && !text_eq(to.scheme, "https")))
        return err_set(err, ERR_HTTP_REDIRECT, "%s sends on to what is no http(s) address",
                       from.host ? from.host : "the API");
    if (to.userinfo)
        return err_set(err, ERR_HTTP_REDIRECT, "%s sends on to an address with a name or password",
                       from.host);
    request->url = target;
    if (!same_origin(&from, &to)) {
        const char *accept = http_header_get(request->headers, "Accept");
        request->headers = NULL;
        if (accept)
            http_header_add(arena, &request->headers, "Accept", accept);
    }
    return OK;
}

enum status http_redirect_refuse(const struct http_request *request, const char *host, int status,
                                 const char *target, int followed, struct err *err)
{
    int shown = (int)strcspn(target, "?#");
    shown = shown > 200 ? 200 : shown;
    if (followed) {
        err_set(err, ERR_HTTP_REDIRECT, "%s answered %d and sends on to %.*s, after %d redirects", host,
                status, shown, target, followed);
        err_hint(err, "They may lead in a circle. Ask the last address, or raise redirects.");
        return FAIL;
    }
    err_set(err, ERR_HTTP_REDIRECT, "%s answered %d and sends on to %.*s", host, status, shown, target);
    if (http_redirect_allowed(request))
        err_hint(err, "Ask that address, or raise redirects.");
    else
        err_hint(err, "A %s is not sent a second time by itself: let url name the address that acts.",
                 request->method ? request->method : "GET");
    return FAIL;
}
