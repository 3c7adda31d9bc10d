/* multipart.c - RFC 7578 as far as Salesforce's clients send it.
 *
 * A boundary counts only at the start of a line, so that a file may contain it
 * anywhere else. */
#include "localorg/rest/multipart.h"

#include "base/str.h"

#include <string.h>

static const char *boundary_of(const struct call *call)
{
    const char *type = call_header(call, "Content-Type");
    const char *at =
        type && strncasecmp(type, "multipart/", 10) == 0 ? strcasestr(type, "boundary=") : NULL;
    if (!at)
        return NULL;
    at += strlen("boundary=");
    if (*at == '"')
        return arena_strndup(call->arena, at + 1, strcspn(at + 1, "\""));
    return arena_strndup(call->arena, at, strcspn(at, "; \t"));
}

bool multipart_is(const struct call *call)
{
    return boundary_of(call) != NULL;
}

/* The next "--boundary" at the start of a line. */
static const char *next_mark(const struct buf *body, const char *from, const char *mark)
{
    const char *end = body->data + body->len;
    size_t len = strlen(mark);
    while (from && from < end && (from = memmem(from, (size_t)(end - from), mark, len))) {
        if (from == body->data || from[-1] == '\n')
            return from;
        from += len;
    }
    return NULL;
}

/* name="value" of a Content-Disposition. */
static const char *attribute(struct arena *arena, const char *head, const char *name)
{
    char *key = arena_printf(arena, "%s=\"", name);
    for (const char *at = head; (at = strcasestr(at, key)); at++)
        if (at == head || strchr(" ;\t", at[-1])) {
            at += strlen(key);
            return arena_strndup(arena, at, strcspn(at, "\""));
        }
    return NULL;
}

static const char *part_type(struct arena *arena, const char *head)
{
    const char *at = strcasestr(head, "Content-Type:");
    if (!at)
        return NULL;
    at += strlen("Content-Type:");
    at += strspn(at, " \t");
    return text_trim(arena, arena_strndup(arena, at, strcspn(at, "\r\n")));
}

static bool read_part(struct call *call, const char *from, const char *to,
                      struct multipart_part *out)
{
    const char *head_end = memmem(from, (size_t)(to - from), "\r\n\r\n", 4);
    size_t gap = head_end ? 4 : 2;
    if (!head_end)
        head_end = memmem(from, (size_t)(to - from), "\n\n", 2);
    if (!head_end)
        return false;
    const char *head = arena_strndup(call->arena, from, (size_t)(head_end - from));
    const char *at = head_end + gap;
    if (to > at && to[-1] == '\n')
        to--;
    if (to > at && to[-1] == '\r')
        to--;
    *out = (struct multipart_part){.name = attribute(call->arena, head, "name"),
                                   .filename = attribute(call->arena, head, "filename"),
                                   .type = part_type(call->arena, head),
                                   .data = at,
                                   .len = to > at ? (size_t)(to - at) : 0};
    return true;
}

bool multipart_next(struct call *call, const char **at, struct multipart_part *out)
{
    const struct buf *body = &call->in->body;
    const char *boundary = boundary_of(call);
    if (!boundary || !*boundary || !body->len)
        return false;
    const char *mark = arena_printf(call->arena, "--%s", boundary);
    const char *from = next_mark(body, *at ? *at : body->data, mark);
    if (!from)
        return false;
    from += strlen(mark);
    const char *to = next_mark(body, from, mark);
    *at = to;
    return to && read_part(call, from, to, out);
}

bool multipart_part(struct call *call, const char *name, struct multipart_part *out)
{
    struct multipart_part part;
    const char *at = NULL;
    while (multipart_next(call, &at, &part))
        if (text_eq(part.name, name)) {
            *out = part;
            return true;
        }
    return false;
}

/* --- JSON with files --- */

static struct json *text_node(struct arena *arena, const char *key, const char *text)
{
    struct json *node = arena_alloc(arena, sizeof *node);
    *node = (struct json){.type = JSON_STRING,
                          .key = key,
                          .key_len = (uint32_t)strlen(key),
                          .text = text,
                          .len = (uint32_t)strlen(text)};
    return node;
}

/* Puts a member behind the others, or in the place of one of the same name. */
static void put_member(struct json *object, struct json *member)
{
    struct json **tail = &object->first;
    while (*tail && strcasecmp((*tail)->key, member->key) != 0)
        tail = &(*tail)->next;
    member->next = *tail ? (*tail)->next : NULL;
    object->len += *tail == NULL;
    *tail = member;
}

/* Into the record of a collection that names this part. */
static void put_into_record(struct arena *arena, struct json *root, const char *name,
                            const char *text)
{
    const struct json *records = json_get(root, "records");
    for (struct json *record = records ? records->first : NULL; record; record = record->next) {
        const struct json *attributes = json_get(record, "attributes");
        const char *alias = json_get_text(attributes, "binaryPartNameAlias");
        if (alias && text_eq(json_get_text(attributes, "binaryPartName"), name))
            put_member(record, text_node(arena, alias, text));
    }
}

const struct json *multipart_json(struct call *call)
{
    struct err err = {{0}};
    struct multipart_part part;
    const char *at = NULL;
    struct json *root = NULL;
    if (multipart_next(call, &at, &part))
        root = (struct json *)json_parse(call->arena, part.data, part.len, &err);
    if (!root || root->type != JSON_OBJECT) {
        answer_error(call, 400, "INVALID_MULTIPART_REQUEST",
                     "Multipart message must include a non-binary part: the first part has to be "
                     "a JSON object%s%s",
                     err.message[0] ? ": " : "", err.message);
        return NULL;
    }
    bool collection = json_is(json_get(root, "records"), JSON_ARRAY);
    while (multipart_next(call, &at, &part)) {
        if (!part.name)
            continue;
        const char *text = base64_encode(call->arena, part.data, part.len);
        if (collection)
            put_into_record(call->arena, root, part.name, text);
        else
            put_member(root, text_node(call->arena, part.name, text));
    }
    return root;
}
