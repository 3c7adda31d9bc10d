/* salesforce_update.c - changes fields of records that are there.
 *
 * The live records are read first: what already holds the value is left alone
 * (no operation, no call), the overwrite rules are applied to what is really
 * there, and the old values go into the journal for undo. PATCH by Id cannot
 * create anything. */
#include "engine/columns/org_write.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to write to", NULL, NULL, 0, 0},
    {"object", OPT_OBJECT, true, "object to change", NULL, NULL, 0, 0},
    {"id", OPT_TEMPLATE, true, "Id of the record", NULL, NULL, 0, 0},
    {"set", OPT_FIELD_MAP, true, "fields and their values", NULL, NULL, 0, 0},
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
    if (object)
        write_check_fields(check, object, OP_UPDATE);
}

static const char **field_names(struct write_column *w)
{
    const char **names = arena_array(w->batch->arena, w->field_count + 1, sizeof *names);
    for (size_t j = 0; j < w->field_count; j++)
        names[j] = w->fields[j].field->name;
    return names;
}

static enum status fill_ids(struct write_column *w, struct value *ids, struct err *err)
{
    struct template id;
    if (template_make(w->batch->arena, json_get(w->batch->config, "id"), &id, err) != OK)
        return FAIL;
    for (size_t i = 0; i < w->batch->count; i++) {
        if (!write_undecided(w, i))
            continue;
        if (template_fill(w->batch, i, &id, SLOT_PLAIN, &ids[i], err) != OK)
            return FAIL;
        if (ids[i].text && ids[i].len)
            continue;
        ids[i] = VALUE_NULL;
        batch_fail(w->batch, i, CELL_REFUSED, "refused.no_id", "there is no record Id to write to");
    }
    return OK;
}

static void compare(struct write_column *w, size_t i, const struct crm_match *match)
{
    struct err ignored = {0};
    if (!match) {
        batch_fail(w->batch, i, CELL_REFUSED, "refused.not_found",
                   "no %s with this Id is visible to the connected user", w->object->name);
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
    static const char *const by_id[] = {"Id"};
    struct value *ids = arena_array(w->batch->arena, w->batch->count, sizeof *ids);
    struct crm_match **matches = arena_array(w->batch->arena, w->batch->count, sizeof *matches);
    if (fill_ids(w, ids, err) != OK)
        return FAIL;
    struct crm_lookup lookup = {.object = w->object->name,
                                .match_fields = by_id,
                                .match_count = 1,
                                .return_fields = field_names(w),
                                .return_count = w->field_count,
                                .keys = ids,
                                .row_count = w->batch->count};
    if (w->on->session->does->lookup(w->on->session, &lookup, w->batch->arena, matches, err) != OK)
        return batch_call_failed(w->batch, err);
    for (size_t i = 0; i < w->batch->count; i++)
        if (write_undecided(w, i))
            compare(w, i, matches[i]);
    return OK;
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct write_column w;
    bool ready;
    if (write_open(&w, batch, OP_UPDATE, &ready, err) != OK)
        return FAIL;
    if (!ready)
        return OK;
    w.mode = mode_choose(w.object, OP_UPDATE, NULL);
    if (write_history(&w, err) != OK || write_fill(&w, err) != OK || read_live(&w, err) != OK)
        return FAIL;
    return write_intents(&w, err);
}

const struct column_kind salesforce_update_column = {
    .name = "salesforce_update",
    .title = "Update a Salesforce record",
    .help = "Changes fields of an existing record; cannot create one.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .writes = true,
    .type = TYPE_JSON,
    .batch_rows = 5000,
    .validate = validate,
    .execute = execute,
};
