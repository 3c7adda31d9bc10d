/* alert_send.c - what waits is handed over: by e-mail, by webhook.
 *
 * Before a try its number and the time of the next one are stored, so a process that
 * dies while it sends does not send without end. A mail has the same Message-ID
 * and a webhook the same Idempotency-Key each time: whoever gets it twice can tell. */
#include "engine/alerts.h"
#include "engine/columns/http_request.h"
#include "engine/run_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "base/when.h"
#include "http/mail.h"

#include <inttypes.h>
#include <string.h>

#define FIRST_WAIT_MS 60000

struct delivery {
    struct engine *engine;
    struct arena *arena;
    struct alert_settings settings;
    const char *url;
    struct alerts_delivered *out;
};

static const char *table_name(struct delivery *d, int64_t table_id)
{
    struct store *store = d->engine->store;
    struct table *tables;
    size_t count;
    if (!table_id || store->does->table_list(store, d->arena, &tables, &count, NULL) != OK)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (tables[i].id == table_id)
            return tables[i].name;
    return NULL;
}

/* ------------------------------------------------------------------ e-mail */

static enum status by_email(struct delivery *d, const struct alert *a, struct err *err)
{
    const struct alert_settings *s = &d->settings;
    struct secret password = {0};
    char when[40];
    when_iso(a->at_ms, when);
    if (s->password_secret &&
        engine_secret_get(d->engine, s->password_secret, &password, err) != OK)
        return FAIL;
    const char *link = d->url && a->run_id
                           ? arena_printf(d->arena, "\n%s/runs/%" PRId64 "\n", d->url, a->run_id)
                           : "";
    struct mail mail = {
        .server = s->server,
        .user = s->user,
        .password = &password,
        .from = s->from,
        .to = s->email,
        .to_count = s->email_count,
        .subject = arena_printf(d->arena, "[argil] %s", a->subject),
        .text = arena_printf(d->arena, "%s\n\n%s\n%s\n%s, workspace %s\n", a->subject,
                             a->message ? a->message : "", link, when,
                             d->engine->store->workspace_name),
        .id = arena_printf(d->arena, "alert-%" PRId64 ".%s", a->id,
                           d->engine->store->workspace_id),
        .ca_file = s->ca_file};
    enum status rc = mail_send(d->engine->world, &mail, err);
    secret_wipe(&password);
    return rc;
}

/* ----------------------------------------------------------------- webhook */

static const char *body_of(struct delivery *d, const struct alert *a)
{
    struct buf text = BUF_INIT;
    struct jw w;
    char when[40];
    when_iso(a->at_ms, when);
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_int(&w, "alert", a->id);
    jw_kv_text(&w, "kind", alert_kind_name(a->kind));
    jw_kv_text(&w, "table", table_name(d, a->table_id));
    if (a->run_id)
        jw_kv_int(&w, "run", a->run_id);
    else
        jw_kv_null(&w, "run");
    jw_kv_int(&w, "number", a->number);
    jw_kv_text(&w, "text", arena_printf(d->arena, "%s\n%s", a->subject,
                                        a->message ? a->message : "")); /* Slack reads this one */
    jw_kv_text(&w, "subject", a->subject);
    jw_kv_text(&w, "message", a->message);
    jw_kv_text(&w, "at", when);
    jw_kv_text(&w, "workspace", d->engine->store->workspace_name);
    jw_end_object(&w);
    const char *json = arena_strdup(d->arena, buf_text(&text));
    buf_free(&text);
    return json;
}

struct opening {
    const struct http_secret *secrets;
    struct arena *arena;
};

static const char *open_secret(void *ctx, const char *ref)
{
    struct opening *o = ctx;
    for (const struct http_secret *s = o->secrets; s; s = s->next) {
        if (!text_starts(ref, "secret:") || !text_eq(s->name, ref + 7))
            continue;
        struct buf text = BUF_INIT;
        struct jw w;
        jw_init(&w, &text);
        jw_text(&w, secret_reveal(&s->value));
        const char *json = arena_strdup(o->arena, buf_text(&text));
        buf_wipe(&text);
        return json;
    }
    return NULL;
}

static enum status post(struct delivery *d, const struct alert *a, const char *url,
                        const char *authorization, struct err *err)
{
    const char *body = body_of(d, a);
    const struct http_header *headers = NULL;
    http_header_add(d->arena, &headers, "Content-Type", "application/json");
    http_header_add(d->arena, &headers, "Idempotency-Key",
                    arena_printf(d->arena, "alert-%" PRId64, a->id));
    if (authorization)
        http_header_add(d->arena, &headers, "Authorization", authorization);
    struct http_request request = {.method = "POST",
                                   .url = url,
                                   .headers = headers,
                                   .body = body,
                                   .body_len = strlen(body),
                                   .timeout_ms = 20000,
                                   .max_body = 64 * KIB,
                                   .fresh_connection = true,
                                   .public_only = !d->settings.webhook_private,
                                   .secret_hint = "<webhook>"};
    struct http_response response = {0};
    enum status rc = http_send(d->engine->http, &request, &response, err);
    if (rc == OK && (response.status < 200 || response.status > 299))
        rc = err_set(err, "http.status", "the webhook answered %d", response.status);
    http_response_free(&response);
    return rc;
}

static enum status by_webhook(struct delivery *d, const struct alert *a, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    struct http_secret *secrets = NULL;
    char *url = NULL, *authorization = NULL;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "url", d->settings.webhook);
    jw_kv_text(&w, "authorization", d->settings.authorization);
    jw_end_object(&w);
    const struct json *both = json_parse(d->arena, buf_text(&text), text.len, err);
    buf_free(&text);
    enum status rc = both ? http_secrets_open(d->engine, d->arena, both, &secrets, err) : FAIL;
    struct opening opening = {secrets, d->arena};
    if (rc == OK)
        rc = formula_fill(d->arena, d->settings.webhook, SLOT_PLAIN, open_secret, &opening, &url,
                          NULL, err);
    if (rc == OK && d->settings.authorization)
        rc = formula_fill(d->arena, d->settings.authorization, SLOT_PLAIN, open_secret, &opening,
                          &authorization, NULL, err);
    if (rc == OK)
        rc = post(d, a, url, authorization, err);
    http_secrets_hide(secrets, err->message, strlen(err->message));
    http_secrets_wipe(secrets);
    return rc;
}

/* -------------------------------------------------------------- delivering */

static int64_t wait_after(int tries)
{
    int64_t wait = FIRST_WAIT_MS;
    for (int i = 1; i < tries; i++)
        wait *= 4;
    return wait;
}

static bool lasting(const struct err *err)
{
    return err_is(err, ERR_MAIL_REFUSED) || err_is(err, ERR_HTTP_REFUSED_ADDRESS) ||
           err_is(err, ERR_NOT_FOUND);
}

static enum status try_way(struct delivery *d, const struct alert *a, enum alert_way way,
                           struct err *err)
{
    struct store *store = d->engine->store;
    int64_t now = d->engine->world->now_ms(d->engine->world);
    struct told told = a->told[way];
    struct err why = {0};
    if (told.state != TOLD_WAITING || told.next_ms > now)
        return OK;
    told.tries++;
    told.next_ms = now + wait_after(told.tries);
    if (store->does->alerts->told(store, a->id, way, &told, err) != OK)
        return FAIL;
    bool sent = (way == WAY_EMAIL ? by_email(d, a, &why) : by_webhook(d, a, &why)) == OK;
    bool over = !sent && (told.tries >= ALERT_TRIES || lasting(&why));
    told.state = sent ? TOLD_DONE : over ? TOLD_FAILED : TOLD_WAITING;
    told.error = sent ? NULL : why.message;
    d->out->sent += sent;
    d->out->failed += over;
    d->out->waiting += !sent && !over;
    if (!sent)
        log_warn("alert %" PRId64 " by %s: %s", a->id, way == WAY_EMAIL ? "e-mail" : "webhook",
                 why.message);
    return store->does->alerts->told(store, a->id, way, &told, err);
}

enum status alerts_deliver(struct engine *engine, const char *url, struct alerts_delivered *out,
                           struct err *err)
{
    struct delivery d = {.engine = engine, .arena = arena_new(), .url = url, .out = out};
    struct store *store = engine->store;
    struct alert_query query = {.waiting_ms = engine->world->now_ms(engine->world), .limit = 100};
    struct alert *list;
    size_t count = 0;
    *out = (struct alerts_delivered){0};
    enum status rc = alert_settings_load(store, d.arena, &d.settings, err);
    if (rc == OK)
        rc = store->does->alerts->find(store, d.arena, &query, &list, &count, err);
    for (size_t i = count; rc == OK && i-- > 0;)
        for (int way = 0; rc == OK && way < ALERT_WAYS; way++)
            rc = try_way(&d, &list[i], (enum alert_way)way, err);
    arena_free(d.arena);
    return rc;
}
