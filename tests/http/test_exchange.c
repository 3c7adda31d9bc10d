/* test_exchange.c - our client and our server talk over loopback, and a raw
 * socket tries what no client of ours would send. Guards src/http/server.c. */
#include "base/mem.h"
#include "base/str.h"
#include "http/client.h"
#include "http/gzip.h"
#include "http/server.h"
#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct http_server *server;
static struct http_client *client;
static struct http_response response;
static struct err err;
static atomic_int handled;
static atomic_bool held; /* what asks for /held waits as long as this says so */

static void fill(struct http_out *out, size_t len)
{
    while (out->body.len < len)
        buf_str(&out->body, "a line that repeats itself\n");
}

/* Says what it saw; what to do comes in the path. */
static void echo(void *ctx, struct http_in *in, struct http_out *out)
{
    const char *accept = http_header_get(in->headers, "accept-encoding");
    atomic_fetch_add(&handled, 1);
    http_out_header(in, out, "X-First", "1");
    http_out_header(in, out, "X-Accept", accept ? accept : "none");
    if (text_starts(in->path, "/slow"))
        world_real()->sleep_ms(world_real(), 300);
    while (text_starts(in->path, "/held") && atomic_load(&held))
        world_real()->sleep_ms(world_real(), 1);
    if (text_starts(in->path, "/status/"))
        out->status = atoi(in->path + 8);
    if (text_starts(in->path, "/status/") && out->status != 200)
        return;
    if (text_starts(in->path, "/empty"))
        return;
    buf_printf(&out->body, "%s %s?%s\n", in->method, in->path, in->query ? in->query : "(none)");
    buf_append(&out->body, in->body.data, in->body.len);
    if (strstr(in->path, "big"))
        fill(out, 500000);
    if (strstr(in->path, "huge"))
        fill(out, 30 * MIB);
    if (strstr(in->path, "before"))
        out->broken = HTTP_BREAK_BEFORE;
    if (strstr(in->path, "middle"))
        out->broken = HTTP_BREAK_MIDDLE;
    if (strstr(in->path, "date"))
        http_out_header(in, out, "Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    if (strstr(in->path, "peer"))
        http_out_header(in, out, "X-Peer", in->peer);
    out->no_gzip = strstr(in->path, "plain") != NULL;
}

static void start_with(int threads)
{
    struct http_server_options options = {.host = "127.0.0.1",
                                          .threads = threads,
                                          .handler = echo,
                                          .gzip = true,
                                          .unpack = true,
                                          .max_body = 1 * MIB};
    server = http_server_start(&options, &err);
    CHECK_GOT(server, &err);
}

static void before(void)
{
    start_with(0);
    client = http_client_new(world_real(), "argil-test");
    atomic_store(&handled, 0);
}

static void after(void)
{
    http_response_free(&response);
    http_client_free(client);
    http_server_stop(server, 1000);
    server = NULL;
}

EACH_TEST(before, after)

static const char *url(const char *path)
{
    static char text[65536];
    snprintf(text, sizeof text, "http://127.0.0.1:%d%s", http_server_port(server), path);
    return text;
}

static enum status send_request(struct http_request request, const char *path)
{
    request.url = url(path);
    http_response_free(&response);
    return http_send(client, &request, &response, &err);
}

static enum status get(const char *path)
{
    return send_request((struct http_request){0}, path);
}

/* --- plain exchanges --- */

TEST(exchange, carries_path_query_and_headers_as_sent)
{
    CHECK_OK(get("//a%2Fb/./../c?x=1&y=%20?z"), &err);
    CHECK_INT(response.status, 200);
    CHECK_STR(buf_text(&response.body), "GET //a%2Fb/./../c?x=1&y=%20?z\n");
    CHECK_STR(http_header_get(response.headers, "x-first"), "1");
    CHECK_INT(response.progress, HTTP_GOT_ALL);
    CHECK(!response.body_cut);
    CHECK_OK(get("/p?"), &err);
    CHECK_STR(buf_text(&response.body), "GET /p?\n");
    CHECK_OK(get("/peer"), &err);
    CHECK_STR(http_header_get(response.headers, "X-Peer"), "127.0.0.1");
}

TEST(exchange, every_method_reaches_the_handler)
{
    static const char *const methods[] = {"GET",    "POST",    "PUT",  "PATCH",
                                          "DELETE", "OPTIONS", "MERGE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        CHECK_OK(send_request((struct http_request){.method = methods[i]}, "/m"), &err);
        CHECK(text_starts(buf_text(&response.body), methods[i]));
    }
    CHECK_OK(
        send_request((struct http_request){.method = "DELETE", .body = "why", .body_len = 3}, "/m"),
        &err);
    CHECK_STR(buf_text(&response.body), "DELETE /m?(none)\nwhy");
}

TEST(exchange, statuses_and_empty_bodies_arrive)
{
    static const int statuses[] = {201, 204, 304, 400, 404, 429, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char path[32];
        snprintf(path, sizeof path, "/status/%d", statuses[i]);
        CHECK_OK(get(path), &err);
        CHECK_INT(response.status, statuses[i]);
        CHECK_INT(response.body.len, 0);
    }
    CHECK_OK(get("/status/12"), &err);
    CHECK_INT(response.status, 500);
    CHECK_OK(get("/empty"), &err);
    CHECK_INT(response.status, 200);
}

TEST(exchange, head_has_the_length_but_no_body)
{
    CHECK_OK(send_request((struct http_request){.method = "HEAD"}, "/plain-big"), &err);
    CHECK_INT(response.status, 200);
    CHECK_INT(response.body.len, 0);
    CHECK(atoi(http_header_get(response.headers, "Content-Length")) >= 500000);
    CHECK_OK(get("/after"), &err); /* the connection is still good */
}

TEST(exchange, a_handlers_date_is_the_only_date)
{
    CHECK_OK(get("/date"), &err);
    int dates = 0;
    for (const struct http_header *h = response.headers; h; h = h->next)
        dates += text_eq_nocase(h->name, "Date");
    CHECK_INT(dates, 1);
    CHECK_STR(http_header_get(response.headers, "Date"), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(exchange, long_urls_pass)
{
    char *path = mem_alloc(16001);
    memset(path, 'q', 16000);
    memcpy(path, "/p?q=", 5);
    CHECK_OK(get(path), &err);
    CHECK_INT(response.status, 200);
    CHECK_INT(response.body.len, 16000 + 5);
    free(path);
}

/* --- an answer taken piece by piece --- */

struct taker {
    size_t bytes, pieces, stop_after;
};

static enum status take(void *ctx, const char *bytes, size_t len, struct err *e)
{
    struct taker *taker = ctx;
    taker->bytes += len;
    taker->pieces++;
    return taker->stop_after && taker->bytes >= taker->stop_after
               ? err_set(e, "test.enough", "that is enough")
               : OK;
}

TEST(taking, gets_the_body_of_a_good_answer_and_keeps_none)
{
    struct taker taker = {0};
    struct http_request request = {.take = take, .take_ctx = &taker, .max_body = 1000};
    CHECK_OK(send_request(request, "/huge"), &err);
    CHECK(taker.bytes > 30 * MIB - 100 && taker.pieces > 10);
    CHECK_INT(response.body.len, 0);
    CHECK_INT(response.progress, HTTP_GOT_ALL);
}

TEST(taking, leaves_other_answers_whole)
{
    struct taker taker = {0};
    struct http_request request = {.take = take, .take_ctx = &taker};
    CHECK_OK(send_request(request, "/status/404"), &err);
    CHECK_INT(response.status, 404);
    CHECK_INT(taker.bytes, 0);
}

TEST(taking, may_refuse_and_says_why)
{
    struct taker taker = {.stop_after = 1000};
    struct http_request request = {.take = take, .take_ctx = &taker};
    CHECK_FAIL(send_request(request, "/big"), &err, "test.enough");
    CHECK(response.body_cut);
    CHECK_OK(get("/p"), &err); /* the client is none the worse */
}

TEST(taking, notices_a_body_that_is_cut)
{
    struct taker taker = {0};
    struct http_request request = {.take = take, .take_ctx = &taker};
    CHECK_FAIL(send_request(request, "/big/middle"), &err, ERR_HTTP_BROKEN);
    CHECK(response.body_cut);
}

TEST(cancel, ends_an_exchange)
{
    atomic_bool cancel = true;
    struct http_request request = {.cancel = &cancel};
    CHECK_FAIL(send_request(request, "/slow"), &err, ERR_HTTP_CANCELLED);
    cancel = false;
    CHECK_OK(send_request(request, "/slow"), &err);
}

struct given_up {
    atomic_bool cancel;
    size_t order[3], count;
};

static void landed(void *ctx, size_t i, struct http_response *answer, struct err *error)
{
    struct given_up *given_up = ctx;
    given_up->order[given_up->count++] = i;
    CHECK(answer && error);
    if (i == 0)
        atomic_store(&given_up->cancel, true);
    else
        atomic_store(&held, false);
}

TEST(cancel, ends_one_of_several_and_leaves_the_others)
{
    http_server_stop(server, 0);
    start_with(4);
    atomic_store(&held, true);
    struct given_up given_up = {0};
    struct http_watch watch = {.ctx = &given_up, .landed = landed};
    struct http_request requests[3] = {{0}, {.cancel = &given_up.cancel}, {0}};
    struct http_response responses[3];
    struct err errs[3];
    struct arena *arena = arena_new();
    for (int i = 0; i < 3; i++)
        requests[i].url = arena_strdup(arena, url(i ? "/held" : "/p"));
    http_send_watched(client, requests, responses, errs, 3, &watch);
    CHECK_STR(errs[0].code, "");
    CHECK_STR(errs[1].code, ERR_HTTP_CANCELLED);
    CHECK_STR(errs[2].code, "");
    CHECK(given_up.order[0] == 0 && given_up.order[1] == 1 && given_up.order[2] == 2);
    for (int i = 0; i < 3; i++)
        http_response_free(&responses[i]);
    arena_free(arena);
}

/* --- bodies --- */

static char *some_bytes(size_t len)
{
    struct rng rng = {len};
    char *bytes = mem_alloc(len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)rng_next(&rng);
    return bytes;
}

TEST(body, arrives_as_it_was_sent_in_chunks_or_whole)
{
    struct http_header chunked = {"Transfer-Encoding", "chunked", NULL};
    static const size_t sizes[] = {1, 1000, 65536, 200001, 1 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *bytes = some_bytes(sizes[i]);
        for (int pass = 0; pass < 2; pass++) {
            struct http_request request = {.method = "POST",
                                           .headers = pass ? &chunked : NULL,
                                           .body = bytes,
                                           .body_len = sizes[i]};
            CHECK_OK(send_request(request, "/p"), &err);
            CHECK_MEM(response.body.data + 15, response.body.len - 15, bytes, sizes[i]);
        }
        free(bytes);
    }
}

TEST(body, beyond_the_ceiling_is_answered_413)
{
    struct http_header chunked = {"Transfer-Encoding", "chunked", NULL};
    char *bytes = some_bytes(2 * MIB);
    for (int pass = 0; pass < 2; pass++) {
        struct http_request request = {.method = "POST",
                                       .headers = pass ? &chunked : NULL,
                                       .body = bytes,
                                       .body_len = pass ? 1 * MIB + 1 : 2 * MIB};
        CHECK_OK(send_request(request, "/p"), &err);
        CHECK_INT(response.status, 413);
    }
    CHECK_INT(atomic_load(&handled), 0);
    CHECK_OK(get("/next"), &err);
    CHECK_INT(response.status, 200);
    free(bytes);
}

TEST(body, an_endless_one_is_cut_off)
{
    char *bytes = some_bytes(20 * MIB);
    struct http_request request = {.method = "POST", .body = bytes, .body_len = 20 * MIB};
    CHECK_INT(send_request(request, "/p"), FAIL);
    CHECK_INT(atomic_load(&handled), 0);
    free(bytes);
}

/* --- gzip --- */

TEST(gzip, large_answers_are_packed_for_those_who_ask)
{
    struct http_request asking = {.accept_gzip = true};
    CHECK_OK(send_request(asking, "/big"), &err);
    CHECK_STR(http_header_get(response.headers, "Content-Encoding"), "gzip");
    CHECK_STR(http_header_get(response.headers, "Vary"), "Accept-Encoding");
    CHECK(atoi(http_header_get(response.headers, "Content-Length")) < 100000);
    CHECK(response.body.len >= 500000 && text_starts(response.body.data, "GET /big"));
    size_t unpacked = response.body.len;
    CHECK_OK(get("/big"), &err);
    CHECK(http_header_get(response.headers, "Content-Encoding") == NULL);
    CHECK_STR(http_header_get(response.headers, "Vary"), "Accept-Encoding");
    CHECK_INT(response.body.len, unpacked);
}

TEST(gzip, small_answers_and_refusals_are_not_packed)
{
    struct http_request asking = {.accept_gzip = true};
    CHECK_OK(send_request(asking, "/small"), &err);
    CHECK(http_header_get(response.headers, "Content-Encoding") == NULL);
    CHECK_OK(send_request(asking, "/plain-big"), &err);
    CHECK(http_header_get(response.headers, "Content-Encoding") == NULL);
    struct http_header never = {"Accept-Encoding", "gzip;q=0", NULL};
    CHECK_OK(send_request((struct http_request){.headers = &never}, "/big"), &err);
    CHECK(http_header_get(response.headers, "Content-Encoding") == NULL);
}

static void send_packed(const struct buf *body, size_t len, const char *encoding)
{
    struct http_header header = {"Content-Encoding", encoding, NULL};
    struct http_request request = {
        .method = "POST", .headers = &header, .body = body->data, .body_len = len};
    CHECK_OK(send_request(request, "/echo"), &err);
}

TEST(gzip, bodies_are_unpacked)
{
    struct buf plain = BUF_INIT, packed = BUF_INIT, twice = BUF_INIT;
    for (int i = 0; i < 10000; i++)
        buf_printf(&plain, "line %d\n", i % 7);
    CHECK(gzip_pack(&plain, &packed));
    send_packed(&packed, packed.len, "gzip");
    CHECK_INT(response.status, 200);
    CHECK(text_ends(buf_text(&response.body), "line 2\nline 3\n"));
    CHECK(response.body.len >= plain.len);
    buf_append(&twice, packed.data, packed.len);
    buf_append(&twice, packed.data, packed.len);
    send_packed(&twice, twice.len, "x-gzip");
    CHECK(response.body.len >= 2 * plain.len);
    send_packed(&packed, packed.len / 2, "gzip");
    CHECK_INT(response.status, 400);
    send_packed(&plain, 100, "gzip");
    CHECK_INT(response.status, 400);
    send_packed(&packed, packed.len, "br");
    CHECK_INT(response.status, 415);
    send_packed(&plain, 5, "identity");
    CHECK(text_ends(buf_text(&response.body), "line "));
    buf_free(&packed);
    while (plain.len <= 1 * MIB)
        buf_str(&plain, "and one more line of the same\n");
    CHECK(gzip_pack(&plain, &packed));
    send_packed(&packed, packed.len, "gzip");
    CHECK_INT(response.status, 413);
    buf_free(&plain);
    buf_free(&packed);
    buf_free(&twice);
}

/* --- rehearsed failure --- */

TEST(failure, before_the_answer_not_a_byte_comes)
{
    CHECK_FAIL(send_request((struct http_request){.method = "POST"}, "/before"), &err,
               ERR_HTTP_BROKEN);
    CHECK_INT(response.status, 0);
    CHECK_INT(response.progress, HTTP_SENT_ALL);
    CHECK_INT(atomic_load(&handled), 1);
}

TEST(failure, in_the_middle_status_and_half_of_the_body_come)
{
    static const char *const paths[] = {"/middle", "/middle-big", "/middle-big"};
    for (int i = 0; i < 3; i++) {
        struct http_request request = {.accept_gzip = i == 2};
        CHECK_FAIL(send_request(request, paths[i]), &err, ERR_HTTP_BROKEN);
        CHECK_INT(response.status, 200);
        CHECK(response.body_cut);
        CHECK_INT(response.progress, HTTP_GOT_HEADERS);
        CHECK_STR(http_header_get(response.headers, "X-First"), "1");
    }
    CHECK_FAIL(get("/middle-big"), &err, ERR_HTTP_BROKEN);
    int whole = atoi(http_header_get(response.headers, "Content-Length"));
    CHECK_INT(response.body.len, whole / 2);
}

/* --- raw sockets --- */

static int connect_raw(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons((uint16_t)http_server_port(server));
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* Sends the bytes and returns all that comes; yours to free. */
static char *talk(const char *bytes, size_t len)
{
    struct buf got = BUF_INIT;
    int fd = connect_raw();
    (void)!send(fd, bytes, len, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    char piece[4096];
    ssize_t n;
    while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
        buf_append(&got, piece, (size_t)n);
    close(fd);
    return buf_take(&got);
}

/* Sends the bytes and goes away. */
static void drop(const char *text)
{
    int fd = connect_raw();
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    close(fd);
}

static char *say(const char *text)
{
    return talk(text, strlen(text));
}

TEST(raw, two_requests_in_one_packet_get_two_answers)
{
    char *got = say("GET /one HTTP/1.1\r\nHost: h\r\n\r\nGET /two HTTP/1.1\r\nHost: h\r\n"
                    "Connection: close\r\n\r\n");
    CHECK_CONTAINS(got, "GET /one?(none)");
    CHECK_CONTAINS(got, "GET /two?(none)");
    free(got);
}

TEST(raw, an_absolute_target_is_its_path)
{
    char *got =
        say("GET http://other.example/x//y?z=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    CHECK_CONTAINS(got, "GET /x//y?z=1\n");
    free(got);
}

TEST(raw, a_waiting_client_is_told_to_continue)
{
    char *got = say("POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
                    "Connection: close\r\n\r\nhi");
    CHECK(text_starts(got, "HTTP/1.1 100 Continue\r\n"));
    CHECK_CONTAINS(got, "POST /p?(none)\nhi");
    free(got);
}

TEST(raw, nonsense_is_refused_without_reaching_the_handler)
{
    drop("\r\n\r\n\r\n");
    free(say("GARBAGE\r\n\r\n"));
    free(say("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n"));
    free(say("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"));
    free(say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"));
    drop("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nshort");
    drop("POST / HTTP/1.1\r\nHost: h\r\nContent-Le");
    free(say(""));
    CHECK_INT(atomic_load(&handled), 0);
    struct buf long_url = BUF_INIT;
    buf_str(&long_url, "GET /");
    for (int i = 0; i < 300000; i++)
        buf_char(&long_url, 'u');
    buf_str(&long_url, " HTTP/1.1\r\nHost: h\r\n\r\n");
    free(talk(long_url.data, long_url.len));
    buf_free(&long_url);
    CHECK_INT(atomic_load(&handled), 0);
    CHECK_OK(get("/alive"), &err);
}

/* --- many at once, and stopping --- */

#define MANY 200

TEST(many, keep_their_answers_apart)
{
    struct http_request *requests = mem_array(MANY, sizeof *requests);
    struct http_response *responses = mem_array(MANY, sizeof *responses);
    struct err *errs = mem_array(MANY, sizeof *errs);
    struct arena *arena = arena_new();
    for (int i = 0; i < MANY; i++) {
        const char *kind = i % 10 == 3 ? "before" : i % 10 == 6 ? "middle" : "p";
        requests[i].url = arena_strdup(arena, url(arena_printf(arena, "/%s/%d", kind, i)));
        requests[i].fresh_connection = i % 2;
    }
    http_send_many(client, requests, responses, errs, MANY, 16);
    for (int i = 0; i < MANY; i++) {
        if (i % 10 == 3 || i % 10 == 6) {
            CHECK_STR(errs[i].code, ERR_HTTP_BROKEN);
        } else {
            CHECK_STR(errs[i].code, "");
            CHECK_STR(buf_text(&responses[i].body), arena_printf(arena, "GET /p/%d?(none)\n", i));
        }
        http_response_free(&responses[i]);
    }
    CHECK_INT(http_client_requests(client), MANY);
    CHECK_INT(atomic_load(&handled), MANY); /* broken ones were not tried again */
    arena_free(arena);
    free(requests);
    free(responses);
    free(errs);
}

TEST(many, a_sleeping_handler_does_not_hold_up_the_others)
{
    http_server_stop(server, 0);
    start_with(8);
    struct http_request requests[8] = {0};
    struct http_response responses[8];
    struct err errs[8];
    for (int i = 0; i < 8; i++)
        requests[i].url = url("/slow");
    int64_t started = world_real()->monotonic_ms(world_real());
    http_send_many(client, requests, responses, errs, 8, 8);
    int64_t took = world_real()->monotonic_ms(world_real()) - started;
    for (int i = 0; i < 8; i++) {
        CHECK_STR(errs[i].code, "");
        http_response_free(&responses[i]);
    }
    CHECK(took >= 290 && took < 1500); /* one after the other: 2,400 */
}

TEST(many, one_thread_is_enough_to_serve)
{
    http_server_stop(server, 0);
    start_with(1);
    for (int i = 0; i < 20; i++)
        CHECK_OK(get("/p"), &err);
}

static void *slow_request(void *rc)
{
    struct http_client *own = http_client_new(world_real(), "slow");
    struct http_request request = {.url = url("/slow-huge")};
    struct http_response answer;
    *(enum status *)rc = http_send(own, &request, &answer, NULL);
    http_response_free(&answer);
    http_client_free(own);
    return NULL;
}

TEST(stopping, waits_for_the_request_in_flight)
{
    pthread_t thread;
    enum status rc = FAIL;
    pthread_create(&thread, NULL, slow_request, &rc);
    while (atomic_load(&handled) == 0)
        usleep(1000);
    http_server_stop(server, 5000);
    server = NULL;
    pthread_join(thread, NULL);
    CHECK_INT(rc, OK);
}

TEST(stopping, without_grace_the_request_fails_and_nothing_hangs)
{
    pthread_t thread;
    enum status rc = OK;
    pthread_create(&thread, NULL, slow_request, &rc);
    while (atomic_load(&handled) == 0)
        usleep(1000);
    http_server_stop(server, 0);
    server = NULL;
    pthread_join(thread, NULL); /* answered or cut: it ended */
}

TEST(stopping, an_idle_connection_does_not_hold_it_up)
{
    CHECK_OK(get("/p"), &err); /* its connection stays open */
    int64_t started = world_real()->monotonic_ms(world_real());
    http_server_stop(server, 10000);
    server = NULL;
    CHECK(world_real()->monotonic_ms(world_real()) - started < 2000);
}

TEST(starting, a_taken_port_is_a_conflict)
{
    struct http_server_options options = {
        .host = "127.0.0.1", .port = http_server_port(server), .handler = echo};
    CHECK(http_server_start(&options, &err) == NULL);
    CHECK_STR(err.code, ERR_CONFLICT);
    options.host = "not a host";
    CHECK(http_server_start(&options, &err) == NULL);
    CHECK_STR(err.code, ERR_INVALID);
}

TEST(starting, ipv6_is_served_too)
{
    struct http_server_options options = {.host = "::1", .handler = echo};
    struct http_server *six = http_server_start(&options, &err);
    if (!six && err_is(&err, ERR_IO))
        return; /* a machine without IPv6 */
    CHECK_GOT(six, &err);
    char to[64];
    snprintf(to, sizeof to, "http://[::1]:%d/peer", http_server_port(six));
    struct http_request request = {.url = to};
    enum status rc = http_send(client, &request, &response, &err);
    http_server_stop(six, 0);
    CHECK_OK(rc, &err);
    CHECK_STR(http_header_get(response.headers, "X-Peer"), "::1");
}
