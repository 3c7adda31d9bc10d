/* defaults.c - default values: of describe, of picklists, and the owner. */
#include "localorg/rest/defaults.h"

#include "localorg/rest/resources.h"

#include "base/str.h"

#include <string.h>

static const char *picklist_default(const struct field *field)
{
    for (size_t i = 0; i < field->picklist_count; i++)
        if (field->picklist[i].is_default && field->picklist[i].active)
            return field->picklist[i].value;
    return NULL;
}

void default_write(struct call *call, struct jw *w, const struct field *field)
{
    const char *value = field->default_value, *chosen = picklist_default(field);
    if (value && *value && strcmp(value, "null") != 0)
        jw_raw(w, value, strlen(value));
    else if (chosen)
        jw_text(w, chosen);
    else if (strcmp(field->name, "OwnerId") == 0)
        jw_text(w, call->session.user_id);
    else
        jw_null(w);
}

static bool has_default(const struct field *field)
{
    const char *value = field->default_value;
    return (value && *value && strcmp(value, "null") != 0) || picklist_default(field) ||
           strcmp(field->name, "OwnerId") == 0;
}

static bool listed(const char *names, const char *name)
{
    size_t len;
    const char *word;
    while ((word = words_next(&names, &len)))
        if (strlen(name) == len && strncasecmp(word, name, len) == 0)
            return true;
    return false;
}

void defaults_write(struct call *call, struct jw *w, const struct sobject *object,
                    const char *names, const struct json *but)
{
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        bool wanted = names ? listed(names, field->name) : has_default(field);
        if (!wanted || !field->createable || json_get_nocase(but, field->name) ||
            !call_may_field(call, field, ORG_READ))
            continue;
        jw_key(w, field->name);
        default_write(call, w, field);
    }
}

void sobject_defaults(struct call *call)
{
    struct jw w;
    const char *names = call_param(call, "fields");
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object)
        return;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "attributes");
    jw_object(&w);
    jw_kv_text(&w, "type", object->name);
    jw_end_object(&w);
    defaults_write(call, &w, object, names && *names ? names : NULL, NULL);
    jw_end_object(&w);
}
