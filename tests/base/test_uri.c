/* test_uri.c - URLs apart and together. Guards src/base/uri.c. */
#include "base/uri.h"
#include "support/check.h"

#include <string.h>

static struct arena *arena;
static struct uri uri;

static void before(void)
{
    arena = arena_new();
}

static void after(void)
{
    arena_free(arena);
}

EACH_TEST(before, after)

TEST(uri, takes_a_full_url_apart)
{
    CHECK(
        uri_parse(arena, "HTTPS://me:pw@Acme.My.Salesforce.COM:8443/a//b%2F?x=1&y=%20#top", &uri));
    CHECK_STR(uri.scheme, "https");
    CHECK_STR(uri.userinfo, "me:pw");
    CHECK_STR(uri.host, "acme.my.salesforce.com");
    CHECK_INT(uri.port, 8443);
    CHECK_STR(uri.path, "/a//b%2F");
    CHECK_STR(uri.query, "x=1&y=%20");
    CHECK_STR(uri.fragment, "top");
}

TEST(uri, fills_in_what_is_not_said)
{
    CHECK(uri_parse(arena, "http://h", &uri));
    CHECK_STR(uri.path, "/");
    CHECK_INT(uri.port, 80);
    CHECK(!uri.userinfo && !uri.query && !uri.fragment);
    CHECK(uri_parse(arena, "https://h:?#", &uri));
    CHECK_INT(uri.port, 443);
    CHECK_STR(uri.query, "");
    CHECK_STR(uri.fragment, "");
    CHECK(uri_parse(arena, "postgresql://db/x", &uri));
    CHECK_INT(uri.port, 5432);
    CHECK(uri_parse(arena, "https://[::1]:9/p", &uri));
    CHECK_STR(uri.host, "::1");
    CHECK_INT(uri.port, 9);
}

TEST(uri, an_at_sign_in_a_path_or_query_names_no_user)
{
    CHECK(uri_parse(arena, "http://good.example/@evil.example?a@b", &uri));
    CHECK_STR(uri.host, "good.example");
    CHECK(uri.userinfo == NULL);
    CHECK(uri_parse(arena, "http://a@b@c/", &uri));
    CHECK_STR(uri.host, "c");
}

TEST(uri, refuses_what_is_no_absolute_url)
{
    static const char *const bad[] = {"",
                                      "h",
                                      "/path",
                                      "//h/p",
                                      "http:/h",
                                      "http://",
                                      "http:///p",
                                      "http://:80/",
                                      "1http://h",
                                      "ht tp://h",
                                      "http://h:99999",
                                      "http://h:8x",
                                      "http://[::1",
                                      "http://[::1]x",
                                      "http://h /",
                                      "http://h/\n",
                                      "http://h\x7f",
                                      "http://u@/",
                                      "http://[]/",
                                      "javascript:alert(1)",
                                      "://h",
                                      "http://a]b/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (uri_parse(arena, bad[i], &uri))
            CHECK_STR(bad[i], "refused");
    CHECK(!uri_parse(arena, NULL, &uri));
}

TEST(uri, escapes_everything_but_the_unreserved)
{
    CHECK_STR(uri_encoded(arena, "aZ09-._~"), "aZ09-._~");
    CHECK_STR(uri_encoded(arena, " +&=%/?\xC3\xA9'"), "%20%2B%26%3D%25%2F%3F%C3%A9%27");
}

TEST(uri, decodes_or_refuses)
{
    size_t len;
    CHECK_STR(uri_decode(arena, "a%20b+c%2f", 10, false, &len), "a b+c/");
    CHECK_STR(uri_decode(arena, "a%20b+c", 7, true, NULL), "a b c");
    char *nul = uri_decode(arena, "a%00b", 5, false, &len);
    CHECK_MEM(nul, len, "a\0b", 3);
    static const char *const bad[] = {"%", "%2", "%zz", "a%2", "%%20"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(uri_decode(arena, bad[i], strlen(bad[i]), false, &len) == NULL);
    CHECK(uri_decode(arena, "%20", 2, false, &len) == NULL); /* the cut comes from the length */
}

TEST(uri, reads_pairs_in_order_and_forgives)
{
    static const char text[] = "a=1&b=x+y%26&&c&=d&a=2&e=%zz";
    struct uri_pair *pairs = uri_pairs(arena, text, strlen(text));
    CHECK_STR(uri_pair_get(pairs, "a"), "1");
    CHECK_STR(uri_pair_get(pairs, "b"), "x y&");
    CHECK_STR(uri_pair_get(pairs, "c"), "");
    CHECK_STR(uri_pair_get(pairs, ""), "d");
    CHECK_STR(uri_pair_get(pairs, "e"), "%zz");
    CHECK(uri_pair_get(pairs, "z") == NULL);
    CHECK(uri_pairs(arena, "", 0) == NULL && uri_pairs(arena, NULL, 0) == NULL);
}

TEST(uri, pairs_written_read_back)
{
    struct buf out = BUF_INIT;
    uri_pair_add(&out, "q", "SELECT Id FROM Account WHERE Name = 'A&B+C'");
    uri_pair_add(&out, "na me", "");
    CHECK_STR(buf_text(&out),
              "q=SELECT%20Id%20FROM%20Account%20WHERE%20Name%20%3D%20%27A%26B%2BC%27&na%20me=");
    struct uri_pair *pairs = uri_pairs(arena, out.data, out.len);
    CHECK_STR(uri_pair_get(pairs, "q"), "SELECT Id FROM Account WHERE Name = 'A&B+C'");
    CHECK_STR(uri_pair_get(pairs, "na me"), "");
    buf_free(&out);
}
