/* test_oauth.c - the whole way from the authorize URL to a working session, and
 * every refusal on it. */
#include "localorg/rest/fixture.h"

#include "base/str.h"
#include "base/uri.h"
#include "localorg/seed/seed.h"

#include <string.h>

EACH_REST_TEST

#define CALLBACK "http://127.0.0.1:5555/callback"
/* RFC 7636 appendix B */
#define VERIFIER  "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

static const char *authorize_url(const char *more)
{
    return text_f("/services/oauth2/authorize?response_type=code&client_id=%s&redirect_uri=%s&"
                  "state=xyz%%201%s",
                  DEMO_CLIENT_ID, "http%3A%2F%2F127.0.0.1%3A5555%2Fcallback", more);
}

static const char *query_value(const char *url, const char *name)
{
    struct arena *arena = arena_new();
    const char *mark = strpbrk(url, "?#");
    const char *value =
        mark ? uri_pair_get(uri_pairs(arena, mark + 1, strlen(mark + 1)), name) : NULL;
    value = value ? text_f("%s", value) : "";
    arena_free(arena);
    return value;
}

/* Signs in and follows to the consent page; the reply is that page, or what
 * came instead. */
static struct reply sign_in(const char *url, const char *username, const char *password)
{
    struct reply reply = browse(url);
    CHECK_INT(reply.status, 302);
    const char *login = reply_header(&reply, "Location");
    CHECK_CONTAINS(login, "/?ec=302&startURL=%2Fsetup%2Fsecur%2FRemoteAccessAuthorizationPage");
    reply = browse(login);
    CHECK_CONTAINS(reply.text, "id=\"username\"");
    CHECK_CONTAINS(reply.text, "id=\"password\"");
    CHECK_CONTAINS(reply.text, "name=\"Login\"");
    const char *start = query_value(login, "startURL");
    CHECK_CONTAINS(start, "source=CAAAA");
    reply = post_form("/", text_f("username=%s&pw=%s&startURL=%s", username, password, start));
    if (reply.status == 302)
        reply = browse(reply_header(&reply, "Location"));
    return reply;
}

static const char *source_on(const struct reply *page)
{
    const char *at = strstr(page->text, "CAAAA");
    CHECK(at != NULL);
    return text_f("%.*s", (int)strcspn(at, "\""), at);
}

/* The callback URL after Allow. */
static const char *allow(const struct reply *page)
{
    CHECK_CONTAINS(page->text, "id=\"oaapprove\"");
    CHECK_CONTAINS(page->text, "id=\"oadeny\"");
    struct reply reply = post_form("/setup/secur/RemoteAccessAuthorizationPage.apexp",
                                   text_f("source=%s&save=+Allow+", source_on(page)));
    CHECK_INT(reply.status, 302);
    return reply_header(&reply, "Location");
}

static const char *code_for(const char *more)
{
    struct reply page = sign_in(authorize_url(more), SEED_ADMIN_USERNAME, SEED_PASSWORD);
    const char *back = allow(&page);
    CHECK(text_starts(back, CALLBACK "?code=aPrx"));
    CHECK_STR(query_value(back, "state"), "xyz 1");
    return query_value(back, "code");
}

static struct reply exchange_code(const char *code, const char *more)
{
    return post_form("/services/oauth2/token",
                     text_f("grant_type=authorization_code&client_id=%s&client_secret=%s&"
                            "redirect_uri=%s&code=%s%s",
                            DEMO_CLIENT_ID, DEMO_CLIENT_SECRET,
                            "http%3A%2F%2F127.0.0.1%3A5555%2Fcallback", code, more));
}

static struct reply refresh(const char *token)
{
    return post_form("/services/oauth2/token",
                     text_f("grant_type=refresh_token&client_id=%s&client_secret=%s&"
                            "refresh_token=%s&code_verifier=stray",
                            DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, token));
}

static void check_refused(const struct reply *reply, const char *error, const char *words)
{
    CHECK_INT(reply->status, 400);
    CHECK_STR(json_get_text(reply->json, "error"), error);
    CHECK_STR(json_get_text(reply->json, "error_description"), words);
}

static void set_app(const char *members)
{
    struct reply reply =
        ask("POST", "/localorg/policies",
            text_f("{\"app\":{\"client_id\":\"%s\",%s}}", DEMO_CLIENT_ID, members));
    CHECK_INT(reply.status, 200);
}

TEST(oauth, web_server_flow_with_pkce_reaches_the_api)
{
    const char *code = code_for("&scope=api%20refresh_token%20id%20openid%20profile&"
                                "code_challenge=" CHALLENGE); /* no method, as jsforce */
    struct reply reply = exchange_code(code, "&code_verifier=" VERIFIER);
    CHECK_INT(reply.status, 200);
    const char *token = json_get_text(reply.json, "access_token");
    CHECK_INT(strlen(token), 112);
    CHECK(strchr(token, '!') == token + 15);
    CHECK_STR(json_get_text(reply.json, "token_type"), "Bearer");
    CHECK_STR(json_get_text(reply.json, "instance_url"), site->url);
    CHECK_CONTAINS(json_get_text(reply.json, "id"), text_f("/id/%s/005", org_id18(site->org)));
    CHECK_CONTAINS(json_get_text(reply.json, "refresh_token"), "5Aep861");
    CHECK_CONTAINS(json_get_text(reply.json, "id_token"), "eyJ");
    CHECK_STR(reply_header(&reply, "Cache-Control"), "no-store");
    CHECK(json_get(reply.json, "expires_in") == NULL);

    struct reply api =
        ask_as(text_f("Bearer %s", token), "GET", "/services/data/v66.0", NULL, NULL, NULL);
    CHECK_INT(api.status, 200);
    /* the signature is HMAC-SHA256 of id and issued_at */
    struct arena *arena = arena_new();
    CHECK_STR(json_get_text(reply.json, "signature"),
              sign_identity(arena, DEMO_CLIENT_SECRET, json_get_text(reply.json, "id"),
                            json_get_text(reply.json, "issued_at")));
    arena_free(arena);
}

TEST(oauth, signature_matches_the_known_vectors)
{
    struct arena *arena = arena_new();
    CHECK_STR(sign_identity(arena, "1234567890123456789",
                            "https://login.salesforce.com/id/00D000000000062EAA/005000000000001AAA",
                            "1700000000000"),
              "pNVJRo6rHoBcr25bOoL607dU5rveJIjOhOiH1QfO3vI=");
    CHECK_STR(sign_challenge(arena, VERIFIER), CHALLENGE);
    CHECK_STR(sign_at_hash(arena, "00D000000000062!AQcAQH0dMHZfz972Szmpkb58urFRkgeBGsxL_QJWwYMfAbUe"
                                  "eG7c1E6LYUfiDUkWe6H34r1AAwOR8B8fLEz6n04NPGRrq0FM"),
              "KHFFsej47wmnvKL6LIW0Gg");
    arena_free(arena);
}

TEST(oauth, a_code_works_once)
{
    const char *code = code_for("");
    struct reply first = exchange_code(code, ""), second = exchange_code(code, "");
    CHECK_INT(first.status, 200);
    check_refused(&second, "invalid_grant", "expired authorization code");
}

TEST(oauth, a_code_lives_fifteen_minutes)
{
    const char *code = code_for("");
    ask("POST", "/localorg/clock", "{\"shift_s\":901}");
    struct reply reply = exchange_code(code, "");
    check_refused(&reply, "invalid_grant", "expired authorization code");
}

TEST(oauth, the_verifier_must_fit)
{
    struct reply reply =
        exchange_code(code_for("&code_challenge=" CHALLENGE), "&code_verifier=another");
    check_refused(&reply, "invalid_request", "invalid code verifier");
    forget_cookies();
    reply = exchange_code(code_for("&code_challenge=" CHALLENGE "&prompt=consent"), "");
    check_refused(&reply, "invalid_grant", "invalid code verifier");
    forget_cookies();
    reply = exchange_code(code_for("&prompt=consent"), "&code_verifier=" VERIFIER);
    check_refused(&reply, "invalid_request", "unexpected code verifier");
}

TEST(oauth, request_errors_are_said_on_the_spot)
{
    struct reply reply = browse("/services/oauth2/authorize?response_type=code&client_id=nope&"
                                "redirect_uri=http%3A%2F%2Fx");
    CHECK_INT(reply.status, 400);
    CHECK_STR(reply.text,
              "error=invalid_client_id&error_description=client%20identifier%20invalid");
    reply = browse(text_f("/services/oauth2/authorize?response_type=code&client_id=%s&"
                          "redirect_uri=https%%3A%%2F%%2Fevil.example%%2Fcb",
                          DEMO_CLIENT_ID));
    CHECK_INT(reply.status, 400);
    CHECK_CONTAINS(reply.text, "error=redirect_uri_mismatch");
    set_app("\"pkce_required\":true");
    reply = browse(authorize_url(""));
    CHECK_CONTAINS(reply.text, "missing%20required%20code%20challenge");
    reply = browse("/services/oauth2/authorize?response_type=magic");
    CHECK_CONTAINS(reply.text, "unsupported_response_type");
}

TEST(oauth, deny_goes_back_with_plus_signs)
{
    struct reply page = sign_in(authorize_url(""), SEED_ADMIN_USERNAME, SEED_PASSWORD);
    struct reply reply = post_form("/setup/secur/RemoteAccessAuthorizationPage.apexp",
                                   text_f("source=%s&cancel=Deny", source_on(&page)));
    CHECK_INT(reply.status, 302);
    CHECK_CONTAINS(reply_header(&reply, "Location"),
                   CALLBACK "?error=access_denied&error_description=end-user+denied+authorization");
}

TEST(oauth, a_wrong_password_shows_the_form_again)
{
    struct reply page = sign_in(authorize_url(""), SEED_ADMIN_USERNAME, "wrong");
    CHECK_INT(page.status, 200);
    CHECK_CONTAINS(page.text, "Please check your username and password");
    CHECK_CONTAINS(page.text, "id=\"username\"");
}

TEST(oauth, policies_end_where_salesforce_ends_them)
{
    set_app("\"blocked\":true");
    struct reply reply = sign_in(authorize_url(""), SEED_ADMIN_USERNAME, SEED_PASSWORD);
    CHECK_CONTAINS(reply_header(&reply, "Location"), CALLBACK "?error=OAUTH_APP_BLOCKED");
    set_app("\"blocked\":false,\"installed\":false");
    forget_cookies();
    reply = sign_in(authorize_url(""), SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_CONTAINS(reply_header(&reply, "Location"),
                   "/setup/secur/RemoteAccessErrorPage.apexp?error=invalid_client&"
                   "error_description=app+must+be+installed+into+org");
    reply = browse(reply_header(&reply, "Location"));
    CHECK_INT(reply.status, 200);
    CHECK_CONTAINS(reply.text, "OAUTH_APPROVAL_ERROR_GENERIC");
    set_app("\"installed\":true,\"permitted_users\":\"admin\",\"assigned\":[]");
    forget_cookies();
    reply = sign_in(authorize_url(""), SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_CONTAINS(reply_header(&reply, "Location"), "error=OAUTH_APP_ACCESS_DENIED");
    set_app("\"permitted_users\":\"all\",\"scopes\":\"id\"");
    forget_cookies();
    reply = sign_in(authorize_url("&scope=api"), SEED_SALES_USERNAME, SEED_PASSWORD);
    CHECK_CONTAINS(reply_header(&reply, "Location"),
                   "RemoteAccessErrorPage.apexp?error=invalid_scope");
}

TEST(oauth, refreshing_gives_a_new_session)
{
    struct reply first = exchange_code(code_for("&scope=api%20refresh_token"), "");
    const char *token = json_get_text(first.json, "refresh_token");
    ask("POST", "/localorg/expire", "{}");
    struct reply reply = ask_as(text_f("Bearer %s", json_get_text(first.json, "access_token")),
                                "GET", "/services/data/v66.0", NULL, NULL, NULL);
    CHECK_INT(reply.status, 401);
    CHECK_STR(error_code(&reply), "INVALID_SESSION_ID");
    reply = refresh(token);
    CHECK_INT(reply.status, 200);
    CHECK(json_get(reply.json, "refresh_token") == NULL);
    reply = ask_as(text_f("OAuth %s", json_get_text(reply.json, "access_token")), "GET",
                   "/services/data/v66.0", NULL, NULL, NULL);
    CHECK_INT(reply.status, 200);
}

TEST(oauth, rotation_kills_the_grant_when_an_old_token_comes_back)
{
    set_app("\"rotation\":true");
    struct reply first = exchange_code(code_for("&scope=api%20refresh_token"), "");
    const char *old = json_get_text(first.json, "refresh_token");
    struct reply second = refresh(old);
    const char *fresh = json_get_text(second.json, "refresh_token");
    CHECK(fresh && strcmp(fresh, old) != 0);
    struct reply third = refresh(old);
    check_refused(&third, "invalid_grant", "expired access/refresh token");
    third = refresh(fresh);
    check_refused(&third, "invalid_grant", "expired access/refresh token");
}

TEST(oauth, refresh_policies_and_two_at_once)
{
    struct reply first = exchange_code(code_for("&scope=api%20refresh_token"), "");
    const char *token = json_get_text(first.json, "refresh_token");
    set_app("\"refresh_busy_ms\":60000");
    struct reply reply = refresh(token);
    CHECK_INT(reply.status, 200);
    reply = refresh(token);
    check_refused(&reply, "invalid_grant", "token request is already being processed");
    set_app("\"refresh_busy_ms\":0,\"refresh_policy\":\"zero\"");
    reply = refresh(token);
    check_refused(&reply, "invalid_grant", "expired access/refresh token");
    set_app("\"refresh_policy\":\"inactivity\",\"refresh_policy_s\":3600");
    ask("POST", "/localorg/clock", "{\"shift_s\":4000}");
    reply = refresh(token);
    check_refused(&reply, "invalid_grant", "expired access/refresh token");
}

TEST(oauth, the_sixth_approval_revokes_the_oldest)
{
    const char *tokens[6];
    for (int i = 0; i < 6; i++) {
        forget_cookies();
        struct reply reply =
            exchange_code(code_for("&scope=api%20refresh_token&prompt=consent"), "");
        tokens[i] = json_get_text(reply.json, "refresh_token");
    }
    struct reply reply = refresh(tokens[0]);
    check_refused(&reply, "invalid_grant", "expired access/refresh token");
    reply = refresh(tokens[5]);
    CHECK_INT(reply.status, 200);
}

TEST(oauth, machine_flows)
{
    struct reply reply =
        post_form("/services/oauth2/token",
                  text_f("grant_type=client_credentials&client_id=%s&client_secret=%s",
                         DEMO_CLIENT_ID, DEMO_CLIENT_SECRET));
    CHECK_INT(reply.status, 200);
    CHECK(json_get(reply.json, "refresh_token") == NULL);
    CHECK_LACKS(json_get_text(reply.json, "scope"), "full");
    set_app("\"client_credentials\":false");
    reply = post_form("/services/oauth2/token",
                      text_f("grant_type=client_credentials&client_id=%s&client_secret=%s",
                             DEMO_CLIENT_ID, DEMO_CLIENT_SECRET));
    check_refused(&reply, "invalid_grant", "client credentials flow not enabled");
    reply = post_form("/services/oauth2/token",
                      text_f("grant_type=password&client_id=%s&client_secret=%s&username=%s&"
                             "password=" SEED_PASSWORD,
                             DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, SEED_SALES_USERNAME));
    CHECK_INT(reply.status, 200);
    reply = post_form("/services/oauth2/token",
                      text_f("grant_type=password&client_id=%s&client_secret=%s&username=%s&"
                             "password=no",
                             DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, SEED_SALES_USERNAME));
    check_refused(&reply, "invalid_grant", "authentication failure");
    reply = post_form("/services/oauth2/token", "grant_type=magic");
    check_refused(&reply, "unsupported_grant_type", "grant type not supported");
    reply = post_form("/services/oauth2/token",
                      text_f("grant_type=refresh_token&client_id=%s&client_secret=wrong&"
                             "refresh_token=x",
                             DEMO_CLIENT_ID));
    check_refused(&reply, "invalid_client", "invalid client credentials");
}

static const char *assertion_until(const char *audience, const char *subject, const char *exp)
{
    struct arena *arena = arena_new();
    struct err err = {{0}};
    const char *payload =
        text_f("{\"iss\":\"" CLI_CLIENT_ID "\",\"sub\":\"%s\",\"aud\":\"%s\",\"exp\":%s}",
               subject, audience, exp);
    const char *jwt = signer_jwt(site->signer, arena, payload, &err);
    CHECK_GOT(jwt, &err);
    jwt = text_f("%s", jwt);
    arena_free(arena);
    return jwt;
}

/* An assertion as the sf CLI makes it: exp in milliseconds, aud with a slash. */
static const char *assertion(const char *audience, const char *subject)
{
    return assertion_until(
        audience, subject,
        text_f("%lld", (long long)site->world->now_ms(site->world) + 300 * 1000));
}

TEST(oauth, the_end_of_an_assertion_comes_in_three_forms)
{
    long long now = site->world->now_ms(site->world) / 1000;
    const struct {
        const char *exp;
        bool good;
    } rows[] = {{text_f("%lld", now + 180), true},        /* the standard */
                {text_f("%lld", (now + 180) * 1000), true}, /* sf, jsforce */
                {text_f("\"%lld\"", now + 180), true},    /* simple-salesforce */
                {text_f("%lld", now - 600), false},
                {text_f("%lld", (now - 600) * 1000), false},
                {text_f("\"%lld\"", now - 600), false},
                {"null", false},
                {"\"soon\"", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply = post_form(
            "/services/oauth2/token",
            text_f("grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Ajwt-bearer&"
                   "assertion=%s",
                   assertion_until(site->url, SEED_ADMIN_USERNAME, rows[i].exp)));
        if (rows[i].good)
            CHECK_INT(reply.status, 200);
        else
            check_refused(&reply, "invalid_grant", "invalid assertion");
    }
}

TEST(oauth, jwt_bearer_takes_what_the_cli_sends)
{
    const char *grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    struct reply reply = post_form(
        "/services/oauth2/token",
        text_f("%s&assertion=%s", grant, assertion(text_f("%s/", site->url), SEED_ADMIN_USERNAME)));
    CHECK_INT(reply.status, 200);
    reply = post_form("/services/oauth2/token",
                      text_f("%s&assertion=%s", grant,
                             assertion("https://elsewhere.example", SEED_ADMIN_USERNAME)));
    check_refused(&reply, "invalid_grant", "audience is invalid");
    reply = post_form("/services/oauth2/token",
                      text_f("%s&assertion=%s", grant, assertion(site->url, "nobody@x.example")));
    check_refused(&reply, "invalid_grant", "user hasn't approved this consumer");
    reply = post_form("/services/oauth2/token", text_f("%s&assertion=aaa.bbb", grant));
    check_refused(&reply, "invalid_grant", "invalid assertion");
}

TEST(oauth, an_assertion_signed_with_another_key_is_refused)
{
    set_app("\"accept_any_key\":false"); /* the demo app has no certificate at all */
    struct reply reply =
        ask("POST", "/localorg/policies",
            "{\"app\":{\"client_id\":\"" CLI_CLIENT_ID "\",\"accept_any_key\":false}}");
    CHECK_INT(reply.status, 200);
    reply = post_form("/services/oauth2/token",
                      text_f("grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3A"
                             "jwt-bearer&assertion=%s",
                             assertion(site->url, SEED_ADMIN_USERNAME)));
    check_refused(&reply, "invalid_grant", "invalid assertion");
}

TEST(oauth, introspect_revoke_userinfo)
{
    struct reply first = exchange_code(code_for("&scope=api%20refresh_token%20openid"), "");
    const char *token = json_get_text(first.json, "access_token");
    const char *ask_about =
        text_f("token=%s&client_id=%s&client_secret=%s", token, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET);
    struct reply reply = post_form("/services/oauth2/introspect", ask_about);
    CHECK(json_get_bool(reply.json, "active", false));
    CHECK_INT(json_get_int(reply.json, "exp", 0) - json_get_int(reply.json, "iat", 0), 7200);
    reply =
        ask_as(text_f("Bearer %s", token), "GET", "/services/oauth2/userinfo", NULL, NULL, NULL);
    CHECK_STR(json_get_text(reply.json, "preferred_username"), SEED_ADMIN_USERNAME);
    CHECK_STR(json_get_text(reply.json, "organization_id"), org_id18(site->org));
    reply = ask_as(NULL, "GET",
                   text_f("/id/%s/%s?format=json&oauth_token=%s", org_id18(site->org),
                          json_get_text(reply.json, "user_id"), token),
                   NULL, NULL, NULL);
    CHECK_STR(json_get_text(reply.json, "username"), SEED_ADMIN_USERNAME);
    CHECK_CONTAINS(json_text(json_path(reply.json, "urls.rest")), "/services/data/v{version}/");
    reply = post_form("/services/oauth2/revoke", text_f("token=%s", token));
    CHECK_INT(reply.status, 200);
    CHECK_STR(reply.text, "");
    reply = post_form("/services/oauth2/introspect", ask_about);
    CHECK_STR(reply.text, "{\"active\":false}");
    reply =
        ask_as(text_f("Bearer %s", token), "GET", "/services/oauth2/userinfo", NULL, NULL, NULL);
    CHECK_INT(reply.status, 403);
    CHECK_STR(reply.text, "Bad_OAuth_Token");
    reply = post_form("/services/oauth2/revoke",
                      text_f("token=%s", json_get_text(first.json, "refresh_token")));
    CHECK_INT(reply.status, 200);
    reply = refresh(json_get_text(first.json, "refresh_token"));
    check_refused(&reply, "invalid_grant", "expired access/refresh token");
}

TEST(oauth, a_refresh_token_is_looked_at_without_being_used)
{
    set_app("\"rotation\":true");
    struct reply first = exchange_code(code_for("&scope=api%20refresh_token"), "");
    const char *old = text_f("%s", json_get_text(first.json, "refresh_token"));
    const char *ask_about = text_f("token=%s&token_type_hint=refresh_token&client_id=%s&"
                                   "client_secret=%s",
                                   old, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET);
    struct reply reply = post_form("/services/oauth2/introspect", ask_about);
    CHECK(json_get_bool(reply.json, "active", false));
    CHECK_STR(json_get_text(reply.json, "token_type"), "refresh_token");
    reply = refresh(old); /* looking did not spend it */
    CHECK_INT(reply.status, 200);
    const char *new = text_f("%s", json_get_text(reply.json, "refresh_token"));
    reply = post_form("/services/oauth2/introspect", ask_about);
    CHECK_STR(reply.text, "{\"active\":false}");
    reply = refresh(new); /* nor did looking at a spent one end the grant */
    CHECK_INT(reply.status, 200);
    set_app("\"rotation\":false");
}

TEST(oauth, the_id_token_verifies_against_the_published_key)
{
    struct reply first = exchange_code(code_for("&scope=openid%20api&nonce=n1"), "");
    struct arena *arena = arena_new();
    struct jwt jwt;
    CHECK(jwt_parse(arena, json_get_text(first.json, "id_token"), &jwt));
    CHECK_STR(json_get_text(jwt.payload, "aud"), DEMO_CLIENT_ID);
    CHECK_STR(json_get_text(jwt.payload, "nonce"), "n1");
    CHECK_STR(json_get_text(jwt.payload, "sub"), json_get_text(first.json, "id"));
    CHECK_STR(json_get_text(jwt.payload, "at_hash"),
              sign_at_hash(arena, json_get_text(first.json, "access_token")));
    struct reply keys = browse("/id/keys");
    CHECK_STR(json_text(json_path(keys.json, "keys[0].kid")), json_get_text(jwt.header, "kid"));
    CHECK_STR(json_text(json_path(keys.json, "keys[0].alg")), "RS256");
    struct reply discovery = browse("/.well-known/openid-configuration");
    CHECK_STR(json_get_text(discovery.json, "issuer"), json_get_text(jwt.payload, "iss"));
    arena_free(arena);
}

TEST(oauth, sessions_end_when_idle)
{
    ask("POST", "/localorg/clock", "{\"shift_s\":7100}");
    struct reply reply = ask("GET", "/services/data/v66.0", NULL);
    CHECK_INT(reply.status, 200); /* use keeps it alive */
    ask("POST", "/localorg/clock", "{\"shift_s\":7100}");
    reply = ask("GET", "/services/data/v66.0", NULL);
    CHECK_INT(reply.status, 200);
    ask("POST", "/localorg/clock", "{\"shift_s\":7300}");
    reply = ask("GET", "/services/data/v66.0", NULL);
    CHECK_INT(reply.status, 401);
}

TEST(oauth, login_never_redirects_to_another_site)
{
    struct reply reply = post_form("/", text_f("username=%s&pw=%s&startURL=%s", SEED_ADMIN_USERNAME,
                                               SEED_PASSWORD, "%2F%2Fevil.example%2F"));
    CHECK_INT(reply.status, 302);
    CHECK_STR(reply_header(&reply, "Location"), "/localorg");
}
