/* convert.c - between cells (text with a type) and JSON (what formulas,
 * templates and APIs speak).
 *
 * Numbers stay decimal text both ways. A result that does not fit its column's
 * type is an error in the cell, never a silent repair. */
#include "engine/run_priv.h"

#include "base/str.h"
#include "base/when.h"

#include <ctype.h>
#include <string.h>

struct value value_of(const char *text)
{
    return text ? (struct value){text, (uint32_t)strlen(text)} : VALUE_NULL;
}

/* -?digits[.digits][e[+-]digits], as JSON has it */
static bool is_json_number(const char *p, size_t n)
{
    size_t i = 0, start;
    if (i < n && p[i] == '-')
        i++;
    if (i >= n || !isdigit((unsigned char)p[i]))
        return false;
    if (p[i] == '0' && i + 1 < n && isdigit((unsigned char)p[i + 1]))
        return false;
    while (i < n && isdigit((unsigned char)p[i]))
        i++;
    if (i < n && p[i] == '.') {
        for (start = ++i; i < n && isdigit((unsigned char)p[i]);)
            i++;
        if (i == start)
            return false;
    }
    if (i < n && (p[i] == 'e' || p[i] == 'E')) {
        i++;
        if (i < n && (p[i] == '+' || p[i] == '-'))
            i++;
        for (start = i; i < n && isdigit((unsigned char)p[i]);)
            i++;
        if (i == start)
            return false;
    }
    return i == n;
}

static bool value_is(struct value value, const char *text)
{
    return value.text && value.len == strlen(text) && memcmp(value.text, text, value.len) == 0;
}

void value_to_json(struct jw *w, enum value_type type, struct value value)
{
    bool number = type == TYPE_NUMBER || type == TYPE_CURRENCY;
    if (!value.text)
        jw_null(w);
    else if (type == TYPE_JSON && value.len)
        jw_raw(w, value.text, value.len);
    else if (number && is_json_number(value.text, value.len))
        jw_raw(w, value.text, value.len);
    else if (type == TYPE_CHECKBOX && (value_is(value, "true") || value_is(value, "false")))
        jw_bool(w, value.text[0] == 't');
    else
        jw_text_n(w, value.text, value.len);
}

static const struct json *json_leaf(enum json_type type, const char *text, size_t len,
                                    struct arena *arena)
{
    struct json *leaf = arena_alloc(arena, sizeof *leaf);
    leaf->type = type;
    leaf->text = text;
    leaf->len = (uint32_t)len;
    return leaf;
}

const struct json *json_of_text(struct arena *arena, const char *text, size_t len)
{
    return json_leaf(JSON_STRING, arena_strndup(arena, text, len), len, arena);
}

const struct json *json_of_int(struct arena *arena, int64_t number)
{
    const char *text = arena_printf(arena, "%lld", (long long)number);
    return json_leaf(JSON_NUMBER, text, strlen(text), arena);
}

struct value json_as_text(struct arena *arena, const struct json *json)
{
    if (json_is_null(json))
        return VALUE_NULL;
    if (json->type == JSON_STRING || json->type == JSON_NUMBER)
        return (struct value){json->text, json->len};
    if (json->type == JSON_TRUE || json->type == JSON_FALSE)
        return value_of(json->type == JSON_TRUE ? "true" : "false");
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, json);
    struct value value = {arena_strndup(arena, buf_text(&text), text.len), (uint32_t)text.len};
    buf_free(&text);
    return value;
}

static enum status does_not_fit(enum value_type type, struct value value, struct err *err)
{
    int shown = (int)utf8_cut(value.text, value.len, 80);
    return err_set(err, "cell.type", "\"%.*s\" is not a %s", shown, value.text,
                   value_type_name(type));
}

static enum status as_number(enum value_type type, struct value text, struct value *out,
                             struct err *err)
{
    struct str trimmed = str_trim((struct str){text.text, text.len});
    if (trimmed.n == 0) {
        *out = VALUE_NULL;
        return OK;
    }
    if (trimmed.p[0] == '+')
        trimmed.p++, trimmed.n--;
    if (!is_json_number(trimmed.p, trimmed.n))
        return does_not_fit(type, text, err);
    *out = (struct value){trimmed.p, (uint32_t)trimmed.n};
    return OK;
}

static enum status as_checkbox(const struct json *json, struct value text, struct value *out,
                               struct err *err)
{
    if (json->type == JSON_TRUE || value_is(text, "true") || value_is(text, "1"))
        *out = value_of("true");
    else if (json->type == JSON_FALSE || value_is(text, "false") || value_is(text, "0"))
        *out = value_of("false");
    else
        return does_not_fit(TYPE_CHECKBOX, text, err);
    return OK;
}

static enum status as_date(struct arena *arena, struct value text, struct value *out,
                           struct err *err)
{
    char *copy = arena_strndup(arena, text.text, text.len);
    struct date date;
    int64_t ms;
    if (date_parse(copy, &date)) {
        *out = text;
        return OK;
    }
    if (!when_parse(copy, &ms))
        return does_not_fit(TYPE_DATE, text, err);
    date = when_date(ms, NULL);
    *out = value_of(arena_printf(arena, "%04d-%02d-%02d", date.year, date.month, date.day));
    return OK;
}

static enum status as_datetime(struct arena *arena, struct value text, struct value *out,
                               struct err *err)
{
    char *copy = arena_strndup(arena, text.text, text.len);
    int64_t ms;
    if (!when_parse(copy, &ms))
        return does_not_fit(TYPE_DATETIME, text, err);
    char *printed = arena_alloc(arena, 32);
    when_iso(ms, printed);
    *out = value_of(printed);
    return OK;
}

static struct value joined(struct arena *arena, const struct json *list)
{
    struct buf text = BUF_INIT;
    json_each(item, list) {
        struct value part = json_as_text(arena, item);
        if (part.len && text.len)
            buf_char(&text, ';');
        buf_append(&text, part.text ? part.text : "", part.len);
    }
    struct value value = {arena_strndup(arena, buf_text(&text), text.len), (uint32_t)text.len};
    buf_free(&text);
    return value;
}

static struct value json_text_of(struct arena *arena, const struct json *json)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, json);
    struct value value = {arena_strndup(arena, buf_text(&text), text.len), (uint32_t)text.len};
    buf_free(&text);
    return value;
}

/* NUL ends a text for half of all programs, and no database but SQLite stores one: as in files,
 * it becomes U+FFFD. */
static struct value without_nul(struct arena *arena, struct value text)
{
    if (!text.text || !memchr(text.text, 0, text.len))
        return text;
    struct buf mended = BUF_INIT;
    for (uint32_t i = 0; i < text.len; i++)
        text.text[i] ? buf_char(&mended, text.text[i]) : buf_str(&mended, "\xEF\xBF\xBD");
    text =
        (struct value){arena_strndup(arena, buf_text(&mended), mended.len), (uint32_t)mended.len};
    buf_free(&mended);
    return text;
}

enum status value_from_json(struct arena *arena, enum value_type type, const struct json *json,
                            struct value *out, struct err *err)
{
    *out = VALUE_NULL;
    if (json_is_null(json))
        return OK;
    if (type == TYPE_JSON) {
        *out = json_text_of(arena, json);
        return OK;
    }
    struct value text = json_as_text(arena, json);
    switch (type) {
    case TYPE_JSON: /* is done */
    case TYPE_NUMBER:
    case TYPE_CURRENCY:
        return as_number(type, text, out, err);
    case TYPE_CHECKBOX:
        return as_checkbox(json, text, out, err);
    case TYPE_DATE:
        return as_date(arena, text, out, err);
    case TYPE_DATETIME:
        return as_datetime(arena, text, out, err);
    case TYPE_MULTISELECT:
        *out = without_nul(arena, json->type == JSON_ARRAY ? joined(arena, json) : text);
        return OK;
    case TYPE_TEXT:
    case TYPE_URL:
    case TYPE_EMAIL:
    case TYPE_SELECT:
        *out = without_nul(arena, text);
        return OK;
    }
    return err_set(err, ERR_INVALID, "unknown type %d", (int)type);
}

static bool is_word(struct value text, const char *const *words)
{
    for (; *words; words++)
        if (str_eq_nocase(str_trim((struct str){text.text, text.len}), str_of(*words)))
            return true;
    return false;
}

static enum status checkbox_text(struct value text, struct value *out, struct err *err)
{
    static const char *const on[] = {"true", "yes", "1", NULL};
    static const char *const off[] = {"false", "no", "0", NULL};
    if (is_word(text, on))
        *out = value_of("true");
    else if (is_word(text, off))
        *out = value_of("false");
    else
        return does_not_fit(TYPE_CHECKBOX, text, err);
    return OK;
}

static enum status json_from_text(struct arena *arena, struct value text, struct value *out,
                                  struct err *err)
{
    if (!json_parse(arena, text.text, text.len, NULL))
        return does_not_fit(TYPE_JSON, text, err);
    *out = text;
    return OK;
}

enum status value_from_text(struct arena *arena, enum value_type type, struct value text,
                            struct value *out, struct err *err)
{
    bool plain = type == TYPE_TEXT || type == TYPE_URL || type == TYPE_EMAIL ||
                 type == TYPE_SELECT || type == TYPE_MULTISELECT;
    *out = text;
    if (!text.text || plain)
        return OK;
    *out = VALUE_NULL;
    struct str trimmed = str_trim((struct str){text.text, text.len});
    if (!trimmed.n)
        return OK;
    if (type == TYPE_CHECKBOX)
        return checkbox_text(text, out, err);
    if (type == TYPE_JSON)
        return json_from_text(arena, text, out, err);
    struct json json = {.type = JSON_STRING, .text = trimmed.p, .len = (uint32_t)trimmed.n};
    return value_from_json(arena, type, &json, out, err);
}

bool json_text_true(const char *json)
{
    return !(text_eq(json, "false") || text_eq(json, "null") || text_eq(json, "0") ||
             text_eq(json, "-0") || text_eq(json, "\"\""));
}
