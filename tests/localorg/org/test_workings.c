/* test_workings.c - what standard objects work out for themselves. */
#include "fixture.h"

EACH_TEST(given_org, org_gone)

TEST(opportunity, follows_its_stage)
{
    const char *id =
        given("Opportunity", "{\"Name\":\"Deal\",\"StageName\":\"Proposal/Price Quote\","
                             "\"CloseDate\":\"2026-05-31\",\"Amount\":2000}");
    CHECK_STR(stored("Opportunity", id, "Probability"), "75");
    CHECK_STR(stored("Opportunity", id, "IsClosed"), "0");
    CHECK_STR(stored("Opportunity", id, "ForecastCategoryName"), "Pipeline");
    CHECK_STR(stored("Opportunity", id, "ExpectedRevenue"), "1500");
    CHECK_STR(stored("Opportunity", id, "FiscalYear"), "2026");
    CHECK_STR(stored("Opportunity", id, "FiscalQuarter"), "2");
    CHECK_STR(stored("Opportunity", id, "Fiscal"), "2026 2");
    CHECK_OUTCOME(updated("Opportunity", id, "{\"StageName\":\"Closed Won\"}"), "done");
    CHECK_STR(stored("Opportunity", id, "IsClosed"), "1");
    CHECK_STR(stored("Opportunity", id, "IsWon"), "1");
    CHECK_STR(stored("Opportunity", id, "ExpectedRevenue"), "2000");
    CHECK_OUTCOME(updated("Opportunity", id, "{\"StageName\":\"Prospecting\",\"Probability\":5}"),
                  "done");
    CHECK_STR(stored("Opportunity", id, "Probability"), "5");
    CHECK_STR(stored("Opportunity", id, "IsWon"), "0");
}

TEST(opportunity, knows_the_stages_of_a_new_org)
{
    static const struct {
        const char *stage, *probability, *category, *closed, *won;
    } stages[] = {
        {"Prospecting", "10", "Pipeline", "0", "0"},
        {"Qualification", "10", "Pipeline", "0", "0"},
        {"Needs Analysis", "20", "Pipeline", "0", "0"},
        {"Value Proposition", "50", "Pipeline", "0", "0"},
        {"Id. Decision Makers", "60", "Pipeline", "0", "0"},
        {"Perception Analysis", "70", "Pipeline", "0", "0"},
        {"Proposal/Price Quote", "75", "Pipeline", "0", "0"},
        {"Negotiation/Review", "90", "Pipeline", "0", "0"},
        {"Closed Won", "100", "Closed", "1", "1"},
        {"Closed Lost", "0", "Omitted", "1", "0"},
        {"Invented", "10", "Pipeline", "0", "0"},
    };
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        const char *id = given("Opportunity", arena_printf(arena,
                                                           "{\"Name\":\"D\",\"StageName\":\"%s\","
                                                           "\"CloseDate\":\"2026-12-31\"}",
                                                           stages[i].stage));
        CHECK_STR(stored("Opportunity", id, "Probability"), stages[i].probability);
        CHECK_STR(stored("Opportunity", id, "ForecastCategory"), stages[i].category);
        CHECK_STR(stored("Opportunity", id, "ForecastCategoryName"), stages[i].category);
        CHECK_STR(stored("Opportunity", id, "IsClosed"), stages[i].closed);
        CHECK_STR(stored("Opportunity", id, "IsWon"), stages[i].won);
        CHECK_STR(stored("Opportunity", id, "FiscalQuarter"), "4");
        CHECK_STR(stored("Opportunity", id, "ExpectedRevenue"), NULL);
    }
}

TEST(opportunity, expects_its_amount_times_its_probability)
{
    const char *id = given("Opportunity", "{\"Name\":\"D\",\"StageName\":\"Needs Analysis\","
                                          "\"CloseDate\":\"2026-04-01\",\"Amount\":10.5}");
    CHECK_STR(stored("Opportunity", id, "ExpectedRevenue"), "2.1");
    CHECK_STR(stored("Opportunity", id, "FiscalQuarter"), "2");
    CHECK_OUTCOME(updated("Opportunity", id, "{\"Amount\":100}"), "done");
    CHECK_STR(stored("Opportunity", id, "ExpectedRevenue"), "20");
    CHECK_OUTCOME(updated("Opportunity", id, "{\"Probability\":12.5}"), "done");
    CHECK_STR(stored("Opportunity", id, "ExpectedRevenue"), "12.5");
    CHECK_OUTCOME(updated("Opportunity", id, "{\"NextStep\":\"x\"}"), "done");
    CHECK_STR(stored("Opportunity", id, "ExpectedRevenue"), "12.5");
}

TEST(opportunity, takes_stages_from_their_table)
{
    options.system = true;
    given("OpportunityStage",
          "{\"MasterLabel\":\"Signed\",\"ApiName\":\"Signed\",\"IsActive\":true,"
          "\"IsClosed\":true,\"IsWon\":true,\"DefaultProbability\":100,"
          "\"ForecastCategory\":\"Closed\",\"ForecastCategoryName\":\"Closed\"}");
    options.system = false;
    const char *id = given("Opportunity", "{\"Name\":\"Deal\",\"StageName\":\"Signed\","
                                          "\"CloseDate\":\"2026-05-31\"}");
    CHECK_STR(stored("Opportunity", id, "IsWon"), "1");
    CHECK_STR(stored("Opportunity", id, "Probability"), "100");
}

TEST(case, closes_and_opens)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *contact =
        given("Contact", arena_printf(arena, "{\"LastName\":\"L\",\"AccountId\":\"%s\"}", account));
    const char *id = given("Case", arena_printf(arena, "{\"ContactId\":\"%s\"}", contact));
    CHECK_STR(stored("Case", id, "AccountId"), account);
    CHECK_STR(stored("Case", id, "Status"), "New");
    CHECK_STR(stored("Case", id, "IsClosed"), "0");
    CHECK_OUTCOME(updated("Case", id, "{\"Status\":\"Closed\"}"), "done");
    CHECK_STR(stored("Case", id, "IsClosed"), "1");
    CHECK_STR(stored("Case", id, "ClosedDate"), "1795428672000");
    CHECK_OUTCOME(updated("Case", id, "{\"Status\":\"Working\"}"), "done");
    CHECK_STR(stored("Case", id, "ClosedDate"), NULL);
}

TEST(case, keeps_the_account_it_was_given_and_takes_statuses_from_their_table)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *other = given("Account", "{\"Name\":\"Other\"}");
    const char *contact =
        given("Contact", arena_printf(arena, "{\"LastName\":\"L\",\"AccountId\":\"%s\"}", account));
    const char *id = given(
        "Case", arena_printf(arena, "{\"ContactId\":\"%s\",\"AccountId\":\"%s\"}", contact, other));
    CHECK_STR(stored("Case", id, "AccountId"), other);
    options.system = true;
    given("CaseStatus", "{\"Id\":\"01Jxx0000000001\",\"MasterLabel\":\"Solved\",\"ApiName\":"
                        "\"Solved\",\"IsClosed\":true}");
    given("CaseStatus", "{\"Id\":\"01Jxx0000000002\",\"MasterLabel\":\"Closed\",\"ApiName\":"
                        "\"Closed\",\"IsClosed\":false}");
    options.system = false;
    id = given("Case", "{\"Status\":\"Solved\"}");
    CHECK_STR(stored("Case", id, "IsClosed"), "1");
    CHECK_STR(stored("Case", id, "ClosedDate"), "1795428672000");
    org_clock_shift(org, 60000); /* closed already: the date stays */
    CHECK_OUTCOME(updated("Case", id, "{\"Status\":\"Solved\"}"), "done");
    CHECK_STR(stored("Case", id, "ClosedDate"), "1795428672000");
    CHECK_STR(stored("Case", given("Case", "{\"Status\":\"Closed\"}"), "IsClosed"), "0");
}

TEST(lead, converted_may_still_be_loaded)
{
    options.system = true;
    const char *id =
        given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"Acme\",\"IsConverted\":true}");
    CHECK_OUTCOME(updated("Lead", id, "{\"Title\":\"x\"}"), "done");
    options.system = false;
    CHECK_OUTCOME(deleted("Lead", id), "done");
}

TEST(task, knows_its_account_and_whether_it_is_done)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *deal =
        given("Opportunity", arena_printf(arena,
                                          "{\"Name\":\"D\",\"StageName\":\"Closed Lost\","
                                          "\"CloseDate\":\"2026-05-31\",\"AccountId\":\"%s\"}",
                                          account));
    const char *id = given("Task", arena_printf(arena,
                                                "{\"Subject\":\"Call\",\"WhatId\":\"%s\","
                                                "\"Priority\":\"High\"}",
                                                deal));
    CHECK_STR(stored("Task", id, "AccountId"), account);
    CHECK_STR(stored("Task", id, "IsHighPriority"), "1");
    CHECK_STR(stored("Task", id, "Status"), "Not Started");
    CHECK_STR(stored("Task", id, "IsClosed"), "0");
    CHECK_OUTCOME(updated("Task", id, "{\"Status\":\"Completed\"}"), "done");
    CHECK_STR(stored("Task", id, "IsClosed"), "1");
}

static const char *member(const char *campaign, const char *lead, const char *more)
{
    return arena_printf(arena, "{\"CampaignId\":\"%s\",\"LeadId\":\"%s\"%s}", campaign, lead, more);
}

TEST(campaign_member, is_added_once)
{
    const char *campaign = given("Campaign", "{\"Name\":\"Fair\"}");
    const char *other = given("Campaign", "{\"Name\":\"Other\"}");
    const char *lead =
        given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"Acme\",\"Email\":\"a@b.co\"}");
    const char *id = given("CampaignMember", member(campaign, lead, ""));
    CHECK_STR(stored("CampaignMember", id, "Status"), "Sent");
    CHECK_STR(stored("CampaignMember", id, "HasResponded"), "0");
    CHECK_STR(stored("CampaignMember", id, "LeadOrContactId"), lead);
    CHECK_STR(stored("CampaignMember", id, "Type"), "Lead");
    CHECK_STR(stored("CampaignMember", id, "Email"), "a@b.co");
    CHECK_STR(stored("CampaignMember", id, "CompanyOrAccount"), "Acme");
    CHECK_OUTCOME(inserted("CampaignMember", member(campaign, lead, "")),
                  "DUPLICATE_VALUE: Already a campaign member. []");
    given("CampaignMember", member(other, lead, ""));
    CHECK_OUTCOME(updated("CampaignMember", id, "{\"Status\":\"Responded\"}"), "done");
    CHECK_STR(stored("CampaignMember", id, "HasResponded"), "1");
    CHECK_STR(stored("CampaignMember", id, "FirstRespondedDate"), "2026-11-23");
    CHECK_OUTCOME(
        inserted("CampaignMember", arena_printf(arena, "{\"CampaignId\":\"%s\"}", campaign)),
        "REQUIRED_FIELD_MISSING: Required fields are missing: [LeadId, ContactId] "
        "[LeadId,ContactId]");
}

TEST(campaign_member, shows_its_contact_and_account)
{
    const char *campaign = given("Campaign", "{\"Name\":\"Fair\"}");
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *contact =
        given("Contact", arena_printf(arena,
                                      "{\"FirstName\":\"Ann\",\"LastName\":\"Lee\","
                                      "\"Title\":\"CEO\",\"AccountId\":\"%s\"}",
                                      account));
    const char *form = "{\"CampaignId\":\"%s\",\"ContactId\":\"%s\"}";
    const char *id = given("CampaignMember", arena_printf(arena, form, campaign, contact));
    CHECK_STR(stored("CampaignMember", id, "Type"), "Contact");
    CHECK_STR(stored("CampaignMember", id, "LeadOrContactId"), contact);
    CHECK_STR(stored("CampaignMember", id, "CompanyOrAccount"), "Acme");
    CHECK_STR(stored("CampaignMember", id, "FirstName"), "Ann");
    CHECK_STR(stored("CampaignMember", id, "Title"), "CEO");
    CHECK_OUTCOME(inserted("CampaignMember", arena_printf(arena, form, campaign, contact)),
                  "DUPLICATE_VALUE: Already a campaign member. []");
    const char *free_one = given("Contact", "{\"LastName\":\"Free\"}");
    id = given("CampaignMember", arena_printf(arena, form, campaign, free_one));
    CHECK_STR(stored("CampaignMember", id, "CompanyOrAccount"), NULL);
    CHECK_OUTCOME(deleted("CampaignMember", id), "done"); /* and may come again */
    given("CampaignMember", arena_printf(arena, form, campaign, free_one));
}

TEST(campaign_member, follows_the_statuses_of_its_campaign)
{
    const char *campaign = given("Campaign", "{\"Name\":\"Fair\"}");
    options.system = true;
    const char *status = "{\"CampaignId\":\"%s\",\"Label\":\"%s\",\"IsDefault\":%s,"
                         "\"HasResponded\":%s,\"SortOrder\":1}";
    given("CampaignMemberStatus",
          arena_printf(arena, status, campaign, "Invited", "true", "false"));
    given("CampaignMemberStatus", arena_printf(arena, status, campaign, "Came", "false", "true"));
    options.system = false;
    const char *lead = given("Lead", "{\"LastName\":\"Lee\",\"Company\":\"Acme\"}");
    const char *id = given("CampaignMember", member(campaign, lead, ""));
    CHECK_STR(stored("CampaignMember", id, "Status"), "Invited");
    CHECK_OUTCOME(updated("CampaignMember", id, "{\"Status\":\"Came\"}"), "done");
    CHECK_STR(stored("CampaignMember", id, "HasResponded"), "1");
}

TEST(user, is_a_person_who_may_sign_in)
{
    struct err err = {0};
    options.system = true;
    const char *license =
        given("UserLicense", "{\"Name\":\"Salesforce\",\"LicenseDefinitionKey\":\"SFDC\","
                             "\"MasterLabel\":\"Salesforce\",\"Status\":\"Active\"}");
    const char *profile = given("Profile", arena_printf(arena,
                                                        "{\"Name\":\"System Administrator\","
                                                        "\"UserLicenseId\":\"%s\"}",
                                                        license));
    options.system = false;
    const char *form =
        "{\"Username\":\"%s\",\"LastName\":\"Ray\",\"FirstName\":\"Bob\","
        "\"Email\":\"bob@example.com\",\"Alias\":\"bob\",\"CommunityNickname\":\"%s\","
        "\"TimeZoneSidKey\":\"Europe/Berlin\",\"LocaleSidKey\":\"en_US\","
        "\"EmailEncodingKey\":\"UTF-8\",\"LanguageLocaleKey\":\"en_US\","
        "\"ProfileId\":\"%s\"}";
    const char *id = given("User", arena_printf(arena, form, "bob@example.com", "bob", profile));
    struct org_user bob;
    CHECK(org_user_by_name(org, "BOB@example.com", &bob));
    CHECK_STR(bob.id, id);
    CHECK_STR(bob.name, "Bob Ray");
    CHECK_STR(bob.timezone, "Europe/Berlin");
    CHECK(bob.active && bob.system_administrator);
    CHECK_CONTAINS(
        outcome(inserted("User", arena_printf(arena, form, "Bob@Example.com", "bob2", profile))),
        "DUPLICATE_USERNAME: Duplicate Username.");
    CHECK_OK(org_user_set_password(org, "bob@example.com", "secret", &err), &err);
    CHECK(org_user_check_password(org, "bob@example.com", "secret"));
    CHECK(!org_user_check_password(org, "bob@example.com", "Secret"));
    CHECK_OUTCOME(updated("User", id, "{\"IsActive\":false}"), "done");
    CHECK(org_user_by_id(org, id, &bob) && !bob.active);
    CHECK(org_user_check_password(org, "bob@example.com", "secret")); /* the password is kept */
}
