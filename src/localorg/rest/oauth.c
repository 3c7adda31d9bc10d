/* oauth.c - form fields, errors, the gate of policies, and the making of tokens. */
#include "localorg/rest/oauth.h"

#include "base/secret.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

const char *form_get(struct call *call, const char *name)
{
    const struct uri_pair *pairs =
        uri_pairs(call->arena, buf_text(&call->in->body), call->in->body.len);
    const char *value = uri_pair_get(pairs, name);
    if (!value)
        value = call_param(call, name);
    return value && *value ? value : NULL;
}

void form_add(struct buf *out, const char *name, const char *value)
{
    struct buf encoded = BUF_INIT;
    uri_encode(&encoded, value, strlen(value));
    if (out->len)
        buf_char(out, '&');
    buf_printf(out, "%s=", name);
    for (const char *p = buf_text(&encoded); *p; p++) {
        if (strncmp(p, "%20", 3) == 0) {
            buf_char(out, '+');
            p += 2;
        } else {
            buf_char(out, *p);
        }
    }
    buf_free(&encoded);
}

void answer_oauth_error(struct call *call, const char *error, const char *description)
{
    struct token_pair pairs[] = {{"error", error}, {"error_description", description}};
    answer_pairs(call, 400, pairs, description ? 2 : 1);
}

void answer_oauth_plain(struct call *call, const char *error, const char *description)
{
    answer_text(call, 400, NULL,
                arena_printf(call->arena, "error=%s&error_description=%s", error,
                             uri_encoded(call->arena, description)));
    answer_header(call, "Cache-Control", "no-store");
}

bool oauth_scopes_ok(struct arena *arena, const struct app *app, const char *scopes,
                     const char **unknown)
{
    size_t len;
    const char *word;
    *unknown = NULL;
    while ((word = words_next(&scopes, &len))) {
        const char *name = arena_strndup(arena, word, len);
        if (!scope_known(word, len)) {
            *unknown = name;
            return false;
        }
        if (!scope_covers(app->scopes, name))
            return false;
    }
    return true;
}

/* --- the client of a token request --- */

/* id and secret of an Authorization: Basic header. */
static bool basic_credentials(struct call *call, const char **id, const char **secret)
{
    const char *header = call_header(call, "Authorization");
    size_t len;
    if (!header || strncasecmp(header, "Basic ", 6) != 0)
        return false;
    char *pair = base64_decode(call->arena, header + 6, strlen(header + 6), &len);
    char *colon = pair ? memchr(pair, ':', len) : NULL;
    if (!colon)
        return false;
    *id = uri_decode(call->arena, pair, (size_t)(colon - pair), true, NULL);
    *secret = uri_decode(call->arena, colon + 1, len - (size_t)(colon - pair) - 1, true, NULL);
    return *id && *secret;
}

static bool secret_right(const char *given, const char *wanted)
{
    struct secret a = {0}, b = {0};
    secret_set(&a, given, strlen(given));
    secret_set(&b, wanted, strlen(wanted));
    bool same = secret_equal(&a, &b);
    secret_wipe(&a);
    secret_wipe(&b);
    return same;
}

static bool assertion_right(struct call *call, const struct app *app)
{
    struct jwt jwt;
    const char *assertion = form_get(call, "client_assertion");
    return assertion && jwt_parse(call->arena, assertion, &jwt) &&
           text_eq(json_get_text(jwt.payload, "iss"), app->client_id) &&
           (app->accept_any_key || (app->certificate[0] && jwt_verify(&jwt, app->certificate)));
}

bool oauth_client(struct call *call, struct client *out)
{
    const char *id = form_get(call, "client_id"), *secret = form_get(call, "client_secret");
    const char *header = call_header(call, "Authorization");
    out->proved = false;
    if (!id && header && strncasecmp(header, "Basic", 5) == 0 &&
        !basic_credentials(call, &id, &secret)) {
        answer_oauth_error(call, "invalid_basic_auth_header", "malformed Basic header");
        return false;
    }
    if (!id) {
        struct jwt jwt;
        const char *assertion = form_get(call, "client_assertion");
        if (assertion && jwt_parse(call->arena, assertion, &jwt))
            id = json_get_text(jwt.payload, "iss");
    }
    if (!id || !gate_find_app(call, id, &out->app)) {
        answer_oauth_error(call, "invalid_client_id", "client identifier invalid");
        return false;
    }
    if (assertion_right(call, &out->app)) {
        out->proved = true;
    } else if (secret && out->app.client_secret[0]) {
        if (!secret_right(secret, out->app.client_secret)) {
            answer_oauth_error(call, "invalid_client", "invalid client credentials");
            return false;
        }
        out->proved = true;
    }
    if (out->app.blocked) {
        answer_oauth_error(call, "app_blocked", "this app is blocked by admin");
        return false;
    }
    if (out->app.external && !out->app.installed) {
        answer_oauth_error(call, "app_not_found",
                           "External client app is not installed in this org");
        return false;
    }
    return true;
}

/* --- tokens --- */

static const char *id_token(struct call *call, const struct token_wish *wish, const char *identity,
                            const char *access_token)
{
    struct buf out = BUF_INIT;
    struct jw w;
    struct err err = {{0}};
    int64_t now_s = call_now(call) / 1000;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "at_hash", sign_at_hash(call->arena, access_token));
    jw_kv_text(&w, "sub", identity);
    jw_kv_text(&w, "aud", wish->app->client_id);
    jw_kv_text(&w, "iss", call->origin);
    jw_kv_int(&w, "iat", now_s);
    jw_kv_int(&w, "exp", now_s + wish->app->id_token_s);
    if (wish->nonce && *wish->nonce)
        jw_kv_text(&w, "nonce", wish->nonce);
    jw_end_object(&w);
    const char *token = signer_jwt(call->site->signer, call->arena, buf_text(&out), &err);
    buf_free(&out);
    return token;
}

static const char *open_refresh(struct call *call, const struct token_wish *wish, uint64_t *grant)
{
    struct refresh refresh = {0};
    struct org_policy org;
    policies_org(call->site->policies, &org);
    const struct org_user *user = &wish->person->user;
    memcpy(refresh.user_id, user->id, sizeof refresh.user_id);
    memcpy(refresh.username, user->username, sizeof refresh.username);
    snprintf(refresh.client_id, sizeof refresh.client_id, "%s", wish->app->client_id);
    snprintf(refresh.scopes, sizeof refresh.scopes, "%s", wish->scopes);
    refresh.created_ms = refresh.used_ms = call_now(call);
    grants_open_refresh(call->site->grants, &refresh, org.approvals_per_user);
    *grant = refresh.grant;
    return arena_strdup(call->arena, refresh.token);
}

size_t oauth_issue(struct call *call, const struct token_wish *wish,
                   struct token_pair pairs[TOKEN_PAIRS])
{
    struct session session = {.created_ms = call_now(call), .grant = wish->grant};
    const struct org_user *user = &wish->person->user;
    size_t n = 0;
    const char *refresh_token = wish->new_refresh_token;
    if (wish->refresh && scope_covers(wish->scopes, "refresh_token") &&
        (words_have(wish->scopes, "refresh_token") || words_have(wish->scopes, "offline_access")))
        refresh_token = open_refresh(call, wish, &session.grant);
    session.used_ms = session.created_ms;
    session.timeout_ms = 1000 * gate_timeout_s(call, wish->person, wish->app);
    session.high_assurance =
        wish->person->policy.second_factor || strcmp(wish->app->high_assurance, "raise") == 0;
    memcpy(session.user_id, user->id, sizeof session.user_id);
    memcpy(session.username, user->username, sizeof session.username);
    snprintf(session.client_id, sizeof session.client_id, "%s", wish->app->client_id);
    snprintf(session.scopes, sizeof session.scopes, "%s", wish->scopes);
    const char *host = call_header(call, "Host");
    snprintf(session.peer, sizeof session.peer, "%s", call_peer(call));
    snprintf(session.host, sizeof session.host, "%s", host ? host : "");
    grants_open_session(call->site->grants, org_id15(call->site->org), &session);

    const char *token = arena_strdup(call->arena, session.token);
    const char *issued = arena_printf(call->arena, "%lld", (long long)session.created_ms);
    const char *identity =
        arena_printf(call->arena, "%s/id/%s/%s", call->origin, org_id18(call->site->org), user->id);
    pairs[n++] = (struct token_pair){"access_token", token};
    if (refresh_token)
        pairs[n++] = (struct token_pair){"refresh_token", refresh_token};
    pairs[n++] = (struct token_pair){
        "signature", sign_identity(call->arena, wish->app->client_secret, identity, issued)};
    pairs[n++] = (struct token_pair){"scope", arena_strdup(call->arena, wish->scopes)};
    if (words_have(wish->scopes, "openid") && !wish->new_refresh_token && !wish->grant)
        pairs[n++] = (struct token_pair){"id_token", id_token(call, wish, identity, token)};
    pairs[n++] = (struct token_pair){"instance_url", call_instance(call)};
    pairs[n++] = (struct token_pair){"id", identity};
    pairs[n++] = (struct token_pair){"token_type", "Bearer"};
    pairs[n++] = (struct token_pair){"issued_at", issued};
    return n;
}

static void xml_text(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            buf_str(out, "&lt;");
        else if (*text == '>')
            buf_str(out, "&gt;");
        else if (*text == '&')
            buf_str(out, "&amp;");
        else
            buf_char(out, *text);
    }
}

static void pairs_xml(struct buf *out, const struct token_pair *pairs, size_t count)
{
    buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OAuth>");
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "<%s>", pairs[i].name);
        xml_text(out, pairs[i].value);
        buf_printf(out, "</%s>", pairs[i].name);
    }
    buf_str(out, "</OAuth>");
}

void answer_pairs(struct call *call, int status, const struct token_pair *pairs, size_t count)
{
    const char *format = form_get(call, "format"), *accept = call_header(call, "Accept");
    struct buf out = BUF_INIT;
    struct jw w;
    if (!format)
        format = accept && strstr(accept, "application/xml")                     ? "xml"
                 : accept && strstr(accept, "application/x-www-form-urlencoded") ? "urlencoded"
                                                                                 : "json";
    if (strcmp(format, "xml") == 0) {
        pairs_xml(&out, pairs, count);
        answer_text(call, status, "application/xml;charset=UTF-8", buf_text(&out));
    } else if (strcmp(format, "urlencoded") == 0) {
        for (size_t i = 0; i < count; i++)
            uri_pair_add(&out, pairs[i].name, pairs[i].value);
        answer_text(call, status, "application/x-www-form-urlencoded;charset=UTF-8",
                    buf_text(&out));
    } else {
        answer_json(call, status, &w);
        jw_object(&w);
        for (size_t i = 0; i < count; i++)
            jw_kv_text(&w, pairs[i].name, pairs[i].value);
        jw_end_object(&w);
    }
    buf_free(&out);
    answer_header(call, "Cache-Control", "no-store");
    answer_header(call, "Pragma", "no-cache");
}
