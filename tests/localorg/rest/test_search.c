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

static int64_t hits(const char *sosl)
{
    struct reply reply = find(sosl);
    if (reply.status != 200)
        printf("%s: %s\n", sosl, reply.text);
    return found(&reply);
}

static void check_refused(const char *sosl, const char *code, const char *message)
{
    struct reply reply = find(sosl);
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), code);
    CHECK_CONTAINS(reply.text, message);
}

TEST(search, finds_whole_words_in_any_field)
{
    given("Account", "{\"Name\":\"Acme Widgets\",\"Phone\":\"555 123\"}");
    given("Account", "{\"Name\":\"Other\",\"Website\":\"acme.example\"}");
    given("Lead", "{\"LastName\":\"O'Neil\",\"Company\":\"Widget Acme\",\"Email\":"
                  "\"o@x.example\",\"Description\":\"met in Zürich\"}");
    struct reply reply = find("FIND {acme} IN ALL FIELDS RETURNING Account(Id, Name), Lead(Id)");
    CHECK_INT(found(&reply), 3);
    CHECK_STR(json_text(json_path(reply.json, "searchRecords[2].attributes.type")), "Lead");
    reply = find("FIND {acme widg*} IN NAME FIELDS RETURNING Account(Id, Name)");
    CHECK_INT(found(&reply), 1);
    CHECK_STR(json_text(json_path(reply.json, "searchRecords[0].Name")), "Acme Widgets");
    reply = find(
        "FIND {O'Neil} RETURNING Lead(LastName WHERE Email != null ORDER BY LastName LIMIT 1)");
    CHECK_STR(json_text(json_path(reply.json, "searchRecords[0].LastName")), "O'Neil");
    CHECK_INT(hits("FIND {\"acme widgets\"} RETURNING Account"), 1);
    CHECK_INT(hits("FIND {\"widgets acme\"} RETURNING Account"), 0);
    CHECK_INT(hits("find {ACME}"), 3);
    CHECK_INT(hits("FIND {acm} RETURNING Account"), 0);
    CHECK_INT(hits("FIND {zurich} RETURNING Lead"), 1);
    CHECK_INT(hits("FIND {nothing like it} RETURNING Account(Id), Lead(Id)"), 0);
    CHECK_INT(hits("FIND {acme} IN EMAIL FIELDS RETURNING Account, Lead"), 0);
    CHECK_INT(hits("FIND {o@x.example} IN EMAIL FIELDS RETURNING Lead"), 1);
    CHECK_INT(hits("FIND {123} IN PHONE FIELDS RETURNING Account"), 1);
    CHECK_INT(hits("FIND {123} IN NAME FIELDS RETURNING Account"), 0);
    CHECK_INT(hits("FIND {123} IN SIDEBAR FIELDS RETURNING Account"), 1);
}

TEST(search, operators_and_wildcards)
{
    given("Account", "{\"Name\":\"red green\"}");
    given("Account", "{\"Name\":\"red blue\"}");
    given("Account", "{\"Name\":\"grey-blue\"}");
    given("Account", "{\"Name\":\"gray & black\"}");
    static const struct {
        const char *find;
        int64_t count;
    } cases[] = {{"red AND blue", 1},
                 {"red blue", 1},
                 {"red OR blue", 3},
                 {"red or blue", 3},
                 {"blue AND NOT red", 1},
                 {"red AND (green OR blue)", 2},
                 {"red green OR black", 2},
                 {"gr*", 3},
                 {"gr?y", 2},
                 {"gr*n", 1},
                 {"g*y AND blue", 1},
                 {"\\\"grey blue\\\"", 1},
                 {"\"grey bl*\"", 1},
                 {"grey-blue", 1},
                 {"black \\&", 1},
                 {"red\\*", 2},
                 {"x* OR red", 2},
                 {"black OR (purple AND yellow)", 1},
                 {"a red", 2},
                 {"\\a\\n\\d", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = hits(text_f("FIND {%s} IN NAME FIELDS RETURNING Account", cases[i].find));
        if (got != cases[i].count)
            printf("%s\n", cases[i].find);
        CHECK_INT(got, cases[i].count);
    }
}

TEST(search, clauses_of_an_object)
{
    for (int i = 0; i < 5; i++)
        given("Contact", text_f("{\"LastName\":\"Smith\",\"FirstName\":\"%c\"}", 'A' + i));
    given("Account", "{\"Name\":\"Smith\"}");
    struct reply reply = find("FIND {smith} RETURNING Contact(FirstName WHERE FirstName != 'C' "
                              "ORDER BY FirstName DESC LIMIT 2 OFFSET 1)");
    CHECK_INT(found(&reply), 2);
    CHECK_STR(json_text(json_path(reply.json, "searchRecords[0].FirstName")), "D");
    CHECK_STR(json_text(json_path(reply.json, "searchRecords[1].FirstName")), "B");
    CHECK_INT(hits("FIND {smith} RETURNING Contact(Id WHERE (FirstName = ')' OR FirstName = 'A')), "
                   "Account"),
              2);
    CHECK_INT(hits("FIND {smith} LIMIT 3"), 3);
    CHECK_INT(
        hits("FIND {smith} RETURNING Contact(Account.Name), Account LIMIT 10 UPDATE VIEWSTAT"), 6);
    reply = find("FIND {smith} RETURNING Account(Id, Name) WITH METADATA = 'LABELS'");
    CHECK_CONTAINS(reply.text, "\"metadata\":{\"entityMetadata\":[{\"entityName\":\"Account\","
                               "\"fieldMetadata\":[{\"label\":\"Account ID\",\"name\":\"Id\"},"
                               "{\"label\":\"Account Name\",\"name\":\"Name\"}]}]}}");
    reply =
        ask("GET", "/services/data/v36.0/search?q=FIND%20%7Bsmith%7D%20RETURNING%20Account", NULL);
    CHECK_INT(reply.json->len, 1);
    CHECK_CONTAINS(reply.text, "[{\"attributes\":");
}

TEST(search, sees_what_was_written_since)
{
    const char *id = given("Account", "{\"Name\":\"First\"}");
    CHECK_INT(hits("FIND {first} RETURNING Account"), 1);
    const char *other = given("Account", "{\"Name\":\"Second first\"}");
    CHECK_INT(hits("FIND {first} RETURNING Account"), 2);
    ask("PATCH", text_f(V "/sobjects/Account/%s", id), "{\"Name\":\"Changed\"}");
    CHECK_INT(hits("FIND {first} RETURNING Account"), 1);
    CHECK_INT(hits("FIND {changed} RETURNING Account"), 1);
    ask("DELETE", text_f(V "/sobjects/Account/%s", other), NULL);
    CHECK_INT(hits("FIND {first} RETURNING Account"), 0);
    struct reply reply =
        ask("POST", V "/composite",
            "{\"allOrNone\":true,\"compositeRequest\":[{\"method\":\"POST\",\"url\":\"" V
            "/sobjects/Account\",\"referenceId\":\"a\",\"body\":{\"Name\":\"Undone\"}},{\"method\":"
            "\"GET\",\"url\":\"" V "/search?q=FIND%20%7Bundone%7D%20RETURNING%20Account\","
            "\"referenceId\":\"b\"},{\"method\":\"POST\",\"url\":\"" V "/sobjects/Account\","
            "\"referenceId\":\"c\",\"body\":{}}]}");
    CHECK_INT(reply.status, 200);
    CHECK_INT(hits("FIND {undone} RETURNING Account"), 0);
    given("Account", "{\"Name\":\"Undone no more\"}");
    CHECK_INT(hits("FIND {undone} RETURNING Account"), 1);
}

TEST(search, lags_when_told_to)
{
    given("Account", "{\"Name\":\"Early\"}");
    ask("POST", "/localorg/policies", "{\"org\":{\"search_lag_s\":60}}");
    CHECK_INT(hits("FIND {early} RETURNING Account"), 0);
    ask("POST", "/localorg/clock", "{\"shift_s\":61}");
    CHECK_INT(hits("FIND {early} RETURNING Account"), 1);
    given("Account", "{\"Name\":\"Late\"}");
    CHECK_INT(hits("FIND {late OR early} RETURNING Account"), 1);
    ask("POST", "/localorg/clock", "{\"shift_s\":61}");
    CHECK_INT(hits("FIND {late OR early} RETURNING Account"), 2);
}

TEST(search, grows_with_the_schema_and_respects_access)
{
    given("Account", "{\"Name\":\"Plain\",\"Phone\":\"4711\"}");
    CHECK_INT(hits("FIND {4711} RETURNING Account"), 1);
    ask("POST", "/localorg/schema",
        "{\"object\":\"Account\",\"fields\":[{\"name\":\"Motto__c\",\"type\":\"string\",\"length\":"
        "80}]}");
    given("Account", "{\"Name\":\"Custom\",\"Motto__c\":\"Excelsior\"}");
    CHECK_INT(hits("FIND {excelsior} RETURNING Account(Motto__c)"), 1);
    ask("POST", "/localorg/users",
        "{\"username\":\"few@x.example\",\"name\":\"Few\",\"email\":\"f@x.example\",\"password\":"
        "\"pw123456\",\"profile\":\"Standard User\",\"deny\":[{\"object\":\"Account\",\"field\":"
        "\"Phone\"},{\"object\":\"Lead\"}]}");
    struct reply reply = ask("POST", "/localorg/token", "{\"username\":\"few@x.example\"}");
    admin_token = json_get_text(reply.json, "access_token");
    CHECK_INT(hits("FIND {4711} RETURNING Account"), 0);
    CHECK_INT(hits("FIND {plain} RETURNING Account"), 1);
    check_refused("FIND {plain} RETURNING Lead", "INVALID_TYPE", "sObject type 'Lead'");
    check_refused("FIND {plain} RETURNING Account(Phone)", "INVALID_FIELD", "No such column");
}

TEST(search, refusals)
{
    static const char *const none = "No search term found. The search term must be enclosed in "
                                    "braces.";
    check_refused("FIND acme", "MALFORMED_SEARCH", none);
    check_refused("", "MALFORMED_SEARCH", none);
    check_refused("FIND {  }", "MALFORMED_SEARCH", none);
    check_refused("FIND {x", "MALFORMED_SEARCH", none);
    check_refused("FIND {x}", "MALFORMED_SEARCH",
                  "search term must be longer than one character: x");
    check_refused("FIND {acme} RETURNING Nope(Id)", "INVALID_TYPE", "sObject type 'Nope'");
    check_refused("FIND {acme} RETURNING Organization", "INVALID_TYPE", "does not support search");
    check_refused("FIND {acme} RETURNING Account(Nope)", "INVALID_FIELD", "No such column");
    check_refused("FIND {acme} RETURNING Account(COUNT(Id))", "MALFORMED_SEARCH", "");
    check_refused("FIND {acme} IN MOST FIELDS", "MALFORMED_SEARCH", "unexpected token: MOST");
    check_refused("FIND {acme} IN ALL", "MALFORMED_SEARCH", "unexpected token: <EOF>");
    check_refused("FIND {acme} RETURNING", "MALFORMED_SEARCH", "unexpected token: <EOF>");
    check_refused("FIND {acme} RETURNING Account(Id", "MALFORMED_SEARCH", "unexpected token");
    check_refused("FIND {acme} RETURNING Account(Id WHERE)", "MALFORMED_SEARCH",
                  "unexpected token");
    check_refused("FIND {acme} RETURNING Account garbage", "MALFORMED_SEARCH",
                  "unexpected token: garbage");
    check_refused("FIND {(acme} RETURNING Account", "MALFORMED_SEARCH", "unexpected token");
    check_refused("FIND {acme)} RETURNING Account", "MALFORMED_SEARCH", "unexpected token: )");
    check_refused("FIND {acme OR} RETURNING Account", "MALFORMED_SEARCH",
                  "unexpected token: <EOF>");
    check_refused("FIND {acme} LIMIT many", "MALFORMED_SEARCH", "unexpected token: many");
    check_refused("FIND {acme} LIMIT 5000", "MALFORMED_SEARCH", "at most 2000");
    check_refused("FIND {acme} WITH DIVISION = 'x'", "MALFORMED_SEARCH", "WITH DIVISION");
    check_refused("FIND {acme} RETURNING Account(Id OFFSET 1), Lead", "MALFORMED_SEARCH",
                  "OFFSET is only supported for queries on a single object");
    check_refused("FIND {acme} RETURNING Account(Id OFFSET 3000)", "NUMBER_OUTSIDE_VALID_RANGE",
                  "between 0 to 2000");
}

TEST(search, by_parameters)
{
    given("Account", "{\"Name\":\"Acme\"}");
    given("Account", "{\"Name\":\"Acme Two\"}");
    struct reply reply =
        ask("GET", V "/parameterizedSearch/?q=Acme&sobject=Account&Account.fields=id,name", NULL);
    CHECK_STR(json_text(json_path(reply.json, "searchRecords[0].Name")), "Acme");
    reply = ask("GET", V "/parameterizedSearch?q=Acme&sobject=Account&sobject=Lead&Account.limit=1",
                NULL);
    CHECK_INT(found(&reply), 1);
    reply = ask("POST", V "/parameterizedSearch",
                "{\"q\":\"Acme\",\"sobjects\":[{\"name\":\"Account\",\"fields\":[\"Id\",\"Name\"],"
                "\"limit\":5,\"orderBy\":\"Name DESC NULLS LAST\",\"where\":\"Name != 'x'\"}],"
                "\"in\":\"NAME\",\"spellCorrection\":true,\"metadata\":\"LABELS\"}");
    CHECK_INT(found(&reply), 2);
    CHECK_STR(json_text(json_path(reply.json, "searchRecords[0].Name")), "Acme Two");
    CHECK(json_path(reply.json, "metadata.entityMetadata[0]") != NULL);
    reply = ask("POST", V "/parameterizedSearch",
                "{\"q\":\"Acme\",\"fields\":[\"Name\"],\"sobjects\":[\"Account\"],\"offset\":1,"
                "\"overallLimit\":1,\"defaultLimit\":5}");
    CHECK_INT(found(&reply), 1);
    reply = ask("POST", V "/parameterizedSearch", "{\"q\":\"Acme\"}");
    CHECK_INT(found(&reply), 2);
    reply = ask("POST", V "/parameterizedSearch", "{\"sobjects\":[\"Account\"]}");
    CHECK_STR(error_code(&reply), "MISSING_ARGUMENT");
    reply = ask("GET", V "/parameterizedSearch?q=Acme&in=NOWHERE", NULL);
    CHECK_INT(reply.status, 400);
}

TEST(search, what_a_search_box_asks)
{
    for (int i = 0; i < 7; i++)
        given("Account", text_f("{\"Name\":\"Suggested %d\"}", i));
    struct reply reply = ask("GET", V "/search/suggestions?q=sugg&sobject=Account&limit=3", NULL);
    CHECK_INT(json_get(reply.json, "autoSuggestResults")->len, 3);
    CHECK(json_get_bool(reply.json, "hasMoreResults", false));
    CHECK_STR(json_text(json_path(reply.json, "autoSuggestResults[0].Name")), "Suggested 0");
    reply = ask("GET", V "/search/suggestions?q=su&sobject=Account", NULL);
    CHECK_INT(reply.status, 400);
    reply = ask("GET", V "/search/scopeOrder", NULL);
    CHECK_STR(json_text(json_path(reply.json, "[0].type")), "Account");
    reply = ask("GET", V "/search/layout?q=Account,Nope", NULL);
    CHECK_STR(json_text(json_path(reply.json, "[0].searchColumns[0].field")), "Account.Name");
    CHECK(!json_is_null(json_path(reply.json, "[1].errorMsg")));
}
