/* dispatch.c - from a request to its handler, and from an error to an answer.
 *
 * Order, the same for every route: headers that protect the page, the host, the
 * route, who it is, whether our own page asks, what their role allows, the type
 * and shape of what was sent, the handler. Nothing after a step that refused is
 * reached, and no handler asks any of this again.
 *
 * A route that talks to an org runs on a thread of its connection's lane: the
 * request is answered from there, and the server's own threads stay free. */
#include "api/api_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "engine/access.h"

#include <stdlib.h>
#include <string.h>

#define TARGET_MAX (8 * KIB) /* path and query */

/* ---------------------------------------------------------------- answers */

static const struct {
    const char *code; /* with a dot at the end: every code that starts so */
    int status;
} code_statuses[] = {
    {ERR_AUTH_NEEDED, 401},
    {ERR_AUTH_WRONG, 401},
    {ERR_AUTH_SLOW, 429},
    {"auth.", 403},
    {ERR_TOO_MANY, 429},
    {ERR_REQUEST_TYPE, 415},
    {ERR_REQUEST, 400},
    {ERR_JSON_SYNTAX, 400},
    {ERR_NOT_FOUND, 404},
    {ERR_CONFLICT, 409},
    {ERR_AUDIT_TAMPERED, 409},
    {"people.link", 422},
    {"people.", 409},
    {ERR_APPROVAL, 409},
    {ERR_WORK_UNDER_WAY, 409},
    {"work.", 503},
    {ERR_WEBHOOK_KEY, 401},
    {ERR_WEBHOOK_RATE, 429},
    {"webhook.", 422},
    {"cell.", 422},
    {"csv.", 422},
    {"source.", 422},
    {"report.", 422},
    {"sync.", 409},
    {ERR_INVALID, 422},
    {"recipe.", 422},
    {"refused.", 422},
    {"formula.", 422},
    {"filter.", 422},
    {ERR_NOT_BUILT, 422},
    {ERR_TOO_LARGE, 413},
    {ERR_STORE_LOCKED, 503},
    {ERR_CRM_RECONNECT, 409},
    {ERR_CRM_WRONG_ORG, 409},
    {ERR_CRM_LIMIT, 503},
    {"connect.", 422},
    {ERR_NOT_A_BUILDER, 403},
    {"connection.", 409},
    {ERR_CRM_UNREACHABLE, 502},
    {ERR_TIMEOUT, 502},
    {"crm.", 502},
    {"sf.", 502},
    {"http.", 502},
};

int status_of_error(const struct err *err)
{
    for (size_t i = 0; i < sizeof code_statuses / sizeof *code_statuses; i++) {
        const char *code = code_statuses[i].code;
        if (text_ends(code, ".") ? text_starts(err->code, code) : text_eq(err->code, code))
            return code_statuses[i].status;
    }
    return 500;
}

static void write_error(struct jw *w, const struct err *err, const char *id)
{
    jw_object(w);
    jw_kv_text(w, "code", err->code);
    jw_kv_text(w, "message", err->message);
    if (*err->where)
        jw_kv_text(w, "where", err->where);
    if (*err->cause)
        jw_kv_text(w, "cause", err->cause);
    if (*err->hint)
        jw_kv_text(w, "hint", err->hint);
    if (id)
        jw_kv_text(w, "id", id);
    jw_end_object(w);
}

/* What went wrong in here is for the log; the person gets a number to quote. */
static const char *hide_failure(struct call *call, struct err *err)
{
    uint32_t dice;
    call->api->options.world->random(call->api->options.world, &dice, sizeof dice);
    const char *id = arena_printf(call->arena, "e-%08x", dice);
    log_error("%s: %s %s: %s [%s]", id, call->in->method, call->in->path, err->message, err->code);
    char code[sizeof err->code];
    snprintf(code, sizeof code, "%s", err->code);
    err_set(err, *code ? code : "internal", "something went wrong on the server");
    err_hint(err, "The server's log says more under %s.", id);
    return id;
}

static void add_waiting_headers(struct call *call, int status, const struct err *err)
{
    if (status == 401)
        http_out_header(call->in, call->out, "WWW-Authenticate", "Bearer realm=\"argil\"");
    if ((status == 429 && !http_header_get(call->out->headers, "Retry-After")) || status == 503)
        http_out_header(call->in, call->out, "Retry-After", "2");
    (void)err;
}

void reply_error(struct call *call, const struct err *given)
{
    struct err err = *given;
    int status = status_of_error(&err);
    const char *id = status == 500 ? hide_failure(call, &err) : NULL;
    buf_clear(&call->out->body);
    jw_init(&call->w, &call->out->body);
    jw_object(&call->w);
    jw_key(&call->w, "error");
    write_error(&call->w, &err, id);
    if (call->errors && call->errors->len) {
        jw_key(&call->w, "errors");
        jw_array(&call->w);
        for (size_t i = 0; i < call->errors->len; i++)
            write_error(&call->w, &call->errors->at[i], NULL);
        jw_end_array(&call->w);
    }
    jw_end_object(&call->w);
    call->out->status = status;
    http_out_header(call->in, call->out, "Content-Type", "application/json");
    add_waiting_headers(call, status, &err);
}

static void protect_page(struct call *call)
{
    static const char *const headers[][2] = {
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Content-Security-Policy",
         "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
         "font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
         "form-action 'self'; frame-ancestors 'none'"},
        {"X-Frame-Options", "DENY"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), microphone=(), geolocation=()"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        http_out_header(call->in, call->out, headers[i][0], headers[i][1]);
    if (call->api->secure)
        http_out_header(call->in, call->out, "Strict-Transport-Security", "max-age=31536000");
}

/* ----------------------------------------------------------------- checks */

static enum status check_host(struct call *call, struct err *err)
{
    if (door_host_known(call->api, call->in->headers))
        return OK;
    err_set(err, ERR_REQUEST, "this server does not answer to that host name");
    err_hint(err, "It is %s. Start it with --public-url to give it another name.", call->api->url);
    return FAIL;
}

static void reply_other_methods(struct call *call, unsigned others)
{
    struct buf allow = BUF_INIT;
    struct err err = {0};
    for (int m = M_GET; m <= M_DELETE; m++)
        if (others & 1u << m)
            buf_printf(&allow, "%s%s%s", allow.len ? ", " : "", method_name((enum method)m),
                       m == M_GET ? ", HEAD" : "");
    http_out_header(call->in, call->out, "Allow", buf_text(&allow));
    err_set(&err, ERR_REQUEST, "%s is not for this address", call->in->method);
    err_hint(&err, "It takes %s.", buf_text(&allow));
    reply_error(call, &err);
    call->out->status = 405;
    buf_free(&allow);
}

static enum status check_role(struct call *call, struct err *err)
{
    const struct route *route = call->route;
    if (route->may == ROLE_NOBODY)
        return OK;
    if (!call->person.user_id)
        return err_set(err, ERR_AUTH_NEEDED, "sign in first");
    if (call->person.role < route->may) {
        return call_needs(call, route->may, "this", err);
    }
    if (route->flags & R_PERSON && !call->person.session_id)
        return err_set(err, ERR_AUTH_PERSON, "this is for a signed-in person, not for a token");
    if (!(route->flags & R_PROVED) || !call->person.session_id ||
        call_now(call) - call->person.proved_ms < PROVED_FOR_MS)
        return OK;
    err_set(err, ERR_AUTH_PROVE, "give your password again for this");
    err_hint(err, "POST " API_ROOT "/session/proof with the password, then repeat the request.");
    return FAIL;
}

static bool is_type(const char *given, const char *wanted)
{
    size_t len = given ? strcspn(given, "; \t") : 0;
    return len == strlen(wanted) && strncasecmp(given, wanted, len) == 0;
}

static enum status check_body(struct call *call, struct err *err)
{
    const struct route *route = call->route;
    const struct buf *body = &call->in->body;
    if (route->flags & R_BYTES) {
        if (!is_type(http_header_get(call->in->headers, "Content-Type"), "application/octet-stream"))
            return err_set(err, ERR_REQUEST_TYPE, "the body must be application/octet-stream");
        if (body->len > BODY_LARGE)
            return err_set(err, ERR_TOO_LARGE, "a piece has at most %zu bytes", BODY_LARGE);
        return body->len ? OK : err_set(err, ERR_REQUEST, "a piece has at least one byte");
    }
    if (!route->body && !(route->flags & R_RAW)) {
        if (!body->len)
            return OK;
        return err_set(err, ERR_REQUEST, "this request takes no body");
    }
    size_t most = route->flags & R_LARGE ? BODY_LARGE : BODY_USUAL;
    if (body->len > most)
        return err_set(err, ERR_TOO_LARGE, "the body has more than %zu bytes", most);
    if (route->flags & R_RAW)
        return OK;
    if (!is_type(http_header_get(call->in->headers, "Content-Type"), "application/json"))
        return err_set(err, ERR_REQUEST_TYPE, "the body must be application/json");
    call->body = json_parse_buf(call->arena, body, err);
    if (!call->body) {
        snprintf(err->code, sizeof err->code, "%s", ERR_JSON_SYNTAX);
        return FAIL;
    }
    return shape_check(route->body, call->body, err);
}

static enum status check_query(struct call *call, struct err *err)
{
    const char *text = call->in->query;
    call->query = uri_pairs(call->arena, text, text ? strlen(text) : 0);
    if (call->route->flags & R_LAX)
        return OK;
    if (shape_check_query(call->route->query, call->query, err) == OK)
        return OK;
    snprintf(err->code, sizeof err->code, "%s", ERR_REQUEST);
    return FAIL;
}

static enum status check_call(struct call *call, struct err *err)
{
    bool changes = call->route->method != M_GET;
    if (door_who(call, err) != OK && call->route->may != ROLE_NOBODY)
        return FAIL;
    err_clear(err);
    if (changes && call->route->may == ROLE_NOBODY && !(call->route->flags & R_OPEN))
        return err_set(err, ERR_AUTH_ROLE, "nobody may do this");
    if (changes && door_not_forged(call, err) != OK)
        return FAIL;
    if (check_role(call, err) != OK || check_query(call, err) != OK)
        return FAIL;
    return check_body(call, err);
}

/* ---------------------------------------------------------------- running */

static void note_broken(struct call *call, const struct err *err)
{
    if (err_is(err, ERR_STORE_BROKEN))
        atomic_store(&call->api->broken, true);
}

/* An answer shows all that was told up to here; what is told later may be missing in it. */
static void say_place(struct call *call)
{
    char place[HUB_PLACE_ROOM];
    if (call->route->method != M_GET || (call->route->flags & (R_PLAIN | R_STREAM)))
        return;
    hub_place(call->api->hub, place);
    http_out_header(call->in, call->out, "X-Argil-Events", arena_strdup(call->arena, place));
}

static void run_handler(struct call *call)
{
    struct err err = {0};
    say_place(call);
    const struct route *route = call->route;
    bool writes = route->flags & R_WRITES;
    call->store = handle_get(call->api->handles, writes, &err);
    jw_init(&call->w, &call->out->body);
    enum status rc = call->store ? route->run(call, &err) : FAIL;
    if (rc != OK) {
        note_broken(call, &err);
        reply_error(call, &err);
    } else if (!(route->flags & (R_PLAIN | R_STREAM))) {
        call->out->status = route->status ? route->status : route->answer ? 200 : 204;
        if (route->answer)
            http_out_header(call->in, call->out, "Content-Type", "application/json");
    }
    handle_give(call->api->handles, call->store, writes);
    call->store = NULL;
}

/* Counted by how long it took, and told to the client (Server-Timing, W3C), whose own clock
 * also sees the way there and back. Streams count until they are open. */
static int64_t note_time(struct call *call)
{
    struct api *api = call->api;
    int64_t took = api->options.world->monotonic_ms(api->options.world) - call->began_ms;
    size_t at = 0;
    while (at < API_TOOK_BOUNDS && took > api_took_bounds[at])
        at++;
    atomic_fetch_add(&api->took[at], 1);
    atomic_fetch_add(&api->took_ms, (unsigned long long)took);
    http_out_header(call->in, call->out, "Server-Timing",
                    arena_printf(call->arena, "app;dur=%lld", (long long)took));
    return took;
}

/* One line a request: no query, no header, no body. */
static void log_request(struct call *call)
{
    int status = call->out->status;
    int64_t took = note_time(call);
    atomic_fetch_add(&call->api->requests, 1);
    if (status >= 500)
        atomic_fetch_add(&call->api->failed, 1);
    else if (status >= 400)
        atomic_fetch_add(&call->api->refused, 1);
    log_info("%s %s %d %lld ms %s %s", call->in->method,
             call->route ? call->route->path : call->in->path, status,
             (long long)took, call->peer,
             call->person.login ? call->person.login : "-");
}

static void end_call(struct call *call)
{
    door_end(call->api->doors, call->place);
    log_request(call);
}

static void talk(void *ctx, struct engine *engine, const struct err *refused)
{
    struct call *call = ctx;
    call->engine = engine;
    if (engine)
        run_handler(call);
    else
        reply_error(call, refused);
    end_call(call);
    http_reply(call->in);
}

/* Which connection a route is about: named in its path, or its table's. */
static const char *lane_of(struct call *call)
{
    struct err ignored = {0};
    struct table table = {0};
    const char *lane = "";
    const char *from_body = json_get_text(call->body, "connection");
    if (call->route->lane)
        return call->route->lane(call);
    if (strstr(call->route->path, "{connection}"))
        return call->values[0];
    if (from_body || !strstr(call->route->path, "{table}"))
        return from_body ? from_body : lane;
    struct store *store = handle_get(call->api->handles, false, &ignored);
    if (store && store->does->table_get(store, call->arena, call->values[0], &table, &ignored) == OK &&
        table.connection)
        lane = table.connection;
    handle_give(call->api->handles, store, false);
    return lane;
}

static void run_call(struct call *call)
{
    struct err err = {0};
    if (!(call->route->flags & R_ORG)) {
        run_handler(call);
        end_call(call);
        return;
    }
    /* http_later first: the talk may be over before this returns */
    http_later(call->in);
    if (work_talk(call->api->work, lane_of(call), call_who(call), talk, call, &err) == OK)
        return;
    reply_error(call, &err);
    end_call(call);
    http_reply(call->in);
}

/* ------------------------------------------------------------------ entry */

static const char *peer_of(const struct api *api, const struct http_in *in)
{
    const char *list = NULL;
    for (const struct http_header *h = in->headers; api->options.behind_proxy && h; h = h->next)
        if (text_eq_nocase(h->name, "X-Forwarded-For"))
            list = h->value; /* the last header was added nearest to us */
    const char *comma = list ? strrchr(list, ',') : NULL;
    const char *peer = comma ? comma + 1 : list;
    return peer ? text_trim(in->arena, peer) : in->peer;
}

/* False when the request was answered here. */
static bool find_route(struct call *call)
{
    struct err err = {0};
    unsigned others = 0;
    struct http_in *in = call->in;
    bool head = text_eq(in->method, "HEAD");
    call->route =
        route_find(head ? "GET" : in->method, in->path, call->arena, call->values, &others);
    if (call->route)
        return true;
    if (others)
        reply_other_methods(call, others);
    else if (text_starts(in->path, "/api/") ||
             !(head || text_eq(in->method, "GET")) || !asset_reply(call)) {
        err_set(&err, ERR_NOT_FOUND, "there is nothing at this address");
        if (text_starts(in->path, "/api/"))
            err_hint(&err, "GET " API_ROOT "/openapi.json lists every address.");
        reply_error(call, &err);
    }
    return false;
}

void api_handle(void *ctx, struct http_in *in, struct http_out *out)
{
    struct api *api = ctx;
    struct world *world = api->options.world;
    struct err err = {0};
    struct call *call = arena_alloc(in->arena, sizeof *call);
    *call = (struct call){.api = api,
                          .in = in,
                          .out = out,
                          .arena = in->arena,
                          .peer = peer_of(api, in),
                          .began_ms = world->monotonic_ms(world)};
    if (atomic_load(&api->stopping)) { /* or not open yet: the parts below are not there */
        err_set(&err, ERR_WORK_CLOSED, "the server is starting or stopping; try again");
        http_out_header(in, out, "Connection", "close");
        reply_error(call, &err);
        return;
    }
    protect_page(call);
    if (strlen(in->path) + (in->query ? strlen(in->query) : 0) > TARGET_MAX) {
        err_set(&err, ERR_REQUEST, "the address is longer than %zu bytes", TARGET_MAX);
        reply_error(call, &err);
        out->status = 414;
    } else if (check_host(call, &err) != OK) {
        reply_error(call, &err);
        out->status = 421;
    } else if (find_route(call)) {
        http_out_header(in, out, "Cache-Control", "no-store");
        if (check_call(call, &err) != OK) {
            reply_error(call, &err);
        } else if (!door_begin(api->doors, call->person.user_id)) {
            err_set(&err, ERR_TOO_MANY, "too many requests of yours are under way");
            reply_error(call, &err);
        } else {
            call->place = call->person.user_id; /* signing in changes the person */
            run_call(call);
            return;
        }
    }
    log_request(call);
}

/* --------------------------------------------------------- for handlers */

const char *call_query(const struct call *call, const char *name)
{
    return uri_pair_get(call->query, name);
}

int64_t call_query_int(const struct call *call, const char *name, int64_t otherwise)
{
    const char *text = call_query(call, name);
    return text ? strtoll(text, NULL, 10) : otherwise; /* the shape has checked it */
}

bool call_query_bool(const struct call *call, const char *name, bool otherwise)
{
    const char *text = call_query(call, name);
    return text ? text_eq(text, "true") : otherwise;
}

enum status call_id(const struct call *call, size_t at, int64_t *out, struct err *err)
{
    const char *text = call->values[at];
    size_t len = strlen(text);
    if (!len || len > 18 || strspn(text, "0123456789") != len)
        return err_set(err, ERR_NOT_FOUND, "\"%.40s\" is not a number of ours", text);
    *out = strtoll(text, NULL, 10);
    return OK;
}

enum status call_query_table(struct call *call, int64_t *id, struct err *err)
{
    const char *name = call_query(call, "table");
    struct table table = {0};
    *id = 0;
    if (name && call->store->does->table_get(call->store, call->arena, name, &table, err) != OK)
        return FAIL;
    *id = table.id;
    return OK;
}

const char *call_who(const struct call *call)
{
    return call->person.login ? call->person.login : "nobody";
}

int64_t call_now(const struct call *call)
{
    struct world *world = call->api->options.world;
    return world->now_ms(world);
}

enum status call_needs(const struct call *call, enum role role, const char *what, struct err *err)
{
    if (call->person.role >= role)
        return OK;
    err_set(err, ERR_AUTH_ROLE, "%s takes the role %s; yours is %s", what, role_name(role),
            role_name(call->person.role));
    err_hint(err, call->person.session_id
                      ? "An admin can change your role under Settings, Users."
                      : "A token does at most what its scope and its user's role allow.");
    return FAIL;
}

enum status call_audit(struct call *call, const char *what, const char *detail, struct err *err)
{
    return call->store->does->audit_add(call->store, call_who(call), what, detail, err);
}
