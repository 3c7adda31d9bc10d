/* control.c - what a test says to localorg that no Salesforce org would hear:
 * tokens, time, limits, faults, what was asked. docs/localorg/control.md. */
#include "localorg/rest/control.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "base/when.h"
#include "localorg/seed/enrich.h"
#include "localorg/seed/seed.h"

#include <stdlib.h>
#include <string.h>

/* The body as an object; an empty one counts as {}. NULL after answering. */
static const struct json *control_body(struct call *call)
{
    static const struct json empty = {.type = JSON_OBJECT};
    struct err err = {{0}};
    if (call->in->body.len == 0)
        return &empty;
    const struct json *body = json_parse_buf(call->arena, &call->in->body, &err);
    if (!body) {
        err_wrap(&err, "the request body");
        answer_refusal(call, 400, &err);
    }
    return body;
}

static void answer_done(struct call *call, const char *key, int64_t count)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_bool(&w, "ok", true);
    if (key)
        jw_kv_int(&w, key, count);
    jw_end_object(&w);
}

void control_help(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_array(&w);
    for (size_t i = 0; i < route_count; i++) {
        jw_object(&w);
        jw_kv_text(&w, "methods", routes[i].method);
        jw_kv_text(&w, "path", routes[i].pattern);
        jw_kv_text(&w, "help", routes[i].help);
        jw_kv_bool(&w, "counts_as_api_call", routes[i].kind == ROUTE_API);
        jw_end_object(&w);
    }
    jw_end_array(&w);
}

/* --- tokens --- */

static void refuse_unknown_user(struct call *call, const char *username)
{
    struct err err = {{0}};
    err_set(&err, ERR_NOT_FOUND, "no user \"%s\" in this org", username ? username : "");
    err_hint(&err, "GET /localorg/users lists them; the administrator is " SEED_ADMIN_USERNAME);
    answer_refusal(call, 404, &err);
}

void control_token(struct call *call)
{
    struct session session = {0};
    struct jw w;
    const struct json *body = control_body(call);
    if (!body)
        return;
    const char *username = json_get_text(body, "username");
    if (!username)
        username = call_param(call, "username");
    if (!username)
        username = SEED_ADMIN_USERNAME;
    if (!site_token(call->site, username, &session)) {
        refuse_unknown_user(call, username);
        return;
    }
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "access_token", session.token);
    jw_kv_text(&w, "instance_url", call->origin);
    jw_kv_text(&w, "id",
               arena_printf(call->arena, "%s/id/%s/%s", call->origin, org_id18(call->site->org),
                            session.user_id));
    jw_kv_text(&w, "token_type", "Bearer");
    jw_kv_text(&w, "username", session.username);
    jw_kv_text(&w, "user_id", session.user_id);
    jw_kv_text(&w, "organization_id", org_id18(call->site->org));
    jw_kv_text(&w, "scope", session.scopes);
    jw_end_object(&w);
}

void control_expire(struct call *call)
{
    const struct json *body = control_body(call);
    if (body)
        answer_done(
            call, "expired",
            (int64_t)grants_expire_sessions(call->site->grants, json_get_text(body, "username")));
}

void control_revoke(struct call *call)
{
    const struct json *body = control_body(call);
    if (body)
        answer_done(call, "revoked",
                    (int64_t)grants_revoke(call->site->grants, json_get_text(body, "username"),
                                           json_get_text(body, "client_id")));
}

/* --- faults --- */

void control_faults_get(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    faults_write(call->site->faults, &w);
}

void control_faults(struct call *call)
{
    struct err err = {{0}};
    size_t added = 0;
    const struct json *body = control_body(call);
    if (!body)
        return;
    if (faults_add(call->site->faults, body, &added, &err) != OK)
        answer_refusal(call, 400, &err);
    else
        answer_done(call, "added", (int64_t)added);
}

void control_faults_delete(struct call *call)
{
    answer_done(call, "removed",
                (int64_t)faults_remove(call->site->faults, call_param(call, "name")));
}

/* --- the clock --- */

void control_clock_get(struct call *call)
{
    struct jw w;
    char now[32];
    when_iso(call_now(call), now);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "now", now);
    jw_kv_int(&w, "now_ms", call_now(call));
    jw_kv_int(&w, "shift_ms", call_now(call) - call->site->world->now_ms(call->site->world));
    jw_kv_int(&w, "stamp_lag_ms", org_stamp_lag(call->site->org));
    jw_end_object(&w);
}

void control_clock(struct call *call)
{
    static const char *const known[] = {"shift_ms", "shift_s", "to", "freeze",
                                        "stamp_lag_ms"};
    struct err err = {{0}};
    int64_t to, shift = 0;
    const struct json *body = control_body(call);
    if (!body)
        return;
    json_each(member, body) {
        bool ok = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            ok |= strcmp(member->key, known[i]) == 0;
        if (!ok) {
            err_set(&err, ERR_INVALID, "the clock knows no \"%s\"", member->key);
            err_hint(&err, "shift_ms, shift_s, to (an instant such as 2026-11-23T10:00:00Z), "
                           "freeze (true or false), stamp_lag_ms");
            answer_refusal(call, 400, &err);
            return;
        }
    }
    const char *instant = json_get_text(body, "to");
    if (instant && !when_parse(instant, &to)) {
        err_set(&err, ERR_INVALID, "\"to\" is not an instant: %s", instant);
        answer_refusal(call, 400, &err);
        return;
    }
    if (json_get(body, "freeze"))
        org_clock_freeze(call->site->org, json_get_bool(body, "freeze", false));
    shift = json_get_int(body, "shift_ms", 0) + 1000 * json_get_int(body, "shift_s", 0);
    if (instant)
        shift = to - call_now(call);
    org_clock_shift(call->site->org, shift);
    if (json_get(body, "stamp_lag_ms"))
        org_set_stamp_lag(call->site->org, json_get_int(body, "stamp_lag_ms", 0));
    control_clock_get(call);
}

/* --- limits and latency --- */

void control_limits_get(struct call *call)
{
    struct limits limits;
    struct jw w;
    meter_limits(call->site->meter, call_now(call), &limits);
    answer_json(call, 200, &w);
    jw_object(&w);
    settings_write(limit_settings, limit_setting_count, &limits, &w);
    jw_end_object(&w);
}

/* Those that are kept where they are enforced. */
static void tell_limits(struct call *call)
{
    struct limits limits;
    meter_limits(call->site->meter, call_now(call), &limits);
    org_storage_limit(call->site->org, limits.data_storage_mb);
    control_limits_get(call);
}

void control_limits(struct call *call)
{
    struct err err = {{0}};
    const struct json *body = control_body(call);
    if (!body)
        return;
    if (meter_set(call->site->meter, call_now(call), body, &err) != OK)
        answer_refusal(call, 400, &err);
    else
        tell_limits(call);
}

void control_latency_get(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_int(&w, "ms", call->site->latency_ms);
    jw_end_object(&w);
}

void control_latency(struct call *call)
{
    const struct json *body = control_body(call);
    if (!body)
        return;
    int64_t ms = json_get_int(body, "ms", -1);
    if (ms < 0 || ms > 600000) {
        struct err err = {{0}};
        err_set(&err, ERR_INVALID, "latency wants {\"ms\": 0 to 600000}");
        answer_refusal(call, 400, &err);
        return;
    }
    call->site->latency_ms = ms;
    control_latency_get(call);
}

/* --- what was asked --- */

void control_stats(struct call *call)
{
    struct limits limits;
    struct grants_count grants;
    struct jw w;
    struct site *site = call->site;
    meter_limits(site->meter, call_now(call), &limits);
    grants_counts(site->grants, &grants);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_int(&w, "uptime_ms", site->world->now_ms(site->world) - site->started_ms);
    jw_key(&w, "api_calls");
    jw_object(&w);
    jw_kv_int(&w, "used", limits.daily_used);
    jw_kv_int(&w, "max", limits.daily_max);
    jw_kv_int(&w, "total", meter_total(site->meter));
    jw_end_object(&w);
    jw_kv_int(&w, "sessions", (int64_t)grants.sessions);
    jw_kv_int(&w, "refresh_tokens", (int64_t)grants.refresh_tokens);
    jw_kv_int(&w, "open_cursors", (int64_t)cursors_count(site->cursors));
    requests_write_stats(site->requests, route_name, &w);
    jw_end_object(&w);
}

void control_requests(struct call *call)
{
    struct jw w;
    const char *limit = call_param(call, "limit"), *since = call_param(call, "since");
    answer_json(call, 200, &w);
    requests_write(call->site->requests, limit ? strtoul(limit, NULL, 10) : 100,
                   since ? strtoull(since, NULL, 10) : 0, call_param(call, "path"), &w);
}

void control_requests_delete(struct call *call)
{
    requests_clear(call->site->requests);
    answer_done(call, NULL, 0);
}

/* --- the company facts service --- */

void enrich_companies(struct call *call)
{
    const char *domain = call_param(call, "domain");
    struct jw w;
    answer_json(call, 200, &w);
    if (!text_blank(domain) && enrich_company(domain, &call->out->body))
        return;
    answer_json(call, text_blank(domain) ? 400 : 404, &w);
    jw_object(&w);
    jw_kv_text(&w, "error", text_blank(domain) ? "domain is missing" : "no such company");
    if (domain)
        jw_kv_text(&w, "domain", domain);
    jw_end_object(&w);
}

/* --- for those who make things --- */

bool control_on_behalf(struct call *call)
{
    struct err err = {{0}};
    struct org_user user;
    const char *name = call_param(call, "username");
    if (!name)
        name = SEED_ADMIN_USERNAME;
    if (org_user_by_name(call->site->org, name, &user)) {
        memcpy(call->session.user_id, user.id, sizeof user.id);
        snprintf(call->session.username, sizeof call->session.username, "%.63s", user.username);
        call->version = "68.0";
        call->api_version = 68;
        call->base = "/services/data/v68.0";
        return true;
    }
    err_set(&err, ERR_NOT_FOUND, "no user %s", name);
    err_hint(&err, "name one with ?username=");
    answer_refusal(call, 404, &err);
    return false;
}

void control_answer_ids(struct call *call, const struct buf *ids)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_bool(&w, "ok", true);
    jw_key(&w, "ids");
    jw_raw(&w, buf_text(ids), ids->len);
    jw_end_object(&w);
}
