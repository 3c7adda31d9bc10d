/* soap_lifecycle.c - convertLead() and merge(): what only SOAP (and Apex) offers. */
#include "localorg/rest/records.h"
#include "localorg/rest/soap.h"

#include "base/str.h"
#include "localorg/org/lifecycle.h"

#include <string.h>

static const char *text_of(const struct json *object, const char *name)
{
    const char *text = json_get_text(object, name);
    return text && *text ? text : NULL;
}

static bool truth_of(const struct json *object, const char *name)
{
    return text_eq(json_get_text(object, name), "true");
}

static void write_errors(struct buf *out, const struct dml_error *errors)
{
    for (; errors; errors = errors->next) {
        xml_open(out, "errors");
        for (size_t i = 0; i < errors->field_count; i++)
            xml_text(out, "fields", errors->fields[i]);
        xml_text(out, "message", errors->message);
        xml_text(out, "statusCode", errors->status_code);
        xml_close(out, "errors");
    }
}

static void write_id(struct buf *out, const char *name, const char *id)
{
    if (*id)
        xml_text(out, name, id);
    else
        xml_nil(out, name);
}

/* --- convertLead --- */

static void write_converted(struct buf *out, const struct convert_result *result)
{
    xml_open(out, "result");
    write_id(out, "accountId", result->success ? result->account_id : "");
    write_id(out, "contactId", result->success ? result->contact_id : "");
    write_errors(out, result->errors);
    write_id(out, "leadId", result->lead_id);
    write_id(out, "opportunityId", result->success ? result->opportunity_id : "");
    xml_bool(out, "success", result->success);
    xml_close(out, "result");
}

void soap_convert_lead(struct soap *soap)
{
    struct err err = {{0}};
    struct call *call = soap->call;
    struct dml_options options = write_options(call, true);
    options.duplicate_allow_save =
        text_eq(soap_header(soap, "DuplicateRuleHeader.allowSave"), "true");
    xml_each(lead, soap->args, "leadConverts") {
        struct convert_result result;
        struct convert_request request = {
            .lead_id = text_of(lead, "leadId"),
            .converted_status = text_of(lead, "convertedStatus"),
            .account_id = text_of(lead, "accountId"),
            .contact_id = text_of(lead, "contactId"),
            .opportunity_id = text_of(lead, "opportunityId"),
            .opportunity_name = text_of(lead, "opportunityName"),
            .owner_id = text_of(lead, "ownerId"),
            .no_opportunity = truth_of(lead, "doNotCreateOpportunity"),
            .overwrite_lead_source = truth_of(lead, "overwriteLeadSource")};
        if (org_convert_lead(call->site->org, &options, &request, &result, call->arena, &err) !=
            OK) {
            soap_fault(soap, "UNKNOWN_EXCEPTION", "%s", err.message);
            return;
        }
        write_converted(soap->out, &result);
    }
}

/* --- merge --- */

static void write_merged(struct buf *out, const struct merge_result *result)
{
    xml_open(out, "result");
    write_errors(out, result->errors);
    write_id(out, "id", result->success ? result->id : "");
    for (size_t i = 0; i < result->merged_count; i++)
        xml_text(out, "mergedRecordIds", result->merged[i]);
    xml_bool(out, "success", result->success);
    for (size_t i = 0; i < result->related_count; i++)
        xml_text(out, "updatedRelatedIds", result->related[i]);
    xml_close(out, "result");
}

/* The master's values but its type and id; NULL members for fieldsToNull. */
static const struct json *master_body(struct soap *soap, const struct json *master)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    json_each(member, master) {
        if (*member->key == '@' || text_eq(member->key, "type") ||
            text_eq_nocase(member->key, "Id") || text_eq(member->key, "fieldsToNull"))
            continue;
        jw_key(&w, member->key);
        jw_value(&w, member);
    }
    xml_each(name, master, "fieldsToNull") {
        if (json_text(name) && *json_text(name)) {
            jw_key(&w, json_text(name));
            jw_null(&w);
        }
    }
    jw_end_object(&w);
    return soap_json(soap, &text);
}

/* False after a fault. */
static bool request_of(struct soap *soap, const struct json *given, struct merge_request *out)
{
    const struct json *master = xml_next(given, "masterRecord", NULL);
    const char *type = json_get_text(master, "type");
    const struct schema *schema = org_schema(soap->call->site->org);
    *out = (struct merge_request){.object = schema_find(schema, type ? type : "")};
    if (!out->object)
        out->object = schema_by_prefix(schema, json_text(json_get_nocase(master, "Id")));
    if (!out->object) {
        soap_fault(soap, "INVALID_TYPE", "sObject type '%s' is not supported.", type ? type : "");
        return false;
    }
    out->master_id = json_text(json_get_nocase(master, "Id"));
    out->body = master_body(soap, master);
    xml_each(id, given, "recordToMergeIds") {
        if (out->count == MERGE_MAX) {
            soap_fault(soap, "LIMIT_EXCEEDED", "at most %d records can be merged into one",
                       MERGE_MAX);
            return false;
        }
        out->ids[out->count++] = json_text(id);
    }
    return true;
}

void soap_merge(struct soap *soap)
{
    struct err err = {{0}};
    struct call *call = soap->call;
    struct dml_options options = write_options(call, true);
    /* The WSDL says request; jsforce sends mergeRequests. */
    const char *name = xml_next(soap->args, "request", NULL) ? "request" : "mergeRequests";
    xml_each(given, soap->args, name) {
        struct merge_request request;
        struct merge_result result;
        if (!request_of(soap, given, &request))
            return;
        if (org_merge(call->site->org, &options, &request, &result, call->arena, &err) != OK) {
            soap_fault(soap, "UNKNOWN_EXCEPTION", "%s", err.message);
            return;
        }
        write_merged(soap->out, &result);
    }
}
