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
    {"set", OPT_FIELD_MAP, true, "fields and their values", NULL, NULL, 0, 0},
    {"unless_found", OPT_FIELD_MAP, false,
     "fields and values: a record that holds all of them is taken instead", NULL, NULL, 0, 0},
    {"duplicate_rule_override", OPT_BOOL, false, "save although a duplicate rule warns", "false",
     NULL, 0, 0},
    {"prefer_completeness", OPT_BOOL, false,
     "send again when nothing tells whether a lost request was executed", "false", NULL, 0, 0},
};

static void validate(struct kind_check *check)
{
    const struct crm_object *object = kind_object(check);
    if (!object)
        return;
    write_check_fields(check, object, OP_CREATE);
    json_each(member, json_get(check->config, "unless_found")) {
        const struct crm_field *field = kind_field(check, object, "unless_found", member->key);
        char where[200];
        snprintf(where, sizeof where, "unless_found/%s", member->key);
        if (field && !field->filterable)
            kind_check_fail(check, where, "recipe.not_filterable",
                            "%s.%s cannot be used in a condition", object->name, field->name);
    }
}

/* --------------------------------------------------------- rows with a record */

static void keep_records(struct write_column *w)
{
    for (size_t i = 0; i < w->batch->count; i++) {
        const struct op *last = &w->intents[i].last;
        if (!write_undecided(w, i) || last->state != OP_DONE || !last->id || !last->result_id)
            continue;
        if (w->batch->job->options->force_new)
            continue;
        write_settled(w, i, last->result_id, !last->adopted);
        w->batch->job->report->unchanged++;
    }
}

/* ------------------------------------------------------------- business key */

/* The unique field that both `set` and the key hold, or NULL. */
static const char *unique_key(struct write_column *w, const struct json *unless_found)
{
    const struct json *set = json_get(w->batch->config, "set");
    if (unless_found) {
        const struct json *only = unless_found->first;
        const struct crm_field *field = crm_object_field(w->object, only->key);
        bool same = text_eq(json_text(only), json_text(json_get_nocase(set, only->key)));
        return !only->next && field && field->unique && same ? field->name : NULL;
    }
    for (size_t j = 0; j < w->field_count; j++)
        if (w->fields[j].field->unique)
            return w->fields[j].field->name;
    return NULL;
}

static const char *joined_names(struct write_column *w, const struct json *unless_found)
{
    struct buf text = BUF_INIT;
    json_each(member, unless_found)
        buf_printf(&text, "%s%s", text.len ? "+" : "", member->key);
    const char *names = arena_strdup(w->batch->arena, buf_text(&text));
    buf_free(&text);
    return names;
}

static const char *joined_key(struct write_column *w, const struct crm_lookup *lookup, size_t row)
{
    struct buf text = BUF_INIT;
    for (size_t j = 0; j < lookup->match_count; j++) {
        const struct crm_field *field = crm_object_field(w->object, lookup->match_fields[j]);
        struct value value = lookup->keys[row * lookup->match_count + j];
        const char *norm = value.text ? mode_key_norm(w->batch->arena, field, value) : "";
        if (text_blank(norm)) {
            buf_free(&text);
            return NULL;
        }
        buf_printf(&text, "%s%s", j ? "\x1f" : "", norm);
    }
    const char *key = arena_strndup(w->batch->arena, buf_text(&text), text.len);
    buf_free(&text);
    return key;
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

static void skip_decided(struct write_column *w, struct crm_lookup *lookup)
{
    struct value *keys = (struct value *)lookup->keys; /* ours, from batch_lookup_keys */
    for (size_t i = 0; i < w->batch->count; i++)
        for (size_t j = 0; j < lookup->match_count && !write_undecided(w, i); j++)
            keys[i * lookup->match_count + j] = VALUE_NULL;
}

static void take_keys(struct write_column *w, const struct crm_lookup *lookup)
{
    for (size_t i = 0; i < w->batch->count; i++) {
        if (!write_undecided(w, i))
            continue;
        w->intents[i].key_value = joined_key(w, lookup, i);
        if (!w->intents[i].key_value)
            batch_fail(w->batch, i, CELL_REFUSED, "refused.blank_key",
                       "unless_found needs a value: without it a duplicate cannot be ruled out");
    }
}

static enum status find_existing(struct write_column *w, const struct json *unless_found,
                                 struct err *err)
{
    struct crm_lookup lookup = {.object = w->object->name};
    struct crm_match **matches = arena_array(w->batch->arena, w->batch->count, sizeof *matches);
    if (batch_lookup_keys(w->batch, unless_found, &lookup, err) != OK)
        return FAIL;
    take_keys(w, &lookup);
    skip_decided(w, &lookup);
    if (w->batch->job->options->force_new)
        return OK;
    if (w->on->session->does->lookup(w->on->session, &lookup, w->batch->arena, matches, err) != OK)
        return batch_call_failed(w->batch, err);
    for (size_t i = 0; i < w->batch->count; i++) {
        if (!matches[i] || !write_undecided(w, i))
            continue;
        write_settled(w, i, matches[i]->id, false);
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
    const char *unique = unique_key(&w, unless_found);
    w.key_field = unless_found && !unique ? joined_names(&w, unless_found) : unique;
    w.mode = mode_choose(w.object, OP_CREATE, unique);
    if (!unless_found)
        key_from_set(&w);
    else if (find_existing(&w, unless_found, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (write_undecided(&w, i))
            write_payload(&w, i);
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
    .batch_rows = 5000,
    .validate = validate,
    .execute = execute,
};
