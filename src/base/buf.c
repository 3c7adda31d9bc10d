/* buf.c - the one growing buffer.
 *
 * Invariant: when `data` is set, data[len] is NUL and cap >= len + 1 +
 * BUF_PADDING, so a vector reader may run past the end. Once `overflow` is set
 * nothing is appended until buf_clear or buf_free: a body is whole or refused,
 * never silently shorter in the middle. */
#include "base/buf.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAIL       (1 + (size_t)BUF_PADDING)
#define FIRST_SIZE ((size_t)256)

/* False, with overflow set, when `len` more bytes would pass the ceiling. */
static bool buf_grow(struct buf *buf, size_t len)
{
    size_t wanted;
    if (buf->overflow)
        return false;
    if (__builtin_add_overflow(buf->len, len, &wanted) || wanted > PTRDIFF_MAX - TAIL ||
        (buf->limit && wanted > buf->limit)) {
        buf->overflow = true;
        return false;
    }
    if (buf->cap >= wanted + TAIL)
        return true;
    size_t cap = buf->cap ? buf->cap : FIRST_SIZE;
    while (cap < wanted + TAIL)
        cap = cap < SIZE_MAX / 4 ? cap * 2 : wanted + TAIL;
    if (buf->limit && cap > buf->limit + TAIL)
        cap = buf->limit + TAIL;
    buf->data = mem_resize(buf->data, cap);
    memset(buf->data + buf->len, 0, TAIL);
    buf->cap = cap;
    return true;
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
    if (len == 0 || !buf_grow(buf, len))
        return;
    memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_str(struct buf *buf, const char *text)
{
    if (text)
        buf_append(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c)
{
    if (!buf_grow(buf, 1))
        return;
    buf->data[buf->len++] = c;
    buf->data[buf->len] = '\0';
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    buf_vprintf(buf, fmt, args);
    va_end(args);
}

void buf_vprintf(struct buf *buf, const char *fmt, va_list args)
{
    char small[512];
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(small, sizeof small, fmt, again);
    va_end(again);
    if (len < 0)
        return;
    if ((size_t)len < sizeof small) {
        buf_append(buf, small, (size_t)len);
        return;
    }
    if (!buf_grow(buf, (size_t)len))
        return;
    vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
    buf->len += (size_t)len;
}

char *buf_room(struct buf *buf, size_t len)
{
    return buf_grow(buf, len) ? buf->data + buf->len : NULL;
}

void buf_added(struct buf *buf, size_t len)
{
    if (!buf->data)
        return;
    buf->len += len;
    buf->data[buf->len] = '\0';
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data ? buf->data : mem_strdup("");
    *buf = (struct buf){.limit = buf->limit};
    return data;
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->overflow = false;
    if (buf->data)
        buf->data[0] = '\0';
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.limit = buf->limit};
}

void buf_wipe(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->cap);
    buf_free(buf);
}
