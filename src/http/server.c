/* server.c - libmicrohttpd reads and writes, our own threads think.
 *
 * An I/O thread collects a whole request, suspends its connection and queues
 * it. A worker calls the handler, prepares the reply and resumes the
 * connection; the I/O thread then sends. So a handler may sleep or wait for a
 * disk without holding up the connections beside it.
 *
 * States of an exchange: READING (I/O thread), QUEUED, RUNNING (a worker),
 * ANSWERED or DROPPED (I/O thread again). Whoever holds the state owns the
 * exchange; MHD never completes a suspended one. A handler may keep a RUNNING
 * exchange and answer it from another thread (http_later, http_reply).
 *
 * Invariant on stopping: no connection is suspended when MHD_stop_daemon runs,
 * because libmicrohttpd ends the process otherwise. `dropping` keeps new ones
 * from the queue; workers empty it before they leave, and are joined first. A
 * handler that runs cannot be taken back: stopping waits for it. */
#include "http/server_priv.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/gzip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_MAX_BODY  (64 * MIB)
#define DEFAULT_THREADS   2
#define MANY_THREADS      4 /* from here on two threads do the I/O */
#define CONNECTION_MEMORY (128 * KIB)
#define IDLE_SECONDS      60u /* also how long a sender who left half-way is remembered */
#define DRAIN_FACTOR      4   /* a body this many times too large is cut off */
#define GZIP_FROM         (1 * KIB)
#define SLOW_AFTER_MS     30000 /* a body may take this long, and longer only ... */
#define SLOW_BYTES_A_MS   1     /* ... at this pace: about 1 KB/s */
#define BACKLOG           511
#define TLS_PRIORITIES    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* --- taking a request over --- */

/* Called with the raw request target before MHD decodes anything: the only
 * place where leading slashes and escapes can be had as they were sent. */
static void *exchange_new(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    struct http_server *server = ctx;
    struct exchange *x = mem_alloc(sizeof *x);
    x->server = server;
    x->connection = connection;
    x->in.arena = arena_new();
    x->in.exchange = x;
    x->in.body = (struct buf)BUF_UP_TO(server->options.max_body);
    x->uri = arena_strdup(x->in.arena, uri);
    pthread_mutex_lock(&server->lock);
    server->open++;
    pthread_mutex_unlock(&server->lock);
    return x;
}

static void exchange_completed(void *ctx, struct MHD_Connection *connection, void **con_cls,
                               enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *con_cls;
    if (!x)
        return;
    struct http_server *server = x->server;
    *con_cls = NULL;
    if (x->out.stream)
        stream_gone(x->out.stream);
    buf_free(&x->in.body);
    buf_free(&x->out.body);
    arena_free(x->in.arena);
    free(x);
    pthread_mutex_lock(&server->lock);
    server->open--;
    pthread_cond_broadcast(&server->quiet);
    pthread_mutex_unlock(&server->lock);
}

struct header_list {
    struct arena *arena;
    struct http_header **last;
};

static enum MHD_Result copy_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct header_list *list = ctx;
    struct http_header *header = arena_alloc(list->arena, sizeof *header);
    header->name = arena_strdup(list->arena, name);
    header->value = arena_strdup(list->arena, value ? value : "");
    *list->last = header;
    list->last = &header->next;
    return MHD_YES;
}

static const char *peer_of(struct exchange *x)
{
    char text[INET6_ADDRSTRLEN] = "";
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address && address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    } else if (address && address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
    return arena_strdup(x->in.arena, text);
}

/* "http://host/path" is a legal target too: keep what follows the host. */
static const char *without_origin(const char *uri)
{
    struct str s = str_of(uri);
    size_t skip = 0;
    if (s.n >= 7 && str_eq_nocase((struct str){uri, 7}, STR("http://")))
        skip = 7;
    else if (s.n >= 8 && str_eq_nocase((struct str){uri, 8}, STR("https://")))
        skip = 8;
    if (!skip)
        return uri;
    const char *slash = strchr(uri + skip, '/');
    return slash ? slash : "/";
}

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A head that two readers could take for two different requests is refused: what
 * stands between them and us may be a proxy. */
static bool framing_is_plain(const struct http_header *headers)
{
    int lengths = 0, codings = 0, hosts = 0;
    bool chunked = true;
    for (const struct http_header *h = headers; h; h = h->next) {
        hosts += text_eq_nocase(h->name, "Host");
        if (text_eq_nocase(h->name, "Content-Length"))
            lengths += 1 + (!*h->value || strspn(h->value, "0123456789") != strlen(h->value));
        if (text_eq_nocase(h->name, "Transfer-Encoding")) {
            codings++;
            chunked = text_eq_nocase(h->value, "chunked");
        }
    }
    return hosts <= 1 && lengths + codings <= 1 && chunked;
}

static void exchange_begin(struct exchange *x, const char *method)
{
    struct arena *arena = x->in.arena;
    const char *target = without_origin(x->uri), *mark = strchr(target, '?');
    x->begun = true;
    x->in.method = arena_strdup(arena, method);
    x->in.path = mark ? arena_strndup(arena, target, (size_t)(mark - target)) : target;
    x->in.query = mark ? mark + 1 : NULL;
    x->in.peer = peer_of(x);
    struct header_list list = {arena, (struct http_header **)(void *)&x->in.headers};
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, copy_header, &list);
    x->began_ms = monotonic_ms();
    if (!framing_is_plain(x->in.headers))
        x->refused = 400;
}

/* False when the sender goes on far beyond what it was allowed, or dawdles. */
static bool take_body(struct exchange *x, const char *bytes, size_t len)
{
    size_t max = x->server->options.max_body;
    x->received += len;
    if (!x->too_large)
        buf_append(&x->in.body, bytes, len);
    if (x->in.body.overflow) {
        x->too_large = true;
        buf_free(&x->in.body);
    }
    int64_t late = monotonic_ms() - x->began_ms - SLOW_AFTER_MS;
    if (late > 0 && (int64_t)x->received < late * SLOW_BYTES_A_MS)
        return false;
    return x->received / DRAIN_FACTOR <= max;
}

/* --- replying --- */

void http_out_header(struct http_in *in, struct http_out *out, const char *name, const char *value)
{
    struct http_header *header = arena_alloc(in->arena, sizeof *header), **last = &out->headers;
    header->name = arena_strdup(in->arena, name);
    header->value = arena_strdup(in->arena, value);
    while (*last)
        last = &(*last)->next;
    *last = header;
}

/* A body that stops in the middle: content for MHD's reader callback. */
struct half_body {
    char *bytes;
    size_t half;
};

static ssize_t half_body_read(void *ctx, uint64_t at, char *to, size_t max)
{
    struct half_body *body = ctx;
    if (at >= body->half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = body->half - at < max ? body->half - at : max;
    memcpy(to, body->bytes + at, n);
    return (ssize_t)n;
}

static void half_body_free(void *ctx)
{
    struct half_body *body = ctx;
    free(body->bytes);
    free(body);
}

static struct MHD_Response *response_cut(struct buf *body)
{
    struct half_body *half = mem_alloc(sizeof *half);
    size_t len = body->len;
    half->half = len / 2;
    half->bytes = buf_take(body);
    return MHD_create_response_from_callback(len ? len : 1, 64 * KIB, half_body_read, half,
                                             half_body_free);
}

static struct MHD_Response *response_of(struct http_out *out)
{
    if (out->broken == HTTP_BREAK_MIDDLE)
        return response_cut(&out->body);
    if (out->stream)
        return stream_response(out->stream);
    if (out->lent)
        return MHD_create_response_from_buffer(out->lent_len, (void *)(uintptr_t)out->lent,
                                               MHD_RESPMEM_PERSISTENT);
    size_t len = out->body.len;
    return MHD_create_response_from_buffer(len, buf_take(&out->body), MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result send_reply(struct exchange *x)
{
    struct http_out *out = &x->out;
    if (out->broken == HTTP_BREAK_BEFORE)
        return MHD_NO; /* MHD closes without a byte */
    struct MHD_Response *response = response_of(out);
    if (!response)
        return MHD_NO;
    for (const struct http_header *h = out->headers; h; h = h->next)
        if (MHD_add_response_header(response, h->name, h->value) != MHD_YES)
            log_warn("http: the header %s of an answer was refused and left out", h->name);
    unsigned status = out->status >= 200 && out->status <= 999 ? (unsigned)out->status : 500;
    enum MHD_Result rc = MHD_queue_response(x->connection, status, response);
    MHD_destroy_response(response);
    return rc;
}

static enum MHD_Result refuse(struct exchange *x, int status, const char *why)
{
    x->out.status = status;
    buf_str(&x->out.body, why);
    http_out_header(&x->in, &x->out, "Connection", "close");
    http_out_header(&x->in, &x->out, "Content-Type", "text/plain; charset=utf-8");
    return send_reply(x);
}

/* Suspends the connection and hands the exchange to a worker. */
static enum MHD_Result exchange_queue(struct exchange *x)
{
    struct http_server *server = x->server;
    pthread_mutex_lock(&server->lock);
    bool refused = server->dropping;
    if (!refused) {
        MHD_suspend_connection(x->connection);
        x->state = QUEUED;
        *server->last = x;
        server->last = &x->next;
        pthread_cond_signal(&server->work);
    }
    pthread_mutex_unlock(&server->lock);
    return refused ? MHD_NO : MHD_YES;
}

/* MHD's access handler: once for the head, once a piece of the body, once at
 * the end of the request, and once more after the worker has resumed it. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **con_cls)
{
    struct exchange *x = *con_cls;
    if (!x)
        return MHD_NO;
    if (!x->begun) {
        exchange_begin(x, method);
        return x->refused ? refuse(x, x->refused, "the request's framing is ambiguous\n")
                          : MHD_YES;
    }
    if (*upload_len > 0) {
        bool more = take_body(x, upload, *upload_len);
        *upload_len = 0;
        return more ? MHD_YES : MHD_NO;
    }
    if (x->state == ANSWERED)
        return send_reply(x);
    if (x->state == DROPPED)
        return MHD_NO;
    return x->too_large ? refuse(x, 413, "the request body is larger than this server takes\n")
                        : exchange_queue(x);
}

/* --- workers --- */

static void compress_reply(struct exchange *x)
{
    struct http_out *out = &x->out;
    const char *accepts = http_header_get(x->in.headers, "Accept-Encoding");
    if (!x->server->options.gzip || out->no_gzip || out->stream || out->lent || out->body.len < GZIP_FROM ||
        out->status == 204 || out->status == 304 ||
        http_header_get(out->headers, "Content-Encoding"))
        return;
    http_out_header(&x->in, out, "Vary", "Accept-Encoding");
    if (!gzip_accepted(accepts))
        return;
    struct buf packed = BUF_INIT;
    if (gzip_pack(&out->body, &packed)) {
        buf_free(&out->body);
        out->body = packed;
        http_out_header(&x->in, out, "Content-Encoding", "gzip");
    } else {
        buf_free(&packed);
    }
}

/* The body as it was before it was packed. Otherwise the status to refuse with. */
static int unpack_body(struct exchange *x)
{
    const char *encoding = http_header_get(x->in.headers, "Content-Encoding");
    struct buf plain = BUF_UP_TO(x->server->options.max_body);
    if (!x->server->options.unpack || !encoding || text_eq_nocase(encoding, "identity"))
        return 0;
    if (!text_eq_nocase(encoding, "gzip") && !text_eq_nocase(encoding, "x-gzip") &&
        !text_eq_nocase(encoding, "deflate"))
        return 415;
    bool good = gzip_unpack(&x->in.body, &plain);
    bool full = plain.overflow;
    buf_free(&x->in.body);
    x->in.body = plain;
    return good ? 0 : full ? 413 : 400;
}

/* From here on x is not ours. */
static void exchange_answer(struct exchange *x)
{
    if (x->out.broken != HTTP_BREAK_BEFORE)
        compress_reply(x);
    x->state = ANSWERED;
    MHD_resume_connection(x->connection);
}

static void exchange_run(struct exchange *x)
{
    bool away = false;
    x->out.status = 200;
    x->away = &away;
    int refused = unpack_body(x);
    if (refused) {
        x->out.status = refused;
        http_out_header(&x->in, &x->out, "Content-Type", "text/plain; charset=utf-8");
        buf_str(&x->out.body, "the request body cannot be unpacked\n");
    } else {
        x->server->options.handler(x->server->options.ctx, &x->in, &x->out);
    }
    if (!away)
        exchange_answer(x);
}

static void exchange_drop(struct exchange *x)
{
    x->state = DROPPED;
    MHD_resume_connection(x->connection);
}

void http_later(struct http_in *in)
{
    struct http_server *server = in->exchange->server;
    pthread_mutex_lock(&server->lock);
    server->away++;
    pthread_mutex_unlock(&server->lock);
    *in->exchange->away = true;
}

void http_reply(struct http_in *in)
{
    struct http_server *server = in->exchange->server;
    exchange_answer(in->exchange);
    pthread_mutex_lock(&server->lock);
    server->away--;
    pthread_cond_broadcast(&server->quiet);
    pthread_mutex_unlock(&server->lock);
}

/* The next exchange to run, or NULL when workers shall leave. */
static struct exchange *queue_take(struct http_server *server, bool *drop)
{
    pthread_mutex_lock(&server->lock);
    while (!server->first && !server->closing)
        pthread_cond_wait(&server->work, &server->lock);
    struct exchange *x = server->first;
    if (x) {
        server->first = x->next;
        if (!server->first)
            server->last = &server->first;
        x->next = NULL;
        *drop = server->dropping;
        x->state = RUNNING;
    }
    pthread_mutex_unlock(&server->lock);
    return x;
}

static void *worker_main(void *ctx)
{
    struct http_server *server = ctx;
    struct exchange *x;
    bool drop;
    while ((x = queue_take(server, &drop))) {
        if (drop)
            exchange_drop(x);
        else
            exchange_run(x);
    }
    return NULL;
}

/* --- starting --- */

static enum status listen_on(struct http_server *server, int *family, struct err *err)
{
    const struct http_server_options *o = &server->options;
    char port[16];
    snprintf(port, sizeof port, "%d", o->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(o->host, port, &hints, &found);
    if (rc != 0)
        return err_set(err, ERR_INVALID, "cannot listen on %s: %s", o->host, gai_strerror(rc));
    int one = 1, saved;
    *family = found->ai_family;
    server->listener =
        socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol);
    bool ready = server->listener >= 0 &&
                 setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                 bind(server->listener, found->ai_addr, found->ai_addrlen) == 0 &&
                 listen(server->listener, BACKLOG) == 0;
    saved = errno;
    freeaddrinfo(found);
    if (ready)
        return OK;
    err_set(err, saved == EADDRINUSE ? ERR_CONFLICT : ERR_IO, "cannot listen on %s port %d: %s",
            o->host, o->port, strerror(saved));
    if (saved == EADDRINUSE)
        err_hint(err, "another program holds that port; choose another one");
    return FAIL;
}

static int bound_port(int listener)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(listener, (struct sockaddr *)&address, &len) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

/* Stopping lets nobody in. (MHD_quiesce_daemon would take the listener out of the epoll set
 * beside the thread that does the same, and libmicrohttpd ends the process when it is second.) */
static enum MHD_Result let_in(void *ctx, const struct sockaddr *address, socklen_t len)
{
    const struct http_server *server = ctx;
    (void)address;
    (void)len;
    return atomic_load(&server->full) ? MHD_NO : MHD_YES;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, int family)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    if (family == AF_INET6)
        flags |= MHD_USE_IPv6;
    const struct http_server_options *o = &server->options;
    struct MHD_OptionItem more[8] = {{MHD_OPTION_END, 0, NULL}};
    int n = 0;
    if (server->worker_count >= MANY_THREADS) /* a pool of one is no pool, and refused */
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, 2, NULL};
    if (o->max_connections > 0)
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_CONNECTION_LIMIT, o->max_connections, NULL};
    if (o->max_per_peer > 0)
        more[n++] =
            (struct MHD_OptionItem){MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->max_per_peer, NULL};
    if (o->tls_cert) {
        flags |= MHD_USE_TLS;
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->tls_cert};
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->tls_key};
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
                                            (void *)(uintptr_t)TLS_PRIORITIES};
    }
    more[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return MHD_start_daemon(
        flags, 0, let_in, server, on_request, server, MHD_OPTION_LISTEN_SOCKET, server->listener,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_new, server, MHD_OPTION_NOTIFY_COMPLETED,
        exchange_completed, server, MHD_OPTION_CONNECTION_MEMORY_LIMIT, server->options.max_head,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
}

static void server_free(struct http_server *server)
{
    if (server->listener >= 0)
        close(server->listener);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->work);
    pthread_cond_destroy(&server->quiet);
    free((char *)server->options.host);
    free(server->workers);
    free(server);
}

static struct http_server *server_new(const struct http_server_options *options)
{
    struct http_server *server = mem_alloc(sizeof *server);
    pthread_condattr_t monotonic;
    server->options = *options;
    server->options.host = mem_strdup(options->host ? options->host : "127.0.0.1");
    if (!server->options.max_body)
        server->options.max_body = DEFAULT_MAX_BODY;
    if (!server->options.max_head)
        server->options.max_head = CONNECTION_MEMORY;
    server->worker_count = options->threads > 0 ? options->threads : DEFAULT_THREADS;
    server->workers = mem_array((size_t)server->worker_count, sizeof *server->workers);
    server->listener = -1;
    server->last = &server->first;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->work, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->quiet, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return server;
}

/* Starts what it can; worker_count says how many there are. */
static bool start_workers(struct http_server *server)
{
    int wanted = server->worker_count;
    for (server->worker_count = 0; server->worker_count < wanted; server->worker_count++)
        if (pthread_create(&server->workers[server->worker_count], NULL, worker_main, server) != 0)
            break;
    return server->worker_count > 0;
}

static void stop_workers(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->closing = true;
    pthread_cond_broadcast(&server->work);
    pthread_mutex_unlock(&server->lock);
    for (int i = 0; i < server->worker_count; i++)
        pthread_join(server->workers[i], NULL);
}

struct http_server *http_server_start(const struct http_server_options *options, struct err *err)
{
    struct http_server *server = server_new(options);
    int family = AF_INET;
    if (listen_on(server, &family, err) != OK) {
        server_free(server);
        return NULL;
    }
    server->port = bound_port(server->listener);
    if (!start_workers(server)) {
        err_set(err, ERR_IO, "cannot start threads for the HTTP server");
        server_free(server);
        return NULL;
    }
    server->daemon = start_daemon(server, family);
    if (!server->daemon) {
        err_set(err, ERR_IO, "cannot start the HTTP server on %s port %d", server->options.host,
                server->port);
        stop_workers(server);
        server_free(server);
        return NULL;
    }
    return server;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

/* --- stopping --- */

static struct timespec deadline_in(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

void http_server_stop(struct http_server *server, int64_t grace_ms)
{
    if (!server)
        return;
    struct timespec deadline = deadline_in(grace_ms > 0 ? grace_ms : 0);
    atomic_store(&server->full, true);
    streams_close_all(server);
    pthread_mutex_lock(&server->lock);
    while (server->open > 0 &&
           pthread_cond_timedwait(&server->quiet, &server->lock, &deadline) == 0)
        ;
    server->dropping = true;
    pthread_mutex_unlock(&server->lock);
    stop_workers(server);
    pthread_mutex_lock(&server->lock);
    while (server->away > 0)
        pthread_cond_wait(&server->quiet, &server->lock);
    pthread_mutex_unlock(&server->lock);
    streams_close_all(server); /* those that the last handlers opened */
    MHD_stop_daemon(server->daemon);
    server->listener = -1; /* closed with its daemon */
    server_free(server);
}
