/* token.c - the token endpoint, and asking whether a token is alive.
 *
 * One POST each, never two: what a lost answer means is for the caller to find
 * out (renew.c). Bodies hold secrets: they are wiped, never logged, and no error
 * repeats them. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"
#include "base/uri.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX MIB
#define TIMEOUT_MS 30000
#define SECRET_LEAST 8 /* bytes; shorter ones stand in any text */

static enum status post(struct http_client *http, const char *url, const struct buf *form,
                        struct http_response *response, struct err *err)
{
    struct http_header accept = {"Accept", "application/json", NULL};
    struct http_header type = {"Content-Type", "application/x-www-form-urlencoded", &accept};
    struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = &type,
        .body = form->data,
        .body_len = form->len,
        .timeout_ms = TIMEOUT_MS,
        .max_body = ANSWER_MAX,
        .fresh_connection = true, /* a hidden second request would use a one-time token twice */
        .secret_hint = "token request",
    };
    memset(response, 0, sizeof *response);
    return http_send(http, &request, response, err);
}

static bool is_html(const struct http_response *response)
{
    const char *type = http_header_get(response->headers, "Content-Type");
    return type && strcasestr(type, "text/html");
}

/* Says what came instead of a token or an error, without repeating any of it. */
static void explain_other(const char *origin, const struct http_response *response,
                          struct err *err)
{
    err_set(err, ERR_CRM_UNREACHABLE, "%s answered a sign-in with %d and %s", origin,
            response->status, is_html(response) ? "a page instead of a token" : "no explanation");
    if (response->status >= 500)
        err_cause(err, "Maintenance, overload, or a proxy's own page in place of Salesforce's.");
    else if (is_html(response))
        err_cause(err, "A proxy or a login page answered in place of Salesforce's token service.");
    else
        err_cause(err, "The answer was damaged, or it does not come from Salesforce.");
    err_hint(err, "Try again later; see status.salesforce.com. If it stays: argil doctor %s",
             origin);
}

/* "retry your request": it may have been acted on. */
static bool passing(const char *code)
{
    return text_eq(code, "unknown_error") || text_eq(code, "server_error") ||
           text_eq(code, "service_unavailable") || text_eq(code, "system_down");
}

/* Whether a text holds one of the secrets that the form sent: whoever answers with
 * them is not to be quoted. */
static bool repeats(const struct buf *form, const char *text)
{
    static const char *const names[] = {"client_secret", "code",      "code_verifier",
                                        "refresh_token", "assertion", "token"};
    struct arena *arena = arena_new();
    struct uri_pair *pairs = uri_pairs(arena, form->data, form->len);
    bool found = false;
    for (size_t i = 0; text && i < sizeof names / sizeof *names && !found; i++) {
        const char *value = uri_pair_get(pairs, names[i]);
        found = value && strlen(value) >= SECRET_LEAST && strstr(text, value);
    }
    arena_free(arena);
    return found;
}

static enum status answer_read(struct sf_token_call *call, struct http_response *response,
                               const char *origin, struct arena *arena, struct err *err)
{
    struct err parse = {0};
    char ours[80];
    const struct json *body =
        is_html(response) ? NULL : json_parse_buf(arena, &response->body, &parse);
    const char *description = json_get_text(body, "error_description");
    call->code = json_get_text(body, "error");
    if (repeats(call->form, description))
        description = "it gave no reason that can be repeated";
    if (repeats(call->form, call->code))
        call->code = NULL;
    if (response->status == 200 && !text_blank(json_get_text(body, "access_token"))) {
        call->answer = body;
        return OK;
    }
    call->lost = !call->code || passing(call->code);
    if (!call->code) {
        explain_other(origin, response, err);
        return FAIL;
    }
    snprintf(ours, sizeof ours, "%s%s", passing(call->code) ? "" : "sf.",
             passing(call->code) ? ERR_CRM_UNREACHABLE : call->code);
    err_set(err, ours, "Salesforce refused the sign-in: %s",
            description ? description : call->code);
    sf_explain_oauth(err, call->code, description);
    return FAIL;
}

enum status sf_token_post(struct http_client *http, struct sf_token_call *call,
                          struct arena *arena, struct err *err)
{
    struct http_response response;
    enum status rc = FAIL;
    char *origin = sf_host_origin(arena, call->login_url, err);

    call->answer = NULL;
    call->code = NULL;
    call->lost = false;
    if (!origin)
        return FAIL;
    char *url = arena_printf(arena, "%s/services/oauth2/token", origin);
    if (post(http, url, call->form, &response, err) != OK) {
        struct err why = *err;
        call->lost = response.progress >= HTTP_SENT_SOME;
        err_set(err, err_is(&why, ERR_HTTP_TOO_LARGE) ? ERR_TOO_LARGE : ERR_CRM_UNREACHABLE,
                "signing in at %s: %s", origin, why.message);
        if (err_is(&why, ERR_HTTP_TOO_LARGE))
            err_cause(err, "A token answer has a few kilobytes: this came from something else.");
    } else {
        rc = answer_read(call, &response, origin, arena, err);
    }
    buf_wipe(&response.body);
    http_response_free(&response);
    return rc;
}

/* POST /services/oauth2/introspect looks at an access or a refresh token without
 * using it (Salesforce Help, OpenID Connect Token Introspection). It wants the
 * app's credentials: an app without a secret may be refused. */
enum sf_alive sf_token_alive(struct sf *sf, const struct secret *token, const char *kind,
                             struct arena *arena)
{
    struct http_response response;
    struct buf form = BUF_INIT;
    struct err ignored = {0};
    enum sf_alive alive = SF_ALIVE_UNREACHED;
    const char *login = sf->connection.login_url ? sf->connection.login_url : sf->instance;
    char *origin = sf_host_origin(arena, login, &ignored);

    if (!origin)
        return SF_ALIVE_NOT_TOLD;
    uri_pair_add(&form, "token", secret_reveal(token));
    uri_pair_add(&form, "token_type_hint", kind);
    uri_pair_add(&form, "client_id", sf->connection.client_id ? sf->connection.client_id : "");
    if (secret_is_set(&sf->client_secret))
        uri_pair_add(&form, "client_secret", secret_reveal(&sf->client_secret));
    if (post(sf->http, arena_printf(arena, "%s/services/oauth2/introspect", origin), &form,
             &response, &ignored) == OK &&
        response.status < 500) {
        const struct json *body =
            is_html(&response) ? NULL : json_parse_buf(arena, &response.body, &ignored);
        const struct json *active = json_get(body, "active");
        alive = response.status != 200 || !active ? SF_ALIVE_NOT_TOLD
                : json_is(active, JSON_TRUE)      ? SF_ALIVE_YES
                                                  : SF_ALIVE_NO;
    }
    buf_wipe(&form);
    buf_wipe(&response.body);
    http_response_free(&response);
    return alive;
}
