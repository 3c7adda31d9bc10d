/* keys.c - records by external id, and the records a record leads to.
 *
 * /sobjects/X/Ext__c/value and /sobjects/X/<id>/Relationship have the same
 * shape; a first segment that is an id of X means the second. */
#include "localorg/rest/query.h"
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

/* --- relationships --- */

static bool is_row_of(const struct sobject *object, const char *text, char id[19])
{
    return id_canonical(text, id) && object->key_prefix && strncmp(id, object->key_prefix, 3) == 0;
}

/* Contact/<id>/Account: the parent's row, or 404 when there is none. */
static void answer_parent(struct call *call, const struct sobject *object,
                          const struct field *lookup, const char *id)
{
    const char *name = lookup->name, *parent_id = NULL;
    records_texts(call, object->name, id, &name, 1, &parent_id);
    const struct sobject *parent =
        parent_id ? schema_by_prefix(org_schema(call->site->org), parent_id) : NULL;
    if (!parent || records_state(call, parent, parent_id, NULL) != RECORD_LIVE)
        answer_not_found(call);
    else if (strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0)
        answer_row(call, parent, parent_id);
    else if (strcmp(call->method, "DELETE") == 0)
        answer_written(call, DML_DELETE, parent, parent_id, NULL);
    else if (rows_body(call))
        answer_written(call, DML_UPDATE, parent, parent_id, rows_body(call));
}

/* Account/<id>/Contacts: a query result. */
static void answer_children(struct call *call, const struct child_relationship *children,
                            const char *id)
{
    const char *asked = call_param(call, "fields");
    const struct sobject *child = call_object(call, children->child_sobject);
    if (!child)
        return;
    query_answer(call,
                 arena_printf(call->arena, "SELECT %s FROM %s WHERE %s = '%s'",
                              asked && *asked ? asked : records_fields(call, child), child->name,
                              children->field, id),
                 false);
}

/* True when the path was a relationship and has been answered. */
static bool relationship(struct call *call, const struct sobject *object)
{
    char id[19];
    const char *name = call->args[2];
    if (!is_row_of(object, call->args[1], id))
        return false;
    if (!rows_id(call, object, id, id))
        return true;
    const struct field *lookup = sobject_parent(object, name, strlen(name));
    const struct child_relationship *children = sobject_child(object, name, strlen(name));
    if (lookup)
        answer_parent(call, object, lookup, id);
    else if (children && strcmp(call->method, "GET") == 0)
        answer_children(call, children, id);
    else
        answer_not_found(call);
    return true;
}

/* --- the routes --- */

void keys_get(struct call *call)
{
    char id[19];
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || relationship(call, object))
        return;
    const struct field *field = key_field(call, object);
    if (field && keys_find(call, object, field, id))
        answer_row(call, object, id);
}

void keys_delete(struct call *call)
{
    char id[19];
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || relationship(call, object))
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
    if (!object || relationship(call, object))
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
