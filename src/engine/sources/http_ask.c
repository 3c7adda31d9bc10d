/* http_ask.c - requests of the HTTP source: filled, sent at the asked rate,
 * repeated where the failure may pass, judged.
 *
 * Reading may be repeated, also by POST: an API that is asked for a list changes
 * nothing. Where the next page is: columns/http_paging.h. */
#include "engine/sources/http_ask.h"

#include "base/str.h"
#include "base/uri.h"
#include "base/when.h"
#include "store/store_http.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_WAIT_MS 500

enum status http_ask_open(struct http_ask *ask, struct sync *sync, struct err *err)
{
    struct uri uri;
    const char *url = json_get_text(sync->source, "url");
    *ask = (struct http_ask){.sync = sync, .config = sync->source};
    ask->host = uri_parse(sync->job.arena, url, &uri) ? uri.host : "the API";
    return http_secrets_open(sync->job.engine, sync->job.arena, sync->source, &ask->secrets, err);
}

void http_ask_close(struct http_ask *ask)
{
    http_secrets_wipe(ask->secrets);
    ask->secrets = NULL;
}

/* ---------------------------------------------------------------- filling */

struct filling {
    const struct http_ask *ask;
    const struct http_paging *paging;
    struct arena *arena;
};

static const char *as_json(struct arena *arena, const char *text)
{
    struct buf json = BUF_INIT;
    struct jw w;
    jw_init(&w, &json);
    jw_text(&w, text);
    const char *copy = arena_strdup(arena, buf_text(&json));
    buf_wipe(&json);
    return copy;
}

static const char *lookup(void *ctx, const char *ref)
{
    const struct filling *f = ctx;
    bool known;
    const char *place = http_place_get(&f->paging->place, ref, &known);
    if (known)
        return place ? as_json(f->arena, place) : NULL;
    for (const struct http_secret *s = f->ask->secrets; s; s = s->next)
        if (text_starts(ref, "secret:") && text_eq(s->name, ref + 7))
            return as_json(f->arena, secret_reveal(&s->value));
    return NULL;
}

static enum status fill(struct filling *f, const char *template, enum formula_slot slot, char **out,
                        struct err *err)
{
    const char *missing = NULL;
    return formula_fill(f->arena, template, slot, lookup, f, out, &missing, err);
}

static enum status fill_tree(struct filling *f, struct jw *w, const struct json *value,
                             struct err *err)
{
    char *text = NULL;
    if (json_is(value, JSON_STRING)) {
        if (fill(f, json_text(value), SLOT_PLAIN, &text, err) != OK)
            return FAIL;
        jw_text(w, text);
        return OK;
    }
    if (value->type != JSON_OBJECT && value->type != JSON_ARRAY) {
        jw_value(w, value);
        return OK;
    }
    bool object = value->type == JSON_OBJECT;
    object ? jw_object(w) : jw_array(w);
    json_each(child, value) {
        if (object)
            jw_key(w, child->key);
        if (fill_tree(f, w, child, err) != OK)
            return FAIL;
    }
    object ? jw_end_object(w) : jw_end_array(w);
    return OK;
}

static enum status fill_body(struct filling *f, struct http_request *request, struct err *err)
{
    const struct json *body = json_get(f->ask->config, "body");
    char *text = NULL;
    if (!body)
        return OK;
    if (json_is(body, JSON_STRING)) {
        if (fill(f, json_text(body), SLOT_JSON_STRING, &text, err) != OK)
            return FAIL;
        request->body = text;
        request->body_len = strlen(text);
        return OK;
    }
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    enum status rc = fill_tree(f, &w, body, err);
    request->body = arena_strndup(f->arena, buf_text(&out), out.len);
    request->body_len = out.len;
    buf_wipe(&out);
    return rc;
}

static void add_header(struct arena *arena, struct http_request *request, const char *name,
                       const char *value)
{
    struct http_header *header = arena_alloc(arena, sizeof *header);
    *header = (struct http_header){name, value, (struct http_header *)request->headers};
    request->headers = header;
}

static enum status fill_headers(struct filling *f, struct http_request *request, struct err *err)
{
    json_each(member, json_get(f->ask->config, "headers")) {
        char *value = NULL;
        const char *text = json_text(member);
        if (fill(f, text ? text : "", SLOT_PLAIN, &value, err) != OK)
            return FAIL;
        if (strpbrk(value, "\r\n"))
            return err_set(err, "http.header", "the header %s would hold a line end", member->key);
        add_header(f->arena, request, member->key, value);
    }
    if (!http_header_get(request->headers, "Accept"))
        add_header(f->arena, request, "Accept", "application/json");
    if (request->body && !http_header_get(request->headers, "Content-Type"))
        add_header(f->arena, request, "Content-Type", "application/json");
    return OK;
}

/* ------------------------------------------------------------- addresses */

static enum status check_address(const struct http_ask *ask, struct arena *arena,
                                 struct http_request *request, struct err *err)
{
    struct uri uri;
    bool private_allowed = ask->sync->job.engine->allow_private_http ||
                           json_get_bool(ask->config, "allow_private", false);
    if (uri_parse(arena, request->url, &uri) && text_eq(uri.scheme, "http") && !private_allowed &&
        !json_get_bool(ask->config, "allow_http", false)) {
        err_set(err, "http.url", "http:// without encryption is refused");
        err_hint(err, "Use https://, or set allow_http: true on the source.");
        return FAIL;
    }
    request->public_only = !private_allowed;
    return OK;
}

static enum status make_url(struct filling *f, struct http_request *request, struct err *err)
{
    char *url = NULL;
    if (fill(f, json_get_text(f->ask->config, "url"), SLOT_URL, &url, err) != OK ||
        http_paging_url(f->paging, f->arena, url, &request->url, err) != OK)
        return FAIL;
    return check_address(f->ask, f->arena, request, err);
}

static enum status make_request(struct filling *f, struct http_request *request, struct err *err)
{
    const struct json *config = f->ask->config;
    const char *method = json_get_text(config, "method");
    *request =
        (struct http_request){.method = method                     ? method
                                        : json_get(config, "body") ? "POST"
                                                                   : "GET",
                              .timeout_ms = json_get_int(config, "timeout", 60) * 1000,
                              .max_body = (size_t)json_get_int(config, "max_bytes", 16 << 20),
                              .accept_gzip = true,
                              .secret_hint = f->ask->secrets ? "<secret>" : NULL};
    if (make_url(f, request, err) != OK || fill_body(f, request, err) != OK)
        return FAIL;
    return fill_headers(f, request, err);
}

/* ---------------------------------------------------------------- sending */

#define STOPPED_SAYS "stopped; the next sync reads the source again"

/* At most so many in a time at the host, of all who say so. */
static enum status wait_host(struct http_ask *ask, const char *host, struct err *err)
{
    struct store *store = ask->sync->job.engine->store;
    int requests;
    int64_t per_ms, wait;
    if (!rate_parse(json_get_text(ask->config, "host_rate_limit"), &requests, &per_ms))
        return OK;
    if (store->does->http->turns(store, host, 1, per_ms * 1000 / requests, &wait, err) != OK)
        return FAIL;
    return job_sleep(&ask->sync->job, wait) ? OK : err_set(err, ERR_STOPPED, STOPPED_SAYS);
}

/* At most so many in a time: the rate of the config, spread evenly. */
static bool wait_turn(struct http_ask *ask)
{
    struct world *world = ask->sync->job.engine->world;
    int requests;
    int64_t per_ms, now = world->monotonic_ms(world);
    if (rate_parse(json_get_text(ask->config, "rate_limit"), &requests, &per_ms) && ask->requests &&
        !job_sleep(&ask->sync->job, ask->asked_ms + per_ms / requests - now))
        return false;
    ask->asked_ms = world->monotonic_ms(world);
    ask->requests++;
    return true;
}

static int64_t retry_after(const struct http_ask *ask, const struct http_response *response)
{
    const char *given = http_header_get(response->headers, "Retry-After");
    int64_t at, now = engine_now(ask->sync->job.engine);
    if (!given)
        return 0;
    if (when_parse_http(given, &at))
        return at > now ? at - now : 0;
    int64_t seconds = strtoll(given, NULL, 10);
    return seconds > 0 && seconds < 3600 ? seconds * 1000 : 0;
}

static bool may_pass(int status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* An answer that is no success, or no JSON. */
static enum status judge(const struct http_ask *ask, struct http_response *response,
                         struct arena *arena, const struct json **body, struct err *err)
{
    char code[40];
    const char *text = buf_text(&response->body), *type;
    int shown = (int)utf8_cut(text, response->body.len, 200);
    if (response->status < 200 || response->status > 299) {
        snprintf(code, sizeof code, "http.status_%d", response->status);
        return err_set(err, code, "%s answered %d%s%.*s", ask->host, response->status,
                       shown ? ": " : "", shown, text);
    }
    *body = json_parse(arena, text, response->body.len, err);
    if (*body)
        return OK;
    type = http_header_get(response->headers, "Content-Type");
    return err_set(err, "http.not_json", "%s answered with %s instead of JSON: %.*s", ask->host,
                   type ? type : "something", shown, text);
}

/* Sent at its turn. */
static enum status send_one(struct http_ask *ask, const struct http_request *request,
                            struct arena *arena, struct http_response *response, struct err *err)
{
    struct uri uri;
    if (!wait_turn(ask))
        return err_set(err, ERR_STOPPED, STOPPED_SAYS);
    if (wait_host(ask, uri_parse(arena, request->url, &uri) ? uri.host : ask->host, err) != OK)
        return FAIL;
    return http_send(ask->sync->job.engine->http, request, response, err);
}

/* The answer that no redirect leads away from. */
static enum status send_on(struct http_ask *ask, const struct http_request *first,
                           struct arena *arena, struct http_response *response, struct err *err)
{
    struct http_request request = *first;
    int followed = 0, most = (int)json_get_int(ask->config, "redirects", HTTP_REDIRECTS);
    for (;; followed++) {
        if (send_one(ask, &request, arena, response, err) != OK)
            return followed ? err_wrap(err, "after a redirect by %s", ask->host) : FAIL;
        const char *to = http_redirect_target(arena, &request, response);
        if (!to)
            return OK;
        if (followed == most || !http_redirect_allowed(&request))
            return http_redirect_refuse(&request, ask->host, response->status, to, followed, err);
        http_response_free(response);
        *response = (struct http_response){0};
        if (http_redirect_follow(arena, &request, to, err) != OK ||
            check_address(ask, arena, &request, err) != OK)
            return err_wrap(err, "after a redirect by %s", ask->host);
    }
}

/* Of a request that brought no answer: the next may. */
static bool worth_another(const struct err *err)
{
    static const char *const final[] = {ERR_HTTP_REFUSED_ADDRESS, ERR_HTTP_TOO_LARGE,
                                        ERR_HTTP_REDIRECT, "http.url"};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (err_is(err, final[i]))
            return false;
    return text_starts(err->code, "http.");
}

static enum status try_once(struct http_ask *ask, const struct http_request *request,
                            struct arena *arena, const struct json **body, const char **link,
                            bool *again, int64_t *wait, struct err *err)
{
    struct http_response response = {0};
    enum status rc = send_on(ask, request, arena, &response, err);
    *again = rc != OK && worth_another(err);
    *wait = 0;
    if (rc == OK) {
        *again = may_pass(response.status);
        *wait = retry_after(ask, &response);
        rc = judge(ask, &response, arena, body, err);
        *link = http_paging_link(arena, &response);
    }
    http_response_free(&response);
    return rc;
}

enum status http_ask_page(struct http_ask *ask, const struct http_paging *paging,
                          struct arena *arena, const struct json **body, const char **link,
                          struct err *err)
{
    struct http_request request;
    struct filling f = {ask, paging, arena};
    int64_t retries = json_get_int(ask->config, "retries", 3), wait;
    bool again;
    *link = NULL;
    if (make_request(&f, &request, err) != OK)
        return FAIL;
    for (int64_t attempt = 0;; attempt++) {
        err_clear(err);
        if (try_once(ask, &request, arena, body, link, &again, &wait, err) == OK)
            return OK;
        http_secrets_hide(ask->secrets, err->message, strlen(err->message));
        if (!again || attempt == retries)
            return FAIL;
        int64_t own = FIRST_WAIT_MS << (attempt < 6 ? attempt : 6);
        if (!job_sleep(&ask->sync->job, wait > own ? wait : own))
            return err_set(err, ERR_STOPPED, STOPPED_SAYS);
    }
}
