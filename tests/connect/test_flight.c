/* test_flight.c - several exchanges under way at once, and rows that are a request
 * of their own. Guards src/connect/salesforce/write*.c, http_send_watched. */
#include "connect/canned.h"

#include "base/str.h"

#include <string.h>

#define LEAD_ID "00Q000000000001EAA"

/* ------------------------------------------------------------ several at once */

#define EXCHANGES 6

static struct crm_write writes[EXCHANGES][2];
static struct crm_outcome outcomes[EXCHANGES][2];
static struct crm_exchange list[EXCHANGES];
static int left[EXCHANGES], seen_before[EXCHANGES], back[EXCHANGES], turned_away;
static size_t most_at_once, at_once, allowed;

static void given_exchanges(enum op_kind kind, bool alone)
{
    memset(left, 0, sizeof left);
    memset(back, 0, sizeof back);
    turned_away = -1;
    most_at_once = at_once = 0;
    allowed = 3;
    for (size_t i = 0; i < EXCHANGES; i++) {
        for (size_t k = 0; k < 2; k++)
            writes[i][k] = (struct crm_write){
                .kind = kind,
                .object = "Lead",
                .id = kind == OP_CREATE ? NULL : arena_printf(arena, "00Q%09zu%03zuEAA", i, k),
                .payload = arena_printf(arena, "{\"LastName\":\"n%zu-%zu\"}", i, k)};
        list[i] = (struct crm_exchange){.writes = writes[i],
                                        .count = 2,
                                        .arena = arena,
                                        .outcomes = outcomes[i],
                                        .options = {.resend_harmless = kind != OP_CREATE,
                                                    .alone = alone,
                                                    .timeout_ms = 5000}};
    }
}

static bool leaving(void *ctx, size_t i)
{
    if ((int)i == turned_away)
        return false;
    left[i]++;
    seen_before[i] = seen_with(arena_printf(arena, "n%zu-0", i)); /* none of its bytes came yet */
    if (++at_once > most_at_once)
        most_at_once = at_once;
    return true;
}

static void landed(void *ctx, size_t i)
{
    at_once--;
    back[i]++;
}

static size_t parallel(void *ctx)
{
    return allowed;
}

static void fly(void)
{
    struct crm_watch watch = {NULL, leaving, landed, parallel};
    salesforce_connector.write_many(session, list, EXCHANGES, &watch);
}

#define TWO_CREATED                                                                                \
    "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]},"                                \
    "{\"id\":\"00Q000000000002\",\"success\":true,\"errors\":[]}]"

TEST(flight, each_is_announced_before_it_leaves_and_handed_back_once)
{
    can("POST /services/data/v66.0/composite/sobjects", 200, TWO_CREATED);
    can_usual();
    given_exchanges(OP_CREATE, false);
    fly();
    for (size_t i = 0; i < EXCHANGES; i++) {
        CHECK_INT(left[i], 1);
        CHECK_INT(back[i], 1);
        CHECK_INT(seen_before[i], 0);
        CHECK_INT(seen_with(arena_printf(arena, "n%zu-0", i)), 1);
        CHECK_INT(outcomes[i][1].class, CRM_EXECUTED);
    }
    CHECK(most_at_once > 1);
    CHECK(most_at_once <= 3);
}

TEST(flight, what_is_turned_away_never_leaves)
{
    can("POST /services/data/v66.0/composite/sobjects", 200, TWO_CREATED);
    can_usual();
    given_exchanges(OP_CREATE, false);
    turned_away = 2;
    fly();
    CHECK_INT(back[2], 0);
    CHECK_INT(seen_with("n2-0"), 0);
    CHECK_INT(seen_with("POST /services/data/v66.0/composite/sobjects"), EXCHANGES - 1);
}

/* Matrix 43: many 401 at once, one renewal. */
TEST(flight, a_dead_session_is_renewed_once_for_all)
{
    can("PATCH /services/data/v66.0/composite/sobjects", 401, STALE);
    can("POST /services/oauth2/token", 200, grant("renewed", "next"));
    can_usual();
    given_exchanges(OP_UPDATE, false);
    allowed = EXCHANGES;
    fly();
    for (size_t i = 0; i < EXCHANGES; i++)
        CHECK_INT(outcomes[i][0].class, CRM_NOT_EXECUTED);
    CHECK_INT(seen_with("POST /services/oauth2/token"), 1);
    CHECK_STR(secret_reveal(&vault.access), "renewed");
}

TEST(flight, an_org_that_wants_fewer_says_so)
{
    can("PATCH /services/data/v66.0/composite/sobjects", 200,
        "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]},{\"success\":false,"
        "\"errors\":[{\"statusCode\":\"UNABLE_TO_LOCK_ROW\",\"message\":\"unable to obtain\","
        "\"fields\":[]}]}]");
    can_usual();
    given_exchanges(OP_UPDATE, false);
    fly();
    CHECK(!outcomes[0][0].busy);
    CHECK(outcomes[0][1].busy);
    CHECK_INT(outcomes[0][1].class, CRM_NOT_EXECUTED);
}

/* ---------------------------------------------------------------- of their own */

static struct crm_outcome outcome;

static void send_alone(enum op_kind kind, const char *since)
{
    struct crm_write write = {.kind = kind,
                              .object = "Lead",
                              .id = kind == OP_CREATE ? NULL : LEAD_ID,
                              .payload = "{\"LastName\":\"Ng\"}",
                              .unmodified_since = since};
    struct crm_write_options options = {.alone = true, .timeout_ms = 5000};
    salesforce_connector.write(session, &write, 1, &options, arena, &outcome);
}

TEST(alone, a_create_tells_which_records_a_duplicate_rule_found)
{
    can("POST /services/data/v66.0/sobjects/Lead", 400,
        "[{\"duplicateResut\":{\"allowSave\":true,\"duplicateRule\":\"Leads\",\"matchResults\":[{"
        "\"matchRecords\":[{\"record\":{\"Id\":\"00Q000000000777EAA\"}},{\"record\":{\"Id\":"
        "\"00Q000000000778EAA\"}}]}]},\"errorCode\":\"DUPLICATES_DETECTED\",\"message\":\"Use one "
        "of these records?\"}]");
    can_usual();
    send_alone(OP_CREATE, NULL);
    CHECK_INT(outcome.class, CRM_REJECTED);
    CHECK_STR(outcome.other_id, "00Q000000000777EAA, 00Q000000000778EAA");
}

TEST(alone, a_create_is_executed_with_its_id)
{
    can("POST /services/data/v66.0/sobjects/Lead", 201,
        "{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}");
    can_usual();
    send_alone(OP_CREATE, NULL);
    CHECK_INT(outcome.class, CRM_EXECUTED);
    CHECK(outcome.created);
    CHECK(strncmp(outcome.id, LEAD_ID, 15) == 0);
    CHECK_CONTAINS(seen_nth("POST /services/data/v66.0/sobjects/Lead", 0),
                   "\n{\"LastName\":\"Ng\"}");
}

TEST(alone, a_change_goes_on_condition)
{
    can_times("PATCH /services/data/v66.0/sobjects/Lead/" LEAD_ID, 204, "", 1);
    can("PATCH /services/data/v66.0/sobjects/Lead/" LEAD_ID, 412,
        "[{\"errorCode\":\"ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE\",\"message\":\"x\"}]");
    can_usual();
    send_alone(OP_UPDATE, "2026-11-23T10:11:12.345+0000");
    CHECK_INT(outcome.class, CRM_EXECUTED);
    CHECK_STR(outcome.id, LEAD_ID);
    CHECK_CONTAINS(seen_nth("PATCH", 0), "Mon, 23 Nov 2026 10:11:13 GMT");
    send_alone(OP_UPDATE, "2026-11-23T10:11:12.345+0000");
    CHECK_INT(outcome.class, CRM_CHANGED);
}

TEST(alone, a_status_line_is_proof_though_the_rest_is_cut)
{
    can("POST /services/data/v66.0/sobjects/Lead", 201,
        "{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]}");
    can_last()->broken = HTTP_BREAK_MIDDLE;
    can_usual();
    send_alone(OP_CREATE, NULL);
    CHECK_INT(outcome.class, CRM_EXECUTED);
    CHECK(outcome.id == NULL); /* to be found by its key */
}

TEST(alone, several_are_parts_of_one_call)
{
    can("POST /services/data/v66.0/composite", 200,
        "{\"compositeResponse\":["
        "{\"body\":null,\"httpHeaders\":{},\"httpStatusCode\":204,\"referenceId\":\"part0\"},"
        "{\"body\":[{\"errorCode\":\"PRECONDITION_FAILED\",\"message\":\"x\"}],\"httpHeaders\":{},"
        "\"httpStatusCode\":412,\"referenceId\":\"part1\"}]}");
    can_usual();
    given_exchanges(OP_UPDATE, true);
    writes[0][0].unmodified_since = "2026-11-23T10:11:12.000+0000";
    salesforce_connector.write(session, writes[0], 2, &list[0].options, arena, outcomes[0]);
    CHECK_INT(session->calls, 1);
    CHECK_INT(outcomes[0][0].class, CRM_EXECUTED);
    CHECK_STR(outcomes[0][0].id, writes[0][0].id);
    CHECK_INT(outcomes[0][1].class, CRM_CHANGED);
    CHECK_CONTAINS(seen_nth("POST /services/data/v66.0/composite", 0),
                   "\"If-Unmodified-Since\":\"Mon, 23 Nov 2026 10:11:12 GMT\"");
}

TEST(alone, an_upsert_never_puts_its_key_into_an_address)
{
    can("PATCH /services/data/v66.0/composite/sobjects/Lead/Key__c", 200,
        "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[],\"created\":true}]");
    can_usual();
    struct crm_write write = {.kind = OP_UPSERT,
                              .object = "Lead",
                              .key_field = "Key__c",
                              .key_value = "a/b?c#d%e+f'g .inc",
                              .payload = "{\"LastName\":\"Ng\"}"};
    struct crm_write_options options = {.alone = true, .timeout_ms = 5000};
    salesforce_connector.write(session, &write, 1, &options, arena, &outcome);
    CHECK_INT(outcome.class, CRM_EXECUTED);
    CHECK_CONTAINS(seen_nth("PATCH", 0), "\"Key__c\":\"a/b?c#d%e+f'g .inc\"");
}

TEST(deleting, goes_by_ids_and_gone_is_gone)
{
    can("DELETE /services/data/v66.0/composite/sobjects?allOrNone=false&ids=", 200,
        "[{\"id\":\"00Q000000000001\",\"success\":true,\"errors\":[]},{\"success\":false,"
        "\"errors\":[{\"statusCode\":\"ENTITY_IS_DELETED\",\"message\":\"entity is deleted\","
        "\"fields\":[]}]}]");
    can_usual();
    given_exchanges(OP_DELETE, false);
    salesforce_connector.write(session, writes[0], 2, &list[0].options, arena, outcomes[0]);
    CHECK_INT(outcomes[0][0].class, CRM_EXECUTED);
    CHECK_INT(outcomes[0][1].class, CRM_EXECUTED);
    CHECK_STR(outcomes[0][1].id, writes[0][1].id);
}
