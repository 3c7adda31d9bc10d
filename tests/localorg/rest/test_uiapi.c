/* test_uiapi.c - the User Interface API: records, idempotent writes, object info. */
#include "localorg/rest/fixture.h"

#include <string.h>

EACH_REST_TEST

#define V     "/services/data/v66.0"
#define KEY_1 "12cfe4e6-e477-4de8-aa4e-95d31aa2be24"
#define KEY_2 "12cfe4e6-e477-4de8-aa4e-95d31aa2be25"

static struct reply with_key(const char *method, const char *path, const char *body,
                             const char *key)
{
    return ask_as(text_f("Bearer %s", admin_token), method, path, body, "Idempotency-Key", key);
}

static const char *value_of(const struct reply *reply, const char *field, const char *which)
{
    const char *text = json_text(json_path(reply->json, text_f("fields.%s.%s", field, which)));
    return text ? text : "";
}

static const char *acme(void)
{
    return given("Account", "{\"Name\":\"Acme\",\"AnnualRevenue\":350000,\"Industry\":"
                            "\"Construction\",\"NumberOfEmployees\":1200}");
}

TEST(uiapi, a_record_with_what_is_displayed)
{
    const char *id = acme();
    struct reply reply =
        ask("GET",
            text_f(V "/ui-api/records/%s?fields=Account.Name,Account.AnnualRevenue,"
                     "Account.Industry,Account.CreatedDate,Account.Owner.Name,Account.ParentId",
                   id),
            NULL);
    CHECK_INT(reply.status, 200);
    CHECK_STR(json_get_text(reply.json, "apiName"), "Account");
    CHECK_STR(json_get_text(reply.json, "id"), id);
    CHECK_STR(value_of(&reply, "AnnualRevenue", "displayValue"), "$350,000");
    CHECK_STR(value_of(&reply, "AnnualRevenue", "value"), "350000.0");
    CHECK_STR(value_of(&reply, "Industry", "displayValue"), "Construction");
    CHECK_CONTAINS(reply.text, "\"Name\":{\"displayValue\":null,\"value\":\"Acme\"}");
    CHECK_CONTAINS(reply.text, "\"ParentId\":{\"displayValue\":null,\"value\":null}");
    CHECK_CONTAINS(value_of(&reply, "CreatedDate", "value"), "Z");
    CHECK_STR(json_text(json_path(reply.json, "fields.Owner.value.apiName")), "User");
    CHECK(*value_of(&reply, "Owner", "displayValue"));
    CHECK_STR(json_text(json_path(reply.json, "fields.Owner.value.fields.Name.value")),
              value_of(&reply, "Owner", "displayValue"));
    CHECK_INT(json_get(reply.json, "fields")->len, 6);
    const char *etag = reply_header(&reply, "ETag");
    reply =
        ask_as(text_f("Bearer %s", admin_token), "GET",
               text_f(V "/ui-api/records/%s?fields=Account.Name", id), NULL, "If-None-Match", etag);
    CHECK_INT(reply.status, 200);
}

TEST(uiapi, fields_are_asked_for_in_three_ways)
{
    const char *id = acme();
    struct reply reply = ask("GET", text_f(V "/ui-api/records/%s", id), NULL);
    CHECK_STR(error_code(&reply), "INVALID_INPUT_COMBINATION");
    reply = ask("GET", text_f(V "/ui-api/records/%s?fields=Account.Nothing", id), NULL);
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
    reply = ask("GET", text_f(V "/ui-api/records/%s?fields=Name", id), NULL);
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
    reply = ask("GET",
                text_f(V "/ui-api/records/%s?fields=Account.Name&optionalFields=Account.Nothing,"
                         "Account.Industry",
                       id),
                NULL);
    CHECK_INT(json_get(reply.json, "fields")->len, 2);
    reply = ask("GET", text_f(V "/ui-api/records/%s?layoutTypes=Full&modes=View", id), NULL);
    CHECK(json_get(reply.json, "fields")->len > 30);
    reply = ask("GET", text_f(V "/ui-api/records/%s?layoutTypes=Compact", id), NULL);
    CHECK_STR(value_of(&reply, "Name", "value"), "Acme");
    CHECK_INT(ask("GET", V "/ui-api/records/001000000000001AAA?fields=Account.Name", NULL).status,
              404);
    reply =
        ask("GET", text_f(V "/ui-api/records/batch/%s,001000000000001AAA?fields=Account.Name", id),
            NULL);
    CHECK_INT(json_get_int(json_path(reply.json, "results[0]"), "statusCode", 0), 200);
    CHECK_INT(json_get_int(json_path(reply.json, "results[1]"), "statusCode", 0), 404);
}

TEST(uiapi, create_update_delete)
{
    struct reply reply =
        ask("POST", V "/ui-api/records",
            "{\"apiName\":\"Account\",\"fields\":{\"Name\":\"New\",\"Industry\":\"Energy\"}}");
    CHECK_INT(reply.status, 201);
    const char *id = json_get_text(reply.json, "id");
    CHECK_STR(value_of(&reply, "Industry", "value"), "Energy");
    CHECK_CONTAINS(reply_header(&reply, "Location"), id);
    const char *path = text_f(V "/ui-api/records/%s", id);
    reply = ask("PATCH", path, "{\"fields\":{\"Name\":\"Newer\",\"Industry\":null}}");
    CHECK_INT(reply.status, 200);
    CHECK_STR(value_of(&reply, "Name", "value"), "Newer");
    CHECK_INT(ask_as(text_f("Bearer %s", admin_token), "PATCH", path,
                     "{\"fields\":{\"Name\":\"No\"}}", "If-Modified-Since",
                     "Tue, 10 Aug 2010 00:00:00 GMT")
                  .status,
              412);
    CHECK_INT(ask("DELETE", path, NULL).status, 204);
    CHECK_INT(ask("DELETE", path, NULL).status, 404);
}

TEST(uiapi, refusals_are_record_errors)
{
    struct reply reply =
        ask("POST", V "/ui-api/records", "{\"apiName\":\"Account\",\"fields\":{}}");
    CHECK_INT(reply.status, 400);
    CHECK_STR(json_get_text(reply.json, "enhancedErrorType"), "RecordError");
    CHECK_STR(json_text(json_path(reply.json, "output.fieldErrors.Name[0].errorCode")),
              "REQUIRED_FIELD_MISSING");
    CHECK_STR(json_text(json_path(reply.json, "output.fieldErrors.Name[0].fieldLabel")),
              "Account Name");
    ask("POST", "/localorg/rules",
        "{\"name\":\"v\",\"object\":\"Account\",\"when\":\"Name = 'x'\","
        "\"message\":\"not x\"}");
    reply =
        ask("POST", V "/ui-api/records", "{\"apiName\":\"Account\",\"fields\":{\"Name\":\"x\"}}");
    CHECK_STR(json_text(json_path(reply.json, "output.errors[0].message")), "not x");
    reply = ask("POST", V "/ui-api/records", "{\"apiName\":\"Account\"}");
    CHECK_STR(error_code(&reply), "ILLEGAL_QUERY_PARAMETER_VALUE");
    CHECK_INT(ask("POST", V "/ui-api/records", "{\"apiName\":\"Nope\",\"fields\":{}}").status, 404);
}

TEST(uiapi, a_key_writes_once)
{
    const char *body = "{\"apiName\":\"Account\",\"fields\":{\"Name\":\"Once\"}}";
    struct reply first = with_key("POST", V "/ui-api/records", body, KEY_1);
    CHECK_INT(first.status, 201);
    struct reply again = with_key("POST", V "/ui-api/records", body, KEY_1);
    CHECK_INT(again.status, 201);
    CHECK_STR(again.text, first.text);
    CHECK_STR(reply_header(&again, "Location"), reply_header(&first, "Location"));
    CHECK_INT(soql_count("Account WHERE Name = 'Once'"), 1);
    struct reply other = with_key("POST", V "/ui-api/records",
                                  "{\"apiName\":\"Account\",\"fields\":{\"Name\":\"B\"}}", KEY_1);
    CHECK_INT(other.status, 400);
    CHECK_STR(error_code(&other), "IDEMPOTENCY_KEY_ALREADY_USED");
    CHECK_INT(with_key("POST", V "/ui-api/records", body, KEY_2).status, 201);
    CHECK_INT(soql_count("Account WHERE Name = 'Once'"), 2);
    /* thirty days later the key is a new one */
    ask("POST", "/localorg/clock", "{\"shift_s\":2592001}");
    struct reply token = ask("POST", "/localorg/token", "{}");
    admin_token = json_get_text(token.json, "access_token");
    CHECK_INT(with_key("POST", V "/ui-api/records", body, KEY_1).status, 201);
    CHECK_INT(soql_count("Account WHERE Name = 'Once'"), 3);
}

TEST(uiapi, keys_of_changes_and_of_failures)
{
    const char *id = acme();
    const char *path = text_f(V "/ui-api/records/%s", id);
    struct reply reply = with_key("PATCH", path, "{\"fields\":{\"Name\":\"One\"}}", KEY_1);
    CHECK_INT(reply.status, 200);
    ask("PATCH", text_f(V "/sobjects/Account/%s", id), "{\"Name\":\"Two\"}");
    reply = with_key("PATCH", path, "{\"fields\":{\"Name\":\"One\"}}", KEY_1);
    CHECK_STR(value_of(&reply, "Name", "value"), "One");
    CHECK_STR(soql_one("SELECT Name FROM Account", "Name"), "Two");
    CHECK_INT(with_key("DELETE", path, NULL, KEY_2).status, 204);
    CHECK_INT(with_key("DELETE", path, NULL, KEY_2).status, 204);
    /* what failed may be tried again */
    const char *body = "{\"apiName\":\"Account\",\"fields\":{}}";
    const char *key = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
    CHECK_INT(with_key("POST", V "/ui-api/records", body, key).status, 400);
    body = "{\"apiName\":\"Account\",\"fields\":{\"Name\":\"Z\"}}";
    CHECK_INT(with_key("POST", V "/ui-api/records", body, key).status, 201);
    reply = with_key("POST", V "/ui-api/records", body, "not-a-uuid");
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "IDEMPOTENCY_NOT_SUPPORTED");
}

TEST(uiapi, a_key_belongs_to_its_user)
{
    const char *body = "{\"apiName\":\"Account\",\"fields\":{\"Name\":\"Once\"}}";
    with_key("POST", V "/ui-api/records", body, KEY_1);
    ask("POST", "/localorg/users",
        "{\"username\":\"two@x.example\",\"name\":\"Two\",\"email\":\"t@x.example\",\"password\":"
        "\"pw123456\",\"profile\":\"Standard User\"}");
    struct reply token = ask("POST", "/localorg/token", "{\"username\":\"two@x.example\"}");
    admin_token = json_get_text(token.json, "access_token");
    struct reply reply = with_key("POST", V "/ui-api/records", body, KEY_1);
    CHECK_STR(error_code(&reply), "IDEMPOTENCY_KEY_USED_DIFFERENT_USER");
}

TEST(uiapi, objects)
{
    struct reply reply = ask("GET", V "/ui-api/object-info", NULL);
    CHECK_STR(json_text(json_path(reply.json, "objects.Account.keyPrefix")), "001");
    reply = ask("GET", V "/ui-api/object-info/Contact", NULL);
    CHECK_STR(json_text(json_path(reply.json, "fields.AccountId.dataType")), "Reference");
    CHECK_STR(json_text(json_path(reply.json, "fields.AccountId.referenceToInfos[0].apiName")),
              "Account");
    CHECK(json_truth(json_path(reply.json, "fields.LastName.required"), false));
    CHECK_STR(json_get_text(reply.json, "defaultRecordTypeId"), "012000000000000AAA");
    const char *etag = reply_header(&reply, "ETag");
    reply = ask_as(text_f("Bearer %s", admin_token), "GET", V "/ui-api/object-info/Contact", NULL,
                   "If-None-Match", etag);
    CHECK_INT(reply.status, 304);
    CHECK_INT(ask("GET", V "/ui-api/object-info/Nope", NULL).status, 404);
    reply = ask("GET", V "/ui-api/object-info/batch/Account,Nope", NULL);
    CHECK_INT(json_get_int(json_path(reply.json, "results[1]"), "statusCode", 0), 400);
    reply =
        ask("GET", V "/ui-api/object-info/Lead/picklist-values/012000000000000AAA/Status", NULL);
    CHECK_STR(json_text(json_path(reply.json, "defaultValue.value")), "Open - Not Contacted");
    reply = ask("GET", V "/ui-api/object-info/Lead/picklist-values/012000000000000AAA", NULL);
    CHECK(json_path(reply.json, "picklistFieldValues.LeadSource.values"));
    CHECK_INT(ask("GET", V "/ui-api/object-info/Lead/picklist-values/012000000000000AAA/Name", NULL)
                  .status,
              404);
}

TEST(uiapi, defaults)
{
    struct reply reply = ask("GET", V "/ui-api/record-defaults/create/Lead", NULL);
    CHECK_STR(json_text(json_path(reply.json, "record.fields.Status.value")),
              "Open - Not Contacted");
    CHECK(json_path(reply.json, "objectInfos.Lead.fields"));
    reply = ask("GET", text_f(V "/ui-api/record-defaults/clone/%s", acme()), NULL);
    CHECK_STR(json_text(json_path(reply.json, "record.fields.Name.value")), "Acme");
    CHECK_INT(ask("GET", V "/ui-api/layout/Account", NULL).status, 501);
}
