/* test_send.c - writes and sign-in against canned answers. */
#include "connect/canned.h"

#include "base/str.h"

#include <string.h>

/* ----------------------------------------------------------------- writes */

static struct crm_outcome outcomes[1000];
static struct crm_write writes[1000];

static void given_writes(enum op_kind kind, size_t count)
{
    for (size_t i = 0; i < count; i++)
        writes[i] = (struct crm_write){
            .kind = kind,
            .object = "Lead",
            .key_field = kind == OP_UPDATE ? NULL : "Key__c",
            .id = kind == OP_UPDATE ? arena_printf(arena, "00Q%012zu", i) : NULL,
            .key_value = arena_printf(arena, "k%zu", i),
            .payload = kind == OP_CREATE
                           ? arena_printf(
                                 arena, "{\"LastName\":\"n\\u00e9%zu\",\"Key__c\":\"k%zu\"}", i, i)
                           : "{\"LastName\":\"x\"}"};
}

static void write_all(size_t count, bool harmless)
{
    struct crm_write_options options = {.resend_harmless = harmless, .timeout_ms = 5000};
    salesforce_connector.write(session, writes, count, &options, arena, outcomes);
}

/* O6: one attempt is one request, whatever happens to it. */
TEST(send, one_attempt_is_one_request)
{
    static const struct {
        int status;
        const char *body, *type;
        enum http_break broken;
        enum crm_class class;
    } faults[] = {
        {200, "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}]", NULL,
         HTTP_BREAK_NONE, CRM_EXECUTED},
        {200, "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}]", NULL,
         HTTP_BREAK_BEFORE, CRM_UNKNOWN},
        {200, "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}]", NULL,
         HTTP_BREAK_MIDDLE, CRM_UNKNOWN},
        {503, "<html></html>", "text/html", HTTP_BREAK_NONE, CRM_UNKNOWN},
        {500, "[{\"errorCode\":\"UNKNOWN_EXCEPTION\",\"message\":\"x\"}]", NULL, HTTP_BREAK_NONE,
         CRM_UNKNOWN},
        {502, "", NULL, HTTP_BREAK_NONE, CRM_UNKNOWN},
        {429, "[{\"errorCode\":\"TOO_MANY\",\"message\":\"x\"}]", NULL, HTTP_BREAK_NONE,
         CRM_UNKNOWN},
        {403, "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"x\"}]", NULL,
         HTTP_BREAK_NONE, CRM_PAUSE},
        {302, "", NULL, HTTP_BREAK_NONE, CRM_UNKNOWN},
        {401, STALE, NULL, HTTP_BREAK_NONE, CRM_NOT_EXECUTED},
    };
    for (int harmless = 0; harmless < 2; harmless++)
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
            cans_clear();
            can("POST /services/data/v66.0/composite/sobjects", faults[i].status, faults[i].body);
            cans[0].type = faults[i].type;
            cans[0].broken = faults[i].broken;
            can("POST /services/oauth2/token", 200, grant("again", NULL));
            can_usual();
            given_writes(OP_CREATE, 1);
            writes[0].key_field = NULL;
            int before = seen_with("POST /services/data/v66.0/composite/sobjects");
            write_all(1, harmless);
            CHECK_INT(seen_with("POST /services/data/v66.0/composite/sobjects") - before, 1);
            CHECK_INT(outcomes[0].class, faults[i].class);
            CHECK(outcomes[0].evidence != NULL);
            CHECK_LACKS(outcomes[0].evidence, "first");
            CHECK_LACKS(outcomes[0].evidence, "again");
        }
}

TEST(send, nobody_listens_so_nothing_was_executed)
{
    can_usual();
    CHECK_GOT(salesforce_connector.describe(session, "Lead", &err), &err);
    http_server_stop(server, 0);
    server = NULL;
    given_writes(OP_CREATE, 1);
    write_all(1, false);
    CHECK_INT(outcomes[0].class, CRM_NOT_EXECUTED);
}

TEST(send, a_dead_session_is_renewed_for_the_next_attempt)
{
    can("PATCH /services/data/v66.0/composite/sobjects", 401, STALE);
    can("POST /services/oauth2/token", 200, grant("renewed", "next"));
    can_usual();
    given_writes(OP_UPDATE, 2);
    write_all(2, true);
    CHECK_INT(outcomes[0].class, CRM_NOT_EXECUTED);
    CHECK_INT(outcomes[1].class, CRM_NOT_EXECUTED);
    CHECK_STR(secret_reveal(&vault.access), "renewed");
    cans_clear();
    can("POST /services/oauth2/token", 400,
        "{\"error\":\"invalid_grant\",\"error_description\":\"expired access/refresh token\"}");
    can("PATCH /services/data/v66.0/composite/sobjects", 401, STALE);
    write_all(2, true);
    CHECK_INT(outcomes[0].class, CRM_PAUSE);
    CHECK_STR(outcomes[0].code, ERR_CRM_RECONNECT);
}

TEST(send, payload_bytes_travel_as_they_are)
{
    can("POST /services/data/v66.0/composite/sobjects", 200,
        "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}]");
    can("PATCH /services/data/v66.0/composite/sobjects/Lead/Key__c", 200,
        "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[],\"created\":true}]");
    can_usual();
    given_writes(OP_CREATE, 1);
    write_all(1, false);
    const char *sent = seen_nth("POST /services/data/v66.0/composite/sobjects", 0);
    CHECK_CONTAINS(sent, "{\"allOrNone\":false,\"records\":[{\"attributes\":{\"type\":\"Lead\"},"
                         "\"LastName\":\"n\\u00e90\",\"Key__c\":\"k0\"}]}");
    CHECK_CONTAINS(sent, "allowSave=false");
    given_writes(OP_UPSERT, 1);
    write_all(1, false);
    CHECK(outcomes[0].created);
    CHECK_CONTAINS(seen_nth("PATCH ", 0),
                   "{\"attributes\":{\"type\":\"Lead\"},\"Key__c\":\"k0\",\"LastName\":\"x\"}");
}

static const char *composite_answer(size_t count, int limit_part)
{
    struct buf body = BUF_INIT;
    buf_str(&body, "{\"compositeResponse\":[");
    for (size_t at = 0, part = 0; at < count; at += 200, part++) {
        size_t rows = count - at < 200 ? count - at : 200;
        buf_printf(&body, "%s{\"referenceId\":\"part%zu\",\"httpHeaders\":{},", part ? "," : "",
                   part);
        if ((int)part == limit_part) {
            buf_str(&body, "\"httpStatusCode\":403,\"body\":[{\"errorCode\":\"REQUEST_LIMIT_"
                           "EXCEEDED\",\"message\":\"x\"}]}");
            continue;
        }
        buf_str(&body, "\"httpStatusCode\":200,\"body\":[");
        for (size_t i = 0; i < rows; i++)
            buf_printf(&body, "%s{\"id\":\"00Q%012zu\",\"success\":true,\"errors\":[]}",
                       i ? "," : "", at + i);
        buf_str(&body, "]}");
    }
    buf_str(&body, "]}");
    const char *out = arena_strndup(arena, body.data, body.len);
    buf_free(&body);
    return out;
}

TEST(send, a_thousand_records_are_one_call)
{
    can("POST /services/data/v66.0/composite", 200, composite_answer(1000, -1));
    can_usual();
    given_writes(OP_UPDATE, 1000);
    write_all(1000, true);
    CHECK_INT(session->calls, 1);
    CHECK_INT(session->calls_one_each, 1000);
    for (size_t i = 0; i < 1000; i++) {
        CHECK_INT(outcomes[i].class, CRM_EXECUTED);
        CHECK(strncmp(outcomes[i].id, writes[i].id, 15) == 0);
    }
    CHECK_CONTAINS(seen_nth("POST /services/data/v66.0/composite", 0),
                   "\"method\":\"PATCH\",\"url\":\"/services/data/v66.0/composite/"
                   "sobjects\",\"referenceId\":\"part0\","
                   "\"httpHeaders\":{\"Sforce-Duplicate-Rule-Header\":\"allowSave=false\",\"Sforce-"
                   "Auto-Assign\":\"FALSE\"}");
    CHECK_INT(salesforce_connector.write_cost(OP_UPDATE, 1000), 1);
    CHECK_INT(salesforce_connector.write_cost(OP_UPDATE, 1001), 2);
}

TEST(send, each_part_of_a_composite_has_its_own_fate)
{
    can("POST /services/data/v66.0/composite", 200, composite_answer(450, 1));
    can_usual();
    given_writes(OP_UPDATE, 600); /* the answer lacks the last 150 rows */
    write_all(600, true);
    CHECK_INT(outcomes[0].class, CRM_EXECUTED);
    CHECK_INT(outcomes[200].class, CRM_PAUSE);
    CHECK_INT(outcomes[399].class, CRM_PAUSE);
    CHECK_INT(outcomes[400].class, CRM_UNKNOWN);
    CHECK_INT(outcomes[599].class, CRM_UNKNOWN);
}

TEST(send, rows_that_share_a_key_or_make_no_sense_stay_here)
{
    can("POST /services/data/v66.0/composite/sobjects", 200,
        "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}]");
    can_usual();
    given_writes(OP_CREATE, 4);
    writes[1].key_value = "K0"; /* the same key in another case */
    writes[2].payload = "[1]";
    writes[3].payload = "{\"Id\":\"00Q000000000001\"}";
    write_all(4, false);
    CHECK_INT(outcomes[0].class, CRM_EXECUTED);
    CHECK_INT(outcomes[1].class, CRM_NOT_EXECUTED);
    CHECK_STR(outcomes[1].code, "connect.same_key");
    CHECK_INT(outcomes[2].class, CRM_REJECTED);
    CHECK_INT(outcomes[3].class, CRM_REJECTED);
}

TEST(send, a_grant_that_is_gone_already_counts_as_revoked)
{
    struct connection connection = {.login_url = base_url};
    can("POST /services/oauth2/revoke", 400, "error=invalid_token");
    CHECK_OK(salesforce_connector.revoke(&world, &connection, &vault, &err), &err);
    CHECK_CONTAINS(seen_nth("revoke", 0), "token=fresh");
}
