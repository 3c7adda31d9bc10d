/* seal.c - an object's key field, made through the API. */
#include "api/nouns.h"

static const struct field seal_body_fields[] = {
    {"object", F_TEXT, F_REQUIRED, "its API name", .min = 1, .max = 80},
    {"dry_run", F_BOOL, 0, "only say what would be made"},
    {0},
};
const struct shape seal_body = {"SealRequest", NULL, seal_body_fields};

static const struct field seal_fields[] = {
    {"object", F_TEXT, F_REQUIRED, NULL},
    {"field", F_TEXT, F_REQUIRED, "the key field"},
    {"sealed", F_BOOL, F_REQUIRED, "columns that create such records are sealed now"},
    {"there", F_BOOL, F_REQUIRED, "there was nothing to do"},
    {"steps", F_LIST, F_REQUIRED, "what was made, or would be", .item = F_TEXT, .max = 8},
    {"clicks", F_LIST, F_REQUIRED, "what an admin must click instead", .item = F_TEXT, .max = 8},
    {"why", F_TEXT, F_NULL, "of the clicks: what the org refused"},
    {0},
};
const struct shape seal_shape = {"Seal", "What became of an object's key field.", seal_fields};

static void put_texts(struct jw *w, const char *name, const char *const *list, size_t count)
{
    jw_key(w, name);
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        jw_text(w, list[i]);
    jw_end_array(w);
}

enum status api_connection_seal(struct call *call, struct err *err)
{
    struct crm_seal seal = {0};
    bool sealed = false;
    if (engine_seal_object(call->engine, call->arena, call->values[0],
                           json_get_text(call->body, "object"),
                           json_get_bool(call->body, "dry_run", false), &seal, &sealed, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_text(&call->w, "object", seal.object);
    jw_kv_text(&call->w, "field", seal.field);
    jw_kv_bool(&call->w, "sealed", sealed);
    jw_kv_bool(&call->w, "there", seal.there);
    put_texts(&call->w, "steps", seal.steps, seal.step_count);
    put_texts(&call->w, "clicks", seal.clicks, seal.click_count);
    jw_kv_text(&call->w, "why", seal.why);
    jw_end_object(&call->w);
    return OK;
}
