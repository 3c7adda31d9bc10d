/* test_host.c - where tokens may go, and what the sign-in asks for. */
#include "base/str.h"
#include "base/uri.h"
#include "connect/salesforce/sf_priv.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct err err;

static void start(void)
{
    arena = arena_new();
    err_clear(&err);
}
static void stop(void)
{
    arena_free(arena);
}
EACH_TEST(start, stop)

TEST(host, salesforce_by_https_and_this_machine_only)
{
    static const char *const good[] = {"https://login.salesforce.com",
                                       "https://test.salesforce.com/",
                                       "https://acme.my.salesforce.com",
                                       "https://acme--dev.sandbox.my.salesforce.com",
                                       "https://ACME.My.Salesforce.com:443",
                                       "https://portal.my.site.com/partners",
                                       "https://x.salesforce.mil"};
    static const char *const bad[] = {"http://login.salesforce.com",
                                      "https://login.salesforce.com.evil.example",
                                      "https://evilsalesforce.com",
                                      "https://salesforce.com@evil.example/",
                                      "https://user:pw@login.salesforce.com",
                                      "https://acme.lightning.force.com",
                                      "https://login.salesforce.com:8443",
                                      "ftp://login.salesforce.com",
                                      "https://169.254.169.254",
                                      "http://10.0.0.1",
                                      "http://127.0.0.2",
                                      "http://localhost.evil.example",
                                      "",
                                      "login.salesforce.com",
                                      "javascript:alert(1)"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_INT(sf_host_check(good[i], &err), SF_SALESFORCE);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_INT(sf_host_check(bad[i], &err), SF_NOWHERE);
    CHECK_INT(sf_host_check("http://127.0.0.1:8460", &err), SF_LOCAL);
    CHECK_INT(sf_host_check("http://localhost:1", &err), SF_LOCAL);
    CHECK_INT(sf_host_check("http://[::1]:8460/", &err), SF_LOCAL);
    CHECK_INT(sf_host_check(NULL, &err), SF_NOWHERE);
}

TEST(host, an_origin_has_no_path)
{
    CHECK_STR(sf_host_origin(arena, "https://acme.my.salesforce.com/services/x?y", &err),
              "https://acme.my.salesforce.com");
    CHECK_STR(sf_host_origin(arena, "http://127.0.0.1:8460/", &err), "http://127.0.0.1:8460");
    CHECK_STR(sf_host_origin(arena, "http://[::1]:8460/a", &err), "http://[::1]:8460");
    CHECK(sf_host_origin(arena, "https://evil.example", &err) == NULL);
}

TEST(signin, asks_for_exactly_the_five_scopes_with_pkce)
{
    struct crm_signin signin = {.login_url = "https://login.salesforce.com",
                                .client_id = "3MVG9key",
                                .redirect_uri = "http://localhost:1717/callback"};
    struct world *world = world_fake(0, 7);
    CHECK_OK(sf_signin_begin(world, arena, &signin, &err), &err);
    const char *query = strchr(signin.url, '?') + 1;
    struct uri_pair *pairs = uri_pairs(arena, query, strlen(query));
    CHECK(text_starts(signin.url, "https://login.salesforce.com/services/oauth2/authorize?"));
    CHECK_STR(uri_pair_get(pairs, "scope"), "api refresh_token id openid profile");
    CHECK_STR(uri_pair_get(pairs, "response_type"), "code");
    CHECK_STR(uri_pair_get(pairs, "client_id"), "3MVG9key");
    CHECK_STR(uri_pair_get(pairs, "redirect_uri"), "http://localhost:1717/callback");
    CHECK_STR(uri_pair_get(pairs, "code_challenge_method"), "S256");
    CHECK_INT(strlen(uri_pair_get(pairs, "code_challenge")), 43);
    CHECK_STR(uri_pair_get(pairs, "state"), signin.state);
    CHECK_INT(strlen(signin.state), 43); /* 256 bits */
    CHECK(uri_pair_get(pairs, "prompt") == NULL);
    CHECK_LACKS(signin.url, secret_reveal(&signin.verifier));
    signin.prompt = "login consent";
    CHECK_OK(sf_signin_begin(world, arena, &signin, &err), &err);
    CHECK_CONTAINS(signin.url, "prompt=login%20consent");
    secret_wipe(&signin.verifier);
    signin.login_url = "https://evil.example";
    CHECK_FAIL(sf_signin_begin(world, arena, &signin, &err), &err, ERR_INVALID);
    free(world);
}

TEST(signin, compares_granted_scopes_with_asked_ones)
{
    CHECK(sf_scopes_missing(arena, SF_SCOPES, "api id openid profile refresh_token") == NULL);
    CHECK(sf_scopes_missing(arena, SF_SCOPES, "full offline_access openid") == NULL);
    CHECK(sf_scopes_missing(arena, SF_SCOPES, "api refresh_token id openid") ==
          NULL); /* id holds profile */
    CHECK_STR(sf_scopes_missing(arena, SF_SCOPES, "id openid profile"), "api refresh_token");
    CHECK_STR(sf_scopes_missing(arena, SF_SCOPES, ""), SF_SCOPES);
    CHECK_STR(sf_scopes_missing(arena, SF_SCOPES, "api_x refresh_token id openid"), "api");
}
