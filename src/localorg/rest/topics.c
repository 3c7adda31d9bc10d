/* topics.c - PushTopic queries run against each changed record.
 *
 * A topic's query gets the record's id as a further condition; when it finds
 * the record, and the change touched a field that counts, the row is the
 * message. Deleted records are looked for among the deleted, and only their id
 * is told. Bulk loads and cascade deletes notify nobody (documented). */
#include "localorg/rest/topics.h"

#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/when.h"
#include "localorg/soql/soql.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum notify_fields { NOTIFY_REFERENCED, NOTIFY_ALL, NOTIFY_SELECT, NOTIFY_WHERE };

struct topic {
    const char *channel;     /* "/topic/Name" */
    const char *object, *select, *where; /* "SELECT Id, Name FROM Account"; where "" for none */
    enum notify_fields fields;
    bool on[4]; /* by enum of org_change.kind */
    double api_version;
};

struct topics {
    struct org *org;
    struct arena *arena;
    VEC(struct topic) list;
};

/* --- reading them --- */

/* The first `word` outside quotes, case ignored, as a word of its own. */
static const char *find_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    bool quoted = false;
    for (const char *at = text; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '\'')
            quoted = !quoted;
        else if (!quoted && (at == text || isspace((unsigned char)at[-1])) &&
                 strncasecmp(at, word, len) == 0 && isspace((unsigned char)at[len]))
            return at;
    }
    return NULL;
}

static enum notify_fields notify_of(const char *text)
{
    return text_eq_nocase(text, "All")      ? NOTIFY_ALL
           : text_eq_nocase(text, "Select") ? NOTIFY_SELECT
           : text_eq_nocase(text, "Where")  ? NOTIFY_WHERE
                                            : NOTIFY_REFERENCED;
}

static bool topic_read(struct topics *topics, sqlite3_stmt *row)
{
    const char *query = (const char *)sqlite3_column_text(row, 1);
    const char *from = query ? find_word(query, "FROM") : NULL;
    const char *where = from ? find_word(from, "WHERE") : NULL;
    if (!from)
        return false;
    struct topic topic = {0};
    struct arena *arena = topics->arena;
    const char *name = from + 4 + strspn(from + 4, " \t\r\n");
    topic.channel = arena_printf(arena, "/topic/%s", (const char *)sqlite3_column_text(row, 0));
    topic.object = arena_strndup(arena, name, strcspn(name, " \t\r\n"));
    topic.select = arena_strndup(arena, query, where ? (size_t)(where - query) : strlen(query));
    topic.where = arena_strdup(arena, where ? where + 5 : "");
    topic.fields = notify_of((const char *)sqlite3_column_text(row, 2));
    for (int i = 0; i < 4; i++)
        topic.on[i] = sqlite3_column_int(row, 3 + i) != 0;
    topic.api_version = sqlite3_column_double(row, 7);
    vec_push(&topics->list, topic);
    return true;
}

/* Names of the objects whose changes matter, PushTopic itself first. */
static enum status topics_watch(struct topics *topics, struct err *err)
{
    struct buf words = BUF_INIT;
    buf_str(&words, "PushTopic");
    for (size_t i = 0; i < topics->list.len; i++)
        buf_printf(&words, " %s", topics->list.at[i].object);
    enum status status = org_watch(topics->org, buf_text(&words), err);
    buf_free(&words);
    return status;
}

static enum status topics_load(struct topics *topics, struct err *err)
{
    static const char sql[] =
        "SELECT \"Name\", \"Query\", \"NotifyForFields\", \"NotifyForOperationCreate\","
        " \"NotifyForOperationUpdate\", \"NotifyForOperationDelete\","
        " \"NotifyForOperationUndelete\", \"ApiVersion\" FROM \"PushTopic\""
        " WHERE \"IsActive\" = 1 AND \"IsDeleted\" = 0";
    sqlite3_stmt *rows = NULL;
    vec_clear(&topics->list);
    arena_reset(topics->arena);
    if (!schema_find(org_schema(topics->org), "PushTopic"))
        return OK;
    sqlite3 *db = org_reader_take(topics->org);
    if (db && sqlite3_prepare_v2(db, sql, -1, &rows, NULL) == SQLITE_OK)
        while (sqlite3_step(rows) == SQLITE_ROW)
            topic_read(topics, rows);
    sqlite3_finalize(rows);
    org_reader_give(topics->org, db);
    return topics_watch(topics, err);
}

/* --- which fields count --- */

/* Does the text name this field, as a word? */
static bool names_field(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = text; (at = strcasestr(at, name)); at++) {
        bool begins = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
        bool ends = !(isalnum((unsigned char)at[len]) || at[len] == '_');
        if (begins && ends)
            return true;
    }
    return false;
}

static bool field_counts(const struct topic *topic, const struct field *field)
{
    if (topic->fields == NOTIFY_ALL)
        return !text_eq(field->name, "SystemModstamp");
    return (topic->fields != NOTIFY_WHERE && names_field(topic->select, field->name)) ||
           (topic->fields != NOTIFY_SELECT && names_field(topic->where, field->name));
}

static bool touched(const struct topic *topic, const struct org_change *change)
{
    for (size_t i = 0; i < change->object->field_count; i++)
        if (change->changed[i] && field_counts(topic, change->object->fields[i]))
            return true;
    return false;
}

/* --- one change, one topic --- */

struct notice {
    const char *kind, *created;
    const struct json *record;
    const char *only_id; /* of a deleted record */
};

static void notice_write(struct jw *w, int64_t replay_id, void *ctx)
{
    const struct notice *notice = ctx;
    jw_object(w);
    jw_key(w, "event");
    jw_object(w);
    jw_kv_text(w, "createdDate", notice->created);
    jw_kv_int(w, "replayId", replay_id);
    jw_kv_text(w, "type", notice->kind);
    jw_end_object(w);
    jw_key(w, "sobject");
    jw_object(w);
    if (notice->only_id)
        jw_kv_text(w, "Id", notice->only_id);
    else
        json_each(member, notice->record) {
            if (text_eq(member->key, "attributes"))
                continue;
            jw_key(w, member->key);
            jw_value(w, member);
        }
    jw_end_object(w);
    jw_end_object(w);
}

/* The record as the topic's query shows it; NULL when it does not match. */
static const struct json *record_of(struct topics *topics, struct arena *arena,
                                    const struct topic *topic, const struct org_change *change,
                                    struct err *err)
{
    bool any = !text_blank(topic->where);
    const char *soql = arena_printf(arena, "%s WHERE Id = '%s'%s%s%s", topic->select,
                                    change->id18, any ? " AND (" : "", topic->where, any ? ")" : "");
    struct soql_context context = {.org = topics->org,
                                   .all_rows = true,
                                   .now_ms = org_now_ms(topics->org),
                                   .api_version = topic->api_version};
    struct soql_plan *plan = soql_compile(arena, &context, soql, err);
    struct soql_cursor *cursor = plan ? soql_open(topics->org, plan, err) : NULL;
    const struct json *record = NULL;
    struct buf text = BUF_INIT;
    size_t written = 0;
    if (cursor && soql_write_json(cursor, "", 1, &text, &written, err) == OK && written == 1)
        record = json_parse(arena, text.data, text.len, err);
    soql_close(cursor);
    buf_free(&text);
    return record;
}

static enum status judge(struct topics *topics, const struct topic *topic,
                         const struct org_change *change, struct err *err)
{
    static const char *const kinds[] = {"created", "updated", "deleted", "undeleted"};
    if (!topic->on[change->kind] || !text_eq_nocase(topic->object, change->object->name) ||
        (change->kind == CHANGE_UPDATE && !touched(topic, change)))
        return OK;
    struct arena *arena = arena_new();
    struct err local = {{0}};
    char created[32];
    when_iso(org_now_ms(topics->org), created);
    struct notice notice = {.kind = kinds[change->kind], .created = created};
    notice.record = record_of(topics, arena, topic, change, &local);
    if (local.code[0])
        log_warn("PushTopic %s: %s", topic->channel, local.message);
    if (change->kind == CHANGE_DELETE)
        notice.only_id = change->id18;
    enum status status = OK;
    if (notice.record)
        status = org_event_publish(topics->org, EVENT_TOPIC, topic->channel, notice_write, &notice,
                                   err);
    arena_free(arena);
    return status;
}

static enum status on_change(void *ctx, const struct org_change *change, struct err *err)
{
    struct topics *topics = ctx;
    if (text_eq(change->object->name, "PushTopic"))
        return topics_load(topics, err);
    if (change->bulk || change->cascaded)
        return OK;
    for (size_t i = 0; i < topics->list.len; i++)
        if (judge(topics, &topics->list.at[i], change, err) != OK)
            return FAIL;
    return OK;
}

struct topics *topics_new(struct org *org, struct err *err)
{
    struct topics *topics = mem_alloc(sizeof *topics);
    topics->org = org;
    topics->arena = arena_new();
    org_on_change(org, on_change, topics);
    topics_load(topics, err);
    return topics;
}

void topics_free(struct topics *topics)
{
    if (!topics)
        return;
    arena_free(topics->arena);
    vec_free(&topics->list);
    free(topics);
}
