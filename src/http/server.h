/* server.h - HTTP/1.1 server over libmicrohttpd (epoll, a pool of threads).
 *
 * The handler is called once a request, with the whole body (bounded), on one
 * of the server's threads; it fills the reply and returns, or says that the
 * reply comes later from another thread, or opens a stream. Chunked request
 * bodies, keep-alive, gzip, TLS and clean shutdown are done here, and
 * requests whose framing two readers could understand differently are refused
 * (RFC 9112, 6.3): several lengths, a length beside chunks, several hosts. */
#ifndef ARGIL_HTTP_SERVER_H
#define ARGIL_HTTP_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/uri.h"
#include "http/http.h"

struct http_server;
struct http_stream;
struct exchange;

struct http_in {
    const char *method;
    const char *path;  /* as sent, percent-escapes kept, query cut off */
    const char *query; /* raw text after '?', or NULL */
    const struct http_header *headers;
    struct buf body;
    const char *peer;    /* address of the other side, text */
    struct arena *arena; /* lives until the reply is sent */
    struct exchange *exchange;
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
    const void *lent;            /* or these bytes, which outlive the server */
    size_t lent_len;
    struct http_stream *stream;  /* or what comes through here: http_stream_new */
    enum http_break broken;      /* for rehearsing failure */
    bool no_gzip;
};

typedef void http_handler_fn(void *ctx, struct http_in *in, struct http_out *out);

struct http_server_options {
    const char *host; /* "127.0.0.1" */
    int port;         /* 0 = any free port */
    int threads;      /* 0 = 2 */
    size_t max_body;  /* 0 = 64 MiB; larger: 413 */
    size_t max_head;  /* 0 = 128 KiB for request line and headers together; larger: 431 or 414 */
    int max_connections, max_per_peer; /* 0 = about a thousand; as many as there are */
    const char *tls_cert, *tls_key;    /* PEM text: serve HTTPS; needed only to start */
    bool gzip;        /* when the client accepts it and the body is 1 KiB or more */
    bool unpack;      /* bodies sent as gzip or deflate; they, too, may have max_body at most */
    http_handler_fn *handler;
    void *ctx;
};

struct http_server *http_server_start(const struct http_server_options *options, struct err *err);
int http_server_port(const struct http_server *server);
/* Ends streams, waits for requests in flight up to `grace_ms`, then closes. NULL is fine. */
void http_server_stop(struct http_server *server, int64_t grace_ms);

void http_out_header(struct http_in *in, struct http_out *out, const char *name, const char *value);

/* The handler will return without an answer. `in` and the `out` it was given stay
 * valid until some thread, once, calls http_reply with the same `in`. Stopping the
 * server waits for that. */
void http_later(struct http_in *in);
void http_reply(struct http_in *in);

/* An answer without a length: set the status and headers of `out`, then publish.
 * At most `limit` bytes wait for a client that reads slowly. Any thread may send;
 * yours to close. All but write return at once; false = nobody reads any more. */
struct http_stream *http_stream_new(struct http_in *in, struct http_out *out, size_t limit);
/* Too much waiting ends the stream: for events, which can be asked for again. */
bool http_stream_send(struct http_stream *stream, const char *bytes, size_t len);
/* Too much waiting waits: for exports. */
bool http_stream_write(struct http_stream *stream, const char *bytes, size_t len);
bool http_stream_is_open(struct http_stream *stream);
void http_stream_close(struct http_stream *stream); /* NULL is fine */
/* Ends it so that the client sees it as broken off, not as complete. */
void http_stream_abort(struct http_stream *stream);

#endif
