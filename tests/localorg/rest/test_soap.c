/* test_soap.c - the SOAP endpoints: login, records, lifecycle, metadata, faults.
 * Guards soap*.c and deploys.c of src/localorg/rest, deploy.c and zip.c of
 * src/localorg/metadata. */
#include "localorg/rest/fixture.h"

#include "base/mem.h"
#include "base/str.h"
#include "localorg/xml/xml.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

EACH_REST_TEST

#define V "/services/data/v64.0"
#define U "/services/Soap/u/64.0"
#define M "/services/Soap/m/64.0"

struct answer {
    int status;
    const char *text;
    const struct json *body; /* the element inside Body */
};

static struct arena *kept;

static struct answer post(const char *path, const char *ns, const char *session, const char *body)
{
    const char *text =
        text_f("<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"http://schemas."
               "xmlsoap.org/soap/envelope/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance"
               "\"><e:Header xmlns=\"%s\">%s</e:Header><e:Body xmlns=\"%s\">%s</e:Body>"
               "</e:Envelope>",
               ns, session ? text_f("<SessionHeader><sessionId>%s</sessionId></SessionHeader>",
                                    session)
                           : "",
               ns, body);
    struct reply reply = ask_as(NULL, "POST", path, text, "SOAPAction", "\"\"");
    struct answer answer = {.status = reply.status, .text = reply.text};
    if (!kept)
        kept = arena_new();
    const struct json *root = xml_read(kept, reply.text, strlen(reply.text), NULL);
    const struct json *inside = json_get(root, "Body");
    answer.body = inside ? inside->first : NULL;
    return answer;
}

static struct answer partner(const char *body)
{
    return post(U, "urn:partner.soap.sforce.com", admin_token, body);
}

static struct answer metadata(const char *body)
{
    return post(M, "http://soap.sforce.com/2006/04/metadata", admin_token, body);
}

static const char *at(const struct answer *answer, const char *path)
{
    const char *text = json_text(json_path(answer->body, path));
    return text ? text : "";
}

static const char *fault(const struct answer *answer)
{
    CHECK_INT(answer->status, 500);
    return at(answer, "detail.UnexpectedErrorFault.exceptionCode");
}

static struct answer login(const char *version, const char *password)
{
    return post(text_f("/services/Soap/u/%s", version), "urn:partner.soap.sforce.com", NULL,
                text_f("<login><username>admin@localorg.example</username><password>%s</password>"
                       "</login>",
                       password));
}

TEST(soap, login_opens_a_session_that_rest_takes)
{
    struct answer answer = login("64.0", "localorg1");
    CHECK_INT(answer.status, 200);
    CHECK_CONTAINS(at(&answer, "result.serverUrl"), "/services/Soap/u/64.0/00D");
    CHECK_STR(at(&answer, "result.userInfo.userName"), "admin@localorg.example");
    CHECK_STR(at(&answer, "result.passwordExpired"), "false");
    const char *session = text_f("%s", at(&answer, "result.sessionId"));
    struct reply reply = ask_as(text_f("Bearer %s", session), "GET", V "/limits", NULL, NULL, NULL);
    CHECK_INT(reply.status, 200);
    answer = post(U, "urn:partner.soap.sforce.com", session, "<getUserInfo/>");
    CHECK_STR(at(&answer, "result.userEmail"), "admin@localorg.example");
    CHECK_CONTAINS(answer.text, "<type>API REQUESTS</type>");
    answer = post(U, "urn:partner.soap.sforce.com", session, "<getServerTimestamp/>");
    CHECK_CONTAINS(at(&answer, "result.timestamp"), "Z");
    answer = post(U, "urn:partner.soap.sforce.com", session, "<logout/>");
    CHECK_STR(answer.body->key, "logoutResponse");
    answer = post(U, "urn:partner.soap.sforce.com", session, "<getUserInfo/>");
    CHECK_STR(fault(&answer), "INVALID_SESSION_ID");
    CHECK_STR(at(&answer, "faultstring"),
              "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session");
    CHECK_STR(at(&answer, "faultcode"), "sf:INVALID_SESSION_ID");
}

TEST(soap, login_is_refused_as_documented)
{
    struct answer answer = login("64.0", "wrong");
    CHECK_STR(at(&answer, "faultstring"),
              "INVALID_LOGIN: Invalid username, password, security token; or user locked out.");
    CHECK_STR(at(&answer, "detail.LoginFault.exceptionCode"), "INVALID_LOGIN");
    answer = login("65.0", "localorg1");
    CHECK_INT(answer.status, 500);
    CHECK_CONTAINS(at(&answer, "faultstring"), "not available in API version 65.0 and later");
    ask("POST", "/localorg/policies", "{\"org\":{\"allow_soap_login\":false}}");
    answer = login("64.0", "localorg1");
    CHECK_CONTAINS(at(&answer, "faultstring"), "not available in this org");
    ask("POST", "/localorg/policies",
        "{\"org\":{\"allow_soap_login\":true},\"user\":{\"username\":\"admin@localorg.example\","
        "\"frozen\":true}}");
    answer = login("64.0", "localorg1");
    CHECK_STR(at(&answer, "detail.LoginFault.exceptionCode"), "INVALID_LOGIN");
    answer = login("12.0", "localorg1");
    CHECK_CONTAINS(at(&answer, "faultstring"), "UNSUPPORTED_API_VERSION");
}

TEST(soap, records_go_in_and_come_out)
{
    struct answer answer = partner(
        "<create><sObjects><type>Account</type><Name>A &amp; B</Name><NumberOfEmployees>5"
        "</NumberOfEmployees></sObjects><sObjects><type>Account</type><Phone>1</Phone></sObjects>"
        "</create>");
    const char *id = text_f("%s", json_text(json_path(answer.body->first, "id")));
    CHECK(text_starts(id, "001"));
    const struct json *second = xml_next(answer.body, "result", answer.body->first);
    CHECK_STR(json_text(json_path(second, "errors.statusCode")), "REQUIRED_FIELD_MISSING");
    CHECK_STR(json_text(json_path(second, "success")), "false");
    answer = partner(text_f("<update><sObjects><type>Account</type><Id>%s</Id><Phone>42</Phone>"
                            "<fieldsToNull>NumberOfEmployees</fieldsToNull></sObjects></update>",
                            id));
    CHECK_STR(at(&answer, "result.success"), "true");
    answer = partner("<query><queryString>SELECT Id, Name, Phone, NumberOfEmployees, CreatedDate, "
                     "Owner.Name FROM Account</queryString></query>");
    CHECK_STR(at(&answer, "result.size"), "1");
    CHECK_STR(at(&answer, "result.done"), "true");
    CHECK_STR(at(&answer, "result.records.Name"), "A & B");
    CHECK_STR(at(&answer, "result.records.Phone"), "42");
    CHECK_STR(at(&answer, "result.records.type"), "Account");
    CHECK(text_ends(at(&answer, "result.records.CreatedDate"), "Z"));
    CHECK(*at(&answer, "result.records.Owner.Name"));
    CHECK(json_is(json_path(answer.body, "result.records.NumberOfEmployees"), JSON_NULL));
    answer = partner(text_f("<retrieve><fieldList>Name,Phone</fieldList><sObjectType>Account"
                            "</sObjectType><ids>%s</ids></retrieve>",
                            id));
    CHECK_STR(at(&answer, "result.Phone"), "42");
    answer = partner(text_f("<delete><ids>%s</ids></delete>", id));
    CHECK_STR(at(&answer, "result.success"), "true");
    answer = partner(text_f("<undelete><ids>%s</ids></undelete>", id));
    CHECK_STR(at(&answer, "result.success"), "true");
    answer = partner(text_f("<delete><ids>%s</ids></delete>", id));
    answer = partner(text_f("<emptyRecycleBin><ids>%s</ids></emptyRecycleBin>", id));
    CHECK_STR(at(&answer, "result.success"), "true");
    CHECK_INT(soql_count("Account"), 0);
}

TEST(soap, upserts_pages_and_describes)
{
    ask("POST", "/localorg/schema",
        "{\"object\":\"Account\",\"fields\":[{\"name\":\"Key__c\",\"type\":\"string\",\"length\":20,"
        "\"externalId\":true,\"unique\":true}]}");
    struct answer answer = partner(
        "<upsert><externalIDFieldName>Key__c</externalIDFieldName><sObjects><type>Account</type>"
        "<Key__c>k1</Key__c><Name>One</Name></sObjects><sObjects><type>Account</type><Key__c>k2"
        "</Key__c><Name>Two</Name></sObjects></upsert>");
    CHECK_STR(at(&answer, "result.created"), "true");
    partner("<create><sObjects><type>Contact</type><LastName>Lee</LastName><Account><type>Account"
            "</type><Key__c>k1</Key__c></Account></sObjects></create>");
    CHECK_STR(soql_one("SELECT Account.Name FROM Contact", "Account.Name"), "One");
    ask("POST", "/localorg/limits", "{\"page_size\":1}");
    answer = partner("<query><queryString>SELECT Name FROM Account ORDER BY Name</queryString>"
                     "</query>");
    CHECK_STR(at(&answer, "result.done"), "false");
    answer = partner(text_f("<queryMore><queryLocator>%s</queryLocator></queryMore>",
                            at(&answer, "result.queryLocator")));
    CHECK_STR(at(&answer, "result.records.Name"), "Two");
    answer = partner("<query><queryString>SELECT Nope FROM Account</queryString></query>");
    CHECK_STR(fault(&answer), "INVALID_FIELD");
    answer = partner("<query><queryString>SELEC</queryString></query>");
    CHECK_STR(at(&answer, "detail.MalformedQueryFault.exceptionCode"), "MALFORMED_QUERY");
    answer = partner("<describeSObject><sObjectType>Account</sObjectType></describeSObject>");
    CHECK_STR(at(&answer, "result.keyPrefix"), "001");
    CHECK_CONTAINS(answer.text, "<name>Key__c</name>");
    answer = partner("<describeSObjects><sObjectType>Account</sObjectType><sObjectType>Lead"
                     "</sObjectType></describeSObjects>");
    CHECK_STR(json_text(json_path(xml_next(answer.body, "result", answer.body->first), "name")),
              "Lead");
    answer = partner("<describeSObject><sObjectType>Nope</sObjectType></describeSObject>");
    CHECK_STR(fault(&answer), "INVALID_TYPE");
    answer = partner("<describeGlobal/>");
    CHECK_CONTAINS(answer.text, "<name>Contact</name>");
}

TEST(soap, merge_and_convert)
{
    const char *master = given("Account", "{\"Name\":\"Acme\"}");
    const char *twin = given("Account", "{\"Name\":\"Acme 2\"}");
    const char *contact =
        given("Contact", text_f("{\"LastName\":\"Lee\",\"AccountId\":\"%s\"}", twin));
    struct answer answer = partner(
        text_f("<merge><request><masterRecord><type>Account</type><Id>%s</Id><Phone>7</Phone>"
               "</masterRecord><recordToMergeIds>%s</recordToMergeIds></request></merge>",
               master, twin));
    CHECK_STR(at(&answer, "result.success"), "true");
    CHECK_STR(at(&answer, "result.mergedRecordIds"), twin);
    CHECK_STR(at(&answer, "result.updatedRelatedIds"), contact);
    CHECK_STR(soql_one("SELECT AccountId FROM Contact", "AccountId"), master);
    const char *lead = given("Lead", "{\"LastName\":\"Ray\",\"Company\":\"Bolt\"}");
    answer = partner(text_f("<convertLead><leadConverts><convertedStatus>Closed - Converted"
                            "</convertedStatus><doNotCreateOpportunity>true"
                            "</doNotCreateOpportunity><leadId>%s</leadId></leadConverts>"
                            "</convertLead>",
                            lead));
    CHECK_STR(at(&answer, "result.success"), "true");
    CHECK(text_starts(at(&answer, "result.accountId"), "001"));
    CHECK(json_is(json_path(answer.body, "result.opportunityId"), JSON_NULL));
    CHECK_STR(soql_one("SELECT ConvertedAccount.Name FROM Lead", "ConvertedAccount.Name"), "Bolt");
    answer = partner(text_f("<convertLead><leadConverts><convertedStatus>Closed - Converted"
                            "</convertedStatus><leadId>%s</leadId></leadConverts></convertLead>",
                            lead));
    CHECK_STR(at(&answer, "result.errors.statusCode"), "CANNOT_UPDATE_CONVERTED_LEAD");
}

TEST(soap, envelopes_that_are_none_are_faults)
{
    static const char *const bad[] = {"", "<a>", "nonsense", "<Envelope/>",
                                      "<Envelope><Body/></Envelope>",
                                      "<!DOCTYPE x><Envelope><Body><query/></Body></Envelope>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply = ask_as(NULL, "POST", U, bad[i], NULL, NULL);
        CHECK_INT(reply.status, 500);
        CHECK_CONTAINS(reply.text, "<faultcode>sf:UNKNOWN_EXCEPTION</faultcode>");
    }
    struct answer answer = partner("<nonsense/>");
    CHECK_STR(fault(&answer), "INVALID_OPERATION");
    answer = post(U, "urn:partner.soap.sforce.com", NULL, "<getUserInfo/>");
    CHECK_STR(fault(&answer), "INVALID_SESSION_ID");
}

/* --- metadata --- */

TEST(soap, metadata_is_put_read_listed_and_dropped)
{
    struct answer answer = metadata(
        "<createMetadata><metadata xsi:type=\"CustomField\"><fullName>Lead.Argil_Key__c</fullName>"
        "<externalId>true</externalId><label>Argil Key</label><length>64</length><type>Text</type>"
        "<unique>true</unique></metadata><metadata xsi:type=\"CustomField\"><fullName>Lead.Bad__c"
        "</fullName><label>Bad</label><type>Text</type></metadata></createMetadata>");
    CHECK_STR(json_text(json_path(answer.body->first, "success")), "true");
    const struct json *second = xml_next(answer.body, "result", answer.body->first);
    CHECK_STR(json_text(json_path(second, "errors.message")),
              "Must specify 'length' for a CustomField of type Text");
    answer = metadata("<readMetadata><type>CustomField</type><fullNames>Lead.Argil_Key__c"
                      "</fullNames><fullNames>Lead.None__c</fullNames></readMetadata>");
    CHECK_STR(json_text(json_path(json_path(answer.body, "result")->first, "length")), "64");
    CHECK_STR(json_text(json_path(json_path(answer.body, "result")->first, "unique")), "true");
    answer = metadata("<listMetadata><queries><type>CustomField</type></queries><asOfVersion>64.0"
                      "</asOfVersion></listMetadata>");
    CHECK_CONTAINS(answer.text, "<fullName>Lead.Argil_Key__c</fullName>");
    answer = metadata("<describeMetadata><asOfVersion>64.0</asOfVersion></describeMetadata>");
    CHECK_CONTAINS(answer.text, "<directoryName>permissionsets</directoryName>");
    answer = metadata("<upsertMetadata><metadata xsi:type=\"CustomObject\"><fullName>Gadget__c"
                      "</fullName><label>Gadget</label><pluralLabel>Gadgets</pluralLabel><nameField>"
                      "<label>Name</label><type>Text</type></nameField><deploymentStatus>Deployed"
                      "</deploymentStatus><sharingModel>ReadWrite</sharingModel></metadata>"
                      "</upsertMetadata>");
    CHECK_STR(at(&answer, "result.created"), "true");
    given("Gadget__c", "{\"Name\":\"g\"}");
    answer = metadata("<deleteMetadata><type>CustomObject</type><fullNames>Gadget__c</fullNames>"
                      "</deleteMetadata>");
    CHECK_STR(at(&answer, "result.success"), "true");
    struct reply reply = ask("GET", V "/sobjects/Gadget__c/describe", NULL);
    CHECK_INT(reply.status, 404);
    answer = metadata("<deleteMetadata><type>CustomField</type><fullNames>Lead.None__c</fullNames>"
                      "</deleteMetadata>");
    CHECK_STR(at(&answer, "result.errors.message"), "No CustomField named: Lead.None__c found");
}

/* --- deployments: a small zip writer --- */

struct zip {
    struct buf bytes, directory;
    size_t count;
};

static void put_number(struct buf *out, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_char(out, (char)(value >> (8 * i) & 0xff));
}

static void zip_head(struct buf *out, uint32_t method, uint32_t crc, size_t packed, size_t len,
                     const char *name)
{
    put_number(out, 20, 2);
    put_number(out, 0, 2);
    put_number(out, method, 2);
    put_number(out, 0, 4);
    put_number(out, crc, 4);
    put_number(out, (uint32_t)packed, 4);
    put_number(out, (uint32_t)len, 4);
    put_number(out, (uint32_t)strlen(name), 2);
    put_number(out, 0, 2);
}

static void zip_add(struct zip *zip, const char *name, const char *text, bool deflated)
{
    size_t len = strlen(text), at = zip->bytes.len;
    uint32_t crc = (uint32_t)crc32(0, (const unsigned char *)text, (uInt)len);
    unsigned char packed[8192];
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text,
                       .avail_in = (uInt)len,
                       .next_out = packed,
                       .avail_out = sizeof packed};
    CHECK_INT(deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    CHECK_INT(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t packed_len = deflated ? sizeof packed - stream.avail_out : len;
    deflateEnd(&stream);
    buf_append(&zip->bytes, "PK\3\4", 4);
    zip_head(&zip->bytes, deflated ? 8 : 0, crc, packed_len, len, name);
    buf_str(&zip->bytes, name);
    buf_append(&zip->bytes, deflated ? (const char *)packed : text, packed_len);
    buf_append(&zip->directory, "PK\1\2", 4);
    put_number(&zip->directory, 20, 2);
    zip_head(&zip->directory, deflated ? 8 : 0, crc, packed_len, len, name);
    put_number(&zip->directory, 0, 2);
    put_number(&zip->directory, 0, 4);
    put_number(&zip->directory, 0, 4);
    put_number(&zip->directory, (uint32_t)at, 4);
    buf_str(&zip->directory, name);
    zip->count++;
}

static const char *zip_text(struct zip *zip)
{
    size_t at = zip->bytes.len;
    buf_append(&zip->bytes, zip->directory.data, zip->directory.len);
    buf_append(&zip->bytes, "PK\5\6", 4);
    put_number(&zip->bytes, 0, 4);
    put_number(&zip->bytes, (uint32_t)zip->count, 2);
    put_number(&zip->bytes, (uint32_t)zip->count, 2);
    put_number(&zip->bytes, (uint32_t)zip->directory.len, 4);
    put_number(&zip->bytes, (uint32_t)at, 4);
    put_number(&zip->bytes, 0, 2);
    if (!kept)
        kept = arena_new();
    const char *text = base64_encode(kept, zip->bytes.data, zip->bytes.len);
    buf_free(&zip->bytes);
    buf_free(&zip->directory);
    zip->count = 0;
    return text;
}

#define PACKAGE(types)                                                                             \
    "<?xml version=\"1.0\"?><Package xmlns=\"http://soap.sforce.com/2006/04/metadata\">" types      \
    "<version>64.0</version></Package>"
#define SET_TYPE "<types><members>Argil</members><name>PermissionSet</name></types>"
#define OBJECT_TYPE "<types><members>Lead</members><name>CustomObject</name></types>"
#define KEY_FIELD                                                                                  \
    "<CustomObject xmlns=\"http://soap.sforce.com/2006/04/metadata\"><fields><fullName>"           \
    "Argil_Key__c</fullName><externalId>true</externalId><label>Argil Key</label><length>64"       \
    "</length><type>Text</type><unique>true</unique></fields></CustomObject>"
#define SET(field)                                                                                 \
    "<PermissionSet xmlns=\"http://soap.sforce.com/2006/04/metadata\"><label>Argil</label>"        \
    "<fieldPermissions><editable>true</editable><field>" field "</field><readable>true</readable>" \
    "</fieldPermissions><objectPermissions><allowCreate>true</allowCreate><allowDelete>false"      \
    "</allowDelete><allowEdit>true</allowEdit><allowRead>true</allowRead><modifyAllRecords>false"  \
    "</modifyAllRecords><object>Lead</object><viewAllRecords>false</viewAllRecords>"               \
    "</objectPermissions></PermissionSet>"

static struct answer deployed(struct zip *zip, const char *options)
{
    struct answer answer = metadata(text_f("<deploy><ZipFile>%s</ZipFile><DeployOptions>%s"
                                           "</DeployOptions></deploy>",
                                           zip_text(zip), options));
    CHECK_STR(at(&answer, "result.state"), "Queued");
    return metadata(text_f("<checkDeployStatus><asyncProcessId>%s</asyncProcessId><includeDetails>"
                           "true</includeDetails></checkDeployStatus>",
                           at(&answer, "result.id")));
}

TEST(soap, a_package_with_a_field_and_a_permission_set_is_deployed)
{
    struct zip zip = {0};
    zip_add(&zip, "unpackaged/permissionsets/Argil.permissionset", SET("Lead.Argil_Key__c"), true);
    zip_add(&zip, "unpackaged/objects/Lead.object", KEY_FIELD, true);
    zip_add(&zip, "unpackaged/package.xml", PACKAGE(SET_TYPE OBJECT_TYPE), false);
    struct answer answer = deployed(&zip, "<rollbackOnError>true</rollbackOnError>");
    CHECK_STR(at(&answer, "result.status"), "Succeeded");
    CHECK_STR(at(&answer, "result.numberComponentErrors"), "0");
    CHECK_STR(soql_one("SELECT Label FROM PermissionSet WHERE Name = 'Argil'", "Label"), "Argil");
    CHECK_STR(soql_one("SELECT Field FROM FieldPermissions WHERE Parent.Name = 'Argil'", "Field"),
              "Lead.Argil_Key__c");
    CHECK_STR(soql_one("SELECT SobjectType FROM ObjectPermissions WHERE Parent.Name = 'Argil' AND "
                       "PermissionsEdit = true AND PermissionsDelete = false",
                       "SobjectType"),
              "Lead");
    answer = metadata("<readMetadata><type>PermissionSet</type><fullNames>Argil</fullNames>"
                      "</readMetadata>");
    CHECK_STR(at(&answer, "result.records.fieldPermissions.field"), "Lead.Argil_Key__c");
    CHECK_STR(at(&answer, "result.records.objectPermissions.allowDelete"), "false");
    /* again: the set is replaced, not added to */
    zip_add(&zip, "package.xml", PACKAGE(SET_TYPE), true);
    zip_add(&zip, "permissionsets/Argil.permissionset", SET("Lead.Title"), false);
    answer = deployed(&zip, "");
    CHECK_STR(at(&answer, "result.status"), "Succeeded");
    CHECK_INT(soql_count("FieldPermissions WHERE Parent.Name = 'Argil'"), 1);
}

TEST(soap, a_package_with_a_mistake_changes_nothing)
{
    struct zip zip = {0};
    zip_add(&zip, "package.xml", PACKAGE(SET_TYPE OBJECT_TYPE), true);
    zip_add(&zip, "objects/Lead.object", KEY_FIELD, true);
    zip_add(&zip, "permissionsets/Argil.permissionset", SET("Lead.Nope__c"), true);
    struct answer answer = deployed(&zip, "<rollbackOnError>true</rollbackOnError>");
    CHECK_STR(at(&answer, "result.status"), "Failed");
    CHECK_STR(at(&answer, "result.details.componentFailures.problem"),
              "In field: field - no CustomField named Lead.Nope__c found");
    CHECK_STR(at(&answer, "result.details.componentFailures.fullName"), "Argil");
    struct reply reply = ask("GET", V "/query?q=SELECT+Argil_Key__c+FROM+Lead", NULL);
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
    CHECK_INT(soql_count("PermissionSet WHERE Name = 'Argil'"), 0);

    zip_add(&zip, "package.xml", PACKAGE(SET_TYPE OBJECT_TYPE), true);
    zip_add(&zip, "objects/Lead.object", KEY_FIELD, true);
    zip_add(&zip, "permissionsets/Argil.permissionset", SET("Lead.LastName"), true);
    answer = deployed(&zip, "<checkOnly>true</checkOnly>");
    CHECK_STR(at(&answer, "result.details.componentFailures.problem"),
              "You cannot deploy to a required field: Lead.LastName");

    zip_add(&zip, "package.xml", PACKAGE("<types><members>X</members><name>ApexClass</name></types>"),
            true);
    answer = deployed(&zip, "");
    CHECK_CONTAINS(at(&answer, "result.details.componentFailures.problem"),
                   "localorg keeps no components of type ApexClass");
    zip_add(&zip, "package.xml", PACKAGE(SET_TYPE), true);
    answer = deployed(&zip, "");
    CHECK_CONTAINS(at(&answer, "result.details.componentFailures.problem"),
                   "was named in package.xml, but was not found in zipped directory");
    zip_add(&zip, "package.xml", PACKAGE(""), true);
    zip_add(&zip, "objects/Lead.object", KEY_FIELD, true);
    answer = deployed(&zip, "");
    CHECK_CONTAINS(at(&answer, "result.details.componentFailures.problem"),
                   "not named in package.xml");
    zip_add(&zip, "nothing.txt", "x", true);
    answer = deployed(&zip, "");
    CHECK_STR(at(&answer, "result.errorMessage"), "No package.xml found");
}

TEST(soap, check_only_deploys_nothing_and_destructive_changes_drop)
{
    struct zip zip = {0};
    zip_add(&zip, "package.xml", PACKAGE(OBJECT_TYPE), true);
    zip_add(&zip, "objects/Lead.object", KEY_FIELD, true);
    struct answer answer = deployed(&zip, "<checkOnly>true</checkOnly>");
    CHECK_STR(at(&answer, "result.status"), "Succeeded");
    struct reply reply = ask("GET", V "/query?q=SELECT+Argil_Key__c+FROM+Lead", NULL);
    CHECK_INT(reply.status, 400);
    zip_add(&zip, "package.xml",
            PACKAGE("<types><members>Lead.Argil_Key__c</members><name>CustomField</name></types>"),
            true);
    zip_add(&zip, "objects/Lead.object", KEY_FIELD, true);
    answer = deployed(&zip, "");
    CHECK_STR(at(&answer, "result.numberComponentsDeployed"), "1");
    reply = ask("GET", V "/query?q=SELECT+Argil_Key__c+FROM+Lead", NULL);
    CHECK_INT(reply.status, 200);
    zip_add(&zip, "package.xml", PACKAGE(""), true);
    zip_add(&zip, "destructiveChanges.xml",
            PACKAGE("<types><members>Lead.Argil_Key__c</members><name>CustomField</name></types>"),
            true);
    answer = deployed(&zip, "");
    CHECK_STR(at(&answer, "result.status"), "Succeeded");
    reply = ask("GET", V "/query?q=SELECT+Argil_Key__c+FROM+Lead", NULL);
    CHECK_INT(reply.status, 400);
}

TEST(soap, broken_archives_are_refused_whole)
{
    struct zip zip = {0};
    zip_add(&zip, "package.xml", PACKAGE(SET_TYPE), true);
    const char *good = zip_text(&zip);
    size_t len = 0;
    unsigned char *bytes = base64_decode(kept, good, strlen(good), &len);
    for (size_t i = 0; i < len; i += 3) { /* each third byte turned over, and cut there */
        bytes[i] ^= 0xff;
        struct answer answer =
            metadata(text_f("<deploy><ZipFile>%s</ZipFile></deploy>",
                            base64_encode(kept, bytes, i % 2 ? len : i + 1)));
        CHECK_INT(answer.status, 200);
        bytes[i] ^= 0xff;
    }
    struct answer answer = metadata("<deploy><ZipFile>*</ZipFile></deploy>");
    CHECK_STR(fault(&answer), "INVALID_OPERATION");
    answer = metadata("<checkDeployStatus><asyncProcessId>0Af000000000001</asyncProcessId>"
                      "</checkDeployStatus>");
    CHECK_STR(fault(&answer), "INVALID_CROSS_REFERENCE_KEY");
}
