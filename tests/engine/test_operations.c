/* test_operations.c - what a write column can do beyond create, update and upsert
 * by key: other ways to say which record is meant, owners, parents, deleting,
 * campaigns. Guards engine/columns/org_{find,fill,names,target}.c and the kinds. */
#include "engine/given.h"
#include "store/store_choices.h"

#include "base/str.h"

#include <string.h>

static void begin(void)
{
    given_begin();
    g.engine.formula = formula_engine_new(world_real(), WORKER);
}

EACH_TEST(begin, given_end)

#define ON_LEAD "\"connection\":\"prod\",\"object\":\"Lead\""
#define SET                                                                                        \
    ",\"set\":{\"LastName\":\"{{LastName}}\",\"Company\":\"{{Company}}\",\"Email\":\"{{Email}}\"}"
#define LEAD_OBJECT(records)                                                                       \
    "{\"objects\":{\"Lead\":{\"name\":\"Lead\",\"keyPrefix\":\"00Q\",\"fields\":["                                   \
    "{\"name\":\"Id\",\"type\":\"id\",\"filterable\":true},"                                       \
    "{\"name\":\"CreatedById\",\"type\":\"reference\",\"filterable\":true},"                       \
    "{\"name\":\"CreatedDate\",\"type\":\"datetime\",\"filterable\":true},"                        \
    "{\"name\":\"SystemModstamp\",\"type\":\"datetime\",\"filterable\":true},"                     \
    FIELD("LastName", "string") "," FIELD("Company", "string") "," FIELD("Email", "email") ","     \
    FIELD("Website", "url") "," FIELD("Phone", "phone") "," FIELD("Score", "double") ","           \
    "{\"name\":\"OwnerId\",\"label\":\"Owner\",\"type\":\"reference\",\"createable\":true,"        \
    "\"updateable\":true,\"nillable\":false,\"defaultedOnCreate\":true,\"filterable\":true,"       \
    "\"relationshipName\":\"Owner\",\"referenceTo\":[\"Group\",\"User\"]},"                        \
    "{\"name\":\"Firm__c\",\"label\":\"Firm\",\"type\":\"reference\",\"createable\":true,"         \
    "\"updateable\":true,\"nillable\":true,\"filterable\":true,"                                   \
    "\"relationshipName\":\"Firm__r\",\"referenceTo\":[\"Firm__c\"]},"                             \
    "{\"name\":\"RecordTypeId\",\"label\":\"Record Type\",\"type\":\"reference\","                 \
    "\"createable\":true,\"updateable\":true,\"nillable\":true,\"referenceTo\":[\"RecordType\"]}"  \
    "],\"recordTypeInfos\":["                                                                      \
    "{\"name\":\"Master\",\"developerName\":\"Master\",\"recordTypeId\":\"012000000000000AAA\","   \
    "\"available\":true,\"active\":true,\"master\":true},"                                         \
    "{\"name\":\"Partner lead\",\"developerName\":\"Partner\",\"recordTypeId\":"                   \
    "\"012000000000001AAA\",\"available\":true,\"active\":true,\"master\":false},"                 \
    "{\"name\":\"Old\",\"developerName\":\"Old\",\"recordTypeId\":\"012000000000002AAA\","         \
    "\"available\":false,\"active\":true,\"master\":false}]"                                       \
    ",\"records\":[" records "]},"                                                                 \
    "\"Firm__c\":{\"keyPrefix\":\"a01\",\"fields\":[{\"name\":\"Id\",\"type\":\"id\"},"            \
    "{\"name\":\"Key__c\",\"type\":\"string\",\"length\":40,\"externalId\":true,"                  \
    "\"filterable\":true}],\"records\":[]},"                                                       \
    "\"User\":{\"keyPrefix\":\"005\",\"fields\":[{\"name\":\"Id\",\"type\":\"id\"},"               \
    FIELD("Email", "email") "," FIELD("Username", "string") "," FIELD("Name", "string")            \
    "],\"records\":["                                                                              \
    "{\"Id\":\"005000000000011AAA\",\"Email\":\"ann@acme.example\",\"Username\":\"ann@acme.org\"," \
    "\"Name\":\"Ann Lee\"},"                                                                       \
    "{\"Id\":\"005000000000012AAA\",\"Email\":\"bob@acme.example\",\"Username\":\"bob@acme.org\"," \
    "\"Name\":\"Bob Ray\"},"                                                                       \
    "{\"Id\":\"005000000000013AAA\",\"Email\":\"twin@acme.example\",\"Username\":\"t1@acme.org\"," \
    "\"Name\":\"Twin\"},"                                                                          \
    "{\"Id\":\"005000000000014AAA\",\"Email\":\"twin@acme.example\",\"Username\":\"t2@acme.org\"," \
    "\"Name\":\"Twin\"}]},"                                                                        \
    "\"Group\":{\"keyPrefix\":\"00G\",\"fields\":[{\"name\":\"Id\",\"type\":\"id\"},"              \
    FIELD("DeveloperName", "string") "," FIELD("Name", "string") "],\"records\":["                 \
    "{\"Id\":\"00G000000000021AAA\",\"DeveloperName\":\"Inbound\",\"Name\":\"Inbound leads\"}]}}}"
#define FIELD(name, type)                                                                          \
    "{\"name\":\"" name "\",\"label\":\"" name "\",\"type\":\"" type                               \
    "\",\"length\":80,\"createable\":true,\"updateable\":true,\"nillable\":true,"                  \
    "\"filterable\":true}"

static void given(const char *kind, const char *config, const char *records, const char *guard,
                  int contacts)
{
    struct given_column column = {"Act", kind, config, NULL, TYPE_JSON};
    given_org("", contacts);
    char *script = arena_printf(g.arena, "%s", records);
    CHECK_OK(scripted_add(g.org, script, &g.err), &g.err);
    given_table(&column, 1, guard);
    given_synced();
}

static const char *field(const char *lead, const char *name)
{
    const char *value = scripted_field(g.org, "Lead", lead, name);
    return value ? value : "(none)";
}

#define L1 "00Q000000000101AAA"
#define L2 "00Q000000000102AAA"
#define L3 "00Q000000000103AAA"

/* ------------------------------------------------------------------- lookup */

TEST(lookup, normalises_both_sides)
{
    given("salesforce_lookup",
          "{" ON_LEAD ",\"match\":{\"Website\":\"https://www.{{Company}}.com/about\"},"
          "\"normalise\":{\"Website\":\"domain\"}}",
          LEAD_OBJECT("{\"Id\":\"" L1 "\",\"Website\":\"http://firm1.com\"},"
                      "{\"Id\":\"" L2 "\",\"Website\":\"firm1.com.evil.example\"}"),
          NULL, 1);
    scripted_set(g.org, "Contact", "003000000000001AAA", "Company", "\"Firm1\"");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_CONTAINS(cell_value("Act", 1), L1);
    CHECK(!strstr(cell_value("Act", 1), "matches"));
}

TEST(lookup, tries_the_next_key_where_the_one_before_found_nothing)
{
    given("salesforce_lookup",
          "{" ON_LEAD ",\"match_any\":[{\"Email\":\"{{Email}}\"},{\"LastName\":\"{{LastName}}\","
          "\"Company\":\"{{Company}}\"}]}",
          LEAD_OBJECT("{\"Id\":\"" L1 "\",\"Email\":\"p1@x.org\"},"
                      "{\"Id\":\"" L2 "\",\"LastName\":\"Person 1\",\"Company\":\"Firm 1\"},"
                      "{\"Id\":\"" L3 "\",\"LastName\":\"Person 2\",\"Company\":\"Firm 2\"}"),
          NULL, 3);
    run_ok();
    CHECK_CONTAINS(cell_value("Act", 1), L1);
    CHECK_CONTAINS(cell_value("Act", 2), L3);
    CHECK_INT(cell_state("Act", 3), CELL_NO_RESULT);
}

#define THREE_ALIKE                                                                                \
    LEAD_OBJECT("{\"Id\":\"" L1 "\",\"Email\":\"p1@x.org\",\"Score\":1},"                          \
                "{\"Id\":\"" L2 "\",\"Email\":\"p1@x.org\",\"Score\":7},"                          \
                "{\"Id\":\"" L3 "\",\"Email\":\"p1@x.org\",\"Score\":3}")
#define MATCH_EMAIL "{" ON_LEAD ",\"match\":{\"Email\":\"{{Email}}\"},\"return\":[\"Id\",\"Score\"]"

TEST(lookup, takes_the_oldest_newest_or_the_rules_best_of_several)
{
    static const struct {
        const char *config, *id;
    } policies[] = {
        {MATCH_EMAIL "}", L1},
        {MATCH_EMAIL ",\"if_several\":\"newest\"}", L3},
        {MATCH_EMAIL ",\"if_several\":\"rule\",\"rule\":\"{{match.Score}}\"}", L2},
    };
    for (size_t i = 0; i < 3; i++) {
        given("salesforce_lookup", policies[i].config, THREE_ALIKE, NULL, 1);
        run_ok();
        CHECK_CONTAINS(cell_value("Act", 1), policies[i].id);
        CHECK_CONTAINS(cell_value("Act", 1), "\"matches\":3");
        given_end();
        begin();
    }
}

TEST(lookup, a_rule_that_cannot_decide_refuses)
{
    given("salesforce_lookup", MATCH_EMAIL ",\"if_several\":\"rule\",\"rule\":\"1\"}", THREE_ALIKE,
          NULL, 1);
    run_ok();
    CHECK_STR(cell_code("Act", 1), "refused.several");
}

static void choose(const char *record)
{
    struct table table;
    CHECK_OK(g.store->does->table_get(g.store, g.arena, "people", &table, &g.err), &g.err);
    struct row *rows;
    size_t count;
    struct row_query query = {.table_id = table.id, .key = "003000000000001AAA"};
    CHECK_OK(g.store->does->rows(g.store, g.arena, &query, &rows, &count, &g.err), &g.err);
    CHECK_INT(count, 1);
    CHECK_OK(g.store->does->choices->put(g.store, table.id, column_id("Act"), rows[0].id, record,
                                         "ann", &g.err),
             &g.err);
}

TEST(lookup, asks_a_person_and_remembers_the_answer)
{
    given("salesforce_lookup", MATCH_EMAIL ",\"if_several\":\"ask\"}", THREE_ALIKE, NULL, 1);
    run_ok();
    CHECK_INT(cell_state("Act", 1), CELL_REFUSED);
    CHECK_STR(cell_code("Act", 1), "find.ask");
    choose(L3);
    g.options.all = true;
    run_ok();
    CHECK_CONTAINS(cell_value("Act", 1), L3);
    scripted_delete(g.org, "Lead", L3); /* the chosen one is gone: asked again */
    run_ok();
    CHECK_STR(cell_code("Act", 1), "find.ask");
}

TEST(lookup, keeps_all_as_a_list)
{
    given("salesforce_lookup", MATCH_EMAIL ",\"all\":true}", THREE_ALIKE, NULL, 2);
    run_ok();
    const char *list = cell_value("Act", 1);
    const struct json *json = json_parse(g.arena, list, strlen(list), &g.err);
    CHECK_INT(json->len, 3);
    CHECK_STR(json_get_text(json_at(json, 2), "id"), L3);
    CHECK_INT(cell_state("Act", 2), CELL_NO_RESULT);
}

TEST(lookup, says_when_a_list_would_be_cut)
{
    given("salesforce_lookup", MATCH_EMAIL ",\"all\":true,\"limit\":2}", THREE_ALIKE, NULL, 1);
    run_ok();
    CHECK_INT(cell_state("Act", 1), CELL_ERROR);
    CHECK_STR(cell_code("Act", 1), "lookup.too_many");
}

/* ------------------------------------------------------------------- update */

TEST(update, by_any_field_never_creates)
{
    given("salesforce_update",
          "{" ON_LEAD ",\"match\":{\"Email\":\"{{Email}}\"},\"set\":{\"Company\":\"new\"}}",
          LEAD_OBJECT("{\"Id\":\"" L1 "\",\"Email\":\"P1@x.org\",\"Company\":\"old\"}"), NULL, 2);
    run_ok();
    CHECK_STR(field(L1, "Company"), "\"new\"");
    CHECK_STR(cell_code("Act", 2), "refused.not_found");
    CHECK_INT(leads(), 1);
    CHECK_INT(g.report.updated, 1);
}

TEST(update, of_one_of_several_is_refused_unless_a_policy_says)
{
    given("salesforce_update",
          "{" ON_LEAD ",\"match\":{\"Email\":\"{{Email}}\"},\"set\":{\"Company\":\"new\"}}",
          THREE_ALIKE, NULL, 1);
    run_ok();
    CHECK_STR(cell_code("Act", 1), "refused.several");
    CHECK_INT(ops().total, 0);
}

/* ------------------------------------------------------------ guarded upsert */

#define GUARDED                                                                                    \
    "{" ON_LEAD ",\"match\":{\"LastName\":\"{{LastName}}\",\"Company\":\"{{Company}}\"}" SET "}"

TEST(upsert, by_several_fields_creates_then_changes)
{
    given("salesforce_upsert", GUARDED,
          LEAD_OBJECT("{\"Id\":\"" L1 "\",\"LastName\":\"person 1\",\"Company\":\"FIRM 1\"}"), NULL,
          3);
    run_ok();
    CHECK_INT(g.report.updated, 1);
    CHECK_INT(g.report.created, 2);
    CHECK_INT(leads(), 3);
    CHECK_STR(field(L1, "Email"), "\"p1@x.org\"");
    g.options.all = true;
    run_ok();
    CHECK_INT(g.report.unchanged, 3);
    CHECK_INT(leads(), 3);
}

TEST(upsert, rows_with_one_key_make_one_record_and_all_write)
{
    given("salesforce_upsert", GUARDED, LEAD_OBJECT(""), NULL, 3);
    scripted_set(g.org, "Contact", "003000000000002AAA", "LastName", "\"PERSON 1\"");
    scripted_set(g.org, "Contact", "003000000000002AAA", "Company", "\"firm 1\"");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_INT(leads(), 2);
    CHECK_INT(cell_state("Act", 1), CELL_OK);
    CHECK_INT(cell_state("Act", 2), CELL_OK);
    const char *id = op_of("Act", 1).result_id;
    CHECK_CONTAINS(cell_value("Act", 2), id);
    CHECK_STR(field(id, "Email"), "\"p2@x.org\""); /* the later row wrote, too */
}

TEST(upsert, needs_every_field_of_its_key)
{
    given("salesforce_upsert", GUARDED, LEAD_OBJECT(""), NULL, 1);
    scripted_set(g.org, "Contact", "003000000000001AAA", "Company", "\"  \"");
    CHECK_OK(sync_table(&g.engine, "people", true, &g.sync, &g.err), &g.err);
    run_ok();
    CHECK_STR(cell_code("Act", 1), "refused.blank_key");
    CHECK_INT(leads(), 0);
}

/* Two columns, the same people: whoever comes second finds the record. */
TEST(upsert, two_columns_with_one_key_make_one_record)
{
    struct given_column columns[] = {
        {"Act", "salesforce_upsert", GUARDED, NULL, TYPE_JSON},
        {"Again", "salesforce_create",
         "{" ON_LEAD SET ",\"unless_found\":{\"Company\":\"{{Company}}\",\"LastName\":"
         "\"{{LastName}}\"}}",
         NULL, TYPE_JSON},
    };
    given_org("", 2);
    CHECK_OK(scripted_add(g.org, LEAD_OBJECT(""), &g.err), &g.err);
    CHECK_OK(scripted_add(g.org, "{\"outcomes\":[{\"class\":\"unknown\"}]}", &g.err), &g.err);
    given_table(columns, 2, NULL);
    given_synced();
    g.engine.settle_ms = 60 * 60 * 1000; /* what became of the first is not known for now */
    run_ok();
    CHECK_INT(leads(), 1);
    CHECK_INT(cell_state("Again", 1), CELL_WAITING); /* its key is in flight */
    CHECK_CONTAINS(cell_value("Again", 2), op_of("Act", 2).result_id);
}

/* ------------------------------------------------------------------- parents */

TEST(parents, are_named_by_their_own_key)
{
    given("salesforce_create",
          "{" ON_LEAD ",\"set\":{\"LastName\":\"{{LastName}}\",\"Firm__r.Key__c\":\"{{Company}}\"}}",
          LEAD_OBJECT(""), NULL, 1);
    run_ok();
    CHECK_CONTAINS(op_of("Act", 1).payload, "\"Firm__r\":{\"Key__c\":\"Firm 1\"}");
}

/* -------------------------------------------------------------------- owners */

#define OWNED(owner)                                                                               \
    "{" ON_LEAD ",\"set\":{\"LastName\":\"{{LastName}}\",\"OwnerId\":\"" owner "\"}}"

TEST(owners, are_found_by_address_name_or_queue)
{
    static const struct {
        const char *config, *id;
    } owners[] = {
        {OWNED("ANN@acme.example"), "005000000000011AAA"},
        {OWNED("bob@acme.org"), "005000000000012AAA"},
        {OWNED("bob ray"), "005000000000012AAA"},
        {OWNED("Inbound leads"), "00G000000000021AAA"},
        {OWNED("005000000000012AAA"), "005000000000012AAA"},
    };
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        given("salesforce_create", owners[i].config, LEAD_OBJECT(""), NULL, 2);
        run_ok();
        CHECK_CONTAINS(op_of("Act", 1).payload, owners[i].id);
        CHECK_CONTAINS(op_of("Act", 1).settings, "\"auto_assign\":\"FALSE\"");
        CHECK_INT(g.report.repaired, i < 4 ? 2 : 0);
        given_end();
        begin();
    }
}

TEST(owners, nobody_and_two_of_a_name_are_refused)
{
    static const char *const configs[] = {OWNED("nobody@acme.example"), OWNED("Twin"),
                                          OWNED("twin@acme.example")};
    for (size_t i = 0; i < 3; i++) {
        given("salesforce_create", configs[i], LEAD_OBJECT(""), NULL, 1);
        run_ok();
        CHECK_STR(cell_code("Act", 1), "refused.no_such_name");
        CHECK_INT(ops().total, 0);
        given_end();
        begin();
    }
}

TEST(owners, take_turns_across_runs)
{
    given("salesforce_create",
          "{" ON_LEAD SET ",\"owners\":[\"ann@acme.example\",\"Bob Ray\"]}", LEAD_OBJECT(""), NULL,
          5);
    g.options.limit = 3;
    run_ok();
    g.options.limit = 0;
    run_ok();
    CHECK_INT(leads(), 5);
    for (int row = 1; row <= 5; row++)
        CHECK_CONTAINS(op_of("Act", row).payload,
                       row % 2 ? "005000000000011AAA" : "005000000000012AAA");
}

TEST(record_types, are_found_by_name)
{
    given("salesforce_create",
          "{" ON_LEAD ",\"set\":{\"LastName\":\"{{LastName}}\",\"RecordTypeId\":\"partner lead\"}}",
          LEAD_OBJECT(""), NULL, 1);
    run_ok();
    CHECK_CONTAINS(op_of("Act", 1).payload, "012000000000001AAA");
}

TEST(record_types, that_the_user_may_not_use_are_refused)
{
    given("salesforce_create",
          "{" ON_LEAD ",\"set\":{\"LastName\":\"{{LastName}}\",\"RecordTypeId\":\"Old\"}}",
          LEAD_OBJECT(""), NULL, 1);
    run_ok();
    CHECK_STR(cell_code("Act", 1), "refused.no_such_name");
}

/* ------------------------------------------------------------------- deleting */

#define DELETE "{" ON_LEAD ",\"match\":{\"Email\":\"{{Email}}\"}}"
#define ONE_LEAD LEAD_OBJECT("{\"Id\":\"" L1 "\",\"Email\":\"p1@x.org\",\"Company\":\"Acme\"}")

TEST(deleting, is_off_unless_the_guard_names_the_object)
{
    given("salesforce_delete", DELETE, ONE_LEAD, NULL, 1);
    CHECK_FAIL(run(), &g.err, "guard.may_delete");
    CHECK_INT(leads(), 1);
}

TEST(deleting, keeps_what_was_there)
{
    given("salesforce_delete", DELETE, ONE_LEAD, "{\"may_delete\":[\"Lead\"]}", 2);
    run_ok();
    CHECK_INT(leads(), 0);
    CHECK_INT(g.report.deleted, 1);
    CHECK_CONTAINS(op_of("Act", 1).before, "\"Company\":\"Acme\"");
    CHECK_CONTAINS(cell_value("Act", 1), "\"deleted\":true");
    CHECK_STR(cell_code("Act", 2), "refused.not_found");
    g.options.all = true;
    run_ok(); /* it stays deleted, and nothing more is */
    CHECK_INT(cell_state("Act", 1), CELL_OK);
    CHECK_INT(ops().total, 1);
}

TEST(deleting, a_lost_answer_is_found_out)
{
    static const char *const lost[] = {"{\"outcomes\":[{\"class\":\"unknown\",\"executed\":true}]}",
                                       "{\"outcomes\":[{\"class\":\"unknown\"}]}"};
    for (size_t i = 0; i < 2; i++) {
        given("salesforce_delete", DELETE, ONE_LEAD, "{\"may_delete\":[\"Lead\"]}", 1);
        CHECK_OK(scripted_add(g.org, lost[i], &g.err), &g.err);
        run_ok();
        CHECK_INT(leads(), 0);
        CHECK_INT(ops().by_state[OP_DONE], 1);
        given_end();
        begin();
    }
}

/* ------------------------------------------------------------------ campaigns */

#define CAMPAIGNS                                                                                  \
    "{\"objects\":{\"Campaign\":{\"keyPrefix\":\"701\",\"fields\":[{\"name\":\"Id\",\"type\":"     \
    "\"id\"}," FIELD("Name", "string") "],\"records\":[{\"Id\":\"701000000000001AAA\","            \
    "\"Name\":\"Spring\"}]},"                                                                      \
    "\"CampaignMemberStatus\":{\"keyPrefix\":\"01Y\",\"fields\":["                                 \
    FIELD("CampaignId", "reference") "," FIELD("Label", "string") "],\"records\":["                \
    "{\"CampaignId\":\"701000000000001AAA\",\"Label\":\"Sent\"},"                                  \
    "{\"CampaignId\":\"701000000000001AAA\",\"Label\":\"Responded\"}]},"                           \
    "\"CampaignMember\":{\"keyPrefix\":\"00v\",\"fields\":[{\"name\":\"Id\",\"type\":\"id\","      \
    "\"filterable\":true}," FIELD("CampaignId", "reference") "," FIELD("LeadId", "reference") ","  \
    FIELD("ContactId", "reference") "," FIELD("Status", "picklist") "],\"records\":["              \
    "{\"Id\":\"00v000000000001AAA\",\"CampaignId\":\"701000000000001AAA\",\"ContactId\":"          \
    "\"003000000000001AAA\",\"Status\":\"Sent\"}]}}}"
#define MEMBER(status)                                                                             \
    "{\"connection\":\"prod\",\"campaign\":\"Spring\",\"member\":\"{{Person.id}}\",\"status\":\""  \
    status "\"}"

static void given_campaign(const char *config, int contacts)
{
    struct given_column columns[] = {
        {"Person", "salesforce_lookup",
         "{\"connection\":\"prod\",\"object\":\"Contact\",\"match\":{\"Email\":\"{{Email}}\"}}",
         NULL, TYPE_JSON},
        {"Act", "salesforce_campaign", config, NULL, TYPE_JSON},
    };
    given_org("", contacts);
    CHECK_OK(scripted_add(g.org, CAMPAIGNS, &g.err), &g.err);
    given_table(columns, 2, NULL);
    given_synced();
}

TEST(campaign, makes_members_or_sets_their_status)
{
    given_campaign(MEMBER("responded"), 3);
    run_ok();
    CHECK_INT(scripted_record_count(g.org, "CampaignMember"), 3);
    CHECK_INT(g.report.updated, 1);
    CHECK_INT(g.report.created, 2);
    CHECK_STR(scripted_field(g.org, "CampaignMember", "00v000000000001AAA", "Status"),
              "\"Responded\""); /* the campaign's own spelling */
    CHECK_CONTAINS(op_of("Act", 2).payload, "\"ContactId\":\"003000000000002AAA\"");
    CHECK_INT(op_of("Act", 2).mode, MODE_KEYED);
    g.options.all = true;
    run_ok();
    CHECK_INT(scripted_record_count(g.org, "CampaignMember"), 3);
    CHECK_INT(g.report.created, 0);
}

TEST(campaign, refuses_a_status_that_the_campaign_does_not_have)
{
    given_campaign(MEMBER("Visited"), 1);
    run_ok();
    CHECK_STR(cell_code("Act", 1), "refused.bad_picklist");
    CHECK_INT(ops().total, 0);
}

TEST(campaign, a_lost_answer_makes_no_second_member)
{
    given_campaign(MEMBER("Sent"), 2);
    CHECK_OK(scripted_add(g.org, "{\"outcomes\":[{\"class\":\"unknown\",\"executed\":true}]}",
                          &g.err),
             &g.err);
    run_ok();
    CHECK_INT(scripted_record_count(g.org, "CampaignMember"), 2);
    CHECK_INT(ops().by_state[OP_DONE], 1);
    CHECK(op_of("Act", 2).adopted);
}
