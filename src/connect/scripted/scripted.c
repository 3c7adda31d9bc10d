/* scripted.c - the connector over a scripted org. See scripted.h. */
#include "connect/scripted/org_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/when.h"

#include <stdlib.h>
#include <string.h>

static struct scripted *in_use;

struct session {
    struct crm_session crm; /* first */
    struct scripted *org;
    struct world *world;
    const char **names;
};

void scripted_use(struct scripted *org)
{
    in_use = org;
}

static struct scripted *org_of(struct crm_session *session)
{
    session->calls++;
    return ((struct session *)session)->org;
}

/* -------------------------------------------------------------- sign-in */

static enum status signin_begin(struct world *world, struct arena *arena, struct crm_signin *signin,
                                struct err *err)
{
    (void)world;
    signin->state = "scripted";
    signin->url = arena_printf(arena, "%s?state=scripted", signin->login_url);
    return OK;
}

static enum status connection_fill(struct world *world, struct arena *arena,
                                   struct connection *connection, struct crm_tokens *tokens,
                                   struct err *err)
{
    if (!in_use)
        return err_set(err, ERR_CRM_UNREACHABLE, "no scripted org is in use");
    if (org_fails(in_use, "signin", err))
        return FAIL;
    connection->connector = scripted_connector.name;
    connection->environment = in_use->environment;
    connection->org_id = in_use->org_id;
    connection->user_id = in_use->user_id;
    connection->username = "scripted@example.com";
    connection->org_name = "Scripted";
    connection->instance_url = "http://127.0.0.1";
    connection->scopes = "api refresh_token id openid profile";
    connection->status = "connected";
    connection->connected_ms = world->now_ms(world);
    secret_set(&tokens->access, "scripted", 8);
    secret_set(&tokens->refresh, "scripted", 8);
    tokens->instance_url = arena_strdup(arena, connection->instance_url);
    return OK;
}

static enum status signin_finish(struct world *world, struct arena *arena,
                                 const struct crm_signin *signin, const char *code,
                                 struct connection *connection, struct crm_tokens *tokens,
                                 struct err *err)
{
    (void)code;
    connection->login_url = arena_strdup(arena, signin->login_url);
    connection->client_id = arena_strdup(arena, signin->client_id);
    return connection_fill(world, arena, connection, tokens, err);
}

static enum status signin_token(struct world *world, struct arena *arena,
                                const struct crm_signin *signin, const struct secret *access_token,
                                struct connection *connection, struct crm_tokens *tokens,
                                struct err *err)
{
    (void)access_token;
    connection->login_url = arena_strdup(arena, signin->login_url);
    return connection_fill(world, arena, connection, tokens, err);
}

static enum status revoke(struct world *world, const struct connection *connection,
                          const struct crm_tokens *tokens, struct err *err)
{
    return OK;
}

/* -------------------------------------------------------------- session */

static struct crm_session *open_session(struct world *world, const struct connection *connection,
                                        const struct crm_token_store *tokens, struct err *err)
{
    if (!in_use || org_fails(in_use, "open", err)) {
        if (!in_use)
            err_set(err, ERR_CRM_UNREACHABLE, "no scripted org is in use");
        return NULL;
    }
    struct session *session = mem_alloc(sizeof *session);
    session->crm.does = &scripted_connector;
    session->crm.limit_used = session->crm.limit_max = -1;
    session->crm.server_date_ms = world->now_ms(world);
    session->org = in_use;
    session->world = world;
    return &session->crm;
}

static void close_session(struct crm_session *session)
{
    if (session)
        free(((struct session *)session)->names);
    free(session);
}

static enum status objects(struct crm_session *crm, const char *const **names, size_t *count,
                           struct err *err)
{
    struct session *session = (struct session *)crm;
    struct scripted *org = org_of(crm);
    size_t at = 0;
    void *kind;
    if (org_fails(org, "objects", err))
        return FAIL;
    free(session->names);
    session->names = mem_array(map_count(org->kinds) + 1, sizeof *session->names);
    *count = 0;
    while (map_next(org->kinds, &at, NULL, &kind))
        session->names[(*count)++] = ((struct kind *)kind)->object->name;
    *names = (const char *const *)session->names;
    return OK;
}

static const struct crm_object *describe(struct crm_session *session, const char *object,
                                         struct err *err)
{
    struct scripted *org = org_of(session);
    struct kind *kind = org_kind(org, object);
    if (org_fails(org, "describe", err))
        return NULL;
    if (!kind)
        err_set(err, ERR_NOT_FOUND, "there is no object %s", object);
    return kind ? kind->object : NULL;
}

/* ----------------------------------------------------------------- read */

struct crm_reader {
    struct crm_session *session;
    struct scripted *org;
    struct crm_read read;
    struct arena *arena;
    struct record **todo;
    size_t count, at;
    int64_t short_by;
};

static int by_stamp(const void *a, const void *b)
{
    const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;
    int order = strcmp(x->stamp, y->stamp);
    return order ? order : strcmp(x->id, y->id);
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(struct record *const *)a)->id, (*(struct record *const *)b)->id);
}

static bool in_window(const struct crm_read *read, const struct record *record)
{
    int64_t ms = 0;
    if ((record->deleted && !read->all_rows) || (read->deleted_only && !record->deleted) ||
        record->hidden)
        return false;
    if (read->until_ms && when_parse(record->stamp, &ms) && ms >= read->until_ms)
        return false;
    if (read->since_stamp) {
        int order = strcmp(record->stamp, read->since_stamp);
        if (order < 0 || (order == 0 && read->since_id && strcmp(record->id, read->since_id) <= 0))
            return false;
    } else if (read->since_id && strcmp(record->id, read->since_id) <= 0) {
        return false;
    }
    return true;
}

static struct crm_reader *read_open(struct crm_session *session, const struct crm_read *read,
                                    struct err *err)
{
    struct scripted *org = ((struct session *)session)->org;
    struct kind *kind = org_kind(org, read->object);
    if (org_fails(org, "read_open", err))
        return NULL;
    if (!kind) {
        err_set(err, ERR_NOT_FOUND, "there is no object %s", read->object);
        return NULL;
    }
    struct crm_reader *reader = mem_alloc(sizeof *reader);
    reader->session = session;
    reader->org = org;
    reader->read = *read;
    reader->arena = arena_new();
    const char **fields = arena_array(reader->arena, read->field_count + 1, sizeof *fields);
    for (size_t i = 0; i < read->field_count; i++)
        fields[i] = arena_strdup(reader->arena, read->fields[i]);
    reader->read.fields = fields;
    reader->todo = mem_array(kind->records.len + 1, sizeof *reader->todo);
    for (size_t i = 0; i < kind->records.len; i++)
        if (in_window(read, kind->records.at[i]))
            reader->todo[reader->count++] = kind->records.at[i];
    qsort(reader->todo, reader->count, sizeof *reader->todo, read->by_stamp ? by_stamp : by_id);
    if (org->short_by > 0 && (size_t)org->short_by <= reader->count) {
        reader->short_by = org->short_by;
        reader->count -= (size_t)org->short_by;
        org->short_by = 0;
    }
    return reader;
}

static enum status read_next(struct crm_reader *reader, struct arena *arena, struct crm_page *page,
                             struct err *err)
{
    struct scripted *org = org_of(reader->session);
    memset(page, 0, sizeof *page);
    if (org_fails(org, "read", err))
        return FAIL;
    bool read_all = reader->read.all_rows;
    page->total = reader->at == 0 ? (int64_t)reader->count : -1;
    size_t left = reader->count - reader->at, width = reader->read.field_count;
    page->count = left < org->page ? left : org->page;
    page->records = arena_array(arena, page->count + 1, sizeof *page->records);
    for (size_t i = 0; i < page->count; i++) {
        const struct record *from = reader->todo[reader->at++];
        struct crm_record *to = &page->records[i];
        to->id = arena_strdup(arena, from->id);
        to->stamp = arena_strdup(arena, from->stamp);
        to->deleted = from->deleted;
        if (read_all)
            to->master_id = arena_strdup(arena, record_value(from, "MasterRecordId", arena).text);
        to->values = arena_array(arena, width + 1, sizeof *to->values);
        for (size_t k = 0; k < width; k++) {
            struct value v = record_value(from, reader->read.fields[k], arena);
            to->values[k] = v.text ? (struct value){arena_strndup(arena, v.text, v.len), v.len} : v;
        }
    }
    page->last = reader->at == reader->count;
    if (page->last)
        page->missing = reader->short_by;
    reader->session->calls_one_each += page->count;
    return OK;
}

static void read_close(struct crm_reader *reader)
{
    if (!reader)
        return;
    arena_free(reader->arena);
    free(reader->todo);
    free(reader);
}

static enum status count_records(struct crm_session *session, const char *object, const char *where,
                                 int64_t *out, struct err *err)
{
    struct scripted *org = org_of(session);
    if (org_fails(org, "count", err))
        return FAIL;
    *out = (int64_t)scripted_record_count(org, object);
    return OK;
}

/* --------------------------------------------------------------- lookup */

static bool matches(const struct crm_lookup *lookup, size_t row, const struct record *record,
                    struct arena *arena)
{
    for (size_t i = 0; i < lookup->match_count; i++) {
        struct value key = lookup->keys[row * lookup->match_count + i];
        enum crm_normal normal = lookup->normals ? lookup->normals[i] : CRM_AS_IS;
        struct str wanted = str_trim((struct str){key.text ? key.text : "", key.len});
        struct value has = record_value(record, lookup->match_fields[i], arena);
        if (normal != CRM_AS_IS && has.text) {
            wanted = str_of(crm_normalise(arena, normal, key));
            const char *theirs = crm_normalise(arena, normal, has);
            has = theirs ? (struct value){theirs, (uint32_t)strlen(theirs)} : VALUE_NULL;
        }
        if (wanted.n == 0 || !has.text)
            return false;
        if (lookup->contains
                ? !strcasestr(arena_strndup(arena, has.text, has.len), str_dup(arena, wanted))
                : !str_eq_nocase(wanted, (struct str){has.text, has.len}))
            return false;
    }
    return true;
}

static const char *record_json(const struct crm_lookup *lookup, const struct record *record,
                               struct arena *arena)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "Id", record->id);
    for (size_t i = 0; i < lookup->return_count; i++) {
        const char *name = lookup->return_fields[i], *json = map_get(record->fields, name);
        if (text_eq_nocase(name, "Id"))
            continue;
        if (text_eq_nocase(name, "SystemModstamp"))
            jw_kv_text(&w, name, record->stamp);
        else if (json)
            jw_key(&w, name), jw_raw(&w, json, strlen(json));
        else
            jw_kv_null(&w, name);
    }
    if (lookup->all_rows)
        jw_kv_bool(&w, "IsDeleted", record->deleted);
    jw_end_object(&w);
    const char *out = arena_strndup(arena, text.data, text.len);
    buf_free(&text);
    return out;
}

static enum status lookup_rows(struct crm_session *session, const struct crm_lookup *lookup,
                               struct arena *arena, struct crm_match **results, struct err *err)
{
    struct scripted *org = org_of(session);
    struct kind *kind = org_kind(org, lookup->object);
    if (org_fails(org, "lookup", err))
        return FAIL;
    if (!kind)
        return err_set(err, ERR_NOT_FOUND, "there is no object %s", lookup->object);
    for (size_t row = 0; row < lookup->row_count; row++) {
        struct crm_match **at = &results[row];
        *at = NULL;
        for (size_t i = 0; i < kind->records.len; i++) {
            const struct record *record = kind->records.at[i];
            if ((record->deleted && !lookup->all_rows) || !matches(lookup, row, record, arena))
                continue;
            *at = arena_alloc(arena, sizeof **at);
            (*at)->id = arena_strdup(arena, record->id);
            (*at)->record = record_json(lookup, record, arena);
            (*at)->deleted = record->deleted;
            at = &(*at)->next;
        }
    }
    session->calls_one_each += lookup->row_count;
    return OK;
}

/* ---------------------------------------------------------------- write */

static enum crm_check check(struct crm_session *session, const struct crm_object *object,
                            const struct crm_field *field, enum op_kind kind, struct value value,
                            struct arena *arena, const char **out, struct err *err)
{
    struct err ignored = {0};
    struct buf text = BUF_INIT;
    struct jw w;
    if (kind == OP_CREATE ? !field->createable : !field->updateable) {
        err_set(err, "refused.not_writable", "%s cannot be written", field->label);
        return CRM_CHECK_REFUSED;
    }
    if (field->length && value.text &&
        utf16_length(value.text, value.len) > (size_t)field->length) {
        err_set(err, "refused.too_long", "%s holds %d characters", field->label, field->length);
        return CRM_CHECK_REFUSED;
    }
    bool raw = text_eq(field->type, "boolean") || text_eq(field->type, "int") ||
               text_eq(field->type, "double") || text_eq(field->type, "currency");
    if (!value.text || value.len == 0) {
        *out = "null";
    } else if (raw) {
        if (!json_parse(arena, value.text, value.len, &ignored)) {
            err_set(err, "refused.bad_number", "%s: not a %s", field->label, field->type);
            return CRM_CHECK_REFUSED;
        }
        *out = arena_strndup(arena, value.text, value.len);
    } else {
        jw_init(&w, &text);
        jw_text_n(&w, value.text, value.len);
        *out = arena_strndup(arena, text.data, text.len);
        buf_free(&text);
    }
    return CRM_CHECK_OK;
}

static void write_rows(struct crm_session *session, const struct crm_write *writes, size_t count,
                       const struct crm_write_options *options, struct arena *arena,
                       struct crm_outcome *outcomes)
{
    struct scripted *org = org_of(session);
    for (size_t i = 0; i < count; i++) {
        struct crm_write write = writes[i];
        if (!options->alone)
            write.unmodified_since = NULL; /* the condition of a request of its own */
        org_write(org, &write, arena, &outcomes[i]);
    }
    session->calls_one_each += count;
}

/* One after the other: a script has one order. */
static void write_many(struct crm_session *session, struct crm_exchange *list, size_t count,
                       const struct crm_watch *watch)
{
    for (size_t i = 0; i < count; i++) {
        struct crm_exchange *x = &list[i];
        if (watch->leaving && !watch->leaving(watch->ctx, i))
            continue;
        session->does->write(session, x->writes, x->count, &x->options, x->arena, x->outcomes);
        if (watch->landed)
            watch->landed(watch->ctx, i);
    }
}

static size_t write_cost(enum op_kind kind, size_t count)
{
    return (count + 999) / 1000;
}

const struct connector scripted_connector = {
    .name = "scripted",
    .signin_begin = signin_begin,
    .signin_finish = signin_finish,
    .signin_token = signin_token,
    .revoke = revoke,
    .open = open_session,
    .close = close_session,
    .objects = objects,
    .describe = describe,
    .read_open = read_open,
    .read_next = read_next,
    .read_close = read_close,
    .count = count_records,
    .lookup = lookup_rows,
    .check = check,
    .write_batch = 1000,
    .write = write_rows,
    .write_many = write_many,
    .write_cost = write_cost,
};
