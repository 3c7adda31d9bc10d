/* test_files.c - attachments, documents, versions of files; multipart bodies. */
#include "localorg/rest/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EACH_REST_TEST

#define V     "/services/data/v66.0"
#define CRLF  "\r\n"
#define PARTS "multipart/form-data; boundary=\"cut\""

static struct reply send_parts(const char *method, const char *path, const char *body)
{
    return ask_as(text_f("Bearer %s", admin_token), method, path, body, "Content-Type", PARTS);
}

/* A JSON part and a file. */
static const char *parts(const char *json, const char *name, const char *file)
{
    return text_f("--cut" CRLF "Content-Disposition: form-data; name=\"entity\"" CRLF
                  "Content-Type: application/json" CRLF CRLF "%s" CRLF "--cut" CRLF
                  "Content-Disposition: form-data; name=\"%s\"; filename=\"a.txt\"" CRLF
                  "Content-Type: text/plain" CRLF CRLF "%s" CRLF "--cut--" CRLF,
                  json, name, file);
}

static const char *bytes_at(const char *path)
{
    struct reply reply = ask("GET", path, NULL);
    CHECK_INT(reply.status, 200);
    return reply.text;
}

static const char *account(void)
{
    return given("Account", "{\"Name\":\"Acme\"}");
}

TEST(files, attachment_as_base64)
{
    const char *id = given("Attachment", text_f("{\"ParentId\":\"%s\",\"Name\":\"a.txt\",\"Body\":"
                                                "\"aGVsbG8=\",\"ContentType\":\"text/plain\"}",
                                                account()));
    CHECK_STR(bytes_at(text_f(V "/sobjects/Attachment/%s/Body", id)), "hello");
    struct reply reply = ask("GET", text_f(V "/sobjects/Attachment/%s", id), NULL);
    CHECK_INT(json_get_int(reply.json, "BodyLength", 0), 5);
    CHECK_STR(json_get_text(reply.json, "Body"), text_f(V "/sobjects/Attachment/%s/Body", id));
    reply = ask("GET", json_get_text(reply.json, "Body"), NULL);
    CHECK_CONTAINS(reply_header(&reply, "Content-Type"), "text/plain");
    ask("PATCH", text_f(V "/sobjects/Attachment/%s", id), "{\"Body\":\"\"}");
    CHECK_STR(bytes_at(text_f(V "/sobjects/Attachment/%s/Body", id)), "hello");
    reply = ask("PATCH", text_f(V "/sobjects/Attachment/%s", id), "{\"Body\":\"aGk=\"}");
    CHECK_INT(reply.status, 204);
    CHECK_STR(bytes_at(text_f(V "/sobjects/Attachment/%s/Body", id)), "hi");
    CHECK_STR(
        soql_one(text_f("SELECT BodyLength FROM Attachment WHERE Id = '%s'", id), "BodyLength"),
        "2");
}

TEST(files, refusals_of_base64)
{
    const char *parent = account();
    struct reply reply =
        ask("POST", V "/sobjects/Attachment",
            text_f("{\"ParentId\":\"%s\",\"Name\":\"a\",\"Body\":\"no base64!\"}", parent));
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "JSON_PARSER_ERROR");
    reply = ask("POST", V "/sobjects/Attachment",
                text_f("{\"ParentId\":\"%s\",\"Name\":\"a\"}", parent));
    CHECK_STR(error_code(&reply), "REQUIRED_FIELD_MISSING");
    CHECK_INT(ask("GET", text_f(V "/sobjects/Account/%s/Body", parent), NULL).status, 404);
    const char *id = given(
        "Attachment", text_f("{\"ParentId\":\"%s\",\"Name\":\"a\",\"Body\":\"aGk=\"}", parent));
    reply = ask("POST", V "/composite",
                text_f("{\"compositeRequest\":[{\"method\":\"GET\",\"referenceId\":\"a\",\"url\":"
                       "\"" V "/sobjects/Attachment/%s/Body\"}]}",
                       id));
    CHECK_CONTAINS(reply.text, "\"httpStatusCode\":400");
    ask("DELETE", text_f(V "/sobjects/Attachment/%s", id), NULL);
    CHECK_INT(ask("GET", text_f(V "/sobjects/Attachment/%s/Body", id), NULL).status, 404);
}

TEST(files, multipart_insert_and_update)
{
    const char *json = text_f("{\"ParentId\":\"%s\",\"Name\":\"a.txt\"}", account());
    /* the boundary inside a line is no boundary */
    struct reply reply = send_parts("POST", V "/sobjects/Attachment",
                                    parts(json, "Body", "one --cut" CRLF "two" CRLF));
    CHECK_INT(reply.status, 201);
    const char *id = json_get_text(reply.json, "id");
    CHECK_STR(bytes_at(text_f(V "/sobjects/Attachment/%s/Body", id)), "one --cut" CRLF "two" CRLF);
    reply = send_parts("PATCH", text_f(V "/sobjects/Attachment/%s", id),
                       parts("{\"Name\":\"b.txt\"}", "Body", "new"));
    CHECK_INT(reply.status, 204);
    CHECK_STR(bytes_at(text_f(V "/sobjects/Attachment/%s/Body", id)), "new");
    CHECK_STR(soql_one("SELECT Name FROM Attachment", "Name"), "b.txt");
    reply = send_parts("POST", V "/sobjects/Attachment", parts("[]", "Body", "x"));
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "INVALID_MULTIPART_REQUEST");
    CHECK_INT(send_parts("POST", V "/sobjects/Attachment", "nothing").status, 400);
    CHECK_INT(send_parts("POST", V "/sobjects/Attachment", "--cut" CRLF CRLF "{}").status, 400);
}

TEST(files, multipart_collections)
{
    const char *parent = account();
    struct reply reply = send_parts(
        "POST", V "/composite/sobjects",
        text_f("--cut" CRLF "Content-Disposition: form-data; name=\"collection\"" CRLF
               "Content-Type: application/json" CRLF CRLF
               "{\"records\":[{\"attributes\":{\"type\":\"Attachment\",\"binaryPartName\":\"one\","
               "\"binaryPartNameAlias\":\"Body\"},\"Name\":\"1\",\"ParentId\":\"%s\"},"
               "{\"attributes\":{\"type\":\"Attachment\",\"binaryPartName\":\"two\","
               "\"binaryPartNameAlias\":\"Body\"},\"Name\":\"2\",\"ParentId\":\"%s\"}]}" CRLF
               "--cut" CRLF "Content-Disposition: form-data; name=\"two\"; filename=\"2\"" CRLF CRLF
               "second" CRLF "--cut" CRLF
               "Content-Disposition: form-data; name=\"one\"; filename=\"1\"" CRLF CRLF "first" CRLF
               "--cut--" CRLF,
               parent, parent));
    CHECK_INT(reply.status, 200);
    CHECK_STR(bytes_at(text_f(V "/sobjects/Attachment/%s/Body",
                              json_get_text(json_at(reply.json, 0), "id"))),
              "first");
    CHECK_STR(bytes_at(text_f(V "/sobjects/Attachment/%s/Body",
                              json_get_text(json_at(reply.json, 1), "id"))),
              "second");
}

TEST(files, documents)
{
    const char *me = soql_one("SELECT Id FROM User WHERE IsActive = true LIMIT 1", "Id");
    struct reply reply =
        send_parts("POST", V "/sobjects/Document",
                   parts(text_f("{\"Name\":\"Price list\",\"FolderId\":\"%s\"}", me), "Body", "x"));
    CHECK_INT(reply.status, 201);
    CHECK_STR(soql_one("SELECT DeveloperName FROM Document", "DeveloperName"), "Price_list");
    CHECK_STR(soql_one("SELECT BodyLength FROM Document", "BodyLength"), "1");
    CHECK_STR(bytes_at(text_f(V "/sobjects/Document/%s/Body", json_get_text(reply.json, "id"))),
              "x");
}

TEST(files, versions_of_a_file)
{
    const char *parent = account();
    struct reply reply = send_parts(
        "POST", V "/sobjects/ContentVersion",
        parts(text_f("{\"PathOnClient\":\"docs/Plan.final.PDF\",\"FirstPublishLocationId\":"
                     "\"%s\"}",
                     parent),
              "VersionData", "abc"));
    CHECK_INT(reply.status, 201);
    const char *first = json_get_text(reply.json, "id");
    reply = ask("GET", text_f(V "/sobjects/ContentVersion/%s", first), NULL);
    const char *document = json_get_text(reply.json, "ContentDocumentId");
    CHECK_STR(json_get_text(reply.json, "Title"), "Plan.final");
    CHECK_STR(json_get_text(reply.json, "FileExtension"), "pdf");
    CHECK_STR(json_get_text(reply.json, "FileType"), "PDF");
    CHECK_STR(json_get_text(reply.json, "VersionNumber"), "1");
    CHECK_STR(json_get_text(reply.json, "Checksum"), "900150983cd24fb0d6963f7d28e17f72");
    CHECK_INT(json_get_int(reply.json, "ContentSize", 0), 3);
    CHECK_STR(bytes_at(text_f(V "/sobjects/ContentVersion/%s/VersionData", first)), "abc");
    CHECK_INT(soql_count(text_f("ContentDocumentLink WHERE LinkedEntityId = '%s'", parent)), 1);
    CHECK_INT(soql_count("ContentDocumentLink"), 2);

    const char *second =
        given("ContentVersion", text_f("{\"ContentDocumentId\":\"%s\",\"VersionData\":\"bmV3IQ==\","
                                       "\"PathOnClient\":\"new.txt\",\"Title\":\"New\"}",
                                       document));
    CHECK_INT(soql_count("ContentVersion WHERE IsLatest = true"), 1);
    CHECK_STR(soql_one(text_f("SELECT VersionNumber FROM ContentVersion WHERE Id = '%s'", second),
                       "VersionNumber"),
              "2");
    reply = ask("GET", text_f(V "/sobjects/ContentDocument/%s", document), NULL);
    CHECK_STR(json_get_text(reply.json, "LatestPublishedVersionId"), second);
    CHECK_STR(json_get_text(reply.json, "Title"), "New");
    CHECK_STR(json_get_text(reply.json, "FileType"), "TEXT");
    CHECK_INT(json_get_int(reply.json, "ContentSize", 0), 4);
    CHECK_INT(soql_count("ContentDocument"), 1);

    CHECK_INT(ask("DELETE", text_f(V "/sobjects/ContentDocument/%s", document), NULL).status, 204);
    CHECK_INT(soql_count("ContentVersion"), 0);
    CHECK_INT(soql_count("ContentDocumentLink"), 0);
}

TEST(files, versions_that_cannot_be)
{
    struct reply reply = ask("POST", V "/sobjects/ContentVersion", "{\"Title\":\"x\"}");
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "REQUIRED_FIELD_MISSING");
    reply = ask("POST", V "/sobjects/ContentVersion",
                "{\"PathOnClient\":\"a\",\"VersionData\":\"aGk=\",\"ContentDocumentId\":"
                "\"069000000000001AAA\"}");
    CHECK_INT(reply.status, 400);
    given("ContentVersion", "{\"ContentUrl\":\"https://x.example\"}");
    CHECK_STR(soql_one("SELECT FileType FROM ContentVersion", "FileType"), "LINK");
    const char *id = soql_one("SELECT ContentDocumentId FROM ContentVersion", "ContentDocumentId");
    given("ContentDocumentLink", text_f("{\"ContentDocumentId\":\"%s\",\"LinkedEntityId\":\"%s\","
                                        "\"ShareType\":\"V\"}",
                                        id, account()));
    CHECK_INT(soql_count("ContentDocumentLink"), 2);
}

TEST(files, large_ones_need_parts)
{
    size_t len = (size_t)52 << 20;
    char *body = malloc(len + 200);
    int head = snprintf(body, 100, "{\"ParentId\":\"%s\",\"Name\":\"a\",\"Body\":\"", account());
    memset(body + head, 'A', len);
    strcpy(body + (size_t)head + len, "\"}");
    struct reply reply = ask("POST", V "/sobjects/Attachment", body);
    free(body);
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "FILE_SIZE_LIMIT_EXCEEDED");
}
