/* fixture.c - one server a test; replies live until the test ends. */
#include "localorg/rest/fixture.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/uri.h"
#include "http/client.h"
#include "localorg/seed/seed.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define V "/services/data/v66.0"

struct site *site;
const char *admin_token;
static struct http_client *client;
static struct arena *arena;
static char cookie[256], hints[256], address[64], host[128];

static void start(const char *data)
{
    struct err err = {{0}};
    struct session session;
    struct site_options options = {.host = "127.0.0.1",
                                   .seed = "empty",
                                   .scale = 1,
                                   .rng_seed = 7,
                                   .threads = 4,
                                   .data = data};
    site = site_start(&options, &err);
    CHECK_GOT(site, &err);
    CHECK(site_token(site, SEED_ADMIN_USERNAME, &session));
    admin_token = arena_strdup(arena, session.token);
}

void rest_up(void)
{
    arena = arena_new();
    client = http_client_new(world_real(), "localorg tests");
    forget_cookies();
    come_from("");
    call_host("");
    start(NULL);
}

void rest_restart(const char *data)
{
    site_stop(site);
    start(data);
}

void rest_down(void)
{
    http_client_free(client);
    site_stop(site);
    arena_free(arena);
    site = NULL;
}

void forget_cookies(void)
{
    cookie[0] = hints[0] = '\0';
}

void come_from(const char *from)
{
    snprintf(address, sizeof address, "%s", from);
}

void call_host(const char *name)
{
    snprintf(host, sizeof host, "%s", name);
}

const char *text_f(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

static const char *url_of(const char *path)
{
    return strncmp(path, "http", 4) == 0 ? path : text_f("%s%s", site->url, path);
}

static const struct http_header *headers_kept(const struct http_header *from)
{
    struct http_header *first = NULL, **last = &first;
    for (; from; from = from->next) {
        *last = arena_alloc(arena, sizeof **last);
        (*last)->name = arena_strdup(arena, from->name);
        (*last)->value = arena_strdup(arena, from->value);
        last = &(*last)->next;
    }
    return first;
}

static struct reply exchange(const char *method, const char *path, const char *body,
                             const struct http_header *headers)
{
    struct http_response response = {0};
    struct err err = {{0}};
    struct reply reply = {0};
    struct http_header from = {"X-Forwarded-For", address, (struct http_header *)headers};
    if (address[0])
        headers = &from;
    struct http_header to = {"Host", host, (struct http_header *)headers};
    if (host[0])
        headers = &to;
    struct http_request request = {.method = method,
                                   .url = url_of(path),
                                   .headers = headers,
                                   .body = body,
                                   .body_len = body ? strlen(body) : 0,
                                   .timeout_ms = 20000};
    enum status rc = http_send(client, &request, &response, &err);
    reply.status = rc == OK ? response.status : 0;
    reply.cut = response.body_cut;
    reply.headers = headers_kept(response.headers);
    reply.text = arena_strndup(arena, buf_text(&response.body), response.body.len);
    if (reply.text[0] == '{' || reply.text[0] == '[')
        reply.json = json_parse(arena, reply.text, strlen(reply.text), NULL);
    http_response_free(&response);
    return reply;
}

/* JSON, but for Bulk API 1, which speaks three languages. */
static const char *type_of(const char *path, const char *body)
{
    if (!text_starts(path, "/services/async/") || (*body && strchr("{[", *body)))
        return "application/json";
    return *body == '<' ? "application/xml; charset=UTF-8" : "text/csv; charset=UTF-8";
}

struct reply ask_as(const char *authorization, const char *method, const char *path,
                    const char *body, const char *header, const char *value)
{
    struct http_header list[3];
    struct http_header *headers = NULL;
    size_t n = 0;
    if (authorization) {
        list[n] = (struct http_header){"Authorization", authorization, headers};
        headers = &list[n++];
    }
    if (body) {
        list[n] = (struct http_header){"Content-Type", type_of(path, body), headers};
        headers = &list[n++];
    }
    if (header) {
        list[n] = (struct http_header){header, value, headers};
        headers = &list[n++];
    }
    return exchange(method, path, body, headers);
}

struct reply ask(const char *method, const char *path, const char *body)
{
    return ask_as(text_f("Bearer %s", admin_token), method, path, body, NULL, NULL);
}

/* What a browser would keep: the sid cookie. */
static struct reply browser(const char *method, const char *path, const char *form)
{
    struct http_header type = {"Content-Type", "application/x-www-form-urlencoded", NULL};
    struct http_header sent = {"Cookie", text_f("%s%s%s", cookie, hints[0] ? "; " : "", hints),
                               NULL};
    if (cookie[0] || hints[0])
        type.next = &sent;
    struct reply reply = exchange(method, path, form, form ? &type : type.next);
    for (const struct http_header *h = reply.headers; h; h = h->next)
        if (text_eq_nocase(h->name, "Set-Cookie") && text_starts(h->value, "sid="))
            snprintf(cookie, sizeof cookie, "%.*s", (int)strcspn(h->value, ";"), h->value);
        else if (text_eq_nocase(h->name, "Set-Cookie") && text_starts(h->value, "localorg_hints="))
            snprintf(hints, sizeof hints, "%.*s", (int)strcspn(h->value, ";"), h->value);
    return reply;
}

struct reply post_form(const char *path, const char *form)
{
    return browser("POST", path, form);
}

struct reply browse(const char *path)
{
    return browser("GET", path, NULL);
}

struct reply ask_raw(const char *bytes, size_t len)
{
    struct reply reply = {0};
    struct buf text = BUF_INIT;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(strrchr(site->url, ':') + 1)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break; /* refused before the end: the answer says why */
        sent += (size_t)n;
    }
    char piece[4096];
    for (ssize_t n; (n = recv(fd, piece, sizeof piece, 0)) > 0;)
        buf_append(&text, piece, (size_t)n);
    close(fd);
    reply.text = arena_strndup(arena, buf_text(&text), text.len);
    sscanf(reply.text, "HTTP/1.%*d %d", &reply.status);
    buf_free(&text);
    return reply;
}

const char *reply_header(const struct reply *reply, const char *name)
{
    const char *value = http_header_get(reply->headers, name);
    return value ? value : "";
}

const char *error_code(const struct reply *reply)
{
    const char *code = json_get_text(json_at(reply->json, 0), "errorCode");
    return code ? code : "";
}

const char *given(const char *object, const char *json)
{
    struct reply reply = ask("POST", text_f(V "/sobjects/%s", object), json);
    if (reply.status != 201)
        fprintf(stderr, "given %s: %s\n", object, reply.text);
    CHECK_INT(reply.status, 201);
    return json_get_text(reply.json, "id");
}

const char *soql_one(const char *soql, const char *field)
{
    struct reply reply = ask("GET", text_f(V "/query?q=%s", uri_encoded(arena, soql)), NULL);
    if (reply.status != 200)
        fprintf(stderr, "%s: %s\n", soql, reply.text);
    CHECK_INT(reply.status, 200);
    const char *text = json_text(json_path(reply.json, text_f("records[0].%s", field)));
    return text ? text : "";
}

int64_t soql_count(const char *object_and_where)
{
    struct reply reply =
        ask("GET",
            text_f(V "/query?q=%s",
                   uri_encoded(arena, text_f("SELECT COUNT() FROM %s", object_and_where))),
            NULL);
    CHECK_INT(reply.status, 200);
    return json_get_int(reply.json, "totalSize", -1);
}
