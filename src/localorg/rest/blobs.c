/* blobs.c - files out of records: /sobjects/Attachment/ID/Body and the like. */
#include "localorg/rest/blobs.h"

#include "localorg/rest/multipart.h"
#include "localorg/rest/records.h"

#include "base/str.h"

#include <string.h>

/* Of a body without parts: 37.5 MB of file make 50 MB of base64. */
#define TEXT_MAX (50 * MIB)

static bool has(const struct sobject *object, const char *name)
{
    const struct field *field = sobject_field(object, name);
    return field && field->stored;
}

void blobs_answer(struct call *call, const struct field *field, const char *id18)
{
    const struct sobject *object = field->owner;
    const char *names[] = {field->name, has(object, "ContentType") ? "ContentType" : "Id"};
    const char *texts[2] = {NULL, NULL};
    size_t len = 0;
    if (call->nested) {
        answer_error(call, 400, "INVALID_OPERATION",
                     "a file cannot be fetched by a request inside another");
        return;
    }
    records_texts(call, object->name, id18, names, 2, texts);
    const void *bytes =
        texts[0] ? base64_decode(call->arena, texts[0], strlen(texts[0]), &len) : "";
    if (!bytes) {
        answer_error(call, 500, "UNKNOWN_EXCEPTION", "what is stored in %s is no base64",
                     field->name);
        return;
    }
    answer_text(call, 200,
                has(object, "ContentType") && !text_blank(texts[1]) ? texts[1]
                                                                    : "application/octet-stream",
                "");
    buf_append(&call->out->body, bytes, len);
    records_touch(call, id18, VIEW_SEEN);
}

bool blobs_too_large(struct call *call, const struct sobject *object, const struct json *body)
{
    if (multipart_is(call))
        return false;
    for (size_t i = 0; i < object->field_count; i++) {
        const struct json *member = object->fields[i]->type == FT_BASE64
                                        ? json_get_nocase(body, object->fields[i]->name)
                                        : NULL;
        if (!json_is(member, JSON_STRING) || member->len <= TEXT_MAX)
            continue;
        answer_error(call, 400, "FILE_SIZE_LIMIT_EXCEEDED",
                     "%s: a file of this size has to be sent as a part of its own (multipart)",
                     object->fields[i]->name);
        return true;
    }
    return false;
}
