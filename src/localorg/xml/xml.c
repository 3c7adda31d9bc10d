/* xml.c - libxml2's text reader to a tree, and back to text. */
#include "localorg/xml/xml.h"

#include "base/str.h"

#include <libxml/xmlreader.h>
#include <string.h>

#define DEPTH_MAX 64

struct reading {
    struct arena *arena;
    xmlTextReaderPtr reader;
    struct json *open[DEPTH_MAX + 1]; /* the elements around the cursor */
    struct json **last[DEPTH_MAX + 1]; /* where each one's next child goes */
    struct buf text[DEPTH_MAX + 1];
    size_t depth;
    struct json *root;
    struct err *err;
    bool failed;
};

static bool refuse(struct reading *r, const char *why)
{
    if (!r->failed) {
        err_set(r->err, ERR_XML_SYNTAX, "%s", why);
        err_where(r->err, "line %d", xmlTextReaderGetParserLineNumber(r->reader));
    }
    r->failed = true;
    return false;
}

static struct json *node_new(struct arena *arena, const char *key)
{
    struct json *node = arena_alloc(arena, sizeof *node);
    node->type = JSON_STRING;
    node->text = "";
    node->key = arena_strdup(arena, key);
    node->key_len = (uint32_t)strlen(key);
    return node;
}

static void add_child(struct reading *r, struct json *child)
{
    struct json *parent = r->open[r->depth - 1];
    *r->last[r->depth - 1] = child;
    r->last[r->depth - 1] = &child->next;
    parent->type = JSON_OBJECT;
    parent->len++;
}

/* xsi:type="sf:Account" is Account. */
static const char *unprefixed(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

/* xsi:nil and xsi:type; what else there is says nothing here. */
static void read_attributes(struct reading *r, struct json *node)
{
    while (xmlTextReaderMoveToNextAttribute(r->reader) == 1) {
        const char *name = (const char *)xmlTextReaderConstLocalName(r->reader);
        const char *value = (const char *)xmlTextReaderConstValue(r->reader);
        const char *prefix = (const char *)xmlTextReaderConstPrefix(r->reader);
        if (!value || !name || text_eq(prefix, "xmlns"))
            continue;
        if (text_eq(name, "nil") && (text_eq(value, "true") || text_eq(value, "1"))) {
            node->type = JSON_NULL;
        } else if (text_eq(name, "type") && prefix) {
            struct json *type = node_new(r->arena, "@type");
            type->text = arena_strdup(r->arena, unprefixed(value));
            type->len = (uint32_t)strlen(type->text);
            add_child(r, type);
        }
    }
    xmlTextReaderMoveToElement(r->reader);
}

/* An element without child elements is its text. */
static void element_end(struct reading *r)
{
    struct json *node = r->open[--r->depth];
    struct buf *text = &r->text[r->depth];
    if (node->type == JSON_STRING) {
        node->text = arena_strndup(r->arena, buf_text(text), text->len);
        node->len = (uint32_t)text->len;
    }
    buf_free(text);
}

static bool element_begin(struct reading *r)
{
    const char *name = (const char *)xmlTextReaderConstLocalName(r->reader);
    bool empty = xmlTextReaderIsEmptyElement(r->reader) == 1;
    if (r->depth == DEPTH_MAX)
        return refuse(r, "elements are nested too deeply");
    struct json *node = node_new(r->arena, name);
    if (r->depth)
        add_child(r, node);
    else
        r->root = node;
    r->open[r->depth] = node;
    r->last[r->depth] = &node->first;
    r->text[r->depth] = (struct buf)BUF_INIT;
    r->depth++;
    read_attributes(r, node);
    if (empty)
        element_end(r);
    return true;
}

static bool take_node(struct reading *r)
{
    const char *value;
    switch (xmlTextReaderNodeType(r->reader)) {
    case XML_READER_TYPE_ELEMENT:
        return element_begin(r);
    case XML_READER_TYPE_END_ELEMENT:
        element_end(r);
        return true;
    case XML_READER_TYPE_TEXT:
    case XML_READER_TYPE_CDATA:
    case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        value = (const char *)xmlTextReaderConstValue(r->reader);
        if (r->depth && value)
            buf_str(&r->text[r->depth - 1], value);
        return true;
    case XML_READER_TYPE_DOCUMENT_TYPE:
        return refuse(r, "a document type is not allowed");
    case XML_READER_TYPE_ENTITY_REFERENCE:
        return refuse(r, "entities are not allowed");
    default:
        return true; /* comments, processing instructions, white space between elements */
    }
}

static void on_error(void *ctx, const char *message, xmlParserSeverities severity,
                     xmlTextReaderLocatorPtr locator)
{
    struct reading *r = ctx;
    if (severity != XML_PARSER_SEVERITY_ERROR || r->failed)
        return;
    r->failed = true;
    err_set(r->err, ERR_XML_SYNTAX, "%.*s", (int)strcspn(message, "\n"), message);
    err_where(r->err, "line %d", xmlTextReaderLocatorLineNumber(locator));
}

const struct json *xml_read(struct arena *arena, const char *text, size_t len, struct err *err)
{
    struct reading r = {.arena = arena, .err = err};
    if (len > INT32_MAX || !len) {
        err_set(err, ERR_XML_SYNTAX, len ? "the document is too large" : "the document is empty");
        return NULL;
    }
    r.reader = xmlReaderForMemory(text, (int)len, NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_COMPACT | XML_PARSE_HUGE);
    if (!r.reader) {
        err_set(err, ERR_XML_SYNTAX, "the document cannot be read");
        return NULL;
    }
    xmlTextReaderSetErrorHandler(r.reader, on_error, &r);
    int more = 1;
    while (!r.failed && (more = xmlTextReaderRead(r.reader)) == 1)
        if (!take_node(&r))
            break;
    if (more < 0)
        refuse(&r, "the document is not well formed");
    if (!r.failed && !r.root)
        refuse(&r, "the document has no element");
    while (r.depth)
        element_end(&r);
    xmlFreeTextReader(r.reader);
    return r.failed ? NULL : r.root;
}

/* --- going over it --- */

static const struct json *first_named(const struct json *at, const char *name)
{
    while (at && !text_eq(at->key, name))
        at = at->next;
    return at && at->type == JSON_ARRAY ? at->first : at;
}

const struct json *xml_next(const struct json *object, const char *name, const struct json *last)
{
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    if (!last)
        return first_named(object->first, name);
    if (!last->key) /* inside an array */
        return last->next;
    return first_named(last->next, name);
}

/* --- writing --- */

void xml_escape(struct buf *out, const char *text, size_t len)
{
    for (const char *end = text + len; text < end; text++) {
        switch (*text) {
        case '&':
            buf_str(out, "&amp;");
            break;
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '"':
            buf_str(out, "&quot;");
            break;
        case '\'':
            buf_str(out, "&apos;");
            break;
        case '\r':
            buf_str(out, "&#xD;");
            break;
        default:
            /* XML 1.0 has no other control characters at all */
            buf_char(out, (unsigned char)*text < 0x20 && !strchr("\t\n", *text) ? ' ' : *text);
        }
    }
}

void xml_open(struct buf *out, const char *name)
{
    buf_printf(out, "<%s>", name);
}

void xml_close(struct buf *out, const char *name)
{
    buf_printf(out, "</%.*s>", (int)strcspn(name, " "), name);
}

void xml_text(struct buf *out, const char *name, const char *text)
{
    if (!text)
        return;
    xml_open(out, name);
    xml_escape(out, text, strlen(text));
    xml_close(out, name);
}

void xml_bool(struct buf *out, const char *name, bool value)
{
    xml_text(out, name, value ? "true" : "false");
}

void xml_int(struct buf *out, const char *name, int64_t value)
{
    buf_printf(out, "<%s>%lld</%s>", name, (long long)value, name);
}

void xml_nil(struct buf *out, const char *name)
{
    buf_printf(out, "<%s xsi:nil=\"true\"/>", name);
}

void xml_value(struct buf *out, const char *name, const struct json *value)
{
    switch (value ? value->type : JSON_NULL) {
    case JSON_NULL:
        xml_nil(out, name);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        xml_bool(out, name, value->type == JSON_TRUE);
        break;
    case JSON_ARRAY:
        json_each(item, value)
            xml_value(out, name, item);
        break;
    case JSON_OBJECT:
        xml_open(out, name);
        json_each(member, value)
            if (*member->key != '@')
                xml_value(out, member->key, member);
        xml_close(out, name);
        break;
    default:
        xml_open(out, name);
        xml_escape(out, value->text, value->len);
        xml_close(out, name);
    }
}
