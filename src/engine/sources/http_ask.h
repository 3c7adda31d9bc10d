/* http_ask.h - one page of an HTTP API, asked with patience. Private to the HTTP source. */
#ifndef ARGIL_ENGINE_SOURCES_HTTP_ASK_H
#define ARGIL_ENGINE_SOURCES_HTTP_ASK_H

#include "engine/columns/http_paging.h"
#include "engine/columns/http_request.h"
#include "engine/sync_priv.h"

struct http_ask {
    struct sync *sync;
    const struct json *config;
    struct http_secret *secrets; /* from http_ask_open until http_ask_close */
    const char *host;            /* for messages */
    int64_t asked_ms;            /* monotonic, of the last request: for the rate */
    uint64_t requests;
};
enum status http_ask_open(struct http_ask *ask, struct sync *sync, struct err *err);
void http_ask_close(struct http_ask *ask);

/* GETs (or POSTs) a page; repeated where that may help. *body is JSON on the arena, *link the
 * rel=next of a Link header or NULL. */
enum status http_ask_page(struct http_ask *ask, const struct http_paging *paging,
                          struct arena *arena, const struct json **body, const char **link,
                          struct err *err);

#endif
