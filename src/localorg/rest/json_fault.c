/* json_fault.c - Salesforce reads JSON with an old Jackson and shows its messages, with
 * [line:1, column:2] for the place. Columns are those of the character behind the
 * offending one, counted from 1: the parser has read it already. Seen in the field: the
 * colon, the value and the comma forms. The others are what that parser says there.
 *
 * Our own parser is stricter in two places (half of a surrogate pair, something behind the
 * document) and less deep: 64 levels. */
#include "localorg/rest/json_fault.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

struct fault {
    const char *text;
    size_t len, at; /* bytes; at = len at the end of the text */
    unsigned line, column;
    struct buf *out;
};

/* --- pieces --- */

static unsigned code_at(const struct fault *f, size_t *size)
{
    const unsigned char *p = (const unsigned char *)f->text + f->at;
    size_t left = f->len - f->at, n = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
    if (n > left || !utf8_valid((const char *)p, n))
        n = 1;
    unsigned code = n == 1 ? *p : *p & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++)
        code = code << 6 | (p[i] & 0x3F);
    *size = n;
    return code;
}

static void end_with_place(const struct fault *f, unsigned step)
{
    buf_printf(f->out, " at [line:%u, column:%u]", f->line, f->column + step);
}

static void unexpected_character(const struct fault *f, const char *lead, const char *wanted)
{
    size_t size;
    unsigned code = code_at(f, &size);
    if (code < 0x20)
        buf_printf(f->out, "%s ((CTRL-CHAR, code %u))%s", lead, code, wanted);
    else
        buf_printf(f->out, "%s ('%.*s' (code %u))%s", lead, (int)size, f->text + f->at, code,
                   wanted);
    end_with_place(f, 1);
}

/* --- one writer for each kind --- */

static void wanted(const struct fault *f, const char *what)
{
    unexpected_character(f, "Unexpected character", what);
}

static bool word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void no_value(const struct fault *f, const char *what)
{
    size_t n = 0;
    const char *word = f->text + f->at;
    while (f->at + n < f->len && word_char(word[n]))
        n++;
    if (n == 3 && memcmp(word, "NaN", 3) == 0)
        buf_str(f->out, "Non-standard token 'NaN': enable "
                        "JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow");
    else if (n && strchr("tfn", *word))
        buf_printf(f->out,
                   "Unrecognized token '%.*s': was expecting 'null', 'true', 'false' or NaN",
                   (int)n, word);
    else {
        wanted(f, what);
        return;
    }
    end_with_place(f, (unsigned)n);
}

static void control_character(const struct fault *f, const char *what)
{
    unexpected_character(f, "Illegal unquoted character", what);
}

static void bad_escape(const struct fault *f, const char *what)
{
    unexpected_character(f, "Unrecognized character escape", what);
}

static void plain(const struct fault *f, const char *what)
{
    buf_str(f->out, what);
    end_with_place(f, 1);
}

static void bad_byte(const struct fault *f, const char *what)
{
    buf_printf(f->out, "%s0x%x", what, (unsigned char)f->text[f->at]);
    end_with_place(f, 1);
}

static void missing_digit(const struct fault *f, const char *what)
{
    char before = f->at ? f->text[f->at - 1] : '-';
    if (before == '-' && (f->at < 2 || !strchr("eE", f->text[f->at - 2])))
        unexpected_character(f, "Unexpected character", what);
    else
        unexpected_character(f, "Unexpected character",
                             before == '.' ? " in numeric value: Decimal point not followed by a "
                                             "digit"
                                           : " in numeric value: Exponent indicator not followed "
                                             "by a digit");
}

static const struct form {
    const char *reason; /* as base/json_check.c gives it */
    void (*write)(const struct fault *f, const char *what);
    const char *what;
} forms[] = {
    {"expected ':'", wanted, ": was expecting a colon to separate field name and value"},
    {"expected ',' or '}'", wanted, ": was expecting comma to separate OBJECT entries"},
    {"expected ',' or ']'", wanted, ": was expecting comma to separate ARRAY entries"},
    {"expected a member name in double quotes", wanted,
     ": was expecting double-quote to start field name"},
    {"a control character inside a string must be escaped", control_character,
     ": has to be escaped using backslash to be included in string value"},
    {"no such escape in a string", bad_escape, ""},
    {"\\u needs four hexadecimal digits", wanted,
     ": expected a hex-digit for character escape sequence"},
    {"half of a surrogate pair", plain, "Incomplete surrogate pair in a string value"},
    {"a number may not start with 0", plain, "Invalid numeric value: Leading zeroes not allowed"},
    {"a digit is missing", missing_digit,
     " in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value"},
    {"not valid UTF-8", bad_byte, "Invalid UTF-8 start byte "},
    {"nested more than 64 levels deep", plain,
     "Document nesting depth (65) exceeds the maximum allowed (64)"},
    {"something follows the end of the document", wanted, ": was expecting the end of the input"},
};
static const struct form value_form = {
    "expected a value", no_value,
    ": expected a valid value (number, String, array, object, 'true', 'false' or 'null')"};

/* --- the end of the text --- */

/* The innermost bracket that is still open: its byte, or NULL. */
static const char *still_open(const struct fault *f, bool *in_string)
{
    const char *open[66];
    size_t depth = 0;
    *in_string = false;
    for (size_t i = 0; i < f->len; i++) {
        char c = f->text[i];
        if (*in_string) {
            i += c == '\\';
            *in_string = c != '"';
        } else if (c == '"') {
            *in_string = true;
        } else if ((c == '{' || c == '[') && depth < sizeof open / sizeof *open) {
            open[depth++] = f->text + i;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return depth ? open[depth - 1] : NULL;
}

static void text_ended(const struct fault *f)
{
    bool in_string;
    const char *open = still_open(f, &in_string);
    if (in_string) {
        buf_str(f->out, "Unexpected end-of-input: was expecting closing quote for a string value");
    } else if (!open) {
        buf_str(f->out, "No content to map to Object due to end of input");
        return;
    } else {
        unsigned line = 1;
        const char *line_start = f->text;
        for (const char *p = f->text; p < open; p++)
            if (*p == '\n') {
                line++;
                line_start = p + 1;
            }
        buf_printf(f->out,
                   "Unexpected end-of-input: expected close marker for %s (from [line:%u, "
                   "column:%zu])",
                   *open == '{' ? "OBJECT" : "ARRAY", line,
                   utf8_length(line_start, (size_t)(open - line_start)));
    }
    end_with_place(f, 0);
}

/* --- finding the place --- */

static size_t byte_of(const char *text, size_t len, unsigned line, unsigned column)
{
    size_t at = 0;
    for (; line > 1 && at < len; at++)
        line -= text[at] == '\n';
    for (; column > 1 && at < len; column--)
        do
            at++;
        while (at < len && ((unsigned char)text[at] & 0xC0) == 0x80);
    return at;
}

void json_fault_write(const char *text, size_t len, const struct err *refusal, struct buf *out)
{
    struct fault f = {.text = text, .len = len, .line = 1, .column = 1, .out = out};
    const struct form *form = &value_form;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        f.text += 3;
        f.len -= 3;
    }
    sscanf(refusal->where, "line %u column %u", &f.line, &f.column);
    f.at = byte_of(f.text, f.len, f.line, f.column);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (text_ends(refusal->message, forms[i].reason))
            form = &forms[i];
    if (f.at >= f.len)
        text_ended(&f);
    else
        form->write(&f, form->what);
}
