/* lex.c - SOQL text to words.
 *
 * A scanner without state: lex_next(text, at) gives the word that starts at or
 * after an offset, so the parser can look ahead as far as it likes. Dates,
 * datetimes and times are recognised here by shape alone; whether the thirtieth
 * of February exists is the parser's question.
 *
 * lex_fail draws the block Salesforce puts in front of its sentences. The
 * window is what real error texts show: at most 45 characters before the word
 * and 30 after it, cut at spaces and commas, and never across a line end. */
#include "localorg/soql/lex.h"

#include "base/buf.h"

#include <stdarg.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(char c)
{
    return is_letter(c) || is_digit(c);
}

/* Does the text at `at` follow the pattern? '#' is a digit, the rest itself. */
static bool shaped(struct str text, size_t at, const char *pattern)
{
    for (; *pattern; pattern++, at++) {
        if (at >= text.n)
            return false;
        if (*pattern == '#' ? !is_digit(text.p[at]) : text.p[at] != *pattern)
            return false;
    }
    return true;
}

static struct token token_of(struct str text, enum token_kind kind, size_t at, size_t end)
{
    return (struct token){.kind = kind, .at = at, .len = end - at, .text = {text.p + at, end - at}};
}

static size_t skip_digits(struct str text, size_t at)
{
    while (at < text.n && is_digit(text.p[at]))
        at++;
    return at;
}

static size_t skip_fraction(struct str text, size_t at)
{
    if (at + 1 < text.n && text.p[at] == '.' && is_digit(text.p[at + 1]))
        return skip_digits(text, at + 1);
    return at;
}

/* hh:mm:ss[.fff] and its zone. */
static size_t skip_clock(struct str text, size_t at)
{
    at = skip_fraction(text, at + 8);
    if (at < text.n && (text.p[at] == 'Z' || text.p[at] == 'z'))
        return at + 1;
    if (shaped(text, at, "+##:##") || shaped(text, at, "-##:##"))
        return at + 6;
    if (shaped(text, at, "+####") || shaped(text, at, "-####"))
        return at + 5;
    return at;
}

static struct token lex_string(struct str text, size_t at)
{
    for (size_t i = at + 1; i < text.n; i++) {
        if (text.p[i] == '\\')
            i++;
        else if (text.p[i] == '\'')
            return token_of(text, TOKEN_STRING, at, i + 1);
    }
    return token_of(text, TOKEN_BROKEN, at, text.n);
}

static struct token lex_number(struct str text, size_t at)
{
    if (shaped(text, at, "####-##-##T##:##:##") || shaped(text, at, "####-##-##t##:##:##"))
        return token_of(text, TOKEN_DATETIME, at, skip_clock(text, at + 11));
    if (shaped(text, at, "####-##-##"))
        return token_of(text, TOKEN_DATE, at, at + 10);
    if (shaped(text, at, "##:##:##"))
        return token_of(text, TOKEN_TIME, at, skip_clock(text, at));
    size_t end = at;
    if (text.p[end] == '+' || text.p[end] == '-')
        end++;
    end = skip_fraction(text, skip_digits(text, end));
    if (end < text.n && (text.p[end] == 'e' || text.p[end] == 'E')) {
        size_t exponent = end + 1;
        if (exponent < text.n && (text.p[exponent] == '+' || text.p[exponent] == '-'))
            exponent++;
        if (exponent < text.n && is_digit(text.p[exponent]))
            end = skip_digits(text, exponent);
    }
    if (end < text.n && is_letter(text.p[end])) { /* 12abc is one wrong word */
        while (end < text.n && is_name(text.p[end]))
            end++;
        return token_of(text, TOKEN_BROKEN, at, end);
    }
    return token_of(text, TOKEN_NUMBER, at, end);
}

static bool starts_number(struct str text, size_t at)
{
    char c = text.p[at];
    if (is_digit(c))
        return true;
    if (c != '+' && c != '-' && c != '.')
        return false;
    if (c == '.')
        return at + 1 < text.n && is_digit(text.p[at + 1]) && (at == 0 || !is_name(text.p[at - 1]));
    return at + 1 < text.n && (is_digit(text.p[at + 1]) || shaped(text, at + 1, ".#"));
}

static struct token lex_sign(struct str text, size_t at)
{
    static const char two[][3] = {"!=", "<>", "<=", ">="};
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (shaped(text, at, two[i]))
            return token_of(text, TOKEN_SIGN, at, at + 2);
    enum token_kind kind = strchr("(),.:=<>", text.p[at]) && text.p[at] ? TOKEN_SIGN : TOKEN_BROKEN;
    size_t end = at + 1; /* a stray character is shown whole */
    while (kind == TOKEN_BROKEN && end < text.n && ((unsigned char)text.p[end] & 0xc0) == 0x80)
        end++;
    return token_of(text, kind, at, end);
}

struct token lex_next(struct str text, size_t at)
{
    while (at < text.n && is_space(text.p[at]))
        at++;
    if (at >= text.n)
        return token_of(text, TOKEN_END, text.n, text.n);
    if (text.p[at] == '\'')
        return lex_string(text, at);
    if (starts_number(text, at))
        return lex_number(text, at);
    if (!is_letter(text.p[at]))
        return lex_sign(text, at);
    size_t end = at;
    while (end < text.n && is_name(text.p[end]))
        end++;
    return token_of(text, TOKEN_NAME, at, end);
}

bool token_is(const struct token *token, const char *word)
{
    if (token->kind != TOKEN_NAME && token->kind != TOKEN_SIGN)
        return false;
    return str_eq_nocase(token->text, str_of(word));
}

/* --- strings --- */

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char *put_code_point(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* The four hex digits at p; -1 when they are not, 0 or a lone surrogate. */
static int hex4(const char *p, const char *end)
{
    int code = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

/* After "\u": writes the character, returns the bytes read, 0 when malformed. */
static size_t unescape_unicode(const char *p, const char *end, char **out)
{
    int code = hex4(p, end);
    if (code <= 0 || (code >= 0xdc00 && code <= 0xdfff))
        return 0;
    if (code < 0xd800 || code > 0xdbff) {
        *out = put_code_point(*out, (unsigned)code);
        return 4;
    }
    if (end - p < 10 || p[4] != '\\' || (p[5] | 0x20) != 'u')
        return 0;
    int low = hex4(p + 6, end);
    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    *out =
        put_code_point(*out, 0x10000u + (((unsigned)code - 0xd800) << 10) + (unsigned)low - 0xdc00);
    return 10;
}

const char *lex_unescape(struct arena *arena, struct str token, bool like, size_t *bad)
{
    static const char from[] = "nrtbf\"'\\", to[] = "\n\r\t\b\f\"'\\";
    char *text = arena_alloc(arena, token.n * 2 + 1), *out = text;
    const char *p = token.p + 1, *end = token.p + token.n - 1;
    while (p < end) {
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        char c = p + 1 < end ? p[1] : '\0';
        char lower = (char)(is_letter(c) && c != '_' ? c | 0x20 : c);
        const char *known = lower ? strchr(from, lower) : NULL;
        size_t read = 0;
        if (like && (c == '%' || c == '_' || c == '\\')) {
            *out++ = '\\';
            *out++ = c;
            read = 2;
        } else if (known) {
            *out++ = to[known - from];
            read = 2;
        } else if (lower == 'u') {
            size_t digits = unescape_unicode(p + 2, end, &out);
            read = digits ? digits + 2 : 0;
        }
        if (!read) {
            *bad = (size_t)(p - token.p);
            return NULL;
        }
        p += read;
    }
    *out = '\0';
    return text;
}

/* --- errors --- */

enum { WINDOW_BEFORE = 45, WINDOW_AFTER = 30 };

static bool cuts(char c)
{
    return is_space(c) || c == ',';
}

static size_t window_start(struct str text, size_t row, size_t at)
{
    if (at - row <= WINDOW_BEFORE)
        return row;
    size_t start = at - WINDOW_BEFORE;
    while (start < at && !cuts(text.p[start - 1]))
        start++;
    while (start < at && is_space(text.p[start]))
        start++;
    if (start < at)
        return start;
    start = at - WINDOW_BEFORE; /* one long word: cut it, but not inside a character */
    while (start < at && ((unsigned char)text.p[start] & 0xc0) == 0x80)
        start++;
    return start;
}

static size_t window_end(struct str text, size_t word_end)
{
    size_t line = word_end;
    while (line < text.n && text.p[line] != '\n' && text.p[line] != '\r')
        line++;
    size_t end = word_end + WINDOW_AFTER;
    if (end >= line)
        return line;
    while (end > word_end && !cuts(text.p[end]))
        end--;
    return end > word_end && text.p[end - 1] == ',' ? end - 1 : end;
}

enum status lex_fail(struct err *err, const char *code, struct str text, size_t at, size_t len,
                     const char *fmt, ...)
{
    if (at > text.n)
        at = text.n;
    if (len > text.n - at)
        len = text.n - at;
    if (len > 200)
        len = utf8_cut(text.p + at, len, 200);
    size_t row = 0, rows = 1;
    for (size_t i = 0; i < at; i++) {
        if (text.p[i] == '\n') {
            row = i + 1;
            rows++;
        }
    }
    size_t start = window_start(text, row, at), end = window_end(text, at + len);
    size_t indent = utf8_length(text.p + start, at - start);
    size_t column = utf8_length(text.p + row, at - row) + 1;
    struct buf block = BUF_UP_TO(4 * KIB);
    buf_printf(&block, "\n" STR_FMT "\n%*s^\nERROR at Row:%zu:Column:%zu\n", (int)(end - start),
               text.p + start, (int)indent, "", rows, column);
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&block, fmt, args);
    va_end(args);
    err_set(err, code, "%s", buf_text(&block));
    buf_free(&block);
    return FAIL;
}
