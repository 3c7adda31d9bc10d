/* salesforce_update.c - changes fields of records that are there.
 *
 * The record is named by its Id, or by fields that it must hold (`match`). The
 * live records are read first: what already holds the value is left alone (no
 * operation, no call), the overwrite rules are applied to what is really there,
 * and the old values go into the journal for undo. Nothing here can create a
 * record: what is sent is a change by Id. */
#include "engine/columns/org_target.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to write to", NULL, NULL, 0, 0},
    {"object", OPT_OBJECT, true, "object to change", NULL, NULL, 0, 0},
    TARGET_ID,
    TARGET_MATCH,
    FIND_NORMALISE,
    FIND_SEVERAL("refuse"),
    FIND_RULE,
    {"set", OPT_FIELD_MAP, true, "fields and their values; Parent.Key__c names a parent by its key",
     NULL, NULL, 0, 0},
    WRITE_OVERWRITE,
    WRITE_BLANKS,
    WRITE_DEPENDENT,
    WRITE_IF_CHANGED,
    WRITE_ASSIGN,
    WRITE_DUPLICATES,
    WRITE_TRANSPORT,
    WRITE_SOURCE,
    WRITE_AS_OF,
};

static void validate(struct kind_check *check)
{
    const struct crm_object *object = kind_object(check);
    if (!object)
        return;
    target_check(check, object);
    write_check_fields(check, object, OP_UPDATE);
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct write_column w;
    struct targets targets;
    bool ready;
    if (write_open(&w, batch, OP_UPDATE, &ready, err) != OK)
        return FAIL;
    if (!ready)
        return OK;
    if (write_history(&w, err) != OK || write_fill(&w, err) != OK)
        return FAIL;
    const char **fields = write_return_fields(&w, &targets.field_count);
    targets.fields = fields;
    if (targets_find(&w, &targets, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (targets.records[i] && write_undecided(&w, i))
            write_change(&w, i, targets.records[i]);
    return write_intents(&w, err);
}

const struct column_kind salesforce_update_column = {
    .name = "salesforce_update",
    .title = "Update a Salesforce record",
    .help = "Changes fields of a record named by its Id or by what it holds; never creates one.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .writes = true,
    .type = TYPE_JSON,
    .mode = mode_by_id,
    .batch_rows = ORG_ROWS_CHANGE,
    .validate = validate,
    .execute = execute,
};
