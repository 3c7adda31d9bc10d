/* test_secret.c - a token given to the program never comes out of its log.
 * Guards src/base/{secret,log}.c. */
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "support/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CANARY "CANARY5c1f9a7e"

TEST(secret, is_copied_compared_and_wiped)
{
    struct secret a = {0}, b = {0};
    CHECK(!secret_is_set(&a));
    CHECK_STR(secret_reveal(&a), "");
    CHECK_STR(secret_hint(&a), "<secret:none>");
    CHECK(secret_equal(&a, &b));
    secret_set(&a, "token-1xxx", 7);
    CHECK_STR(secret_reveal(&a), "token-1");
    CHECK(!secret_equal(&a, &b) && !secret_equal(&b, &a));
    secret_copy(&b, &a);
    CHECK(secret_equal(&a, &b) && secret_reveal(&a) != secret_reveal(&b));
    secret_set(&b, "token-2", 7);
    CHECK(!secret_equal(&a, &b));
    secret_copy(&a, &a); /* itself */
    CHECK_STR(secret_reveal(&a), "token-1");
    secret_set(&b, NULL, 0);
    CHECK(!secret_is_set(&b));
    secret_wipe(&a);
    secret_wipe(&a);
}

TEST(secret, a_hint_tells_tokens_apart_without_showing_them)
{
    struct secret a = {0}, b = {0};
    secret_set(&a, CANARY, strlen(CANARY));
    secret_set(&b, CANARY "2", strlen(CANARY) + 1);
    const char *one = secret_hint(&a), *two = secret_hint(&b), *again = secret_hint(&a);
    CHECK_STR(one, again);
    CHECK(strcmp(one, two) != 0 && strlen(one) == strlen("<secret:12345678>"));
    CHECK_LACKS(one, "CANARY");
    secret_wipe(&a);
    secret_wipe(&b);
}

/* --- redaction --- */

static char *redacted(const char *text)
{
    struct buf out = BUF_INIT;
    log_redact(text, &out);
    return buf_take(&out);
}

TEST(log, hides_tokens_wherever_they_stand)
{
    static const char *const lines[] = {
        "Authorization: Bearer " CANARY,
        "authorization: bearer 00Dxx0000001gPL!" CANARY,
        "-H 'Authorization: OAuth " CANARY "' sent",
        "Basic " CANARY "==",
        "GET /x?access_token=" CANARY "&y=1",
        "grant_type=password&username=a&password=" CANARY "&client_secret=" CANARY,
        "{\"refresh_token\":\"" CANARY "\",\"access_token\" : \"" CANARY "\"}",
        "{\\\"access_token\\\":\\\"" CANARY "\\\"}",
        "session 00D5g000004XyZa!AQ." CANARY "_x ended",
        "session 00D5g000004XyZaEAK!AQ." CANARY " ended",
        "sid 00D5g000004XyZa%21AQ" CANARY,
        "stored 5Aep861" CANARY "",
        "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx" CANARY ".c2ln" CANARY,
        "<sessionId>" CANARY "</sessionId>",
        "<n1:password>" CANARY "</n1:password>",
        "PASSWORD=" CANARY,
        "password: " CANARY,
        "password=\"" CANARY " with blanks " CANARY "\" next",
        "Cookie: " CANARY,
        "code=" CANARY "&state=1",
        "x-api-key: " CANARY,
        "X-Api-Key=" CANARY,
        "api_key='" CANARY "'",
        "postgresql://argil:" CANARY "@db/x",
        "assertion=eyJ" CANARY "",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *text = redacted(lines[i]);
        CHECK_LACKS(text, "CANARY");
        CHECK_CONTAINS(text, "[hidden]");
        free(text);
    }
}

TEST(log, leaves_ordinary_lines_alone)
{
    static const char *const lines[] = {
        "org Acme: token renewed, <secret:1a2b3c4d>",
        "token: <secret:1a2b3c4d>",
        "imported 2000 rows from Account 001D000000IqhSLIAZ",
        "org 00D5g000004XyZaEAK is a sandbox",
        "password policy: at least 12 characters", /* see below */
        "basic checks passed",
        "GET https://x.example/a?b=c answered 200 in 5 ms",
        "codes=3 tokens=4 decode=5",
        "https://example.com:8443/path",
        "",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *text = redacted(lines[i]);
        CHECK_STR(text, lines[i]);
        free(text);
    }
}

TEST(log, keeps_the_rest_of_a_line_readable)
{
    char *text = redacted("POST /token grant_type=refresh_token&refresh_token=" CANARY
                          "&client_id=app, 200, password=\"" CANARY "\" done");
    CHECK_STR(text, "POST /token grant_type=refresh_token&refresh_token=[hidden]"
                    "&client_id=app, 200, password=\"[hidden]\" done");
    free(text);
}

/* --- lines --- */

static int saved_stderr = -1;
static FILE *caught;

static void catch_stderr(void)
{
    caught = tmpfile();
    saved_stderr = dup(STDERR_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
}

/* What was written since catch_stderr; yours to free. */
static char *caught_text(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    struct buf text = BUF_INIT;
    char piece[4096];
    size_t got;
    rewind(caught);
    while ((got = fread(piece, 1, sizeof piece, caught)) > 0)
        buf_append(&text, piece, got);
    fclose(caught);
    return buf_take(&text);
}

TEST(log, writes_from_its_level_up_one_line_an_event)
{
    catch_stderr();
    log_info("not shown");
    log_warn("two\nlines \x1b[31m, password=%s", CANARY);
    log_set_level(LOG_DEBUG);
    log_debug("shown");
    log_set_level(LOG_NONE);
    log_error("not shown");
    log_set_level(LOG_WARN);
    CHECK_INT(log_get_level(), LOG_WARN);
    char *text = caught_text();
    CHECK_LACKS(text, "CANARY");
    CHECK_LACKS(text, "not shown");
    CHECK_LACKS(text, "\x1b");
    CHECK_CONTAINS(text, "Z warn  two\\nlines \\x1b[31m, password=[hidden]\n");
    CHECK_CONTAINS(text, "Z debug shown\n");
    free(text);
}

TEST(log, writes_json_when_asked)
{
    catch_stderr();
    log_set_json(1);
    log_warn("a \"quoted\" Bearer %s", CANARY);
    log_set_json(0);
    char *text = caught_text();
    struct arena *arena = arena_new();
    const struct json *line = json_parse(arena, text, strlen(text), NULL);
    CHECK_STR(json_get_text(line, "level"), "warn");
    CHECK_STR(json_get_text(line, "message"), "a \"quoted\" Bearer [hidden]");
    arena_free(arena);
    free(text);
}

static void *log_many(void *name)
{
    for (int i = 0; i < 300; i++)
        log_warn("%s says a line of some length, again and again", (const char *)name);
    return NULL;
}

TEST(log, lines_of_two_threads_do_not_mix)
{
    pthread_t a, b;
    catch_stderr();
    pthread_create(&a, NULL, log_many, "ann");
    pthread_create(&b, NULL, log_many, "bob");
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    char *text = caught_text();
    int lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
        CHECK(text_ends(line, " says a line of some length, again and again"));
    CHECK_INT(lines, 600);
    free(text);
}
