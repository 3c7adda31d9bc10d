/* json.c - the door to the reader, questions to a tree, and the writer.
 *
 * json.cc builds the tree; this file feeds it and, when it refuses, asks
 * json_check.c where the trouble is. The writer keeps one bit a level for
 * "a member was written"; below its 64 levels it looks at the last byte. */
#include "base/json.h"
#include "base/json_priv.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- reading --- */

static void report_place(const char *text, size_t len, const char *why, struct err *err)
{
    size_t at = 0, line = 1, line_start = 0;
    const char *exact = NULL;
    if (json_check(text, len, &at, &exact))
        exact = why;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    err_set(err, ERR_JSON_SYNTAX, "not valid JSON: %s", exact);
    err_where(err, "line %zu column %zu", line,
              utf8_length(text + line_start, at - line_start) + 1);
}

/* A scalar at the top is rare and simdjson treats it apart: read [scalar] instead. */
static const struct json *build_scalar(struct arena *arena, const char *text, size_t len,
                                       const char **why)
{
    struct buf wrapped = BUF_INIT;
    buf_char(&wrapped, '[');
    buf_append(&wrapped, text, len);
    buf_char(&wrapped, ']');
    const struct json *array = json_build(arena, wrapped.data, wrapped.len, why);
    buf_free(&wrapped);
    return array && array->len == 1 ? array->first : NULL;
}

static const struct json *parse_padded(struct arena *arena, const char *text, size_t len,
                                       struct err *err)
{
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        len -= 3;
    }
    size_t start = 0;
    while (start < len && strchr(" \t\r\n", text[start]) && text[start])
        start++;
    const char *why = "the text is empty";
    const struct json *root = NULL;
    if (len > UINT32_MAX / 2)
        why = "the document is too large";
    else if (start < len && (text[start] == '{' || text[start] == '['))
        root = json_build(arena, text, len, &why);
    else if (start < len)
        root = build_scalar(arena, text, len, &why);
    if (!root)
        report_place(text, len, why, err);
    return root;
}

const struct json *json_parse(struct arena *arena, const char *text, size_t len, struct err *err)
{
    char small[4096];
    if (len + BUF_PADDING <= sizeof small) {
        if (len)
            memcpy(small, text, len);
        memset(small + len, 0, BUF_PADDING);
        return parse_padded(arena, small, len, err);
    }
    char *copy = mem_resize(NULL, len + BUF_PADDING);
    memcpy(copy, text, len);
    memset(copy + len, 0, BUF_PADDING);
    const struct json *root = parse_padded(arena, copy, len, err);
    free(copy);
    return root;
}

const struct json *json_parse_buf(struct arena *arena, const struct buf *buf, struct err *err)
{
    if (!buf->data)
        return json_parse(arena, "", 0, err);
    return parse_padded(arena, buf->data, buf->len, err);
}

/* --- questions --- */

static const struct json *get_n(const struct json *object, struct str key, bool nocase)
{
    const struct json *found = NULL;
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    for (const struct json *child = object->first; child; child = child->next) {
        if (child->key_len != key.n)
            continue;
        if (nocase ? str_eq_nocase((struct str){child->key, key.n}, key)
                   : memcmp(child->key, key.p, key.n) == 0)
            found = child;
    }
    return found;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return get_n(object, str_of(key), false);
}

const struct json *json_get_nocase(const struct json *object, const char *key)
{
    return get_n(object, str_of(key), true);
}

const struct json *json_at(const struct json *array, size_t index)
{
    if (!array || (array->type != JSON_ARRAY && array->type != JSON_OBJECT))
        return NULL;
    const struct json *child = array->first;
    while (child && index-- > 0)
        child = child->next;
    return child;
}

const struct json *json_path(const struct json *value, const char *path)
{
    while (value && *path) {
        if (*path == '.') {
            path++;
        } else if (*path == '[') {
            char *end;
            unsigned long index = strtoul(path + 1, &end, 10);
            if (end == path + 1 || *end != ']')
                return NULL;
            value = json_at(value, index);
            path = end + 1;
        } else {
            size_t len = strcspn(path, ".[");
            value = get_n(value, (struct str){path, len}, false);
            path += len;
        }
    }
    return value;
}

const char *json_text(const struct json *value)
{
    return json_is(value, JSON_STRING) || json_is(value, JSON_NUMBER) ? value->text : NULL;
}

const char *json_get_text(const struct json *object, const char *key)
{
    return json_text(json_get(object, key));
}

bool json_is(const struct json *value, enum json_type type)
{
    return value && value->type == type;
}

bool json_is_null(const struct json *value)
{
    return !value || value->type == JSON_NULL;
}

bool json_truth(const struct json *value, bool otherwise)
{
    if (json_is(value, JSON_TRUE))
        return true;
    return json_is(value, JSON_FALSE) ? false : otherwise;
}

bool json_get_bool(const struct json *object, const char *key, bool otherwise)
{
    return json_truth(json_get(object, key), otherwise);
}

int64_t json_int(const struct json *value, int64_t otherwise)
{
    const char *text = json_text(value);
    if (!text || !*text || strspn(text, "+-0123456789.eE") != value->len)
        return otherwise;
    char *end;
    errno = 0;
    long long whole = strtoll(text, &end, 10);
    if (*end == '\0' && end != text)
        return errno == ERANGE ? otherwise : (int64_t)whole;
    if (value->type != JSON_NUMBER) /* "5.0" in a string is text, 5.0 is five */
        return otherwise;
    double real = strtod(text, NULL);
    return fabs(real) <= 9007199254740992.0 && real == floor(real) ? (int64_t)real : otherwise;
}

int64_t json_get_int(const struct json *object, const char *key, int64_t otherwise)
{
    return json_int(json_get(object, key), otherwise);
}

double json_double(const struct json *value, double otherwise)
{
    const char *text = json_text(value);
    if (!text || !*text || strspn(text, "+-0123456789.eE") != value->len)
        return otherwise;
    char *end;
    double real = strtod(text, &end);
    return *end == '\0' && isfinite(real) ? real : otherwise;
}

/* --- writing --- */

#define WRITER_BITS 64

void jw_init(struct jw *w, struct buf *out)
{
    *w = (struct jw){.out = out};
}

static bool jw_level_has(const struct jw *w)
{
    if (w->depth <= WRITER_BITS)
        return w->has >> (w->depth - 1) & 1;
    char last = w->out->len ? w->out->data[w->out->len - 1] : '[';
    return last != '[' && last != '{';
}

static void jw_newline(struct jw *w)
{
    if (!w->pretty)
        return;
    buf_char(w->out, '\n');
    for (unsigned i = 0; i < w->depth; i++)
        buf_append(w->out, "  ", 2);
}

/* What stands before a member name or a value: comma, line break, nothing. */
static void jw_before(struct jw *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    if (jw_level_has(w))
        buf_char(w->out, ',');
    if (w->depth <= WRITER_BITS)
        w->has |= UINT64_C(1) << (w->depth - 1);
    jw_newline(w);
}

static void jw_open(struct jw *w, char bracket)
{
    jw_before(w);
    buf_char(w->out, bracket);
    if (w->depth < UINT8_MAX)
        w->depth++;
    if (w->depth <= WRITER_BITS)
        w->has &= ~(UINT64_C(1) << (w->depth - 1));
}

static void jw_close(struct jw *w, char bracket)
{
    if (w->depth == 0)
        return;
    bool had = jw_level_has(w);
    w->depth--;
    if (had)
        jw_newline(w);
    buf_char(w->out, bracket);
}

void jw_object(struct jw *w)
{
    jw_open(w, '{');
}

void jw_end_object(struct jw *w)
{
    jw_close(w, '}');
}

void jw_array(struct jw *w)
{
    jw_open(w, '[');
}

void jw_end_array(struct jw *w)
{
    jw_close(w, ']');
}

/* True when none of eight bytes is a quote, a backslash, a control or non-ASCII. */
static bool eight_plain(const unsigned char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t w, quotes, slashes;
    memcpy(&w, p, sizeof w);
    quotes = w ^ (ones * '"');
    slashes = w ^ (ones * '\\');
    return ((w | (w - ones * 0x20) | (quotes - ones) | (slashes - ones)) & highs) == 0;
}

/* How many bytes at p stand in a JSON string as they are. */
static size_t plain_run(const unsigned char *p, const unsigned char *end)
{
    const unsigned char *start = p;
    while (end - p >= 8 && eight_plain(p))
        p += 8;
    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return (size_t)(p - start);
}

static void write_control(struct buf *out, unsigned char c)
{
    static const char names[] = "\b\f\n\r\t", letters[] = "bfnrt";
    const char *hit = c ? strchr(names, c) : NULL;
    if (hit) {
        char escape[2] = {'\\', letters[hit - names]};
        buf_append(out, escape, 2);
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

/* One byte that cannot stand as it is, or one multi-byte character. */
static size_t write_special(struct buf *out, const unsigned char *p, size_t left)
{
    if (*p == '"' || *p == '\\') {
        char escape[2] = {'\\', (char)*p};
        buf_append(out, escape, 2);
        return 1;
    }
    if (*p < 0x20) {
        write_control(out, *p);
        return 1;
    }
    for (size_t step = 2; step <= 4 && step <= left; step++) {
        if (utf8_valid((const char *)p, step)) {
            buf_append(out, p, step);
            return step;
        }
    }
    buf_append(out, "\xEF\xBF\xBD", 3);
    return 1;
}

static void write_string(struct buf *out, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    buf_char(out, '"');
    while (p < end) {
        size_t run = plain_run(p, end);
        buf_append(out, p, run);
        p += run;
        if (p < end)
            p += write_special(out, p, (size_t)(end - p));
    }
    buf_char(out, '"');
}

static void write_key(struct jw *w, const char *key, size_t len)
{
    jw_before(w);
    write_string(w->out, key, len);
    buf_str(w->out, w->pretty ? ": " : ":");
    w->after_key = true;
}

void jw_key(struct jw *w, const char *key)
{
    write_key(w, key, strlen(key));
}

void jw_raw(struct jw *w, const char *json, size_t len)
{
    jw_before(w);
    buf_append(w->out, json, len);
}

void jw_null(struct jw *w)
{
    jw_raw(w, "null", 4);
}

void jw_bool(struct jw *w, bool value)
{
    jw_raw(w, value ? "true" : "false", value ? 4 : 5);
}

void jw_int(struct jw *w, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)value);
    jw_raw(w, text, (size_t)len);
}

void jw_double(struct jw *w, double value)
{
    char text[40];
    int len = 0;
    if (!isfinite(value)) {
        jw_null(w);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        len = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    jw_raw(w, text, (size_t)len);
}

void jw_number(struct jw *w, const char *text)
{
    if (text)
        jw_raw(w, text, strlen(text));
    else
        jw_null(w);
}

void jw_text(struct jw *w, const char *text)
{
    if (text)
        jw_text_n(w, text, strlen(text));
    else
        jw_null(w);
}

void jw_text_n(struct jw *w, const char *text, size_t len)
{
    jw_before(w);
    write_string(w->out, text, len);
}

void jw_value(struct jw *w, const struct json *value)
{
    switch (value ? value->type : JSON_NULL) {
    case JSON_NULL:
        jw_null(w);
        break;
    case JSON_FALSE:
    case JSON_TRUE:
        jw_bool(w, value->type == JSON_TRUE);
        break;
    case JSON_NUMBER:
        jw_raw(w, value->text, value->len);
        break;
    case JSON_STRING:
        jw_text_n(w, value->text, value->len);
        break;
    case JSON_ARRAY:
        jw_array(w);
        json_each(child, value)
            jw_value(w, child);
        jw_end_array(w);
        break;
    case JSON_OBJECT:
        jw_object(w);
        json_each(child, value) {
            write_key(w, child->key, child->key_len);
            jw_value(w, child);
        }
        jw_end_object(w);
        break;
    }
}

void jw_kv_text(struct jw *w, const char *key, const char *text)
{
    jw_key(w, key);
    jw_text(w, text);
}

void jw_kv_int(struct jw *w, const char *key, int64_t value)
{
    jw_key(w, key);
    jw_int(w, value);
}

void jw_kv_bool(struct jw *w, const char *key, bool value)
{
    jw_key(w, key);
    jw_bool(w, value);
}

void jw_kv_null(struct jw *w, const char *key)
{
    jw_key(w, key);
    jw_null(w);
}
