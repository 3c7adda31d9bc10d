/* check_needs.c - may this user do what the tables need? Object by object, field by
 * field, each lack with the permission that would mend it. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

struct checking {
    struct sf *sf;
    struct arena *arena;
    struct crm_findings *out;
};

static void lacks(struct checking *c, const char *check, const char *evidence, const char *cause,
                  const char *fix)
{
    struct crm_finding *f =
        sf_finding(c->arena, c->out, check, CRM_FAILED, NULL, "%s", evidence);
    f->cause = cause;
    f->fix = fix;
    f->who = sf_fixer(fix);
}

static void check_field(struct checking *c, const struct crm_object *object,
                        const struct crm_need *need, const struct crm_need_field *wanted)
{
    struct err err = {0};
    const struct crm_field *field = sf_field_at(c->sf, object, wanted->name, &err);
    if (!field)
        sf_finding(c->arena, c->out, "fields", CRM_FAILED, &err,
                   "%s.%s is hidden or gone (table %s)", object->name, wanted->name,
                   wanted->because);
    else if (wanted->edit && !field->updateable && !(need->create && field->createable))
        lacks(c, "fields",
              arena_printf(c->arena, "%s.%s cannot be written (table %s)", object->name,
                           field->name, wanted->because),
              "The user may read the field and not edit it.",
              arena_printf(c->arena,
                           "Setup, Permission Sets, a set assigned to the user, Object Settings, "
                           "%s, Field Permissions, %s: tick Edit Access. argil permset makes such "
                           "a set.",
                           object->name, field->name));
}

static void check_object(struct checking *c, const struct crm_object *object,
                         const struct crm_need *need)
{
    const char *missing = !object->queryable                    ? "Read"
                          : need->create && !object->createable ? "Create"
                          : need->update && !object->updateable ? "Edit"
                          : need->remove && !object->deletable  ? "Delete"
                                                                : NULL;
    if (missing)
        lacks(c, "objects",
              arena_printf(c->arena, "the user lacks %s on %s", missing, object->name),
              "A table needs it.",
              arena_printf(c->arena,
                           "Setup, Permission Sets, a set assigned to the user, Object Settings, "
                           "%s: tick %s. argil permset makes such a set.",
                           object->name, missing));
}

static void check_need(struct checking *c, const struct crm_need *need)
{
    struct err err = {0};
    size_t before = c->out->count;
    const struct crm_object *object = sf_describe(&c->sf->crm, need->object, &err);
    if (!object) {
        sf_finding(c->arena, c->out, "objects", CRM_FAILED, &err, "%s", err.message);
        return;
    }
    check_object(c, object, need);
    for (size_t i = 0; i < need->field_count; i++)
        check_field(c, object, need, &need->fields[i]);
    if (c->out->count == before)
        sf_finding(c->arena, c->out, "objects", CRM_PASS, NULL,
                   "%s: read%s%s%s, %zu fields as the tables need them", object->name,
                   need->create ? ", create" : "", need->update ? ", edit" : "",
                   need->remove ? ", delete" : "", need->field_count);
}

void sf_check_needs(struct crm_session *session, struct arena *arena, const struct crm_need *needs,
                    size_t count, struct crm_findings *out)
{
    struct checking checking = {.sf = sf_of(session), .arena = arena, .out = out};
    for (size_t i = 0; i < count; i++)
        check_need(&checking, &needs[i]);
}
