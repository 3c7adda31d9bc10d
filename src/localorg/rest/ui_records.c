/* ui_records.c - /ui-api/records: records as the User Interface API reads and
 * writes them, with Idempotency-Key; and what a new one starts with. */
#include "localorg/rest/idempotency.h"
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"
#include "localorg/rest/rows.h"
#include "localorg/rest/ui_fields.h"
#include "localorg/rest/ui_objects.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

#define BATCH_MAX 200

static const struct sobject *object_of(struct call *call, const char *text, char id[19])
{
    const struct sobject *object =
        id_canonical(text, id) ? schema_by_prefix(org_schema(call->site->org), id) : NULL;
    bool seen = object &&
                org_may_object(call->site->org, call->session.user_id, object, ORG_READ) &&
                records_state(call, object, id, NULL) == RECORD_LIVE;
    return seen ? object : NULL;
}

/* --- reading --- */

/* Sets the ETag. True after answering 304. */
static bool known_already(struct call *call)
{
    const char *known = call_header(call, "If-None-Match");
    const char *etag = arena_printf(call->arena, "\"%s\"",
                                    ui_etag(call, buf_text(&call->out->body), call->out->body.len));
    answer_header(call, "ETag", etag);
    if (!known || !strstr(known, etag))
        return false;
    answer_empty(call, 304);
    return true;
}

void ui_record_get(struct call *call)
{
    struct jw w;
    char id[19];
    const struct sobject *object = object_of(call, call->args[0], id);
    struct ui_fields fields = {.object = object};
    if (!object) {
        answer_not_found(call);
        return;
    }
    if (!ui_fields_asked(call, &fields))
        return;
    answer_json(call, 200, &w);
    if (!ui_record_write(call, &w, &fields, id))
        answer_not_found(call);
    else if (!known_already(call))
        records_touch(call, id, VIEW_SEEN);
}

/* What a request for this record alone would answer. */
static void write_batch_entry(struct call *call, struct jw *w, const char *text)
{
    struct jw one;
    char id[19];
    const struct sobject *object = object_of(call, text, id);
    struct ui_fields fields = {.object = object};
    if (!object) {
        answer_not_found(call);
    } else if (ui_fields_asked(call, &fields)) {
        answer_json(call, 200, &one);
        if (!ui_record_write(call, &one, &fields, id))
            answer_not_found(call);
    }
    jw_object(w);
    jw_key(w, "result");
    jw_raw(w, call->out->body.data, call->out->body.len);
    jw_kv_int(w, "statusCode", call->out->status);
    jw_end_object(w);
}

void ui_records_batch(struct call *call)
{
    struct jw w;
    struct buf all = BUF_INIT;
    size_t len, count = 0;
    const char *word, *list = call->args[0];
    jw_init(&w, &all);
    jw_object(&w);
    jw_key(&w, "results");
    jw_array(&w);
    while ((word = words_next(&list, &len)) && count++ < BATCH_MAX)
        write_batch_entry(call, &w, arena_strndup(call->arena, word, len));
    jw_end_array(&w);
    jw_end_object(&w);
    answer_json(call, 200, &w);
    buf_append(&call->out->body, all.data, all.len);
    buf_free(&all);
}

/* --- saying what was wrong --- */

static void write_duplicates(struct call *call, struct jw *w, const struct sobject *object,
                             const struct dml_result *result)
{
    jw_key(w, "duplicateRecordError");
    if (!result->duplicate_rule) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_key(w, "matchResults");
    jw_array(w);
    jw_object(w);
    jw_kv_text(w, "apiName", object->name);
    jw_kv_bool(w, "isAllowSave", result->duplicate_may_save);
    jw_key(w, "matchRecordIds");
    jw_array(w);
    for (const struct dml_match *match = result->matches; match; match = match->next)
        jw_text(w, match->id18);
    jw_end_array(w);
    jw_kv_text(w, "matchRule", result->matching_rule);
    jw_kv_text(w, "objectLabel", object->label);
    jw_kv_text(w, "objectLabelPlural", object->label_plural);
    jw_kv_text(w, "themeInfo", NULL);
    jw_end_object(w);
    jw_end_array(w);
    jw_end_object(w);
}

static void write_error(struct call *call, struct jw *w, const struct sobject *object,
                        const struct dml_result *result, const struct dml_error *error,
                        const char *name)
{
    const struct field *field = name ? sobject_field(object, name) : NULL;
    jw_object(w);
    jw_kv_text(w, "constituentField", NULL);
    write_duplicates(call, w, object, result);
    jw_kv_text(w, "errorCode", error->status_code);
    jw_kv_text(w, "field", name);
    jw_kv_text(w, "fieldLabel", field ? field->label : NULL);
    jw_kv_text(w, "message", error->message);
    jw_end_object(w);
}

/* Errors of fields stand under their field's name, the others in a list. */
static void answer_record_error(struct call *call, const struct sobject *object,
                                const struct dml_result *result)
{
    struct jw w;
    answer_json(call, 400, &w);
    jw_object(&w);
    jw_kv_text(&w, "message",
               "An error occurred while trying to update the record. Please try again.");
    jw_kv_int(&w, "statusCode", 400);
    jw_kv_text(&w, "enhancedErrorType", "RecordError");
    jw_key(&w, "output");
    jw_object(&w);
    jw_key(&w, "errors");
    jw_array(&w);
    for (const struct dml_error *error = result->errors; error; error = error->next)
        if (!error->field_count)
            write_error(call, &w, object, result, error, NULL);
    jw_end_array(&w);
    jw_key(&w, "fieldErrors");
    jw_object(&w);
    for (const struct dml_error *error = result->errors; error; error = error->next)
        for (size_t i = 0; i < error->field_count; i++) {
            jw_key(&w, error->fields[i]);
            jw_array(&w);
            write_error(call, &w, object, result, error, error->fields[i]);
            jw_end_array(&w);
        }
    jw_end_object(&w);
    jw_end_object(&w);
    jw_end_object(&w);
}

/* --- writing --- */

/* The body's `fields`; NULL after answering. */
static const struct json *fields_of_body(struct call *call, const struct json **body)
{
    *body = rows_body(call);
    if (!*body)
        return NULL;
    const struct json *fields = json_get(*body, "fields");
    if (!json_is(fields, JSON_OBJECT)) {
        answer_error(call, 400, "ILLEGAL_QUERY_PARAMETER_VALUE", "Record input is required for %s.",
                     call->method);
        return NULL;
    }
    return fields;
}

static void answer_record(struct call *call, int status, const struct sobject *object,
                          const char *id)
{
    struct jw w;
    struct ui_fields fields = {.object = object};
    ui_fields_layout(call, &fields, false);
    answer_json(call, status, &w);
    if (!ui_record_write(call, &w, &fields, id))
        answer_not_found(call);
}

static struct dml_options options_of(struct call *call, const struct json *body)
{
    struct dml_options options = write_options(call, true);
    options.duplicate_allow_save |= json_get_bool(body, "allowSaveOnDuplicate", false);
    return options;
}

static void create(struct call *call)
{
    struct dml_result result = {0};
    const struct json *body, *fields = fields_of_body(call, &body);
    const char *name = fields ? json_get_text(body, "apiName") : NULL;
    if (!fields)
        return;
    if (!name) {
        answer_error(call, 400, "ILLEGAL_QUERY_PARAMETER_VALUE", "apiName is required.");
        return;
    }
    const struct sobject *object = call_object(call, name);
    if (!object || rows_has_id(call, fields))
        return;
    struct dml_options options = options_of(call, body);
    struct dml_row row = {.object = object, .body = fields};
    if (!records_write(call, DML_INSERT, &options, &row, 1, &result))
        return;
    if (!result.success) {
        answer_record_error(call, object, &result);
        return;
    }
    answer_record(call, 201, object, result.id);
    answer_header(call, "Location",
                  arena_printf(call->arena, "%s/ui-api/records/%s", call->base, result.id));
}

/* Has the record changed since the client looked? True after answering 412. */
static bool changed_since(struct call *call, const struct sobject *object, const char *id)
{
    int64_t modified_ms = 0, since_ms;
    const char *header = call_header(call, "If-Modified-Since");
    records_state(call, object, id, &modified_ms);
    if (!header || !(when_parse_http(header, &since_ms) || when_parse(header, &since_ms)) ||
        modified_ms / 1000 <= since_ms / 1000)
        return false;
    answer_error(call, 412, "CONFLICT", "The record was modified after If-Modified-Since.");
    return true;
}

static void update(struct call *call, const struct sobject *object, const char *id)
{
    struct dml_result result = {0};
    const struct json *body, *fields = fields_of_body(call, &body);
    if (!fields || rows_has_id(call, fields) || changed_since(call, object, id))
        return;
    struct dml_options options = options_of(call, body);
    struct dml_row row = {.object = object, .body = fields, .id = id};
    if (!records_write(call, DML_UPDATE, &options, &row, 1, &result))
        return;
    if (result.success)
        answer_record(call, 200, object, id);
    else
        answer_record_error(call, object, &result);
}

static void delete (struct call *call, const struct sobject *object, const char *id)
{
    struct dml_result result = {0};
    struct dml_options options = write_options(call, true);
    struct dml_row row = {.object = object, .id = id};
    if (!records_write(call, DML_DELETE, &options, &row, 1, &result))
        return;
    if (result.success)
        answer_empty(call, 204);
    else
        answer_record_error(call, object, &result);
}

void ui_record_create(struct call *call)
{
    struct idempotency once;
    if (!idempotency_enter(call, &once))
        return;
    create(call);
    idempotency_leave(call, &once);
}

void ui_record_change(struct call *call)
{
    struct idempotency once;
    char id[19];
    if (!idempotency_enter(call, &once))
        return;
    const struct sobject *object = object_of(call, call->args[0], id);
    if (!object)
        answer_not_found(call);
    else if (strcmp(call->method, "DELETE") == 0)
        delete (call, object, id);
    else
        update(call, object, id);
    idempotency_leave(call, &once);
}

/* --- before there is a record --- */

static void answer_defaults(struct call *call, const struct sobject *object, const char *from)
{
    struct jw w;
    struct ui_fields fields = {.object = object};
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "layout", NULL);
    jw_key(&w, "objectInfos");
    jw_object(&w);
    jw_key(&w, object->name);
    ui_object_write(call, &w, object);
    jw_end_object(&w);
    jw_key(&w, "record");
    if (from)
        ui_fields_layout(call, &fields, false);
    if (!from)
        ui_record_write_new(call, &w, object);
    else if (!ui_record_write(call, &w, &fields, from))
        jw_null(&w);
    jw_end_object(&w);
}

void ui_defaults_create(struct call *call)
{
    const struct sobject *object = call_object(call, call->args[0]);
    if (object)
        answer_defaults(call, object, NULL);
}

void ui_defaults_clone(struct call *call)
{
    char id[19];
    const struct sobject *object = object_of(call, call->args[0], id);
    if (object)
        answer_defaults(call, object, id);
    else
        answer_not_found(call);
}
