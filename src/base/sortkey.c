/* sortkey.c - see sortkey.h.
 *
 * Bytes of a part: NOTHING alone; or VALUE and the value; or OTHER and text.
 * Text ends in 0, which no text holds. A number is its sign, the place of its
 * first digit (two bytes, biased) and its digits, each plus one, ending in 0; of
 * negative ones everything behind the sign is turned around. A time is 8 bytes of
 * milliseconds, biased. So no part is the beginning of another one. */
#include "base/sortkey.h"

#include "base/str.h"
#include "base/when.h"

#include <stdint.h>
#include <string.h>

enum { NOTHING = 0x00, VALUE = 0x01, OTHER = 0x02 };
enum { NEGATIVE = 0x01, ZERO = 0x02, POSITIVE = 0x03 };
#define MOST_DIGITS   1000
#define MOST_EXPONENT 20000
#define DAY_MS        86400000

/* ------------------------------------------------------------------ text */

/* U+00C0 to U+017F without case and accents; '.' = see below, '*' = stays as it is. */
static const char latin[] =
    "aaaaaa.ceeeeiiiidnooooo*ouuuuy.."
    "aaaaaa.ceeeeiiiidnooooo*ouuuuy.y"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkkllllllllllnnnnnn"
    "nnnoooooo..rrrrrrsssssssstttttt"
    "uuuuuuuuuuuuwwyyyzzzzzzs";

static const char *two_letters(unsigned c)
{
    switch (c) {
    case 0xC6:
    case 0xE6:
        return "ae";
    case 0xDE:
    case 0xFE:
        return "th";
    case 0xDF:
        return "ss";
    case 0x132:
    case 0x133:
        return "ij";
    case 0x152:
    case 0x153:
        return "oe";
    default:
        return "?";
    }
}

/* Lower case without accents, where that is one other code point. */
static unsigned fold_point(unsigned c)
{
    static const struct {
        unsigned from, to;
    } greek[] = {{0x386, 0x3B1}, {0x388, 0x3B5}, {0x389, 0x3B7}, {0x38A, 0x3B9}, {0x38C, 0x3BF},
                 {0x38E, 0x3C5}, {0x38F, 0x3C9}, {0x3AC, 0x3B1}, {0x3AD, 0x3B5}, {0x3AE, 0x3B7},
                 {0x3AF, 0x3B9}, {0x3C2, 0x3C3}, {0x3CC, 0x3BF}, {0x3CD, 0x3C5}, {0x3CE, 0x3C9}};
    if (c >= 0x410 && c <= 0x42F)
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40F)
        return c + 0x50;
    if (c >= 0x391 && c <= 0x3A9)
        return c + 0x20;
    for (size_t i = 0; i < sizeof greek / sizeof *greek; i++)
        if (greek[i].from == c)
            return greek[i].to;
    return c;
}

/* One code point of valid UTF-8, or one byte of anything else; *c is what it is. */
static size_t take_point(const unsigned char *p, size_t len, unsigned *c)
{
    size_t size = p[0] < 0x80 ? 1 : p[0] < 0xC0 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    *c = p[0];
    if (size == 1 || size > len)
        return 1;
    *c = p[0] & (0xFFu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            *c = p[0];
            return 1;
        }
        *c = *c << 6 | (p[i] & 0x3F);
    }
    return size;
}

static void put_point(struct buf *out, unsigned c)
{
    if (c < 0x800) {
        buf_char(out, (char)(0xC0 | c >> 6));
        buf_char(out, (char)(0x80 | (c & 0x3F)));
    }
}

static void fold_wide(struct buf *out, const unsigned char *p, size_t size, unsigned c)
{
    if (c >= 0x300 && c <= 0x36F)
        return; /* a combining mark: the letter came without its accent */
    if (c >= 0xC0 && c < 0xC0 + sizeof latin - 1 && latin[c - 0xC0] != '*') {
        char letter = latin[c - 0xC0];
        if (letter == '.')
            buf_str(out, two_letters(c));
        else
            buf_char(out, letter);
    } else if (fold_point(c) != c) {
        put_point(out, fold_point(c));
    } else {
        buf_append(out, p, size);
    }
}

/* Until the text or `most` bytes are used up. */
static void fold_some(struct buf *out, const char *text, size_t len, size_t most)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t start = out->len;
    for (size_t i = 0; i < len && out->len - start < most;) {
        unsigned c;
        if (p[i] < 0x80) {
            buf_char(out, (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]));
            i++;
            continue;
        }
        size_t size = take_point(p + i, len - i, &c);
        if (size == 1)
            buf_char(out, (char)p[i]);
        else
            fold_wide(out, p + i, size, c);
        i += size;
    }
}

void text_fold(struct buf *out, const char *text, size_t len)
{
    fold_some(out, text, len, SIZE_MAX);
}

static void put_text(struct buf *key, const char *text, size_t len)
{
    size_t start = key->len;
    fold_some(key, text, len, SORT_TEXT_BYTES);
    for (size_t i = start; i < key->len; i++)
        if (!key->data[i])
            key->data[i] = 1; /* 0 is the end */
    buf_char(key, 0);
}

/* ---------------------------------------------------------------- numbers */

struct decimal {
    bool negative;
    const char *digits; /* with one point among them, perhaps */
    size_t len;
    long exponent;
};

static bool read_decimal(const char *text, size_t len, struct decimal *d)
{
    size_t at = 0, digits = 0, points = 0;
    *d = (struct decimal){0};
    if (at < len && (text[at] == '-' || text[at] == '+'))
        d->negative = text[at++] == '-';
    d->digits = text + at;
    for (; at < len && ((text[at] >= '0' && text[at] <= '9') || text[at] == '.'); at++)
        text[at] == '.' ? points++ : digits++;
    d->len = (size_t)(text + at - d->digits);
    if (!digits || points > 1 || digits > MOST_DIGITS)
        return false;
    if (at == len)
        return true;
    if (text[at] != 'e' && text[at] != 'E')
        return false;
    bool minus = ++at < len && text[at] == '-';
    at += at < len && (text[at] == '-' || text[at] == '+');
    size_t first = at;
    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++)
        if (d->exponent < MOST_EXPONENT)
            d->exponent = d->exponent * 10 + (text[at] - '0');
    d->exponent = minus ? -d->exponent : d->exponent;
    return at == len && at > first && d->exponent < MOST_EXPONENT && d->exponent > -MOST_EXPONENT;
}

/* The digits from the first to the last that is not 0; *place = how many stand
 * before the point. */
static size_t significant(const struct decimal *d, char out[MOST_DIGITS], long *place)
{
    size_t count = 0, whole = d->len, skipped = 0;
    for (size_t i = 0; i < d->len; i++)
        if (d->digits[i] == '.')
            whole = i;
    for (size_t i = 0; i < d->len; i++) {
        if (d->digits[i] == '.')
            continue;
        if (!count && d->digits[i] == '0')
            skipped++;
        else
            out[count++] = d->digits[i];
    }
    *place = (long)whole - (long)skipped + d->exponent;
    while (count && out[count - 1] == '0')
        count--;
    return count;
}

static bool put_number(struct buf *key, const char *text, size_t len)
{
    struct decimal d;
    char digits[MOST_DIGITS];
    long place;
    if (!read_decimal(text, len, &d))
        return false;
    size_t count = significant(&d, digits, &place);
    buf_char(key, VALUE);
    buf_char(key, (char)(!count ? ZERO : d.negative ? NEGATIVE : POSITIVE));
    if (!count)
        return true;
    size_t start = key->len;
    unsigned biased = (unsigned)(place + 0x8000);
    buf_char(key, (char)(biased >> 8));
    buf_char(key, (char)biased);
    for (size_t i = 0; i < count; i++)
        buf_char(key, (char)(digits[i] - '0' + 1));
    buf_char(key, 0);
    for (size_t i = start; d.negative && i < key->len; i++)
        key->data[i] = (char)~key->data[i];
    return true;
}

/* ------------------------------------------------------- times, checkboxes */

static bool put_time(struct buf *key, const char *text, size_t len)
{
    char copy[48];
    struct date date;
    int64_t ms;
    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (date_parse(copy, &date))
        ms = date_to_days(date) * DAY_MS;
    else if (!when_parse(copy, &ms))
        return false;
    uint64_t biased = (uint64_t)ms ^ UINT64_C(1) << 63;
    buf_char(key, VALUE);
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_char(key, (char)(biased >> shift));
    return true;
}

static bool put_bool(struct buf *key, const char *text, size_t len)
{
    bool yes = len == 4 && memcmp(text, "true", 4) == 0;
    if (!yes && (len != 5 || memcmp(text, "false", 5) != 0))
        return false;
    buf_char(key, VALUE);
    buf_char(key, yes);
    return true;
}

/* ------------------------------------------------------------------ parts */

static bool put_value(struct buf *key, enum sort_as as, const char *text, size_t len)
{
    switch (as) {
    case SORT_NUMBER:
        return put_number(key, text, len);
    case SORT_TIME:
        return put_time(key, text, len);
    case SORT_BOOL:
        return put_bool(key, text, len);
    case SORT_TEXT:
        break;
    }
    buf_char(key, VALUE);
    put_text(key, text, len);
    return true;
}

void sort_key_add(struct buf *key, enum sort_as as, bool descending, const char *text, size_t len)
{
    size_t start = key->len;
    struct str value = text ? str_trim((struct str){text, len}) : (struct str){NULL, 0};
    if (!value.n) {
        buf_char(key, NOTHING);
    } else if (!put_value(key, as, value.p, value.n)) {
        buf_char(key, OTHER);
        put_text(key, value.p, value.n);
    }
    for (size_t i = start; descending && i < key->len; i++)
        key->data[i] = (char)~key->data[i];
}
