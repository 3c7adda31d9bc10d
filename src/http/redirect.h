/* redirect.h - following a redirect on purpose (RFC 9110 15.4).
 *
 * http_send follows none: a second request that nobody asked for can be a second record. Who
 * knows that a request only reads makes the next one of it here, and sends that itself, so that
 * its address is looked at like any other before a connection is made. */
#ifndef ARGIL_HTTP_REDIRECT_H
#define ARGIL_HTTP_REDIRECT_H

#include "http/client.h"

#define ERR_HTTP_REDIRECT "http.redirect"
#define HTTP_REDIRECTS    5 /* followed, where nothing else is said */

/* The whole address that a 301, 302, 303, 307 or 308 sends `request` to, on `arena`; NULL when
 * the answer is none of these or names no address. */
const char *http_redirect_target(struct arena *arena, const struct http_request *request,
                                 const struct http_response *response);
/* GET or HEAD without a body: asked elsewhere it still only reads. */
bool http_redirect_allowed(const struct http_request *request);
/* Makes *request the one for `target`, which it borrows. To the same origin (scheme, host and
 * port) go the same headers; to any other one only Accept, for every other header may be a
 * credential. FAIL, with ERR_HTTP_REDIRECT: no http(s) address, or one with a name or password. */
enum status http_redirect_follow(struct arena *arena, struct http_request *request,
                                 const char *target, struct err *err);
/* ERR_HTTP_REDIRECT for an answer that is not followed: why, and where it points (without its
 * query, which may repeat secrets). `followed` = how many were, before it. */
enum status http_redirect_refuse(const struct http_request *request, const char *host, int status,
                                 const char *target, int followed, struct err *err);

#endif
