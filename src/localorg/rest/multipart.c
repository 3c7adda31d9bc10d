/* multipart.c - finding the parts between "--boundary" lines. */
#include "localorg/rest/multipart.h"

#include "base/str.h"

#include <string.h>

static const char *boundary_of(struct call *call)
{
    const char *type = call_header(call, "Content-Type");
    const char *at = type && text_starts(type, "multipart/") ? strstr(type, "boundary=") : NULL;
    if (!at)
        return NULL;
    at += strlen("boundary=");
    if (*at == '"')
        return arena_strndup(call->arena, at + 1, strcspn(at + 1, "\""));
    return arena_strndup(call->arena, at, strcspn(at, "; "));
}

bool multipart_is(struct call *call)
{
    return boundary_of(call) != NULL;
}

/* What stands between two marks: headers, an empty line, data. */
static bool part_read(const char *at, const char *end, const char *wanted,
                      struct multipart_part *out)
{
    const char *head_end = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
    size_t gap = head_end ? 4 : 2;
    if (!head_end)
        head_end = memmem(at, (size_t)(end - at), "\n\n", 2);
    if (!head_end || !memmem(at, (size_t)(head_end - at), wanted, strlen(wanted)))
        return false;
    const char *from = head_end + gap, *to = end;
    if (to > from && to[-1] == '\n')
        to--;
    if (to > from && to[-1] == '\r')
        to--;
    *out = (struct multipart_part){.data = from,
                                   .len = to > from ? (size_t)(to - from) : 0,
                                   .head = at,
                                   .head_len = (size_t)(head_end - at)};
    return true;
}

bool multipart_part(struct call *call, const char *name, struct multipart_part *out)
{
    const struct buf *body = &call->in->body;
    const char *boundary = boundary_of(call);
    if (!boundary || !*boundary || !body->len)
        return false;
    const char *mark = arena_printf(call->arena, "--%s", boundary);
    const char *wanted = arena_printf(call->arena, "name=\"%s\"", name);
    const char *end = body->data + body->len, *at = body->data;
    while ((at = memmem(at, (size_t)(end - at), mark, strlen(mark)))) {
        at += strlen(mark);
        const char *next = memmem(at, (size_t)(end - at), mark, strlen(mark));
        if (!next)
            return false;
        if (part_read(at, next, wanted, out))
            return true;
    }
    return false;
}
