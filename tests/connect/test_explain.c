/* test_explain.c - errors in Salesforce's terms, with who must click where. */
#include "base/str.h"
#include "connect/salesforce/sf_priv.h"
#include "support/check.h"

#include <stdio.h>
#include <string.h>

TEST(explain, names_the_field_the_object_and_the_user)
{
    struct err err;
    err_set(&err, "sf.INVALID_FIELD", "x");
    sf_explain(
        &err, "INVALID_FIELD",
        "\nSELECT Id, Secret__c FROM Lead\n           ^\nERROR at Row:1:Column:12\nNo such column "
        "'Secret__c' on entity 'Lead'. If you are attempting",
        "Lead", "ann@acme.com");
    CHECK_CONTAINS(err.cause, "Lead has no field Secret__c that ann@acme.com can see");
    CHECK_CONTAINS(err.hint, "Field Permissions, Secret__c: tick Read Access");
    err_set(&err, "sf.INVALID_FIELD_FOR_INSERT_UPDATE", "x");
    sf_explain(&err, "INVALID_FIELD_FOR_INSERT_UPDATE",
               "Unable to create/update fields: Rating. Please check the security settings",
               "Account", NULL);
    CHECK_CONTAINS(err.hint, "Rating: tick Edit Access");
    CHECK_CONTAINS(err.hint, "the connected user");
}

TEST(explain, every_row_fits_and_has_a_cause)
{
    for (size_t i = 0; i < sf_code_count(); i++) {
        const struct sf_code *row = sf_code_at(i);
        struct err err;
        err_set(&err, "x", "y");
        sf_explain(&err, row->code, "No such column 'Some_Field__c'", "Some_Object__c",
                   "somebody@example.com");
        CHECK(err.cause[0] != 0);
        CHECK(!text_ends(err.cause, "…") && !text_ends(err.hint, "…"));
        CHECK_LACKS(err.cause, "{");
        CHECK_LACKS(err.hint, "{");
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(sf_code_at(k)->code, row->code) != 0); /* one row a code */
    }
}

TEST(explain, every_sign_in_error_has_its_cause)
{
    for (size_t i = 0; i < sf_oauth_count(); i++) {
        struct err err;
        err_set(&err, "x", "y");
        sf_explain_oauth(&err, sf_oauth_code_at(i),
                         "must be installed, verifier, already being processed");
        CHECK(err.cause[0] && err.hint[0]);
        CHECK(!text_ends(err.cause, "…") && !text_ends(err.hint, "…"));
    }
}

TEST(explain, one_error_code_with_several_meanings_is_told_apart)
{
    struct err err;
    err_set(&err, "x", "y");
    sf_explain_oauth(&err, "invalid_client", "app must be installed into org");
    CHECK_CONTAINS(err.hint, "Install beside the app");
    sf_explain_oauth(&err, "invalid_client", "invalid client credentials");
    CHECK_CONTAINS(err.cause, "secret");
    sf_explain_oauth(&err, "invalid_grant", "ip restricted");
    CHECK_CONTAINS(err.hint, "Relax IP restrictions");
    sf_explain_oauth(&err, "invalid_grant", "no client credentials user enabled");
    CHECK_CONTAINS(err.hint, "Run As");
    sf_explain_oauth(&err, "invalid_grant", "audience is invalid");
    CHECK_CONTAINS(err.hint, "My Domain");
    sf_explain_oauth(&err, "invalid_grant", "expired access/refresh token");
    CHECK_CONTAINS(err.hint, "Connect again");
}

TEST(explain, every_code_that_salesforce_ships_is_known)
{
    static const char *const shipped[] = {"access_denied",
                                          "app_blocked",
                                          "app_not_found",
                                          "authorization_pending",
                                          "bad_jti_claim",
                                          "ecapp_policy_not_found",
                                          "exceeded_registration_limit",
                                          "fail_close_app_blocked",
                                          "immediate_unsuccessful",
                                          "installation_error",
                                          "invalid_app_access",
                                          "invalid_assertion_type",
                                          "invalid_basic_auth_header",
                                          "invalid_client",
                                          "invalid_client_id",
                                          "invalid_distribution_state",
                                          "invalid_dpop_proof",
                                          "invalid_grant",
                                          "invalid_otp",
                                          "invalid_request",
                                          "invalid_scope",
                                          "invalid_session_level",
                                          "invalid_token",
                                          "login_error",
                                          "oauth_flow_disabled",
                                          "oauth_policy_not_found",
                                          "otp_error",
                                          "redirect_uri_missing",
                                          "redirect_uri_mismatch",
                                          "server_error",
                                          "service_unavailable",
                                          "slow_down",
                                          "system_down",
                                          "unknown_error",
                                          "unsupported_grant_type",
                                          "unsupported_response_type",
                                          "unsupported_token_type",
                                          "use_dpop_nonce",
                                          "OAUTH_APPROVAL_ERROR_GENERIC",
                                          "OAUTH_APP_BLOCKED",
                                          "OAUTH_APP_ACCESS_DENIED",
                                          "OAUTH_EC_APP_NOT_FOUND",
                                          "OAUTH_AUTHORIZATION_BLOCKED",
                                          "inactive_user",
                                          "inactive_org",
                                          "rate_limit_exceeded",
                                          "invalid_client_credentials"};
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
        struct err err;
        err_set(&err, shipped[i], "%s", shipped[i]);
        sf_explain_oauth(&err, shipped[i], "code challenge");
        if (!err.cause[0])
            printf("no row for %s\n", shipped[i]);
        CHECK(err.cause[0] != 0);
    }
}
