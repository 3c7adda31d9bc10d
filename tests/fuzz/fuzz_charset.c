/* fuzz_charset.c - the text does not depend on the windows, and is UTF-8. */
#include "base/charset.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct charset_decoder decode(enum charset charset, const char *text, size_t len,
                                     size_t step, struct buf *out)
{
    struct charset_decoder d = {.charset = charset};
    for (size_t at = 0; at < len || at == 0; at += step) {
        size_t n = len - at < step ? len - at : step;
        char *window = mem_strndup(text + at, n);
        charset_decode(&d, window, n, at + n == len, out);
        free(window);
    }
    return d;
}

static enum charset guess(const char *text, size_t len, size_t step)
{
    struct charset_sniffer s = {0};
    for (size_t at = 0; at < len; at += step)
        charset_sniff(&s, text + at, len - at < step ? len - at : step);
    charset_not_text(&s);
    return charset_guess(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct buf whole = BUF_INIT, cut = BUF_INIT;
    if (len < 2)
        return 0;
    enum charset charset = (enum charset)(data[0] % 4);
    size_t step = 1 + data[1] % 9;
    const char *text = (const char *)data + 2;
    len -= 2;
    struct charset_decoder a = decode(charset, text, len, len + 1, &whole);
    struct charset_decoder b = decode(charset, text, len, step, &cut);
    if (a.nuls != b.nuls || a.bad != b.bad || whole.len != cut.len ||
        (whole.len && memcmp(whole.data, cut.data, whole.len) != 0))
        abort();
    if (!utf8_valid(buf_text(&whole), whole.len))
        abort();
    if (guess(text, len, len + 1) != guess(text, len, step))
        abort();
    bool plain = charset == CHARSET_UTF8 && utf8_valid(text, len) && !memchr(text, 0, len) &&
                 (len < 3 || memcmp(text, "\xEF\xBB\xBF", 3) != 0);
    if (plain && (whole.len != len || (len && memcmp(whole.data, text, len) != 0)))
        abort();
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
