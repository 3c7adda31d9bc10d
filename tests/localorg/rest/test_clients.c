/* test_clients.c - what public clients really put on the wire, and get away with at
 * Salesforce: jsforce, sf, simple-salesforce, n8n, taps (their traffic was read). */
#include "localorg/rest/fixture.h"

#include "base/str.h"
#include "localorg/seed/seed.h"

#include <stdio.h>
#include <string.h>

EACH_REST_TEST

#define V "/services/data/v66.0"

static struct reply sent(const char *request)
{
    return ask_raw(request, strlen(request));
}

static const char *head(const char *more)
{
    return text_f("Host: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n%s", admin_token,
                  more);
}

/* The body in chunks of so many bytes. */
static struct reply in_chunks(const char *line, const char *type, const char *body, int size)
{
    const char *text = text_f("%s HTTP/1.1\r\n%sContent-Type: %s\r\nTransfer-Encoding: "
                              "chunked\r\n\r\n",
                              line, head(""), type);
    for (int left = (int)strlen(body), n; left > 0; left -= n, body += n) {
        n = left < size ? left : size;
        text = text_f("%s%x\r\n%.*s\r\n", text, (unsigned)n, n, body);
    }
    return sent(text_f("%s0\r\n\r\n", text));
}

TEST(clients, bodies_come_in_chunks)
{
    struct reply reply =
        in_chunks("POST " V "/sobjects/Account", "application/json", "{\"Name\":\"Chunky\"}", 3);
    CHECK_INT(reply.status, 201);
    CHECK_INT(soql_count("Account WHERE Name = 'Chunky'"), 1);
    reply = in_chunks("POST /services/oauth2/token", "application/x-www-form-urlencoded",
                      "grant_type=magic", 4);
    CHECK_INT(reply.status, 400);
    CHECK_CONTAINS(reply.text, "unsupported_grant_type");
    struct reply job = ask("POST", V "/jobs/ingest",
                           "{\"object\":\"Account\",\"operation\":\"insert\",\"lineEnding\":"
                           "\"LF\"}");
    reply = in_chunks(text_f("PUT " V "/jobs/ingest/%s/batches", json_get_text(job.json, "id")),
                      "text/csv", "Name\nFrom a stream\n", 5);
    CHECK_INT(reply.status, 201);
    ask("PATCH", text_f(V "/jobs/ingest/%s", json_get_text(job.json, "id")),
        "{\"state\":\"UploadComplete\"}");
    for (int i = 0; i < 100 && soql_count("Account WHERE Name = 'From a stream'") == 0; i++)
        ask("GET", text_f(V "/jobs/ingest/%s", json_get_text(job.json, "id")), NULL);
    CHECK_INT(soql_count("Account WHERE Name = 'From a stream'"), 1);
}

TEST(clients, sessions_are_named_in_several_ways)
{
    static const char *const forms[] = {"Authorization: Bearer %s", "Authorization: OAuth %s",
                                        "Authorization: bearer %s", "Authorization: Bearer   %s",
                                        "X-SFDC-Session: %s"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char line[256];
        snprintf(line, sizeof line, "%.*s%s", (int)(strstr(forms[i], "%s") - forms[i]), forms[i],
                 admin_token);
        struct reply reply = sent(text_f("GET " V "/limits HTTP/1.1\r\nHost: x\r\n%s\r\n"
                                         "Connection: close\r\n\r\n",
                                         line));
        CHECK_INT(reply.status, 200);
    }
}

TEST(clients, paths_are_joined_carelessly)
{
    given("Account", "{\"Name\":\"Acme\"}");
    static const char *const same[] = {
        V "/query?q=SELECT+Id+FROM+Account", V "/query/?q=SELECT%20Id%20FROM%20Account",
        "/" V "/query?q=select+id+from+account", V "/queryAll/?q=SELECT+Id+FROM+Account",
        "http://x" V "/query?q=SELECT+Id+FROM+Account"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct reply reply = sent(text_f("GET %s HTTP/1.1\r\n%s\r\n", same[i], head("")));
        CHECK_INT(reply.status, 200);
        CHECK_CONTAINS(reply.text, "\"totalSize\":1");
    }
    struct reply reply = post_form("//services/oauth2/token", "grant_type=magic");
    CHECK_STR(json_get_text(reply.json, "error"), "unsupported_grant_type");
    reply = sent(text_f("GET " V "/limits HTTP/1.1\r\n%s\r\n",
                        head("Content-Type: application/json\r\n"))); /* jsforce, on each GET */
    CHECK_INT(reply.status, 200);
    reply =
        sent(text_f("GET " V "/limits HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n", admin_token));
    CHECK_INT(reply.status, 200);
    reply = sent(text_f("POST " V "/sobjects/account HTTP/1.1\r\n%s\r\n%s",
                        head("Content-Type: application/json\r\nExpect: 100-continue\r\n"
                             "Content-Length: 15\r\n"),
                        "{\"Name\":\"Late\"}")); /* curl, with a body of some size */
    CHECK_CONTAINS(reply.text, "201 Created");
}

TEST(clients, use_versions_from_45_to_the_newest)
{
    given("Account", "{\"Name\":\"Acme\"}");
    struct reply all = ask("GET", "/services/data", NULL);
    int newest = (int)json_double(json_get(json_at(all.json, all.json->len - 1), "version"), 0);
    CHECK(newest >= 66);
    for (int version = 45; version <= newest; version++) {
        const char *base = text_f("/services/data/v%d.0", version);
        struct reply reply = ask("GET", text_f("%s/query?q=SELECT+Id+FROM+Account", base), NULL);
        CHECK_INT(reply.status, 200);
        CHECK(text_starts(json_text(json_path(reply.json, "records[0].attributes.url")), base));
        reply = ask("GET", text_f("%s/sobjects/Account/describe", base), NULL);
        CHECK(text_starts(json_text(json_path(reply.json, "urls.sobject")), base));
        reply = ask("POST", text_f("%s/sobjects/Contact", base), "{\"LastName\":\"Doe\"}");
        CHECK_INT(reply.status, 201);
        CHECK(text_starts(reply_header(&reply, "Location"), base));
        reply = ask("GET", text_f("%s/limits", base), NULL);
        CHECK_INT(reply.status, 200);
    }
}

TEST(clients, the_cli_asks_for_the_columns_first)
{
    struct reply reply =
        ask("GET",
            V "/query?q=SELECT+Id,COUNT(Name)+n,Owner.Name+FROM+Account+GROUP+BY+Id,Owner.Name&"
              "columns=true",
            NULL);
    CHECK_INT(reply.status, 200);
    CHECK_STR(json_get_text(reply.json, "entityName"), "Account");
    CHECK(json_get_bool(reply.json, "groupBy", false));
    CHECK_STR(json_text(json_path(reply.json, "columnMetadata[1].columnName")), "n");
    CHECK(json_get_bool(json_path(reply.json, "columnMetadata[1]"), "aggregate", false));
    CHECK(json_get(reply.json, "records") == NULL);
}
