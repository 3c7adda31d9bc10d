/* test_wire.c - what the client puts on the wire, and how it tells how far it
 * got, against a server that answers by script, byte by byte.
 *
 * reliability.md rows 27-37: an attempt is one request, whatever the server
 * does to the connection. Guards src/http/client.c. */
#include "base/mem.h"
#include "base/str.h"
#include "http/client.h"
#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

/* --- the scripted server: one thread, one connection after the other --- */

enum ending { KEEP, CLOSE, RESET, HANG };

struct turn {
    const char *answer; /* NULL = none */
    size_t answer_len;  /* 0 = strlen */
    enum ending ending;
    bool read_nothing; /* act before reading the request */
};

struct script {
    int listener, port;
    int stop[2]; /* closing stop[1] ends the thread */
    pthread_t thread;
    const struct turn *turns;
    size_t turn_count;
    /* what was seen; read it after script_end */
    size_t requests, connections;
    struct buf seen; /* all bytes of all requests */
};

/* Waits for bytes; false when the test is over. */
static bool wait_readable(struct script *s, int fd)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};
    while (poll(fds, 2, -1) < 0)
        ;
    return fds[1].revents == 0 || fds[0].revents != 0;
}

/* Reads one whole request (head and Content-Length body). */
static bool read_request(struct script *s, int fd)
{
    struct buf request = BUF_INIT;
    size_t whole = 0;
    while (!whole || request.len < whole) {
        char piece[4096];
        ssize_t got = wait_readable(s, fd) ? recv(fd, piece, sizeof piece, 0) : 0;
        if (got <= 0)
            break;
        buf_append(&request, piece, (size_t)got);
        const char *end = strstr(buf_text(&request), "\r\n\r\n");
        const char *length = strstr(buf_text(&request), "Content-Length: ");
        if (end)
            whole = (size_t)(end + 4 - request.data) + (length ? (size_t)atoi(length + 16) : 0);
    }
    bool complete = whole && request.len >= whole;
    s->requests += complete;
    buf_append(&s->seen, buf_text(&request), request.len);
    buf_free(&request);
    return complete;
}

static void end_connection(struct script *s, int fd, enum ending ending)
{
    struct linger now = {.l_onoff = 1};
    if (ending == RESET)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (ending == HANG) {
        struct pollfd stop = {.fd = s->stop[0], .events = POLLIN};
        poll(&stop, 1, -1);
    }
    close(fd);
}

static bool play_turn(struct script *s, int fd, const struct turn *turn)
{
    size_t len = turn->answer_len ? turn->answer_len : turn->answer ? strlen(turn->answer) : 0;
    if (len > 0)
        send(fd, turn->answer, len, MSG_NOSIGNAL);
    return turn->ending == KEEP;
}

static void *script_main(void *arg)
{
    struct script *s = arg;
    size_t at = 0;
    while (wait_readable(s, s->listener)) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            break;
        s->connections++;
        bool open = true;
        enum ending ending = CLOSE;
        while (open && at < s->turn_count) {
            const struct turn *turn = &s->turns[at];
            if (!turn->read_nothing && !read_request(s, fd))
                break; /* the client left: the turn is still to come */
            open = play_turn(s, fd, turn);
            ending = turn->ending;
            at++;
        }
        if (open && at == s->turn_count) /* past the script: count what comes, answer nothing */
            read_request(s, fd);
        end_connection(s, fd, ending == KEEP ? CLOSE : ending);
    }
    return NULL;
}

static struct script script;

static void script_start(const struct turn *turns, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    script = (struct script){.turns = turns, .turn_count = count};
    script.listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(script.listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(script.listener, 16) == 0 && pipe(script.stop) == 0);
    getsockname(script.listener, (struct sockaddr *)&address, &len);
    script.port = ntohs(address.sin_port);
    pthread_create(&script.thread, NULL, script_main, &script);
}

static void script_end(void)
{
    if (!script.thread)
        return;
    close(script.stop[1]);
    pthread_join(script.thread, NULL);
    close(script.stop[0]);
    close(script.listener);
    script.thread = 0;
}

#define SCRIPT(...)                                                                                \
    static const struct turn turns[] = {__VA_ARGS__};                                              \
    script_start(turns, sizeof turns / sizeof *turns)

/* --- the client under test --- */

static struct http_client *client;
static struct http_response response;
static struct err err;
static char url[128];

static void before(void)
{
    client = http_client_new(world_real(), "argil-test");
}

static void after(void)
{
    http_response_free(&response);
    http_client_free(client);
    script_end();
    buf_free(&script.seen);
}

EACH_TEST(before, after)

static enum status send_request(struct http_request request)
{
    http_response_free(&response);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/services/data", script.port);
    if (!request.url)
        request.url = url;
    if (!request.timeout_ms)
        request.timeout_ms = 5000;
    return http_send(client, &request, &response, &err);
}

static enum status get(void)
{
    return send_request((struct http_request){0});
}

static enum status post(bool fresh)
{
    return send_request((struct http_request){
        .method = "POST", .body = "{\"a\":1}", .body_len = 7, .fresh_connection = fresh});
}

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* --- one attempt, one request --- */

TEST(wire, a_kept_connection_is_used_again)
{
    SCRIPT({GOOD, 0, KEEP}, {GOOD, 0, KEEP});
    CHECK_OK(get(), &err);
    CHECK_OK(get(), &err);
    CHECK_STR(buf_text(&response.body), "ok");
    script_end();
    CHECK_INT(script.connections, 1);
    CHECK_INT(script.requests, 2);
}

/* Row 31: libcurl would send the POST again on a new connection. */
TEST(wire, a_reset_of_a_kept_connection_does_not_send_twice)
{
    SCRIPT({GOOD, 0, KEEP}, {NULL, 0, RESET}, {GOOD, 0, KEEP});
    CHECK_OK(get(), &err);
    CHECK_FAIL(post(false), &err, ERR_HTTP_BROKEN);
    CHECK(response.progress >= HTTP_SENT_SOME && response.progress < HTTP_GOT_STATUS);
    CHECK_INT(response.status, 0);
    script_end();
    CHECK_INT(script.requests, 2);
}

TEST(wire, a_close_of_a_kept_connection_does_not_send_twice)
{
    SCRIPT({GOOD, 0, KEEP}, {NULL, 0, CLOSE}, {GOOD, 0, KEEP});
    CHECK_OK(get(), &err);
    CHECK_FAIL(get(), &err, ERR_HTTP_BROKEN);
    CHECK_CONTAINS(err.message, "not repeated");
    CHECK(response.progress >= HTTP_SENT_SOME);
    script_end();
    CHECK_INT(script.requests, 2);
}

TEST(wire, the_next_request_after_a_break_goes_well)
{
    SCRIPT({GOOD, 0, KEEP}, {NULL, 0, CLOSE}, {GOOD, 0, KEEP});
    CHECK_OK(get(), &err);
    CHECK_FAIL(get(), &err, ERR_HTTP_BROKEN);
    CHECK_OK(get(), &err);
    CHECK_INT(http_client_requests(client), 3);
}

TEST(wire, a_write_goes_out_on_a_connection_of_its_own)
{
    SCRIPT({GOOD, 0, KEEP}, {GOOD, 0, KEEP}, {GOOD, 0, KEEP});
    CHECK_OK(post(true), &err);
    CHECK_OK(post(true), &err);
    CHECK_OK(get(), &err);
    script_end();
    CHECK_INT(script.connections, 3);
    CHECK_INT(script.requests, 3);
}

/* The script serves one connection at a time: while the kept one is open, what
 * comes on another is not read. A write that borrowed the kept one would be. */
TEST(wire, a_write_does_not_borrow_a_kept_connection)
{
    SCRIPT({GOOD, 0, KEEP}, {GOOD, 0, KEEP});
    CHECK_OK(get(), &err);
    struct http_request write = {.method = "POST", .fresh_connection = true, .timeout_ms = 300};
    CHECK_FAIL(send_request(write), &err, ERR_HTTP_TIMEOUT);
    script_end();
    CHECK_INT(script.connections, 2);
}

TEST(wire, nothing_is_added_to_a_request_but_what_http_needs)
{
    SCRIPT({GOOD, 0, KEEP});
    struct http_header type = {"Content-Type", "application/json", NULL};
    struct http_header empty = {"X-Empty", "", &type};
    struct http_header token = {"Authorization", "Bearer t", &empty};
    CHECK_OK(send_request((struct http_request){
                 .method = "PATCH", .headers = &token, .body = "{}", .body_len = 2}),
             &err);
    script_end();
    char wanted[512];
    snprintf(wanted, sizeof wanted,
             "PATCH /services/data HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: argil-test\r\n"
             "Accept: */*\r\nAuthorization: Bearer t\r\nX-Empty:\r\n"
             "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
             script.port);
    CHECK_STR(buf_text(&script.seen), wanted);
}

TEST(wire, a_large_body_does_not_wait_to_be_asked_for)
{
    SCRIPT({GOOD, 0, KEEP});
    char *body = mem_alloc(3000000);
    memset(body, 'x', 3000000);
    CHECK_OK(
        send_request((struct http_request){.method = "POST", .body = body, .body_len = 3000000}),
        &err);
    script_end();
    CHECK_LACKS(buf_text(&script.seen), "Expect");
    CHECK_LACKS(buf_text(&script.seen), "Content-Type");
    free(body);
}

TEST(wire, redirects_are_answers_not_orders)
{
    SCRIPT({"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 0,
            KEEP});
    CHECK_OK(get(), &err);
    CHECK_INT(response.status, 302);
    CHECK_STR(http_header_get(response.headers, "location"), "http://127.0.0.1:1/");
    script_end();
    CHECK_INT(script.requests, 1);
}

TEST(wire, a_proxy_in_the_environment_is_not_taken)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    SCRIPT({GOOD, 0, KEEP});
    enum status rc = get();
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    CHECK_OK(rc, &err);
}

TEST(wire, the_admins_own_proxy_is_taken)
{
    SCRIPT({GOOD, 0, KEEP});
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", script.port);
    http_client_free(client);
    setenv("ARGIL_PROXY", proxy, 1);
    client = http_client_new(world_real(), "argil-test");
    unsetenv("ARGIL_PROXY");
    setenv("no_proxy", "*", 1);
    enum status rc =
        send_request((struct http_request){.url = "http://nowhere.invalid/x", .public_only = true});
    unsetenv("no_proxy");
    CHECK_OK(rc, &err);
    CHECK_FAIL(send_request((struct http_request){.url = "http://10.0.0.1/x", .public_only = true}),
               &err, ERR_HTTP_REFUSED_ADDRESS);
    script_end();
    CHECK_CONTAINS(buf_text(&script.seen), "GET http://nowhere.invalid/x HTTP/1.1");
    CHECK_INT(script.requests, 1);
}

/* --- how far it got --- */

TEST(progress, an_unknown_name_never_left)
{
    CHECK_FAIL(send_request((struct http_request){.url = "http://nowhere.invalid/"}), &err,
               ERR_HTTP_RESOLVE);
    CHECK_INT(response.progress, HTTP_NOT_STARTED);
}

TEST(progress, a_refused_connection_never_left)
{
    SCRIPT({GOOD, 0, KEEP});
    int port = script.port;
    script_end();
    char nobody[64];
    snprintf(nobody, sizeof nobody, "http://127.0.0.1:%d/", port);
    CHECK_FAIL(send_request((struct http_request){.method = "POST", .url = nobody}), &err,
               ERR_HTTP_CONNECT);
    CHECK(response.progress < HTTP_SENT_SOME);
    CHECK_INT(response.status, 0);
    CHECK(!response.body_cut);
}

/* A listener that does not accept and whose queue is full: SYNs get no answer. */
TEST(progress, a_connection_that_is_never_answered_never_left)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fillers[4];
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
          listen(listener, 0) == 0);
    getsockname(listener, (struct sockaddr *)&address, &len);
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&address, sizeof address);
    }
    char hole[64];
    snprintf(hole, sizeof hole, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    struct http_request request = {.method = "POST", .url = hole, .connect_ms = 200};
    enum status rc = send_request(request);
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
    close(listener);
    CHECK_FAIL(rc, &err, ERR_HTTP_TIMEOUT);
    CHECK(response.progress < HTTP_SENT_SOME);
}

TEST(progress, plain_http_behind_https_fails_before_sending)
{
    SCRIPT({"HTTP/1.1 400 Bad Request\r\n\r\n", 0, CLOSE, .read_nothing = true});
    char https[64];
    snprintf(https, sizeof https, "https://127.0.0.1:%d/", script.port);
    CHECK_FAIL(send_request((struct http_request){.method = "POST", .url = https}), &err,
               ERR_HTTP_TLS);
    CHECK_INT(response.progress, HTTP_CONNECTED);
}

TEST(progress, no_answer_in_time_is_sent_and_unknown)
{
    SCRIPT({NULL, 0, HANG});
    CHECK_FAIL(send_request((struct http_request){
                   .method = "POST", .body = "x", .body_len = 1, .timeout_ms = 200}),
               &err, ERR_HTTP_TIMEOUT);
    CHECK_INT(response.progress, HTTP_SENT_ALL);
    CHECK_INT(response.status, 0);
    CHECK(response.took_ms >= 190 && response.took_ms < 4000);
}

TEST(progress, a_reset_after_the_request_is_sent_and_unknown)
{
    SCRIPT({NULL, 0, RESET});
    CHECK_FAIL(post(true), &err, ERR_HTTP_BROKEN);
    CHECK_INT(response.progress, HTTP_SENT_ALL);
    script_end();
    CHECK_INT(script.requests, 1);
}

TEST(progress, an_answer_that_stalls_in_its_body_is_cut)
{
    SCRIPT({"HTTP/1.1 201 Created\r\nContent-Length: 10\r\nX-A: b\r\n\r\n12345", 0, HANG});
    CHECK_FAIL(send_request((struct http_request){.method = "POST", .timeout_ms = 300}), &err,
               ERR_HTTP_TIMEOUT);
    CHECK_INT(response.progress, HTTP_GOT_HEADERS);
    CHECK_INT(response.status, 201);
    CHECK(response.body_cut);
    CHECK_STR(http_header_get(response.headers, "x-a"), "b");
    CHECK_STR(buf_text(&response.body), "12345");
}

TEST(progress, a_short_body_is_cut)
{
    SCRIPT({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", 0, CLOSE});
    CHECK_FAIL(get(), &err, ERR_HTTP_BROKEN);
    CHECK(response.body_cut && response.status == 200);
}

TEST(progress, a_chunked_body_without_its_end_is_cut)
{
    SCRIPT({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", 0, CLOSE});
    CHECK_FAIL(get(), &err, ERR_HTTP_BROKEN);
    CHECK(response.body_cut && response.status == 200);
}

TEST(progress, a_status_line_alone_is_got_status)
{
    SCRIPT({"HTTP/1.1 500 Oops\r\nX-Half: ", 0, RESET});
    CHECK_FAIL(post(true), &err, ERR_HTTP_BROKEN);
    CHECK_INT(response.progress, HTTP_GOT_STATUS);
    CHECK_INT(response.status, 500);
    CHECK(response.body_cut);
}

TEST(progress, garbage_is_broken)
{
    SCRIPT({"SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, CLOSE});
    CHECK_FAIL(get(), &err, ERR_HTTP_BROKEN);
    CHECK_INT(response.status, 0);
    CHECK(response.progress >= HTTP_SENT_SOME);
}

TEST(progress, garbage_in_chunks_is_broken)
{
    SCRIPT({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", 0, CLOSE});
    CHECK_FAIL(get(), &err, ERR_HTTP_BROKEN);
    CHECK(response.body_cut);
}

TEST(progress, interim_answers_are_not_the_answer)
{
    SCRIPT({"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 204 No Content\r\nX-Late: "
            "1\r\n\r\n",
            0, KEEP});
    CHECK_OK(get(), &err);
    CHECK_INT(response.status, 204);
    CHECK(http_header_get(response.headers, "X-Early") == NULL);
    CHECK_STR(http_header_get(response.headers, "X-Late"), "1");
}

/* --- ceilings and encodings --- */

TEST(answer, above_its_ceiling_it_is_refused)
{
    SCRIPT({"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678", 0, KEEP},
           {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789", 0, CLOSE});
    CHECK_OK(send_request((struct http_request){.max_body = 8}), &err);
    CHECK_FAIL(send_request((struct http_request){.max_body = 8}), &err, ERR_HTTP_TOO_LARGE);
    CHECK_INT(response.status, 200);
    CHECK(response.body_cut);
}

/* "HTTP... \r\n\r\n" + gzip of `len` zero bytes; yours to free. */
static struct buf gzip_answer(size_t len)
{
    struct buf answer = BUF_INIT, packed = BUF_INIT;
    char *zeros = mem_alloc(len);
    z_stream z = {0};
    deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (Bytef *)zeros;
    z.avail_in = (uInt)len;
    z.avail_out = (uInt)deflateBound(&z, len);
    z.next_out = (Bytef *)buf_room(&packed, z.avail_out);
    deflate(&z, Z_FINISH);
    buf_added(&packed, z.total_out);
    deflateEnd(&z);
    buf_printf(&answer, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
               packed.len);
    buf_append(&answer, packed.data, packed.len);
    buf_free(&packed);
    free(zeros);
    return answer;
}

TEST(answer, the_ceiling_counts_unpacked_bytes)
{
    struct buf answer = gzip_answer(20 * MIB);
    CHECK(answer.len < 100 * KIB);
    struct turn turns[] = {{answer.data, answer.len, CLOSE}};
    script_start(turns, 1);
    struct http_request request = {.max_body = 1 * MIB, .accept_gzip = true};
    CHECK_FAIL(send_request(request), &err, ERR_HTTP_TOO_LARGE);
    CHECK(response.body.len <= 1 * MIB);
    script_end();
    CHECK_CONTAINS(buf_text(&script.seen), "Accept-Encoding: gzip\r\n");
    buf_free(&answer);
}

TEST(answer, packed_bytes_are_left_alone_unless_asked_for)
{
    struct buf answer = gzip_answer(5000);
    struct turn turns[] = {{answer.data, answer.len, KEEP}, {answer.data, answer.len, KEEP}};
    script_start(turns, 2);
    CHECK_OK(get(), &err);
    CHECK(response.body.len < 100 && response.body.data[0] == '\x1f');
    CHECK_OK(send_request((struct http_request){.accept_gzip = true}), &err);
    CHECK_INT(response.body.len, 5000);
    script_end();
    buf_free(&answer);
}

TEST(answer, broken_gzip_is_broken)
{
    SCRIPT(
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", 0, CLOSE});
    CHECK_FAIL(send_request((struct http_request){.accept_gzip = true}), &err, ERR_HTTP_BROKEN);
}

TEST(answer, endless_headers_are_refused)
{
    struct buf answer = BUF_INIT;
    buf_str(&answer, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 20000; i++)
        buf_printf(&answer, "X-Header-%d: some value or other\r\n", i);
    struct turn turns[] = {{answer.data, answer.len, CLOSE}};
    script_start(turns, 1);
    CHECK_FAIL(get(), &err, ERR_HTTP_TOO_LARGE);
    script_end();
    buf_free(&answer);
}

/* --- what is refused before anything happens --- */

TEST(refusal, private_addresses_when_only_public_ones_may_be_reached)
{
    SCRIPT({GOOD, 0, KEEP}, {GOOD, 0, KEEP});
    static const char *const hosts[] = {"127.0.0.1",          "localhost", "[::1]",
                                        "2130706433",         "0x7f.1",    "0",
                                        "[::ffff:127.0.0.1]", "127.1",     "[::]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char to[96];
        snprintf(to, sizeof to, "http://%s:%d/", hosts[i], script.port);
        struct http_request request = {.url = to, .public_only = true, .timeout_ms = 3000};
        CHECK_FAIL(send_request(request), &err, ERR_HTTP_REFUSED_ADDRESS);
        CHECK(response.progress < HTTP_SENT_SOME);
    }
    script_end();
    CHECK_INT(script.connections, 0);
}

TEST(refusal, a_kept_private_connection_is_not_lent_to_a_public_request)
{
    SCRIPT({GOOD, 0, KEEP}, {GOOD, 0, KEEP});
    char to[96];
    snprintf(to, sizeof to, "http://localhost:%d/", script.port);
    CHECK_OK(send_request((struct http_request){.url = to}), &err);
    CHECK_FAIL(send_request((struct http_request){.url = to, .public_only = true}), &err,
               ERR_HTTP_REFUSED_ADDRESS);
    script_end();
    CHECK_INT(script.requests, 1);
}

TEST(refusal, other_protocols_and_smuggled_headers)
{
    struct http_header bad_value = {"X-A", "1\r\nX-B: 2", NULL}, bad_name = {"X:A", "1", NULL};
    CHECK_FAIL(send_request((struct http_request){.url = "file:///etc/passwd"}), &err, ERR_INVALID);
    CHECK_FAIL(send_request((struct http_request){.url = "gopher://h/"}), &err, ERR_INVALID);
    CHECK_FAIL(send_request((struct http_request){.url = "not a url"}), &err, ERR_INVALID);
    CHECK_FAIL(send_request((struct http_request){.url = "http://h/", .headers = &bad_value}), &err,
               ERR_INVALID);
    CHECK_FAIL(send_request((struct http_request){.url = "http://h/", .headers = &bad_name}), &err,
               ERR_INVALID);
    CHECK_FAIL(send_request((struct http_request){.url = "http://h/", .method = "GET /x"}), &err,
               ERR_INVALID);
    CHECK_INT(response.progress, HTTP_NOT_STARTED);
}

TEST(refusal, an_error_names_neither_query_nor_password)
{
    SCRIPT({NULL, 0, CLOSE});
    char to[160];
    snprintf(to, sizeof to, "http://me:CANARY@127.0.0.1:%d/path?token=CANARY", script.port);
    CHECK_FAIL(send_request((struct http_request){.url = to}), &err, ERR_HTTP_BROKEN);
    CHECK_LACKS(err.message, "CANARY");
    CHECK_CONTAINS(err.message, "/path: ");
}
