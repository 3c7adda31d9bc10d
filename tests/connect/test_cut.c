/* test_cut.c - one attempt is one request on the wire (oracle O6), whichever byte
 * is the last that gets through. A bare server counts requests and cuts the
 * connection after every byte of the request and of the answer, once on a new
 * connection and once on a kept one, where libcurl would send again by itself.
 * Guards http/client.c, connect/salesforce/write.c and classify.c. */
#include "connect/salesforce/sf_priv.h"
#include "support/check.h"

#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BODY "{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}"
#define ANSWER                                                                                     \
    "HTTP/1.1 201 Created\r\nContent-Type: application/json;charset=UTF-8\r\n"                     \
    "Content-Length: 51\r\n\r\n" ANSWER_BODY
#define STATUS_LINE 22 /* "HTTP/1.1 201 Created\r\n" */

/* ------------------------------------------------------------- the server */

static int listener;
static char base_url[64];
static atomic_int requests;        /* that sent at least one byte */
static atomic_size_t request_size; /* of the last whole one */
static atomic_long cut_request = -1, cut_answer = -1; /* -1 = do not cut */
static atomic_int cut_after;       /* so many whole exchanges on a connection come first */

static size_t wanted_length(const char *head, size_t len)
{
    const char *end = memmem(head, len, "\r\n\r\n", 4);
    const char *body = end ? strcasestr(head, "content-length:") : NULL;
    if (!end)
        return 0;
    return (size_t)(end + 4 - head) + (body && body < end ? strtoul(body + 15, NULL, 10) : 0);
}

static void drop(int fd)
{
    struct linger hard = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); /* a reset, not a farewell */
    close(fd);
}

/* One exchange; false when the connection is over. */
static bool serve_one(int fd, bool may_cut)
{
    char data[8192];
    size_t len = 0, whole = 0;
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    poll(&waiting, 1, -1); /* the order to cut is given before the request comes, not sooner */
    long stop = may_cut ? atomic_load(&cut_request) : -1;
    while (!whole || len < whole) {
        if (stop >= 0 && len >= (size_t)stop && (len || !stop)) {
            if (len)
                atomic_fetch_add(&requests, 1);
            drop(fd);
            return false;
        }
        size_t room = stop >= 0 ? (size_t)stop - len : sizeof data - 1 - len;
        ssize_t got = recv(fd, data + len, room ? room : 1, 0);
        if (got <= 0) {
            close(fd);
            return false;
        }
        len += (size_t)got;
        data[len] = 0;
        whole = wanted_length(data, len);
    }
    atomic_fetch_add(&requests, 1);
    atomic_store(&request_size, whole);
    stop = may_cut ? atomic_load(&cut_answer) : -1;
    size_t sent = stop >= 0 ? (size_t)stop : strlen(ANSWER);
    if (send(fd, ANSWER, sent, MSG_NOSIGNAL) < 0 || stop >= 0) {
        shutdown(fd, SHUT_WR); /* what was sent arrives, then nothing */
        close(fd);
        return false;
    }
    return true;
}

static void *serve(void *arg)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        int served = 0;
        while (serve_one(fd, served >= atomic_load(&cut_after)))
            served++;
    }
}

static void server_start(void)
{
    static pthread_t thread;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(listener, (struct sockaddr *)&at, len), 0);
    CHECK_INT(listen(listener, 16), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%d", ntohs(at.sin_port));
    CHECK_INT(pthread_create(&thread, NULL, serve, NULL), 0);
    CHECK_INT(pthread_detach(thread), 0);
}

/* ------------------------------------------------------------ the session */

static struct arena *arena;
static struct err err;
static struct crm_session *session;

static enum status load(void *ctx, struct arena *into, struct crm_tokens *out, struct err *e)
{
    secret_set(&out->access, "token", 5);
    out->instance_url = base_url;
    return OK;
}

static enum status save(void *ctx, const struct crm_tokens *tokens, struct err *e)
{
    return OK;
}

static void open_session(void)
{
    static const struct crm_token_store store = {NULL, load, save};
    struct connection connection = {.name = "cut", .login_url = base_url, .environment = "local"};
    session = salesforce_connector.open(world_real(), &connection, &store, &err);
    CHECK_GOT(session, &err);
    struct sf *sf = sf_of(session);
    snprintf(sf->version, sizeof sf->version, "v66.0"); /* nothing but writes on the wire */
}

static void begin(void)
{
    if (!listener)
        server_start();
    arena = arena_new();
    open_session();
    atomic_store(&requests, 0);
    atomic_store(&cut_request, -1);
    atomic_store(&cut_answer, -1);
    atomic_store(&cut_after, 0);
}

static void end(void)
{
    salesforce_connector.close(session);
    arena_free(arena);
}

EACH_TEST(begin, end)

static struct crm_outcome attempt(bool harmless)
{
    static const struct crm_write write = {
        .kind = OP_CREATE, .object = "Lead", .payload = "{\"LastName\":\"Ng\"}"};
    struct crm_write_options options = {
        .alone = true, .resend_harmless = harmless, .timeout_ms = 3000};
    struct crm_outcome outcome;
    salesforce_connector.write(session, &write, 1, &options, arena, &outcome);
    return outcome;
}

/* Requests of one attempt that is cut; a kept connection has one whole exchange before it. */
static int requests_of(bool kept, struct crm_outcome *outcome)
{
    salesforce_connector.close(session); /* no connection of the attempt before */
    open_session();
    atomic_store(&cut_after, kept);
    if (kept) {
        long request = atomic_exchange(&cut_request, -1), answer = atomic_exchange(&cut_answer, -1);
        CHECK_INT(attempt(true).class, CRM_EXECUTED);
        atomic_store(&cut_request, request);
        atomic_store(&cut_answer, answer);
    }
    int before = atomic_load(&requests);
    *outcome = attempt(kept);
    return atomic_load(&requests) - before;
}

static size_t size_of_request(void)
{
    CHECK_INT(attempt(false).class, CRM_EXECUTED);
    return atomic_load(&request_size);
}

static void cut_every_byte_of_the_request(bool kept)
{
    size_t size = size_of_request();
    CHECK(size > 200);
    for (size_t at = 0; at < size; at++) {
        struct crm_outcome outcome;
        atomic_store(&cut_request, (long)at);
        int sent = requests_of(kept, &outcome);
        CHECK(sent <= 1);
        CHECK(outcome.class == CRM_UNKNOWN || (outcome.class == CRM_NOT_EXECUTED && !sent));
    }
}

static void cut_every_byte_of_the_answer(bool kept)
{
    for (size_t at = 0; at < strlen(ANSWER); at++) {
        struct crm_outcome outcome;
        atomic_store(&cut_answer, (long)at);
        CHECK_INT(requests_of(kept, &outcome), 1);
        /* the status line proves it; before that nothing does */
        CHECK_INT(outcome.class, at < STATUS_LINE ? CRM_UNKNOWN : CRM_EXECUTED);
    }
}

TEST(cut, every_byte_of_the_request_on_a_new_connection)
{
    cut_every_byte_of_the_request(false);
}

TEST(cut, every_byte_of_the_request_on_a_kept_connection)
{
    cut_every_byte_of_the_request(true);
}

TEST(cut, every_byte_of_the_answer_on_a_new_connection)
{
    cut_every_byte_of_the_answer(false);
}

TEST(cut, every_byte_of_the_answer_on_a_kept_connection)
{
    cut_every_byte_of_the_answer(true);
}
