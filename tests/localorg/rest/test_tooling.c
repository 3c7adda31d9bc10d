/* test_tooling.c - setup as records: queries, custom fields made and changed.
 * Guards tooling.c of src/localorg/rest and src/localorg/metadata. */
#include "localorg/rest/fixture.h"

#include "base/str.h"
#include "base/uri.h"

#include <string.h>

EACH_REST_TEST

#define V "/services/data/v66.0"
#define T V "/tooling"

static struct reply tooling(const char *soql)
{
    struct arena *arena = arena_new();
    struct reply reply = ask("GET", text_f(T "/query?q=%s", uri_encoded(arena, soql)), NULL);
    arena_free(arena);
    return reply;
}

static const char *at(const struct reply *reply, const char *path)
{
    const char *text = json_text(json_path(reply->json, path));
    return text ? text : "";
}

static const char *given_custom_field(const char *name, const char *metadata)
{
    struct reply reply =
        ask("POST", T "/sobjects/CustomField",
            text_f("{\"FullName\":\"%s\",\"Metadata\":%s}", name, metadata));
    if (reply.status != 201)
        fprintf(stderr, "%s: %s\n", name, reply.text);
    CHECK_INT(reply.status, 201);
    return text_f("%s", at(&reply, "id"));
}

/* "CODE: message" of a refusal. */
static const char *refused(const char *name, const char *metadata)
{
    struct reply reply =
        ask("POST", T "/sobjects/CustomField",
            text_f("{\"FullName\":\"%s\",\"Metadata\":%s}", name, metadata));
    CHECK_INT(reply.status, 400);
    return text_f("%s: %s", error_code(&reply), at(&reply, "[0].message"));
}

TEST(tooling, a_unique_external_id_is_made_and_used)
{
    const char *id = given_custom_field("Lead.Argil_Key__c",
                                        "{\"label\":\"Argil Key\",\"type\":\"Text\",\"length\":64,"
                                        "\"externalId\":true,\"unique\":true,"
                                        "\"caseSensitive\":true,\"description\":\"seal\"}");
    CHECK(text_starts(id, "00N"));
    struct reply reply = ask("GET", V "/sobjects/Lead/describe", NULL);
    const struct json *field = NULL;
    json_each(each, json_get(reply.json, "fields"))
        if (text_eq(json_get_text(each, "name"), "Argil_Key__c"))
            field = each;
    CHECK(field != NULL);
    CHECK(json_get_bool(field, "externalId", false) && json_get_bool(field, "unique", false));
    CHECK(json_get_bool(field, "idLookup", false) && json_get_bool(field, "caseSensitive", false));
    CHECK_INT(json_get_int(field, "length", 0), 64);
    reply = ask("PATCH", V "/sobjects/Lead/Argil_Key__c/k-1",
                "{\"LastName\":\"Lee\",\"Company\":\"C\"}");
    CHECK_INT(reply.status, 201);
    reply = ask("POST", V "/sobjects/Lead",
                "{\"LastName\":\"Ray\",\"Company\":\"C\",\"Argil_Key__c\":\"k-1\"}");
    CHECK_STR(error_code(&reply), "DUPLICATE_VALUE");
    CHECK_STR(refused("Lead.Argil_Key__c", "{\"label\":\"x\",\"type\":\"Text\",\"length\":9}"),
              "DUPLICATE_DEVELOPER_NAME: There is already a field named Argil_Key on Lead.");

    reply = tooling("SELECT Id, FullName, Metadata FROM CustomField WHERE DeveloperName = "
                    "'Argil_Key' AND TableEnumOrId = 'Lead'");
    CHECK_STR(at(&reply, "records[0].Id"), id);
    CHECK_STR(at(&reply, "records[0].Metadata.description"), "seal");
    CHECK_STR(at(&reply, "records[0].FullName"), "Lead.Argil_Key__c");
    CHECK_STR(at(&reply, "entityTypeName"), "CustomField");
    reply = ask("GET", text_f(T "/sobjects/CustomField/%s", id), NULL);
    CHECK_STR(at(&reply, "Metadata.type"), "Text");
    reply = ask("PATCH", text_f(T "/sobjects/CustomField/%s", id),
                "{\"Metadata\":{\"label\":\"Key\",\"type\":\"Text\",\"length\":80,\"unique\":true}}");
    CHECK_INT(reply.status, 204);
    CHECK_STR(soql_one("SELECT Argil_Key__c FROM Lead", "Argil_Key__c"), "k-1");
    reply = ask("DELETE", text_f(T "/sobjects/CustomField/%s", id), NULL);
    CHECK_INT(reply.status, 204);
    reply = ask("GET", V "/query?q=SELECT+Argil_Key__c+FROM+Lead", NULL);
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
    CHECK_INT(ask("GET", text_f(T "/sobjects/CustomField/%s", id), NULL).status, 404);
}

TEST(tooling, every_kind_of_field)
{
    static const char *const kinds[][2] = {
        {"A", "\"type\":\"Checkbox\",\"defaultValue\":true"},
        {"B", "\"type\":\"Number\",\"precision\":10,\"scale\":2"},
        {"C", "\"type\":\"Picklist\",\"valueSet\":{\"restricted\":true,\"valueSetDefinition\":{"
              "\"value\":[{\"fullName\":\"Red\",\"label\":\"Rouge\",\"default\":true},"
              "{\"fullName\":\"Blue\"}]}}"},
        {"D", "\"type\":\"Lookup\",\"referenceTo\":\"Contact\",\"relationshipName\":\"Deals\""},
        {"E", "\"type\":\"LongTextArea\",\"length\":3000,\"visibleLines\":3"},
        {"F", "\"type\":\"AutoNumber\",\"displayFormat\":\"A-{0000}\""},
        {"G", "\"type\":\"Location\",\"scale\":5,\"displayLocationInDecimal\":true"},
        {"H", "\"type\":\"MultiselectPicklist\",\"visibleLines\":3,\"valueSet\":{"
              "\"valueSetDefinition\":{\"value\":[{\"fullName\":\"x\"}]}}"},
        {"I", "\"type\":\"Currency\",\"precision\":18,\"scale\":2"},
        {"J", "\"type\":\"Email\",\"inlineHelpText\":\"help\""}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        given_custom_field(text_f("Account.%s__c", kinds[i][0]),
                           text_f("{\"label\":\"%s\",%s}", kinds[i][0], kinds[i][1]));
    const char *contact = given("Contact", "{\"LastName\":\"Lee\"}");
    given("Account", text_f("{\"Name\":\"Acme\",\"B__c\":1.25,\"D__c\":\"%s\",\"E__c\":\"long\","
                            "\"G__Latitude__s\":47.1,\"G__Longitude__s\":8.2}",
                            contact));
    CHECK_STR(soql_one("SELECT D__r.LastName FROM Account", "D__r.LastName"), "Lee");
    CHECK_STR(soql_one("SELECT C__c FROM Account", "C__c"), "Red");
    CHECK_STR(soql_one("SELECT F__c FROM Account", "F__c"), "A-0001");
    CHECK_INT(soql_count("Account WHERE A__c = true AND B__c = 1.25"), 1);
    CHECK_INT(soql_count("Contact WHERE Id IN (SELECT D__c FROM Account)"), 1);
    struct reply reply = ask("POST", V "/sobjects/Account",
                             "{\"Name\":\"Bolt\",\"C__c\":\"Green\"}");
    CHECK_STR(error_code(&reply), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
    reply = tooling("SELECT COUNT() FROM CustomField WHERE EntityDefinition.QualifiedApiName = "
                    "'Account'");
    CHECK(json_get_int(reply.json, "totalSize", 0) >= 10);
}

TEST(tooling, refusals_name_what_is_missing)
{
    CHECK_STR(refused("Lead.Key", "{\"label\":\"x\",\"type\":\"Text\",\"length\":9}"),
              "INVALID_FIELD: Invalid fullName, must end in Custom suffix (e.g. __c)");
    CHECK_STR(refused("Lead.Key__c", "{\"label\":\"x\",\"type\":\"Text\"}"),
              "FIELD_INTEGRITY_EXCEPTION: Must specify 'length' for a CustomField of type Text");
    CHECK_STR(refused("Lead.Key__c", "{\"type\":\"Text\",\"length\":9}"),
              "REQUIRED_FIELD_MISSING: Required field is missing: label");
    CHECK_STR(refused("Nope.Key__c", "{\"label\":\"x\",\"type\":\"Text\",\"length\":9}"),
              "INVALID_CROSS_REFERENCE_KEY: Entity Of type 'CustomObject' named 'Nope' cannot be "
              "found");
    CHECK_STR(refused("Lead.Key__c", "{\"label\":\"x\",\"type\":\"Lookup\",\"referenceTo\":\"No\"}"),
              "FIELD_INTEGRITY_EXCEPTION: referenceTo value of 'No' does not resolve to a valid "
              "sObject type");
    CHECK_STR(refused("Lead.Key__c", "{\"label\":\"x\",\"type\":\"Blob\"}"),
              "INVALID_TYPE: Unsupported CustomField type: Blob");
    CHECK_CONTAINS(refused("Lead.1__c", "{\"label\":\"x\",\"type\":\"Text\",\"length\":9}"),
                   "must begin with a letter");
    struct reply reply = ask("POST", T "/sobjects/CustomField", "{\"FullName\":\"Lead.K__c\"}");
    CHECK_STR(error_code(&reply), "REQUIRED_FIELD_MISSING");
    reply = ask("POST", T "/sobjects/ApexClass", "{\"Name\":\"X\"}");
    CHECK_INT(reply.status, 404);
    ask("POST", "/localorg/users",
        "{\"username\":\"eve@localorg.example\",\"name\":\"Eve\",\"email\":\"e@x.example\","
        "\"password\":\"pw123456\",\"profile\":\"Standard User\"}");
    reply = ask("POST", "/localorg/token", "{\"username\":\"eve@localorg.example\"}");
    const char *eve = text_f("Bearer %s", json_get_text(reply.json, "access_token"));
    reply = ask_as(eve, "POST", T "/sobjects/CustomField",
                   "{\"FullName\":\"Lead.K__c\",\"Metadata\":{\"label\":\"K\",\"type\":\"Text\","
                   "\"length\":9}}",
                   NULL, NULL);
    CHECK_INT(reply.status, 403);
    reply = ask("POST", V "/composite",
                text_f("{\"compositeRequest\":[{\"method\":\"POST\",\"url\":\"%s\",\"referenceId\":"
                       "\"a\",\"body\":{\"FullName\":\"Lead.K__c\",\"Metadata\":{}}}]}",
                       T "/sobjects/CustomField"));
    CHECK_STR(at(&reply, "compositeResponse[0].httpStatusCode"), "400");
}

TEST(tooling, objects_and_fields_are_records)
{
    struct reply reply = tooling("SELECT QualifiedApiName, KeyPrefix FROM EntityDefinition WHERE "
                                 "QualifiedApiName = 'Account'");
    CHECK_STR(at(&reply, "records[0].KeyPrefix"), "001");
    reply = tooling("SELECT QualifiedApiName, DataType, IsNillable FROM FieldDefinition WHERE "
                    "EntityDefinition.QualifiedApiName = 'Account' AND QualifiedApiName = 'Name'");
    CHECK_STR(at(&reply, "records[0].DataType"), "Text(255)");
    CHECK_STR(at(&reply, "records[0].attributes.url") + strlen(T),
              text_f("/sobjects/FieldDefinition/%s",
                     strrchr(at(&reply, "records[0].attributes.url"), '/') + 1));
    reply = tooling("SELECT DurableId FROM FieldDefinition WHERE EntityDefinitionId = 'Account' "
                    "AND DeveloperName = 'Phone'");
    CHECK_STR(at(&reply, "records[0].DurableId"), "Account.Phone");
    reply = tooling("SELECT Id FROM ApexClass LIMIT 1");
    CHECK_INT(json_get_int(reply.json, "totalSize", -1), 0);
    reply = tooling("SELECT Id FROM Nonsense");
    CHECK_STR(error_code(&reply), "INVALID_TYPE");
    reply = tooling("SELECT Nope FROM CustomField");
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
    reply = tooling("SELECT Id, Username FROM User");
    CHECK_INT(reply.status, 200);
    CHECK_INT(ask("GET", T "/sobjects/FieldDefinition/describe", NULL).status, 200);
    CHECK_INT(ask("GET", T "/sobjects", NULL).status, 200);
}

TEST(tooling, change_data_capture_is_switched_on)
{
    struct reply reply =
        ask("POST", T "/sobjects/PlatformEventChannelMember",
            "{\"FullName\":\"ChangeEvents_AccountChangeEvent\",\"Metadata\":{\"eventChannel\":"
            "\"ChangeEvents\",\"selectedEntity\":\"AccountChangeEvent\"}}");
    CHECK_INT(reply.status, 201);
    const char *id = text_f("%s", at(&reply, "id"));
    reply = ask("GET", "/localorg/events", NULL);
    CHECK_STR(at(&reply, "selected[0].event"), "AccountChangeEvent");
    reply = tooling("SELECT Id, SelectedEntity FROM PlatformEventChannelMember");
    CHECK_STR(at(&reply, "records[0].SelectedEntity"), "AccountChangeEvent");
    CHECK_STR(at(&reply, "records[0].Id"), id);
    reply = ask("POST", T "/sobjects/PlatformEventChannelMember",
                "{\"FullName\":\"x\",\"Metadata\":{\"eventChannel\":\"ChangeEvents\","
                "\"selectedEntity\":\"NopeChangeEvent\"}}");
    CHECK_INT(reply.status, 400);
    CHECK_INT(ask("DELETE", text_f(T "/sobjects/PlatformEventChannelMember/%s", id), NULL).status,
              204);
    reply = ask("GET", "/localorg/events", NULL);
    CHECK_INT(json_get(reply.json, "selected")->len, 0);
}
