/* uri.c - one pass from left to right, by the delimiters of RFC 3986.
 *
 * Nothing is decoded while taking apart: a path is handed on as it was sent,
 * because decoding before splitting is how "%2F" becomes another resource. */
#include "base/uri.h"

#include <string.h>

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_unreserved(char c)
{
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Cuts *rest at the first of `stops` and returns what was before it. */
static struct str take_until(struct str *rest, const char *stops)
{
    struct str taken = {rest->p, 0};
    while (taken.n < rest->n && !strchr(stops, taken.p[taken.n]))
        taken.n++;
    rest->p += taken.n;
    rest->n -= taken.n;
    return taken;
}

static bool has_control_or_space(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || *text == 0x7F)
            return true;
    return false;
}

static bool take_scheme(struct arena *arena, struct str *rest, char **scheme)
{
    struct str name = take_until(rest, ":/?#");
    if (name.n == 0 || !is_alpha(name.p[0]) || rest->n < 3 || memcmp(rest->p, "://", 3) != 0)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_alpha(name.p[i]) && !is_digit(name.p[i]) && !strchr("+-.", name.p[i]))
            return false;
    rest->p += 3;
    rest->n -= 3;
    *scheme = text_lower(arena, str_dup(arena, name));
    return true;
}

static bool parse_port(struct str text, int *port)
{
    int value = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!is_digit(text.p[i]) || i >= 5)
            return false;
        value = value * 10 + (text.p[i] - '0');
    }
    if (value > 65535)
        return false;
    if (text.n > 0)
        *port = value;
    return true;
}

/* host, host:port, [v6], [v6]:port */
static bool parse_host(struct arena *arena, struct str text, struct uri *out)
{
    struct str host = text, after = {text.p + text.n, 0};
    if (text.n > 0 && text.p[0] == '[') {
        const char *close = memchr(text.p, ']', text.n);
        if (!close)
            return false;
        host = (struct str){text.p + 1, (size_t)(close - text.p - 1)};
        after = (struct str){close + 1, (size_t)(text.p + text.n - close - 1)};
    } else {
        const char *colon = memchr(text.p, ':', text.n);
        if (colon) {
            host.n = (size_t)(colon - text.p);
            after = (struct str){colon, (size_t)(text.p + text.n - colon)};
        }
    }
    if (host.n == 0 || memchr(host.p, '[', host.n) || memchr(host.p, ']', host.n))
        return false;
    if (after.n > 0 && after.p[0] != ':')
        return false;
    out->host = text_lower(arena, str_dup(arena, host));
    return after.n == 0 || parse_port((struct str){after.p + 1, after.n - 1}, &out->port);
}

static bool parse_authority(struct arena *arena, struct str text, struct uri *out)
{
    const char *at = text.n ? memrchr(text.p, '@', text.n) : NULL;
    if (at) {
        out->userinfo = arena_strndup(arena, text.p, (size_t)(at - text.p));
        text = (struct str){at + 1, (size_t)(text.p + text.n - at - 1)};
    }
    return parse_host(arena, text, out);
}

static int default_port(const char *scheme)
{
    if (text_eq(scheme, "http") || text_eq(scheme, "ws"))
        return 80;
    if (text_eq(scheme, "https") || text_eq(scheme, "wss"))
        return 443;
    return text_eq(scheme, "postgresql") || text_eq(scheme, "postgres") ? 5432 : 0;
}

bool uri_parse(struct arena *arena, const char *text, struct uri *out)
{
    struct uri uri = {0};
    if (!text || has_control_or_space(text))
        return false;
    struct str rest = str_of(text);
    if (!take_scheme(arena, &rest, &uri.scheme))
        return false;
    uri.port = default_port(uri.scheme);
    if (!parse_authority(arena, take_until(&rest, "/?#"), &uri))
        return false;
    struct str path = take_until(&rest, "?#");
    uri.path = path.n ? str_dup(arena, path) : arena_strdup(arena, "/");
    if (rest.n > 0 && rest.p[0] == '?') {
        rest.p++;
        rest.n--;
        uri.query = str_dup(arena, take_until(&rest, "#"));
    }
    if (rest.n > 0)
        uri.fragment = arena_strndup(arena, rest.p + 1, rest.n - 1);
    *out = uri;
    return true;
}

void uri_encode(struct buf *out, const char *text, size_t len)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (is_unreserved((char)c)) {
            buf_char(out, (char)c);
        } else {
            char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
            buf_append(out, escaped, 3);
        }
    }
}

char *uri_encoded(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT;
    uri_encode(&out, text, strlen(text));
    char *copy = arena_strndup(arena, buf_text(&out), out.len);
    buf_free(&out);
    return copy;
}

/* Decodes into `to`; `keep` leaves malformed escapes as they are. False when
 * one was met and must not be kept. */
static bool decode_into(char *to, const char *text, size_t len, bool form, bool keep, size_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                i += 2;
            } else if (!keep) {
                return false;
            }
        } else if (c == '+' && form) {
            c = ' ';
        }
        to[n++] = c;
    }
    to[n] = '\0';
    *out = n;
    return true;
}

char *uri_decode(struct arena *arena, const char *text, size_t len, bool form, size_t *out_len)
{
    size_t n;
    char *out = arena_raw(arena, len + 1);
    if (!decode_into(out, text, len, form, false, &n))
        return NULL;
    if (out_len)
        *out_len = n;
    return out;
}

static char *decode_pair_part(struct arena *arena, struct str part)
{
    size_t n;
    char *out = arena_raw(arena, part.n + 1);
    decode_into(out, part.p, part.n, true, true, &n);
    return out;
}

struct uri_pair *uri_pairs(struct arena *arena, const char *text, size_t len)
{
    struct uri_pair *first = NULL, **last = &first;
    struct str rest = {text, text ? len : 0};
    while (rest.n > 0) {
        struct str piece = take_until(&rest, "&");
        if (rest.n > 0) {
            rest.p++;
            rest.n--;
        }
        if (piece.n == 0)
            continue;
        struct str value = piece, name = take_until(&value, "=");
        if (value.n > 0) {
            value.p++;
            value.n--;
        }
        struct uri_pair *pair = arena_alloc(arena, sizeof *pair);
        pair->name = decode_pair_part(arena, name);
        pair->value = decode_pair_part(arena, value);
        *last = pair;
        last = &pair->next;
    }
    return first;
}

const char *uri_pair_get(const struct uri_pair *pairs, const char *name)
{
    for (; pairs; pairs = pairs->next)
        if (strcmp(pairs->name, name) == 0)
            return pairs->value;
    return NULL;
}

void uri_pair_add(struct buf *out, const char *name, const char *value)
{
    if (out->len > 0)
        buf_char(out, '&');
    uri_encode(out, name, strlen(name));
    buf_char(out, '=');
    if (value)
        uri_encode(out, value, strlen(value));
}
