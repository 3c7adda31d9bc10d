/* dml_convert.c - one JSON value to the cell that is stored, by field type.
 *
 * Two kinds of refusal: the JSON is of a type the field cannot take
 * (JSON_PARSER_ERROR, worded as Salesforce's parser does), or the value breaks
 * the field's own limits (STRING_TOO_LONG and its like). Text is trimmed, and
 * empty text is null. */
#include "localorg/org/dml_priv.h"

#include "base/when.h"

#include <ctype.h>
#include <math.h>

/* --- wording --- */

static const char *token_name(const struct json *value)
{
    switch (value->type) {
    case JSON_STRING:
        return "VALUE_STRING";
    case JSON_NUMBER:
        return strpbrk(value->text, ".eE") ? "VALUE_NUMBER_FLOAT" : "VALUE_NUMBER_INT";
    case JSON_TRUE:
        return "VALUE_TRUE";
    case JSON_FALSE:
        return "VALUE_FALSE";
    case JSON_OBJECT:
        return "START_OBJECT";
    case JSON_ARRAY:
        return "START_ARRAY";
    default:
        return "VALUE_NULL";
    }
}

static const char *token_text(const struct json *value)
{
    static const char *const plain[] = {
        [JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true",
        [JSON_ARRAY] = "[",   [JSON_OBJECT] = "{",
    };
    return value->type == JSON_STRING || value->type == JSON_NUMBER ? value->text
                                                                    : plain[value->type];
}

/* Where the value starts in the record written without spaces: the tree does
 * not remember the real place. */
static size_t column_of(const struct json *body, const struct json *value)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    json_each(member, body) {
        jw_key(&w, member->key);
        if (member == value)
            break;
        jw_value(&w, member);
    }
    size_t column = text.len + 1;
    buf_free(&text);
    return column;
}

static bool refuse_type(struct work *work, struct draft *draft, const struct field *field,
                        const struct json *value)
{
    static const char *const names[] = {
        [FT_BOOLEAN] = "boolean",   [FT_INT] = "int",        [FT_DOUBLE] = "double",
        [FT_CURRENCY] = "double",   [FT_PERCENT] = "double", [FT_DATE] = "date",
        [FT_DATETIME] = "datetime", [FT_TIME] = "time",      [FT_ANYTYPE] = NULL,
    };
    const char *name = names[field->type];
    return row_error(work, draft->result, "JSON_PARSER_ERROR", NULL, 0,
                     "Cannot deserialize instance of %s from %s value %s or request may be missing "
                     "a required field at [line:1, column:%zu]",
                     name ? name : "string", token_name(value), token_text(value),
                     column_of(draft->row->body, value));
}

/* A double as Java prints it: 100.0, 1.39E8. */
static const char *java_double(struct work *work, double value)
{
    double size = fabs(value);
    char text[400];
    if (!isfinite(value))
        return value > 0 ? "Infinity" : "-Infinity";
    if (size != 0 && (size >= 1e7 || size < 1e-3)) {
        for (int digits = 1; digits < 18; digits++) {
            snprintf(text, sizeof text, "%.*e", digits, value);
            if (strtod(text, NULL) == value)
                break;
        }
        char *e = strchr(text, 'e');
        long exponent = strtol(e + 1, NULL, 10);
        return arena_printf(work->arena, "%.*sE%ld", (int)(e - text), text, exponent);
    }
    for (int digits = 1; digits < 18; digits++) {
        snprintf(text, sizeof text, "%.*f", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return arena_strdup(work->arena, text);
}

/* --- numbers, booleans --- */

static bool number_syntax(const char *text)
{
    const char *c = text + (*text == '-' || *text == '+');
    size_t digits = 0;
    for (; isdigit((unsigned char)*c); c++)
        digits++;
    if (*c == '.')
        for (c++; isdigit((unsigned char)*c); c++)
            digits++;
    if (digits && (*c == 'e' || *c == 'E')) {
        c += 1 + (c[1] == '-' || c[1] == '+');
        if (!isdigit((unsigned char)*c))
            return false;
        while (isdigit((unsigned char)*c))
            c++;
    }
    return digits && !*c;
}

/* The largest whole number Salesforce takes in an int field: a third of 2^32. */
#define INT_FIELD_MAX 1431655765

static bool convert_int(struct work *work, struct draft *draft, const struct field *field,
                        const struct json *value, const char *text, struct cell *out)
{
    double number = strtod(text, NULL);
    if (number != floor(number))
        return refuse_type(work, draft, field, value);
    if (fabs(number) > INT_FIELD_MAX)
        return field_error(work, draft, field, "NUMBER_OUTSIDE_VALID_RANGE",
                           "%s: value outside of valid range on numeric field: %s", field->label,
                           fabs(number) < 1e15 ? arena_printf(work->arena, "%.0f", number)
                                               : java_double(work, number));
    cell_int(out, (int64_t)number);
    return true;
}

static bool convert_number(struct work *work, struct draft *draft, const struct field *field,
                           const struct json *value, struct cell *out)
{
    if (value->type != JSON_NUMBER && value->type != JSON_STRING)
        return refuse_type(work, draft, field, value);
    const char *text = value->text;
    if (value->type == JSON_STRING) {
        text = text_trim(work->scratch, text);
        if (!*text) {
            out->kind = CELL_NULL;
            return true;
        }
    }
    if (!number_syntax(text))
        return refuse_type(work, draft, field, value);
    if (field->type == FT_INT)
        return convert_int(work, draft, field, value, text, out);
    double number = strtod(text, NULL);
    int whole_digits = field->precision - field->scale;
    if (!isfinite(number) || (field->precision > 0 && fabs(number) >= pow(10, whole_digits)))
        return field_error(work, draft, field, "NUMBER_OUTSIDE_VALID_RANGE",
                           "%s: value outside of valid range on numeric field: %s", field->label,
                           java_double(work, number));
    if (!strpbrk(text, ".eE") && strlen(text) <= 18) {
        cell_int(out, strtoll(text, NULL, 10));
        return true;
    }
    out->kind = CELL_REAL;
    out->real = number;
    return true;
}

static bool convert_boolean(struct work *work, struct draft *draft, const struct field *field,
                            const struct json *value, struct cell *out)
{
    bool truth = value->type == JSON_TRUE;
    if (value->type == JSON_STRING) {
        truth = text_eq_nocase(value->text, "true");
        if (!truth && !text_eq_nocase(value->text, "false"))
            return refuse_type(work, draft, field, value);
    } else if (value->type != JSON_TRUE && value->type != JSON_FALSE) {
        return refuse_type(work, draft, field, value);
    }
    cell_int(out, truth);
    return true;
}

/* --- dates and times --- */

#define DAY_MS 86400000ll

/* Java's Date.toString, in UTC. */
static const char *java_date(struct work *work, int64_t ms)
{
    char http[32]; /* Sun, 06 Nov 1994 08:49:37 GMT */
    int ms_of_day;
    struct date date = when_date(ms, &ms_of_day);
    when_http(ms, http);
    return arena_printf(work->arena, "%.3s %.3s %02d %02d:%02d:%02d GMT %d", http, http + 8,
                        date.day, ms_of_day / 3600000, ms_of_day / 60000 % 60,
                        ms_of_day / 1000 % 60, date.year);
}

static bool date_in_range(struct work *work, struct draft *draft, const struct field *field,
                          int year, int64_t ms)
{
    if (year >= 1700 && year <= 4000)
        return true;
    return field_error(work, draft, field, "NUMBER_OUTSIDE_VALID_RANGE", "%s: invalid date: %s",
                       field->label, java_date(work, ms));
}

static bool convert_date(struct work *work, struct draft *draft, const struct field *field,
                         const struct json *value, struct cell *out)
{
    struct date date;
    if (value->type != JSON_STRING || !date_parse(value->text, &date))
        return refuse_type(work, draft, field, value);
    if (!date_in_range(work, draft, field, date.year, date_to_days(date) * DAY_MS))
        return false;
    cell_text(out, value->text);
    return true;
}

/* "+0100": Salesforce's JSON reader wants the colon. */
static bool zone_without_colon(const char *text)
{
    size_t len = strlen(text);
    if (len < 5 || (text[len - 5] != '+' && text[len - 5] != '-'))
        return false;
    for (size_t i = len - 4; i < len; i++)
        if (!isdigit((unsigned char)text[i]))
            return false;
    return strchr(text, 'T') != NULL;
}

static bool convert_datetime(struct work *work, struct draft *draft, const struct field *field,
                             const struct json *value, struct cell *out)
{
    int64_t ms = 0;
    struct date date;
    if (value->type != JSON_STRING)
        return refuse_type(work, draft, field, value);
    if (date_parse(value->text, &date)) {
        ms = date_to_days(date) * DAY_MS;
    } else if (zone_without_colon(value->text) || !when_parse(value->text, &ms)) {
        return refuse_type(work, draft, field, value);
    }
    date = when_date(ms, NULL);
    if (!date_in_range(work, draft, field, date.year, ms))
        return false;
    int64_t rest = ms % 1000;
    cell_int(out, ms - (rest < 0 ? rest + 1000 : rest));
    return true;
}

static bool convert_time(struct work *work, struct draft *draft, const struct field *field,
                         const struct json *value, struct cell *out)
{
    int hour, minute, second, ms = 0, used = 0;
    const char *text = value->type == JSON_STRING ? value->text : "";
    bool good = sscanf(text, "%2d:%2d:%2d%n", &hour, &minute, &second, &used) == 3 && used == 8;
    const char *rest = text + used;
    if (good && *rest == '.') {
        int fraction = 0, place = 100;
        for (rest++; isdigit((unsigned char)*rest); rest++, place /= 10)
            fraction += (*rest - '0') * place;
        ms = fraction;
    }
    if (good && *rest == 'Z')
        rest++;
    if (!good || *rest || hour > 23 || minute > 59 || second > 59 || hour < 0 || minute < 0)
        return refuse_type(work, draft, field, value);
    cell_text(out, arena_printf(work->scratch, "%02d:%02d:%02d.%03dZ", hour, minute, second, ms));
    return true;
}

/* --- text --- */

static bool email_part(struct str part, const char *also)
{
    if (!part.n || part.p[0] == '.' || part.p[part.n - 1] == '.')
        return false;
    for (size_t i = 0; i < part.n; i++) {
        unsigned char c = (unsigned char)part.p[i];
        if (!isalnum(c) && c < 0x80 && !strchr(also, c))
            return false;
        if (c == '.' && part.p[i - 1] == '.')
            return false;
    }
    return true;
}

/* local@domain.tld; what Salesforce takes, which is less than RFC 5321 does. */
static bool email_valid(struct str text)
{
    const char *at = memchr(text.p, '@', text.n);
    if (!at)
        return false;
    struct str local = {text.p, (size_t)(at - text.p)};
    struct str domain = {at + 1, text.n - local.n - 1};
    const char *dot = memrchr(domain.p, '.', domain.n);
    return local.n <= 64 && email_part(local, ".!#$%&'*+-/=?^_`{|}~") && email_part(domain, ".-") &&
           dot && dot + 1 < domain.p + domain.n;
}

static const struct picklist_value *picklist_find(const struct field *field, struct str text)
{
    for (size_t i = 0; i < field->picklist_count; i++)
        if (str_eq_nocase(str_of(field->picklist[i].value), text))
            return &field->picklist[i];
    return NULL;
}

static bool refuse_picklist(struct work *work, struct draft *draft, const struct field *field,
                            struct str text)
{
    return field_error(work, draft, field, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                       "%s: bad value for restricted picklist field: " STR_FMT, field->label,
                       STR_ARG(text));
}

static bool convert_picklist(struct work *work, struct draft *draft, const struct field *field,
                             struct str text, struct cell *out)
{
    const struct picklist_value *known = picklist_find(field, text);
    if (field->restricted_picklist && (!known || !known->active))
        return refuse_picklist(work, draft, field, text);
    if (known) {
        cell_text(out, known->value); /* as Setup spells it */
    } else {
        out->kind = CELL_TEXT;
        out->text = text.p;
        out->len = (uint32_t)text.n;
    }
    return true;
}

/* "b;a;b" becomes "a;b": each value once, in the order of the value set, and
 * unknown ones after them. */
static bool convert_multipicklist(struct work *work, struct draft *draft, const struct field *field,
                                  struct str text, struct cell *out)
{
    bool *chosen = arena_array(work->scratch, field->picklist_count + 1, sizeof *chosen);
    struct buf other = BUF_INIT, joined = BUF_INIT;
    bool good = true;
    while (text.n && good) {
        const char *semicolon = memchr(text.p, ';', text.n);
        size_t len = semicolon ? (size_t)(semicolon - text.p) : text.n;
        struct str one = str_trim((struct str){text.p, len});
        text.p += len + (semicolon ? 1 : 0);
        text.n -= len + (semicolon ? 1 : 0);
        const struct picklist_value *known = picklist_find(field, one);
        if (!one.n)
            continue;
        if (known && (known->active || !field->restricted_picklist)) {
            chosen[known - field->picklist] = true;
        } else if (field->restricted_picklist) {
            good = refuse_picklist(work, draft, field, one);
        } else {
            buf_char(&other, ';');
            buf_append(&other, one.p, one.n);
        }
    }
    for (size_t i = 0; i < field->picklist_count; i++)
        if (chosen[i])
            buf_printf(&joined, ";%s", field->picklist[i].value);
    buf_append(&joined, buf_text(&other), other.len);
    if (joined.len)
        cell_text(out, arena_strdup(work->scratch, joined.data + 1));
    else
        out->kind = CELL_NULL;
    buf_free(&other);
    buf_free(&joined);
    return good;
}

static bool too_long(const struct field *field, struct str text)
{
    size_t limit = (size_t)field->length;
    return limit && text.n > limit && utf16_length(text.p, text.n) > limit;
}

static bool convert_reference(struct work *work, struct draft *draft, const struct field *field,
                              struct str text, struct cell *out)
{
    char id[19], given[24];
    bool fits = text.n < sizeof given;
    if (fits) {
        memcpy(given, text.p, text.n);
        given[text.n] = 0;
    }
    if (!fits || !id_canonical(given, id))
        return field_error(work, draft, field, "MALFORMED_ID",
                           "%s: id value of incorrect type: " STR_FMT, field->label, STR_ARG(text));
    cell_text(out, arena_strdup(work->scratch, id));
    return true;
}

static bool convert_text(struct work *work, struct draft *draft, const struct field *field,
                         const struct json *value, struct cell *out)
{
    struct str text;
    switch (value->type) {
    case JSON_STRING:
        text = str_trim((struct str){value->text, value->len});
        break;
    case JSON_NUMBER:
        text = (struct str){value->text, value->len};
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        text = str_of(value->type == JSON_TRUE ? "true" : "false");
        break;
    default:
        return refuse_type(work, draft, field, value);
    }
    if (!text.n) {
        out->kind = CELL_NULL;
        return true;
    }
    if (field->type == FT_REFERENCE || field->type == FT_ID)
        return convert_reference(work, draft, field, text, out);
    if (too_long(field, text))
        return field_error(work, draft, field, "STRING_TOO_LONG",
                           "%s: data value too large: " STR_FMT " (max length=%d)", field->label,
                           STR_ARG(text), field->length);
    if (field->type == FT_MULTIPICKLIST)
        return convert_multipicklist(work, draft, field, text, out);
    if (field->type == FT_PICKLIST || field->type == FT_COMBOBOX)
        return convert_picklist(work, draft, field, text, out);
    if (field->type == FT_EMAIL && !email_valid(text))
        return field_error(work, draft, field, "INVALID_EMAIL_ADDRESS",
                           "%s: invalid email address: " STR_FMT, field->label, STR_ARG(text));
    out->kind = CELL_TEXT;
    out->text = text.p;
    out->len = (uint32_t)text.n;
    return true;
}

bool convert_value(struct work *work, struct draft *draft, const struct field *field,
                   const struct json *value, struct cell *out)
{
    if (value->type == JSON_NULL) {
        out->kind = CELL_NULL;
        if (field->type == FT_BOOLEAN)
            cell_int(out, 0);
        return true;
    }
    switch (field->type) {
    case FT_BOOLEAN:
        return convert_boolean(work, draft, field, value, out);
    case FT_INT:
    case FT_DOUBLE:
    case FT_CURRENCY:
    case FT_PERCENT:
        return convert_number(work, draft, field, value, out);
    case FT_DATE:
        return convert_date(work, draft, field, value, out);
    case FT_DATETIME:
        return convert_datetime(work, draft, field, value, out);
    case FT_TIME:
        return convert_time(work, draft, field, value, out);
    default:
        return convert_text(work, draft, field, value, out);
    }
}
