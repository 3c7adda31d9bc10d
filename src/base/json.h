/* json.h - reading JSON into a tree on an arena, writing it to a buffer.
 *
 * Reading is RFC 8259 with full UTF-8 validation (simdjson behind json.cc).
 * Number text is kept as it came: nothing passes through a double unless the
 * caller asks for one. Depth is limited to 64. A byte-order mark is skipped.
 * Trailing garbage is an error. Duplicate keys are kept; json_get gives the last. */
#ifndef ARGIL_BASE_JSON_H
#define ARGIL_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define ERR_JSON_SYNTAX "json.syntax" /* err.where is "line L column C" */

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_type type;
    uint32_t len;     /* string, number: bytes of text; array, object: children */
    const char *text; /* string (unescaped) or number text; NUL-terminated */
    const char *key;  /* member name inside an object, else NULL; NUL-terminated */
    uint32_t key_len;
    struct json *first; /* first child */
    struct json *next;  /* next sibling */
};

#define json_each(child, parent)                                                                   \
    for (const struct json *child = (parent) ? (parent)->first : NULL; child; child = child->next)

/* Parses a document. The tree and its text live on the arena; the input may go.
 * NULL with *err set on failure. */
const struct json *json_parse(struct arena *arena, const char *text, size_t len, struct err *err);
/* The same without copying the input first: for a buf, which is padded. */
const struct json *json_parse_buf(struct arena *arena, const struct buf *buf, struct err *err);

/* All of these accept NULL and values of another type. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_get_nocase(const struct json *object, const char *key);
/* "a.b[0].c"; NULL when any step is missing. */
const struct json *json_path(const struct json *value, const char *path);
const struct json *json_at(const struct json *array, size_t index);
const char *json_text(const struct json *value); /* string or number text, else NULL */
const char *json_get_text(const struct json *object, const char *key);
bool json_is(const struct json *value, enum json_type type);
bool json_is_null(const struct json *value);               /* absent counts as null */
bool json_truth(const struct json *value, bool otherwise); /* true/false only */
bool json_get_bool(const struct json *object, const char *key, bool otherwise);
int64_t json_int(const struct json *value, int64_t otherwise); /* also from a string of digits */
int64_t json_get_int(const struct json *object, const char *key, int64_t otherwise);
double json_double(const struct json *value, double otherwise);

/* --- writing: a small append-only writer; commas and colons are its business --- */

struct jw {
    struct buf *out;
    bool pretty; /* two-space indent */
    uint8_t depth;
    uint64_t has; /* one bit a level: a member was written */
    bool after_key;
};

void jw_init(struct jw *w, struct buf *out);
void jw_object(struct jw *w);
void jw_end_object(struct jw *w);
void jw_array(struct jw *w);
void jw_end_array(struct jw *w);
void jw_key(struct jw *w, const char *key);
void jw_null(struct jw *w);
void jw_bool(struct jw *w, bool value);
void jw_int(struct jw *w, int64_t value);
void jw_double(struct jw *w, double value);     /* shortest text that reads back the same */
void jw_number(struct jw *w, const char *text); /* number text, as it is */
void jw_text(struct jw *w, const char *text);   /* NULL writes null; invalid UTF-8 becomes U+FFFD */
void jw_text_n(struct jw *w, const char *text, size_t len);
void jw_raw(struct jw *w, const char *json, size_t len); /* a finished JSON value */
void jw_value(struct jw *w, const struct json *value);   /* a parsed tree */
/* key + value in one step */
void jw_kv_text(struct jw *w, const char *key, const char *text);
void jw_kv_int(struct jw *w, const char *key, int64_t value);
void jw_kv_bool(struct jw *w, const char *key, bool value);
void jw_kv_null(struct jw *w, const char *key);

#endif
