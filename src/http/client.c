/* client.c - one libcurl multi handle, many easy handles, no second chances.
 *
 * Call order inside: transfer_take, transfer_prepare, transfer_start, drive until
 * libcurl says done, transfer_finish, hand back, transfer_put_by. A transfer keeps its easy
 * handle, and the handle its options: an exchange like the one before sets what is its own alone.
 *
 * Invariants: one http_request puts at most one request on the wire. libcurl
 * re-sends by itself when a reused connection dies before an answer byte; its
 * second attempt passes prereq_callback again, and is refused there. That same
 * callback is the last moment before a byte of the request can leave, so it
 * sets HTTP_SENT_SOME: what failed earlier was certainly not acted on. */
#include "http/client.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/uri.h"
#include "http/address.h"
#include "http/early_error.h"
#include "http/loop.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_MS INT64_C(120000)
#define DEFAULT_CONNECT_MS INT64_C(15000)
#define DEFAULT_MAX_BODY   (64 * MIB)
#define DEFAULT_PARALLEL   ((size_t)8)
#define MAX_HEADER_BYTES   (256 * KIB)
#define READ_BUFFER        (256L * 1024) /* libcurl makes one anew for each exchange */
#define SMALL_BUFFER       (16L * 1024)
#define SMALL_BODY         MIB
#define KEPT_BODY          (64 * KIB)
#define LONGEST_WAIT_MS    1000 /* then it is seen who was given up */
#define KEEP_CONNECTIONS   64L
#define IDLE_SECONDS       50L /* servers close idle connections after about a minute */

struct http_client {
    struct world *world;
    char *user_agent;
    char *proxy; /* "" = none */
    CURLM *multi;
    struct http_loop *loop;
    struct transfer *spare;
    struct transfer *cancellable; /* under way, and somebody may give them up */
    size_t under_way;             /* exchanges that the multi handle has */
    uint64_t requests;
};

struct flow;

/* What a handle was told, so that it is not told once more. */
struct told {
    long timeout_ms, connect_ms, buffer;
    bool gzip;
};

struct transfer {
    struct http_client *client;
    CURL *easy; /* its own, as long as the client lives */
    struct told told;
    struct transfer *next; /* spare, or ended and not handed back */
    /* of the exchange; what is behind it is set in transfer_take */
    struct flow *flow; /* who waits for it */
    size_t number;     /* there */
    struct transfer *next_cancellable;
    const struct http_request *request;
    struct http_response *response;
    struct err *err;
    struct curl_slist *headers; /* on the response's arena */
    struct http_header **last_header;
    size_t header_bytes;
    int64_t started;
    bool address_refused;
    bool second_send; /* libcurl wanted to send again */
    bool too_large;
    bool cancelled;
    struct err refused; /* what request->take said */
    char detail[CURL_ERROR_SIZE];
    struct http_response own; /* lent to who asked for neither responses nor errors */
    struct err own_err;
};

/* --- the client --- */

static void curl_start_once(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool started;
    pthread_mutex_lock(&lock);
    if (!started)
        curl_global_init(CURL_GLOBAL_DEFAULT);
    started = true;
    pthread_mutex_unlock(&lock);
}

struct http_client *http_client_new(struct world *world, const char *user_agent)
{
    curl_start_once();
    const char *proxy = secure_getenv("ARGIL_PROXY");
    struct http_client *client = mem_alloc(sizeof *client);
    client->world = world ? world : world_real();
    client->user_agent = mem_strdup(user_agent ? user_agent : "argil/" ARGIL_VERSION);
    client->proxy = mem_strdup(proxy ? proxy : "");
    client->multi = mem_got(curl_multi_init());
    client->loop = http_loop_new(client->multi);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, KEEP_CONNECTIONS);
    curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return client;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    for (struct transfer *t = client->spare, *next; t; t = next) {
        next = t->next;
        curl_easy_cleanup(t->easy);
        http_response_free(&t->own);
        free(t);
    }
    curl_multi_cleanup(client->multi);
    http_loop_free(client->loop);
    free(client->user_agent);
    free(client->proxy);
    free(client);
}

uint64_t http_client_requests(const struct http_client *client)
{
    return client->requests;
}

/* --- what libcurl calls --- */

static void reached(struct transfer *t, enum http_progress progress)
{
    if (t->response->progress < progress)
        t->response->progress = progress;
}

static curl_socket_t open_socket_callback(void *ctx, curlsocktype purpose,
                                          struct curl_sockaddr *address)
{
    struct transfer *t = ctx;
    reached(t, HTTP_RESOLVED);
    /* Through a proxy the address is the proxy's, chosen by the admin. */
    if (t->request->public_only && !t->client->proxy[0] && !address_is_public(&address->addr)) {
        t->address_refused = true;
        return CURL_SOCKET_BAD;
    }
    return http_loop_socket(t->client->loop, address->family, address->socktype, address->protocol);
}

static int prereq_callback(void *ctx, char *peer, char *local, int peer_port, int local_port)
{
    struct transfer *t = ctx;
    if (t->response->progress >= HTTP_SENT_SOME) {
        t->second_send = true;
        return CURL_PREREQFUNC_ABORT;
    }
    reached(t, HTTP_CONNECTED);
    /* A kept connection was perhaps opened by a request with no such limit. */
    if (t->request->public_only && !t->client->proxy[0] && !address_text_is_public(peer)) {
        t->address_refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    reached(t, HTTP_SENT_SOME);
    return CURL_PREREQFUNC_OK;
}

static size_t take_piece(struct transfer *t, const char *bytes, size_t len)
{
    if (t->request->take(t->request->take_ctx, bytes, len, &t->refused) == OK)
        return len;
    if (!t->refused.code[0])
        err_set(&t->refused, ERR_IO, "the answer was not taken");
    return CURL_WRITEFUNC_ERROR;
}

static size_t write_callback(char *bytes, size_t each, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    if (t->request->take && t->response->status >= 200 && t->response->status < 300)
        return take_piece(t, bytes, each * count);
    buf_append(&t->response->body, bytes, each * count);
    t->too_large = t->response->body.overflow;
    return t->too_large ? 0 : each * count;
}

/* "HTTP/1.1 200 OK": a new answer begins; what an interim one said is dropped. */
static void take_status(struct transfer *t, const char *line, size_t len)
{
    size_t space = 0;
    while (space < len && line[space] != ' ')
        space++;
    int status = 0;
    for (size_t i = space + 1; space + 3 < len && i < space + 4; i++)
        status = line[i] >= '0' && line[i] <= '9' ? status * 10 + (line[i] - '0') : 0;
    t->response->headers = NULL;
    t->last_header = &t->response->headers;
    if (status < 200)
        return;
    t->response->status = status;
    reached(t, HTTP_GOT_STATUS);
}

static void take_header(struct transfer *t, struct str line)
{
    const char *colon = memchr(line.p, ':', line.n);
    if (!colon)
        return;
    struct str name = str_trim((struct str){line.p, (size_t)(colon - line.p)});
    struct str value = str_trim((struct str){colon + 1, (size_t)(line.p + line.n - colon - 1)});
    struct http_header *header = arena_alloc(t->response->arena, sizeof *header);
    header->name = str_dup(t->response->arena, name);
    header->value = str_dup(t->response->arena, value);
    *t->last_header = header;
    t->last_header = &header->next;
}

static size_t header_callback(char *bytes, size_t each, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    size_t len = each * count;
    t->header_bytes += len;
    if (t->header_bytes > MAX_HEADER_BYTES) {
        t->too_large = true;
        return 0;
    }
    if (t->response->progress >= HTTP_GOT_HEADERS)
        return len; /* trailers say nothing we use */
    struct str line = str_trim((struct str){bytes, len});
    if (line.n >= 5 && memcmp(line.p, "HTTP/", 5) == 0)
        take_status(t, line.p, line.n);
    else if (line.n > 0)
        take_header(t, line);
    else if (t->response->status > 0)
        reached(t, HTTP_GOT_HEADERS);
    return len;
}

/* --- easy handles, kept for the next exchange --- */

/* What all exchanges have in common. */
static void easy_prepare(struct transfer *t)
{
    const struct http_client *client = t->client;
    CURL *easy = t->easy;
    t->told = (struct told){.timeout_ms = -1, .connect_ms = -1};
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_callback);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_callback);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, prereq_callback);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket_callback);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, http_loop_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, client->loop);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->detail);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
}

/* True when it has none of the options that prepare_connection and prepare_method only ever set. */
static bool is_plain(const struct http_request *request)
{
    return (!request->method || text_eq(request->method, "GET")) && !request->body_len &&
           !request->fresh_connection && request->stall_ms <= 0;
}

/* Ready for the next exchange; what came of this one stays until transfer_put_by. */
static void easy_restore(struct transfer *t)
{
    if (!is_plain(t->request) || t->err->code[0]) {
        curl_easy_reset(t->easy);
        easy_prepare(t);
    }
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
}

static void transfer_put_by(struct transfer *t)
{
    if (t->own.arena)
        arena_reset(t->own.arena);
    buf_clear(&t->own.body);
    if (t->own.body.cap > KEPT_BODY)
        buf_free(&t->own.body);
    t->next = t->client->spare;
    t->client->spare = t;
}

/* --- preparing --- */

static bool holds_line_break(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

/* libcurl adds these by itself unless told "Name:": Expect waits for 100 and sends again after 417.
 */
static char no_expect[] = "Expect:", no_type[] = "Content-Type:";

static void add_line(struct transfer *t, struct curl_slist **last, char *line)
{
    struct curl_slist *node = arena_raw(t->response->arena, sizeof *node);
    *node = (struct curl_slist){.data = line};
    if (*last)
        (*last)->next = node;
    else
        t->headers = node;
    *last = node;
}

static void add_header(struct transfer *t, struct curl_slist **last, const char *name,
                       const char *value)
{
    size_t name_len = strlen(name), value_len = strlen(value);
    char *line = arena_raw(t->response->arena, name_len + value_len + 3);
    memcpy(line, name, name_len);
    memcpy(line + name_len, value_len ? ": " : ";", value_len ? 3 : 2);
    if (value_len)
        memcpy(line + name_len + 2, value, value_len + 1);
    add_line(t, last, line);
}

/* One may be the Authorization header. */
static void wipe_headers(struct transfer *t)
{
    for (struct curl_slist *node = t->headers; node; node = node->next)
        if (node->data != no_expect && node->data != no_type)
            explicit_bzero(node->data, strlen(node->data));
    t->headers = NULL;
}

static enum status prepare_headers(struct transfer *t)
{
    const struct http_header *given = t->request->headers;
    struct curl_slist *last = NULL;
    for (const struct http_header *h = given; h; h = h->next) {
        if (holds_line_break(h->name) || holds_line_break(h->value) || strchr(h->name, ':'))
            return err_set(t->err, ERR_INVALID, "header \"%.40s\" holds a line break or a colon",
                           h->name);
        add_header(t, &last, h->name, h->value);
    }
    if (!http_header_get(given, "Expect"))
        add_line(t, &last, no_expect);
    if (!http_header_get(given, "Content-Type"))
        add_line(t, &last, no_type);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    return OK;
}

static bool method_has_body(const char *method)
{
    return text_eq(method, "POST") || text_eq(method, "PUT") || text_eq(method, "PATCH");
}

static enum status prepare_method(struct transfer *t)
{
    const char *method = t->request->method ? t->request->method : "GET";
    if (!method[0] || strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(method))
        return err_set(t->err, ERR_INVALID, "\"%.20s\" is not an HTTP method", method);
    if (t->request->body_len > 0 || method_has_body(method)) {
        curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->request->body ? t->request->body : "");
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->request->body_len);
    } else if (text_eq(method, "HEAD")) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    }
    if (!is_plain(t->request))
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
    return OK;
}

/* Behind a proxy the address is not ours to see; what is written out is. */
static enum status check_literal_host(struct transfer *t)
{
    struct uri uri;
    if (!t->request->public_only || !uri_parse(t->response->arena, t->request->url, &uri))
        return OK;
    if (!address_is_literal(uri.host) || address_text_is_public(uri.host))
        return OK;
    return err_set(t->err, ERR_HTTP_REFUSED_ADDRESS,
                   "%s is a private or reserved address, which may not be reached from here",
                   uri.host);
}

static void prepare_connection(struct transfer *t)
{
    const struct http_request *request = t->request;
    CURL *easy = t->easy;
    int64_t timeout = request->timeout_ms > 0 ? request->timeout_ms
                      : request->stall_ms > 0 ? 0
                                              : DEFAULT_TIMEOUT_MS;
    int64_t connect = request->connect_ms > 0 ? request->connect_ms : DEFAULT_CONNECT_MS;
    bool small = request->max_body && request->max_body <= SMALL_BODY && !request->take;
    struct told tell = {(long)timeout, (long)connect, small ? SMALL_BUFFER : READ_BUFFER,
                        request->accept_gzip};
    if (t->told.timeout_ms != tell.timeout_ms)
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, tell.timeout_ms);
    if (t->told.connect_ms != tell.connect_ms)
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, tell.connect_ms);
    if (t->told.buffer != tell.buffer)
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, tell.buffer);
    if (t->told.gzip != tell.gzip)
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, tell.gzip ? "gzip" : NULL);
    t->told = tell;
    if (request->stall_ms > 0) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((request->stall_ms + 999) / 1000));
    }
    if (request->fresh_connection) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
}

static void response_begin(struct transfer *t)
{
    struct http_response *r = t->response, old = t->own;
    size_t most = t->request->max_body ? t->request->max_body : DEFAULT_MAX_BODY;
    *r = (struct http_response){.body = BUF_UP_TO(most)};
    if (r == &t->own) { /* its room is used again */
        r->arena = old.arena;
        r->body.data = old.body.data;
        r->body.cap = old.body.cap;
    }
    if (!r->arena)
        r->arena = arena_new();
}

static void transfer_begin(struct transfer *t)
{
    response_begin(t);
    t->last_header = &t->response->headers;
    t->started = t->client->world->monotonic_ms(t->client->world);
    err_clear(t->err);
}

static enum status transfer_prepare(struct transfer *t)
{
    transfer_begin(t);
    if (!t->request->url || curl_easy_setopt(t->easy, CURLOPT_URL, t->request->url) != CURLE_OK)
        return err_set(t->err, ERR_INVALID, "the request has no usable URL");
    prepare_connection(t);
    if (check_literal_host(t) != OK || prepare_method(t) != OK)
        return FAIL;
    return prepare_headers(t);
}

/* --- finishing --- */

static bool time_passed(CURL *easy, CURLINFO which)
{
    curl_off_t us = 0;
    return curl_easy_getinfo(easy, which, &us) == CURLE_OK && us > 0;
}

/* What the callbacks could not see. */
static void complete_progress(struct transfer *t)
{
    if (t->response->progress < HTTP_SENT_SOME) {
        if (time_passed(t->easy, CURLINFO_NAMELOOKUP_TIME_T))
            reached(t, HTTP_RESOLVED);
        if (time_passed(t->easy, CURLINFO_CONNECT_TIME_T))
            reached(t, HTTP_CONNECTED);
        if (time_passed(t->easy, CURLINFO_APPCONNECT_TIME_T))
            reached(t, HTTP_TLS_DONE);
        return;
    }
    long head = 0;
    curl_off_t body = 0;
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &head);
    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &body);
    if (head > 0 && (uint64_t)body >= t->request->body_len)
        reached(t, HTTP_SENT_ALL);
}

static const char *error_code(const struct transfer *t, CURLcode rc)
{
    if (t->too_large)
        return ERR_HTTP_TOO_LARGE;
    if (t->second_send)
        return ERR_HTTP_BROKEN;
    if (t->address_refused && t->response->progress < HTTP_SENT_SOME)
        return ERR_HTTP_REFUSED_ADDRESS;
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return ERR_HTTP_TIMEOUT;
    /* Once bytes have left, no error may look as if none had. */
    return t->response->progress >= HTTP_SENT_SOME ? ERR_HTTP_BROKEN : http_early_error(rc);
}

static const char *error_text(const struct transfer *t, CURLcode rc)
{
    if (t->too_large)
        return "the answer is larger than allowed";
    if (t->second_send)
        return "the kept connection was closed before an answer came; the request was not repeated";
    if (t->address_refused && t->response->progress < HTTP_SENT_SOME)
        return "the name leads to a private or reserved address, which may not be reached from "
               "here";
    if (rc == CURLE_OK)
        return "the connection ended before the answer's headers did";
    return t->detail[0] ? t->detail : curl_easy_strerror(rc);
}

/* "POST https://host/path": no query, no credentials. */
static const char *request_name(const struct transfer *t)
{
    struct uri uri;
    struct arena *arena = t->response->arena;
    const char *method = t->request->method ? t->request->method : "GET";
    if (!t->request->url || !uri_parse(arena, t->request->url, &uri))
        return arena_printf(arena, "%.20s request", method);
    return arena_printf(arena, "%.20s %s://%s:%d%.200s", method, uri.scheme, uri.host, uri.port,
                        uri.path);
}

static void transfer_finish(struct transfer *t, CURLcode rc)
{
    struct http_response *response = t->response;
    complete_progress(t);
    if (text_eq(error_code(t, rc), ERR_HTTP_TLS)) /* libcurl times the two as one step */
        reached(t, HTTP_CONNECTED);
    /* A connection that ends among the headers counts as a whole answer for libcurl. */
    bool headers = response->progress >= HTTP_GOT_HEADERS;
    if (rc == CURLE_OK && response->status > 0 && headers)
        reached(t, HTTP_GOT_ALL);
    else if (t->refused.code[0])
        *t->err = t->refused;
    else if (t->cancelled)
        err_set(t->err, ERR_HTTP_CANCELLED, "given up");
    else
        err_set(t->err, error_code(t, rc), "%s", error_text(t, rc));
    response->body_cut = response->status > 0 && response->progress < HTTP_GOT_ALL;
}

static void transfer_end(struct transfer *t)
{
    struct http_client *client = t->client;
    t->response->took_ms = client->world->monotonic_ms(client->world) - t->started;
    const char *hint = t->request->secret_hint ? t->request->secret_hint : "";
    if (t->err->code[0]) {
        log_debug("http: %s %s failed: %s", request_name(t), hint, t->err->message);
        err_wrap(t->err, "%s", request_name(t));
    } else if (log_get_level() <= LOG_DEBUG) {
        log_debug("http: %s %s answered %d in %lld ms", request_name(t), hint, t->response->status,
                  (long long)t->response->took_ms);
    }
    easy_restore(t);
    wipe_headers(t);
}

/* --- another network --- */

static void hand_over(struct transfer *t)
{
    struct http_response *response = t->response;
    if (t->request->take && response->status >= 200 && response->status < 300 &&
        t->request->take(t->request->take_ctx, buf_text(&response->body), response->body.len,
                         &t->refused) != OK)
        *t->err = t->refused;
    if (t->request->take)
        buf_clear(&response->body);
}

static void send_over(struct http_net *net, struct transfer *t)
{
    transfer_begin(t);
    t->client->requests++;
    if (net->exchange(net, t->request, t->response, t->err) == OK)
        hand_over(t);
    t->response->body_cut = t->response->status > 0 && t->response->progress < HTTP_GOT_ALL;
    transfer_end(t);
}

/* --- driving --- */

static bool transfer_start(struct transfer *t)
{
    if (transfer_prepare(t) != OK) {
        transfer_end(t);
        return false;
    }
    CURLMcode rc = curl_multi_add_handle(t->client->multi, t->easy);
    if (rc != CURLM_OK) {
        err_set(t->err, ERR_IO, "%s", curl_multi_strerror(rc));
        transfer_end(t);
        return false;
    }
    t->client->requests++;
    t->client->under_way++;
    if (t->request->cancel) {
        t->next_cancellable = t->client->cancellable;
        t->client->cancellable = t;
    }
    return true;
}

/* Many exchanges at once. What is called back may itself send over this client (a token is
 * renewed while other exchanges are under way): that is a flow of its own on the same multi
 * handle, and what it finds finished for another flow it leaves in that one's `ready`. */
struct flow {
    struct http_client *client;
    const struct http_request *requests;
    struct http_response *responses; /* NULL, like errs: each transfer's own */
    struct err *errs;
    size_t count, next, open, parallel;
    struct transfer *ready, **last_ready; /* finished, and not handed back yet */
    const struct http_watch *watch;
};

static struct transfer *transfer_take(struct flow *f)
{
    struct http_client *client = f->client;
    struct transfer *t = client->spare;
    size_t i = f->next++;
    if (t) {
        client->spare = t->next;
    } else {
        t = mem_alloc(sizeof *t);
        t->client = client;
        t->easy = mem_got(curl_easy_init());
        easy_prepare(t);
    }
    memset(&t->flow, 0, offsetof(struct transfer, refused) - offsetof(struct transfer, flow));
    err_clear(&t->refused);
    t->detail[0] = '\0';
    t->flow = f;
    t->number = i;
    t->request = &f->requests[i];
    t->response = f->responses ? &f->responses[i] : &t->own;
    t->err = f->errs ? &f->errs[i] : &t->own_err;
    return t;
}

static void flow_landed(struct flow *f, struct transfer *t)
{
    if (f->watch && f->watch->landed)
        f->watch->landed(f->watch->ctx, t->number, t->response, t->err);
    transfer_put_by(t);
}

static void hand_back(struct flow *f)
{
    for (struct transfer *t; (t = f->ready);) {
        f->ready = t->next;
        if (!f->ready)
            f->last_ready = &f->ready; /* what lands may add to it */
        flow_landed(f, t);
    }
}

/* Takes it off the multi handle; its flow hands it back later. */
static void transfer_ended(struct transfer *t, CURLcode rc)
{
    struct flow *f = t->flow;
    struct transfer **link = &t->client->cancellable;
    while (t->request->cancel && *link != t)
        link = &(*link)->next_cancellable;
    if (t->request->cancel)
        *link = t->next_cancellable;
    transfer_finish(t, rc);
    curl_multi_remove_handle(t->client->multi, t->easy);
    t->client->under_way--;
    transfer_end(t);
    f->open--;
    t->next = NULL;
    *f->last_ready = t;
    f->last_ready = &t->next;
}

/* Takes the finished ones, of every flow, and those that were given up. */
static void collect_finished(struct http_client *client)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        char *owner = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
        transfer_ended((struct transfer *)(void *)owner, message->data.result);
    }
    for (struct transfer *t = client->cancellable, *next; t; t = next) {
        next = t->next_cancellable;
        t->cancelled = atomic_load(t->request->cancel);
        if (t->cancelled)
            transfer_ended(t, CURLE_ABORTED_BY_CALLBACK);
    }
}

static size_t flow_room(const struct flow *f)
{
    size_t most = f->watch && f->watch->parallel ? f->watch->parallel(f->watch->ctx) : f->parallel;
    return most ? most : 1;
}

/* Sends the next one, over libcurl or over the world's own network. */
static void flow_start(struct flow *f)
{
    struct transfer *t = transfer_take(f);
    if (f->watch && f->watch->leaving && !f->watch->leaving(f->watch->ctx, t->number)) {
        response_begin(t);
        flow_landed(f, t);
    } else if (f->client->world->net) {
        send_over(f->client->world->net, t);
        flow_landed(f, t);
    } else if (transfer_start(t)) {
        f->open++;
    } else {
        flow_landed(f, t);
    }
}

static void flow_run(struct flow *f)
{
    f->last_ready = &f->ready;
    while (f->next < f->count || f->open > 0 || f->ready) {
        hand_back(f);
        while (f->next < f->count && f->open < flow_room(f)) {
            flow_start(f);
            /* What is on its way goes on while the next is made ready, if that takes a while. */
            if (f->open > 0 && f->watch && f->watch->leaving && !f->watch->quick)
                http_loop_turn(f->client->loop, f->client->under_way, 0);
        }
        collect_finished(f->client);
        if (f->open > 0 && !f->ready) {
            http_loop_turn(f->client->loop, f->client->under_way, LONGEST_WAIT_MS);
            collect_finished(f->client);
        }
    }
}

void http_send_watched(struct http_client *client, const struct http_request *requests,
                       struct http_response *responses, struct err *errs, size_t count,
                       const struct http_watch *watch)
{
    struct flow f = {.client = client,
                     .requests = requests,
                     .responses = responses,
                     .errs = errs,
                     .count = count,
                     .parallel = DEFAULT_PARALLEL,
                     .watch = watch};
    flow_run(&f);
}

void http_send_many(struct http_client *client, const struct http_request *requests,
                    struct http_response *responses, struct err *errs, size_t count,
                    size_t parallel)
{
    struct flow f = {.client = client,
                     .requests = requests,
                     .responses = responses,
                     .errs = errs,
                     .count = count,
                     .parallel = parallel ? parallel : DEFAULT_PARALLEL};
    flow_run(&f);
}

enum status http_send(struct http_client *client, const struct http_request *request,
                      struct http_response *response, struct err *err)
{
    struct err own;
    struct err *to = err ? err : &own;
    http_send_many(client, request, response, to, 1, 1);
    return to->code[0] ? FAIL : OK;
}

void http_response_free(struct http_response *response)
{
    buf_free(&response->body);
    arena_free(response->arena);
    *response = (struct http_response){0};
}
