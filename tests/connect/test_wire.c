/* test_wire.c - reads, look-ups and tokens against canned answers: what is
 * sent, how often, and what is made of what comes back. */
#include "connect/canned.h"

#include "base/str.h"
#include "base/uri.h"

#include <pthread.h>
#include <string.h>

/* ----------------------------------------------------------------- reads */

TEST(wire, describes_once_and_says_the_nearest_name)
{
    can_usual();
    const struct crm_object *lead = salesforce_connector.describe(session, "lead", &err);
    CHECK_GOT(lead, &err);
    CHECK_STR(lead->name, "Lead");
    CHECK(crm_object_field(lead, "EMAIL") != NULL);
    CHECK(salesforce_connector.describe(session, "Lead", &err) == lead);
    CHECK_INT(session->calls, 1);
    CHECK_INT(session->limit_used, 25);
    CHECK_INT(session->limit_max, 15000);
    CHECK(session->server_date_ms > 0);
    CHECK(salesforce_connector.describe(session, "Acount", &err) == NULL);
    CHECK_STR(err.code, ERR_NOT_FOUND);
    CHECK_CONTAINS(err.hint, "Did you mean Account?");
    CHECK_INT(seen_with("Bearer first"), 4); /* with the version list and the list of names */
}

TEST(wire, an_answer_that_repeats_the_token_is_not_quoted)
{
    int64_t count;
    can_times("GET /services/data/v66.0/query", 400,
              "[{\"errorCode\":\"MALFORMED\",\"message\":\"no: Bearer first\"}]", 1);
    can("GET /services/data/v66.0/query", 400, "[{\"errorCode\":\"first\",\"message\":\"\"}]");
    can_usual();
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err,
               "sf.MALFORMED");
    CHECK_LACKS(err.message, "first");
    CHECK(salesforce_connector.count(session, "Lead", NULL, &count, &err) != OK);
    CHECK_LACKS(err.code, "first");
}
TEST(wire, takes_an_older_version_where_the_org_is_older)
{
    can("GET /services/data/v58.0/sobjects/Lead/describe", 200, lead_describe);
    can("GET /services/data/", 200, "[{\"version\":\"57.0\"},{\"version\":\"58.0\"}]");
    CHECK_GOT(salesforce_connector.describe(session, "Lead", &err), &err);
}

#define RECORD(id, stamp, rest)                                                                    \
    "{\"attributes\":{\"type\":\"Lead\",\"url\":\"/x\"},\"Id\":\"" id                              \
    "\",\"SystemModstamp\":\"" stamp "\"," rest "}"
#define STAMP1 "2026-11-23T10:00:00.000+0000"
#define STAMP2 "2026-11-23T10:00:01.000+0000"

TEST(wire, reads_pages_in_select_order)
{
    const char *fields[] = {"Email",   "Owner.Name", "Id",         "Amount__c",
                            "Address", "Email",      "Owner.Alias"};
    struct crm_read read = {
        .object = "Lead", .fields = fields, .field_count = 7, .where = "Email != null"};
    struct crm_page page;
    can("GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":3,\"done\":false,\"nextRecordsUrl\":\"/services/data/v66.0//query/"
        "0r8xx0AAA-2\",\"records\":[" RECORD(
            "00Q000000000001EAA", STAMP1,
            "\"Email\":\"a@b.co\",\"Owner\":{\"attributes\":{\"type\":\"User\"},"
            "\"Name\":\"Ann\",\"Alias\":\"ann\"},\"Amount__c\":1.5E3,\"Address\":{\"city\":\"Ulm\","
            "\"street\":null}") "," RECORD("00Q000000000002EAA", STAMP1,
                                           "\"Email\":null,\"Owner\":null,\"Amount__c\":null,"
                                           "\"Address\":null") "]}");
    can("GET /services/data/v66.0/query/0r8xx0AAA-2", 200,
        "{\"totalSize\":3,\"done\":true,\"records\":[" RECORD(
            "00Q000000000003", STAMP2,
            "\"Amount__c\":2,\"Owner\":{\"Name\":\"Bob\"},\"Email\":\"c@d.ef\"") "]}");
    can_usual();
    struct crm_reader *reader = salesforce_connector.read_open(session, &read, &err);
    CHECK_GOT(reader, &err);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK_INT(page.count, 2);
    CHECK_INT(page.total, 3);
    CHECK(!page.last);
    struct value *v = page.records[0].values;
    CHECK_STR(v[0].text, "a@b.co");
    CHECK_STR(v[1].text, "Ann");
    CHECK_STR(v[2].text, "00Q000000000001EAA");
    CHECK_STR(v[3].text, "1.5E3");
    CHECK_STR(v[4].text, "{\"city\":\"Ulm\",\"street\":null}");
    CHECK_STR(v[5].text, "a@b.co");
    CHECK_STR(v[6].text, "ann");
    CHECK_STR(page.records[0].stamp, STAMP1);
    CHECK(page.records[1].values[1].text == NULL && page.records[1].values[4].text == NULL);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK_INT(page.total, -1);
    CHECK(page.last);
    CHECK_STR(page.records[0].values[0].text, "c@d.ef"); /* members out of order are found */
    CHECK_STR(page.records[0].values[1].text, "Bob");
    CHECK_INT(strlen(page.records[0].id), 18);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK(page.last && page.count == 0);
    salesforce_connector.read_close(reader);
    CHECK_INT(session->calls, 3);
    CHECK_CONTAINS(seen_nth("/query?q=", 0),
                   "SELECT%20Id%2C%20SystemModstamp%2C%20Email%2C%20Owner.Name%2C%20"
                   "Owner.Alias%2C%20Amount__c%2C%20Address%20FROM%20Lead%20WHERE%20%28"
                   "Email%20%21%3D%20null%29%20ORDER%20BY%20Id");
}

TEST(wire, a_lost_cursor_costs_one_page)
{
    const char *fields[] = {"Email"};
    struct crm_read read = {.object = "Lead",
                            .fields = fields,
                            .field_count = 1,
                            .by_stamp = true,
                            .since_stamp = STAMP1,
                            .since_id = "00Q000000000001EAA",
                            .until_ms = 1795428000000};
    struct crm_page page;
    can_times(
        "GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":2,\"done\":false,\"nextRecordsUrl\":\"/services/data/v66.0/query/"
        "01gX-1\",\"records\":[" RECORD("00Q000000000005EAA", STAMP1, "\"Email\":\"a@b.co\"") "]}",
        1);
    can("GET /services/data/v66.0/query/01gX-1", 400,
        "[{\"errorCode\":\"INVALID_QUERY_LOCATOR\",\"message\":\"invalid query locator\"}]");
    can("GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":1,\"done\":true,\"records\":[" RECORD("00Q000000000006EAA", STAMP2,
                                                              "\"Email\":null") "]}");
    can_usual();
    struct crm_reader *reader = salesforce_connector.read_open(session, &read, &err);
    CHECK_GOT(reader, &err);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK_OK(salesforce_connector.read_next(reader, arena, &page, &err), &err);
    CHECK(page.last);
    CHECK_STR(page.records[0].id, "00Q000000000006EAA");
    salesforce_connector.read_close(reader);
    char *first =
        uri_decode(arena, seen_nth("/query?q=", 0), strlen(seen_nth("/query?q=", 0)), false, NULL);
    char *second =
        uri_decode(arena, seen_nth("/query?q=", 1), strlen(seen_nth("/query?q=", 1)), false, NULL);
    CHECK_CONTAINS(
        first,
        "WHERE ((SystemModstamp = 2026-11-23T10:00:00.000Z AND Id > '00Q000000000001EAA') OR "
        "SystemModstamp > 2026-11-23T10:00:00.000Z) AND SystemModstamp < ");
    CHECK_CONTAINS(first, "ORDER BY SystemModstamp, Id");
    CHECK_CONTAINS(second, "Id > '00Q000000000005EAA'");
}

TEST(wire, a_read_is_tried_again_and_a_fault_ends_it)
{
    int64_t count = 0;
    can_times("GET /services/data/v66.0/query", 503, "<html>maintenance</html>", 1);
    cans[0].type = "text/html";
    can_times("GET /services/data/v66.0/query", 200, "{}", 1);
    cans[1].broken = HTTP_BREAK_BEFORE;
    can_times("GET /services/data/v66.0/query", 200, "<html>login</html>", 1);
    cans[2].type = "text/html";
    can_times("GET /services/data/v66.0/query", 200,
              "{\"totalSize\":17,\"done\":true,\"records\":[]}", 1);
    can("GET /services/data/v66.0/query", 400,
        "[{\"errorCode\":\"INVALID_FIELD\",\"message\":\"\\nSELECT COUNT() FROM Lead\\n       ^\\n"
        "ERROR at Row:1:Column:8\\nNo such column 'Nope' on entity "
        "'Lead'.\"}]");
    can_usual();
    CHECK_OK(salesforce_connector.count(session, "Lead", "Email = null", &count, &err), &err);
    CHECK_INT(count, 17);
    CHECK_INT(sleeps, 3);
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err,
               "sf.INVALID_FIELD");
    CHECK_CONTAINS(err.hint, "Field Permissions, Nope: tick Read Access");
    CHECK_STR(err.message, "counting Lead: No such column 'Nope' on entity 'Lead'.");
    CHECK_INT(seen_with("/query?q="), 5);
}

TEST(wire, the_daily_limit_is_a_pause_and_not_hammered)
{
    int64_t count;
    can("GET /services/data/v66.0/query", 403,
        "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"TotalRequests Limit "
        "exceeded.\"}]");
    can_usual();
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err,
               ERR_CRM_LIMIT);
    CHECK_INT(seen_with("/query?q="), 1);
}

/* ---------------------------------------------------------------- tokens */

TEST(wire, an_ended_session_is_renewed_once_and_kept_before_use)
{
    int64_t count = 0;
    can_times("GET /services/data/v66.0/query", 401, STALE, 1);
    can("GET /services/data/v66.0/query", 200, "{\"totalSize\":1,\"done\":true,\"records\":[]}");
    can("POST /services/oauth2/token", 200, grant("second", "rotated"));
    can_usual();
    CHECK_OK(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err);
    CHECK_INT(saves, 1);
    CHECK_STR(secret_reveal(&vault.access), "second");
    CHECK_STR(secret_reveal(&vault.refresh), "rotated");
    CHECK_CONTAINS(seen_nth("/query?q=", 1), "Bearer second");
    CHECK_CONTAINS(seen_nth("POST /services/oauth2/token", 0), "refresh_token=fresh");
    CHECK_INT(seen_with("POST /services/oauth2/token"), 1);
}

TEST(wire, a_token_stored_by_another_process_is_taken_without_asking)
{
    int64_t count = 0;
    can_times("GET /services/data/v66.0/query", 401, STALE, 1);
    can("GET /services/data/v66.0/query", 200, "{\"totalSize\":1,\"done\":true,\"records\":[]}");
    can_usual();
    secret_set(&vault.access, "theirs", 6);
    CHECK_OK(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err);
    CHECK_INT(seen_with("POST /services/oauth2/token"), 0);
    CHECK_INT(seen_with("Bearer theirs"), 1);
}

TEST(wire, a_gone_grant_wants_a_person)
{
    int64_t count;
    can("GET /services/data/v66.0/query", 401, STALE);
    can("POST /services/oauth2/token", 400,
        "{\"error\":\"invalid_grant\",\"error_description\":\"expired access/refresh token\"}");
    can_usual();
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err,
               ERR_CRM_RECONNECT);
    CHECK_CONTAINS(err.hint, "Connect again");
    CHECK_INT(seen_with("POST /services/oauth2/token"), 1);
}

TEST(wire, two_refreshers_meet_and_the_second_waits)
{
    int64_t count = 0;
    can_times("GET /services/data/v66.0/query", 401, STALE, 1);
    can("GET /services/data/v66.0/query", 200, "{\"totalSize\":1,\"done\":true,\"records\":[]}");
    can_times("POST /services/oauth2/token", 400,
              "{\"error\":\"invalid_grant\",\"error_description\":\"token request is already being "
              "processed\"}",
              2);
    can("POST /services/oauth2/token", 200, grant("third", NULL));
    can_usual();
    CHECK_OK(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err);
    CHECK_INT(sleeps, 2);
    CHECK_STR(secret_reveal(&vault.refresh), "fresh"); /* not rotated: the old one stays */
}

static void *count_once(void *arg)
{
    struct err mine = {0};
    int64_t count = 0;
    return salesforce_connector.count(arg, "Lead", NULL, &count, &mine) == OK && count == 1 ? arg
                                                                                            : NULL;
}

TEST(wire, eight_threads_whose_session_ended_refresh_once)
{
    struct connection connection = {.name = "c",
                                    .login_url = base_url,
                                    .instance_url = base_url,
                                    .org_id = "00D000000000062EAA",
                                    .user_id = "005000000000001AAA"};
    struct crm_session *sessions[8];
    pthread_t threads[8];
    void *done;
    can("GET /services/data/v66.0/query", 401, STALE);
    cans[0].auth = "Bearer first";
    can("GET /services/data/v66.0/query", 200, "{\"totalSize\":1,\"done\":true,\"records\":[]}");
    can_times("POST /services/oauth2/token", 200, grant("second", "rotated"), 1);
    can("POST /services/oauth2/token", 400,
        "{\"error\":\"invalid_grant\",\"error_description\":\"expired access/refresh token\"}");
    can_usual();
    for (int i = 0; i < 8; i++) {
        sessions[i] = salesforce_connector.open(world_real(), &connection, &store, &err);
        CHECK_GOT(sessions[i], &err);
    }
    for (int i = 0; i < 8; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, count_once, sessions[i]), 0);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &done);
        CHECK(done != NULL);
        salesforce_connector.close(sessions[i]);
    }
    CHECK_INT(seen_with("POST /services/oauth2/token"), 1);
    CHECK_INT(saves, 1);
}

TEST(wire, some_refusals_never_start_a_refresh_loop)
{
    int64_t count;
    can("GET /services/data/v66.0/query", 401,
        "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"This session is not valid for use "
        "with the REST API\"}]");
    can_usual();
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err,
               ERR_CRM_NOT_ADMITTED);
    CHECK_INT(seen_with("POST /services/oauth2/token"), 0);
    CHECK_CONTAINS(err.hint, "scope");
}

TEST(wire, another_org_behind_the_same_login_is_noticed)
{
    int64_t count;
    can("GET /services/data/v66.0/query", 401, STALE);
    can("POST /services/oauth2/token", 200,
        arena_printf(arena,
                     "{\"access_token\":\"x\",\"instance_url\":\"%s\",\"id\":"
                     "\"https://login.salesforce.com/id/00D000000000099EAA/005000000000001AAA\"}",
                     base_url));
    can_usual();
    CHECK_FAIL(salesforce_connector.count(session, "Lead", NULL, &count, &err), &err,
               ERR_CRM_WRONG_ORG);
    CHECK_INT(saves, 0);
}

TEST(wire, a_token_never_follows_an_instance_url_elsewhere)
{
    int64_t count;
    can("GET /services/data/v66.0/query", 401, STALE);
    can("POST /services/oauth2/token", 200,
        "{\"access_token\":\"x\",\"instance_url\":\"https://evil.example\",\"id\":\"\"}");
    can_usual();
    CHECK(salesforce_connector.count(session, "Lead", NULL, &count, &err) != OK);
    CHECK_CONTAINS(err.message, "evil.example is not a Salesforce host");
    CHECK_INT(saves, 0);
}

/* ---------------------------------------------------------------- lookup */

static struct crm_match *results[16];

static enum status look(const char *field, const struct value *keys, size_t rows)
{
    const char *match[] = {field};
    const char *fields[] = {"Id", "Company", "Owner.Name"};
    struct crm_lookup lookup = {.object = "Lead",
                                .match_fields = match,
                                .match_count = 1,
                                .return_fields = fields,
                                .return_count = 3,
                                .keys = keys,
                                .row_count = rows};
    return salesforce_connector.lookup(session, &lookup, arena, results, &err);
}

TEST(wire, looks_up_many_keys_in_one_query)
{
    struct value keys[] = {{"A@b.co", 6}, {"a@B.co", 6}, {"o'x@b.co", 8},
                           VALUE_NULL,    {" ", 1},      {"none@b.co", 9}};
    can("GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":3,\"done\":true,\"records\":["
        "{\"attributes\":{},\"Id\":\"00Q000000000001EAA\",\"Email\":\"a@b.co\",\"Company\":\"Old\","
        "\"Owner\":{\"attributes\":{},\"Name\":\"Ann\"}},"
        "{\"attributes\":{},\"Id\":\"00Q000000000002EAA\",\"Email\":\"A@B.CO\",\"Company\":\"New\","
        "\"Owner\":null},"
        "{\"attributes\":{},\"Id\":\"00Q000000000003EAA\",\"Email\":\"O'X@b.co\",\"Company\":null,"
        "\"Owner\":null}]}");
    can_usual();
    CHECK_OK(look("Email", keys, 6), &err);
    CHECK_STR(results[0]->id, "00Q000000000001EAA");
    CHECK_STR(results[0]->record,
              "{\"Id\":\"00Q000000000001EAA\",\"Company\":\"Old\",\"Owner\":{\"Name\":\"Ann\"}}");
    CHECK_STR(results[0]->next->id, "00Q000000000002EAA");
    CHECK(results[1] == results[0]);
    CHECK_STR(results[2]->id, "00Q000000000003EAA");
    CHECK(!results[3] && !results[4] && !results[5]);
    CHECK_INT(session->calls, 2);
    char *sent =
        uri_decode(arena, seen_nth("/query?q=", 0), strlen(seen_nth("/query?q=", 0)), false, NULL);
    CHECK_CONTAINS(
        sent,
        "SELECT Id, Email, Company, Owner.Name FROM Lead WHERE (Email IN ('A@b.co','o\\'x@b.co',"
        "'none@b.co')) ORDER BY CreatedDate, Id");
}

TEST(wire, a_failed_look_up_is_an_error_and_never_none)
{
    struct value keys[] = {{"a@b.co", 6}};
    can("GET /services/data/v66.0/query?q=", 400,
        "[{\"errorCode\":\"MALFORMED_QUERY\",\"message\":\"x\"}]");
    can_usual();
    CHECK_FAIL(look("Email", keys, 1), &err, "sf.MALFORMED_QUERY");
    CHECK_FAIL(look("Notes", keys, 1), &err, ERR_INVALID); /* not filterable */
    CHECK_FAIL(look("Emial", keys, 1), &err, ERR_NOT_FOUND);
    CHECK_CONTAINS(err.hint, "Did you mean Email?");
}

TEST(wire, a_record_that_cannot_be_placed_is_not_called_none)
{
    struct value keys[] = {{"stra\xC3\x9F"
                            "e@b.co",
                            12}};
    can_times(
        "GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":1,\"done\":true,\"records\":[{\"Id\":\"00Q000000000001EAA\",\"Email\":"
        "\"stra\xC5\xBF"
        "e@b.co\",\"Company\":null,\"Owner\":null}]}",
        1);
    can("GET /services/data/v66.0/query?q=", 200,
        "{\"totalSize\":1,\"done\":true,\"records\":[{\"Id\":\"00Q000000000001EAA\",\"Email\":"
        "\"wholly@other.co\",\"Company\":null,\"Owner\":null}]}");
    can_usual();
    CHECK_OK(look("Email", keys, 1), &err); /* loosely the same: placed */
    CHECK_GOT(results[0], &err);
    CHECK_FAIL(look("Email", keys, 1), &err, ERR_CRM_REFUSED);
    CHECK_CONTAINS(err.message, "00Q000000000001EAA");
}

TEST(wire, ten_thousand_keys_cost_two_calls)
{
    size_t n = 10000;
    struct value *keys = arena_array(arena, n, sizeof *keys);
    const char *match[] = {"Email"};
    struct crm_match **found = arena_array(arena, n, sizeof *found);
    struct buf body = BUF_INIT;
    struct crm_lookup lookup = {
        .object = "Lead", .match_fields = match, .match_count = 1, .keys = keys, .row_count = n};
    for (size_t i = 0; i < n; i++) {
        keys[i].text = arena_printf(arena, "somebody.with.a.name%zu@company.example", i);
        keys[i].len = (uint32_t)strlen(keys[i].text);
    }
    buf_str(&body, "{\"compositeResponse\":[");
    for (int i = 4; i >= 0; i--) /* in another order than asked */
        buf_printf(&body,
                   "%s{\"referenceId\":\"q%d\",\"httpStatusCode\":200,\"httpHeaders\":{},\"body\":{"
                   "\"totalSize\":0,"
                   "\"done\":true,\"records\":[]}}",
                   i < 4 ? "," : "", i);
    buf_str(&body, "]}");
    can("POST /services/data/v66.0/composite", 200, buf_text(&body));
    can_usual();
    CHECK_OK(salesforce_connector.lookup(session, &lookup, arena, found, &err), &err);
    CHECK_INT(session->calls, 1 + 2);
    CHECK_INT(session->calls_one_each, 1 + 10000);
    buf_free(&body);
}

TEST(wire, a_part_that_met_a_passing_fault_is_asked_again)
{
    size_t n = 1500;
    struct value *keys = arena_array(arena, n, sizeof *keys);
    struct crm_match **found = arena_array(arena, n, sizeof *found);
    const char *match[] = {"Email"};
    struct crm_lookup lookup = {
        .object = "Lead", .match_fields = match, .match_count = 1, .keys = keys, .row_count = n};
    for (size_t i = 0; i < n; i++) {
        keys[i].text = arena_printf(arena, "a%zu@b.co", i);
        keys[i].len = (uint32_t)strlen(keys[i].text);
    }
#define NOTHING "{\"totalSize\":0,\"done\":true,\"records\":[]}"
#define PART(id, status, body)                                                                     \
    "{\"referenceId\":\"" id "\",\"httpStatusCode\":" status ",\"httpHeaders\":{},\"body\":" body  \
    "}"
    can_times("POST /services/data/v66.0/composite", 200,
              "{\"compositeResponse\":[" PART("q0", "200", NOTHING) "," PART(
                  "q1", "500", "[{\"errorCode\":\"UNKNOWN_EXCEPTION\",\"message\":\"x\"}]") "]}",
              1);
    can_times(
        "POST /services/data/v66.0/composite", 200,
        "{\"compositeResponse\":[" PART("q0", "200", NOTHING) "," PART("q1", "200", NOTHING) "]}",
        1);
    can("POST /services/data/v66.0/composite", 200,
        "{\"compositeResponse\":[" PART("q0", "200", NOTHING) "]}");
    can_usual();
    CHECK_OK(salesforce_connector.lookup(session, &lookup, arena, found, &err), &err);
    CHECK_INT(sleeps, 1);
    /* a part that is missing is an error too, never "none" */
    CHECK(salesforce_connector.lookup(session, &lookup, arena, found, &err) != OK);
}
