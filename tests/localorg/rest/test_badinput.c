/* test_badinput.c - what is malformed, too big or not HTTP at all gets Salesforce's own
 * error, changes nothing, and leaves the org answering. CSV: test_bulk.c, envelopes:
 * test_soap.c, archives: test_soap.c, policies of sign-in: test_policies.c. */
#include "localorg/rest/fixture.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EACH_REST_TEST

#define V "/services/data/v66.0"
#define VALUE                                                                                      \
    "expected a valid value (number, String, array, object, 'true', 'false' or 'null') at "

static void check_error(const struct reply *reply, int status, const char *code,
                        const char *message, const char *input)
{
    const char *said = json_get_text(json_at(reply->json, 0), "message");
    if (reply->status != status || !text_eq(error_code(reply), code) || !text_eq(said, message))
        printf("%s\n", input);
    CHECK_INT(reply->status, status);
    CHECK_STR(error_code(reply), code);
    CHECK_STR(said ? said : "", message);
}

static void check_alive(void)
{
    struct reply reply = ask("GET", V "/limits", NULL);
    CHECK_INT(reply.status, 200);
}

/* --- JSON --- */

TEST(badinput, json_is_refused_as_its_parser_does)
{
    static const struct {
        const char *body, *message;
    } rows[] = {
        {"", "The HTTP entity body is required, but this request has no entity body."},
        {" \n", "No content to map to Object due to end of input"},
        {"name=x", "Unrecognized token 'name': was expecting 'null', 'true', 'false' or NaN at "
                   "[line:1, column:5]"},
        {"request%5B", "Unexpected character ('r' (code 114)): " VALUE "[line:1, column:2]"},
        {"{", "Unexpected end-of-input: expected close marker for OBJECT (from [line:1, "
              "column:0]) at [line:1, column:2]"},
        {"{\n \"Name\": [1,", "Unexpected end-of-input: expected close marker for ARRAY (from "
                              "[line:2, column:9]) at [line:2, column:13]"},
        {"{\"Name\":\"x", "Unexpected end-of-input: was expecting closing quote for a string value "
                          "at [line:1, column:11]"},
        {"{\"Name\" \"x\"}", "Unexpected character ('\"' (code 34)): was expecting a colon to "
                             "separate field name and value at [line:1, column:10]"},
        {"{Name:\"x\"}", "Unexpected character ('N' (code 78)): was expecting double-quote to "
                         "start field name at [line:1, column:3]"},
        {"{\"Name\":\"x\",}", "Unexpected character ('}' (code 125)): was expecting double-quote "
                              "to start field name at [line:1, column:14]"},
        {"{\"Name\":}", "Unexpected character ('}' (code 125)): " VALUE "[line:1, column:10]"},
        {"{\"Name\":\"x\" \"Phone\":1}", "Unexpected character ('\"' (code 34)): was expecting "
                                         "comma to separate OBJECT entries at [line:1, column:14]"},
        {"{\"Name\":[1 2]}", "Unexpected character ('2' (code 50)): was expecting comma to "
                             "separate ARRAY entries at [line:1, column:13]"},
        {"{\"Name\":nil}", "Unrecognized token 'nil': was expecting 'null', 'true', 'false' or NaN "
                           "at [line:1, column:12]"},
        {"{\"Name\":NaN}", "Non-standard token 'NaN': enable "
                           "JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow at [line:1, "
                           "column:12]"},
        {"{\"NumberOfEmployees\":01}",
         "Invalid numeric value: Leading zeroes not allowed at [line:1, column:24]"},
        {"{\"NumberOfEmployees\":1.}", "Unexpected character ('}' (code 125)) in numeric value: "
                                       "Decimal point not followed by a digit at [line:1, "
                                       "column:25]"},
        {"{\"NumberOfEmployees\":-x}", "Unexpected character ('x' (code 120)) in numeric value: "
                                       "expected digit (0-9) to follow minus sign, for valid "
                                       "numeric value at [line:1, column:24]"},
        {"{\"NumberOfEmployees\":1e-}", "Unexpected character ('}' (code 125)) in numeric value: "
                                        "Exponent indicator not followed by a digit at [line:1, "
                                        "column:26]"},
        {"{\"Name\":\"a\tb\"}", "Illegal unquoted character ((CTRL-CHAR, code 9)): has to be "
                                "escaped using backslash to be included in string value at "
                                "[line:1, column:12]"},
        {"{\"Name\":\"\\q\"}",
         "Unrecognized character escape ('q' (code 113)) at [line:1, column:12]"},
        {"{\"Name\":\"\\u00zz\"}", "Unexpected character ('z' (code 122)): expected a hex-digit "
                                   "for character escape sequence at [line:1, column:15]"},
        {"{\"Name\":\"\xff\"}", "Invalid UTF-8 start byte 0xff at [line:1, column:11]"},
        {"{\"\xc3\xa9\" \xc3\xa9}", "Unexpected character ('\xc3\xa9' (code 233)): was expecting a "
                                    "colon to separate field name and value at [line:1, column:7]"},
        {"{\"Name\":\"x\"} x", "Unexpected character ('x' (code 120)): was expecting the end of "
                               "the input at [line:1, column:15]"},
        {"[]", "Cannot deserialize instance of SObject from START_ARRAY value at [line:1, "
               "column:1]"},
        {"\"x\"", "Cannot deserialize instance of SObject from VALUE_STRING value x at [line:1, "
                  "column:1]"},
        {"null",
         "Cannot deserialize instance of SObject from VALUE_NULL value at [line:1, column:1]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply = ask("POST", V "/sobjects/Account", rows[i].body);
        check_error(&reply, 400, "JSON_PARSER_ERROR", rows[i].message, rows[i].body);
    }
    CHECK_INT(soql_count("Account"), 0);
}

TEST(badinput, json_may_not_be_a_tower)
{
    char *deep = mem_alloc(100001);
    memset(deep, '[', 100000);
    deep[100000] = '\0';
    struct reply reply = ask("POST", V "/composite", deep);
    CHECK_STR(error_code(&reply), "JSON_PARSER_ERROR");
    CHECK_CONTAINS(reply.text, "nesting depth");
    free(deep);
    check_alive();
}

TEST(badinput, values_that_do_not_fit_their_field)
{
    static const struct {
        const char *body, *code, *words;
    } rows[] = {
        {"{\"Name\":{\"a\":1}}", "JSON_PARSER_ERROR", "instance of string from START_OBJECT"},
        {"{\"Name\":\"x\",\"NumberOfEmployees\":\"abc\"}", "JSON_PARSER_ERROR",
         "instance of int from VALUE_STRING value abc"},
        {"{\"Name\":\"x\",\"NumberOfEmployees\":1.5}", "JSON_PARSER_ERROR", "VALUE_NUMBER_FLOAT"},
        {"{\"Name\":\"x\",\"NumberOfEmployees\":99999999999}", "NUMBER_OUTSIDE_VALID_RANGE",
         "99999999999"},
        {"{\"Name\":\"x\",\"AnnualRevenue\":1e400}", "NUMBER_OUTSIDE_VALID_RANGE",
         "Annual Revenue"},
        {"{\"Name\":\"x\",\"OwnerId\":\"abc\"}", "MALFORMED_ID",
         "Owner ID: id value of incorrect type: abc"},
        {"{\"Name\":\"x\",\"ParentId\":\"001000000000000AAA\"}", "INVALID_CROSS_REFERENCE_KEY",
         "invalid cross reference id"},
        {"{\"Name\":\"x\",\"__proto__\":1}", "INVALID_FIELD",
         "No such column '__proto__' on sobject of type Account"},
        {"{\"Name\":\" \"}", "REQUIRED_FIELD_MISSING", "[Name]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply = ask("POST", V "/sobjects/Account", rows[i].body);
        CHECK_INT(reply.status, 400);
        CHECK_STR(error_code(&reply), rows[i].code);
        CHECK_CONTAINS(reply.text, rows[i].words);
    }
    CHECK_INT(soql_count("Account"), 0);
}

TEST(badinput, odd_text_comes_back_as_it_went_in)
{
    static const char *const names[] = {"</script><img src=x onerror=alert(1)>",
                                        "O'Dell \\\\ \\\" % _",
                                        "=1+1",
                                        "a\\u0000b",
                                        "e\xcc\x81 vs \xc3\xa9",
                                        "\xe2\x80\xae"
                                        "abc",
                                        "\xf0\x9f\x91\xa9\xf0\x9f\x8f\xbd",
                                        "null"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *body = text_f("{\"Name\":\"%s\"}", names[i]);
        const char *id = given("Account", body);
        struct reply reply = ask("GET", text_f(V "/sobjects/Account/%s?fields=Name", id), NULL);
        struct arena *arena = arena_new();
        const struct json *sent = json_parse(arena, body, strlen(body), NULL);
        const struct json *got = json_get(reply.json, "Name"), *want = json_get(sent, "Name");
        CHECK_INT(got->len, want->len);
        CHECK(memcmp(got->text, want->text, want->len) == 0);
        arena_free(arena);
    }
}

/* --- SOQL: the places and words are in tests/localorg/soql --- */

TEST(badinput, queries_that_are_none)
{
    static const struct {
        const char *soql, *code, *words;
    } rows[] = {
        {"'", "MALFORMED_QUERY", "unexpected token: '''"},
        {"SELECT", "MALFORMED_QUERY", "unexpected token: '<EOF>'"},
        {"SELECT Id FROM Account WHERE Name = 'x\\'", "MALFORMED_QUERY", "unexpected token: "},
        {"SELECT Id FROM Account;", "MALFORMED_QUERY", "unexpected token: ';'"},
        {"SELECT Id FROM Account -- x", "MALFORMED_QUERY", "unexpected token: '-'"},
        {"SELECT Id FROM Account WHERE Name = \"x\"", "MALFORMED_QUERY", "unexpected token: '\""},
        {"SELECT Id FROM Account WHERE Name = :x", "MALFORMED_QUERY",
         "Bind variables only allowed in Apex code"},
        {"SELECT Id FROM Account WHERE Name = '\\q'", "MALFORMED_QUERY",
         "Illegal character sequence '\\q' in string literal."},
        {"SELECT Id FROM Account LIMIT 99999999999999999999", "MALFORMED_QUERY",
         "unexpected token: '99999999999999999999'"},
        {"SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE",
         "Maximum SOQL offset allowed is 2000"},
        {"SELECT Id FROM Account WHERE CreatedDate = 2020-13-01T00:00:00Z", "MALFORMED_QUERY",
         "Invalid datetime: 2020-13-01T00:00:00Z"},
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply =
            ask("GET", text_f(V "/query?q=%s", uri_encoded(arena, rows[i].soql)), NULL);
        CHECK_INT(reply.status, 400);
        CHECK_STR(error_code(&reply), rows[i].code);
        CHECK_CONTAINS(json_get_text(json_at(reply.json, 0), "message"), rows[i].words);
    }
    arena_free(arena);
    struct reply reply = ask("GET", V "/query", NULL);
    check_error(&reply, 400, "MALFORMED_QUERY", "A query string has to be specified", "no q");
}

TEST(badinput, a_query_has_a_greatest_length)
{
    struct buf body = BUF_INIT;
    buf_str(&body, "{\"batchRequests\":[{\"method\":\"GET\",\"url\":\"v66.0/query?q=");
    buf_str(&body, "SELECT+Id+FROM+Account+WHERE+Id+IN+(");
    for (int i = 0; i < 5000; i++)
        buf_str(&body, i ? ",'001000000000001AAA'" : "'001000000000001AAA'");
    buf_str(&body, ")\"}]}");
    struct reply reply = ask("POST", V "/composite/batch", buf_text(&body));
    buf_free(&body);
    CHECK_INT(json_int(json_path(reply.json, "results[0].statusCode"), 0), 400);
    CHECK_STR(json_text(json_path(reply.json, "results[0].result[0].errorCode")),
              "MALFORMED_QUERY");
    CHECK_CONTAINS(json_text(json_path(reply.json, "results[0].result[0].message")), "100000");
}

/* --- OAuth --- */

TEST(badinput, token_requests_that_lack_something)
{
    static const struct {
        const char *form, *error, *words;
    } rows[] = {
        {"", "unsupported_grant_type", "grant type not supported"},
        {"grant_type", "unsupported_grant_type", "grant type not supported"},
        {"grant_type=%zz&%&=&==", "unsupported_grant_type", "grant type not supported"},
        {"{\"grant_type\":\"password\"}", "unsupported_grant_type", "grant type not supported"},
        {"grant_type=authorization_code&code=x", "invalid_client_id", "client identifier invalid"},
        {"grant_type=refresh_token&refresh_token=x", "invalid_client_id",
         "client identifier invalid"},
        {"grant_type=client_credentials", "invalid_client_id", "client identifier invalid"},
        {"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer", "invalid_grant",
         "invalid assertion"},
        {"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c", "invalid_grant",
         "invalid assertion"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply = post_form("/services/oauth2/token", rows[i].form);
        CHECK_INT(reply.status, 400);
        CHECK_STR(json_get_text(reply.json, "error"), rows[i].error);
        CHECK_STR(json_get_text(reply.json, "error_description"), rows[i].words);
    }
    struct reply reply = browse("/services/oauth2/token?grant_type=password");
    CHECK_INT(reply.status, 405);
}

/* --- bytes --- */

static struct reply head_and(const char *line, const char *more, const char *body)
{
    const char *text = text_f("%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: "
                              "close\r\n%s\r\n%s",
                              line, admin_token, more, body);
    return ask_raw(text, strlen(text));
}

TEST(badinput, requests_that_are_too_long)
{
    char *longer = mem_alloc(17001);
    memset(longer, 'x', 17000);
    longer[17000] = '\0';
    struct reply reply = head_and(text_f("GET " V "/query?q=%s", longer), "", "");
    CHECK_INT(reply.status, 414);
    reply = head_and("GET " V "/limits", text_f("X-A: %s\r\n", longer), "");
    CHECK_INT(reply.status, 431);
    struct buf many = BUF_INIT;
    for (int i = 0; i < 20000; i++)
        buf_printf(&many, "X-%d: 1\r\n", i);
    reply = head_and("GET " V "/limits", buf_text(&many), "");
    CHECK_INT(reply.status, 431);
    buf_free(&many);
    free(longer);
    reply = head_and("POST " V "/sobjects/Account", "Content-Length: 99999999999999999999\r\n", "");
    CHECK_INT(reply.status, 413);
    check_alive();
}

TEST(badinput, requests_whose_bytes_are_wrong)
{
    static const struct {
        const char *line, *more, *body;
        int status;
    } rows[] = {
        {"POST " V "/sobjects/Account", "Content-Length: 3\r\nContent-Length: 5\r\n", "abcde", 400},
        {"POST " V "/sobjects/Account", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
         "0\r\n\r\n", 400},
        {"POST " V "/sobjects/Account", "Transfer-Encoding: chunked\r\n", "zz\r\nab\r\n", 400},
        {"POST " V "/sobjects/Account", "Content-Length: -1\r\n", "", 400},
        {"POST " V "/sobjects/Account", "Content-Encoding: gzip\r\nContent-Length: 4\r\n", "nope",
         400},
        {"POST " V "/sobjects/Account", "Content-Encoding: br\r\nContent-Length: 4\r\n", "nope",
         415},
        {"GET " V "/sobjects/..%2f..%2fetc/passwd", "", "", 404},
        {"GET " V "/sobjects/Account/%00", "", "", 404},
        {"BREW " V "/limits", "", "", 405},
        {"POST " V "/sobjects/Account?_HttpMethod=BREW", "Content-Length: 0\r\n", "", 405},
        {"POST " V "/sobjects/Account",
         "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n", "Name=x", 415},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reply reply = head_and(rows[i].line, rows[i].more, rows[i].body);
        if (reply.status != rows[i].status)
            printf("%s %s\n%s\n", rows[i].line, rows[i].more, reply.text);
        CHECK_INT(reply.status, rows[i].status);
    }
    struct reply reply = ask_raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    CHECK_INT(reply.status, 505);
    CHECK_INT(soql_count("Account"), 0);
    check_alive();
}
