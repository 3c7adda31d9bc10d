/* buf.h - a growing byte buffer with a ceiling.
 *
 *     struct buf body = BUF_UP_TO(16 * MIB);
 *
 * Appending past the ceiling sets `overflow` and appends nothing more; check
 * it once at the end. The bytes are always followed by a NUL that is not
 * counted, and by BUF_PADDING readable bytes, so that a JSON parser may read
 * past the end. */
#ifndef ARGIL_BASE_BUF_H
#define ARGIL_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define KIB         ((size_t)1024)
#define MIB         (1024 * KIB)
#define GIB         (1024 * MIB)
#define BUF_PADDING 64

struct buf {
    char *data; /* NULL while empty: use buf_text to print */
    size_t len;
    size_t cap;
    size_t limit; /* 0 = no ceiling */
    bool overflow;
};

#define BUF_INIT                                                                                   \
    {                                                                                              \
        0                                                                                          \
    }
#define BUF_UP_TO(bytes)                                                                           \
    {                                                                                              \
        .limit = (bytes)                                                                           \
    }

void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_str(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *fmt, va_list args);
/* Room for `len` more bytes; returns where to write them, then call buf_added. NULL on overflow. */
char *buf_room(struct buf *buf, size_t len);
void buf_added(struct buf *buf, size_t len);
const char *buf_text(const struct buf *buf); /* never NULL; lent */
char *buf_take(struct buf *buf);             /* yours to free; the buffer is empty again */
void buf_clear(struct buf *buf);             /* length 0, memory kept */
void buf_free(struct buf *buf);
void buf_wipe(struct buf *buf); /* overwrites the bytes, then frees: for secrets */

#endif
