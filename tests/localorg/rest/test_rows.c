/* test_rows.c - one record at a time, as the REST guide tells it. */
#include "localorg/rest/fixture.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/when.h"

#include <stdlib.h>
#include <string.h>

EACH_REST_TEST

#define V "/services/data/v66.0"

static void add_keys(void)
{
    struct reply reply =
        ask("POST", "/localorg/schema",
            "{\"object\":\"Account\",\"fields\":[{\"name\":\"Ext__c\",\"type\":\"string\","
            "\"length\":40,\"externalId\":true,\"idLookup\":true,\"unique\":true,\"label\":"
            "\"Ext\"},{\"name\":\"Loose__c\",\"type\":\"string\",\"length\":40,\"externalId\":true,"
            "\"idLookup\":true,\"label\":\"Loose\"}]}");
    CHECK_INT(reply.status, 200);
}

TEST(rows, a_record_lives_and_goes)
{
    struct reply reply = ask("POST", V "/sobjects/account", "{\"Name\":\"Acme\",\"Phone\":\"1\"}");
    CHECK_INT(reply.status, 201);
    CHECK(text_starts(reply.text, "{\"id\":\"001"));
    CHECK_CONTAINS(reply.text, "\"success\":true,\"errors\":[]}");
    const char *id = json_get_text(reply.json, "id");
    CHECK_STR(reply_header(&reply, "Location"), text_f(V "/sobjects/Account/%s", id));

    reply = ask("GET", text_f(V "/sobjects/Account/%s?fields=Name,Phone", id), NULL);
    CHECK_STR(reply.text, text_f("{\"attributes\":{\"type\":\"Account\",\"url\":\"" V
                                 "/sobjects/Account/%s\"},\"Id\":\"%s\",\"Name\":\"Acme\","
                                 "\"Phone\":\"1\"}",
                                 id, id));
    reply = ask("PATCH", text_f(V "/sobjects/Account/%s", id), "{\"Phone\":null}");
    CHECK_INT(reply.status, 204);
    CHECK_STR(reply.text, "");
    reply = ask("GET", text_f(V "/sobjects/Account/%.15s", id), NULL);
    CHECK(json_is(json_get(reply.json, "Phone"), JSON_NULL));
    CHECK(json_is(json_get(reply.json, "IsDeleted"), JSON_FALSE));
    CHECK_STR(json_get_text(reply.json, "Id"), id);

    reply = ask("DELETE", text_f(V "/sobjects/Account/%s", id), NULL);
    CHECK_INT(reply.status, 204);
    reply = ask("GET", text_f(V "/sobjects/Account/%s", id), NULL);
    CHECK_INT(reply.status, 404);
    CHECK_STR(error_code(&reply), "ENTITY_IS_DELETED");
    CHECK_INT(soql_count("Account"), 0);
}

TEST(rows, refusals_in_salesforces_words)
{
    struct reply reply = ask("POST", V "/sobjects/Account", "{\"Phone\":\"1\"}");
    CHECK_INT(reply.status, 400);
    CHECK_STR(reply.text, "[{\"message\":\"Required fields are missing: [Name]\",\"errorCode\":"
                          "\"REQUIRED_FIELD_MISSING\",\"fields\":[\"Name\"]}]");
    reply = ask("POST", V "/sobjects/Account", "{\"Name\":\"x\",\"Id\":\"001\"}");
    CHECK_CONTAINS(reply.text, "The Id field should not be specified in the sobject data.");
    reply = ask("POST", V "/sobjects/Nope", "{}");
    CHECK_INT(reply.status, 404);
    CHECK_STR(reply.text, "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"The requested resource does "
                          "not exist\"}]");
    reply = ask("POST", V "/sobjects/Account", "");
    CHECK_CONTAINS(reply.text, "The HTTP entity body is required");
    CHECK_STR(error_code(&reply), "JSON_PARSER_ERROR");
    reply = ask("POST", V "/sobjects/Account", "{\"Name\" \"x\"}");
    CHECK_CONTAINS(reply.text, "(code 34)");
    CHECK_CONTAINS(reply.text, "at [line:1, column:10]");
    reply = ask_as(text_f("Bearer %s", admin_token), "POST", V "/sobjects/Account", NULL,
                   "Content-Type", "text/plain");
    CHECK_INT(reply.status, 415);
    char *longer = mem_alloc(17000);
    memset(longer, 'x', 16500);
    reply = ask("GET", text_f(V "/query?q=%s", longer), NULL);
    free(longer);
    CHECK_INT(reply.status, 414);
    reply = ask("PATCH", V "/sobjects/Account/001000000000001AAA", "{}");
    CHECK_INT(reply.status, 404);
    reply = ask("GET", V "/sobjects/Account/001900K0001pPuOAAU", NULL);
    CHECK_STR(error_code(&reply), "MALFORMED_ID");
    reply = ask("PUT", V "/sobjects/Account", "{}");
    CHECK_INT(reply.status, 405);
    CHECK_STR(error_code(&reply), "METHOD_NOT_ALLOWED");
    CHECK_CONTAINS(reply.text, "HTTP Method 'PUT' not allowed. Allowed are HEAD,GET,POST");
}

TEST(rows, external_ids_create_update_and_split)
{
    add_keys();
    struct reply reply = ask("PATCH", V "/sobjects/Account/Ext__c/E%2F1", "{\"Name\":\"One\"}");
    CHECK_INT(reply.status, 201);
    CHECK(json_get_bool(reply.json, "created", false));
    const char *id = json_get_text(reply.json, "id");
    reply = ask("PATCH", V "/sobjects/Account/Ext__c/E%2F1", "{\"Name\":\"Uno\"}");
    CHECK_INT(reply.status, 200);
    CHECK_STR(reply.text,
              text_f("{\"id\":\"%s\",\"success\":true,\"errors\":[],\"created\":false}", id));
    reply = ask("PATCH", "/services/data/v45.0/sobjects/Account/Ext__c/E%2F1", "{\"Name\":\"U\"}");
    CHECK_INT(reply.status, 204);
    reply = ask("GET", V "/sobjects/Account/Ext__c/E%2F1?fields=Name", NULL);
    CHECK_STR(json_get_text(reply.json, "Name"), "U");
    reply = ask("PATCH", V "/sobjects/Account/Ext__c/new?updateOnly=true", "{\"Name\":\"x\"}");
    CHECK(reply.status >= 400);
    CHECK_INT(soql_count("Account"), 1);

    given("Account", "{\"Name\":\"a\",\"Loose__c\":\"same\"}");
    given("Account", "{\"Name\":\"b\",\"Loose__c\":\"same\"}");
    reply = ask("PATCH", V "/sobjects/Account/Loose__c/same", "{\"Name\":\"x\"}");
    CHECK_INT(reply.status, 300);
    CHECK_INT(reply.json->len, 2);
    CHECK_CONTAINS(json_text(json_at(reply.json, 0)), V "/sobjects/Account/001");
    reply = ask("GET", V "/sobjects/Account/Nope__c/x", NULL);
    CHECK_CONTAINS(reply.text,
                   "Provided external ID field does not exist or is not accessible: Nope__c");
    reply = ask("DELETE", V "/sobjects/Account/Ext__c/E%2F1", NULL);
    CHECK_INT(reply.status, 204);
}

TEST(rows, relationships_lead_on)
{
    const char *account = given("Account", "{\"Name\":\"Acme\"}");
    const char *contact =
        given("Contact", text_f("{\"LastName\":\"Doe\",\"AccountId\":\"%s\"}", account));
    struct reply reply =
        ask("GET", text_f(V "/sobjects/Contact/%s/Account?fields=Name", contact), NULL);
    CHECK_STR(json_get_text(reply.json, "Id"), account);
    reply = ask("GET", text_f(V "/sobjects/Account/%s/Contacts?fields=LastName", account), NULL);
    CHECK_INT(json_get_int(reply.json, "totalSize", 0), 1);
    CHECK_STR(json_text(json_path(reply.json, "records[0].LastName")), "Doe");
    /* more steps: up and up, then down */
    const char *parent = given("Account", "{\"Name\":\"Parent\"}");
    const char *top = given("Account", "{\"Name\":\"Top\"}");
    ask("PATCH", text_f(V "/sobjects/Account/%s", account),
        text_f("{\"ParentId\":\"%s\"}", parent));
    ask("PATCH", text_f(V "/sobjects/Contact/%s/Account/Parent", contact),
        text_f("{\"ParentId\":\"%s\"}", top));
    reply = ask("GET", text_f(V "/sobjects/Contact/%s/Account/Parent/Parent?fields=Name", contact),
                NULL);
    CHECK_STR(json_get_text(reply.json, "Name"), "Top");
    reply =
        ask("GET", text_f(V "/sobjects/Contact/%s/Account/Parent/ChildAccounts", contact), NULL);
    CHECK_STR(json_text(json_path(reply.json, "records[0].Name")), "Acme");
    CHECK_INT(
        ask("GET", text_f(V "/sobjects/Contact/%s/Account/Parent/Parent/Parent", contact), NULL)
            .status,
        404);
    CHECK_INT(
        ask("GET", text_f(V "/sobjects/Contact/%s/Account/Nothing/Parent", contact), NULL).status,
        404);
    CHECK_INT(ask("GET", text_f(V "/sobjects/Contact/%s/a/b/c/d/e/f/g", contact), NULL).status,
              404);
    CHECK_INT(
        ask("DELETE", text_f(V "/sobjects/Contact/%s/Account/Parent/Parent", contact), NULL).status,
        204);
    CHECK_INT(soql_count("Account WHERE Name = 'Top'"), 0);
}

TEST(rows, a_write_may_depend_on_what_was_read)
{
    char before[32], after[32];
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    when_http(org_now_ms(site->org) - 60000, before);
    when_http(org_now_ms(site->org) + 60000, after);
    const char *path = text_f(V "/sobjects/Account/%s", id);
    const char *me = text_f("Bearer %s", admin_token);
    struct reply reply =
        ask_as(me, "PATCH", path, "{\"Phone\":\"1\"}", "If-Unmodified-Since", before);
    CHECK_INT(reply.status, 412);
    reply = ask_as(me, "PATCH", path, "{\"Phone\":\"1\"}", "If-Unmodified-Since", after);
    CHECK_INT(reply.status, 204);
    reply = ask_as(me, "GET", path, NULL, "If-Modified-Since", after);
    CHECK_INT(reply.status, 304);
    reply = ask_as(me, "GET", path, NULL, "If-Modified-Since", before);
    CHECK_INT(reply.status, 200);
    const char *etag = reply_header(&reply, "ETag");
    CHECK(*etag);
    reply = ask_as(me, "PATCH", path, "{\"Phone\":\"2\"}", "If-Match", "\"other\"");
    CHECK_INT(reply.status, 412);
    reply = ask_as(me, "PATCH", path, "{\"Phone\":\"2\"}", "If-Match", etag);
    CHECK_INT(reply.status, 204);
}

TEST(rows, a_duplicate_rule_answers_in_full)
{
    struct reply reply =
        ask("POST", "/localorg/rules",
            "{\"name\":\"Contacts_DR\",\"object\":\"Contact\",\"fields\":[\"Email\"],"
            "\"action\":\"alert\",\"message\":\"Use one of these records?\",\"matching_rule\":"
            "\"Contact_MR\",\"active\":true}");
    CHECK_INT(reply.status, 200);
    const char *old = given("Contact", "{\"LastName\":\"A\",\"Email\":\"a@b.example\"}");
    const char *twin = "{\"LastName\":\"B\",\"Email\":\"a@b.example\"}";
    reply = ask("POST", "/services/data/v50.0/sobjects/Contact", twin);
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "DUPLICATES_DETECTED");
    CHECK(text_starts(reply.text, "[{\"duplicateResut\":{\"allowSave\":true,\"duplicateRule\":"
                                  "\"Contacts_DR\",\"duplicateRuleEntityType\":\"Contact\""));
    CHECK_CONTAINS(reply.text, text_f("\"Id\":\"%s\"", old));
    CHECK_CONTAINS(reply.text, "\"rule\":\"Contact_MR\",\"size\":1,\"success\":true");
    reply = ask("POST", "/localorg/policies", "{\"org\":{\"duplicate_key\":\"duplicateResult\"}}");
    CHECK_INT(reply.status, 200);
    reply = ask("POST", V "/sobjects/Contact", twin);
    CHECK_CONTAINS(reply.text, "\"duplicateResult\":{");
    CHECK_INT(soql_count("Contact"), 1);
    reply = ask_as(text_f("Bearer %s", admin_token), "POST", V "/sobjects/Contact", twin,
                   "Sforce-Duplicate-Rule-Header", "allowSave=true; includeRecordDetails=false");
    CHECK_INT(reply.status, 201);
}

TEST(rows, what_a_user_may_not_see_is_not_there)
{
    struct reply reply = ask("POST", "/localorg/users",
                             "{\"username\":\"limited@localorg.example\",\"name\":\"Lim Ited\","
                             "\"password\":\"pw123456\",\"deny\":[{\"object\":\"Lead\"},"
                             "{\"object\":\"Account\",\"field\":\"Phone\"}]}");
    CHECK_INT(reply.status, 200);
    const char *id = given("Account", "{\"Name\":\"Acme\",\"Phone\":\"1\"}");
    reply = ask("POST", "/localorg/token", "{\"username\":\"limited@localorg.example\"}");
    const char *limited = text_f("Bearer %s", json_get_text(reply.json, "access_token"));
    reply = ask_as(limited, "GET", V "/sobjects/Lead/describe", NULL, NULL, NULL);
    CHECK_INT(reply.status, 404);
    reply = ask_as(limited, "GET", text_f(V "/sobjects/Account/%s", id), NULL, NULL, NULL);
    CHECK_INT(reply.status, 200);
    CHECK(json_get(reply.json, "Phone") == NULL);
    CHECK_STR(json_get_text(reply.json, "Name"), "Acme");
    reply =
        ask_as(limited, "GET", text_f(V "/sobjects/Account/%s?fields=Phone", id), NULL, NULL, NULL);
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
    reply = ask_as(limited, "GET", V "/sobjects/Account/describe", NULL, NULL, NULL);
    CHECK_LACKS(reply.text, "\"name\":\"Phone\"");
    reply = ask_as(limited, "PATCH", text_f(V "/sobjects/Account/%s", id), "{\"Phone\":\"2\"}",
                   NULL, NULL);
    CHECK_INT(reply.status, 400);
    reply = ask_as(limited, "GET", V "/sobjects", NULL, NULL, NULL);
    CHECK_LACKS(reply.text, "\"name\":\"Lead\"");
}

TEST(rows, describe_is_answered_once)
{
    const char *me = text_f("Bearer %s", admin_token);
    struct reply reply = ask("GET", V "/sobjects/Account/describe", NULL);
    CHECK_INT(reply.status, 200);
    CHECK_STR(json_get_text(reply.json, "keyPrefix"), "001");
    const char *modified = reply_header(&reply, "Last-Modified");
    CHECK(*modified);
    CHECK(*reply_header(&reply, "ETag"));
    reply = ask_as(me, "GET", V "/sobjects/Account/describe", NULL, "If-Modified-Since", modified);
    CHECK_INT(reply.status, 304);
    CHECK_STR(reply.text, "");
    ask("POST", "/localorg/clock", "{\"shift_s\":60}");
    add_keys();
    reply = ask_as(me, "GET", V "/sobjects/Account/describe", NULL, "If-Modified-Since", modified);
    CHECK_INT(reply.status, 200);
    CHECK_CONTAINS(reply.text, "\"name\":\"Ext__c\"");
}

TEST(rows, paths_as_clients_write_them)
{
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    static const char *const same[] = {
        "//services/data/v66.0/sobjects/Account/%s", "/services/data/v66.0/sobjects/account/%s/",
        "/services/data/latest/sobjects/ACCOUNT/%s", "/services/data/v31.0/sobjects/Account/%s"};
    for (size_t i = 0; i < 4; i++) {
        char path[256];
        snprintf(path, sizeof path, "%.*s%s", (int)(strstr(same[i], "%s") - same[i]), same[i], id);
        struct reply reply = ask("GET", path, NULL);
        CHECK_INT(reply.status, 200);
    }
    struct reply reply = ask("GET", "/services/data/v20.0/sobjects", NULL);
    CHECK_INT(reply.status, 410);
    CHECK_STR(error_code(&reply), "UNSUPPORTED_API_VERSION");
    reply = ask("GET", "/services/data/v99.0/sobjects", NULL);
    CHECK_INT(reply.status, 404);
    reply = ask_as(NULL, "GET", "/services/data/", NULL, NULL, NULL);
    CHECK_INT(reply.status, 200);
    CHECK_STR(json_text(json_path(reply.json, "[0].version")), "31.0");
    CHECK(!*reply_header(&reply, "Sforce-Limit-Info"));
    reply = ask_as(NULL, "GET", text_f(V "/sobjects/Account/%s", id), NULL, "X-SFDC-Session",
                   admin_token);
    CHECK_INT(reply.status, 200);
    reply = ask_as(text_f("Bearer %s", admin_token), "POST",
                   text_f(V "/sobjects/Account/%s?_HttpMethod=PATCH", id), "{\"Name\":\"New\"}",
                   NULL, NULL);
    CHECK_INT(reply.status, 204);
    CHECK_STR(soql_one("SELECT Name FROM Account", "Name"), "New");
}

TEST(rows, the_session_decides)
{
    struct reply reply = ask_as(NULL, "GET", V "/limits", NULL, NULL, NULL);
    CHECK_INT(reply.status, 401);
    CHECK_STR(reply.text, "[{\"message\":\"Session expired or invalid\",\"errorCode\":"
                          "\"INVALID_SESSION_ID\"}]");
    reply = ask_as("Basic abc", "GET", V "/limits", NULL, NULL, NULL);
    CHECK_STR(error_code(&reply), "INVALID_AUTH_HEADER");
    ask("POST", "/localorg/policies",
        "{\"user\":{\"username\":\"admin@localorg.example\",\"api_enabled\":false}}");
    reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 403);
    CHECK_STR(error_code(&reply), "API_CURRENTLY_DISABLED");
}

TEST(rows, what_changed_and_what_went)
{
    char start[32], end[32];
    const char *kept = given("Account", "{\"Name\":\"kept\"}");
    const char *gone = given("Account", "{\"Name\":\"gone\"}");
    ask("DELETE", text_f(V "/sobjects/Account/%s", gone), NULL);
    when_iso_seconds(org_now_ms(site->org) - 3600000, start);
    when_iso_seconds(org_now_ms(site->org) + 3600000, end);
    struct reply reply =
        ask("GET", text_f(V "/sobjects/Account/updated/?start=%s&end=%s", start, end), NULL);
    CHECK_INT(reply.status, 200);
    CHECK_STR(json_text(json_path(reply.json, "ids[0]")), kept);
    CHECK_INT(json_get(reply.json, "ids")->len, 1);
    reply = ask("GET", text_f(V "/sobjects/Account/deleted?start=%s&end=%s", start, end), NULL);
    CHECK_STR(json_text(json_path(reply.json, "deletedRecords[0].id")), gone);
    CHECK(json_get_text(reply.json, "earliestDateAvailable") != NULL);
    reply = ask("GET", text_f(V "/sobjects/Account/updated?start=%s&end=%s", end, start), NULL);
    CHECK_STR(error_code(&reply), "INVALID_REPLICATION_DATE");
}

TEST(rows, recent_items_remember)
{
    const char *id = given("Account", "{\"Name\":\"Acme\"}");
    struct reply reply = ask("GET", V "/recent?limit=5", NULL);
    CHECK_STR(json_text(json_path(reply.json, "[0].Id")), id);
    CHECK_STR(json_text(json_path(reply.json, "[0].attributes.type")), "Account");
    reply = ask("GET", V "/sobjects/Account", NULL);
    CHECK_STR(json_text(json_path(reply.json, "recentItems[0].Name")), "Acme");
    CHECK_STR(json_text(json_path(reply.json, "objectDescribe.keyPrefix")), "001");
}

/* --- XML, suffixes --- */

static struct reply ask_xml(const char *method, const char *path, const char *body)
{
    return ask_as(text_f("Bearer %s", admin_token), method, path, body,
                  body ? "Content-Type" : "Accept", "application/xml");
}

TEST(rows, speak_xml_when_asked)
{
    struct reply reply = ask_xml("POST", V "/sobjects/Account.xml",
                                 "<?xml version=\"1.0\"?><Account><Name>A &amp; B</Name>"
                                 "<NumberOfEmployees>7</NumberOfEmployees></Account>");
    CHECK_INT(reply.status, 201);
    CHECK_CONTAINS(reply.text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Result xmlns:xsi=");
    CHECK_CONTAINS(reply.text, "<success>true</success></Result>");
    const char *id = soql_one("SELECT Id FROM Account WHERE NumberOfEmployees = 7", "Id");
    reply = ask_xml("GET", text_f(V "/sobjects/Account/%s?fields=Name,Site", id), NULL);
    CHECK_CONTAINS(reply_header(&reply, "Content-Type"), "application/xml");
    CHECK_CONTAINS(reply.text, text_f(" type=\"Account\" url=\"" V "/sobjects/Account/%s\">", id));
    CHECK_CONTAINS(reply.text, "<Name>A &amp; B</Name><Site xsi:nil=\"true\"/></Account>");
    reply = ask("GET", V "/query.xml?q=SELECT+Name+FROM+Account", NULL);
    CHECK_CONTAINS(reply.text,
                   "<totalSize>1</totalSize><done>true</done><records type=\"Account\"");
    CHECK_CONTAINS(reply.text, "<Name>A &amp; B</Name></records></QueryResult>");
    reply = ask("GET", text_f(V "/sobjects/Account/%s.json?fields=Name", id), NULL);
    CHECK_STR(json_get_text(reply.json, "Name"), "A & B");
    reply = ask_as(NULL, "GET", "/services/data", NULL, "Accept", "application/xml");
    CHECK_CONTAINS(reply.text, "<Versions xmlns:xsi=");
    CHECK_CONTAINS(reply.text, "<version>68.0</version></Version></Versions>");
    CHECK_CONTAINS(ask_xml("GET", V, NULL).text, "<sobjects>" V "/sobjects</sobjects>");
    reply = ask_xml("GET", V "/sobjects/Account/describe", NULL);
    CHECK_CONTAINS(reply.text, "<Account xmlns:xsi=");
    CHECK_CONTAINS(reply.text, "<activateable>false</activateable>");
}

TEST(rows, refuse_in_xml_too)
{
    struct reply reply = ask("GET", V "/sobjects/Nothing.xml", NULL);
    CHECK_INT(reply.status, 404);
    CHECK_CONTAINS(reply.text, "<Errors xmlns:xsi=");
    CHECK_CONTAINS(reply.text, "<Error><errorCode>NOT_FOUND</errorCode><message>");
    reply = ask_as(NULL, "GET", V "/limits.xml", NULL, NULL, NULL);
    CHECK_INT(reply.status, 401);
    CHECK_CONTAINS(reply.text, "<errorCode>INVALID_SESSION_ID</errorCode>");
    reply = ask_xml("POST", V "/sobjects/Account.xml", "<Account><Name>");
    CHECK_INT(reply.status, 400);
    CHECK_CONTAINS(reply.text, "XML_PARSER_ERROR");
    reply = ask_xml("POST", V "/sobjects/Account.xml", "<Account/>");
    CHECK_CONTAINS(reply.text, "REQUIRED_FIELD_MISSING");
}
