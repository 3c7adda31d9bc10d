/* bulk_v1_speech.c - XML with flat elements, or JSON with the same names. The order of members
 * is ours; the namespace and the indent of the XML are Salesforce's. Errors are written as
 * everywhere else and put into the language of the request here (bulk_v1_speak). */
#include "localorg/rest/bulk_v1_speech.h"

#include "localorg/rest/resources.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

#define NAMESPACE "http://www.force.com/2009/06/asyncapi/dataload"

static const struct {
    const char *entity, *text;
} entities[] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}};

/* --- asking --- */

static const char *xml_plain(struct arena *arena, const char *text, size_t len)
{
    struct buf out = BUF_INIT;
    for (const char *at = text, *end = text + len; at < end;) {
        size_t i = 0, count = sizeof entities / sizeof *entities;
        while (i < count && strncmp(at, entities[i].entity, strlen(entities[i].entity)) != 0)
            i++;
        buf_char(&out, i < count ? entities[i].text[0] : *at);
        at += i < count ? strlen(entities[i].entity) : 1;
    }
    const char *plain = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return plain;
}

static const char *xml_text(struct call *call, const char *name)
{
    const char *body = buf_text(&call->in->body);
    const char *open = arena_printf(call->arena, "<%s>", name);
    const char *at = strstr(body, open);
    const char *end = at ? strstr(at, arena_printf(call->arena, "</%s>", name)) : NULL;
    if (!end)
        return NULL;
    at += strlen(open);
    return xml_plain(call->arena, at, (size_t)(end - at));
}

bool speech_json_sent(const struct call *call)
{
    const char *type = call_header(call, "Content-Type");
    return type && text_starts(type, "application/json");
}

bool speech_asked(struct call *call, const char *name, const char **out)
{
    *out = NULL;
    if (!speech_json_sent(call)) {
        *out = xml_text(call, name);
        return true;
    }
    const struct json *body = call_json(call);
    *out = json_get_text(body, name);
    return body != NULL;
}

/* --- answering --- */

static void escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        size_t i = 0, count = sizeof entities / sizeof *entities;
        while (i < count && entities[i].text[0] != *text)
            i++;
        if (i < count)
            buf_str(out, entities[i].entity);
        else
            buf_char(out, *text);
    }
}

void speech_begin(struct speech *speech, struct call *call, bool json, int status, const char *root)
{
    *speech = (struct speech){.call = call, .json = json, .out = &call->out->body};
    if (json) {
        answer_json(call, status, &speech->w);
        jw_object(&speech->w);
        return;
    }
    answer_text(call, status, "application/xml", "");
    buf_printf(speech->out,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?><%s\n   xmlns=\"" NAMESPACE "\">\n",
               root);
}

void speech_end(struct speech *speech, const char *root)
{
    if (speech->json)
        jw_end_object(&speech->w);
    else
        buf_printf(speech->out, "</%s>", root);
}

void speech_text(struct speech *speech, const char *name, const char *text)
{
    if (speech->json) {
        jw_kv_text(&speech->w, name, text);
        return;
    }
    buf_printf(speech->out, " <%s>", name);
    escaped(speech->out, text);
    buf_printf(speech->out, "</%s>\n", name);
}

void speech_int(struct speech *speech, const char *name, int64_t value)
{
    if (speech->json)
        jw_kv_int(&speech->w, name, value);
    else
        buf_printf(speech->out, " <%s>%lld</%s>\n", name, (long long)value, name);
}

void speech_number(struct speech *speech, const char *name, const char *digits)
{
    if (!speech->json) {
        speech_text(speech, name, digits);
        return;
    }
    jw_key(&speech->w, name);
    jw_raw(&speech->w, digits, strlen(digits));
}

void speech_when(struct speech *speech, const char *name, int64_t ms)
{
    char text[32];
    if (speech->json)
        when_salesforce(ms / 1000 * 1000, text);
    else
        when_iso(ms / 1000 * 1000, text);
    speech_text(speech, name, text);
}

void speech_null(struct speech *speech, const char *name)
{
    if (speech->json)
        jw_kv_null(&speech->w, name);
}

void speech_item(struct speech *speech, const char *name)
{
    if (speech->json)
        jw_object(&speech->w);
    else
        buf_printf(speech->out, " <%s>\n", name);
}

void speech_item_end(struct speech *speech, const char *name)
{
    if (speech->json)
        jw_end_object(&speech->w);
    else
        buf_printf(speech->out, " </%s>\n", name);
}

/* --- errors --- */

/* REST's code as Bulk API 1 spells it. */
static const char *own_code(const char *code)
{
    static const char *const names[][2] = {
        {"INVALID_SESSION_ID", "InvalidSessionId"},      {"INVALIDENTITY", "InvalidEntity"},
        {"REQUEST_LIMIT_EXCEEDED", "ExceededQuota"},     {"UNKNOWN_EXCEPTION", "Unknown"},
        {"API_CURRENTLY_DISABLED", "FeatureNotEnabled"}, {"JSON_PARSER_ERROR", "InvalidJob"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], code) == 0)
            return names[i][1];
    return code;
}

void bulk_v1_speak(struct call *call)
{
    const char *type = http_header_get(call->out->headers, "Content-Type");
    if (!text_starts(call->path, "/services/async/") || call->out->status < 400 || !type ||
        !text_starts(type, "application/json"))
        return;
    const struct json *body = json_parse_buf(call->arena, &call->out->body, NULL);
    const char *code = json_get_text(json_at(body, 0), "errorCode");
    const char *message = json_get_text(json_at(body, 0), "message");
    if (!code || !message)
        return;
    struct speech speech;
    const char *own = own_code(code);
    bool session = strcmp(own, "InvalidSessionId") == 0;
    speech_begin(&speech, call, speech_json_sent(call),
                 call->out->status == 401 ? 400 : call->out->status, "error");
    speech_text(&speech, "exceptionCode", own);
    speech_text(&speech, "exceptionMessage", session ? "Invalid session id" : message);
    speech_end(&speech, "error");
}
