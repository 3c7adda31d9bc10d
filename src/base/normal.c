/* normal.c - see normal.h. ASCII is folded; other letters stay as they are. */
#include "base/normal.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

#define PHONE_LEAST 5
#define PHONE_KEPT  9

static bool host_char(unsigned char c)
{
    return c > 127 || isalnum(c) || c == '-' || c == '.';
}

static struct str after(struct str s, const char *mark)
{
    const char *at = memmem(s.p, s.n, mark, strlen(mark));
    if (!at)
        return s;
    at += strlen(mark);
    return (struct str){at, s.n - (size_t)(at - s.p)};
}

static struct str until(struct str s, const char *stops)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr(stops, s.p[i]))
            return (struct str){s.p, i};
    return s;
}

static bool starts_nocase(struct str s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s.n >= len && str_eq_nocase((struct str){s.p, len}, (struct str){prefix, len});
}

/* A name with a dot in it, not at its ends, and a last part of letters. */
static bool is_host(struct str s)
{
    size_t dot = 0;
    if (s.n < 3 || s.n > 253)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!host_char((unsigned char)s.p[i]))
            return false;
        if (s.p[i] == '.') {
            if (i == 0 || s.p[i - 1] == '.')
                return false;
            dot = i;
        }
    }
    return dot > 0 && dot + 2 < s.n && !isdigit((unsigned char)s.p[dot + 1]);
}

static char *lower_copy(struct arena *arena, struct str s)
{
    char *out = str_dup(arena, s);
    for (char *c = out; *c; c++)
        *c = (char)((unsigned char)*c < 128 ? tolower((unsigned char)*c) : *c);
    return out;
}

char *normal_domain(struct arena *arena, const char *text, size_t len)
{
    struct str s = str_trim((struct str){text ? text : "", len});
    if (memchr(s.p, 0, s.n))
        return NULL;
    s = until(after(s, "://"), "/?#\\ \t\r\n");
    s = after(s, "@");
    s = until(s, ":>");
    while (s.n && s.p[s.n - 1] == '.')
        s.n--;
    if (starts_nocase(s, "www."))
        s = (struct str){s.p + 4, s.n - 4};
    return is_host(s) ? lower_copy(arena, s) : NULL;
}

/* Where an extension begins: "x12", "ext. 12", "#12"; the whole length without one. */
static size_t extension_at(struct str s)
{
    bool digit = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = (char)tolower((unsigned char)s.p[i]);
        if (digit && (c == 'x' || c == '#' || c == ';' || c == 'e' || c == ','))
            return i;
        digit = digit || isdigit((unsigned char)c);
    }
    return s.n;
}

char *normal_phone(struct arena *arena, const char *text, size_t len)
{
    struct str s = str_trim((struct str){text ? text : "", len});
    char *digits = arena_alloc(arena, s.n + 1);
    size_t n = 0;
    s.n = extension_at(s);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (isdigit(c)) {
            if (n || c != '0') /* 00, 0: ways to dial out, not part of the number */
                digits[n++] = (char)c;
        } else if (s.n - i > 2 && memcmp(s.p + i, "(0)", 3) == 0) {
            i += 2; /* +49 (0) 30: dialled only without the country */
        } else if (isalpha(c) && !starts_nocase((struct str){s.p, s.n}, "tel:")) {
            return NULL;
        }
    }
    if (n < PHONE_LEAST)
        return NULL;
    digits[n] = 0;
    return n > PHONE_KEPT ? digits + n - PHONE_KEPT : digits;
}

char *normal_email(struct arena *arena, const char *text, size_t len)
{
    struct str s = str_trim((struct str){text ? text : "", len});
    if (memchr(s.p, 0, s.n))
        return NULL;
    s = until(after(s, "<"), ">");
    if (starts_nocase(s, "mailto:"))
        s = (struct str){s.p + 7, s.n - 7};
    s = str_trim(until(s, "?"));
    const char *at = memchr(s.p, '@', s.n);
    size_t local = at ? (size_t)(at - s.p) : 0;
    if (!local || memchr(at + 1, '@', s.n - local - 1) || memchr(s.p, ' ', s.n) ||
        !is_host((struct str){at + 1, s.n - local - 1}))
        return NULL;
    return lower_copy(arena, s);
}
