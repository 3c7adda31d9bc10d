/* formats.c - XML answers made of JSON ones, and JSON bodies made of XML ones.
 *
 * As recorded answers have it: a record is an element named after its type, with
 * the type and the address as attributes; a list is a repeated element; null is
 * xsi:nil. Names of outermost elements that no record shows are chosen. */
#include "localorg/rest/formats.h"

#include "localorg/xml/xml.h"

#include "base/str.h"

#include <string.h>

#define XSI "http://www.w3.org/2001/XMLSchema-instance"

static bool is_data(const char *path)
{
    return text_starts(path, "/services/data");
}

static bool names_xml(const char *header)
{
    return header && (strcasestr(header, "application/xml") || strcasestr(header, "text/xml")) &&
           !strcasestr(header, "json");
}

void formats_open(struct call *call)
{
    if (!is_data(call->path))
        return;
    bool json = text_ends(call->path, ".json"), xml = text_ends(call->path, ".xml");
    call->xml = xml || (!json && names_xml(call_header(call, "Accept")));
    if (json || xml)
        call->path = arena_strndup(call->arena, call->path,
                                   strlen(call->path) - strlen(json ? ".json" : ".xml"));
}

/* --- in --- */

const struct json *formats_body(struct call *call)
{
    struct err err = {{0}};
    const struct json *root =
        xml_read(call->arena, buf_text(&call->in->body), call->in->body.len, &err);
    if (!root) {
        answer_error(call, 400, "XML_PARSER_ERROR", "%s%s%s", err.message,
                     err.where[0] ? " at " : "", err.where);
        return NULL;
    }
    struct json *body = arena_alloc(call->arena, sizeof *body);
    *body = *root;
    body->key = NULL;
    body->next = NULL;
    if (body->type != JSON_OBJECT) /* an element without elements: nothing is set */
        body->type = JSON_OBJECT, body->first = NULL, body->len = 0;
    return body;
}

/* --- out --- */

/* JSON names what XML cannot: those characters become underscores. */
static const char *element_name(struct arena *arena, const char *key)
{
    static const char *const good =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-";
    if (!*key)
        return "_";
    if (key[strspn(key, good)] == '\0' && !strchr("0123456789.-", *key))
        return key;
    char *name = arena_printf(arena, "%s%s", strchr("0123456789.-", *key) ? "_" : "", key);
    for (char *p = name; *p; p++)
        if (!strchr(good, *p))
            *p = '_';
    return name;
}

struct writing {
    struct arena *arena;
    struct buf *out;
};

static void write_attributes(struct writing *w, const struct json *attributes)
{
    json_each(attribute, attributes) {
        const char *text = json_text(attribute);
        if (!text)
            continue;
        buf_printf(w->out, " %s=\"", element_name(w->arena, attribute->key));
        xml_escape(w->out, text, strlen(text));
        buf_str(w->out, "\"");
    }
}

static void write_scalar(struct writing *w, const struct json *value)
{
    const char *text = json_text(value);
    if (text)
        xml_escape(w->out, text, value->len);
    else
        buf_str(w->out, json_is(value, JSON_TRUE) ? "true" : "false");
}

static void write_element(struct writing *w, const char *key, const struct json *value,
                          const char *extra)
{
    const char *name = element_name(w->arena, key);
    if (json_is(value, JSON_ARRAY)) {
        json_each(item, value)
            write_element(w, key, item, "");
        return;
    }
    if (json_is(value, JSON_NULL)) {
        xml_nil(w->out, name);
        return;
    }
    buf_printf(w->out, "<%s%s", name, extra);
    write_attributes(w, json_get(value, "attributes"));
    buf_str(w->out, ">");
    if (json_is(value, JSON_OBJECT)) {
        json_each(member, value)
            if (strcmp(member->key, "attributes") != 0)
                write_element(w, member->key, member, "");
    } else {
        write_scalar(w, value);
    }
    xml_close(w->out, name);
}

/* What stands around everything, and for a list around each of its items. */
static const char *root_name(const struct call *call, const struct json *value, const char **item)
{
    const char *type = json_get_text(json_get(value, "attributes"), "type");
    const char *last = strrchr(call->path, '/') + 1;
    *item = "Result";
    if (call->out->status >= 400) {
        *item = "Error";
        return "Errors";
    }
    if (json_is(value, JSON_ARRAY)) {
        *item = strcmp(call->path, "/services/data") == 0 ? "Version" : "Result";
        return strcmp(*item, "Version") == 0 ? "Versions" : "Results";
    }
    if (type)
        return type;
    if (json_get(value, "totalSize") && json_get(value, "records"))
        return "QueryResult";
    if (json_get(value, "objectDescribe"))
        return json_get_text(json_get(value, "objectDescribe"), "name");
    if (json_get(value, "fields") && json_get(value, "keyPrefix"))
        return json_get_text(value, "name");
    if (json_get(value, "success") || json_get(value, "hasErrors"))
        return "Result";
    if (json_get(value, "sobjects") && json_get(value, "encoding"))
        return "DescribeGlobal";
    return call->version && strcmp(last + 1, call->version) == 0 ? "urls" : "Response";
}

void formats_close(struct call *call)
{
    struct buf out = BUF_INIT;
    struct writing w = {.arena = call->arena, .out = &out};
    const char *type = http_header_get(call->out->headers, "Content-Type"), *item;
    if (!call->xml || !type || !text_starts(type, "application/json") || !call->out->body.len)
        return;
    const struct json *value = json_parse_buf(call->arena, &call->out->body, NULL);
    if (!value)
        return;
    const char *root = root_name(call, value, &item);
    buf_str(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    if (json_is(value, JSON_ARRAY)) {
        xml_open(&out, arena_printf(call->arena, "%s xmlns:xsi=\"" XSI "\"", root));
        write_element(&w, item, value, "");
        xml_close(&out, root);
    } else {
        write_element(&w, root, value, " xmlns:xsi=\"" XSI "\"");
    }
    buf_free(&call->out->body);
    call->out->body = out;
    answer_header(call, "Content-Type", "application/xml;charset=UTF-8");
}
