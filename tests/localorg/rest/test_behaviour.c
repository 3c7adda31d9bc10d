/* test_behaviour.c - formula fields, flows, assignment, locks and stamps as a
 * client meets them. */
#include "localorg/rest/fixture.h"

#include "base/str.h"

#include <string.h>

EACH_REST_TEST

#define V "/services/data/v66.0"
#define T V "/tooling"

static void field(const char *name, const char *metadata)
{
    struct reply reply = ask("POST", T "/sobjects/CustomField",
                             text_f("{\"FullName\":\"%s\",\"Metadata\":%s}", name, metadata));
    if (reply.status != 201)
        fprintf(stderr, "%s: %s\n", name, reply.text);
    CHECK_INT(reply.status, 201);
}

static void rule(const char *json)
{
    struct reply reply = ask("POST", "/localorg/rules", json);
    if (reply.status != 200)
        fprintf(stderr, "%s\n", reply.text);
    CHECK_INT(reply.status, 200);
}

TEST(behaviour, formula_fields_can_be_asked_for_anywhere)
{
    field("Account.Size__c", "{\"label\":\"Size\",\"type\":\"Text\",\"formula\":\"IF(AnnualRevenue > "
                             "1000, 'large', 'small')\",\"formulaTreatBlanksAs\":\"BlankAsZero\"}");
    field("Contact.Firm__c", "{\"label\":\"Firm\",\"type\":\"Text\",\"formula\":\"Account.Name & '/' & "
                             "Account.Size__c\"}");
    field("Account.Deals__c", "{\"label\":\"Deals\",\"type\":\"Summary\",\"summaryForeignKey\":"
                              "\"Opportunity.AccountId\",\"summaryOperation\":\"sum\","
                              "\"summarizedField\":\"Opportunity.Amount\"}");
    const char *a = given("Account", "{\"Name\":\"Acme\",\"AnnualRevenue\":5000}");
    given("Account", "{\"Name\":\"Bolt\"}");
    given("Contact", text_f("{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", a));
    given("Opportunity", text_f("{\"Name\":\"o\",\"StageName\":\"Prospecting\",\"CloseDate\":"
                                "\"2030-01-01\",\"Amount\":12.5,\"AccountId\":\"%s\"}", a));
    CHECK_STR(soql_one("SELECT Size__c FROM Account WHERE Name = 'Bolt'", "Size__c"), "small");
    CHECK_STR(soql_one("SELECT Name FROM Account WHERE Size__c = 'large'", "Name"), "Acme");
    CHECK_STR(soql_one("SELECT Name FROM Account ORDER BY Deals__c DESC NULLS LAST LIMIT 1", "Name"),
              "Acme");
    CHECK_STR(soql_one("SELECT Firm__c FROM Contact", "Firm__c"), "Acme/large");
    CHECK_STR(soql_one("SELECT Account.Deals__c FROM Contact", "Account.Deals__c"), "12.5");
    CHECK_INT(soql_count("Contact WHERE Account.Size__c = 'large'"), 1);
    CHECK_STR(soql_one("SELECT Size__c, COUNT(Id) n FROM Account GROUP BY Size__c ORDER BY Size__c",
                       "Size__c"), "large");
    struct reply reply = ask("GET", text_f(V "/sobjects/Account/%s", a), NULL);
    CHECK_STR(json_get_text(reply.json, "Deals__c"), "12.5");
    reply = ask("PATCH", text_f(V "/sobjects/Account/%s", a), "{\"Size__c\":\"x\"}");
    CHECK_STR(error_code(&reply), "INVALID_FIELD_FOR_INSERT_UPDATE");
    reply = ask("POST", T "/sobjects/CustomField",
                "{\"FullName\":\"Account.Bad__c\",\"Metadata\":{\"label\":\"Bad\",\"type\":\"Number\","
                "\"precision\":18,\"scale\":0,\"formula\":\"Nope__c + 1\"}}");
    CHECK_CONTAINS(reply.text, "Field Nope__c does not exist. Check spelling.");
    reply = ask("GET", V "/query?q=SELECT+Bad__c+FROM+Account", NULL);
    CHECK_STR(error_code(&reply), "INVALID_FIELD"); /* taken back */
}

TEST(behaviour, formula_values_travel_in_change_events)
{
    field("Account.Loud__c", "{\"label\":\"Loud\",\"type\":\"Text\",\"formula\":\"UPPER(Name)\"}");
    ask("POST", "/localorg/events", "{\"select\":[\"Account\"]}");
    struct reply reply = ask("POST", "/cometd/66.0",
                             "[{\"channel\":\"/meta/handshake\",\"supportedConnectionTypes\":"
                             "[\"long-polling\"]}]");
    const char *client = text_f("%s", json_text(json_path(reply.json, "[0].clientId")));
    ask("POST", "/cometd/66.0", text_f("[{\"channel\":\"/meta/subscribe\",\"clientId\":\"%s\","
                                       "\"subscription\":\"/data/AccountChangeEvent\"}]", client));
    given("Account", "{\"Name\":\"Acme\"}");
    reply = ask("POST", "/cometd/66.0",
                text_f("[{\"channel\":\"/meta/connect\",\"clientId\":\"%s\",\"connectionType\":"
                       "\"long-polling\",\"advice\":{\"timeout\":0}}]", client));
    CHECK_STR(json_text(json_path(reply.json, "[0].data.payload.Loud__c")), "ACME");
}

TEST(behaviour, assignment_follows_the_header)
{
    ask("POST", "/localorg/users",
        "{\"username\":\"west@localorg.example\",\"name\":\"West\",\"email\":\"w@x.example\","
        "\"password\":\"pw123456\",\"profile\":\"Standard User\"}");
    rule("{\"name\":\"Standard\",\"object\":\"Lead\",\"assignment\":[{\"when\":\"State = 'CA'\","
         "\"owner\":\"west@localorg.example\"}]}");
    static const char *const lead = "{\"LastName\":\"L\",\"Company\":\"C\",\"State\":\"CA\"}";
    given("Lead", lead);
    CHECK_INT(soql_count("Lead WHERE Owner.Name LIKE '%West%'"), 1);
    const char *admin = text_f("Bearer %s", admin_token);
    ask_as(admin, "POST", V "/sobjects/Lead", lead, "Sforce-Auto-Assign", "FALSE");
    CHECK_INT(soql_count("Lead WHERE Owner.Name LIKE '%West%'"), 1);
    const char *id = soql_one("SELECT Id FROM AssignmentRule WHERE SobjectType = 'Lead'", "Id");
    CHECK(text_starts(id, "01Q"));
    ask_as(admin, "POST", V "/sobjects/Lead", lead, "Sforce-Auto-Assign", text_f("%s", id));
    CHECK_INT(soql_count("Lead WHERE Owner.Name LIKE '%West%'"), 2);
}

TEST(behaviour, validation_rules_and_flows_come_by_metadata_and_control)
{
    struct reply reply =
        ask("POST", T "/sobjects/ValidationRule",
            "{\"FullName\":\"Account.Up_only\",\"Metadata\":{\"active\":true,\"errorConditionFormula\":"
            "\"ISCHANGED(AnnualRevenue) && AnnualRevenue < PRIORVALUE(AnnualRevenue)\","
            "\"errorMessage\":\"only up\",\"errorDisplayField\":\"AnnualRevenue\"}}");
    CHECK_INT(reply.status, 201);
    rule("{\"name\":\"Shout\",\"object\":\"Account\",\"flow\":\"before_save\",\"set\":{\"Site\":{"
         "\"formula\":\"UPPER(Name)\"}}}");
    const char *id = given("Account", "{\"Name\":\"Acme\",\"AnnualRevenue\":10}");
    CHECK_STR(soql_one("SELECT Site FROM Account", "Site"), "ACME");
    reply = ask("PATCH", text_f(V "/sobjects/Account/%s", id), "{\"AnnualRevenue\":5}");
    CHECK_STR(error_code(&reply), "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    CHECK_STR(json_text(json_path(reply.json, "[0].fields[0]")), "AnnualRevenue");
    reply = ask("GET", T "/query?q=SELECT+ValidationName,Metadata+FROM+ValidationRule", NULL);
    CHECK_STR(json_text(json_path(reply.json, "records[0].Metadata.errorMessage")), "only up");
    reply = ask("POST", T "/sobjects/ValidationRule",
                "{\"FullName\":\"Account.Bad\",\"Metadata\":{\"active\":true,"
                "\"errorConditionFormula\":\"Name\",\"errorMessage\":\"x\"}}");
    CHECK_INT(reply.status, 400);
}

TEST(behaviour, held_records_refuse_their_writers_and_those_of_their_children)
{
    const char *a = given("Account", "{\"Name\":\"Acme\"}");
    struct reply reply = ask("POST", "/localorg/locks",
                             text_f("{\"id\":\"%s\",\"for_ms\":60000}", a));
    CHECK_INT(reply.status, 200);
    reply = ask("PATCH", text_f(V "/sobjects/Account/%s", a), "{\"Phone\":\"1\"}");
    CHECK_STR(error_code(&reply), "UNABLE_TO_LOCK_ROW");
    reply = ask("POST", V "/sobjects/Contact",
                text_f("{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", a));
    CHECK_STR(error_code(&reply), "UNABLE_TO_LOCK_ROW");
    CHECK_CONTAINS(reply.text, text_f("%.15s", a));
    ask("POST", "/localorg/clock", "{\"shift_s\":61}");
    reply = ask("PATCH", text_f(V "/sobjects/Account/%s", a), "{\"Phone\":\"1\"}");
    CHECK_INT(reply.status, 204);
    ask("POST", "/localorg/locks", text_f("[{\"id\":\"%s\",\"times\":9},{\"id\":\"*\",\"times\":1}]", a));
    reply = ask("GET", "/localorg/locks", NULL);
    CHECK_INT(reply.json->len, 2);
    ask("DELETE", text_f("/localorg/locks?id=%s", a), NULL);
    reply = ask("POST", V "/sobjects/Account", "{\"Name\":\"any\"}");
    CHECK_STR(error_code(&reply), "UNABLE_TO_LOCK_ROW");
    reply = ask("POST", V "/sobjects/Account", "{\"Name\":\"any\"}");
    CHECK_INT(reply.status, 201);
    CHECK_INT(ask("POST", "/localorg/locks", "{\"id\":\"x\"}").status, 400);
}

TEST(behaviour, stamps_may_lie_before_the_commit)
{
    ask("POST", "/localorg/clock", "{\"freeze\":true,\"stamp_lag_ms\":8000}");
    for (int i = 0; i < 12; i++)
        given("Account", "{\"Name\":\"Acme\"}");
    struct reply reply = ask("GET", "/localorg/clock", NULL);
    const char *now = text_f("%s", json_get_text(reply.json, "now"));
    CHECK_INT(soql_count(text_f("Account WHERE SystemModstamp > %s", now)), 0);
    CHECK(soql_count(text_f("Account WHERE SystemModstamp < %.19sZ", now)) > 0);
    reply = ask("GET", V "/query?q=SELECT+COUNT_DISTINCT(SystemModstamp)n+FROM+Account", NULL);
    CHECK(json_int(json_path(reply.json, "records[0].n"), 0) > 2);
}
