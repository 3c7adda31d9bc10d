/* compare.c - does a record hold the values we meant to write?
 *
 * Salesforce gives values back in its own spelling: numbers with another scale,
 * instants in another zone, blanks as null, multi-select in another order. */
#include "engine/journal.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

static bool blank(const struct json *value)
{
    return json_is_null(value) || (json_is(value, JSON_STRING) && value->len == 0);
}

/* Decimal text without sign zeros, leading and trailing zeros; false when not plain decimal. */
static bool canonical_number(const char *text, char out[80])
{
    size_t len = strlen(text);
    if (len == 0 || len > 70 || strspn(text, "-0123456789.") != len)
        return false;
    bool minus = *text == '-';
    text += minus;
    while (*text == '0' && text[1] && text[1] != '.')
        text++;
    snprintf(out, 80, "%s%s", minus ? "-" : "", text);
    char *dot = strchr(out, '.');
    for (char *end = out + strlen(out) - 1; dot && end >= dot && (*end == '0' || *end == '.');
         end--) {
        bool was_dot = *end == '.';
        *end = 0;
        if (was_dot)
            break;
    }
    if (text_eq(out, "-0"))
        memcpy(out, "0", 2);
    return true;
}

static bool numbers_same(const char *a, const char *b)
{
    char left[80], right[80];
    if (canonical_number(a, left) && canonical_number(b, right))
        return text_eq(left, right);
    return strtod(a, NULL) == strtod(b, NULL);
}

static bool has_part(const char *list, const char *part, size_t len)
{
    for (const char *p = list; p; p = strchr(p, ';') ? strchr(p, ';') + 1 : NULL) {
        const char *end = strchr(p, ';');
        size_t n = end ? (size_t)(end - p) : strlen(p);
        if (n == len && memcmp(p, part, len) == 0)
            return true;
    }
    return false;
}

static bool has_parts(const char *list, const char *parts)
{
    for (const char *p = parts; p; p = strchr(p, ';') ? strchr(p, ';') + 1 : NULL) {
        const char *end = strchr(p, ';');
        if (!has_part(list, p, end ? (size_t)(end - p) : strlen(p)))
            return false;
    }
    return true;
}

static bool ids_same(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    bool long_enough = la >= 15 && lb >= 15 && la <= 18 && lb <= 18;
    return long_enough && strncmp(a, b, 15) == 0;
}

static bool is_type(const struct crm_field *field, const char *type)
{
    return field && text_eq(field->type, type);
}

static bool texts_same(const struct crm_field *field, const char *a, const char *b)
{
    int64_t left, right;
    if (text_eq(a, b))
        return true;
    if (is_type(field, "datetime"))
        return when_parse(a, &left) && when_parse(b, &right) && left / 1000 == right / 1000;
    if (is_type(field, "multipicklist"))
        return has_parts(a, b) && has_parts(b, a);
    if (is_type(field, "reference") || is_type(field, "id"))
        return ids_same(a, b);
    if (is_type(field, "email"))
        return text_eq_nocase(a, b); /* stored in lower case */
    return false;
}

bool field_same(const struct crm_field *field, const struct json *a, const struct json *b)
{
    if (blank(a) || blank(b))
        return blank(a) && blank(b);
    const char *left = json_text(a), *right = json_text(b);
    if (!left || !right)
        return a->type == b->type; /* true and false; structured values are not written */
    if (json_is(a, JSON_NUMBER) || json_is(b, JSON_NUMBER))
        return numbers_same(left, right);
    return texts_same(field, left, right);
}

/* A parent that was named by its own key: the record read back carries that key. */
static bool parent_holds(const struct json *wanted, const struct json *parent)
{
    json_each(member, wanted)
        if (!text_eq(member->key, "attributes") &&
            !field_same(NULL, member, json_get_nocase(parent, member->key)))
            return false;
    return true;
}

bool record_holds(const struct crm_object *object, const struct json *wanted,
                  const struct json *record)
{
    json_each(member, wanted) {
        const struct crm_field *field = crm_object_field(object, member->key);
        if (json_is(member, JSON_OBJECT)) {
            if (!parent_holds(member, json_get_nocase(record, member->key)))
                return false;
            continue;
        }
        if (!field_same(field, member, json_get_nocase(record, member->key)))
            return false;
    }
    return true;
}
