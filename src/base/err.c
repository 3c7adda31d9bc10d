/* err.c - filling in struct err without ever running over its edges.
 *
 * Text is formatted into a copy first, so an error may be built from its own
 * old message. What is too long is cut where a UTF-8 character ends and closed
 * with an ellipsis: a message stays valid UTF-8 whatever its length. */
#include "base/err.h"

#include <stdarg.h>
#include <string.h>

#define ELLIPSIS "\xe2\x80\xa6"

/* The largest border of a character at or before `len`. */
static size_t character_border(const char *text, size_t len)
{
    while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--;
    return len;
}

static void store_text(char *to, size_t room, const char *text)
{
    size_t len = strlen(text);
    if (len < room) {
        memcpy(to, text, len + 1);
        return;
    }
    size_t keep = character_border(text, room - sizeof ELLIPSIS);
    memcpy(to, text, keep);
    memcpy(to + keep, ELLIPSIS, sizeof ELLIPSIS);
}

/* Formats into `to`; `scratch` is longer, so that store_text sees what is cut. */
static void __attribute__((format(printf, 3, 0)))
store_format(char *to, size_t room, const char *fmt, va_list args)
{
    char scratch[sizeof((struct err *)0)->message + 64];
    vsnprintf(scratch, sizeof scratch, fmt, args);
    store_text(to, room, scratch);
}

enum status err_set(struct err *err, const char *code, const char *fmt, ...)
{
    if (!err)
        return FAIL;
    va_list args;
    va_start(args, fmt);
    store_format(err->message, sizeof err->message, fmt, args);
    va_end(args);
    store_text(err->code, sizeof err->code, code);
    err->where[0] = err->cause[0] = err->hint[0] = '\0';
    return FAIL;
}

enum status err_wrap(struct err *err, const char *fmt, ...)
{
    if (!err)
        return FAIL;
    char context[sizeof err->message];
    char whole[2 * sizeof err->message + 2];
    va_list args;
    va_start(args, fmt);
    store_format(context, sizeof context, fmt, args);
    va_end(args);
    if (err->message[0])
        snprintf(whole, sizeof whole, "%s: %s", context, err->message);
    else
        snprintf(whole, sizeof whole, "%s", context);
    store_text(err->message, sizeof err->message, whole);
    return FAIL;
}

#define FILL_FROM_ARGUMENTS(field)                                                                 \
    do {                                                                                           \
        va_list args;                                                                              \
        if (!err)                                                                                  \
            return;                                                                                \
        va_start(args, fmt);                                                                       \
        store_format(err->field, sizeof err->field, fmt, args);                                    \
        va_end(args);                                                                              \
    } while (0)

void err_where(struct err *err, const char *fmt, ...)
{
    FILL_FROM_ARGUMENTS(where);
}

void err_cause(struct err *err, const char *fmt, ...)
{
    FILL_FROM_ARGUMENTS(cause);
}

void err_hint(struct err *err, const char *fmt, ...)
{
    FILL_FROM_ARGUMENTS(hint);
}

bool err_is(const struct err *err, const char *code)
{
    return err && strcmp(err->code, code) == 0;
}

void err_clear(struct err *err)
{
    if (err)
        err->code[0] = err->message[0] = err->where[0] = err->cause[0] = err->hint[0] = '\0';
}

void err_print(FILE *out, const struct err *err, bool colour)
{
    if (!err)
        return;
    const char *red = colour ? "\x1b[31m" : "", *dim = colour ? "\x1b[2m" : "";
    const char *plain = colour ? "\x1b[0m" : "";
    if (err->where[0])
        fprintf(out, "%s: ", err->where);
    fprintf(out, "%s%s%s\n", red, err->message, plain);
    if (err->cause[0])
        fprintf(out, "  cause: %s\n", err->cause);
    if (err->hint[0])
        fprintf(out, "  hint: %s\n", err->hint);
    if (err->code[0])
        fprintf(out, "  %scode: %s%s\n", dim, err->code, plain);
}
