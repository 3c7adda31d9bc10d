/* client.h - HTTP/1.1 client over libcurl (multi interface).
 *
 * A client keeps connections alive and may be used by one thread at a time.
 * Nothing is retried here, redirects are not followed (redirect.h), no proxy is taken from
 * the environment unless asked: the caller decides, because a hidden second
 * request can be a second record (curl/curl pull request 18417). */
#ifndef ARGIL_HTTP_CLIENT_H
#define ARGIL_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/world.h"
#include "http/http.h"

#include <stdatomic.h>

/* How far a request got. Failing before HTTP_SENT_SOME proves that the other
 * side did not act on it. */
enum http_progress {
    HTTP_NOT_STARTED,
    HTTP_RESOLVED,
    HTTP_CONNECTED,
    HTTP_TLS_DONE,
    HTTP_SENT_SOME,
    HTTP_SENT_ALL,
    HTTP_GOT_STATUS,
    HTTP_GOT_HEADERS,
    HTTP_GOT_ALL
};

#define ERR_HTTP_RESOLVE         "http.resolve"
#define ERR_HTTP_CONNECT         "http.connect"
#define ERR_HTTP_TLS             "http.tls"
#define ERR_HTTP_TIMEOUT         "http.timeout"
#define ERR_HTTP_BROKEN          "http.broken"          /* reset, short or garbled answer */
#define ERR_HTTP_TOO_LARGE       "http.too_large"       /* the answer passed its ceiling */
#define ERR_HTTP_REFUSED_ADDRESS "http.refused_address" /* private address, not allowed */
#define ERR_HTTP_CANCELLED       "http.cancelled"       /* by request->cancel */

struct http_request {
    const char *method; /* NULL = GET */
    const char *url;
    const struct http_header *headers;
    const char *body; /* lent until the answer is there */
    size_t body_len;
    int64_t timeout_ms;    /* whole exchange; 0 = 120 s */
    int64_t connect_ms;    /* 0 = 15 s */
    size_t max_body;       /* decoded bytes of the answer; 0 = 64 MiB */
    bool fresh_connection; /* a new connection that nobody uses after: for writes */
    bool public_only;      /* refuse private, loopback, link-local addresses at connect time */
    bool accept_gzip;
    const char *secret_hint; /* shown instead of credentials in logs; may be NULL */
    /* Takes the body of a 2xx answer piece by piece, as it comes, instead of
     * response->body; other answers are gathered as usual. It may block: the other
     * side then waits. FAIL ends the exchange with ITS error. max_body does not apply. */
    enum status (*take)(void *ctx, const char *bytes, size_t len, struct err *err);
    void *take_ctx;
    /* Ends an exchange of any length that stood still for so long; 0 = never. With it,
     * timeout_ms 0 means no limit to the whole. */
    int64_t stall_ms;
    const atomic_bool *cancel; /* when it becomes true the exchange ends, within a second; may be NULL */
};

struct http_response {
    int status;                  /* 0 when no status line came */
    struct http_header *headers; /* on `arena` */
    struct buf body;
    enum http_progress progress;
    bool body_cut; /* a status line came, the whole body did not */
    int64_t took_ms;
    struct arena *arena;
};

struct http_client;

/* A network in place of the machine's (world->net), for simulation: one exchange from
 * its first byte to its last, under the same contract as http_send. `response` comes
 * empty with arena, headers NULL and a bounded body; headers go on its arena. */
struct http_net {
    enum status (*exchange)(struct http_net *net, const struct http_request *request,
                            struct http_response *response, struct err *err);
};

struct http_client *http_client_new(struct world *world, const char *user_agent);
void http_client_free(struct http_client *client);

/* Blocks until the answer is complete or failed. OK = a whole answer with any
 * status. FAIL = *err says why, and response->progress, status and headers
 * tell how far it got. Free the response in both cases. */
enum status http_send(struct http_client *client, const struct http_request *request,
                      struct http_response *response, struct err *err);

/* Sends many, at most `parallel` at a time, blocks until all have ended.
 * errs[i].code is "" where requests[i] succeeded. */
void http_send_many(struct http_client *client, const struct http_request *requests,
                    struct http_response *responses, struct err *errs, size_t count,
                    size_t parallel);

/* Watches many exchanges go out and come back; each may be NULL. They may send over the same
 * client: that blocks them, while what is under way goes on. */
struct http_watch {
    void *ctx;
    /* requests[i] is about to be sent: it may still be filled in, and what must be true before
     * its first byte leaves is made true here. False = it is not sent; its error is the caller's
     * to know: what landed() is given then says nothing. */
    bool (*leaving)(void *ctx, size_t i);
    bool quick; /* leaving() takes no time worth using */
    /* The exchange has ended; *response and *err are those of requests[i]. Also called for what
     * leaving() turned away. */
    void (*landed)(void *ctx, size_t i, struct http_response *response, struct err *err);
    /* How many may be on their way now, at least one: asked before each. */
    size_t (*parallel)(void *ctx);
};
/* http_send_many under watch: an exchange is handed back as soon as it has ended. With responses
 * and errs NULL each is lent to landed() alone, which does not free it. */
void http_send_watched(struct http_client *client, const struct http_request *requests,
                       struct http_response *responses, struct err *errs, size_t count,
                       const struct http_watch *watch);

void http_response_free(struct http_response *response);
/* Requests handed to libcurl since the client was made. */
uint64_t http_client_requests(const struct http_client *client);

#endif
