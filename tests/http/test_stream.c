/* test_stream.c - answers that come later or have no end, and heads that two
 * readers could understand differently. Guards src/http/stream.c and the parts
 * of server.c that wait for others. */
#include "base/mem.h"
#include "base/str.h"
#include "base/world.h"
#include "http/server.h"
#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static struct http_server *server;
static struct err err;
static atomic_int handled;
static struct http_stream *_Atomic streams[64];
static atomic_int stream_count;
static struct http_in *_Atomic waiting;
static struct http_out *waiting_out;

static void handler(void *ctx, struct http_in *in, struct http_out *out)
{
    atomic_fetch_add(&handled, 1);
    if (text_eq(in->path, "/events")) {
        http_out_header(in, out, "Content-Type", "text/event-stream");
        int at = atomic_fetch_add(&stream_count, 1);
        atomic_store(&streams[at], http_stream_new(in, out, 64 * KIB));
    } else if (text_eq(in->path, "/later")) {
        waiting_out = out;
        http_later(in);
        atomic_store(&waiting, in);
    } else if (text_eq(in->path, "/lent")) {
        out->lent = "bytes of the program";
        out->lent_len = 20;
    } else {
        buf_printf(&out->body, "plain %s", in->path);
    }
}

static void nap(void)
{
    world_real()->sleep_ms(world_real(), 2);
}

static void before(void)
{
    struct http_server_options options = {
        .host = "127.0.0.1", .handler = handler, .gzip = true, .max_head = 32 * KIB};
    atomic_store(&handled, 0);
    atomic_store(&stream_count, 0);
    atomic_store(&waiting, NULL);
    server = http_server_start(&options, &err);
    CHECK_GOT(server, &err);
}

static void after(void)
{
    for (int i = 0; i < atomic_load(&stream_count); i++)
        http_stream_close(atomic_exchange(&streams[i], NULL));
    http_server_stop(server, 0);
    server = NULL;
}

EACH_TEST(before, after)

/* ------------------------------------------------------------ a raw client */

static int dial(const char *request)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons((uint16_t)http_server_port(server));
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        CHECK(!"sending");
    return fd;
}

/* Reads until `part` has come, the other side closes, or patience ends. */
static bool read_until(int fd, struct buf *got, const char *part)
{
    char piece[4096];
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (part && strstr(buf_text(got), part))
            return true;
        if (poll(&poll_fd, 1, PATIENCE_MS) <= 0)
            return false;
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0)
            return !part;
        buf_append(got, piece, (size_t)n);
    }
}

static char *ask(const char *request)
{
    struct buf got = BUF_INIT;
    int fd = dial(request);
    CHECK(read_until(fd, &got, NULL));
    close(fd);
    char *text = mem_strdup(buf_text(&got));
    buf_free(&got);
    return text;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define LAST(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct http_stream *stream_number(int number)
{
    for (int i = 0; i < PATIENCE_MS / 2 && !atomic_load(&streams[number]); i++)
        nap();
    CHECK(streams[number] != NULL);
    return streams[number];
}

static void send_text(struct http_stream *stream, const char *text)
{
    CHECK(http_stream_send(stream, text, strlen(text)));
}

/* ----------------------------------------------------------------- streams */

TEST(stream, what_is_sent_arrives_at_once_and_the_end_is_told)
{
    struct buf got = BUF_INIT;
    int fd = dial(LAST("/events"));
    struct http_stream *stream = stream_number(0);
    send_text(stream, "data: one\n\n");
    CHECK(read_until(fd, &got, "data: one"));
    send_text(stream, "data: two\n\n");
    CHECK(read_until(fd, &got, "data: two"));
    http_stream_close(stream);
    streams[0] = NULL;
    CHECK(read_until(fd, &got, "\r\n0\r\n\r\n"));
    CHECK_CONTAINS(buf_text(&got), "HTTP/1.1 200 OK");
    CHECK_CONTAINS(buf_text(&got), "text/event-stream");
    close(fd);
    buf_free(&got);
}

TEST(stream, an_idle_one_does_not_hold_up_others)
{
    int fds[8];
    for (int i = 0; i < 8; i++)
        fds[i] = dial(GET("/events"));
    for (int i = 0; i < 8; i++)
        stream_number(i);
    for (int i = 0; i < 5; i++) {
        char *text = ask(LAST("/x"));
        CHECK_CONTAINS(text, "plain /x");
        free(text);
    }
    for (int i = 0; i < 8; i++)
        close(fds[i]);
}

TEST(stream, a_client_that_left_is_noticed)
{
    int fd = dial(GET("/events"));
    struct http_stream *stream = stream_number(0);
    close(fd);
    bool open = true;
    for (int i = 0; i < PATIENCE_MS / 2 && open; i++) {
        open = http_stream_send(stream, ": alive\n\n", 9);
        nap();
    }
    CHECK(!open);
    CHECK(!http_stream_is_open(stream));
}

TEST(stream, a_client_that_does_not_read_is_let_go)
{
    char line[1024];
    memset(line, 'x', sizeof line);
    int fd = dial(GET("/events"));
    struct http_stream *stream = stream_number(0);
    int sent = 0;
    while (sent < 100000 && http_stream_send(stream, line, sizeof line))
        sent++;
    CHECK(sent < 100000);
    CHECK(!http_stream_is_open(stream));
    close(fd);
}

static void *write_a_lot(void *ctx)
{
    char line[1024];
    memset(line, '#', sizeof line);
    for (int i = 0; i < 3000; i++)
        if (!http_stream_write(ctx, line, sizeof line))
            return NULL;
    http_stream_close(ctx);
    return ctx;
}

TEST(stream, a_writer_waits_for_a_slow_reader_and_loses_nothing)
{
    struct buf got = BUF_INIT;
    pthread_t writer;
    int fd = dial(LAST("/events"));
    struct http_stream *stream = stream_number(0);
    streams[0] = NULL; /* the writer closes it */
    CHECK_INT(pthread_create(&writer, NULL, write_a_lot, stream), 0);
    CHECK(read_until(fd, &got, NULL));
    pthread_join(writer, NULL);
    size_t count = 0;
    for (size_t i = 0; i < got.len; i++)
        count += got.data[i] == '#';
    CHECK_INT(count, 3000 * 1024);
    close(fd);
    buf_free(&got);
}

TEST(stream, one_that_is_broken_off_does_not_look_complete)
{
    struct buf got = BUF_INIT;
    int fd = dial(LAST("/events"));
    struct http_stream *stream = stream_number(0);
    send_text(stream, "half");
    CHECK(read_until(fd, &got, "half"));
    streams[0] = NULL;
    http_stream_abort(stream);
    CHECK(read_until(fd, &got, NULL));
    CHECK_LACKS(buf_text(&got), "\r\n0\r\n");
    close(fd);
    buf_free(&got);
}

TEST(stream, stopping_the_server_ends_it)
{
    struct buf got = BUF_INIT;
    int fd = dial(GET("/events"));
    send_text(stream_number(0), "data: last\n\n");
    http_server_stop(server, PATIENCE_MS);
    CHECK(read_until(fd, &got, "\r\n0\r\n\r\n"));
    CHECK(!http_stream_is_open(streams[0]));
    close(fd);
    buf_free(&got);
    before();
    http_stream_close(streams[0]);
    streams[0] = NULL;
}

/* ------------------------------------------------------------------- later */

static void *reply_to_waiting(void *ctx)
{
    while (!atomic_load(&waiting))
        nap();
    nap();
    struct http_in *in = atomic_load(&waiting);
    waiting_out->status = 201;
    buf_str(&waiting_out->body, "at last");
    http_reply(in);
    return NULL;
}

TEST(later, another_thread_answers)
{
    pthread_t other;
    CHECK_INT(pthread_create(&other, NULL, reply_to_waiting, NULL), 0);
    char *text = ask(LAST("/later"));
    pthread_join(other, NULL);
    CHECK_CONTAINS(text, "HTTP/1.1 201 Created");
    CHECK_CONTAINS(text, "at last");
    free(text);
}

TEST(later, stopping_waits_for_the_answer)
{
    pthread_t other;
    int fd = dial(GET("/later"));
    while (!atomic_load(&waiting))
        nap();
    CHECK_INT(pthread_create(&other, NULL, reply_to_waiting, NULL), 0);
    http_server_stop(server, 0);
    pthread_join(other, NULL);
    close(fd);
    before();
}

TEST(lent, bytes_are_sent_as_they_are)
{
    char *text = ask(LAST("/lent"));
    CHECK_CONTAINS(text, "Content-Length: 20\r\n");
    CHECK_CONTAINS(text, "bytes of the program");
    free(text);
}

/* ------------------------------------------------------------------- heads */

static void refused(const char *request)
{
    int was = atomic_load(&handled);
    char *text = ask(request);
    if (*text) /* or closed without a word */
        CHECK(strncmp(text, "HTTP/1.1 4", 10) == 0);
    CHECK_INT(atomic_load(&handled), was);
    free(text);
}

TEST(head, that_could_be_read_in_two_ways_is_refused)
{
    refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcGET");
    refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc");
    refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            "0\r\n\r\n");
    refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
    refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
            "identity\r\n\r\n0\r\n\r\n");
    refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc");
    refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 5\r\n\r\nabc");
    refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n");
    refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
}

TEST(head, larger_than_allowed_is_refused)
{
    struct buf request = BUF_INIT;
    buf_str(&request, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 20000; i++)
        buf_printf(&request, "X-%d: %d\r\n", i, i);
    buf_str(&request, "\r\n");
    refused(buf_text(&request));
    buf_clear(&request);
    buf_str(&request, "GET /");
    for (int i = 0; i < 6500; i++)
        buf_str(&request, "0123456789");
    buf_str(&request, " HTTP/1.1\r\nHost: x\r\n\r\n");
    refused(buf_text(&request));
    buf_free(&request);
}
