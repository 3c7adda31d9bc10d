/* str.c - slices, UTF-8, nearest name, digests and base64.
 *
 * Letters fold by ASCII only: Salesforce API names are ASCII, and a fold that
 * depended on a locale would make two machines disagree about one key. */
#include "base/str.h"

#include <nettle/sha2.h>
#include <sodium.h>
#include <string.h>

struct str str_of(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static unsigned char fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (fold(a.p[i]) != fold(b.p[i]))
            return false;
    return true;
}

bool text_eq(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool text_eq_nocase(const char *a, const char *b)
{
    return a && b ? str_eq_nocase(str_of(a), str_of(b)) : a == b;
}

bool text_starts(const char *text, const char *prefix)
{
    return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    struct str t = str_of(text), s = str_of(suffix);
    return text && t.n >= s.n && memcmp(t.p + t.n - s.n, s.p, s.n) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool text_blank(const char *text)
{
    while (text && is_space(*text))
        text++;
    return !text || !*text;
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

char *str_dup(struct arena *arena, struct str s)
{
    return arena_strndup(arena, s.p, s.n);
}

char *text_lower(struct arena *arena, const char *text)
{
    char *lower = arena_strdup(arena, text);
    for (char *c = lower; c && *c; c++)
        *c = (char)fold(*c);
    return lower;
}

char *text_trim(struct arena *arena, const char *text)
{
    return text ? str_dup(arena, str_trim(str_of(text))) : NULL;
}

/* --- UTF-8 --- */

/* Bytes of the character at p, or 0 when what is there is not one. */
static size_t utf8_step(const unsigned char *p, size_t left)
{
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    if (c < 0xC2 || c > 0xF4)
        return 0;
    size_t need = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (left < need)
        return 0;
    /* The second byte carries the rules on overlong forms, surrogates and the end of Unicode. */
    unsigned char low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    unsigned char high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return need;
}

bool utf8_valid(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && (memcpy(&eight, p, 8), (eight & 0x8080808080808080u) == 0)) {
            p += 8;
            continue;
        }
        size_t step = utf8_step(p, (size_t)(end - p));
        if (!step)
            return false;
        p += step;
    }
    return true;
}

size_t utf8_length(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t at = 0; at < len; count++) {
        size_t step = utf8_step((const unsigned char *)text + at, len - at);
        at += step ? step : 1;
    }
    return count;
}

size_t utf16_length(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t at = 0; at < len;) {
        size_t step = utf8_step((const unsigned char *)text + at, len - at);
        count += step == 4 ? 2 : 1;
        at += step ? step : 1;
    }
    return count;
}

size_t utf8_cut(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    /* A character is at most four bytes: text that goes on longer is not UTF-8, cut it anywhere. */
    for (size_t back = 0; back < 4 && back <= max; back++)
        if (((unsigned char)text[max - back] & 0xC0) != 0x80)
            return max - back;
    return max;
}

/* --- nearest name --- */

#define NEAREST_MAX 96

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits to make a into b: insert, delete, replace, swap neighbours. */
static size_t edit_distance(struct str a, struct str b)
{
    size_t rows[3][NEAREST_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.n; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            bool same = fold(a.p[i - 1]) == fold(b.p[j - 1]);
            now[j] = least(last[j - 1] + !same, least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && fold(a.p[i - 1]) == fold(b.p[j - 2]) &&
                fold(a.p[i - 2]) == fold(b.p[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.n];
}

const char *text_nearest(const char *given, const char *const *candidates, size_t count)
{
    struct str wanted = str_of(given);
    const char *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    if (wanted.n == 0 || wanted.n > NEAREST_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct str candidate = str_of(candidates[i]);
        if (candidate.n == 0 || candidate.n > NEAREST_MAX)
            continue;
        size_t longer = wanted.n > candidate.n ? wanted.n : candidate.n;
        size_t distance = edit_distance(wanted, candidate);
        if (distance < nearest_distance && distance <= (longer + 2) / 3 && distance < longer) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}

/* --- digests --- */

uint64_t text_hash(const char *text, size_t len)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash;
}

static void write_hex(const unsigned char *bytes, size_t count, char *out)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}

void sha256_hex(const void *bytes, size_t len, char out[65])
{
    unsigned char digest[SHA256_DIGEST_SIZE];
    struct sha256_ctx sha; /* Nettle's uses the processor's own instructions for it */
    sha256_init(&sha);
    sha256_update(&sha, len, bytes);
    sha256_digest(&sha, sizeof digest, digest);
    write_hex(digest, sizeof digest, out);
}

void digest_hex(const void *bytes, size_t len, char out[41])
{
    unsigned char digest[20];
    crypto_generichash(digest, sizeof digest, bytes, len, NULL, 0);
    write_hex(digest, sizeof digest, out);
}

/* --- base64 --- */

static const char base64_standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *base64_with(struct arena *arena, const unsigned char *in, size_t len,
                         const char *alphabet, bool pad)
{
    char *out = arena_raw(arena, len / 3 * 4 + 5), *to = out;
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t three = (uint32_t)in[i] << 16 | (have > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                         (have > 2 ? in[i + 2] : 0);
        for (size_t k = 0; k < 4; k++) {
            if (k <= have)
                *to++ = alphabet[three >> (18 - 6 * k) & 63];
            else if (pad)
                *to++ = '=';
        }
    }
    *to = '\0';
    return out;
}

char *base64_encode(struct arena *arena, const void *bytes, size_t len)
{
    return base64_with(arena, bytes, len, base64_standard, true);
}

char *base64url_encode(struct arena *arena, const void *bytes, size_t len)
{
    return base64_with(arena, bytes, len, base64_url, false);
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

void *base64_decode(struct arena *arena, const char *text, size_t len, size_t *out_len)
{
    if (len > 0 && len % 4 == 0 && text[len - 1] == '=')
        len -= text[len - 2] == '=' ? 2 : 1;
    if (len % 4 == 1)
        return NULL;
    unsigned char *out = arena_raw(arena, len / 4 * 3 + 3), *to = out;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return NULL;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            *to++ = (unsigned char)(bits >> held);
        }
    }
    if (bits & ((1u << held) - 1)) /* two texts must not decode to the same bytes */
        return NULL;
    *to = '\0';
    if (out_len)
        *out_len = (size_t)(to - out);
    return out;
}
