/* org_fields.c - objects, fields and keys of the Salesforce kinds. */
#include "engine/columns/org_fields.h"

#include "base/str.h"

#include <string.h>
#include <strings.h>

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
    const char *name = column_object(column_kind_find(check->column->kind), check->config);
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

const struct crm_field *org_link(const struct crm_object *object, const char *name, size_t len,
                                 const char **parent)
{
    for (size_t i = 0; i < object->field_count; i++) {
        const struct crm_field *field = &object->fields[i];
        const char *relation = field->relationship_name;
        if (!relation || strlen(relation) != len || strncasecmp(relation, name, len) != 0 ||
            !field->reference_count)
            continue;
        *parent = field->reference_to[0];
        for (size_t k = 0; k < field->reference_count; k++)
            if (text_eq(field->reference_to[k], "User"))
                *parent = "User";
        return field;
    }
    return NULL;
}

static const struct crm_object *describe_parent(struct kind_check *check, const char *where,
                                                const char *parent)
{
    struct err err = {0};
    struct crm_session *session =
        check->session(check->session_ctx, json_get_text(check->config, "connection"), &err);
    const struct crm_object *found =
        session ? session->does->describe(session, parent, &err) : NULL;
    if (!found)
        add(check, where, &err);
    return found;
}

const struct crm_field *kind_set_field(struct kind_check *check, const struct crm_object *object,
                                       const char *name)
{
    const char *dot = strchr(name, '.'), *parent = NULL;
    char where[200];
    if (!dot)
        return kind_field(check, object, "set", name);
    snprintf(where, sizeof where, "set/%s", name);
    const struct crm_field *link = org_link(object, name, (size_t)(dot - name), &parent);
    if (!link) {
        struct err *err = kind_check_fail(check, where, "recipe.unknown_field",
                                          "%s has no relationship \"%.*s\"", object->name,
                                          (int)(dot - name), name);
        err_hint(err, "A parent is named by its relationship: Account.Ext__c, Parent__r.Key__c.");
        return NULL;
    }
    const struct crm_object *of = describe_parent(check, where, parent);
    const struct crm_field *key = of ? crm_object_field(of, dot + 1) : NULL;
    if (of && !key)
        kind_check_fail(check, where, "recipe.unknown_field", "%s has no field \"%s\"", parent,
                        dot + 1);
    else if (key && !key->external_id && !key->id_lookup)
        err_hint(kind_check_fail(check, where, "recipe.not_external_id",
                                 "%s.%s is no External ID: a parent cannot be named by it", parent,
                                 key->name),
                 "Look the parent up in a column and set %s to its Id.", link->name);
    return link;
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
