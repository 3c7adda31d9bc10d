/* session.c - one door to Salesforce's REST API.
 *
 * Every request passes sf_send: it puts on the token and the version, counts
 * the call, reads the limit header and the server's clock. sf_read is the door
 * for reads: it may knock again after a network failure, a 5xx or an expired
 * session. Writes call sf_send themselves and are never repeated here.
 *
 * A session is used by one thread at a time; several sessions of the same
 * connection may live in one process (token.c lets one of them refresh). */
#include "connect/salesforce/sf_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_ATTEMPTS   5
#define BACKOFF_MS      400
#define BACKOFF_MOST_MS 20000
#define READ_BODY_MAX   (512 * MIB)

struct sf *sf_new(struct world *world, const struct connection *connection,
                  const struct crm_token_store *store, struct err *err)
{
    struct sf *sf = mem_alloc(sizeof *sf);
    sf->crm.does = &salesforce_connector;
    sf->crm.limit_used = sf->crm.limit_max = -1;
    sf->world = world;
    sf->arena = arena_new();
    sf->objects = map_new_nocase();
    sf->http = http_client_new(world, "argil/" ARGIL_VERSION);
    if (store)
        sf->store = *store;
    struct connection *c = &sf->connection;
    *c = *connection;
    c->name = arena_strdup(sf->arena, c->name ? c->name : "salesforce");
    c->login_url = arena_strdup(sf->arena, c->login_url);
    c->instance_url = arena_strdup(sf->arena, c->instance_url);
    c->client_id = arena_strdup(sf->arena, c->client_id);
    c->org_id = arena_strdup(sf->arena, c->org_id);
    c->user_id = arena_strdup(sf->arena, c->user_id);
    c->username = arena_strdup(sf->arena, c->username);
    c->environment = arena_strdup(sf->arena, c->environment);
    c->scopes = arena_strdup(sf->arena, c->scopes);
    c->org_name = c->status = c->connector = NULL; /* not needed here */
    if (c->login_url && sf_host_check(c->login_url, err) == SF_NOWHERE) {
        err_wrap(err, "connection %s: login URL", c->name);
        sf_free(sf);
        return NULL;
    }
    return sf;
}

void sf_free(struct sf *sf)
{
    if (!sf)
        return;
    http_client_free(sf->http);
    map_free(sf->objects);
    secret_wipe(&sf->access);
    secret_wipe(&sf->refresh);
    secret_wipe(&sf->client_secret);
    secret_wipe(&sf->private_key);
    free(sf->instance);
    arena_free(sf->arena);
    free(sf);
}

struct sf *sf_side_new(struct sf *sf, struct err *err)
{
    return sf_new(world_real(), &sf->connection, NULL, err);
}

void sf_side_ready(struct sf *side, struct sf *sf)
{
    free(side->instance);
    side->instance = mem_strdup(sf->instance);
    side->local = sf->local;
    memcpy(side->version, sf->version, sizeof side->version);
    secret_copy(&side->access, &sf->access);
    side->crm.calls = 0;
}

void sf_side_done(struct sf *side, struct sf *sf)
{
    sf->crm.calls += side->crm.calls;
    side->crm.calls = 0;
    if (side->crm.limit_max >= 0) {
        sf->crm.limit_used = side->crm.limit_used;
        sf->crm.limit_max = side->crm.limit_max;
    }
    if (side->crm.server_date_ms)
        sf->crm.server_date_ms = side->crm.server_date_ms;
}

enum status sf_use_tokens(struct sf *sf, const struct crm_tokens *tokens, struct err *err)
{
    struct arena *arena = arena_new();
    const char *url = tokens->instance_url ? tokens->instance_url : sf->connection.instance_url;
    const char *origin = url ? sf_host_origin(arena, url, err) : NULL;
    enum status rc = FAIL;

    if (!url)
        err_set(err, ERR_CRM_RECONNECT, "the instance URL of the org is not known");
    if (!origin) {
        err_wrap(err, "connection %s: instance URL", sf->connection.name);
        goto done;
    }
    /* A connection to Salesforce stays one: its tokens never go to this machine or back. */
    if (sf->connection.login_url &&
        sf_host_check(origin, NULL) != sf_host_check(sf->connection.login_url, NULL)) {
        err_set(err, ERR_CRM_WRONG_ORG, "connection %s signs in at %s but its instance is %s",
                sf->connection.name, sf->connection.login_url, origin);
        goto done;
    }
    if (!sf->instance || strcmp(sf->instance, origin) != 0) {
        free(sf->instance);
        sf->instance = mem_strdup(origin);
        sf->local = sf_host_check(origin, NULL) == SF_LOCAL;
    }
    secret_copy(&sf->access, &tokens->access);
    if (secret_is_set(&tokens->refresh))
        secret_copy(&sf->refresh, &tokens->refresh);
    if (secret_is_set(&tokens->client_secret))
        secret_copy(&sf->client_secret, &tokens->client_secret);
    if (secret_is_set(&tokens->private_key))
        secret_copy(&sf->private_key, &tokens->private_key);
    if (tokens->grant != CRM_GRANT_CODE)
        sf->grant = tokens->grant;
    sf->rotates = sf->rotates || tokens->rotates;
    rc = OK;
done:
    arena_free(arena);
    return rc;
}

struct crm_session *sf_open(struct world *world, const struct connection *connection,
                            const struct crm_token_store *tokens, struct err *err)
{
    struct arena *arena = arena_new();
    struct crm_tokens stored = {0};
    struct sf *sf = sf_new(world, connection, tokens, err);
    enum status rc = FAIL;

    if (!sf)
        goto done;
    if (tokens->load(tokens->ctx, arena, &stored, err) != OK) {
        err_wrap(err, "opening connection %s", sf->connection.name);
        goto done;
    }
    if (!secret_is_set(&stored.access) && !secret_is_set(&stored.refresh)) {
        err_set(err, ERR_CRM_RECONNECT, "connection %s holds no token", sf->connection.name);
        err_hint(err, "Connect again.");
        goto done;
    }
    rc = sf_use_tokens(sf, &stored, err);
done:
    crm_tokens_wipe(&stored);
    arena_free(arena);
    if (rc == OK)
        return &sf->crm;
    sf_free(sf);
    return NULL;
}

void sf_close(struct crm_session *session)
{
    sf_free(session ? sf_of(session) : NULL);
}

const char *sf_path(struct sf *sf, struct arena *arena, const char *below)
{
    return text_starts(below, "/services/") || text_starts(below, "/cometd/")
               ? below
               : arena_printf(arena, "/services/data/%s%s", sf->version, below);
}

void sf_backoff(struct world *world, int attempt, int64_t first_ms)
{
    int64_t wait = first_ms << (attempt < 10 ? attempt : 10);
    uint32_t dice = 0;
    world->random(world, &dice, sizeof dice);
    wait = wait < BACKOFF_MOST_MS ? wait : BACKOFF_MOST_MS;
    world->sleep_ms(world, wait / 2 + (int64_t)(dice % (uint32_t)(wait / 2 + 1)));
}

/* -------------------------------------------------------- one request */

static void note_answer(struct sf *sf, const struct http_response *response)
{
    const char *limit = http_header_get(response->headers, "Sforce-Limit-Info");
    const char *date = http_header_get(response->headers, "Date");
    const char *at = limit ? strstr(limit, "api-usage=") : NULL;
    int64_t used, most, now;
    /* "per-app-api-usage=" also ends in api-usage=: the first one is the org's */
    if (at && sscanf(at, "api-usage=%" SCNd64 "/%" SCNd64, &used, &most) == 2) {
        sf->crm.limit_used = used;
        sf->crm.limit_max = most;
    }
    if (date && when_parse_http(date, &now))
        sf->crm.server_date_ms = now;
}

void sf_prepare(struct sf *sf, const struct sf_call *call, struct sf_posted *posted,
                struct http_request *request)
{
    struct http_header *usual = posted->usual;
    size_t n = 0;
    posted->arena = arena_new();
    posted->bearer = (struct buf)BUF_INIT;
    buf_printf(&posted->bearer, "Bearer %s", secret_reveal(&sf->access));
    snprintf(posted->token, sizeof posted->token, "%s", secret_hint(&sf->access));
    if (secret_is_set(&sf->access))
        usual[n++] = (struct http_header){"Authorization", posted->bearer.data, NULL};
    usual[n++] = (struct http_header){"Sforce-Call-Options", "client=argil", NULL};
    usual[n++] =
        (struct http_header){"Accept", call->accept ? call->accept : "application/json", NULL};
    if (call->body)
        usual[n++] = (struct http_header){
            "Content-Type",
            call->content_type ? call->content_type : "application/json; charset=UTF-8", NULL};
    for (size_t i = 0; i + 1 < n; i++)
        usual[i].next = &usual[i + 1];
    usual[n - 1].next = (struct http_header *)call->headers;
    *request = (struct http_request){
        .method = call->method,
        .url = arena_printf(posted->arena, "%s%s", sf->instance,
                            sf_path(sf, posted->arena, call->path)),
        .headers = usual,
        .body = call->body,
        .body_len = call->body_len,
        .timeout_ms = call->timeout_ms,
        .max_body = READ_BODY_MAX,
        .fresh_connection = call->fresh,
        .accept_gzip = !sf->local, /* on this machine it costs more than it saves */
        .secret_hint = posted->token,
        .take = call->take,
        .take_ctx = call->take_ctx,
        .stall_ms = call->stall_ms,
        .cancel = call->cancel,
    };
}

void sf_took(struct sf *sf, const struct sf_call *call, struct sf_posted *posted,
             const struct http_response *response)
{
    if (!call->uncounted && response->progress >= HTTP_SENT_ALL)
        sf->crm.calls++;
    note_answer(sf, response);
    log_debug("salesforce %s %s: %d, %" PRId64 " ms", call->method ? call->method : "GET",
              call->path, response->status, response->took_ms);
    buf_wipe(&posted->bearer);
    arena_free(posted->arena);
    posted->arena = NULL;
}

enum status sf_send(struct sf *sf, const struct sf_call *call, struct http_response *response,
                    struct err *err)
{
    struct sf_posted posted = {0};
    struct http_request request;
    memset(response, 0, sizeof *response);
    if (call->method && !text_eq(call->method, "GET") && sf->store.may_send &&
        sf->store.may_send(sf->store.ctx, err) != OK)
        return FAIL;
    sf_prepare(sf, call, &posted, &request);
    enum status rc = http_send(sf->http, &request, response, err);
    sf_took(sf, call, &posted, response);
    return rc;
}

/* ----------------------------------------------------- judging answers */

static bool is_html(const struct http_response *response)
{
    const char *type = http_header_get(response->headers, "Content-Type");
    return type && strcasestr(type, "text/html");
}

/* The first error of an answer: [{"errorCode","message"}], or an object. */
static const struct json *first_error(const struct json *body)
{
    if (json_is(body, JSON_ARRAY))
        body = json_at(body, 0);
    return json_is(body, JSON_OBJECT) ? body : NULL;
}

static const char *error_code(const struct json *body)
{
    const struct json *error = first_error(body);
    const char *code = json_get_text(error, "errorCode");
    return code ? code : json_get_text(error, "statusCode");
}

bool sf_token_stale(const struct http_response *response, const struct json *body)
{
    const char *message = json_get_text(first_error(body), "message");
    if (response->status != 401)
        return false;
    /* A new token would meet the same wall: asking again and again locks the user out. */
    return !(message && (strstr(message, "not valid for use with the REST API") ||
                         strstr(message, "Connected app is not attached to Agent")));
}

/* SOQL errors start with the query and a caret under the place: the sentence comes after. */
static const char *sentence(const char *message)
{
    const char *at = message ? strstr(message, "ERROR at Row:") : NULL;
    at = at ? strchr(at, '\n') : NULL;
    return at && at[1] ? at + 1 : message;
}

static enum status fail_without_code(const struct sf_call *call, int status, const struct buf *raw,
                                     struct err *err)
{
    bool busy = status == 0 || status >= 500 || status == 420 || status == 429 || status == 406;
    (void)raw;
    err_set(err, busy ? ERR_CRM_UNREACHABLE : ERR_CRM_REFUSED,
            "Salesforce answered %d without an explanation", status);
    if (status == 420)
        err_cause(err,
                  "Salesforce has no route to this org's host: it was moved, renamed or is new.");
    else if (status >= 300 && status < 400)
        err_cause(err,
                  "The org's address has changed: its My Domain was renamed, or it was moved.");
    else if (status == 414 || status == 431)
        err_cause(err, "The request was longer than Salesforce accepts.");
    else if (status == 403)
        err_cause(
            err, "A proxy or network rule between this server and Salesforce may have refused it.");
    else if (busy)
        err_cause(err,
                  "Maintenance, overload, or a proxy's own page in place of Salesforce's answer.");
    if (status == 420)
        err_hint(err, "A new or just moved org needs some minutes. Else connect again with its "
                      "present address: Setup, My Domain, \"Current My Domain URL\".");
    else if (busy)
        err_hint(err, "Try again later; see status.salesforce.com.");
    return call->what ? err_wrap(err, "%s", call->what) : FAIL;
}

/* Whoever answers with our token is not to be quoted. */
static bool repeats_token(const struct sf *sf, const char *text)
{
    return text && secret_is_set(&sf->access) && strstr(text, secret_reveal(&sf->access));
}

enum status sf_fail(struct sf *sf, const struct sf_call *call, int status, const struct json *body,
                    const struct buf *raw, struct err *err)
{
    const char *code = error_code(body);
    const char *message = json_get_text(first_error(body), "message");
    char ours[80];

    if (repeats_token(sf, message))
        message = NULL;
    if (!code || repeats_token(sf, code))
        return fail_without_code(call, status, raw, err);
    const struct sf_code *known = sf_code_find(code);
    snprintf(ours, sizeof ours, "sf.%s", code);
    if (status == 401 || (known && known->class == CRM_PAUSE))
        snprintf(ours, sizeof ours, "%s", ERR_CRM_NOT_ADMITTED);
    if (text_eq(code, "REQUEST_LIMIT_EXCEEDED"))
        snprintf(ours, sizeof ours, "%s", ERR_CRM_LIMIT);
    else if (status >= 500 || text_eq(code, "SERVER_UNAVAILABLE"))
        snprintf(ours, sizeof ours, "%s", ERR_CRM_UNREACHABLE);
    if (text_eq(ours, ERR_CRM_NOT_ADMITTED))
        err_set(err, ours, "%s: %s", code, message ? message : "refused");
    else
        err_set(err, ours, "%s", message && *message ? sentence(message) : code);
    if (status == 401 && message && strstr(message, "not valid for use with the REST API")) {
        err_cause(
            err, "The session may not use the REST API: the scope api is missing, the profile asks "
                 "for a high-assurance session, or API Access Control does not list the app.");
        err_hint(
            err,
            "Setup, App Manager, the app: add the scope \"Manage user data via APIs (api)\", then "
            "connect again. Profile, Session Settings, \"Session Security Level Required at "
            "Login\": none.");
    } else {
        sf_explain(err, code, message, call->object, sf->connection.username);
    }
    return call->what ? err_wrap(err, "%s", call->what) : FAIL;
}

/* Worth asking once more, for a read? */
bool sf_passing(int status, const struct json *body)
{
    static const char *const codes[] = {"SERVER_UNAVAILABLE",
                                        "UNKNOWN_EXCEPTION",
                                        "INTERNAL_ERROR",
                                        "TEMPORARY_QUERY_MORE_FAILURE",
                                        "TOO_MANY_APEX_REQUESTS",
                                        "UNABLE_TO_LOCK_ROW",
                                        "QUERY_TIMEOUT",
                                        "TXN_SECURITY_METERING_ERROR",
                                        "TXN_SECURITY_RUNTIME_ERROR"};
    const char *code = error_code(body);
    const char *message = json_get_text(first_error(body), "message");
    for (size_t i = 0; code && i < sizeof codes / sizeof *codes; i++)
        if (text_eq(code, codes[i]))
            return true;
    if (text_eq(code,
                "REQUEST_LIMIT_EXCEEDED")) /* the daily limit takes hours, the others seconds */
        return message && strstr(message, "Concurrent");
    return status >= 500 || status == 406 || status == 420 || status == 429;
}

static void note_validator(struct sf_conditional *c, const struct http_response *response,
                           struct arena *arena)
{
    c->modified = arena_strdup(arena, http_header_get(response->headers, "Last-Modified"));
    c->text = arena_strndup(arena, response->body.data, response->body.len);
}

enum sf_verdict { VERDICT_OK, VERDICT_AGAIN, VERDICT_STALE, VERDICT_NO };

/* Reads the answer; anything but VERDICT_OK has *err set. */
static enum sf_verdict judge(struct sf *sf, const struct sf_call *call,
                             struct http_response *response, enum status sent, struct arena *arena,
                             const struct json **out, struct err *err)
{
    const struct json *body = NULL;
    struct err parse = {0};

    if (sent != OK) {
        bool large = err_is(err, ERR_HTTP_TOO_LARGE);
        struct err why = *err;
        err_set(err, large ? ERR_TOO_LARGE : ERR_CRM_UNREACHABLE, "%s", why.message);
        err_hint(err, "Check the network and %s; see status.salesforce.com.", sf->instance);
        if (call->what)
            err_wrap(err, "%s", call->what);
        return large ? VERDICT_NO : VERDICT_AGAIN;
    }
    if (response->body.len > 0 && !is_html(response))
        body = json_parse_buf(arena, &response->body, &parse);
    bool good = response->status >= 200 && response->status < 300;
    if (call->conditional && response->status == 304) {
        call->conditional->unchanged = true;
        return VERDICT_OK;
    }
    if (good && (body || (response->body.len == 0 && !is_html(response)))) {
        *out = body;
        if (call->conditional)
            note_validator(call->conditional, response, arena);
        return VERDICT_OK;
    }
    if (good) {
        err_set(err, ERR_CRM_UNREACHABLE, "Salesforce answered with %s",
                is_html(response) ? "a page instead of data (maintenance or login)"
                                  : "damaged data");
        if (call->what)
            err_wrap(err, "%s", call->what);
        return VERDICT_AGAIN;
    }
    sf_fail(sf, call, response->status, body, &response->body, err);
    if (response->status == 401)
        return sf_token_stale(response, body) ? VERDICT_STALE : VERDICT_NO;
    return sf_passing(response->status, body) ? VERDICT_AGAIN : VERDICT_NO;
}

/* A token that was renewed just now is refused, too: asking on would go in circles. */
static enum status refused_again(struct sf *sf, struct err *err)
{
    err_set(err, ERR_CRM_RECONNECT, "Salesforce refuses a token of connection %s that it gave "
                                    "just now", sf->connection.name);
    err_cause(err, "Sessions are locked to the IP address they began at and this server's changes; "
                   "or the sandbox was refreshed; or the instance moved.");
    err_hint(err, "Run argil doctor %s. Setup, Session Settings: untick \"Lock sessions to the IP "
                  "address from which they originated\".",
             sf->connection.name);
    return FAIL;
}

static enum status read_raw(struct sf *sf, const struct sf_call *call, struct arena *arena,
                            const struct json **out, struct err *err)
{
    bool refreshed = false;
    for (int attempt = 0;; attempt++) {
        struct http_response response;
        err_clear(err);
        enum status sent = sf_send(sf, call, &response, err);
        enum sf_verdict verdict = judge(sf, call, &response, sent, arena, out, err);
        http_response_free(&response);
        switch (verdict) {
        case VERDICT_OK:
            return OK;
        case VERDICT_NO:
            return FAIL;
        case VERDICT_STALE:
            if (refreshed)
                return refused_again(sf, err);
            refreshed = true;
            if (sf_refresh(sf, err) != OK)
                return FAIL;
            break;
        case VERDICT_AGAIN:
            if (attempt + 1 >= READ_ATTEMPTS)
                return FAIL;
            sf_backoff(sf->world, attempt, BACKOFF_MS);
            break;
        }
    }
}

enum status sf_read(struct sf *sf, const struct sf_call *call, struct arena *arena,
                    const struct json **out, struct err *err)
{
    struct err local = {0};
    err = err ? err : &local; /* err_is below needs one */
    if (sf_ready(sf, err) != OK)
        return FAIL;
    return read_raw(sf, call, arena, out, err);
}

void sf_read_many(struct sf *sf, const struct sf_call *calls, size_t count, size_t parallel,
                  struct arena *arena, const struct json **out)
{
    struct err ignored = {0};
    struct sf_posted *posted = arena_array(arena, count + 1, sizeof *posted);
    struct http_request *requests = arena_array(arena, count + 1, sizeof *requests);
    struct http_response *responses = arena_array(arena, count + 1, sizeof *responses);
    struct err *errs = mem_array(count + 1, sizeof *errs);
    for (size_t i = 0; i < count; i++) {
        out[i] = NULL;
        sf_prepare(sf, &calls[i], &posted[i], &requests[i]);
    }
    if (!sf->store.may_send || sf->store.may_send(sf->store.ctx, &ignored) == OK)
        http_send_many(sf->http, requests, responses, errs, count, parallel);
    else
        for (size_t i = 0; i < count; i++)
            errs[i] = ignored;
    for (size_t i = 0; i < count; i++) {
        enum status sent = errs[i].code[0] ? FAIL : OK;
        sf_took(sf, &calls[i], &posted[i], &responses[i]);
        if (judge(sf, &calls[i], &responses[i], sent, arena, &out[i], &errs[i]) != VERDICT_OK)
            out[i] = NULL;
        http_response_free(&responses[i]);
    }
    free(errs);
}

/* ------------------------------------------------------------- version */

static int newest_served(const struct json *versions)
{
    int best = 0;
    json_each(entry, versions) {
        const char *text = json_get_text(entry, "version"); /* "66.0" */
        int version = text ? (int)strtol(text, NULL, 10) : 0;
        if (version > best && version <= SF_VERSION_NEWEST)
            best = version;
    }
    return best;
}

enum status sf_ready(struct sf *sf, struct err *err)
{
    struct sf_call call = {
        .path = "/services/data/", .uncounted = true, .what = "reaching Salesforce"};
    struct arena *arena;
    const struct json *versions = NULL;

    if (!secret_is_set(&sf->access) && sf_refresh(sf, err) != OK)
        return FAIL;
    if (sf->version[0])
        return OK;
    arena = arena_new();
    enum status rc = read_raw(sf, &call, arena, &versions, err);
    if (rc == OK) {
        int newest = newest_served(versions);
        int version = newest > 0 && newest < SF_VERSION_WANTED ? newest : SF_VERSION_WANTED;
        snprintf(sf->version, sizeof sf->version, "v%d.0", version);
    }
    arena_free(arena);
    return rc;
}
