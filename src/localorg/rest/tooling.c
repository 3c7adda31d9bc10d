/* tooling.c - the Tooling API as far as permission sets and custom fields need
 * it: SOQL over setup objects, and custom fields, validation rules and members
 * of event channels made, changed and deleted through {FullName, Metadata}.
 *
 * Setup objects are records of a private org (metadata/setup.h). Data objects
 * asked for here (PermissionSet, User, ...) are the org's own; code (ApexClass,
 * ...) this org has none of, and says so by finding nothing. */
#include "localorg/rest/query.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "localorg/metadata/setup.h"
#include "localorg/org/describe.h"
#include "localorg/soql/soql.h"

#include <string.h>

#define MOST_ROWS 50000

static const char empty[] =
    "ApexClass ApexTrigger ApexPage ApexComponent ApexLog ApexTestQueueItem AuraDefinitionBundle "
    "EmailTemplate Flow FlowDefinition Layout LightningComponentBundle MetadataContainer "
    "QuickActionDefinition StaticResource TraceFlag WorkflowRule InstalledSubscriberPackage "
    "CustomTab FlexiPage";

/* The word after FROM. */
static const char *from_object(struct arena *arena, const char *soql)
{
    const char *at = soql ? strcasestr(soql, " from ") : NULL;
    if (!at)
        return NULL;
    at += 6;
    at += strspn(at, " ");
    return arena_strndup(arena, at, strcspn(at, " ),"));
}

static const char *empty_name(struct arena *arena, const char *name)
{
    const char *at = empty, *word;
    size_t len;
    while ((word = words_next(&at, &len)))
        if (str_eq_nocase((struct str){word, len}, str_of(name)))
            return arena_strndup(arena, word, len);
    return NULL;
}

/* The private org of setup records. NULL after answering 500. */
static struct org *records_of(struct call *call)
{
    struct err err = {{0}};
    struct org *records = setup_records(call->site->setup, call->site->org, &err);
    if (!records)
        answer_failed(call, &err);
    return records;
}

/* --- queries --- */

/* Metadata is a tree in the answer, and a text in the record. */
static void write_record(struct jw *w, struct arena *arena, const struct json *record)
{
    jw_object(w);
    json_each(member, record) {
        jw_key(w, member->key);
        if (text_eq(member->key, "Metadata") && json_is(member, JSON_STRING))
            jw_raw(w, member->text, member->len);
        else if (member->type == JSON_OBJECT && !text_eq(member->key, "attributes"))
            write_record(w, arena, member);
        else
            jw_value(w, member);
    }
    jw_end_object(w);
}

static void answer_records(struct call *call, const char *entity, const struct buf *rows, size_t count,
                           int64_t total)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_int(&w, "size", (int64_t)count);
    jw_kv_int(&w, "totalSize", total);
    jw_kv_bool(&w, "done", true);
    jw_kv_null(&w, "queryLocator");
    jw_kv_text(&w, "entityTypeName", entity);
    jw_key(&w, "records");
    struct buf list = BUF_INIT;
    buf_printf(&list, "[%s]", buf_text(rows));
    const struct json *records = json_parse(call->arena, list.data, list.len, NULL);
    jw_array(&w);
    json_each(record, records)
        write_record(&w, call->arena, record);
    jw_end_array(&w);
    jw_end_object(&w);
    buf_free(&list);
}

/* Runs SOQL over the setup records: rows as JSON objects with commas between. */
static bool run_query(struct call *call, struct org *records, const char *soql, struct buf *rows,
                      size_t *count, int64_t *total, struct err *err)
{
    const char *base = arena_printf(call->arena, "%s/tooling", call->base);
    struct soql_context context = {
        .org = records, .now_ms = call_now(call), .api_version = call->api_version};
    struct soql_plan *plan = soql_compile(call->arena, &context, soql, err);
    struct soql_cursor *cursor = plan ? soql_open(records, plan, err) : NULL;
    bool good = cursor && (*total = soql_total(cursor, err)) >= 0 &&
                (plan->count_only ||
                 soql_write_json(cursor, base, MOST_ROWS, rows, count, err) == OK);
    soql_close(cursor);
    return good;
}

static void query_setup(struct call *call, struct org *records, const struct sobject *object,
                        const char *soql)
{
    struct err err = {{0}};
    struct buf rows = BUF_INIT;
    size_t count = 0;
    int64_t total = 0;
    if (run_query(call, records, soql, &rows, &count, &total, &err))
        answer_records(call, object->name, &rows, count, total);
    else
        answer_error(call, 400, err.code, "%s", err.message);
    buf_free(&rows);
}

void tooling_query(struct call *call)
{
    struct buf none = BUF_INIT;
    const char *soql = call_param(call, "q"), *name = from_object(call->arena, soql);
    if (!name) {
        answer_error(call, 400, "MALFORMED_QUERY", "A query string has to be specified");
        return;
    }
    struct org *records = records_of(call);
    if (!records)
        return;
    const struct sobject *object = schema_find(org_schema(records), name);
    const char *nothing = empty_name(call->arena, name);
    if (object)
        query_setup(call, records, object, soql);
    else if (nothing)
        answer_records(call, nothing, &none, 0, 0);
    else if (schema_find(org_schema(call->site->org), name))
        query_answer(call, soql, false);
    else
        answer_error(call, 400, "INVALID_TYPE",
                     "sObject type '%s' is not supported. If you are attempting to use a custom "
                     "object, be sure to append the '__c' after the entity name. Please reference "
                     "your WSDL or the describe call for the appropriate names.",
                     name);
}

/* --- describe --- */

void tooling_resources(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "query", arena_printf(call->arena, "%s/tooling/query", call->base));
    jw_kv_text(&w, "sobjects", arena_printf(call->arena, "%s/tooling/sobjects", call->base));
    jw_end_object(&w);
}

static struct describe_options describe_of(struct call *call)
{
    return (struct describe_options){.version = call->version, .base_url = call->origin};
}

void tooling_sobjects(struct call *call)
{
    struct jw w;
    struct describe_options options = describe_of(call);
    struct org *records = records_of(call);
    if (!records)
        return;
    answer_json(call, 200, &w);
    schema_describe_global(&w, org_schema(records), &options);
}

void tooling_describe(struct call *call)
{
    struct jw w;
    struct describe_options options = describe_of(call);
    struct org *records = records_of(call);
    if (!records)
        return;
    const struct sobject *object = schema_find(org_schema(records), call->args[0]);
    if (!object)
        object = call_object(call, call->args[0]);
    if (!object)
        return;
    answer_json(call, 200, &w);
    schema_describe_json(&w, object, &options);
}

/* --- one component --- */

static struct meta meta_of(struct call *call)
{
    return (struct meta){.org = call->site->org,
                         .user_id = call->session.user_id,
                         .arena = call->arena,
                         .api_version = call->api_version};
}

/* May the user change setup? False after answering. */
static bool may_customize(struct call *call)
{
    struct org_user user;
    if (org_user_by_id(call->site->org, call->session.user_id, &user) && user.system_administrator)
        return true;
    answer_error(call, 403, "INSUFFICIENT_ACCESS", "insufficient access rights on object id");
    return false;
}

/* {"FullName", "Metadata": {...}} as a component. NULL after answering. */
static const struct json *component_of(struct call *call, const char *full_name)
{
    const struct json *body = call_json(call), *metadata = json_get_nocase(body, "Metadata");
    const char *name = json_text(json_get_nocase(body, "FullName"));
    struct buf text = BUF_INIT;
    struct jw w;
    if (!body)
        return NULL;
    if (!json_is(metadata, JSON_OBJECT) || !(name || full_name)) {
        answer_error(call, 400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [%s]",
                     name || full_name ? "Metadata" : "FullName");
        return NULL;
    }
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "fullName", full_name ? full_name : name);
    json_each(member, metadata) {
        if (text_eq(member->key, "fullName"))
            continue;
        jw_key(&w, member->key);
        jw_value(&w, member);
    }
    jw_end_object(&w);
    const struct json *component = json_parse(call->arena, text.data, text.len, NULL);
    buf_free(&text);
    return component;
}

static void answer_refused_component(struct call *call, const struct meta_result *result)
{
    struct jw w;
    answer_json(call, 400, &w);
    jw_array(&w);
    jw_object(&w);
    jw_kv_text(&w, "message", result->message);
    jw_kv_text(&w, "errorCode", result->code);
    jw_key(&w, "fields");
    jw_array(&w);
    jw_end_array(&w);
    jw_end_object(&w);
    jw_end_array(&w);
}

static void answer_created_component(struct call *call, const struct meta_result *result)
{
    struct jw w;
    answer_json(call, 201, &w);
    jw_object(&w);
    jw_kv_text(&w, "id", result->id);
    jw_kv_bool(&w, "success", true);
    jw_key(&w, "errors");
    jw_array(&w);
    jw_end_array(&w);
    jw_key(&w, "warnings");
    jw_array(&w);
    if (result->warning)
        jw_text(&w, result->warning);
    jw_end_array(&w);
    jw_key(&w, "infos");
    jw_array(&w);
    jw_end_array(&w);
    jw_end_object(&w);
}

/* The data object of this name: the Tooling API shows some of those too. */
static bool forward(struct call *call, const char *tail)
{
    struct nested answer = {0};
    if (meta_type_find(call->args[0]) || !schema_find(org_schema(call->site->org), call->args[0]))
        return false;
    const char *url = arena_printf(call->arena, "%s/sobjects/%s%s", call->base, call->args[0], tail);
    const struct json *body =
        strcmp(call->method, "POST") == 0 || strcmp(call->method, "PATCH") == 0 ? call_json(call)
                                                                                : NULL;
    if (!body && call->out->status >= 400)
        return true;
    call_nested(call, call->method, url, call->headers, body, &answer);
    answer_empty(call, answer.status);
    for (const struct http_header *h = answer.headers; h; h = h->next)
        answer_header(call, h->name, h->value);
    buf_free(&call->out->body);
    call->out->body = answer.body;
    return true;
}

void tooling_create(struct call *call)
{
    struct err err = {{0}};
    struct meta meta = meta_of(call);
    struct meta_result result;
    if (forward(call, ""))
        return;
    const struct meta_type *type = meta_type_find(call->args[0]);
    if (!type || text_eq(type->name, "CustomObject")) {
        answer_not_found(call);
        return;
    }
    const struct json *component = may_customize(call) ? component_of(call, NULL) : NULL;
    if (!component)
        return;
    if (metadata_put(&meta, type->name, component, META_CREATE, &result, &err) != OK)
        answer_failed(call, &err);
    else if (result.success)
        answer_created_component(call, &result);
    else
        answer_refused_component(call, &result);
    setup_stale(call->site->setup);
}

/* The record of this id among the setup records, as parsed JSON. NULL after answering. */
static const struct json *setup_record(struct call *call, const char *fields)
{
    struct err err = {{0}};
    struct buf rows = BUF_INIT;
    size_t count = 0;
    int64_t total = 0;
    char id[19];
    const struct json *record = NULL;
    struct org *records = records_of(call);
    const struct sobject *object =
        records ? schema_find(org_schema(records), call->args[0]) : NULL;
    if (object && id_canonical(call->args[1], id)) {
        const char *soql = arena_printf(call->arena, "SELECT %s FROM %s WHERE Id = '%s'", fields,
                                        object->name, id);
        if (run_query(call, records, soql, &rows, &count, &total, &err) && count == 1)
            record = json_parse(call->arena, rows.data, rows.len, NULL);
    }
    buf_free(&rows);
    if (!record && records)
        answer_error(call, 404, "NOT_FOUND", "The requested resource does not exist");
    return record;
}

void tooling_get(struct call *call)
{
    struct jw w;
    if (forward(call, arena_printf(call->arena, "/%s", call->args[1])))
        return;
    const char *fields = call_param(call, "fields");
    const struct json *record = setup_record(call, fields ? fields : "FIELDS(ALL)");
    if (!record)
        return;
    answer_json(call, 200, &w);
    write_record(&w, call->arena, record);
}

void tooling_change(struct call *call)
{
    struct err err = {{0}};
    struct meta meta = meta_of(call);
    struct meta_result result;
    bool drop = strcmp(call->method, "DELETE") == 0;
    if (forward(call, arena_printf(call->arena, "/%s", call->args[1])) || !may_customize(call))
        return;
    const struct meta_type *type = meta_type_find(call->args[0]);
    const struct json *record = type ? setup_record(call, "FullName") : NULL;
    const char *name = json_get_text(record, "FullName");
    const struct json *component = name && !drop ? component_of(call, name) : NULL;
    if (!name || !(drop || component)) {
        if (!type)
            answer_not_found(call);
        return;
    }
    enum status status = drop ? metadata_drop(&meta, type->name, name, &result, &err)
                              : metadata_put(&meta, type->name, component, META_UPDATE, &result, &err);
    setup_stale(call->site->setup);
    if (status != OK)
        answer_failed(call, &err);
    else if (result.success)
        answer_empty(call, 204);
    else
        answer_refused_component(call, &result);
}
