/* remote_alerts.c - what a server had to tell, for `argil alert` through it. */
#include "cli/remote.h"

#include "base/str.h"
#include "base/when.h"
#include "engine/alerts.h"

static int64_t time_of(const struct json *object, const char *key)
{
    const char *text = json_get_text(object, key);
    int64_t ms = 0;
    return text && when_parse(text, &ms) ? ms : 0;
}

static void read_told(const struct json *json, struct told *out)
{
    const char *state = json_get_text(json, "state");
    *out = (struct told){.tries = (int)json_get_int(json, "tries", 0),
                         .next_ms = time_of(json, "next"),
                         .error = json_get_text(json, "error")};
    for (int i = 0; i <= TOLD_FAILED; i++)
        if (text_eq(told_state_name((enum told_state)i), state))
            out->state = (enum told_state)i;
}

static void read_alert(const struct json *json, struct alert *out)
{
    const char *kind = json_get_text(json, "kind");
    *out = (struct alert){.id = json_get_int(json, "id", 0),
                          .table_id = json_get_int(json, "table_id", 0),
                          .connection_id = json_get_int(json, "connection_id", 0),
                          .run_id = json_get_int(json, "run_id", 0),
                          .at_ms = time_of(json, "at"),
                          .last_ms = time_of(json, "last"),
                          .times = json_get_int(json, "times", 0),
                          .number = json_get_int(json, "number", 0),
                          .subject = json_get_text(json, "subject"),
                          .message = json_get_text(json, "message"),
                          .seen_ms = time_of(json, "seen"),
                          .seen_by = json_get_text(json, "seen_by")};
    for (int i = 0; i < ALERT_KINDS; i++)
        if (text_eq(alert_kind_name((enum alert_kind)i), kind))
            out->kind = (enum alert_kind)i;
    read_told(json_get(json, "email"), &out->told[WAY_EMAIL]);
    read_told(json_get(json, "webhook"), &out->told[WAY_WEBHOOK]);
}

/* The newest of all tables, as many as one answer holds at most. */
static enum status far_find(struct store *store, struct arena *arena,
                            const struct alert_query *query, struct alert **out, size_t *count,
                            struct err *err)
{
    const struct json *answer;
    const char *path = arena_printf(arena, "/alerts?limit=%zu%s", query->limit ? query->limit : 500,
                                    query->unseen ? "&unseen=true" : "");
    *count = 0;
    if (remote_call(remote_of(store), arena, "GET", path, NULL, &answer, NULL, err) != OK)
        return FAIL;
    const struct json *alerts = json_get(answer, "alerts");
    *out = arena_array(arena, (alerts ? alerts->len : 0) + 1, sizeof **out);
    json_each(item, alerts)
        read_alert(item, &(*out)[(*count)++]);
    return OK;
}

static enum status far_see(struct store *store, int64_t id, const char *who, struct err *err)
{
    const struct json *answer;
    struct arena *arena = arena_new();
    const char *path = id ? arena_printf(arena, "/alerts/%lld/seen", (long long)id) : "/alerts/seen";
    (void)who; /* the token says it */
    enum status rc = remote_call(remote_of(store), arena, "POST", path, NULL, &answer, NULL, err);
    arena_free(arena);
    return rc;
}

/* There is one kind of settings; their text is what the store holds. */
static enum status far_settings_get(struct store *store, struct arena *arena, const char *name,
                                    const char **json, struct err *err)
{
    const struct json *answer;
    struct buf text = BUF_INIT;
    struct jw w;
    (void)name;
    if (remote_call(remote_of(store), arena, "GET", "/alert-settings", NULL, &answer, NULL, err) != OK)
        return FAIL;
    jw_init(&w, &text);
    jw_value(&w, answer);
    *json = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return OK;
}

const struct store_alerts far_alerts = {
    .find = far_find, .see = far_see, .settings_get = far_settings_get};
