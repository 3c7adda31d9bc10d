/* registry.c - the list of source kinds. A new kind is a file beside this one
 * and a line here. */
#include "engine/sources/source_kind.h"

#include "base/str.h"

static const struct source_kind *const source_kinds[] = {
    &salesforce_object_source,
    NULL,
};

const struct source_kind *source_kind_of(const struct source *source, struct err *err)
{
    for (size_t i = 0; source_kinds[i]; i++)
        if (text_eq(source_kinds[i]->name, source->kind))
            return source_kinds[i];
    err_set(err, ERR_NOT_BUILT, "there is no source of the kind \"%s\"", source->kind);
    return NULL;
}
