/* test_signin.c - signing in against canned answers: who and where, the environment
 * that was asked for, an id_token that is really ours, and hosts. */
#include "base/str.h"
#include "connect/canned.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <string.h>

static struct connection connection;
static struct crm_tokens tokens;
static struct crm_signin signin;
static struct secret key; /* the org's, made once */
static const char *org_keys;

/* ------------------------------------------------------------ the org's key */

static const char *number(const gnutls_datum_t *n)
{
    size_t skip = n->size > 1 && n->data[0] == 0;
    return base64url_encode(arena, n->data + skip, n->size - skip);
}

static void key_make(void)
{
    gnutls_x509_privkey_t made;
    gnutls_datum_t pem, m, e, d, p, q, u;
    gnutls_x509_privkey_init(&made);
    CHECK_INT(gnutls_x509_privkey_generate(made, GNUTLS_PK_RSA, 2048, 0), 0);
    gnutls_x509_privkey_export2_pkcs8(made, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    gnutls_x509_privkey_export_rsa_raw(made, &m, &e, &d, &p, &q, &u);
    secret_set(&key, (char *)pem.data, pem.size);
    org_keys = arena_printf(arena, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}]}",
                            number(&m), number(&e));
    gnutls_datum_t *all[] = {&pem, &m, &e, &d, &p, &q, &u};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        gnutls_free(all[i]->data);
    gnutls_x509_privkey_deinit(made);
}

/* Claims of a good id_token; tests change one. */
struct claims {
    const char *iss, *aud, *nonce, *sub, *token;
    int64_t exp;
};

static struct claims good_claims(void)
{
    return (struct claims){.iss = base_url,
                           .aud = "3MVG9",
                           .nonce = signin.nonce,
                           .sub = "/id/00D000000000062EAA/005000000000001AAA",
                           .token = "tok",
                           .exp = world.now_ms(&world) / 1000 + 120};
}

static const char *id_token_of(const struct claims *c)
{
    unsigned char digest[32];
    crypto_hash_sha256(digest, (const unsigned char *)c->token, strlen(c->token));
    const char *payload = arena_printf(
        arena,
        "{\"iss\":\"%s\",\"aud\":\"%s\",\"nonce\":\"%s\",\"sub\":\"%s%s\",\"exp\":%lld,"
        "\"at_hash\":\"%s\"}",
        c->iss, c->aud, c->nonce, base_url, c->sub, (long long)c->exp,
        base64url_encode(arena, digest, 16));
    return sf_jwt_sign(arena, &key, payload, &err);
}

/* ------------------------------------------------------------------ an org */

static void given_org(const char *scope, const char *sandbox, const char *id_token)
{
    can("POST /services/oauth2/token", 200,
        arena_printf(arena,
                     "{\"access_token\":\"tok\",\"refresh_token\":\"ref\",\"scope\":\"%s\","
                     "\"instance_url\":\"%s\"%s%s%s,"
                     "\"id\":\"%s/id/00D000000000062EAA/005000000000001AAA\"}",
                     scope, base_url, id_token ? ",\"id_token\":\"" : "", id_token ? id_token : "",
                     id_token ? "\"" : "", base_url));
    can("GET /id/keys", 200, org_keys ? org_keys : "{}");
    can("GET /id/00D000000000062EAA/005000000000001AAA", 200,
        "{\"user_id\":\"005000000000001AAA\",\"organization_id\":\"00D000000000062EAA\","
        "\"username\":\"ann@acme.com\"}");
    can("GET /services/data/v66.0/query?q=SELECT%20Id%2C%20Name%2C%20IsSandbox", 200,
        arena_printf(arena,
                     "{\"totalSize\":1,\"done\":true,\"records\":[{\"Id\":\"00D000000000062EAA\","
                     "\"Name\":\"Acme\","
                     "\"IsSandbox\":%s}]}",
                     sandbox));
    can("POST /services/oauth2/revoke", 200, "");
    can_usual();
}

static void begin(void)
{
    connection = (struct connection){.name = "new"};
    signin = (struct crm_signin){.login_url = base_url,
                                 .insecure_host = "127.0.0.1",
                                 .client_id = "3MVG9",
                                 .redirect_uri = "http://localhost:1/cb"};
    CHECK_OK(salesforce_connector.signin_begin(&world, arena, &signin, &err), &err);
}

static enum status finish(void)
{
    enum status rc = salesforce_connector.signin_finish(&world, arena, &signin, "aPrx.code==",
                                                        &connection, &tokens, &err);
    secret_wipe(&signin.verifier);
    return rc;
}

#define ALL "api refresh_token id openid profile"

TEST(signin, learns_who_and_where)
{
    begin();
    given_org(ALL, "false", NULL);
    CHECK_OK(finish(), &err);
    CHECK_STR(connection.environment, "local");
    CHECK_STR(connection.org_name, "Acme");
    CHECK_STR(connection.org_id, "00D000000000062EAA");
    CHECK_STR(connection.username, "ann@acme.com");
    CHECK_STR(connection.instance_url, base_url);
    CHECK_STR(secret_reveal(&tokens.refresh), "ref");
    const char *exchange = seen_nth("POST /services/oauth2/token", 0);
    CHECK_CONTAINS(exchange, "code=aPrx.code%3D%3D");
    CHECK_CONTAINS(exchange, "code_verifier=");
    CHECK_INT(seen_with("POST /services/oauth2/token"), 1);
    CHECK_INT(seen_with("/oauth2/revoke"), 0);
    crm_tokens_wipe(&tokens);
}

TEST(signin, missing_scopes_are_said_with_the_click_that_adds_them)
{
    begin();
    given_org("id openid profile", "false", NULL);
    CHECK_FAIL(finish(), &err, ERR_CRM_REFUSED);
    CHECK_CONTAINS(err.message, "api refresh_token");
    CHECK_CONTAINS(err.hint, "Selected OAuth Scopes");
    CHECK_INT(seen_with("Bearer tok"), 0);
    CHECK_STR(salesforce_connector.signin_missing(arena, CRM_GRANT_CODE, "api refresh_token"),
              "id openid profile");
    CHECK(!salesforce_connector.signin_missing(arena, CRM_GRANT_JWT, "api"));
}

TEST(signin, the_environment_is_the_one_asked_for_and_a_refused_grant_is_given_back)
{
    begin();
    given_org(ALL, "true", NULL);
    CHECK_FAIL(finish(), &err, "connect.wrong_environment");
    CHECK_CONTAINS(err.hint, "--sandbox");
    CHECK_CONTAINS(seen_nth("/oauth2/revoke", 0), "token=ref");
    begin();
    signin.sandbox = true;
    CHECK_OK(finish(), &err);
    CHECK_STR(connection.environment, "sandbox");
    cans_clear();
    begin();
    signin.sandbox = true;
    given_org(ALL, "false", NULL);
    CHECK_FAIL(finish(), &err, "connect.wrong_environment");
    CHECK_CONTAINS(err.hint, "My Domain");
    CHECK_INT(seen_with("/oauth2/revoke"), 2);
    crm_tokens_wipe(&tokens);
}

/* ----------------------------------------------------------------- id_token */

static enum status finish_with(const struct claims *c)
{
    cans_clear();
    given_org(ALL, "false", id_token_of(c));
    return finish();
}

TEST(signin, an_id_token_must_be_for_this_very_sign_in)
{
    struct claims c;
    key_make();
    begin();
    c = good_claims();
    CHECK_OK(finish_with(&c), &err);
    CHECK_INT(seen_with("GET /id/keys"), 1);
    crm_tokens_wipe(&tokens);

    const struct {
        const char *why;
        struct claims with;
    } bad[] = {
        {"its nonce is not ours", {.nonce = "another"}},
        {"it is for another app", {.aud = "3MVG9other"}},
        {"it has expired", {.exp = 1}},
        {"its issuer is not the org", {.iss = "https://login.salesforce.com"}},
        {"it speaks of another user", {.sub = "/id/00D000000000062EAA/005000000000009AAA"}},
        {"it came with another access token", {.token = "stolen"}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin();
        c = good_claims();
        const struct claims *w = &bad[i].with;
        c.nonce = w->nonce ? w->nonce : c.nonce;
        c.aud = w->aud ? w->aud : c.aud;
        c.iss = w->iss ? w->iss : c.iss;
        c.sub = w->sub ? w->sub : c.sub;
        c.token = w->token ? w->token : c.token;
        c.exp = w->exp ? w->exp : c.exp;
        CHECK_FAIL(finish_with(&c), &err, "connect.id_token");
        CHECK_CONTAINS(err.message, bad[i].why);
    }
    CHECK_INT(seen_with("/oauth2/revoke"), (int)(sizeof bad / sizeof *bad));
    secret_wipe(&key);
    org_keys = NULL;
}

TEST(signin, an_id_token_must_be_signed_by_the_org)
{
    key_make();
    begin();
    struct claims c = good_claims();
    const char *token = id_token_of(&c);
    secret_wipe(&key);
    key_make(); /* the org has another key */
    given_org(ALL, "false", token);
    CHECK_FAIL(finish(), &err, "connect.id_token");
    CHECK_CONTAINS(err.message, "signature");
    cans_clear();
    begin(); /* "none" is no algorithm */
    const char *dot = strchr(token, '.');
    c = good_claims();
    token = id_token_of(&c);
    dot = strchr(token, '.');
    given_org(ALL, "false",
              arena_printf(arena, "%s%s", base64url_encode(arena, "{\"alg\":\"none\"}", 14), dot));
    CHECK_FAIL(finish(), &err, "connect.id_token");
    cans_clear();
    begin();
    given_org(ALL, "false", "rubbish");
    CHECK_FAIL(finish(), &err, "connect.id_token");
    secret_wipe(&key);
    org_keys = NULL;
}

/* -------------------------------------------------------------------- hosts */

static enum status begin_at(const char *url, const char *insecure_host)
{
    struct crm_signin wish = {.login_url = url,
                              .insecure_host = insecure_host,
                              .client_id = "3MVG9",
                              .redirect_uri = "http://localhost:1/cb"};
    enum status rc = salesforce_connector.signin_begin(&world, arena, &wish, &err);
    secret_wipe(&wish.verifier);
    return rc;
}

TEST(signin, goes_to_salesforce_or_to_the_loopback_host_that_was_named)
{
    CHECK_OK(begin_at("https://login.salesforce.com", NULL), &err);
    CHECK_OK(begin_at("https://acme--uat.sandbox.my.salesforce.com", NULL), &err);
    CHECK_OK(begin_at("http://127.0.0.1:8460", "127.0.0.1"), &err);
    CHECK_OK(begin_at("http://localhost:8460", "localhost"), &err);
    CHECK_FAIL(begin_at("http://127.0.0.1:8460", NULL), &err, "connect.insecure_host");
    CHECK_CONTAINS(err.hint, "--insecure-host 127.0.0.1");
    CHECK_FAIL(begin_at("http://127.0.0.1:8460", "localhost"), &err, "connect.insecure_host");
    CHECK_FAIL(begin_at("https://evil.example", "evil.example"), &err, ERR_INVALID);
    CHECK_FAIL(begin_at("https://login.salesforce.com", "10.0.0.1"), &err,
               "connect.insecure_host");
}

TEST(signin, test_env_wants_the_sandboxs_own_address)
{
    CHECK_FAIL(begin_at("https://test.salesforce.com", NULL), &err, "connect.generic_test_host");
    CHECK_CONTAINS(err.cause, "External Client Apps");
    CHECK_CONTAINS(err.hint, ".sandbox.my.salesforce.com");
}

TEST(signin, a_token_in_hand_makes_a_connection)
{
    struct secret access = {0};
    secret_set(&access, "tok", 3);
    begin();
    secret_wipe(&signin.verifier);
    /* userinfo is closed to it, but the API root holds the identity URL */
    can_times("GET /services/data/v66.0/", 200,
              arena_printf(arena, "{\"identity\":\"%s/id/00D000000000062EAA/005000000000001AAA\"}",
                           base_url),
              1);
    can("GET /services/oauth2/userinfo", 403, "Bad_OAuth_Token");
    can("GET /services/data/v66.0/query?q=SELECT%20Username", 200,
        "{\"totalSize\":1,\"done\":true,\"records\":[{\"Username\":\"bob@acme.com\"}]}");
    given_org("", "false", NULL);
    CHECK_OK(salesforce_connector.signin_token(&world, arena, &signin, &access, &connection,
                                               &tokens, &err),
             &err);
    CHECK_STR(connection.user_id, "005000000000001AAA");
    CHECK_STR(connection.username, "bob@acme.com");
    CHECK_STR(secret_reveal(&tokens.access), "tok");
    crm_tokens_wipe(&tokens);
    secret_wipe(&access);
}
