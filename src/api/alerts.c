/* alerts.c - what argil had to tell, and where it tells it. The rules are the engine's
 * (engine/alerts.h); the thread that looks and sends is work/watcher.c. */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/alerts.h"

const struct field alert_query_fields[] = {
    {"table", F_TEXT, 0, "a table's name", .min = 1, .max = 200},
    {"unseen", F_BOOL, 0, "only those that nobody has seen"},
    {"before", F_INT, 0, "alerts older than this id"},
    {"limit", F_INT, 0, "alerts at most (100)", .min = 1, .max = 500},
    {0},
};

static const struct field told_fields[] = {
    {"state", F_TEXT, F_REQUIRED, "\"not set up\", \"waiting\", \"sent\", \"failed\""},
    {"tries", F_INT, F_REQUIRED, NULL},
    {"next", F_TIME, F_REQUIRED | F_NULL, "the next try, while it waits"},
    {"error", F_TEXT, F_REQUIRED | F_NULL, "of the last try"},
    {0},
};
static const struct shape told_shape = {"AlertWay", NULL, told_fields};
static const struct field alert_fields[] = {
    {"id", F_INT, F_REQUIRED, NULL},
    {"kind", F_TEXT, F_REQUIRED, "failure_rate, rows, inactive, budget, reconnect, in_doubt, test"},
    {"table_id", F_INT, F_REQUIRED | F_NULL, NULL},
    {"connection_id", F_INT, F_REQUIRED | F_NULL, NULL},
    {"run_id", F_INT, F_REQUIRED | F_NULL, NULL},
    {"at", F_TIME, F_REQUIRED | F_NULL, "when it was said first"},
    {"last", F_TIME, F_REQUIRED | F_NULL, "when it would have been said again"},
    {"times", F_INT, F_REQUIRED, "how often it would have been said"},
    {"number", F_INT, F_REQUIRED, "percent, rows, operations: what it is about"},
    {"subject", F_TEXT, F_REQUIRED | F_NULL, "one line"},
    {"message", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"seen", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"seen_by", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"email", F_OBJECT, F_REQUIRED, NULL, .of = &told_shape},
    {"webhook", F_OBJECT, F_REQUIRED, NULL, .of = &told_shape},
    {0},
};
const struct shape alert_shape = {"Alert", NULL, alert_fields};
static const struct field alert_list_fields[] = {
    {"alerts", F_LIST, F_REQUIRED, "newest first", .of = &alert_shape},
    {"next", F_INT, F_REQUIRED | F_NULL, "ask with before = next for more; null = the end"},
    {0},
};
const struct shape alert_list_shape = {"Alerts", NULL, alert_list_fields};

#define SETTINGS(flags)                                                                            \
    {"email", F_LIST, flags, "addresses", .item = F_TEXT},                                         \
        {"from", F_TEXT, flags | F_NULL, "the sender's address"},                                  \
        {"server", F_TEXT, flags | F_NULL, "smtp://mail.example.com:587, smtps://..."},            \
        {"user", F_TEXT, flags | F_NULL, "of the mail server"},                                    \
        {"password_secret", F_TEXT, flags | F_NULL, "name of the secret with its password"},       \
        {"ca_file", F_TEXT, flags | F_NULL, "certificates to trust, a file on the server"},        \
        {"webhook", F_TEXT, flags | F_NULL, "address that gets each alert as JSON by POST"},       \
        {"authorization", F_TEXT, flags | F_NULL, "its header: Bearer {{secret:name}}"},           \
        {"webhook_private", F_BOOL, flags, "may be a private address, and plain HTTP"},                \
        {"failure_rate", F_INT, flags, "percent, where a recipe names none; 0 = never", .min = 0,  \
         .max = 100},                                                                              \
        {0}
static const struct field settings_fields[] = {SETTINGS(F_REQUIRED)};
static const struct field body_fields[] = {SETTINGS(0)};
const struct shape alert_settings_shape = {"AlertSettings", "Where alerts go.", settings_fields};
const struct shape alert_settings_body = {"AlertSettingsBody", NULL, body_fields};

static void id_or_null(struct jw *w, const char *key, int64_t id)
{
    if (id)
        jw_kv_int(w, key, id);
    else
        jw_kv_null(w, key);
}

static void write_told(struct jw *w, const char *key, const struct told *told)
{
    jw_key(w, key);
    jw_object(w);
    jw_kv_text(w, "state", told_state_name(told->state));
    jw_kv_int(w, "tries", told->tries);
    jw_kv_time(w, "next", told->state == TOLD_WAITING ? told->next_ms : 0);
    jw_kv_text(w, "error", told->error);
    jw_end_object(w);
}

static void write_alert(struct jw *w, const struct alert *a)
{
    jw_object(w);
    jw_kv_int(w, "id", a->id);
    jw_kv_text(w, "kind", alert_kind_name(a->kind));
    id_or_null(w, "table_id", a->table_id);
    id_or_null(w, "connection_id", a->connection_id);
    id_or_null(w, "run_id", a->run_id);
    jw_kv_time(w, "at", a->at_ms);
    jw_kv_time(w, "last", a->last_ms);
    jw_kv_int(w, "times", a->times);
    jw_kv_int(w, "number", a->number);
    jw_kv_text(w, "subject", a->subject);
    jw_kv_text(w, "message", a->message);
    jw_kv_time(w, "seen", a->seen_ms);
    jw_kv_text(w, "seen_by", a->seen_by);
    write_told(w, "email", &a->told[WAY_EMAIL]);
    write_told(w, "webhook", &a->told[WAY_WEBHOOK]);
    jw_end_object(w);
}

enum status api_alert_list(struct call *call, struct err *err)
{
    size_t limit = (size_t)call_query_int(call, "limit", 100), count;
    struct alert_query query = {.before_id = call_query_int(call, "before", 0),
                                .unseen = call_query_bool(call, "unseen", false),
                                .limit = limit + 1};
    struct alert *list;
    struct jw *w = &call->w;
    if (call_query_table(call, &query.table_id, err) != OK ||
        call->store->does->alerts->find(call->store, call->arena, &query, &list, &count, err) != OK)
        return FAIL;
    bool more = count > limit;
    if (more)
        count = limit;
    jw_object(w);
    jw_key(w, "alerts");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        write_alert(w, &list[i]);
    jw_end_array(w);
    jw_kv_next(w, more ? list[count - 1].id : 0);
    jw_end_object(w);
    return OK;
}

enum status api_alert_see(struct call *call, struct err *err)
{
    struct alert_query query = {.limit = 1};
    struct alert *list;
    size_t count;
    if (call_id(call, 0, &query.id, err) != OK ||
        call->store->does->alerts->find(call->store, call->arena, &query, &list, &count, err) != OK)
        return FAIL;
    if (!count)
        return err_set(err, ERR_NOT_FOUND, "there is no alert %s", call->values[0]);
    return call->store->does->alerts->see(call->store, query.id, call_who(call), err);
}

enum status api_alert_see_all(struct call *call, struct err *err)
{
    return call->store->does->alerts->see(call->store, 0, call_who(call), err);
}

enum status api_alert_settings_show(struct call *call, struct err *err)
{
    struct alert_settings settings;
    if (alert_settings_load(call->store, call->arena, &settings, err) != OK)
        return FAIL;
    alert_settings_write(&call->w, &settings);
    return OK;
}

enum status api_alert_settings_put(struct call *call, struct err *err)
{
    const struct json *body = call->body, *list = json_get(body, "email");
    struct alert_settings s = {.from = json_get_text(body, "from"),
                               .server = json_get_text(body, "server"),
                               .user = json_get_text(body, "user"),
                               .password_secret = json_get_text(body, "password_secret"),
                               .ca_file = json_get_text(body, "ca_file"),
                               .webhook = json_get_text(body, "webhook"),
                               .authorization = json_get_text(body, "authorization"),
                               .webhook_private = json_get_bool(body, "webhook_private", false),
                               .failure_rate = json_get_int(body, "failure_rate", 75)};
    s.email = arena_array(call->arena, (list ? list->len : 0) + 1, sizeof *s.email);
    json_each(address, list)
        s.email[s.email_count++] = json_text(address);
    if (alert_settings_store(call->store, &s, err) != OK ||
        call_audit(call, "alert settings changed", NULL, err) != OK)
        return FAIL;
    alert_settings_write(&call->w, &s);
    return OK;
}

enum status api_alert_test(struct call *call, struct err *err)
{
    struct alert alert;
    struct engine engine = {.world = call->api->options.world, .store = call->store};
    if (alerts_test(&engine, &alert, err) != OK)
        return FAIL;
    watcher_wake(call->api->watcher);
    write_alert(&call->w, &alert);
    return OK;
}
