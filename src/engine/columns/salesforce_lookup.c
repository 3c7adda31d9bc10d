/* salesforce_lookup.c - finds an existing record for each row.
 *
 * One SOQL look-up serves the whole batch. A look-up that fails is an error or
 * a retry, never "nothing found": that mistake makes duplicates (F-61). */
#include "engine/columns/org_fields.h"

#include "base/str.h"

#include <string.h>

static const char *const compare[] = {"equals", "contains", NULL};

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to look in", NULL, NULL, 0, 0},
    {"object", OPT_OBJECT, true, "object to look in", NULL, NULL, 0, 0},
    {"match", OPT_FIELD_MAP, true, "fields and the values they must hold; all must match", NULL,
     NULL, 0, 0},
    {"compare", OPT_ENUM, false, "how values are compared", "equals", compare, 0, 0},
    {"return", OPT_FIELD_LIST, false, "fields to keep of the record", "[Id]", NULL, 0, 0},
    {"where", OPT_TEXT, false, "further SOQL condition", NULL, NULL, 0, 0},
};

static void validate(struct kind_check *check)
{
    const struct crm_object *object = kind_object(check);
    if (!object)
        return;
    json_each(member, json_get(check->config, "match")) {
        const struct crm_field *field = kind_field(check, object, "match", member->key);
        char where[200];
        snprintf(where, sizeof where, "match/%s", member->key);
        if (field && !field->filterable)
            kind_check_fail(check, where, "recipe.not_filterable",
                            "%s.%s cannot be used in a condition", object->name, field->name);
    }
    json_each(name, json_get(check->config, "return")) {
        if (!strchr(json_text(name), '.')) /* paths are the connector's business */
            kind_field(check, object, "return", json_text(name));
    }
}

static const char **field_list(struct column_batch *batch, size_t *count)
{
    const struct json *list = json_get(batch->config, "return");
    const char **fields = arena_array(batch->arena, (list ? list->len : 0) + 1, sizeof *fields);
    *count = 0;
    if (json_is(list, JSON_STRING))
        fields[(*count)++] = json_text(list);
    json_each(name, list)
        fields[(*count)++] = json_text(name);
    return fields;
}

/* {"id":..., the record's members, "matches": n when there are several} */
static void take(struct column_batch *batch, size_t i, const struct crm_match *match)
{
    struct err err = {0};
    int64_t matches = 0;
    if (!match) {
        batch_no_result(batch, i);
        return;
    }
    for (const struct crm_match *m = match; m; m = m->next)
        matches++;
    const struct json *record =
        match->record ? json_parse(batch->arena, match->record, strlen(match->record), &err) : NULL;
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "id", match->id);
    json_each(member, record) {
        if (text_eq(member->key, "attributes"))
            continue;
        jw_key(&w, member->key);
        jw_value(&w, member);
    }
    if (matches > 1)
        jw_kv_int(&w, "matches", matches);
    jw_end_object(&w);
    struct value value = {arena_strndup(batch->arena, buf_text(&text), text.len),
                          (uint32_t)text.len};
    buf_free(&text);
    if (batch->plan->column->type == TYPE_JSON)
        batch_value(batch, i, value);
    else
        batch_value(batch, i, value_of(match->id));
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct job_session *on = batch_session(batch, err);
    if (!on)
        return batch_call_failed(batch, err);
    if (job_over_budget(batch->job, on)) {
        batch->job->stop_column = true;
        memset(batch->stored, true, batch->count);
        return OK;
    }
    struct crm_lookup lookup = {.object = json_get_text(batch->config, "object"),
                                .row_count = batch->count,
                                .and_where = json_get_text(batch->config, "where")};
    lookup.contains = text_eq(json_get_text(batch->config, "compare"), "contains");
    if (batch_lookup_keys(batch, json_get(batch->config, "match"), &lookup, err) != OK)
        return FAIL;
    lookup.return_fields = field_list(batch, &lookup.return_count);
    struct crm_match **matches = arena_array(batch->arena, batch->count, sizeof *matches);
    if (on->session->does->lookup(on->session, &lookup, batch->arena, matches, err) != OK)
        return batch_call_failed(batch, err);
    for (size_t i = 0; i < batch->count; i++)
        take(batch, i, matches[i]);
    batch->job->report->looked_up += (int64_t)batch->count;
    return OK;
}

const struct column_kind salesforce_lookup_column = {
    .name = "salesforce_lookup",
    .title = "Look up a Salesforce record",
    .help = "Finds the oldest record whose fields hold the row's values.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .type = TYPE_JSON,
    .batch_rows = 5000,
    .validate = validate,
    .execute = execute,
};
