/* sobjects.c - describe global, basic information, describe.
 *
 * What a user may not see is not there: objects are left out, fields are left
 * out, createable and updateable are off. Describe answers carry ETag and
 * Last-Modified, and 304 when the client has them already. */
#include "localorg/org/describe.h"
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "base/when.h"

#include <stdio.h>
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

static struct describe_options describe_options(struct call *call)
{
    return (struct describe_options){.version = call->version,
                                     .base_url = call->origin,
                                     .may = may_read,
                                     .object_access = object_bits,
                                     .field_access = field_bits,
                                     .ctx = call,
                                     .schema = org_schema(call->site->org)};
}

/* Sets Last-Modified and ETag. True after answering 304. */
static bool unchanged(struct call *call, int64_t modified_ms, const char *what)
{
    char date[32];
    int64_t since;
    const char *header = call_header(call, "If-Modified-Since");
    const char *known = call_header(call, "If-None-Match");
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

void sobjects_global(struct call *call)
{
    struct jw w;
    int64_t modified_ms = 0;
    const struct schema *schema = org_schema(call->site->org);
    struct describe_options options = describe_options(call);
    for (size_t i = 0; i < schema_count(schema); i++)
        if (schema_at(schema, i)->modified_ms > modified_ms)
            modified_ms = schema_at(schema, i)->modified_ms;
    if (unchanged(call, modified_ms, "global"))
        return;
    answer_json(call, 200, &w);
    schema_describe_global(&w, schema, &options);
}

void sobject_describe(struct call *call)
{
    struct jw w;
    struct describe_options options = describe_options(call);
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || unchanged(call, object->modified_ms, object->name))
        return;
    answer_json(call, 200, &w);
    schema_describe_json(&w, object, &options);
}

/* The records of this object the user looked at last. */
static void write_recent(struct call *call, const struct sobject *object, struct jw *w)
{
    struct view *views = arena_array(call->arena, VIEWS_PER_OBJECT, sizeof *views);
    size_t count =
        org_views(call->site->org, call->session.user_id, object, views, VIEWS_PER_OBJECT);
    const char *fields =
        object->name_field ? arena_printf(call->arena, "Id,%s", object->name_field->name) : "Id";
    jw_array(w);
    for (size_t i = 0; i < count; i++) {
        struct buf record = BUF_INIT;
        if (records_json(call, object, fields, views[i].id, &record, NULL))
            jw_raw(w, record.data, record.len);
        buf_free(&record);
    }
    jw_end_array(w);
}

void sobject_basic(struct call *call)
{
    struct jw w;
    struct describe_options options = describe_options(call);
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object)
        return;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "objectDescribe");
    schema_describe_entry(&w, object, &options);
    jw_key(&w, "recentItems");
    write_recent(call, object, &w);
    jw_end_object(&w);
}
