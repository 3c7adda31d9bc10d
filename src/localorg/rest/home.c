/* home.c - GET /localorg/: this org at a glance, for a person. One page, no
 * script, nothing fetched from elsewhere. */
#include "localorg/rest/pages.h"
#include "localorg/rest/resources.h"

#include "base/when.h"
#include "localorg/seed/seed.h"

#include <string.h>

static const char style[] =
    "body{margin:0;background:#f4f6f9;color:#16325c;font:15px/1.5 system-ui,sans-serif}"
    "main{max-width:68rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.5rem;margin:0}"
    "h2{font-size:1.05rem;margin:2rem 0 .5rem}table{border-collapse:collapse;width:100%;"
    "background:#fff;border:1px solid #d8dde6}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #e8ebf0;vertical-align:top}th{font-weight:600;background:#fafbfc}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}code{background:#e8ecf2;"
    "padding:.1rem .25rem;border-radius:.2rem;overflow-wrap:anywhere}.bad{color:#9c1006}"
    "p{margin:.5rem 0}";

static void row_counts(struct call *call, struct buf *out)
{
    const struct schema *schema = org_schema(call->site->org);
    sqlite3 *db = org_reader_take(call->site->org);
    buf_str(out, "<h2 id=\"objects\">Objects that hold records</h2><table><tr><th>Object</th>"
                 "<th>Prefix</th><th class=\"n\">Fields</th><th class=\"n\">Records</th></tr>");
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        sqlite3_stmt *row = NULL;
        int64_t count = 0;
        char *sql = arena_printf(call->arena, "SELECT COUNT(*) FROM \"%s\" WHERE \"IsDeleted\"=0",
                                 object->name);
        if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK &&
            sqlite3_step(row) == SQLITE_ROW)
            count = sqlite3_column_int64(row, 0);
        sqlite3_finalize(row);
        if (count)
            buf_printf(out,
                       "<tr><td>%s</td><td>%s</td><td class=\"n\">%zu</td><td class=\"n\">%lld</td>"
                       "</tr>",
                       html_escape(call->arena, object->name),
                       object->key_prefix ? object->key_prefix : "", object->field_count,
                       (long long)count);
    }
    buf_str(out, "</table>");
    org_reader_give(call->site->org, db);
}

static void app_rows(struct call *call, struct buf *out)
{
    struct app app;
    buf_str(out, "<h2 id=\"apps\">Connected apps</h2><table><tr><th>App</th><th>Consumer key</th>"
                 "<th>Callbacks</th><th>Scopes</th></tr>");
    for (size_t i = 0; policies_app_at(call->site->policies, i, &app); i++)
        buf_printf(out, "<tr><td>%s</td><td><code>%s</code></td><td>%s%s</td><td>%s</td></tr>",
                   html_escape(call->arena, app.name), html_escape(call->arena, app.client_id),
                   html_escape(call->arena, app.callbacks),
                   app.loopback_callbacks ? " http://127.0.0.1, any port" : "",
                   html_escape(call->arena, app.scopes));
    buf_str(out, "</table>");
}

static void request_row(struct call *call, const struct json *entry, struct buf *out)
{
    int64_t status = json_get_int(entry, "status", 0);
    const char *user = json_get_text(entry, "user");
    buf_printf(out,
               "<tr><td>%.12s</td><td>%s <code>%s</code></td><td class=\"n %s\">%lld</td>"
               "<td class=\"n\">%s</td><td>%s</td></tr>",
               json_get_text(entry, "time") + sizeof "2026-11-23T" - 1,
               html_escape(call->arena, json_get_text(entry, "method")),
               html_escape(call->arena, json_get_text(entry, "path")),
               status >= 400 || status == 0 ? "bad" : "", (long long)status,
               json_get_text(entry, "ms"), user ? html_escape(call->arena, user) : "");
}

static void request_rows(struct call *call, struct buf *out)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    requests_write(call->site->requests, 30, 0, NULL, &w);
    const struct json *log = json_parse(call->arena, text.data, text.len, NULL);
    buf_str(out, "<h2 id=\"requests\">Last requests</h2><table><tr><th>Time</th><th>Request</th>"
                 "<th class=\"n\">Status</th><th class=\"n\">ms</th><th>User</th></tr>");
    const struct json *entries = json_get(log, "requests");
    for (size_t i = entries ? entries->len : 0; i-- > 0;) /* newest first */
        request_row(call, json_at(entries, i), out);
    buf_str(out, "</table>");
    buf_free(&text);
}

void home_page(struct call *call)
{
    struct limits limits;
    char now[32];
    struct buf *out = &call->out->body;
    meter_limits(call->site->meter, call_now(call), &limits);
    when_iso_seconds(call_now(call), now);
    answer_text(call, 200, "text/html;charset=UTF-8", "");
    answer_header(call, "Content-Security-Policy",
                  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    answer_header(call, "Cache-Control", "no-store");
    buf_printf(out,
               "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>localorg"
               "</title><meta name=\"viewport\" content=\"width=device-width\"><style>%s</style>"
               "</head><body><main><h1>localorg</h1><p>Org <code>%s</code> at <code>%s</code>, "
               "%s (seed %s). API calls in the last 24 hours: %lld of %lld.</p>"
               "<p>Administrator <code>" SEED_ADMIN_USERNAME
               "</code>, password <code>" SEED_PASSWORD
               "</code>. A token for a script: <code>curl -X POST %s/localorg/token</code>. "
               "All routes: <a href=\"/localorg/help\">/localorg/help</a>; "
               "<a href=\"/localorg/stats\">stats</a>, <a href=\"/localorg/faults\">faults</a>, "
               "<a href=\"/localorg/policies\">policies</a>, <a href=\"/localorg/users\">users</a>."
               "</p>",
               style, org_id18(call->site->org), call->site->url, now, call->site->options.seed,
               (long long)limits.daily_used, (long long)limits.daily_max, call->site->url);
    row_counts(call, out);
    app_rows(call, out);
    request_rows(call, out);
    buf_str(out, "</main></body></html>");
}
