/* test_scripted.c - the second connector keeps the seam honest. */
#include "base/str.h"
#include "connect/scripted/scripted.h"
#include "support/check.h"

#include <string.h>

static const char script[] =
    "{\"page\":2,\"objects\":{\"Lead\":{\"keyPrefix\":\"00Q\",\"fields\":["
    "{\"name\":\"Email\",\"type\":\"email\",\"length\":80,\"createable\":true,\"updateable\":true},"
    "{\"name\":\"Key__c\",\"type\":\"string\",\"unique\":true,\"createable\":true,\"updateable\":"
    "true}],"
    "\"records\":[{\"Id\":\"00Q000000000001AAA\",\"Email\":\"a@b.co\"},{\"Id\":"
    "\"00Q000000000002AAA\","
    "\"Email\":\"A@B.co\"},{\"Id\":\"00Q000000000003AAA\",\"Email\":null}]}}}";

static struct scripted *org;
static struct crm_session *session;
static struct arena *arena;
static struct err err;

static void start(void)
{
    struct connection connection = {.name = "c"};
    arena = arena_new();
    org = scripted_new(script, &err);
    CHECK_GOT(org, &err);
    scripted_use(org);
    session = scripted_connector.open(world_real(), &connection, NULL, &err);
    CHECK_GOT(session, &err);
}
static void stop(void)
{
    scripted_connector.close(session);
    scripted_use(NULL);
    scripted_free(org);
    arena_free(arena);
}
EACH_TEST(start, stop)

TEST(scripted, reads_in_pages_and_looks_up)
{
    const char *fields[] = {"Email", "Id"};
    struct crm_read read = {.object = "Lead", .fields = fields, .field_count = 2};
    struct crm_reader *reader = scripted_connector.read_open(session, &read, &err);
    struct crm_page page;
    CHECK_GOT(reader, &err);
    CHECK_OK(scripted_connector.read_next(reader, arena, &page, &err), &err);
    CHECK_INT(page.count, 2);
    CHECK_INT(page.total, 3);
    CHECK(!page.last);
    CHECK_OK(scripted_connector.read_next(reader, arena, &page, &err), &err);
    CHECK(page.last && page.count == 1 && page.records[0].values[0].text == NULL);
    scripted_connector.read_close(reader);

    const char *match[] = {"Email"};
    struct value keys[] = {{"a@b.co", 6}, VALUE_NULL, {"x@y.zz", 6}};
    struct crm_match *results[3];
    struct crm_lookup lookup = {.object = "Lead",
                                .match_fields = match,
                                .match_count = 1,
                                .return_fields = fields,
                                .return_count = 2,
                                .keys = keys,
                                .row_count = 3};
    CHECK_OK(scripted_connector.lookup(session, &lookup, arena, results, &err), &err);
    CHECK_STR(results[0]->id, "00Q000000000001AAA");
    CHECK_STR(results[0]->next->id, "00Q000000000002AAA");
    CHECK(!results[1] && !results[2]);
}

TEST(scripted, writes_change_records_and_outcomes_can_lie)
{
    struct crm_write create = {.kind = OP_CREATE,
                               .object = "Lead",
                               .key_field = "Key__c",
                               .key_value = "k1",
                               .payload = "{\"Email\":\"n@b.co\",\"Key__c\":\"k1\"}"};
    struct crm_write_options options = {0};
    struct crm_outcome out;
    CHECK_OK(scripted_add(org,
                          "{\"outcomes\":[{\"class\":\"unknown\",\"executed\":true},"
                          "{\"class\":\"rejected\",\"code\":\"STRING_TOO_LONG\"}]}",
                          &err),
             &err);
    scripted_connector.write(session, &create, 1, &options, arena, &out);
    CHECK_INT(out.class, CRM_UNKNOWN);
    CHECK_INT(scripted_record_count(org, "Lead"), 4);
    scripted_connector.write(session, &create, 1, &options, arena, &out);
    CHECK_INT(out.class, CRM_REJECTED);
    CHECK_STR(out.code, "STRING_TOO_LONG");
    scripted_connector.write(session, &create, 1, &options, arena, &out);
    CHECK_INT(out.class, CRM_EXISTS); /* the key is unique */
    struct crm_write update = {.kind = OP_UPDATE,
                               .object = "Lead",
                               .id = out.other_id,
                               .payload = "{\"Email\":\"o@b.co\"}"};
    scripted_connector.write(session, &update, 1, &options, arena, &out);
    CHECK_INT(out.class, CRM_EXECUTED);
    CHECK_STR(scripted_field(org, "Lead", update.id, "Email"), "\"o@b.co\"");
    CHECK_INT(scripted_write_count(org), 4);
    CHECK_CONTAINS(scripted_writes(org), "\"class\":\"exists\"");
}

TEST(scripted, a_call_fails_once_when_told_to)
{
    int64_t count;
    CHECK_OK(
        scripted_add(org, "{\"fail\":[{\"call\":\"count\",\"code\":\"connect.limit\"}]}", &err),
        &err);
    CHECK_FAIL(scripted_connector.count(session, "Lead", NULL, &count, &err), &err, ERR_CRM_LIMIT);
    CHECK_OK(scripted_connector.count(session, "Lead", NULL, &count, &err), &err);
    CHECK_INT(count, 3);
}
