/* test_columns.c - formulas, HTTP columns, conditions, options and references.
 * Guards engine/columns/{formula,http*,options,refs}.c, inputs.c, convert.c. */
#include "engine/columns/column_kind.h"
#include "engine/given.h"
#include "store/store_runs.h"
#include "http/server.h"

#include "base/str.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static struct http_server *server;
static atomic_int asked;
static char seen_path[400], seen_body[400], seen_auth[200];
static char origin[64], seen_key[80];
static int keys_seen;

static char *bomb; /* 64 MiB of nothing as gzip */
static size_t bomb_len;

static void make_bomb(void)
{
    z_stream z = {0};
    static char zeros[65536];
    bomb = malloc(1 << 20);
    deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY);
    z.next_out = (unsigned char *)bomb;
    z.avail_out = 1 << 20;
    for (int i = 0; i < 1024; i++) {
        z.next_in = (unsigned char *)zeros;
        z.avail_in = sizeof zeros;
        deflate(&z, i == 1023 ? Z_FINISH : Z_NO_FLUSH);
    }
    bomb_len = z.total_out;
    deflateEnd(&z);
}

/* An answer that never ends: as fast as it is read, or a byte now and then. */
static struct {
    pthread_t thread;
    struct http_stream *stream;
    bool running, drips;
    atomic_int asked_meanwhile;
} endless;

static void *endless_main(void *ctx)
{
    static const char bytes[4096] = {'['};
    struct world *world = world_real();
    (void)ctx;
    while (endless.drips ? http_stream_send(endless.stream, bytes, 1)
                         : http_stream_write(endless.stream, bytes, sizeof bytes))
        world->sleep_ms(world, endless.drips ? 20 : 0);
    atomic_store(&endless.asked_meanwhile, atomic_load(&asked));
    http_stream_close(endless.stream);
    return NULL;
}

static void endless_begin(struct http_in *in, struct http_out *out)
{
    endless.drips = strstr(in->path, "drip") != NULL;
    endless.stream = http_stream_new(in, out, 65536);
    endless.running = pthread_create(&endless.thread, NULL, endless_main, NULL) == 0;
}

/* 25 items, 10 a page. */
static void put_page(struct http_in *in, struct http_out *out)
{
    const char *from = in->query ? strstr(in->query, "offset=") : NULL;
    const char *page = in->query ? strstr(in->query, "page=") : NULL;
    const char *cursor = strstr(buf_text(&in->body), "\"after\":\"");
    long at = from ? strtol(from + 7, NULL, 10) : page ? 10 * (strtol(page + 5, NULL, 10) - 1) : 0;
    at = cursor ? strtol(cursor + 9, NULL, 10) : at;
    if (at >= 20 && strstr(in->path, "breaks"))
        out->status = 500;
    buf_str(&out->body, "{\"data\":[");
    for (long i = at; i < at + 10 && i < 25; i++)
        buf_printf(&out->body, "%s%ld", i > at ? "," : "", i);
    buf_str(&out->body, "]");
    if (at + 10 < 25 && strstr(in->path, "elsewhere"))
        buf_str(&out->body, ",\"next\":\"http://other.test/items\"");
    else if (at + 10 < 25)
        buf_printf(&out->body, ",\"next\":\"%s?offset=%ld\",\"after\":%ld", in->path, at + 10, at + 10);
    buf_str(&out->body, "}");
}

/* /go/N sends on to /go/N-1 and so on to /echo; /away/echo to another name of this machine. */
static void send_on(struct http_in *in, struct http_out *out)
{
    static const int statuses[] = {301, 302, 303, 307, 308};
    int left = text_starts(in->path, "/go/") ? atoi(in->path + 4) : 0;
    const char *to = left > 1 ? arena_printf(in->arena, "%d", left - 1) : "/echo";
    out->status = statuses[left % 5];
    if (text_starts(in->path, "/away"))
        to = arena_printf(in->arena, "http://localhost:%d%s", http_server_port(server), in->path + 5);
    else if (text_starts(in->path, "/via"))
        to = arena_printf(in->arena, "%s?%s", in->path + 4, in->query ? in->query : "");
    else if (text_starts(in->path, "/named"))
        to = arena_printf(in->arena, "http://me:pass@127.0.0.1:%d/x", http_server_port(server));
    http_out_header(in, out, "Location", to);
}

static bool sends_on(const char *path)
{
    static const char *const places[] = {"/go/", "/away/", "/via/", "/named"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (text_starts(path, places[i]))
            return true;
    return false;
}

static void answer(void *ctx, struct http_in *in, struct http_out *out)
{
    int n = atomic_fetch_add(&asked, 1);
    const char *auth = http_header_get(in->headers, "Authorization");
    snprintf(seen_path, sizeof seen_path, "%s?%s", in->path, in->query ? in->query : "");
    snprintf(seen_body, sizeof seen_body, "%s", buf_text(&in->body));
    snprintf(seen_auth, sizeof seen_auth, "%s", auth ? auth : "");
    const char *key = http_header_get(in->headers, "Idempotency-Key");
    if (key && !text_eq(key, seen_key)) {
        snprintf(seen_key, sizeof seen_key, "%s", key);
        keys_seen++;
    }
    out->status = 200;
    if (sends_on(in->path))
        send_on(in, out);
    else if (strstr(in->path, "Person%201") && strstr(in->path, "endless"))
        endless_begin(in, out);
    else if (strstr(in->path, "items"))
        put_page(in, out);
    else if (strstr(in->path, "missing"))
        out->status = 404;
    else if (strstr(in->path, "flaky") && n < 2) {
        out->status = 503;
        http_out_header(in, out, "Retry-After", "1");
    } else if (strstr(in->path, "refuse"))
        out->status = 403;
    else if (strstr(in->path, "lost"))
        out->broken = HTTP_BREAK_BEFORE;
    else if (strstr(in->path, "bomb")) {
        http_out_header(in, out, "Content-Encoding", "gzip");
        buf_append(&out->body, bomb, bomb_len);
    } else if (strstr(in->path, "huge"))
        for (int i = 0; i < 100000; i++)
            buf_str(&out->body, "0123456789");
    else if (strstr(in->path, "echo"))
        buf_printf(&out->body, "{\"you sent\":\"%s\"}", seen_auth);
    else
        buf_printf(&out->body, "{\"company\":{\"name\":\"ACME\",\"size\":12345678901234567890}}");
}

static void begin(void)
{
    given_begin();
    struct http_server_options options = {.host = "127.0.0.1", .handler = answer};
    server = http_server_start(&options, &g.err);
    CHECK_GOT(server, &g.err);
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d", http_server_port(server));
    atomic_store(&asked, 0);
    *seen_key = 0;
    keys_seen = 0;
    g.engine.http = http_client_new(g.world, "argil-test");
    g.engine.allow_private_http = true;
    g.engine.formula = formula_engine_new(world_real(), WORKER);
}

static void end(void)
{
    if (endless.running)
        pthread_join(endless.thread, NULL);
    endless.running = false;
    http_server_stop(server, 1000);
    given_end();
}
EACH_TEST(begin, end)

static const char *http_config(const char *rest)
{
    return arena_printf(g.arena, "{\"url\":\"%s%s}", origin, rest);
}

static void given_http(const char *rest, int contacts)
{
    struct given_column column = {"Api", "http", http_config(rest), NULL, TYPE_JSON};
    given_org("", contacts);
    given_table(&column, 1, NULL);
    given_synced();
}

/* -------------------------------------------------------------------- http */

TEST(http, keeps_the_answer)
{
    given_http("/find?name={{LastName}}\"", 1);
    run_ok();
    CHECK_STR(seen_path, "/find?name=Person%201");
    CHECK_STR(cell_value("Api", 1),
              "{\"company\":{\"name\":\"ACME\",\"size\":12345678901234567890}}");
}

TEST(http, asks_once_for_equal_requests)
{
    given_http("/same\"", 30);
    run_ok();
    CHECK_INT(atomic_load(&asked), 1);
    CHECK_INT(g.report.cells_computed, 30);
}

TEST(http, takes_a_part_of_the_answer)
{
    given_http("/x\",\"path\":\"company.name\"", 1);
    run_ok();
    CHECK_STR(cell_value("Api", 1), "\"ACME\"");
}

TEST(http, not_found_is_no_result)
{
    given_http("/missing\"", 1);
    run_ok();
    CHECK_INT(cell_state("Api", 1), CELL_NO_RESULT);
}

TEST(http, not_found_can_be_an_error)
{
    given_http("/missing\",\"not_found\":\"error\"", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.status_404");
}

TEST(http, tries_again_after_the_asked_time)
{
    given_http("/flaky\"", 1);
    int64_t before = g.world->now_ms(g.world);
    run_ok();
    CHECK_INT(cell_state("Api", 1), CELL_OK);
    CHECK_INT(atomic_load(&asked), 3);
    CHECK(g.world->now_ms(g.world) - before >= 2000);
}

TEST(http, does_not_repeat_a_refusal)
{
    given_http("/refuse\"", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.status_403");
    CHECK_INT(atomic_load(&asked), 1);
}

TEST(http, post_without_an_answer_is_never_sent_again)
{
    given_http("/lost\",\"method\":\"POST\",\"body\":{\"name\":\"{{LastName}}\"}", 1);
    run_ok();
    CHECK_INT(cell_state("Api", 1), CELL_IN_DOUBT);
    run_ok();
    CHECK_INT(atomic_load(&asked), 1);
    CHECK_STR(seen_body, "{\"name\":\"Person 1\"}");
}

TEST(http, post_with_a_key_may_be_sent_again)
{
    given_http("/lost\",\"method\":\"POST\",\"retries\":2,\"idempotency_header\":\"Idempotency-Key\","
               "\"body\":{\"name\":\"{{LastName}}\"}", 1);
    run_ok();
    CHECK_INT(cell_state("Api", 1), CELL_ERROR);
    CHECK_INT(atomic_load(&asked), 3);
    CHECK_INT(strlen(seen_key), 34);
    CHECK_INT(keys_seen, 1); /* each time the same */
}

TEST(http, parameters_go_behind_the_address)
{
    given_http("/q?a=1\",\"query\":{\"name\":\"{{LastName}} & co\",\"none\":\"{{Company}}\"}", 1);
    scripted_set(g.org, "Contact", "003000000000001AAA", "Company", "null");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_STR(seen_path, "/q?a=1&name=Person%201%20%26%20co");
}

TEST(http, get_without_an_answer_is_tried_again)
{
    given_http("/lost\",\"retries\":2", 1);
    run_ok();
    CHECK_INT(cell_state("Api", 1), CELL_ERROR);
    CHECK_INT(atomic_load(&asked), 3);
}

TEST(http, escapes_values_in_a_body)
{
    given_http("/x\",\"method\":\"POST\",\"body\":\"{\\\"n\\\":\\\"{{LastName}}\\\"}\"", 1);
    scripted_set(g.org, "Contact", "003000000000001AAA", "LastName", "\"O\\\"Dell\"");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_STR(seen_body, "{\"n\":\"O\\\"Dell\"}");
}

TEST(http, secret_is_sent_but_never_kept)
{
    struct secret secret = {0};
    secret_set(&secret, "canary-secret", 13);
    CHECK_OK(engine_secret_put(&g.engine, "api", &secret, &g.err), &g.err);
    secret_wipe(&secret);
    given_http("/echo\",\"headers\":{\"Authorization\":\"Bearer {{secret:api}}\"}", 1);
    run_ok();
    CHECK_STR(seen_auth, "Bearer canary-secret");
    CHECK_LACKS(cell_value("Api", 1), "canary");
    CHECK_CONTAINS(cell_value("Api", 1), "Bearer ****");
}

TEST(http, unknown_secret_stops_the_column)
{
    given_http("/x\",\"headers\":{\"A\":\"{{secret:nope}}\"}", 1);
    CHECK_FAIL(run(), &g.err, ERR_NOT_FOUND);
    CHECK_CONTAINS(g.err.message, "nope");
}

TEST(http, private_addresses_are_refused)
{
    g.engine.allow_private_http = false;
    given_http("/x\",\"allow_http\":true", 1);
    run_ok();
    CHECK_INT(atomic_load(&asked), 0);
    CHECK_STR(cell_code("Api", 1), "http.refused_address");
}

TEST(http, answer_has_a_ceiling)
{
    given_http("/huge\",\"max_bytes\":1000", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.too_large");
    CHECK_INT(atomic_load(&asked), 1);
}

#define CREDENTIALS "\",\"headers\":{\"Authorization\":\"Bearer mine\"}"

TEST(http, a_redirect_of_a_get_is_followed)
{
    given_http("/go/5" CREDENTIALS, 1);
    run_ok();
    CHECK_STR(cell_value("Api", 1), "{\"you sent\":\"Bearer mine\"}");
    CHECK_INT(atomic_load(&asked), 6);
    CHECK_INT(g.report.http_requests, 6);
}

TEST(http, redirects_end)
{
    given_http("/go/6\"", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.redirect");
    CHECK_INT(atomic_load(&asked), 6);
}

TEST(http, redirects_can_be_refused)
{
    given_http("/go/1\",\"redirects\":0", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.redirect");
    CHECK_INT(atomic_load(&asked), 1);
}

TEST(http, another_host_gets_no_header_of_ours)
{
    given_http("/away/echo" CREDENTIALS, 1);
    run_ok();
    CHECK_STR(cell_value("Api", 1), "{\"you sent\":\"\"}");
    CHECK_INT(atomic_load(&asked), 2);
}

TEST(http, what_acts_is_never_sent_on)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        atomic_store(&asked, 0);
        given_http(arena_printf(g.arena, "/go/2\",\"method\":\"%s\"", methods[i]), 1);
        g.options.all = true;
        run_ok();
        CHECK_STR(cell_code("Api", 1), "http.redirect");
        CHECK_INT(atomic_load(&asked), 1);
    }
}

TEST(http, a_redirect_to_an_address_with_a_password_is_not_followed)
{
    given_http("/named\"", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.redirect");
    CHECK_INT(atomic_load(&asked), 1);
}

TEST(http, pages_behind_a_redirect_are_put_together)
{
    given_http("/via/items\",\"path\":\"data\",\"paging\":\"page\",\"page_size\":10", 1);
    run_ok();
    CHECK_CONTAINS(cell_value("Api", 1), ",23,24]");
    CHECK_INT(atomic_load(&asked), 6); /* three pages, each by way of a redirect */
}

/* A network in which api.test is a public host that sends on to `inside`. */
static const char *inside;
static enum status public_host(struct http_net *net, const struct http_request *request,
                               struct http_response *response, struct err *err)
{
    (void)net;
    atomic_fetch_add(&asked, 1);
    if (!text_starts(request->url, "https://api.test/")) {
        CHECK(request->public_only); /* so the machine's network would refuse it at connect time */
        return err_set(err, ERR_HTTP_REFUSED_ADDRESS, "a private address");
    }
    response->status = 302;
    response->progress = HTTP_GOT_ALL;
    const struct http_header *headers = NULL;
    http_header_add(response->arena, &headers, "Location", inside);
    response->headers = (struct http_header *)headers;
    return OK;
}

TEST(http, a_redirect_to_a_private_address_is_refused)
{
    static const char *const places[] = {"https://169.254.169.254/latest/meta-data/", "//localhost/x",
                                         "https://[::1]/x"};
    struct http_net net = {public_host};
    struct given_column column = {
        "Api", "http", "{\"url\":\"https://api.test/x\",\"retries\":3}", NULL, TYPE_JSON};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        inside = places[i];
        atomic_store(&asked, 0);
        g.engine.allow_private_http = false;
        given_org("", 1);
        given_table(&column, 1, NULL);
        given_synced();
        g.options.all = true;
        g.world->net = &net;
        run_ok();
        g.world->net = NULL;
        CHECK_STR(cell_code("Api", 1), "http.refused_address");
        CHECK_INT(atomic_load(&asked), 2);
    }
}

TEST(http, a_redirect_does_not_leave_encryption)
{
    struct http_net net = {public_host};
    struct given_column column = {"Api", "http", "{\"url\":\"https://api.test/x\"}", NULL, TYPE_JSON};
    inside = "http://other.test/x";
    g.engine.allow_private_http = false;
    given_org("", 1);
    given_table(&column, 1, NULL);
    given_synced();
    g.world->net = &net;
    run_ok();
    g.world->net = NULL;
    CHECK_STR(cell_code("Api", 1), "http.url");
    CHECK_INT(atomic_load(&asked), 1);
}

TEST(http, a_name_that_leads_to_a_private_address_is_refused)
{
    static const char *const places[] = {"169.254.169.254", "localhost", "[::1]", "0x7f.1", "10.0.0.1"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct given_column column = {
            "Api", "http", arena_printf(g.arena, "{\"url\":\"https://%s:%d/x\",\"retries\":0}", places[i],
                                        http_server_port(server)), NULL, TYPE_JSON};
        g.engine.allow_private_http = false;
        given_org("", 1);
        given_table(&column, 1, NULL);
        given_synced();
        g.options.all = true;
        run_ok();
        CHECK_STR(cell_code("Api", 1), "http.refused_address");
    }
    CHECK_INT(atomic_load(&asked), 0);
}

TEST(http, a_bomb_is_cut_at_the_ceiling)
{
    make_bomb();
    given_http("/bomb\"", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.too_large");
    CHECK_INT(atomic_load(&asked), 1); /* it would be as large again */
    free(bomb);
}

TEST(http, keeps_to_the_rate)
{
    given_http("/r?n={{Email}}\",\"rate_limit\":\"2/s\"", 8);
    int64_t before = g.world->monotonic_ms(g.world);
    run_ok();
    CHECK_INT(atomic_load(&asked), 8);
    CHECK(g.world->monotonic_ms(g.world) - before >= 3000);
}

TEST(http, blank_input_asks_nothing)
{
    given_http("/x?n={{Email}}\"", 1);
    scripted_set(g.org, "Contact", "003000000000001AAA", "Email", "null");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_INT(atomic_load(&asked), 0);
    CHECK_INT(cell_state("Api", 1), CELL_NO_RESULT);
}

TEST(http, an_endless_answer_ends_at_the_ceiling)
{
    given_http("/endless/{{LastName}}\",\"max_bytes\":100000,\"concurrency\":2", 3);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.too_large");
    CHECK_INT(cell_state("Api", 2), CELL_OK);
    CHECK_INT(cell_state("Api", 3), CELL_OK);
}

TEST(http, an_answer_that_drips_for_ever_ends_at_the_timeout_and_holds_up_nobody)
{
    given_http("/endless/drip/{{LastName}}\",\"timeout\":1,\"retries\":0,\"concurrency\":2", 9);
    run_ok();
    CHECK_INT(cell_state("Api", 1), CELL_ERROR);
    CHECK_STR(cell_code("Api", 1), ERR_HTTP_TIMEOUT);
    for (int row = 2; row <= 9; row++)
        CHECK_INT(cell_state("Api", row), CELL_OK);
    pthread_join(endless.thread, NULL);
    endless.running = false;
    CHECK_INT(atomic_load(&endless.asked_meanwhile), 9);
}

/* ------------------------------------------------------------------- pages */

#define ALL_ITEMS "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24]"

TEST(pages, are_put_together)
{
    static const char *const ways[] = {
        "/items\",\"path\":\"data\",\"paging\":\"next_link\",\"next\":\"next\"",
        "/items\",\"path\":\"data\",\"paging\":\"offset\",\"page_size\":10",
        "/items\",\"path\":\"data\",\"paging\":\"page\",\"page_size\":10",
        "/items?page={{paging.page}}\",\"path\":\"data\",\"paging\":\"page\",\"page_size\":10",
        "/items\",\"path\":\"data\",\"paging\":\"cursor\",\"next\":\"after\",\"parameter\":\"offset\"",
        "/items\",\"path\":\"data\",\"paging\":\"cursor\",\"next\":\"after\","
        "\"body\":{\"after\":\"{{paging.cursor}}\",\"who\":\"{{LastName}}\"}"};
    given_org("", 1);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct given_column column = {arena_printf(g.arena, "Api %zu", i), "http", http_config(ways[i]),
                                      NULL, TYPE_JSON};
        given_table(&column, 1, NULL);
        given_synced();
        atomic_store(&asked, 0);
        run_ok();
        CHECK_STR(cell_value(column.name, 1), ALL_ITEMS);
        CHECK_INT(atomic_load(&asked), 3);
    }
}

TEST(pages, more_than_allowed_is_an_error_and_no_part_of_the_list)
{
    given_http("/items\",\"path\":\"data\",\"paging\":\"offset\",\"max_pages\":2", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.max_pages");
    CHECK(!cell_value("Api", 1));
    CHECK_INT(atomic_load(&asked), 2);
}

TEST(pages, together_keep_to_the_ceiling)
{
    given_http("/items\",\"path\":\"data\",\"paging\":\"offset\",\"max_bytes\":40", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.too_large");
}

TEST(pages, one_that_fails_fails_the_list)
{
    given_http("/items/breaks\",\"path\":\"data\",\"paging\":\"offset\",\"retries\":0", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.status_500");
    CHECK(!cell_value("Api", 1));
}

TEST(pages, are_not_asked_for_on_another_host)
{
    given_http("/items/elsewhere\",\"path\":\"data\",\"paging\":\"next_link\",\"next\":\"next\"", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.other_host");
    CHECK_INT(atomic_load(&asked), 1);
}

TEST(pages, the_same_page_for_ever_is_an_error)
{
    given_http("/items\",\"path\":\"data\",\"paging\":\"page\",\"parameter\":\"unknown\"", 1);
    run_ok();
    CHECK_STR(cell_code("Api", 1), "http.page_repeats");
    CHECK_INT(atomic_load(&asked), 2);
}

TEST(pages, cost_what_was_asked)
{
    given_http("/items\",\"path\":\"data\",\"paging\":\"offset\",\"page_size\":10", 1);
    run_ok();
    CHECK_INT(g.report.http_requests, 3);
}

/* ------------------------------------------------------------------- cache */

static void due_again(void)
{
    int64_t made;
    struct table table;
    CHECK_OK(g.store->does->table_get(g.store, g.arena, "people", &table, &g.err), &g.err);
    for (size_t i = 0; i < table.column_count; i++)
        if (text_starts(table.columns[i].name, "Api"))
            CHECK_OK(g.store->does->cells_make_due(g.store, table.id, table.columns[i].id, 0, NULL,
                                                   0, &made, &g.err),
                     &g.err);
}

TEST(cache, an_answer_is_used_again_in_later_runs_until_its_time_is_over)
{
    given_http("/x?n={{LastName}}\",\"cache\":\"1h\"", 3);
    run_ok();
    CHECK_INT(atomic_load(&asked), 3);
    due_again();
    run_ok();
    CHECK_INT(atomic_load(&asked), 3);
    CHECK_INT(g.report.http_requests, 0);
    CHECK_STR(cell_value("Api", 3), "{\"company\":{\"name\":\"ACME\",\"size\":12345678901234567890}}");
    g.world->sleep_ms(g.world, 3600 * 1000);
    due_again();
    run_ok();
    CHECK_INT(atomic_load(&asked), 6);
}

TEST(cache, holds_what_was_not_found_and_no_failure)
{
    given_http("/missing?n={{LastName}}\",\"cache\":\"1h\"", 1);
    run_ok();
    due_again();
    run_ok();
    CHECK_INT(atomic_load(&asked), 1);
    CHECK_INT(cell_state("Api", 1), CELL_NO_RESULT);
}

TEST(cache, a_failure_is_asked_again)
{
    given_http("/refuse\",\"cache\":\"1h\"", 1);
    run_ok();
    due_again();
    run_ok();
    CHECK_INT(atomic_load(&asked), 2);
}

TEST(cache, columns_that_keep_other_parts_of_an_answer_do_not_share_it)
{
    struct given_column columns[] = {
        {"Api", "http", http_config("/x\",\"path\":\"company.name\""), NULL, TYPE_JSON},
        {"Api 2", "http", http_config("/x\",\"path\":\"company.size\""), NULL, TYPE_JSON}};
    given_org("", 1);
    given_table(columns, 2, NULL);
    given_synced();
    run_ok();
    CHECK_STR(cell_value("Api", 1), "\"ACME\"");
    CHECK_STR(cell_value("Api 2", 1), "12345678901234567890");
}

/* In any file of the workspace. */
static bool data_holds(const char *text)
{
    bool found = false;
    char name[600];
    snprintf(name, sizeof name, "%s/data", given_home());
    DIR *dir = opendir(name);
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct buf bytes = BUF_INIT;
        char piece[4096];
        snprintf(name, sizeof name, "%s/data/%s", given_home(), entry->d_name);
        FILE *in = entry->d_type == DT_REG ? fopen(name, "re") : NULL;
        for (size_t n; in && (n = fread(piece, 1, sizeof piece, in)) > 0;)
            buf_append(&bytes, piece, n);
        found |= bytes.len && memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
        buf_free(&bytes);
        if (in)
            fclose(in);
    }
    closedir(dir);
    return found;
}

TEST(cache, no_secret_is_kept)
{
    struct secret secret = {0};
    secret_set(&secret, "canary-secret", 13);
    CHECK_OK(engine_secret_put(&g.engine, "api", &secret, &g.err), &g.err);
    secret_wipe(&secret);
    given_http("/echo\",\"cache\":\"1h\",\"headers\":{\"Authorization\":\"Bearer {{secret:api}}\"}", 1);
    run_ok();
    CHECK_STR(seen_auth, "Bearer canary-secret");
    CHECK(data_holds("you sent"));
    CHECK(!data_holds("canary-secret"));
}

/* ----------------------------------------------------------- rate of a host */

TEST(http, columns_share_the_rate_of_a_host)
{
    struct given_column columns[] = {
        {"Api", "http", http_config("/a?n={{LastName}}\",\"host_rate_limit\":\"2/s\""), NULL, TYPE_JSON},
        {"Api 2", "http", http_config("/b?n={{LastName}}\",\"host_rate_limit\":\"2/s\""), NULL, TYPE_JSON}};
    given_org("", 4);
    given_table(columns, 2, NULL);
    given_synced();
    int64_t before = g.world->monotonic_ms(g.world);
    run_ok();
    CHECK_INT(atomic_load(&asked), 8);
    CHECK(g.world->monotonic_ms(g.world) - before >= 3000); /* 2 at once, then 3 times 2 */
}

/* Each request takes as much of the host's time as its own column says. */
static int64_t time_of_rates(const char *first, const char *second)
{
    struct given_column columns[] = {{"Api", "http", http_config(first), NULL, TYPE_JSON},
                                     {"Api 2", "http", http_config(second), NULL, TYPE_JSON}};
    given_org("", 4);
    given_table(columns, 2, NULL);
    given_synced();
    int64_t before = g.world->monotonic_ms(g.world);
    run_ok();
    CHECK_INT(atomic_load(&asked), 8);
    return g.world->monotonic_ms(g.world) - before;
}

TEST(http, a_host_waits_after_each_request_as_long_as_its_own_column_says)
{
    int64_t took = time_of_rates("/a?n={{LastName}}\",\"host_rate_limit\":\"10/s\"",
                                 "/b?n={{LastName}}\",\"host_rate_limit\":\"2/s\"");
    CHECK(took >= 1400 && took < 2000); /* 4 at once; 0.4 s on 2; 1 s on the other 2 */
}

TEST(http, the_slower_rate_holds_up_the_quicker_one_once)
{
    int64_t took = time_of_rates("/a?n={{LastName}}\",\"host_rate_limit\":\"2/s\"",
                                 "/b?n={{LastName}}\",\"host_rate_limit\":\"10/s\"");
    CHECK(took >= 2000 && took < 2400); /* 2; 1 s on the other 2; 1 s on all 4 */
}

/* ----------------------------------------------------------------- formula */

TEST(formula, computes_typed_values)
{
    struct given_column columns[] = {
        {"Length", "formula", "{\"formula\":\"{{Email}}.length\"}", NULL, TYPE_NUMBER},
        {"Long", "formula", "{\"formula\":\"{{Length}} > 5\"}", NULL, TYPE_CHECKBOX},
        {"Parts", "formula", "{\"formula\":\"({a: {{Email}}.split('@')})\"}", NULL, TYPE_JSON},
        {"Host", "formula", "{\"formula\":\"{{Parts.a[1]}}\"}", NULL, TYPE_TEXT},
        {"Nothing", "formula", "{\"formula\":\"null\"}", NULL, TYPE_TEXT},
        {"Bad", "formula", "{\"formula\":\"{{Email}}.nope.nope\"}", NULL, TYPE_TEXT},
        {"Wrong", "formula", "{\"formula\":\"{{Email}}\"}", NULL, TYPE_NUMBER},
    };
    given_org("", 3);
    given_table(columns, 7, NULL);
    given_synced();
    run_ok();
    CHECK_STR(cell_value("Length", 1), "8");
    CHECK_STR(cell_value("Long", 1), "true");
    CHECK_STR(cell_value("Host", 2), "x.org");
    CHECK_INT(cell_state("Nothing", 1), CELL_NO_RESULT);
    CHECK_STR(cell_code("Bad", 1), "formula.error");
    CHECK_STR(cell_code("Wrong", 1), "cell.type");
}

TEST(condition, skips_rows)
{
    struct given_column columns[] = {
        {"One", "formula", "{\"formula\":\"1\"}", "{{Email}} == 'p2@x.org'", TYPE_NUMBER},
    };
    given_org("", 3);
    given_table(columns, 1, NULL);
    given_synced();
    run_ok();
    CHECK_INT(cell_state("One", 1), CELL_SKIPPED);
    CHECK_INT(cell_state("One", 2), CELL_OK);
    CHECK_INT(g.report.cells_skipped, 2);
}

TEST(change, reaches_all_that_depends_on_it)
{
    struct given_column columns[] = {
        {"C", "formula", "{\"formula\":\"{{B}} + '!'\"}", NULL, TYPE_TEXT}, /* before its input */
        {"A", "formula", "{\"formula\":\"{{Email}}.toUpperCase()\"}", NULL, TYPE_TEXT},
        {"B", "formula", "{\"formula\":\"{{A}}.slice(0, 2)\"}", NULL, TYPE_TEXT},
    };
    given_org("", 2);
    given_table(columns, 3, NULL);
    given_synced();
    run_ok();
    CHECK_STR(cell_value("C", 1), "P1!");
    scripted_set(g.org, "Contact", "003000000000001AAA", "Email", "\"zz@x.org\"");
    given_synced();
    run_ok();
    CHECK_STR(cell_value("C", 1), "ZZ!");
    CHECK_INT(g.report.cells_computed, 3); /* one row of three columns */
    scripted_set(g.org, "Contact", "003000000000001AAA", "Email", "\"zzz@x.org\"");
    given_synced();
    run_ok();
    CHECK_INT(g.report.cells_computed, 2); /* B stays ZZ: C is not asked */
}

TEST(limit, takes_the_first_rows)
{
    struct given_column column = {"One", "formula", "{\"formula\":\"1\"}", NULL, TYPE_NUMBER};
    given_org("", 10);
    given_table(&column, 1, NULL);
    given_synced();
    g.options.limit = 4;
    run_ok();
    CHECK_INT(g.report.cells_computed, 4);
    CHECK_INT(cell_state("One", 5), CELL_DUE);
}

/* Further apart than a batch is long, and one that is not there. */
TEST(limit, takes_the_rows_that_are_named)
{
    struct given_column column = {"One", "formula", "{\"formula\":\"1\"}", NULL, TYPE_NUMBER};
    given_org("", 2500);
    given_table(&column, 1, NULL);
    given_synced();
    int64_t rows[] = {2, 7, 2400, 99999};
    g.options.rows = rows;
    g.options.row_count = 4;
    run_ok();
    CHECK_INT(g.report.cells_computed, 3);
    CHECK_STR(cell_value("One", 2400), "1");
    CHECK_INT(cell_state("One", 3), CELL_DUE);
    g.options.all = true;
    g.options.rows = rows + 1;
    g.options.row_count = 1;
    run_ok();
    CHECK_INT(g.report.cells_computed, 1);
}

TEST(queued, run_is_taken_over_and_not_begun_again)
{
    struct given_column column = {"One", "formula", "{\"formula\":\"1\"}", NULL, TYPE_NUMBER};
    given_org("", 1);
    given_table(&column, 1, NULL);
    given_synced();
    struct run queued = {.table_id = 1, .kind = "run", .who = "ann"}, seen;
    const struct store_runs *runs = g.store->does->runs;
    CHECK_OK(runs->queue(g.store, &queued, &g.err), &g.err);
    g.engine.queued_run = queued.id;
    run_ok();
    CHECK_INT(g.report.run_id, queued.id);
    CHECK_OK(runs->get(g.store, g.arena, queued.id, &seen, &g.err), &g.err);
    CHECK_STR(run_state_name(seen.state), "done");
    CHECK_STR(seen.who, "ann");
    g.engine.actor = "bob";
    run_ok();
    CHECK(g.report.run_id != queued.id);
    CHECK_OK(runs->get(g.store, g.arena, g.report.run_id, &seen, &g.err), &g.err);
    CHECK_STR(seen.who, "bob");
}

/* ----------------------------------------------------- options, references */

static bool check_options(const char *kind, const char *config, err_list *errors)
{
    const struct json *json = json_parse(g.arena, config, strlen(config), &g.err);
    vec_clear(errors);
    return column_options_check(column_kind_find(kind), json, errors);
}

TEST(options, say_what_is_wrong_and_where)
{
    err_list errors = {0};
    CHECK(
        check_options("salesforce_update",
                      "{\"connection\":\"p\",\"object\":\"A\",\"id\":\"{{Id}}\",\"set\":{\"X\":1},"
                      "\"overwrite\":{\"X\":\"if_blank\"}}",
                      &errors));
    CHECK(!check_options(
        "salesforce_update",
        "{\"connection\":\"p\",\"objekt\":\"A\",\"id\":\"{{Id}}\",\"set\":{\"X\":[]},"
        "\"overwrite\":{\"X\":\"if_blnk\"}}",
        &errors));
    CHECK_INT(errors.len, 4);
    CHECK_STR(errors.at[0].where, "objekt");
    CHECK_CONTAINS(errors.at[0].hint, "object");
    CHECK_STR(errors.at[1].where, "set/X");
    CHECK_STR(errors.at[2].where, "overwrite/X");
    CHECK_CONTAINS(errors.at[2].hint, "if_blank");
    CHECK_CONTAINS(errors.at[3].message, "object");
    CHECK(!check_options("http", "{\"url\":\"https://x\",\"rate_limit\":\"fast\",\"timeout\":999}",
                         &errors));
    CHECK_INT(errors.len, 2);
    vec_free(&errors);
}

TEST(options, every_kind_describes_itself)
{
    for (size_t i = 0; column_kinds[i]; i++) {
        const struct column_kind *kind = column_kinds[i];
        CHECK(kind->title && kind->help && kind->option_count);
        CHECK(kind->typed || (kind->batch_rows && kind->execute)); /* what is typed is not computed */
        for (size_t j = 0; j < kind->option_count; j++)
            CHECK(kind->options[j].help && *kind->options[j].help);
    }
}

TEST(refs, are_found_in_every_option)
{
    struct column_ref *refs = NULL;
    const char *config = "{\"url\":\"https://x/{{A}}\",\"headers\":{\"H\":\"{{secret:s}}{{B.c}}\"},"
                         "\"body\":{\"list\":[\"{{C}}\"]}}";
    const struct json *json = json_parse(g.arena, config, strlen(config), &g.err);
    CHECK_OK(column_refs(g.arena, &http_column, json, "{{D}}", &refs, &g.err), &g.err);
    CHECK_STR(refs->text, "A");
    CHECK_STR(refs->next->text, "B.c");
    CHECK_STR(refs->next->where, "headers/H");
    CHECK_STR(refs->next->next->where, "body/list/0");
    CHECK_STR(refs->next->next->next->where, "only_run_if");
    CHECK(refs->next->next->next->next == NULL);
}

TEST(refs, take_the_longest_name)
{
    struct column columns[] = {{.name = "Lead"}, {.name = "Lead.Status"}, {.name = "lead x"}};
    struct table table = {.columns = columns, .column_count = 3};
    const char *path = NULL;
    CHECK_STR(column_ref_resolve(&table, "Lead.id", &path)->name, "Lead");
    CHECK_STR(path, "id");
    CHECK_STR(column_ref_resolve(&table, "Lead.Status", &path)->name, "Lead.Status");
    CHECK_STR(path, "");
    CHECK_STR(column_ref_resolve(&table, "Lead X[0].a", &path)->name, "lead x");
    CHECK_STR(path, "[0].a");
    CHECK(column_ref_resolve(&table, "Leads", &path) == NULL);
}
