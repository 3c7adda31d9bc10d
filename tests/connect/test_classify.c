/* test_classify.c - reliability B.7, row by row. */
#include "base/str.h"
#include "connect/salesforce/sf_priv.h"
#include "support/check.h"

#include <string.h>

static struct arena *arena;
static struct crm_outcome outcomes[3];
static struct crm_write writes[3];
static struct http_response http;
static struct http_header json_type = {"Content-Type", "application/json;charset=UTF-8", NULL};
static struct http_header html_type = {"Content-Type", "text/html; charset=utf-8", NULL};

static void start(void)
{
    arena = arena_new();
    memset(outcomes, 0, sizeof outcomes);
    memset(&http, 0, sizeof http);
    http.progress = HTTP_GOT_ALL;
    http.headers = &json_type;
    for (int i = 0; i < 3; i++)
        writes[i] = (struct crm_write){.kind = OP_CREATE,
                                       .object = "Lead",
                                       .payload = "{}",
                                       .key_field = "Key__c",
                                       .key_value = "k"};
}
static void stop(void)
{
    arena_free(arena);
}
EACH_TEST(start, stop)

static void answer(int status, const char *body, size_t rows)
{
    struct err ignored;
    struct sf_exchange x = {.writes = writes,
                            .outcomes = outcomes,
                            .count = rows,
                            .http = &http,
                            .status = status,
                            .body = body ? json_parse(arena, body, strlen(body), &ignored) : NULL};
    http.status = http.status ? http.status : status;
    sf_classify(&x, arena);
}

/* One row refused with this code inside a complete 200. */
static enum crm_class row(const char *code, const char *message)
{
    answer(200,
           arena_printf(arena,
                        "[{\"success\":false,\"errors\":[{\"statusCode\":\"%s\",\"message\":\"%s\","
                        "\"fields\":[\"A\",\"B\"]}]}]",
                        code, message),
           1);
    return outcomes[0].class;
}

/* The exchange broke: how far it got and what came. */
static enum crm_class broke(enum http_progress progress, int status)
{
    struct sf_exchange x = {.writes = writes,
                            .outcomes = outcomes,
                            .count = 1,
                            .http = &http,
                            .status = status,
                            .http_error = ERR_HTTP_BROKEN};
    http.progress = progress;
    http.status = status;
    http.body_cut = status != 0;
    sf_classify(&x, arena);
    return outcomes[0].class;
}

TEST(classify, nothing_sent_is_proof)
{
    CHECK_INT(broke(HTTP_NOT_STARTED, 0), CRM_NOT_EXECUTED);
    CHECK_INT(broke(HTTP_RESOLVED, 0), CRM_NOT_EXECUTED);
    CHECK_INT(broke(HTTP_CONNECTED, 0), CRM_NOT_EXECUTED);
    CHECK_INT(broke(HTTP_TLS_DONE, 0), CRM_NOT_EXECUTED);
    CHECK_INT(broke(HTTP_SENT_SOME, 0), CRM_UNKNOWN);
    CHECK_INT(broke(HTTP_SENT_ALL, 0), CRM_UNKNOWN);
    CHECK_INT(broke(HTTP_GOT_STATUS, 200), CRM_UNKNOWN);
    CHECK_INT(broke(HTTP_GOT_HEADERS, 400), CRM_UNKNOWN);
    CHECK_CONTAINS(outcomes[0].evidence, "\"progress\":\"got_headers\"");
}

TEST(classify, rows_of_a_whole_answer)
{
    answer(200,
           "[{\"id\":\"00QD000000IqhSL\",\"success\":true,\"errors\":[]},"
           "{\"success\":false,\"errors\":[{\"statusCode\":\"REQUIRED_FIELD_MISSING\",\"message\":"
           "\"Required fields are missing: [LastName]\",\"fields\":[\"LastName\"]}]},"
           "{\"success\":true,\"errors\":[]}]",
           3);
    CHECK_INT(outcomes[0].class, CRM_EXECUTED);
    CHECK_INT(strlen(outcomes[0].id), 18);
    CHECK(outcomes[0].created);
    CHECK_INT(outcomes[1].class, CRM_REJECTED);
    CHECK_STR(outcomes[1].code, "REQUIRED_FIELD_MISSING");
    CHECK_STR(outcomes[1].fields, "LastName");
    CHECK_STR(outcomes[1].cause, "Lead cannot be saved without LastName.");
    CHECK(outcomes[1].hint != NULL);
    CHECK_INT(outcomes[2].class, CRM_EXECUTED); /* executed, id unknown */
    CHECK(outcomes[2].id == NULL);
}

TEST(classify, a_wrong_number_of_results_says_nothing_of_any_row)
{
    answer(200, "[{\"id\":\"00QD000000IqhSL\",\"success\":true,\"errors\":[]}]", 2);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
    CHECK_INT(outcomes[1].class, CRM_UNKNOWN);
    answer(200,
           "[{\"id\":\"00QD000000IqhSL\",\"success\":true,\"errors\":[]},"
           "{\"id\":\"00QD000000IqhSM\",\"success\":true,\"errors\":[]}]",
           1);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
    answer(200, "[{},{\"success\":\"yes\"}]", 2);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
    CHECK_INT(outcomes[1].class, CRM_UNKNOWN);
    answer(200, "{\"hello\":1}", 1);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
    answer(201, NULL, 1);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
}

TEST(classify, codes_of_refused_rows)
{
    static const char *const rejected[] = {"FIELD_CUSTOM_VALIDATION_EXCEPTION",
                                           "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                                           "DUPLICATES_DETECTED",
                                           "INVALID_FIELD",
                                           "STRING_TOO_LONG",
                                           "MALFORMED_ID",
                                           "ENTITY_IS_DELETED",
                                           "NOT_FOUND",
                                           "INSUFFICIENT_ACCESS_OR_READONLY",
                                           "INVALID_EMAIL_ADDRESS",
                                           "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"};
    for (size_t i = 0; i < sizeof rejected / sizeof *rejected; i++)
        CHECK_INT(row(rejected[i], "m"), CRM_REJECTED);
    CHECK_INT(row("UNABLE_TO_LOCK_ROW", "m"), CRM_NOT_EXECUTED);
    CHECK_INT(row("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), CRM_PAUSE);
    CHECK_INT(row("UNKNOWN_EXCEPTION", "m"), CRM_UNKNOWN);
    CHECK_INT(row("SOMETHING_NEW", "m"), CRM_UNKNOWN);
    CHECK_INT(row("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                  "Too many batch retries in the presence of Apex"),
              CRM_UNKNOWN);
    CHECK_INT(row("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                  "T: execution of BeforeInsert caused by: UNABLE_TO_LOCK_ROW"),
              CRM_NOT_EXECUTED);
    CHECK_INT(row("DUPLICATE_EXTERNAL_ID", "Key: more than one record found"), CRM_SEVERAL);
}

TEST(classify, a_duplicate_of_our_own_key_is_ours_or_a_rivals)
{
    CHECK_INT(
        row("DUPLICATE_VALUE",
            "duplicate value found: Key__c duplicates value on record with id: 001D000000IqhSL"),
        CRM_EXISTS);
    CHECK_STR(outcomes[0].other_id, "001D000000IqhSLIAZ");
    CHECK_INT(
        row("DUPLICATE_VALUE",
            "duplicate value found: Other__c duplicates value on record with id: 001D000000IqhSL"),
        CRM_REJECTED);
    CHECK_STR(outcomes[0].other_id, "001D000000IqhSLIAZ");
    CHECK_INT(
        row("DUPLICATE_VALUE",
            "duplicate value found: MyKey__c duplicates value on record with id: 001D000000IqhSL"),
        CRM_REJECTED); /* another field whose name ends like ours */
    CHECK_INT(row("DUPLICATE_VALUE",
                  "duplicate value found: <unknown> duplicates value on record with id: <unknown>"),
              CRM_EXISTS);
    CHECK(outcomes[0].other_id == NULL);
    CHECK_INT(row("DUPLICATE_VALUE", "Duplicate external id specified: k"), CRM_NOT_EXECUTED);
    writes[0].key_field = NULL;
    CHECK_INT(
        row("DUPLICATE_VALUE",
            "duplicate value found: Key__c duplicates value on record with id: 001D000000IqhSL"),
        CRM_REJECTED);
}

TEST(classify, whole_refusals)
{
    answer(400, "[{\"errorCode\":\"JSON_PARSER_ERROR\",\"message\":\"m\"}]", 2);
    CHECK_INT(outcomes[1].class, CRM_REJECTED);
    answer(401,
           "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"Session expired or invalid\"}]",
           1);
    CHECK_INT(outcomes[0].class, CRM_NOT_EXECUTED);
    answer(403,
           "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"TotalRequests Limit "
           "exceeded.\"}]",
           1);
    CHECK_INT(outcomes[0].class, CRM_PAUSE);
    answer(
        404,
        "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"Provided external ID field does not exist\"}]",
        1);
    CHECK_INT(outcomes[0].class, CRM_REJECTED);
    answer(300, "[\"/services/data/v66.0/sobjects/X/1\",\"/services/data/v66.0/sobjects/X/2\"]", 1);
    CHECK_INT(outcomes[0].class, CRM_SEVERAL);
    answer(413, NULL, 1);
    CHECK_INT(outcomes[0].class, CRM_REJECTED);
    answer(500, "[{\"errorCode\":\"UNKNOWN_EXCEPTION\",\"message\":\"m\"}]", 1);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
    answer(500, "[{\"errorCode\":\"INVALID_FIELD\",\"message\":\"m\"}]", 1);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
    answer(502, NULL, 1);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
    answer(404, NULL, 1);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
    http.headers = &html_type;
    answer(200, "[{\"id\":\"00QD000000IqhSL\",\"success\":true,\"errors\":[]}]", 1);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
    answer(503, NULL, 1);
    CHECK_INT(outcomes[0].class, CRM_UNKNOWN);
}

static enum crm_class busy(bool harmless, enum op_kind kind)
{
    struct err ignored;
    const char *body = "[{\"errorCode\":\"SERVER_UNAVAILABLE\",\"message\":\"m\"}]";
    writes[0].kind = kind;
    struct sf_exchange x = {.writes = writes,
                            .outcomes = outcomes,
                            .count = 1,
                            .http = &http,
                            .status = 503,
                            .body = json_parse(arena, body, strlen(body), &ignored),
                            .resend_harmless = harmless};
    http.status = 503;
    sf_classify(&x, arena);
    return outcomes[0].class;
}

TEST(classify, a_busy_server_is_asked_again_only_where_that_is_harmless)
{
    CHECK_INT(busy(true, OP_CREATE), CRM_NOT_EXECUTED);
    CHECK_INT(busy(true, OP_UPDATE), CRM_UNKNOWN);
    CHECK_INT(busy(false, OP_CREATE), CRM_UNKNOWN);
}

TEST(classify, evidence_holds_codes_and_no_more)
{
    row("STRING_TOO_LONG", "First Name: data value too large: secret text (max length=40)");
    CHECK_STR(
        outcomes[0].evidence,
        "{\"http\":200,\"progress\":\"got_all\",\"took_ms\":0,\"codes\":[\"STRING_TOO_LONG\"]}");
}
