/* connect.c - the few helpers that every connector shares. */
#include "connect/connect.h"

#include "base/str.h"

#include <string.h>

const struct crm_field *crm_object_field(const struct crm_object *object, const char *name)
{
    if (!object || !name)
        return NULL;
    for (size_t i = 0; i < object->field_count; i++)
        if (text_eq_nocase(object->fields[i].name, name))
            return &object->fields[i];
    return NULL;
}
