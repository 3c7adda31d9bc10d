/* soap.c - the door of the SOAP endpoints: envelope in, session, method, fault
 * or response out. */
#include "localorg/rest/soap.h"

#include "localorg/rest/resources.h"

#include "base/str.h"
#include "base/uri.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define XML_TYPE "text/xml; charset=UTF-8"
#define INSTANCE "http://www.w3.org/2001/XMLSchema-instance"
#define ENVELOPE "http://schemas.xmlsoap.org/soap/envelope/"

static const struct soap_method partner_methods[] = {
    {"login", soap_login, true},
    {"logout", soap_logout, false},
    {"getUserInfo", soap_user_info, false},
    {"getServerTimestamp", soap_timestamp, false},
    {"setPassword", soap_set_password, false},
    {"query", soap_query, false},
    {"queryAll", soap_query_all, false},
    {"queryMore", soap_query_more, false},
    {"create", soap_create, false},
    {"update", soap_update, false},
    {"upsert", soap_upsert, false},
    {"delete", soap_delete, false},
    {"undelete", soap_undelete, false},
    {"emptyRecycleBin", soap_empty_bin, false},
    {"retrieve", soap_retrieve, false},
    {"describeSObject", soap_describe, false},
    {"describeSObjects", soap_describe_many, false},
    {"describeGlobal", soap_describe_global, false},
    {"convertLead", soap_convert_lead, false},
    {"merge", soap_merge, false},
};

static const struct soap_api partner = {"urn:partner.soap.sforce.com",
                                        "urn:sobject.partner.soap.sforce.com",
                                        "urn:fault.partner.soap.sforce.com", partner_methods,
                                        sizeof partner_methods / sizeof *partner_methods};
static const struct soap_api enterprise = {"urn:enterprise.soap.sforce.com",
                                           "urn:sobject.enterprise.soap.sforce.com",
                                           "urn:fault.enterprise.soap.sforce.com", partner_methods,
                                           sizeof partner_methods / sizeof *partner_methods};

/* --- answers --- */

void soap_fault(struct soap *soap, const char *code, const char *fmt, ...)
{
    struct call *call = soap->call;
    bool login = text_eq(soap->method, "login");
    const char *kind = login ? "LoginFault" : text_starts(code, "MALFORMED_QUERY")
                                                  ? "MalformedQueryFault"
                                                  : "UnexpectedErrorFault";
    va_list args;
    va_start(args, fmt);
    const char *message = arena_vprintf(call->arena, fmt, args);
    va_end(args);
    soap->faulted = true;
    answer_text(call, 500, XML_TYPE, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    struct buf *out = &call->out->body;
    buf_printf(out,
               "<soapenv:Envelope xmlns:soapenv=\"" ENVELOPE "\" xmlns:sf=\"%s\" xmlns:xsi=\"" INSTANCE
               "\"><soapenv:Body><soapenv:Fault><faultcode>sf:%s</faultcode>",
               soap->api->fault_namespace, code);
    xml_text(out, "faultstring", arena_printf(call->arena, "%s: %s", code, message));
    buf_printf(out, "<detail><sf:%s xsi:type=\"sf:%s\">", kind, kind);
    xml_text(out, "sf:exceptionCode", code);
    xml_text(out, "sf:exceptionMessage", message);
    buf_printf(out, "</sf:%s></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>", kind);
}

/* What a REST error says, as a fault. */
static void fault_from(struct soap *soap, const struct json *errors)
{
    const char *code = json_get_text(json_at(errors, 0), "errorCode");
    const char *message = json_get_text(json_at(errors, 0), "message");
    if (text_eq(code, "INVALID_SESSION_ID"))
        message = "Invalid Session ID found in SessionHeader: Illegal Session";
    soap_fault(soap, code ? code : "UNKNOWN_EXCEPTION", "%s",
               message ? message : "An unexpected error occurred");
}

static void write_limits(struct buf *out, struct call *call)
{
    long long used = 0, max = 0;
    const char *info = http_header_get(call->out->headers, "Sforce-Limit-Info");
    if (!info || sscanf(info, "api-usage=%lld/%lld", &used, &max) != 2)
        return;
    buf_str(out, "<soapenv:Header><LimitInfoHeader><limitInfo>");
    xml_int(out, "current", used);
    xml_int(out, "limit", max);
    xml_text(out, "type", "API REQUESTS");
    buf_str(out, "</limitInfo></LimitInfoHeader></soapenv:Header>");
}

static void answer_response(struct soap *soap, const struct buf *inside)
{
    struct call *call = soap->call;
    answer_text(call, 200, XML_TYPE, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    struct buf *out = &call->out->body;
    buf_printf(out,
               "<soapenv:Envelope xmlns:soapenv=\"" ENVELOPE "\" xmlns=\"%s\" xmlns:sf=\"%s\" "
               "xmlns:xsi=\"" INSTANCE "\">",
               soap->api->namespace, soap->api->object_namespace);
    write_limits(out, call);
    buf_printf(out, "<soapenv:Body><%sResponse>", soap->method);
    buf_append(out, buf_text(inside), inside->len);
    buf_printf(out, "</%sResponse></soapenv:Body></soapenv:Envelope>", soap->method);
}

/* --- arguments --- */

const char *soap_text(const struct soap *soap, const char *name)
{
    return json_text(xml_next(soap->args, name, NULL));
}

const char *soap_header(const struct soap *soap, const char *path)
{
    return json_text(json_path(soap->header, path));
}

const struct json *soap_json(struct soap *soap, struct buf *text)
{
    const struct json *json = json_parse(soap->call->arena, buf_text(text), text->len, NULL);
    buf_free(text);
    return json;
}

/* --- asking REST --- */

static const struct http_header *add_header(struct soap *soap, const struct http_header *rest,
                                            const char *name, const char *value)
{
    struct http_header *header = arena_alloc(soap->call->arena, sizeof *header);
    *header = (struct http_header){name, value, (struct http_header *)(uintptr_t)rest};
    return header;
}

/* SOAP headers that REST has under another name. */
static const struct http_header *rest_headers(struct soap *soap)
{
    const struct http_header *headers = NULL;
    struct arena *arena = soap->call->arena;
    const char *client = soap_header(soap, "CallOptions.client");
    const char *batch = soap_header(soap, "QueryOptions.batchSize");
    const char *assign = soap_header(soap, "AssignmentRuleHeader.useDefaultRule");
    const char *rule = soap_header(soap, "AssignmentRuleHeader.assignmentRuleId");
    const char *save = soap_header(soap, "DuplicateRuleHeader.allowSave");
    if (client)
        headers = add_header(soap, headers, "Sforce-Call-Options",
                             arena_printf(arena, "client=%s", client));
    if (batch)
        headers = add_header(soap, headers, "Sforce-Query-Options",
                             arena_printf(arena, "batchSize=%s", batch));
    if (assign || rule)
        headers = add_header(soap, headers, "Sforce-Auto-Assign",
                             rule && *rule ? rule : text_eq(assign, "true") ? "TRUE" : "FALSE");
    else
        headers = add_header(soap, headers, "Sforce-Auto-Assign", "FALSE");
    if (save)
        headers = add_header(soap, headers, "Sforce-Duplicate-Rule-Header",
                             arena_printf(arena, "allowSave=%s", save));
    return headers;
}

const struct json *soap_ask(struct soap *soap, const char *method, const char *path,
                            const struct json *body)
{
    struct nested answer = {0};
    const char *url = arena_printf(soap->call->arena, "%s%s", soap->rest, path);
    call_nested(soap->call, method, url, rest_headers(soap), body, &answer);
    const struct json *json =
        answer.body.len ? json_parse(soap->call->arena, answer.body.data, answer.body.len, NULL)
                        : NULL;
    buf_free(&answer.body);
    if (answer.status < 400)
        return json;
    fault_from(soap, json);
    return NULL;
}

/* --- the door --- */

static const struct soap_method *method_find(const struct soap_api *api, const char *name)
{
    for (size_t i = 0; i < api->method_count; i++)
        if (text_eq(api->methods[i].name, name))
            return &api->methods[i];
    return NULL;
}

static bool version_read(struct soap *soap)
{
    struct call *call = soap->call;
    int major = 0, used = 0;
    const char *text = call->args[0];
    bool good = text && sscanf(text, "%2d.0%n", &major, &used) == 1 && !text[used];
    call->version = arena_printf(call->arena, "%d.0", good ? major : 0);
    call->api_version = major;
    call->base = soap->rest = arena_printf(call->arena, "/services/data/v%s", call->version);
    call->api = arena_printf(call->arena, "soap/%s", call->version);
    if (good && major >= 31 && major <= 68)
        return true;
    soap_fault(soap, "UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL");
    return false;
}

/* Header and the method inside Body. */
static bool envelope_read(struct soap *soap)
{
    struct err err = {{0}};
    const struct buf *body = &soap->call->in->body;
    const struct json *envelope = xml_read(soap->call->arena, buf_text(body), body->len, &err);
    if (!envelope) {
        soap_fault(soap, "UNKNOWN_EXCEPTION", "XML document structures must start and end within "
                   "the same entity: %s (%s)", err.message, err.where);
        return false;
    }
    soap->header = json_get(envelope, "Header");
    const struct json *content = json_get(envelope, "Body");
    soap->args = json_is(content, JSON_OBJECT) ? content->first : NULL;
    while (soap->args && *soap->args->key == '@')
        soap->args = soap->args->next;
    if (text_eq(envelope->key, "Envelope") && soap->args) {
        soap->method = soap->args->key;
        return true;
    }
    soap_fault(soap, "UNKNOWN_EXCEPTION", "Missing SOAP %s",
               text_eq(envelope->key, "Envelope") ? "Body" : "Envelope");
    return false;
}

static bool session_ok(struct soap *soap)
{
    const char *token = soap_header(soap, "SessionHeader.sessionId");
    bool good = call_admitted_as(soap->call, token ? token : "");
    if (good)
        return true;
    fault_from(soap, json_parse_buf(soap->call->arena, &soap->call->out->body, NULL));
    return false;
}

static void run_soap(struct call *call, const struct soap_api *api)
{
    struct buf inside = BUF_INIT;
    struct soap soap = {.call = call, .api = api, .out = &inside, .method = ""};
    if (!version_read(&soap) || !envelope_read(&soap))
        return;
    const struct soap_method *method = method_find(api, soap.method);
    if (!method)
        soap_fault(&soap, "INVALID_OPERATION", "No operation available for request {%s}%s",
                   api->namespace, soap.method);
    else if (method->open || session_ok(&soap))
        method->run(&soap);
    if (!soap.faulted)
        answer_response(&soap, &inside);
    buf_free(&inside);
}

void soap_partner(struct call *call)
{
    run_soap(call, &partner);
}

void soap_enterprise(struct call *call)
{
    run_soap(call, &enterprise);
}

void soap_metadata(struct call *call)
{
    const struct soap_api metadata = {"http://soap.sforce.com/2006/04/metadata",
                                      "http://soap.sforce.com/2006/04/metadata",
                                      "http://soap.sforce.com/2006/04/metadata", metadata_methods,
                                      metadata_method_count};
    run_soap(call, &metadata);
}
