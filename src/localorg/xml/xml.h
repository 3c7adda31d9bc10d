/* xml.h - XML read into the tree of base/json.h, and XML written from it.
 *
 * Names are taken without their prefix. An element with child elements is an
 * object, any other a string (its text); xsi:nil="true" is null. Members keep
 * their order, and a repeated element is a repeated member: xml_each goes over
 * them. xsi:type becomes the member "@type"; other attributes are passed over.
 *
 * Reading is libxml2's with the network, DTDs and entities off: a document type
 * is an error, as are depth above 64 and anything not well formed. */
#ifndef LOCALORG_XML_XML_H
#define LOCALORG_XML_XML_H

#include "base/json.h"

#define ERR_XML_SYNTAX "xml.syntax" /* err.where is "line L" */

/* The root element: its name is the value's key. Lives on the arena. NULL with
 * *err set. */
const struct json *xml_read(struct arena *arena, const char *text, size_t len, struct err *err);

/* The next child called `name` after `last` (NULL: the first); goes into JSON
 * arrays too, so that {"a":[1,2]} and <a>1</a><a>2</a> are the same. */
const struct json *xml_next(const struct json *object, const char *name, const struct json *last);
#define xml_each(child, object, name)                                                              \
    for (const struct json *child = xml_next((object), (name), NULL); child;                       \
         child = xml_next((object), (name), child))

/* --- writing --- */
void xml_escape(struct buf *out, const char *text, size_t len);
void xml_text(struct buf *out, const char *name, const char *text); /* NULL: nothing at all */
void xml_bool(struct buf *out, const char *name, bool value);
void xml_int(struct buf *out, const char *name, int64_t value);
void xml_nil(struct buf *out, const char *name); /* <name xsi:nil="true"/> */
void xml_open(struct buf *out, const char *name);
void xml_close(struct buf *out, const char *name);
/* <name>value</name>: members become elements, arrays repeated ones, null a nil
 * element. Keys that start with '@' are left out. */
void xml_value(struct buf *out, const char *name, const struct json *value);

#endif
