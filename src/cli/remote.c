/* remote.c - one request to a server, and what its refusals mean here. */
#include "cli/remote.h"

#include "base/str.h"
#include "base/uri.h"
#include "http/client.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ROOT       "/api/v1"
#define PATIENCE_MS 600000 /* a recipe is checked against an org meanwhile */

struct remote {
    struct http_client *http;
    char *url;
    struct buf bearer; /* "Bearer argil_..." */
};

/* A token in clear across a network is a token given away. */
static enum status check_url(const char *url, struct err *err)
{
    struct arena *arena = arena_new();
    struct uri uri;
    enum status rc = OK;
    if (!uri_parse(arena, url, &uri) || uri.userinfo || uri.query || uri.fragment)
        rc = err_set(err, ERR_INVALID, "--url wants a server's address, not %s", url);
    else if (!text_eq(uri.scheme, "https") && !text_eq(uri.host, "localhost") &&
             !text_starts(uri.host, "127.") && !text_eq(uri.host, "::1"))
        rc = err_set(err, ERR_INVALID, "%s is not encrypted; a token is sent by https only", url);
    arena_free(arena);
    return rc;
}

struct remote *remote_open(struct cli *cli, struct err *err)
{
    const char *token = getenv("ARGIL_TOKEN");
    if (check_url(cli->url, err) != OK)
        return NULL;
    if (!token || !*token) {
        err_set(err, "auth.needed", "%s wants a token", cli->url);
        err_hint(err, "Make one in the web app under Own account, and put it into ARGIL_TOKEN.");
        return NULL;
    }
    struct remote *remote = mem_alloc(sizeof *remote);
    remote->http = http_client_new(cli->world, "argil/" ARGIL_VERSION);
    remote->url = mem_strndup(cli->url, strlen(cli->url) - text_ends(cli->url, "/"));
    buf_printf(&remote->bearer, "Bearer %s", token);
    return remote;
}

void remote_close(struct remote *remote)
{
    if (!remote)
        return;
    http_client_free(remote->http);
    buf_wipe(&remote->bearer);
    free(remote->url);
    free(remote);
}

const char *remote_path(struct arena *arena, ...)
{
    struct buf out = BUF_INIT;
    const char *word;
    va_list words;
    va_start(words, arena);
    while ((word = va_arg(words, const char *))) {
        buf_char(&out, '/');
        uri_encode(&out, word, strlen(word));
    }
    va_end(words);
    const char *path = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return path;
}

static void take_error(const struct json *json, struct err *err)
{
    const char *code = json_get_text(json, "code"), *message = json_get_text(json, "message");
    const char *where = json_get_text(json, "where"), *cause = json_get_text(json, "cause");
    const char *hint = json_get_text(json, "hint");
    err_set(err, code ? code : ERR_SERVER_GONE, "%s", message ? message : "the server gave no reason");
    if (where)
        err_where(err, "%s", where);
    if (cause)
        err_cause(err, "%s", cause);
    if (hint)
        err_hint(err, "%s", hint);
}

static enum status refused(struct remote *remote, const struct json *answer, int status,
                           err_list *errors, struct err *err)
{
    const struct json *error = json_get(answer, "error");
    if (!error) {
        err_set(err, ERR_SERVER_GONE, "%s answered %d, and not as argil does", remote->url, status);
        err_hint(err, "Check the address: is it argil serve, or something in front of it?");
        return FAIL;
    }
    take_error(error, err);
    json_each(item, json_get(answer, "errors"))
    {
        struct err further = {0};
        take_error(item, &further);
        if (errors)
            vec_push(errors, further);
    }
    return FAIL;
}

enum status remote_call(struct remote *remote, struct arena *arena, const char *method,
                        const char *path, const char *body, const struct json **out,
                        err_list *errors, struct err *err)
{
    struct http_header type = {"Content-Type", "application/json", NULL};
    struct http_header headers = {"Authorization", remote->bearer.data, body ? &type : NULL};
    struct http_request request = {.method = method,
                                   .url = arena_printf(arena, "%s" ROOT "%s", remote->url, path),
                                   .headers = &headers,
                                   .body = body,
                                   .body_len = body ? strlen(body) : 0,
                                   .timeout_ms = PATIENCE_MS,
                                   .accept_gzip = true,
                                   .secret_hint = "<token>"};
    struct http_response response = {0};
    struct err broken = {0};
    const struct json *answer = NULL;
    enum status rc = http_send(remote->http, &request, &response, &broken);
    if (rc != OK) {
        err_set(err, ERR_SERVER_GONE, "%s: %s", remote->url, broken.message);
        err_hint(err, "Is argil serve running there?");
    } else {
        if (response.body.len)
            answer = json_parse_buf(arena, &response.body, &broken);
        if (response.status >= 300 || (response.body.len && !answer))
            rc = refused(remote, answer, response.status, errors, err);
    }
    if (out)
        *out = rc == OK ? answer : NULL;
    http_response_free(&response);
    return rc;
}
