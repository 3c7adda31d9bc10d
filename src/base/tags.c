/* tags.c - see tags.h. */
#include "base/tags.h"

#include "base/buf.h"

#include <string.h>

/* The tag that begins at `at` ('<'): its name without a prefix. *end: behind its '>'. */
struct tag {
    struct str name;
    bool closes, empty;
    size_t end;
};

static bool read_tag(struct str xml, size_t at, struct tag *tag)
{
    const char *close = memchr(xml.p + at, '>', xml.n - at);
    if (!close)
        return false;
    size_t from = at + 1, to = (size_t)(close - xml.p);
    *tag = (struct tag){.end = to + 1};
    tag->closes = from < to && xml.p[from] == '/';
    from += tag->closes;
    tag->empty = to > from && xml.p[to - 1] == '/';
    size_t len = 0;
    while (from + len < to && !strchr(" \t\r\n/", xml.p[from + len]))
        len++;
    const char *colon = memchr(xml.p + from, ':', len);
    size_t prefix = colon ? (size_t)(colon - (xml.p + from)) + 1 : 0;
    tag->name = (struct str){xml.p + from + prefix, len - prefix};
    return true;
}

/* The next tag of that name from `at` on; *begin: where its '<' is. */
static bool find(struct str xml, size_t at, const char *name, bool closes, size_t *begin,
                 struct tag *tag)
{
    while (at < xml.n) {
        const char *open = memchr(xml.p + at, '<', xml.n - at);
        if (!open)
            return false;
        *begin = (size_t)(open - xml.p);
        if (!read_tag(xml, *begin, tag))
            return false;
        if (tag->closes == closes && str_eq(tag->name, str_of(name)))
            return true;
        at = tag->end;
    }
    return false;
}

bool tags_next(struct str xml, size_t *at, const char *name, struct str *inside)
{
    struct tag open, close;
    size_t begin, end;
    if (!find(xml, *at, name, false, &begin, &open))
        return false;
    *inside = (struct str){xml.p + open.end, 0};
    *at = open.end;
    if (open.empty)
        return true;
    if (!find(xml, open.end, name, true, &end, &close))
        return false;
    inside->n = end - open.end;
    *at = close.end;
    return true;
}

static char entity(struct str text, size_t at, size_t *used)
{
    static const struct {
        const char *name;
        char is;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t len = strlen(known[i].name);
        if (text.n - at >= len && memcmp(text.p + at, known[i].name, len) == 0) {
            *used = len;
            return known[i].is;
        }
    }
    *used = 1;
    return text.p[at];
}

const char *tags_text(struct arena *arena, struct str xml, const char *name)
{
    struct str inside;
    size_t at = 0, len = 0, used;
    if (!tags_next(xml, &at, name, &inside) || !inside.n)
        return NULL;
    char *out = arena_alloc(arena, inside.n + 1);
    for (size_t i = 0; i < inside.n; i += used)
        out[len++] = entity(inside, i, &used);
    out[len] = 0;
    return out;
}

void tags_escape(struct buf *out, const char *text)
{
    for (; text && *text; text++)
        switch (*text) {
        case '&':
            buf_str(out, "&amp;");
            break;
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '"':
            buf_str(out, "&quot;");
            break;
        default:
            buf_char(out, *text);
        }
}
