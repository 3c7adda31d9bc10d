/* keys.c - records by external id: /sobjects/X/Ext__c/value. What has an id of X
 * in the field's place is another thing (related.c). */
#include "localorg/rest/resources.h"
#include "localorg/rest/rows.h"

#include "base/str.h"

#include <string.h>

#define SEVERAL_MAX 10

/* The key field of the path. NULL after answering 404. */
static const struct field *key_field(struct call *call, const struct sobject *object)
{
    const struct field *field = sobject_field(object, call->args[1]);
    if (field && call_may_field(call, field, ORG_READ) &&
        (field->external_id || field->id_lookup || field->type == FT_ID))
        return field;
    answer_error(call, 404, "NOT_FOUND",
                 "Provided external ID field does not exist or is not accessible: %s",
                 call->args[1]);
    return NULL;
}

/* 300: the URLs of all records that carry the key. */
static void answer_several(struct call *call, const struct sobject *object, const char **ids,
                           size_t count)
{
    struct jw w;
    answer_json(call, 300, &w);
    jw_array(&w);
    for (size_t i = 0; i < count; i++)
        jw_text(&w,
                arena_printf(call->arena, "%s/sobjects/%s/%s", call->base, object->name, ids[i]));
    jw_end_array(&w);
}

/* The one live row with this key. False after answering 404 or 300. */
static bool keys_find(struct call *call, const struct sobject *object, const struct field *field,
                      char id[19])
{
    char ids[SEVERAL_MAX][19];
    const char *texts[SEVERAL_MAX], *value = call->args[2];
    char canonical[19];
    if (field->type == FT_ID && id_canonical(value, canonical))
        value = arena_strdup(call->arena, canonical);
    size_t count = records_find(call, object, field, value, ids, SEVERAL_MAX);
    if (count == 1) {
        memcpy(id, ids[0], 19);
        return true;
    }
    for (size_t i = 0; i < count; i++)
        texts[i] = ids[i];
    if (count)
        answer_several(call, object, texts, count);
    else
        answer_not_found(call);
    return false;
}

/* --- the routes --- */

void keys_get(struct call *call)
{
    char id[19];
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || related_answer(call, object))
        return;
    const struct field *field = key_field(call, object);
    if (field && keys_find(call, object, field, id))
        answer_row(call, object, id);
}

void keys_delete(struct call *call)
{
    char id[19];
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || related_answer(call, object))
        return;
    const struct field *field = key_field(call, object);
    if (field && keys_find(call, object, field, id))
        answer_written(call, DML_DELETE, object, id, NULL);
}

/* The key may not be in the body too, as Salesforce says it. */
static bool key_in_body(struct call *call, const struct json *body, const struct field *field)
{
    if (!json_get_nocase(body, field->name))
        return false;
    answer_error(call, 400, "INVALID_FIELD",
                 "The %s field should not be specified in the sobject data.", field->name);
    return true;
}

void keys_upsert(struct call *call)
{
    struct dml_result result = {0};
    struct dml_options options = write_options(call, true);
    const char *update_only = call_param(call, "updateOnly");
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || related_answer(call, object))
        return;
    const struct field *field = key_field(call, object);
    const struct json *body = field ? rows_body(call) : NULL;
    if (!body || rows_has_id(call, body) || key_in_body(call, body, field))
        return;
    options.update_only = update_only && strcmp(update_only, "true") == 0;
    struct dml_row row = {.object = object, .body = body, .key = field, .key_value = call->args[2]};
    if (!records_write(call, DML_UPSERT, &options, &row, 1, &result))
        return;
    if (result.several_count)
        answer_several(call, object, result.several, result.several_count);
    else if (!result.success)
        answer_refused(call, object, &result);
    else if (!result.created && call->api_version < 46)
        answer_empty(call, 204);
    else
        answer_created(call, object, &result, true);
}
