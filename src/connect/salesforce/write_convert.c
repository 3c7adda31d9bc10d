/* write_convert.c - leads converted, which only SOAP offers.
 *
 * Facts [SOAP API guide, convertLead]: POST /services/Soap/u/VERSION, the session in the
 * envelope, at most 100 leads, each with its own result; a lead is converted once, a second
 * time is refused, so that sending again is harmless. A fault comes with HTTP 500 and says
 * whether the session ended. Row errors are those of REST; what is not known of a fault is
 * unknown, and the lead itself tells. */
#include "connect/salesforce/write_priv.h"

#include "base/str.h"
#include "base/tags.h"

#include <string.h>

/* ----------------------------------------------------------------- the request */

static void element(struct buf *out, const char *name, const char *text)
{
    if (!text)
        return;
    buf_printf(out, "<%s>", name);
    tags_escape(out, text);
    buf_printf(out, "</%s>", name);
}

static void flag(struct buf *out, const char *name, const struct json *payload)
{
    element(out, name, json_get_bool(payload, name, false) ? "true" : "false");
}

/* In the order of the WSDL's type. */
static void lead(struct buf *out, const struct crm_write *write, const struct json *payload)
{
    buf_str(out, "<leadConverts>");
    element(out, "accountId", json_get_text(payload, "accountId"));
    element(out, "contactId", json_get_text(payload, "contactId"));
    element(out, "convertedStatus", json_get_text(payload, "convertedStatus"));
    flag(out, "doNotCreateOpportunity", payload);
    element(out, "leadId", write->id);
    element(out, "opportunityName", json_get_text(payload, "opportunityName"));
    flag(out, "overwriteLeadSource", payload);
    element(out, "ownerId", json_get_text(payload, "ownerId"));
    flag(out, "sendNotificationEmail", payload);
    buf_str(out, "</leadConverts>");
}

void convert_request(struct batch *batch)
{
    struct buf *out = &batch->body;
    buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><env:Envelope "
                 "xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\" "
                 "xmlns=\"urn:partner.soap.sforce.com\"><env:Header><SessionHeader>");
    element(out, "sessionId", secret_reveal(&batch->sf->access));
    buf_printf(out,
               "</SessionHeader><DuplicateRuleHeader><allowSave>%s</allowSave>"
               "</DuplicateRuleHeader></env:Header><env:Body><convertLead>",
               batch->options->duplicate_override ? "true" : "false");
    for (size_t i = 0; i < batch->count; i++)
        lead(out, &batch->writes[i], batch->payloads[i]);
    buf_str(out, "</convertLead></env:Body></env:Envelope>");
    batch->assign = (struct http_header){"SOAPAction", "\"convertLead\"", NULL};
    batch->call = (struct sf_call){.method = "POST",
                                   .path = arena_printf(batch->arena, "/services/Soap/u/%s",
                                                        batch->sf->version + 1),
                                   .body = out->data,
                                   .body_len = out->len,
                                   .headers = &batch->assign,
                                   .content_type = "text/xml; charset=UTF-8",
                                   .accept = "text/xml",
                                   .fresh = !batch->options->resend_harmless,
                                   .timeout_ms = batch->options->timeout_ms,
                                   .object = "Lead"};
}

/* ------------------------------------------------------------------ the answer */

static void member(struct jw *w, struct arena *arena, struct str result, const char *name)
{
    const char *id = tags_text(arena, result, name);
    if (id)
        jw_kv_text(w, name, sf_id_dup(arena, id));
}

static const char *made(struct arena *arena, struct str result)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    member(&w, arena, result, "contactId");
    member(&w, arena, result, "accountId");
    member(&w, arena, result, "opportunityId");
    jw_end_object(&w);
    const char *out = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return out;
}

static void refused(const struct batch *batch, size_t i, struct str result)
{
    struct crm_outcome *outcome = &batch->outcomes[i];
    const char *code = tags_text(batch->arena, result, "statusCode");
    const char *message = tags_text(batch->arena, result, "message");
    const struct sf_code *known = code ? sf_code_find(code) : NULL;
    sf_classify_failed(&batch->writes[i], batch->sf->connection.username,
                       code ? code : "connect.strange_answer", message ? message : "refused",
                       tags_text(batch->arena, result, "fields"), batch->arena, outcome);
    /* converted already, by an earlier attempt or by somebody: the lead tells */
    if (!known || known->class == CRM_UNKNOWN || text_eq(code, "CANNOT_UPDATE_CONVERTED_LEAD"))
        outcome->class = CRM_UNKNOWN;
}

static void row(const struct batch *batch, size_t i, struct str result)
{
    struct crm_outcome *outcome = &batch->outcomes[i];
    const char *said = tags_text(batch->arena, result, "success");
    if (text_eq(said, "true"))
        *outcome = (struct crm_outcome){.class = CRM_EXECUTED,
                                        .id = sf_id_dup(batch->arena, batch->writes[i].id),
                                        .made = made(batch->arena, result)};
    else if (text_eq(said, "false"))
        refused(batch, i, result);
    outcome->evidence = "{\"api\":\"soap\"}";
}

static void every(const struct batch *batch, enum crm_class class, const char *code,
                  const char *message, const struct http_response *http)
{
    const char *evidence =
        arena_printf(batch->arena, "{\"api\":\"soap\",\"http\":%d,\"progress\":\"%s\"}",
                     http->status, sf_progress_name(http->progress));
    for (size_t i = 0; i < batch->count; i++)
        batch->outcomes[i] = (struct crm_outcome){
            .class = class, .code = code, .message = message, .evidence = evidence};
}

/* The whole exchange was refused, in words or without. */
static void fault(struct batch *batch, const struct http_response *http, struct str xml)
{
    const char *code = tags_text(batch->arena, xml, "faultcode");
    const char *message = tags_text(batch->arena, xml, "faultstring");
    const char *colon = code ? strchr(code, ':') : NULL;
    code = colon ? colon + 1 : code;
    const struct sf_code *known = code ? sf_code_find(code) : NULL;
    batch->stale = text_eq(code, "INVALID_SESSION_ID");
    enum crm_class class = batch->stale ? CRM_NOT_EXECUTED : known ? known->class : CRM_UNKNOWN;
    every(batch, class, code ? code : "connect.no_answer",
          message ? message : "the answer does not say what happened", http);
}

void convert_answer(struct batch *batch, const struct http_response *http, const char *http_error)
{
    struct str xml = {http->body.data ? http->body.data : "", http->body.len}, result;
    size_t at = 0, count = 0;
    if (http_error && http->progress < HTTP_SENT_SOME) {
        every(batch, CRM_NOT_EXECUTED, http_error, "the request did not leave", http);
        return;
    }
    if (http_error || http->status != 200) {
        fault(batch, http, http_error ? (struct str){"", 0} : xml);
        return;
    }
    every(batch, CRM_UNKNOWN, "connect.strange_answer", "Salesforce's answer cannot be read", http);
    while (tags_next(xml, &at, "result", &result))
        count++;
    if (count != batch->count)
        return;
    at = count = 0;
    while (tags_next(xml, &at, "result", &result))
        row(batch, count++, result);
}
