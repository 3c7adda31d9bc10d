/* answer.c - answers in the shapes Salesforce gives them.
 *
 * Errors of the REST API are an array of objects; salesforce-data 1.5. */
#include "localorg/rest/call.h"
#include "localorg/rest/formats.h"
#include "localorg/rest/json_fault.h"
#include "localorg/rest/multipart.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define JSON_TYPE "application/json;charset=UTF-8"

/* An answer may be begun twice (an error after a start): headers replace. */
void answer_header(struct call *call, const char *name, const char *value)
{
    for (struct http_header *h = call->out->headers; h; h = h->next)
        if (text_eq_nocase(h->name, name) && !text_eq_nocase(name, "Set-Cookie")) {
            h->value = arena_strdup(call->arena, value);
            return;
        }
    http_out_header(call->in, call->out, name, arena_strdup(call->arena, value));
}

void answer_json(struct call *call, int status, struct jw *w)
{
    call->out->status = status;
    buf_clear(&call->out->body);
    answer_header(call, "Content-Type", JSON_TYPE);
    jw_init(w, &call->out->body);
}

void answer_empty(struct call *call, int status)
{
    call->out->status = status;
    buf_clear(&call->out->body);
}

void answer_text(struct call *call, int status, const char *content_type, const char *text)
{
    call->out->status = status;
    buf_clear(&call->out->body);
    if (content_type)
        answer_header(call, "Content-Type", content_type);
    buf_str(&call->out->body, text);
}

void answer_redirect(struct call *call, const char *location)
{
    answer_empty(call, 302);
    answer_header(call, "Location", location);
}

void answer_error(struct call *call, int status, const char *code, const char *fmt, ...)
{
    struct jw w;
    va_list args;
    va_start(args, fmt);
    const char *message = arena_vprintf(call->arena, fmt, args);
    va_end(args);
    answer_json(call, status, &w);
    jw_array(&w);
    jw_object(&w);
    jw_kv_text(&w, "message", message);
    jw_kv_text(&w, "errorCode", code);
    jw_end_object(&w);
    jw_end_array(&w);
}

void answer_not_found(struct call *call)
{
    struct jw w;
    answer_json(call, 404, &w);
    jw_array(&w);
    jw_object(&w);
    jw_kv_text(&w, "errorCode", "NOT_FOUND");
    jw_kv_text(&w, "message", "The requested resource does not exist");
    jw_end_object(&w);
    jw_end_array(&w);
}

void answer_failed(struct call *call, const struct err *err)
{
    answer_error(call, 500, "UNKNOWN_EXCEPTION",
                 "An unexpected error occurred. Please include this ErrorId if you contact support "
                 "(localorg itself failed: %s)",
                 err->message);
}

void answer_refusal(struct call *call, int status, const struct err *err)
{
    struct jw w;
    answer_json(call, status, &w);
    jw_object(&w);
    jw_key(&w, "error");
    jw_object(&w);
    jw_kv_text(&w, "code", err->code);
    jw_kv_text(&w, "message", err->message);
    jw_kv_text(&w, "where", err->where[0] ? err->where : NULL);
    jw_kv_text(&w, "hint", err->hint[0] ? err->hint : NULL);
    jw_end_object(&w);
    jw_end_object(&w);
}

/* --- reading the request --- */

const char *call_param(const struct call *call, const char *name)
{
    return uri_pair_get(call->query, name);
}

const char *call_header(const struct call *call, const char *name)
{
    return http_header_get(call->headers, name);
}

int64_t call_now(const struct call *call)
{
    return org_now_ms(call->site->org);
}

static void answer_bad_json(struct call *call, const struct err *err)
{
    struct buf message = BUF_INIT;
    json_fault_write(buf_text(&call->in->body), call->in->body.len, err, &message);
    answer_error(call, 400, "JSON_PARSER_ERROR", "%s", buf_text(&message));
    buf_free(&message);
}

/* Salesforce refuses a JSON body that calls itself something else (curl -d does). */
static bool json_type(const char *type)
{
    return !type || !*type || strcasestr(type, "json");
}

static bool xml_type(const char *type)
{
    return type && (text_starts(type, "application/xml") || text_starts(type, "text/xml"));
}

const struct json *call_json(struct call *call)
{
    struct err err = {{0}};
    if (call->json)
        return call->json;
    if (!call->nested && multipart_is(call))
        return call->json = multipart_json(call);
    if (!call->nested && xml_type(call_header(call, "Content-Type")))
        return call->json = formats_body(call);
    if (!call->nested && !json_type(call_header(call, "Content-Type"))) {
        answer_error(call, 415, "UNSUPPORTED_MEDIA_TYPE", "Content type '%s' not supported",
                     call_header(call, "Content-Type"));
        return NULL;
    }
    if (call->in->body.len == 0) {
        answer_error(call, 400, "JSON_PARSER_ERROR",
                     "The HTTP entity body is required, but this request has no entity body.");
        return NULL;
    }
    call->json = json_parse_buf(call->arena, &call->in->body, &err);
    if (!call->json)
        answer_bad_json(call, &err);
    return call->json;
}

struct sobject *call_object(struct call *call, const char *name)
{
    struct sobject *object = schema_find(org_schema(call->site->org), name);
    if (!object || !org_may_object(call->site->org, call->session.user_id, object, ORG_READ)) {
        answer_not_found(call);
        return NULL;
    }
    return object;
}

bool call_may_field(const struct call *call, const struct field *field, enum org_access access)
{
    return org_may_field(call->site->org, call->session.user_id, field, access);
}

/* --- X-PrettyPrint --- */

struct pretty {
    struct buf *to;
    int depth, indent; /* levels; levels that are objects */
    bool object[80];
};

static void new_line(const struct pretty *pretty)
{
    buf_char(pretty->to, '\n');
    for (int i = 0; i < pretty->indent; i++)
        buf_append(pretty->to, "  ", 2);
}

/* Members stand on lines of their own, elements follow each other. */
static void next_item(const struct pretty *pretty)
{
    if (pretty->object[pretty->depth])
        new_line(pretty);
    else
        buf_char(pretty->to, ' ');
}

static void open_level(struct pretty *pretty, char c, bool empty)
{
    buf_char(pretty->to, c);
    if (pretty->depth < 79)
        pretty->depth++;
    pretty->object[pretty->depth] = c == '{';
    pretty->indent += c == '{';
    if (empty)
        buf_char(pretty->to, ' ');
    else
        next_item(pretty);
}

static void close_level(struct pretty *pretty, char c, bool empty)
{
    pretty->indent -= c == '}';
    if (!empty && c == '}')
        new_line(pretty);
    else if (!empty)
        buf_char(pretty->to, ' ');
    if (pretty->depth > 0)
        pretty->depth--;
    buf_char(pretty->to, c);
}

/* Past the closing quote of the string that starts at p. */
static const char *string_end(const char *p, const char *end)
{
    while (p < end && *p != '"')
        p += *p == '\\' ? 2 : 1;
    return p < end ? p + 1 : end;
}

/* Jackson's form, as real answers have it: "key" : value, "records" : [ {. */
void json_pretty(const struct buf *from, struct buf *to)
{
    const char *p = from->data, *end = p + from->len;
    struct pretty pretty = {.to = to};
    bool empty = false; /* the level just opened has nothing in it */
    while (p < end) {
        char c = *p++;
        if (c == '"') {
            const char *stop = string_end(p, end);
            buf_append(to, p - 1, (size_t)(stop - p) + 1);
            p = stop;
        } else if (c == '{' || c == '[') {
            empty = p < end && (*p == '}' || *p == ']');
            open_level(&pretty, c, empty);
        } else if (c == '}' || c == ']') {
            close_level(&pretty, c, empty);
            empty = false;
        } else if (c == ',') {
            buf_char(to, c);
            next_item(&pretty);
        } else if (c == ':') {
            buf_str(to, " : ");
        } else if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            buf_char(to, c);
        }
    }
}
