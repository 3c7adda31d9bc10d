/* test_exchange.c - our client and our server talk over loopback. */
#include "base/mem.h"
#include "base/str.h"
#include "http/client.h"
#include "http/server.h"
#include "support/check.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct http_server *server;
static struct http_client *client;
static struct http_response response;
static struct err err;
static atomic_int handled;

/* Says what it saw; what to do comes in the path. */
static void echo(void *ctx, struct http_in *in, struct http_out *out)
{
    atomic_fetch_add(&handled, 1);
    buf_printf(&out->body, "%s %s?%s\n", in->method, in->path, in->query ? in->query : "(none)");
    buf_append(&out->body, in->body.data, in->body.len);
    http_out_header(in, out, "X-First", "1");
    http_out_header(in, out, "X-Second", "2");
    if (text_starts(in->path, "/before"))
        out->broken = HTTP_BREAK_BEFORE;
    if (text_starts(in->path, "/middle"))
        out->broken = HTTP_BREAK_MIDDLE;
    if (text_starts(in->path, "/big"))
        for (int i = 0; i < 20000; i++)
            buf_str(&out->body, "a line that repeats itself\n");
    if (text_starts(in->path, "/slow"))
        world_real()->sleep_ms(world_real(), 300);
    if (text_starts(in->path, "/status/"))
        out->status = atoi(in->path + 8);
    if (text_starts(in->path, "/gzip"))
        http_out_header(in, out, "X-Accept",
                        http_header_get(in->headers, "accept-encoding")
                            ? http_header_get(in->headers, "accept-encoding")
                            : "none");
}

static void start(void)
{
    struct http_server_options options = {
        .host = "127.0.0.1", .handler = echo, .gzip = true, .max_body = 1 * MIB};
    server = http_server_start(&options, &err);
    client = http_client_new(world_real(), "argil-test");
    atomic_store(&handled, 0);
}

static void stop(void)
{
    http_response_free(&response);
    http_client_free(client);
    http_server_stop(server, 1000);
}

EACH_TEST(start, stop)

static const char *url(const char *path)
{
    static char text[65536];
    snprintf(text, sizeof text, "http://127.0.0.1:%d%s", http_server_port(server), path);
    return text;
}

static enum status get(const char *path)
{
    struct http_request request = {.url = url(path)};
    http_response_free(&response);
    return http_send(client, &request, &response, &err);
}

TEST(exchange, carries_path_query_and_headers_as_sent)
{
    CHECK_OK(get("//a%2Fb/./../c?x=1&y=%20"), &err);
    CHECK_INT(response.status, 200);
    CHECK_STR(buf_text(&response.body), "GET //a%2Fb/./../c?x=1&y=%20\n");
    CHECK_STR(http_header_get(response.headers, "x-second"), "2");
    CHECK_INT(response.progress, HTTP_GOT_ALL);
    CHECK(!response.body_cut);
}

TEST(exchange, posts_a_body)
{
    struct http_request request = {
        .method = "POST", .url = url("/p"), .body = "hello", .body_len = 5};
    CHECK_OK(http_send(client, &request, &response, &err), &err);
    CHECK_STR(buf_text(&response.body), "POST /p?(none)\nhello");
}

TEST(exchange, a_close_before_the_answer_is_broken_after_sending)
{
    CHECK_FAIL(get("/before"), &err, ERR_HTTP_BROKEN);
    CHECK_INT(response.status, 0);
    CHECK_INT(response.progress, HTTP_SENT_ALL);
    CHECK_INT(atomic_load(&handled), 1);
}

TEST(exchange, a_close_in_the_middle_keeps_status_and_says_cut)
{
    CHECK_FAIL(get("/middle"), &err, ERR_HTTP_BROKEN);
    CHECK_INT(response.status, 200);
    CHECK(response.body_cut);
    CHECK_INT(response.progress, HTTP_GOT_HEADERS);
    CHECK_INT(atomic_load(&handled), 1);
}
