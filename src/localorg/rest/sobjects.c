/* sobjects.c - describe global, basic information, describe.
 *
 * What a user may not see is not there: objects are left out, fields are left
 * out, createable and updateable are off. Describe answers carry ETag and
 * Last-Modified, and 304 when the client has them already. */
#include "localorg/rest/describes.h"
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "base/when.h"

#include <stdio.h>
#include <string.h>

void sobjects_global(struct call *call)
{
    struct jw w;
    int64_t modified_ms = 0;
    const struct schema *schema = org_schema(call->site->org);
    struct describe_options options = describe_options(call);
    for (size_t i = 0; i < schema_count(schema); i++)
        if (schema_at(schema, i)->modified_ms > modified_ms)
            modified_ms = schema_at(schema, i)->modified_ms;
    if (describe_unchanged(call, modified_ms, "global"))
        return;
    answer_json(call, 200, &w);
    schema_describe_global(&w, schema, &options);
}

void sobject_describe(struct call *call)
{
    struct jw w;
    struct describe_options options = describe_options(call);
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || describe_unchanged(call, object->modified_ms, object->name))
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
