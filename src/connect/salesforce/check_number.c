/* check_number.c - numbers as people write them.
 *
 * "1,234.56", "1.234,56", "1 234", "$5.00" and "50%" can be read in one way
 * only and are repaired; "1,234" can be read in two and is refused. The digits
 * stay decimal text all the way. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HINT "Write it with digits, and a point before decimals: 1234.56"

/* Takes off one sign of money or percent and the spaces that group digits. */
static char *bare(const struct sf_checking *c, bool *changed)
{
    static const char *const signs[] = {"$", "€", "£", "¥", "₹"};
    static const char *const spaces[] = {" ", "\xC2\xA0",    "\xE2\x80\xAF", "\xE2\x80\x89",
                                         "'", "\xE2\x80\x99"};
    char *out = arena_alloc(c->arena, c->len + 1), *to = out;
    bool money = text_eq(c->field->type, "currency"), percent = text_eq(c->field->type, "percent");

    for (const char *at = c->text; *at;) {
        size_t skip = 0;
        for (size_t i = 0; !skip && i < sizeof spaces / sizeof *spaces; i++)
            if (text_starts(at, spaces[i]))
                skip = strlen(spaces[i]);
        for (size_t i = 0; money && !skip && i < sizeof signs / sizeof *signs; i++)
            if (text_starts(at, signs[i]))
                skip = strlen(signs[i]), money = false;
        if (percent && !skip && at[0] == '%' && at[1] == 0)
            skip = 1;
        if (skip) {
            /* a space may stand only at the ends, beside a sign, or before three digits */
            *changed = true;
            at += skip;
            continue;
        }
        *to++ = *at++;
    }
    *to = 0;
    return out;
}

/* Spaces and apostrophes must cut groups of three: "1 234", not "12 34". */
static bool groups_right(const char *text)
{
    size_t digits = 0;
    bool grouped = false;
    for (const char *at = text; *at && *at != '.' && *at != ','; at++) {
        if (isdigit((unsigned char)*at)) {
            digits++;
            continue;
        }
        bool gap = *at == ' ' || *at == '\'' || (unsigned char)*at > 127;
        bool inside = digits > 0 && isdigit((unsigned char)at[1]);
        if ((unsigned char)*at > 127) { /* skip the rest of the sign */
            while (((unsigned char)at[1] & 0xC0) == 0x80)
                at++;
            inside = digits > 0 && isdigit((unsigned char)at[1]);
        }
        if (gap && inside) {
            if ((grouped && digits != 3) || digits > 3)
                return false;
            grouped = true;
            digits = 0;
        }
    }
    return !grouped || digits == 3;
}

/* True when `sign` cuts the digits before `end` into groups of three. */
static bool cuts_thousands(const char *text, const char *end, char sign)
{
    size_t digits = 0;
    bool first = true;
    for (const char *at = text + (*text == '-' || *text == '+'); at < end; at++) {
        if (isdigit((unsigned char)*at)) {
            digits++;
        } else if (*at == sign) {
            if (digits == 0 || digits > 3 || (!first && digits != 3))
                return false;
            first = false;
            digits = 0;
        } else {
            return false;
        }
    }
    return !first && digits == 3;
}

static char *without(const struct sf_checking *c, const char *text, char thousands, char decimal)
{
    char *out = arena_alloc(c->arena, strlen(text) + 1), *to = out;
    for (; *text; text++)
        if (*text != thousands)
            *to++ = *text == decimal ? '.' : *text;
    *to = 0;
    return out;
}

/* A plain number text from one with separators; NULL when it is ambiguous. */
static const char *unseparated(const struct sf_checking *c, const char *text)
{
    const char *comma = strrchr(text, ','), *point = strrchr(text, '.');
    const char *end = text + strlen(text);
    const char *digits = text + (*text == '-' || *text == '+');
    if (!comma && (!point || strchr(text, '.') == point))
        return text;
    if (comma && point) {
        char decimal = comma > point ? ',' : '.', thousands = comma > point ? '.' : ',';
        const char *last = comma > point ? comma : point;
        if (strchr(text, decimal) != last || !cuts_thousands(text, last, thousands))
            return NULL;
        return without(c, text, thousands, decimal);
    }
    char sign = comma ? ',' : '.';
    const char *first = strchr(text, sign), *last = strrchr(text, sign);
    if (first != last) /* two or more: they can only be thousands */
        return cuts_thousands(text, end, sign) ? without(c, text, sign, 0) : NULL;
    size_t before = (size_t)(comma - digits), after = (size_t)(end - comma - 1);
    if (after == 3 && before <= 3 && before > 0 && *digits != '0')
        return NULL; /* 1,234: a thousand or a bit more than one? */
    return without(c, text, 0, ',');
}

static enum crm_check check_size(const struct sf_checking *c, const char *number)
{
    const struct crm_field *f = c->field;
    const char *digits = number + (*number == '-');
    size_t whole = strcspn(digits, "."), most = 0;
    char why[120];

    if (whole == 1 && *digits == '0')
        whole = 0;
    if (text_eq(f->type, "int")) {
        if (strchr(number, '.'))
            return sf_refuse(c, "refused.bad_number", "has decimals, the field holds whole numbers",
                             "Round it with a formula: Math.round({{Column}})");
        most = f->digits > 0 ? (size_t)f->digits : 9;
    } else if (f->precision > 0 && f->precision >= f->scale) {
        most = (size_t)(f->precision - f->scale);
    }
    if (most == 0 || whole <= most)
        return CRM_CHECK_OK;
    snprintf(why, sizeof why, "has %zu digits before the point, the field holds %zu", whole, most);
    return sf_refuse(c, "refused.bad_number", why,
                     "Check the unit and the decimal sign of the value.");
}

enum crm_check sf_check_number(const struct sf_checking *c, const char **out)
{
    bool changed = false;
    if (!utf8_valid(c->text, c->len) || !groups_right(c->text))
        return sf_refuse(c, "refused.bad_number", "is not a number", HINT);
    const char *text = bare(c, &changed);
    const char *plain = unseparated(c, text);
    if (!plain)
        return sf_refuse(c, "refused.bad_number", "can be read as more than one number", HINT);
    const char *number = sf_decimal(c->arena, plain, strlen(plain));
    if (!number)
        return sf_refuse(c, "refused.bad_number", "is not a number", HINT);
    if (check_size(c, number) != CRM_CHECK_OK)
        return CRM_CHECK_REFUSED;
    /* 5.00 is sent as it came: the same number, and JSON takes it */
    struct err ignored = {0};
    const struct json *as_is = json_parse(c->arena, c->text, c->len, &ignored);
    bool fine = json_is(as_is, JSON_NUMBER) && !strpbrk(c->text, "eE") &&
                !(text_eq(c->field->type, "int") && strchr(c->text, '.'));
    *out = fine ? c->text : number;
    return fine ? CRM_CHECK_OK : CRM_CHECK_REPAIRED;
}
