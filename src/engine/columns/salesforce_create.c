/* salesforce_create.c - one new record a row, once.
 *
 * A row whose operation is done keeps its record for good, however often the
 * column runs. With unless_found, looking up and creating are one operation
 * under the key's single flight: a record that is there is the row's record. */
#include "engine/columns/org_write.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to write to", NULL, NULL, 0, 0},
    {"object", OPT_OBJECT, true, "object to create", NULL, NULL, 0, 0},
    {"set", OPT_FIELD_MAP, true, "fields and their values; Parent.Key__c names a parent by its key",
     NULL, NULL, 0, 0},
    {"unless_found", OPT_FIELD_MAP, false,
     "fields and values: a record that holds all of them is taken instead", NULL, NULL, 0, 0},
    FIND_NORMALISE,
    FIND_SEVERAL("oldest"),
    FIND_RULE,
    WRITE_OWNERS,
    WRITE_ASSIGN,
    WRITE_DEPENDENT,
    WRITE_DUPLICATES,
    {"prefer_completeness", OPT_BOOL, false,
     "send again when nothing tells whether a lost request was executed", "false", NULL, 0, 0},
    WRITE_TRANSPORT,
    WRITE_SOURCE,
};

static void validate(struct kind_check *check)
{
    const struct crm_object *object = kind_object(check);
    const struct json *unless_found = json_get(check->config, "unless_found");
    if (!object)
        return;
    write_check_fields(check, object, OP_CREATE);
    find_check(check, object, "unless_found", unless_found);
}

/* --------------------------------------------------------- rows with a record */

static void keep_records(struct write_column *w)
{
    for (size_t i = 0; i < w->batch->count; i++) {
        const struct op *last = &w->intents[i].last;
        if (!write_undecided(w, i) || last->state != OP_DONE || !last->id || !last->result_id)
            continue;
        if (last->kind == OP_DELETE || w->batch->job->options->force_new)
            continue; /* an undo took its record away */
        write_settled(w, i, last->result_id, !last->adopted);
        w->batch->job->report->unchanged++;
    }
}

/* ------------------------------------------------------------- business key */

/* The unique field that both `set` and the key hold; without a key the first that `set` holds. */
static struct mode create_mode(const struct crm_object *object, const struct json *config)
{
    const struct json *set = json_get(config, "set"), *key = json_get(config, "unless_found");
    const char *unique = mode_unique_match(object, key, set);
    json_each(member, key ? NULL : set) {
        const struct crm_field *field = crm_object_field(object, member->key);
        if (!unique && field && field->unique)
            unique = field->name;
    }
    return mode_choose(object, OP_CREATE, unique, config);
}

static void key_from_set(struct write_column *w)
{
    for (size_t j = 0; j < w->field_count; j++) {
        if (!w->key_field || !text_eq(w->fields[j].field->name, w->key_field))
            continue;
        for (size_t i = 0; i < w->batch->count; i++) {
            struct err ignored = {0};
            const char *json = w->intents[i].values[j];
            struct value value =
                json ? json_as_text(w->batch->arena,
                                    json_parse(w->batch->arena, json, strlen(json), &ignored))
                     : VALUE_NULL;
            if (value.len)
                w->intents[i].key_value = mode_key_norm(w->batch->arena, w->fields[j].field, value);
        }
    }
}

/* ------------------------------------------------------------- unless_found */

static void take_keys(struct write_column *w, struct find *find)
{
    for (size_t i = 0; i < w->batch->count; i++) {
        struct write_intent *intent = &w->intents[i];
        if (!write_undecided(w, i)) {
            find_skip(find, i);
            continue;
        }
        const char *names = NULL;
        intent->key_value = find_business_key(find, w->object, i, &names);
        if (!intent->key_value)
            batch_fail(w->batch, i, CELL_REFUSED, "refused.blank_key",
                       "unless_found needs a value: without it a duplicate cannot be ruled out");
        else if (!w->key_field)
            w->key_field = names;
    }
}

static enum status find_existing(struct write_column *w, const struct json *unless_found,
                                 struct err *err)
{
    struct find find;
    struct crm_match **matches = arena_array(w->batch->arena, w->batch->count + 1, sizeof *matches);
    const struct crm_match **chosen =
        arena_array(w->batch->arena, w->batch->count + 1, sizeof *chosen);
    if (find_open(&find, w->batch, w->on, w->object->name, unless_found, SEVERAL_OLDEST, err) != OK)
        return FAIL;
    take_keys(w, &find);
    if (w->batch->job->options->force_new)
        return OK;
    if (find_run(&find, matches, err) != OK)
        return batch_call_failed(w->batch, err);
    if (find_choose(&find, matches, chosen, err) != OK)
        return FAIL;
    for (size_t i = 0; i < w->batch->count; i++) {
        w->intents[i].looked_ms = find.looked_ms;
        if (!chosen[i] || !write_undecided(w, i))
            continue;
        write_settled(w, i, chosen[i]->id, false);
        w->batch->job->report->adopted++;
    }
    return OK;
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct write_column w;
    bool ready;
    const struct json *unless_found = json_get(batch->config, "unless_found");
    if (write_open(&w, batch, OP_CREATE, &ready, err) != OK)
        return FAIL;
    if (!ready)
        return OK;
    if (write_history(&w, err) != OK)
        return FAIL;
    keep_records(&w);
    if (write_fill(&w, err) != OK)
        return FAIL;
    if (!unless_found)
        key_from_set(&w);
    else if (find_existing(&w, unless_found, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (write_undecided(&w, i))
            write_create(&w, i);
    write_fold(&w);
    return write_intents(&w, err);
}

const struct column_kind salesforce_create_column = {
    .name = "salesforce_create",
    .title = "Create a Salesforce record",
    .help = "Creates one record for each row, never two.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .writes = true,
    .type = TYPE_JSON,
    .mode = create_mode,
    .batch_rows = ORG_ROWS,
    .validate = validate,
    .execute = execute,
};
