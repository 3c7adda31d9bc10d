/* charset.c - telling encodings apart, and decoding them window by window.
 *
 * Invariant: `open` holds fewer bytes than a character needs; they are put
 * before the next window. */
#include "base/charset.h"

#include "base/str.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"

static const char *const names[] = {"utf-8", "utf-16le", "utf-16be", "windows-1252"};

const char *charset_name(enum charset charset)
{
    return names[charset];
}

bool charset_parse(const char *name, enum charset *out)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_eq_nocase(name, names[i])) {
            *out = (enum charset)i;
            return true;
        }
    if (!text_eq_nocase(name, "latin-1") && !text_eq_nocase(name, "iso-8859-1"))
        return false;
    *out = CHARSET_1252;
    return true;
}

/* Bytes of the UTF-8 character at p, 0 = none begins here, -1 = it may go on. */
static int utf8_at(const unsigned char *p, size_t len)
{
    size_t want = *p < 0x80 ? 1 : *p < 0xC2 ? 0 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : *p < 0xF5 ? 4 : 0;
    static const unsigned char low[] = {0xE0, 0xF0}, low_from[] = {0xA0, 0x90};
    static const unsigned char high[] = {0xED, 0xF4}, high_to[] = {0x9F, 0x8F};
    for (size_t i = 1; i < want; i++) {
        if (i == len)
            return -1;
        if (p[i] < 0x80 || p[i] > 0xBF)
            return 0;
        for (int j = 0; i == 1 && j < 2; j++)
            if ((*p == low[j] && p[1] < low_from[j]) || (*p == high[j] && p[1] > high_to[j]))
                return 0;
    }
    return (int)want;
}

/* ---------------------------------------------------------------- sniffing */

/* The bytes at `p` behind the open ones, which may end a character. Gives how many were used. */
static size_t close_open(unsigned char *open, size_t *open_len, const unsigned char *p, size_t len,
                         int *found)
{
    size_t used = 0;
    *found = -1;
    while (*found < 0 && used < len && *open_len < 4) {
        open[(*open_len)++] = p[used++];
        *found = utf8_at(open, *open_len);
    }
    return used;
}

static void check_utf8(struct charset_sniffer *s, const unsigned char *p, size_t len)
{
    size_t at = 0;
    int found;
    if (s->open_len) {
        at = close_open(s->open, &s->open_len, p, len, &found);
        if (found < 0)
            return;
        s->not_utf8 = found == 0;
        s->open_len = 0;
    }
    for (; at < len && !s->not_utf8; at += (size_t)found) {
        uint64_t eight;
        found = 8;
        if (len - at >= 8 && (memcpy(&eight, p + at, 8), (eight & 0x8080808080808080u) == 0))
            continue;
        found = utf8_at(p + at, len - at);
        if (found < 0) {
            memcpy(s->open, p + at, s->open_len = len - at);
            return;
        }
        s->not_utf8 = found == 0;
    }
}

void charset_sniff(struct charset_sniffer *s, const char *bytes, size_t len)
{
    size_t room = sizeof s->first - s->first_len, n = len < room ? len : room;
    memcpy(s->first + s->first_len, bytes, n);
    s->first_len += n;
    s->bytes += len;
    if (!s->not_utf8)
        check_utf8(s, (const unsigned char *)bytes, len);
}

static bool starts(const struct charset_sniffer *s, const char *mark, size_t len)
{
    return s->first_len >= len && memcmp(s->first, mark, len) == 0;
}

/* Text in UTF-16 has a NUL in every other byte wherever it is ASCII. */
static bool looks_utf16(const struct charset_sniffer *s, size_t odd)
{
    size_t nuls = 0, others = 0;
    for (size_t i = 0; i < s->first_len; i++) {
        nuls += i % 2 == odd && !s->first[i];
        others += i % 2 != odd && !s->first[i];
    }
    return s->first_len >= 4 && nuls * 10 > s->first_len * 3 && others * 20 < nuls;
}

enum charset charset_guess(const struct charset_sniffer *s)
{
    if (starts(s, "\xFF\xFE", 2))
        return CHARSET_UTF16LE;
    if (starts(s, "\xFE\xFF", 2))
        return CHARSET_UTF16BE;
    if (starts(s, "\xEF\xBB\xBF", 3))
        return CHARSET_UTF8;
    if (looks_utf16(s, 1))
        return CHARSET_UTF16LE;
    if (looks_utf16(s, 0))
        return CHARSET_UTF16BE;
    return s->not_utf8 || s->open_len ? CHARSET_1252 : CHARSET_UTF8;
}

const char *charset_not_text(const struct charset_sniffer *s)
{
    static const struct {
        const char *mark;
        size_t len;
        const char *what;
    } marks[] = {
        {"\x1F\x8B", 2, "a gzip archive"},
        {"PK\x03\x04", 4, "an Excel workbook or another zip archive"},
        {"\xD0\xCF\x11\xE0", 4, "an old Excel workbook"},
        {"%PDF", 4, "a PDF document"},
        {"\x28\xB5\x2F\xFD", 4, "a zstd archive"},
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (starts(s, marks[i].mark, marks[i].len))
            return marks[i].what;
    return NULL;
}

/* ---------------------------------------------------------------- decoding */

static void put_point(struct buf *out, uint32_t c)
{
    char text[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (n == 1)
        text[0] = (char)c;
    for (size_t i = n; i > 1; i--, c >>= 6)
        text[i - 1] = (char)(0x80 | (c & 0x3F));
    if (n > 1)
        text[0] = (char)((0xF00 >> n) | c);
    buf_append(out, text, n);
}

static void put_bad(struct charset_decoder *d, struct buf *out)
{
    d->bad++;
    buf_str(out, REPLACEMENT);
}

static void put_nul(struct charset_decoder *d, struct buf *out)
{
    d->nuls++;
    buf_str(out, REPLACEMENT);
}

/* One character whose bytes are together; how many were used, 0 = more are needed. */
static size_t decode_utf8(struct charset_decoder *d, const unsigned char *p, size_t len,
                          struct buf *out)
{
    int n = utf8_at(p, len);
    if (n < 0)
        return 0;
    if (n == 0)
        put_bad(d, out);
    else if (!*p)
        put_nul(d, out);
    else
        buf_append(out, p, (size_t)n);
    return n ? (size_t)n : 1;
}

static uint32_t unit_at(const struct charset_decoder *d, const unsigned char *p)
{
    return d->charset == CHARSET_UTF16LE ? (uint32_t)(p[0] | p[1] << 8)
                                         : (uint32_t)(p[1] | p[0] << 8);
}

static size_t decode_utf16(struct charset_decoder *d, const unsigned char *p, size_t len,
                           struct buf *out)
{
    if (len < 2)
        return 0;
    uint32_t c = unit_at(d, p);
    if (c >= 0xD800 && c < 0xDC00) {
        if (len < 4)
            return 0;
        uint32_t low = unit_at(d, p + 2);
        if (low >= 0xDC00 && low < 0xE000) {
            put_point(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
            return 4;
        }
    }
    if (c >= 0xD800 && c < 0xE000)
        put_bad(d, out);
    else if (!c)
        put_nul(d, out);
    else
        put_point(out, c);
    return 2;
}

static size_t decode_1252(struct charset_decoder *d, const unsigned char *p, struct buf *out)
{
    static const uint16_t signs[32] = {
        0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
    if (!*p)
        put_nul(d, out);
    else
        put_point(out, *p >= 0x80 && *p < 0xA0 ? signs[*p - 0x80] : *p);
    return 1;
}

static size_t decode_one(struct charset_decoder *d, const unsigned char *p, size_t len,
                         struct buf *out)
{
    if (d->charset == CHARSET_UTF8)
        return decode_utf8(d, p, len, out);
    return d->charset == CHARSET_1252 ? decode_1252(d, p, out) : decode_utf16(d, p, len, out);
}

/* Plain ASCII without NUL, the common case, goes through in one piece. */
static size_t plain_run(const struct charset_decoder *d, const unsigned char *p, size_t len)
{
    size_t at = 0;
    if (d->charset == CHARSET_UTF16LE || d->charset == CHARSET_UTF16BE)
        return 0;
    for (; len - at >= 8; at += 8) {
        uint64_t eight;
        memcpy(&eight, p + at, 8);
        bool nul = (eight - 0x0101010101010101u) & ~eight & 0x8080808080808080u;
        if ((eight & 0x8080808080808080u) || nul)
            break;
    }
    while (at < len && p[at] && p[at] < 0x80)
        at++;
    return at;
}

static size_t decode_run(struct charset_decoder *d, const unsigned char *p, size_t len,
                         struct buf *out)
{
    size_t at = 0;
    while (at < len) {
        size_t run = plain_run(d, p + at, len - at);
        buf_append(out, p + at, run);
        at += run;
        size_t used = at < len ? decode_one(d, p + at, len - at, out) : 0;
        if (!used)
            break;
        at += used;
    }
    return at;
}

/* The first character there is, when it is the byte-order mark. */
static void drop_mark(struct charset_decoder *d, struct buf *out, size_t from)
{
    if (d->begun || out->len == from)
        return;
    d->begun = true;
    if (d->charset == CHARSET_1252 || memcmp(out->data + from, "\xEF\xBB\xBF", 3) != 0)
        return;
    memmove(out->data + from, out->data + from + 3, out->len - from - 3);
    out->len -= 3;
    out->data[out->len] = '\0';
}

/* The open bytes and the next ones, until the open character is through. */
static size_t finish_open(struct charset_decoder *d, const unsigned char *p, size_t len,
                          struct buf *out)
{
    unsigned char joined[8];
    size_t more = len < 4 ? len : 4, n = d->open_len + more, before = d->open_len;
    memcpy(joined, d->open, d->open_len);
    memcpy(joined + d->open_len, p, more);
    size_t used = 0;
    while (used < before) {
        size_t one = decode_one(d, joined + used, n - used, out);
        if (!one) { /* still open: all there was is in `joined` */
            memcpy(d->open, joined + used, d->open_len = n - used);
            return more;
        }
        used += one;
    }
    d->open_len = 0;
    return used - before;
}

void charset_decode(struct charset_decoder *d, const char *bytes, size_t len, bool last,
                    struct buf *out)
{
    const unsigned char *p = (const unsigned char *)bytes;
    size_t at = 0, from = out->len;
    while (d->open_len && at < len)
        at += finish_open(d, p + at, len - at, out);
    if (!d->open_len) {
        at += decode_run(d, p + at, len - at, out);
        memcpy(d->open, p + at, d->open_len = len - at);
    }
    if (last && d->open_len) {
        put_bad(d, out);
        d->open_len = 0;
    }
    drop_mark(d, out, from);
}
