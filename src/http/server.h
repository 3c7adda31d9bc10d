/* server.h - HTTP/1.1 server over libmicrohttpd (epoll, a pool of threads).
 *
 * The handler is called once a request, with the whole body (bounded), on one
 * of the server's threads; it fills the reply and returns. Chunked request
 * bodies, keep-alive, gzip of answers and clean shutdown are done here. */
#ifndef ARGIL_HTTP_SERVER_H
#define ARGIL_HTTP_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/uri.h"
#include "http/http.h"

struct http_server;

struct http_in {
    const char *method;
    const char *path;  /* as sent, percent-escapes kept, query cut off */
    const char *query; /* raw text after '?', or NULL */
    const struct http_header *headers;
    struct buf body;
    const char *peer;    /* address of the other side, text */
    struct arena *arena; /* lives until the reply is sent */
};

enum http_break {
    HTTP_BREAK_NONE,
    HTTP_BREAK_BEFORE, /* close without a byte of answer */
    HTTP_BREAK_MIDDLE  /* status line and half of the body, then close */
};

struct http_out {
    int status;
    struct http_header *headers; /* add with http_out_header */
    struct buf body;             /* handed over without a copy */
    enum http_break broken;      /* for rehearsing failure */
    bool no_gzip;
};

typedef void http_handler_fn(void *ctx, struct http_in *in, struct http_out *out);

struct http_server_options {
    const char *host; /* "127.0.0.1" */
    int port;         /* 0 = any free port */
    int threads;      /* 0 = 2 */
    size_t max_body;  /* 0 = 64 MiB; larger: 413 */
    bool gzip;        /* when the client accepts it and the body is 1 KiB or more */
    http_handler_fn *handler;
    void *ctx;
};

struct http_server *http_server_start(const struct http_server_options *options, struct err *err);
int http_server_port(const struct http_server *server);
/* Waits for requests in flight up to `grace_ms`, then closes. NULL is fine. */
void http_server_stop(struct http_server *server, int64_t grace_ms);

void http_out_header(struct http_in *in, struct http_out *out, const char *name, const char *value);

#endif
