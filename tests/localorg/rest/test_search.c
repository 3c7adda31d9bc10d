/* test_search.c - SOSL and parameterized search. */
#include "localorg/rest/fixture.h"

#include "base/arena.h"
#include "base/uri.h"

EACH_REST_TEST

#define V "/services/data/v66.0"

static struct reply find(const char *sosl)
{
    struct arena *arena = arena_new();
    struct reply reply = ask("GET", text_f(V "/search?q=%s", uri_encoded(arena, sosl)), NULL);
    arena_free(arena);
    return reply;
}

static int64_t found(const struct reply *reply)
{
    CHECK_INT(reply->status, 200);
    return json_get(reply->json, "searchRecords")->len;
}

TEST(search, words_at_the_start_of_words)
{
    given("Account", "{\"Name\":\"Acme Widgets\",\"Phone\":\"555 123\"}");
    given("Account", "{\"Name\":\"Other\",\"Website\":\"acme.example\"}");
    given("Lead",
          "{\"LastName\":\"O'Neil\",\"Company\":\"Widget Acme\",\"Email\":\"o@x.example\"}");
    struct reply reply = find("FIND {acme} IN ALL FIELDS RETURNING Account(Id, Name), Lead(Id)");
    CHECK_INT(found(&reply), 3);
    reply = find("FIND {acme widg*} IN NAME FIELDS RETURNING Account(Id, Name)");
    CHECK_INT(found(&reply), 1);
    CHECK_STR(json_text(json_path(reply.json, "searchRecords[0].Name")), "Acme Widgets");
    reply = find(
        "FIND {O'Neil} RETURNING Lead(LastName WHERE Email != null ORDER BY LastName LIMIT 1)");
    CHECK_STR(json_text(json_path(reply.json, "searchRecords[0].LastName")), "O'Neil");
    reply = find("FIND {\"acme widgets\"} RETURNING Account");
    CHECK_INT(found(&reply), 1);
    reply = find("FIND {acme}");
    CHECK_INT(found(&reply), 3);
    reply = find("FIND {nothing like it} RETURNING Account(Id), Lead(Id)");
    CHECK_INT(found(&reply), 0);
}

TEST(search, refusals)
{
    struct reply reply = find("FIND acme");
    CHECK_INT(reply.status, 400);
    CHECK_CONTAINS(reply.text, "No search term found. The search term must be enclosed in braces.");
    CHECK_STR(error_code(&reply), "MALFORMED_SEARCH");
    reply = find("FIND {x} RETURNING Nope(Id)");
    CHECK_STR(error_code(&reply), "INVALID_TYPE");
    reply = find("FIND {x} RETURNING Account(Nope)");
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
}

TEST(search, by_parameters)
{
    given("Account", "{\"Name\":\"Acme\"}");
    struct reply reply =
        ask("GET", V "/parameterizedSearch/?q=Acme&sobject=Account&Account.fields=id,name", NULL);
    CHECK_STR(json_text(json_path(reply.json, "searchRecords[0].Name")), "Acme");
    reply = ask("POST", V "/parameterizedSearch",
                "{\"q\":\"Acme\",\"sobjects\":[{\"name\":\"Account\",\"fields\":[\"Id\",\"Name\"],"
                "\"limit\":5}],\"in\":\"NAME\"}");
    CHECK_INT(found(&reply), 1);
}
