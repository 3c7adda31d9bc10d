/* test_source_http.c - an API's list becomes rows, page by page, and an API that
 * misbehaves becomes an error that says how. Guards engine/sources/http*.c. */
#include "engine/given_source.h"

#include "base/str.h"
#include "base/uri.h"
#include "http/server.h"
#include "store/store_http.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct http_server *server;
static atomic_int asked;
static char origin[64], seen_auth[200], seen_body[400];
static atomic_int items; /* how many the API has */

static void put_items(struct buf *out, int from, int count)
{
    int most = atomic_load(&items);
    buf_str(out, "[");
    for (int i = from; i < from + count && i < most; i++)
        buf_printf(out, "%s{\"id\":%d,\"who\":{\"name\":\"P%d\"},\"tags\":[\"t%d\"]}",
                   i > from ? "," : "", i, i, i);
    buf_str(out, "]");
}

static int number(struct http_in *in, const char *name, int otherwise)
{
    const char *query = in->query ? in->query : "";
    const struct uri_pair *pairs = uri_pairs(in->arena, query, strlen(query));
    const char *value = uri_pair_get(pairs, name);
    return value ? (int)strtol(value, NULL, 10) : otherwise;
}

/* 10 items a page. */
static void serve(struct http_in *in, struct http_out *out, int n)
{
    const char *query = in->query ? in->query : "";
    int at = number(in, "offset", (number(in, "page", 1) - 1) * 10);
    int cursor = number(in, "cursor", 0);
    if (strcmp(in->path, "/list") == 0) {
        put_items(&out->body, at, 10);
    } else if (strcmp(in->path, "/cursor") == 0) {
        buf_str(&out->body, "{\"data\":{\"items\":");
        put_items(&out->body, cursor, 10);
        if (cursor + 10 < atomic_load(&items))
            buf_printf(&out->body, ",\"next\":\"%d\"", cursor + 10);
        buf_str(&out->body, "}}");
    } else if (strcmp(in->path, "/links") == 0) {
        put_items(&out->body, at, 10);
        if (at + 10 < atomic_load(&items))
            http_out_header(in, out, "Link",
                            arena_printf(in->arena,
                                         "<%s/links?offset=0>; rel=\"first\", "
                                         "</links?offset=%d>; rel=\"next\"",
                                         origin, at + 10));
    } else if (strcmp(in->path, "/elsewhere") == 0) {
        buf_str(&out->body, "{\"items\":[{\"id\":1}],\"next\":\"http://127.0.0.1:1/links\"}");
    } else if (strcmp(in->path, "/moved") == 0 || strcmp(in->path, "/circle") == 0) {
        bool circle = strcmp(in->path, "/circle") == 0;
        out->status = 308;
        http_out_header(in, out, "Location",
                        arena_printf(in->arena, "%s?%s", circle ? "/circle" : "/list", query));
    } else if (strcmp(in->path, "/away") == 0) {
        out->status = 302;
        http_out_header(in, out, "Location",
                        arena_printf(in->arena, "http://localhost:%d/list", http_server_port(server)));
    } else if (strcmp(in->path, "/same") == 0) {
        put_items(&out->body, 0, 10);
    } else if (strcmp(in->path, "/itself") == 0) {
        buf_printf(&out->body, "{\"items\":[{\"id\":%d}],\"next\":\"/itself\"}", n);
    } else if (strcmp(in->path, "/html") == 0) {
        http_out_header(in, out, "Content-Type", "text/html");
        buf_str(&out->body, "<!DOCTYPE html><title>Maintenance</title>");
    } else if (strcmp(in->path, "/object") == 0) {
        buf_str(&out->body, "{\"items\":{\"id\":1}}");
    } else if (strcmp(in->path, "/flaky") == 0) {
        out->status = n % 3 ? 200 : 503;
        put_items(&out->body, at, 10);
    } else if (strcmp(in->path, "/dies") == 0) {
        out->broken = at >= 20 && atomic_load(&items) > 20 ? HTTP_BREAK_MIDDLE : HTTP_BREAK_NONE;
        put_items(&out->body, at, 10);
    } else {
        out->status = 403;
        buf_str(&out->body, "the key k3y-of-mine is wrong");
    }
}

static void answer(void *ctx, struct http_in *in, struct http_out *out)
{
    int n = atomic_fetch_add(&asked, 1);
    const char *auth = http_header_get(in->headers, "Authorization");
    snprintf(seen_auth, sizeof seen_auth, "%s", auth ? auth : "");
    snprintf(seen_body, sizeof seen_body, "%s", buf_text(&in->body));
    out->status = 200;
    serve(in, out, n);
}

static void begin(void)
{
    given_begin();
    struct http_server_options options = {.host = "127.0.0.1", .handler = answer};
    server = http_server_start(&options, &g.err);
    CHECK_GOT(server, &g.err);
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d", http_server_port(server));
    atomic_store(&asked, 0);
    atomic_store(&items, 25);
    g.engine.http = http_client_new(g.world, "argil-test");
    g.engine.allow_private_http = true;
}

static void end(void)
{
    http_server_stop(server, 1000);
    given_end();
}
EACH_TEST(begin, end)

static void given_api(const char *path, const char *more)
{
    given_recipe("table: people\nsource:\n  http: { url: \"%s%s\", fields: [{id: {type: number}}, "
                 "{who.name: Name}]%s }\n  unique_by: id\n",
                 origin, path, more);
}

static void check_all(int requests)
{
    sync_fine();
    CHECK_INT(people_now().row_count, atomic_load(&items));
    CHECK_INT(atomic_load(&asked), requests);
    CHECK_STR(cell_value("Name", 1), "P0"); /* as they came, not by key: 0, 1, 10, ... 9 */
    CHECK_STR(cell_value("Name", 25), "P24");
}

TEST(paging, by_page_number)
{
    given_api("/list", ", paging: page");
    check_all(4); /* the fourth is empty */
}

TEST(paging, a_short_page_is_the_last_when_the_size_is_known)
{
    given_api("/list", ", paging: page, page_size: 10, size_parameter: limit");
    check_all(3);
}

TEST(paging, by_offset)
{
    given_api("/list", ", paging: offset");
    check_all(4);
}

TEST(paging, by_cursor)
{
    given_api("/cursor", ", paging: cursor, rows: data.items, next: data.next");
    check_all(3);
}

TEST(paging, by_a_link_header_and_relative_links)
{
    given_api("/links", ", paging: next_link");
    check_all(3);
}

TEST(paging, in_the_body_of_a_post)
{
    given_api("/cursor?cursor=20", ", rows: data.items, paging: cursor, next: data.next, body: "
                                   "{after: \"{{cursor}}\", most: 10}");
    sync_fine();
    CHECK_INT(atomic_load(&asked), 1);
    CHECK_STR(seen_body, "{\"after\":\"\",\"most\":10}");
}

TEST(mirror, what_the_api_no_longer_gives_is_gone)
{
    given_api("/list", ", paging: page");
    sync_fine();
    atomic_store(&items, 20);
    sync_fine();
    CHECK_INT(g.sync.counts.deleted, 5);
    CHECK_INT(g.sync.counts.unchanged, 20);
    CHECK_INT(people_now().row_count, 20);
}

TEST(secrets, go_out_in_headers_and_stay_out_of_errors)
{
    struct secret key = {0};
    secret_set(&key, "k3y-of-mine", 11);
    CHECK_OK(engine_secret_put(&g.engine, "api", &key, &g.err), &g.err);
    given_api("/list", ", headers: {Authorization: \"Bearer {{secret:api}}\"}");
    sync_fine();
    CHECK_STR(seen_auth, "Bearer k3y-of-mine");
    given_api("/forbidden", ", headers: {Authorization: \"Bearer {{secret:api}}\"}");
    CHECK_FAIL(sync_people(false), &g.err, "http.status_403");
    CHECK_CONTAINS(g.err.message, "the key *********** is wrong");
    secret_wipe(&key);
}

TEST(secrets, a_next_page_on_another_host_does_not_get_them)
{
    given_api("/elsewhere", ", paging: next_link, rows: items, next: next");
    CHECK_FAIL(sync_people(false), &g.err, "http.other_host");
    CHECK(!g.sync.complete);
}

TEST(limits, are_said)
{
    given_api("/list", ", paging: page, max_pages: 2");
    CHECK_OK(sync_people(false), &g.err);
    CHECK(!g.sync.complete);
    CHECK_INT(people_now().row_count, 20);
    CHECK_CONTAINS(g.sync.statement, "ended at max_pages: 2, there is more");
}

TEST(limits, of_a_host_are_those_of_all_who_ask_there)
{
    int64_t before = g.world->monotonic_ms(g.world), wait = 0;
    given_api("/list", ", paging: page, host_rate_limit: 2/s");
    check_all(4);
    CHECK(g.world->monotonic_ms(g.world) - before >= 1500);
    /* whoever comes next, a column of another table, waits for the last page's turn to be over */
    CHECK_OK(g.store->does->http->turns(g.store, "127.0.0.1", 1, 500000, &wait, &g.err), &g.err);
    CHECK(wait > 0 && wait <= 500);
}

TEST(addresses, private_ones_are_refused)
{
    g.engine.allow_private_http = false;
    given_api("/list", ", allow_http: true");
    CHECK_FAIL(sync_people(false), &g.err, "http.refused_address");
    given_api("/list", "");
    CHECK_FAIL(sync_people(false), &g.err, "http.url");
    CHECK_INT(atomic_load(&asked), 0);
    given_api("/list", ", allow_private: true");
    CHECK_OK(sync_people(false), &g.err);
}

TEST(redirects, are_followed_page_by_page)
{
    given_api("/moved", ", paging: page");
    check_all(8);
}

TEST(redirects, in_a_circle_are_an_error)
{
    given_api("/circle", ", paging: page");
    CHECK_FAIL(sync_people(false), &g.err, "http.redirect");
    CHECK_INT(atomic_load(&asked), 6);
}

TEST(redirects, take_no_header_to_another_host)
{
    atomic_store(&items, 5);
    given_api("/away", ", headers: {Authorization: Bearer mine}");
    sync_fine();
    CHECK_INT(people_now().row_count, 5);
    CHECK_STR(seen_auth, "");
    given_api("/list", ", headers: {Authorization: Bearer mine}");
    sync_fine();
    CHECK_STR(seen_auth, "Bearer mine");
}

TEST(redirects, of_a_post_are_told)
{
    given_api("/moved", ", method: POST");
    CHECK_FAIL(sync_people(false), &g.err, "http.redirect");
    CHECK_CONTAINS(g.err.hint, "POST");
    CHECK_INT(atomic_load(&asked), 1);
}

TEST(failures, that_pass_are_waited_for)
{
    given_api("/flaky", ", paging: page");
    sync_fine();
    CHECK_INT(people_now().row_count, 25);
}

/* ------------------------------------------------------------ fault matrix */

TEST(http, row_91_a_page_that_is_cut_is_asked_again_then_told)
{
    given_api("/dies", ", paging: page, retries: 1");
    CHECK(sync_people(false) != OK);
    CHECK_INT(atomic_load(&asked), 4); /* two pages, the third twice */
    CHECK(!g.sync.complete);
    atomic_store(&items, 19); /* it has recovered */
    sync_fine();
    CHECK_INT(people_now().row_count, 19);
}

TEST(http, row_100_a_page_that_repeats_ends_with_an_error)
{
    given_api("/same", ", paging: page");
    CHECK_FAIL(sync_people(false), &g.err, "http.page_repeats");
    given_api("/itself", ", paging: next_link, rows: items, next: next");
    CHECK_FAIL(sync_people(false), &g.err, "http.page_repeats");
    CHECK(!g.sync.complete);
}

TEST(http, row_99_nothing_after_many_is_an_error)
{
    given_api("/list", ", paging: page");
    sync_fine();
    atomic_store(&items, 0);
    CHECK_FAIL(sync_people(false), &g.err, "sync.empty");
    CHECK_INT(people_now().row_count, 25);
}

TEST(answers, that_are_no_list_say_what_they_are)
{
    given_api("/html", "");
    CHECK_FAIL(sync_people(false), &g.err, "http.not_json");
    CHECK_CONTAINS(g.err.message, "answered with text/html instead of JSON: <!DOCTYPE html>");
    given_api("/object", ", rows: items");
    CHECK_FAIL(sync_people(false), &g.err, "http.no_rows");
    CHECK_CONTAINS(g.err.message, "without a list at items");
}

TEST(http, a_kill_loses_and_doubles_nothing)
{
    atomic_store(&items, 2500);
    given_api("/list", ", paging: page");
    for (int at = 1; at <= 3; at++) {
        die_at("K16", at);
        CHECK(sync_people(false) != OK);
        given_reborn();
    }
    sync_fine();
    CHECK_INT(people_now().row_count, 2500);
}

TEST(recipe, says_what_is_missing)
{
    CHECK_CONTAINS(refused_recipe("table: people\nsource:\n  http: { url: ftp://x, fields: [id] }\n"
                                  "  unique_by: id\n"),
                   "people.yaml:3:16 recipe.url");
    CHECK_CONTAINS(
        refused_recipe("table: people\nsource:\n  http: { url: \"https://x\", fields: [id] }\n"),
        "needs `unique_by`");
    CHECK_CONTAINS(
        refused_recipe("table: people\nsource:\n  http: { url: \"https://x\", fields: [id], "
                       "paging: cursr }\n  unique_by: id\n"),
        "did you mean cursor?");
    CHECK_CONTAINS(
        refused_recipe("table: people\nsource:\n  http: { url: \"https://x\", fields: [id], "
                       "paging: cursor }\n  unique_by: id\n"),
        "needs `next`");
}
