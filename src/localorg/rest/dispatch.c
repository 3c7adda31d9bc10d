/* dispatch.c - a request from its first byte to its last.
 *
 * Order: take the path apart, find the route, say who asks, ask the fault
 * rules; wait (latency, delays) without holding the org; check and count the
 * call; run the route under the org's read lock; put on the headers; wait
 * again; write the log. Subrequests of composite skip all but find and run. A
 * call that waits (call_later) leaves after "run the route" and comes back there. */
#include "localorg/rest/fault_wire.h"
#include "localorg/rest/formats.h"
#include "localorg/rest/gate.h"
#include "localorg/rest/late.h"
#include "localorg/rest/resources.h"
#include "localorg/rest/scenario.h"

#include "base/str.h"
#include "base/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define OLDEST_VERSION 31
#define NEWEST_VERSION 68
#define TARGET_MAX     16384 /* URI alone, and URI with headers (salesforce-data 1.2) */

/* --- paths --- */

/* "//services//data/" is "/services/data": clients do send both. */
static const char *tidy_path(struct arena *arena, const char *path)
{
    size_t len = strlen(path), n = 0;
    char *tidy = arena_alloc(arena, len + 2);
    for (size_t i = 0; i < len; i++)
        if (path[i] != '/' || n == 0 || tidy[n - 1] != '/')
            tidy[n++] = path[i];
    while (n > 1 && tidy[n - 1] == '/')
        n--;
    if (n == 0)
        tidy[n++] = '/';
    tidy[n] = '\0';
    return tidy;
}

static bool same_segment(const char *pattern, size_t pattern_len, const char *path, size_t len)
{
    return pattern_len == len && memcmp(pattern, path, len) == 0;
}

/* Fills args and *version (raw) when the pattern fits the path. */
static bool fits(struct arena *arena, const char *pattern, const char *path,
                 const char *args[CALL_ARGS], const char **version)
{
    size_t count = 0;
    *version = NULL;
    for (;;) {
        size_t pattern_len = strcspn(pattern, "/"), len = strcspn(path, "/");
        if (*pattern == '*') {
            if (count < CALL_ARGS)
                args[count] = path;
            return *path != '\0';
        }
        if (strncmp(pattern, ":v", pattern_len) == 0 && pattern_len == 2)
            *version = arena_strndup(arena, path, len);
        else if (*pattern == ':') {
            if (len == 0 || count == CALL_ARGS)
                return false;
            args[count] = uri_decode(arena, path, len, false, NULL);
            if (!args[count++])
                return false;
        } else if (!same_segment(pattern, pattern_len, path, len)) {
            return false;
        }
        pattern += pattern_len;
        path += len;
        if (!*pattern || !*path)
            return !*pattern && !*path;
        pattern++;
        path++;
    }
}

enum version_check { VERSION_OK, VERSION_GONE, VERSION_UNKNOWN };

static enum version_check read_version(struct call *call, const char *text)
{
    int major = 0, used = 0;
    if (strcmp(text, "latest") == 0)
        major = NEWEST_VERSION;
    else if (sscanf(text, "v%2d.0%n", &major, &used) != 1 || (size_t)used != strlen(text))
        return VERSION_UNKNOWN;
    if (major < 20 || major > NEWEST_VERSION)
        return VERSION_UNKNOWN;
    call->version = arena_printf(call->arena, "%d.0", major);
    call->api_version = major;
    call->base = arena_printf(call->arena, "/services/data/v%s", call->version);
    return major < OLDEST_VERSION ? VERSION_GONE : VERSION_OK;
}

/* The route for the call's method and path. NULL after answering 404, 405, 410. */
static const struct route *find_route(struct call *call)
{
    const char *version = NULL, *allowed = NULL;
    const char *method = strcmp(call->method, "HEAD") == 0 ? "GET" : call->method;
    for (size_t i = 0; i < route_count; i++) {
        if (!fits(call->arena, routes[i].pattern, call->path, call->args, &version))
            continue;
        if (version) {
            enum version_check check = read_version(call, version);
            if (check == VERSION_GONE) {
                answer_error(call, 410, "UNSUPPORTED_API_VERSION",
                             "The requested resource is no longer available: API version %s was "
                             "retired. Use v%d.0 or later.",
                             call->version, OLDEST_VERSION);
                return NULL;
            }
            if (check == VERSION_UNKNOWN)
                break;
        }
        if (words_have(routes[i].method, method))
            return &routes[i];
        allowed = allowed ? arena_printf(call->arena, "%s %s", allowed, routes[i].method)
                          : routes[i].method;
    }
    if (!allowed) {
        answer_not_found(call);
        return NULL;
    }
    struct buf list = BUF_INIT;
    size_t len;
    const char *word;
    if (words_have(allowed, "GET"))
        buf_str(&list, "HEAD,");
    while ((word = words_next(&allowed, &len))) {
        buf_append(&list, word, len);
        buf_char(&list, ',');
    }
    list.data[--list.len] = '\0';
    answer_header(call, "Allow", list.data);
    answer_error(call, 405, "METHOD_NOT_ALLOWED", "HTTP Method '%s' not allowed. Allowed are %s",
                 call->method, list.data);
    buf_free(&list);
    return NULL;
}

const char *route_name(int index)
{
    static __thread char name[128];
    snprintf(name, sizeof name, "%s %s", routes[index].method, routes[index].pattern);
    return name;
}

/* --- who asks --- */

static const char *bearer(const struct call *call, bool *malformed)
{
    const char *header = call_header(call, "Authorization");
    *malformed = false;
    if (!header)
        return call_header(call, "X-SFDC-Session");
    size_t len = strcspn(header, " ");
    bool known = (len == 6 && strncasecmp(header, "Bearer", 6) == 0) ||
                 (len == 5 && strncasecmp(header, "OAuth", 5) == 0);
    const char *token = header + len;
    while (*token == ' ')
        token++;
    *malformed = !known || !*token;
    return *malformed ? NULL : token;
}

/* Looks the session up; nothing is refused here. */
static void identify(struct call *call)
{
    const char *token = bearer(call, &call->malformed);
    call->session = (struct session){0};
    if (token)
        grants_session(call->site->grants, token, call_now(call), true, &call->session);
}

/* May this session use the REST API? Answers when not. */
static bool admitted(struct call *call)
{
    if (call->malformed) {
        answer_error(call, 401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE");
        return false;
    }
    return gate_session(call);
}

bool call_admitted(struct call *call)
{
    identify(call);
    return admitted(call);
}

/* "; per-app-api-usage=17/250(appName=...)" for an app with an allowance of its own. */
static bool counted_for_app(struct call *call, int64_t calls, const char **info)
{
    struct app app;
    int64_t used;
    *info = "";
    if (!policies_app(call->site->policies, call->session.client_id, &app) || app.api_limit <= 0)
        return true;
    bool ok = meter_app_use(call->site->meter, app.client_id, call_now(call), calls, app.api_limit,
                            &used);
    *info = arena_printf(call->arena, "; per-app-api-usage=%lld/%lld(appName=%s)", (long long)used,
                         (long long)app.api_limit, app.name);
    return ok;
}

/* Counts the call and says so in Sforce-Limit-Info. False: over the limit. */
static bool counted(struct call *call, int64_t calls)
{
    int64_t used, max;
    const char *for_app;
    bool ok = counted_for_app(call, calls, &for_app);
    ok = meter_use(call->site->meter, call_now(call), ok ? calls : 0, &used, &max) && ok;
    answer_header(call, "Sforce-Limit-Info",
                  arena_printf(call->arena, "api-usage=%lld/%lld%s", (long long)used,
                               (long long)max, for_app));
    if (!ok)
        answer_error(call, 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
    return ok;
}

bool call_admitted_as(struct call *call, const char *token)
{
    call->session = (struct session){0};
    call->malformed = false;
    grants_session(call->site->grants, token, call_now(call), true, &call->session);
    if (!admitted(call) || !counted(call, 1))
        return false;
    call->api_calls = 1;
    return true;
}

/* --- the steps of one request --- */

static void answer_fault(struct call *call)
{
    answer_text(call, call->plan->status, call->plan->content_type, call->plan->body);
}

static void run_api(struct call *call)
{
    if (call->plan->expire_token) {
        grants_close_session(call->site->grants, call->session.token);
        call->session.token[0] = '\0';
    }
    if (!admitted(call))
        return;
    if (call->running < 0) {
        answer_error(call, 403, "REQUEST_LIMIT_EXCEEDED",
                     "ConcurrentPerOrgLongTxn Limit exceeded.");
        return;
    }
    if (!counted(call, 1))
        return;
    call->api_calls = 1;
    if (call->plan->limit_exceeded) {
        answer_error(call, 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
        return;
    }
    call->route->run(call);
    if (call->api_calls > 1)
        counted(call, call->api_calls - 1);
}

static void pretty_if_asked(struct call *call)
{
    struct buf pretty = BUF_INIT;
    const char *asked = call_header(call, "X-PrettyPrint");
    const char *type = http_header_get(call->out->headers, "Content-Type");
    if (!asked || !(strcmp(asked, "1") == 0 || text_eq_nocase(asked, "true")) || !type ||
        !text_starts(type, "application/json") || call->out->body.len == 0)
        return;
    json_pretty(&call->out->body, &pretty);
    buf_free(&call->out->body);
    call->out->body = pretty;
}

/* What tells browsers apart; a client that sends one back gets no other. */
static void browser_cookies(struct call *call)
{
    char key[96], hex[65];
    const char *cookie = call_header(call, "Cookie");
    if (cookie && strstr(cookie, "BrowserId="))
        return;
    snprintf(key, sizeof key, "%s %lld %lld", call->in->peer ? call->in->peer : "",
             (long long)call->site->started_ms, (long long)call->started_us);
    sha256_hex(key, strlen(key), hex);
    answer_header(call, "Set-Cookie",
                  arena_printf(call->arena, "BrowserId=%.22s; path=/; Max-Age=31536000", hex));
    answer_header(call, "Set-Cookie", "CookieConsentPolicy=0:1; path=/; Max-Age=31536000");
    answer_header(call, "Set-Cookie", "LSKey-c$CookieConsentPolicy=0:1; path=/; Max-Age=31536000");
}

static void usual_headers(struct call *call)
{
    char date[32];
    when_http(call_now(call), date);
    answer_header(call, "Date", date);
    answer_header(call, "Strict-Transport-Security", "max-age=63072000; includeSubDomains");
    answer_header(call, "X-Content-Type-Options", "nosniff");
    answer_header(call, "X-Robots-Tag", "none");
    browser_cookies(call);
    if (!http_header_get(call->out->headers, "Cache-Control"))
        answer_header(call, "Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private");
}

static int64_t clock_us(void)
{
    struct timespec t; /* the log wants microseconds; the world counts in milliseconds */
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Tokens and codes must not be read in the log. */
static void masked_target(const struct call *call, char *out, size_t size)
{
    static const char *const secrets[] = {
        "oauth_token=", "code=", "token=", "password=", "client_secret="};
    snprintf(out, size, "%s%s%s", call->path, call->in->query ? "?" : "",
             call->in->query ? call->in->query : "");
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        char *at = strstr(out, secrets[i]);
        if (at)
            for (at += strlen(secrets[i]); *at && *at != '&'; at++)
                *at = '*';
    }
}

static void log_request(struct call *call, int64_t started_us, size_t bytes_out)
{
    struct request_entry entry = {
        .at_ms = call->site->world->now_ms(call->site->world),
        .took_us = clock_us() - started_us,
        .status = call->out->broken == HTTP_BREAK_BEFORE ? 0 : call->out->status,
        .api_calls = call->api_calls,
        .route = call->route ? (int)(call->route - routes) : -1,
        .bytes_in = call->in->body.len,
        .bytes_out = bytes_out};
    const char *agent = call_header(call, "Sforce-Call-Options");
    if (!agent)
        agent = call_header(call, "User-Agent");
    snprintf(entry.method, sizeof entry.method, "%s", call->method);
    masked_target(call, entry.path, sizeof entry.path);
    snprintf(entry.user, sizeof entry.user, "%.63s", call->session.username);
    snprintf(entry.agent, sizeof entry.agent, "%.47s", agent ? agent : "");
    snprintf(entry.fault, sizeof entry.fault, "%.63s", call->plan ? call->plan->names : "");
    requests_add(call->site->requests, &entry);
}

static void pause_for(struct site *site, int64_t ms)
{
    if (ms > 0)
        site->world->sleep_ms(site->world, ms);
}

/* What Salesforce's edge refuses before anybody reads it. */
static bool too_long(struct call *call)
{
    size_t target = strlen(call->in->path) + (call->in->query ? strlen(call->in->query) + 1 : 0);
    size_t headers = 0;
    for (const struct http_header *h = call->headers; h; h = h->next)
        headers += strlen(h->name) + strlen(h->value) + 4;
    if (target > TARGET_MAX)
        answer_empty(call, 414);
    else if (target + headers > TARGET_MAX)
        answer_empty(call, 431);
    return target + headers > TARGET_MAX;
}

static void run_route(struct call *call)
{
    const struct fault_plan *plan = call->plan;
    if (plan->status && !plan->after) {
        answer_fault(call);
        return;
    }
    if (too_long(call) || !call->route) { /* 404, 405 or 410 stand already */
        formats_close(call);
        return;
    }
    if (call->route->kind == ROUTE_API && gate_moved(call)) {
        ;
    } else if (call->route->kind == ROUTE_API) {
        run_api(call);
        bulk_v1_speak(call);
    } else
        call->route->run(call);
    if (call->ticket)
        return;
    formats_close(call);
    pretty_if_asked(call);
    if (plan->status && plan->after)
        answer_fault(call);
}

/* The answer stands: the last delays, how it is sent, the log. */
static void leave(struct call *call)
{
    size_t bytes = call->out->body.len;
    pause_for(call->site, call->plan->delay_after_ms);
    meter_end(call->site->meter, call->running);
    fault_wire(call);
    log_request(call, call->started_us, bytes);
}

static void resume(void *ctx)
{
    struct call *call = ctx;
    struct site *site = call->site;
    call->ticket = 0;
    pthread_rwlock_rdlock(&site->org_lock);
    call->resume(call);
    if (!call->ticket)
        usual_headers(call);
    pthread_rwlock_unlock(&site->org_lock);
    if (call->ticket) {
        waiting_enter(site->waiting, call->ticket, resume, call); /* from here on it is not ours */
        return;
    }
    leave(call);
    http_reply(call->in);
}

uint64_t call_later(struct call *call, int64_t at_most_ms, void (*fn)(struct call *), void *ctx)
{
    call->ticket = waiting_reserve(call->site->waiting, at_most_ms);
    call->resume = fn;
    call->resume_ctx = ctx;
    return call->ticket;
}

/* A route that changes the schema has the org for itself. */
static void lock_org(struct call *call)
{
    if (call->route && call->route->alone)
        pthread_rwlock_wrlock(&call->site->org_lock);
    else
        pthread_rwlock_rdlock(&call->site->org_lock);
}

/* Asks the fault rules; runs the control requests some of them bring. */
static void plan_faults(struct call *call)
{
    struct site *site = call->site;
    struct fault_plan *plan = arena_alloc(call->arena, sizeof *plan);
    const char *target = call->in->query
                             ? arena_printf(call->arena, "%s?%s", call->path, call->in->query)
                             : call->path;
    faults_match(site->faults, site->dice, call->arena, call->method, target, &call->in->body,
                 call->session.username, plan);
    call->plan = plan;
    const struct json *groups =
        plan->control ? json_parse(call->arena, plan->control, strlen(plan->control), NULL) : NULL;
    json_each(group, groups)
        scenario_steps(site, call->arena, group, NULL);
    if (plan->forget_cursors)
        cursors_clear(site->cursors);
}

/* Lost on the way in: not processed, or not yet. */
static bool lost(struct call *call)
{
    const struct fault_plan *plan = call->plan;
    if (!plan->drop_before && plan->late_ms < 0)
        return false;
    if (plan->late_ms >= 0)
        late_add(call->site, call->in, plan->late_ms);
    call->out->broken = HTTP_BREAK_BEFORE;
    meter_end(call->site->meter, call->running);
    log_request(call, call->started_us, 0);
    return true;
}

/* The same request once more, as a proxy sends it again; the first answer stays. */
static void run_again(struct call *call)
{
    struct http_out answer = {0};
    struct fault_plan plain = {.names = call->plan->names, .late_ms = -1};
    struct call second = *call;
    second.out = &answer;
    second.plan = &plain;
    second.json = NULL;
    if (second.route)
        run_route(&second);
    buf_free(&answer.body);
}

static void run_locked(struct call *call)
{
    const struct fault_plan *plan = call->plan;
    lock_org(call);
    if (plan->stamp_lag_ms)
        org_clock_pretend(call_now(call) - plan->stamp_lag_ms);
    run_route(call);
    if (plan->twice && !call->ticket)
        run_again(call);
    org_clock_pretend(0);
    if (!call->ticket)
        usual_headers(call);
    pthread_rwlock_unlock(&call->site->org_lock);
}

static void handle_salesforce(struct call *call)
{
    struct site *site = call->site;
    call->started_us = clock_us();
    late_run(site);
    pthread_rwlock_rdlock(&site->org_lock);
    identify(call);
    pthread_rwlock_unlock(&site->org_lock);
    plan_faults(call);
    call->running = meter_begin(site->meter, site->world->monotonic_ms(site->world));
    pause_for(site, site->latency_ms + call->plan->delay_before_ms);
    if (lost(call))
        return;
    run_locked(call);
    if (call->ticket) { /* who only waits is not at work */
        meter_end(site->meter, call->running);
        call->running = -1;
        http_later(call->in);
        waiting_enter(site->waiting, call->ticket, resume, call); /* from here on it is not ours */
        return;
    }
    leave(call);
}

/* --- the control API --- */

static bool loopback_peer(const char *peer)
{
    return peer && (text_starts(peer, "127.") || strcmp(peer, "::1") == 0 ||
                    text_starts(peer, "::ffff:127."));
}

static bool loopback_host(const char *host)
{
    if (!host)
        return true;
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    return (len == 9 && strncasecmp(host, "localhost", 9) == 0) ||
           (len >= 7 && strncmp(host, "127.", 4) == 0) ||
           (len == 5 && memcmp(host, "[::1]", 5) == 0);
}

/* The control API has no password, so nobody else's web page may reach it: not
 * from another machine, not by another name (DNS rebinding), not from a page of
 * another site in the user's own browser. */
static bool control_allowed(struct call *call)
{
    struct err err = {{0}};
    const char *site = call_header(call, "Sec-Fetch-Site");
    const char *origin = call_header(call, "Origin");
    bool foreign_page = (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0) ||
                        (origin && strcmp(origin, call->origin) != 0);
    if (loopback_peer(call->in->peer) && loopback_host(call_header(call, "Host")) && !foreign_page)
        return true;
    err_set(&err, "localorg.control_refused",
            "the control API answers only programs on this machine");
    err_hint(&err, "call it as http://127.0.0.1:PORT/localorg/... without a browser in between");
    answer_refusal(call, 403, &err);
    return false;
}

static void run_control(struct call *call)
{
    if (call->route->kind == ROUTE_FREE) {
        call->route->run(call);
        return;
    }
    if (call->route->kind == ROUTE_ALONE)
        pthread_rwlock_wrlock(&call->site->org_lock);
    else
        pthread_rwlock_rdlock(&call->site->org_lock);
    call->route->run(call);
    pthread_rwlock_unlock(&call->site->org_lock);
}

static void handle_control(struct call *call)
{
    struct fault_plan none = {.names = "", .late_ms = -1};
    call->plan = &none;
    if (!control_allowed(call) || !call->route)
        return;
    late_run(call->site);
    run_control(call);
    late_run(call->site); /* it may have moved the clock */
    if (call->route->run == control_reset && call->out->status == 200)
        control_replay(call);
}

/* --- the door --- */

/* What the client called us; a name that is not one falls back to our own. */
static const char *origin_of(const struct call *call)
{
    const char *host = call_header(call, "Host");
    const char *scheme = call_header(call, "X-Forwarded-Proto");
    if (!host || strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789.-:[]") != strlen(host))
        return call->site->url;
    return arena_printf(call->arena, "%s://%s",
                        scheme && strcmp(scheme, "https") == 0 ? "https" : "http", host);
}

/* The call, its path and its route. */
static void call_open(struct call *call)
{
    if (call->in->query)
        call->query = uri_pairs(call->arena, call->in->query, strlen(call->in->query));
    const char *override = call_param(call, "_HttpMethod");
    if (override && strcmp(call->in->method, "POST") == 0)
        call->method = override;
    call->path = tidy_path(call->arena, call->in->path);
    formats_open(call);
    call->origin = origin_of(call);
    call->route = find_route(call);
}

static bool is_control(const struct call *call)
{
    if (!call->route)
        return text_starts(call->path, "/localorg");
    return call->route->kind == ROUTE_CONTROL || call->route->kind == ROUTE_FREE ||
           call->route->kind == ROUTE_ALONE;
}

void routes_handle(void *ctx, struct http_in *in, struct http_out *out)
{
    struct call *call = arena_alloc(in->arena, sizeof *call); /* it may outlive this function */
    *call = (struct call){.site = ctx,
                          .in = in,
                          .out = out,
                          .arena = in->arena,
                          .method = in->method,
                          .headers = in->headers};
    call_open(call);
    if (is_control(call))
        handle_control(call);
    else
        handle_salesforce(call);
}

void routes_deliver(struct site *site, struct http_in *in)
{
    struct http_out answer = {0};
    struct fault_plan plain = {.names = "late", .late_ms = -1};
    struct call call = {.site = site,
                        .in = in,
                        .out = &answer,
                        .arena = in->arena,
                        .method = in->method,
                        .headers = in->headers,
                        .plan = &plain,
                        .started_us = clock_us()};
    call_open(&call);
    if (!is_control(&call)) {
        lock_org(&call);
        identify(&call);
        run_route(&call);
        pthread_rwlock_unlock(&site->org_lock);
        log_request(&call, call.started_us, 0);
    }
    buf_free(&answer.body);
}

int routes_control(struct site *site, struct arena *arena, const char *method, const char *path,
                   const char *body, struct buf *answer)
{
    const char *query = strchr(path, '?');
    struct http_out out = {0};
    struct http_in in = {.method = method,
                         .path = query ? arena_strndup(arena, path, (size_t)(query - path)) : path,
                         .query = query ? query + 1 : NULL,
                         .peer = "127.0.0.1",
                         .arena = arena};
    struct fault_plan plain = {.names = "", .late_ms = -1};
    struct call call = {
        .site = site, .in = &in, .out = &out, .arena = arena, .method = method, .plan = &plain};
    buf_str(&in.body, body ? body : "");
    call_open(&call);
    if (call.route && is_control(&call))
        run_control(&call);
    else
        out.status = 404;
    if (answer)
        buf_append(answer, buf_text(&out.body), out.body.len);
    buf_free(&out.body);
    buf_free(&in.body);
    return out.status;
}

/* --- subrequests --- */

void call_nested(struct call *parent, const char *method, const char *url,
                 const struct http_header *headers, const struct json *json, struct nested *out)
{
    struct http_in in = *parent->in;
    struct http_out answer = {0};
    const char *query = strchr(url, '?');
    in.body = (struct buf)BUF_INIT;
    in.method = method;
    in.path = query ? arena_strndup(parent->arena, url, (size_t)(query - url)) : url;
    in.query = query ? query + 1 : NULL;
    in.headers = headers;
    struct call call = {.site = parent->site,
                        .in = &in,
                        .out = &answer,
                        .arena = parent->arena,
                        .method = method,
                        .headers = headers,
                        .origin = parent->origin,
                        .session = parent->session,
                        .plan = parent->plan,
                        .json = json,
                        .nested = true,
                        .alone = parent->alone || (parent->route && parent->route->alone),
                        .transaction = parent->transaction,
                        .all_or_none = parent->all_or_none,
                        .counts = parent->counts,
                        .api = parent->api};
    if (in.query)
        call.query = uri_pairs(call.arena, in.query, strlen(in.query));
    call.path = tidy_path(call.arena, in.path);
    call.route = find_route(&call);
    if (call.route && call.route->kind == ROUTE_API && call.route->alone && !call.alone)
        answer_error(&call, 400, "INVALID_OPERATION",
                     "localorg changes its setup only by a request of its own");
    else if (call.route && call.route->kind == ROUTE_API)
        call.route->run(&call);
    else if (call.route)
        answer_not_found(&call);
    out->status = answer.status;
    out->headers = answer.headers;
    out->body = answer.body;
}
