/* zero.c - texts with a zero byte, which PostgreSQL cannot hold.
 *
 * A value of a cell may hold any bytes of UTF-8, U+0000 among them. Here that one is
 * written as U+E000 "0", and a U+E000 of the text's own as U+E000 "1": so different
 * texts stay different, and every text comes back as it went in. */
#include "store/postgres/postgres_priv.h"

#include <string.h>

#define MARK "\xEE\x80\x80"

bool zero_needs(const char *text, size_t len)
{
    return memchr(text, 0, len) || memmem(text, len, MARK, 3);
}

const char *zero_hide(struct arena *arena, const char *text, size_t len, int *hidden_len)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < len; i++) {
        bool own = len - i >= 3 && memcmp(text + i, MARK, 3) == 0;
        if (own)
            buf_str(&out, MARK "1");
        else if (!text[i])
            buf_str(&out, MARK "0");
        else
            buf_char(&out, text[i]);
        i += own ? 2 : 0;
    }
    *hidden_len = (int)out.len;
    const char *hidden = arena_strndup(arena, buf_text(&out), out.len);
    buf_free(&out);
    return hidden;
}

bool zero_is_hidden(const char *text, size_t len)
{
    return memmem(text, len, MARK, 3) != NULL;
}

void zero_show(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (len - i < 4 || memcmp(text + i, MARK, 3) != 0) {
            buf_char(out, text[i]);
            continue;
        }
        if (text[i + 3] == '0')
            buf_char(out, 0);
        else
            buf_str(out, MARK);
        i += 3;
    }
}
