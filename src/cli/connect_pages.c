/* connect_pages.c - the pages that `argil connect` shows in the browser. See
 * connect_pages.h. */
#include "cli/connect_pages.h"

#include "base/str.h"

#include <string.h>

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1b1b1f;background:#f6f6f8}"
    "main{max-width:42em;margin:2em auto;padding:0 1.2em}"
    ".env{color:#fff;padding:.35em 1.2em;font-weight:600}"
    ".production{background:#a8071a}.sandbox{background:#ad6800}.local{background:#0958d9}"
    "h1{font-size:1.5em}section{background:#fff;border:1px solid #dcdce2;border-radius:8px;"
    "padding:1em 1.2em;margin:1em 0}code,input{font:14px ui-monospace,monospace}"
    "code{overflow-wrap:anywhere}.go{display:inline-block;background:#1b1b1f;color:#fff;"
    "padding:.6em 1.2em;border-radius:6px;text-decoration:none}"
    "button{font:inherit;padding:.25em .8em}input{width:100%;box-sizing:border-box;padding:.5em}"
    "li{margin:.6em 0}.who{color:#55555f}.bad h1{color:#a8071a}";

static void text(struct buf *out, const char *s)
{
    for (; s && *s; s++) {
        switch (*s) {
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '&':
            buf_str(out, "&amp;");
            break;
        case '"':
            buf_str(out, "&quot;");
            break;
        case '\'':
            buf_str(out, "&#39;");
            break;
        default:
            buf_char(out, *s);
        }
    }
}

/* <tag>text</tag>; nothing for no text. */
static void element(struct buf *out, const char *tag, const char *s)
{
    if (text_blank(s))
        return;
    buf_printf(out, "<%s>", tag);
    text(out, s);
    buf_printf(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

static const char *environment_words(const char *environment)
{
    return text_eq(environment, "sandbox")      ? "Test Env (sandbox)"
           : text_eq(environment, "production") ? "Production"
                                                : "Local test org";
}

static void page_open(struct http_in *in, struct http_out *out, int status, const char *title,
                      const char *environment, const char *class, const char *script_nonce)
{
    struct arena *arena = in->arena;
    const char *script =
        script_nonce ? arena_printf(arena, " script-src 'nonce-%s'; connect-src 'self';",
                                    script_nonce)
                     : "";
    out->status = status;
    http_out_header(in, out, "Content-Type", "text/html; charset=utf-8");
    http_out_header(in, out, "Cache-Control", "no-store");
    http_out_header(in, out, "Referrer-Policy", "same-origin"); /* a form's Origin needs one */
    http_out_header(in, out, "X-Content-Type-Options", "nosniff");
    http_out_header(in, out, "Content-Security-Policy",
                    arena_printf(arena,
                                 "default-src 'none'; style-src 'unsafe-inline';%s form-action "
                                 "'self'; frame-ancestors 'none'; base-uri 'none'",
                                 script));
    buf_str(&out->body, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>");
    text(&out->body, title);
    buf_printf(&out->body,
               " - Argil</title><meta name=\"viewport\" content=\"width=device-width\">"
               "<style>%s</style><div class=\"env %s\" id=\"environment\">%s</div>"
               "<main class=\"%s\"><h1>",
               style, environment, environment_words(environment), class);
    text(&out->body, title);
    buf_str(&out->body, "</h1>");
}

static void page_close(struct http_out *out)
{
    buf_str(&out->body, "</main></html>");
}

/* Causes, most likely first, each with what to do and who does it. */
static void put_causes(struct buf *out, const struct crm_findings *causes)
{
    buf_str(out, "<ol id=\"causes\">");
    for (size_t i = 0; i < causes->count; i++) {
        const struct crm_finding *f = &causes->items[i];
        buf_str(out, "<li>");
        text(out, f->cause);
        if (f->fix) {
            buf_str(out, "<br><strong>Do:</strong> ");
            text(out, f->fix);
        }
        if (f->who) {
            buf_str(out, "<br><span class=\"who\">Who: ");
            text(out, f->who);
            buf_str(out, "</span>");
        }
        buf_str(out, "</li>");
    }
    buf_str(out, "</ol>");
}

static void put_paste_form(struct buf *out)
{
    buf_str(out, "<form method=\"post\" action=\"/explain\"><label for=\"seen\">Does Salesforce "
                 "show an error page? Paste its address or its text:</label>"
                 "<p><input id=\"seen\" name=\"text\" autocomplete=\"off\" maxlength=\"8000\"></p>"
                 "<button id=\"explain\">What does it mean?</button></form>");
}

/* ------------------------------------------------------------------- start */

static void put_wish(struct buf *out, const struct connect_wish *wish)
{
    buf_str(out, "<section><p>");
    text(out, wish->again ? "Sign in again, to the same org, at " : "Sign in at ");
    element(out, "code", wish->host);
    buf_str(out, ". Everyone who uses the workspace then reads and writes as the user who signs "
                 "in, within what that user may see.</p><p>Argil asks for ");
    element(out, "code", wish->scopes);
    buf_str(out, ": manage data through the API, at any time, and know who signed in.</p>"
                 "<p><a class=\"go\" id=\"continue\" href=\"/go\" target=\"_blank\" "
                 "rel=\"noopener noreferrer\">Continue to Salesforce</a></p></section>");
}

static void put_callback(struct buf *out, const char *callback)
{
    buf_str(out, "<section><p>Callback URL, exactly as the app must list it (Setup, the app, "
                 "Callback URL):</p><p><code id=\"callback\">");
    text(out, callback);
    buf_str(out, "</code> <button id=\"copy\" type=\"button\">Copy</button></p></section>");
}

static void put_waiting(struct buf *out, const struct crm_findings *generic)
{
    buf_str(out, "<section><p id=\"status\" role=\"status\">Waiting for the sign-in. It is good "
                 "for ten minutes.</p>");
    put_paste_form(out);
    buf_str(out, "<details id=\"late\"><summary>Nothing comes back?</summary><p>When Salesforce "
                 "ends on a page of its own (OAUTH_APPROVAL_ERROR_GENERIC), nothing ever comes "
                 "back here. The usual reasons:</p>");
    put_causes(out, generic);
    buf_str(out, "</details></section>");
}

static const char script[] =
    "const by=(id)=>document.getElementById(id);"
    "by('copy').onclick=async()=>{try{await navigator.clipboard.writeText("
    "by('callback').textContent);by('copy').textContent='Copied'}catch{"
    "getSelection().selectAllChildren(by('callback'))}};"
    "setTimeout(()=>{by('late').open=true},60000);"
    "async function look(){try{const a=await fetch('/status',{cache:'no-store'});"
    "if((await a.json()).done){location.replace('/result');return}}catch{"
    "by('status').textContent='Argil has stopped waiting. The terminal says why.';return}"
    "setTimeout(look,1000)}look();";

void page_start(struct http_in *in, struct http_out *out, const struct connect_wish *wish,
                const struct crm_findings *generic, const char *script_nonce)
{
    const char *title = arena_printf(in->arena, wish->again ? "Reconnect %s" : "Connect %s",
                                     wish->name);
    page_open(in, out, 200, title, wish->environment, "", script_nonce);
    put_wish(&out->body, wish);
    put_callback(&out->body, wish->callback);
    put_waiting(&out->body, generic);
    buf_printf(&out->body, "<script nonce=\"%s\">%s</script>", script_nonce, script);
    page_close(out);
}

/* ------------------------------------------------------------------ results */

static void put_row(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "<tr><th align=\"left\">%s&nbsp;&nbsp;</th><td>", name);
    element(out, "code", value);
    buf_str(out, "</td></tr>");
}

void page_connected(struct http_in *in, struct http_out *out, const struct connection *c,
                    const char *scopes_missing)
{
    page_open(in, out, 200, "Signed in", c->environment, "", NULL);
    buf_str(&out->body, "<section><table>");
    put_row(&out->body, "Connection", c->name);
    put_row(&out->body, "Organization", c->org_name);
    put_row(&out->body, "Organization Id", c->org_id);
    put_row(&out->body, "OAuth user", c->username);
    put_row(&out->body, "Granted", c->scopes);
    buf_str(&out->body, "</table>");
    if (scopes_missing) {
        buf_str(&out->body, "<p id=\"missing\">Asked for, and not granted: ");
        element(&out->body, "code", scopes_missing);
        buf_str(&out->body, "</p>");
    }
    buf_str(&out->body, "</section><p>You can close this page and go back to the terminal.</p>");
    page_close(out);
}

void page_refused(struct http_in *in, struct http_out *out, int status, const struct err *err,
                  const struct crm_findings *causes, const char *environment)
{
    page_open(in, out, status, "Not connected", environment, "bad", NULL);
    buf_str(&out->body, "<section>");
    element(&out->body, "p id=\"error\"", err->message);
    if (causes && causes->count) {
        put_causes(&out->body, causes);
    } else {
        element(&out->body, "p id=\"cause\"", err->cause);
        if (err->hint[0]) {
            buf_str(&out->body, "<p id=\"hint\"><strong>Do:</strong> ");
            text(&out->body, err->hint);
            buf_str(&out->body, "</p>");
        }
    }
    buf_str(&out->body, "</section>");
    page_close(out);
}

void page_explained(struct http_in *in, struct http_out *out, const struct crm_findings *causes,
                    const char *environment)
{
    page_open(in, out, 200, "What it means", environment, "", NULL);
    buf_str(&out->body, "<section>");
    if (causes->count) {
        element(&out->body, "p id=\"error\"", causes->items[0].evidence);
        put_causes(&out->body, causes);
    } else {
        buf_str(&out->body, "<p id=\"error\">No known error is in that text. The address of the "
                            "error page holds error= and error_description=: paste it whole.</p>");
    }
    put_paste_form(&out->body);
    buf_str(&out->body, "</section>");
    page_close(out);
}
