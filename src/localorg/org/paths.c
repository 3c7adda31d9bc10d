/* paths.c - one lookup after the other. */
#include "localorg/org/paths.h"

#include "base/str.h"

#include <string.h>

static bool may_read(struct org *org, const char *user_id, const struct field *field)
{
    return org_may_object(org, user_id, field->owner, ORG_READ) &&
           org_may_field(org, user_id, field, ORG_READ);
}

static const struct sobject *target_of(struct org *org, const struct field *lookup)
{
    if (lookup->reference_count == 1)
        return schema_find(org_schema(org), lookup->reference_to[0]);
    for (size_t i = 0; i < lookup->reference_count; i++)
        if (text_eq(lookup->reference_to[i], "User"))
            return schema_find(org_schema(org), "User");
    return NULL;
}

bool path_walk(struct arena *arena, struct org *org, const char *user_id,
               const struct sobject *object, const char *text, struct path *out)
{
    const char *dot;
    *out = (struct path){.text = ""};
    for (; (dot = strchr(text, '.')) && object; text = dot + 1) {
        out->lookup = sobject_parent(object, text, (size_t)(dot - text));
        if (!out->lookup || !may_read(org, user_id, out->lookup))
            return false;
        out->text = arena_printf(arena, "%s%s.", out->text, out->lookup->relationship_name);
        object = target_of(org, out->lookup);
    }
    out->field = object ? sobject_field(object, text) : NULL;
    if (!out->field || !may_read(org, user_id, out->field))
        return false;
    out->text = arena_printf(arena, "%s%s", out->text, out->field->name);
    bool shared = text_eq(out->field->name, "Name") || text_eq(out->field->name, "Alias");
    return !out->lookup || out->lookup->reference_count == 1 || shared;
}
