/* fixture.h - a real localorg on a free port, and a client that talks to it. */
#ifndef TESTS_LOCALORG_REST_FIXTURE_H
#define TESTS_LOCALORG_REST_FIXTURE_H

#include "base/json.h"
#include "http/http.h"
#include "localorg/rest/site.h"
#include "support/check.h"

struct reply {
    int status; /* 0: the connection broke */
    bool cut;   /* the body ended early */
    const struct http_header *headers;
    const char *text;
    const struct json *json; /* NULL when the body is no JSON */
};

/* Started before each test with a small org, stopped after it. */
void rest_up(void);
void rest_down(void);
/* Stops it and starts it again with its org in this file; a new admin_token. */
void rest_restart(const char *data);
#define EACH_REST_TEST EACH_TEST(rest_up, rest_down)

extern struct site *site;
extern const char *admin_token; /* of the administrator, all scopes */

/* With the administrator's token; body NULL for none, else JSON. */
struct reply ask(const char *method, const char *path, const char *body);
/* With this Authorization (NULL: none) and one more header (NULL: none). */
struct reply ask_as(const char *authorization, const char *method, const char *path,
                    const char *body, const char *header, const char *value);
/* These bytes to a connection of their own, and what comes back until the org closes it:
 * status, and head and body in text. For requests no client of ours would send. */
struct reply ask_raw(const char *bytes, size_t len);
/* A form post without a session; the cookie jar of one browser. */
struct reply post_form(const char *path, const char *form);
struct reply browse(const char *path);
void forget_cookies(void);
/* From here on requests seem to come from this address (policy trust_forwarded_for), or
 * go to this host; "" takes it back. */
void come_from(const char *address);
void call_host(const char *name);

const char *text_f(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *reply_header(const struct reply *reply, const char *name); /* "" when absent */
/* errorCode of the first entry of an error array, or "". */
const char *error_code(const struct reply *reply);
/* Creates a record; its id. */
const char *given(const char *object, const char *json);
/* The one value of "SELECT field ..." in the first record; "" for null. */
const char *soql_one(const char *soql, const char *field);
int64_t soql_count(const char *object_and_where);

#endif
