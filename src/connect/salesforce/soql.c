/* soql.c - values as SOQL text, and back to what they are equal to.
 *
 * The type of a literal comes from describe, never from the look of the value
 * (an id may look like a date, F-60). Quoting escapes the backslash first,
 * then the quote (F-61). A value that no record can hold has no literal. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"
#include "base/when.h"

#include <stdio.h>
#include <string.h>

enum sf_kind sf_field_kind(const struct crm_field *field)
{
    static const struct {
        const char *type;
        enum sf_kind kind;
    } kinds[] = {
        {"id", SF_ID},
        {"reference", SF_ID},
        {"boolean", SF_BOOLEAN},
        {"int", SF_NUMBER},
        {"double", SF_NUMBER},
        {"currency", SF_NUMBER},
        {"percent", SF_NUMBER},
        {"long", SF_NUMBER},
        {"date", SF_DATE},
        {"datetime", SF_DATETIME},
        {"time", SF_TIME},
        {"address", SF_COMPOUND},
        {"location", SF_COMPOUND},
    };
    if (field && field->type)
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (text_eq(field->type, kinds[i].type))
                return kinds[i].kind;
    return SF_TEXT;
}

void soql_escape(struct buf *out, const char *text, size_t len, bool like)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        switch (c) {
        case '\\':
            buf_str(out, "\\\\");
            break;
        case '\'':
            buf_str(out, "\\'");
            break;
        case '\n':
            buf_str(out, "\\n");
            break;
        case '\r':
            buf_str(out, "\\r");
            break;
        case '\t':
            buf_str(out, "\\t");
            break;
        case '\b':
            buf_str(out, "\\b");
            break;
        case '\f':
            buf_str(out, "\\f");
            break;
        case '%':
        case '_':
            if (like)
                buf_char(out, '\\');
            buf_char(out, (char)c);
            break;
        default:
            if (c < 0x20 || c == 0x7F)
                buf_printf(out, "\\u%04x", c);
            else
                buf_char(out, (char)c);
        }
    }
}

void soql_quote(struct buf *out, const char *text, size_t len)
{
    buf_char(out, '\'');
    soql_escape(out, text, len, false);
    buf_char(out, '\'');
}

void soql_contains(struct buf *out, const char *text, size_t len)
{
    buf_str(out, "'%");
    soql_escape(out, text, len, true);
    buf_str(out, "%'");
}

void soql_like(struct buf *out, const char *text, size_t len)
{
    buf_char(out, '\'');
    soql_escape(out, text, len, true);
    buf_char(out, '\'');
}

void soql_when(struct buf *out, int64_t ms)
{
    char text[32];
    when_iso(ms, text);
    buf_str(out, text);
}

static bool truth_of(const char *text, bool *out)
{
    static const char *const yes[] = {"true", "yes", "1", "y", "on"};
    static const char *const no[] = {"false", "no", "0", "n", "off"};
    for (size_t i = 0; i < 5; i++) {
        if (text_eq_nocase(text, yes[i]))
            return *out = true;
        if (text_eq_nocase(text, no[i])) {
            *out = false;
            return true;
        }
    }
    return false;
}

static bool time_of(const char *text, char out[32])
{
    int h, m, s = 0, ms = 0, used = 0;
    if (sscanf(text, "%2d:%2d%n", &h, &m, &used) < 2)
        return false;
    text += used;
    used = 0;
    if (*text == ':' && sscanf(text, ":%2d%n", &s, &used) == 1)
        text += used;
    used = 0;
    if (*text == '.' && sscanf(text, ".%3d%n", &ms, &used) == 1)
        text += used;
    if (*text == 'Z')
        text++;
    if (*text || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59 || ms < 0 || ms > 999)
        return false;
    snprintf(out, 32, "%02d:%02d:%02d.%03dZ", h, m, s, ms);
    return true;
}

const char *soql_comparable(struct arena *arena, const struct crm_field *field, struct value value)
{
    struct str s = str_trim((struct str){value.text, value.len});
    const char *text = str_dup(arena, s);
    char small[32];
    struct date date;
    int64_t ms;
    bool truth;

    if (!value.text || s.n == 0 || memchr(s.p, 0, s.n))
        return NULL;
    switch (sf_field_kind(field)) {
    case SF_ID:
        return sf_id(s.p, s.n, small) || sf_id_unfold(s.p, s.n, small)
                   ? arena_strndup(arena, small, 18)
                   : NULL;
    case SF_BOOLEAN:
        return truth_of(text, &truth) ? (truth ? "true" : "false") : NULL;
    case SF_NUMBER:
        return sf_decimal(arena, s.p, s.n);
    case SF_DATE:
        return date_parse(text, &date) ? text : NULL;
    case SF_DATETIME:
        if (!when_parse(text, &ms))
            return NULL;
        when_iso(ms, small);
        return arena_strdup(arena, small);
    case SF_TIME:
        return time_of(text, small) ? arena_strdup(arena, small) : NULL;
    case SF_COMPOUND:
        return NULL;
    case SF_TEXT:
        break;
    }
    if (!utf8_valid(s.p, s.n))
        return NULL;
    if (field && field->length > 0 && utf16_length(s.p, s.n) > (size_t)field->length)
        return NULL; /* longer than the field: no record holds it */
    return field && field->case_sensitive ? text : sf_fold(arena, s.p, s.n);
}

bool soql_literal(struct buf *out, struct arena *arena, const struct crm_field *field,
                  struct value value)
{
    const char *comparable = soql_comparable(arena, field, value);
    if (!comparable)
        return false;
    switch (sf_field_kind(field)) {
    case SF_TEXT: {
        struct str s = str_trim((struct str){value.text, value.len});
        soql_quote(out, s.p, s.n);
        return true;
    }
    case SF_ID:
        soql_quote(out, comparable, strlen(comparable));
        return true;
    default:
        buf_str(out, comparable);
        return true;
    }
}

enum status soql_condition(const char *condition, struct err *err)
{
    int depth = 0;
    bool quoted = false;
    for (const char *p = condition; *p; p++) {
        if (quoted) {
            if (*p == '\\' && p[1])
                p++;
            else if (*p == '\'')
                quoted = false;
            continue;
        }
        quoted = *p == '\'';
        depth += (*p == '(') - (*p == ')');
        if (depth < 0)
            break;
    }
    if (depth == 0 && !quoted && !text_blank(condition))
        return OK;
    err_set(err, ERR_INVALID, "the condition \"%.200s\" %s", condition,
            quoted       ? "has a quote that does not end"
            : depth != 0 ? "has brackets that do not match"
                         : "is empty");
    err_hint(err, "Write it as in a SOQL WHERE, for example: Website != null AND Name LIKE 'A%%'. "
                  "Inside quotes write \\' for an apostrophe.");
    return FAIL;
}

enum status soql_name(const char *name, struct err *err)
{
    size_t len = name ? strlen(name) : 0;
    bool good = len > 0 && len < 256 && name[0] != '.' && name[len - 1] != '.';
    for (size_t i = 0; good && i < len; i++)
        good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
               (name[i] >= '0' && name[i] <= '9') || name[i] == '_' || name[i] == '.';
    return good ? OK : err_set(err, ERR_INVALID, "\"%.100s\" is not an API name", name ? name : "");
}
