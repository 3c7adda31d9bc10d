/* rows.c - one record by its id: create, read, update, delete.
 *
 * Conditional writes (If-Unmodified-Since, If-Match) check and write between
 * records_begin and records_end, so nothing slips in between. */
#include "localorg/rest/rows.h"

#include "localorg/rest/blobs.h"
#include "localorg/rest/resources.h"
#include "localorg/rest/setup_rows.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

/* --- shared with keys.c --- */

void answer_created(struct call *call, const struct sobject *object,
                    const struct dml_result *result, bool upsert)
{
    struct jw w;
    answer_json(call, result->created || !upsert ? 201 : 200, &w);
    result_json(&w, result, upsert && call->api_version >= 46);
    if (result->created || !upsert)
        answer_header(
            call, "Location",
            arena_printf(call->arena, "%s/sobjects/%s/%s", call->base, object->name, result->id));
}

static const char *token_of(const struct json *value)
{
    static const char *const names[] = {[JSON_NULL] = "VALUE_NULL",
                                        [JSON_FALSE] = "VALUE_FALSE",
                                        [JSON_TRUE] = "VALUE_TRUE",
                                        [JSON_NUMBER] = "VALUE_NUMBER",
                                        [JSON_STRING] = "VALUE_STRING",
                                        [JSON_ARRAY] = "START_ARRAY",
                                        [JSON_OBJECT] = "START_OBJECT"};
    return names[value->type];
}

const struct json *rows_body(struct call *call)
{
    const struct json *body = call_json(call);
    if (body && !json_is(body, JSON_OBJECT)) {
        answer_error(call, 400, "JSON_PARSER_ERROR",
                     "Cannot deserialize instance of SObject from %s value%s%s at [line:1, "
                     "column:1]",
                     token_of(body), json_text(body) ? " " : "",
                     json_text(body) ? json_text(body) : "");
        return NULL;
    }
    return body;
}

bool rows_has_id(struct call *call, const struct json *body)
{
    const struct json *id = json_get_nocase(body, "Id");
    if (!id)
        return false;
    struct dml_result result = {0};
    result_refuse(call->arena, &result, "INVALID_FIELD",
                  "The Id field should not be specified in the sobject data.", NULL);
    answer_refused(call, NULL, &result);
    return true;
}

bool rows_id(struct call *call, const struct sobject *object, const char *text, char id[19])
{
    enum record_state state = RECORD_MISSING;
    if (id_canonical(text, id) && object->key_prefix && strncmp(id, object->key_prefix, 3) == 0)
        state = records_state(call, object, id, NULL);
    if (state == RECORD_LIVE)
        return true;
    if (state == RECORD_DELETED) {
        struct dml_result result = {0};
        result_refuse(call->arena, &result, "ENTITY_IS_DELETED", "entity is deleted", NULL);
        answer_refused(call, object, &result);
    } else if (!id_canonical(text, id)) {
        struct dml_result result = {0};
        size_t len = strlen(text);
        if (len == 15 || len == 18) {
            result_refuse(call->arena, &result, "MALFORMED_ID",
                          arena_printf(call->arena, "%s ID: id value of incorrect type: %s",
                                       object->label ? object->label : object->name, text),
                          "Id");
            answer_refused(call, object, &result);
        } else {
            answer_error(call, 404, "NOT_FOUND",
                         "Provided external ID field does not exist or is not accessible: %s",
                         text);
        }
    } else {
        answer_not_found(call);
    }
    return false;
}

/* --- conditions --- */

static const char *row_etag(struct arena *arena, const char *id, int64_t modified_ms)
{
    const char *key = arena_printf(arena, "%s %lld", id, (long long)modified_ms);
    unsigned long long hash = text_hash(key, strlen(key));
    return arena_printf(arena, "\"%s=\"", base64_encode(arena, &hash, sizeof hash));
}

/* ETags exist for Account only; dates for everything that has one. */
static bool condition_refused(struct call *call, const struct sobject *object, const char *id,
                              int64_t modified_ms)
{
    int64_t at;
    const char *header = call_header(call, "If-Unmodified-Since");
    if (header && when_parse_http(header, &at) && modified_ms / 1000 > at / 1000) {
        answer_error(call, 412, "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE",
                     "the record was modified after the time given in If-Unmodified-Since");
        return true;
    }
    header = call_header(call, "If-Match");
    if (header && strcmp(object->name, "Account") == 0 && strcmp(header, "*") != 0 &&
        !strstr(header, row_etag(call->arena, id, modified_ms))) {
        answer_error(call, 412, "MATCH_PRECONDITION_FAILED",
                     "the record does not match the ETag given in If-Match");
        return true;
    }
    return false;
}

static bool not_modified(struct call *call, const struct sobject *object, const char *id,
                         int64_t modified_ms)
{
    int64_t at;
    const char *since = call_header(call, "If-Modified-Since");
    const char *known = call_header(call, "If-None-Match");
    const char *etag = row_etag(call->arena, id, modified_ms);
    if (strcmp(object->name, "Account") == 0)
        answer_header(call, "ETag", etag);
    if ((since && when_parse_http(since, &at) && modified_ms / 1000 <= at / 1000) ||
        (known && strcmp(object->name, "Account") == 0 && strstr(known, etag))) {
        answer_empty(call, 304);
        return true;
    }
    return false;
}

/* --- read --- */

/* ?fields= as a SOQL select list: known names only, Id always. */
static const char *asked_fields(struct call *call, const struct sobject *object, const char *list)
{
    struct buf out = BUF_INIT;
    size_t len;
    const char *word;
    buf_str(&out, "Id");
    while ((word = words_next(&list, &len))) {
        const struct field *field = sobject_field_n(object, word, len);
        if (!field || !call_may_field(call, field, ORG_READ)) {
            answer_error(call, 400, "INVALID_FIELD",
                         "\nNo such column '%.*s' on entity '%s'. If you are attempting to use a "
                         "custom field, be sure to append the '__c' after the custom field name. "
                         "Please reference your WSDL or the describe call for the appropriate "
                         "names.",
                         (int)len, word, object->name);
            buf_free(&out);
            return NULL;
        }
        if (strcmp(field->name, "Id") != 0)
            buf_printf(&out, ",%s", field->name);
    }
    const char *fields = arena_strdup(call->arena, buf_text(&out));
    buf_free(&out);
    return fields;
}

void answer_row(struct call *call, const struct sobject *object, const char *id)
{
    struct jw w;
    struct err err = {{0}};
    int64_t modified_ms = 0;
    const char *asked = call_param(call, "fields");
    const char *fields =
        asked && *asked ? asked_fields(call, object, asked) : records_fields(call, object);
    if (!fields)
        return;
    records_state(call, object, id, &modified_ms);
    if (condition_refused(call, object, id, modified_ms) ||
        not_modified(call, object, id, modified_ms))
        return;
    answer_json(call, 200, &w);
    if (records_json(call, object, fields, id, &call->out->body, &err)) {
        records_touch(call, id, VIEW_SEEN);
        return;
    }
    if (err.code[0])
        answer_error(call, 400, err.code, "%s", err.message);
    else
        answer_not_found(call);
}

void rows_get(struct call *call)
{
    char id[19];
    const struct sobject *object = call_object(call, call->args[0]);
    if (object && rows_id(call, object, call->args[1], id))
        answer_row(call, object, id);
}

/* --- write --- */

static void create(struct call *call, const struct sobject *object)
{
    struct dml_result result = {0};
    struct dml_options options = write_options(call, true);
    const struct json *body = rows_body(call);
    if (!body || rows_has_id(call, body) || blobs_too_large(call, object, body))
        return;
    struct dml_row row = {.object = object, .body = body};
    if (!records_write(call, DML_INSERT, &options, &row, 1, &result))
        return;
    if (result.success)
        answer_created(call, object, &result, false);
    else
        answer_refused(call, object, &result);
}

void rows_create(struct call *call)
{
    const struct sobject *object = call_object(call, call->args[0]);
    if (object)
        create(call, object);
}

/* POST /sobjects/X/Id: an insert through the upsert path. */
void rows_create_by_id(struct call *call)
{
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object)
        return;
    if (text_eq_nocase(call->args[1], "Id"))
        create(call, object);
    else
        answer_error(call, 405, "METHOD_NOT_ALLOWED",
                     "HTTP Method 'POST' not allowed. Allowed are DELETE,GET,HEAD,PATCH");
}

/* Update or delete of a row that is there and meets the conditions. */
void answer_written(struct call *call, enum dml_kind kind, const struct sobject *object,
                    const char *id, const struct json *body)
{
    struct dml_result result = {0};
    struct dml_options options = write_options(call, true);
    struct dml_row row = {.object = object, .body = body, .id = id};
    int64_t modified_ms = 0;
    if (!records_begin(call))
        return;
    records_state(call, object, id, &modified_ms);
    bool refused = condition_refused(call, object, id, modified_ms);
    bool done = !refused && records_write(call, kind, &options, &row, 1, &result);
    if (!records_end(call, done) || !done)
        return;
    if (result.success)
        answer_empty(call, 204);
    else
        answer_refused(call, object, &result);
}

void rows_update(struct call *call)
{
    char id[19];
    const struct sobject *object = call_object(call, call->args[0]);
    const struct json *body = object ? rows_body(call) : NULL;
    if (body && rows_id(call, object, call->args[1], id) && !rows_has_id(call, body) &&
        !blobs_too_large(call, object, body))
        answer_written(call, DML_UPDATE, object, id, body);
}

void rows_delete(struct call *call)
{
    char id[19];
    const struct sobject *object = call_object(call, call->args[0]);
    if (object && rows_id(call, object, call->args[1], id) && !setup_rows_delete(call, object, id))
        answer_written(call, DML_DELETE, object, id, NULL);
}
