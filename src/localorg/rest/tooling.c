/* tooling.c - as much of the Tooling API as the sf CLI asks for: queries over
 * setup objects, of which this org has none, and honest errors for the rest. */
#include "localorg/rest/query.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <string.h>

static const char known[] =
    "ApexClass ApexTrigger ApexPage ApexComponent ApexLog ApexTestQueueItem AuraDefinitionBundle "
    "CustomField CustomObject EmailTemplate Flow FlowDefinition Layout LightningComponentBundle "
    "MetadataContainer Profile QuickActionDefinition RecordType StaticResource TraceFlag "
    "ValidationRule WorkflowRule EntityDefinition FieldDefinition InstalledSubscriberPackage";

/* The word after FROM. */
static const char *from_object(struct arena *arena, const char *soql)
{
    const char *at = soql ? strcasestr(soql, " from ") : NULL;
    if (!at)
        return NULL;
    at += 6;
    at += strspn(at, " ");
    return arena_strndup(arena, at, strcspn(at, " ),"));
}

static const char *known_name(struct arena *arena, const char *name)
{
    const char *at = known, *word;
    size_t len;
    while ((word = words_next(&at, &len)))
        if (str_eq_nocase((struct str){word, len}, str_of(name)))
            return arena_strndup(arena, word, len);
    return NULL;
}

static void answer_nothing(struct call *call, const char *entity)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_int(&w, "size", 0);
    jw_kv_int(&w, "totalSize", 0);
    jw_kv_bool(&w, "done", true);
    jw_kv_null(&w, "queryLocator");
    jw_kv_text(&w, "entityTypeName", entity);
    jw_key(&w, "records");
    jw_array(&w);
    jw_end_array(&w);
    jw_end_object(&w);
}

void tooling_query(struct call *call)
{
    const char *soql = call_param(call, "q"), *name = from_object(call->arena, soql);
    if (!name) {
        answer_error(call, 400, "MALFORMED_QUERY", "A query string has to be specified");
        return;
    }
    const char *entity = known_name(call->arena, name);
    if (entity)
        answer_nothing(call, entity);
    else if (schema_find(org_schema(call->site->org), name))
        query_answer(call, soql, false);
    else
        answer_error(call, 400, "INVALID_TYPE",
                     "sObject type '%s' is not supported. If you are attempting to use a custom "
                     "object, be sure to append the '__c' after the entity name. Please reference "
                     "your WSDL or the describe call for the appropriate names.",
                     name);
}

void tooling_resources(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "query", arena_printf(call->arena, "%s/tooling/query", call->base));
    jw_kv_text(&w, "sobjects", arena_printf(call->arena, "%s/tooling/sobjects", call->base));
    jw_end_object(&w);
}

void tooling_sobjects(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "encoding", "UTF-8");
    jw_kv_int(&w, "maxBatchSize", 200);
    jw_key(&w, "sobjects");
    jw_array(&w);
    jw_end_array(&w);
    jw_end_object(&w);
}
