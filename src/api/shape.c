/* shape.c - holding JSON and query parameters against their rows, and writing the
 * rows as JSON Schema. */
#include "api/shape.h"

#include "base/str.h"
#include "base/when.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 64

static const struct field *field_find(const struct field *fields, const char *name)
{
    for (; fields && fields->name; fields++)
        if (text_eq(fields->name, name))
            return fields;
    return NULL;
}

static enum status unknown(const struct field *fields, const char *where, const char *what,
                           const char *name, struct err *err)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (const struct field *f = fields; f && f->name && count < NAMES_MAX; f++)
        names[count++] = f->name;
    err_set(err, ERR_INVALID, "there is no %s `%s` here", what, name);
    err_where(err, "%s%s%s", where, *where ? "/" : "", name);
    const char *nearest = text_nearest(name, names, count);
    if (nearest)
        err_hint(err, "Did you mean `%s`?", nearest);
    return FAIL;
}

static const char *type_words(const struct field *field, enum field_type type)
{
    switch (type) {
    case F_TEXT:
        return "a text";
    case F_INT:
        return "a whole number";
    case F_NUMBER:
        return "a number";
    case F_BOOL:
        return "true or false";
    case F_TIME:
        return "a moment such as 2026-11-23T10:11:12Z";
    case F_WORD:
        return "one of its words";
    case F_OBJECT:
    case F_MAP:
        return "an object";
    case F_LIST:
        return "a list";
    case F_ANY:
        break;
    }
    (void)field;
    return "a value";
}

static enum status wrong(const struct field *field, enum field_type type, const char *where,
                         struct err *err)
{
    err_set(err, ERR_INVALID, "`%s` must be %s", field->name, type_words(field, type));
    err_where(err, "%s", where);
    if (type == F_WORD) {
        struct buf list = BUF_INIT;
        for (const char *const *word = field->words; *word; word++)
            buf_printf(&list, "%s%s", list.len ? ", " : "", *word);
        err_hint(err, "One of: %s.", buf_text(&list));
        buf_free(&list);
    }
    return FAIL;
}

static bool is_word(const struct field *field, const char *text)
{
    for (const char *const *word = field->words; word && *word; word++)
        if (text_eq(*word, text))
            return true;
    return false;
}

static bool whole_number(const char *text, int64_t *out)
{
    char *end;
    size_t len = strlen(text);
    if (!len || len > 19 || strspn(text + (*text == '-'), "0123456789") != len - (*text == '-'))
        return false;
    *out = strtoll(text, &end, 10);
    return !*end && end != text && end[-1] != '-';
}

/* A text or number text of the right type, within its bounds. */
static enum status check_text(const struct field *field, enum field_type type, const char *text,
                              size_t len, const char *where, struct err *err)
{
    int64_t number, at;
    bool bounded = field->max > field->min;
    if (type == F_TEXT && bounded && ((int64_t)len < field->min || (int64_t)len > field->max)) {
        err_set(err, ERR_INVALID, "`%s` must have %lld to %lld bytes, it has %zu", field->name,
                (long long)field->min, (long long)field->max, len);
        err_where(err, "%s", where);
        return FAIL;
    }
    if (type == F_INT && !whole_number(text, &number))
        return wrong(field, type, where, err);
    if (type == F_INT && bounded && (number < field->min || number > field->max)) {
        err_set(err, ERR_INVALID, "`%s` must be from %lld to %lld", field->name,
                (long long)field->min, (long long)field->max);
        err_where(err, "%s", where);
        return FAIL;
    }
    if ((type == F_TIME && !when_parse(text, &at)) || (type == F_WORD && !is_word(field, text)) ||
        (type == F_BOOL && !text_eq(text, "true") && !text_eq(text, "false")))
        return wrong(field, type, where, err);
    return OK;
}

static bool fits(enum field_type type, enum json_type is)
{
    switch (type) {
    case F_TEXT:
    case F_TIME:
    case F_WORD:
        return is == JSON_STRING;
    case F_INT:
    case F_NUMBER:
        return is == JSON_NUMBER;
    case F_BOOL:
        return is == JSON_TRUE || is == JSON_FALSE;
    case F_OBJECT:
    case F_MAP:
        return is == JSON_OBJECT;
    case F_LIST:
        return is == JSON_ARRAY;
    case F_ANY:
        break;
    }
    return true;
}

static enum status check_object(const struct shape *shape, const struct json *value,
                                const char *where, struct err *err);

static enum status check_value(const struct field *field, enum field_type type,
                               const struct json *value, const char *where, struct err *err)
{
    char below[256];
    size_t at = 0;
    if (json_is_null(value) && field->flags & F_NULL)
        return OK;
    if (!fits(type, value->type))
        return wrong(field, type, where, err);
    if (type == F_TEXT && memchr(value->text, 0, value->len)) {
        err_set(err, ERR_INVALID, "`%s` holds a NUL character", field->name);
        err_where(err, "%s", where);
        return FAIL;
    }
    if (type == F_TEXT || type == F_INT || type == F_TIME || type == F_WORD)
        return check_text(field, type, value->text, value->len, where, err);
    if (type == F_OBJECT)
        return field->of ? check_object(field->of, value, where, err) : OK;
    if (type == F_LIST && field->max && value->len > (uint64_t)field->max) {
        err_set(err, ERR_INVALID, "`%s` may have at most %lld entries", field->name,
                (long long)field->max);
        err_where(err, "%s", where);
        return FAIL;
    }
    if (type != F_LIST && type != F_MAP)
        return OK;
    json_each(child, value)
    {
        /* bounds of a list count its entries, not what is in them */
        struct field item = {.name = field->name, .words = field->words, .of = field->of};
        if (type == F_LIST)
            snprintf(below, sizeof below, "%.200s/%zu", where, at++);
        else
            snprintf(below, sizeof below, "%.200s/%.40s", where, child->key);
        if (check_value(&item, field->of ? F_OBJECT : field->item, child, below, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status check_object(const struct shape *shape, const struct json *value,
                                const char *where, struct err *err)
{
    char below[256];
    json_each(child, value)
    {
        const struct field *field = field_find(shape->fields, child->key);
        snprintf(below, sizeof below, "%.200s%s%.40s", where, *where ? "/" : "", child->key);
        if (!field)
            return unknown(shape->fields, where, "field", child->key, err);
        if (check_value(field, field->type, child, below, err) != OK)
            return FAIL;
    }
    for (const struct field *f = shape->fields; f->name; f++) {
        if (!(f->flags & F_REQUIRED) || json_get(value, f->name))
            continue;
        err_set(err, ERR_INVALID, "`%s` is missing: %s", f->name, f->help);
        err_where(err, "%s%s%s", where, *where ? "/" : "", f->name);
        return FAIL;
    }
    return OK;
}

enum status shape_check(const struct shape *shape, const struct json *value, struct err *err)
{
    if (!json_is(value, JSON_OBJECT))
        return err_set(err, ERR_INVALID, "the request must be a JSON object");
    return check_object(shape, value, "", err);
}

enum status shape_check_query(const struct field *fields, const struct uri_pair *query,
                              struct err *err)
{
    for (const struct uri_pair *pair = query; pair; pair = pair->next) {
        const struct field *field = field_find(fields, pair->name);
        if (!field)
            return unknown(fields, "", "parameter", pair->name, err);
        if (!utf8_valid(pair->value, strlen(pair->value)))
            return wrong(field, F_TEXT, pair->name, err);
        if (check_text(field, field->type, pair->value, strlen(pair->value), pair->name, err) != OK)
            return FAIL;
    }
    for (const struct field *f = fields; f && f->name; f++)
        if (f->flags & F_REQUIRED && !uri_pair_get(query, f->name)) {
            err_set(err, ERR_INVALID, "the parameter `%s` is missing: %s", f->name, f->help);
            err_where(err, "%s", f->name);
            return FAIL;
        }
    return OK;
}

/* ------------------------------------------------------------ JSON Schema */

static void write_type(struct jw *w, const char *type, bool null)
{
    jw_key(w, "type");
    if (!null) {
        jw_text(w, type);
        return;
    }
    jw_array(w);
    jw_text(w, type);
    jw_text(w, "null");
    jw_end_array(w);
}

static void write_reference(struct jw *w, const struct shape *shape)
{
    struct buf ref = BUF_INIT;
    buf_printf(&ref, "#/components/schemas/%s", shape->name);
    jw_kv_text(w, "$ref", buf_text(&ref));
    buf_free(&ref);
}

static void write_words(struct jw *w, const struct field *field, bool null)
{
    jw_key(w, "enum");
    jw_array(w);
    for (const char *const *word = field->words; *word; word++)
        jw_text(w, *word);
    if (null)
        jw_null(w);
    jw_end_array(w);
}

static void write_bounds(struct jw *w, const struct field *field, const char *least,
                         const char *most)
{
    if (field->max <= field->min)
        return;
    jw_kv_int(w, least, field->min);
    jw_kv_int(w, most, field->max);
}

static void write_schema(struct jw *w, const struct field *field, enum field_type type, bool null)
{
    struct field item = {.name = field->name, .words = field->words, .of = field->of};
    switch (type) {
    case F_TEXT:
        write_type(w, "string", null);
        write_bounds(w, field, "minLength", "maxLength");
        if (field->flags & F_SECRET)
            jw_kv_bool(w, "writeOnly", true);
        break;
    case F_TIME:
        write_type(w, "string", null);
        jw_kv_text(w, "format", "date-time");
        break;
    case F_WORD:
        write_type(w, "string", null);
        write_words(w, field, null);
        break;
    case F_INT:
        write_type(w, "integer", null);
        write_bounds(w, field, "minimum", "maximum");
        break;
    case F_NUMBER:
        write_type(w, "number", null);
        break;
    case F_BOOL:
        write_type(w, "boolean", null);
        break;
    case F_OBJECT:
        if (field->of && null) {
            jw_key(w, "anyOf");
            jw_array(w);
            jw_object(w);
            write_reference(w, field->of);
            jw_end_object(w);
            jw_object(w);
            jw_kv_text(w, "type", "null");
            jw_end_object(w);
            jw_end_array(w);
        } else if (field->of) {
            write_reference(w, field->of);
        } else {
            write_type(w, "object", null);
        }
        break;
    case F_LIST:
        write_type(w, "array", null);
        if (field->max)
            jw_kv_int(w, "maxItems", field->max);
        jw_key(w, "items");
        jw_object(w);
        write_schema(w, &item, field->of ? F_OBJECT : field->item, false);
        jw_end_object(w);
        break;
    case F_MAP:
        write_type(w, "object", null);
        jw_key(w, "additionalProperties");
        jw_object(w);
        write_schema(w, &item, field->of ? F_OBJECT : field->item, false);
        jw_end_object(w);
        break;
    case F_ANY:
        break;
    }
}

void field_write(struct jw *w, const struct field *field)
{
    jw_object(w);
    write_schema(w, field, field->type, field->flags & F_NULL);
    if (field->help)
        jw_kv_text(w, "description", field->help);
    jw_end_object(w);
}

void shape_write(struct jw *w, const struct shape *shape)
{
    bool any = false;
    jw_object(w);
    jw_kv_text(w, "type", "object");
    if (shape->help)
        jw_kv_text(w, "description", shape->help);
    jw_key(w, "properties");
    jw_object(w);
    for (const struct field *f = shape->fields; f->name; f++) {
        jw_key(w, f->name);
        field_write(w, f);
        any |= f->flags & F_REQUIRED;
    }
    jw_end_object(w);
    if (any) {
        jw_key(w, "required");
        jw_array(w);
        for (const struct field *f = shape->fields; f->name; f++)
            if (f->flags & F_REQUIRED)
                jw_text(w, f->name);
        jw_end_array(w);
    }
    jw_kv_bool(w, "additionalProperties", false);
    jw_end_object(w);
}
