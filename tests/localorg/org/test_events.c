/* test_events.c - what a transaction tells those who listen. Guards capture.c,
 * event_json.c and events.c of src/localorg/org. */
#include "fixture.h"

#include "base/buf.h"
#include "base/str.h"
#include "localorg/org/events.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

EACH_TEST(given_org, org_gone)

static const struct json *heard[200]; /* data of the events read last */
static const char *topics[200];
static int64_t replays[200];
static size_t count;

static bool hear(void *ctx, const struct org_event *event)
{
    topics[count] = arena_strdup(arena, event->topic);
    replays[count] = event->replay_id;
    heard[count++] = parsed(event->data);
    return count < 200;
}

static size_t read_after(int64_t after)
{
    struct err err = {0};
    count = 0;
    CHECK_OK(org_events_read(org, after, 1000, hear, NULL, &err), &err);
    return count;
}

static void select_object(const char *event)
{
    struct err err = {0};
    CHECK_OK(org_select_member(org, STANDARD_CHANNEL, event, NULL, &err), &err);
}

static const char *header(size_t i, const char *name)
{
    const struct json *value =
        json_path(heard[i], arena_printf(arena, "payload.ChangeEventHeader.%s", name));
    if (json_text(value))
        return json_text(value);
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    if (value)
        jw_value(&w, value);
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}

static const struct json *payload(size_t i, const char *path)
{
    return json_path(heard[i], arena_printf(arena, "payload.%s", path));
}

TEST(events, nothing_is_told_of_objects_nobody_selected)
{
    given("Account", "{\"Name\":\"Acme\"}");
    CHECK_INT(read_after(0), 0);
    select_object("ContactChangeEvent");
    given("Account", "{\"Name\":\"Bolt\"}");
    CHECK_INT(read_after(0), 0);
}

TEST(events, a_new_record_comes_with_all_it_has)
{
    select_object("ContactChangeEvent");
    options.origin = "com/salesforce/api/rest/66.0;client=argil";
    const char *id = given("Contact", "{\"FirstName\":\"Ann\",\"LastName\":\"O'Neill\","
                                      "\"MailingCity\":\"Zürich\",\"DoNotCall\":true}");
    CHECK_INT(read_after(0), 1);
    CHECK_STR(topics[0], "ContactChangeEvent");
    CHECK_STR(header(0, "changeType"), "CREATE");
    CHECK_STR(header(0, "entityName"), "Contact");
    CHECK_STR(header(0, "recordIds"), arena_printf(arena, "[\"%s\"]", id));
    CHECK_STR(header(0, "changedFields"), "[]");
    CHECK_STR(header(0, "commitUser"), admin);
    CHECK_STR(header(0, "changeOrigin"), "com/salesforce/api/rest/66.0;client=argil");
    CHECK_STR(header(0, "commitTimestamp"), "1795428672345");
    CHECK_STR(header(0, "sequenceNumber"), "1");
    CHECK_INT(strlen(header(0, "transactionKey")), 36);
    CHECK_STR(json_text(payload(0, "Name.LastName")), "O'Neill");
    CHECK_STR(json_text(payload(0, "MailingAddress.City")), "Zürich");
    CHECK(json_is(payload(0, "DoNotCall"), JSON_TRUE));
    CHECK_STR(json_text(payload(0, "CreatedDate")), "2026-11-23T10:11:12.000Z");
    CHECK(!payload(0, "SystemModstamp") && !payload(0, "IsDeleted") && !payload(0, "Id"));
    CHECK(!payload(0, "Phone")); /* empty */
    CHECK_INT(json_int(json_path(heard[0], "event.replayId"), 0), replays[0]);
}

TEST(events, an_update_tells_what_changed_and_no_more)
{
    select_object("AccountChangeEvent");
    const char *id = given("Account", "{\"Name\":\"Acme\",\"Phone\":\"1\",\"BillingCity\":\"Bern\"}");
    CHECK_INT(read_after(0), 1);
    int64_t seen = replays[0];
    world_fake_advance(world, 5000);
    CHECK_OUTCOME(updated("Account", id, "{\"Name\":\"Acme\",\"Phone\":null,\"AnnualRevenue\":12,"
                                         "\"BillingCity\":\"Basel\"}"),
                  "done");
    CHECK_INT(read_after(seen), 1);
    CHECK_STR(header(0, "changeType"), "UPDATE");
    CHECK_STR(header(0, "changedFields"),
              "[\"BillingAddress.City\",\"Phone\",\"AnnualRevenue\",\"LastModifiedDate\"]");
    CHECK(json_is(payload(0, "Phone"), JSON_NULL) && payload(0, "Phone"));
    CHECK_STR(json_text(payload(0, "AnnualRevenue")), "12.0");
    CHECK_STR(json_text(payload(0, "BillingAddress.City")), "Basel");
    CHECK(!payload(0, "Name"));
    CHECK(!payload(0, "LastModifiedById")); /* the same person */
}

TEST(events, gone_and_back_again)
{
    select_object("AccountChangeEvent");
    select_object("ContactChangeEvent");
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    given("Contact", arena_printf(arena, "{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", id));
    read_after(0);
    int64_t seen = replays[count - 1];
    CHECK_OUTCOME(deleted("Account", id), "done");
    CHECK_INT(read_after(seen), 2); /* its contact went along */
    CHECK_STR(header(0, "changeType"), "DELETE");
    CHECK_STR(header(1, "changeType"), "DELETE");
    CHECK_STR(header(1, "entityName"), "Contact");
    CHECK_STR(header(1, "sequenceNumber"), "2");
    CHECK_STR(header(0, "transactionKey"), header(1, "transactionKey"));
    CHECK_INT(payload(0, "ChangeEventHeader")->next == NULL, 1); /* the header alone */
    seen = replays[1];
    CHECK_OUTCOME(undeleted("Account", id), "done");
    CHECK_INT(read_after(seen), 2);
    CHECK_STR(header(0, "changeType"), "UNDELETE");
    CHECK_STR(json_text(payload(0, "Name")), "Acme");
}

TEST(events, equal_changes_of_one_transaction_are_one_event)
{
    select_object("AccountChangeEvent");
    struct dml_result *made = insert_all(
        "Account", "[{\"Name\":\"A\"},{\"Name\":\"B\"},{\"Name\":\"C\"},{\"Name\":\"A\"}]");
    CHECK_INT(read_after(0), 3); /* the two A are equal */
    int64_t seen = replays[2];
    world_fake_advance(world, 1000);
    update_all("Account",
               arena_printf(arena,
                            "[{\"Id\":\"%s\",\"Rating\":\"Hot\"},{\"Id\":\"%s\",\"Rating\":\"Hot\"},"
                            "{\"Id\":\"%s\",\"Rating\":\"Cold\"}]",
                            made[0].id, made[1].id, made[2].id));
    CHECK_INT(read_after(seen), 2);
    CHECK_STR(header(0, "recordIds"),
              arena_printf(arena, "[\"%s\",\"%s\"]", made[0].id, made[1].id));
    CHECK_STR(header(1, "recordIds"), arena_printf(arena, "[\"%s\"]", made[2].id));
    CHECK(json_int(json_path(heard[1], "payload.ChangeEventHeader.commitNumber"), 0) > 0);
}

TEST(events, what_was_rolled_back_is_not_told)
{
    struct err err = {0};
    select_object("AccountChangeEvent");
    options.all_or_none = true;
    insert_all("Account", "[{\"Name\":\"A\"},{\"Phone\":\"no name\"}]");
    CHECK_INT(read_after(0), 0);
    options.all_or_none = false;
    insert_all("Account", "[{\"Name\":\"A\"},{\"Phone\":\"no name\"}]");
    CHECK_INT(read_after(0), 1);
    int64_t seen = replays[0];
    CHECK(org_write_begin(org) != NULL); /* two calls, one transaction: one change a record */
    const char *id = given("Account", "{\"Name\":\"New\"}");
    updated("Account", id, "{\"Phone\":\"7\"}");
    CHECK_INT(read_after(seen), 0); /* nothing before the commit */
    CHECK_OK(org_write_end(org, true, &err), &err);
    CHECK_INT(read_after(seen), 1);
    CHECK_STR(header(0, "changeType"), "CREATE");
    CHECK_STR(json_text(payload(0, "Phone")), "7");
    seen = replays[0];
    CHECK(org_write_begin(org) != NULL);
    const char *brief = given("Account", "{\"Name\":\"Brief\"}");
    CHECK_OUTCOME(deleted("Account", brief), "done");
    CHECK_OK(org_write_end(org, true, &err), &err);
    CHECK_INT(read_after(seen), 0); /* born and gone: nothing happened */
}

TEST(events, replay_ids_grow_and_end_with_their_retention)
{
    struct err err = {0};
    struct org_event_span span;
    select_object("AccountChangeEvent");
    CHECK_OK(org_events_span(org, &span, &err), &err);
    int64_t first = span.last;
    CHECK_INT(span.forgotten, first);
    for (int i = 0; i < 20; i++)
        given("Account", "{\"Name\":\"Acme\"}");
    CHECK_INT(read_after(0), 20);
    bool gaps = false;
    for (size_t i = 1; i < 20; i++) {
        CHECK(replays[i] > replays[i - 1]);
        gaps |= replays[i] != replays[i - 1] + 1;
    }
    CHECK(gaps);
    int64_t old = replays[19];
    world_fake_advance(world, 71 * 3600 * 1000ll);
    given("Account", "{\"Name\":\"Late\"}");
    CHECK_INT(read_after(0), 21);
    world_fake_advance(world, 2 * 3600 * 1000ll);
    CHECK_INT(read_after(0), 1); /* three days */
    CHECK_OK(org_events_span(org, &span, &err), &err);
    CHECK_INT(span.forgotten, old);
    CHECK_INT(span.last, replays[0]);
    given("Account", "{\"Name\":\"Later\"}"); /* swept now */
    CHECK_INT(counted("SELECT COUNT(*) FROM localorg_event"), 2);
    CHECK_OK(org_events_forget(org, &err), &err);
    CHECK_INT(read_after(0), 0);
    CHECK_OK(org_events_span(org, &span, &err), &err);
    CHECK_INT(span.last, span.forgotten);
    CHECK(span.last > old);
}

TEST(events, too_many_changes_become_one_gap)
{
    select_object("AccountChangeEvent");
    select_object("ContactChangeEvent");
    org_set_overflow(org, 2);
    insert_all("Account", "[{\"Name\":\"A\"},{\"Name\":\"B\"},{\"Name\":\"C\"},{\"Name\":\"D\"}]");
    CHECK_INT(read_after(0), 1);
    CHECK_STR(header(0, "changeType"), "GAP_OVERFLOW");
    CHECK_STR(header(0, "recordIds"), "[]");
    int64_t seen = replays[0];
    insert_all("Account", "[{\"Name\":\"A\"},{\"Name\":\"B\"}]");
    CHECK_INT(read_after(seen), 2);
}

TEST(events, gaps_come_on_order)
{
    struct err err = {0};
    const char *ids[] = {"001000000000001AAA"};
    CHECK_OK(org_publish_gap(org, object_of("Account"), "GAP_UPDATE", ids, 1, &err), &err);
    CHECK_INT(read_after(0), 1);
    CHECK_STR(header(0, "changeType"), "GAP_UPDATE");
    CHECK_STR(header(0, "recordIds"), "[\"001000000000001AAA\"]");
}

TEST(events, selections_are_kept_and_refused_with_reasons)
{
    struct err err = {0};
    struct org_member member;
    char path[64];
    snprintf(path, sizeof path, "/tmp/localorg-events-%d.db", getpid());
    unlink(path);
    given_org_file(path);
    select_object("AccountChangeEvent");
    CHECK_FAIL(org_select_member(org, STANDARD_CHANNEL, "AccountChangeEvent", NULL, &err), &err,
               ERR_CONFLICT);
    CHECK_FAIL(org_select_member(org, STANDARD_CHANNEL, "accountChangeEvent", NULL, &err), &err,
               ERR_NOT_FOUND);
    CHECK_FAIL(org_select_member(org, STANDARD_CHANNEL, "ProfileChangeEvent", NULL, &err), &err,
               ERR_NOT_FOUND);
    CHECK_OK(org_select_member(org, "Sales__chn", "LeadChangeEvent", NULL, &err), &err);
    given("Account", "{\"Name\":\"Acme\"}");
    given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"C\"}");
    CHECK_INT(read_after(0), 2);
    int64_t last = replays[1];
    given_org_file(path);
    CHECK_INT(read_after(0), 2);
    CHECK(org_member_at(org, 0, &member));
    CHECK_STR(member.event, "AccountChangeEvent");
    CHECK_STR(member.channel, "ChangeEvents");
    CHECK(text_starts(member.id, "0v8"));
    given("Account", "{\"Name\":\"Bolt\"}");
    CHECK_INT(read_after(last), 1);
    CHECK_OK(org_drop_member(org, STANDARD_CHANNEL, "AccountChangeEvent", &err), &err);
    CHECK_FAIL(org_drop_member(org, STANDARD_CHANNEL, "AccountChangeEvent", &err), &err,
               ERR_NOT_FOUND);
    given("Account", "{\"Name\":\"Unheard\"}");
    CHECK_INT(read_after(last), 1);
    unlink(path);
}

TEST(events, platform_events_are_published_and_never_stored)
{
    given_object("{\"name\":\"Order_Event__e\",\"label\":\"Order Event\",\"fields\":["
                 "{\"name\":\"Number__c\",\"type\":\"string\",\"length\":20,\"nillable\":false},"
                 "{\"name\":\"Paid__c\",\"type\":\"boolean\"}]}");
    CHECK(text_starts(object_of("Order_Event__e")->key_prefix, "e"));
    struct dml_result *result = inserted("Order_Event__e", "{\"Number__c\":\"O-1\"}");
    CHECK(result->success);
    CHECK_STR(result->errors->status_code, "OPERATION_ENQUEUED");
    CHECK_INT(read_after(0), 1);
    CHECK_STR(topics[0], "Order_Event__e");
    CHECK_STR(json_text(payload(0, "Number__c")), "O-1");
    CHECK_STR(json_text(payload(0, "CreatedById")), admin);
    CHECK_STR(json_text(json_path(heard[0], "event.EventUuid")), result->errors->message);
    CHECK_INT(counted("SELECT COUNT(*) FROM \"Order_Event__e\""), 0);
    CHECK_OUTCOME(inserted("Order_Event__e", "{\"Paid__c\":true}"),
                  "REQUIRED_FIELD_MISSING: Required fields are missing: [Number__c] [Number__c]");
    options.all_or_none = true;
    insert_all("Order_Event__e", "[{\"Number__c\":\"O-2\"},{}]");
    CHECK_INT(read_after(0), 1);
}

TEST(events, loading_tells_nothing)
{
    select_object("AccountChangeEvent");
    options.system = true;
    given("Account", "{\"Name\":\"Seeded\"}");
    CHECK_INT(read_after(0), 0);
}

static int changes[4], cascaded;

static enum status look(void *ctx, const struct org_change *change, struct err *err)
{
    changes[change->kind]++;
    cascaded += change->cascaded;
    return ctx ? err_set(err, ERR_INVALID, "the watcher refuses") : OK;
}

TEST(events, watchers_see_every_change_before_the_commit)
{
    struct err err = {0};
    memset(changes, 0, sizeof changes);
    org_on_change(org, look, NULL);
    CHECK_OK(org_watch(org, "Account Contact", &err), &err);
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    given("Contact", arena_printf(arena, "{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", id));
    given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"C\"}");
    world_fake_advance(world, 1000);
    updated("Account", id, "{\"Phone\":\"1\"}");
    deleted("Account", id);
    CHECK_INT(changes[CHANGE_CREATE], 2);
    CHECK_INT(changes[CHANGE_UPDATE], 1);
    CHECK_INT(changes[CHANGE_DELETE], 2);
    CHECK_INT(cascaded, 1);
    CHECK_INT(read_after(0), 0); /* watched is not selected */
    org_on_change(org, look, org);
    struct dml_row row = {.object = object_of("Account"), .body = parsed("{\"Name\":\"No\"}")};
    struct dml_result result;
    CHECK_FAIL(org_dml(org, DML_INSERT, &options, &row, 1, &result, arena, &err), &err,
               ERR_INVALID);
    CHECK_INT(counted("SELECT COUNT(*) FROM \"Account\" WHERE \"Name\" = 'No'"), 0);
}

TEST(events, schemas_have_an_id_of_their_own)
{
    char account[24], contact[24];
    org_event_schema_id(object_of("Account"), true, account);
    org_event_schema_id(object_of("Contact"), true, contact);
    CHECK_INT(strlen(account), 22);
    CHECK(strcmp(account, contact) != 0);
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    org_event_schema_json(&w, object_of("Account"), true, false);
    const struct json *schema = parsed(buf_text(&out));
    buf_free(&out);
    CHECK_STR(json_get_text(schema, "name"), "AccountChangeEvent");
    CHECK_STR(json_get_text(schema, "uuid"), account);
    CHECK_STR(json_get_text(json_at(json_get(schema, "fields"), 0), "name"), "ChangeEventHeader");
}
