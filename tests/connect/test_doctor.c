/* test_doctor.c - each symptom of the decision table (salesforce-auth 4.6) leads
 * to its first cause; nothing secret of a pasted text is repeated. */
#include "base/str.h"
#include "connect/salesforce/sf_priv.h"
#include "support/check.h"

static const struct {
    int row;
    const char *pasted, *cause, *fix; /* in the first finding */
} symptoms[] = {
    {1, "OAUTH_APPROVAL_ERROR_GENERIC : An unexpected error has occured during authentication.",
     "not installed", "Connected Apps OAuth Usage"},
    {1,
     "https://a.my.salesforce.com/setup/secur/RemoteAccessErrorPage.apexp?error=invalid_client&"
     "error_description=app+must+be+installed+into+org",
     "not installed", "Approve Uninstalled"},
    {2, "error=OAUTH_APP_BLOCKED&error_description=this+app+is+blocked+by+admin", "blocked",
     "Unblock"},
    {3, "OAUTH_APP_ACCESS_DENIED: user is not admin approved to access this app", "approved",
     "Manage Connected Apps"},
    {4, "OAUTH_EC_APP_NOT_FOUND", "another", "My Domain"},
    {4,
     "{\"error\":\"app_not_found\",\"error_description\":\"External client app is not installed\"}",
     "not installed", "My Domain"},
    {5, "error=invalid_client_id&error_description=client%20identifier%20invalid", "consumer key",
     "Manage Consumer Details"},
    {6, "redirect_uri_mismatch", "callback address", "Callback URL"},
    {7, "error=invalid_request&error_description=missing%20required%20code%20challenge", "PKCE",
     ""},
    {8, "{\"error\":\"invalid_grant\",\"error_description\":\"expired authorization code\"}",
     "used twice", "again"},
    {9, "{\"error\":\"invalid_client\",\"error_description\":\"invalid client credentials\"}",
     "secret", "Manage Consumer Details"},
    {10, "it works until the session timeout, then fails", "Refresh Token Policy",
     "Manage Connected"},
    {11, "token request is already being processed", "Two programs", "own"},
    {12, "sudden total failure, the user cannot log in to the UI either", "froze", "Unfreeze"},
    {13, "{\"error\":\"invalid_grant\",\"error_description\":\"ip restricted\"}", "Login IP Ranges",
     "Relax IP restrictions"},
    {14, "{\"error\":\"invalid_grant\",\"error_description\":\"authentication failure\"}",
     "not accepted", "login URL"},
    {15,
     "{\"error\":\"invalid_grant\",\"error_description\":\"user hasn't approved this consumer\"}",
     "never approved", "pre-authorized"},
    {16, "audience is invalid", "another host", "My Domain"},
    {16, "{\"error\":\"invalid_grant\",\"error_description\":\"invalid assertion\"}", "certificate",
     "digital signatures"},
    {17, "request not supported on this domain", "My Domain", "My Domain"},
    {18, "no client credentials user enabled", "Run As", "Run As"},
    {19, "Session expired or invalid", "locked", "Lock sessions"},
    {20, "This session is not valid for use with the REST API", "scope api",
     "Selected OAuth Scopes"},
    {21, "INVALID_AUTH_HEADER", "", ""},
    {22,
     "[{\"errorCode\":\"API_CURRENTLY_DISABLED\",\"message\":\"API is disabled for this User\"}]",
     "API Enabled", "API Enabled"},
    {23, "REQUEST_LIMIT_EXCEEDED", "24 hours", "Wait"},
    {24, "Bad_OAuth_Token", "expired", "Connect again"},
    {25, "HTTP 503", "Maintenance", "status.salesforce.com"},
    {26, "the app is missing from Connected Apps OAuth Usage", "successful sign-in", "Install"},
    {27, "our integration user cannot connect", "browser", "--client-credentials"},
    {28, "everything is fine but no refresh token came", "refresh_token", "Selected OAuth Scopes"},
    {29, "LOGIN_RATE_EXCEEDED", "3,600", "Wait"},
};

TEST(doctor, every_symptom_leads_to_its_first_cause)
{
    struct arena *arena = arena_new();
    int last = 0;
    for (size_t i = 0; i < sizeof symptoms / sizeof *symptoms; i++) {
        struct crm_findings found;
        sf_doctor_text(arena, symptoms[i].pasted, &found);
        CHECK(found.count > 0);
        CHECK(found.items[0].cause != NULL);
        CHECK_CONTAINS(found.items[0].cause, symptoms[i].cause);
        CHECK_CONTAINS(found.items[0].fix ? found.items[0].fix : "", symptoms[i].fix);
        CHECK(symptoms[i].row == last || symptoms[i].row == last + 1); /* none left out */
        last = symptoms[i].row;
    }
    CHECK(last == 29);
    arena_free(arena);
}

TEST(doctor, repeats_nothing_of_a_pasted_text_but_the_error)
{
    struct arena *arena = arena_new();
    struct crm_findings found;
    sf_doctor_text(
        arena, "http://127.0.0.1:1/callback?code=aPrxSECRET&state=STATESECRET&error=app_blocked",
        &found);
    CHECK(found.count == 1);
    CHECK_LACKS(found.items[0].evidence, "SECRET");
    sf_doctor_text(arena, "Authorization: Bearer 00Dxx!SECRET said MALFORMED_QUERY", &found);
    CHECK(found.count == 1);
    CHECK_LACKS(found.items[0].evidence, "SECRET");
    sf_doctor_text(arena, "nothing of the kind", &found);
    CHECK(found.count == 0);
    arena_free(arena);
}

TEST(doctor, says_whose_job_a_fix_is)
{
    CHECK_CONTAINS(sf_fixer("Setup, App Manager: edit"), "administrator");
    CHECK_CONTAINS(sf_fixer("Connect again."), "OAuth user");
    CHECK_CONTAINS(sf_fixer("Set the clock."), "runs Argil");
    CHECK(sf_fixer("") == NULL);
}

TEST(doctor, an_assertion_needs_an_rsa_key)
{
    struct arena *arena = arena_new();
    struct secret pem = {0};
    struct err err = {0};
    secret_set(&pem, "-----BEGIN nonsense", 19);
    CHECK(sf_jwt_sign(arena, &pem, "{}", &err) == NULL);
    CHECK_CONTAINS(err.message, "private key cannot be used");
    CHECK_LACKS(err.message, "nonsense");
    CHECK_CONTAINS(err.hint, "openssl req");
    secret_wipe(&pem);
    arena_free(arena);
}
