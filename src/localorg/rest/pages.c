/* pages.c - login form and the plain pages around it.
 *
 * Element ids are the ones browser helpers of public clients look for:
 * #username, #password, [name=Login]. No script anywhere: the pages work with
 * it switched off, and nothing a request carries can run. */
#include "localorg/rest/pages.h"

#include "localorg/rest/oauth.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const char style[] =
    "body{margin:0;background:#f4f6f9;color:#16325c;font:16px/1.5 system-ui,sans-serif}"
    "main{max-width:26rem;margin:8vh auto;padding:2rem;background:#fff;border:1px solid #d8dde6;"
    "border-radius:.5rem}h1{font-size:1.25rem;margin:0 0 1rem}label{display:block;margin:.75rem 0 "
    ".25rem}input[type=text],input[type=password]{width:100%;box-sizing:border-box;padding:.5rem;"
    "font:inherit;border:1px solid #747474;border-radius:.25rem}input[type=submit]{margin-top:1rem;"
    "padding:.5rem 1.25rem;font:inherit;border:1px solid #0b5cab;border-radius:.25rem;"
    "background:#0b5cab;color:#fff;cursor:pointer}input.quiet{background:#fff;color:#0b5cab}"
    ".error{padding:.5rem .75rem;background:#fddde3;border-radius:.25rem;color:#640103}"
    ".note{color:#444;font-size:.875rem;margin-top:1.5rem}ul{padding-left:1.25rem}";

const char *html_escape(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT;
    for (; text && *text; text++) {
        switch (*text) {
        case '<':
            buf_str(&out, "&lt;");
            break;
        case '>':
            buf_str(&out, "&gt;");
            break;
        case '&':
            buf_str(&out, "&amp;");
            break;
        case '"':
            buf_str(&out, "&quot;");
            break;
        case '\'':
            buf_str(&out, "&#39;");
            break;
        default:
            buf_char(&out, *text);
        }
    }
    const char *safe = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return safe;
}

void answer_page(struct call *call, int status, const char *title, const char *body)
{
    answer_text(call, status, "text/html;charset=UTF-8", "");
    answer_header(call, "Content-Security-Policy",
                  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    buf_printf(&call->out->body,
               "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>"
               "<meta name=\"viewport\" content=\"width=device-width\"><style>%s</style></head>"
               "<body><main>%s</main></body></html>",
               html_escape(call->arena, title), style, body);
}

static const char *cookie_named(struct call *call, const char *name)
{
    const char *header = call_header(call, "Cookie");
    size_t name_len = strlen(name);
    for (const char *p = header; p && *p;) {
        p += strspn(p, "; ");
        size_t len = strcspn(p, ";");
        if (len > name_len + 1 && memcmp(p, name, name_len) == 0 && p[name_len] == '=')
            return arena_strndup(call->arena, p + name_len + 1, len - name_len - 1);
        p += len;
    }
    return NULL;
}

const char *page_cookie(struct call *call)
{
    return cookie_named(call, "sid");
}

size_t page_hints(struct call *call, const char *out[HINTS_MAX])
{
    const char *cookie = cookie_named(call, HINTS_COOKIE);
    char *list = cookie ? uri_decode(call->arena, cookie, strlen(cookie), false, NULL) : NULL;
    size_t count = 0;
    for (char *at = list; at && *at && count < HINTS_MAX;) {
        size_t len = strcspn(at, "|");
        const char *name = arena_strndup(call->arena, at, len);
        if (org_user_by_name(call->site->org, name, NULL))
            out[count++] = name;
        at += len + (at[len] == '|');
    }
    return count;
}

bool page_person(struct call *call, struct person *person)
{
    char username[128];
    struct org_user user;
    if (!grants_browser(call->site->grants, page_cookie(call), call_now(call), username) ||
        !org_user_by_name(call->site->org, username, &user))
        return false;
    gate_person(call->site, &user, person);
    return true;
}

/* --- login --- */

static const char wrong_password[] =
    "Please check your username and password. If you still can't log in, contact your Salesforce "
    "administrator.";

/* Where to go after signing in: a path of ours, never another site. */
static const char *safe_start(const char *url)
{
    if (!url || url[0] != '/' || url[1] == '/' || strchr(url, '\\') || strchr(url, '\n'))
        return "/localorg";
    return url;
}

/* The pending authorization a startURL leads to. */
static bool pending_of(struct call *call, const char *start, struct pending *pending)
{
    const char *source = strstr(start, "source=");
    return source && grants_pending(
                         call->site->grants,
                         arena_strndup(call->arena, source + 7, strcspn(source + 7, "&")), pending);
}

static const char *hint_of(struct call *call, const char *start)
{
    struct pending pending;
    return pending_of(call, start, &pending) ? arena_strdup(call->arena, pending.login_hint) : "";
}

static void show_login(struct call *call, const char *start, const char *username,
                       const char *error)
{
    struct arena *a = call->arena;
    answer_page(
        call, 200, "Login | localorg",
        arena_printf(
            a,
            "<h1>localorg</h1>%s<form id=\"login_form\" name=\"login\" method=\"post\" "
            "action=\"/\">"
            "<input type=\"hidden\" name=\"startURL\" value=\"%s\">"
            "<label for=\"username\">Username</label><input type=\"text\" id=\"username\" "
            "name=\"username\" value=\"%s\" autocomplete=\"username\" autofocus>"
            "<label for=\"password\">Password</label><input type=\"password\" id=\"password\" "
            "name=\"pw\" autocomplete=\"current-password\">"
            "<input type=\"submit\" id=\"Login\" name=\"Login\" value=\"Log In\"></form>"
            "<p class=\"note\">This is localorg, a Salesforce org on this machine. Nothing you "
            "type "
            "here leaves it. The administrator and the password stand in the line "
            "<code>localorg serve</code> printed when it started.</p>",
            error ? arena_printf(a, "<p class=\"error\" id=\"error\">%s</p>", html_escape(a, error))
                  : "",
            html_escape(a, start), html_escape(a, username)));
}

void login_page(struct call *call)
{
    const char *start = safe_start(call_param(call, "startURL")), *chosen = call_param(call, "un");
    show_login(call, start, chosen ? chosen : hint_of(call, start), NULL);
}

/* Which users this browser has signed in with, newest first, for the chooser. */
static const char *hints_cookie(struct call *call, const char *username)
{
    struct buf out = BUF_INIT;
    const char *known[HINTS_MAX];
    size_t count = page_hints(call, known);
    buf_str(&out, username);
    for (size_t i = 0; i < count && i + 1 < HINTS_MAX; i++)
        if (!text_eq_nocase(known[i], username))
            buf_printf(&out, "|%s", known[i]);
    const char *cookie = arena_printf(call->arena,
                                      HINTS_COOKIE "=%s; Path=/; Max-Age=31536000; HttpOnly; "
                                                   "SameSite=Lax",
                                      uri_encoded(call->arena, buf_text(&out)));
    buf_free(&out);
    return cookie;
}

/* A sign-in on its way to consent ends on Salesforce's error page. */
static void bar_login(struct call *call, const char *start, const struct person *person,
                      const char *status)
{
    bool form =
        strcmp(status, "User is inactive") == 0 || strcmp(status, "Password lockout") == 0 ||
        strcmp(status, "Login rate exceeded") == 0 || strcmp(status, "Organization locked") == 0 ||
        strcmp(status, "Restricted domain") == 0;
    if (form)
        show_login(call, start, person->user.username, wrong_password);
    else
        answer_redirect(call, "/setup/secur/RemoteAccessErrorPage.apexp?error=OAUTH_APPROVAL_ERROR_"
                              "GENERIC&error_description=An+unexpected+error+has+occured+during+"
                              "authentication.+Please+try+again.");
}

void login_submit(struct call *call)
{
    struct org_user user;
    struct person person;
    struct pending pending;
    struct app app;
    char cookie[128];
    const char *username = form_get(call, "username"), *password = form_get(call, "pw");
    const char *start = safe_start(form_get(call, "startURL"));
    if (!username)
        username = form_get(call, "un");
    if (!username || !password || !org_user_by_name(call->site->org, username, &user)) {
        show_login(call, start, username ? username : "", wrong_password);
        return;
    }
    gate_person(call->site, &user, &person);
    bool for_app = pending_of(call, start, &pending) &&
                   policies_app(call->site->policies, pending.client_id, &app);
    struct bar bar = gate_bar(call, &person, for_app ? &app : NULL, DOOR_BROWSER);
    bool right = org_user_check_password(call->site->org, username, password);
    if (!right && (!bar.status || strcmp(bar.status, "Password lockout") != 0)) {
        gate_failed(call, &user);
        bar.status = "Invalid Password";
        show_login(call, start, username, wrong_password);
    } else if (bar.status) {
        bar_login(call, start, &person, bar.status);
    }
    if (bar.status) {
        gate_note(call, &user, NULL, DOOR_BROWSER, bar.status);
        return;
    }
    gate_note(call, &user, NULL, DOOR_BROWSER, "Success");
    grants_open_browser(call->site->grants, user.username, call_now(call), cookie,
                        org_id15(call->site->org));
    answer_redirect(call, start);
    answer_header(call, "Set-Cookie",
                  arena_printf(call->arena, "sid=%s; Path=/; HttpOnly; SameSite=Lax", cookie));
    answer_header(call, "Set-Cookie", hints_cookie(call, user.username));
}

void login_logout(struct call *call)
{
    const char *cookie = page_cookie(call);
    if (cookie)
        grants_close_browser(call->site->grants, cookie);
    answer_redirect(call, "/");
    answer_header(call, "Set-Cookie", "sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
}

/* --- the account chooser: prompt=select_account --- */

void show_chooser(struct call *call, const char *start, const char *const *names, size_t count)
{
    struct buf list = BUF_INIT;
    struct arena *a = call->arena;
    for (size_t i = 0; i < count; i++)
        buf_printf(&list,
                   "<li><a class=\"hint\" href=\"/?ec=302&amp;startURL=%s&amp;un=%s\">%s</a></li>",
                   uri_encoded(a, start), uri_encoded(a, names[i]), html_escape(a, names[i]));
    answer_page(call, 200, "Choose a Username | localorg",
                arena_printf(a,
                             "<h1>Choose a Username</h1><ul id=\"idlist\">%s</ul>"
                             "<p><a id=\"use_new_identity\" href=\"/?ec=302&amp;startURL=%s\">Log "
                             "In with a Different Username</a></p>",
                             buf_text(&list), uri_encoded(a, start)));
    buf_free(&list);
}

/* --- plain pages --- */

void oauth_error_page(struct call *call)
{
    struct arena *a = call->arena;
    const char *error = call_param(call, "error"), *words = call_param(call, "error_description");
    answer_page(
        call, 200, "OAuth Error",
        arena_printf(a,
                     "<h1>OAuth Error</h1><p class=\"error\" id=\"error\">"
                     "OAUTH_APPROVAL_ERROR_GENERIC : An unexpected error has occured during "
                     "authentication. Please try again.</p><p class=\"note\">The page's "
                     "address holds the cause: <code>%s</code>: %s</p>",
                     html_escape(a, error ? error : "none"),
                     html_escape(a, words ? words : "none")));
}

void oauth_success(struct call *call)
{
    answer_page(call, 200, "Success",
                "<h1>Remote Access Application Authorization</h1>"
                "<p>You can close this window.</p>");
}

/* Callback parameters as JSON, for headless sign-in. */
void oauth_echo(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    for (const struct uri_pair *pair = call->query; pair; pair = pair->next)
        jw_kv_text(&w, pair->name, pair->value);
    jw_end_object(&w);
}

void favicon(struct call *call)
{
    answer_empty(call, 204);
}
