/* authorize.c - the browser's way from /authorize to the callback.
 *
 *   authorize -> login (or not) -> consent page -> Allow -> callback?code=
 *
 * What is wrong with the request itself is said on the spot, with no redirect.
 * What Salesforce will not tell the app ends on its own error page. The rest
 * goes to the callback (salesforce-auth 1.3 and 2.1). */
#include "localorg/rest/oauth.h"
#include "localorg/rest/pages.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define CONSENT_PATH "/setup/secur/RemoteAccessAuthorizationPage.apexp"
#define ERROR_PATH   "/setup/secur/RemoteAccessErrorPage.apexp"

/* --- ways out --- */

/* To the callback: in the query, or in the fragment for the user-agent flow. */
static void send_back(struct call *call, const struct pending *pending, const struct buf *pairs)
{
    bool fragment = text_starts(pending->response_type, "token");
    char glue = fragment ? '#' : strchr(pending->redirect_uri, '?') ? '&' : '?';
    answer_redirect(
        call, arena_printf(call->arena, "%s%c%s", pending->redirect_uri, glue, buf_text(pairs)));
}

static void send_error(struct call *call, const struct pending *pending, const char *error,
                       const char *description)
{
    struct buf pairs = BUF_INIT;
    form_add(&pairs, "error", error);
    form_add(&pairs, "error_description", description);
    if (pending->state[0])
        form_add(&pairs, "state", pending->state);
    send_back(call, pending, &pairs);
    buf_free(&pairs);
}

static void send_error_page(struct call *call, const struct pending *pending, const char *error,
                            const char *description)
{
    struct buf pairs = BUF_INIT;
    form_add(&pairs, "error", error);
    form_add(&pairs, "error_description", description);
    if (pending->state[0])
        form_add(&pairs, "state", pending->state);
    answer_redirect(call, arena_printf(call->arena, ERROR_PATH "?%s", buf_text(&pairs)));
    buf_free(&pairs);
}

static void send_refusal(struct call *call, const struct pending *pending,
                         const struct refusal *refusal)
{
    if (refusal->delivery == 'P')
        send_error_page(call, pending, refusal->error, refusal->description);
    else
        send_error(call, pending, refusal->error, refusal->description);
}

static void send_code(struct call *call, const struct pending *pending, const struct person *person)
{
    struct code code = {.asked = *pending, .created_ms = call_now(call)};
    struct buf pairs = BUF_INIT;
    memcpy(code.user_id, person->user.id, sizeof code.user_id);
    memcpy(code.username, person->user.username, sizeof code.username);
    grants_open_code(call->site->grants, &code);
    form_add(&pairs, "code", code.code);
    if (pending->state[0])
        form_add(&pairs, "state", pending->state);
    send_back(call, pending, &pairs);
    buf_free(&pairs);
}

/* The user-agent flow: tokens stand in the fragment. */
static void send_tokens(struct call *call, const struct pending *pending, const struct app *app,
                        const struct person *person)
{
    struct token_pair tokens[TOKEN_PAIRS];
    struct buf pairs = BUF_INIT;
    size_t count = oauth_issue(call,
                               &(struct token_wish){.app = app,
                                                    .person = person,
                                                    .scopes = pending->scopes,
                                                    .nonce = pending->nonce,
                                                    .refresh = true},
                               tokens);
    for (size_t i = 0; i < count; i++)
        form_add(&pairs, tokens[i].name, tokens[i].value);
    if (pending->state[0])
        form_add(&pairs, "state", pending->state);
    send_back(call, pending, &pairs);
    buf_free(&pairs);
}

static void finish(struct call *call, const struct pending *pending, const struct app *app,
                   const struct person *person)
{
    grants_close_pending(call->site->grants, pending->source);
    if (text_starts(pending->response_type, "token"))
        send_tokens(call, pending, app, person);
    else
        send_code(call, pending, person);
}

/* --- the request --- */

static bool keep(char *place, size_t size, const char *text)
{
    if (text && strlen(text) >= size)
        return false;
    snprintf(place, size, "%s", text ? text : "");
    return true;
}

/* Reads and checks everything that needs no person. False after answering. */
static bool read_request(struct call *call, struct pending *pending, struct app *app)
{
    struct org_policy org;
    const char *type = form_get(call, "response_type"), *redirect = form_get(call, "redirect_uri");
    const char *scopes = form_get(call, "scope"), *prompt = form_get(call, "prompt");
    const char *challenge = form_get(call, "code_challenge");
    const char *method = form_get(call, "code_challenge_method");
    policies_org(call->site->policies, &org);
    bool token_flow = type && text_starts(type, "token") && org.allow_user_agent_flow;
    if (!type || (strcmp(type, "code") != 0 && !token_flow)) {
        answer_oauth_plain(call, "unsupported_response_type", "response type is not supported");
        return false;
    }
    if (!gate_find_app(call, form_get(call, "client_id"), app)) {
        answer_oauth_plain(call, "invalid_client_id", "client identifier invalid");
        return false;
    }
    if (!redirect) {
        answer_oauth_plain(call, "redirect_uri_missing", "redirect_uri not provided");
        return false;
    }
    if (strncmp(redirect, "urn:ietf:wg:oauth:2.0:oob", 25) == 0) {
        answer_oauth_plain(call, "invalid_request", "out-of-band not supported");
        return false;
    }
    if (!app_callback_ok(app, redirect)) {
        answer_oauth_plain(call, "redirect_uri_mismatch", "redirect_uri must match configuration");
        return false;
    }
    if ((app->pkce_required || org.require_pkce) && !challenge && !token_flow) {
        answer_oauth_plain(call, "invalid_request", "missing required code challenge");
        return false;
    }
    if (challenge && method && strcmp(method, "S256") != 0) {
        answer_oauth_plain(call, "invalid_request", "code challenge method not supported");
        return false;
    }
    if (!keep(pending->redirect_uri, sizeof pending->redirect_uri, redirect) ||
        !keep(pending->state, sizeof pending->state, form_get(call, "state")) ||
        !keep(pending->nonce, sizeof pending->nonce, form_get(call, "nonce")) ||
        !keep(pending->challenge, sizeof pending->challenge, challenge) ||
        !keep(pending->response_type, sizeof pending->response_type, type) ||
        !keep(pending->login_hint, sizeof pending->login_hint, form_get(call, "login_hint")) ||
        !keep(pending->scopes, sizeof pending->scopes, scopes ? scopes : app->scopes)) {
        answer_oauth_plain(call, "invalid_request", "parameter too long");
        return false;
    }
    memcpy(pending->client_id, app->client_id, sizeof pending->client_id);
    pending->force_consent = prompt && words_have(prompt, "consent");
    pending->created_ms = call_now(call);
    return true;
}

static const char *consent_url(struct call *call, const struct pending *pending)
{
    return arena_printf(call->arena, CONSENT_PATH "?source=%s", pending->source);
}

static const char *login_url(struct call *call, const char *start)
{
    return arena_printf(call->arena, "/?ec=302&startURL=%s", uri_encoded(call->arena, start));
}

void oauth_authorize(struct call *call)
{
    struct pending pending = {0};
    struct app app;
    struct person person;
    const char *unknown, *prompt = form_get(call, "prompt");
    const char *immediate = form_get(call, "immediate");
    if (!read_request(call, &pending, &app))
        return;
    if (!oauth_scopes_ok(call->arena, &app, pending.scopes, &unknown) && unknown) {
        send_error(call, &pending, "invalid_scope",
                   "requested scope is invalid, unknown, or malformed");
        return;
    }
    bool signed_in = page_person(call, &person);
    if (immediate && strcmp(immediate, "true") == 0) {
        if (signed_in && !gate_app(call, &person, &app, pending.scopes, true).error &&
            grants_approved(call->site->grants, person.user.id, app.client_id, pending.scopes))
            finish(call, &pending, &app, &person);
        else
            send_error(call, &pending, "immediate_unsuccessful", "immediate unsuccessful");
        return;
    }
    grants_open_pending(call->site->grants, &pending);
    const char *next = consent_url(call, &pending), *hints[HINTS_MAX];
    size_t known = page_hints(call, hints);
    if (prompt && words_have(prompt, "select_account") && known > 1) {
        show_chooser(call, next, hints, known);
        return;
    }
    if (!signed_in || (prompt && words_have(prompt, "login")))
        next = login_url(call, next);
    answer_redirect(call, next);
}

/* --- consent --- */

/* The waiting request, the app and the person. False after answering. */
static bool consent_ready(struct call *call, const char *source, struct pending *pending,
                          struct app *app, struct person *person)
{
    if (!grants_pending(call->site->grants, source, pending) ||
        call_now(call) - pending->created_ms > 15 * 60 * 1000) {
        answer_page(
            call, 400, "OAuth 1800",
            "<h1>OAuth 1800</h1><p class=\"error\">You didn't complete the approval process "
            "before it expired. Start again from the application.</p>");
        return false;
    }
    if (!page_person(call, person)) {
        answer_redirect(call, login_url(call, consent_url(call, pending)));
        return false;
    }
    if (!policies_app(call->site->policies, pending->client_id, app)) {
        send_error_page(call, pending, "invalid_client_id", "client identifier invalid");
        return false;
    }
    bool before = grants_approved(call->site->grants, person->user.id, app->client_id, "");
    struct refusal refusal = gate_app(call, person, app, pending->scopes, before);
    if (refusal.error) {
        if (strcmp(refusal.error, "invalid_client") == 0)
            gate_note(call, &person->user, app, DOOR_CODE,
                      "Package for this consumer is not installed in your organization");
        grants_close_pending(call->site->grants, pending->source);
        send_refusal(call, pending, &refusal);
        return false;
    }
    return true;
}

static const struct {
    const char *scope, *label;
} scope_labels[] = {
    {"id", "Access the identity URL service"},
    {"profile", "Access the identity URL service"},
    {"email", "Access the identity URL service"},
    {"address", "Access the identity URL service"},
    {"phone", "Access the identity URL service"},
    {"openid", "Access unique user identifiers"},
    {"api", "Manage user data via APIs"},
    {"web", "Manage user data via Web browsers"},
    {"full", "Full access"},
    {"refresh_token", "Perform requests at any time"},
    {"offline_access", "Perform requests at any time"},
};

static const char *scope_list(struct call *call, const char *scopes)
{
    struct buf out = BUF_INIT;
    size_t len;
    const char *word;
    buf_str(&out, "<ul>");
    while ((word = words_next(&scopes, &len))) {
        const char *name = arena_strndup(call->arena, word, len), *label = name;
        for (size_t i = 0; i < sizeof scope_labels / sizeof *scope_labels; i++)
            if (strcmp(scope_labels[i].scope, name) == 0)
                label = scope_labels[i].label;
        if (!strstr(buf_text(&out), label))
            buf_printf(&out, "<li>%s</li>", html_escape(call->arena, label));
    }
    buf_str(&out, "</ul>");
    const char *list = arena_strdup(call->arena, buf_text(&out));
    buf_free(&out);
    return list;
}

static void show_consent(struct call *call, const struct pending *pending, const struct app *app,
                         const struct person *person)
{
    struct arena *a = call->arena;
    answer_page(
        call, 200, "Allow Access?",
        arena_printf(
            a,
            "<h1>Allow Access?</h1><p><strong>%s</strong> is asking to:</p>%s<p>Do you want to "
            "allow access for <strong>%s</strong>? (<a href=\"/secur/logout.jsp\">Not you?</a>)</p>"
            "<form method=\"post\" action=\"" CONSENT_PATH "\">"
            "<input type=\"hidden\" name=\"source\" value=\"%s\">"
            "<input type=\"submit\" id=\"oaapprove\" name=\"save\" value=\" Allow \"> "
            "<input type=\"submit\" class=\"quiet\" id=\"oadeny\" name=\"cancel\" value=\" Deny \">"
            "</form>",
            html_escape(a, app->name), scope_list(call, pending->scopes),
            html_escape(a, person->user.username), html_escape(a, pending->source)));
}

void consent_page(struct call *call)
{
    struct pending pending;
    struct app app;
    struct person person;
    if (!consent_ready(call, call_param(call, "source"), &pending, &app, &person))
        return;
    const char *id = person.user.id;
    bool approved = strcmp(app.permitted_users, "admin") == 0 ||
                    grants_approved(call->site->grants, id, app.client_id, pending.scopes);
    if (approved && !pending.force_consent)
        finish(call, &pending, &app, &person);
    else
        show_consent(call, &pending, &app, &person);
}

void consent_submit(struct call *call)
{
    struct pending pending;
    struct app app;
    struct person person;
    if (!consent_ready(call, form_get(call, "source"), &pending, &app, &person))
        return;
    if (!form_get(call, "save")) {
        grants_close_pending(call->site->grants, pending.source);
        send_error(call, &pending, "access_denied", "end-user denied authorization");
        return;
    }
    grants_approve(call->site->grants, person.user.id, app.client_id, pending.scopes);
    site_save(call->site);
    finish(call, &pending, &app, &person);
}
