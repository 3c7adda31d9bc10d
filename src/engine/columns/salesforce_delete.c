/* salesforce_delete.c - deletes the record that a row names.
 *
 * Off unless the recipe's guard names the object (guard: may_delete: [Lead]).
 * The record goes to the Recycle Bin; what it held goes into the journal first,
 * so that undo can make it again should the bin be emptied. A record that is
 * gone already is what was wanted. */
#include "engine/columns/org_target.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to write to", NULL, NULL, 0, 0},
    {"object", OPT_OBJECT, true, "object to delete from; the guard's may_delete must name it", NULL,
     NULL, 0, 0},
    TARGET_ID,
    TARGET_MATCH,
    FIND_NORMALISE,
    FIND_SEVERAL("refuse"),
    FIND_RULE,
    WRITE_TRANSPORT,
};

static void not_allowed(struct err *err, const char *object)
{
    err_cause(err, "Deleting is off unless the table's guard names the object.");
    err_hint(err, "Add guard: may_delete: [%s] to the recipe if it should.", object);
}

static void validate(struct kind_check *check)
{
    const struct crm_object *object = kind_object(check);
    if (!object)
        return;
    target_check(check, object);
    if (!guard_may_delete(check->table, object->name))
        not_allowed(kind_check_fail(check, "object", "guard.may_delete",
                                    "this table may not delete %s records", object->name),
                    object->name);
    if (!object->deletable)
        kind_check_fail(check, "object", "recipe.not_deletable",
                        "the connected user may not delete %s records", object->name);
}

/* Everything that a new record could be made from. */
static const char **fields_to_keep(struct write_column *w, size_t *count)
{
    const char **names = arena_array(w->batch->arena, w->object->field_count + 2, sizeof *names);
    *count = 0;
    for (size_t i = 0; i < w->object->field_count; i++) {
        const struct crm_field *field = &w->object->fields[i];
        bool keeps = field->createable && !text_eq(field->type, "address") &&
                     !text_eq(field->type, "location") && !text_eq(field->type, "base64");
        if (keeps || text_eq(field->name, "SystemModstamp"))
            names[(*count)++] = field->name;
    }
    return names;
}

/* What an earlier operation of this cell deleted stays deleted. */
static void keep_results(struct write_column *w)
{
    for (size_t i = 0; i < w->batch->count; i++) {
        const struct op *last = &w->intents[i].last;
        if (!write_undecided(w, i) || !last->id || last->state != OP_DONE || !last->result_id)
            continue;
        write_settled(w, i, last->result_id, false);
        w->batch->job->report->unchanged++;
    }
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct write_column w;
    struct targets targets;
    bool ready;
    if (write_open(&w, batch, OP_DELETE, &ready, err) != OK)
        return FAIL;
    if (!ready)
        return OK;
    if (!guard_may_delete(batch->table, w.object->name)) {
        err_set(err, "guard.may_delete", "this table may not delete %s records", w.object->name);
        not_allowed(err, w.object->name);
        return FAIL;
    }
    if (write_history(&w, err) != OK)
        return FAIL;
    keep_results(&w);
    targets.fields = fields_to_keep(&w, &targets.field_count);
    if (targets_find(&w, &targets, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (targets.records[i] && write_undecided(&w, i))
            write_delete(&w, i, targets.records[i]);
    return write_intents(&w, err);
}

const struct column_kind salesforce_delete_column = {
    .name = "salesforce_delete",
    .title = "Delete a Salesforce record",
    .help = "Deletes the record that a row names. Off unless the table's guard allows it.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .writes = true,
    .type = TYPE_JSON,
    .mode = mode_by_id,
    .batch_rows = 1000,
    .validate = validate,
    .execute = execute,
};
