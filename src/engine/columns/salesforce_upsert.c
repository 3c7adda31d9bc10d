/* salesforce_upsert.c - creates or changes the record with a key.
 *
 * The live records are read by key first, so that equal values cost nothing and
 * the overwrite rules see what is there. The write itself goes by key: should a
 * record appear in between, Salesforce updates it instead of making a second. */
#include "engine/columns/org_write.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to write to", NULL, NULL, 0, 0},
    {"object", OPT_OBJECT, true, "object to write", NULL, NULL, 0, 0},
    {"external_id", OPT_FIELD, true, "External ID field; its value stands in set", NULL, NULL, 0,
     0},
    {"set", OPT_FIELD_MAP, true, "fields and their values, the External ID among them", NULL, NULL,
     0, 0},
    {"overwrite", OPT_FIELD_RULES, false, "when a field that holds something is written", "always",
     overwrite_words, 0, 0},
    {"ignore_blank_values", OPT_BOOL, false, "a blank value leaves the field alone", "true", NULL,
     0, 0},
    {"duplicate_rule_override", OPT_BOOL, false, "save although a duplicate rule warns", "false",
     NULL, 0, 0},
};

static void validate(struct kind_check *check)
{
    const struct crm_object *object = kind_object(check);
    if (!object)
        return;
    write_check_fields(check, object, OP_UPSERT);
    const char *name = json_get_text(check->config, "external_id");
    const struct crm_field *field = crm_object_field(object, name);
    if (!field)
        kind_check_fail(check, "external_id", "recipe.unknown_field", "%s has no field \"%s\"",
                        object->name, name);
    else if (!field->external_id && !field->id_lookup)
        kind_check_fail(check, "external_id", "recipe.not_external_id",
                        "%s.%s is not an External ID field", object->name, field->name);
    if (!json_get_nocase(json_get(check->config, "set"), name))
        kind_check_fail(check, "set", "recipe.no_key", "set must hold the External ID %s", name);
}

static int key_place(const struct write_column *w)
{
    for (size_t j = 0; j < w->field_count; j++)
        if (text_eq_nocase(w->fields[j].field->name, w->key_field))
            return (int)j;
    return -1;
}

static void take_keys(struct write_column *w, int place, struct value *keys)
{
    struct arena *arena = w->batch->arena;
    for (size_t i = 0; i < w->batch->count; i++) {
        struct err ignored = {0};
        const char *json = place >= 0 ? w->intents[i].values[place] : NULL;
        if (!write_undecided(w, i))
            continue;
        if (json)
            keys[i] = json_as_text(arena, json_parse(arena, json, strlen(json), &ignored));
        if (!keys[i].text || !keys[i].len) {
            keys[i] = VALUE_NULL;
            batch_fail(w->batch, i, CELL_REFUSED, "refused.blank_key",
                       "the External ID %s is blank", w->key_field);
            continue;
        }
        w->intents[i].key_value = mode_key_norm(arena, w->fields[place].field, keys[i]);
    }
}

static void compare(struct write_column *w, size_t i, const struct crm_match *match)
{
    struct err ignored = {0};
    if (!match) {
        write_payload(w, i);
        return;
    }
    if (match->next) {
        batch_fail(w->batch, i, CELL_REFUSED, "refused.several",
                   "several %s records hold this External ID", w->object->name);
        return;
    }
    w->intents[i].target_id = match->id;
    const struct json *live =
        match->record ? json_parse(w->batch->arena, match->record, strlen(match->record), &ignored)
                      : NULL;
    if (write_difference(w, i, live))
        return;
    write_settled(w, i, match->id, false);
    w->batch->job->report->unchanged++;
}

static enum status read_live(struct write_column *w, struct err *err)
{
    struct column_batch *batch = w->batch;
    struct value *keys = arena_array(batch->arena, batch->count, sizeof *keys);
    struct crm_match **matches = arena_array(batch->arena, batch->count, sizeof *matches);
    const char **names = arena_array(batch->arena, w->field_count + 1, sizeof *names);
    for (size_t j = 0; j < w->field_count; j++)
        names[j] = w->fields[j].field->name;
    take_keys(w, key_place(w), keys);
    struct crm_lookup lookup = {.object = w->object->name,
                                .match_fields = &w->key_field,
                                .match_count = 1,
                                .return_fields = names,
                                .return_count = w->field_count,
                                .keys = keys,
                                .row_count = batch->count};
    if (w->on->session->does->lookup(w->on->session, &lookup, batch->arena, matches, err) != OK)
        return batch_call_failed(batch, err);
    for (size_t i = 0; i < batch->count; i++)
        if (write_undecided(w, i))
            compare(w, i, matches[i]);
    return OK;
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct write_column w;
    bool ready;
    if (write_open(&w, batch, OP_UPSERT, &ready, err) != OK)
        return FAIL;
    if (!ready)
        return OK;
    w.key_field = json_get_text(batch->config, "external_id");
    w.mode = mode_choose(w.object, OP_UPSERT, w.key_field);
    if (write_history(&w, err) != OK || write_fill(&w, err) != OK || read_live(&w, err) != OK)
        return FAIL;
    write_fold(&w);
    return write_intents(&w, err);
}

const struct column_kind salesforce_upsert_column = {
    .name = "salesforce_upsert",
    .title = "Upsert a Salesforce record",
    .help = "Creates the record with an External ID, or changes it when it is there.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .writes = true,
    .type = TYPE_JSON,
    .batch_rows = 5000,
    .validate = validate,
    .execute = execute,
};
