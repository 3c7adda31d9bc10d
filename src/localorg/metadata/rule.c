/* rule.c - ValidationRule: kept as a rule of the org whose condition is the formula. */
#include "localorg/metadata/metadata_priv.h"

static const char *const known[] = {"fullName", "active", "description", "errorConditionFormula",
                                    "errorDisplayField", "errorMessage"};

static const struct json *find(const struct meta *meta, const char *full_name)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    org_rules_json(meta->org, &w);
    const struct json *rules = json_parse(meta->arena, text.data, text.len, NULL), *found = NULL;
    buf_free(&text);
    json_each(rule, rules)
        if (text_eq_nocase(json_get_text(rule, "name"), full_name) &&
            json_get_text(rule, "formula") && !json_get(rule, "flow"))
            found = rule;
    return found;
}

static bool exists(const struct meta *meta, const char *full_name)
{
    return find(meta, full_name) != NULL;
}

static bool put(struct meta_change *change)
{
    const struct json *c = change->component;
    const char *name, *formula = meta_text(c, "errorConditionFormula");
    const struct sobject *object = meta_parent(change->meta, change->full_name, &name);
    struct buf text = BUF_INIT;
    struct jw w;
    if (!object)
        return meta_refuse(change, "INVALID_CROSS_REFERENCE_KEY",
                           "Entity Of type 'CustomObject' named '%.*s' cannot be found",
                           (int)strcspn(change->full_name, "."), change->full_name);
    if (!formula || !meta_text(c, "errorMessage"))
        return meta_refuse(change, "REQUIRED_FIELD_MISSING", "Required field is missing: %s",
                           formula ? "errorMessage" : "errorConditionFormula");
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "name", change->full_name);
    jw_kv_text(&w, "object", object->name);
    jw_kv_text(&w, "formula", formula);
    jw_kv_text(&w, "message", meta_text(c, "errorMessage"));
    if (meta_text(c, "errorDisplayField"))
        jw_kv_text(&w, "field", meta_text(c, "errorDisplayField"));
    jw_kv_bool(&w, "active", meta_truth(c, "active", true));
    jw_end_object(&w);
    const struct json *rule = json_parse(change->meta->arena, text.data, text.len, change->err);
    buf_free(&text);
    meta_warn_unknown(change, known, sizeof known / sizeof *known);
    if (rule && org_put_rule(change->meta->org, rule, change->err) == OK)
        return true;
    if (err_is(change->err, ERR_IO))
        return meta_broke(change);
    return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION", "%s", change->err->message);
}

static bool drop(struct meta_change *change)
{
    return org_drop_rule(change->meta->org, change->full_name, change->err) == OK ||
           meta_broke(change);
}

static void write(const struct meta *meta, const char *full_name, struct jw *w)
{
    const struct json *rule = find(meta, full_name);
    jw_object(w);
    jw_kv_text(w, "fullName", full_name);
    jw_kv_bool(w, "active", json_get_bool(rule, "active", true));
    jw_kv_text(w, "errorConditionFormula", json_get_text(rule, "formula"));
    if (json_get_text(rule, "field"))
        jw_kv_text(w, "errorDisplayField", json_get_text(rule, "field"));
    jw_kv_text(w, "errorMessage", json_get_text(rule, "message"));
    jw_end_object(w);
}

static void list(const struct meta *meta, const struct meta_type *type, meta_item_fn *fn, void *ctx)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    org_rules_json(meta->org, &w);
    const struct json *rules = json_parse(meta->arena, text.data, text.len, NULL);
    buf_free(&text);
    json_each(rule, rules) {
        struct meta_item item = {.type = type};
        const char *name = json_get_text(rule, "name");
        if (!json_get_text(rule, "formula") || json_get(rule, "flow"))
            continue;
        if (!strchr(name, '.'))
            continue; /* put by the control API, which names rules as it likes */
        snprintf(item.full_name, sizeof item.full_name, "%s", name);
        org_setup_id(meta->org, type->prefix, item.full_name, item.id);
        fn(ctx, &item);
    }
}

const struct meta_kind rule_kind = {.type = {.name = "ValidationRule",
                                             .directory = "objects",
                                             .suffix = "object",
                                             .prefix = "03d",
                                             .child_of = "CustomObject",
                                             .tag = "validationRules"},
                                    .exists = exists,
                                    .put = put,
                                    .drop = drop,
                                    .write = write,
                                    .list = list};
