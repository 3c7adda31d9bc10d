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

const char *page_cookie(struct call *call)
{
    const char *header = call_header(call, "Cookie");
    for (const char *p = header; p && *p;) {
        p += strspn(p, "; ");
        size_t len = strcspn(p, ";");
        if (len > 4 && memcmp(p, "sid=", 4) == 0)
            return arena_strndup(call->arena, p + 4, len - 4);
        p += len;
    }
    return NULL;
}

bool page_user(struct call *call, struct org_user *user)
{
    char username[128];
    return grants_browser(call->site->grants, page_cookie(call), call_now(call), username) &&
           org_user_by_name(call->site->org, username, user);
}

/* --- login --- */

/* Where to go after signing in: a path of ours, never another site. */
static const char *safe_start(const char *url)
{
    if (!url || url[0] != '/' || url[1] == '/' || strchr(url, '\\') || strchr(url, '\n'))
        return "/localorg";
    return url;
}

/* The pending authorization a startURL leads to, for login_hint. */
static const char *hint_of(struct call *call, const char *start)
{
    struct pending pending;
    const char *source = strstr(start, "source=");
    if (!source ||
        !grants_pending(call->site->grants,
                        arena_strndup(call->arena, source + 7, strcspn(source + 7, "&")), &pending))
        return "";
    return arena_strdup(call->arena, pending.login_hint);
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
    const char *start = safe_start(call_param(call, "startURL"));
    show_login(call, start, hint_of(call, start), NULL);
}

/* True when this user may not sign in with a password at all; a sign-in that
 * was on its way to consent ends on Salesforce's error page then. */
static bool barred(struct call *call, const struct org_user *user)
{
    struct user_policy policy;
    policies_user(call->site->policies, user->username, user->system_administrator, &policy);
    return policy.frozen || policy.api_only || policy.integration_licence ||
           policy.single_sign_on || policy.ip_restricted || policy.login_hours_closed;
}

void login_submit(struct call *call)
{
    static const char wrong[] = "Please check your username and password. If you still can't log "
                                "in, contact your Salesforce administrator.";
    struct org_user user;
    char cookie[128];
    const char *username = form_get(call, "username"), *password = form_get(call, "pw");
    const char *start = safe_start(form_get(call, "startURL"));
    if (!username)
        username = form_get(call, "un");
    if (!username || !password || !org_user_by_name(call->site->org, username, &user) ||
        !user.active || !org_user_check_password(call->site->org, username, password)) {
        show_login(call, start, username ? username : "", wrong);
        return;
    }
    if (barred(call, &user)) {
        answer_redirect(call, "/setup/secur/RemoteAccessErrorPage.apexp?error=OAUTH_APPROVAL_ERROR_"
                              "GENERIC&error_description=An+unexpected+error+has+occured+during+"
                              "authentication.+Please+try+again.");
        return;
    }
    grants_open_browser(call->site->grants, user.username, call_now(call), cookie,
                        org_id15(call->site->org));
    answer_redirect(call, start);
    answer_header(call, "Set-Cookie",
                  arena_printf(call->arena, "sid=%s; Path=/; HttpOnly; SameSite=Lax", cookie));
}

void login_logout(struct call *call)
{
    const char *cookie = page_cookie(call);
    if (cookie)
        grants_close_browser(call->site->grants, cookie);
    answer_redirect(call, "/");
    answer_header(call, "Set-Cookie", "sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
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
