/* org.c - the records behind the script, and how writes change them. */
#include "connect/scripted/org_priv.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------- the script */

static void record_touch(struct scripted *org, struct record *record)
{
    unsigned n = (unsigned)++org->made;
    snprintf(record->stamp, sizeof record->stamp, "2026-11-23T%02u:%02u:%02u.000+0000",
             n / 3600 % 24, n / 60 % 60, n % 60);
}

static const char *json_copy(struct scripted *org, const struct json *value)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, value);
    const char *out = arena_strndup(org->arena, text.data, text.len);
    buf_free(&text);
    return out;
}

static void record_set(struct scripted *org, struct record *record, const struct json *fields)
{
    json_each(field, fields) {
        if (text_eq(field->key, "Id") || text_eq(field->key, "SystemModstamp"))
            continue;
        map_put(record->fields, field->key, (void *)json_copy(org, field));
    }
    record_touch(org, record);
}

static struct record *record_new(struct scripted *org, struct kind *kind, const char *id)
{
    struct record *record = arena_alloc(org->arena, sizeof *record);
    record->fields = map_new_nocase();
    const char *prefix = kind->object->key_prefix ? kind->object->key_prefix : "a00";
    int capitals = 0; /* of the prefix, for the check letters: digits have none */
    for (int i = 0; i < 3 && prefix[i]; i++)
        capitals |= (prefix[i] >= 'A' && prefix[i] <= 'Z') << i;
    if (id)
        snprintf(record->id, sizeof record->id, "%s", id);
    else
        snprintf(record->id, sizeof record->id, "%.3s%012u%cAA", prefix, (unsigned)++org->made,
                 'A' + capitals);
    vec_push(&kind->records, record);
    return record;
}

static void kind_add(struct scripted *org, const struct json *from)
{
    struct kind *kind = arena_alloc(org->arena, sizeof *kind);
    kind->object = crm_object_parse(org->arena, from);
    if (!kind->object) { /* the name is the key; fields may be missing */
        kind->object = arena_alloc(org->arena, sizeof *kind->object);
        const struct json *fields = json_get(from, "fields");
        struct buf text = BUF_INIT;
        struct err ignored = {0};
        buf_printf(&text, "{\"name\":\"%s\",\"fields\":%s}", from->key,
                   fields ? json_copy(org, fields) : "[]");
        kind->object = crm_object_parse(org->arena, json_parse_buf(org->arena, &text, &ignored));
        kind->object->key_prefix = arena_strdup(org->arena, json_get_text(from, "keyPrefix"));
        buf_free(&text);
    }
    kind->object->queryable = kind->object->createable = kind->object->updateable = true;
    if (!kind->object->label)
        kind->object->label = kind->object->name;
    map_put(org->kinds, from->key, kind);
    json_each(fields, json_get(from, "records")) {
        struct record *record = record_new(org, kind, json_get_text(fields, "Id"));
        record_set(org, record, fields);
        if (json_get_text(fields, "SystemModstamp"))
            snprintf(record->stamp, sizeof record->stamp, "%s",
                     json_get_text(fields, "SystemModstamp"));
        record->deleted = json_get_bool(fields, "IsDeleted", false);
    }
}

static void say_later(struct scripted *org, struct said **list, const struct json *entries)
{
    while (*list)
        list = &(*list)->next;
    json_each(entry, entries) {
        *list = arena_alloc(org->arena, sizeof **list);
        (*list)->call = arena_strdup(org->arena, json_get_text(entry, "call"));
        (*list)->to = entry;
        list = &(*list)->next;
    }
}

enum status scripted_add(struct scripted *org, const char *script, struct err *err)
{
    const struct json *from = json_parse(org->arena, script, strlen(script), err);
    if (!json_is(from, JSON_OBJECT))
        return err_set(err, ERR_INVALID, "the script is not a JSON object");
    say_later(org, &org->fails, json_get(from, "fail"));
    say_later(org, &org->outcomes, json_get(from, "outcomes"));
    json_each(object, json_get(from, "objects"))
        kind_add(org, object);
    return OK;
}

struct scripted *scripted_new(const char *script, struct err *err)
{
    struct scripted *org = mem_alloc(sizeof *org);
    org->arena = arena_new();
    org->kinds = map_new_nocase();
    if (scripted_add(org, script, err) != OK) {
        scripted_free(org);
        return NULL;
    }
    const struct json *from = json_parse(org->arena, script, strlen(script), err);
    const char *org_id = json_get_text(from, "org_id"), *user_id = json_get_text(from, "user_id");
    const char *environment = json_get_text(from, "environment");
    org->org_id = org_id ? org_id : "00D000000000062EAA";
    org->user_id = user_id ? user_id : "005000000000001AAA";
    org->environment = environment ? environment : "local";
    org->page = (size_t)json_get_int(from, "page", 2000);
    return org;
}

void scripted_free(struct scripted *org)
{
    size_t at = 0;
    void *value;
    if (!org)
        return;
    while (map_next(org->kinds, &at, NULL, &value)) {
        struct kind *kind = value;
        for (size_t i = 0; i < kind->records.len; i++)
            map_free(kind->records.at[i]->fields);
        vec_free(&kind->records);
    }
    map_free(org->kinds);
    buf_free(&org->writes);
    arena_free(org->arena);
    free(org);
}

/* ------------------------------------------------------------- looking */

struct kind *org_kind(const struct scripted *org, const char *object)
{
    return object ? map_get(org->kinds, object) : NULL;
}

struct record *kind_find(const struct kind *kind, const char *id)
{
    for (size_t i = 0; kind && id && i < kind->records.len; i++)
        if (strncmp(kind->records.at[i]->id, id, 15) == 0)
            return kind->records.at[i];
    return NULL;
}

struct value record_value(const struct record *record, const char *field, struct arena *arena)
{
    struct err ignored = {0};
    if (text_eq_nocase(field, "Id"))
        return (struct value){record->id, (uint32_t)strlen(record->id)};
    if (text_eq_nocase(field, "SystemModstamp"))
        return (struct value){record->stamp, (uint32_t)strlen(record->stamp)};
    const char *text = map_get(record->fields, field);
    const struct json *json = text ? json_parse(arena, text, strlen(text), &ignored) : NULL;
    if (!json || json_is_null(json))
        return VALUE_NULL;
    if (json_text(json))
        return (struct value){json->text, json->len};
    return (struct value){text, (uint32_t)strlen(text)};
}

const char *scripted_field(struct scripted *org, const char *object, const char *id,
                           const char *field)
{
    struct record *record = kind_find(org_kind(org, object), id);
    return record ? map_get(record->fields, field) : NULL;
}

size_t scripted_record_count(const struct scripted *org, const char *object)
{
    const struct kind *kind = org_kind(org, object);
    size_t count = 0;
    for (size_t i = 0; kind && i < kind->records.len; i++)
        count += !kind->records.at[i]->deleted && !kind->records.at[i]->hidden;
    return count;
}

void scripted_delete(struct scripted *org, const char *object, const char *id)
{
    struct record *record = kind_find(org_kind(org, object), id);
    if (record) {
        record->deleted = true;
        record_touch(org, record);
    }
}

void scripted_set(struct scripted *org, const char *object, const char *id, const char *field,
                  const char *json)
{
    struct record *record = kind_find(org_kind(org, object), id);
    if (record) {
        map_put(record->fields, field, arena_strdup(org->arena, json));
        record_touch(org, record);
    }
}

void scripted_move(struct scripted *org, const char *object, const char *id, const char *field,
                   const char *json)
{
    struct record *record = kind_find(org_kind(org, object), id);
    if (record)
        map_put(record->fields, field, arena_strdup(org->arena, json));
}

void scripted_hide(struct scripted *org, const char *object, const char *id, bool hidden)
{
    struct record *record = kind_find(org_kind(org, object), id);
    if (record)
        record->hidden = hidden;
}

void scripted_short(struct scripted *org, int64_t records)
{
    org->short_by = records;
}

bool org_fails(struct scripted *org, const char *call, struct err *err)
{
    for (struct said **at = &org->fails; *at; at = &(*at)->next) {
        const struct json *to = (*at)->to;
        if (!text_eq((*at)->call, call))
            continue;
        *at = (*at)->next;
        const char *code = json_get_text(to, "code"), *message = json_get_text(to, "message");
        err_set(err, code ? code : ERR_CRM_UNREACHABLE, "%s",
                message ? message : "as the script says");
        return true;
    }
    return false;
}

/* ------------------------------------------------------------- writing */

static struct record *key_find(const struct kind *kind, const struct crm_write *write,
                               size_t *count, struct arena *arena)
{
    struct record *found = NULL;
    *count = 0;
    for (size_t i = 0; write->key_field && write->key_value && i < kind->records.len; i++) {
        struct record *record = kind->records.at[i];
        struct value value = record_value(record, write->key_field, arena);
        if (record->deleted || !value.text ||
            !str_eq_nocase((struct str){value.text, value.len}, str_of(write->key_value)))
            continue;
        found = found ? found : record;
        ++*count;
    }
    return found;
}

static void refuse(struct crm_outcome *outcome, enum crm_class class, const char *code,
                   const char *message)
{
    outcome->class = class;
    outcome->code = code;
    outcome->message = message;
}

static void perform(struct scripted *org, const struct crm_write *write, struct arena *arena,
                    struct crm_outcome *outcome)
{
    struct kind *kind = org_kind(org, write->object);
    struct err ignored = {0};
    const struct json *fields =
        json_parse(org->arena, write->payload, strlen(write->payload), &ignored);
    struct record *record = NULL;
    size_t same = 0;

    if (!kind || !json_is(fields, JSON_OBJECT)) {
        refuse(outcome, CRM_REJECTED, "INVALID_TYPE", "no such object, or no payload");
        return;
    }
    if (write->kind == OP_DELETE) {
        record = kind_find(kind, write->id);
        if (!record || record->deleted) {
            refuse(outcome, CRM_REJECTED, "ENTITY_IS_DELETED", "entity is deleted");
            return;
        }
        scripted_delete(org, write->object, write->id);
        outcome->class = CRM_EXECUTED;
        outcome->id = arena_strdup(arena, record->id);
        return;
    }
    if (write->kind == OP_UPDATE) {
        record = kind_find(kind, write->id);
        if (!record || record->deleted) {
            refuse(outcome, CRM_REJECTED, "ENTITY_IS_DELETED", "entity is deleted");
            return;
        }
        if (write->unmodified_since && strcmp(record->stamp, write->unmodified_since) > 0) {
            refuse(outcome, CRM_CHANGED, "PRECONDITION_FAILED", "changed since it was read");
            return;
        }
    } else {
        const struct crm_field *key = crm_object_field(kind->object, write->key_field);
        record = key_find(kind, write, &same, arena);
        if (write->kind == OP_UPSERT && same > 1) {
            refuse(outcome, CRM_SEVERAL, "DUPLICATE_EXTERNAL_ID", "more than one record found");
            return;
        }
        if (write->kind == OP_CREATE && record && key && key->unique) {
            refuse(outcome, CRM_EXISTS, "DUPLICATE_VALUE", "duplicate value found");
            outcome->other_id = arena_strdup(arena, record->id);
            return;
        }
        if (write->kind == OP_CREATE)
            record = NULL;
        outcome->created = record == NULL;
        record = record ? record : record_new(org, kind, NULL);
    }
    record_set(org, record, fields);
    if (write->kind == OP_UPSERT && write->key_field && !map_has(record->fields, write->key_field))
        map_put(record->fields, write->key_field,
                arena_printf(org->arena, "\"%s\"", write->key_value));
    outcome->class = CRM_EXECUTED;
    outcome->id = arena_strdup(arena, record->id);
}

static void write_note(struct scripted *org, const struct crm_write *write, enum crm_class class)
{
    struct jw w;
    buf_str(&org->writes, org->write_count++ ? "," : "");
    jw_init(&w, &org->writes);
    jw_object(&w);
    jw_kv_text(&w, "kind", op_kind_name(write->kind));
    jw_kv_text(&w, "object", write->object);
    jw_kv_text(&w, "id", write->id);
    jw_kv_text(&w, "key", write->key_value);
    jw_key(&w, "payload");
    jw_raw(&w, write->payload, strlen(write->payload));
    jw_kv_text(&w, "class", crm_class_name(class));
    jw_end_object(&w);
}

void org_write(struct scripted *org, const struct crm_write *write, struct arena *arena,
               struct crm_outcome *outcome)
{
    const struct json *to = org->outcomes ? org->outcomes->to : NULL;
    memset(outcome, 0, sizeof *outcome);
    if (!to || json_get_bool(to, "executed", false))
        perform(org, write, arena, outcome);
    if (to) {
        enum crm_class class = outcome->class;
        org->outcomes = org->outcomes->next;
        if (crm_class_parse(json_get_text(to, "class"), &class) && class != CRM_EXECUTED) {
            memset(outcome, 0, sizeof *outcome);
            outcome->class = class;
        }
        outcome->whole = json_get_bool(to, "whole", false);
        outcome->busy = json_get_bool(to, "busy", false);
        if (json_get_text(to, "code"))
            outcome->code = json_get_text(to, "code");
        if (json_get_text(to, "message"))
            outcome->message = json_get_text(to, "message");
        if (json_get_text(to, "other_id"))
            outcome->other_id = json_get_text(to, "other_id");
    }
    outcome->evidence = "{\"scripted\":true}";
    write_note(org, write, outcome->class);
}

const char *scripted_writes(struct scripted *org)
{
    return arena_printf(org->arena, "[%s]", buf_text(&org->writes));
}

size_t scripted_write_count(const struct scripted *org)
{
    return org->write_count;
}
