/* describes.c - describe answers are the same for everybody but for what the
 * user may see, and the same as last time until the schema changes. */
#include "localorg/rest/describes.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

static bool may_read(void *ctx, const struct field *field)
{
    return call_may_field(ctx, field, ORG_READ);
}

static int object_bits(void *ctx, const struct sobject *object)
{
    struct call *call = ctx;
    static const enum org_access all[] = {ORG_READ, ORG_CREATE, ORG_UPDATE, ORG_DELETE};
    int bits = 0;
    for (size_t i = 0; i < 4; i++)
        if (org_may_object(call->site->org, call->session.user_id, object, all[i]))
            bits |= all[i];
    return bits;
}

static int field_bits(void *ctx, const struct field *field)
{
    return (call_may_field(ctx, field, ORG_CREATE) ? ORG_CREATE : 0) |
           (call_may_field(ctx, field, ORG_UPDATE) ? ORG_UPDATE : 0);
}

struct describe_options describe_options(struct call *call)
{
    return (struct describe_options){.version = call->version,
                                     .base_url = call->origin,
                                     .may = may_read,
                                     .object_access = object_bits,
                                     .field_access = field_bits,
                                     .ctx = call,
                                     .schema = org_schema(call->site->org)};
}

bool describe_unchanged(struct call *call, int64_t modified_ms, const char *what)
{
    char date[32];
    int64_t since;
    const char *header = call_header(call, "If-Modified-Since");
    const char *known = call_header(call, "If-None-Match");
    int64_t allowed_ms = org_access_changed_ms(call->site->org);
    modified_ms = allowed_ms > modified_ms ? allowed_ms : modified_ms;
    const char *key = arena_printf(call->arena, "%s %lld %s", what, (long long)modified_ms,
                                   call->session.user_id);
    const char *etag = arena_printf(call->arena, "\"%08x\"", (unsigned)text_hash(key, strlen(key)));
    when_http(modified_ms, date);
    answer_header(call, "Last-Modified", date);
    answer_header(call, "ETag", etag);
    bool same =
        (known && strstr(known, etag)) ||
        (!known && header && when_parse_http(header, &since) && modified_ms / 1000 <= since / 1000);
    if (same)
        answer_empty(call, 304);
    return same;
}
