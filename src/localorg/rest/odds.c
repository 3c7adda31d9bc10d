/* odds.c - the other addresses a describe names: a user's password, articles
 * suggested for a case, the rest of a series of events, and pages of records. */
#include "localorg/rest/grants.h"
#include "localorg/rest/pages.h"
#include "localorg/rest/resources.h"
#include "localorg/rest/rows.h"

#include "base/str.h"

#include <string.h>

#define PASSWORD_MIN 8

/* --- /sobjects/User/ID/password --- */

static bool may_set_password(struct call *call, const struct org_user *user)
{
    struct org_user self;
    if (org_user_by_id(call->site->org, call->session.user_id, &self) &&
        (self.system_administrator || strcmp(self.id, user->id) == 0))
        return true;
    answer_error(call, 403, "INSUFFICIENT_ACCESS",
                 "insufficient access rights on cross-reference id");
    return false;
}

static bool set_password(struct call *call, const struct org_user *user, const char *password)
{
    struct err err = {{0}};
    if (org_user_set_password(call->site->org, user->username, password, &err) != OK) {
        answer_failed(call, &err);
        return false;
    }
    grants_expire_sessions(call->site->grants, user->username);
    return true;
}

static void reset_password(struct call *call, const struct org_user *user)
{
    struct jw w;
    char secret[9] = "";
    static const char letters[] = "abcdefghijkmnopqrstuvwxyz23456789";
    uint8_t bytes[8];
    call->site->world->random(call->site->world, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        secret[i] = letters[bytes[i] % (sizeof letters - 1)];
    if (!set_password(call, user, secret))
        return;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "NewPassword", secret);
    jw_end_object(&w);
}

static void change_password(struct call *call, const struct org_user *user)
{
    const struct json *body = call_json(call);
    const char *password = json_get_text(body, "NewPassword");
    if (!body)
        return;
    if (!password || strlen(password) < PASSWORD_MIN)
        answer_error(call, 400, "INVALID_NEW_PASSWORD",
                     "Your password must be at least %d characters long.", PASSWORD_MIN);
    else if (set_password(call, user, password))
        answer_empty(call, 204);
}

void user_password(struct call *call)
{
    struct jw w;
    struct org_user user;
    char id[19];
    if (!id_canonical(call->args[0], id) || !org_user_by_id(call->site->org, id, &user)) {
        answer_not_found(call);
        return;
    }
    if (!may_set_password(call, &user))
        return;
    if (strcmp(call->method, "DELETE") == 0) {
        reset_password(call, &user);
    } else if (strcmp(call->method, "POST") == 0) {
        change_password(call, &user);
    } else {
        answer_json(call, 200, &w);
        jw_object(&w);
        jw_kv_bool(&w, "isExpired", false);
        jw_end_object(&w);
    }
}

/* --- cases and events --- */

/* There is no knowledge base to suggest anything from. */
void case_articles(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "articles");
    jw_array(&w);
    jw_end_array(&w);
    jw_end_object(&w);
}

/* No event recurs here: "from this one onwards" is this one. */
void event_series(struct call *call)
{
    char id[19];
    const struct sobject *object = call_object(call, "Event");
    if (!object || !rows_id(call, object, call->args[0], id))
        return;
    if (strcmp(call->method, "DELETE") == 0)
        answer_written(call, DML_DELETE, object, id, NULL);
    else if (rows_body(call))
        answer_written(call, DML_UPDATE, object, id, rows_body(call));
}

/* --- pages: /001..., /001.../e, /001/e, /001/o --- */

static void show_record(struct call *call, const struct sobject *object, const char *id)
{
    struct buf record = BUF_INIT, rows = BUF_INIT;
    struct arena *a = call->arena;
    bool found = records_json(call, object, records_fields(call, object), id, &record, NULL);
    const struct json *json = found ? json_parse(a, record.data, record.len, NULL) : NULL;
    const char *name =
        json && object->name_field ? json_get_text(json, object->name_field->name) : NULL;
    json_each(member, json) {
        const struct field *field = sobject_field(object, member->key);
        const char *text = json_text(member);
        if (field && text)
            buf_printf(&rows, "<tr><th>%s</th><td>%s</td></tr>", html_escape(a, field->label),
                       html_escape(a, text));
    }
    if (json)
        answer_page(call, 200, arena_printf(a, "%s: %s", object->label, name ? name : id),
                    arena_printf(a, "<h1>%s</h1><table>%s</table>",
                                 html_escape(a, name ? name : id), buf_text(&rows)));
    else
        answer_page(call, 404, "Data Not Available",
                    "<h1>Data Not Available</h1><p>The data you were trying to access could not be "
                    "found. It may be due to another user deleting the data or a system error."
                    "</p>");
    buf_free(&record);
    buf_free(&rows);
}

static void show_object(struct call *call, const struct sobject *object)
{
    struct arena *a = call->arena;
    answer_page(call, 200, object->label_plural,
                arena_printf(a,
                             "<h1>%s</h1><p>Records of %s come and go by the API; localorg draws "
                             "no lists and no forms.</p>",
                             html_escape(a, object->label_plural), html_escape(a, object->name)));
}

/* Who looks with a browser sees the record's fields, as far as the API shows them. */
void record_page(struct call *call)
{
    struct person person;
    char id[19];
    const char *text = call->args[0];
    bool is_id = id_canonical(text, id), is_prefix = strlen(text) == 3;
    const struct sobject *object =
        is_id || is_prefix ? schema_by_prefix(org_schema(call->site->org), text) : NULL;
    if (!object) {
        answer_not_found(call);
        return;
    }
    if (!page_person(call, &person)) {
        answer_redirect(call, arena_printf(call->arena, "/?ec=302&startURL=%s",
                                           uri_encoded(call->arena, call->path)));
        return;
    }
    snprintf(call->session.user_id, sizeof call->session.user_id, "%s", person.user.id);
    if (is_id)
        show_record(call, object, id);
    else
        show_object(call, object);
}
