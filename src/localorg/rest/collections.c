/* collections.c - /composite/sobjects: up to 200 records in one request.
 *
 * A row that is wrong by itself (no type, no id, a bad id) gets its own error
 * here; the others go to org_dml in one call, in input order, so that
 * all-or-none and duplicate keys are judged over the whole collection. */
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "localorg/soql/soql.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX   200
#define CHUNKS_MAX 10
#define READ_MAX   2000
#define ROLLED_BACK                                                                                \
    "Record rolled back because not all records were valid and the request was using AllOrNone "   \
    "header"

struct collection {
    bool all_or_none;
    size_t count;
    struct dml_row *rows;
    struct dml_result *results;
    bool *refused; /* has its error already */
};

static void collection_init(struct call *call, struct collection *c, size_t count)
{
    c->count = count;
    c->rows = arena_array(call->arena, count ? count : 1, sizeof *c->rows);
    c->results = arena_array(call->arena, count ? count : 1, sizeof *c->results);
    c->refused = arena_array(call->arena, count ? count : 1, sizeof *c->refused);
}

static void refuse(struct call *call, struct collection *c, size_t i, const char *code,
                   const char *message, const char *field)
{
    result_refuse(call->arena, &c->results[i], code, message, field);
    c->refused[i] = true;
}

/* The records array of the body. NULL after answering 400. */
static const struct json *read_records(struct call *call, struct collection *c)
{
    const struct json *body = call_json(call);
    const struct json *records = json_get(body, "records");
    if (!body)
        return NULL;
    if (!json_is(records, JSON_ARRAY) || records->len == 0) {
        answer_error(call, 400, "INVALID_ARGUMENT",
                     "The request body needs a \"records\" list with 1 to %d records.", ROWS_MAX);
        return NULL;
    }
    if (records->len > ROWS_MAX) {
        answer_error(call, 400, "EXCEEDED_ID_LIMIT",
                     "record limit reached. cannot submit more than 200 records into this call");
        return NULL;
    }
    collection_init(call, c, records->len);
    c->all_or_none = call->all_or_none || json_get_bool(body, "allOrNone", false);
    return records;
}

/* attributes.type, or the URL's object. */
static void read_type(struct call *call, struct collection *c, size_t i, const struct json *record)
{
    const char *name = json_get_text(json_get(record, "attributes"), "type");
    if (!json_is(record, JSON_OBJECT) || !name) {
        refuse(call, c, i, "INVALID_INPUT", "record needs attributes.type", "attributes");
        return;
    }
    const struct sobject *object = schema_find(org_schema(call->site->org), name);
    if (!object || !org_may_object(call->site->org, call->session.user_id, object, ORG_READ))
        refuse(call, c, i, "INVALID_TYPE",
               arena_printf(call->arena, "sObject type '%s' is not supported.", name), NULL);
    else
        c->rows[i].object = object;
    c->rows[i].body = record;
}

/* Runs of one type count as chunks: {A,A,C,A} is three. */
static bool chunks_ok(struct call *call, const struct collection *c)
{
    size_t chunks = 0;
    const struct sobject *last = NULL;
    for (size_t i = 0; i < c->count; i++) {
        if (!c->rows[i].object)
            continue;
        chunks += c->rows[i].object != last;
        last = c->rows[i].object;
    }
    if (chunks <= CHUNKS_MAX)
        return true;
    answer_error(call, 400, "LIMIT_EXCEEDED",
                 "Cannot have more than 10 chunks in a single operation. Please rearrange the "
                 "data to reduce chunking.");
    return false;
}

static size_t count_refused(const struct collection *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        n += c->refused[i];
    return n;
}

static void roll_back_others(struct call *call, struct collection *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (!c->refused[i])
            result_refuse(call->arena, &c->results[i], "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                          ROLLED_BACK, NULL);
}

/* Writes the rows that were not refused. False after answering. */
static bool write_rows(struct call *call, struct collection *c, enum dml_kind kind)
{
    struct dml_options options = write_options(call, c->all_or_none);
    size_t refused = count_refused(c), n = 0;
    if (refused == 0)
        return records_write(call, kind, &options, c->rows, c->count, c->results);
    if (c->all_or_none) {
        roll_back_others(call, c);
        return true;
    }
    struct dml_row *rows = arena_array(call->arena, c->count, sizeof *rows);
    struct dml_result *results = arena_array(call->arena, c->count, sizeof *results);
    for (size_t i = 0; i < c->count; i++)
        if (!c->refused[i])
            rows[n++] = c->rows[i];
    if (n && !records_write(call, kind, &options, rows, n, results))
        return false;
    n = 0;
    for (size_t i = 0; i < c->count; i++)
        if (!c->refused[i])
            c->results[i] = results[n++];
    return true;
}

static void answer_results(struct call *call, const struct collection *c, bool upsert)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_array(&w);
    for (size_t i = 0; i < c->count; i++)
        result_json(&w, &c->results[i], upsert);
    jw_end_array(&w);
}

/* --- create, update, upsert, delete --- */

void collection_create(struct call *call)
{
    struct collection c = {0};
    size_t i = 0;
    const struct json *records = read_records(call, &c);
    if (!records)
        return;
    json_each(record, records) {
        read_type(call, &c, i, record);
        if (!c.refused[i] && json_get_nocase(record, "Id"))
            refuse(call, &c, i, "INVALID_FIELD_FOR_INSERT_UPDATE",
                   "cannot specify Id in an insert call", "Id");
        i++;
    }
    if (chunks_ok(call, &c) && write_rows(call, &c, DML_INSERT))
        answer_results(call, &c, false);
}

static const struct json *given_id(const struct json *record)
{
    return json_get_nocase(record, "Id");
}

void collection_update(struct call *call)
{
    struct collection c = {0};
    size_t i = 0;
    const struct json *records = read_records(call, &c);
    if (!records)
        return;
    json_each(record, records) {
        const char *id = json_text(given_id(record));
        read_type(call, &c, i, record);
        c.rows[i].id = id;
        if (!c.refused[i] && text_blank(id))
            refuse(call, &c, i, "MISSING_ARGUMENT", "Id not specified in an update call", NULL);
        i++;
    }
    if (chunks_ok(call, &c) && write_rows(call, &c, DML_UPDATE))
        answer_results(call, &c, false);
}

static const struct field *upsert_key(struct call *call, const struct sobject *object)
{
    const struct field *field = sobject_field(object, call->args[1]);
    if (field && (field->external_id || field->id_lookup || field->type == FT_ID))
        return field;
    answer_error(call, 404, "NOT_FOUND",
                 "Provided external ID field does not exist or is not accessible: %s",
                 call->args[1]);
    return NULL;
}

void collection_upsert(struct call *call)
{
    struct collection c = {0};
    size_t i = 0;
    const struct sobject *object = call_object(call, call->args[0]);
    const struct field *key = object ? upsert_key(call, object) : NULL;
    const struct json *records = key ? read_records(call, &c) : NULL;
    if (!records)
        return;
    json_each(record, records) {
        const char *type = json_get_text(json_get(record, "attributes"), "type");
        c.rows[i] = (struct dml_row){.object = object, .body = record, .key = key};
        if (!json_is(record, JSON_OBJECT))
            refuse(call, &c, i, "INVALID_INPUT", "a record is a JSON object", NULL);
        else if (type && !text_eq_nocase(type, object->name))
            refuse(call, &c, i, "INVALID_TYPE", "all records of an upsert have the type of its URL",
                   "attributes");
        i++;
    }
    if (write_rows(call, &c, DML_UPSERT))
        answer_results(call, &c, true);
}

void collection_delete(struct call *call)
{
    struct collection c = {0};
    const char *ids = call_param(call, "ids"), *all = call_param(call, "allOrNone"), *word;
    size_t count = 0, len;
    for (const char *at = ids; (word = words_next(&at, &len));)
        count++;
    if (count == 0 || count > ROWS_MAX) {
        answer_error(call, 400, count ? "EXCEEDED_ID_LIMIT" : "INVALID_ARGUMENT",
                     count ? "record limit reached. cannot submit more than 200 records into this "
                             "call"
                           : "The ids parameter needs 1 to 200 record ids.");
        return;
    }
    collection_init(call, &c, count);
    c.all_or_none = call->all_or_none || (all && text_eq_nocase(all, "true"));
    for (size_t i = 0; (word = words_next(&ids, &len)); i++) {
        char id[19];
        const char *text = arena_strndup(call->arena, word, len);
        c.rows[i].id = text;
        c.rows[i].object =
            id_canonical(text, id) ? schema_by_prefix(org_schema(call->site->org), id) : NULL;
        if (!c.rows[i].object)
            refuse(call, &c, i, "MALFORMED_ID", arena_printf(call->arena, "malformed id %s", text),
                   NULL);
    }
    if (chunks_ok(call, &c) && write_rows(call, &c, DML_DELETE))
        answer_results(call, &c, false);
}

/* --- reading many --- */

struct wanted {
    char (*ids)[19];
    size_t count;
};

static void wanted_add(struct wanted *wanted, const char *text)
{
    if (!id_canonical(text ? text : "", wanted->ids[wanted->count]))
        wanted->ids[wanted->count][0] = '\0';
    wanted->count++;
}

static const char *select_text(struct call *call, const struct sobject *object, const char *fields,
                               const struct wanted *wanted)
{
    struct buf soql = BUF_INIT;
    size_t listed = 0;
    buf_printf(&soql, "SELECT %s FROM %s WHERE Id IN (", fields, object->name);
    for (size_t i = 0; i < wanted->count; i++)
        if (wanted->ids[i][0] && object->key_prefix &&
            strncmp(wanted->ids[i], object->key_prefix, 3) == 0)
            buf_printf(&soql, "%s'%s'", listed++ ? "," : "", wanted->ids[i]);
    buf_char(&soql, ')');
    const char *text = listed ? arena_strndup(call->arena, soql.data, soql.len) : NULL;
    buf_free(&soql);
    return text;
}

struct found { /* one record: its id and where its JSON stands */
    char id[19];
    size_t from, len;
};

/* The id is the last part of attributes.url, which comes first. */
static bool record_id_of(const char *json, size_t len, char id[19])
{
    const char *url = memmem(json, len < 200 ? len : 200, "\"url\":\"", 7);
    const char *end = url ? strchr(url + 7, '"') : NULL;
    if (!end || end - url < 25)
        return false;
    memcpy(id, end - 18, 18);
    id[18] = '\0';
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->id, ((const struct found *)b)->id);
}

static enum status read_found(struct call *call, const char *soql, struct buf *rows,
                              struct found *found, size_t *count, struct err *err)
{
    struct soql_context context = {.org = call->site->org,
                                   .user_id = call->session.user_id,
                                   .now_ms = call_now(call),
                                   .api_version = call->api_version};
    struct soql_plan *plan = soql_compile(call->arena, &context, soql, err);
    struct soql_cursor *cursor = plan ? soql_open(call->site->org, plan, err) : NULL;
    size_t written = 1;
    *count = 0;
    if (!cursor)
        return FAIL;
    enum status rc = OK;
    while (written && rc == OK) {
        size_t from = rows->len;
        rc = soql_write_json(cursor, call->base, 1, rows, &written, err);
        if (rc == OK && written &&
            record_id_of(rows->data + from, rows->len - from, found[*count].id)) {
            found[*count].from = from;
            found[(*count)++].len = rows->len - from;
        }
    }
    soql_close(cursor);
    return rc;
}

static void answer_found(struct call *call, const struct sobject *object, const char *fields,
                         const struct wanted *wanted)
{
    struct jw w;
    struct err err = {{0}};
    struct buf rows = BUF_INIT;
    size_t count = 0;
    struct found *found = arena_array(call->arena, wanted->count + 1, sizeof *found);
    const char *soql = select_text(call, object, fields, wanted);
    if (soql && read_found(call, soql, &rows, found, &count, &err) != OK) {
        answer_error(call, 400, err.code, "%s", err.message);
        buf_free(&rows);
        return;
    }
    qsort(found, count, sizeof *found, by_id);
    answer_json(call, 200, &w);
    jw_array(&w);
    for (size_t i = 0; i < wanted->count; i++) {
        struct found key;
        memcpy(key.id, wanted->ids[i], sizeof key.id);
        const struct found *hit = bsearch(&key, found, count, sizeof *found, by_id);
        if (hit)
            jw_raw(&w, rows.data + hit->from, hit->len);
        else
            jw_null(&w);
    }
    jw_end_array(&w);
    buf_free(&rows);
    requests_records(call->site->requests, COUNT_READ, count);
}

void collection_get(struct call *call)
{
    struct wanted wanted = {0};
    const char *ids = call_param(call, "ids"), *fields = call_param(call, "fields"), *word;
    const struct sobject *object = call_object(call, call->args[0]);
    size_t len;
    if (!object)
        return;
    if (text_blank(ids) || text_blank(fields)) {
        answer_error(call, 400, "MISSING_ARGUMENT", "both ids and fields have to be specified");
        return;
    }
    wanted.ids = arena_array(call->arena, READ_MAX, sizeof *wanted.ids);
    while ((word = words_next(&ids, &len)) && wanted.count < READ_MAX)
        wanted_add(&wanted, arena_strndup(call->arena, word, len));
    answer_found(call, object, fields, &wanted);
}

void collection_read(struct call *call)
{
    struct wanted wanted = {0};
    const struct sobject *object = call_object(call, call->args[0]);
    const struct json *body = object ? call_json(call) : NULL;
    const struct json *ids = json_get(body, "ids"), *fields = json_get(body, "fields");
    struct buf list = BUF_INIT;
    if (!body)
        return;
    if (!json_is(ids, JSON_ARRAY) || !json_is(fields, JSON_ARRAY) || !fields->len) {
        answer_error(call, 400, "MISSING_ARGUMENT", "both ids and fields have to be specified");
        return;
    }
    if (ids->len > READ_MAX) {
        answer_error(call, 400, "EXCEEDED_ID_LIMIT",
                     "record limit reached. cannot submit more than 2000 records into this call");
        return;
    }
    wanted.ids = arena_array(call->arena, ids->len + 1, sizeof *wanted.ids);
    json_each(id, ids)
        wanted_add(&wanted, json_text(id));
    json_each(field, fields)
        buf_printf(&list, "%s%s", list.len ? "," : "", json_text(field) ? json_text(field) : "");
    answer_found(call, object, arena_strdup(call->arena, buf_text(&list)), &wanted);
    buf_free(&list);
}
