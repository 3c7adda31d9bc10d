/* alert_settings.c - where alerts go: read, checked, stored. */
#include "engine/alerts.h"

#include "base/str.h"
#include "http/mail.h"

#include <string.h>

#define NAME         "alerts"
#define RATE_DEFAULT 75
#define EMAILS_MOST  20

const char *alert_kind_name(enum alert_kind kind)
{
    static const char *const names[ALERT_KINDS] = {
        [ALERT_FAILURE_RATE] = "failure_rate", [ALERT_ROWS] = "rows",
        [ALERT_INACTIVE] = "inactive",         [ALERT_BUDGET] = "budget",
        [ALERT_RECONNECT] = "reconnect",       [ALERT_IN_DOUBT] = "in_doubt",
        [ALERT_TEST] = "test"};
    return names[kind];
}

const char *told_state_name(enum told_state state)
{
    static const char *const names[] = {"not set up", "waiting", "sent", "failed"};
    return names[state];
}

bool alert_settings_email(const struct alert_settings *s)
{
    return s->email_count && s->server;
}

bool alert_settings_webhook(const struct alert_settings *s)
{
    return s->webhook != NULL;
}

static void read_emails(struct alert_settings *out, struct arena *arena, const struct json *list)
{
    out->email = arena_array(arena, (list ? list->len : 0) + 1, sizeof *out->email);
    json_each(address, list)
        if (json_text(address))
            out->email[out->email_count++] = json_text(address);
}

enum status alert_settings_load(struct store *store, struct arena *arena,
                                struct alert_settings *out, struct err *err)
{
    const char *text = NULL;
    *out = (struct alert_settings){.failure_rate = RATE_DEFAULT};
    if (store->does->alerts->settings_get(store, arena, NAME, &text, err) != OK)
        return FAIL;
    if (!text)
        return OK;
    const struct json *json = json_parse(arena, text, strlen(text), err);
    if (!json)
        return FAIL;
    read_emails(out, arena, json_get(json, "email"));
    out->from = json_get_text(json, "from");
    out->server = json_get_text(json, "server");
    out->user = json_get_text(json, "user");
    out->password_secret = json_get_text(json, "password_secret");
    out->ca_file = json_get_text(json, "ca_file");
    out->webhook = json_get_text(json, "webhook");
    out->authorization = json_get_text(json, "authorization");
    out->webhook_private = json_get_bool(json, "webhook_private", false);
    out->failure_rate = json_get_int(json, "failure_rate", RATE_DEFAULT);
    return OK;
}

static enum status check_email(const struct alert_settings *s, struct err *err)
{
    if (s->email_count > EMAILS_MOST)
        return err_set(err, ERR_INVALID, "at most %d addresses", EMAILS_MOST);
    for (size_t i = 0; i < s->email_count; i++)
        if (!mail_address_valid(s->email[i]))
            return err_set(err, ERR_INVALID, "\"%s\" is no address", s->email[i]);
    if (s->email_count && (!s->server || !s->from)) {
        err_set(err, ERR_INVALID, "e-mail needs the mail server and the sender's address");
        err_hint(err, "server: smtp://mail.example.com:587, from: argil@example.com");
        return FAIL;
    }
    if (s->from && !mail_address_valid(s->from))
        return err_set(err, ERR_INVALID, "\"%s\" is no address", s->from);
    if (s->server && mail_server_check(s->server, err) != OK)
        return FAIL;
    if (!s->user != !s->password_secret) {
        err_set(err, ERR_INVALID, "user and password_secret belong together");
        err_hint(err, "password_secret is a name: argil secret set NAME");
        return FAIL;
    }
    return OK;
}

static enum status check(const struct alert_settings *s, struct err *err)
{
    if (check_email(s, err) != OK)
        return FAIL;
    bool secure = s->webhook && (text_starts(s->webhook, "https://") || text_starts(s->webhook, "{{"));
    if (s->webhook && !secure && !(s->webhook_private && text_starts(s->webhook, "http://"))) {
        err_set(err, ERR_INVALID, "a webhook's address begins with https://");
        err_hint(err, "webhook_private allows http:// and private addresses");
        return FAIL;
    }
    if (s->failure_rate < 0 || s->failure_rate > 100)
        return err_set(err, ERR_INVALID, "failure_rate is a percentage from 0 (never) to 100");
    return OK;
}

void alert_settings_write(struct jw *w, const struct alert_settings *s)
{
    jw_object(w);
    jw_key(w, "email");
    jw_array(w);
    for (size_t i = 0; i < s->email_count; i++)
        jw_text(w, s->email[i]);
    jw_end_array(w);
    jw_kv_text(w, "from", s->from);
    jw_kv_text(w, "server", s->server);
    jw_kv_text(w, "user", s->user);
    jw_kv_text(w, "password_secret", s->password_secret);
    jw_kv_text(w, "ca_file", s->ca_file);
    jw_kv_text(w, "webhook", s->webhook);
    jw_kv_text(w, "authorization", s->authorization);
    jw_kv_bool(w, "webhook_private", s->webhook_private);
    jw_kv_int(w, "failure_rate", s->failure_rate);
    jw_end_object(w);
}

enum status alert_settings_store(struct store *store, const struct alert_settings *settings,
                                 struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    if (check(settings, err) != OK)
        return FAIL;
    jw_init(&w, &text);
    alert_settings_write(&w, settings);
    enum status rc = store->does->alerts->settings_put(store, NAME, buf_text(&text), err);
    buf_free(&text);
    return rc;
}
