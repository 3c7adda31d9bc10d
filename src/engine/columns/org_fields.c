/* org_fields.c - objects, fields and keys of the Salesforce kinds. */
#include "engine/columns/org_fields.h"

#include "base/str.h"

#include <string.h>

static struct err *add(struct kind_check *check, const char *where, const struct err *err)
{
    struct err *added = kind_check_fail(check, where, err->code, "%s", err->message);
    err_cause(added, "%s", err->cause);
    err_hint(added, "%s", err->hint);
    return added;
}

const struct crm_object *kind_object(struct kind_check *check)
{
    struct err err = {0};
    const char *name = json_get_text(check->config, "object");
    struct crm_session *session =
        check->session(check->session_ctx, json_get_text(check->config, "connection"), &err);
    if (!session) {
        add(check, "connection", &err);
        return NULL;
    }
    const struct crm_object *object = session->does->describe(session, name, &err);
    if (!object)
        add(check, "object", &err);
    return object;
}

const struct crm_field *kind_field(struct kind_check *check, const struct crm_object *object,
                                   const char *option, const char *name)
{
    const struct crm_field *field = crm_object_field(object, name);
    if (field)
        return field;
    char where[200];
    snprintf(where, sizeof where, "%s/%s", option, name);
    const char **names = arena_array(check->arena, object->field_count + 1, sizeof *names);
    for (size_t i = 0; i < object->field_count; i++)
        names[i] = object->fields[i].name;
    struct err *err = kind_check_fail(check, where, "recipe.unknown_field",
                                      "%s has no field \"%s\"", object->name, name);
    const char *nearest = text_nearest(name, names, object->field_count);
    if (nearest)
        err_hint(err, "did you mean %s?", nearest);
    else
        err_cause(err, "It does not exist, or the connected user may not see it.");
    return NULL;
}

struct job_session *batch_session(struct column_batch *batch, struct err *err)
{
    return job_session(batch->job, json_get_text(batch->config, "connection"), err);
}

enum status batch_lookup_keys(struct column_batch *batch, const struct json *match,
                              struct crm_lookup *lookup, struct err *err)
{
    const char **fields = arena_array(batch->arena, match->len + 1, sizeof *fields);
    struct template *templates = arena_array(batch->arena, match->len + 1, sizeof *templates);
    size_t count = 0;
    json_each(member, match) {
        fields[count] = member->key;
        if (template_make(batch->arena, member, &templates[count++], err) != OK)
            return FAIL;
    }
    struct value *keys = arena_array(batch->arena, batch->count * count + 1, sizeof *keys);
    for (size_t i = 0; i < batch->count; i++)
        for (size_t j = 0; j < count; j++)
            if (template_fill(batch, i, &templates[j], SLOT_PLAIN, &keys[i * count + j], err) != OK)
                return FAIL;
    lookup->match_fields = fields;
    lookup->match_count = count;
    lookup->keys = keys;
    lookup->row_count = batch->count;
    return OK;
}
