/* json_check.c - a plain validating scanner, for two uses: to find the place
 * of an error that the quick reader only reports, and to be the second opinion
 * in the fuzzer (both must accept exactly the same texts).
 *
 * Invariant: `at` never passes `len`, and when a step returns false `why` is
 * set and `at` is the offending byte. */
#include "base/json_priv.h"
#include "base/str.h"

#include <string.h>

struct check {
    const unsigned char *text;
    size_t len, at;
    const char *why;
};

static bool check_value(struct check *c, int depth);

static bool check_fail(struct check *c, const char *why)
{
    c->why = why;
    return false;
}

/* The byte at hand, or -1 at the end. */
static int check_peek(const struct check *c)
{
    return c->at < c->len ? c->text[c->at] : -1;
}

static bool check_take(struct check *c, int wanted)
{
    if (check_peek(c) != wanted)
        return false;
    c->at++;
    return true;
}

static void check_space(struct check *c)
{
    int b;
    while ((b = check_peek(c)) == ' ' || b == '\n' || b == '\r' || b == '\t')
        c->at++;
}

static bool check_digits(struct check *c)
{
    size_t start = c->at;
    while (check_peek(c) >= '0' && check_peek(c) <= '9')
        c->at++;
    return c->at > start || check_fail(c, "a digit is missing");
}

static bool check_number(struct check *c)
{
    check_take(c, '-');
    if (check_take(c, '0')) {
        if (check_peek(c) >= '0' && check_peek(c) <= '9')
            return check_fail(c, "a number may not start with 0");
    } else if (!check_digits(c)) {
        return false;
    }
    if (check_take(c, '.') && !check_digits(c))
        return false;
    if (check_take(c, 'e') || check_take(c, 'E')) {
        if (!check_take(c, '+'))
            check_take(c, '-');
        return check_digits(c);
    }
    return true;
}

static bool check_hex4(struct check *c, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        int b = check_peek(c);
        const char *digits = "0123456789abcdefABCDEF", *hit = b > 0 ? strchr(digits, b) : NULL;
        if (!hit)
            return check_fail(c, "\\u needs four hexadecimal digits");
        unsigned digit = (unsigned)(hit - digits);
        *out = *out << 4 | (digit < 16 ? digit : digit - 6);
        c->at++;
    }
    return true;
}

/* After "\u". */
static bool check_code_unit(struct check *c)
{
    size_t start = c->at;
    unsigned unit, low;
    if (!check_hex4(c, &unit))
        return false;
    if (unit < 0xD800 || unit > 0xDFFF)
        return true;
    if (unit < 0xDC00 && check_take(c, '\\') && check_take(c, 'u')) {
        if (!check_hex4(c, &low))
            return false;
        if (low >= 0xDC00 && low <= 0xDFFF)
            return true;
    }
    c->at = start;
    return check_fail(c, "half of a surrogate pair");
}

static bool check_string(struct check *c)
{
    c->at++;
    for (;;) {
        int b = check_peek(c);
        if (b < 0)
            return check_fail(c, "the text ends inside a string");
        if (b < 0x20)
            return check_fail(c, "a control character inside a string must be escaped");
        c->at++;
        if (b == '"')
            return true;
        if (b != '\\')
            continue;
        int escape = check_peek(c);
        if (escape <= 0 || !strchr("\"\\/bfnrtu", escape))
            return check_fail(c, "no such escape in a string");
        c->at++;
        if (escape == 'u' && !check_code_unit(c))
            return false;
    }
}

static bool check_word(struct check *c, const char *word)
{
    size_t start = c->at;
    for (; *word; word++) {
        if (check_take(c, *word))
            continue;
        c->at = start;
        return check_fail(c, "expected a value");
    }
    return true;
}

static bool check_array(struct check *c, int depth)
{
    c->at++;
    check_space(c);
    if (check_take(c, ']'))
        return true;
    for (;;) {
        if (!check_value(c, depth + 1))
            return false;
        check_space(c);
        if (check_take(c, ']'))
            return true;
        if (!check_take(c, ','))
            return check_fail(c, "expected ',' or ']'");
    }
}

static bool check_object(struct check *c, int depth)
{
    c->at++;
    check_space(c);
    if (check_take(c, '}'))
        return true;
    for (;;) {
        check_space(c);
        if (check_peek(c) != '"')
            return check_fail(c, "expected a member name in double quotes");
        if (!check_string(c))
            return false;
        check_space(c);
        if (!check_take(c, ':'))
            return check_fail(c, "expected ':'");
        if (!check_value(c, depth + 1))
            return false;
        check_space(c);
        if (check_take(c, '}'))
            return true;
        if (!check_take(c, ','))
            return check_fail(c, "expected ',' or '}'");
    }
}

/* `depth` counts the arrays and objects around the value. */
static bool check_value(struct check *c, int depth)
{
    check_space(c);
    int b = check_peek(c);
    if ((b == '[' || b == '{') && depth >= JSON_MAX_DEPTH)
        return check_fail(c, "nested more than 64 levels deep");
    switch (b) {
    case -1:
        return check_fail(c, "the text ends where a value was expected");
    case '[':
        return check_array(c, depth);
    case '{':
        return check_object(c, depth);
    case '"':
        return check_string(c);
    case 't':
        return check_word(c, "true");
    case 'f':
        return check_word(c, "false");
    case 'n':
        return check_word(c, "null");
    default:
        if (b == '-' || (b >= '0' && b <= '9'))
            return check_number(c);
        return check_fail(c, "expected a value");
    }
}

/* The first byte that no UTF-8 text has there, or len. */
static size_t first_bad_byte(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t step = 1, left = len - at;
        while (step < 4 && step < left && !utf8_valid(text + at, step))
            step++;
        if (!utf8_valid(text + at, step))
            return at;
        at += step;
    }
    return len;
}

bool json_check(const char *text, size_t len, size_t *at, const char **why)
{
    struct check c = {.text = (const unsigned char *)text, .len = len};
    check_space(&c);
    bool valid = c.at < len ? check_value(&c, 0) : check_fail(&c, "the text is empty");
    if (valid) {
        check_space(&c);
        valid = c.at == len || check_fail(&c, "something follows the end of the document");
    }
    /* An invalid byte before the place found above is the earlier cause. */
    size_t upto = valid ? len : c.at;
    if (len > 0 && !utf8_valid(text, upto)) {
        c.at = first_bad_byte(text, upto);
        valid = check_fail(&c, "not valid UTF-8");
    }
    *at = c.at;
    *why = c.why;
    return valid;
}
