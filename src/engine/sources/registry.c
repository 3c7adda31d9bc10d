/* registry.c - the list of source kinds. A new kind is a file beside this one
 * and a line here. */
#include "engine/sources/source_kind.h"

#include "base/str.h"

static const struct source_kind *const source_kinds[] = {
    &salesforce_object_source,
    NULL,
};

const struct source_kind *source_kind_of(const struct json *source, struct err *err)
{
    const char *type = json_get_text(source, "type");
    if (!type || text_eq(type, "salesforce"))
        type = salesforce_object_source.name;
    for (size_t i = 0; source_kinds[i]; i++)
        if (text_eq(source_kinds[i]->name, type))
            return source_kinds[i];
    err_set(err, ERR_NOT_BUILT, "there is no source of the kind \"%s\"", type);
    return NULL;
}
