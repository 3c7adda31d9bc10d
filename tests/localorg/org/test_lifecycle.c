/* test_lifecycle.c - merging, converting, the recycle bin emptied. Guards
 * dml_merge.c and dml_lead.c of src/localorg/org. */
#include "fixture.h"

#include "base/str.h"
#include "localorg/org/events.h"
#include "localorg/org/lifecycle.h"

#include <string.h>

EACH_TEST(given_org, org_gone)

static struct err err;

static struct merge_result *merged(const char *object, const char *master, const char *body,
                                   const char *a, const char *b)
{
    struct merge_result *result = arena_alloc(arena, sizeof *result);
    struct merge_request request = {.object = object_of(object),
                                    .master_id = master,
                                    .body = body ? parsed(body) : NULL,
                                    .ids = {a, b},
                                    .count = b ? 2 : 1};
    CHECK_OK(org_merge(org, &options, &request, result, arena, &err), &err);
    return result;
}

static struct convert_result *converted(struct convert_request request)
{
    struct convert_result *result = arena_alloc(arena, sizeof *result);
    CHECK_OK(org_convert_lead(org, &options, &request, result, arena, &err), &err);
    return result;
}

#define CHECK_REFUSED(result, code)                                                                \
    do {                                                                                           \
        CHECK(!(result)->success);                                                                 \
        CHECK_STR((result)->errors->status_code, (code));                                          \
    } while (0)

TEST(merge, what_pointed_at_the_losers_points_at_the_master)
{
    const char *master = given("Account", "{\"Name\":\"Acme\"}");
    const char *twin = given("Account", "{\"Name\":\"ACME Inc\",\"Phone\":\"7\"}");
    const char *contact =
        given("Contact", arena_printf(arena, "{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", twin));
    struct merge_result *result = merged("Account", master, "{\"Phone\":\"7\"}", twin, NULL);
    CHECK(result->success);
    CHECK_STR(result->id, master);
    CHECK_STR(result->merged[0], twin);
    CHECK_INT(result->related_count, 1);
    CHECK_STR(result->related[0], contact);
    CHECK_STR(stored("Contact", contact, "AccountId"), master);
    CHECK_STR(stored("Account", master, "Phone"), "7");
    CHECK_STR(stored("Account", twin, "IsDeleted"), "1");
    CHECK_STR(stored("Account", twin, "MasterRecordId"), master);
}

TEST(merge, refused_ones_leave_everything_as_it_was)
{
    const char *master = given("Account", "{\"Name\":\"Acme\"}");
    const char *twin = given("Account", "{\"Name\":\"Twin\"}");
    const char *contact = given("Contact", "{\"LastName\":\"Lee\"}");
    CHECK_REFUSED(merged("Account", master, NULL, master, NULL), "INVALID_ID_FIELD");
    CHECK_REFUSED(merged("Account", master, NULL, contact, NULL), "INVALID_ID_FIELD");
    CHECK_REFUSED(merged("Account", master, "{\"Name\":null}", twin, NULL),
                  "REQUIRED_FIELD_MISSING");
    CHECK_REFUSED(merged("Opportunity", master, NULL, twin, NULL), "INVALID_TYPE");
    CHECK_OUTCOME(deleted("Account", twin), "done");
    CHECK_REFUSED(merged("Account", master, "{\"Phone\":\"9\"}", twin, NULL), "ENTITY_IS_DELETED");
    CHECK_STR(stored("Account", master, "Phone"), NULL);
}

TEST(merge, is_told_as_a_delete_and_the_updates_it_made)
{
    CHECK_OK(org_select_member(org, STANDARD_CHANNEL, "AccountChangeEvent", NULL, &err), &err);
    const char *master = given("Account", "{\"Name\":\"Acme\"}");
    const char *twin = given("Account", "{\"Name\":\"Twin\"}");
    int64_t before = counted("SELECT COUNT(*) FROM localorg_event");
    world_fake_advance(world, 2000);
    CHECK(merged("Account", master, "{\"Phone\":\"7\"}", twin, NULL)->success);
    CHECK_INT(counted("SELECT COUNT(*) FROM localorg_event") - before, 2);
    CHECK_INT(counted("SELECT COUNT(*) FROM localorg_event WHERE data LIKE '%\"DELETE\"%'"), 1);
    CHECK_INT(counted("SELECT COUNT(*) FROM localorg_event WHERE data LIKE '%\"UPDATE\"%'"), 1);
}

TEST(convert, makes_an_account_a_contact_and_an_opportunity)
{
    const char *lead = given("Lead", "{\"FirstName\":\"Ann\",\"LastName\":\"Lee\",\"Company\":"
                                     "\"Acme\",\"Email\":\"a@x.example\",\"City\":\"Bern\"}");
    const char *task = given("Task", arena_printf(arena, "{\"Subject\":\"Call\",\"Status\":"
                                                         "\"Not Started\",\"Priority\":\"Normal\","
                                                         "\"WhoId\":\"%s\"}", lead));
    struct convert_result *result = converted(
        (struct convert_request){.lead_id = lead, .converted_status = "Closed - Converted"});
    CHECK(result->success);
    CHECK_STR(stored("Account", result->account_id, "Name"), "Acme");
    CHECK_STR(stored("Account", result->account_id, "BillingCity"), "Bern");
    CHECK_STR(stored("Contact", result->contact_id, "Email"), "a@x.example");
    CHECK_STR(stored("Contact", result->contact_id, "AccountId"), result->account_id);
    CHECK_STR(stored("Opportunity", result->opportunity_id, "CloseDate"), "2026-12-31");
    CHECK_STR(stored("Opportunity", result->opportunity_id, "StageName"), "Prospecting");
    CHECK_STR(stored("Lead", lead, "IsConverted"), "1");
    CHECK_STR(stored("Lead", lead, "ConvertedContactId"), result->contact_id);
    CHECK_STR(stored("Lead", lead, "Status"), "Closed - Converted");
    CHECK_STR(stored("Task", task, "WhoId"), result->contact_id);
    CHECK_INT(counted("SELECT COUNT(*) FROM OpportunityContactRole"), 1);
    CHECK_OUTCOME(updated("Lead", lead, "{\"Phone\":\"1\"}"),
                  "CANNOT_UPDATE_CONVERTED_LEAD: cannot reference converted lead []");
    CHECK_REFUSED(converted((struct convert_request){.lead_id = lead,
                                                     .converted_status = "Closed - Converted"}),
                  "CANNOT_UPDATE_CONVERTED_LEAD");
}

TEST(convert, into_records_there_are_and_without_an_opportunity)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *lead = given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"Other\"}");
    struct convert_result *result =
        converted((struct convert_request){.lead_id = lead,
                                           .converted_status = "Closed - Converted",
                                           .account_id = account,
                                           .no_opportunity = true});
    CHECK(result->success);
    CHECK_STR(result->account_id, account);
    CHECK_STR(result->opportunity_id, "");
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 1);
    CHECK_INT(counted("SELECT COUNT(*) FROM Opportunity"), 0);
}

TEST(convert, refused_ones_leave_nothing_behind)
{
    const char *lead = given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"Acme\"}");
    CHECK_REFUSED(converted((struct convert_request){.lead_id = lead, .converted_status = "Open"}),
                  "INVALID_STATUS");
    CHECK_REFUSED(converted((struct convert_request){.lead_id = lead}), "REQUIRED_FIELD_MISSING");
    CHECK_REFUSED(converted((struct convert_request){.lead_id = "00Q000000000009EAA",
                                                     .converted_status = "Closed - Converted"}),
                  "INVALID_CROSS_REFERENCE_KEY");
    given_rule("{\"name\":\"No\",\"object\":\"Contact\",\"fields\":[\"LastName\"],\"action\":"
               "\"block\"}");
    given("Contact", "{\"LastName\":\"Lee\"}");
    CHECK_REFUSED(converted((struct convert_request){.lead_id = lead,
                                                     .converted_status = "Closed - Converted"}),
                  "DUPLICATES_DETECTED");
    CHECK_INT(counted("SELECT COUNT(*) FROM Account"), 0);
    CHECK_STR(stored("Lead", lead, "IsConverted"), "0");
}

TEST(bin, an_emptied_bin_gives_nothing_back)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    given("Contact", arena_printf(arena, "{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", account));
    struct dml_row row = {.object = object_of("Account"), .id = account};
    CHECK_OUTCOME(rows(DML_PURGE, "Account", &row, 1),
                  "INVALID_ID_FIELD: Entity is not in the recycle bin []");
    CHECK_OUTCOME(deleted("Account", account), "done");
    CHECK_OUTCOME(rows(DML_PURGE, "Account", &row, 1), "done");
    CHECK_INT(counted("SELECT (SELECT COUNT(*) FROM Account) + (SELECT COUNT(*) FROM Contact) +"
                      " (SELECT COUNT(*) FROM localorg_bin)"), 0);
    CHECK_OUTCOME(undeleted("Account", account),
                  "UNDELETE_FAILED: Entity is not in the recycle bin []");
}
