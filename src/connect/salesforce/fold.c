/* fold.c - comparing text as Salesforce does: case ignored, accents not.
 *
 * A record that Salesforce matched must also match here, or a look-up would
 * say "none" and a second record be made. So simple case folding goes beyond
 * ASCII: Latin, Greek, Cyrillic, Armenian, Georgian's neighbours and full-width letters.
 * What is still missed (one letter becoming two, Turkish dots) is caught by
 * the loose form, which lookup.c tries second. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

#include <string.h>

/* Ranges of capitals: step 1 = lower is `by` away; step 2 = every even (or odd) one, by 1. */
static const struct range {
    uint32_t first, last;
    int by;
    bool pairs;
} ranges[] = {
    {0x00C0, 0x00D6, 32, false},   {0x00D8, 0x00DE, 32, false}, {0x0100, 0x012F, 1, true},
    {0x0132, 0x0137, 1, true},     {0x0139, 0x0148, 1, true},   {0x014A, 0x0177, 1, true},
    {0x0178, 0x0178, -121, false}, {0x0179, 0x017E, 1, true},   {0x01CD, 0x01DC, 1, true},
    {0x01DE, 0x01EF, 1, true},     {0x01F8, 0x021F, 1, true},   {0x0222, 0x0233, 1, true},
    {0x0386, 0x0386, 38, false},   {0x0388, 0x038A, 37, false}, {0x038C, 0x038C, 64, false},
    {0x038E, 0x038F, 63, false},   {0x0391, 0x03A1, 32, false}, {0x03A3, 0x03AB, 32, false},
    {0x0400, 0x040F, 80, false},   {0x0410, 0x042F, 32, false}, {0x0460, 0x0481, 1, true},
    {0x048A, 0x04BF, 1, true},     {0x04D0, 0x052F, 1, true},   {0x0531, 0x0556, 48, false},
    {0x1E00, 0x1E95, 1, true},     {0x1EA0, 0x1EFF, 1, true},   {0xFF21, 0xFF3A, 32, false},
};

static uint32_t lower_of(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c == 0x03C2) /* final sigma */
        return 0x03C3;
    if (c == 0x1E9E) /* capital sharp s */
        return 0x00DF;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const struct range *r = &ranges[i];
        if (c < r->first)
            return c;
        if (c > r->last)
            continue;
        if (!r->pairs)
            return c + (uint32_t)r->by;
        return (c - r->first) % 2 == 0 ? c + 1 : c;
    }
    return c;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* One code point of valid UTF-8; an invalid byte stands for itself + 0x110000. */
static uint32_t take_utf8(const unsigned char *p, size_t left, size_t *used)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need = p[0] < 0x80       ? 1
                  : p[0] >> 5 == 6  ? 2
                  : p[0] >> 4 == 14 ? 3
                  : p[0] >> 3 == 30 ? 4
                                    : 0;
    *used = 1;
    if (need == 1)
        return p[0];
    if (need == 0 || need > left)
        return 0x110000 + p[0];
    uint32_t c = p[0] & (0x7Fu >> need);
    for (size_t i = 1; i < need; i++) {
        if (p[i] >> 6 != 2)
            return 0x110000 + p[0];
        c = c << 6 | (p[i] & 63u);
    }
    if (c < least[need])
        return 0x110000 + p[0];
    *used = need;
    return c;
}

static char *fold(struct arena *arena, const char *text, size_t len, bool loose)
{
    struct str in = str_trim((struct str){text, len});
    char *out = arena_alloc(arena, in.n * 2 + 1), *at = out; /* U+023A-like growth is not folded */
    for (size_t i = 0, used; i < in.n; i += used) {
        unsigned char byte = (unsigned char)in.p[i];
        if (byte < 0x80) { /* the usual case, quickly */
            used = 1;
            *at++ = (char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
            continue;
        }
        uint32_t c = take_utf8((const unsigned char *)in.p + i, in.n - i, &used);
        if (loose) {
            if (at == out || at[-1] != '?')
                *at++ = '?';
        } else if (c >= 0x110000) {
            *at++ = (char)(c - 0x110000);
        } else {
            at += put_utf8(at, lower_of(c));
        }
    }
    *at = 0;
    return out;
}

char *sf_fold(struct arena *arena, const char *text, size_t len)
{
    return fold(arena, text, len, false);
}

char *sf_fold_loose(struct arena *arena, const char *text, size_t len)
{
    return fold(arena, text, len, true);
}
