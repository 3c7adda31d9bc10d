/* doors.c - who comes in: a session's cookie, a program's token, and whether a
 * request was made by our own page.
 *
 * The cookie holds 32 random bytes; the store knows their hash. The token against
 * forged requests is derived from the cookie, so it needs no storing and ends with
 * it. Looking at the store for every request is what makes ending a session work
 * at once; noting that it was seen happens once a minute at most. */
#include "api/doors_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/store_people.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_PREFIX "argil_"
#define SECRET_BYTES 32
#define SEEN_EACH_MS 60000
#define IDLE_MS      ((int64_t)12 * 3600 * 1000)
#define LONGEST_MS   ((int64_t)14 * 24 * 3600 * 1000)

/* ---------------------------------------------------------------- secrets */

const char *door_random(struct arena *arena)
{
    unsigned char bytes[SECRET_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    const char *text = base64url_encode(arena, bytes, sizeof bytes);
    sodium_memzero(bytes, sizeof bytes);
    return text;
}

void door_digest(const char *text, char out[65])
{
    sha256_hex(text, strlen(text), out);
}

bool door_same(const char *a, const char *b)
{
    size_t len = a ? strlen(a) : 0;
    return a && b && strlen(b) == len && sodium_memcmp(a, b, len) == 0;
}

static const char *csrf_of(struct arena *arena, const char *cookie)
{
    unsigned char mac[crypto_generichash_BYTES];
    static const char what[] = "argil csrf 1";
    crypto_generichash(mac, sizeof mac, (const unsigned char *)what, sizeof what - 1,
                       (const unsigned char *)cookie, strlen(cookie));
    return base64url_encode(arena, mac, sizeof mac);
}

/* ---------------------------------------------------------------- cookies */

static const char *cookie_name(const struct api *api)
{
    return api->secure ? "__Host-argil" : "argil";
}

/* The cookie's value; *twice when it is there more than once. */
static const char *cookie_value(const struct call *call, bool *twice)
{
    const char *name = cookie_name(call->api), *found = NULL;
    size_t len = strlen(name);
    *twice = false;
    for (const struct http_header *h = call->in->headers; h; h = h->next) {
        if (!text_eq_nocase(h->name, "Cookie"))
            continue;
        for (const char *at = h->value; *at;) {
            at += strspn(at, "; ");
            size_t n = strcspn(at, ";");
            if (n > len && at[len] == '=' && strncmp(at, name, len) == 0) {
                *twice |= found != NULL;
                found = arena_strndup(call->arena, at + len + 1, n - len - 1);
            }
            at += n;
        }
    }
    return found;
}

static void set_cookie(struct call *call, const char *value, bool clear)
{
    const char *header =
        arena_printf(call->arena, "%s=%s; Path=/; HttpOnly; SameSite=Lax%s%s",
                     cookie_name(call->api), value, call->api->secure ? "; Secure" : "",
                     clear ? "; Max-Age=0" : "");
    http_out_header(call->in, call->out, "Set-Cookie", header);
}

/* ---------------------------------------------------------------- persons */

static void take_user(struct call *call, const struct user *user)
{
    call->person.user_id = user->id;
    call->person.login = user->login;
    call->person.name = user->name;
    call->person.zone = user->zone;
    call->person.role = user->role;
}

static enum status refuse(struct call *call, const char *why, struct err *err)
{
    call->person = (struct person){0};
    return err_set(err, ERR_AUTH_NEEDED, "%s", why);
}

/* Best effort: a store that is busy must not keep a reader out. */
static void note_seen(struct call *call, bool token, int64_t id, int64_t now)
{
    struct err err = {0};
    struct store *store = handle_get(call->api->handles, true, &err);
    if (!store)
        return;
    const struct store_people *people = store->does->people;
    enum status rc = token ? people->token_used(store, id, now, &err)
                           : people->session_seen(store, id, now, 0, &err);
    if (rc != OK)
        log_warn("noting that somebody was seen: %s", err.message);
    handle_give(call->api->handles, store, true);
}

static enum status enter_by_cookie(struct call *call, struct store *store, const char *cookie,
                                   struct err *err)
{
    struct session session;
    struct user user;
    int64_t now = call_now(call);
    char hash[65];
    door_digest(cookie, hash);
    if (store->does->people->session_get(store, call->arena, hash, &session, &user, err) != OK)
        return err_is(err, ERR_NOT_FOUND) ? refuse(call, "your session has ended", err) : FAIL;
    if (user.disabled || now - session.seen_ms > IDLE_MS || now - session.created_ms > LONGEST_MS)
        return refuse(call, "your session has ended", err);
    take_user(call, &user);
    memcpy(call->person.hash, hash, sizeof hash);
    call->person.session_id = session.id;
    call->person.proved_ms = session.proved_ms;
    call->person.csrf = csrf_of(call->arena, cookie);
    if (now - session.seen_ms > SEEN_EACH_MS)
        note_seen(call, false, session.id, now);
    return OK;
}

static enum status enter_by_token(struct call *call, struct store *store, const char *text,
                                  struct err *err)
{
    struct api_token token;
    struct user user;
    int64_t now = call_now(call);
    char hash[65];
    door_digest(text, hash);
    if (!text_starts(text, TOKEN_PREFIX))
        return refuse(call, "this is not a token of ours", err);
    if (store->does->people->token_get(store, call->arena, hash, &token, &user, err) != OK)
        return err_is(err, ERR_NOT_FOUND) ? refuse(call, "this token is not known (any more)", err)
                                          : FAIL;
    if (user.disabled || (token.expires_ms && token.expires_ms <= now))
        return refuse(call, "this token has expired", err);
    take_user(call, &user);
    if (token.scope < call->person.role)
        call->person.role = token.scope;
    call->person.token_id = token.id;
    if (now - token.used_ms > SEEN_EACH_MS)
        note_seen(call, true, token.id, now);
    return OK;
}

enum status door_who(struct call *call, struct err *err)
{
    bool twice;
    const char *bearer = http_header_get(call->in->headers, "Authorization");
    const char *cookie = cookie_value(call, &twice);
    if (twice)
        return refuse(call, "two session cookies came at once", err);
    if (!bearer && !cookie)
        return OK;
    if (bearer && strncasecmp(bearer, "Bearer ", 7) != 0)
        return refuse(call, "only bearer tokens are taken here", err);
    struct store *store = handle_get(call->api->handles, false, err);
    if (!store)
        return FAIL;
    enum status rc = bearer ? enter_by_token(call, store, bearer + 7, err)
                            : enter_by_cookie(call, store, cookie, err);
    handle_give(call->api->handles, store, false);
    return rc;
}

enum status door_enter(struct call *call, const struct user *user, struct err *err)
{
    const char *cookie = door_random(call->arena);
    const char *agent = http_header_get(call->in->headers, "User-Agent");
    struct session session = {.user_id = user->id, .peer = call->peer};
    session.agent = arena_strndup(call->arena, agent ? agent : "",
                                  agent ? utf8_cut(agent, strlen(agent), 200) : 0);
    session.created_ms = session.seen_ms = session.proved_ms = call_now(call);
    door_digest(cookie, session.hash);
    if (call->store->does->people->session_put(call->store, &session, user->login, err) != OK)
        return FAIL;
    take_user(call, user);
    memcpy(call->person.hash, session.hash, sizeof session.hash);
    call->person.session_id = session.id;
    call->person.proved_ms = session.proved_ms;
    call->person.csrf = csrf_of(call->arena, cookie);
    set_cookie(call, cookie, false);
    return OK;
}

void door_leave(struct call *call)
{
    set_cookie(call, "", true);
}

/* ----------------------------------------------------------------- forgery */

static bool same_origin(const struct api *api, const char *origin)
{
    return text_eq_nocase(origin, api->url) || door_host_known_text(api, origin);
}

enum status door_not_forged(struct call *call, struct err *err)
{
    const struct http_header *headers = call->in->headers;
    const char *site = http_header_get(headers, "Sec-Fetch-Site");
    const char *origin = http_header_get(headers, "Origin");
    if (call->person.token_id)
        return OK; /* a browser does not send tokens by itself */
    if (site && !text_eq(site, "same-origin") && !text_eq(site, "none"))
        return err_set(err, ERR_AUTH_FORGED, "this request was made by a page of another site");
    if (origin && !same_origin(call->api, origin))
        return err_set(err, ERR_AUTH_FORGED, "this request was made by a page of another site");
    if (!call->person.session_id)
        return OK; /* nobody: nothing to borrow */
    if (door_same(call->person.csrf, http_header_get(headers, "X-Argil-CSRF")))
        return OK;
    err_set(err, ERR_AUTH_FORGED, "the header X-Argil-CSRF is missing or of another session");
    err_hint(err, "GET " API_ROOT "/session tells the session's token.");
    return FAIL;
}

/* ------------------------------------------------------------------- hosts */

static bool is_loopback(const char *host)
{
    return text_eq(host, "localhost") || text_eq(host, "127.0.0.1") || text_eq(host, "::1");
}

/* An origin such as http://localhost:8470 that leads to us on this machine. */
bool door_host_known_text(const struct api *api, const char *origin)
{
    struct arena *arena = arena_new();
    struct uri uri, ours;
    bool known = uri_parse(arena, origin, &uri) && uri_parse(arena, api->url, &ours) &&
                 text_eq(uri.scheme, ours.scheme) && !uri.userinfo;
    if (known)
        known = (text_eq(uri.host, ours.host) && uri.port == ours.port) ||
                (is_loopback(api->options.host) && is_loopback(uri.host) &&
                 uri.port == http_server_port(api->server));
    arena_free(arena);
    return known;
}

bool door_host_known(const struct api *api, const struct http_header *headers)
{
    const char *host = http_header_get(headers, "Host");
    if (!host || strlen(host) > 255)
        return false;
    if (strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") !=
        strlen(host))
        return false;
    char origin[300];
    snprintf(origin, sizeof origin, "%s://%s", api->secure ? "https" : "http", host);
    if (door_host_known_text(api, origin))
        return true;
    /* behind a proxy that ends TLS, or asked on this machine beside a public name */
    snprintf(origin, sizeof origin, "http://%s", host);
    struct arena *arena = arena_new();
    struct uri uri;
    bool known = uri_parse(arena, origin, &uri) && is_loopback(api->options.host) &&
                 is_loopback(uri.host) && uri.port == http_server_port(api->server);
    arena_free(arena);
    return known;
}
