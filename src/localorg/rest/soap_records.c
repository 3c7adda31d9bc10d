/* soap_records.c - queries, records and describes of the SOAP API, asked of the
 * REST resources and turned into XML. */
#include "localorg/rest/records.h"
#include "localorg/rest/soap.h"

#include "base/str.h"
#include "base/uri.h"

#include <string.h>

#define ROWS_MAX 200

/* --- records to XML --- */

/* REST's 2026-01-02T03:04:05.000+0000 is ...Z here. */
static void write_scalar(struct buf *out, const char *name, const struct json *value)
{
    bool instant = json_is(value, JSON_STRING) && value->len == 28 && value->text[10] == 'T' &&
                   text_ends(value->text, ".000+0000");
    if (!instant) {
        xml_value(out, name, value);
        return;
    }
    buf_printf(out, "<%s>%.23sZ</%s>", name, value->text, name);
}

static void write_record(struct soap *soap, const char *element, const struct json *record);

static void write_rows(struct soap *soap, const char *element, const struct json *result)
{
    struct buf *out = soap->out;
    const char *next = json_get_text(result, "nextRecordsUrl");
    xml_open(out, arena_printf(soap->call->arena, "%s xsi:type=\"QueryResult\"", element));
    xml_bool(out, "done", json_get_bool(result, "done", true));
    if (next)
        xml_text(out, "queryLocator", strrchr(next, '/') + 1);
    else
        xml_nil(out, "queryLocator");
    json_each(record, json_get(result, "records"))
        write_record(soap, "records", record);
    xml_int(out, "size", json_get_int(result, "totalSize", 0));
    xml_close(out, element);
}

static void write_member(struct soap *soap, const struct json *member)
{
    const char *name = arena_printf(soap->call->arena, "sf:%s", member->key);
    if (json_get(member, "records"))
        write_rows(soap, name, member);
    else if (json_get(member, "attributes"))
        write_record(soap, name, member);
    else
        write_scalar(soap->out, name, member);
}

static void write_record(struct soap *soap, const char *element, const struct json *record)
{
    struct buf *out = soap->out;
    if (!json_is(record, JSON_OBJECT)) {
        xml_nil(out, element);
        return;
    }
    const char *type = json_get_text(json_get(record, "attributes"), "type");
    xml_open(out, arena_printf(soap->call->arena, "%s xsi:type=\"sf:sObject\"", element));
    xml_text(out, "sf:type", type ? type : "AggregateResult");
    if (!json_get(record, "Id"))
        xml_nil(out, "sf:Id");
    json_each(member, record)
        if (!text_eq(member->key, "attributes"))
            write_member(soap, member);
    xml_close(out, element);
}

/* --- queries --- */

static void run_query(struct soap *soap, const char *resource)
{
    const char *soql = soap_text(soap, "queryString");
    const struct json *result =
        soap_ask(soap, "GET",
                 arena_printf(soap->call->arena, "/%s?q=%s", resource,
                              uri_encoded(soap->call->arena, soql ? soql : "")),
                 NULL);
    if (result)
        write_rows(soap, "result", result);
}

void soap_query(struct soap *soap)
{
    run_query(soap, "query");
}

void soap_query_all(struct soap *soap)
{
    run_query(soap, "queryAll");
}

void soap_query_more(struct soap *soap)
{
    const char *locator = soap_text(soap, "queryLocator");
    const struct json *result = soap_ask(
        soap, "GET", arena_printf(soap->call->arena, "/query/%s", locator ? locator : "-"), NULL);
    if (result)
        write_rows(soap, "result", result);
}

/* --- records from XML --- */

/* A member with members is a parent named by one of its fields. */
static void write_json_member(struct jw *w, const struct json *member)
{
    jw_key(w, member->key);
    if (!json_is(member, JSON_OBJECT)) {
        jw_value(w, member);
        return;
    }
    jw_object(w);
    json_each(part, member) {
        if (text_eq(part->key, "type")) {
            jw_key(w, "attributes");
            jw_object(w);
            jw_kv_text(w, "type", json_text(part));
            jw_end_object(w);
        } else if (*part->key != '@') {
            write_json_member(w, part);
        }
    }
    jw_end_object(w);
}

static const char *type_of(const struct json *row)
{
    const char *type = json_get_text(row, "type");
    return type ? type : json_get_text(row, "@type"); /* the enterprise form */
}

static void write_json_record(struct jw *w, const struct json *row)
{
    jw_object(w);
    jw_key(w, "attributes");
    jw_object(w);
    jw_kv_text(w, "type", type_of(row));
    jw_end_object(w);
    json_each(member, row) {
        if (*member->key == '@' || text_eq(member->key, "type") ||
            text_eq(member->key, "fieldsToNull") || text_eq(member->key, "attributes"))
            continue;
        write_json_member(w, member);
    }
    xml_each(name, row, "fieldsToNull") {
        if (json_text(name) && *json_text(name)) {
            jw_key(w, json_text(name));
            jw_null(w);
        }
    }
    jw_end_object(w);
}

static bool all_or_none(const struct soap *soap)
{
    return text_eq(soap_header(soap, "AllOrNoneHeader.allOrNone"), "true");
}

/* The rows as the body of a collection. NULL after a fault. */
static const struct json *rows_body(struct soap *soap)
{
    struct buf text = BUF_INIT;
    struct jw w;
    size_t count = 0;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_bool(&w, "allOrNone", all_or_none(soap));
    jw_key(&w, "records");
    jw_array(&w);
    xml_each(row, soap->args, "sObjects") {
        write_json_record(&w, row);
        count++;
    }
    jw_end_array(&w);
    jw_end_object(&w);
    const struct json *body = soap_json(soap, &text);
    if (count <= ROWS_MAX)
        return body;
    soap_fault(soap, "EXCEEDED_ID_LIMIT",
               "record limit reached. cannot submit more than %d records into this call", ROWS_MAX);
    return NULL;
}

/* --- results --- */

static void write_error(struct soap *soap, const struct json *error)
{
    xml_open(soap->out, "errors");
    json_each(field, json_get(error, "fields"))
        xml_text(soap->out, "fields", json_text(field));
    xml_text(soap->out, "message", json_get_text(error, "message"));
    xml_text(soap->out, "statusCode", json_get_text(error, "statusCode"));
    xml_close(soap->out, "errors");
}

static void write_results(struct soap *soap, const struct json *results, bool upsert)
{
    json_each(result, results) {
        bool good = json_get_bool(result, "success", false);
        xml_open(soap->out, "result");
        if (upsert)
            xml_bool(soap->out, "created", json_get_bool(result, "created", false));
        if (!good)
            json_each(error, json_get(result, "errors"))
                write_error(soap, error);
        if (json_get_text(result, "id") && good)
            xml_text(soap->out, "id", json_get_text(result, "id"));
        else
            xml_nil(soap->out, "id");
        xml_bool(soap->out, "success", good);
        xml_close(soap->out, "result");
    }
}

static void run_rows(struct soap *soap, const char *method, const char *path, bool upsert)
{
    const struct json *body = rows_body(soap);
    const struct json *results = body ? soap_ask(soap, method, path, body) : NULL;
    if (results)
        write_results(soap, results, upsert);
}

void soap_create(struct soap *soap)
{
    run_rows(soap, "POST", "/composite/sobjects", false);
}

void soap_update(struct soap *soap)
{
    run_rows(soap, "PATCH", "/composite/sobjects", false);
}

void soap_upsert(struct soap *soap)
{
    const char *field = soap_text(soap, "externalIDFieldName");
    const struct json *first = xml_next(soap->args, "sObjects", NULL);
    if (!field || !first) {
        soap_fault(soap, "MISSING_ARGUMENT", "External Id field name not specified");
        return;
    }
    run_rows(soap, "PATCH",
             arena_printf(soap->call->arena, "/composite/sobjects/%s/%s", type_of(first), field),
             true);
}

/* The ids of the call, with commas; NULL after a fault. */
static const char *ids_text(struct soap *soap, size_t *count)
{
    struct buf ids = BUF_INIT;
    *count = 0;
    xml_each(id, soap->args, "ids") {
        buf_printf(&ids, "%s%s", *count ? "," : "", json_text(id) ? json_text(id) : "");
        ++*count;
    }
    const char *text = arena_strdup(soap->call->arena, buf_text(&ids));
    buf_free(&ids);
    if (*count && *count <= ROWS_MAX)
        return text;
    soap_fault(soap, *count ? "EXCEEDED_ID_LIMIT" : "MISSING_ARGUMENT",
               *count ? "record limit reached. cannot submit more than 200 records into this call"
                      : "Id not specified in a delete call");
    return NULL;
}

void soap_delete(struct soap *soap)
{
    size_t count;
    const char *ids = ids_text(soap, &count);
    const struct json *results =
        ids ? soap_ask(soap, "DELETE",
                       arena_printf(soap->call->arena, "/composite/sobjects?ids=%s&allOrNone=%s",
                                    uri_encoded(soap->call->arena, ids),
                                    all_or_none(soap) ? "true" : "false"),
                       NULL)
            : NULL;
    if (results)
        write_results(soap, results, false);
}

/* --- what REST does not have --- */

static void write_dml_result(struct soap *soap, const struct dml_result *result)
{
    xml_open(soap->out, "result");
    for (const struct dml_error *error = result->errors; error && !result->success;
         error = error->next) {
        xml_open(soap->out, "errors");
        for (size_t i = 0; i < error->field_count; i++)
            xml_text(soap->out, "fields", error->fields[i]);
        xml_text(soap->out, "message", error->message);
        xml_text(soap->out, "statusCode", error->status_code);
        xml_close(soap->out, "errors");
    }
    if (result->success)
        xml_text(soap->out, "id", result->id);
    else
        xml_nil(soap->out, "id");
    xml_bool(soap->out, "success", result->success);
    xml_close(soap->out, "result");
}

/* Rows of the ids given; NULL after a fault. */
static struct dml_row *id_rows(struct soap *soap, size_t *count)
{
    struct call *call = soap->call;
    const struct schema *schema = org_schema(call->site->org);
    if (!ids_text(soap, count))
        return NULL;
    struct dml_row *rows = arena_array(call->arena, *count, sizeof *rows);
    size_t i = 0;
    xml_each(id, soap->args, "ids") {
        rows[i].id = json_text(id);
        rows[i].object = schema_by_prefix(schema, rows[i].id);
        if (!rows[i++].object) {
            soap_fault(soap, "MALFORMED_ID", "malformed id %s", json_text(id));
            return NULL;
        }
    }
    return rows;
}

static void run_ids(struct soap *soap, enum dml_kind kind)
{
    struct call *call = soap->call;
    size_t count;
    struct dml_row *rows = id_rows(soap, &count);
    struct dml_options options = write_options(call, all_or_none(soap));
    if (!rows)
        return;
    struct dml_result *results = arena_array(call->arena, count, sizeof *results);
    if (!records_write(call, kind, &options, rows, count, results)) {
        soap_fault(soap, "UNKNOWN_EXCEPTION", "the org could not be written");
        return;
    }
    for (size_t i = 0; i < count; i++)
        write_dml_result(soap, &results[i]);
}

void soap_undelete(struct soap *soap)
{
    run_ids(soap, DML_UNDELETE);
}

void soap_empty_bin(struct soap *soap)
{
    run_ids(soap, DML_PURGE);
}

/* --- retrieve --- */

void soap_retrieve(struct soap *soap)
{
    struct buf text = BUF_INIT;
    struct jw w;
    const char *type = soap_text(soap, "sObjectType"), *fields = soap_text(soap, "fieldList");
    jw_init(&w, &text);
    jw_object(&w);
    jw_key(&w, "ids");
    jw_array(&w);
    xml_each(id, soap->args, "ids")
        jw_text(&w, json_text(id));
    jw_end_array(&w);
    jw_key(&w, "fields");
    jw_array(&w);
    for (const char *at = fields ? fields : ""; *at;) {
        at += strspn(at, " ,");
        size_t len = strcspn(at, " ,");
        if (len)
            jw_text_n(&w, at, len);
        at += len;
    }
    jw_end_array(&w);
    jw_end_object(&w);
    const struct json *records =
        soap_ask(soap, "POST",
                 arena_printf(soap->call->arena, "/composite/sobjects/%s", type ? type : ""),
                 soap_json(soap, &text));
    json_each(record, records)
        write_record(soap, "result", record);
}

/* --- describe --- */

/* REST's members without those SOAP does not have. */
static void write_described(struct buf *out, const char *element, const struct json *value)
{
    xml_open(out, element);
    json_each(member, value) {
        if (text_eq(member->key, "urls"))
            continue;
        if (json_is(member, JSON_ARRAY)) {
            json_each(item, member) {
                if (json_is(item, JSON_OBJECT))
                    write_described(out, member->key, item);
                else
                    xml_value(out, member->key, item);
            }
        } else if (json_is(member, JSON_OBJECT)) {
            write_described(out, member->key, member);
        } else {
            xml_value(out, member->key, member);
        }
    }
    xml_close(out, element);
}

static bool describe_one(struct soap *soap, const char *name)
{
    const struct json *describe =
        soap_ask(soap, "GET",
                 arena_printf(soap->call->arena, "/sobjects/%s/describe", name ? name : ""), NULL);
    if (describe) {
        write_described(soap->out, "result", describe);
        return true;
    }
    soap_fault(soap, "INVALID_TYPE", "sObject type '%s' is not supported.", name ? name : "");
    return false;
}

void soap_describe(struct soap *soap)
{
    describe_one(soap, soap_text(soap, "sObjectType"));
}

void soap_describe_many(struct soap *soap)
{
    xml_each(name, soap->args, "sObjectType")
        if (!describe_one(soap, json_text(name)))
            return;
}

void soap_describe_global(struct soap *soap)
{
    const struct json *all = soap_ask(soap, "GET", "/sobjects", NULL);
    if (all)
        write_described(soap->out, "result", all);
}
